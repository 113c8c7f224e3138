#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "bus/net/entropy.h"
#include "gateway/node/clock.h"
#include "gateway/node/gateway_state.h"
#include "gateway/node/import.h"
#include "gateway/node/monitor.h"
#include "gateway/node/node_keys.h"
#include "gateway/node/node_log.h"
#include "gateway/text/command.h"
#include "topology/format/memory_share.h"
#include "topology/memory_limits.h"
#include "topology/notify.h"
#include "topology/process_figures.h"
#include "topology/reach.h"
#include "topology/say.h"
#include "topology/signals.h"

#define SECOND_MS 1000
/* How long the bus may take to hand over its last messages. */
#define BUS_LINGER_MS 100
/* How long the last lines of the log may take after the last client: on a busy machine the log's
 * thread may wait a second for its turn, and a disk that is stuck must not hold a node for ever. */
#define LOG_CLOSE_MS 2000
/* The same of standard error, of which nobody counts the lines. */
#define SAY_CLOSE_MS 50
#define NS_PER_MS    1000000
/* From this size on, memory comes from the system and goes back to it: a table's index, which is
 * replaced as it grows, then leaves no gap, and its zeros cost nothing in advance. Left to
 * itself, malloc would raise the limit with the first index it is given back (mallopt(3)). */
#define LARGE_BYTES (1024 * 1024)

/* Of the log, which wait to be written: what a turn adds fits, so they need no memory later. */
#define LINES_BYTES (4 * 1024 * 1024)

void gateway_note_events(struct gateway *gateway)
{
    struct link_event event;
    while (flood_next_event(gateway->flood, &event)) {
        if (event.kind == LINK_DOWN)
            gateway->node.reasons.partings[reasons_of_link(event.reason)]++;
        bool is_of_peer = event.peer < gateway->peer_count;
        gateway->is_in_vain &= event.kind != LINK_UP || event.peer >= gateway->neighbour_count;
        status_log_event(&gateway->lines, gateway->log,
                         is_of_peer ? gateway->peers[event.peer]->name : "",
                         event.peer < gateway->neighbour_count, &event);
    }
}

/* ---- the clock ---- */

/* The wall as it is from now on, for all that go by it. */
static void look_at_clock(struct gateway *gateway)
{
    int64_t now = gateway_now_ms(gateway), jump_ns = clock_look();
    if (jump_ns != 0)
        status_log_jump(&gateway->lines, jump_ns);
    flood_set_clock(gateway->flood, now, clock_wall_ns(now));
}

/* ---- from one phase to the next ---- */

static size_t count_heard(const struct gateway *gateway)
{
    size_t heard = 0;
    for (size_t i = 0; i < gateway->neighbour_count; i++)
        heard += flood_link(gateway->flood, i).their_incarnation != 0;
    return heard;
}

/* As far as it matters in this phase: a node that is ready looks at nothing. */
static struct phases_seen see(const struct gateway *gateway)
{
    const struct requests *requests = gateway->places.requests;
    struct phases_seen seen = {.neighbours = gateway->neighbour_count};
    if (gateway->phases.phase == PHASE_CLOSED) {
        seen.heard = count_heard(gateway);
    } else if (gateway->phases.phase == PHASE_OPEN) {
        seen.ready_ms = flood_ready_ms(gateway->flood, gateway->phases.start_ms,
                                       gateway->options->ready_within_ms);
    } else if (gateway->phases.phase == PHASE_STOPS) {
        seen.connections = clients_connections(gateway->clients);
        seen.lookups = requests != NULL ? requests_in_flight(requests) : 0;
        seen.is_told = flood_is_over(gateway->flood);
    }
    return seen;
}

static void tell_state(const struct gateway *gateway)
{
    status_log_state(gateway->phases.phase, gateway->self, gateway->flood,
                     gateway->neighbour_count);
}

