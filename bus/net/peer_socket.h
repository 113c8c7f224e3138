/* peer_socket: a ZeroMQ socket with what both kinds of sockets between nodes share. It sends and
 * receives nothing. */
#ifndef ZHERD_BUS_NET_PEER_SOCKET_H
#define ZHERD_BUS_NET_PEER_SOCKET_H

#include <stdbool.h>

/* A new socket of that type; `has_keys` if the herd has. Its owner sets the options of its kind
 * before it is bound or connected (bus/net/socket_option.h). NULL with errno when the system has no
 * more. */
void *peer_socket_make(void *context, int type, bool has_keys);

/* Whether the event (ZMQ_POLLIN, ZMQ_POLLOUT) is there. The socket takes in what ZeroMQ's thread
 * has done since it was last asked: new connections, broken ones, room in its queue. */
bool peer_socket_is_ready(void *socket, int event);

#endif
