#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "bus/link/operate.h"
#include "bus/link/rounds.h"
#include "bus/net/binding.h"
#include "bus/net/bus_state.h"
#include "bus/net/entropy.h"
#include "bus/net/peer_socket.h"
#include "bus/net/socket_option.h"

/* Messages taken in one turn. A full window of two neighbours fits, and even if each is an
 * UPDATE full of locations the other sources of the loop wait only about a millisecond. */
#define TURN_MESSAGES_MAX 64
/* So often outlets are asked whether ZeroMQ has connected them again by itself, and whether peers
 * left connections here. Less than the time that ZeroMQ takes between two connections, so that the
 * gap is seen. */
#define LOOK_MS (OUTLET_RECONNECT_MS - 20)

static const struct socket_option options_of_router[] = {
    {ZMQ_ROUTER_HANDOVER, 1},      /* who connects again takes its half-open ghost's place */
    {ZMQ_ROUTER_MANDATORY, 1},     /* an answer to whom there is no way any more is refused */
    {ZMQ_SNDHWM, BUS_ANSWERS_MAX}, /* for each operator */
    {ZMQ_RCVHWM, 1000},            /* far above all windows, so it holds only a mad peer */
    {ZMQ_HANDSHAKE_IVL, 3000},     /* ms: a stranger that says nothing keeps its place this long */
    {ZMQ_BACKLOG, LINK_PEERS_MAX}, /* every peer may connect in the same moment */
};

static bool bind_router(struct bus *bus, const char *endpoint, struct fault *fault)
{
    bus->router = peer_socket_make(bus->context, ZMQ_ROUTER, bus->has_keys);
    if (!bus->router || (bus->has_keys && !auth_guard(bus->router, AUTH_BUS, &bus->own)))
        return fault_set(fault, "cannot open a socket: %s", zmq_strerror(errno));
    socket_options_set(bus->router, options_of_router,
                       sizeof options_of_router / sizeof *options_of_router);
    if (!binding_zmq(bus->router, endpoint, fault))
        return fault_set(fault, "cannot bind %s: %s", endpoint, fault->text);
    size_t endpoint_bytes = sizeof bus->endpoint;
    int rc = zmq_getsockopt(bus->router, ZMQ_LAST_ENDPOINT, bus->endpoint, &endpoint_bytes);
    assert(rc == 0);
    bus->port = hangup_port(bus->endpoint);
    size_t descriptor_bytes = sizeof bus->descriptor;
    rc = zmq_getsockopt(bus->router, ZMQ_FD, &bus->descriptor, &descriptor_bytes);
    assert(rc == 0);
    return true;
}

/* After auth_prove, during which nobody takes events. */
static bool watch_router(struct bus *bus, struct fault *fault)
{
    return hangup_watch_open(&bus->watch, bus->context, bus->router, bus->port, bus->peer_count) ||
           fault_set(fault, "cannot watch a socket: %s", zmq_strerror(errno));
}

static struct bus *make_bus(const struct bus_options *options)
{
    struct bus *bus = bytes_zeroed(sizeof *bus);
    zmq_msg_init(&bus->sender);
    zmq_msg_init(&bus->payload);
    for (size_t i = 0; i < BUS_REQUESTS_MAX; i++) {
        zmq_msg_init(&bus->inbox.requests[i].id);
        zmq_msg_init(&bus->inbox.requests[i].message);
    }
    bus->now_ms = NEVER_MS;
    bus->has_keys = options->keys != NULL;
    bus->peer_count = options->peer_count;
    /* One more than needed, because the size may not be 0. */
    bus->ways = bytes_zeroed((bus->peer_count + 1) * sizeof *bus->ways);
    bus->polled = bytes_zeroed((bus->peer_count + 1) * sizeof *bus->polled);
    rounds_resize(&bus->rounds, bus->peer_count);
    peer_directory_make(&bus->directory, bus->peer_count);
    bus->context = zmq_ctx_new();
    /* Whatever is lost over a connection that was replaced is sent again over the new one. */
    bus->arrivals = arrivals_new((struct arrivals_rules){0, .spares_the_last = true});
    if (!bus->context) {
        bus_close(&bus, 0);
        return NULL;
    }
    /* The default of 1023 sockets is less than a ROUTER, both ends of its watch, the handler of
     * keys and as many peers as there can be need, and all may be replaced at once: those that are
     * closed last a moment longer. It cannot be changed later, and is 16 bytes for each. */
    int rc = zmq_ctx_set(bus->context, ZMQ_MAX_SOCKETS, 2 * LINK_PEERS_MAX + 4);
    assert(rc == 0);
    return bus;
}

