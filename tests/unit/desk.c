#include "placesd/desk.h"

#include "placesd/breaker.h"
#include "placesd/cache.h"
#include "tests/check.h"

#define TIME_MS   1000
#define ANSWER_MS (TIME_MS - DESK_MARGIN_MS)
#define BODY(at)  "{\"html_attributions\":[],\"results\":[\"" at "\",\"b\",\"c\"],\"status\":\"OK\"}"

static struct desk *desk;
static uint64_t tickets[20000], job;
static size_t ticket_count, by_slot[DESK_ASKERS_MAX];
static struct lookup given;

static struct desk_options options(void)
{
    return (struct desk_options){
        .sources = {{"first", 10000, 100000, 0}},
        .source_count = 1,
        .seed = 42,
        .secret = "sixteen bytes..",
    };
}

static void start(struct desk_options chosen)
{
    ticket_count = 0;
    desk = desk_new(&chosen);
}

static struct lookup question(int64_t latitude)
{
    return (struct lookup){latitude, -5, 10000, 2, TIME_MS};
}

static bool ask(struct lookup lookup, int64_t now_ms)
{
    bool taken = desk_ask(desk, &lookup, now_ms, &tickets[ticket_count]);
    if (taken)
        by_slot[desk_slot(tickets[ticket_count])] = ticket_count;
    ticket_count += taken;
    return taken;
}

static size_t index_of(uint64_t ticket)
{
    size_t index = by_slot[desk_slot(ticket)];
    return index < ticket_count && tickets[index] == ticket ? index : SIZE_MAX;
}

/* The next order as a word: "give first to A", "answer 0 ok <first result>", "answer 1 late",
 * "-". `job` and `given` keep what is needed to answer. */
static const char *next(int64_t now_ms)
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
        snprintf(word, sizeof word, "give %s to %.*s", order.source, (int)order.worker.bytes,
                 order.worker.at);
        break;
    case DESK_ANSWER:
        snprintf(word, sizeof word, "answer %zu %s", index_of(order.ticket), codes[order.code]);
        if (order.code == LOOKUP_OK)
            snprintf(word + strlen(word), 3, " %.1s",
                     order.body.at + strlen("{\"html_attributions\":[],\"results\":[\""));
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

static void join_worker(const char *name, int64_t now_ms)
{
    desk_ready(desk, span_of(name), 100, now_ms);
}

static void done(enum lookup_code code, const char *body, int64_t now_ms)
{
    struct lookup_reply reply = {code, span_of(body)};
    desk_done(desk, span_of("A"), job, &reply, 0, now_ms);
}

static void fail(enum lookup_code code, int64_t now_ms)
{
    done(code, "{\"failure\":true}", now_ms);
}

/* ---- answers ---- */

static void answers_and_remembers(void)
{
    start(options());
    join_worker("A", 0);
    CHECK(ask(question(1), 0));
    EXPECT(0, "give first to A");
    EXPECT(0, "-");
    CHECK_INT(given.bound, LOOKUP_BOUND_MAX);
    CHECK_INT(given.latitude_nanodeg, 1);
    CHECK_INT(given.deadline_ms, ANSWER_MS - DESK_TRAVEL_MS);
    done(LOOKUP_OK, BODY("x"), 10);
    EXPECT(10, "answer 0 ok x");
    EXPECT(10, "-");
    CHECK(desk_is_idle(desk));
    CHECK(ask(question(1), 20)); /* the same again: no worker is needed */
    EXPECT(20, "answer 1 ok x");
    CHECK(ask(question(1), 10009));
    EXPECT(10009, "answer 2 ok x");
    join_worker("A", 10010);
    CHECK(ask(question(1), 10010)); /* its time is over */
    EXPECT(10010, "give first to A");
    CHECK_INT(desk_count(desk)->hits, 2);
    CHECK_INT(desk_count(desk)->requests[0], 2);
    desk_destroy(&desk);
    CHECK(desk == NULL);
    desk_destroy(&desk);
}

