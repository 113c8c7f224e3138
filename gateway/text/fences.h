/* fences: circles on the globe, and which of them may hold a point.
 *
 * The globe is cut into rows, and each row into cells of about the same width, which are wider in
 * degrees towards the poles. That is done FENCES_LEVELS times, each with cells of four times the
 * size; a circle stands in all cells that it reaches of the first level whose rows are at least as
 * high as the circle. A point is looked for in one cell of each level that has circles. So far
 * away circles cost nothing but that.
 *
 * It does not decide who is inside: fence_distance does, for those that were found.
 *
 * Invariant: a fence is in every cell of its level in which it holds a point, and in at most
 * FENCE_CELLS_MAX; a cell that has none is not kept. */
#ifndef ZHERD_GATEWAY_TEXT_FENCES_H
#define ZHERD_GATEWAY_TEXT_FENCES_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/arc.h"
#include "gateway/text/chains.h"

/* Rows are a hundredth of a degree high on the first level, 41 degrees on the last. */
#define FENCES_LEVELS 7u
/* The largest circle there may be, a little more than 1,000 km: within a row of the last level. */
#define FENCE_RADIUS_MM_MAX INT64_C(1000000000)
/* Around a pole the cells of a row, else those of two rows. */
#define FENCE_CELLS_MAX 24u
/* The cells of this level are kept in an array, too, with how many cells of it and of those before
 * it have circles, and in bits whether any has: most points need no more than a look at theirs. */
#define FENCES_WIDE_LEVEL 3u

struct fence;

/* A cell that has fences; beside each is only what finds it, so that all of them are fetched from
 * memory at once. */
struct fences_cell {
    struct chains_node node;
    struct fence **fences; /* in any order */
    uint32_t count, room;
};

/* A cell that a fence is in, and its place among the fences there. */
struct fence_place {
    struct fences_cell *cell;
    uint32_t at;
};

/* All zero is in no cell. */
struct fence {
    struct fence_place *cells; /* FENCE_CELLS_MAX at most; NULL while it is in none */
    uint32_t cell_count;
    uint32_t level;
    struct arc_point centre;
    int64_t radius_mm;
    double haversine_max;
};

/* All zero but the seed of the chains has none. */
struct fences {
    struct chains cells;
    uint32_t of_level[FENCES_LEVELS]; /* how many fences */
    uint32_t *in_wide;                /* while there is a fence, and after it */
    uint64_t *is_wide_used;           /* those bits */
    uint32_t puts;                    /* grows with each circle that comes or moves */
    uint32_t came; /* grows where a wide cell, or a level above, gets its first circle: who was far
                      may be near now */
};

/* Puts the fence around that centre, or moves it there. False where memory was refused: then it
 * stands nowhere. */
bool fences_put(struct fences *fences, struct fence *fence, const struct degrees *centre,
                int64_t radius_mm, struct allowance *allowance);
/* Out of all cells. Does nothing where it stands in none. */
void fences_remove(struct fences *fences, struct fence *fence, struct allowance *allowance);

/* The fences that may hold a point, each once: not to be changed in between. */
struct fences_walk {
    const struct fences *fences;
    uint32_t latitude_unit, longitude_unit, level; /* the level after that of `cell` */
    const struct fences_cell *cell;                /* NULL: no other */
    uint32_t at;
};
void fences_begin(struct fences_walk *walk, const struct fences *fences, const struct degrees *at);
struct fence *fences_next(struct fences_walk *walk);

/* What a walk reads is fetched from memory before it, by these in turn, each of which reads what
 * the one before it fetched: so each is called for several points, then the next one. fences_fetch
 * goes on by a cell of a chain, and is called twice. No fence may change in between; there must be
 * one.
 */
struct fences_fetch {
    uint32_t count; /* levels that have circles, and for each of them */
    uint64_t numbers[FENCES_LEVELS];
    struct chains_node *const *buckets[FENCES_LEVELS];
    const struct chains_node *nodes[FENCES_LEVELS]; /* fetched last; NULL: no other */
};
void fences_fetch_buckets(struct fences_fetch *fetch, const struct fences *fences,
                          const struct degrees *at);
void fences_fetch_cells(struct fences_fetch *fetch);
void fences_fetch(struct fences_fetch *fetch);

/* No circle is near the hundredths of a degree, in digits, where the point stands, and none of the
 * large ones at all: so for the whole of that, while `came` stays. There must be a fence. */
bool fences_are_far(const struct fences *fences, const struct degrees *at);

/* A part of a hundredth of a degree, in which no circle holds a point but some that are known:
 * while `puts` stays, and these are told by other means. All zero is nowhere. */
struct fences_calm {
    uint32_t puts;
    uint16_t latitude_unit, longitude_unit;
    uint32_t south_nano, north_nano, west_nano, east_nano; /* of these; the last ones are in it */
};
/* Around the point, as far as its cells reach; then each circle that was found there, is not known
 * and does not hold the point takes off what is near to it. There must be a fence. */
struct fences_calm fences_calm_around(const struct fences *fences, const struct degrees *at);
void fences_calm_beside(struct fences_calm *calm, const struct fence *fence,
                        const struct arc_point *point);
bool fences_are_calm(const struct fences *fences, const struct fences_calm *calm,
                     const struct degrees *at);

/* How far away a point is from the centre; false where it is outside of the radius. */
bool fence_distance(const struct fence *fence, const struct arc_point *point, int64_t *mm);

#endif
