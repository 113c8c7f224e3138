#include "tests/sim/scenario.h"

#include <inttypes.h>
#include <stdlib.h>

#define CLOCKS_PRINTED_MAX 10
/* Where a round trip takes longer than the patience before sending again, more is sent. */
#define LAST_WORD_LATENCY_US_MAX 400000
#define LAST_WORD_US_MAX         10000000
/* Deadlines are whole milliseconds; and a file of a journal may have to be made. */
#define ANSWER_SPARE_US 3000
#define ANSWER_FILE_US  300000
/* A neighbour of version 1 is not asked for its acknowledgement. */
#define ANSWER_OLD_US 20000
#define LAST_WORDS_US 6000000
/* What an order may be ahead, and some steps of the horizon. */
#define OVER_US 20000000
/* What may be sent over each link for a word that was lost on one: the word, and what differs from
 * both ends of that link. */
#define LOST_WORD_COPIES 4
/* A segment that could not be made is tried again after 10 s. */
#define SAFE_US_MAX  15000000
#define SAFE_STEP_US 50000
/* Until nodes that have met have compared all ranges. */
#define PASS_US 80000000
/* After that nothing of a client is on a disk that was forgotten. */
#define FORGOTTEN_US INT64_C(600000000)

static struct plan_action *add(struct scenario *plan, int64_t time_us, enum plan_verb verb,
                               uint32_t a, uint32_t b, uint32_t c)
{
    if (plan->count == plan->capacity) {
        plan->capacity = plan->capacity == 0 ? 256 : 2 * plan->capacity;
        plan->actions = realloc(plan->actions, plan->capacity * sizeof *plan->actions);
        if (plan->actions == NULL) {
            perror("plan");
            exit(2);
        }
    }
    struct plan_action *added = &plan->actions[plan->count];
    *added = (struct plan_action){time_us, plan->count++, verb, a, b, c, 0};
    return added;
}

void scenario_add(struct scenario *plan, int64_t time_us, enum plan_verb verb, uint32_t a,
                  uint32_t b, uint32_t c)
{
    add(plan, time_us, verb, a, b, c);
}

void scenario_add_clock(struct scenario *plan, int64_t time_us, uint32_t node, int64_t off_ns)
{
    add(plan, time_us, PLAN_CLOCK, node, 0, 0)->off_ns = off_ns;
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
    free(plan->clocks);
    *plan = (struct scenario){0};
}

static void print_action(const struct plan_action *action, FILE *out)
{
    static const char *const roads[] = {"open", "clogged", "losing", "refusing", "dead"};
    static const char *const stamps[] = {"now", "stale", "future", "equal", "repeat", "slow"};
    static const char *const disks[] = {"is well", "is full", "fails", "hangs"};
    static const char *const injections[] = {"nothing", "loss", "another digit", "an order ahead"};
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
    case PLAN_CLOCK:
        fprintf(out, "node-%" PRIu32 " has its clock set %.3f s off\n", action->a,
                (double)action->off_ns / 1e9);
        break;
    case PLAN_JUDGE:
        fprintf(out, "time is judged\n");
        break;
    case PLAN_TOMBSTONE:
        fprintf(out, "node-%" PRIu32 " is to forget client %" PRIu32 "\n", action->a, action->b);
        break;
    case PLAN_DISK_IS:
        fprintf(out, "the disk of node-%" PRIu32 " %s\n", action->a, disks[action->c]);
        break;
    case PLAN_LINK:
        fprintf(out, "node-%" PRIu32 " %s its link to node-%" PRIu32 "\n", action->a,
                action->c ? "puts in" : "takes out", action->b);
        break;
    case PLAN_COUNT_COPIES:
        fprintf(out, "copies are %s\n", action->a > 0 ? "judged" : "counted");
        break;
    case PLAN_CUT_WAY:
        fprintf(out, "the link that brings node-%" PRIu32 " the most is cut%s\n", action->a,
                action->b ? ", and told" : "");
        break;
    case PLAN_JUDGE_DELAY:
        fprintf(out, "delays are judged: %" PRIu32 " ms\n", action->a);
        break;
    case PLAN_INJECT:
        fprintf(out, "the next UPDATE of node-%" PRIu32 " to node-%" PRIu32 ": %s\n", action->a,
                action->b, injections[action->c]);
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
    if (options->table_bytes_max > 0)
        fprintf(out, "tables take %" PRIu64 " bytes\n", options->table_bytes_max);
    if (options->rate_bytes_per_s > 0)
        fprintf(out, "links take %" PRIu32 " bytes a second\n", options->rate_bytes_per_s);
    if (options->mimicked != SIM_NO_NODE)
        fprintf(out, "node-%" PRIu32 " bears the name of node-%" PRIu32 "\n",
                plan->graph.node_count, options->mimicked);
    if (options->warm_permille > 0)
        fprintf(out, "per mille of nodes that come back with their tables: %" PRIu32 "\n",
                options->warm_permille);
    if (options->liar != SIM_NO_NODE)
        fprintf(out, "node-%" PRIu32 " lies\n", options->liar);
    if (options->disks.segment_bytes > 0)
        fprintf(out,
                "journals: a pause of %" PRId64 " ms, segments of %" PRIu32
                " bytes, syncs up to %" PRId64 " us; per mille: failed %" PRIu32
                ", starts with a bit flipped %" PRIu32 ", with a file lost %" PRIu32 "\n",
                options->disks.pause_ms, options->disks.segment_bytes, options->disks.sync_us_max,
                options->disks.fail_permille, options->disks.flip_permille,
                options->disks.lose_permille);
    if (options->promises != 0)
        fprintf(out, "answers wait for%s%s\n",
                options->promises & PROMISES_BY_NEIGHBOUR ? " a neighbour" : "",
                options->promises & PROMISES_BY_DISK ? " the disk" : "");
    for (uint32_t i = 0;
         i < plan->graph.node_count && i < CLOCKS_PRINTED_MAX && plan->clocks != NULL; i++)
        fprintf(out, "node-%" PRIu32 ": clock %.3f s off, crystal %+" PRId32 " ppm%s%s\n", i,
                (double)plan->clocks[i].off_ns / 1e9, plan->clocks[i].rate_ppm,
                plan->clocks[i].runs_free ? ", runs free" : "",
                options->old_nodes >> i & 1 ? ", speaks version 1" : "");
}

