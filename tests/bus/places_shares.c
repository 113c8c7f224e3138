/* What one asker may cost the others: nothing. Greedy and silent askers at a real broker, beside
 * one that asks now and then and reads its answers. */
#include <czmq.h>

#include "placesd/caller.h"
#include "placesd/dispatch/balance.h"
#include "placesd/dispatch/outbox.h"
#include "tests/bus/service.h"

#define BODY_BYTES  ((size_t)500 * 1000)
#define SILENT      8
#define ASKED       200 /* by each: 100 MB of answers */
#define PATIENCE_MS (2 * SERVICE_DEADLINE_MS)

static void *context;

static void *join(const struct service *service, uint32_t credits)
{
    void *worker = asker_connect(context, ZMQ_DEALER, service->back, PATIENCE_MS);
    char ready[LOOKUP_READY_BYTES_MAX];
    zmq_send(worker, ready, lookup_write_ready(credits, ready), 0);
    return worker;
}

/* Takes one job and answers it with a body of that size; the radius that it asks about. */
static uint32_t serve(void *worker, size_t body_bytes)
{
    char request[LOOKUP_REQUEST_BYTES_MAX], name[16];
    uint64_t job;
    struct lookup lookup = {0};
    int bytes;
    do
        bytes = zmq_recv(worker, &job, sizeof job, 0);
    while (bytes == 0); /* the broker wants to know whether we are there */
    CHECK(bytes == (int)sizeof job);
    bytes = zmq_recv(worker, request, sizeof request, 0);
    CHECK(bytes > 0 && lookup_read_request((struct span){request, (size_t)bytes}, &lookup));
    zmq_recv(worker, name, sizeof name, 0);
    static const char begin[] = "{\"html_attributions\":[],\"results\":[\"";
    static const char end[] = "\"],\"status\":\"OK\"}";
    struct buffer body = {0}, reply = {0};
    buffer_append(&body, span_of(begin));
    while (body.len < body_bytes)
        buffer_append(&body, span_of("a place of some length, "));
    buffer_append(&body, span_of(end));
    lookup_write_reply(&(struct lookup_reply){LOOKUP_OK, {body.data, body.len}}, &reply);
    zmq_send(worker, &job, sizeof job, ZMQ_SNDMORE);
    zmq_send(worker, reply.data, reply.len, 0);
    buffer_free(&body);
    buffer_free(&reply);
    return lookup.radius_m;
}

