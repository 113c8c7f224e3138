/* A node's journal in the simulator: the daemon's own plan, rotation, blocks and replay on a disk
 * that is made up (disk.h), with its time; and what must hold of it:
 *   - what is found at a start the node held before, nothing else;
 *   - what was safe (marks_is_safe) is found, or what the node held of that client after it, unless
 *     it was over, or stood in a file that this disk lost since, or in a block with a flipped bit;
 *   - after a while without faults everything is safe. */
#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdlib.h>

#include "bus/base/bytes.h"
#include "bus/journal/plan.h"
#include "bus/journal/rotation.h"
#include "tests/sim/disk.h"

#define MAKE_US_MAX 300000
/* An end comes while a file is made, and the file is there. */
#define MADE_PERMILLE 500
/* A file that was removed is back. */
#define BACK_PERMILLE 200
/* Batches that an orderly end waits for. */
#define CLOSE_BATCHES_MAX 20
#define LOG_ROOM_FIRST    64u
/* What a turn adds to a batch, so that batches of few clients take several turns, too. */
#define TURN_LOCATIONS_MAX 8u

/* What the node held of a client at some time. */
struct held {
    uint32_t client, record;
};

struct sim_journal {
    struct disk disk;
    bool is_open; /* by the node's life now */
    struct journal_plan plan;
    struct journal_rotation rotation;
    struct journal_segment batch_segment;
    char *room;  /* of a batch that is being put together, or NULL; owned */
    char *batch; /* on its way, or NULL; owned */
    uint32_t batch_bytes;
    uint32_t *batch_places; /* per client: of what is in it; 0: nothing is */
    int64_t batch_us;       /* when it is written and synced, or has failed */
    bool batch_fails;
    struct journal_segment making;
    int64_t made_us; /* WORLD_NEVER: none is made */
    enum sim_disk state;
    bool has_old_file; /* at its last start a file was back */
    bool *excused;     /* per client: what was safe may be gone at this start */
    struct held *log;  /* all that it ever held, the last one last */
    uint32_t log_count, log_room;
    uint32_t *now;      /* per client: its last place in the log, plus 1; 0: nothing is held */
    uint32_t *promised; /* the same of what is safe */
    uint32_t *before;   /* per client: the record held before sim_restart_all */
};

void journal_new(struct sim *sim, uint32_t index)
{
    struct node *node = &sim->nodes[index];
    if (sim->options.disks.segment_bytes == 0 || index >= sim->herd_count)
        return;
    struct sim_journal *journal = world_memory(1, sizeof *journal);
    journal->disk.rng.state = sim->options.seed + index;
    journal->now = world_memory(sim->options.client_count, sizeof *journal->now);
    journal->promised = world_memory(sim->options.client_count, sizeof *journal->promised);
    journal->batch_places = world_memory(sim->options.client_count, sizeof *journal->batch_places);
    journal->before = world_memory(sim->options.client_count, sizeof *journal->before);
    journal->excused = world_memory(sim->options.client_count, sizeof *journal->excused);
    node->journal = journal;
}

void journal_delete(struct node *node)
{
    struct sim_journal *journal = node->journal;
    if (journal == NULL)
        return;
    if (journal->is_open) {
        journal_plan_free(&journal->plan);
        journal_rotation_free(&journal->rotation);
    }
    disk_free(&journal->disk);
    free(journal->room);
    free(journal->batch);
    free(journal->log);
    free(journal->now);
    free(journal->promised);
    free(journal->before);
    free(journal->excused);
    free(journal->batch_places);
    free(journal);
}

/* ---- What it held, and what it promised -------------------------------------------------- */

static bool is_safe(const struct sim *sim, const struct node *node, uint32_t client)
{
    const struct table *table = flood_table(node->flood);
    struct span id = sim->clients[client].id;
    uint32_t slot;
    return table_find(table, id, table_ref(table, id), &slot) &&
           marks_is_safe(&node->journal->plan.marks, slot);
}

static void note(struct sim_journal *journal, uint32_t client, uint32_t record)
{
    if (journal->log_count == journal->log_room) {
        journal->log_room = journal->log_room == 0 ? LOG_ROOM_FIRST : 2 * journal->log_room;
        journal->log = bytes_resize(journal->log, journal->log_room * sizeof *journal->log);
    }
    journal->log[journal->log_count++] = (struct held){client, record};
    journal->now[client] = journal->log_count;
}