void plan_print_actions(const struct scenario *plan, FILE *out)
{
    for (size_t i = 0; i < plan->count; i++)
        print_action(&plan->actions[i], out);
    fprintf(out, "%10.6f s  everything heals\n", (double)plan->storm_us / 1e6);
}

static void act(struct sim *sim, const struct scenario *plan, const struct plan_action *action)
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
    case PLAN_CLOCK:
        sim_set_clock(sim, action->a, action->off_ns);
        break;
    case PLAN_JUDGE:
        sim_judge_time(sim, plan->spare_ns, action->c != 0);
        break;
    case PLAN_TOMBSTONE:
        sim_forget(sim, action->a, action->b);
        break;
    case PLAN_DISK_IS:
        sim_set_disk(sim, action->a, (enum sim_disk)action->c);
        break;
    case PLAN_LINK:
        sim_link(sim, action->a, action->b, action->c != 0);
        break;
    case PLAN_COUNT_COPIES:
        if (action->a > 0)
            sim_judge_copies(sim, action->a);
        sim_count_copies(sim);
        break;
    case PLAN_CUT_WAY:
        sim_cut_way(sim, action->a, action->b != 0);
        break;
    case PLAN_JUDGE_DELAY:
        sim_judge_delay(sim, action->a * INT64_C(1000));
        break;
    case PLAN_INJECT:
        sim_inject(sim, action->a, action->b, (enum sim_injection)action->c);
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

/* Its UPDATE and the acknowledgement, or a sync, and one that is on its way; and turns. */
static int64_t answer_us_max(const struct sim_options *options)
{
    if (options->rate_bytes_per_s > 0)
        return INT64_MAX;
    int64_t wait_us = 2 * options->latency_us_max;
    if (options->old_nodes != 0)
        wait_us += ANSWER_OLD_US;
    if ((options->promises & PROMISES_BY_DISK) != 0)
        wait_us += 2 * options->disks.sync_us_max + ANSWER_FILE_US;
    return wait_us + 4 * options->turn_us_max + ANSWER_SPARE_US;
}

/* An answer leaves as soon as it may, and the next one, too: it does not wait for the pause between
 * two batches. */
static void time_answers(struct sim *sim, const struct scenario *plan)
{
    sim_time_answers(sim);
    for (int i = 0; i < 2; i++) {
        sim_submit(sim, 0, 0, SIM_STAMP_NOW);
        settle(sim, LAST_WORD_US_MAX);
    }
    sim_judge_answers(sim, answer_us_max(&plan->options));
}

/* One more location, submitted to a herd at rest, goes over each link as often as plain flooding
 * needs, and no more: every node sends it to all neighbours but the one it has it from. */
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

/* Each client speaks once more, and that wins everywhere, whatever there was. */
static void say_last_words(struct sim *sim, const struct scenario *plan)
{
    sim_expect_quiet(sim, false);
    for (uint32_t i = 0; i < plan->options.client_count; i++)
        sim_submit(sim, i % plan->graph.node_count, i, SIM_STAMP_NOW);
    sim_run(sim, sim_now_us(sim) + LAST_WORDS_US);
    sim_judge_last_words(sim);
}

/* A difference in a herd at rest: one location is lost, and what finds and repairs it sends that
 * one only. */
static void lose_word(struct sim *sim, const struct scenario *plan)
{
    const struct edge *edge = &plan->graph.edges[0];
    sim_expect_quiet(sim, false);
    uint64_t before = sim_flood_count(sim).locations_sent;
    sim_inject(sim, edge->a, edge->b, SIM_INJECT_LOSS);
    sim_submit(sim, edge->a, 0, SIM_STAMP_NOW);
    settle(sim, SIM_SEEN_US_MAX + LAST_WORD_US_MAX);
    uint64_t copies = sim_flood_count(sim).locations_sent - before;
    if (copies > LOST_WORD_COPIES * plan->graph.edge_count)
        sim_fail(sim, "a lost word was repaired with %" PRIu64 " copies", copies);
}