/* A gateway by its routing id; one number more each time. */
static void *connect_gateway(const struct service *service, uint64_t life)
{
    static uint32_t number;
    char name[CALLER_NAME_BYTES_MAX];
    void *dealer = zmq_socket(context, ZMQ_DEALER);
    int linger = 0, patience_ms = PATIENCE_MS, room = 2 * BALANCE_WAITING_MAX;
    zmq_setsockopt(dealer, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    zmq_setsockopt(dealer, ZMQ_SNDHWM, &room, sizeof room);
    size_t bytes = caller_write(&(struct caller){CALLER_GATEWAY, life, number++}, name);
    zmq_setsockopt(dealer, ZMQ_ROUTING_ID, name, bytes);
    zmq_connect(dealer, service->front);
    return dealer;
}

/* The resident memory of this process, in bytes. */
static size_t resident(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    CHECK(file != NULL && fscanf(file, "%*s %zu", &pages) == 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* 800 MB of answers for eight who take none: no more waits than may, and whoever reads has his. */
static void who_does_not_read_loses_his_own(void)
{
    struct service service = service_new();
    service.options.sources[0].cache_ms = 60000;
    service_open(&service);
    void *worker = join(&service, 1), *silent[SILENT];
    void *honest = asker_connect(context, ZMQ_REQ, service.front, PATIENCE_MS);
    struct lookup lookup = service_question(UPSTREAM_GOOD, 1, 5);
    asker_send(honest, lookup);
    serve(worker, BODY_BYTES);
    CHECK_INT(asker_receive(honest).code, LOOKUP_OK); /* from the cache from now on */
    size_t before = resident();
    for (int i = 0; i < SILENT; i++) {
        silent[i] = zmq_socket(context, ZMQ_DEALER);
        int one = 1, linger = 0, kernel_bytes = 64 * 1024;
        zmq_setsockopt(silent[i], ZMQ_RCVHWM, &one, sizeof one);
        zmq_setsockopt(silent[i], ZMQ_RCVBUF, &kernel_bytes, sizeof kernel_bytes);
        zmq_setsockopt(silent[i], ZMQ_LINGER, &linger, sizeof linger);
        zmq_connect(silent[i], service.front);
        for (uint32_t j = 0; j < ASKED; j++)
            service_send_numbered(silent[i], j, lookup);
    }
    for (int i = 0; i < 200; i++) {
        asker_send(honest, lookup);
        CHECK_INT(asker_receive(honest).code, LOOKUP_OK);
    }
    size_t grown = resident() - before;
    CHECK(grown > OUTBOX_BYTES_MAX / 2);                            /* they did ask */
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__) /* which take more themselves  \
                                                                     */
    CHECK(grown < OUTBOX_BYTES_MAX + OUTBOX_BYTES_MAX / 2); /* what waits, and copies under way */
#endif
    for (int i = 0; i < SILENT; i++)
        zmq_close(silent[i]);
    zmq_close(honest);
    zmq_close(worker);
    service_stop(&service);
}

/* What waited for one that is gone makes room for others; its answers went unread. */
static void who_leaves_takes_his_answers_along(void)
{
    struct service service = service_new();
    service.options.sources[0].cache_ms = 60000;
    service_open(&service);
    void *worker = join(&service, 1);
    struct lookup lookup = service_question(UPSTREAM_GOOD, 1, 5);
    for (int round = 0; round < 4; round++) {
        void *dealer = connect_gateway(&service, 7);
        uint32_t number, fits = OUTBOX_BYTES_MAX / 2 / (BODY_BYTES * 2), came = 0;
        for (uint32_t i = 0; i < fits; i++)
            service_send_numbered(dealer, i, lookup);
        if (round == 0)
            serve(worker, BODY_BYTES);
        for (; round % 2 == 1 && came < fits && service_receive_number(dealer, &number); came++)
            CHECK_INT(asker_receive(dealer).code, LOOKUP_OK);
        CHECK_INT(came, round % 2 == 1 ? fits : 0);
        zmq_close(dealer);
    }
    zmq_close(worker);
    service_stop(&service);
}

/* A gateway asks until it is refused, and so do many REQ sockets, before another gateway asks one
 * question: that one is the first or the second to be given to a worker. */
static void a_greedy_node_holds_up_no_other(void)
{
    struct service service = service_new();
    service_open(&service);
    void *greedy = connect_gateway(&service, 1), *honest = connect_gateway(&service, 2);
    struct lookup lookup = service_question(UPSTREAM_GOOD, 1, 5);
    uint32_t number, alone = BALANCE_WAITING_MAX / 2;
    for (uint32_t i = 0; i <= alone; i++)
        service_send_numbered(greedy, i, service_vary(lookup, i));
    if (service_receive_number(greedy, &number))
        CHECK_INT(asker_receive(greedy).code, LOOKUP_BUSY); /* all the others wait */
    service_send_numbered(honest, 1, service_vary(lookup, 30000));
    void *second = connect_gateway(&service, 1); /* one life is one asker over all its sockets */
    service_send_numbered(second, 1, service_vary(lookup, 31000));
    if (service_receive_number(second, &number))
        CHECK_INT(asker_receive(second).code, LOOKUP_BUSY);
    void *worker = join(&service, 1);
    uint32_t first = serve(worker, 10), next = serve(worker, 10);
    CHECK(first == lookup.radius_m + 30000 || next == lookup.radius_m + 30000);
    if (service_receive_number(honest, &number))
        CHECK_INT(asker_receive(honest).code, LOOKUP_OK);
    zmq_close(worker);
    zmq_close(greedy);
    zmq_close(second);
    zmq_close(honest);
    service_stop(&service);
}

/* Whoever is no gateway has one share with all who are none. */
static void sockets_without_a_name_are_one(void)
{
    struct service service = service_new();
    service_open(&service);
    void *dealers[2];
    struct lookup lookup = service_question(UPSTREAM_GOOD, 1, 5);
    uint32_t number, half = BALANCE_WAITING_MAX / 4;
    for (uint32_t i = 0; i < 2; i++) {
        dealers[i] = asker_connect(context, ZMQ_DEALER, service.front, PATIENCE_MS);
        for (uint32_t j = 0; j < half; j++)
            service_send_numbered(dealers[i], j, service_vary(lookup, i * half + j));
        char empty[1];
        zmq_send(dealers[i], "", 0, 0); /* comes back when all before it was taken */
        CHECK_INT(zmq_recv(dealers[i], empty, sizeof empty, 0), 0);
    }
    service_send_numbered(dealers[0], 7777, service_vary(lookup, 20000));
    service_send_numbered(dealers[1], 7777, service_vary(lookup, 20001));
    uint32_t refused = 0;
    for (int i = 0; i < 2; i++)
        if (service_receive_number(dealers[i], &number) &&
            asker_receive(dealers[i]).code == LOOKUP_BUSY)
            refused++;
    CHECK_INT(refused, 2);
    void *gateway = connect_gateway(&service, 3), *worker = join(&service, 1);
    service_send_numbered(gateway, 1, service_vary(lookup, 30000));
    uint32_t first = serve(worker, 10), next = serve(worker, 10);
    uint32_t third = serve(worker, 10);
    CHECK(first == lookup.radius_m + 30000 || next == lookup.radius_m + 30000 ||
          third == lookup.radius_m + 30000);
    zmq_close(gateway);
    zmq_close(worker);
    zmq_close(dealers[0]);
    zmq_close(dealers[1]);
    service_stop(&service);
}

/* Frames before a question have 4096 bytes in all; one byte more and it is no envelope. */
static void an_envelope_is_bounded(void)
{
    struct service service = service_new();
    service_open(&service);
    void *worker = join(&service, 1);
    static char frame[2048];
    void *dealer = zmq_socket(context, ZMQ_DEALER);
    int linger = 0, patience_ms = PATIENCE_MS;
    zmq_setsockopt(dealer, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "12345678", 8);
    zmq_connect(dealer, service.front);
    for (uint32_t longer = 2; longer-- > 0;) { /* first the one that is dropped */
        zmq_send(dealer, frame, sizeof frame, ZMQ_SNDMORE);
        zmq_send(dealer, frame, 4096 - 8 - sizeof frame - 4 + longer, ZMQ_SNDMORE);
        service_send_numbered(dealer, longer, service_question(UPSTREAM_GOOD, 1, 5));
    }
    serve(worker, 10);
    CHECK_INT(zmq_recv(dealer, frame, sizeof frame, 0), (int)sizeof frame);
    CHECK_INT(zmq_recv(dealer, frame, sizeof frame, 0), 4096 - 8 - (int)sizeof frame - 4);
    uint32_t number;
    if (service_receive_number(dealer, &number))
        CHECK_INT(number, 0);
    CHECK_INT(asker_receive(dealer).code, LOOKUP_OK);
    zmq_close(worker);
    zmq_close(dealer);
    service_stop(&service);
}

static const struct check_case cases[] = {
    {"who does not read loses his own answers alone", who_does_not_read_loses_his_own},
    {"who leaves takes his answers along", who_leaves_takes_his_answers_along},
    {"a greedy node holds up no other", a_greedy_node_holds_up_no_other},
    {"sockets without a name share", sockets_without_a_name_are_one},
    {"an envelope has 4096 bytes", an_envelope_is_bounded},
};

int main(void)
{
    zsys_handler_set(NULL);
    context = zmq_ctx_new();
    int status = check_run(cases, sizeof cases / sizeof *cases);
    zmq_ctx_destroy(context);
    return status;
}