static void enter_phase(struct gateway *gateway)
{
    switch (gateway->phases.phase) {
    case PHASE_OPEN:
        look_at_clock(gateway); /* the flood reckons now with what it has heard */
        clients_let_in(gateway->clients);
        break;
    case PHASE_READY:
        gateway->node.awaits_ready = false;
        clients_go_on(gateway->clients);
        status_log_ready(&gateway->lines, gateway->log);
        notify_ready(NULL);
        break;
    case PHASE_DRAINS:
        gateway_note(gateway, "drain", "serves for %" PRId64 " s more, and then stops",
                     gateway->phases.drain_ms / SECOND_MS);
        break;
    case PHASE_STOPS:
        flood_say_goodbye(gateway->flood);
        clients_stop(gateway->clients);
        break;
    case PHASE_OVER:
        uv_stop(&gateway->loop);
        break;
    case PHASE_CLOSED:
        break;
    }
    tell_state(gateway);
}

static void turn_phases(struct gateway *gateway)
{
    struct phases_seen seen;
    while (seen = see(gateway), phases_turn(&gateway->phases, &seen, gateway_now_ms(gateway)))
        enter_phase(gateway);
}

static int64_t phases_due_ms(const struct gateway *gateway)
{
    struct phases_seen seen = see(gateway);
    return phases_deadline_ms(&gateway->phases, &seen);
}

/* ---- the end of a turn ---- */

/* An answer may take away what the bus's descriptor would tell of: the bus is looked at again. */
static void turn_operators(struct gateway *gateway, int64_t now)
{
    struct bus_request request;
    struct span id, reply;
    while (bus_next_request(gateway->bus, &request))
        operators_receive(gateway->operators, request.id, request.name, request.message, now);
    if (operators_are_busy(gateway->operators))
        operators_work(gateway->operators, clock_wall_ns(now), now);
    while (operators_next_reply(gateway->operators, &id, &reply)) {
        bus_answer(gateway->bus, id, reply);
        gateway->bus_waits = true;
    }
    status_log_operators(&gateway->lines, gateway->operators);
}

static void turn_bus(struct gateway *gateway)
{
    int64_t now = gateway_now_ms(gateway);
    if (gateway->watch_waits)
        gateway->watch_waits = bus_watch(gateway->bus);
    if (!gateway->bus_waits && !gateway->coalesces && !operators_are_busy(gateway->operators) &&
        !flood_is_due(gateway->flood, now) && now < bus_deadline_ms(gateway->bus))
        return;
    if (gateway->bus_waits)
        gateway->bus_waits = bus_receive(gateway->bus, gateway->flood, now);
    turn_operators(gateway, now);
    gateway->coalesces = flood_coalesces(gateway->flood, now);
    if (!gateway->coalesces)
        bus_send(gateway->bus, gateway->flood, now);
    gateway_note_events(gateway);
}

static void end_turn(struct gateway *gateway);

static void on_deadline(uv_timer_t *timer)
{
    struct gateway *gateway = timer->data;
    gateway->armed_ms = 0;
    end_turn(gateway);
}

static void on_again(uv_idle_t *idle)
{
    /* The loop does not sleep while this handle is active; that is all it is for. */
    (void)idle;
}

/* Sees to it that the loop wakes when something is due, and at once when something waits. */
static void arm(struct gateway *gateway)
{
    int64_t due_ms = INT64_MAX;
    bool again = gateway->bus_waits || gateway->watch_waits || gateway->places.wait ||
                 gateway->coalesces || bus_sends_on(gateway->bus) ||
                 clients_wait(gateway->clients) || operators_are_busy(gateway->operators);
    int64_t now = gateway_now_ms(gateway);
    const int64_t dues_ms[] = {flood_deadline_ms(gateway->flood),
                               bus_deadline_ms(gateway->bus),
                               places_clients_deadline_ms(&gateway->places),
                               clients_deadline_ms(gateway->clients),
                               node_journal_deadline_ms(&gateway->journal),
                               node_monitor_deadline_ms(&gateway->monitor, now),
                               phases_due_ms(gateway),
                               notify_alive(now)};
    for (size_t i = 0; i < sizeof dues_ms / sizeof *dues_ms; i++)
        due_ms = dues_ms[i] < due_ms ? dues_ms[i] : due_ms;
    if (due_ms != gateway->armed_ms) {
        uint64_t wait_ms = due_ms <= now ? 1 : (uint64_t)(due_ms - now);
        uv_timer_start(&gateway->deadline, on_deadline, wait_ms, 0);
        gateway->armed_ms = due_ms;
    }
    if (again != (uv_is_active((uv_handle_t *)&gateway->again) != 0)) {
        if (again)
            uv_idle_start(&gateway->again, on_again);
        else
            uv_idle_stop(&gateway->again);
    }
}

