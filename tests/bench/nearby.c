/* What NEARBY costs a node: the processor's time of a query, of an IAMAT beside it, and memory.
 *
 *     bench_nearby [CLIENTS]         1,000,000 by default
 *
 * The clients are the fleets of tests/bench/sample.h, whose IAMATs move them by at most 30 m.
 * Commands go through a session as a connection's with 16 in flight do, replies included, without a
 * socket. Times are of this thread's processor. Prints figures; "smoke" instead of a number is a
 * small run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/text/command.h"
#include "gateway/text/session.h"
#include "tests/bench/moment.h"
#include "tests/bench/sample.h"

#define WALL_NS    INT64_C(1782864000000000000)
#define DEPTH      16u
#define LINE_BYTES 128u
#define QUERIES    20000u
#define ROUNDS     3u

struct node {
    struct session_node node;
    struct session session;
    struct buffer shared;
    uint64_t replies_bytes;
};

static struct node make_node(bool nearby)
{
    struct flood_options options = {.herd = span_of("bench"),
                                    .node = span_of("Ada"),
                                    .incarnation = 1,
                                    .clients_max = FLOOD_CLIENTS_DEFAULT,
                                    .nearby = nearby};
    struct node node = {.session = {.number = 1}};
    node.node = (struct session_node){.flood = flood_new(&options),
                                      .options = COMMAND_OPTION(COMMAND_NEARBY),
                                      .realtime_ns = WALL_NS,
                                      .accept_ns = WALL_NS,
                                      .id_bytes_max = LINES_BYTES_MAX};
    return node;
}

static void free_node(struct node *node)
{
    session_free(&node->session);
    buffer_free(&node->shared);
    flood_destroy(&node->node.flood);
}

/* One read of some commands, and a write after each turn that it takes. */
static int64_t serve(struct node *node, char *bytes, size_t count)
{
    static const struct turns_budget budget = {TURNS_BACK_COMMANDS_MAX, TURNS_BACK_IN_BYTES_MAX,
                                               TURNS_BACK_OUT_BYTES_MAX};
    int64_t start_ns = moment_of(CLOCK_THREAD_CPUTIME_ID);
    session_attach_output(&node->session, &node->shared);
    session_read(&node->session, bytes, count);
    while (session_has_work(&node->session)) {
        session_work(&node->session, &node->node, &budget, NULL);
        node->replies_bytes += session_output(&node->session).len;
        session_wrote(&node->session, session_output(&node->session).len);
    }
    session_detach_output(&node->session, &node->shared);
    return moment_of(CLOCK_THREAD_CPUTIME_ID) - start_ns;
}

/* Each client once, in an order that the cache does not know. Nanoseconds for one. */
static double report_all(struct node *node, uint32_t clients, int64_t round)
{
    char bytes[DEPTH * LINE_BYTES];
    size_t count = 0;
    int64_t busy_ns = 0;
    for (uint32_t i = 0; i < clients; i++) {
        uint32_t client = (uint32_t)((uint64_t)i * 2654435761u % clients);
        memcpy(bytes + count, "IAMAT ", 6);
        sample_write(client, (uint64_t)(WALL_NS - (100 - round) * NANO), bytes + count + 6);
        count += 6 + SAMPLE_BYTES;
        bytes[count++] = '\n';
        if (i % DEPTH < DEPTH - 1 && i + 1 < clients)
            continue;
        busy_ns += serve(node, bytes, count);
        count = 0;
    }
    return (double)busy_ns / clients;
}

/* Of places of the fleet's questions: nanoseconds for one, and bytes of its reply. */
static void show(struct node *node, const char *what, const char *reach, uint32_t queries)
{
    char bytes[DEPTH * LINE_BYTES];
    int64_t busy_ns = 0;
    node->replies_bytes = 0;
    for (uint32_t i = 0; i < queries; i += DEPTH) {
        size_t count = 0;
        for (uint32_t k = 0; k < DEPTH; k++) {
            char place[SAMPLE_POSITION_BYTES];
            sample_write_place(i + k, place);
            count += (size_t)sprintf(bytes + count, "NEARBY AT %.*s %s\n", SAMPLE_POSITION_BYTES,
                                     place, reach);
        }
        busy_ns += serve(node, bytes, count);
    }
    printf("%-62s %8.2f us, %6.0f bytes\n", what, (double)busy_ns / queries / 1e3,
           (double)node->replies_bytes / queries);
}

static void measure_queries(uint32_t clients)
{
    static const struct {
        enum sample_fleet fleet;
        const char *what, *reach;
        uint32_t queries;
    } rows[] = {
        {SAMPLE_DENSE, "NEARBY 10 within 5 km, cities", "5 10", QUERIES},
        {SAMPLE_DENSE, "NEARBY 1000 within 5 km, cities", "5 1000", QUERIES / 100},
        {SAMPLE_THIN, "NEARBY 10 within 5 km, where 5 km hold 20", "5 10", QUERIES},
        {SAMPLE_LAND, "NEARBY 10 within 20038 km, the nearest 2,000 km away", "20038 10", QUERIES},
        {SAMPLE_POINT, "NEARBY 10, all clients at that place", "20038 10", DEPTH},
    };
    struct node node = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (i == 0 || rows[i].fleet != rows[i - 1].fleet) {
            free_node(&node);
            sample_choose(rows[i].fleet);
            node = make_node(true);
            report_all(&node, clients, 0);
        }
        show(&node, rows[i].what, rows[i].reach, rows[i].queries);
    }
    free_node(&node);
}

/* The same IAMATs with a grid and without, in turn. */
static void measure_reports(uint32_t clients)
{
    struct node with = make_node(true), without = make_node(false);
    sample_choose(SAMPLE_DENSE);
    report_all(&with, clients, 0);
    report_all(&without, clients, 0);
    double with_bytes = (double)flood_load(with.node.flood).bytes;
    printf("memory for it: %.2f bytes a client\n",
           (with_bytes - (double)flood_load(without.node.flood).bytes) / clients);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        double with_ns = report_all(&with, clients, round);
        double without_ns = report_all(&without, clients, round);
        printf("IAMAT: %.0f ns with it, %.0f ns without: %.3f of the rate\n", with_ns, without_ns,
               without_ns / with_ns);
    }
    free_node(&with);
    free_node(&without);
}

int main(int count, char **words)
{
    bool is_smoke = count > 1 && strcmp(words[1], "smoke") == 0;
    uint32_t clients = is_smoke ? 20000 : count > 1 ? (uint32_t)atol(words[1]) : 1000000;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    measure_reports(clients);
    measure_queries(clients);
    return 0;
}
