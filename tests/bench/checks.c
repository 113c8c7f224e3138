/* How soon range checks find a difference that no message explains, and what they cost.
 *
 *     bench_checks         all rows
 *     bench_checks UPDATES_PER_S|full LATENCY_MS DIFFERENCES [GAP_MS [CLIENTS [BUSY]]]
 *                          one row
 *     bench_checks smoke   whether all is found and healed
 *
 * Two floods of the core, no socket: what one says arrives at the other after LATENCY_MS, in order
 * and whole. Time is virtual and goes by STEP_US, so nothing here depends on the machine but the
 * processor time. Half of the updates are taken at each end, of any client but the quiet ones;
 * `full` is as many as keep SLOTS_MAX slots due or in flight at each end. At random moments a quiet
 * client gets another location at one end alone. It is found when a LIST of its range leaves either
 * end, or one that left shortly before heals it, and healed when both ends know it. With BUSY
 * clients these alone are updated, each one shares its range with a quiet one, and those are the
 * quiet ones that come to differ.
 *
 * Prints figures, and says nothing about right or wrong; only `smoke` fails. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/flood.h"
#include "bus/link/range_check.h"
#include "tests/bench/moment.h"

#define STEP_US 200
/* A little less than RANGE_CHECK_SLOTS_MAX: repairs wait in the ring, too. */
#define SLOTS_MAX 4000
/* A HEARTBEAT within this time of an injection is lost: see store_silently. */
#define MUTE_US         INT64_C(250000)
#define WALL_NS         INT64_C(1800000000000000000)
#define RATE_FULL       (-1)
#define QUIET_PART      10 /* of the clients, one of this many is never updated */
#define OUTSTANDING_MAX 64
#define GIVE_UP_US      INT64_C(60000000)
#define WARM_UP_MS      6000 /* under load */
#define CLIENTS         100000
#define BATCH           256
#define TYPES           (WIRE_STATE + 1)
/* A flood_next that gives nothing and takes longer has looked for slots of a range. */
#define PASS_NS 20000

struct row {
    int rate; /* updates a second at both ends together, or RATE_FULL */
    double latency_ms;
    int differences, gap_ms; /* from one to the next, on the average; 0: one at a time */
    uint32_t clients, busy;  /* all but the quiet ones where that is 0 */
};

/* Two clients of one range. */
struct pair {
    uint32_t quiet, busy;
};

struct letter {
    int64_t arrives_us;
    size_t bytes;
    char *at;
};

struct way {
    struct letter *letters; /* circular */
    size_t first, count, room;
};

struct difference {
    uint32_t client, range;
    int64_t order_ns, at_us, found_us; /* -1: not yet */
};

/* All that a row counts, from when the load runs. */
struct sums {
    uint64_t bytes[TYPES], updates;
    int64_t all_ns, checks_ns;
    uint64_t rounds[WIRE_LEVEL_MAX + 1]; /* CHECKs that are the turn of a round, by level */
    uint64_t other_lists;                /* LISTs and WANTs of a range that never differed */
    int64_t *found_us, *healed_us;
    int injected, found, healed;
};

static struct {
    struct row row;
    struct flood *end[2];
    struct way way[2]; /* from the end of that number */
    int64_t now_us, order_ns, inject_us;
    double owed;              /* updates at each end */
    int64_t mute_until_us[2]; /* HEARTBEATs of that end are lost */
    uint64_t random;
    struct pair *pairs; /* as many as `row` has busy clients */
    struct difference open[OUTSTANDING_MAX];
    int open_count;
    bool differed[TABLE_RANGES]; /* once */
    struct sums sums;
} run;

static const char *const names[2] = {"Ada", "Bob"};
static struct wire_message message;
static char bytes[WIRE_MESSAGE_BYTES_MAX];

static uint32_t draw(uint32_t below)
{
    run.random = run.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(((run.random >> 32) * below) >> 32);
}

static int64_t now_ms(void)
{
    return run.now_us / 1000;
}

