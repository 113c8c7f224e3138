#include "tests/sim/scenario.h"

#include <stdlib.h>
#include <string.h>

#define STAMP_KINDS           SIM_STAMPS
#define CLIENTS_MAX           80
#define SHORT_ID_BYTES_MAX    16
#define LONG_ID_BYTES_MAX     60000
#define LONG_ID_CLIENTS_MAX   12
#define LONG_ID_PERMILLE      30 /* they cost the machine, not the herd */
#define SUBMITS               300
#define BURST_MAX             60
#define CUTS_MAX              10
#define DEATHS_MAX            4
#define LIVES_MAX             4
#define FORGED_PERMILLE       100
#define MIMIC_PERMILLE        100
#define STRANGE_PERMILLE      120
#define NODES_BY_CHANCE_MAX   12
#define HOT_CLIENTS           3
#define RELINKS_MAX           12
#define REREAD_NODES_MAX      6
#define SKEWED_PERMILLE       20 /* they last ten times as long as others */
#define SKEWED_LATENCY_US_MAX 200000
/* One story in this many is of files that are read again, one of nodes that keep their tables, one
 * is about time, and of these one in as many as there are here is each. */
#define TIME_ONE_IN 24
/* They are long. */
#define WAYS_ONE_IN 96

#define PICK(all, rng) (all)[rng_below(rng, sizeof(all) / sizeof *(all))]

/* What a person calls a story, and what it is. */
static const struct {
    const char *word, *name;
} stories[PLAN_STORIES] = {
    [PLAN_RING] = {"ring", "ring of five (fall2016)"},
    [PLAN_EIGHT] = {"eight", "eight nodes"},
    [PLAN_EDITION] = {"edition", "any of the eight editions"},
    [PLAN_CHANCE] = {"chance", "chance graph"},
    [PLAN_BUSY] = {"busy", "busy clients on narrow links"},
    [PLAN_FORGED] = {"forged", "line with forged locations"},
    [PLAN_RESTLESS] = {"restless", "line of restless nodes"},
    [PLAN_WARM] = {"warm", "nodes that come back with their tables"},
    [PLAN_FALSE] = {"false", "the same, and one lies about its own"},
    [PLAN_CLOCKS] = {"clocks", "less than half of the clocks wrong"},
    [PLAN_PAIR] = {"pair", "two nodes, one clock wrong"},
    [PLAN_WILD] = {"wild", "most clocks wrong"},
    [PLAN_LIAR] = {"liar", "a neighbour that lies"},
    [PLAN_STEP] = {"step", "all clocks jump"},
    [PLAN_GLITCH] = {"glitch", "all clocks wrong for a moment"},
    [PLAN_BEYOND] = {"beyond", "positions above the ceiling"},
    [PLAN_DRIFT] = {"drift", "crystals that run free"},
    [PLAN_SILENT] = {"silent", "differences that nobody sent"},
    [PLAN_TIGHT] = {"tight", "tables that are too small"},
    [PLAN_OLD] = {"old", "neighbours of version 1"},
    [PLAN_LOAD] = {"load", "differences under full load"},
    [PLAN_MANY] = {"many", "more nodes than one message has clocks"},
    [PLAN_WEEKS] = {"weeks", "crystals that run free for weeks"},
    [PLAN_EXPIRE] = {"expire", "what is over, under wrong clocks"},
    [PLAN_FORGET] = {"forget", "clients that are forgotten"},
    [PLAN_AWAY] = {"away", "a node away for about expire, and clients forgotten"},
    [PLAN_LEAP] = {"leap", "all clocks jump, and clients are forgotten"},
    [PLAN_DISK] = {"disk", "journals on disks with faults"},
    [PLAN_DOUBLE] = {"double", "a second fault on top of a disk's"},
    [PLAN_REREAD] = {"reread", "links that files take out and put in"},
    [PLAN_WAYS] = {"ways", "links that bring the most are cut"},
    [PLAN_GIVEN] = {"given", "the herd asked for"},
};

