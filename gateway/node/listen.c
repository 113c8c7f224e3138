#include "gateway/node/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
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

size_t listen_open(const struct topology_endpoint *endpoint, int sockets[LISTEN_SOCKETS_MAX],
                   char error[LISTEN_ERROR_BYTES_MAX])
{
    static const struct binding_options options = {
        .backlog = LISTEN_BACKLOG, .everywhere = true, .prepare = prepare};
    char reason[BINDING_REASON_BYTES_MAX];
    size_t count = binding_listen(endpoint->text, &options, sockets, reason);
    if (count == 0)
        snprintf(error, LISTEN_ERROR_BYTES_MAX, "cannot take clients on %s: %s", endpoint->text,
                 reason);
    return count;
}

int listen_accept(int socket, char address[LISTEN_ADDRESS_BYTES_MAX])
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    int fd = accept4(socket, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return -1;
    char host[LISTEN_ADDRESS_BYTES_MAX - sizeof "[]:65535"], port[sizeof "65535"];
    if (getnameinfo((struct sockaddr *)&peer, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        snprintf(address, LISTEN_ADDRESS_BYTES_MAX, "unknown address");
    else if (peer.ss_family == AF_INET6)
        snprintf(address, LISTEN_ADDRESS_BYTES_MAX, "[%s]:%s", host, port);
    else
        snprintf(address, LISTEN_ADDRESS_BYTES_MAX, "%s:%s", host, port);
    return fd;
}

void listen_refuse(int fd)
{
    static const char text[] = "? too many connections\n";
    char unread[512];
    send(fd, text, sizeof text - 1, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    /* Closing with unread bytes would reset the connection, and the line with it. */
    (void)!recv(fd, unread, sizeof unread, 0);
    close(fd);
}
