#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>

#include <czmq.h>

#include "bus/base/bytes.h"
#include "bus/base/siphash.h"
#include "bus/net/binding.h"
#include "bus/net/entropy.h"
#include "bus/net/hangup.h"
#include "bus/net/socket_option.h"
#include "placesd/caller.h"
#include "placesd/dispatch/cache.h"
#include "placesd/dispatch/outbox.h"
#include "placesd/lookup.h"
#include "placesd/service/broker_state.h"
#include "topology/notify.h"

/* Messages taken from one door before the other gets its turn. */
#define TURN_MESSAGES_MAX 256
/* A question has less than 64 bytes, but a longer mistake deserves its answer, too. Whoever sends
 * more is disconnected by ZeroMQ. */
#define FRONT_FRAME_BYTES_MAX 4096
/* Frames in front of a question: a routing id per broker it came through, REQ's own request id
 * and the empty one that ends them. As many of the longest routing ids have room in the bytes. */
#define ENVELOPE_FRAMES_MAX 16
#define ENVELOPE_BYTES_MAX  4096
/* What a question costs that waits: its envelope with all that ZeroMQ and CZMQ put around frames,
 * its waiter, its flight and its job. */
#define QUESTION_BYTES_MAX (2 * ENVELOPE_BYTES_MAX)
_Static_assert(CACHE_BYTES_MAX + OUTBOX_BYTES_MAX +
                       (size_t)DISPATCHER_WAITERS_MAX * QUESTION_BYTES_MAX <=
                   BROKER_BYTES_MAX,
               "the parts are more than the whole");
/* The routing id and the empty frame: nothing is asked. */
#define PING_FRAMES 2
/* Messages that ZeroMQ reads ahead for one connection; beyond them TCP holds the sender back:
 * enough to go on with while the others have their turn. */
#define FRONT_AHEAD_MAX 64
#define BACK_AHEAD_MAX  32
/* Answers that may wait for one asker: all questions may be one asker's, and may end at the same
 * moment. It is their bytes that bound them (placesd/service/answers.h). */
#define FRONT_WAITING_MAX DISPATCHER_WAITERS_MAX
/* More than all credits of a worker: it is the credits that bound what waits for it. */
#define BACK_WAITING_MAX (2 * LOOKUP_CREDITS_MAX)
/* What the kernel holds of one connection to the front, in either direction; it takes it twice. */
#define FRONT_KERNEL_BYTES_MAX (256 * 1024)
/* How long a broker that is to stop waits for what is on its way. */
#define DRAIN_MS 400
/* A stranger's key that is refused wakes nobody here: it is logged this much later at most. */
#define REFUSALS_PAUSE_MS 1000
/* What is on its way over a connection that was replaced may take this long to arrive. */
#define REPLACED_MS 1000
/* What ZeroMQ calls the descriptor among a message's properties (ZMQ_SRCFD, zmq_msg_get(3)). */
#define DESCRIPTOR_PROPERTY "__fd"
/* How long last answers may take to leave. */
#define LINGER_MS 100

/* ---- opening and closing ---- */

/* One of the broker's two sides, before it is bound. */
struct side {
    const char *endpoint, *place;
    int message_bytes_max, ahead_max, waiting_max;
    int kernel_bytes_max; /* -1: as the system says */
    enum auth_door door;
};

