/* ending: the answer that everybody gets who is due at the moment.
 *
 * One answer for many askers: the most results that were found, and of them for each only as many
 * as he wanted. A failure is the same for all. It keeps copies, and nothing of who is due
 * (placesd/dispatch/flights.h does).
 *
 * Invariant: the body of a LOOKUP_OK is one that nearby_mark took, with its marks. */
#ifndef ZHERD_PLACESD_DISPATCH_ENDING_H
#define ZHERD_PLACESD_DISPATCH_ENDING_H

#include "bus/base/bytes.h"
#include "placesd/dispatch/cache.h"
#include "placesd/lookup.h"
#include "placesd/providers/nearby.h"

/* All zero is empty. */
struct ending {
    enum lookup_code code;
    struct buffer body;
    struct nearby_marks marks; /* of a LOOKUP_OK body */
    struct buffer cut;         /* what ending_body gave last */
};

void ending_free(struct ending *ending);

void ending_set(struct ending *ending, const struct cache_answer *answer);
void ending_fail(struct ending *ending, enum lookup_code code, const char *reason);

/* The body for somebody who wants `bound` results; borrowed until the next call. */
struct span ending_body(struct ending *ending, uint32_t bound);

#endif
