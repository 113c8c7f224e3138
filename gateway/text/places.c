#include "gateway/text/places.h"

#include <assert.h>
#include <stdlib.h>

/* An id is a counter and, in its low bits, the place of its question: found without a search. */
#define SLOT_BITS 12
#define SLOT_MASK (PLACES_IN_FLIGHT_MAX - 1)
#define NONE      UINT16_MAX

static_assert(1 << SLOT_BITS == PLACES_IN_FLIGHT_MAX, "every slot fits in an id");
static_assert(2 * PLACES_UNREACHABLE_MS + PLACES_RETRY_MS < PLACES_DEADLINE_MS,
              "a retry has time to be answered");

/* Where a question stands. Within each queue everybody waits equally long, so the first in is
 * the first whose time is up, and no queue is ever searched. */
enum stage {
    TO_SEND,    /* until the transport takes it, PLACES_UNREACHABLE_MS at most */
    SENT,       /* until the reply, PLACES_RETRY_MS at most; then TO_SEND once more */
    SENT_AGAIN, /* until the reply, PLACES_DEADLINE_MS after the question at most */
    FREE,
    STAGES,
};

struct question {
    struct lookup lookup;
    uint64_t asker;
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

struct places {
    struct question questions[PLACES_IN_FLIGHT_MAX];
    struct queue queues[STAGES];
    struct broker brokers[TOPOLOGY_PLACES_MAX];
    uint32_t broker_count;
    uint32_t turn;   /* who is asked next if all are equally good */
    uint32_t chosen; /* for the request that places_next gave last */
    uint64_t counter;
    size_t in_flight;
    struct buffer failure; /* the body of the last answer that is no reply */
    struct places_counters count;
};

static void push(struct places *places, enum stage stage, uint16_t slot, int64_t now_ms)
{
    struct question *question = &places->questions[slot];
    struct queue *queue = &places->queues[stage];
    question->stage = stage;
    question->since_ms = now_ms;
    question->before = queue->last;
    question->after = NONE;
    if (queue->last == NONE)
        queue->first = slot;
    else
        places->questions[queue->last].after = slot;
    queue->last = slot;
}

static void take_out(struct places *places, uint16_t slot)
{
    struct question *question = &places->questions[slot];
    struct queue *queue = &places->queues[question->stage];
    if (question->before == NONE)
        queue->first = question->after;
    else
        places->questions[question->before].after = question->after;
    if (question->after == NONE)
        queue->last = question->before;
    else
        places->questions[question->after].before = question->before;
}

static void move(struct places *places, enum stage stage, uint16_t slot, int64_t now_ms)
{
    take_out(places, slot);
    push(places, stage, slot, now_ms);
}

struct places *places_new(uint64_t seed, uint32_t brokers)
{
    assert(brokers >= 1 && brokers <= TOPOLOGY_PLACES_MAX);
    struct places *places = bytes_zeroed(sizeof *places);
    places->broker_count = brokers;
    for (uint32_t i = 0; i < brokers; i++)
        places->brokers[i] = (struct broker){INT64_MIN, INT64_MIN};
    for (int stage = 0; stage < STAGES; stage++)
        places->queues[stage] = (struct queue){NONE, NONE};
    for (uint16_t slot = 0; slot < PLACES_IN_FLIGHT_MAX; slot++)
        push(places, FREE, slot, 0);
    places->counter = seed;
    return places;
}

void places_destroy(struct places **places)
{
    if (*places == NULL)
        return;
    buffer_free(&(*places)->failure);
    free(*places);
    *places = NULL;
}

/* Gives the question an id for its next request and puts it in line to be sent. */
static void line_up(struct places *places, uint16_t slot, int64_t now_ms)
{
    struct question *question = &places->questions[slot];
    question->ids[question->attempts++] = places->counter++ << SLOT_BITS | slot;
    move(places, TO_SEND, slot, now_ms);
}

bool places_ask(struct places *places, uint64_t asker, const struct lookup *lookup, int64_t now_ms,
                uint64_t *ticket)
{
    uint16_t slot = places->queues[FREE].first;
    if (slot == NONE) {
        places->count.busy++;
        return false;
    }
    struct question *question = &places->questions[slot];
    question->lookup = *lookup;
    question->asker = asker;
    question->asked_ms = now_ms;
    question->attempts = 0;
    line_up(places, slot, now_ms);
    places->in_flight++;
    places->count.asked++;
    *ticket = question->ids[0];
    return true;
}

/* How little a broker is wanted for this question, or -1 if it cannot be asked now: first those
 * who have not had it yet, then those who were not silent. */
static int reluctance(const struct places *places, const struct question *question, uint32_t broker,
                      int64_t now_ms)
{
    const struct broker *it = &places->brokers[broker];
    if (now_ms < it->blocked_until_ms)
        return -1;
    return (question->attempts > 1 && question->broker == broker ? 2 : 0) +
           (now_ms < it->silent_until_ms ? 1 : 0);
}

static bool choose_broker(struct places *places, const struct question *question, int64_t now_ms)
{
    int least = -1;
    for (uint32_t i = 0; i < places->broker_count; i++) {
        uint32_t broker = (places->turn + i) % places->broker_count;
        int reluctant = reluctance(places, question, broker, now_ms);
        if (reluctant < 0 || (least >= 0 && reluctant >= least))
            continue;
        least = reluctant;
        places->chosen = broker;
    }
    return least >= 0;
}

size_t places_next(struct places *places, int64_t now_ms, uint32_t *broker, uint64_t *id, char *out)
{
    uint16_t slot = places->queues[TO_SEND].first;
    if (slot == NONE || !choose_broker(places, &places->questions[slot], now_ms))
        return 0;
    const struct question *question = &places->questions[slot];
    *broker = places->chosen;
    struct lookup lookup = question->lookup;
    int64_t left_ms = question->asked_ms + PLACES_DEADLINE_MS - PLACES_TRAVEL_MS - now_ms;
    lookup.deadline_ms = left_ms < 1 ? 1 : (uint32_t)left_ms;
    *id = question->ids[question->attempts - 1];
    return lookup_write_request(&lookup, out);
}

void places_sent(struct places *places, int64_t now_ms)
{
    uint16_t slot = places->queues[TO_SEND].first;
    assert(slot != NONE);
    bool again = places->questions[slot].attempts > 1;
    places->questions[slot].broker = (uint8_t)places->chosen;
    places->turn = (places->chosen + 1) % places->broker_count;
    places->count.sent++;
    move(places, again ? SENT_AGAIN : SENT, slot, now_ms);
}

void places_refused(struct places *places, int64_t now_ms)
{
    places->brokers[places->chosen].blocked_until_ms = now_ms + PLACES_PAUSE_MS;
}

static struct question *find(struct places *places, uint64_t id)
{
    struct question *question = &places->questions[id & SLOT_MASK];
    if (question->stage == FREE)
        return NULL;
    for (uint8_t i = 0; i < question->attempts; i++) {
        if (question->ids[i] == id)
            return question;
    }
    return NULL;
}

/* The question is over; what it was is told to whoever passes the answer on. */
static void close_question(struct places *places, struct question *question,
                           struct places_answer *answer)
{
    answer->asker = question->asker;
    answer->ticket = question->ids[0];
    move(places, FREE, (uint16_t)(question - places->questions), 0);
    places->in_flight--;
    places->count.answered++;
}

static void fail(struct places *places, enum lookup_code code, const char *reason,
                 struct places_answer *answer)
{
    places->failure.len = 0;
    lookup_write_failure(code, reason, &places->failure);
    answer->code = code;
    answer->body = (struct span){places->failure.data, places->failure.len};
}

/* A broker has no answer now. True if another one is asked, or has been already. */
static bool is_asked_elsewhere(struct places *places, struct question *question, uint64_t id,
                               int64_t now_ms)
{
    if (places->broker_count == 1 || question->ids[question->attempts - 1] != id)
        return places->broker_count > 1;
    if (question->attempts > 1 || now_ms - question->asked_ms >= PLACES_RETRY_MS)
        return false;
    places->count.retried++;
    line_up(places, (uint16_t)(question - places->questions), now_ms);
    return true;
}

bool places_receive(struct places *places, uint64_t id, struct span message, int64_t now_ms,
                    struct places_answer *answer)
{
    struct question *question = find(places, id);
    if (question == NULL) {
        places->count.unknown++;
        return false;
    }
    struct lookup_reply reply;
    bool good = lookup_read_reply(message, &reply);
    if (good && (reply.code == LOOKUP_UNAVAILABLE || reply.code == LOOKUP_BUSY) &&
        is_asked_elsewhere(places, question, id, now_ms))
        return false;
    close_question(places, question, answer);
    if (good) {
        answer->code = reply.code;
        answer->body = reply.body;
    } else {
        places->count.nonsense++;
        fail(places, LOOKUP_NONSENSE, "the places service sent a reply that cannot be read",
             answer);
    }
    return true;
}

void places_lost(struct places *places, uint32_t broker, int64_t now_ms)
{
    uint16_t after;
    for (uint16_t slot = places->queues[SENT].first; slot != NONE; slot = after) {
        after = places->questions[slot].after;
        if (places->questions[slot].broker != broker)
            continue;
        places->count.retried++;
        line_up(places, slot, now_ms);
    }
}

static int64_t limit_ms(const struct places *places, enum stage stage)
{
    uint16_t slot = places->queues[stage].first;
    if (slot == NONE)
        return INT64_MAX;
    const struct question *question = &places->questions[slot];
    switch (stage) {
    case TO_SEND:
        return question->since_ms + PLACES_UNREACHABLE_MS;
    case SENT:
        return question->since_ms + PLACES_RETRY_MS;
    default:
        return question->asked_ms + PLACES_DEADLINE_MS;
    }
}

bool places_expire(struct places *places, int64_t now_ms, struct places_answer *answer)
{
    while (limit_ms(places, SENT) <= now_ms) {
        const struct question *silent = &places->questions[places->queues[SENT].first];
        places->brokers[silent->broker].silent_until_ms = now_ms + PLACES_SILENT_MS;
        places->count.retried++;
        line_up(places, places->queues[SENT].first, now_ms);
    }
    if (limit_ms(places, SENT_AGAIN) <= now_ms) {
        places->count.late++;
        close_question(places, &places->questions[places->queues[SENT_AGAIN].first], answer);
        fail(places, LOOKUP_LATE, "the places service did not answer in time", answer);
        return true;
    }
    if (limit_ms(places, TO_SEND) <= now_ms) {
        places->count.unreachable++;
        close_question(places, &places->questions[places->queues[TO_SEND].first], answer);
        fail(places, LOOKUP_UNAVAILABLE, "the places service cannot be reached", answer);
        return true;
    }
    return false;
}

int64_t places_deadline_ms(const struct places *places)
{
    int64_t earliest_ms = INT64_MAX;
    for (enum stage stage = TO_SEND; stage <= SENT_AGAIN; stage++) {
        if (limit_ms(places, stage) < earliest_ms)
            earliest_ms = limit_ms(places, stage);
    }
    for (uint32_t i = 0; places->queues[TO_SEND].first != NONE && i < places->broker_count; i++) {
        if (places->brokers[i].blocked_until_ms < earliest_ms)
            earliest_ms = places->brokers[i].blocked_until_ms;
    }
    return earliest_ms;
}

size_t places_in_flight(const struct places *places)
{
    return places->in_flight;
}

const struct places_counters *places_count(const struct places *places)
{
    return &places->count;
}
