/* lock_holder: who holds a lock of flock(2), found in the text of /proc/locks (proc_locks(5)). */
#ifndef ZHERD_TOPOLOGY_FORMAT_LOCK_HOLDER_H
#define ZHERD_TOPOLOGY_FORMAT_LOCK_HOLDER_H

#include <stdint.h>

#include "bus/base/bytes.h"

/* The process that has the file of this device and inode (stat(2), major(3), minor(3)) to itself; 0
 * where the text names none. Some file systems show another device there than to stat(2): then the
 * inode alone decides. */
long lock_holder(struct span locks, uint32_t device_major, uint32_t device_minor, uint64_t inode);

#endif
