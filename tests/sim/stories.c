#include "tests/sim/plan.h"

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

#define PICK(all, dice) (all)[dice_below(dice, sizeof(all) / sizeof *(all))]

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

static void choose_herd(struct plan *plan, struct dice *dice)
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
        plan->graph = graph_edition(dice_below(dice, GRAPHS_EDITIONS));
        break;
    case PLAN_FORGED:
        /* On a line nobody else can tell the true location, so only the digest can find the lie. */
        plan->graph = graph_line(2 + dice_below(dice, 4));
        plan->options.forge_permille = FORGED_PERMILLE;
        break;
    case PLAN_RESTLESS:
        plan->graph = graph_line(2 + dice_below(dice, 2));
        break;
    default:
        nodes = 1 + dice_below(dice, NODES_BY_CHANCE_MAX);
        plan->graph = graph_sparse(nodes, dice_below(dice, nodes), dice);
    }
}

/* ---- The weather ------------------------------------------------------------------------ */

static void choose_weather(struct sim_options *options, struct dice *dice)
{
    static const int64_t latencies_us[][2] = {{50, 300},      {1000, 1000},    {1000, 30000},
                                              {1000, 200000}, {80000, 120000}, {600000, 800000}};
    static const uint32_t losses[] = {0, 0, 5, 50, 150};
    static const uint32_t copies[] = {0, 0, 20, 100};
    static const uint32_t lates[] = {0, 500, 1000};
    static const uint32_t queues[] = {1, 2, 6, 30, 1000, 1000};
    static const uint32_t counts[] = {1, 4, LONG_ID_CLIENTS_MAX, 24, CLIENTS_MAX};
    uint32_t latency = dice_below(dice, sizeof latencies_us / sizeof *latencies_us);
    options->latency_us_min = latencies_us[latency][0];
    options->latency_us_max = latencies_us[latency][1];
    options->turn_us_max = dice_between(dice, 0, 2000);
    options->late_us_max = dice_between(dice, 1000, dice_chance(dice, 500) ? 300000 : 4000000);
    options->loss_permille = PICK(losses, dice);
    options->copy_permille = PICK(copies, dice);
    options->late_permille = PICK(lates, dice);
    options->queue_max = PICK(queues, dice);
    options->client_count = PICK(counts, dice);
    options->clients_max = FLOOD_CLIENTS_DEFAULT;
    if (dice_chance(dice, 250))
        options->clients_max = dice_below(dice, options->client_count + 1);
    options->client_bytes_max = SHORT_ID_BYTES_MAX;
    if (options->client_count <= LONG_ID_CLIENTS_MAX && dice_chance(dice, LONG_ID_PERMILLE))
        options->client_bytes_max = LONG_ID_BYTES_MAX;
    options->skew_s_max = dice_chance(dice, 500) ? 300 : 0;
    options->history_client = SIM_NO_CLIENT;
    options->mimicked = SIM_NO_NODE;
}

/* Messages of past lives arrive all the time, and many of the living are lost: whoever mistakes one
 * incarnation for another is found out here. */
static void choose_restless_weather(struct sim_options *options, struct dice *dice)
{
    options->latency_us_min = dice_between(dice, 1000, 50000);
    options->latency_us_max = options->latency_us_min + 50000;
    options->late_us_max = dice_between(dice, 100000, 1000000);
    options->loss_permille = 250;
    options->copy_permille = 250;
    options->late_permille = 1000;
    options->queue_max = SIM_QUEUE_MIN;
}

/* The links take less than the clients say: windows close, and changes ride along with others. */
static void choose_busy_weather(struct sim_options *options, struct dice *dice)
{
    static const uint32_t rates[] = {20000, 50000, 200000};
    options->rate_bytes_per_s = PICK(rates, dice);
    options->client_count = CLIENTS_MAX;
    options->client_bytes_max = SHORT_ID_BYTES_MAX;
    options->queue_max = SIM_QUEUE_MIN;
}

/* ---- The clients ------------------------------------------------------------------------ */

static uint32_t choose_stamp(struct dice *dice, uint32_t odd_permille)
{
    if (!dice_chance(dice, odd_permille))
        return SIM_STAMP_NOW;
    return dice_below(dice, STAMP_KINDS);
}