const char *plan_story_name(enum plan_story story)
{
    return stories[story].name;
}

enum plan_story plan_story_find(const char *word)
{
    int story = 0;
    while (story < PLAN_GIVEN && strcmp(stories[story].word, word) != 0)
        story++;
    return (enum plan_story)story;
}

static void choose_herd(struct scenario *plan, struct rng *rng)
{
    uint32_t nodes;
    switch (plan->story) {
    case PLAN_RING:
        plan->graph = graph_edition(GRAPHS_FALL2016);
        break;
    case PLAN_EIGHT:
        plan->graph = graph_eight();
        break;
    case PLAN_EDITION:
        plan->graph = graph_edition(rng_below(rng, GRAPHS_EDITIONS));
        break;
    case PLAN_FORGED:
        /* On a line no third node can send the true location, so only the digest can find the
         * lie. */
        plan->graph = graph_line(2 + rng_below(rng, 4));
        plan->options.forge_permille = FORGED_PERMILLE;
        break;
    case PLAN_RESTLESS:
        plan->graph = graph_line(2 + rng_below(rng, 2));
        break;
    case PLAN_DISK:
    case PLAN_DOUBLE:
        plan->graph = graph_line(1 + rng_below(rng, 3));
        break;
    case PLAN_REREAD:
        nodes = 2 + rng_below(rng, REREAD_NODES_MAX - 1);
        plan->graph = graph_sparse(nodes, rng_below(rng, nodes), rng);
        break;
    case PLAN_WARM:
    case PLAN_FALSE:
        plan->graph = rng_chance(rng, 500) ? graph_line(2 + rng_below(rng, 3)) : graph_ring(5);
        break;
    default:
        nodes = 1 + rng_below(rng, NODES_BY_CHANCE_MAX);
        plan->graph = graph_sparse(nodes, rng_below(rng, nodes), rng);
    }
}

/* ---- The weather ------------------------------------------------------------------------ */

static void choose_weather(struct sim_options *options, struct rng *rng)
{
    static const int64_t latencies_us[][2] = {{50, 300},      {1000, 1000},    {1000, 30000},
                                              {1000, 200000}, {80000, 120000}, {600000, 800000}};
    static const uint32_t losses[] = {0, 0, 5, 50, 150};
    static const uint32_t copies[] = {0, 0, 20, 100};
    static const uint32_t lates[] = {0, 500, 1000};
    static const uint32_t queues[] = {1, 2, 6, 30, 1000, 1000};
    static const uint32_t counts[] = {1, 4, LONG_ID_CLIENTS_MAX, 24, CLIENTS_MAX};
    uint32_t latency = rng_below(rng, sizeof latencies_us / sizeof *latencies_us);
    options->latency_us_min = latencies_us[latency][0];
    options->latency_us_max = latencies_us[latency][1];
    options->turn_us_max = rng_between(rng, 0, 2000);
    int64_t late_us_max = rng_chance(rng, 500) ? 300000 : 4000000;
    options->late_us_max = rng_between(rng, 1000, late_us_max);
    options->loss_permille = PICK(losses, rng);
    options->copy_permille = PICK(copies, rng);
    options->late_permille = PICK(lates, rng);
    options->queue_max = PICK(queues, rng);
    options->client_count = PICK(counts, rng);
    options->clients_max = FLOOD_CLIENTS_DEFAULT;
    if (rng_chance(rng, 250))
        options->clients_max =
            options->client_count - rng_below(rng, options->client_count / 2 + 1);
    options->client_bytes_max = SHORT_ID_BYTES_MAX;
    if (options->client_count <= LONG_ID_CLIENTS_MAX && rng_chance(rng, LONG_ID_PERMILLE))
        options->client_bytes_max = LONG_ID_BYTES_MAX;
    /* Just enough: clients of a node, which leave an eighth free, are refused all long ids but one.
     */
    if (options->client_bytes_max == LONG_ID_BYTES_MAX)
        options->table_bytes_max =
            (SCENARIO_TABLE_BASE_BYTES + LONG_ID_BYTES_MAX * 3 / 2) / 7 * UINT64_C(8);
    /* Where a message takes longer, ceilings never agree. */
    bool is_quick = options->latency_us_max <= SKEWED_LATENCY_US_MAX;
    options->skew_s_max = rng_chance(rng, SKEWED_PERMILLE) && is_quick ? 300 : 0;
    options->history_client = SIM_NO_CLIENT;
    options->mimicked = options->liar = SIM_NO_NODE;
}

