#include "bus/journal/plan.h"
#include "tests/sim/rng.h"
#include "tests/unit/journal_disk.h"

#define CLIENTS     3000u
#define STEPS       400u
#define SEEDS       24u
#define SEGMENT_MAX (1024u * 1024) /* in the simulation, so that there are many */

static char out[JOURNAL_BATCH_BYTES];
static const struct journal_replay nothing;
static const struct journal_tally nothing_read;

/* A node with its disk. Versions count the changes of a client from 1; the position says which. */
struct world {
    struct rng rng;
    struct table *table;
    struct journal_plan plan;
    struct disk disk;
    uint64_t last_of[DISK_FILES_MAX]; /* the greatest sequence in each file */
    uint64_t number;
    uint32_t current[CLIENTS]; /* versions in the table */
    uint32_t batch[CLIENTS];   /* in the batch on its way, or 0 */
    uint32_t synced[CLIENTS];  /* the greatest that was synced */
};

static struct table *new_table(void)
{
    return table_new((const uint8_t[16]){2});
}

static uint32_t put(struct table *table, uint32_t client, uint32_t version)
{
    char id[16], position[24], stamp[24];
    snprintf(id, sizeof id, "c%" PRIu32, client);
    snprintf(position, sizeof position, "+%" PRIu32 "+0", version);
    snprintf(stamp, sizeof stamp, "%" PRIu32 ".5", version);
    struct location location = {.client = span_of(id),
                                .position = span_of(position),
                                .stamp = span_of(stamp),
                                .origin = span_of("Clark"),
                                .order_ns = (int64_t)version * 1000000000};
    uint32_t slot = 0;
    CHECK(!table_is_refusal(table_put(table, &location, table_ref(table, location.client), &slot)));
    return slot;
}

static uint32_t version_in(const struct table *table, uint32_t client)
{
    char id[16];
    snprintf(id, sizeof id, "c%" PRIu32, client);
    const char *position = disk_position(table, id);
    return position[0] == '?' ? 0 : (uint32_t)strtoul(position, NULL, 10);
}

static void new_segment(struct world *world)
{
    assert(world->disk.count < DISK_FILES_MAX);
    world->disk.files[world->disk.count] = (struct disk_file){.number = ++world->number};
    world->last_of[world->disk.count++] = 0;
}

static struct disk_file *current_file(struct world *world)
{
    return &world->disk.files[world->disk.count - 1];
}

/* Files that are not needed go as soon as they may. */
static void remove_files(struct world *world)
{
    while (world->disk.count > 1 && world->last_of[0] < journal_plan_keeps(&world->plan)) {
        free(world->disk.files[0].at);
        memmove(world->disk.files, world->disk.files + 1,
                --world->disk.count * sizeof *world->disk.files);
        memmove(world->last_of, world->last_of + 1, world->disk.count * sizeof *world->last_of);
    }
}

static void note_batch(struct world *world, const char *at, uint32_t bytes)
{
    static struct location locations[JOURNAL_BLOCK_LOCATIONS_MAX];
    struct journal_scan scan = {{at, bytes}, DISK_ID(current_file(world)->number), 0};
    struct journal_piece piece;
    memset(world->batch, 0, sizeof world->batch);
    while (journal_scan_next(&scan, &piece)) {
        CHECK(piece.what == JOURNAL_FOUND_GOOD);
        CHECK(journal_block_locations(&piece.block, locations));
        for (uint32_t i = 0; i < piece.block.location_count; i++)
            world->batch[strtoul(locations[i].client.data + 1, NULL, 10)] =
                (uint32_t)strtoul(locations[i].position.data, NULL, 10);
    }
}

/* Of what was not synced each page is there or not. */
static void append_some(struct world *world, uint32_t bytes)
{
    for (uint32_t at = 0; at < bytes; at += JOURNAL_PAGE_BYTES)
        if (rng_chance(&world->rng, 500))
            memset(out + at, 0, JOURNAL_PAGE_BYTES);
    disk_append(&world->disk, out, bytes);
}