/* Each asker gets as many results as it wanted, of the one answer. */
static void cuts_to_each_bound(void)
{
    static const char *const wanted[] = {
        "{\"html_attributions\":[],\"results\":[],\"status\":\"OK\"}",
        "{\"html_attributions\":[],\"results\":[\"x\"],\"status\":\"OK\"}",
        "{\"html_attributions\":[],\"results\":[\"x\",\"b\"],\"status\":\"OK\"}",
        BODY("x"),
        BODY("x"),
    };
    start(options());
    join_worker("A", 0);
    struct desk_order order;
    for (int round = 0; round < 2; round++) {
        for (uint32_t bound = 0; bound < 5; bound++) {
            struct lookup lookup = question(1);
            lookup.bound = bound;
            CHECK(ask(lookup, 0));
            if (round == 1) {
                CHECK(desk_next(desk, 0, &order));
                CHECK_BYTES(order.body.at, order.body.bytes, wanted[bound], strlen(wanted[bound]));
            }
        }
        if (round == 1)
            break;
        EXPECT(0, "give first to A");
        done(LOOKUP_OK, BODY("x"), 1);
        for (int i = 0; i < 5; i++) {
            CHECK(desk_next(desk, 1, &order));
            size_t index = index_of(order.ticket);
            CHECK_BYTES(order.body.at, order.body.bytes, wanted[index], strlen(wanted[index]));
        }
    }
    desk_destroy(&desk);
}

static void thousand_equal_questions_are_one(void)
{
    struct desk_options chosen = options();
    chosen.sources[0].cache_ms = 0; /* as for those whose terms forbid to keep anything */
    start(chosen);
    join_worker("A", 0);
    for (int i = 0; i < 1000; i++)
        CHECK(ask(question(1), i / 100));
    EXPECT(9, "give first to A");
    EXPECT(9, "-");
    done(LOOKUP_OK, BODY("x"), 10);
    bool answered[1000] = {false};
    struct desk_order order;
    for (int i = 0; i < 1000; i++) {
        CHECK(desk_next(desk, 10, &order) && order.kind == DESK_ANSWER);
        size_t index = index_of(order.ticket);
        CHECK(index < 1000 && !answered[index]);
        answered[index % 1000] = true;
    }
    EXPECT(10, "-");
    CHECK_INT(desk_count(desk)->requests[0], 1);
    CHECK_INT(desk_count(desk)->joined, 999);
    CHECK(ask(question(1), 11)); /* nothing was kept */
    EXPECT(11, "give first to A");
    desk_destroy(&desk);
}

static void the_grid_joins_neighbours(void)
{
    struct desk_options chosen = options();
    chosen.grid_m = 100;
    start(chosen);
    join_worker("A", 0);
    ask(question(1), 0);
    ask(question(2), 0);
    EXPECT(0, "give first to A");
    EXPECT(0, "-");
    CHECK_INT(given.latitude_nanodeg, 0);
    CHECK_INT(given.longitude_nanodeg, 0);
    desk_destroy(&desk);
}

/* ---- time ---- */

static void each_asker_has_his_own_deadline(void)
{
    start(options());
    join_worker("A", 0);
    ask(question(1), 0);
    struct lookup hasty = question(1);
    hasty.deadline_ms = 100; /* 90 to be answered */
    ask(hasty, 10);
    EXPECT(10, "give first to A");
    CHECK_INT(desk_deadline_ms(desk), 100);
    EXPECT(99, "-");
    EXPECT(100, "answer 1 late");
    EXPECT(100, "-");
    done(LOOKUP_OK, BODY("x"), 200);
    EXPECT(200, "answer 0 ok x");
    desk_destroy(&desk);
}

/* The first one's time is over; the second one came later and asks again. */
static void who_came_later_asks_again(void)
{
    start(options());
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    join_worker("A", 800);
    ask(question(1), 800);
    EXPECT(ANSWER_MS - 1, "-");
    EXPECT(ANSWER_MS, "answer 0 late");
    EXPECT(ANSWER_MS, "give first to A");
    EXPECT(ANSWER_MS, "-");
    CHECK_INT(given.deadline_ms, 800 - DESK_TRAVEL_MS);
    join_worker("A", 1600);
    done(LOOKUP_OK, BODY("x"), 1600);
    EXPECT(1600, "answer 1 ok x");
    desk_destroy(&desk);
}

static void without_workers_unavailable(void)
{
    start(options());
    ask(question(1), 0);
    EXPECT(ANSWER_MS - 1, "-");
    EXPECT(ANSWER_MS, "answer 0 unavailable");
    EXPECT(ANSWER_MS, "-");
    CHECK_INT(desk_deadline_ms(desk), INT64_MAX);
    desk_destroy(&desk);
}

static void shortest_time_is_served(void)
{
    start(options());
    join_worker("A", 0);
    ask((struct lookup){0, 0, 0, 0, 1}, 0);
    EXPECT(0, "give first to A");
    CHECK_INT(given.deadline_ms, 1);
    EXPECT(1, "answer 0 late");
    desk_destroy(&desk);
}

