#include "placesd/dispatch/quantize.h"

/* A degree of latitude is longest at the poles, 111,694 m on WGS 84; no degree of longitude is
 * longer. One step in degrees for both is therefore never longer than it is meant to be. */
#define METRES_PER_DEGREE_MAX 111700

/* The diagonal of a square of 1 m is less than 1.415 m, and a place moves by half of it. */
#define DIAGONAL_MILLI 1415

/* The largest step, in metres times 1000, that moves no place too far. */
static int64_t step_mm(uint32_t radius_m, uint32_t grid_m)
{
    int64_t allowed_mm = (int64_t)radius_m * 1000 / QUANTIZE_SHARE * 2 * 1000 / DIAGONAL_MILLI;
    int64_t wanted_mm = (int64_t)grid_m * 1000;
    return wanted_mm < allowed_mm ? wanted_mm : allowed_mm;
}

static int64_t round_to(int64_t value, int64_t step, int64_t max)
{
    int64_t half = value < 0 ? -(step / 2) : step / 2;
    int64_t rounded = (value + half) / step * step;
    if (rounded > max)
        return max;
    return rounded < -max ? -max : rounded;
}

void quantize(struct lookup *lookup, uint32_t grid_m)
{
    int64_t step_nanodeg = step_mm(lookup->radius_m, grid_m) *
                           (LOOKUP_NANODEGREES_PER_DEGREE / 1000) / METRES_PER_DEGREE_MAX;
    if (step_nanodeg < 2)
        return;
    lookup->latitude_nanodeg =
        round_to(lookup->latitude_nanodeg, step_nanodeg, 90 * LOOKUP_NANODEGREES_PER_DEGREE);
    lookup->longitude_nanodeg =
        round_to(lookup->longitude_nanodeg, step_nanodeg, 180 * LOOKUP_NANODEGREES_PER_DEGREE);
}
