/* store: all places in an SQLite database, in memory or in a file, found through an R*Tree.
 *
 * The tree has three axes: longitude, latitude and rank. SQLite asks us about each of its boxes
 * (sqlite3_rtree_query_callback, https://sqlite.org/rtree.html) and walks on from the one with
 * the lowest score, so the best places come out first and the walk ends after about as many as
 * are wanted, however many places there are. The tree keeps single precision only; exact
 * positions stand in a table beside it and decide.
 *
 * A file is written once, from nothing or from a copy, and only read afterwards; putting it in
 * its place is its writer's business (placesd/landmarks/server/import.h). A store belongs to one
 * thread at a time. Invariant: store_nearby gives exactly the first places of its order of all
 * those within the circle that pass, as far as it may look. */
#ifndef ZHERD_PLACESD_LANDMARKS_SERVER_STORE_H
#define ZHERD_PLACESD_LANDMARKS_SERVER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/fault.h"
#include "placesd/landmarks/data/nearby_search.h"
#include "placesd/landmarks/data/place.h"

/* The most places one question can ask for: three pages of Nearby Search, and one more that tells
 * whether a page follows. */
#define STORE_FOUND_MAX 61

/* Both orders are total: equal ones follow each other as they were first added. */
enum store_order {
    STORE_PROMINENT, /* by rank, then by distance */
    STORE_NEAREST,   /* by distance */
};

struct store_question {
    enum store_order order;
    struct sphere_point centre;
    double radius_m;
    const struct query_filter *filter; /* NULL: every place counts */
    size_t wanted;                     /* at most STORE_FOUND_MAX */
    size_t looks_max; /* places of the circle that are looked at, the first ones; 0: no limit */
};

struct store_finding {
    size_t count;      /* of the places found */
    bool is_cut_short; /* looks_max was reached, and what comes after it might have been found */
};

struct store;

/* An empty store in memory. NULL and one sentence in `fault` when this SQLite has no R*Tree or no
 * memory. */
struct store *store_open(struct fault *fault);

/* A file to be filled: an empty one, or one that was filled before and gets more. What is put
 * into it counts only after store_finish, and a crash leaves a useless file. NULL as above, when
 * the file is no database of ours, and where a link is part of the path. */
struct store *store_open_to_fill(const char *path, struct fault *fault);

/* A filled file, which nobody may write to from now on. Replacing it by another file of the same
 * name is fine and not noticed. NULL as above. */
struct store *store_open_to_read(const char *path, struct fault *fault);

/* Another store in memory with the same places. NULL as above. */
struct store *store_copy(struct store *from, struct fault *fault);

/* True if the file is a database of ours, of whatever version. */
bool store_is_ours(const char *path);

/* Accepts NULL, sets the caller's pointer to NULL. */
void store_close(struct store **store);

/* Puts a place under a key: a place that was there under the same key is replaced, which
 * `replaced` tells. False when memory or disk is gone. */
bool store_put(struct store *store, const struct place *place, uint64_t key, bool *replaced);

/* The same under place_key. False when memory is gone. */
bool store_add(struct store *store, const struct place *place);

/* Makes all that was put into a file count; then only store_close is left. False when the disk is
 * full or broken. */
bool store_finish(struct store *store);

/* SQLite's words about what failed last; borrowed until the next call. */
const char *store_failure(const struct store *store);

/* True if a city (type locality) of this name is there already. */
bool store_has_city(struct store *store, const char *name);

/* Writes the first places within the circle that pass the filter to `found`, and how many those are
 * to `finding`. False when SQLite failed: memory is gone, or the file is broken. */
bool store_nearby(struct store *store, const struct store_question *question, struct place *found,
                  struct store_finding *finding);

/* ---- what a store without a database holds ---- */

/* landmarks.tsv byte for byte; made by embed.cmake. */
extern const unsigned char store_table[];
extern const size_t store_table_bytes;

/* Adds every landmark of `store_table`. A line that is none is a programmer's error. False when
 * memory is gone. */
bool store_seed(struct store *store);

/* Adds the cities of a time zone table (zone.tab or zone1970.tab) that are not in the store yet;
 * lines that are none are skipped. False when the file cannot be read or memory is gone. */
bool store_seed_zones(struct store *store, const char *path);

#endif
