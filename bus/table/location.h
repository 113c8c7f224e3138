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

/* 64-bit hash of a whole location, the same on every machine; bus/PROTOCOL.md (Digests) lays out
 * the bytes that XXH3-64 (xxhash.com) is taken of, for plain locations and for the others. A
 * table's digest is the XOR of these. */
uint64_t location_hash(const struct location *location);

/* The parts of it that bus/table/record.c keeps or needs: the hash of a location that is not plain,
 * and the one of an origin. */
uint64_t location_hash_texts(const struct location *location);
uint64_t location_hash_origin(struct span origin);

#endif
