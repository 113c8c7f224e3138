#include "gateway/node/lookups.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <zmq.h>

#include "bus/net/address.h"
#include "placesd/dispatch/caller.h"
#include "placesd/lookup.h"

/* A request id, an empty frame, a body. */
#define FRAMES 3
/* Messages queued in each direction. Far more than a service in good health lets wait. */
#define LOOKUPS_QUEUE_MESSAGES_MAX 1000

static const struct dial_rules rules = {.away_ms = LOOKUPS_AWAY_MS,
                                        .away_two_keys_ms = LOOKUPS_AWAY_TWO_KEYS_MS,
                                        .unanswered_ms = LOOKUPS_UNANSWERED_MS},
                               rules_of_pings = {.away_ms = LOOKUPS_AWAY_MS,
                                                 .away_two_keys_ms = LOOKUPS_AWAY_TWO_KEYS_MS,
                                                 .unanswered_ms = LOOKUPS_PING_UNANSWERED_MS};

struct lookups {
    void *context;
    void *socket; /* NULL where the system had none left: then the next try may get one */
    int watch;    /* an epoll(7) that holds the socket's descriptor, so that there is one descriptor
                     to poll for all the sockets of a life */
    char endpoint[TOPOLOGY_ENDPOINT_BYTES_MAX + 1];
    struct address address;
    bool begins; /* there was no connection yet */
    bool has_keys;
    struct auth_certificate own;
    struct dial dial;
    bool answers_pings;       /* the service does: a plain REP drops them */
    uint64_t life;            /* random */
    zmq_msg_t frames[FRAMES]; /* of the last message received; always initialised */
};

struct option {
    int name, value;
};

static bool set_options(void *socket, bool ipv6, bool has_keys)
{
    const struct option options[] = {
        {ZMQ_IMMEDIATE, 1}, /* nothing is queued for a service that is away */
        {ZMQ_LINGER, 0},    /* a question nobody waits for any more must not delay the end */
        {ZMQ_SNDHWM, LOOKUPS_QUEUE_MESSAGES_MAX},
        {ZMQ_RCVHWM, LOOKUPS_QUEUE_MESSAGES_MAX},
        {ZMQ_RECONNECT_IVL, 100},      /* ms: the service is found again at once... */
        {ZMQ_RECONNECT_IVL_MAX, 1000}, /* ...and not searched for without a pause */
        {ZMQ_CONNECT_TIMEOUT, 1000},   /* ms */
        {ZMQ_TCP_KEEPALIVE, 1},        /* instead of heartbeats, which may end a process whose
                                          connecting socket has a full queue (libzmq 4.3) */
        {ZMQ_IPV6, ipv6},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (zmq_setsockopt(socket, options[i].name, &options[i].value, sizeof(int)) != 0)
            return false;
    }
    int64_t bytes_max = LOOKUP_REPLY_BYTES_MAX;
    if (has_keys)
        return auth_limit(socket, bytes_max);
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) == 0;
}

static void close_socket(struct lookups *lookups)
{
    int descriptor;
    size_t size = sizeof descriptor;
    if (lookups->socket == NULL)
        return;
    /* Before ZeroMQ closes it, which it does at some later moment. */
    if (zmq_getsockopt(lookups->socket, ZMQ_FD, &descriptor, &size) == 0)
        epoll_ctl(lookups->watch, EPOLL_CTL_DEL, descriptor, NULL);
    zmq_close(lookups->socket);
    lookups->socket = NULL;
}

