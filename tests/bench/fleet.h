/* fleet: clients spread like real ones: four of five in 200 cities, within 8 km of each one's
 * middle, the others anywhere; and steps of at most 30 m. The same ones in each run. */
#ifndef ZHERD_TESTS_BENCH_FLEET_H
#define ZHERD_TESTS_BENCH_FLEET_H

#include <math.h>
#include <stdio.h>

#include "bus/base/degrees.h"

#define FLEET_CITIES        200u
#define FLEET_CITY_KM       8.0
#define FLEET_MOVE_KM       0.03
#define FLEET_KM_PER_DEGREE 111.195

struct fleet {
    uint32_t count;
    struct degrees *places;
};

static uint64_t fleet_state = 88172645463325252u;

static inline double fleet_roll(void)
{
    fleet_state ^= fleet_state << 13;
    fleet_state ^= fleet_state >> 7;
    fleet_state ^= fleet_state << 17;
    return (double)(fleet_state >> 11) / 9007199254740992.0;
}

/* Within so many kilometres of a place, evenly. */
static inline struct degrees fleet_near(struct degrees middle, double km)
{
    double angle = 2 * M_PI * fleet_roll(), far = km * sqrt(fleet_roll());
    double cosine = cos((double)middle.latitude_nano / 1e9 * M_PI / 180);
    double up = far * sin(angle) / FLEET_KM_PER_DEGREE,
           across = far * cos(angle) / FLEET_KM_PER_DEGREE;
    return (struct degrees){middle.latitude_nano + (int64_t)(up * 1e9),
                            middle.longitude_nano + (int64_t)(across / cosine * 1e9)};
}

static inline struct degrees fleet_city(uint32_t number)
{
    return (struct degrees){(int64_t)(number * 37 % 120) * NANO - 60 * NANO + number * 1234567,
                            (int64_t)(number * 101 % 350) * NANO - 175 * NANO + number * 7654321};
}

static inline struct degrees fleet_at_sea(void)
{
    return (struct degrees){(int64_t)((asin(2 * fleet_roll() - 1) * 178 / M_PI) * 1e9),
                            (int64_t)((fleet_roll() * 359 - 179.5) * 1e9)};
}

static inline struct fleet fleet_make(uint32_t count)
{
    struct fleet fleet = {count, bytes_resize(NULL, count * sizeof(struct degrees))};
    for (uint32_t i = 0; i < count; i++)
        fleet.places[i] =
            i % 5 == 0 ? fleet_at_sea() : fleet_near(fleet_city(i % FLEET_CITIES), FLEET_CITY_KM);
    return fleet;
}

static inline int fleet_write(char *to, struct degrees place)
{
    return sprintf(to, "%+010.6f%+011.6f", (double)place.latitude_nano / 1e9,
                   (double)place.longitude_nano / 1e9);
}

#endif
