#include "placesd/service/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <curl/curl.h>
#include <czmq.h>

#include "bus/base/bytes.h"
#include "bus/base/growth.h"
#include "bus/link/dial.h"
#include "bus/net/address.h"
#include "bus/net/entropy.h"
#include "bus/net/socket_option.h"
#include "placesd/caller.h"
#include "placesd/dispatch/balance.h"
#include "placesd/lookup.h"
#include "placesd/service/event.h"
#include "placesd/service/handover.h"
#include "topology/notify.h"

/* Jobs taken from one broker before the transfers get their turn. */
#define TURN_JOBS_MAX WORKER_CREDITS
/* More than all credits: no answer is dropped. */
#define WAITING_MAX (2 * LOOKUP_CREDITS_MAX)
/* A broker that acknowledges nothing for this long is taken for gone and connected to again. */
#define UNACKNOWLEDGED_MS BALANCE_SILENCE_MS
#define RECONNECT_MS      100
/* Jobs that were on their way when a broker heard of no more credits arrive within this time. */
#define LAST_JOBS_MS 200

/* A broker of two keys that comes back with the other one gets its workers back within a second. A
 * broker speaks to a worker that was quiet for half a second, so one that is not heard for twice
 * the silence that it drops us for does not hear us, or we do not hear it. */
static const struct dial_rules rules = {
    .away_ms = 3000,
    .away_two_keys_ms = 500,
    .unanswered_ms = 2 * BALANCE_SILENCE_MS,
};

_Static_assert(WORKER_BROKERS_MAX <= TRANSFER_OTHERS_MAX, "a worker waits for all its brokers");

enum phase {
    WORKING,
    DRAINING, /* no credits any more; ends with the last job */
    STOPPING,
};

/* The connection to one broker, of which there may be several one after the other: a job that came
 * over one that was replaced is answered over the next. */
struct link {
    const struct worker_broker *broker;
    const struct auth_ends *keys; /* ours; NULL: in the clear */
    struct dial dial;
    struct address address;
    bool begins;     /* there was no connection yet */
    uint64_t life;   /* of our names: random */
    zsock_t *socket; /* NULL where the system had none left: then the next try may get one */
    int64_t ready_due_ms;
};

struct worker {
    uint32_t credits; /* for each broker */
    bool hears;       /* a broker may have sent something; the thread's */
    bool is_alone;    /* no broker is in this process, whose loop shows a watchdog that it turns */
    pthread_t thread;
    atomic_int phase;
    atomic_bool ended;
    struct transfers *transfers;
    struct link links[WORKER_BROKERS_MAX];
    size_t link_count;
    struct event_fault strange;
    struct growth_texts failures;
    pthread_mutex_t lock; /* while a job begins or what it begins with changes, and for these: */
    bool expects_others;
    struct keyring_keys expected;
    bool moves;
    char moved_to[RESOLVE_ENDPOINT_BYTES_MAX];

    char back[RESOLVE_ENDPOINT_BYTES_MAX]; /* of the first broker since it moved; the thread's */
};

/* ---- answers ---- */

/* zmq_msg_init_data(3). */
static void free_data(void *data, void *unused)
{
    (void)unused;
    handover_take(data);
    free(data);
}

/* ZeroMQ takes over the memory of the reply; a broker that is gone has given the job to another or
 * answered its asker. */
static void send_reply(const struct link *link, uint64_t job, enum lookup_code code,
                       struct span json, int64_t rest_ms)
{
    struct buffer reply = {0};
    zmq_msg_t message;
    if (link->socket == NULL ||
        zmq_send(zsock_resolve(link->socket), &job, sizeof job, ZMQ_SNDMORE) < 0)
        return;
    lookup_write_reply(&(struct lookup_reply){code, json}, &reply);
    handover_give(reply.data);
    zmq_msg_init_data(&message, reply.data, reply.len, free_data, NULL);
    if (zmq_msg_send(&message, zsock_resolve(link->socket), rest_ms > 0 ? ZMQ_SNDMORE : 0) < 0)
        zmq_msg_close(&message);
    if (rest_ms > 0) {
        char rest[LOOKUP_READY_BYTES_MAX];
        zmq_send(zsock_resolve(link->socket), rest, lookup_write_rest((uint32_t)rest_ms, rest), 0);
    }
}

