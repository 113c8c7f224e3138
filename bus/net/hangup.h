/* hangup: ends connections that ZeroMQ has and gives us no way to end. bus/link/arrivals.h decides
 * which of those over which something was said, bus/link/newcomers.h which of the others.
 *
 * ZeroMQ accepts whoever comes and has no limit for that, nor a listener that it would take
 * connections from. But it says which descriptors it accepts and loses (zmq_socket_monitor(3)) and
 * over which one a message came (ZMQ_SRCFD, zmq_msg_get(3)), and what is shut down it closes. So
 * strangers hold descriptors for as long as the owner of the socket takes to look.
 *
 * The system gives the number of a descriptor that was closed to the next one. So the socket is
 * looked at when it is first heard of, and only what is still that socket is ended. Nothing is
 * closed here: ZeroMQ's I/O thread finds that the connection ended, and closes it.
 *
 * Invariant: only a connection to the door's own port is ever ended. */
#ifndef ZHERD_BUS_NET_HANGUP_H
#define ZHERD_BUS_NET_HANGUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/link/arrivals.h"
#include "bus/link/newcomers.h"

/* The port of an endpoint that is bound ("tcp://127.0.0.1:7000"). */
uint16_t hangup_port(const char *endpoint);

/* A message came over this descriptor (-1: unknown) to the door at `port`. */
void hangup_hear(struct arrivals *arrivals, const struct arrival *arrival, int descriptor,
                 uint16_t port, int64_t now_ms);

/* Ends both directions of each connection whose time has come; where the process has no descriptor
 * left, it is tried again. */
void hangup_due(struct arrivals *arrivals, int64_t now_ms);

/* ---- who was accepted ---- */

/* Events taken in one turn: about half a millisecond if each is a stranger. */
#define HANGUP_EVENTS_MAX 128

/* What ZeroMQ tells of the connections to one bound socket. The events wait in a queue of fixed
 * size, and ZeroMQ's thread waits where it is full: an owner who does not look stops the socket,
 * and strangers cannot run ahead of him. All zero is closed. */
struct hangup_watch {
    void *events;   /* PAIR */
    int descriptor; /* edge-triggered, as bus_descriptor is: poll for reading */
    int held;       /* ours, for a connection while it is ended: none may be left then */
    uint16_t port;  /* that the socket is bound to */
    struct newcomers newcomers;
};

/* The socket is bound to that port, and the only one of its context that is watched. Who connected
 * before is never ended. False with errno. */
bool hangup_watch_open(struct hangup_watch *watch, void *context, void *socket, uint16_t port,
                       size_t neighbours);

/* After the socket, before its context ends: until then ZeroMQ's thread may wait for us. */
void hangup_watch_close(struct hangup_watch *watch);

/* Takes a bounded number of events. True when more may wait: turn again soon. */
bool hangup_watch_turn(struct hangup_watch *watch);

/* A neighbour's message came over this descriptor, which newcomers_has, from that address (NULL:
 * unknown). */
void hangup_watch_prove(struct hangup_watch *watch, int descriptor, const char *address);

#endif
