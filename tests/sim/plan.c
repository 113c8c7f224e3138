#include "tests/sim/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_US         500000
#define STAMP_KINDS         5
#define CLIENTS_MAX         80
#define SHORT_ID_BYTES_MAX  16
#define LONG_ID_BYTES_MAX   60000
#define SUBMITS_MAX         120
#define CUTS_MAX            10
#define DEATHS_MAX          4
#define LIVES_MAX           4
#define FORGED_PERMILLE     100
#define NODES_BY_CHANCE_MAX 12

#define PICK(all, dice) (all)[dice_below(dice, sizeof(all) / sizeof *(all))]

static void add(struct plan *plan, int64_t time_us, enum plan_verb verb, uint32_t a, uint32_t b,
                uint32_t c)
{
    if (plan->count == plan->capacity) {
        plan->capacity = plan->capacity == 0 ? 256 : 2 * plan->capacity;
        plan->actions = realloc(plan->actions, plan->capacity * sizeof *plan->actions);
        if (plan->actions == NULL) {
            perror("plan");
            exit(2);
        }
    }
    plan->actions[plan->count] = (struct plan_action){time_us, plan->count, verb, a, b, c};
    plan->count++;
}

static int compare_actions(const void *a, const void *b)
{
    const struct plan_action *one = a, *other = b;
    if (one->time_us != other->time_us)
        return one->time_us < other->time_us ? -1 : 1;
    return one->order < other->order ? -1 : one->order > other->order;
}

static void choose_herd(struct plan *plan, uint64_t seed, struct dice *dice)
{
    static const enum plan_story stories[] = {
        PLAN_RING, PLAN_EIGHT, PLAN_RING,   PLAN_EIGHT,  PLAN_RING,     PLAN_EIGHT,
        PLAN_RING, PLAN_EIGHT, PLAN_RING,   PLAN_EIGHT,  PLAN_RING,     PLAN_EIGHT,
        PLAN_RING, PLAN_EIGHT, PLAN_CHANCE, PLAN_FORGED, PLAN_RESTLESS, PLAN_RESTLESS,
    };
    plan->story = stories[seed % (sizeof stories / sizeof *stories)];
    uint32_t nodes;
    switch (plan->story) {
    case PLAN_RING:
        plan->graph = graph_edition(2);
        break;
    case PLAN_EIGHT:
        plan->graph = graph_eight();
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

static void choose_weather(struct sim_options *options, struct dice *dice)
{
    static const int64_t latencies_us[][2] = {{50, 300},      {1000, 1000},    {1000, 30000},
                                              {1000, 200000}, {80000, 120000}, {600000, 800000}};
    static const uint32_t losses[] = {0, 0, 5, 50, 150};
    static const uint32_t copies[] = {0, 0, 20, 100};
    static const uint32_t lates[] = {0, 500, 1000};
    static const uint32_t queues[] = {1, 2, 6, 30, 1000, 1000};
    static const uint32_t counts[] = {1, 4, 12, 24, CLIENTS_MAX};
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
    if (dice_chance(dice, 60))
        options->client_bytes_max = LONG_ID_BYTES_MAX;
    options->skew_s_max = dice_chance(dice, 500) ? 300 : 0;
    options->history_client = SIM_NO_CLIENT;
}

/* Messages of past lives arrive all the time, and many of the living are lost: whoever mistakes one
 * session for another is found out here. */
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

static uint32_t choose_stamp(struct dice *dice, uint32_t odd_permille)
{
    if (!dice_chance(dice, odd_permille))
        return SIM_STAMP_NOW;
    return dice_below(dice, STAMP_KINDS);
}

/* Clients talk all through the storm, sometimes many at once. */
static void plan_clients(struct plan *plan, struct dice *dice)
{
    uint32_t submits = 1 + dice_below(dice, SUBMITS_MAX);
    uint32_t odd_permille = dice_chance(dice, 500) ? 400 : 20;
    int64_t time_us = 0;
    while (submits > 0) {
        time_us = dice_between(dice, 0, PLAN_STORM_US - 1);
        uint32_t burst = dice_chance(dice, 200) ? 1 + dice_below(dice, 30) : 1;
        for (; burst > 0 && submits > 0; burst--, submits--) {
            uint32_t node = dice_below(dice, plan->graph.node_count);
            uint32_t client = dice_below(dice, plan->options.client_count);
            add(plan, time_us, PLAN_SUBMIT, node, client, choose_stamp(dice, odd_permille));
            time_us += dice_between(dice, 0, 20000);
        }
    }
}

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
        int64_t end_us = start_us + dice_between(dice, 1000, PLAN_STORM_US / 2);
        if (ways & 1) {
            add(plan, start_us, PLAN_ROAD, edge->a, edge->b, road);
            add(plan, end_us, PLAN_ROAD, edge->a, edge->b, SIM_OPEN);
        }
        if (ways & 2) {
            add(plan, start_us, PLAN_ROAD, edge->b, edge->a, road);
            add(plan, end_us, PLAN_ROAD, edge->b, edge->a, SIM_OPEN);
        }
    }
}

