/* store: a journal's segments as they are made, written and removed, on threads of their own.
 *
 * One thread writes and syncs a batch at a time, another makes the next segment in advance, full of
 * zeros, and removes what may go: so no call here waits for the disk, and in a segment that is
 * written no sync needs to change what the file system knows of it.
 *
 * A write or a sync that fails is final for its segment: the system forgets what it could not
 * write, and says so once. What was in the batch must be written again, into another segment. None
 * to be had, for want of space as for any other reason, is asked for again after JOURNAL_RETRY_MS.
 *
 * All calls come from one thread; `wake` is called from others. It decides nothing: what is in a
 * batch, and what may go, says bus/journal/plan.h; which segment is written, rotation.h.
 *
 * Invariant: after STORE_SYNCED the batch is on the disk, under a name that is on the disk, too. */
#ifndef ZHERD_BUS_DISK_STORE_H
#define ZHERD_BUS_DISK_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/histogram.h"
#include "bus/disk/segments.h"
#include "bus/journal/plan.h"

/* How much of a segment is written with zeros and synced at once: little, so that a batch need not
 * wait for long; but from a disk that takes longer than this for it, twice as much the next time,
 * up to the last one. So a segment takes 256 syncs at most, and 9 of a second each. Where there is
 * none to write to, batches wait for it alone, and it begins with more: 16 syncs. */
#define STORE_ZEROS_BYTES     (256u * 1024u)
#define STORE_ZEROS_BYTES_NOW (4u * 1024u * 1024u)
#define STORE_ZEROS_BYTES_MAX (16u * 1024u * 1024u)
#define STORE_ZEROS_SLOW_MS   100

enum store_result { STORE_NOTHING, STORE_SYNCED, STORE_FAILED };

struct store_count {
    uint64_t batches, failed;                      /* of these */
    uint64_t made, not_made, removed, not_removed; /* segments */
    int64_t sync_ms_max;                           /* the longest write and sync */
    struct histogram sync;                         /* how long each took, also those that failed */
    int error; /* errno of what failed last; 0: the last try went well */
};

struct store;

/* `segments` is the folder, which this process owns (segments_own), and was read (segments_find);
 * it stays the caller's and must stay open. `wake` is called with `owner` when there is a result or
 * a segment. NULL with errno where there is no thread to be had. */
struct store *store_open(const struct segments *segments, void (*wake)(void *owner), void *owner);

/* Ends both threads, after what they are at, and leaves no more on the disk than was written. False
 * where one of them is still in a call to the system after `wait_ms`: then it keeps what it works
 * with until it ends, and the folder must stay open until the process is gone. Accepts NULL; sets
 * the caller's pointer to NULL. */
bool store_close(struct store **store, int64_t wait_ms);

/* Memory for a batch of JOURNAL_BATCH_BYTES and the id of the segment that it goes to; NULL while a
 * batch is on its way or has a result that was not taken, or no segment is there. `is_new`: it is
 * the first batch of that segment. */
char *store_room(struct store *store, uint64_t *id, bool *is_new);

/* The next batch goes to a new segment: false where none is there yet, or a batch is on its way.
 * Then one is made, and it is to be asked again. */
bool store_leave(struct store *store);

/* Writes and syncs what was put there. `sequence` is that of its last block. */
void store_write(struct store *store, uint32_t bytes, uint64_t sequence);

/* What became of the batch; each result is given once. */
enum store_result store_take_result(struct store *store);

/* Segments in which no block has this sequence or a greater one are removed, oldest first. */
void store_remove_below(struct store *store, uint64_t sequence);

void store_read_count(struct store *store, struct store_count *count);

#endif
