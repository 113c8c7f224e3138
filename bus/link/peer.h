/* peer: one link: which message goes to the node at its other end, and what one from there means.
 *
 * Incarnations, acknowledgements and the timers of a link live here; bus/PROTOCOL.md states the
 * rules. Of the table it reads size and digest; what it stores there, by peer_put, flood gives it,
 * and fills the locations of an UPDATE. What was sent of ours, and must be sent again, is
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
#include "bus/link/herd_time.h"
#include "bus/link/lazy.h"
#include "bus/link/misread.h"
#include "bus/link/range_check.h"
#include "bus/link/window.h"
#include "bus/link/wire.h"
#include "bus/table/table.h"

/* A stranger is greeted often at first, because two nodes rarely start in the same instant. */
#define PEER_HELLO_QUICK_MS    100
#define PEER_HELLO_QUICK_COUNT 20
#define PEER_HELLO_SLOW_MS     1000
/* Of this number of HELLOs the peer would have answered one, unless its file lacks the link or has
 * another address for us. */
#define PEER_HELLOS_UNANSWERED_MAX 20
/* A link that is not up this time after the start is logged: the nodes of a herd normally all start
 * within seconds. */
#define PEER_UNMET_MS 5000
/* Three heartbeats missed. */
#define PEER_SILENCE_MS   6000
#define PEER_HEARTBEAT_MS 2000 /* under load as well: it carries the check of level 0 */
/* After traffic, a heartbeat soon shows that both tables are equal. */
#define PEER_REST_MS 200
/* In the first seconds of two processes sooner, until all ranges were settled once: who has just
 * started waits for that. */
#define PEER_REST_NEW_MS  20
#define PEER_REST_NEW_FOR 5000
/* How long an acknowledgement waits for an UPDATE to ride on, and after how many it does not. */
#define PEER_ACK_MS      20
#define PEER_ACK_UPDATES 4
/* On a calm link, which no link is in its first seconds, it waits until WINDOW_CALM_MS have passed
 * since the last one that went alone, but for half of the sender's window at most: a hub's
 * neighbours would answer each lone change. */
#define PEER_ACK_CALM_UPDATES (WINDOW_UPDATES_MAX / 2)
#define PEER_CALM_AFTER_MS    2000
/* Changes that found no memory in the ring are made up for at once, then after this pause: a whole
 * table is sent each time. */
#define PEER_FIND_MS 5000
/* What waits for a neighbour that is away for this time is kept no longer where that is more slots
 * than this: as many ranges differ, or the neighbour has heard of it elsewhere. */
#define PEER_ABSENT_MS        10000
#define PEER_ABSENT_SLOTS_MAX (TABLE_RANGES / RANGE_RESYNC_PART)
/* Another incarnation is met so often, for who is met is sent a whole table; and a few sooner than
 * that, because a process may be started again in its first second. */
#define PEER_MEET_MS  1000
#define PEER_MEET_MAX 3
/* A process that is started again says fewer HELLOs before it may be met: more of them are worth a
 * line in the log. */
#define PEER_HELLOS_EARLY_MAX 20
/* Origins that a neighbour may bring of which our file knows nothing, at a time: there may be
 * another file. */
#define PEER_ORIGINS_MAX 16
/* For this time after our start an observer may say where clients are of which we know nothing: it
 * is what our process before this one said. */
#define PEER_OBSERVERS_MS 60000

/* A node of a version that does not say how many clients it knows: it cannot compare tables from
 * the start. */
#define PEER_CLIENTS_UNKNOWN UINT64_MAX
/* Where the tables' numbers of clients differ by more than one of so many, so do too many ranges.
 */
#define PEER_CLIENTS_PART 4u

/* How far a link is. Which step ends a state, and which state follows, is one table in peer.c;
 * bus/PROTOCOL.md has it with words. That they refused us is no state but a pause in which no HELLO
 * is sent (bus/link/handshake.h), and that our process ends is common to all its links. */
enum peer_state {
    PEER_STRANGER, /* their incarnation is unknown */
    PEER_MET,      /* it is known, and they have not named ours since */
    PEER_AWAY,     /* the transport took nothing, and has been given no HELLO since */
    PEER_UP,       /* it is known, and they have named ours */
    PEER_LEFT,     /* still up for what they say, but we have said GOODBYE and say no more */
    PEER_GONE,     /* and now it is down, too */
    PEER_STATES
};

