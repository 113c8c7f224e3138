#include "gateway/node/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* A client whose machine has vanished is noticed after about two minutes, not two hours. */
#define KEEPALIVE_IDLE_S     60
#define KEEPALIVE_INTERVAL_S 15
#define KEEPALIVE_PROBES     4

static bool set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* What is set here, every accepted connection inherits (tcp(7)). The last byte of TELNET's Synch
 * comes as urgent data, and without SO_OOBINLINE the IAC before it would swallow the byte after it
 * (RFC 854; RFC 1123, 3.2.4). */
static bool prepare(int fd)
{
    return set(fd, IPPROTO_TCP, TCP_NODELAY, 1) && set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
           set(fd, SOL_SOCKET, SO_OOBINLINE, 1) &&
           set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S) &&
           set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S) &&
           set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}

bool listener_open(struct listener *listener, uv_loop_t *loop,
                   const struct topology_endpoint *endpoint, listener_on_accept *on_accept,
                   void *host, char error[LISTENER_ERROR_BYTES_MAX])
{
    static const struct binding_options options = {
        .backlog = LISTENER_BACKLOG, .everywhere = true, .prepare = prepare};
    int fds[LISTENER_SOCKETS_MAX];
    char reason[BINDING_REASON_BYTES_MAX];
    *listener = (struct listener){.on_accept = on_accept, .host = host, .is_paused = true};
    listener->count = binding_listen(endpoint->text, &options, fds, reason);
    if (listener->count == 0)
        snprintf(error, LISTENER_ERROR_BYTES_MAX, "cannot take clients on %s: %s", endpoint->text,
                 reason);
    for (size_t i = 0; i < listener->count; i++) {
        struct listener_socket *socket = &listener->sockets[i];
        socket->listener = listener;
        socket->fd = fds[i];
        uv_poll_init(loop, &socket->poll, socket->fd);
    }
    return listener->count > 0;
}

/* The next connection that waits, non-blocking, and its "host:port"; -1 and errno as accept(2). */
static int accept_next(int socket, char address[LISTENER_ADDRESS_BYTES_MAX])
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    int fd = accept4(socket, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return -1;
    char host[LISTENER_ADDRESS_BYTES_MAX - sizeof "[]:65535"], port[sizeof "65535"];
    if (getnameinfo((struct sockaddr *)&peer, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        snprintf(address, LISTENER_ADDRESS_BYTES_MAX, "unknown address");
    else if (peer.ss_family == AF_INET6)
        snprintf(address, LISTENER_ADDRESS_BYTES_MAX, "[%s]:%s", host, port);
    else
        snprintf(address, LISTENER_ADDRESS_BYTES_MAX, "%s:%s", host, port);
    return fd;
}

static void pause_all(struct listener *listener)
{
    listener->is_paused = true;
    for (size_t i = 0; i < listener->count; i++)
        uv_poll_stop(&listener->sockets[i].poll);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener_socket *socket = (struct listener_socket *)poll;
    struct listener *listener = socket->listener;
    (void)status;
    (void)events;
    for (int i = 0; i < LISTENER_ACCEPT_BATCH; i++) {
        char address[LISTENER_ADDRESS_BYTES_MAX];
        int fd = accept_next(socket->fd, address);
        if (fd >= 0) {
            listener->on_accept(listener->host, fd, address);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            listener->faults++;
            pause_all(listener);
            return;
        } /* Anything else concerns only that one connection (accept(2)). */
    }
}

void listener_resume(struct listener *listener)
{
    if (!listener->is_paused)
        return;
    listener->is_paused = false;
    for (size_t i = 0; i < listener->count; i++)
        uv_poll_start(&listener->sockets[i].poll, UV_READABLE, on_readable);
}

void listener_close(struct listener *listener)
{
    for (size_t i = 0; i < listener->count; i++) {
        uv_close((uv_handle_t *)&listener->sockets[i].poll, NULL);
        close(listener->sockets[i].fd);
    }
    listener->count = 0;
}

void listener_refuse(int fd)
{
    static const char text[] = "? too many connections\n";
    char unread[512];
    send(fd, text, sizeof text - 1, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    /* Closing with unread bytes would reset the connection, and the line with it. */
    (void)!recv(fd, unread, sizeof unread, 0);
    close(fd);
}

size_t listener_room(size_t max)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    size_t all = limit.rlim_cur > max ? max : (size_t)limit.rlim_cur;
    size_t reserve = all / 4 < LISTENER_RESERVE ? all / 4 : LISTENER_RESERVE;
    int lowest_free = dup(STDERR_FILENO);
    if (lowest_free < 0)
        return 0;
    close(lowest_free);
    size_t taken = (size_t)lowest_free + reserve;
    return taken < all ? all - taken : 0;
}
