#include "bus/base/arc.h"

#include <assert.h>
#include <float.h>
#include <math.h>

/* Every operation is rounded to a double (CMakeLists.txt keeps compilers from joining two). */
static_assert(FLT_EVAL_METHOD == 0, "a double is computed as a double");

/* Halves of angles are counted in halves of a billionth of a degree, so that they are whole. */
#define RIGHT_ANGLE       (2 * DEGREES_LATITUDE_NANO_MAX)
#define RADIANS_PER_COUNT (3.14159265358979323846 / (2 * 180e9))
#define NANO_PER_MM       (180e9 / (3.14159265358979323846 * ARC_RADIUS_MM))
#define HALF_EQUATOR_MM   (3.14159265358979323846 * ARC_RADIUS_MM)
/* Far more than what rounding does to a haversine, and far less than what a millimetre does. */
#define HAVERSINE_SLACK 1e-12

/* Taylor's series up to 45 degrees, where what is cut is below a half of the last bit. */
static double sine_series(double x)
{
    double z = x * x;
    double sum = -1 / 1307674368000.0;
    sum = sum * z + 1 / 6227020800.0;
    sum = sum * z - 1 / 39916800.0;
    sum = sum * z + 1 / 362880.0;
    sum = sum * z - 1 / 5040.0;
    sum = sum * z + 1 / 120.0;
    sum = sum * z - 1 / 6.0;
    return x + x * (z * sum);
}

static double cosine_series(double x)
{
    double z = x * x;
    double sum = 1 / 20922789888000.0;
    sum = sum * z - 1 / 87178291200.0;
    sum = sum * z + 1 / 479001600.0;
    sum = sum * z - 1 / 3628800.0;
    sum = sum * z + 1 / 40320.0;
    sum = sum * z - 1 / 720.0;
    sum = sum * z + 1 / 24.0;
    return 1 - z / 2 + z * (z * sum);
}

/* Of an angle from 0 to a right one. */
static double sine(int64_t angle)
{
    return angle <= RIGHT_ANGLE / 2
               ? sine_series((double)angle * RADIANS_PER_COUNT)
               : cosine_series((double)(RIGHT_ANGLE - angle) * RADIANS_PER_COUNT);
}

/* Below this, some 127 km, the series needs no halves: what is cut is below the last bit. */
#define SQUARE_SHORT 1e-4

/* The angle whose sine's square is `square`. */
static double arc_sine_short(double square)
{
    double sum = 35 / 1152.0;
    sum = sum * square + 5 / 112.0;
    sum = sum * square + 3 / 40.0;
    sum = sum * square + 1 / 6.0;
    return sqrt(square) * (1 + square * sum);
}

/* The angle whose sine's square is `square`, up to a half. Halved twice without a loss, by
 * sin(x/2)^2 = sin(x)^2 / (2 + 2 cos(x)), its sine's series is short. */
static double arc_sine(double square)
{
    if (square < SQUARE_SHORT)
        return arc_sine_short(square);
    double half = square / (2 + 2 * sqrt(1 - square));
    double z = half / (2 + 2 * sqrt(1 - half));
    double sum = 46189 / 5505024.0;
    sum = sum * z + 12155 / 1245184.0;
    sum = sum * z + 6435 / 557056.0;
    sum = sum * z + 143 / 10240.0;
    sum = sum * z + 231 / 13312.0;
    sum = sum * z + 63 / 2816.0;
    sum = sum * z + 35 / 1152.0;
    sum = sum * z + 5 / 112.0;
    sum = sum * z + 3 / 40.0;
    sum = sum * z + 1 / 6.0;
    return 4 * (sqrt(z) * (1 + z * sum));
}

static int64_t size_of(int64_t value)
{
    return value < 0 ? -value : value;
}

/* Of two meridians, the shorter way round. */
static int64_t apart(int64_t a_nano, int64_t b_nano)
{
    int64_t difference = size_of(a_nano - b_nano);
    return difference <= DEGREES_LONGITUDE_NANO_MAX ? difference
                                                    : 2 * DEGREES_LONGITUDE_NANO_MAX - difference;
}

static double haversine_of(int64_t up, int64_t across, double cosines)
{
    double up_sine = sine(up);
    double across_sine = sine(across);
    return up_sine * up_sine + cosines * (across_sine * across_sine);
}

static double cosine_of(int64_t latitude_nano)
{
    return sine(RIGHT_ANGLE - 2 * size_of(latitude_nano));
}

struct arc_point arc_point(struct degrees at)
{
    return (struct arc_point){.at = at, .cosine = cosine_of(at.latitude_nano)};
}

double arc_haversine(const struct arc_point *a, const struct arc_point *b)
{
    return haversine_of(size_of(a->at.latitude_nano - b->at.latitude_nano),
                        apart(a->at.longitude_nano, b->at.longitude_nano), a->cosine * b->cosine);
}

