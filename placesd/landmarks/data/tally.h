/* tally: what became of the records of an import, in numbers and in words.
 *
 * Invariant: every record is counted once. */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_TALLY_H
#define ZHERD_PLACESD_LANDMARKS_DATA_TALLY_H

#include <stdint.h>

#include "bus/base/bytes.h"
#include "placesd/landmarks/data/feature.h"

/* All zero is the beginning of an import. */
struct tally {
    uint64_t kinds[FEATURE_KINDS];
    uint64_t too_long; /* longer than SPLITTER_RECORD_BYTES_MAX */
    uint64_t replaced; /* places taken for one that was there under the same key */
    uint64_t bytes;    /* read */
};

uint64_t tally_records(const struct tally *tally);

/* Appends the import's progress as one line without its end. `bytes_total` is 0 where the size is
 * not known. */
void tally_write_progress(const struct tally *tally, uint64_t bytes_total, struct buffer *out);

/* Appends what follows it on a terminal, after `elapsed_ms`: records a second, and where the
 * size is known how much of it is read and how long the rest may take. Nothing before the first
 * second. */
void tally_write_pace(const struct tally *tally, uint64_t bytes_total, int64_t elapsed_ms,
                      struct buffer *out);

/* Appends a few lines: what was taken, and what was skipped and why. */
void tally_write_report(const struct tally *tally, struct buffer *out);

#endif
