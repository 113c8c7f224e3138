#include "placesd/lookup.h"

#include <assert.h>
#include <stdlib.h>

#include <jansson.h>
#include <msgpack.h>

#include "bus/msgread.h"

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

/* An array of exactly `fields` behind the prefix: the cursor stands at the first of them. */
static bool open_message(struct span bytes, uint32_t fields, struct msgread *cursor)
{
    if (bytes.bytes < sizeof PREFIX || memcmp(bytes.at, PREFIX, sizeof PREFIX) != 0)
        return false;
    *cursor = msgread_of((struct span){bytes.at + sizeof PREFIX, bytes.bytes - sizeof PREFIX});
    uint32_t count;
    return msgread_take_array(cursor, &count) && count == fields;
}

static bool take_angle(struct msgread *cursor, int64_t max, int64_t *value)
{
    return msgread_take_int(cursor, value) && *value >= -max && *value <= max;
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

bool lookup_read_request(struct span bytes, struct lookup *lookup)
{
    struct msgread cursor;
    return bytes.bytes <= LOOKUP_REQUEST_BYTES_MAX &&
           open_message(bytes, REQUEST_FIELDS, &cursor) &&
           take_angle(&cursor, LATITUDE_NANODEG_MAX, &lookup->latitude_nanodeg) &&
           take_angle(&cursor, LONGITUDE_NANODEG_MAX, &lookup->longitude_nanodeg) &&
           take_number(&cursor, 0, RADIUS_M_MAX, &lookup->radius_m) &&
           take_number(&cursor, 0, LOOKUP_BOUND_MAX, &lookup->bound) &&
           take_number(&cursor, 1, LOOKUP_DEADLINE_MS_MAX, &lookup->deadline_ms) &&
           msgread_at_end(&cursor);
}

/* ---- the answer ---- */

void lookup_write_reply(const struct lookup_reply *reply, struct buffer *out)
{
    assert(reply->body.bytes <= LOOKUP_BODY_BYTES_MAX);
    buffer_append(out, (struct span){PREFIX, sizeof PREFIX});
    msgpack_packer packer;
    msgpack_packer_init(&packer, out, append_bytes);
    msgpack_pack_array(&packer, REPLY_FIELDS);
    msgpack_pack_uint32(&packer, reply->code);
    msgpack_pack_bin(&packer, reply->body.bytes);
    msgpack_pack_bin_body(&packer, reply->body.at, reply->body.bytes);
}

bool lookup_read_reply(struct span bytes, struct lookup_reply *reply)
{
    struct msgread cursor;
    uint32_t code;
    if (bytes.bytes > LOOKUP_REPLY_BYTES_MAX || !open_message(bytes, REPLY_FIELDS, &cursor) ||
        !take_number(&cursor, LOOKUP_OK, LOOKUP_INVALID, &code))
        return false;
    reply->code = code;
    return (msgread_take_bin(&cursor, &reply->body) || msgread_take_str(&cursor, &reply->body)) &&
           reply->body.bytes <= LOOKUP_BODY_BYTES_MAX && msgread_at_end(&cursor);
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
    case LOOKUP_LATE:
    case LOOKUP_NONSENSE:
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
