/* Connections that say nothing: what does one cost the server? */
#include <stdio.h>
#include <time.h>

#include "tests/bench/drive.h"
#include "tests/bench/moment.h"

#define LOOK_AGAIN_NS 10000000

/* A server accepts connections at its own pace; its descriptors show when it has accepted all. */
static bool wait_until_taken(const struct run *run, const struct process_use *before,
                             struct process_use *after)
{
    int64_t end_ns = moment_now_ns() + moment_of_seconds(RUN_PATIENCE_SECONDS);
    while (moment_now_ns() < end_ns) {
        if (!process_look(run->pids, run->pid_count, after))
            return false;
        if (after->descriptors >= before->descriptors + (int64_t)run->connections)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
    }
    fputs("zherd-bench: the server did not take all connections\n", stderr);
    return false;
}

bool run_idle(struct run *run)
{
    struct process_use before, after;
    struct drive drive;
    if (run->pid_count == 0) {
        fputs("zherd-bench: idle connections cost nothing here; say whose --server-pid\n", stderr);
        return false;
    }
    if (!process_look(run->pids, run->pid_count, &before))
        return false;
    bool good = drive_open(&drive, run, &run->servers[0], run->depth) &&
                wait_until_taken(run, &before, &after);
    if (good) {
        double growth = (double)(after.rss_bytes - before.rss_bytes);
        figures_add(&run->figures, "connections", run->connections);
        figures_add(&run->figures, "server_rss_bytes", (double)after.rss_bytes);
        figures_add(&run->figures, "server_bytes_per_connection", growth / run->connections);
    }
    drive_close(&drive);
    return good;
}
