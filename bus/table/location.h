/* location: one client's last position, as the node that took it wrote it down.
 *
 * It is a view: the spans borrow from a line, a message or the table. It is not a place on a
 * map: position and stamp are the client's own bytes, kept so that an AT line is the same on
 * every node for ever.
 *
 * Invariant: location_compare is a total order over everything in the struct, so two nodes that
 * hold the same locations agree on the newest, whatever the order of arrival. */
#ifndef ZHERD_BUS_TABLE_LOCATION_H
#define ZHERD_BUS_TABLE_LOCATION_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/packed.h"

/* Client, position and stamp together: what fits on one line of the text protocol (64 KiB). */
#define LOCATION_TEXT_BYTES_MAX (64 * 1024)
/* A node's name; also a ZeroMQ routing id, which ends at 255. */
#define LOCATION_ORIGIN_BYTES_MAX 63
/* How far a stamp may lie in the future and still count as such. A stamp of the year 9999 must
 * not hide every later position: five seconds on, any honest clock is newer. */
#define LOCATION_SKEW_NS_MAX INT64_C(5000000000)
/* The longest id of a plain location: see location_is_plain. */
#define LOCATION_PLAIN_CLIENT_BYTES_MAX 20

struct location {
    struct span client;    /* who: any bytes but white space */
    struct span position;  /* "+34.068930-118.445127" as sent */
    struct span stamp;     /* "1621464827.959498503" as sent */
    struct span origin;    /* name of the node that took the IAMAT */
    int64_t difference_ns; /* that node's clock at that moment minus the stamp, exact */
    int64_t order_ns;      /* order time: see location_order_ns; carried, never computed again */
    const struct packed *packed; /* position and stamp once more, where somebody has read them
                                  * (bus/base/packed.h); NULL: nobody has. Says nothing new, so
                                  * neither order nor hash depends on it */
};

/* The order time: the client's stamp, but at most LOCATION_SKEW_NS_MAX after the moment the
 * node accepted it. Saturates instead of overflowing. */
static inline int64_t location_order_ns(int64_t stamp_ns, int64_t accepted_ns)
{
    int64_t latest;
    if (__builtin_add_overflow(accepted_ns, LOCATION_SKEW_NS_MAX, &latest))
        latest = INT64_MAX;
    return stamp_ns < latest ? stamp_ns : latest;
}

/* The same from a stamp and the difference, as it follows wherever an honest node took the
 * IAMAT. */
static inline int64_t location_order_of(int64_t stamp_ns, int64_t difference_ns)
{
    int64_t accepted_ns;
    if (__builtin_add_overflow(stamp_ns, difference_ns, &accepted_ns))
        accepted_ns = INT64_MAX;
    return location_order_ns(stamp_ns, accepted_ns);
}

/* Newer is greater: by order time, then origin, then stamp, position and difference. 0 means
 * the same location. The client is not looked at: only locations of one client compare. */
int location_compare(const struct location *a, const struct location *b);

/* What every stored location holds: client, position, stamp and origin not empty, free of the
 * six white-space bytes, within the limits above. A peer's bytes are asked this before they
 * can reach a table or an AT line. */
bool location_is_valid(const struct location *location);

/* Nearly every location is plain: a client of 1 to LOCATION_PLAIN_CLIENT_BYTES_MAX bytes, a
 * position and a stamp that packed_read takes, and the order time that follows from stamp and
 * difference. So a few fixed fields say all of it. That depends on nothing but the location, so
 * all nodes agree. Here for whoever has its digits. */
static inline bool location_is_plain(const struct location *location, const struct packed *packed)
{
    return location->client.len > 0 && location->client.len <= LOCATION_PLAIN_CLIENT_BYTES_MAX &&
           location->order_ns == location_order_of(packed->stamp_ns, location->difference_ns);
}

/* What is hashed of a plain location (bus/PROTOCOL.md, Digests), all numbers little-endian. Its
 * size is fixed, and just what four multiplications take, so the hash is straight code. */
struct location_plain {
    uint64_t client_begin, client_middle; /* 16 bytes */
    uint64_t client_end; /* 4 more, the client's size, the stamp's decimals, two zeros */
    uint64_t stamp_ns;
    uint8_t position[PACKED_BYTES];
    uint64_t difference_ns, origin_hash;
};

static_assert(sizeof(struct location_plain) == 64 && LOCATION_PLAIN_CLIENT_BYTES_MAX == 20,
              "a client is two words and a half");

/* Keeps the fields of a plain location from being taken for the texts of another: the hash is
 * XXH3_64bits_withSeed of the struct with this seed. */
#define LOCATION_PLAIN_SEED 1

/* `client` stands in LOCATION_PLAIN_CLIENT_BYTES_MAX bytes, zeros after its `client_bytes`;
 * `origin_hash` is location_hash_origin of the origin. Only location.c and record.c, which hash it
 * in place, need this: all others ask location_hash. */
static inline struct location_plain location_plain(const char *client, size_t client_bytes,
                                                   const struct packed *packed,
                                                   int64_t difference_ns, uint64_t origin_hash)
{
    uint32_t client_end;
    memcpy(&client_end, client + 2 * sizeof(uint64_t), sizeof client_end);
    struct location_plain plain = {
        .client_end = htole64(le32toh(client_end) | (uint64_t)client_bytes << 32 |
                              (uint64_t)packed->stamp_decimals << 40),
        .stamp_ns = htole64((uint64_t)packed->stamp_ns),
        .difference_ns = htole64((uint64_t)difference_ns),
        .origin_hash = htole64(origin_hash),
    };
    memcpy(plain.position, packed->position, sizeof plain.position);
    memcpy(&plain.client_begin, client, sizeof plain.client_begin);
    memcpy(&plain.client_middle, client + sizeof plain.client_begin, sizeof plain.client_middle);
    return plain;
}

/* 64-bit hash of a whole location, the same on every machine; bus/PROTOCOL.md (Digests) lays out
 * the bytes that XXH3-64 (xxhash.com) is taken of, for plain locations and for the others. A
 * table's digest is the XOR of these. */
uint64_t location_hash(const struct location *location);

/* The parts of it that bus/table/record.c keeps or needs: the hash of a location that is not plain,
 * and the one of an origin. */
uint64_t location_hash_texts(const struct location *location);
uint64_t location_hash_origin(struct span origin);

#endif
