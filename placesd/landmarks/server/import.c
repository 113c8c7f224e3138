#include "placesd/landmarks/server/import.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "placesd/landmarks/data/feature.h"
#include "placesd/landmarks/data/splitter.h"
#include "placesd/landmarks/server/store.h"
#include "topology/say.h"

#define READ_BYTES ((size_t)256 * 1024)
/* A person sees it move; a log holds a line now and then. */
#define TERMINAL_PERIOD_MS 1000
#define LOG_PERIOD_MS      30000
/* To the beginning of the line, which becomes empty (ECMA-48, EL). */
#define LINE_BEGINS "\r\033[K"
/* Enough to see what is wrong with a file; the rest is only counted. */
#define BROKEN_SHOWN_MAX 10
/* Links from one to the next, as Linux allows (path_resolution(7)). */
#define LINKS_MAX 40

#define TOO_LONG "the name of the database is too long"

/* An import under way. */
struct job {
    const struct import *import;
    struct tally *tally;
    struct fault *fault;
    char database[PATH_MAX]; /* where it really lies: no link in it */
    char draft[PATH_MAX];    /* the file in which the new database grows */
    int draft_file;          /* holds the lock; -1 without one */
    int input;
    uint64_t input_bytes; /* 0 where nobody knows */
    struct store *store;
    struct splitter splitter;
    int64_t began_ms, shown_ms; /* and when progress was shown last */
};

static const char *input_name(const struct job *job)
{
    return job->import->file == NULL ? "standard input" : job->import->file;
}

static bool open_input(struct job *job)
{
    struct stat facts;
    char where[SAY_WHERE_BYTES_MAX];
    const char *file = job->import->file;
    job->input = file == NULL ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    if (job->input < 0)
        return fault_set(job->fault, "cannot read %s: %s%s", file, strerror(errno),
                         say_where(file, where));
    if (fstat(job->input, &facts) == 0 && S_ISREG(facts.st_mode))
        job->input_bytes = (uint64_t)facts.st_size;
    return true;
}

