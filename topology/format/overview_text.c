/* The overview as lines for people. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/printable.h"
#include "bus/base/timestamp.h"
#include "topology/format/overview.h"

#define LINE_BYTES_MAX 2048
#define TEXT_BYTES_MAX 32

#define KIB 1024.0

/* One column of numbers, right-aligned. */
#define NUMBER " %9" PRIu64

struct writing {
    const struct overview *overview;
    struct buffer *out;
    size_t lines;
    int name_width, link_width;
};

__attribute__((format(printf, 2, 3))) static void put_line(struct writing *writing,
                                                           const char *format, ...)
{
    char line[LINE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    printable_make(line);
    size_t bytes = strlen(line);
    while (bytes > 0 && line[bytes - 1] == ' ')
        bytes--;
    buffer_append(writing->out, (struct span){line, bytes});
    buffer_append(writing->out, span_of("\n"));
    writing->lines++;
}

static const char *name_of(const struct writing *writing, uint32_t node)
{
    return overview_topology(writing->overview)->nodes[node].name;
}

/* "3d 4h", "4h 12m", "12m 5s", "5s". */
static const char *show_age(uint64_t age_ms, char text[TEXT_BYTES_MAX])
{
    uint64_t s = age_ms / 1000;
    if (s >= 86400)
        snprintf(text, TEXT_BYTES_MAX, "%" PRIu64 "d %" PRIu64 "h", s / 86400, s / 3600 % 24);
    else if (s >= 3600)
        snprintf(text, TEXT_BYTES_MAX, "%" PRIu64 "h %" PRIu64 "m", s / 3600, s / 60 % 60);
    else if (s >= 60)
        snprintf(text, TEXT_BYTES_MAX, "%" PRIu64 "m %" PRIu64 "s", s / 60, s % 60);
    else
        snprintf(text, TEXT_BYTES_MAX, "%" PRIu64 "s", s);
    return text;
}

static const char *show_ms(uint64_t ms, char text[TEXT_BYTES_MAX])
{
    if (ms == WIRE_NEVER)
        snprintf(text, TEXT_BYTES_MAX, "-");
    else
        snprintf(text, TEXT_BYTES_MAX, "%" PRIu64 " ms", ms);
    return text;
}

/* ---- the head ---- */

static void put_head(struct writing *writing)
{
    const struct topology *topology = overview_topology(writing->overview);
    struct overview_verdict verdict = overview_judge(writing->overview);
    size_t equal = 0, waiting = 0;
    for (size_t i = 0; i < topology->link_count; i++) {
        equal += overview_link(writing->overview, i).tables == OVERVIEW_EQUAL;
        waiting += overview_link(writing->overview, i).tables == OVERVIEW_NOT_COMPARED;
    }
    put_line(
        writing,
        "herd %s: %zu of %zu nodes answer; %zu of %zu links up; tables: %zu equal, %zu differ, "
        "%zu not compared; %zu of %zu places services well",
        topology->herd, verdict.answered, topology->node_count,
        topology->link_count - verdict.links_bad, topology->link_count, equal, verdict.differ,
        waiting, topology->places_count - verdict.places_bad, topology->places_count);
}

/* ---- nodes ---- */

static void put_silent(struct writing *writing, uint32_t index, char mark)
{
    const struct overview_node *node = overview_node(writing->overview, index);
    struct overview_heard heard = overview_heard(writing->overview, index);
    put_line(writing, "%c%-*s %-7s up for %zu of %zu neighbours; %s", mark, writing->name_width,
             name_of(writing, index), "silent", heard.up, heard.said, node->why);
}

static void put_node(struct writing *writing, uint32_t index, char mark)
{
    const struct operate_status *said = overview_node(writing->overview, index)->said;
    char links[TEXT_BYTES_MAX], lag[TEXT_BYTES_MAX], p99[TEXT_BYTES_MAX], age[TEXT_BYTES_MAX];
    if (said == NULL) {
        put_silent(writing, index, mark);
        return;
    }
    size_t up = 0, all = 0;
    for (uint32_t i = 0; i < said->link_count; i++) {
        all += !said->links[i].is_observer;
        up += !said->links[i].is_observer && said->links[i].up;
    }
    snprintf(links, sizeof links, "%zu/%zu", up, all);
    put_line(writing,
             "%c%-*s %-7s %7s" NUMBER " %7" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
             " %8" PRIu64 " %8s %8" PRIu64 " %7" PRIu64 " %8s %8s",
             mark, writing->name_width, name_of(writing, index),
             overview_fault(writing->overview, index) != NULL ? "ill" : "up", links, said->clients,
             said->connections, said->watchers, said->commands_per_s, said->sent_per_s,
             said->received_per_s, show_ms(overview_lag_ms(said), lag), said->lookups,
             said->lookups_failed, show_ms(said->lookups_p99_ms, p99),
             show_age(said->uptime_ms, age));
}

static void put_journal(struct writing *writing, const struct operate_status *said)
{
    if (said->journal == WIRE_JOURNAL_NONE)
        put_line(writing, "    journal: none");
    else
        put_line(writing,
                 "    journal: positions not on the disk %" PRIu64 ", the first for %" PRIu64
                 " ms, the last sync %s",
                 said->journal_due, said->journal_age_ms,
                 said->journal == WIRE_JOURNAL_FAILED ? "failed" : "went well");
}

static void put_details(struct writing *writing, uint32_t index)
{
    const struct operate_status *said = overview_node(writing->overview, index)->said;
    char apart[TIMESTAMP_APART_BYTES_MAX], limit[TEXT_BYTES_MAX] = "no limit";
    if (said == NULL)
        return;
    if (said->table_bytes_max > 0)
        snprintf(limit, sizeof limit, "%" PRIu64, said->table_bytes_max);
    put_line(writing,
             "    digest %016" PRIx64 ", clients %" PRIu64 " of %" PRIu64 ", table bytes %" PRIu64
             " of %s, without room %" PRIu64 ", above the ceiling %" PRIu64,
             said->digest, said->clients, said->clients_max, said->table_bytes, limit,
             said->refused, said->above);
    put_line(writing, "    clock: %s s %s the herd's, votes %" PRIu64,
             timestamp_write_apart(apart, said->offset_ns),
             said->offset_ns < 0 ? "behind" : "ahead of", said->votes);
    put_journal(writing, said);
    put_line(writing,
             "    commands %" PRIu64 ": IAMAT %" PRIu64 ", WHATSAT %" PRIu64 ", NEARBY %" PRIu64
             ", invalid %" PRIu64 "; connections %" PRIu64 " of %" PRIu64
             "; look-ups under way %" PRIu64,
             said->commands, said->iamats, said->whatsats, said->nearbys, said->invalid,
             said->connections, said->connections_max, said->lookups_waiting);
    put_line(writing, "    version %.*s, memory %.1f MiB, file %016" PRIx64 " (%s)",
             (int)said->version.len, said->version.data, (double)said->memory_bytes / KIB / KIB,
             said->topology,
             said->topology == topology_fingerprint(overview_topology(writing->overview))
                 ? "as this one"
                 : "another than this one");
}

static size_t put_nodes(struct writing *writing, const struct overview_view *view)
{
    size_t count = overview_topology(writing->overview)->node_count, line = 0;
    uint32_t *order = bytes_resize(NULL, (count + 1) * sizeof *order);
    overview_order(writing->overview, view->sort, order);
    put_line(writing, " %-*s %-7s %7s %9s %7s %8s %8s %8s %8s %8s %8s %7s %8s %8s",
             writing->name_width, "node", "state", "links", "clients", "conns", "watchers",
             "commands", "sent/s", "recv/s", "lag", "look-ups", "errors", "p99", "up for");
    for (size_t i = 0; i < count; i++) {
        bool is_picked = order[i] == view->picked;
        if (is_picked)
            line = writing->lines;
        put_node(writing, order[i], is_picked ? '>' : ' ');
        if (is_picked || view->all)
            put_details(writing, order[i]);
    }
    free(order);
    return line;
}

/* ---- links ---- */

static uint64_t most(const struct overview_link *link, size_t field)
{
    uint64_t found = 0;
    for (int i = 0; i < 2; i++) {
        uint64_t value = 0;
        if (link->sides[i] != NULL)
            memcpy(&value, (const char *)link->sides[i] + field, sizeof value);
        if (value > found)
            found = value;
    }
    return found;
}

/* What either end says of why it is down. */
static void show_why(const struct writing *writing, const struct overview_link *link,
                     char text[LINE_BYTES_MAX / 2])
{
    size_t bytes = 0;
    text[0] = '\0';
    for (int i = 0; i < 2; i++) {
        const struct operate_link *side = link->sides[i];
        if ((side == NULL || side->up || side->why.len == 0) && !link->lacks[i])
            continue;
        struct span why = link->lacks[i] ? span_of("no such link in its file") : side->why;
        bytes += (size_t)snprintf(
            text + bytes, LINE_BYTES_MAX / 2 - bytes, "%s%s: %.*s", bytes > 0 ? "; " : "",
            name_of(writing, i == 0 ? link->link->a : link->link->b), (int)why.len, why.data);
    }
}

/* "12 of 20 from Alford, 8 from Ball" */
static void show_ways(const struct writing *writing, const struct overview_link *link,
                      char text[LINE_BYTES_MAX / 2])
{
    char all[TEXT_BYTES_MAX];
    size_t bytes = 0;
    text[0] = '\0';
    snprintf(all, sizeof all, " of %zu", overview_topology(writing->overview)->node_count);
    for (int i = 0; i < 2; i++)
        if (link->ways[i] != NULL)
            bytes += (size_t)snprintf(
                text + bytes, LINE_BYTES_MAX / 2 - bytes, "%s%zu%s from %s", bytes > 0 ? ", " : "",
                overview_count_origins(writing->overview, link, i), bytes > 0 ? "" : all,
                name_of(writing, i == 0 ? link->link->a : link->link->b));
}

static const char *show_tables(const struct overview_link *link, char text[TEXT_BYTES_MAX])
{
    if (link->tables == OVERVIEW_DIFFERENT)
        return "differ";
    if (link->tables == OVERVIEW_NOT_COMPARED)
        return "not compared";
    snprintf(text, TEXT_BYTES_MAX, "equal %" PRIu64 ".%" PRIu64 " s ago",
             link->compared_age_ms / 1000, link->compared_age_ms % 1000 / 100);
    return text;
}

static void put_link(struct writing *writing, size_t index)
{
    static const char *const states[] = {
        [OVERVIEW_UP] = "up", [OVERVIEW_DOWN] = "down", [OVERVIEW_UNKNOWN] = "unknown"};
    struct overview_link link = overview_link(writing->overview, index);
    char name[2 * TOPOLOGY_NAME_BYTES_MAX + 2], lag[TEXT_BYTES_MAX], tables[TEXT_BYTES_MAX];
    char why[LINE_BYTES_MAX / 2], ways[LINE_BYTES_MAX / 2];
    snprintf(name, sizeof name, "%s-%s", name_of(writing, link.link->a),
             name_of(writing, link.link->b));
    show_why(writing, &link, why);
    show_ways(writing, &link, ways);
    put_line(writing, " %-*s %-7s %8s %8" PRIu64 " %8" PRIu64 " %9" PRIu64 "  %-16s %s%s%s",
             writing->link_width, name, states[link.state],
             show_ms(most(&link, offsetof(struct operate_link, lag_ms)), lag),
             most(&link, offsetof(struct operate_link, per_s)),
             most(&link, offsetof(struct operate_link, due)),
             most(&link, offsetof(struct operate_link, in_flight)), show_tables(&link, tables),
             ways, ways[0] != '\0' && why[0] != '\0' ? "; " : "", why);
}

/* An observer's link stands there and never counts. */
static void put_observers(struct writing *writing, uint32_t node)
{
    const struct operate_status *said = overview_node(writing->overview, node)->said;
    char name[2 * TOPOLOGY_NAME_BYTES_MAX + 2], lag[TEXT_BYTES_MAX];
    for (uint32_t i = 0; said != NULL && i < said->link_count; i++) {
        const struct operate_link *link = &said->links[i];
        if (!link->is_observer)
            continue;
        snprintf(name, sizeof name, "%s-%.*s", name_of(writing, node), (int)link->name.len,
                 link->name.data);
        put_line(writing, " %-*s %-7s %8s %8" PRIu64 " %8" PRIu64 " %9" PRIu64 "  observer",
                 writing->link_width, name, link->up ? "up" : "away", show_ms(link->lag_ms, lag),
                 link->per_s, link->due, link->in_flight);
    }
}

static void put_links(struct writing *writing)
{
    const struct topology *topology = overview_topology(writing->overview);
    put_line(writing, "%s", "");
    put_line(writing, " %-*s %-7s %8s %8s %8s %9s  %-16s %s", writing->link_width, "link", "state",
             "lag", "rate/s", "due", "in flight", "tables", "carries changes of");
    for (size_t i = 0; i < topology->link_count; i++)
        put_link(writing, i);
    for (uint32_t i = 0; i < topology->node_count; i++)
        put_observers(writing, i);
}

/* ---- places ---- */

static void put_service(struct writing *writing, size_t index)
{
    struct overview_places places = overview_places(writing->overview, index);
    const struct operate_broker *speaks = places.speaks;
    char reached[TEXT_BYTES_MAX], breaker[TEXT_BYTES_MAX] = "closed", budget[TEXT_BYTES_MAX] = "-";
    snprintf(reached, sizeof reached, "%zu/%zu", places.up, places.said);
    if (speaks == NULL) {
        put_line(writing, " %-*s %7s", writing->link_width, places.places->gateways_at.text,
                 reached);
        return;
    }
    if (speaks->paused_ms > 0)
        snprintf(breaker, sizeof breaker, "open %" PRIu64 " s", (speaks->paused_ms + 999) / 1000);
    if (speaks->budget > 0)
        snprintf(budget, sizeof budget, "%" PRIu64 "/%" PRIu64, speaks->spent, speaks->budget);
    put_line(writing,
             " %-*s %7s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
             " %8" PRIu64 "  %-9s %s",
             writing->link_width, places.places->gateways_at.text, reached, speaks->asked,
             speaks->hits, speaks->joined, speaks->stale, speaks->failures, speaks->kept,
             speaks->workers, breaker, budget);
}

/* "2 at 192.0.2.1, 1 at 192.0.2.2" */
static void put_workers(struct writing *writing, const struct operate_broker *speaks)
{
    char line[LINE_BYTES_MAX];
    size_t bytes = 0;
    if (speaks == NULL || speaks->host_count == 0)
        return;
    for (uint32_t i = 0; i < speaks->host_count; i++)
        bytes += (size_t)snprintf(line + bytes, sizeof line - bytes, "%s%" PRIu64 " at %.*s",
                                  i > 0 ? ", " : "", speaks->hosts[i].workers,
                                  (int)speaks->hosts[i].address.len, speaks->hosts[i].address.data);
    put_line(writing, "    workers: %s", line);
}

static void put_places(struct writing *writing, bool all)
{
    size_t count = overview_topology(writing->overview)->places_count;
    if (count == 0)
        return;
    put_line(writing, "%s", "");
    put_line(writing, " %-*s %7s %8s %8s %8s %8s %8s %8s %8s  %-9s %s", writing->link_width,
             "places", "reached", "asked", "hits", "joined", "stale", "errors", "kept", "workers",
             "breaker", "budget");
    for (size_t i = 0; i < count; i++) {
        put_service(writing, i);
        if (all)
            put_workers(writing, overview_places(writing->overview, i).speaks);
    }
}

/* ---- all of it ---- */

static void put_sentence(void *with, const char *sentence)
{
    put_line(with, "%s", sentence);
}

static void measure(struct writing *writing)
{
    const struct topology *topology = overview_topology(writing->overview);
    size_t name = strlen("node"), link = strlen("tcp://127.0.0.1:13500");
    for (size_t i = 0; i < topology->node_count; i++)
        if (strlen(topology->nodes[i].name) > name)
            name = strlen(topology->nodes[i].name);
    for (size_t i = 0; i < topology->link_count; i++) {
        size_t both = strlen(name_of(writing, topology->links[i].a)) + 1 +
                      strlen(name_of(writing, topology->links[i].b));
        link = both > link ? both : link;
    }
    writing->name_width = (int)name;
    writing->link_width = (int)link;
}

size_t overview_write(const struct overview *overview, const struct overview_view *view,
                      struct buffer *out)
{
    struct writing writing = {.overview = overview, .out = out};
    measure(&writing);
    put_head(&writing);
    if (view->all)
        overview_complain(overview, &writing, put_sentence);
    put_line(&writing, "%s", "");
    size_t line = put_nodes(&writing, view);
    put_links(&writing);
    put_places(&writing, view->all);
    if (view->ways) {
        buffer_append(out, span_of("\n"));
        overview_write_ways(overview, out);
    }
    return line;
}
