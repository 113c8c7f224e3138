/* show_rig: one node's flood with a grid and a clock, and clients that report places. */
#ifndef ZHERD_TESTS_UNIT_SHOW_RIG_H
#define ZHERD_TESTS_UNIT_SHOW_RIG_H

#include "bus/flood.h"
#include "tests/check.h"

#define TRUE_NS INT64_C(1782864000000000000)
#define SECOND  INT64_C(1000000000)

struct show_rig {
    struct flood *flood;
    int64_t now_ms;
};

static inline int64_t show_now_ns(const struct show_rig *rig)
{
    return TRUE_NS + rig->now_ms * 1000000;
}

static inline struct show_rig show_open(int64_t expire_ms)
{
    struct show_rig rig = {.flood = flood_new(&(struct flood_options){
                               .herd = span_of("test"),
                               .node = span_of("Alford"),
                               .incarnation = 7,
                               .clients_max = 2000000,
                               .expire_ms = expire_ms,
                               .forget = true,
                               .nearby = true,
                           })};
    flood_set_clock(rig.flood, rig.now_ms, show_now_ns(&rig));
    return rig;
}

/* Time passes, and what is over goes. */
static inline void show_pass(struct show_rig *rig, int64_t ms)
{
    for (int64_t left = ms; left > 0; left -= 250) {
        rig->now_ms += left < 250 ? left : 250;
        flood_set_clock(rig->flood, rig->now_ms, show_now_ns(rig));
        flood_coalesces(rig->flood, rig->now_ms);
    }
}

static inline enum flood_outcome show_report_span(struct show_rig *rig, struct span client,
                                                  const char *position)
{
    char stamp[32];
    static int64_t last_ns;
    int64_t stamp_ns = show_now_ns(rig);
    last_ns = stamp_ns = stamp_ns > last_ns ? stamp_ns : last_ns + 1; /* each is newer */
    snprintf(stamp, sizeof stamp, "%lld.%09lld", (long long)(stamp_ns / SECOND),
             (long long)(stamp_ns % SECOND));
    struct location location = {
        .client = client,
        .position = span_of(position),
        .stamp = span_of(stamp),
        .difference_ns = 0,
        .order_ns = stamp_ns,
    };
    return flood_local(rig->flood, &location);
}

static inline enum flood_outcome show_report(struct show_rig *rig, const char *client,
                                             const char *position)
{
    return show_report_span(rig, span_of(client), position);
}

static inline void show_forget(struct show_rig *rig, const char *client)
{
    struct location location;
    flood_forget(rig->flood, span_of(client), show_now_ns(rig), rig->now_ms, &location);
}

#endif
