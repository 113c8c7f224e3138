#include "topology/format/lock_holder.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Lines are far shorter; a longer one is none of this file. */
#define LINE_BYTES_MAX 256

struct held {
    long process;
    uint32_t device_major, device_minor;
    uint64_t inode;
};

/* "1: FLOCK  ADVISORY  WRITE 3307 fe:00:1835018 0 EOF". One that waits has "->" after the number.
 */
static bool read_line(const char *line, struct held *held)
{
    /* The kernel writes these numbers, so each fits its type. NOLINTNEXTLINE(cert-err34-c) */
    return sscanf(line, "%*u: FLOCK %*s WRITE %ld %" SCNx32 ":%" SCNx32 ":%" SCNu64, &held->process,
                  &held->device_major, &held->device_minor, &held->inode) == 4 &&
           held->process > 0;
}

long lock_holder(struct span locks, uint32_t device_major, uint32_t device_minor, uint64_t inode)
{
    long by_inode = 0;
    const char *end = locks.data + locks.len;
    for (const char *at = locks.data; at < end;) {
        char line[LINE_BYTES_MAX] = "";
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t bytes = (size_t)((newline != NULL ? newline : end) - at);
        struct held held;
        if (bytes < sizeof line)
            memcpy(line, at, bytes);
        at += bytes + 1;
        if (!read_line(line, &held) || held.inode != inode)
            continue;
        if (held.device_major == device_major && held.device_minor == device_minor)
            return held.process;
        by_inode = held.process;
    }
    return by_inode;
}
