#include "bus/bus.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <zmq.h>

#include "bus/binding.h"
#include "bus/roster.h"

/* Messages taken in one turn. A full window of two neighbours fits, and even if each is an
 * UPDATE full of locations the other sources of the loop wait only about a millisecond. */
#define TURN_MESSAGES_MAX 64
/* An endpoint as ZeroMQ prints it back: an IPv6 address with a scope, and a port. */
#define ENDPOINT_BYTES_MAX 256

/* How long a peer may be out of reach before its connection is begun anew. ZeroMQ tries again by
 * itself, except after an endpoint broke the rules of its handshake (a socket of another kind on
 * that port is enough): then never. Longer than connecting and greeting may take together. */
#define RENEW_MS 10000
#define NEVER_MS INT64_MIN

/* The way to one peer. */
struct outlet {
    void *dealer; /* connected, only sends */
    char *endpoint;
    struct keyring_keys keys; /* what its other end may prove itself with; none without keys */
    size_t key;               /* the one of them that is expected there */
    int64_t refused_since_ms; /* NEVER_MS after a message was taken */
    bool is_done;             /* in bus_send: nothing more to send now */
};

struct bus {
    void *context;
    void *router;           /* bound, only receives */
    struct outlet *outlets; /* one per peer, in the order of the options */
    struct roster roster;   /* the peers by name */
    size_t peer_count;
    int descriptor;
    struct auth_certificate own;
    struct auth *auth; /* NULL without keys */
    uint64_t strangers, multiparts;
    struct bus_guard guard; /* its refusals are asked of `auth` */
    zmq_msg_t sender, payload;
    char routing_id[ROSTER_ID_BYTES_MAX];
    size_t routing_id_bytes;
    char endpoint[ENDPOINT_BYTES_MAX];
    char out[FLOOD_MESSAGE_BYTES_MAX];
};

struct setting {
    int option;
    int value;
};

/* All options are described in zmq_setsockopt(3) and must be set before bind or connect. */
static const struct setting settings_of_both[] = {
    {ZMQ_LINGER, 0}, /* the default would keep a connection that was given up */
    /* A connection whose other end vanished silently is found by the system, after about the same
     * silence that takes a link down in flood. ZeroMQ has heartbeats for that, but they abort the
     * process where the other end speaks while nobody listens, and then breaks (4.3.4 and later:
     * an assertion about _io_error): a peer that is cut off and comes back is enough. */
    {ZMQ_TCP_MAXRT, 6000}, /* sent and not acknowledged for so long */
    {ZMQ_TCP_KEEPALIVE, 1},
    {ZMQ_TCP_KEEPALIVE_IDLE, 4},  /* nothing heard for so many seconds: asks, */
    {ZMQ_TCP_KEEPALIVE_INTVL, 2}, /* again after so many, */
    {ZMQ_TCP_KEEPALIVE_CNT, 2},   /* and so often */
};

static const struct setting settings_of_router[] = {
    {ZMQ_ROUTER_HANDOVER, 1},       /* who connects again takes its half-open ghost's place */
    {ZMQ_ROUTER_MANDATORY, 1},      /* this socket never sends; if a mistake does, it shows */
    {ZMQ_RCVHWM, 1000},             /* far above all windows, so it holds only a mad peer */
    {ZMQ_HANDSHAKE_IVL, 3000},      /* a stranger that says nothing keeps its place this long */
    {ZMQ_BACKLOG, FLOOD_PEERS_MAX}, /* every peer may connect in the same moment */
};

