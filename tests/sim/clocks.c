#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdlib.h>

/* The wall clock of a world at virtual time 0: early 2027. */
#define WALL_NS INT64_C(1800000000000000000)
/* A clock before that, 2026-01-01, does not vote. */
#define WALL_NS_MIN  INT64_C(1767225600000000000)
#define TELL_US      1000000
#define MICRO        1000000
#define AHEAD_NS     INT64_C(10000000000)
#define TOLERANCE_NS INT64_C(1000000000)
/* Instead of a time that nobody knows. */
#define UNKNOWN_NS INT64_C(-4000000000000000000)
/* For how long the greatest and the least count, and until all nodes have heard of a new clock. */
#define HOLD_US 60000000
#define MET_US  8000000

int64_t world_true_ns(const struct sim *sim)
{
    return WALL_NS + sim->now_us * 1000;
}

/* How far the node's crystal runs away from true time in that time. */
static int64_t runs_away(const struct node *node, int64_t time)
{
    if (node->clock.rate_ppm == 0)
        return 0;
    return time / MICRO * node->clock.rate_ppm + time % MICRO * node->clock.rate_ppm / MICRO;
}

int64_t node_clock_ms(const struct sim *sim, const struct node *node)
{
    return node->clock_ms + (sim->now_us + runs_away(node, sim->now_us)) / 1000;
}

static int64_t clock_ms_at(const struct node *node, int64_t time_us)
{
    return node->clock_ms + (time_us + runs_away(node, time_us)) / 1000;
}

int64_t node_clock_reaches_us(const struct sim *sim, const struct node *node, int64_t clock_ms)
{
    int64_t wanted_us = (clock_ms - node->clock_ms) * 1000;
    if (node->clock.rate_ppm == 0)
        return wanted_us;
    int64_t time_us = wanted_us - runs_away(node, wanted_us);
    while (clock_ms_at(node, time_us) >= clock_ms)
        time_us -= 500;
    while (clock_ms_at(node, time_us) < clock_ms)
        time_us += 100;
    return time_us > sim->now_us ? time_us : sim->now_us;
}

/* How far its wall clock is off now. */
static int64_t off_ns(const struct sim *sim, const struct node *node)
{
    int64_t run_ns =
        node->clock.runs_free ? runs_away(node, (sim->now_us - node->set_us) * 1000) : 0;
    return node->clock.off_ns + run_ns;
}

int64_t node_wall_ns(const struct sim *sim, const struct node *node)
{
    return world_true_ns(sim) + off_ns(sim, node);
}

bool node_is_old(const struct sim *sim, uint32_t node)
{
    return node < 64 && (sim->options.old_nodes >> node & 1) != 0;
}

void node_tell_clock(struct sim *sim, struct node *node)
{
    node->told_us = sim->now_us;
    if (node->flood != NULL && !node_is_old(sim, (uint32_t)(node - sim->nodes)))
        flood_set_clock(node->flood, node_clock_ms(sim, node), node_wall_ns(sim, node));
}

void node_keep_clock(struct sim *sim, struct node *node)
{
    if (sim->now_us - node->told_us >= TELL_US)
        node_tell_clock(sim, node);
}

void sim_set_clock(struct sim *sim, uint32_t index, int64_t off)
{
    struct node *node = &sim->nodes[index];
    sim->counters->jumps++;
    node->clock.off_ns = off;
    node->set_us = sim->now_us;
    node_tell_clock(sim, node);
    clocks_note(sim);
    if (node->flood != NULL)
        node_wants_turn(sim, index, sim->now_us);
}

static int compare_offsets(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return one < other ? -1 : one > other;
}

/* V5, of the clocks themselves. False where nobody votes. */
static bool take_medians(const struct sim *sim, struct medians *medians)
{
    int64_t *offsets = world_memory(sim->herd_count, sizeof *offsets);
    uint32_t count = 0;
    for (uint32_t i = 0; i < sim->herd_count; i++)
        if (!node_is_old(sim, i) && node_wall_ns(sim, &sim->nodes[i]) >= WALL_NS_MIN)
            offsets[count++] = off_ns(sim, &sim->nodes[i]);
    qsort(offsets, count, sizeof *offsets, compare_offsets);
    if (count > 0)
        *medians = (struct medians){0, offsets[(count - 1) / 2], offsets[count / 2]};
    free(offsets);
    return count > 0;
}

