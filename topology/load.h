/* load: a topology file (ZPL, https://rfc.zeromq.org/spec/4/) into a checked struct topology, and a
 * file of access rules, of the same form, into a checked struct access.
 *
 * The only reader of both. It reports every fault, not only the first. A relative folder of keys,
 * file of rules and file of a node's TLS or of a web count from the folder of the topology file,
 * wherever a process is started. */
#ifndef ZHERD_TOPOLOGY_LOAD_H
#define ZHERD_TOPOLOGY_LOAD_H

#include <stdbool.h>

#include "bus/base/bytes.h"
#include "topology/format/access.h"
#include "topology/format/topology.h"

/* Fills `topology` (release with topology_free) and returns true; or says each fault (say.h) as
 * "file:line: what is wrong and what to write instead" and returns false. */
bool topology_load(const char *path, struct topology *topology);

/* The same for a herd that may yet lack the keys it needs (topology_check_keys). */
bool topology_load_before_keys(const char *path, struct topology *topology);

/* The same for a text that is in no file; faults begin with `name`. */
bool topology_load_text(const char *name, struct span text, struct topology *topology);

/* Fills `access` (release with access_free) and returns true; or says each fault in the same way,
 * and returns false. */
bool access_load(const char *path, struct access *access);
/* The same into rules of their own, to be freed by the caller, too; NULL where the path is empty.
 */
bool access_load_own(const char *path, struct access **access);
bool access_load_text(const char *name, struct span text, struct access *access);

/* Appends the file's bytes, or says why not and returns false. */
bool topology_read_file(const char *path, struct buffer *text);

#endif
