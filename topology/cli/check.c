#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "topology/cli/host.h"
#include "topology/cli/zherd.h"
#include "topology/format/graph.h"
#include "topology/load.h"
#include "topology/usage.h"

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
    if (topology->keys[0] != '\0')
        printf("keys: every node proves who it is, secrets in %s\n", topology->keys);
    if (topology->insecure)
        puts("insecure: whoever reaches a bus or places endpoint is trusted");
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
    static const struct option options[] = {{"host", required_argument, NULL, 'h'}, {0}};
    struct topology topology;
    const char *host = NULL;
    for (int option; (option = getopt_long(count, words, ":", options, NULL)) != -1;) {
        if (option != 'h')
            return usage_refuse_option("zherd check", option, words, options);
        host = optarg;
    }
    if (host && !host_is_name(host))
        return usage_refuse("zherd check", "--host takes a host name or an address, not %s", host);
    if (count - optind != 1)
        return usage_refuse("zherd check", "write one topology file");
    if (!topology_load(words[optind], &topology))
        return 1;
    print_shape(&topology);
    bool good = !host || host_check(words[optind], &topology, host);
    topology_free(&topology);
    return good ? 0 : 1;
}
