#include "placesd/lookup.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>
#include <msgpack.h>

#include "bus/base/msgput.h"
#include "bus/base/msgread.h"
#include "bus/base/msgshow.h"

/* In front of the msgpack, so that a stranger or another version is known before any parsing. */
static const char PREFIX[3] = {'z', 'p', 1};

#define REQUEST_FIELDS 5
#define REPLY_FIELDS   2

#define LATITUDE_NANODEG_MAX  (90 * LOOKUP_NANODEGREES_PER_DEGREE)
#define LONGITUDE_NANODEG_MAX (180 * LOOKUP_NANODEGREES_PER_DEGREE)
#define RADIUS_M_MAX          (LOOKUP_RADIUS_KM_MAX * 1000)

/* ---- msgpack, written and read ---- */

/* A message of bounded size on its way into the caller's bytes. */
struct packing {
    char *out;
    size_t bytes, bytes_max;
};

static int pack_bytes(void *to, const char *bytes, size_t count)
{
    struct packing *packing = to;
    assert(count <= packing->bytes_max - packing->bytes);
    memcpy(packing->out + packing->bytes, bytes, count);
    packing->bytes += count;
    return 0;
}

static int append_bytes(void *buffer, const char *bytes, size_t count)
{
    buffer_append(buffer, (struct span){bytes, count});
    return 0;
}

/* Opens the prefix and an array of exactly `fields`; the cursor then stands at the first of
 * them. */
static bool open_message(struct span bytes, uint32_t fields, struct msgread *cursor)
{
    if (bytes.len < sizeof PREFIX || memcmp(bytes.data, PREFIX, sizeof PREFIX) != 0)
        return false;
    *cursor = msgread_of((struct span){bytes.data + sizeof PREFIX, bytes.len - sizeof PREFIX});
    uint32_t count;
    return msgread_take_array(cursor, &count) && count == fields;
}

static bool take_number(struct msgread *cursor, uint32_t min, uint32_t max, uint32_t *value)
{
    uint64_t number;
    if (!msgread_take_uint(cursor, &number) || number < min || number > max)
        return false;
    *value = (uint32_t)number;
    return true;
}

/* ---- the question ---- */

size_t lookup_write_request(const struct lookup *lookup, char *out)
{
    struct packing packing = {out, 0, LOOKUP_REQUEST_BYTES_MAX};
    pack_bytes(&packing, PREFIX, sizeof PREFIX);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &packing, pack_bytes);
    msgpack_pack_array(&packer, REQUEST_FIELDS);
    msgpack_pack_int64(&packer, lookup->latitude_nanodeg);
    msgpack_pack_int64(&packer, lookup->longitude_nanodeg);
    msgpack_pack_uint32(&packer, lookup->radius_m);
    msgpack_pack_uint32(&packer, lookup->bound);
    msgpack_pack_uint32(&packer, lookup->deadline_ms);
    return packing.bytes;
}

/* Writes the reason why a request is invalid, unless `reason` is NULL. Always false. */
__attribute__((format(printf, 2, 3))) static bool blame(char *reason, const char *format, ...)
{
    if (reason == NULL)
        return false;
    size_t used =
        (size_t)snprintf(reason, LOOKUP_REASON_BYTES_MAX, "The question is not a look-up. ");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason + used, LOOKUP_REASON_BYTES_MAX - used, format, arguments);
    va_end(arguments);
    return false;
}

static bool has_prefix(struct span bytes, char *reason)
{
    if (bytes.len == 0)
        return blame(reason, "It is empty.");
    char begins[3 * sizeof PREFIX + 1] = "";
    for (size_t i = 0; i < sizeof PREFIX && i < bytes.len; i++)
        snprintf(begins + 3 * i, 4, " %02x", (unsigned char)bytes.data[i]);
    if (bytes.len < sizeof PREFIX || bytes.data[0] != PREFIX[0] || bytes.data[1] != PREFIX[1])
        return blame(reason, "It begins with the bytes%s: 7a 70 01 (zp, version 1) are needed.",
                     begins);
    if (bytes.data[2] != PREFIX[2])
        return blame(reason, "Its version is %d: version %d is spoken here.",
                     (unsigned char)bytes.data[2], PREFIX[2]);
    if (bytes.len > LOOKUP_REQUEST_BYTES_MAX)
        return blame(reason, "It has %zu bytes: %d are allowed.", bytes.len,
                     LOOKUP_REQUEST_BYTES_MAX);
    return true;
}

static bool open_request(struct msgread *cursor, char *reason)
{
    char shown[MSGSHOW_BYTES_MAX];
    uint32_t count;
    msgshow(*cursor, shown);
    if (!msgread_take_array(cursor, &count))
        return blame(reason, "It is %s: an array of %d is needed.", shown, REQUEST_FIELDS);
    return count == REQUEST_FIELDS ||
           blame(reason, "It has %" PRIu32 " fields: %d are needed.", count, REQUEST_FIELDS);
}

