/* journal_disk: a journal that a test wrote into memory, and what a replay makes of it. */
#ifndef ZHERD_TESTS_UNIT_JOURNAL_DISK_H
#define ZHERD_TESTS_UNIT_JOURNAL_DISK_H

#include <stdio.h>

#include "bus/journal/replay.h"
#include "tests/check.h"

#define DISK_FILES_MAX  64
#define DISK_ID(number) (UINT64_C(0x5eed000000000000) + (number))

struct disk_file {
    uint64_t number;
    size_t bytes;
    char *at;
};

struct disk {
    struct disk_file files[DISK_FILES_MAX];
    uint32_t count;
    uint64_t sequence; /* of the last block */
};

static inline void disk_free(struct disk *disk)
{
    for (uint32_t i = 0; i < disk->count; i++)
        free(disk->files[i].at);
    *disk = (struct disk){0};
}

/* Begins a file of that many bytes, all zero. */
static inline void disk_file(struct disk *disk)
{
    struct disk_file *file = &disk->files[disk->count++];
    *file = (struct disk_file){.number = disk->count};
}

static inline void disk_append(struct disk *disk, const char *bytes, size_t count)
{
    struct disk_file *file = &disk->files[disk->count - 1];
    file->at = realloc(file->at, file->bytes + count);
    memcpy(file->at + file->bytes, bytes, count);
    file->bytes += count;
}

/* `text` is "client=position client=position"; a position that is not there makes a tombstone.
 * Order times fall from block to block, so that nothing can go by them. */
static inline void disk_block_of(struct disk *disk, enum journal_kind kind, uint64_t sequence,
                                 uint64_t begin, const char *text)
{
    static char room[JOURNAL_BLOCK_BYTES_MAX];
    struct journal_draft draft = journal_draft_of(room);
    while (*text != '\0') {
        size_t client = strcspn(text, "="), value = strcspn(text + client + 1, " ");
        struct location location = {
            .client = {text, client},
            .position = {text + client + 1, value},
            .stamp = span_of("1.5"),
            .origin = span_of("Clark"),
            .order_ns = 1500000000 - (int64_t)sequence,
        };
        CHECK(journal_draft_add(&draft, &location));
        text += client + 1 + value;
        text += *text == ' ';
    }
    struct journal_block head = {.kind = kind, .sequence = sequence, .begin = begin};
    disk->sequence = sequence;
    disk_append(disk, room,
                journal_draft_end(&draft, &head, DISK_ID(disk->files[disk->count - 1].number)));
}

static inline void disk_block(struct disk *disk, enum journal_kind kind, uint64_t begin,
                              const char *text)
{
    disk_block_of(disk, kind, disk->sequence + 1, begin, text);
}

static inline bool disk_scan(const struct disk *disk, uint32_t i, struct journal_replay *replay)
{
    const struct disk_file *file = &disk->files[i];
    struct journal_scan scan = {{file->at, file->bytes}, DISK_ID(file->number), 0};
    struct journal_use use;
    return journal_replay_add(replay, i, scan, &use);
}

static inline struct journal_replay disk_replay(const struct disk *disk)
{
    struct journal_replay replay = {0};
    for (uint32_t i = 0; i < disk->count; i++)
        disk_scan(disk, i, &replay);
    journal_replay_sort(&replay);
    return replay;
}

static inline void disk_fill(const struct disk *disk, const struct journal_replay *replay,
                             struct table *table, struct journal_tally *tally)
{
    static struct location room[JOURNAL_BLOCK_LOCATIONS_MAX];
    *tally = (struct journal_tally){0};
    for (uint32_t i = 0; i < replay->count; i++) {
        const struct journal_entry *entry = &replay->entries[i];
        const struct disk_file *file = &disk->files[entry->file];
        struct journal_block block;
        uint16_t version;
        CHECK(journal_block_read((struct span){file->at + entry->at, entry->bytes},
                                 DISK_ID(file->number), &block, &version) == JOURNAL_FOUND_GOOD);
        journal_replay_block(replay, &block, room, table, tally);
    }
}

/* The table that the disk gives, of which the caller becomes the owner. */
static inline struct table *disk_table(const struct disk *disk, const struct journal_replay *replay,
                                       struct journal_tally *tally)
{
    struct table *table = table_new((const uint8_t[16]){1});
    disk_fill(disk, replay, table, tally);
    return table;
}

/* The position that the table has of a client: "" of a tombstone, "?" of nothing. */
static inline const char *disk_position(const struct table *table, const char *client)
{
    static char position[64];
    char text[PACKED_TEXT_BYTES_MAX];
    struct location location;
    uint32_t slot;
    if (!table_find(table, span_of(client), table_ref(table, span_of(client)), &slot))
        return "?";
    table_read(table, slot, text, &location);
    snprintf(position, sizeof position, "%.*s", (int)location.position.len, location.position.data);
    return position;
}

#endif
