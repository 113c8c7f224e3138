/* segments: the files of a journal in its folder, as they are found and read.
 *
 * It writes no block, makes no file but the lock and no folder but its own, and reads beside a node
 * that writes; an owner lets it give back what is of no use. What the disk cannot give is like any
 * other damage: those pages are unreadable, and the rest counts.
 *
 * Invariant: a journal in a folder has at most one owner, the process that has the lock. */
#ifndef ZHERD_BUS_DISK_SEGMENTS_H
#define ZHERD_BUS_DISK_SEGMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/journal/replay.h"
#include "bus/journal/rotation.h"

/* A full table's journal has some hundred. */
#define SEGMENTS_MAX 65536u

struct segments {
    int folder;                  /* a descriptor */
    int lock;                    /* another, or -1 */
    struct journal_segment *all; /* by number, then by id */
    struct journal_use *uses;    /* of each, as segments_find saw it */
    uint32_t count;
    uint64_t number; /* the greatest there was when they were listed, or 0 */
    void (*progress)(void *owner, uint32_t of_1000); /* while they are read; NULL: to nobody */
    void *owner;
    uint32_t foreign; /* other files in the folder, which are nobody's here */
};

/* Makes the folder at `path`, mode 0700, where it is missing; false with errno. Its name is on the
 * disk then, as far as the folder above can be synced. */
bool segments_make_folder(const char *path);

/* Lists what is in the folder at `path` now; false with errno where it cannot be read, or EFBIG for
 * more than SEGMENTS_MAX. Release with segments_close. */
bool segments_open(struct segments *segments, const char *path);
void segments_close(struct segments *segments);
/* The same, but the folder stays open and the lock held, until the process ends. */
void segments_forget(struct segments *segments);

/* Becomes the owner, until segments_close or the process's end; false with errno: EWOULDBLOCK
 * where another process is. Makes the lock's file where there is none. */
bool segments_own(struct segments *segments);

/* What is in memory of the segments is on the disk after it, or not in memory any more: where a
 * sync fails the system keeps pages that the disk does not have and calls them written. To be
 * called by an owner, before anything is read. */
void segments_cool(const struct segments *segments);

/* The bytes of a segment in place of what `bytes` held, at most JOURNAL_SEGMENT_BYTES of it. Pages
 * that the disk does not give read as unreadable ones; false with errno where the file is not to be
 * had at all, as when its node removed it. */
bool segments_read(const struct segments *segments, uint32_t file, struct buffer *bytes);

/* Whether all of them are there still: a node that runs removes what it does not need. */
bool segments_are_there(const struct segments *segments);

/* Finds the blocks of all segments that may count, sorted, into an empty replay. Where something in
 * a file seems unreadable it is read a second time, for a node may have been writing it; not by the
 * owner, beside whom nobody writes. */
void segments_find(struct segments *segments, struct journal_replay *replay);

/* Gives back what is of no use to a replay: segments from before the generation that counts, those
 * without anything in them, and of others the room that was never written. So a life of a node that
 * was killed costs what it wrote. To be called by an owner, after segments_find and before anything
 * is written; what cannot be given back stays. */
void segments_trim(struct segments *segments);

/* Begins a rotation that goes on from them; after segments_find. */
void segments_rotate(const struct segments *segments, struct journal_rotation *rotation);

/* Reads the blocks that count into the table, which is empty. What cannot be read any more is added
 * to tally->broken. */
void segments_fill(const struct segments *segments, const struct journal_replay *replay,
                   struct table *table, struct journal_tally *tally);

#endif
