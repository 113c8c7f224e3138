/* arrivals: which of the connections that others made to one of our doors are to be ended.
 *
 * A box in the middle (a proxy, a load balancer) can lose one half of a connection and keep the
 * other one open: the process that made it connects again, and the old one would stay open here for
 * ever. ZeroMQ does not close it, not even where the new one takes over its routing id
 * (ZMQ_ROUTER_HANDOVER). ZeroMQ's heartbeats would find it, but end the process: a ROUTER whose
 * queue is full while the other end breaks off fails an assertion at the next heartbeat (4.3.4,
 * 4.3.5). So the connections of messages are reported here, and bus/net/hangup.h, which has the
 * sockets, ends what is given back. This module knows no socket: a descriptor is a number that the
 * system can give to another connection at any time, so it comes with the number of the socket that
 * it stood for.
 *
 * All times are milliseconds of one clock that does not run backwards.
 *
 * Invariant: the newest connection of a process is given back only after ARRIVALS_SILENT_MS without
 * a message, and where the door spares the last of a name, only while another process of that name
 * speaks. */
#ifndef ZHERD_BUS_LINK_ARRIVALS_H
#define ZHERD_BUS_LINK_ARRIVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer than the silence that takes a link down, and far above the second or two in which a
 * process at such a door sends something: it may be stopped for a while. */
#define ARRIVALS_SILENT_MS 10000
/* For this time a descriptor is taken for the same connection without another look, because a look
 * costs a system call. A process that connects again takes longer from one connection to the
 * next. */
#define ARRIVALS_LOOK_MS 50
/* A silent connection that is spared is judged again after this time. */
#define ARRIVALS_SPARED_MS 1000
/* When no connection can be ended, the next try is after this time. */
#define ARRIVALS_RETRY_MS 100
/* Connections over descriptors from this number on are not looked after. */
#define ARRIVALS_DESCRIPTORS_MAX 65536

/* Who a connection belongs to, as its routing id says. */
struct arrival {
    uint32_t name;    /* a number for what it calls itself */
    uint64_t process; /* drawn by each process */
    uint32_t number;  /* of its sockets, the newest has the highest; 0 where it says none */
};

/* The connections of one door. */
struct arrivals;

struct arrivals_rules {
    int64_t replaced_ms;  /* what is on its way over a connection that was replaced has this long */
    bool spares_the_last; /* a silent process stays unless another of its name speaks */
};

struct arrivals *arrivals_new(struct arrivals_rules rules);
/* Accepts NULL, sets the caller's pointer to NULL. */
void arrivals_destroy(struct arrivals **arrivals);

/* A message came over the connection with this descriptor. True when the connection is to be looked
 * at, and reported with arrivals_add. */
bool arrivals_hear(struct arrivals *arrivals, const struct arrival *arrival, int descriptor,
                   int64_t now_ms);

/* Whether the connection is known already, by that socket: where that is bound does not change. */
bool arrivals_has(struct arrivals *arrivals, const struct arrival *arrival, int descriptor,
                  uint64_t socket);

/* How many connections of that name are looked after now. */
size_t arrivals_count(const struct arrivals *arrivals, uint32_t name);

/* `socket` is a number that no other socket has while this one exists. One that is known already
 * changes nothing. */
void arrivals_add(struct arrivals *arrivals, const struct arrival *arrival, int descriptor,
                  uint64_t socket, int64_t now_ms);

/* The next connection to be ended, if its descriptor still stands for that socket; it is given back
 * once. Call until false, or until arrivals_retry. */
bool arrivals_next(struct arrivals *arrivals, int64_t now_ms, int *descriptor, uint64_t *socket);

/* The connection that was given back last could not be ended now: it is given back again, after
 * ARRIVALS_RETRY_MS or when the time of another one comes. */
void arrivals_retry(struct arrivals *arrivals, int descriptor, int64_t now_ms);

/* When arrivals_next must be asked again although nothing happened; INT64_MAX for never. */
int64_t arrivals_deadline_ms(const struct arrivals *arrivals);

#endif
