/* Questions and their answers: what is kept, joined, tried again, and never left unanswered. */
#include "tests/unit/dispatcher_rig.h"

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
    CHECK_INT(given.deadline_ms, ANSWER_MS - DISPATCHER_TRAVEL_MS);
    done(LOOKUP_OK, BODY("x"), 10);
    EXPECT(10, "answer 0 ok x");
    EXPECT(10, "-");
    CHECK(dispatcher_is_idle(dispatcher));
    CHECK(ask(question(1), 20)); /* the same again: no worker is needed */
    EXPECT(20, "answer 1 ok x");
    CHECK(ask(question(1), 10009));
    EXPECT(10009, "answer 2 ok x");
    join_worker("A", 10010);
    CHECK(ask(question(1), 10010)); /* its time is over */
    EXPECT(10010, "give first to A");
    CHECK_INT(dispatcher_count(dispatcher)->hits, 2);
    CHECK_INT(dispatcher_count(dispatcher)->requests[0], 2);
    dispatcher_destroy(&dispatcher);
    CHECK(dispatcher == NULL);
    dispatcher_destroy(&dispatcher);
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
    struct dispatcher_action action;
    for (int round = 0; round < 2; round++) {
        for (uint32_t bound = 0; bound < 5; bound++) {
            struct lookup lookup = question(1);
            lookup.bound = bound;
            CHECK(ask(lookup, 0));
            if (round == 1) {
                CHECK(dispatcher_next(dispatcher, 0, &action));
                CHECK_BYTES(action.body.data, action.body.len, wanted[bound],
                            strlen(wanted[bound]));
            }
        }
        if (round == 1)
            break;
        EXPECT(0, "give first to A");
        done(LOOKUP_OK, BODY("x"), 1);
        for (int i = 0; i < 5; i++) {
            CHECK(dispatcher_next(dispatcher, 1, &action));
            size_t index = index_of(action.ticket);
            CHECK_BYTES(action.body.data, action.body.len, wanted[index], strlen(wanted[index]));
        }
    }
    dispatcher_destroy(&dispatcher);
}

static void thousand_equal_questions_are_one(void)
{
    struct dispatcher_options chosen = options();
    chosen.sources[0].cache_ms = 0; /* as for those whose terms forbid to keep anything */
    start(chosen);
    join_worker("A", 0);
    for (int i = 0; i < 1000; i++)
        CHECK(ask(question(1), i / 100));
    EXPECT(9, "give first to A");
    EXPECT(9, "-");
    done(LOOKUP_OK, BODY("x"), 10);
    bool answered[1000] = {false};
    struct dispatcher_action action;
    for (int i = 0; i < 1000; i++) {
        CHECK(dispatcher_next(dispatcher, 10, &action) && action.kind == DISPATCHER_ANSWER);
        size_t index = index_of(action.ticket);
        CHECK(index < 1000 && !answered[index]);
        answered[index % 1000] = true;
    }
    EXPECT(10, "-");
    CHECK_INT(dispatcher_count(dispatcher)->requests[0], 1);
    CHECK_INT(dispatcher_count(dispatcher)->joined, 999);
    CHECK(ask(question(1), 11)); /* nothing was kept */
    EXPECT(11, "give first to A");
    dispatcher_destroy(&dispatcher);
}

static void the_grid_joins_neighbours(void)
{
    struct dispatcher_options chosen = options();
    chosen.grid_m = 100;
    start(chosen);
    join_worker("A", 0);
    ask(question(1), 0);
    ask(question(2), 0);
    EXPECT(0, "give first to A");
    EXPECT(0, "-");
    CHECK_INT(given.latitude_nanodeg, 0);
    CHECK_INT(given.longitude_nanodeg, 0);
    dispatcher_destroy(&dispatcher);
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
    CHECK_INT(dispatcher_deadline_ms(dispatcher), 100);
    EXPECT(99, "-");
    EXPECT(100, "answer 1 late");
    EXPECT(100, "-");
    done(LOOKUP_OK, BODY("x"), 200);
    EXPECT(200, "answer 0 ok x");
    dispatcher_destroy(&dispatcher);
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
    CHECK_INT(given.deadline_ms, 800 - DISPATCHER_TRAVEL_MS);
    join_worker("A", 1600);
    done(LOOKUP_OK, BODY("x"), 1600);
    EXPECT(1600, "answer 1 ok x");
    dispatcher_destroy(&dispatcher);
}

