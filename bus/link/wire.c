#include "bus/link/wire.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/base/msgread.h"
#include "bus/base/msgshow.h"

#define MAGIC_BYTES 3
/* An array head, three binaries, a short string, two numbers: what is not text. */
#define LOCATION_HEAD_BYTES_MAX (1 + 3 * 5 + 2 + 2 * 9)

/* A location that takes no more than this is written on the stack. */
#define LOCATION_STACK_BYTES 512

/* How many elements each message's array has; newer versions may append more. */
enum {
    COMMON_ELEMENTS = 3, /* type, from_incarnation, to_incarnation */
    HELLO_ELEMENTS = COMMON_ELEMENTS + 1,
    UPDATE_ELEMENTS = COMMON_ELEMENTS + 4,
    ACK_ELEMENTS = COMMON_ELEMENTS + 2,
    HEARTBEAT_ELEMENTS = COMMON_ELEMENTS + 4,
    REFUSED_ELEMENTS = COMMON_ELEMENTS + 2,
    GOODBYE_ELEMENTS = COMMON_ELEMENTS,
    STATUS_ASK_ELEMENTS = COMMON_ELEMENTS,
    STATUS_ELEMENTS = COMMON_ELEMENTS + 3,
    HELLO_KEYS = 6,
    LOCATION_ELEMENTS = 6,
    LINK_ELEMENTS = 8,
};

/* ---- Reading ----------------------------------------------------------------------------
 *
 * Each take that says false has said where and why in the message's fault. That costs nothing until
 * it happens: what says so is never merged into what reads. */

#define NUMBER  "a whole number, 0 or more,"
#define INTEGER "a whole number"
#define TEXT    "text"
#define BINARY  "binary data"
#define NAME    "text of 1 to 63 bytes"
#define ARRAY   "an array"

static_assert(WIRE_NAME_BYTES_MAX == 63, "the rule of a name tells its limit");

/* What stands at `at` is not the field. */
MSGREAD_APART __attribute__((cold)) static bool
miss(struct wire_message *message, struct msgread at, const char *field, const char *rule)
{
    message->fault.at = at;
    message->fault.field = field;
    message->fault.rule = rule;
    return false;
}

/* The field is one, and cannot be: `wrong` ends the sentence that begins with it. */
static bool contradict(struct wire_message *message, const char *field, const char *wrong)
{
    return miss(message, (struct msgread){0}, field, wrong);
}

static bool take_number(struct msgread *in, struct wire_message *message, const char *field,
                        uint64_t *value)
{
    return msgread_take_uint(in, value) || miss(message, *in, field, NUMBER);
}

static bool take_bool(struct msgread *in, struct wire_message *message, const char *field,
                      bool *value)
{
    return msgread_take_bool(in, value) || miss(message, *in, field, "true or false");
}

static bool take_array(struct msgread *in, struct wire_message *message, const char *field,
                       uint32_t *count)
{
    return msgread_take_array(in, count) || miss(message, *in, field, ARRAY);
}

static bool skip_some(struct msgread *in, struct wire_message *message, uint32_t count)
{
    while (count-- > 0)
        if (!msgread_skip(in))
            return miss(message, *in, "an element of a newer version", "an object");
    return true;
}

static bool take_name(struct msgread *in, struct wire_message *message, const char *field,
                      struct span *name)
{
    struct msgread start = *in;
    return (msgread_take_str(in, name) && name->len > 0 && name->len <= WIRE_NAME_BYTES_MAX) ||
           miss(message, start, field, NAME);
}

struct hello_field {
    const char *key;
    struct span *name;
    uint64_t *number;
};

/* One value of the HELLO map. Sets the key's bit in `seen`. */
static bool take_hello_value(struct msgread *in, struct span key, struct wire_message *message,
                             const struct hello_field *fields, unsigned *seen)
{
    for (unsigned i = 0; i < HELLO_KEYS; i++)
        if (span_equals(key, span_of(fields[i].key))) {
            *seen |= 1u << i;
            return fields[i].name != NULL
                       ? take_name(in, message, fields[i].key, fields[i].name)
                       : take_number(in, message, fields[i].key, fields[i].number);
        }
    return skip_some(in, message, 1);
}

