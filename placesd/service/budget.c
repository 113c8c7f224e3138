#include "placesd/service/budget.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "placesd/service/event.h"

#define FOLDER_MODE  0700
#define FILE_MODE    0600
#define NEW_ENDING   ".new"
#define PATH_BYTES   (PATH_MAX + 32)
#define DIGITS_BYTES 24

struct budget {
    char path[PATH_BYTES], fresh[PATH_BYTES + sizeof NEW_ENDING];
    struct event_fault unwritten;
    pthread_t thread;
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t changed;
    bool has_text, stopping, ended;
    bool left; /* budget_close waits no more: the log is not the thread's any more */
    char text[QUOTA_TEXT_BYTES_MAX];
    size_t text_bytes;
};

/* ---- reading ---- */

static bool open_folder(const char *folder, struct fault *fault)
{
    struct stat about;
    if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST)
        return fault_set(fault, "%s: %s", folder, strerror(errno));
    if (stat(folder, &about) != 0 || access(folder, W_OK | X_OK) != 0)
        return fault_set(fault, "%s: %s", folder, strerror(errno));
    return S_ISDIR(about.st_mode) || fault_set(fault, "%s: %s", folder, strerror(ENOTDIR));
}

/* What is longer than any line of ours is cut, and so no line of ours. */
static bool read_text(const char *path, char text[QUOTA_TEXT_BYTES_MAX], struct fault *fault)
{
    text[0] = '\0';
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT || fault_set(fault, "%s: %s", path, strerror(errno));
    ssize_t bytes = read(file, text, QUOTA_TEXT_BYTES_MAX - 1);
    int reason = errno;
    close(file);
    if (bytes < 0)
        return fault_set(fault, "%s: %s", path, strerror(reason));
    text[bytes] = '\0';
    return true;
}

/* ---- writing ---- */

static bool write_all(int file, struct span text)
{
    bool good = write(file, text.data, text.len) == (ssize_t)text.len && fsync(file) == 0;
    return close(file) == 0 && good;
}

static bool write_file(const struct budget *budget, struct span text)
{
    unlink(budget->fresh);
    int file = open(budget->fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    return file >= 0 && write_all(file, text) && rename(budget->fresh, budget->path) == 0;
}

static void log_unwritten(struct budget *budget, int reason)
{
    struct timespec now;
    char line[EVENT_LINE_BYTES_MAX];
    snprintf(line, sizeof line, "cannot write %.512s: %s: a restart will not know what is spent",
             budget->path, strerror(reason));
    clock_gettime(CLOCK_MONOTONIC, &now);
    event_log_fault(&budget->unwritten, (int64_t)now.tv_sec * 1000, line);
}

static void *run(void *user)
{
    struct budget *budget = user;
    pthread_mutex_lock(&budget->lock);
    while (budget->has_text || !budget->stopping) {
        if (!budget->has_text) {
            pthread_cond_wait(&budget->changed, &budget->lock);
            continue;
        }
        char text[QUOTA_TEXT_BYTES_MAX];
        size_t bytes = budget->text_bytes;
        memcpy(text, budget->text, bytes);
        budget->has_text = false;
        pthread_mutex_unlock(&budget->lock);
        bool written = write_file(budget, (struct span){text, bytes});
        int reason = errno;
        pthread_mutex_lock(&budget->lock);
        if (!written && !budget->left)
            log_unwritten(budget, reason);
    }
    budget->ended = true;
    pthread_cond_signal(&budget->changed);
    pthread_mutex_unlock(&budget->lock);
    return NULL;
}

/* ---- life ---- */

static bool start(struct budget *budget, const char *folder, size_t places,
                  char text[QUOTA_TEXT_BYTES_MAX], struct fault *fault)
{
    char number[DIGITS_BYTES] = "";
    if (places > 1)
        snprintf(number, sizeof number, "-%zu", places);
    int bytes = snprintf(budget->path, sizeof budget->path, "%s/budget%s", folder, number);
    if (bytes < 0 || (size_t)bytes >= sizeof budget->path)
        return fault_set(fault, "%s: %s", folder, strerror(ENAMETOOLONG));
    snprintf(budget->fresh, sizeof budget->fresh, "%s%s", budget->path, NEW_ENDING);
    if (!open_folder(folder, fault) || !read_text(budget->path, text, fault))
        return false;
    int failed = pthread_create(&budget->thread, NULL, run, budget);
    return failed == 0 || fault_set(fault, "%s: %s", "cannot start a thread", strerror(failed));
}

struct budget *budget_open(const char *folder, size_t places, char text[QUOTA_TEXT_BYTES_MAX],
                           struct fault *fault)
{
    struct budget *budget = bytes_zeroed(sizeof *budget);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&budget->changed, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&budget->lock, NULL);
    if (start(budget, folder, places, text, fault))
        return budget;
    free(budget);
    return NULL;
}

const char *budget_path(const struct budget *budget)
{
    return budget->path;
}

void budget_keep(struct budget *budget, struct span text)
{
    assert(text.len < sizeof budget->text);
    pthread_mutex_lock(&budget->lock);
    memcpy(budget->text, text.data, text.len);
    budget->text_bytes = text.len;
    budget->has_text = true;
    pthread_cond_signal(&budget->changed);
    pthread_mutex_unlock(&budget->lock);
}

/* Whether the thread ended in time. */
static bool end_thread(struct budget *budget)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += BUDGET_CLOSE_S;
    pthread_mutex_lock(&budget->lock);
    budget->stopping = true;
    pthread_cond_signal(&budget->changed);
    int fault = 0;
    while (fault == 0 && !budget->ended)
        fault = pthread_cond_timedwait(&budget->changed, &budget->lock, &until);
    bool ended = budget->ended;
    budget->left = !ended;
    pthread_mutex_unlock(&budget->lock);
    return ended;
}

void budget_close(struct budget **pointer)
{
    struct budget *budget = *pointer;
    *pointer = NULL;
    if (budget == NULL)
        return;
    if (!end_thread(budget)) {
        /* It goes on with the budget's memory until the process ends. */
        pthread_detach(budget->thread);
        event_log("fault",
                  "cannot write %.512s: the disk blocks: a restart will not know what is spent",
                  budget->path);
        return;
    }
    pthread_join(budget->thread, NULL);
    pthread_cond_destroy(&budget->changed);
    pthread_mutex_destroy(&budget->lock);
    free(budget);
}