/* Clients talk all through the storm, mostly many at once. */
static void plan_clients(struct plan *plan, struct dice *dice, uint32_t submits)
{
    uint32_t odd_permille = dice_chance(dice, 500) ? 400 : 20;
    uint32_t hot = dice_chance(dice, 300) ? HOT_CLIENTS : plan->options.client_count;
    if (hot > plan->options.client_count)
        hot = plan->options.client_count;
    while (submits > 0) {
        int64_t time_us = dice_between(dice, 0, PLAN_STORM_US - 1);
        int64_t pause_us = dice_chance(dice, 300) ? 20000 : 200;
        uint32_t burst = dice_chance(dice, 700) ? 1 + dice_below(dice, BURST_MAX) : 1;
        for (; burst > 0 && submits > 0; burst--, submits--) {
            uint32_t node = dice_below(dice, plan->graph.node_count);
            uint32_t client = dice_below(dice, hot);
            plan_add(plan, time_us, PLAN_SUBMIT, node, client, choose_stamp(dice, odd_permille));
            time_us += dice_between(dice, 0, pause_us);
        }
    }
}

/* ---- The faults ------------------------------------------------------------------------- */

static void plan_cuts(struct plan *plan, struct dice *dice)
{
    static const enum sim_road roads[] = {SIM_CLOGGED, SIM_LOSING, SIM_REFUSING};
    uint32_t cuts = plan->graph.edge_count == 0 ? 0 : dice_below(dice, CUTS_MAX + 1);
    for (; cuts > 0; cuts--) {
        const struct edge *edge =
            &plan->graph.edges[dice_below(dice, (uint32_t)plan->graph.edge_count)];
        uint32_t road = PICK(roads, dice);
        uint32_t ways = 1 + dice_below(dice, 3); /* a to b, b to a, both */
        int64_t start_us = dice_between(dice, 0, PLAN_STORM_US - 1);
        int64_t end_us = start_us + dice_between(dice, 1000, PLAN_STORM_US);
        if (ways & 1) {
            plan_add(plan, start_us, PLAN_ROAD, edge->a, edge->b, road);
            plan_add(plan, end_us, PLAN_ROAD, edge->a, edge->b, SIM_OPEN);
        }
        if (ways & 2) {
            plan_add(plan, start_us, PLAN_ROAD, edge->b, edge->a, road);
            plan_add(plan, end_us, PLAN_ROAD, edge->b, edge->a, SIM_OPEN);
        }
    }
}

/* Connections die and nobody is told: the node that made one must come to it by itself. */
static void plan_deaths_of_connections(struct plan *plan, struct dice *dice)
{
    if (plan->graph.edge_count == 0 || !dice_chance(dice, 300))
        return;
    for (uint32_t dead = 1 + dice_below(dice, 4); dead > 0; dead--) {
        const struct edge *edge =
            &plan->graph.edges[dice_below(dice, (uint32_t)plan->graph.edge_count)];
        bool there = dice_chance(dice, 500);
        plan_add(plan, dice_between(dice, 0, PLAN_STORM_US - 1), PLAN_ROAD,
                 there ? edge->a : edge->b, there ? edge->b : edge->a, SIM_DEAD);
    }
}

/* About half of all nodes, always the same ones for one set. */
static bool is_in_set(uint64_t set, uint32_t node)
{
    struct dice dice = {set + node};
    return dice_chance(&dice, 500);
}

/* Swizzle-clog: the links around a random set of nodes stop one by one, and flow again in another
 * order (the name and the idea are FoundationDB's). */
static void plan_swizzle(struct plan *plan, struct dice *dice)
{
    if (!dice_chance(dice, 300))
        return;
    uint64_t set = dice_next(dice);
    enum sim_road road = dice_chance(dice, 500) ? SIM_CLOGGED : SIM_LOSING;
    int64_t start_us = dice_between(dice, 0, PLAN_STORM_US / 2);
    int64_t middle_us = start_us + PLAN_STORM_US / 5;
    for (size_t i = 0; i < plan->graph.edge_count; i++) {
        const struct edge *edge = &plan->graph.edges[i];
        if (!is_in_set(set, edge->a) && !is_in_set(set, edge->b))
            continue;
        for (int way = 0; way < 2; way++) {
            uint32_t from = way == 0 ? edge->a : edge->b, to = way == 0 ? edge->b : edge->a;
            plan_add(plan, dice_between(dice, start_us, middle_us), PLAN_ROAD, from, to, road);
            plan_add(plan, dice_between(dice, middle_us, middle_us + PLAN_STORM_US / 5), PLAN_ROAD,
                     from, to, SIM_OPEN);
        }
    }
}

/* One end and one new start; when the node is back. */
static int64_t plan_death(struct plan *plan, struct dice *dice, uint32_t node, int64_t start_us,
                          int64_t down_us)
{
    bool orderly = dice_chance(dice, 300);
    int64_t back_us = start_us + down_us + (orderly ? PLAN_PATIENCE_US + 1 : 0);
    plan_add(plan, start_us, orderly ? PLAN_LEAVE : PLAN_KILL, node, 0, 0);
    if (dice_chance(dice, STRANGE_PERMILLE)) {
        plan_add(plan, back_us, PLAN_START_STRANGE, node, 0, 0);
        back_us += dice_between(dice, 1000, 2000000);
        plan_add(plan, back_us, PLAN_KILL, node, 0, 0);
    }
    plan_add(plan, back_us, PLAN_START, node, 0, 0);
    return back_us;
}

