/* What a hub's clients and its processor pay for neighbours that are there. */
#include "tests/bench/hub_rows.h"

#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/hub_live.h"
#include "tests/bench/moment.h"

#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_US     1e3
#define GIVE_UP_S     60
#define BACK_PAUSE_MS 5
#define P99           990000
#define TURN_TELLS    256
#define ROUNDS        3
#define LONE_WARM     20
/* What an UPDATE of the bench's client and an ACK take on a connection. */
#define UPDATE_BYTES 130
#define ACK_BYTES    40

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

/* Of this process for each update and neighbour, and how many answers a neighbour gave to one. */
struct cost {
    double us, answers;
};

static uint64_t count_answers(void)
{
    uint64_t count = 0;
    for (size_t i = 0; i < hub.count; i++)
        count += flood_answers(hub.flood, i).count;
    return count;
}

static struct cost tell_lone(uint32_t updates, int64_t pause_ns)
{
    uint64_t answers = count_answers();
    int64_t began_ns = process_ns();
    speak_every(pause_ns);
    while (hub.took.count < updates)
        hub_live_turn(&hub, INT64_MAX);
    double all = (double)updates * (double)hub.count;
    return (struct cost){(double)(process_ns() - began_ns) / NS_PER_US / all,
                         (double)(count_answers() - answers) / all};
}

struct bare {
    int listener, epoll;
    size_t count;
    int sockets[HUB_LIVE_MAX];
    pid_t processes[HUB_LIVE_MAX];
    struct sockaddr_in address;
};

/* Reads, and answers each `every`-th message. */
static void be_bare_neighbour(const struct bare *bare, unsigned every)
{
    char in[UPDATE_BYTES], out[ACK_BYTES] = {0};
    unsigned taken = 0;
    int one = 1, socket_ = socket(AF_INET, SOCK_STREAM, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpriority(PRIO_PROCESS, 0, HUB_LIVE_PRIORITY);
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(socket_, (const struct sockaddr *)&bare->address, sizeof bare->address) != 0)
        _exit(1);
    while (recv(socket_, in, sizeof in, MSG_WAITALL) == (ssize_t)sizeof in)
        if (++taken % every == 0 && send(socket_, out, sizeof out, 0) != (ssize_t)sizeof out)
            break;
    _exit(0);
}

static void open_bare(struct bare *bare, size_t count, unsigned every)
{
    socklen_t bytes = sizeof bare->address;
    *bare = (struct bare){.count = count, .epoll = epoll_create1(0)};
    bare->listener = socket(AF_INET, SOCK_STREAM, 0);
    bare->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int rc = bind(bare->listener, (struct sockaddr *)&bare->address, bytes);
    assert(rc == 0);
    rc = listen(bare->listener, (int)count);
    assert(rc == 0);
    getsockname(bare->listener, (struct sockaddr *)&bare->address, &bytes);
    for (size_t i = 0; i < count; i++) {
        bare->processes[i] = fork();
        if (bare->processes[i] == 0)
            be_bare_neighbour(bare, every);
        int one = 1;
        bare->sockets[i] = accept4(bare->listener, NULL, NULL, SOCK_NONBLOCK);
        setsockopt(bare->sockets[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = bare->sockets[i]};
        rc = epoll_ctl(bare->epoll, EPOLL_CTL_ADD, bare->sockets[i], &event);
        assert(rc == 0);
    }
    (void)rc;
}

static void close_bare(struct bare *bare)
{
    for (size_t i = 0; i < bare->count; i++)
        close(bare->sockets[i]);
    for (size_t i = 0; i < bare->count; i++) {
        kill(bare->processes[i], SIGKILL);
        waitpid(bare->processes[i], NULL, 0);
    }
    close(bare->listener);
    close(bare->epoll);
}

static uint64_t read_bare(const struct bare *bare, int64_t until_ns)
{
    struct epoll_event events[HUB_LIVE_MAX];
    char in[4096];
    uint64_t answers = 0;
    int64_t wait_ns = until_ns - moment_now_ns();
    struct timespec wait = {0, wait_ns < 0 ? 0 : wait_ns % MOMENT_NS_PER_S};
    int count = epoll_pwait2(bare->epoll, events, HUB_LIVE_MAX, &wait, NULL);
    for (int i = 0; i < count; i++) {
        ssize_t got = recv(events[i].data.fd, in, sizeof in, 0);
        answers += got > 0 ? (uint64_t)got / ACK_BYTES : 0;
    }
    return answers;
}

static struct cost tell_bare(struct bare *bare, uint32_t updates, int64_t pause_ns)
{
    static const char out[UPDATE_BYTES];
    uint64_t answers = 0;
    int64_t began_ns = process_ns(), next_ns = moment_now_ns() + pause_ns;
    for (uint32_t told = 0; told < updates;) {
        answers += read_bare(bare, next_ns);
        if (moment_now_ns() < next_ns)
            continue;
        next_ns += pause_ns;
        told++;
        for (size_t i = 0; i < bare->count; i++)
            if (send(bare->sockets[i], out, sizeof out, MSG_NOSIGNAL) != (ssize_t)sizeof out)
                exit(1);
    }
    double all = (double)updates * (double)bare->count;
    return (struct cost){(double)(process_ns() - began_ns) / NS_PER_US / all,
                         (double)answers / all};
}

int hub_rows_lone(uint32_t neighbours, uint32_t updates, double rate)
{
    static struct bare bare;
    int64_t pause_ns = moment_of_seconds(1 / rate);
    hub_live_open(&hub, neighbours);
    hub_live_start(&hub);
    hub_live_tell(&hub, 0);
    if (!run_until_whole())
        return 1;
    tell_lone(LONE_WARM, pause_ns);
    printf("%10s %12s %12s %12s %12s %8s\n", "neighbours", "us each", "answers", "bare us each",
           "answers", "ratio");
    for (int round = 0; round < ROUNDS; round++) {
        struct cost our = tell_lone(updates, pause_ns);
        double every = our.answers > 0 ? 1 / our.answers + 0.5 : 1e9;
        open_bare(&bare, neighbours, (unsigned)every);
        tell_bare(&bare, LONE_WARM, pause_ns);
        struct cost their = tell_bare(&bare, updates, pause_ns);
        close_bare(&bare);
        printf("%10" PRIu32 " %12.2f %12.3f %12.2f %12.3f %8.2f\n", neighbours, our.us, our.answers,
               their.us, their.answers, our.us / their.us);
        fflush(stdout);
        if (!run_until_whole())
            return 1;
    }
    hub_live_close(&hub);
    return 0;
}
