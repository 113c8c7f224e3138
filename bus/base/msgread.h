/* msgread: a cursor over MessagePack bytes (https://github.com/msgpack/msgpack, spec.md).
 *
 * It reads what strangers wrote: it allocates nothing, keeps no object tree and never looks
 * beyond the end, whatever counts and lengths the bytes claim. It knows no message; wire.c and
 * lookup.c lay their own schemas over it. Writing is left to msgpack-c.
 *
 * Invariant: a take that says false has moved nothing, so another kind can be tried instead. */
#ifndef ZHERD_BUS_BASE_MSGREAD_H
#define ZHERD_BUS_BASE_MSGREAD_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"

/* Never merged into its callers, which have a shorter way for what is usual: see below. */
#define MSGREAD_APART __attribute__((noinline))

struct msgread {
    const char *at;
    const char *end;
};

/* A cursor at the first of `bytes`, which must stay valid as long as spans taken from them. */
static inline struct msgread msgread_of(struct span bytes)
{
    return (struct msgread){bytes.data, bytes.data + bytes.len};
}

static inline size_t msgread_left(const struct msgread *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

/* Nothing is left. A message with bytes after its last object is malformed: ask. */
static inline bool msgread_at_end(const struct msgread *cursor)
{
    return cursor->at == cursor->end;
}

/* The head of an array or a map: its elements (for a map `count` keys, each followed by its
 * value) come next. False also where fewer bytes are left than elements are claimed, so a count
 * never exceeds the size of the message. */
MSGREAD_APART bool msgread_take_array(struct msgread *cursor, uint32_t *count);
bool msgread_take_map(struct msgread *cursor, uint32_t *count);

/* An integer in any of its encodings, also a longer one than needed, and also a float of 32 or 64
 * bits whose value is whole and nearer to 0 than this: languages whose only number is a double
 * write one wherever a value has no integer encoding of 32 bits. -0.0 is 0. False where the value
 * does not fit the type asked for. */
#define MSGREAD_FLOAT_MAX (INT64_C(1) << 53)
bool msgread_take_uint(struct msgread *cursor, uint64_t *value);
MSGREAD_APART bool msgread_take_int(struct msgread *cursor, int64_t *value);

/* A float of either size, whatever its value: also infinite, or no number. */
bool msgread_take_float(struct msgread *cursor, double *value);

bool msgread_take_bool(struct msgread *cursor, bool *value);

/* Borrowed bytes of a string or of binary data; the two are different kinds. Nothing checks that
 * a string is UTF-8. */
MSGREAD_APART bool msgread_take_str(struct msgread *cursor, struct span *bytes);
MSGREAD_APART bool msgread_take_bin(struct msgread *cursor, struct span *bytes);

/* One whole object of any kind with everything inside it. Needs no stack and takes time in the
 * size of the bytes, however deeply they nest. */
bool msgread_skip(struct msgread *cursor);

/* ---- The usual encodings, without a call ----
 *
 * The same functions, inlined, for a reader of many objects that nearly always have one encoding.
 * Any other encoding, and an incomplete object, are left to the functions above, which the compiler
 * must keep out of line. */
#define MSGREAD_SKIM __attribute__((always_inline)) static inline

MSGREAD_SKIM bool msgread_first_is(const struct msgread *cursor, unsigned mask, unsigned head)
{
    return cursor->at < cursor->end && ((unsigned char)*cursor->at & mask) == head;
}

MSGREAD_SKIM bool msgread_skim_body(struct msgread *cursor, size_t head_bytes, size_t size,
                                    struct span *bytes)
{
    if (msgread_left(cursor) < head_bytes + size)
        return false;
    *bytes = (struct span){cursor->at + head_bytes, size};
    cursor->at += head_bytes + size;
    return true;
}

/* Up to 15 elements. */
MSGREAD_SKIM bool msgread_skim_array(struct msgread *cursor, uint32_t *count)
{
    if (msgread_first_is(cursor, 0xf0, 0x90)) {
        *count = *cursor->at & 0x0f;
        if (*count < msgread_left(cursor)) {
            cursor->at++;
            return true;
        }
    }
    return msgread_take_array(cursor, count);
}

/* Up to 31 bytes. */
MSGREAD_SKIM bool msgread_skim_str(struct msgread *cursor, struct span *bytes)
{
    return (msgread_first_is(cursor, 0xe0, 0xa0) &&
            msgread_skim_body(cursor, 1, *cursor->at & 0x1f, bytes)) ||
           msgread_take_str(cursor, bytes);
}

/* Up to 255 bytes. */
MSGREAD_SKIM bool msgread_skim_bin(struct msgread *cursor, struct span *bytes)
{
    return (msgread_left(cursor) > 1 && msgread_first_is(cursor, 0xff, 0xc4) &&
            msgread_skim_body(cursor, 2, (unsigned char)cursor->at[1], bytes)) ||
           msgread_take_bin(cursor, bytes);
}

/* A number with a field of its own, with which the eight bytes after the head begin. */
MSGREAD_SKIM bool msgread_skim_int(struct msgread *cursor, int64_t *value)
{
    if (msgread_left(cursor) > sizeof(uint64_t) && msgread_first_is(cursor, 0xfc, 0xcc)) {
        unsigned bytes = 1u << ((unsigned char)*cursor->at & 3);
        uint64_t field;
        memcpy(&field, cursor->at + 1, sizeof field);
        field = be64toh(field) >> (64 - 8 * bytes);
        if (field <= INT64_MAX) {
            *value = (int64_t)field;
            cursor->at += 1 + bytes;
            return true;
        }
    }
    return msgread_take_int(cursor, value);
}

#endif
