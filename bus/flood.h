/* flood: the table and all links of one node: put an event in, pull messages out.
 *
 * It decides everything about what is sent to whom, and does no I/O: time is an argument
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
 * What is over leaves the table by and by, in the calls that take a time (flood_set_expire), and
 * its memory with it; limits count what is left.
 *
 * Memory: what the table takes is bounded (table_bytes_max), and so is what each link keeps for a
 * client. Clients of this node are refused at `clients_max`, and leave an eighth of the bytes free;
 * what peers send may take that eighth, and twice the clients. So if all nodes of a herd have the
 * same limits, and clients come a little slower than news crosses the herd, it is a node's own
 * clients that are refused, and the tables stay equal. Beyond that, a location from a peer is
 * refused, too (locations_refused): it is acknowledged and dropped, and the tables differ until
 * there is room.
 *
 * Invariant: whatever is cut, lost, repeated or restarted, once that stops every node of a
 * connected herd comes to hold the same table, but for what a limit refused (bus/PROTOCOL.md says
 * how, tests/sim proves it). */
#ifndef ZHERD_BUS_FLOOD_H
#define ZHERD_BUS_FLOOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/journal/marks.h"
#include "bus/link/events.h"
#include "bus/link/wire.h"
#include "bus/promises.h"
#include "bus/table/location.h"
#include "bus/table/table.h"

/* Known clients at which a node refuses new ones by default. */
#define FLOOD_CLIENTS_DEFAULT 4000000u
/* Locations from peers are taken up to this multiple of it. */
#define FLOOD_PEERS_TIMES 2u
/* Clients of the node leave one part of the table's bytes, of this many, to what peers send. */
#define FLOOD_PEERS_PART 8u
/* A limit of which this much is taken is near. */
#define FLOOD_NEAR_PERCENT 80u
/* What a link may keep for each client, set aside in the table's bytes: up to two places in its
 * ring, half as many again while that grows, and two bits. */
#define FLOOD_LINK_BYTES_PER_CLIENT 16u

struct flood_options {
    struct span herd;         /* name of the herd: a HELLO of another herd is refused */
    struct span node;         /* our name */
    const struct span *peers; /* names of the nodes we share a link with */
    size_t peer_count;        /* at most LINK_PEERS_MAX */
    const struct span *nodes; /* of the topology, at most HERD_TIME_NODES_MAX: whose clocks vote on
                                 the herd's time. A peer that is not among them is an observer, */
    size_t node_count;        /* and so are we. 0: our node and all peers */
    uint64_t incarnation;     /* random, never 0: this process's life */
    uint32_t clients_max;     /* known clients at which local new ones are refused */
    uint64_t
        table_bytes_max;  /* that the table may take, a share for the links among them; 0: any */
    int64_t expire_ms;    /* herd/expire: how long a location counts; 0: off */
    bool forget;          /* herd/forget: clients may be forgotten by FORGET */
    bool nearby;          /* herd/nearby: the table knows who is near (bus/table/grid.h) */
    unsigned promises;    /* herd/answers_after: of enum promises_by; 0: nothing is ever held */
    uint8_t hash_key[16]; /* random: keeps chosen ids from colliding in the table */
};

enum flood_outcome {
    FLOOD_STORED,  /* newer than what was known: stored, and due on every link */
    FLOOD_STALE,   /* known as new or newer already: changes nothing, still deserves its AT line */
    FLOOD_FULL,    /* refused: a client not seen before and the table is full, or a location that
                      takes more bytes than are left. What was known stays */
    FLOOD_UNKNOWN, /* a client not seen before, where only known ones are wanted: not stored */
    FLOOD_EXPIRED  /* a report of our client that is below the horizon: not stored, counted, still
                      deserves its AT line */
};

/* How much of its limits a node has taken. */
struct flood_load {
    uint64_t clients, clients_max;
    uint64_t bytes, bytes_max; /* bytes_max: 0 without a limit */
    uint64_t refused;          /* locations, own and received, without room, since the start */
};

