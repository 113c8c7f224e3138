#include "bus/table/grid.h"

#include "bus/base/arc.h"
#include "bus/table/table_state.h"

/* More than of any two points. */
#define HAVERSINE_FAR 2.0

/* ---- the nearest so far: a heap with the furthest of them in front ---- */

static bool is_further(const struct table *table, struct grid_near a, struct grid_near b)
{
    if (a.mm != b.mm)
        return a.mm > b.mm;
    return span_compare(record_client(record_at(table, a.slot)),
                        record_client(record_at(table, b.slot))) > 0;
}

static void sink(struct grid_search *search, const struct table *table, struct grid_near near)
{
    struct grid_near *nears = search->nears;
    uint32_t at = 0;
    for (;;) {
        uint32_t below = 2 * at + 1;
        if (below >= search->near_count)
            break;
        if (below + 1 < search->near_count && is_further(table, nears[below + 1], nears[below]))
            below++;
        if (!is_further(table, nears[below], near))
            break;
        nears[at] = nears[below];
        at = below;
    }
    nears[at] = near;
}

static void rise(struct grid_search *search, const struct table *table, struct grid_near near)
{
    struct grid_near *nears = search->nears;
    uint32_t at = search->near_count++;
    while (at > 0 && is_further(table, near, nears[(at - 1) / 2])) {
        nears[at] = nears[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    nears[at] = near;
}

static void keep(struct grid_search *search, const struct table *table, struct grid_near near)
{
    if (search->near_count < search->bound)
        rise(search, table, near);
    else if (is_further(table, search->nears[0], near))
        sink(search, table, near);
    else
        return;
    if (search->near_count == search->bound)
        arc_reach_set(&search->reach, search->nears[0].mm);
}

/* The furthest goes to the end, and so on. */
static void sort(struct grid_search *search, const struct table *table)
{
    uint32_t count = search->near_count;
    while (search->near_count > 1) {
        struct grid_near furthest = search->nears[0];
        struct grid_near last = search->nears[--search->near_count];
        sink(search, table, last);
        search->nears[search->near_count] = furthest;
    }
    search->near_count = count;
}

/* ---- clients ---- */

/* How far away the client in a slot is; false where nobody counts there, or is too far away for the
 * radius, or for `reach`, if that is not NULL. */
static inline bool measure(const struct grid_search *search, const struct table *table,
                           uint32_t slot, const struct arc_reach *reach, int64_t *mm)
{
    const struct record *record = record_at(table, slot);
    struct degrees place;
    if (is_over(table, record) || !grid_place(record, &place) ||
        (reach != NULL && !arc_may_reach(reach, &search->centre, &place)))
        return false;
    struct arc_point point = arc_point(place);
    double haversine = arc_haversine(&search->centre, &point);
    if (reach != NULL && haversine > reach->haversine_max)
        return false;
    *mm = arc_distance_mm(&search->centre, &point, haversine);
    return *mm <= search->radius_mm &&
           (search->is_meant == NULL || search->is_meant(search->whom, record_client(record)));
}

static bool is_except(const struct grid_search *search, const struct table *table, uint32_t slot)
{
    return slot + 1 == search->except_ord &&
           table_slot_client_hash(table, slot) == search->except_hash;
}

static bool is_of_part(const struct grid_part *part, const struct table *table, uint32_t slot)
{
    struct degrees place;
    return grid_place(record_at(table, slot), &place) &&
           grid_begin_alike(grid_key(&place, slot), part->key, part->depth);
}

/* Who is in a cell out of reach is passed over without a look at where it is. */
static void look_at_leaf(struct grid_search *search, const struct table *table,
                         const struct grid_part *part)
{
    const struct grid_leaf *leaf = grid_leaf_at(&table->grid, part->ref);
    uint32_t slots[GRID_LEAF_SLOTS], count = 0;
    for (uint32_t i = 0; i < leaf->count; i++) {
        uint64_t key = grid_key_of_next(part->key, part->depth, leaf->nexts[i]);
        if (!part->is_of_more && grid_misses(&search->window, key, part->depth + GRID_NEXT_BITS))
            continue;
        table_prefetch_slot(table, leaf->slots[i]);
        slots[count++] = leaf->slots[i];
    }
    int64_t up_nano = search->reach.up_nano;
    for (uint32_t i = 0; i < count; i++) {
        struct grid_near near = {.slot = slots[i]};
        if (measure(search, table, near.slot, &search->reach, &near.mm) &&
            !is_except(search, table, near.slot) &&
            !(part->is_of_more && !is_of_part(part, table, near.slot)))
            keep(search, table, near);
    }
    if (search->reach.up_nano != up_nano)
        search->window = grid_window(&search->centre, &search->reach);
}

/* ---- parts ---- */

static void follow(struct grid_part *part, const struct grid_fork *fork, unsigned bit)
{
    part->ref = fork->refs[bit];
    part->key |= (uint64_t)bit << (GRID_KEY_BITS - ++part->depth);
}

/* After steps from `depth` on. */
static void measure_part(const struct grid_search *search, struct grid_part *part, unsigned depth)
{
    /* Where the centre is, all is 0 away. */
    if (depth >= GRID_CELL_BITS || depth == part->depth ||
        grid_begin_alike(part->key, search->centre_key,
                         part->depth < GRID_CELL_BITS ? part->depth : GRID_CELL_BITS))
        return;
    struct arc_box box = grid_box(part->key, part->depth);
    part->haversine = arc_may_reach_box(&search->reach, &search->centre, &box)
                          ? arc_haversine_box(&search->centre, &box)
                          : HAVERSINE_FAR;
}

static struct grid_part side_of(const struct grid_search *search, const struct grid_part *part,
                                const struct grid_fork *fork, unsigned bit)
{
    struct grid_part side = *part;
    follow(&side, fork, bit);
    measure_part(search, &side, part->depth);
    return side;
}

static void put_aside(struct grid_search *search, const struct grid *grid,
                      const struct grid_part *part)
{
    assert(search->part_count < sizeof search->parts / sizeof *search->parts);
    if (part->haversine > search->reach.haversine_max)
        return;
    search->parts[search->part_count++] = *part;
    if (grid_is_leaf(part->ref))
        __builtin_prefetch(grid_leaf_at(grid, part->ref));
}

/* Whether there is somebody on that side of the fork, within the window. */
static bool has_side(const struct grid_search *search, const struct grid_part *part,
                     const struct grid_fork *fork, unsigned bit)
{
    struct grid_part side = {.key = part->key, .depth = part->depth};
    if (fork->refs[bit] == 0)
        return false;
    follow(&side, fork, bit);
    return !grid_misses(&search->window, side.key, side.depth);
}

/* Down to the nearest leaf, the other sides put aside, or to where nobody can be near enough. */
static void look_at(struct grid_search *search, const struct table *table, struct grid_part part,
                    int64_t *steps)
{
    const struct grid *grid = &table->grid;
    unsigned measured = part.depth;
    while (!grid_is_leaf(part.ref)) {
        const struct grid_fork *fork = grid_fork_at(grid, part.ref);
        --*steps;
        bool has_zero = has_side(search, &part, fork, 0),
             has_one = has_side(search, &part, fork, 1);
        if (!has_zero && !has_one)
            return;
        if (!has_zero || !has_one) {
            follow(&part, fork, has_one);
            continue;
        }
        struct grid_part zero = side_of(search, &part, fork, 0);
        struct grid_part one = side_of(search, &part, fork, 1);
        bool is_one = one.haversine < zero.haversine;
        put_aside(search, grid, is_one ? &zero : &one);
        part = is_one ? one : zero;
        measured = part.depth;
    }
    measure_part(search, &part, measured);
    if (part.haversine > search->reach.haversine_max)
        return;
    look_at_leaf(search, table, &part);
    *steps -= grid_leaf_at(grid, part.ref)->count;
}

static void look_at_slot(struct grid_search *search, const struct table *table, uint32_t slot)
{
    struct grid_near near = {.slot = slot};
    if (!is_except(search, table, slot) && measure(search, table, slot, &search->reach, &near.mm))
        keep(search, table, near);
}

/* Those who are in no leaf. False where the steps did not suffice. */
static bool look_at_astray(struct grid_search *search, const struct table *table, int64_t *steps)
{
    const struct grid *grid = &table->grid;
    if (grid_lists_astray(grid)) {
        for (uint32_t i = 0; i < grid->listed; i++)
            look_at_slot(search, table, grid->astray_slots[i]);
        *steps -= grid->listed;
        return true;
    }
    for (; search->next_slot < table->end; search->next_slot++) {
        if (*steps <= 0)
            return false;
        --*steps;
        if (grid_is_astray(record_at(table, search->next_slot)))
            look_at_slot(search, table, search->next_slot);
    }
    return true;
}

/* What became of the parts in a trie that changed. */
static void find_parts(struct grid_search *search, const struct table *table)
{
    const struct grid *grid = &table->grid;
    for (uint32_t i = 0; i < search->part_count; i++) {
        struct grid_part *part = &search->parts[i];
        uint32_t ref = grid->root;
        unsigned depth = 0;
        for (; depth < part->depth && ref != 0 && !grid_is_leaf(ref); depth++)
            ref = grid_fork_at(grid, ref)->refs[grid_bit(part->key, depth)];
        part->ref = ref;
        part->is_of_more = depth < part->depth;
    }
}

/* ---- the search ---- */

void grid_search_begin(struct grid_search *search, const struct table *table,
                       const struct degrees *centre, int64_t radius_mm, uint32_t bound,
                       const uint32_t *except)
{
    assert(table->has_grid && bound > 0 && bound <= GRID_BOUND_MAX);
    search->centre = arc_point(*centre);
    search->radius_mm = radius_mm < ARC_DISTANCE_MM_MAX ? radius_mm : ARC_DISTANCE_MM_MAX;
    search->bound = bound;
    search->except_ord = except == NULL ? 0 : *except + 1;
    search->except_hash = except == NULL ? 0 : table_slot_client_hash(table, *except);
    search->table_changes = table->changes;
    search->grid_changes = table->grid.changes;
    search->reach = arc_reach(&search->centre, search->radius_mm);
    search->window = grid_window(&search->centre, &search->reach);
    search->centre_key = grid_key(centre, 0);
    search->near_count = search->next_slot = 0;
    search->is_meant = NULL;
    search->part_count = 1;
    search->parts[0] = (struct grid_part){.ref = table->grid.root};
}

void grid_search_only(struct grid_search *search,
                      bool (*is_meant)(const void *whom, struct span client), const void *whom)
{
    search->is_meant = is_meant;
    search->whom = whom;
}

/* Those that are gone, or moved too far away, are left out. What was not looked at because of them
 * is not looked at now. */
static void look_again(struct grid_search *search, const struct table *table)
{
    uint32_t count = search->near_count;
    search->near_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct grid_near near = search->nears[i];
        if (table_slot_is_live(table, near.slot) && !is_except(search, table, near.slot) &&
            measure(search, table, near.slot, NULL, &near.mm))
            rise(search, table, near);
    }
    bool is_full = search->near_count == search->bound;
    arc_reach_set(&search->reach, is_full ? search->nears[0].mm : search->radius_mm);
    search->window = grid_window(&search->centre, &search->reach);
}

/* Who was found where it was and where it went stands side by side. */
static void leave_out_doubles(struct grid_search *search)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < search->near_count; i++)
        if (kept == 0 || search->nears[kept - 1].slot != search->nears[i].slot)
            search->nears[kept++] = search->nears[i];
    search->near_count = kept;
}

