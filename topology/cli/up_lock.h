/* up_lock: keeps a second `zherd up` away from the file and the logs of a running one.
 *
 * The locks are those of flock(2) on the topology file and on the folder of logs themselves: they
 * end with the process, however it ends, and leave nothing behind. A file system without locks lets
 * everybody in. */
#ifndef ZHERD_TOPOLOGY_CLI_UP_LOCK_H
#define ZHERD_TOPOLOGY_CLI_UP_LOCK_H

#include <stdbool.h>

#define UP_LOCK_HOLDER_BYTES_MAX 64

/* Opens the file or folder and has it to itself until the descriptor, which is returned, is closed.
 * -1 where somebody else has it: `holder` says who, such as "process 4711"; or, with errno and an
 * empty `holder`, where it cannot be opened. */
int up_lock_take(const char *path, char holder[UP_LOCK_HOLDER_BYTES_MAX]);

/* Takes what has that name now, if it is another than the one that is held: an editor or an
 * operator has put it there. Whether it did. */
bool up_lock_follow(const char *path, int *held);

#endif
