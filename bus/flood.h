/* flood: the table and all links of one node: put an event in, pull messages out.
 *
 * It decides everything about who must be told what, and does no I/O: time is an argument
 * (milliseconds of any clock that never runs backwards), messages are bytes, and what happened
 * is pulled as events. Nothing calls back. The daemon, the simulator and the benchmarks link the
 * same object file.
 *
 * One turn of a node's loop, whatever carries its messages (tests/unit/flood_example.c runs it).
 * Between two turns it may call flood_local and flood_find as its clients ask; the last line says
 * when there must be a turn although nothing came.
 *
 *     static void turn(struct node *node, int64_t now_ms)
 *     {
 *         struct link_event event;
 *         struct span message;
 *         size_t peer, bytes;
 *         while (take_message(node, &peer, &message))
 *             flood_receive(node->flood, peer, message, now_ms);
 *         for (peer = 0; peer < node->peer_count; peer++)
 *             while ((bytes = flood_next(node->flood, peer, now_ms, node->out)) > 0)
 *                 if (!send_message(node, peer, node->out, bytes)) {
 *                     flood_refused(node->flood, peer, now_ms);
 *                     break;
 *                 }
 *         while (flood_next_event(node->flood, &event))
 *             log_event(node, &event);
 *         wake_at(node, flood_deadline_ms(node->flood));
 *     }
 *
 * Invariant: whatever is cut, lost, repeated or restarted, once that stops every node of a
 * connected herd comes to hold the same table (bus/PROTOCOL.md tells how, tests/sim proves it). */
#ifndef ZHERD_BUS_FLOOD_H
#define ZHERD_BUS_FLOOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/link/events.h"
#include "bus/link/wire.h"
#include "bus/table/location.h"
#include "bus/table/table.h"

/* Clients a node takes by default before it refuses new ones. */
#define FLOOD_CLIENTS_DEFAULT 4000000u

struct flood_options {
    struct span herd;         /* name of the herd: a HELLO of another herd is refused */
    struct span node;         /* our name */
    const struct span *peers; /* names of the nodes we share a link with */
    size_t peer_count;        /* at most LINK_PEERS_MAX */
    uint64_t incarnation;     /* random, never 0: this process's life */
    uint32_t clients_max;     /* known clients at which local new ones are refused */
    uint8_t hash_key[16];     /* random: keeps chosen ids from colliding in the table */
};

enum flood_outcome {
    FLOOD_STORED, /* newer than what was known: stored, and due on every link */
    FLOOD_STALE,  /* known as new or newer already: changes nothing, still deserves its AT line */
    FLOOD_FULL,   /* a client not seen before, and the table is full: refused */
};

/* A link as the node at its near end sees it. */
struct flood_status_link {
    char name[LOCATION_ORIGIN_BYTES_MAX + 1]; /* of the far end, in printable bytes */
    bool up;
    uint64_t
        incarnation_age_ms; /* since its incarnation was first heard of; 0 while there is none */
    uint64_t due;           /* changes that wait to be told */
    uint64_t in_flight;     /* UPDATEs not acknowledged yet, of WINDOW_UPDATES_MAX */
    uint64_t acked, sent, head;
};

struct flood_status {
    uint64_t digest, clients;
    size_t link_count;
    struct flood_status_link links[WIRE_LINKS_MAX];
};

struct flood;

/* Copies what it needs of the options. */
struct flood *flood_new(const struct flood_options *options);
/* Accepts NULL, sets the caller's pointer to NULL. */
void flood_destroy(struct flood **flood);

/* A client told us: order_ns and difference_ns are already fixed by the caller, the origin is set
 * here, to this node. Stored only if its order time is greater than the stored one's: an equal
 * stamp changes nothing. */
enum flood_outcome flood_local(struct flood *flood, struct location *location);

/* The client's newest location, or false. Borrowed until the next flood_find, flood_local or
 * flood_receive. */
bool flood_find(const struct flood *flood, struct span client, struct location *location);

/* Says which clients the next calls will ask for, up to FLOOD_PREFETCH_MAX: fetches what is known
 * of all of them from memory at once, not one after the other, and gives the refs with which the
 * two calls behind it do the same as flood_local and flood_find. Changes no answer. */
