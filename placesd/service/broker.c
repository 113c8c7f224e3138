#include "placesd/service/broker.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#include <czmq.h>

#include "bus/net/binding.h"
#include "placesd/dispatch/callers.h"
#include "placesd/dispatch/dispatcher.h"
#include "placesd/dispatch/foreign.h"
#include "placesd/lookup.h"
#include "placesd/service/event.h"
#include "placesd/service/hangup.h"

/* Messages taken from one door before the other gets its turn. */
#define TURN_MESSAGES_MAX 256
/* A question has less than 64 bytes, but a longer mistake deserves its answer, too. Whoever sends
 * more is disconnected by ZeroMQ. */
#define FRONT_FRAME_BYTES_MAX 4096
/* Frames in front of a question: a routing id per broker it came through, REQ's own request id
 * and the empty one that ends them. */
#define ENVELOPE_FRAMES_MAX 16
/* The routing id and the empty frame: nothing is asked. */
#define PING_FRAMES 2
/* Answers that may wait for one asker: all questions may be one asker's, and may end at the same
 * moment. Beyond that it does not read, and answers to it are dropped. */
#define FRONT_WAITING_MAX DISPATCHER_WAITERS_MAX
/* More than all credits of a worker: it is the credits that bound what waits for it. */
#define BACK_WAITING_MAX (2 * LOOKUP_CREDITS_MAX)
/* What is on its way when the broker is told to stop may take so long to come. */
#define DRAIN_MS 400
/* A stranger's key that is refused wakes nobody here: it is told after this time at the latest. */
#define REFUSALS_PAUSE_MS 1000
/* Last answers may take so long to leave. */
#define LINGER_MS 100

struct broker {
    struct auth *auth; /* NULL without keys */
    zsock_t *front, *back;
    char *front_at, *back_at; /* the endpoints really bound */
    uint16_t front_port, back_port;
    struct callers *front_callers, *back_callers;
    struct dispatcher *dispatcher;
    zmsg_t *envelopes[DISPATCHER_WAITERS_MAX]; /* where answers go, by dispatcher_slot; NULL: no
                                                 such ticket */
    uint64_t kin; /* the life of our own process's worker; 0: there is none */
    uint64_t refusals_told;
    struct event_fault strange_front, strange_back, busy, crowded, keyless, refused, nonsense;
};

/* ---- opening and closing ---- */

/* One of the broker's two sides, before it is bound. */
struct side {
    const char *endpoint, *place;
    int message_bytes_max, waiting_max;
    enum auth_door door;
};

static zsock_t *bind_router(const struct side *side, const struct auth_certificate *own,
                            char *error)
{
    zsock_t *socket = zsock_new(ZMQ_ROUTER);
    assert(socket != NULL);
    void *handle = zsock_resolve(socket);
    zsock_set_router_handover(socket, 1);
    zsock_set_maxmsgsize(socket, side->message_bytes_max);
    bool guarded = own == NULL || (auth_guard(handle, side->door, own) &&
                                   auth_limit(handle, side->message_bytes_max));
    assert(guarded);
    zsock_set_rcvhwm(socket, side->waiting_max);
    zsock_set_sndhwm(socket, side->waiting_max);
    zsock_set_rcvtimeo(socket, 0);
    zsock_set_sndtimeo(socket, 0);
    zsock_set_linger(socket, LINGER_MS);
    char reason[BINDING_REASON_BYTES_MAX];
    if (binding_zmq(handle, side->endpoint, reason))
        return socket;
    snprintf(error, BROKER_ERROR_BYTES_MAX, "%s%scannot listen on %s: %s",
             side->place != NULL ? side->place : "", side->place != NULL ? ": " : "",
             side->endpoint, reason);
    zsock_destroy(&socket);
    return NULL;
}

static uint16_t port_of(const char *endpoint)
{
    return (uint16_t)strtoul(strrchr(endpoint, ':') + 1, NULL, 10);
}

static void draw(void *bytes, size_t count)
{
    ssize_t drawn = getrandom(bytes, count, 0);
    assert(drawn == (ssize_t)count);
}

static struct dispatcher *open_desk(const struct broker_options *options)
{
    struct dispatcher_options wanted = {
        .source_count = options->source_count,
        .grid_m = options->grid_m,
    };
    for (uint32_t i = 0; i < options->source_count; i++)
        wanted.sources[i] = options->sources[i];
    draw(&wanted.seed, sizeof wanted.seed);
    draw(wanted.secret, sizeof wanted.secret);
    return dispatcher_new(&wanted);
}

