#include "gateway/node/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/node/clock.h"
#include "gateway/text/logline.h"
#include "topology/say.h"

#define LOG_FOLDER_MODE 0755
#define LOG_FILE_MODE   0640

struct log {
    int fd;        /* -1 while there is no file */
    bool failing;  /* the last write failed, and that was said */
    bool unopened; /* the last try to open the file anew failed, and that was said */
    bool torn;     /* the file ends within a line */
    uint64_t bytes_lost;
    uint64_t gap_bytes;    /* of these, what no line in the file tells of yet */
    uint64_t recent_bytes; /* written since the file was last seen under its name */
    char folder[PATH_MAX];
    char path[PATH_MAX];
};

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, LOG_FILE_MODE);
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

struct log *log_open(const char *folder, const char *name, char error[LOG_ERROR_BYTES_MAX])
{
    struct log *log = bytes_resize(NULL, sizeof *log);
    memset(log, 0, sizeof *log);
    if (!make_folder(folder)) {
        snprintf(error, LOG_ERROR_BYTES_MAX, "cannot make the log folder %.1024s: %s", folder,
                 strerror(errno));
    } else if (snprintf(log->path, sizeof log->path, "%s/%s.log", folder, name) >=
               (int)sizeof log->path) {
        snprintf(error, LOG_ERROR_BYTES_MAX, "the log folder's name is too long: %.1024s", folder);
    } else if ((log->fd = open_file(log->path)) < 0) {
        snprintf(error, LOG_ERROR_BYTES_MAX, "cannot open the log %.1024s: %s", log->path,
                 strerror(errno));
    } else {
        snprintf(log->folder, sizeof log->folder, "%s", folder);
        log->torn = is_torn(log->fd, log->path);
        return log;
    }
    free(log);
    return NULL;
}

void log_close(struct log **log)
{
    if (*log == NULL)
        return;
    if ((*log)->fd >= 0)
        close((*log)->fd);
    free(*log);
    *log = NULL;
}

/* Once, until the flag is cleared. */
static void complain(const struct log *log, bool *said, int fault)
{
    if (!*said)
        say("cannot write the log %s: %s; the node goes on without", log->path, strerror(fault));
    *said = true;
}

static void lose(struct log *log, uint64_t bytes)
{
    log->bytes_lost += bytes;
    log->gap_bytes += bytes;
}

/* Returns how many bytes were written. */
static size_t write_bytes(struct log *log, struct span bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t count = write(log->fd, bytes.data + done, bytes.len - done);
        if (count < 0 && errno == EINTR)
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
    return done;
}

/* Ends a line that was cut short, and says what is missing. False where that cannot be written. */
static bool close_gap(struct log *log)
{
    struct logline told = {0};
    if (log->torn)
        buffer_append(&told.lines, span_of("\n"));
    if (log->gap_bytes > 0)
        logline_say(&told, clock_realtime_ns(), "fault", 0, "%" PRIu64 " bytes were lost here",
                    log->gap_bytes);
    struct span bytes = {told.lines.data, told.lines.len};
    size_t written = write_bytes(log, bytes);
    /* It is told without its newline, too, which then is the first thing to be written. */
    if (written + 1 >= bytes.len)
        log->gap_bytes = 0;
    logline_free(&told);
    return written == bytes.len;
}

static bool has_gap(const struct log *log)
{
    return log->torn || log->gap_bytes > 0;
}

void log_write(struct log *log, struct buffer *lines)
{
    size_t written = 0;
    if (lines->len == 0)
        return;
    if (log->fd >= 0 && (!has_gap(log) || close_gap(log)))
        written = write_bytes(log, (struct span){lines->data, lines->len});
    lose(log, lines->len - written);
    if (written == lines->len)
        log->failing = false;
    lines->len = 0;
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

void log_reopen(struct log *log)
{
    drop_deleted(log);
    int fd = make_folder(log->folder) ? open_file(log->path) : -1;
    if (fd < 0) {
        complain(log, &log->unopened, errno);
        return;
    }
    log->unopened = false;
    if (log->fd >= 0)
        close(log->fd);
    log->fd = fd;
    log->torn = is_torn(fd, log->path);
    log->recent_bytes = 0;
}

static bool is_in_place(const struct log *log)
{
    struct stat ours, named;
    return log->fd >= 0 && fstat(log->fd, &ours) == 0 && stat(log->path, &named) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

void log_look(struct log *log)
{
    if (!is_in_place(log))
        log_reopen(log);
    log->recent_bytes = 0;
    if (log->fd >= 0 && has_gap(log) && close_gap(log))
        log->failing = false;
}

uint64_t log_bytes_lost(const struct log *log)
{
    return log->bytes_lost;
}
