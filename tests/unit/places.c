/* places: every question gets exactly one answer, in time, whatever the service does. */
#include "gateway/text/places.h"
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

static struct request next(struct places *places, int64_t now_ms)
{
    struct request request = {0};
    char out[LOOKUP_REQUEST_BYTES_MAX];
    size_t bytes = places_next(places, now_ms, &request.broker, &request.id, out);
    if (bytes == 0)
        return (struct request){0};
    request.exists = true;
    CHECK(lookup_read_request((struct span){out, bytes}, &request.lookup));
    return request;
}

static struct request send_next(struct places *places, int64_t now_ms)
{
    struct request request = next(places, now_ms);
    CHECK(request.exists);
    places_sent(places, now_ms);
    return request;
}

static uint64_t ask(struct places *places, uint64_t asker, int64_t now_ms)
{
    uint64_t ticket = 0;
    CHECK(places_ask(places, asker, &question, now_ms, &ticket));
    return ticket;
}

static bool reply_with(struct places *places, enum lookup_code code, uint64_t id, int64_t now_ms,
                       struct places_answer *answer)
{
    struct lookup_reply body = {code, SPAN("{\"status\":\"OK\"}")};
    struct buffer message = {0};
    lookup_write_reply(&body, &message);
    bool answered =
        places_receive(places, id, (struct span){message.data, message.len}, now_ms, answer);
    if (answered)
        CHECK_BYTES(answer->body.data, answer->body.len, body.body.data, body.body.len);
    buffer_free(&message);
    return answered;
}

static bool reply(struct places *places, uint64_t id, struct places_answer *answer)
{
    return reply_with(places, LOOKUP_OK, id, 0, answer);
}

static void check_failure(const struct places_answer *answer, uint64_t ticket,
                          enum lookup_code code)
{
    CHECK(answer->ticket == ticket);
    CHECK_INT(answer->code, code);
    CHECK(memmem(answer->body.data, answer->body.len, "\"error_message\"", 15) != NULL);
    CHECK(memmem(answer->body.data, answer->body.len, "\"results\": []", 13) != NULL);
}

static void reply_answers_its_question(void)
{
    struct places *places = places_new(SEED, 1);
    struct places_answer answer;
    uint64_t tickets[3];
    struct request requests[3];
    for (uint64_t i = 0; i < 3; i++)
        tickets[i] = ask(places, 100 + i, 0);
    for (int i = 0; i < 3; i++) {
        requests[i] = send_next(places, 0);
        CHECK(requests[i].lookup.latitude_nanodeg == question.latitude_nanodeg);
        CHECK(requests[i].lookup.longitude_nanodeg == question.longitude_nanodeg);
        CHECK_INT(requests[i].lookup.radius_m, question.radius_m);
        CHECK_INT(requests[i].lookup.bound, question.bound);
        CHECK_INT(requests[i].lookup.deadline_ms, PLACES_DEADLINE_MS - PLACES_TRAVEL_MS);
    }
    CHECK(!next(places, 0).exists);
    static const int order[] = {1, 2, 0};
    for (int i = 0; i < 3; i++) {
        int one = order[i];
        CHECK(reply(places, requests[one].id, &answer));
        CHECK(answer.asker == 100 + (uint64_t)one);
        CHECK(answer.ticket == tickets[one]);
        CHECK_INT(answer.code, LOOKUP_OK);
    }
    CHECK_INT(places_in_flight(places), 0);
    CHECK(places_deadline_ms(places) == INT64_MAX);
    places_destroy(&places);
    CHECK(places == NULL);
}

static void second_reply_is_dropped(void)
{
    struct places *places = places_new(SEED, 1);
    struct places_answer answer;
    ask(places, 1, 0);
    uint64_t id = send_next(places, 0).id;
    CHECK(!reply(places, id ^ 1, &answer));
    CHECK(!reply(places, id ^ UINT64_C(1) << 40, &answer));
    CHECK(reply(places, id, &answer));
    CHECK(!reply(places, id, &answer));
    ask(places, 2, 0);
    CHECK(!reply(places, id, &answer));
    CHECK_INT(places_count(places)->unknown, 4);
    CHECK_INT(places_in_flight(places), 1);
    places_destroy(&places);
}

