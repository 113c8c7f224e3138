#include "bus/table/at_line.h"

#include "bus/base/packed.h"

/* "-9223372036.854775808" */
#define DIFFERENCE_BYTES_MAX 21
/* "AT", five blanks, the difference, a tombstone's hyphen and LF */
#define AT_FRAME_BYTES_MAX (2 + 5 + DIFFERENCE_BYTES_MAX + 1 + 1)

static inline char *put(char *to, struct span bytes)
{
    if (bytes.len > 0)
        memcpy(to, bytes.data, bytes.len);
    return to + bytes.len;
}

/* The same for names, which are short: two copies of a fixed size, one up to the end, cost less
 * than a call. Where they overlap they agree. */
static inline char *put_name(char *to, struct span name)
{
    if (name.len < 4 || name.len > 8)
        return put(to, name);
    memcpy(to, name.data, 4);
    memcpy(to + name.len - 4, name.data + name.len - 4, 4);
    return to + name.len;
}

static inline char *put_byte(char *to, char byte)
{
    *to = byte;
    return to + 1;
}

/* Sign, seconds, point and nine decimals. */
static inline char *put_difference(char *to, int64_t difference_ns)
{
    /* The size of INT64_MIN has no int64_t, but it has a uint64_t. */
    uint64_t size_ns = difference_ns < 0 ? 0 - (uint64_t)difference_ns : (uint64_t)difference_ns;
    uint64_t seconds = size_ns / (uint64_t)NANO;
    to = put_byte(to, difference_ns < 0 ? '-' : '+');
    if (seconds < 10)
        to = put_byte(to, (char)('0' + seconds));
    else
        to = decimal_put(to, seconds, decimal_count(seconds));
    return decimal_put_nine(put_byte(to, '.'), (uint32_t)(size_ns - seconds * (uint64_t)NANO));
}

/* Whether `b` follows `a` after one blank, as on the line of an ordinary IAMAT. */
static bool is_next(struct span a, struct span b)
{
    return a.data + a.len + 1 == b.data && a.data[a.len] == ' ';
}

/* Client, position and stamp, with a blank between; copied in one go where they lie so already. */
static inline char *put_operands(char *to, const struct location *location)
{
    struct span client = location->client, position = location->position, stamp = location->stamp;
    if (!location_is_tombstone(location) && is_next(client, position) && is_next(position, stamp))
        return put(to, (struct span){client.data, (size_t)(stamp.data + stamp.len - client.data)});
    to = put_byte(put(to, client), ' ');
    to = put_byte(location_is_tombstone(location) ? put_byte(to, '-') : put(to, position), ' ');
    return put(to, stamp);
}

void at_line_write(struct buffer *out, const struct location *location)
{
    size_t text_bytes =
        location->origin.len + location->client.len + location->position.len + location->stamp.len;
    char *start = buffer_reserve(out, AT_FRAME_BYTES_MAX + text_bytes);
    char *end = put(start, span_of("AT "));
    end = put_byte(put_name(end, location->origin), ' ');
    end = put_byte(put_difference(end, location->difference_ns), ' ');
    end = put_byte(put_operands(end, location), '\n');
    out->len += (size_t)(end - start);
}
