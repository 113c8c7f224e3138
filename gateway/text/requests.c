#include "gateway/text/requests.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* An id is a counter and, in its low bits, the place of its question: found without a search. */
#define SLOT_BITS 12
#define SLOT_MASK (REQUESTS_IN_FLIGHT_MAX - 1)
#define NONE      UINT16_MAX
/* Times of answers: each to 8 ms its own, then eight to each power of two, up to where no question
 * is open any more. */
#define TIME_BITS 3
#define TIMES     128
#define MINUTE_MS 60000
#define NS_PER_MS 1000000

static_assert(1 << SLOT_BITS == REQUESTS_IN_FLIGHT_MAX, "every slot fits in an id");
static_assert(2 * REQUESTS_UNREACHABLE_MS + REQUESTS_RETRY_MS < REQUESTS_DEADLINE_MS,
              "a retry has time to be answered");

/* Where a question stands. Each queue is in the order in which its questions expire. Those of the
 * first two stages wait equally long and enter at the end. What is sent again may be early: one
 * that was asked before it passes it, which is a walk over those that were early and no others. */
enum stage {
    TO_SEND,    /* until the transport takes it, REQUESTS_UNREACHABLE_MS at most */
    SENT,       /* until the reply, REQUESTS_RETRY_MS at most; then TO_SEND once more */
    SENT_AGAIN, /* until the reply, REQUESTS_DEADLINE_MS after the question at most */
    FREE,
    STAGES,
};

struct question {
    struct lookup lookup;
    uint64_t asker;
    struct address_share *share;
    uint64_t ids[2]; /* of the first request, which is also the ticket, and of the retry */
    int64_t asked_ms;
    int64_t since_ms; /* when it entered its stage */
    enum stage stage;
    uint8_t attempts; /* ids in use */
    uint8_t broker;   /* who got the last request */
    uint16_t before, after;
};

struct queue {
    uint16_t first, last;
};

struct broker {
    int64_t blocked_until_ms; /* the transport took nothing for it */
    int64_t silent_until_ms;  /* it left a question without an answer */
};

/* How long the answers of one minute took. */
struct times {
    int64_t minute;
    uint64_t count, each[TIMES];
};

struct requests {
    struct question questions[REQUESTS_IN_FLIGHT_MAX];
    struct queue queues[STAGES];
    struct broker brokers[TOPOLOGY_PLACES_MAX];
    uint32_t broker_count;
    uint32_t turn;   /* who is asked next if all are equally good */
    uint32_t chosen; /* for the request that requests_next gave last */
    uint64_t counter;
    size_t in_flight;
    struct buffer failure; /* the body of the last answer that is no reply */
    struct requests_counters count;
    struct times times[2]; /* by minutes, even and odd ones */
};

/* Whose place is before that of a question that enters this stage; NONE for the first. */
static uint16_t place_in(const struct requests *requests, enum stage stage, uint16_t slot)
{
    uint16_t before = requests->queues[stage].last;
    while (stage == SENT_AGAIN && before != NONE &&
           requests->questions[before].asked_ms > requests->questions[slot].asked_ms)
        before = requests->questions[before].before;
    return before;
}

static void push(struct requests *requests, enum stage stage, uint16_t slot, int64_t now_ms)
{
    struct question *question = &requests->questions[slot];
    struct queue *queue = &requests->queues[stage];
    question->stage = stage;
    question->since_ms = now_ms;
    question->before = place_in(requests, stage, slot);
    uint16_t *link =
        question->before == NONE ? &queue->first : &requests->questions[question->before].after;
    question->after = *link;
    *link = slot;
    if (question->after == NONE)
        queue->last = slot;
    else
        requests->questions[question->after].before = slot;
}

static void take_out(struct requests *requests, uint16_t slot)
{
    struct question *question = &requests->questions[slot];
    struct queue *queue = &requests->queues[question->stage];
    if (question->before == NONE)
        queue->first = question->after;
    else
        requests->questions[question->before].after = question->after;
    if (question->after == NONE)
        queue->last = question->before;
    else
        requests->questions[question->after].before = question->before;
}

static void move(struct requests *requests, enum stage stage, uint16_t slot, int64_t now_ms)
{
    take_out(requests, slot);
    push(requests, stage, slot, now_ms);
}

