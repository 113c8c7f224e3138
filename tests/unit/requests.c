/* places: every question gets exactly one answer, in time, whatever the service does. */
#include "gateway/text/requests.h"
#include "tests/check.h"
#include "tests/unit/input.h"

#define SEED UINT64_C(0xfffffffffffff) /* the counter's last value but none: it wraps at once */

static const struct lookup question = {.latitude_nanodeg = 34068930000,
                                       .longitude_nanodeg = -118445127000,
                                       .radius_m = 10000,
                                       .bound = 5};

/* One request on its way, or none. */
struct request {
    bool exists;
    uint32_t broker;
    uint64_t id;
    struct lookup lookup;
};

static struct request next(struct requests *requests, int64_t now_ms)
{
    struct request request = {0};
    char out[LOOKUP_REQUEST_BYTES_MAX];
    size_t bytes = requests_next(requests, now_ms, &request.broker, &request.id, out);
    if (bytes == 0)
        return (struct request){0};
    request.exists = true;
    CHECK(lookup_read_request((struct span){out, bytes}, &request.lookup));
    return request;
}

static struct request send_next(struct requests *requests, int64_t now_ms)
{
    struct request request = next(requests, now_ms);
    CHECK(request.exists);
    requests_sent(requests, now_ms);
    return request;
}

static uint64_t ask(struct requests *requests, uint64_t asker, int64_t now_ms)
{
    uint64_t ticket = 0;
    CHECK(requests_ask(requests, asker, NULL, &question, now_ms, &ticket));
    return ticket;
}

static bool reply_with(struct requests *requests, enum lookup_code code, uint64_t id,
                       int64_t now_ms, struct requests_answer *answer)
{
    struct lookup_reply body = {code, SPAN("{\"status\":\"OK\"}")};
    struct buffer message = {0};
    lookup_write_reply(&body, &message);
    bool answered =
        requests_receive(requests, id, (struct span){message.data, message.len}, now_ms, answer);
    if (answered)
        CHECK_BYTES(answer->body.data, answer->body.len, body.body.data, body.body.len);
    buffer_free(&message);
    return answered;
}

static bool reply(struct requests *requests, uint64_t id, struct requests_answer *answer)
{
    return reply_with(requests, LOOKUP_OK, id, 0, answer);
}

static void check_failure(const struct requests_answer *answer, uint64_t ticket,
                          enum lookup_code code)
{
    CHECK(answer->ticket == ticket);
    CHECK_INT(answer->code, code);
    CHECK(memmem(answer->body.data, answer->body.len, "\"error_message\"", 15) != NULL);
    CHECK(memmem(answer->body.data, answer->body.len, "\"results\": []", 13) != NULL);
}

static void reply_answers_its_question(void)
{
    struct requests *requests = requests_new(SEED, 1);
    struct requests_answer answer;
    uint64_t tickets[3];
    struct request sent[3];
    for (uint64_t i = 0; i < 3; i++)
        tickets[i] = ask(requests, 100 + i, 0);
    for (int i = 0; i < 3; i++) {
        sent[i] = send_next(requests, 0);
        CHECK(sent[i].lookup.latitude_nanodeg == question.latitude_nanodeg);
        CHECK(sent[i].lookup.longitude_nanodeg == question.longitude_nanodeg);
        CHECK_INT(sent[i].lookup.radius_m, question.radius_m);
        CHECK_INT(sent[i].lookup.bound, question.bound);
        CHECK_INT(sent[i].lookup.deadline_ms, REQUESTS_DEADLINE_MS - REQUESTS_TRAVEL_MS);
    }
    CHECK(!next(requests, 0).exists);
    static const int order[] = {1, 2, 0};
    for (int i = 0; i < 3; i++) {
        int one = order[i];
        CHECK(reply(requests, sent[one].id, &answer));
        CHECK(answer.asker == 100 + (uint64_t)one);
        CHECK(answer.ticket == tickets[one]);
        CHECK_INT(answer.code, LOOKUP_OK);
    }
    CHECK_INT(requests_in_flight(requests), 0);
    CHECK(requests_deadline_ms(requests) == INT64_MAX);
    requests_destroy(&requests);
    CHECK(requests == NULL);
}