static void send_failure(const struct link *link, uint64_t job, enum lookup_code code,
                         const char *reason)
{
    struct buffer json = {0};
    lookup_write_failure(code, reason, &json);
    send_reply(link, job, code, (struct span){json.data, json.len}, 0);
    buffer_free(&json);
}

static void log_failure(struct worker *worker, const struct transfer_end *end)
{
    struct span url = provider_public_url(end->source->url);
    char text[EVENT_LINE_BYTES_MAX];
    snprintf(text, sizeof text, "provider %s at %.*s: %s",
             topology_provider_name(end->source->provider->id), (int)url.len, url.data,
             end->failure);
    struct growth_before before;
    if (!growth_take_text(&worker->failures, span_of(text), zclock_mono(), &before))
        return;
    if (before.others > 0)
        event_log("fault", "providers failed %" PRIu64 " times more, in too many ways to tell",
                  before.others);
    if (before.same > 0)
        event_log("fault", "%s (and %" PRIu64 " times before)", text, before.same);
    else
        event_log("fault", "%s", text);
}

static void run_transfers(struct worker *worker)
{
    struct transfer_end end;
    while (transfer_next(worker->transfers, &end)) {
        if (end.failure != NULL)
            log_failure(worker, &end);
        send_reply(end.asker, end.job, end.code, end.json, end.rest_ms);
    }
}

/* ---- jobs ---- */

/* Whom a job is to ask. A broker may know of a provider that this worker's topology does not: NULL
 * then. A job of two frames leaves the choice to us. */
static const struct transfer_source *find_source(const struct worker_broker *broker, zframe_t *name)
{
    if (name == NULL)
        return &broker->sources[0];
    for (size_t i = 0; i < broker->source_count; i++)
        if (zframe_streq(name, topology_provider_name(broker->sources[i].provider->id)))
            return &broker->sources[i];
    return NULL;
}

static bool begin(struct worker *worker, const struct transfer_source *source,
                  const struct lookup *lookup, struct link *link, uint64_t job)
{
    worker_hold(worker);
    bool begun = transfer_begin(worker->transfers, source, lookup, link, job);
    worker_go_on(worker);
    return begun;
}

/* A job is two or three frames: its number, which goes back as it came, the question, and the name
 * of a provider. One frame is a broker that wants to know whether we are there. */
static void take_job(struct worker *worker, struct link *link, zmsg_t *message)
{
    size_t frames = zmsg_size(message);
    zframe_t *number = zmsg_first(message);
    zframe_t *question = zmsg_next(message);
    zframe_t *name = zmsg_next(message);
    uint64_t job;
    if (frames == 1)
        return;
    if (frames > 3 || zframe_size(number) != sizeof job) {
        event_log_fault(&worker->strange, zclock_mono(), "a broker sends what is no job: dropped");
        return;
    }
    memcpy(&job, zframe_data(number), sizeof job);
    struct span bytes = {(const char *)zframe_data(question), zframe_size(question)};
    const struct transfer_source *source = find_source(link->broker, name);
    struct lookup lookup;
    char reason[LOOKUP_REASON_BYTES_MAX];
    if (!lookup_read_request(bytes, &lookup)) {
        lookup_explain_request(bytes, reason);
        send_failure(link, job, LOOKUP_INVALID, reason);
    } else if (source == NULL) {
        send_failure(link, job, LOOKUP_UNAVAILABLE, "The places worker knows no such provider.");
    } else if (!begin(worker, source, &lookup, link, job)) {
        send_failure(link, job, LOOKUP_BUSY, "The places worker has too much to do.");
    }
}

static void take_jobs(struct worker *worker, struct link *link)
{
    for (int i = 0; link->socket != NULL && i < TURN_JOBS_MAX; i++) {
        zmsg_t *message = zmsg_recv(link->socket);
        if (message == NULL)
            return;
        dial_answered(&link->dial);
        take_job(worker, link, message);
        zmsg_destroy(&message);
    }
}

/* ---- connections ---- */

/* The name stays the same over reconnections of one socket, so that answers still find their jobs.
 * Each new socket has its own: a broker that takes the old one for alive does not take the two for
 * one, and ends the older connection. */
