/* memory_share: how many bytes one process of a herd takes, of what a machine and its limits allow.
 *
 * Also the words for it: what an option says, and what the files of control groups say
 * (cgroups(7)). It reads none of them (topology/memory_limits.h does).
 *
 * Invariant: whatever the limits are, a share is at least MEMORY_SHARE_BYTES_MIN. */
#ifndef ZHERD_TOPOLOGY_FORMAT_MEMORY_SHARE_H
#define ZHERD_TOPOLOGY_FORMAT_MEMORY_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"

/* Of a table: an empty one takes 0.75 MiB, and a node's own clients leave an eighth free. */
#define MEMORY_SHARE_BYTES_MIN (UINT64_C(2) << 20)
/* One part of this many is for tables; the rest for connections, messages on the way and others. */
#define MEMORY_SHARE_PARTS 4u
/* Of connections. With less, a node could not have all of its look-ups under way; with more, it is
 * 500 clients of which none reads, or 1,500 lines of the longest. */
#define MEMORY_SHARE_HELD_BYTES_MIN (UINT64_C(4) << 20)
#define MEMORY_SHARE_HELD_BYTES_MAX (UINT64_C(256) << 20)
/* Of watches. With less, the log of what changed and the cells of the globe would leave little;
 * with more, it is what a million watches need. */
#define MEMORY_SHARE_WATCHED_BYTES_MIN (UINT64_C(16) << 20)
#define MEMORY_SHARE_WATCHED_BYTES_MAX (UINT64_C(2) << 30)
/* Of a control group, with its NUL. */
#define MEMORY_GROUP_BYTES_MAX 1024

/* Bytes; UINT64_MAX where there is no limit. */
struct memory_limits {
    uint64_t machine;
    uint64_t group;         /* the least of the process's control group and those above it */
    uint64_t address_space; /* RLIMIT_AS */
};

/* A quarter of the least, divided by the processes of the herd on this machine, 1 or more. */
uint64_t memory_share(const struct memory_limits *limits, size_t processes);

/* What the connections of a node may hold together, beside a table of so many bytes: half as much,
 * within MEMORY_SHARE_HELD_BYTES_MIN and MEMORY_SHARE_HELD_BYTES_MAX. */
uint64_t memory_share_held(uint64_t table_bytes);

/* What all watches of a node may take, beside a table of so many bytes: as much, within
 * MEMORY_SHARE_WATCHED_BYTES_MIN and MEMORY_SHARE_WATCHED_BYTES_MAX. */
uint64_t memory_share_watched(uint64_t table_bytes);

/* "512M": bytes, or with K, M or G multiples of 1024, 1024^2 or 1024^3. False for all else, and
 * for what does not fit. */
bool memory_share_parse(const char *text, uint64_t *bytes);

/* The control group that limits memory, from /proc/self/cgroup: of version 2 ("0::/a/b") or 1
 * (a line that names the controller memory). Its path begins with '/'. False without one. */
bool memory_share_find_group(struct span lines, int version, char path[MEMORY_GROUP_BYTES_MAX]);

/* The group above, in place: "/a/b", "/a", "/". False for "/", which has none. */
bool memory_share_leave_group(char path[MEMORY_GROUP_BYTES_MAX]);

/* A limit as a group's file says it: a number and the end of a line, or "max". UINT64_MAX for that
 * and for whatever else. */
uint64_t memory_share_read_limit(struct span text);

#endif