static zsock_t *bind_router(const struct side *side, const struct auth_certificate *own,
                            struct fault *fault)
{
    zsock_t *socket = zsock_new(ZMQ_ROUTER);
    assert(socket != NULL);
    void *handle = zsock_resolve(socket);
    const struct socket_option options[] = {
        {ZMQ_ROUTER_HANDOVER, 1},             /* who connects again gets its own answers */
        {ZMQ_RCVHWM, side->ahead_max},        /* in memory for each connection, */
        {ZMQ_SNDHWM, side->waiting_max},      /* in either direction, */
        {ZMQ_RCVBUF, side->kernel_bytes_max}, /* and in the kernel's */
        {ZMQ_SNDBUF, side->kernel_bytes_max},
        {ZMQ_RCVTIMEO, 0},       /* CZMQ has no flag for it: the loop alone waits, */
        {ZMQ_SNDTIMEO, 0},       /* for both sides at once */
        {ZMQ_LINGER, LINGER_MS}, /* the last answers leave */
    };
    socket_options_set(handle, options, sizeof options / sizeof *options);
    /* A longer frame costs its sender the connection before it costs us memory. */
    zsock_set_maxmsgsize(socket, side->message_bytes_max);
    bool guarded = own == NULL || (auth_guard(handle, side->door, own) &&
                                   auth_limit(handle, side->message_bytes_max));
    assert(guarded);
    if (binding_zmq(handle, side->endpoint, fault))
        return socket;
    fault_set(fault, "%s%scannot listen on %s: %s", side->place != NULL ? side->place : "",
              side->place != NULL ? ": " : "", side->endpoint, fault->text);
    zsock_destroy(&socket);
    return NULL;
}

static struct dispatcher *open_desk(const struct broker_options *options)
{
    struct dispatcher_options wanted = {
        .source_count = options->source_count,
        .grid_m = options->grid_m,
        .nodes = options->nodes,
    };
    for (uint32_t i = 0; i < options->source_count; i++)
        wanted.sources[i] = options->sources[i];
    entropy_draw(&wanted.seed, sizeof wanted.seed);
    entropy_draw(wanted.secret, sizeof wanted.secret);
    return dispatcher_new(&wanted);
}

/* The handler of keys stands before a door is opened. */
static bool open_auth(struct broker *broker, struct broker_keys *keys, struct fault *fault)
{
    /* CZMQ's sockets share one context. */
    broker->auth = auth_open(zsys_init(), fault);
    if (broker->auth == NULL)
        return false;
    auth_allow(broker->auth, AUTH_PLACES_FRONT, &keys->front);
    auth_allow(broker->auth, AUTH_PLACES_BACK, &keys->back);
    return true;
}

/* A stranger sent to try the keys is refused at both doors. */
static bool prove_keys(struct broker *broker, const struct auth_certificate *own,
                       struct fault *fault)
{
    return auth_prove(broker->auth, broker->front_at, own->public_key, fault) &&
           auth_prove(broker->auth, broker->back_at, own->public_key, fault);
}

static bool read_budget(struct broker *broker, const struct broker_options *options,
                        struct fault *fault)
{
    broker->budget = options->budget;
    return options->budget == NULL || options->spent[0] == '\0' ||
           dispatcher_read_budget(broker->dispatcher, span_of(options->spent), zclock_mono(),
                                  zclock_time()) ||
           fault_set(fault, "%s: not as placesd writes it; without the file it counts from 0",
                     budget_path(options->budget));
}

/* The door for the worker of this process. */
static bool bind_own(struct broker *broker, struct fault *fault)
{
    if (broker->kin == 0)
        return true;
    snprintf(broker->own_back, sizeof broker->own_back, "inproc://places-%016" PRIx64, broker->kin);
    return zmq_bind(zsock_resolve(broker->back), broker->own_back) == 0 ||
           fault_set(fault, "cannot listen on %s: %s", broker->own_back, zmq_strerror(errno));
}