struct requests *requests_new(uint64_t seed, uint32_t brokers)
{
    assert(brokers >= 1 && brokers <= TOPOLOGY_PLACES_MAX);
    struct requests *requests = bytes_zeroed(sizeof *requests);
    requests->broker_count = brokers;
    for (uint32_t i = 0; i < brokers; i++)
        requests->brokers[i] = (struct broker){INT64_MIN, INT64_MIN};
    for (int stage = 0; stage < STAGES; stage++)
        requests->queues[stage] = (struct queue){NONE, NONE};
    for (uint16_t slot = 0; slot < REQUESTS_IN_FLIGHT_MAX; slot++)
        push(requests, FREE, slot, 0);
    requests->counter = seed;
    return requests;
}

void requests_destroy(struct requests **requests)
{
    if (*requests == NULL)
        return;
    buffer_free(&(*requests)->failure);
    free(*requests);
    *requests = NULL;
}

/* Gives the question an id for its next request and puts it in line to be sent. */
static void line_up(struct requests *requests, uint16_t slot, int64_t now_ms)
{
    struct question *question = &requests->questions[slot];
    question->ids[question->attempts++] = requests->counter++ << SLOT_BITS | slot;
    move(requests, TO_SEND, slot, now_ms);
}

bool requests_ask(struct requests *requests, uint64_t asker, struct address_share *share,
                  const struct lookup *lookup, int64_t now_ms, uint64_t *ticket)
{
    uint16_t slot = requests->queues[FREE].first;
    if (slot == NONE) {
        requests->count.busy++;
        return false;
    }
    struct question *question = &requests->questions[slot];
    question->lookup = *lookup;
    question->asker = asker;
    question->share = share;
    question->asked_ms = now_ms;
    question->attempts = 0;
    line_up(requests, slot, now_ms);
    requests->in_flight++;
    requests->count.asked++;
    *ticket = question->ids[0];
    return true;
}

/* How little a broker is wanted for this question, or -1 if it cannot be asked now: first those
 * who have not had it yet, then those who were not silent. */
static int reluctance(const struct requests *requests, const struct question *question,
                      uint32_t broker, int64_t now_ms)
{
    const struct broker *it = &requests->brokers[broker];
    if (now_ms < it->blocked_until_ms)
        return -1;
    return (question->attempts > 1 && question->broker == broker ? 2 : 0) +
           (now_ms < it->silent_until_ms ? 1 : 0);
}

static bool choose_broker(struct requests *requests, const struct question *question,
                          int64_t now_ms)
{
    int least = -1;
    for (uint32_t i = 0; i < requests->broker_count; i++) {
        uint32_t broker = (requests->turn + i) % requests->broker_count;
        int reluctant = reluctance(requests, question, broker, now_ms);
        if (reluctant < 0 || (least >= 0 && reluctant >= least))
            continue;
        least = reluctant;
        requests->chosen = broker;
    }
    return least >= 0;
}

size_t requests_next(struct requests *requests, int64_t now_ms, uint32_t *broker, uint64_t *id,
                     char *out)
{
    uint16_t slot = requests->queues[TO_SEND].first;
    if (slot == NONE || !choose_broker(requests, &requests->questions[slot], now_ms))
        return 0;
    const struct question *question = &requests->questions[slot];
    *broker = requests->chosen;
    struct lookup lookup = question->lookup;
    int64_t left_ms = question->asked_ms + REQUESTS_DEADLINE_MS - REQUESTS_TRAVEL_MS - now_ms;
    lookup.deadline_ms = left_ms < 1 ? 1 : (uint32_t)left_ms;
    *id = question->ids[question->attempts - 1];
    return lookup_write_request(&lookup, out);
}

void requests_sent(struct requests *requests, int64_t now_ms)
{
    uint16_t slot = requests->queues[TO_SEND].first;
    assert(slot != NONE);
    bool again = requests->questions[slot].attempts > 1;
    requests->questions[slot].broker = (uint8_t)requests->chosen;
    requests->turn = (requests->chosen + 1) % requests->broker_count;
    requests->count.sent++;
    move(requests, again ? SENT_AGAIN : SENT, slot, now_ms);
}

void requests_refused(struct requests *requests, int64_t now_ms)
{
    requests->brokers[requests->chosen].blocked_until_ms = now_ms + REQUESTS_PAUSE_MS;
}

