/* topology_changes: how the herd of a file differs from the one that a process was started with,
 * for the line in which it says what it will take at its next start only.
 *
 * Public keys of others are left out: they are taken at once. It changes nothing and prints
 * nothing. Invariant: an empty text means that a process started anew would do the same. */
#ifndef ZHERD_TOPOLOGY_FORMAT_CHANGES_H
#define ZHERD_TOPOLOGY_FORMAT_CHANGES_H

#include "topology/format/topology.h"

/* With its NUL. What does not fit is counted: "..., and 7 more". */
#define TOPOLOGY_CHANGES_BYTES_MAX 640

/* Writes what is different, separated by commas:
 *
 *     node Gus                  it is new, or has another name; so `link Gus-Ann`, `observer Ear`,
 *     node Gus (removed)        `places 2`
 *     node Gus (clients, bus)   these of its keys have other values; so `herd (name)`, `places 1
 * (url)`
 *
 * `self` is the node or observer that asks, whose own key pair is that of its start, or "placesd"
 * for the places service's; NULL for none. */
void topology_changes_list(const struct topology *before, const struct topology *after,
                           const char *self, char text[TOPOLOGY_CHANGES_BYTES_MAX]);

#endif
