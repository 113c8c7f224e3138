/* What happens to questions when workers fall silent, lie, go away, are too few, or when the broker
 * itself ends: the workers here are sockets of the test, or the real one. */
#include <czmq.h>

#include "placesd/caller.h"
#include "placesd/dispatch/balance.h"
#include "tests/bus/service.h"

static void *context;
static struct upstream upstream;

static void *join_as_worker(const struct service *service, const char *name, uint32_t credits)
{
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int linger = 0, patience_ms = SERVICE_DEADLINE_MS;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    zmq_setsockopt(socket, ZMQ_ROUTING_ID, name, strlen(name));
    zmq_connect(socket, service->back);
    char ready[LOOKUP_READY_BYTES_MAX];
    size_t bytes = lookup_write_ready(credits, ready);
    zmq_send(socket, ready, bytes, 0);
    return socket;
}

/* Receives one job: its number, what is asked, and of whom. */
static bool take_job(void *worker, uint64_t *job, struct lookup *lookup)
{
    char request[LOOKUP_REQUEST_BYTES_MAX];
    int bytes;
    do
        bytes = zmq_recv(worker, job, sizeof *job, 0);
    while (bytes == 0); /* an empty message is a probe of the broker */
    bool came = bytes == (int)sizeof *job;
    bytes = came ? zmq_recv(worker, request, sizeof request, 0) : -1;
    came = bytes > 0 && lookup_read_request((struct span){request, (size_t)bytes}, lookup);
    char name[16];
    came = came && zmq_recv(worker, name, sizeof name, 0) == 6 && memcmp(name, "google", 6) == 0;
    CHECK(came);
    return came;
}

static void send_answer(void *worker, uint64_t job, const char *body)
{
    struct buffer reply = {0};
    lookup_write_reply(&(struct lookup_reply){LOOKUP_OK, span_of(body)}, &reply);
    zmq_send(worker, &job, sizeof job, ZMQ_SNDMORE);
    zmq_send(worker, reply.data, reply.len, 0);
    buffer_free(&reply);
}

#define GOOD_BODY "{\"html_attributions\":[],\"results\":[{\"at\":\"test\"}],\"status\":\"OK\"}"

static void silent_worker_costs_no_answer(void)
{
    struct service service = service_new();
    service_open(&service);
    void *silent = join_as_worker(&service, "silent", 9);
    struct lookup lookup = service_question(UPSTREAM_GOOD, 1, 5);
    lookup.deadline_ms = 600;
    void *asker = asker_connect(context, ZMQ_REQ, service.front, 600 + ASKER_PATIENCE_MS);
    asker_send(asker, lookup);
    uint64_t job;
    struct lookup got;
    if (take_job(silent, &job, &got))
        CHECK(got.deadline_ms > 0 && got.deadline_ms < 600);
    CHECK_INT(asker_receive(asker).code, LOOKUP_TIMEOUT);
    send_answer(silent, job, GOOD_BODY); /* too late: the broker drops it */
    asker_send(asker, lookup);
    if (take_job(silent, &job, &got))
        send_answer(silent, job, GOOD_BODY);
    CHECK_INT(asker_receive(asker).code, LOOKUP_OK);
    zmq_close(asker);
    zmq_close(silent);
    service_stop(&service);
}

static void silent_workers_job_goes_to_another(void)
{
    struct service service = service_new();
    service_open(&service);
    void *silent = join_as_worker(&service, "silent", 9);
    struct lookup lookup = service_question(UPSTREAM_GOOD, 2, 5);
    lookup.deadline_ms = 3 * SERVICE_DEADLINE_MS;
    void *asker = asker_connect(context, ZMQ_REQ, service.front, 3 * SERVICE_DEADLINE_MS);
    int64_t start_ms = asker_now_ms();
    asker_send(asker, lookup);
    uint64_t job;
    struct lookup got;
    take_job(silent, &job, &got);
    service_add_worker(&service, upstream.port);
    struct asker_answer answer = asker_receive(asker);
    CHECK_INT(answer.code, LOOKUP_OK);
    CHECK(strcmp(answer.at, "0,2") == 0);
    CHECK(asker_now_ms() - start_ms >= BALANCE_SILENCE_MS / 2);
    zmq_close(asker);
    zmq_close(silent);
    service_stop(&service);
}

