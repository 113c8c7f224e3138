/* delays: how long news took from the node that accepted it to this one, by that node.
 *
 * The first DELAYS_ORIGINS_MAX nodes that news comes from have a histogram of their own, all others
 * one together: what it takes is bounded, whoever says he is a node. It reads no clock.
 *
 * Invariant: each time observed is in one of the histograms. */
#ifndef ZHERD_GATEWAY_TEXT_DELAYS_H
#define ZHERD_GATEWAY_TEXT_DELAYS_H

#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/histogram.h"
#include "bus/flood.h"

#define DELAYS_ORIGINS_MAX 16

struct delays_origin {
    char name[LOCATION_ORIGIN_BYTES_MAX + 1];
    struct histogram time;
};

/* All zero is empty. */
struct delays {
    struct delays_origin origins[DELAYS_ORIGINS_MAX];
    size_t count;
    struct histogram other;
};

/* News of a peer that arrived when the herd's time was `herd_ns`. What was accepted before the peer
 * was met is not counted: it was told to catch up, and says nothing of the way. */
void delays_take(struct delays *delays, const struct flood_arrival *arrival, int64_t herd_ns);

#endif
