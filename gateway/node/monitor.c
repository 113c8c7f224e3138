#include "gateway/node/monitor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/growth.h"
#include "bus/operators.h"
#include "gateway/node/clock.h"
#include "gateway/node/node_journal.h"
#include "topology/process_figures.h"
#include "topology/version.h"

/* Before Linux 6.2 descriptors are counted by listing them, which for so many is quick enough. */
#define COUNTED_CONNECTIONS_MAX 512

/* ---- what is shown ---- */

static size_t count_up(const struct flood *flood, size_t neighbours)
{
    size_t up = 0;
    for (size_t i = 0; i < neighbours; i++)
        up += flood_link(flood, i).up;
    return up;
}

/* Of many connections each is one descriptor more. */
static void count_descriptors(struct node_monitor *self, size_t connections)
{
    struct process_figures *process = &self->process;
    if (connections <= COUNTED_CONNECTIONS_MAX || process->descriptors == 0)
        process_count_descriptors(process);
    else
        process->descriptors += connections - self->descriptors_at;
    self->descriptors_at = connections;
}

static void put_bus(struct node_figures *figures, const struct status_log_node *node)
{
    struct bus_guard guard = bus_guard(node->bus);
    figures->bus = *flood_count(node->flood);
    figures->strangers = bus_strangers(node->bus);
    figures->multiparts = bus_multiparts(node->bus);
    figures->requests_dropped = bus_requests_dropped(node->bus);
    figures->keys_refused = guard.refused.count;
    figures->impostors = guard.impostors;
    figures->operators = *operators_count(node->operators);
}

static void put_clients(struct node_figures *figures, const struct status_log_node *node)
{
    struct client_limits *limits = clients_limits(node->clients);
    const struct handshakes_counters *handshakes = clients_count_tls(node->clients);
    const struct session_counters *said = node->count;
    figures->said = *said;
    figures->reasons = *node->reasons;
    figures->commands_other = said->commands - said->iamats - said->whatsats - said->nearbys -
                              said->watches - said->forgets - said->auths;
    figures->replies = clients_replies(node->clients);
    figures->connections = *clients_count(node->clients);
    figures->connection_faults = clients_faults(node->clients);
    figures->addresses = *address_shares_count(client_limits_shares(limits));
    for (int i = 0; i < CLIENT_LIMITS_RESOURCES; i++) {
        struct client_limits_usage usage =
            client_limits_usage(limits, (enum client_limits_resource)i);
        figures->limits[i] = (struct node_limit){usage.used, usage.max};
    }
    figures->has_tls = handshakes != NULL;
    if (figures->has_tls)
        figures->handshakes = *handshakes;
    if (node->watchers != NULL)
        figures->watchers = watchers_count(node->watchers);
    if (node->places->requests != NULL)
        figures->requests = *requests_count(node->places->requests);
}

static void put_journal(struct node_figures *figures, const struct node_journal *journal)
{
    struct store_count count;
    figures->has_journal = journal->journal != NULL;
    if (!figures->has_journal)
        return;
    journal_read_count(journal->journal, &count);
    figures->journal_batches = count.batches;
    figures->journal_failed = count.failed;
    figures->segments_made = count.made;
    figures->segments_not_made = count.not_made;
    figures->segments_removed = count.removed;
    figures->segments_not_removed = count.not_removed;
    figures->syncs = count.sync;
}

static void put_monitor(struct node_figures *figures, const struct monitor_counters *count)
{
    for (int i = 0; i < MONITOR_ANSWERS; i++)
        *(i < MONITOR_UNKNOWN ? &figures->monitor_answers : &figures->monitor_refused) +=
            count->answers[i];
    figures->monitor_cut = count->cut;
}

static void gather(struct node_monitor *self, struct node_figures *figures)
{
    struct status_log_node node = self->describe(self->gateway);
    int64_t now_ms = clock_now_ms(uv_now(self->loop));
    size_t links = flood_links(node.flood);
    process_read(&self->process);
    count_descriptors(self, clients_connections(node.clients));
    self->links = bytes_resize(self->links, (links + 1) * sizeof *self->links);
    for (size_t i = 0; i < links; i++)
        self->links[i] = flood_link(node.flood, i);
    *figures = (struct node_figures){
        .topology = node.options->topology,
        .self = node.self,
        .phase = node.phases->phase,
        .incarnation = node.incarnation,
        .commit = version_commit,
        .process = self->process,
        .status = operators_status(node.operators, now_ms),
        .links = self->links,
        .link_count = links,
        .neighbours = node.neighbours,
        .delays = &self->delays,
        .log_bytes_lost = log_bytes_lost(node.log),
        .log_lines_refused = node.lines->refused_all,
        .reload_failed = self->reload_failed,
        .reloaded_ns = self->reloaded_ns,
    };
    put_bus(figures, &node);
    put_clients(figures, &node);
    put_journal(figures, node.journal);
    put_monitor(figures, monitor_count(self->monitor));
}

