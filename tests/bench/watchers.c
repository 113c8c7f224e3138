/* What WATCH costs an IAMAT that changes nothing for those who watch, and one that they are told
 * of: the processor's time of the command and of what finds who is to be told, without the lines.
 *
 *     bench_watchers [CLIENTS]       1,000,000 by default
 *
 * The clients are a fleet (tests/bench/fleet.h). Commands go through a session as a connection's
 * with 16 in flight do, without a socket, and after each read the node takes in what changed. Rows
 * alternate with the same commands without a watch. "smoke" instead of a number, a small run, fails
 * where somebody is told who should not be. */
#include <stdlib.h>
#include <string.h>

#include "gateway/text/command.h"
#include "gateway/text/session.h"
#include "gateway/text/watchers.h"
#include "tests/bench/fleet.h"
#include "tests/bench/moment.h"

#define WALL_NS      INT64_C(1782864000000000000)
#define DEPTH        16u
#define LINE_BYTES   128u
#define ROUNDS       5u
#define SINGLE       4000u
#define CIRCLES      5000u
#define MOVING       1000u
#define FENCED       1000u
#define FENCES_EACH  10u
#define CONNECTIONS  40u
#define FENCE_MM_MIN 400000 /* a client of it makes some steps of 30 m */
#define FENCE_MM_MAX 500000

struct node {
    struct session_node node;
    struct session session;
    struct buffer shared, lines;
    struct watchers *watchers;
    struct watchers_connection connections[CONNECTIONS];
    uint64_t told;
};

static void open_node(struct node *node)
{
    static const uint8_t key[16] = {9};
    struct flood_options options = {.herd = span_of("bench"),
                                    .node = span_of("Ada"),
                                    .incarnation = 1,
                                    .clients_max = FLOOD_CLIENTS_DEFAULT,
                                    .nearby = true};
    *node = (struct node){.session = {.number = 1}};
    node->node = (struct session_node){.flood = flood_new(&options),
                                       .options = COMMAND_OPTION(COMMAND_NEARBY),
                                       .realtime_ns = WALL_NS,
                                       .accept_ns = WALL_NS,
                                       .id_bytes_max = LINES_BYTES_MAX};
    node->watchers = watchers_new(flood_table(node->node.flood), key, UINT64_MAX);
}

static void close_node(struct node *node)
{
    for (uint32_t i = 0; i < CONNECTIONS; i++)
        watchers_end(node->watchers, &node->connections[i], 0);
    watchers_destroy(&node->watchers);
    session_free(&node->session);
    buffer_free(&node->shared);
    buffer_free(&node->lines);
    flood_destroy(&node->node.flood);
}

static void write_lines(struct node *node)
{
    struct watchers_connection *connection;
    while ((connection = watchers_next_due(node->watchers)) != NULL) {
        int64_t steps = INT64_MAX;
        node->lines.len = 0;
        watchers_write(node->watchers, connection, &steps, SIZE_MAX, &node->lines);
        node->told += node->lines.len > 0;
    }
}

/* One read of some commands, and what they change for who watches. */
static int64_t serve(struct node *node, char *bytes, size_t count)
{
    static const struct turns_budget budget = {TURNS_BACK_COMMANDS_MAX, TURNS_BACK_IN_BYTES_MAX,
                                               TURNS_BACK_OUT_BYTES_MAX};
    int64_t start_ns = moment_of(CLOCK_THREAD_CPUTIME_ID);
    session_attach_output(&node->session, &node->shared);
    session_read(&node->session, bytes, count);
    while (session_has_work(&node->session)) {
        session_work(&node->session, &node->node, &budget, NULL);
        session_wrote(&node->session, session_output(&node->session).len);
    }
    session_detach_output(&node->session, &node->shared);
    watchers_update(node->watchers);
    int64_t busy_ns = moment_of(CLOCK_THREAD_CPUTIME_ID) - start_ns;
    write_lines(node);
    return busy_ns;
}

/* So many of them in turn, in an order that the cache does not know. Nanoseconds for one. */
static double report(struct node *node, const char *name, struct fleet *fleet, uint32_t stamp)
{
    char bytes[DEPTH * LINE_BYTES];
    size_t count = 0;
    int64_t busy_ns = 0;
    for (uint32_t i = 0; i < fleet->count; i++) {
        uint32_t client = (uint32_t)((uint64_t)i * 2654435761u % fleet->count);
        char place[32];
        fleet_write(place, fleet->places[client]);
        count += (size_t)sprintf(bytes + count, "IAMAT %s-%u %s %lld.5\n", name, client, place,
                                 (long long)(WALL_NS / NANO) - 10000 + stamp);
        fleet->places[client] = fleet_near(fleet->places[client], FLEET_MOVE_KM);
        if (i % DEPTH < DEPTH - 1 && i + 1 < fleet->count)
            continue;
        busy_ns += serve(node, bytes, count);
        count = 0;
    }
    return (double)busy_ns / fleet->count;
}

static void add(struct node *node, uint32_t number, const struct watchers_wanted *wanted)
{
    struct watchers_connection *connection = &node->connections[number % CONNECTIONS];
    int64_t steps = INT64_MAX;
    if (watchers_add(node->watchers, connection, wanted) != WATCHERS_ADDED ||
        !watchers_reply(node->watchers, connection, &steps, &node->lines)) {
        fputs("a watch is refused\n", stderr);
        exit(1);
    }
    node->lines.len = 0;
}