/* How far a node's disk lags behind its table. */
struct flood_journal {
    enum wire_journal state;
    uint64_t due;    /* slots whose newest value is not known to be on the disk */
    uint64_t age_ms; /* how long the first of them has waited, at most; 0 where there is none */
};

/* A link as the node at its near end sees it. */
struct flood_status_link {
    char name[LOCATION_ORIGIN_BYTES_MAX + 1]; /* of the far end, in printable bytes */
    bool up;
    uint64_t
        incarnation_age_ms; /* since its incarnation was first heard of; 0 while there is none */
    uint64_t due;           /* changes that wait to be sent */
    uint64_t in_flight;     /* UPDATEs not acknowledged yet, of WINDOW_UPDATES_MAX */
    uint64_t acked, sent, head;
    uint64_t compared_age_ms; /* since both whole tables were compared last; WIRE_NEVER */
};

struct flood_status {
    uint64_t digest;
    bool has_load; /* of `load` more than its clients: a node of today's version */
    struct flood_load load;
    bool has_time;         /* of the three that follow: a node of today's version */
    int64_t offset_ns;     /* its wall clock minus the herd's time */
    uint64_t votes, above; /* clocks that make that, and locations above the ceiling */
    bool has_journal;      /* of `journal`: a node of today's version */
    struct flood_journal journal;
    size_t link_count;
    struct flood_status_link links[WIRE_LINKS_MAX];
};

struct flood;

/* Copies what it needs of the options. */
struct flood *flood_new(const struct flood_options *options);
/* Accepts NULL, sets the caller's pointer to NULL. */
void flood_destroy(struct flood **flood);

/* A node that was one, or that the topology has since our start: its locations are taken as those
 * of `nodes`. Of other origins PEER_ORIGINS_MAX a peer are taken; without `nodes`, any. */
void flood_know_node(struct flood *flood, struct span node);

/* Other links, and other nodes in the topology, while the node runs. `peers` and `nodes` are as in
 * flood_options. Writes for each of the new peers which number it had, or FLOOD_NEW_LINK, to `was`.
 * A link stays as it is where its peer has the same name and is an observer or not as before; a new
 * one is like one that was never up; of one that is gone nothing is kept, and what waits for it
 * waits no more. Locations of a node that is gone still count. All events were pulled before. */
#define FLOOD_NEW_LINK SIZE_MAX
struct flood_links {
    const struct span *peers;
    size_t peer_count;
    const struct span *nodes;
    size_t node_count;
};
void flood_change_links(struct flood *flood, const struct flood_links *links, size_t *was);

/* Other limits, as in flood_options. What is there already stays. */
void flood_change_limits(struct flood *flood, uint32_t clients_max, uint64_t table_bytes_max);

/* Another herd/answers_after, in two steps: all that waits is settled, kept where an answer is to
 * wait for nothing any more, else broken; and, once all of it was pulled, `promises` holds. */
void flood_end_promises(struct flood *flood, unsigned promises);
void flood_begin_promises(struct flood *flood, unsigned promises);

/* A client's position: order_ns and difference_ns are already fixed by the caller, the origin is
 * set here, to this node. Stored only if its order time is greater than the stored one's, or its
 * stamp is: then order_ns becomes one more than the stored one's. An equal stamp changes nothing.
 */
enum flood_outcome flood_local(struct flood *flood, struct location *location);

/* The client's newest location; false where none is known, it is over, or the client was forgotten.
 * Borrowed until the next flood_find, flood_local or flood_receive. */
bool flood_find(const struct flood *flood, struct span client, struct location *location);

/* For whoever looks at all clients, a part at a time while they come and go: slots are numbered
 * from 0, and flood_read_slot is true for one below flood_slots whose client flood_find would find.
 * Borrowed as from there. */
uint32_t flood_slots(const struct flood *flood);
bool flood_read_slot(const struct flood *flood, uint32_t slot, struct location *location);

