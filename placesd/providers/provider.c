#include "placesd/providers/provider.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define DECIMALS 9
/* Google and Photon refuse a radius of 0; a circle of one metre is what it means. */
#define RADIUS_M_MIN 1

void provider_write_degrees(int64_t nanodegrees, char text[PROVIDER_DEGREES_BYTES_MAX])
{
    const char *sign = nanodegrees < 0 ? "-" : "";
    int64_t size = nanodegrees < 0 ? -nanodegrees : nanodegrees;
    int length = snprintf(text, PROVIDER_DEGREES_BYTES_MAX, "%s%" PRId64 ".%0*" PRId64, sign,
                          size / LOOKUP_NANODEGREES_PER_DEGREE, DECIMALS,
                          size % LOOKUP_NANODEGREES_PER_DEGREE);
    assert(length > 0 && length < PROVIDER_DEGREES_BYTES_MAX);
    char *end = text + length;
    while (end[-1] == '0')
        end--;
    if (end[-1] == '.')
        end--;
    *end = '\0';
}

uint32_t provider_radius_m(const struct lookup *lookup)
{
    return lookup->radius_m > RADIUS_M_MIN ? lookup->radius_m : RADIUS_M_MIN;
}