static void plan_deaths(struct plan *plan, struct dice *dice)
{
    for (uint32_t deaths = dice_below(dice, DEATHS_MAX + 1); deaths > 0; deaths--) {
        uint32_t node = dice_below(dice, plan->graph.node_count);
        int64_t time_us = dice_between(dice, 0, PLAN_STORM_US - 1);
        if (dice_chance(dice, 500)) {
            plan_death(plan, dice, node, time_us, dice_between(dice, 200000, 9000000));
            continue;
        }
        /* A node that cannot make up its mind: several incarnations meet the messages of each
         * other. */
        for (uint32_t lives = 1 + dice_below(dice, LIVES_MAX); lives > 0; lives--)
            time_us = plan_death(plan, dice, node, time_us, dice_between(dice, 1000, 200000)) +
                      dice_between(dice, 1000, 1000000);
    }
}

/* Nodes die again and again, soon after they have come back and a few clients have spoken, so that
 * the positions of one life look like those of the next. The last node lives on and remembers. */
static void plan_restless(struct plan *plan, struct dice *dice)
{
    for (uint32_t node = 0; node + 1 < plan->graph.node_count; node++)
        for (int64_t time_us = 0; time_us < PLAN_STORM_US;) {
            for (uint32_t told = 1 + dice_below(dice, 3); told > 0; told--)
                plan_add(plan, time_us + dice_between(dice, 0, 300000), PLAN_SUBMIT, node,
                         dice_below(dice, plan->options.client_count), SIM_STAMP_NOW);
            time_us += dice_between(dice, 50000, 1000000);
            time_us = plan_death(plan, dice, node, time_us, dice_between(dice, 1000, 100000));
        }
}

/* Somebody starts a second process with a node's name, and clients talk to it as well. */
static void plan_mimic(struct plan *plan, struct dice *dice)
{
    if (!dice_chance(dice, MIMIC_PERMILLE))
        return;
    uint32_t mimic = plan->graph.node_count;
    plan->options.mimicked = dice_below(dice, plan->graph.node_count);
    int64_t start_us = dice_between(dice, 0, PLAN_STORM_US / 2);
    int64_t end_us = dice_between(dice, start_us + 1, PLAN_STORM_US - 1);
    plan_add(plan, start_us, PLAN_START, mimic, 0, 0);
    for (uint32_t told = dice_below(dice, 10); told > 0; told--)
        plan_add(plan, dice_between(dice, start_us, end_us), PLAN_SUBMIT, mimic,
                 dice_below(dice, plan->options.client_count), SIM_STAMP_NOW);
    plan_add(plan, end_us, dice_chance(dice, 500) ? PLAN_KILL : PLAN_LEAVE, mimic, 0, 0);
}

/* ---- The whole -------------------------------------------------------------------------- */

static void fill(struct plan *plan, struct dice *dice)
{
    choose_weather(&plan->options, dice);
    plan->options.seed = dice_next(dice);
    if (plan->story == PLAN_BUSY)
        choose_busy_weather(&plan->options, dice);
    plan_clients(plan, dice, plan->story == PLAN_BUSY ? 2 * SUBMITS : SUBMITS);
    if (plan->story == PLAN_RESTLESS) {
        choose_restless_weather(&plan->options, dice);
        plan_restless(plan, dice);
    } else {
        plan_cuts(plan, dice);
        plan_swizzle(plan, dice);
        plan_deaths(plan, dice);
        plan_mimic(plan, dice);
        plan_deaths_of_connections(plan, dice);
    }
    plan_sort(plan);
}

struct plan plan_make(uint64_t seed)
{
    static const enum plan_story stories[] = {
        PLAN_RING, PLAN_EIGHT, PLAN_RING,   PLAN_EIGHT,  PLAN_RING,     PLAN_EIGHT,
        PLAN_RING, PLAN_EIGHT, PLAN_RING,   PLAN_EIGHT,  PLAN_RING,     PLAN_EDITION,
        PLAN_RING, PLAN_BUSY,  PLAN_CHANCE, PLAN_FORGED, PLAN_RESTLESS, PLAN_RESTLESS,
    };
    struct plan plan = {.story = stories[seed % (sizeof stories / sizeof *stories)]};
    struct dice dice = {seed};
    choose_herd(&plan, &dice);
    fill(&plan, &dice);
    return plan;
}

struct plan plan_make_on(const struct graph *graph, uint64_t seed)
{
    struct plan plan = {.story = PLAN_GIVEN, .graph = graph_copy(graph)};
    struct dice dice = {seed};
    fill(&plan, &dice);
    return plan;
}