static void check_disk(const struct world *world)
{
    struct journal_replay replay = disk_replay(&world->disk);
    struct journal_tally tally;
    struct table *table = disk_table(&world->disk, &replay, &tally);
    CHECK_INT(tally.broken, 0);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        uint32_t version = version_in(table, i);
        CHECK(version >= world->synced[i]);
        CHECK(version <= world->current[i]);
    }
    table_destroy(&table);
    journal_replay_free(&replay);
}

/* The process is gone, with what it had not synced; another starts with what the disk has. */
static void restart(struct world *world)
{
    struct journal_replay replay = disk_replay(&world->disk);
    struct journal_tally tally;
    journal_plan_free(&world->plan);
    table_destroy(&world->table);
    world->table = disk_table(&world->disk, &replay, &tally);
    journal_plan_start(&world->plan, 0, &replay, &tally, world->table);
    journal_replay_free(&replay);
    for (uint32_t i = 0; i < CLIENTS; i++)
        world->current[i] = world->synced[i] = version_in(world->table, i);
    new_segment(world);
}

static void write_batch(struct world *world)
{
    if (current_file(world)->bytes > SEGMENT_MAX) {
        new_segment(world);
        journal_plan_next_segment(&world->plan);
    }
    journal_plan_urge(&world->plan);
    uint32_t bytes =
        journal_plan_write(&world->plan, world->table, DISK_ID(current_file(world)->number), out);
    note_batch(world, out, bytes);
    world->last_of[world->disk.count - 1] = world->plan.sequence;
    uint32_t what = rng_below(&world->rng, 100);
    if (what < 88) {
        disk_append(&world->disk, out, bytes);
        journal_plan_synced(&world->plan);
        for (uint32_t i = 0; i < CLIENTS; i++)
            if (world->batch[i] > 0)
                world->synced[i] = world->batch[i];
        remove_files(world);
        return;
    }
    append_some(world, bytes);
    check_disk(world);
    if (what < 94)
        restart(world);
    else {
        journal_plan_failed(&world->plan);
        new_segment(world);
    }
}

static void change(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t client = rng_below(&world->rng, CLIENTS);
        marks_due(&world->plan.marks, put(world->table, client, ++world->current[client]));
    }
}

static void run_world(uint64_t seed)
{
    static struct world world;
    world = (struct world){.rng = {seed}, .table = new_table()};
    journal_plan_start(&world.plan, 0, &nothing, &nothing_read, world.table);
    new_segment(&world);
    for (uint32_t step = 0; step < STEPS; step++) {
        if (rng_chance(&world.rng, 700))
            change(&world, rng_below(&world.rng, 1u << rng_below(&world.rng, 10)));
        if (rng_chance(&world.rng, 20))
            journal_plan_renew(&world.plan);
        if (journal_plan_wants(&world.plan))
            write_batch(&world);
    }
    for (uint32_t i = 0; i < 1000 && journal_plan_wants(&world.plan); i++)
        write_batch(&world);
    CHECK(!journal_plan_wants(&world.plan));
    CHECK_INT(journal_plan_lag(&world.plan), 0);
    for (uint32_t i = 0; i < CLIENTS; i++)
        CHECK_INT(world.synced[i], world.current[i]);
    check_disk(&world);
    disk_free(&world.disk);
    journal_plan_free(&world.plan);
    table_destroy(&world.table);
}

static void nothing_synced_is_lost(void)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        int before = check_failures;
        run_world(seed);
        if (check_failures != before) {
            printf("    seed %" PRIu64 "\n", seed);
            return;
        }
    }
}

/* ---- one after another ---- */

struct lone {
    struct table *table;
    struct journal_plan plan;
    uint64_t segment;
};

static struct lone lone(uint32_t clients)
{
    struct lone lone = {.table = new_table(), .segment = 1};
    journal_plan_start(&lone.plan, 0, &nothing, &nothing_read, lone.table);
    for (uint32_t i = 0; i < clients; i++)
        put(lone.table, i, 1);
    return lone;
}

static void lone_free(struct lone *lone)
{
    journal_plan_free(&lone->plan);
    table_destroy(&lone->table);
}

