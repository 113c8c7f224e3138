#include "gateway/node/node_keys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/node/clock.h"
#include "gateway/node/status_log.h"

static void take_peer_keys(struct node_keys *node_keys, const struct topology_node *peer)
{
    for (size_t i = 0; i < node_keys->peer_count; i++)
        if (strcmp(peer->name, node_keys->peers[i]->name) == 0)
            node_keys->peer_keys[i] = peer->public_keys;
}

/* Whose key is refused may be a node all the same, which takes us for its neighbour. */
static void learn_names(struct node_keys *node_keys, const struct topology *topology)
{
    keyring_free(&node_keys->known);
    for (size_t i = 0; i < topology->node_count; i++)
        keyring_add(&node_keys->known, &topology->nodes[i].public_keys, topology->nodes[i].name);
    for (size_t i = 0; i < topology->observer_count; i++)
        keyring_add(&node_keys->known, &topology->observers[i].self.public_keys,
                    topology->observers[i].self.name);
}

/* Who is neither neighbour nor observer any more has no keys from now on. */
static void take_keys(struct node_keys *node_keys, const struct topology *topology)
{
    uint32_t *neighbours = bytes_resize(NULL, topology->node_count * sizeof *neighbours);
    int self = topology_find(topology, node_keys->node);
    size_t count = self >= 0 ? topology_neighbours(topology, (uint32_t)self, neighbours) : 0;
    memset(node_keys->peer_keys, 0, node_keys->peer_count * sizeof *node_keys->peer_keys);
    for (size_t i = 0; i < count; i++)
        take_peer_keys(node_keys, &topology->nodes[neighbours[i]]);
    for (size_t i = 0; i < topology->observer_count; i++)
        if (self >= 0 && topology->observers[i].of == (uint32_t)self)
            take_peer_keys(node_keys, &topology->observers[i].self);
    node_keys->places_keys = topology->places[0].public_keys; /* none without places */
    learn_names(node_keys, topology);
    free(neighbours);
}

void node_keys_take(struct node_keys *node_keys, const struct topology *topology,
                    const struct topology_node *const *peers, size_t peer_count)
{
    node_keys->peers = peers;
    node_keys->peer_count = peer_count;
    node_keys->expire_ms = topology->expire_ms;
    node_keys->forget = topology->forget;
    node_keys->read_ns = clock_realtime_ns();
    if (!node_keys->has_keys)
        return;
    /* One more than needed, because the size may not be 0. */
    node_keys->peer_keys =
        bytes_resize(node_keys->peer_keys, (peer_count + 1) * sizeof *node_keys->peer_keys);
    take_keys(node_keys, topology);
}

bool node_keys_open(struct node_keys *node_keys, const struct topology *topology,
                    struct fault *fault)
{
    const struct topology_node *self = &topology->nodes[topology_find(topology, node_keys->node)];
    node_keys->has_keys = topology->keys[0] != '\0';
    node_keys_take(node_keys, topology, node_keys->peers, node_keys->peer_count);
    return !node_keys->has_keys ||
           secrets_find(topology, node_keys->node, &self->public_keys, &node_keys->own, fault);
}

void node_keys_close(struct node_keys *node_keys)
{
    explicit_bzero(&node_keys->own, sizeof node_keys->own);
    free(node_keys->peer_keys);
    node_keys->peer_keys = NULL;
    keyring_free(&node_keys->known);
}

const struct bus_keys *node_keys_of_bus(const struct node_keys *node_keys, struct bus_keys *keys)
{
    *keys = (struct bus_keys){.own = node_keys->own, .peers = node_keys->peer_keys};
    return node_keys->has_keys ? keys : NULL;
}

const struct auth_ends *node_keys_of_places(const struct node_keys *node_keys,
                                            struct auth_ends *keys)
{
    *keys = (struct auth_ends){.own = node_keys->own, .theirs = node_keys->places_keys};
    return node_keys->has_keys ? keys : NULL;
}

struct bus_operators node_keys_operators(const struct topology *topology,
                                         struct bus_operator each[TOPOLOGY_OPERATORS_MAX])
{
    for (size_t i = 0; i < topology->operator_count; i++)
        each[i] =
            (struct bus_operator){topology->operators[i].name, topology->operators[i].public_keys};
    return (struct bus_operators){each, topology->operator_count};
}

static void note_refused_name(struct node_keys *node_keys, const char *key, struct logline *lines,
                              int64_t realtime_ns)
{
    const char *name = keyring_find(&node_keys->known, key);
    struct span told;
    if (name == NULL)
        return;
    strangers_hear(&node_keys->strangers, span_of(name), realtime_ns / 1000000);
    if (strangers_next(&node_keys->strangers, &told))
        status_log_stranger(lines, told, node_keys->read_ns);
}

void node_keys_log(struct node_keys *node_keys, struct bus *bus, struct logline *lines,
                   int64_t realtime_ns)
{
    struct bus_guard now = bus_guard(bus);
    uint64_t refused = growth_take(&node_keys->refused, now.refused.count);
    uint64_t impostors = growth_take(&node_keys->impostors, now.impostors);
    if (refused > 0)
        logline_say(lines, realtime_ns, "fault", 0,
                    "%" PRIu64 " connections with a stranger's key refused, the last from %s with "
                    "%s",
                    refused, now.refused.address, now.refused.key);
    if (impostors > 0)
        logline_say(lines, realtime_ns, "fault", 0,
                    "%" PRIu64 " messages refused: with the key of %s somebody calls itself %s",
                    impostors, now.impostor[0] != '\0' ? now.impostor : "nobody", now.claimed);
    if (refused > 0)
        note_refused_name(node_keys, now.refused.key, lines, realtime_ns);
}
