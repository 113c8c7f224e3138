#include "topology/format/bindings.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "topology/format/endpoints.h"

static void add_bus(const struct topology_node *node, uint32_t process, bool is_reached,
                    struct topology_binding *binding)
{
    *binding = (struct topology_binding){.bound = node->bus,
                                         .at = &node->bus_at,
                                         .key = "bus",
                                         .at_key = "bus_at",
                                         .owner = node->name,
                                         .process = process,
                                         .is_reached = is_reached};
}

static bool has_peer(const struct topology *topology, uint32_t node)
{
    for (size_t i = 0; i < topology->link_count; i++)
        if (topology->links[i].a == node || topology->links[i].b == node)
            return true;
    for (size_t i = 0; i < topology->observer_count; i++)
        if (topology->observers[i].of == node)
            return true;
    return false;
}

static size_t add_monitor(const struct topology_monitor *monitor, const char *owner,
                          uint32_t process, struct topology_binding *binding)
{
    if (monitor->at.line == 0)
        return 0;
    *binding = (struct topology_binding){
        .bound = monitor->at, .key = "monitor", .owner = owner, .process = process};
    return 1;
}

static size_t add_node(const struct topology *topology, uint32_t index,
                       struct topology_binding *bindings)
{
    const struct topology_node *node = &topology->nodes[index];
    bindings[0] = (struct topology_binding){
        .bound = node->clients, .key = "clients", .owner = node->name, .process = index};
    add_bus(node, index, has_peer(topology, index), &bindings[1]);
    size_t count = 2 + add_monitor(&node->monitor, node->name, index, &bindings[2]);
    if (node->clients_tls.line > 0)
        bindings[count++] = (struct topology_binding){.bound = node->clients_tls,
                                                      .key = "clients_tls",
                                                      .owner = node->name,
                                                      .process = index};
    return count;
}

/* What an observer binds besides where it is a `web`. */
static size_t add_web(const struct topology *topology, uint32_t observer, uint32_t process,
                      struct topology_binding *binding)
{
    for (size_t i = 0; i < topology->web_count; i++) {
        const struct topology_web *web = &topology->webs[i];
        if (web->observer != observer)
            continue;
        *binding = (struct topology_binding){
            .bound = web->listen, .key = "listen", .owner = web->name, .process = process};
        return 1;
    }
    return 0;
}

/* The server of bundled places runs beside its broker where the URL names loopback. */
static bool add_url(enum topology_provider provider, const char *text, uint32_t line,
                    struct topology_binding *binding)
{
    struct topology_url url;
    if (provider != TOPOLOGY_LANDMARKS || topology_url_parse(text, &url) != NULL ||
        !topology_host_is_loopback(url.host))
        return false;
    struct topology_endpoint bound = {.port = url.port, .line = line};
    strcpy(bound.host, url.host);
    snprintf(bound.text, sizeof bound.text, strchr(url.host, ':') ? "tcp://[%s]:%u" : "tcp://%s:%u",
             url.host, (unsigned)url.port);
    binding->bound = bound;
    return true;
}

static size_t add_places(const struct topology_places *places, uint32_t process,
                         struct topology_binding *bindings)
{
    size_t count = 0;
    bindings[count++] = (struct topology_binding){
        .bound = places->gateways, .at = &places->gateways_at, .at_key = "gateways_at"};
    bindings[count++] = (struct topology_binding){
        .bound = places->workers, .at = &places->workers_at, .at_key = "workers_at"};
    bindings[0].key = "gateways";
    bindings[1].key = "workers";
    bindings[0].is_reached = bindings[1].is_reached = true;
    bindings[count] = (struct topology_binding){.key = "url"};
    if (add_url(places->provider, places->url, places->url_line, &bindings[count]))
        count++;
    bindings[count] = (struct topology_binding){.key = "fallback_url"};
    if (add_url(places->fallback, places->fallback_url, places->fallback_url_line,
                &bindings[count]))
        count++;
    for (size_t i = 0; i < count; i++) {
        bindings[i].owner = "places";
        bindings[i].process = process;
    }
    return count + add_monitor(&places->monitor, "places", process, &bindings[count]);
}

size_t topology_bindings(const struct topology *topology, struct topology_binding *bindings)
{
    size_t count = 0;
    uint32_t process = 0;
    for (; process < topology->node_count; process++)
        count += add_node(topology, process, &bindings[count]);
    for (uint32_t i = 0; i < topology->observer_count; i++, process++) {
        add_bus(&topology->observers[i].self, process, true, &bindings[count++]);
        count += add_web(topology, i, process, &bindings[count]);
    }
    for (size_t i = 0; i < topology->places_count; i++)
        count += add_places(&topology->places[i], process++, &bindings[count]);
    return count;
}

size_t topology_binding_hosts(const struct topology_binding *binding, const char *hosts[2])
{
    const char *bound = binding->bound.host;
    size_t count = 0;
    if (binding->at == NULL)
        return 0;
    bool at_is_said = binding->at->line != binding->bound.line;
    if (topology_host_is_reachable(bound) && !(at_is_said && topology_host_is_loopback(bound)))
        hosts[count++] = bound;
    if (at_is_said)
        hosts[count++] = binding->at->host;
    return count;
}

void topology_claims_add(struct topology_claims *claims, const struct topology_claim *claim)
{
    assert(claims->count < TOPOLOGY_BINDINGS_MAX);
    claims->list[claims->count++] = *claim;
}

static int compare(const void *left, const void *right)
{
    const struct topology_claim *a = left, *b = right;
    return a->line < b->line ? -1 : a->line > b->line;
}

static void sort(struct topology_claims *claims)
{
    qsort(claims->list, claims->count, sizeof *claims->list, compare);
}

/* A process that is reached at loopback runs on the same machine as those that connect to it; the
 * file does not say on which. */
static bool are_apart(const struct topology_claim *a, const struct topology_claim *b)
{
    return a->machine[0] != '\0' && b->machine[0] != '\0' &&
           !topology_host_is_loopback(a->machine) && !topology_host_is_loopback(b->machine) &&
           strcasecmp(a->machine, b->machine) != 0;
}

void topology_claims_check(struct topology_claims *claims, struct topology_faults *faults)
{
    sort(claims);
    for (size_t i = 0; i < claims->count; i++) {
        const struct topology_claim *later = &claims->list[i];
        for (size_t j = 0; j < i; j++) {
            const struct topology_claim *first = &claims->list[j];
            if (!topology_endpoints_overlap(&first->endpoint, &later->endpoint) ||
                are_apart(first, later))
                continue;
            topology_faults_add(faults, later->line,
                                "port %u of `%s` is taken by `%s` in line %u; write another port",
                                later->endpoint.port, later->key, first->key, first->line);
            break;
        }
    }
}

static bool is_own_key(const struct topology_claim *claim)
{
    return strstr(claim->key, "_at") != NULL;
}

void topology_claims_check_reached(struct topology_claims *claims, struct topology_faults *faults)
{
    sort(claims);
    for (size_t i = 0; i < claims->count; i++) {
        const struct topology_claim *later = &claims->list[i];
        for (size_t j = 0; j < i; j++) {
            const struct topology_claim *first = &claims->list[j];
            if (first->endpoint.port != later->endpoint.port ||
                strcasecmp(first->endpoint.host, later->endpoint.host) != 0 ||
                (!is_own_key(first) && !is_own_key(later)))
                continue;
            topology_faults_add(faults, later->line,
                                "`%s` is %s, where `%s` in line %u is reached already; write "
                                "another address or port",
                                later->key, later->endpoint.text, first->key, first->line);
            break;
        }
    }
}
