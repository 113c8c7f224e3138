/* refusal: what the two ends of a link say no to.
 *
 * We refuse a HELLO that does not belong here (bus/link/greet.h), a major version that we do not
 * speak, and a rival: a second process of the peer's name while the first one lives. The other end
 * may refuse us, too: then it hears no HELLO of ours for a while. What is counted and logged, and
 * whether the link goes down, is bus/link/peer.c's.
 *
 * Invariant: a rival is refused only after the process that had the name before spoke at a time
 * when its words could not be late ones any more. */
#ifndef ZHERD_BUS_LINK_REFUSAL_H
#define ZHERD_BUS_LINK_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/link/greet.h"
#include "bus/link/wire.h"

/* So long after a new process of a peer's name first spoke, what comes of the one before it is not
 * merely late. */
#define REFUSAL_RIVAL_MS 1000
/* A refused node waits for a person to change something. */
#define REFUSAL_PAUSE_MS 30000

struct refusal {
    bool owed; /* `incarnation` must hear it */
    enum wire_refusal code;
    uint64_t incarnation;
    char text[WIRE_TEXT_BYTES_MAX + 1];
    int64_t told_until; /* no news about refusing them before */

    uint64_t rival;   /* another incarnation that said HELLO while the link was up */
    int64_t rival_at; /* when it did so first */

    uint64_t by;   /* the incarnation that refused us last */
    int64_t until; /* no HELLO before, unless another incarnation says an acceptable one */
};

void refusal_init(struct refusal *refusal);

/* Whether what the HELLO says of itself must be refused. */
bool refusal_of_hello(struct refusal *refusal, const struct greet_link *link,
                      const struct wire_message *hello);

/* Nobody is told whose messages we cannot read. */
void refusal_of_version(struct refusal *refusal, uint64_t version);

/* Whether `incarnation`, a process of the peer's name that does not know us, must be refused, where
 * the link is up with another one that was last heard at `heard_at`. Until that is clear, and
 * while it was told a moment ago, the answer is no. */
bool refusal_of_rival(struct refusal *refusal, struct span name, uint64_t incarnation,
                      int64_t heard_at, int64_t now_ms);

/* The name belongs to one process again. */
void refusal_forget_rival(struct refusal *refusal);

/* Asked once for each refusal of ours: whether the log should hear of it, which it does once in
 * REFUSAL_PAUSE_MS. */
bool refusal_is_news(struct refusal *refusal, int64_t now_ms);

/* Writes the REFUSED that is owed, but for its `from_incarnation`. Borrows the text. */
void refusal_write(struct refusal *refusal, struct wire_message *message);

/* They refused us, and will again until a person has changed something. */
void refusal_heed(struct refusal *refusal, uint64_t by, int64_t now_ms);

/* An acceptable HELLO of that incarnation came. */
void refusal_accept(struct refusal *refusal, uint64_t incarnation);

#endif
