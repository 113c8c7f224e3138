/* How long the landmarks' store takes to find twenty places among a million: figures for people,
 * never a test that passes or fails.
 *
 *     bench_landmarks FILE [PLACES [QUESTIONS]]
 *
 * It creates FILE, fills and queries it, and removes it at the end; FILE must not exist before.
 * Four in five places lie in 400 towns, as people do, and one question in two is asked in a town.
 * Every hundredth answer is compared with looking at every place. */
#include <math.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "placesd/landmarks/server/store.h"
#include "tests/sim/rng.h"

#define PLACES_DEFAULT    1000000
#define QUESTIONS_DEFAULT 3000
#define NAME_FORMAT       "The place number %zu"
#define TOWNS             400
#define COMPARED_EVERY    100
#define WANTED            20

/* What the comparison needs to know of a place; the name is its index. */
struct known {
    struct sphere_point position;
    uint32_t rank;
};

struct bench {
    struct rng rng;
    struct sphere_point towns[TOWNS];
    struct known *places;
    size_t count;
    size_t questions;
    double *times_us; /* as a client sees it */
    double *work_us;  /* without the time that other processes had the processor */
    size_t compared;
    size_t different;
};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench_landmarks: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static double read_clock_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double draw(struct rng *rng, double low, double high)
{
    return low + (high - low) * ((double)(rng_next(rng) >> 11) / 9007199254740992.0);
}

/* About normal: the sum of some even ones. */
static double draw_around(struct rng *rng, double middle, double spread)
{
    double sum = 0;
    for (int i = 0; i < 6; i++)
        sum += draw(rng, -1, 1);
    return middle + sum * spread / 2;
}

static struct sphere_point draw_point(struct bench *bench, uint32_t in_town_permille)
{
    if (!rng_chance(&bench->rng, in_town_permille))
        return (struct sphere_point){draw(&bench->rng, -60, 72), draw(&bench->rng, -180, 180)};
    struct sphere_point town = bench->towns[rng_below(&bench->rng, TOWNS)];
    return (struct sphere_point){
        draw_around(&bench->rng, town.latitude_deg, 0.08),
        remainder(draw_around(&bench->rng, town.longitude_deg, 0.1), 360),
    };
}

/* Most places are hardly known: the rank is the lowest of three even ones. */
static uint32_t draw_rank(struct rng *rng)
{
    uint32_t rank = PLACE_RANK_MAX;
    for (int i = 0; i < 3; i++) {
        uint32_t next = 1 + rng_below(rng, PLACE_RANK_MAX);
        rank = next < rank ? next : rank;
    }
    return rank;
}

static void fill(struct bench *bench, const char *path)
{
    struct fault fault;
    struct store *store = store_open_to_fill(path, &fault);
    if (store == NULL)
        fail("cannot fill", fault.text);
    for (size_t i = 0; i < TOWNS; i++)
        bench->towns[i] = draw_point(bench, 0);
    double begin_s = read_clock_s(CLOCK_MONOTONIC);
    for (size_t i = 0; i < bench->count; i++) {
        struct place place = {.types = "restaurant,food", .rank = draw_rank(&bench->rng)};
        snprintf(place.name, sizeof place.name, NAME_FORMAT, i);
        snprintf(place.vicinity, sizeof place.vicinity, "%zu Long Street, Some Town", i % 300);
        place.position = draw_point(bench, 800);
        bool replaced;
        if (!store_put(store, &place, i, &replaced))
            fail("cannot fill", store_failure(store));
        bench->places[i] = (struct known){place.position, place.rank};
    }
    if (!store_finish(store))
        fail("cannot fill", store_failure(store));
    store_close(&store);
    sync(); /* else writing the file out would slow the first questions down */
    struct stat facts;
    stat(path, &facts);
    printf("%zu places filled in: %.1f s, a file of %.0f MB\n", bench->count,
           read_clock_s(CLOCK_MONOTONIC) - begin_s, (double)facts.st_size * 1e-6);
}

static bool comes_before(enum store_order order, uint32_t rank_a, double a_m, uint32_t rank_b,
                         double b_m)
{
    if (order == STORE_PROMINENT && rank_a != rank_b)
        return rank_a > rank_b;
    return a_m < b_m;
}

/* The right answer, by looking at every place: indices into `places`. */
static size_t find_slowly(const struct bench *bench, enum store_order order,
                          struct sphere_point centre, double radius_m, size_t *found)
{
    double distances_m[WANTED + 1];
    size_t count = 0;
    for (size_t i = 0; i < bench->count; i++) {
        const struct known *place = &bench->places[i];
        double distance_m = sphere_distance_m(centre, place->position);
        if (distance_m > radius_m)
            continue;
        size_t at = count;
        for (; at > 0 && comes_before(order, place->rank, distance_m,
                                      bench->places[found[at - 1]].rank, distances_m[at - 1]);
             at--) {
            found[at] = found[at - 1];
            distances_m[at] = distances_m[at - 1];
        }
        found[at] = i;
        distances_m[at] = distance_m;
        count += count < WANTED;
    }
    return count;
}

