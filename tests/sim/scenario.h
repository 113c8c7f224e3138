/* plan: what one seed means: a herd, its weather, and everything that is done to it and when.
 *
 * A plan is made whole before its world exists, so it can be printed, and read by a person, next to
 * the failure it led to. It does not run anything by itself except plan_play.
 *
 * A story has two parts. In the storm, links are cut, clogged and healed, nodes die, leave and
 * come back, and clients talk all the time. Then everything heals, and the herd must come to rest
 * with equal tables within PLAN_SETTLE_US_MAX, and then say nothing but HEARTBEATs.
 *
 * stories.c makes plans, plan.c keeps, prints and plays them.
 *
 * Invariant: a plan depends on its seed, and on the graph if one is given, and on nothing else. */
#ifndef ZHERD_TESTS_SIM_SCENARIO_H
#define ZHERD_TESTS_SIM_SCENARIO_H

#include <stdio.h>

#include "tests/sim/sim.h"

/* How long the storm lasts. */
#define PLAN_STORM_US 10000000
/* From healing to rest, stragglers included. The slowest honest way there is a retransmission
 * timeout at its longest (8 s) for what the last cut lost, then the same again one link on. */
#define PLAN_SETTLE_US_MAX 20000000
/* A forged location is found when the heartbeats compare digests, and healed with growing pauses.
 */
#define PLAN_SETTLE_FORGED_US_MAX 60000000
/* Each link must have carried a HEARTBEAT since the healing, or its silence still counts as such,
 * and a question in one its answer; then the silence is listened to, for two more of them. */
#define PLAN_GRACE_US    2500000
#define PLAN_GRACE_TRIPS 4
#define PLAN_QUIET_US    4500000

/* How long a node that leaves waits for its last acknowledgements. */
#define PLAN_PATIENCE_US 500000

enum plan_story {
    PLAN_RING,
    PLAN_EIGHT,
    PLAN_EDITION,
    PLAN_CHANCE,
    PLAN_BUSY,
    PLAN_FORGED,
    PLAN_RESTLESS,
    PLAN_GIVEN, /* on a graph of the caller's */
    PLAN_STORIES,
};

enum plan_verb {
    PLAN_SUBMIT,        /* a: node, b: client, c: enum sim_stamp */
    PLAN_ROAD,          /* a: from, b: to, c: enum sim_road */
    PLAN_KILL,          /* a: node */
    PLAN_LEAVE,         /* a: node */
    PLAN_START,         /* a: node */
    PLAN_START_STRANGE, /* a: node, which belongs to another herd in this life */
};

struct plan_action {
    int64_t time_us;
    size_t order; /* of equal times: as planned */
    enum plan_verb verb;
    uint32_t a, b, c;
};

struct scenario {
    enum plan_story story;
    struct graph graph;
    struct sim_options options;
    struct plan_action *actions; /* sorted by time; owned */
    size_t count, capacity;
};

/* How a played plan ended. */
struct plan_result {
    int64_t settle_us;   /* from healing to rest */
    char violation[300]; /* empty when no rule was broken */
};

const char *plan_story_name(enum plan_story story);

/* Any of the stories, on its own herd. */
struct scenario scenario_make(uint64_t seed);
/* The ordinary story, on this herd. */
struct scenario plan_make_on(const struct graph *graph, uint64_t seed);
void scenario_free(struct scenario *plan);

/* For the files that make plans. */
void scenario_add(struct scenario *plan, int64_t time_us, enum plan_verb verb, uint32_t a,
                  uint32_t b, uint32_t c);
void scenario_sort(struct scenario *plan);

/* Herd and weather in a few lines; then every action, one line each. */
void plan_print_options(const struct scenario *plan, FILE *out);
void plan_print_actions(const struct scenario *plan, FILE *out);

/* Runs the story to its end or to the first broken rule; adds to `counters`. */
struct plan_result scenario_play(const struct scenario *plan, struct sim_counters *counters);

#endif
