#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "placesd/providers/osm.h"
#include "placesd/providers/outcome.h"
#include "placesd/providers/provider.h"
#include "placesd/providers/results.h"

/* Twice what we show, because some have no name. Photon's own limit for a reverse search is 50. */
#define FEATURES_MAX (2 * LOOKUP_BOUND_MAX)
#define METRES_IN_KM 1000

/* ---- the request: Photon's /reverse (github.com/komoot/photon, API) ---- */

static void write_url(struct span base, struct span key, const struct lookup *lookup,
                      struct buffer *url)
{
    (void)key;
    char latitude[PROVIDER_DEGREES_BYTES_MAX], longitude[PROVIDER_DEGREES_BYTES_MAX];
    char query[2 * PROVIDER_DEGREES_BYTES_MAX + 64];
    provider_write_degrees(lookup->latitude_nanodeg, latitude);
    provider_write_degrees(lookup->longitude_nanodeg, longitude);
    uint32_t radius_m = provider_radius_m(lookup);
    int length = snprintf(
        query, sizeof query, "?lat=%s&lon=%s&radius=%" PRIu32 ".%03" PRIu32 "&limit=%d", latitude,
        longitude, radius_m / METRES_IN_KM, radius_m % METRES_IN_KM, FEATURES_MAX);
    assert(length > 0 && (size_t)length < sizeof query);
    buffer_append(url, base);
    buffer_append(url, (struct span){query, (size_t)length});
    for (size_t i = 0; i < OSM_KEYS; i++) {
        buffer_append(url, span_of("&osm_tag="));
        buffer_append(url, span_of(osm_keys[i]));
    }
}

/* ---- the answer: GeoJSON (RFC 7946) ---- */

static const char *property(const json_t *properties, const char *name)
{
    return json_string_value(json_object_get(properties, name));
}

/* A position is longitude first (RFC 7946, section 3.1.1). False for what is no place. */
static bool read_feature(const json_t *feature, struct osm_place *place)
{
    const json_t *properties = json_object_get(feature, "properties");
    const json_t *id = json_object_get(properties, "osm_id");
    const json_t *position = json_object_get(json_object_get(feature, "geometry"), "coordinates");
    const char *city = property(properties, "city");
    *place = (struct osm_place){
        .id = (uint64_t)json_integer_value(id),
        .name = property(properties, "name"),
        .key = property(properties, "osm_key"),
        .value = property(properties, "osm_value"),
        .street = property(properties, "street"),
        .house_number = property(properties, "housenumber"),
        .city = city != NULL ? city : property(properties, "state"),
    };
    return json_integer_value(id) > 0 && place->name != NULL && osm_holds(place->value) &&
           osm_read_kind(property(properties, "osm_type"), &place->kind) &&
           results_read_position(json_array_get(position, 1), json_array_get(position, 0),
                                 &place->position);
}

/* Photon says nothing about fame: the nearest comes first. */
static enum lookup_code read_features(const json_t *root, const struct lookup *lookup,
                                      struct span key, struct buffer *json)
{
    return osm_read(root, "features", read_feature, lookup, key, json);
}

static enum lookup_code read_answer(long http_status, struct span body, const struct lookup *lookup,
                                    struct span key, struct buffer *json)
{
    if (http_status != 200)
        return outcome_write_http(http_status, body, json);
    return results_read(body, lookup, key, json, read_features);
}

const struct provider provider_photon = {
    .id = TOPOLOGY_PHOTON,
    .cache_s = OSM_CACHE_S,
    .stale_s = OSM_STALE_S,
    .write_url = write_url,
    .read_answer = read_answer,
};
