/* token: where a token of the text protocol ends, and whether two of them are equal.
 *
 * White space is six bytes and no other: space, tab, LF, vertical tab, form feed, CR. It knows no
 * commands, and no order of texts: that is span_compare's. */
#ifndef ZHERD_BUS_BASE_TOKEN_H
#define ZHERD_BUS_BASE_TOKEN_H

#include "bus/base/bytes.h"

/* Up to here token_equals makes no call. */
#define TOKEN_SHORT_BYTES_MAX 24

/* Tab to CR are neighbours in ASCII. Nearly every byte that is asked about is above them all. */
static inline bool token_is_white(char byte)
{
    unsigned char value = (unsigned char)byte;
    return value <= ' ' && (value == ' ' || (value >= '\t' && value <= '\r'));
}

/* How many bytes stand before the first white space; all of them where there is none. */
size_t token_bytes(struct span text);

/* Whether the text is one token from end to end: not empty, and no white space in it. */
bool token_is_whole(struct span text);

/* span_equals, for ids and names, which are compared for nearly every command. Nearly all have 4 to
 * 24 bytes: those are loaded in two or three pieces that may overlap. */
static inline bool token_equals(struct span a, struct span b)
{
    size_t bytes = a.len;
    if (bytes != b.len)
        return false;
    if (bytes < 4 || bytes > TOKEN_SHORT_BYTES_MAX)
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
