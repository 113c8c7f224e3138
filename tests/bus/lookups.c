/* lookups: many questions at once to whoever answers a plain REQ socket. */
#include "gateway/lookups.h"
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

static struct lookups *ask_at(const char *endpoint)
{
    char error[LOOKUPS_ERROR_BYTES_MAX];
    struct topology_endpoint to = {.host = "127.0.0.1"};
    snprintf(to.text, sizeof to.text, "%s", endpoint);
    struct lookups *lookups = lookups_open(&to, error);
    CHECK(lookups != NULL);
    return lookups;
}

static void send_when_connected(struct lookups *lookups, uint64_t id, const char *text)
{
    int64_t end_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;
    bool sent;
    while (!(sent = lookups_send(lookups, id, span_of(text))) && loopback_now_ms() < end_ms)
        poll(NULL, 0, 5);
    CHECK(sent);
}

/* As the loop does it: only after its descriptor fired, and until nothing waits. */
static bool receive(struct lookups *lookups, uint64_t *id, struct span *body, int patience_ms)
{
    int64_t end_ms = loopback_now_ms() + patience_ms;
    while (!lookups_receive(lookups, id, body)) {
        int64_t left_ms = end_ms - loopback_now_ms();
        struct pollfd in = {.fd = lookups_descriptor(lookups), .events = POLLIN};
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
    struct lookups *lookups = ask_at(endpoint);
    for (uint64_t i = 1; i <= 100; i++)
        send_when_connected(lookups, i << 40, "where?");
    for (uint64_t i = 1; i <= 100; i++) {
        CHECK_INT(zmq_recv(service.socket, question, sizeof question, 0), 6);
        CHECK(zmq_send(service.socket, "here", 4, 0) == 4);
        CHECK(receive(lookups, &id, &body, LOOPBACK_PATIENCE_MS));
        CHECK(id == i << 40);
        CHECK_BYTES(body.at, body.bytes, "here", 4);
    }
    CHECK(memcmp(question, "where?", 6) == 0);
    lookups_close(&lookups);
    CHECK(lookups == NULL);
    stop(&service);
}

/* One message of the given frames to the peer whose routing id is given. */
static void send_frames(struct service *service, struct span peer, const struct span *frames,
                        size_t count)
{
    zmq_send(service->socket, peer.at, peer.bytes, ZMQ_SNDMORE);
    for (size_t i = 0; i < count; i++)
        zmq_send(service->socket, frames[i].at, frames[i].bytes, i + 1 < count ? ZMQ_SNDMORE : 0);
}

static void what_is_no_reply_is_dropped(void)
{
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], peer[256], rest[256];
    uint64_t id = 7;
    struct span body;
    loopback_endpoint(endpoint);
    struct service service = serve(ZMQ_ROUTER, endpoint);
    struct lookups *lookups = ask_at(endpoint);
    send_when_connected(lookups, id, "where?");
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
    CHECK(receive(lookups, &id, &body, LOOPBACK_PATIENCE_MS));
    CHECK(id == 7);
    CHECK_BYTES(body.at, body.bytes, "12345678", 8);
    CHECK(!receive(lookups, &id, &body, 50));
    lookups_close(&lookups);
    stop(&service);
}

static void service_may_come_and_go(void)
{
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], text[16];
    loopback_endpoint(endpoint);
    struct lookups *lookups = ask_at(endpoint);
    CHECK(!lookups_send(lookups, 1, span_of("nobody there")));
    for (uint64_t life = 2; life < 4; life++) {
        struct service service = serve(ZMQ_REP, endpoint);
        uint64_t id;
        struct span body;
        send_when_connected(lookups, life, "where?");
        CHECK_INT(zmq_recv(service.socket, text, sizeof text, 0), 6);
        CHECK(zmq_send(service.socket, "here", 4, 0) == 4);
        CHECK(receive(lookups, &id, &body, LOOPBACK_PATIENCE_MS));
        CHECK(id == life);
        stop(&service);
        int64_t end_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;
        while (lookups_send(lookups, 1, span_of("lost")) && loopback_now_ms() < end_ms)
            poll(NULL, 0, 5);
        CHECK(loopback_now_ms() < end_ms);
    }
    lookups_close(&lookups);
}

static void reply_past_the_limit_is_not_taken(void)
{
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], text[16];
    uint64_t id;
    struct span body;
    char *large = calloc(1, LOOKUP_REPLY_BYTES_MAX + 1);
    loopback_endpoint(endpoint);
    struct service service = serve(ZMQ_REP, endpoint);
    struct lookups *lookups = ask_at(endpoint);
    for (uint64_t round = 0; round < 2; round++) {
        send_when_connected(lookups, round, "where?");
        CHECK_INT(zmq_recv(service.socket, text, sizeof text, 0), 6);
        CHECK(zmq_send(service.socket, large, LOOKUP_REPLY_BYTES_MAX + round, 0) > 0);
        if (round == 0) {
            CHECK(receive(lookups, &id, &body, LOOPBACK_PATIENCE_MS));
            CHECK_INT(body.bytes, LOOKUP_REPLY_BYTES_MAX);
        } else {
            CHECK(!receive(lookups, &id, &body, 300));
        }
    }
    lookups_close(&lookups);
    stop(&service);
    free(large);
}

static const struct check_case cases[] = {
    {"a plain REP answers a hundred questions at once", plain_rep_answers},
    {"what is no reply is dropped, and the next reply is read", what_is_no_reply_is_dropped},
    {"the service may come and go", service_may_come_and_go},
    {"a reply one byte past the limit is not taken", reply_past_the_limit_is_not_taken},
};

CHECK_MAIN(cases)