/* Messages of past lives arrive all the time, and many of the living are lost: a node that mistakes
 * one incarnation for another fails here. */
static void choose_restless_weather(struct sim_options *options, struct rng *rng)
{
    options->latency_us_min = rng_between(rng, 1000, 50000);
    options->latency_us_max = options->latency_us_min + 50000;
    options->late_us_max = rng_between(rng, 100000, 1000000);
    options->loss_permille = 250;
    options->copy_permille = 250;
    options->late_permille = 1000;
    options->queue_max = SIM_QUEUE_MIN;
}

/* The links take less than the clients say: windows close, and changes ride along with others. */
static void choose_busy_weather(struct sim_options *options, struct rng *rng)
{
    static const uint32_t rates[] = {20000, 50000, 200000};
    options->rate_bytes_per_s = PICK(rates, rng);
    options->client_count = CLIENTS_MAX;
    if (options->clients_max < CLIENTS_MAX / 2)
        options->clients_max = CLIENTS_MAX / 2;
    options->client_bytes_max = SHORT_ID_BYTES_MAX;
    options->table_bytes_max = 0;
    options->queue_max = SIM_QUEUE_MIN;
}

/* ---- The clients ------------------------------------------------------------------------ */

static uint32_t choose_stamp(struct rng *rng, uint32_t odd_permille)
{
    if (!rng_chance(rng, odd_permille))
        return SIM_STAMP_NOW;
    return rng_below(rng, STAMP_KINDS);
}

/* Clients talk all through the storm, mostly many at once. */
static void scenario_clients(struct scenario *plan, struct rng *rng, uint32_t submits)
{
    uint32_t odd_permille = rng_chance(rng, 500) ? 400 : 20;
    uint32_t hot = rng_chance(rng, 300) ? HOT_CLIENTS : plan->options.client_count;
    if (hot > plan->options.client_count)
        hot = plan->options.client_count;
    while (submits > 0) {
        int64_t time_us = rng_between(rng, 0, PLAN_STORM_US - 1);
        int64_t pause_us = rng_chance(rng, 300) ? 20000 : 200;
        uint32_t burst = rng_chance(rng, 700) ? 1 + rng_below(rng, BURST_MAX) : 1;
        for (; burst > 0 && submits > 0; burst--, submits--) {
            uint32_t node = rng_below(rng, plan->graph.node_count);
            uint32_t client = rng_below(rng, hot);
            scenario_add(plan, time_us, PLAN_SUBMIT, node, client, choose_stamp(rng, odd_permille));
            time_us += rng_between(rng, 0, pause_us);
        }
    }
}

/* ---- The faults ------------------------------------------------------------------------- */