static void set_name(zsock_t *socket, const struct link *link)
{
    char name[CALLER_NAME_BYTES_MAX];
    struct caller caller = {CALLER_WORKER, link->life, link->dial.attempts};
    caller_write(&caller, name);
    zsock_set_identity(socket, name);
}

static const struct socket_option options_of_dealer[] = {
    {ZMQ_IMMEDIATE, 1},                 /* nothing is queued for a broker that is away */
    {ZMQ_RCVHWM, WAITING_MAX},          /* it is the credits that bound what waits here, */
    {ZMQ_SNDHWM, WAITING_MAX},          /* and what waits to leave */
    {ZMQ_RCVTIMEO, 0},                  /* CZMQ has no flag for it: the loop alone waits, */
    {ZMQ_SNDTIMEO, 0},                  /* for all sockets and transfers at once */
    {ZMQ_LINGER, LAST_JOBS_MS},         /* the last answers leave */
    {ZMQ_RECONNECT_IVL, RECONNECT_MS},  /* the broker is found again at once */
    {ZMQ_TCP_MAXRT, UNACKNOWLEDGED_MS}, /* one that vanished silently is gone by then */
};

static void set_options(zsock_t *socket, const char *endpoint)
{
    socket_options_set(zsock_resolve(socket), options_of_dealer,
                       sizeof options_of_dealer / sizeof *options_of_dealer);
    /* Only for an address in brackets: ZeroMQ would reach others as IPv4 in IPv6. */
    zsock_set_ipv6(socket, strchr(endpoint, '[') != NULL);
    /* A broker that sends more loses the connection before it costs us memory. */
    zsock_set_maxmsgsize(socket, LOOKUP_REQUEST_BYTES_MAX);
}

/* False with errno. */
static bool connect_link(struct link *link)
{
    const struct auth_ends *keys = link->keys;
    const char *own = link->broker->own_back;
    const char *endpoint = own != NULL ? own : address_choose(&link->address, &link->dial);
    link->ready_due_ms = 0;
    link->socket = endpoint != NULL ? zsock_new(ZMQ_DEALER) : NULL;
    if (link->socket == NULL)
        return false;
    set_name(link->socket, link);
    set_options(link->socket, endpoint);
    void *handle = zsock_resolve(link->socket);
    if ((keys == NULL || auth_limit(handle, LOOKUP_REQUEST_BYTES_MAX)) &&
        auth_connect(handle, endpoint, keys != NULL ? &keys->own : NULL,
                     link->dial.keys.text[link->dial.key]))
        return true;
    int error = errno;
    zsock_destroy(&link->socket);
    errno = error;
    return false;
}

static void renew_if_due(struct link *link, int64_t now_ms)
{
    if (!link->begins && !dial_is_due(&link->dial, now_ms)) {
        address_drop(&link->address); /* the old one works again */
        return;
    }
    if (link->dial.is_stale)
        zsock_destroy(&link->socket); /* not even while a name is asked for */
    if (link->broker->own_back == NULL && !address_find(&link->address, now_ms))
        return;
    if (link->begins)
        dial_restart(&link->dial, now_ms);
    else
        dial_renew(&link->dial, now_ms);
    link->begins = false;
    zsock_destroy(&link->socket);
    connect_link(link); /* or the next time */
}

static int64_t renewal_ms(const struct link *link)
{
    return address_is_asked(&link->address) ? link->address.again_ms
                                            : dial_deadline_ms(&link->dial);
}

static void tell_news(struct link *link, int64_t now_ms)
{
    switch (dial_news(&link->dial, now_ms)) {
    case DIAL_LOST:
        event_log("fault", "no answer from the broker at %s for %d s: %s", link->address.endpoint,
                  DIAL_LOST_MS / 1000,
                  link->address.trouble[0] != '\0'
                      ? link->address.trouble
                      : "not running, out of reach, or the keys differ");
        break;
    case DIAL_BACK:
        event_log("worker", "the broker at %s is reached again", link->address.endpoint);
        break;
    case DIAL_NOTHING_NEW:
        break;
    }
}

