#include "topology/cli/up_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "topology/format/lock_holder.h"

/* A machine with more locks than fit may hide the one that is looked for. */
#define LOCKS_BYTES_MAX (256 * 1024)

static void name_holder(int file, char holder[UP_LOCK_HOLDER_BYTES_MAX])
{
    static char text[LOCKS_BYTES_MAX];
    struct stat facts;
    size_t bytes = 0;
    int locks = open("/proc/locks", O_RDONLY | O_CLOEXEC);
    if (locks >= 0) {
        for (ssize_t got; (got = read(locks, text + bytes, sizeof text - bytes)) > 0;)
            bytes += (size_t)got;
        close(locks);
    }
    long process = 0;
    if (fstat(file, &facts) == 0)
        process = lock_holder((struct span){text, bytes}, major(facts.st_dev), minor(facts.st_dev),
                              facts.st_ino);
    if (process > 0)
        snprintf(holder, UP_LOCK_HOLDER_BYTES_MAX, "process %ld", process);
    else
        snprintf(holder, UP_LOCK_HOLDER_BYTES_MAX, "another process");
}

int up_lock_take(const char *path, char holder[UP_LOCK_HOLDER_BYTES_MAX])
{
    holder[0] = '\0';
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 || flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return file;
    name_holder(file, holder);
    close(file);
    return -1;
}

bool up_lock_follow(const char *path, int *held)
{
    struct stat ours, named;
    char holder[UP_LOCK_HOLDER_BYTES_MAX];
    if (stat(path, &named) != 0 ||
        (fstat(*held, &ours) == 0 && ours.st_dev == named.st_dev && ours.st_ino == named.st_ino))
        return false;
    int file = up_lock_take(path, holder);
    if (file < 0)
        return false;
    close(*held);
    *held = file;
    return true;
}
