/* tags: what all of a place's OpenStreetMap tags say about it, in the words of Nearby Search.
 *
 * Each tag alone has its types and its basic rank in placesd/providers/osm_tags.h; here they are
 * put together, with the place's fame and its address. The rules of the rank stand in
 * placesd/landmarks/README.md.
 *
 * Invariant: a place that is given has a type and a rank from 1 to PLACE_RANK_MAX. */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_TAGS_H
#define ZHERD_PLACESD_LANDMARKS_DATA_TAGS_H

#include <jansson.h>
#include <stdbool.h>

#include "placesd/landmarks/data/place.h"

/* Fills types, rank and vicinity from `tags`, an object of strings, some of which may be lists
 * ("cafe;bar"); a member that is no string, begins with '@' or is of ogr2ogr's own is no tag. The
 * name must be there. False if the tags make no place. */
bool tags_read(const json_t *tags, struct place *place);

/* Copies as many whole letters of a UTF-8 text as fit into `bytes_max` bytes and a NUL. */
void tags_copy(const char *text, char *out, size_t bytes_max);

#endif