static void second_reply_is_dropped(void)
{
    struct requests *requests = requests_new(SEED, 1);
    struct requests_answer answer;
    ask(requests, 1, 0);
    uint64_t id = send_next(requests, 0).id;
    CHECK(!reply(requests, id ^ 1, &answer));
    CHECK(!reply(requests, id ^ UINT64_C(1) << 40, &answer));
    CHECK(reply(requests, id, &answer));
    CHECK(!reply(requests, id, &answer));
    ask(requests, 2, 0);
    CHECK(!reply(requests, id, &answer));
    CHECK_INT(requests_count(requests)->unknown, 4);
    CHECK_INT(requests_in_flight(requests), 1);
    requests_destroy(&requests);
}

static void silence_is_asked_again_once(void)
{
    struct requests *requests = requests_new(SEED, 1);
    struct requests_answer answer;
    uint64_t ticket = ask(requests, 1, 1000);
    uint64_t first = send_next(requests, 1000).id;
    CHECK_INT(requests_deadline_ms(requests), 1000 + REQUESTS_RETRY_MS);
    CHECK(!requests_expire(requests, 1000 + REQUESTS_RETRY_MS - 1, &answer));
    CHECK(!next(requests, 1000 + REQUESTS_RETRY_MS - 1).exists);
    CHECK(!requests_expire(requests, 1000 + REQUESTS_RETRY_MS, &answer));
    struct request again = send_next(requests, 1000 + REQUESTS_RETRY_MS);
    CHECK(again.id != first);
    CHECK_INT(again.lookup.deadline_ms,
              REQUESTS_DEADLINE_MS - REQUESTS_RETRY_MS - REQUESTS_TRAVEL_MS);
    CHECK_INT(requests_deadline_ms(requests), 1000 + REQUESTS_DEADLINE_MS);
    CHECK(!requests_expire(requests, 1000 + REQUESTS_DEADLINE_MS - 1, &answer));
    CHECK(requests_expire(requests, 1000 + REQUESTS_DEADLINE_MS, &answer));
    check_failure(&answer, ticket, LOOKUP_TIMEOUT);
    CHECK(!requests_expire(requests, 1000 + REQUESTS_DEADLINE_MS, &answer));
    CHECK(!reply(requests, first, &answer));
    CHECK(!reply(requests, again.id, &answer));
    requests_destroy(&requests);
}

static void either_request_may_be_answered(void)
{
    for (int which = 0; which < 2; which++) {
        struct requests *requests = requests_new(SEED, 1);
        struct requests_answer answer;
        uint64_t ids[2];
        uint64_t ticket = ask(requests, 1, 0);
        ids[0] = send_next(requests, 0).id;
        CHECK(!requests_expire(requests, REQUESTS_RETRY_MS, &answer));
        ids[1] = send_next(requests, REQUESTS_RETRY_MS).id;
        CHECK(reply(requests, ids[which], &answer));
        CHECK(answer.ticket == ticket);
        CHECK(!reply(requests, ids[1 - which], &answer));
        requests_destroy(&requests);
    }
}

static void without_connection_it_fails_soon(void)
{
    struct requests *requests = requests_new(SEED, 1);
    struct requests_answer answer;
    uint64_t ticket = ask(requests, 1, 0);
    int64_t now_ms = 0;
    int attempts = 0;
    while (!requests_expire(requests, now_ms, &answer)) {
        CHECK(next(requests, now_ms).exists);
        requests_refused(requests, now_ms);
        CHECK(!next(requests, now_ms).exists);
        CHECK_INT(requests_deadline_ms(requests), now_ms + REQUESTS_PAUSE_MS);
        now_ms = requests_deadline_ms(requests);
        attempts++;
    }
    check_failure(&answer, ticket, LOOKUP_UNAVAILABLE);
    CHECK_INT(now_ms, REQUESTS_UNREACHABLE_MS);
    CHECK_INT(attempts, REQUESTS_UNREACHABLE_MS / REQUESTS_PAUSE_MS);
    CHECK_INT(requests_count(requests)->unreachable, 1);
    requests_destroy(&requests);
}

