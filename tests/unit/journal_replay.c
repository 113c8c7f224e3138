#include "tests/unit/journal_disk.h"

#include <xxhash.h>

/* Two generations in three files; the first one is over. */
static struct disk example(void)
{
    struct disk disk = {0};
    disk_file(&disk);
    disk_block(&disk, JOURNAL_BEGIN, 0, "");
    disk_block(&disk, JOURNAL_CHUNK, 0, "a=+1+1 b=+1+1");
    disk_block(&disk, JOURNAL_CHANGES, 0, "c=+2+2");
    disk_block(&disk, JOURNAL_END, 1, "");
    disk_file(&disk);
    disk_block(&disk, JOURNAL_CHANGES, 0, "gone=+5+5 a=+3+3"); /* 5 */
    disk_block(&disk, JOURNAL_BEGIN, 0, "");
    disk_block(&disk, JOURNAL_CHUNK, 0, "a=+3+3 b=+1+1");
    disk_file(&disk);
    disk_block(&disk, JOURNAL_CHANGES, 0, "c=+4+4 d=");
    disk_block(&disk, JOURNAL_END, 6, ""); /* 9 */
    disk_block(&disk, JOURNAL_CHANGES, 0, "b=+6+6");
    return disk;
}

static void check_positions(const struct disk *disk, const char *clients, const char *wanted)
{
    struct journal_replay replay = disk_replay(disk);
    struct journal_tally tally;
    struct table *table = disk_table(disk, &replay, &tally);
    char got[256] = "";
    for (const char *client = clients; *client != '\0'; client++) {
        const char one[2] = {*client, '\0'};
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s ", disk_position(table, one));
    }
    CHECK_BYTES(got, strlen(got), wanted, strlen(wanted));
    table_destroy(&table);
    journal_replay_free(&replay);
}

static void the_later_written_counts(void)
{
    struct disk disk = example();
    struct journal_replay replay = disk_replay(&disk);
    CHECK_INT(replay.from, 6);
    CHECK_INT(replay.last, 10);
    CHECK_INT(replay.count, 5);
    CHECK_INT(replay.missing, 0);
    CHECK_INT(replay.bad_runs, 0);
    CHECK_INT(replay.torn_runs, 0);
    journal_replay_free(&replay);
    check_positions(&disk, "abcd", "+3+3 +6+6 +4+4  ");
    disk_free(&disk);
}

static void of_a_block_the_last_counts(void)
{
    struct disk disk = {0};
    disk_file(&disk);
    disk_block(&disk, JOURNAL_CHANGES, 0, "a=+1+1 a=+2+2 a=+3+3");
    check_positions(&disk, "a", "+3+3 ");
    disk_free(&disk);
}

static void the_order_of_files_is_no_matter(void)
{
    struct disk disk = example();
    struct journal_replay replay = {0};
    for (uint32_t i = disk.count; i-- > 0;)
        disk_scan(&disk, i, &replay);
    journal_replay_sort(&replay);
    CHECK_INT(replay.count, 5);
    for (uint32_t i = 0; i < replay.count; i++)
        CHECK_INT(replay.entries[i].sequence, 10 - i);
    journal_replay_free(&replay);
    disk_free(&disk);
}

/* Of the example's files the second begins the generation that counts. */
static void older_files_need_not_be_read(void)
{
    struct disk disk = example();
    struct journal_replay replay = {0};
    for (uint32_t i = disk.count; i-- > 0;)
        CHECK(disk_scan(&disk, i, &replay) == (i == 2));
    journal_replay_free(&replay);
    disk_free(&disk);
}

static void a_generation_without_its_end_does_not_count(void)
{
    struct disk disk = example();
    disk.files[2].bytes = JOURNAL_PAGE_BYTES; /* after d's tombstone */
    struct journal_replay replay = disk_replay(&disk);
    CHECK_INT(replay.from, 1);
    CHECK_INT(replay.count, 8);
    journal_replay_free(&replay);
    check_positions(&disk, "abcd", "+3+3 +1+1 +4+4  ");
    disk_free(&disk);
}

