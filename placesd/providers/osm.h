/* osm: places as OpenStreetMap describes them, put in order and said in Google's words.
 *
 * What the providers share that serve OpenStreetMap's data: which tags make a place, its address,
 * the order, and the attribution that the data's licence (ODbL) asks for. Its type is looked up in
 * placesd/providers/osm_tags.h. Each provider knows how a place looks in its JSON.
 *
 * Invariant: the order is total: rank, then distance, then id, so that the same places give the
 * same answer in any order of arrival. */
#ifndef ZHERD_PLACESD_PROVIDERS_OSM_H
#define ZHERD_PLACESD_PROVIDERS_OSM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/sphere.h"
#include "placesd/lookup.h"

/* What the licence asks to be shown (https://www.openstreetmap.org/copyright), as HTML. */
#define OSM_ATTRIBUTION                                                                            \
    "\xc2\xa9 <a href=\"https://www.openstreetmap.org/copyright\">OpenStreetMap contributors</a>"

/* Places read from one answer; further ones are left out. */
#define OSM_PLACES_MAX 200
/* The licence lets anybody keep the data; it changes by the minute, but not by much. */
#define OSM_CACHE_S 300
#define OSM_STALE_S 86400
/* The keys of the tags that make something a place, those that say most first. */
#define OSM_KEYS 5
extern const char *const osm_keys[OSM_KEYS];

/* One place. Texts are borrowed, valid UTF-8, and NULL where nothing is said. */
struct osm_place {
    char kind;   /* 'N'ode, 'W'ay or 'R'elation */
    uint64_t id; /* unique within its kind */
    const char *name;
    /* Of the tag that makes it a place: "amenity", "cafe" or several, "cafe;bar". */
    const char *key, *value;
    const char *street, *house_number, *city;
    struct sphere_point position;
    uint32_t rank; /* how well it is known, more is better */
};

/* True, and the letter, for "N", "W", "R" and "node", "way", "relation". */
bool osm_read_kind(const char *text, char *kind);

/* Whether a tag's values (NULL for none) say anything but that there is nothing of the kind. */
bool osm_holds(const char *values);

/* Reads the first OSM_PLACES_MAX places in the array `list` of an answer, puts them in order and
 * appends our answer: LOOKUP_OK, or why there is none (placesd/providers/results.h). `read_place`
 * knows the provider's JSON: it fills `place` of one element, or says false for what is no place.
 */
enum lookup_code osm_read(const json_t *root, const char *list,
                          bool (*read_place)(const json_t *element, struct osm_place *place),
                          const struct lookup *lookup, struct span secret, struct buffer *json);

#endif