/* The handler stands before a door is opened. */
static bool open_auth(struct bus *bus, const struct bus_keys *keys, struct fault *fault)
{
    bus->auth = auth_open(bus->context, fault);
    if (!bus->auth || !keys)
        return bus->auth != NULL;
    bus->own = keys->own;
    for (size_t i = 0; i < bus->peer_count; i++)
        bus->ways[i].outlet.dial.keys = keys->peers[i];
    bus_allow_all(bus);
    return true;
}

static void name_ourselves(struct bus *bus, const char *name)
{
    assert(strlen(name) < sizeof bus->name);
    strcpy(bus->name, name);
    bus->home = (struct outlet_home){
        .context = bus->context, .own = bus->has_keys ? &bus->own : NULL, .name = bus->name};
    entropy_draw(bus->home.process, PEER_DIRECTORY_PROCESS_BYTES);
}

struct bus *bus_open(const struct bus_options *options, struct fault *fault)
{
    assert(options->peer_count <= LINK_PEERS_MAX);
    struct bus *bus = make_bus(options);
    if (!bus) {
        fault_set(fault, "cannot open the bus: %s", zmq_strerror(ENOMEM));
        return NULL;
    }
    bus->hears_operators = options->operators != NULL;
    if (bus->hears_operators)
        bus_copy_operators(bus, options->operators);
    for (size_t i = 0; i < options->peer_count; i++)
        peer_directory_add(&bus->directory, options->peers[i].name);
    peer_directory_sort(&bus->directory);
    name_ourselves(bus, options->name);
    bool good =
        open_auth(bus, options->keys, fault) && bind_router(bus, options->endpoint, fault) &&
        (!bus->has_keys || auth_prove(bus->auth, bus->endpoint, bus->own.public_key, fault)) &&
        watch_router(bus, fault);
    for (size_t i = 0; good && i < options->peer_count; i++)
        good = bus_open_way(bus, &bus->ways[i], &options->peers[i], fault);
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
        bus_close_way(&bus->ways[i], linger_ms);
    }
    if (bus->router)
        zmq_close(bus->router);
    hangup_watch_close(&bus->watch);
    auth_close(&bus->auth);
    explicit_bzero(&bus->own, sizeof bus->own);
    /* Waits for the lingering sockets, all at once; a signal only interrupts the wait. */
    while (bus->context && zmq_ctx_term(bus->context) != 0)
        assert(errno == EINTR);
    zmq_msg_close(&bus->sender);
    zmq_msg_close(&bus->payload);
    for (size_t i = 0; i < BUS_REQUESTS_MAX; i++) {
        zmq_msg_close(&bus->inbox.requests[i].id);
        zmq_msg_close(&bus->inbox.requests[i].message);
    }
    free(bus->operators);
    arrivals_destroy(&bus->arrivals);
    peer_directory_free(&bus->directory);
    rounds_free(&bus->rounds);
    free(bus->polled);
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

/* ---- what arrives ---- */

/* Whether the connection that brought the payload belongs to the member, whose name is only what
 * the sender says of itself. The key is asked about for each message, so that one that is taken
 * from a peer closes the connections that it opened before. It has to be one of the peer's, and not
 * only of its name: in a file that was read since the start that may be an operator's. A peer has
 * one key at a time: the one it came with is what awaits us at its endpoint. */
static bool is_proven(struct bus *bus, const struct peer_directory_member *member)
{
    struct bus_guard *guard = &bus->guard;
    struct dial *dial = &bus->ways[member->peer].outlet.dial;
    char owner[KEYRING_NAME_BYTES_MAX + 1] = "";
    const char *key = zmq_msg_gets(&bus->payload, AUTH_KEY_PROPERTY);
    if (auth_find(bus->auth, AUTH_BUS, key, owner) && strcmp(owner, member->name) == 0 &&
        keyring_keys_find(&dial->keys, key) < KEYRING_KEYS_MAX) {
        dial_proved(dial, key);
        return true;
    }
    strcpy(guard->impostor, owner);
    strcpy(guard->claimed, member->name);
    return false;
}

/* The payload came from a process of the peer or operator that has number `name`. */
static void hear(struct bus *bus, uint32_t name, uint32_t process)
{
    /* Which connection brought the payload only a property says that ZeroMQ keeps for older
     * programs (zmq_msg_get(3)). */
    struct arrival arrival = {.name = name, .process = process};
    int descriptor = zmq_msg_get(&bus->payload, ZMQ_SRCFD);
    if (newcomers_has(&bus->watch.newcomers, descriptor) &&
        arrivals_count(bus->arrivals, arrival.name) < NEWCOMERS_PER_NEIGHBOUR_MAX)
        hangup_watch_prove(&bus->watch, descriptor, zmq_msg_gets(&bus->payload, "Peer-Address"));
    hangup_hear(bus->arrivals, &arrival, descriptor, bus->port, bus->now_ms);
}

