/* Steady load on one server: one update of every client, then the workload for some time. */
#include <stdio.h>

#include "tests/bench/drive.h"
#include "tests/bench/moment.h"

/* Requests in a batch while the first updates load the table and nothing is measured. */
#define LOAD_DEPTH 64
/* How many clients are asked about while all others are over. */
#define OTHERS 1000u
/* So long before that moment they are told, and the questions begin. */
#define OTHERS_BEFORE_NS    (MOMENT_NS_PER_S * 3 / 2)
#define QUESTIONS_BEFORE_NS (MOMENT_NS_PER_S / 2)

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

/* Of a table that others fill. */
bool run_nearby(struct run *run)
{
    struct drive drive;
    bool good = drive_open(&drive, run, &run->servers[0], run->depth);
    if (good) {
        script_begin(&run->script, SCRIPT_NEARBY, UINT64_MAX);
        drive_play(&drive, run->depth, run->rate, moment_of_seconds(run->warmup_seconds));
        good = measure(run, &drive, moment_of_seconds(run->seconds));
    }
    drive_close(&drive);
    return good;
}

/* Sleeps until the wall clock shows that; false where it is past. */
static bool sleep_until(int64_t wall_ns)
{
    struct timespec until = {wall_ns / MOMENT_NS_PER_S, wall_ns % MOMENT_NS_PER_S};
    if (moment_of(CLOCK_REALTIME) > wall_ns)
        return false;
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
    return true;
}

bool run_expire(struct run *run)
{
    struct drive drive;
    struct script *script = &run->script;
    /* Their stamps differ by nanoseconds, so all of them are over in one moment. */
    int64_t over_ns = (int64_t)script->stamp_ns + run->talk.expire_s * MOMENT_NS_PER_S;
    bool good = drive_open(&drive, run, &run->servers[0], greater(run->depth, LOAD_DEPTH));
    if (good) {
        script_begin(script, SCRIPT_LOAD, script->clients);
        drive_play(&drive, LOAD_DEPTH, 0, RUN_FOR_EVER_NS);
        good = sleep_until(over_ns - OTHERS_BEFORE_NS);
        if (!good)
            fprintf(stderr, "zherd-bench: the first are over before all are told: --expire\n");
    }
    if (good) {
        run->talk.first_client += script->clients;
        script->clients = greater(OTHERS, run->connections);
        script->stamp_ns = (uint64_t)moment_of(CLOCK_REALTIME);
        script_begin(script, SCRIPT_LOAD, script->clients);
        drive_play(&drive, LOAD_DEPTH, 0, RUN_FOR_EVER_NS);
        good = sleep_until(over_ns - QUESTIONS_BEFORE_NS);
        script_begin(script, SCRIPT_WHATSAT, UINT64_MAX);
        good = good && measure(run, &drive, moment_of_seconds(run->seconds));
    }
    drive_close(&drive);
    return good;
}
