/* What of a node changes while it runs: the topology's file is read again, checked whole, and taken
 * all or not at all. */
#include <inttypes.h>
#include <stdlib.h>

#include "gateway/node/gateway_state.h"
#include "gateway/node/node_access.h"
#include "gateway/node/node_keys.h"
#include "gateway/node/node_log.h"
#include "gateway/text/command.h"
#include "topology/format/changes.h"
#include "topology/format/memory_share.h"
#include "topology/load.h"
#include "topology/reach.h"

/* ---- who there is ---- */

void gateway_find_peers(struct gateway *gateway)
{
    const struct topology *topology = gateway->options->topology;
    uint32_t *neighbours = bytes_resize(NULL, topology->node_count * sizeof *neighbours);
    size_t count = topology_neighbours(topology, gateway->options->node, neighbours);
    gateway->peers =
        bytes_resize(NULL, (count + topology->observer_count + 1) * sizeof *gateway->peers);
    for (size_t i = 0; i < count; i++)
        gateway->peers[i] = &topology->nodes[neighbours[i]];
    gateway->neighbour_count = count;
    for (size_t i = 0; i < topology->observer_count; i++)
        if (topology->observers[i].of == gateway->options->node)
            gateway->peers[count++] = &topology->observers[i].self;
    gateway->peer_count = count;
    free(neighbours);
}

struct bus_peer *gateway_bus_peers(const struct gateway *gateway)
{
    struct bus_peer *peers = bytes_resize(NULL, (gateway->peer_count + 1) * sizeof *peers);
    for (size_t i = 0; i < gateway->peer_count; i++)
        peers[i] = (struct bus_peer){gateway->peers[i]->name, gateway->peers[i]->bus_at.text};
    return peers;
}

/* Without keys an operator is whoever says so, and may no more than clients. */
void gateway_set_options(struct gateway *gateway)
{
    operators_allow_forget(gateway->operators, gateway->keys.has_keys || gateway->keys.forget);
    gateway->node.options =
        (gateway->keys.forget ? COMMAND_OPTION(COMMAND_FORGET) : 0) |
        (gateway->access.rules != NULL ? COMMAND_OPTION(COMMAND_AUTH) : 0) |
        (gateway->options->topology->nearby ? COMMAND_OPTION(COMMAND_NEARBY) : 0) |
        (gateway->node.watchers != NULL ? COMMAND_OPTIONS_WATCH : 0);
}

/* ---- what is taken ---- */

static void take_bus(struct gateway *gateway)
{
    struct bus_operator each[TOPOLOGY_OPERATORS_MAX];
    struct bus_operators operators = node_keys_operators(gateway->options->topology, each);
    struct bus_peer *peers = gateway_bus_peers(gateway);
    bool has_keys = gateway->keys.has_keys;
    bus_change_peers(gateway->bus, peers, gateway->peer_count,
                     has_keys ? gateway->keys.peer_keys : NULL);
    if (has_keys)
        bus_admit_operators(gateway->bus, &operators);
    for (size_t i = 0; has_keys && i < gateway->places.count; i++)
        places_client_expect(gateway->places.each[i], &gateway->keys.places_keys);
    free(peers);
}

static void take_links(struct gateway *gateway)
{
    const struct topology *topology = gateway->options->topology;
    struct span *names = bytes_resize(NULL, (gateway->peer_count + 1) * sizeof *names);
    struct span *nodes = bytes_resize(NULL, topology->node_count * sizeof *nodes);
    size_t *was = bytes_resize(NULL, (gateway->peer_count + 1) * sizeof *was);
    for (size_t i = 0; i < gateway->peer_count; i++)
        names[i] = span_of(gateway->peers[i]->name);
    for (size_t i = 0; i < topology->node_count; i++)
        nodes[i] = span_of(topology->nodes[i].name);
    struct flood_links links = {names, gateway->peer_count, nodes, topology->node_count};
    flood_change_links(gateway->flood, &links, was);
    operators_change_links(gateway->operators, was);
    for (size_t i = 0; i < topology->former.count; i++)
        flood_know_node(gateway->flood, span_of(topology->former.names[i]));
    free(names);
    free(nodes);
    free(was);
}

