/* places_client: many questions at once to a service that would also answer a plain REQ socket. */
#include "gateway/node/places_client.h"
#include "placesd/lookup.h"
#include "tests/bus/loopback.h"
#include "tests/check.h"

#include <poll.h>
#include <zmq.h>

/* The service: a ROUTER that sees the whole envelope, or a REP that sees none of it. */
struct service {
    void *context, *socket;
};

static struct service serve(int type, const char *endpoint)
{
    struct service service = {.context = zmq_ctx_new()};
    int linger_ms = 0, patience_ms = LOOPBACK_PATIENCE_MS;
    service.socket = zmq_socket(service.context, type);
    zmq_setsockopt(service.socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt(service.socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    CHECK(zmq_bind(service.socket, endpoint) == 0);
    return service;
}

static void stop(struct service *service)
{
    zmq_close(service->socket);
    zmq_ctx_term(service->context);
}

static struct places_client *ask_at(const char *endpoint)
{
    struct fault fault;
    struct topology_endpoint to = {.host = "127.0.0.1"};
    snprintf(to.text, sizeof to.text, "%s", endpoint);
    struct places_client *client = places_client_open(&to, NULL, 1, 0, &fault);
    CHECK(client != NULL);
    return client;
}

static void send_when_connected(struct places_client *client, uint64_t id, const char *text)
{
    int64_t end_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;
    bool sent;
    while (!(sent = places_client_send(client, id, span_of(text), 0)) && loopback_now_ms() < end_ms)
        poll(NULL, 0, 5);
    CHECK(sent);
}

/* As the loop does it: only after its descriptor fired, and until nothing waits. */
static bool receive(struct places_client *client, uint64_t *id, struct span *body, int patience_ms)
{
    int64_t end_ms = loopback_now_ms() + patience_ms;
    while (!places_client_receive(client, id, body)) {
        int64_t left_ms = end_ms - loopback_now_ms();
        struct pollfd in = {.fd = places_client_descriptor(client), .events = POLLIN};
        if (left_ms <= 0 || poll(&in, 1, (int)left_ms) < 0)
            return false;
    }
    return true;
}

static void plain_rep_answers(void)
{
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], question[16] = "";
    uint64_t id;
    struct span body;
    loopback_endpoint(endpoint);
    struct service service = serve(ZMQ_REP, endpoint);
    struct places_client *client = ask_at(endpoint);
    for (uint64_t i = 1; i <= 100; i++)
        send_when_connected(client, i << 40, "where?");
    for (uint64_t i = 1; i <= 100; i++) {
        CHECK_INT(zmq_recv(service.socket, question, sizeof question, 0), 6);
        CHECK(zmq_send(service.socket, "here", 4, 0) == 4);
        CHECK(receive(client, &id, &body, LOOPBACK_PATIENCE_MS));
        CHECK(id == i << 40);
        CHECK_BYTES(body.data, body.len, "here", 4);
    }
    CHECK(memcmp(question, "where?", 6) == 0);
    places_client_close(&client);
    CHECK(client == NULL);
    stop(&service);
}

/* One message of the given frames to the peer whose routing id is given. */
static void send_frames(struct service *service, struct span peer, const struct span *frames,
                        size_t count)
{
    zmq_send(service->socket, peer.data, peer.len, ZMQ_SNDMORE);
    for (size_t i = 0; i < count; i++)
        zmq_send(service->socket, frames[i].data, frames[i].len, i + 1 < count ? ZMQ_SNDMORE : 0);
}

/* The client learns from it, before its first question is answered, whether pings are. */
static void take_first_ping(struct service *service)
{
    char peer[256];
    int more = 0;
    size_t size = sizeof more;
    CHECK(zmq_recv(service->socket, peer, sizeof peer, 0) > 0);
    CHECK_INT(zmq_recv(service->socket, peer, sizeof peer, 0), 0);
    zmq_getsockopt(service->socket, ZMQ_RCVMORE, &more, &size);
    CHECK(!more);
}

static void what_is_no_reply_is_dropped(void)
{
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], peer[256], rest[256];
    uint64_t id = 7;
    struct span body;
    loopback_endpoint(endpoint);
    struct service service = serve(ZMQ_ROUTER, endpoint);
    struct places_client *client = ask_at(endpoint);
    send_when_connected(client, id, "where?");
    take_first_ping(&service);
    int peer_bytes = zmq_recv(service.socket, peer, sizeof peer, 0);
    CHECK(peer_bytes > 0);
    CHECK_INT(zmq_recv(service.socket, rest, sizeof rest, 0), sizeof id);
    CHECK(memcmp(rest, &id, sizeof id) == 0);
    CHECK_INT(zmq_recv(service.socket, rest, sizeof rest, 0), 0);
    CHECK_INT(zmq_recv(service.socket, rest, sizeof rest, 0), 6);