static void without_workers_unavailable(void)
{
    start(options());
    ask(question(1), 0);
    EXPECT(ANSWER_MS - 1, "-");
    EXPECT(ANSWER_MS, "answer 0 unavailable");
    EXPECT(ANSWER_MS, "-");
    CHECK_INT(dispatcher_deadline_ms(dispatcher), INT64_MAX);
    dispatcher_destroy(&dispatcher);
}

static void shortest_time_is_served(void)
{
    start(options());
    join_worker("A", 0);
    ask((struct lookup){0, 0, 0, 0, 1}, 0);
    EXPECT(0, "give first to A");
    CHECK_INT(given.deadline_ms, 1);
    EXPECT(1, "answer 0 late");
    dispatcher_destroy(&dispatcher);
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
    join_worker("A", 10 + DISPATCHER_FAILURE_MS - 1);
    ask(question(1), 10 + DISPATCHER_FAILURE_MS - 1);
    EXPECT(10 + DISPATCHER_FAILURE_MS - 1, "answer 1 refused");
    ask(question(1), 10 + DISPATCHER_FAILURE_MS);
    EXPECT(10 + DISPATCHER_FAILURE_MS, "give first to A");
    dispatcher_destroy(&dispatcher);
}

static void unavailable_is_tried_again(void)
{
    start(options());
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    fail(LOOKUP_UNAVAILABLE, 10);
    EXPECT(10, "-");
    int64_t again_ms = dispatcher_deadline_ms(dispatcher);
    CHECK(again_ms > 10 && again_ms <= 10 + DISPATCHER_PAUSE_MS);
    EXPECT(again_ms - 1, "-");
    EXPECT(again_ms, "give first to A");
    fail(LOOKUP_UNAVAILABLE, 300);
    EXPECT(300, "-");
    again_ms = dispatcher_deadline_ms(dispatcher);
    CHECK(again_ms > 300 && again_ms <= 300 + 2 * DISPATCHER_PAUSE_MS);
    EXPECT(again_ms, "give first to A");
    done(LOOKUP_OK, BODY("x"), 600);
    EXPECT(600, "answer 0 ok x");
    CHECK_INT(dispatcher_count(dispatcher)->retries, 2);
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
    static const enum lookup_code never[] = {LOOKUP_REFUSED, LOOKUP_BAD_REPLY, LOOKUP_INVALID};
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
    dispatcher_destroy(&dispatcher);
}

static void no_retry_without_time(void)
{
    start(options());
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    fail(LOOKUP_UNAVAILABLE, ANSWER_MS - 20);
    EXPECT(ANSWER_MS - 20, "answer 0 unavailable");
    dispatcher_destroy(&dispatcher);
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
        pauses_ms[i] = dispatcher_deadline_ms(dispatcher);
        EXPECT(pauses_ms[i], "give first to A");
        done(LOOKUP_OK, BODY("x"), 0);
        next(0);
    }
    CHECK(pauses_ms[0] != pauses_ms[1] || pauses_ms[1] != pauses_ms[2] ||
          pauses_ms[2] != pauses_ms[3]);
    dispatcher_destroy(&dispatcher);
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
    fail(LOOKUP_BAD_REPLY, 20000);
    EXPECT(20000, "answer 1 ok x");
    CHECK_INT(dispatcher_count(dispatcher)->stale, 1);
    ask(question(1), 20000 + DISPATCHER_FAILURE_MS - 1); /* no worker is asked the same so soon */
    EXPECT(20000 + DISPATCHER_FAILURE_MS - 1, "answer 2 ok x");
    join_worker("A", 110000);
    ask(question(1), 110000);
    EXPECT(110000, "give first to A");
    fail(LOOKUP_BAD_REPLY, 110000);
    EXPECT(110000, "answer 3 nonsense");
    dispatcher_destroy(&dispatcher);
}

static void broken_answers_are_nonsense(void)
{
    start(options());
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    done(LOOKUP_OK, "{\"results\":[", 0);
    EXPECT(0, "answer 0 nonsense");
    dispatcher_destroy(&dispatcher);
}

/* ---- limits and the end ---- */