/* Everybody is silent until all that was said is over; nothing is said about that. */
static void wait_for_the_end(struct sim *sim, const struct scenario *plan)
{
    settle(sim, plan->settle_us_max);
    sim_run(sim, sim_now_us(sim) + PLAN_GRACE_US + PLAN_GRACE_TRIPS * plan->options.latency_us_max);
    sim_expect_quiet(sim, true);
    sim_run(sim, sim_now_us(sim) + 2 * plan->options.expire_ms * 1000 + OVER_US);
    sim_judge_empty(sim);
}

/* Half of the clients are forgotten, and nobody says anything after that. */
static void forget_some(struct sim *sim, const struct scenario *plan)
{
    sim_expect_quiet(sim, false);
    for (uint32_t i = 0; i < plan->options.client_count; i += 2)
        sim_forget(sim, i % plan->graph.node_count, i);
    int64_t until_us = sim_now_us(sim) + FORGOTTEN_US;
    if (plan->story == PLAN_DOUBLE)
        scenario_trouble_forgetting(sim, plan);
    sim_run(sim, until_us);
    sim_judge_forgotten(sim);
}

/* All that a herd at rest holds is there after all nodes ended at once, whatever rots in one of
 * them. */
static void restart_all(struct sim *sim, const struct scenario *plan)
{
    int64_t until_us = sim_now_us(sim) + SAFE_US_MAX;
    sim_expect_quiet(sim, false);
    while (!sim_journals_are_safe(sim) && sim_now_us(sim) < until_us)
        if (!sim_run(sim, sim_now_us(sim) + SAFE_STEP_US))
            return;
    if (!sim_journals_are_safe(sim))
        sim_fail(sim, "a journal is behind for ever");
    sim_restart_all(sim);
    settle(sim, plan->settle_us_max);
    sim_judge_restart(sim);
    sim_judge_promises(sim);
    if (plan->options.expire_ms > 0)
        sim_run(sim, sim_now_us(sim) + PASS_US);
}

/* From rest to the end. */
static void judge_rest(struct sim *sim, const struct scenario *plan)
{
    int64_t calm_us = plan->storm_us + plan->calm_us;
    if (plan->calm_us > 0 && sim_now_us(sim) < calm_us) {
        sim_run(sim, calm_us);
        settle(sim, plan->settle_us_max);
    }
    if (plan->spare_ns > 0)
        sim_judge_time(sim, plan->spare_ns, true);
    if (plan->calm_us > 0 && plan->options.most_are_right)
        sim_judge_truth(sim);
    if (sim_has_unseen(sim))
        sim_fail(sim, "a difference is there that nobody has found");
    sim_run(sim, sim_now_us(sim) + PLAN_GRACE_US + PLAN_GRACE_TRIPS * plan->options.latency_us_max);
    sim_expect_quiet(sim, true);
    sim_run(sim, sim_now_us(sim) + PLAN_QUIET_US);
    if (sim_violation(sim) == NULL)
        sim_judge_ways(sim);
    if (plan->options.latency_us_max < LAST_WORD_LATENCY_US_MAX) {
        say_last_word(sim, plan);
        time_answers(sim, plan);
    }
    if (plan->story == PLAN_SILENT)
        lose_word(sim, plan);
    if (plan->calm_us > 0)
        say_last_words(sim, plan);
    if (plan->options.disks.segment_bytes > 0 && plan->options.expire_ms * 1000 > FORGOTTEN_US)
        forget_some(sim, plan);
    if (plan->options.disks.segment_bytes > 0)
        restart_all(sim, plan);
    if (plan->options.expire_ms > 0)
        wait_for_the_end(sim, plan);
}

struct plan_result scenario_play(const struct scenario *plan, struct sim_counters *counters)
{
    struct plan_result result = {0};
    struct sim_options options = plan->options;
    options.clocks = plan->clocks;
    options.has_clocks = plan->clocks != NULL;
    struct sim *sim = sim_new(&plan->graph, &options, counters);
    for (size_t i = 0; i < plan->count && plan->actions[i].time_us < plan->storm_us; i++) {
        sim_run(sim, plan->actions[i].time_us);
        act(sim, plan, &plan->actions[i]);
    }
    sim_run(sim, plan->storm_us);
    sim_heal(sim);
    result.settle_us = settle(sim, plan->settle_us_max);
    if (sim_violation(sim) == NULL)
        sim_judge_promises(sim);
    if (!plan->options.refusal_excused)
        judge_rest(sim, plan);
    /* Once, at the end: at rest the digests were equal, and every change since was watched. */
    if (sim_violation(sim) == NULL)
        sim_compare_tables(sim);
    if (sim_violation(sim) != NULL)
        snprintf(result.violation, sizeof result.violation, "%s", sim_violation(sim));
    sim_destroy(&sim);
    return result;
}
