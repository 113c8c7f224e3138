/* graph: what the shape of a herd means: its pieces, how far its ends lie apart, and what must
 * not fail.
 *
 * It knows nodes and links by their index in struct topology and nothing else of them. */
#ifndef ZHERD_TOPOLOGY_FORMAT_GRAPH_H
#define ZHERD_TOPOLOGY_FORMAT_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/format/topology.h"

struct graph;

/* Copies what it needs of the topology, of which nodes and links must be filled. */
struct graph *graph_new(const struct topology *topology);
/* Accepts NULL, sets the caller's pointer to NULL. */
void graph_destroy(struct graph **graph);

/* Numbers the connected pieces from 0 in the order of their first nodes, writes each node's piece
 * to `pieces` (one per node) and returns how many there are. */
uint32_t graph_pieces(const struct graph *graph, uint32_t *pieces);

/* The greatest number of links on a shortest way between two nodes of one piece. */
uint32_t graph_diameter(const struct graph *graph);

/* Marks every node (articulation point) and every link (bridge) whose loss would leave nodes
 * that no longer reach each other, in one depth-first walk: R. E. Tarjan, "Depth-first search and
 * linear graph algorithms", SIAM J. Comput. 1 (1972), and "A note on finding the bridges of a
 * graph", Inf. Process. Lett. 2 (1974). One flag per node, one per link. */
void graph_find_splits(const struct graph *graph, bool *node_splits, bool *link_splits);

#endif
