#include <stdio.h>
#include <stdlib.h>

#include "topology/graph.h"
#include "topology/load.h"
#include "topology/zherd.h"

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void print_shape(const struct topology *topology)
{
    bool node_splits[TOPOLOGY_NODES_MAX], link_splits[TOPOLOGY_LINKS_MAX];
    struct graph *graph = graph_new(topology);
    graph_find_splits(graph, node_splits, link_splits);
    printf("ok: %s: %zu node%s, %zu link%s, diameter %u\n", topology->herd, topology->node_count,
           plural(topology->node_count), topology->link_count, plural(topology->link_count),
           graph_diameter(graph));
    for (size_t i = 0; i < topology->link_count; i++) {
        const struct topology_link *link = &topology->links[i];
        if (link_splits[i])
            printf("link %s-%s: its loss splits the herd\n", topology->nodes[link->a].name,
                   topology->nodes[link->b].name);
    }
    for (size_t i = 0; i < topology->node_count; i++) {
        if (node_splits[i])
            printf("node %s: its loss splits the herd\n", topology->nodes[i].name);
    }
    graph_destroy(&graph);
}

int check_main(int count, char **words)
{
    struct topology topology;
    if (count != 1 || words[0][0] == '-') {
        fputs("zherd check: write one topology file, as in `zherd check FILE`\n", stderr);
        return 1;
    }
    if (!topology_load(words[0], &topology))
        return 1;
    print_shape(&topology);
    topology_free(&topology);
    return 0;
}
