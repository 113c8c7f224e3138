#include "gateway/listen.h"

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
static bool set_options(int fd, int family, bool both_families)
{
    return set(fd, SOL_SOCKET, SO_REUSEADDR, 1) && set(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
           set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) && set(fd, SOL_SOCKET, SO_OOBINLINE, 1) &&
           set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S) &&
           set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S) &&
           set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES) &&
           (family != AF_INET6 || set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !both_families));
}

/* A listening socket, or -1 and errno. */
static int listen_at(const struct addrinfo *address, bool both_families)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (set_options(fd, address->ai_family, both_families) &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
        return fd;
    int fault = errno;
    close(fd);
    errno = fault;
    return -1;
}

/* An address family or address this machine does not have. */
static bool is_absent(int fault)
{
    return fault == EAFNOSUPPORT || fault == EADDRNOTAVAIL;
}

static size_t listen_at_all(const struct addrinfo *addresses, int family, bool both_families,
                            int sockets[LISTEN_SOCKETS_MAX], int *fault)
{
    size_t count = 0;
    *fault = 0;
    for (const struct addrinfo *at = addresses; at != NULL && count < LISTEN_SOCKETS_MAX;
         at = at->ai_next) {
        if (family != AF_UNSPEC && at->ai_family != family)
            continue;
        int fd = listen_at(at, both_families);
        if (fd >= 0) {
            sockets[count++] = fd;
            continue;
        }
        *fault = errno;
        if (is_absent(errno))
            continue;
        while (count > 0)
            close(sockets[--count]);
        return 0;
    }
    return count;
}

size_t listen_open(const struct topology_endpoint *endpoint, int sockets[LISTEN_SOCKETS_MAX],
                   char error[LISTEN_ERROR_BYTES_MAX])
{
    bool everywhere = strcmp(endpoint->host, "*") == 0;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    char port[sizeof "65535"];
    snprintf(port, sizeof port, "%u", endpoint->port);
    int unknown = getaddrinfo(everywhere ? NULL : endpoint->host, port, &hints, &addresses);
    if (unknown != 0) {
        snprintf(error, LISTEN_ERROR_BYTES_MAX, "cannot take clients on %s: %s", endpoint->text,
                 gai_strerror(unknown));
        return 0;
    }
    /* One IPv6 socket takes both families; a machine without IPv6 gets one for IPv4. */
    int fault;
    size_t count =
        listen_at_all(addresses, everywhere ? AF_INET6 : AF_UNSPEC, everywhere, sockets, &fault);
    if (count == 0 && everywhere && (fault == 0 || is_absent(fault)))
        count = listen_at_all(addresses, AF_INET, false, sockets, &fault);
    if (count == 0)
        snprintf(error, LISTEN_ERROR_BYTES_MAX, "cannot take clients on %s: %s", endpoint->text,
                 strerror(fault));
    freeaddrinfo(addresses);
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
