/* hangup: ends a connection that ZeroMQ has and gives us no way to end.
 *
 * ZeroMQ tells the descriptor that a message came over (ZMQ_SRCFD, zmq_msg_get(3)), and the system
 * gives the number of a descriptor that was closed to the next one. So a connection is marked while
 * it is known, and only what still has the mark is ended. It closes nothing: ZeroMQ's I/O thread
 * finds that the connection ended, and does. */
#ifndef ZHERD_PLACESD_SERVICE_HANGUP_H
#define ZHERD_PLACESD_SERVICE_HANGUP_H

#include <stdbool.h>
#include <stdint.h>

/* The descriptor of the connection that the message came over, as ZeroMQ's property of this name
 * tells it in decimal digits; NULL gives -1. */
#define HANGUP_PROPERTY "__fd"
int hangup_descriptor(const char *property);

/* False where the descriptor is no connection to this port any more. */
bool hangup_mark(int descriptor, uint16_t port, uint64_t *mark);

/* Ends both directions of the connection, if it is the one with this mark. */
void hangup(int descriptor, uint64_t mark);

#endif