static int64_t processor_ns(void)
{
    return moment_of(CLOCK_THREAD_CPUTIME_ID);
}

/* ---- Locations --------------------------------------------------------------------------- */

struct texts {
    char client[24], stamp[40];
};

static uint32_t range_of(uint32_t client)
{
    char id[24];
    snprintf(id, sizeof id, "client%" PRIu32, client);
    return (uint32_t)(table_client_hash(span_of(id)) >> 48);
}

/* Of the present moment, and newer than all before it. */
static struct location place(struct texts *texts, uint32_t client)
{
    int64_t wall_ns = WALL_NS + run.now_us * 1000;
    run.order_ns = run.order_ns < wall_ns ? wall_ns : run.order_ns + 1;
    snprintf(texts->client, sizeof texts->client, "client%" PRIu32, client);
    snprintf(texts->stamp, sizeof texts->stamp, "%" PRId64 ".%09" PRId64,
             run.order_ns / MOMENT_NS_PER_S, run.order_ns % MOMENT_NS_PER_S);
    return (struct location){.client = span_of(texts->client),
                             .position = span_of("+34.068930-118.445127"),
                             .stamp = span_of(texts->stamp),
                             .origin = span_of(names[0]),
                             .difference_ns = 263873386,
                             .order_ns = run.order_ns};
}

/* From `first` to `below`, or one of the row's busy clients. */
static uint32_t draw_client(uint32_t first, uint32_t below)
{
    return run.row.busy == 0 ? first + draw(below - first) : run.pairs[draw(run.row.busy)].busy;
}

static void update(int end, uint32_t first, uint32_t below, uint32_t count, bool in_turn)
{
    static struct texts texts[BATCH];
    static struct location places[BATCH];
    for (uint32_t done = 0; done < count;) {
        uint32_t batch = count - done < BATCH ? count - done : BATCH;
        for (uint32_t i = 0; i < batch; i++)
            places[i] = place(&texts[i], in_turn ? first + done + i : draw_client(first, below));
        int64_t start_ns = processor_ns();
        for (uint32_t i = 0; i < batch; i++) {
            enum flood_outcome outcome = flood_local(run.end[end], &places[i]);
            assert(outcome == FLOOD_STORED);
        }
        run.sums.all_ns += processor_ns() - start_ns;
        done += batch;
    }
    run.sums.updates += count;
}

static bool knows(int end, const struct difference *difference)
{
    char client[24];
    struct location location;
    snprintf(client, sizeof client, "client%" PRIu32, difference->client);
    return flood_find(run.end[end], span_of(client), &location) &&
           location.order_ns == difference->order_ns;
}

/* ---- What is said ------------------------------------------------------------------------ */

/* Where a range of an open difference is listed, that one is found. */
static void look_at_list(void)
{
    uint32_t range = (uint32_t)(message.first >> (message.level - WIRE_LEVEL_MAX));
    for (int i = 0; i < run.open_count; i++) {
        struct difference *open = &run.open[i];
        if (open->range == range && message.type == WIRE_LIST && open->found_us < 0)
            open->found_us = run.now_us - open->at_us;
    }
    run.sums.other_lists += !run.differed[range];
}

/* A quarter of a level is a round's; anything else answers somebody. */
static void look_at_check(void)
{
    uint64_t ranges = message.bin.len / WIRE_RANGE_BYTES, all = UINT64_C(1) << message.level;
    run.sums.rounds[message.level] += all < 4 || ranges * RANGE_CHECK_TURNS == all;
}

/* The array's first element; its head has one byte or three. */
static enum wire_type type_of(const char *at)
{
    enum wire_type type = (enum wire_type)at[(uint8_t)at[3] == 0xdc ? 6 : 4];
    assert(type < TYPES);
    return type;
}

static enum wire_type look(size_t count)
{
    enum wire_type type = type_of(bytes);
    run.sums.bytes[type] += count;
    if (type < WIRE_CHECK)
        return type;
    enum wire_result result = wire_read((struct span){bytes, count}, &message);
    assert(result == WIRE_GOOD && message.type == type);
    if (type == WIRE_CHECK)
        look_at_check();
    else
        look_at_list();
    return type;
}