void clocks_note(struct sim *sim)
{
    struct medians medians;
    if (!take_medians(sim, &medians))
        medians = (struct medians){.low_ns = UNKNOWN_NS, .high_ns = -WALL_NS};
    if (sim->median_count == WORLD_MEDIANS_MAX)
        memmove(&sim->medians[0], &sim->medians[1], --sim->median_count * sizeof sim->medians[0]);
    medians.since_us = sim->now_us;
    sim->medians[sim->median_count++] = medians;
}

/* The least and the greatest since then, of those that lasted at least so long. */
static struct medians take_hold(const struct sim *sim, int64_t since_us, int64_t lasted_us)
{
    uint32_t i = sim->median_count - 1;
    struct medians hold = sim->medians[i];
    for (int64_t end_us = hold.since_us; i > 0 && end_us > since_us;
         end_us = sim->medians[i].since_us) {
        const struct medians *medians = &sim->medians[--i];
        if (end_us - medians->since_us < lasted_us)
            continue;
        if (medians->low_ns < hold.low_ns)
            hold.low_ns = medians->low_ns;
        if (medians->high_ns > hold.high_ns)
            hold.high_ns = medians->high_ns;
    }
    return hold;
}

static void judge(struct sim *sim, uint32_t index, const char *what, int64_t is_ns,
                  int64_t least_ns, int64_t most_ns)
{
    int64_t now_ns = world_true_ns(sim);
    if (is_ns - now_ns < least_ns || is_ns - now_ns > most_ns)
        sim_fail(sim,
                 "%s takes its %s for %.3f s off true time, the herd's clocks say %.3f to %.3f",
                 sim->names[index], what, (double)(is_ns - now_ns) / 1e9, (double)least_ns / 1e9,
                 (double)most_ns / 1e9);
}

/* V6 and V7: the hold of the last minute, which may have begun a moment ago or not. */
static void judge_node(struct sim *sim, uint32_t index, struct medians now, int64_t spare_ns,
                       bool with_hold)
{
    const struct node *node = &sim->nodes[index];
    struct flood_time time = flood_time(node->flood, node_clock_ms(sim, node));
    struct medians few = take_hold(sim, sim->now_us - HOLD_US + MET_US, MET_US);
    struct medians many = take_hold(sim, sim->now_us - HOLD_US - MET_US, 0);
    int64_t now_ns = world_true_ns(sim);
    int64_t near_ns = TOLERANCE_NS + spare_ns;
    judge(sim, index, "time for accepting", time.accept_ns, now.high_ns - near_ns,
          now.high_ns + near_ns);
    judge(sim, index, "time for forgetting", time.forget_ns, now.low_ns - near_ns,
          now.low_ns + near_ns);
    judge(sim, index, "clock", node_wall_ns(sim, node) - time.offset_ns, now.high_ns - spare_ns,
          now.high_ns + spare_ns);
    if (!with_hold)
        return;
    judge(sim, index, "ceiling", time.ceiling_ns, few.high_ns + AHEAD_NS - spare_ns,
          many.high_ns + AHEAD_NS + spare_ns);
    if (time.floor_ns == INT64_MIN)
        time.floor_ns = now_ns + UNKNOWN_NS;
    judge(sim, index, "floor", time.floor_ns, many.low_ns - spare_ns, few.low_ns + spare_ns);
}

void sim_judge_time(struct sim *sim, int64_t spare_ns, bool with_hold)
{
    struct medians now;
    for (uint32_t i = 0; i < sim->herd_count; i++)
        if (sim->nodes[i].set_us > sim->now_us - MET_US || sim->nodes[i].flood == NULL)
            return;
    clocks_note(sim);
    if (!take_medians(sim, &now))
        return;
    for (uint32_t i = 0; i < sim->herd_count; i++)
        if (!node_is_old(sim, i))
            judge_node(sim, i, now, spare_ns, with_hold);
}
