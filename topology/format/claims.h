/* topology_claims: the addresses that the processes of a herd will bind, and those at which others
 * reach them, each with its place in the file.
 *
 * It finds two that cannot both be bound, and two that would be one address for two. Whether an
 * address is well-formed, and whether anybody can connect to it, is topology/format/endpoints.h's
 * and topology/format/check.c's.
 *
 * Invariant: of several that overlap the first one of the file is right, each other one a fault. */
#ifndef ZHERD_TOPOLOGY_FORMAT_CLAIMS_H
#define ZHERD_TOPOLOGY_FORMAT_CLAIMS_H

#include "topology/format/faults.h"
#include "topology/format/topology.h"

/* Two for each node, one for each observer; gateways, workers and two URLs of each places. */
#define TOPOLOGY_CLAIMS_MAX (2 * TOPOLOGY_NODES_MAX + 4 * TOPOLOGY_PLACES_MAX)

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
    struct topology_claim list[TOPOLOGY_CLAIMS_MAX];
    size_t count;
};

/* Copies the claim and borrows its key. There must be room. */
void topology_bindings_add(struct topology_claims *claims, const struct topology_claim *claim);

/* What is bound: tells every fault. Puts the claims in the order of the file. */
void topology_bindings_check(struct topology_claims *claims, struct topology_faults *faults);

/* The same for addresses at which others reach what is bound. One that is no key of its own, but
 * `bus` without `bus_at`, was checked as what is bound. */
void topology_bindings_check_reached(struct topology_claims *claims,
                                     struct topology_faults *faults);

#endif
