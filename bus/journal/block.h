/* block: the unit in which a journal is written, read and lost (bus/JOURNAL.md has the layout).
 *
 * A block is whole pages: a head, locations as an UPDATE carries them, zeros. Its checksum is over
 * every other byte of it, so nothing in it counts before the checksum is right. It knows no files;
 * which blocks count, and what to make of the rest, say scan.h and replay.h.
 *
 * Invariant: what journal_block_read finds good was written by journal_draft_end, for the segment
 * that was asked for, and has every bit that it had then. */
#ifndef ZHERD_BUS_JOURNAL_BLOCK_H
#define ZHERD_BUS_JOURNAL_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/table/location.h"

#define JOURNAL_VERSION 1
/* File systems write whole pages anyway, and a synced page is never written again. */
#define JOURNAL_PAGE_BYTES 4096u
/* Room for one largest location, and little enough to lose. */
#define JOURNAL_BLOCK_BYTES_MAX (256u * 1024u)
/* What is decoded at once: 400 KB of structs. */
#define JOURNAL_BLOCK_LOCATIONS_MAX 4096u
/* No node lives to write that many; what follows still fits its type. */
#define JOURNAL_SEQUENCE_MAX (UINT64_C(1) << 62)

enum journal_kind {
    JOURNAL_CHANGES = 1, /* locations that were new */
    JOURNAL_CHUNK = 2,   /* locations that a snapshot needed */
    JOURNAL_BEGIN = 3,   /* a generation begins: what follows says everything anew */
    JOURNAL_END = 4,     /* and has said it: what was written before `begin` may go */
};

struct journal_block {
    enum journal_kind kind;
    uint64_t sequence; /* 1 to JOURNAL_SEQUENCE_MAX, greater than that of any block before */
    uint64_t begin;    /* JOURNAL_END: the sequence of its JOURNAL_BEGIN; else 0 */
    uint32_t location_count;
    uint32_t bytes;      /* of the whole block, a multiple of JOURNAL_PAGE_BYTES */
    struct span written; /* the locations and what follows them; borrows from what was read */
};

enum journal_found {
    JOURNAL_FOUND_GOOD,
    JOURNAL_FOUND_EMPTY,   /* a page of zeros */
    JOURNAL_FOUND_BAD,     /* neither */
    JOURNAL_FOUND_VERSION, /* whole, but of another version than this code can read */
};

/* What the bytes begin with. `segment` is the id of the file that they are from: blocks of another
 * are bad. `block` is filled in where one is good, and its bytes and version where it is of another
 * one. */
enum journal_found journal_block_read(struct span bytes, uint64_t segment,
                                      struct journal_block *block, uint16_t *version);

/* The locations of a good block, which borrow from its bytes; false where they are not what the
 * head says. Each has passed location_is_valid. */
bool journal_block_locations(const struct journal_block *block,
                             struct location locations[JOURNAL_BLOCK_LOCATIONS_MAX]);

/* A block that is being written into memory of the caller, of JOURNAL_BLOCK_BYTES_MAX bytes. */
struct journal_draft {
    char *at;
    uint32_t used;
    uint32_t location_count;
};

struct journal_draft journal_draft_of(char *at);

/* Adds a location; false where it needs another block: then nothing has changed. One always fits
 * into an empty draft. */
bool journal_draft_add(struct journal_draft *draft, const struct location *location);

/* Pads it and seals it for the segment of that id. Of `head` kind, sequence and begin count.
 * Returns the block's bytes; the draft is over. */
uint32_t journal_draft_end(struct journal_draft *draft, const struct journal_block *head,
                           uint64_t segment);

#endif
