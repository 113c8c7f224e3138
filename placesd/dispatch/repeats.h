/* repeats: which of many lines a log gets, so that no fault fills it and no new one is missed.
 *
 * Each different text is told at once, and then at most once a minute, with how often it would have
 * been told meanwhile. It remembers a bounded number of texts; it writes nothing, and time is an
 * argument, in milliseconds of any clock that never runs backwards.
 *
 * Invariant: within a minute no text is told twice, and no more than REPEATS_TEXTS_MAX are. */
#ifndef ZHERD_PLACESD_DISPATCH_REPEATS_H
#define ZHERD_PLACESD_DISPATCH_REPEATS_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"

#define REPEATS_TEXTS_MAX 32
#define REPEATS_PAUSE_MS  60000

/* All zero remembers nothing. Fields are its own. */
struct repeats {
    struct {
        uint64_t hash; /* of the text; 0: none */
        int64_t told_ms;
        uint64_t untold;
    } texts[REPEATS_TEXTS_MAX];
    uint64_t crowded_out;
};

/* What was not told before this line. */
struct repeats_before {
    uint64_t same;   /* this text, since it was told last */
    uint64_t others; /* texts for which there was no room */
};

/* Whether the text is to be told now; `before` is filled in if so. */
bool repeats_tell(struct repeats *repeats, struct span text, int64_t now_ms,
                  struct repeats_before *before);

#endif
