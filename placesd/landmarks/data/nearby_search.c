#include "placesd/landmarks/data/nearby_search.h"

#include <jansson.h>
#include <math.h>

#include "placesd/landmarks/data/decimal.h"

/* ---- the query ---- */

/* Parameters of Google's service that choose other results than the plain question. */
static const char *const not_served[] = {
    "keyword", "maxprice", "minprice", "name", "opennow", "pagetoken", "type", "types",
};

static void refuse(struct query *query, const char *fault)
{
    if (query->fault == NULL)
        query->fault = fault;
}

static void take_location(struct query *query, struct span value)
{
    if (query->has_location) {
        refuse(query, "location is given twice.");
        return;
    }
    query->has_location = true;
    const char *comma = memchr(value.data, ',', value.len);
    if (comma == NULL) {
        refuse(query, "location must be LATITUDE,LONGITUDE in decimal degrees.");
        return;
    }
    struct span latitude = {value.data, (size_t)(comma - value.data)};
    struct span longitude = {comma + 1, value.len - latitude.len - 1};
    if (!decimal_read(latitude, &query->centre.latitude_deg) ||
        !decimal_read(longitude, &query->centre.longitude_deg))
        refuse(query, "location must be LATITUDE,LONGITUDE in decimal degrees.");
    else if (fabs(query->centre.latitude_deg) > 90 || fabs(query->centre.longitude_deg) > 180)
        refuse(query, "location is not on the Earth: latitude ends at 90, longitude at 180.");
}

static void take_radius(struct query *query, struct span value)
{
    if (query->has_radius) {
        refuse(query, "radius is given twice.");
        return;
    }
    query->has_radius = true;
    if (!decimal_read(value, &query->radius_m) || query->radius_m <= 0)
        refuse(query, "radius must be a number of metres above 0.");
    query->radius_m = fmin(query->radius_m, QUERY_RADIUS_M_MAX);
}

static void take_order(struct query *query, struct span value)
{
    query->nearest_first = span_equals(value, span_of("distance"));
    if (query->nearest_first && !query->has_radius)
        query->radius_m = QUERY_RADIUS_M_MAX;
    if (!query->nearest_first && !span_equals(value, span_of("prominence")))
        refuse(query, "rankby must be prominence or distance.");
}

void query_take(struct query *query, struct span name, struct span value)
{
    if (span_equals(name, span_of("location")))
        take_location(query, value);
    else if (span_equals(name, span_of("radius")))
        take_radius(query, value);
    else if (span_equals(name, span_of("rankby")))
        take_order(query, value);
    for (size_t i = 0; i < sizeof not_served / sizeof *not_served; i++) {
        if (span_equals(name, span_of(not_served[i])))
            refuse(query, "Only location, radius and rankby are served here.");
    }
}

const char *query_fault(const struct query *query)
{
    if (query->fault != NULL)
        return query->fault;
    if (!query->has_location)
        return "location is missing.";
    if (!query->has_radius && !query->nearest_first)
        return "radius is missing.";
    return NULL;
}

/* ---- the answer ---- */

/* Nine digits would distinguish coordinates to a metre and better; ten keep seven decimals of any
 * longitude, as Google gives them, and print 34.06893 as just that. */
#define TEXT_FLAGS (JSON_INDENT(3) | JSON_REAL_PRECISION(10))
/* Half the height of the window a map would show a place in: 150 m. */
#define VIEWPORT_HALF_DEG 0.00135

static json_t *make_point(double latitude_deg, double longitude_deg)
{
    return json_pack("{s:f, s:f}", "lat", latitude_deg, "lng", longitude_deg);
}

static double wrap(double longitude_deg)
{
    return remainder(longitude_deg, 360.0);
}

static json_t *make_viewport(struct sphere_point at)
{
    double north_deg = fmin(at.latitude_deg + VIEWPORT_HALF_DEG, 90.0);
    double south_deg = fmax(at.latitude_deg - VIEWPORT_HALF_DEG, -90.0);
    return json_pack("{s:o, s:o}", "northeast",
                     make_point(north_deg, wrap(at.longitude_deg + VIEWPORT_HALF_DEG)), "southwest",
                     make_point(south_deg, wrap(at.longitude_deg - VIEWPORT_HALF_DEG)));
}

static json_t *make_types(const char *types)
{
    json_t *array = json_array();
    for (const char *at = types; array != NULL; at++) {
        size_t bytes = strcspn(at, ",");
        if (json_array_append_new(array, json_stringn(at, bytes)) != 0) {
            json_decref(array);
            return NULL;
        }
        at += bytes;
        if (*at == '\0')
            break;
    }
    return array;
}

/* The data hold what exists now, so each place of business is open. A city or a mountain is not
 * one. */
static const char *find_status(const struct place *place)
{
    return place_is(place, "political") || place_is(place, "natural_feature") ? NULL
                                                                              : "OPERATIONAL";
}

static json_t *make_result(const struct place *place)
{
    char id[PLACE_ID_BYTES_MAX + 1];
    place_write_id(place, id);
    json_t *location = make_point(place->position.latitude_deg, place->position.longitude_deg);
    const char *vicinity = place->vicinity[0] == '\0' ? NULL : place->vicinity;
    return json_pack("{s:s*, s:{s:o, s:o}, s:s, s:s, s:s, s:o, s:s*}", "business_status",
                     find_status(place), "geometry", "location", location, "viewport",
                     make_viewport(place->position), "name", place->name, "place_id", id,
                     "reference", id, "types", make_types(place->types), "vicinity", vicinity);
}

/* Takes over `object`. */
static char *write_text(json_t *object)
{
    char *text = object == NULL ? NULL : json_dumps(object, TEXT_FLAGS);
    json_decref(object);
    return text;
}

static json_t *make_attributions(const char *attribution)
{
    return attribution == NULL ? json_array() : json_pack("[s]", attribution);
}

char *answer_places(const struct place *places, size_t count, const char *attribution)
{
    json_t *results = json_array();
    for (size_t i = 0; i < count; i++) {
        if (json_array_append_new(results, make_result(&places[i])) != 0) {
            json_decref(results);
            return NULL;
        }
    }
    return write_text(json_pack("{s:o, s:o, s:s}", "html_attributions",
                                make_attributions(attribution), "results", results, "status",
                                count > 0 ? "OK" : "ZERO_RESULTS"));
}

char *answer_invalid(const char *reason)
{
    return write_text(json_pack("{s:s, s:[], s:[], s:s}", "error_message", reason,
                                "html_attributions", "results", "status", "INVALID_REQUEST"));
}