/* Writes a batch and says its blocks: "begin chunk:3 ". */
static const char *write_lone(struct lone *lone, uint32_t *bytes)
{
    static const char *const names[] = {"", "changes", "chunk", "begin", "end"};
    static char text[256];
    journal_plan_urge(&lone->plan);
    *bytes = journal_plan_write(&lone->plan, lone->table, lone->segment, out);
    struct journal_scan scan = {{out, *bytes}, lone->segment, 0};
    struct journal_piece piece;
    text[0] = '\0';
    while (journal_scan_next(&scan, &piece)) {
        size_t used = strlen(text);
        CHECK(piece.what == JOURNAL_FOUND_GOOD);
        snprintf(text + used, sizeof text - used, "%s:%" PRIu32 " ", names[piece.block.kind],
                 piece.block.location_count);
    }
    return text;
}

static void check_batch(struct lone *lone, const char *wanted)
{
    uint32_t bytes;
    const char *got = write_lone(lone, &bytes);
    CHECK_BYTES(got, strlen(got), wanted, strlen(wanted));
}

static void an_end_comes_after_the_sync(void)
{
    struct lone one = lone(3);
    CHECK(journal_plan_wants(&one.plan));
    check_batch(&one, "begin:0 chunk:3 ");
    CHECK(!journal_plan_wants(&one.plan));
    journal_plan_synced(&one.plan);
    CHECK_INT(journal_plan_keeps(&one.plan), 0);
    check_batch(&one, "end:0 ");
    CHECK_INT(journal_plan_keeps(&one.plan), 0);
    journal_plan_synced(&one.plan);
    CHECK_INT(journal_plan_keeps(&one.plan), 1);
    CHECK(!journal_plan_wants(&one.plan));
    lone_free(&one);
}

static void a_failed_chunk_is_written_before_the_end(void)
{
    struct lone one = lone(3);
    check_batch(&one, "begin:0 chunk:3 ");
    journal_plan_failed(&one.plan);
    check_batch(&one, "changes:3 ");
    journal_plan_synced(&one.plan);
    check_batch(&one, "end:0 ");
    journal_plan_failed(&one.plan);
    CHECK_INT(journal_plan_keeps(&one.plan), 0);
    check_batch(&one, "end:0 ");
    journal_plan_synced(&one.plan);
    CHECK_INT(journal_plan_keeps(&one.plan), 1);
    lone_free(&one);
}

static void changes_save_the_snapshot_work(void)
{
    struct lone one = lone(3);
    marks_due(&one.plan.marks, 1);
    CHECK_INT(journal_plan_lag(&one.plan), 1);
    check_batch(&one, "begin:0 changes:1 chunk:2 ");
    CHECK(!marks_is_safe(&one.plan.marks, 1));
    marks_due(&one.plan.marks, 2);
    journal_plan_synced(&one.plan);
    CHECK(marks_is_safe(&one.plan.marks, 1));
    CHECK(!marks_is_safe(&one.plan.marks, 2));
    check_batch(&one, "end:0 changes:1 ");
    journal_plan_synced(&one.plan);
    CHECK(marks_is_safe(&one.plan.marks, 2));
    lone_free(&one);
}

/* Writes and syncs a batch, and says its blocks. */
static const char *append_lone(struct lone *lone, struct disk *disk)
{
    uint32_t bytes;
    lone->segment = DISK_ID(disk->count);
    const char *text = write_lone(lone, &bytes);
    disk_append(disk, out, bytes);
    journal_plan_synced(&lone->plan);
    return text;
}

static void kill_lone(struct lone *lone, const struct disk *disk)
{
    struct journal_replay replay = disk_replay(disk);
    struct journal_tally tally;
    uint64_t digest = table_digest(lone->table);
    lone_free(lone);
    lone->table = disk_table(disk, &replay, &tally);
    CHECK(digest == table_digest(lone->table));
    CHECK_INT(replay.missing, 0);
    journal_plan_start(&lone->plan, 0, &replay, &tally, lone->table);
    journal_replay_free(&replay);
}

/* A node that is killed after each batch ends its generation all the same, and in it no slot is
 * written twice. */