static void waiting_is_bounded(void)
{
    start(options());
    for (int i = 0; i < BALANCE_WAITING_MAX / 2; i++) {
        CHECK(ask(question(i), 0));
        EXPECT(0, "-");
    }
    CHECK(ask(question(BALANCE_WAITING_MAX / 2), 0));
    EXPECT(0, "answer 512 busy");
    for (uint32_t i = BALANCE_WAITING_MAX / 2; i < DISPATCHER_WAITERS_MAX / 2; i++)
        CHECK(ask(question(7), 0)); /* who joins needs no place in the queue */
    CHECK(!ask(question(7), 0));
    CHECK(ask_as(2, question(7), 0));
    dispatcher_destroy(&dispatcher);
}

/* The greedy one asked first, and 511 times more than the other. */
static void a_greedy_asker_holds_nobody_up(void)
{
    start(options());
    for (int i = 0; i < BALANCE_WAITING_MAX / 2; i++)
        ask_as(1, question(i), 0);
    CHECK(ask_as(2, question(10000), 0)); /* 512 */
    CHECK(ask_as(2, question(400), 0));   /* which the other asked, too */
    dispatcher_ready(dispatcher, span_of("A"), 1, 0);
    static const int64_t wanted[] = {0, 10000, 1, 400};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        EXPECT(0, "give first to A");
        CHECK_INT(given.latitude_nanodeg, wanted[i]);
        done(LOOKUP_OK, BODY("x"), 0);
        for (int waiters = given.latitude_nanodeg == 400 ? 2 : 1; waiters > 0; waiters--)
            CHECK(strncmp(next(0), "answer ", 7) == 0);
    }
    dispatcher_destroy(&dispatcher);
}

/* Beyond the last place all share one. */
static void who_has_no_place_shares_one(void)
{
    start(options());
    for (uint64_t asker = 1; asker < SHARE_ASKERS_MAX; asker++)
        CHECK(ask_as(asker, question(7), 0));
    uint32_t left = DISPATCHER_WAITERS_MAX - (SHARE_ASKERS_MAX - 1), shared = 0;
    while (ask_as(shared % 2 == 0 ? 1000 : 1001, question(7), 0))
        shared++;
    CHECK_INT(shared, (left + 1) / 2); /* not a third for each of the two */
    CHECK(!ask_as(1002, question(7), 0) && !ask_as(0, question(7), 0));
    CHECK(ask_as(SHARE_ASKERS_MAX - 1, question(7), 0));
    dispatcher_destroy(&dispatcher);
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
    dispatcher_close(dispatcher);
    ask(question(4), 0);
    EXPECT(0, "answer 3 unavailable");
    job = first;
    done(LOOKUP_OK, BODY("x"), 0);
    EXPECT(0, "answer 0 ok x");
    CHECK(!dispatcher_is_idle(dispatcher));
    dispatcher_stop(dispatcher);
    EXPECT(0, "answer 2 unavailable");
    EXPECT(0, "answer 1 unavailable");
    EXPECT(0, "-");
    CHECK(dispatcher_is_idle(dispatcher));
    dispatcher_destroy(&dispatcher);
}

/* ---- everything at once ---- */

static uint64_t rng = 3;

static uint32_t roll(uint32_t sides)
{
    rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(rng >> 33) % sides;
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
    struct dispatcher_options chosen = with_fallback();
    chosen.sources[0].cache_ms = 50;
    start(chosen);
    int64_t now_ms = 0;
    for (int step = 0; step < STEPS; step++) {
        now_ms += roll(4);
        char worker[2] = {(char)('A' + roll(3)), '\0'};
        uint32_t event = roll(10);
        if (event < 3) {
            dispatcher_ready(dispatcher, span_of(worker), roll(20), now_ms);
        } else if (event < 6 && ticket_count < TICKETS - 1) {
            struct lookup lookup = question(roll(200));
            lookup.deadline_ms = 1 + roll(2000);
            due_ms[ticket_count] = now_ms + lookup.deadline_ms;
            CHECK(ask(lookup, now_ms));
        } else if (event < 9 && out_count > 0) {
            size_t which = roll((uint32_t)out_count);
            enum lookup_code code = roll(3) > 0 ? LOOKUP_OK : (enum lookup_code)roll(7);
            struct lookup_reply reply = {code, span_of(BODY("z"))};
            dispatcher_done(dispatcher, span_of(out[which].worker), out[which].job, &reply,
                            roll(50) == 0 ? 100 : 0, now_ms);
            out[which] = out[--out_count];
        } else if (roll(100) == 0) {
            dispatcher_lose(dispatcher, span_of(worker));
        }
        struct dispatcher_action action;
        while (dispatcher_next(dispatcher, now_ms, &action)) {
            if (action.kind == DISPATCHER_ANSWER) {
                size_t index = index_of(action.ticket);
                CHECK(index < ticket_count && !answered[index]);
                CHECK(now_ms <= due_ms[index] + 3); /* a step may be three late */
                answered[index] = true;
            } else if (action.kind == DISPATCHER_GIVE && out_count < OUT) {
                out[out_count].job = action.job;
                out[out_count++].worker[0] = action.worker.data[0];
            }
        }
    }
    dispatcher_stop(dispatcher);
    struct dispatcher_action action;
    while (dispatcher_next(dispatcher, now_ms, &action)) {
        if (action.kind == DISPATCHER_ANSWER)
            answered[index_of(action.ticket)] = true;
    }
    CHECK(ticket_count > 10000);
    for (size_t i = 0; i < ticket_count; i++)
        CHECK(answered[i]);
    CHECK(dispatcher_is_idle(dispatcher));
    dispatcher_destroy(&dispatcher);
}

