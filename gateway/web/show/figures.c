#include "gateway/web/show/figures.h"

#include <inttypes.h>
#include <stdio.h>

#include "gateway/web/show/geojson.h"

#define HEALTH_BYTES_MAX 768
#define COUNT_BYTES_MAX  16

void web_write_metrics(const struct web_figures *figures, enum metrics_form form,
                       struct buffer *page)
{
    const struct relay_figures *relay = &figures->relay;
    const struct stream_figures *stream = &figures->stream;
    const struct {
        enum metrics_kind kind;
        const char *name, *help;
        uint64_t value;
    } rows[] = {
        {METRICS_COUNTER, "zherd_web_positions_accepted", "Positions that were taken of trackers.",
         figures->count.accepted},
        {METRICS_COUNTER, "zherd_web_uploads_skipped", "What an app sends and is no position.",
         figures->count.skipped},
        {METRICS_COUNTER, "zherd_web_requests_refused", "Requests that were no good.",
         figures->count.refused},
        {METRICS_COUNTER, "zherd_web_positions_answered", "Positions that the node answered by AT.",
         relay->answered},
        {METRICS_COUNTER, "zherd_web_positions_declined",
         "Positions that the node answered by a question mark.", relay->refused},
        {METRICS_COUNTER, "zherd_web_positions_replaced",
         "Positions that waited for the node and had a newer one.", relay->replaced},
        {METRICS_COUNTER, "zherd_web_uploads_turned_down", "Uploads for which there was no room.",
         relay->turned_down},
        {METRICS_COUNTER, "zherd_web_requests_denied",
         "Requests that the access rules do not allow.", figures->count.denied},
        {METRICS_COUNTER, "zherd_web_positions_too_fast",
         "Positions that had to wait for the rate of the access rules.", figures->count.too_fast},
        {METRICS_GAUGE, "zherd_web_positions_held",
         "Positions that wait for the rate of the access rules.", figures->held},
        {METRICS_GAUGE, "zherd_web_positions_waiting",
         "Positions that were said to the node and have no answer yet.", relay->waiting},
        {METRICS_GAUGE, "zherd_web_positions_remembered",
         "Clients whose newest position waits for the node.", relay->remembered},
        {METRICS_GAUGE, "zherd_web_bodies_bytes", "Bodies of more than 64 KiB in memory.",
         figures->body_bytes},
        {METRICS_GAUGE, "zherd_web_connections", "Connections, but for viewers of events.",
         figures->connections},
        {METRICS_COUNTER, "zherd_web_answers", "Answers about positions that were begun.",
         figures->count.shown},
        {METRICS_GAUGE, "zherd_web_pages", "Of them those that are being written a part at a time.",
         figures->pages},
        {METRICS_COUNTER, "zherd_web_lookups", "Look-ups of places that the node was asked for.",
         figures->count.asked},
        {METRICS_GAUGE, "zherd_web_viewers", "Viewers of events.", stream->viewers},
        {METRICS_GAUGE, "zherd_web_audiences", "Logs of events, one for those who see the same.",
         stream->audiences},
        {METRICS_COUNTER, "zherd_web_events_moves", "Clients in events that came or moved.",
         stream->moves},
        {METRICS_COUNTER, "zherd_web_events_gones",
         "Clients in events that were forgotten or expired.", stream->gones},
        {METRICS_COUNTER, "zherd_web_events_resumed", "Viewers that went on where they were.",
         stream->resumed},
        {METRICS_COUNTER, "zherd_web_events_resets",
         "Viewers that were told to read all clients again.", stream->resets},
        {METRICS_COUNTER, "zherd_web_events_bytes", "Bytes of events that viewers took.",
         stream->bytes},
        {METRICS_GAUGE, "zherd_web_node_open", "Whether the node takes positions.",
         figures->is_open},
        {METRICS_GAUGE, "zherd_web_node_heard", "Whether the node's bus is heard.",
         figures->is_heard},
        {METRICS_GAUGE, "zherd_web_ready",
         "Whether the node takes positions, and all clients were heard of once.",
         figures->is_open && figures->is_complete},
        {METRICS_GAUGE, "zherd_web_clients", "Clients of which a position is known.",
         figures->clients}, /* the last one, so that it can be hidden */
    };
    struct metrics metrics = metrics_begin(form, page);
    for (size_t i = 0; i < sizeof rows / sizeof *rows - figures->hides_clients; i++)
        metrics_one(&metrics, rows[i].kind, rows[i].name, rows[i].help, rows[i].value);
    process_metrics(&metrics, "zherd-web", ZHERD_VERSION, figures->commit, &figures->process);
    metrics_end(&metrics);
}

