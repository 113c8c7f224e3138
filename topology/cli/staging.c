#include "topology/cli/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "topology/cli/process.h"
#include "topology/say.h"

#define FOLDER_NAME   "/.zherd-XXXXXX"
#define WORDS_MAX     16
#define END_BYTES_MAX 64

extern char **environ;

static sigset_t ends(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    return signals;
}

static bool name_folder(const char *path, char folder[PATH_MAX])
{
    char copy[PATH_MAX];
    int bytes = snprintf(copy, sizeof copy, "%s", path);
    if (bytes < 0 || (size_t)bytes >= sizeof copy)
        return say_failure("%s: the path is too long", path);
    bytes = snprintf(folder, PATH_MAX, "%s", dirname(copy));
    return (bytes > 0 && bytes < PATH_MAX) || say_failure("%s: the path is too long", path);
}

bool staging_begin(struct staging *staging, const char *goal)
{
    char folder[PATH_MAX], full[PATH_MAX];
    struct stat facts;
    *staging = (struct staging){.goal = goal};
    if (lstat(goal, &facts) == 0)
        return say_failure("%s: is there already; nothing is overwritten", goal);
    if (!name_folder(goal, folder))
        return false;
    if (!realpath(folder, full))
        return say_failure("%s: %s", folder, strerror(errno));
    if (strlen(full) + sizeof FOLDER_NAME > sizeof staging->path)
        return say_failure("%s: the path is too long", full);
    sigset_t signals = ends();
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */
    snprintf(staging->path, sizeof staging->path, "%.*s" FOLDER_NAME,
             (int)(sizeof staging->path - sizeof FOLDER_NAME), full);
    if (mkdtemp(staging->path) != NULL)
        return true;
    staging->path[0] = '\0';
    return say_failure("%s: %s", full, strerror(errno));
}

bool staging_is_stopped(void)
{
    sigset_t pending, signals = ends();
    sigpending(&pending);
    sigandset(&pending, &pending, &signals);
    return !sigisemptyset(&pending) && !say_failure("stopped by a signal; nothing was made");
}

/* What ends us at a terminal ends it, too. */
static int spawn(char *const *words, pid_t *pid)
{
    sigset_t none;
    posix_spawnattr_t attributes;
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawnp(pid, words[0], NULL, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
    return error;
}

bool staging_run_tar(char *const *words)
{
    char *all[WORDS_MAX] = {"tar"}, end[END_BYTES_MAX];
    pid_t pid = 0;
    int status = 0;
    for (size_t i = 0; words[i] != NULL && i + 2 < WORDS_MAX; i++)
        all[i + 1] = words[i];
    int error = spawn(all, &pid);
    if (error != 0)
        return say_failure("tar: %s", strerror(error));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (status == 0)
        return true;
    process_tell_end(status, end, sizeof end);
    return say_failure("tar %s", end);
}

static bool sync_folder(const char *path, int (*sync_all)(int))
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_good = folder >= 0 && sync_all(folder) == 0;
    int error = errno;
    if (folder >= 0)
        close(folder);
    return is_good || say_failure("%s: %s", path, strerror(error));
}

/* Not every file system can refuse a name that is taken (renameat2(2)); all that cannot have links
 * or say so. */
static bool take_name(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    return errno == EINVAL && link(from, to) == 0;
}

bool staging_finish(const struct staging *staging, const char *name)
{
    char made[STAGING_PATH_BYTES], folder[PATH_MAX];
    snprintf(made, sizeof made, "%s/%s", staging->path, name);
    if (staging_is_stopped() || !sync_folder(staging->path, syncfs) ||
        !name_folder(staging->goal, folder))
        return false;
    if (!take_name(made, staging->goal))
        return say_failure("%s: %s", staging->goal, strerror(errno));
    return sync_folder(folder, fsync);
}

/* Folders that came out of an archive can lack any right. */
static bool remove_one(const FTSENT *one)
{
    switch (one->fts_info) {
    case FTS_D:
        return (one->fts_statp->st_mode & S_IRWXU) == S_IRWXU || chmod(one->fts_path, S_IRWXU) == 0;
    case FTS_DP:
        return rmdir(one->fts_path) == 0;
    default:
        return unlink(one->fts_path) == 0;
    }
}

void staging_end(const struct staging *staging)
{
    if (staging->path[0] == '\0')
        return;
    char *roots[] = {(char *)staging->path, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    bool is_good = tree != NULL;
    for (FTSENT *one; is_good && (errno = 0, one = fts_read(tree)) != NULL;)
        is_good = remove_one(one);
    is_good = is_good && errno == 0;
    if (!is_good)
        say("%s: cannot be removed: %s", staging->path, strerror(errno));
    if (tree)
        fts_close(tree);
}
