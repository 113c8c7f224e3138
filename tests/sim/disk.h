/* disk: what a node's disk keeps of its journal, and what it does to it.
 *
 * What was synced stays, unless a bit flips or a file is lost. Of what was written and not synced
 * any part is there after an end of the process: nothing, all, a beginning that stops at any byte,
 * any pages or sectors; what is missing is zeros, or anything. A file that was removed may be back.
 * It knows nothing of blocks.
 *
 * Invariant: files stand in the order of their numbers. */
#ifndef ZHERD_TESTS_SIM_DISK_H
#define ZHERD_TESTS_SIM_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/journal/scan.h"
#include "tests/sim/rng.h"

#define DISK_GONE_MAX 4

struct disk_file {
    struct journal_segment segment;
    char *bytes;   /* owned; after them are zeros */
    uint32_t used; /* of them */
    bool has_failed;
};

/* All zero but for its rng; release with disk_free. */
struct disk {
    struct rng rng;
    struct disk_file *files;
    uint32_t count;
    struct disk_file gone[DISK_GONE_MAX]; /* removed last */
    uint32_t gone_count;
};

void disk_free(struct disk *disk);

/* A new file, with a number above all others. */
void disk_make(struct disk *disk, struct journal_segment segment);
/* The oldest or any other one; it may come back. */
void disk_remove(struct disk *disk, struct journal_segment segment);

/* Writes to a place in the file and syncs; or does not come to sync, or that fails. After a failure
 * nothing that is written there is sure, whatever its sync says: the system has forgotten what it
 * could not write. */
void disk_write(struct disk *disk, struct journal_segment segment, uint32_t at, const char *bytes,
                uint32_t count, bool is_synced);
/* Leaves the first bytes of a file. */
void disk_cut(struct disk *disk, struct journal_segment segment, uint32_t bytes);

/* What may happen while nobody looks; false where there is nothing to which it could. */
bool disk_bring_back(struct disk *disk);
/* Any bit of any file, and any file. */
bool disk_find_bit(struct disk *disk, uint32_t *file, uint32_t *bit);
bool disk_find_file(struct disk *disk, uint32_t *file);
void disk_flip(struct disk *disk, uint32_t file, uint32_t bit);
/* After that nothing comes back: where the newest files are lost, a start may use their sequences
 * again, and what is back has greater ones. */
void disk_lose_file(struct disk *disk, uint32_t file);

#endif
