/* How a worker keeps its connection to a broker, or makes a new one: the worker and the provider
 * are real, the broker is the test. */
#include <poll.h>

#include <czmq.h>

#include "placesd/dispatch/balance.h"
#include "placesd/service/worker.h"
#include "tests/bus/http_server.h"
#include "tests/bus/upstream.h"

/* A worker gives its broker up after twice the silence after which a broker drops a worker. */
#define MISSED_MS (2 * BALANCE_SILENCE_MS)
/* What a busy machine may add. */
#define PATIENCE_MS 4000

static void *context;
static struct upstream upstream;

static struct worker *start_worker(const struct http_server *giver)
{
    static struct worker_broker broker;
    static char url[128];
    struct fault fault = {0};
    snprintf(url, sizeof url, "http://127.0.0.1:%u" UPSTREAM_PATH, upstream.port);
    broker = (struct worker_broker){.back = giver->endpoint,
                                    .sources = {{.provider = &provider_google,
                                                 .url = span_of(url),
                                                 .key = span_of(ASKER_CANARY)}},
                                    .source_count = 1};
    struct worker *worker = worker_start(
        &(struct worker_options){.brokers = &broker, .broker_count = 1, .credits = 8}, &fault);
    CHECK(worker != NULL);
    return worker;
}

/* The name under which the next message comes, which is read to its end; "" if none comes. */
static void hear(struct http_server *giver, char name[64])
{
    char rest[64];
    int bytes = zmq_recv(giver->socket, name, 63, 0), more = 1;
    size_t size = sizeof more;
    name[bytes > 0 ? bytes : 0] = '\0';
    while (bytes > 0 && more && zmq_recv(giver->socket, rest, sizeof rest, 0) >= 0)
        zmq_getsockopt(giver->socket, ZMQ_RCVMORE, &more, &size);
}

static bool is_connected(struct http_server *giver, const char *name)
{
    int yes = 1;
    zmq_setsockopt(giver->socket, ZMQ_ROUTER_MANDATORY, &yes, sizeof yes);
    if (zmq_send(giver->socket, name, strlen(name), ZMQ_SNDMORE) < 0)
        return false;
    zmq_send(giver->socket, "", 0, 0);
    return true;
}

static void silence_makes_a_new_connection_and_loses_no_job(void)
{
    struct http_server giver;
    char first[64] = "", name[64], wanted[64];
    uint64_t number = 0;
    uint32_t rest_ms;
    http_server_open(&giver, context, MISSED_MS + PATIENCE_MS);
    struct worker *worker = start_worker(&giver);
    http_server_meet(&giver);
    snprintf(first, sizeof first, "%.*s", (int)giver.worker_bytes, giver.worker);
    CHECK(strncmp(first, "worker-", 7) == 0 && strcmp(first + 23, ".0") == 0);
    struct lookup silent = {.latitude_nanodeg = UPSTREAM_SILENT * LOOKUP_NANODEGREES_PER_DEGREE,
                            .radius_m = 1000,
                            .bound = 5,
                            .deadline_ms = MISSED_MS + PATIENCE_MS};
    http_server_give(&giver, 77, silent, NULL);
    int64_t given_ms = asker_now_ms();
    do
        hear(&giver, name);
    while (strcmp(name, first) == 0);
    CHECK(asker_now_ms() - given_ms >= MISSED_MS - BALANCE_HEARTBEAT_MS);
    CHECK(asker_now_ms() - given_ms < MISSED_MS + PATIENCE_MS);
    snprintf(wanted, sizeof wanted, "%.23s.1", first); /* the same life, its next socket */
    CHECK(strcmp(name, wanted) == 0);
    int64_t closed_by_ms = asker_now_ms() + 2000;
    while (is_connected(&giver, first) && asker_now_ms() < closed_by_ms)
        poll(NULL, 0, 10);
    CHECK(!is_connected(&giver, first));
    CHECK(is_connected(&giver, name));
    struct asker_answer answer = http_server_take(&giver, &number, &rest_ms);
    CHECK_INT(number, 77);
    CHECK_INT(answer.code, LOOKUP_TIMEOUT);
    worker_stop(&worker);
    http_server_close(&giver);
}

static void a_broker_that_speaks_keeps_its_worker(void)
{
    struct http_server giver;
    char first[64], name[64];
    http_server_open(&giver, context, PATIENCE_MS);
    struct worker *worker = start_worker(&giver);
    hear(&giver, first);
    int64_t until_ms = asker_now_ms() + MISSED_MS + BALANCE_SILENCE_MS;
    while (asker_now_ms() < until_ms) {
        CHECK(is_connected(&giver, first)); /* a probe */
        hear(&giver, name);
        CHECK(strcmp(name, first) == 0);
    }
    worker_stop(&worker);
    http_server_close(&giver);
}

/* ZeroMQ does not try again where a socket of another kind was. */
static void a_stranger_that_goes_leaves_room_for_the_broker(void)
{
    struct http_server giver;
    char name[64], event[16];
    int linger = 0, patience_ms = PATIENCE_MS;
    http_server_open(&giver, context, 20000);
    zmq_unbind(giver.socket, giver.endpoint);
    void *stranger = zmq_socket(context, ZMQ_PULL), *events = zmq_socket(context, ZMQ_PAIR);
    zmq_setsockopt(stranger, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(events, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    zmq_socket_monitor(stranger, "inproc://stranger", ZMQ_EVENT_DISCONNECTED);
    zmq_connect(events, "inproc://stranger");
    int64_t give_up_ms = asker_now_ms() + PATIENCE_MS;
    while (zmq_bind(stranger, giver.endpoint) != 0 && asker_now_ms() < give_up_ms)
        poll(NULL, 0, 10);
    struct worker *worker = start_worker(&giver);
    CHECK(zmq_recv(events, event, sizeof event, 0) > 0);
    zmq_socket_monitor(stranger, NULL, 0);
    zmq_close(events);
    zmq_close(stranger);
    give_up_ms = asker_now_ms() + PATIENCE_MS;
    while (zmq_bind(giver.socket, giver.endpoint) != 0 && asker_now_ms() < give_up_ms)
        poll(NULL, 0, 10);
    int64_t start_ms = asker_now_ms();
    hear(&giver, name);
    CHECK(strncmp(name, "worker-", 7) == 0);
    CHECK(asker_now_ms() - start_ms < 20000);
    worker_stop(&worker);
    http_server_close(&giver);
}

static const struct check_case cases[] = {
    {"a broker that says nothing gets a new connection, and jobs are answered over it",
     silence_makes_a_new_connection_and_loses_no_job},
    {"one that speaks keeps its worker", a_broker_that_speaks_keeps_its_worker},
    {"an address where a stranger was is tried again",
     a_stranger_that_goes_leaves_room_for_the_broker},
};

int main(void)
{
    zsys_handler_set(NULL);
    context = zmq_ctx_new();
    upstream_start(&upstream);
    int status = check_run(cases, sizeof cases / sizeof *cases);
    upstream_stop(&upstream);
    zmq_ctx_destroy(context);
    return status;
}
