/* What topology_check_keys demands (topology/format/check.h). */
#include <string.h>

#include "topology/format/check.h"
#include "topology/format/endpoints.h"

/* The part of the herd that has keys of its own: a node, an observer, an operator or the places
 * service. */
struct holder {
    const struct keyring_keys *keys;
    const char *name;
    uint32_t line;
};

static void demand_own_keys(const struct holder *holder, struct keyring *ring,
                            struct topology_faults *faults)
{
    if (holder->keys->text[0][0] == '\0') {
        topology_faults_add(faults, holder->line,
                            "%s has no `public_key`, but the herd has `keys`; run `zherd keygen` "
                            "on this file",
                            holder->name);
        return;
    }
    for (size_t i = 0; i < KEYRING_KEYS_MAX && holder->keys->text[i][0] != '\0'; i++) {
        const char *other = keyring_find(ring, holder->keys->text[i]);
        if (other)
            topology_faults_add(faults, holder->line,
                                "a key of %s is a key of %s, too; let `zherd keygen` make another",
                                holder->name, other);
    }
    if (strcmp(holder->keys->text[0], holder->keys->text[1]) == 0)
        topology_faults_add(faults, holder->line, "%s has one key twice; write it once",
                            holder->name);
    keyring_add(ring, holder->keys, holder->name);
}

static void refuse_lone_keys(const struct holder *holder, struct topology_faults *faults)
{
    if (holder->keys->text[0][0] != '\0')
        topology_faults_add(faults, holder->line,
                            "%s has a `public_key`, but the herd has no `keys`; write `    keys = "
                            "FOLDER` in herd, or run `zherd keygen` on this file",
                            holder->name);
}

/* What is bound, and where others reach it: a port that is handed on from another machine is no
 * more this machine's alone than one that is bound there. A host name may be any machine's. */
static void demand_loopback(const struct topology_endpoint *bound, const char *key,
                            const struct topology_endpoint *at, const char *at_key, uint32_t line,
                            struct topology_faults *faults)
{
    bool bound_is_here = topology_host_binds_loopback(bound->host);
    if (bound_is_here && (at->line == bound->line || topology_host_is_loopback(at->host)))
        return;
    topology_faults_add(
        faults, line,
        "`%s` is %s, and whoever reaches it would be trusted; run `zherd keygen` on "
        "this file, or write `    insecure = yes` in herd",
        bound_is_here ? at_key : key, bound_is_here ? at->text : bound->text);
}

static void demand_loopback_of_bus(const struct topology_node *node, struct topology_faults *faults)
{
    demand_loopback(&node->bus, "bus", &node->bus_at, "bus_at", node->line, faults);
}

static void demand_loopback_everywhere(const struct topology *topology,
                                       struct topology_faults *faults)
{
    for (size_t i = 0; i < topology->node_count; i++)
        demand_loopback_of_bus(&topology->nodes[i], faults);
    for (size_t i = 0; i < topology->observer_count; i++)
        demand_loopback_of_bus(&topology->observers[i].self, faults);
    for (size_t i = 0; i < topology->places_count; i++) {
        const struct topology_places *places = &topology->places[i];
        demand_loopback(&places->gateways, "gateways", &places->gateways_at, "gateways_at",
                        places->line, faults);
        demand_loopback(&places->workers, "workers", &places->workers_at, "workers_at",
                        places->line, faults);
    }
}

/* All places services are one to the herd: a worker of one works for all. */
static void demand_one_pair_of_places(const struct topology *topology,
                                      struct topology_faults *faults)
{
    for (size_t i = 1; i < topology->places_count; i++)
        if (!keyring_keys_equal(&topology->places[0].public_keys, &topology->places[i].public_keys))
            topology_faults_add(faults, topology->places[i].line,
                                "this `public_key` is not that of the `places` in line %u; write "
                                "the same in each",
                                topology->places[0].line);
}

/* Whoever reaches a monitor beyond this machine must show a token; and a herd that trusts everybody
 * shows itself to nobody. */
static void demand_guard(const struct topology_monitor *monitor, bool has_keys,
                         struct topology_faults *faults)
{
    if (monitor->at.line == 0 || topology_host_binds_loopback(monitor->at.host))
        return;
    if (!has_keys)
        topology_faults_add(faults, monitor->at.line,
                            "`monitor` is %s, and a herd without keys is watched from its own "
                            "machine only; write `    monitor = tcp://127.0.0.1:%u`, or run `zherd "
                            "keygen` on this file",
                            monitor->at.text, monitor->at.port);
    else if (monitor->token_file[0] == '\0')
        topology_faults_add(faults, monitor->at.line,
                            "`monitor` is %s, and whoever reaches it could watch; write `    "
                            "monitor = tcp://127.0.0.1:%u`, or a line `    monitor_token_file = "
                            "PATH`",
                            monitor->at.text, monitor->at.port);
}

static void demand_guards(const struct topology *topology, bool has_keys,
                          struct topology_faults *faults)
{
    for (size_t i = 0; i < topology->node_count; i++)
        demand_guard(&topology->nodes[i].monitor, has_keys, faults);
    for (size_t i = 0; i < topology->places_count; i++)
        demand_guard(&topology->places[i].monitor, has_keys, faults);
}

static void check_holder(const struct holder *holder, bool has_keys, struct keyring *ring,
                         struct topology_faults *faults)
{
    if (has_keys)
        demand_own_keys(holder, ring, faults);
    else
        refuse_lone_keys(holder, faults);
}

static void check_node_keys(const struct topology_node *node, bool has_keys, struct keyring *ring,
                            struct topology_faults *faults)
{
    struct holder holder = {&node->public_keys, node->name, node->line};
    check_holder(&holder, has_keys, ring, faults);
}

void topology_check_keys(const struct topology *topology, struct topology_faults *faults)
{
    bool has_keys = topology->keys[0] != '\0';
    struct keyring ring = {0};
    for (size_t i = 0; i < topology->node_count; i++)
        check_node_keys(&topology->nodes[i], has_keys, &ring, faults);
    for (size_t i = 0; i < topology->observer_count; i++)
        check_node_keys(&topology->observers[i].self, has_keys, &ring, faults);
    for (size_t i = 0; i < topology->operator_count; i++) {
        const struct topology_operator *self = &topology->operators[i];
        struct holder holder = {&self->public_keys, self->name, self->line};
        check_holder(&holder, has_keys, &ring, faults);
    }
    if (topology->places_count > 0) {
        const struct topology_places *places = &topology->places[0];
        struct holder holder = {&places->public_keys, "places", places->line};
        check_holder(&holder, has_keys, &ring, faults);
    }
    demand_one_pair_of_places(topology, faults);
    if (!has_keys && !topology->insecure)
        demand_loopback_everywhere(topology, faults);
    demand_guards(topology, has_keys, faults);
    keyring_free(&ring);
}
