#include "topology/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bus/base/packed.h"
#include "topology/journald.h"
#include "topology/say.h"
#include "topology/writer.h"

#define LOG_FOLDER_MODE 0755
#define LOG_FILE_MODE   0640

/* What the loop asks the thread for. */
#define ASKED_REOPEN 1u
#define ASKED_LOOK   2u

/* Where it goes. */
struct place {
    char folder[PATH_MAX]; /* of the path */
    char path[PATH_MAX];
    uint64_t bytes_max;
    enum logline_format format;
};

struct log {
    _Atomic uint64_t bytes_lost;
    bool is_output, has_priorities; /* never change */

    /* What the loop asks for, with the next ASKED_REOPEN. */
    pthread_mutex_t lock;
    struct place wanted;
    int wanted_fd; /* another file, or standard output as it is now; -1: none is new */

    /* The loop's. */
    struct writer *writer;
    bool drops;             /* the queue was full, and that was said */
    bool dropped_lately;    /* since the last look */
    bool is_near, was_near; /* the queue, since log_take_near, and before */
    int next_fd;            /* of the file that log_read opened; -1: none */

    /* The thread's. */
    int fd;                /* -1 while there is no file */
    bool is_limited;       /* it is a file, and not a pipe or the like */
    bool unrotated;        /* it could not be rotated, and that was said */
    bool rests;            /* and is not tried again before the next look */
    uint64_t file_bytes;   /* of that file */
    bool failing;          /* the last write failed, and that was said */
    bool unopened;         /* the last try to open the file again failed, and that was said */
    bool torn;             /* the file ends within a line */
    uint64_t gap_bytes;    /* of what is lost, what no line in the file tells of yet */
    uint64_t recent_bytes; /* written since the file was last seen under its name */
    struct place place;
};

static bool is_pipe(int fd)
{
    struct stat facts;
    return fstat(fd, &facts) == 0 && S_ISFIFO(facts.st_mode);
}

/* Does not wait for a pipe's reader: one that is open for reading, too, needs none, neither now nor
 * later (fifo(7)). Writes wait, on the log's thread. */
static int open_file(const char *path)
{
    const int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = open(path, O_WRONLY | flags, LOG_FILE_MODE);
    if (fd < 0 ? errno == ENXIO : is_pipe(fd)) {
        if (fd >= 0)
            close(fd);
        fd = open(path, O_RDWR | flags, LOG_FILE_MODE);
    }
    if (fd >= 0)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return fd;
}

/* Makes the folder and those above it, like mkdir -p. */
static bool make_folder(const char *folder)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s", folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (char *at = path + 1; path[0] != '\0' && *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, LOG_FOLDER_MODE) != 0 && errno != EEXIST)
            return false;
        *at = '/';
    }
    return mkdir(path, LOG_FOLDER_MODE) == 0 || errno == EEXIST;
}

/* Whether the file ends within a line, as a full disk leaves it. One that cannot be read is taken
 * for whole. */
static bool is_torn(int fd, const char *path)
{
    struct stat facts;
    char last = '\n';
    if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode) || facts.st_size == 0)
        return false;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool torn = pread(file, &last, 1, facts.st_size - 1) == 1 && last != '\n';
    close(file);
    return torn;
}

/* False where the names are too long. */
static bool find_place(const struct log_options *options, struct place *place)
{
    place->bytes_max = options->bytes_max;
    place->format = options->format;
    int bytes = options->file != NULL
                    ? snprintf(place->path, sizeof place->path, "%s", options->file)
                    : snprintf(place->path, sizeof place->path, "%s/%s.log", options->folder,
                               options->name);
    if (bytes >= (int)sizeof place->path)
        return false;
    const char *slash = strrchr(place->path, '/');
    snprintf(place->folder, sizeof place->folder, "%.*s",
             slash == NULL ? 1 : (int)(slash - place->path + 1), slash == NULL ? "." : place->path);
    return true;
}

/* Has no other file than this from now on. */
static void take_file(struct log *log, int fd)
{
    struct stat facts;
    log->fd = fd;
    log->is_limited = fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && !log->is_output;
    log->file_bytes = log->is_limited ? (uint64_t)facts.st_size : 0;
    log->torn = !log->is_output && is_torn(fd, log->place.path);
    log->recent_bytes = 0;
}

