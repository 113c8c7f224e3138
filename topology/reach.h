/* reach: whether others can reach what a process binds, as far as only its own machine knows.
 *
 * topology_check knows interfaces by the form of their names; this machine knows those that
 * somebody named otherwise. */
#ifndef ZHERD_TOPOLOGY_REACH_H
#define ZHERD_TOPOLOGY_REACH_H

#include <stdbool.h>

#include "bus/base/fault.h"
#include "topology/format/topology.h"

/* False, and one sentence, where `bound` is an interface of this machine and the file does not say
 * `at_key`: `at` is then `bound` itself. */
bool reach_is_said(const struct topology_endpoint *bound, const struct topology_endpoint *at,
                   const char *at_key, struct fault *fault);

#endif
