#include "placesd/worker.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include <curl/curl.h>
#include <czmq.h>

#include "placesd/balance.h"
#include "placesd/event.h"
#include "placesd/lookup.h"

/* Jobs taken before the transfers get their turn. */
#define TURN_JOBS_MAX WORKER_CREDITS
/* A host that is there takes a connection within this time. */
#define CONNECT_MS_MAX 2000
/* All header lines of an answer together; Google sends about 1 KiB. */
#define HEADER_BYTES_MAX (64 * 1024)
/* A broker that acknowledges nothing for so long is taken for gone and connected to anew. */
#define UNACKNOWLEDGED_MS BALANCE_SILENCE_MS
#define RECONNECT_MS      100
#define NAME_BYTES_MAX    24

/* One job and the HTTP request that answers it. The handles are kept, and with them the
 * provider's connections. */
struct transfer {
    CURL *easy;
    bool busy;
    bool too_long;
    uint64_t job; /* the broker's, opaque to us */
    struct lookup lookup;
    struct buffer body;
    size_t header_bytes;
};

struct worker {
    struct worker_options options;
    pthread_t thread;
    atomic_bool stopping;
    zsock_t *broker;
    CURLM *multi;
    struct transfer transfers[WORKER_CREDITS];
    int64_t ready_due_ms;
    struct event_fault failures, strange;
};

/* ---- what libcurl tells us while a transfer runs ---- */

/* CURLOPT_WRITEFUNCTION(3): bytes are counted as they come, decompressed, because an answer in
 * chunks or compressed says its length only at the end. */
static size_t take_body(char *bytes, size_t one, size_t count, void *user)
{
    struct transfer *transfer = user;
    (void)one;
    if (count > LOOKUP_BODY_BYTES_MAX - transfer->body.bytes) {
        transfer->too_long = true;
        return 0;
    }
    buffer_append(&transfer->body, (struct span){bytes, count});
    return count;
}

/* CURLOPT_HEADERFUNCTION(3). */
static size_t take_header(char *bytes, size_t one, size_t count, void *user)
{
    struct transfer *transfer = user;
    (void)bytes;
    (void)one;
    if (count > HEADER_BYTES_MAX - transfer->header_bytes) {
        transfer->too_long = true;
        return 0;
    }
    transfer->header_bytes += count;
    return count;
}

/* ---- answers ---- */

static void send_reply(struct worker *worker, uint64_t job, enum lookup_code code,
                       const struct buffer *json)
{
    struct buffer reply = {0};
    lookup_write_reply(&(struct lookup_reply){code, {json->at, json->bytes}}, &reply);
    zmsg_t *message = zmsg_new();
    zmsg_addmem(message, &job, sizeof job);
    zmsg_addmem(message, reply.at, reply.bytes);
    /* A broker that is gone has given the job to another or told its asker. */
    if (zmsg_send(&message, worker->broker) != 0)
        zmsg_destroy(&message);
    buffer_free(&reply);
}

static void send_failure(struct worker *worker, uint64_t job, enum lookup_code code,
                         const char *reason)
{
    struct buffer json = {0};
    lookup_write_failure(code, reason, &json);
    send_reply(worker, job, code, &json);
    buffer_free(&json);
}

/* Names the failure for the operator. curl_easy_strerror gives fixed texts, without any URL. */
static void log_failure(struct worker *worker, const char *what)
{
    struct span url = provider_public_url(worker->options.url);
    char text[EVENT_LINE_BYTES_MAX];
    snprintf(text, sizeof text, "provider %s at %.*s: %s", worker->options.provider->name,
             (int)url.bytes, url.at, what);
    event_log_fault(&worker->failures, zclock_mono(), text);
}