static void silence_is_asked_again_once(void)
{
    struct places *places = places_new(SEED, 1);
    struct places_answer answer;
    uint64_t ticket = ask(places, 1, 1000);
    uint64_t first = send_next(places, 1000).id;
    CHECK_INT(places_deadline_ms(places), 1000 + PLACES_RETRY_MS);
    CHECK(!places_expire(places, 1000 + PLACES_RETRY_MS - 1, &answer));
    CHECK(!next(places, 1000 + PLACES_RETRY_MS - 1).exists);
    CHECK(!places_expire(places, 1000 + PLACES_RETRY_MS, &answer));
    struct request again = send_next(places, 1000 + PLACES_RETRY_MS);
    CHECK(again.id != first);
    CHECK_INT(again.lookup.deadline_ms, PLACES_DEADLINE_MS - PLACES_RETRY_MS - PLACES_TRAVEL_MS);
    CHECK_INT(places_deadline_ms(places), 1000 + PLACES_DEADLINE_MS);
    CHECK(!places_expire(places, 1000 + PLACES_DEADLINE_MS - 1, &answer));
    CHECK(places_expire(places, 1000 + PLACES_DEADLINE_MS, &answer));
    check_failure(&answer, ticket, LOOKUP_LATE);
    CHECK(!places_expire(places, 1000 + PLACES_DEADLINE_MS, &answer));
    CHECK(!reply(places, first, &answer));
    CHECK(!reply(places, again.id, &answer));
    places_destroy(&places);
}

static void either_request_may_be_answered(void)
{
    for (int which = 0; which < 2; which++) {
        struct places *places = places_new(SEED, 1);
        struct places_answer answer;
        uint64_t ids[2];
        uint64_t ticket = ask(places, 1, 0);
        ids[0] = send_next(places, 0).id;
        CHECK(!places_expire(places, PLACES_RETRY_MS, &answer));
        ids[1] = send_next(places, PLACES_RETRY_MS).id;
        CHECK(reply(places, ids[which], &answer));
        CHECK(answer.ticket == ticket);
        CHECK(!reply(places, ids[1 - which], &answer));
        places_destroy(&places);
    }
}

static void without_connection_it_fails_soon(void)
{
    struct places *places = places_new(SEED, 1);
    struct places_answer answer;
    uint64_t ticket = ask(places, 1, 0);
    int64_t now_ms = 0;
    int attempts = 0;
    while (!places_expire(places, now_ms, &answer)) {
        CHECK(next(places, now_ms).exists);
        places_refused(places, now_ms);
        CHECK(!next(places, now_ms).exists);
        CHECK_INT(places_deadline_ms(places), now_ms + PLACES_PAUSE_MS);
        now_ms = places_deadline_ms(places);
        attempts++;
    }
    check_failure(&answer, ticket, LOOKUP_UNAVAILABLE);
    CHECK_INT(now_ms, PLACES_UNREACHABLE_MS);
    CHECK_INT(attempts, PLACES_UNREACHABLE_MS / PLACES_PAUSE_MS);
    CHECK_INT(places_count(places)->unreachable, 1);
    places_destroy(&places);
}

static void refused_request_is_sent_later(void)
{
    struct places *places = places_new(SEED, 1);
    struct places_answer answer;
    ask(places, 1, 0);
    uint64_t id = next(places, 0).id;
    places_refused(places, 0);
    CHECK(send_next(places, PLACES_PAUSE_MS).id == id);
    CHECK(reply(places, id, &answer));
    places_destroy(&places);
}

static void nonsense_is_an_answer(void)
{
    struct places *places = places_new(SEED, 1);
    struct places_answer answer;
    uint64_t ticket = ask(places, 1, 0);
    CHECK(places_receive(places, send_next(places, 0).id, SPAN("nonsense"), 0, &answer));
    check_failure(&answer, ticket, LOOKUP_NONSENSE);
    ticket = ask(places, 1, 0);
    CHECK(places_receive(places, send_next(places, 0).id, SPAN(""), 0, &answer));
    check_failure(&answer, ticket, LOOKUP_NONSENSE);
    CHECK_INT(places_count(places)->nonsense, 2);
    places_destroy(&places);
}

