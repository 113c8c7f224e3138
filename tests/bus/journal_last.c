/* What a life that ended badly leaves of its journal's files: pages that the system calls written
 * and the disk does not have, and a segment whose name is not on the disk. Calls that the disk
 * answers are wrapped (ld(1), --wrap). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bus/disk/segments.h"
#include "bus/disk/store.h"
#include "bus/journal/block.h"
#include "tests/check.h"

#define WAIT_MS 60000
#define ID      77u
/* Blocks of a page each. */
#define BLOCKS 400u

/* From this page on what stands in the file is in memory alone, until it is dropped; -1: nothing.
 */
static long lacks_from = -1;
static atomic_bool folder_fails; /* when it is synced */

int __wrap_posix_fadvise(int file, off_t at, off_t count, int advice);
int __wrap_fsync(int file);
int __wrap_fdatasync(int file);

int __wrap_posix_fadvise(int file, off_t at, off_t count, int advice)
{
    static const char zeros[BLOCKS * JOURNAL_PAGE_BYTES];
    char path[64];
    if (lacks_from < 0 || advice != POSIX_FADV_DONTNEED || count != 0)
        return 0;
    off_t from = lacks_from > at ? lacks_from : at;
    size_t bytes = sizeof zeros - (size_t)from;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int again = open(path, O_WRONLY);
    CHECK(pwrite(again, zeros, bytes, from) == (ssize_t)bytes);
    close(again);
    return 0;
}

int __wrap_fsync(int file)
{
    (void)file;
    errno = EIO;
    return atomic_load(&folder_fails) ? -1 : 0;
}

/* Does nothing: no test here takes power away, and a segment is hundreds of syncs. */
int __wrap_fdatasync(int file)
{
    (void)file;
    return 0;
}

static void wake(void *owner)
{
    (void)owner;
}

static void new_folder(char path[64])
{
    snprintf(path, 64, "/tmp/zherd-journal-XXXXXX");
    CHECK(mkdtemp(path) != NULL);
}

/* How many files it had but the lock. */
static uint32_t remove_folder(const char *path)
{
    uint32_t count = 0;
    DIR *folder = opendir(path);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        bool is_file = entry->d_name[0] != '.' || strcmp(entry->d_name, ".new") == 0;
        count += is_file && strcmp(entry->d_name, "lock") != 0;
        unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
    CHECK(rmdir(path) == 0);
    return count;
}

/* A segment of blocks with the sequences 1 to BLOCKS, and zeros after them. */
static void write_segment(const char *path, uint64_t number)
{
    static char block[JOURNAL_BLOCK_BYTES_MAX];
    char name[JOURNAL_SEGMENT_NAME_BYTES], whole[128];
    journal_segment_name((struct journal_segment){number, ID}, name);
    snprintf(whole, sizeof whole, "%s/%s", path, name);
    int at = open(whole, O_WRONLY | O_CREAT | O_EXCL, 0600);
    for (uint32_t i = 0; i < BLOCKS && number == 1; i++) {
        struct journal_draft draft = journal_draft_of(block);
        struct location location = {.client = span_of("c"),
                                    .position = span_of("+1+1"),
                                    .stamp = span_of("5.5"),
                                    .origin = span_of("Clark"),
                                    .order_ns = 5500000000};
        CHECK(journal_draft_add(&draft, &location));
        struct journal_block head = {.kind = JOURNAL_CHANGES, .sequence = i + 1};
        uint32_t bytes = journal_draft_end(&draft, &head, ID);
        CHECK_INT(bytes, JOURNAL_PAGE_BYTES);
        CHECK(write(at, block, bytes) == (ssize_t)bytes);
    }
    CHECK(ftruncate(at, (BLOCKS + 100) * JOURNAL_PAGE_BYTES) == 0);
    close(at);
}

/* The last sequence that is found where the disk lacks the blocks from this one on. */
static uint64_t last_found(uint32_t lacks_block, bool is_owner)
{
    char path[64];
    struct segments segments;
    struct journal_replay replay = {0};
    new_folder(path);
    write_segment(path, 1);
    write_segment(path, 2); /* made in advance: nothing is in it */
    CHECK(segments_open(&segments, path));
    if (is_owner)
        CHECK(segments_own(&segments));
    lacks_from = (long)lacks_block * JOURNAL_PAGE_BYTES;
    segments_find(&segments, &replay);
    lacks_from = -1;
    uint64_t last = replay.last;
    CHECK_INT(replay.count, last);
    CHECK_INT(replay.bad_bytes, 0);
    journal_replay_free(&replay);
    segments_close(&segments);
    CHECK_INT(remove_folder(path), 2);
    return last;
}

/* The system says once that a sync failed, and calls the pages written from then on. Who was told
 * may have ended before he could drop them; then a batch, at most, is not what the disk has. */