static const struct setting settings_of_dealer[] = {
    {ZMQ_IMMEDIATE, 1},          /* nothing is queued for an absent peer: sending says EAGAIN */
    {ZMQ_SNDHWM, 128},           /* far above the window of a link, which is the limit: ZeroMQ */
                                 /* counts a message as sent only half a queue later */
    {ZMQ_RCVHWM, 1},             /* never read: an endpoint that talks back fills one place */
    {ZMQ_CONNECT_TIMEOUT, 3000}, /* the system would try a silent address for two minutes */
    {ZMQ_HANDSHAKE_IVL, 5000},   /* a listener that accepts and then says nothing is left */
    {ZMQ_RECONNECT_IVL, 100},    /* a neighbour that starts is found within 200 ms. There is */
    {ZMQ_RECONNECT_IVL_MAX, 0},  /* no backoff: it would find a late one only after seconds */
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void apply(void *socket, const struct setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int rc = zmq_setsockopt(socket, settings[i].option, &settings[i].value,
                                sizeof settings[i].value);
        assert(rc == 0);
    }
}

/* A new socket with everything both kinds share. NULL with errno when the system has no more. */
static void *make_socket(struct bus *bus, int type, const char *endpoint)
{
    void *socket = zmq_socket(bus->context, type);
    if (!socket)
        return NULL;
    apply(socket, settings_of_both, COUNT(settings_of_both));
    /* A longer frame costs its sender the connection before it costs us memory. */
    int64_t message_bytes_max = FLOOD_MESSAGE_BYTES_MAX;
    int rc = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_bytes_max, sizeof message_bytes_max);
    assert(rc == 0);
    bool limited = !bus->auth || auth_limit(socket, message_bytes_max);
    assert(limited);
    /* Only for an address in brackets: a socket of this kind would resolve host names to IPv6
     * alone, and "*" would bind more than was asked for. */
    int ipv6 = strchr(endpoint, '[') != NULL;
    rc = zmq_setsockopt(socket, ZMQ_IPV6, &ipv6, sizeof ipv6);
    assert(rc == 0);
    return socket;
}

static const char *explain(int error)
{
    switch (error) {
    case EINVAL:
    case EPROTONOSUPPORT:
    case ENOCOMPATPROTO:
        return "not of the form tcp://host:port";
    default:
        return zmq_strerror(error);
    }
}

/* Tells the handler whom to let in: every peer under each of its keys. */
static void allow_peers(struct bus *bus)
{
    struct keyring ring = {0};
    for (size_t i = 0; i < bus->peer_count; i++) {
        const struct roster_member *member = &bus->roster.members[i];
        keyring_add(&ring, &bus->outlets[member->peer].keys, member->name);
    }
    auth_allow(bus->auth, AUTH_BUS, &ring);
}

static bool bind_router(struct bus *bus, const char *endpoint, char error[BUS_ERROR_BYTES_MAX])
{
    char reason[BINDING_REASON_BYTES_MAX];
    bus->router = make_socket(bus, ZMQ_ROUTER, endpoint);
    if (!bus->router || (bus->auth && !auth_guard(bus->router, AUTH_BUS, &bus->own))) {
        snprintf(error, BUS_ERROR_BYTES_MAX, "cannot open a socket: %s", explain(errno));
        return false;
    }
    apply(bus->router, settings_of_router, COUNT(settings_of_router));
    if (!binding_zmq(bus->router, endpoint, reason)) {
        snprintf(error, BUS_ERROR_BYTES_MAX, "cannot bind %s: %s", endpoint, reason);
        return false;
    }
    size_t endpoint_bytes = sizeof bus->endpoint;
    int rc = zmq_getsockopt(bus->router, ZMQ_LAST_ENDPOINT, bus->endpoint, &endpoint_bytes);
    assert(rc == 0);
    size_t descriptor_bytes = sizeof bus->descriptor;
    rc = zmq_getsockopt(bus->router, ZMQ_FD, &bus->descriptor, &descriptor_bytes);
    assert(rc == 0);
    return true;
}

static bool dial(const struct bus *bus, const struct outlet *outlet)
{
    return auth_connect(outlet->dealer, outlet->endpoint, bus->auth ? &bus->own : NULL,
                        outlet->keys.text[outlet->key]);
}

