/* store: all places in an SQLite database in memory, found through an R*Tree.
 *
 * The tree has three axes: longitude, latitude and rank. SQLite asks us about each of its boxes
 * (sqlite3_rtree_query_callback, https://sqlite.org/rtree.html) and walks on from the one with
 * the lowest score, so the best known places come out first and the walk ends after about as
 * many as are wanted, however many places there are. The tree keeps single precision only; exact
 * positions stand in a table beside it and decide.
 *
 * A store belongs to one thread at a time. Invariant: store_nearby gives exactly the first places
 * by (rank, distance, order of addition) of all those within the circle. */
#ifndef ZHERD_PLACESD_LANDMARKS_STORE_H
#define ZHERD_PLACESD_LANDMARKS_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "placesd/landmarks/place.h"

/* The most places one question can ask for: a page of Nearby Search. */
#define STORE_FOUND_MAX 20

struct store;

/* An empty store. NULL and one sentence in `error` when this SQLite has no R*Tree or no memory. */
struct store *store_open(char *error, size_t error_bytes);
/* Accepts NULL, sets the caller's pointer to NULL. */
void store_close(struct store **store);

/* False when memory is gone. */
bool store_add(struct store *store, const struct place *place);

/* True if a city (type locality) of this name is there already. */
bool store_has_city(struct store *store, const char *name);

/* Writes up to `wanted` (at most STORE_FOUND_MAX) places no further than `radius_m` from
 * `centre` to `found`, the best known first, and their number to `count`. False when SQLite
 * failed: memory is gone. */
bool store_nearby(struct store *store, struct sphere_point centre, double radius_m, size_t wanted,
                  struct place *found, size_t *count);

#endif
