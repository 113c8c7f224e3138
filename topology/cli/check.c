#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/base/bytes.h"
#include "bus/net/binding.h"
#include "topology/cli/host.h"
#include "topology/cli/zherd.h"
#include "topology/format/bindings.h"
#include "topology/format/endpoints.h"
#include "topology/format/graph.h"
#include "topology/load.h"
#include "topology/reach.h"
#include "topology/say.h"
#include "topology/usage.h"

/* ---- the shape of the herd ---- */

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* `rules` is NULL without any. */
static void print_shape(const struct topology *topology, const struct access *rules)
{
    bool node_splits[TOPOLOGY_NODES_MAX], link_splits[TOPOLOGY_LINKS_MAX];
    struct graph *graph = graph_new(topology);
    graph_find_splits(graph, node_splits, link_splits);
    printf("ok: %s: %zu node%s, %zu link%s, diameter %u\n", topology->herd, topology->node_count,
           plural(topology->node_count), topology->link_count, plural(topology->link_count),
           graph_diameter(graph));
    if (topology->keys[0] != '\0')
        printf("keys: nodes authenticate by CURVE keys, secrets in %s\n", topology->keys);
    if (rules != NULL)
        printf("access: rules of %zu person%s in %s\n", rules->person_count - 1,
               plural(rules->person_count - 1), topology->access);
    for (size_t i = 0; i < topology->node_count; i++) {
        const struct topology_endpoint *door = topology_open_door(topology, &topology->nodes[i]);
        if (door != NULL)
            printf("no access rules: whoever reaches %s of %s may move any client and see all\n",
                   door->text, topology->nodes[i].name);
    }
    if (topology->insecure)
        puts("insecure: whoever reaches a bus or places endpoint is trusted");
    if (topology->forget && topology->expire_ms == 0)
        puts("forget without expire: who is forgotten keeps the place of a client for ever");
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

/* ---- what belongs to one host, and whether this machine can bind it ----
 *
 * For `check --host NAME`, to be run on that host before anything is started there. */

struct trial {
    const char *path;
    struct host host;
    int *
        sockets; /* all that was bound, until the end: two of one host may be in each other's way */
    size_t socket_count;
    bool is_good;
};

static void print_unknown_names(const struct host *host)
{
    const char *name;
    for (size_t index = 0; (name = host_next_unknown(host, &index)) != NULL;)
        printf("%s does not resolve on this host\n", name);
}

static void print_bound(const struct topology_binding *binding, int fd)
{
    char text[RESOLVE_ENDPOINT_BYTES_MAX];
    struct topology_endpoint numbers;
    binding_name(fd, text);
    bool is_close = topology_endpoint_parse(text, &numbers) == NULL &&
                    topology_host_is_loopback(numbers.host) &&
                    !topology_host_is_loopback(binding->bound.host);
    printf("%s: `%s` %s binds %s%s\n", binding->owner, binding->key, binding->bound.text, text,
           is_close ? ", which only this machine can reach" : "");
}

static void try_binding(struct trial *trial, const struct topology_binding *binding)
{
    struct binding_options options = {.backlog = 1,
                                      .everywhere = strcmp(binding->key, "clients") == 0};
    struct fault unbound, unreachable;
    int *sockets = &trial->sockets[trial->socket_count];
    size_t count = binding_listen(binding->bound.text, &options, sockets, &unbound);
    bool is_reachable = !binding->is_reached ||
                        reach_is_said(&binding->bound, binding->at, binding->at_key, &unreachable);
    trial->socket_count += count;
    trial->is_good = trial->is_good && count > 0 && is_reachable;
    if (count == 0)
        fprintf(stderr, "%s:%u: cannot bind %s: %s\n", trial->path, binding->bound.line,
                binding->bound.text, unbound.text);
    else if (!is_reachable)
        fprintf(stderr, "%s:%u: %s\n", trial->path, binding->bound.line, unreachable.text);
    for (size_t i = 0; i < count; i++)
        print_bound(binding, sockets[i]);
}

/* Resolves and binds all that belongs to the host at once, and lets it go. Prints a line for each
 * address that is bound, and for each that cannot be had "FILE:LINE: why" to standard error. False
 * where there was one, or where nothing belongs to the host. */
static bool check_host(const char *path, const struct topology *topology, const char *name)
{
    struct trial trial = {
        .path = path,
        .sockets =
            bytes_zeroed(TOPOLOGY_BINDINGS_MAX * BINDING_SOCKETS_MAX * sizeof *trial.sockets),
    };
    struct host *host = &trial.host;
    say_as("zherd check", NULL);
    trial.is_good = host_find(host, topology, name);
    print_unknown_names(host);
    if (!trial.is_good)
        host_say_nothing_belongs(host, path);
    for (size_t i = 0; i < host->binding_count; i++)
        if (host->belongs[host->bindings[i].process])
            try_binding(&trial, &host->bindings[i]);
    while (trial.socket_count > 0)
        close(trial.sockets[--trial.socket_count]);
    free(trial.sockets);
    host_free(host);
    return trial.is_good;
}

/* ---- the subcommand ---- */

int check_main(int count, char **words)
{
    static const struct option options[] = {
        {"host", required_argument, NULL, 'h'}, {"strict", no_argument, NULL, 's'}, {0}};
    struct topology topology;
    struct access rules = {0};
    const char *host = NULL;
    bool is_strict = false;
    for (int option; (option = getopt_long(count, words, ":", options, NULL)) != -1;) {
        if (option == 'h')
            host = optarg;
        else if (option == 's')
            is_strict = true;
        else
            return usage_refuse_option("zherd check", option, words, options);
    }
    if (host && !host_name_is_good(host))
        return usage_refuse("zherd check", "--host takes a host name or an address, not %s", host);
    if (count - optind != 1)
        return usage_refuse("zherd check", "write one topology file");
    if (!topology_load(words[optind], &topology))
        return 1;
    bool has_rules = topology.access[0] != '\0';
    bool good = !has_rules || access_load(topology.access, &rules);
    if (good)
        print_shape(&topology, has_rules ? &rules : NULL);
    good = good && check_webs(&topology, has_rules ? &rules : NULL);
    good = good && (!host || check_host(words[optind], &topology, host));
    good = (!is_strict || check_strict(words[optind], &topology)) && good;
    access_free(&rules);
    topology_free(&topology);
    return good ? 0 : 1;
}
