#include "topology/observer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bus/base/packed.h"
#include "bus/net/entropy.h"
#include "topology/reach.h"
#include "topology/say.h"
#include "topology/secrets.h"

/* So often the flood learns what the wall clock shows. */
#define CLOCK_MS      1000
#define BUS_LINGER_MS 100

static int64_t read_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NANO + now.tv_nsec;
}

int64_t observer_now_ms(void)
{
    return read_ns(CLOCK_BOOTTIME) / (NANO / 1000);
}

static bool find_secret(const struct observer *observer, struct auth_certificate *own)
{
    struct fault fault;
    const struct topology_node *self = &observer->self->self;
    if (secrets_find(observer->topology, self->name, &self->public_keys, own, &fault))
        return true;
    say("%s", fault.text);
    return false;
}

static bool open_bus(struct observer *observer, const char *path)
{
    struct fault fault;
    struct bus_peer node = {observer->node->name, observer->node->bus_at.text};
    struct bus_keys keys = {.peers = &observer->node->public_keys};
    bool has_keys = observer->topology->keys[0] != '\0';
    if (has_keys && !find_secret(observer, &keys.own))
        return false;
    const struct topology_node *self = &observer->self->self;
    struct bus_options bus = {.name = self->name,
                              .endpoint = self->bus.text,
                              .peers = &node,
                              .peer_count = 1,
                              .keys = has_keys ? &keys : NULL};
    if (reach_is_said(&self->bus, &self->bus_at, "bus_at", &fault))
        observer->bus = bus_open(&bus, &fault);
    explicit_bzero(&keys.own, sizeof keys.own);
    if (observer->bus == NULL)
        say("%s:%" PRIu32 ": %s", path, self->bus.line, fault.text);
    return observer->bus != NULL;
}

/* Those of today and former ones, whose positions count. */
static void know_nodes(struct flood *flood, const struct topology *topology)
{
    for (size_t i = 0; i < topology->node_count; i++)
        flood_know_node(flood, span_of(topology->nodes[i].name));
    for (size_t i = 0; i < topology->former.count; i++)
        flood_know_node(flood, span_of(topology->former.names[i]));
}

static void make_flood(struct observer *observer, bool nearby)
{
    const struct topology *topology = observer->topology;
    struct span peer = span_of(observer->node->name);
    struct span *nodes = bytes_resize(NULL, topology->node_count * sizeof *nodes);
    struct {
        uint64_t incarnation;
        uint8_t key[16];
    } drawn;
    entropy_draw(&drawn, sizeof drawn);
    for (size_t i = 0; i < topology->node_count; i++)
        nodes[i] = span_of(topology->nodes[i].name);
    struct flood_options options = {.herd = span_of(topology->herd),
                                    .node = span_of(observer->self->self.name),
                                    .peers = &peer,
                                    .peer_count = 1,
                                    .nodes = nodes,
                                    .node_count = topology->node_count,
                                    .incarnation = drawn.incarnation | 1, /* never 0 */
                                    .clients_max = TABLE_CLIENTS_MAX,     /* its node has limits */
                                    .expire_ms = topology->expire_ms,
                                    .forget = topology->forget,
                                    .nearby = nearby};
    memcpy(options.hash_key, drawn.key, sizeof options.hash_key);
    observer->flood = flood_new(&options);
    know_nodes(observer->flood, topology);
    free(nodes);
}

bool observer_open(struct observer *observer, const struct topology *topology,
                   const struct topology_observer *self, const char *path, bool nearby)
{
    *observer =
        (struct observer){.topology = topology, .self = self, .node = &topology->nodes[self->of]};
    if (!open_bus(observer, path))
        return false;
    make_flood(observer, nearby);
    return true;
}

void observer_close(struct observer *observer)
{
    bus_close(&observer->bus, BUS_LINGER_MS);
    flood_destroy(&observer->flood);
}

/* An observer's clock has no vote, but the flood wants one to reckon by. */
static void tell_time(struct observer *observer, int64_t now_ms)
{
    if (now_ms < observer->clock_ms)
        return;
    observer->clock_ms = now_ms + CLOCK_MS;
    flood_set_clock(observer->flood, now_ms, read_ns(CLOCK_REALTIME));
}

void observer_turn(struct observer *observer, int64_t now_ms)
{
    tell_time(observer, now_ms);
    observer->more = bus_turn(observer->bus, observer->flood, now_ms);
}

int64_t observer_deadline_ms(const struct observer *observer)
{
    int64_t flood_ms = flood_deadline_ms(observer->flood);
    int64_t bus_ms = bus_deadline_ms(observer->bus);
    return flood_ms < bus_ms ? flood_ms : bus_ms;
}

void observer_change(struct observer *observer, const struct topology *topology)
{
    int node = topology_find(topology, observer->node->name);
    if (node >= 0 && observer->topology->keys[0] != '\0' && topology->keys[0] != '\0')
        bus_admit(observer->bus, &topology->nodes[node].public_keys);
    know_nodes(observer->flood, topology);
    flood_set_expire(observer->flood, topology->expire_ms, topology->forget);
}