static bool take_hello(struct msgread *in, struct wire_message *message)
{
    const struct hello_field fields[HELLO_KEYS] = {
        {"herd", &message->herd, NULL},       {"node", &message->node, NULL},
        {"version", NULL, &message->version}, {"version_min", NULL, &message->version_min},
        {"start", NULL, &message->start},     {"have", NULL, &message->received},
    };
    uint32_t keys;
    unsigned seen = 0;
    if (!msgread_take_map(in, &keys))
        return miss(message, *in, "the fourth element", "a map");
    while (keys-- > 0) {
        struct span key;
        if (!msgread_take_str(in, &key))
            return miss(message, *in, "a key", TEXT);
        if (!take_hello_value(in, key, message, fields, &seen))
            return false;
    }
    for (unsigned i = 0; i < HELLO_KEYS; i++)
        if ((seen & 1u << i) == 0)
            return contradict(message, fields[i].key, "is missing");
    return message->version_min <= message->version ||
           contradict(message, "version_min", "is greater than version");
}

/* Which of the locations or links it is, so that the many that are good need not say it. */
MSGREAD_APART __attribute__((cold)) static bool miss_in(struct wire_message *message,
                                                        size_t element, struct msgread at,
                                                        const char *field, const char *rule)
{
    message->fault.element = (uint32_t)element;
    return miss(message, at, field, rule);
}

static bool take_location(struct msgread *in, struct wire_message *message, uint32_t i)
{
    struct location *location = &message->locations[i];
    uint32_t elements;
    location->packed = NULL;
    if (!msgread_skim_array(in, &elements))
        return miss_in(message, i, *in, "it", ARRAY);
    if (elements < LOCATION_ELEMENTS)
        return miss_in(message, i, (struct msgread){0}, "it", "has less than 6 elements");
    return (msgread_skim_bin(in, &location->client) ||
            miss_in(message, i, *in, "client", BINARY)) &&
           (msgread_skim_bin(in, &location->position) ||
            miss_in(message, i, *in, "position", BINARY)) &&
           (msgread_skim_bin(in, &location->stamp) || miss_in(message, i, *in, "stamp", BINARY)) &&
           (msgread_skim_str(in, &location->origin) || miss_in(message, i, *in, "origin", TEXT)) &&
           (msgread_skim_int(in, &location->difference_ns) ||
            miss_in(message, i, *in, "difference_ns", INTEGER)) &&
           (msgread_skim_int(in, &location->order_ns) ||
            miss_in(message, i, *in, "order_ns", INTEGER)) &&
           (elements == LOCATION_ELEMENTS || skip_some(in, message, elements - LOCATION_ELEMENTS));
}

static bool take_update(struct msgread *in, struct wire_message *message)
{
    if (!take_number(in, message, "after", &message->after) ||
        !take_number(in, message, "upto", &message->upto) ||
        !take_number(in, message, "have", &message->received) ||
        !take_array(in, message, "locations", &message->location_count))
        return false;
    if (message->after > message->upto)
        return contradict(message, "after", "is greater than upto");
    if (message->location_count > WIRE_LOCATIONS_MAX)
        return contradict(message, "locations", "are more than 256");
    for (uint32_t i = 0; i < message->location_count; i++)
        if (!take_location(in, message, i))
            return false;
    return true;
}

static_assert(WIRE_LOCATIONS_MAX == 256 && WIRE_LINKS_MAX == 256, "the faults tell the limits");
static_assert(LOCATION_ELEMENTS == 6 && LINK_ELEMENTS == 8, "so do these");

static bool take_heartbeat(struct msgread *in, struct wire_message *message)
{
    return take_number(in, message, "head", &message->head) &&
           take_number(in, message, "have", &message->received) &&
           take_number(in, message, "digest", &message->digest) &&
           take_number(in, message, "clients", &message->clients);
}