static void scenario_cuts(struct scenario *plan, struct rng *rng)
{
    static const enum sim_road roads[] = {SIM_CLOGGED, SIM_LOSING, SIM_REFUSING};
    uint32_t cuts = plan->graph.edge_count == 0 ? 0 : rng_below(rng, CUTS_MAX + 1);
    for (; cuts > 0; cuts--) {
        const struct edge *edge =
            &plan->graph.edges[rng_below(rng, (uint32_t)plan->graph.edge_count)];
        uint32_t road = PICK(roads, rng);
        uint32_t ways = 1 + rng_below(rng, 3); /* a to b, b to a, both */
        int64_t start_us = rng_between(rng, 0, PLAN_STORM_US - 1);
        int64_t end_us = start_us + rng_between(rng, 1000, PLAN_STORM_US);
        if (ways & 1) {
            scenario_add(plan, start_us, PLAN_ROAD, edge->a, edge->b, road);
            scenario_add(plan, end_us, PLAN_ROAD, edge->a, edge->b, SIM_OPEN);
        }
        if (ways & 2) {
            scenario_add(plan, start_us, PLAN_ROAD, edge->b, edge->a, road);
            scenario_add(plan, end_us, PLAN_ROAD, edge->b, edge->a, SIM_OPEN);
        }
    }
}

/* Connections die unannounced: the node that made one must find out by itself. */
static void plan_deaths_of_connections(struct scenario *plan, struct rng *rng)
{
    if (plan->graph.edge_count == 0 || !rng_chance(rng, 300))
        return;
    for (uint32_t dead = 1 + rng_below(rng, 4); dead > 0; dead--) {
        const struct edge *edge =
            &plan->graph.edges[rng_below(rng, (uint32_t)plan->graph.edge_count)];
        bool there = rng_chance(rng, 500);
        scenario_add(plan, rng_between(rng, 0, PLAN_STORM_US - 1), PLAN_ROAD,
                     there ? edge->a : edge->b, there ? edge->b : edge->a, SIM_DEAD);
    }
}

/* About half of all nodes, always the same ones for one set. */
static bool is_in_set(uint64_t set, uint32_t node)
{
    struct rng rng = {set + node};
    return rng_chance(&rng, 500);
}

/* Swizzle-clog: the links around a random set of nodes stop one by one, and flow again in another
 * order (the name and the idea are FoundationDB's). */
static void scenario_swizzle(struct scenario *plan, struct rng *rng)
{
    if (!rng_chance(rng, 300))
        return;
    uint64_t set = rng_next(rng);
    enum sim_road road = rng_chance(rng, 500) ? SIM_CLOGGED : SIM_LOSING;
    int64_t start_us = rng_between(rng, 0, PLAN_STORM_US / 2);
    int64_t middle_us = start_us + PLAN_STORM_US / 5;
    for (size_t i = 0; i < plan->graph.edge_count; i++) {
        const struct edge *edge = &plan->graph.edges[i];
        if (!is_in_set(set, edge->a) && !is_in_set(set, edge->b))
            continue;
        for (int way = 0; way < 2; way++) {
            uint32_t from = way == 0 ? edge->a : edge->b, to = way == 0 ? edge->b : edge->a;
            scenario_add(plan, rng_between(rng, start_us, middle_us), PLAN_ROAD, from, to, road);
            scenario_add(plan, rng_between(rng, middle_us, middle_us + PLAN_STORM_US / 5),
                         PLAN_ROAD, from, to, SIM_OPEN);
        }
    }
}

/* One end and one new start; when the node is back. */
static int64_t scenario_death(struct scenario *plan, struct rng *rng, uint32_t node,
                              int64_t start_us, int64_t down_us)
{
    bool orderly = rng_chance(rng, 300);
    int64_t back_us = start_us + down_us + (orderly ? PLAN_PATIENCE_US + 1 : 0);
    scenario_add(plan, start_us, orderly ? PLAN_LEAVE : PLAN_KILL, node, 0, 0);
    if (rng_chance(rng, STRANGE_PERMILLE)) {
        scenario_add(plan, back_us, PLAN_START_STRANGE, node, 0, 0);
        back_us += rng_between(rng, 1000, 2000000);
        scenario_add(plan, back_us, PLAN_KILL, node, 0, 0);
    }
    scenario_add(plan, back_us, PLAN_START, node, 0, 0);
    return back_us;
}

