#include "bus/journal/replay.h"

#include <assert.h>
#include <stdlib.h>

#include "bus/journal/block.h"

#define ROOM_FIRST 1024u
/* Clients looked for at once. */
#define TOGETHER 32u

static void add_entry(struct journal_replay *replay, const struct journal_entry *entry)
{
    if (replay->count == JOURNAL_BLOCKS_MAX) {
        replay->left_out++;
        return;
    }
    if (replay->count == replay->room) {
        replay->room = replay->room == 0 ? ROOM_FIRST : 2 * replay->room;
        replay->entries = bytes_resize(replay->entries, replay->room * sizeof *replay->entries);
    }
    replay->entries[replay->count++] = *entry;
}

static void add_block(struct journal_replay *replay, uint32_t file,
                      const struct journal_piece *piece)
{
    const struct journal_block *block = &piece->block;
    if (replay->least == 0 || block->sequence < replay->least)
        replay->least = block->sequence;
    if (block->sequence > replay->last)
        replay->last = block->sequence;
    if (block->kind == JOURNAL_END && block->begin > replay->from)
        replay->from = block->begin;
    if (block->kind == JOURNAL_BEGIN && block->sequence > replay->open)
        replay->open = block->sequence;
    struct journal_entry entry = {.sequence = block->sequence,
                                  .file = file,
                                  .at = (uint32_t)piece->at,
                                  .bytes = block->bytes};
    if (block->kind == JOURNAL_CHUNK)
        entry.chunk_locations = block->location_count;
    add_entry(replay, &entry);
}

static void add_piece(struct journal_replay *replay, uint32_t file,
                      const struct journal_piece *piece)
{
    if (piece->what == JOURNAL_FOUND_BAD) {
        replay->unread_bytes += piece->bytes;
        replay->bad_bytes += piece->bytes;
        return;
    }
    if (piece->what == JOURNAL_FOUND_EMPTY)
        return;
    if (replay->unread_bytes > 0)
        replay->bad_runs++;
    replay->unread_bytes = 0;
    if (piece->what == JOURNAL_FOUND_VERSION)
        replay->version = piece->version;
    else
        add_block(replay, file, piece);
}

/* Whether there may be more that counts before the file. */
static bool end_file(struct journal_replay *replay)
{
    bool has_older = replay->least > 0 && replay->least < replay->from;
    if (replay->unread_bytes > 0)
        replay->torn_runs++;
    replay->unread_bytes = replay->least = 0;
    return !has_older;
}

bool journal_replay_add(struct journal_replay *replay, uint32_t file, struct journal_scan scan,
                        struct journal_use *use)
{
    struct journal_piece piece;
    *use = (struct journal_use){0};
    while (journal_scan_next(&scan, &piece)) {
        add_piece(replay, file, &piece);
        if (piece.what != JOURNAL_FOUND_EMPTY)
            use->bytes = (uint32_t)(piece.at + piece.bytes);
        if (piece.what == JOURNAL_FOUND_GOOD && piece.block.sequence > use->last)
            use->last = piece.block.sequence;
    }
    use->is_needed = use->bytes > 0;
    return end_file(replay);
}

void journal_replay_lose(struct journal_replay *replay)
{
    replay->bad_runs++;
    replay->bad_bytes += JOURNAL_SEGMENT_BYTES; /* as many as there may be */
}

/* The later first. A sequence is written twice only where a node did not find, at its start, what
 * was written under it before: what it wrote then is in a later segment. */
static int compare(const void *a, const void *b)
{
    const struct journal_entry *one = a, *other = b;
    if (one->sequence != other->sequence)
        return one->sequence < other->sequence ? 1 : -1;
    if (one->file != other->file)
        return one->file < other->file ? 1 : -1;
    return (one->at < other->at) - (one->at > other->at);
}

/* No segment has a greater sequence than its number times this, as each that a life writes has a
 * number of its own: so a life that begins there has greater ones than any file before it. */
