/* scan: what the bytes of a segment, one file of a journal, are made of.
 *
 * It goes from page to page. A good block is one piece; pages of zeros that follow each other are
 * another, and so are pages that are nothing readable: a block that was torn, rotted or never
 * synced. What is unreadable costs itself only, wherever it stands. It opens no file.
 *
 * Invariant: the pieces are in order, without a gap, and cover all the bytes. */
#ifndef ZHERD_BUS_JOURNAL_SCAN_H
#define ZHERD_BUS_JOURNAL_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/journal/block.h"

/* What a file is allocated with. */
#define JOURNAL_SEGMENT_BYTES (64u * 1024u * 1024u)
/* At most. */
#define JOURNAL_SEGMENT_BLOCKS (JOURNAL_SEGMENT_BYTES / JOURNAL_PAGE_BYTES)

/* "%016x-%016x.blocks" and a NUL. */
#define JOURNAL_SEGMENT_NAME_BYTES (16 + 1 + 16 + sizeof ".blocks")

/* A file of the journal, as its name says. Without the id nothing in it can be taken for a block,
 * and no client can know it, so that no text of a client is ever taken for one. */
struct journal_segment {
    uint64_t number; /* greater than those of all before it */
    uint64_t id;     /* random, not 0 */
};

void journal_segment_name(struct journal_segment segment, char name[JOURNAL_SEGMENT_NAME_BYTES]);
/* False for what is no such name, byte for byte. */
bool journal_segment_read_name(const char *name, struct journal_segment *segment);

struct journal_piece {
    enum journal_found what;
    size_t at, bytes;
    struct journal_block block; /* JOURNAL_FOUND_GOOD */
    uint16_t version;           /* JOURNAL_FOUND_VERSION */
};

struct journal_scan {
    struct span bytes; /* all of the file; borrowed */
    uint64_t id;
    size_t at;
};

/* The next piece; false at the end. */
bool journal_scan_next(struct journal_scan *scan, struct journal_piece *piece);

#endif