static void take_payload(struct bus *bus, struct flood *flood, size_t peer, uint32_t process)
{
    struct span payload = {zmq_msg_data(&bus->payload), zmq_msg_size(&bus->payload)};
    hear(bus, bus->ways[peer].number, process);
    flood_receive(flood, peer, payload, bus->now_ms);
}

/* What follows the prefix, which is there. */
static struct span operator_name(struct span id)
{
    size_t bytes = strlen(OPERATE_PREFIX);
    struct span name = peer_directory_name(id);
    return (struct span){name.data + bytes, name.len > bytes ? name.len - bytes : 0};
}

/* A name is logged, and compared as text. */
static bool is_printable(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] <= ' ' || name.data[i] > '~')
            return false;
    return name.len > 0 && name.len <= KEYRING_NAME_BYTES_MAX;
}

static bool is_of_operator(struct span id)
{
    size_t bytes = strlen(OPERATE_PREFIX);
    return id.len > bytes && memcmp(id.data, OPERATE_PREFIX, bytes) == 0 &&
           is_printable(operator_name(id));
}

/* The operator whose name is in the routing id and whose key brought the payload, as a number;
 * without keys all are number 0. Else operator_count, and an impostor. */
static size_t find_operator(struct bus *bus, struct span name)
{
    char owner[KEYRING_NAME_BYTES_MAX + 1] = "";
    if (!bus->has_keys)
        return 0;
    auth_find(bus->auth, AUTH_BUS, zmq_msg_gets(&bus->payload, AUTH_KEY_PROPERTY), owner);
    size_t found = 0;
    while (found < bus->operator_count && strcmp(bus->operators[found].name, owner) != 0)
        found++;
    if (found < bus->operator_count && span_equals(span_of(owner), name))
        return found;
    strcpy(bus->guard.impostor, owner);
    snprintf(bus->guard.claimed, sizeof bus->guard.claimed, "%.*s", (int)name.len, name.data);
    bus->guard.impostors++;
    return bus->operator_count;
}

/* The payload, one frame of an operator, waits from now on until the owner takes it. */
static void keep_request(struct bus *bus, struct span id, size_t frames)
{
    struct inbox *inbox = &bus->inbox;
    size_t number = find_operator(bus, operator_name(id));
    if (bus->has_keys && number == bus->operator_count)
        return;
    if (frames > 1) {
        bus->multiparts++;
        return;
    }
    hear(bus, NUMBERS_OF_OPERATORS + (uint32_t)number, peer_directory_process(id));
    if (inbox->count == BUS_REQUESTS_MAX) {
        bus->requests_dropped++;
        return;
    }
    size_t place = (inbox->first + inbox->count++) % BUS_REQUESTS_MAX;
    zmq_msg_move(&inbox->requests[place].id, &bus->sender);
    zmq_msg_move(&inbox->requests[place].message, &bus->payload);
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
    if (bus->hears_operators && is_of_operator(id)) {
        keep_request(bus, id, frames);
        return true;
    }
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

/* ---- operators ---- */

static struct span span_of_frame(zmq_msg_t *frame)
{
    return (struct span){zmq_msg_data(frame), zmq_msg_size(frame)};
}

bool bus_next_request(struct bus *bus, struct bus_request *request)
{
    struct inbox *inbox = &bus->inbox;
    if (inbox->is_given) {
        inbox->first = (inbox->first + 1) % BUS_REQUESTS_MAX;
        inbox->count--;
    }
    inbox->is_given = inbox->count > 0;
    if (!inbox->is_given)
        return false;
    request->id = span_of_frame(&inbox->requests[inbox->first].id);
    request->name = operator_name(request->id);
    request->message = span_of_frame(&inbox->requests[inbox->first].message);
    return true;
}

static bool put_frame(struct bus *bus, struct span frame, int flags)
{
    while (zmq_send(bus->router, frame.data, frame.len, ZMQ_DONTWAIT | flags) < 0) {
        if (errno == EAGAIN || errno == EHOSTUNREACH || errno == ENOMEM)
            return false;
        assert(errno == EINTR);
    }
    return true;
}

/* Whether there is a way, and room, is decided with the first frame. */
bool bus_answer(struct bus *bus, struct span id, struct span answer)
{
    return put_frame(bus, id, ZMQ_SNDMORE) && put_frame(bus, answer, 0);
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
    }
}

