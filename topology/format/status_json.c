#include "topology/format/status_json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bus/base/printable.h"
#include "topology/format/overview.h"

#define INDENT     2
#define NS_PER_MS  1000000
#define HEX_DIGITS 16
/* "-9223372036854775808" */
#define NUMBER_BYTES_MAX 20
/* Of a name, a reason or a version: what is longer is cut. */
#define TEXT_BYTES_MAX 512

/* ---- what JSON is made of ---- */

static char *append(char *to, const char *bytes, size_t count)
{
    memcpy(to, bytes, count);
    return to + count;
}

/* Room for what comes before a value, and for a value of so many bytes: `begin` and `finish` are
 * all that is needed for one. */
static char *begin(struct status_json *json, const char *key, size_t value_bytes_max)
{
    size_t key_bytes = key != NULL ? strlen(key) : 0, blanks = json->depth * INDENT;
    assert(json->depth > 0 && (key == NULL) == (json->ends[json->depth - 1] == ']'));
    char *to = buffer_reserve(json->out, blanks + key_bytes + value_bytes_max + 8);
    if (!json->is_empty)
        *to++ = ',';
    *to++ = '\n';
    memset(to, ' ', blanks);
    to += blanks;
    if (key != NULL) {
        *to++ = '"';
        to = append(to, key, key_bytes);
        to = append(to, "\": ", 3);
    }
    json->is_empty = false;
    return to;
}

static void finish(struct status_json *json, const char *end)
{
    json->out->len = (size_t)(end - json->out->data);
}

static void put(struct status_json *json, const char *key, const char *value)
{
    size_t bytes = strlen(value);
    finish(json, append(begin(json, key, bytes), value, bytes));
}

static void enter(struct status_json *json, char end)
{
    assert(json->depth < STATUS_JSON_DEPTH_MAX);
    json->ends[json->depth++] = end;
    json->is_empty = true;
}

struct status_json status_json_begin(struct buffer *out)
{
    struct status_json json = {.out = out};
    buffer_append(out, span_of("{"));
    enter(&json, '}');
    return json;
}

void status_json_end(struct status_json *json)
{
    assert(json->depth == 1);
    status_json_close(json);
    buffer_append(json->out, span_of("\n"));
}

void status_json_object(struct status_json *json, const char *key)
{
    put(json, key, "{");
    enter(json, '}');
}

void status_json_array(struct status_json *json, const char *key)
{
    put(json, key, "[");
    enter(json, ']');
}

void status_json_close(struct status_json *json)
{
    size_t blanks = (json->depth - 1) * INDENT;
    char *to = buffer_reserve(json->out, blanks + 2);
    if (!json->is_empty) {
        *to++ = '\n';
        memset(to, ' ', blanks);
        to += blanks;
    }
    *to++ = json->ends[--json->depth];
    finish(json, to);
    json->is_empty = false;
}

/* ---- values ---- */

void status_json_text(struct status_json *json, const char *key, struct span text)
{
    size_t count = text.len < TEXT_BYTES_MAX ? text.len : TEXT_BYTES_MAX;
    char *to = begin(json, key, 2 * count + 2);
    *to++ = '"';
    for (size_t i = 0; i < count; i++) {
        char byte = printable(text.data[i]);
        if (byte == '"' || byte == '\\')
            *to++ = '\\';
        *to++ = byte;
    }
    *to++ = '"';
    finish(json, to);
}

void status_json_text_or_null(struct status_json *json, const char *key, struct span text)
{
    if (text.len > 0)
        status_json_text(json, key, text);
    else
        status_json_null(json, key);
}

static void put_digits(struct status_json *json, const char *key, bool is_negative, uint64_t number)
{
    char digits[NUMBER_BYTES_MAX], *first = digits + sizeof digits;
    do
        *--first = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    char *to = begin(json, key, NUMBER_BYTES_MAX);
    if (is_negative)
        *to++ = '-';
    finish(json, append(to, first, (size_t)(digits + sizeof digits - first)));
}

void status_json_count(struct status_json *json, const char *key, uint64_t count)
{
    put_digits(json, key, false, count < INT64_MAX ? count : INT64_MAX);
}

