#include "gateway/web/server/http.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/web/server/certificate.h"
#include "gateway/web/server/http_state.h"
#include "topology/process_figures.h"

/* Connections that are taken in one turn, of each socket. */
#define ACCEPTED_MAX 64
/* After there was no descriptor, or no room. */
#define ACCEPT_PAUSE_MS 100
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

static const char json[] = "application/json";

static_assert(UPLOAD_POSITIONS_MAX <= RELAY_CLIENTS_MAX, "or it is refused whenever it comes");

/* ---- who is connected, and how long a request may still take ----
 *
 * The library limits silence only, and whoever sends a byte a second is never silent; and its limit
 * for an address takes each one of IPv6 for another host. Who is late is shut down here, and the
 * library then finds the connection closed. */

static struct visit *begin_visit(struct http *http, int fd, const struct sockaddr *at)
{
    size_t i = 0;
    while (i < HTTP_VISITS_MAX && http->visits[i].is_there)
        i++;
    assert(i < HTTP_VISITS_MAX);
    http->visit_count++;
    http->visits[i] = (struct visit){.is_there = true,
                                     .fd = fd,
                                     .due_ms = uv_now(http->loop) + HTTP_REQUEST_MS_MAX,
                                     .who = network_address_host(at),
                                     .from = network_address_of(at)};
    return &http->visits[i];
}

bool http_has_share(const struct http *http, const struct network_address *who,
                    bool has(const struct visit *visit), unsigned most)
{
    unsigned count = 0;
    most = network_address_is_loopback(who) ? most * HTTP_LOOPBACK_TENTHS / 10 : most / 2;
    for (size_t i = 0; i < HTTP_VISITS_MAX; i++) {
        const struct visit *visit = &http->visits[i];
        count += visit->is_there && has(visit) && memcmp(&visit->who, who, sizeof *who) == 0;
    }
    return count >= most;
}

static bool is_no_viewer(const struct visit *visit)
{
    return visit->viewer == NULL;
}

/* Who has ended its half of the connection waits for an answer at most. The library, with epoll,
 * does not always notice an end that came together with bytes. */
static void find_ended(struct http *http)
{
    struct pollfd fds[HTTP_VISITS_MAX];
    for (size_t i = 0; i < HTTP_VISITS_MAX; i++) {
        const struct visit *visit = &http->visits[i];
        fds[i] = (struct pollfd){.fd = visit->is_there && !visit->is_ended ? visit->fd : -1,
                                 .events = POLLRDHUP};
    }
    if (poll(fds, HTTP_VISITS_MAX, 0) <= 0)
        return;
    for (size_t i = 0; i < HTTP_VISITS_MAX; i++)
        if (fds[i].revents != 0) {
            http->visits[i].is_ended = true;
            http->visits[i].due_ms = uv_now(http->loop) + 2 * HTTP_ANSWER_MS_MAX;
            if (http->visits[i].viewer != NULL)
                http_wake(http->visits[i].viewer);
        }
}

static void look_around(uv_timer_t *timer)
{
    struct http *http = timer->data;
    gate_turn(&http->gate, http->relay, (int64_t)uv_now(http->loop));
    find_ended(http);
    for (size_t i = 0; i < HTTP_VISITS_MAX; i++)
        if (http->visits[i].is_there && http->visits[i].due_ms <= uv_now(http->loop))
            shutdown(http->visits[i].fd, SHUT_RDWR);
}

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

static void set_text(struct http *http, const char *text)
{
    http->text.len = 0;
    buffer_append(&http->text, span_of(text));
}

enum MHD_Result http_refuse(struct exchange *exchange, unsigned status, const char *text)
{
    exchange->http->count.refused++;
    set_text(exchange->http, text);
    return http_queue(exchange, status, json);
}

static enum MHD_Result answer_upload(struct exchange *exchange)
{
    struct http *http = exchange->http;
    struct upload taken = {.accepted = exchange->accepted};
    http->text.len = 0;
    if (!http_tell_friends(exchange))
        upload_answer(exchange->kind, &taken, &http->text);
    return http_queue(exchange, MHD_HTTP_OK, json);
}

/* ---- those that wait for the node ---- */

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

static enum MHD_Result begin_to_wait(struct exchange *exchange)
{
    struct http *http = exchange->http;
    exchange->state = EXCHANGE_WAITS;
    exchange->due_ms = uv_now(http->loop) + HTTP_ANSWER_MS_MAX;
    http_append(&http->waiting, exchange);
    MHD_suspend_connection(exchange->connection);
    return MHD_YES;
}

