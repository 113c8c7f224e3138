/* herd_time: what time the herd says it is, from one vote for each node of the topology.
 *
 * Each node says in HELLO and HEARTBEAT what its clock shows, and what it believes of the others'.
 * From that, and from its own clock, a node reckons two medians, and from those how far it takes
 * stamps (accept), what it calls over (forget), and the least and the greatest order that count
 * (floor, ceiling). bus/PROTOCOL.md, "Herd time", has the rules V1 to V7 and the reasons.
 *
 * It reads no clock: a time is milliseconds of the caller's monotonic clock, 0 or more, and what
 * the wall clock shows at such a time is put in. All statements are kept as offsets to the
 * monotonic clock, so a jump of the own wall moves one vote and no other.
 *
 * Invariant: however many clocks are wrong, as long as more than half of the votes agree within
 * some span, `high` and `low` are within that span. */
#ifndef ZHERD_BUS_LINK_HERD_TIME_H
#define ZHERD_BUS_LINK_HERD_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/link/events.h"
#include "bus/link/wire.h"

/* Nodes that can vote: as many as a topology may have. A vote takes HERD_TIME_VOTE_BYTES for each
 * link, so 5 nodes with 3 links each keep half a kilobyte, and a node that has a link to each of
 * 1,023 others keeps 32 MiB, and no more. */
#define HERD_TIME_NODES_MAX  1024
#define HERD_TIME_VOTE_BYTES 32

/* A wall clock that moves this far against the monotonic one has jumped: its `step` grows. */
#define HERD_TIME_STEP_NS INT64_C(100000000)
/* What a neighbour says of itself counts for two of these halves at most. Long enough for a message
 * that did not wait, short enough for crystals: 50 ppm are 15 ms in 5 min. */
#define HERD_TIME_HALF_MS 150000
/* A message that is slower than the best by more has waited on the way. */
#define HERD_TIME_WAITED_NS INT64_C(250000000)
/* Of two statements of one node, taken together with their ages, those that are not further apart
 * are of the same moment. */
#define HERD_TIME_AGAIN_NS INT64_C(100000000)
/* A link that spoke in this time is live: six heartbeats. */
#define HERD_TIME_LIVE_MS 12000
/* A statement that is older than the freshest one by more does not compete with it: this, or in a
 * herd of more than 30 nodes what it takes through all of them, one after the other, at one
 * heartbeat each for every message that it takes to say all clocks. */
#define HERD_TIME_FRESH_MS 60000
#define HERD_TIME_HOP_MS   2000
/* A vote counts for this time after its node was last heard of. */
#define HERD_TIME_VOTE_MS INT64_C(86400000)
/* 2026-01-01: a clock before it was never set. */
#define HERD_TIME_EARLIEST_NS INT64_C(1767225600000000000)
/* The own clock is taken for the herd's within this distance. */
#define HERD_TIME_TRUST_NS INT64_C(1000000000)
/* The ceiling is this far ahead of the herd: 5 s that stamps may be ahead, two clocks that are
 * trusted within 1 s, 1 s of hops, 2 s spare. */
#define HERD_TIME_AHEAD_NS INT64_C(10000000000)
/* For how many seconds the greatest and the smallest median count. */
#define HERD_TIME_HOLD_S 60
/* Medians are taken at most once in this time, but for a step of the own clock: with 1,000 votes
 * they cost more than the message that moved one. */
#define HERD_TIME_RECKON_MS 20
/* A clock that is further off than HERD_TIME_TRUST_NS for this time is an event, and once more when
 * it is within the next distance; the first of the two at most once in the third time. */
#define HERD_TIME_OFF_MS    2000
#define HERD_TIME_RIGHT_NS  INT64_C(500000000)
#define HERD_TIME_REPEAT_MS 60000

struct herd_time_options {
    struct span node;         /* our name */
    uint64_t incarnation;     /* ours, never 0 */
    const struct span *nodes; /* who votes, at most HERD_TIME_NODES_MAX; without us among them we */
    size_t node_count;        /* are an observer. 0: our node and all peers */
    const struct span *peers; /* names of the nodes we share a link with */
    size_t peer_count;        /* at most LINK_PEERS_MAX */
};

struct herd_time;

/* Copies what it needs of the options; pushes events to `events`, and counts in `count`, both of
 * which outlive it. */
struct herd_time *herd_time_new(const struct herd_time_options *options, struct events *events,
                                struct link_counters *count);
/* Other nodes and links from now on, by the same own name and incarnation: link number i was number
 * `was[i]`, or HERD_TIME_NEW_LINK. What is known of nodes and links that stay, stays. */
#define HERD_TIME_NEW_LINK SIZE_MAX
void herd_time_change(struct herd_time **time, const struct herd_time_options *options,
                      const size_t *was);
/* Accepts NULL, sets the caller's pointer to NULL. */
void herd_time_destroy(struct herd_time **time);

/* The wall clock shows `wall_ns` now. True where it has jumped: all links are to hear of it at
 * once. Before the first call nothing that is heard counts, and there is nothing to say. */
bool herd_time_set(struct herd_time *time, int64_t now_ms, int64_t wall_ns);

/* Something that counts came over this link. */
void herd_time_spoke(struct herd_time *time, size_t link, int64_t now_ms);

/* The clocks of a HELLO or a HEARTBEAT came over it: spoke, too. Without clocks, as of a node of
 * version 1, it has no vote. */
void herd_time_hear(struct herd_time *time, size_t link, const struct wire_message *message,
                    int64_t now_ms);

/* Fills the clocks and the ceiling of a HELLO or a HEARTBEAT for this link: the own clock, then of
 * others what changed and what was not said for longest. The names borrow. None where we have no
 * clock or are an observer. */
void herd_time_tell(struct herd_time *time, size_t link, struct wire_message *message,
                    int64_t now_ms);

/* Time passes: reckons what is due. The functions below answer as of the last call of this or one
 * of those above. */
void herd_time_move(struct herd_time *time, int64_t now_ms);

/* When it must be called although nothing came; INT64_MAX: never. */
int64_t herd_time_deadline_ms(const struct herd_time *time);

bool herd_time_has_clock(const struct herd_time *time);
/* What the own wall clock shows now, as it went on since it was last set; 0 without one. */
int64_t herd_time_own_ns(const struct herd_time *time, int64_t now_ms);
/* Clocks that vote, the own one among them. */
uint32_t herd_time_votes(const struct herd_time *time);
/* Whether another's clock was heard in this life, or there is no other node. */
bool herd_time_is_met(const struct herd_time *time);
/* The own wall clock minus the upper median; 0 where nobody votes. */
int64_t herd_time_offset_ns(const struct herd_time *time);

/* The herd's time for what is accepted: `wall_ns`, what the own wall clock shows now, where the
 * upper median is near; else that median. Without a clock or votes `wall_ns`. */
int64_t herd_time_accept_ns(const struct herd_time *time, int64_t wall_ns, int64_t now_ms);
/* The same for what is called over, by the lower median. */
int64_t herd_time_forget_ns(const struct herd_time *time, int64_t wall_ns, int64_t now_ms);

/* The greatest order that counts, by the own clock where nobody voted in the last
 * HERD_TIME_HOLD_S; without a clock INT64_MAX. */
int64_t herd_time_ceiling_ns(const struct herd_time *time, int64_t now_ms);
/* What the herd's time is at least; INT64_MIN, without a clock or where nobody voted in the last
 * HERD_TIME_HOLD_S: nobody knows. */
int64_t herd_time_floor_ns(const struct herd_time *time, int64_t now_ms);

#endif
