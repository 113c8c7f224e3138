#include "topology/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topology/say.h"

#define OUTPUTS 2

/* Of standard output and standard error; "" for what is no file. */
static char paths[OUTPUTS][PATH_MAX];

static bool is_at(int descriptor, const char *path)
{
    struct stat open_one, named;
    return fstat(descriptor, &open_one) == 0 && stat(path, &named) == 0 &&
           open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

static void remember(int descriptor, char path[PATH_MAX])
{
    char name[32];
    struct stat facts;
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    ssize_t bytes = readlink(name, path, PATH_MAX - 1);
    path[bytes > 0 ? bytes : 0] = '\0';
    if (fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode) || !is_at(descriptor, path))
        path[0] = '\0';
}

sigset_t signals_both(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    return signals;
}

bool signals_hold(void)
{
    sigset_t signals = signals_both();
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    /* One that is ignored does not even wait (sigaction(2)). */
    bool was_ignored = signal(SIGHUP, SIG_DFL) == SIG_IGN;
    signal(SIGUSR1, SIG_DFL);
    for (int i = 0; i < OUTPUTS; i++)
        remember(STDOUT_FILENO + i, paths[i]);
    return was_ignored;
}

void signals_release(void)
{
    sigset_t signals = signals_both();
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

/* A new file has the old one's mode. */
static void reopen(int descriptor, const char *path)
{
    struct stat facts;
    if (path[0] == '\0' || is_at(descriptor, path) || fstat(descriptor, &facts) != 0)
        return;
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC,
                    facts.st_mode & 0777);
    if (file < 0) {
        say("cannot reopen %s: %s", path, strerror(errno));
        return;
    }
    dup2(file, descriptor);
    close(file);
}

void signals_reopen(void)
{
    for (int i = 0; i < OUTPUTS; i++)
        reopen(STDOUT_FILENO + i, paths[i]);
}
