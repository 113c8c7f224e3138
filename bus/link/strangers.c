#include "bus/link/strangers.h"

#include <assert.h>

static bool is_reported(const struct strangers *strangers, struct span id)
{
    for (size_t i = 0; i < STRANGERS_REPORTED_MAX; i++) {
        struct span known = {strangers->reported[i].at, strangers->reported[i].bytes};
        if (known.len > 0 && span_equals(known, id))
            return true;
    }
    return false;
}

void strangers_hear(struct strangers *strangers, struct span id, int64_t now_ms)
{
    assert(id.len <= STRANGERS_ID_BYTES_MAX);
    strangers->count++;
    if (strangers->is_pausing && now_ms < strangers->quiet_until)
        return;
    strangers->is_pausing = false;
    if (id.len == 0 || is_reported(strangers, id))
        return;
    memcpy(strangers->reported[strangers->next].at, id.data, id.len);
    strangers->reported[strangers->next].bytes = (unsigned char)id.len;
    strangers->next = (strangers->next + 1) % STRANGERS_REPORTED_MAX;
    strangers->has_news = true;
    strangers->is_pausing = true;
    strangers->quiet_until = now_ms + STRANGERS_PAUSE_MS;
}

bool strangers_next(struct strangers *strangers, struct span *id)
{
    if (!strangers->has_news)
        return false;
    size_t last = (strangers->next + STRANGERS_REPORTED_MAX - 1) % STRANGERS_REPORTED_MAX;
    *id = (struct span){strangers->reported[last].at, strangers->reported[last].bytes};
    strangers->has_news = false;
    return true;
}
