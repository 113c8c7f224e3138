/* plan: what one seed means: a herd, its weather, and everything that is done to it and when.
 *
 * A plan is made whole before its world exists, so it can be printed, and read by a person, next to
 * the failure it led to. It does not run anything by itself except plan_play.
 *
 * A story has two parts. In the storm, links are cut, clogged and healed, nodes die, leave and
 * come back, and clients talk all the time. Then everything heals, and the herd must come to rest
 * with equal tables within PLAN_SETTLE_US_MAX, and then say nothing but HEARTBEATs.
 *
 * In stories about time (time_stories.c) the storm and the rest last longer, because what a wrong
 * clock does is undone after a minute; then it is judged what each node believes of time, whether
 * the latest positions have won, and that whatever clients say now wins everywhere.
 *
 * In stories about forgetting (forget_stories.c) it is judged as well that who was forgotten is
 * known nowhere, and that all tables are empty once everybody has been silent for long enough.
 *
 * stories.c makes plans, scenario.c keeps, prints and plays them.
 *
 * Invariant: a plan depends on its seed, and on the graph if one is given, and on nothing else. */
#ifndef ZHERD_TESTS_SIM_SCENARIO_H
#define ZHERD_TESTS_SIM_SCENARIO_H

#include <stdio.h>

#include "tests/sim/sim.h"

/* How long the storm lasts, where clocks are not what a story is about. */
#define PLAN_STORM_US 10000000
/* From healing to rest, stragglers included. The slowest honest way there is a retransmission
 * timeout at its longest (8 s) for what the last cut lost, then the same again one link on, and a
 * piece of a resynchronisation that is shown once more (4 s). */
#define PLAN_SETTLE_US_MAX 25000000
/* With clocks that differ: what a lone node took with its own clock may stand above the ceiling of
 * the others and below its own for a minute after they met; then the next pass over the ranges
 * finds it. */
#define PLAN_SETTLE_SKEW_US_MAX 200000000
/* And until all of that is over: words of a clock that came late may count for a minute, where they
 * are nearer, and what they made of the ceiling for another. How far beliefs of time may be off
 * then. */
#define PLAN_SKEW_CALM_US 140000000
#define PLAN_SPARE_NS     INT64_C(1500000000)
/* A forged location is found when the heartbeats compare digests, and healed with growing pauses
 * (bus/link/digest_check.h): after three faults of a link these are 10, 20 and 40 s.
 */
#define PLAN_SETTLE_FORGED_US_MAX 90000000
/* Each link must have carried a HEARTBEAT since the healing, or its silence still counts as such,
 * and a question in one its answer; and both ends remember for some seconds how much was on its
 * way, and check that finely (C7). Then the silence is listened to, for two more HEARTBEATs. */
#define PLAN_GRACE_US    11000000
#define PLAN_GRACE_TRIPS 4
#define PLAN_QUIET_US    4500000

/* What a table of a few dozen clients takes at most without their long ids. */
#define SCENARIO_TABLE_BASE_BYTES 820000

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
    PLAN_WARM,
    PLAN_FALSE,
    PLAN_CLOCKS, /* the first one about time: time_stories.c */
    PLAN_PAIR,
    PLAN_WILD,
    PLAN_LIAR,
    PLAN_STEP,
    PLAN_GLITCH,
    PLAN_BEYOND,
    PLAN_DRIFT,
    PLAN_SILENT,
    PLAN_TIGHT,
    PLAN_OLD,
    PLAN_LOAD, /* this one and the next two are told only when they are asked for */
    PLAN_MANY,
    PLAN_WEEKS,
    PLAN_EXPIRE, /* the first one about what is over: forget_stories.c */
    PLAN_FORGET,
    PLAN_AWAY,
    PLAN_LEAP,
    PLAN_DISK,   /* nodes that end all the time, with their journals: disk_stories.c */
    PLAN_DOUBLE, /* a disk has a fault, and then something else happens */
    PLAN_REREAD, /* files that are read again, at each node for itself */
    PLAN_WAYS,   /* cuts of the links that bring the most: way_stories.c */
    PLAN_GIVEN,  /* on a graph of the caller's */
    PLAN_STORIES,
};

