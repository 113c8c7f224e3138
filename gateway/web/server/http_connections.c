/* Who is connected to zherd-web, and how long a request may still take. */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/web/server/http_state.h"

/* Connections that are taken in one turn, of each socket. */
#define ACCEPTED_MAX 64
/* After there was no descriptor, or no room. */
#define ACCEPT_PAUSE_MS 100

/* ---- visits ----
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

struct visit *http_visit_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* The next request may take so long, and its answer again, however long its connection rested. */
void http_give_time(struct visit *visit, const struct http *http)
{
    if (!visit->is_ended)
        visit->due_ms = uv_now(http->loop) + HTTP_REQUEST_MS_MAX;
}

void http_end_late(struct http *http)
{
    find_ended(http);
    for (size_t i = 0; i < HTTP_VISITS_MAX; i++)
        if (http->visits[i].is_there && http->visits[i].due_ms <= uv_now(http->loop))
            shutdown(http->visits[i].fd, SHUT_RDWR);
}

void http_note_connection(void *user, struct MHD_Connection *connection, void **context,
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

/* ---- those that come ---- */

static void on_listener(uv_poll_t *poll, int status, int events);

static void listen_again(uv_timer_t *timer)
{
    struct http *http = timer->data;
    for (size_t i = 0; i < http->listener_count && !http->is_stopped; i++)
        uv_poll_start(&http->listeners[i].poll, UV_READABLE, on_listener);
}

static void pause_listening(struct http *http)
{
    http_listen_stop(http);
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

bool http_listen(struct http *http, const char *endpoint, struct fault *fault)
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
    uv_timer_init(http->loop, &http->pause);
    http->pause.data = http;
    listen_again(&http->pause);
    return true;
}

void http_listen_stop(struct http *http)
{
    for (size_t i = 0; i < http->listener_count; i++)
        uv_poll_stop(&http->listeners[i].poll);
}

void http_listen_close(struct http *http)
{
    uv_close((uv_handle_t *)&http->pause, NULL);
    for (size_t i = 0; i < http->listener_count; i++) {
        uv_close((uv_handle_t *)&http->listeners[i].poll, NULL);
        close(http->listeners[i].fd);
    }
}
