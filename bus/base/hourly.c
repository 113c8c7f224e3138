#include "bus/base/hourly.h"

#include <stddef.h>
#include <xxhash.h>

bool hourly_is_due(struct hourly *hourly, struct span name, int64_t now_ms)
{
    uint64_t hash = XXH3_64bits(name.data, name.len);
    size_t row = hash % (HOURLY_NAMES_MAX / HOURLY_ROW_MAX), room = HOURLY_ROW_MAX;
    for (size_t i = 0; i < HOURLY_ROW_MAX; i++) {
        bool is_over = hourly->rows[row][i].until_ms <= now_ms;
        if (!is_over && hourly->rows[row][i].name == hash)
            return false;
        if (is_over)
            room = i;
    }
    if (room == HOURLY_ROW_MAX)
        return false;
    hourly->rows[row][room].name = hash;
    hourly->rows[row][room].until_ms = now_ms + HOURLY_MS;
    return true;
}