/* A question's fields in their order, with the names of placesd/PROTOCOL.md. */
static const struct {
    const char *name;
    int64_t min, max;
} fields[REQUEST_FIELDS] = {
    {"latitude_nanodeg", -LATITUDE_NANODEG_MAX, LATITUDE_NANODEG_MAX},
    {"longitude_nanodeg", -LONGITUDE_NANODEG_MAX, LONGITUDE_NANODEG_MAX},
    {"radius_m", 0, RADIUS_M_MAX},
    {"bound", 0, LOOKUP_BOUND_MAX},
    {"deadline_ms", 1, LOOKUP_DEADLINE_MS_MAX},
};

static bool take_field(struct msgread *cursor, size_t field, int64_t *value, char *reason)
{
    int64_t min = fields[field].min, max = fields[field].max;
    char shown[MSGSHOW_BYTES_MAX];
    struct msgread start = *cursor;
    if (msgread_take_int(cursor, value) && *value >= min && *value <= max)
        return true;
    if (reason == NULL)
        return false;
    if (msgread_at_end(&start))
        return blame(reason, "%s is missing: the question ends before it.", fields[field].name);
    return blame(reason, "%s is %s: %s%" PRId64 " to %" PRId64 " is allowed.", fields[field].name,
                 shown, msgshow(start, shown) ? "" : "a whole number, ", min, max);
}

/* `reason` may be NULL. */
static bool read_request(struct span bytes, struct lookup *lookup, char *reason)
{
    if (!has_prefix(bytes, reason))
        return false;
    struct msgread cursor =
        msgread_of((struct span){bytes.data + sizeof PREFIX, bytes.len - sizeof PREFIX});
    if (!open_request(&cursor, reason))
        return false;
    int64_t values[REQUEST_FIELDS];
    for (size_t i = 0; i < REQUEST_FIELDS; i++)
        if (!take_field(&cursor, i, &values[i], reason))
            return false;
    if (!msgread_at_end(&cursor))
        return blame(reason, "Behind its fields it goes on, %zu bytes long: nothing is allowed.",
                     msgread_left(&cursor));
    *lookup = (struct lookup){values[0], values[1], (uint32_t)values[2], (uint32_t)values[3],
                              (uint32_t)values[4]};
    return true;
}

bool lookup_read_request(struct span bytes, struct lookup *lookup)
{
    return read_request(bytes, lookup, NULL);
}

void lookup_explain_request(struct span bytes, char reason[LOOKUP_REASON_BYTES_MAX])
{
    struct lookup unused;
    bool is_request = read_request(bytes, &unused, reason);
    assert(!is_request);
}

/* ---- the answer ---- */

void lookup_write_reply(const struct lookup_reply *reply, struct buffer *out)
{
    assert(reply->body.len <= LOOKUP_BODY_BYTES_MAX);
    buffer_append(out, (struct span){PREFIX, sizeof PREFIX});
    msgpack_packer packer;
    msgpack_packer_init(&packer, out, append_bytes);
    msgpack_pack_array(&packer, REPLY_FIELDS);
    msgpack_pack_uint32(&packer, reply->code);
    msgput_bin(&packer, reply->body);
}

bool lookup_read_reply(struct span bytes, struct lookup_reply *reply)
{
    struct msgread cursor;
    uint32_t code;
    if (bytes.len > LOOKUP_REPLY_BYTES_MAX || !open_message(bytes, REPLY_FIELDS, &cursor) ||
        !take_number(&cursor, LOOKUP_OK, LOOKUP_INVALID, &code))
        return false;
    reply->code = code;
    return (msgread_take_bin(&cursor, &reply->body) || msgread_take_str(&cursor, &reply->body)) &&
           reply->body.len <= LOOKUP_BODY_BYTES_MAX && msgread_at_end(&cursor);
}

/* ---- what a worker says besides ---- */

static size_t write_number(uint32_t number, char *out)
{
    struct packing packing = {out, 0, LOOKUP_READY_BYTES_MAX};
    pack_bytes(&packing, PREFIX, sizeof PREFIX);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &packing, pack_bytes);
    msgpack_pack_array(&packer, 1);
    msgpack_pack_uint32(&packer, number);
    return packing.bytes;
}

static bool read_number(struct span bytes, uint32_t max, uint32_t *number)
{
    struct msgread cursor;
    return open_message(bytes, 1, &cursor) && take_number(&cursor, 0, max, number) &&
           msgread_at_end(&cursor);
}

size_t lookup_write_ready(uint32_t credits, char *out)
{
    return write_number(credits, out);
}