static void refused_request_is_sent_later(void)
{
    struct requests *requests = requests_new(SEED, 1);
    struct requests_answer answer;
    ask(requests, 1, 0);
    uint64_t id = next(requests, 0).id;
    requests_refused(requests, 0);
    CHECK(send_next(requests, REQUESTS_PAUSE_MS).id == id);
    CHECK(reply(requests, id, &answer));
    requests_destroy(&requests);
}

static void nonsense_is_an_answer(void)
{
    struct requests *requests = requests_new(SEED, 1);
    struct requests_answer answer;
    uint64_t ticket = ask(requests, 1, 0);
    CHECK(requests_receive(requests, send_next(requests, 0).id, SPAN("nonsense"), 0, &answer));
    check_failure(&answer, ticket, LOOKUP_BAD_REPLY);
    ticket = ask(requests, 1, 0);
    CHECK(requests_receive(requests, send_next(requests, 0).id, SPAN(""), 0, &answer));
    check_failure(&answer, ticket, LOOKUP_BAD_REPLY);
    CHECK_INT(requests_count(requests)->nonsense, 2);
    requests_destroy(&requests);
}

static void one_past_the_limit_is_refused(void)
{
    struct requests *requests = requests_new(SEED, 1);
    struct requests_answer answer;
    uint64_t ticket, first = 0;
    for (uint64_t i = 0; i < REQUESTS_IN_FLIGHT_MAX; i++)
        ask(requests, i, 0);
    CHECK_INT(requests_in_flight(requests), REQUESTS_IN_FLIGHT_MAX);
    CHECK(!requests_ask(requests, 1, NULL, &question, 0, &ticket));
    CHECK_INT(requests_count(requests)->busy, 1);
    first = send_next(requests, 0).id;
    CHECK(reply(requests, first, &answer));
    ask(requests, 1, 0);
    CHECK(!requests_ask(requests, 1, NULL, &question, 0, &ticket));
    requests_destroy(&requests);
}

static void as_many_as_the_brokers_take(void)
{
    for (uint32_t brokers = 1; brokers <= TOPOLOGY_PLACES_MAX; brokers++) {
        struct requests *requests = requests_new(SEED, brokers);
        size_t wanted = brokers < 4 ? brokers * REQUESTS_PER_BROKER_MAX : REQUESTS_IN_FLIGHT_MAX;
        CHECK_INT(requests_in_flight_max(requests), wanted);
        requests_destroy(&requests);
    }
}

/* A service that loses, delays, repeats and refuses at random: each ticket is answered once and
 * in time. */
static void each_ticket_is_answered_once(void)
{
    enum { ASKED = 20000, TICKS_MS = 7 };
    struct asked {
        uint64_t ticket;
        int64_t at_ms;
        int answers;
    };
    struct asked *asked = calloc(ASKED, sizeof *asked);
    struct requests *requests = requests_new(SEED, 1);
    struct requests_answer answer;
    uint64_t state = 3, recent[64] = {0};
    size_t count = 0, answers = 0;
    for (int64_t now_ms = 0; answers < ASKED && now_ms < 1000000; now_ms += TICKS_MS) {
        for (int i = 0; i < 5 && count < ASKED; i++, count++)
            asked[count] = (struct asked){ask(requests, count, now_ms), now_ms, 0};
        for (;;) {
            bool is_answer = requests_expire(requests, now_ms, &answer);
            if (!is_answer && input_draw(&state) % 4 != 0)
                is_answer = reply(requests, recent[input_draw(&state) % 64], &answer);
            else if (!is_answer)
                break;
            if (!is_answer)
                continue;
            struct asked *one = &asked[answer.asker];
            CHECK(one->ticket == answer.ticket);
            CHECK_INT(++one->answers, 1);
            CHECK(now_ms - one->at_ms < REQUESTS_DEADLINE_MS + TICKS_MS);
            answers++;
        }
        bool away = now_ms / 3000 % 3 == 2;
        struct request request;
        while ((request = next(requests, now_ms)).exists) {
            if (away)
                requests_refused(requests, now_ms);
            else
                requests_sent(requests, now_ms);
            recent[input_draw(&state) % 64] = request.id;
        }
    }
    CHECK_INT(answers, ASKED);
    CHECK_INT(requests_in_flight(requests), 0);
    const struct requests_counters *seen = requests_count(requests);
    CHECK(seen->late > 0 && seen->unreachable > 0 && seen->retried > 0 && seen->unknown > 0);
    CHECK_INT(seen->answered, ASKED);
    requests_destroy(&requests);
    free(asked);
}

