/* floats: a message as a language whose only number is a double would have written it. */
#ifndef ZHERD_TESTS_UNIT_FLOATS_H
#define ZHERD_TESTS_UNIT_FLOATS_H

#include <string.h>

#include "bus/base/msgread.h"
#include "tests/check.h"

static inline size_t floats_put(char *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = htobe64(bits);
    out[0] = '\xcb';
    memcpy(out + 1, &bits, sizeof bits);
    return 1 + sizeof bits;
}

/* Copies a message, its first `prefix` bytes as they are, and after them each integer that a double
 * holds exactly as a float of 64 bits. The size; `converted` counts them. */
static inline size_t floats_of(struct span message, size_t prefix, char *out, size_t *converted)
{
    size_t bytes = prefix;
    struct msgread cursor = msgread_of(message);
    memcpy(out, message.data, prefix);
    cursor.at += prefix;
    *converted = 0;
    while (!msgread_at_end(&cursor)) {
        struct msgread start = cursor;
        int64_t number;
        uint32_t count;
        if (msgread_take_int(&cursor, &number) && number > -MSGREAD_FLOAT_MAX &&
            number < MSGREAD_FLOAT_MAX) {
            bytes += floats_put(out + bytes, (double)number);
            ++*converted;
            continue;
        }
        /* The head of what holds others, or a whole object. */
        cursor = start;
        bool taken = msgread_take_array(&cursor, &count) || msgread_take_map(&cursor, &count) ||
                     msgread_skip(&cursor);
        CHECK(taken);
        memcpy(out + bytes, start.at, (size_t)(cursor.at - start.at));
        bytes += (size_t)(cursor.at - start.at);
    }
    return bytes;
}

#endif
