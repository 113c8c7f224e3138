/* Why a journal's blocks are our own: the same positions, of random clients, made durable by blocks
 * and by SQLite, with a sync for each batch.
 *
 *     bench_journal [CLIENTS [BATCH [SECONDS]]]       1,000,000, 1,000 and 2 for each
 *     bench_journal smoke                             whether it runs
 *
 * Blocks: journal_plan_write into a file that is full of zeros, pwrite, fdatasync, as store.c does
 * it, on one thread. SQLite: a table of slot and location, WAL, synchronous = FULL (a sync at each
 * commit), one transaction a batch of upserts by a prepared statement; its checkpoints as they
 * come by themselves. Both take the location from the same table and write it as an UPDATE has it.
 * The processor time is the process's, so it has what the kernel does for it.
 *
 * Prints figures, and says nothing about right or wrong; only `smoke` fails. */
#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bus/journal/plan.h"
#include "bus/link/wire.h"
#include "tests/sim/rng.h"

#define SEGMENT_ID UINT64_C(0x0123456789abcdef)

struct figures {
    uint64_t updates, syncs, bytes;
    double seconds, processor_s;
};

struct work {
    uint32_t clients, batch;
    double seconds;
    struct table *table;
    struct rng rng;
};

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void begin(struct figures *figures)
{
    *figures = (struct figures){.seconds = -seconds_of(CLOCK_MONOTONIC),
                                .processor_s = -seconds_of(CLOCK_PROCESS_CPUTIME_ID)};
}

static bool is_over(const struct figures *figures, const struct work *work)
{
    return figures->seconds + seconds_of(CLOCK_MONOTONIC) >= work->seconds;
}