static bool take_refused(struct msgread *in, struct wire_message *message)
{
    if (!take_number(in, message, "code", &message->code))
        return false;
    if (!msgread_take_str(in, &message->text))
        return miss(message, *in, "text", TEXT);
    if (message->text.len > WIRE_TEXT_BYTES_MAX)
        message->text.len = WIRE_TEXT_BYTES_MAX;
    return true;
}

static bool take_link(struct msgread *in, struct wire_message *message, struct wire_link *link)
{
    uint32_t elements;
    if (!take_array(in, message, "it", &elements))
        return false;
    if (elements < LINK_ELEMENTS)
        return contradict(message, "it", "has less than 8 elements");
    return take_name(in, message, "name", &link->name) && take_bool(in, message, "up", &link->up) &&
           take_number(in, message, "incarnation_age_ms", &link->incarnation_age_ms) &&
           take_number(in, message, "due", &link->due) &&
           take_number(in, message, "in_flight", &link->in_flight) &&
           take_number(in, message, "acked", &link->acked) &&
           take_number(in, message, "told", &link->sent) &&
           take_number(in, message, "head", &link->head) &&
           skip_some(in, message, elements - LINK_ELEMENTS);
}

static bool take_status(struct msgread *in, struct wire_message *message)
{
    if (!take_number(in, message, "digest", &message->digest) ||
        !take_number(in, message, "clients", &message->clients) ||
        !take_array(in, message, "links", &message->link_count))
        return false;
    if (message->link_count > WIRE_LINKS_MAX)
        return contradict(message, "links", "are more than 256");
    for (uint32_t i = 0; i < message->link_count; i++) {
        message->fault.element = i;
        if (!take_link(in, message, &message->links[i]))
            return false;
    }
    message->fault.element = WIRE_NO_ELEMENT;
    return true;
}

/* What stands between the incarnations and the elements of newer versions. */
static bool take_fields(struct msgread *in, struct wire_message *message)
{
    switch (message->type) {
    case WIRE_HELLO:
        return take_hello(in, message);
    case WIRE_UPDATE:
        return take_update(in, message);
    case WIRE_ACK:
        return take_number(in, message, "have", &message->received) &&
               take_bool(in, message, "gap", &message->gap);
    case WIRE_HEARTBEAT:
        return take_heartbeat(in, message);
    case WIRE_REFUSED:
        return take_refused(in, message);
    case WIRE_GOODBYE:
    case WIRE_STATUS_ASK:
        return true;
    case WIRE_STATUS:
        return take_status(in, message);
    }
    return false;
}

/* Each type's elements, 0 for one that is not known, and its name. */
static const struct {
    uint32_t elements;
    const char *name;
} types[] = {
    [WIRE_HELLO] = {HELLO_ELEMENTS, "HELLO"},
    [WIRE_UPDATE] = {UPDATE_ELEMENTS, "UPDATE"},
    [WIRE_ACK] = {ACK_ELEMENTS, "ACK"},
    [WIRE_HEARTBEAT] = {HEARTBEAT_ELEMENTS, "HEARTBEAT"},
    [WIRE_REFUSED] = {REFUSED_ELEMENTS, "REFUSED"},
    [WIRE_GOODBYE] = {GOODBYE_ELEMENTS, "GOODBYE"},
    [WIRE_STATUS_ASK] = {STATUS_ASK_ELEMENTS, "STATUS-ASK"},
    [WIRE_STATUS] = {STATUS_ELEMENTS, "STATUS"},
};

static uint32_t elements_of(uint64_t type)
{
    return type < sizeof types / sizeof *types ? types[type].elements : 0;
}

