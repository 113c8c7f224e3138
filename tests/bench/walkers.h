/* walkers: made-up people on their way between landmarks, for a map that has somebody to show.
 *
 * It sends nothing and reads no clock. Half of them are in the first city of the table of landmarks
 * (placesd/landmarks/landmarks.tsv), the others in all cities, each on foot, by bicycle or by bus
 * from one landmark to another that stands near it.
 *
 * Invariant: table, count and seed decide every way; nobody moves faster than
 * WALKERS_METRES_PER_S_MAX. */
#ifndef ZHERD_TESTS_BENCH_WALKERS_H
#define ZHERD_TESTS_BENCH_WALKERS_H

#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/sphere.h"

#define WALKERS_METRES_PER_S_MAX 12.0
/* "IAMAT wombat-4294967295 +34.068930-118.445127 1621464827.959498503" and a line end. */
#define WALKERS_LINE_BYTES_MAX 96

struct walkers;

/* NULL where the table has no city with two landmarks. Ends the process without memory. */
struct walkers *walkers_new(struct span table, uint32_t count, uint64_t seed);

/* Everybody goes on for that time. */
void walkers_move(struct walkers *walkers, double seconds);

/* Where one of them is. */
struct sphere_point walkers_position(const struct walkers *walkers, uint32_t walker);

/* Its IAMAT with a line end; how many bytes. `stamp_ns`: nanoseconds since 1970. */
size_t walkers_write(const struct walkers *walkers, uint32_t walker, uint64_t stamp_ns,
                     char out[WALKERS_LINE_BYTES_MAX]);

/* Accepts NULL, sets the caller's pointer to NULL. */
void walkers_free(struct walkers **walkers);

#endif
