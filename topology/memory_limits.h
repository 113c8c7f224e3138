/* memory_limits: what memory this process may have, as the system says it.
 *
 * The machine's, the limits of its control groups of either version (cgroups(7)) where they are
 * mounted in the usual place, and RLIMIT_AS. What follows from that is topology/format's. */
#ifndef ZHERD_TOPOLOGY_MEMORY_LIMITS_H
#define ZHERD_TOPOLOGY_MEMORY_LIMITS_H

#include "topology/format/memory_share.h"

/* As they are now. What cannot be read is no limit. */
struct memory_limits memory_limits_read(void);

#endif