static struct question *find(struct requests *requests, uint64_t id)
{
    struct question *question = &requests->questions[id & SLOT_MASK];
    if (question->stage == FREE)
        return NULL;
    for (uint8_t i = 0; i < question->attempts; i++) {
        if (question->ids[i] == id)
            return question;
    }
    return NULL;
}

static size_t time_place(uint64_t ms)
{
    unsigned bits = 0;
    while (ms >> bits >= 2u << TIME_BITS)
        bits++;
    size_t place = ((size_t)bits << TIME_BITS) + (size_t)(ms >> bits);
    return place < TIMES ? place : TIMES - 1;
}

/* The longest time that is counted there. */
static uint64_t time_of(size_t place)
{
    size_t bits = place < 2u << TIME_BITS ? 0 : (place >> TIME_BITS) - 1;
    uint64_t first = (uint64_t)(place - (bits << TIME_BITS)) << bits;
    return first + (UINT64_C(1) << bits) - 1;
}

static void count_time(struct requests *requests, int64_t took_ms, int64_t now_ms)
{
    int64_t minute = now_ms / MINUTE_MS;
    struct times *times = &requests->times[minute & 1];
    if (times->minute != minute)
        *times = (struct times){.minute = minute};
    times->count++;
    histogram_observe(&requests->count.time, took_ms * NS_PER_MS);
    times->each[time_place(took_ms > 0 ? (uint64_t)took_ms : 0)]++;
}

uint64_t requests_p99_ms(const struct requests *requests, int64_t now_ms)
{
    uint64_t all[TIMES] = {0}, count = 0, below = 0;
    for (size_t i = 0; i < 2; i++) {
        const struct times *times = &requests->times[i];
        if (times->count == 0 || times->minute + 1 < now_ms / MINUTE_MS)
            continue;
        count += times->count;
        for (size_t place = 0; place < TIMES; place++)
            all[place] += times->each[place];
    }
    if (count == 0)
        return UINT64_MAX;
    size_t place = 0;
    while ((below += all[place]) * 100 < count * 99)
        place++;
    return time_of(place);
}

/* The question is over. Copies its asker and ticket into the answer, so that the caller can deliver
 * it. */
static void close_question(struct requests *requests, struct question *question, int64_t now_ms,
                           struct requests_answer *answer)
{
    count_time(requests, now_ms - question->asked_ms, now_ms);
    answer->asker = question->asker;
    answer->share = question->share;
    answer->ticket = question->ids[0];
    move(requests, FREE, (uint16_t)(question - requests->questions), 0);
    requests->in_flight--;
    requests->count.answered++;
}

static void fail(struct requests *requests, enum lookup_code code, const char *reason,
                 struct requests_answer *answer)
{
    requests->count.failed++;
    requests->failure.len = 0;
    lookup_write_failure(code, reason, &requests->failure);
    answer->code = code;
    answer->body = (struct span){requests->failure.data, requests->failure.len};
}

/* A broker has no answer now. True if another one is asked, or has been already. */
static bool is_asked_elsewhere(struct requests *requests, struct question *question, uint64_t id,
                               int64_t now_ms)
{
    if (requests->broker_count == 1 || question->ids[question->attempts - 1] != id)
        return requests->broker_count > 1;
    if (question->attempts > 1 || now_ms - question->asked_ms >= REQUESTS_RETRY_MS)
        return false;
    requests->count.retried++;
    line_up(requests, (uint16_t)(question - requests->questions), now_ms);
    return true;
}

bool requests_receive(struct requests *requests, uint64_t id, struct span message, int64_t now_ms,
                      struct requests_answer *answer)
{
    struct question *question = find(requests, id);
    if (question == NULL) {
        requests->count.unknown++;
        return false;
    }
    struct lookup_reply reply;
    bool good = lookup_read_reply(message, &reply);
    if (good && (reply.code == LOOKUP_UNAVAILABLE || reply.code == LOOKUP_BUSY) &&
        is_asked_elsewhere(requests, question, id, now_ms))
        return false;
    close_question(requests, question, now_ms, answer);
    if (good) {
        answer->code = reply.code;
        answer->body = reply.body;
        requests->count.failed += reply.code != LOOKUP_OK;
    } else {
        requests->count.nonsense++;
        fail(requests, LOOKUP_BAD_REPLY, "the places service sent a reply that cannot be read",
             answer);
    }
    return true;
}