static bool connect_outlet(struct bus *bus, struct outlet *outlet, const struct bus_peer *peer,
                           char error[BUS_ERROR_BYTES_MAX])
{
    outlet->refused_since_ms = NEVER_MS;
    outlet->endpoint = strdup(peer->endpoint);
    outlet->dealer = outlet->endpoint ? make_socket(bus, ZMQ_DEALER, peer->endpoint) : NULL;
    if (!outlet->dealer) {
        snprintf(error, BUS_ERROR_BYTES_MAX, "cannot open a socket for %s: %s", peer->name,
                 explain(errno));
        return false;
    }
    apply(outlet->dealer, settings_of_dealer, COUNT(settings_of_dealer));
    int rc = zmq_setsockopt(outlet->dealer, ZMQ_ROUTING_ID, bus->routing_id, bus->routing_id_bytes);
    assert(rc == 0);
    if (!dial(bus, outlet)) {
        snprintf(error, BUS_ERROR_BYTES_MAX, "cannot connect to %s at %s: %s", peer->name,
                 peer->endpoint, explain(errno));
        return false;
    }
    return true;
}

/* Forgets a connection, or what became of it, and begins one that expects the key at that place.
 * The endpoint and the keys were good before, so connecting cannot fail; and if it did, the link
 * would be down and this be tried again. */
static void dial_anew(const struct bus *bus, struct outlet *outlet, size_t key)
{
    outlet->key = key;
    zmq_disconnect(outlet->dealer, outlet->endpoint);
    dial(bus, outlet);
}

static struct bus *make_bus(size_t peer_count)
{
    struct bus *bus = calloc(1, sizeof *bus);
    if (!bus)
        return NULL;
    zmq_msg_init(&bus->sender);
    zmq_msg_init(&bus->payload);
    bus->peer_count = peer_count;
    /* One more than needed, because calloc may answer NULL for nothing. */
    bus->outlets = calloc(peer_count + 1, sizeof *bus->outlets);
    bus->context = zmq_ctx_new();
    if (!bus->outlets || !roster_make(&bus->roster, peer_count) || !bus->context) {
        bus_close(&bus, 0);
        return NULL;
    }
    /* The default of 1023 sockets is less than a ROUTER, the handler of keys and all peers need. */
    int rc = zmq_ctx_set(bus->context, ZMQ_MAX_SOCKETS, (int)peer_count + 2);
    assert(rc == 0);
    return bus;
}

/* The handler stands before a door is opened. */
static bool open_auth(struct bus *bus, const struct bus_keys *keys, char error[BUS_ERROR_BYTES_MAX])
{
    bus->own = keys->own;
    for (size_t i = 0; i < bus->peer_count; i++)
        bus->outlets[i].keys = keys->peers[i];
    bus->auth = auth_open(bus->context, error);
    if (bus->auth)
        allow_peers(bus);
    return bus->auth != NULL;
}

static void name_ourselves(struct bus *bus, const char *name)
{
    uint8_t number[ROSTER_NUMBER_BYTES];
    if (getrandom(number, sizeof number, 0) != sizeof number)
        abort();
    bus->routing_id_bytes = roster_write_id(name, number, bus->routing_id);
}

struct bus *bus_open(const struct bus_options *options, char error[BUS_ERROR_BYTES_MAX])
{
    assert(options->peer_count <= FLOOD_PEERS_MAX);
    struct bus *bus = make_bus(options->peer_count);
    if (!bus) {
        snprintf(error, BUS_ERROR_BYTES_MAX, "cannot open the bus: %s", zmq_strerror(ENOMEM));
        return NULL;
    }
    for (size_t i = 0; i < options->peer_count; i++)
        roster_add(&bus->roster, options->peers[i].name);
    roster_sort(&bus->roster);
    name_ourselves(bus, options->name);
    bool good = (!options->keys || open_auth(bus, options->keys, error)) &&
                bind_router(bus, options->endpoint, error) &&
                (!bus->auth || auth_prove(bus->auth, bus->endpoint, bus->own.public_key, error));
    for (size_t i = 0; good && i < options->peer_count; i++)
        good = connect_outlet(bus, &bus->outlets[i], &options->peers[i], error);
    if (!good)
        bus_close(&bus, 0);
    return bus;
}