/* ---- failures ---- */

static void failures_are_kept_shortly(void)
{
    start(options());
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    fail(LOOKUP_REFUSED, 10);
    EXPECT(10, "answer 0 refused");
    join_worker("A", 10 + DESK_FAILURE_MS - 1);
    ask(question(1), 10 + DESK_FAILURE_MS - 1);
    EXPECT(10 + DESK_FAILURE_MS - 1, "answer 1 refused");
    ask(question(1), 10 + DESK_FAILURE_MS);
    EXPECT(10 + DESK_FAILURE_MS, "give first to A");
    desk_destroy(&desk);
}

static void unavailable_is_tried_again(void)
{
    start(options());
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    fail(LOOKUP_UNAVAILABLE, 10);
    EXPECT(10, "-");
    int64_t again_ms = desk_deadline_ms(desk);
    CHECK(again_ms > 10 && again_ms <= 10 + DESK_PAUSE_MS);
    EXPECT(again_ms - 1, "-");
    EXPECT(again_ms, "give first to A");
    fail(LOOKUP_UNAVAILABLE, 300);
    EXPECT(300, "-");
    again_ms = desk_deadline_ms(desk);
    CHECK(again_ms > 300 && again_ms <= 300 + 2 * DESK_PAUSE_MS);
    EXPECT(again_ms, "give first to A");
    done(LOOKUP_OK, BODY("x"), 600);
    EXPECT(600, "answer 0 ok x");
    CHECK_INT(desk_count(desk)->retries, 2);
    /* The third failure is the last; others are not tried again at all. */
    ask(question(2), 600);
    EXPECT(600, "give first to A");
    for (int i = 0; i < 2; i++) {
        fail(LOOKUP_UNAVAILABLE, 600 + 250 * i);
        EXPECT(850 + 250 * i, "give first to A");
        EXPECT(850 + 250 * i, "-");
    }
    fail(LOOKUP_UNAVAILABLE, 1100);
    EXPECT(1100, "answer 1 unavailable");
    static const enum lookup_code never[] = {LOOKUP_REFUSED, LOOKUP_NONSENSE, LOOKUP_INVALID};
    static const char *const words[] = {"answer 3 refused", "answer 4 nonsense",
                                        "answer 5 invalid"};
    ask(question(9), 1200);
    EXPECT(1200, "give first to A");
    done(LOOKUP_OK, BODY("x"), 1200);
    EXPECT(1200, "answer 2 ok x");
    for (size_t i = 0; i < 3; i++) {
        ask(question(3 + (int64_t)i), 1200);
        EXPECT(1200, "give first to A");
        fail(never[i], 1200);
        EXPECT(1200, words[i]);
    }
    desk_destroy(&desk);
}

static void no_retry_without_time(void)
{
    start(options());
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    fail(LOOKUP_UNAVAILABLE, ANSWER_MS - 20);
    EXPECT(ANSWER_MS - 20, "answer 0 unavailable");
    desk_destroy(&desk);
}

static void retries_pause_differently(void)
{
    int64_t pauses_ms[5];
    start(options());
    join_worker("A", 0);
    for (int i = 0; i < 4; i++) {
        ask(question(i), 0);
        EXPECT(0, "give first to A");
        fail(LOOKUP_BUSY, 0);
        EXPECT(0, "-");
        pauses_ms[i] = desk_deadline_ms(desk);
        EXPECT(pauses_ms[i], "give first to A");
        done(LOOKUP_OK, BODY("x"), 0);
        next(0);
    }
    CHECK(pauses_ms[0] != pauses_ms[1] || pauses_ms[1] != pauses_ms[2] ||
          pauses_ms[2] != pauses_ms[3]);
    desk_destroy(&desk);
}

static void good_answers_help_in_need(void)
{
    start(options());
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    done(LOOKUP_OK, BODY("x"), 0);
    EXPECT(0, "answer 0 ok x");
    join_worker("A", 20000); /* past its best, but not past its end */
    ask(question(1), 20000);
    EXPECT(20000, "give first to A");
    fail(LOOKUP_NONSENSE, 20000);
    EXPECT(20000, "answer 1 ok x");
    CHECK_INT(desk_count(desk)->stale, 1);
    ask(question(1), 20000 + DESK_FAILURE_MS - 1); /* nobody is asked the same so soon */
    EXPECT(20000 + DESK_FAILURE_MS - 1, "answer 2 ok x");
    join_worker("A", 110000);
    ask(question(1), 110000);
    EXPECT(110000, "give first to A");
    fail(LOOKUP_NONSENSE, 110000);
    EXPECT(110000, "answer 3 nonsense");
    desk_destroy(&desk);
}