static void a_generation_goes_on_after_a_restart(void)
{
    static const char *const lives[] = {"begin:0 chunk:4096 chunk:4096 chunk:4096 ",
                                        "changes:2 chunk:4096 chunk:3615 ", "end:0 "};
    struct lone one = lone(20000);
    struct disk disk = {0};
    disk_file(&disk);
    while (journal_plan_wants(&one.plan))
        append_lone(&one, &disk);
    disk_file(&disk);
    kill_lone(&one, &disk);
    for (size_t life = 0; life < sizeof lives / sizeof *lives; life++) {
        if (life == 1) { /* one that was said already, and one that was not */
            marks_due(&one.plan.marks, put(one.table, 1, 2));
            marks_due(&one.plan.marks, put(one.table, 19999, 2));
        }
        const char *text = append_lone(&one, &disk);
        CHECK_BYTES(text, strlen(text), lives[life], strlen(lives[life]));
        if (life < 2)
            kill_lone(&one, &disk);
    }
    CHECK(!journal_plan_wants(&one.plan));
    kill_lone(&one, &disk);
    CHECK(one.plan.begin == 0 && journal_plan_wants(&one.plan));
    disk_free(&disk);
    lone_free(&one);
}

static void a_large_table_has_room_for_changes(void)
{
    struct lone one = lone(60000);
    for (uint32_t slot = 0; slot < 20000; slot++)
        marks_due(&one.plan.marks, slot);
    check_batch(&one, "begin:0 changes:4096 chunk:4096 chunk:4096 ");
    journal_plan_synced(&one.plan);
    check_batch(&one, "changes:4096 chunk:4096 chunk:4096 ");
    lone_free(&one);
}

static void a_renewal_waits_for_the_open_one(void)
{
    struct lone one = lone(1);
    check_batch(&one, "begin:0 chunk:1 ");
    journal_plan_renew(&one.plan);
    journal_plan_synced(&one.plan);
    check_batch(&one, "end:0 ");
    journal_plan_synced(&one.plan);
    check_batch(&one, "begin:0 chunk:1 ");
    journal_plan_synced(&one.plan);
    check_batch(&one, "end:0 ");
    journal_plan_synced(&one.plan);
    CHECK_INT(journal_plan_keeps(&one.plan), 4);
    CHECK(!journal_plan_wants(&one.plan));
    lone_free(&one);
}

/* All before client `live` are over, and free but for the last `unfreed` of these. */
static struct lone lone_with_gaps(uint32_t live, uint32_t unfreed)
{
    static uint32_t freed[3 * JOURNAL_BLOCK_LOOKS_MAX];
    struct lone one = lone(live);
    put(one.table, live, 9);
    CHECK(!table_set_horizon(one.table, INT64_C(5000000000)));
    for (uint32_t left = live; left > unfreed;)
        left -= table_sweep(one.table, freed, left - unfreed);
    return one;
}

static void what_is_over_is_not_written(void)
{
    struct lone one = lone_with_gaps(5, 2);
    CHECK(!table_slot_is_live(one.table, 4));
    CHECK(table_is_sweeping(one.table));
    marks_due(&one.plan.marks, 4);
    check_batch(&one, "begin:0 chunk:1 ");
    CHECK_INT(journal_plan_lag(&one.plan), 1);
    journal_plan_synced(&one.plan);
    check_batch(&one, "end:0 ");
    journal_plan_synced(&one.plan);
    marks_due(&one.plan.marks, 4);
    CHECK(journal_plan_wants(&one.plan));
    check_batch(&one, "");
    CHECK(!one.plan.is_writing && !journal_plan_wants(&one.plan));
    CHECK_INT(journal_plan_lag(&one.plan), 0);
    lone_free(&one);
}

static void gaps_in_a_table_are_no_pause(void)
{
    struct lone one = lone_with_gaps(2 * JOURNAL_BLOCK_LOOKS_MAX, 0);
    CHECK_INT(table_slots(one.table), 2 * JOURNAL_BLOCK_LOOKS_MAX + 1);
    check_batch(&one, "begin:0 ");
    CHECK_INT(one.plan.marks.to_go.count, JOURNAL_BLOCK_LOOKS_MAX + 1);
    journal_plan_synced(&one.plan);
    check_batch(&one, "");
    CHECK(journal_plan_wants(&one.plan));
    CHECK_INT(journal_plan_keeps(&one.plan), 0);
    check_batch(&one, "chunk:1 ");
    journal_plan_synced(&one.plan);
    check_batch(&one, "end:0 ");
    lone_free(&one);
}

