/* What a node's flood, and who watches its table, are made with: its file and its options in the
 * words of bus/flood.h. */
#include <assert.h>
#include <stdlib.h>

#include "bus/flood.h"
#include "bus/link/herd_time.h"
#include "bus/net/entropy.h"
#include "gateway/node/gateway.h"
#include "topology/format/memory_share.h"

static_assert(TOPOLOGY_NODES_MAX <= HERD_TIME_NODES_MAX, "each node of a file has a vote");

unsigned gateway_promises(const struct topology *topology)
{
    switch (topology->answers_after) {
    case TOPOLOGY_ANSWERS_MEMORY:
        break;
    case TOPOLOGY_ANSWERS_NEIGHBOUR:
        return PROMISES_BY_NEIGHBOUR;
    case TOPOLOGY_ANSWERS_DISK:
        return PROMISES_BY_DISK;
    case TOPOLOGY_ANSWERS_BOTH:
        return PROMISES_BY_NEIGHBOUR | PROMISES_BY_DISK;
    }
    return 0;
}

struct flood *gateway_make_flood(const struct gateway_options *options,
                                 const struct gateway_limits *limits,
                                 const struct topology_node *const *peers, size_t peer_count,
                                 uint64_t incarnation)
{
    const struct topology *topology = options->topology;
    struct span *names = bytes_resize(NULL, (peer_count + 1) * sizeof *names);
    struct span *nodes = bytes_resize(NULL, topology->node_count * sizeof *nodes);
    for (size_t i = 0; i < peer_count; i++)
        names[i] = span_of(peers[i]->name);
    for (size_t i = 0; i < topology->node_count; i++)
        nodes[i] = span_of(topology->nodes[i].name);
    struct flood_options of = {.herd = span_of(topology->herd),
                               .node = nodes[options->node],
                               .peers = names,
                               .peer_count = peer_count,
                               .nodes = nodes,
                               .node_count = topology->node_count,
                               .incarnation = incarnation,
                               .clients_max = limits->clients_max,
                               .table_bytes_max = limits->table_bytes_max,
                               .expire_ms = topology->expire_ms,
                               .forget = topology->forget,
                               .nearby = topology->nearby,
                               .promises = gateway_promises(topology)};
    entropy_draw(of.hash_key, sizeof of.hash_key);
    struct flood *flood = flood_new(&of);
    for (size_t i = 0; i < topology->former.count; i++)
        flood_know_node(flood, span_of(topology->former.names[i]));
    free(names);
    free(nodes);
    return flood;
}

void gateway_name_nodes(struct operators *operators, const struct topology *topology,
                        uint64_t fingerprint)
{
    struct span *nodes = bytes_resize(NULL, topology->node_count * sizeof *nodes);
    for (size_t i = 0; i < topology->node_count; i++)
        nodes[i] = span_of(topology->nodes[i].name);
    operators_set_nodes(operators, nodes, topology->node_count, fingerprint);
    free(nodes);
}

struct watchers *gateway_make_watchers(const struct gateway_options *options,
                                       const struct gateway_limits *limits, struct flood *flood)
{
    uint8_t key[16];
    if (!options->topology->watch)
        return NULL;
    entropy_draw(key, sizeof key);
    return watchers_new(flood_table(flood), key, memory_share_watched(limits->table_bytes_max));
}