#define FLOOD_PREFETCH_MAX 64
void flood_prefetch(const struct flood *flood, const struct span *clients, struct table_ref *refs,
                    size_t count);
enum flood_outcome flood_local_prefetched(struct flood *flood, struct location *location,
                                          struct table_ref ref);
bool flood_find_prefetched(const struct flood *flood, struct span client, struct table_ref ref,
                           struct location *location);

/* A message of peer `peer` (by the name its connection carries), one whole frame. Bad bytes are
 * counted and cost only this message. */
void flood_receive(struct flood *flood, size_t peer, struct span message, int64_t now_ms);

/* A message of several frames came from the peer, of which nothing is read: one is one frame. */
void flood_receive_parts(struct flood *flood, size_t peer, size_t frames, int64_t now_ms);

/* The next message that is due to `peer`, written to `out` (WIRE_MESSAGE_BYTES_MAX bytes):
 * its size, or 0 when there is nothing to send now. Call until it says 0. */
size_t flood_next(struct flood *flood, size_t peer, int64_t now_ms, char *out);

/* To be asked at the end of a turn of the loop: whether telling waits for the end of the next one,
 * which must not sleep. `has_news` says that something came in this turn, from clients or peers.
 * While it does, more of it may be had without waiting, and a busy node that tells much at once
 * wakes its neighbours seldom; but nothing waits once an UPDATE is full, or into the next
 * millisecond. */
bool flood_coalesces(struct flood *flood, bool has_news, int64_t now_ms);

/* The transport did not take the message flood_next gave last for this peer: it is due again,
 * a little later. */
void flood_refused(struct flood *flood, size_t peer, int64_t now_ms);

/* Whether what is sent to a peer arrives, as far as the peer has shown it. */
struct flood_answers {
    bool awaited;   /* something was sent that has had no answer yet */
    uint64_t count; /* answers so far */
};
struct flood_answers flood_answers(const struct flood *flood, size_t peer);

/* The transport has a new connection to this peer, and nothing was sent over it yet: what was on
 * the way is due again, and something is due at once in any case, so that the peer learns which
 * connection is ours. */
void flood_connected(struct flood *flood, size_t peer, int64_t now_ms);

/* When flood_next must be asked again although nothing arrived: at most a second after the last
 * time it was told; INT64_MAX for a node without peers. */
int64_t flood_deadline_ms(const struct flood *flood);

/* Orderly end: what is due still goes out, then each peer is told GOODBYE. flood_is_over says
 * that nothing remains to be sent; the caller keeps the patience. */
void flood_say_goodbye(struct flood *flood);
bool flood_is_over(const struct flood *flood);

/* The oldest event not pulled yet. A burst beyond the queue drops the oldest. */
bool flood_next_event(struct flood *flood, struct link_event *event);

uint64_t flood_digest(const struct flood *flood);
uint32_t flood_clients(const struct flood *flood);
const struct link_counters *flood_count(const struct flood *flood);

/* ---- For whoever listens to the herd ---- */

/* From now on every change of the table is also news for the caller. A client that changes again
 * before it was pulled is news once, in its newest value. */
void flood_listen(struct flood *flood);

/* The next news, or false. Borrowed as from flood_find. */
bool flood_next_news(struct flood *flood, struct location *location);

/* Asks the node at the other end for its links, once, when the link is up. */
void flood_ask_status(struct flood *flood, size_t peer);

/* What it answered last, owned by the flood; NULL before. */
const struct flood_status *flood_status(const struct flood *flood);

/* One link, for status and for the simulator's invariants: acked <= announced <= sent <= head. */
struct flood_link {
    bool up;
    uint64_t their_incarnation;
    uint64_t acked, announced, sent, head; /* positions of what we tell them */
    uint64_t received;                     /* position of what they told us */
    uint32_t in_flight;                    /* UPDATEs not acknowledged yet */
};
struct flood_link flood_link(const struct flood *flood, size_t peer);

/* Calls nothing and changes nothing: true while every invariant of table and links holds. Costs
 * the size of the table; for tests. */
bool flood_is_sound(const struct flood *flood);

/* The same for one link alone: costs the size of its ring. */
bool flood_link_is_sound(const struct flood *flood, size_t peer);

#endif
