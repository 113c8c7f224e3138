#include "gateway/web/server/http.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/web/parse/target.h"
#include "gateway/web/server/certificate.h"
#include "gateway/web/server/http_state.h"
#include "topology/process_figures.h"

/* How often connections whose time is over are looked for, and positions that were too fast go on.
 */
#define LOOK_MS PACER_TURN_MS
/* Seconds without a byte after which a connection ends. */
#define SILENCE_S 60
/* The library is called by one thread. Versions that can be told so begin a connection when it is
 * given to them only then, else at the next MHD_run, and it must be counted before another comes.
 */
#if MHD_VERSION >= 0x00097707
#define ONE_THREAD MHD_USE_NO_THREAD_SAFETY
#else
#define ONE_THREAD 0
#endif
/* As for the nodes' TLS. */
#define TLS_VERSIONS "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
/* ADMIT_RETRY_S as a header has it. */
#define RETRY_AFTER "1"
/* Of a refusal's sentence. */
#define WHY_BYTES_MAX 256

/* ---- answers ---- */

/* What some refusals have besides (RFC 9110, 11.6.1, 15.5.6; RFC 6585, 4). */
static void add_headers(struct MHD_Response *response, unsigned status,
                        const struct exchange *exchange)
{
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, exchange->methods);
    if (status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                                "Basic realm=\"zherd\"");
    if (status == MHD_HTTP_TOO_MANY_REQUESTS ||
        (status == MHD_HTTP_SERVICE_UNAVAILABLE && exchange->query.kind != QUERY_NONE))
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, RETRY_AFTER);
    if (exchange->query.kind != QUERY_NONE)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
                                http_caching(exchange, status));
}

enum MHD_Result http_give(struct exchange *exchange, unsigned status, struct MHD_Response *response,
                          const char *type)
{
    if (response == NULL)
        return MHD_NO; /* closes the connection */
    if (exchange->http->is_stopped)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (type != NULL)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    add_headers(response, status, exchange);
    enum MHD_Result queued = MHD_queue_response(exchange->connection, status, response);
    MHD_destroy_response(response);
    exchange->state = EXCHANGE_IS_OVER;
    return queued;
}

enum MHD_Result http_queue(struct exchange *exchange, unsigned status, const char *type)
{
    const struct buffer *text = &exchange->http->text;
    return http_give(exchange, status,
                     MHD_create_response_from_buffer(text->len, text->data, MHD_RESPMEM_MUST_COPY),
                     text->len > 0 ? type : NULL);
}

enum MHD_Result http_refuse(struct exchange *exchange, unsigned status, const char *why)
{
    char text[WHY_BYTES_MAX];
    snprintf(text, sizeof text, "{\"error\":\"%s\"}\n", why);
    exchange->http->count.refused++;
    exchange->http->text.len = 0;
    buffer_append(&exchange->http->text, span_of(text));
    return http_queue(exchange, status, "application/json");
}

/* ---- lists of requests ---- */

void http_append(struct exchanges *list, struct exchange *exchange)
{
    exchange->before = list->last;
    exchange->next = NULL;
    *(list->last == NULL ? &list->first : &list->last->next) = exchange;
    list->last = exchange;
}

void http_unlink(struct exchanges *list, struct exchange *exchange)
{
    *(exchange->before == NULL ? &list->first : &exchange->before->next) = exchange->next;
    *(exchange->next == NULL ? &list->last : &exchange->next->before) = exchange->before;
}

/* ---- requests ---- */

struct span http_header(const struct exchange *exchange, const char *name)
{
    const char *value = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
    return value == NULL ? (struct span){0} : span_of(value);
}

struct gate_request http_ask_gate(const struct exchange *exchange)
{
    struct visit *visit = http_visit_of(exchange->connection);
    return (struct gate_request){.authorization = http_header(exchange, "Authorization"),
                                 .path = exchange->kind != UPLOAD_NONE
                                             ? upload_path(exchange->kind)
                                             : query_path(exchange->query.kind),
                                 .from = &visit->from,
                                 .spent_ns = &visit->spent_ns,
                                 .now_ms = (int64_t)uv_now(exchange->http->loop)};
}

