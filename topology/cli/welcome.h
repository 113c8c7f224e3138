/* welcome: what `zherd up` prints before its children start: which herd this is, where clients and
 * trackers on this machine reach what is here of it, and a first command for a node.
 *
 * It starts nothing, and does not know what runs. Invariant: what it prints can be typed as it
 * stands. */
#ifndef ZHERD_TOPOLOGY_CLI_WELCOME_H
#define ZHERD_TOPOLOGY_CLI_WELCOME_H

#include <stdbool.h>

#include "topology/format/topology.h"

/* On standard output. `is_here` is by child: the nodes, the places, the webs; NULL where all of
 * them are on this host. May wait for name servers. */
void welcome_print(const struct topology *topology, const bool *is_here, const char *log_dir);

#endif