/* At most: what changes after a batch was put together waits from the turn that sees it on. */
static void the_lag_is_since_the_first_change(void)
{
    struct lone one = lone(0);
    uint32_t bytes, slot = put(one.table, 1, 1);
    CHECK_INT(journal_plan_lag_ms(&one.plan, 900), 0);
    marks_due(&one.plan.marks, slot);
    CHECK(journal_plan_begins(&one.plan, 1000));
    CHECK_INT(journal_plan_lag_ms(&one.plan, 1000), 0);
    CHECK_INT(journal_plan_lag_ms(&one.plan, 1700), 700);
    write_lone(&one, &bytes); /* it is in the batch now */
    CHECK_INT(journal_plan_lag_ms(&one.plan, 1800), 800);
    journal_plan_failed(&one.plan);
    CHECK(journal_plan_begins(&one.plan, 2000));
    CHECK_INT(journal_plan_lag_ms(&one.plan, 2000), 1000);
    write_lone(&one, &bytes);
    marks_due(&one.plan.marks, slot);
    CHECK(!journal_plan_begins(&one.plan, 2500)); /* a batch is on its way */
    journal_plan_synced(&one.plan);
    CHECK_INT(journal_plan_lag_ms(&one.plan, 2600), 100);
    CHECK(journal_plan_begins(&one.plan, 2700));
    write_lone(&one, &bytes);
    journal_plan_synced(&one.plan);
    CHECK_INT(journal_plan_lag_ms(&one.plan, 9000), 0);
    lone_free(&one);
}

/* Until a batch is complete; how many turns that takes. */
static uint32_t turns_of_batch(struct lone *lone, uint32_t *bytes)
{
    uint32_t turns = 0;
    do {
        CHECK(journal_plan_begins(&lone->plan, 1000 + turns));
        *bytes = journal_plan_write(&lone->plan, lone->table, lone->segment, out);
        turns++;
        CHECK(lone->plan.is_assembling == (*bytes == 0));
        CHECK_INT(journal_plan_deadline_ms(&lone->plan), *bytes == 0 ? INT64_MIN : INT64_MAX);
    } while (*bytes == 0 && turns < 1000);
    return turns;
}

static void a_batch_takes_several_turns(void)
{
    struct lone one = lone(10 * JOURNAL_TURN_LOCATIONS);
    uint32_t bytes;
    CHECK_INT(turns_of_batch(&one, &bytes), 11); /* the last one finds nothing more */
    journal_plan_synced(&one.plan);
    check_batch(&one, "end:0 ");
    journal_plan_synced(&one.plan);
    CHECK_INT(journal_plan_lag(&one.plan), 0);

    /* One of so many that are due is taken besides. */
    for (uint32_t i = 0; i < 3 * JOURNAL_TURN_LOCATIONS; i++)
        marks_due(&one.plan.marks, i);
    CHECK_INT(turns_of_batch(&one, &bytes), 3);
    journal_plan_synced(&one.plan);
    CHECK_INT(journal_plan_lag(&one.plan), 0);
    lone_free(&one);
}

/* A turn a millisecond, a sync as long, and all clients change one after the other. */
static void the_journal_keeps_up_with_changes(void)
{
    enum { CLIENTS_OF_ALL = 100000, CHANGES = 300, TURNS = 1500 };
    struct lone one = lone(CLIENTS_OF_ALL);
    uint32_t changed = 0, due_max = 0;
    int64_t lag_ms_max = 0;
    one.plan.wants_generation = false;
    for (int64_t now_ms = 1; now_ms <= TURNS; now_ms++) {
        for (uint32_t i = 0; i < CHANGES; i++)
            marks_due(&one.plan.marks, changed++ % CLIENTS_OF_ALL);
        if (one.plan.is_writing)
            journal_plan_synced(&one.plan);
        if (journal_plan_begins(&one.plan, now_ms))
            journal_plan_write(&one.plan, one.table, one.segment, out);
        due_max = one.plan.marks.due.count > due_max ? one.plan.marks.due.count : due_max;
        int64_t lag_ms = journal_plan_lag_ms(&one.plan, now_ms);
        lag_ms_max = lag_ms > lag_ms_max ? lag_ms : lag_ms_max;
    }
    CHECK(due_max > CHANGES && due_max < CHANGES * JOURNAL_TURN_DUE_PART);
    CHECK(lag_ms_max < 1000);
    lone_free(&one);
}