bool lookup_read_ready(struct span bytes, uint32_t *credits)
{
    return read_number(bytes, LOOKUP_CREDITS_MAX, credits);
}

size_t lookup_write_rest(uint32_t rest_ms, char *out)
{
    return write_number(rest_ms, out);
}

bool lookup_read_rest(struct span bytes, uint32_t *rest_ms)
{
    return read_number(bytes, UINT32_MAX, rest_ms);
}

/* ---- what a broker says of itself ---- */

#define FIGURES 12 /* numbers, and the hosts after them */

size_t lookup_write_figures(const struct lookup_figures *figures, char *out)
{
    const uint64_t all[FIGURES - 1] = {figures->asked,     figures->hits,      figures->joined,
                                       figures->stale,     figures->failures,  figures->workers,
                                       figures->paused_ms, figures->spent,     figures->budget,
                                       figures->kept,      figures->kept_bytes};
    struct packing packing = {out, 0, LOOKUP_FIGURES_BYTES_MAX};
    assert(figures->host_count <= LOOKUP_HOSTS_MAX);
    pack_bytes(&packing, PREFIX, sizeof PREFIX);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &packing, pack_bytes);
    msgpack_pack_array(&packer, FIGURES);
    for (size_t i = 0; i < FIGURES - 1; i++)
        msgpack_pack_uint64(&packer, all[i]);
    msgpack_pack_array(&packer, figures->host_count);
    for (uint32_t i = 0; i < figures->host_count; i++) {
        msgpack_pack_array(&packer, 2);
        msgput_str(&packer, span_of(figures->hosts[i].address));
        msgpack_pack_uint64(&packer, figures->hosts[i].workers);
    }
    return packing.bytes;
}

static bool take_host(struct msgread *cursor, struct lookup_host *host)
{
    struct span address;
    uint32_t count;
    if (!msgread_take_array(cursor, &count) || count != 2 || !msgread_take_str(cursor, &address) ||
        address.len >= sizeof host->address)
        return false;
    memcpy(host->address, address.data, address.len);
    host->address[address.len] = '\0';
    return memchr(host->address, '\0', address.len) == NULL &&
           msgread_take_uint(cursor, &host->workers);
}

static bool take_hosts(struct msgread *cursor, struct lookup_figures *figures)
{
    if (!msgread_take_array(cursor, &figures->host_count) || figures->host_count > LOOKUP_HOSTS_MAX)
        return false;
    for (uint32_t i = 0; i < figures->host_count; i++)
        if (!take_host(cursor, &figures->hosts[i]))
            return false;
    return true;
}

bool lookup_read_figures(struct span bytes, struct lookup_figures *figures)
{
    uint64_t *const all[FIGURES - 1] = {&figures->asked,     &figures->hits,      &figures->joined,
                                        &figures->stale,     &figures->failures,  &figures->workers,
                                        &figures->paused_ms, &figures->spent,     &figures->budget,
                                        &figures->kept,      &figures->kept_bytes};
    struct msgread cursor = msgread_of(bytes);
    uint32_t count;
    if (bytes.len < sizeof PREFIX || memcmp(bytes.data, PREFIX, sizeof PREFIX) != 0)
        return false;
    cursor.at += sizeof PREFIX;
    if (!msgread_take_array(&cursor, &count) || count < FIGURES)
        return false;
    for (uint32_t i = 0; i < FIGURES - 1; i++)
        if (!msgread_take_uint(&cursor, all[i]))
            return false;
    if (!take_hosts(&cursor, figures))
        return false;
    for (uint32_t i = FIGURES; i < count; i++)
        if (!msgread_skip(&cursor))
            return false;
    return msgread_at_end(&cursor);
}

/* ---- the failure ---- */

static const char *status_of(enum lookup_code code)
{
    switch (code) {
    case LOOKUP_BUSY:
        return "OVER_QUERY_LIMIT";
    case LOOKUP_REFUSED:
        return "REQUEST_DENIED";
    case LOOKUP_INVALID:
        return "INVALID_REQUEST";
    case LOOKUP_OK:
    case LOOKUP_UNAVAILABLE:
    case LOOKUP_TIMEOUT:
    case LOOKUP_BAD_REPLY:
        break;
    }
    return "UNKNOWN_ERROR";
}

void lookup_write_status(const char *status, const char *reason, struct buffer *out)
{
    json_t *json = json_pack("{s:s, s:[], s:[], s:s}", "error_message", reason, "html_attributions",
                             "results", "status", status);
    assert(json != NULL);
    char *text = json_dumps(json, JSON_INDENT(3));
    assert(text != NULL);
    buffer_append(out, span_of(text));
    free(text);
    json_decref(json);
}

void lookup_write_failure(enum lookup_code code, const char *reason, struct buffer *out)
{
    assert(code != LOOKUP_OK);
    lookup_write_status(status_of(code), reason, out);
}
