/* lock: a file or folder that one process has to itself: so a second `zherd up` stays away from the
 * file and the logs of a running one.
 *
 * Locks are those of flock(2) on the topology file and on the folder of logs themselves: they end
 * with the process, however it ends, and leave nothing. A file system without locks lets everybody
 * in. A lock is a descriptor, which is never closed before the process ends. */
#ifndef ZHERD_TOPOLOGY_CLI_LOCK_H
#define ZHERD_TOPOLOGY_CLI_LOCK_H

#include <stdbool.h>

/* Takes the file or folder, or says who has it, and what that process does with it, which is `use`:
 * false. */
bool lock_demand(const char *path, const char *use, int *lock);

/* Takes what has that name now, if it is another than the one that is held: an editor or an
 * operator has put it there. Whether it did. */
bool lock_follow(const char *path, int *held);

#endif
