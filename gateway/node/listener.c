#include "gateway/node/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* What is set here, every accepted connection inherits (tcp(7)). */
static const struct binding_socket_option socket_options[] = {
    {SOL_SOCKET, SO_RCVBUF, LISTENER_RECEIVE_BYTES},
    {SOL_SOCKET, SO_SNDBUF, LISTENER_SEND_BYTES},
    {IPPROTO_TCP, TCP_NODELAY, 1}, /* a turn writes all replies at once: nothing to gather */
    /* The last byte of TELNET's Synch comes as urgent data; without this the IAC before it would
     * swallow the byte after it (RFC 854; RFC 1123, 3.2.4). */
    {SOL_SOCKET, SO_OOBINLINE, 1},
    /* A client whose machine has vanished is noticed after two minutes, not two hours. */
    {SOL_SOCKET, SO_KEEPALIVE, 1},
    {IPPROTO_TCP, TCP_KEEPIDLE, 60},  /* s: the first probe after this silence, */
    {IPPROTO_TCP, TCP_KEEPINTVL, 15}, /* s: the next one after this, */
    {IPPROTO_TCP, TCP_KEEPCNT, 4},    /* and the connection ends after this many */
    /* The last one, of listener_open_beside alone, and only until it listens: another process of
     * this user could take the port, too. */
    {SOL_SOCKET, SO_REUSEPORT, 1},
};

/* But the last. */
#define SOCKET_OPTIONS (sizeof socket_options / sizeof *socket_options - 1)

struct listener_socket {
    uv_poll_t poll; /* first: the handle's address is the socket's */
    struct listener *listener;
    int fd;
};

struct listener {
    uv_loop_t *loop;
    char endpoint[TOPOLOGY_ENDPOINT_BYTES_MAX + 1];
    uint16_t port; /* its own */
    struct listener_socket sockets[LISTENER_SOCKETS_MAX];
    size_t count, closing; /* sockets, and those of them that the loop still knows */
    bool is_paused, is_adopted;
    uint64_t *faults;
    listener_on_accept *on_accept;
    void *host;
};

/* Whoever does not know one of them is served without. */
static void set_options(int fd)
{
    for (size_t i = 0; i < SOCKET_OPTIONS; i++)
        setsockopt(fd, socket_options[i].level, socket_options[i].name, &socket_options[i].value,
                   sizeof socket_options[i].value);
}

/* How many. */
static size_t listen_ourselves(const struct topology_endpoint *endpoint, bool shares, int *fds,
                               struct fault *fault)
{
    const struct binding_options options = {.backlog = LISTENER_BACKLOG,
                                            .everywhere = true,
                                            .socket_options = socket_options,
                                            .socket_option_count = SOCKET_OPTIONS + shares};
    return binding_listen(endpoint->text, &options, fds, fault);
}

static size_t adopt(const struct topology_endpoint *endpoint, const struct activation *adopted,
                    int *fds, struct fault *fault)
{
    if (!binding_matches(endpoint->text, adopted->sockets, adopted->count, fault))
        return 0;
    memcpy(fds, adopted->sockets, adopted->count * sizeof *fds);
    for (size_t i = 0; i < adopted->count; i++)
        set_options(fds[i]);
    return adopted->count;
}

static bool is_at_port(int fd, uint16_t port)
{
    struct sockaddr_storage at = {0};
    socklen_t size = sizeof at;
    if (getsockname(fd, (struct sockaddr *)&at, &size) != 0)
        return false;
    return ntohs(at.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&at)->sin6_port
                                          : ((const struct sockaddr_in *)&at)->sin_port) == port;
}

struct activation listener_pick(const struct activation *adopted, uint16_t port, bool is_other)
{
    struct activation picked = {0};
    for (size_t i = 0; adopted != NULL && i < adopted->count; i++)
        if (is_at_port(adopted->sockets[i], port) != is_other)
            picked.sockets[picked.count++] = adopted->sockets[i];
    return picked;
}

static struct listener *new_listener(uv_loop_t *loop, const struct topology_endpoint *endpoint,
                                     const int *fds, size_t count)
{
    struct listener *listener = bytes_zeroed(sizeof *listener);
    listener->loop = loop;
    listener->is_paused = true;
    listener->count = count;
    listener->port = endpoint->port;
    strcpy(listener->endpoint, endpoint->text);
    for (size_t i = 0; i < count; i++) {
        struct listener_socket *socket = &listener->sockets[i];
        socket->listener = listener;
        socket->fd = fds[i];
        uv_poll_init(loop, &socket->poll, socket->fd);
    }
    return listener;
}

static void complain(const struct topology_endpoint *endpoint, struct fault *fault)
{
    fault_set(fault, "cannot take clients on %s: %s", endpoint->text, fault->text);
}

