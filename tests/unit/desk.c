/* Questions and their answers: what is kept, joined, tried again, and never left unanswered. */
#include "tests/unit/desk_rig.h"

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
                CHECK_BYTES(order.body.data, order.body.len, wanted[bound], strlen(wanted[bound]));
            }
        }
        if (round == 1)
            break;
        EXPECT(0, "give first to A");
        done(LOOKUP_OK, BODY("x"), 1);
        for (int i = 0; i < 5; i++) {
            CHECK(desk_next(desk, 1, &order));
            size_t index = index_of(order.ticket);
            CHECK_BYTES(order.body.data, order.body.len, wanted[index], strlen(wanted[index]));
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
                out[out_count++].worker[0] = order.worker.data[0];
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
    {"1024 flights wait and 8192 askers, one more is busy", waiting_is_bounded},
    {"closed: no new ones; stopped: all are answered", closing_and_stopping},
    {"whatever happens, each is answered once and in time", whatever_happens_each_is_answered_once},
};

CHECK_MAIN(cases)
