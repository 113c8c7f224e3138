/* result: the answer that everybody gets who is due at the moment.
 *
 * One answer for many waiters: the most results that were found, and of them for each only as many
 * as he wanted. A failure is the same for all. It keeps copies, and nothing of who is due
 * (placesd/dispatch/flights.h does).
 *
 * Invariant: the body of a LOOKUP_OK is one that nearby_json_find_offsets took, with its marks. */
#ifndef ZHERD_PLACESD_DISPATCH_RESULT_H
#define ZHERD_PLACESD_DISPATCH_RESULT_H

#include "bus/base/bytes.h"
#include "placesd/dispatch/cache.h"
#include "placesd/lookup.h"
#include "placesd/providers/nearby_json.h"

/* All zero is empty. */
struct result {
    enum lookup_code code;
    struct buffer body;
    struct nearby_json_offsets offsets; /* of a LOOKUP_OK body */
    struct buffer cut;                  /* what result_body gave last */
};

void result_free(struct result *result);

void result_set(struct result *result, const struct cache_answer *answer);
void result_fail(struct result *result, enum lookup_code code, const char *reason);

/* The body for somebody who wants `bound` results; borrowed until the next call. */
struct span result_body(struct result *result, uint32_t bound);

#endif
