#include "gateway/node/gateway.h"

#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <uv.h>

#include "bus/flood.h"
#include "bus/net/bus.h"
#include "gateway/node/brokers.h"
#include "gateway/node/clients.h"
#include "gateway/node/clock.h"
#include "gateway/node/log.h"
#include "gateway/node/node_keys.h"
#include "gateway/node/status_log.h"
#include "gateway/text/logline.h"
#include "gateway/text/session.h"
#include "topology/reach.h"
#include "topology/say.h"
#include "topology/signals.h"

#define SECOND_MS 1000
/* How long the bus may take to hand over its last messages. */
#define BUS_LINGER_MS 100
#define SIGNALS       4
/* From this size on, memory comes from the system and goes back to it: a table's index, which is
 * replaced as it grows, then leaves no gap behind, and its zeros cost nothing in advance. Left to
 * itself, malloc would raise the limit with the first index it is given back (mallopt(3)). */
#define LARGE_BYTES (1024 * 1024)

struct gateway {
    const struct gateway_options *options;
    const struct topology_node *self;
    uv_loop_t loop;
    uv_poll_t bus_poll, lookups_polls[TOPOLOGY_PLACES_MAX];
    uv_timer_t deadline, second;
    uv_check_t turn_end;
    uv_idle_t again; /* runs while something waits that no descriptor will tell of */
    uv_signal_t signals[SIGNALS];

    struct flood *flood;
    struct bus *bus;
    struct node_keys keys;
    struct brokers brokers;
    struct clients *clients;
    struct log *log;
    struct logline lines;
    struct session_node node;

    const struct topology_node **peers; /* in the order of the flood's and the bus's peers */
    size_t peer_count;
    size_t neighbour_count; /* the peers before the observers */
    uint64_t incarnation;
    bool bus_waits;     /* input is there */
    bool coalesces;     /* what is due waits for the end of the next turn */
    int64_t armed_ms;   /* what the deadline timer is set to */
    int64_t stop_at_ms; /* 0: not stopping */
    uint64_t refusals_told;
};

static int64_t now_ms(const struct gateway *gateway)
{
    return (int64_t)uv_now(&gateway->loop);
}

#define note(gateway, kind, ...)                                                                   \
    logline_say(&(gateway)->lines, clock_realtime_ns(), (kind), 0, __VA_ARGS__)

static void note_events(struct gateway *gateway)
{
    struct link_event event;
    while (flood_next_event(gateway->flood, &event))
        status_log_event(&gateway->lines, gateway->peers[event.peer]->name,
                         event.peer < gateway->neighbour_count, &event);
}

/* ---- the end of a turn ---- */

/* When the bus wants a turn although nothing came. */
static int64_t bus_due_ms(const struct gateway *gateway)
{
    int64_t flood_ms = flood_deadline_ms(gateway->flood), bus_ms = bus_deadline_ms(gateway->bus);
    return flood_ms < bus_ms ? flood_ms : bus_ms;
}

