/* feature: one GeoJSON feature (RFC 7946) with OpenStreetMap's tags as its properties becomes a
 * place, or the reason why it becomes none.
 *
 * A place is identified by its element of OpenStreetMap, in each exporter's spelling. The same park
 * is "a149" with osmium (an area: twice the id of a way, and one more than that of a relation),
 * "relation/74" with osmtogeojson and overpass turbo, and osm_id 74 of a multipolygon with ogr2ogr.
 *
 * Invariant: each record is exactly one of the kinds, and a place that is given is complete as
 * placesd/landmarks/data/place.h says. One element has one spelling, osmium's: "n5", and "a14" for
 * way 7 as for any area. A position lies on the Earth, and that of an area within the box of its
 * own outline, also as answers show it, with seven decimals (where that box holds such a number).
 */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_FEATURE_H
#define ZHERD_PLACESD_LANDMARKS_DATA_FEATURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/sphere.h"
#include "placesd/landmarks/data/place.h"

enum feature_kind {
    FEATURE_PLACE,
    FEATURE_NAMELESS,
    FEATURE_OTHER_SHAPE, /* a line, or no position at all */
    FEATURE_OTHER_KIND,  /* its tags make no place: a road, a border */
    FEATURE_BROKEN,      /* not JSON, or not a feature, or not on the Earth */
    FEATURE_KINDS
};

/* One short sentence. */
#define FEATURE_WHY_BYTES_MAX 255

/* Reads one record. A place comes with the key it is known by: made of the feature's `id` where
 * that is a text, as exporters of OpenStreetMap write it ("n123"), else of name and position; a
 * number is ignored, as it is often just a count. A name that is too long is cut. For a broken one
 * `why` says why. */
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

/* ---- geometries ---- */

/* Where a geometry lies, as one position: FEATURE_PLACE. FEATURE_OTHER_SHAPE where there is none: a
 * line, several points, a collection, or NULL. FEATURE_BROKEN for what is no geometry as RFC 7946
 * has it, or not on the Earth.
 *
 * A point is its own position; an area is represented by the centroid of its outline, and several
 * areas by the largest of them, so that a group of islands is found on land. Holes do not count.
 * Where an outline crosses itself or has no area its centroid may lie anywhere: then it is the
 * middle of its positions. An outline that crosses the antimeridian may go on beyond 180 degrees or
 * jump to the other side; both are understood. */
enum feature_kind feature_read_geometry(const json_t *geometry, struct sphere_point *position);

/* ---- tags ---- */

/* Fills types, rank and vicinity from `tags`, an object of strings, some of which may be lists
 * ("cafe;bar"); a member that is no string, begins with '@' or is of ogr2ogr's own is no tag. The
 * name must be there. False if the tags make no place. Each tag alone has its types and its basic
 * rank in placesd/providers/osm_tags.h; the rules of the rank stand in
 * placesd/landmarks/README.md. */
bool feature_read_tags(const json_t *tags, struct place *place);

/* Copies as many whole letters of a UTF-8 text as fit into `bytes_max` bytes and a NUL. */
void feature_copy_text(const char *text, char *out, size_t bytes_max);

/* Adds the pairs of `text`, which is UTF-8, to an object, but for keys that are there already. The
 * text is one of PostgreSQL's hstore (its manual, "External Representation"), which ogr2ogr writes:
 *
 *     "amenity"=>"cafe","name:en"=>"The \"Cup\""
 *
 * Only whole pairs are taken: reading ends before the first bytes that are no pair. A pair whose
 * value is NULL, not a text, is skipped. */
void feature_add_hstore(const char *text, json_t *tags);

#endif
