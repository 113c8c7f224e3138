/* activation: listening sockets that a service manager has opened for this program and keeps when
 * it ends: systemd, or whoever else sets $LISTEN_FDS and $LISTEN_PID, by the protocol of
 * sd_listen_fds(3). Clients that come while the program starts again wait there.
 *
 * It does not link libsystemd, for the reason of topology/notify.h. What a socket is for, its
 * address says, and not the name in $LISTEN_FDNAMES.
 *
 * Invariant: nothing of the three variables is left for children, nor are the descriptors. */
#ifndef ZHERD_TOPOLOGY_ACTIVATION_H
#define ZHERD_TOPOLOGY_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/fault.h"

/* As many as one door may have (bus/net/binding.h), and some. */
#define ACTIVATION_SOCKETS_MAX 16

/* All zero is none: the program opens its own. */
struct activation {
    int sockets[ACTIVATION_SOCKETS_MAX];
    size_t count;
};

/* Once, before the program has threads. False and one sentence in `fault` where they are too many,
 * or one is not a TCP socket that listens. */
bool activation_take(struct activation *activation, struct fault *fault);

#endif