static void broken_answers_are_nonsense(void)
{
    start(options());
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    done(LOOKUP_OK, "{\"results\":[", 0);
    EXPECT(0, "answer 0 nonsense");
    desk_destroy(&desk);
}

/* ---- the breaker, the budget and the fallback ---- */

/* Five failures, each about another place. */
static void break_provider(int64_t now_ms)
{
    for (int i = 0; i < BREAKER_ROW_MAX; i++) {
        ask(question(1000 + i), now_ms);
        CHECK(strcmp(next(now_ms), "give first to A") == 0);
        fail(LOOKUP_REFUSED, now_ms);
        CHECK(strstr(next(now_ms), "refused") != NULL);
    }
}

static void broken_provider_is_left_alone(void)
{
    start(options());
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    done(LOOKUP_OK, BODY("x"), 0);
    EXPECT(0, "answer 0 ok x");
    join_worker("A", 15000);
    break_provider(15000);
    EXPECT(15000, "first paused");
    ask(question(2), 15000);
    EXPECT(15000, "answer 6 unavailable"); /* at once */
    ask(question(1), 15000);
    EXPECT(15000, "answer 7 ok x");
    EXPECT(15000, "-");
    join_worker("A", 20001);
    ask(question(3), 20001);
    ask(question(4), 20001);
    EXPECT(20001, "answer 9 unavailable"); /* one attempt at a time */
    EXPECT(20001, "give first to A");
    done(LOOKUP_OK, BODY("y"), 20001);
    EXPECT(20001, "answer 8 ok y");
    EXPECT(20001, "first resumed");
    ask(question(5), 20001);
    EXPECT(20001, "give first to A");
    desk_destroy(&desk);
}

static void an_attempt_that_is_lost_frees_the_way(void)
{
    start(options());
    join_worker("A", 0);
    break_provider(0);
    EXPECT(0, "first paused");
    join_worker("A", 5000);
    ask(question(3), 5000);
    EXPECT(5000, "give first to A");
    join_worker("A", 5900);
    EXPECT(5900, "answer 5 late"); /* the worker said nothing */
    ask(question(4), 5900);
    EXPECT(5900, "give first to A");
    desk_destroy(&desk);
}

static void rest_is_kept(void)
{
    start(options());
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    struct lookup_reply reply = {LOOKUP_REFUSED, span_of("{}")};
    desk_done(desk, span_of("A"), job, &reply, 2000, 0);
    EXPECT(0, "answer 0 refused");
    EXPECT(0, "first paused");
    ask(question(2), 1999);
    EXPECT(1999, "answer 1 unavailable");
    ask(question(3), 2000);
    EXPECT(2000, "first resumed");
    EXPECT(2000, "give first to A");
    desk_destroy(&desk);
}

static void budget_is_never_exceeded(void)
{
    struct desk_options chosen = options();
    chosen.sources[0].budget = 2;
    start(chosen);
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    desk_lose(desk, span_of("A"));
    join_worker("A", 1);
    EXPECT(1, "give first to A"); /* asked twice, perhaps */
    desk_lose(desk, span_of("A"));
    EXPECT(1, "answer 0 unavailable");
    join_worker("A", 2);
    ask(question(2), 2);
    EXPECT(2, "answer 1 busy");
    EXPECT(2, "-");
    join_worker("A", 86400001);
    ask(question(2), 86400001);
    EXPECT(86400001, "give first to A");
    ask(question(3), 86400001);
    EXPECT(86400001, "give first to A");
    desk_lose(desk, span_of("A"));
    join_worker("A", 86400001);
    EXPECT(86400001, "answer 2 busy"); /* in the order of the jobs; no third request for them */
    EXPECT(86400001, "answer 3 busy");
    EXPECT(86400001, "-");
    CHECK_INT(desk_count(desk)->requests[0], 4);
    desk_destroy(&desk);
}

static void what_was_not_asked_costs_no_budget(void)
{
    struct desk_options chosen = options();
    chosen.sources[0].budget = 1;
    start(chosen);
    ask(question(1), 0); /* no worker: never sent */
    EXPECT(ANSWER_MS, "answer 0 unavailable");
    join_worker("A", 2000);
    ask(question(2), 2000);
    EXPECT(2000, "give first to A");
    desk_destroy(&desk);
}