/* What a request is for, once its headers are there. */
static void begin(struct exchange *exchange, const char *method)
{
    bool is_get = strcmp(method, MHD_HTTP_METHOD_GET) == 0;
    bool is_head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    bool is_post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
    bool is_allowed = is_get || is_head;
    char path[TARGET_PATH_BYTES_MAX];
    exchange->state = EXCHANGE_READS;
    exchange->target = target_read((struct span){exchange->sent.data, exchange->sent.len});
    target_spell(exchange->target.path, path);
    exchange->kind = upload_kind_of(span_of(path));
    exchange->query.kind = query_kind_of(exchange->target.path);
    exchange->asset = asset_find(path);
    exchange->is_about_ready = strcmp(path, "/readyz") == 0;
    if (exchange->kind != UPLOAD_NONE) {
        exchange->methods = upload_methods(exchange->kind);
        is_allowed = is_post || (is_get && strstr(exchange->methods, method) != NULL);
    } else if (exchange->query.kind != QUERY_NONE || exchange->asset != NULL ||
               exchange->is_about_ready || strcmp(path, "/healthz") == 0) {
        exchange->methods = "GET, HEAD";
    } else {
        exchange->status = MHD_HTTP_NOT_FOUND;
        exchange->why = "there is /owntracks, /osmand, /overland and /iamat, "
                        "/clients.geojson, /clients/ID, /nearby, /whatsat and /events";
        return;
    }
    if (!is_allowed) {
        exchange->status = MHD_HTTP_METHOD_NOT_ALLOWED;
        exchange->why = "this wants another method";
    } else if (exchange->kind != UPLOAD_NONE) {
        http_begin_upload(exchange);
    }
}

static enum MHD_Result answer(struct exchange *exchange)
{
    if (exchange->why != NULL)
        return http_refuse(exchange, exchange->status, exchange->why);
    if (exchange->status == MHD_HTTP_OK)
        return http_answer_upload(exchange);
    if (exchange->query.kind != QUERY_NONE)
        return http_show(exchange);
    if (exchange->asset != NULL)
        return http_give_asset(exchange);
    return exchange->kind == UPLOAD_NONE ? http_answer_health(exchange)
                                         : http_take_upload(exchange);
}

/* Its sender asks whether to send the body (RFC 9110, 10.1.1). Nobody else is refused before the
 * body was read: who still writes would lose the answer. */
static bool asks_before_body(const struct exchange *exchange)
{
    struct span expected = http_header(exchange, MHD_HTTP_HEADER_EXPECT);
    return expected.data != NULL && strcasecmp(expected.data, "100-continue") == 0;
}

/* Called when a request's headers are there, for each piece of its body, at its end, and once more
 * after it has waited. */
static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *piece,
                              size_t *piece_bytes, void **begun)
{
    struct exchange *exchange = *begun;
    (void)user, (void)path, (void)version;
    if (exchange->state == EXCHANGE_WAITS)
        return http_wait(exchange);
    exchange->http->is_busy = true;
    if (exchange->state == EXCHANGE_BEGINS) {
        begin(exchange, method);
        return exchange->why != NULL && asks_before_body(exchange) ? answer(exchange) : MHD_YES;
    }
    if (*piece_bytes > 0) {
        http_take_piece(exchange, (struct span){piece, *piece_bytes});
        *piece_bytes = 0;
        return MHD_YES;
    }
    http_give_time(http_visit_of(connection), exchange->http);
    return answer(exchange);
}

/* The first that is known of a request, and the only moment at which its query is as it was sent.
 */
static void *begin_exchange(void *user, const char *target, struct MHD_Connection *connection)
{
    struct exchange *exchange = bytes_zeroed(sizeof *exchange);
    exchange->http = user;
    exchange->connection = connection;
    buffer_append(&exchange->sent, span_of(target));
    return exchange;
}

static void end_exchange(void *user, struct MHD_Connection *connection, void **begun,
                         enum MHD_RequestTerminationCode code)
{
    struct http *http = user;
    struct exchange *exchange = *begun;
    (void)code;
    struct visit *visit = http_visit_of(connection);
    http_give_time(visit, http);
    if (exchange == NULL)
        return;
    http_show_end(exchange);
    http_end_upload(exchange);
    buffer_free(&exchange->sent);
    free(exchange);
    *begun = NULL;
}

/* ---- turns ---- */

static void look_around(uv_timer_t *timer)
{
    struct http *http = timer->data;
    gate_turn(&http->gate, http->relay, (int64_t)uv_now(http->loop));
    http_end_late(http);
}

static void on_due(uv_timer_t *timer)
{
    (void)timer; /* the turn does what is due */
}

static void on_daemon(uv_poll_t *poll, int status, int events)
{
    (void)poll, (void)status, (void)events;
}

