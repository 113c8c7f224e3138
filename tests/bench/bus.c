/* How many updates one link carries: two processes on loopback, one sends, one receives.
 *
 *     bench_bus [UPDATES]
 *
 * Every update is of another client than the last 100,000 and waits for room on the link, so that
 * none is saved by conflation: what is measured is table, wire, sockets and acknowledgements at
 * both ends. Prints figures; says nothing about right or wrong. */
#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/net/bus.h"
#include "tests/bus/loopback.h"

#define UPDATES_DEFAULT 3000000
#define CLIENTS         100000
/* Updates in the link's ring that are not acknowledged: more than the window holds, less than a
 * client's turn. */
#define AHEAD_MAX 4096
/* Updates between two turns of the loop, as a gateway takes them from its clients. */
#define TURN_UPDATES 256

struct end {
    struct bus *bus;
    struct flood *flood;
    bool more;
};

static struct end open_end(const char *name, const char *endpoint, const char *other,
                           const char *other_endpoint)
{
    struct bus_peer peer = {other, other_endpoint};
    struct span peer_name = span_of(other);
    struct bus_options options = {
        .name = name, .endpoint = endpoint, .peers = &peer, .peer_count = 1};
    struct flood_options flood_options = {.herd = span_of("bench"),
                                          .node = span_of(name),
                                          .peers = &peer_name,
                                          .peer_count = 1,
                                          .incarnation = (uint64_t)getpid(),
                                          .clients_max = FLOOD_CLIENTS_DEFAULT};
    struct fault fault;
    struct end end = {.bus = bus_open(&options, &fault), .flood = flood_new(&flood_options)};
    if (!end.bus) {
        fprintf(stderr, "%s\n", fault.text);
        exit(1);
    }
    return end;
}

static void close_end(struct end *end)
{
    bus_close(&end->bus, 100);
    flood_destroy(&end->flood);
}

/* Waits for input or the flood's next deadline, unless there is something to do at once. */
static void turn(struct end *end, bool at_once)
{
    struct pollfd polled = {.fd = bus_descriptor(end->bus), .events = POLLIN};
    int64_t wait_ms = flood_deadline_ms(end->flood) - loopback_now_ms();
    if (!end->more && !at_once && wait_ms > 0)
        poll(&polled, 1, (int)wait_ms);
    end->more = bus_turn(end->bus, end->flood, loopback_now_ms());
}

static void put(struct flood *flood, int64_t number)
{
    char client[32], stamp[32];
    int client_bytes = snprintf(client, sizeof client, "client%" PRId64, number % CLIENTS);
    int stamp_bytes = snprintf(stamp, sizeof stamp, "1621464827.%09" PRId64, number);
    struct location location = {.client = {client, (size_t)client_bytes},
                                .position = span_of("+34.068930-118.445127"),
                                .stamp = {stamp, (size_t)stamp_bytes},
                                .difference_ns = 263873386,
                                .order_ns = 1621464827000000000 + number};
    enum flood_outcome outcome = flood_local(flood, &location);
    assert(outcome == FLOOD_STORED);
}

static double processor_seconds(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void hear(struct end *end)
{
    while (!flood_link(end->flood, 0).up)
        turn(end, false);
    while (flood_link(end->flood, 0).up)
        turn(end, false);
    close_end(end);
}

/* Returns the seconds until the last update was acknowledged. */
static double send_all(struct end *end, int64_t updates)
{
    while (!flood_link(end->flood, 0).up)
        turn(end, false);
    int64_t start_ms = loopback_now_ms(), sent = 0;
    for (;;) {
        struct flood_link link = flood_link(end->flood, 0);
        if (sent == updates && link.acked == link.head)
            break;
        int64_t before = sent;
        while (sent < updates && sent - before < TURN_UPDATES && link.head - link.acked < AHEAD_MAX)
            put(end->flood, sent++);
        turn(end, sent > before);
    }
    return (double)(loopback_now_ms() - start_ms) / 1000;
}

int main(int count, char **arguments)
{
    int64_t updates = count > 1 ? atoll(arguments[1]) : UPDATES_DEFAULT;
    char endpoints[2][LOOPBACK_ENDPOINT_BYTES_MAX];
    loopback_endpoint(endpoints[0]);
    loopback_endpoint(endpoints[1]);
    pid_t child = fork();
    if (child == 0) {
        struct end ball = open_end("Ball", endpoints[1], "Alford", endpoints[0]);
        hear(&ball);
        return 0;
    }
    struct end alford = open_end("Alford", endpoints[0], "Ball", endpoints[1]);
    double seconds = send_all(&alford, updates);
    const struct link_counters *counted = flood_count(alford.flood);
    printf("updates/s %.0f  updates/message %.1f  carried %" PRIu64 " of %" PRId64
           "  rewinds %" PRIu64 "\n",
           (double)updates / seconds,
           (double)counted->locations_sent / (double)counted->updates_sent, counted->locations_sent,
           updates, counted->rewinds);
    flood_say_goodbye(alford.flood);
    while (!flood_is_over(alford.flood))
        turn(&alford, true);
    close_end(&alford);
    waitpid(child, NULL, 0);
    printf("processor us/update: telling %.2f  hearing %.2f\n",
           processor_seconds(RUSAGE_SELF) * 1e6 / (double)updates,
           processor_seconds(RUSAGE_CHILDREN) * 1e6 / (double)updates);
    return 0;
}
