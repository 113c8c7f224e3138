/* record: one location as a table keeps it: one line of a processor's cache.
 *
 * Nearly every location is plain (location_is_plain): a short id and digits, which take no memory
 * beside the record; its text is made from the digits when somebody reads it (bus/base/packed.h).
 * Any other is kept as text, in memory of its own. Nobody but table.c looks inside.
 *
 * Invariant: record_read gives what record_write took, every byte. */
#ifndef ZHERD_BUS_TABLE_RECORD_H
#define ZHERD_BUS_TABLE_RECORD_H

#include <stdint.h>

#include "bus/base/packed.h"
#include "bus/table/location.h"

/* All zero is a record that was never written. */
struct record {
    union {
        char client[LOCATION_PLAIN_CLIENT_BYTES_MAX]; /* zeros after the id */
        struct {
            uint16_t client_bytes, position_bytes, stamp_bytes;
        } sizes;
    };
    uint16_t origin;        /* the table's number for its name */
    uint8_t client_bytes;   /* 0: this location is kept as text */
    uint8_t stamp_decimals; /* of a plain location */
    union {
        struct {
            int64_t stamp_ns;
            uint8_t position[PACKED_BYTES];
        } packed;
        struct {
            char *at; /* client, position, stamp, one behind the other */
            int64_t order_ns;
            uint32_t room; /* bytes behind `at` */
        } text;
    };
    int64_t difference_ns;
    uint64_t hash; /* location_hash of what stands here */
};

/* Replaces what stands there. `origin` is the number of location->origin, `origin_hash` its
 * location_hash_origin. */
void record_write(struct record *record, const struct location *location, uint16_t origin,
                  uint64_t origin_hash);

/* Everything but the origin, which is the table's business. The location borrows from `record`,
 * and from `text`, where PACKED_TEXT_BYTES_MAX bytes must be. */
void record_read(const struct record *record, char *text, struct location *location);

static inline bool record_is_text(const struct record *record)
{
    return record->client_bytes == 0;
}

static inline struct span record_client(const struct record *record)
{
    if (record_is_text(record))
        return (struct span){record->text.at, record->sizes.client_bytes};
    return (struct span){record->client, record->client_bytes};
}

static inline int64_t record_order_ns(const struct record *record)
{
    return record_is_text(record)
               ? record->text.order_ns
               : location_order_of(record->packed.stamp_ns, record->difference_ns);
}

/* Gives back what memory it has beside itself. */
void record_free(struct record *record);

#endif