    struct span to = {peer, (size_t)peer_bytes}, empty = {"", 0}, text = {"12345678", 8};
    struct span number = {(const char *)&id, sizeof id};
    const struct span alone[] = {text}, short_id[] = {{"1234", 4}, empty, text};
    const struct span full[] = {number, text, text}, four[] = {number, empty, text, text};
    const struct span good[] = {number, empty, text};
    send_frames(&service, to, alone, 1);
    send_frames(&service, to, short_id, 3);
    send_frames(&service, to, full, 3);
    send_frames(&service, to, four, 4);
    send_frames(&service, to, good, 3);
    id = 0;
    CHECK(receive(client, &id, &body, LOOPBACK_PATIENCE_MS));
    CHECK(id == 7);
    CHECK_BYTES(body.data, body.len, "12345678", 8);
    CHECK(!receive(client, &id, &body, 50));
    places_client_close(&client);
    stop(&service);
}

static void service_may_come_and_go(void)
{
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], text[16];
    loopback_endpoint(endpoint);
    struct places_client *client = ask_at(endpoint);
    CHECK(!places_client_send(client, 1, span_of("nobody there"), 0));
    for (uint64_t life = 2; life < 4; life++) {
        struct service service = serve(ZMQ_REP, endpoint);
        uint64_t id;
        struct span body;
        send_when_connected(client, life, "where?");
        CHECK_INT(zmq_recv(service.socket, text, sizeof text, 0), 6);
        CHECK(zmq_send(service.socket, "here", 4, 0) == 4);
        CHECK(receive(client, &id, &body, LOOPBACK_PATIENCE_MS));
        CHECK(id == life);
        stop(&service);
        int64_t end_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;
        while (places_client_send(client, 1, span_of("lost"), 0) && loopback_now_ms() < end_ms)
            poll(NULL, 0, 5);
        CHECK(loopback_now_ms() < end_ms);
    }
    places_client_close(&client);
}

static void reply_past_the_limit_is_not_taken(void)
{
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], text[16];
    uint64_t id;
    struct span body;
    char *large = calloc(1, LOOKUP_REPLY_BYTES_MAX + 1);
    loopback_endpoint(endpoint);
    struct service service = serve(ZMQ_REP, endpoint);
    struct places_client *client = ask_at(endpoint);
    for (uint64_t round = 0; round < 2; round++) {
        send_when_connected(client, round, "where?");
        CHECK_INT(zmq_recv(service.socket, text, sizeof text, 0), 6);
        CHECK(zmq_send(service.socket, large, LOOKUP_REPLY_BYTES_MAX + round, 0) > 0);
        if (round == 0) {
            CHECK(receive(client, &id, &body, LOOPBACK_PATIENCE_MS));
            CHECK_INT(body.len, LOOKUP_REPLY_BYTES_MAX);
        } else {
            CHECK(!receive(client, &id, &body, 300));
        }
    }
    places_client_close(&client);
    stop(&service);
    free(large);
}

/* ---- connections that are replaced; the clock is the test's own ---- */

/* The routing id under which the next question comes, which must come. */
static int take_question(struct service *service, char *peer, size_t peer_bytes_max)
{
    char rest[256];
    int bytes = zmq_recv(service->socket, peer, peer_bytes_max, 0), more = 1;
    size_t size = sizeof more;
    CHECK(bytes > 0);
    while (more && zmq_recv(service->socket, rest, sizeof rest, 0) >= 0)
        zmq_getsockopt(service->socket, ZMQ_RCVMORE, &more, &size);
    return bytes;
}

static void answer(struct service *service, const char *peer, int peer_bytes, uint64_t id)
{
    struct span number = {(const char *)&id, sizeof id}, empty = {"", 0};
    const struct span reply[] = {number, empty, span_of("here")};
    send_frames(service, (struct span){peer, (size_t)peer_bytes}, reply, 3);
}