uint64_t journal_replay_end(const struct journal_replay *replay)
{
    uint64_t end = replay->number * JOURNAL_SEGMENT_BLOCKS;
    bool is_possible = replay->number <= JOURNAL_SEQUENCE_MAX / JOURNAL_SEGMENT_BLOCKS / 2;
    return replay->bad_bytes > 0 && is_possible && end > replay->last ? end : replay->last;
}

/* Of the sequences below this one, down to another, how many are missing. */
static uint64_t missing_between(uint64_t sequence, uint64_t lower)
{
    bool is_left_out = (sequence - 1) % JOURNAL_SEGMENT_BLOCKS == 0;
    return sequence - lower > 1 && !is_left_out ? sequence - lower - 1 : 0;
}

void journal_replay_sort(struct journal_replay *replay)
{
    uint32_t kept = 0;
    replay->missing = replay->chunk_locations = 0;
    if (replay->open <= replay->from)
        replay->open = 0;
    for (uint32_t i = 0; i < replay->count; i++)
        if (replay->entries[i].sequence >= replay->from)
            replay->entries[kept++] = replay->entries[i];
    replay->count = kept;
    if (kept == 0)
        return;
    qsort(replay->entries, kept, sizeof *replay->entries, compare);
    for (uint32_t i = 0; i < kept; i++)
        if (replay->open == 0 || replay->entries[i].sequence < replay->open)
            replay->chunk_locations += replay->entries[i].chunk_locations;
    for (uint32_t i = 1; i < kept; i++)
        replay->missing +=
            missing_between(replay->entries[i - 1].sequence, replay->entries[i].sequence);
    /* Before the first end nothing was removed. */
    uint64_t first = replay->from > 0 ? replay->from : 1;
    replay->missing += missing_between(replay->entries[kept - 1].sequence, first - 1);
}

void journal_replay_free(struct journal_replay *replay)
{
    free(replay->entries);
    *replay = (struct journal_replay){0};
}

static void take(const struct location *location, struct table *table, struct table_ref ref,
                 struct journal_tally *tally)
{
    uint32_t slot;
    enum table_outcome outcome = table_put_absent(table, location, ref, &slot);
    if (outcome == TABLE_OLDER)
        tally->known++;
    else if (table_is_refusal(outcome))
        tally->refused++;
    else
        tally->taken++;
}

/* The last one first; what is known of all of them is fetched from memory together. */
static void take_some(const struct location *locations, struct table_ref *refs, uint32_t count,
                      struct table *table, struct journal_tally *tally)
{
    for (uint32_t i = 0; i < count; i++)
        table_prefetch_place(table, refs[i]);
    for (uint32_t i = 0; i < count; i++)
        table_prefetch_record(table, &refs[i]);
    for (uint32_t i = count; i-- > 0;)
        take(&locations[i], table, refs[i], tally);
}

void journal_replay_take(const struct journal_replay *replay, const struct journal_block *block,
                         const struct location *locations, struct table_ref *refs,
                         struct table *table, struct journal_tally *tally)
{
    /* In a block, too, the last one was written last. */
    for (uint32_t left = block->location_count; left > 0;) {
        uint32_t count = left < TOGETHER ? left : TOGETHER;
        left -= count;
        take_some(locations + left, refs + left, count, table, tally);
    }
    if (replay->open > 0 && block->sequence >= replay->open)
        tally->open_slots = table_slots(table);
}

void journal_replay_block(const struct journal_replay *replay, const struct journal_block *block,
                          struct location *room, struct table *table, struct journal_tally *tally)
{
    struct table_ref refs[JOURNAL_BLOCK_LOCATIONS_MAX];
    if (!journal_block_locations(block, room)) {
        tally->broken++;
        return;
    }
    for (uint32_t i = 0; i < block->location_count; i++)
        refs[i] = table_ref(table, room[i].client);
    journal_replay_take(replay, block, room, refs, table, tally);
}
