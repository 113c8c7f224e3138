#include "topology/cli/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bus/base/bytes.h"
#include "topology/say.h"
#include "topology/supervisor.h"

/* "process 4711" */
#define LOCK_HOLDER_BYTES_MAX 64
/* A machine with more locks than fit may hide the one that is looked for. */
#define LOCKS_BYTES_MAX (256 * 1024)

static void name_holder(int file, char holder[LOCK_HOLDER_BYTES_MAX])
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
        process = supervisor_find_lock_holder((struct span){text, bytes}, major(facts.st_dev),
                                              minor(facts.st_dev), facts.st_ino);
    if (process > 0)
        snprintf(holder, LOCK_HOLDER_BYTES_MAX, "process %ld", process);
    else
        snprintf(holder, LOCK_HOLDER_BYTES_MAX, "another process");
}

/* Opens the file or folder and has it to itself until the descriptor, which is returned, is closed.
 * -1 where somebody else has it: `holder` says who, such as "process 4711"; or, with errno and an
 * empty `holder`, where it cannot be opened. */
static int take_lock(const char *path, char holder[LOCK_HOLDER_BYTES_MAX])
{
    holder[0] = '\0';
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 || flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return file;
    name_holder(file, holder);
    close(file);
    return -1;
}

bool lock_follow(const char *path, int *held)
{
    struct stat ours, named;
    char holder[LOCK_HOLDER_BYTES_MAX];
    if (stat(path, &named) != 0 ||
        (fstat(*held, &ours) == 0 && ours.st_dev == named.st_dev && ours.st_ino == named.st_ino))
        return false;
    int file = take_lock(path, holder);
    if (file < 0)
        return false;
    close(*held);
    *held = file;
    return true;
}

bool lock_demand(const char *path, const char *use, int *lock)
{
    char holder[LOCK_HOLDER_BYTES_MAX];
    *lock = take_lock(path, holder);
    if (*lock < 0 && holder[0] != '\0')
        say("%s is in use: %s %s", path, holder, use);
    else if (*lock < 0)
        say("%s: %s", path, strerror(errno));
    return *lock >= 0;
}
