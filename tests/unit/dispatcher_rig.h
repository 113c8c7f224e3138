/* dispatcher_rig: one dispatcher and a worker called A, for tests.
 *
 * Orders are shown as words, and time is what a case says it is. Questions are about one line of
 * latitude, two results each. */
#ifndef ZHERD_TESTS_UNIT_DISPATCHER_RIG_H
#define ZHERD_TESTS_UNIT_DISPATCHER_RIG_H

#include "placesd/dispatch/dispatcher.h"

#include "placesd/dispatch/cache.h"
#include "placesd/dispatch/limiter.h"
#include "tests/check.h"

#define TIME_MS   1000
#define ANSWER_MS (TIME_MS - DISPATCHER_MARGIN_MS)
#define BODY(at)  "{\"html_attributions\":[],\"results\":[\"" at "\",\"b\",\"c\"],\"status\":\"OK\"}"

static struct dispatcher *dispatcher;
static uint64_t tickets[20000], job;
static size_t ticket_count, by_slot[DISPATCHER_WAITERS_MAX];
static struct lookup given;

static inline struct dispatcher_options options(void)
{
    return (struct dispatcher_options){
        .sources = {{"first", 10000, 100000, 0, NULL}},
        .source_count = 1,
        .nodes = 1,
        .seed = 42,
        .secret = "sixteen bytes..",
    };
}

static inline void start(struct dispatcher_options chosen)
{
    ticket_count = 0;
    dispatcher = dispatcher_new(&chosen);
}

static inline struct lookup question(int64_t latitude)
{
    return (struct lookup){latitude, -5, 10000, 2, TIME_MS};
}

static inline bool ask_as(uint64_t asker, struct lookup lookup, int64_t now_ms)
{
    bool taken = dispatcher_ask(dispatcher, asker, &lookup, now_ms, &tickets[ticket_count]);
    if (taken)
        by_slot[dispatcher_slot(tickets[ticket_count])] = ticket_count;
    ticket_count += taken;
    return taken;
}

static inline bool ask(struct lookup lookup, int64_t now_ms)
{
    return ask_as(1, lookup, now_ms);
}

static inline size_t index_of(uint64_t ticket)
{
    size_t index = by_slot[dispatcher_slot(ticket)];
    return index < ticket_count && tickets[index] == ticket ? index : SIZE_MAX;
}

/* The next action as a word: "give first to A", "answer 0 ok <first result>", "answer 1 late",
 * "-". `job` and `given` keep what is needed to answer. */
static inline const char *next(int64_t now_ms)
{
    static const char *const codes[] = {"ok",      "unavailable", "late",   "busy",
                                        "refused", "nonsense",    "invalid"};
    static char word[128];
    struct dispatcher_action action;
    do {
        if (!dispatcher_next(dispatcher, now_ms, &action))
            return "-";
    } while (action.kind == DISPATCHER_PROBE || action.kind == DISPATCHER_LEFT);
    switch (action.kind) {
    case DISPATCHER_GIVE:
        job = action.job;
        given = action.lookup;
        snprintf(word, sizeof word, "give %s to %.*s", action.source, (int)action.worker.len,
                 action.worker.data);
        break;
    case DISPATCHER_ANSWER:
        snprintf(word, sizeof word, "answer %zu %s", index_of(action.ticket), codes[action.code]);
        if (action.code == LOOKUP_OK)
            snprintf(word + strlen(word), 3, " %.1s",
                     action.body.data + strlen("{\"html_attributions\":[],\"results\":[\""));
        break;
    case DISPATCHER_SPENDS:
        snprintf(word, sizeof word, "%s spent %u of %u of the %s", action.source,
                 action.budget.used, action.budget.max, action.budget.of_hour ? "hour" : "day");
        break;
    default:
        snprintf(word, sizeof word, "%s %s", action.source,
                 action.kind == DISPATCHER_PAUSED ? "paused" : "resumed");
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
    dispatcher_ready(dispatcher, span_of(name), 100, now_ms);
}

static inline void done(enum lookup_code code, const char *body, int64_t now_ms)
{
    struct lookup_reply reply = {code, span_of(body)};
    dispatcher_done(dispatcher, span_of("A"), job, &reply, 0, now_ms);
}

static inline void fail(enum lookup_code code, int64_t now_ms)
{
    done(code, "{\"failure\":true}", now_ms);
}

static inline struct dispatcher_options with_fallback(void)
{
    struct dispatcher_options chosen = options();
    chosen.sources[0].cache_ms = chosen.sources[0].stale_ms = 0;
    chosen.sources[1] = (struct dispatcher_source){"second", 10000, 100000, 0, NULL};
    chosen.source_count = 2;
    return chosen;
}

#endif