/* The handler of keys stands before a door is opened. */
static bool open_auth(struct broker *broker, struct broker_keys *keys, char *error)
{
    /* CZMQ's sockets share one context. */
    broker->auth = auth_open(zsys_init(), error);
    if (broker->auth == NULL)
        return false;
    auth_allow(broker->auth, AUTH_PLACES_FRONT, &keys->front);
    auth_allow(broker->auth, AUTH_PLACES_BACK, &keys->back);
    return true;
}

/* A stranger sent to try the keys is refused at both doors. */
static bool prove_keys(struct broker *broker, const struct auth_certificate *own, char *error)
{
    return auth_prove(broker->auth, broker->front_at, own->public_key, error) &&
           auth_prove(broker->auth, broker->back_at, own->public_key, error);
}

struct broker *broker_open(const struct broker_options *options, char error[BROKER_ERROR_BYTES_MAX])
{
    struct broker *broker = calloc(1, sizeof *broker);
    assert(broker != NULL);
    broker->dispatcher = open_desk(options);
    broker->front_callers = callers_new();
    broker->back_callers = callers_new();
    broker->kin = options->kin;
    const struct auth_certificate *own = options->keys != NULL ? &options->keys->own : NULL;
    const struct side front = {options->front, options->front_place, FRONT_FRAME_BYTES_MAX,
                               FRONT_WAITING_MAX, AUTH_PLACES_FRONT};
    const struct side back = {options->back, options->back_place, LOOKUP_REPLY_BYTES_MAX,
                              BACK_WAITING_MAX, AUTH_PLACES_BACK};
    if (own == NULL || open_auth(broker, options->keys, error))
        broker->front = bind_router(&front, own, error);
    if (broker->front != NULL)
        broker->back = bind_router(&back, own, error);
    if (broker->back != NULL) {
        broker->front_at = zsock_last_endpoint(broker->front);
        broker->back_at = zsock_last_endpoint(broker->back);
        broker->front_port = port_of(broker->front_at);
        broker->back_port = port_of(broker->back_at);
    }
    if (broker->back == NULL || (own != NULL && !prove_keys(broker, own, error))) {
        broker_close(&broker);
        return NULL;
    }
    /* A job for a worker that is gone is refused at once instead of dropped in silence. */
    zsock_set_router_mandatory(broker->back, 1);
    return broker;
}

const char *broker_back(const struct broker *broker)
{
    return broker->back_at;
}

void broker_admit(struct broker *broker, struct keyring *front, struct keyring *back)
{
    assert(broker->auth != NULL);
    auth_allow(broker->auth, AUTH_PLACES_FRONT, front);
    auth_allow(broker->auth, AUTH_PLACES_BACK, back);
}

void broker_close(struct broker **broker)
{
    if (*broker == NULL)
        return;
    for (size_t slot = 0; slot < DISPATCHER_WAITERS_MAX; slot++)
        zmsg_destroy(&(*broker)->envelopes[slot]);
    free((*broker)->front_at);
    free((*broker)->back_at);
    zsock_destroy(&(*broker)->back);
    zsock_destroy(&(*broker)->front);
    auth_close(&(*broker)->auth);
    callers_destroy(&(*broker)->front_callers);
    callers_destroy(&(*broker)->back_callers);
    dispatcher_destroy(&(*broker)->dispatcher);
    free(*broker);
    *broker = NULL;
}

/* ---- answers ---- */

static struct span bytes_of(zframe_t *frame)
{
    return (struct span){(const char *)zframe_data(frame), zframe_size(frame)};
}

/* Sends the envelope and behind it the reply; the envelope is gone then. */
static void send_reply(struct broker *broker, zmsg_t *envelope, const struct lookup_reply *reply)
{
    struct buffer bytes = {0};
    lookup_write_reply(reply, &bytes);
    zmsg_addmem(envelope, bytes.data, bytes.len);
    if (zmsg_send(&envelope, broker->front) != 0)
        zmsg_destroy(&envelope);
    buffer_free(&bytes);
}

