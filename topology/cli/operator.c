#include "topology/cli/operator.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#include "bus/link/peer_directory.h"
#include "bus/net/entropy.h"
#include "bus/net/peer_socket.h"
#include "bus/net/resolve.h"
#include "topology/say.h"
#include "topology/secrets.h"
#include "topology/usage.h"

/* Who asks in a herd without keys whose file lists no operator. */
#define NOBODY "operator"
/* Ways that are tried in one go, each this long after the one before, and for how long after the
 * last. Connecting and its handshake take milliseconds; this is for a machine that is far, or has
 * no time at all. */
#define WAYS_MAX    32
#define NEXT_MS     200
#define FIND_MS_MAX 3000
#define AGAIN_MS    500
/* A node that is silent for this long while it works has ended. */
#define SILENT_MS_MAX 10000
#define POLL_MS       5

/* A node under one of its keys, at one of its addresses. */
struct way {
    const struct topology_node *node;
    const char *key; /* NULL without keys */
    char address[RESOLVE_ENDPOINT_BYTES_MAX];
    void *dealer;
};

struct ways {
    struct way list[WAYS_MAX];
    size_t count;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool operator_has_keys(const struct operator_session *session)
{
    return session->options.topology->keys[0] != '\0';
}

/* ---- who we are ---- */

static bool find_self(struct operator_session *session)
{
    const struct operator_options *options = &session->options;
    const struct topology *topology = options->topology;
    for (size_t i = 0; i < topology->operator_count; i++) {
        const struct topology_operator *self = &topology->operators[i];
        if (options->name == NULL || strcmp(options->name, self->name) == 0) {
            session->self = *self;
            return true;
        }
    }
    if (operator_has_keys(session))
        return say_failure(
            "%s lists no operator%s%s; add a section `operator` with its `name`, run "
            "`zherd keygen` on the file, and send HUP to the nodes",
            options->path, options->name != NULL ? " " : "",
            options->name != NULL ? options->name : "");
    const char *name = options->name != NULL ? options->name : NOBODY;
    if (name[0] == '\0' || strlen(name) > TOPOLOGY_NAME_BYTES_MAX)
        return say_failure("`%s` is no name of an operator", name);
    strcpy(session->self.name, name);
    return true;
}

static bool find_secret(struct operator_session *session)
{
    struct fault fault;
    return !operator_has_keys(session) ||
           secrets_find(session->options.topology, session->self.name, &session->self.public_keys,
                        &session->own, &fault) ||
           say_failure("%s", fault.text);
}

/* ---- the ways to the nodes ---- */

void *operator_dial(const struct operator_session *session, const char *address, const char *key)
{
    uint8_t number[PEER_DIRECTORY_NUMBER_BYTES];
    char id[sizeof OPERATE_PREFIX + TOPOLOGY_NAME_BYTES_MAX + 1 + sizeof number];
    int name_bytes = snprintf(id, sizeof id, "%s%s", OPERATE_PREFIX, session->self.name);
    void *dealer = peer_socket_make(session->context, ZMQ_DEALER, operator_has_keys(session));
    if (dealer == NULL)
        return NULL;
    entropy_draw(number, sizeof number);
    memcpy(id + name_bytes + 1, number, sizeof number);
    int ipv6 = strchr(address, '[') != NULL;
    if (zmq_setsockopt(dealer, ZMQ_ROUTING_ID, id, (size_t)name_bytes + 1 + sizeof number) == 0 &&
        zmq_setsockopt(dealer, ZMQ_IPV6, &ipv6, sizeof ipv6) == 0 &&
        auth_connect(dealer, address, operator_has_keys(session) ? &session->own : NULL, key))
        return dealer;
    zmq_close(dealer);
    return NULL;
}

static void add_way(struct ways *ways, const struct topology_node *node, const char *key,
                    const char *address)
{
    struct way *way = &ways->list[ways->count];
    if (ways->count == WAYS_MAX)
        return;
    *way = (struct way){.node = node, .key = key};
    snprintf(way->address, sizeof way->address, "%s", address);
    ways->count++;
}

/* One for each address of the node, and each of its keys. */
static void add_node(const struct operator_session *session, struct ways *ways,
                     const struct topology_node *node)
{
    struct resolve_addresses addresses;
    struct fault fault;
    if (!resolve_now(node->bus_at.text, &addresses, &fault)) {
        say("%s: %s", node->name, fault.text);
        return;
    }
    for (size_t i = 0; i < addresses.count; i++) {
        if (!operator_has_keys(session))
            add_way(ways, node, NULL, addresses.endpoints[i]);
        for (size_t j = 0; j < KEYRING_KEYS_MAX && node->public_keys.text[j][0] != '\0'; j++)
            add_way(ways, node, node->public_keys.text[j], addresses.endpoints[i]);
    }
}

/* All but the one that is kept. */
static void close_ways(struct ways *ways, const void *kept)
{
    for (size_t i = 0; i < ways->count; i++)
        if (ways->list[i].dealer != NULL && ways->list[i].dealer != kept)
            zmq_close(ways->list[i].dealer);
    ways->count = 0;
}

/* ---- requests ---- */

/* Nobody there is no fault: it is sent again. */
void operator_send(void *dealer, const struct operate_request *request)
{
    static char bytes[WIRE_MESSAGE_BYTES_MAX];
    size_t count = operate_write_request(request, bytes, sizeof bytes);
    assert(count > 0);
    (void)zmq_send(dealer, bytes, count, ZMQ_DONTWAIT);
}

bool operator_take(struct operator_session *session, void *dealer, struct operate_reply *reply)
{
    for (;;) {
        int bytes = zmq_recv(dealer, session->bytes, sizeof session->bytes, ZMQ_DONTWAIT);
        if (bytes < 0)
            return false;
        if ((size_t)bytes <= sizeof session->bytes &&
            operate_read_reply((struct span){session->bytes, (size_t)bytes}, reply) &&
            reply->to == session->from)
            return true;
    }
}

/* The next reply to that request that is here; false for none. */
static bool take_reply(struct operator_session *session, void *dealer,
                       const struct operate_request *request, struct operate_reply *reply)
{
    while (operator_take(session, dealer, reply))
        if (reply->number == request->number)
            return true;
    return false;
}

static struct way *find_answer(struct operator_session *session, struct ways *ways,
                               const struct operate_request *ping)
{
    struct operate_reply reply;
    for (size_t i = 0; i < ways->count; i++) {
        struct way *way = &ways->list[i];
        if (way->dealer != NULL && take_reply(session, way->dealer, ping, &reply) &&
            span_equals(reply.node, span_of(way->node->name)))
            return way;
    }
    return NULL;
}

static void poll_ways(const struct ways *ways)
{
    zmq_pollitem_t items[WAYS_MAX];
    int count = 0;
    for (size_t i = 0; i < ways->count; i++)
        if (ways->list[i].dealer != NULL)
            items[count++] = (zmq_pollitem_t){.socket = ways->list[i].dealer, .events = ZMQ_POLLIN};
    zmq_poll(items, count, POLL_MS);
}

static void send_to_all(const struct ways *ways, const struct operate_request *ping)
{
    for (size_t i = 0; i < ways->count; i++)
        if (ways->list[i].dealer != NULL)
            operator_send(ways->list[i].dealer, ping);
}

/* Asks who they are, one after the other without waiting long for any, and keeps the first that
 * says so. A node that answers at once is the only one that is ever dialled. */
static bool try_ways(struct operator_session *session, struct ways *ways)
{
    struct operate_request ping = {.from = session->from,
                                   .number = ++session->number,
                                   .kind = OPERATE_PING,
                                   .which = selection_of_all()};
    int64_t next_ms = now_ms(), again_ms = next_ms + AGAIN_MS, until_ms = next_ms + FIND_MS_MAX;
    struct way *found = NULL;
    for (size_t opened = 0; ways->count > 0 && found == NULL && now_ms() < until_ms;) {
        if (opened < ways->count && now_ms() >= next_ms) {
            struct way *way = &ways->list[opened++];
            way->dealer = operator_dial(session, way->address, way->key);
            if (way->dealer != NULL)
                operator_send(way->dealer, &ping);
            next_ms = now_ms() + NEXT_MS;
            until_ms = now_ms() + FIND_MS_MAX;
        }
        poll_ways(ways);
        found = find_answer(session, ways, &ping);
        if (now_ms() >= again_ms) {
            send_to_all(ways, &ping);
            again_ms += AGAIN_MS;
        }
    }
    if (found != NULL) {
        session->dealer = found->dealer;
        session->node = found->node;
    }
    close_ways(ways, session->dealer);
    return found != NULL;
}

static bool find_node(struct operator_session *session)
{
    const struct operator_options *options = &session->options;
    const struct topology *topology = options->topology;
    struct ways ways = {.count = 0};
    for (size_t i = 0; i < topology->node_count && session->dealer == NULL; i++) {
        const struct topology_node *node = &topology->nodes[i];
        if (options->node != NULL && strcmp(options->node, node->name) != 0)
            continue;
        /* What one node may need still fits. */
        if (ways.count + RESOLVE_ADDRESSES_MAX * KEYRING_KEYS_MAX > WAYS_MAX)
            try_ways(session, &ways);
        if (session->dealer == NULL)
            add_node(session, &ways, node);
    }
    return session->dealer != NULL || try_ways(session, &ways) ||
           say_failure("%s%s of %s did not answer within %d s; check that it runs, and that the "
                       "file it has read%s lists the operator %s",
                       options->node != NULL ? "node " : "the nodes",
                       options->node != NULL ? options->node : "", options->path,
                       FIND_MS_MAX / 1000, operator_has_keys(session) ? "" : ", where it has keys,",
                       session->self.name);
}

static bool is_a_node(const struct operator_options *options)
{
    char meant[USAGE_MEANT_BYTES_MAX];
    if (options->node == NULL || topology_find(options->topology, options->node) >= 0)
        return true;
    struct topology_nearest nearest = topology_find_near(options->topology, options->node);
    return say_failure("there is no node `%s` in %s%s", options->node, options->path,
                       usage_meant(&nearest, meant));
}

static bool open_context(struct operator_session *session)
{
    struct fault fault;
    session->context = zmq_ctx_new();
    if (session->context == NULL)
        return say_failure("there is not enough memory");
    session->auth = auth_open(session->context, &fault);
    return session->auth != NULL || say_failure("%s", fault.text);
}

bool operator_open(struct operator_session *session, const struct operator_options *options)
{
    *session = (struct operator_session){.options = *options, .from = entropy_number() | 1};
    return is_a_node(options) && find_self(session) && find_secret(session) &&
           open_context(session);
}

bool operator_begin(struct operator_session *session, const struct operator_options *options)
{
    return operator_open(session, options) && find_node(session);
}

bool operator_ask(struct operator_session *session, struct operate_request *request,
                  struct operate_reply *reply)
{
    int64_t heard_ms = now_ms(), again_ms = now_ms();
    request->from = session->from;
    request->number = ++session->number;
    while (now_ms() < heard_ms + SILENT_MS_MAX) {
        if (now_ms() >= again_ms) {
            operator_send(session->dealer, request);
            again_ms = now_ms() + AGAIN_MS;
        }
        zmq_pollitem_t item = {.socket = session->dealer, .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, POLL_MS);
        if (!take_reply(session, session->dealer, request, reply))
            continue;
        if (reply->state != OPERATE_WORKING)
            return true;
        heard_ms = now_ms();
    }
    return say_failure("%s does not answer any more: what was asked may have been done in part",
                       session->node->name);
}

void operator_end(struct operator_session *session)
{
    explicit_bzero(&session->own, sizeof session->own);
    if (session->dealer != NULL)
        zmq_close(session->dealer);
    auth_close(&session->auth);
    while (session->context != NULL && zmq_ctx_term(session->context) != 0)
        assert(errno == EINTR);
    session->context = session->dealer = NULL;
}