/* What an answer waits for. */
static void turn_promises(struct gateway *gateway)
{
    if (flood_holds_in_vain(gateway->flood) && !gateway->is_in_vain) {
        gateway->is_in_vain = true;
        gateway_note(gateway, "fault",
                     "answers wait for a neighbour, and no link is up: each is `? ` after %d s",
                     PROMISES_PATIENCE_MS / SECOND_MS);
    }
    clients_settle(gateway->clients);
}

static void end_turn(struct gateway *gateway)
{
    clients_turn(gateway->clients);
    places_clients_turn(&gateway->places, gateway->clients, gateway_now_ms(gateway));
    turn_bus(gateway);
    node_monitor_turn(&gateway->monitor, gateway->flood, gateway_now_ms(gateway));
    node_journal_turn(&gateway->journal, gateway_now_ms(gateway));
    turn_promises(gateway);
    clients_tell(gateway->clients);
    turn_phases(gateway);
    log_write(gateway->log, &gateway->lines.lines);
    if (gateway->phases.phase != PHASE_OVER)
        arm(gateway);
}

static void on_turn_end(uv_check_t *check)
{
    end_turn(check->data);
}

/* ---- what wakes the loop ---- */

static void on_bus(uv_poll_t *poll, int status, int events)
{
    struct gateway *gateway = poll->data;
    (void)status;
    (void)events;
    gateway->bus_waits = true;
}

static void on_watch(uv_poll_t *poll, int status, int events)
{
    struct gateway *gateway = poll->data;
    (void)status;
    (void)events;
    gateway->watch_waits = true;
}

static void on_lookups(uv_poll_t *poll, int status, int events)
{
    struct gateway *gateway = poll->data;
    (void)status;
    (void)events;
    gateway->places.wait = gateway->places.fired = true;
}

static struct status_log_node describe(const struct gateway *gateway)
{
    return (struct status_log_node){.options = gateway->options,
                                    .self = gateway->self,
                                    .incarnation = gateway->incarnation,
                                    .has_keys = gateway->keys.has_keys,
                                    .links = gateway->peer_count,
                                    .limits = &gateway->limits,
                                    .flood = gateway->flood,
                                    .bus = gateway->bus,
                                    .clients = gateway->clients,
                                    .count = &gateway->node.count,
                                    .reasons = &gateway->node.reasons,
                                    .watchers = gateway->node.watchers,
                                    .log = gateway->log,
                                    .places = &gateway->places,
                                    .operators = gateway->operators,
                                    .journal = &gateway->journal,
                                    .lines = &gateway->lines,
                                    .phases = &gateway->phases,
                                    .neighbours = gateway->neighbour_count,
                                    .start_ms = gateway->phases.start_ms,
                                    .topology = gateway->fingerprint};
}