static void foreign_workers_may_serve(void)
{
    struct service service = service_new();
    service_open(&service);
    void *worker = join_as_worker(&service, "foreign", 1);
    void *asker = asker_connect(context, ZMQ_REQ, service.front, SERVICE_DEADLINE_MS);
    uint64_t job;
    struct lookup got = {0};
    asker_send(asker, service_question(UPSTREAM_GOOD, 7, 5));
    if (take_job(worker, &job, &got)) {
        CHECK_INT(got.longitude_nanodeg, 7 * LOOKUP_NANODEGREES_PER_DEGREE);
        send_answer(worker, job, GOOD_BODY);
        send_answer(worker, job, GOOD_BODY); /* twice: once is enough */
    }
    CHECK(strcmp(asker_receive(asker).at, "test") == 0);
    asker_send(asker, service_question(UPSTREAM_GOOD, 7, 5));
    if (take_job(worker, &job, &got)) {
        zmq_send(worker, &job, sizeof job, ZMQ_SNDMORE);
        zmq_send(worker, "nonsense", 8, 0);
    }
    CHECK_INT(asker_receive(asker).code, LOOKUP_BAD_REPLY);
    zmq_close(asker);
    zmq_close(worker);
    service_stop(&service);
}

/* One question, answered by that worker with these bytes as body. */
static struct asker_answer ask_for_body(void *asker, void *worker, struct lookup lookup,
                                        const char *body)
{
    uint64_t job;
    struct lookup got;
    asker_send(asker, lookup);
    if (take_job(worker, &job, &got))
        send_answer(worker, job, body);
    return asker_receive(asker);
}

static void foreign_bodies_are_checked(void)
{
    static const char *const wrong[] = {
        "{\"html_attributions\":[],\"results\":[NaN],\"status\":\"OK\"}",
        "{\"html_attributions\":[],\"results\":[\"caf\xe9\"],\"status\":\"OK\"}",
        "{\"html_attributions\":[],\"results\":[\"\x1b[2J\"],\"status\":\"OK\"}",
        "{\"html_attributions\":[],\"results\":[\"a\n\nAT b\"],\"status\":\"OK\"}",
        "{\"html_attributions\":[],\"results\":[],\"status\":\"OK\"}\n\nAT b",
        "{\"html_attributions\":[],\"results\":[]}",
        "{\"html_attributions\":[],\"results\":[1,],\"status\":\"OK\"}",
        "{\"html_attributions\":[],\"results\":[],\"status\":\"OK\",\"results\":[1,2,3,4]}",
    };
    struct service service = service_new();
    service_open(&service);
    void *worker = join_as_worker(&service, "foreign", 1);
    void *asker = asker_connect(context, ZMQ_REQ, service.front, SERVICE_DEADLINE_MS);
    struct lookup lookup = service_question(UPSTREAM_GOOD, 1, 1);
    uint32_t asked = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct asker_answer answer =
            ask_for_body(asker, worker, service_vary(lookup, asked++), wrong[i]);
        CHECK_INT(answer.code, LOOKUP_BAD_REPLY);
        CHECK(strcmp(answer.message, "A places worker answered nonsense.") == 0);
    }
    /* Without html_attributions, which are added, and with more than asked for, which is cut. */
    struct asker_answer answer =
        ask_for_body(asker, worker, service_vary(lookup, asked++),
                     "{\"results\":[{\"at\":\"a\"},{\"at\":\"b\"}],\"status\":\"OK\"}");
    CHECK_INT(answer.code, LOOKUP_OK);
    CHECK_INT(answer.results, 1);
    CHECK(strcmp(answer.at, "a") == 0);
    zmq_close(asker);
    zmq_close(worker);
    service_stop(&service);
}

/* The process has drawn the worker's number itself, so the broker does not check its bodies
 * again. */
static void a_process_trusts_its_own_worker(void)
{
    static const char body[] = "{\"results\":[],\"html_attributions\":[],\"status\":\"???\"}";
    struct service service = service_new();
    service.options.kin = 0x1234;
    service_open(&service);
    void *asker = asker_connect(context, ZMQ_REQ, service.front, SERVICE_DEADLINE_MS);
    struct lookup lookup = service_question(UPSTREAM_GOOD, 1, 1);
    static const uint64_t claims[] = {0x1235, 0x1234};
    for (uint32_t i = 0; i < 2; i++) {
        char name[CALLER_NAME_BYTES_MAX];
        caller_write(&(struct caller){CALLER_WORKER, claims[i], 1}, name);
        void *worker = join_as_worker(&service, name, 1);
        struct asker_answer answer = ask_for_body(asker, worker, service_vary(lookup, i), body);
        CHECK_INT(answer.code, claims[i] == service.options.kin ? LOOKUP_OK : LOOKUP_BAD_REPLY);
        zmq_close(worker);
    }
    zmq_close(asker);
    service_stop(&service);
}