static void without_any_end_all_counts(void)
{
    struct disk disk = {0};
    disk_file(&disk);
    disk_block(&disk, JOURNAL_CHANGES, 0, "a=+1+1");
    disk_block(&disk, JOURNAL_BEGIN, 0, "");
    disk_block(&disk, JOURNAL_CHANGES, 0, "b=+2+2");
    check_positions(&disk, "ab", "+1+1 +2+2 ");
    disk.files[0].at[0] ^= 1;
    struct journal_replay replay = disk_replay(&disk);
    CHECK_INT(replay.missing, 1);
    journal_replay_free(&replay);
    disk_free(&disk);
}

static void a_file_that_is_missing_costs_itself(void)
{
    static const char *const wanted[] = {
        "+3+3 +6+6 +4+4  ",                   /* the first one may go */
        "? +6+6 +4+4  ", "+3+3 +1+1 +2+2 ? ", /* the second generation has no end */
    };
    for (uint32_t i = 0; i < 3; i++) {
        struct disk disk = example();
        disk.files[i].bytes = 0;
        check_positions(&disk, "abcd", wanted[i]);
        disk_free(&disk);
    }
}

static void a_file_that_returns_changes_nothing(void)
{
    struct disk disk = example();
    struct journal_replay replay = disk_replay(&disk);
    struct journal_tally tally;
    struct table *table = disk_table(&disk, &replay, &tally);
    CHECK_BYTES(disk_position(table, "gone"), strlen(disk_position(table, "gone")), "?", 1);
    CHECK_INT(tally.taken, 4);
    CHECK_INT(tally.known, 1);
    table_destroy(&table);
    journal_replay_free(&replay);
    disk_free(&disk);
}

static void a_sequence_written_twice_is_of_the_later_file(void)
{
    struct disk disk = {0};
    disk_file(&disk);
    disk_block(&disk, JOURNAL_CHANGES, 0, "a=+1+1");
    disk_file(&disk);
    disk_block_of(&disk, JOURNAL_CHANGES, 1, 0, "a=+2+2");
    check_positions(&disk, "a", "+2+2 ");
    disk_free(&disk);
}

static void damage_is_counted_where_it_stands(void)
{
    struct disk disk = example();
    disk.files[0].at[JOURNAL_PAGE_BYTES] ^= 1;         /* amid a file */
    disk.files[2].at[3 * JOURNAL_PAGE_BYTES - 1] ^= 1; /* the last block of a file */
    disk_append(&disk, (const char[100]){0}, 100);     /* room not yet used */
    struct journal_replay replay = disk_replay(&disk);
    CHECK_INT(replay.bad_runs, 1);
    CHECK_INT(replay.torn_runs, 1);
    CHECK_INT(replay.bad_bytes, 2 * JOURNAL_PAGE_BYTES);
    CHECK_INT(replay.count, 4);
    journal_replay_free(&replay);
    disk_free(&disk);
}

static void what_is_missing_is_counted(void)
{
    struct disk disk = example();
    disk.files[1].at[2 * JOURNAL_PAGE_BYTES] ^= 1; /* 7, a chunk */
    disk.files[1].at[1 * JOURNAL_PAGE_BYTES] ^= 1; /* 6, its begin */
    struct journal_replay replay = disk_replay(&disk);
    CHECK_INT(replay.from, 6);
    CHECK_INT(replay.missing, 2);
    journal_replay_free(&replay);
    disk_free(&disk);
}

static uint64_t end_of(const struct disk *disk, uint64_t number, uint64_t *missing)
{
    struct journal_replay replay = disk_replay(disk);
    replay.number = number;
    uint64_t end = journal_replay_end(&replay);
    *missing = replay.missing;
    journal_replay_free(&replay);
    return end;
}

