/* How long a node pauses while many clients are over at one moment, against the same clients'
 * arrival, and what memory is left then.
 *
 *     bench_expire [CLIENTS]         1,000,000 by default
 *
 * Times are of this thread's processor, for each call of flood_local and of flood_coalesces, in
 * which a node without links does what is due. First all clients are over at one moment, then nine
 * of ten, which came before the rest. Prints figures; "smoke" instead of a number, a small run,
 * fails where others are left than should be. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bus/flood.h"
#include "tests/bench/moment.h"

#define WALL_NS     INT64_C(1782864000000000000)
#define MS          INT64_C(1000000)
#define EXPIRE_MS   100000
#define ID_BYTES    24
#define LARGE_BYTES (1024 * 1024)

struct run {
    struct flood *flood;
    int64_t now_ms, longest_ns;
};

static int64_t busy_ns(void)
{
    return moment_of(CLOCK_THREAD_CPUTIME_ID);
}

static void note(struct run *run, int64_t start_ns)
{
    int64_t passed_ns = busy_ns() - start_ns;
    if (passed_ns > run->longest_ns)
        run->longest_ns = passed_ns;
}

static void look_at_clock(struct run *run)
{
    flood_set_clock(run->flood, run->now_ms, WALL_NS + run->now_ms * MS);
}

static struct run begin(void)
{
    struct run run = {.now_ms = 1000000};
    run.flood = flood_new(&(struct flood_options){.herd = span_of("bench"),
                                                  .node = span_of("Ada"),
                                                  .incarnation = 1,
                                                  .clients_max = FLOOD_CLIENTS_DEFAULT,
                                                  .expire_ms = EXPIRE_MS});
    look_at_clock(&run);
    return run;
}

static void arrive(struct run *run, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        char id[ID_BYTES], stamp[32];
        int64_t wall_ns = WALL_NS + run->now_ms * MS;
        snprintf(id, sizeof id, "client-%u", i);
        snprintf(stamp, sizeof stamp, "%lld.%09lld", (long long)(wall_ns / NANO),
                 (long long)(wall_ns % NANO));
        struct location location = {.client = span_of(id),
                                    .position = span_of("+34.068930-118.445127"),
                                    .stamp = span_of(stamp),
                                    .order_ns = wall_ns};
        int64_t start_ns = busy_ns();
        enum flood_outcome outcome = flood_local(run->flood, &location);
        note(run, start_ns);
        if (outcome != FLOOD_STORED) {
            fprintf(stderr, "bench_expire: client %u was answered %d\n", i, outcome);
            exit(1);
        }
    }
}

/* Turn by turn, each a millisecond after the other. How many of them had something to do. */
static uint32_t pass(struct run *run, int64_t ms)
{
    uint32_t turns = 0;
    for (int64_t i = 0; i < ms; i++) {
        run->now_ms++;
        if (run->now_ms % 1000 == 0)
            look_at_clock(run);
        bool is_due = flood_deadline_ms(run->flood) <= run->now_ms;
        int64_t start_ns = busy_ns();
        flood_coalesces(run->flood, run->now_ms);
        note(run, start_ns);
        turns += is_due;
    }
    return turns;
}

/* All but `left` of the clients are over at one moment. False where another number is left. */
static bool measure(uint32_t clients, uint32_t left)
{
    struct run run = begin(), small = begin();
    arrive(&run, 0, clients - left);
    run.now_ms += EXPIRE_MS / 2;
    look_at_clock(&run);
    arrive(&run, clients - left, left);
    int64_t arrival_ns = run.longest_ns;
    arrive(&small, 0, left);
    run.longest_ns = 0;
    uint32_t turns = pass(&run, EXPIRE_MS / 2 + 22000);
    struct flood_load load = flood_load(run.flood), wanted = flood_load(small.flood);
    printf("%u clients come: the longest call takes %.3f ms\n", clients, (double)arrival_ns / 1e6);
    printf("%u of them are over at one moment: %.3f ms, in %u turns\n", clients - left,
           (double)run.longest_ns / 1e6, turns);
    printf("%llu are left, in %.2f MB; a table that only ever had those takes %.2f MB\n",
           (unsigned long long)load.clients, (double)load.bytes / 1e6, (double)wanted.bytes / 1e6);
    flood_destroy(&run.flood);
    flood_destroy(&small.flood);
    return load.clients == left;
}

int main(int count, char **words)
{
    /* As a node has it: an index that is replaced is the system's own pages. */
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, 2 * LARGE_BYTES);
    bool is_smoke = count > 1 && strcmp(words[1], "smoke") == 0;
    uint32_t clients = is_smoke ? 20000 : count > 1 ? (uint32_t)atol(words[1]) : 1000000;
    bool is_right = measure(clients, 0);
    return measure(clients, clients / 10) && is_right ? 0 : 1;
}
