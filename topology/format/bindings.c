#include "topology/format/bindings.h"

#include <stdio.h>
#include <string.h>

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

static size_t add_node(const struct topology *topology, uint32_t index,
                       struct topology_binding *bindings)
{
    const struct topology_node *node = &topology->nodes[index];
    bindings[0] = (struct topology_binding){
        .bound = node->clients, .key = "clients", .owner = node->name, .process = index};
    add_bus(node, index, has_peer(topology, index), &bindings[1]);
    return 2;
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
    if (places->has_fallback && add_url(places->fallback, places->fallback_url,
                                        places->fallback_url_line, &bindings[count]))
        count++;
    for (size_t i = 0; i < count; i++) {
        bindings[i].owner = "places";
        bindings[i].process = process;
    }
    return count;
}

size_t topology_bindings(const struct topology *topology, struct topology_binding *bindings)
{
    size_t count = 0;
    uint32_t process = 0;
    for (; process < topology->node_count; process++)
        count += add_node(topology, process, &bindings[count]);
    for (size_t i = 0; i < topology->observer_count; i++)
        add_bus(&topology->observers[i].self, process++, true, &bindings[count++]);
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
