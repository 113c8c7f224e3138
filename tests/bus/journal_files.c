/* The journal on real files. Calls that the disk answers are wrapped (ld(1), --wrap), so that they
 * can fail. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "bus/disk/journal.h"
#include "tests/check.h"

#define WAIT_MS 60000
#define MANY    1000000u

/* How many more calls succeed; negative: all. */
static atomic_int good_syncs = -1, good_allocations = -1, good_writes = -1;
static atomic_uint wakes;
static atomic_bool hangs;  /* the disk, in each sync */
static atomic_int sync_ms; /* that each takes */
static atomic_bool is_read_only;
static atomic_uint syncs;               /* of files, until now */
static atomic_ulong above, above_syncs; /* inode of a folder, and how often it was synced */

int __wrap_fdatasync(int file);
int __wrap_fsync(int file);
int __real_fallocate(int file, int mode, off_t at, off_t bytes);
int __wrap_fallocate(int file, int mode, off_t at, off_t bytes);
ssize_t __real_pwrite(int file, const void *bytes, size_t count, off_t at);
ssize_t __wrap_pwrite(int file, const void *bytes, size_t count, off_t at);

static bool is_good(atomic_int *left)
{
    int now = atomic_load(left);
    if (now > 0)
        atomic_fetch_sub(left, 1);
    return now != 0;
}

/* Does nothing: no test here takes power away, and a segment is hundreds of syncs. */
int __wrap_fdatasync(int file)
{
    (void)file;
    atomic_fetch_add(&syncs, 1);
    nanosleep(&(struct timespec){.tv_nsec = 1000000 * atomic_load(&sync_ms)}, NULL);
    while (atomic_load(&hangs))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    if (is_good(&good_syncs))
        return 0;
    errno = EIO;
    return -1;
}

int __wrap_fsync(int file)
{
    struct stat state;
    if (fstat(file, &state) == 0 && state.st_ino == atomic_load(&above))
        atomic_fetch_add(&above_syncs, 1);
    return 0;
}

int __wrap_fallocate(int file, int mode, off_t at, off_t bytes)
{
    if (!atomic_load(&is_read_only) && is_good(&good_allocations))
        return __real_fallocate(file, mode, at, bytes);
    errno = atomic_load(&is_read_only) ? EROFS : ENOSPC;
    return -1;
}

ssize_t __wrap_pwrite(int file, const void *bytes, size_t count, off_t at)
{
    if (atomic_load(&is_read_only)) {
        errno = EROFS;
        return -1;
    }
    /* As where a file system is full: the first page is taken. */
    return __real_pwrite(file, bytes, is_good(&good_writes) ? count : 4096, at);
}

static void wake(void *owner)
{
    (void)owner;
    atomic_fetch_add(&wakes, 1);
}

struct node {
    char folder[64], path[96];
    struct table *table;
    struct journal *journal;
    struct journal_found_all found;
    struct fault fault;
};

static bool start_every(struct node *node, int64_t pause_ms)
{
    struct journal_options options = {.folder = node->path, .pause_ms = pause_ms, .wake = wake};
    node->table = table_new((const uint8_t[16]){3});
    node->journal = journal_open(&options, node->table, &node->found, &node->fault);
    return node->journal != NULL;
}

static bool start(struct node *node)
{
    return start_every(node, 0);
}

static void new_folder(struct node *node)
{
    *node = (struct node){.folder = "/tmp/zherd-journal-XXXXXX"};
    CHECK(mkdtemp(node->folder) != NULL);
    snprintf(node->path, sizeof node->path, "%s/Clark.journal", node->folder);
}

static void stop(struct node *node)
{
    CHECK_INT(journal_close(&node->journal, node->table, WAIT_MS), 0);
    table_destroy(&node->table);
}

static uint32_t count_files(const struct node *node, const char *end)
{
    uint32_t count = 0;
    DIR *folder = opendir(node->path);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        size_t bytes = strlen(entry->d_name), tail = strlen(end);
        count += bytes >= tail && strcmp(entry->d_name + bytes - tail, end) == 0;
    }
    closedir(folder);
    return count;
}

static void remove_folder(const struct node *node)
{
    DIR *folder = opendir(node->path);
    if (folder != NULL) {
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
            unlinkat(dirfd(folder), entry->d_name, 0);
        closedir(folder);
    }
    rmdir(node->path);
    CHECK(rmdir(node->folder) == 0);
}