void journal_changed(struct sim *sim, uint32_t index, uint32_t client)
{
    const struct node *node = &sim->nodes[index];
    struct sim_journal *journal = node->journal;
    if (journal == NULL || !journal->is_open)
        return;
    if (node->holds[client] == WORLD_NO_RECORD) /* nor does a batch on its way promise it */
        journal->now[client] = journal->promised[client] = journal->batch_places[client] = 0;
    else
        note(journal, client, node->holds[client]);
    if (node->holds[client] != WORLD_NO_RECORD && is_safe(sim, node, client))
        journal->promised[client] = journal->now[client];
}

uint32_t journal_place(const struct node *node, uint32_t client)
{
    return node->journal == NULL ? 0 : node->journal->now[client];
}

bool journal_has(const struct node *node, const struct answer *answer)
{
    return answer->place > 0 && node->journal->promised[answer->client] >= answer->place;
}

/* The last place of that record of the client in the log up to `place`, plus 1; 0: there is none.
 */
static uint32_t place_of(const struct sim_journal *journal, uint32_t client, uint32_t record,
                         uint32_t place)
{
    while (place > 0 &&
           (journal->log[place - 1].client != client || journal->log[place - 1].record != record))
        place--;
    return place;
}

/* A batch is put together in several turns, so of a client it may hold less than the node does. */
static void note_batch(struct sim *sim, struct sim_journal *journal)
{
    static struct location room[JOURNAL_BLOCK_LOCATIONS_MAX];
    struct journal_scan scan = {
        {journal->batch, journal->batch_bytes}, journal->batch_segment.id, 0};
    struct journal_piece piece;
    memset(journal->batch_places, 0, sim->options.client_count * sizeof *journal->batch_places);
    while (journal_scan_next(&scan, &piece)) {
        if (piece.what != JOURNAL_FOUND_GOOD || !journal_block_locations(&piece.block, room))
            sim_fail(sim, "a journal writes a bad block");
        for (uint32_t i = 0; i < piece.block.location_count; i++) {
            uint32_t client = records_client(sim, room[i].client);
            uint32_t record = records_find(sim, client, &room[i]);
            journal->batch_places[client] = place_of(journal, client, record, journal->now[client]);
        }
    }
}

static void note_synced(struct sim *sim, struct sim_journal *journal)
{
    for (uint32_t i = 0; i < sim->options.client_count; i++)
        if (journal->batch_places[i] > journal->promised[i])
            journal->promised[i] = journal->batch_places[i];
}

static void note_safe(struct sim *sim, const struct node *node)
{
    struct sim_journal *journal = node->journal;
    for (uint32_t i = 0; i < sim->options.client_count; i++)
        if (journal->now[i] != journal->promised[i] && is_safe(sim, node, i))
            journal->promised[i] = journal->now[i];
}

/* What stands in the table was found on the disk. It keeps its place: after damage it may be an
 * earlier one, and what was held between may yet be found. */
static void judge_found(struct sim *sim, uint32_t index)
{
    const struct node *node = &sim->nodes[index];
    struct sim_journal *journal = node->journal;
    for (uint32_t i = 0; i < sim->options.client_count; i++) {
        struct location found;
        uint32_t promised = journal->excused[i] ? 0 : journal->promised[i], place = 0;
        if (flood_look(node->flood, sim->clients[i].id, &found)) {
            uint32_t record = records_find(sim, i, &found);
            if (record != WORLD_NO_RECORD)
                place = place_of(journal, i, record, journal->log_count);
            if (place == 0)
                sim_fail(sim,
                         "the journal of %s gives a location of client %" PRIu32
                         " that it never held",
                         sim->names[index], i);
            else if (place < promised)
                sim_fail(sim,
                         "the journal of %s gives an older location of client %" PRIu32
                         " than was synced",
                         sim->names[index], i);
        } else if (promised > 0) {
            sim_fail(sim, "the journal of %s has lost client %" PRIu32, sim->names[index], i);
        }
        watch_client(sim, index, i);
        journal->now[i] = journal->promised[i] = place;
    }
}

