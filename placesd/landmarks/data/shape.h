/* shape: where a GeoJSON geometry lies, as one position.
 *
 * A point is its own position; an area is represented by the centroid of its outline, and several
 * areas by the largest of them, so that a group of islands is found on land. Holes do not count.
 * Where an outline crosses itself or has no area its centroid may lie anywhere: then it is the
 * middle of its positions. A line or a collection has no position that would be of use.
 *
 * Invariant: a position that is given lies on the Earth, and that of an area within the box of its
 * own outline, also as answers show it, with seven decimals (where that box holds such a number).
 */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_SHAPE_H
#define ZHERD_PLACESD_LANDMARKS_DATA_SHAPE_H

#include <jansson.h>

#include "bus/base/sphere.h"

enum shape_kind {
    SHAPE_PLACE,  /* there is a position */
    SHAPE_OTHER,  /* none: a line, several points, a collection, or no geometry at all */
    SHAPE_BROKEN, /* not a geometry as RFC 7946 has it, or not on the Earth */
};

/* `geometry` may be NULL. An outline that crosses the antimeridian may go on beyond 180 degrees or
 * jump to the other side; both are understood. */
enum shape_kind shape_read(const json_t *geometry, struct sphere_point *position);

#endif