static int64_t circle_mm(double from_mm, double to_mm)
{
    return (int64_t)(from_mm * pow(to_mm / from_mm, fleet_roll()));
}

/* Clients and circles a hundred kilometres from any city, of which nothing is heard any more. */
static void watch_elsewhere(struct node *node)
{
    struct fleet quiet = fleet_make(SINGLE);
    char id[32];
    for (uint32_t i = 0; i < SINGLE; i++) {
        quiet.places[i] = fleet_near(fleet_city(i % FLEET_CITIES), FLEET_CITY_KM);
        quiet.places[i].latitude_nano += NANO;
    }
    struct fleet same = {SINGLE, bytes_resize(NULL, SINGLE * sizeof *same.places)};
    memcpy(same.places, quiet.places, SINGLE * sizeof *same.places);
    report(node, "quiet", &same, 0);
    for (uint32_t i = 0; i < SINGLE + CIRCLES + MOVING; i++) {
        sprintf(id, "quiet-%u", i % SINGLE);
        struct watchers_wanted wanted = {.kind = i < SINGLE             ? WATCHERS_CLIENT
                                                 : i < SINGLE + CIRCLES ? WATCHERS_POINT
                                                                        : WATCHERS_CIRCLE,
                                         .client = span_of(id),
                                         .place = quiet.places[i % SINGLE],
                                         .radius_mm = circle_mm(2e3, 1e7)};
        add(node, i, &wanted);
    }
    free(quiet.places);
    free(same.places);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The same commands with watches and without, in turn. */
static void compare_nodes(const char *what, const char *name, struct node *with,
                          struct node *without, struct fleet *fleet, uint32_t repeats)
{
    struct fleet same = {fleet->count, bytes_resize(NULL, fleet->count * sizeof *same.places)};
    memcpy(same.places, fleet->places, fleet->count * sizeof *same.places);
    double ratios[ROUNDS], with_ns = 0, without_ns = 0;
    uint32_t stamp = 10;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        with_ns = without_ns = 0;
        for (uint32_t i = 0; i < repeats; i++, stamp++) {
            with_ns += report(with, name, fleet, stamp) / repeats;
            without_ns += report(without, name, &same, stamp) / repeats;
        }
        ratios[round] = with_ns / without_ns;
    }
    qsort(ratios, ROUNDS, sizeof *ratios, compare);
    printf("%-46s %5.0f ns, without %5.0f ns: %.3f\n", what, with_ns, without_ns,
           ratios[ROUNDS / 2]);
    free(same.places);
}

static bool measure_elsewhere(uint32_t clients)
{
    struct node *with = bytes_zeroed(sizeof *with), *without = bytes_zeroed(sizeof *without);
    struct fleet fleet = fleet_make(clients);
    struct fleet same = {clients, bytes_resize(NULL, clients * sizeof *same.places)};
    memcpy(same.places, fleet.places, clients * sizeof *same.places);
    open_node(with);
    open_node(without);
    report(with, "client", &fleet, 1);
    report(without, "client", &same, 1);
    watch_elsewhere(with);
    with->told = 0;
    compare_nodes("IAMAT, 10,000 watches elsewhere", "client", with, without, &fleet, 1);
    uint64_t told = with->told;
    printf("memory: %.1f MB\n", (double)watchers_count(with->watchers).bytes / 1e6);
    close_node(with);
    close_node(without);
    free(with);
    free(without);
    free(fleet.places);
    free(same.places);
    return told == 0;
}

/* Each of some clients in ten circles around where it is, which it does not leave. */
static bool measure_fences(uint32_t clients)
{
    struct node *with = bytes_zeroed(sizeof *with), *without = bytes_zeroed(sizeof *without);
    struct fleet fleet = fleet_make(clients), few = fleet_make(FENCED), same = few;
    struct fleet others = {clients, bytes_resize(NULL, clients * sizeof *others.places)};
    memcpy(others.places, fleet.places, clients * sizeof *others.places);
    same.places = bytes_resize(NULL, FENCED * sizeof *same.places);
    for (uint32_t i = 0; i < FENCED; i++)
        few.places[i] = fleet_near(fleet_city(i % FLEET_CITIES), FLEET_CITY_KM);
    memcpy(same.places, few.places, FENCED * sizeof *same.places);
    open_node(with);
    open_node(without);
    report(with, "client", &fleet, 1);
    report(without, "client", &others, 1);
    for (uint32_t i = 0; i < FENCED * FENCES_EACH; i++) {
        struct watchers_wanted wanted = {.kind = WATCHERS_POINT,
                                         .place = few.places[i % FENCED],
                                         .radius_mm = circle_mm(FENCE_MM_MIN, FENCE_MM_MAX)};
        add(with, i, &wanted);
    }
    report(with, "few", &few, 2);
    report(without, "few", &same, 2);
    with->told = 0;
    compare_nodes("IAMAT, 10,000 circles, of which 10 hold it", "few", with, without, &few, 10);
    bool is_told = with->told > 0;
    close_node(with);
    close_node(without);
    free(with);
    free(without);
    free(fleet.places);
    free(few.places);
    free(same.places);
    free(others.places);
    return is_told;
}

int main(int count, char **words)
{
    bool is_smoke = count > 1 && strcmp(words[1], "smoke") == 0;
    uint32_t clients = is_smoke ? 20000 : count > 1 ? (uint32_t)atol(words[1]) : 1000000;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    bool is_right = measure_elsewhere(clients);
    is_right &= measure_fences(clients);
    return is_right ? 0 : 1;
}