static bool watch_socket(struct lookups *lookups)
{
    struct epoll_event event = {.events = EPOLLIN};
    int descriptor;
    size_t size = sizeof descriptor;
    return zmq_getsockopt(lookups->socket, ZMQ_FD, &descriptor, &size) == 0 &&
           epoll_ctl(lookups->watch, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static bool set_name(struct lookups *lookups)
{
    char name[CALLER_NAME_BYTES_MAX];
    struct caller caller = {CALLER_GATEWAY, lookups->life, lookups->dial.attempts};
    size_t bytes = caller_write(&caller, name);
    return zmq_setsockopt(lookups->socket, ZMQ_ROUTING_ID, name, bytes) == 0;
}

/* A new socket and its connection, under a new routing id. False with errno. */
static bool open_socket(struct lookups *lookups)
{
    const struct dial *dial = &lookups->dial;
    const char *at = address_choose(&lookups->address, dial);
    lookups->socket = at != NULL ? zmq_socket(lookups->context, ZMQ_DEALER) : NULL;
    if (lookups->socket == NULL)
        return false;
    if (set_options(lookups->socket, strchr(at, '[') != NULL, lookups->has_keys) &&
        set_name(lookups) && watch_socket(lookups) &&
        auth_connect(lookups->socket, at, lookups->has_keys ? &lookups->own : NULL,
                     dial->keys.text[dial->key]))
        return true;
    int error = errno;
    close_socket(lookups);
    errno = error;
    return false;
}

/* An address is connected to at once, a name when its addresses are known. */
static bool open_all(struct lookups *lookups, int64_t now_ms)
{
    lookups->watch = epoll_create1(EPOLL_CLOEXEC);
    lookups->context = zmq_ctx_new();
    if (lookups->watch < 0 || lookups->context == NULL)
        return false;
    lookups->begins = !address_find(&lookups->address, now_ms);
    return lookups->begins || lookups->address.known.count == 0 || open_socket(lookups);
}

struct lookups *lookups_open(const struct topology_endpoint *endpoint, const struct auth_ends *keys,
                             uint64_t life, int64_t now_ms, char error[LOOKUPS_ERROR_BYTES_MAX])
{
    static const struct keyring_keys none;
    struct lookups *lookups = bytes_zeroed(sizeof *lookups);
    for (size_t i = 0; i < FRAMES; i++)
        zmq_msg_init(&lookups->frames[i]);
    strcpy(lookups->endpoint, endpoint->text);
    lookups->address.endpoint = lookups->endpoint;
    lookups->has_keys = keys != NULL;
    if (keys != NULL)
        lookups->own = keys->own;
    lookups->life = life;
    dial_start(&lookups->dial, &rules, keys != NULL ? &keys->theirs : &none, now_ms);
    if (open_all(lookups, now_ms))
        return lookups;
    snprintf(error, LOOKUPS_ERROR_BYTES_MAX, "cannot ask for places at %s: %s", endpoint->text,
             zmq_strerror(errno));
    lookups_close(&lookups);
    return NULL;
}

void lookups_close(struct lookups **lookups)
{
    if (*lookups == NULL)
        return;
    for (size_t i = 0; i < FRAMES; i++)
        zmq_msg_close(&(*lookups)->frames[i]);
    close_socket(*lookups);
    address_drop(&(*lookups)->address);
    if ((*lookups)->context != NULL)
        zmq_ctx_term((*lookups)->context);
    if ((*lookups)->watch >= 0)
        close((*lookups)->watch);
    explicit_bzero(&(*lookups)->own, sizeof(*lookups)->own);
    free(*lookups);
    *lookups = NULL;
}

void lookups_expect(struct lookups *lookups, const struct keyring_keys *theirs)
{
    assert(lookups->has_keys);
    dial_expect(&lookups->dial, theirs);
}

static bool is_connected(const struct lookups *lookups)
{
    int events = 0;
    size_t size = sizeof events;
    return lookups->socket != NULL &&
           zmq_getsockopt(lookups->socket, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLOUT) != 0;
}

/* A frame that is empty and alone: a REP drops it, and the broker sends it back. */
static void ping(struct lookups *lookups, int64_t now_ms)
{
    if (zmq_send(lookups->socket, "", 0, ZMQ_DONTWAIT) >= 0)
        dial_taken(&lookups->dial, lookups->answers_pings, now_ms);
}

void lookups_look(struct lookups *lookups, int64_t now_ms)
{
    bool was_away = dial_is_away(&lookups->dial);
    if (!is_connected(lookups))
        dial_refused(&lookups->dial, now_ms);
    else if (was_away)
        ping(lookups, now_ms);
}

void lookups_second(struct lookups *lookups, int64_t now_ms)
{
    if (is_connected(lookups))
        ping(lookups, now_ms);
    else
        dial_refused(&lookups->dial, now_ms);
}

static bool is_wanted(const struct lookups *lookups, int64_t now_ms)
{
    return lookups->begins || dial_is_due(&lookups->dial, now_ms);
}

bool lookups_renew(struct lookups *lookups, int64_t now_ms)
{
    if (!is_wanted(lookups, now_ms)) {
        address_drop(&lookups->address); /* the old one works again */
        return false;
    }
    if (lookups->dial.is_stale)
        close_socket(lookups); /* not even while a name is asked for */
    if (!address_find(&lookups->address, now_ms))
        return false;
    if (lookups->begins)
        dial_restart(&lookups->dial, now_ms);
    else
        dial_renew(&lookups->dial, now_ms);
    lookups->begins = false;
    close_socket(lookups);
    open_socket(lookups); /* or the next time */
    return true;
}

int64_t lookups_deadline_ms(const struct lookups *lookups)
{
    return address_is_asked(&lookups->address) ? lookups->address.again_ms
                                               : dial_deadline_ms(&lookups->dial);
}

enum dial_news lookups_news(struct lookups *lookups, int64_t now_ms)
{
    return dial_news(&lookups->dial, now_ms);
}

const char *lookups_reason(const struct lookups *lookups)
{
    return lookups->address.error[0] != '\0' ? lookups->address.error
                                             : "not running, out of reach, or the keys differ";
}

const char *lookups_endpoint(const struct lookups *lookups)
{
    return lookups->endpoint;
}

int lookups_descriptor(const struct lookups *lookups)
{
    return lookups->watch;
}

static bool send_frames(void *socket, uint64_t id, struct span request)
{
    /* Once the first frame is taken, ZeroMQ takes the others too. */
    return socket != NULL && zmq_send(socket, &id, sizeof id, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0 &&
           zmq_send(socket, "", 0, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0 &&
           zmq_send(socket, request.data, request.len, ZMQ_DONTWAIT) >= 0;
}

bool lookups_send(struct lookups *lookups, uint64_t id, struct span request, int64_t now_ms)
{
    bool sent = send_frames(lookups->socket, id, request);
    if (sent)
        dial_taken(&lookups->dial, true, now_ms);
    else
        dial_refused(&lookups->dial, now_ms);
    return sent;
}

/* Receives one whole message; keeps its first frames and returns how many there were, 0 when
 * nothing waits. */
static size_t receive_frames(struct lookups *lookups)
{
    zmq_msg_t surplus;
    size_t count = 0;
    bool more = true;
    zmq_msg_init(&surplus);
    while (more && lookups->socket != NULL) {
        zmq_msg_t *frame = count < FRAMES ? &lookups->frames[count] : &surplus;
        if (zmq_msg_recv(frame, lookups->socket, ZMQ_DONTWAIT) < 0)
            break;
        more = zmq_msg_more(frame);
        count++;
    }
    zmq_msg_close(&surplus);
    return count;
}

/* A broker of an earlier version takes a ping for an empty question, and says so. */
static void take_pong(struct lookups *lookups)
{
    lookups->answers_pings = true;
    lookups->dial.rules = &rules_of_pings;
    dial_answered(&lookups->dial);
}

bool lookups_receive(struct lookups *lookups, uint64_t *id, struct span *body)
{
    zmq_msg_t *frames = lookups->frames;
    size_t count;
    while ((count = receive_frames(lookups)) > 0) {
        if (zmq_msg_size(&frames[0]) == 0)
            take_pong(lookups);
        if (count != FRAMES || zmq_msg_size(&frames[0]) != sizeof *id ||
            zmq_msg_size(&frames[1]) != 0)
            continue;
        dial_answered(&lookups->dial);
        memcpy(id, zmq_msg_data(&frames[0]), sizeof *id);
        *body = (struct span){zmq_msg_data(&frames[2]), zmq_msg_size(&frames[2])};
        return true;
    }
    return false;
}