/* Answers that wait by the rule before are given at once: as far as they were promised. */
static void take_answers(struct gateway *gateway, const struct topology *before)
{
    unsigned promises = gateway_promises(gateway->options->topology);
    if (promises == gateway_promises(before))
        return;
    flood_end_promises(gateway->flood, promises);
    clients_settle(gateway->clients);
    flood_begin_promises(gateway->flood, promises);
    gateway->node.holds_replies = promises != 0;
    if (promises != 0)
        clients_hold_replies(gateway->clients);
}

static void take_limits(struct gateway *gateway)
{
    const struct gateway_options *options = gateway->options;
    struct gateway_limits *limits = &gateway->limits;
    *limits = gateway_limits(options, options->topology, options->node);
    flood_change_limits(gateway->flood, limits->clients_max, limits->table_bytes_max);
    if (!node_log_change(gateway->log, options, limits, &gateway->lines, &gateway->node))
        gateway_note(gateway, "reload", "log_file, to or from standard output: at the next start");
    gateway->node.has_web = topology_has_web(options->topology, options->node);
    gateway->node.id_bytes_max = (size_t)options->topology->max_id_bytes;
    struct clients_options clients = {.held_bytes_max = memory_share_held(limits->table_bytes_max),
                                      .shares = {.new_ids_per_s = limits->new_clients_per_s,
                                                 .new_ids_burst = limits->new_clients_burst,
                                                 .trusted = gateway->self->trusted}};
    clients_change_limits(gateway->clients, &clients);
}

/* Also where nothing is new in the file: then the nodes that we refuse may have changed theirs. */
static void take_forgetting(struct gateway *gateway, const struct topology *before)
{
    const struct topology *topology = gateway->options->topology;
    flood_set_expire(gateway->flood, topology->expire_ms, topology->forget);
    if (before->expire_ms != topology->expire_ms || before->forget != topology->forget)
        status_log_forgetting(&gateway->lines, "reload", topology->expire_ms, topology->forget);
}

/* Nothing of it can fail: what could was asked before. */
static void take(struct gateway *gateway, struct topology *topology, struct access *rules)
{
    const struct topology *before = gateway->options->topology;
    const struct topology_node **peers_before = gateway->peers;
    gateway_note_events(gateway); /* those of the links before, under their names */
    gateway->now.node = (uint32_t)topology_find(topology, gateway->self->name);
    gateway->now.topology = topology;
    gateway->self = &topology->nodes[gateway->now.node];
    gateway_find_peers(gateway);
    node_keys_take(&gateway->keys, topology, gateway->peers, gateway->peer_count);
    take_answers(gateway, before);
    take_links(gateway);
    take_bus(gateway);
    take_limits(gateway);
    clients_take_tls(gateway->clients, gateway->self);
    take_forgetting(gateway, before);
    node_access_take(&gateway->access, rules, topology->access, gateway->clients, &gateway->lines);
    gateway->fingerprint = topology_fingerprint(topology);
    gateway_set_options(gateway);
    free(peers_before);
    gateway_forget_file(gateway);
    gateway->read = topology;
}

void gateway_forget_file(struct gateway *gateway)
{
    if (gateway->read != NULL)
        topology_free(gateway->read);
    free(gateway->read);
    gateway->read = NULL;
}

/* ---- whether it is taken, and what the log says ---- */

static void note_changes(struct gateway *gateway, const struct topology_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        gateway_note(gateway, "reload", "%s%s", changes->list[i].text,
                     changes->list[i].when == TOPOLOGY_CHANGE_AT_START ? ": at the next start"
                                                                       : "");
    if (changes->more > 0)
        gateway_note(gateway, "reload", "and %zu changes more", changes->more);
}

