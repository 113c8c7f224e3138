#include "topology/memory_limits.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* Of /proc/self/cgroup: some lines, each of a path. */
#define GROUPS_BYTES_MAX (16 * MEMORY_GROUP_BYTES_MAX)
#define LIMIT_BYTES_MAX  64

static const struct {
    int version;
    const char *folder, *file;
} kinds[] = {
    {2, "/sys/fs/cgroup", "memory.max"},
    {1, "/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
};

/* What fits; nothing where it cannot be read. */
static struct span read_file(const char *path, char *into, size_t room)
{
    size_t bytes = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        for (ssize_t got; bytes < room && (got = read(file, into + bytes, room - bytes)) > 0;)
            bytes += (size_t)got;
        close(file);
    }
    return (struct span){into, bytes};
}

/* The least from that group up to the root of all that are visible. */
static uint64_t least_above(size_t kind, char group[MEMORY_GROUP_BYTES_MAX])
{
    uint64_t least = UINT64_MAX;
    do {
        char path[MEMORY_GROUP_BYTES_MAX + 128], text[LIMIT_BYTES_MAX];
        snprintf(path, sizeof path, "%s%s/%s", kinds[kind].folder, group, kinds[kind].file);
        uint64_t limit = memory_share_read_limit(read_file(path, text, sizeof text));
        least = limit < least ? limit : least;
    } while (memory_share_leave_group(group));
    return least;
}

static uint64_t group_limit(void)
{
    static char text[GROUPS_BYTES_MAX];
    char group[MEMORY_GROUP_BYTES_MAX];
    uint64_t least = UINT64_MAX;
    struct span lines = read_file("/proc/self/cgroup", text, sizeof text);
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        if (!memory_share_find_group(lines, kinds[kind].version, group))
            continue;
        uint64_t limit = least_above(kind, group);
        least = limit < least ? limit : least;
    }
    return least;
}

struct memory_limits memory_limits_read(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    bool is_known = pages > 0 && page_bytes > 0;
    struct rlimit space = {.rlim_cur = RLIM_INFINITY};
    getrlimit(RLIMIT_AS, &space);
    return (struct memory_limits){
        .machine = is_known ? (uint64_t)pages * (uint64_t)page_bytes : UINT64_MAX,
        .group = group_limit(),
        .address_space = space.rlim_cur == RLIM_INFINITY ? UINT64_MAX : space.rlim_cur,
    };
}
