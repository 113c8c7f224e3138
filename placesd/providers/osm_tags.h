/* osm_tags: what makes something a place in OpenStreetMap, in the words of Nearby Search.
 *
 * One table gives Google's legacy types and a basic rank for each tag. The providers that ask for
 * OpenStreetMap's data and the import of the landmarks server read the same table. It knows tags
 * one by one; its readers decide what several of them make of a place. What is not in the table (a
 * road, a bus route, a border) is no place.
 *
 * Invariant: a tag that is found has at least one type and a rank above 0, or neither. */
#ifndef ZHERD_PLACESD_PROVIDERS_OSM_TAGS_H
#define ZHERD_PLACESD_PROVIDERS_OSM_TAGS_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"

struct osm_tag {
    const char *key;
    const char *value; /* NULL: any other of that key */
    const char *types; /* with commas between, the most specific first; "" for no place */
    uint32_t
        rank; /* how well places of that kind are known, as in placesd/landmarks/data/place.h */
};

/* All keys of the table, those that say more about a place first. */
#define OSM_TAGS_KEYS 17
extern const char *const osm_tags_keys[OSM_TAGS_KEYS];

/* A tag may have several values: "cafe; bar". Takes the next one, without the white space around
 * it, and moves `*list` past it; empty ones are skipped. False at the end of the list. */
bool osm_tags_next(const char **list, struct span *value);

/* The row of a tag with this one value, or NULL: the table does not know it, or it says no. */
const struct osm_tag *osm_tags_find(const char *key, struct span value);

#endif
