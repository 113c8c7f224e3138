#include "placesd/provider.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "placesd/nearby.h"

/* "-118.445127": sign, degrees, and no more decimals than needed. */
#define DEGREES_BYTES_MAX 32
#define DECIMALS          9

/* Google refuses a radius of 0; a circle of one metre is what it means. */
#define RADIUS_M_MIN 1

static void write_degrees(int64_t nanodegrees, char text[DEGREES_BYTES_MAX])
{
    const char *sign = nanodegrees < 0 ? "-" : "";
    int64_t size = nanodegrees < 0 ? -nanodegrees : nanodegrees;
    int length = snprintf(text, DEGREES_BYTES_MAX, "%s%" PRId64 ".%0*" PRId64, sign,
                          size / LOOKUP_NANODEGREES_PER_DEGREE, DECIMALS,
                          size % LOOKUP_NANODEGREES_PER_DEGREE);
    assert(length > 0 && length < DEGREES_BYTES_MAX);
    char *end = text + length;
    while (end[-1] == '0')
        end--;
    if (end[-1] == '.')
        end--;
    *end = '\0';
}

static void write_plain_url(struct span base, struct span key, const struct lookup *lookup,
                            struct buffer *url)
{
    (void)key;
    char latitude[DEGREES_BYTES_MAX], longitude[DEGREES_BYTES_MAX];
    write_degrees(lookup->latitude_nanodeg, latitude);
    write_degrees(lookup->longitude_nanodeg, longitude);
    uint32_t radius_m = lookup->radius_m > RADIUS_M_MIN ? lookup->radius_m : RADIUS_M_MIN;

    char query[2 * DEGREES_BYTES_MAX + 64];
    int length = snprintf(query, sizeof query, "?location=%s,%s&radius=%" PRIu32, latitude,
                          longitude, radius_m);
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

/* The legacy service puts its own failures into the JSON of an HTTP 200, so any other status
 * comes from something in between, and its body is not for clients. RFC 9110, section 15. */
static enum lookup_code read_answer(long http_status, struct span body, uint32_t bound,
                                    struct span key, struct buffer *json)
{
    if (http_status == 200)
        return nearby_read(body, bound, key, json);

    enum lookup_code code = LOOKUP_NONSENSE;
    const char *what = "answered strangely";
    if (http_status >= 300 && http_status < 400) {
        code = LOOKUP_UNAVAILABLE;
        what = "sent us elsewhere, where we do not go";
    } else if (http_status >= 400 && http_status < 500) {
        code = LOOKUP_REFUSED;
        what = "refused the request";
    } else if (http_status >= 500 && http_status < 600) {
        code = LOOKUP_UNAVAILABLE;
        what = "is out of order";
    }
    char reason[128];
    snprintf(reason, sizeof reason, "The places provider %s (HTTP %ld).", what, http_status);
    lookup_write_failure(code, reason, json);
    return code;
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
