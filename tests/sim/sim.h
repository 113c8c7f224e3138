/* sim: a whole herd in one process, on a virtual clock, in weather made by a seed.
 *
 * What runs is the daemon's own bus/flood.c, one per node, driven as the daemon drives it:
 * flood_receive for what arrives, then a turn which sends what flood_next gives, then nothing
 * until something arrives or flood_deadline_ms comes. Only the transport, the clocks and the
 * clients are made up. No socket, no thread, no real time.
 *
 * The transport is like ZeroMQ's over TCP with one connection per direction: in order within a
 * connection; what was in flight when a connection broke is lost, or comes late in between the
 * messages of its successor; a full queue refuses. On top of that come loss and late copies, which
 * ZeroMQ does not do, because convergence must not hang on that.
 *
 * One more process may bear a node's name (sim_options.mimicked). It has the number behind the last
 * node's, is dead until sim_start, and talks to that node's neighbours over connections of its own;
 * what they send goes to the one whose name it is.
 *
 * After every step the nodes it touched are watched; the first broken rule ends the world and
 * says so (sim_violation):
 *   - acked <= announced <= sent <= head on every link; told and head never go back, and within a
 *     peer's incarnation neither does what it acknowledged, nor what we have of it;
 *   - each link is sound when it has moved: what is due has its bit and a place in the queue, what
 *     is on the way has its timer;
 *   - what a node holds never gets older and never goes away, and its own accepting node did
 *     accept exactly those bytes; its digest is that of what it holds;
 *   - flood_local says STORED, STALE or FULL as the order of locations demands;
 *   - nothing is called news that was held already, and messages come to an end;
 *   - a digest fault is never seen, except when this world forged a message;
 *   - no link owes more than one place for each client;
 *   - a turn ends, and the next deadline lies ahead, at most a second away.
 *
 * Invariant: the same options and the same calls give the same world, to the last message. */
#ifndef ZHERD_TESTS_SIM_SIM_H
#define ZHERD_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/flood.h"
#include "tests/sim/graphs.h"

#define SIM_NODES_MAX   1000
#define SIM_CLIENTS_MAX 10000
#define SIM_KINDS       8 /* more than enum wire_type has; 0 stands for what cannot be read */
/* What an honest transport takes without refusing: a window of UPDATEs and the messages around. A
 * smaller queue refuses so often that a link may go up and down for ever. */
#define SIM_QUEUE_MIN 48
#define SIM_NO_CLIENT UINT32_MAX
#define SIM_NO_NODE   UINT32_MAX

struct sim_options {
    uint64_t seed;
    uint32_t client_count;     /* clients that may ever speak: 0 .. client_count - 1 */
    uint32_t clients_max;      /* size of every node's table, as flood_options has it */
    uint32_t client_bytes_max; /* longest client id; short ones below 16 */
    int64_t latency_us_min;    /* of one message on one link */
    int64_t latency_us_max;
    int64_t late_us_max;       /* how late a straggler or a copy may still come */
    int64_t turn_us_max;       /* from an arrival to the node's turn */
    int64_t skew_s_max;        /* how far a node's wall clock may be off, either way */
    uint32_t loss_permille;    /* of all messages */
    uint32_t copy_permille;    /* come a second time, late */
    uint32_t late_permille;    /* of those in flight when a connection breaks */
    uint32_t forge_permille;   /* of locations told: one digit of the position is changed */
    uint32_t queue_max;        /* messages a link takes before it refuses */
    uint32_t rate_bytes_per_s; /* of a link in one direction; 0 is without limit */
    uint32_t mimicked; /* the node whose name a second process bears, or SIM_NO_NODE (see below) */
    uint32_t history_client; /* print this client's messages, or SIM_NO_CLIENT */
};

/* What a link does with messages in one direction. */
enum sim_road {
    SIM_OPEN,
    SIM_CLOGGED,  /* holds them, until its queue is full; they flow on when it opens */
    SIM_LOSING,   /* takes them and loses them: nobody has noticed that the connection is gone */
    SIM_REFUSING, /* takes none: the connection is gone and known to be */
    SIM_DEAD,     /* takes them and loses them, until the node makes another connection, which is */
                  /* open: a box in the middle has lost the other half of this one */
    SIM_ROADS,
};

