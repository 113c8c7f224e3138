#include "topology/monitor.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bus/net/binding.h"

#define NEVER_MS INT64_MAX
/* Those beyond the connections wait in the system's queue. */
#define BACKLOG 64

/* A page as it was made last: /metrics in each of its forms, and /status. */
enum { PAGE_STATUS = METRICS_OPENMETRICS + 1, PAGES };
struct page {
    struct MHD_Response *response; /* or NULL */
    int64_t made_ms;
};

struct visit {
    bool is_there;
    int socket; /* libmicrohttpd's, open as long as it is there */
    int64_t due_ms;
    uint64_t number; /* in the order in which they came */
};

struct monitor {
    struct monitor_pages owner;
    struct MHD_Daemon *daemon;
    int64_t now_ms;           /* as monitor_run was given it last */
    struct page pages[PAGES]; /* the first ones are of an enum metrics_form */
    struct visit visits[MONITOR_CONNECTIONS_MAX];
    size_t there;  /* of these */
    uint64_t came; /* since the start */
    bool has_room; /* one ended: where all were taken, the library listens again at its next run */
    struct monitor_counters count;
    size_t token_bytes;
    char token[MONITOR_TOKEN_BYTES_MAX];
};

static const char text_plain[] = "text/plain; charset=utf-8";

/* ---- who is there, and for how long ----
 *
 * The library's own limit is on silence, and whoever sends a byte a second is never silent. A
 * socket that is shut down wakes the library, which then closes it. */

static void cut(struct monitor *monitor, struct visit *visit)
{
    shutdown(visit->socket, SHUT_RDWR);
    visit->due_ms = NEVER_MS;
    monitor->count.cut++;
}

static void cut_late(struct monitor *monitor)
{
    for (size_t i = 0; i < MONITOR_CONNECTIONS_MAX; i++) {
        struct visit *visit = &monitor->visits[i];
        if (visit->is_there && visit->due_ms <= monitor->now_ms)
            cut(monitor, visit);
    }
}

/* The one that has been there for longest, and was not cut yet; NULL: there is none, or a place is
 * free. */
static struct visit *find_oldest(struct monitor *monitor)
{
    struct visit *oldest = NULL;
    for (size_t i = 0; i < MONITOR_CONNECTIONS_MAX; i++) {
        struct visit *visit = &monitor->visits[i];
        if (!visit->is_there || visit->due_ms == NEVER_MS)
            return NULL;
        if (oldest == NULL || visit->number < oldest->number)
            oldest = visit;
    }
    return oldest;
}

static struct visit *find_free(struct monitor *monitor)
{
    struct visit *visit = monitor->visits;
    while (visit->is_there)
        visit++;
    return visit;
}

/* The library tells of the end before it closes the socket. */
static void note_connection(void *user, struct MHD_Connection *connection, void **context,
                            enum MHD_ConnectionNotificationCode code)
{
    struct monitor *monitor = user;
    if (code != MHD_CONNECTION_NOTIFY_STARTED) {
        ((struct visit *)*context)->is_there = false;
        monitor->there--;
        monitor->has_room = true;
        return;
    }
    struct visit *visit = find_free(monitor);
    monitor->there++;
    *visit = (struct visit){
        .is_there = true,
        .socket =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
        .due_ms = monitor->now_ms + MONITOR_PATIENCE_MS,
        .number = monitor->came++,
    };
    *context = visit;
    struct visit *oldest = find_oldest(monitor);
    if (oldest != NULL)
        cut(monitor, oldest);
}

/* ---- answers ---- */

/* NULL without memory. `text` is constant. */
static struct MHD_Response *say(const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
    if (response != NULL)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, text_plain);
    return response;
}

static struct MHD_Response *make_page(const struct monitor *monitor, unsigned number)
{
    struct buffer text = {0};
    bool is_status = number == PAGE_STATUS;
    if (is_status)
        monitor->owner.status(monitor->owner.user, &text);
    else
        monitor->owner.metrics(monitor->owner.user, (enum metrics_form)number, &text);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(text.len, text.data, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        buffer_free(&text);
        return NULL;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            is_status ? "application/json"
                                      : metrics_content_type((enum metrics_form)number));
    if (!is_status)
        MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    return response;
}

/* Whoever is still being sent an older one keeps that. */
static enum MHD_Result give_page(struct monitor *monitor, struct MHD_Connection *connection,
                                 unsigned number)
{
    struct page *page = &monitor->pages[number];
    if (page->response == NULL || monitor->now_ms - page->made_ms >= MONITOR_PAGE_MS) {
        if (page->response != NULL)
            MHD_destroy_response(page->response);
        *page = (struct page){make_page(monitor, number), monitor->now_ms};
    }
    return page->response == NULL ? MHD_NO
                                  : MHD_queue_response(connection, MHD_HTTP_OK, page->response);
}