/* Whether the service still has a connection under this routing id, within the test's patience. */
static bool is_closed(struct service *service, const char *peer, int peer_bytes, int patience_ms)
{
    int64_t end_ms = loopback_now_ms() + patience_ms;
    while (zmq_send(service->socket, peer, (size_t)peer_bytes, ZMQ_SNDMORE) >= 0) {
        zmq_send(service->socket, "?", 1, 0);
        if (loopback_now_ms() >= end_ms)
            return false;
        poll(NULL, 0, 5);
    }
    return true;
}

static struct service serve_strictly(const char *endpoint)
{
    struct service service = serve(ZMQ_ROUTER, endpoint);
    int yes = 1;
    zmq_setsockopt(service.socket, ZMQ_ROUTER_MANDATORY, &yes, sizeof yes);
    return service;
}

static void who_never_answers_gets_a_new_connection(void)
{
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], first[256], second[256];
    uint64_t id = 0;
    struct span body;
    loopback_endpoint(endpoint);
    struct service service = serve_strictly(endpoint);
    struct places_client *client = ask_at(endpoint);
    int descriptor = places_client_descriptor(client);
    send_when_connected(client, 7, "where?"); /* with 0 as the time */
    take_first_ping(&service);
    int first_bytes = take_question(&service, first, sizeof first);
    CHECK_INT(places_client_deadline_ms(client), PLACES_CLIENT_UNANSWERED_MS);
    CHECK(!places_client_renew(client, PLACES_CLIENT_UNANSWERED_MS - 1));
    CHECK(places_client_renew(client, PLACES_CLIENT_UNANSWERED_MS));
    CHECK(is_closed(&service, first, first_bytes, 2000));
    send_when_connected(client, 8, "where?");
    take_first_ping(&service);
    int second_bytes = take_question(&service, second, sizeof second);
    CHECK(second_bytes != first_bytes || memcmp(first, second, (size_t)first_bytes) != 0);
    CHECK_INT(places_client_descriptor(client), descriptor);
    answer(&service, second, second_bytes, 8);
    CHECK(receive(client, &id, &body, LOOPBACK_PATIENCE_MS)); /* the descriptor fires */
    CHECK(id == 8);
    CHECK_INT(places_client_deadline_ms(client), INT64_MAX);
    places_client_close(&client);
    stop(&service);
}

static void who_answers_keeps_its_connection(void)
{
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], peer[256];
    uint64_t id;
    struct span body;
    loopback_endpoint(endpoint);
    struct service service = serve(ZMQ_ROUTER, endpoint);
    struct places_client *client = ask_at(endpoint);
    for (uint64_t i = 1; i <= 3; i++) {
        send_when_connected(client, i, "where?");
        if (i == 1)
            take_first_ping(&service);
        int bytes = take_question(&service, peer, sizeof peer);
        answer(&service, peer, bytes, i);
        CHECK(receive(client, &id, &body, LOOPBACK_PATIENCE_MS));
        places_client_second(client, (int64_t)i * 1000000);
        CHECK(!places_client_renew(client, (int64_t)i * 1000000));
    }
    places_client_close(&client);
    stop(&service);
}

/* ZeroMQ never connects again where it has met a socket of another kind. */
static void who_was_no_service_is_tried_again(void)
{
    static const int strangers[] = {ZMQ_PUB, ZMQ_PULL, ZMQ_PAIR};
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], peer[256], monitor[16];
        loopback_endpoint(endpoint);
        struct service stranger = serve(strangers[i], endpoint);
        void *events = zmq_socket(stranger.context, ZMQ_PAIR);
        int patience_ms = LOOPBACK_PATIENCE_MS;
        zmq_setsockopt(events, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
        zmq_socket_monitor(stranger.socket, "inproc://events", ZMQ_EVENT_DISCONNECTED);
        zmq_connect(events, "inproc://events");
        struct places_client *client = ask_at(endpoint);
        CHECK(zmq_recv(events, monitor, sizeof monitor, 0) > 0);
        zmq_socket_monitor(stranger.socket, NULL, 0);
        zmq_close(events);
        stop(&stranger);
        struct service service = serve(ZMQ_ROUTER, endpoint);
        CHECK(!places_client_send(client, 1, span_of("where?"), 0));
        CHECK(places_client_renew(client, PLACES_CLIENT_AWAY_MS));
        send_when_connected(client, 2, "where?");
        take_first_ping(&service);
        take_question(&service, peer, sizeof peer);
        places_client_close(&client);
        stop(&service);
    }
}