static void brokers_take_turns(void)
{
    struct requests *requests = requests_new(SEED, 3);
    for (uint32_t i = 0; i < 9; i++) {
        ask(requests, i, 0);
        CHECK_INT(send_next(requests, 0).broker, i % 3);
    }
    /* One that takes nothing is passed over. */
    ask(requests, 9, 0);
    CHECK_INT(next(requests, 0).broker, 0);
    requests_refused(requests, 0);
    CHECK_INT(send_next(requests, 0).broker, 1);
    ask(requests, 10, REQUESTS_PAUSE_MS - 1);
    ask(requests, 11, REQUESTS_PAUSE_MS - 1);
    CHECK_INT(send_next(requests, REQUESTS_PAUSE_MS - 1).broker, 2);
    CHECK_INT(send_next(requests, REQUESTS_PAUSE_MS - 1).broker, 1);
    ask(requests, 12, REQUESTS_PAUSE_MS);
    ask(requests, 13, REQUESTS_PAUSE_MS);
    CHECK_INT(send_next(requests, REQUESTS_PAUSE_MS).broker, 2);
    CHECK_INT(send_next(requests, REQUESTS_PAUSE_MS).broker, 0);
    requests_destroy(&requests);
}

static void silence_is_asked_again_elsewhere(void)
{
    struct requests *requests = requests_new(SEED, 2);
    struct requests_answer answer;
    ask(requests, 1, 0);
    CHECK_INT(send_next(requests, 0).broker, 0);
    CHECK(!requests_expire(requests, REQUESTS_RETRY_MS, &answer));
    CHECK_INT(send_next(requests, REQUESTS_RETRY_MS).broker, 1);
    /* The silent one is passed over for a while. */
    for (uint32_t i = 0; i < 3; i++) {
        ask(requests, 2, REQUESTS_RETRY_MS);
        CHECK_INT(send_next(requests, REQUESTS_RETRY_MS).broker, 1);
    }
    ask(requests, 2, REQUESTS_RETRY_MS + REQUESTS_SILENT_MS);
    CHECK_INT(send_next(requests, REQUESTS_RETRY_MS + REQUESTS_SILENT_MS).broker, 0);
    requests_destroy(&requests);
}

static void no_answer_is_asked_elsewhere_once(void)
{
    static const enum lookup_code codes[] = {LOOKUP_BUSY, LOOKUP_UNAVAILABLE};
    for (size_t i = 0; i < 2; i++) {
        struct requests *requests = requests_new(SEED, 2);
        struct requests_answer answer;
        uint64_t ticket = ask(requests, 1, 0);
        struct request first = send_next(requests, 0);
        CHECK(!reply_with(requests, codes[i], first.id, 10, &answer));
        struct request second = send_next(requests, 10);
        CHECK(first.broker != second.broker);
        CHECK(!reply_with(requests, codes[i], first.id, 11, &answer)); /* the other one is at it */
        CHECK(reply_with(requests, codes[i], second.id, 12, &answer));
        CHECK(answer.ticket == ticket);
        CHECK_INT(answer.code, codes[i]);
        /* Without time, without another broker, and for any other code: an answer. */
        ask(requests, 1, 0);
        uint64_t id = send_next(requests, 0).id;
        CHECK(reply_with(requests, codes[i], id, REQUESTS_RETRY_MS, &answer));
        ask(requests, 1, 0);
        CHECK(reply_with(requests, LOOKUP_REFUSED, send_next(requests, 0).id, 0, &answer));
        requests_destroy(&requests);
        requests = requests_new(SEED, 1);
        ask(requests, 1, 0);
        CHECK(reply_with(requests, codes[i], send_next(requests, 0).id, 0, &answer));
        requests_destroy(&requests);
    }
}