static void scenario_deaths(struct scenario *plan, struct rng *rng)
{
    for (uint32_t deaths = rng_below(rng, DEATHS_MAX + 1); deaths > 0; deaths--) {
        uint32_t node = rng_below(rng, plan->graph.node_count);
        int64_t time_us = rng_between(rng, 0, PLAN_STORM_US - 1);
        if (rng_chance(rng, 500)) {
            scenario_death(plan, rng, node, time_us, rng_between(rng, 200000, 9000000));
            continue;
        }
        /* A node that cannot make up its mind: several incarnations meet the messages of each
         * other. */
        for (uint32_t lives = 1 + rng_below(rng, LIVES_MAX); lives > 0; lives--) {
            time_us = scenario_death(plan, rng, node, time_us, rng_between(rng, 1000, 200000));
            time_us += rng_between(rng, 1000, 1000000);
        }
    }
}

/* Nodes die again and again, soon after they have come back and a few clients have spoken, so that
 * the positions of one life look like those of the next. The last node lives on and remembers. */
static void scenario_restless(struct scenario *plan, struct rng *rng)
{
    for (uint32_t node = 0; node + 1 < plan->graph.node_count; node++)
        for (int64_t time_us = 0; time_us < PLAN_STORM_US;) {
            for (uint32_t left = 1 + rng_below(rng, 3); left > 0; left--) {
                uint32_t client = rng_below(rng, plan->options.client_count);
                scenario_add(plan, time_us + rng_between(rng, 0, 300000), PLAN_SUBMIT, node, client,
                             SIM_STAMP_NOW);
            }
            time_us += rng_between(rng, 50000, 1000000);
            time_us = scenario_death(plan, rng, node, time_us, rng_between(rng, 1000, 100000));
        }
}

/* All at once, as where the power fails, and back within two seconds. */
static void scenario_power_cut(struct scenario *plan, struct rng *rng)
{
    int64_t time_us = rng_between(rng, PLAN_STORM_US / 4, PLAN_STORM_US - 1);
    for (uint32_t node = 0; node < plan->graph.node_count; node++) {
        scenario_add(plan, time_us, PLAN_KILL, node, 0, 0);
        scenario_add(plan, time_us + rng_between(rng, 1000, 2000000), PLAN_START, node, 0, 0);
    }
}

/* A link is taken out and put in again, at each end when that reads its file, some of them often.
 */
static void scenario_relinks(struct scenario *plan, struct rng *rng)
{
    for (uint32_t left = 2 + rng_below(rng, RELINKS_MAX); left > 0; left--) {
        const struct edge *edge =
            &plan->graph.edges[rng_below(rng, (uint32_t)plan->graph.edge_count)];
        int64_t out_us = rng_between(rng, 0, PLAN_STORM_US - 1);
        int64_t in_us = out_us + rng_between(rng, 1000, PLAN_STORM_US / 3);
        uint32_t ways = 1 + rng_below(rng, 3); /* a, b, both */
        int64_t apart_us = rng_chance(rng, 500) ? 10000 : PLAN_STORM_US / 10;
        for (int way = 0; way < 2; way++) {
            uint32_t node = way == 0 ? edge->a : edge->b, other = way == 0 ? edge->b : edge->a;
            if ((ways >> way & 1) == 0)
                continue;
            scenario_add(plan, out_us + rng_between(rng, 0, apart_us), PLAN_LINK, node, other, 0);
            scenario_add(plan, in_us + rng_between(rng, 0, apart_us), PLAN_LINK, node, other, 1);
        }
    }
}

/* A node goes for good, as far as its neighbours know, and is there again as a new one. */
static void scenario_comes_and_goes(struct scenario *plan, struct rng *rng)
{
    uint32_t node = rng_below(rng, plan->graph.node_count);
    int64_t out_us = rng_between(rng, 0, PLAN_STORM_US / 2);
    int64_t in_us = out_us + rng_between(rng, 100000, PLAN_STORM_US / 3);
    for (size_t i = 0; i < plan->graph.edge_count; i++) {
        const struct edge *edge = &plan->graph.edges[i];
        uint32_t other = edge->a == node ? edge->b : edge->a;
        if (edge->a != node && edge->b != node)
            continue;
        scenario_add(plan, out_us + rng_between(rng, 0, 200000), PLAN_LINK, other, node, 0);
        scenario_add(plan, in_us + rng_between(rng, 0, 200000), PLAN_LINK, other, node, 1);
    }
    scenario_death(plan, rng, node, out_us + rng_between(rng, 0, 200000), in_us - out_us);
}

