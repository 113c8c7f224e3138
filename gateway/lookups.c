#include "gateway/lookups.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "placesd/lookup.h"

/* A request id, an empty frame, a body. */
#define FRAMES 3
/* Messages queued in each direction. Far more than a service in good health lets wait. */
#define LOOKUPS_QUEUE_MESSAGES_MAX 1000

struct lookups {
    void *context;
    void *socket;
    int descriptor;
    char endpoint[TOPOLOGY_ENDPOINT_BYTES_MAX + 1];
    bool has_keys;
    struct auth_ends keys;
    size_t key;               /* the one of theirs that is expected there */
    unsigned away_s;          /* seconds in a row without a connection */
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

static bool dial(struct lookups *lookups)
{
    return auth_connect(lookups->socket, lookups->endpoint,
                        lookups->has_keys ? &lookups->keys.own : NULL,
                        lookups->keys.theirs.text[lookups->key]);
}

/* The endpoint and the keys were good before, so connecting cannot fail; and if it did, it would
 * be tried again. */
static void dial_anew(struct lookups *lookups, size_t key)
{
    lookups->key = key;
    lookups->away_s = 0;
    zmq_disconnect(lookups->socket, lookups->endpoint);
    dial(lookups);
}

static bool connect_to(struct lookups *lookups, const struct topology_endpoint *endpoint)
{
    size_t size = sizeof lookups->descriptor;
    lookups->context = zmq_ctx_new();
    if (lookups->context == NULL)
        return false;
    lookups->socket = zmq_socket(lookups->context, ZMQ_DEALER);
    return lookups->socket != NULL &&
           set_options(lookups->socket, strchr(endpoint->host, ':') != NULL, lookups->has_keys) &&
           dial(lookups) &&
           zmq_getsockopt(lookups->socket, ZMQ_FD, &lookups->descriptor, &size) == 0;
}

struct lookups *lookups_open(const struct topology_endpoint *endpoint, const struct auth_ends *keys,
                             char error[LOOKUPS_ERROR_BYTES_MAX])
{
    struct lookups *lookups = bytes_resize(NULL, sizeof *lookups);
    memset(lookups, 0, sizeof *lookups);
    for (size_t i = 0; i < FRAMES; i++)
        zmq_msg_init(&lookups->frames[i]);
    strcpy(lookups->endpoint, endpoint->text);
    lookups->has_keys = keys != NULL;
    if (keys != NULL)
        lookups->keys = *keys;
    if (connect_to(lookups, endpoint))
        return lookups;
    snprintf(error, LOOKUPS_ERROR_BYTES_MAX, "cannot ask for places at %s: %s", endpoint->text,
             zmq_strerror(zmq_errno()));
    lookups_close(&lookups);
    return NULL;
}

void lookups_close(struct lookups **lookups)
{
    if (*lookups == NULL)
        return;
    for (size_t i = 0; i < FRAMES; i++)
        zmq_msg_close(&(*lookups)->frames[i]);
    if ((*lookups)->socket != NULL)
        zmq_close((*lookups)->socket);
    if ((*lookups)->context != NULL)
        zmq_ctx_term((*lookups)->context);
    explicit_bzero((*lookups)->keys.own.secret_key, sizeof(*lookups)->keys.own.secret_key);
    free(*lookups);
    *lookups = NULL;
}

void lookups_expect(struct lookups *lookups, const struct keyring_keys *theirs)
{
    assert(lookups->has_keys);
    if (keyring_keys_equal(&lookups->keys.theirs, theirs))
        return;
    lookups->keys.theirs = *theirs;
    dial_anew(lookups, 0);
}

static bool is_connected(const struct lookups *lookups)
{
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt(lookups->socket, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLOUT) != 0;
}

void lookups_second(struct lookups *lookups)
{
    if (!lookups->has_keys)
        return;
    lookups->away_s = is_connected(lookups) ? 0 : lookups->away_s + 1;
    if (lookups->away_s >= LOOKUPS_RENEW_S)
        dial_anew(lookups, keyring_keys_next(&lookups->keys.theirs, lookups->key));
}

int lookups_descriptor(const struct lookups *lookups)
{
    return lookups->descriptor;
}

bool lookups_send(struct lookups *lookups, uint64_t id, struct span request)
{
    /* Once the first frame is taken, ZeroMQ takes the others too. */
    return zmq_send(lookups->socket, &id, sizeof id, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0 &&
           zmq_send(lookups->socket, "", 0, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0 &&
           zmq_send(lookups->socket, request.at, request.bytes, ZMQ_DONTWAIT) >= 0;
}

/* Receives one whole message; keeps its first frames and returns how many there were, 0 when
 * nothing waits. */
static size_t receive_frames(struct lookups *lookups)
{
    zmq_msg_t surplus;
    size_t count = 0;
    bool more = true;
    zmq_msg_init(&surplus);
    while (more) {
        zmq_msg_t *frame = count < FRAMES ? &lookups->frames[count] : &surplus;
        if (zmq_msg_recv(frame, lookups->socket, ZMQ_DONTWAIT) < 0)
            break;
        more = zmq_msg_more(frame);
        count++;
    }
    zmq_msg_close(&surplus);
    return count;
}

bool lookups_receive(struct lookups *lookups, uint64_t *id, struct span *body)
{
    zmq_msg_t *frames = lookups->frames;
    size_t count;
    while ((count = receive_frames(lookups)) > 0) {
        if (count != FRAMES || zmq_msg_size(&frames[0]) != sizeof *id ||
            zmq_msg_size(&frames[1]) != 0)
            continue;
        memcpy(id, zmq_msg_data(&frames[0]), sizeof *id);
        *body = (struct span){zmq_msg_data(&frames[2]), zmq_msg_size(&frames[2])};
        return true;
    }
    return false;
}
