/* Journals: which herds have them, what their disks do, and two stories: of nodes that end again
 * and again, alone and all at once; and of what else happens while a disk has a fault. */
#include "bus/journal/plan.h"
#include "tests/sim/scenario.h"

#define SECOND_US INT64_C(1000000)
/* One herd in this many has journals, where clocks are what the story is about more often: these
 * are few. */
#define JOURNAL_ONE_IN      6
#define JOURNAL_TIME_ONE_IN 3
/* And of the others one in this many waits for neighbours with its answers. */
#define NEIGHBOUR_ONE_IN 8
/* Room for a few batches of few clients. */
#define SEGMENT_BATCHES 12u
#define ENDS_MAX        6
#define DISK_FULL_MAX   3
/* In some of these herds clients are forgotten, and nothing is over for long after that. */
#define FORGET_PERMILLE 150
#define TOMBSTONES_MAX  30
#define EXPIRE_MS       900000
/* Where two faults come together: how many times, how long a node is without others, how often it
 * ends in how short a time, and how long a disk has a fault while a client is forgotten. */
#define TROUBLES_MAX 4
#define ALONE_US     (5 * SECOND_US)
#define LIVES_MAX    4
#define SHORT_US     300000
#define TROUBLE_US   (30 * SECOND_US)
/* Another sequence than the story's own. */
#define DISK_SEED UINT64_C(0x6a6f75726e616c)

#define PICK(all, rng) (all)[rng_below(rng, sizeof(all) / sizeof *(all))]

static struct sim_disks choose_disks(struct rng *rng)
{
    static const int64_t pauses_ms[] = {0, 1000, 1000};
    static const int64_t syncs_us[] = {300, 5000, 60000, SECOND_US};
    static const uint32_t fails[] = {0, 0, 30, 200};
    static const uint32_t rots[] = {0, 0, 200};
    struct sim_disks disks = {0};
    disks.segment_bytes =
        JOURNAL_BATCH_BYTES + rng_below(rng, SEGMENT_BATCHES) * JOURNAL_PAGE_BYTES;
    disks.pause_ms = PICK(pauses_ms, rng);
    disks.sync_us_max = PICK(syncs_us, rng);
    disks.fail_permille = PICK(fails, rng);
    disks.flip_permille = PICK(rots, rng);
    disks.lose_permille = PICK(rots, rng) / 4;
    return disks;
}

static int64_t some_time_us(const struct scenario *plan, struct rng *rng)
{
    return rng_between(rng, 0, plan->storm_us - 1);
}

static void fill_disks(struct scenario *plan, struct rng *rng)
{
    for (uint32_t full = rng_below(rng, DISK_FULL_MAX + 1); full > 0; full--) {
        uint32_t node = rng_below(rng, plan->graph.node_count);
        int64_t time_us = some_time_us(plan, rng);
        scenario_add(plan, time_us, PLAN_DISK_IS, node, 0, SIM_DISK_FULL);
        scenario_add(plan, time_us + rng_between(rng, 0, plan->storm_us / 2), PLAN_DISK_IS, node, 0,
                     SIM_DISK_WELL);
    }
}

/* All nodes at once. */
static void cut_power(struct scenario *plan, struct rng *rng)
{
    for (uint32_t ends = rng_below(rng, ENDS_MAX / 2); ends > 0; ends--) {
        int64_t time_us = some_time_us(plan, rng);
        for (uint32_t node = 0; node < plan->graph.node_count; node++) {
            scenario_add(plan, time_us, PLAN_KILL, node, 0, 0);
            scenario_add(plan, time_us + rng_between(rng, 1, SECOND_US), PLAN_START, node, 0, 0);
        }
    }
}

static void forget_some(struct scenario *plan, struct rng *rng)
{
    plan->options.expire_ms = EXPIRE_MS;
    plan->calm_us = PLAN_SKEW_CALM_US; /* horizons move, and ranges are compared for it */
    for (uint32_t left = rng_below(rng, TOMBSTONES_MAX); left > 0; left--) {
        uint32_t client = rng_below(rng, plan->options.client_count);
        uint32_t node = rng_below(rng, plan->graph.node_count);
        scenario_add(plan, some_time_us(plan, rng), PLAN_TOMBSTONE, node, client, 0);
    }
}

void scenario_fill_disk(struct scenario *plan, struct rng *rng)
{
    plan->options.disks = choose_disks(rng);
    fill_disks(plan, rng);
    cut_power(plan, rng);
    if (rng_chance(rng, FORGET_PERMILLE))
        forget_some(plan, rng);
    for (uint32_t node = 0; node < plan->graph.node_count; node++)
        for (uint32_t ends = rng_below(rng, ENDS_MAX); ends > 0; ends--) {
            int64_t time_us = some_time_us(plan, rng);
            scenario_add(plan, time_us, rng_chance(rng, 200) ? PLAN_LEAVE : PLAN_KILL, node, 0, 0);
            time_us += PLAN_PATIENCE_US + rng_between(rng, 1, SECOND_US);
            scenario_add(plan, time_us, PLAN_START, node, 0, 0);
        }
}

/* ---- Two faults at once ------------------------------------------------------------------ */

static enum sim_disk some_fault(struct rng *rng)
{
    return (enum sim_disk)(SIM_DISK_FULL + rng_below(rng, SIM_DISK_HANGS));
}

static void end_and_start(struct scenario *plan, struct rng *rng, uint32_t node, int64_t time_us)
{
    scenario_add(plan, time_us, PLAN_KILL, node, 0, 0);
    scenario_add(plan, time_us + rng_between(rng, 1, SECOND_US), PLAN_START, node, 0, 0);
}

