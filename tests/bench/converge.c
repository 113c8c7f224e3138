/* How many updates a second a herd can take until every other node verifiably has them all: sent to
 * the first server as fast as it answers; then every client is asked for at each of the others,
 * repeatedly, until its newest stamp shows. */
#include <stdio.h>

#include "tests/bench/drive.h"
#include "tests/bench/moment.h"

/* A herd that has not converged in this time never will. */
#define SWEEP_SECONDS_MAX 60

/* Asks until every newest stamp is seen; a stamp that never shows counts as wrong. */
static void sweep(struct run *run, struct drive *drive)
{
    script_begin(&run->script, SCRIPT_SWEEP, UINT64_MAX);
    drive_play(drive, run->depth, 0, moment_of_seconds(SWEEP_SECONDS_MAX));
    if (run->script.queue_count > 0)
        fprintf(stderr, "zherd-bench: %u clients were never seen at their last place\n",
                run->script.queue_count);
    run->wrong += run->script.queue_count;
}

static void sweep_all(struct run *run, struct drive *drives)
{
    for (size_t i = 1; i < run->server_count; i++)
        sweep(run, &drives[i]);
}

/* Gives every client a position that all servers know, so that earlier contents of the herd do not
 * matter. */
static void prepare(struct run *run, struct drive *drives)
{
    script_begin(&run->script, SCRIPT_LOAD, run->script.clients);
    drive_play(&drives[0], run->depth, 0, RUN_FOR_EVER_NS);
    sweep_all(run, drives);
}

static bool open_all(struct run *run, struct drive *drives)
{
    for (size_t i = 0; i < run->server_count; i++)
        if (!drive_open(&drives[i], run, &run->servers[i], run->depth))
            return false;
    return true;
}

static bool measure(struct run *run, struct drive *drives)
{
    struct process_use before, after;
    prepare(run, drives);
    if (!process_look(run->pids, run->pid_count, &before))
        return false;
    int64_t start_ns = moment_now_ns();
    script_begin(&run->script, SCRIPT_IAMAT, run->updates);
    drive_play(&drives[0], run->depth, run->rate, RUN_FOR_EVER_NS);
    int64_t told_ns = moment_now_ns();
    sweep_all(run, drives);
    double seconds = (double)(moment_now_ns() - start_ns) / (double)MOMENT_NS_PER_S;
    if (!process_look(run->pids, run->pid_count, &after))
        return false;
    run_add_rates(run, run->updates, seconds);
    figures_add(&run->figures, "seconds_to_tell",
                (double)(told_ns - start_ns) / (double)MOMENT_NS_PER_S);
    run_add_use(run, &before, &after, run->updates);
    return true;
}

bool run_converge(struct run *run)
{
    struct drive drives[RUN_SERVERS_MAX] = {0};
    bool good = open_all(run, drives) && measure(run, drives);
    for (size_t i = 0; i < run->server_count && drives[i].run != NULL; i++)
        drive_close(&drives[i]);
    return good;
}
