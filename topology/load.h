/* load: a topology file (ZPL, https://rfc.zeromq.org/spec/4/) into a checked struct topology.
 *
 * The only reader of topology files. Every fault is told, not only the first. A relative folder of
 * keys counts from the folder of the file, wherever a process is started. */
#ifndef ZHERD_TOPOLOGY_LOAD_H
#define ZHERD_TOPOLOGY_LOAD_H

#include <stdbool.h>

#include "topology/format/topology.h"

/* Fills `topology` (release with topology_free) and returns true; or says each fault (say.h) as
 * "file:line: what is wrong and what to write instead" and returns false. */
bool topology_load(const char *path, struct topology *topology);

/* The same for a herd that may yet lack the keys it needs (topology/format/keys.h). */
bool topology_load_before_keys(const char *path, struct topology *topology);

#endif