static void elsewhere_is_elsewhere_whose_turn_it_is(void)
{
    struct requests *requests = requests_new(SEED, 2);
    struct requests_answer answer;
    ask(requests, 1, 0);
    ask(requests, 2, 0);
    struct request first = send_next(requests, 0);
    CHECK(send_next(requests, 0).broker != first.broker);
    CHECK(!reply_with(requests, LOOKUP_BUSY, first.id, 1, &answer));
    CHECK(send_next(requests, 1).broker != first.broker);
    requests_destroy(&requests);
}

static void the_only_one_left_is_asked_again(void)
{
    struct requests *requests = requests_new(SEED, 2);
    struct requests_answer answer;
    ask(requests, 1, 0);
    struct request first = send_next(requests, 0);
    CHECK(!reply_with(requests, LOOKUP_BUSY, first.id, 1, &answer));
    CHECK(next(requests, 1).broker != first.broker);
    requests_refused(requests, 1);
    CHECK_INT(send_next(requests, 1).broker, first.broker);
    requests_destroy(&requests);
}

static void what_a_lost_connection_carried_is_asked_again_at_once(void)
{
    struct requests *requests = requests_new(SEED, 2);
    struct requests_answer answer;
    uint64_t first = ask(requests, 1, 0), second = ask(requests, 2, 0);
    struct request one = send_next(requests, 0), two = send_next(requests, 0);
    CHECK_INT(one.broker, 0);
    CHECK_INT(two.broker, 1);
    requests_lost(requests, 0, 10);
    struct request again = send_next(requests, 10); /* elsewhere, as there is somebody else */
    CHECK_INT(again.broker, 1);
    CHECK(!next(requests, 10).exists); /* the other's question stays with the other */
    requests_lost(requests, 1, 20);    /* each is asked twice, never three times */
    struct request other = send_next(requests, 20);
    CHECK_INT(other.broker, 0);
    CHECK(!next(requests, 20).exists);
    CHECK(reply(requests, again.id, &answer) && answer.ticket == first);
    CHECK(reply(requests, two.id, &answer) && answer.ticket == second); /* late, and welcome */
    CHECK_INT(requests_in_flight(requests), 0);
    CHECK_INT(requests_count(requests)->retried, 2);
    requests_destroy(&requests);
}

/* A question that is sent again early, after a lost connection or for a broker that is busy, is
 * answered no earlier and no later than any other: the older ones are not kept waiting. */
static void what_is_sent_again_early_delays_nobody(void)
{
    enum { ASKED = 4, BETWEEN_MS = 500 };
    struct requests *requests = requests_new(SEED, 2);
    struct requests_answer answer;
    uint64_t tickets[ASKED];
    struct request last = {0};
    for (int i = 0; i < ASKED; i++) {
        tickets[i] = ask(requests, 1, i * BETWEEN_MS);
        last = send_next(requests, i * BETWEEN_MS);
    }
    int64_t now_ms = (ASKED - 1) * BETWEEN_MS;
    CHECK(now_ms < REQUESTS_RETRY_MS);
    CHECK(!reply_with(requests, LOOKUP_BUSY, last.id, now_ms, &answer));
    send_next(requests, now_ms);
    for (int answered = 0; answered < ASKED; now_ms++) {
        while (next(requests, now_ms).exists)
            requests_sent(requests, now_ms);
        int64_t due_ms = answered * BETWEEN_MS + REQUESTS_DEADLINE_MS;
        bool is_due = requests_expire(requests, now_ms, &answer);
        CHECK_INT(is_due, now_ms == due_ms);
        if (!is_due && now_ms < due_ms)
            continue;
        CHECK(answer.ticket == tickets[answered]);
        check_failure(&answer, tickets[answered++], LOOKUP_TIMEOUT);
    }
    CHECK_INT(requests_in_flight(requests), 0);
    requests_destroy(&requests);
}

