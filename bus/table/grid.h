/* grid: which clients are near a point: the nearest ones first, of those within a radius.
 *
 * It is a part of the table that table_make_grid switches on. Cells are the hundredths of a degree
 * that a position's own digits name, and the clients of a cell and its neighbours stand together in
 * leaves of a binary trie: by bits of the cell's longitude and latitude in turn, and where more are
 * in one cell than a leaf holds, by bits of their slots. A part of the globe where nobody is has
 * no node, whatever its size. Which cell a client was in, its record says before it is overwritten;
 * a position that stays in its cell costs one comparison (degrees_share_hundredths).
 *
 * A list through the slots of each cell would take 8 bytes a client for its links alone, and as
 * much again where cells hold one client each: leaves of 25 slots took 8.9 bytes a client of a
 * fleet of 200,000 (bench_nearby). Of each client a leaf has eight bits of its key more than lead
 * there, so a search passes over those whose cell is out of reach, and never asks memory for their
 * records: where 5 km hold 20, a search for ten looked at 44 clients without these bits, and looks
 * at 22. Nothing but a move to another cell changes them.
 *
 * A cell is a hundredth of a degree, because a move of up to 30 m leaves one about once in 40
 * times, and one of a thousandth once in 4 (reckoned, not measured).
 *
 * A position that is not on the globe, as a peer may send, is nowhere; so is a tombstone.
 *
 * A search goes down to the nearest leaf, then to others as long as one may hold somebody nearer
 * than the last it has (J. L. Bentley, "Multidimensional Binary Search Trees Used for Associative
 * Searching", Communications of the ACM 18, 1975). Its answer is that of comparing all clients by
 * arc_distance_mm, ties by the bytes of their ids, and so the same on each node with that table.
 *
 * A known client's move is never refused for want of a leaf or a fork: where memory is refused, the
 * client is astray, in no leaf, until it is written again and there is room. A search looks at
 * those, too; since they were more than are listed it looks at all slots for them, and so its
 * answer is the same, later, until those that are not listed are in leaves again.
 *
 * Invariant: each client that the table has at a place on the globe stands in one leaf, that of its
 * cell, or is astray, also one that is over and not freed yet. */
#ifndef ZHERD_BUS_TABLE_GRID_H
#define ZHERD_BUS_TABLE_GRID_H

#include "bus/base/arc.h"
#include "bus/table/table.h"

/* The most clients that a search may look for. */
#define GRID_BOUND_MAX 1000u

/* A bit for each step from the root: of a cell, then of a slot. */
#define GRID_CELL_BITS 31u
#define GRID_KEY_BITS  (GRID_CELL_BITS + 32)

struct grid_near {
    int64_t mm;
    uint32_t slot;
};

/* A part of the trie that is still to be looked at: what begins with the `depth` bits of `key`. */
struct grid_part {
    uint64_t key;
    double haversine; /* no client in it is nearer */
    uint32_t ref;
    uint8_t depth;
    bool is_of_more; /* the leaf holds others, too */
};

/* From one cell to another, of each coordinate the bits alone that a cell has of it. */
struct grid_window {
    uint32_t south, north, west, east;
};

/* Owned by whoever searches, who reads `nears` and `near_count` after the end; owns no memory. */
struct grid_search {
    struct arc_point centre;
    int64_t radius_mm;
    uint32_t bound;
    uint32_t except_ord; /* slot + 1 of a client that is not looked for; 0: of none */
    uint64_t except_hash;
    uint64_t table_changes, grid_changes; /* when it was last carried on */
    struct arc_reach reach;               /* of those that are still looked for */
    struct grid_window window;            /* of that reach, or one before */
    uint64_t centre_key;
    bool (*is_meant)(const void *whom, struct span client); /* NULL: everybody is */
    const void *whom;
    uint32_t near_count, part_count;
    uint32_t next_slot; /* after the parts: where those who are astray are looked for */
    struct grid_part parts[GRID_KEY_BITS + 1];
    struct grid_near nears[GRID_BOUND_MAX]; /* nearest first, after the end */
};

/* Begins to look for the `bound` (1 to GRID_BOUND_MAX) nearest clients of `centre` within
 * `radius_mm`, that limit included. `except` is a slot that is live, whose client is not looked
 * for, or NULL. The table must have a grid. */
void grid_search_begin(struct grid_search *search, const struct table *table,
                       const struct degrees *centre, int64_t radius_mm, uint32_t bound,
                       const uint32_t *except);

/* From now on others are left out of it, and of `bound`; `whom` is borrowed. */
void grid_search_only(struct grid_search *search,
                      bool (*is_meant)(const void *whom, struct span client), const void *whom);

/* Goes on for about `*steps` looks at a client or a fork, which it takes off. True at the end; else
 * it is to be called again, over the table as it is then. Where the table changed in between, the
 * answer has only what is true at the end, each client once; but where some moved meanwhile, it may
 * lack them, or others that one of them kept out before. */
bool grid_search_run(struct grid_search *search, const struct table *table, int64_t *steps);

/* Who is within a radius, all of them, some at a time and in no order that means anything: `*key`
 * is 0 at first, and goes on from where it was. Fills `slots` with up to GRID_SOME_MAX that may be
 * inside, whom the caller measures, and says how many; `*key` is GRID_KEYS_END after the last.
 * Takes the looks it needed off `*steps`, and stops soon after there are none left. Whoever stays
 * where it is from the first call to the last is found, perhaps twice. */
#define GRID_KEYS_END UINT64_MAX
#define GRID_SOME_MAX 64u
uint32_t grid_some(const struct table *table, const struct arc_point *centre, int64_t radius_mm,
                   uint64_t *key, int64_t *steps, uint32_t slots[GRID_SOME_MAX]);

/* Where the client of a slot that is live stands; false for a tombstone or a position that is not
 * on the globe. */
bool grid_slot_place(const struct table *table, uint32_t slot, struct degrees *place);

/* Whether the client that was found as number `i` is still as far away: for whoever reads an answer
 * after the table changed. */
bool grid_search_holds(const struct grid_search *search, const struct table *table, uint32_t i);

#endif
