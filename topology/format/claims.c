#include "topology/format/claims.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "topology/format/endpoints.h"

void topology_bindings_add(struct topology_claims *claims, const struct topology_claim *claim)
{
    assert(claims->count < TOPOLOGY_CLAIMS_MAX);
    claims->list[claims->count++] = *claim;
}

static int compare(const void *left, const void *right)
{
    const struct topology_claim *a = left, *b = right;
    return a->line < b->line ? -1 : a->line > b->line;
}

static void sort(struct topology_claims *claims)
{
    qsort(claims->list, claims->count, sizeof *claims->list, compare);
}

/* Who is reached at loopback is on the machine of whoever reaches it: which that is, the file does
 * not say. */
static bool are_apart(const struct topology_claim *a, const struct topology_claim *b)
{
    return a->machine[0] != '\0' && b->machine[0] != '\0' &&
           !topology_host_is_loopback(a->machine) && !topology_host_is_loopback(b->machine) &&
           strcasecmp(a->machine, b->machine) != 0;
}

void topology_bindings_check(struct topology_claims *claims, struct topology_faults *faults)
{
    sort(claims);
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

static bool is_own_key(const struct topology_claim *claim)
{
    return strstr(claim->key, "_at") != NULL;
}

void topology_bindings_check_reached(struct topology_claims *claims, struct topology_faults *faults)
{
    sort(claims);
    for (size_t i = 0; i < claims->count; i++) {
        const struct topology_claim *later = &claims->list[i];
        for (size_t j = 0; j < i; j++) {
            const struct topology_claim *first = &claims->list[j];
            if (first->endpoint.port != later->endpoint.port ||
                strcasecmp(first->endpoint.host, later->endpoint.host) != 0 ||
                (!is_own_key(first) && !is_own_key(later)))
                continue;
            topology_faults_add(faults, later->line,
                                "`%s` is %s, where `%s` in line %u is reached already; write "
                                "another address or port",
                                later->key, later->endpoint.text, first->key, first->line);
            break;
        }
    }
}
