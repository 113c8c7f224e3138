/* handshake: which HELLO of a peer is accepted, which is refused, and what is remembered of that.
 *
 * We refuse a HELLO that does not come from the node we share the link with, a major version that
 * we do not speak, another idea of what is over or forgotten, and a rival: a second process of the
 * peer's name while the first one lives. The other end may refuse us, too: then it gets no HELLO of
 * ours for a while. It proves nothing: only the transport's keys stop a process that lies in its
 * HELLO. What is counted and logged, and whether the link goes down, is bus/link/peer.c's.
 *
 * Invariant: a rival is refused only if the process that has the name was heard at least
 * HANDSHAKE_RIVAL_MS after the rival's first HELLO. */
#ifndef ZHERD_BUS_LINK_HANDSHAKE_H
#define ZHERD_BUS_LINK_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/link/wire.h"

/* For this time after the first HELLO of a new process of a peer's name, messages of the process
 * before it may merely be late. */
#define HANDSHAKE_RIVAL_MS 1000
/* A refused node waits for a person to change something. */
#define HANDSHAKE_PAUSE_MS 30000

/* What a HELLO is compared with. */
struct handshake_link {
    struct span herd;     /* ours */
    struct span peer;     /* the node at the other end */
    uint64_t incarnation; /* ours */
    uint64_t expire_ms;   /* herd/expire, 0 without, and herd/forget as our file has them */
    bool forget;
};

struct handshake {
    bool refusal_owed; /* `incarnation` must hear it */
    enum wire_refusal code;
    uint64_t incarnation;
    char text[WIRE_TEXT_BYTES_MAX + 1]; /* of our last refusal */
    int64_t quiet_until;                /* no news about refusing them before */

    uint64_t rival;   /* another incarnation that said HELLO while the link was up */
    int64_t rival_at; /* when it did so first */

    uint64_t refused_by;   /* the incarnation that refused us last, */
    uint64_t refused_code; /* and why: an enum wire_refusal, or a newer version's */
    int64_t refused_until; /* no HELLO before, unless another incarnation says an acceptable one */
    int64_t in_use_until[2]; /* no news before about names in use, another's and ours */
};

void handshake_init(struct handshake *handshake);

/* Whether what the HELLO says of itself must be refused; `text` then has a sentence that reads the
 * same at both ends and may hold a stranger's bytes. */
bool handshake_refuses_hello(struct handshake *handshake, const struct handshake_link *link,
                             const struct wire_message *hello);

/* For a message of a major version that we do not speak: its sender could not read a refusal, so
 * none is owed. */
void handshake_refuse_version(struct handshake *handshake, uint64_t version);

/* Whether `incarnation`, a process of the peer's name that does not know us, must be refused, where
 * the link is up with another one that was last heard at `heard_at`. Until that is clear, and
 * while it was refused a moment ago, the answer is no. */
bool handshake_refuses_rival(struct handshake *handshake, struct span name, uint64_t incarnation,
                             int64_t heard_at, int64_t now_ms);

/* The name belongs to one process again. */
void handshake_forget_rival(struct handshake *handshake);

/* To be called once for each refusal of ours: whether it is to be logged, once in
 * HANDSHAKE_PAUSE_MS. */
bool handshake_is_news(struct handshake *handshake, int64_t now_ms);

/* Writes the REFUSED that is owed, but for its `from_incarnation`. Borrows the text. */
void handshake_write_refused(struct handshake *handshake, struct wire_message *message);

/* They refused us, and will again until a person has changed something. False where that is known,
 * for HANDSHAKE_PAUSE_MS. */
bool handshake_refused_by(struct handshake *handshake, uint64_t incarnation, uint64_t code,
                          int64_t now_ms);

/* Our file was read again, or theirs: a pause that began because herd/expire or herd/forget
 * differed is over. */
void handshake_end_pause(struct handshake *handshake);

/* They refused a process because another one has its name: ours, or another. Whether that is to be
 * logged, once in HANDSHAKE_PAUSE_MS. */
bool handshake_in_use_is_news(struct handshake *handshake, bool is_ours, int64_t now_ms);

/* An acceptable HELLO of that incarnation came. */
void handshake_accept(struct handshake *handshake, uint64_t incarnation);

#endif