/* The transfer brought no HTTP answer. */
static void answer_broken(struct worker *worker, const struct transfer *transfer, CURLcode result)
{
    enum lookup_code code = LOOKUP_UNAVAILABLE;
    const char *reason = "The places provider's answer broke off.";
    switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
        code = LOOKUP_LATE;
        reason = "The places provider did not answer in time.";
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        reason = "The places provider cannot be reached.";
        break;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        reason = "The places provider offers no connection that can be trusted.";
        break;
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_WRITE_ERROR:
        code = LOOKUP_NONSENSE;
        reason = transfer->too_long || result == CURLE_FILESIZE_EXCEEDED
                     ? "The places provider's answer is too long."
                     : "The places provider's answer cannot be read.";
        break;
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
        code = LOOKUP_NONSENSE;
        reason = "The places provider's answer cannot be read.";
        break;
    default:
        break;
    }
    log_failure(worker, curl_easy_strerror(result));
    send_failure(worker, transfer->job, code, reason);
}

static void answer_http(struct worker *worker, const struct transfer *transfer)
{
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    struct buffer json = {0};
    enum lookup_code code = worker->options.provider->read_answer(
        status, (struct span){transfer->body.at, transfer->body.bytes}, transfer->lookup.bound,
        worker->options.key, &json);
    if (code != LOOKUP_OK) {
        char what[64];
        snprintf(what, sizeof what, "HTTP %ld, but no answer that can be used (%s)", status,
                 code == LOOKUP_REFUSED    ? "refused"
                 : code == LOOKUP_NONSENSE ? "nonsense"
                                           : "unavailable");
        log_failure(worker, what);
    }
    send_reply(worker, transfer->job, code, &json);
    buffer_free(&json);
}

static void finish(struct worker *worker, struct transfer *transfer, CURLcode result)
{
    curl_multi_remove_handle(worker->multi, transfer->easy);
    if (result == CURLE_OK)
        answer_http(worker, transfer);
    else
        answer_broken(worker, transfer, result);
    buffer_free(&transfer->body);
    transfer->busy = false;
}

/* ---- jobs ---- */

static struct transfer *idle_transfer(struct worker *worker)
{
    for (size_t i = 0; i < WORKER_CREDITS; i++)
        if (!worker->transfers[i].busy)
            return &worker->transfers[i];
    return NULL;
}

static void begin(struct worker *worker, uint64_t job, const struct lookup *lookup)
{
    struct transfer *transfer = idle_transfer(worker);
    if (transfer == NULL) {
        send_failure(worker, job, LOOKUP_BUSY, "The places worker has too much to do.");
        return;
    }
    transfer->job = job;
    transfer->lookup = *lookup;
    transfer->too_long = false;
    transfer->header_bytes = 0;

    struct buffer url = {0};
    worker->options.provider->write_url(worker->options.url, worker->options.key, lookup, &url);
    buffer_append(&url, (struct span){"", 1});
    long left_ms = (long)lookup->deadline_ms;
    curl_easy_setopt(transfer->easy, CURLOPT_URL, url.at);
    curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, left_ms);
    curl_easy_setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS,
                     left_ms < CONNECT_MS_MAX ? left_ms : CONNECT_MS_MAX);
    explicit_bzero(url.at, url.bytes);
    buffer_free(&url);

    transfer->busy = true;
    CURLMcode added = curl_multi_add_handle(worker->multi, transfer->easy);
    if (added != CURLM_OK)
        finish(worker, transfer, CURLE_FAILED_INIT);
}

/* A job is two frames: its number, which goes back as it came, and the question. One frame is a
 * broker that wants to know whether we are there. */
static void take_job(struct worker *worker, zmsg_t *message)
{
    if (zmsg_size(message) == 1)
        return;
    zframe_t *number = zmsg_first(message);
    zframe_t *question = zmsg_next(message);
    uint64_t job;
    struct lookup lookup;
    if (zmsg_size(message) != 2 || zframe_size(number) != sizeof job) {
        event_log_fault(&worker->strange, zclock_mono(),
                        "the broker sends what is no job: dropped");
        return;
    }
    memcpy(&job, zframe_data(number), sizeof job);
    struct span bytes = {(const char *)zframe_data(question), zframe_size(question)};
    if (lookup_read_request(bytes, &lookup))
        begin(worker, job, &lookup);
    else
        send_failure(worker, job, LOOKUP_INVALID, "The question is not a look-up.");
}

