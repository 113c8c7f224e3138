#include "gateway/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_FOLDER_MODE 0755
#define LOG_FILE_MODE   0640

struct log {
    int fd;       /* -1 while the file cannot be opened */
    bool failing; /* the last write failed, and that was said */
    bool torn;    /* the last write ended within a line */
    uint64_t bytes_lost;
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

static void complain(struct log *log, int fault)
{
    if (!log->failing)
        fprintf(stderr, "cannot write the log %s: %s; the node goes on without\n", log->path,
                strerror(fault));
    log->failing = true;
}

/* Returns false where the whole was not written. */
static bool write_all(struct log *log, struct span bytes)
{
    while (bytes.bytes > 0) {
        ssize_t count = write(log->fd, bytes.at, bytes.bytes);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            complain(log, errno);
            log->bytes_lost += bytes.bytes;
            return false;
        }
        bytes.at += count;
        bytes.bytes -= (size_t)count;
        log->torn = bytes.bytes > 0;
    }
    return true;
}

void log_write(struct log *log, struct buffer *lines)
{
    if (lines->bytes == 0)
        return;
    if (log->fd < 0)
        log->bytes_lost += lines->bytes;
    else if (!log->torn || write_all(log, span_of("\n")))
        log->failing = !write_all(log, (struct span){lines->at, lines->bytes});
    lines->bytes = 0;
}

void log_reopen(struct log *log)
{
    int fd = open_file(log->path);
    if (fd < 0) {
        complain(log, errno);
        return;
    }
    if (log->fd >= 0)
        close(log->fd);
    log->fd = fd;
    log->torn = false;
}

uint64_t log_bytes_lost(const struct log *log)
{
    return log->bytes_lost;
}
