/* marks: what the journal still has to write: three bits for each slot of the table.
 *
 * A journal needs no order, so nothing queues: a slot is *due* when it changed, *in the batch* that
 * is being written, and, while a generation is written, *to go* into its snapshot. One that changes
 * while it is due is written once, in its newest value. It knows no bytes and no files.
 *
 * Invariant: a slot that was marked due and not forgotten since is due or in the batch until
 * marks_synced; after it what the batch held of that slot, or something newer, is on the disk. */
#ifndef ZHERD_BUS_JOURNAL_MARKS_H
#define ZHERD_BUS_JOURNAL_MARKS_H

#include <stdbool.h>
#include <stdint.h>

/* A set of slots: a bit each, and a bit for each 64 of these that are not all 0. */
struct slot_set {
    uint64_t *words, *groups;
    uint32_t room;  /* slots, a multiple of 4,096 */
    uint32_t count; /* of those in it */
    uint32_t from;  /* where the next one is looked for, so that each has its turn */
};

/* All zero marks nothing; release with marks_free. */
struct marks {
    struct slot_set due, batch, to_go;
    /* Batches that were begun, the numbers of the last one of which all was taken and of the last
     * one that was synced, and how many failed. */
    uint64_t batches, complete, synced, failed;
    bool has_tombstone; /* one was marked: what it replaced is to leave the disk, too; for the
                         * owner, who takes it back */
};

void marks_free(struct marks *marks);

/* The slot changed. */
void marks_due(struct marks *marks, uint32_t slot);
/* The slot is free: what was to be written of it is not written. */
void marks_forget(struct marks *marks, uint32_t slot);
/* A generation begins, or goes on: all slots from `first` to below `end` are to go. None is yet. */
void marks_begin(struct marks *marks, uint32_t first, uint32_t end);

/* The next slot that is due, or to go; false where none is. */
bool marks_next_due(struct marks *marks, uint32_t *slot);
bool marks_next_to_go(struct marks *marks, uint32_t *slot);
/* It is in the batch now, and neither due nor to go. Returns whether it was to go. */
bool marks_take(struct marks *marks, uint32_t slot);

/* What is taken from now on is in another batch. */
void marks_begin_batch(struct marks *marks);
/* All that goes into this batch was taken. */
void marks_end_batch(struct marks *marks);
/* The batch is on the disk. */
void marks_synced(struct marks *marks);
/* Nobody knows what of the batch is on the disk: its slots are due again and, `in_generation`, to
 * go. */
void marks_failed(struct marks *marks, bool in_generation);

/* Whether it is to be written and is in no batch, or in one that was put together before it changed
 * last. */
bool marks_is_due(const struct marks *marks, uint32_t slot);
/* Whether all that was marked of the slot is on the disk. */
bool marks_is_safe(const struct marks *marks, uint32_t slot);

#endif
