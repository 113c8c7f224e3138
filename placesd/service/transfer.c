#include "placesd/service/transfer.h"

#include <assert.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "placesd/providers/outcome.h"

/* A host that is there takes a connection within this time. */
#define CONNECT_MS_MAX 2000
/* All header lines of an answer together; Google sends about 1 KiB. */
#define HEADER_BYTES_MAX (64 * 1024)

/* What each transfer keeps for its next body: that of twenty results. */
#define BODY_KEPT_BYTES_MAX ((size_t)32 * 1024)

/* One look-up and the HTTP request that answers it. The handles are kept, and with them the
 * provider's connections. */
struct transfer {
    CURL *easy;
    const struct transfer_source *source; /* our own copy: the caller's may change */
    struct transfer_source own;
    char key[PROVIDER_KEY_BYTES_MAX];
    struct curl_slist *headers; /* libcurl reads them until the end */
    bool busy;
    bool too_long;
    void *asker;
    uint64_t job;
    struct lookup lookup;
    struct buffer body;
    size_t header_bytes;
};

/* What is waited for: a descriptor that wakes us, those of transfer_wait, and from FIRST on those
 * of libcurl. */
enum { WAKE, OTHERS, FIRST = OTHERS + TRANSFER_OTHERS_MAX };

/* libcurl says which of its sockets it waits for and until when, and hears of those alone that
 * something happened on: curl_multi_perform would try them all (libcurl-multi(3)). */
struct transfers {
    CURLM *multi;
    struct pollfd *items;
    size_t item_count, items_max;
    int64_t due_ms; /* when libcurl wants a turn although nothing happened */
    size_t count, busy;
    struct buffer json;    /* of the last end */
    struct buffer failure; /* of the last one, with a NUL */
    struct transfer transfers[];
};

/* ---- what libcurl tells us while a transfer runs ---- */

/* CURLOPT_WRITEFUNCTION(3): bytes are counted as they come, decompressed, because an answer in
 * chunks or compressed says its length only at the end. */
static size_t take_body(char *bytes, size_t one, size_t count, void *user)
{
    struct transfer *transfer = user;
    (void)one;
    if (count > LOOKUP_BODY_BYTES_MAX - transfer->body.len) {
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

static int64_t read_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static size_t find_item(const struct transfers *transfers, curl_socket_t socket)
{
    size_t i = FIRST;
    while (i < transfers->item_count && transfers->items[i].fd != socket)
        i++;
    return i;
}

/* CURLMOPT_SOCKETFUNCTION(3). */
static int take_socket(CURL *easy, curl_socket_t socket, int what, void *user, void *unused)
{
    struct transfers *transfers = user;
    (void)easy, (void)unused;
    size_t i = find_item(transfers, socket);
    if (what == CURL_POLL_REMOVE) {
        if (i < transfers->item_count)
            transfers->items[i] = transfers->items[--transfers->item_count];
        return 0;
    }
    if (i == transfers->items_max) {
        transfers->items_max *= 2;
        transfers->items =
            bytes_resize(transfers->items, transfers->items_max * sizeof *transfers->items);
    }
    transfers->item_count += i == transfers->item_count;
    transfers->items[i] = (struct pollfd){
        .fd = socket,
        .events =
            (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0)),
    };
    return 0;
}

/* CURLMOPT_TIMERFUNCTION(3). */
static int take_timer(CURLM *multi, long pause_ms, void *user)
{
    struct transfers *transfers = user;
    (void)multi;
    transfers->due_ms = pause_ms < 0 ? INT64_MAX : read_clock_ms() + pause_ms;
    return 0;
}

/* What is released here may hold the key. */
static void wipe(struct buffer *secret)
{
    if (secret->len > 0)
        explicit_bzero(secret->data, secret->len);
    buffer_free(secret);
}

static void wipe_headers(struct curl_slist **headers)
{
    for (struct curl_slist *line = *headers; line != NULL; line = line->next)
        explicit_bzero(line->data, strlen(line->data));
    curl_slist_free_all(*headers);
    *headers = NULL;
}

/* ---- opening and closing ---- */

/* Everything about a transfer that is the same for all of them. False where this libcurl lacks
 * one of it: going on without would be less safe than it looks. */
static bool set_options(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    const CURLcode set[] = {
        /* Whose handle it is, when it ends: transfer_next. */
        curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer),
        /* Body and header are counted here as they come. */
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body),
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer),
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header),
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer),
        /* An answer that says that it is too long is not even begun. */
        curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)LOOKUP_BODY_BYTES_MAX),
        /* All that this libcurl can decompress: JSON shrinks to a fifth. */
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ""),
        /* Overpass and Photon ask their users to say who they are. */
        curl_easy_setopt(easy, CURLOPT_USERAGENT, "zherd/" ZHERD_VERSION),
        /* Other threads run: a resolver must not end its wait by SIGALRM. */
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L),
        /* A redirect would carry the key to whoever it names. */
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L),
        /* A url of file: or ftp: in a topology reaches nothing. */
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"),
        /* Bytes without a header are no answer. */
        curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L),
        /* Nothing from the environment or the home directory decides where a question goes. */
        curl_easy_setopt(easy, CURLOPT_PROXY, ""),
        curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED),
        /* The key goes to the provider's own host only, and its certificate says which that is. */
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L),
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L),
        /* A provider within this process has a socket of its own: set_request. */
        curl_easy_setopt(easy, CURLOPT_ABSTRACT_UNIX_SOCKET, NULL),
        /* A kept connection whose other end vanished is found before it is used again. */
        curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L),
        /* A name that takes long to resolve must not hold up the other transfers. */
        curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L),
    };
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        if (set[i] != CURLE_OK)
            return false;
    return true;
}

