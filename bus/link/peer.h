/* peer: one link: which message goes to the node at its other end, and what one from there means.
 *
 * Incarnations, acknowledgements and the timers of a link live here; the rules are told for people
 * in bus/PROTOCOL.md. It reads the table's size and digest but stores nothing in it: flood does,
 * and fills the locations of an UPDATE. What they were told of ours, and must be told again, is
 * bus/link/window.h's; who is refused is bus/link/handshake.h's.
 *
 * Invariant: a message counts only between the two incarnations that it names, and nothing waits
 * for a incarnation that we do not know. */
#ifndef ZHERD_BUS_LINK_PEER_H
#define ZHERD_BUS_LINK_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/link/digest_check.h"
#include "bus/link/events.h"
#include "bus/link/handshake.h"
#include "bus/link/misread.h"
#include "bus/link/window.h"
#include "bus/link/wire.h"
#include "bus/table/table.h"

/* A stranger is greeted often at first, because two nodes rarely start in the same instant. */
#define PEER_HELLO_QUICK_MS    100
#define PEER_HELLO_QUICK_COUNT 20
#define PEER_HELLO_SLOW_MS     1000
/* Of so many HELLOs one would have been answered, had the peer wanted to. */
#define PEER_HELLOS_UNANSWERED_MAX 20
/* A link that is not up so long after the start is worth a line in the log: all nodes of a herd
 * start within seconds, or somebody should look. */
#define PEER_UNMET_MS 5000
/* Three heartbeats missed. */
#define PEER_SILENCE_MS   6000
#define PEER_HEARTBEAT_MS 2000
/* After traffic, a heartbeat soon shows that both tables are equal. */
#define PEER_REST_MS 200
/* How long an acknowledgement waits for an UPDATE to ride on, and after how many it does not. */
#define PEER_ACK_MS      20
#define PEER_ACK_UPDATES 4

/* What all links of a node share; outlives them. */
struct peer_common {
    struct span herd, node;
    uint64_t incarnation;
    const struct table *table;
    struct events *events;
    struct link_counters *count;
};

/* Times are milliseconds; INT64_MAX is never. */
struct peer {
    const struct peer_common *common;
    size_t index; /* in flood_options.peers */
    struct span name;

    uint64_t theirs; /* their incarnation; 0 while it is unknown */
    bool up;         /* we know their incarnation and they have named ours */
    bool blocked;    /* the transport refused; nothing has been handed over since */
    bool leaving;    /* our goodbye is wanted */
    bool goodbye_said;

    struct window window; /* what we tell them */

    uint64_t received; /* position of what they told us */
    uint32_t unacked;  /* UPDATEs of theirs since we last said so */
    bool gap_owed;     /* they must hear that something is missing */

    struct handshake handshake;

    bool status_wanted; /* ask them */
    bool status_owed;   /* they have asked us */

    struct digest_check digest_check;
    struct misread misread;

    unsigned hellos_quick; /* how many more HELLOs go out quickly */
    int64_t pair_heard_at;
    unsigned hellos_unanswered; /* taken by the transport since we last heard anything */

    bool hello_awaited; /* they must show that they hear us, by any message but a HELLO */
    uint64_t answers;   /* how often they have shown that what we send arrives */
    int64_t stuck_at;   /* while the link is up: when the wait for an acknowledgement ends */
    int64_t unmet_at;   /* when the wait for the first time up ends */

    int64_t met_at; /* when their incarnation was first heard of */
    int64_t heard_at, hello_at, silence_at, ack_at, heartbeat_at;
};

/* `peer` is all zero before. Borrows `common` and `name`. */
void peer_init(struct peer *peer, const struct peer_common *common, size_t index, struct span name);
void peer_free(struct peer *peer);

/* The slot's location changed: the peer must hear of it. Nothing waits for an unknown incarnation,
 * which will be told everything. */
void peer_change(struct peer *peer, uint32_t slot);

/* How many locations wait that may be told now: 0 while the link is down or its window closed. */
uint64_t peer_due(const struct peer *peer);

/* The peer itself told us what stands in the slot now: it need not be told. */
void peer_knows(struct peer *peer, uint32_t slot);

/* Takes a message that wire_read found good. True when it is an UPDATE whose locations must be
 * stored now, because they count as had from here on, or a STATUS. */
bool peer_receive(struct peer *peer, const struct wire_message *message, int64_t now_ms);

/* Takes what is no message, and why it is none; and a message of several frames. */
void peer_receive_malformed(struct peer *peer, struct span bytes, const struct wire_fault *fault,
                            int64_t now_ms);
void peer_receive_parts(struct peer *peer, size_t frames, int64_t now_ms);

/* Takes a frame of another major version. */
void peer_receive_foreign(struct peer *peer, uint64_t version, int64_t now_ms);

/* The next message to send, or false. For a STATUS the caller adds what it tells. For an UPDATE it
 * takes what fits from the ring, adds the locations and then calls peer_announce: there may be
 * none, where all that waited was forgotten, but then, too, the ring has gone on. */
bool peer_next(struct peer *peer, struct wire_message *message, int64_t now_ms);
void peer_announce(struct peer *peer, struct wire_message *message, int64_t now_ms);

/* The transport did not take the message peer_next gave last. */
void peer_refused(struct peer *peer, int64_t now_ms);

/* The transport has a new connection: what was on the way over the old one is told again, and a
 * HEARTBEAT is due, or a HELLO while the link is down. */
void peer_connected(struct peer *peer, int64_t now_ms);

/* Whether something was sent of which they have not shown that it arrived. */
bool peer_awaits(const struct peer *peer);

/* When peer_next has something to do although nothing arrived; INT64_MIN is at once. */
int64_t peer_deadline_ms(const struct peer *peer);

void peer_leave(struct peer *peer);
bool peer_is_over(const struct peer *peer);

/* Invariants; for tests. */
bool peer_is_sound(const struct peer *peer);

#endif
