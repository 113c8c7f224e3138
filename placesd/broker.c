#include "placesd/broker.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#include <czmq.h>

#include "placesd/balance.h"
#include "placesd/event.h"
#include "placesd/lookup.h"

/* Messages taken from one door before the other gets its turn. */
#define TURN_MESSAGES_MAX 256
/* A question has less than 64 bytes, but a longer mistake deserves its answer, too. Whoever sends
 * more is disconnected by ZeroMQ. */
#define FRONT_FRAME_BYTES_MAX 4096
/* Frames in front of a question: a routing id per broker it came through, REQ's own request id
 * and the empty one that ends them. */
#define ENVELOPE_FRAMES_MAX 16
/* Answers that may wait for one asker: all jobs may be one asker's, and may end at the same
 * moment. Beyond that it does not read, and answers to it are dropped. */
#define FRONT_WAITING_MAX BALANCE_JOBS_MAX
/* More than all credits of a worker: it is the credits that bound what waits for it. */
#define BACK_WAITING_MAX (2 * LOOKUP_CREDITS_MAX)
/* Last answers may take so long to leave. */
#define LINGER_MS 100

/* What belongs to one job: where its answer goes, and what was asked. */
struct question {
    zmsg_t *envelope; /* NULL: no such job */
    struct lookup lookup;
};

struct broker {
    zsock_t *front, *back;
    struct balance *balance;
    struct question questions[BALANCE_JOBS_MAX]; /* by balance_slot */
    struct event_fault strange_front, strange_back, busy, crowded;
};

/* ---- opening and closing ---- */

static void set_ipv6(zsock_t *socket, const char *endpoint)
{
    if (strchr(endpoint, '[') != NULL || strchr(endpoint, '*') != NULL)
        zsock_set_ipv6(socket, 1);
}

static zsock_t *bind_router(const char *endpoint, int message_bytes_max, int waiting_max,
                            char *error)
{
    zsock_t *socket = zsock_new(ZMQ_ROUTER);
    assert(socket != NULL);
    set_ipv6(socket, endpoint);
    zsock_set_router_handover(socket, 1);
    zsock_set_maxmsgsize(socket, message_bytes_max);
    zsock_set_rcvhwm(socket, waiting_max);
    zsock_set_sndhwm(socket, waiting_max);
    zsock_set_rcvtimeo(socket, 0);
    zsock_set_sndtimeo(socket, 0);
    zsock_set_linger(socket, LINGER_MS);
    if (zsock_bind(socket, "%s", endpoint) >= 0)
        return socket;
    snprintf(error, BROKER_ERROR_BYTES_MAX, "cannot listen on %s: %s", endpoint,
             zmq_strerror(zmq_errno()));
    zsock_destroy(&socket);
    return NULL;
}

struct broker *broker_open(const char *front, const char *back, char error[BROKER_ERROR_BYTES_MAX])
{
    struct broker *broker = calloc(1, sizeof *broker);
    assert(broker != NULL);
    uint64_t seed;
    ssize_t drawn = getrandom(&seed, sizeof seed, 0);
    assert(drawn == (ssize_t)sizeof seed);
    broker->balance = balance_new(seed);
    broker->front = bind_router(front, FRONT_FRAME_BYTES_MAX, FRONT_WAITING_MAX, error);
    if (broker->front != NULL)
        broker->back = bind_router(back, LOOKUP_REPLY_BYTES_MAX, BACK_WAITING_MAX, error);
    if (broker->back == NULL) {
        broker_close(&broker);
        return NULL;
    }
    /* A job for a worker that is gone is refused at once instead of dropped in silence. */
    zsock_set_router_mandatory(broker->back, 1);
    return broker;
}

void broker_close(struct broker **broker)
{
    if (*broker == NULL)
        return;
    for (size_t slot = 0; slot < BALANCE_JOBS_MAX; slot++)
        zmsg_destroy(&(*broker)->questions[slot].envelope);
    zsock_destroy(&(*broker)->back);
    zsock_destroy(&(*broker)->front);
    balance_destroy(&(*broker)->balance);
    free(*broker);
    *broker = NULL;
}

/* ---- answers ---- */

static struct span bytes_of(zframe_t *frame)
{
    return (struct span){(const char *)zframe_data(frame), zframe_size(frame)};
}

/* Sends the envelope and behind it the reply; both are gone then. */
static void send_answer(struct broker *broker, zmsg_t *envelope, zframe_t *reply)
{
    zmsg_append(envelope, &reply);
    if (zmsg_send(&envelope, broker->front) != 0)
        zmsg_destroy(&envelope);
}