/* Takes over the response, which is NULL where memory is gone: that closes the connection. */
static enum MHD_Result give(struct MHD_Connection *connection, unsigned int status,
                            struct MHD_Response *response)
{
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, enum monitor_answer answer)
{
    static const struct {
        unsigned int status;
        const char *header, *value, *text;
    } refusals[MONITOR_ANSWERS] = {
        [MONITOR_UNKNOWN] = {MHD_HTTP_NOT_FOUND, NULL, NULL,
                             "There are /metrics, /status, /healthz and /readyz.\n"},
        [MONITOR_NOT_ALLOWED] = {MHD_HTTP_METHOD_NOT_ALLOWED, MHD_HTTP_HEADER_ALLOW, "GET, HEAD",
                                 "Ask with GET.\n"},
        [MONITOR_NO_TOKEN] = {MHD_HTTP_UNAUTHORIZED, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                              "Bearer realm=\"zherd\"", "This takes the monitor's token.\n"},
    };
    struct MHD_Response *response = say(refusals[answer].text);
    if (response != NULL && refusals[answer].header != NULL)
        MHD_add_response_header(response, refusals[answer].header, refusals[answer].value);
    return give(connection, refusals[answer].status, response);
}

static enum MHD_Result give_readiness(const struct monitor *monitor,
                                      struct MHD_Connection *connection)
{
    const char *why = monitor->owner.why_not_ready(monitor->owner.user);
    return give(connection, why == NULL ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
                say(why == NULL ? "ready\n" : why));
}

/* Called when a request's headers are there: whatever body follows is not looked at. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *body,
                              size_t *body_bytes, void **begun)
{
    (void)version, (void)body, (void)body_bytes, (void)begun;
    struct monitor *monitor = context;
    struct monitor_request request = {
        .method = method,
        .path = path,
        .authorization =
            MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION),
        .accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT),
    };
    enum monitor_answer answer =
        monitor_answer(&request, (struct span){monitor->token, monitor->token_bytes});
    monitor->count.answers[answer]++;
    switch (answer) {
    case MONITOR_HEALTH:
        return give(connection, MHD_HTTP_OK, say("the loop turns\n"));
    case MONITOR_READY:
        return give_readiness(monitor, connection);
    case MONITOR_METRICS:
        return give_page(monitor, connection, monitor_form(&request));
    case MONITOR_STATUS:
        return give_page(monitor, connection, PAGE_STATUS);
    default:
        return refuse(connection, answer);
    }
}

/* ---- for a loop ---- */

static struct MHD_Daemon *start_daemon(struct monitor *monitor, int listener)
{
    const struct MHD_OptionItem options[] = {
        /* Bound by bus/net/binding.h, which says what is wrong with an address. */
        {MHD_OPTION_LISTEN_SOCKET, listener, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, MONITOR_CONNECTIONS_MAX, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, MONITOR_REQUEST_BYTES_MAX, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)note_connection, monitor},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, monitor, MHD_OPTION_ARRAY,
                            options, MHD_OPTION_END);
}

struct monitor *monitor_open(const char *endpoint, struct span token,
                             const struct monitor_pages *pages, struct fault *fault)
{
    static const struct binding_options options = {.backlog = BACKLOG};
    int sockets[BINDING_SOCKETS_MAX];
    if (binding_listen(endpoint, &options, sockets, fault) != 1)
        return NULL;
    struct monitor *monitor = bytes_zeroed(sizeof *monitor);
    monitor->owner = *pages;
    monitor_set_token(monitor, token);
    monitor->daemon = start_daemon(monitor, sockets[0]);
    if (monitor->daemon != NULL)
        return monitor;
    /* Whether a failed start has closed the socket depends on how far it came, and closing it twice
     * could hit somebody else's; the caller is about to end anyway. */
    fault_set(fault, "the monitor cannot start: %s", strerror(errno));
    free(monitor);
    return NULL;
}

void monitor_close(struct monitor **monitor)
{
    if (*monitor == NULL)
        return;
    MHD_stop_daemon((*monitor)->daemon);
    for (int i = 0; i < PAGES; i++)
        if ((*monitor)->pages[i].response != NULL)
            MHD_destroy_response((*monitor)->pages[i].response);
    explicit_bzero((*monitor)->token, sizeof(*monitor)->token);
    free(*monitor);
    *monitor = NULL;
}

void monitor_set_token(struct monitor *monitor, struct span token)
{
    explicit_bzero(monitor->token, sizeof monitor->token);
    if (token.len > 0)
        memcpy(monitor->token, token.data, token.len);
    monitor->token_bytes = token.len;
}

int monitor_descriptor(const struct monitor *monitor)
{
    return MHD_get_daemon_info(monitor->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

void monitor_run(struct monitor *monitor, int64_t now_ms)
{
    monitor->now_ms = now_ms;
    monitor->has_room = false;
    MHD_run(monitor->daemon);
    cut_late(monitor);
}

int64_t monitor_deadline_ms(const struct monitor *monitor, int64_t now_ms)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (monitor->there == 0 && !monitor->has_room) /* the usual turn of a loop costs nothing */
        return NEVER_MS;
    int64_t due_ms = monitor->has_room ? now_ms : NEVER_MS;
    if (MHD_get_timeout(monitor->daemon, &wait_ms) == MHD_YES && wait_ms < INT32_MAX &&
        now_ms + (int64_t)wait_ms < due_ms)
        due_ms = now_ms + (int64_t)wait_ms;
    for (size_t i = 0; i < MONITOR_CONNECTIONS_MAX; i++) {
        const struct visit *visit = &monitor->visits[i];
        if (visit->is_there && visit->due_ms < due_ms)
            due_ms = visit->due_ms;
    }
    return due_ms;
}

const struct monitor_counters *monitor_count(const struct monitor *monitor)
{
    return &monitor->count;
}