struct listener *listener_open(uv_loop_t *loop, const struct topology_endpoint *endpoint,
                               const struct activation *adopted, listener_on_accept *on_accept,
                               void *host, uint64_t *faults, struct fault *fault)
{
    int fds[LISTENER_SOCKETS_MAX];
    bool is_adopted = adopted != NULL && adopted->count > 0;
    size_t count = is_adopted ? adopt(endpoint, adopted, fds, fault)
                              : listen_ourselves(endpoint, false, fds, fault);
    if (count == 0) {
        complain(endpoint, fault);
        return NULL;
    }
    struct listener *listener = new_listener(loop, endpoint, fds, count);
    listener->is_adopted = is_adopted;
    listener->on_accept = on_accept;
    listener->host = host;
    listener->faults = faults;
    return listener;
}

/* Two sockets of one port whose addresses overlap may listen where both say so, the first one even
 * after it was bound (socket(7), SO_REUSEPORT). */
static void share_port(const int *fds, size_t count, int shares)
{
    for (size_t i = 0; i < count; i++)
        setsockopt(fds[i], SOL_SOCKET, SO_REUSEPORT, &shares, sizeof shares);
}

struct listener *listener_open_beside(struct listener *before,
                                      const struct topology_endpoint *endpoint, struct fault *fault)
{
    int fds[LISTENER_SOCKETS_MAX], fds_before[LISTENER_SOCKETS_MAX];
    for (size_t i = 0; i < before->count; i++)
        fds_before[i] = before->sockets[i].fd;
    /* Another port may be that of somebody who shares it, too: there it is taken, as at a start. */
    bool shares = before->port == endpoint->port;
    share_port(fds_before, before->count, shares);
    size_t count = listen_ourselves(endpoint, shares, fds, fault);
    share_port(fds_before, before->count, 0);
    share_port(fds, count, 0);
    if (count == 0) {
        complain(endpoint, fault);
        return NULL;
    }
    struct listener *listener = new_listener(before->loop, endpoint, fds, count);
    listener->on_accept = before->on_accept;
    listener->host = before->host;
    listener->faults = before->faults;
    return listener;
}

const char *listener_endpoint(const struct listener *listener)
{
    return listener->endpoint;
}

bool listener_is_adopted(const struct listener *listener)
{
    return listener->is_adopted;
}

/* The next connection that waits, non-blocking, and where it is from; -1 and errno as accept(2). */
static int accept_next(int socket, struct network_address *from,
                       char address[LISTENER_ADDRESS_BYTES_MAX])
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
    *from = network_address_of((struct sockaddr *)&peer);
    return fd;
}

static void pause_all(struct listener *listener)
{
    listener->is_paused = true;
    for (size_t i = 0; i < listener->count; i++)
        uv_poll_stop(&listener->sockets[i].poll);
}

/* Some of those that wait; false where no more do, or the system gives none. */
static bool accept_some(struct listener_socket *socket)
{
    struct listener *listener = socket->listener;
    for (int i = 0; i < LISTENER_ACCEPT_BATCH; i++) {
        char address[LISTENER_ADDRESS_BYTES_MAX];
        struct network_address from;
        int fd = accept_next(socket->fd, &from, address);
        if (fd >= 0) {
            /* It may have come before the options were set. */
            if (listener->is_adopted)
                set_options(fd);
            listener->on_accept(listener->host, fd, &from, address);
        } else if (errno == EAGAIN) {
            return false;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            (*listener->faults)++;
            pause_all(listener);
            return false;
        } /* Anything else concerns only that one connection (accept(2)). */
    }
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    accept_some((struct listener_socket *)poll);
}

void listener_empty(struct listener *listener)
{
    for (size_t i = 0; i < listener->count; i++)
        for (int taken = 0; taken < LISTENER_BACKLOG; taken += LISTENER_ACCEPT_BATCH)
            if (!accept_some(&listener->sockets[i]))
                break;
}

void listener_resume(struct listener *listener)
{
    if (!listener->is_paused)
        return;
    listener->is_paused = false;
    for (size_t i = 0; i < listener->count; i++)
        uv_poll_start(&listener->sockets[i].poll, UV_READABLE, on_readable);
}

static void on_closed(uv_handle_t *handle)
{
    struct listener *listener = ((struct listener_socket *)handle)->listener;
    if (--listener->closing == 0)
        free(listener);
}

void listener_close(struct listener **pointer)
{
    struct listener *listener = *pointer;
    *pointer = NULL;
    if (listener == NULL)
        return;
    listener->closing = listener->count;
    for (size_t i = 0; i < listener->count; i++) {
        uv_close((uv_handle_t *)&listener->sockets[i].poll, on_closed);
        close(listener->sockets[i].fd);
    }
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

bool listener_divide(size_t neighbours, size_t clients_max,
                     struct client_limits_descriptors *shares)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    int lowest_free = dup(STDERR_FILENO);
    if (lowest_free < 0)
        return false;
    close(lowest_free);
    return client_limits_divide_descriptors(limit.rlim_cur, (size_t)lowest_free, neighbours,
                                            clients_max, shares);
}