static void send_failure(struct broker *broker, zmsg_t *envelope, enum lookup_code code,
                         const char *reason)
{
    struct buffer json = {0}, reply = {0};
    lookup_write_failure(code, reason, &json);
    lookup_write_reply(&(struct lookup_reply){code, {json.at, json.bytes}}, &reply);
    send_answer(broker, envelope, zframe_new(reply.at, reply.bytes));
    buffer_free(&reply);
    buffer_free(&json);
}

/* The envelope of a job that ends now. */
static zmsg_t *take_envelope(struct broker *broker, uint64_t job)
{
    struct question *question = &broker->questions[balance_slot(job)];
    zmsg_t *envelope = question->envelope;
    assert(envelope != NULL);
    question->envelope = NULL;
    return envelope;
}

/* ---- the front ---- */

/* Moves everything up to the empty frame from `message` to the result: REQ's envelope. NULL if
 * there is none: whoever sent this cannot be answered. */
static zmsg_t *open_envelope(zmsg_t *message)
{
    zmsg_t *envelope = zmsg_new();
    while (zmsg_size(message) > 0 && zmsg_size(envelope) < ENVELOPE_FRAMES_MAX) {
        zframe_t *frame = zmsg_pop(message);
        bool last = zframe_size(frame) == 0 && zmsg_size(envelope) > 0;
        zmsg_append(envelope, &frame);
        if (last)
            return envelope;
    }
    zmsg_destroy(&envelope);
    return NULL;
}

static void take_question(struct broker *broker, zmsg_t *message, int64_t now_ms)
{
    zmsg_t *envelope = open_envelope(message);
    if (envelope == NULL) {
        event_log_fault(&broker->strange_front, now_ms,
                        "a message without REQ's envelope came to the front: dropped");
        return;
    }
    struct lookup lookup;
    uint64_t job;
    if (zmsg_size(message) != 1 || !lookup_read_request(bytes_of(zmsg_first(message)), &lookup)) {
        send_failure(broker, envelope, LOOKUP_INVALID, "The question is not a look-up.");
    } else if (!balance_ask(broker->balance, lookup.deadline_ms, now_ms, &job)) {
        event_log_fault(&broker->busy, now_ms, "too many look-ups wait: answered busy");
        send_failure(broker, envelope, LOOKUP_BUSY,
                     "Too many look-ups wait at the moment: ask again later.");
    } else {
        broker->questions[balance_slot(job)] = (struct question){envelope, lookup};
    }
}

/* ---- the back ---- */

/* A worker's name as a line of the log can show it. */
static void log_worker(struct span name, const char *what)
{
    char shown[BALANCE_NAME_BYTES_MAX + 1];
    for (size_t i = 0; i < name.bytes; i++)
        shown[i] = name.at[i] > ' ' && name.at[i] < 0x7f ? name.at[i] : '.';
    shown[name.bytes] = '\0';
    event_log("worker %s %s", shown, what);
}

static void take_ready(struct broker *broker, struct span worker, struct span bytes, int64_t now_ms)
{
    uint32_t credits;
    if (!lookup_read_ready(bytes, &credits)) {
        event_log_fault(&broker->strange_back, now_ms,
                        "a worker's message is neither READY nor an answer: dropped");
        return;
    }
    switch (balance_ready(broker->balance, worker, credits, now_ms)) {
    case BALANCE_JOINED:
        log_worker(worker, "joined");
        break;
    case BALANCE_CROWDED:
        event_log_fault(&broker->crowded, now_ms, "too many workers: one more is not taken");
        break;
    case BALANCE_KNOWN:
        break;
    }
}

/* The reply goes on byte for byte, if it is one. */
static void take_answer(struct broker *broker, struct span worker, struct span number,
                        zframe_t *reply, int64_t now_ms)
{
    uint64_t job;
    if (number.bytes != sizeof job) {
        zframe_destroy(&reply);
        return;
    }
    memcpy(&job, number.at, sizeof job);
    if (!balance_done(broker->balance, worker, job, now_ms)) {
        zframe_destroy(&reply);
        return;
    }
    struct lookup_reply read;
    zmsg_t *envelope = take_envelope(broker, job);
    if (lookup_read_reply(bytes_of(reply), &read)) {
        send_answer(broker, envelope, reply);
    } else {
        zframe_destroy(&reply);
        send_failure(broker, envelope, LOOKUP_NONSENSE, "A places worker answered nonsense.");
    }
}