/* What is waited for, and how libcurl tells of it. */
static bool open_items(struct transfers *transfers)
{
    transfers->item_count = FIRST;
    transfers->items_max = FIRST + transfers->count;
    transfers->items = bytes_zeroed(transfers->items_max * sizeof *transfers->items);
    for (size_t i = 0; i < FIRST; i++)
        transfers->items[i].fd = -1; /* poll(2) passes over these */
    transfers->items[WAKE].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    transfers->items[WAKE].events = POLLIN;
    transfers->due_ms = INT64_MAX;
    CURLM *multi = transfers->multi;
    return transfers->items[WAKE].fd >= 0 && multi != NULL &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, take_socket) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, transfers) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, take_timer) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERDATA, transfers) == CURLM_OK;
}

struct transfers *transfer_open(size_t count, size_t host_connections_max)
{
    struct transfers *transfers =
        bytes_zeroed(sizeof *transfers + count * sizeof *transfers->transfers);
    transfers->count = count;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    transfers->multi = curl_multi_init();
    bool good =
        open_items(transfers) &&
        curl_multi_setopt(transfers->multi, CURLMOPT_MAXCONNECTS, (long)count) == CURLM_OK &&
        curl_multi_setopt(transfers->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                          (long)host_connections_max) == CURLM_OK;
    for (size_t i = 0; good && i < count; i++) {
        struct transfer *transfer = &transfers->transfers[i];
        transfer->easy = curl_easy_init();
        good = transfer->easy != NULL && set_options(transfer);
    }
    if (!good)
        transfer_close(&transfers);
    return transfers;
}

void transfer_close(struct transfers **transfers)
{
    if (*transfers == NULL)
        return;
    for (size_t i = 0; i < (*transfers)->count; i++) {
        struct transfer *transfer = &(*transfers)->transfers[i];
        if (transfer->busy)
            curl_multi_remove_handle((*transfers)->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
        wipe_headers(&transfer->headers);
        explicit_bzero(transfer->key, sizeof transfer->key);
        buffer_free(&transfer->body);
    }
    curl_multi_cleanup((*transfers)->multi);
    if ((*transfers)->items[WAKE].fd >= 0)
        close((*transfers)->items[WAKE].fd);
    free((*transfers)->items);
    curl_global_cleanup();
    buffer_free(&(*transfers)->json);
    buffer_free(&(*transfers)->failure);
    free(*transfers);
    *transfers = NULL;
}

/* ---- begin ---- */

static struct transfer *find_idle(struct transfers *transfers)
{
    for (size_t i = 0; i < transfers->count; i++)
        if (!transfers->transfers[i].busy)
            return &transfers->transfers[i];
    return NULL;
}

static void set_url(struct transfer *transfer)
{
    const struct transfer_source *source = transfer->source;
    struct buffer url = {0};
    source->provider->write_url(source->url, source->key, &transfer->lookup, &url);
    buffer_append(&url, (struct span){"", 1});
    curl_easy_setopt(transfer->easy, CURLOPT_URL, url.data);
    wipe(&url);
}

static void set_body(struct transfer *transfer)
{
    const struct provider *provider = transfer->source->provider;
    if (provider->write_body == NULL) {
        curl_easy_setopt(transfer->easy, CURLOPT_HTTPGET, 1L);
        return;
    }
    struct buffer body = {0};
    provider->write_body(&transfer->lookup, &body);
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    curl_easy_setopt(transfer->easy, CURLOPT_COPYPOSTFIELDS, body.data);
    buffer_free(&body);
}

static void set_headers(struct transfer *transfer)
{
    const struct provider *provider = transfer->source->provider;
    struct buffer lines = {0};
    if (provider->write_headers != NULL)
        provider->write_headers(transfer->source->key, &lines);
    for (size_t at = 0; at < lines.len; at += strlen(lines.data + at) + 1)
        transfer->headers = curl_slist_append(transfer->headers, lines.data + at);
    wipe(&lines);
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static void set_request(struct transfer *transfer)
{
    set_url(transfer);
    set_body(transfer);
    set_headers(transfer);
    const char *own = transfer->source->own_socket;
    bool is_path = own != NULL && own[0] == '/';
    curl_easy_setopt(transfer->easy,
                     is_path ? CURLOPT_UNIX_SOCKET_PATH : CURLOPT_ABSTRACT_UNIX_SOCKET, own);
    long left_ms = (long)transfer->lookup.deadline_ms;
    curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, left_ms);
    curl_easy_setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS,
                     left_ms < CONNECT_MS_MAX ? left_ms : CONNECT_MS_MAX);
}