static enum wire_result read_array(struct msgread *in, struct wire_message *message)
{
    uint32_t elements;
    uint64_t type;
    if (!take_array(in, message, "the message", &elements))
        return WIRE_MALFORMED;
    if (elements < COMMON_ELEMENTS) {
        contradict(message, "the message", "has less than 3 elements");
        return WIRE_MALFORMED;
    }
    if (!take_number(in, message, "the type", &type) ||
        !take_number(in, message, "from", &message->from_incarnation) ||
        !take_number(in, message, "to", &message->to_incarnation))
        return WIRE_MALFORMED;
    uint32_t known = elements_of(type);
    message->fault.type = known == 0 ? 0 : (enum wire_type)type;
    if (message->from_incarnation == 0) {
        contradict(message, "from", "is 0");
        return WIRE_MALFORMED;
    }
    if (known == 0)
        return skip_some(in, message, elements - COMMON_ELEMENTS) ? WIRE_UNKNOWN : WIRE_MALFORMED;
    message->type = (enum wire_type)type;
    if (elements < known) {
        contradict(message, "the message", "has too few elements");
        return WIRE_MALFORMED;
    }
    bool good = take_fields(in, message) && skip_some(in, message, elements - known);
    return good ? WIRE_GOOD : WIRE_MALFORMED;
}

enum wire_result wire_read(struct span bytes, struct wire_message *message)
{
    message->fault = (struct wire_fault){.element = WIRE_NO_ELEMENT};
    if (bytes.len < MAGIC_BYTES || bytes.len > WIRE_MESSAGE_BYTES_MAX || bytes.data[0] != 'z' ||
        bytes.data[1] != 'h')
        return WIRE_MALFORMED;
    if ((unsigned char)bytes.data[2] != WIRE_MAJOR) {
        message->version = (unsigned char)bytes.data[2];
        return WIRE_FOREIGN;
    }
    struct msgread in =
        msgread_of((struct span){bytes.data + MAGIC_BYTES, bytes.len - MAGIC_BYTES});
    enum wire_result result = read_array(&in, message);
    if (result == WIRE_MALFORMED || msgread_at_end(&in))
        return result;
    contradict(message, "the message", "goes on behind its array");
    return WIRE_MALFORMED;
}

/* ---- Explaining ------------------------------------------------------------------------- */

static void explain_frame(struct span bytes, char *out, size_t room)
{
    char begins[3 * MAGIC_BYTES + 1] = "";
    for (size_t i = 0; i < MAGIC_BYTES && i < bytes.len; i++)
        snprintf(begins + 3 * i, 4, " %02x", (unsigned char)bytes.data[i]);
    if (bytes.len == 0)
        snprintf(out, room, "the frame is empty");
    else if (bytes.len > WIRE_MESSAGE_BYTES_MAX)
        snprintf(out, room, "the frame has %zu bytes: %d are allowed", bytes.len,
                 WIRE_MESSAGE_BYTES_MAX);
    else
        snprintf(out, room, "the frame begins with%s: 7a 68 01 (zh, version 1) is needed", begins);
}

void wire_explain(struct span bytes, const struct wire_fault *fault, char *out, size_t room)
{
    if (fault->field == NULL) {
        explain_frame(bytes, out, room);
        return;
    }
    char place[32] = "", shown[MSGSHOW_BYTES_MAX];
    const char *type = fault->type == 0 ? "" : types[fault->type].name;
    if (fault->element != WIRE_NO_ELEMENT)
        snprintf(place, sizeof place, "%s %" PRIu32 ": ",
                 fault->type == WIRE_STATUS ? "link" : "location", fault->element + 1);
    const char *colon = fault->type == 0 ? "" : ": ";
    if (fault->at.at == NULL) {
        snprintf(out, room, "%s%s%s%s %s", type, colon, place, fault->field, fault->rule);
        return;
    }
    msgshow(fault->at, shown);
    snprintf(out, room, "%s%s%s%s is %s: %s is needed", type, colon, place, fault->field, shown,
             fault->rule);
}

/* ---- Writing ---------------------------------------------------------------------------- */

/* A fixed buffer for msgpack-c; what does not fit is remembered, not written. */
struct writer {
    char *at;
    size_t left;
    bool overflow;
};

static int write_bytes(void *data, const char *bytes, size_t count)
{
    struct writer *writer = data;
    if (count == 0)
        return 0;
    if (writer->overflow || count > writer->left) {
        writer->overflow = true;
        return -1;
    }
    memcpy(writer->at, bytes, count);
    writer->at += count;
    writer->left -= count;
    return 0;
}

