/* feature: one GeoJSON feature (RFC 7946) with OpenStreetMap's tags as its properties becomes a
 * place, or the reason why it becomes none.
 *
 * A place is known by the element of OpenStreetMap that it is, however its exporter says so. The
 * same park is "a149" with osmium (an area: twice the id of a way, and one more than that of a
 * relation), "relation/74" with osmtogeojson and overpass turbo, and osm_id 74 of a multipolygon
 * with ogr2ogr.
 *
 * Invariant: each record is exactly one of the kinds, and a place that is given is complete as
 * placesd/landmarks/data/place.h says. One element has one spelling, osmium's: "n5", and "a14" for
 * way 7 as for any area. */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_FEATURE_H
#define ZHERD_PLACESD_LANDMARKS_DATA_FEATURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "placesd/landmarks/data/place.h"

enum feature_kind {
    FEATURE_PLACE,
    FEATURE_NAMELESS,
    FEATURE_OTHER_SHAPE, /* a line, or no position at all */
    FEATURE_OTHER_KIND,  /* its tags make no place: a road, a border */
    FEATURE_BROKEN,      /* not JSON, or not a feature */
    FEATURE_KINDS
};

/* One short sentence. */
#define FEATURE_WHY_BYTES_MAX 255

/* Reads one record. A place comes with the key it is known by: made of the feature's `id` where
 * that is a text, as exporters of OpenStreetMap write it ("n123"), else of name and position; a
 * number says nothing, as it is often just a count. A name that is too long is cut. For a broken
 * one `why` says why. */
enum feature_kind feature_read(struct span record, struct place *place, uint64_t *key,
                               char why[FEATURE_WHY_BYTES_MAX + 1]);

/* ---- elements ---- */

/* A letter and 20 digits. */
#define FEATURE_ELEMENT_BYTES_MAX 21

/* Reads one of the spellings: "n5", "w7", "r74", "a149", "node/5", "way/7", "relation/74". False
 * for any other text, and for an id below 1 or of more than 18 digits. */
bool feature_read_element(const char *text, char element[FEATURE_ELEMENT_BYTES_MAX + 1]);

/* Finds the element in a feature's members: in `@id` ("relation/74", or 74 with `@type`), in
 * `osm_id` with `osm_type`, or in the texts `osm_way_id` and `osm_id` of ogr2ogr, where the
 * geometry says what `osm_id` belongs to: a node is a point, a relation an area. False where none
 * says it. */
bool feature_find_element(const json_t *properties, const json_t *geometry,
                          char element[FEATURE_ELEMENT_BYTES_MAX + 1]);

#endif
