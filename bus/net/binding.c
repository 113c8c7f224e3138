#include "bus/net/binding.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus/net/holder.h"

/* An address family or an address that this machine does not have. */
static bool is_absent(int fault)
{
    return fault == EAFNOSUPPORT || fault == EADDRNOTAVAIL || fault == ENODEV;
}

/* Without "tcp://" and the port. */
static int host_bytes(const char *address)
{
    return (int)(strrchr(address, ':') - address);
}

static void say_elsewhere(const struct resolve_addresses *addresses,
                          char reason[BINDING_REASON_BYTES_MAX])
{
    size_t used = 0, scheme = strlen("tcp://");
    for (size_t i = 0; i < addresses->count; i++) {
        const char *address = addresses->endpoints[i] + scheme;
        used += (size_t)snprintf(reason + used, BINDING_REASON_BYTES_MAX - used, "%s%.*s",
                                 i > 0 ? ", " : "it is ", host_bytes(address), address);
    }
    snprintf(reason + used, BINDING_REASON_BYTES_MAX - used, "; this machine has no such address");
}

static void say_why(int fault, const char *address, char reason[BINDING_REASON_BYTES_MAX])
{
    struct holder holder;
    if (fault != EADDRINUSE || !holder_find(address, &holder))
        snprintf(reason, BINDING_REASON_BYTES_MAX, "%s", strerror(fault));
    else
        snprintf(reason, BINDING_REASON_BYTES_MAX, "%s, by process %d (%s)", strerror(fault),
                 holder.pid, holder.pid == getpid() ? "this one" : holder.program);
}

size_t binding_each(const char *endpoint, bool everywhere, binding_try *try, void *user,
                    char reason[BINDING_REASON_BYTES_MAX])
{
    struct resolve_addresses addresses = {0};
    char error[RESOLVE_ERROR_BYTES_MAX];
    size_t bound = 0;
    if (!resolve_to_bind(endpoint, &addresses, error)) {
        strcpy(reason, error);
        return 0;
    }
    int fault = 0;
    for (size_t i = 0; i < addresses.count && (bound == 0 || everywhere); i++) {
        fault = try(user, addresses.endpoints[i]);
        if (fault == 0) {
            bound++;
        } else if (!is_absent(fault)) {
            say_why(fault, addresses.endpoints[i], reason);
            return 0;
        }
    }
    bool was_a_name = strcmp(addresses.endpoints[0], endpoint) != 0;
    if (bound == 0 && was_a_name)
        say_elsewhere(&addresses, reason);
    else if (bound == 0)
        say_why(fault, endpoint, reason);
    return bound;
}

/* ---- plain sockets ---- */

struct listening {
    const struct binding_options *options;
    int *sockets;
    size_t count;
};

static bool set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* 0 or an errno. */
static int listen_at(struct listening *listening, const struct addrinfo *at, bool both_families)
{
    const struct binding_options *options = listening->options;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    if (set(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
        (at->ai_family != AF_INET6 || set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !both_families)) &&
        (options->prepare == NULL || options->prepare(fd)) &&
        bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, options->backlog) == 0) {
        listening->sockets[listening->count++] = fd;
        return 0;
    }
    int fault = errno;
    close(fd);
    return fault;
}

static int listen_at_host(struct listening *listening, const char *host, const char *port,
                          bool both_families)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *at = NULL;
    if (getaddrinfo(host, port, &hints, &at) != 0)
        return EINVAL;
    int fault = listen_at(listening, at, both_families);
    freeaddrinfo(at);
    return fault;
}

/* One IPv6 socket takes both families; a machine without IPv6 gets one for IPv4. */
static int try_to_listen(void *user, const char *address)
{
    char host[RESOLVE_ENDPOINT_BYTES_MAX];
    const char *from = address + strlen("tcp://"), *port = strrchr(address, ':') + 1;
    bool brackets = from[0] == '[';
    snprintf(host, sizeof host, "%.*s", host_bytes(from) - 2 * brackets, from + brackets);
    if (strcmp(host, "*") != 0)
        return listen_at_host(user, host, port, false);
    int fault = listen_at_host(user, "::", port, true);
    return is_absent(fault) ? listen_at_host(user, "0.0.0.0", port, false) : fault;
}

size_t binding_listen(const char *endpoint, const struct binding_options *options,
                      int sockets[BINDING_SOCKETS_MAX], char reason[BINDING_REASON_BYTES_MAX])
{
    struct listening listening = {.options = options, .sockets = sockets};
    size_t bound = binding_each(endpoint, options->everywhere, try_to_listen, &listening, reason);
    while (bound == 0 && listening.count > 0)
        close(sockets[--listening.count]);
    return bound;
}

void binding_name(int fd, char text[RESOLVE_ENDPOINT_BYTES_MAX])
{
    struct sockaddr_storage address = {0};
    socklen_t bytes = sizeof address;
    char host[RESOLVE_ENDPOINT_BYTES_MAX - sizeof "tcp://[]:65535"], port[sizeof "65535"];
    text[0] = '\0';
    if (getsockname(fd, (struct sockaddr *)&address, &bytes) == 0 &&
        getnameinfo((struct sockaddr *)&address, bytes, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(text, RESOLVE_ENDPOINT_BYTES_MAX,
                 strchr(host, ':') ? "tcp://[%s]:%s" : "tcp://%s:%s", host, port);
}