static void post(struct way *way, size_t count)
{
    if (way->count == way->room) {
        size_t room = way->room == 0 ? 256 : 2 * way->room;
        struct letter *letters = calloc(room, sizeof *letters);
        assert(letters != NULL);
        for (size_t i = 0; i < way->count; i++)
            letters[i] = way->letters[(way->first + i) % way->room];
        free(way->letters);
        *way = (struct way){letters, 0, way->count, room};
    }
    struct letter *letter = &way->letters[(way->first + way->count++) % way->room];
    *letter =
        (struct letter){run.now_us + (int64_t)(run.row.latency_ms * 1000), count, malloc(count)};
    assert(letter->at != NULL);
    memcpy(letter->at, bytes, count);
}

static void send_all(int end)
{
    if (!flood_is_due(run.end[end], now_ms()))
        return;
    for (size_t count = 1; count > 0;) {
        int64_t start_ns = processor_ns();
        count = flood_next(run.end[end], 0, now_ms(), bytes);
        int64_t took_ns = processor_ns() - start_ns;
        bool is_check = count == 0 ? took_ns > PASS_NS : look(count) >= WIRE_CHECK;
        run.sums.all_ns += took_ns;
        run.sums.checks_ns += is_check ? took_ns : 0;
        bool is_lost =
            count > 0 && run.now_us < run.mute_until_us[end] && type_of(bytes) == WIRE_HEARTBEAT;
        if (count > 0 && !is_lost)
            post(&run.way[end], count);
    }
}

static void hear_all(int end)
{
    struct way *way = &run.way[1 - end];
    while (way->count > 0 && way->letters[way->first].arrives_us <= run.now_us) {
        struct letter letter = way->letters[way->first];
        way->first = (way->first + 1) % way->room;
        way->count--;
        int64_t start_ns = processor_ns();
        flood_receive(run.end[end], 0, (struct span){letter.at, letter.bytes}, now_ms());
        int64_t took_ns = processor_ns() - start_ns;
        run.sums.all_ns += took_ns;
        run.sums.checks_ns += type_of(letter.at) >= WIRE_CHECK ? took_ns : 0;
        free(letter.at);
    }
}

/* ---- Differences ------------------------------------------------------------------------- */

/* A copy of an UPDATE that came before, as far as its positions say, with what never was in it. It
 * is traffic all the same, after which an end at rest soon says a HEARTBEAT, and that one would
 * find the difference in 0.2 s. So that HEARTBEAT is lost, where differences come one at a time. */
static void store_silently(int end, const struct location *location)
{
    message =
        (struct wire_message){.type = WIRE_UPDATE,
                              .from_incarnation = flood_link(run.end[end], 0).their_incarnation,
                              .to_incarnation = flood_link(run.end[1 - end], 0).their_incarnation,
                              .location_count = 1,
                              .locations[0] = *location};
    size_t count = wire_write(&message, bytes, sizeof bytes);
    assert(count > 0);
    flood_receive(run.end[end], 0, (struct span){bytes, count}, now_ms());
    run.mute_until_us[end] = run.row.gap_ms == 0 ? run.now_us + MUTE_US : 0;
}

/* No range twice: in a minute one is listed again only once it was seen equal. */
static void inject(void)
{
    struct difference difference;
    struct texts texts;
    struct location location;
    do {
        difference.client = run.row.busy == 0 ? draw(run.row.clients / QUIET_PART)
                                              : run.pairs[draw(run.row.busy)].quiet;
        location = place(&texts, difference.client);
        difference.range = range_of(difference.client);
    } while (run.differed[difference.range]);
    difference.order_ns = location.order_ns;
    difference.at_us = run.now_us;
    difference.found_us = -1;
    run.differed[difference.range] = true;
    int end = run.sums.injected++ % 2;
    store_silently(end, &location);
    assert(knows(end, &difference) && !knows(1 - end, &difference));
    run.open[run.open_count++] = difference;
}