/* As they are counted: exact up to 15 ms, then by eighths of a power of two, upwards. */
static void times_are_those_of_the_last_minutes(void)
{
    static const struct {
        int64_t took_ms;
        uint64_t p99_ms;
    } rows[] = {{0, 0},   {1, 1},   {15, 15},  {16, 17},     {17, 17},    {18, 19},
                {31, 31}, {32, 35}, {99, 103}, {1000, 1023}, {2047, 2047}};
    struct requests_answer answer;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct requests *requests = requests_new(SEED, 1);
        CHECK(requests_p99_ms(requests, 0) == UINT64_MAX);
        ask(requests, 1, 0);
        uint64_t id = send_next(requests, 0).id;
        CHECK(reply_with(requests, LOOKUP_OK, id, rows[i].took_ms, &answer));
        CHECK_INT(requests_p99_ms(requests, 5000), rows[i].p99_ms);
        CHECK_INT(requests_p99_ms(requests, 119999), rows[i].p99_ms);
        CHECK(requests_p99_ms(requests, 120000) == UINT64_MAX);
        requests_destroy(&requests);
    }
}

static void one_of_a_hundred_may_take_longer(void)
{
    struct requests *requests = requests_new(SEED, 1);
    struct requests_answer answer;
    for (int i = 0; i < 200; i++) {
        int64_t now_ms = 59900 + i; /* of two minutes */
        ask(requests, 1, now_ms);
        uint64_t id = send_next(requests, now_ms).id;
        CHECK(reply_with(requests, i == 7 ? LOOKUP_REFUSED : LOOKUP_OK, id,
                         now_ms + (i < 2 ? 1000 : 3), &answer));
    }
    CHECK_INT(requests_p99_ms(requests, 61000), 3);
    CHECK_INT(requests_count(requests)->failed, 1);
    ask(requests, 1, 61000);
    uint64_t id = send_next(requests, 61000).id;
    CHECK(reply_with(requests, LOOKUP_OK, id, 63000, &answer));
    CHECK_INT(requests_p99_ms(requests, 63000), 1023);
    ask(requests, 1, 63000);
    while (!requests_expire(requests, 63000 + REQUESTS_DEADLINE_MS, &answer))
        send_next(requests, 63000);
    CHECK_INT(requests_count(requests)->failed, 2);
    requests_destroy(&requests);
}

/* Of two brokers the second stays, as the first, and one is new. */
static void other_brokers_take_over(void)
{
    static const uint32_t was[] = {1, REQUESTS_NO_BROKER};
    struct requests *requests = requests_new(SEED, 2);
    struct requests_answer answer;
    uint64_t tickets[2] = {ask(requests, 1, 0), ask(requests, 2, 0)};
    struct request gone = send_next(requests, 0), stays = send_next(requests, 0);
    CHECK_INT(gone.broker, 0);
    CHECK_INT(stays.broker, 1);
    requests_change_brokers(requests, was, 2, 10);
    struct request again = send_next(requests, 10);
    CHECK(!next(requests, 10).exists);
    CHECK(again.id != gone.id && again.broker < 2);
    CHECK(reply(requests, stays.id, &answer) && answer.ticket == tickets[1]);
    CHECK(reply(requests, again.id, &answer) && answer.ticket == tickets[0]);
    CHECK_INT(requests_in_flight_max(requests), 2 * REQUESTS_PER_BROKER_MAX);
    /* Whose silence was noted under its old number is avoided under its new one. */
    ask(requests, 3, 100);
    uint32_t silent = send_next(requests, 100).broker;
    CHECK(!requests_expire(requests, 100 + REQUESTS_RETRY_MS, &answer));
    requests_change_brokers(requests, (const uint32_t[]){1 - silent, silent}, 2, 2400);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(send_next(requests, 2400 + i).broker, 0);
        ask(requests, 4, 2400);
    }
    requests_destroy(&requests);
}

