#include "topology/format/topology.h"

#include <stdlib.h>
#include <string.h>

static const char *const provider_names[TOPOLOGY_PROVIDERS] = {
    [TOPOLOGY_LANDMARKS] = "landmarks",   [TOPOLOGY_GOOGLE] = "google",
    [TOPOLOGY_GOOGLE_NEW] = "google-new", [TOPOLOGY_OVERPASS] = "overpass",
    [TOPOLOGY_PHOTON] = "photon",
};

const char *topology_provider_name(enum topology_provider provider)
{
    return provider_names[provider];
}

bool topology_provider_needs_key(enum topology_provider provider)
{
    return provider == TOPOLOGY_GOOGLE || provider == TOPOLOGY_GOOGLE_NEW;
}

bool topology_provider_find(const char *name, enum topology_provider *provider)
{
    for (size_t i = 0; i < TOPOLOGY_PROVIDERS; i++) {
        if (strcmp(name, provider_names[i]) == 0) {
            *provider = (enum topology_provider)i;
            return true;
        }
    }
    return false;
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

void topology_free(struct topology *topology)
{
    free(topology->nodes);
    free(topology->links);
    free(topology->observers);
    *topology = (struct topology){0};
}
