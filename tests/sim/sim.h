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
 * One more process may bear a node's name (sim_options.mimicked). It has the number after the last
 * node's, is dead until sim_start, and talks to that node's neighbours over connections of its own;
 * what they send goes to the one whose name it is.
 *
 * After every step the nodes it touched are watched; the first broken rule ends the world and
 * says so (sim_violation):
 *   - acked <= announced <= sent <= head on every link; sent and head never go back, and within a
 *     peer's incarnation neither does what it acknowledged, nor what we have of it;
 *   - each link is sound when it has moved: what is due has its bit and a place in the queue, what
 *     is on the way has its timer;
 *   - what a node holds never gets older and never goes away before it is below the horizon, and
 *     its own accepting node did accept exactly those bytes; its digest is that of what it holds.
 * Older is meant below the node's ceiling: what stands above it loses to what stands below;
 *   - flood_local says STORED, STALE, FULL or EXPIRED, and raises the order, as the order of
 *     locations, ceiling, horizon and limits demand;
 *   - who is known as a position can be forgotten, and nobody else;
 *   - what a neighbour sends is never refused, unless the limits of this world are for that;
 *   - a later position of a client with a right clock wins at once at a node that knows most
 *     clocks, where most are right (truth.c);
 *   - nothing is called news that was held already, and messages come to an end;
 *   - a digest fault is never seen, except when this world forged a message, and where it
 *     injected single differences, on just that link, 10 s later at most (tamper.c);
 *   - what an answer promised is there (promises.c);
 *   - a journal gives back what was safe, and nothing that its node never held (journal.c);
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
#define SIM_KINDS       16 /* more than enum wire_type has; 0 stands for what cannot be read */
/* What an honest transport takes without refusing: a window of UPDATEs and the messages around. A
 * smaller queue refuses so often that a link may go up and down for ever. */
#define SIM_QUEUE_MIN 48
#define SIM_NO_CLIENT UINT32_MAX
#define SIM_NO_NODE   UINT32_MAX
/* A difference is found within the first time in 99 of 100 cases, and within the second always. */
#define SIM_SEEN_US     5000000
#define SIM_SEEN_US_MAX 10000000
/* Where links are full all the time a large CHECK waits for its turn (bus/PROTOCOL.md, C7). */
#define SIM_SEEN_FULL_US_MAX 20000000

/* A node's clocks: the steady one and the wall share a crystal. */
struct sim_clock {
    int64_t off_ns;   /* the wall's, from true time, when it was set last */
    int32_t rate_ppm; /* how much faster than true time the crystal is */
    bool runs_free;   /* nobody corrects the wall, else only the steady clock runs at that rate */
};

/* Of true time, on the world's clock. */
struct sim_span {
    int64_t from_us, to_us;
};
#define SIM_UNJUDGED_MAX 8

/* What a disk is like at a time. */
enum sim_disk {
    SIM_DISK_WELL,
    SIM_DISK_FULL,  /* no room for another file */
    SIM_DISK_FAILS, /* nothing is synced, made, cut or removed */
    SIM_DISK_HANGS, /* nothing that it is asked for ends */
};

/* The disks of the nodes, and their journals. */
struct sim_disks {
    uint32_t segment_bytes; /* of a journal; 0: there are none */
    int64_t pause_ms;       /* between its batches */
    int64_t sync_us_max;    /* of one */
    uint32_t fail_permille; /* of syncs */
    uint32_t flip_permille; /* of starts find one bit that is another one, */
    uint32_t lose_permille; /* and these a file that is not there */
};

