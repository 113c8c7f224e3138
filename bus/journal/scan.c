#include "bus/journal/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

void journal_segment_name(struct journal_segment segment, char name[JOURNAL_SEGMENT_NAME_BYTES])
{
    snprintf(name, JOURNAL_SEGMENT_NAME_BYTES, "%016" PRIx64 "-%016" PRIx64 ".blocks",
             segment.number, segment.id);
}

bool journal_segment_read_name(const char *name, struct journal_segment *segment)
{
    char again[JOURNAL_SEGMENT_NAME_BYTES], *end;
    segment->number = strtoull(name, &end, 16);
    segment->id = *end == '-' ? strtoull(end + 1, NULL, 16) : 0;
    if (segment->number == 0 || segment->id == 0)
        return false;
    journal_segment_name(*segment, again);
    return strcmp(again, name) == 0;
}

static void look(const struct journal_scan *scan, size_t at, struct journal_piece *piece)
{
    struct span rest = {scan->bytes.data + at, scan->bytes.len - at};
    piece->at = at;
    piece->what = journal_block_read(rest, scan->id, &piece->block, &piece->version);
    bool is_block = piece->what == JOURNAL_FOUND_GOOD || piece->what == JOURNAL_FOUND_VERSION;
    piece->bytes = is_block ? piece->block.bytes : min(JOURNAL_PAGE_BYTES, rest.len);
}

bool journal_scan_next(struct journal_scan *scan, struct journal_piece *piece)
{
    if (scan->at >= scan->bytes.len)
        return false;
    look(scan, scan->at, piece);
    scan->at += piece->bytes;
    bool is_run = piece->what == JOURNAL_FOUND_EMPTY || piece->what == JOURNAL_FOUND_BAD;
    while (is_run && scan->at < scan->bytes.len) {
        struct journal_piece next;
        look(scan, scan->at, &next);
        if (next.what != piece->what)
            break;
        piece->bytes += next.bytes;
        scan->at += next.bytes;
    }
    return true;
}
