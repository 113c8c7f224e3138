#include <jansson.h>
#include <math.h>

#include "bus/base/sphere.h"
#include "placesd/providers/nearby_json.h"
#include "placesd/providers/outcome.h"
#include "placesd/providers/provider.h"

/* Answers show seven decimals of a degree and the server counts with more: a place that is so near
 * to the edge of a circle may lie on either side of it. */
#define EDGE_M 1.0
/* How the server ends an answer with places, and one without. */
#define TAIL      "\n   ],\n   \"status\": \"OK\"\n}"
#define TAIL_NONE "],\n   \"status\": \"ZERO_RESULTS\"\n}"

static enum lookup_code read_answer(long http_status, struct span body, const struct lookup *lookup,
                                    struct span key, struct buffer *json)
{
    (void)key;
    if (http_status == 200)
        return nearby_json_pass(body, lookup->bound, json);
    return outcome_write_http(http_status, body, json);
}

/* ---- a smaller circle ---- */

/* Which of the results lie within; false where one of them may or may not. */
static bool choose(struct span body, const struct lookup *lookup, uint32_t count,
                   bool is_within[LOOKUP_BOUND_MAX])
{
    struct sphere_point centre = {
        (double)lookup->latitude_nanodeg / (double)LOOKUP_NANODEGREES_PER_DEGREE,
        (double)lookup->longitude_nanodeg / (double)LOOKUP_NANODEGREES_PER_DEGREE};
    json_t *root = json_loadb(body.data, body.len, 0, NULL);
    const json_t *results = json_object_get(root, "results");
    bool good = json_array_size(results) == count;
    for (uint32_t i = 0; good && i < count; i++) {
        struct sphere_point at;
        good = json_unpack(json_array_get(results, i), "{s:{s:{s:F, s:F}}}", "geometry", "location",
                           "lat", &at.latitude_deg, "lng", &at.longitude_deg) == 0;
        double beyond_m = good ? sphere_distance_m(centre, at) - provider_radius_m(lookup) : 0;
        good = good && fabs(beyond_m) > EDGE_M;
        is_within[i] = beyond_m < 0;
    }
    json_decref(root);
    return good;
}

/* The chosen elements, each with the comma in front of it, but for the first one's. */
static bool copy_chosen(struct span body, const struct nearby_json_offsets *offsets,
                        const bool is_within[LOOKUP_BOUND_MAX], struct buffer *json)
{
    size_t before = json->len;
    bool is_first = true;
    for (uint32_t i = 0; i < offsets->count; i++) {
        const char *from = body.data + offsets->ends[i], *end = body.data + offsets->ends[i + 1];
        if (i > 0 && *from != ',')
            return false;
        if (!is_within[i])
            continue;
        from += i > 0 && is_first;
        if (is_first)
            buffer_append(json, (struct span){body.data, offsets->ends[0]});
        buffer_append(json, (struct span){from, (size_t)(end - from)});
        is_first = false;
    }
    if (is_first)
        buffer_append(json, (struct span){body.data, offsets->ends[0]});
    buffer_append(json, is_first ? span_of(TAIL_NONE) : span_of(TAIL));
    return json->len > before;
}

static bool narrow(struct span body, const struct nearby_json_offsets *offsets,
                   const struct lookup *lookup, struct buffer *json)
{
    bool is_within[LOOKUP_BOUND_MAX];
    size_t before = json->len;
    if (offsets->count == 0) {
        buffer_append(json, body);
        return true;
    }
    struct span tail = {body.data + offsets->last, body.len - offsets->last};
    if (offsets->count >= LOOKUP_BOUND_MAX || !span_equals(tail, span_of(TAIL)) ||
        !choose(body, lookup, offsets->count, is_within))
        return false;
    if (copy_chosen(body, offsets, is_within, json))
        return true;
    json->len = before;
    return false;
}

const struct provider provider_landmarks = {
    .id = TOPOLOGY_LANDMARKS,
    .cache_s = 300,
    .stale_s = 86400,
    .write_url = provider_write_nearby_url,
    .read_answer = read_answer,
    .narrow = narrow,
};
