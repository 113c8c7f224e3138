#include "tests/bench/sample.h"

#include <string.h>

#define NANO           UINT64_C(1000000000)
#define ID_PREFIX      "client-"
#define ID_DIGITS      9
#define DEGREE_DIGITS  6
#define DEGREE_PARTS   1000000u
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

void sample_write(uint32_t client, uint64_t stamp_ns, char out[SAMPLE_BYTES])
{
    static const char form[] = "client-######### +34.######-118.###### ##########.#########";
    uint64_t drawn = mix(stamp_ns + ((uint64_t)client << 32));
    memcpy(out, form, SAMPLE_BYTES);
    sample_write_id(client, out);
    put_digits(out + SAMPLE_LATITUDE_AT + 3, (drawn & UINT32_MAX) * DEGREE_PARTS >> 32,
               DEGREE_DIGITS);
    put_digits(out + SAMPLE_LONGITUDE_AT + 5, (drawn >> 32) * DEGREE_PARTS >> 32, DEGREE_DIGITS);
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
