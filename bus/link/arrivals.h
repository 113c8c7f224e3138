/* arrivals: which of the connections that peers made to us were replaced by others.
 *
 * A box in the middle (a proxy, a load balancer) can lose one half of a connection and keep the
 * other one open: whoever made it comes again, and the old one would stay with us for ever. ZeroMQ
 * does not close it, not even where the new one takes over its routing id (ZMQ_ROUTER_HANDOVER).
 * So the connections of messages are reported here, and whoever has the sockets ends what is given
 * back. It knows no socket: a descriptor is a number that can be given to something else at any
 * time, so it comes with the number of the socket that it stood for.
 *
 * All times are milliseconds of one clock that does not run backwards.
 *
 * Invariant: a descriptor stands for one connection, the one reported last; and a connection whose
 * process is heard of is given back only for a newer one of the same process. */
#ifndef ZHERD_BUS_LINK_ARRIVALS_H
#define ZHERD_BUS_LINK_ARRIVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Processes of one name that are told apart: the true one, the one before it, and some that bear
 * its name by mistake. */
#define ARRIVALS_PROCESSES_MAX 4
/* A process that says nothing for so long, while another of its name speaks, is gone: longer than
 * the silence that takes a link down. */
#define ARRIVALS_SILENT_MS 10000

/* So long a descriptor is taken for the same connection without another look, because a look costs
 * a system call. A peer takes longer from one connection to the next. */
#define ARRIVALS_LOOK_MS 50

struct arrival {
    uint32_t process; /* as its routing id says (bus/link/peer_directory.h) */
    int descriptor;   /* -1: none */
    uint64_t socket;  /* a number that no other socket has while this one exists */
    int64_t heard_ms;
    int64_t looked_ms;
};

struct arrivals {
    struct arrival *all; /* ARRIVALS_PROCESSES_MAX for each peer, those in use first */
    size_t peer_count;
    size_t sweep; /* where arrivals_next_silent goes on */
};

/* False without memory. */
bool arrivals_make(struct arrivals *arrivals, size_t peer_count);
void arrivals_free(struct arrivals *arrivals);

/* A message of that process came over that descriptor: whether its connection is to be looked at,
 * and reported. */
bool arrivals_hear(struct arrivals *arrivals, size_t peer, uint32_t process, int descriptor,
                   int64_t now_ms);

/* It came over this one, at `arrival->heard_ms`. True when another connection counts as replaced
 * now: `replaced` says which. */
bool arrivals_come(struct arrivals *arrivals, size_t peer, const struct arrival *arrival,
                   struct arrival *replaced);

/* A connection of a process that is gone, while another one of its name speaks; it is forgotten
 * here. False when there is none, after all peers were looked at. */
bool arrivals_next_silent(struct arrivals *arrivals, int64_t now_ms, struct arrival *silent);

#endif