/* ---- The start --------------------------------------------------------------------------- */

/* Of the clients in these blocks an earlier location may be found, or none; whether there are any.
 */
static bool excuse(struct sim *sim, struct sim_journal *journal, uint32_t at, uint32_t from,
                   uint32_t to)
{
    static struct location room[JOURNAL_BLOCK_LOCATIONS_MAX];
    const struct disk_file *file = &journal->disk.files[at];
    struct journal_scan scan = {{file->bytes, file->used}, file->segment.id, 0};
    struct journal_piece piece;
    bool is_any = false;
    while (journal_scan_next(&scan, &piece)) {
        if (piece.what != JOURNAL_FOUND_GOOD || piece.at >= to || piece.at + piece.bytes <= from ||
            !journal_block_locations(&piece.block, room))
            continue;
        for (uint32_t i = 0; i < piece.block.location_count; i++)
            journal->excused[records_client(sim, room[i].client)] = true;
        is_any |= piece.block.location_count > 0;
    }
    return is_any;
}

/* What the disk did while nobody looked. */
static void suffer(struct sim *sim, struct sim_journal *journal)
{
    const struct sim_disks *disks = &sim->options.disks;
    struct disk *disk = &journal->disk;
    uint32_t file, bit;
    memset(journal->excused, 0, sim->options.client_count * sizeof *journal->excused);
    journal->has_old_file = rng_chance(&disk->rng, BACK_PERMILLE) && disk_bring_back(disk);
    sim->counters->files_back += journal->has_old_file;
    if (rng_chance(&disk->rng, disks->flip_permille) && disk_find_bit(disk, &file, &bit)) {
        sim->counters->blocks_hit += excuse(sim, journal, file, bit / 8, bit / 8 + 1);
        disk_flip(disk, file, bit);
        sim->counters->flips++;
    }
    if (rng_chance(&disk->rng, disks->lose_permille) && disk_find_file(disk, &file)) {
        (void)excuse(sim, journal, file, 0, UINT32_MAX);
        disk_lose_file(disk, file);
        sim->counters->files_lost++;
    }
}

static void fill(struct sim *sim, const struct disk *disk, const struct journal_replay *replay,
                 struct table *table, struct journal_tally *tally)
{
    static struct location room[JOURNAL_BLOCK_LOCATIONS_MAX];
    for (uint32_t i = 0; i < replay->count; i++) {
        const struct journal_entry *entry = &replay->entries[i];
        const struct disk_file *file = &disk->files[entry->file];
        struct journal_block block;
        uint16_t version;
        if (journal_block_read((struct span){file->bytes + entry->at, entry->bytes},
                               file->segment.id, &block, &version) == JOURNAL_FOUND_GOOD)
            journal_replay_block(replay, &block, room, table, tally);
        else
            tally->broken++;
    }
    if (tally->broken > 0 || replay->version != 0)
        sim_fail(sim, "a journal has broken blocks, or of version %u", replay->version);
}

/* As segments_trim does; what stays, or cannot be removed, is for the rotation. */
static void trim(struct sim_journal *journal, const struct journal_use *uses, uint32_t bytes)
{
    struct disk *disk = &journal->disk;
    uint64_t number = disk->count > 0 ? disk->files[disk->count - 1].segment.number : 0;
    uint32_t count = disk->count;
    journal_rotation_start(&journal->rotation, number, bytes);
    for (uint32_t i = 0, at = 0; i < count; i++) {
        struct journal_segment segment = disk->files[at].segment;
        if (!uses[i].is_needed && journal->state != SIM_DISK_FAILS) {
            disk_remove(disk, segment);
            continue;
        }
        if (journal->state != SIM_DISK_FAILS)
            disk_cut(disk, segment, uses[i].bytes);
        journal_rotation_add(&journal->rotation,
                             (struct journal_rotated){segment, uses[i].last, uses[i].bytes});
        at++;
    }
}

