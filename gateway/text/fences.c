#include "gateway/text/fences.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

/* Rows and cells are counted in these, from the South Pole and from the antimeridian on. */
#define UNIT_NANO       (NANO / 100)
#define LATITUDE_UNITS  18000u
#define LONGITUDE_UNITS 36000u
/* A row of a level has so many units, as a power of two. */
#define ROW_BITS(level) (2 * (level))
/* A degree of a great circle, less a little, so that circles in degrees are a little too large. */
#define MM_PER_DEGREE INT64_C(111195000)
/* Of rows whose edge nearest to the equator is this far from the pole cells are as high as wide. */
#define WIDE_UNITS 6000u
/* Of a line of a cache, as they are named in a cell. */
#define FENCES_PER_LINE    (64 / sizeof(struct fence *))
#define NUMBER_LEVEL_SHIFT 32
#define NUMBER_ROW_SHIFT   16

/* Cells of a row, all of one width but the last. */
struct row {
    uint32_t level, number;
    uint32_t cell_bits; /* a cell has so many units, as a power of two */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t greatest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The pole itself stands in the last row. */
static uint32_t latitude_unit(int64_t latitude_nano)
{
    int64_t from_south = latitude_nano + DEGREES_LATITUDE_NANO_MAX;
    return (uint32_t)(least(from_south, 2 * DEGREES_LATITUDE_NANO_MAX - 1) / UNIT_NANO);
}

/* The antimeridian is in the first cell, from whichever side. */
static uint32_t longitude_unit(int64_t longitude_nano)
{
    int64_t from_west = longitude_nano + DEGREES_LONGITUDE_NANO_MAX;
    return longitude_nano == DEGREES_LONGITUDE_NANO_MAX ? 0 : (uint32_t)(from_west / UNIT_NANO);
}

/* The nearer to the pole, the more degrees of longitude are as wide as a row is high: twice as many
 * each time that the distance to the pole is half. */
static struct row row_of(uint32_t level, uint32_t number)
{
    uint32_t first = number << ROW_BITS(level), cell_bits = ROW_BITS(level);
    uint32_t end = first + (1u << ROW_BITS(level));
    uint32_t to_pole = first >= LATITUDE_UNITS / 2 ? LATITUDE_UNITS - first
                       : end <= LATITUDE_UNITS / 2 ? end
                                                   : LATITUDE_UNITS / 2;
    for (; 2 * to_pole <= WIDE_UNITS; to_pole *= 2)
        cell_bits++;
    return (struct row){level, number, cell_bits};
}

static uint32_t cell_of(const struct row *row, uint32_t longitude_unit)
{
    return longitude_unit >> row->cell_bits;
}

static uint32_t cells_of(const struct row *row)
{
    return ((LONGITUDE_UNITS - 1) >> row->cell_bits) + 1;
}

/* Rows and cells of FENCES_WIDE_LEVEL. */
#define WIDE_ROWS  ((LATITUDE_UNITS >> ROW_BITS(FENCES_WIDE_LEVEL)) + 1)
#define WIDE_CELLS ((LONGITUDE_UNITS >> ROW_BITS(FENCES_WIDE_LEVEL)) + 1)
/* The counts, and their bits. */
#define WIDE_COUNTS ((WIDE_ROWS * WIDE_CELLS + 63) / 64 * 64)
#define WIDE_BYTES  (WIDE_COUNTS * sizeof(uint32_t) + WIDE_COUNTS / 8)

static uint32_t wide_of(uint32_t latitude_unit, uint32_t longitude_unit)
{
    struct row row = row_of(FENCES_WIDE_LEVEL, latitude_unit >> ROW_BITS(FENCES_WIDE_LEVEL));
    return row.number * WIDE_CELLS + cell_of(&row, longitude_unit);
}

static bool is_wide_used(const struct fences *fences, uint32_t wide)
{
    return (fences->is_wide_used[wide / 64] >> wide % 64 & 1) != 0;
}

/* A cell of one of these levels is a part of one wide cell. */
static void count_cell(struct fences *fences, uint64_t cell_number, uint32_t by)
{
    uint32_t level = (uint32_t)(cell_number >> NUMBER_LEVEL_SHIFT);
    if (level > FENCES_WIDE_LEVEL)
        return;
    struct row row = row_of(level, cell_number >> NUMBER_ROW_SHIFT & 0xffff);
    uint32_t first = (uint32_t)(cell_number & 0xffff) << row.cell_bits;
    uint32_t wide = wide_of(row.number << ROW_BITS(level), first);
    uint32_t *count = &fences->in_wide[wide];
    uint64_t *used = &fences->is_wide_used[wide / 64], bit = UINT64_C(1) << wide % 64;
    fences->came += *count == 0;
    *count += by;
    *used = *count > 0 ? *used | bit : *used & ~bit;
}

static uint64_t number_of(const struct row *row, uint32_t cell)
{
    return (uint64_t)row->level << NUMBER_LEVEL_SHIFT | row->number << NUMBER_ROW_SHIFT | cell;
}

/* Where some units begin. */
static int64_t begin_nano(uint32_t number, uint32_t bits, int64_t max_nano)
{
    return least((int64_t)number * (UNIT_NANO << bits) - max_nano, max_nano);
}

static bool reaches(const struct fence *fence, const struct row *row, uint32_t cell)
{
    uint32_t row_bits = ROW_BITS(row->level);
    struct arc_box box = {
        {begin_nano(row->number, row_bits, DEGREES_LATITUDE_NANO_MAX),
         begin_nano(cell, row->cell_bits, DEGREES_LONGITUDE_NANO_MAX)},
        {begin_nano(row->number + 1, row_bits, DEGREES_LATITUDE_NANO_MAX),
         begin_nano(cell + 1, row->cell_bits, DEGREES_LONGITUDE_NANO_MAX)},
    };
    return arc_haversine_box(&fence->centre, &box) <= fence->haversine_max;
}

/* From the cell below the centre to both sides, as far as the circle reaches. */
static uint32_t cover_row(const struct fence *fence, const struct row *row, uint64_t *numbers)
{
    uint32_t middle = cell_of(row, longitude_unit(fence->centre.at.longitude_nano)), count = 0;
    uint32_t cells = cells_of(row), left = cells - 1, at = middle;
    if (!reaches(fence, row, middle))
        return 0;
    numbers[count++] = number_of(row, middle);
    for (; left > 0; left--) {
        at = at + 1 == cells ? 0 : at + 1;
        if (!reaches(fence, row, at))
            break;
        assert(count < FENCE_CELLS_MAX);
        numbers[count++] = number_of(row, at);
    }
    for (at = middle; left > 0; left--) {
        at = at == 0 ? cells - 1 : at - 1;
        if (!reaches(fence, row, at))
            break;
        assert(count < FENCE_CELLS_MAX);
        numbers[count++] = number_of(row, at);
    }
    return count;
}

static uint32_t cover(struct fence *fence, uint64_t numbers[2 * FENCE_CELLS_MAX])
{
    int64_t reach = (fence->radius_mm + 1) * NANO / MM_PER_DEGREE + 1;
    int64_t latitude = fence->centre.at.latitude_nano;
    uint32_t level = 0, count = 0;
    while (UNIT_NANO << ROW_BITS(level) < 2 * reach)
        level++;
    assert(level < FENCES_LEVELS);
    fence->level = level;
    uint32_t first =
        latitude_unit(greatest(latitude - reach, -DEGREES_LATITUDE_NANO_MAX)) >> ROW_BITS(level);
    uint32_t last =
        latitude_unit(least(latitude + reach, DEGREES_LATITUDE_NANO_MAX)) >> ROW_BITS(level);
    for (uint32_t number = first; number <= last; number++) {
        struct row row = row_of(level, number);
        count += cover_row(fence, &row, numbers + count);
    }
    assert(count > 0 && count <= FENCE_CELLS_MAX);
    return count;
}

static bool stands_there(const struct fence *fence, const uint64_t *numbers, uint32_t count)
{
    bool is_same = fence->cell_count == count;
    for (uint32_t i = 0; is_same && i < count; i++)
        is_same = fence->cells[i].cell->node.number == numbers[i];
    return is_same;
}

static void free_wide(struct fences *fences, struct allowance *allowance)
{
    if (fences->cells.nodes > 0)
        return;
    allowance_free(allowance, fences->in_wide, WIDE_BYTES);
    fences->in_wide = NULL;
    fences->is_wide_used = NULL;
}

/* ---- cells ---- */

static struct fences_cell *cell_of_node(const struct chains_node *node)
{
    return (struct fences_cell *)(void *)((const char *)node - offsetof(struct fences_cell, node));
}

static void free_cell(struct fences *fences, struct fences_cell *cell, struct allowance *allowance)
{
    chains_remove(&fences->cells, &cell->node, allowance);
    allowance_free(allowance, cell->fences, cell->room * sizeof *cell->fences);
    allowance_free(allowance, cell, sizeof *cell);
}

/* The cell with that number; NULL where memory for it was refused. */
static struct fences_cell *find_cell(struct fences *fences, uint64_t number,
                                     struct allowance *allowance)
{
    struct chains_node *node = chains_find(&fences->cells, number);
    if (node != NULL)
        return cell_of_node(node);
    struct fences_cell *cell = allowance_zeroed(allowance, sizeof *cell);
    if (cell == NULL)
        return NULL;
    cell->node.number = number;
    if (chains_add(&fences->cells, &cell->node, allowance))
        return cell;
    allowance_free(allowance, cell, sizeof *cell);
    return NULL;
}

static bool enter_cell(struct fences *fences, struct fence *fence, uint64_t number,
                       struct allowance *allowance)
{
    struct fences_cell *cell = find_cell(fences, number, allowance);
    if (cell == NULL)
        return false;
    if (cell->count == cell->room) {
        uint32_t room = cell->room == 0 ? 3 : 2 * cell->room + 1;
        struct fence **fences_of =
            allowance_resize(allowance, cell->fences, cell->room * sizeof *cell->fences,
                             room * sizeof *cell->fences);
        if (fences_of == NULL) {
            if (cell->count == 0)
                free_cell(fences, cell, allowance);
            return false;
        }
        cell->fences = fences_of;
        cell->room = room;
    }
    fence->cells[fence->cell_count++] = (struct fence_place){cell, cell->count};
    cell->fences[cell->count++] = fence;
    count_cell(fences, number, 1);
    return true;
}

/* The last one of the cell takes the fence's place. */
static void leave_cell(struct fences *fences, const struct fence_place *place,
                       struct allowance *allowance)
{
    struct fences_cell *cell = place->cell;
    count_cell(fences, cell->node.number, UINT32_MAX);
    struct fence *last = cell->fences[--cell->count];
    cell->fences[place->at] = last;
    for (uint32_t i = 0; i < last->cell_count; i++)
        if (last->cells[i].cell == cell)
            last->cells[i].at = place->at;
    if (cell->count == 0) {
        free_cell(fences, cell, allowance);
    } else if (cell->count < cell->room / 4) {
        uint32_t room = cell->room / 2;
        struct fence **fences_of =
            allowance_resize(allowance, cell->fences, cell->room * sizeof *cell->fences,
                             room * sizeof *cell->fences);
        cell->fences = fences_of != NULL ? fences_of : cell->fences;
        cell->room = fences_of != NULL ? room : cell->room;
    }
}

/* `room`: what its places were allocated for. */
static void leave(struct fences *fences, struct fence *fence, uint32_t room,
                  struct allowance *allowance)
{
    while (fence->cell_count > 0)
        leave_cell(fences, &fence->cells[--fence->cell_count], allowance);
    allowance_free(allowance, fence->cells, room * sizeof *fence->cells);
    fence->cells = NULL;
    free_wide(fences, allowance);
}

void fences_remove(struct fences *fences, struct fence *fence, struct allowance *allowance)
{
    if (fence->cells == NULL)
        return;
    fences->of_level[fence->level]--;
    leave(fences, fence, fence->cell_count, allowance);
}

static bool enter(struct fences *fences, struct fence *fence, const uint64_t *numbers,
                  uint32_t count, struct allowance *allowance)
{
    if (fences->in_wide == NULL)
        fences->in_wide = allowance_zeroed(allowance, WIDE_BYTES);
    if (fences->in_wide != NULL) {
        fences->is_wide_used = (uint64_t *)(void *)(fences->in_wide + WIDE_COUNTS);
        fence->cells = allowance_zeroed(allowance, count * sizeof *fence->cells);
    }
    if (fence->cells == NULL) {
        free_wide(fences, allowance);
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        if (!enter_cell(fences, fence, numbers[i], allowance)) {
            leave(fences, fence, count, allowance);
            return false;
        }
    fences->came += fence->level > FENCES_WIDE_LEVEL && fences->of_level[fence->level] == 0;
    fences->of_level[fence->level]++;
    return true;
}

bool fences_put(struct fences *fences, struct fence *fence, const struct degrees *centre,
                int64_t radius_mm, struct allowance *allowance)
{
    assert(radius_mm >= 0 && radius_mm <= FENCE_RADIUS_MM_MAX);
    fences->puts++;
    uint64_t numbers[2 * FENCE_CELLS_MAX];
    uint32_t level_before = fence->level;
    fence->centre = arc_point(*centre);
    fence->radius_mm = radius_mm;
    fence->haversine_max = arc_haversine_max(radius_mm);
    uint32_t count = cover(fence, numbers);
    if (stands_there(fence, numbers, count))
        return true;
    if (fence->cells != NULL) {
        fences->of_level[level_before]--;
        leave(fences, fence, fence->cell_count, allowance);
    }
    return enter(fences, fence, numbers, count, allowance);
}

/* The cell there of the next level that has circles at all; false where there is none. */
static bool next_number(struct fences_walk *walk, uint64_t *number)
{
    while (walk->level < FENCES_LEVELS && walk->fences->of_level[walk->level] == 0)
        walk->level++;
    if (walk->level == FENCES_LEVELS)
        return false;
    struct row row = row_of(walk->level, walk->latitude_unit >> ROW_BITS(walk->level));
    *number = number_of(&row, cell_of(&row, walk->longitude_unit));
    walk->level++;
    return true;
}

/* To the next level that has circles around there. */
static void climb(struct fences_walk *walk)
{
    uint64_t number;
    walk->cell = NULL;
    walk->at = 0;
    while (walk->cell == NULL && next_number(walk, &number)) {
        struct chains_node *node = chains_find(&walk->fences->cells, number);
        walk->cell = node == NULL ? NULL : cell_of_node(node);
    }
}

static void aim(struct fences_walk *walk, const struct fences *fences, const struct degrees *at)
{
    *walk = (struct fences_walk){.fences = fences,
                                 .latitude_unit = latitude_unit(at->latitude_nano),
                                 .longitude_unit = longitude_unit(at->longitude_nano)};
    bool is_far = fences->in_wide == NULL ||
                  !is_wide_used(fences, wide_of(walk->latitude_unit, walk->longitude_unit));
    walk->level = is_far ? FENCES_WIDE_LEVEL + 1 : 0;
}

void fences_begin(struct fences_walk *walk, const struct fences *fences, const struct degrees *at)
{
    aim(walk, fences, at);
    climb(walk);
}

void fences_fetch_buckets(struct fences_fetch *fetch, const struct fences *fences,
                          const struct degrees *at)
{
    uint64_t number;
    struct fences_walk walk;
    aim(&walk, fences, at);
    for (fetch->count = 0; next_number(&walk, &number); fetch->count++) {
        fetch->numbers[fetch->count] = number;
        fetch->buckets[fetch->count] = chains_bucket(&fences->cells, number);
        __builtin_prefetch(fetch->buckets[fetch->count]);
    }
}

void fences_fetch_cells(struct fences_fetch *fetch)
{
    for (uint32_t i = 0; i < fetch->count; i++) {
        fetch->nodes[i] = *fetch->buckets[i];
        __builtin_prefetch(fetch->nodes[i]);
    }
}

void fences_fetch(struct fences_fetch *fetch)
{
    for (uint32_t i = 0; i < fetch->count; i++) {
        const struct chains_node *node = fetch->nodes[i];
        if (node == NULL)
            continue;
        if (node->number == fetch->numbers[i]) {
            struct fence *const *fences = cell_of_node(node)->fences;
            __builtin_prefetch(fences);
            __builtin_prefetch(fences + FENCES_PER_LINE);
            fetch->nodes[i] = NULL;
        } else {
            fetch->nodes[i] = node->after;
            __builtin_prefetch(node->after);
        }
    }
}

static_assert(LATITUDE_UNITS / 2 % (1u << ROW_BITS(FENCES_WIDE_LEVEL)) != 0 &&
                  LONGITUDE_UNITS / 2 % (1u << ROW_BITS(FENCES_WIDE_LEVEL)) != 0,
              "hundredths to both sides of zero are in one wide cell");

/* Hundredths in the south and west have their first digits at the edge nearer to zero, which is
 * counted to the next cell. A circle that holds such an edge is in the cells to both sides. */
bool fences_are_far(const struct fences *fences, const struct degrees *at)
{
    uint32_t latitude = latitude_unit(at->latitude_nano - (at->latitude_nano < 0));
    uint32_t longitude = longitude_unit(at->longitude_nano - (at->longitude_nano < 0));
    for (uint32_t level = FENCES_WIDE_LEVEL + 1; level < FENCES_LEVELS; level++)
        if (fences->of_level[level] > 0)
            return false;
    return !is_wide_used(fences, wide_of(latitude, longitude));
}

static_assert(LATITUDE_UNITS <= UINT16_MAX && LONGITUDE_UNITS <= UINT16_MAX, "as calm has them");

/* A point within its hundredth of a degree. */
struct within {
    uint32_t latitude_unit, longitude_unit;
    int64_t latitude_nano, longitude_nano;
};

static struct within within_of(const struct degrees *at)
{
    struct within within = {.latitude_unit = latitude_unit(at->latitude_nano),
                            .longitude_unit = longitude_unit(at->longitude_nano)};
    within.latitude_nano =
        at->latitude_nano + DEGREES_LATITUDE_NANO_MAX - (int64_t)within.latitude_unit * UNIT_NANO;
    within.longitude_nano = at->longitude_nano + DEGREES_LONGITUDE_NANO_MAX -
                            (int64_t)within.longitude_unit * UNIT_NANO;
    return within;
}

/* Not at a pole or at the antimeridian, which are counted to a hundredth beside them. */
struct fences_calm fences_calm_around(const struct fences *fences, const struct degrees *at)
{
    struct within within = within_of(at);
    bool is_edge = within.latitude_nano >= UNIT_NANO || within.longitude_nano >= UNIT_NANO;
    return (struct fences_calm){.puts = fences->puts,
                                .latitude_unit = (uint16_t)within.latitude_unit,
                                .longitude_unit = (uint16_t)within.longitude_unit,
                                .south_nano = is_edge ? UNIT_NANO : 0,
                                .north_nano = UNIT_NANO - 1,
                                .east_nano = UNIT_NANO - 1};
}

/* The chord is shorter than the arc, and four billionths of a degree to the north and as many to
 * the east are less than a millimetre; two millimetres are for rounding. */
void fences_calm_beside(struct fences_calm *calm, const struct fence *fence,
                        const struct arc_point *point)
{
    struct within within = within_of(&point->at);
    double chord_mm = 2 * ARC_RADIUS_MM * sqrt(arc_haversine(&fence->centre, point));
    int64_t apart_mm = (int64_t)chord_mm - fence->radius_mm - 2;
    int64_t reach_nano = 4 * greatest(apart_mm, 0);
    int64_t south = within.latitude_nano - reach_nano, north = within.latitude_nano + reach_nano;
    int64_t west = within.longitude_nano - reach_nano, east = within.longitude_nano + reach_nano;
    calm->south_nano = (uint32_t)greatest(calm->south_nano, south);
    calm->north_nano = (uint32_t)least(calm->north_nano, north);
    calm->west_nano = (uint32_t)greatest(calm->west_nano, west);
    calm->east_nano = (uint32_t)least(calm->east_nano, east);
}

bool fences_are_calm(const struct fences *fences, const struct fences_calm *calm,
                     const struct degrees *at)
{
    if (calm->puts != fences->puts)
        return false;
    struct within within = within_of(at);
    return within.latitude_unit == calm->latitude_unit &&
           within.longitude_unit == calm->longitude_unit &&
           within.latitude_nano >= calm->south_nano && within.latitude_nano <= calm->north_nano &&
           within.longitude_nano >= calm->west_nano && within.longitude_nano <= calm->east_nano;
}

struct fence *fences_next(struct fences_walk *walk)
{
    if (walk->cell == NULL)
        return NULL;
    struct fence *fence = walk->cell->fences[walk->at++];
    if (walk->at == walk->cell->count)
        climb(walk);
    return fence;
}

bool fence_distance(const struct fence *fence, const struct arc_point *point, int64_t *mm)
{
    double haversine = arc_haversine(&fence->centre, point);
    if (haversine > fence->haversine_max)
        return false;
    *mm = arc_distance_mm(&fence->centre, point, haversine);
    return *mm <= fence->radius_mm;
}
