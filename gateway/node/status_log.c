#include "gateway/node/status_log.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#include "bus/base/timestamp.h"
#include "gateway/node/clock.h"
#include "gateway/node/gateway.h"
#include "gateway/text/reasons.h"
#include "topology/format/memory_share.h"
#include "topology/notify.h"
#include "topology/say.h"
#include "topology/status.h"

/* An endpoint and words. */
#define STATE_BYTES_MAX 384

#define note(lines, kind, ...) logline_say((lines), clock_realtime_ns(), (kind), 0, __VA_ARGS__)
#define fail(lines, ...)       logline_fail((lines), clock_realtime_ns(), __VA_ARGS__)
#define warn(lines, kind_, ...)                                                                    \
    logline_note_as((lines), clock_realtime_ns(),                                                  \
                    &(const struct logline_event){.level = LOGLINE_WARNING, .kind = (kind_)},      \
                    __VA_ARGS__)

/* Nobody reads the lines where the log is there. */
static void write_status(const struct log *log, enum status_kind kind, const char *peer)
{
    if (log_is_output(log))
        return;
    struct status status = {.kind = kind};
    char line[STATUS_LINE_BYTES_MAX];
    snprintf(status.peer, sizeof status.peer, "%s", peer);
    size_t bytes = status_write(&status, line);
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0)
        (void)!write(STDOUT_FILENO, line, bytes);
}

void status_log_ready(struct logline *lines, const struct log *log)
{
    write_status(log, STATUS_READY, "");
    if (log_is_output(log))
        note(lines, "ready", "%s", "");
}

void status_log_state(enum phase phase, const struct topology_node *self, const struct flood *flood,
                      size_t neighbours)
{
    static const char *const words[] = {
        [PHASE_CLOSED] = "starts", [PHASE_OPEN] = "learns what its neighbours know",
        [PHASE_READY] = "ready",   [PHASE_DRAINS] = "drains, and serves until it stops",
        [PHASE_STOPS] = "stops",   [PHASE_OVER] = "stops",
    };
    char text[STATE_BYTES_MAX];
    size_t up = 0;
    for (size_t i = 0; i < neighbours; i++)
        up += flood_link(flood, i).up;
    snprintf(text, sizeof text, "%s; clients at %s, links up: %zu of %zu", words[phase],
             self->clients.text, up, neighbours);
    notify_status(text);
}

/* Of whole tables where the peer is of the version before: ranges is 0 then. */
static void note_difference(struct logline *lines, const char *peer, const struct link_event *event)
{
    char ranges[96] = "";
    uint64_t age_ms = event->compared_age_ms;
    size_t bytes = 0;
    if (event->ranges > 0)
        bytes = (size_t)snprintf(ranges, sizeof ranges, " ranges %" PRIu32 " first %04" PRIx32,
                                 event->ranges, event->range);
    if (event->ranges > 0 && age_ms != UINT64_MAX)
        snprintf(ranges + bytes, sizeof ranges - bytes, " compared %" PRIu64 ".%u s ago",
                 age_ms / 1000, (unsigned)(age_ms % 1000 / 100));
    warn(lines, "digest", "%s differs %016" PRIx64 " there %016" PRIx64 " clients %" PRIu32 "%s",
         peer, event->digest, event->their_digest, event->clients, ranges);
}

void status_log_jump(struct logline *lines, int64_t jump_ns)
{
    char seconds[TIMESTAMP_APART_BYTES_MAX];
    note(lines, "clock", "this machine's was set %s by %s s", jump_ns < 0 ? "back" : "forward",
         timestamp_write_apart(seconds, jump_ns));
}

void status_log_journal(struct logline *lines, uint32_t clients,
                        const struct journal_found_all *found, int64_t took_ms)
{
    note(lines, "journal", "%" PRIu32 " clients from %" PRIu32 " blocks in %" PRId64 " ms", clients,
         found->blocks, took_ms);
    for (size_t i = 0; i < sizeof found->places / sizeof *found->places; i++)
        if (found->places[i] != NULL)
            note(lines, "journal", "%s", found->places[i]);
    if (found->bad_runs > 0 || found->missing > 0 || found->tally.broken > 0)
        fail(lines,
             "the journal has %" PRIu64 " unreadable bytes, and %" PRIu64
             " blocks are missing: `zherd journal check` lists them",
             found->bad_bytes, found->missing + found->tally.broken);
    if (found->tally.refused > 0)
        fail(lines,
             "%" PRIu64 " positions of the journal were refused: there is no room, or they are of "
             "nodes that the herd does not know",
             found->tally.refused);
}

