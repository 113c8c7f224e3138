#include "topology/journald.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

bool journald_reads(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat facts;
    uintmax_t device, inode;
    char more;
    return stream != NULL && fstat(fd, &facts) == 0 &&
           sscanf(stream, "%ju:%ju%c", &device, &inode, &more) == 2 && facts.st_dev == device &&
           facts.st_ino == inode;
}
