/* nearby_search: a question of Google's Nearby Search (legacy), as this server understands it.
 *
 * It takes names and values one by one, already decoded, in any order, and knows no URL. A
 * parameter that would change the answer and is not served here is refused, never ignored; one that
 * would not (a key, a language) is ignored. Which places are near is the store's to find, and what
 * is said of them stands in placesd/landmarks/data/answer.h.
 *
 * Invariant: a query that query_fault finds good has a centre on the Earth, a radius and an offset
 * within the limits, and texts of printable characters. */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_NEARBY_SEARCH_H
#define ZHERD_PLACESD_LANDMARKS_DATA_NEARBY_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/sphere.h"
#include "placesd/landmarks/data/place.h"

/* Google clamps a larger radius to this one. */
#define QUERY_RADIUS_M_MAX 50000.0
/* The third and last page begins here: Google gives sixty results in all. */
#define QUERY_OFFSET_MAX 40
/* Google's longest type has 29. */
#define QUERY_TYPE_BYTES_MAX 63
/* All words of keyword and name together. */
#define QUERY_WORDS_BYTES_MAX 255
/* All of a query as text, a check in front of it, and four letters for three bytes. */
#define QUERY_TOKEN_BYTES_MAX 640

/* Which places are meant. All zero: every one. */
struct query_filter {
    char type[QUERY_TYPE_BYTES_MAX + 1];
    char words[QUERY_WORDS_BYTES_MAX + 1]; /* in small letters, with one blank between */
};

/* All zero is a query before its first parameter. */
struct query {
    struct sphere_point centre;
    double radius_m; /* above 0, at most QUERY_RADIUS_M_MAX */
    uint32_t offset; /* results of earlier pages, at most QUERY_OFFSET_MAX */
    struct query_filter filter;
    bool has_location;
    bool has_radius;
    bool has_page;      /* a pagetoken was given: nothing else counts */
    bool nearest_first; /* rankby=distance */
    const char *fault;  /* the first one, a sentence for people */
};

/* Takes one parameter. `location` is LAT,LNG in decimal degrees and `radius` a decimal number of
 * metres, neither with exponent nor blank. `rankby` is prominence, the default, or distance; other
 * than at Google, distance needs no keyword and takes a radius, and without one the largest. Of
 * `type` the first one counts. The words of `keyword` and `name` count together. `pagetoken` stands
 * for all of a query. An empty type, keyword or name is none. */
void query_take(struct query *query, struct span name, struct span value);

/* NULL if the query can be answered, else the sentence that says why not. */
const char *query_fault(const struct query *query);

/* Whether it leaves out any place. */
bool query_is_narrow(const struct query_filter *filter);

/* Whether the place has the type, and each word begins one of its name, its vicinity or its types.
 * Capital letters are the same as small ones: those of ASCII, Latin-1, Greek and Cyrillic. */
bool query_passes(const struct query_filter *filter, const struct place *place);

/* Appends what `pagetoken` has to be for the same query from `offset` on, 1 to QUERY_OFFSET_MAX: at
 * most QUERY_TOKEN_BYTES_MAX letters, digits, '-' and '_'. The server keeps nothing of it. */
void query_write_token(const struct query *query, uint32_t offset, struct buffer *token);

#endif