void status_log_import(struct logline *lines, const char *path, const struct import_count *count,
                       int64_t took_ms)
{
    note(lines, "import",
         "%s: %" PRIu64 " lines in %" PRId64 " ms: %" PRIu64 " taken, %" PRIu64
         " known or older, %" PRIu64 " expired, %" PRIu64 " refused, %" PRIu64 " bad",
         path, count->lines, took_ms, count->taken, count->known, count->expired, count->refused,
         count->bad);
    if (count->bad > 0)
        fail(lines, "%s:%" PRIu64 ": %s; %" PRIu64 " bad lines in all", path, count->bad_line,
             count->why, count->bad);
    if (count->refused > 0)
        fail(lines,
             "%" PRIu64
             " positions of %s were refused: there is no room, or they are of nodes that "
             "the herd does not know",
             count->refused, path);
}

static void note_down(struct logline *lines, const char *peer, const char *said)
{
    const struct logline_event event = {
        .level = LOGLINE_WARNING, .kind = "link", .reason = reasons_parting(reasons_of_link(said))};
    logline_note_as(lines, clock_realtime_ns(), &event, "%s down: %s", peer, said);
}

void status_log_event(struct logline *lines, const struct log *log, const char *peer,
                      bool is_neighbour, const struct link_event *event)
{
    switch (event->kind) {
    case LINK_UP:
        note(lines, "link", "%s up", peer);
        if (is_neighbour)
            write_status(log, STATUS_LINK_UP, peer);
        break;
    case LINK_DOWN:
        note_down(lines, peer, event->reason);
        if (is_neighbour)
            write_status(log, STATUS_LINK_DOWN, peer);
        break;
    case LINK_REFUSED:
        warn(lines, "link", "%s refused: %s", peer, event->reason);
        break;
    case LINK_UNANSWERED:
        warn(lines, "link", "%s silent: %s", peer, event->reason);
        break;
    case LINK_UNMET: /* nobody waits for an observer */
        if (is_neighbour)
            warn(lines, "link", "%s silent: %s", peer, event->reason);
        break;
    case LINK_STUCK:
        note(lines, "fault", "link %s stuck: %s", peer, event->reason);
        break;
    case LINK_MISREAD:
        note(lines, "fault", "%s is misread: %s", peer, event->reason);
        break;
    case LINK_UNKEPT:
        fail(lines, "a location of %s is not kept: %s", peer, event->reason);
        break;
    case LINK_DIGESTS_EQUAL:
        note(lines, "digest", "%s equal %016" PRIx64 " clients %" PRIu32, peer, event->digest,
             event->clients);
        break;
    case LINK_DIGESTS_DIFFER:
        note_difference(lines, peer, event);
        break;
    case LINK_CLOCK_OFF:
    case LINK_OWN_CLOCK_OFF:
        warn(lines, "clock", "%s", event->reason);
        break;
    case LINK_CLOCK_RIGHT:
    case LINK_OWN_CLOCK_RIGHT:
        note(lines, "clock", "%s", event->reason);
        break;
    }
}

void status_log_operators(struct logline *lines, struct operators *operators)
{
    const char *act;
    while (operators_next_act(operators, &act))
        note(lines, "operator", "%s", act);
}

void status_log_figures(struct operators *operators, const struct status_log_node *node,
                        int64_t now_ms)
{
    const struct session_counters *said = node->count;
    size_t memory_bytes = 0;
    (void)uv_resident_set_memory(&memory_bytes); /* or nothing is said of it */
    struct operate_status figures = {
        .version = span_of(ZHERD_VERSION),
        .uptime_ms = (uint64_t)(now_ms - node->start_ms),
        .memory_bytes = memory_bytes,
        .topology = node->topology,
        .connections = clients_connections(node->clients),
        .connections_max = clients_connections_max(node->clients),
        .watchers = clients_watching(node->clients),
        .commands = said->commands,
        .iamats = said->iamats,
        .whatsats = said->whatsats,
        .nearbys = said->nearbys,
        .invalid = said->invalid,
        .lookups_p99_ms = WIRE_NEVER,
    };
    places_clients_describe(node->places, &figures, now_ms);
    operators_second(operators, &figures, now_ms);
}

