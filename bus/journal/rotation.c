#include "bus/journal/rotation.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/bytes.h"
#include "bus/journal/plan.h"

#define OLD_ROOM_FIRST 8u

static const struct journal_rotated none;

static bool is_there(const struct journal_rotated *rotated)
{
    return rotated->segment.id != 0;
}

void journal_rotation_start(struct journal_rotation *rotation, uint64_t number,
                            uint32_t segment_bytes)
{
    assert(segment_bytes >= JOURNAL_BATCH_BYTES);
    *rotation = (struct journal_rotation){
        .number = number, .segment_bytes = segment_bytes, .wants_spare = true};
}

static void push(struct journal_rotation *rotation, struct journal_rotated left)
{
    if (rotation->old_count == rotation->old_room) {
        rotation->old_room = rotation->old_room == 0 ? OLD_ROOM_FIRST : 2 * rotation->old_room;
        rotation->old = bytes_resize(rotation->old, rotation->old_room * sizeof *rotation->old);
    }
    rotation->old[rotation->old_count++] = left;
}

void journal_rotation_add(struct journal_rotation *rotation, struct journal_rotated found)
{
    assert(rotation->cut == rotation->old_count);
    push(rotation, found);
    rotation->cut++;
}

void journal_rotation_free(struct journal_rotation *rotation)
{
    free(rotation->old);
    *rotation = (struct journal_rotation){0};
}

static void leave_current(struct journal_rotation *rotation)
{
    if (!is_there(&rotation->current))
        return;
    rotation->current.bytes = rotation->used;
    push(rotation, rotation->current);
    rotation->current = none;
}

static void want_spare(struct journal_rotation *rotation)
{
    rotation->wants_spare |= !is_there(&rotation->spare);
}

bool journal_rotation_choose(struct journal_rotation *rotation)
{
    if (rotation->used + JOURNAL_BATCH_BYTES > rotation->segment_bytes)
        leave_current(rotation);
    if (!is_there(&rotation->current) && is_there(&rotation->spare)) {
        rotation->current = rotation->spare;
        rotation->spare = none;
        rotation->used = 0;
    }
    if (!is_there(&rotation->current))
        want_spare(rotation);
    return is_there(&rotation->current);
}

bool journal_rotation_leave(struct journal_rotation *rotation)
{
    if (is_there(&rotation->spare))
        leave_current(rotation);
    else
        want_spare(rotation);
    return is_there(&rotation->spare);
}

void journal_rotation_put(struct journal_rotation *rotation, uint64_t sequence)
{
    assert(is_there(&rotation->current));
    rotation->current.last = sequence;
}

void journal_rotation_synced(struct journal_rotation *rotation, uint32_t bytes)
{
    rotation->used += bytes;
    if (rotation->used > rotation->segment_bytes / 2)
        want_spare(rotation);
}

void journal_rotation_failed(struct journal_rotation *rotation)
{
    leave_current(rotation);
}

bool journal_rotation_makes(const struct journal_rotation *rotation, int64_t now_ms)
{
    return rotation->wants_spare && now_ms >= rotation->make_at_ms;
}

uint64_t journal_rotation_next_number(struct journal_rotation *rotation)
{
    return ++rotation->number;
}

void journal_rotation_made(struct journal_rotation *rotation, struct journal_segment segment)
{
    rotation->spare = (struct journal_rotated){.segment = segment};
    rotation->wants_spare = false;
}

void journal_rotation_not_made(struct journal_rotation *rotation, int64_t now_ms)
{
    rotation->make_at_ms = now_ms + JOURNAL_RETRY_MS;
}

void journal_rotation_keep(struct journal_rotation *rotation, uint64_t sequence)
{
    while (rotation->going < rotation->old_count && rotation->old[rotation->going].last < sequence)
        rotation->going++;
}

bool journal_rotation_removes(const struct journal_rotation *rotation,
                              struct journal_segment *segment)
{
    if (rotation->going > 0)
        *segment = rotation->old[0].segment;
    return rotation->going > 0;
}

void journal_rotation_removed(struct journal_rotation *rotation)
{
    assert(rotation->going > 0);
    rotation->going--;
    rotation->cut -= rotation->cut > 0;
    memmove(rotation->old, rotation->old + 1, --rotation->old_count * sizeof *rotation->old);
}

bool journal_rotation_cuts(const struct journal_rotation *rotation, struct journal_segment *segment,
                           uint32_t *bytes)
{
    if (rotation->cut == rotation->old_count)
        return false;
    *segment = rotation->old[rotation->cut].segment;
    *bytes = rotation->old[rotation->cut].bytes;
    return true;
}

void journal_rotation_was_cut(struct journal_rotation *rotation)
{
    assert(rotation->cut < rotation->old_count);
    rotation->cut++;
}

/* ---- where segments stand ---- */

#define MEMORY "it is in memory (tmpfs), and gone when this machine restarts"
#define LAYER                                                                                      \
    "it is in a container's own layer (overlayfs), and gone with the container: mount a volume "   \
    "there"
#define NETWORK                                                                                    \
    "it is on a network file system: what a sync promises depends on its server, and the lock "    \
    "may not hold between machines"

/* linux/magic.h, and the manual of statfs(2). */
static const struct {
    uint32_t type;
    const char *says;
} systems[] = {
    {0x01021994, MEMORY},  /* tmpfs */
    {0x858458f6, MEMORY},  /* ramfs */
    {0x794c7630, LAYER},   /* overlayfs */
    {0x61756673, LAYER},   /* aufs */
    {0x00006969, NETWORK}, /* NFS */
    {0x0000517b, NETWORK}, /* SMB */
    {0xff534d42, NETWORK}, /* CIFS */
    {0xfe534d42, NETWORK}, /* SMB 2 */
    {0x00c36400, NETWORK}, /* Ceph */
    {0x5346414f, NETWORK}, /* AFS */
    {0x01021997, NETWORK}, /* 9P */
};

const char *journal_rotation_place(uint32_t type)
{
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++)
        if (systems[i].type == type)
            return systems[i].says;
    return NULL;
}

const char *journal_rotation_limit(uint64_t file_bytes_max)
{
    return file_bytes_max < JOURNAL_SEGMENT_BYTES
               ? "this process may write no file of 64 MiB (RLIMIT_FSIZE, ulimit -f), so nothing "
                 "is written"
               : NULL;
}