/* Clients that change by chance, a turn a millisecond and a sync as long, and what came of it. */
struct load {
    struct lone one;
    struct rng rng;
    uint32_t clients, changes; /* these a turn */
    int64_t now_ms;
    int64_t *due_at_ms; /* of each slot that is due */
    int64_t waited_ms_max, lag_ms_max;
    uint64_t written, bursts;
    bool was_bursting;
};

static struct load load(uint32_t clients, uint32_t changes, int64_t pause_ms)
{
    struct load load = {.one = lone(clients), .clients = clients, .changes = changes};
    load.due_at_ms = bytes_zeroed(clients * sizeof *load.due_at_ms);
    load.one.plan.pause_ms = pause_ms;
    load.one.plan.wants_generation = false;
    return load;
}

static void load_free(struct load *load)
{
    free(load->due_at_ms);
    lone_free(&load->one);
}

static void load_change(struct load *load, uint32_t slot)
{
    struct marks *marks = &load->one.plan.marks;
    int64_t waited_ms = load->now_ms - load->due_at_ms[slot];
    if (!marks_is_due(marks, slot))
        load->due_at_ms[slot] = load->now_ms;
    else if (waited_ms > load->waited_ms_max)
        load->waited_ms_max = waited_ms;
    marks_due(marks, slot);
}

static void load_write(struct load *load)
{
    struct lone *one = &load->one;
    uint32_t bytes = journal_plan_write(&one->plan, one->table, one->segment, out);
    struct journal_scan scan = {{out, bytes}, one->segment, 0};
    struct journal_piece piece;
    while (journal_scan_next(&scan, &piece))
        load->written += piece.block.location_count;
}

static void load_run(struct load *load, int64_t ms)
{
    struct journal_plan *plan = &load->one.plan;
    for (int64_t end_ms = load->now_ms + ms; load->now_ms < end_ms; load->now_ms++) {
        for (uint32_t i = 0; i < load->changes; i++)
            load_change(load, rng_below(&load->rng, load->clients));
        if (plan->is_writing)
            journal_plan_synced(plan);
        if (journal_plan_begins(plan, load->now_ms)) {
            load->bursts += !load->was_bursting;
            load_write(load);
        }
        load->was_bursting = plan->is_bursting || plan->is_assembling;
        int64_t lag_ms = journal_plan_lag_ms(plan, load->now_ms);
        load->lag_ms_max = lag_ms > load->lag_ms_max ? lag_ms : load->lag_ms_max;
    }
}

/* Of clients that change thirty times a second each is written once a second, and none waits for
 * more than the pause and the burst after it. */
static void a_burst_ends_where_it_began(void)
{
    enum { CLIENTS_OF_ALL = 10000, CHANGES = 300, SECONDS = 5, BURST_MS = 100 };
    struct load all = load(CLIENTS_OF_ALL, CHANGES, 1000);
    for (uint32_t slot = 0; slot < CLIENTS_OF_ALL / 3; slot++)
        load_change(&all, slot);
    all.changes = 0;
    load_run(&all, 1000); /* so that bursts begin somewhere in the middle */
    all.changes = CHANGES;
    load_run(&all, 1000 * SECONDS);
    CHECK_INT(all.bursts, SECONDS + 1);
    CHECK(all.written < (SECONDS + 2) * CLIENTS_OF_ALL);
    CHECK(all.waited_ms_max <= 1000 + BURST_MS);
    CHECK(all.lag_ms_max >= all.waited_ms_max && all.lag_ms_max <= 1000 + 2 * BURST_MS);
    load_free(&all);
}