void requests_lost(struct requests *requests, uint32_t broker, int64_t now_ms)
{
    uint16_t after;
    for (uint16_t slot = requests->queues[SENT].first; slot != NONE; slot = after) {
        after = requests->questions[slot].after;
        if (requests->questions[slot].broker != broker)
            continue;
        requests->count.retried++;
        line_up(requests, slot, now_ms);
    }
}

/* What number a broker has from now on; no broker stays none, also where one of `was` is new. */
static uint8_t number_after(const uint32_t *was, uint32_t count, uint8_t before)
{
    for (uint32_t i = 0; i < count && before != REQUESTS_NO_BROKER; i++)
        if (was[i] == before)
            return (uint8_t)i;
    return REQUESTS_NO_BROKER;
}

void requests_change_brokers(struct requests *requests, const uint32_t *was, uint32_t count,
                             int64_t now_ms)
{
    struct broker brokers[TOPOLOGY_PLACES_MAX];
    assert(count <= TOPOLOGY_PLACES_MAX);
    for (uint32_t broker = 0; broker < requests->broker_count; broker++)
        if (number_after(was, count, (uint8_t)broker) == REQUESTS_NO_BROKER)
            requests_lost(requests, broker, now_ms);
    for (uint32_t i = 0; i < count; i++)
        brokers[i] = was[i] == REQUESTS_NO_BROKER ? (struct broker){INT64_MIN, INT64_MIN}
                                                  : requests->brokers[was[i]];
    for (size_t slot = 0; slot < REQUESTS_IN_FLIGHT_MAX; slot++)
        requests->questions[slot].broker =
            number_after(was, count, requests->questions[slot].broker);
    memcpy(requests->brokers, brokers, count * sizeof *brokers);
    requests->broker_count = count;
    requests->turn = 0;
}

static int64_t limit_ms(const struct requests *requests, enum stage stage)
{
    uint16_t slot = requests->queues[stage].first;
    if (slot == NONE)
        return INT64_MAX;
    const struct question *question = &requests->questions[slot];
    switch (stage) {
    case TO_SEND:
        return question->since_ms + REQUESTS_UNREACHABLE_MS;
    case SENT:
        return question->since_ms + REQUESTS_RETRY_MS;
    default:
        return question->asked_ms + REQUESTS_DEADLINE_MS;
    }
}

bool requests_expire(struct requests *requests, int64_t now_ms, struct requests_answer *answer)
{
    while (limit_ms(requests, SENT) <= now_ms) {
        const struct question *silent = &requests->questions[requests->queues[SENT].first];
        requests->brokers[silent->broker].silent_until_ms = now_ms + REQUESTS_SILENT_MS;
        requests->count.retried++;
        line_up(requests, requests->queues[SENT].first, now_ms);
    }
    if (limit_ms(requests, SENT_AGAIN) <= now_ms) {
        requests->count.late++;
        close_question(requests, &requests->questions[requests->queues[SENT_AGAIN].first], now_ms,
                       answer);
        fail(requests, LOOKUP_TIMEOUT, "the places service did not answer in time", answer);
        return true;
    }
    if (limit_ms(requests, TO_SEND) <= now_ms) {
        requests->count.unreachable++;
        close_question(requests, &requests->questions[requests->queues[TO_SEND].first], now_ms,
                       answer);
        fail(requests, LOOKUP_UNAVAILABLE, "the places service cannot be reached", answer);
        return true;
    }
    return false;
}

int64_t requests_deadline_ms(const struct requests *requests)
{
    int64_t earliest_ms = INT64_MAX;
    for (enum stage stage = TO_SEND; stage <= SENT_AGAIN; stage++) {
        if (limit_ms(requests, stage) < earliest_ms)
            earliest_ms = limit_ms(requests, stage);
    }
    for (uint32_t i = 0; requests->queues[TO_SEND].first != NONE && i < requests->broker_count;
         i++) {
        if (requests->brokers[i].blocked_until_ms < earliest_ms)
            earliest_ms = requests->brokers[i].blocked_until_ms;
    }
    return earliest_ms;
}

size_t requests_in_flight_max(const struct requests *requests)
{
    size_t all = (size_t)requests->broker_count * REQUESTS_PER_BROKER_MAX;
    return all < REQUESTS_IN_FLIGHT_MAX ? all : REQUESTS_IN_FLIGHT_MAX;
}

size_t requests_in_flight(const struct requests *requests)
{
    return requests->in_flight;
}

const struct requests_counters *requests_count(const struct requests *requests)
{
    return &requests->count;
}
