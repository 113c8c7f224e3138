/* seed: fills a store at the start, from what was compiled in and from the system.
 *
 * It reads tables and decides nothing about their lines; place does that. */
#ifndef ZHERD_PLACESD_LANDMARKS_SERVER_SEED_H
#define ZHERD_PLACESD_LANDMARKS_SERVER_SEED_H

#include <stdbool.h>
#include <stddef.h>

#include "placesd/landmarks/server/store.h"

/* landmarks.tsv byte for byte; made by embed.cmake. */
extern const unsigned char seed_table[];
extern const size_t seed_table_bytes;

/* Adds every landmark of `seed_table`. A line that is none is a programmer's error. False when
 * memory is gone. */
bool seed_landmarks(struct store *store);

/* Adds the cities of a time zone table (zone.tab or zone1970.tab) that are not in the store yet;
 * lines that are none are skipped. False when the file cannot be read or memory is gone. */
bool seed_zones(struct store *store, const char *path);

#endif
