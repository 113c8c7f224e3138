/* growth: how much a counter grew, or how often a text came, since it was last logged, so that one
 * line stands for many faults, no fault fills a log, and no new one is missed.
 *
 * A counter belongs to the caller and never falls; of texts it remembers a bounded number. It
 * writes no line and reads no clock: time is an argument, in milliseconds of any clock that never
 * runs backwards.
 *
 * Invariant: what growth_take and growth_take_after returned adds up to the counter at the last
 * call that did not return 0. Within GROWTH_TEXT_PAUSE_MS no text is logged twice, and no more than
 * GROWTH_TEXTS_MAX are. */
#ifndef ZHERD_BUS_BASE_GROWTH_H
#define ZHERD_BUS_BASE_GROWTH_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"

/* All zero at first. */
struct growth {
    uint64_t logged;
    int64_t quiet_until_ms;
};

/* By how much `count` grew since the last call, which is to be logged now; 0 for not at all. */
uint64_t growth_take(struct growth *growth, uint64_t count);

/* The same, but 0 within `pause_ms` of the last time that it was not 0: what grew meanwhile is part
 * of the next answer. */
uint64_t growth_take_after(struct growth *growth, uint64_t count, int64_t pause_ms, int64_t now_ms);

/* ---- texts ---- */

#define GROWTH_TEXTS_MAX     32
#define GROWTH_TEXT_PAUSE_MS 60000

/* All zero remembers nothing. Fields are its own. */
struct growth_texts {
    struct {
        uint64_t hash; /* of the text; 0: none */
        int64_t logged_ms;
        uint64_t unlogged;
    } all[GROWTH_TEXTS_MAX];
    uint64_t crowded_out;
};

/* What was not logged before this line. */
struct growth_before {
    uint64_t same;   /* this text, since it was logged last */
    uint64_t others; /* texts for which there was no room */
};

/* Whether the text, which came now, is to be logged; `before` is filled in if so. Each different
 * text is logged at once, and then at most once in GROWTH_TEXT_PAUSE_MS. */
bool growth_take_text(struct growth_texts *texts, struct span text, int64_t now_ms,
                      struct growth_before *before);

#endif
