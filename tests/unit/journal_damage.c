/* A journal of a megabyte, as a plan writes it, and every damage that costs one thing: each bit
 * that flips, each byte at which a file ends or a write stopped, each file that is missing. The
 * node starts; and of each client it answers what is right, or what an earlier block says, or
 * nothing, and only where what was damaged had the right one.
 *
 * Only the block that was hit is read again for a single bit or byte, for what a journal gives
 * depends on which blocks are good; for each block that is lost all of it is read. */
#include "bus/journal/plan.h"
#include "tests/sim/rng.h"
#include "tests/unit/journal_disk.h"

#define CLIENTS       2000u
#define CHANGES_MAX   300u
#define JOURNAL_BYTES (1024u * 1024)
#define FILE_BYTES    (160u * 1024)
#define BLOCKS_MAX    400u
/* One bit in this many; with ZHERD_EVERY_BIT in the environment each one. */
#define BIT_STEP 29u
#define NONE     UINT32_MAX

struct block {
    uint32_t file, at, bytes;
    uint64_t sequence;
    uint32_t versions[CLIENTS]; /* 0: says nothing of the client */
};

static struct block blocks[BLOCKS_MAX];
static uint32_t block_count;
static uint32_t newest[CLIENTS];
static struct disk disk;

static uint32_t put(struct table *table, uint32_t client)
{
    char id[16], position[24], stamp[24];
    uint32_t version = ++newest[client], slot = 0;
    snprintf(id, sizeof id, "c%" PRIu32, client);
    snprintf(position, sizeof position, "+%" PRIu32 "+0", version);
    snprintf(stamp, sizeof stamp, "%" PRIu32 ".5", version);
    struct location location = {.client = span_of(id),
                                .position = span_of(position),
                                .stamp = span_of(stamp),
                                .origin = span_of("Clark"),
                                .order_ns = (int64_t)version * 1000000000};
    CHECK(!table_is_refusal(table_put(table, &location, table_ref(table, location.client), &slot)));
    return slot;
}

static void note_block(uint32_t file, const struct journal_piece *piece)
{
    static struct location locations[JOURNAL_BLOCK_LOCATIONS_MAX];
    struct block *block = &blocks[block_count++];
    *block = (struct block){.file = file,
                            .at = (uint32_t)piece->at,
                            .bytes = (uint32_t)piece->bytes,
                            .sequence = piece->block.sequence};
    CHECK(journal_block_locations(&piece->block, locations));
    for (uint32_t i = 0; i < piece->block.location_count; i++)
        block->versions[strtoul(locations[i].client.data + 1, NULL, 10)] =
            (uint32_t)strtoul(locations[i].position.data, NULL, 10);
}

static void note_blocks(void)
{
    for (uint32_t file = 0; file < disk.count; file++) {
        struct journal_scan scan = {
            {disk.files[file].at, disk.files[file].bytes}, DISK_ID(disk.files[file].number), 0};
        struct journal_piece piece;
        while (journal_scan_next(&scan, &piece)) {
            CHECK(piece.what == JOURNAL_FOUND_GOOD);
            note_block(file, &piece);
        }
    }
}

/* Two generations that ended, in files of which none was removed, and one that is open. */
static void write_journal(void)
{
    static char out[JOURNAL_BATCH_BYTES];
    struct rng rng = {16};
    struct table *table = table_new((const uint8_t[16]){2});
    struct journal_plan plan;
    size_t bytes = 0;
    journal_plan_start(&plan, 0, &(struct journal_replay){0}, &(struct journal_tally){0}, table);
    disk_file(&disk);
    while (bytes < JOURNAL_BYTES) {
        bool is_last = bytes + FILE_BYTES / 4 > JOURNAL_BYTES;
        for (uint32_t left = rng_below(&rng, CHANGES_MAX); left > 0; left--)
            marks_due(&plan.marks, put(table, rng_below(&rng, CLIENTS)));
        if (disk.files[disk.count - 1].bytes > FILE_BYTES)
            disk_file(&disk);
        if (is_last || (bytes > JOURNAL_BYTES / 2 && plan.keeps == 1))
            journal_plan_renew(&plan);
        if (!journal_plan_wants(&plan))
            continue;
        journal_plan_urge(&plan);
        uint32_t count = journal_plan_write(&plan, table, DISK_ID(disk.count), out);
        disk_append(&disk, out, count);
        journal_plan_synced(&plan);
        bytes += count;
    }
    CHECK_INT(journal_plan_lag(&plan), 0);
    journal_plan_free(&plan);
    table_destroy(&table);
    note_blocks();
}

static bool is_in(uint32_t i, uint32_t first, uint32_t end)
{
    return i >= first && i < end;
}

/* A client's answer where the blocks from `first` to before `end` are lost, and none below that
 * sequence counts. */
static void check_answer(uint32_t client, uint32_t answer, uint32_t first, uint32_t end,
                         uint64_t from)
{
    bool is_there = answer == 0, must_be_right = false;
    for (uint32_t i = 0; i < block_count; i++) {
        if (is_in(i, first, end) || blocks[i].versions[client] == 0)
            continue;
        is_there |= blocks[i].versions[client] == answer;
        must_be_right |= blocks[i].sequence >= from && blocks[i].versions[client] == newest[client];
    }
    CHECK(is_there);
    CHECK(!must_be_right || answer == newest[client]);
}

