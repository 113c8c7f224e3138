/* rotation: which segment of a journal is written, which is made in advance, which may go.
 *
 * One segment is written, from its beginning on. When the next batch might not fit, or a batch
 * failed, it is left and the spare takes its place, which is made while the first is half full.
 * What was left is cut to the blocks in it, and goes, the oldest first, when none of them counts
 * any more. So beside the blocks of those that were left there are two segments, whatever happens.
 *
 * It knows no files and no threads: who makes, writes and removes segments (bus/disk/store.h, the
 * simulator) asks it and reports what came of it.
 *
 * Invariant: a segment that was left is never written again, and none is to be removed while an
 * older one stands. */
#ifndef ZHERD_BUS_JOURNAL_ROTATION_H
#define ZHERD_BUS_JOURNAL_ROTATION_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/journal/scan.h"

/* After a segment could not be made. */
#define JOURNAL_RETRY_MS 10000

struct journal_rotated {
    struct journal_segment segment; /* with the id 0: none */
    uint64_t last;                  /* no block in it has a greater sequence */
    uint32_t bytes;                 /* of one that was left: in front of what is of no use in it */
};

/* Fields may be read. Release with journal_rotation_free. */
struct journal_rotation {
    uint32_t segment_bytes; /* of each; room for a batch at least */
    struct journal_rotated current, spare;
    uint32_t used; /* of the current one, bytes */
    bool wants_spare;
    int64_t make_at_ms; /* not before */
    uint64_t number;    /* of the newest segment */
    struct journal_rotated *old;
    uint32_t old_count, old_room; /* left, the oldest first */
    uint32_t going;               /* of those, the first ones, which are to be removed */
    uint32_t cut;                 /* the first ones, whose ends were cut off */
};

/* `number` is the greatest in use. A spare is wanted at once. */
void journal_rotation_start(struct journal_rotation *rotation, uint64_t number,
                            uint32_t segment_bytes);
/* Then each segment that an earlier life left, cut to what is of use, the oldest first. */
void journal_rotation_add(struct journal_rotation *rotation, struct journal_rotated found);
void journal_rotation_free(struct journal_rotation *rotation);

/* Chooses the segment of the next batch, which is `current` then; false where there is none: then
 * a spare is wanted, and it is to be asked again. Only while no batch is on its way. */
bool journal_rotation_choose(struct journal_rotation *rotation);
/* The next batch is to go to another segment; false where there is no spare: as above. */
bool journal_rotation_leave(struct journal_rotation *rotation);

/* A batch goes to the current segment, at `used`; `sequence` is that of its last block. */
void journal_rotation_put(struct journal_rotation *rotation, uint64_t sequence);
/* It is on the disk. */
void journal_rotation_synced(struct journal_rotation *rotation, uint32_t bytes);
/* It may be or not: a sync that fails is final for its segment. */
void journal_rotation_failed(struct journal_rotation *rotation);

/* Whether a segment is to be made now. Its number is used up, whatever comes of it. */
bool journal_rotation_makes(const struct journal_rotation *rotation, int64_t now_ms);
uint64_t journal_rotation_next_number(struct journal_rotation *rotation);
void journal_rotation_made(struct journal_rotation *rotation, struct journal_segment segment);
void journal_rotation_not_made(struct journal_rotation *rotation, int64_t now_ms);

/* Blocks with a lower sequence are not needed. */
void journal_rotation_keep(struct journal_rotation *rotation, uint64_t sequence);
/* The next one to be removed; false where none is. */
bool journal_rotation_removes(const struct journal_rotation *rotation,
                              struct journal_segment *segment);
/* It was, or could not be: then it is removed at the next start. */
void journal_rotation_removed(struct journal_rotation *rotation);

/* The next one that was left, and how many of its bytes are of use: the others may be cut off, so
 * that it takes no room that nothing will be written to. False where there is none. */
bool journal_rotation_cuts(const struct journal_rotation *rotation, struct journal_segment *segment,
                           uint32_t *bytes);
/* They were, or could not be. */
void journal_rotation_was_cut(struct journal_rotation *rotation);

/* ---- Where segments stand: what an operator should know of it, in a sentence ---- */

/* Of a file system of that kind (statfs(2), f_type); NULL: nothing, for it keeps what is synced. */
const char *journal_rotation_place(uint32_t type);
/* Of a process whose files may have that many bytes (RLIMIT_FSIZE); NULL: nothing. */
const char *journal_rotation_limit(uint64_t file_bytes_max);

#endif
