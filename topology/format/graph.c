#include "topology/format/graph.h"

#include <assert.h>
#include <stdlib.h>

#include "bus/base/bytes.h"

#define NONE UINT32_MAX

/* One end of a link, seen from the other. */
struct step {
    uint32_t node;
    uint32_t link;
};

struct graph {
    uint32_t node_count;
    uint32_t *first;    /* node -> its first step; one more at the end */
    struct step *steps; /* two per link, sorted by the node they begin at */
};

struct graph *graph_new(const struct topology *topology)
{
    struct graph *graph = bytes_zeroed(sizeof *graph);
    assert(topology->node_count <= TOPOLOGY_NODES_MAX);
    graph->node_count = (uint32_t)topology->node_count;
    graph->first = bytes_zeroed((topology->node_count + 1) * sizeof *graph->first);
    graph->steps = bytes_zeroed((2 * topology->link_count + 1) * sizeof *graph->steps);
    uint32_t count = 0;
    for (uint32_t node = 0; node < graph->node_count; node++) {
        graph->first[node] = count;
        for (uint32_t i = 0; i < topology->link_count; i++) {
            const struct topology_link *link = &topology->links[i];
            if (link->a == node || link->b == node)
                graph->steps[count++] = (struct step){link->a == node ? link->b : link->a, i};
        }
    }
    graph->first[graph->node_count] = count;
    return graph;
}

void graph_destroy(struct graph **graph)
{
    if (!*graph)
        return;
    free((*graph)->first);
    free((*graph)->steps);
    free(*graph);
    *graph = NULL;
}

/* Breadth first from `start`: writes the distance of every node that can be reached to
 * `distances`, where NONE means not seen yet, and returns the greatest. */
static uint32_t measure(const struct graph *graph, uint32_t start, uint32_t *distances)
{
    uint32_t queue[TOPOLOGY_NODES_MAX];
    uint32_t head = 0, tail = 0;
    queue[tail++] = start;
    distances[start] = 0;
    while (head < tail) {
        uint32_t node = queue[head++];
        for (uint32_t i = graph->first[node]; i < graph->first[node + 1]; i++) {
            uint32_t next = graph->steps[i].node;
            if (distances[next] != NONE)
                continue;
            distances[next] = distances[node] + 1;
            queue[tail++] = next;
        }
    }
    return distances[queue[tail - 1]];
}

static void forget(const struct graph *graph, uint32_t *distances)
{
    for (uint32_t i = 0; i < graph->node_count; i++)
        distances[i] = NONE;
}

uint32_t graph_pieces(const struct graph *graph, uint32_t *pieces)
{
    uint32_t distances[TOPOLOGY_NODES_MAX];
    uint32_t count = 0;
    forget(graph, pieces);
    for (uint32_t node = 0; node < graph->node_count; node++) {
        if (pieces[node] != NONE)
            continue;
        forget(graph, distances);
        measure(graph, node, distances);
        for (uint32_t i = 0; i < graph->node_count; i++) {
            if (distances[i] != NONE)
                pieces[i] = count;
        }
        count++;
    }
    return count;
}

uint32_t graph_diameter(const struct graph *graph)
{
    uint32_t distances[TOPOLOGY_NODES_MAX];
    uint32_t diameter = 0;
    for (uint32_t node = 0; node < graph->node_count; node++) {
        forget(graph, distances);
        uint32_t farthest = measure(graph, node, distances);
        if (farthest > diameter)
            diameter = farthest;
    }
    return diameter;
}

struct walk {
    const struct graph *graph;
    uint32_t order[TOPOLOGY_NODES_MAX];   /* when the walk came to a node; 0 is not yet */
    uint32_t highest[TOPOLOGY_NODES_MAX]; /* the earliest node its part of the tree links to */
    uint32_t clock;
    bool *node_splits;
    bool *link_splits;
};

/* As deep as the longest way without a repeated node, so at most TOPOLOGY_NODES_MAX. */
static void walk_from(struct walk *walk, uint32_t node, uint32_t link_here)
{
    uint32_t branches = 0;
    walk->order[node] = walk->highest[node] = ++walk->clock;
    for (uint32_t i = walk->graph->first[node]; i < walk->graph->first[node + 1]; i++) {
        const struct step *step = &walk->graph->steps[i];
        if (step->link == link_here)
            continue;
        if (walk->order[step->node] > 0) {
            if (walk->order[step->node] < walk->highest[node])
                walk->highest[node] = walk->order[step->node];
            continue;
        }
        walk_from(walk, step->node, step->link);
        branches++;
        if (walk->highest[step->node] < walk->highest[node])
            walk->highest[node] = walk->highest[step->node];
        if (walk->highest[step->node] > walk->order[node])
            walk->link_splits[step->link] = true;
        if (link_here != NONE && walk->highest[step->node] >= walk->order[node])
            walk->node_splits[node] = true;
    }
    if (link_here == NONE && branches > 1)
        walk->node_splits[node] = true;
}

void graph_find_splits(const struct graph *graph, bool *node_splits, bool *link_splits)
{
    struct walk walk = {.graph = graph, .node_splits = node_splits, .link_splits = link_splits};
    for (uint32_t i = 0; i < graph->node_count; i++)
        node_splits[i] = false;
    for (uint32_t i = 0; i < graph->first[graph->node_count]; i++)
        link_splits[graph->steps[i].link] = false;
    for (uint32_t node = 0; node < graph->node_count; node++) {
        if (walk.order[node] == 0)
            walk_from(&walk, node, NONE);
    }
}