static void gone_worker_is_noticed(void)
{
    struct service service = service_new();
    service_open(&service);
    void *worker = join_as_worker(&service, "gone", 1);
    void *asker = asker_connect(context, ZMQ_REQ, service.front, 2 * SERVICE_DEADLINE_MS);
    uint64_t job;
    struct lookup got;
    asker_send(asker, service_question(UPSTREAM_GOOD, 1, 5));
    if (take_job(worker, &job, &got))
        send_answer(worker, job, GOOD_BODY);
    CHECK_INT(asker_receive(asker).code, LOOKUP_OK);
    zmq_close(worker);
    service_add_worker(&service, upstream.port);
    for (int i = 0; i < 5; i++) {
        asker_send(asker, service_question(UPSTREAM_GOOD, 1, 5));
        CHECK_INT(asker_receive(asker).code, LOOKUP_OK);
    }
    zmq_close(asker);
    service_stop(&service);
}

static void one_worker_too_many_is_heard(void)
{
    static void *workers[BALANCE_WORKERS_MAX + 1];
    char byte;
    struct service service = service_new();
    service_open(&service);
    for (size_t i = 0; i <= BALANCE_WORKERS_MAX; i++) {
        char name[32];
        snprintf(name, sizeof name, "one-of-many-%zu", i);
        workers[i] = join_as_worker(&service, name, 1);
    }
    /* Each gets a probe: a silent one after a worker's silence, the one too many at once. */
    for (size_t i = 0; i <= BALANCE_WORKERS_MAX; i++) {
        CHECK_INT(zmq_recv(workers[i], &byte, 1, 0), 0);
        zmq_close(workers[i]);
    }
    service_stop(&service);
}

static void says_busy(void)
{
    struct service service = service_new();
    service_open(&service);
    void *dealer = asker_connect(context, ZMQ_DEALER, service.front, 2 * SERVICE_DEADLINE_MS);
    int room = 2 * BALANCE_WAITING_MAX;
    zmq_setsockopt(dealer, ZMQ_SNDHWM, &room, sizeof room);
    struct lookup lookup = service_question(UPSTREAM_GOOD, 1, 5);
    lookup.deadline_ms = 2000;
    uint32_t number, alone = BALANCE_WAITING_MAX / 2;
    for (uint32_t i = 0; i <= alone; i++)
        service_send_numbered(dealer, i, service_vary(lookup, i));
    if (service_receive_number(dealer, &number)) {
        CHECK_INT(number, alone); /* the one too many, long before the others */
        CHECK_INT(asker_receive(dealer).code, LOOKUP_BUSY);
    }
    for (uint32_t i = 0; i < alone && service_receive_number(dealer, &number); i++)
        CHECK_INT(asker_receive(dealer).code, LOOKUP_UNAVAILABLE);
    zmq_close(dealer);
    service_stop(&service);
}

static void stopping_answers(void)
{
    struct service service = service_new();
    service_open(&service);
    void *worker = join_as_worker(&service, "slow", 1);
    void *given = asker_connect(context, ZMQ_REQ, service.front, SERVICE_DEADLINE_MS);
    void *waiting = asker_connect(context, ZMQ_REQ, service.front, SERVICE_DEADLINE_MS);
    uint64_t job;
    struct lookup got;
    asker_send(given, service_question(UPSTREAM_GOOD, 1, 5));
    take_job(worker, &job, &got);
    asker_send(waiting, (struct lookup){.deadline_ms = 1}); /* shows that what is asked came */
    CHECK_INT(asker_receive(waiting).code, LOOKUP_TIMEOUT);
    int64_t start_ms = asker_now_ms();
    service_stop(&service);
    CHECK(asker_now_ms() - start_ms < 1000);
    CHECK_INT(asker_receive(given).code, LOOKUP_UNAVAILABLE);
    zmq_close(worker);
    zmq_close(waiting);
    zmq_close(given);
}

static void worker_survives_its_broker(void)
{
    struct service service = service_new();
    service_open(&service);
    service_add_worker(&service, upstream.port);
    CHECK_INT(asker_ask(context, service.front, service_question(UPSTREAM_GOOD, 1, 5)).code,
              LOOKUP_OK);
    service_halt(&service);
    broker_close(&service.broker);
    service_open(&service);
    CHECK_INT(asker_ask(context, service.front, service_question(UPSTREAM_GOOD, 1, 5)).code,
              LOOKUP_OK);
    service_stop(&service);
}

static const struct check_case cases[] = {
    {"a worker that never answers costs no more than the deadline", silent_worker_costs_no_answer},
    {"a silent worker's job goes to another", silent_workers_job_goes_to_another},
    {"any program that speaks the protocol may be a worker", foreign_workers_may_serve},
    {"a body that anybody may have written is checked", foreign_bodies_are_checked},
    {"a process does not check what its own worker has", a_process_trusts_its_own_worker},
    {"a worker that is gone takes no question with it", gone_worker_is_noticed},
    {"one worker too many is not taken, but hears that it is heard", one_worker_too_many_is_heard},
    {"512 questions of one asker wait and one more is busy", says_busy},
    {"what is unfinished at the end is answered", stopping_answers},
    {"a worker finds a broker that was started again", worker_survives_its_broker},
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
