#include "bus/link/peer_directory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/bytes.h"

void peer_directory_make(struct peer_directory *directory, size_t members_max)
{
    /* One more than needed, because the size may not be 0. */
    *directory = (struct peer_directory){
        .members = bytes_zeroed((members_max + 1) * sizeof *directory->members)};
}

void peer_directory_free(struct peer_directory *directory)
{
    free(directory->members);
    *directory = (struct peer_directory){0};
}

static_assert(PEER_DIRECTORY_PROCESS_BYTES == sizeof(uint32_t), "a process is a number");

/* The size of a name that a node can have. */
static size_t measure_name(const char *name)
{
    size_t bytes = strlen(name);
    assert(bytes > 0 && bytes <= LOCATION_ORIGIN_BYTES_MAX);
    return bytes;
}

void peer_directory_add(struct peer_directory *directory, const char *name)
{
    struct peer_directory_member *member = &directory->members[directory->count];
    member->name_bytes = measure_name(name);
    memcpy(member->name, name, member->name_bytes);
    member->peer = directory->count++;
}

static int compare_names(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    if (a_bytes != b_bytes)
        return a_bytes < b_bytes ? -1 : 1;
    return memcmp(a, b, a_bytes);
}

static int compare_members(const void *left, const void *right)
{
    const struct peer_directory_member *a = left, *b = right;
    return compare_names(a->name, a->name_bytes, b->name, b->name_bytes);
}

void peer_directory_sort(struct peer_directory *directory)
{
    qsort(directory->members, directory->count, sizeof *directory->members, compare_members);
    for (size_t i = 1; i < directory->count; i++)
        assert(compare_members(&directory->members[i - 1], &directory->members[i]) != 0);
}

/* How much of a routing id is the name. */
static size_t count_name_bytes(struct span id)
{
    const size_t suffix = 1 + PEER_DIRECTORY_NUMBER_BYTES;
    return id.len > suffix && id.data[id.len - suffix] == '\0' ? id.len - suffix : id.len;
}

const struct peer_directory_member *peer_directory_find(const struct peer_directory *directory,
                                                        struct span id)
{
    size_t name_bytes = count_name_bytes(id);
    size_t low = 0, high = directory->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct peer_directory_member *member = &directory->members[middle];
        int order = compare_names(id.data, name_bytes, member->name, member->name_bytes);
        if (order == 0)
            return member;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

struct span peer_directory_name(struct span id)
{
    return (struct span){id.data, count_name_bytes(id)};
}

uint32_t peer_directory_process(struct span id)
{
    uint32_t process = 0;
    size_t name_bytes = count_name_bytes(id);
    if (name_bytes < id.len)
        memcpy(&process, id.data + id.len - sizeof process, sizeof process);
    return process;
}

size_t peer_directory_write_id(const char *name, const uint8_t number[PEER_DIRECTORY_NUMBER_BYTES],
                               char id[PEER_DIRECTORY_ID_BYTES_MAX])
{
    size_t name_bytes = measure_name(name) + 1;
    memcpy(id, name, name_bytes);
    memcpy(id + name_bytes, number, PEER_DIRECTORY_NUMBER_BYTES);
    return name_bytes + PEER_DIRECTORY_NUMBER_BYTES;
}
