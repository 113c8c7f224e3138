/* feature: one GeoJSON feature (RFC 7946) with OpenStreetMap's tags as its properties becomes a
 * place, or the reason why it becomes none.
 *
 * Invariant: each record is exactly one of the kinds, and a place that is given is complete as
 * placesd/landmarks/data/place.h says. */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_FEATURE_H
#define ZHERD_PLACESD_LANDMARKS_DATA_FEATURE_H

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

#endif