bool grid_search_run(struct grid_search *search, const struct table *table, int64_t *steps)
{
    if (search->table_changes != table->changes)
        look_again(search, table);
    search->table_changes = table->changes;
    if (search->grid_changes != table->grid.changes)
        find_parts(search, table);
    search->grid_changes = table->grid.changes;
    while (search->part_count > 0) {
        if (*steps <= 0)
            return false;
        struct grid_part part = search->parts[--search->part_count];
        --*steps;
        if (part.ref != 0 && part.haversine <= search->reach.haversine_max)
            look_at(search, table, part, steps);
    }
    if (!look_at_astray(search, table, steps))
        return false;
    sort(search, table);
    leave_out_doubles(search);
    return true;
}

bool grid_search_holds(const struct grid_search *search, const struct table *table, uint32_t i)
{
    struct grid_near near = search->nears[i];
    int64_t mm;
    return table_slot_is_live(table, near.slot) && !is_except(search, table, near.slot) &&
           measure(search, table, near.slot, NULL, &mm) && mm == near.mm;
}

/* ---- all of a circle ---- */

#define FIRST_SLOT_KEY (UINT64_C(1) << GRID_KEY_BITS)

/* The first key after those that begin with the part's. */
static uint64_t key_after(const struct grid_part *part)
{
    return part->key + (FIRST_SLOT_KEY >> part->depth);
}