static void compare(struct bench *bench, enum store_order order, struct sphere_point centre,
                    double radius_m, const struct place *found, size_t count)
{
    size_t right[WANTED + 1];
    bool same = find_slowly(bench, order, centre, radius_m, right) == count;
    for (size_t i = 0; same && i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, NAME_FORMAT, right[i]);
        same = strcmp(found[i].name, name) == 0;
    }
    bench->compared++;
    bench->different += !same;
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void ask(struct bench *bench, struct store *store, enum store_order order, double radius_m)
{
    size_t found_total = 0;
    double sum_us = 0;
    for (size_t i = 0; i < bench->questions; i++) {
        struct place found[STORE_FOUND_MAX];
        struct store_finding finding;
        struct sphere_point centre = draw_point(bench, 500);
        double begin_s = read_clock_s(CLOCK_MONOTONIC);
        double work_begin_s = read_clock_s(CLOCK_THREAD_CPUTIME_ID);
        const struct store_question question = {
            .order = order, .centre = centre, .radius_m = radius_m, .wanted = WANTED};
        if (!store_nearby(store, &question, found, &finding))
            fail("cannot ask", store_failure(store));
        bench->work_us[i] = (read_clock_s(CLOCK_THREAD_CPUTIME_ID) - work_begin_s) * 1e6;
        bench->times_us[i] = (read_clock_s(CLOCK_MONOTONIC) - begin_s) * 1e6;
        sum_us += bench->times_us[i];
        found_total += finding.count;
        if (i % COMPARED_EVERY == 0)
            compare(bench, order, centre, radius_m, found, finding.count);
    }
    size_t n = bench->questions;
    qsort(bench->times_us, n, sizeof *bench->times_us, compare_doubles);
    qsort(bench->work_us, n, sizeof *bench->work_us, compare_doubles);
    size_t p99 = n - 1 - n / 100;
    printf("%-15s %5.1f km %6.1f found   mean %5.0f us   p50 %5.0f   p99 %5.0f   max %6.0f   "
           "processor p99 %5.0f\n",
           order == STORE_NEAREST ? "nearest" : "most prominent", radius_m / 1000,
           (double)found_total / (double)n, sum_us / (double)n, bench->times_us[n / 2],
           bench->times_us[p99], bench->times_us[n - 1], bench->work_us[p99]);
}

int main(int count, char **arguments)
{
    static const double radii_m[] = {500, 2000, 10000, 50000};
    if (count < 2 || count > 4 || access(arguments[1], F_OK) == 0) {
        fprintf(stderr, "usage: %s FILE [PLACES [QUESTIONS]], where FILE is not there yet\n",
                arguments[0]);
        return EXIT_FAILURE;
    }
    struct bench bench = {.count = PLACES_DEFAULT, .questions = QUESTIONS_DEFAULT};
    if (count > 2)
        bench.count = strtoull(arguments[2], NULL, 10);
    if (count > 3)
        bench.questions = strtoull(arguments[3], NULL, 10);
    bench.places = calloc(bench.count, sizeof *bench.places);
    bench.times_us = calloc(bench.questions, sizeof *bench.times_us);
    bench.work_us = calloc(bench.questions, sizeof *bench.work_us);
    if (bench.places == NULL || bench.times_us == NULL || bench.work_us == NULL ||
        bench.questions == 0)
        fail("cannot begin", "no memory, or no question");
    fill(&bench, arguments[1]);

    struct fault fault;
    sqlite3_memory_highwater(1);
    struct store *store = store_open_to_read(arguments[1], &fault);
    if (store == NULL)
        fail("cannot ask", fault.text);
    for (int order = STORE_PROMINENT; order <= STORE_NEAREST; order++) {
        for (size_t i = 0; i < sizeof radii_m / sizeof *radii_m; i++)
            ask(&bench, store, (enum store_order)order, radii_m[i]);
    }
    printf("SQLite's memory at most: %.1f MB\n", (double)sqlite3_memory_highwater(0) * 1e-6);
    printf("%zu answers compared with looking at every place: %zu different\n", bench.compared,
           bench.different);
    store_close(&store);
    unlink(arguments[1]);
    free(bench.places);
    free(bench.times_us);
    free(bench.work_us);
    return EXIT_SUCCESS;
}