static void close_those_healed(void)
{
    for (int i = 0; i < run.open_count; i++) {
        struct difference *open = &run.open[i];
        bool is_healed = knows(0, open) && knows(1, open);
        if (!is_healed && run.now_us - open->at_us < GIVE_UP_US)
            continue;
        if (is_healed && open->found_us < 0) /* by a LIST that was on its way */
            open->found_us = run.now_us - open->at_us;
        if (open->found_us >= 0)
            run.sums.found_us[run.sums.found++] = open->found_us;
        if (is_healed)
            run.sums.healed_us[run.sums.healed++] = run.now_us - open->at_us;
        *open = run.open[--run.open_count];
        i--;
    }
}

/* One at a time: from 5 to 15 s after the last one was healed. */
static void inject_at_times(void)
{
    if (run.open_count > 0 && run.now_us % 1000 == 0) {
        close_those_healed();
        if (run.row.gap_ms == 0)
            run.inject_us = run.now_us + 5000000 + draw(10000000);
    }
    bool is_alone = run.row.gap_ms > 0 || run.open_count == 0;
    if (!is_alone || run.now_us < run.inject_us || run.open_count == OUTSTANDING_MAX ||
        run.sums.injected == run.row.differences)
        return;
    inject();
    if (run.row.gap_ms > 0)
        run.inject_us += draw(2000 * (uint32_t)run.row.gap_ms);
}

/* ---- A row ------------------------------------------------------------------------------- */

static void load(int end)
{
    uint32_t count = (uint32_t)run.owed;
    if (run.row.rate == RATE_FULL) {
        struct flood_link link = flood_link(run.end[end], 0);
        uint64_t slots = link.head - link.acked;
        count = slots < SLOTS_MAX ? (uint32_t)(SLOTS_MAX - slots) : 0;
    }
    update(end, run.row.clients / QUIET_PART, run.row.clients, count, false);
}

static void step(bool is_loaded)
{
    for (int end = 0; end < 2; end++) {
        if (run.now_us % 1000000 == 0)
            flood_set_clock(run.end[end], now_ms(), WALL_NS + run.now_us * 1000);
        hear_all(end);
    }
    if (is_loaded && run.row.rate != RATE_FULL)
        run.owed += run.row.rate / 2.0 * STEP_US / 1e6;
    for (int end = 0; is_loaded && end < 2; end++)
        load(end);
    run.owed -= floor(run.owed);
    for (int end = 0; end < 2; end++)
        send_all(end);
    run.now_us += STEP_US;
}

static void pass(int64_t ms, bool is_loaded)
{
    for (int64_t until_us = run.now_us + ms * 1000; run.now_us < until_us;)
        step(is_loaded);
}

static bool are_settled(void)
{
    return flood_link(run.end[0], 0).settled == TABLE_RANGES &&
           flood_link(run.end[1], 0).settled == TABLE_RANGES &&
           flood_digest(run.end[0]) == flood_digest(run.end[1]);
}

static void open_pairs(void)
{
    static uint32_t quiet[TABLE_RANGES]; /* plus 1 */
    uint32_t count = 0, first = run.row.clients / QUIET_PART;
    memset(quiet, 0, sizeof quiet);
    run.pairs = calloc((size_t)run.row.busy + 1, sizeof *run.pairs);
    assert(run.pairs != NULL);
    for (uint32_t client = 0; client < run.row.clients && count < run.row.busy; client++) {
        uint32_t *mate = &quiet[range_of(client)];
        if (client < first) {
            *mate = client + 1;
        } else if (*mate > 0) {
            run.pairs[count++] = (struct pair){*mate - 1, client};
            *mate = 0;
        }
    }
    assert(count == run.row.busy && (count == 0 || run.row.differences <= (int)count));
}