/* Puts both sides aside, so that the one with the lower keys is the next. */
static void put_sides_aside(struct grid_part *parts, uint32_t *count, const struct grid_part *part,
                            const struct grid_fork *fork)
{
    for (unsigned bit = 2; bit-- > 0;) {
        if (fork->refs[bit] == 0)
            continue;
        parts[*count] = *part;
        follow(&parts[(*count)++], fork, bit);
    }
}

static bool is_beyond(const struct grid_part *part, const struct arc_point *centre,
                      double haversine_max)
{
    if (part->depth > GRID_CELL_BITS)
        return false;
    struct arc_box box = grid_box(part->key, part->depth);
    return arc_haversine_box(centre, &box) > haversine_max;
}

/* Those in leaves. */
static uint32_t some_of_parts(const struct table *table, const struct arc_point *centre,
                              int64_t radius_mm, uint64_t *key, int64_t *steps, uint32_t *slots)
{
    const struct grid *grid = &table->grid;
    double haversine_max = arc_haversine_max(radius_mm);
    struct grid_part parts[GRID_KEY_BITS + 2] = {{.ref = grid->root}};
    uint32_t part_count = grid->root != 0, found = 0;
    uint64_t key_before = *key;
    while (part_count > 0) {
        struct grid_part part = parts[--part_count];
        if (key_after(&part) <= *key)
            continue;
        if (found + GRID_LEAF_SLOTS > GRID_SOME_MAX || (*steps <= 0 && *key > key_before))
            return found;
        if (is_beyond(&part, centre, haversine_max)) {
            *key = key_after(&part);
            continue;
        }
        --*steps;
        if (!grid_is_leaf(part.ref)) {
            put_sides_aside(parts, &part_count, &part, grid_fork_at(grid, part.ref));
            continue;
        }
        const struct grid_leaf *leaf = grid_leaf_at(grid, part.ref);
        memcpy(slots + found, leaf->slots, leaf->count * sizeof *slots);
        found += leaf->count;
        *steps -= leaf->count;
        *key = key_after(&part);
    }
    *key = FIRST_SLOT_KEY;
    return found;
}