static struct desk_options with_fallback(void)
{
    struct desk_options chosen = options();
    chosen.sources[0].cache_ms = chosen.sources[0].stale_ms = 0;
    chosen.sources[1] = (struct desk_source){"second", 10000, 100000, 0};
    chosen.source_count = 2;
    return chosen;
}

static void fallback_answers_in_need(void)
{
    start(with_fallback());
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    fail(LOOKUP_REFUSED, 0);
    EXPECT(0, "give second to A");
    done(LOOKUP_OK, BODY("y"), 0);
    EXPECT(0, "answer 0 ok y");
    ask(question(1), 1); /* the first one may be well again */
    EXPECT(1, "give first to A");
    fail(LOOKUP_REFUSED, 1);
    EXPECT(1, "answer 1 ok y"); /* the second one said so lately */
    ask(question(2), 2);
    EXPECT(2, "give first to A");
    fail(LOOKUP_REFUSED, 2);
    EXPECT(2, "give second to A");
    fail(LOOKUP_NONSENSE, 2);
    EXPECT(2, "answer 2 nonsense");
    desk_destroy(&desk);
}

static void fallback_answers_for_the_broken(void)
{
    struct desk_options chosen = with_fallback();
    chosen.sources[0].budget = 1;
    start(chosen);
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    done(LOOKUP_OK, BODY("x"), 0);
    EXPECT(0, "answer 0 ok x");
    ask(question(2), 0);
    EXPECT(0, "give second to A");
    done(LOOKUP_OK, BODY("y"), 0);
    EXPECT(0, "answer 1 ok y");
    CHECK_INT(desk_count(desk)->requests[1], 1);
    desk_destroy(&desk);
}

/* Impatient askers do not make the provider look slow to everybody; patient ones do. */
static void impatience_is_no_fault(void)
{
    for (int patient = 0; patient < 2; patient++) {
        start(options());
        join_worker("A", 0);
        for (int i = 0; i < BREAKER_ROW_MAX; i++) {
            struct lookup lookup = question(i);
            lookup.deadline_ms = DESK_FAIR_MS + DESK_MARGIN_MS + (patient ? 0 : -1);
            ask(lookup, 0);
            EXPECT(0, "give first to A");
            fail(LOOKUP_LATE, DESK_FAIR_MS);
            CHECK(strstr(next(DESK_FAIR_MS), "late") != NULL);
        }
        EXPECT(DESK_FAIR_MS, patient ? "first paused" : "-");
        desk_destroy(&desk);
    }
}

/* ---- limits and the end ---- */

static void waiting_is_bounded(void)
{
    start(options());
    for (int i = 0; i < BALANCE_WAITING_MAX; i++) {
        CHECK(ask(question(i), 0));
        EXPECT(0, "-");
    }
    CHECK(ask(question(BALANCE_WAITING_MAX), 0));
    EXPECT(0, "answer 1024 busy");
    for (uint32_t i = BALANCE_WAITING_MAX; i < DESK_ASKERS_MAX; i++)
        CHECK(ask(question(7), 0)); /* who joins needs no place in the queue */
    CHECK(!ask(question(7), 0));
    desk_destroy(&desk);
}

static void closing_and_stopping(void)
{
    start(options());
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    uint64_t first = job;
    ask(question(2), 0);
    EXPECT(0, "give first to A");
    fail(LOOKUP_UNAVAILABLE, 0); /* pausing */
    ask(question(3), 0);
    EXPECT(0, "give first to A");
    desk_close(desk);
    ask(question(4), 0);
    EXPECT(0, "answer 3 unavailable");
    job = first;
    done(LOOKUP_OK, BODY("x"), 0);
    EXPECT(0, "answer 0 ok x");
    CHECK(!desk_is_idle(desk));
    desk_stop(desk);
    EXPECT(0, "answer 2 unavailable");
    EXPECT(0, "answer 1 unavailable");
    EXPECT(0, "-");
    CHECK(desk_is_idle(desk));
    desk_destroy(&desk);
}

/* ---- everything at once ---- */

static uint64_t dice = 3;

static uint32_t roll(uint32_t sides)
{
    dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(dice >> 33) % sides;
}

/* Random questions, answers, failures, losses and silences: each ticket is answered once and in
 * its time, and no provider is asked the same twice at a time. */