static const char *word(bool is_true)
{
    return is_true ? "true" : "false";
}

static void write_count(const uint32_t *clients, char text[COUNT_BYTES_MAX])
{
    if (clients == NULL)
        snprintf(text, COUNT_BYTES_MAX, "null");
    else
        snprintf(text, COUNT_BYTES_MAX, "%" PRIu32, *clients);
}

void web_write_health(const struct web_figures *figures, struct buffer *page)
{
    char text[HEALTH_BYTES_MAX];
    const struct relay_figures *relay = &figures->relay;
    char count[COUNT_BYTES_MAX];
    write_count(figures->hides_clients ? NULL : &figures->clients, count);
    snprintf(text, sizeof text,
             "{\"node\":%s,\"accepted\":%" PRIu64 ",\"skipped\":%" PRIu64 ",\"refused\":%" PRIu64
             ",\"answered\":%" PRIu64 ",\"declined\":%" PRIu64 ",\"replaced\":%" PRIu64
             ",\"turned_down\":%" PRIu64 ",\"denied\":%" PRIu64 ",\"too_fast\":%" PRIu64
             ",\"waiting\":%zu,\"remembered\":%zu,\"held\":%zu,\"body_bytes\":%zu"
             ",\"heard\":%s,\"complete\":%s,\"clients\":%s,\"viewers\":%zu}\n",
             word(figures->is_open), figures->count.accepted, figures->count.skipped,
             figures->count.refused, relay->answered, relay->refused, relay->replaced,
             relay->turned_down, figures->count.denied, figures->count.too_fast, relay->waiting,
             relay->remembered, figures->held, figures->body_bytes, word(figures->is_heard),
             word(figures->is_complete), count, figures->stream.viewers);
    buffer_append(page, span_of(text));
}

static void put_names(struct buffer *out, const char *begin, const char *name, const char *end)
{
    buffer_append(out, span_of(begin));
    geojson_put_text(out, span_of(name));
    buffer_append(out, span_of(end));
}

void web_write_graph(const struct topology *topology, struct buffer *out)
{
    const struct topology_node *nodes = topology->nodes;
    buffer_append(out, span_of("{\"nodes\":["));
    for (size_t i = 0; i < topology->node_count; i++)
        put_names(out, i == 0 ? "" : ",", nodes[i].name, "");
    buffer_append(out, span_of("],\"links\":["));
    for (size_t i = 0; i < topology->link_count; i++) {
        put_names(out, i == 0 ? "[" : ",[", nodes[topology->links[i].a].name, ",");
        put_names(out, "", nodes[topology->links[i].b].name, "]");
    }
    buffer_append(out, span_of("]}\n"));
}

void web_write_herd(const struct topology *topology, const struct topology_node *node,
                    bool is_heard, const uint32_t *clients, const struct flood_status *status,
                    struct buffer *out)
{
    char text[HEALTH_BYTES_MAX];
    buffer_append(out, span_of("{\"node\":"));
    geojson_put_text(out, span_of(node->name));
    char count[COUNT_BYTES_MAX];
    write_count(clients, count);
    snprintf(text, sizeof text, ",\"up\":%s,\"clients\":%s,\"links\":[", word(is_heard), count);
    buffer_append(out, span_of(text));
    bool is_first = true;
    for (size_t i = 0; status != NULL && i < status->link_count; i++) {
        const struct flood_status_link *link = &status->links[i];
        if (topology_find(topology, link->name) < 0)
            continue; /* an observer */
        buffer_append(out, span_of(is_first ? "{\"name\":" : ",{\"name\":"));
        geojson_put_text(out, span_of(link->name));
        buffer_append(out, span_of(link->up ? ",\"up\":true}" : ",\"up\":false}"));
        is_first = false;
    }
    buffer_append(out, span_of("]}"));
}
