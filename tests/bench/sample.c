#include "tests/bench/sample.h"

#include <math.h>
#include <string.h>

#define NANO           UINT64_C(1000000000)
#define ID_PREFIX      "client-"
#define ID_DIGITS      9
#define DEGREE_DIGITS  6
#define DEGREE_PARTS   1000000u
#define DEGREE_MICRO   1000000
#define SECONDS_DIGITS 10
#define NANO_DIGITS    9

/* Two digits at a time halve the divisions, and the bench must not be slower than the servers. */
static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

static void put_digits(char *out, uint64_t value, size_t count)
{
    while (count >= 2) {
        count -= 2;
        memcpy(out + count, pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (count == 1)
        out[0] = (char)('0' + value % 10);
}

static bool take_digits(const char *text, size_t count, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *value = *value * 10 + (uint64_t)(text[i] - '0');
    }
    return true;
}

/* Any mixing will do that spreads neighbouring stamps: the finalizer of MurmurHash3 (Austin
 * Appleby, public domain). */
static uint64_t mix(uint64_t bits)
{
    bits = (bits ^ (bits >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    bits = (bits ^ (bits >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return bits ^ (bits >> 33);
}

void sample_write_id(uint32_t client, char out[SAMPLE_ID_BYTES])
{
    memcpy(out, ID_PREFIX, sizeof ID_PREFIX - 1);
    put_digits(out + sizeof ID_PREFIX - 1, client, ID_DIGITS);
}

/* ---- fleets ---- */

#define CITIES         200u
#define SEA_BANDS      4096u
#define DIRECTIONS     256u
#define KM_PER_DEGREE  111.195
#define MICRO_PER_KM   (DEGREE_MICRO / KM_PER_DEGREE)
#define CIRCLE_KM      0.015
#define CITY_HALF_KM   8
#define ASKED_HALF_KM  4
#define LATITUDE_MAX   85 /* degrees, of who is at sea: redis takes no more */
#define FAR_DEG        18 /* from the southernmost city to a point 2,000 km away */
#define PARTS_PER_UNIT 1024

/* Millionths of a degree; `stretch` is how much wider a degree of longitude has to be there for the
 * same distance, in parts. */
struct spot {
    int32_t latitude, longitude, stretch;
};

static const struct {
    const char *name;
    uint32_t in_cities_of_1000;
} kinds[SAMPLE_FLEETS] = {
    [SAMPLE_LEAPS] = {"leaps", 0},  [SAMPLE_DENSE] = {"dense", 800},  [SAMPLE_THIN] = {"thin", 13},
    [SAMPLE_LAND] = {"land", 1000}, [SAMPLE_POINT] = {"point", 1000},
};

static enum sample_fleet chosen = SAMPLE_LEAPS;
static struct spot cities[CITIES], far_city;
static struct spot sea[SEA_BANDS + 1];
static struct {
    int32_t up, across;
} circle[DIRECTIONS];

static struct spot spot(double latitude, double longitude)
{
    return (struct spot){(int32_t)(latitude * DEGREE_MICRO), (int32_t)(longitude * DEGREE_MICRO),
                         (int32_t)(PARTS_PER_UNIT / cos(latitude * M_PI / 180))};
}

void sample_choose(enum sample_fleet fleet)
{
    chosen = fleet;
    for (uint32_t i = 0; i < CITIES; i++)
        cities[i] = spot((double)(i * 37 % 120) - 60 + i * 0.001234567,
                         (double)(i * 101 % 350) - 175 + i * 0.007654321);
    far_city = cities[0];
    far_city.latitude -= FAR_DEG * DEGREE_MICRO;
    /* Bands of one size of the globe each. */
    for (uint32_t i = 0; i <= SEA_BANDS; i++)
        sea[i] = spot(asin(2.0 * i / SEA_BANDS - 1) * LATITUDE_MAX * 2 / M_PI, 0);
    for (uint32_t i = 0; i < DIRECTIONS; i++) {
        double angle = 2 * M_PI * i / DIRECTIONS;
        circle[i].up = (int32_t)(CIRCLE_KM * MICRO_PER_KM * sin(angle));
        circle[i].across = (int32_t)(CIRCLE_KM * MICRO_PER_KM * cos(angle));
    }
}

enum sample_fleet sample_find_fleet(const char *name)
{
    enum sample_fleet fleet = 0;
    while (fleet < SAMPLE_FLEETS && strcmp(kinds[fleet].name, name) != 0)
        fleet++;
    return fleet;
}

static struct spot moved(struct spot from, int32_t up, int32_t across)
{
    from.latitude += up;
    from.longitude += across * from.stretch / PARTS_PER_UNIT;
    return from;
}

/* -half to half, by 16 bits. */
static int32_t part_of(uint64_t bits, int32_t half)
{
    return (int32_t)((int64_t)(bits & 0xffff) * half / 0x8000) - half;
}

/* Within so many kilometres, in each of the two directions, of a place. */
static struct spot around(struct spot middle, uint64_t bits, int32_t half_km)
{
    int32_t half = half_km * (int32_t)MICRO_PER_KM;
    return moved(middle, part_of(bits, half), part_of(bits >> 16, half));
}

static struct spot at_sea(uint64_t bits)
{
    const struct spot *south = &sea[bits % SEA_BANDS];
    struct spot at = *south;
    int64_t band = south[1].latitude - south->latitude;
    at.latitude += (int32_t)(band * (int64_t)(bits >> 16 & 0xffff) >> 16);
    at.longitude = (int32_t)((int64_t)(bits >> 32) * 358 * DEGREE_MICRO >> 32) - 179 * DEGREE_MICRO;
    return at;
}

static struct spot spot_of(uint32_t client, uint64_t stamp_ns)
{
    if (chosen == SAMPLE_POINT)
        return cities[1];
    uint64_t home = mix(client + 1), move = mix(stamp_ns + ((uint64_t)client << 32)) % DIRECTIONS;
    bool in_city = home % 1000 < kinds[chosen].in_cities_of_1000;
    home = mix(home);
    struct spot at =
        in_city ? around(cities[home % CITIES], home >> 32, CITY_HALF_KM) : at_sea(home);
    return moved(at, circle[move].up, circle[move].across);
}

static void put_degrees(char *out, int32_t micro, size_t whole_digits)
{
    uint32_t size = (uint32_t)(micro < 0 ? -micro : micro);
    out[0] = micro < 0 ? '-' : '+';
    put_digits(out + 1, size / DEGREE_PARTS, whole_digits);
    out[1 + whole_digits] = '.';
    put_digits(out + 2 + whole_digits, size % DEGREE_PARTS, DEGREE_DIGITS);
}

static void put_spot(char *out, struct spot at)
{
    put_degrees(out, at.latitude, 2);
    put_degrees(out + SAMPLE_LONGITUDE_AT - SAMPLE_POSITION_AT, at.longitude, 3);
}

void sample_write_place(uint64_t drawn, char out[SAMPLE_POSITION_BYTES])
{
    struct spot middle = chosen == SAMPLE_LAND ? far_city : cities[drawn % CITIES];
    uint64_t bits = mix(drawn);
    put_spot(out, chosen == SAMPLE_POINT ? cities[1] : around(middle, bits >> 32, ASKED_HALF_KM));
}

/* ---- samples ---- */

void sample_write(uint32_t client, uint64_t stamp_ns, char out[SAMPLE_BYTES])
{
    static const char form[] = "client-######### +34.######-118.###### ##########.#########";
    memcpy(out, form, SAMPLE_BYTES);
    sample_write_id(client, out);
    if (chosen == SAMPLE_LEAPS) {
        uint64_t drawn = mix(stamp_ns + ((uint64_t)client << 32));
        put_digits(out + SAMPLE_LATITUDE_AT + 4, (drawn & UINT32_MAX) * DEGREE_PARTS >> 32,
                   DEGREE_DIGITS);
        put_digits(out + SAMPLE_LONGITUDE_AT + 5, (drawn >> 32) * DEGREE_PARTS >> 32,
                   DEGREE_DIGITS);
    } else {
        put_spot(out + SAMPLE_POSITION_AT, spot_of(client, stamp_ns));
    }
    put_digits(out + SAMPLE_STAMP_AT, stamp_ns / NANO, SECONDS_DIGITS);
    put_digits(out + SAMPLE_STAMP_AT + SECONDS_DIGITS + 1, stamp_ns % NANO, NANO_DIGITS);
}

bool sample_read(const char text[SAMPLE_BYTES], uint32_t *client, uint64_t *stamp_ns)
{
    char written[SAMPLE_BYTES];
    uint64_t number, seconds, nanoseconds;
    const char *stamp = text + SAMPLE_STAMP_AT;
    if (!take_digits(text + sizeof ID_PREFIX - 1, ID_DIGITS, &number) ||
        !take_digits(stamp, SECONDS_DIGITS, &seconds) ||
        !take_digits(stamp + SECONDS_DIGITS + 1, NANO_DIGITS, &nanoseconds))
        return false;
    *client = (uint32_t)number;
    *stamp_ns = seconds * NANO + nanoseconds;
    sample_write(*client, *stamp_ns, written);
    return memcmp(text, written, SAMPLE_BYTES) == 0;
}
