/* msgread: a cursor over MessagePack bytes (https://github.com/msgpack/msgpack, spec.md).
 *
 * It reads what strangers wrote: it allocates nothing, keeps no object tree and never looks
 * beyond the end, whatever counts and lengths the bytes claim. It knows no message; wire.c and
 * lookup.c lay their own schemas over it. Writing is left to msgpack-c.
 *
 * Invariant: a take that says false has moved nothing, so another kind can be tried instead. */
#ifndef ZHERD_BUS_MSGREAD_H
#define ZHERD_BUS_MSGREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bytes.h"

struct msgread {
    const char *at;
    const char *end;
};

/* A cursor at the first of `bytes`, which must stay valid as long as spans taken from them. */
struct msgread msgread_of(struct span bytes);

/* Nothing is left. A message with bytes behind its last object is malformed: ask. */
bool msgread_at_end(const struct msgread *cursor);

/* The head of an array or a map: its elements (for a map `count` keys, each followed by its
 * value) come next. False also where fewer bytes are left than elements are claimed, so a count
 * never exceeds the size of the message. */
bool msgread_take_array(struct msgread *cursor, uint32_t *count);
bool msgread_take_map(struct msgread *cursor, uint32_t *count);

/* An integer in any of its encodings, also a longer one than needed. False where the value does
 * not fit the type asked for. */
bool msgread_take_uint(struct msgread *cursor, uint64_t *value);
bool msgread_take_int(struct msgread *cursor, int64_t *value);

bool msgread_take_bool(struct msgread *cursor, bool *value);

/* Borrowed bytes of a string or of binary data; the two are different kinds. Nothing checks that
 * a string is UTF-8. */
bool msgread_take_str(struct msgread *cursor, struct span *bytes);
bool msgread_take_bin(struct msgread *cursor, struct span *bytes);

/* One whole object of any kind with everything inside it. Needs no stack and takes time in the
 * size of the bytes, however deeply they nest. */
bool msgread_skip(struct msgread *cursor);

#endif
