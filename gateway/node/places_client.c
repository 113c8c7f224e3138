#include "gateway/node/places_client.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <zmq.h>

#include "bus/net/address.h"
#include "placesd/caller.h"
#include "placesd/lookup.h"

/* A request id, an empty frame, a body. */
#define FRAMES 3
/* Messages queued in each direction. Far more than a service in good health lets wait. */
#define PLACES_CLIENT_QUEUE_MESSAGES_MAX 1000

static const struct dial_rules rules = {.away_ms = LOOKUPS_AWAY_MS,
                                        .away_two_keys_ms = LOOKUPS_AWAY_TWO_KEYS_MS,
                                        .unanswered_ms = LOOKUPS_UNANSWERED_MS},
                               rules_of_pings = {.away_ms = LOOKUPS_AWAY_MS,
                                                 .away_two_keys_ms = LOOKUPS_AWAY_TWO_KEYS_MS,
                                                 .unanswered_ms = LOOKUPS_PING_UNANSWERED_MS};

struct places_client {
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
        {ZMQ_SNDHWM, PLACES_CLIENT_QUEUE_MESSAGES_MAX},
        {ZMQ_RCVHWM, PLACES_CLIENT_QUEUE_MESSAGES_MAX},
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

/* -1 where there is none. */
static int descriptor_of(void *socket)
{
    int descriptor;
    size_t size = sizeof descriptor;
    return zmq_getsockopt(socket, ZMQ_FD, &descriptor, &size) == 0 ? descriptor : -1;
}

static void close_socket(struct places_client *client)
{
    if (client->socket == NULL)
        return;
    /* Before ZeroMQ closes it, which it does at some later moment. */
    epoll_ctl(client->watch, EPOLL_CTL_DEL, descriptor_of(client->socket), NULL);
    zmq_close(client->socket);
    client->socket = NULL;
}

static bool watch_socket(struct places_client *client)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(client->watch, EPOLL_CTL_ADD, descriptor_of(client->socket), &event) == 0;
}

static bool set_name(struct places_client *client)
{
    char name[CALLER_NAME_BYTES_MAX];
    struct caller caller = {CALLER_GATEWAY, client->life, client->dial.attempts};
    size_t bytes = caller_write(&caller, name);
    return zmq_setsockopt(client->socket, ZMQ_ROUTING_ID, name, bytes) == 0;
}

/* A new socket and its connection, under a new routing id. False with errno. */
static bool open_socket(struct places_client *client)
{
    const struct dial *dial = &client->dial;
    const char *at = address_choose(&client->address, dial);
    client->socket = at != NULL ? zmq_socket(client->context, ZMQ_DEALER) : NULL;
    if (client->socket == NULL)
        return false;
    if (set_options(client->socket, strchr(at, '[') != NULL, client->has_keys) &&
        set_name(client) && watch_socket(client) &&
        auth_connect(client->socket, at, client->has_keys ? &client->own : NULL,
                     dial->keys.text[dial->key]))
        return true;
    int error = errno;
    close_socket(client);
    errno = error;
    return false;
}

/* An address is connected to at once, a name when its addresses are known. */
static bool open_all(struct places_client *client, int64_t now_ms)
{
    client->watch = epoll_create1(EPOLL_CLOEXEC);
    client->context = zmq_ctx_new();
    if (client->watch < 0 || client->context == NULL)
        return false;
    client->begins = !address_find(&client->address, now_ms);
    return client->begins || client->address.known.count == 0 || open_socket(client);
}

struct places_client *places_client_open(const struct topology_endpoint *endpoint,
                                         const struct auth_ends *keys, uint64_t life,
                                         int64_t now_ms, char error[PLACES_CLIENT_ERROR_BYTES_MAX])
{
    static const struct keyring_keys none;
    struct places_client *client = bytes_zeroed(sizeof *client);
    for (size_t i = 0; i < FRAMES; i++)
        zmq_msg_init(&client->frames[i]);
    strcpy(client->endpoint, endpoint->text);
    client->address.endpoint = client->endpoint;
    client->has_keys = keys != NULL;
    if (keys != NULL)
        client->own = keys->own;
    client->life = life;
    dial_start(&client->dial, &rules, keys != NULL ? &keys->theirs : &none, now_ms);
    if (open_all(client, now_ms))
        return client;
    snprintf(error, PLACES_CLIENT_ERROR_BYTES_MAX, "cannot ask for places at %s: %s",
             endpoint->text, zmq_strerror(errno));
    places_client_close(&client);
    return NULL;
}

void places_client_close(struct places_client **client)
{
    if (*client == NULL)
        return;
    for (size_t i = 0; i < FRAMES; i++)
        zmq_msg_close(&(*client)->frames[i]);
    close_socket(*client);
    address_drop(&(*client)->address);
    if ((*client)->context != NULL)
        zmq_ctx_term((*client)->context);
    if ((*client)->watch >= 0)
        close((*client)->watch);
    explicit_bzero(&(*client)->own, sizeof(*client)->own);
    free(*client);
    *client = NULL;
}

