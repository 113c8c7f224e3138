/* herd_time_state: what herd_time.c and herd_time_hear.c share: the first reckons and answers, the
 * second hears and tells (bus/link/herd_time.h).
 *
 * It is no module: nobody else includes it.
 *
 * Invariant: an offset is of somebody's wall clock to our monotonic clock, in ns; nothing in here
 * is relative to our own wall clock. */
#ifndef ZHERD_BUS_LINK_HERD_TIME_STATE_H
#define ZHERD_BUS_LINK_HERD_TIME_STATE_H

#include <assert.h>

#include "bus/link/herd_time.h"

#define HERD_TIME_NONE  UINT16_MAX
#define HERD_TIME_NEVER INT64_MIN
/* The second that is not over, and those before it that count. */
#define HERD_TIME_SECONDS   (HERD_TIME_HOLD_S + 1)
#define HERD_TIME_WORD_BITS 64
#define HERD_TIME_MS_NS     INT64_C(1000000)

static_assert(HERD_TIME_NODES_MAX < HERD_TIME_NONE && LINK_PEERS_MAX < HERD_TIME_NONE,
              "nodes and links have numbers of 16 bits");

/* What is said of a node's clock. All zero is nothing: no incarnation is 0. */
struct statement {
    uint64_t incarnation, step;
    int64_t offset_ns; /* of its wall to our monotonic clock */
    int64_t heard_ms;  /* when it spoke itself */
};
static_assert(sizeof(struct statement) == HERD_TIME_VOTE_BYTES, "what a vote takes for each link");

struct node {
    struct span name;
    uint16_t link; /* ours to it, or HERD_TIME_NONE */
    struct statement vote;
    int64_t told_offset_ns; /* as it was when all links were last to hear of a change */
};

/* Whether a clock is off, and what was said of that. */
struct alarm {
    bool is_told;
    int64_t far_ms;   /* since when it is further off than is trusted; HERD_TIME_NEVER: it is not */
    int64_t quiet_ms; /* it is not said again before */
};

struct link {
    uint16_t node;      /* at its other end; HERD_TIME_NONE: an observer */
    uint16_t turn;      /* the node of which it hears next */
    int64_t spoke_ms;   /* HERD_TIME_NEVER: not yet */
    uint64_t *unsaid;   /* a bit for each node of which it is to hear first */
    uint64_t last_step; /* of the last statement that the neighbour made of itself */
    uint64_t last_incarnation;
    int64_t last_wall_ns;
    int64_t since_ms; /* the halves of what it says of itself: when this one began, and the best */
    int64_t best_ns, best_before_ns;
    struct alarm alarm;
};

struct medians {
    int64_t low_ns, high_ns; /* offsets; HERD_TIME_NEVER where nobody votes */
};

struct herd_time {
    struct events *events;
    struct link_counters *count;
    char *names;
    struct node *nodes;
    uint16_t *by_name; /* their numbers in the order of the names' bytes */
    uint16_t node_count, link_count, own;
    struct link *links;
    uint64_t *unsaid;
    struct statement *said; /* of each node, over each link */
    int64_t *sorted;        /* the votes */
    int64_t fresh_ms;       /* by how much a statement may be older than the freshest */

    bool has_clock;
    uint64_t incarnation, step;
    int64_t own_ns, step_ns; /* offsets of our wall, and of what it was at the last step */
    bool stale;              /* a vote is not in the medians yet */
    int64_t reckoned_ms;
    int64_t judged_ms;
    uint32_t votes;
    bool has_met; /* a clock that is not ours has voted */
    struct medians now;
    struct medians held[HERD_TIME_SECONDS]; /* by seconds: the least and the greatest of each */
    int64_t second;                         /* the one that is not over */
    struct medians hold;                    /* the least and the greatest of them */
    struct alarm alarm;
};

/* The number of the node of that name, or HERD_TIME_NONE. */
uint16_t herd_time_find(const struct herd_time *time, struct span name);

/* ---- Numbers: others' clocks may show anything ------------------------------------------- */

static inline int64_t sum(int64_t a, int64_t b)
{
    int64_t sum;
    if (!__builtin_add_overflow(a, b, &sum))
        return sum;
    return b > 0 ? INT64_MAX : INT64_MIN;
}

static inline int64_t difference(int64_t a, int64_t b)
{
    int64_t difference;
    if (!__builtin_sub_overflow(a, b, &difference))
        return difference;
    return b < 0 ? INT64_MAX : INT64_MIN;
}

static inline uint64_t distance(int64_t a, int64_t b)
{
    return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t greatest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline int64_t mono_ns(int64_t now_ms)
{
    return now_ms * HERD_TIME_MS_NS;
}

static inline bool is_live(const struct link *link, int64_t now_ms)
{
    return link->spoke_ms != HERD_TIME_NEVER && now_ms - link->spoke_ms <= HERD_TIME_LIVE_MS;
}

static inline struct statement *said_at(const struct herd_time *time, uint16_t node, uint16_t link)
{
    return &time->said[(size_t)node * time->link_count + link];
}

/* V3: whatever is cut meanwhile. */
static inline bool is_known(const struct statement *vote, int64_t now_ms)
{
    return vote->incarnation != 0 && now_ms - vote->heard_ms < HERD_TIME_VOTE_MS;
}

#endif
