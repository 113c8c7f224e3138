#include "tests/sim/world.h"

#include <inttypes.h>

/* A position is later when it is later by more than this: two right clocks may differ that much. */
#define LATER_NS INT64_C(1000000000)
/* A ceiling that is higher than this above the time for accepting still holds a clock from before,
 * and what was taken by that one may stand below it. */
#define CEILING_NS_MAX INT64_C(12000000000)
/* A tombstone is 5 s ahead, by clocks that may differ. */
#define COVERED_NS INT64_C(7000000000)

struct verdict truth_expect(const struct sim *sim, uint32_t index, uint32_t client,
                            uint64_t clients, int64_t ceiling_ns)
{
    const struct node *node = &sim->nodes[index];
    const struct location *draft = &sim->draft.location;
    struct verdict stored = {FLOOD_STORED, draft->order_ns}, stale = {FLOOD_STALE, 0};
    if (draft->order_ns < flood_time(node->flood, node_clock_ms(sim, node)).horizon_ns)
        return (struct verdict){FLOOD_EXPIRED, 0};
    if (node->holds[client] == WORLD_NO_RECORD)
        return clients >= sim->options.clients_max ? (struct verdict){FLOOD_FULL, 0} : stored;
    const struct record *held = &sim->records[node->holds[client]];
    int64_t order_ns = record_known_ns(&held->location, ceiling_ns);
    if (order_ns == INT64_MIN)
        return draft->order_ns <= ceiling_ns || draft->order_ns > held->location.order_ns ? stored
                                                                                          : stale;
    if (draft->order_ns > ceiling_ns)
        return stale;
    if (draft->order_ns > order_ns)
        return stored;
    return sim->draft.stamp_ns > held->stamp_ns ? (struct verdict){FLOOD_STORED, order_ns + 1}
                                                : stale;
}

static bool is_unjudged(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->options.unjudged_count; i++)
        if (sim->now_us >= sim->options.unjudged[i].from_us &&
            sim->now_us <= sim->options.unjudged[i].to_us)
            return true;
    return false;
}

bool truth_counts(const struct sim *sim, uint32_t index)
{
    const struct node *node = &sim->nodes[index];
    if (!sim->options.most_are_right || is_unjudged(sim) || index == sim->options.liar ||
        node->strange || index >= sim->herd_count || node_is_old(sim, index))
        return false;
    struct flood_time time = flood_time(node->flood, node_clock_ms(sim, node));
    return 2 * time.votes > sim->herd_count;
}

void truth_judge_stale(struct sim *sim, uint32_t index, uint32_t client)
{
    const struct node *node = &sim->nodes[index];
    const struct record *held = &sim->records[node->holds[client]];
    if (!sim->draft.counts || !held->counts || sim->draft.true_ns <= held->true_ns + LATER_NS)
        return;
    struct flood_time time = flood_time(node->flood, node_clock_ms(sim, node));
    if (time.ceiling_ns - time.accept_ns < CEILING_NS_MAX)
        sim_fail(sim, "a later position of client %" PRIu32 " loses at %s by %.3f s", client,
                 sim->names[index],
                 (double)(held->location.order_ns - sim->draft.location.order_ns) / 1e9);
}

/* Whether the node that accepted it still lives the same life: else it may have died before it
 * sent it to anybody. */
static bool is_spread(const struct sim *sim, const struct record *record)
{
    return record->node != SIM_NO_NODE && sim->nodes[record->node].lives == record->life;
}

/* The latest true position that must have reached everybody, or WORLD_NO_RECORD. */
static uint32_t find_latest(const struct sim *sim, uint32_t client)
{
    uint32_t latest = WORLD_NO_RECORD;
    int64_t unjudged_ns = INT64_MIN;
    for (uint32_t i = sim->clients[client].newest; i != WORLD_NO_RECORD;
         i = sim->records[i].older) {
        const struct record *record = &sim->records[i];
        if (!record->counts && record->true_ns > unjudged_ns)
            unjudged_ns = record->true_ns;
        if (record->counts && is_spread(sim, record) &&
            (latest == WORLD_NO_RECORD || record->true_ns > sim->records[latest].true_ns))
            latest = i;
    }
    if (latest != WORLD_NO_RECORD && unjudged_ns > sim->records[latest].true_ns)
        return WORLD_NO_RECORD;
    return latest;
}

/* Whether the node may hold nothing of a client of which this is the latest: it is over. */
static bool is_over(const struct sim *sim, uint32_t index, const struct record *record)
{
    const struct node *node = &sim->nodes[index];
    return record->location.order_ns < flood_time(node->flood, node_clock_ms(sim, node)).horizon_ns;
}

/* A report at a node that had not heard of the FORGET may be lost that soon after it. */
static bool is_covered(const struct record *held, const struct record *latest)
{
    return held->location.position.len == 0 && held->true_ns >= latest->true_ns - COVERED_NS;
}

void sim_judge_empty(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->herd_count; i++)
        if (flood_clients(sim->nodes[i].flood) > 0)
            sim_fail(sim, "%s holds %" PRIu32 " clients, and all are over", sim->names[i],
                     flood_clients(sim->nodes[i].flood));
}

void sim_judge_truth(struct sim *sim)
{
    for (uint32_t client = 0; client < sim->options.client_count; client++) {
        uint32_t latest = find_latest(sim, client);
        if (latest == WORLD_NO_RECORD || sim->clients[client].lied)
            continue;
        for (uint32_t i = 0; i < sim->herd_count; i++) {
            uint32_t held = sim->nodes[i].holds[client];
            if (is_over(sim, i, &sim->records[latest]) ||
                (held != WORLD_NO_RECORD && is_covered(&sim->records[held], &sim->records[latest])))
                continue;
            if (held == WORLD_NO_RECORD)
                sim_fail(sim, "%s has lost client %" PRIu32, sim->names[i], client);
            else if (sim->records[held].true_ns < sim->records[latest].true_ns - LATER_NS)
                sim_fail(sim,
                         "at %s a position of client %" PRIu32 " hides one that is %.3f s later",
                         sim->names[i], client,
                         (double)(sim->records[latest].true_ns - sim->records[held].true_ns) / 1e9);
        }
    }
}

void sim_judge_last_words(struct sim *sim)
{
    for (uint32_t client = 0; client < sim->options.client_count; client++) {
        uint32_t last = sim->clients[client].last_word;
        /* With a stamp from the future it may have put itself just below the ceiling. */
        if (sim->clients[client].lied)
            continue;
        for (uint32_t i = 0; i < sim->herd_count && last != WORLD_NO_RECORD; i++)
            if (sim->nodes[i].holds[client] != last)
                sim_fail(sim, "%s does not hold the last word of client %" PRIu32, sim->names[i],
                         client);
    }
}
