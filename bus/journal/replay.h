/* replay: which blocks of a journal count, and what a table holds after them.
 *
 * Blocks repeat decisions, so order is by sequence alone: of a client the location that was written
 * later counts, whatever its order time. The newest generation that was ended counts, and whatever
 * was written since it began; where none was ended, all does. So an unreadable block is missed, and
 * nothing else: of its clients what an earlier block says is taken, or nothing.
 *
 * It reads no file: whoever does adds each file, in any order, sorts once, and brings the blocks in
 * the order of `entries`.
 *
 * Invariant: after journal_replay_sort entries stand from the last written to the first, and none
 * that does not count is among them. */
#ifndef ZHERD_BUS_JOURNAL_REPLAY_H
#define ZHERD_BUS_JOURNAL_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/journal/scan.h"
#include "bus/table/table.h"

/* 16 GiB at least: many times what is written for a full table. More are left out, and counted. */
#define JOURNAL_BLOCKS_MAX (UINT32_C(1) << 22)

struct journal_entry {
    uint64_t sequence;
    uint32_t file; /* the place of its segment among all, by number */
    uint32_t at;   /* in it */
    uint32_t bytes;
    uint32_t chunk_locations; /* those of a chunk; of another block 0 */
};

/* All zero holds nothing; release with journal_replay_free. */
struct journal_replay {
    struct journal_entry *entries;
    uint32_t count, room;
    uint32_t left_out; /* beyond JOURNAL_BLOCKS_MAX */
    uint64_t from;     /* the first sequence that counts: of the newest ended generation, or 0 */
    uint64_t open;     /* the same of a newer one without an end, which may go on; or 0 */
    uint64_t chunk_locations; /* that count and stand in the chunks of the newest ended generation,
                                 each of another client; since journal_replay_sort */
    uint64_t last;      /* the greatest sequence found, 0 for none: the next block has a greater */
    uint64_t number;    /* the greatest of all segments there are; whoever adds them fills it in */
    uint32_t bad_runs;  /* unreadable stretches with a good block after them in their file, and
                         * files */
    uint32_t torn_runs; /* those at the end of a file, where a write may have been under way */
    uint64_t bad_bytes; /* of both */
    uint64_t missing;   /* sequences that count, up to the last, and were not found, but for those
                         * that journal_replay_end left out; since journal_replay_sort */
    uint16_t version;   /* of a block that only another version of this program can read, else 0:
                         * then nothing may be replayed or written */
    uint64_t least;     /* sequence in the file being added; 0: none yet */
    uint64_t unread_bytes; /* of the file being added: unreadable, and nothing good after it yet */
};

/* What a segment holds. */
struct journal_use {
    bool is_needed; /* something may count in it */
    uint32_t bytes; /* up to its last page that is not all zeros; 0: not known */
    uint64_t last;  /* the greatest sequence in it, or 0 */
};

/* Adds all of a segment, which is the `file`-th by number, and fills in its use. False where
 * nothing counts in the segments before it, if those after it were added already. */
bool journal_replay_add(struct journal_replay *replay, uint32_t file, struct journal_scan scan,
                        struct journal_use *use);

/* A file that is there and cannot be opened is unreadable as a whole. */
void journal_replay_lose(struct journal_replay *replay);

void journal_replay_sort(struct journal_replay *replay);

/* The next block has a greater sequence than this one and than any that may be in what could not be
 * read: that may be readable again, or an older segment back. Since journal_replay_sort. */
uint64_t journal_replay_end(const struct journal_replay *replay);

void journal_replay_free(struct journal_replay *replay);

/* What became of the locations of blocks. */
struct journal_tally {
    uint64_t taken, known; /* known: a later block had that client already */
    uint64_t refused;      /* the table had no room */
    uint32_t open_slots;   /* those below are of blocks of the open generation */
    uint64_t broken;       /* blocks whose checksum was right and whose locations were not */
};

/* Puts the locations of a good block, which comes in its turn, into the table, where nothing was
 * before: of clients that no later block brought. `room` is memory for JOURNAL_BLOCK_LOCATIONS_MAX
 * of them. */
void journal_replay_block(const struct journal_replay *replay, const struct journal_block *block,
                          struct location *room, struct table *table, struct journal_tally *tally);
/* The same where somebody else, such as another thread, has read its locations and made their
 * clients' refs, which are used up. */
void journal_replay_take(const struct journal_replay *replay, const struct journal_block *block,
                         const struct location *locations, struct table_ref *refs,
                         struct table *table, struct journal_tally *tally);

#endif
