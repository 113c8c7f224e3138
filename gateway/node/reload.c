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

/* The neighbours of a node, and then its observers: the caller's to free. */
static const struct topology_node **list_peers(const struct topology *topology, uint32_t node,
                                               size_t *count, size_t *neighbour_count)
{
    uint32_t *neighbours = bytes_resize(NULL, topology->node_count * sizeof *neighbours);
    size_t peers_count = topology_neighbours(topology, node, neighbours);
    const struct topology_node **peers =
        bytes_resize(NULL, (peers_count + topology->observer_count + 1) * sizeof *peers);
    for (size_t i = 0; i < peers_count; i++)
        peers[i] = &topology->nodes[neighbours[i]];
    *neighbour_count = peers_count;
    for (size_t i = 0; i < topology->observer_count; i++)
        if (topology->observers[i].of == node)
            peers[peers_count++] = &topology->observers[i].self;
    *count = peers_count;
    free(neighbours);
    return peers;
}

void gateway_find_peers(struct gateway *gateway)
{
    gateway->peers = list_peers(gateway->options->topology, gateway->options->node,
                                &gateway->peer_count, &gateway->neighbour_count);
}

struct bus_peer *gateway_bus_peers(const struct gateway *gateway)
{
    struct bus_peer *peers = bytes_resize(NULL, (gateway->peer_count + 1) * sizeof *peers);
    for (size_t i = 0; i < gateway->peer_count; i++)
        peers[i] = (struct bus_peer){gateway->peers[i]->name, gateway->peers[i]->bus_at.text};
    return peers;
}

