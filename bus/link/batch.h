/* batch: the locations of one UPDATE as bytes: written for one link, then used for every link that
 * is due the same.
 *
 * Most changes are due on all links at once, so a node with many neighbours writes them about as
 * often as a node with one. It knows no links and no messages.
 *
 * Invariant: where batch_is_good, sending it sends everything that batch_write would take now, in
 * its newest value; besides that at most slots that were forgotten. */
#ifndef ZHERD_BUS_LINK_BATCH_H
#define ZHERD_BUS_LINK_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/link/lazy.h"
#include "bus/link/ring.h"
#include "bus/link/wire.h"
#include "bus/table/table.h"

/* An UPDATE ends here although more waits. One location always fits. */
#define BATCH_BYTES_AIM (16 * 1024)
/* That one may be the largest there is. */
#define BATCH_BYTES_MAX (LOCATION_TEXT_BYTES_MAX + LOCATION_ORIGIN_BYTES_MAX + 64)

/* All zero is a batch that is good for no ring. */
struct batch {
    uint64_t changes; /* the table's, when this was written */
    uint32_t count;
    bool is_full; /* more was due, which did not fit */
    uint32_t slots[WIRE_LOCATIONS_MAX];
    size_t bytes;
    char at[BATCH_BYTES_MAX];
};

/* True when it holds what the ring sends next, and the table still holds the same. */
bool batch_is_good(const struct batch *batch, const struct ring *ring, const struct table *table);

/* Takes from the ring what one UPDATE carries, and writes it, with the hops that `lazy` knows:
 * nothing where all that waited was forgotten. */
void batch_write(struct batch *batch, struct ring *ring, const struct table *table,
                 const struct lazy *lazy);

/* Takes from the ring what is written already. */
void batch_take(const struct batch *batch, struct ring *ring);

#endif
