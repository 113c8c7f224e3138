#include "placesd/providers/provider.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "placesd/providers/nearby_json.h"
#include "placesd/providers/outcome.h"

static void write_plain_url(struct span base, struct span key, const struct lookup *lookup,
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

static void write_url_with_key(struct span base, struct span key, const struct lookup *lookup,
                               struct buffer *url)
{
    write_plain_url(base, key, lookup, url);
    buffer_append(url, span_of("&key="));
    buffer_append(url, key);
}

/* The legacy service puts its own failures into the JSON of an HTTP 200; another status comes from
 * something in front of it. */
static enum lookup_code read_answer(long http_status, struct span body, const struct lookup *lookup,
                                    struct span key, struct buffer *json)
{
    if (http_status == 200)
        return nearby_json_read(body, lookup->bound, key, json);
    return outcome_write_http(http_status, body, json);
}

const struct provider provider_google = {
    .name = "google",
    .needs_key = true,
    .cache_s = 0, /* its terms forbid to keep names, addresses and ratings */
    .write_url = write_url_with_key,
    .read_answer = read_answer,
};

const struct provider provider_landmarks = {
    .name = "landmarks",
    .needs_key = false,
    .cache_s = 300,
    .stale_s = 86400,
    .write_url = write_plain_url,
    .read_answer = read_answer,
};
