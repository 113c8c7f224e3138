/* The ways that changes take where links decline origins (bus/link/lazy.h): that they reach all
 * nodes, with how many copies, and how soon after a cut of just those. */
#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdlib.h>

static bool carries(const struct sim *sim, uint32_t channel, uint32_t origin)
{
    const struct node *node = &sim->nodes[sim->channels[channel].from];
    uint32_t link = channel_link(sim, channel);
    return link != WORLD_NO_LINK && flood_link(node->flood, link).up &&
           flood_carries(node->flood, link, span_of(sim->names[origin]));
}

/* How many nodes a change of that origin reaches by itself; marks them. */
static uint32_t reach(const struct sim *sim, uint32_t origin, bool *is_reached, uint32_t *queue)
{
    uint32_t count = 1;
    memset(is_reached, 0, sim->herd_count * sizeof *is_reached);
    is_reached[origin] = true;
    queue[0] = origin;
    for (uint32_t next = 0; next < count; next++) {
        const struct node *node = &sim->nodes[queue[next]];
        for (uint32_t i = 0; i < node->channel_count; i++) {
            uint32_t channel = node->first_channel + i, to = sim->channels[channel].to;
            if (to >= sim->herd_count || is_reached[to] || !carries(sim, channel, origin))
                continue;
            is_reached[to] = true;
            queue[count++] = to;
        }
    }
    return count;
}

void sim_judge_ways(struct sim *sim)
{
    bool *is_reached = world_memory(sim->herd_count, sizeof *is_reached);
    uint32_t *queue = world_memory(sim->herd_count, sizeof *queue);
    for (uint32_t origin = 0; origin < sim->herd_count && sim_violation(sim) == NULL; origin++)
        if (reach(sim, origin, is_reached, queue) < sim->herd_count)
            for (uint32_t node = 0; node < sim->herd_count; node++)
                if (!is_reached[node])
                    sim_fail(sim, "changes of %s do not reach %s by themselves", sim->names[origin],
                             sim->names[node]);
    free(is_reached);
    free(queue);
}

void sim_count_copies(struct sim *sim)
{
    sim->copies_from = sim_flood_count(sim).locations_sent;
    sim->accepted_from = sim->counters->accepted;
}

void sim_judge_copies(struct sim *sim, uint32_t percent_max)
{
    uint64_t copies = sim_flood_count(sim).locations_sent - sim->copies_from;
    uint64_t accepted = sim->counters->accepted - sim->accepted_from;
    if (copies * 100 > accepted * (sim->herd_count - 1) * percent_max)
        sim_fail(sim, "%" PRIu64 " changes took %" PRIu64 " copies in a herd of %" PRIu32, accepted,
                 copies, sim->herd_count);
}

/* Which neighbour brings this node the most origins. */
static uint32_t busiest(const struct sim *sim, const struct node *node)
{
    uint32_t most = 0, best = node->first_channel;
    for (uint32_t i = 0; i < node->channel_count; i++) {
        uint32_t channel = node->first_channel + i, link = channel_link(sim, channel), count = 0;
        for (uint32_t origin = 0; origin < sim->herd_count && link != WORLD_NO_LINK; origin++)
            count += flood_is_way(node->flood, link, span_of(sim->names[origin]));
        best = count > most ? channel : best;
        most = count > most ? count : most;
    }
    return best;
}

void sim_cut_way(struct sim *sim, uint32_t index, bool is_told)
{
    const struct node *node = &sim->nodes[index];
    if (node->flood == NULL || node->channel_count == 0)
        return;
    const struct channel *channel = &sim->channels[busiest(sim, node)];
    sim_set_road(sim, channel->from, channel->to, is_told ? SIM_REFUSING : SIM_LOSING);
    sim_set_road(sim, channel->to, channel->from, is_told ? SIM_REFUSING : SIM_LOSING);
}

/* The newest one of the client that was accepted before then. */
static uint32_t newest_before(const struct sim *sim, uint32_t client, int64_t true_ns)
{
    uint32_t record = sim->clients[client].newest;
    while (record != WORLD_NO_RECORD && sim->records[record].true_ns > true_ns)
        record = sim->records[record].older;
    return record;
}

void sim_judge_delay(struct sim *sim, int64_t us_max)
{
    int64_t until_ns = world_true_ns(sim) - us_max * 1000;
    for (uint32_t client = 0; client < sim->options.client_count; client++) {
        uint32_t record = newest_before(sim, client, until_ns);
        for (uint32_t i = 0; i < sim->herd_count && record != WORLD_NO_RECORD; i++) {
            uint32_t held =
                sim->nodes[i].holds == NULL ? WORLD_NO_RECORD : sim->nodes[i].holds[client];
            if (held == WORLD_NO_RECORD ||
                sim->records[held].true_ns < sim->records[record].true_ns)
                sim_fail(sim, "%s lacks a change of %s after %.3f s", sim->names[i],
                         sim->names[sim->records[record].node], (double)us_max / 1e6);
        }
    }
}
