#include "placesd/providers/provider.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "placesd/providers/nearby_json.h"
#include "placesd/providers/outcome.h"

#define DECIMALS 9
/* Google and Photon refuse a radius of 0; a circle of one metre is what it means. */
#define RADIUS_M_MIN 1

const struct provider *provider_of(enum topology_provider id)
{
#define PROVIDER_ROW(number, x, name, needs_key) [TOPOLOGY_##number] = &provider_##x,
    static const struct provider *const providers[TOPOLOGY_PROVIDERS] = {
        TOPOLOGY_PROVIDER_ROWS(PROVIDER_ROW)};
    assert(providers[id] != NULL);
    return providers[id];
}

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

void provider_write_nearby_url(struct span base, struct span key, const struct lookup *lookup,
                               struct buffer *url)
{
    (void)key;
    char latitude[PROVIDER_DEGREES_BYTES_MAX], longitude[PROVIDER_DEGREES_BYTES_MAX];
    provider_write_degrees(lookup->latitude_nanodeg, latitude);
    provider_write_degrees(lookup->longitude_nanodeg, longitude);

    char query[2 * PROVIDER_DEGREES_BYTES_MAX + 64];
    int length = snprintf(query, sizeof query, "?location=%s,%s&radius=%" PRIu32, latitude,
                          longitude, provider_radius_m(lookup));
    assert(length > 0 && (size_t)length < sizeof query);
    buffer_append(url, base);
    buffer_append(url, (struct span){query, (size_t)length});
}

/* The legacy service puts its own failures into the JSON of an HTTP 200; another status comes from
 * something in front of it. */
enum lookup_code provider_read_nearby(long http_status, struct span body,
                                      const struct lookup *lookup, struct span key,
                                      struct buffer *json)
{
    if (http_status == 200)
        return nearby_json_read(body, lookup->bound, key, json);
    return outcome_write_http(http_status, body, json);
}
