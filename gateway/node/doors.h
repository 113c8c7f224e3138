/* doors: where a node's clients come in: its listening sockets, as the loop polls them.
 *
 * They hand over every connection that the system gives, and pause where it has none to give. Who
 * may stay is not decided here.
 *
 * Everything happens in callbacks of the loop, on its one thread. */
#ifndef ZHERD_GATEWAY_NODE_DOORS_H
#define ZHERD_GATEWAY_NODE_DOORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "gateway/node/listen.h"

/* Connections accepted in one go, so that a flood of them leaves the others their turn. */
#define DOORS_ACCEPT_BATCH 64

/* Descriptors kept back, besides those already open, for connections of peers and whatever
 * libraries open; a quarter of all where there are few. */
#define DOORS_RESERVE 256

/* Takes a connection, whose descriptor it owns from now on; `address` is its "host:port". */
typedef void doors_visit(void *host, int fd, const char *address);

struct door {
    uv_poll_t poll;
    struct doors *all;
    int fd;
};

/* All zero is no door. Stays where it is while open: the loop knows its address. */
struct doors {
    struct door each[LISTEN_SOCKETS_MAX];
    size_t count; /* 0 once closed */
    bool are_paused;
    uint64_t faults; /* times the system had no connection to give; never reset */
    doors_visit *visit;
    void *host;
};

/* Listens, or false and one clear sentence in `error`. Nobody is let in before doors_resume. */
bool doors_open(struct doors *doors, uv_loop_t *loop, const struct topology_endpoint *endpoint,
                doors_visit *visit, void *host, char error[LISTEN_ERROR_BYTES_MAX]);

/* Accepts, after the start and again after a pause; while nothing is paused it does nothing. */
void doors_resume(struct doors *doors);

/* How many connections the limit of open files leaves room for, at most `max`; 0 for too few. Sets
 * RLIMIT_NOFILE to its hard limit. */
size_t doors_room(size_t max);

/* May be called twice; the loop must run once more before the memory is given back. */
void doors_close(struct doors *doors);

#endif
