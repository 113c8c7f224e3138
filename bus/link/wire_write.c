#include "bus/link/wire.h"

#include <endian.h>
#include <msgpack.h>
#include <stdlib.h>

#include "bus/base/msgput.h"
#include "bus/link/wire_elements.h"

/* An array head, three binaries, a short string, two numbers, the hops: what is not text. */
#define LOCATION_HEAD_BYTES_MAX (1 + 3 * 5 + 2 + 2 * 9 + 2)

/* A location that takes no more than this is written on the stack. */
#define LOCATION_STACK_BYTES 512

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

static void put_bool(msgpack_packer *out, bool value)
{
    value ? msgpack_pack_true(out) : msgpack_pack_false(out);
}

static void put_clocks(msgpack_packer *out, const struct wire_message *message)
{
    msgpack_pack_array(out, message->clock_count);
    for (uint32_t i = 0; i < message->clock_count; i++) {
        const struct wire_clock *clock = &message->clocks[i];
        msgpack_pack_array(out, CLOCK_ELEMENTS);
        msgput_str(out, clock->node);
        msgpack_pack_uint64(out, clock->incarnation);
        msgpack_pack_uint64(out, clock->step);
        msgpack_pack_int64(out, clock->wall_ns);
        msgpack_pack_uint64(out, clock->age_ms);
    }
}

static void put_key_number(msgpack_packer *out, const char *key, uint64_t number)
{
    msgput_str(out, span_of(key));
    msgpack_pack_uint64(out, number);
}

static void put_hello(msgpack_packer *out, const struct wire_message *message)
{
    bool expires = message->expire_ms > 0, forgets = message->forget;
    bool compares = message->has_checks && message->has_clients;
    uint32_t keys = message->has_checks ? HELLO_KEYS + (uint32_t)compares : HELLO_KEYS_MIN;
    msgpack_pack_map(out, keys + (uint32_t)expires + (uint32_t)forgets);
    msgput_str(out, span_of("herd"));
    msgput_str(out, message->herd);
    msgput_str(out, span_of("node"));
    msgput_str(out, message->node);
    put_key_number(out, "version", message->version);
    put_key_number(out, "version_min", message->version_min);
    put_key_number(out, "start", message->start);
    put_key_number(out, "have", message->received);
    if (expires)
        put_key_number(out, "expire", message->expire_ms);
    if (forgets) {
        msgput_str(out, span_of("forget"));
        put_bool(out, true);
    }
    if (!message->has_checks)
        return;
    msgput_str(out, span_of("ceiling"));
    msgpack_pack_int64(out, message->cut.ceiling_ns);
    msgput_str(out, span_of("clocks"));
    put_clocks(out, message);
    if (compares)
        put_key_number(out, "clients", message->clients);
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
    const char *at = body.data, *body_end = body.data + body.len;
    if (body.len < 4 || body.len > 32) {
        memcpy(to, at, body.len);
    } else if (body.len >= 16) {
        memcpy(to, at, 16);
        memcpy(end - 16, body_end - 16, 16);
    } else if (body.len >= 8) {
        memcpy(to, at, 8);
        memcpy(end - 8, body_end - 8, 8);
    } else {
        memcpy(to, at, 4);
        memcpy(end - 4, body_end - 4, 4);
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
 * whose heads follow one another. All eight bytes of a field are always written; what follows
 * overwrites those past its end. */
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
    *out++ = (char)(0x90 | LOCATION_ELEMENTS_MIN);
    out = put_text(out, location->client);
    out = put_text(out, location->position);
    out = put_text(out, location->stamp);
    out = put_name(out, location->origin);
    out = put_integer(out, location->difference_ns);
    return put_integer(out, location->order_ns);
}

/* For a message whose locations the caller did not encode itself. */
static void put_location(struct writer *writer, const struct location *location, uint8_t hops)
{
    char written[LOCATION_STACK_BYTES];
    size_t bytes_max = wire_location_bytes_max(location);
    char *start = bytes_max <= sizeof written ? written : bytes_resize(NULL, bytes_max);
    char *end = wire_write_location(location, start);
    if (hops < WIRE_HOPS_FAR)
        end = wire_write_hops(start, end, hops);
    write_bytes(writer, start, (size_t)(end - start));
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
        put_location(writer, &message->locations[i],
                     message->has_checks ? message->hops[i] : WIRE_HOPS_FAR);
    if (!message->has_checks)
        return;
    msgpack_pack_uint64(out, message->refused_here);
    put_bool(out, message->ack_now);
}

static void put_link(msgpack_packer *out, const struct wire_link *link)
{
    msgpack_pack_array(out, LINK_ELEMENTS);
    msgput_str(out, link->name);
    put_bool(out, link->up);
    msgpack_pack_uint64(out, link->incarnation_age_ms);
    msgpack_pack_uint64(out, link->due);
    msgpack_pack_uint64(out, link->in_flight);
    msgpack_pack_uint64(out, link->acked);
    msgpack_pack_uint64(out, link->sent);
    msgpack_pack_uint64(out, link->head);
    msgpack_pack_uint64(out, link->compared_age_ms);
}

static void put_status(msgpack_packer *out, const struct wire_message *message)
{
    msgpack_pack_uint64(out, message->digest);
    msgpack_pack_uint64(out, message->clients);
    msgpack_pack_array(out, message->link_count);
    for (uint32_t i = 0; i < message->link_count; i++)
        put_link(out, &message->links[i]);
    msgpack_pack_uint64(out, message->clients_max);
    msgpack_pack_uint64(out, message->bytes);
    msgpack_pack_uint64(out, message->bytes_max);
    msgpack_pack_uint64(out, message->refused);
    msgpack_pack_int64(out, message->offset_ns);
    msgpack_pack_uint64(out, message->votes);
    msgpack_pack_uint64(out, message->above);
    msgpack_pack_uint64(out, message->journal);
    msgpack_pack_uint64(out, message->journal_due);
    msgpack_pack_uint64(out, message->journal_age_ms);
}

static void put_ack(msgpack_packer *out, const struct wire_message *message)
{
    msgpack_pack_uint64(out, message->received);
    put_bool(out, message->gap);
    if (message->has_checks)
        msgpack_pack_uint64(out, message->refused_here);
}

/* What is declined, and the ways. */
static void put_state(msgpack_packer *out, const struct wire_message *message)
{
    msgpack_pack_uint64(out, message->state_version);
    msgpack_pack_array(out, message->declined_count);
    for (uint32_t i = 0; i < message->declined_count; i++)
        msgput_str(out, message->declined[i]);
    msgpack_pack_array(out, message->way_count);
    for (uint32_t i = 0; i < message->way_count; i++) {
        msgpack_pack_array(out, WAY_ELEMENTS);
        msgput_str(out, message->ways[i].node);
        msgpack_pack_uint64(out, message->ways[i].value);
    }
}

static void put_heartbeat(msgpack_packer *out, const struct wire_message *message)
{
    const struct wire_cut *cut = &message->cut;
    msgpack_pack_uint64(out, message->head);
    msgpack_pack_uint64(out, message->received);
    msgpack_pack_uint64(out, message->digest);
    msgpack_pack_uint64(out, message->clients);
    if (!message->has_checks)
        return;
    msgpack_pack_uint64(out, message->refused_here);
    put_clocks(out, message);
    msgpack_pack_uint64(out, cut->position);
    msgpack_pack_uint64(out, cut->met);
    msgpack_pack_int64(out, cut->horizon_ns);
    msgpack_pack_int64(out, cut->ceiling_ns);
    msgpack_pack_uint64(out, message->slots);
    msgpack_pack_uint64(out, message->whole);
    if (message->has_state)
        put_state(out, message);
}

/* CHECK and LIST: which state of the link it is of. */
static void put_cut(msgpack_packer *out, const struct wire_message *message)
{
    msgpack_pack_uint64(out, message->cut.position);
    msgpack_pack_uint64(out, message->received);
    msgpack_pack_uint64(out, message->cut.met);
    msgpack_pack_int64(out, message->cut.horizon_ns);
    if (message->type == WIRE_CHECK)
        msgpack_pack_int64(out, message->cut.ceiling_ns);
}

/* CHECK, LIST, WANT: of which clients it is, and what of them. */
static void put_range(msgpack_packer *out, const struct wire_message *message)
{
    msgpack_pack_uint64(out, message->level);
    msgpack_pack_uint64(out, message->first);
    if (message->type == WIRE_LIST)
        msgpack_pack_uint64(out, message->salt);
    msgput_bin(out, message->bin);
    if (message->type != WIRE_LIST || !message->has_recent)
        return;
    put_bool(out, message->is_settled);
    msgput_bin(out, message->recent);
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
        put_ack(out, message);
        break;
    case WIRE_HEARTBEAT:
        put_heartbeat(out, message);
        break;
    case WIRE_REFUSED:
        msgpack_pack_uint64(out, message->code);
        msgput_str(out, message->text);
        break;
    case WIRE_GOODBYE:
    case WIRE_STATUS_ASK:
        break;
    case WIRE_STATUS:
        put_status(out, message);
        break;
    case WIRE_CHECK:
    case WIRE_LIST:
        put_cut(out, message);
        put_range(out, message);
        break;
    case WIRE_WANT:
        put_range(out, message);
        break;
    case WIRE_STATE:
        put_state(out, message);
        break;
    }
}

