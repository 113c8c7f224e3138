#include "bus/disk/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "bus/journal/rotation.h"

#define NS_PER_MS 1000000
#define MS_PER_S  1000
/* A segment that is not made yet; names with a dot are no one's (segments.h). */
#define NEW_NAME ".new"
/* The writer's turn on a processor, the shortest there is (sched(7)). */
#define WRITER_SLICE_NS 100000

enum batch_state { BATCH_NONE, BATCH_ON_ITS_WAY, BATCH_SYNCED, BATCH_FAILED };

struct store {
    int folder;
    void (*wake)(void *owner);
    void *owner;
    pthread_t writer, maker;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t for_writer, for_maker, for_closer;
    bool stops;
    int threads;  /* that have not ended */
    bool is_left; /* by store_close: the last thread frees it */

    enum batch_state batch;
    uint32_t batch_bytes;
    char *room;
    struct journal_rotation rotation;
    uint64_t open_number; /* the number of the segment that is open at `at` */
    int at; /* descriptors, -1: closed; this one is the writer's while a batch is on its way */
    int spare_at;
    struct store_count count;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * MS_PER_S * NS_PER_MS + now.tv_nsec;
}

static int64_t now_ms(void)
{
    return now_ns() / NS_PER_MS;
}

static struct timespec timespec_of(int64_t at_ms)
{
    return (struct timespec){.tv_sec = at_ms / MS_PER_S, .tv_nsec = at_ms % MS_PER_S * NS_PER_MS};
}

/* Writes and syncs; false with errno. */
static bool write_whole(int at, const char *bytes, size_t count, off_t offset)
{
    ssize_t wrote;
    do
        wrote = pwrite(at, bytes, count, offset);
    while (wrote < 0 && errno == EINTR);
    /* What is missing would not be taken either: there is no room, or a limit. */
    if (wrote >= 0 && wrote < (ssize_t)count)
        errno = ENOSPC;
    return wrote == (ssize_t)count && fdatasync(at) == 0;
}

/* Not when the owner may be gone. */
static void wake_owner(const struct store *store)
{
    if (!store->stops)
        store->wake(store->owner);
}

static void release(struct store *store)
{
    if (store->at >= 0)
        close(store->at);
    if (store->spare_at >= 0)
        close(store->spare_at);
    pthread_cond_destroy(&store->for_writer);
    pthread_cond_destroy(&store->for_maker);
    pthread_cond_destroy(&store->for_closer);
    pthread_mutex_destroy(&store->mutex);
    journal_rotation_free(&store->rotation);
    free(store->room);
    free(store);
}

/* The last that a thread does with the store. */
static void end_thread(struct store *store)
{
    bool is_mine = --store->threads == 0 && store->is_left;
    pthread_cond_signal(&store->for_closer);
    pthread_mutex_unlock(&store->mutex);
    if (is_mine)
        release(store);
}

/* ---- the writer's thread ---- */

/* The kernel's struct sched_attr, as it was first: the headers of some systems have none. */
struct schedule {
    uint32_t bytes, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t slice_ns, deadline_ns, period_ns;
};

/* In a sync the writer sleeps some three times, for moments. Where it shares a processor with the
 * loop, that would have the rest of its turn each time before a sync goes on; whose own turns are
 * shorter goes on at once. Linux before 6.12 takes no notice, and some sandboxes refuse: then a
 * sync takes longer. */
static void take_short_turns(void)
{
    struct schedule schedule = {.bytes = sizeof schedule,
                                .policy = SCHED_OTHER,
                                .nice = getpriority(PRIO_PROCESS, 0),
                                .slice_ns = WRITER_SLICE_NS};
    if (sched_getscheduler(0) == SCHED_OTHER)
        (void)syscall(SYS_sched_setattr, 0, &schedule, 0);
}

static void work_off(struct store *store)
{
    int at = store->at;
    uint32_t offset = store->rotation.used, bytes = store->batch_bytes;
    pthread_mutex_unlock(&store->mutex);
    int64_t start_ns = now_ns();
    bool is_good = write_whole(at, store->room, bytes, (off_t)offset);
    int error = errno;
    if (!is_good) /* what the disk does not have must not be read from memory at the next start */
        (void)posix_fadvise(at, 0, 0, POSIX_FADV_DONTNEED);
    int64_t took_ns = now_ns() - start_ns;
    explicit_bzero(store->room, bytes); /* no text outlives its client's FORGET in memory */
    pthread_mutex_lock(&store->mutex);
    store->batch = is_good ? BATCH_SYNCED : BATCH_FAILED;
    store->count.batches++;
    store->count.failed += !is_good;
    store->count.error = is_good ? 0 : error;
    histogram_observe(&store->count.sync, took_ns);
    if (took_ns / NS_PER_MS > store->count.sync_ms_max)
        store->count.sync_ms_max = took_ns / NS_PER_MS;
}

