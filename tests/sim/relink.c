/* Files that are read again: links that a node takes out, or puts in, while it runs. Each end reads
 * its own file, so a link may be in one of both alone. */
#include <assert.h>
#include <stdlib.h>

#include "tests/sim/world.h"

uint32_t node_links(const struct node *node)
{
    return node->channel_count - node->unlinked_count;
}

uint32_t node_channel(const struct sim *sim, const struct node *node, uint32_t link)
{
    uint32_t channel = node->first_channel;
    if (node->unlinked_count == 0)
        return channel + link;
    for (;; channel++) {
        assert(channel < node->first_channel + node->channel_count);
        if (!sim->channels[channel].is_unlinked && link-- == 0)
            return channel;
    }
}

uint32_t channel_link(const struct sim *sim, uint32_t index)
{
    const struct node *node = &sim->nodes[sim->channels[index].from];
    uint32_t link = 0;
    if (node->unlinked_count == 0)
        return index - node->first_channel;
    for (uint32_t i = node->first_channel; i < index; i++)
        link += !sim->channels[i].is_unlinked;
    return sim->channels[index].is_unlinked ? WORLD_NO_LINK : link;
}

/* The flood of a node that lives hears of it, and what it knows of links has other numbers. */
static void tell(struct sim *sim, struct node *node)
{
    uint32_t count = node_links(node);
    struct span *peers = world_memory(count, sizeof *peers);
    struct span *nodes = world_memory(sim->herd_count, sizeof *nodes);
    size_t *was = world_memory(count, sizeof *was);
    for (uint32_t i = 0; i < count; i++)
        peers[i] = span_of(sim->names[sim->channels[node_channel(sim, node, i)].to]);
    for (uint32_t i = 0; i < sim->herd_count; i++)
        nodes[i] = span_of(sim->names[i]);
    struct flood_links links = {peers, count, nodes, sim->herd_count};
    flood_change_links(node->flood, &links, was);
    for (uint32_t i = 0; i < count; i++)
        sim->channels[node_channel(sim, node, i)].seen = flood_link(node->flood, i);
    free(peers);
    free(nodes);
    free(was);
}

void sim_link(struct sim *sim, uint32_t from, uint32_t to, bool linked)
{
    uint32_t index = road_find(sim, from, to);
    struct node *node = &sim->nodes[from];
    struct channel *channel = &sim->channels[index];
    if (channel->is_unlinked == !linked)
        return;
    if (node->flood != NULL)
        node_pull_events(sim, node); /* those before are of the numbers before */
    channel->is_unlinked = !linked;
    node->unlinked_count += linked ? UINT32_MAX : 1;
    channel->seen = (struct flood_link){0};
    sim->counters->relinks++;
    road_reconnect(sim, index);
    if (node->flood == NULL)
        return;
    node_dial(sim, node, channel);
    tell(sim, node);
    node_wants_turn(sim, from, sim->now_us);
}

void relink_all(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->channel_count; i++)
        sim_link(sim, sim->channels[i].from, sim->channels[i].to, true);
}