void journal_start(struct sim *sim, uint32_t index)
{
    struct node *node = &sim->nodes[index];
    struct sim_journal *journal = node->journal;
    if (journal == NULL || node->strange)
        return;
    struct table *table = flood_table(node->flood);
    struct journal_replay replay = {0};
    struct journal_tally tally = {0};
    suffer(sim, journal);
    sim->counters->starts_on_bad_disks += journal->state != SIM_DISK_WELL;
    struct journal_use *uses = world_memory(journal->disk.count, sizeof *uses);
    if (journal->disk.count > 0)
        replay.number = journal->disk.files[journal->disk.count - 1].segment.number;
    for (uint32_t i = journal->disk.count; i-- > 0;) {
        const struct disk_file *file = &journal->disk.files[i];
        struct journal_scan scan = {{file->bytes, file->used}, file->segment.id, 0};
        if (!journal_replay_add(&replay, i, scan, &uses[i]))
            break;
    }
    journal_replay_sort(&replay);
    fill(sim, &journal->disk, &replay, table, &tally);
    sim->counters->found += tally.taken;
    journal_plan_start(&journal->plan, sim->options.disks.pause_ms, &replay, &tally, table);
    journal->plan.turn_locations = 1 + rng_below(&journal->disk.rng, TURN_LOCATIONS_MAX);
    trim(journal, uses, sim->options.disks.segment_bytes);
    journal->made_us = WORLD_NEVER;
    free(uses);
    journal_replay_free(&replay);
    judge_found(sim, index);
    promises_restart(sim, index);
    journal->is_open = true;
    flood_mark(node->flood, &journal->plan.marks);
}

/* ---- The turn ---------------------------------------------------------------------------- */

static void end_batch(struct sim *sim, struct sim_journal *journal, bool is_synced)
{
    disk_write(&journal->disk, journal->batch_segment, journal->rotation.used, journal->batch,
               journal->batch_bytes, is_synced);
    sim->counters->torn += !is_synced;
    free(journal->batch);
    journal->batch = NULL;
}

static bool has_ended(const struct sim *sim, const struct sim_journal *journal, int64_t at_us)
{
    return at_us <= sim->now_us && journal->state != SIM_DISK_HANGS;
}

static bool is_failing(const struct sim_journal *journal)
{
    return journal->batch_fails || journal->state == SIM_DISK_FAILS;
}

static void take_result(struct sim *sim, struct node *node)
{
    struct sim_journal *journal = node->journal;
    if (journal->batch == NULL || !has_ended(sim, journal, journal->batch_us))
        return;
    bool is_synced = !is_failing(journal);
    end_batch(sim, journal, is_synced);
    if (!is_synced) {
        sim->counters->syncs_failed++;
        journal_rotation_failed(&journal->rotation);
        journal_plan_failed(&journal->plan);
        note_safe(sim, node);
        return;
    }
    sim->counters->syncs++;
    journal_rotation_synced(&journal->rotation, journal->batch_bytes);
    journal_plan_synced(&journal->plan);
    journal_rotation_keep(&journal->rotation, journal_plan_keeps(&journal->plan));
    note_synced(sim, journal);
    note_safe(sim, node);
}

/* What the maker's thread does. */
static void make(struct sim *sim, const struct node *node)
{
    struct sim_journal *journal = node->journal;
    struct journal_rotation *rotation = &journal->rotation;
    struct journal_segment segment;
    int64_t now_ms = node_clock_ms(sim, node);
    if (journal->state == SIM_DISK_HANGS)
        return;
    while (journal_rotation_removes(rotation, &segment)) {
        if (journal->state != SIM_DISK_FAILS)
            disk_remove(&journal->disk, segment);
        journal_rotation_removed(rotation);
        sim->counters->files_removed++;
    }
    if (journal->made_us <= sim->now_us && journal->state != SIM_DISK_WELL) {
        sim->counters->files_refused++;
        journal_rotation_not_made(rotation, now_ms);
        journal->made_us = WORLD_NEVER;
    } else if (journal->made_us <= sim->now_us) {
        disk_make(&journal->disk, journal->making);
        journal_rotation_made(rotation, journal->making);
        journal->made_us = WORLD_NEVER;
    }
    if (journal->made_us == WORLD_NEVER && journal_rotation_makes(rotation, now_ms)) {
        journal->making = (struct journal_segment){journal_rotation_next_number(rotation),
                                                   rng_next(&journal->disk.rng) | 1};
        journal->made_us = sim->now_us + rng_between(&journal->disk.rng, 1, MAKE_US_MAX);
    }
}