/* One system call for all instead of two for each: of most there is no news. */
static void look_at_outlets(struct bus *bus, struct flood *flood)
{
    for (size_t peer = 0; peer < bus->peer_count; peer++)
        bus->polled[peer] =
            (struct pollfd){.fd = bus->ways[peer].outlet.descriptor, .events = POLLIN};
    int count = poll(bus->polled, bus->peer_count, 0);
    for (size_t peer = 0; peer < bus->peer_count && count != 0; peer++)
        if ((count < 0 || bus->polled[peer].revents != 0) && outlet_is_new(&bus->ways[peer].outlet))
            flood_connected(flood, peer, bus->now_ms);
}

/* A peer that has nothing new to tell says so at once over a new connection, so that its other end
 * can close the one before. What was sent last is wiped: it may be of a client that is forgotten
 * meanwhile. */
static void look(struct bus *bus, struct flood *flood)
{
    if (bus->watch_waits)
        bus_watch(bus);
    if (bus->now_ms < bus->look_ms)
        return;
    bus_watch(bus);
    bus->look_ms = bus->now_ms + LOOK_MS;
    explicit_bzero(bus->out, sizeof bus->out);
    look_at_outlets(bus, flood);
    hangup_due(bus->arrivals, bus->now_ms);
}

/* How many bytes; 0 when nothing more is to be sent to this peer now. */
static size_t send_one(struct bus *bus, struct flood *flood, size_t peer)
{
    struct outlet *outlet = &bus->ways[peer].outlet;
    size_t bytes = flood_next(flood, peer, bus->now_ms, bus->out);
    if (bytes == 0)
        return 0;
    if (outlet_send(outlet, bus->out, bytes)) {
        dial_taken(&outlet->dial, flood_answers(flood, peer).awaited, bus->now_ms);
        return bytes;
    }
    dial_refused(&outlet->dial, bus->now_ms);
    flood_refused(flood, peer, bus->now_ms);
    return 0;
}

void bus_send(struct bus *bus, struct flood *flood, int64_t now_ms)
{
    bus->now_ms = now_ms;
    look(bus, flood);
    tend(bus, flood);
    rounds_begin(&bus->rounds);
    for (size_t peer = 0; peer < bus->peer_count; peer++)
        rounds_expect(&bus->rounds, peer, flood_has_much(flood, peer));
    for (size_t peer, bytes; rounds_next(&bus->rounds, &peer);) {
        bytes = send_one(bus, flood, peer);
        if (bytes > 0)
            rounds_sent(&bus->rounds, bytes, flood_has_much(flood, peer));
        else
            rounds_over(&bus->rounds);
    }
}

bool bus_sends_on(const struct bus *bus)
{
    return bus->rounds.is_cut;
}

bool bus_turn(struct bus *bus, struct flood *flood, int64_t now_ms)
{
    bus_watch(bus); /* before the messages of those who came */
    bool more = bus_receive(bus, flood, now_ms);
    bus_send(bus, flood, now_ms);
    return more || bus_sends_on(bus);
}

int bus_watch_descriptor(const struct bus *bus)
{
    return bus->watch.descriptor;
}

bool bus_watch(struct bus *bus)
{
    bus->watch_waits = hangup_watch_turn(&bus->watch);
    return bus->watch_waits;
}

int64_t bus_deadline_ms(const struct bus *bus)
{
    if (bus->watch_waits || bus->rounds.is_cut)
        return bus->now_ms;
    return bus->peer_count > 0 ? bus->look_ms : INT64_MAX;
}

/* ---- what the owner says and asks ---- */

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

bool bus_next_newcomers(struct bus *bus, struct newcomers_news *news)
{
    return newcomers_next_news(&bus->watch.newcomers, news);
}

const char *bus_next_trouble(struct bus *bus, size_t *peer)
{
    for (; bus->troubles_asked < bus->peer_count; bus->troubles_asked++) {
        struct outlet *outlet = &bus->ways[bus->troubles_asked].outlet;
        if (!outlet->is_in_trouble)
            continue;
        outlet->is_in_trouble = false;
        *peer = bus->troubles_asked++;
        return outlet->trouble;
    }
    bus->troubles_asked = 0;
    return NULL;
}

uint64_t bus_multiparts(const struct bus *bus)
{
    return bus->multiparts;
}

uint64_t bus_requests_dropped(const struct bus *bus)
{
    return bus->requests_dropped;
}