struct sim_options {
    uint64_t seed;
    uint32_t client_count;     /* clients that may ever speak: 0 .. client_count - 1 */
    uint32_t clients_max;      /* size of every node's table, as flood_options has it; at least
                                * half of client_count, so that no peer is refused */
    uint64_t table_bytes_max;  /* the same in bytes; enough for all clients, or 0 */
    uint32_t client_bytes_max; /* longest client id; short ones below 16 */
    int64_t latency_us_min;    /* of one message on one link */
    int64_t latency_us_max;
    int64_t late_us_max;       /* how late a straggler or a copy may still come */
    int64_t turn_us_max;       /* from an arrival to the node's turn */
    int64_t skew_s_max;        /* how far a node's wall clock may be off, either way */
    uint32_t loss_permille;    /* of all messages */
    uint32_t copy_permille;    /* come a second time, late */
    uint32_t late_permille;    /* of those in flight when a connection breaks */
    uint32_t forge_permille;   /* of locations sent: one digit of the position is changed */
    uint32_t queue_max;        /* messages a link takes before it refuses */
    uint32_t warm_permille;    /* of a node's starts but the first, with the table it had */
    uint32_t rate_bytes_per_s; /* of a link in one direction; 0 is without limit */
    uint32_t mimicked; /* the node whose name a second process bears, or SIM_NO_NODE (see below) */
    uint32_t history_client;        /* print this client's messages, or SIM_NO_CLIENT */
    const struct sim_clock *clocks; /* each node's at first; NULL: right, but for skew_s_max.
                                     * Borrowed until sim_new returns */
    uint64_t old_nodes;     /* bit n: node n speaks version 1 of the messages and has no clock */
    int64_t expire_ms;      /* herd/expire; 0: nothing is over */
    bool lies_of_tables;    /* the liar does so of its table, and of nothing else */
    bool full_links;        /* all the time: that makes a difference harder to find */
    uint32_t injected_from; /* differences are made of clients from this one on */
    uint32_t liar;          /* what this node says is forged on the way, or SIM_NO_NODE */
    bool most_are_right;    /* most clocks are, so that later positions must win (truth.c) */
    struct sim_span unjudged[SIM_UNJUDGED_MAX]; /* except those taken then */
    uint32_t unjudged_count;
    bool faults_excused;  /* nodes may see faults that this world did not inject */
    bool refusal_excused; /* nodes may refuse what a peer sends: the limits are for that */
    struct sim_disks disks;
    unsigned
        promises;    /* herd/answers_after: of enum promises_by; by the disk, where there is one */
    bool has_clocks; /* wrong ones, or such that jump: something older may win */
};

/* What a link does with messages in one direction. */
enum sim_road {
    SIM_OPEN,
    SIM_CLOGGED, /* holds them, until its queue is full; they flow on when it opens */
    SIM_LOSING, /* takes them and loses them: neither end has noticed that the connection is gone */
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
    SIM_STAMP_SLOW,   /* the client's own clock is minutes slow */
    SIM_STAMPS,
};

/* What is done to one location in the next UPDATE on a channel. */
enum sim_injection {
    SIM_INJECT_NOTHING,
    SIM_INJECT_LOSS,  /* left out, and acknowledged all the same */
    SIM_INJECT_DIGIT, /* a digit of its position is another one */
    SIM_INJECT_AHEAD, /* its order lies seconds to years above the ceiling */
    SIM_INJECTIONS,
};

/* What happened, over as many worlds as share one of these. */
struct sim_counters {
    struct link_counters flood; /* the sum of all nodes that died, or ended with their world */
    uint64_t steps;
    int64_t virtual_us;
    uint64_t sent[SIM_KINDS];            /* messages by kind, refused ones not counted */
    uint64_t sent_bytes;                 /* of all kinds, without what a transport adds */
    uint64_t checks[WIRE_LEVEL_MAX + 1]; /* by level */
    uint64_t accepted, stale, full;
    uint64_t lost, lost_in_flight, refused, copies, stragglers, forged;
    uint64_t conflated; /* changes that found the same client still due on a link */
    uint64_t
        windows_closed; /* links that had UPDATEs on the way and more due at the end of a turn */
    uint64_t ties;      /* accepted with the order time of another location */
    uint64_t links_up, links_down, links_refused, links_stuck, digests_equal;
    uint64_t renewals;         /* connections that a node gave up */
    uint64_t roads[SIM_ROADS]; /* roads that became so */
    uint64_t starts, starts_strange, starts_mimic, starts_warm, kills, leaves;
    uint64_t jumps;    /* clocks set */
    uint64_t bumps;    /* accepted with an order that was raised */
    uint64_t above;    /* accepted or forged with an order above the ceiling of the node */
    uint64_t judged;   /* positions of which it was known that they must win */
    uint64_t lies;     /* messages of a liar */
    uint64_t stripped; /* messages of version 2 that became one of version 1, or nothing */
    uint64_t injected, injected_seen, injected_seen_late; /* differences; called a fault; after more
                                                           * than SIM_SEEN_US */
    uint64_t expired;       /* answered, and not stored: below the horizon */
    uint64_t forgotten;     /* tombstones made */
    uint64_t over;          /* locations that left a table */
    uint64_t healed_unseen; /* differences that were gone before anybody called them a fault */
    uint64_t found;         /* locations, in journals at a start */
    uint64_t answers_held, answers_kept, answers_broken, answers_judged; /* promised; in the end */
    uint64_t syncs, syncs_failed, torn; /* batches that an end or a failure left in part */
    uint64_t relinks;                   /* links that one end took out or put in */
    uint64_t files_removed, files_back, files_refused, files_lost, flips;
    uint64_t ends_on_bad_disks, starts_on_bad_disks, blocks_hit; /* by a flip, with locations */
    int64_t seen_us_max;
};

struct sim;

/* For a program that runs many worlds of at most so many nodes, before the first: what one node
 * gave back serves the next, and the heap is neither cut nor asked for in small pieces
 * (mallopt(3)). Of very many nodes most memory is never touched: it comes from the system each
 * time. */
