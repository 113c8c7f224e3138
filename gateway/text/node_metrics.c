/* A node's page of metrics (gateway/text/node_figures.h). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/text/node_figures.h"

#define NS_PER_MS 1000000

/* A plain number of the figures. Rows of one family follow each other; the first has its help. */
struct row {
    enum metrics_kind kind;
    const char *family, *help;
    const char *label, *value; /* NULL: none */
    size_t offset;
};

#define FAMILY(kind, family, help, field)                                                          \
    {                                                                                              \
        METRICS_##kind, "zherd_" family, help, NULL, NULL, offsetof(struct node_figures, field)    \
    }
#define LABELLED(kind, family, help, label, value, field)                                          \
    {                                                                                              \
        METRICS_##kind, "zherd_" family, help, label, value, offsetof(struct node_figures, field)  \
    }
#define BUS(family, help, field) FAMILY(COUNTER, "bus_" family, help, bus.field)
#define REFUSED(value, field)    LABELLED(COUNTER, "table_refused", NULL, "reason", value, field)
#define DROPPED(value, field)    LABELLED(COUNTER, "bus_dropped", NULL, "reason", value, field)
#define REPAIR(value, field)     LABELLED(COUNTER, "bus_range_messages", NULL, "type", value, bus.field)
#define FAILED(value, field)                                                                       \
    LABELLED(COUNTER, "lookup_faults", NULL, "reason", value, requests.field)
#define SEGMENTS(value, field) LABELLED(COUNTER, "journal_segments", NULL, "event", value, field)