static void *run_writer(void *argument)
{
    struct store *store = argument;
    take_short_turns();
    pthread_mutex_lock(&store->mutex);
    while (!store->stops || store->batch == BATCH_ON_ITS_WAY) {
        if (store->batch != BATCH_ON_ITS_WAY) {
            pthread_cond_wait(&store->for_writer, &store->mutex);
            continue;
        }
        work_off(store);
        wake_owner(store);
    }
    end_thread(store);
    return NULL;
}

/* ---- the maker's thread ---- */

static bool is_stopping(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    bool stops = store->stops;
    pthread_mutex_unlock(&store->mutex);
    return stops;
}

/* Zeros that are on the disk cost each sync later its own pages and nothing else. On Btrfs only
 * where the file is overwritten in place: else they would take what a block can be written to. */
static bool write_zeros(struct store *store, int at, size_t step)
{
    struct statfs system;
    unsigned flags = 0;
    if (fstatfs(at, &system) == 0 && system.f_type == BTRFS_SUPER_MAGIC &&
        (ioctl(at, FS_IOC_GETFLAGS, &flags) != 0 || (flags & FS_NOCOW_FL) == 0))
        return true;
    char *zeros = bytes_zeroed(STORE_ZEROS_BYTES_MAX);
    bool is_good = true;
    for (size_t done = 0; is_good && done < JOURNAL_SEGMENT_BYTES;) {
        size_t left = JOURNAL_SEGMENT_BYTES - done, bytes = step < left ? step : left;
        int64_t start_ms = now_ms();
        is_good = !is_stopping(store) && write_whole(at, zeros, bytes, (off_t)done);
        if (now_ms() - start_ms > STORE_ZEROS_SLOW_MS && step < STORE_ZEROS_BYTES_MAX)
            step *= 2;
        done += bytes;
    }
    free(zeros);
    return is_good;
}

static void ask_for_overwriting(int at)
{
    struct statfs system;
    unsigned flags = 0;
    if (fstatfs(at, &system) != 0 || system.f_type != BTRFS_SUPER_MAGIC ||
        ioctl(at, FS_IOC_GETFLAGS, &flags) != 0)
        return;
    flags |= FS_NOCOW_FL;
    (void)ioctl(at, FS_IOC_SETFLAGS, &flags); /* where that is not to be had, write_zeros sees it */
}

static bool draw_id(uint64_t *id)
{
    do
        if (getrandom(id, sizeof *id, 0) != sizeof *id)
            return false;
    while (*id == 0);
    return true;
}

