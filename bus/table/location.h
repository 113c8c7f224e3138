/* location: one client's last position, as the node that took it wrote it down.
 *
 * One without a position is a *tombstone*: the client was forgotten, and what was known of it
 * before is to be forgotten wherever this comes. In everything else it is a location as any.
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
/* An order time beyond, in the year 2116, breaks a rule: no honest clock gives it, and sums of
 * order times and of times like LOCATION_SKEW_NS_MAX stay far from the end of their type. */
#define LOCATION_ORDER_NS_MAX (INT64_C(1) << 62)
/* The longest id of a plain location: see location_is_plain. */
#define LOCATION_PLAIN_CLIENT_BYTES_MAX 20

struct location {
    struct span client;    /* who: any bytes but white space */
    struct span position;  /* "+34.068930-118.445127" as sent; empty: a tombstone */
    struct span stamp;     /* "1621464827.959498503" as sent */
    struct span origin;    /* name of the node that took the IAMAT */
    int64_t difference_ns; /* that node's clock at that moment minus the stamp, exact */
    int64_t order_ns;      /* order time: see location_order_ns; carried, never computed again */
    const struct packed *packed; /* position and stamp once more, where somebody has read them
                                  * (bus/base/packed.h); NULL: nobody has. Says nothing new, so
                                  * neither order nor hash depends on it */
};

/* The order time (rule O1): the client's stamp, but at most LOCATION_SKEW_NS_MAX after the moment
 * the herd's clocks showed when the node accepted it, and never beyond LOCATION_ORDER_NS_MAX. */
static inline int64_t location_order_ns(int64_t stamp_ns, int64_t accepted_ns)
{
    int64_t latest = accepted_ns > LOCATION_ORDER_NS_MAX - LOCATION_SKEW_NS_MAX
                         ? LOCATION_ORDER_NS_MAX
                         : accepted_ns + LOCATION_SKEW_NS_MAX;
    return stamp_ns < latest ? stamp_ns : latest;
}

/* The latest order time that the node's own clock allows, from a stamp of at least 0 and the
 * difference. Saturates instead of overflowing. */
static inline int64_t location_latest_ns(int64_t stamp_ns, int64_t difference_ns)
{
    int64_t accepted_ns, latest;
    if (__builtin_add_overflow(stamp_ns, difference_ns, &accepted_ns) ||
        __builtin_add_overflow(accepted_ns, LOCATION_SKEW_NS_MAX, &latest))
        latest = INT64_MAX;
    return latest;
}

/* What a stamp is in nanoseconds since 1970: digits, and perhaps a point and digits, of which those
 * after the ninth are cut. INT64_MIN, less than any, for texts that are no such number or too large
 * for one. */
int64_t location_stamp_ns(struct span stamp);

/* Newer is greater: by order time, then origin, then stamp, position and difference. 0 means
 * the same location. The client is not looked at: only locations of one client compare. */
int location_compare(const struct location *a, const struct location *b);

static inline bool location_is_tombstone(const struct location *location)
{
    return location->position.len == 0;
}

/* The order time that counts against other reports of the client while the herd's ceiling is
 * there: its own up to the ceiling. Above it a tombstone has its stamp plus LOCATION_SKEW_NS_MAX,
 * if that is not above, too; false, for none, in any other case. */
bool location_known_order_ns(const struct location *location, int64_t ceiling_ns,
                             int64_t *known_ns);

/* The same as location_compare, but one with a known order is newer than one without (rule O3):
 * what a wrong clock put beyond the ceiling loses to the first true report. Of two with one, the
 * known orders decide first. A total order, too, as long as the ceiling stays. */
int location_compare_at(const struct location *a, const struct location *b, int64_t ceiling_ns);

/* What every stored location holds: client, stamp and origin not empty, these and the position,
 * which only a tombstone lacks, free of the six white-space bytes, within the limits above, and an
 * order time of at most LOCATION_ORDER_NS_MAX. A peer's bytes are asked this before they can reach
 * a table or an AT line. */
bool location_is_valid(const struct location *location);

/* Nearly every location is plain: a client of 1 to LOCATION_PLAIN_CLIENT_BYTES_MAX bytes, a
 * position and a stamp that packed_read takes, and one of two order times (rule O4): the stamp, or
 * location_latest_ns. So a few fixed fields say all of it. That depends on nothing but the
 * location, so all nodes agree. Here for whoever has its digits. */
static inline bool location_is_plain(const struct location *location, const struct packed *packed)
{
    return location->client.len > 0 && location->client.len <= LOCATION_PLAIN_CLIENT_BYTES_MAX &&
           (location->order_ns == packed->stamp_ns ||
            location->order_ns == location_latest_ns(packed->stamp_ns, location->difference_ns));
}

/* Plain, and the order time is a stamp that the node's own clock allows: the lesser of the two. */
static inline bool location_is_usual(const struct location *location, const struct packed *packed)
{
    return location->client.len > 0 && location->client.len <= LOCATION_PLAIN_CLIENT_BYTES_MAX &&
           location->order_ns == packed->stamp_ns &&
           location->difference_ns >= -LOCATION_SKEW_NS_MAX;
}

/* What is hashed of a plain location (bus/PROTOCOL.md, Digests), all numbers little-endian. Its
 * size is fixed, and just what four multiplications take, so the hash is straight code. */
struct location_plain {
    uint64_t client_begin, client_middle; /* 16 bytes */
    uint64_t client_end; /* 4 more, the client's size, the stamp's decimals, 1 where the order time
                          * is the greater of its two, a zero */
    uint64_t stamp_ns;
    uint8_t position[PACKED_BYTES];
    uint64_t difference_ns, origin_hash;
};

static_assert(sizeof(struct location_plain) == 64 && LOCATION_PLAIN_CLIENT_BYTES_MAX == 20,
              "a client is two words and a half");

/* Keeps the fields of a plain location from being taken for the texts of another: the hash is
 * XXH3_64bits_withSeed of the struct with this seed. */
#define LOCATION_PLAIN_SEED 1

/* Whether the order time of a plain location is the greater of its two, which differ. */
static inline bool location_is_greater(const struct location *location, const struct packed *packed)
{
    return location->order_ns > packed->stamp_ns ||
           location->order_ns > location_latest_ns(packed->stamp_ns, location->difference_ns);
}

/* `client` stands in LOCATION_PLAIN_CLIENT_BYTES_MAX bytes, zeros after its `client_bytes`;
 * `origin_hash` is location_hash_origin of the origin. Only location.c and record.c, which hash it
 * in place, need this: all others ask location_hash. */
static inline struct location_plain location_plain(const char *client, size_t client_bytes,
                                                   const struct packed *packed,
                                                   int64_t difference_ns, bool is_greater,
                                                   uint64_t origin_hash)
{
    uint32_t client_end;
    memcpy(&client_end, client + 2 * sizeof(uint64_t), sizeof client_end);
    struct location_plain plain = {
        .client_end = htole64(le32toh(client_end) | (uint64_t)client_bytes << 32 |
                              (uint64_t)packed->stamp_decimals << 40 | (uint64_t)is_greater << 48),
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

/* 64-bit hash of a client's id, without a key, so that all nodes have the same: a table sorts its
 * clients into ranges by it. */
uint64_t location_hash_client(struct span client);

/* The parts of it that bus/table/record.c keeps or needs: the hash of a location that is not plain,
 * and the one of an origin. */
uint64_t location_hash_texts(const struct location *location);
uint64_t location_hash_origin(struct span origin);

#endif