/* Reads all of it as a start does. */
static void check_start(uint32_t first, uint32_t end)
{
    struct journal_replay replay = disk_replay(&disk);
    struct journal_tally tally;
    struct table *table = disk_table(&disk, &replay, &tally);
    uint32_t count = 0;
    CHECK_INT(replay.version, 0);
    CHECK_INT(tally.broken, 0);
    for (uint32_t i = 0; i < block_count; i++)
        count += !is_in(i, first, end) && blocks[i].sequence >= replay.from;
    CHECK_INT(replay.count, count);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        char id[16];
        snprintf(id, sizeof id, "c%" PRIu32, i);
        const char *position = disk_position(table, id);
        uint32_t answer = position[0] == '?' ? 0 : (uint32_t)strtoul(position, NULL, 10);
        check_answer(i, answer, first, end, replay.from);
    }
    table_destroy(&table);
    journal_replay_free(&replay);
}

/* Whether something good is found in the first `count` bytes of a block's place, where `room` bytes
 * are there, up to the end of the file. */
static bool has_good(const struct block *block, const char *at, size_t room, size_t count)
{
    struct journal_scan scan = {{at, room}, DISK_ID(disk.files[block->file].number), 0};
    struct journal_piece piece;
    while (scan.at < count && journal_scan_next(&scan, &piece))
        if (piece.what == JOURNAL_FOUND_GOOD || piece.what == JOURNAL_FOUND_VERSION)
            return piece.at < count;
    return false;
}

static void all_is_right_without_damage(void)
{
    CHECK(block_count > 100 && disk.count > 5);
    check_start(NONE, NONE);
}

static void any_bit_costs_its_block(void)
{
    size_t step = getenv("ZHERD_EVERY_BIT") != NULL ? 1 : BIT_STEP;
    uint64_t unnoticed = 0;
    for (uint32_t i = 0; i < block_count; i++) {
        const struct block *block = &blocks[i];
        char *at = disk.files[block->file].at + block->at;
        size_t room = disk.files[block->file].bytes - block->at;
        for (size_t bit = i % step; bit < 8u * block->bytes; bit += step) {
            at[bit / 8] ^= (char)(1 << bit % 8);
            unnoticed += has_good(block, at, room, block->bytes);
            at[bit / 8] ^= (char)(1 << bit % 8);
        }
        at[0] ^= 1;
        check_start(i, i + 1);
        at[0] ^= 1;
    }
    CHECK_INT(unnoticed, 0);
}

/* The file ends with the cut, and what was before its block is read. */
static void any_end_of_a_file_costs_what_it_takes(void)
{
    for (uint32_t i = 0; i < block_count; i++) {
        const struct block *block = &blocks[i];
        struct disk_file *file = &disk.files[block->file];
        uint32_t end = i + 1, found = 0;
        size_t bytes = file->bytes;
        for (uint32_t cut = 0; cut < block->bytes; cut++)
            found += has_good(block, file->at + block->at, cut, cut);
        CHECK_INT(found, 0);
        while (end < block_count && blocks[end].file == block->file)
            end++;
        file->bytes = block->at + block->bytes / 2;
        check_start(i, end);
        file->bytes = bytes;
    }
}

/* A write stopped at any byte, and zeros follow: they were there before. */
static void any_byte_at_which_a_write_stops_costs_its_block(void)
{
    static char copy[JOURNAL_BLOCK_BYTES_MAX];
    uint32_t found = 0;
    for (uint32_t i = 0; i < block_count; i++) {
        const struct block *block = &blocks[i];
        bool is_torn = false;
        memcpy(copy, disk.files[block->file].at + block->at, block->bytes);
        for (uint32_t cut = block->bytes; cut-- > 0;) {
            if (copy[cut] == 0)
                continue; /* as it was */
            is_torn = true;
            copy[cut] = 0;
            found += has_good(block, copy, block->bytes, block->bytes);
        }
        CHECK(is_torn);
    }
    CHECK_INT(found, 0);
}

static void any_file_that_is_missing_costs_itself(void)
{
    for (uint32_t i = 0; i < disk.count; i++) {
        size_t bytes = disk.files[i].bytes;
        uint32_t first = 0, end;
        while (blocks[first].file < i)
            first++;
        for (end = first; end < block_count && blocks[end].file == i;)
            end++;
        disk.files[i].bytes = 0;
        check_start(first, end);
        disk.files[i].bytes = bytes;
    }
}

static const struct check_case cases[] = {
    {"without damage all answers are right", all_is_right_without_damage},
    {"any bit that flips costs its block", any_bit_costs_its_block},
    {"any byte at which a file ends costs what was after it",
     any_end_of_a_file_costs_what_it_takes},
    {"any byte at which a write stops costs its block",
     any_byte_at_which_a_write_stops_costs_its_block},
    {"any file that is missing costs itself", any_file_that_is_missing_costs_itself},
};

int main(void)
{
    write_journal();
    int status = check_run(cases, sizeof cases / sizeof *cases);
    disk_free(&disk);
    return status;
}