/* Behind the worker's name: one frame is READY, two are a job's number and its answer. */
static void take_from_worker(struct broker *broker, zmsg_t *message, int64_t now_ms)
{
    zframe_t *worker = zmsg_first(message);
    zframe_t *second = zmsg_next(message);
    if (zmsg_size(message) == 3) {
        zframe_t *reply = zmsg_last(message);
        zmsg_remove(message, reply);
        take_answer(broker, bytes_of(worker), bytes_of(second), reply, now_ms);
    } else {
        struct span ready = {"", 0};
        if (zmsg_size(message) == 2)
            ready = bytes_of(second);
        take_ready(broker, bytes_of(worker), ready, now_ms);
    }
}

/* ---- orders ---- */

static void give(struct broker *broker, const struct balance_order *order)
{
    struct lookup lookup = broker->questions[balance_slot(order->job)].lookup;
    lookup.deadline_ms = order->left_ms;
    char request[LOOKUP_REQUEST_BYTES_MAX];
    size_t bytes = lookup_write_request(&lookup, request);
    zmsg_t *message = zmsg_new();
    zmsg_addmem(message, order->worker.at, order->worker.bytes);
    zmsg_addmem(message, &order->job, sizeof order->job);
    zmsg_addmem(message, request, bytes);
    if (zmsg_send(&message, broker->back) != 0) {
        zmsg_destroy(&message);
        balance_lose(broker->balance, order->worker);
    }
}

/* A worker that cannot be reached any more is lost. */
static void probe(struct broker *broker, struct span worker)
{
    zmsg_t *message = zmsg_new();
    zmsg_addmem(message, worker.at, worker.bytes);
    zmsg_addmem(message, "", 0);
    if (zmsg_send(&message, broker->back) != 0) {
        zmsg_destroy(&message);
        balance_lose(broker->balance, worker);
    }
}

static void obey_orders(struct broker *broker, int64_t now_ms)
{
    struct balance_order order;
    while (balance_next(broker->balance, now_ms, &order)) {
        switch (order.kind) {
        case BALANCE_GIVE:
            give(broker, &order);
            break;
        case BALANCE_FAIL:
            send_failure(broker, take_envelope(broker, order.job), order.code,
                         order.code == LOOKUP_LATE ? "The places service had no answer in time."
                                                   : "The places service has no worker.");
            break;
        case BALANCE_PROBE:
            probe(broker, order.worker);
            break;
        case BALANCE_LEFT:
            log_worker(order.worker, "left");
            break;
        }
    }
}

/* ---- the loop ---- */

static void drain(struct broker *broker, zsock_t *socket, int64_t now_ms)
{
    for (int i = 0; i < TURN_MESSAGES_MAX; i++) {
        zmsg_t *message = zmsg_recv(socket);
        if (message == NULL)
            return;
        if (socket == broker->front)
            take_question(broker, message, now_ms);
        else
            take_from_worker(broker, message, now_ms);
        zmsg_destroy(&message);
    }
}

/* How long nothing needs to be done unless something arrives; zmq_poll's -1 is for ever. */
static long pause_ms(const struct broker *broker, int64_t now_ms)
{
    int64_t deadline_ms = balance_deadline_ms(broker->balance);
    if (deadline_ms == INT64_MAX)
        return -1;
    return deadline_ms > now_ms ? (long)(deadline_ms - now_ms) : 0;
}

void broker_run(struct broker *broker, int stop_descriptor)
{
    zmq_pollitem_t items[] = {
        {.socket = zsock_resolve(broker->front), .events = ZMQ_POLLIN},
        {.socket = zsock_resolve(broker->back), .events = ZMQ_POLLIN},
        {.fd = stop_descriptor, .events = ZMQ_POLLIN},
    };
    do {
        /* An interrupted poll leaves stale marks; the sockets are drained without blocking, so
         * they may be asked whatever the marks say. */
        zmq_poll(items, sizeof items / sizeof *items, pause_ms(broker, zclock_mono()));
        int64_t now_ms = zclock_mono();
        drain(broker, broker->back, now_ms);
        drain(broker, broker->front, now_ms);
        obey_orders(broker, now_ms);
    } while ((items[2].revents & ZMQ_POLLIN) == 0);
    balance_stop(broker->balance);
    obey_orders(broker, zclock_mono());
}