static void write_some(struct sim *sim, struct node *node)
{
    struct sim_journal *journal = node->journal;
    if (!journal_plan_begins(&journal->plan, node_clock_ms(sim, node)) ||
        !journal_rotation_choose(&journal->rotation))
        return;
    struct journal_segment segment = journal->rotation.current.segment;
    if (journal->rotation.used == 0 && !journal->plan.is_assembling)
        journal_plan_next_segment(&journal->plan);
    if (journal->room == NULL)
        journal->room = bytes_resize(NULL, JOURNAL_BATCH_BYTES);
    uint32_t bytes =
        journal_plan_write(&journal->plan, flood_table(node->flood), segment.id, journal->room);
    if (bytes == 0)
        return;
    journal_rotation_put(&journal->rotation, journal->plan.sequence);
    journal->batch = bytes_resize(journal->room, bytes);
    journal->room = NULL;
    journal->batch_bytes = bytes;
    journal->batch_segment = segment;
    note_batch(sim, journal);
    journal->batch_fails = rng_chance(&journal->disk.rng, sim->options.disks.fail_permille);
    journal->batch_us =
        sim->now_us + rng_between(&journal->disk.rng, 1, sim->options.disks.sync_us_max);
}

void journal_take_turn(struct sim *sim, uint32_t index)
{
    struct node *node = &sim->nodes[index];
    struct sim_journal *journal = node->journal;
    if (journal == NULL || !journal->is_open)
        return;
    if (flood_urges_disk(node->flood))
        journal_plan_urge(&journal->plan);
    take_result(sim, node);
    make(sim, node);
    if (journal_plan_wants_segment(&journal->plan, node_clock_ms(sim, node)) &&
        journal_rotation_leave(&journal->rotation))
        journal_plan_renew(&journal->plan);
    write_some(sim, node);
    make(sim, node); /* what that asked for */
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t journal_next_us(const struct sim *sim, uint32_t index)
{
    const struct node *node = &sim->nodes[index];
    const struct sim_journal *journal = node->journal;
    if (journal == NULL || !journal->is_open)
        return WORLD_NEVER;
    bool hangs = journal->state == SIM_DISK_HANGS;
    int64_t at_us = journal->batch != NULL && !hangs ? journal->batch_us : WORLD_NEVER;
    int64_t wake_ms = journal_plan_deadline_ms(&journal->plan);
    at_us = hangs ? at_us : least(at_us, journal->made_us);
    if (journal->rotation.wants_spare && journal->made_us == WORLD_NEVER && !hangs)
        wake_ms = least(wake_ms, journal->rotation.make_at_ms);
    if (wake_ms <= node_clock_ms(sim, node))
        return sim->now_us + 1;
    if (wake_ms != INT64_MAX)
        at_us = least(at_us, node_clock_reaches_us(sim, node, wake_ms));
    return at_us;
}

/* ---- The end ----------------------------------------------------------------------------- */

/* As journal_close does: what is due is written, unless the disk fails. */
static void write_all(struct sim *sim, struct node *node)
{
    struct sim_journal *journal = node->journal;
    for (int i = 0; i < CLOSE_BATCHES_MAX; i++) {
        if (journal->batch != NULL)
            journal->batch_us = sim->now_us;
        take_result(sim, node);
        if (journal_plan_lag(&journal->plan) == 0 || journal->batch != NULL)
            return;
        journal_plan_urge(&journal->plan);
        write_some(sim, node);
    }
}

void journal_end(struct sim *sim, uint32_t index, bool in_order)
{
    struct node *node = &sim->nodes[index];
    struct sim_journal *journal = node->journal;
    if (journal == NULL || !journal->is_open)
        return;
    for (uint32_t i = 0; i < sim->options.client_count; i++)
        watch_client(sim, index, i); /* some may be over */
    if (in_order)
        write_all(sim, node);
    if (journal->batch != NULL)
        end_batch(sim, journal, !is_failing(journal) && has_ended(sim, journal, journal->batch_us));
    sim->counters->ends_on_bad_disks += journal->state != SIM_DISK_WELL;
    if (journal->made_us != WORLD_NEVER && rng_chance(&journal->disk.rng, MADE_PERMILLE))
        disk_make(&journal->disk, journal->making);
    flood_mark(node->flood, NULL);
    free(journal->room);
    journal->room = NULL;
    journal_plan_free(&journal->plan);
    journal_rotation_free(&journal->rotation);
    journal->is_open = false;
}

/* ---- What was forgotten ----------------------------------------------------------------- */

static bool is_forgotten(const struct sim *sim, const struct node *node, uint32_t client)
{
    uint32_t record = node->holds[client];
    return record != WORLD_NO_RECORD && sim->records[record].location.position.len == 0;
}

static void judge_file(struct sim *sim, uint32_t index, const struct disk_file *file)
{
    static struct location room[JOURNAL_BLOCK_LOCATIONS_MAX];
    struct journal_scan scan = {{file->bytes, file->used}, file->segment.id, 0};
    struct journal_piece piece;
    while (journal_scan_next(&scan, &piece)) {
        if (piece.what != JOURNAL_FOUND_GOOD || !journal_block_locations(&piece.block, room))
            continue;
        for (uint32_t i = 0; i < piece.block.location_count; i++) {
            uint32_t client = records_client(sim, room[i].client);
            if (room[i].position.len > 0 && is_forgotten(sim, &sim->nodes[index], client))
                sim_fail(sim, "client %" PRIu32 " was forgotten, and is on the disk of %s", client,
                         sim->names[index]);
        }
    }
}

void sim_judge_forgotten(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->herd_count; i++) {
        const struct disk *disk = &sim->nodes[i].journal->disk;
        for (uint32_t file = 0; file < disk->count; file++)
            judge_file(sim, i, &disk->files[file]);
    }
}