/* Allocated, full of zeros, and under its name, all of it on the disk; -1 with errno. */
static int make_segment(struct store *store, struct journal_segment segment, size_t zeros_bytes)
{
    int folder = store->folder;
    char name[JOURNAL_SEGMENT_NAME_BYTES];
    journal_segment_name(segment, name);
    unlinkat(folder, NEW_NAME, 0);
    int at = openat(folder, NEW_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (at < 0)
        return -1;
    ask_for_overwriting(at);
    bool is_named = fallocate(at, 0, 0, JOURNAL_SEGMENT_BYTES) == 0 &&
                    write_zeros(store, at, zeros_bytes) && fdatasync(at) == 0 &&
                    renameat(folder, NEW_NAME, folder, name) == 0;
    if (is_named && fsync(folder) == 0)
        return at;
    int error = errno;
    close(at);
    unlinkat(folder, is_named ? name : NEW_NAME, 0);
    errno = error;
    return -1;
}

static void make_spare(struct store *store)
{
    struct journal_segment segment = {.number = journal_rotation_next_number(&store->rotation)};
    bool is_waited_for = store->rotation.current.segment.id == 0;
    size_t zeros_bytes = is_waited_for ? STORE_ZEROS_BYTES_NOW : STORE_ZEROS_BYTES;
    pthread_mutex_unlock(&store->mutex);
    int at = draw_id(&segment.id) ? make_segment(store, segment, zeros_bytes) : -1;
    int error = errno;
    pthread_mutex_lock(&store->mutex);
    if (at < 0) {
        store->count.not_made++;
        store->count.error = error;
        journal_rotation_not_made(&store->rotation, now_ms());
        return;
    }
    store->count.made++;
    store->spare_at = at;
    journal_rotation_made(&store->rotation, segment);
}

/* The oldest of those that are to go. What cannot be removed is, at the next start. */
static void remove_one(struct store *store, struct journal_segment segment)
{
    char name[JOURNAL_SEGMENT_NAME_BYTES];
    journal_segment_name(segment, name);
    pthread_mutex_unlock(&store->mutex);
    bool is_gone = unlinkat(store->folder, name, 0) == 0 && fsync(store->folder) == 0;
    pthread_mutex_lock(&store->mutex);
    store->count.removed += is_gone;
    store->count.not_removed += !is_gone;
    journal_rotation_removed(&store->rotation);
}

/* One that was left, to the blocks in it. Where that fails it takes more room, and no harm. */
static void cut_one(struct store *store, struct journal_segment segment, uint32_t bytes)
{
    char name[JOURNAL_SEGMENT_NAME_BYTES];
    journal_segment_name(segment, name);
    journal_rotation_was_cut(&store->rotation);
    pthread_mutex_unlock(&store->mutex);
    int at = openat(store->folder, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (at >= 0) {
        (void)!ftruncate(at, bytes);
        close(at);
    }
    pthread_mutex_lock(&store->mutex);
}

static void wait_for_work(struct store *store)
{
    if (!store->rotation.wants_spare) {
        pthread_cond_wait(&store->for_maker, &store->mutex);
        return;
    }
    int64_t at_ms = store->rotation.make_at_ms;
    struct timespec until = timespec_of(at_ms);
    pthread_cond_timedwait(&store->for_maker, &store->mutex, &until);
}

static void *run_maker(void *argument)
{
    struct store *store = argument;
    pthread_mutex_lock(&store->mutex);
    while (!store->stops) {
        struct journal_segment segment;
        uint32_t bytes;
        if (journal_rotation_removes(&store->rotation, &segment)) {
            remove_one(store, segment);
        } else if (journal_rotation_cuts(&store->rotation, &segment, &bytes)) {
            cut_one(store, segment, bytes);
        } else if (journal_rotation_makes(&store->rotation, now_ms())) {
            make_spare(store);
            wake_owner(store);
        } else {
            wait_for_work(store);
        }
    }
    end_thread(store);
    return NULL;
}

/* ---- the caller's thread ---- */

/* What the rotation decided becomes of the files: the writer's is that of the current segment. */
static void follow(struct store *store, bool wanted_spare)
{
    const struct journal_rotation *rotation = &store->rotation;
    uint64_t number = rotation->current.segment.number;
    if (number != store->open_number && store->at >= 0) {
        close(store->at);
        store->at = -1;
    }
    if (number != store->open_number && number != 0) {
        store->at = store->spare_at;
        store->spare_at = -1;
    }
    store->open_number = number;
    bool has_cuts = rotation->cut < rotation->old_count;
    if (has_cuts || (rotation->wants_spare && !wanted_spare))
        pthread_cond_signal(&store->for_maker);
}

static bool start_threads(struct store *store)
{
    sigset_t all, before;
    store->threads = 2;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&store->writer, NULL, run_writer, store);
    bool has_writer = error == 0;
    if (has_writer)
        error = pthread_create(&store->maker, NULL, run_maker, store);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0 && has_writer) {
        pthread_mutex_lock(&store->mutex);
        store->stops = true;
        pthread_cond_signal(&store->for_writer);
        pthread_mutex_unlock(&store->mutex);
        pthread_join(store->writer, NULL);
    }
    errno = error;
    return error == 0;
}

struct store *store_open(const struct segments *segments, void (*wake)(void *owner), void *owner)
{
    struct store *store = bytes_zeroed(sizeof *store);
    pthread_condattr_t monotonic;
    *store = (struct store){.folder = segments->folder,
                            .wake = wake,
                            .owner = owner,
                            .at = -1,
                            .spare_at = -1,
                            .room = bytes_resize(NULL, JOURNAL_BATCH_BYTES)};
    pthread_mutex_init(&store->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&store->for_writer, NULL);
    pthread_cond_init(&store->for_maker, &monotonic);
    pthread_cond_init(&store->for_closer, &monotonic);
    pthread_condattr_destroy(&monotonic);
    segments_rotate(segments, &store->rotation);
    if (start_threads(store))
        return store;
    int error = errno;
    release(store);
    errno = error;
    return NULL;
}

