/* import: fills a database of places from GeoJSON, and puts it in its place only when it is whole.
 *
 * The new database grows in a file of its own, DATABASE.import, which is written out to the disk
 * and then renamed. Whatever ends an import before that (a signal, a full disk, input that ends
 * in the middle, a power cut) leaves the old database as it was; whoever has it open goes on
 * reading the old one. Two imports into one database exclude each other. A link that names the
 * database stays one: what it leads to is replaced; a link in the place of the draft is refused.
 *
 * Invariant: memory is bounded, whatever the size of the input. */
#ifndef ZHERD_PLACESD_LANDMARKS_SERVER_IMPORT_H
#define ZHERD_PLACESD_LANDMARKS_SERVER_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/fault.h"
#include "placesd/landmarks/data/tally.h"

struct import {
    const char *database;
    const char *file; /* NULL for standard input */
    bool merge;       /* keep what the database has */
    int give_up;      /* a descriptor, such as a signalfd: give up when it can be read */
};

/* Returns when the database is in its place. False with one sentence in `fault` otherwise; `tally`
 * holds what was counted in both cases. Shows progress, and the first broken records, on standard
 * error. */
bool import_run(const struct import *import, struct tally *tally, struct fault *fault);

#endif