/* What all links of a node share; outlives them. */
struct peer_common {
    struct span herd, node;
    uint64_t incarnation;
    const struct table *table;
    struct range_list *lists;
    struct lazy *lazy;
    struct herd_time *time;
    struct events *events;
    struct link_counters *count;
    int64_t start_ms;  /* when our process began */
    int64_t expire_ms; /* how long a location counts; 0: for ever */
    bool forget;       /* clients of the herd may be forgotten */
    bool leaving;      /* our process ends: what is due still goes out, then GOODBYE */
};

/* Times are milliseconds; INT64_MAX is never. */
struct peer {
    const struct peer_common *common;
    size_t index; /* among the links */
    uint16_t
        owner; /* by that the table knows origins that it brought; stays when `index` changes */
    struct span name;

    enum peer_state state;
    uint64_t theirs;  /* their incarnation; 0 while it is unknown */
    uint64_t version; /* of the messages that both speak, as their HELLO said: the smaller one */
    bool is_observer; /* as our file says: it has nothing to say of any client */
    uint64_t their_clients; /* as their last HELLO said, at most TABLE_CLIENTS_MAX; or
                               PEER_CLIENTS_UNKNOWN */
    bool is_new;            /* the link has not been up with this pair of incarnations */
    bool compares;          /* what they lack is found by comparing; else all is told */
    uint64_t met;    /* incarnations that were met over this link since the start, and how often
                        what waited for one was not kept */
    int64_t meet_at; /* when PEER_MEET_MAX others may be met */
    unsigned hellos_early; /* of others, before that */
    uint64_t refused;      /* locations of this pair of incarnations that count as had and were not
                              kept */

    struct window window; /* what we send them */

    uint64_t received;  /* position of what they sent us */
    uint64_t said;      /* what of it we last said */
    uint32_t unacked;   /* UPDATEs of theirs since then */
    int64_t unacked_ms; /* when the first of them came */
    bool gap_owed;      /* they must hear that something is missing */

    struct handshake handshake;

    bool status_wanted; /* ask them */
    bool status_owed;   /* they have asked us */

    struct range_check checks;        /* of a peer that knows them */
    struct digest_check digest_check; /* of any other; and says when both are equal at rest */
    struct misread misread;

    unsigned hellos_quick; /* how many more HELLOs go out quickly */
    int64_t pair_heard_at;
    unsigned hellos_unanswered; /* taken by the transport since we last heard anything */

    bool hello_awaited; /* they must show that they hear us, by any message but a HELLO */
    uint64_t answers;   /* how often they have shown that what we send arrives */
    int64_t stuck_at;   /* while the link is up: when the wait for an acknowledgement ends */
    int64_t unmet_at;   /* when the wait for the first time up ends */

    int64_t absent_at; /* while the link is down: from when on it is no short break */
    int64_t find_at;   /* when what the ring lost may be made up for */
    int64_t met_at;    /* when their incarnation was first heard of */
    int64_t heard_at, hello_at, silence_at, ack_at, heartbeat_at;
    int64_t alone_at; /* on a calm link no acknowledgement goes alone before that */
    int64_t calm_at;  /* when the link may be called calm */
    int64_t beat_at;  /* a HEARTBEAT is due then whatever else is sent: it has the clocks, and the
                         check of level 0 */
};

/* `peer` is all zero before. Borrows `common` and `name`. */
void peer_init(struct peer *peer, const struct peer_common *common, size_t index, struct span name);
void peer_free(struct peer *peer);

/* The link has that number from now on, stands at `peer`, and borrows that name; `from` is void. */
void peer_move(struct peer *peer, const struct peer *from, size_t index, struct span name);

/* The slot's location changed: the peer must hear of it. Nothing waits for an unknown incarnation:
 * it will be sent everything. */
void peer_change(struct peer *peer, uint32_t slot);

/* How many waiting locations may be sent now: 0 while the link is down or its window closed. */
uint64_t peer_due(const struct peer *peer);