/* A name in the log, and no more of it than a node's may have. */
static void append_name(struct buffer *text, struct span name)
{
    bool is_long = name.len > LOCATION_ORIGIN_BYTES_MAX;
    buffer_append(text, (struct span){name.data, is_long ? LOCATION_ORIGIN_BYTES_MAX : name.len});
    if (is_long)
        buffer_append(text, span_of("..."));
}

void status_log_stranger(struct logline *lines, struct span name, int64_t read_ns)
{
    char when[TIMESTAMP_BYTES_MAX];
    timestamp_write(when, read_ns, 0);

    struct buffer text = {0};
    append_name(&text, name);
    buffer_append(&text, span_of(" is no neighbour in the file read at "));
    buffer_append(&text, span_of(when));
    buffer_append(&text, span_of(": what it says is dropped"));
    logline_put(lines, clock_realtime_ns(), "fault", 0, (struct span){text.data, text.len});
    buffer_free(&text);
}

void status_log_strangers(struct logline *lines, struct bus *bus, int64_t read_ns)
{
    struct span name;
    while (bus_next_stranger(bus, &name))
        status_log_stranger(lines, name, read_ns);
}

void status_log_newcomers(struct logline *lines, struct bus *bus)
{
    char address[NEWCOMERS_ADDRESS_BYTES_MAX];
    struct newcomers_news news;
    if (!bus_next_newcomers(bus, &news))
        return;
    newcomers_show_address(&news.busiest, address);
    if (news.refused + news.unfinished > 0)
        note(lines, "fault",
             "%" PRIu64
             " connections to the bus refused: handshake failed or not finished, %" PRIu64
             " of them to make room, most from %s",
             news.refused + news.unfinished, news.refused, address);
    else
        note(lines, "fault", "%zu of %zu connections of strangers at the bus are taken",
             news.most_at_once, news.places);
}

void status_log_growth(struct logline *lines, struct growth *growth, uint64_t count,
                       const char *what)
{
    uint64_t more = growth_take(growth, count);
    if (more > 0)
        logline_say(lines, clock_realtime_ns(), "fault", 0, "%" PRIu64 " %s", more, what);
}

/* Whose share that is, in words. */
static const char *name_share(const struct address_shares *shares,
                              const struct address_share *share,
                              char address[NETWORK_ADDRESS_BYTES_MAX])
{
    if (share == NULL || address_shares_is_rest(shares, share))
        return "addresses beyond those that are counted";
    if (address_shares_is_trusted(shares, share))
        return "trusted addresses";
    network_address_write(&share->address, address);
    return address;
}

static void log_refused(struct logline *lines, struct address_shares *shares,
                        enum address_refusal kind, const char *what)
{
    const struct address_share *most;
    uint64_t refused = address_shares_refused(shares, kind, &most);
    char address[NETWORK_ADDRESS_BYTES_MAX];
    if (refused > 0)
        logline_say(lines, clock_realtime_ns(), "fault", 0, "%" PRIu64 " %s; most were from %s",
                    refused, what, name_share(shares, most, address));
}

static void log_warning(struct logline *lines, struct address_shares *shares)
{
    const struct network_address *of = address_shares_warning(shares);
    char address[NETWORK_ADDRESS_BYTES_MAX];
    if (of == NULL)
        return;
    network_address_write(of, address);
    logline_say(lines, clock_realtime_ns(), "fault", 0,
                "%s has brought %d %% of the new clients that it may: beyond, they are refused",
                address, ADDRESS_SHARES_WARNING_PERCENT);
}

static void log_near(struct logline *lines, struct status_log_limits *logged,
                     const struct client_limits *limits)
{
    for (int i = 0; i < CLIENT_LIMITS_RESOURCES; i++) {
        struct client_limits_usage usage =
            client_limits_usage(limits, (enum client_limits_resource)i);
        if (usage.is_near && !logged->is_near[i])
            logline_say(lines, clock_realtime_ns(), "fault", 0,
                        "%zu of %zu %s are in use: at the limit some will be refused", usage.used,
                        usage.max, usage.what);
        logged->is_near[i] = usage.is_near;
    }
}

