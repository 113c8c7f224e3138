/* hstore: tags in one text, as PostgreSQL's hstore writes them and ogr2ogr in `other_tags`:
 *
 *     "amenity"=>"cafe","name:en"=>"The \"Cup\""
 *
 * Invariant: whatever the text, only whole pairs are taken, and it ends. */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_HSTORE_H
#define ZHERD_PLACESD_LANDMARKS_DATA_HSTORE_H

#include <jansson.h>

/* Adds the pairs of `text`, which is UTF-8, to an object, but for keys that are there already. It
 * ends before the first thing that is no pair; a value that is NULL and no text is passed over.
 * PostgreSQL, hstore, "External Representation". */
void hstore_read(const char *text, json_t *tags);

#endif
