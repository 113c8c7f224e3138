#include "topology/format/topology.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "topology/format/endpoints.h"

bool topology_is_name(const char *bytes, size_t count)
{
    static const char allowed[] =
        "0123456789-_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    bool good = count > 0 && count <= TOPOLOGY_NAME_BYTES_MAX && bytes[0] != '.';
    for (size_t i = 0; good && i < count; i++)
        good = bytes[i] != '\0' && strchr(allowed, bytes[i]) != NULL;
    return good;
}

int topology_find(const struct topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->node_count; i++) {
        if (strcmp(topology->nodes[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

struct topology_nearest topology_find_near(const struct topology *topology, const char *name)
{
    struct topology_nearest nearest = {.word = name};
    for (size_t i = 0; i < topology->node_count; i++)
        topology_nearest_offer(&nearest, topology->nodes[i].name);
    return nearest;
}

size_t topology_neighbours(const struct topology *topology, uint32_t node, uint32_t *neighbours)
{
    size_t count = 0;
    for (size_t i = 0; i < topology->link_count; i++) {
        const struct topology_link *link = &topology->links[i];
        if (link->a == node)
            neighbours[count++] = link->b;
        else if (link->b == node)
            neighbours[count++] = link->a;
    }
    return count;
}

bool topology_has_web(const struct topology *topology, uint32_t node)
{
    for (size_t i = 0; i < topology->web_count; i++)
        if (topology->webs[i].of == node)
            return true;
    return false;
}

static void fold_text(uint64_t *print, const char *text)
{
    *print = XXH3_64bits_withSeed(text, strlen(text) + 1, *print);
}

static void fold_number(uint64_t *print, int64_t number)
{
    *print = XXH3_64bits_withSeed(&number, sizeof number, *print);
}

uint64_t topology_fingerprint(const struct topology *topology)
{
    const int64_t agreed[] = {topology->max_id_bytes, topology->nearby, topology->journal,
                              topology->answers_after};
    uint64_t print = 0;
    fold_text(&print, topology->herd);
    for (size_t i = 0; i < sizeof agreed / sizeof *agreed; i++)
        fold_number(&print, agreed[i]);
    for (size_t i = 0; i < topology->node_count; i++) {
        const struct topology_node *node = &topology->nodes[i];
        fold_text(&print, node->name);
        fold_text(&print, node->clients.text);
        if (node->clients_tls.line > 0) /* versions without TLS have none to agree on */
            fold_text(&print, node->clients_tls.text);
        fold_text(&print, node->bus_at.text);
    }
    for (size_t i = 0; i < topology->link_count; i++) {
        fold_number(&print, topology->links[i].a);
        fold_number(&print, topology->links[i].b);
    }
    for (size_t i = 0; i < topology->places_count; i++)
        fold_text(&print, topology->places[i].gateways_at.text);
    return print;
}

const struct topology_endpoint *topology_open_door(const struct topology *topology,
                                                   const struct topology_node *node)
{
    bool takes_anybody = node->clients_tls.line > 0 && node->tls.client_ca[0] == '\0';
    if (topology->access[0] != '\0')
        return NULL;
    if (!topology_host_is_loopback(node->clients.host))
        return &node->clients;
    return takes_anybody && !topology_host_is_loopback(node->clients_tls.host) ? &node->clients_tls
                                                                               : NULL;
}

void topology_free(struct topology *topology)
{
    free(topology->nodes);
    free(topology->links);
    free(topology->observers);
    *topology = (struct topology){0};
}