/* From one to the antipode of the other. */
static double arc_haversine_antipode(const struct arc_point *a, const struct arc_point *b)
{
    int64_t across = apart(a->at.longitude_nano, b->at.longitude_nano);
    return haversine_of(size_of(a->at.latitude_nano + b->at.latitude_nano),
                        DEGREES_LONGITUDE_NANO_MAX - across, a->cosine * b->cosine);
}

int64_t arc_distance_mm(const struct arc_point *a, const struct arc_point *b, double haversine)
{
    double mm = haversine <= 0.5
                    ? 2 * ARC_RADIUS_MM * arc_sine(haversine)
                    : HALF_EQUATOR_MM - 2 * ARC_RADIUS_MM * arc_sine(arc_haversine_antipode(a, b));
    return (int64_t)(mm + 0.5);
}

double arc_haversine_max(int64_t mm)
{
    double angle = (double)(mm + 1) / (2 * ARC_RADIUS_MM);
    double right = RADIANS_PER_COUNT * (double)RIGHT_ANGLE;
    double root = angle <= right / 2 ? sine_series(angle)
                  : angle < right    ? cosine_series(right - angle)
                                     : 1;
    return root * root * (1 + HAVERSINE_SLACK);
}

/* Of a distance d from latitude p, with d <= D: sin(d/2)^2 >= cos(p) cos(|p| + D) sin(a/2)^2, where
 * a is the difference of longitudes; and up to one radian an angle's half is less than 1.05 times
 * its sine. */
#define STRETCH_SLACK 1.05

static int64_t up_of(int64_t mm)
{
    return (int64_t)((double)(mm + 1) * NANO_PER_MM) + 1;
}

struct arc_reach arc_reach(const struct arc_point *point, int64_t mm_max)
{
    struct arc_reach reach = {0};
    int64_t up = up_of(mm_max);
    int64_t furthest = size_of(point->at.latitude_nano) + up;
    if (furthest < DEGREES_LATITUDE_NANO_MAX) {
        double cosines = point->cosine * cosine_of(furthest);
        double stretch = cosines > 0 ? STRETCH_SLACK / sqrt(cosines) : 0;
        if (stretch * (double)up * 2 * RADIANS_PER_COUNT <= 1)
            reach.stretch = stretch;
    }
    arc_reach_set(&reach, mm_max);
    return reach;
}

void arc_reach_set(struct arc_reach *reach, int64_t mm)
{
    reach->haversine_max = arc_haversine_max(mm);
    reach->up_nano = up_of(mm);
    reach->across_nano = reach->stretch > 0 ? (int64_t)((double)reach->up_nano * reach->stretch) + 1
                                            : DEGREES_LONGITUDE_NANO_MAX;
}

bool arc_may_reach(const struct arc_reach *reach, const struct arc_point *point,
                   const struct degrees *at)
{
    return size_of(point->at.latitude_nano - at->latitude_nano) <= reach->up_nano &&
           apart(point->at.longitude_nano, at->longitude_nano) <= reach->across_nano;
}

static int64_t gap(int64_t at, int64_t low, int64_t high)
{
    return at < low ? low - at : at > high ? at - high : 0;
}

/* The shorter way round, to the nearer side. */
static int64_t gap_across(int64_t at, const struct arc_box *box)
{
    int64_t low = box->south_west.longitude_nano, high = box->north_east.longitude_nano;
    if (at >= low && at <= high)
        return 0;
    int64_t west = apart(at, low), east = apart(at, high);
    return west < east ? west : east;
}

static int64_t gap_up(int64_t at, const struct arc_box *box)
{
    return gap(at, box->south_west.latitude_nano, box->north_east.latitude_nano);
}

bool arc_may_reach_box(const struct arc_reach *reach, const struct arc_point *point,
                       const struct arc_box *box)
{
    return gap_up(point->at.latitude_nano, box) <= reach->up_nano &&
           gap_across(point->at.longitude_nano, box) <= reach->across_nano;
}

/* Each part of the sum by itself is the least that the box allows. */
double arc_haversine_box(const struct arc_point *point, const struct arc_box *box)
{
    double up_sine = sine(gap_up(point->at.latitude_nano, box)), haversine = up_sine * up_sine;
    int64_t across = gap_across(point->at.longitude_nano, box);
    if (across == 0)
        return haversine;
    int64_t south_size = size_of(box->south_west.latitude_nano);
    int64_t north_size = size_of(box->north_east.latitude_nano);
    double cosine = cosine_of(south_size > north_size ? south_size : north_size);
    double across_sine = sine(across);
    return haversine + point->cosine * cosine * (across_sine * across_sine);
}