/* The library then asks once more what to answer. */
static void end_waiting(struct exchange *exchange)
{
    http_unlink(&exchange->http->waiting, exchange);
    exchange->state = EXCHANGE_READS;
    exchange->status = MHD_HTTP_OK;
    MHD_resume_connection(exchange->connection);
}

static void end_all_waiting(struct http *http, bool at_once)
{
    uint64_t answered = relay_answered(http->relay), now_ms = uv_now(http->loop);
    for (struct exchange *exchange = http->waiting.first, *next; exchange != NULL;
         exchange = next) {
        next = exchange->next;
        if (at_once || exchange->number <= answered || exchange->due_ms <= now_ms)
            end_waiting(exchange);
    }
}

/* What goes out again has other numbers: answers to it are none for those that wait. */
void http_lose_node(struct http *http)
{
    uint64_t answered = relay_answered(http->relay);
    for (struct exchange *exchange = http->waiting.first; exchange != NULL;
         exchange = exchange->next)
        if (exchange->number > answered)
            exchange->number = UINT64_MAX;
}

/* ---- requests ---- */

struct span http_header(const struct exchange *exchange, const char *name)
{
    const char *value = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
    return value == NULL ? (struct span){0} : span_of(value);
}

struct visit *http_visit_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Of a body's memory, what all bodies have a limit for. */
static size_t counted(size_t capacity)
{
    return capacity > HTTP_SMALL_BODY_BYTES_MAX ? capacity : 0;
}

/* Its memory was `before`. */
static void count_body(const struct exchange *exchange, size_t before)
{
    size_t more = counted(exchange->body.capacity) - counted(before); /* or less */
    exchange->http->body_bytes += more;
    http_visit_of(exchange->connection)->body_bytes += more;
}