static void one_past_the_limit_is_refused(void)
{
    struct places *places = places_new(SEED, 1);
    struct places_answer answer;
    uint64_t ticket, first = 0;
    for (uint64_t i = 0; i < PLACES_IN_FLIGHT_MAX; i++)
        ask(places, i, 0);
    CHECK_INT(places_in_flight(places), PLACES_IN_FLIGHT_MAX);
    CHECK(!places_ask(places, 1, &question, 0, &ticket));
    CHECK_INT(places_count(places)->busy, 1);
    first = send_next(places, 0).id;
    CHECK(reply(places, first, &answer));
    ask(places, 1, 0);
    CHECK(!places_ask(places, 1, &question, 0, &ticket));
    places_destroy(&places);
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
    struct places *places = places_new(SEED, 1);
    struct places_answer answer;
    uint64_t state = 3, recent[64] = {0};
    size_t count = 0, answers = 0;
    for (int64_t now_ms = 0; answers < ASKED && now_ms < 1000000; now_ms += TICKS_MS) {
        for (int i = 0; i < 5 && count < ASKED; i++, count++)
            asked[count] = (struct asked){ask(places, count, now_ms), now_ms, 0};
        for (;;) {
            bool is_answer = places_expire(places, now_ms, &answer);
            if (!is_answer && input_draw(&state) % 4 != 0)
                is_answer = reply(places, recent[input_draw(&state) % 64], &answer);
            else if (!is_answer)
                break;
            if (!is_answer)
                continue;
            struct asked *one = &asked[answer.asker];
            CHECK(one->ticket == answer.ticket);
            CHECK_INT(++one->answers, 1);
            CHECK(now_ms - one->at_ms < PLACES_DEADLINE_MS + TICKS_MS);
            answers++;
        }
        bool away = now_ms / 3000 % 3 == 2;
        struct request request;
        while ((request = next(places, now_ms)).exists) {
            if (away)
                places_refused(places, now_ms);
            else
                places_sent(places, now_ms);
            recent[input_draw(&state) % 64] = request.id;
        }
    }
    CHECK_INT(answers, ASKED);
    CHECK_INT(places_in_flight(places), 0);
    const struct places_counters *seen = places_count(places);
    CHECK(seen->late > 0 && seen->unreachable > 0 && seen->retried > 0 && seen->unknown > 0);
    CHECK_INT(seen->answered, ASKED);
    places_destroy(&places);
    free(asked);
}

static void brokers_take_turns(void)
{
    struct places *places = places_new(SEED, 3);
    for (uint32_t i = 0; i < 9; i++) {
        ask(places, i, 0);
        CHECK_INT(send_next(places, 0).broker, i % 3);
    }
    /* One that takes nothing is passed over. */
    ask(places, 9, 0);
    CHECK_INT(next(places, 0).broker, 0);
    places_refused(places, 0);
    CHECK_INT(send_next(places, 0).broker, 1);
    ask(places, 10, PLACES_PAUSE_MS - 1);
    ask(places, 11, PLACES_PAUSE_MS - 1);
    CHECK_INT(send_next(places, PLACES_PAUSE_MS - 1).broker, 2);
    CHECK_INT(send_next(places, PLACES_PAUSE_MS - 1).broker, 1);
    ask(places, 12, PLACES_PAUSE_MS);
    ask(places, 13, PLACES_PAUSE_MS);
    CHECK_INT(send_next(places, PLACES_PAUSE_MS).broker, 2);
    CHECK_INT(send_next(places, PLACES_PAUSE_MS).broker, 0);
    places_destroy(&places);
}

static void silence_is_asked_again_elsewhere(void)
{
    struct places *places = places_new(SEED, 2);
    struct places_answer answer;
    ask(places, 1, 0);
    CHECK_INT(send_next(places, 0).broker, 0);
    CHECK(!places_expire(places, PLACES_RETRY_MS, &answer));
    CHECK_INT(send_next(places, PLACES_RETRY_MS).broker, 1);
    /* The silent one is passed over for a while. */
    for (uint32_t i = 0; i < 3; i++) {
        ask(places, 2, PLACES_RETRY_MS);
        CHECK_INT(send_next(places, PLACES_RETRY_MS).broker, 1);
    }
    ask(places, 2, PLACES_RETRY_MS + PLACES_SILENT_MS);
    CHECK_INT(send_next(places, PLACES_RETRY_MS + PLACES_SILENT_MS).broker, 0);
    places_destroy(&places);
}

