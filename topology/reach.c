#include "topology/reach.h"

#include <net/if.h>

bool reach_is_said(const struct topology_endpoint *bound, const struct topology_endpoint *at,
                   const char *at_key, struct fault *fault)
{
    if (at->line != bound->line || if_nametoindex(bound->host) == 0)
        return true;
    return fault_set(fault,
                     "others cannot connect to the name of an interface (%s); write the address of "
                     "this host in `%s`",
                     bound->host, at_key);
}
