#include "gateway/node/places_client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <zmq.h>

#include "bus/net/address.h"
#include "bus/net/socket_option.h"
#include "placesd/caller.h"
#include "placesd/lookup.h"

/* A request id, an empty frame, a body. */
#define FRAMES 3
/* Messages taken or sent in one turn. */
#define TURN_MESSAGES_MAX 64
static_assert(TOPOLOGY_PLACES_MAX <= OPERATE_BROKERS_MAX &&
                  TOPOLOGY_ENDPOINT_BYTES_MAX <= OPERATE_BROKER_BYTES_MAX &&
                  LOOKUP_HOSTS_MAX <= OPERATE_HOSTS_MAX &&
                  LOOKUP_HOST_BYTES_MAX <= OPERATE_HOST_BYTES_MAX + 1,
              "an operator can hear of all");

/* Messages queued in each direction. Far more than a service in good health lets wait. */
#define PLACES_CLIENT_QUEUE_MESSAGES_MAX 1000

static const struct dial_rules rules = {.away_ms = PLACES_CLIENT_AWAY_MS,
                                        .away_two_keys_ms = PLACES_CLIENT_AWAY_TWO_KEYS_MS,
                                        .unanswered_ms = PLACES_CLIENT_UNANSWERED_MS},
                               rules_of_pings = {.away_ms = PLACES_CLIENT_AWAY_MS,
                                                 .away_two_keys_ms = PLACES_CLIENT_AWAY_TWO_KEYS_MS,
                                                 .unanswered_ms = PLACES_CLIENT_PING_UNANSWERED_MS};

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
    bool answers_pings;            /* the service does: a plain REP drops them */
    bool has_figures;              /* it has said them, */
    struct lookup_figures figures; /* as they are here, since it was reached last */
    uint64_t life;                 /* random */
    zmq_msg_t frames[FRAMES];      /* of the last message received; always initialised */
};

/* ---- the connection to one broker ---- */

static const struct socket_option options_of_dealer[] = {
    {ZMQ_IMMEDIATE, 1}, /* nothing is queued for a service that is away */
    {ZMQ_LINGER, 0},    /* a question nobody waits for any more must not delay the end */
    {ZMQ_SNDHWM, PLACES_CLIENT_QUEUE_MESSAGES_MAX}, /* a full queue refuses: then the next broker */
    {ZMQ_RCVHWM, PLACES_CLIENT_QUEUE_MESSAGES_MAX}, /* replies wait for a turn of the loop */
    {ZMQ_RECONNECT_IVL, 100},                       /* ms: the service is found again at once... */
    {ZMQ_RECONNECT_IVL_MAX, 1000},                  /* ms: ...and not tried without a pause */
    {ZMQ_CONNECT_TIMEOUT, 1000}, /* ms: the system would try a silent address for two minutes */
    /* ZeroMQ's heartbeats would find a dead connection sooner, but may end a process whose
     * connecting socket has a full queue (libzmq 4.3); pings over the same socket do it here. */
    {ZMQ_TCP_KEEPALIVE, 1},
};

static bool set_options(void *socket, bool ipv6, bool has_keys)
{
    socket_options_set(socket, options_of_dealer,
                       sizeof options_of_dealer / sizeof *options_of_dealer);
    /* Only for an address in brackets: ZeroMQ would reach others as IPv4 in IPv6. */
    int wants_ipv6 = ipv6;
    int64_t bytes_max = LOOKUP_REPLY_BYTES_MAX;
    bool is_limited =
        has_keys ? auth_limit(socket, bytes_max)
                 : zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) == 0;
    return is_limited && zmq_setsockopt(socket, ZMQ_IPV6, &wants_ipv6, sizeof wants_ipv6) == 0;
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
                                         int64_t now_ms, struct fault *fault)
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
    fault_set(fault, "cannot ask for places at %s: %s", endpoint->text, zmq_strerror(errno));
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

/* A frame that is empty and alone: a REP drops it, and the broker sends it back. Who has sent one
 * back is asked for its figures instead, which takes the same way: a broker of an earlier version
 * answers that it is no question. */
static void ping(struct places_client *client, int64_t now_ms)
{
    struct span question = client->answers_pings ? LOOKUP_FIGURES_QUESTION : (struct span){"", 0};
    int more = client->answers_pings ? ZMQ_SNDMORE : 0;
    if (zmq_send(client->socket, "", 0, ZMQ_DONTWAIT | more) >= 0 &&
        (more == 0 || zmq_send(client->socket, question.data, question.len, ZMQ_DONTWAIT) >= 0))
        dial_taken(&client->dial, client->answers_pings, now_ms);
}

void places_client_look(struct places_client *client, int64_t now_ms)
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

bool places_client_renew(struct places_client *client, int64_t now_ms)
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

int64_t places_client_deadline_ms(const struct places_client *client)
{
    return address_is_asked(&client->address) ? client->address.again_ms
                                              : dial_deadline_ms(&client->dial);
}

enum dial_news places_client_news(struct places_client *client, int64_t now_ms)
{
    return dial_news(&client->dial, now_ms);
}