/* Says which clients the next calls will ask for, up to FLOOD_PREFETCH_MAX: fetches what is known
 * of all of them from memory at once, not one after the other, and gives the refs with which the
 * calls after it do the same as flood_local and flood_find. Changes no answer. */
#define FLOOD_PREFETCH_MAX 64
void flood_prefetch(const struct flood *flood, const struct span *clients, struct table_ref *refs,
                    size_t count);
enum flood_outcome flood_local_prefetched(struct flood *flood, struct location *location,
                                          struct table_ref ref);
/* As flood_local, of a client that is known; FLOOD_UNKNOWN where it is not. Whether a new one may
 * come is then the caller's decision, and flood_local_unknown takes it, with the same ref and
 * before anything else is done. */
enum flood_outcome flood_local_known(struct flood *flood, struct location *location,
                                     struct table_ref ref);
enum flood_outcome flood_local_unknown(struct flood *flood, struct location *location,
                                       struct table_ref ref);
bool flood_find_prefetched(const struct flood *flood, struct span client, struct table_ref ref,
                           struct location *location);

/* Takes herd/expire and herd/forget as a file that was read again has them; ends the pauses of
 * HELLOs that were refused for them. A link that is up stays up, whatever its other end has: its
 * file may be read again a moment later. */
void flood_set_expire(struct flood *flood, int64_t expire_ms, bool forget);

/* Makes a tombstone of a client that is known as a position, at a moment when the wall clock shows
 * `wall_ns`. `client` must not be borrowed from the flood. Fills `location` with what an AT line
 * says of it, borrowed until the next call. FLOOD_STORED; FLOOD_UNKNOWN, where the client is not
 * known as a position, or in a herd of several nodes no other's clock was heard yet; or FLOOD_FULL,
 * also for an id beside which LOCATION_TEXT_BYTES_MAX leaves no room for a stamp. */
enum flood_outcome flood_forget(struct flood *flood, struct span client, int64_t wall_ns,
                                int64_t now_ms, struct location *location);

/* What the wall clock shows at `now_ms`, 0 or more. Called once before anything else, then about
 * once a second, and when the clock was set. A flood that never was given one has no clock: it does
 * not vote, and takes every order. */
void flood_set_clock(struct flood *flood, int64_t now_ms, int64_t wall_ns);

/* What the herd agrees on (bus/PROTOCOL.md, "Herd time"). */
struct flood_time {
    bool has_clock;
    int64_t offset_ns;  /* the own wall clock minus the herd's upper median */
    uint32_t votes;     /* clocks that were reckoned with; 0: nobody knows the time */
    int64_t accept_ns;  /* the time for what is accepted; like the next one, 0 without a clock */
    int64_t forget_ns;  /* the time for what is called over */
    int64_t ceiling_ns; /* the greatest order that counts; INT64_MAX: any */
    int64_t floor_ns;   /* what the time is at least; INT64_MIN: nobody knows */
    int64_t horizon_ns; /* the least order that counts; INT64_MIN: any */
};
struct flood_time flood_time(const struct flood *flood, int64_t now_ms);

/* `wall_ns`, what the own wall clock shows now, where that is within HERD_TIME_TRUST_NS of the
 * herd's time; else the herd's. Without a clock `wall_ns`. */
int64_t flood_accept_ns(const struct flood *flood, int64_t wall_ns, int64_t now_ms);

/* A message of peer `peer` (by the name its connection carries), one whole frame. Bad bytes are
 * counted and cost only this message. */
void flood_receive(struct flood *flood, size_t peer, struct span message, int64_t now_ms);

/* A message of several frames came from the peer, of which nothing is read: one is one frame. */
void flood_receive_parts(struct flood *flood, size_t peer, size_t frames, int64_t now_ms);

/* The next message that is due to `peer`, written to `out` (WIRE_MESSAGE_BYTES_MAX bytes):
 * its size, or 0 when there is nothing to send now. Call until it says 0. */