/* So that nothing that is done to standard output for a moment (topology/quiet.h) matters. */
static int copy_output(void)
{
    return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

/* -1 and a fault. */
static int open_place(const struct place *place, struct fault *fault)
{
    int fd = -1;
    if (!make_folder(place->folder))
        fault_set(fault, "cannot make the log folder %.1024s: %s", place->folder, strerror(errno));
    else if ((fd = open_file(place->path)) < 0)
        fault_set(fault, "cannot open the log %.1024s: %s", place->path, strerror(errno));
    return fd;
}

static bool say_too_long(const struct log_options *options, struct fault *fault)
{
    return fault_set(fault, "the log's name is too long: %.1024s",
                     options->file != NULL ? options->file : options->folder);
}

static bool open_log(struct log *log, const struct log_options *options, struct fault *fault)
{
    int fd = -1;
    log->is_output = options->file != NULL && strcmp(options->file, "-") == 0;
    if (!find_place(options, &log->place))
        return say_too_long(options, fault);
    if (!log->is_output)
        fd = open_place(&log->place, fault);
    else if ((fd = copy_output()) < 0)
        fault_set(fault, "cannot log to standard output: %s", strerror(errno));
    if (fd < 0)
        return false;
    take_file(log, fd);
    log->wanted = log->place;
    log->wanted_fd = log->next_fd = -1;
    log->has_priorities = log->is_output && journald_reads(fd);
    return true;
}

/* Once, until the flag is cleared. */
static void complain(const struct log *log, bool *said, int fault)
{
    if (!*said)
        say("cannot write the log %s: %s; work goes on without", log->place.path, strerror(fault));
    *said = true;
}

static void lose(struct log *log, uint64_t bytes)
{
    atomic_fetch_add(&log->bytes_lost, bytes);
    log->gap_bytes += bytes;
}

/* Of a pipe that somebody else made one that does not block. */
static bool await_room(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLOUT};
    return poll(&polled, 1, -1) == 1 && (polled.revents & POLLOUT) != 0;
}

/* Returns how many bytes were written. */
static size_t write_bytes(struct log *log, struct span bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t count = write(log->fd, bytes.data + done, bytes.len - done);
        if (count < 0 && (errno == EINTR || (errno == EAGAIN && await_room(log->fd))))
            continue;
        if (count <= 0) {
            complain(log, &log->failing, count < 0 ? errno : EIO);
            break;
        }
        done += (size_t)count;
    }
    if (done > 0)
        log->torn = bytes.data[done - 1] != '\n';
    log->recent_bytes += done;
    log->file_bytes += done;
    return done;
}

/* Of any thread. */
static int64_t realtime_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * NANO + now.tv_nsec;
}

/* Ends a line that was cut short, and says what is missing. False where that cannot be written. */
static bool close_gap(struct log *log)
{
    struct logline told = {.format = log->place.format, .has_priorities = log->has_priorities};
    if (log->torn)
        buffer_append(&told.lines, span_of("\n"));
    if (log->gap_bytes > 0)
        logline_fail(&told, realtime_ns(), "%" PRIu64 " bytes were lost here", log->gap_bytes);
    struct span bytes = {told.lines.data, told.lines.len};
    size_t written = write_bytes(log, bytes);
    /* It counts as written without its newline, too, which then is the first thing to be written.
     */
    if (written + 1 >= bytes.len)
        log->gap_bytes = 0;
    logline_free(&told);
    return written == bytes.len;
}

static bool has_gap(const struct log *log)
{
    return log->torn || log->gap_bytes > 0;
}

/* A deleted file takes with it what nobody can have read. */
static void drop_deleted(struct log *log)
{
    struct stat facts;
    if (log->fd < 0 || fstat(log->fd, &facts) != 0 || facts.st_nlink > 0)
        return;
    lose(log, log->recent_bytes);
    log->recent_bytes = 0;
    log->torn = false;
    close(log->fd);
    log->fd = -1;
}

static void reopen_at(struct log *log, int fd)
{
    if (fd < 0) {
        complain(log, &log->unopened, errno);
        return;
    }
    log->unopened = false;
    if (log->fd >= 0)
        close(log->fd);
    take_file(log, fd);
}

static void reopen(struct log *log)
{
    drop_deleted(log);
    reopen_at(log, make_folder(log->place.folder) ? open_file(log->place.path) : -1);
}

