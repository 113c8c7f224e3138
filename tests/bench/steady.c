/* Steady load on one server: every client told once, then the workload for some time. */
#include "tests/bench/drive.h"
#include "tests/bench/moment.h"

/* Batches in which clients are told at first, when nothing is measured. */
#define LOAD_DEPTH 64

static uint32_t greater(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Plays what the script has begun and adds the figures of that time alone. */
static bool measure(struct run *run, struct drive *drive, int64_t length_ns)
{
    struct process_use before, after;
    if (!process_look(run->pids, run->pid_count, &before))
        return false;
    int64_t own_ns = moment_of(CLOCK_PROCESS_CPUTIME_ID), start_ns = moment_now_ns();
    drive_play(drive, run->depth, run->rate, length_ns);
    own_ns = moment_of(CLOCK_PROCESS_CPUTIME_ID) - own_ns;
    double seconds = (double)(drive->progress_ns - start_ns) / (double)MOMENT_NS_PER_S;
    if (!process_look(run->pids, run->pid_count, &after))
        return false;
    run_add_rates(run, drive->times_ns.count, seconds);
    figures_add_times(&run->figures, &drive->times_ns);
    figures_add(&run->figures, "generator_busy",
                (double)own_ns / (seconds * (double)MOMENT_NS_PER_S));
    run_add_use(run, &before, &after, drive->times_ns.count);
    return true;
}

bool run_load(struct run *run)
{
    struct drive drive;
    bool good = drive_open(&drive, run, &run->servers[0], run->depth);
    script_begin(&run->script, SCRIPT_LOAD, run->script.clients);
    good = good && measure(run, &drive, RUN_FOR_EVER_NS);
    drive_close(&drive);
    return good;
}

bool run_steady(struct run *run, enum script_workload workload)
{
    struct drive drive;
    bool good = drive_open(&drive, run, &run->servers[0], greater(run->depth, LOAD_DEPTH));
    if (good) {
        script_begin(&run->script, SCRIPT_LOAD, run->script.clients);
        drive_play(&drive, LOAD_DEPTH, 0, RUN_FOR_EVER_NS);
        script_begin(&run->script, workload, UINT64_MAX);
        drive_play(&drive, run->depth, run->rate, moment_of_seconds(run->warmup_seconds));
        good = measure(run, &drive, moment_of_seconds(run->seconds));
    }
    drive_close(&drive);
    return good;
}