/* What no block was written to: the next start need not read it. */
static void leave_no_zeros(struct store *store)
{
    const struct journal_rotation *rotation = &store->rotation;
    char name[JOURNAL_SEGMENT_NAME_BYTES];
    uint32_t untaken = store->batch == BATCH_SYNCED ? store->batch_bytes : 0;
    if (store->at >= 0)
        (void)!ftruncate(store->at, rotation->used + untaken);
    journal_segment_name(rotation->spare.segment, name);
    if (store->spare_at >= 0)
        (void)unlinkat(store->folder, name, 0);
}

bool store_close(struct store **whose, int64_t wait_ms)
{
    struct store *store = *whose;
    if (store == NULL)
        return true;
    *whose = NULL;
    struct timespec until = timespec_of(now_ms() + wait_ms);
    int error = 0;
    pthread_mutex_lock(&store->mutex);
    store->stops = true;
    pthread_cond_signal(&store->for_writer);
    pthread_cond_signal(&store->for_maker);
    while (store->threads > 0 && error == 0)
        error = pthread_cond_timedwait(&store->for_closer, &store->mutex, &until);
    bool have_ended = store->threads == 0;
    store->is_left = !have_ended;
    pthread_t writer = store->writer, maker = store->maker;
    pthread_mutex_unlock(&store->mutex);
    if (!have_ended) {
        pthread_detach(writer);
        pthread_detach(maker);
        return false;
    }
    pthread_join(writer, NULL);
    pthread_join(maker, NULL);
    leave_no_zeros(store);
    release(store);
    return true;
}

char *store_room(struct store *store, uint64_t *id, bool *is_new)
{
    char *room = NULL;
    pthread_mutex_lock(&store->mutex);
    bool wanted_spare = store->rotation.wants_spare;
    if (store->batch == BATCH_NONE) {
        if (journal_rotation_choose(&store->rotation))
            room = store->room;
        follow(store, wanted_spare);
        *id = store->rotation.current.segment.id;
        *is_new = store->rotation.used == 0;
    }
    pthread_mutex_unlock(&store->mutex);
    return room;
}

bool store_leave(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    bool wanted_spare = store->rotation.wants_spare;
    bool leaves = store->batch == BATCH_NONE && journal_rotation_leave(&store->rotation);
    follow(store, wanted_spare);
    pthread_mutex_unlock(&store->mutex);
    return leaves;
}

void store_write(struct store *store, uint32_t bytes, uint64_t sequence)
{
    pthread_mutex_lock(&store->mutex);
    assert(store->batch == BATCH_NONE && store->at >= 0 && bytes <= JOURNAL_BATCH_BYTES);
    store->batch = BATCH_ON_ITS_WAY;
    store->batch_bytes = bytes;
    journal_rotation_put(&store->rotation, sequence);
    pthread_cond_signal(&store->for_writer);
    pthread_mutex_unlock(&store->mutex);
}

enum store_result store_take_result(struct store *store)
{
    enum store_result result = STORE_NOTHING;
    pthread_mutex_lock(&store->mutex);
    bool wanted_spare = store->rotation.wants_spare;
    if (store->batch == BATCH_SYNCED) {
        result = STORE_SYNCED;
        journal_rotation_synced(&store->rotation, store->batch_bytes);
    } else if (store->batch == BATCH_FAILED) {
        result = STORE_FAILED;
        journal_rotation_failed(&store->rotation);
    }
    if (result != STORE_NOTHING)
        store->batch = BATCH_NONE;
    follow(store, wanted_spare);
    pthread_mutex_unlock(&store->mutex);
    return result;
}

void store_remove_below(struct store *store, uint64_t sequence)
{
    pthread_mutex_lock(&store->mutex);
    journal_rotation_keep(&store->rotation, sequence);
    if (store->rotation.going > 0)
        pthread_cond_signal(&store->for_maker);
    pthread_mutex_unlock(&store->mutex);
}

void store_read_count(struct store *store, struct store_count *count)
{
    pthread_mutex_lock(&store->mutex);
    *count = store->count;
    pthread_mutex_unlock(&store->mutex);
}
