/* What a hub pays for its neighbours.
 *
 *     bench_hub [--clients CLIENTS] [--neighbours NEIGHBOURS]
 *                                             without neighbours, and with that many
 *     bench_hub back [CLIENTS [NEIGHBOURS]]   all come back at once (bench/hub_rows.h)
 *     bench_hub lone [NEIGHBOURS [UPDATES [RATE]]]
 *                                             an update that comes alone, beside bare loops
 *     bench_hub smoke                         whether a client costs next to nothing for each
 *
 * Without a word, or with `smoke`: one flood of the core, no socket; a hub, which meets all its
 * neighbours. They end at once, and the transport takes nothing for them from then on. Then all
 * clients report, 200 in a millisecond, and a last time after that. Time is virtual. Each row is a
 * process of its own.
 *
 * RSS is what the process takes at the end, and most what it took meanwhile. Prints figures, and
 * says nothing about right or wrong; only `smoke` fails. */
#include <assert.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/flood.h"
#include "tests/bench/hub_live.h"
#include "tests/bench/hub_rows.h"

#define CLIENTS          4000000
#define NEIGHBOURS       100
#define NEIGHBOURS_MAX   1000
#define REPORTS_PER_MS   200
#define LARGE_BYTES      (1024 * 1024) /* as a node has it: larger ones go back to the system */
#define SMOKE_CLIENTS    300000
#define SMOKE_NEIGHBOURS 20
#define BACK_CLIENTS     300000
#define BACK_NEIGHBOURS  40
#define BACK_CALM_S      5
#define LONE_UPDATES     200
#define LONE_RATE        50
#define WALL_NS          INT64_C(1800000000000000000)
#define KIB_PER_MIB      1024.0

struct row {
    uint32_t clients, neighbours;
    long rss_kib, most_kib; /* what came out */
};

static struct {
    struct flood *flood;
    uint32_t neighbours;
    int64_t now_ms;
} hub;

static char bytes[WIRE_MESSAGE_BYTES_MAX];
static char names[NEIGHBOURS_MAX][12];

static struct flood *new_node(const char *name, const struct span *peers, size_t count,
                              uint64_t incarnation)
{
    return flood_new(&(struct flood_options){.herd = span_of("bench"),
                                             .node = span_of(name),
                                             .peers = peers,
                                             .peer_count = count,
                                             .incarnation = incarnation,
                                             .clients_max = FLOOD_CLIENTS_DEFAULT,
                                             .hash_key = {1}});
}

/* All that one has to say to the other now. */
static bool tell(struct flood *from, size_t peer, struct flood *to, size_t us)
{
    size_t count;
    bool any = false;
    while ((count = flood_next(from, peer, hub.now_ms, bytes)) > 0) {
        flood_receive(to, us, (struct span){bytes, count}, hub.now_ms);
        any = true;
    }
    return any;
}

static void meet_all(void)
{
    struct span self = span_of("hub");
    for (uint32_t i = 0; i < hub.neighbours; i++) {
        struct flood *leaf = new_node(names[i], &self, 1, 1000 + i);
        bool any = true;
        while (any) {
            any = tell(leaf, 0, hub.flood, i);
            any |= tell(hub.flood, i, leaf, 0);
        }
        assert(flood_link(hub.flood, i).up);
        flood_destroy(&leaf);
    }
}

/* As the bus does at the end of a turn. */
static void take_turn(void)
{
    for (uint32_t i = 0; i < hub.neighbours; i++)
        while (flood_next(hub.flood, i, hub.now_ms, bytes) > 0)
            flood_refused(hub.flood, i, hub.now_ms);
}

static void report_all(uint32_t clients, int64_t wall_ns)
{
    for (uint32_t client = 0; client < clients; client++) {
        char id[24], stamp[40];
        snprintf(id, sizeof id, "client%" PRIu32, client);
        snprintf(stamp, sizeof stamp, "%" PRId64 ".%09" PRIu32, wall_ns / 1000000000, client);
        struct location location = {.client = span_of(id),
                                    .position = span_of("+34.068930-118.445127"),
                                    .stamp = span_of(stamp),
                                    .difference_ns = 263873386,
                                    .order_ns = wall_ns + client};
        enum flood_outcome outcome = flood_local(hub.flood, &location);
        assert(outcome == FLOOD_STORED);
        (void)outcome;
        if (client % REPORTS_PER_MS == 0) {
            hub.now_ms++;
            take_turn();
        }
    }
}

