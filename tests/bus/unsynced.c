#include "tests/bus/unsynced.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/rng.h"

#define PAGE_BYTES   4096
#define SECTOR_BYTES 512
#define STEP_BYTES   (64 * PAGE_BYTES)
#define NAMES_MAX    1024
#define KNOWN_MAX    16
/* In FOLDER.disk: a line for each name, and of each file two entries that begin with the number of
 * its inode. One is the file itself: as long as it has that name, no other gets its number. */
#define NAMES "names"

/* A file of which FOLDER.disk has everything but what was written between these, in this process.
 */
struct known {
    ino_t inode;
    off_t from, to;
};

struct name {
    ino_t inode;
    char synced[NAME_MAX + 1], now[NAME_MAX + 1]; /* empty: none */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct known known[KNOWN_MAX];
static uint32_t next_known;

/* ---- the folder and its disk ---- */

static const char *own_folder(void)
{
    return getenv(UNSYNCED_FOLDER);
}

static int open_disk(const char *folder)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s.disk", folder) >= (int)sizeof path)
        return -1;
    mkdir(path, 0700);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Is it the folder itself, or a file in it? */
static bool is_ours(int file, bool *is_folder)
{
    char link[64], path[PATH_MAX];
    const char *folder = own_folder();
    if (folder == NULL)
        return false;
    size_t bytes = strlen(folder);
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t got = readlink(link, path, sizeof path - 1);
    if (got < (ssize_t)bytes || memcmp(path, folder, bytes) != 0)
        return false;
    *is_folder = got == (ssize_t)bytes;
    return *is_folder || path[bytes] == '/';
}

static void entry_name(ino_t inode, const char *what, char name[64])
{
    snprintf(name, 64, "%ju.%s", (uintmax_t)inode, what);
}

static int open_entry(int disk, ino_t inode, const char *what)
{
    char name[64];
    entry_name(inode, what, name);
    return openat(disk, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* ---- files ---- */

static struct known *find_known(ino_t inode)
{
    for (uint32_t i = 0; i < KNOWN_MAX; i++)
        if (known[i].inode == inode)
            return &known[i];
    return NULL;
}

static void note_write(int file, off_t at, size_t count)
{
    struct stat state;
    bool is_folder;
    if (!is_ours(file, &is_folder) || fstat(file, &state) != 0)
        return;
    pthread_mutex_lock(&mutex);
    struct known *of = find_known(state.st_ino);
    if (of != NULL && of->from == of->to)
        of->from = of->to = at;
    if (of != NULL && at < of->from)
        of->from = at;
    if (of != NULL && at + (off_t)count > of->to)
        of->to = at + (off_t)count;
    pthread_mutex_unlock(&mutex);
}

/* A part of a file, with zeros where it ends before. */
static void read_part(int file, char *to, size_t bytes, off_t at)
{
    ssize_t got = pread(file, to, bytes, at);
    size_t have = got > 0 ? (size_t)got : 0;
    memset(to + have, 0, bytes - have);
}

static ssize_t write_below(int file, const void *bytes, size_t count, off_t at)
{
    return syscall(SYS_pwrite64, file, bytes, count, at);
}

static bool copy(int from, int to, off_t at, off_t end)
{
    static char bytes[STEP_BYTES], before[STEP_BYTES];
    for (; at < end; at += STEP_BYTES) {
        size_t count = end - at < STEP_BYTES ? (size_t)(end - at) : STEP_BYTES;
        read_part(from, bytes, count, at);
        read_part(to, before, count, at);
        if (memcmp(bytes, before, count) != 0 &&
            write_below(to, bytes, count, at) != (ssize_t)count)
            return false;
    }
    return true;
}

/* The disk gets what the file has. */
static bool sync_file(int disk, int file)
{
    struct stat state;
    char path[64], name[64];
    if (fstat(file, &state) != 0)
        return false;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    entry_name(state.st_ino, "live", name);
    bool is_new = linkat(AT_FDCWD, path, disk, name, AT_SYMLINK_FOLLOW) == 0;
    if (!is_new && errno != EEXIST)
        return false;
    struct known *of = find_known(state.st_ino);
    bool is_known = of != NULL && !is_new;
    if (of == NULL)
        of = &known[next_known++ % KNOWN_MAX];
    int from = open(path, O_RDONLY | O_CLOEXEC), to = open_entry(disk, state.st_ino, "disk");
    off_t end = is_known && of->to < state.st_size ? of->to : state.st_size;
    bool is_good = from >= 0 && to >= 0 && ftruncate(to, state.st_size) == 0 &&
                   copy(from, to, is_known ? of->from : 0, end);
    *of = (struct known){.inode = is_good ? state.st_ino : 0};
    close(from);
    close(to);
    return is_good;
}

/* ---- names ---- */

static struct name *name_of(struct name *names, uint32_t *count, ino_t inode)
{
    for (uint32_t i = 0; i < *count; i++)
        if (names[i].inode == inode)
            return &names[i];
    if (*count == NAMES_MAX)
        abort();
    names[*count] = (struct name){.inode = inode};
    return &names[(*count)++];
}

static void read_names_now(const char *folder, struct name *names, uint32_t *count)
{
    DIR *listing = opendir(folder);
    struct stat state;
    for (struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;)
        if (fstatat(dirfd(listing), entry->d_name, &state, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(state.st_mode))
            strcpy(name_of(names, count, state.st_ino)->now, entry->d_name);
    if (listing != NULL)
        closedir(listing);
}

static void read_names_synced(int disk, struct name *names, uint32_t *count)
{
    uintmax_t inode;
    char text[NAME_MAX + 1];
    int at = openat(disk, NAMES, O_RDONLY | O_CLOEXEC);
    FILE *file = at < 0 ? NULL : fdopen(at, "r");
    while (file != NULL && fscanf(file, "%ju %255s", &inode, text) == 2)
        strcpy(name_of(names, count, (ino_t)inode)->synced, text);
    if (file != NULL)
        fclose(file);
}

/* What has no name any more is gone. */
static void remove_nameless(int disk, struct name *names, uint32_t count)
{
    DIR *listing = fdopendir(openat(disk, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;) {
        uint32_t known_count = count;
        uintmax_t inode;
        if (sscanf(entry->d_name, "%ju.", &inode) == 1 && count < NAMES_MAX)
            name_of(names, &known_count, (ino_t)inode);
        if (known_count > count)
            unlinkat(disk, entry->d_name, 0);
    }
    if (listing != NULL)
        closedir(listing);
}

/* The disk gets the names that the folder has. */
static bool sync_folder(int disk, const char *folder)
{
    static struct name names[NAMES_MAX];
    uint32_t count = 0;
    read_names_now(folder, names, &count);
    int at = openat(disk, NAMES ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = at < 0 ? NULL : fdopen(at, "w");
    if (file == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        char from[PATH_MAX], to[64];
        fprintf(file, "%ju %s\n", (uintmax_t)names[i].inode, names[i].now);
        snprintf(from, sizeof from, "%s/%s", folder, names[i].now);
        entry_name(names[i].inode, "live", to);
        if (linkat(AT_FDCWD, from, disk, to, 0) == 0)
            close(open_entry(disk, names[i].inode, "disk")); /* of its bytes nothing is synced */
    }
    if (fclose(file) != 0 || renameat(disk, NAMES ".new", disk, NAMES) != 0)
        return false;
    remove_nameless(disk, names, count);
    return true;
}

/* ---- the power is cut ---- */

static bool flips(struct rng *rng)
{
    return rng_chance(rng, 500);
}

/* What of a page that was not synced the disk has: all, nothing, or its head or tail. */
static void draw_page(struct rng *rng, const char *synced, const char *now, char *kept)
{
    size_t head = (size_t)rng_below(rng, PAGE_BYTES / SECTOR_BYTES + 1) * SECTOR_BYTES;
    if (!rng_chance(rng, 200))
        head = flips(rng) ? PAGE_BYTES : 0;
    memcpy(kept, now, head);
    memcpy(kept + head, synced + head, PAGE_BYTES - head);
}

static int64_t cut_file(int disk, ino_t inode, struct rng *rng)
{
    char old[PAGE_BYTES], now[PAGE_BYTES], kept[PAGE_BYTES];
    struct stat synced, live;
    int64_t lost = 0;
    int at = open_entry(disk, inode, "disk"), live_at = open_entry(disk, inode, "live");
    if (at < 0 || live_at < 0 || fstat(at, &synced) != 0 || fstat(live_at, &live) != 0)
        return -1;
    off_t size = flips(rng) ? synced.st_size : live.st_size;
    for (off_t done = 0; done < size; done += PAGE_BYTES) {
        read_part(at, old, PAGE_BYTES, done);
        read_part(live_at, now, PAGE_BYTES, done);
        if (memcmp(old, now, PAGE_BYTES) == 0)
            continue;
        draw_page(rng, old, now, kept);
        lost += memcmp(kept, now, PAGE_BYTES) != 0;
        if (write_below(at, kept, PAGE_BYTES, done) != PAGE_BYTES ||
            write_below(live_at, kept, PAGE_BYTES, done) != PAGE_BYTES)
            return -1;
    }
    lost += size != live.st_size;
    bool is_good = ftruncate(at, size) == 0 && ftruncate(live_at, size) == 0;
    close(at);
    close(live_at);
    return is_good ? lost : -1;
}

/* Gives the file another name; not where that is taken, or the file is gone. */
static void give_name(int from, const char *name, int to, const char *as)
{
    if (linkat(from, name, to, as, 0) != 0)
        assert(errno == EEXIST || errno == ENOENT);
}

/* Where the file was or where it is now; a name that another file has is lost. */
static bool cut_name(int disk, int at, const struct name *name, struct rng *rng)
{
    char entry[64];
    const char *drawn = flips(rng) ? name->synced : name->now;
    entry_name(name->inode, "live", entry);
    if (drawn[0] != '\0')
        give_name(disk, entry, at, drawn);
    return strcmp(drawn, name->now) != 0;
}

static int64_t cut_all(const char *folder, int disk, int at, struct rng *rng)
{
    static struct name names[NAMES_MAX];
    uint32_t count = 0;
    int64_t lost = 0;
    memset(known, 0, sizeof known);
    read_names_synced(disk, names, &count);
    read_names_now(folder, names, &count);
    for (uint32_t i = 0; i < count; i++) {
        char entry[64];
        entry_name(names[i].inode, "live", entry);
        if (names[i].now[0] != '\0') {
            give_name(at, names[i].now, disk, entry);
            unlinkat(at, names[i].now, 0);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        int64_t pages = cut_file(disk, names[i].inode, rng);
        if (pages < 0)
            return -1;
        lost += pages + cut_name(disk, at, &names[i], rng);
    }
    return sync_folder(disk, folder) ? lost : -1;
}

int64_t unsynced_cut(const char *folder, uint64_t seed)
{
    struct rng rng = {seed};
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return errno == ENOENT ? 0 : -1;
    int disk = open_disk(folder);
    int64_t lost = disk < 0 ? -1 : cut_all(folder, disk, at, &rng);
    int error = errno;
    close(at);
    if (disk >= 0)
        close(disk);
    errno = error;
    return lost;
}

/* ---- in the place of the system's calls ---- */

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at)
{
    note_write(file, at, count);
    return write_below(file, bytes, count, at);
}

static void take_time(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s.slow", own_folder());
    do
        nanosleep(&(struct timespec){.tv_nsec = UNSYNCED_SYNC_NS}, NULL);
    while (access(path, F_OK) == 0);
}

static int sync_it(int file, long call)
{
    bool is_folder;
    if (!is_ours(file, &is_folder))
        return (int)syscall(call, file);
    take_time();
    if (getenv(UNSYNCED_LIES) != NULL)
        return 0;
    pthread_mutex_lock(&mutex);
    int disk = open_disk(own_folder());
    bool is_good =
        disk >= 0 && (is_folder ? sync_folder(disk, own_folder()) : sync_file(disk, file));
    if (disk >= 0)
        close(disk);
    pthread_mutex_unlock(&mutex);
    if (!is_good)
        errno = EIO;
    return is_good ? 0 : -1;
}

int fdatasync(int file)
{
    return sync_it(file, SYS_fdatasync);
}

int fsync(int file)
{
    return sync_it(file, SYS_fsync);
}