static uint32_t put_into(struct table *table, uint32_t client, uint32_t version)
{
    char id[16], position[24], stamp[24];
    uint32_t slot = 0;
    snprintf(id, sizeof id, "c%" PRIu32, client);
    snprintf(position, sizeof position, "+%" PRIu32 "+0", version);
    snprintf(stamp, sizeof stamp, "%" PRIu32 ".5", version);
    struct location location = {.client = span_of(id),
                                .position = span_of(position),
                                .stamp = span_of(stamp),
                                .origin = span_of("Clark"),
                                .order_ns = (int64_t)version * 1000000000};
    CHECK(!table_is_refusal(table_put(table, &location, table_ref(table, location.client), &slot)));
    return slot;
}

static uint32_t put(struct node *node, uint32_t client, uint32_t version)
{
    uint32_t slot = put_into(node->table, client, version);
    marks_due(journal_marks(node->journal), slot);
    return slot;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct store_count count_of(const struct node *node)
{
    struct store_count count;
    journal_read_count(node->journal, &count);
    return count;
}

static void turn(struct node *node)
{
    journal_turn(node->journal, node->table, now_ms());
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* A life begins with a generation, of two batches at least; before the first segment is made
 * nothing seems to be wanted. */
static bool is_settled(const struct node *node)
{
    struct store_count count = count_of(node);
    return count.batches - count.failed >= 2 && journal_lag(node->journal) == 0 &&
           journal_deadline_ms(node->journal) == INT64_MAX;
}

/* Until nothing is due and no generation is open, and that for a while: an end that is on its way
 * does not show. */
static void settle(struct node *node)
{
    int64_t until_ms = now_ms() + WAIT_MS;
    int turns = 0;
    while (now_ms() < until_ms && turns < 20) {
        turn(node);
        turns = is_settled(node) ? turns + 1 : 0;
    }
    CHECK_INT(turns, 20);
}

static uint64_t digest_after_restart(struct node *node)
{
    CHECK(start(node));
    CHECK_INT(node->found.bad_runs, 0);
    CHECK_INT(node->found.tally.broken, 0);
    uint64_t digest = table_digest(node->table);
    return digest;
}

/* What it holds is there after a restart. */
static void end(struct node *node)
{
    uint64_t digest = table_digest(node->table);
    stop(node);
    CHECK(digest_after_restart(node) == digest);
    stop(node);
    remove_folder(node);
}

static void what_was_written_is_there_again(void)
{
    struct node node;
    struct stat state;
    uint64_t digest = 0;
    new_folder(&node);
    CHECK(stat(node.folder, &state) == 0);
    atomic_store(&above, state.st_ino);
    for (uint32_t life = 1; life <= 3; life++) {
        CHECK(digest_after_restart(&node) == digest);
        CHECK_INT(atomic_load(&above_syncs), life); /* the folder has a name on the disk */
        CHECK_INT(node.found.torn_runs, 0);
        CHECK_INT(node.found.missing, 0);
        for (uint32_t i = 0; i < 20000; i++)
            put(&node, i % 15000 * life, life);
        digest = table_digest(node.table);
        stop(&node);
    }
    CHECK(stat(node.path, &state) == 0 && (state.st_mode & 07777) == 0700);
    CHECK(digest_after_restart(&node) == digest);
    settle(&node);
    CHECK(digest == table_digest(node.table));
    stop(&node);
    remove_folder(&node);
}

static void one_owner(void)
{
    struct node node, other;
    new_folder(&node);
    CHECK(start(&node));
    other = node;
    CHECK(!start(&other));
    CHECK(strstr(other.fault.text, "another process writes this journal") != NULL);
    table_destroy(&other.table);
    stop(&node);
    CHECK(start(&node));
    stop(&node);
    remove_folder(&node);
}

static void old_segments_go(void)
{
    struct node node;
    new_folder(&node);
    for (uint32_t life = 0; life < 4; life++) {
        CHECK(start(&node));
        put(&node, 1, 1 + life);
        settle(&node);
        /* What the generation of this life made needless is removed by another thread. */
        int64_t until_ms = now_ms() + WAIT_MS;
        while (count_of(&node).removed < (life > 0) && now_ms() < until_ms)
            turn(&node);
        CHECK_INT(count_files(&node, ".blocks"), 1);
        stop(&node);
    }
    remove_folder(&node);
}

static uint64_t bytes_on_disk(const struct node *node)
{
    uint64_t bytes = 0;
    struct stat state;
    DIR *folder = opendir(node->path);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (fstatat(dirfd(folder), entry->d_name, &state, 0) == 0 && S_ISREG(state.st_mode))
            bytes += (uint64_t)state.st_size;
    closedir(folder);
    return bytes;
}

/* Room that nothing will be written to is given back: at the end, */
static void who_ends_takes_what_was_written(void)
{
    struct node node;
    new_folder(&node);
    unsigned before = atomic_load(&syncs);
    CHECK(start(&node));
    for (uint32_t i = 0; i < 1000; i++)
        put(&node, i, 1);
    settle(&node);
    /* Most of them for the first segment: another one takes 256. */
    CHECK(atomic_load(&syncs) - before < 100);
    stop(&node);
    CHECK(bytes_on_disk(&node) > 1000 * 30);
    CHECK(bytes_on_disk(&node) < 1024 * 1024);
    CHECK_INT(count_files(&node, ".blocks"), 1);
    remove_folder(&node);
}

/* and when a sync has failed, after which the rest of the segment is not written. */
static void syncs_that_fail_do_not_fill_the_disk(void)
{
    struct node node;
    new_folder(&node);
    CHECK(start(&node));
    for (uint32_t round = 1; round <= 5; round++) {
        settle(&node);
        put(&node, 1, round);
        atomic_store(&good_syncs, 0);
        for (int64_t until_ms = now_ms() + WAIT_MS;
             count_of(&node).failed < round && now_ms() < until_ms;)
            turn(&node);
        atomic_store(&good_syncs, -1);
    }
    settle(&node);
    CHECK_INT(count_of(&node).failed, 5);
    CHECK(count_of(&node).made >= 6);
    int64_t until_ms = now_ms() + WAIT_MS;
    while (bytes_on_disk(&node) > 2 * JOURNAL_SEGMENT_BYTES + 1024 * 1024 && now_ms() < until_ms)
        turn(&node);
    CHECK(bytes_on_disk(&node) <= 2 * JOURNAL_SEGMENT_BYTES + 1024 * 1024);
    stop(&node);
    remove_folder(&node);
}

/* Its lock stays, too, for what it has on its way may yet arrive. */
static void a_disk_that_hangs_does_not_keep_the_end(void)
{
    struct node node, other;
    new_folder(&node);
    CHECK(start(&node));
    settle(&node);
    for (uint32_t i = 0; i < 10; i++)
        put(&node, i, 1);
    atomic_store(&hangs, true);
    int64_t start_ms = now_ms();
    CHECK_INT(journal_close(&node.journal, node.table, 100), 10);
    CHECK(now_ms() - start_ms >= 100 + JOURNAL_CLOSE_MS);
    CHECK(now_ms() - start_ms < 5000);
    other = node;
    CHECK(!start(&other));
    CHECK(strstr(other.fault.text, "another process writes this journal") != NULL);
    table_destroy(&other.table);
    table_destroy(&node.table);
    atomic_store(&hangs, false);
    remove_folder(&node);
}

/* Another process, which is gone with its next batch on the disk. */
static void live_for_a_batch(struct node *node)
{
    pid_t child = fork();
    if (child == 0) {
        bool is_good = start(node);
        for (int64_t until_ms = now_ms() + WAIT_MS;
             is_good && count_of(node).batches < 1 && now_ms() < until_ms;)
            turn(node);
        _exit(is_good && count_of(node).batches > 0 ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A life that was too short for a generation costs what it wrote, and not the room that it had
 * made. */
static void lives_that_are_cut_short_cost_little(void)
{
    struct node node;
    new_folder(&node);
    CHECK(start(&node));
    for (uint32_t i = 0; i < 60000; i++)
        put(&node, i, 1);
    settle(&node);
    uint64_t digest = table_digest(node.table);
    stop(&node);
    for (uint32_t life = 0; life < 8; life++) {
        live_for_a_batch(&node);
        CHECK(bytes_on_disk(&node) < 2 * JOURNAL_SEGMENT_BYTES + 16 * 1024 * 1024);
    }
    CHECK(digest_after_restart(&node) == digest);
    CHECK_INT(node.found.missing, 0);
    stop(&node);
    remove_folder(&node);
}

/* Whether the bytes stand in any segment. */
static bool is_on_disk(const struct node *node, const char *text)
{
    static char bytes[JOURNAL_SEGMENT_BYTES];
    bool is_found = false;
    DIR *folder = opendir(node->path);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        int at = openat(dirfd(folder), entry->d_name, O_RDONLY);
        ssize_t count =
            strstr(entry->d_name, ".blocks") != NULL ? read(at, bytes, sizeof bytes) : 0;
        is_found |= count > 0 && memmem(bytes, (size_t)count, text, strlen(text)) != NULL;
        close(at);
    }
    closedir(folder);
    return is_found;
}

static void forget(struct node *node, const char *client, uint32_t version)
{
    uint32_t slot;
    char stamp[24];
    struct marks *marks = journal_marks(node->journal);
    snprintf(stamp, sizeof stamp, "%" PRIu32 ".5", version);
    struct location tombstone = {.client = span_of(client),
                                 .position = {stamp, 0},
                                 .stamp = span_of(stamp),
                                 .origin = span_of("Clark"),
                                 .order_ns = (int64_t)version * 1000000000};
    CHECK(!table_is_refusal(
        table_put(node->table, &tombstone, table_ref(node->table, tombstone.client), &slot)));
    marks_due(marks, slot);
    marks->has_tombstone = true;
}

/* By turns at a time that stands still. */
static void settle_at(struct node *node, int64_t at_ms)
{
    int64_t until_ms = now_ms() + WAIT_MS;
    while (now_ms() < until_ms && !is_settled(node)) {
        journal_turn(node->journal, node->table, at_ms);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    CHECK_INT(journal_lag(node->journal), 0);
}

static void what_was_forgotten_leaves_the_disk(void)
{
    struct node node;
    uint64_t removed = 0;
    new_folder(&node);
    CHECK(start(&node));
    put(&node, 1, 771);
    put(&node, 2, 772);
    settle(&node);
    int64_t at_ms = now_ms();
    forget(&node, "c1", 900);
    settle_at(&node, at_ms);
    settle_at(&node, at_ms + JOURNAL_FORGET_MS - 1);
    CHECK(is_on_disk(&node, "+771+0"));
    CHECK_INT(count_of(&node).made, 1);
    for (int64_t until_ms = now_ms() + WAIT_MS; removed == 0 && now_ms() < until_ms;) {
        journal_turn(node.journal, node.table, at_ms + JOURNAL_FORGET_MS);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        removed = count_of(&node).removed;
        at_ms += 1;
    }
    CHECK(!is_on_disk(&node, "+771+0"));
    CHECK(is_on_disk(&node, "+772+0"));
    settle_at(&node, at_ms + 9 * JOURNAL_FORGET_MS); /* one is enough */
    CHECK_INT(count_of(&node).made, 2);
    end(&node);
}

static void a_failed_sync_is_final_for_its_segment(void)
{
    struct node node;
    new_folder(&node);
    CHECK(start(&node));
    for (uint32_t i = 0; i < 1000; i++)
        put(&node, i, 1);
    settle(&node);
    uint32_t slot = put(&node, 5, 2);
    atomic_store(&good_syncs, 0);
    for (int64_t until_ms = now_ms() + WAIT_MS; count_of(&node).failed == 0 && now_ms() < until_ms;)
        turn(&node);
    CHECK(!marks_is_safe(journal_marks(node.journal), slot));
    CHECK_INT(count_of(&node).error, EIO);
    atomic_store(&good_syncs, -1);
    settle(&node);
    CHECK(marks_is_safe(journal_marks(node.journal), slot));
    CHECK_INT(count_of(&node).failed, 1);
    end(&node);
}

static void a_short_write_is_no_write(void)
{
    struct node node;
    new_folder(&node);
    CHECK(start(&node));
    settle(&node);
    for (uint32_t i = 0; i < 1000; i++)
        put(&node, i, 1);
    atomic_store(&good_writes, 0);
    for (int64_t until_ms = now_ms() + WAIT_MS; count_of(&node).failed == 0 && now_ms() < until_ms;)
        turn(&node);
    atomic_store(&good_writes, -1);
    CHECK_INT(count_of(&node).error, ENOSPC);
    CHECK_INT(journal_lag(node.journal), 1000);
    settle(&node);
    end(&node);
}

/* As the system makes it of one with errors: what is open can be written no more. */
static void a_disk_that_is_read_only_keeps_what_it_has(void)
{
    struct node node;
    new_folder(&node);
    CHECK(start(&node));
    put(&node, 1, 1);
    settle(&node);
    uint64_t digest = table_digest(node.table);
    atomic_store(&is_read_only, true);
    put(&node, 1, 2);
    for (int64_t until_ms = now_ms() + WAIT_MS;
         count_of(&node).not_made == 0 && now_ms() < until_ms;)
        turn(&node);
    CHECK_INT(count_of(&node).failed, 1);
    CHECK_INT(count_of(&node).error, EROFS);
    CHECK_INT(journal_lag(node.journal), 1);
    CHECK_INT(journal_close(&node.journal, node.table, 1), 1);
    table_destroy(&node.table);
    atomic_store(&is_read_only, false);
    CHECK(digest_after_restart(&node) == digest);
    stop(&node);
    remove_folder(&node);
}

static void a_full_disk_is_waited_for(void)
{
    struct node node;
    new_folder(&node);
    atomic_store(&good_allocations, 0);
    CHECK(start(&node));
    put(&node, 1, 1);
    for (int64_t until_ms = now_ms() + WAIT_MS;
         count_of(&node).not_made == 0 && now_ms() < until_ms;)
        turn(&node);
    CHECK_INT(count_of(&node).error, ENOSPC);
    CHECK_INT(journal_lag(node.journal), 1);
    CHECK_INT(count_files(&node, ".blocks"), 0);
    CHECK_INT(count_files(&node, ".new"), 0);
    atomic_store(&good_allocations, -1);
    settle(&node); /* JOURNAL_RETRY_MS later */
    CHECK_INT(count_of(&node).not_made, 1);
    stop(&node);
    CHECK(start(&node));
    CHECK_INT(node.found.tally.taken, 1);
    stop(&node);
    remove_folder(&node);
}

/* Each sync takes half a second: nobody waits for it but the journal, which says so. */
static void a_slow_disk_is_caught_up_with(void)
{
    struct node node;
    uint32_t lag_max = 0;
    int64_t lag_ms_max = 0;
    uint32_t slow_turns = 0;
    new_folder(&node);
    CHECK(start(&node));
    settle(&node);
    CHECK_INT(journal_lag_ms(node.journal, now_ms()), 0);
    atomic_store(&sync_ms, 500);
    uint64_t before = count_of(&node).batches;
    int64_t until_ms = now_ms() + WAIT_MS;
    for (uint32_t i = 0; count_of(&node).batches < before + 4 && now_ms() < until_ms; i++) {
        for (uint32_t k = 0; k < 50; k++)
            put(&node, (50 * i + k) % 500, 50 * i + k);
        int64_t start_ms = now_ms();
        turn(&node);
        int64_t took_ms = now_ms() - start_ms, lag_ms = journal_lag_ms(node.journal, now_ms());
        slow_turns += took_ms >= 400;
        lag_ms_max = lag_ms > lag_ms_max ? lag_ms : lag_ms_max;
        lag_max = journal_lag(node.journal) > lag_max ? journal_lag(node.journal) : lag_max;
    }
    CHECK(slow_turns <= 1);                    /* of four syncs: by a machine with too much to do */
    CHECK(lag_max > 50 && lag_max <= 2 * 500); /* due, and in the batch */
    CHECK(lag_ms_max >= 450);
    struct store_count count = count_of(&node);
    CHECK(count.sync_ms_max >= 500);
    uint64_t all = 0, slow = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        all += count.sync.counts[i];
        slow +=
            i > 0 && histogram_bounds_ns[i - 1] >= INT64_C(250000000) ? count.sync.counts[i] : 0;
    }
    CHECK_INT(all, count.batches);
    CHECK(slow >= 1);
    atomic_store(&sync_ms, 0);
    settle(&node);
    CHECK_INT(journal_lag_ms(node.journal, now_ms()), 0);
    end(&node);
}

/* What was asked of malloc and is held, by the caller's thread or in blocks of their own. */
static size_t bytes_held(void)
{
    struct mallinfo2 held = mallinfo2();
    return held.uordblks + held.hblkhd;
}

static void a_million_clients_cost_three_bits_each(void)
{
    struct node node, filled = {.table = table_new((const uint8_t[16]){3})};
    new_folder(&node);
    for (uint32_t i = 0; i < MANY; i++)
        put_into(filled.table, i, 1);
    size_t before = bytes_held(), limit = before + 1024 * 1024 + 3 * (size_t)MANY / 8;
    CHECK(start(&node));
    table_destroy(&node.table);
    node.table = filled.table;
    for (uint32_t slot = 0; slot < MANY; slot++)
        marks_due(journal_marks(node.journal), slot);
    settle(&node);
    for (uint32_t slot = 0; slot < MANY; slot++) /* and of each set all has been in use */
        marks_due(journal_marks(node.journal), slot);
    settle(&node);
    size_t held = bytes_held();
    for (int64_t until_ms = now_ms() + WAIT_MS; held > limit && now_ms() < until_ms;) {
        turn(&node); /* a segment may be in the making */
        held = bytes_held();
    }
    printf("    %zu bytes for %u clients\n", held - before, MANY);
    CHECK(held <= limit);
    stop(&node);
    remove_folder(&node);
}

static void a_pause_gathers_changes(void)
{
    struct node node;
    new_folder(&node);
    CHECK(start_every(&node, 300));
    int64_t start_ms = now_ms();
    uint64_t batches = 0;
    for (uint32_t i = 0; batches < 6 && now_ms() < start_ms + WAIT_MS; i++) {
        put(&node, i % 100, i);
        turn(&node);
        batches = count_of(&node).batches;
    }
    /* The generation at the start takes two, with a short pause; the others follow at 300 ms. */
    CHECK_INT(batches, 6);
    CHECK(now_ms() - start_ms >= 3 * 300);
    CHECK(atomic_load(&wakes) > 0);
    stop(&node);
    remove_folder(&node);
}

static void a_folder_that_cannot_be_had(void)
{
    struct node node;
    new_folder(&node);
    CHECK(mkdir(node.path, 0700) == 0);
    char name[JOURNAL_SEGMENT_NAME_BYTES], path[256];
    journal_segment_name((struct journal_segment){1, 77}, name);
    snprintf(path, sizeof path, "%s/%s", node.path, name);
    FILE *file = fopen(path, "wb");
    static char block[JOURNAL_PAGE_BYTES];
    fwrite(block, 1, sizeof block, file);
    fclose(file);
    CHECK(start(&node)); /* zeros are no block */
    stop(&node);
    node.fault.text[0] = '\0';
    snprintf(node.path, sizeof node.path, "%s/nothing/Clark.journal", node.folder);
    CHECK(!start(&node));
    CHECK(strstr(node.fault.text, "No such file or directory") != NULL);
    table_destroy(&node.table);
    snprintf(node.path, sizeof node.path, "%s/Clark.journal", node.folder);
    remove_folder(&node);
}

static const struct check_case cases[] = {
    {"what was written is there after a restart", what_was_written_is_there_again},
    {"a journal has one owner at a time", one_owner},
    {"segments that are not needed are removed", old_segments_go},
    {"lives that are cut short cost little", lives_that_are_cut_short_cost_little},
    {"who ends takes no more room than what was written", who_ends_takes_what_was_written},
    {"syncs that fail do not fill the disk", syncs_that_fail_do_not_fill_the_disk},
    {"what was forgotten leaves the disk", what_was_forgotten_leaves_the_disk},
    {"what a failed sync was to keep is written to another segment",
     a_failed_sync_is_final_for_its_segment},
    {"a write that was cut short is written again, all of it", a_short_write_is_no_write},
    {"where there is no room the journal waits for some, and catches up",
     a_full_disk_is_waited_for},
    {"a disk that is read-only keeps what it has", a_disk_that_is_read_only_keeps_what_it_has},
    {"a slow disk delays nobody, and is caught up with", a_slow_disk_is_caught_up_with},
    {"a million clients cost three bits each and a MiB", a_million_clients_cost_three_bits_each},
    {"between two writings changes are gathered", a_pause_gathers_changes},
    {"a folder that cannot be had is said in one sentence", a_folder_that_cannot_be_had},
    {"a disk that hangs does not keep the end", a_disk_that_hangs_does_not_keep_the_end},
};

CHECK_MAIN(cases)
