/* topology_weak: what a herd's file allows and a careful operator would not, for `zherd check
 * --strict`.
 *
 * What no file may say is topology/format/check.h's: null keys, and keys that two have. What lies
 * on the disk, as secrets that others can read, is topology/cli/check_strict.c's. */
#ifndef ZHERD_TOPOLOGY_FORMAT_WEAK_H
#define ZHERD_TOPOLOGY_FORMAT_WEAK_H

#include "topology/format/faults.h"
#include "topology/format/topology.h"

/* Adds a sentence for each weak spot of a checked herd, with its line. */
void topology_weak(const struct topology *topology, struct topology_faults *weak);

#endif
