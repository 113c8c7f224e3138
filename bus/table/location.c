#include "bus/table/location.h"

/* What is hashed is hashed in place; and only in this form is a state that takes long texts piece
 * by piece complete. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "bus/base/token.h"

/* Fixed fields of a hash of texts: two numbers of 8 bytes, three sizes of 4. */
#define HASH_HEAD_BYTES (2 * 8 + 3 * 4)
/* Up to here the hashed bytes are laid out on the stack: nearly every such location is so small. */
#define HASH_STACK_BYTES 256

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int location_compare(const struct location *a, const struct location *b)
{
    int order = compare_numbers(a->order_ns, b->order_ns);
    if (order == 0)
        order = span_compare(a->origin, b->origin);
    if (order == 0)
        order = span_compare(a->stamp, b->stamp);
    if (order == 0)
        order = span_compare(a->position, b->position);
    if (order == 0)
        order = compare_numbers(a->difference_ns, b->difference_ns);
    return order;
}

bool location_known_order_ns(const struct location *location, int64_t ceiling_ns, int64_t *known_ns)
{
    *known_ns = location->order_ns;
    if (location->order_ns <= ceiling_ns)
        return true;
    int64_t stamp_ns = location_is_tombstone(location) ? location_stamp_ns(location->stamp) : -1;
    *known_ns = location_latest_ns(stamp_ns, 0);
    return stamp_ns >= 0 && *known_ns <= ceiling_ns;
}

int location_compare_at(const struct location *a, const struct location *b, int64_t ceiling_ns)
{
    int64_t a_ns, b_ns;
    bool a_is_known = location_known_order_ns(a, ceiling_ns, &a_ns);
    bool b_is_known = location_known_order_ns(b, ceiling_ns, &b_ns);
    if (a_is_known != b_is_known)
        return a_is_known ? 1 : -1;
    int order = a_is_known ? compare_numbers(a_ns, b_ns) : 0;
    return order != 0 ? order : location_compare(a, b);
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Reads digits up to `end`, and returns where they end; NULL where there are none or they say more
 * than fits. */
static const char *read_seconds(const char *at, const char *end, int64_t *seconds)
{
    const char *start = at;
    *seconds = 0;
    for (; at < end && is_digit(*at); at++)
        if (__builtin_mul_overflow(*seconds, 10, seconds) ||
            __builtin_add_overflow(*seconds, *at - '0', seconds))
            return NULL;
    return at > start ? at : NULL;
}

/* Reads digits up to `end`, and returns where they end; NULL where there are none. */
static const char *read_billionths(const char *at, const char *end, int64_t *billionths)
{
    const char *start = at;
    int64_t unit = NANO / 10;
    *billionths = 0;
    for (; at < end && is_digit(*at); at++, unit /= 10)
        *billionths += unit * (*at - '0');
    return at > start ? at : NULL;
}

int64_t location_stamp_ns(struct span stamp)
{
    const char *end = stamp.data + stamp.len;
    int64_t seconds, billionths = 0, stamp_ns;
    const char *at = read_seconds(stamp.data, end, &seconds);
    if (at != NULL && at < end && *at == '.')
        at = read_billionths(at + 1, end, &billionths);
    if (at == NULL || at != end || __builtin_mul_overflow(seconds, NANO, &stamp_ns) ||
        __builtin_add_overflow(stamp_ns, billionths, &stamp_ns))
        return INT64_MIN;
    return stamp_ns;
}

/* The three together fit, also where a sum of sizes would not fit its type. */
static bool text_fits(const struct location *location)
{
    size_t room = LOCATION_TEXT_BYTES_MAX;
    if (location->client.len > room)
        return false;
    room -= location->client.len;
    if (location->position.len > room)
        return false;
    room -= location->position.len;
    return location->stamp.len <= room;
}

bool location_is_valid(const struct location *location)
{
    /* What was read as digits is a word. */
    bool is_read = location->packed != NULL, is_tombstone = location_is_tombstone(location);
    return location->order_ns <= LOCATION_ORDER_NS_MAX && text_fits(location) &&
           location->origin.len <= LOCATION_ORIGIN_BYTES_MAX && token_is_whole(location->client) &&
           (is_read || is_tombstone || token_is_whole(location->position)) &&
           (is_read || token_is_whole(location->stamp)) && token_is_whole(location->origin);
}

uint64_t location_hash_origin(struct span origin)
{
    return XXH3_64bits(origin.data, origin.len);
}

uint64_t location_hash_client(struct span client)
{
    return XXH3_64bits(client.data, client.len);
}

static char *put_bytes(char *at, struct span bytes)
{
    memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

static void put_head(char head[HASH_HEAD_BYTES], const struct location *location)
{
    const uint64_t numbers[] = {htole64((uint64_t)location->order_ns),
                                htole64((uint64_t)location->difference_ns)};
    const uint32_t sizes[] = {htole32((uint32_t)location->client.len),
                              htole32((uint32_t)location->position.len),
                              htole32((uint32_t)location->stamp.len)};
    memcpy(head, numbers, sizeof numbers);
    memcpy(head + sizeof numbers, sizes, sizeof sizes);
}

static uint64_t hash_long(const struct location *location)
{
    char head[HASH_HEAD_BYTES];
    put_head(head, location);
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, head, sizeof head);
    XXH3_64bits_update(&state, location->client.data, location->client.len);
    XXH3_64bits_update(&state, location->position.data, location->position.len);
    XXH3_64bits_update(&state, location->stamp.data, location->stamp.len);
    XXH3_64bits_update(&state, location->origin.data, location->origin.len);
    return XXH3_64bits_digest(&state);
}

uint64_t location_hash_texts(const struct location *location)
{
    size_t bytes = HASH_HEAD_BYTES + location->client.len + location->position.len +
                   location->stamp.len + location->origin.len;
    if (bytes > HASH_STACK_BYTES)
        return hash_long(location);
    char flat[HASH_STACK_BYTES];
    put_head(flat, location);
    char *at = put_bytes(flat + HASH_HEAD_BYTES, location->client);
    at = put_bytes(at, location->position);
    at = put_bytes(at, location->stamp);
    put_bytes(at, location->origin);
    return XXH3_64bits(flat, bytes);
}

uint64_t location_hash(const struct location *location)
{
    struct packed packed;
    if (!packed_read(location->position, location->stamp, &packed) ||
        !location_is_plain(location, &packed))
        return location_hash_texts(location);
    char client[LOCATION_PLAIN_CLIENT_BYTES_MAX] = {0};
    memcpy(client, location->client.data, location->client.len);
    struct location_plain plain = location_plain(
        client, location->client.len, &packed, location->difference_ns,
        location_is_greater(location, &packed), location_hash_origin(location->origin));
    return XXH3_64bits_withSeed(&plain, sizeof plain, LOCATION_PLAIN_SEED);
}
