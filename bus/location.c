#include "bus/location.h"

/* The streaming state is only complete in this form, and short inputs are hashed in place. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "bus/word.h"

/* Fixed fields of a hash: two numbers of 8 bytes, three sizes of 4. */
#define HASH_HEAD_BYTES (2 * 8 + 3 * 4)
/* Up to here the hashed bytes are laid out on the stack: nearly every location is this small. */
#define HASH_STACK_BYTES 256

int64_t location_order_ns(int64_t stamp_ns, int64_t accepted_ns)
{
    int64_t latest = accepted_ns > INT64_MAX - LOCATION_SKEW_NS_MAX
                         ? INT64_MAX
                         : accepted_ns + LOCATION_SKEW_NS_MAX;
    return stamp_ns < latest ? stamp_ns : latest;
}

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

static bool is_word(struct span bytes)
{
    return bytes.bytes > 0 && word_bytes(bytes) == bytes.bytes;
}

/* The three together fit, also where a sum of sizes would not fit its type. */
static bool text_fits(const struct location *location)
{
    size_t room = LOCATION_TEXT_BYTES_MAX;
    if (location->client.bytes > room)
        return false;
    room -= location->client.bytes;
    if (location->position.bytes > room)
        return false;
    room -= location->position.bytes;
    return location->stamp.bytes <= room;
}

bool location_is_valid(const struct location *location)
{
    /* What was read as numbers is a word. */
    bool is_read = location->digits != NULL;
    return text_fits(location) && location->origin.bytes <= LOCATION_ORIGIN_BYTES_MAX &&
           is_word(location->client) && (is_read || is_word(location->position)) &&
           (is_read || is_word(location->stamp)) && is_word(location->origin);
}

static char *put_bytes(char *at, struct span bytes)
{
    memcpy(at, bytes.at, bytes.bytes);
    return at + bytes.bytes;
}

static void put_head(char head[HASH_HEAD_BYTES], const struct location *location)
{
    const uint64_t numbers[] = {htole64((uint64_t)location->order_ns),
                                htole64((uint64_t)location->difference_ns)};
    const uint32_t sizes[] = {htole32((uint32_t)location->client.bytes),
                              htole32((uint32_t)location->position.bytes),
                              htole32((uint32_t)location->stamp.bytes)};
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
    XXH3_64bits_update(&state, location->client.at, location->client.bytes);
    XXH3_64bits_update(&state, location->position.at, location->position.bytes);
    XXH3_64bits_update(&state, location->stamp.at, location->stamp.bytes);
    XXH3_64bits_update(&state, location->origin.at, location->origin.bytes);
    return XXH3_64bits_digest(&state);
}

uint64_t location_hash(const struct location *location)
{
    size_t bytes = HASH_HEAD_BYTES + location->client.bytes + location->position.bytes +
                   location->stamp.bytes + location->origin.bytes;
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
