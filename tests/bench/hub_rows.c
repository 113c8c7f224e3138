/* What a hub's clients and its processor pay for neighbours that are there. */
#include "tests/bench/hub_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/hub_bare.h"
#include "tests/bench/hub_live.h"
#include "tests/bench/moment.h"

#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_US     1e3
#define GIVE_UP_S     60
#define BACK_PAUSE_MS 5
#define P99           990000
#define ROUNDS        3
#define LONE_WARM     20

static struct hub_live hub;

/* False where not all was told within the time. */
static bool run_until_whole(void)
{
    int64_t give_up_ns = moment_now_ns() + GIVE_UP_S * MOMENT_NS_PER_S;
    while (!hub_live_is_whole(&hub) && moment_now_ns() < give_up_ns)
        hub_live_turn(&hub, give_up_ns);
    return hub_live_is_whole(&hub);
}

static void run_for(int64_t ns)
{
    int64_t end_ns = moment_now_ns() + ns;
    while (moment_now_ns() < end_ns)
        hub_live_turn(&hub, end_ns);
}

static void speak_every(int64_t pause_ns)
{
    hub.pause_ns = pause_ns;
    hub.next_ns = moment_now_ns() + pause_ns;
    memset(&hub.took, 0, sizeof hub.took);
    memset(&hub.used, 0, sizeof hub.used);
}

static int64_t process_ns(void)
{
    return moment_of(CLOCK_PROCESS_CPUTIME_ID);
}

static void print_answers(const char *title, double seconds, int64_t cpu_ns)
{
    printf("%-10s %8.1f %10.3f %10.3f %10.3f %12.3f %12.3f %8.2f\n", title, seconds,
           (double)histogram_quantile(&hub.took, 500000) / (double)NS_PER_MS,
           (double)histogram_quantile(&hub.took, P99) / (double)NS_PER_MS,
           (double)hub.took.most / (double)NS_PER_MS,
           (double)histogram_quantile(&hub.used, P99) / (double)NS_PER_MS,
           (double)hub.used.most / (double)NS_PER_MS, (double)cpu_ns / (double)MOMENT_NS_PER_S);
    fflush(stdout);
}

int hub_rows_back(uint32_t clients, uint32_t neighbours, double calm_seconds)
{
    hub_live_open(&hub, neighbours);
    for (uint32_t client = 0; client < clients; client++)
        hub_live_tell(&hub, client);
    hub_live_start(&hub);
    if (!run_until_whole())
        return 1;
    printf("%-10s %8s %10s %10s %10s %12s %12s %8s\n", "", "s", "p50 ms", "p99 ms", "most ms",
           "turn p99 ms", "turn most ms", "CPU s");
    int64_t cpu_ns = process_ns();
    hub.times_turns = true;
    speak_every(BACK_PAUSE_MS * NS_PER_MS);
    run_for(moment_of_seconds(calm_seconds));
    print_answers("calm", calm_seconds, process_ns() - cpu_ns);
    hub_live_kill(&hub);
    int64_t begin_ns = moment_now_ns();
    cpu_ns = process_ns();
    hub_live_start(&hub);
    speak_every(BACK_PAUSE_MS * NS_PER_MS);
    bool whole = run_until_whole();
    print_answers("back", (double)(moment_now_ns() - begin_ns) / (double)MOMENT_NS_PER_S,
                  process_ns() - cpu_ns);
    hub_live_close(&hub);
    return whole ? 0 : 1;
}

/* ---- A lone update ----------------------------------------------------------------------- */

static uint64_t count_answers(void)
{
    uint64_t count = 0;
    for (size_t i = 0; i < hub.count; i++)
        count += flood_answers(hub.flood, i).count;
    return count;
}

static struct hub_cost tell_lone(uint32_t updates, int64_t pause_ns)
{
    uint64_t answers = count_answers();
    int64_t began_ns = process_ns();
    speak_every(pause_ns);
    while (hub.took.count < updates)
        hub_live_turn(&hub, INT64_MAX);
    double all = (double)updates * (double)hub.count;
    return (struct hub_cost){(double)(process_ns() - began_ns) / NS_PER_US / all,
                             (double)(count_answers() - answers) / all};
}

int hub_rows_lone(uint32_t neighbours, uint32_t updates, double rate)
{
    struct hub_bare_load load = {neighbours, updates, moment_of_seconds(1 / rate), 0};
    hub_live_open(&hub, neighbours);
    hub_live_start(&hub);
    hub_live_tell(&hub, 0);
    if (!run_until_whole())
        return 1;
    tell_lone(LONE_WARM, load.pause_ns);
    printf("%10s %10s %10s %14s %8s %14s %8s\n", "neighbours", "us each", "answers",
           "ZeroMQ us each", "ratio", "epoll us each", "ratio");
    for (int round = 0; round < ROUNDS; round++) {
        struct hub_cost our = tell_lone(updates, load.pause_ns);
        load.every = our.answers > 0 ? (unsigned)(1 / our.answers + 0.5) : updates;
        struct hub_cost zeromq = hub_bare_zeromq(&load), epoll = hub_bare_epoll(&load);
        printf("%10" PRIu32 " %10.2f %10.3f %14.2f %8.2f %14.2f %8.2f\n", neighbours, our.us,
               our.answers, zeromq.us, our.us / zeromq.us, epoll.us, our.us / epoll.us);
        fflush(stdout);
        if (!run_until_whole())
            return 1;
    }
    hub_live_close(&hub);
    return 0;
}