void status_log_limits(struct logline *lines, struct status_log_limits *logged,
                       struct client_limits *limits, const uint64_t endings[ENDINGS])
{
    struct address_shares *shares = client_limits_shares(limits);
    log_refused(lines, shares, ADDRESS_REFUSED_CONNECTIONS,
                "connections refused: too many are open");
    log_refused(lines, shares, ADDRESS_REFUSED_NEW_IDS,
                "new clients and FORGETs refused: their address has brought too many");
    log_warning(lines, shares);
    status_log_growth(lines, &logged->cut, endings[ENDING_LINES] + endings[ENDING_REPLIES],
                      "connections cut: all together held too much memory");
    status_log_growth(lines, &logged->silent, endings[ENDING_SILENT],
                      "silent connections closed: nearly all are taken");
    status_log_growth(lines, &logged->lookups, client_limits_count(limits)->lookups_refused,
                      "look-ups refused: too many are under way");
    log_near(lines, logged, limits);
}

static void note_near(struct logline *lines, struct flood *flood)
{
    struct flood_near near = flood_next_near(flood);
    struct flood_load load = flood_load(flood);
    if (near.clients)
        note(lines, "fault",
             "the table is nearly full: %" PRIu64 " clients of --max-clients %" PRIu64,
             load.clients, load.clients_max);
    if (near.bytes)
        note(lines, "fault",
             "the table is nearly full: %" PRIu64 " bytes of --max-table-bytes %" PRIu64,
             load.bytes, load.bytes_max);
}

void status_log_table(struct logline *lines, struct flood *flood, struct status_log_table *seen)
{
    const struct link_counters *count = flood_count(flood);
    note_near(lines, flood);
    status_log_growth(lines, &seen->clients, count->clients_refused,
                      "new clients refused: the table is full (--max-clients)");
    status_log_growth(lines, &seen->bytes, count->bytes_refused,
                      "clients refused: the table is full (--max-table-bytes)");
    status_log_growth(lines, &seen->memory, count->memory_refused,
                      "clients refused: the system gives no memory");
    status_log_growth(lines, &seen->locations, count->locations_refused,
                      "locations of other nodes refused: the table is full, and differs from "
                      "theirs until there is room");
}

void status_log_troubles(struct logline *lines, struct bus *bus,
                         const struct topology_node *const *peers)
{
    size_t peer;
    const char *why;
    while ((why = bus_next_trouble(bus, &peer)) != NULL)
        note(lines, "fault", "cannot connect to %s at %s: %s", peers[peer]->name,
             peers[peer]->bus_at.text, why);
}

void status_log_drops(struct logline *lines, const struct status_log_node *node,
                      struct status_log_drops *seen)
{
    status_log_growth(lines, &seen->operators,
                      operators_count(node->operators)->dropped + bus_requests_dropped(node->bus),
                      "messages of operators dropped: they come too fast");
    status_log_growth(
        lines, &seen->unpromised, node->reasons->refusals[REFUSAL_UNPROMISED],
        "positions stored and not promised in time: their clients were answered `? `");
}

/* ---- the first lines and the last ---- */

void status_log_forgetting(struct logline *lines, const char *kind, int64_t expire_ms, bool forget)
{
    char expire[32] = "off";
    if (expire_ms > 0)
        snprintf(expire, sizeof expire, "%" PRId64 "s", expire_ms / 1000);
    note(lines, kind, "expire %s, forget %s", expire, forget ? "yes" : "no");
}

void status_log_descriptors(struct logline *lines, const struct clients *clients)
{
    char descriptors[CLIENT_LIMITS_DESCRIPTORS_BYTES_MAX];
    client_limits_say_descriptors(clients_descriptors(clients), descriptors);
    note(lines, "limits", "%s", descriptors);
}