/* After the last key of a leaf come those who are astray, or all slots where these are too many. */
static uint32_t some_astray(const struct table *table, uint64_t *key, int64_t *steps,
                            uint32_t *slots)
{
    const struct grid *grid = &table->grid;
    uint32_t found = 0;
    if (grid_lists_astray(grid)) {
        memcpy(slots, grid->astray_slots, grid->listed * sizeof *slots);
        *steps -= grid->listed;
        *key = GRID_KEYS_END;
        return grid->listed;
    }
    for (bool is_first = true; *key - FIRST_SLOT_KEY < table->end;
         ++*key, --*steps, is_first = false) {
        uint32_t slot = (uint32_t)(*key - FIRST_SLOT_KEY);
        if (found == GRID_SOME_MAX || (*steps <= 0 && !is_first))
            return found;
        if (grid_is_astray(record_at(table, slot)))
            slots[found++] = slot;
    }
    *key = GRID_KEYS_END;
    return found;
}

uint32_t grid_some(const struct table *table, const struct arc_point *centre, int64_t radius_mm,
                   uint64_t *key, int64_t *steps, uint32_t slots[GRID_SOME_MAX])
{
    if (*key < FIRST_SLOT_KEY) {
        uint32_t found = some_of_parts(table, centre, radius_mm, key, steps, slots);
        if (*key == FIRST_SLOT_KEY && table->grid.astray == 0)
            *key = GRID_KEYS_END;
        return found;
    }
    return some_astray(table, key, steps, slots);
}

bool grid_slot_place(const struct table *table, uint32_t slot, struct degrees *place)
{
    return table_slot_is_live(table, slot) && grid_place(record_at(table, slot), place);
}
