#include "bus/disk/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <time.h>

#define NS_PER_MS 1000000
#define MS_PER_S  1000

struct journal {
    struct journal_options options;
    struct segments segments;
    struct store *store;
    struct journal_plan plan;
};

static bool open_folder(struct journal *journal, struct fault *fault)
{
    const char *path = journal->options.folder;
    if (!segments_make_folder(path))
        return fault_set(fault, "%s: %s", path, strerror(errno));
    if (!segments_open(&journal->segments, path))
        return fault_set(fault, "%s: %s", path, strerror(errno));
    if (segments_own(&journal->segments))
        return true;
    if (errno == EWOULDBLOCK)
        return fault_set(fault, "%s: another process writes this journal", path);
    return fault_set(fault, "%s: its lock: %s", path, strerror(errno));
}

static void look_at_place(const struct journal *journal, struct journal_found_all *found)
{
    struct statfs system;
    struct rlimit limit;
    if (fstatfs(journal->segments.folder, &system) == 0)
        found->places[0] = journal_rotation_place((uint32_t)system.f_type);
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0)
        found->places[1] = journal_rotation_limit(limit.rlim_cur);
}

static bool read_folder(struct journal *journal, struct table *table,
                        struct journal_found_all *found, struct fault *fault)
{
    struct journal_replay replay = {0};
    look_at_place(journal, found);
    journal->segments.progress = journal->options.progress;
    journal->segments.owner = journal->options.owner;
    segments_cool(&journal->segments);
    segments_find(&journal->segments, &replay);
    bool is_ours = replay.version == 0;
    if (is_ours)
        segments_fill(&journal->segments, &replay, table, &found->tally);
    else
        fault_set(fault, "%s: has blocks of version %u, and this program reads version %d",
                  journal->options.folder, replay.version, JOURNAL_VERSION);
    found->blocks = replay.count;
    found->bad_runs = replay.bad_runs;
    found->torn_runs = replay.torn_runs;
    found->bad_bytes = replay.bad_bytes;
    found->missing = replay.missing;
    found->foreign = journal->segments.foreign;
    if (is_ours) {
        journal_plan_start(&journal->plan, journal->options.pause_ms, &replay, &found->tally,
                           table);
        segments_trim(&journal->segments);
    }
    journal_replay_free(&replay);
    return is_ours;
}

static bool open_store(struct journal *journal, struct fault *fault)
{
    const struct journal_options *options = &journal->options;
    journal->store = store_open(&journal->segments, options->wake, options->owner);
    return journal->store != NULL ||
           fault_set(fault, "%s: its threads: %s", options->folder, strerror(errno));
}

/* Where the disk hangs the folder stays open, and the lock with it: what is on its way there may
 * yet arrive, and until this process is gone nobody else must write. */
static void release(struct journal *journal, int64_t wait_ms)
{
    if (store_close(&journal->store, wait_ms))
        segments_close(&journal->segments);
    else
        segments_forget(&journal->segments);
    journal_plan_free(&journal->plan);
    free(journal);
}

struct journal *journal_open(const struct journal_options *options, struct table *table,
                             struct journal_found_all *found, struct fault *fault)
{
    struct journal *journal = bytes_zeroed(sizeof *journal);
    *journal = (struct journal){.options = *options, .segments = {.folder = -1, .lock = -1}};
    *found = (struct journal_found_all){0};
    if (open_folder(journal, fault) && read_folder(journal, table, found, fault) &&
        open_store(journal, fault))
        return journal;
    release(journal, 0);
    return NULL;
}

struct marks *journal_marks(struct journal *journal)
{
    return &journal->plan.marks;
}

static void take_result(struct journal *journal)
{
    struct journal_plan *plan = &journal->plan;
    if (!plan->is_writing)
        return;
    switch (store_take_result(journal->store)) {
    case STORE_NOTHING:
        return;
    case STORE_SYNCED:
        journal_plan_synced(plan);
        store_remove_below(journal->store, journal_plan_keeps(plan));
        break;
    case STORE_FAILED:
        journal_plan_failed(plan);
        break;
    }
}

static void write_some(struct journal *journal, const struct table *table, int64_t now_ms)
{
    uint64_t id;
    bool is_new;
    take_result(journal);
    if (!journal_plan_begins(&journal->plan, now_ms))
        return;
    char *room = store_room(journal->store, &id, &is_new);
    if (room == NULL)
        return;
    if (is_new && !journal->plan.is_assembling)
        journal_plan_next_segment(&journal->plan);
    uint32_t bytes = journal_plan_write(&journal->plan, table, id, room);
    if (bytes > 0)
        store_write(journal->store, bytes, journal->plan.sequence);
}

void journal_turn(struct journal *journal, const struct table *table, int64_t now_ms)
{
    take_result(journal);
    if (journal_plan_wants_segment(&journal->plan, now_ms) && store_leave(journal->store))
        journal_plan_renew(&journal->plan);
    write_some(journal, table, now_ms);
}

void journal_urge(struct journal *journal)
{
    journal_plan_urge(&journal->plan);
}

int64_t journal_deadline_ms(const struct journal *journal)
{
    return journal_plan_deadline_ms(&journal->plan);
}

uint32_t journal_lag(const struct journal *journal)
{
    return journal_plan_lag(&journal->plan);
}

int64_t journal_lag_ms(const struct journal *journal, int64_t now_ms)
{
    return journal_plan_lag_ms(&journal->plan, now_ms);
}

void journal_read_count(struct journal *journal, struct store_count *count)
{
    store_read_count(journal->store, count);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

uint32_t journal_close(struct journal **whose, const struct table *table, int64_t wait_ms)
{
    struct journal *journal = *whose;
    if (journal == NULL)
        return 0;
    *whose = NULL;
    int64_t until_ms = now_ms() + wait_ms;
    for (;;) {
        journal_plan_urge(&journal->plan);
        write_some(journal, table, now_ms());
        if (journal_lag(journal) == 0 || now_ms() >= until_ms)
            break;
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    }
    uint32_t lag = journal_lag(journal);
    int64_t left_ms = until_ms - now_ms();
    release(journal, (left_ms > 0 ? left_ms : 0) + JOURNAL_CLOSE_MS);
    return lag;
}