static void put_str(msgpack_packer *out, struct span bytes)
{
    msgpack_pack_str(out, bytes.len);
    msgpack_pack_str_body(out, bytes.data, bytes.len);
}

static void put_key_number(msgpack_packer *out, const char *key, uint64_t number)
{
    put_str(out, span_of(key));
    msgpack_pack_uint64(out, number);
}

static void put_hello(msgpack_packer *out, const struct wire_message *message)
{
    msgpack_pack_map(out, HELLO_KEYS);
    put_str(out, span_of("herd"));
    put_str(out, message->herd);
    put_str(out, span_of("node"));
    put_str(out, message->node);
    put_key_number(out, "version", message->version);
    put_key_number(out, "version_min", message->version_min);
    put_key_number(out, "start", message->start);
    put_key_number(out, "have", message->received);
}

/* Where the size needs a field of two or four bytes, whichever is the first to do. */
__attribute__((noinline)) static char *put_long_size(char *to, unsigned char head_of_one_byte,
                                                     size_t size)
{
    unsigned width = size <= UINT16_MAX ? 1 : 2;
    uint32_t field = htobe32((uint32_t)size);
    *to++ = (char)(head_of_one_byte + width);
    size_t bytes = (size_t)1 << width;
    memcpy(to, (char *)&field + sizeof field - bytes, bytes);
    return to + bytes;
}

static inline char *put_sized(char *to, unsigned char head_of_one_byte, size_t size)
{
    if (size > UINT8_MAX)
        return put_long_size(to, head_of_one_byte, size);
    to[0] = (char)head_of_one_byte;
    to[1] = (char)size;
    return to + 2;
}

/* Nearly all have 4 to 32 bytes, and are copied in two pieces that may overlap. */
static inline char *put_body(char *to, struct span body)
{
    char *end = to + body.len;
    const char *at = body.data, *behind = body.data + body.len;
    if (body.len < 4 || body.len > 32) {
        memcpy(to, at, body.len);
    } else if (body.len >= 16) {
        memcpy(to, at, 16);
        memcpy(end - 16, behind - 16, 16);
    } else if (body.len >= 8) {
        memcpy(to, at, 8);
        memcpy(end - 8, behind - 8, 8);
    } else {
        memcpy(to, at, 4);
        memcpy(end - 4, behind - 4, 4);
    }
    return end;
}

static inline char *put_text(char *to, struct span bytes)
{
    return put_body(put_sized(to, 0xc4, bytes.len), bytes);
}

static inline char *put_name(char *to, struct span bytes)
{
    if (bytes.len < 32)
        *to++ = (char)(0xa0 | bytes.len);
    else
        to = put_sized(to, 0xd9, bytes.len);
    return put_body(to, bytes);
}

/* The shortest form: none but its own byte from -32 to 127, else a field of 1, 2, 4 or 8 bytes,
 * whose heads follow one another. All of nine bytes are written, and those behind the field make
 * way for what follows. */
static inline char *put_integer(char *to, int64_t number)
{
    if (number >= -32 && number <= 127) {
        *to = (char)number;
        return to + 1;
    }
    uint64_t size = number < 0 ? ~(uint64_t)number : (uint64_t)number;
    /* A negative number takes one bit more, for its sign. */
    int bits = 64 - __builtin_clzll(size) + (number < 0);
    int width = (bits > 8) + (bits > 16) + (bits > 32);
    size_t bytes = (size_t)1 << width;
    uint64_t field = htobe64((uint64_t)number << (64 - 8 * bytes));
    *to++ = (char)((number < 0 ? 0xd0 : 0xcc) + width);
    memcpy(to, &field, sizeof field);
    return to + bytes;
}

