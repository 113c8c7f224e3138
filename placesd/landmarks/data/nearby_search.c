#include "placesd/landmarks/data/nearby_search.h"

#include <math.h>

#include "placesd/landmarks/data/decimal.h"

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