static void turn_bus(struct gateway *gateway)
{
    int64_t now = now_ms(gateway);
    bool has_news = gateway->node.flood_changed || gateway->bus_waits;
    if (!has_news && !gateway->coalesces && now < bus_due_ms(gateway))
        return;
    gateway->node.flood_changed = false;
    if (gateway->bus_waits)
        gateway->bus_waits = bus_receive(gateway->bus, gateway->flood, now);
    gateway->coalesces = flood_coalesces(gateway->flood, has_news, now);
    if (!gateway->coalesces)
        bus_send(gateway->bus, gateway->flood, now);
    note_events(gateway);
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
    int64_t due_ms = bus_due_ms(gateway);
    bool again = gateway->bus_waits || gateway->brokers.wait || gateway->node.flood_changed ||
                 gateway->coalesces;
    if (brokers_deadline_ms(&gateway->brokers) < due_ms)
        due_ms = brokers_deadline_ms(&gateway->brokers);
    if (gateway->stop_at_ms != 0 && gateway->stop_at_ms < due_ms)
        due_ms = gateway->stop_at_ms;
    if (due_ms != gateway->armed_ms) {
        int64_t now = now_ms(gateway);
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

static bool may_stop(const struct gateway *gateway)
{
    return (clients_connected(gateway->clients) == 0 && flood_is_over(gateway->flood)) ||
           now_ms(gateway) >= gateway->stop_at_ms;
}

static void end_turn(struct gateway *gateway)
{
    clients_turn(gateway->clients);
    brokers_turn(&gateway->brokers, gateway->clients, now_ms(gateway));
    turn_bus(gateway);
    log_write(gateway->log, &gateway->lines.lines);
    if (gateway->stop_at_ms != 0 && may_stop(gateway))
        uv_stop(&gateway->loop);
    else
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

static void on_lookups(uv_poll_t *poll, int status, int events)
{
    struct gateway *gateway = poll->data;
    (void)status;
    (void)events;
    gateway->brokers.wait = gateway->brokers.fired = true;
}

static void note_troubles(struct gateway *gateway)
{
    size_t peer;
    const char *why;
    while ((why = bus_next_trouble(gateway->bus, &peer)) != NULL)
        note(gateway, "fault", "cannot connect to %s at %s: %s", gateway->peers[peer]->name,
             gateway->peers[peer]->bus_at.text, why);
}

static void on_second(uv_timer_t *timer)
{
    struct gateway *gateway = timer->data;
    uint64_t refusals = flood_count(gateway->flood)->clients_refused;
    clients_second(gateway->clients);
    if (refusals != gateway->refusals_told)
        note(gateway, "fault", "%" PRIu64 " new clients refused: the table is full",
             refusals - gateway->refusals_told);
    gateway->refusals_told = refusals;
    status_log_strangers(&gateway->lines, gateway->bus, gateway->keys.start_ns);
    note_troubles(gateway);
    node_keys_log(&gateway->keys, gateway->bus, &gateway->lines, clock_realtime_ns());
    brokers_second(&gateway->brokers, &gateway->lines, clock_realtime_ns(), now_ms(gateway));
    log_look(gateway->log);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct gateway *gateway = handle->data;
    if (number == SIGHUP || number == SIGUSR1) {
        signals_reopen();
        log_reopen(gateway->log);
        if (number == SIGHUP)
            node_keys_reload(&gateway->keys, gateway->bus, gateway->brokers.sockets,
                             gateway->brokers.count, &gateway->lines, clock_realtime_ns());
    } else if (gateway->stop_at_ms != 0) {
        gateway->stop_at_ms = now_ms(gateway);
    } else {
        gateway->stop_at_ms = now_ms(gateway) + GATEWAY_STOP_MS;
        gateway->node.flood_changed = true; /* the goodbye is due */
        flood_say_goodbye(gateway->flood);
        clients_stop(gateway->clients);
    }
}

/* ---- start and stop ---- */

static uint64_t draw_number(void)
{
    uint64_t number;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        abort();
    return number;
}

/* Who our peers are, in one order for the flood, the bus and what is told. */
static void find_peers(struct gateway *gateway)
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
    gateway->keys = (struct node_keys){.file = gateway->options->topology_file,
                                       .node = gateway->self->name,
                                       .peers = gateway->peers,
                                       .peer_count = count};
}

static void make_flood(struct gateway *gateway)
{
    struct span *names = bytes_resize(NULL, (gateway->peer_count + 1) * sizeof *names);
    for (size_t i = 0; i < gateway->peer_count; i++)
        names[i] = span_of(gateway->peers[i]->name);
    struct flood_options options = {.herd = span_of(gateway->options->topology->herd),
                                    .node = span_of(gateway->self->name),
                                    .peers = names,
                                    .peer_count = gateway->peer_count,
                                    .incarnation = draw_number() | 1, /* never 0 */
                                    .clients_max = gateway->options->clients_max};
    for (size_t i = 0; i < sizeof options.hash_key; i += sizeof(uint64_t))
        memcpy(options.hash_key + i, &(uint64_t){draw_number()}, sizeof(uint64_t));
    gateway->incarnation = options.incarnation;
    gateway->flood = flood_new(&options);
    free(names);
}

static bool complain(const char *error)
{
    say("%s", error);
    return false;
}

/* Says in which line of the topology stands what cannot be had. */
static bool complain_at(const struct gateway *gateway, const struct topology_endpoint *endpoint,
                        const char *error)
{
    char text[BUS_ERROR_BYTES_MAX + PATH_MAX];
    snprintf(text, sizeof text, "%s:%" PRIu32 ": %s", gateway->options->topology_file,
             endpoint->line, error);
    return complain(text);
}

static bool open_keys(struct gateway *gateway)
{
    char error[SECRETS_ERROR_BYTES_MAX];
    return node_keys_open(&gateway->keys, gateway->options->topology, error) || complain(error);
}

static bool open_bus(struct gateway *gateway)
{
    char error[BUS_ERROR_BYTES_MAX];
    struct bus_keys keys;
    const struct topology_node *self = gateway->self;
    if (gateway->peer_count > 0 && !reach_is_said(&self->bus, &self->bus_at, "bus_at", error))
        return complain_at(gateway, &self->bus, error);
    struct bus_peer *peers = bytes_resize(NULL, (gateway->peer_count + 1) * sizeof *peers);
    for (size_t i = 0; i < gateway->peer_count; i++)
        peers[i] = (struct bus_peer){gateway->peers[i]->name, gateway->peers[i]->bus_at.text};
    struct bus_options options = {.name = gateway->self->name,
                                  .endpoint = gateway->self->bus.text,
                                  .peers = peers,
                                  .peer_count = gateway->peer_count,
                                  .keys = node_keys_of_bus(&gateway->keys, &keys)};
    gateway->bus = bus_open(&options, error);
    explicit_bzero(&keys, sizeof keys);
    free(peers);
    return gateway->bus != NULL || complain_at(gateway, &gateway->self->bus, error);
}

static bool open_brokers(struct gateway *gateway)
{
    char error[PLACES_CLIENT_ERROR_BYTES_MAX];
    struct auth_ends ends;
    const struct auth_ends *keys = node_keys_of_places(&gateway->keys, &ends);
    bool good = brokers_open(&gateway->brokers, gateway->options->topology, draw_number(), keys,
                             now_ms(gateway), error);
    explicit_bzero(&ends, sizeof ends);
    return good || complain(error);
}

static bool open_log(struct gateway *gateway)
{
    char error[LOG_ERROR_BYTES_MAX];
    gateway->log = log_open(gateway->options->log_folder, gateway->self->name, error);
    return gateway->log != NULL || complain(error);
}

static bool open_clients(struct gateway *gateway)
{
    char error[LISTENER_ERROR_BYTES_MAX];
    gateway->node = (struct session_node){.flood = gateway->flood,
                                          .requests = gateway->brokers.requests,
                                          .log = &gateway->lines,
                                          .log_commands = gateway->options->log_commands,
                                          .flood_changed = true /* say hello at once */};
    gateway->clients =
        clients_open(&gateway->loop, &gateway->self->clients, &gateway->node, gateway->log, error);
    return gateway->clients != NULL || complain_at(gateway, &gateway->self->clients, error);
}

static void start_handles(struct gateway *gateway)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    uv_loop_t *loop = &gateway->loop;
    uv_poll_init(loop, &gateway->bus_poll, bus_descriptor(gateway->bus));
    gateway->bus_poll.data = gateway;
    uv_poll_start(&gateway->bus_poll, UV_READABLE, on_bus);
    for (size_t i = 0; i < gateway->brokers.count; i++) {
        uv_poll_t *poll = &gateway->lookups_polls[i];
        uv_poll_init(loop, poll, places_client_descriptor(gateway->brokers.sockets[i]));
        poll->data = gateway;
        uv_poll_start(poll, UV_READABLE, on_lookups);
    }
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

static void note_start(struct gateway *gateway)
{
    const struct gateway_options *options = gateway->options;
    const struct topology *topology = options->topology;
    note(gateway, "start",
         "zherd " ZHERD_VERSION " pid %ld herd %s node %s incarnation %016" PRIx64
         " listen %s bus %s places %zu at %s keys %s links %zu connections_max %zu clients_max "
         "%" PRIu32,
         (long)getpid(), options->topology->herd, gateway->self->name, gateway->incarnation,
         gateway->self->clients.text, bus_endpoint(gateway->bus), topology->places_count,
         topology->places_count > 0 ? topology->places[0].gateways_at.text : "none",
         gateway->keys.has_keys ? "yes" : "no", gateway->peer_count,
         clients_limit(gateway->clients), options->clients_max);
    if (topology->insecure)
        note(gateway, "insecure", "whoever reaches the bus or the places service is trusted");
}

static void note_stop(struct gateway *gateway)
{
    const struct session_counters *said = &gateway->node.count;
    const struct clients_counters *connections = clients_count(gateway->clients);
    const struct link_counters *flood = flood_count(gateway->flood);
    note(gateway, "stop",
         "digest %016" PRIx64 " clients %" PRIu32 " connections %" PRIu64 " refused %" PRIu64
         " cut %" PRIu64 " commands %" PRIu64 " iamat %" PRIu64 " whatsat %" PRIu64
         " invalid %" PRIu64 " sent %" PRIu64 " received %" PRIu64 " news %" PRIu64
         " faults %" PRIu64 " strangers %" PRIu64 " log_bytes_lost %" PRIu64 " malformed %" PRIu64
         " misnamed %" PRIu64 " multiparts %" PRIu64,
         flood_digest(gateway->flood), flood_clients(gateway->flood), connections->accepted,
         connections->refused, connections->cut_stuck + connections->cut_memory, said->commands,
         said->iamats, said->whatsats, said->invalid, flood->locations_sent,
         flood->locations_received, flood->locations_news,
         flood->messages_malformed + flood->locations_invalid + flood->digest_faults,
         bus_strangers(gateway->bus), log_bytes_lost(gateway->log), flood->messages_malformed,
         flood->messages_misnamed, bus_multiparts(gateway->bus));
}

/* In the reverse order of the start; what was not opened is NULL. */
static void close_all(struct gateway *gateway)
{
    if (gateway->clients != NULL)
        clients_close(gateway->clients);
    uv_walk(&gateway->loop, close_handle, NULL);
    uv_run(&gateway->loop, UV_RUN_DEFAULT);
    uv_loop_close(&gateway->loop);
    if (gateway->log != NULL)
        log_write(gateway->log, &gateway->lines.lines);
    clients_free(&gateway->clients);
    brokers_close(&gateway->brokers);
    bus_close(&gateway->bus, BUS_LINGER_MS);
    node_keys_close(&gateway->keys);
    flood_destroy(&gateway->flood);
    log_close(&gateway->log);
    logline_free(&gateway->lines);
    free(gateway->peers);
}

bool gateway_run(const struct gateway_options *options)
{
    struct gateway whole = {.options = options, .self = &options->topology->nodes[options->node]};
    struct gateway *gateway = &whole;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, 2 * LARGE_BYTES);
    if (uv_loop_init(&gateway->loop) != 0)
        abort();
    find_peers(gateway);
    make_flood(gateway);
    bool started = open_log(gateway) && open_keys(gateway) && open_bus(gateway) &&
                   open_brokers(gateway) && open_clients(gateway);
    if (started) {
        start_handles(gateway);
        note_start(gateway);
        status_log_ready();
        end_turn(gateway);
        uv_run(&gateway->loop, UV_RUN_DEFAULT);
        note_stop(gateway);
    }
    close_all(gateway);
    return started;
}
