/* The places service as its askers see it: a real broker and a real worker on loopback, between
 * plain ZeroMQ sockets and a provider that behaves as badly as it is told to. */
#include "placesd/broker.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include <czmq.h>

#include "placesd/balance.h"
#include "placesd/worker.h"
#include "tests/bus/asker.h"
#include "tests/bus/upstream.h"

#define DEADLINE_MS 4000

static void *context;
static struct upstream upstream;

/* One places service. */
struct service {
    struct broker *broker;
    struct worker *worker;
    pthread_t thread;
    int stop;
    char front[64], back[64], url[128];
};

static void *run_broker(void *user)
{
    struct service *service = user;
    broker_run(service->broker, service->stop);
    return NULL;
}

static void open_broker(struct service *service)
{
    char error[BROKER_ERROR_BYTES_MAX] = "";
    service->stop = eventfd(0, EFD_CLOEXEC);
    /* A port is free again only a moment after its socket was closed. */
    int64_t give_up_ms = asker_now_ms() + DEADLINE_MS;
    do
        service->broker = broker_open(service->front, service->back, error);
    while (service->broker == NULL && asker_now_ms() < give_up_ms && poll(NULL, 0, 10) == 0);
    if (service->broker == NULL) {
        printf("%s\n", error);
        exit(2);
    }
    pthread_create(&service->thread, NULL, run_broker, service);
}

/* Tells the broker to stop and waits until it has; its sockets stay open. */
static void halt_broker(struct service *service)
{
    uint64_t one = 1;
    CHECK(write(service->stop, &one, sizeof one) == (ssize_t)sizeof one);
    pthread_join(service->thread, NULL);
    close(service->stop);
}

static struct service start_broker(void)
{
    struct service service = {0};
    snprintf(service.front, sizeof service.front, "tcp://127.0.0.1:%u", asker_free_port());
    snprintf(service.back, sizeof service.back, "tcp://127.0.0.1:%u", asker_free_port());
    return service;
}

static void add_worker(struct service *service, uint16_t port)
{
    snprintf(service->url, sizeof service->url, "http://127.0.0.1:%u" UPSTREAM_PATH, port);
    char error[WORKER_ERROR_BYTES_MAX] = "";
    struct worker_options options = {
        .broker = service->back,
        .provider = &provider_google,
        .url = span_of(service->url),
        .key = span_of(ASKER_CANARY),
    };
    service->worker = worker_start(&options, error);
    if (service->worker == NULL) {
        printf("%s\n", error);
        exit(2);
    }
}

static void stop(struct service *service)
{
    halt_broker(service);
    worker_stop(&service->worker);
    broker_close(&service->broker);
}

static struct lookup question(enum upstream_mood mood, int results, uint32_t bound)
{
    return (struct lookup){
        .latitude_nanodeg = (int64_t)mood * LOOKUP_NANODEGREES_PER_DEGREE,
        .longitude_nanodeg = results * LOOKUP_NANODEGREES_PER_DEGREE,
        .radius_m = 10000,
        .bound = bound,
        .deadline_ms = DEADLINE_MS,
    };
}

/* Most tests ask this service, which serves all the time. */
static struct service common;

static struct asker_answer ask(enum upstream_mood mood, int results, uint32_t bound)
{
    return asker_ask(context, common.front, question(mood, results, bound));
}

static void expect_failure(enum upstream_mood mood, enum lookup_code code, const char *status)
{
    struct asker_answer answer = ask(mood, 3, 20);
    CHECK_INT(answer.code, code);
    CHECK_INT(answer.results, 0);
    CHECK(strcmp(answer.status, status) == 0);
}

static void answers_req(void)
{
    struct asker_answer answer = ask(UPSTREAM_GOOD, 3, 20);
    CHECK_INT(answer.code, LOOKUP_OK);
    CHECK_INT(answer.results, 3);
    CHECK(strcmp(answer.status, "OK") == 0);
    CHECK(strcmp(answer.at, "0,3") == 0);
    answer = ask(UPSTREAM_GOOD, 0, 20);
    CHECK_INT(answer.code, LOOKUP_OK);
    CHECK_INT(answer.results, 0);
    CHECK(strcmp(answer.status, "ZERO_RESULTS") == 0);
}