/* Batches of it follow each other without a pause. */
static void a_burst_of_many_batches_takes_a_second(void)
{
    struct load all = load(500000, 0, 1000);
    for (uint32_t slot = 0; slot < all.clients; slot++)
        load_change(&all, slot);
    all.changes = 100;
    load_run(&all, 1000);
    CHECK_INT(all.bursts, 1);
    CHECK(!all.one.plan.is_bursting);
    CHECK(all.written >= all.clients && all.written < all.clients + 100 * 1000);
    load_free(&all);
}

static void without_a_pause_a_burst_has_no_end(void)
{
    struct load all = load(1000, 1000, 0);
    load_run(&all, 20);
    CHECK_INT(all.bursts, 1);
    CHECK(all.written == 0 && all.one.plan.blocks < JOURNAL_BATCH_BLOCKS);
    load_free(&all);
}

/* Where it began before what is urged was due, all the same. */
static void what_is_urged_is_written_in_this_turn(void)
{
    struct load all = load(1000, 0, 1000);
    struct journal_plan *plan = &all.one.plan;
    for (uint32_t slot = 0; slot < all.clients; slot++)
        load_change(&all, slot);
    load_run(&all, 1);
    CHECK(plan->is_assembling);
    load_change(&all, 0); /* which had its turn */
    journal_plan_urge(plan);
    load_run(&all, 1);
    CHECK(plan->is_writing);
    CHECK_INT(plan->marks.due.count, 0);
    load_run(&all, 998); /* the next burst is a second after the one that was urged */
    load_change(&all, 0);
    CHECK(!journal_plan_begins(plan, 999));
    CHECK_INT(journal_plan_deadline_ms(plan), 1000);
    CHECK(journal_plan_begins(plan, 1000));
    load_free(&all);
}

static void what_changes_in_between_is_written_once_more(void)
{
    struct lone one = lone(2 * JOURNAL_TURN_LOCATIONS);
    CHECK(journal_plan_begins(&one.plan, 1000));
    CHECK_INT(journal_plan_write(&one.plan, one.table, one.segment, out), 0);
    CHECK_INT(one.plan.marks.batches, 1);
    CHECK_INT(one.plan.marks.complete, 0);
    put(one.table, 0, 2); /* its first value is in the batch */
    marks_due(&one.plan.marks, 0);
    CHECK(journal_plan_begins(&one.plan, 1001));
    check_batch(&one, "begin:0 chunk:256 changes:1 "); /* the rest, in one turn */
    CHECK_INT(one.plan.marks.complete, 1);
    CHECK(!marks_is_safe(&one.plan.marks, 0));
    journal_plan_synced(&one.plan);
    CHECK(marks_is_safe(&one.plan.marks, 0));
    lone_free(&one);
}

static const struct check_case cases[] = {
    {"a generation ends when all of it is synced, and counts when its end is",
     an_end_comes_after_the_sync},
    {"what failed is written again before the end, and so is an end",
     a_failed_chunk_is_written_before_the_end},
    {"what changed is not written as part of the snapshot, too", changes_save_the_snapshot_work},
    {"a generation goes on after a restart", a_generation_goes_on_after_a_restart},
    {"a batch has room for changes and for the snapshot", a_large_table_has_room_for_changes},
    {"a generation that is wanted begins when the open one has ended",
     a_renewal_waits_for_the_open_one},
    {"what is over is not written, nor waited for", what_is_over_is_not_written},
    {"many free slots are passed over in parts", gaps_in_a_table_are_no_pause},
    {"a batch takes several turns, fewer where much is due", a_batch_takes_several_turns},
    {"the journal keeps up with changes, and its lag says so", the_journal_keeps_up_with_changes},
    {"a burst ends where it began, whatever is due then", a_burst_ends_where_it_began},
    {"a burst of many batches takes a second", a_burst_of_many_batches_takes_a_second},
    {"without a pause a burst has no end", without_a_pause_a_burst_has_no_end},
    {"what is urged is written in this turn", what_is_urged_is_written_in_this_turn},
    {"what changes in between is written once more", what_changes_in_between_is_written_once_more},
    {"the lag is since the first change that is not on the disk",
     the_lag_is_since_the_first_change},
    {"whatever is torn, fails or restarts, what was synced is found", nothing_synced_is_lost},
};

CHECK_MAIN(cases)
