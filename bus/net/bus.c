#include "bus/net/bus.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "bus/link/arrivals.h"
#include "bus/link/peer_directory.h"
#include "bus/link/strangers.h"
#include "bus/net/binding.h"
#include "bus/net/outlet.h"
#include "bus/net/peer_socket.h"

/* Messages taken in one turn. A full window of two neighbours fits, and even if each is an
 * UPDATE full of locations the other sources of the loop wait only about a millisecond. */
#define TURN_MESSAGES_MAX 64
/* An endpoint as ZeroMQ prints it back: an IPv6 address with a scope, and a port. */
#define ENDPOINT_BYTES_MAX 256

/* So often outlets are asked whether ZeroMQ has connected them again by itself, and whether peers
 * left connections here. Less than the time that ZeroMQ takes between two connections, so that the
 * gap is seen. */
#define LOOK_MS  (OUTLET_RECONNECT_MS - 20)
#define NEVER_MS INT64_MIN

/* The way to one peer. */
struct way {
    struct outlet outlet;
    char *endpoint;
    uint64_t answers; /* as the flood counted them when it was last asked */
    bool is_done;     /* in bus_send: nothing more to send now */
};

struct bus {
    void *context;
    void *router;     /* bound, only receives */
    struct way *ways; /* one per peer, in the order of the options */
    struct outlet_home home;
    struct peer_directory directory; /* the peers by name */
    struct arrivals arrivals;        /* their connections to us */
    size_t peer_count;
    size_t told; /* up to here bus_next_trouble has looked */
    int descriptor;
    bool has_keys;
    struct auth_certificate own;
    struct auth *auth;
    struct strangers strangers;
    uint64_t multiparts;
    struct bus_guard guard; /* its refusals are asked of `auth` */
    int64_t now_ms;         /* the last time we were told, or NEVER_MS */
    int64_t look_ms;        /* when the outlets are looked at next */
    zmq_msg_t sender, payload;
    char name[LOCATION_ORIGIN_BYTES_MAX + 1];
    char endpoint[ENDPOINT_BYTES_MAX];
    char out[WIRE_MESSAGE_BYTES_MAX];
};

static const struct peer_socket_setting settings_of_router[] = {
    {ZMQ_ROUTER_HANDOVER, 1},      /* who connects again takes its half-open ghost's place */
    {ZMQ_ROUTER_MANDATORY, 1},     /* this socket never sends; if a mistake does, it shows */
    {ZMQ_RCVHWM, 1000},            /* far above all windows, so it holds only a mad peer */
    {ZMQ_HANDSHAKE_IVL, 3000},     /* a stranger that says nothing keeps its place this long */
    {ZMQ_BACKLOG, LINK_PEERS_MAX}, /* every peer may connect in the same moment */
};

/* Tells the handler whom to let in: every peer under each of its keys. */
static void allow_peers(struct bus *bus)
{
    struct keyring ring = {0};
    for (size_t i = 0; i < bus->peer_count; i++) {
        const struct peer_directory_member *member = &bus->directory.members[i];
        keyring_add(&ring, &bus->ways[member->peer].outlet.dial.keys, member->name);
    }
    auth_allow(bus->auth, AUTH_BUS, &ring);
}

