/* listener: where a node's clients come in: its listening sockets, as the loop polls them.
 *
 * It hands over every connection that the system gives, and pauses while the system has none to
 * give. Who may stay is not decided here. To listen elsewhere a node opens a second one, and closes
 * the first when the second listens.
 *
 * Everything happens in callbacks of the loop, on its one thread. */
#ifndef ZHERD_GATEWAY_NODE_LISTENER_H
#define ZHERD_GATEWAY_NODE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "bus/base/fault.h"
#include "bus/net/binding.h"
#include "gateway/text/client_limits.h"
#include "topology/activation.h"
#include "topology/format/networks.h"
#include "topology/format/topology.h"

/* A host name may stand for several addresses, such as localhost for 127.0.0.1 and ::1. */
#define LISTENER_SOCKETS_MAX BINDING_SOCKETS_MAX
/* Connections that wait to be accepted (listen(2)); Linux takes at most net.core.somaxconn. */
#define LISTENER_BACKLOG 4096
/* An IPv6 address with the interface it belongs to, in brackets, and a port. */
#define LISTENER_ADDRESS_BYTES_MAX 96

/* Connections accepted in one go, so that a flood of them leaves the others their turn. */
#define LISTENER_ACCEPT_BATCH 64

/* What the kernel holds of a connection, in each direction: it takes as much again for its own
 * (socket(7)). Left to itself it would hold 7 MiB of a client that sends and does not read. A turn
 * reads a quarter of it at most; and a reply of twenty places fits. */
#define LISTENER_RECEIVE_BYTES (64 * 1024)
#define LISTENER_SEND_BYTES    (128 * 1024)

/* Takes a connection, non-blocking, whose descriptor it owns from now on: where it is `from`, and
 * the same as "host:port". */
typedef void listener_on_accept(void *host, int fd, const struct network_address *from,
                                const char *address);

struct listener;

/* Listens on every address of the endpoint that belongs to this machine (bus/net/binding.h; "*" is
 * all of them, IPv4 and IPv6), or NULL and one clear sentence in `fault`. Where `adopted` has
 * sockets (NULL has none), it is those that are listened on, each of which must be at such an
 * address. Nobody is accepted before listener_resume. `faults` counts how often the system had no
 * connection to give. */
struct listener *listener_open(uv_loop_t *loop, const struct topology_endpoint *endpoint,
                               const struct activation *adopted, listener_on_accept *on_accept,
                               void *host, uint64_t *faults, struct fault *fault);

/* The same, without sockets of a service manager, for a listener that takes the place of `before`,
 * whose address may overlap: both listen until one is closed. Neither has begun to share its port
 * with any other process after this. */
struct listener *listener_open_beside(struct listener *before,
                                      const struct topology_endpoint *endpoint,
                                      struct fault *fault);

/* As in the file. */
const char *listener_endpoint(const struct listener *listener);
/* Its sockets are a service manager's, which has them when we end. */
bool listener_is_adopted(const struct listener *listener);

/* Of a service manager's sockets those that listen on this port, or, `is_other`, on any other.
 * `adopted` may be NULL. */
struct activation listener_pick(const struct activation *adopted, uint16_t port, bool is_other);

/* Accepts, after the start and again after a pause; while nothing is paused it does nothing. */
void listener_resume(struct listener *listener);

/* Takes the connections that wait there already, as many as the system keeps: before it is closed
 * in favour of another. */
void listener_empty(struct listener *listener);

/* Its memory is given back when the loop runs once more. Accepts NULL, sets the caller's pointer to
 * NULL. */
void listener_close(struct listener **listener);

/* Tells a connection that there is no room for it, and closes it. */
void listener_refuse(int fd);

/* Divides the process's descriptors, of which clients get `clients_max` at most; false where none
 * is left for them. Sets RLIMIT_NOFILE to its hard limit. */
bool listener_divide(size_t neighbours, size_t clients_max,
                     struct client_limits_descriptors *shares);

#endif