void http_turn(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = UINT64_MAX;
    http_end_waiting(http, false);
    http_show_turn(http);
    http->is_busy = false;
    MHD_run(http->daemon);
    if (MHD_get_timeout(http->daemon, &wait_ms) != MHD_YES)
        wait_ms = UINT64_MAX;
    /* For those that wait without being suspended the library would not sleep. */
    if (wait_ms == 0 && http->waiting.first != NULL && !http->is_busy)
        wait_ms = 1;
    if (http->waiting.first != NULL) {
        uint64_t now_ms = uv_now(http->loop), due_ms = http->waiting.first->due_ms;
        uint64_t left_ms = due_ms > now_ms ? due_ms - now_ms : 0;
        wait_ms = left_ms < wait_ms ? left_ms : wait_ms;
    }
    if (wait_ms == UINT64_MAX)
        uv_timer_stop(&http->timer);
    else
        uv_timer_start(&http->timer, on_due, wait_ms, 0);
}

/* ---- start and stop ---- */

static struct MHD_Daemon *start_daemon(struct http *http, bool is_secure)
{
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(intptr_t)certificate_retrieve},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, TLS_VERSIONS},
        {MHD_OPTION_END, 0, NULL},
    };
    const struct MHD_OptionItem options[] = {
        {MHD_OPTION_CONNECTION_LIMIT, HTTP_VISITS_MAX, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_S, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_HEAD_BYTES_MAX, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)begin_exchange, http},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)end_exchange, http},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)http_note_connection, http},
        {MHD_OPTION_ARRAY, 0, is_secure ? tls : &tls[sizeof tls / sizeof *tls - 1]},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                                ONE_THREAD | (is_secure ? MHD_USE_TLS : 0),
                            0, NULL, NULL, handle, http, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

struct http *http_new(uv_loop_t *loop, const char *endpoint, bool is_secure, struct relay *relay,
                      struct fault *fault)
{
    struct http *http = bytes_zeroed(sizeof *http);
    http->loop = loop;
    http->relay = relay;
    gate_init(&http->gate);
    process_begin(&http->process);
    http->daemon = start_daemon(http, is_secure);
    if (http->daemon == NULL)
        fault_set(fault, "cannot serve HTTP: %s", strerror(errno));
    if (http->daemon == NULL || !http_listen(http, endpoint, fault)) {
        if (http->daemon != NULL)
            MHD_stop_daemon(http->daemon);
        free(http);
        return NULL;
    }
    uv_poll_init(loop, &http->poll,
                 MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
    uv_poll_start(&http->poll, UV_READABLE, on_daemon);
    uv_timer_init(loop, &http->timer);
    uv_timer_init(loop, &http->look);
    http->look.data = http;
    uv_timer_start(&http->look, look_around, LOOK_MS, LOOK_MS);
    return http;
}

void http_set_rules(struct http *http, struct access *rules)
{
    if (http->gate.rules != NULL || rules != NULL)
        http_show_forget(http);
    gate_take(&http->gate, rules);
    herd_hide_clients(http->herd, rules != NULL);
}

void http_set_node(struct http *http, struct door *door, struct herd *herd)
{
    http->door = door;
    http->herd = herd;
}

void http_stop(struct http *http)
{
    http->is_stopped = true;
    gate_release(&http->gate, http->relay, (int64_t)uv_now(http->loop));
    http_listen_stop(http);
    http_show_stop(http);
}

bool http_is_waiting(const struct http *http)
{
    return http->waiting.first != NULL || http->askers.first != NULL;
}

/* The library reads requests once more, and writes what it was told then with the next run. It ends
 * the process where one of its connections is suspended when it stops. */
void http_close(struct http *http)
{
    http->is_stopped = http->is_closing = true;
    http_end_waiting(http, true);
    http_show_stop(http);
    MHD_run(http->daemon);
    MHD_run(http->daemon);
    uv_close((uv_handle_t *)&http->poll, NULL);
    uv_close((uv_handle_t *)&http->timer, NULL);
    uv_close((uv_handle_t *)&http->look, NULL);
    http_listen_close(http);
    MHD_stop_daemon(http->daemon);
}

void http_free(struct http **http)
{
    if (*http == NULL)
        return;
    gate_free(&(*http)->gate);
    upload_free(&(*http)->upload);
    buffer_free(&(*http)->text);
    free(*http);
    *http = NULL;
}