/* Who lost its broker, and has none, is not taken for one that a new broker left without answer. */
static void new_brokers_have_left_nobody_waiting(void)
{
    static const uint32_t both_new[] = {REQUESTS_NO_BROKER, REQUESTS_NO_BROKER};
    struct requests *requests = requests_new(SEED, 1);
    ask(requests, 1, 0);
    send_next(requests, 0);
    requests_change_brokers(requests, NULL, 0, 10);
    requests_change_brokers(requests, both_new, 2, 20);
    CHECK_INT(send_next(requests, 20).broker, 0);
    requests_destroy(&requests);
}

/* Each ends in time, also where it was asked twice already. */
static void without_brokers_all_ends(void)
{
    struct requests *requests = requests_new(SEED, 1);
    struct requests_answer answer;
    uint64_t twice = ask(requests, 1, 0);
    send_next(requests, 0);
    CHECK(!requests_expire(requests, REQUESTS_RETRY_MS, &answer));
    send_next(requests, REQUESTS_RETRY_MS);
    uint64_t once = ask(requests, 2, REQUESTS_RETRY_MS);
    send_next(requests, REQUESTS_RETRY_MS);
    requests_change_brokers(requests, NULL, 0, REQUESTS_RETRY_MS);
    CHECK(!next(requests, REQUESTS_RETRY_MS).exists);
    CHECK_INT(requests_deadline_ms(requests), REQUESTS_RETRY_MS + REQUESTS_UNREACHABLE_MS);
    CHECK(requests_expire(requests, REQUESTS_RETRY_MS + REQUESTS_UNREACHABLE_MS, &answer));
    check_failure(&answer, once, LOOKUP_UNAVAILABLE);
    CHECK(requests_expire(requests, REQUESTS_DEADLINE_MS, &answer));
    check_failure(&answer, twice, LOOKUP_TIMEOUT);
    CHECK_INT(requests_in_flight(requests), 0);
    requests_change_brokers(requests, (const uint32_t[]){REQUESTS_NO_BROKER}, 1, 5000);
    ask(requests, 3, 5000);
    CHECK(reply(requests, send_next(requests, 5000).id, &answer));
    requests_destroy(&requests);
}

static const struct check_case cases[] = {
    {"other brokers take over what those that are gone were asked", other_brokers_take_over},
    {"new brokers have left nobody waiting", new_brokers_have_left_nobody_waiting},
    {"without brokers everything ends", without_brokers_all_ends},
    {"times are those of the last minutes", times_are_those_of_the_last_minutes},
    {"one of a hundred may take longer", one_of_a_hundred_may_take_longer},
    {"brokers take turns, and one that takes nothing is passed over", brokers_take_turns},
    {"what a silent broker was asked is asked elsewhere", silence_is_asked_again_elsewhere},
    {"busy or unavailable is asked elsewhere, once and in time", no_answer_is_asked_elsewhere_once},
    {"elsewhere is not where it was asked before", elsewhere_is_elsewhere_whose_turn_it_is},
    {"with nobody else there the same one is asked again", the_only_one_left_is_asked_again},
    {"a reply answers its question, in any order", reply_answers_its_question},
    {"a second or a strange reply is counted and dropped", second_reply_is_dropped},
    {"after silence the question is asked once more, then it is late", silence_is_asked_again_once},
    {"the first request or the second may be the one answered", either_request_may_be_answered},
    {"without a connection the answer is soon that there is none",
     without_connection_it_fails_soon},
    {"a request that was refused is sent a little later", refused_request_is_sent_later},
    {"a reply that cannot be read is an answer, too", nonsense_is_an_answer},
    {"what a lost connection carried is asked again at once, and only once",
     what_a_lost_connection_carried_is_asked_again_at_once},
    {"what is sent again early delays nobody", what_is_sent_again_early_delays_nobody},
    {"one question past the limit is refused", one_past_the_limit_is_refused},
    {"a node has as many in flight as its brokers take", as_many_as_the_brokers_take},
    {"each of 20,000 tickets is answered once and in time", each_ticket_is_answered_once},
};

CHECK_MAIN(cases)