static struct lookup_figures figures_at(int64_t now_ms)
{
    struct lookup_figures figures = {0};
    struct buffer bytes = {0};
    dispatcher_write_figures(dispatcher, now_ms, &bytes);
    CHECK(lookup_read_figures((struct span){bytes.data, bytes.len}, &figures));
    buffer_free(&bytes);
    return figures;
}

static void it_says_how_it_is(void)
{
    struct dispatcher_options chosen = options();
    chosen.sources[0].budget = 1000;
    start(chosen);
    CHECK_INT(figures_at(0).workers, 0);
    join_worker("A", 0);
    CHECK(ask(question(1), 0) && ask(question(1), 0));
    next(0);
    done(LOOKUP_OK, BODY("x"), 10);
    while (strcmp(next(10), "-") != 0)
        continue;
    CHECK(ask(question(1), 20));
    next(20);
    dispatcher_locate(dispatcher, span_of("A"), span_of("192.0.2.1"));
    dispatcher_locate(dispatcher, span_of("nobody"), span_of("192.0.2.2"));
    struct lookup_figures figures = figures_at(20);
    CHECK(figures.host_count == 1 && figures.hosts[0].workers == 1);
    CHECK(strcmp(figures.hosts[0].address, "192.0.2.1") == 0);
    CHECK(figures.asked == 3 && figures.hits == 1 && figures.joined == 1 && figures.stale == 0);
    CHECK(figures.failures == 0 && figures.workers == 1 && figures.paused_ms == 0);
    CHECK(figures.spent == 1 && figures.budget == 1000);
    CHECK(figures.kept == 1 && figures.kept_bytes > 0);
    struct dispatcher_view view;
    dispatcher_look(dispatcher, 20, &view);
    CHECK(view.source_count == 1 && strcmp(view.sources[0].name, "first") == 0);
    CHECK(view.sources[0].requests == 1 && view.questions == 0 && !view.closed);
    CHECK_INT(view.count->answers[LOOKUP_OK], 3);
    /* From 0 to 10, rounded up: the clock's milliseconds may be nearly eleven. */
    CHECK_INT(view.sources[0].took[LOOKUP_OK].sum_ns, 11000000);
    CHECK_INT(figures_at(20 + QUOTA_DAY_MS).spent, 0);
    for (int i = 0; i < BREAKER_ROW_MAX; i++) {
        CHECK(ask(question(10 + i), 30));
        next(30);
        fail(LOOKUP_REFUSED, 30);
        while (strcmp(next(30), "-") != 0)
            continue;
    }
    CHECK_INT(figures_at(30).failures, BREAKER_ROW_MAX);
    CHECK_INT(figures_at(1030).paused_ms, BREAKER_PAUSE_MS_MIN - 1000);
    dispatcher_lose(dispatcher, span_of("A"));
    CHECK_INT(figures_at(40).workers, 0);
    dispatcher_destroy(&dispatcher);
}

static const struct check_case cases[] = {
    {"it says how it is", it_says_how_it_is},
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
    {"512 flights and 4096 questions of one asker wait, one more is busy", waiting_is_bounded},
    {"a greedy asker holds nobody up", a_greedy_asker_holds_nobody_up},
    {"who has no place shares one", who_has_no_place_shares_one},
    {"closed: no new ones; stopped: all are answered", closing_and_stopping},
    {"whatever happens, each is answered once and in time", whatever_happens_each_is_answered_once},
};

CHECK_MAIN(cases)