size_t flood_next(struct flood *flood, size_t peer, int64_t now_ms, char *out);

/* Whether flood_next is worth asking now: something was put in since it was asked last, or
 * flood_deadline_ms has come, as it has for the first HELLO and for a GOODBYE. Costs nothing after
 * input, else as much as flood_deadline_ms. */
bool flood_is_due(const struct flood *flood, int64_t now_ms);

/* To be asked at the end of a turn of the loop: true to postpone sending by one turn, and to poll
 * in that turn without sleeping. It is if something came in this turn, a client's new location or
 * any message of a peer: then more of it may be had without waiting, and a busy node that sends
 * much at once wakes its neighbours seldom. Nothing waits once an UPDATE is full, or into the next
 * millisecond. */
bool flood_coalesces(struct flood *flood, int64_t now_ms);

/* Whether more changes may be sent to the peer now than one UPDATE can hold. */
bool flood_has_much(const struct flood *flood, size_t peer);

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
 * time it was given. For a node without peers, where flood_coalesces is asked instead, INT64_MAX
 * while nothing expires. */
int64_t flood_deadline_ms(const struct flood *flood);

/* Orderly end: what is due still goes out, then each peer is sent GOODBYE. flood_is_over says
 * that nothing remains to be sent; the caller keeps the patience. */
void flood_say_goodbye(struct flood *flood);
bool flood_is_over(const struct flood *flood);

/* The oldest event not pulled yet. A burst beyond the queue drops the oldest. */
bool flood_next_event(struct flood *flood, struct link_event *event);

struct flood_load flood_load(const struct flood *flood);

/* Limits of which FLOOD_NEAR_PERCENT are taken: each once, and once more only after less was found
 * to be taken. */
struct flood_near {
    bool clients, bytes;
};
struct flood_near flood_next_near(struct flood *flood);

uint64_t flood_digest(const struct flood *flood);
uint32_t flood_clients(const struct flood *flood);
uint64_t flood_above(const struct flood *flood); /* locations above the ceiling */
const struct link_counters *flood_count(const struct flood *flood);

/* ---- Answers that promise more than memory: flood_options.promises is not 0 ---- */

/* Holds an answer about this client, which is known: it may leave when its epoch was kept, and is
 * promised no more when that was broken. Whether what it is about is new or not, it is sent and
 * written as if it were. 0 where as much is held as may be: then nothing is promised. */
uint64_t flood_hold(struct flood *flood, struct span client, int64_t now_ms);

/* The next epoch that was kept or broken since; false where none was. To be asked at the end of
 * each turn, after the journal has had its own. */
bool flood_next_settled(struct flood *flood, int64_t now_ms, uint64_t *epoch);
/* What has become of an epoch that was not given yet, or since the last flood_hold. */
enum promises_state flood_promise(const struct flood *flood, uint64_t epoch);

/* Whether an answer waits for a batch of the journal that was not put together yet: it should be
 * now. */
bool flood_urges_disk(const struct flood *flood);
/* Answers are held for a neighbour, and no link to any is up. */
bool flood_holds_in_vain(const struct flood *flood);

/* ---- For whoever listens to the herd ---- */

/* From now on every change of the table is also news for the caller. A client that changes again
 * before it was pulled is news once, in its newest value. */
void flood_listen(struct flood *flood);

/* The next news, or false. Borrowed as from flood_find. */
bool flood_next_news(struct flood *flood, struct location *location);

/* From now on each slot that changes is due in `marks`, too, which the flood does not own. */
void flood_mark(struct flood *flood, struct marks *marks);

/* What STATUS says of the journal from now on; none at first. */
void flood_set_journal(struct flood *flood, const struct flood_journal *journal);
struct flood_journal flood_journal(const struct flood *flood);

/* News that came from a peer, for whoever measures how long news takes: of each UPDATE that brought
 * some, the last one. */
