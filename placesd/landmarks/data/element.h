/* element: which element of OpenStreetMap a GeoJSON feature is, however its exporter says so.
 *
 * The same park is "a149" with osmium (an area: twice the id of a way, and one more than that of a
 * relation), "relation/74" with osmtogeojson and overpass turbo, and osm_id 74 of a multipolygon
 * with ogr2ogr. It opens nothing and keeps nothing.
 *
 * Invariant: one element has one spelling, osmium's: "n5", and "a14" for way 7 as for any area. */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_ELEMENT_H
#define ZHERD_PLACESD_LANDMARKS_DATA_ELEMENT_H

#include <jansson.h>
#include <stdbool.h>

/* A letter and 20 digits. */
#define ELEMENT_BYTES_MAX 21

/* Reads one of the spellings: "n5", "w7", "r74", "a149", "node/5", "way/7", "relation/74". False
 * for any other text, and for an id below 1 or of more than 18 digits. */
bool element_read(const char *text, char element[ELEMENT_BYTES_MAX + 1]);

/* Finds the element in a feature's members: in `@id` ("relation/74", or 74 with `@type`), in
 * `osm_id` with `osm_type`, or in the texts `osm_way_id` and `osm_id` of ogr2ogr, where the
 * geometry says what `osm_id` belongs to: a node is a point, a relation an area. False where none
 * says it. */
bool element_find(const json_t *properties, const json_t *geometry,
                  char element[ELEMENT_BYTES_MAX + 1]);

#endif