static void on_second(uv_timer_t *timer)
{
    struct gateway *gateway = timer->data;
    struct status_log_node node = describe(gateway);
    look_at_clock(gateway);
    status_log_figures(gateway->operators, &node, gateway_now_ms(gateway));
    clients_second(gateway->clients);
    status_log_table(&gateway->lines, gateway->flood, &gateway->table_seen);
    status_log_strangers(&gateway->lines, gateway->bus, gateway->keys.read_ns);
    status_log_newcomers(&gateway->lines, gateway->bus);
    status_log_troubles(&gateway->lines, gateway->bus, gateway->peers);
    status_log_drops(&gateway->lines, &node, &gateway->dropped);
    node_access_second(&gateway->access, gateway->clients, &gateway->node, gateway_now_ms(gateway));
    node_keys_log(&gateway->keys, gateway->bus, &gateway->lines, clock_realtime_ns());
    places_clients_second(&gateway->places, &gateway->lines, clock_realtime_ns(),
                          gateway_now_ms(gateway));
    node_journal_second(&gateway->journal, &gateway->lines, clock_realtime_ns(),
                        gateway_now_ms(gateway));
    node_log_second(gateway->log, &gateway->lines, clock_realtime_ns());
    tell_state(gateway);
}

/* RELOADING ends with READY, which a manager must not hear before the node is ready. */
static void read_again(struct gateway *gateway)
{
    bool is_told = gateway->phases.phase == PHASE_READY;
    if (is_told)
        notify_reloading();
    bool was_taken = gateway_read_again(gateway);
    node_monitor_reload(&gateway->monitor, was_taken);
    if (is_told)
        notify_ready(NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct gateway *gateway = handle->data;
    if (number == SIGHUP || number == SIGUSR1) {
        signals_reopen();
        log_reopen(gateway->log);
        if (number == SIGHUP)
            read_again(gateway);
    } else if (phases_end(&gateway->phases, gateway_now_ms(gateway))) {
        notify_stopping();
        enter_phase(gateway);
    }
}

/* ---- start and stop ---- */

static void make_flood(struct gateway *gateway)
{
    struct span node = span_of(gateway->self->name);
    gateway->incarnation = entropy_number() | 1; /* never 0 */
    gateway->flood = gateway_make_flood(gateway->options, &gateway->limits, gateway->peers,
                                        gateway->peer_count, gateway->incarnation);
    gateway->operators = operators_new(gateway->flood, node, gateway->incarnation);
    gateway->fingerprint = topology_fingerprint(gateway->options->topology);
    gateway_name_nodes(gateway->operators, gateway->options->topology, gateway->fingerprint);
}

static bool complain(const struct fault *fault)
{
    say("%s", fault->text);
    return false;
}

/* Says in which line of the topology stands what cannot be had. */
static bool complain_at(const struct gateway *gateway, const struct topology_endpoint *endpoint,
                        const struct fault *fault)
{
    say("%s:%" PRIu32 ": %s", gateway->options->topology_file, endpoint->line, fault->text);
    return false;
}

static bool open_journal(struct gateway *gateway)
{
    struct fault fault;
    return node_journal_open(&gateway->journal, &gateway->loop, gateway->options, gateway->flood,
                             &gateway->lines, &fault) ||
           complain(&fault);
}

static bool import_positions(struct gateway *gateway)
{
    struct fault fault;
    return import_file(gateway->options, gateway->flood, &gateway->lines, &fault) ||
           complain(&fault);
}

static bool open_keys(struct gateway *gateway)
{
    struct fault fault;
    return node_keys_open(&gateway->keys, gateway->options->topology, &fault) || complain(&fault);
}

static bool open_bus(struct gateway *gateway)
{
    struct fault fault;
    struct bus_keys keys;
    const struct topology_node *self = gateway->self;
    if (gateway->peer_count > 0 && !reach_is_said(&self->bus, &self->bus_at, "bus_at", &fault))
        return complain_at(gateway, &self->bus, &fault);
    struct bus_peer *peers = gateway_bus_peers(gateway);
    struct bus_operator each[TOPOLOGY_OPERATORS_MAX];
    struct bus_operators operators = node_keys_operators(gateway->options->topology, each);
    struct bus_options options = {.name = gateway->self->name,
                                  .endpoint = gateway->self->bus.text,
                                  .peers = peers,
                                  .peer_count = gateway->peer_count,
                                  .operators = &operators,
                                  .keys = node_keys_of_bus(&gateway->keys, &keys)};
    gateway->bus = bus_open(&options, &fault);
    explicit_bzero(&keys, sizeof keys);
    free(peers);
    return gateway->bus != NULL || complain_at(gateway, &gateway->self->bus, &fault);
}

static bool open_places(struct gateway *gateway)
{
    struct fault fault;
    struct auth_ends ends;
    const struct auth_ends *keys = node_keys_of_places(&gateway->keys, &ends);
    bool good = places_clients_open(&gateway->places, gateway->options->topology, entropy_number(),
                                    keys, gateway_now_ms(gateway), &fault);
    explicit_bzero(&ends, sizeof ends);
    return good || complain(&fault);
}

static bool open_log(struct gateway *gateway)
{
    struct fault fault;
    buffer_reserve(&gateway->lines.lines, LINES_BYTES - 1);
    gateway->log = node_log_open(gateway->options, &gateway->limits, &gateway->lines, &fault);
    return gateway->log != NULL || complain(&fault);
}

static bool open_clients(struct gateway *gateway)
{
    struct fault fault;
    const struct topology *topology = gateway->options->topology;
    if (!node_access_open(&gateway->access, topology))
        return false;
    gateway->node = (struct session_node){
        .flood = gateway->flood,
        .requests = gateway->places.count > 0 ? gateway->places.requests : NULL,
        .watchers = gateway_make_watchers(gateway->options, &gateway->limits, gateway->flood),
        .access = gateway->access.rules,
        .log = &gateway->lines,
        .has_web = topology_has_web(topology, gateway->options->node),
        .awaits_ready = true,
        .holds_replies = topology->answers_after != TOPOLOGY_ANSWERS_MEMORY,
        .id_bytes_max = (size_t)topology->max_id_bytes};
    node_log_commands(&gateway->limits, &gateway->node);
    gateway_set_options(gateway);
    struct clients_options options =
        gateway_clients_options(gateway, topology, &gateway->limits, gateway->peer_count);
    entropy_draw(options.shares.hash_key, sizeof options.shares.hash_key);
    gateway->clients = clients_open(&gateway->loop, &options, &gateway->node, gateway->log, &fault);
    if (gateway->clients == NULL)
        return complain_at(gateway, &gateway->self->clients, &fault);
    return clients_open_tls(gateway->clients, &options, &fault) ||
           complain_at(gateway, &gateway->self->clients_tls, &fault);
}

static bool open_monitor(struct gateway *gateway)
{
    struct fault fault;
    return node_monitor_open(&gateway->monitor, &gateway->loop, gateway, describe, &fault) ||
           complain_at(gateway, &gateway->self->monitor.at, &fault);
}

static void start_handles(struct gateway *gateway)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    uv_loop_t *loop = &gateway->loop;
    uv_poll_init(loop, &gateway->bus_poll, bus_descriptor(gateway->bus));
    gateway->bus_poll.data = gateway;
    uv_poll_start(&gateway->bus_poll, UV_READABLE, on_bus);
    uv_poll_init(loop, &gateway->watch_poll, bus_watch_descriptor(gateway->bus));
    gateway->watch_poll.data = gateway;
    uv_poll_start(&gateway->watch_poll, UV_READABLE, on_watch);
    uv_poll_init(loop, &gateway->places_poll, places_clients_descriptor(&gateway->places));
    gateway->places_poll.data = gateway;
    uv_poll_start(&gateway->places_poll, UV_READABLE, on_lookups);
    uv_timer_init(loop, &gateway->deadline);
    gateway->deadline.data = gateway;
    uv_timer_init(loop, &gateway->second);
    gateway->second.data = gateway;
    uv_timer_start(&gateway->second, on_second, SECOND_MS, SECOND_MS);
    uv_idle_init(loop, &gateway->again);
    uv_check_init(loop, &gateway->turn_end);
    gateway->turn_end.data = gateway;
    uv_check_start(&gateway->turn_end, on_turn_end);
    for (int i = 0; i < SIGNALS; i++) {
        uv_signal_init(loop, &gateway->signals[i]);
        gateway->signals[i].data = gateway;
        uv_signal_start(&gateway->signals[i], on_signal, numbers[i]);
    }
    signals_release();
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void close_loop(struct gateway *gateway)
{
    if (gateway->clients != NULL)
        clients_close(gateway->clients);
    uv_walk(&gateway->loop, close_handle, NULL);
    uv_run(&gateway->loop, UV_RUN_DEFAULT);
    uv_loop_close(&gateway->loop);
}

/* One deadline for all that waits for the log: clients that went early leave it more time. */
static int64_t log_wait_ms(const struct gateway *gateway)
{
    int64_t now = clock_now_ms(uv_hrtime() / NS_PER_MS);
    int64_t until = (phases_ends(&gateway->phases) ? gateway->phases.until_ms : now) + LOG_CLOSE_MS;
    return until > now ? until - now : 0;
}

/* What is lost until now is part of the last line. */
static void log_stop(struct gateway *gateway)
{
    struct status_log_node node = describe(gateway);
    logline_second(&gateway->lines, clock_realtime_ns());
    log_write(gateway->log, &gateway->lines.lines);
    log_settle(gateway->log, log_wait_ms(gateway));
    status_log_stop(&gateway->lines, &node);
    log_write(gateway->log, &gateway->lines.lines);
}

/* What was not opened is NULL. The log first: all its lines are there, and its time runs. */
static void close_all(struct gateway *gateway)
{
    log_close(&gateway->log, log_wait_ms(gateway));
    say_settle(SAY_CLOSE_MS);
    node_monitor_close(&gateway->monitor);
    clients_free(&gateway->clients);
    node_access_close(&gateway->access);
    watchers_destroy(&gateway->node.watchers);
    places_clients_close(&gateway->places);
    bus_close(&gateway->bus, BUS_LINGER_MS);
    node_keys_close(&gateway->keys);
    operators_destroy(&gateway->operators);
    flood_destroy(&gateway->flood);
    logline_free(&gateway->lines);
    free(gateway->peers);
    gateway_forget_file(gateway);
}

bool gateway_run(const struct gateway_options *options)
{
    struct gateway whole = {.now = *options,
                            .self = &options->topology->nodes[options->node],
                            .limits = gateway_limits(options, options->topology, options->node)};
    struct gateway *gateway = &whole;
    gateway->options = &gateway->now;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, 2 * LARGE_BYTES);
    /* Each thread of ZeroMQ would reserve 64 MiB of addresses for memory of its own. */
    if (memory_limits_read().address_space != UINT64_MAX)
        mallopt(M_ARENA_MAX, 1);
    if (uv_loop_init(&gateway->loop) != 0)
        abort();
    process_begin(&gateway->monitor.process);
    gateway->monitor.of = gateway->self->monitor;
    gateway_find_peers(gateway);
    gateway->keys = (struct node_keys){.file = options->topology_file,
                                       .node = gateway->self->name,
                                       .peers = gateway->peers,
                                       .peer_count = gateway->peer_count};
    make_flood(gateway);
    look_at_clock(gateway);
    bool started = open_log(gateway) && open_journal(gateway) && import_positions(gateway) &&
                   open_keys(gateway) && open_bus(gateway) && open_places(gateway) &&
                   open_clients(gateway) && open_monitor(gateway);
    if (started) {
        say_open();
        start_handles(gateway);
        struct status_log_node node = describe(gateway);
        status_log_start(&gateway->lines, &node);
        uv_update_time(&gateway->loop);
        gateway->phases =
            (struct phases){.start_ms = gateway_now_ms(gateway), .drain_ms = options->drain_ms};
        node = describe(gateway);
        status_log_figures(gateway->operators, &node, gateway_now_ms(gateway));
        end_turn(gateway);
        uv_run(&gateway->loop, UV_RUN_DEFAULT);
    }
    node_journal_close(&gateway->journal, &gateway->lines);
    close_loop(gateway);
    if (started)
        log_stop(gateway);
    close_all(gateway);
    return started;
}
