/* binding: taking a port of this machine for an endpoint, the same for sockets of ZeroMQ and plain
 * ones.
 *
 * The host may be an address, a host name, the name of an interface of this machine, or "*" for
 * every address, IPv4 and IPv6 (bus/net/resolve.h). Of several addresses those are tried in order
 * that belong to this machine. Both functions may wait for a name server: they are for a start.
 *
 * A fault says why it failed, to stand after "cannot bind ENDPOINT: ": that the name is unknown,
 * that none of its addresses belongs to this machine, or that the port is in use, and where /proc
 * tells, by whom. */
#ifndef ZHERD_BUS_NET_BINDING_H
#define ZHERD_BUS_NET_BINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/fault.h"
#include "bus/net/resolve.h"

#define BINDING_SOCKETS_MAX RESOLVE_ADDRESSES_MAX

struct binding_socket_option {
    int level, name, value; /* setsockopt(2) */
};

struct binding_options {
    int backlog;     /* listen(2) */
    bool everywhere; /* at every address that belongs to this machine, not only the first */
    const struct binding_socket_option *socket_options; /* set before it listens, in order */
    size_t socket_option_count;
};

/* Listens with plain TCP sockets, non-blocking and closed at exec, of which the caller is the
 * owner. Returns how many, or 0 and a fault. */
size_t binding_listen(const char *endpoint, const struct binding_options *options,
                      int sockets[BINDING_SOCKETS_MAX], struct fault *fault);

/* Where a plain socket listens, as numbers: "tcp://127.0.0.1:12500". */
void binding_name(int fd, char text[RESOLVE_ENDPOINT_BYTES_MAX]);

/* Whether each of these sockets, which somebody else has opened, listens at one of the endpoint's
 * addresses; or a fault: which socket does not, or that the name is unknown. Addresses without a
 * socket are that somebody's choice. */
bool binding_matches(const char *endpoint, const int *sockets, size_t count, struct fault *fault);

/* Binds a ZeroMQ socket to the first address that belongs to this machine. False and a fault. */
bool binding_zmq(void *socket, const char *endpoint, struct fault *fault);

/* ---- what both are made of ---- */

/* Binds to one address, as numbers: 0, or an errno. */
typedef int binding_try(void *user, const char *address);

/* Tries the endpoint's addresses: until one is bound, or `everywhere`. An address that this machine
 * does not have is passed over; any other error ends the trying. Returns how many were bound, or 0
 * and a fault. */
size_t binding_each(const char *endpoint, bool everywhere, binding_try *try, void *user,
                    struct fault *fault);

#endif