static void move(struct worker *worker)
{
    struct address *address = &worker->links[0].address;
    address_drop(address);
    strcpy(worker->back, worker->moved_to);
    *address = (struct address){.endpoint = worker->back};
    /* Within the process it is where it was: what waits there would be lost. */
    worker->links[0].begins = worker->links[0].broker->own_back == NULL;
    worker->moves = false;
}

static void take_expected(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    if (worker->moves)
        move(worker);
    for (size_t i = 0; worker->expects_others && i < worker->link_count; i++)
        dial_expect(&worker->links[i].dial, &worker->expected);
    worker->expects_others = false;
    pthread_mutex_unlock(&worker->lock);
}

/* ---- the loop ---- */

static void say_ready(struct link *link, uint32_t credits, int64_t now_ms)
{
    if (now_ms < link->ready_due_ms)
        return;
    char ready[LOOKUP_READY_BYTES_MAX];
    size_t bytes = lookup_write_ready(credits, ready);
    zframe_t *frame = zframe_new(ready, bytes);
    /* With no broker there is nobody to tell; a connection may come at any moment. */
    if (link->socket != NULL && zframe_send(&frame, link->socket, 0) == 0) {
        link->ready_due_ms = now_ms + BALANCE_HEARTBEAT_MS;
        dial_taken(&link->dial, true, now_ms);
    } else {
        zframe_destroy(&frame);
        link->ready_due_ms = now_ms + RECONNECT_MS;
        dial_refused(&link->dial, now_ms);
    }
}

/* The sockets' descriptors are edge-triggered and sending eats their edges (zmq_getsockopt(3),
 * ZMQ_FD): only ZMQ_EVENTS tells whether a job waits, and it is asked after the last send and
 * before every sleep. */
static void sleep_until_something(struct worker *worker, int64_t until_ms)
{
    int others[WORKER_BROKERS_MAX];
    size_t count = 0;
    bool has_job = false;
    int64_t now_ms = zclock_mono();
    for (size_t i = 0; i < worker->link_count; i++) {
        struct link *link = &worker->links[i];
        int events = link->socket != NULL ? zsock_events(link->socket) : 0;
        /* A connection that has just gone is noticed here, not with the next READY. */
        if ((events & ZMQ_POLLOUT) == 0) {
            dial_refused(&link->dial, now_ms);
            if (link->ready_due_ms > now_ms + RECONNECT_MS)
                link->ready_due_ms = now_ms + RECONNECT_MS;
        }
        if (link->ready_due_ms < until_ms)
            until_ms = link->ready_due_ms;
        if (renewal_ms(link) < until_ms)
            until_ms = renewal_ms(link);
        has_job = has_job || (events & ZMQ_POLLIN) != 0;
        if (link->socket != NULL)
            others[count++] = (int)zsock_fd(link->socket);
    }
    bool is_marked =
        transfer_wait(worker->transfers, others, count, has_job ? 0 : until_ms - now_ms);
    worker->hears = has_job || is_marked;
}

/* A process that was stopped for a while hears what it missed, and keeps its connection. */
static void turn(struct worker *worker, uint32_t credits, int64_t until_ms)
{
    take_expected(worker);
    for (size_t i = 0; i < worker->link_count; i++) {
        struct link *link = &worker->links[i];
        if (worker->hears || link->begins || zclock_mono() >= renewal_ms(link))
            take_jobs(worker, link);
        renew_if_due(link, zclock_mono());
        say_ready(link, credits, zclock_mono());
        tell_news(link, zclock_mono());
    }
    run_transfers(worker);
    sleep_until_something(worker, until_ms);
}

static void *run(void *user)
{
    struct worker *worker = user;
    while (atomic_load(&worker->phase) == WORKING)
        turn(worker, worker->credits, worker->is_alone ? notify_alive(zclock_mono()) : INT64_MAX);
    int64_t least_ms = zclock_mono() + LAST_JOBS_MS;
    for (size_t i = 0; i < worker->link_count; i++)
        worker->links[i].ready_due_ms = 0;
    while (atomic_load(&worker->phase) == DRAINING &&
           (zclock_mono() < least_ms || transfer_busy(worker->transfers) > 0))
        turn(worker, 0, zclock_mono() + LAST_JOBS_MS);
    atomic_store(&worker->ended, true);
    return NULL;
}

/* ---- start and stop ---- */