/* What stamp a client puts on its position. */
enum sim_stamp {
    SIM_STAMP_NOW,
    SIM_STAMP_STALE,  /* minutes old */
    SIM_STAMP_FUTURE, /* years ahead */
    SIM_STAMP_EQUAL,  /* this client's last one once more, with another position */
    SIM_STAMP_REPEAT, /* this client's last one once more, byte for byte */
};

/* What happened, over as many worlds as share one of these. */
struct sim_counters {
    struct link_counters flood; /* the sum of all nodes that died, or ended with their world */
    uint64_t steps;
    int64_t virtual_us;
    uint64_t sent[SIM_KINDS]; /* messages by kind, refused ones not counted */
    uint64_t accepted, stale, full;
    uint64_t lost, lost_in_flight, refused, copies, stragglers, forged;
    uint64_t conflated;      /* changes that found the same client still due on a link */
    uint64_t windows_closed; /* ends of a turn with something due behind an open window */
    uint64_t ties;           /* accepted with the order time of another location */
    uint64_t links_up, links_down, links_refused, links_stuck, digests_equal;
    uint64_t renewals;         /* connections that a node gave up */
    uint64_t roads[SIM_ROADS]; /* roads that became so */
    uint64_t starts, starts_strange, starts_mimic, kills, leaves;
};

struct sim;

/* For a program that runs many worlds, before the first: what one node gave back serves the next,
 * and the heap is neither cut nor asked for in small pieces (mallopt(3)). */
void sim_keep_heap(void);

/* All nodes start at virtual time 0. Copies graph and options; adds to `counters`, which the caller
 * keeps. */
struct sim *sim_new(const struct graph *graph, const struct sim_options *options,
                    struct sim_counters *counters);
void sim_destroy(struct sim **sim);

int64_t sim_now_us(const struct sim *sim);

/* Lets the world run until `until_us`. False as soon as a rule is broken, and ever after. */
bool sim_run(struct sim *sim, int64_t until_us);

/* Lets one thing happen: a message arrives or a node takes its turn. False when a rule is broken
 * or nothing is left to happen. */
bool sim_step(struct sim *sim);

/* The broken rule as one sentence, or NULL. */
const char *sim_violation(const struct sim *sim);

/* Reports a broken rule that the caller found; only the first one counts. */
void sim_fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Changes the road from node `from` to its neighbour `to`; the way back stays as it is. */
void sim_set_road(struct sim *sim, uint32_t from, uint32_t to, enum sim_road road);

/* An end without a word (kill -9), and a new start with an empty table and a new incarnation. Each
 * does nothing to a node that is dead or alive already. */
void sim_kill(struct sim *sim, uint32_t node);
void sim_start(struct sim *sim, uint32_t node);

/* Starts a dead node as a member of another herd, as a wrong file or a mistyped port does: whoever
 * is linked to it must refuse it, and learn nothing from it. */
void sim_start_strange(struct sim *sim, uint32_t node);

/* An orderly end: says goodbye, for at most `patience_us`, then is dead. */
void sim_leave(struct sim *sim, uint32_t node, int64_t patience_us);

/* A client tells a node its position; nothing happens when the node is dead or leaving. */
void sim_submit(struct sim *sim, uint32_t node, uint32_t client, enum sim_stamp stamp);

/* Every road open or dead, every node alive in the right herd, the mimic dead, and no loss, copies,
 * stragglers, forgery from now on; a road takes SIM_QUEUE_MIN messages at least. */
void sim_heal(struct sim *sim);

/* All nodes live and have the same digest. */
bool sim_is_equal(const struct sim *sim);

/* And every link is up and at rest on both sides, and nothing but HEARTBEATs is on its way. */
bool sim_is_settled(const struct sim *sim);

/* Reports why the world is not settled, as a broken rule. */
void sim_fail_unsettled(struct sim *sim);

/* Whether every message but a HEARTBEAT breaks a rule from now on. */
void sim_expect_quiet(struct sim *sim, bool quiet);

/* Compares all tables location by location, and each with its digest and flood_is_sound. Only for
 * a settled world; reports what it finds as a broken rule. */
void sim_compare_tables(struct sim *sim);

/* How many links the client's newest location had to cross to the node it took longest to. */
uint32_t sim_hops_max(const struct sim *sim, uint32_t client);

/* The sum of the nodes that are alive now. */
struct link_counters sim_flood_count(const struct sim *sim);

#endif
