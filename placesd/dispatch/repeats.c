#include "placesd/dispatch/repeats.h"

#include <xxhash.h>

/* Where the text stands, else where it may: in the place of the one that was told longest ago. */
static size_t find(const struct repeats *repeats, uint64_t hash)
{
    size_t oldest = 0;
    for (size_t i = 0; i < REPEATS_TEXTS_MAX; i++) {
        if (repeats->texts[i].hash == hash)
            return i;
        bool is_free = repeats->texts[i].hash == 0, has_free = repeats->texts[oldest].hash == 0;
        if (!has_free && (is_free || repeats->texts[i].told_ms < repeats->texts[oldest].told_ms))
            oldest = i;
    }
    return oldest;
}

bool repeats_tell(struct repeats *repeats, struct span text, int64_t now_ms,
                  struct repeats_before *before)
{
    uint64_t hash = XXH3_64bits(text.data, text.len) | 1; /* never 0 */
    size_t at = find(repeats, hash);
    bool known = repeats->texts[at].hash == hash;
    if (repeats->texts[at].hash != 0 && now_ms - repeats->texts[at].told_ms < REPEATS_PAUSE_MS) {
        if (known)
            repeats->texts[at].untold++;
        else
            repeats->crowded_out++;
        return false;
    }
    *before = (struct repeats_before){.same = known ? repeats->texts[at].untold : 0,
                                      .others = repeats->crowded_out};
    repeats->crowded_out = 0;
    repeats->texts[at].hash = hash;
    repeats->texts[at].told_ms = now_ms;
    repeats->texts[at].untold = 0;
    return true;
}