enum plan_verb {
    PLAN_SUBMIT,        /* a: node, b: client, c: enum sim_stamp */
    PLAN_ROAD,          /* a: from, b: to, c: enum sim_road */
    PLAN_KILL,          /* a: node */
    PLAN_LEAVE,         /* a: node */
    PLAN_START,         /* a: node */
    PLAN_START_STRANGE, /* a: node, which belongs to another herd in this life */
    PLAN_CLOCK,         /* a: node, off_ns */
    PLAN_JUDGE,         /* what nodes believe of time; c: floor and ceiling, too */
    PLAN_TOMBSTONE,     /* a: node, b: client */
    PLAN_INJECT,        /* a: from, b: to, c: enum sim_injection */
    PLAN_DISK_IS,       /* a: node, c: enum sim_disk */
    PLAN_COUNT_COPIES,  /* from now on; a: until now there are so many percent of a tree's */
    PLAN_CUT_WAY,       /* a: node, b: whether its ends are told */
    PLAN_JUDGE_DELAY,   /* a: in milliseconds */
    PLAN_LINK,          /* a: node, b: its neighbour, c: whether its file has that link */
};

struct plan_action {
    int64_t time_us;
    size_t order; /* of equal times: as planned */
    enum plan_verb verb;
    uint32_t a, b, c;
    int64_t off_ns;
};

struct scenario {
    enum plan_story story;
    struct graph graph;
    struct sim_options options;
    int64_t storm_us, settle_us_max;
    int64_t calm_us;  /* from the healing until what clocks did is over; 0: they do nothing */
    int64_t spare_ns; /* how much beliefs of time may be off then; 0: they are not judged */
    struct sim_clock *clocks;    /* of each node; owned, or NULL */
    struct plan_action *actions; /* sorted by time; owned */
    size_t count, capacity;
};

/* How a played plan ended. */
struct plan_result {
    int64_t settle_us;   /* from healing to rest */
    char violation[300]; /* empty when no rule was broken */
};

const char *plan_story_name(enum plan_story story);
/* By the word for it, such as "clocks"; PLAN_GIVEN: there is none. */
enum plan_story plan_story_find(const char *word);

/* Any of the stories, on its own herd; and this one. */
struct scenario scenario_make(uint64_t seed);
struct scenario scenario_make_of(enum plan_story story, uint64_t seed);
/* The ordinary story, on this herd. */
struct scenario plan_make_on(const struct graph *graph, uint64_t seed);
void scenario_free(struct scenario *plan);

/* For the files that make plans. */
void scenario_add(struct scenario *plan, int64_t time_us, enum plan_verb verb, uint32_t a,
                  uint32_t b, uint32_t c);
void scenario_add_clock(struct scenario *plan, int64_t time_us, uint32_t node, int64_t off_ns);
void scenario_sort(struct scenario *plan);
bool scenario_is_of_time(enum plan_story story);
void scenario_fill_time(struct scenario *plan, struct rng *rng);
bool scenario_is_of_forgetting(enum plan_story story);
void scenario_fill_forgetting(struct scenario *plan, struct rng *rng);
/* Gives a herd of some seeds journals, and disks with faults. */
void scenario_add_disks(struct scenario *plan, uint64_t seed);
bool scenario_is_of_ways(enum plan_story story);
void scenario_fill_ways(struct scenario *plan, struct rng *rng);
void scenario_fill_disk(struct scenario *plan, struct rng *rng);
void scenario_fill_double(struct scenario *plan, struct rng *rng);
/* Five minutes after a FORGET a disk has a fault for a while, and its node may end in it. */
void scenario_trouble_forgetting(struct sim *sim, const struct scenario *plan);
/* Both ways between two neighbours lose everything from then until then. */
void scenario_cut(struct scenario *plan, const struct edge *edge, int64_t from_us, int64_t to_us);

/* Herd and weather in a few lines; then every action, one line each. */
void plan_print_options(const struct scenario *plan, FILE *out);
void plan_print_actions(const struct scenario *plan, FILE *out);

/* Runs the story to its end or to the first broken rule; adds to `counters`. */
struct plan_result scenario_play(const struct scenario *plan, struct sim_counters *counters);

#endif