static void what_a_failed_sync_left_in_memory_does_not_count(void)
{
    const uint32_t batch = JOURNAL_BATCH_BYTES / JOURNAL_PAGE_BYTES;
    CHECK_INT(last_found(BLOCKS - 1, true), BLOCKS - 1);
    CHECK_INT(last_found(BLOCKS - batch, true), BLOCKS - batch);
    CHECK_INT(last_found(BLOCKS, true), BLOCKS);
    /* More than that is read from memory: it was synced. */
    CHECK_INT(last_found(BLOCKS - batch - 1, true), BLOCKS - batch);
    /* Who only reads drops nothing: a node may be writing. */
    CHECK_INT(last_found(BLOCKS - 1, false), BLOCKS);
}

/* One that cannot be opened may be back at the next start: what is written until then is later. */
static void a_segment_that_cannot_be_opened_keeps_its_sequences(void)
{
    char path[64], name[JOURNAL_SEGMENT_NAME_BYTES], whole[128];
    struct segments segments;
    struct journal_replay replay = {0};
    new_folder(path);
    write_segment(path, 1);
    journal_segment_name((struct journal_segment){2, ID}, name);
    snprintf(whole, sizeof whole, "%s/%s", path, name);
    CHECK(symlink("lock", whole) == 0);
    CHECK(segments_open(&segments, path) && segments_own(&segments));
    segments_find(&segments, &replay);
    CHECK_INT(replay.last, BLOCKS);
    CHECK_INT(replay.bad_runs, 1);
    CHECK_INT(journal_replay_end(&replay), 2 * JOURNAL_SEGMENT_BLOCKS);
    journal_replay_free(&replay);
    segments_close(&segments);
    CHECK_INT(remove_folder(path), 2);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* It would be made again and again, and fill the disk. */
static void a_segment_whose_name_is_not_synced_is_removed(void)
{
    char path[64];
    struct segments segments;
    struct journal_replay replay = {0};
    struct store_count count = {0};
    new_folder(path);
    CHECK(segments_open(&segments, path) && segments_own(&segments));
    segments_find(&segments, &replay);
    atomic_store(&folder_fails, true);
    struct store *store = store_open(&segments, wake, NULL);
    for (int64_t until_ms = now_ms() + WAIT_MS; count.not_made == 0 && now_ms() < until_ms;) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        store_read_count(store, &count);
    }
    CHECK_INT(count.not_made, 1);
    CHECK_INT(count.error, EIO);
    CHECK(store_close(&store, WAIT_MS));
    atomic_store(&folder_fails, false);
    journal_replay_free(&replay);
    segments_close(&segments);
    CHECK_INT(remove_folder(path), 0);
}

/* The length of a thread's turns on a processor, in nanoseconds; 0 where the kernel does not say.
 */
static uint64_t slice_ns(pid_t thread)
{
    uint64_t schedule[6] = {0}; /* struct sched_attr, whose sched_runtime it is */
    CHECK_INT(syscall(SYS_sched_getattr, thread, schedule, sizeof schedule, 0), 0);
    return schedule[3];
}

static unsigned threads_with_shorter_turns(void)
{
    unsigned count = 0;
    uint64_t ours = slice_ns(0);
    DIR *threads = opendir("/proc/self/task");
    CHECK(threads != NULL);
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;)
        if (entry->d_name[0] != '.')
            count += slice_ns((pid_t)strtol(entry->d_name, NULL, 10)) < ours;
    closedir(threads);
    return count;
}

static void who_syncs_has_shorter_turns(void)
{
    char path[64];
    struct segments segments;
    struct journal_replay replay = {0};
    if (sched_getscheduler(0) != SCHED_OTHER || slice_ns(0) == 0)
        return; /* where others have no such turns, the writer asks for none */
    new_folder(path);
    CHECK(segments_open(&segments, path) && segments_own(&segments));
    segments_find(&segments, &replay);
    struct store *store = store_open(&segments, wake, NULL);
    int64_t until_ms = now_ms() + WAIT_MS;
    while (threads_with_shorter_turns() == 0 && now_ms() < until_ms)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    CHECK_INT(threads_with_shorter_turns(), 1);
    CHECK(store_close(&store, WAIT_MS));
    journal_replay_free(&replay);
    segments_close(&segments);
    CHECK_INT(remove_folder(path), 0);
}

static const struct check_case cases[] = {
    {"what a failed sync left in memory does not count",
     what_a_failed_sync_left_in_memory_does_not_count},
    {"a segment that cannot be opened keeps its sequences",
     a_segment_that_cannot_be_opened_keeps_its_sequences},
    {"a segment whose name is not synced is removed",
     a_segment_whose_name_is_not_synced_is_removed},
    {"who syncs has shorter turns than the loop", who_syncs_has_shorter_turns},
};

CHECK_MAIN(cases)
