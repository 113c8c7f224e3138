#include "topology/reach.h"

#include <net/if.h>
#include <stdio.h>

bool reach_is_said(const struct topology_endpoint *bound, const struct topology_endpoint *at,
                   const char *at_key, char error[REACH_ERROR_BYTES_MAX])
{
    if (at->line != bound->line || if_nametoindex(bound->host) == 0)
        return true;
    snprintf(error, REACH_ERROR_BYTES_MAX,
             "nobody can connect to an interface (%s); write the address of this host in `%s`",
             bound->host, at_key);
    return false;
}