void places_client_expect(struct places_client *client, const struct keyring_keys *theirs)
{
    assert(client->has_keys);
    dial_expect(&client->dial, theirs);
}

static bool is_connected(const struct places_client *client)
{
    int events = 0;
    size_t size = sizeof events;
    return client->socket != NULL &&
           zmq_getsockopt(client->socket, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLOUT) != 0;
}

/* A frame that is empty and alone: a REP drops it, and the broker sends it back. */
static void ping(struct places_client *client, int64_t now_ms)
{
    if (zmq_send(client->socket, "", 0, ZMQ_DONTWAIT) >= 0)
        dial_taken(&client->dial, client->answers_pings, now_ms);
}

void lookups_look(struct places_client *client, int64_t now_ms)
{
    bool was_away = dial_is_away(&client->dial);
    if (!is_connected(client))
        dial_refused(&client->dial, now_ms);
    else if (was_away)
        ping(client, now_ms);
}

void places_client_second(struct places_client *client, int64_t now_ms)
{
    if (is_connected(client))
        ping(client, now_ms);
    else
        dial_refused(&client->dial, now_ms);
}

static bool is_wanted(const struct places_client *client, int64_t now_ms)
{
    return client->begins || dial_is_due(&client->dial, now_ms);
}

bool lookups_renew(struct places_client *client, int64_t now_ms)
{
    if (!is_wanted(client, now_ms)) {
        address_drop(&client->address); /* the old one works again */
        return false;
    }
    if (client->dial.is_stale)
        close_socket(client); /* not even while a name is asked for */
    if (!address_find(&client->address, now_ms))
        return false;
    if (client->begins)
        dial_restart(&client->dial, now_ms);
    else
        dial_renew(&client->dial, now_ms);
    client->begins = false;
    close_socket(client);
    open_socket(client); /* or the next time */
    return true;
}

int64_t lookups_deadline_ms(const struct places_client *client)
{
    return address_is_asked(&client->address) ? client->address.again_ms
                                              : dial_deadline_ms(&client->dial);
}

enum dial_news lookups_news(struct places_client *client, int64_t now_ms)
{
    return dial_news(&client->dial, now_ms);
}

const char *lookups_reason(const struct places_client *client)
{
    return client->address.error[0] != '\0' ? client->address.error
                                            : "not running, out of reach, or the keys differ";
}

const char *lookups_endpoint(const struct places_client *client)
{
    return client->endpoint;
}

int places_client_descriptor(const struct places_client *client)
{
    return client->watch;
}

static bool send_frames(void *socket, uint64_t id, struct span request)
{
    /* Once the first frame is taken, ZeroMQ takes the others too. */
    return socket != NULL && zmq_send(socket, &id, sizeof id, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0 &&
           zmq_send(socket, "", 0, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0 &&
           zmq_send(socket, request.data, request.len, ZMQ_DONTWAIT) >= 0;
}

bool places_client_send(struct places_client *client, uint64_t id, struct span request,
                        int64_t now_ms)
{
    bool sent = send_frames(client->socket, id, request);
    if (sent)
        dial_taken(&client->dial, true, now_ms);
    else
        dial_refused(&client->dial, now_ms);
    return sent;
}

/* Receives one whole message; keeps its first frames and returns how many there were, 0 when
 * nothing waits. */
static size_t receive_frames(struct places_client *client)
{
    zmq_msg_t surplus;
    size_t count = 0;
    bool more = true;
    zmq_msg_init(&surplus);
    while (more && client->socket != NULL) {
        zmq_msg_t *frame = count < FRAMES ? &client->frames[count] : &surplus;
        if (zmq_msg_recv(frame, client->socket, ZMQ_DONTWAIT) < 0)
            break;
        more = zmq_msg_more(frame);
        count++;
    }
    zmq_msg_close(&surplus);
    return count;
}

/* A broker of an earlier version takes a ping for an empty question, and says so. */
static void take_pong(struct places_client *client)
{
    client->answers_pings = true;
    client->dial.rules = &rules_of_pings;
    dial_answered(&client->dial);
}

bool places_client_receive(struct places_client *client, uint64_t *id, struct span *body)
{
    zmq_msg_t *frames = client->frames;
    size_t count;
    while ((count = receive_frames(client)) > 0) {
        if (zmq_msg_size(&frames[0]) == 0)
            take_pong(client);
        if (count != FRAMES || zmq_msg_size(&frames[0]) != sizeof *id ||
            zmq_msg_size(&frames[1]) != 0)
            continue;
        dial_answered(&client->dial);
        memcpy(id, zmq_msg_data(&frames[0]), sizeof *id);
        *body = (struct span){zmq_msg_data(&frames[2]), zmq_msg_size(&frames[2])};
        return true;
    }
    return false;
}