static const struct row rows[] = {
    LABELLED(COUNTER, "commands",
             "Commands that were carried out; other: HELP, UNWATCH, lines that "
             "are none and the like.",
             "command", "iamat", said.iamats),
    LABELLED(COUNTER, "commands", NULL, "command", "whatsat", said.whatsats),
    LABELLED(COUNTER, "commands", NULL, "command", "nearby", said.nearbys),
    LABELLED(COUNTER, "commands", NULL, "command", "watch", said.watches),
    LABELLED(COUNTER, "commands", NULL, "command", "forget", said.forgets),
    LABELLED(COUNTER, "commands", NULL, "command", "auth", said.auths),
    LABELLED(COUNTER, "commands", NULL, "command", "other", commands_other),
    FAMILY(COUNTER, "replies_invalid", "Commands that were answered by ? and a copy.",
           said.invalid),
    FAMILY(COUNTER, "positions_backward",
           "Positions that were more than an hour older than what was known of their client.",
           said.backward),

    FAMILY(COUNTER, "connections_accepted", "Connections of clients that were accepted.",
           connections.accepted),
    LABELLED(COUNTER, "connections_refused",
             "Connections that were refused: all are taken, their address has its share, or the "
             "system had none to give.",
             "reason", "full", connections.full),
    LABELLED(COUNTER, "connections_refused", NULL, "reason", "address", connections.address_full),
    LABELLED(COUNTER, "connections_refused", NULL, "reason", "system", connection_faults),
    FAMILY(COUNTER, "new_clients_refused",
           "New clients and FORGETs that were refused because their address has brought too many.",
           addresses.new_ids_refused),
    FAMILY(COUNTER, "addresses_reused", "Shares of an address that became another address's.",
           addresses.reused),
    FAMILY(COUNTER, "addresses_overflowed",
           "Times that an address had to share with all that are not counted apart.",
           addresses.overflowed),
    FAMILY(GAUGE, "connections", "Connections of clients.", limits[CLIENT_LIMITS_CONNECTIONS].used),
    FAMILY(GAUGE, "connections_limit", "Connections of clients at most.",
           limits[CLIENT_LIMITS_CONNECTIONS].max),
    LABELLED(GAUGE, "held_bytes",
             "Memory that all connections hold for unfinished lines and "
             "unread replies.",
             "what", "lines", limits[CLIENT_LIMITS_LINES].used),
    LABELLED(GAUGE, "held_bytes", NULL, "what", "replies", limits[CLIENT_LIMITS_REPLIES].used),
    LABELLED(GAUGE, "held_limit_bytes", "What they may hold of each.", "what", "lines",
             limits[CLIENT_LIMITS_LINES].max),
    LABELLED(GAUGE, "held_limit_bytes", NULL, "what", "replies", limits[CLIENT_LIMITS_REPLIES].max),

    FAMILY(GAUGE, "watches", "Watches of all connections.", watchers.watches),
    FAMILY(GAUGE, "watch_marks", "Clients that watches have told of or are to tell of.",
           watchers.marks),
    FAMILY(GAUGE, "watch_bytes", "Memory of all watches.", watchers.bytes),
    FAMILY(COUNTER, "watch_lines", "Lines that watches have written.", watchers.lines),
    FAMILY(COUNTER, "watch_rounds", "Circles that moved, and tables that were told again.",
           watchers.rounds),
    FAMILY(COUNTER, "watch_connections_lost",
           "Connections that were cut because their watches took too much memory.", watchers.lost),

    FAMILY(COUNTER, "lookups_asked", "Look-ups of places that were begun.", requests.asked),
    FAMILY(COUNTER, "lookups_answered", "Look-ups that were answered, well or not.",
           requests.answered),
    FAMILY(COUNTER, "lookups_failed", "Look-ups that were answered without places.",
           requests.failed),
    FAMILY(COUNTER, "lookup_requests", "Requests sent to places services.", requests.sent),
    FAMILY(COUNTER, "lookup_retries", "Requests that were sent once more.", requests.retried),
    LABELLED(COUNTER, "lookup_faults",
             "Look-ups refused as too many were under way (busy) or an address had its share "
             "(address); not sent to any service; without a reply in time; replies that could "
             "not be read, and to no question.",
             "reason", "busy", requests.busy),
    LABELLED(COUNTER, "lookup_faults", NULL, "reason", "address", connections.lookups_refused),
    FAILED("unreachable", unreachable),
    FAILED("late", late),
    FAILED("nonsense", nonsense),
    FAILED("unknown", unknown),
    FAMILY(GAUGE, "lookups_in_flight", "Look-ups under way.", limits[CLIENT_LIMITS_LOOKUPS].used),
    FAMILY(GAUGE, "lookups_in_flight_limit", "Look-ups under way at most.",
           limits[CLIENT_LIMITS_LOOKUPS].max),

    LABELLED(COUNTER, "table_refused",
             "Locations without room: new clients at max_clients; own locations at "
             "max_table_bytes; own ones without memory; those of other nodes for any of these.",
             "reason", "clients", bus.clients_refused),
    REFUSED("bytes", bus.bytes_refused),
    REFUSED("memory", bus.memory_refused),
    REFUSED("peers", bus.locations_refused),
    LABELLED(COUNTER, "locations_expired", "Locations that came when they were over already.",
             "from", "clients", bus.reports_expired),
    LABELLED(COUNTER, "locations_expired", NULL, "from", "peers", bus.locations_expired),

    LABELLED(COUNTER, "bus_updates", "UPDATE messages.", "direction", "sent", bus.updates_sent),
    LABELLED(COUNTER, "bus_updates", NULL, "direction", "received", bus.updates_received),
    LABELLED(COUNTER, "bus_locations", "Locations in them.", "direction", "sent",
             bus.locations_sent),
    LABELLED(COUNTER, "bus_locations", NULL, "direction", "received", bus.locations_received),
    BUS("locations_news", "Received locations that changed the table.", locations_news),
    BUS("locations_known", "Locations that were not sent because the peer sent them itself.",
        locations_known),
    BUS("locations_late", "Differences of what a declined link did not say, healed by a check.",
        locations_late),
    BUS("locations_invalid", "Received locations that broke a rule, and were skipped.",
        locations_invalid),
    BUS("acks_sent", "ACK messages sent.", acks_sent),
    LABELLED(COUNTER, "bus_dropped",
             "What was not taken: bytes that are no message; of a process that is not there; that "
             "name another process for ours; of several frames; under a name that is no "
             "neighbour's; of processes that come too fast; locations of an origin that is no "
             "node, or of an observer; questions of range checks beyond their pace.",
             "reason", "malformed", bus.messages_malformed),
    DROPPED("strange", bus.messages_strange),
    DROPPED("misnamed", bus.messages_misnamed),
    DROPPED("multipart", multiparts),
    DROPPED("stranger", strangers),
    DROPPED("hello_early", bus.hellos_early),
    DROPPED("origin", bus.origins_refused),
    DROPPED("observer", bus.observers_refused),
    DROPPED("check", bus.checks_dropped),
    BUS("gaps", "Messages of a peer that were missing.", gaps),
    BUS("rewinds", "Times that something was sent once more.", rewinds),
    BUS("incarnation_changes", "Processes of peers that took another's place.",
        incarnation_changes),
    BUS("refusals", "HELLOs that were refused.", refusals),
    BUS("digest_faults", "Ranges of two tables that were equal and differed.", digest_faults),
    LABELLED(COUNTER, "bus_range_messages", "Messages of range checks that were sent.", "type",
             "check", bus.checks_sent),
    REPAIR("list", lists_sent),
    REPAIR("want", wants_sent),
    BUS("resyncs", "Processes that were met, and whose tables were compared with ours.", resyncs),
    BUS("resyncs_given_up", "Those of them that were told everything.", resyncs_given_up),
    FAMILY(COUNTER, "bus_keys_refused", "Connections to the bus whose key is nobody's.",
           keys_refused),
    FAMILY(COUNTER, "bus_impostors", "Messages whose key is not that of the name they came under.",
           impostors),
    FAMILY(COUNTER, "clock_steps", "Jumps of this machine's wall clock.", bus.clock_steps),
    LABELLED(COUNTER, "clocks_off", "Times that a clock was found more than 1 s off the herd's.",
             "whose", "own", bus.clocks_off),
    LABELLED(COUNTER, "clocks_off", NULL, "whose", "peer", bus.peer_clocks_off),
    LABELLED(COUNTER, "clock_lists_dropped",
             "Lists of clocks that were not read, or not all of them: an older one came late, it "
             "did not begin with its sender's, or it had waited on the way.",
             "reason", "late", bus.clocks_late),
    LABELLED(COUNTER, "clock_lists_dropped", NULL, "reason", "strange", bus.clocks_strange),
    LABELLED(COUNTER, "clock_lists_dropped", NULL, "reason", "delayed", bus.clocks_delayed),

    FAMILY(COUNTER, "operator_requests", "Requests of operators that were begun.",
           operators.requests),
    LABELLED(COUNTER, "operator_requests_refused",
             "Requests of operators that were refused with a reason, that were none, or that came "
             "too fast.",
             "reason", "refused", operators.refused),
    LABELLED(COUNTER, "operator_requests_refused", NULL, "reason", "malformed",
             operators.malformed),
    LABELLED(COUNTER, "operator_requests_refused", NULL, "reason", "rate", operators.dropped),
    LABELLED(COUNTER, "operator_requests_refused", NULL, "reason", "queue", requests_dropped),

    FAMILY(COUNTER, "log_lost_bytes", "Bytes of the log that could not be written.",
           log_bytes_lost),
    FAMILY(COUNTER, "log_lines_refused", "Lines of the log beyond its rate.", log_lines_refused),
    LABELLED(COUNTER, "monitor_requests", "Requests for these pages, answered or refused.",
             "outcome", "answered", monitor_answers),
    LABELLED(COUNTER, "monitor_requests", NULL, "outcome", "refused", monitor_refused),
    FAMILY(COUNTER, "monitor_cut", "Connections for these pages that were cut.", monitor_cut),
};

