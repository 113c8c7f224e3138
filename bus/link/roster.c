#include "bus/link/roster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool roster_make(struct roster *roster, size_t members_max)
{
    /* One more than needed, because calloc may answer NULL for nothing. */
    *roster = (struct roster){.members = calloc(members_max + 1, sizeof *roster->members)};
    return roster->members != NULL;
}

void roster_free(struct roster *roster)
{
    free(roster->members);
    *roster = (struct roster){0};
}

static_assert(ROSTER_PROCESS_BYTES == sizeof(uint32_t), "a process is a number");

/* The size of a name that a node can have. */
static size_t measure_name(const char *name)
{
    size_t bytes = strlen(name);
    assert(bytes > 0 && bytes <= LOCATION_ORIGIN_BYTES_MAX);
    return bytes;
}

void roster_add(struct roster *roster, const char *name)
{
    struct roster_member *member = &roster->members[roster->count];
    member->name_bytes = measure_name(name);
    memcpy(member->name, name, member->name_bytes);
    member->peer = roster->count++;
}

static int compare_names(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    if (a_bytes != b_bytes)
        return a_bytes < b_bytes ? -1 : 1;
    return memcmp(a, b, a_bytes);
}

static int compare_members(const void *left, const void *right)
{
    const struct roster_member *a = left, *b = right;
    return compare_names(a->name, a->name_bytes, b->name, b->name_bytes);
}

void roster_sort(struct roster *roster)
{
    qsort(roster->members, roster->count, sizeof *roster->members, compare_members);
    for (size_t i = 1; i < roster->count; i++)
        assert(compare_members(&roster->members[i - 1], &roster->members[i]) != 0);
}

/* How much of a routing id is the name. */
static size_t count_name_bytes(struct span id)
{
    const size_t behind = 1 + ROSTER_NUMBER_BYTES;
    return id.bytes > behind && id.at[id.bytes - behind] == '\0' ? id.bytes - behind : id.bytes;
}

const struct roster_member *roster_find(const struct roster *roster, struct span id)
{
    size_t name_bytes = count_name_bytes(id);
    size_t low = 0, high = roster->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct roster_member *member = &roster->members[middle];
        int order = compare_names(id.at, name_bytes, member->name, member->name_bytes);
        if (order == 0)
            return member;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

struct span roster_name(struct span id)
{
    return (struct span){id.at, count_name_bytes(id)};
}

uint32_t roster_process(struct span id)
{
    uint32_t process = 0;
    size_t name_bytes = count_name_bytes(id);
    if (name_bytes < id.bytes)
        memcpy(&process, id.at + id.bytes - sizeof process, sizeof process);
    return process;
}

size_t roster_write_id(const char *name, const uint8_t number[ROSTER_NUMBER_BYTES],
                       char id[ROSTER_ID_BYTES_MAX])
{
    size_t name_bytes = measure_name(name) + 1;
    memcpy(id, name, name_bytes);
    memcpy(id + name_bytes, number, ROSTER_NUMBER_BYTES);
    return name_bytes + ROSTER_NUMBER_BYTES;
}
