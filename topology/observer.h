/* observer: a process that listens to one node's bus: its table, which becomes what the node's is.
 *
 * It takes no clients, and no node waits for it (bus/PROTOCOL.md, Observers). `zherd tap` and
 * zherd-web are each one; what they make of the table is theirs, and so is the loop.
 *
 * Invariant: nothing is said to the node but what keeps the link, and no call waits. */
#ifndef ZHERD_TOPOLOGY_OBSERVER_H
#define ZHERD_TOPOLOGY_OBSERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/flood.h"
#include "bus/net/bus.h"
#include "topology/format/topology.h"

/* How long the last acknowledgements and the goodbye may take. */
#define OBSERVER_GOODBYE_MS_MAX 1000

struct observer {
    const struct topology *topology;
    const struct topology_observer *self;
    const struct topology_node *node; /* the one it listens to: the only peer, number 0 */
    struct flood *flood;
    struct bus *bus;
    bool more;        /* waits at the bus: turn again without waiting for its descriptor */
    int64_t clock_ms; /* when the flood is told next what time it is */
};

/* Binds where the topology says, and begins to listen to the node. `nearby`: the table has a grid.
 * Borrows the topology, which was read from `path`. False, and said, where it cannot: then there is
 * nothing to close. */
bool observer_open(struct observer *observer, const struct topology *topology,
                   const struct topology_observer *self, const char *path, bool nearby);

/* Accepts one that was not opened. */
void observer_close(struct observer *observer);

/* Its clock: milliseconds that also go on while the machine is suspended, as the herd's time does.
 */
int64_t observer_now_ms(void);

/* Takes what has come, and sends what is due. */
void observer_turn(struct observer *observer, int64_t now_ms);

/* When it wants another turn although nothing came. */
int64_t observer_deadline_ms(const struct observer *observer);

/* Of a file that was read again the node's keys, names of nodes, `expire` and `forget`: they count
 * from now on. */
void observer_change(struct observer *observer, const struct topology *topology);

#endif
