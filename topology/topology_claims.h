/* topology_claims: the addresses that the processes of a herd will bind, each with its place in the
 * file.
 *
 * It finds two that cannot both be bound. Whether an address is well-formed, and whether anybody
 * can connect to it, is topology/topology_endpoint.h's and topology/topology_check.c's.
 *
 * Invariant: of several that overlap the first one of the file is right, each other one a fault. */
#ifndef ZHERD_TOPOLOGY_TOPOLOGY_CLAIMS_H
#define ZHERD_TOPOLOGY_TOPOLOGY_CLAIMS_H

#include "topology/topology.h"
#include "topology/topology_faults.h"

/* Two for each node, one for each observer; gateways, workers and two URLs of each places. */
#define TOPOLOGY_CLAIMS_MAX (2 * TOPOLOGY_NODES_MAX + 4 * TOPOLOGY_PLACES_MAX)

struct topology_claim {
    struct topology_endpoint endpoint;
    const char *key; /* as in the file, for sentences */
    uint32_t line;
    const char *host; /* where the endpoint is loopback: the host whose loopback it is, or NULL */
};

/* All zero is empty. */
struct topology_claims {
    struct topology_claim list[TOPOLOGY_CLAIMS_MAX];
    size_t count;
};

/* Copies the claim and borrows its texts. There must be room. */
void topology_claims_add(struct topology_claims *claims, const struct topology_claim *claim);

/* Tells every fault. Puts the claims in the order of the file. */
void topology_claims_check(struct topology_claims *claims, struct topology_faults *faults);

#endif