static void end(struct figures *figures)
{
    figures->seconds += seconds_of(CLOCK_MONOTONIC);
    figures->processor_s += seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static struct table *make_table(uint32_t clients)
{
    struct table *table = table_new((const uint8_t[16]){1});
    for (uint32_t i = 0; i < clients; i++) {
        char id[32], position[32], stamp[32];
        uint32_t slot;
        snprintf(id, sizeof id, "phone-%07" PRIu32, i);
        snprintf(position, sizeof position, "+%02d.%06d-118.%06d", (int)(i % 90),
                 (int)(i % 1000000), (int)(i * 7 % 1000000));
        snprintf(stamp, sizeof stamp, "1621464827.%09d", (int)(i % 1000000000));
        struct location location = {.client = span_of(id),
                                    .position = span_of(position),
                                    .stamp = span_of(stamp),
                                    .origin = span_of("Clark"),
                                    .difference_ns = 263873386};
        location.order_ns = location_stamp_ns(location.stamp);
        table_put(table, &location, table_ref(table, location.client), &slot);
    }
    return table;
}

/* ---- blocks ---- */

static int zeros_file(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    char *zeros = calloc(1, JOURNAL_SEGMENT_BYTES);
    if (file < 0 || zeros == NULL ||
        write(file, zeros, JOURNAL_SEGMENT_BYTES) != (ssize_t)JOURNAL_SEGMENT_BYTES ||
        fdatasync(file) != 0)
        fail(path);
    free(zeros);
    return file;
}

static struct figures run_blocks(struct work *work, const char *path)
{
    int file = zeros_file(path);
    char *room = malloc(JOURNAL_BATCH_BYTES);
    struct journal_plan plan;
    struct figures figures;
    uint32_t used = 0;
    journal_plan_start(&plan, 0, &(struct journal_replay){0}, &(struct journal_tally){0},
                       work->table);
    plan.wants_generation = false; /* updates alone, as with SQLite */
    begin(&figures);
    do {
        for (uint32_t i = 0; i < work->batch; i++)
            marks_due(&plan.marks, rng_below(&work->rng, work->clients));
        while (journal_plan_wants(&plan)) {
            journal_plan_urge(&plan);
            uint32_t bytes = journal_plan_write(&plan, work->table, SEGMENT_ID, room);
            if (used + bytes > JOURNAL_SEGMENT_BYTES)
                used = 0; /* a new segment would be zeros just so */
            if (pwrite(file, room, bytes, (off_t)used) != (ssize_t)bytes || fdatasync(file) != 0)
                fail(path);
            journal_plan_synced(&plan);
            used += bytes;
            figures.bytes += bytes;
            figures.syncs++;
        }
        figures.updates += work->batch;
    } while (!is_over(&figures, work));
    end(&figures);
    journal_plan_free(&plan);
    free(room);
    close(file);
    return figures;
}

/* ---- SQLite ---- */

static void check(sqlite3 *database, int result)
{
    if (result == SQLITE_OK || result == SQLITE_DONE || result == SQLITE_ROW)
        return;
    fprintf(stderr, "%s\n", sqlite3_errmsg(database));
    exit(2);
}

static void run_words(sqlite3 *database, const char *words)
{
    check(database, sqlite3_exec(database, words, NULL, NULL, NULL));
}

static uint64_t upsert(struct work *work, sqlite3 *database, sqlite3_stmt *statement, uint32_t slot)
{
    char text[PACKED_TEXT_BYTES_MAX], written[512];
    struct location location;
    table_read(work->table, slot, text, &location);
    assert(wire_location_bytes_max(&location) <= sizeof written);
    int bytes = (int)(wire_write_location(&location, written) - written);
    sqlite3_bind_int64(statement, 1, slot);
    sqlite3_bind_blob(statement, 2, written, bytes, SQLITE_STATIC);
    check(database, sqlite3_step(statement));
    check(database, sqlite3_reset(statement));
    return (uint64_t)bytes;
}

static struct figures run_sqlite(struct work *work, const char *path)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    struct figures figures;
    check(NULL, sqlite3_open(path, &database));
    run_words(database, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                        "CREATE TABLE location (slot INTEGER PRIMARY KEY, bytes BLOB NOT NULL);");
    check(database, sqlite3_prepare_v2(database,
                                       "INSERT INTO location VALUES (?1, ?2) "
                                       "ON CONFLICT (slot) DO UPDATE SET bytes = excluded.bytes",
                                       -1, &statement, NULL));
    /* All are there, as in a store that has run for a while. */
    run_words(database, "BEGIN");
    for (uint32_t slot = 0; slot < work->clients; slot++)
        upsert(work, database, statement, slot);
    run_words(database, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    begin(&figures);
    do {
        run_words(database, "BEGIN");
        for (uint32_t i = 0; i < work->batch; i++)
            figures.bytes +=
                upsert(work, database, statement, rng_below(&work->rng, work->clients));
        run_words(database, "COMMIT");
        figures.updates += work->batch;
        figures.syncs++;
    } while (!is_over(&figures, work));
    end(&figures);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return figures;
}

static void print(const char *name, const struct figures *figures)
{
    printf("| %-6s | %10.0f | %8.2f | %8.0f | %8.1f |\n", name,
           (double)figures->updates / figures->seconds,
           figures->processor_s * 1e6 / (double)figures->updates,
           (double)figures->syncs / figures->seconds,
           (double)figures->bytes / (double)figures->updates);
}

static uint32_t number_of(int count, char **words, int at, uint32_t otherwise)
{
    return count > at ? (uint32_t)strtoul(words[at], NULL, 10) : otherwise;
}

int main(int count, char **words)
{
    bool is_smoke = count == 2 && strcmp(words[1], "smoke") == 0;
    struct work work = {.clients = is_smoke ? 1000 : number_of(count, words, 1, 1000000),
                        .batch = is_smoke ? 100 : number_of(count, words, 2, 1000),
                        .seconds = is_smoke ? 0.05 : number_of(count, words, 3, 2),
                        .rng = {1}};
    char folder[] = "bench-journal-XXXXXX", path[64], name[96];
    if (work.clients == 0 || work.batch == 0 || mkdtemp(folder) == NULL)
        fail("bench_journal");
    work.table = make_table(work.clients);
    printf("| %" PRIu32 " clients, a sync each %" PRIu32
           " | updates/s | CPU us | syncs/s | bytes |\n",
           work.clients, work.batch);
    snprintf(path, sizeof path, "%s/blocks", folder);
    struct figures blocks = run_blocks(&work, path);
    print("blocks", &blocks);
    unlink(path);
    snprintf(path, sizeof path, "%s/sqlite", folder);
    struct figures sqlite = run_sqlite(&work, path);
    print("SQLite", &sqlite);
    for (const char *const *ending = (const char *const[]){"", "-wal", "-shm", NULL};
         *ending != NULL; ending++) {
        snprintf(name, sizeof name, "%s%s", path, *ending);
        unlink(name);
    }
    rmdir(folder);
    table_destroy(&work.table);
    return blocks.updates > 0 && sqlite.updates > 0 ? 0 : 1;
}
