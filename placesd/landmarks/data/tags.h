/* tags: what all of a place's OpenStreetMap tags say about it, in the words of Nearby Search, and
 * how tags are read that an exporter has put into one text.
 *
 * Each tag alone has its types and its basic rank in placesd/providers/osm_tags.h; here they are
 * put together, with the place's fame and its address. The rules of the rank stand in
 * placesd/landmarks/README.md.
 *
 * Invariant: a place that is given has a type and a rank from 1 to PLACE_RANK_MAX; whatever the
 * text, only whole pairs are taken from it. */
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

/* Adds the pairs of `text`, which is UTF-8, to an object, but for keys that are there already. The
 * text is one of PostgreSQL's hstore (its manual, "External Representation"), which ogr2ogr writes:
 *
 *     "amenity"=>"cafe","name:en"=>"The \"Cup\""
 *
 * Reading ends before the first thing that is no pair; a value that is NULL and no text is passed
 * over. */
void tags_add_hstore(const char *text, json_t *tags);

#endif