static void write_metrics(void *user, enum metrics_form form, struct buffer *page)
{
    struct node_figures figures;
    gather(user, &figures);
    node_write_metrics(&figures, form, page);
}

static void write_status(void *user, struct buffer *page)
{
    struct node_figures figures;
    gather(user, &figures);
    node_write_status(&figures, page);
}

static const char *why_not_ready(void *user)
{
    const struct node_monitor *self = user;
    struct status_log_node node = self->describe(self->gateway);
    return node_why_not_ready(node.phases->phase, node.neighbours,
                              count_up(node.flood, node.neighbours));
}

/* ---- on the loop ---- */

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct node_monitor *self = poll->data;
    (void)status, (void)events;
    monitor_run(self->monitor, clock_now_ms(uv_now(self->loop)));
}

static bool read_token(const struct topology_monitor *of, char bytes[MONITOR_TOKEN_FILE_BYTES_MAX],
                       struct span *token, struct fault *fault)
{
    *token = (struct span){"", 0};
    return of->token_file[0] == '\0' || monitor_token_read(of->token_file, bytes, token, fault) ||
           fault_set(fault, "monitor_token_file %s: %s", of->token_file, fault->text);
}

bool node_monitor_open(struct node_monitor *self, uv_loop_t *loop, const struct gateway *gateway,
                       node_monitor_describe *describe, struct fault *fault)
{
    const struct topology_monitor *of = &self->of;
    struct monitor_pages pages = {self, write_metrics, write_status, why_not_ready};
    char bytes[MONITOR_TOKEN_FILE_BYTES_MAX];
    struct span token;
    self->loop = loop;
    self->gateway = gateway;
    self->describe = describe;
    self->reloaded_ns = clock_realtime_ns();
    if (of->at.line == 0)
        return true;
    if (!read_token(of, bytes, &token, fault))
        return false;
    self->monitor = monitor_open(of->at.text, token, &pages, fault);
    explicit_bzero(bytes, sizeof bytes);
    if (self->monitor == NULL)
        return fault_set(fault, "cannot bind %s: %s", of->at.text, fault->text);
    uv_poll_init(loop, &self->poll, monitor_descriptor(self->monitor));
    self->poll.data = self;
    uv_poll_start(&self->poll, UV_READABLE, on_readable);
    return true;
}

size_t node_monitor_as_neighbours(const struct topology_monitor *of)
{
    return of->at.line == 0 ? 0 : MONITOR_DESCRIPTORS_MAX / CLIENT_LIMITS_NEIGHBOUR_DESCRIPTORS + 1;
}

static void take_arrivals(struct node_monitor *self, struct flood *flood, int64_t now_ms)
{
    struct flood_arrival arrival;
    if (!flood_next_arrival(flood, &arrival))
        return;
    int64_t herd_ns = flood_accept_ns(flood, clock_realtime_ns(), now_ms);
    do
        delays_take(&self->delays, &arrival, herd_ns);
    while (flood_next_arrival(flood, &arrival));
}

void node_monitor_turn(struct node_monitor *self, struct flood *flood, int64_t now_ms)
{
    if (self->monitor == NULL)
        return;
    take_arrivals(self, flood, now_ms);
    if (monitor_deadline_ms(self->monitor, now_ms) <= now_ms)
        monitor_run(self->monitor, now_ms);
}

int64_t node_monitor_deadline_ms(const struct node_monitor *self, int64_t now_ms)
{
    return self->monitor != NULL ? monitor_deadline_ms(self->monitor, now_ms) : INT64_MAX;
}

bool node_monitor_read(struct node_monitor *self, struct fault *fault)
{
    struct span token;
    explicit_bzero(self->read, sizeof self->read);
    if (self->monitor == NULL)
        return true;
    if (!read_token(&self->of, self->read, &token, fault))
        return false;
    self->read_token = token;
    return true;
}

void node_monitor_reload(struct node_monitor *self, bool was_taken)
{
    if (was_taken && self->monitor != NULL)
        monitor_set_token(self->monitor, self->read_token);
    explicit_bzero(self->read, sizeof self->read);
    self->reload_failed = !was_taken;
    if (was_taken)
        self->reloaded_ns = clock_realtime_ns();
}

void node_monitor_close(struct node_monitor *self)
{
    monitor_close(&self->monitor);
    free(self->links);
}
