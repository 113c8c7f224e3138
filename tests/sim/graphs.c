#include "tests/sim/graphs.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct graph make(const char *name, uint32_t node_count, size_t edge_count_max)
{
    struct graph graph = {.node_count = node_count};
    snprintf(graph.name, sizeof graph.name, "%s", name);
    graph.edges = calloc(edge_count_max + 1, sizeof *graph.edges);
    if (graph.edges == NULL) {
        perror("graphs");
        exit(2);
    }
    return graph;
}

static void join(struct graph *graph, uint32_t a, uint32_t b)
{
    assert(a != b && a < graph->node_count && b < graph->node_count);
    graph->edges[graph->edge_count++] = (struct edge){a, b};
}

static struct graph list(const char *name, uint32_t node_count, const struct edge *edges,
                         size_t edge_count)
{
    struct graph graph = make(name, node_count, edge_count);
    for (size_t i = 0; i < edge_count; i++)
        join(&graph, edges[i].a, edges[i].b);
    return graph;
}

#define EDGES(...)                                                                                 \
    (const struct edge[]){__VA_ARGS__},                                                            \
        sizeof((const struct edge[]){__VA_ARGS__}) / sizeof(struct edge)

struct graph graph_edition(size_t index)
{
    const struct {
        const char *name;
        const struct edge *edges;
        size_t edge_count;
    } editions[GRAPHS_EDITIONS] = {
        /* Farmar Meeks Young Gasol Hill */
        {"fall2012", EDGES({0, 1}, {0, 2}, {3, 1}, {3, 2}, {4, 1})},
        /* Alford Parker Powell Bolden Hamilton */
        {"fall2015", EDGES({0, 1}, {0, 2}, {3, 1}, {3, 2}, {4, 1})},
        /* Alford Hamilton Holiday Ball Welsh */
        {"fall2016", EDGES({0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 0})},
        /* Goloman Hands Holiday Wilkes Welsh */
        {"winter2018", EDGES({0, 1}, {0, 2}, {0, 3}, {1, 3}, {2, 4}, {2, 3})},
        /* Hill Jaquez Smith Singleton Campbell */
        {"winter2020", EDGES({0, 1}, {0, 2}, {3, 1}, {3, 2}, {3, 4}, {2, 4})},
        /* Riley Jaquez Juzang Bernard Campbell */
        {"fall2020", EDGES({0, 1}, {0, 2}, {3, 1}, {3, 2}, {3, 4}, {2, 4})},
        /* Clark Jaquez Juzang Bernard Johnson */
        {"spring2021", EDGES({0, 1}, {0, 2}, {3, 2}, {3, 1}, {3, 4}, {2, 4})},
        /* Clark Jaquez Bona Campbell Bailey */
        {"winter2023", EDGES({0, 1}, {0, 2}, {3, 4}, {3, 2}, {3, 1}, {2, 4})},
    };
    assert(index < GRAPHS_EDITIONS);
    return list(editions[index].name, 5, editions[index].edges, editions[index].edge_count);
}

struct graph graph_eight(void)
{
    return list("eight", 8,
                EDGES({0, 1}, {1, 2}, {2, 3}, {3, 0}, {2, 4}, {4, 5}, {5, 3}, {2, 6}, {6, 7}));
}

struct graph graph_line(uint32_t node_count)
{
    struct graph graph = make("line", node_count, node_count);
    for (uint32_t i = 1; i < node_count; i++)
        join(&graph, i - 1, i);
    return graph;
}

struct graph graph_ring(uint32_t node_count)
{
    assert(node_count >= 3);
    struct graph graph = make("ring", node_count, node_count);
    for (uint32_t i = 0; i < node_count; i++)
        join(&graph, i, (i + 1) % node_count);
    return graph;
}

struct graph graph_mesh(uint32_t node_count)
{
    struct graph graph = make("mesh", node_count, (size_t)node_count * (node_count - 1) / 2);
    for (uint32_t a = 0; a < node_count; a++)
        for (uint32_t b = a + 1; b < node_count; b++)
            join(&graph, a, b);
    return graph;
}

static bool has_edge(const struct graph *graph, uint32_t a, uint32_t b)
{
    for (size_t i = 0; i < graph->edge_count; i++) {
        const struct edge *edge = &graph->edges[i];
        if ((edge->a == a && edge->b == b) || (edge->a == b && edge->b == a))
            return true;
    }
    return false;
}

static void join_more(struct graph *graph, uint32_t extra, struct rng *rng)
{
    size_t room = (size_t)graph->node_count * (graph->node_count - 1) / 2;
    size_t wanted = graph->edge_count + extra < room ? graph->edge_count + extra : room;
    while (graph->edge_count < wanted) {
        uint32_t a = rng_below(rng, graph->node_count);
        uint32_t b = rng_below(rng, graph->node_count);
        if (a != b && !has_edge(graph, a, b))
            join(graph, a, b);
    }
}

struct graph graph_sparse(uint32_t node_count, uint32_t extra, struct rng *rng)
{
    struct graph graph = make("sparse", node_count, (size_t)node_count + extra);
    for (uint32_t i = 1; i < node_count; i++)
        join(&graph, i, rng_below(rng, i));
    join_more(&graph, extra, rng);
    return graph;
}

struct graph graph_chords(uint32_t node_count, uint32_t extra, struct rng *rng)
{
    struct graph graph = make("chords", node_count, (size_t)node_count + extra);
    for (uint32_t i = 0; i < node_count; i++)
        join(&graph, i, (i + 1) % node_count);
    join_more(&graph, extra, rng);
    return graph;
}

struct graph graph_copy(const struct graph *graph)
{
    struct graph same = list(graph->name, graph->node_count, graph->edges, graph->edge_count);
    if (graph->names == NULL)
        return same;
    same.names = calloc(graph->node_count, sizeof *same.names);
    if (same.names == NULL) {
        perror("graphs");
        exit(2);
    }
    memcpy(same.names, graph->names, graph->node_count * sizeof *same.names);
    return same;
}

void graph_free(struct graph *graph)
{
    free(graph->edges);
    free(graph->names);
    *graph = (struct graph){0};
}