/* ---- the loop ---- */

static void say_ready(struct worker *worker, int64_t now_ms)
{
    if (now_ms < worker->ready_due_ms)
        return;
    char ready[LOOKUP_READY_BYTES_MAX];
    size_t bytes = lookup_write_ready(WORKER_CREDITS, ready);
    zframe_t *frame = zframe_new(ready, bytes);
    /* With no broker there is nobody to tell; a connection may come at any moment. */
    if (zframe_send(&frame, worker->broker, 0) == 0) {
        worker->ready_due_ms = now_ms + BALANCE_HEARTBEAT_MS;
    } else {
        zframe_destroy(&frame);
        worker->ready_due_ms = now_ms + RECONNECT_MS;
    }
}

static void take_jobs(struct worker *worker)
{
    for (int i = 0; i < TURN_JOBS_MAX; i++) {
        zmsg_t *message = zmsg_recv(worker->broker);
        if (message == NULL)
            return;
        take_job(worker, message);
        zmsg_destroy(&message);
    }
}

static void run_transfers(struct worker *worker)
{
    int running, queued;
    curl_multi_perform(worker->multi, &running);
    for (CURLMsg *told; (told = curl_multi_info_read(worker->multi, &queued)) != NULL;) {
        if (told->msg != CURLMSG_DONE)
            continue;
        CURLcode result = told->data.result;
        struct transfer *transfer;
        curl_easy_getinfo(told->easy_handle, CURLINFO_PRIVATE, &transfer);
        finish(worker, transfer, result);
    }
}

/* The socket's descriptor is edge-triggered and sending eats its edges (zmq_getsockopt(3),
 * ZMQ_FD): only ZMQ_EVENTS tells whether a job waits, and it is asked after the last send and
 * before every sleep. */
static void sleep_until_something(struct worker *worker)
{
    int64_t pause_ms = worker->ready_due_ms - zclock_mono();
    if ((zsock_events(worker->broker) & ZMQ_POLLIN) != 0 || pause_ms < 0)
        pause_ms = 0;
    struct curl_waitfd broker = {
        .fd = (curl_socket_t)zsock_fd(worker->broker),
        .events = CURL_WAIT_POLLIN,
    };
    curl_multi_poll(worker->multi, &broker, 1, (int)pause_ms, NULL);
}

static void *run(void *user)
{
    struct worker *worker = user;
    while (!atomic_load(&worker->stopping)) {
        say_ready(worker, zclock_mono());
        take_jobs(worker);
        run_transfers(worker);
        sleep_until_something(worker);
    }
    return NULL;
}

/* ---- start and stop ---- */

/* Everything about a transfer that is the same for all of them. False where this libcurl lacks
 * one of it: going on without would be less safe than it looks. */
static bool set_options(struct transfer *transfer, struct span url)
{
    CURL *easy = transfer->easy;
    const char *scheme = url.bytes > 6 && memcmp(url.at, "https:", 6) == 0 ? "https" : "http";
    const CURLcode set[] = {
        curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer),
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body),
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer),
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header),
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer),
        curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)LOOKUP_BODY_BYTES_MAX),
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ""),
        curl_easy_setopt(easy, CURLOPT_USERAGENT, "zherd/" ZHERD_VERSION),
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L),
        /* A redirect would carry the key to whoever it names. */
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L),
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, scheme),
        curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L),
        /* Nothing from the environment or the home directory decides where a question goes. */
        curl_easy_setopt(easy, CURLOPT_PROXY, ""),
        curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED),
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L),
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L),
        curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L),
        /* A name that takes long to resolve must not hold up the other transfers. */
        curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L),
    };
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        if (set[i] != CURLE_OK)
            return false;
    return true;
}

