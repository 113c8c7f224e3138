#include "tests/sim/disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/bytes.h"

#define PAGE   4096u
#define SECTOR 512u

/* What an end leaves of bytes that were not synced. */
enum tear { TEAR_ALL, TEAR_NOTHING, TEAR_PAGES, TEAR_SECTORS, TEAR_CUT, TEAR_CUT_NOISE, TEARS };

static void forget_gone(struct disk *disk)
{
    while (disk->gone_count > 0)
        free(disk->gone[--disk->gone_count].bytes);
}

void disk_free(struct disk *disk)
{
    for (uint32_t i = 0; i < disk->count; i++)
        free(disk->files[i].bytes);
    forget_gone(disk);
    free(disk->files);
    *disk = (struct disk){0};
}

static void insert(struct disk *disk, struct disk_file file)
{
    uint32_t at = disk->count;
    disk->files = bytes_resize(disk->files, (disk->count + 1) * sizeof *disk->files);
    for (; at > 0 && disk->files[at - 1].segment.number > file.segment.number; at--)
        disk->files[at] = disk->files[at - 1];
    disk->files[at] = file;
    disk->count++;
}

static struct disk_file take_out(struct disk *disk, uint32_t at)
{
    struct disk_file file = disk->files[at];
    memmove(disk->files + at, disk->files + at + 1, (--disk->count - at) * sizeof *disk->files);
    return file;
}

static uint32_t find(const struct disk *disk, struct journal_segment segment)
{
    uint32_t at = 0;
    while (at < disk->count && disk->files[at].segment.id != segment.id)
        at++;
    assert(at < disk->count);
    return at;
}

void disk_make(struct disk *disk, struct journal_segment segment)
{
    assert(disk->count == 0 || disk->files[disk->count - 1].segment.number < segment.number);
    insert(disk, (struct disk_file){.segment = segment});
}

void disk_remove(struct disk *disk, struct journal_segment segment)
{
    if (disk->gone_count == DISK_GONE_MAX) {
        free(disk->gone[0].bytes);
        memmove(disk->gone, disk->gone + 1, --disk->gone_count * sizeof *disk->gone);
    }
    disk->gone[disk->gone_count++] = take_out(disk, find(disk, segment));
}

/* Each part of so many bytes is there or not. */
static void drop_parts(struct rng *rng, char *bytes, uint32_t count, uint32_t part)
{
    for (uint32_t at = 0; at < count; at += part)
        if (rng_chance(rng, 500))
            memset(bytes + at, 0, part);
}

static void tear(struct rng *rng, char *bytes, uint32_t count)
{
    uint32_t cut = rng_below(rng, count + 1);
    switch ((enum tear)rng_below(rng, TEARS)) {
    case TEAR_NOTHING:
        memset(bytes, 0, count);
        break;
    case TEAR_PAGES:
        drop_parts(rng, bytes, count, PAGE);
        break;
    case TEAR_SECTORS:
        drop_parts(rng, bytes, count, SECTOR);
        break;
    case TEAR_CUT:
        memset(bytes + cut, 0, count - cut);
        break;
    case TEAR_CUT_NOISE:
        for (; cut < count; cut++)
            bytes[cut] = (char)rng_next(rng);
        break;
    default:
        break;
    }
}

void disk_write(struct disk *disk, struct journal_segment segment, uint32_t at, const char *bytes,
                uint32_t count, bool is_synced)
{
    struct disk_file *file = &disk->files[find(disk, segment)];
    uint32_t end = at + count;
    assert(at <= file->used && count % PAGE == 0);
    if (end > file->used) {
        file->bytes = bytes_resize(file->bytes, end);
        file->used = end;
    }
    memcpy(file->bytes + at, bytes, count);
    file->has_failed |= !is_synced;
    if (file->has_failed)
        tear(&disk->rng, file->bytes + at, count);
}

void disk_cut(struct disk *disk, struct journal_segment segment, uint32_t bytes)
{
    struct disk_file *file = &disk->files[find(disk, segment)];
    if (bytes < file->used)
        file->used = bytes;
}

bool disk_bring_back(struct disk *disk)
{
    if (disk->gone_count == 0)
        return false;
    uint32_t at = rng_below(&disk->rng, disk->gone_count);
    insert(disk, disk->gone[at]);
    disk->gone[at] = disk->gone[--disk->gone_count];
    return true;
}

bool disk_find_file(struct disk *disk, uint32_t *file)
{
    if (disk->count == 0)
        return false;
    *file = rng_below(&disk->rng, disk->count);
    return true;
}

bool disk_find_bit(struct disk *disk, uint32_t *file, uint32_t *bit)
{
    if (!disk_find_file(disk, file) || disk->files[*file].used == 0)
        return false;
    *bit = rng_below(&disk->rng, 8 * disk->files[*file].used);
    return true;
}

void disk_flip(struct disk *disk, uint32_t file, uint32_t bit)
{
    disk->files[file].bytes[bit / 8] ^= (char)(1 << bit % 8);
}

void disk_lose_file(struct disk *disk, uint32_t file)
{
    free(take_out(disk, file).bytes);
    forget_gone(disk); /* see bus/JOURNAL.md, Reading */
}