static long read_kib(const char *key)
{
    char line[128];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "r");
    assert(file != NULL);
    while (kib < 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtol(line + strlen(key), NULL, 10);
    fclose(file);
    return kib;
}

static void do_row(struct row *row)
{
    static struct span peers[NEIGHBOURS_MAX];
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, 2 * LARGE_BYTES);
    for (uint32_t i = 0; i < row->neighbours; i++) {
        snprintf(names[i], sizeof names[i], "n%" PRIu32, i);
        peers[i] = span_of(names[i]);
    }
    hub.neighbours = row->neighbours;
    hub.now_ms = 5000000;
    hub.flood = new_node("hub", peers, row->neighbours, 1);
    meet_all();
    take_turn();
    report_all(row->clients, WALL_NS);
    hub.now_ms += 20000;
    take_turn();
    report_all(row->clients, WALL_NS + 1000000000);
    row->rss_kib = read_kib("VmRSS:");
    row->most_kib = read_kib("VmHWM:");
}

/* In a process of its own. */
static void fork_row(struct row *row)
{
    int ends[2];
    int made = pipe(ends);
    assert(made == 0);
    pid_t child = fork();
    assert(child >= 0);
    if (child == 0) {
        do_row(row);
        ssize_t written = write(ends[1], row, sizeof *row);
        _exit(written == (ssize_t)sizeof *row ? 0 : 1);
    }
    int status;
    close(ends[1]);
    ssize_t got = read(ends[0], row, sizeof *row);
    close(ends[0]);
    waitpid(child, &status, 0);
    if (got != (ssize_t)sizeof *row || status != 0) {
        fprintf(stderr, "a row has failed\n");
        exit(1);
    }
    (void)made;
    printf("%9" PRIu32 " %10" PRIu32 " %10.1f %10.1f\n", row->clients, row->neighbours,
           (double)row->rss_kib / KIB_PER_MIB, (double)row->most_kib / KIB_PER_MIB);
    fflush(stdout);
}

/* A queue of all of them would take 2,100 KiB for each neighbour; a link takes 90. */
static int smoke(void)
{
    struct row alone = {.clients = SMOKE_CLIENTS};
    struct row many = {.clients = SMOKE_CLIENTS, .neighbours = SMOKE_NEIGHBOURS};
    fork_row(&alone);
    fork_row(&many);
    return many.rss_kib - alone.rss_kib < SMOKE_NEIGHBOURS * 700 ? 0 : 1;
}

static uint32_t number(int count, char **arguments, int at, uint32_t otherwise)
{
    return at < count ? (uint32_t)strtoul(arguments[at], NULL, 10) : otherwise;
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "smoke") == 0)
        return smoke();
    if (count == 5 && strcmp(arguments[1], "--live-neighbour") == 0)
        return hub_live_be_neighbour(arguments + 2);
    if (count >= 2 && strcmp(arguments[1], "back") == 0)
        return hub_rows_back(number(count, arguments, 2, BACK_CLIENTS),
                             number(count, arguments, 3, BACK_NEIGHBOURS), BACK_CALM_S);
    if (count >= 2 && strcmp(arguments[1], "lone") == 0)
        return hub_rows_lone(number(count, arguments, 2, BACK_NEIGHBOURS),
                             number(count, arguments, 3, LONE_UPDATES),
                             number(count, arguments, 4, LONE_RATE));
    struct row row = {.clients = CLIENTS, .neighbours = NEIGHBOURS};
    for (int i = 1; i + 1 < count; i += 2) {
        uint32_t value = (uint32_t)strtoul(arguments[i + 1], NULL, 10);
        if (strcmp(arguments[i], "--clients") == 0)
            row.clients = value;
        else if (strcmp(arguments[i], "--neighbours") == 0 && value <= NEIGHBOURS_MAX)
            row.neighbours = value;
        else
            return 2;
    }
    printf("%9s %10s %10s %10s\n", "clients", "away", "RSS MiB", "most MiB");
    struct row alone = {.clients = row.clients};
    fork_row(&alone);
    fork_row(&row);
    return 0;
}