/* What the loop wants from now on. */
static void reopen_as_wanted(struct log *log)
{
    pthread_mutex_lock(&log->lock);
    log->place = log->wanted;
    int fd = log->wanted_fd;
    log->wanted_fd = -1;
    pthread_mutex_unlock(&log->lock);
    log->rests = false;
    if (!log->is_output)
        drop_deleted(log);
    if (fd >= 0)
        reopen_at(log, fd);
    else if (!log->is_output)
        reopen(log);
}

static bool is_in_place(const struct log *log)
{
    struct stat ours, named;
    return log->fd >= 0 && fstat(log->fd, &ours) == 0 && stat(log->place.path, &named) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* ---- files that have their limit ---- */

static void *close_file(void *fd)
{
    close((int)(intptr_t)fd);
    return NULL;
}

/* A file that nobody can reach any more goes with its last descriptor, and of 256 MiB that takes
 * the system longer than the queue of a busy log lasts. */
static void close_elsewhere(int fd)
{
    pthread_t thread;
    if (fd < 0)
        return;
    if (pthread_create(&thread, NULL, close_file, (void *)(intptr_t)fd) == 0)
        pthread_detach(thread);
    else
        close(fd);
}

/* False with errno. */
static bool rename_all(const char *target)
{
    char from[PATH_MAX + 8], to[PATH_MAX + 8];
    for (int number = LOG_FILES_KEPT - 1; number > 0; number--) {
        snprintf(to, sizeof to, "%s.%d", target, number);
        snprintf(from, sizeof from, number == 1 ? "%s" : "%s.%d", target, number - 1);
        if (rename(from, to) != 0 && (errno != ENOENT || number == 1))
            return false;
    }
    return true;
}

/* A link stays, and what it leads to is rotated beside itself. False with errno. */
static bool rename_files(const struct log *log)
{
    char target[PATH_MAX], last[PATH_MAX + 8];
    if (realpath(log->place.path, target) == NULL)
        return false;
    snprintf(last, sizeof last, "%s.%d", target, LOG_FILES_KEPT - 1);
    int oldest = open(last, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    bool is_good = rename_all(target);
    int fault = errno;
    close_elsewhere(oldest);
    errno = fault;
    return is_good;
}
static bool is_full(const struct log *log)
{
    return log->is_limited && log->place.bytes_max > 0 && log->file_bytes >= log->place.bytes_max;
}

/* Whether there is another file now, which has room. */
static bool rotate(struct log *log)
{
    if (log->rests)
        return false;
    bool is_moved = !is_in_place(log) || rename_files(log);
    if (is_moved)
        reopen(log);
    else if (!log->unrotated)
        say("cannot rotate the log %s: %s; lines are lost until it can be", log->place.path,
            strerror(errno));
    log->unrotated = !is_moved;
    log->rests = !is_moved || is_full(log);
    return !log->rests;
}

/* How many bytes, of whole lines, have room in the file. A line that is longer than a file may be
 * is a file of its own. */
static size_t fitting(const struct log *log, struct span lines)
{
    uint64_t room =
        log->place.bytes_max > log->file_bytes ? log->place.bytes_max - log->file_bytes : 0;
    if (log->fd < 0 || !log->is_limited || log->place.bytes_max == 0 || lines.len <= room)
        return lines.len;
    const char *end = memrchr(lines.data, '\n', room);
    if (end == NULL && log->file_bytes == 0)
        end = memchr(lines.data, '\n', lines.len);
    return end == NULL ? 0 : (size_t)(end - lines.data) + 1;
}

static void write_some(struct log *log, struct span lines)
{
    size_t written = 0;
    if (log->fd >= 0 && (!has_gap(log) || close_gap(log)))
        written = write_bytes(log, lines);
    lose(log, lines.len - written);
    if (written == lines.len)
        log->failing = false;
}

static void write_lines(struct log *log, struct span lines)
{
    while (lines.len > 0) {
        size_t bytes = fitting(log, lines);
        if (bytes > 0)
            write_some(log, (struct span){lines.data, bytes});
        else if (!rotate(log)) {
            lose(log, lines.len);
            return;
        }
        lines = (struct span){lines.data + bytes, lines.len - bytes};
    }
}

static void look(struct log *log)
{
    log->rests = false;
    if (!log->is_output && !is_in_place(log))
        reopen(log);
    log->recent_bytes = 0;
    if (log->fd >= 0 && has_gap(log) && (!is_full(log) || rotate(log)) && close_gap(log))
        log->failing = false;
}

/* ---- the thread, and what the loop hands to it ---- */

static void work(void *owner, const struct writer_batch *batch)
{
    struct log *log = owner;
    const char *at = batch->bytes.data;
    write_lines(log, (struct span){at, batch->asked_at});
    if ((batch->asked & ASKED_REOPEN) != 0)
        reopen_as_wanted(log);
    if ((batch->asked & ASKED_LOOK) != 0)
        look(log);
    write_lines(log, (struct span){at + batch->asked_at, batch->bytes.len - batch->asked_at});
    log->gap_bytes += batch->dropped; /* log_write counted it */
}

struct log *log_open(const struct log_options *options, struct fault *fault)
{
    struct log *log = bytes_zeroed(sizeof *log);
    if (open_log(log, options, fault)) {
        pthread_mutex_init(&log->lock, NULL);
        log->writer = writer_start(LOG_QUEUE_BYTES_MAX, work, log);
        if (log->writer != NULL)
            return log;
        fault_set(fault, "cannot start the log's thread: %s", strerror(errno));
        pthread_mutex_destroy(&log->lock);
        close(log->fd);
    }
    free(log);
    return NULL;
}

bool log_is_output(const struct log *log)
{
    return log->is_output;
}

bool log_has_priorities(const struct log *log)
{
    return log->has_priorities;
}

bool log_settle(struct log *log, int64_t wait_ms)
{
    return writer_settle(log->writer, wait_ms);
}

void log_close(struct log **pointer, int64_t wait_ms)
{
    struct log *log = *pointer;
    *pointer = NULL;
    if (log == NULL)
        return;
    if (!writer_stop(&log->writer, wait_ms)) {
        say("the log %s blocks: its last lines are not written", log->wanted.path);
        return;
    }
    if (log->fd >= 0)
        close(log->fd);
    if (log->wanted_fd >= 0)
        close(log->wanted_fd);
    log_leave(log);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

void log_write(struct log *log, struct buffer *lines)
{
    if (lines->len == 0)
        return;
    size_t waiting;
    if (!writer_put(log->writer, (struct span){lines->data, lines->len}, &waiting)) {
        atomic_fetch_add(&log->bytes_lost, lines->len);
        if (!log->drops)
            say("the log %s does not keep up: lines are lost; work goes on without",
                log->wanted.path);
        log->drops = log->dropped_lately = true;
    }
    log->is_near |= waiting > LOG_QUEUE_BYTES_MAX / 100 * LOG_NEAR_PERCENT;
    lines->len = 0;
}

bool log_take_near(struct log *log)
{
    bool is_new = log->is_near && !log->was_near;
    log->was_near = log->is_near;
    log->is_near = false;
    return is_new;
}

void log_leave(struct log *log)
{
    if (log->next_fd >= 0)
        close(log->next_fd);
    log->next_fd = -1;
}

bool log_read(struct log *log, const struct log_options *options, struct fault *fault)
{
    struct place place;
    log_leave(log);
    if (!find_place(options, &place))
        return say_too_long(options, fault);
    if (log->is_output || strcmp(place.path, log->wanted.path) == 0)
        return true;
    log->next_fd = open_place(&place, fault);
    return log->next_fd >= 0;
}

/* The thread writes there from then on. */
static void want_descriptor(struct log *log, int fd)
{
    if (fd < 0)
        return;
    pthread_mutex_lock(&log->lock);
    int old = log->wanted_fd;
    log->wanted_fd = fd;
    pthread_mutex_unlock(&log->lock);
    if (old >= 0)
        close(old);
}

void log_change(struct log *log, const struct log_options *options)
{
    pthread_mutex_lock(&log->lock);
    bool is_good = find_place(options, &log->wanted);
    pthread_mutex_unlock(&log->lock);
    assert(is_good); /* log_read */
    want_descriptor(log, log->next_fd);
    log->next_fd = -1;
    log_reopen(log);
}

/* What somebody has moved standard output to is its output from now on. */
void log_reopen(struct log *log)
{
    if (log->is_output)
        want_descriptor(log, copy_output());
    writer_ask(log->writer, ASKED_REOPEN);
}

void log_look(struct log *log)
{
    log->drops = log->dropped_lately;
    log->dropped_lately = false;
    writer_ask(log->writer, ASKED_LOOK);
}

uint64_t log_bytes_lost(const struct log *log)
{
    return atomic_load(&log->bytes_lost);
}