static void whatever_happens_each_is_answered_once(void)
{
    enum { STEPS = 60000, TICKETS = 20000, OUT = 512 };
    static int64_t due_ms[TICKETS];
    static bool answered[TICKETS];
    static struct {
        uint64_t job;
        char worker[2];
    } out[OUT];
    size_t out_count = 0;
    struct desk_options chosen = with_fallback();
    chosen.sources[0].cache_ms = 50;
    start(chosen);
    int64_t now_ms = 0;
    for (int step = 0; step < STEPS; step++) {
        now_ms += roll(4);
        char worker[2] = {(char)('A' + roll(3)), '\0'};
        uint32_t event = roll(10);
        if (event < 3) {
            desk_ready(desk, span_of(worker), roll(20), now_ms);
        } else if (event < 6 && ticket_count < TICKETS - 1) {
            struct lookup lookup = question(roll(200));
            lookup.deadline_ms = 1 + roll(2000);
            due_ms[ticket_count] = now_ms + lookup.deadline_ms;
            CHECK(ask(lookup, now_ms));
        } else if (event < 9 && out_count > 0) {
            size_t which = roll((uint32_t)out_count);
            enum lookup_code code = roll(3) > 0 ? LOOKUP_OK : (enum lookup_code)roll(7);
            struct lookup_reply reply = {code, span_of(BODY("z"))};
            desk_done(desk, span_of(out[which].worker), out[which].job, &reply,
                      roll(50) == 0 ? 100 : 0, now_ms);
            out[which] = out[--out_count];
        } else if (roll(100) == 0) {
            desk_lose(desk, span_of(worker));
        }
        struct desk_order order;
        while (desk_next(desk, now_ms, &order)) {
            if (order.kind == DESK_ANSWER) {
                size_t index = index_of(order.ticket);
                CHECK(index < ticket_count && !answered[index]);
                CHECK(now_ms <= due_ms[index] + 3); /* a step may be three late */
                answered[index] = true;
            } else if (order.kind == DESK_GIVE && out_count < OUT) {
                out[out_count].job = order.job;
                out[out_count++].worker[0] = order.worker.at[0];
            }
        }
    }
    desk_stop(desk);
    struct desk_order order;
    while (desk_next(desk, now_ms, &order)) {
        if (order.kind == DESK_ANSWER)
            answered[index_of(order.ticket)] = true;
    }
    CHECK(ticket_count > 10000);
    for (size_t i = 0; i < ticket_count; i++)
        CHECK(answered[i]);
    CHECK(desk_is_idle(desk));
    desk_destroy(&desk);
}

static const struct check_case cases[] = {
    {"an answer is kept and given again without a worker", answers_and_remembers},
    {"each gets as many results as asked for", cuts_to_each_bound},
    {"a thousand equal questions are one request", thousand_equal_questions_are_one},
    {"the grid makes neighbours one question", the_grid_joins_neighbours},
    {"who has less time than the flight is late alone", each_asker_has_his_own_deadline},
    {"who came later asks again when the first is late", who_came_later_asks_again},
    {"without workers: unavailable, in time", without_workers_unavailable},
    {"a millisecond is a deadline, too", shortest_time_is_served},
    {"a failure answers the same question for a while", failures_are_kept_shortly},
    {"unavailable is tried again twice, nothing else is", unavailable_is_tried_again},
    {"no second attempt without time for it", no_retry_without_time},
    {"attempts do not come in step", retries_pause_differently},
    {"a kept answer stands in for a failure", good_answers_help_in_need},
    {"a worker's broken answer is nonsense", broken_answers_are_nonsense},
    {"a provider that fails is left alone, then tried", broken_provider_is_left_alone},
    {"an attempt that is lost lets another one try", an_attempt_that_is_lost_frees_the_way},
    {"a provider's wish for rest is kept", rest_is_kept},
    {"the budget is never exceeded, whoever is lost", budget_is_never_exceeded},
    {"a question that was never sent costs no budget", what_was_not_asked_costs_no_budget},
    {"the fallback answers where the provider fails", fallback_answers_in_need},
    {"the fallback answers where the provider may not be asked", fallback_answers_for_the_broken},
    {"a provider is blamed only for what it had time for", impatience_is_no_fault},
    {"1024 flights wait and 8192 askers, one more is busy", waiting_is_bounded},
    {"closed: no new ones; stopped: all are answered", closing_and_stopping},
    {"whatever happens, each is answered once and in time", whatever_happens_each_is_answered_once},
};

CHECK_MAIN(cases)