/* The peer itself sent us what stands in the slot now: it need not be sent back. */
void peer_knows(struct peer *peer, uint32_t slot);

/* Takes a message that wire_read found good. True when it is an UPDATE whose locations must be
 * stored now, because they count as had from here on, or a STATUS. */
bool peer_receive(struct peer *peer, const struct wire_message *message, int64_t now_ms);

/* Puts one location of such an UPDATE into the table, as table_put does. One that is not kept, for
 * want of room or because it should not have come from there, is counted, and TABLE_OLDER. */
enum table_outcome peer_put(struct peer *peer, struct table *table, const struct location *location,
                            struct table_ref ref, uint32_t *slot, int64_t now_ms);

/* Takes what is no message, and why it is none; and a message of several frames. */
void peer_receive_malformed(struct peer *peer, struct span bytes, const struct wire_fault *fault,
                            int64_t now_ms);
void peer_receive_parts(struct peer *peer, size_t frames, int64_t now_ms);

/* Takes a frame of another major version. */
void peer_receive_foreign(struct peer *peer, uint64_t version, int64_t now_ms);

/* The next message to send, or false. For a STATUS the caller adds its links. For an UPDATE it
 * takes what fits from the ring, adds the locations and then calls peer_announce: there may be no
 * location, where all that waited was forgotten, but the ring has advanced all the same. */
bool peer_next(struct peer *peer, struct wire_message *message, int64_t now_ms);
void peer_announce(struct peer *peer, struct wire_message *message, int64_t now_ms);

/* The transport did not take the message peer_next gave last. */
void peer_refused(struct peer *peer, int64_t now_ms);

/* The transport has a new connection: what was on the way over the old one is sent again, and a
 * HEARTBEAT is due, or a HELLO while the link is down. */
void peer_connected(struct peer *peer, int64_t now_ms);

/* Our clock has jumped: a HEARTBEAT is due at once. */
void peer_say_time(struct peer *peer, int64_t now_ms);

/* Whether something was sent of which they have not shown that it arrived. */
bool peer_awaits(const struct peer *peer);

/* When peer_next has something to do although nothing arrived; INT64_MIN is at once. */
int64_t peer_deadline_ms(const struct peer *peer);

/* Whether messages of theirs count and the link is reported as up: UP or LEFT. */
bool peer_is_up(const struct peer *peer);

/* Whether our process ends and has nothing more to send to them: a link that is down is not waited
 * for. */
bool peer_is_over(const struct peer *peer);

/* ---- peer_begin.c ------------------------------------------------------------------------ */

/* What a neighbour lacks that is away for long is not kept: as between two processes that meet, all
 * is compared, or told, when it is back. */
void peer_leave_absent(struct peer *peer, int64_t now_ms);

/* ---- peer_acks.c ------------------------------------------------------------------------- */

/* An UPDATE came whose positions count as had: when that is to be said, if nothing says it before.
 */
void peer_owe_ack(struct peer *peer, bool at_once, int64_t now_ms);

/* ---- peer_compare.c ---------------------------------------------------------------------- */

/* To which state of the link what we say of our table belongs. */
struct wire_cut peer_cut(const struct peer *peer, int64_t now_ms);

/* The link has come up. Between two processes that have just met, whose tables may be much alike,
 * it is compared what differs; else everything is told. */
void peer_begin_pair(struct peer *peer, int64_t now_ms);

/* When traffic that ends now is over. */
int64_t peer_rests_at(const struct peer *peer, int64_t now_ms);
/* When a HEARTBEAT is due, however much else is sent. */
int64_t peer_beats_at(const struct peer *peer, int64_t now_ms);

/* All of a HEARTBEAT but `received` and what goes with it. */
void peer_write_heartbeat(const struct peer *peer, struct wire_message *message, int64_t now_ms);

/* A HEARTBEAT, CHECK, LIST or WANT, whose `received` is taken already: whether both ends hold the
 * same. */
void peer_compare(struct peer *peer, const struct wire_message *message, int64_t now_ms);

/* ---- peer_sound.c ------------------------------------------------------------------------ */

/* What must hold in every state, and in the one it is in; for tests. Costs the size of the ring. */
bool peer_is_sound(const struct peer *peer);

#endif