const char *places_client_reason(const struct places_client *client)
{
    return client->address.trouble[0] != '\0' ? client->address.trouble
                                              : "not running, out of reach, or the keys differ";
}

const char *places_client_endpoint(const struct places_client *client)
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
    /* Before the first question: whoever answers both is known then as one who answers pings, and
     * is missed soon, also where the connection dies within its first second. */
    if (dial_is_away(&client->dial) && client->socket != NULL)
        ping(client, now_ms);
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
static void take_pong(struct places_client *client, size_t frames)
{
    zmq_msg_t *last = &client->frames[1];
    if (frames == 2 && lookup_read_figures((struct span){zmq_msg_data(last), zmq_msg_size(last)},
                                           &client->figures))
        client->has_figures = true;
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
            take_pong(client, count);
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

/* ---- all of them ---- */

static uint32_t find_client(const struct places_clients *places, const char *endpoint)
{
    for (uint32_t i = 0; i < places->count; i++)
        if (strcmp(places->each[i]->endpoint, endpoint) == 0)
            return i;
    return REQUESTS_NO_BROKER;
}

/* Under a life that this node has not used yet, also where it was connected there before. */
static struct places_client *connect_to(struct places_clients *places,
                                        const struct topology_endpoint *endpoint,
                                        const struct auth_ends *keys, int64_t now_ms,
                                        struct fault *fault)
{
    return places_client_open(endpoint, keys, places->seed + places->lives++, now_ms, fault);
}

bool places_clients_read(struct places_clients *places, const struct topology *topology,
                         const struct auth_ends *keys, int64_t now_ms, struct fault *fault)
{
    for (size_t i = 0; i < topology->places_count; i++) {
        const struct topology_endpoint *endpoint = &topology->places[i].gateways_at;
        uint32_t was = find_client(places, endpoint->text);
        places->was[i] = was;
        places->next[i] = was != REQUESTS_NO_BROKER
                              ? places->each[was]
                              : connect_to(places, endpoint, keys, now_ms, fault);
        if (places->next[i] == NULL)
            return false;
        places->next_count++;
    }
    return true;
}

static bool is_kept(const struct places_clients *places, size_t index)
{
    for (size_t i = 0; i < places->next_count; i++)
        if (places->was[i] == index)
            return true;
    return false;
}

static void watch_client(const struct places_clients *places, const struct places_client *client)
{
    struct epoll_event event = {.events = EPOLLIN};
    int failed = epoll_ctl(places->watch, EPOLL_CTL_ADD, client->watch, &event);
    assert(failed == 0);
}

void places_clients_take(struct places_clients *places, int64_t now_ms)
{
    if (places->requests == NULL && places->next_count > 0)
        places->requests = requests_new(places->seed, (uint32_t)places->next_count);
    else if (places->requests != NULL)
        requests_change_brokers(places->requests, places->was, (uint32_t)places->next_count,
                                now_ms);
    for (size_t i = 0; i < places->count; i++)
        if (!is_kept(places, i))
            places_client_close(&places->each[i]);
    for (size_t i = 0; i < places->next_count; i++)
        if (places->was[i] == REQUESTS_NO_BROKER)
            watch_client(places, places->next[i]);
    memcpy(places->each, places->next, sizeof places->each);
    places->count = places->next_count;
    places->next_count = 0;
    places->wait = places->count > 0;
}

void places_clients_leave(struct places_clients *places)
{
    for (size_t i = 0; i < places->next_count; i++)
        if (places->was[i] == REQUESTS_NO_BROKER)
            places_client_close(&places->next[i]);
    places->next_count = 0;
}

bool places_clients_open(struct places_clients *places, const struct topology *topology,
                         uint64_t seed, const struct auth_ends *keys, int64_t now_ms,
                         struct fault *fault)
{
    places->seed = seed;
    places->watch = epoll_create1(EPOLL_CLOEXEC);
    if (places->watch < 0)
        return fault_set(fault, "cannot ask for places: %s", strerror(errno));
    if (!places_clients_read(places, topology, keys, now_ms, fault)) {
        places_clients_leave(places);
        return false;
    }
    places_clients_take(places, now_ms);
    return true;
}

void places_clients_close(struct places_clients *places)
{
    for (size_t i = 0; i < places->count; i++)
        places_client_close(&places->each[i]);
    requests_destroy(&places->requests);
    if (places->watch > 0)
        close(places->watch);
}

int places_clients_descriptor(const struct places_clients *places)
{
    return places->watch;
}

static void send_requests(struct places_clients *places, int64_t now_ms)
{
    char request[LOOKUP_REQUEST_BYTES_MAX];
    uint32_t broker;
    uint64_t id;
    size_t bytes;
    for (int i = 0; i < TURN_MESSAGES_MAX; i++) {
        if ((bytes = requests_next(places->requests, now_ms, &broker, &id, request)) == 0)
            return;
        /* A send eats the edge that would tell of a reply: look for one in the next turn. */
        places->wait = true;
        if (places_client_send(places->each[broker], id, (struct span){request, bytes}, now_ms))
            requests_sent(places->requests, now_ms);
        else
            requests_refused(places->requests, now_ms);
    }
}

/* False when more may wait. */
static bool take_replies(struct places_clients *places, struct places_client *socket,
                         struct clients *clients, int64_t now_ms)
{
    struct requests_answer answer;
    struct span body;
    uint64_t id;
    for (int i = 0; i < TURN_MESSAGES_MAX; i++) {
        if (!places_client_receive(socket, &id, &body)) {
            /* Something happened, but no message came: a connection began or ended. */
            if (i == 0 && places->fired)
                places_client_look(socket, now_ms);
            return true;
        }
        if (requests_receive(places->requests, id, body, now_ms, &answer))
            clients_answer(clients, &answer);
    }
    return false;
}

static void take_all_replies(struct places_clients *places, struct clients *clients, int64_t now_ms)
{
    places->wait = false;
    for (size_t i = 0; i < places->count; i++)
        if (!take_replies(places, places->each[i], clients, now_ms))
            places->wait = true;
    places->fired = false;
}

static bool is_any_due(const struct places_clients *places, int64_t now_ms)
{
    for (size_t i = 0; i < places->count; i++)
        if (places_client_deadline_ms(places->each[i]) <= now_ms)
            return true;
    return false;
}

/* What was asked over a connection that is replaced is asked once more over the new one. */
static void renew(struct places_clients *places, int64_t now_ms)
{
    for (size_t i = 0; i < places->count; i++)
        if (places_client_renew(places->each[i], now_ms))
            requests_lost(places->requests, (uint32_t)i, now_ms);
    places->wait = true; /* the edges are those of new sockets */
}

void places_clients_turn(struct places_clients *places, struct clients *clients, int64_t now_ms)
{
    struct requests_answer answer;
    if (places->requests == NULL)
        return;
    while (requests_expire(places->requests, now_ms, &answer))
        clients_answer(clients, &answer);
    bool is_due = is_any_due(places, now_ms);
    /* A reply may let a client's next command ask, so sending comes last. */
    if (places->wait || is_due)
        take_all_replies(places, clients, now_ms);
    /* A process that was stopped for a while finds the replies it missed, and keeps its
     * connection. */
    if (is_due)
        renew(places, now_ms);
    send_requests(places, now_ms);
}

static void tell_news(struct places_client *socket, struct logline *lines, int64_t realtime_ns,
                      int64_t now_ms)
{
    switch (places_client_news(socket, now_ms)) {
    case DIAL_LOST:
        logline_say(lines, realtime_ns, "places", 0, "no answer from %s for %d s: %s",
                    places_client_endpoint(socket), DIAL_LOST_MS / 1000,
                    places_client_reason(socket));
        break;
    case DIAL_BACK:
        logline_say(lines, realtime_ns, "places", 0, "%s is reached again",
                    places_client_endpoint(socket));
        break;
    case DIAL_NOTHING_NEW:
        break;
    }
}

void places_clients_second(struct places_clients *places, struct logline *lines,
                           int64_t realtime_ns, int64_t now_ms)
{
    for (size_t i = 0; i < places->count; i++) {
        places_client_second(places->each[i], now_ms);
        tell_news(places->each[i], lines, realtime_ns, now_ms);
    }
    places->wait = places->count > 0; /* that may have eaten an edge */
}

static struct operate_broker describe(const struct places_client *client)
{
    const struct lookup_figures *figures = &client->figures;
    struct operate_broker broker = {
        .endpoint = span_of(client->endpoint),
        .up = !client->begins && !dial_is_away(&client->dial),
        .speaks = client->has_figures,
        .asked = figures->asked,
        .hits = figures->hits,
        .joined = figures->joined,
        .stale = figures->stale,
        .failures = figures->failures,
        .workers = figures->workers,
        .paused_ms = figures->paused_ms,
        .spent = figures->spent,
        .budget = figures->budget,
        .kept = figures->kept,
        .kept_bytes = figures->kept_bytes,
        .host_count = figures->host_count,
    };
    for (uint32_t i = 0; i < figures->host_count; i++)
        broker.hosts[i] =
            (struct operate_host){span_of(figures->hosts[i].address), figures->hosts[i].workers};
    return broker;
}

void places_clients_describe(const struct places_clients *places, struct operate_status *status,
                             int64_t now_ms)
{
    status->broker_count = (uint32_t)places->count;
    for (size_t i = 0; i < places->count; i++)
        status->brokers[i] = describe(places->each[i]);
    if (places->requests == NULL)
        return;
    status->lookups = requests_count(places->requests)->asked;
    status->lookups_failed = requests_count(places->requests)->failed;
    status->lookups_waiting = requests_in_flight(places->requests);
    status->lookups_p99_ms = requests_p99_ms(places->requests, now_ms);
}

int64_t places_clients_deadline_ms(const struct places_clients *places)
{
    int64_t deadline_ms =
        places->requests != NULL ? requests_deadline_ms(places->requests) : INT64_MAX;
    for (size_t i = 0; i < places->count; i++)
        if (places_client_deadline_ms(places->each[i]) < deadline_ms)
            deadline_ms = places_client_deadline_ms(places->each[i]);
    return deadline_ms;
}