static void free_body(struct exchange *exchange)
{
    size_t before = exchange->body.capacity;
    buffer_free(&exchange->body);
    count_body(exchange, before);
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

/* A good request is answered when the node has; an answer that is known is given. */
static enum MHD_Result take_request(struct exchange *exchange)
{
    struct http *http = exchange->http;
    struct upload *upload = &http->upload;
    struct gate_request ask = http_ask_gate(exchange);
    struct upload_request request = {
        .kind = exchange->kind,
        .query = http_query(exchange),
        .body = {exchange->body.data, exchange->body.len},
        .limit_user = http_header(exchange, "X-Limit-U"),
        .limit_device = http_header(exchange, "X-Limit-D"),
    };
    if (http->is_closing)
        return http_refuse(exchange, MHD_HTTP_SERVICE_UNAVAILABLE,
                           "{\"error\":\"zherd-web ends\"}\n");
    unsigned status =
        gate_upload(&http->gate, &ask, &request, http->relay, upload, &exchange->number);
    free_body(exchange);
    if (status != MHD_HTTP_OK) {
        http->text.len = 0;
        upload_answer(exchange->kind, upload, &http->text);
        http->count.refused++;
        return http_queue(exchange, status, json);
    }
    exchange->accepted = upload->accepted;
    http->count.accepted += upload->accepted;
    http->count.skipped += upload->skipped;
    http_note_client(exchange);
    return upload->lines.len > 0 ? begin_to_wait(exchange) : answer_upload(exchange);
}

/* A stranger's body is not kept. */
static void ask_for_token(struct exchange *exchange)
{
    const struct access_person *person;
    struct gate_request ask = http_ask_gate(exchange);
    if (exchange->status == 0 && !gate_find(&exchange->http->gate, &ask, &person))
        exchange->status = MHD_HTTP_UNAUTHORIZED;
}

/* The next request may take so long, and its answer again, however long its connection rested. */
static void give_time(struct visit *visit, const struct http *http)
{
    if (!visit->is_ended)
        visit->due_ms = uv_now(http->loop) + HTTP_REQUEST_MS_MAX;
}

/* What a request is for, once its headers are there. Nothing is answered before its body was read:
 * who still writes would lose the answer. */
static void begin(struct exchange *exchange, const char *path, const char *method)
{
    bool is_get = strcmp(method, MHD_HTTP_METHOD_GET) == 0;
    bool is_head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    bool is_post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
    exchange->state = EXCHANGE_READS;
    exchange->kind = upload_kind_of(span_of(path));
    exchange->query.kind = query_kind_of(http_path(exchange));
    exchange->asset = asset_find(path);
    exchange->is_about_ready = strcmp(path, "/readyz") == 0;
    if (exchange->kind != UPLOAD_NONE) {
        exchange->methods = upload_methods(exchange->kind);
        exchange->status = is_post || (is_get && strstr(exchange->methods, method) != NULL)
                               ? 0
                               : MHD_HTTP_METHOD_NOT_ALLOWED;
        ask_for_token(exchange);
    } else if (exchange->query.kind != QUERY_NONE || exchange->asset != NULL ||
               exchange->is_about_ready || strcmp(path, "/healthz") == 0) {
        exchange->methods = "GET, HEAD";
        exchange->status = is_get || is_head ? 0 : MHD_HTTP_METHOD_NOT_ALLOWED;
    } else {
        exchange->status = MHD_HTTP_NOT_FOUND;
    }
}

/* Room is taken by what a body's memory grows, not by the bytes that came. */
static bool has_room(const struct exchange *exchange, size_t bytes)
{
    const struct http *http = exchange->http;
    const struct network_address *who = &http_visit_of(exchange->connection)->who;
    size_t of_address = 0, more = counted(buffer_capacity(&exchange->body, bytes)) -
                                  counted(exchange->body.capacity);
    if (more == 0 || more > HTTP_BODIES_BYTES_MAX - http->body_bytes)
        return more == 0;
    for (size_t i = 0; i < HTTP_VISITS_MAX; i++) {
        const struct visit *visit = &http->visits[i];
        if (visit->is_there && memcmp(&visit->who, who, sizeof *who) == 0)
            of_address += visit->body_bytes;
    }
    return more <= HTTP_ADDRESS_BODIES_BYTES_MAX - of_address;
}

/* A body in pieces. Of one that is too large, or for which there is no room, the rest is read and
 * dropped, so that its sender reads the answer. */
static void take_piece(struct exchange *exchange, struct span piece)
{
    if (exchange->status != 0 || exchange->kind == UPLOAD_NONE)
        return;
    size_t before = exchange->body.capacity;
    if (piece.len > UPLOAD_BODY_BYTES_MAX - exchange->body.len) {
        exchange->status = MHD_HTTP_CONTENT_TOO_LARGE;
    } else if (!has_room(exchange, piece.len) || !buffer_try_append(&exchange->body, piece)) {
        exchange->status = MHD_HTTP_SERVICE_UNAVAILABLE;
    }
    count_body(exchange, before);
    if (exchange->status != 0)
        free_body(exchange);
}

static enum MHD_Result answer(struct exchange *exchange)
{
    switch (exchange->status) {
    case 0:
        if (exchange->query.kind != QUERY_NONE)
            return http_show(exchange);
        if (exchange->asset != NULL)
            return http_give_asset(exchange);
        return exchange->kind == UPLOAD_NONE ? http_answer_health(exchange)
                                             : take_request(exchange);
    case MHD_HTTP_OK:
        return answer_upload(exchange);
    case MHD_HTTP_NOT_FOUND:
        return http_refuse(exchange, exchange->status,
                           "{\"error\":\"there is /owntracks, /osmand, /overland and /iamat, "
                           "/clients.geojson, /clients/ID, /nearby, /whatsat and /events\"}\n");
    case MHD_HTTP_UNAUTHORIZED:
        return http_refuse(exchange, exchange->status, "{\"error\":\"this is nobody's token\"}\n");
    case MHD_HTTP_METHOD_NOT_ALLOWED:
        return http_refuse(exchange, exchange->status,
                           "{\"error\":\"this wants another method\"}\n");
    case MHD_HTTP_CONTENT_TOO_LARGE:
        return http_refuse(exchange, exchange->status, "{\"error\":\"a body has up to 4 MiB\"}\n");
    default:
        return http_refuse(exchange, exchange->status,
                           "{\"error\":\"too many bodies are being read\"}\n");
    }
}

/* Called when a request's headers are there, for each piece of its body, at its end, and once more
 * after it has waited. */
static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *piece,
                              size_t *piece_bytes, void **begun)
{
    struct exchange *exchange = *begun;
    (void)user, (void)connection, (void)version;
    if (exchange->state == EXCHANGE_BEGINS) {
        begin(exchange, path, method);
        return MHD_YES;
    }
    if (*piece_bytes > 0) {
        take_piece(exchange, (struct span){piece, *piece_bytes});
        *piece_bytes = 0;
        return MHD_YES;
    }
    give_time(http_visit_of(connection), exchange->http);
    return answer(exchange);
}

/* The first that is known of a request, and the only moment at which its query is as it was sent.
 */
static void *begin_exchange(void *user, const char *target, struct MHD_Connection *connection)
{
    struct exchange *exchange = bytes_zeroed(sizeof *exchange);
    exchange->http = user;
    exchange->connection = connection;
    buffer_append(&exchange->target, span_of(target));
    return exchange;
}