char *wire_write_location(const struct location *location, char *out)
{
    *out++ = (char)(0x90 | LOCATION_ELEMENTS);
    out = put_text(out, location->client);
    out = put_text(out, location->position);
    out = put_text(out, location->stamp);
    out = put_name(out, location->origin);
    out = put_integer(out, location->difference_ns);
    return put_integer(out, location->order_ns);
}

/* One that nobody has written yet. */
static void put_location(struct writer *writer, const struct location *location)
{
    char written[LOCATION_STACK_BYTES];
    size_t bytes_max = wire_location_bytes_max(location);
    char *start = bytes_max <= sizeof written ? written : bytes_resize(NULL, bytes_max);
    write_bytes(writer, start, (size_t)(wire_write_location(location, start) - start));
    if (start != written)
        free(start);
}

static void put_update(msgpack_packer *out, const struct wire_message *message)
{
    struct writer *writer = out->data;
    msgpack_pack_uint64(out, message->after);
    msgpack_pack_uint64(out, message->upto);
    msgpack_pack_uint64(out, message->received);
    msgpack_pack_array(out, message->location_count);
    write_bytes(writer, message->written.data, message->written.len);
    for (uint32_t i = 0; message->written.len == 0 && i < message->location_count; i++)
        put_location(writer, &message->locations[i]);
}

static void put_bool(msgpack_packer *out, bool value)
{
    value ? msgpack_pack_true(out) : msgpack_pack_false(out);
}

static void put_link(msgpack_packer *out, const struct wire_link *link)
{
    msgpack_pack_array(out, LINK_ELEMENTS);
    put_str(out, link->name);
    put_bool(out, link->up);
    msgpack_pack_uint64(out, link->incarnation_age_ms);
    msgpack_pack_uint64(out, link->due);
    msgpack_pack_uint64(out, link->in_flight);
    msgpack_pack_uint64(out, link->acked);
    msgpack_pack_uint64(out, link->sent);
    msgpack_pack_uint64(out, link->head);
}

static void put_status(msgpack_packer *out, const struct wire_message *message)
{
    msgpack_pack_uint64(out, message->digest);
    msgpack_pack_uint64(out, message->clients);
    msgpack_pack_array(out, message->link_count);
    for (uint32_t i = 0; i < message->link_count; i++)
        put_link(out, &message->links[i]);
}

static void put_fields(msgpack_packer *out, const struct wire_message *message)
{
    switch (message->type) {
    case WIRE_HELLO:
        put_hello(out, message);
        break;
    case WIRE_UPDATE:
        put_update(out, message);
        break;
    case WIRE_ACK:
        msgpack_pack_uint64(out, message->received);
        put_bool(out, message->gap);
        break;
    case WIRE_HEARTBEAT:
        msgpack_pack_uint64(out, message->head);
        msgpack_pack_uint64(out, message->received);
        msgpack_pack_uint64(out, message->digest);
        msgpack_pack_uint64(out, message->clients);
        break;
    case WIRE_REFUSED:
        msgpack_pack_uint64(out, message->code);
        put_str(out, message->text);
        break;
    case WIRE_GOODBYE:
    case WIRE_STATUS_ASK:
        break;
    case WIRE_STATUS:
        put_status(out, message);
        break;
    }
}

size_t wire_write(const struct wire_message *message, char *out, size_t room)
{
    static const char magic[MAGIC_BYTES] = {'z', 'h', WIRE_MAJOR};
    struct writer writer = {out, room, false};
    msgpack_packer packer;
    msgpack_packer_init(&packer, &writer, write_bytes);
    write_bytes(&writer, magic, sizeof magic);
    msgpack_pack_array(&packer, elements_of(message->type));
    msgpack_pack_uint64(&packer, (uint64_t)message->type);
    msgpack_pack_uint64(&packer, message->from_incarnation);
    msgpack_pack_uint64(&packer, message->to_incarnation);
    put_fields(&packer, message);
    return writer.overflow ? 0 : (size_t)(writer.at - out);
}

size_t wire_location_bytes_max(const struct location *location)
{
    return LOCATION_HEAD_BYTES_MAX + location->client.len + location->position.len +
           location->stamp.len + location->origin.len;
}
