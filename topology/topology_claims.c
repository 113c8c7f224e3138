#include "topology/topology_claims.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "topology/topology_endpoint.h"

void topology_claims_add(struct topology_claims *claims, const struct topology_claim *claim)
{
    assert(claims->count < TOPOLOGY_CLAIMS_MAX);
    claims->list[claims->count++] = *claim;
}

static int compare(const void *left, const void *right)
{
    const struct topology_claim *a = left, *b = right;
    return a->line < b->line ? -1 : a->line > b->line;
}

/* Loopback of one host is not that of another. */
static bool are_apart(const struct topology_claim *a, const struct topology_claim *b)
{
    return a->host && b->host && strcmp(a->host, b->host) != 0;
}

void topology_claims_check(struct topology_claims *claims, struct topology_faults *faults)
{
    qsort(claims->list, claims->count, sizeof *claims->list, compare);
    for (size_t i = 0; i < claims->count; i++) {
        const struct topology_claim *later = &claims->list[i];
        for (size_t j = 0; j < i; j++) {
            const struct topology_claim *first = &claims->list[j];
            if (!topology_endpoints_overlap(&first->endpoint, &later->endpoint) ||
                are_apart(first, later))
                continue;
            topology_faults_add(faults, later->line,
                                "port %u of `%s` is taken by `%s` in line %u; write another port",
                                later->endpoint.port, later->key, first->key, first->line);
            break;
        }
    }
}
