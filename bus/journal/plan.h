/* plan: what a journal writes next, as bytes, and when; what of it is safe; which segments may go.
 *
 * Work goes in batches of blocks, one at a time: journal_plan_write, over some turns of the loop,
 * then the disk, then journal_plan_synced or journal_plan_failed. What failed is due again: nothing
 * is ever assumed of what the disk did with it.
 *
 * Generations keep the journal short and need no pause: while one is open each batch has a block of
 * changes and two of the snapshot, of the slots that were not written since it began. When none is
 * left and all of it is synced, and not before, the end is written; when that is synced, what was
 * written before the begin may go. One begins, or goes on, at the start, at any renewal, and with a
 * segment where the changes since the last would otherwise outgrow half a snapshot.
 *
 * Batches come in bursts, with a pause from the begin of one to the begin of the next. A burst
 * takes all that was due when it began, each slot once: so what changes all the time is written as
 * often as there are bursts, and one sync is for all that changed meanwhile. While a generation is
 * open the pause is short; where there is none a burst goes on until nothing is due.
 *
 * It opens no file and reads no clock: who has a disk (bus/disk/journal.h, the simulator) asks it
 * what to do and reports what came of it.
 *
 * Invariant: whatever was synced of a client is found by a replay of all blocks from
 * journal_plan_keeps on, or something newer of that client is, until it is below the table's
 * horizon. */
#ifndef ZHERD_BUS_JOURNAL_PLAN_H
#define ZHERD_BUS_JOURNAL_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/journal/block.h"
#include "bus/journal/marks.h"
#include "bus/journal/replay.h"
#include "bus/table/table.h"

/* Blocks of locations in a batch, and those of changes while a generation is open. */
#define JOURNAL_BATCH_BLOCKS         3u
#define JOURNAL_BATCH_CHANGES_BLOCKS 1u
/* A fence, and those. */
#define JOURNAL_BATCH_BYTES (JOURNAL_PAGE_BYTES + JOURNAL_BATCH_BLOCKS * JOURNAL_BLOCK_BYTES_MAX)

/* Locations that one turn adds to a batch, besides one of so many that are due. So clients never
 * wait for a whole batch, and what is due grows until as much is written as changes: at 1,000
 * changes a millisecond to some 200,000. */
#define JOURNAL_TURN_LOCATIONS 128u
#define JOURNAL_TURN_DUE_PART  256u

/* Slots that are looked at for a block, of which any number may be free: in less than a
 * millisecond. */
#define JOURNAL_BLOCK_LOOKS_MAX (16 * JOURNAL_BLOCK_LOCATIONS_MAX)

/* While a generation is open batches follow each other after this pause, whatever it is else. */
#define JOURNAL_GENERATION_PAUSE_MS 50

/* After a FORGET a generation begins so much later, in a segment of its own, and one for all of
 * that time: the old text is in files that it makes useless, 10 minutes after the FORGET at most
 * while the disk is well. */
#define JOURNAL_FORGET_MS 300000

/* Fields are its own, but for the marks, where whoever changes a slot marks it. */
struct journal_plan {
    struct marks marks;
    uint64_t sequence;       /* of the last block */
    uint64_t begin;          /* of the open generation; 0: none is open */
    uint64_t keeps;          /* begin of the newest one whose end is synced */
    uint64_t snapshot_bytes; /* of its locations alone */
    uint64_t going_bytes;    /* the same of the open one, until now */
    uint64_t written_bytes;  /* since the last begin */
    bool wants_generation;
    bool is_writing; /* a batch is */
    bool is_ending;  /* with an end in it */
    int64_t pause_ms;
    int64_t write_at_ms;     /* not before */
    int64_t renew_at_ms;     /* a generation in a segment of its own; INT64_MAX: none is wanted */
    bool is_bursting;        /* until all that was due when it began is on its way */
    bool is_urged;           /* the next batch is put together in one turn */
    bool is_assembling;      /* it is begun, and some of it is in `out` */
    int64_t now_ms;          /* of this turn */
    uint32_t turn_locations; /* JOURNAL_TURN_LOCATIONS; a test may say less */
    uint32_t round_slot;     /* where their round began, */
    uint64_t round_done;     /* how far from there all had their turns, */
    int64_t round_since_ms;  /* and when, at the earliest */
    uint32_t batch_bytes, blocks; /* of the batch that was begun last */
    struct journal_draft block;   /* of its block that is open; at: NULL: none is */
    enum journal_kind block_kind;
    uint32_t block_looks;
    bool changes_are_over;                /* of this batch */
    int64_t due_since_ms, batch_since_ms; /* the first change that is due, and in the batch, at
                                             most so long ago; INT64_MAX: there is none */
};

/* With `pause_ms` from burst to burst, at most; 0: whenever something is due. `table` is what the
 * replay gave, with that tally. A generation is wanted; one that was open goes on: of what the
 * table holds all below tally->open_slots is in blocks from its begin on, so that a node that is
 * killed again and again ends it all the same, and writes no slot twice for that. */
void journal_plan_start(struct journal_plan *plan, int64_t pause_ms,
                        const struct journal_replay *replay, const struct journal_tally *tally,
                        const struct table *table);
void journal_plan_free(struct journal_plan *plan);

/* Whether what is written from now on is to go into a segment of its own, with a generation. Where
 * it can, journal_plan_renew; else it is to be asked again. */
bool journal_plan_wants_segment(struct journal_plan *plan, int64_t now_ms);
/* Begins a generation as soon as none is open, so that what was overwritten leaves the disk. */
void journal_plan_renew(struct journal_plan *plan);

/* What is written from now on goes into a new segment. */
void journal_plan_next_segment(struct journal_plan *plan);

/* Whether there is anything to write, and no batch on its way. */
bool journal_plan_wants(const struct journal_plan *plan);

/* Whether that is to be written now. Where a segment is there for it, journal_plan_write; else it
 * is to be asked again. */
bool journal_plan_begins(struct journal_plan *plan, int64_t now_ms);
/* What is due is not to wait for the pause, nor for more than one turn, nor for the next burst. */
void journal_plan_urge(struct journal_plan *plan);
/* When journal_plan_begins is to be asked although nothing happens; INT64_MAX: not before something
 * does. */
int64_t journal_plan_deadline_ms(const struct journal_plan *plan);

/* Writes the next batch for the segment of that id to `out`, JOURNAL_BATCH_BYTES; its bytes. 0
 * where it is not complete (is_assembling): then the next call goes on, with the same segment and
 * `out`; and where nothing stands in the slots that it looked at, so that no batch is on its way.
 * Only while journal_plan_wants. */
uint32_t journal_plan_write(struct journal_plan *plan, const struct table *table, uint64_t segment,
                            char *out);
/* The batch, and so all before it, is on the disk. */
void journal_plan_synced(struct journal_plan *plan);
/* It may be, in part or not at all; the next one must go into a new segment. */
void journal_plan_failed(struct journal_plan *plan);

/* Slots whose newest value is not known to be on the disk. */
uint32_t journal_plan_lag(const struct journal_plan *plan);
/* For how long that is so of one of them, at most: slots have their turns in rounds, and what is
 * due after one became so since it began. 0 where there is none. */
int64_t journal_plan_lag_ms(const struct journal_plan *plan, int64_t now_ms);

/* Blocks with a lower sequence are not needed: segments of nothing else may go, the oldest first.
 */
uint64_t journal_plan_keeps(const struct journal_plan *plan);

#endif
