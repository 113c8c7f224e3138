/* Providers in trouble: whom the dispatcher asks, how often, and who stands in. */
#include "tests/unit/dispatcher_rig.h"

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
    dispatcher_destroy(&dispatcher);
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
    dispatcher_destroy(&dispatcher);
}

static void rest_is_kept(void)
{
    start(options());
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    struct lookup_reply reply = {LOOKUP_REFUSED, span_of("{}")};
    dispatcher_done(dispatcher, span_of("A"), job, &reply, 2000, 0);
    EXPECT(0, "answer 0 refused");
    EXPECT(0, "first paused");
    ask(question(2), 1999);
    EXPECT(1999, "answer 1 unavailable");
    ask(question(3), 2000);
    EXPECT(2000, "first resumed");
    EXPECT(2000, "give first to A");
    dispatcher_destroy(&dispatcher);
}

/* Two an hour, and a job that a second worker gets counts twice. */
static void budget_is_never_exceeded(void)
{
    struct dispatcher_options chosen = options();
    chosen.sources[0].budget = 2 * QUOTA_HOUR_PARTS;
    start(chosen);
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    dispatcher_lose(dispatcher, span_of("A"));
    join_worker("A", 1);
    EXPECT(1, "give first to A"); /* asked twice, perhaps */
    EXPECT(1, "first spent 2 of 2 of the hour");
    dispatcher_lose(dispatcher, span_of("A"));
    EXPECT(1, "answer 0 unavailable");
    join_worker("A", 2);
    ask(question(2), 2);
    EXPECT(2, "answer 1 busy");
    EXPECT(2, "-");
    join_worker("A", QUOTA_HOUR_MS);
    ask(question(2), QUOTA_HOUR_MS);
    EXPECT(QUOTA_HOUR_MS, "give first to A");
    ask(question(3), QUOTA_HOUR_MS);
    EXPECT(QUOTA_HOUR_MS, "first spent 2 of 2 of the hour");
    EXPECT(QUOTA_HOUR_MS, "give first to A");
    dispatcher_lose(dispatcher, span_of("A"));
    join_worker("A", QUOTA_HOUR_MS);
    EXPECT(QUOTA_HOUR_MS, "answer 2 busy"); /* in the order of the jobs; no third request */
    EXPECT(QUOTA_HOUR_MS, "answer 3 busy");
    EXPECT(QUOTA_HOUR_MS, "-");
    CHECK_INT(dispatcher_count(dispatcher)->requests[0], 4);
    dispatcher_destroy(&dispatcher);
}

/* Two nodes, eight an hour, of which each has two for itself. */
static void a_greedy_node_leaves_the_other_its_share(void)
{
    struct dispatcher_options chosen = options();
    chosen.sources[0].budget = 8 * QUOTA_HOUR_PARTS;
    chosen.nodes = 2;
    start(chosen);
    join_worker("A", 0);
    for (int i = 0; i < 6; i++) {
        ask_as(1, question(i), 0);
        EXPECT(0, "give first to A");
    }
    ask_as(1, question(6), 0);
    EXPECT(0, "answer 6 busy");
    EXPECT(0, "first spent 6 of 8 of the hour");
    for (int i = 7; i < 9; i++) {
        ask_as(2, question(i), 0);
        EXPECT(0, "give first to A");
    }
    ask_as(2, question(9), 0);
    EXPECT(0, "answer 9 busy");
    dispatcher_destroy(&dispatcher);
}

static void a_budget_survives_the_dispatcher(void)
{
    char text[QUOTA_TEXT_BYTES_MAX];
    struct dispatcher_options chosen = options();
    chosen.sources[0].budget = 1;
    start(chosen);
    join_worker("A", 0);
    CHECK(!dispatcher_write_budget(dispatcher, 0, 50, text));
    ask(question(1), 0);
    EXPECT(0, "first spent 1 of 1 of the day");
    EXPECT(0, "give first to A");
    CHECK(dispatcher_write_budget(dispatcher, 0, 50, text));
    dispatcher_destroy(&dispatcher);
    start(chosen);
    CHECK(dispatcher_read_budget(dispatcher, span_of(text), 7, 60));
    join_worker("A", 7);
    ask(question(1), 7);
    EXPECT(7, "answer 0 busy");
    EXPECT(7, "first spent 1 of 1 of the day");
    dispatcher_destroy(&dispatcher);
}