static void scenario_reread(struct scenario *plan, struct rng *rng)
{
    scenario_relinks(plan, rng);
    for (uint32_t left = rng_below(rng, 3); left > 0; left--)
        scenario_comes_and_goes(plan, rng);
    if (rng_chance(rng, 500))
        scenario_cuts(plan, rng);
    if (rng_chance(rng, 300))
        scenario_deaths(plan, rng);
}

/* Nodes come back with most of what they knew: one after the other, all at once, or each again and
 * again among messages of its former lives. */
static void scenario_warm(struct scenario *plan, struct rng *rng)
{
    struct sim_options *options = &plan->options;
    options->warm_permille = rng_chance(rng, 700) ? 1000 : 600;
    if (rng_chance(rng, 200)) {
        choose_restless_weather(options, rng);
        scenario_restless(plan, rng);
        return;
    }
    scenario_cuts(plan, rng);
    scenario_deaths(plan, rng);
    if (rng_chance(rng, 500))
        scenario_power_cut(plan, rng);
    if (plan->story == PLAN_WARM) {
        plan_deaths_of_connections(plan, rng);
        return;
    }
    options->liar = rng_below(rng, plan->graph.node_count);
    options->lies_of_tables = options->faults_excused = true;
}

/* Somebody starts a second process with a node's name, and clients talk to it as well. */
static void scenario_mimic(struct scenario *plan, struct rng *rng)
{
    if (!rng_chance(rng, MIMIC_PERMILLE))
        return;
    uint32_t mimic = plan->graph.node_count;
    plan->options.mimicked = rng_below(rng, plan->graph.node_count);
    int64_t start_us = rng_between(rng, 0, PLAN_STORM_US / 2);
    int64_t end_us = rng_between(rng, start_us + 1, PLAN_STORM_US - 1);
    scenario_add(plan, start_us, PLAN_START, mimic, 0, 0);
    for (uint32_t left = rng_below(rng, 10); left > 0; left--) {
        uint32_t client = rng_below(rng, plan->options.client_count);
        scenario_add(plan, rng_between(rng, start_us, end_us), PLAN_SUBMIT, mimic, client,
                     SIM_STAMP_NOW);
    }
    scenario_add(plan, end_us, rng_chance(rng, 500) ? PLAN_KILL : PLAN_LEAVE, mimic, 0, 0);
}

/* ---- The whole -------------------------------------------------------------------------- */

static void fill(struct scenario *plan, struct rng *rng)
{
    choose_weather(&plan->options, rng);
    plan->storm_us = PLAN_STORM_US;
    plan->settle_us_max = plan->options.skew_s_max > 0 ? PLAN_SETTLE_SKEW_US_MAX
                          : plan->story == PLAN_FORGED ? PLAN_SETTLE_FORGED_US_MAX
                                                       : PLAN_SETTLE_US_MAX;
    plan->options.seed = rng_next(rng);
    if (plan->options.skew_s_max > 0)
        plan->calm_us = PLAN_SKEW_CALM_US;
    if (plan->story == PLAN_BUSY)
        choose_busy_weather(&plan->options, rng);
    scenario_clients(plan, rng, plan->story == PLAN_BUSY ? 2 * SUBMITS : SUBMITS);
    if (plan->story == PLAN_WARM || plan->story == PLAN_FALSE) {
        scenario_warm(plan, rng);
    } else if (plan->story == PLAN_RESTLESS) {
        choose_restless_weather(&plan->options, rng);
        scenario_restless(plan, rng);
    } else if (plan->story == PLAN_REREAD) {
        scenario_reread(plan, rng);
    } else if (plan->story == PLAN_DISK) {
        scenario_cuts(plan, rng);
        scenario_fill_disk(plan, rng);
    } else if (plan->story == PLAN_DOUBLE) {
        scenario_fill_double(plan, rng);
    } else {
        scenario_cuts(plan, rng);
        scenario_swizzle(plan, rng);
        scenario_deaths(plan, rng);
        scenario_mimic(plan, rng);
        plan_deaths_of_connections(plan, rng);
    }
    scenario_sort(plan);
}