static uint32_t elements_of(const struct wire_message *message)
{
    switch (message->type) {
    case WIRE_HELLO:
        return HELLO_ELEMENTS;
    case WIRE_UPDATE:
        return message->has_checks ? UPDATE_ELEMENTS : UPDATE_ELEMENTS_MIN;
    case WIRE_ACK:
        return message->has_checks ? ACK_ELEMENTS : ACK_ELEMENTS_MIN;
    case WIRE_HEARTBEAT:
        if (message->has_checks && message->has_state)
            return HEARTBEAT_ELEMENTS;
        return message->has_checks ? HEARTBEAT_ELEMENTS_CHECKS : HEARTBEAT_ELEMENTS_MIN;
    case WIRE_REFUSED:
        return REFUSED_ELEMENTS;
    case WIRE_GOODBYE:
        return GOODBYE_ELEMENTS;
    case WIRE_STATUS_ASK:
        return STATUS_ASK_ELEMENTS;
    case WIRE_STATUS:
        return STATUS_ELEMENTS;
    case WIRE_CHECK:
        return CHECK_ELEMENTS;
    case WIRE_LIST:
        return message->has_recent ? LIST_ELEMENTS : LIST_ELEMENTS_MIN;
    case WIRE_WANT:
        return WANT_ELEMENTS;
    case WIRE_STATE:
        return STATE_ELEMENTS;
    }
    return 0;
}

size_t wire_write(const struct wire_message *message, char *out, size_t room)
{
    static const char magic[MAGIC_BYTES] = {'z', 'h', WIRE_MAJOR};
    struct writer writer = {out, room, false};
    msgpack_packer packer;
    msgpack_packer_init(&packer, &writer, write_bytes);
    write_bytes(&writer, magic, sizeof magic);
    msgpack_pack_array(&packer, elements_of(message));
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