static void cuts_to_bound(void)
{
    CHECK_INT(ask(UPSTREAM_GOOD, 30, 20).results, 20);
    CHECK_INT(ask(UPSTREAM_GOOD, 30, 1).results, 1);
    CHECK_INT(ask(UPSTREAM_GOOD, 30, 0).results, 0);
}

static void tells_refusals(void)
{
    expect_failure(UPSTREAM_DENIED, LOOKUP_REFUSED, "REQUEST_DENIED");
    expect_failure(UPSTREAM_FORBIDDEN, LOOKUP_REFUSED, "REQUEST_DENIED");
}

static void tells_failures(void)
{
    expect_failure(UPSTREAM_BROKEN, LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR");
    expect_failure(UPSTREAM_CUT, LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR");
}

static void tells_nonsense(void)
{
    expect_failure(UPSTREAM_GARBAGE, LOOKUP_NONSENSE, "UNKNOWN_ERROR");
    expect_failure(UPSTREAM_ECHOING, LOOKUP_NONSENSE, "UNKNOWN_ERROR");
}

static void refuses_too_much(void)
{
    expect_failure(UPSTREAM_LONG, LOOKUP_NONSENSE, "UNKNOWN_ERROR");
    expect_failure(UPSTREAM_FLOOD, LOOKUP_NONSENSE, "UNKNOWN_ERROR");
    expect_failure(UPSTREAM_BOMB, LOOKUP_NONSENSE, "UNKNOWN_ERROR");
    expect_failure(UPSTREAM_HEADED, LOOKUP_NONSENSE, "UNKNOWN_ERROR");
}

static void follows_nobody(void)
{
    expect_failure(UPSTREAM_MOVED, LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR");
    CHECK_INT(atomic_load(&upstream.followed), 0);
}

static void holds_deadlines(void)
{
    static const enum upstream_mood moods[] = {UPSTREAM_SILENT, UPSTREAM_DRIPPING};
    for (size_t i = 0; i < 2; i++) {
        struct lookup lookup = question(moods[i], 3, 20);
        lookup.deadline_ms = 500;
        struct asker_answer answer = asker_ask(context, common.front, lookup);
        CHECK_INT(answer.code, LOOKUP_LATE);
        CHECK_INT(answer.results, 0);
    }
}

static void says_unreachable(void)
{
    struct service service = start_broker();
    open_broker(&service);
    add_worker(&service, asker_free_port());
    int64_t start_ms = asker_now_ms();
    CHECK_INT(asker_ask(context, service.front, question(UPSTREAM_GOOD, 3, 20)).code,
              LOOKUP_UNAVAILABLE);
    CHECK(asker_now_ms() - start_ms < DEADLINE_MS / 2);
    stop(&service);
}

static void reuses_connections(void)
{
    unsigned before = atomic_load(&upstream.connections);
    for (int i = 0; i < 20; i++)
        CHECK_INT(ask(UPSTREAM_GOOD, 1, 20).code, LOOKUP_OK);
    CHECK_INT(atomic_load(&upstream.connections) - before, 1);
}

static void serves_hundred_at_once(void)
{
    enum { ASKERS = 100 };
    void *sockets[ASKERS];
    for (int i = 0; i < ASKERS; i++) {
        sockets[i] = asker_connect(context, ZMQ_REQ, common.front, DEADLINE_MS + ASKER_PATIENCE_MS);
        asker_send(sockets[i], question(i % 2 == 0 ? UPSTREAM_GOOD : UPSTREAM_PLODDING, i + 1, 5));
    }
    for (int i = 0; i < ASKERS; i++) {
        struct asker_answer answer = asker_receive(sockets[i]);
        char at[32];
        snprintf(at, sizeof at, "%d,%d", i % 2, i + 1);
        CHECK_INT(answer.code, LOOKUP_OK);
        CHECK(strcmp(answer.at, at) == 0);
        zmq_close(sockets[i]);
    }
}

/* A DEALER that speaks REQ's envelope, as gateways do: [number][empty][question]. */
static void send_numbered(void *dealer, uint32_t number, struct lookup lookup)
{
    zmq_send(dealer, &number, sizeof number, ZMQ_SNDMORE);
    zmq_send(dealer, "", 0, ZMQ_SNDMORE);
    asker_send(dealer, lookup);
}

static bool receive_number(void *dealer, uint32_t *number)
{
    char empty[1];
    bool good = zmq_recv(dealer, number, sizeof *number, 0) == (int)sizeof *number &&
                zmq_recv(dealer, empty, 0, 0) == 0;
    CHECK(good);
    return good;
}

static void answers_each_once(void)
{
    enum { QUESTIONS = 300 };
    bool answered[QUESTIONS + 1] = {false};
    void *dealer = asker_connect(context, ZMQ_DEALER, common.front, 2 * DEADLINE_MS);
    for (uint32_t i = 0; i < QUESTIONS; i++)
        send_numbered(dealer, i, question(i % 3 == 0 ? UPSTREAM_PLODDING : UPSTREAM_GOOD, 1, 5));
    for (uint32_t i = 0; i <= QUESTIONS; i++) {
        uint32_t number = 0;
        if (i == QUESTIONS) /* one more question: nothing may come in front of its answer */
            send_numbered(dealer, QUESTIONS, question(UPSTREAM_GOOD, 1, 5));
        if (!receive_number(dealer, &number) || number > QUESTIONS)
            break;
        CHECK(!answered[number]);
        answered[number] = true;
        CHECK_INT(asker_receive(dealer).code, LOOKUP_OK);
    }
    for (uint32_t i = 0; i <= QUESTIONS; i++)
        CHECK(answered[i]);
    zmq_close(dealer);
}

static void answers_invalid(void)
{
    static const char *const questions[] = {"", "x", "WHATSAT kiwi 10 5", "zp\x01\x95"};
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        void *socket = asker_connect(context, ZMQ_REQ, common.front, DEADLINE_MS);
        zmq_send(socket, questions[i], strlen(questions[i]), 0);
        struct asker_answer answer = asker_receive(socket);
        CHECK_INT(answer.code, LOOKUP_INVALID);
        CHECK(strcmp(answer.status, "INVALID_REQUEST") == 0);
        zmq_close(socket);
    }
    char request[4096] = {0};
    size_t bytes = lookup_write_request(&(struct lookup){.deadline_ms = 1}, request);
    void *socket = asker_connect(context, ZMQ_REQ, common.front, DEADLINE_MS);
    zmq_send(socket, request, bytes, ZMQ_SNDMORE); /* two questions in one */
    zmq_send(socket, request, bytes, 0);
    CHECK_INT(asker_receive(socket).code, LOOKUP_INVALID);
    zmq_send(socket, request, sizeof request, 0);
    CHECK_INT(asker_receive(socket).code, LOOKUP_INVALID);
    zmq_close(socket);
}

static void survives_strangers(void)
{
    void *dealer = asker_connect(context, ZMQ_DEALER, common.front, DEADLINE_MS);
    static char much[5000];
    zmq_send(dealer, "no envelope", 11, 0);
    for (int i = 0; i < 40; i++)
        zmq_send(dealer, "frame", 5, ZMQ_SNDMORE);
    zmq_send(dealer, "", 0, 0);
    send_numbered(dealer, 1, question(UPSTREAM_GOOD, 1, 5));
    uint32_t number = 0;
    CHECK(receive_number(dealer, &number) && number == 1);
    CHECK_INT(asker_receive(dealer).code, LOOKUP_OK);
    zmq_send(dealer, much, sizeof much, 0); /* past the limit: costs this connection */
    void *worker = asker_connect(context, ZMQ_DEALER, common.back, DEADLINE_MS);
    zmq_send(worker, "what?", 5, 0);
    zmq_send(worker, "12345678", 8, ZMQ_SNDMORE);
    zmq_send(worker, "an answer nobody asked for", 26, 0);
    zmq_send(worker, "1", 1, ZMQ_SNDMORE);
    zmq_send(worker, "2", 1, ZMQ_SNDMORE);
    zmq_send(worker, "3", 1, 0);
    CHECK_INT(ask(UPSTREAM_GOOD, 3, 20).code, LOOKUP_OK);
    zmq_close(worker);
    zmq_close(dealer);
}

/* ---- workers of the test's own ---- */

static void *join_as_worker(const struct service *service, const char *name, uint32_t credits)
{
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int linger = 0, patience_ms = DEADLINE_MS;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    zmq_setsockopt(socket, ZMQ_ROUTING_ID, name, strlen(name));
    zmq_connect(socket, service->back);
    char ready[LOOKUP_READY_BYTES_MAX];
    size_t bytes = lookup_write_ready(credits, ready);
    zmq_send(socket, ready, bytes, 0);
    return socket;
}

/* Receives one job: its number and what is asked. */
static bool take_job(void *worker, uint64_t *job, struct lookup *lookup)
{
    char request[LOOKUP_REQUEST_BYTES_MAX];
    bool came = zmq_recv(worker, job, sizeof *job, 0) == (int)sizeof *job;
    int bytes = came ? zmq_recv(worker, request, sizeof request, 0) : -1;
    came = bytes > 0 && lookup_read_request((struct span){request, (size_t)bytes}, lookup);
    CHECK(came);
    return came;
}

static void send_answer(void *worker, uint64_t job, const char *body)
{
    struct buffer reply = {0};
    lookup_write_reply(&(struct lookup_reply){LOOKUP_OK, span_of(body)}, &reply);
    zmq_send(worker, &job, sizeof job, ZMQ_SNDMORE);
    zmq_send(worker, reply.at, reply.bytes, 0);
    buffer_free(&reply);
}

#define GOOD_BODY "{\"html_attributions\":[],\"results\":[{\"at\":\"test\"}],\"status\":\"OK\"}"

static void silent_worker_costs_no_answer(void)
{
    struct service service = start_broker();
    open_broker(&service);
    void *silent = join_as_worker(&service, "silent", 9);
    struct lookup lookup = question(UPSTREAM_GOOD, 1, 5);
    lookup.deadline_ms = 600;
    void *asker = asker_connect(context, ZMQ_REQ, service.front, 600 + ASKER_PATIENCE_MS);
    asker_send(asker, lookup);
    uint64_t job;
    struct lookup got;
    if (take_job(silent, &job, &got))
        CHECK(got.deadline_ms > 0 && got.deadline_ms < 600);
    CHECK_INT(asker_receive(asker).code, LOOKUP_LATE);
    send_answer(silent, job, GOOD_BODY); /* too late: nobody gets it */
    asker_send(asker, lookup);
    if (take_job(silent, &job, &got))
        send_answer(silent, job, GOOD_BODY);
    CHECK_INT(asker_receive(asker).code, LOOKUP_OK);
    zmq_close(asker);
    zmq_close(silent);
    stop(&service);
}

static void silent_workers_job_goes_to_another(void)
{
    struct service service = start_broker();
    open_broker(&service);
    void *silent = join_as_worker(&service, "silent", 9);
    struct lookup lookup = question(UPSTREAM_GOOD, 2, 5);
    lookup.deadline_ms = 3 * DEADLINE_MS;
    void *asker = asker_connect(context, ZMQ_REQ, service.front, 3 * DEADLINE_MS);
    int64_t start_ms = asker_now_ms();
    asker_send(asker, lookup);
    uint64_t job;
    struct lookup got;
    take_job(silent, &job, &got);
    add_worker(&service, upstream.port);
    struct asker_answer answer = asker_receive(asker);
    CHECK_INT(answer.code, LOOKUP_OK);
    CHECK(strcmp(answer.at, "0,2") == 0);
    CHECK(asker_now_ms() - start_ms >= BALANCE_SILENCE_MS / 2);
    zmq_close(asker);
    zmq_close(silent);
    stop(&service);
}

static void foreign_workers_may_serve(void)
{
    struct service service = start_broker();
    open_broker(&service);
    void *worker = join_as_worker(&service, "foreign", 1);
    void *asker = asker_connect(context, ZMQ_REQ, service.front, DEADLINE_MS);
    uint64_t job;
    struct lookup got = {0};
    asker_send(asker, question(UPSTREAM_GOOD, 7, 5));
    if (take_job(worker, &job, &got)) {
        CHECK_INT(got.longitude_nanodeg, 7 * LOOKUP_NANODEGREES_PER_DEGREE);
        send_answer(worker, job, GOOD_BODY);
        send_answer(worker, job, GOOD_BODY); /* twice: once is enough */
    }
    CHECK(strcmp(asker_receive(asker).at, "test") == 0);
    asker_send(asker, question(UPSTREAM_GOOD, 7, 5));
    if (take_job(worker, &job, &got)) {
        zmq_send(worker, &job, sizeof job, ZMQ_SNDMORE);
        zmq_send(worker, "nonsense", 8, 0);
    }
    CHECK_INT(asker_receive(asker).code, LOOKUP_NONSENSE);
    zmq_close(asker);
    zmq_close(worker);
    stop(&service);
}

static void gone_worker_is_noticed(void)
{
    struct service service = start_broker();
    open_broker(&service);
    void *worker = join_as_worker(&service, "gone", 1);
    void *asker = asker_connect(context, ZMQ_REQ, service.front, 2 * DEADLINE_MS);
    uint64_t job;
    struct lookup got;
    asker_send(asker, question(UPSTREAM_GOOD, 1, 5));
    if (take_job(worker, &job, &got))
        send_answer(worker, job, GOOD_BODY);
    CHECK_INT(asker_receive(asker).code, LOOKUP_OK);
    zmq_close(worker);
    add_worker(&service, upstream.port);
    for (int i = 0; i < 5; i++) {
        asker_send(asker, question(UPSTREAM_GOOD, 1, 5));
        CHECK_INT(asker_receive(asker).code, LOOKUP_OK);
    }
    zmq_close(asker);
    stop(&service);
}

static void says_busy(void)
{
    struct service service = start_broker();
    open_broker(&service);
    void *dealer = asker_connect(context, ZMQ_DEALER, service.front, 2 * DEADLINE_MS);
    int room = 2 * BALANCE_WAITING_MAX;
    zmq_setsockopt(dealer, ZMQ_SNDHWM, &room, sizeof room);
    struct lookup lookup = question(UPSTREAM_GOOD, 1, 5);
    lookup.deadline_ms = 2000;
    uint32_t number;
    for (uint32_t i = 0; i <= BALANCE_WAITING_MAX; i++)
        send_numbered(dealer, i, lookup);
    if (receive_number(dealer, &number)) {
        CHECK_INT(number, BALANCE_WAITING_MAX); /* the one too many, long before the others */
        CHECK_INT(asker_receive(dealer).code, LOOKUP_BUSY);
    }
    for (uint32_t i = 0; i < BALANCE_WAITING_MAX && receive_number(dealer, &number); i++)
        CHECK_INT(asker_receive(dealer).code, LOOKUP_UNAVAILABLE);
    zmq_close(dealer);
    stop(&service);
}

static void stopping_answers(void)
{
    struct service service = start_broker();
    open_broker(&service);
    void *worker = join_as_worker(&service, "slow", 1);
    void *given = asker_connect(context, ZMQ_REQ, service.front, DEADLINE_MS);
    void *waiting = asker_connect(context, ZMQ_REQ, service.front, DEADLINE_MS);
    uint64_t job;
    struct lookup got;
    asker_send(given, question(UPSTREAM_GOOD, 1, 5));
    take_job(worker, &job, &got);
    asker_send(waiting, (struct lookup){.deadline_ms = 1}); /* shows that what is asked came */
    CHECK_INT(asker_receive(waiting).code, LOOKUP_LATE);
    int64_t start_ms = asker_now_ms();
    stop(&service);
    CHECK(asker_now_ms() - start_ms < 1000);
    CHECK_INT(asker_receive(given).code, LOOKUP_UNAVAILABLE);
    zmq_close(worker);
    zmq_close(waiting);
    zmq_close(given);
}

static void worker_survives_its_broker(void)
{
    struct service service = start_broker();
    open_broker(&service);
    add_worker(&service, upstream.port);
    CHECK_INT(asker_ask(context, service.front, question(UPSTREAM_GOOD, 1, 5)).code, LOOKUP_OK);
    halt_broker(&service);
    broker_close(&service.broker);
    open_broker(&service);
    CHECK_INT(asker_ask(context, service.front, question(UPSTREAM_GOOD, 1, 5)).code, LOOKUP_OK);
    stop(&service);
}

static void names_taken_ports(void)
{
    char error[BROKER_ERROR_BYTES_MAX] = "";
    struct service other = start_broker();
    CHECK(broker_open(common.front, other.back, error) == NULL);
    CHECK(strstr(error, common.front) != NULL && strstr(error, "in use") != NULL);
    CHECK(broker_open(other.front, common.back, error) == NULL);
    CHECK(strstr(error, common.back) != NULL && strstr(error, "in use") != NULL);
    CHECK(broker_open("tcp://nonsense", other.back, error) == NULL);
    CHECK(strstr(error, "tcp://nonsense") != NULL);
}

/* Everything this program logged, as it went to standard error. */
static int log_file = -1;

static void log_holds_no_key(void)
{
    stop(&common);
    static char log[1024 * 1024];
    ssize_t bytes = pread(log_file, log, sizeof log, 0);
    CHECK(bytes > 0);
    CHECK(memmem(log, (size_t)bytes, "provider google at http://", 26) != NULL);
    CHECK(memmem(log, (size_t)bytes, "joined", 6) != NULL);
    CHECK(memmem(log, (size_t)bytes, "left", 4) != NULL);
    CHECK(memmem(log, (size_t)bytes, ASKER_CANARY, strlen(ASKER_CANARY)) == NULL);
    CHECK(memmem(log, (size_t)bytes, "location=", 9) == NULL);
}

static const struct check_case cases[] = {
    {"a plain REQ socket asks and is answered", answers_req},
    {"results are cut to the bound", cuts_to_bound},
    {"a provider that refuses is a refusal", tells_refusals},
    {"a provider out of order or cut off is a failure", tells_failures},
    {"a body that is no answer is nonsense, also one that holds the key", tells_nonsense},
    {"too long, endless, packed or behind too many headers: refused", refuses_too_much},
    {"a redirect is not followed", follows_nobody},
    {"a silent and a dripping provider cost no more than the deadline", holds_deadlines},
    {"a provider that is not there is told at once", says_unreachable},
    {"one connection serves one question after the other", reuses_connections},
    {"a hundred REQ sockets at once get their own answers", serves_hundred_at_once},
    {"each of 300 questions of one DEALER is answered exactly once", answers_each_once},
    {"what is no look-up is answered as invalid", answers_invalid},
    {"strangers at both doors disturb nobody", survives_strangers},
    {"a worker that never answers costs no more than the deadline", silent_worker_costs_no_answer},
    {"a silent worker's job goes to another", silent_workers_job_goes_to_another},
    {"any program that speaks the protocol may be a worker", foreign_workers_may_serve},
    {"a worker that is gone takes no question with it", gone_worker_is_noticed},
    {"1024 questions wait and one more is busy", says_busy},
    {"what is unfinished at the end is answered", stopping_answers},
    {"a worker finds a broker that was started again", worker_survives_its_broker},
    {"a taken or wrong endpoint is named", names_taken_ports},
    {"the log names the provider and never the key", log_holds_no_key},
};

int main(void)
{
    zsys_handler_set(NULL);
    context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 4096);
    char name[] = "/tmp/zherd-places-XXXXXX";
    log_file = mkstemp(name);
    unlink(name);
    dup2(log_file, STDERR_FILENO);
    upstream_start(&upstream);
    common = start_broker();
    open_broker(&common);
    add_worker(&common, upstream.port);
    int status = check_run(cases, sizeof cases / sizeof *cases);
    upstream_stop(&upstream);
    zmq_ctx_destroy(context);
    return status;
}