static void close_outlet(struct outlet *outlet, int linger_ms)
{
    if (outlet->dealer) {
        zmq_setsockopt(outlet->dealer, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        zmq_close(outlet->dealer);
    }
    free(outlet->endpoint);
}

void bus_close(struct bus **bus_at, int linger_ms)
{
    struct bus *bus = *bus_at;
    *bus_at = NULL;
    if (!bus)
        return;
    assert(linger_ms >= 0);
    for (size_t i = 0; bus->outlets && i < bus->peer_count; i++)
        close_outlet(&bus->outlets[i], linger_ms);
    if (bus->router)
        zmq_close(bus->router);
    auth_close(&bus->auth);
    explicit_bzero(&bus->own, sizeof bus->own);
    /* Waits for the lingering sockets, all at once; a signal only interrupts the wait. */
    while (bus->context && zmq_ctx_term(bus->context) != 0)
        assert(errno == EINTR);
    zmq_msg_close(&bus->sender);
    zmq_msg_close(&bus->payload);
    roster_free(&bus->roster);
    free(bus->outlets);
    free(bus);
}

int bus_descriptor(const struct bus *bus)
{
    return bus->descriptor;
}

const char *bus_endpoint(const struct bus *bus)
{
    return bus->endpoint;
}

/* The next frame, or false when none waits. What the frame held before is given back. */
static bool take_frame(struct bus *bus, zmq_msg_t *frame)
{
    while (zmq_msg_recv(frame, bus->router, ZMQ_DONTWAIT) < 0) {
        if (errno == EAGAIN)
            return false;
        assert(errno == EINTR);
    }
    return true;
}

/* A peer has one key at a time: the one it came with is what awaits us at its endpoint. */
static void expect_key(const struct bus *bus, struct outlet *outlet, const char *key)
{
    size_t place = keyring_keys_find(&outlet->keys, key);
    if (place != outlet->key && place < KEYRING_KEYS_MAX)
        dial_anew(bus, outlet, place);
}

/* Whether the connection that brought the payload belongs to the member, whose name is only what
 * the sender says of itself. The key is asked about for each message, so that one that is taken
 * from a peer closes the connections that it opened before. */
static bool is_proven(struct bus *bus, const struct roster_member *member)
{
    struct bus_guard *guard = &bus->guard;
    char owner[KEYRING_NAME_BYTES_MAX + 1] = "";
    const char *key = zmq_msg_gets(&bus->payload, AUTH_KEY_PROPERTY);
    if (auth_find(bus->auth, AUTH_BUS, key, owner) && strcmp(owner, member->name) == 0) {
        expect_key(bus, &bus->outlets[member->peer], key);
        return true;
    }
    strcpy(guard->impostor, owner);
    strcpy(guard->claimed, member->name);
    return false;
}

/* The next message: its sender's name from the ROUTER, then exactly one frame. ZeroMQ hands over
 * whole messages only, so once the first frame is here the others are, too. */
static bool receive_message(struct bus *bus, struct flood *flood, int64_t now_ms)
{
    if (!take_frame(bus, &bus->sender))
        return false;
    size_t frames = 0;
    do {
        bool here = take_frame(bus, &bus->payload);
        assert(here);
        frames++;
    } while (zmq_msg_more(&bus->payload));

    struct span id = {zmq_msg_data(&bus->sender), zmq_msg_size(&bus->sender)};
    const struct roster_member *member = roster_find(&bus->roster, id);
    if (!member)
        bus->strangers++;
    else if (bus->auth && !is_proven(bus, member))
        bus->guard.impostors++;
    else if (frames > 1)
        bus->multiparts++;
    else
        flood_receive(flood, member->peer,
                      (struct span){zmq_msg_data(&bus->payload), zmq_msg_size(&bus->payload)},
                      now_ms);
    return true;
}

static bool is_ready(void *socket, int event)
{
    int events;
    size_t events_bytes = sizeof events;
    while (zmq_getsockopt(socket, ZMQ_EVENTS, &events, &events_bytes) != 0)
        assert(errno == EINTR);
    return (events & event) != 0;
}

/* True when the bound was reached and more waits. Otherwise the ROUTER was read until it said
 * EAGAIN, and only then does its descriptor tell of the next message. */
bool bus_receive(struct bus *bus, struct flood *flood, int64_t now_ms)
{
    for (int taken = 0; taken < TURN_MESSAGES_MAX; taken++)
        if (!receive_message(bus, flood, now_ms))
            return false;
    return is_ready(bus->router, ZMQ_POLLIN);
}

static bool try_send(void *dealer, const char *message, size_t bytes)
{
    while (zmq_send(dealer, message, bytes, ZMQ_DONTWAIT) < 0) {
        if (errno == EAGAIN)
            return false;
        assert(errno == EINTR);
    }
    return true;
}

/* False when the peer is away or its queue is full. While sending, ZeroMQ looks only once a
 * millisecond at what its I/O thread has done since, so its first no may be out of date; asking
 * for events makes it look. */
static bool send_message(const struct bus *bus, struct outlet *outlet, const char *message,
                         size_t bytes, int64_t now_ms)
{
    bool taken =
        try_send(outlet->dealer, message, bytes) ||
        (is_ready(outlet->dealer, ZMQ_POLLOUT) && try_send(outlet->dealer, message, bytes));
    if (taken) {
        outlet->refused_since_ms = NEVER_MS;
    } else if (outlet->refused_since_ms == NEVER_MS) {
        outlet->refused_since_ms = now_ms;
    } else if (now_ms - outlet->refused_since_ms >= RENEW_MS) {
        dial_anew(bus, outlet, keyring_keys_next(&outlet->keys, outlet->key));
        outlet->refused_since_ms = now_ms;
    }
    return taken;
}

/* False when nothing more is to be sent to this peer now. */
static bool send_one(struct bus *bus, struct flood *flood, size_t peer, int64_t now_ms)
{
    size_t bytes = flood_next(flood, peer, now_ms, bus->out);
    if (bytes == 0)
        return false;
    if (send_message(bus, &bus->outlets[peer], bus->out, bytes, now_ms))
        return true;
    flood_refused(flood, peer, now_ms);
    return false;
}

/* One message each in turn, because what was written for one peer serves the next if that is due
 * the same. */
void bus_send(struct bus *bus, struct flood *flood, int64_t now_ms)
{
    for (size_t peer = 0; peer < bus->peer_count; peer++)
        bus->outlets[peer].is_done = false;
    for (size_t left = bus->peer_count; left > 0;) {
        for (size_t peer = 0; peer < bus->peer_count; peer++) {
            struct outlet *outlet = &bus->outlets[peer];
            if (outlet->is_done || send_one(bus, flood, peer, now_ms))
                continue;
            outlet->is_done = true;
            left--;
        }
    }
}

bool bus_turn(struct bus *bus, struct flood *flood, int64_t now_ms)
{
    bool more = bus_receive(bus, flood, now_ms);
    bus_send(bus, flood, now_ms);
    return more;
}

void bus_admit(struct bus *bus, const struct keyring_keys *peers)
{
    assert(bus->auth);
    for (size_t i = 0; i < bus->peer_count; i++) {
        struct outlet *outlet = &bus->outlets[i];
        if (keyring_keys_equal(&outlet->keys, &peers[i]))
            continue;
        outlet->keys = peers[i];
        dial_anew(bus, outlet, 0);
    }
    allow_peers(bus);
}

struct bus_guard bus_guard(struct bus *bus)
{
    struct bus_guard guard = bus->guard;
    if (bus->auth)
        guard.refused = auth_refused(bus->auth);
    return guard;
}

uint64_t bus_strangers(const struct bus *bus)
{
    return bus->strangers;
}

uint64_t bus_multiparts(const struct bus *bus)
{
    return bus->multiparts;
}