static void no_answer_is_asked_elsewhere_once(void)
{
    static const enum lookup_code codes[] = {LOOKUP_BUSY, LOOKUP_UNAVAILABLE};
    for (size_t i = 0; i < 2; i++) {
        struct places *places = places_new(SEED, 2);
        struct places_answer answer;
        uint64_t ticket = ask(places, 1, 0);
        struct request first = send_next(places, 0);
        CHECK(!reply_with(places, codes[i], first.id, 10, &answer));
        struct request second = send_next(places, 10);
        CHECK(first.broker != second.broker);
        CHECK(!reply_with(places, codes[i], first.id, 11, &answer)); /* the other one is at it */
        CHECK(reply_with(places, codes[i], second.id, 12, &answer));
        CHECK(answer.ticket == ticket);
        CHECK_INT(answer.code, codes[i]);
        /* Without time, without another broker, and for any other code: an answer. */
        ask(places, 1, 0);
        uint64_t id = send_next(places, 0).id;
        CHECK(reply_with(places, codes[i], id, PLACES_RETRY_MS, &answer));
        ask(places, 1, 0);
        CHECK(reply_with(places, LOOKUP_REFUSED, send_next(places, 0).id, 0, &answer));
        places_destroy(&places);
        places = places_new(SEED, 1);
        ask(places, 1, 0);
        CHECK(reply_with(places, codes[i], send_next(places, 0).id, 0, &answer));
        places_destroy(&places);
    }
}

static void elsewhere_is_elsewhere_whose_turn_it_is(void)
{
    struct places *places = places_new(SEED, 2);
    struct places_answer answer;
    ask(places, 1, 0);
    ask(places, 2, 0);
    struct request first = send_next(places, 0);
    CHECK(send_next(places, 0).broker != first.broker);
    CHECK(!reply_with(places, LOOKUP_BUSY, first.id, 1, &answer));
    CHECK(send_next(places, 1).broker != first.broker);
    places_destroy(&places);
}

static void the_only_one_left_is_asked_again(void)
{
    struct places *places = places_new(SEED, 2);
    struct places_answer answer;
    ask(places, 1, 0);
    struct request first = send_next(places, 0);
    CHECK(!reply_with(places, LOOKUP_BUSY, first.id, 1, &answer));
    CHECK(next(places, 1).broker != first.broker);
    places_refused(places, 1);
    CHECK_INT(send_next(places, 1).broker, first.broker);
    places_destroy(&places);
}

static void what_a_lost_connection_carried_is_asked_again_at_once(void)
{
    struct places *places = places_new(SEED, 2);
    struct places_answer answer;
    uint64_t first = ask(places, 1, 0), second = ask(places, 2, 0);
    struct request one = send_next(places, 0), two = send_next(places, 0);
    CHECK_INT(one.broker, 0);
    CHECK_INT(two.broker, 1);
    places_lost(places, 0, 10);
    struct request again = send_next(places, 10); /* elsewhere, as there is somebody else */
    CHECK_INT(again.broker, 1);
    CHECK(!next(places, 10).exists); /* the other's question stays with the other */
    places_lost(places, 1, 20);      /* each is asked twice, never three times */
    struct request other = send_next(places, 20);
    CHECK_INT(other.broker, 0);
    CHECK(!next(places, 20).exists);
    CHECK(reply(places, again.id, &answer) && answer.ticket == first);
    CHECK(reply(places, two.id, &answer) && answer.ticket == second); /* late, and welcome */
    CHECK_INT(places_in_flight(places), 0);
    CHECK_INT(places_count(places)->retried, 2);
    places_destroy(&places);
}

static const struct check_case cases[] = {
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
    {"one question past the limit is refused", one_past_the_limit_is_refused},
    {"each of 20,000 tickets is answered once and in time", each_ticket_is_answered_once},
};

CHECK_MAIN(cases)