static void what_was_not_asked_costs_no_budget(void)
{
    struct dispatcher_options chosen = options();
    chosen.sources[0].budget = 1;
    start(chosen);
    ask(question(1), 0); /* no worker: never sent */
    EXPECT(0, "first spent 1 of 1 of the day");
    EXPECT(ANSWER_MS, "answer 0 unavailable");
    join_worker("A", 2000);
    ask(question(2), 2000);
    EXPECT(2000, "give first to A");
    dispatcher_destroy(&dispatcher);
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
    fail(LOOKUP_BAD_REPLY, 2);
    EXPECT(2, "answer 2 nonsense");
    dispatcher_destroy(&dispatcher);
}

static void fallback_answers_for_the_broken(void)
{
    struct dispatcher_options chosen = with_fallback();
    chosen.sources[0].budget = 1;
    start(chosen);
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "first spent 1 of 1 of the day");
    EXPECT(0, "give first to A");
    done(LOOKUP_OK, BODY("x"), 0);
    EXPECT(0, "answer 0 ok x");
    ask(question(2), 0);
    EXPECT(0, "give second to A");
    done(LOOKUP_OK, BODY("y"), 0);
    EXPECT(0, "answer 1 ok y");
    CHECK_INT(dispatcher_count(dispatcher)->requests[1], 1);
    dispatcher_destroy(&dispatcher);
}

/* One attempt of the look-up about place `at` fails; the next one, if there is one, is given. */
static void fail_attempts(int64_t at, int attempts, int64_t *now_ms)
{
    ask(question(at), *now_ms);
    for (int i = 0; i < attempts; i++) {
        join_worker("A", *now_ms);
        EXPECT(*now_ms, "give first to A");
        fail(LOOKUP_UNAVAILABLE, *now_ms);
        if (i + 1 < attempts) {
            EXPECT(*now_ms, "-");
            *now_ms = dispatcher_deadline_ms(dispatcher);
        }
    }
    CHECK(strstr(next(*now_ms), "unavailable") != NULL);
}

/* Four look-ups with two second attempts each are four failures, the fifth one is the fifth. */
static void retries_are_one_lookup(void)
{
    start(options());
    join_worker("A", 0);
    int64_t now_ms = 0;
    for (int64_t i = 0; i < BREAKER_ROW_MAX - 1; i++)
        fail_attempts(i, 1 + DISPATCHER_RETRIES_MAX, &now_ms);
    EXPECT(now_ms, "-");
    CHECK_INT(dispatcher_count(dispatcher)->retries,
              (BREAKER_ROW_MAX - 1) * DISPATCHER_RETRIES_MAX);
    fail_attempts(BREAKER_ROW_MAX, 3, &now_ms);
    EXPECT(now_ms, "first paused");
    dispatcher_destroy(&dispatcher);
}

/* An attempt that failed counts, also where the next one has too little time to say anything. */
static void a_late_second_attempt_excuses_nobody(void)
{
    start(options());
    int64_t begin_ms = 0, end_ms = 0;
    for (int64_t i = 0; i < BREAKER_ROW_MAX; i++, begin_ms = end_ms) {
        join_worker("A", begin_ms);
        ask(question(i), begin_ms);
        EXPECT(begin_ms, "give first to A");
        fail(LOOKUP_UNAVAILABLE, begin_ms);
        EXPECT(begin_ms, "-");
        EXPECT(begin_ms + DISPATCHER_PAUSE_MS, "give first to A");
        end_ms = begin_ms + ANSWER_MS - DISPATCHER_TRAVEL_MS;
        fail(LOOKUP_TIMEOUT, end_ms);
        CHECK(strstr(next(end_ms), "late") != NULL);
    }
    EXPECT(end_ms, "first paused");
    dispatcher_destroy(&dispatcher);
}