static void send_failure(struct broker *broker, zmsg_t *envelope, enum lookup_code code,
                         const char *reason)
{
    struct buffer json = {0};
    lookup_write_failure(code, reason, &json);
    send_reply(broker, envelope, &(struct lookup_reply){code, {json.data, json.len}});
    buffer_free(&json);
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

/* An asker that sends the empty frame alone wants to know whether we are there: it comes back. */
static void return_ping(struct broker *broker, zmsg_t *ping)
{
    if (zmsg_send(&ping, broker->front) != 0)
        zmsg_destroy(&ping);
}

static void refuse_question(struct broker *broker, zmsg_t *envelope, zmsg_t *question)
{
    char reason[LOOKUP_REASON_BYTES_MAX];
    if (zmsg_size(question) == 1)
        lookup_explain_request(bytes_of(zmsg_first(question)), reason);
    else
        snprintf(reason, sizeof reason,
                 "The question is not a look-up. It has %zu frames: 1 is needed.",
                 zmsg_size(question));
    send_failure(broker, envelope, LOOKUP_INVALID, reason);
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
    uint64_t ticket;
    if (zmsg_size(message) == 0 && zmsg_size(envelope) == PING_FRAMES) {
        return_ping(broker, envelope);
    } else if (zmsg_size(message) != 1 ||
               !lookup_read_request(bytes_of(zmsg_first(message)), &lookup)) {
        refuse_question(broker, envelope, message);
    } else if (!dispatcher_ask(broker->dispatcher, &lookup, now_ms, &ticket)) {
        event_log_fault(&broker->busy, now_ms, "too many look-ups wait: answered busy");
        send_failure(broker, envelope, LOOKUP_BUSY,
                     "Too many look-ups wait at the moment: ask again later.");
    } else {
        broker->envelopes[dispatcher_slot(ticket)] = envelope;
    }
}

/* ---- the back ---- */

/* A worker's name as a line of the log can show it. That of our own process's is a secret. */
static const char *show_worker(const struct broker *broker, struct span name,
                               char shown[BALANCE_NAME_BYTES_MAX + 1])
{
    if (caller_is_of(name, CALLER_WORKER, broker->kin))
        return "of this process";
    for (size_t i = 0; i < name.len; i++)
        shown[i] = name.data[i] > ' ' && name.data[i] < 0x7f ? name.data[i] : '.';
    shown[name.len] = '\0';
    return shown;
}

static void log_worker(const struct broker *broker, struct span name, const char *what)
{
    char shown[BALANCE_NAME_BYTES_MAX + 1];
    event_log("worker %s %s", show_worker(broker, name, shown), what);
}

static void log_nonsense(struct broker *broker, struct span name, const char *why, int64_t now_ms)
{
    char shown[BALANCE_NAME_BYTES_MAX + 1], text[EVENT_LINE_BYTES_MAX];
    snprintf(text, sizeof text, "worker %s answered nonsense: %s", show_worker(broker, name, shown),
             why);
    event_log_fault(&broker->nonsense, now_ms, text);
}

/* A worker that cannot be reached any more is lost. */
static void send_to_worker(struct broker *broker, struct span worker, zmsg_t *message)
{
    zmsg_pushmem(message, worker.data, worker.len);
    if (zmsg_send(&message, broker->back) == 0)
        return;
    zmsg_destroy(&message);
    dispatcher_lose(broker->dispatcher, worker);
}

static void probe(struct broker *broker, struct span worker)
{
    zmsg_t *message = zmsg_new();
    zmsg_addmem(message, "", 0);
    send_to_worker(broker, worker, message);
}

static void take_ready(struct broker *broker, struct span worker, struct span bytes, int64_t now_ms)
{
    uint32_t credits;
    if (!lookup_read_ready(bytes, &credits)) {
        event_log_fault(&broker->strange_back, now_ms,
                        "a worker's message is neither READY nor an answer: dropped");
        return;
    }
    switch (dispatcher_ready(broker->dispatcher, worker, credits, now_ms)) {
    case BALANCE_JOINED:
        log_worker(broker, worker, "joined");
        break;
    case BALANCE_CROWDED:
        event_log_fault(&broker->crowded, now_ms, "too many workers: one more is not taken");
        probe(broker, worker); /* it is heard all the same */
        break;
    case BALANCE_KNOWN:
        break;
    }
}

/* Whether an answer counts; what does may borrow from `json`. Our own process's worker has checked
 * its body where it was made, and an answer that nobody waits for is not looked at. */
static bool read_answer(struct broker *broker, struct span worker, uint64_t job, struct span bytes,
                        struct lookup_reply *reply, struct buffer *json, int64_t now_ms)
{
    char why[FOREIGN_WHY_BYTES_MAX];
    if (!dispatcher_expects(broker->dispatcher, worker, job) ||
        (caller_is_of(worker, CALLER_WORKER, broker->kin) && lookup_read_reply(bytes, reply)) ||
        foreign_take(bytes, reply, json, why))
        return true;
    log_nonsense(broker, worker, why, now_ms);
    return false;
}

/* The reply behind a job's number, and behind it, perhaps, for how long the provider wants rest. */
static void take_answer(struct broker *broker, struct span worker, zmsg_t *message, int64_t now_ms)
{
    struct span number = bytes_of(zmsg_next(message));
    struct span bytes = bytes_of(zmsg_next(message));
    zframe_t *last = zmsg_next(message);
    uint64_t job;
    if (number.len != sizeof job)
        return;
    memcpy(&job, number.data, sizeof job);
    uint32_t rest_ms = 0;
    if (last != NULL && !lookup_read_rest(bytes_of(last), &rest_ms))
        rest_ms = 0;
    struct buffer json = {0};
    struct lookup_reply reply = {LOOKUP_BAD_REPLY, {"", 0}};
    if (read_answer(broker, worker, job, bytes, &reply, &json, now_ms))
        dispatcher_done(broker->dispatcher, worker, job, &reply, rest_ms, now_ms);
    else
        dispatcher_garbled(broker->dispatcher, worker, job, now_ms);
    buffer_free(&json);
}

/* Behind the worker's name: one frame is READY, more are an answer. */
static void take_from_worker(struct broker *broker, zmsg_t *message, int64_t now_ms)
{
    size_t frames = zmsg_size(message);
    struct span worker = bytes_of(zmsg_first(message));
    if (frames == 3 || frames == 4)
        take_answer(broker, worker, message, now_ms);
    else
        take_ready(broker, worker, frames == 2 ? bytes_of(zmsg_next(message)) : span_of(""),
                   now_ms);
}

/* ---- actions ---- */

static void give(struct broker *broker, const struct dispatcher_action *action)
{
    char request[LOOKUP_REQUEST_BYTES_MAX];
    size_t bytes = lookup_write_request(&action->lookup, request);
    zmsg_t *message = zmsg_new();
    zmsg_addmem(message, &action->job, sizeof action->job);
    zmsg_addmem(message, request, bytes);
    zmsg_addstr(message, action->source);
    send_to_worker(broker, action->worker, message);
}

static void answer(struct broker *broker, const struct dispatcher_action *action)
{
    zmsg_t **envelope = &broker->envelopes[dispatcher_slot(action->ticket)];
    assert(*envelope != NULL);
    send_reply(broker, *envelope, &(struct lookup_reply){action->code, action->body});
    *envelope = NULL;
}

static void apply(struct broker *broker, const struct dispatcher_action *action)
{
    switch (action->kind) {
    case DISPATCHER_ANSWER:
        answer(broker, action);
        break;
    case DISPATCHER_GIVE:
        give(broker, action);
        break;
    case DISPATCHER_PROBE:
        probe(broker, action->worker);
        break;
    case DISPATCHER_LEFT:
        log_worker(broker, action->worker, "left");
        break;
    case DISPATCHER_PAUSED:
        event_log("provider %s fails: not asked for %" PRId64 " ms", action->source,
                  action->pause_ms);
        break;
    case DISPATCHER_RESUMED:
        event_log("provider %s is asked again", action->source);
        break;
    }
}

static void obey_orders(struct broker *broker, int64_t now_ms)
{
    struct dispatcher_action action;
    while (dispatcher_next(broker->dispatcher, now_ms, &action))
        apply(broker, &action);
}

/* ---- the loop ---- */

/* Whether the connection that brought the message has a key of that door at this moment: one that
 * was taken from its ring does not speak on over the connection it has. */
static bool is_known(struct broker *broker, enum auth_door door, zmsg_t *message, int64_t now_ms)
{
    char name[KEYRING_NAME_BYTES_MAX + 1];
    if (broker->auth == NULL ||
        auth_find(broker->auth, door, zframe_meta(zmsg_last(message), AUTH_KEY_PROPERTY), name))
        return true;
    event_log_fault(&broker->keyless, now_ms, "a message came without a key that counts: dropped");
    return false;
}

static void tell_refusals(struct broker *broker, int64_t now_ms)
{
    char text[EVENT_LINE_BYTES_MAX];
    if (broker->auth == NULL)
        return;
    struct auth_refusals refusals = auth_refused(broker->auth);
    if (refusals.count == broker->refusals_told)
        return;
    broker->refusals_told = refusals.count;
    snprintf(text, sizeof text, "a stranger's key was refused: %s from %s", refusals.key,
             refusals.address);
    event_log_fault(&broker->refused, now_ms, text);
}

/* Whose connection brought the message, whose first frame is the routing id. ZeroMQ 4.3.4 does not
 * tell of the connection with that frame, but with the last. */
static void hear_caller(struct broker *broker, enum auth_door door, zmsg_t *message, int64_t now_ms)
{
    bool front = door == AUTH_PLACES_FRONT;
    struct callers *callers = front ? broker->front_callers : broker->back_callers;
    struct caller caller;
    uint64_t mark;
    if (!caller_read(bytes_of(zmsg_first(message)), &caller))
        return;
    int descriptor = hangup_descriptor(zframe_meta(zmsg_last(message), HANGUP_PROPERTY));
    if (callers_hear(callers, &caller, descriptor, now_ms) &&
        hangup_mark(descriptor, front ? broker->front_port : broker->back_port, &mark))
        callers_add(callers, &caller, descriptor, mark, now_ms);
}

static void hang_up(struct callers *callers, int64_t now_ms)
{
    int descriptor;
    uint64_t mark;
    while (callers_next(callers, now_ms, &descriptor, &mark))
        hangup(descriptor, mark);
}

static void drain(struct broker *broker, zsock_t *socket, int64_t now_ms)
{
    for (int i = 0; i < TURN_MESSAGES_MAX; i++) {
        zmsg_t *message = zmsg_recv(socket);
        if (message == NULL)
            return;
        enum auth_door door = socket == broker->front ? AUTH_PLACES_FRONT : AUTH_PLACES_BACK;
        bool known = is_known(broker, door, message, now_ms);
        if (known)
            hear_caller(broker, door, message, now_ms);
        if (known && door == AUTH_PLACES_FRONT)
            take_question(broker, message, now_ms);
        else if (known)
            take_from_worker(broker, message, now_ms);
        zmsg_destroy(&message);
        obey_orders(broker, now_ms);
    }
}

/* How long nothing needs to be done unless something arrives; zmq_poll's -1 is for ever. */
static long pause_ms(int64_t deadline_ms, int64_t now_ms)
{
    if (deadline_ms == INT64_MAX)
        return -1;
    return deadline_ms > now_ms ? (long)(deadline_ms - now_ms) : 0;
}

static int64_t earliest_ms(const struct broker *broker, int64_t until_ms)
{
    const int64_t dues_ms[] = {
        until_ms,
        dispatcher_deadline_ms(broker->dispatcher),
        callers_deadline_ms(broker->front_callers),
        callers_deadline_ms(broker->back_callers),
        broker->auth != NULL ? zclock_mono() + REFUSALS_PAUSE_MS : INT64_MAX,
    };
    int64_t earliest_ms = INT64_MAX;
    for (size_t i = 0; i < sizeof dues_ms / sizeof *dues_ms; i++)
        if (dues_ms[i] < earliest_ms)
            earliest_ms = dues_ms[i];
    return earliest_ms;
}

/* One wait and what came of it. True when `stop_descriptor` (or -1) is readable. */
static bool turn(struct broker *broker, int stop_descriptor, int64_t until_ms)
{
    zmq_pollitem_t items[] = {
        {.socket = zsock_resolve(broker->front), .events = ZMQ_POLLIN},
        {.socket = zsock_resolve(broker->back), .events = ZMQ_POLLIN},
        {.fd = stop_descriptor, .events = ZMQ_POLLIN},
    };
    /* An interrupted poll leaves stale marks; the sockets are drained without blocking, so they
     * may be asked whatever the marks say. */
    zmq_poll(items, stop_descriptor < 0 ? 2 : 3,
             pause_ms(earliest_ms(broker, until_ms), zclock_mono()));
    int64_t now_ms = zclock_mono();
    drain(broker, broker->back, now_ms);
    drain(broker, broker->front, now_ms);
    obey_orders(broker, now_ms);
    hang_up(broker->front_callers, now_ms);
    hang_up(broker->back_callers, now_ms);
    tell_refusals(broker, now_ms);
    return (items[2].revents & ZMQ_POLLIN) != 0;
}

void broker_run(struct broker *broker, int stop_descriptor)
{
    while (!turn(broker, stop_descriptor, INT64_MAX))
        continue;
    dispatcher_close(broker->dispatcher);
    int64_t until_ms = zclock_mono() + DRAIN_MS;
    while (!dispatcher_is_idle(broker->dispatcher) && zclock_mono() < until_ms)
        turn(broker, -1, until_ms);
    dispatcher_stop(broker->dispatcher);
    obey_orders(broker, zclock_mono());
}

const struct dispatcher_counters *broker_count(const struct broker *broker)
{
    return dispatcher_count(broker->dispatcher);
}