#define FAILED_TLS(value, reason)                                                                  \
    LABELLED(COUNTER, "tls_handshakes_failed", NULL, "reason", value,                              \
             handshakes.failed[HANDSHAKES_##reason])
#define REFUSED_TLS(value, verdict)                                                                \
    LABELLED(COUNTER, "tls_connections_refused", NULL, "reason", value,                            \
             handshakes.refused[HANDSHAKES_##verdict])

static const struct row tls_rows[] = {
    FAMILY(COUNTER, "tls_handshakes_done", "Handshakes of TLS that were finished.",
           handshakes.done),
    FAMILY(COUNTER, "tls_handshakes_resumed",
           "Those of them that went by a ticket of an earlier connection.", handshakes.resumed),
    LABELLED(
        COUNTER, "tls_handshakes_failed",
        "Handshakes of TLS that came to nothing: they took too long; they were silent and gave "
        "way to others; the client left; what "
        "came is no TLS; no version, cipher or group in common; no good certificate of the "
        "client; another fault.",
        "reason", "late", handshakes.failed[HANDSHAKES_LATE]),
    FAILED_TLS("silent", SILENT),
    FAILED_TLS("left", LEFT),
    FAILED_TLS("not_tls", NOT_TLS),
    FAILED_TLS("nothing_shared", NOTHING_SHARED),
    FAILED_TLS("no_certificate", NO_CERTIFICATE),
    FAILED_TLS("other", OTHER),
    LABELLED(COUNTER, "tls_connections_refused",
             "Connections that were closed before their handshake: too many in TLS or of "
             "handshakes under way, in all or of their address, or begun too fast by it.",
             "reason", "full", handshakes.refused[HANDSHAKES_FULL]),
    REFUSED_TLS("address", ADDRESS_FULL),
    REFUSED_TLS("rate", TOO_FAST),
};

static const struct row journal_rows[] = {
    FAMILY(COUNTER, "journal_batches", "Batches that were written and synced, or were to be.",
           journal_batches),
    FAMILY(COUNTER, "journal_batches_failed", "Those that the disk did not take.", journal_failed),
    LABELLED(COUNTER, "journal_segments",
             "Files of the journal that were made and removed, and "
             "that could not be.",
             "event", "made", segments_made),
    SEGMENTS("not_made", segments_not_made),
    SEGMENTS("removed", segments_removed),
    SEGMENTS("not_removed", segments_not_removed),
};

static uint64_t value_of(const struct node_figures *figures, const struct row *row)
{
    uint64_t value;
    memcpy(&value, (const char *)figures + row->offset, sizeof value);
    return value;
}

static void put_rows(struct metrics *metrics, const struct node_figures *figures,
                     const struct row *from, size_t count)
{
    for (const struct row *row = from; row < from + count; row++) {
        struct metrics_labels labels = {{{row->label, span_of(row->value ? row->value : "")}}};
        if (row->help != NULL)
            metrics_family(metrics, row->kind, row->family, row->help);
        metrics_count(metrics, &labels, value_of(figures, row));
    }
}

/* ---- the node ---- */

static void put_info(struct metrics *metrics, const struct node_figures *figures)
{
    char incarnation[17], topology[17];
    snprintf(incarnation, sizeof incarnation, "%016" PRIx64, figures->incarnation);
    snprintf(topology, sizeof topology, "%016" PRIx64, figures->status->topology);
    metrics_family(metrics, METRICS_GAUGE, "zherd_node_info",
                   "1, for what the node is: herds, and nodes of one herd, differ in it.");
    metrics_count(metrics,
                  METRICS_LABELS({"herd", span_of(figures->topology->herd)},
                                 {"node", span_of(figures->self->name)},
                                 {"incarnation", span_of(incarnation)},
                                 {"topology", span_of(topology)}),
                  1);
}

static void put_state(struct metrics *metrics, const struct node_figures *figures)
{
    metrics_family(metrics, METRICS_GAUGE, "zherd_phase",
                   "1 for what the node is in, between its start and its end.");
    for (unsigned i = 0; i <= PHASE_OVER; i++)
        metrics_count(metrics, METRICS_LABELS({"phase", span_of(phases_name((enum phase)i))}),
                      i == figures->phase);
    metrics_one(metrics, METRICS_GAUGE, "zherd_config_reload_success",
                "Whether what HUP read last was taken; 1 before the first.",
                figures->reload_failed == 0);
    metrics_family(metrics, METRICS_GAUGE, "zherd_config_reload_success_timestamp_seconds",
                   "When the topology was read that the node runs by, in Unix time.");
    metrics_nanos(metrics, NULL, figures->reloaded_ns);
}

static void put_table(struct metrics *metrics, const struct operate_status *status)
{
    metrics_one(metrics, METRICS_GAUGE, "zherd_table_clients", "Clients that are known.",
                status->clients);
    metrics_one(metrics, METRICS_GAUGE, "zherd_table_clients_limit",
                "Clients at which new ones are refused.", status->clients_max);
    metrics_one(metrics, METRICS_GAUGE, "zherd_table_bytes", "Memory of the table.",
                status->table_bytes);
    metrics_one(metrics, METRICS_GAUGE, "zherd_table_limit_bytes",
                "Memory of the table at most; 0: any.", status->table_bytes_max);
    metrics_one(metrics, METRICS_GAUGE, "zherd_table_above_ceiling",
                "Locations from the future, which lose to any other.", status->above);
    metrics_one(metrics, METRICS_GAUGE, "zherd_connections_watching",
                "Connections that watch something.", status->watchers);
    metrics_family(metrics, METRICS_GAUGE, "zherd_clock_offset_seconds",
                   "This machine's wall clock minus the herd's time.");
    metrics_nanos(metrics, NULL, status->offset_ns);
    metrics_one(metrics, METRICS_GAUGE, "zherd_clock_votes",
                "Clocks that make the herd's time; 0: nobody knows it.", status->votes);
}

static void put_journal(struct metrics *metrics, const struct node_figures *figures)
{
    const struct operate_status *status = figures->status;
    if (!figures->has_journal)
        return;
    metrics_one(metrics, METRICS_GAUGE, "zherd_journal_up",
                "Whether the disk took what was written last.",
                status->journal != WIRE_JOURNAL_FAILED);
    metrics_one(metrics, METRICS_GAUGE, "zherd_journal_due",
                "Clients whose newest position is not known to be on the disk.",
                status->journal_due);
    metrics_family(metrics, METRICS_GAUGE, "zherd_journal_lag_seconds",
                   "How long the first of them has waited, at most.");
    metrics_nanos(metrics, NULL, (int64_t)status->journal_age_ms * NS_PER_MS);
    put_rows(metrics, figures, journal_rows, sizeof journal_rows / sizeof *journal_rows);
    metrics_family(metrics, METRICS_HISTOGRAM, "zherd_journal_sync_seconds",
                   "How long writing and syncing a batch took.");
    metrics_histogram(metrics, NULL, &figures->syncs);
}

static void put_times(struct metrics *metrics, const struct node_figures *figures)
{
    const struct delays *delays = figures->delays;
    metrics_family(metrics, METRICS_HISTOGRAM, "zherd_reply_seconds",
                   "For each command, from when the loop began to serve clients in its turn until "
                   "the replies of the turn were written; without what is waited for.");
    metrics_histogram(metrics, NULL, figures->replies);
    if (figures->topology->places_count > 0) {
        metrics_family(metrics, METRICS_HISTOGRAM, "zherd_lookup_seconds",
                       "From the question for places to the answer.");
        metrics_histogram(metrics, NULL, &figures->requests.time);
    }
    metrics_family(metrics, METRICS_HISTOGRAM, "zherd_propagation_seconds",
                   "From when a node accepted a position until it was here, in the herd's time, of "
                   "one position of each UPDATE; by the node that accepted it.");
    for (size_t i = 0; i < delays->count; i++)
        metrics_histogram(metrics, METRICS_LABELS({"origin", span_of(delays->origins[i].name)}),
                          &delays->origins[i].time);
    metrics_histogram(metrics, METRICS_LABELS({"origin", span_of("other")}), &delays->other);
}

/* ---- links ---- */

enum link_figure {
    LINK_FIGURE_UP,
    LINK_FIGURE_DIFFERS,
    LINK_FIGURE_DUE,
    LINK_FIGURE_IN_FLIGHT,
    LINK_FIGURE_SETTLED,
    LINK_FIGURE_LAG,
    LINK_FIGURE_MET,
    LINK_FIGURE_COMPARED,
    LINK_FIGURE_CHANGES,
    LINK_FIGURE_ACKED,
    LINK_FIGURE_RECEIVED,
    LINK_FIGURES
};

static const struct {
    enum metrics_kind kind;
    const char *family, *help;
} link_families[LINK_FIGURES] = {
    [LINK_FIGURE_UP] = {METRICS_GAUGE, "zherd_link_up", "Whether the link is up."},
    [LINK_FIGURE_DIFFERS] = {METRICS_GAUGE, "zherd_link_differs",
                             "Whether a range of both tables differs that was equal."},
    [LINK_FIGURE_DUE] = {METRICS_GAUGE, "zherd_link_due", "Changes that wait to be sent."},
    [LINK_FIGURE_IN_FLIGHT] = {METRICS_GAUGE, "zherd_link_in_flight",
                               "UPDATE messages that are not acknowledged yet."},
    [LINK_FIGURE_SETTLED] = {METRICS_GAUGE, "zherd_link_settled_ratio",
                             "The part of all ranges that both ends were seen to hold alike."},
    [LINK_FIGURE_LAG] = {METRICS_GAUGE, "zherd_link_lag_seconds",
                         "Until what waits is acknowledged, as it was last."},
    [LINK_FIGURE_MET] = {METRICS_GAUGE, "zherd_link_met_age_seconds",
                         "Since the peer's process was first heard of; 0: there is none."},
    [LINK_FIGURE_COMPARED] = {METRICS_GAUGE, "zherd_link_compared_age_seconds",
                              "Since both whole tables were compared; not there before."},
    [LINK_FIGURE_CHANGES] = {METRICS_COUNTER, "zherd_link_changes",
                             "Changes that were to be sent to the peer's process."},
    [LINK_FIGURE_ACKED] = {METRICS_COUNTER, "zherd_link_acked",
                           "Those of them that it acknowledged."},
    [LINK_FIGURE_RECEIVED] = {METRICS_COUNTER, "zherd_link_received",
                              "Changes that the peer's process sent us."},
};

static void put_link(struct metrics *metrics, enum link_figure figure, const struct flood_link *it,
                     const struct metrics_labels *labels)
{
    const uint64_t counts[LINK_FIGURES] = {
        [LINK_FIGURE_UP] = it->up,
        [LINK_FIGURE_DIFFERS] = it->differs,
        [LINK_FIGURE_DUE] = it->due,
        [LINK_FIGURE_IN_FLIGHT] = it->in_flight,
        [LINK_FIGURE_CHANGES] = it->head,
        [LINK_FIGURE_ACKED] = it->acked,
        [LINK_FIGURE_RECEIVED] = it->received,
    };
    switch (figure) {
    case LINK_FIGURE_SETTLED:
        metrics_nanos(metrics, labels, (int64_t)it->settled * 1000 * NS_PER_MS / TABLE_RANGES);
        break;
    case LINK_FIGURE_LAG:
        metrics_nanos(metrics, labels, (int64_t)it->lag_ms * NS_PER_MS);
        break;
    case LINK_FIGURE_MET:
        metrics_nanos(metrics, labels, (int64_t)it->met_age_ms * NS_PER_MS);
        break;
    case LINK_FIGURE_COMPARED:
        if (it->compared_age_ms != UINT64_MAX)
            metrics_nanos(metrics, labels, (int64_t)it->compared_age_ms * NS_PER_MS);
        break;
    default:
        metrics_count(metrics, labels, counts[figure]);
        break;
    }
}

static void put_links(struct metrics *metrics, const struct node_figures *figures)
{
    for (int figure = 0; figure < LINK_FIGURES; figure++) {
        metrics_family(metrics, link_families[figure].kind, link_families[figure].family,
                       link_families[figure].help);
        for (size_t i = 0; i < figures->link_count; i++) {
            const struct flood_link *link = &figures->links[i];
            put_link(
                metrics, (enum link_figure)figure, link,
                METRICS_LABELS({"peer", link->name},
                               {"kind", span_of(link->is_observer ? "observer" : "neighbour")}));
        }
    }
}

/* ---- reasons ---- */

static void put_reason(struct metrics *metrics, const char *word, uint64_t times)
{
    metrics_count(metrics, METRICS_LABELS({"reason", span_of(word)}), times);
}

static void put_reasons(struct metrics *metrics, const struct reasons_counters *reasons)
{
    metrics_family(metrics, METRICS_COUNTER, "zherd_commands_refused",
                   "Commands that were answered by ?, by the words that the log has for it.");
    for (int i = 0; i < REFUSALS; i++)
        put_reason(metrics, reasons_refusal((enum refusal)i), reasons->refusals[i]);
    metrics_family(
        metrics, METRICS_COUNTER, "zherd_connections_ended",
        "Connections of clients that ended, by the words that the log has for it; closed by "
        "limits: stuck, late, lines, replies, silent, watches.");
    for (int i = 0; i < ENDINGS; i++)
        put_reason(metrics, reasons_ending((enum ending)i), reasons->endings[i]);
    metrics_family(metrics, METRICS_COUNTER, "zherd_links_parted",
                   "Links that were up and went down, by the words that the log has for it.");
    for (int i = 0; i < PARTINGS; i++)
        put_reason(metrics, reasons_parting((enum parting)i), reasons->partings[i]);
}

static void put_places(struct metrics *metrics, const struct operate_status *status)
{
    metrics_family(metrics, METRICS_GAUGE, "zherd_places_up",
                   "Whether there is a connection to the places service.");
    for (uint32_t i = 0; i < status->broker_count; i++)
        metrics_count(metrics, METRICS_LABELS({"places", status->brokers[i].endpoint}),
                      status->brokers[i].up);
}

void node_write_metrics(const struct node_figures *figures, enum metrics_form form,
                        struct buffer *out)
{
    struct metrics metrics = metrics_begin(form, out);
    process_metrics(&metrics, "zherd-gateway", ZHERD_VERSION, figures->commit, &figures->process);
    put_info(&metrics, figures);
    put_state(&metrics, figures);
    put_table(&metrics, figures->status);
    put_rows(&metrics, figures, rows, sizeof rows / sizeof *rows);
    if (figures->has_tls)
        put_rows(&metrics, figures, tls_rows, sizeof tls_rows / sizeof *tls_rows);
    put_reasons(&metrics, &figures->reasons);
    put_journal(&metrics, figures);
    put_times(&metrics, figures);
    put_links(&metrics, figures);
    put_places(&metrics, figures->status);
    metrics_end(&metrics);
}
