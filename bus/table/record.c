#include "bus/table/record.h"

#include <assert.h>
#include <stdlib.h>

/* What is hashed is hashed in place. */
#define XXH_INLINE_ALL
#include <xxhash.h>

/* Beside the id, a text is given room for any usual position and stamp at once, so that a known
 * client with a long id is never refused for digits more: nine decimals everywhere are 47 bytes. */
#define TEXT_USUAL_BYTES 48u
/* Texts are given room in such steps. */
#define TEXT_STEP_BYTES 16u
/* Room that is more than this many times too large is given back. */
#define TEXT_WASTE_MAX 4u

static_assert(sizeof(struct record) == 64, "a record is one line of the cache");
static_assert(LOCATION_TEXT_BYTES_MAX - 2 <= UINT16_MAX, "a text's parts are counted in 16 bits");

/* Nothing of what was said of a client that is forgotten later stays in memory, also of what was
 * longer and stood here before the last of it. */
static void wipe_text(struct record *record)
{
    if (record->text.at != NULL)
        explicit_bzero(record->text.at, record->text.room);
}

__attribute__((always_inline)) static inline void
write_packed(struct record *record, const struct location *location, const struct packed *packed,
             bool is_greater, uint64_t origin_hash, struct allowance *allowance)
{
    /* A client keeps its record, so its id is there already, unless it was kept as text. */
    if (record_is_text(record)) {
        wipe_text(record);
        allowance_free(allowance, record->text.at, record->text.room);
        memset(record->client, 0, sizeof record->client);
        memcpy(record->client, location->client.data, location->client.len);
    }
    record->stamp_ns = packed->stamp_ns;
    uint16_t range = record->range;
    memcpy(record->position, packed->position, sizeof packed->position);
    record->range = range;
    unsigned form = (unsigned)location->client.len |
                    (unsigned)packed->position[PACKED_BYTES - 1] << RECORD_POSITION_SHIFT |
                    (unsigned)packed->stamp_decimals << RECORD_DECIMALS_SHIFT;
    if (location->order_ns != packed->stamp_ns)
        form |= RECORD_IS_LATEST;
    record->form = (uint16_t)form;
    struct location_plain plain = location_plain(record->client, location->client.len, packed,
                                                 location->difference_ns, is_greater, origin_hash);
    record->hash = XXH3_64bits_withSeed(&plain, sizeof plain, LOCATION_PLAIN_SEED);
}

static char *append(char *at, struct span bytes)
{
    memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

/* A larger block in place of the record's, which is not moved, but wiped: all that stands in it is
 * written again. NULL, and nothing is changed, where it is refused. */
static char *replace_text(struct record *record, size_t bytes, struct allowance *allowance)
{
    uint64_t held = record_beside_bytes(record);
    allowance->taken -= held;
    char *at = allowance_resize(allowance, NULL, 0, bytes);
    allowance->taken += held;
    if (at == NULL)
        return NULL;
    wipe_text(record);
    allowance_free(allowance, record->text.at, record->text.room);
    return at;
}

/* Memory for a text of `bytes` bytes, or of `usual_bytes` if that is more; false, and nothing is
 * changed, where it is refused. */
static bool make_room(struct record *record, size_t bytes, size_t usual_bytes,
                      struct allowance *allowance)
{
    bool is_text = record_is_text(record);
    uint32_t room = is_text ? record->text.room : 0;
    size_t needed = bytes > usual_bytes ? bytes : usual_bytes;
    if (bytes <= room && room / TEXT_WASTE_MAX <= needed)
        return true;
    size_t wanted = (needed + TEXT_STEP_BYTES - 1) / TEXT_STEP_BYTES * TEXT_STEP_BYTES;
    char *at = is_text && wanted > room
                   ? replace_text(record, wanted, allowance)
                   : allowance_resize(allowance, is_text ? record->text.at : NULL, room, wanted);
    if (at == NULL) /* too large is large enough */
        return bytes <= room;
    record->text.at = at;
    record->text.room = (uint32_t)wanted;
    return true;
}

static bool write_text(struct record *record, const struct location *location,
                       struct allowance *allowance)
{
    size_t bytes = location->client.len + location->position.len + location->stamp.len;
    bool is_tombstone = location_is_tombstone(location);
    /* Before its block becomes smaller; what fits is not refused. */
    if (record_is_text(record) && bytes <= record->text.room)
        wipe_text(record);
    if (!make_room(record, bytes, location->client.len + TEXT_USUAL_BYTES, allowance))
        return false;
    if (is_tombstone)
        memset(record->digits, 0, sizeof record->digits);
    char *at = append(record->text.at, location->client);
    at = append(at, location->position);
    append(at, location->stamp);
    record->text.client_bytes = (uint16_t)location->client.len;
    record->text.position_bytes = (uint16_t)location->position.len;
    record->text.stamp_bytes = (uint16_t)location->stamp.len;
    record->stamp_ns = location->order_ns;
    record->form = 0;
    record->hash = location_hash_texts(location);
    return true;
}

/* The rare forms, and whatever nobody has read yet. */
__attribute__((noinline)) static bool write_any(struct record *record,
                                                const struct location *location,
                                                uint64_t origin_hash, struct allowance *allowance)
{
    struct packed packed;
    if (!packed_read(location->position, location->stamp, &packed) ||
        !location_is_plain(location, &packed))
        return write_text(record, location, allowance);
    write_packed(record, location, &packed, location_is_greater(location, &packed), origin_hash,
                 allowance);
    return true;
}

bool record_write(struct record *record, const struct location *location, uint16_t origin,
                  uint64_t origin_hash, struct allowance *allowance)
{
    if (location->packed != NULL && location_is_usual(location, location->packed))
        write_packed(record, location, location->packed, false, origin_hash, allowance);
    else if (!write_any(record, location, origin_hash, allowance))
        return false;
    record->origin = origin;
    record->difference_ns = location->difference_ns;
    return true;
}

/* What stands after the digits becomes characters that are not looked at. */
static void read_packed(const struct record *record, char *text, struct location *location)
{
    struct packed packed = {
        .stamp_ns = record->stamp_ns,
        .stamp_decimals = record->form >> RECORD_DECIMALS_SHIFT & 15,
    };
    memcpy(packed.position, record->position, sizeof packed.position);
    packed_write_position(text, &packed);
    size_t position_bytes = record->form >> RECORD_POSITION_SHIFT & 31;
    char *position_end = text + position_bytes;
    char *stamp_end = packed_write_stamp(position_end, &packed);
    location->position = (struct span){text, position_bytes};
    location->stamp = (struct span){position_end, (size_t)(stamp_end - position_end)};
}

static void read_text(const struct record *record, struct location *location)
{
    const char *position = record->text.at + record->text.client_bytes;
    location->position = (struct span){position, record->text.position_bytes};
    location->stamp =
        (struct span){position + record->text.position_bytes, record->text.stamp_bytes};
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

__attribute__((noinline)) int64_t record_latest_ns(const struct record *record)
{
    return location_latest_ns(record->stamp_ns, record->difference_ns);
}

void record_free(struct record *record)
{
    if (record_is_text(record))
        free(record->text.at);
}
