/* herd_time_rig: one node's idea of the herd's time, with clocks in milliseconds, for tests.
 *
 * What others say of clocks is put in as text, and what the node says comes out as such. Time
 * passes only where a case lets it pass. */
#ifndef ZHERD_TESTS_UNIT_HERD_TIME_RIG_H
#define ZHERD_TESTS_UNIT_HERD_TIME_RIG_H

#include "bus/link/herd_time.h"
#include "tests/check.h"

/* In the summer of 2026, at 0 of the monotonic clock. Clocks are given in ms from there on. */
#define TRUE_NS INT64_C(1782864000000000000)
#define MS      INT64_C(1000000)
#define DAY_MS  INT64_C(86400000)
#define YEAR_MS (365 * DAY_MS)
#define NOBODY  INT64_MIN

struct rig {
    struct herd_time *time;
    struct events events;
    struct link_counters count;
    int64_t now_ms;
};

static struct wire_message message;

static inline size_t split(const char *text, struct span *names)
{
    size_t count = 0;
    for (const char *end; *text != '\0'; text = *end == ' ' ? end + 1 : end) {
        end = text + strcspn(text, " ");
        names[count++] = (struct span){text, (size_t)(end - text)};
    }
    return count;
}

/* A node of that name; names of nodes and peers are parted by blanks. It has no clock yet. */
static inline void begin_blind(struct rig *rig, const char *node, const char *nodes,
                               const char *peers)
{
    struct span node_spans[16], peer_spans[16];
    struct herd_time_options options = {.node = span_of(node), .incarnation = 100};
    options.nodes = node_spans;
    options.node_count = split(nodes, node_spans);
    options.peers = peer_spans;
    options.peer_count = split(peers, peer_spans);
    *rig = (struct rig){.now_ms = 500000};
    rig->time = herd_time_new(&options, &rig->events, &rig->count);
}

static inline bool show(struct rig *rig, int64_t off_ms)
{
    return herd_time_set(rig->time, rig->now_ms, TRUE_NS + (rig->now_ms + off_ms) * MS);
}

static inline void begin(struct rig *rig, const char *node, const char *nodes, const char *peers)
{
    begin_blind(rig, node, nodes, peers);
    show(rig, 0);
}

static inline void end(struct rig *rig)
{
    herd_time_destroy(&rig->time);
    CHECK(rig->time == NULL);
    events_free(&rig->events);
}

static inline void pass(struct rig *rig, int64_t ms)
{
    rig->now_ms += ms;
    herd_time_move(rig->time, rig->now_ms);
}

/* The clocks of a message, parted by commas: name, ms off, and maybe age (a), step (s) and
 * incarnation (i), as in "Bob 0,Cy 5000 a2000 s1". It left `late_ms` ago. */
static inline void hear_late(struct rig *rig, size_t link, const char *text, int64_t late_ms)
{
    static char copy[4096];
    snprintf(copy, sizeof copy, "%s", text);
    message.clock_count = 0;
    for (char *rest = copy, *one; (one = strsep(&rest, ",")) != NULL;) {
        struct wire_clock *clock = &message.clocks[message.clock_count++];
        *clock = (struct wire_clock){.incarnation = 7};
        clock->node = span_of(strsep(&one, " "));
        long long off_ms = strtoll(one, &one, 10);
        clock->wall_ns = TRUE_NS + (rig->now_ms - late_ms + off_ms) * MS;
        for (; *one == ' '; one += strcspn(one + 1, " ") + 1) {
            uint64_t number = strtoull(one + 2, NULL, 10);
            *(one[1] == 'a'   ? &clock->age_ms
              : one[1] == 's' ? &clock->step
                              : &clock->incarnation) = number;
        }
    }
    herd_time_hear(rig->time, link, &message, rig->now_ms);
}

/* And time enough to reckon with it. */
static inline void hear(struct rig *rig, size_t link, const char *text)
{
    hear_late(rig, link, text, 0);
    pass(rig, HERD_TIME_RECKON_MS);
}

static inline int64_t off_ms(const struct rig *rig, int64_t wall_ns)
{
    return wall_ns / MS - TRUE_NS / MS - rig->now_ms;
}

/* The medians; a wall clock of 0 is far from all of them. */
static inline int64_t high(const struct rig *rig)
{
    return off_ms(rig, herd_time_accept_ns(rig->time, 0, rig->now_ms));
}

static inline int64_t low(const struct rig *rig)
{
    return off_ms(rig, herd_time_forget_ns(rig->time, 0, rig->now_ms));
}

static inline int64_t ceiling(const struct rig *rig)
{
    return off_ms(rig, herd_time_ceiling_ns(rig->time, rig->now_ms)) - HERD_TIME_AHEAD_NS / MS;
}

static inline int64_t earliest(const struct rig *rig)
{
    int64_t floor_ns = herd_time_floor_ns(rig->time, rig->now_ms);
    return floor_ns == INT64_MIN ? NOBODY : off_ms(rig, floor_ns);
}

static inline uint32_t votes(const struct rig *rig)
{
    return herd_time_votes(rig->time);
}

/* What it says over a link, as hear_late takes it; "" where that is nothing. */
static inline const char *told(struct rig *rig, size_t link)
{
    static char text[8192];
    size_t used = 0;
    text[0] = '\0';
    herd_time_tell(rig->time, link, &message, rig->now_ms);
    for (uint32_t i = 0; i < message.clock_count; i++) {
        const struct wire_clock *clock = &message.clocks[i];
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%.*s %" PRId64, i > 0 ? "," : "",
                             (int)clock->node.len, clock->node.data, off_ms(rig, clock->wall_ns));
        if (clock->age_ms > 0)
            used += (size_t)snprintf(text + used, sizeof text - used, " a%" PRIu64, clock->age_ms);
        if (clock->step > 0)
            used += (size_t)snprintf(text + used, sizeof text - used, " s%" PRIu64, clock->step);
    }
    return text;
}

static inline void check_text(const char *got, const char *wanted)
{
    CHECK_BYTES(got, strlen(got), wanted, strlen(wanted));
}

#endif