/* It may be readable again: then what was written since is the later all the same. */
static void what_could_not_be_read_keeps_its_sequences(void)
{
    const uint64_t number_max = JOURNAL_SEQUENCE_MAX / JOURNAL_SEGMENT_BLOCKS / 2;
    const uint64_t next = 2 * UINT64_C(16384);
    uint64_t missing;
    struct disk disk = {0};
    disk_file(&disk);
    disk_block(&disk, JOURNAL_CHANGES, 0, "a=+1+1");
    disk_block(&disk, JOURNAL_CHANGES, 0, "a=+2+2");
    CHECK_INT(end_of(&disk, 2, &missing), 2);
    disk.files[0].at[JOURNAL_PAGE_BYTES] ^= 1;
    CHECK_INT(end_of(&disk, 2, &missing), next);
    CHECK_INT(end_of(&disk, 0, &missing), 1);
    CHECK_INT(end_of(&disk, number_max, &missing), number_max * JOURNAL_SEGMENT_BLOCKS);
    CHECK_INT(end_of(&disk, number_max + 1, &missing), 1);
    disk_file(&disk);
    disk_block_of(&disk, JOURNAL_CHANGES, next + 1, 0, "a=+3+3");
    disk_block_of(&disk, JOURNAL_CHANGES, next + 2, 0, "b=+4+4");
    disk_block_of(&disk, JOURNAL_CHANGES, next + 3, 0, "b=+5+5");
    CHECK_INT(end_of(&disk, 2, &missing), next + 3);
    CHECK_INT(missing, 0);
    disk.files[1].at[JOURNAL_PAGE_BYTES] ^= 1;
    end_of(&disk, 2, &missing);
    CHECK_INT(missing, 1);
    disk.files[0].at[JOURNAL_PAGE_BYTES] ^= 1;
    check_positions(&disk, "ab", "+3+3 +5+5 ");
    disk_free(&disk);
}

static void another_version_is_no_damage(void)
{
    struct disk disk = example();
    char *at = disk.files[1].at;
    uint64_t checksum;
    at[16] = 2;
    struct journal_replay replay = disk_replay(&disk);
    CHECK_INT(replay.version, 0); /* its checksum is wrong */
    journal_replay_free(&replay);
    checksum = htole64(XXH3_64bits_withSeed(at + 8, JOURNAL_PAGE_BYTES - 8, DISK_ID(2)));
    memcpy(at, &checksum, sizeof checksum);
    replay = disk_replay(&disk);
    CHECK_INT(replay.version, 2);
    CHECK_INT(replay.bad_bytes, 0);
    journal_replay_free(&replay);
    disk_free(&disk);
}

/* A client sends a position in which a block of its own stands, where a page begins. */
static void no_text_is_taken_for_a_block(void)
{
    static char room[JOURNAL_BLOCK_BYTES_MAX], text[3 * JOURNAL_PAGE_BYTES];
    struct disk disk = {0}, forger = {0};
    disk_file(&forger);
    forger.files[0].number = 2;
    disk_block(&forger, JOURNAL_CHANGES, 0, "a=+9+9");
    memset(text, 'x', sizeof text);
    struct location location = {.client = span_of("b"),
                                .position = {text, sizeof text},
                                .stamp = span_of("1.5"),
                                .origin = span_of("Clark")};
    struct journal_draft draft = journal_draft_of(room);
    struct journal_block head = {.kind = JOURNAL_CHANGES, .sequence = 1};
    CHECK(journal_draft_add(&draft, &location));
    disk_file(&disk);
    size_t bytes = journal_draft_end(&draft, &head, DISK_ID(1));
    memcpy(room + JOURNAL_PAGE_BYTES, forger.files[0].at, JOURNAL_PAGE_BYTES);
    room[0] ^= 1; /* rots */
    disk_append(&disk, room, bytes);
    struct journal_replay replay = disk_replay(&disk);
    CHECK_INT(replay.count, 0);
    CHECK_INT(replay.bad_bytes, bytes);
    journal_replay_free(&replay);
    disk_free(&disk);
    disk_free(&forger);
}

/* Every block but one is found, whichever bit flips; and nothing says what no block said. */
static void any_flipped_bit_costs_one_block(void)
{
    struct disk disk = example();
    for (uint32_t i = 0; i < disk.count; i++)
        for (size_t bit = 0; bit < 8 * disk.files[i].bytes; bit += 1) {
            char *at = &disk.files[i].at[bit / 8];
            uint32_t found = 0;
            struct journal_scan scan = {
                {disk.files[i].at, disk.files[i].bytes}, DISK_ID(disk.files[i].number), 0};
            struct journal_piece piece;
            *at ^= (char)(1 << bit % 8);
            for (size_t end = 0; journal_scan_next(&scan, &piece); end = piece.at + piece.bytes) {
                CHECK(piece.at == end);
                found += piece.what == JOURNAL_FOUND_GOOD;
            }
            CHECK_INT(found, disk.files[i].bytes / JOURNAL_PAGE_BYTES - 1);
            *at ^= (char)(1 << bit % 8);
        }
    disk_free(&disk);
}

