#include "bus/table/record.h"

#include <assert.h>
#include <stdlib.h>

/* What is hashed is hashed in place. */
#define XXH_INLINE_ALL
#include <xxhash.h>

/* Texts are given room in such steps, so that a digit more needs no new memory. */
#define TEXT_STEP_BYTES 16u
/* Room that is more than this many times too large is given back. */
#define TEXT_WASTE_MAX 4u

static_assert(sizeof(struct record) == 64, "a record is one line of the cache");
static_assert(LOCATION_TEXT_BYTES_MAX - 2 <= UINT16_MAX, "a text's parts are counted in 16 bits");

__attribute__((always_inline)) static inline void write_packed(struct record *record,
                                                               const struct location *location,
                                                               const struct packed *packed,
                                                               uint64_t origin_hash)
{
    /* A client keeps its record, so its id is there already, unless it was kept as text. */
    if (record_is_text(record)) {
        free(record->text.at);
        memset(record->client, 0, sizeof record->client);
        memcpy(record->client, location->client.data, location->client.len);
        record->client_bytes = (uint8_t)location->client.len;
    }
    record->packed.stamp_ns = packed->stamp_ns;
    memcpy(record->packed.position, packed->position, sizeof packed->position);
    record->stamp_decimals = packed->stamp_decimals;
    struct location_plain plain = location_plain(record->client, record->client_bytes, packed,
                                                 location->difference_ns, origin_hash);
    record->hash = XXH3_64bits_withSeed(&plain, sizeof plain, LOCATION_PLAIN_SEED);
}

static char *append(char *at, struct span bytes)
{
    memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

static void make_room(struct record *record, size_t bytes)
{
    if (!record_is_text(record)) {
        record->text.at = NULL;
        record->text.room = 0;
    }
    if (bytes <= record->text.room && record->text.room / TEXT_WASTE_MAX <= bytes)
        return;
    size_t room = (bytes + TEXT_STEP_BYTES - 1) / TEXT_STEP_BYTES * TEXT_STEP_BYTES;
    record->text.at = bytes_resize(record->text.at, room);
    record->text.room = (uint32_t)room;
}

static void write_text(struct record *record, const struct location *location)
{
    make_room(record, location->client.len + location->position.len + location->stamp.len);
    char *at = append(record->text.at, location->client);
    at = append(at, location->position);
    append(at, location->stamp);
    record->text.order_ns = location->order_ns;
    record->sizes.client_bytes = (uint16_t)location->client.len;
    record->sizes.position_bytes = (uint16_t)location->position.len;
    record->sizes.stamp_bytes = (uint16_t)location->stamp.len;
    record->client_bytes = 0;
    record->hash = location_hash_texts(location);
}

/* The rare forms, and whatever nobody has read yet. */
__attribute__((noinline)) static void
write_any(struct record *record, const struct location *location, uint64_t origin_hash)
{
    struct packed packed;
    if (packed_read(location->position, location->stamp, &packed) &&
        location_is_plain(location, &packed))
        write_packed(record, location, &packed, origin_hash);
    else
        write_text(record, location);
}

void record_write(struct record *record, const struct location *location, uint16_t origin,
                  uint64_t origin_hash)
{
    if (location->packed != NULL && location_is_plain(location, location->packed))
        write_packed(record, location, location->packed, origin_hash);
    else
        write_any(record, location, origin_hash);
    record->origin = origin;
    record->difference_ns = location->difference_ns;
}

static void read_packed(const struct record *record, char *text, struct location *location)
{
    struct packed packed = {
        .stamp_ns = record->packed.stamp_ns,
        .stamp_decimals = record->stamp_decimals,
    };
    memcpy(packed.position, record->packed.position, sizeof packed.position);
    char *position_end = packed_write_position(text, &packed);
    char *stamp_end = packed_write_stamp(position_end, &packed);
    location->position = (struct span){text, (size_t)(position_end - text)};
    location->stamp = (struct span){position_end, (size_t)(stamp_end - position_end)};
}

static void read_text(const struct record *record, struct location *location)
{
    const char *position = record->text.at + record->sizes.client_bytes;
    location->position = (struct span){position, record->sizes.position_bytes};
    location->stamp =
        (struct span){position + record->sizes.position_bytes, record->sizes.stamp_bytes};
}

void record_read(const struct record *record, char *text, struct location *location)
{
    location->client = record_client(record);
    location->difference_ns = record->difference_ns;
    location->order_ns = record_order_ns(record);
    location->packed = NULL;
    if (record_is_text(record))
        read_text(record, location);
    else
        read_packed(record, text, location);
}

void record_free(struct record *record)
{
    if (record_is_text(record))
        free(record->text.at);
}