bool transfer_begin(struct transfers *transfers, const struct transfer_source *source,
                    const struct lookup *lookup, void *asker, uint64_t job)
{
    struct transfer *transfer = find_idle(transfers);
    if (transfer == NULL)
        return false;
    assert(source->key.len <= sizeof transfer->key);
    if (source->key.len > 0)
        memcpy(transfer->key, source->key.data, source->key.len);
    transfer->own = *source;
    transfer->own.key.data = transfer->key;
    transfer->source = &transfer->own;
    transfer->asker = asker;
    transfer->job = job;
    transfer->lookup = *lookup;
    transfer->too_long = false;
    transfer->header_bytes = 0;
    set_request(transfer);
    if (curl_multi_add_handle(transfers->multi, transfer->easy) != CURLM_OK) {
        wipe_headers(&transfer->headers);
        return false;
    }
    transfer->busy = true;
    transfers->busy++;
    return true;
}

size_t transfer_busy(const struct transfers *transfers)
{
    return transfers->busy;
}

/* ---- end ---- */

/* The transfer brought no HTTP answer: why, for whoever asked. */
static const char *explain(const struct transfer *transfer, CURLcode result, enum lookup_code *code)
{
    *code = LOOKUP_UNAVAILABLE;
    switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
        *code = LOOKUP_TIMEOUT;
        return "The places provider did not answer in time.";
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return "The places provider cannot be reached.";
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return "The places provider offers no connection that can be trusted.";
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_WRITE_ERROR:
        *code = LOOKUP_BAD_REPLY;
        return transfer->too_long || result == CURLE_FILESIZE_EXCEEDED
                   ? "The places provider's answer is too long."
                   : "The places provider's answer cannot be read.";
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
        *code = LOOKUP_BAD_REPLY;
        return "The places provider's answer cannot be read.";
    default:
        return "The places provider's answer broke off.";
    }
}

static void end_broken(struct transfers *transfers, const struct transfer *transfer,
                       CURLcode result, struct transfer_end *end)
{
    const char *reason = explain(transfer, result, &end->code);
    lookup_write_failure(end->code, reason, &transfers->json);
    end->failure = curl_easy_strerror(result);
}

/* What the log hears of an answer that cannot be used: its status, what became of it, and what the
 * provider itself says. */
static void describe(struct transfers *transfers, const struct transfer *transfer, long status,
                     enum lookup_code code)
{
    static const char *const codes[] = {[LOOKUP_REFUSED] = "refused",
                                        [LOOKUP_BAD_REPLY] = "nonsense",
                                        [LOOKUP_INVALID] = "invalid"};
    bool is_named = code < sizeof codes / sizeof *codes && codes[code] != NULL;
    struct buffer *failure = &transfers->failure;
    char text[64];
    snprintf(text, sizeof text, "HTTP %ld, but no answer that can be used (%s)", status,
             is_named ? codes[code] : "unavailable");
    failure->len = 0;
    buffer_append(failure, span_of(text));
    size_t before = failure->len;
    buffer_append(failure, span_of("; it says: "));
    size_t words = failure->len;
    outcome_remark((struct span){transfer->body.data, transfer->body.len}, &transfer->lookup,
                   transfer->source->key, failure);
    if (failure->len == words)
        failure->len = before;
    buffer_append(failure, (struct span){"", 1});
}

