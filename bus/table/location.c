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
    bool is_read = location->packed != NULL;
    return text_fits(location) && location->origin.len <= LOCATION_ORIGIN_BYTES_MAX &&
           token_is_whole(location->client) && (is_read || token_is_whole(location->position)) &&
           (is_read || token_is_whole(location->stamp)) && token_is_whole(location->origin);
}

uint64_t location_hash_origin(struct span origin)
{
    return XXH3_64bits(origin.data, origin.len);
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
    struct location_plain plain =
        location_plain(client, location->client.len, &packed, location->difference_ns,
                       location_hash_origin(location->origin));
    return XXH3_64bits_withSeed(&plain, sizeof plain, LOCATION_PLAIN_SEED);
}
