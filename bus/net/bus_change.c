/* Who a bus's peers and operators are, from its start on and while it runs. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bus/net/bus_state.h"
#include "bus/net/outlet.h"

void bus_allow_all(struct bus *bus)
{
    struct keyring ring = {0};
    for (size_t i = 0; i < bus->peer_count; i++) {
        const struct peer_directory_member *member = &bus->directory.members[i];
        keyring_add(&ring, &bus->ways[member->peer].outlet.dial.keys, member->name);
    }
    for (size_t i = 0; i < bus->operator_count; i++)
        keyring_add(&ring, &bus->operators[i].keys, bus->operators[i].name);
    auth_allow(bus->auth, AUTH_BUS, &ring);
}

void bus_copy_operators(struct bus *bus, const struct bus_operators *operators)
{
    bus->operator_count = operators->count;
    /* One more than needed, because the size may not be 0. */
    bus->operators = bytes_resize(bus->operators, (operators->count + 1) * sizeof *bus->operators);
    for (size_t i = 0; i < operators->count; i++) {
        assert(strlen(operators->each[i].name) <= KEYRING_NAME_BYTES_MAX);
        strcpy(bus->operators[i].name, operators->each[i].name);
        bus->operators[i].keys = operators->each[i].keys;
    }
}

bool bus_open_way(struct bus *bus, struct way *way, const struct bus_peer *peer,
                  struct fault *fault)
{
    struct keyring_keys keys = way->outlet.dial.keys;
    way->endpoint = bytes_text(peer->endpoint);
    way->number = bus->next_number++;
    return outlet_open(&way->outlet, &bus->home, way->endpoint, &keys, fault) ||
           fault_set(fault, "cannot connect to %s at %s: %s", peer->name, peer->endpoint,
                     fault->text);
}

void bus_close_way(struct way *way, int linger_ms)
{
    outlet_close(&way->outlet, linger_ms);
    free(way->endpoint);
    way->endpoint = NULL;
}

/* Connections whose key is not listed any more are replaced now and not at the next turn, which may
 * be a second away. Before the first turn nobody knows the time, and there is no connection yet. */
void bus_admit(struct bus *bus, const struct keyring_keys *peers)
{
    assert(bus->has_keys);
    for (size_t i = 0; i < bus->peer_count; i++) {
        dial_expect(&bus->ways[i].outlet.dial, &peers[i]);
        if (bus->now_ms != NEVER_MS)
            outlet_tend(&bus->ways[i].outlet, bus->now_ms);
    }
    bus_allow_all(bus);
}

/* The way that there is to a peer of that name, or NULL. */
static struct way *find_way(struct bus *bus, const char *name)
{
    const struct peer_directory_member *member =
        peer_directory_find(&bus->directory, span_of(name));
    return member != NULL ? &bus->ways[member->peer] : NULL;
}

/* The way to a peer, which goes on where it leads to the same endpoint. A new one that cannot be
 * opened now is tried again, as any that broke, and its trouble is told. */
static struct way take_way(struct bus *bus, const struct bus_peer *peer,
                           const struct keyring_keys *keys)
{
    struct fault unused;
    struct way *before = find_way(bus, peer->name), way = {0};
    if (before != NULL && before->endpoint != NULL &&
        strcmp(before->endpoint, peer->endpoint) == 0) {
        way = *before;
        before->endpoint = NULL; /* taken */
        if (keys != NULL)
            dial_expect(&way.outlet.dial, keys);
        return way;
    }
    if (keys != NULL)
        way.outlet.dial.keys = *keys;
    bus_open_way(bus, &way, peer, &unused);
    return way;
}

void bus_change_peers(struct bus *bus, const struct bus_peer *peers, size_t peer_count,
                      const struct keyring_keys *keys)
{
    assert(peer_count <= LINK_PEERS_MAX && bus->has_keys == (keys != NULL));
    struct way *ways = bytes_zeroed((peer_count + 1) * sizeof *ways);
    struct peer_directory directory;
    peer_directory_make(&directory, peer_count);
    for (size_t i = 0; i < peer_count; i++) {
        ways[i] = take_way(bus, &peers[i], keys != NULL ? &keys[i] : NULL);
        peer_directory_add(&directory, peers[i].name);
    }
    peer_directory_sort(&directory);
    for (size_t i = 0; i < bus->peer_count; i++)
        if (bus->ways[i].endpoint != NULL)
            bus_close_way(&bus->ways[i], 0);
    free(bus->ways);
    peer_directory_free(&bus->directory);
    bus->ways = ways;
    bus->directory = directory;
    bus->peer_count = peer_count;
    bus->polled = bytes_resize(bus->polled, (peer_count + 1) * sizeof *bus->polled);
    rounds_resize(&bus->rounds, peer_count);
    bus->troubles_asked = 0;
    newcomers_expect(&bus->watch.newcomers, peer_count);
    if (keys != NULL)
        bus_admit(bus, keys);
}

void bus_admit_operators(struct bus *bus, const struct bus_operators *operators)
{
    assert(bus->has_keys && bus->hears_operators);
    bus_copy_operators(bus, operators);
    bus_allow_all(bus);
}