static void end_all(struct scenario *plan, struct rng *rng, int64_t time_us)
{
    for (uint32_t node = 0; node < plan->graph.node_count; node++)
        end_and_start(plan, rng, node, time_us);
}

/* It ends again before it has written much of what it found. */
static void end_again_and_again(struct scenario *plan, struct rng *rng, uint32_t node,
                                int64_t time_us)
{
    for (uint32_t lives = 2 + rng_below(rng, LIVES_MAX - 1); lives > 0; lives--) {
        scenario_add(plan, time_us, PLAN_KILL, node, 0, 0);
        time_us += rng_between(rng, 1, SHORT_US);
        scenario_add(plan, time_us, PLAN_START, node, 0, 0);
        time_us += rng_between(rng, 1, SHORT_US);
    }
}

/* Nobody tells it what its disk has not. */
static void end_alone(struct scenario *plan, struct rng *rng, uint32_t node, int64_t time_us)
{
    for (size_t i = 0; i < plan->graph.edge_count; i++) {
        const struct edge *edge = &plan->graph.edges[i];
        if (edge->a == node || edge->b == node)
            scenario_cut(plan, edge, time_us - SECOND_US,
                         time_us + rng_between(rng, SECOND_US, ALONE_US));
    }
    end_and_start(plan, rng, node, time_us);
}

static void add_trouble(struct scenario *plan, struct rng *rng)
{
    enum second { END, END_ALL, END_TWO, END_AGAIN, END_ALONE, TWO_DISKS, SECONDS };
    uint32_t node = rng_below(rng, plan->graph.node_count);
    uint32_t other = (node + 1) % plan->graph.node_count;
    int64_t from_us = rng_between(rng, SECOND_US, plan->storm_us - SECOND_US);
    int64_t to_us = from_us + rng_between(rng, SHORT_US, plan->storm_us / 2);
    int64_t second_us = rng_between(rng, from_us, to_us + SHORT_US);
    scenario_add(plan, from_us, PLAN_DISK_IS, node, 0, some_fault(rng));
    scenario_add(plan, to_us, PLAN_DISK_IS, node, 0, SIM_DISK_WELL);
    switch ((enum second)rng_below(rng, SECONDS)) {
    case END_ALL:
        end_all(plan, rng, second_us);
        break;
    case END_TWO:
        end_and_start(plan, rng, node, second_us);
        end_and_start(plan, rng, other, second_us);
        break;
    case END_AGAIN:
        end_again_and_again(plan, rng, node, second_us);
        break;
    case END_ALONE:
        end_alone(plan, rng, node, second_us);
        break;
    case TWO_DISKS:
        scenario_add(plan, second_us, PLAN_DISK_IS, other, 0, some_fault(rng));
        end_all(plan, rng, to_us);
        break;
    default:
        end_and_start(plan, rng, node, second_us);
        break;
    }
}

void scenario_fill_double(struct scenario *plan, struct rng *rng)
{
    static const uint32_t rots[] = {0, 300, 1000};
    plan->options.disks = choose_disks(rng);
    plan->options.disks.flip_permille = PICK(rots, rng);
    for (uint32_t troubles = 1 + rng_below(rng, TROUBLES_MAX); troubles > 0; troubles--)
        add_trouble(plan, rng);
    if (rng_chance(rng, FORGET_PERMILLE))
        forget_some(plan, rng);
}

/* It is about to write a generation without what was forgotten, or is at it. */
void scenario_trouble_forgetting(struct sim *sim, const struct scenario *plan)
{
    struct rng rng = {plan->options.seed ^ DISK_SEED};
    uint32_t node = rng_below(&rng, plan->graph.node_count);
    int64_t forgotten_us = sim_now_us(sim), due_us = forgotten_us + JOURNAL_FORGET_MS * 1000;
    sim_run(sim, due_us + rng_between(&rng, -SECOND_US, SECOND_US));
    sim_set_disk(sim, node, some_fault(&rng));
    sim_run(sim, sim_now_us(sim) + rng_between(&rng, 1, TROUBLE_US));
    if (rng_chance(&rng, 500)) {
        sim_kill(sim, node);
        sim_run(sim, sim_now_us(sim) + rng_between(&rng, 1, SECOND_US));
        sim_start(sim, node);
        sim_run(sim, sim_now_us(sim) + rng_between(&rng, 1, TROUBLE_US));
    }
    sim_set_disk(sim, node, SIM_DISK_WELL);
}

void scenario_add_disks(struct scenario *plan, uint64_t seed)
{
    struct rng rng = {seed ^ DISK_SEED};
    bool is_of_time = scenario_is_of_time(plan->story) || scenario_is_of_forgetting(plan->story);
    uint32_t one_in = is_of_time ? JOURNAL_TIME_ONE_IN : JOURNAL_ONE_IN;
    if (plan->options.disks.segment_bytes == 0 && rng_below(&rng, one_in) > 0) {
        plan->options.promises = rng_below(&rng, NEIGHBOUR_ONE_IN) == 0 ? PROMISES_BY_NEIGHBOUR : 0;
        return;
    }
    plan->options.promises = rng_below(&rng, 4);
    if (plan->options.disks.segment_bytes > 0)
        return;
    plan->options.disks = choose_disks(&rng);
    fill_disks(plan, &rng);
    if (!is_of_time)
        cut_power(plan, &rng);
    scenario_sort(plan);
}
