#include "topology/format/status_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/base/printable.h"
#include "topology/format/overview.h"

#define TEXT_BYTES_MAX 512
#define NS_PER_MS      1000000

/* Of a name, a reason or a version that came from a node. */
json_t *status_json_text(struct span bytes)
{
    char text[TEXT_BYTES_MAX];
    size_t count = bytes.len < sizeof text - 1 ? bytes.len : sizeof text - 1;
    for (size_t i = 0; i < count; i++)
        text[i] = printable(bytes.data[i]);
    return json_stringn(text, count);
}

/* JSON has no larger ones that everybody reads. */
json_t *status_json_count(uint64_t count)
{
    return json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count);
}

json_t *status_json_age(uint64_t age_ms)
{
    return age_ms == WIRE_NEVER ? json_null() : status_json_count(age_ms);
}

json_t *status_json_hex(uint64_t number)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, number);
    return json_string(text);
}

void status_json_put(json_t *object, const char *key, json_t *value)
{
    if (value == NULL || json_object_set_new(object, key, value) != 0)
        bytes_refused(TEXT_BYTES_MAX);
}

void status_json_push(json_t *array, json_t *value)
{
    if (value == NULL || json_array_append_new(array, value) != 0)
        bytes_refused(TEXT_BYTES_MAX);
}

static void put_load(json_t *node, const struct operate_status *said)
{
    status_json_put(node, "digest", status_json_hex(said->digest));
    status_json_put(node, "clients", status_json_count(said->clients));
    status_json_put(node, "clients_max", status_json_count(said->clients_max));
    status_json_put(node, "table_bytes", status_json_count(said->table_bytes));
    status_json_put(node, "table_bytes_max",
                    said->table_bytes_max > 0 ? status_json_count(said->table_bytes_max)
                                              : json_null());
    status_json_put(node, "refused", status_json_count(said->refused));
    status_json_put(node, "above_ceiling", status_json_count(said->above));
    status_json_put(node, "connections", status_json_count(said->connections));
    status_json_put(node, "connections_max", status_json_count(said->connections_max));
    status_json_put(node, "watchers", status_json_count(said->watchers));
    status_json_put(node, "memory_bytes", status_json_count(said->memory_bytes));
}

static void put_rates(json_t *node, const struct operate_status *said)
{
    status_json_put(node, "commands", status_json_count(said->commands));
    status_json_put(node, "iamat", status_json_count(said->iamats));
    status_json_put(node, "whatsat", status_json_count(said->whatsats));
    status_json_put(node, "nearby", status_json_count(said->nearbys));
    status_json_put(node, "invalid", status_json_count(said->invalid));
    status_json_put(node, "commands_per_s", status_json_count(said->commands_per_s));
    status_json_put(node, "sent_per_s", status_json_count(said->sent_per_s));
    status_json_put(node, "received_per_s", status_json_count(said->received_per_s));
    status_json_put(node, "lag_ms", status_json_count(overview_lag_ms(said)));
    status_json_put(node, "lookups", status_json_count(said->lookups));
    status_json_put(node, "lookups_failed", status_json_count(said->lookups_failed));
    status_json_put(node, "lookups_waiting", status_json_count(said->lookups_waiting));
    status_json_put(node, "lookups_p99_ms", status_json_age(said->lookups_p99_ms));
}

static json_t *journal_of(const struct operate_status *said)
{
    json_t *journal = json_object();
    if (said->journal == WIRE_JOURNAL_NONE) {
        json_decref(journal);
        return json_null();
    }
    status_json_put(journal, "failed", json_boolean(said->journal == WIRE_JOURNAL_FAILED));
    status_json_put(journal, "due", status_json_count(said->journal_due));
    status_json_put(journal, "age_ms", status_json_count(said->journal_age_ms));
    return journal;
}

void status_json_node(json_t *node, const struct operate_status *said)
{
    status_json_put(node, "version", status_json_text(said->version));
    status_json_put(node, "uptime_ms", status_json_count(said->uptime_ms));
    status_json_put(node, "topology", status_json_hex(said->topology));
    status_json_put(node, "clock_offset_ms", json_integer(said->offset_ns / NS_PER_MS));
    status_json_put(node, "clock_votes", status_json_count(said->votes));
    status_json_put(node, "journal", journal_of(said));
    put_load(node, said);
    put_rates(node, said);
}

void status_json_link(json_t *link, const struct operate_link *said)
{
    status_json_put(link, "up", json_boolean(said->up));
    status_json_put(link, "why",
                    said->up || said->why.len == 0 ? json_null() : status_json_text(said->why));
    status_json_put(link, "lag_ms", status_json_count(said->lag_ms));
    status_json_put(link, "per_s", status_json_count(said->per_s));
    status_json_put(link, "due", status_json_count(said->due));
    status_json_put(link, "in_flight", status_json_count(said->in_flight));
    status_json_put(link, "differs", json_boolean(said->differs));
    status_json_put(link, "compared_age_ms", status_json_age(said->compared_age_ms));
}

static json_t *hosts_of(const struct operate_broker *said)
{
    json_t *hosts = json_array();
    for (uint32_t i = 0; i < said->host_count; i++) {
        json_t *host = json_object();
        status_json_put(host, "address", status_json_text(said->hosts[i].address));
        status_json_put(host, "workers", status_json_count(said->hosts[i].workers));
        status_json_push(hosts, host);
    }
    return hosts;
}

void status_json_broker(json_t *places, const struct operate_broker *said)
{
    status_json_put(places, "asked", status_json_count(said->asked));
    status_json_put(places, "hits", status_json_count(said->hits));
    status_json_put(places, "joined", status_json_count(said->joined));
    status_json_put(places, "stale", status_json_count(said->stale));
    status_json_put(places, "failures", status_json_count(said->failures));
    status_json_put(places, "cache_entries", status_json_count(said->kept));
    status_json_put(places, "cache_bytes", status_json_count(said->kept_bytes));
    status_json_put(places, "workers", status_json_count(said->workers));
    status_json_put(places, "workers_at", hosts_of(said));
    status_json_put(places, "breaker_open_ms", status_json_count(said->paused_ms));
    status_json_put(places, "budget_spent", status_json_count(said->spent));
    status_json_put(places, "budget",
                    said->budget > 0 ? status_json_count(said->budget) : json_null());
}

void status_json_write(json_t *whole, struct buffer *out)
{
    char *text = json_dumps(whole, JSON_INDENT(2));
    if (text == NULL)
        bytes_refused(TEXT_BYTES_MAX);
    buffer_append(out, span_of(text));
    buffer_append(out, span_of("\n"));
    free(text);
    json_decref(whole);
}