static bool bind_router(struct bus *bus, const char *endpoint, char error[BUS_ERROR_BYTES_MAX])
{
    char reason[BINDING_REASON_BYTES_MAX];
    bus->router = peer_socket_make(bus->context, ZMQ_ROUTER, bus->has_keys);
    if (!bus->router || (bus->has_keys && !auth_guard(bus->router, AUTH_BUS, &bus->own))) {
        snprintf(error, BUS_ERROR_BYTES_MAX, "cannot open a socket: %s", zmq_strerror(errno));
        return false;
    }
    peer_socket_apply(bus->router, settings_of_router,
                      sizeof settings_of_router / sizeof *settings_of_router);
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

static bool open_way(struct bus *bus, struct way *way, const struct bus_peer *peer,
                     char error[BUS_ERROR_BYTES_MAX])
{
    char reason[RESOLVE_ERROR_BYTES_MAX] = "out of memory";
    struct keyring_keys keys = way->outlet.dial.keys;
    way->endpoint = strdup(peer->endpoint);
    if (way->endpoint && outlet_open(&way->outlet, &bus->home, way->endpoint, &keys, reason))
        return true;
    snprintf(error, BUS_ERROR_BYTES_MAX, "cannot connect to %s at %s: %s", peer->name,
             peer->endpoint, reason);
    return false;
}

static struct bus *make_bus(const struct bus_options *options)
{
    struct bus *bus = calloc(1, sizeof *bus);
    if (!bus)
        return NULL;
    zmq_msg_init(&bus->sender);
    zmq_msg_init(&bus->payload);
    bus->now_ms = NEVER_MS;
    bus->has_keys = options->keys != NULL;
    bus->peer_count = options->peer_count;
    /* One more than needed, because calloc may answer NULL for nothing. */
    bus->ways = calloc(bus->peer_count + 1, sizeof *bus->ways);
    bus->context = zmq_ctx_new();
    if (!bus->ways || !peer_directory_make(&bus->directory, bus->peer_count) ||
        !arrivals_make(&bus->arrivals, bus->peer_count) || !bus->context) {
        bus_close(&bus, 0);
        return NULL;
    }
    /* The default of 1023 sockets is less than a ROUTER, the handler of keys and all peers need,
     * and all may be replaced at once: those that are closed last a moment longer. */
    int rc = zmq_ctx_set(bus->context, ZMQ_MAX_SOCKETS, 2 * (int)bus->peer_count + 2);
    assert(rc == 0);
    return bus;
}

/* The handler stands before a door is opened. */
static bool open_auth(struct bus *bus, const struct bus_keys *keys, char error[BUS_ERROR_BYTES_MAX])
{
    bus->auth = auth_open(bus->context, error);
    if (!bus->auth || !keys)
        return bus->auth != NULL;
    bus->own = keys->own;
    for (size_t i = 0; i < bus->peer_count; i++)
        bus->ways[i].outlet.dial.keys = keys->peers[i];
    allow_peers(bus);
    return true;
}

static void name_ourselves(struct bus *bus, const char *name)
{
    assert(strlen(name) < sizeof bus->name);
    strcpy(bus->name, name);
    bus->home = (struct outlet_home){
        .context = bus->context, .own = bus->has_keys ? &bus->own : NULL, .name = bus->name};
    if (getrandom(bus->home.process, PEER_DIRECTORY_PROCESS_BYTES, 0) !=
        PEER_DIRECTORY_PROCESS_BYTES)
        abort();
}

struct bus *bus_open(const struct bus_options *options, char error[BUS_ERROR_BYTES_MAX])
{
    assert(options->peer_count <= LINK_PEERS_MAX);
    struct bus *bus = make_bus(options);
    if (!bus) {
        snprintf(error, BUS_ERROR_BYTES_MAX, "cannot open the bus: %s", zmq_strerror(ENOMEM));
        return NULL;
    }
    for (size_t i = 0; i < options->peer_count; i++)
        peer_directory_add(&bus->directory, options->peers[i].name);
    peer_directory_sort(&bus->directory);
    name_ourselves(bus, options->name);
    bool good =
        open_auth(bus, options->keys, error) && bind_router(bus, options->endpoint, error) &&
        (!bus->has_keys || auth_prove(bus->auth, bus->endpoint, bus->own.public_key, error));
    for (size_t i = 0; good && i < options->peer_count; i++)
        good = open_way(bus, &bus->ways[i], &options->peers[i], error);
    if (!good)
        bus_close(&bus, 0);
    return bus;
}

void bus_close(struct bus **bus_at, int linger_ms)
{
    struct bus *bus = *bus_at;
    *bus_at = NULL;
    if (!bus)
        return;
    assert(linger_ms >= 0);
    for (size_t i = 0; bus->ways && i < bus->peer_count; i++) {
        outlet_close(&bus->ways[i].outlet, linger_ms);
        free(bus->ways[i].endpoint);
    }
    if (bus->router)
        zmq_close(bus->router);
    auth_close(&bus->auth);
    explicit_bzero(&bus->own, sizeof bus->own);
    /* Waits for the lingering sockets, all at once; a signal only interrupts the wait. */
    while (bus->context && zmq_ctx_term(bus->context) != 0)
        assert(errno == EINTR);
    zmq_msg_close(&bus->sender);
    zmq_msg_close(&bus->payload);
    arrivals_free(&bus->arrivals);
    peer_directory_free(&bus->directory);
    free(bus->ways);
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

/* ---- connections to us ---- */

/* A number that no other socket has while this one is open; 0 for what is no open socket. */
static uint64_t number_socket(int descriptor)
{
    struct stat stat;
    return fstat(descriptor, &stat) == 0 && S_ISSOCK(stat.st_mode) ? stat.st_ino : 0;
}

/* Ends a connection under the hands of ZeroMQ, which then reads its end and closes it. ZeroMQ's
 * thread may close the descriptor and open something else under its number at any time; a
 * duplicate cannot become another socket after it was looked at. */
static void end_connection(const struct arrival *arrival)
{
    int held = fcntl(arrival->descriptor, F_DUPFD_CLOEXEC, 0);
    if (held < 0)
        return;
    if (number_socket(held) == arrival->socket)
        shutdown(held, SHUT_RDWR);
    close(held);
}

/* Which connection brought the payload only a property says that ZeroMQ keeps for older programs
 * (ZMQ_SRCFD, zmq_msg_get(3)). */
static void note_arrival(struct bus *bus, size_t peer, uint32_t process)
{
    int descriptor = zmq_msg_get(&bus->payload, ZMQ_SRCFD);
    if (descriptor < 0 || !arrivals_hear(&bus->arrivals, peer, process, descriptor, bus->now_ms))
        return;
    struct arrival arrival = {.process = process,
                              .descriptor = descriptor,
                              .socket = number_socket(descriptor),
                              .heard_ms = bus->now_ms};
    struct arrival replaced;
    if (arrival.socket != 0 && arrivals_come(&bus->arrivals, peer, &arrival, &replaced))
        end_connection(&replaced);
}

static void end_silent_connections(struct bus *bus)
{
    struct arrival silent;
    while (arrivals_next_silent(&bus->arrivals, bus->now_ms, &silent))
        end_connection(&silent);
}

/* ---- what arrives ---- */

/* Whether the connection that brought the payload belongs to the member, whose name is only what
 * the sender says of itself. The key is asked about for each message, so that one that is taken
 * from a peer closes the connections that it opened before. A peer has one key at a time: the one
 * it came with is what awaits us at its endpoint. */
static bool is_proven(struct bus *bus, const struct peer_directory_member *member)
{
    struct bus_guard *guard = &bus->guard;
    char owner[KEYRING_NAME_BYTES_MAX + 1] = "";
    const char *key = zmq_msg_gets(&bus->payload, AUTH_KEY_PROPERTY);
    if (auth_find(bus->auth, AUTH_BUS, key, owner) && strcmp(owner, member->name) == 0) {
        dial_proved(&bus->ways[member->peer].outlet.dial, key);
        return true;
    }
    strcpy(guard->impostor, owner);
    strcpy(guard->claimed, member->name);
    return false;
}

static void take_payload(struct bus *bus, struct flood *flood, size_t peer, uint32_t process)
{
    struct span payload = {zmq_msg_data(&bus->payload), zmq_msg_size(&bus->payload)};
    note_arrival(bus, peer, process);
    flood_receive(flood, peer, payload, bus->now_ms);
}

/* The next message: its sender's name from the ROUTER, then exactly one frame. ZeroMQ hands over
 * whole messages only, so once the first frame is here the others are, too. */
static bool receive_message(struct bus *bus, struct flood *flood)
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
    const struct peer_directory_member *member = peer_directory_find(&bus->directory, id);
    if (!member) {
        strangers_hear(&bus->strangers, peer_directory_name(id), bus->now_ms);
    } else if (bus->has_keys && !is_proven(bus, member)) {
        bus->guard.impostors++;
    } else if (frames > 1) {
        bus->multiparts++;
        flood_receive_parts(flood, member->peer, frames, bus->now_ms);
    } else {
        take_payload(bus, flood, member->peer, peer_directory_process(id));
    }
    return true;
}

/* True when the bound was reached and more waits. Otherwise the ROUTER was read until it said
 * EAGAIN, and only then does its descriptor tell of the next message. */
bool bus_receive(struct bus *bus, struct flood *flood, int64_t now_ms)
{
    bus->now_ms = now_ms;
    for (int taken = 0; taken < TURN_MESSAGES_MAX; taken++)
        if (!receive_message(bus, flood))
            return false;
    return peer_socket_is_ready(bus->router, ZMQ_POLLIN);
}

/* ---- what leaves ---- */

static void tend(struct bus *bus, const struct flood *flood)
{
    for (size_t peer = 0; peer < bus->peer_count; peer++) {
        struct way *way = &bus->ways[peer];
        uint64_t answers = flood_answers(flood, peer).count;
        if (answers != way->answers)
            outlet_answered(&way->outlet);
        way->answers = answers;
        outlet_tend(&way->outlet, bus->now_ms);
        way->is_done = false;
    }
}

/* A peer that has nothing new to tell says so at once over a new connection, so that its other end
 * can close the one before. */
static void look(struct bus *bus, struct flood *flood)
{
    if (bus->now_ms < bus->look_ms)
        return;
    bus->look_ms = bus->now_ms + LOOK_MS;
    for (size_t peer = 0; peer < bus->peer_count; peer++)
        if (outlet_is_new(&bus->ways[peer].outlet))
            flood_connected(flood, peer, bus->now_ms);
    end_silent_connections(bus);
}

/* False when nothing more is to be sent to this peer now. */
static bool send_one(struct bus *bus, struct flood *flood, size_t peer)
{
    struct outlet *outlet = &bus->ways[peer].outlet;
    size_t bytes = flood_next(flood, peer, bus->now_ms, bus->out);
    if (bytes == 0)
        return false;
    if (outlet_send(outlet, bus->out, bytes)) {
        dial_taken(&outlet->dial, flood_answers(flood, peer).awaited, bus->now_ms);
        return true;
    }
    dial_refused(&outlet->dial, bus->now_ms);
    flood_refused(flood, peer, bus->now_ms);
    return false;
}

/* One message each in turn, because what was written for one peer serves the next if that is due
 * the same. */
void bus_send(struct bus *bus, struct flood *flood, int64_t now_ms)
{
    bus->now_ms = now_ms;
    look(bus, flood);
    tend(bus, flood);
    for (size_t left = bus->peer_count; left > 0;) {
        for (size_t peer = 0; peer < bus->peer_count; peer++) {
            struct way *way = &bus->ways[peer];
            if (way->is_done || send_one(bus, flood, peer))
                continue;
            way->is_done = true;
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

int64_t bus_deadline_ms(const struct bus *bus)
{
    return bus->peer_count > 0 ? bus->look_ms : INT64_MAX;
}

/* ---- what the owner says and asks ---- */

/* Connections whose key is not listed any more are replaced now and not at the next turn, which may
 * be a second away. Before the first turn nobody knows the time, and there is no connection yet. */
void bus_admit(struct bus *bus, const struct keyring_keys *peers)
{
    assert(bus->has_keys);
    for (size_t i = 0; i < bus->peer_count; i++) {
        dial_expect(&bus->ways[i].outlet.dial, &peers[i]);
        if (bus->now_ms != NEVER_MS)
            outlet_tend(&bus->ways[i].outlet, bus->now_ms);
    }
    allow_peers(bus);
}

struct bus_guard bus_guard(struct bus *bus)
{
    struct bus_guard guard = bus->guard;
    guard.refused = auth_refused(bus->auth);
    return guard;
}

uint64_t bus_strangers(const struct bus *bus)
{
    return bus->strangers.count;
}

bool bus_next_stranger(struct bus *bus, struct span *name)
{
    return strangers_next(&bus->strangers, name);
}

const char *bus_next_trouble(struct bus *bus, size_t *peer)
{
    for (; bus->told < bus->peer_count; bus->told++) {
        struct outlet *outlet = &bus->ways[bus->told].outlet;
        if (!outlet->is_in_trouble)
            continue;
        outlet->is_in_trouble = false;
        *peer = bus->told++;
        return outlet->trouble;
    }
    bus->told = 0;
    return NULL;
}

uint64_t bus_multiparts(const struct bus *bus)
{
    return bus->multiparts;
}