void status_log_start(struct logline *lines, const struct status_log_node *node)
{
    const struct gateway_limits *limits = node->limits;
    const struct topology *topology = node->options->topology;
    note(lines, "start",
         "zherd " ZHERD_VERSION " pid %ld herd %s node %s incarnation %016" PRIx64
         " listen %s bus %s places %zu at %s keys %s links %zu connections_max %zu clients_max "
         "%" PRIu32 " table_bytes_max %" PRIu64,
         (long)getpid(), topology->herd, node->self->name, node->incarnation,
         node->self->clients.text, bus_endpoint(node->bus), topology->places_count,
         topology->places_count > 0 ? topology->places[0].gateways_at.text : "none",
         node->has_keys ? "yes" : "no", node->links, clients_connections_max(node->clients),
         limits->clients_max, limits->table_bytes_max);
    status_log_descriptors(lines, node->clients);
    struct client_limits_bytes held =
        client_limits_divide_bytes(memory_share_held(limits->table_bytes_max));
    note(
        lines, "limits",
        "bytes of all connections: %zu in unfinished lines, %zu in unread replies, %zu in look-ups",
        held.lines, held.replies, held.lookups);
    if (topology->watch)
        note(lines, "limits", "bytes of all watches: %" PRIu64,
             memory_share_watched(limits->table_bytes_max));
    if (limits->new_clients_per_s > 0)
        note(lines, "limits",
             "new clients of one address: %" PRIu32 " a second, %" PRIu32 " at once",
             limits->new_clients_per_s, limits->new_clients_burst);
    if (topology->expire_ms > 0 || topology->forget)
        status_log_forgetting(lines, "limits", topology->expire_ms, topology->forget);
    if (topology->insecure)
        note(lines, "insecure", "whoever reaches the bus or the places service is trusted");
    const struct topology_endpoint *door = topology_open_door(topology, node->self);
    if (door != NULL)
        note(lines, "insecure",
             "whoever reaches %s may move any client and see all: `access` says who may what",
             door->text);
    if (geteuid() == 0)
        note(lines, "insecure", SAY_IS_ROOT);
}

void status_log_stop(struct logline *lines, const struct status_log_node *node)
{
    const struct session_counters *said = node->count;
    const struct client_limits_counters *connections = clients_count(node->clients);
    uint64_t cut = 0;
    for (int i = CLIENT_LIMITS_STUCK; i < CLIENT_LIMITS_REASONS; i++)
        cut += node->reasons->endings[reasons_of_limit((enum client_limits_reason)i)];
    const struct link_counters *flood = flood_count(node->flood);
    struct flood_load load = flood_load(node->flood);
    note(lines, "stop",
         "digest %016" PRIx64 " clients %" PRIu32 " connections %" PRIu64 " refused %" PRIu64
         " cut %" PRIu64 " commands %" PRIu64 " iamat %" PRIu64 " whatsat %" PRIu64
         " invalid %" PRIu64 " sent %" PRIu64 " received %" PRIu64 " news %" PRIu64
         " faults %" PRIu64 " strangers %" PRIu64 " log_bytes_lost %" PRIu64 " malformed %" PRIu64
         " misnamed %" PRIu64 " multiparts %" PRIu64 " table_bytes %" PRIu64
         " locations_refused %" PRIu64 " clock_steps %" PRIu64 " clocks_off %" PRIu64
         " peer_clocks_off %" PRIu64 " forgets %" PRIu64 " expired %" PRIu64
         " locations_expired %" PRIu64 " unpromised %" PRIu64 " nearby %" PRIu64 " watch %" PRIu64
         " told %" PRIu64,
         flood_digest(node->flood), flood_clients(node->flood), connections->accepted,
         connections->full + connections->address_full, cut, said->commands, said->iamats,
         said->whatsats, said->invalid, flood->locations_sent, flood->locations_received,
         flood->locations_news,
         flood->messages_malformed + flood->locations_invalid + flood->digest_faults,
         bus_strangers(node->bus), log_bytes_lost(node->log), flood->messages_malformed,
         flood->messages_misnamed, bus_multiparts(node->bus), load.bytes, load.refused,
         flood->clock_steps, flood->clocks_off, flood->peer_clocks_off, said->forgets,
         flood->reports_expired, flood->locations_expired,
         node->reasons->refusals[REFUSAL_UNPROMISED], said->nearbys, said->watches,
         node->watchers == NULL ? 0 : watchers_count(node->watchers).lines);
}