static void note_refused(struct gateway *gateway, const struct topology_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        if (changes->list[i].when == TOPOLOGY_CHANGE_REFUSED)
            gateway_note(gateway, "fault", "%s: a running node keeps that of its start",
                         changes->list[i].text);
}

static bool refuse(struct gateway *gateway, const char *why)
{
    logline_fail(&gateway->lines, clock_realtime_ns(), "%s: %s %s",
                 gateway->keys.has_keys ? "keys stay as they are" : "all stays as it is",
                 gateway->options->topology_file, why);
    return false;
}

static bool has_peers(const struct topology *topology, uint32_t node)
{
    for (size_t i = 0; i < topology->link_count; i++)
        if (topology->links[i].a == node || topology->links[i].b == node)
            return true;
    for (size_t i = 0; i < topology->observer_count; i++)
        if (topology->observers[i].of == node)
            return true;
    return false;
}

/* Whether our neighbours reach what we have bound, as at a start. */
static bool is_reachable(struct gateway *gateway, const struct topology *topology)
{
    uint32_t node = (uint32_t)topology_find(topology, gateway->self->name);
    const struct topology_node *self = &topology->nodes[node];
    struct fault fault;
    if (!has_peers(topology, node) || reach_is_said(&self->bus, &self->bus_at, "bus_at", &fault))
        return true;
    gateway_note(gateway, "fault", "%s:%" PRIu32 ": %s", gateway->options->topology_file,
                 self->bus.line, fault.text);
    return false;
}

/* Whether the files of TLS are good: what is taken afterwards cannot fail. */
static bool is_certified(struct gateway *gateway, const struct topology *topology)
{
    uint32_t node = (uint32_t)topology_find(topology, gateway->self->name);
    const struct topology_node *self = &topology->nodes[node];
    struct fault fault;
    if (clients_read_tls(gateway->clients, self, &fault))
        return true;
    gateway_note(gateway, "fault", "%s:%" PRIu32 ": %s", gateway->options->topology_file,
                 self->clients_tls.line, fault.text);
    return false;
}

static bool may_be_taken(struct gateway *gateway, const struct topology *topology,
                         const struct topology_changes *changes)
{
    if (changes->counts[TOPOLOGY_CHANGE_REFUSED] == 0)
        return (is_reachable(gateway, topology) && is_certified(gateway, topology)) ||
               refuse(gateway, "cannot be had");
    note_refused(gateway, changes);
    return refuse(gateway, "has what a running node cannot change");
}

static void note_taken(struct gateway *gateway)
{
    const char *file = gateway->options->topology_file;
    if (!gateway->keys.has_keys)
        gateway_note(gateway, "reload", "read again from %s, without keys", file);
    else
        gateway_note(gateway, "keys", "read again from %s%s", file,
                     secrets_pair_is_credential(gateway->self->name)
                         ? "; its secret key is a credential: at the next start"
                         : "");
}

static bool take_file(struct gateway *gateway, struct topology *topology)
{
    struct topology_changes changes;
    struct access *rules;
    topology_changes_list(gateway->options->topology, topology, TOPOLOGY_ASKER_NODE,
                          gateway->self->name, &changes);
    if (!may_be_taken(gateway, topology, &changes))
        return false;
    if (!access_load_own(topology->access, &rules))
        return refuse(gateway, "has access rules that are not good, standard error says why");
    note_changes(gateway, &changes);
    take(gateway, topology, rules);
    note_taken(gateway);
    return true;
}

bool gateway_read_again(struct gateway *gateway)
{
    struct topology *topology = bytes_zeroed(sizeof *topology);
    bool is_good = topology_load(gateway->options->topology_file, topology);
    if (!is_good)
        refuse(gateway, "is not good, standard error says why");
    if (is_good && take_file(gateway, topology))
        return true;
    if (is_good)
        topology_free(topology);
    free(topology);
    return false;
}