struct flood_arrival {
    char origin[LOCATION_ORIGIN_BYTES_MAX + 1]; /* the node that took it, */
    int64_t accepted_ns;                        /* and when, by its wall clock */
    uint64_t met_age_ms; /* since the peer's process was met: what is older was told to catch up */
};
/* The oldest that was not pulled, or false. Those beyond FLOOD_ARRIVALS_MAX drop the oldest. */
#define FLOOD_ARRIVALS_MAX 32
bool flood_next_arrival(struct flood *flood, struct flood_arrival *arrival);

/* The table, for who fills it before anything is put in and before there is any link, or who reads
 * it. */
struct table *flood_table(struct flood *flood);

/* Takes a valid location of any origin as if a neighbour had told it. For a start, before there is
 * any link, or after it. */
enum table_outcome flood_import(struct flood *flood, const struct location *location);

/* Asks the node at the other end for its links, once, when the link is up. */
void flood_ask_status(struct flood *flood, size_t peer);

/* What it answered last, owned by the flood; NULL before. */
const struct flood_status *flood_status(const struct flood *flood);

/* One link, for status and for the simulator's invariants: acked <= announced <= sent <= head. */
#define FLOOD_WHY_BYTES_MAX 96
struct flood_link {
    struct span name; /* borrowed until flood_change_links */
    const char *why;  /* while it is down: why, as far as an event that was taken said it; likewise,
                         but changed by flood_next_event */
    bool up, is_observer;
    bool differs;        /* what was equal differed, and is not healed yet */
    uint64_t met_age_ms; /* since their incarnation was first heard of; 0: there is none */
    uint64_t due;        /* changes that wait */
    uint64_t lag_ms;     /* until what waits is acknowledged, as it was last */
    uint64_t their_incarnation;
    uint64_t acked, announced, sent, head; /* positions of what we send them */
    uint64_t received;                     /* position of what they sent us */
    uint32_t in_flight;                    /* UPDATEs not acknowledged yet */
    /* How old the last comparison of whole tables is: since when each range has been compared;
     * UINT64_MAX before all were. And how many slots are due or in flight, where those are
     * too many for a comparison to be promised, else 0. */
    uint64_t compared_age_ms, not_comparable_due;
    uint32_t settled; /* ranges of TABLE_RANGES that both ends were seen to hold alike */
};
struct flood_link flood_link(const struct flood *flood, size_t peer);

/* Whether a change of that origin goes to the peer, which may have declined it; and whether those
 * of that origin come from there (bus/PROTOCOL.md, Lazy links). */
bool flood_carries(const struct flood *flood, size_t peer, struct span origin);
bool flood_is_way(const struct flood *flood, size_t peer, struct span origin);

/* The same for many origins: the number of one, and the bits of those whose changes go to the peer
 * and do not come from there, the highest bit of a byte first. A link that is down carries none. */
uint16_t flood_origin(const struct flood *flood, struct span origin);
void flood_write_ways(const struct flood *flood, size_t peer, const uint16_t *origins, size_t count,
                      uint8_t *bits);
size_t flood_links(const struct flood *flood);

/* When a node whose links may speak from `start_ms` on is ready: then, or sooner if something comes
 * until then. It is once it has seen that one neighbour, with which that can be compared, held in
 * each range what it holds itself; at once where there is no neighbour; after 1 s where none has
 * answered; and after `within_ms` in any case. */
int64_t flood_ready_ms(const struct flood *flood, int64_t start_ms, int64_t within_ms);

/* What stands in the table: also a tombstone, and what is not shown any more and was not freed yet.
 * Borrowed as from flood_find. */
bool flood_look(const struct flood *flood, struct span client, struct location *location);

/* Calls nothing and changes nothing: true while every invariant of table and links holds. Costs
 * the size of the table; for tests. */
bool flood_is_sound(const struct flood *flood);

/* The same for one link alone: costs the size of its ring. */
bool flood_link_is_sound(const struct flood *flood, size_t peer);

#endif