/* Swizzle-clog: the links around a random set of nodes stop one by one, and flow again in another
 * order (the name and the idea are FoundationDB's). */
static void plan_swizzle(struct plan *plan, struct dice *dice)
{
    if (!dice_chance(dice, 300))
        return;
    uint64_t chosen = dice_next(dice);
    enum sim_road road = dice_chance(dice, 500) ? SIM_CLOGGED : SIM_LOSING;
    int64_t start_us = dice_between(dice, 0, PLAN_STORM_US / 2);
    int64_t middle_us = start_us + PLAN_STORM_US / 5;
    for (size_t i = 0; i < plan->graph.edge_count; i++) {
        const struct edge *edge = &plan->graph.edges[i];
        if (((chosen >> edge->a | chosen >> edge->b) & 1) == 0)
            continue;
        for (int way = 0; way < 2; way++) {
            uint32_t from = way == 0 ? edge->a : edge->b, to = way == 0 ? edge->b : edge->a;
            add(plan, dice_between(dice, start_us, middle_us), PLAN_ROAD, from, to, road);
            add(plan, dice_between(dice, middle_us, middle_us + PLAN_STORM_US / 5), PLAN_ROAD, from,
                to, SIM_OPEN);
        }
    }
}

/* One end and one new start; when the node is back. */
static int64_t plan_death(struct plan *plan, struct dice *dice, uint32_t node, int64_t start_us,
                          int64_t down_us)
{
    bool orderly = dice_chance(dice, 300);
    int64_t back_us = start_us + down_us + (orderly ? PATIENCE_US + 1 : 0);
    add(plan, start_us, orderly ? PLAN_LEAVE : PLAN_KILL, node, 0, 0);
    add(plan, back_us, PLAN_START, node, 0, 0);
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
        /* A node that cannot make up its mind: several sessions meet the messages of each other. */
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
                add(plan, time_us + dice_between(dice, 0, 300000), PLAN_SUBMIT, node,
                    dice_below(dice, plan->options.client_count), SIM_STAMP_NOW);
            time_us += dice_between(dice, 50000, 1000000);
            time_us = plan_death(plan, dice, node, time_us, dice_between(dice, 1000, 100000));
        }
}

const char *plan_story_name(enum plan_story story)
{
    static const char *const names[PLAN_STORIES] = {
        [PLAN_RING] = "ring of five (fall2016)",
        [PLAN_EIGHT] = "eight nodes",
        [PLAN_CHANCE] = "chance graph",
        [PLAN_FORGED] = "line with forged locations",
        [PLAN_RESTLESS] = "line of restless nodes",
    };
    return names[story];
}

struct plan plan_make(uint64_t seed)
{
    struct plan plan = {0};
    struct dice dice = {seed};
    choose_herd(&plan, seed, &dice);
    choose_weather(&plan.options, &dice);
    plan.options.seed = dice_next(&dice);
    plan_clients(&plan, &dice);
    if (plan.story == PLAN_RESTLESS) {
        choose_restless_weather(&plan.options, &dice);
        plan_restless(&plan, &dice);
    } else {
        plan_cuts(&plan, &dice);
        plan_swizzle(&plan, &dice);
        plan_deaths(&plan, &dice);
    }
    qsort(plan.actions, plan.count, sizeof *plan.actions, compare_actions);
    return plan;
}

void plan_free(struct plan *plan)
{
    graph_free(&plan->graph);
    free(plan->actions);
    *plan = (struct plan){0};
}

