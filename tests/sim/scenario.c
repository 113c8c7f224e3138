#include "tests/sim/scenario.h"

#include <inttypes.h>
#include <stdlib.h>

/* Where there and back takes longer than the patience before telling again, more is told. */
#define LAST_WORD_LATENCY_US_MAX 400000
#define LAST_WORD_US_MAX         10000000

void scenario_add(struct scenario *plan, int64_t time_us, enum plan_verb verb, uint32_t a,
                  uint32_t b, uint32_t c)
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

void scenario_sort(struct scenario *plan)
{
    qsort(plan->actions, plan->count, sizeof *plan->actions, compare_actions);
}

void scenario_free(struct scenario *plan)
{
    graph_free(&plan->graph);
    free(plan->actions);
    *plan = (struct scenario){0};
}

static void print_action(const struct plan_action *action, FILE *out)
{
    static const char *const roads[] = {"open", "clogged", "losing", "refusing", "dead"};
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
    case PLAN_START_STRANGE:
        fprintf(out, "node-%" PRIu32 " starts in another herd\n", action->a);
        break;
    }
}

void plan_print_options(const struct scenario *plan, FILE *out)
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
    if (options->rate_bytes_per_s > 0)
        fprintf(out, "links take %" PRIu32 " bytes a second\n", options->rate_bytes_per_s);
    if (options->mimicked != SIM_NO_NODE)
        fprintf(out, "node-%" PRIu32 " bears the name of node-%" PRIu32 "\n",
                plan->graph.node_count, options->mimicked);
}

void plan_print_actions(const struct scenario *plan, FILE *out)
{
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
        sim_leave(sim, action->a, PLAN_PATIENCE_US);
        break;
    case PLAN_START:
        sim_start(sim, action->a);
        break;
    case PLAN_START_STRANGE:
        sim_start_strange(sim, action->a);
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

/* One more location, told to a herd at rest, goes over each link as often as plain flooding needs,
 * and no more: every node tells all neighbours but the one it has it from. */
static void say_last_word(struct sim *sim, const struct scenario *plan)
{
    uint64_t flooded = 2 * (uint64_t)plan->graph.edge_count - plan->graph.node_count + 1;
    uint64_t before = sim_flood_count(sim).locations_sent;
    sim_expect_quiet(sim, false);
    sim_submit(sim, 0, 0, SIM_STAMP_NOW);
    settle(sim, LAST_WORD_US_MAX);
    uint64_t copies = sim_flood_count(sim).locations_sent - before;
    if (copies > flooded)
        sim_fail(sim, "the last word took %" PRIu64 " copies, and flooding only %" PRIu64, copies,
                 flooded);
}

struct plan_result scenario_play(const struct scenario *plan, struct sim_counters *counters)
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
    sim_run(sim, sim_now_us(sim) + PLAN_GRACE_US + PLAN_GRACE_TRIPS * plan->options.latency_us_max);
    sim_expect_quiet(sim, true);
    sim_run(sim, sim_now_us(sim) + PLAN_QUIET_US);
    if (plan->options.latency_us_max < LAST_WORD_LATENCY_US_MAX)
        say_last_word(sim, plan);
    /* Once, at the end: at rest the digests were equal, and every change since was watched. */
    if (sim_violation(sim) == NULL)
        sim_compare_tables(sim);
    if (sim_violation(sim) != NULL)
        snprintf(result.violation, sizeof result.violation, "%s", sim_violation(sim));
    sim_destroy(&sim);
    return result;
}