static void open_run(const struct row *row)
{
    memset(&run, 0, sizeof run);
    run.row = *row;
    run.random = 1;
    open_pairs();
    run.now_us = 5000000;
    for (int end = 0; end < 2; end++) {
        struct span peer = span_of(names[1 - end]);
        run.end[end] = flood_new(&(struct flood_options){.herd = span_of("bench"),
                                                         .node = span_of(names[end]),
                                                         .peers = &peer,
                                                         .peer_count = 1,
                                                         .incarnation = 1001 + (uint64_t)end,
                                                         .clients_max = FLOOD_CLIENTS_DEFAULT,
                                                         .hash_key = {(uint8_t)end}});
    }
    pass(1000, false);
    update(0, 0, row->clients, row->clients, true);
    for (int seconds = 0; seconds < 60 && !are_settled(); seconds++)
        pass(1000, false);
    assert(are_settled());
    pass(WARM_UP_MS, true);
}

static void close_run(void)
{
    for (int end = 0; end < 2; end++) {
        struct way *way = &run.way[end];
        for (; way->count > 0; way->count--, way->first = (way->first + 1) % way->room)
            free(way->letters[way->first].at);
        free(way->letters);
        flood_destroy(&run.end[end]);
    }
    free(run.pairs);
    free(run.sums.found_us);
    free(run.sums.healed_us);
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* Of `count` sorted ones the least that `percent` do not exceed, in seconds. */
static double quantile(const int64_t *sorted, int count, int percent)
{
    return count == 0 ? NAN : (double)sorted[(count * percent + 99) / 100 - 1] / 1e6;
}

static int within(const int64_t *sorted, int count, int64_t us)
{
    int within = 0;
    while (within < count && sorted[within] <= us)
        within++;
    return within;
}

/* The level of half of the turns; in a turn of level 0 nothing is sent, because the HEARTBEAT says
 * it. */
static unsigned usual_level(double seconds)
{
    double turns = 0, rounds = 0;
    for (unsigned level = 1; level <= WIRE_LEVEL_MAX; level++)
        rounds += (double)run.sums.rounds[level];
    turns = 2 * seconds * 1000 / RANGE_CHECK_MS - rounds;
    unsigned level = 0;
    while (level < WIRE_LEVEL_MAX && turns < seconds * 1000 / RANGE_CHECK_MS)
        turns += (double)run.sums.rounds[++level];
    return level;
}

static void print_head(void)
{
    printf("%9s %8s %8s %5s %9s %6s %6s %6s %6s %6s %6s %8s %7s %9s %6s\n", "updates/s", "clients",
           "one way", "level", "found of", "median", "99 %", "last", "healed", "<=5 s", "<=10 s",
           "bytes/s", "CPU %", "CPU us/s", "others");
}

static void print_row(double seconds)
{
    struct sums *sums = &run.sums;
    qsort(sums->found_us, (size_t)sums->found, sizeof *sums->found_us, compare);
    qsort(sums->healed_us, (size_t)sums->healed, sizeof *sums->healed_us, compare);
    uint64_t sent = sums->bytes[WIRE_HEARTBEAT];
    for (int type = WIRE_CHECK; type < TYPES; type++)
        sent += sums->bytes[type];
    printf(
        "%9.0f %8" PRIu32
        " %5.1f ms %5u %4d/%-4d %6.2f %6.2f %6.2f %6.2f %6d %6d %8.0f %7.2f %9.0f %6" PRIu64 "\n",
        (double)sums->updates / seconds, run.row.clients, run.row.latency_ms, usual_level(seconds),
        sums->found, sums->injected, quantile(sums->found_us, sums->found, 50),
        quantile(sums->found_us, sums->found, 99), quantile(sums->found_us, sums->found, 100),
        quantile(sums->healed_us, sums->healed, 100), within(sums->found_us, sums->found, 5000000),
        within(sums->found_us, sums->found, 10000000), (double)sent / 2 / seconds,
        100 * (double)sums->checks_ns / (double)sums->all_ns,
        (double)sums->checks_ns / 2000 / seconds, sums->other_lists);
    fflush(stdout);
}

/* True where all was found and healed, by its range alone. */
static bool do_row(const struct row *row)
{
    open_run(row);
    size_t room = (size_t)row->differences;
    run.sums = (struct sums){.found_us = calloc(room, sizeof(int64_t)),
                             .healed_us = calloc(room, sizeof(int64_t))};
    assert(run.sums.found_us != NULL && run.sums.healed_us != NULL);
    uint64_t told = 0;
    for (int end = 0; end < 2; end++) {
        struct flood_link link = flood_link(run.end[end], 0);
        told -= flood_count(run.end[end])->locations_sent + link.head - link.sent;
    }
    int64_t start_us = run.inject_us = run.now_us;
    while (run.sums.injected < row->differences || run.open_count > 0) {
        step(true);
        inject_at_times();
    }
    print_row((double)(run.now_us - start_us) / 1e6);
    struct sums *sums = &run.sums;
    bool is_good = sums->found == row->differences && sums->healed == row->differences;
    pass(10000, false);
    for (int end = 0; end < 2; end++) {
        told += flood_count(run.end[end])->locations_sent;
        is_good = is_good && flood_count(run.end[end])->rewinds == 0;
    }
    /* Of a range both ends may tell what they have. */
    uint64_t most = sums->updates + 4 * (uint64_t)row->differences;
    is_good =
        is_good && are_settled() && told <= most && (row->rate != 0 || sums->other_lists == 0);
    close_run();
    return is_good;
}

static const struct row rows[] = {
    {0, 20, 1000, 0, CLIENTS, 0},
    {1, 20, 1000, 0, CLIENTS, 0},
    {1000, 0.2, 200, 0, CLIENTS, 0},
    {1000, 20, 200, 0, CLIENTS, 0},
    {100000, 0.2, 1000, 100, CLIENTS, 0},
    {100000, 20, 1000, 100, CLIENTS, 0},
    {RATE_FULL, 5, 500, 100, CLIENTS, 0},
    {RATE_FULL, 20, 1000, 100, CLIENTS, 0},
    {RATE_FULL, 20, 60, 1000, 20000, 0},     /* a fifth of all clients is on the way at each end */
    {RATE_FULL, 20, 200, 500, CLIENTS, 400}, /* never at rest */
    {8000, 20, 64, 1000, CLIENTS, 64},       /* nor these, in larger ranges */
};
static const struct row smoke_rows[] = {
    {0, 20, 4, 0, 2000, 0}, {1000, 5, 4, 0, 2000, 0}, {RATE_FULL, 20, 6, 300, CLIENTS, 0}};

static void do_rows(const struct row *all, size_t count)
{
    print_head();
    for (size_t i = 0; i < count; i++)
        do_row(&all[i]);
}

static int do_smoke(void)
{
    print_head();
    for (size_t i = 0; i < sizeof smoke_rows / sizeof *smoke_rows; i++)
        if (!do_row(&smoke_rows[i]))
            return EXIT_FAILURE;
    return EXIT_SUCCESS;
}

int main(int count, char **arguments)
{
    if (count == 1) {
        do_rows(rows, sizeof rows / sizeof *rows);
        return EXIT_SUCCESS;
    }
    if (count == 2 && strcmp(arguments[1], "smoke") == 0)
        return do_smoke();
    if (count < 4 || count > 7) {
        fprintf(stderr, "usage: bench_checks [smoke | UPDATES_PER_S|full LATENCY_MS DIFFERENCES "
                        "[GAP_MS [CLIENTS [BUSY]]]]\n");
        return 2;
    }
    struct row row = {strcmp(arguments[1], "full") == 0 ? RATE_FULL : atoi(arguments[1]),
                      atof(arguments[2]),
                      atoi(arguments[3]),
                      count > 4 ? atoi(arguments[4]) : 0,
                      count > 5 ? (uint32_t)atoi(arguments[5]) : CLIENTS,
                      count > 6 ? (uint32_t)atoi(arguments[6]) : 0};
    do_rows(&row, 1);
    return EXIT_SUCCESS;
}