/* A provider that fails again and again for one place is still asked about others. */
static void one_bad_place_is_nobody_elses(void)
{
    start(options());
    int64_t now_ms = 0, given_count = 0;
    for (int i = 0; i < 2 * BREAKER_ROW_MAX; i++, now_ms += DISPATCHER_FAILURE_MS) {
        join_worker("A", now_ms);
        ask(question(7), now_ms);
        const char *action = next(now_ms);
        if (strncmp(action, "give", 4) == 0) {
            given_count++;
            fail(LOOKUP_REFUSED, now_ms);
            action = next(now_ms);
        }
        CHECK(strncmp(action, "answer", 6) == 0 && strstr(action, "ok") == NULL);
        EXPECT(now_ms, "-");
        ask(question(100 + i), now_ms);
        EXPECT(now_ms, "give first to A");
        done(LOOKUP_OK, BODY("x"), now_ms);
        CHECK(strstr(next(now_ms), "ok x") != NULL);
    }
    CHECK_INT(given_count, BREAKER_ROW_MAX + 2); /* then after 5 s and 10 s, and next after 20 s */
    dispatcher_destroy(&dispatcher);
}

/* The trial of such a place has no second attempt, and after it fails there is a next trial. */
static void a_place_that_fails_its_trial_is_tried_again(void)
{
    start(options());
    int64_t now_ms = 0;
    for (int i = 0; i <= BREAKER_ROW_MAX; i++, now_ms += BREAKER_PAUSE_MS_MAX) {
        fail_attempts(7, i < BREAKER_ROW_MAX ? 1 + DISPATCHER_RETRIES_MAX : 1, &now_ms);
        ask(question(100 + i), now_ms);
        EXPECT(now_ms, "give first to A");
        done(LOOKUP_OK, BODY("x"), now_ms);
        CHECK(strstr(next(now_ms), "ok x") != NULL);
    }
    join_worker("A", now_ms);
    ask(question(7), now_ms);
    EXPECT(now_ms, "give first to A");
    done(LOOKUP_OK, BODY("y"), now_ms);
    CHECK(strstr(next(now_ms), "ok y") != NULL);
    dispatcher_destroy(&dispatcher);
}

/* That a question is none says nothing about who was asked. */
static void an_invalid_question_is_no_illness(void)
{
    start(options());
    join_worker("A", 0);
    for (int i = 0; i < 2 * BREAKER_WINDOW; i++) {
        ask(question(i), 0);
        EXPECT(0, "give first to A");
        fail(LOOKUP_INVALID, 0);
        CHECK(strstr(next(0), "invalid") != NULL);
        EXPECT(0, "-");
    }
    dispatcher_destroy(&dispatcher);
}

/* Who says when to come again is not asked before. */
static void a_wish_for_rest_forbids_a_second_attempt(void)
{
    start(options());
    join_worker("A", 0);
    ask(question(1), 0);
    EXPECT(0, "give first to A");
    struct lookup_reply reply = {LOOKUP_UNAVAILABLE, span_of("{}")};
    dispatcher_done(dispatcher, span_of("A"), job, &reply, 2000, 0);
    EXPECT(0, "answer 0 unavailable");
    EXPECT(0, "first paused");
    CHECK_INT(dispatcher_count(dispatcher)->retries, 0);
    dispatcher_destroy(&dispatcher);
}

/* Impatient askers do not make the provider look slow to everybody; patient ones do. */
static void impatience_is_no_fault(void)
{
    for (int patient = 0; patient < 2; patient++) {
        start(options());
        join_worker("A", 0);
        for (int i = 0; i < BREAKER_ROW_MAX; i++) {
            struct lookup lookup = question(i);
            lookup.deadline_ms = DISPATCHER_FAIR_MS + DISPATCHER_MARGIN_MS - (patient ? 0u : 1u);
            ask(lookup, 0);
            EXPECT(0, "give first to A");
            fail(LOOKUP_TIMEOUT, DISPATCHER_FAIR_MS);
            CHECK(strstr(next(DISPATCHER_FAIR_MS), "late") != NULL);
        }
        EXPECT(DISPATCHER_FAIR_MS, patient ? "first paused" : "-");
        dispatcher_destroy(&dispatcher);
    }
}

/* The first is spent and the second rests: the day's end helps, so that is what is said. */
static void a_spent_budget_is_told_before_a_rest(void)
{
    struct dispatcher_options chosen = with_fallback();
    chosen.sources[0].budget = 1;
    start(chosen);
    join_worker("A", 0);
    for (int i = 0; i < BREAKER_ROW_MAX; i++) {
        ask(question(i), 0);
        if (i == 0) {
            EXPECT(0, "first spent 1 of 1 of the day");
            EXPECT(0, "give first to A");
            fail(LOOKUP_REFUSED, 0);
        }
        EXPECT(0, "give second to A");
        fail(LOOKUP_REFUSED, 0);
        CHECK(strstr(next(0), "refused") != NULL);
    }
    EXPECT(0, "second paused");
    ask(question(BREAKER_ROW_MAX), 0);
    EXPECT(0, "answer 5 busy");
    dispatcher_destroy(&dispatcher);
}

