/* graphs: the shapes of herds that the simulator runs.
 *
 * A graph is node numbers and edges, nothing else; the eight editions of the course are here as
 * edge lists so that the simulator needs no file.
 *
 * Invariant: every graph is in one piece, without double edges and without loops. */
#ifndef ZHERD_TESTS_SIM_GRAPHS_H
#define ZHERD_TESTS_SIM_GRAPHS_H

#include <stddef.h>
#include <stdint.h>

#include "tests/sim/rng.h"

#define GRAPHS_EDITIONS 8
#define GRAPHS_FALL2016 2

#define GRAPHS_NAME_BYTES_MAX 63

struct edge {
    uint32_t a, b;
};

struct graph {
    char name[24];
    uint32_t node_count;
    char (*names)[GRAPHS_NAME_BYTES_MAX + 1]; /* owned; NULL where numbers are enough */
    struct edge *edges;                       /* owned */
    size_t edge_count;
};

/* One of the editions, oldest first: index below GRAPHS_EDITIONS. Nodes are numbered in the order
 * in which the edition's list of links first names them. */
struct graph graph_edition(size_t index);

struct graph graph_line(uint32_t node_count);
struct graph graph_ring(uint32_t node_count); /* at least 3 nodes */
/* A ring and so many further edges: two ways from each node to each other. At least 5 nodes. */
struct graph graph_chords(uint32_t node_count, uint32_t extra, struct rng *rng);
struct graph graph_mesh(uint32_t node_count);

/* Eight nodes with everything that makes flooding hard: two cycles that share an edge, a bridge,
 * a leaf and one node of degree four. */
struct graph graph_eight(void);

/* A random tree and `extra` further edges, as far as there is room for them. */
struct graph graph_sparse(uint32_t node_count, uint32_t extra, struct rng *rng);

struct graph graph_copy(const struct graph *graph);
void graph_free(struct graph *graph);

#endif