/* A broker that has returned one ping, in any form, is expected to return them all. */
static void who_answers_pings_is_missed_sooner(void)
{
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], peer[256], rest[256];
    uint64_t id;
    struct span body;
    loopback_endpoint(endpoint);
    struct service service = serve_strictly(endpoint);
    struct places_client *client = ask_at(endpoint);
    int64_t end_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;
    int bytes = -1;
    while (bytes < 0 && loopback_now_ms() < end_ms) {
        places_client_look(client, 0);
        bytes = zmq_recv(service.socket, peer, sizeof peer, ZMQ_DONTWAIT);
    }
    CHECK(bytes > 0 && zmq_recv(service.socket, rest, sizeof rest, 0) == 0);
    CHECK_INT(places_client_deadline_ms(client), INT64_MAX); /* it may answer no pings */
    const struct span pong[] = {{"", 0}, span_of("an answer of an earlier version")};
    send_frames(&service, (struct span){peer, (size_t)bytes}, pong, 2);
    CHECK(!receive(client, &id, &body, 50));
    places_client_second(client, 1000);
    places_client_second(client, 2000);
    CHECK_INT(places_client_deadline_ms(client), 1000 + PLACES_CLIENT_PING_UNANSWERED_MS);
    send_frames(&service, (struct span){peer, (size_t)bytes}, pong, 1);
    CHECK(!receive(client, &id, &body, 50));
    CHECK_INT(places_client_deadline_ms(client), INT64_MAX);
    places_client_close(&client);
    stop(&service);
}

/* A REP socket never sees a ping, and is not considered lost because of that. */
static void plain_rep_is_not_pinged(void)
{
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], text[16];
    loopback_endpoint(endpoint);
    struct service service = serve(ZMQ_REP, endpoint);
    struct places_client *client = ask_at(endpoint);
    send_when_connected(client, 1, "first?");
    for (int64_t second = 1; second < 5; second++)
        places_client_second(client, second * 1000);
    CHECK_INT(places_client_deadline_ms(client), PLACES_CLIENT_UNANSWERED_MS);
    send_when_connected(client, 2, "where?");
    CHECK_INT(zmq_recv(service.socket, text, sizeof text, 0), 6);
    CHECK(memcmp(text, "first?", 6) == 0 && zmq_send(service.socket, "here", 4, 0) == 4);
    CHECK_INT(zmq_recv(service.socket, text, sizeof text, 0), 6);
    CHECK(memcmp(text, "where?", 6) == 0);
    places_client_close(&client);
    stop(&service);
}

static void loss_and_return_are_reported_once(void)
{
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], peer[256];
    loopback_endpoint(endpoint);
    struct places_client *client = ask_at(endpoint);
    CHECK_INT(places_client_news(client, DIAL_LOST_MS - 1), DIAL_NOTHING_NEW);
    CHECK_INT(places_client_news(client, DIAL_LOST_MS), DIAL_LOST);
    CHECK_INT(places_client_news(client, 2 * DIAL_LOST_MS), DIAL_NOTHING_NEW);
    struct service service = serve(ZMQ_ROUTER, endpoint);
    send_when_connected(client, 1, "where?");
    take_first_ping(&service);
    take_question(&service, peer, sizeof peer);
    CHECK_INT(places_client_news(client, 2 * DIAL_LOST_MS), DIAL_BACK);
    CHECK(strcmp(places_client_endpoint(client), endpoint) == 0);
    places_client_close(&client);
    stop(&service);
}

static const struct check_case cases[] = {
    {"a plain REP answers a hundred questions at once", plain_rep_answers},
    {"what is no reply is dropped, and the next reply is read", what_is_no_reply_is_dropped},
    {"the service may come and go", service_may_come_and_go},
    {"a reply one byte past the limit is not taken", reply_past_the_limit_is_not_taken},
    {"a service that never answers gets a new connection, and the old one is closed",
     who_never_answers_gets_a_new_connection},
    {"one that answers keeps its connection", who_answers_keeps_its_connection},
    {"an address where a stranger was is tried again", who_was_no_service_is_tried_again},
    {"a service that answers pings is missed sooner", who_answers_pings_is_missed_sooner},
    {"a plain REP sees no ping", plain_rep_is_not_pinged},
    {"a loss and the return are reported once", loss_and_return_are_reported_once},
};

CHECK_MAIN(cases)
