/* topology_bindings: everything that the processes of a herd bind, process by process, and two of
 * these that cannot both be.
 *
 * Whether an address is well-formed, and whether a process can connect to it, is
 * topology/format/endpoints.h's and topology/format/check.c's. It binds nothing and resolves
 * nothing: topology/cli/check.c, which resolves names, decides on which machine a process runs. */
#ifndef ZHERD_TOPOLOGY_FORMAT_BINDINGS_H
#define ZHERD_TOPOLOGY_FORMAT_BINDINGS_H

#include "topology/format/faults.h"
#include "topology/format/topology.h"

/* Four for each node, one for each observer, one more where it is a `web`; gateways, workers, two
 * URLs and a monitor of each places. */
#define TOPOLOGY_BINDINGS_MAX (4 * TOPOLOGY_NODES_MAX + TOPOLOGY_WEBS_MAX + 5 * TOPOLOGY_PLACES_MAX)

struct topology_binding {
    struct topology_endpoint bound;
    const struct topology_endpoint *at; /* where others reach it; NULL for all but bus, gateways
                                           and workers */
    const char *key, *at_key;           /* as in the file, for sentences; at_key NULL as `at` */
    const char *owner;                  /* the node or observer, or "places" */
    uint32_t process;                   /* the same for what one process binds */
    bool is_reached;                    /* a process of this file connects to it */
};

/* Writes at most TOPOLOGY_BINDINGS_MAX and returns how many. Borrows from the topology. */
size_t topology_bindings(const struct topology *topology, struct topology_binding *bindings);

/* The hosts that name the machine of a binding's process: the one that is bound, unless it is
 * loopback and others reach it elsewhere, and the one where others reach it. Writes at most two and
 * returns how many: none for `clients`, `clients_tls`, `listen` and `url`, and for "*" and
 * interfaces without more. */
size_t topology_binding_hosts(const struct topology_binding *binding, const char *hosts[2]);

/* What a line of a file that is still being checked will bind, or where others reach that. */
struct topology_claim {
    struct topology_endpoint endpoint;
    const char *key; /* as in the file, for sentences */
    uint32_t line;
    /* The machine it is bound on, as far as the file says: what is loopback, "*" or an interface of
     * one machine is not that of another. "" where the file does not say. */
    char machine[TOPOLOGY_HOST_BYTES_MAX + 1];
};

/* All zero is empty. */
struct topology_claims {
    struct topology_claim list[TOPOLOGY_BINDINGS_MAX];
    size_t count;
};

/* Copies the claim and borrows its key. There must be room. */
void topology_claims_add(struct topology_claims *claims, const struct topology_claim *claim);

/* What is bound: adds every fault. Of several that overlap the first one of the file is right, each
 * other one a fault. Puts the claims in the order of the file. */
void topology_claims_check(struct topology_claims *claims, struct topology_faults *faults);

/* The same for addresses at which others reach what is bound. One that is no key of its own, but
 * `bus` without `bus_at`, was checked as what is bound. */
void topology_claims_check_reached(struct topology_claims *claims, struct topology_faults *faults);

#endif