void sim_choose_heap(uint32_t nodes);

/* A herd without faults, for counting: every message takes as long, and none is lost. */
static inline struct sim_options sim_calm_options(uint64_t seed, uint32_t clients,
                                                  int64_t latency_us)
{
    return (struct sim_options){
        .seed = seed,
        .client_count = clients,
        .clients_max = clients,
        .latency_us_min = latency_us,
        .latency_us_max = latency_us,
        .turn_us_max = latency_us / 10,
        .late_us_max = 1,
        .queue_max = UINT32_MAX,
        .history_client = SIM_NO_CLIENT,
        .mimicked = SIM_NO_NODE,
        .liar = SIM_NO_NODE,
    };
}

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

/* Node `from` reads its file again, which has a link to its neighbour `to` or has none; the other
 * end has a file of its own. */
void sim_link(struct sim *sim, uint32_t from, uint32_t to, bool linked);

/* An end without a word (kill -9, or a power cut), and a new start with a new incarnation and an
 * empty table, or what the journal gives, or, by warm_permille, the table it had but for some
 * clients. Each does nothing to a node that is dead or alive already. */
void sim_kill(struct sim *sim, uint32_t node);
void sim_start(struct sim *sim, uint32_t node);

/* Starts a dead node as a member of another herd, as a wrong file or a mistyped port does: every
 * node that is linked to it must refuse it, and learn nothing from it. */
void sim_start_strange(struct sim *sim, uint32_t node);

/* An orderly end: says goodbye, for at most `patience_us`, then is dead. */
void sim_leave(struct sim *sim, uint32_t node, int64_t patience_us);

/* A client sends a node its position; nothing happens when the node is dead or leaving. */
void sim_submit(struct sim *sim, uint32_t node, uint32_t client, enum sim_stamp stamp);

/* Somebody asks a node to forget a client. */
void sim_forget(struct sim *sim, uint32_t node, uint32_t client);

/* The node's wall clock is off true time by this from now on. */
void sim_set_clock(struct sim *sim, uint32_t node, int64_t off_ns);

/* Changes one location of the next UPDATE from a node to its neighbour. */
void sim_inject(struct sim *sim, uint32_t from, uint32_t to, enum sim_injection kind);

void sim_set_disk(struct sim *sim, uint32_t node, enum sim_disk state);

/* Whether all that the nodes hold is on their disks, where they have any. */
bool sim_journals_are_safe(const struct sim *sim);

/* Ten minutes after the last FORGET no disk has what was forgotten. */
void sim_judge_forgotten(struct sim *sim);

/* All nodes end at once and start again, with what their journals say, and one of them with a bit
 * flipped in its own. */
void sim_restart_all(struct sim *sim);
/* Then, at rest, each node holds what it held before, unless that is over. */
void sim_judge_restart(struct sim *sim);

/* How long answers take that are settled from now on; and that none of them took longer. */
void sim_time_answers(struct sim *sim);
void sim_judge_answers(struct sim *sim, int64_t us_max);

/* At rest all nodes hold what was promised, or something newer. */
void sim_judge_promises(struct sim *sim);

/* Whether a difference that was injected is still there and was not called a fault. */
bool sim_has_unseen(const struct sim *sim);

/* What each node believes of the herd's time is what the clocks give (bus/PROTOCOL.md, V5 to V7),
 * up to `spare_ns`, `with_hold` also floor and ceiling; only where all nodes live and no clock was
 * set in the last seconds. Reports what it finds as a broken rule, as the next two do. */
void sim_judge_time(struct sim *sim, int64_t spare_ns, bool with_hold);

/* In the end each node holds the latest true position of each client, or a later one. */
void sim_judge_truth(struct sim *sim);

/* At rest each origin's changes reach all nodes over links that carry them. */
void sim_judge_ways(struct sim *sim);

/* From now on copies are counted, and what is accepted; they are at most so many percent of what a
 * tree needs. */
void sim_count_copies(struct sim *sim);
void sim_judge_copies(struct sim *sim, uint32_t percent_max);

/* The link that brings the node the changes of the most origins is cut, both ways: its ends are
 * told when they send something, or notice nothing. */
void sim_cut_way(struct sim *sim, uint32_t node, bool is_told);

/* What was accepted so long ago, or something newer, is at all nodes. */
void sim_judge_delay(struct sim *sim, int64_t us_max);

/* Nobody knows anybody. */
void sim_judge_empty(struct sim *sim);

/* Every node holds what each client said last. */
void sim_judge_last_words(struct sim *sim);

/* Every road open or dead, every link in both files, every node alive in the right herd, the mimic
 * dead, and no loss, copies, stragglers, forgery, injection from now on; a road takes SIM_QUEUE_MIN
 * messages at least. */
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