void status_json_integer(struct status_json *json, const char *key, int64_t number)
{
    put_digits(json, key, number < 0, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

void status_json_count_or_null(struct status_json *json, const char *key, uint64_t count)
{
    if (count > 0)
        status_json_count(json, key, count);
    else
        status_json_null(json, key);
}

void status_json_age(struct status_json *json, const char *key, uint64_t age_ms)
{
    if (age_ms == WIRE_NEVER)
        status_json_null(json, key);
    else
        status_json_count(json, key, age_ms);
}

void status_json_hex(struct status_json *json, const char *key, uint64_t number)
{
    char text[HEX_DIGITS + 1];
    snprintf(text, sizeof text, "%016" PRIx64, number);
    status_json_text(json, key, span_of(text));
}

void status_json_flag(struct status_json *json, const char *key, bool flag)
{
    put(json, key, flag ? "true" : "false");
}

void status_json_null(struct status_json *json, const char *key)
{
    put(json, key, "null");
}

/* ---- parts ---- */

#define count    status_json_count
#define count_of status_json_count_or_null

static void put_load(struct status_json *json, const struct operate_status *said)
{
    status_json_hex(json, "digest", said->digest);
    count(json, "clients", said->clients);
    count(json, "clients_max", said->clients_max);
    count(json, "table_bytes", said->table_bytes);
    count_of(json, "table_bytes_max", said->table_bytes_max);
    count(json, "refused", said->refused);
    count(json, "above_ceiling", said->above);
    count(json, "connections", said->connections);
    count(json, "connections_max", said->connections_max);
    count(json, "watchers", said->watchers);
    count(json, "memory_bytes", said->memory_bytes);
}

static void put_rates(struct status_json *json, const struct operate_status *said)
{
    count(json, "commands", said->commands);
    count(json, "iamat", said->iamats);
    count(json, "whatsat", said->whatsats);
    count(json, "nearby", said->nearbys);
    count(json, "invalid", said->invalid);
    count(json, "commands_per_s", said->commands_per_s);
    count(json, "sent_per_s", said->sent_per_s);
    count(json, "received_per_s", said->received_per_s);
    count(json, "lag_ms", overview_lag_ms(said));
    count(json, "lookups", said->lookups);
    count(json, "lookups_failed", said->lookups_failed);
    count(json, "lookups_waiting", said->lookups_waiting);
    status_json_age(json, "lookups_p99_ms", said->lookups_p99_ms);
}

static void put_journal(struct status_json *json, const struct operate_status *said)
{
    if (said->journal == WIRE_JOURNAL_NONE) {
        status_json_null(json, "journal");
        return;
    }
    status_json_object(json, "journal");
    status_json_flag(json, "failed", said->journal == WIRE_JOURNAL_FAILED);
    count(json, "due", said->journal_due);
    count(json, "age_ms", said->journal_age_ms);
    status_json_close(json);
}

void status_json_node(struct status_json *json, const struct operate_status *said)
{
    status_json_text(json, "version", said->version);
    count(json, "uptime_ms", said->uptime_ms);
    status_json_hex(json, "topology", said->topology);
    status_json_integer(json, "clock_offset_ms", said->offset_ns / NS_PER_MS);
    count(json, "clock_votes", said->votes);
    put_journal(json, said);
    put_load(json, said);
    put_rates(json, said);
}

void status_json_link(struct status_json *json, const struct operate_link *said)
{
    status_json_flag(json, "up", said->up);
    status_json_text_or_null(json, "why", said->up ? span_of("") : said->why);
    count(json, "lag_ms", said->lag_ms);
    count(json, "per_s", said->per_s);
    count(json, "due", said->due);
    count(json, "in_flight", said->in_flight);
    status_json_flag(json, "differs", said->differs);
    status_json_age(json, "compared_age_ms", said->compared_age_ms);
}

static void put_hosts(struct status_json *json, const struct operate_broker *said)
{
    status_json_array(json, "workers_at");
    for (uint32_t i = 0; i < said->host_count; i++) {
        status_json_object(json, NULL);
        status_json_text(json, "address", said->hosts[i].address);
        count(json, "workers", said->hosts[i].workers);
        status_json_close(json);
    }
    status_json_close(json);
}

void status_json_broker(struct status_json *json, const struct operate_broker *said)
{
    count(json, "asked", said->asked);
    count(json, "hits", said->hits);
    count(json, "joined", said->joined);
    count(json, "stale", said->stale);
    count(json, "failures", said->failures);
    count(json, "cache_entries", said->kept);
    count(json, "cache_bytes", said->kept_bytes);
    count(json, "workers", said->workers);
    put_hosts(json, said);
    count(json, "breaker_open_ms", said->paused_ms);
    count(json, "budget_spent", said->spent);
    count_of(json, "budget", said->budget);
}