static bool open_transfers(struct worker *worker)
{
    worker->multi = curl_multi_init();
    if (worker->multi == NULL)
        return false;
    curl_multi_setopt(worker->multi, CURLMOPT_MAXCONNECTS, (long)WORKER_CREDITS);
    for (size_t i = 0; i < WORKER_CREDITS; i++) {
        struct transfer *transfer = &worker->transfers[i];
        transfer->easy = curl_easy_init();
        if (transfer->easy == NULL || !set_options(transfer, worker->options.url))
            return false;
    }
    return true;
}

/* The name is drawn at random: it stays the same over reconnections, so that answers still find
 * their jobs, and differs in every life. */
static bool open_socket(struct worker *worker)
{
    uint64_t drawn;
    char name[NAME_BYTES_MAX];
    ssize_t bytes = getrandom(&drawn, sizeof drawn, 0);
    assert(bytes == (ssize_t)sizeof drawn);
    snprintf(name, sizeof name, "worker-%016" PRIx64, drawn);

    worker->broker = zsock_new(ZMQ_DEALER);
    assert(worker->broker != NULL);
    zsock_set_identity(worker->broker, name);
    if (strchr(worker->options.broker, '[') != NULL)
        zsock_set_ipv6(worker->broker, 1);
    zsock_set_immediate(worker->broker, 1);
    zsock_set_maxmsgsize(worker->broker, LOOKUP_REQUEST_BYTES_MAX);
    zsock_set_rcvhwm(worker->broker, 2 * WORKER_CREDITS);
    zsock_set_sndhwm(worker->broker, 2 * WORKER_CREDITS);
    zsock_set_rcvtimeo(worker->broker, 0);
    zsock_set_sndtimeo(worker->broker, 0);
    zsock_set_linger(worker->broker, 0);
    zsock_set_reconnect_ivl(worker->broker, RECONNECT_MS);
    zsock_set_tcp_maxrt(worker->broker, UNACKNOWLEDGED_MS);
    return zsock_connect(worker->broker, "%s", worker->options.broker) == 0;
}

static void release(struct worker *worker)
{
    for (size_t i = 0; i < WORKER_CREDITS; i++) {
        struct transfer *transfer = &worker->transfers[i];
        if (transfer->busy)
            curl_multi_remove_handle(worker->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
        buffer_free(&transfer->body);
    }
    curl_multi_cleanup(worker->multi);
    curl_global_cleanup();
    zsock_destroy(&worker->broker);
    free(worker);
}

struct worker *worker_start(const struct worker_options *options,
                            char error[WORKER_ERROR_BYTES_MAX])
{
    struct worker *worker = calloc(1, sizeof *worker);
    assert(worker != NULL);
    worker->options = *options;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (!open_transfers(worker)) {
        snprintf(error, WORKER_ERROR_BYTES_MAX, "libcurl %s lacks what placesd needs",
                 curl_version_info(CURLVERSION_NOW)->version);
    } else if (!open_socket(worker)) {
        snprintf(error, WORKER_ERROR_BYTES_MAX, "cannot connect to %s: %s", options->broker,
                 zmq_strerror(zmq_errno()));
    } else {
        int failed = pthread_create(&worker->thread, NULL, run, worker);
        if (failed == 0)
            return worker;
        snprintf(error, WORKER_ERROR_BYTES_MAX, "cannot start a thread: %s", strerror(failed));
    }
    release(worker);
    return NULL;
}

void worker_stop(struct worker **worker)
{
    if (*worker == NULL)
        return;
    atomic_store(&(*worker)->stopping, true);
    curl_multi_wakeup((*worker)->multi);
    pthread_join((*worker)->thread, NULL);
    release(*worker);
    *worker = NULL;
}
