#include "tests/sim/scenario.h"

#include <stdlib.h>
#include <string.h>

#define STAMP_KINDS         5
#define CLIENTS_MAX         80
#define SHORT_ID_BYTES_MAX  16
#define LONG_ID_BYTES_MAX   60000
#define LONG_ID_CLIENTS_MAX 12
#define LONG_ID_PERMILLE    15 /* they cost the machine, not the herd */
#define SUBMITS             300
#define BURST_MAX           60
#define CUTS_MAX            10
#define DEATHS_MAX          4
#define LIVES_MAX           4
#define FORGED_PERMILLE     100
#define MIMIC_PERMILLE      100
#define STRANGE_PERMILLE    120
#define NODES_BY_CHANCE_MAX 12
#define HOT_CLIENTS         3

#define PICK(all, rng) (all)[rng_below(rng, sizeof(all) / sizeof *(all))]

const char *plan_story_name(enum plan_story story)
{
    static const char *const names[PLAN_STORIES] = {
        [PLAN_RING] = "ring of five (fall2016)",      [PLAN_EIGHT] = "eight nodes",
        [PLAN_EDITION] = "any of the eight editions", [PLAN_CHANCE] = "chance graph",
        [PLAN_BUSY] = "busy clients on narrow links", [PLAN_FORGED] = "line with forged locations",
        [PLAN_RESTLESS] = "line of restless nodes",   [PLAN_GIVEN] = "the herd asked for",
    };
    return names[story];
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
        /* On a line nobody else can tell the true location, so only the digest can find the lie. */
        plan->graph = graph_line(2 + rng_below(rng, 4));
        plan->options.forge_permille = FORGED_PERMILLE;
        break;
    case PLAN_RESTLESS:
        plan->graph = graph_line(2 + rng_below(rng, 2));
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
    options->late_us_max = rng_between(rng, 1000, rng_chance(rng, 500) ? 300000 : 4000000);
    options->loss_permille = PICK(losses, rng);
    options->copy_permille = PICK(copies, rng);
    options->late_permille = PICK(lates, rng);
    options->queue_max = PICK(queues, rng);
    options->client_count = PICK(counts, rng);
    options->clients_max = FLOOD_CLIENTS_DEFAULT;
    if (rng_chance(rng, 250))
        options->clients_max = rng_below(rng, options->client_count + 1);
    options->client_bytes_max = SHORT_ID_BYTES_MAX;
    if (options->client_count <= LONG_ID_CLIENTS_MAX && rng_chance(rng, LONG_ID_PERMILLE))
        options->client_bytes_max = LONG_ID_BYTES_MAX;
    options->skew_s_max = rng_chance(rng, 500) ? 300 : 0;
    options->history_client = SIM_NO_CLIENT;
    options->mimicked = SIM_NO_NODE;
}

/* Messages of past lives arrive all the time, and many of the living are lost: whoever mistakes one
 * incarnation for another is found out here. */
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
    options->client_bytes_max = SHORT_ID_BYTES_MAX;
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

/* Connections die and nobody is told: the node that made one must come to it by itself. */
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
        for (uint32_t lives = 1 + rng_below(rng, LIVES_MAX); lives > 0; lives--)
            time_us = scenario_death(plan, rng, node, time_us, rng_between(rng, 1000, 200000)) +
                      rng_between(rng, 1000, 1000000);
    }
}

/* Nodes die again and again, soon after they have come back and a few clients have spoken, so that
 * the positions of one life look like those of the next. The last node lives on and remembers. */
static void scenario_restless(struct scenario *plan, struct rng *rng)
{
    for (uint32_t node = 0; node + 1 < plan->graph.node_count; node++)
        for (int64_t time_us = 0; time_us < PLAN_STORM_US;) {
            for (uint32_t told = 1 + rng_below(rng, 3); told > 0; told--)
                scenario_add(plan, time_us + rng_between(rng, 0, 300000), PLAN_SUBMIT, node,
                             rng_below(rng, plan->options.client_count), SIM_STAMP_NOW);
            time_us += rng_between(rng, 50000, 1000000);
            time_us = scenario_death(plan, rng, node, time_us, rng_between(rng, 1000, 100000));
        }
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
    for (uint32_t told = rng_below(rng, 10); told > 0; told--)
        scenario_add(plan, rng_between(rng, start_us, end_us), PLAN_SUBMIT, mimic,
                     rng_below(rng, plan->options.client_count), SIM_STAMP_NOW);
    scenario_add(plan, end_us, rng_chance(rng, 500) ? PLAN_KILL : PLAN_LEAVE, mimic, 0, 0);
}

/* ---- The whole -------------------------------------------------------------------------- */

static void fill(struct scenario *plan, struct rng *rng)
{
    choose_weather(&plan->options, rng);
    plan->options.seed = rng_next(rng);
    if (plan->story == PLAN_BUSY)
        choose_busy_weather(&plan->options, rng);
    scenario_clients(plan, rng, plan->story == PLAN_BUSY ? 2 * SUBMITS : SUBMITS);
    if (plan->story == PLAN_RESTLESS) {
        choose_restless_weather(&plan->options, rng);
        scenario_restless(plan, rng);
    } else {
        scenario_cuts(plan, rng);
        scenario_swizzle(plan, rng);
        scenario_deaths(plan, rng);
        scenario_mimic(plan, rng);
        plan_deaths_of_connections(plan, rng);
    }
    scenario_sort(plan);
}

struct scenario scenario_make(uint64_t seed)
{
    static const enum plan_story stories[] = {
        PLAN_RING, PLAN_EIGHT, PLAN_RING,   PLAN_EIGHT,  PLAN_RING,     PLAN_EIGHT,
        PLAN_RING, PLAN_EIGHT, PLAN_RING,   PLAN_EIGHT,  PLAN_RING,     PLAN_EDITION,
        PLAN_RING, PLAN_BUSY,  PLAN_CHANCE, PLAN_FORGED, PLAN_RESTLESS, PLAN_RESTLESS,
    };
    struct scenario plan = {.story = stories[seed % (sizeof stories / sizeof *stories)]};
    struct rng rng = {seed};
    choose_herd(&plan, &rng);
    fill(&plan, &rng);
    return plan;
}

struct scenario plan_make_on(const struct graph *graph, uint64_t seed)
{
    struct scenario plan = {.story = PLAN_GIVEN, .graph = graph_copy(graph)};
    struct rng rng = {seed};
    fill(&plan, &rng);
    return plan;
}
