#include "tests/bench/hub_live.h"

#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/net/entropy.h"
#include "tests/bench/moment.h"

#define NS_PER_MS INT64_C(1000000)
/* What the bench's client has told a moment ago may be on its way. */
#define AHEAD_MAX       4
#define PRIORITY_LOWEST 19

extern char **environ;

static void open_node(struct hub_live *hub, const char *name, const char *endpoint,
                      const struct bus_peer *peers)
{
    struct span names[HUB_LIVE_MAX];
    struct fault fault;
    for (size_t i = 0; i < hub->count; i++)
        names[i] = span_of(peers[i].name);
    hub->bus = bus_open(
        &(struct bus_options){
            .name = name, .endpoint = endpoint, .peers = peers, .peer_count = hub->count},
        &fault);
    if (hub->bus == NULL) {
        fprintf(stderr, "%s\n", fault.text);
        exit(1);
    }
    hub->flood = flood_new(&(struct flood_options){.herd = span_of("bench"),
                                                   .node = span_of(name),
                                                   .peers = names,
                                                   .peer_count = hub->count,
                                                   .incarnation = entropy_number(),
                                                   .clients_max = FLOOD_CLIENTS_DEFAULT});
    hub->waits = true;
    hub->next_ns = INT64_MAX;
}

void hub_live_stand_aside(void)
{
    const struct sched_param unused = {0};
    if (sched_setscheduler(0, SCHED_IDLE, &unused) != 0)
        setpriority(PRIO_PROCESS, 0, PRIORITY_LOWEST);
}

int hub_live_be_neighbour(char **arguments)
{
    static struct hub_live leaf = {.count = 1};
    struct bus_peer peer = {"hub", arguments[2]};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    hub_live_stand_aside();
    open_node(&leaf, arguments[0], arguments[1], &peer);
    for (;;)
        hub_live_turn(&leaf, INT64_MAX);
}

void hub_live_open(struct hub_live *hub, size_t count)
{
    struct bus_peer peers[HUB_LIVE_MAX];
    assert(count <= HUB_LIVE_MAX);
    *hub = (struct hub_live){.count = count};
    loopback_endpoint(hub->endpoint);
    for (size_t i = 0; i < count; i++) {
        snprintf(hub->names[i], sizeof hub->names[i], "n%zu", i);
        loopback_endpoint(hub->endpoints[i]);
        peers[i] = (struct bus_peer){hub->names[i], hub->endpoints[i]};
    }
    prctl(PR_SET_TIMERSLACK, 1);
    open_node(hub, "hub", hub->endpoint, peers);
}

void hub_live_close(struct hub_live *hub)
{
    hub_live_kill(hub);
    bus_close(&hub->bus, 0);
    flood_destroy(&hub->flood);
}

void hub_live_tell(struct hub_live *hub, uint32_t client)
{
    struct timespec wall;
    char id[24], stamp[40];
    clock_gettime(CLOCK_REALTIME, &wall);
    int64_t now_ns = wall.tv_sec * MOMENT_NS_PER_S + wall.tv_nsec;
    hub->told_ns = now_ns > hub->told_ns ? now_ns : hub->told_ns + 1;
    snprintf(id, sizeof id, "client%" PRIu32, client);
    snprintf(stamp, sizeof stamp, "%" PRId64 ".%09" PRId64, hub->told_ns / MOMENT_NS_PER_S,
             hub->told_ns % MOMENT_NS_PER_S);
    struct location location = {.client = span_of(id),
                                .position = span_of("+34.068930-118.445127"),
                                .stamp = span_of(stamp),
                                .difference_ns = 263873386,
                                .order_ns = hub->told_ns};
    enum flood_outcome outcome = flood_local(hub->flood, &location);
    assert(outcome == FLOOD_STORED);
    (void)outcome;
}

void hub_live_start(struct hub_live *hub)
{
    for (size_t i = 0; i < hub->count; i++) {
        char *arguments[] = {"bench_hub",       "--live-neighbour", hub->names[i],
                             hub->endpoints[i], hub->endpoint,      NULL};
        int error =
            posix_spawn(&hub->processes[i], "/proc/self/exe", NULL, NULL, arguments, environ);
        if (error != 0) {
            fprintf(stderr, "cannot start a neighbour: %s\n", strerror(error));
            exit(1);
        }
    }
}

void hub_live_kill(struct hub_live *hub)
{
    for (size_t i = 0; i < hub->count; i++)
        hub->killed[i] = flood_link(hub->flood, i).their_incarnation;
    for (size_t i = 0; i < hub->count; i++)
        if (hub->processes[i] != 0)
            kill(hub->processes[i], SIGKILL);
    for (size_t i = 0; i < hub->count; i++)
        if (hub->processes[i] != 0)
            waitpid(hub->processes[i], NULL, 0);
    memset(hub->processes, 0, sizeof hub->processes);
}

static void speak(struct hub_live *hub)
{
    while (moment_now_ns() >= hub->next_ns) {
        hub_live_tell(hub, 0);
        histogram_add(&hub->took, moment_now_ns() - hub->next_ns);
        hub->next_ns += hub->pause_ns;
    }
}

static void turn_bus(struct hub_live *hub)
{
    int64_t now_ms = loopback_now_ms();
    if (!hub->waits && !hub->coalesces && !flood_is_due(hub->flood, now_ms) &&
        now_ms < bus_deadline_ms(hub->bus))
        return;
    if (hub->waits)
        hub->waits = bus_receive(hub->bus, hub->flood, now_ms);
    hub->coalesces = flood_coalesces(hub->flood, now_ms);
    if (!hub->coalesces)
        bus_send(hub->bus, hub->flood, now_ms);
    struct link_event event;
    while (flood_next_event(hub->flood, &event))
        continue;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void hub_live_turn(struct hub_live *hub, int64_t until_ns)
{
    struct pollfd polled[] = {{.fd = bus_descriptor(hub->bus), .events = POLLIN},
                              {.fd = bus_watch_descriptor(hub->bus), .events = POLLIN}};
    int64_t due_ms = least(flood_deadline_ms(hub->flood), bus_deadline_ms(hub->bus));
    int64_t due_ns = due_ms > INT64_MAX / NS_PER_MS ? INT64_MAX : due_ms * NS_PER_MS;
    int64_t wait_ns = least(least(due_ns, until_ns), hub->next_ns) - moment_now_ns();
    if (hub->waits || hub->coalesces || bus_sends_on(hub->bus) || wait_ns < 0)
        wait_ns = 0;
    wait_ns = least(wait_ns, MOMENT_NS_PER_S);
    struct timespec wait = {wait_ns / MOMENT_NS_PER_S, wait_ns % MOMENT_NS_PER_S};
    ppoll(polled, sizeof polled / sizeof *polled, &wait, NULL);
    int64_t began_ns = hub->times_turns ? moment_of(CLOCK_THREAD_CPUTIME_ID) : 0;
    hub->waits |= polled[0].revents != 0;
    if (polled[1].revents != 0)
        bus_watch(hub->bus);
    speak(hub);
    turn_bus(hub);
    if (hub->times_turns)
        histogram_add(&hub->used, moment_of(CLOCK_THREAD_CPUTIME_ID) - began_ns);
}

bool hub_live_is_whole(const struct hub_live *hub)
{
    for (size_t i = 0; i < hub->count; i++) {
        struct flood_link link = flood_link(hub->flood, i);
        if (!link.up || link.their_incarnation == hub->killed[i] || link.due > AHEAD_MAX ||
            link.in_flight > AHEAD_MAX)
            return false;
    }
    return true;
}
