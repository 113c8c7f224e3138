/* record: one location as a table keeps it: one line of a processor's cache.
 *
 * Nearly every location is plain (location_is_plain): a short id and digits, which take no memory
 * beside the record; its text is made from the digits when somebody reads it (bus/base/packed.h).
 * Any other is kept as text, in memory of its own. Nobody but table.c looks inside.
 *
 * Invariant: record_read gives what record_write took, every byte. */
#ifndef ZHERD_BUS_TABLE_RECORD_H
#define ZHERD_BUS_TABLE_RECORD_H

#include <assert.h>
#include <stdint.h>

#include "bus/base/allowance.h"
#include "bus/base/packed.h"
#include "bus/table/location.h"

/* All zero is a record that was never written. */
struct record {
    union {
        char client[LOCATION_PLAIN_CLIENT_BYTES_MAX]; /* zeros after the id */
        struct __attribute__((packed, aligned(4))) {
            char *at;      /* client, position, stamp, one after the other */
            uint32_t room; /* bytes allocated at `at` */
            uint16_t client_bytes, position_bytes, stamp_bytes;
        } text;
    };
    uint16_t origin;  /* the table's number for its name */
    uint16_t form;    /* see RECORD_CLIENT_BYTES, which are 0 of one that is kept as text */
    int64_t stamp_ns; /* of a plain location; of a text the order time */
    union {
        uint8_t position[PACKED_BYTES]; /* of a plain location, but for its last two bytes */
        struct {
            uint8_t digits[PACKED_BYTES - sizeof(uint16_t)];
            uint16_t range; /* the client's in the table, which no location changes */
        };
    };
    int64_t difference_ns;
    uint64_t hash; /* location_hash of what stands here */
};

/* The small numbers of a plain location, side by side: how many bytes its client has, how many
 * characters its position, how many decimals its stamp, and whether the order time is not the
 * stamp, but location_latest_ns. The last bit is the grid's, of a text, too, and cleared by each
 * record_write: the client stands in no leaf (bus/table/grid.h). */
#define RECORD_CLIENT_BYTES   0x1fu
#define RECORD_POSITION_SHIFT 5
#define RECORD_DECIMALS_SHIFT 10
#define RECORD_IS_LATEST      0x4000u
#define RECORD_IS_ASTRAY      0x8000u

static_assert(LOCATION_PLAIN_CLIENT_BYTES_MAX <= 31 && PACKED_POSITION_BYTES_MAX <= 31,
              "five bits are enough for each, and four for up to nine decimals");
static_assert(PACKED_POSITION_BYTES_MAX <= 2 * (PACKED_BYTES - sizeof(uint16_t)),
              "two bytes of a packed position are free for the range");

/* Replaces what stands there. `origin` is the number of location->origin, `origin_hash` its
 * location_hash_origin. The allowance counts what stands beside the record; false where it refuses
 * that, and then the record is as it was. */
bool record_write(struct record *record, const struct location *location, uint16_t origin,
                  uint64_t origin_hash, struct allowance *allowance);

/* Everything but the origin, which is the table's business. The location borrows from `record`,
 * and from `text`, where PACKED_TEXT_BYTES_MAX bytes must be. */
void record_read(const struct record *record, char *text, struct location *location);

static inline bool record_is_text(const struct record *record)
{
    return (record->form & RECORD_CLIENT_BYTES) == 0;
}

static inline struct span record_client(const struct record *record)
{
    if (record_is_text(record))
        return (struct span){record->text.at, record->text.client_bytes};
    return (struct span){record->client, record->form & RECORD_CLIENT_BYTES};
}

static inline bool record_is_tombstone(const struct record *record)
{
    return record_is_text(record) ? record->text.position_bytes == 0
                                  : (record->form >> RECORD_POSITION_SHIFT & 31) == 0;
}

/* Of one with RECORD_IS_LATEST: kept out of what nearly always needs only the stamp. */
int64_t record_latest_ns(const struct record *record);

static inline int64_t record_order_ns(const struct record *record)
{
    return (record->form & RECORD_IS_LATEST) == 0 ? record->stamp_ns : record_latest_ns(record);
}

/* Bytes beside the record, as the allowance counts them. */
static inline uint64_t record_beside_bytes(const struct record *record)
{
    bool has_text = record_is_text(record) && record->text.at != NULL;
    return has_text ? record->text.room + ALLOWANCE_BLOCK_BYTES : 0;
}

/* Gives back what memory it has beside itself, which no allowance counts any more. */
void record_free(struct record *record);

#endif
