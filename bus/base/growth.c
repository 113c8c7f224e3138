#include "bus/base/growth.h"

#include <xxhash.h>

uint64_t growth_take(struct growth *growth, uint64_t count)
{
    uint64_t more = count - growth->logged;
    growth->logged = count;
    return more;
}

uint64_t growth_take_after(struct growth *growth, uint64_t count, int64_t pause_ms, int64_t now_ms)
{
    if (count == growth->logged || (growth->logged > 0 && now_ms < growth->quiet_until_ms))
        return 0;
    growth->quiet_until_ms = now_ms + pause_ms;
    return growth_take(growth, count);
}

/* ---- texts ---- */

/* Where the text stands, else where it may: in the place of the one that was logged longest ago. */
static size_t find(const struct growth_texts *texts, uint64_t hash)
{
    size_t oldest = 0;
    for (size_t i = 0; i < GROWTH_TEXTS_MAX; i++) {
        if (texts->all[i].hash == hash)
            return i;
        bool is_free = texts->all[i].hash == 0, has_free = texts->all[oldest].hash == 0;
        if (!has_free && (is_free || texts->all[i].logged_ms < texts->all[oldest].logged_ms))
            oldest = i;
    }
    return oldest;
}

bool growth_take_text(struct growth_texts *texts, struct span text, int64_t now_ms,
                      struct growth_before *before)
{
    uint64_t hash = XXH3_64bits(text.data, text.len) | 1; /* never 0 */
    size_t at = find(texts, hash);
    bool known = texts->all[at].hash == hash;
    if (texts->all[at].hash != 0 && now_ms - texts->all[at].logged_ms < GROWTH_TEXT_PAUSE_MS) {
        if (known)
            texts->all[at].unlogged++;
        else
            texts->crowded_out++;
        return false;
    }
    *before = (struct growth_before){.same = known ? texts->all[at].unlogged : 0,
                                     .others = texts->crowded_out};
    texts->crowded_out = 0;
    texts->all[at].hash = hash;
    texts->all[at].logged_ms = now_ms;
    texts->all[at].unlogged = 0;
    return true;
}
