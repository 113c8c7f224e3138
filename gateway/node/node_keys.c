#include "gateway/node/node_keys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/node/clock.h"
#include "gateway/node/status_log.h"
#include "topology/format/changes.h"
#include "topology/load.h"

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
    node_keys->keys_ns = clock_realtime_ns();
    learn_names(node_keys, topology);
    free(neighbours);
}

bool node_keys_open(struct node_keys *node_keys, const struct topology *topology,
                    char error[SECRETS_ERROR_BYTES_MAX])
{
    const struct topology_node *self = &topology->nodes[topology_find(topology, node_keys->node)];
    node_keys->start = topology;
    node_keys->start_ns = clock_realtime_ns();
    node_keys->has_keys = topology->keys[0] != '\0';
    if (!node_keys->has_keys)
        return true;
    /* One more than needed, because the size may not be 0. */
    node_keys->peer_keys = bytes_zeroed((node_keys->peer_count + 1) * sizeof *node_keys->peer_keys);
    take_keys(node_keys, topology);
    return secrets_find(topology, node_keys->node, &self->public_keys, &node_keys->own, error);
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

/* What the file says of the herd besides the keys of others. */
static void note_changes(const struct node_keys *node_keys, const struct topology *topology,
                         struct logline *lines, int64_t realtime_ns)
{
    char changes[TOPOLOGY_CHANGES_BYTES_MAX];
    topology_changes_list(node_keys->start, topology, node_keys->node, changes);
    if (changes[0] != '\0')
        logline_say(lines, realtime_ns, "reload", 0, "%s: at the next start", changes);
}

void node_keys_reload(struct node_keys *node_keys, struct bus *bus,
                      struct places_client *const *lookups, size_t lookups_count,
                      struct logline *lines, int64_t realtime_ns)
{
    struct topology topology;
    if (!topology_load(node_keys->file, &topology)) {
        logline_say(lines, realtime_ns, "fault", 0,
                    "%s as they are: %s is not good, standard error says why",
                    node_keys->has_keys ? "keys stay" : "all stays", node_keys->file);
        return;
    }
    if (!node_keys->has_keys) {
        logline_say(lines, realtime_ns, "reload", 0, "read again from %s, without keys",
                    node_keys->file);
    } else if (topology.keys[0] == '\0') {
        logline_say(lines, realtime_ns, "fault", 0, "keys stay as they are: %s has none any more",
                    node_keys->file);
    } else {
        take_keys(node_keys, &topology);
        bus_admit(bus, node_keys->peer_keys);
        for (size_t i = 0; i < lookups_count; i++)
            places_client_expect(lookups[i], &node_keys->places_keys);
        logline_say(lines, realtime_ns, "keys", 0, "read again from %s", node_keys->file);
    }
    note_changes(node_keys, &topology, lines, realtime_ns);
    topology_free(&topology);
}

/* Links are those of the start; a neighbour of then may have lost its keys since. */
static void note_refused_name(struct node_keys *node_keys, const char *key, struct logline *lines,
                              int64_t realtime_ns)
{
    const char *name = keyring_find(&node_keys->known, key);
    struct span told;
    bool was_neighbour = false;
    if (name == NULL)
        return;
    for (size_t i = 0; i < node_keys->peer_count; i++)
        was_neighbour = was_neighbour || strcmp(node_keys->peers[i]->name, name) == 0;
    strangers_hear(&node_keys->strangers, span_of(name), realtime_ns / 1000000);
    if (strangers_next(&node_keys->strangers, &told))
        status_log_stranger(lines, told, was_neighbour ? node_keys->keys_ns : node_keys->start_ns);
}

void node_keys_log(struct node_keys *node_keys, struct bus *bus, struct logline *lines,
                   int64_t realtime_ns)
{
    struct bus_guard now = bus_guard(bus);
    if (now.refused.count != node_keys->refused_told)
        logline_say(lines, realtime_ns, "fault", 0,
                    "%" PRIu64 " connections with a stranger's key refused, the last from %s with "
                    "%s",
                    now.refused.count - node_keys->refused_told, now.refused.address,
                    now.refused.key);
    if (now.impostors != node_keys->impostors_told)
        logline_say(lines, realtime_ns, "fault", 0,
                    "%" PRIu64 " messages refused: with the key of %s somebody calls itself %s",
                    now.impostors - node_keys->impostors_told,
                    now.impostor[0] != '\0' ? now.impostor : "nobody", now.claimed);
    if (now.refused.count != node_keys->refused_told)
        note_refused_name(node_keys, now.refused.key, lines, realtime_ns);
    node_keys->refused_told = now.refused.count;
    node_keys->impostors_told = now.impostors;
}