static void end_exchange(void *user, struct MHD_Connection *connection, void **begun,
                         enum MHD_RequestTerminationCode code)
{
    struct http *http = user;
    struct exchange *exchange = *begun;
    (void)code;
    struct visit *visit = http_visit_of(connection);
    give_time(visit, http);
    if (exchange == NULL)
        return;
    if (exchange->state == EXCHANGE_WAITS)
        http_unlink(&http->waiting, exchange);
    http_show_end(exchange);
    free_body(exchange);
    buffer_free(&exchange->target);
    buffer_free(&exchange->client);
    free(exchange);
    *begun = NULL;
}

/* ---- connections ---- */

static void note_connection(void *user, struct MHD_Connection *connection, void **context,
                            enum MHD_ConnectionNotificationCode code)
{
    struct http *http = user;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = begin_visit(
            http,
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    } else {
        ((struct visit *)*context)->is_there = false;
        http->visit_count--;
    }
}

static void on_listener(uv_poll_t *poll, int status, int events);

static void listen_again(uv_timer_t *timer)
{
    struct http *http = timer->data;
    for (size_t i = 0; i < http->listener_count && !http->is_stopped; i++)
        uv_poll_start(&http->listeners[i].poll, UV_READABLE, on_listener);
}

static void pause_listening(struct http *http)
{
    for (size_t i = 0; i < http->listener_count; i++)
        uv_poll_stop(&http->listeners[i].poll);
    uv_timer_start(&http->pause, listen_again, ACCEPT_PAUSE_MS, 0);
}

/* An address that has its share is closed at once. */
static void take_connection(struct http *http, int fd, const struct sockaddr *at, socklen_t bytes)
{
    static const int on = 1;
    struct network_address who = network_address_host(at);
    if (http_has_share(http, &who, is_no_viewer, HTTP_CONNECTIONS_MAX)) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    MHD_add_connection(http->daemon, fd, at, bytes); /* closes it where it fails */
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    struct http *http = listener->http;
    (void)status, (void)events;
    for (int i = 0; i < ACCEPTED_MAX; i++) {
        struct sockaddr_storage at;
        socklen_t bytes = sizeof at;
        if (http->visit_count >= HTTP_CONNECTIONS_MAX) { /* more where viewers end */
            pause_listening(http);
            return;
        }
        int fd =
            accept4(listener->fd, (struct sockaddr *)&at, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
            pause_listening(http);
        if (fd < 0)
            return;
        take_connection(http, fd, (const struct sockaddr *)&at, bytes);
    }
}

/* ---- turns ---- */

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
    end_all_waiting(http, false);
    http_show_turn(http);
    MHD_run(http->daemon);
    if (MHD_get_timeout(http->daemon, &wait_ms) != MHD_YES)
        wait_ms = UINT64_MAX;
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

static bool listen_at(struct http *http, const char *endpoint, struct fault *fault)
{
    static const struct binding_options options = {.backlog = SOMAXCONN, .everywhere = true};
    int fds[BINDING_SOCKETS_MAX];
    http->listener_count = binding_listen(endpoint, &options, fds, fault);
    if (http->listener_count == 0)
        return fault_set(fault, "cannot listen at %s: %s", endpoint, fault->text);
    for (size_t i = 0; i < http->listener_count; i++) {
        struct listener *listener = &http->listeners[i];
        listener->http = http;
        listener->fd = fds[i];
        uv_poll_init(http->loop, &listener->poll, listener->fd);
        listener->poll.data = listener;
    }
    return true;
}

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
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)note_connection, http},
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
    if (http->daemon == NULL || !listen_at(http, endpoint, fault)) {
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
    uv_timer_init(loop, &http->pause);
    http->look.data = http->pause.data = http;
    uv_timer_start(&http->look, look_around, LOOK_MS, LOOK_MS);
    listen_again(&http->pause);
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
    for (size_t i = 0; i < http->listener_count; i++)
        uv_poll_stop(&http->listeners[i].poll);
    http_show_stop(http);
}

bool http_is_waiting(const struct http *http)
{
    return http->waiting.first != NULL || http->askers.first != NULL;
}

/* The library reads requests once more, and ends the process where one of its connections is
 * suspended when it stops. */
void http_close(struct http *http)
{
    http->is_stopped = http->is_closing = true;
    end_all_waiting(http, true);
    http_show_stop(http);
    MHD_run(http->daemon);
    uv_close((uv_handle_t *)&http->poll, NULL);
    uv_close((uv_handle_t *)&http->timer, NULL);
    uv_close((uv_handle_t *)&http->look, NULL);
    uv_close((uv_handle_t *)&http->pause, NULL);
    for (size_t i = 0; i < http->listener_count; i++) {
        uv_close((uv_handle_t *)&http->listeners[i].poll, NULL);
        close(http->listeners[i].fd);
    }
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