/* ---- For stories ------------------------------------------------------------------------- */

void sim_set_disk(struct sim *sim, uint32_t index, enum sim_disk state)
{
    struct node *node = &sim->nodes[index];
    if (node->journal == NULL)
        return;
    node->journal->state = state;
    if (node->journal->is_open)
        node_wants_turn(sim, index, sim->now_us);
}

bool sim_journals_are_safe(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->herd_count; i++) {
        const struct sim_journal *journal = sim->nodes[i].journal;
        if (journal != NULL && journal_plan_lag(&journal->plan) > 0)
            return false;
    }
    return true;
}

bool journal_rots(const struct sim *sim, uint32_t index)
{
    return index > 0 && index + 1 == sim->herd_count;
}

void sim_restart_all(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->herd_count; i++) {
        struct sim_journal *journal = sim->nodes[i].journal;
        memcpy(journal->before, sim->nodes[i].holds,
               sim->options.client_count * sizeof *journal->before);
        sim_kill(sim, i);
    }
    for (uint32_t i = 0; i < sim->herd_count; i++) {
        sim->options.disks.flip_permille = journal_rots(sim, i) ? 1000 : 0;
        sim_start(sim, i);
    }
    sim->options.disks.flip_permille = 0;
}

/* Where the flipped bit is in a generation's end, what stands in a file that was removed counts,
 * too. */
static bool has_old_files(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->herd_count; i++)
        if (sim->nodes[i].journal->has_old_file)
            return true;
    return false;
}

/* What was above the ceiling and lost to something older is brought back by the flipped bit, and is
 * below the ceiling by now: so it wins, and all nodes hear of it. So is a client whom earlier flips
 * had taken from all nodes. */
static bool is_back(const struct sim *sim, uint32_t record, uint32_t before)
{
    if (before == WORLD_NO_RECORD)
        return has_old_files(sim);
    return record != WORLD_NO_RECORD && sim->records[record].has_lost &&
           record_newer(&sim->records[record].location, &sim->records[before].location);
}

void sim_judge_restart(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->herd_count; i++) {
        const struct node *node = &sim->nodes[i];
        int64_t horizon_ns = flood_time(node->flood, node_clock_ms(sim, node)).horizon_ns;
        for (uint32_t c = 0; c < sim->options.client_count; c++) {
            uint32_t before = node->journal->before[c];
            if (before != node->holds[c] && !is_back(sim, node->holds[c], before) &&
                (node->holds[c] != WORLD_NO_RECORD ||
                 sim->records[before].location.order_ns >= horizon_ns))
                sim_fail(sim, "%s does not hold client %" PRIu32 " as before the restart of all",
                         sim->names[i], c);
        }
    }
}
