/* same: whether two texts are the same, without a call where they are short.
 *
 * Ids and names are compared for nearly every command, and nearly all have 4 to 24 bytes: those
 * are loaded in two or three pieces that may overlap. It tells no order: that is span_compare's. */
#ifndef ZHERD_BUS_BASE_SAME_H
#define ZHERD_BUS_BASE_SAME_H

#include "bus/base/bytes.h"

#define SAME_SHORT_BYTES_MAX 24

static inline bool same(struct span a, struct span b)
{
    size_t bytes = a.len;
    if (bytes != b.len)
        return false;
    if (bytes < 4 || bytes > SAME_SHORT_BYTES_MAX)
        return span_equals(a, b);
    if (bytes < 8)
        return bytes_load_4(a.data) == bytes_load_4(b.data) &&
               bytes_load_4(a.data + bytes - 4) == bytes_load_4(b.data + bytes - 4);
    size_t last = bytes - 8, middle = last < 8 ? last : 8;
    return bytes_load_8(a.data) == bytes_load_8(b.data) &&
           bytes_load_8(a.data + middle) == bytes_load_8(b.data + middle) &&
           bytes_load_8(a.data + last) == bytes_load_8(b.data + last);
}

#endif
