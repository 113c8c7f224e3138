/* A node's status as JSON (gateway/text/node_figures.h). */
#include "gateway/text/node_figures.h"
#include "topology/format/status_json.h"

#define count status_json_count
#define flag  status_json_flag

static void text(struct status_json *json, const char *key, const char *value)
{
    status_json_text(json, key, span_of(value));
}

static void text_or_null(struct status_json *json, const char *key, const char *value)
{
    status_json_text_or_null(json, key, span_of(value));
}

static void put_links(struct status_json *json, const struct operate_status *status)
{
    status_json_array(json, "links");
    for (uint32_t i = 0; i < status->link_count; i++) {
        status_json_object(json, NULL);
        status_json_text(json, "peer", status->links[i].name);
        flag(json, "observer", status->links[i].is_observer);
        status_json_link(json, &status->links[i]);
        status_json_close(json);
    }
    status_json_close(json);
}

static void put_places(struct status_json *json, const struct operate_status *status)
{
    status_json_array(json, "places");
    for (uint32_t i = 0; i < status->broker_count; i++) {
        const struct operate_broker *broker = &status->brokers[i];
        status_json_object(json, NULL);
        status_json_text(json, "endpoint", broker->endpoint);
        flag(json, "up", broker->up);
        if (broker->speaks)
            status_json_broker(json, broker);
        status_json_close(json);
    }
    status_json_close(json);
}

static void put_limits(struct status_json *json, const struct node_figures *figures)
{
    static const char *const names[CLIENT_LIMITS_RESOURCES] = {
        [CLIENT_LIMITS_CONNECTIONS] = "connections",
        [CLIENT_LIMITS_LINES] = "unfinished_line_bytes",
        [CLIENT_LIMITS_REPLIES] = "unread_reply_bytes",
        [CLIENT_LIMITS_LOOKUPS] = "lookups",
    };
    status_json_object(json, "limits");
    for (int i = 0; i < CLIENT_LIMITS_RESOURCES; i++) {
        status_json_object(json, names[i]);
        count(json, "used", figures->limits[i].used);
        count(json, "max", figures->limits[i].max);
        status_json_close(json);
    }
    status_json_close(json);
}

/* What the file says of the node and of its herd, but for keys and the token, of which it says only
 * whether there are any. */
static void put_configuration(struct status_json *json, const struct node_figures *figures)
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
    status_json_object(json, "configuration");
    text(json, "clients", self->clients.text);
    text_or_null(json, "clients_tls", self->clients_tls.text);
    text(json, "bus", self->bus.text);
    text(json, "bus_at", self->bus_at.text);
    text_or_null(json, "monitor", self->monitor.at.text);
    flag(json, "monitor_token", self->monitor.token_file[0] != '\0');
    flag(json, "keys", topology->keys[0] != '\0');
    flag(json, "insecure", topology->insecure);
    count(json, "max_id_bytes", (uint64_t)topology->max_id_bytes);
    status_json_count_or_null(json, "expire_ms", (uint64_t)topology->expire_ms);
    flag(json, "forget", topology->forget);
    flag(json, "nearby", topology->nearby);
    flag(json, "watch", topology->watch);
    text(json, "journal", journals[topology->journal]);
    text(json, "answers_after", answers[topology->answers_after]);
    count(json, "nodes", topology->node_count);
    count(json, "links", topology->link_count);
    status_json_close(json);
}

static void put_counters(struct status_json *json, const struct node_figures *figures)
{
    const struct link_counters *bus = &figures->bus;
    status_json_object(json, "counters");
    count(json, "watch", figures->said.watches);
    count(json, "forget", figures->said.forgets);
    count(json, "unpromised", figures->reasons.refusals[REFUSAL_UNPROMISED]);
    count(json, "connections", figures->connections.accepted);
    count(json, "connections_refused",
          figures->connections.full + figures->connections.address_full);
    count(json, "new_clients_refused", figures->addresses.new_ids_refused);
    count(json, "locations_sent", bus->locations_sent);
    count(json, "locations_received", bus->locations_received);
    count(json, "locations_news", bus->locations_news);
    count(json, "digest_faults", bus->digest_faults);
    count(json, "malformed", bus->messages_malformed);
    count(json, "strangers", figures->strangers);
    count(json, "keys_refused", figures->keys_refused);
    count(json, "clock_steps", bus->clock_steps);
    count(json, "log_bytes_lost", figures->log_bytes_lost);
    status_json_close(json);
}

void node_write_status(const struct node_figures *figures, struct buffer *out)
{
    const struct operate_status *status = figures->status;
    struct status_json all = status_json_begin(out), *json = &all;
    size_t up = 0;
    for (size_t i = 0; i < figures->neighbours && i < figures->link_count; i++)
        up += figures->links[i].up;
    text(json, "herd", figures->topology->herd);
    text(json, "name", figures->self->name);
    text(json, "phase", phases_name(figures->phase));
    flag(json, "ready", node_why_not_ready(figures->phase, figures->neighbours, up) == NULL);
    text_or_null(json, "commit", figures->commit);
    status_json_hex(json, "incarnation", figures->incarnation);
    status_json_node(json, status);
    count(json, "neighbours", figures->neighbours);
    count(json, "neighbours_up", up);
    flag(json, "reload_failed", figures->reload_failed != 0);
    put_counters(json, figures);
    put_limits(json, figures);
    put_configuration(json, figures);
    put_links(json, status);
    put_places(json, status);
    status_json_end(json);
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
