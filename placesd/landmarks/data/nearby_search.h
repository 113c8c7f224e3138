/* nearby_search: this server's question and answer in the form of Google's Nearby Search (legacy):
 * parameters in, JSON out.
 *
 * It takes names and values one by one, already decoded, in any order, and knows no URL. A
 * parameter that would change the answer and is not served here is refused, never ignored; one that
 * would not (a key, a language) is ignored. In an answer, members that we know nothing about
 * (rating, opening hours, photos) are left out, as Google leaves them out where it knows nothing.
 * There is never a second page. The store decides which places are near.
 *
 * Invariants: a query that query_fault finds good has a centre on the Earth and a radius within
 * the limits; an answer is one JSON object with `html_attributions`, `results` and `status`,
 * indented by three, without an empty line and without a line end after it. */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_NEARBY_SEARCH_H
#define ZHERD_PLACESD_LANDMARKS_DATA_NEARBY_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/bytes.h"
#include "bus/base/sphere.h"
#include "placesd/landmarks/data/place.h"

/* Google clamps a larger radius to this one. */
#define QUERY_RADIUS_M_MAX 50000.0

/* All zero is a query before its first parameter. */
struct query {
    struct sphere_point centre;
    double radius_m; /* above 0, at most QUERY_RADIUS_M_MAX */
    bool has_location;
    bool has_radius;
    bool nearest_first; /* rankby=distance */
    const char *fault;  /* the first one, a sentence for people */
};

/* Takes one parameter. `location` is LAT,LNG in decimal degrees and `radius` a decimal number of
 * metres, neither with exponent nor blank. `rankby` is prominence, the default, or distance;
 * other than at Google, distance needs no keyword and takes a radius, and without one the
 * largest. */
void query_take(struct query *query, struct span name, struct span value);

/* NULL if the query can be answered, else the sentence that says why not. */
const char *query_fault(const struct query *query);

#endif
