#include "gateway/text/delays.h"

#include <string.h>

#define NS_PER_MS 1000000

static struct histogram *find(struct delays *delays, const char *origin)
{
    if (strcmp(origin, "other") == 0) /* a node may be called so, too */
        return &delays->other;
    for (size_t i = 0; i < delays->count; i++)
        if (strcmp(delays->origins[i].name, origin) == 0)
            return &delays->origins[i].time;
    if (delays->count == DELAYS_ORIGINS_MAX)
        return &delays->other;
    struct delays_origin *added = &delays->origins[delays->count++];
    memcpy(added->name, origin, strlen(origin) + 1);
    return &added->time;
}

void delays_take(struct delays *delays, const struct flood_arrival *arrival, int64_t herd_ns)
{
    int64_t took_ns;
    if (__builtin_sub_overflow(herd_ns, arrival->accepted_ns, &took_ns) ||
        (took_ns > 0 && (uint64_t)took_ns / NS_PER_MS > arrival->met_age_ms))
        return;
    histogram_observe(find(delays, arrival->origin), took_ns);
}
