/* hourly: whose line is due, where whoever has a name, as a client, may cause one line an hour.
 *
 * It keeps a hash of each name and a time, no name, and has room for a few at a time: one for whom
 * there is no room has no line. So hostile ones fill neither memory nor a disk; at worst they keep
 * others out of the log for an hour. The hash has no key, since whoever may choose names can fill
 * it anyway.
 *
 * Invariant: in an hour at most HOURLY_NAMES_MAX lines are due. */
#ifndef ZHERD_BUS_BASE_HOURLY_H
#define ZHERD_BUS_BASE_HOURLY_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"

#define HOURLY_MS        3600000
#define HOURLY_NAMES_MAX 256
/* Of those whose hashes begin alike. */
#define HOURLY_ROW_MAX 4

/* All zero is empty. */
struct hourly {
    struct {
        uint64_t name; /* the hash */
        int64_t until_ms;
    } rows[HOURLY_NAMES_MAX / HOURLY_ROW_MAX][HOURLY_ROW_MAX];
};

/* Whether the line of that name is due at `now_ms`; if so, no other is for an hour. */
bool hourly_is_due(struct hourly *hourly, struct span name, int64_t now_ms);

#endif