static void end_http(struct transfers *transfers, const struct transfer *transfer,
                     struct transfer_end *end)
{
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    end->code = transfer->source->provider->read_answer(
        status, (struct span){transfer->body.data, transfer->body.len}, &transfer->lookup,
        transfer->source->key, &transfers->json);
    if (end->code == LOOKUP_OK)
        return;
    curl_off_t rest_s = 0;
    if (curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &rest_s) == CURLE_OK && rest_s > 0)
        end->rest_ms = rest_s < INT32_MAX / 1000 ? (int64_t)rest_s * 1000 : INT32_MAX;
    describe(transfers, transfer, status, end->code);
    end->failure = transfers->failure.data;
}

static void finish(struct transfers *transfers, struct transfer *transfer, CURLcode result,
                   struct transfer_end *end)
{
    *end = (struct transfer_end){
        .asker = transfer->asker,
        .job = transfer->job,
        .source = transfer->source,
    };
    transfers->json.len = 0;
    if (result == CURLE_OK)
        end_http(transfers, transfer, end);
    else
        end_broken(transfers, transfer, result, end);
    end->json = (struct span){transfers->json.data, transfers->json.len};
    curl_multi_remove_handle(transfers->multi, transfer->easy);
    wipe_headers(&transfer->headers);
    explicit_bzero(transfer->key, sizeof transfer->key);
    transfer->own.key = (struct span){0};
    transfer->body.len = 0;
    if (transfer->body.capacity > BODY_KEPT_BYTES_MAX)
        buffer_free(&transfer->body);
    transfer->busy = false;
    transfers->busy--;
}

/* A turn for each transfer that has waited until now. */
static void run_due(struct transfers *transfers)
{
    int running;
    if (read_clock_ms() < transfers->due_ms)
        return;
    transfers->due_ms = INT64_MAX; /* unless libcurl says otherwise in that call */
    curl_multi_socket_action(transfers->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

/* A turn for each socket that poll(2) has marked. libcurl takes some away and adds others
 * meanwhile. */
static void run_ready(struct transfers *transfers)
{
    int running;
    for (size_t i = FIRST; i < transfers->item_count; i++) {
        struct pollfd item = transfers->items[i];
        if (item.revents == 0)
            continue;
        transfers->items[i--].revents = 0; /* another may stand here afterwards */
        int mask = (item.revents & POLLIN ? CURL_CSELECT_IN : 0) |
                   (item.revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
                   (item.revents & ~(POLLIN | POLLOUT) ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(transfers->multi, item.fd, mask, &running);
    }
}

bool transfer_next(struct transfers *transfers, struct transfer_end *end)
{
    int queued;
    CURLMsg *ended = curl_multi_info_read(transfers->multi, &queued);
    if (ended == NULL) {
        run_ready(transfers);
        run_due(transfers);
        ended = curl_multi_info_read(transfers->multi, &queued);
    }
    if (ended == NULL)
        return false;
    CURLcode result = ended->data.result;
    struct transfer *transfer;
    curl_easy_getinfo(ended->easy_handle, CURLINFO_PRIVATE, &transfer);
    finish(transfers, transfer, result, end);
    return true;
}

bool transfer_wait(struct transfers *transfers, const int *others, size_t count, int64_t pause_ms)
{
    assert(count <= TRANSFER_OTHERS_MAX);
    struct pollfd *items = transfers->items;
    for (size_t i = 0; i < TRANSFER_OTHERS_MAX; i++)
        items[OTHERS + i] = (struct pollfd){.fd = i < count ? others[i] : -1, .events = POLLIN};
    if (transfers->due_ms != INT64_MAX) {
        int64_t left_ms = transfers->due_ms - read_clock_ms();
        pause_ms = left_ms < pause_ms ? left_ms : pause_ms;
    }
    pause_ms = pause_ms < 0 ? 0 : pause_ms < INT_MAX ? pause_ms : INT_MAX;
    poll(items, transfers->item_count, (int)pause_ms);
    uint64_t wakes;
    ssize_t taken = items[WAKE].revents != 0 ? read(items[WAKE].fd, &wakes, sizeof wakes) : 0;
    (void)taken; /* somebody else may have read it */
    for (size_t i = 0; i < count; i++)
        if (items[OTHERS + i].revents != 0)
            return true;
    return false;
}

void transfer_wake(struct transfers *transfers)
{
    uint64_t one = 1;
    if (write(transfers->items[WAKE].fd, &one, sizeof one) < 0)
        return; /* it is full of wakes that were not heard yet */
}
