/* listen: the sockets on which a node takes clients. How many it takes is not decided here. */
#ifndef ZHERD_GATEWAY_NODE_LISTEN_H
#define ZHERD_GATEWAY_NODE_LISTEN_H

#include <stddef.h>

#include "bus/net/binding.h"
#include "topology/format/topology.h"

/* A host name may stand for several addresses, such as localhost for 127.0.0.1 and ::1. */
#define LISTEN_SOCKETS_MAX BINDING_SOCKETS_MAX
/* Connections that wait to be accepted (listen(2)); Linux takes at most net.core.somaxconn. */
#define LISTEN_BACKLOG 4096
/* An IPv6 address with the interface it belongs to, in brackets, and a port. */
#define LISTEN_ADDRESS_BYTES_MAX 96
#define LISTEN_ERROR_BYTES_MAX   1536

/* Listens on every address of the endpoint that belongs to this machine (bus/net/binding.h; "*" is
 * all of them, IPv4 and IPv6) with non-blocking sockets and writes their descriptors to `sockets`.
 * Returns how many, or 0 and one clear sentence in `error`. */
size_t listen_open(const struct topology_endpoint *endpoint, int sockets[LISTEN_SOCKETS_MAX],
                   char error[LISTEN_ERROR_BYTES_MAX]);

/* The next connection that waits, non-blocking, and its "host:port"; -1 and errno as accept(2). */
int listen_accept(int socket, char address[LISTEN_ADDRESS_BYTES_MAX]);

/* Tells a connection that there is no room for it, and closes it. */
void listen_refuse(int fd);

#endif
