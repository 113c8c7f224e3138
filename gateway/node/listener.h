/* listener: where a node's clients come in: its listening sockets, as the loop polls them.
 *
 * It hands over every connection that the system gives, and pauses while the system has none to
 * give. Who may stay is not decided here.
 *
 * Everything happens in callbacks of the loop, on its one thread. */
#ifndef ZHERD_GATEWAY_NODE_LISTENER_H
#define ZHERD_GATEWAY_NODE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "bus/net/binding.h"
#include "topology/format/topology.h"

/* A host name may stand for several addresses, such as localhost for 127.0.0.1 and ::1. */
#define LISTENER_SOCKETS_MAX BINDING_SOCKETS_MAX
/* Connections that wait to be accepted (listen(2)); Linux takes at most net.core.somaxconn. */
#define LISTENER_BACKLOG 4096
/* An IPv6 address with the interface it belongs to, in brackets, and a port. */
#define LISTENER_ADDRESS_BYTES_MAX 96
#define LISTENER_ERROR_BYTES_MAX   1536

/* Connections accepted in one go, so that a flood of them leaves the others their turn. */
#define LISTENER_ACCEPT_BATCH 64

/* Descriptors kept back, besides those already open, for connections of peers and whatever
 * libraries open; a quarter of all where there are few. */
#define LISTENER_RESERVE 256

/* Takes a connection, non-blocking, whose descriptor it owns from now on; `address` is its
 * "host:port". */
typedef void listener_on_accept(void *host, int fd, const char *address);

struct listener_socket {
    uv_poll_t poll; /* first: the handle's address is the socket's */
    struct listener *listener;
    int fd;
};

/* All zero is no socket. Stays where it is while open: the loop knows its address. */
struct listener {
    struct listener_socket sockets[LISTENER_SOCKETS_MAX];
    size_t count; /* 0 once closed */
    bool is_paused;
    uint64_t faults; /* times the system had no connection to give; never reset */
    listener_on_accept *on_accept;
    void *host;
};

/* Listens on every address of the endpoint that belongs to this machine (bus/net/binding.h; "*" is
 * all of them, IPv4 and IPv6), or false and one clear sentence in `error`. Nobody is accepted
 * before listener_resume. */
bool listener_open(struct listener *listener, uv_loop_t *loop,
                   const struct topology_endpoint *endpoint, listener_on_accept *on_accept,
                   void *host, char error[LISTENER_ERROR_BYTES_MAX]);

/* Accepts, after the start and again after a pause; while nothing is paused it does nothing. */
void listener_resume(struct listener *listener);

/* May be called twice; the loop must run once more before the memory is given back. */
void listener_close(struct listener *listener);

/* Tells a connection that there is no room for it, and closes it. */
void listener_refuse(int fd);

/* How many connections the limit of open files leaves room for, at most `max`; 0 for too few. Sets
 * RLIMIT_NOFILE to its hard limit. */
size_t listener_room(size_t max);

#endif
