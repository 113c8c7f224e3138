/* topology_bindings: everything that the processes of a herd bind, process by process.
 *
 * It binds nothing and resolves nothing: on which machine a process runs is decided by whoever
 * knows what names stand for (topology/cli/host.h). */
#ifndef ZHERD_TOPOLOGY_FORMAT_BINDINGS_H
#define ZHERD_TOPOLOGY_FORMAT_BINDINGS_H

#include "topology/format/topology.h"

/* Two for each node, one for each observer; gateways, workers and two URLs of each places. */
#define TOPOLOGY_BINDINGS_MAX (2 * TOPOLOGY_NODES_MAX + 4 * TOPOLOGY_PLACES_MAX)

struct topology_binding {
    struct topology_endpoint bound;
    const struct topology_endpoint *at; /* where others reach it; NULL for `clients` and `url` */
    const char *key, *at_key;           /* as in the file, for sentences; at_key NULL as `at` */
    const char *owner;                  /* the node or observer, or "places" */
    uint32_t process;                   /* the same for what one process binds */
    bool is_reached;                    /* somebody of this file connects to it */
};

/* Writes at most TOPOLOGY_BINDINGS_MAX and returns how many. Borrows from the topology. */
size_t topology_bindings(const struct topology *topology, struct topology_binding *bindings);

/* The hosts that name the machine of a binding's process: the one that is bound, unless it is
 * loopback and others reach it elsewhere, and the one where others reach it. Writes at most two and
 * returns how many: none for `clients` and `url`, and for "*" and interfaces without more. */
size_t topology_binding_hosts(const struct topology_binding *binding, const char *hosts[2]);

#endif
