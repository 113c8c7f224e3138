#include "topology/cli/welcome.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bus/net/resolve.h"
#include "topology/format/endpoints.h"

/* Where telnet on this machine finds what is bound to the endpoint. */
static void find_reachable(const struct topology_endpoint *endpoint,
                           char host[TOPOLOGY_HOST_BYTES_MAX + 1])
{
    struct resolve_addresses addresses;
    struct topology_endpoint numbers;
    struct fault fault;
    strcpy(host, endpoint->host);
    if (topology_host_is_any(host))
        strcpy(host, strcmp(host, "::") == 0 ? "::1" : "127.0.0.1");
    else if (topology_host_is_interface(host) &&
             resolve_to_bind(endpoint->text, &addresses, &fault) &&
             topology_endpoint_parse(addresses.endpoints[0], &numbers) == NULL)
        strcpy(host, numbers.host);
}

static void print_telnet(const struct topology_node *node)
{
    char host[TOPOLOGY_HOST_BYTES_MAX + 1];
    find_reachable(&node->clients, host);
    printf("telnet %s %u\n", host, node->clients.port);
}

static bool is_on_host(const bool *is_here, size_t child)
{
    return is_here == NULL || is_here[child];
}

/* The nodes that are here, with the commands that reach them, and the first and the last of them.
 */
static void print_nodes(const struct topology *topology, const bool *is_here,
                        const struct topology_node **first, const struct topology_node **last)
{
    int width = 0;
    for (size_t i = 0; i < topology->node_count; i++) {
        int bytes = (int)strlen(topology->nodes[i].name);
        width = is_on_host(is_here, i) && bytes > width ? bytes : width;
    }
    for (size_t i = 0; i < topology->node_count; i++) {
        if (!is_on_host(is_here, i))
            continue;
        printf("  %-*s  ", width, topology->nodes[i].name);
        print_telnet(&topology->nodes[i]);
        *first = *first == NULL ? &topology->nodes[i] : *first;
        *last = &topology->nodes[i];
    }
}

/* Where trackers on this machine find those that are here. */
static void print_webs(const struct topology *topology, const bool *is_here)
{
    size_t first = topology->node_count + topology->places_count;
    for (size_t i = 0; i < topology->web_count; i++) {
        char host[TOPOLOGY_HOST_BYTES_MAX + 1];
        const struct topology_web *web = &topology->webs[i];
        if (!is_on_host(is_here, first + i))
            continue;
        find_reachable(&web->listen, host);
        printf(strchr(host, ':') ? "  %s  %s://[%s]:%u\n" : "  %s  %s://%s:%u\n", web->name,
               web->certificate[0] != '\0' ? "https" : "http", host, web->listen.port);
    }
}

void welcome_print(const struct topology *topology, const bool *is_here, const char *log_dir)
{
    const struct topology_node *first = NULL, *last = NULL;
    struct timespec now;
    printf("%s: nodes %zu, links %zu, logs in %s\n\n", topology->herd, topology->node_count,
           topology->link_count, log_dir);
    print_nodes(topology, is_here, &first, &last);
    print_webs(topology, is_here);
    if (first == NULL) {
        puts("No node is on this host.\n\nCtrl-C stops its places services.");
        return;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    printf("\nTell %s where you are:\n\n  ", first->name);
    print_telnet(first);
    printf("  IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 %lld.%09ld\n", (long long)now.tv_sec,
           now.tv_nsec);
    printf("\nand ask %s what is near you:\n\n  ", last->name);
    print_telnet(last);
    puts("  WHATSAT kiwi.cs.ucla.edu 10 5\n\nCtrl-C stops the herd.");
}
