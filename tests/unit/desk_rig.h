/* desk_rig: one desk and a worker called A, for tests.
 *
 * Orders are told as words, and time is what a case says it is. Questions are about one line of
 * latitude, two results each. */
#ifndef ZHERD_TESTS_UNIT_DESK_RIG_H
#define ZHERD_TESTS_UNIT_DESK_RIG_H

#include "placesd/dispatch/desk.h"

#include "placesd/dispatch/breaker.h"
#include "placesd/dispatch/cache.h"
#include "tests/check.h"

#define TIME_MS   1000
#define ANSWER_MS (TIME_MS - DESK_MARGIN_MS)
#define BODY(at)  "{\"html_attributions\":[],\"results\":[\"" at "\",\"b\",\"c\"],\"status\":\"OK\"}"

static struct desk *desk;
static uint64_t tickets[20000], job;
static size_t ticket_count, by_slot[DESK_ASKERS_MAX];
static struct lookup given;

static inline struct desk_options options(void)
{
    return (struct desk_options){
        .sources = {{"first", 10000, 100000, 0}},
        .source_count = 1,
        .seed = 42,
        .secret = "sixteen bytes..",
    };
}

static inline void start(struct desk_options chosen)
{
    ticket_count = 0;
    desk = desk_new(&chosen);
}

static inline struct lookup question(int64_t latitude)
{
    return (struct lookup){latitude, -5, 10000, 2, TIME_MS};
}

static inline bool ask(struct lookup lookup, int64_t now_ms)
{
    bool taken = desk_ask(desk, &lookup, now_ms, &tickets[ticket_count]);
    if (taken)
        by_slot[desk_slot(tickets[ticket_count])] = ticket_count;
    ticket_count += taken;
    return taken;
}

static inline size_t index_of(uint64_t ticket)
{
    size_t index = by_slot[desk_slot(ticket)];
    return index < ticket_count && tickets[index] == ticket ? index : SIZE_MAX;
}

/* The next order as a word: "give first to A", "answer 0 ok <first result>", "answer 1 late",
 * "-". `job` and `given` keep what is needed to answer. */
static inline const char *next(int64_t now_ms)
{
    static const char *const codes[] = {"ok",      "unavailable", "late",   "busy",
                                        "refused", "nonsense",    "invalid"};
    static char word[128];
    struct desk_order order;
    do {
        if (!desk_next(desk, now_ms, &order))
            return "-";
    } while (order.kind == DESK_PROBE || order.kind == DESK_LEFT);
    switch (order.kind) {
    case DESK_GIVE:
        job = order.job;
        given = order.lookup;
        snprintf(word, sizeof word, "give %s to %.*s", order.source, (int)order.worker.len,
                 order.worker.data);
        break;
    case DESK_ANSWER:
        snprintf(word, sizeof word, "answer %zu %s", index_of(order.ticket), codes[order.code]);
        if (order.code == LOOKUP_OK)
            snprintf(word + strlen(word), 3, " %.1s",
                     order.body.data + strlen("{\"html_attributions\":[],\"results\":[\""));
        break;
    default:
        snprintf(word, sizeof word, "%s %s", order.source,
                 order.kind == DESK_PAUSED ? "paused" : "resumed");
    }
    return word;
}

#define EXPECT(now_ms, wanted)                                                                     \
    do {                                                                                           \
        const char *expect_got = next(now_ms);                                                     \
        CHECK_BYTES(expect_got, strlen(expect_got), (wanted), strlen(wanted));                     \
    } while (0)

static inline void join_worker(const char *name, int64_t now_ms)
{
    desk_ready(desk, span_of(name), 100, now_ms);
}

static inline void done(enum lookup_code code, const char *body, int64_t now_ms)
{
    struct lookup_reply reply = {code, span_of(body)};
    desk_done(desk, span_of("A"), job, &reply, 0, now_ms);
}

static inline void fail(enum lookup_code code, int64_t now_ms)
{
    done(code, "{\"failure\":true}", now_ms);
}

static inline struct desk_options with_fallback(void)
{
    struct desk_options chosen = options();
    chosen.sources[0].cache_ms = chosen.sources[0].stale_ms = 0;
    chosen.sources[1] = (struct desk_source){"second", 10000, 100000, 0};
    chosen.source_count = 2;
    return chosen;
}

#endif
