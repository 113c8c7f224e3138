#include "tests/bench/walkers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "placesd/landmarks/data/place.h"
#include "tests/sim/rng.h"

#define LANDMARKS_MAX 4096
#define CITIES_MAX    256
/* Lines of the table that a walker goes on from one landmark to the next: neighbours in the table
 * are neighbours in the city. */
#define LINES_MAX 6
#define NS_PER_S  UINT64_C(1000000000)

static const char *const animals[] = {"kiwi", "otter",  "finch", "heron",  "lynx",
                                      "ibis", "puffin", "tapir", "wombat", "yak"};

#define ANIMALS (sizeof animals / sizeof *animals)

struct city {
    uint32_t first, count; /* of its landmarks */
};

struct walker {
    const struct city *city;
    uint32_t to; /* landmark */
    struct sphere_point at;
    double metres_per_s;
};

struct walkers {
    struct sphere_point landmarks[LANDMARKS_MAX];
    uint32_t landmark_count;
    struct city cities[CITIES_MAX];
    uint32_t city_count;
    struct rng rng;
    uint32_t count;
    struct walker *all;
};

/* A landmark below its city, or a city, which begins the next. */
static void take_line(struct walkers *walkers, struct span line)
{
    struct place place;
    if (!place_read_landmark(line, &place))
        return;
    if (place_is(&place, "locality")) {
        if (walkers->city_count > 0 && walkers->cities[walkers->city_count - 1].count < 2)
            walkers->city_count--;
        if (walkers->city_count < CITIES_MAX)
            walkers->cities[walkers->city_count++] = (struct city){walkers->landmark_count, 0};
    }
    if (walkers->city_count == 0 || walkers->landmark_count == LANDMARKS_MAX)
        return;
    walkers->landmarks[walkers->landmark_count++] = place.position;
    walkers->cities[walkers->city_count - 1].count++;
}

static void read_table(struct walkers *walkers, struct span table)
{
    while (table.len > 0) {
        const char *end = memchr(table.data, '\n', table.len);
        size_t bytes = end == NULL ? table.len : (size_t)(end - table.data);
        take_line(walkers, (struct span){table.data, bytes});
        bytes += end != NULL;
        table = (struct span){table.data + bytes, table.len - bytes};
    }
    if (walkers->city_count > 0 && walkers->cities[walkers->city_count - 1].count < 2)
        walkers->city_count--;
}

/* Where a walker that is at its landmark goes next, in the order of the table, which has no end. */
static void choose(struct walkers *walkers, struct walker *walker)
{
    const struct city *city = walker->city;
    uint32_t most = city->count - 1 < LINES_MAX ? city->count - 1 : LINES_MAX;
    uint32_t lines = 1 + rng_below(&walkers->rng, most);
    uint32_t back = rng_below(&walkers->rng, 2) * (city->count - 2 * lines % city->count);
    walker->to = city->first + (walker->to - city->first + lines + back) % city->count;
    walker->metres_per_s = (double)rng_between(&walkers->rng, 10, 120) / 10;
}

struct walkers *walkers_new(struct span table, uint32_t count, uint64_t seed)
{
    struct walkers *walkers = bytes_zeroed(sizeof *walkers);
    walkers->rng.state = seed;
    read_table(walkers, table);
    if (walkers->city_count == 0) {
        free(walkers);
        return NULL;
    }
    walkers->count = count;
    walkers->all = bytes_zeroed(count * sizeof *walkers->all);
    for (uint32_t i = 0; i < count; i++) {
        struct walker *walker = &walkers->all[i];
        walker->city = &walkers->cities[i % 2 == 0 ? 0 : i / 2 % walkers->city_count];
        walker->to = walker->city->first + rng_below(&walkers->rng, walker->city->count);
        walker->at = walkers->landmarks[walker->to];
        choose(walkers, walker);
    }
    return walkers;
}

/* Straight on, which on a few kilometres is a line in degrees as well. */
static void move_one(struct walkers *walkers, struct walker *walker, double seconds)
{
    struct sphere_point to = walkers->landmarks[walker->to];
    double left_m = sphere_distance_m(walker->at, to), step_m = walker->metres_per_s * seconds;
    if (step_m >= left_m) {
        walker->at = to;
        choose(walkers, walker);
        return;
    }
    walker->at.latitude_deg += (to.latitude_deg - walker->at.latitude_deg) * step_m / left_m;
    walker->at.longitude_deg += (to.longitude_deg - walker->at.longitude_deg) * step_m / left_m;
}

void walkers_move(struct walkers *walkers, double seconds)
{
    for (uint32_t i = 0; i < walkers->count; i++)
        move_one(walkers, &walkers->all[i], seconds);
}

struct sphere_point walkers_position(const struct walkers *walkers, uint32_t walker)
{
    return walkers->all[walker].at;
}

size_t walkers_write(const struct walkers *walkers, uint32_t walker, uint64_t stamp_ns,
                     char out[WALKERS_LINE_BYTES_MAX])
{
    struct sphere_point at = walkers->all[walker].at;
    return (size_t)snprintf(out, WALKERS_LINE_BYTES_MAX,
                            "IAMAT %s-%" PRIu32 " %+.6f%+.6f %" PRIu64 ".%09" PRIu64 "\n",
                            animals[walker % ANIMALS], walker, at.latitude_deg, at.longitude_deg,
                            stamp_ns / NS_PER_S, stamp_ns % NS_PER_S);
}

void walkers_free(struct walkers **walkers)
{
    if (*walkers != NULL)
        free((*walkers)->all);
    free(*walkers);
    *walkers = NULL;
}