static void any_cut_costs_what_it_takes(void)
{
    struct disk disk = example();
    size_t bytes = disk.files[0].bytes;
    for (size_t cut = 0; cut <= bytes; cut++) {
        struct journal_replay replay = {0};
        disk.files[0].bytes = cut;
        disk_scan(&disk, 0, &replay);
        CHECK_INT(replay.count, cut / JOURNAL_PAGE_BYTES);
        CHECK_INT(replay.bad_bytes, cut % JOURNAL_PAGE_BYTES);
        journal_replay_free(&replay);
    }
    disk_free(&disk);
}

/* Appends a block of that many locations, or as many as fit. */
static void append_clients(struct disk *disk, uint64_t sequence, uint64_t count)
{
    static char room[JOURNAL_BLOCK_BYTES_MAX];
    struct journal_draft draft = journal_draft_of(room);
    struct journal_block head = {.kind = JOURNAL_CHANGES, .sequence = sequence};
    for (uint64_t i = 0; i < count; i++) {
        char client[32];
        snprintf(client, sizeof client, "client-%d-%d", (int)sequence, (int)i);
        struct location location = {.client = span_of(client),
                                    .position = span_of("+34.068930-118.445127"),
                                    .stamp = span_of("1621464827.959498503"),
                                    .origin = span_of("Clark"),
                                    .difference_ns = 263873386,
                                    .order_ns = INT64_C(1621464827959498503)};
        if (!journal_draft_add(&draft, &location))
            break;
    }
    disk_append(disk, room, journal_draft_end(&draft, &head, DISK_ID(1)));
}

/* How many flips, of each bit_step-th bit, did not make their block unreadable. The other blocks
 * are not looked at: they are separate pages, which the flip did not touch. */
static uint64_t flips_unnoticed(struct disk *disk, size_t bit_step)
{
    struct journal_replay replay = disk_replay(disk);
    uint64_t unnoticed = 0;
    for (uint32_t i = 0; i < replay.count; i++) {
        const struct journal_entry *entry = &replay.entries[i];
        char *at = disk->files[0].at + entry->at;
        for (size_t bit = 0; bit < 8u * entry->bytes; bit += bit_step) {
            struct journal_block block;
            uint16_t version;
            at[bit / 8] ^= (char)(1 << bit % 8);
            unnoticed += journal_block_read((struct span){at, entry->bytes}, DISK_ID(1), &block,
                                            &version) != JOURNAL_FOUND_BAD;
            at[bit / 8] ^= (char)(1 << bit % 8);
        }
    }
    CHECK(replay.count > 0);
    CHECK_INT(replay.bad_bytes, 0);
    journal_replay_free(&replay);
    return unnoticed;
}

static void flipped_bits_of_the_largest_block(void)
{
    struct disk disk = {0};
    disk_file(&disk);
    append_clients(&disk, 1, UINT64_MAX);
    CHECK_INT(disk.files[0].bytes, JOURNAL_BLOCK_BYTES_MAX);
    CHECK_INT(flips_unnoticed(&disk, 61), 0);
    disk_free(&disk);
}