struct scenario scenario_make_of(enum plan_story story, uint64_t seed)
{
    struct scenario plan = {.story = story};
    struct rng rng = {seed};
    if (scenario_is_of_ways(story)) {
        scenario_fill_ways(&plan, &rng);
        return plan;
    }
    if (scenario_is_of_forgetting(story)) {
        scenario_fill_forgetting(&plan, &rng);
    } else if (scenario_is_of_time(story)) {
        scenario_fill_time(&plan, &rng);
    } else {
        choose_herd(&plan, &rng);
        fill(&plan, &rng);
    }
    scenario_add_disks(&plan, seed);
    return plan;
}

struct scenario scenario_make(uint64_t seed)
{
    static const enum plan_story plain[] = {
        PLAN_RING, PLAN_EIGHT, PLAN_RING,   PLAN_EIGHT,  PLAN_RING,     PLAN_EIGHT,
        PLAN_RING, PLAN_EIGHT, PLAN_DOUBLE, PLAN_EIGHT,  PLAN_RING,     PLAN_EDITION,
        PLAN_RING, PLAN_BUSY,  PLAN_CHANCE, PLAN_FORGED, PLAN_RESTLESS, PLAN_DISK,
    };
    /* The one of thousands of seconds is rare. */
    static const enum plan_story of_time[] = {
        PLAN_CLOCKS, PLAN_PAIR,   PLAN_STEP,   PLAN_GLITCH, PLAN_BEYOND, PLAN_SILENT,
        PLAN_TIGHT,  PLAN_OLD,    PLAN_CLOCKS, PLAN_LIAR,   PLAN_WILD,   PLAN_SILENT,
        PLAN_PAIR,   PLAN_STEP,   PLAN_BEYOND, PLAN_OLD,    PLAN_SILENT, PLAN_CLOCKS,
        PLAN_GLITCH, PLAN_TIGHT,  PLAN_LIAR,   PLAN_WILD,   PLAN_PAIR,   PLAN_DRIFT,
        PLAN_EXPIRE, PLAN_FORGET, PLAN_AWAY,   PLAN_LEAP,   PLAN_FORGET,
    };
    if (seed % WAYS_ONE_IN == WAYS_ONE_IN / 2)
        return scenario_make_of(PLAN_WAYS, seed);
    if (seed % TIME_ONE_IN == TIME_ONE_IN - 1)
        return scenario_make_of(of_time[seed / TIME_ONE_IN % (sizeof of_time / sizeof *of_time)],
                                seed);
    if (seed % TIME_ONE_IN == TIME_ONE_IN - 2)
        return scenario_make_of(seed / TIME_ONE_IN % 3 == 2 ? PLAN_FALSE : PLAN_WARM, seed);
    if (seed % TIME_ONE_IN == TIME_ONE_IN - 3)
        return scenario_make_of(PLAN_REREAD, seed);
    return scenario_make_of(plain[seed % (sizeof plain / sizeof *plain)], seed);
}

struct scenario plan_make_on(const struct graph *graph, uint64_t seed)
{
    struct scenario plan = {.story = PLAN_GIVEN, .graph = graph_copy(graph)};
    struct rng rng = {seed};
    fill(&plan, &rng);
    return plan;
}