/* ---- larger circles ---- */

/* Tells by the look-up's radius what it makes: nothing of 9000 m. */
static bool make_smaller(struct span body, const struct nearby_json_offsets *offsets,
                         const struct lookup *lookup, struct buffer *json)
{
    CHECK_INT(offsets->count, 3);
    CHECK(memmem(body.data, body.len, "wide", 4) != NULL);
    if (lookup->radius_m == 9000)
        return false;
    buffer_append(json, span_of(BODY("small")));
    return true;
}

static struct lookup around(uint32_t radius_m)
{
    return (struct lookup){1, -5, radius_m, 2, TIME_MS};
}

static void a_larger_answer_answers_a_smaller_circle(void)
{
    struct dispatcher_options chosen = options();
    chosen.sources[0].narrow = make_smaller;
    start(chosen);
    join_worker("A", 0);
    ask(around(10000), 0);
    EXPECT(0, "give first to A");
    done(LOOKUP_OK, BODY("wide"), 0);
    EXPECT(0, "answer 0 ok w");
    ask(around(5000), 1);
    EXPECT(1, "answer 1 ok s");
    CHECK_INT(dispatcher_count(dispatcher)->hits, 1);
    /* Not for longer than the larger one. */
    ask(around(5000), 9999);
    EXPECT(9999, "answer 2 ok s");
    join_worker("A", 9999);
    ask(around(9000), 9999);
    EXPECT(9999, "give first to A");
    done(LOOKUP_REFUSED, "{}", 9999);
    EXPECT(9999, "answer 3 refused");
    join_worker("A", 10000);
    ask(around(5000), 10000);
    EXPECT(10000, "give first to A");
    dispatcher_destroy(&dispatcher);
}

static void without_a_way_each_circle_is_asked_about(void)
{
    start(options());
    join_worker("A", 0);
    ask(around(10000), 0);
    EXPECT(0, "give first to A");
    done(LOOKUP_OK, BODY("wide"), 0);
    EXPECT(0, "answer 0 ok w");
    ask(around(5000), 1);
    EXPECT(1, "give first to A");
    dispatcher_destroy(&dispatcher);
}

static const struct check_case cases[] = {
    {"a provider that fails is left alone, then tried", broken_provider_is_left_alone},
    {"an attempt that is lost lets another one try", an_attempt_that_is_lost_frees_the_way},
    {"a provider's wish for rest is kept", rest_is_kept},
    {"the budget is never exceeded, whoever is lost", budget_is_never_exceeded},
    {"a greedy node leaves the other its share", a_greedy_node_leaves_the_other_its_share},
    {"what is spent stays so for the next dispatcher", a_budget_survives_the_dispatcher},
    {"a question that was never sent costs no budget", what_was_not_asked_costs_no_budget},
    {"a spent budget is reported before a rest", a_spent_budget_is_told_before_a_rest},
    {"the fallback answers where the provider fails", fallback_answers_in_need},
    {"the fallback answers where the provider may not be asked", fallback_answers_for_the_broken},
    {"a look-up and its second attempts are one failure", retries_are_one_lookup},
    {"a late second attempt excuses nobody", a_late_second_attempt_excuses_nobody},
    {"one bad place is nobody else's affair", one_bad_place_is_nobody_elses},
    {"a place that fails its trial is tried again", a_place_that_fails_its_trial_is_tried_again},
    {"a question that is none says nothing about the provider", an_invalid_question_is_no_illness},
    {"a wish for rest forbids a second attempt", a_wish_for_rest_forbids_a_second_attempt},
    {"a larger answer answers a smaller circle", a_larger_answer_answers_a_smaller_circle},
    {"without a way each circle is asked about", without_a_way_each_circle_is_asked_about},
    {"a provider is blamed only for what it had time for", impatience_is_no_fault},
};

CHECK_MAIN(cases)