static void names_are_read_byte_for_byte(void)
{
    static const struct {
        const char *name;
        uint64_t number;
    } rows[] = {
        {"000000000000001f-0123456789abcdef.blocks", 31},
        {"ffffffffffffffff-ffffffffffffffff.blocks", UINT64_MAX},
        {"0000000000000000-0123456789abcdef.blocks", 0},
        {"000000000000001f-0000000000000000.blocks", 0},
        {"000000000000001F-0123456789abcdef.blocks", 0},
        {"00000000000001f-0123456789abcdef.blocks", 0},
        {" 00000000000001f-0123456789abcdef.blocks", 0},
        {"000000000000001f-0123456789abcdef.block", 0},
        {"000000000000001f-0123456789abcdef.blocks~", 0},
        {"000000000000001f-0123456789abcdef.blocks.new", 0},
        {"lock", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct journal_segment segment;
        bool is_good = journal_segment_read_name(rows[i].name, &segment);
        CHECK(is_good == (rows[i].number != 0));
        if (is_good) {
            char name[JOURNAL_SEGMENT_NAME_BYTES];
            CHECK(segment.number == rows[i].number);
            journal_segment_name(segment, name);
            CHECK_BYTES(name, strlen(name), rows[i].name, strlen(rows[i].name));
        }
    }
}

static void an_origin_that_is_not_known_is_refused(void)
{
    struct disk disk = example();
    struct journal_replay replay = disk_replay(&disk);
    struct journal_tally tally;
    struct table *table = table_new((const uint8_t[16]){1});
    table_origin(table, span_of("Ada"));
    table_close_origins(table);
    disk_fill(&disk, &replay, table, &tally);
    CHECK_INT(tally.taken, 0);
    CHECK_INT(tally.refused, 5); /* of b both: where the newest is refused the older one is tried */
    CHECK_INT(table_count(table), 0);
    table_origin(table, span_of("Clark"));
    disk_fill(&disk, &replay, table, &tally);
    CHECK_INT(tally.refused, 0);
    CHECK_INT(table_count(table), 4);
    table_destroy(&table);
    journal_replay_free(&replay);
    disk_free(&disk);
}

/* Before any horizon is known all is taken; what is over is so with the first one. */
static void what_is_older_than_the_horizon_is_over_when_there_is_one(void)
{
    struct disk disk = example();
    struct journal_replay replay = disk_replay(&disk);
    struct journal_tally tally;
    struct table *table = disk_table(&disk, &replay, &tally);
    uint32_t freed[4];
    CHECK_INT(table_count(table), 4);
    CHECK(!table_set_horizon(table, INT64_C(1500000000) - 8)); /* c and d are of block 8 */
    while (table_is_sweeping(table))
        table_sweep(table, freed, 4);
    CHECK_INT(table_count(table), 3);
    CHECK_BYTES(disk_position(table, "b"), 1, "?", 1);
    CHECK(table_is_sound(table));
    table_destroy(&table);
    journal_replay_free(&replay);
    disk_free(&disk);
}

static const struct check_case cases[] = {
    {"of a client what was written later counts, whatever its order time",
     the_later_written_counts},
    {"in a block, too, the last one counts", of_a_block_the_last_counts},
    {"files may be read in any order", the_order_of_files_is_no_matter},
    {"files before the generation that counts need not be read", older_files_need_not_be_read},
    {"a generation without its end does not count, the one before does",
     a_generation_without_its_end_does_not_count},
    {"where no generation was ended all counts", without_any_end_all_counts},
    {"a file that is missing costs what stood in it", a_file_that_is_missing_costs_itself},
    {"a file that was removed and returns changes nothing", a_file_that_returns_changes_nothing},
    {"a sequence that was written twice is that of the later file",
     a_sequence_written_twice_is_of_the_later_file},
    {"what is unreadable is counted, amid a file and at its end",
     damage_is_counted_where_it_stands},
    {"sequences that are missing are counted, the first ones, too", what_is_missing_is_counted},
    {"what could not be read keeps its sequences", what_could_not_be_read_keeps_its_sequences},
    {"a location of an origin that is not known is refused, and counted",
     an_origin_that_is_not_known_is_refused},
    {"what is older than the horizon is over when there is one",
     what_is_older_than_the_horizon_is_over_when_there_is_one},
    {"another version counts where its checksum is right", another_version_is_no_damage},
    {"no text of a client is taken for a block", no_text_is_taken_for_a_block},
    {"any bit that flips costs the block in which it stands", any_flipped_bit_costs_one_block},
    {"any cut costs the blocks that it takes", any_cut_costs_what_it_takes},
    {"one bit of 61 of the largest block", flipped_bits_of_the_largest_block},
    {"names of segments are read byte for byte", names_are_read_byte_for_byte},
};

CHECK_MAIN(cases)
