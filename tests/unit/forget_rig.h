/* forget_rig: a rig whose nodes have clocks, and clients that report and are forgotten. */
#ifndef ZHERD_TESTS_UNIT_FORGET_RIG_H
#define ZHERD_TESTS_UNIT_FORGET_RIG_H

#include "tests/unit/rig.h"

#define TRUE_NS INT64_C(1782864000000000000)
#define MS      INT64_C(1000000)
#define SECOND  INT64_C(1000000000)

/* How far each node's clock is off. */
static int64_t off_ms[NODES_MAX];

static inline int64_t true_ns(const struct rig *rig)
{
    return TRUE_NS + rig->now_ms * MS;
}

static inline int64_t wall_ns(const struct rig *rig, int node)
{
    return true_ns(rig) + off_ms[node] * MS;
}

static inline void look_at_clocks(struct rig *rig)
{
    for (int node = 0; node < rig->count; node++)
        flood_set_clock(rig->node[node], rig->now_ms, wall_ns(rig, node));
}

/* As daemons do: each second. A node without links has a turn, too. */
static inline void live(struct rig *rig, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        look_at_clocks(rig);
        for (int quarter = 0; quarter < 4; quarter++) {
            pass(rig, 250);
            for (int node = 0; node < rig->count; node++)
                flood_coalesces(rig->node[node], rig->now_ms);
        }
    }
}

static inline void open_live(struct rig *rig, int count, const char *links, int64_t expire_ms)
{
    memset(off_ms, 0, sizeof off_ms);
    rig_open_unstarted(rig, count, links);
    rig->expire_ms = expire_ms;
    rig->forget = true;
    for (int node = 0; node < count; node++)
        start(rig, node);
    live(rig, 3);
}

/* What a client reports now, with a stamp that is off by that. */
static inline enum flood_outcome report(struct rig *rig, int node, const char *client,
                                        int64_t off_ns)
{
    char stamp[32];
    int64_t stamp_ns = true_ns(rig) + off_ns;
    int64_t accept_ns = flood_accept_ns(rig->node[node], wall_ns(rig, node), rig->now_ms);
    snprintf(stamp, sizeof stamp, "%lld.%09lld", (long long)(stamp_ns / SECOND),
             (long long)(stamp_ns % SECOND));
    struct location location = {
        .client = span_of(client),
        .position = span_of("+34.068930-118.445127"),
        .stamp = span_of(stamp),
        .difference_ns = wall_ns(rig, node) - stamp_ns,
        .order_ns = location_order_ns(stamp_ns, accept_ns),
    };
    return flood_local(rig->node[node], &location);
}

static inline enum flood_outcome forget(struct rig *rig, int node, const char *client,
                                        struct location *location)
{
    return flood_forget(rig->node[node], span_of(client), wall_ns(rig, node), rig->now_ms,
                        location);
}

static inline bool is_known(const struct rig *rig, int node, const char *client)
{
    struct location location;
    return flood_find(rig->node[node], span_of(client), &location);
}

static inline bool is_known_everywhere(const struct rig *rig, const char *client)
{
    for (int node = 0; node < rig->count; node++)
        if (!is_known(rig, node, client))
            return false;
    return true;
}

static inline bool is_known_anywhere(const struct rig *rig, const char *client)
{
    for (int node = 0; node < rig->count; node++)
        if (is_known(rig, node, client))
            return true;
    return false;
}

static inline int64_t horizon_of(const struct rig *rig, int node)
{
    return flood_time(rig->node[node], rig->now_ms).horizon_ns;
}

#endif
