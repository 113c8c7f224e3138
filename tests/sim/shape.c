#include "tests/sim/shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"
#include "topology/load.h"

static void give_up(const char *why, const char *what)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(2);
}

void shape_note(struct shape *shape, const char *option, const char *value)
{
    size_t used = strlen(shape->arguments), room = sizeof shape->arguments - used;
    if ((size_t)snprintf(shape->arguments + used, room, " %s %s", option, value) >= room)
        give_up("too many arguments", value);
}

static struct graph read_topology(const char *file)
{
    struct topology topology;
    if (!topology_load(file, &topology))
        exit(2); /* it has said why */
    if (topology.node_count > SIM_NODES_MAX)
        give_up("too many nodes for a simulation", file);
    struct graph graph = {.node_count = (uint32_t)topology.node_count,
                          .edge_count = topology.link_count};
    snprintf(graph.name, sizeof graph.name, "%.23s", topology.herd);
    graph.names = calloc(topology.node_count, sizeof *graph.names);
    graph.edges = calloc(topology.link_count + 1, sizeof *graph.edges);
    if (graph.names == NULL || graph.edges == NULL)
        give_up("no memory", file);
    for (size_t i = 0; i < topology.node_count; i++)
        memcpy(graph.names[i], topology.nodes[i].name, sizeof graph.names[i]);
    for (size_t i = 0; i < topology.link_count; i++)
        graph.edges[i] = (struct edge){topology.links[i].a, topology.links[i].b};
    topology_free(&topology);
    return graph;
}

void shape_add_topology(struct shape *shape, const char *file)
{
    if (shape->graph_count == SHAPE_FILES_MAX)
        give_up("too many files", file);
    shape_note(shape, "--topology", file);
    shape->graphs[shape->graph_count++] = read_topology(file);
}

void shape_set_nodes(struct shape *shape, uint64_t nodes)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, nodes);
    if (nodes < 1 || nodes > SIM_NODES_MAX)
        give_up("a simulation takes 1 to 1000 nodes", text);
    shape_note(shape, "--nodes", text);
    shape->nodes = (uint32_t)nodes;
}

bool shape_is_given(const struct shape *shape)
{
    return shape->graph_count > 0 || shape->nodes > 0;
}

const struct graph *shape_graph(struct shape *shape, uint64_t seed)
{
    if (shape->graph_count > 0)
        return &shape->graphs[seed % shape->graph_count];
    if (shape->nodes == 0)
        return NULL;
    struct rng rng = {seed};
    graph_free(&shape->drawn);
    shape->drawn = graph_sparse(shape->nodes, shape->nodes / 2, &rng);
    return &shape->drawn;
}

void shape_free(struct shape *shape)
{
    for (size_t i = 0; i < shape->graph_count; i++)
        graph_free(&shape->graphs[i]);
    graph_free(&shape->drawn);
}
