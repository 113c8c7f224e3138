/* plain: the hash of a plain location (location_is_plain), for whoever has its parts.
 *
 * The bytes are those of bus/PROTOCOL.md (Digests). Only location.c and record.c take this hash:
 * all others ask location_hash. */
#ifndef ZHERD_BUS_TABLE_PLAIN_H
#define ZHERD_BUS_TABLE_PLAIN_H

#include <assert.h>

/* What is hashed is hashed in place; and only in this form is a state that takes long texts piece
 * by piece complete. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "bus/table/location.h"

/* Keeps the fields of a plain location from being taken for the texts of another. */
#define PLAIN_SEED 1

/* What is hashed of a plain location, all numbers little-endian. Its size is fixed, and just what
 * four multiplications take, so the hash is straight code. */
struct plain {
    uint64_t client_begin, client_middle; /* 16 bytes */
    uint64_t client_end; /* 4 more, the client's size, the stamp's decimals, two zeros */
    uint64_t stamp_ns;
    uint8_t position[PACKED_BYTES];
    uint64_t difference_ns, origin_hash;
};

static_assert(sizeof(struct plain) == 64 && LOCATION_PLAIN_CLIENT_BYTES_MAX == 20,
              "a client is two words and a half");

/* `client` stands in LOCATION_PLAIN_CLIENT_BYTES_MAX bytes, zeros behind its `client_bytes`;
 * `origin_hash` is location_hash_origin of the origin. */
static inline uint64_t plain_hash(const char *client, size_t client_bytes,
                                  const struct packed *packed, int64_t difference_ns,
                                  uint64_t origin_hash)
{
    uint32_t client_end;
    memcpy(&client_end, client + 2 * sizeof(uint64_t), sizeof client_end);
    struct plain plain = {
        .client_end = htole64(le32toh(client_end) | (uint64_t)client_bytes << 32 |
                              (uint64_t)packed->stamp_decimals << 40),
        .stamp_ns = htole64((uint64_t)packed->stamp_ns),
        .difference_ns = htole64((uint64_t)difference_ns),
        .origin_hash = htole64(origin_hash),
    };
    memcpy(plain.position, packed->position, sizeof plain.position);
    memcpy(&plain.client_begin, client, sizeof plain.client_begin);
    memcpy(&plain.client_middle, client + sizeof plain.client_begin, sizeof plain.client_middle);
    return XXH3_64bits_withSeed(&plain, sizeof plain, PLAIN_SEED);
}

#endif
