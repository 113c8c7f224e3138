/* operators: the requests of those who run the herd, worked off at one node.
 *
 * It takes the bytes of requests with the names they came under, works on them a bounded part at a
 * time, and gives the bytes of replies and the routing ids they go to. It has no socket, and proves
 * nobody: whose message it is, its owner has found out (bus/net/bus.h). It knows no peers; what is
 * forgotten spreads as any change of the flood does.
 *
 * Each operator, that is each name, has one request in work: another one is refused until the first
 * is done. The same request (process and number) may come any number of times; it is done once, and
 * each copy is answered with how far it is, or how it ended. So nobody has to trust that a message
 * arrives. Replies wait in a queue of fixed size, where one that finds no room is dropped: the copy
 * that comes next is answered.
 *
 *     operators_receive(operators, id, name, message, now_ms);     for each message
 *     busy = operators_work(operators, wall_ns, now_ms);           once a turn, again while busy
 *     while (operators_next_reply(operators, &id, &reply))
 *         send(id, reply);                                         without waiting
 *     while (operators_next_act(operators, &text))
 *         log(text);
 *     operators_second(operators, &figures, now_ms);               once a second
 *
 * Invariant: a turn costs at most OPERATORS_TURN_LOOKS looks at a client, however many operators
 * ask for whatever; and no client's id stands in what is logged. */
#ifndef ZHERD_BUS_OPERATORS_H
#define ZHERD_BUS_OPERATORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/flood.h"
#include "bus/link/operate.h"

/* Operators that are known at once. Where one more comes, the one that was heard longest ago and
 * has no request in work makes way; where all have one, it is not heard. */
#define OPERATORS_MAX 16
/* Requests of an operator, copies among them, that are read at once and in a second. More are
 * dropped without an answer. */
#define OPERATORS_BURST 16
#define OPERATORS_PER_S 8
/* What one turn costs, 0.05 to 0.1 ms: looks at a client, of which one that is forgotten, and of
 * which every link hears, takes as many as this. */
#define OPERATORS_TURN_LOOKS   2048
#define OPERATORS_FORGET_LOOKS 32
/* What the node says of itself is put together no more often; more askers get the same, so that
 * many of them cost no more than their replies. */
#define OPERATORS_STATUS_MS 100
/* Replies and lines for the log that wait to be taken. */
#define OPERATORS_REPLIES_MAX 16
#define OPERATORS_ACTS_MAX    16
/* A routing id, as ZeroMQ has it. */
#define OPERATORS_ID_BYTES_MAX 255
/* A line for the log, with its NUL. */
#define OPERATORS_ACT_BYTES_MAX 256

struct operators;

/* `flood` and `node`, its name, are borrowed, and outlive it. `incarnation` is the flood's. */
struct operators *operators_new(struct flood *flood, struct span node, uint64_t incarnation);
/* Accepts NULL, sets the caller's pointer to NULL. */
void operators_destroy(struct operators **operators);

/* The topology's nodes in the order of its file, which the flood knows, and that file's
 * fingerprint, from now on; none at first. At most OPERATE_ORIGINS_MAX. What is said of the ways of
 * changes is said of these. */
void operators_set_nodes(struct operators *operators, const struct span *nodes, size_t count,
                         uint64_t fingerprint);

/* The flood has other links: number i was number `was[i]`, or FLOOD_NEW_LINK. */
void operators_change_links(struct operators *operators, const size_t *was);

/* Whether operators may forget clients: from now on, false at first. Who may not is answered with
 * why; a request in work ends before its next part, and its reply says how far it came. */
void operators_allow_forget(struct operators *operators, bool allowed);

/* What the node knows of itself beside its flood, from now on and once a second, because what grew
 * since is a rate: all of it but table, herd time, journal, links and rates, which are the flood's
 * or reckoned here. Copied; what its spans borrow outlives `operators`. */
void operators_second(struct operators *operators, const struct operate_status *figures,
                      int64_t now_ms);

/* A message came under that routing id (at most OPERATORS_ID_BYTES_MAX bytes) from the operator of
 * that name (1 to WIRE_NAME_BYTES_MAX bytes). What is no request is counted and dropped. */
void operators_receive(struct operators *operators, struct span id, struct span name,
                       struct span message, int64_t now_ms);

/* Works for one turn; `wall_ns` is what the own wall clock shows. True while there is more to do.
 */
bool operators_work(struct operators *operators, int64_t wall_ns, int64_t now_ms);
bool operators_are_busy(const struct operators *operators);

/* The next reply and where it goes, borrowed until the next call of any function here; or false. */
bool operators_next_reply(struct operators *operators, struct span *id, struct span *reply);

/* What an operator did, a line for the log that names no client; borrowed likewise, or false. Of
 * more than OPERATORS_ACTS_MAX that wait the oldest are dropped. */
bool operators_next_act(struct operators *operators, const char **text);

struct operators_counters {
    uint64_t requests;  /* that were begun */
    uint64_t refused;   /* answered with why not */
    uint64_t malformed; /* no requests */
    uint64_t dropped;   /* requests beyond the rate or OPERATORS_MAX, and replies without room */
};
/* What the node says of itself now. Owned by the operators, until the next call of any function
 * here, and borrows from the flood. */
const struct operate_status *operators_status(struct operators *operators, int64_t now_ms);

const struct operators_counters *operators_count(const struct operators *operators);

#endif
