/* A node's status as JSON (gateway/text/node_figures.h). */
#include "gateway/text/node_figures.h"
#include "topology/format/status_json.h"

#define put   status_json_put
#define count status_json_count

static json_t *text_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

static json_t *links_of(const struct operate_status *status)
{
    json_t *links = json_array();
    for (uint32_t i = 0; i < status->link_count; i++) {
        json_t *link = json_object();
        put(link, "peer", status_json_text(status->links[i].name));
        put(link, "observer", json_boolean(status->links[i].is_observer));
        status_json_link(link, &status->links[i]);
        status_json_push(links, link);
    }
    return links;
}

static json_t *places_of(const struct operate_status *status)
{
    json_t *all = json_array();
    for (uint32_t i = 0; i < status->broker_count; i++) {
        const struct operate_broker *broker = &status->brokers[i];
        json_t *places = json_object();
        put(places, "endpoint", status_json_text(broker->endpoint));
        put(places, "up", json_boolean(broker->up));
        if (broker->speaks)
            status_json_broker(places, broker);
        status_json_push(all, places);
    }
    return all;
}

static json_t *limits_of(const struct node_figures *figures)
{
    static const char *const names[CLIENT_LIMITS_RESOURCES] = {
        [CLIENT_LIMITS_CONNECTIONS] = "connections",
        [CLIENT_LIMITS_LINES] = "unfinished_line_bytes",
        [CLIENT_LIMITS_REPLIES] = "unread_reply_bytes",
        [CLIENT_LIMITS_LOOKUPS] = "lookups",
    };
    json_t *limits = json_object();
    for (int i = 0; i < CLIENT_LIMITS_RESOURCES; i++) {
        json_t *limit = json_object();
        put(limit, "used", count(figures->limits[i].used));
        put(limit, "max", count(figures->limits[i].max));
        put(limits, names[i], limit);
    }
    return limits;
}

/* What the file says of the node and of its herd, but for keys and the token, of which it says only
 * whether there are any. */
static json_t *configuration_of(const struct node_figures *figures)
{
    static const char *const journals[] = {[TOPOLOGY_JOURNAL_OFF] = "off",
                                           [TOPOLOGY_JOURNAL_EVERYSEC] = "everysec",
                                           [TOPOLOGY_JOURNAL_ALWAYS] = "always"};
    static const char *const answers[] = {[TOPOLOGY_ANSWERS_MEMORY] = "memory",
                                          [TOPOLOGY_ANSWERS_NEIGHBOUR] = "neighbour",
                                          [TOPOLOGY_ANSWERS_DISK] = "disk",
                                          [TOPOLOGY_ANSWERS_BOTH] = "both"};
    const struct topology *topology = figures->topology;
    const struct topology_node *self = figures->self;
    json_t *all = json_object();
    put(all, "clients", json_string(self->clients.text));
    put(all, "clients_tls", text_or_null(self->clients_tls.text));
    put(all, "bus", json_string(self->bus.text));
    put(all, "bus_at", json_string(self->bus_at.text));
    put(all, "monitor", text_or_null(self->monitor.at.text));
    put(all, "monitor_token", json_boolean(self->monitor.token_file[0] != '\0'));
    put(all, "keys", json_boolean(topology->keys[0] != '\0'));
    put(all, "insecure", json_boolean(topology->insecure));
    put(all, "max_id_bytes", count((uint64_t)topology->max_id_bytes));
    put(all, "expire_ms",
        topology->expire_ms > 0 ? count((uint64_t)topology->expire_ms) : json_null());
    put(all, "forget", json_boolean(topology->forget));
    put(all, "nearby", json_boolean(topology->nearby));
    put(all, "watch", json_boolean(topology->watch));
    put(all, "journal", json_string(journals[topology->journal]));
    put(all, "answers_after", json_string(answers[topology->answers_after]));
    put(all, "nodes", count(topology->node_count));
    put(all, "links", count(topology->link_count));
    return all;
}

static json_t *counters_of(const struct node_figures *figures)
{
    const struct link_counters *bus = &figures->bus;
    json_t *all = json_object();
    put(all, "watch", count(figures->said.watches));
    put(all, "forget", count(figures->said.forgets));
    put(all, "unpromised", count(figures->reasons.refusals[REFUSAL_UNPROMISED]));
    put(all, "connections", count(figures->connections.accepted));
    put(all, "connections_refused",
        count(figures->connections.full + figures->connections.address_full));
    put(all, "new_clients_refused", count(figures->addresses.new_ids_refused));
    put(all, "locations_sent", count(bus->locations_sent));
    put(all, "locations_received", count(bus->locations_received));
    put(all, "locations_news", count(bus->locations_news));
    put(all, "digest_faults", count(bus->digest_faults));
    put(all, "malformed", count(bus->messages_malformed));
    put(all, "strangers", count(figures->strangers));
    put(all, "keys_refused", count(figures->keys_refused));
    put(all, "clock_steps", count(bus->clock_steps));
    put(all, "log_bytes_lost", count(figures->log_bytes_lost));
    return all;
}

void node_write_status(const struct node_figures *figures, struct buffer *out)
{
    const struct operate_status *status = figures->status;
    json_t *whole = json_object();
    size_t up = 0;
    for (size_t i = 0; i < figures->neighbours && i < figures->link_count; i++)
        up += figures->links[i].up;
    put(whole, "herd", json_string(figures->topology->herd));
    put(whole, "name", json_string(figures->self->name));
    put(whole, "phase", json_string(phases_name(figures->phase)));
    put(whole, "ready",
        json_boolean(node_why_not_ready(figures->phase, figures->neighbours, up) == NULL));
    put(whole, "commit", text_or_null(figures->commit));
    put(whole, "incarnation", status_json_hex(figures->incarnation));
    status_json_node(whole, status);
    put(whole, "neighbours", count(figures->neighbours));
    put(whole, "neighbours_up", count(up));
    put(whole, "reload_failed", json_boolean(figures->reload_failed != 0));
    put(whole, "counters", counters_of(figures));
    put(whole, "limits", limits_of(figures));
    put(whole, "configuration", configuration_of(figures));
    put(whole, "links", links_of(status));
    put(whole, "places", places_of(status));
    status_json_write(whole, out);
}

const char *node_why_not_ready(enum phase phase, size_t neighbours, size_t up)
{
    static const char *const whys[] = {
        [PHASE_CLOSED] = "it starts", [PHASE_OPEN] = "it learns what its neighbours know",
        [PHASE_READY] = NULL,         [PHASE_DRAINS] = "it drains, and serves until it stops",
        [PHASE_STOPS] = "it stops",   [PHASE_OVER] = "it stops",
    };
    if (whys[phase] == NULL && neighbours > 0 && up == 0)
        return "no link to a neighbour is up";
    return whys[phase];
}