struct clients_options gateway_clients_options(const struct gateway *gateway,
                                               const struct topology *topology,
                                               const struct gateway_limits *limits,
                                               size_t peer_count)
{
    const struct topology_node *self =
        &topology->nodes[topology_find(topology, gateway->self->name)];
    return (struct clients_options){.self = self,
                                    .adopted = &gateway->options->adopted,
                                    .tls_bytes_max = limits->table_bytes_max / 2,
                                    .connections_max = CLIENTS_CONNECTIONS_MAX,
                                    .neighbours = peer_count + topology->operator_count +
                                                  node_monitor_as_neighbours(&gateway->monitor.of),
                                    .held_bytes_max = memory_share_held(limits->table_bytes_max),
                                    .shares = {.new_ids_per_s = limits->new_clients_per_s,
                                               .new_ids_burst = limits->new_clients_burst,
                                               .trusted = self->trusted}};
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

static void take_limits(struct gateway *gateway, const struct gateway_limits *limits)
{
    const struct gateway_options *options = gateway->options;
    struct client_limits_descriptors before = *clients_descriptors(gateway->clients);
    gateway->limits = *limits;
    flood_change_limits(gateway->flood, limits->clients_max, limits->table_bytes_max);
    if (!node_log_change(gateway->log, options, limits, &gateway->lines, &gateway->node))
        gateway_note(gateway, "reload", "log_file, to or from standard output: at the next start");
    gateway->node.has_web = topology_has_web(options->topology, options->node);
    gateway->node.id_bytes_max = (size_t)options->topology->max_id_bytes;
    if (gateway->node.watchers != NULL)
        watchers_change_bytes(gateway->node.watchers,
                              memory_share_watched(limits->table_bytes_max));
    struct clients_options clients =
        gateway_clients_options(gateway, options->topology, limits, gateway->peer_count);
    clients_change_limits(gateway->clients, &clients);
    if (clients_descriptors(gateway->clients)->clients != before.clients)
        status_log_descriptors(&gateway->lines, gateway->clients);
}

/* Also where nothing is new in the file: then the nodes that we refuse may have changed theirs. */
static void take_forgetting(struct gateway *gateway, const struct topology *before)
{
    const struct topology *topology = gateway->options->topology;
    flood_set_expire(gateway->flood, topology->expire_ms, topology->forget);
    if (before->expire_ms != topology->expire_ms || before->forget != topology->forget)
        status_log_forgetting(&gateway->lines, "reload", topology->expire_ms, topology->forget);
}

static void take_places(struct gateway *gateway)
{
    places_clients_take(&gateway->places, gateway_now_ms(gateway));
    gateway->node.requests = gateway->places.count > 0 ? gateway->places.requests : NULL;
}

/* What a file that is read again comes to, while it is asked whether it may be taken. What the
 * modules have opened for it they keep themselves. */
struct candidate {
    struct topology *topology;
    const struct topology_node *self;
    const struct topology_node **peers;
    size_t peer_count, neighbour_count;
    struct gateway_limits limits;
    struct access *rules;
};

/* Nothing of it can fail: what could was asked before. */
static void take(struct gateway *gateway, const struct candidate *candidate)
{
    struct topology *topology = candidate->topology;
    const struct topology *before = gateway->options->topology;
    const struct topology_node **peers_before = gateway->peers;
    gateway_note_events(gateway); /* those of the links before, under their names */
    gateway->now.node = (uint32_t)(candidate->self - topology->nodes);
    gateway->now.topology = topology;
    gateway->self = candidate->self;
    gateway->peers = candidate->peers;
    gateway->peer_count = candidate->peer_count;
    gateway->neighbour_count = candidate->neighbour_count;
    node_keys_take(&gateway->keys, topology, gateway->peers, gateway->peer_count);
    take_answers(gateway, before);
    take_links(gateway);
    take_places(gateway);
    take_bus(gateway);
    take_limits(gateway, &candidate->limits);
    clients_take_addresses(gateway->clients);
    clients_take_tls(gateway->clients, gateway->self);
    take_forgetting(gateway, before);
    node_access_take(&gateway->access, candidate->rules, topology->access, gateway->clients,
                     &gateway->lines);
    gateway->fingerprint = topology_fingerprint(topology);
    gateway_name_nodes(gateway->operators, topology, gateway->fingerprint);
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

/* Says in which line of the file stands what cannot be had. */
static bool blame(struct gateway *gateway, uint32_t line, const struct fault *fault)
{
    gateway_note(gateway, "fault", "%s:%" PRIu32 ": %s", gateway->options->topology_file, line,
                 fault->text);
    return false;
}

/* Whether our neighbours reach what we have bound, as at a start. */
static bool is_reachable(struct gateway *gateway, const struct candidate *candidate)
{
    const struct topology_node *self = candidate->self;
    struct fault fault;
    return candidate->peer_count == 0 ||
           reach_is_said(&self->bus, &self->bus_at, "bus_at", &fault) ||
           blame(gateway, self->bus.line, &fault);
}

/* Whether the files of TLS are good: what is taken afterwards cannot fail. */
static bool is_certified(struct gateway *gateway, const struct candidate *candidate)
{
    struct fault fault;
    bool is_good = clients_read_tls(gateway->clients, candidate->self, &fault);
    if (fault.text[0] != '\0')
        blame(gateway, candidate->self->clients_tls.line, &fault);
    return is_good;
}

static bool is_heard(struct gateway *gateway, const struct candidate *candidate)
{
    uint32_t line;
    struct fault fault;
    return clients_read_addresses(gateway->clients, candidate->self, &line, &fault) ||
           blame(gateway, line, &fault);
}

static bool has_room(struct gateway *gateway, const struct candidate *candidate)
{
    struct fault fault;
    struct clients_options options = gateway_clients_options(
        gateway, candidate->topology, &candidate->limits, candidate->peer_count);
    return clients_have_room(gateway->clients, &options, &fault) ||
           blame(gateway, candidate->self->line, &fault);
}

static bool are_places_there(struct gateway *gateway, const struct candidate *candidate)
{
    const struct topology_places *first = candidate->topology->places;
    struct fault fault;
    struct auth_ends ends = {.own = gateway->keys.own, .theirs = first->public_keys};
    bool good =
        places_clients_read(&gateway->places, candidate->topology,
                            gateway->keys.has_keys ? &ends : NULL, gateway_now_ms(gateway), &fault);
    explicit_bzero(&ends, sizeof ends);
    return good || blame(gateway, first->line, &fault);
}

static bool is_logged(struct gateway *gateway, const struct candidate *candidate)
{
    struct fault fault;
    return node_log_read(gateway->log, gateway->options, &candidate->limits, &fault) ||
           blame(gateway, candidate->self->line, &fault);
}

static bool is_watched(struct gateway *gateway, const struct candidate *candidate)
{
    struct fault fault;
    return node_monitor_read(&gateway->monitor, &fault) ||
           blame(gateway, candidate->self->monitor.at.line, &fault);
}

static bool has_good_rules(struct candidate *candidate)
{
    return access_load_own(candidate->topology->access, &candidate->rules);
}

/* What was opened for it in vain is closed. */
static void leave(struct gateway *gateway, struct candidate *candidate)
{
    free(candidate->peers);
    clients_leave_addresses(gateway->clients);
    places_clients_leave(&gateway->places);
    log_leave(gateway->log);
}

static bool may_be_taken(struct gateway *gateway, struct candidate *candidate,
                         const struct topology_changes *changes)
{
    if (changes->counts[TOPOLOGY_CHANGE_REFUSED] > 0) {
        note_refused(gateway, changes);
        return refuse(gateway, "has what a running node cannot change");
    }
    if (!is_reachable(gateway, candidate) || !is_heard(gateway, candidate) ||
        !is_certified(gateway, candidate) || !is_watched(gateway, candidate) ||
        !has_room(gateway, candidate) || !are_places_there(gateway, candidate) ||
        !is_logged(gateway, candidate))
        return refuse(gateway, "cannot be had");
    return has_good_rules(candidate) ||
           refuse(gateway, "has access rules that are not good, standard error says why");
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
    struct candidate candidate = {.topology = topology};
    topology_changes_list(gateway->options->topology, topology, TOPOLOGY_ASKER_NODE,
                          gateway->self->name, &changes);
    int node = topology_find(topology, gateway->self->name);
    if (node >= 0) {
        candidate.self = &topology->nodes[node];
        candidate.limits = gateway_limits(gateway->options, topology, (uint32_t)node);
        candidate.peers =
            list_peers(topology, (uint32_t)node, &candidate.peer_count, &candidate.neighbour_count);
    }
    if (!may_be_taken(gateway, &candidate, &changes)) {
        leave(gateway, &candidate);
        return false;
    }
    note_changes(gateway, &changes);
    take(gateway, &candidate);
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