/* The name without links in its folder's; where there is no such folder, as it is. */
static bool settle(struct job *job, const char *path)
{
    char copy[PATH_MAX], name[PATH_MAX], folder[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    snprintf(name, sizeof name, "%s", basename(copy));
    snprintf(copy, sizeof copy, "%s", path);
    if (realpath(dirname(copy), folder) == NULL)
        return fault_set(job->fault, "cannot write %s: %s", path, strerror(errno));
    int bytes = snprintf(job->database, sizeof job->database, "%s/%s",
                         strcmp(folder, "/") == 0 ? "" : folder, name);
    return (size_t)bytes < sizeof job->database || fault_set(job->fault, "%s", TOO_LONG);
}

/* A database may be named by a link, which stays one: what it leads to is replaced, also where
 * nothing is there yet. From then on no link is followed: somebody else may have put it there. */
static bool resolve(struct job *job)
{
    char path[PATH_MAX], target[PATH_MAX], copy[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s", job->import->database) >= sizeof path)
        return fault_set(job->fault, "%s", TOO_LONG);
    for (int links = 0; links <= LINKS_MAX; links++) {
        ssize_t bytes = readlink(path, target, sizeof target - 1);
        if (bytes < 0)
            return settle(job, path);
        target[bytes] = '\0';
        memcpy(copy, path, sizeof copy);
        int wanted = target[0] == '/' ? snprintf(path, sizeof path, "%s", target)
                                      : snprintf(path, sizeof path, "%s/%s", dirname(copy), target);
        if ((size_t)wanted >= sizeof path)
            return fault_set(job->fault, "%s", TOO_LONG);
    }
    return fault_set(job->fault, "cannot write %s: %s", job->import->database, strerror(ELOOP));
}

/* Whoever mixes up the arguments must not lose the input, or any other file. */
static bool spare_strangers(struct job *job)
{
    struct stat facts;
    if (lstat(job->database, &facts) != 0 ||
        (S_ISREG(facts.st_mode) && (facts.st_size == 0 || store_is_ours(job->database))))
        return true;
    return fault_set(job->fault,
                     "%s is there and is no database of zherd-landmarks; name another one",
                     job->import->database);
}

/* True if the name is still the open file's: another import may have renamed it between our opening
 * and our locking it, or somebody put another one there. */
static bool is_same_file(const char *path, int file)
{
    struct stat named, opened;
    return lstat(path, &named) == 0 && fstat(file, &opened) == 0 && named.st_dev == opened.st_dev &&
           named.st_ino == opened.st_ino;
}

/* What is there under the draft's name, if it is what a killed import of ours leaves: what
 * is written into it is seen nowhere else. -1, and errno, for anything else. */
static int open_leftover(const struct job *job)
{
    struct stat facts;
    int file = open(job->draft, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return -1;
    if (fstat(file, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink == 1 &&
        facts.st_uid == geteuid())
        return file;
    close(file);
    errno = EEXIST;
    return -1;
}

/* An empty draft that is ours alone. */
static bool open_draft(struct job *job)
{
    int bytes = snprintf(job->draft, sizeof job->draft, "%s.import", job->database);
    if ((size_t)bytes >= sizeof job->draft)
        return fault_set(job->fault, "%s", TOO_LONG);
    int file = open(job->draft, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0 && errno == EEXIST)
        file = open_leftover(job);
    if (file < 0)
        return fault_set(job->fault, "cannot write %s: %s", job->draft, strerror(errno));
    if (flock(file, LOCK_EX | LOCK_NB) != 0 || !is_same_file(job->draft, file)) {
        close(file);
        return fault_set(job->fault, "another import into %s is running", job->import->database);
    }
    job->draft_file = file;
    return ftruncate(file, 0) == 0 ||
           fault_set(job->fault, "cannot write %s: %s", job->draft, strerror(errno));
}

static bool copy_database(struct job *job)
{
    int from = open(job->database, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0)
        return errno == ENOENT ||
               fault_set(job->fault, "cannot read %s: %s", job->import->database, strerror(errno));
    ssize_t copied;
    do
        copied = sendfile(job->draft_file, from, NULL, READ_BYTES);
    while (copied > 0);
    int reason = errno;
    close(from);
    return copied == 0 || fault_set(job->fault, "cannot copy %s to %s: %s", job->import->database,
                                    job->draft, strerror(reason));
}

static int64_t read_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A terminal has one line, which becomes another; a log has a line now and then. */
static void show_progress(struct job *job, bool is_last)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    int64_t now_ms = read_clock_ms();
    if (!is_last && now_ms - job->shown_ms < (is_terminal ? TERMINAL_PERIOD_MS : LOG_PERIOD_MS))
        return;
    job->shown_ms = now_ms;
    struct buffer line = {0};
    tally_write_progress(job->tally, job->input_bytes, &line);
    if (is_terminal && !is_last)
        tally_write_pace(job->tally, job->input_bytes, now_ms - job->began_ms, &line);
    fprintf(stderr, "%s%.*s%s", is_terminal ? LINE_BEGINS : "", (int)line.len, line.data,
            is_terminal && !is_last ? "" : "\n");
    buffer_free(&line);
}

static bool take_record(struct job *job, struct span record)
{
    struct place place;
    uint64_t key;
    char why[FEATURE_WHY_BYTES_MAX + 1];
    enum feature_kind kind = feature_read(record, &place, &key, why);
    job->tally->kinds[kind]++;
    if (kind == FEATURE_BROKEN && job->tally->kinds[kind] <= BROKEN_SHOWN_MAX)
        say("record %" PRIu64 " is broken: %s", tally_records(job->tally), why);
    if (kind != FEATURE_PLACE)
        return true;
    bool replaced;
    if (!store_put(job->store, &place, key, &replaced))
        return fault_set(job->fault, "cannot write %s: %s", job->draft, store_failure(job->store));
    job->tally->replaced += replaced;
    return true;
}

/* All records that are complete. */
static bool take_records(struct job *job)
{
    struct span record;
    for (enum splitter_kind kind;
         (kind = splitter_next(&job->splitter, &record)) != SPLITTER_NONE;) {
        if (kind == SPLITTER_TOO_LONG)
            job->tally->too_long++;
        else if (!take_record(job, record))
            return false;
    }
    return true;
}

/* Whether to give up; with `waits` only when there is an answer or input to read. */
static bool is_interrupted(const struct job *job, bool waits)
{
    struct pollfd polled[] = {{.fd = job->import->give_up, .events = POLLIN},
                              {.fd = job->input, .events = POLLIN}};
    while (poll(polled, 2, waits ? -1 : 0) < 0 && errno == EINTR)
        continue;
    return polled[0].revents != 0;
}

static bool read_all(struct job *job, char *bytes)
{
    for (;;) {
        if (is_interrupted(job, true))
            return fault_set(job->fault, "interrupted");
        ssize_t count = read(job->input, bytes, READ_BYTES);
        if (count < 0)
            return fault_set(job->fault, "cannot read %s: %s", input_name(job), strerror(errno));
        if (count == 0)
            break;
        job->tally->bytes += (uint64_t)count;
        splitter_feed(&job->splitter, (struct span){bytes, (size_t)count});
        if (!take_records(job))
            return false;
        show_progress(job, false);
    }
    splitter_end(&job->splitter);
    if (!take_records(job))
        return false;
    show_progress(job, true);
    if (splitter_is_cut(&job->splitter))
        return fault_set(job->fault, "%s ends in the middle; was its writer stopped?",
                         input_name(job));
    if (job->tally->kinds[FEATURE_PLACE] == 0)
        return fault_set(job->fault, "there is no place in %s", input_name(job));
    return true;
}

static bool fill(struct job *job)
{
    char *bytes = bytes_resize(NULL, READ_BYTES);
    job->store = store_open_to_fill(job->draft, job->fault);
    bool filled = job->store != NULL && read_all(job, bytes);
    if (filled && !store_finish(job->store))
        filled =
            fault_set(job->fault, "cannot write %s: %s", job->draft, store_failure(job->store));
    store_close(&job->store);
    free(bytes);
    return filled;
}

/* The rename counts only when the folder is written out too. */
static bool sync_folder(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return false;
    bool synced = fsync(folder) == 0;
    close(folder);
    return synced;
}

static bool put_in_place(struct job *job)
{
    if (fsync(job->draft_file) != 0)
        return fault_set(job->fault, "cannot write %s: %s", job->draft, strerror(errno));
    if (is_interrupted(job, false))
        return fault_set(job->fault, "interrupted");
    if (!is_same_file(job->draft, job->draft_file))
        return fault_set(job->fault, "%s was taken away while it was written", job->draft);
    if (rename(job->draft, job->database) != 0 || !sync_folder(job->database))
        return fault_set(job->fault, "cannot put %s in its place: %s", job->import->database,
                         strerror(errno));
    return true;
}

bool import_run(const struct import *import, struct tally *tally, struct fault *fault)
{
    int64_t now_ms = read_clock_ms();
    struct job job = {
        .import = import,
        .tally = tally,
        .fault = fault,
        .draft_file = -1,
        .input = -1,
        .began_ms = now_ms,
        .shown_ms = now_ms,
    };
    bool done = resolve(&job) && spare_strangers(&job) && open_input(&job) && open_draft(&job) &&
                (!import->merge || copy_database(&job)) && fill(&job) && put_in_place(&job);
    splitter_free(&job.splitter);
    if (job.draft_file >= 0) {
        if (!done && is_same_file(job.draft, job.draft_file))
            unlink(job.draft);
        close(job.draft_file);
    }
    if (import->file != NULL && job.input >= 0)
        close(job.input);
    return done;
}
