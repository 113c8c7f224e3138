/* What it costs that a node was restarted: with a table from its journal, or without one.
 *
 *     bench_resync                            all rows
 *     bench_resync CLIENTS CHANGED [LATENCY_MS]
 *                                             one row; `empty` for CHANGED: without a table
 *     bench_resync smoke                      whether tables become equal, and at what part of the
 *                                             bytes
 *
 * Two floods of the core, no socket: what one says arrives at the other after LATENCY_MS, in order
 * and whole. Both are of a new incarnation. The neighbour knows all clients; the node that was
 * restarted has an older location of those that changed, or nothing at all. Time is virtual, so
 * nothing here depends on the machine but the processor time.
 *
 * Bytes are those of messages, both ways, until both ends have seen all ranges equal. Ready is when
 * the restarted node would say so. Prints figures, and says nothing about right or wrong; only
 * `smoke` fails. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/flood.h"
#include "tests/bench/moment.h"

#define CLIENTS         1000000
#define CHANGED         10000
#define LATENCY_MS      1
#define READY_WITHIN_MS 5000
#define GIVE_UP_MS      120000
#define WALL_NS         INT64_C(1800000000000000000)
#define TYPES           (WIRE_STATE + 1)

struct row {
    uint32_t clients, changed;
    bool is_empty;    /* the node that was restarted has no table */
    bool stale_leads; /* it has the lesser incarnation, and shows its digests first */
    int64_t latency_ms;
};

struct letter {
    struct letter *next;
    int64_t arrives_ms;
    size_t bytes;
    char at[];
};

static struct {
    struct flood *end[2]; /* the neighbour, and who was restarted */
    struct letter *first[2], **last[2];
    int64_t now_ms, start_ms, equal_ms, ready_ms, took_ns;
    uint64_t bytes[TYPES];
} run;

static const char *const names[2] = {"Ada", "Bob"};
static char bytes[WIRE_MESSAGE_BYTES_MAX];

static void put(int end, uint32_t client, int64_t order_ns)
{
    char id[24], stamp[40];
    snprintf(id, sizeof id, "client%" PRIu32, client);
    snprintf(stamp, sizeof stamp, "%" PRId64 ".%09" PRId64, order_ns / MOMENT_NS_PER_S,
             order_ns % MOMENT_NS_PER_S);
    struct location location = {.client = span_of(id),
                                .position = span_of("+34.068930-118.445127"),
                                .stamp = span_of(stamp),
                                .origin = span_of(names[0]),
                                .difference_ns = 263873386,
                                .order_ns = order_ns};
    struct table *table = flood_table(run.end[end]);
    uint32_t slot;
    enum table_outcome outcome =
        table_put(table, &location, table_ref(table, location.client), &slot);
    assert(outcome == TABLE_NEW || outcome == TABLE_NEWER);
    (void)outcome;
}

/* Those that changed are spread over all clients. */
static bool has_changed(const struct row *row, uint32_t client)
{
    uint64_t before = (uint64_t)client * row->changed / row->clients;
    return ((uint64_t)client + 1) * row->changed / row->clients > before;
}

static void open_run(const struct row *row)
{
    memset(&run, 0, sizeof run);
    run.now_ms = run.start_ms = 5000000;
    run.equal_ms = run.ready_ms = -1;
    for (int end = 0; end < 2; end++) {
        struct span peer = span_of(names[1 - end]);
        bool leads = row->stale_leads == (end == 1);
        run.last[end] = &run.first[end];
        run.end[end] = flood_new(&(struct flood_options){.herd = span_of("bench"),
                                                         .node = span_of(names[end]),
                                                         .peers = &peer,
                                                         .peer_count = 1,
                                                         .incarnation = leads ? 1001 : 1002,
                                                         .clients_max = FLOOD_CLIENTS_DEFAULT,
                                                         .hash_key = {(uint8_t)end}});
    }
    for (uint32_t client = 0; client < row->clients; client++) {
        bool changed = has_changed(row, client);
        put(0, client, WALL_NS - (changed ? 1000000 : 2000000) + client);
        if (!row->is_empty)
            put(1, client, WALL_NS - 2000000 + client);
    }
}

/* The array's first element; its head has one byte or three. */
static enum wire_type type_of(const char *at)
{
    enum wire_type type = (enum wire_type)at[(uint8_t)at[3] == 0xdc ? 6 : 4];
    assert(type < TYPES);
    return type;
}

static void post(int end, size_t count, int64_t latency_ms)
{
    struct letter *letter = malloc(sizeof *letter + count);
    assert(letter != NULL);
    *letter = (struct letter){.arrives_ms = run.now_ms + latency_ms, .bytes = count};
    memcpy(letter->at, bytes, count);
    *run.last[end] = letter;
    run.last[end] = &letter->next;
    run.bytes[type_of(bytes)] += count;
}

static void hear_all(int end)
{
    int from = 1 - end;
    while (run.first[from] != NULL && run.first[from]->arrives_ms <= run.now_ms) {
        struct letter *letter = run.first[from];
        run.first[from] = letter->next;
        if (run.first[from] == NULL)
            run.last[from] = &run.first[from];
        flood_receive(run.end[end], 0, (struct span){letter->at, letter->bytes}, run.now_ms);
        free(letter);
    }
}

