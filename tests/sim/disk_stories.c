/* Journals: which herds have them, what their disks do, and a story of nodes that end again and
 * again, alone and all at once. */
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
/* Another sequence than the story's own. */
#define DISK_SEED UINT64_C(0x6a6f75726e616c)

#define PICK(all, rng) (all)[rng_below(rng, sizeof(all) / sizeof *(all))]

static struct sim_disks choose_disks(struct rng *rng)
{
    static const int64_t pauses_ms[] = {0, 1000, 1000};
    static const int64_t syncs_us[] = {300, 5000, 60000, SECOND_US};
    static const uint32_t fails[] = {0, 0, 30, 200};
    static const uint32_t rots[] = {0, 0, 200};
    return (struct sim_disks){
        .segment_bytes = JOURNAL_BATCH_BYTES + rng_below(rng, SEGMENT_BATCHES) * JOURNAL_PAGE_BYTES,
        .pause_ms = PICK(pauses_ms, rng),
        .sync_us_max = PICK(syncs_us, rng),
        .fail_permille = PICK(fails, rng),
        .flip_permille = PICK(rots, rng),
        .lose_permille = PICK(rots, rng) / 4,
    };
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
        scenario_add(plan, time_us, PLAN_DISK_FULL, node, 0, 1);
        scenario_add(plan, time_us + rng_between(rng, 0, plan->storm_us / 2), PLAN_DISK_FULL, node,
                     0, 0);
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
    for (uint32_t left = rng_below(rng, TOMBSTONES_MAX); left > 0; left--)
        scenario_add(plan, some_time_us(plan, rng), PLAN_TOMBSTONE,
                     rng_below(rng, plan->graph.node_count),
                     rng_below(rng, plan->options.client_count), 0);
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