static bool open_links(struct worker *worker, const struct worker_options *options,
                       struct fault *fault)
{
    static const struct keyring_keys none;
    for (size_t i = 0; i < options->broker_count; i++) {
        struct link *link = &worker->links[worker->link_count++];
        *link = (struct link){.broker = &options->brokers[i],
                              .keys = options->keys,
                              .address = {.endpoint = options->brokers[i].back},
                              .life = options->kin != 0 ? options->kin : entropy_number()};
        dial_start(&link->dial, &rules, options->keys != NULL ? &options->keys->theirs : &none,
                   zclock_mono());
        /* An address is connected to at once, a name when its addresses are known. */
        bool is_own = link->broker->own_back != NULL;
        link->begins = !is_own && !address_find(&link->address, zclock_mono());
        if (link->begins || (!is_own && link->address.known.count == 0) || connect_link(link))
            continue;
        return fault_set(fault, "cannot connect to %s: %s", link->broker->back,
                         zmq_strerror(errno));
    }
    return true;
}

static void close_link(struct link *link)
{
    zsock_destroy(&link->socket);
    address_drop(&link->address);
}

static void release(struct worker *worker)
{
    transfer_close(&worker->transfers);
    for (size_t i = 0; i < worker->link_count; i++)
        close_link(&worker->links[i]);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}

/* libcurl has one limit for all hosts. 0 for none. */
static size_t choose_host_connections(const struct worker_options *options)
{
    for (size_t i = 0; i < options->broker_count; i++) {
        const struct worker_broker *broker = &options->brokers[i];
        for (size_t j = 0; j < broker->source_count; j++)
            if (broker->sources[j].provider->id != TOPOLOGY_LANDMARKS)
                return 0;
    }
    return WORKER_LANDMARKS_CONNECTIONS_MAX;
}

struct worker *worker_start(const struct worker_options *options, struct fault *fault)
{
    assert(options->broker_count >= 1 && options->broker_count <= WORKER_BROKERS_MAX);
    struct worker *worker = bytes_zeroed(sizeof *worker);
    pthread_mutex_init(&worker->lock, NULL);
    uint32_t brokers = (uint32_t)options->broker_count;
    worker->is_alone = options->kin == 0;
    worker->credits = options->credits > brokers ? options->credits / brokers : 1;
    worker->transfers = transfer_open(worker->credits * brokers, choose_host_connections(options));
    if (worker->transfers == NULL) {
        fault_set(fault, "libcurl %s lacks what placesd needs",
                  curl_version_info(CURLVERSION_NOW)->version);
    } else if (open_links(worker, options, fault)) {
        int failed = pthread_create(&worker->thread, NULL, run, worker);
        if (failed == 0)
            return worker;
        fault_set(fault, "cannot start a thread: %s", strerror(failed));
    }
    release(worker);
    return NULL;
}

void worker_hold(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
}

void worker_go_on(struct worker *worker)
{
    pthread_mutex_unlock(&worker->lock);
}

void worker_expect(struct worker *worker, const struct keyring_keys *theirs)
{
    pthread_mutex_lock(&worker->lock);
    worker->expected = *theirs;
    worker->expects_others = true;
    pthread_mutex_unlock(&worker->lock);
    transfer_wake(worker->transfers);
}

void worker_move(struct worker *worker, const char *back)
{
    pthread_mutex_lock(&worker->lock);
    snprintf(worker->moved_to, sizeof worker->moved_to, "%s", back);
    worker->moves = true;
    pthread_mutex_unlock(&worker->lock);
    transfer_wake(worker->transfers);
}

void worker_drain(struct worker *worker, int64_t patience_ms)
{
    int64_t until_ms = zclock_mono() + patience_ms;
    atomic_store(&worker->phase, DRAINING);
    transfer_wake(worker->transfers);
    while (!atomic_load(&worker->ended) && zclock_mono() < until_ms)
        zclock_sleep(10);
}

void worker_stop(struct worker **worker)
{
    if (*worker == NULL)
        return;
    atomic_store(&(*worker)->phase, STOPPING);
    transfer_wake((*worker)->transfers);
    pthread_join((*worker)->thread, NULL);
    release(*worker);
    *worker = NULL;
}
