/* unsynced: a layer below a program that knows what of a folder is synced, and forgets the rest
 * when the power is cut.
 *
 * It stands in the place of pwrite, fdatasync and fsync, in a program that is linked with it, or
 * from below, as a library that LD_PRELOAD names. For the one folder that is named in the
 * environment it keeps, beside that in FOLDER.disk, what a disk has: the bytes of each file when it
 * was synced last, and which names the folder had then. What differs is in memory alone. So nothing
 * has to be known of the calls that made the difference, and a process may die at any moment. The
 * real disk syncs nothing; a call takes as long as if one did.
 *
 * It is no file system: it knows regular files that one process at a time writes, in one folder. It
 * does not know what a disk says that it has and has not: a lost flush is not to be seen here.
 *
 * Invariant: what a successful fdatasync or fsync covered is there after unsynced_cut. */
#ifndef ZHERD_TESTS_BUS_UNSYNCED_H
#define ZHERD_TESTS_BUS_UNSYNCED_H

#include <stdint.h>

/* The folder, without any link on its way. Where it is not set, or is another one, all calls are
 * the system's. */
#define UNSYNCED_FOLDER "ZHERD_UNSYNCED_FOLDER"
/* Set to anything, the disk lies: it says that it has synced, and has not. */
#define UNSYNCED_LIES "ZHERD_UNSYNCED_LIES"
/* A sync takes so long, and as long as FOLDER.slow is there. */
#define UNSYNCED_SYNC_NS 2000000

/* The power is cut; nobody has files of the folder open. Of every page, size and name that was not
 * synced chance decides whether it is on the disk, and of some pages only a part is; what is there
 * then is synced. How many changes are lost, or -1 with errno. */
int64_t unsynced_cut(const char *folder, uint64_t seed);

#endif
