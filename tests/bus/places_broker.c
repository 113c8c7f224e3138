/* The places service as its askers see it: a real broker and a real worker on loopback, between
 * plain ZeroMQ sockets and a provider that misbehaves as each question asks. */
#include <czmq.h>

#include "tests/bus/service.h"
#include "tests/bus/zmtp2.h"
#include "tests/unit/floats.h"

static void *context;
static struct upstream upstream;

/* Most tests ask this service, which serves all the time. */
static struct service common;

/* A new broker, which remembers no failures of its provider. */
static void renew(void)
{
    service_stop(&common);
    service_open(&common);
    service_add_worker(&common, upstream.port);
}

static struct asker_answer ask(enum upstream_mood mood, int results, uint32_t bound)
{
    return asker_ask(context, common.front, service_question(mood, results, bound));
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
    renew();
    expect_failure(UPSTREAM_DENIED, LOOKUP_REFUSED, "REQUEST_DENIED");
    expect_failure(UPSTREAM_FORBIDDEN, LOOKUP_REFUSED, "REQUEST_DENIED");
}

static void tells_failures(void)
{
    renew();
    expect_failure(UPSTREAM_BROKEN, LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR");
    expect_failure(UPSTREAM_CUT, LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR");
}

static void tells_nonsense(void)
{
    renew();
    expect_failure(UPSTREAM_GARBAGE, LOOKUP_BAD_REPLY, "UNKNOWN_ERROR");
    expect_failure(UPSTREAM_ECHOING, LOOKUP_BAD_REPLY, "UNKNOWN_ERROR");
}

static void refuses_too_much(void)
{
    renew();
    expect_failure(UPSTREAM_LONG, LOOKUP_BAD_REPLY, "UNKNOWN_ERROR");
    expect_failure(UPSTREAM_FLOOD, LOOKUP_BAD_REPLY, "UNKNOWN_ERROR");
    CHECK(atomic_load(&upstream.flooded) < UINT64_C(16) * LOOKUP_BODY_BYTES_MAX);
    expect_failure(UPSTREAM_BOMB, LOOKUP_BAD_REPLY, "UNKNOWN_ERROR");
    expect_failure(UPSTREAM_HEADED, LOOKUP_BAD_REPLY, "UNKNOWN_ERROR");
}

static void follows_nobody(void)
{
    renew();
    expect_failure(UPSTREAM_MOVED, LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR");
    CHECK_INT(atomic_load(&upstream.followed), 0);
}

static void holds_deadlines(void)
{
    static const enum upstream_mood moods[] = {UPSTREAM_SILENT, UPSTREAM_DRIPPING};
    renew();
    for (size_t i = 0; i < 2; i++) {
        struct lookup lookup = service_question(moods[i], 3, 20);
        lookup.deadline_ms = 500;
        struct asker_answer answer = asker_ask(context, common.front, lookup);
        CHECK_INT(answer.code, LOOKUP_TIMEOUT);
        CHECK_INT(answer.results, 0);
    }
}

static void says_unreachable(void)
{
    struct service service = service_new();
    service_open(&service);
    service_add_worker(&service, asker_free_port());
    int64_t start_ms = asker_now_ms();
    CHECK_INT(asker_ask(context, service.front, service_question(UPSTREAM_GOOD, 3, 20)).code,
              LOOKUP_UNAVAILABLE);
    CHECK(asker_now_ms() - start_ms < SERVICE_DEADLINE_MS / 2);
    service_stop(&service);
}

static void reuses_connections(void)
{
    CHECK_INT(ask(UPSTREAM_GOOD, 1, 20).code, LOOKUP_OK);
    unsigned before = atomic_load(&upstream.connections);
    for (int i = 0; i < 20; i++)
        CHECK_INT(ask(UPSTREAM_GOOD, 1, 20).code, LOOKUP_OK);
    CHECK_INT(atomic_load(&upstream.connections) - before, 0);
}

static void serves_hundred_at_once(void)
{
    enum { ASKERS = 100 };
    void *sockets[ASKERS];
    for (int i = 0; i < ASKERS; i++) {
        sockets[i] =
            asker_connect(context, ZMQ_REQ, common.front, SERVICE_DEADLINE_MS + ASKER_PATIENCE_MS);
        asker_send(sockets[i],
                   service_question(i % 2 == 0 ? UPSTREAM_GOOD : UPSTREAM_PLODDING, i + 1, 5));
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

static void answers_each_once(void)
{
    enum { QUESTIONS = 300 };
    bool answered[QUESTIONS + 1] = {false};
    void *dealer = asker_connect(context, ZMQ_DEALER, common.front, 2 * SERVICE_DEADLINE_MS);
    for (uint32_t i = 0; i < QUESTIONS; i++)
        service_send_numbered(
            dealer, i,
            service_vary(service_question(i % 3 == 0 ? UPSTREAM_PLODDING : UPSTREAM_GOOD, 1, 5),
                         i));
    for (uint32_t i = 0; i <= QUESTIONS; i++) {
        uint32_t number = 0;
        if (i == QUESTIONS) /* one more question: nothing may come in front of its answer */
            service_send_numbered(dealer, QUESTIONS, service_question(UPSTREAM_GOOD, 1, 5));
        if (!service_receive_number(dealer, &number) || number > QUESTIONS)
            break;
        CHECK(!answered[number]);
        answered[number] = true;
        CHECK_INT(asker_receive(dealer).code, LOOKUP_OK);
    }
    for (uint32_t i = 0; i <= QUESTIONS; i++)
        CHECK(answered[i]);
    zmq_close(dealer);
}

/* A transfer that is over frees its slot, also if it never brought an answer. */
static void late_transfers_end(void)
{
    enum { QUESTIONS = 2 * WORKER_CREDITS };
    void *dealer = asker_connect(context, ZMQ_DEALER, common.front, SERVICE_DEADLINE_MS);
    struct lookup slow = service_question(UPSTREAM_SILENT, 1, 5);
    slow.deadline_ms = 600;
    uint32_t number;
    for (uint32_t i = 0; i < QUESTIONS; i++)
        service_send_numbered(dealer, i, service_vary(slow, i));
    for (uint32_t i = 0; i < QUESTIONS && service_receive_number(dealer, &number); i++)
        CHECK_INT(asker_receive(dealer).code, LOOKUP_TIMEOUT);
    zmq_close(dealer);
    /* A timeout that short does not count as a failure of the provider: the broker still asks
     * it. */
    CHECK_INT(ask(UPSTREAM_GOOD, 1, 5).code, LOOKUP_OK);
}

/* A worker that misses the arrival of a job while it sends an answer notices it only at its next
 * heartbeat: with two questions always in flight that soon adds up. */
static void keeps_flowing(void)
{
    enum { QUESTIONS = 2000, IN_FLIGHT = 2 };
    void *dealer = asker_connect(context, ZMQ_DEALER, common.front, 2 * SERVICE_DEADLINE_MS);
    uint32_t number;
    int64_t start_ms = asker_now_ms();
    for (uint32_t i = 0; i < QUESTIONS + IN_FLIGHT; i++) {
        if (i < QUESTIONS)
            service_send_numbered(dealer, i,
                                  service_vary(service_question(UPSTREAM_GOOD, 1, 5), i));
        if (i >= IN_FLIGHT && service_receive_number(dealer, &number))
            CHECK_INT(asker_receive(dealer).code, LOOKUP_OK);
    }
    CHECK(asker_now_ms() - start_ms < 4000);
    zmq_close(dealer);
}

#define NOT_A_LOOKUP "The question is not a look-up. "

static void answers_invalid(void)
{
    static const struct {
        const char *question, *reason;
    } rows[] = {
        {"", "It is empty."},
        {"x", "It begins with the bytes 78: 7a 70 01 (zp, version 1) are needed."},
        {"WHATSAT kiwi 10 5",
         "It begins with the bytes 57 48 41: 7a 70 01 (zp, version 1) are needed."},
        {"zp\x01\x95", "It is an object that is cut short: an array of 5 is needed."},
        {"zp\x01\x95\x01\x01\xcd\xea\x60\x05\x01", "radius_m is 60000: 0 to 50000 is allowed."},
        {"zp\x01\x95\x01\x01\xa4\x1b[2J\x05\x01",
         "radius_m is the text \"?[2J\": a whole number, 0 to 50000 is allowed."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        void *socket = asker_connect(context, ZMQ_REQ, common.front, SERVICE_DEADLINE_MS);
        zmq_send(socket, rows[i].question, strlen(rows[i].question), 0);
        struct asker_answer answer = asker_receive(socket);
        CHECK_INT(answer.code, LOOKUP_INVALID);
        CHECK(strcmp(answer.status, "INVALID_REQUEST") == 0);
        CHECK(strncmp(answer.message, NOT_A_LOOKUP, strlen(NOT_A_LOOKUP)) == 0);
        CHECK(strcmp(answer.message + strlen(NOT_A_LOOKUP), rows[i].reason) == 0);
        zmq_close(socket);
    }
    char request[4096] = {0};
    size_t bytes = lookup_write_request(&(struct lookup){.deadline_ms = 1}, request);
    void *socket = asker_connect(context, ZMQ_REQ, common.front, SERVICE_DEADLINE_MS);
    zmq_send(socket, request, bytes, ZMQ_SNDMORE); /* two questions in one */
    zmq_send(socket, request, bytes, 0);
    struct asker_answer answer = asker_receive(socket);
    CHECK_INT(answer.code, LOOKUP_INVALID);
    CHECK(strcmp(answer.message, NOT_A_LOOKUP "It has 2 frames: 1 is needed.") == 0);
    zmq_send(socket, request, sizeof request, 0);
    answer = asker_receive(socket);
    CHECK_INT(answer.code, LOOKUP_INVALID);
    CHECK(strcmp(answer.message, NOT_A_LOOKUP "It has 4096 bytes: 128 are allowed.") == 0);
    zmq_close(socket);
}

/* As languages whose only number is a double write it. */
static void takes_whole_floats(void)
{
    char request[LOOKUP_REQUEST_BYTES_MAX], floats[LOOKUP_REQUEST_BYTES_MAX];
    size_t converted;
    struct lookup lookup = service_question(UPSTREAM_GOOD, 3, 5);
    size_t bytes = lookup_write_request(&lookup, request);
    bytes = floats_of((struct span){request, bytes}, 3, floats, &converted);
    CHECK_INT(converted, 5);
    void *socket = asker_connect(context, ZMQ_REQ, common.front, SERVICE_DEADLINE_MS);
    zmq_send(socket, floats, bytes, 0);
    struct asker_answer answer = asker_receive(socket);
    CHECK_INT(answer.code, LOOKUP_OK);
    CHECK_INT(answer.results, 3);
    zmq_close(socket);
}

/* Without keys libraries of that age are served, too. */
static void serves_zmtp_2(void)
{
    struct asker_answer answer =
        zmtp2_ask(zmtp2_port(common.front), service_question(UPSTREAM_GOOD, 3, 2));
    CHECK(answer.came);
    CHECK_INT(answer.code, LOOKUP_OK);
    CHECK_INT(answer.results, 2);
}

/* Asks as through a chain of brokers: `frames` frames stand in front of the empty one. */
static void send_through(void *dealer, int frames)
{
    for (int i = 0; i < frames; i++)
        zmq_send(dealer, "frame", 5, ZMQ_SNDMORE);
    zmq_send(dealer, "", 0, ZMQ_SNDMORE);
    asker_send(dealer, service_question(UPSTREAM_GOOD, 1, 5));
}

static void holds_envelope_limit(void)
{
    char frame[8];
    void *dealer = asker_connect(context, ZMQ_DEALER, common.front, SERVICE_DEADLINE_MS);
    send_through(dealer, 15); /* dropped: nothing comes in front of the other's answer */
    send_through(dealer, 14);
    for (int i = 0; i < 14; i++)
        CHECK_INT(zmq_recv(dealer, frame, sizeof frame, 0), 5);
    CHECK_INT(zmq_recv(dealer, frame, sizeof frame, 0), 0);
    CHECK_INT(asker_receive(dealer).code, LOOKUP_OK);
    CHECK_INT(ask(UPSTREAM_GOOD, 1, 5).code, LOOKUP_OK);
    CHECK_INT(zmq_recv(dealer, frame, sizeof frame, ZMQ_DONTWAIT), -1);
    zmq_close(dealer);
}

static void returns_pings(void)
{
    char frame[8];
    int more = 1;
    size_t bytes = sizeof more;
    void *dealer = asker_connect(context, ZMQ_DEALER, common.front, SERVICE_DEADLINE_MS);
    CHECK_INT(zmq_send(dealer, "", 0, 0), 0);
    CHECK_INT(zmq_recv(dealer, frame, sizeof frame, 0), 0);
    zmq_getsockopt(dealer, ZMQ_RCVMORE, &more, &bytes);
    CHECK_INT(more, 0);
    zmq_close(dealer);
}

static void says_its_figures(void)
{
    char bytes[LOOKUP_FIGURES_BYTES_MAX];
    struct span question = LOOKUP_FIGURES_QUESTION;
    struct lookup_figures before, after;
    void *req = asker_connect(context, ZMQ_REQ, common.front, SERVICE_DEADLINE_MS);
    CHECK_INT(zmq_send(req, question.data, question.len, 0), (int)question.len);
    int count = zmq_recv(req, bytes, sizeof bytes, 0);
    CHECK(count > 0 && lookup_read_figures((struct span){bytes, (size_t)count}, &before));
    CHECK_INT(ask(UPSTREAM_GOOD, 1, 5).code, LOOKUP_OK);
    CHECK_INT(zmq_send(req, question.data, question.len, 0), (int)question.len);
    count = zmq_recv(req, bytes, sizeof bytes, 0);
    CHECK(count > 0 && lookup_read_figures((struct span){bytes, (size_t)count}, &after));
    CHECK_INT(after.asked - before.asked, 1);
    CHECK_INT(after.workers, 1);
    CHECK(after.host_count == 1 && strcmp(after.hosts[0].address, "127.0.0.1") == 0);
    zmq_close(req);
}

static void survives_strangers(void)
{
    void *dealer = asker_connect(context, ZMQ_DEALER, common.front, SERVICE_DEADLINE_MS);
    static char much[5000];
    zmq_send(dealer, "no envelope", 11, 0);
    for (int i = 0; i < 40; i++)
        zmq_send(dealer, "frame", 5, ZMQ_SNDMORE);
    zmq_send(dealer, "", 0, 0);
    service_send_numbered(dealer, 1, service_question(UPSTREAM_GOOD, 1, 5));
    uint32_t number = 0;
    CHECK(service_receive_number(dealer, &number) && number == 1);
    CHECK_INT(asker_receive(dealer).code, LOOKUP_OK);
    zmq_send(dealer, much, sizeof much, 0); /* past the limit: costs this connection */
    void *worker = asker_connect(context, ZMQ_DEALER, common.back, SERVICE_DEADLINE_MS);
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

static void names_taken_ports(void)
{
    struct fault fault = {0};
    struct service other = service_new();
    struct broker_options options = common.options;
    options.front = common.front;
    options.back = other.back;
    CHECK(broker_open(&options, &fault) == NULL);
    CHECK(strstr(fault.text, common.front) != NULL &&
          strstr(fault.text, "in use, by process ") != NULL);
    options.front = other.front;
    options.back = common.back;
    CHECK(broker_open(&options, &fault) == NULL);
    CHECK(strstr(fault.text, common.back) != NULL &&
          strstr(fault.text, "in use, by process ") != NULL);
    options.front = "tcp://nonsense";
    CHECK(broker_open(&options, &fault) == NULL);
    CHECK(strstr(fault.text, "tcp://nonsense") != NULL);
}

/* Everything this program logged, as it went to standard error. */
static int log_file = -1;

static void log_holds_no_key(void)
{
    service_stop(&common);
    static char log[1024 * 1024];
    ssize_t bytes = pread(log_file, log, sizeof log, 0);
    CHECK(bytes > 0);
    CHECK(memmem(log, (size_t)bytes, "provider google at http://", 26) != NULL);
    CHECK(memmem(log, (size_t)bytes, "joined", 6) != NULL);
    CHECK(memmem(log, (size_t)bytes, ASKER_CANARY, strlen(ASKER_CANARY)) == NULL);
    CHECK(memmem(log, (size_t)bytes, "location=", 9) == NULL);
}

static const struct check_case cases[] = {
    {"a plain REQ socket asks and is answered", answers_req},
    {"results are cut to the bound", cuts_to_bound},
    {"a provider that refuses is a refusal", tells_refusals},
    {"a provider out of order or cut off is a failure", tells_failures},
    {"a body that is no answer is nonsense, also one that holds the key", tells_nonsense},
    {"too long, endless, packed or after too many headers: refused", refuses_too_much},
    {"a redirect is not followed", follows_nobody},
    {"a silent and a dripping provider cost no more than the deadline", holds_deadlines},
    {"a provider that is not there is reported at once", says_unreachable},
    {"one connection serves one question after the other", reuses_connections},
    {"a hundred REQ sockets at once get their own answers", serves_hundred_at_once},
    {"each of 300 questions of one DEALER is answered exactly once", answers_each_once},
    {"as many silent transfers as a worker has end, and it goes on", late_transfers_end},
    {"two thousand questions, two at a time, flow without a pause", keeps_flowing},
    {"what is no look-up is answered as invalid", answers_invalid},
    {"whole numbers may come as floats", takes_whole_floats},
    {"a REQ of ZMTP 2.0 is served", serves_zmtp_2},
    {"14 frames stand in front of the empty one, and no more", holds_envelope_limit},
    {"an empty frame alone is a ping, and comes back", returns_pings},
    {"who asks for its figures is told them", says_its_figures},
    {"strangers at both doors disturb nobody", survives_strangers},
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
    common = service_new();
    service_open(&common);
    service_add_worker(&common, upstream.port);
    int status = check_run(cases, sizeof cases / sizeof *cases);
    upstream_stop(&upstream);
    zmq_ctx_destroy(context);
    return status;
}