static void print_action(const struct plan_action *action, FILE *out)
{
    static const char *const roads[] = {"open", "clogged", "losing", "refusing"};
    static const char *const stamps[] = {"now", "stale", "future", "equal", "repeat"};
    fprintf(out, "%10.6f s  ", (double)action->time_us / 1e6);
    switch (action->verb) {
    case PLAN_SUBMIT:
        fprintf(out, "client %" PRIu32 " tells node-%" PRIu32 ", stamp %s\n", action->b, action->a,
                stamps[action->c]);
        break;
    case PLAN_ROAD:
        fprintf(out, "road node-%" PRIu32 " to node-%" PRIu32 " is %s\n", action->a, action->b,
                roads[action->c]);
        break;
    case PLAN_KILL:
        fprintf(out, "node-%" PRIu32 " is killed\n", action->a);
        break;
    case PLAN_LEAVE:
        fprintf(out, "node-%" PRIu32 " leaves\n", action->a);
        break;
    case PLAN_START:
        fprintf(out, "node-%" PRIu32 " starts\n", action->a);
        break;
    }
}

void plan_print(const struct plan *plan, FILE *out)
{
    const struct sim_options *options = &plan->options;
    fprintf(out, "%s: %" PRIu32 " nodes, links", plan_story_name(plan->story),
            plan->graph.node_count);
    for (size_t i = 0; i < plan->graph.edge_count; i++)
        fprintf(out, " %" PRIu32 "-%" PRIu32, plan->graph.edges[i].a, plan->graph.edges[i].b);
    fprintf(out,
            "\nlatency %" PRId64 " to %" PRId64 " us, turn up to %" PRId64
            " us, stragglers up to %" PRId64 " us\n",
            options->latency_us_min, options->latency_us_max, options->turn_us_max,
            options->late_us_max);
    fprintf(out,
            "per mille: lost %" PRIu32 ", copied %" PRIu32
            ", late from a broken connection %" PRIu32 ", forged %" PRIu32 "\n",
            options->loss_permille, options->copy_permille, options->late_permille,
            options->forge_permille);
    fprintf(out,
            "%" PRIu32 " clients with ids up to %" PRIu32 " bytes, tables take %" PRIu32
            ", queues %" PRIu32 " messages, clocks off by up to %" PRId64 " s\n",
            options->client_count, options->client_bytes_max, options->clients_max,
            options->queue_max, options->skew_s_max);
    for (size_t i = 0; i < plan->count; i++)
        print_action(&plan->actions[i], out);
    fprintf(out, "%10.6f s  everything heals\n", PLAN_STORM_US / 1e6);
}

static void act(struct sim *sim, const struct plan_action *action)
{
    switch (action->verb) {
    case PLAN_SUBMIT:
        sim_submit(sim, action->a, action->b, (enum sim_stamp)action->c);
        break;
    case PLAN_ROAD:
        sim_set_road(sim, action->a, action->b, (enum sim_road)action->c);
        break;
    case PLAN_KILL:
        sim_kill(sim, action->a);
        break;
    case PLAN_LEAVE:
        sim_leave(sim, action->a, PATIENCE_US);
        break;
    case PLAN_START:
        sim_start(sim, action->a);
        break;
    }
}

/* Runs until the herd is at rest; how long that took. */
static int64_t settle(struct sim *sim, int64_t bound_us)
{
    int64_t start_us = sim_now_us(sim);
    const int64_t step_us = 20000;
    while (!sim_is_settled(sim)) {
        int64_t passed_us = sim_now_us(sim) - start_us;
        if (passed_us >= bound_us)
            sim_fail_unsettled(sim);
        if (!sim_run(sim, sim_now_us(sim) + step_us))
            break;
    }
    return sim_now_us(sim) - start_us;
}

struct plan_result plan_play(const struct plan *plan, struct sim_counters *counters)
{
    struct plan_result result = {0};
    struct sim *sim = sim_new(&plan->graph, &plan->options, counters);
    for (size_t i = 0; i < plan->count && plan->actions[i].time_us < PLAN_STORM_US; i++) {
        sim_run(sim, plan->actions[i].time_us);
        act(sim, &plan->actions[i]);
    }
    sim_run(sim, PLAN_STORM_US);
    sim_heal(sim);
    result.settle_us = settle(sim, plan->options.forge_permille > 0 ? PLAN_SETTLE_FORGED_US_MAX
                                                                    : PLAN_SETTLE_US_MAX);
    if (sim_violation(sim) == NULL)
        sim_compare_tables(sim);
    sim_run(sim, sim_now_us(sim) + PLAN_GRACE_US);
    sim_expect_quiet(sim);
    sim_run(sim, sim_now_us(sim) + PLAN_QUIET_US);
    if (sim_violation(sim) == NULL)
        sim_compare_tables(sim);
    if (sim_violation(sim) != NULL)
        snprintf(result.violation, sizeof result.violation, "%s", sim_violation(sim));
    sim_destroy(&sim);
    return result;
}
