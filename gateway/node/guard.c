#include "gateway/node/guard.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/node/clock.h"
#include "gateway/node/tell.h"
#include "topology/format/changes.h"
#include "topology/load.h"

static void take_peer_keys(struct guard *guard, const struct topology_node *peer)
{
    for (size_t i = 0; i < guard->peer_count; i++)
        if (strcmp(peer->name, guard->peers[i]->name) == 0)
            guard->peer_keys[i] = peer->public_keys;
}

/* Whose key is refused may be a node all the same, which takes us for its neighbour. */
static void learn_names(struct guard *guard, const struct topology *topology)
{
    keyring_free(&guard->known);
    for (size_t i = 0; i < topology->node_count; i++)
        keyring_add(&guard->known, &topology->nodes[i].public_keys, topology->nodes[i].name);
    for (size_t i = 0; i < topology->observer_count; i++)
        keyring_add(&guard->known, &topology->observers[i].self.public_keys,
                    topology->observers[i].self.name);
}

/* Who is neither neighbour nor observer any more has no keys from now on. */
static void take_keys(struct guard *guard, const struct topology *topology)
{
    uint32_t *neighbours = bytes_resize(NULL, topology->node_count * sizeof *neighbours);
    int self = topology_find(topology, guard->node);
    size_t count = self >= 0 ? topology_neighbours(topology, (uint32_t)self, neighbours) : 0;
    memset(guard->peer_keys, 0, guard->peer_count * sizeof *guard->peer_keys);
    for (size_t i = 0; i < count; i++)
        take_peer_keys(guard, &topology->nodes[neighbours[i]]);
    for (size_t i = 0; i < topology->observer_count; i++)
        if (self >= 0 && topology->observers[i].of == (uint32_t)self)
            take_peer_keys(guard, &topology->observers[i].self);
    guard->places_keys = topology->places[0].public_keys; /* none without places */
    guard->keys_ns = clock_realtime_ns();
    learn_names(guard, topology);
    free(neighbours);
}

bool guard_open(struct guard *guard, const struct topology *topology,
                char error[SECRETS_ERROR_BYTES_MAX])
{
    const struct topology_node *self = &topology->nodes[topology_find(topology, guard->node)];
    guard->start = topology;
    guard->start_ns = clock_realtime_ns();
    guard->has_keys = topology->keys[0] != '\0';
    if (!guard->has_keys)
        return true;
    /* One more than needed, because the size may not be 0. */
    guard->peer_keys = bytes_zeroed((guard->peer_count + 1) * sizeof *guard->peer_keys);
    take_keys(guard, topology);
    return secrets_find(topology, guard->node, &self->public_keys, &guard->own, error);
}

void guard_close(struct guard *guard)
{
    explicit_bzero(&guard->own, sizeof guard->own);
    free(guard->peer_keys);
    guard->peer_keys = NULL;
    keyring_free(&guard->known);
}

const struct bus_keys *guard_bus_keys(const struct guard *guard, struct bus_keys *keys)
{
    *keys = (struct bus_keys){.own = guard->own, .peers = guard->peer_keys};
    return guard->has_keys ? keys : NULL;
}

const struct auth_ends *guard_places_keys(const struct guard *guard, struct auth_ends *keys)
{
    *keys = (struct auth_ends){.own = guard->own, .theirs = guard->places_keys};
    return guard->has_keys ? keys : NULL;
}

/* What the file says of the herd besides the keys of others. */
static void tell_changes(const struct guard *guard, const struct topology *topology,
                         struct logline *lines, int64_t realtime_ns)
{
    char changes[TOPOLOGY_CHANGES_BYTES_MAX];
    topology_changes_list(guard->start, topology, guard->node, changes);
    if (changes[0] != '\0')
        logline_say(lines, realtime_ns, "reload", 0, "%s: at the next start", changes);
}

void guard_reload(struct guard *guard, struct bus *bus, struct lookups *const *lookups,
                  size_t lookups_count, struct logline *lines, int64_t realtime_ns)
{
    struct topology topology;
    if (!topology_load(guard->file, &topology)) {
        logline_say(lines, realtime_ns, "fault", 0,
                    "%s as they are: %s is not good, standard error says why",
                    guard->has_keys ? "keys stay" : "all stays", guard->file);
        return;
    }
    if (!guard->has_keys) {
        logline_say(lines, realtime_ns, "reload", 0, "read again from %s, without keys",
                    guard->file);
    } else if (topology.keys[0] == '\0') {
        logline_say(lines, realtime_ns, "fault", 0, "keys stay as they are: %s has none any more",
                    guard->file);
    } else {
        take_keys(guard, &topology);
        bus_admit(bus, guard->peer_keys);
        for (size_t i = 0; i < lookups_count; i++)
            lookups_expect(lookups[i], &guard->places_keys);
        logline_say(lines, realtime_ns, "keys", 0, "read again from %s", guard->file);
    }
    tell_changes(guard, &topology, lines, realtime_ns);
    topology_free(&topology);
}

/* Links are those of the start; a neighbour of then may have lost its keys since. */
static void tell_refused_name(struct guard *guard, const char *key, struct logline *lines,
                              int64_t realtime_ns)
{
    const char *name = keyring_find(&guard->known, key);
    struct span told;
    bool was_neighbour = false;
    if (name == NULL)
        return;
    for (size_t i = 0; i < guard->peer_count; i++)
        was_neighbour = was_neighbour || strcmp(guard->peers[i]->name, name) == 0;
    strangers_hear(&guard->strangers, span_of(name), realtime_ns / 1000000);
    if (strangers_next(&guard->strangers, &told))
        tell_stranger(lines, told, was_neighbour ? guard->keys_ns : guard->start_ns);
}

void guard_tell(struct guard *guard, struct bus *bus, struct logline *lines, int64_t realtime_ns)
{
    struct bus_guard now = bus_guard(bus);
    if (now.refused.count != guard->refused_told)
        logline_say(lines, realtime_ns, "fault", 0,
                    "%" PRIu64 " connections with a stranger's key refused, the last from %s with "
                    "%s",
                    now.refused.count - guard->refused_told, now.refused.address, now.refused.key);
    if (now.impostors != guard->impostors_told)
        logline_say(lines, realtime_ns, "fault", 0,
                    "%" PRIu64 " messages refused: with the key of %s somebody calls itself %s",
                    now.impostors - guard->impostors_told,
                    now.impostor[0] != '\0' ? now.impostor : "nobody", now.claimed);
    if (now.refused.count != guard->refused_told)
        tell_refused_name(guard, now.refused.key, lines, realtime_ns);
    guard->refused_told = now.refused.count;
    guard->impostors_told = now.impostors;
}
