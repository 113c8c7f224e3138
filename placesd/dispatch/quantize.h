/* quantize: rounds a place, so that questions about neighbouring places are one question.
 *
 * The rounded place is what is asked, so the answer is the same for all of them. It knows numbers
 * only.
 *
 * Invariant: no place moves by more than QUANTIZE_SHARE of the radius around it. */
#ifndef ZHERD_PLACESD_DISPATCH_QUANTIZE_H
#define ZHERD_PLACESD_DISPATCH_QUANTIZE_H

#include <stdint.h>

#include "placesd/lookup.h"

/* A twentieth: 5 %. */
#define QUANTIZE_SHARE 20

/* Moves the place to the nearest point of a grid whose points are `grid_m` metres apart, or closer
 * where the radius asks for it; 0 leaves every place where it is. */
void quantize(struct lookup *lookup, uint32_t grid_m);

#endif