static void send_all(int end, int64_t latency_ms)
{
    size_t count;
    if (flood_is_due(run.end[end], run.now_ms))
        while ((count = flood_next(run.end[end], 0, run.now_ms, bytes)) > 0)
            post(end, count, latency_ms);
}

static bool is_over(void)
{
    return flood_link(run.end[0], 0).settled == TABLE_RANGES &&
           flood_link(run.end[1], 0).settled == TABLE_RANGES &&
           flood_digest(run.end[0]) == flood_digest(run.end[1]);
}

static bool do_row(const struct row *row)
{
    open_run(row);
    int64_t begin_ns = moment_of(CLOCK_THREAD_CPUTIME_ID);
    for (; run.now_ms < run.start_ms + GIVE_UP_MS && !is_over(); run.now_ms++) {
        for (int end = 0; end < 2; end++) {
            if ((run.now_ms - run.start_ms) % 1000 == 0)
                flood_set_clock(run.end[end], run.now_ms,
                                WALL_NS + (run.now_ms - run.start_ms) * 1000000);
            hear_all(end);
        }
        for (int end = 0; end < 2; end++)
            send_all(end, row->latency_ms);
        bool is_equal = flood_digest(run.end[0]) == flood_digest(run.end[1]);
        if (is_equal && run.equal_ms < 0)
            run.equal_ms = run.now_ms - run.start_ms;
        if (run.ready_ms < 0 &&
            flood_ready_ms(run.end[1], run.start_ms, READY_WITHIN_MS) <= run.now_ms)
            run.ready_ms = run.now_ms - run.start_ms;
    }
    run.took_ns = moment_of(CLOCK_THREAD_CPUTIME_ID) - begin_ns;
    bool over = is_over();
    for (int end = 0; end < 2; end++) {
        for (struct letter *letter = run.first[end]; letter != NULL;) {
            struct letter *next = letter->next;
            free(letter);
            letter = next;
        }
        flood_destroy(&run.end[end]);
    }
    return over;
}

static uint64_t sum(void)
{
    uint64_t all = 0;
    for (int type = 0; type < TYPES; type++)
        all += run.bytes[type];
    return all;
}

static void print_row(const struct row *row, uint64_t full)
{
    char changed[16];
    snprintf(changed, sizeof changed, "%" PRIu32, row->changed);
    printf("%8" PRIu32 " %8s %6s %11" PRIu64 " %6.4f %10" PRIu64 " %10" PRIu64 " %10" PRIu64
           " %10" PRIu64 " %8.1f %8.1f %8.2f\n",
           row->clients, row->is_empty ? "empty" : changed, row->stale_leads ? "itself" : "other",
           sum(), (double)sum() / (double)full, run.bytes[WIRE_UPDATE], run.bytes[WIRE_CHECK],
           run.bytes[WIRE_LIST], run.bytes[WIRE_WANT], (double)run.equal_ms / 1e3,
           (double)run.ready_ms / 1e3, (double)run.took_ns / 1e9);
    fflush(stdout);
}

static int smoke(void)
{
    struct row row = {.clients = 30000, .is_empty = true, .latency_ms = LATENCY_MS};
    bool good = do_row(&row);
    uint64_t full = sum();
    row.is_empty = false;
    row.changed = 300;
    for (int leads = 0; leads < 2; leads++) {
        row.stale_leads = leads == 1;
        good &= do_row(&row);
        print_row(&row, full);
        good &= (double)sum() < 0.4 * (double)full; /* digests cost more of a small table */
    }
    return good ? 0 : 1;
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "smoke") == 0)
        return smoke();
    struct row all[] = {
        {.is_empty = true},       {.changed = 0},       {.changed = 100},
        {.changed = CHANGED},     {.changed = CHANGED}, {.changed = 10 * CHANGED},
        {.changed = CLIENTS / 2},
    };
    size_t rows = sizeof all / sizeof *all;
    all[4].stale_leads = true;
    if (count >= 3) {
        all[1].changed = (uint32_t)strtoul(arguments[2], NULL, 10);
        rows = 2;
    }
    printf("%8s %8s %6s %11s %6s %10s %10s %10s %10s %8s %8s %8s\n", "clients", "changed", "leads",
           "bytes", "part", "UPDATE", "CHECK", "LIST", "WANT", "equal s", "ready s", "CPU s");
    uint64_t full = 0;
    for (size_t i = 0; i < rows; i++) {
        all[i].clients = count >= 3 ? (uint32_t)strtoul(arguments[1], NULL, 10) : CLIENTS;
        all[i].latency_ms = count >= 4 ? strtol(arguments[3], NULL, 10) : LATENCY_MS;
        if (!do_row(&all[i]))
            printf("not equal and settled after %d s:\n", GIVE_UP_MS / 1000);
        full = i == 0 ? sum() : full;
        print_row(&all[i], full);
    }
    return 0;
}