struct broker *broker_open(const struct broker_options *options, struct fault *fault)
{
    struct broker *broker = bytes_zeroed(sizeof *broker);
    broker->dispatcher = open_desk(options);
    broker->answers = answers_new();
    broker->front_arrivals = arrivals_new((struct arrivals_rules){.replaced_ms = REPLACED_MS});
    broker->back_arrivals = arrivals_new((struct arrivals_rules){.replaced_ms = REPLACED_MS});
    broker->kin = options->kin;
    broker_open_moves(broker);
    broker->move.front = (struct broker_side){
        .socket = &broker->front, .at = &broker->front_at, .port = &broker->front_port};
    broker->move.back = (struct broker_side){
        .socket = &broker->back, .at = &broker->back_at, .port = &broker->back_port};
    snprintf(broker->move.front.endpoint, RESOLVE_ENDPOINT_BYTES_MAX, "%s", options->front);
    snprintf(broker->move.back.endpoint, RESOLVE_ENDPOINT_BYTES_MAX, "%s", options->back);
    const struct auth_certificate *own = options->keys != NULL ? &options->keys->own : NULL;
    const struct side front = {
        .endpoint = options->front,
        .place = options->front_place,
        .message_bytes_max = FRONT_FRAME_BYTES_MAX,
        .ahead_max = FRONT_AHEAD_MAX,
        .waiting_max = FRONT_WAITING_MAX,
        .kernel_bytes_max = FRONT_KERNEL_BYTES_MAX,
        .door = AUTH_PLACES_FRONT,
    };
    const struct side back = {
        .endpoint = options->back,
        .place = options->back_place,
        .message_bytes_max = LOOKUP_REPLY_BYTES_MAX,
        .ahead_max = BACK_AHEAD_MAX,
        .waiting_max = BACK_WAITING_MAX,
        .kernel_bytes_max = -1,
        .door = AUTH_PLACES_BACK,
    };
    if (read_budget(broker, options, fault) &&
        (own == NULL || open_auth(broker, options->keys, fault)))
        broker->front = bind_router(&front, own, fault);
    if (broker->front != NULL)
        broker->back = bind_router(&back, own, fault);
    if (broker->back != NULL) {
        broker->front_at = zsock_last_endpoint(broker->front);
        broker->back_at = zsock_last_endpoint(broker->back);
        broker->front_port = hangup_port(broker->front_at);
        broker->back_port = hangup_port(broker->back_at);
    }
    if (broker->back == NULL || (own != NULL && !prove_keys(broker, own, fault)) ||
        !broker_open_monitor(broker, options, fault)) {
        broker_close(&broker);
        return NULL;
    }
    if (!bind_own(broker, fault)) {
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

const char *broker_own_back(const struct broker *broker)
{
    return broker->own_back[0] != '\0' ? broker->own_back : NULL;
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
    monitor_close(&(*broker)->monitor);
    broker_close_moves(*broker);
    zsock_destroy(&(*broker)->back);
    zsock_destroy(&(*broker)->front);
    auth_close(&(*broker)->auth);
    answers_destroy(&(*broker)->answers);
    arrivals_destroy(&(*broker)->front_arrivals);
    arrivals_destroy(&(*broker)->back_arrivals);
    dispatcher_destroy(&(*broker)->dispatcher);
    free(*broker);
    *broker = NULL;
}

/* ---- answers ---- */

/* Sends the envelope and after it the reply; the envelope is gone then. */
static void send_reply(struct broker *broker, zmsg_t *envelope, const struct lookup_reply *reply)
{
    struct buffer bytes = {0};
    lookup_write_reply(reply, &bytes);
    answers_send(broker->answers, broker->front, envelope, &bytes, zclock_mono());
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
 * there is none within the limits: whoever sent this cannot be answered. */
static zmsg_t *open_envelope(zmsg_t *message)
{
    zmsg_t *envelope = zmsg_new();
    while (zmsg_size(message) > 0 && zmsg_size(envelope) < ENVELOPE_FRAMES_MAX) {
        zframe_t *frame = zmsg_pop(message);
        bool last = zframe_size(frame) == 0 && zmsg_size(envelope) > 0;
        zmsg_append(envelope, &frame);
        if (zmsg_content_size(envelope) > ENVELOPE_BYTES_MAX)
            break;
        if (last)
            return envelope;
    }
    zmsg_destroy(&envelope);
    return NULL;
}

/* An asker that sends the empty frame alone wants to know whether we are there: it comes back. */
static void return_ping(struct broker *broker, zmsg_t *ping)
{
    struct buffer nothing = {0};
    zframe_t *empty = zmsg_last(ping);
    zmsg_remove(ping, empty);
    zframe_destroy(&empty);
    answers_send(broker->answers, broker->front, ping, &nothing, zclock_mono());
}

static void send_figures(struct broker *broker, zmsg_t *envelope, int64_t now_ms)
{
    struct buffer figures = {0};
    dispatcher_write_figures(broker->dispatcher, now_ms, &figures);
    answers_send(broker->answers, broker->front, envelope, &figures, now_ms);
}

static void refuse_question(struct broker *broker, zmsg_t *envelope, zmsg_t *question)
{
    char reason[LOOKUP_REASON_BYTES_MAX];
    broker->invalid++;
    if (zmsg_size(question) == 1)
        lookup_explain_request(broker_bytes(zmsg_first(question)), reason);
    else
        snprintf(reason, sizeof reason,
                 "The question is not a look-up. It has %zu frames: 1 is needed.",
                 zmsg_size(question));
    send_failure(broker, envelope, LOOKUP_INVALID, reason);
}

/* Who asks, as far as shares go: a node, by its key. Without keys a gateway, by the life that it
 * says it is of; all others are one. */
static uint64_t identify(const struct broker *broker, const char *node, zframe_t *routing_id)
{
    static const uint8_t names_are_our_own[SIPHASH_KEY_BYTES];
    struct caller caller;
    if (broker->auth != NULL)
        return siphash(span_of(node), names_are_our_own);
    bool is_gateway =
        caller_read(broker_bytes(routing_id), &caller) && caller.kind == CALLER_GATEWAY;
    return is_gateway ? caller.life : 0;
}

/* `node` is the name of the key it came with; any text without keys. */
static void take_question(struct broker *broker, const char *node, zmsg_t *message, int64_t now_ms)
{
    uint64_t asker = identify(broker, node, zmsg_first(message));
    zmsg_t *envelope = open_envelope(message);
    if (envelope == NULL) {
        event_log_fault(&broker->strange_front, now_ms,
                        "a message without REQ's envelope came to the front: dropped");
        return;
    }
    struct span question =
        zmsg_size(message) == 1 ? broker_bytes(zmsg_first(message)) : span_of("");
    struct lookup lookup;
    uint64_t ticket;
    if (zmsg_size(message) == 0 && zmsg_size(envelope) == PING_FRAMES) {
        return_ping(broker, envelope);
    } else if (span_equals(question, LOOKUP_FIGURES_QUESTION)) {
        send_figures(broker, envelope, now_ms);
    } else if (!lookup_read_request(question, &lookup)) {
        refuse_question(broker, envelope, message);
    } else if (!dispatcher_ask(broker->dispatcher, asker, &lookup, now_ms, &ticket)) {
        event_log_fault(&broker->busy, now_ms, "too many look-ups wait: answered busy");
        send_failure(broker, envelope, LOOKUP_BUSY,
                     "Too many look-ups wait at the moment: ask again later.");
    } else {
        broker->envelopes[dispatcher_slot(ticket)] = envelope;
    }
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
    broker_send_to_worker(broker, action->worker, message);
}

static void answer(struct broker *broker, const struct dispatcher_action *action)
{
    zmsg_t **envelope = &broker->envelopes[dispatcher_slot(action->ticket)];
    assert(*envelope != NULL);
    send_reply(broker, *envelope, &(struct lookup_reply){action->code, action->body});
    *envelope = NULL;
}

static void apply(struct broker *broker, const struct dispatcher_action *action, int64_t now_ms)
{
    switch (action->kind) {
    case DISPATCHER_ANSWER:
        answer(broker, action);
        break;
    case DISPATCHER_GIVE:
        give(broker, action);
        break;
    case DISPATCHER_PROBE:
        broker_probe(broker, action->worker);
        break;
    case DISPATCHER_LEFT:
        broker_log_worker(broker, action->worker, "left", now_ms);
        break;
    case DISPATCHER_PAUSED:
        event_log("fault", "provider %s fails: not asked for %" PRId64 " ms", action->source,
                  action->pause_ms);
        break;
    case DISPATCHER_RESUMED:
        event_log("provider", "provider %s is asked again", action->source);
        break;
    case DISPATCHER_SPENDS:
        event_log("budget",
                  "budget of provider %s: %" PRIu32 " of the %s's %" PRIu32 " requests are used%s",
                  action->source, action->budget.used, action->budget.of_hour ? "hour" : "day",
                  action->budget.max, action->budget.percent == 100 ? ": not asked for more" : "");
        break;
    }
}

static void obey_orders(struct broker *broker, int64_t now_ms)
{
    struct dispatcher_action action;
    while (dispatcher_next(broker->dispatcher, now_ms, &action))
        apply(broker, &action, now_ms);
}

/* ---- the budget ---- */

static bool is_budget_due(const struct broker *broker)
{
    return broker->budget != NULL && broker_count(broker)->requests[0] != broker->requests_kept;
}

/* What is spent goes to its file, once in BUDGET_PAUSE_MS at most. */
static void keep_budget(struct broker *broker, int64_t now_ms)
{
    char text[QUOTA_TEXT_BYTES_MAX];
    if (!is_budget_due(broker) || now_ms < broker->budget_due_ms)
        return;
    broker->requests_kept = broker_count(broker)->requests[0];
    broker->budget_due_ms = now_ms + BUDGET_PAUSE_MS;
    if (dispatcher_write_budget(broker->dispatcher, now_ms, zclock_time(), text))
        budget_keep(broker->budget, span_of(text));
}

/* ---- the loop ---- */

/* Whether the connection that brought the message has a key of that door at this moment: one that
 * was taken from its ring does not speak on over the connection it has. Whose key it is to `name`;
 * without keys nobody's. */
static bool is_known(struct broker *broker, enum auth_door door, zmsg_t *message,
                     char name[KEYRING_NAME_BYTES_MAX + 1], int64_t now_ms)
{
    name[0] = '\0';
    if (broker->auth == NULL || (door == AUTH_PLACES_BACK && broker_is_own(broker, message)) ||
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
    if (refusals.count == broker->refused.logged)
        return;
    snprintf(text, sizeof text, "a stranger's key was refused: %s from %s", refusals.key,
             refusals.address);
    event_log_growth(&broker->refused, refusals.count, now_ms, text);
}

/* The descriptor that a message came over, in ZeroMQ's words; -1 where it does not say. */
static int read_descriptor(const char *digits)
{
    char *end = NULL;
    long descriptor = digits != NULL ? strtol(digits, &end, 10) : -1;
    bool is_number = end != digits && *end == '\0';
    return is_number && descriptor >= 0 && descriptor <= INT_MAX ? (int)descriptor : -1;
}

/* Whose connection brought the message, whose first frame is the routing id. ZeroMQ 4.3.4 does not
 * tell of the connection with that frame, but with the last. */
static void hear_caller(struct broker *broker, enum auth_door door, zmsg_t *message, int64_t now_ms)
{
    bool front = door == AUTH_PLACES_FRONT;
    struct caller caller;
    if (!caller_read(broker_bytes(zmsg_first(message)), &caller))
        return;
    struct arrival arrival = {caller.kind, caller.life, caller.number};
    hangup_hear(front ? broker->front_arrivals : broker->back_arrivals, &arrival,
                read_descriptor(zframe_meta(zmsg_last(message), DESCRIPTOR_PROPERTY)),
                front ? broker->front_port : broker->back_port, now_ms);
}

static void drain(struct broker *broker, zsock_t *socket, int64_t now_ms)
{
    for (int i = 0; i < TURN_MESSAGES_MAX; i++) {
        zmsg_t *message = zmsg_recv(socket);
        if (message == NULL)
            return;
        enum auth_door door = socket == broker->front ? AUTH_PLACES_FRONT : AUTH_PLACES_BACK;
        char name[KEYRING_NAME_BYTES_MAX + 1];
        bool known = is_known(broker, door, message, name, now_ms);
        if (known)
            hear_caller(broker, door, message, now_ms);
        if (known && door == AUTH_PLACES_FRONT)
            take_question(broker, name, message, now_ms);
        else if (known)
            broker_take_from_worker(broker, message, now_ms);
        zmsg_destroy(&message);
        obey_orders(broker, now_ms);
    }
}

/* How long nothing needs to be done unless something arrives; poll(2)'s -1 is for ever. */
static int pause_ms(int64_t deadline_ms, int64_t now_ms)
{
    int64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    return left_ms <= INT_MAX ? (int)left_ms : -1;
}

static int64_t earliest_ms(const struct broker *broker, int64_t until_ms)
{
    const int64_t dues_ms[] = {
        dispatcher_deadline_ms(broker->dispatcher),
        arrivals_deadline_ms(broker->front_arrivals),
        arrivals_deadline_ms(broker->back_arrivals),
        broker->auth != NULL ? zclock_mono() + REFUSALS_PAUSE_MS : INT64_MAX,
        is_budget_due(broker) ? broker->budget_due_ms : INT64_MAX,
        broker_monitor_deadline_ms(broker, zclock_mono()),
    };
    for (size_t i = 0; i < sizeof dues_ms / sizeof *dues_ms; i++)
        if (dues_ms[i] < until_ms)
            until_ms = dues_ms[i];
    return until_ms;
}

/* What is waited for. */
enum item { FRONT, BACK, MOVE, MONITOR, STOP, ITEMS };

/* Whether a message waits at the door. Its descriptor is edge-triggered and sending eats its edges
 * (zmq_getsockopt(3), ZMQ_FD): only ZMQ_EVENTS tells, asked after the last send and before each
 * sleep. */
static bool has_message(zsock_t *socket)
{
    return (zsock_events(socket) & ZMQ_POLLIN) != 0;
}

/* Fills what poll(2) marks. zmq_poll(3) asks the doors twice and polls twice for each wait, and
 * each of these is a system call or two. */
static void wait_for_something(struct broker *broker, int stop_descriptor, int64_t until_ms,
                               struct pollfd items[ITEMS])
{
    bool is_front = has_message(broker->front), is_back = has_message(broker->back);
    const int descriptors[ITEMS] = {
        [FRONT] = (int)zsock_fd(broker->front),
        [BACK] = (int)zsock_fd(broker->back),
        [MOVE] = broker->move.wake,
        [MONITOR] = broker->monitor != NULL ? monitor_descriptor(broker->monitor) : -1,
        [STOP] = stop_descriptor, /* poll(2) passes over -1 */
    };
    for (size_t i = 0; i < ITEMS; i++)
        items[i] = (struct pollfd){.fd = descriptors[i], .events = POLLIN};
    poll(items, ITEMS,
         is_front || is_back ? 0 : pause_ms(earliest_ms(broker, until_ms), zclock_mono()));
    items[FRONT].revents |= is_front ? POLLIN : 0;
    items[BACK].revents |= is_back ? POLLIN : 0;
}

/* One wait and what came of it. True when `stop_descriptor` (or -1) is readable. */
static bool turn(struct broker *broker, int stop_descriptor, int64_t until_ms)
{
    struct pollfd items[ITEMS];
    wait_for_something(broker, stop_descriptor, until_ms, items);
    int64_t now_ms = zclock_mono();
    if (items[BACK].revents != 0)
        drain(broker, broker->back, now_ms);
    if (items[FRONT].revents != 0)
        drain(broker, broker->front, now_ms);
    obey_orders(broker, now_ms);
    hangup_due(broker->front_arrivals, now_ms);
    hangup_due(broker->back_arrivals, now_ms);
    tell_refusals(broker, now_ms);
    keep_budget(broker, now_ms);
    if (items[MOVE].revents != 0)
        broker_move_if_asked(broker);
    broker_run_monitor(broker, items[MONITOR].revents != 0, now_ms);
    return (items[STOP].revents & POLLIN) != 0;
}

void broker_run(struct broker *broker, int stop_descriptor)
{
    while (!turn(broker, stop_descriptor, notify_alive(zclock_mono())))
        continue;
    notify_stopping();
    broker_end_moves(broker);
    dispatcher_close(broker->dispatcher);
    int64_t until_ms = zclock_mono() + DRAIN_MS;
    while (!dispatcher_is_idle(broker->dispatcher) && zclock_mono() < until_ms)
        turn(broker, -1, until_ms);
    dispatcher_stop(broker->dispatcher);
    obey_orders(broker, zclock_mono());
    keep_budget(broker, broker->budget_due_ms);
}

const struct dispatcher_counters *broker_count(const struct broker *broker)
{
    return dispatcher_count(broker->dispatcher);
}
