#include "bus/journal/block.h"
#include "tests/check.h"
#include "tests/unit/sample_location.h"

#define ID UINT64_C(0x0123456789abcdef)

static char block_bytes[JOURNAL_BLOCK_BYTES_MAX];
static struct location locations[JOURNAL_BLOCK_LOCATIONS_MAX + 1];

static const struct journal_block changes = {.kind = JOURNAL_CHANGES, .sequence = 7};

static enum journal_found read_of(const char *at, size_t bytes, uint64_t id,
                                  struct journal_block *block)
{
    uint16_t version;
    char *copy = check_at_page_end(at, bytes);
    enum journal_found found = journal_block_read((struct span){copy, bytes}, id, block, &version);
    if (found == JOURNAL_FOUND_VERSION)
        CHECK_INT(version, 2);
    return found;
}

static size_t write_sample(const struct journal_block *head, uint32_t count)
{
    struct journal_draft draft = journal_draft_of(block_bytes);
    struct location sample = sample_location();
    for (uint32_t i = 0; i < count; i++)
        CHECK(journal_draft_add(&draft, &sample));
    return journal_draft_end(&draft, head, ID);
}

static void locations_come_back(void)
{
    struct journal_block block;
    struct location sample = sample_location();
    size_t bytes = write_sample(&changes, 2);
    CHECK_INT(bytes, JOURNAL_PAGE_BYTES);
    CHECK_INT(read_of(block_bytes, bytes, ID, &block), JOURNAL_FOUND_GOOD);
    CHECK_INT(block.kind, JOURNAL_CHANGES);
    CHECK_INT(block.sequence, 7);
    CHECK_INT(block.begin, 0);
    CHECK_INT(block.bytes, bytes);
    CHECK_INT(block.location_count, 2);
    CHECK(journal_block_locations(&block, locations));
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(span_equals(locations[i].client, sample.client));
        CHECK(location_compare(&locations[i], &sample) == 0);
    }
}

static void a_tombstone_comes_back(void)
{
    struct journal_draft draft = journal_draft_of(block_bytes);
    struct location sample = sample_location();
    struct journal_block block;
    sample.position.len = 0;
    CHECK(journal_draft_add(&draft, &sample));
    size_t bytes = journal_draft_end(&draft, &changes, ID);
    CHECK_INT(read_of(block_bytes, bytes, ID, &block), JOURNAL_FOUND_GOOD);
    CHECK(journal_block_locations(&block, locations));
    CHECK_INT(locations[0].position.len, 0);
}

/* One page, so that each of its bits can be tried. */
static void any_flipped_bit_makes_it_bad(void)
{
    struct journal_block block;
    uint16_t version;
    size_t bytes = write_sample(&changes, 2);
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        block_bytes[bit / 8] ^= (char)(1 << bit % 8);
        CHECK_INT(journal_block_read((struct span){block_bytes, bytes}, ID, &block, &version),
                  JOURNAL_FOUND_BAD);
        block_bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    CHECK_INT(read_of(block_bytes, bytes, ID, &block), JOURNAL_FOUND_GOOD);
}

static void any_cut_makes_it_bad(void)
{
    struct journal_block block;
    uint16_t version;
    size_t bytes = write_sample(&changes, 60);
    CHECK_INT(bytes, 2 * JOURNAL_PAGE_BYTES);
    for (size_t cut = 0; cut < bytes; cut++)
        CHECK_INT(journal_block_read((struct span){block_bytes, cut}, ID, &block, &version),
                  JOURNAL_FOUND_BAD);
    for (size_t cut = 0; cut < bytes; cut += 509)
        CHECK_INT(read_of(block_bytes, cut, ID, &block), JOURNAL_FOUND_BAD);
}

static void a_block_of_another_file_is_bad(void)
{
    struct journal_block block;
    size_t bytes = write_sample(&changes, 1);
    CHECK_INT(read_of(block_bytes, bytes, ID + 1, &block), JOURNAL_FOUND_BAD);
}

static void zeros_are_empty(void)
{
    struct journal_block block;
    memset(block_bytes, 0, sizeof block_bytes);
    CHECK_INT(read_of(block_bytes, JOURNAL_PAGE_BYTES, ID, &block), JOURNAL_FOUND_EMPTY);
    CHECK_INT(read_of(block_bytes, 3, ID, &block), JOURNAL_FOUND_EMPTY);
    block_bytes[JOURNAL_PAGE_BYTES - 1] = 1;
    CHECK_INT(read_of(block_bytes, JOURNAL_PAGE_BYTES, ID, &block), JOURNAL_FOUND_BAD);
}

static void full_at_4096_locations(void)
{
    struct journal_draft draft = journal_draft_of(block_bytes);
    struct location small = sample_location();
    struct journal_block block;
    small.client.len = small.position.len = small.stamp.len = small.origin.len = 1;
    for (uint32_t i = 0; i < JOURNAL_BLOCK_LOCATIONS_MAX; i++)
        CHECK(journal_draft_add(&draft, &small));
    CHECK(!journal_draft_add(&draft, &small));
    size_t bytes = journal_draft_end(&draft, &changes, ID);
    CHECK_INT(read_of(block_bytes, bytes, ID, &block), JOURNAL_FOUND_GOOD);
    CHECK_INT(block.location_count, JOURNAL_BLOCK_LOCATIONS_MAX);
    CHECK(journal_block_locations(&block, locations));
}

static void full_at_256_kib(void)
{
    static char text[LOCATION_TEXT_BYTES_MAX];
    static char name[LOCATION_ORIGIN_BYTES_MAX];
    memset(text, 'x', sizeof text);
    memset(name, 'n', sizeof name);
    struct location largest = sample_location();
    largest.client.len = largest.stamp.len = 1;
    largest.position = (struct span){text, sizeof text - 2};
    largest.origin = (struct span){name, sizeof name};
    CHECK(location_is_valid(&largest));
    struct journal_draft draft = journal_draft_of(block_bytes);
    for (int i = 0; i < 3; i++)
        CHECK(journal_draft_add(&draft, &largest));
    CHECK(!journal_draft_add(&draft, &largest));
    struct journal_block block;
    size_t bytes = journal_draft_end(&draft, &changes, ID);
    CHECK(bytes <= JOURNAL_BLOCK_BYTES_MAX);
    CHECK_INT(read_of(block_bytes, bytes, ID, &block), JOURNAL_FOUND_GOOD);
    CHECK(journal_block_locations(&block, locations));
    CHECK_INT(locations[2].position.len, sizeof text - 2);
}

/* The checksum of these is right: whoever wrote them was no node of this version. */
static void what_no_node_writes_is_bad(void)
{
    static const struct {
        const char *sentence;
        struct journal_block head;
        uint32_t count;
        enum journal_found found;
    } rows[] = {
        {"a begin", {JOURNAL_BEGIN, 1, 0, 0, 0, {0}}, 0, JOURNAL_FOUND_GOOD},
        {"an end", {JOURNAL_END, 9, 8, 0, 0, {0}}, 0, JOURNAL_FOUND_GOOD},
        {"the greatest sequence",
         {JOURNAL_CHUNK, JOURNAL_SEQUENCE_MAX, 0, 0, 0, {0}},
         1,
         JOURNAL_FOUND_GOOD},
        {"one greater",
         {JOURNAL_CHUNK, JOURNAL_SEQUENCE_MAX + 1, 0, 0, 0, {0}},
         1,
         JOURNAL_FOUND_BAD},
        {"none", {JOURNAL_CHUNK, 0, 0, 0, 0, {0}}, 1, JOURNAL_FOUND_BAD},
        {"no kind", {0, 1, 0, 0, 0, {0}}, 1, JOURNAL_FOUND_BAD},
        {"a kind too many", {JOURNAL_END + 1, 9, 8, 0, 0, {0}}, 0, JOURNAL_FOUND_BAD},
        {"an end before its begin", {JOURNAL_END, 9, 9, 0, 0, {0}}, 0, JOURNAL_FOUND_BAD},
        {"an end of nothing", {JOURNAL_END, 9, 0, 0, 0, {0}}, 0, JOURNAL_FOUND_BAD},
        {"an end with locations", {JOURNAL_END, 9, 8, 0, 0, {0}}, 1, JOURNAL_FOUND_BAD},
        {"changes that end", {JOURNAL_CHANGES, 9, 8, 0, 0, {0}}, 1, JOURNAL_FOUND_BAD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct journal_block block;
        size_t bytes = write_sample(&rows[i].head, rows[i].count);
        enum journal_found found = read_of(block_bytes, bytes, ID, &block);
        if (found != rows[i].found)
            printf("    %s\n", rows[i].sentence);
        CHECK_INT(found, rows[i].found);
    }
}

static void locations_that_break_a_rule_are_refused(void)
{
    struct journal_block block;
    struct location sample = sample_location();
    struct journal_draft draft = journal_draft_of(block_bytes);
    sample.client = span_of("two words");
    CHECK(journal_draft_add(&draft, &sample));
    size_t bytes = journal_draft_end(&draft, &changes, ID);
    CHECK_INT(read_of(block_bytes, bytes, ID, &block), JOURNAL_FOUND_GOOD);
    CHECK(!journal_block_locations(&block, locations));
    /* More are promised than stand there. */
    bytes = write_sample(&changes, 1);
    CHECK_INT(read_of(block_bytes, bytes, ID, &block), JOURNAL_FOUND_GOOD);
    CHECK(journal_block_locations(&block, locations));
    block.location_count = 2;
    CHECK(!journal_block_locations(&block, locations));
}

static const struct check_case cases[] = {
    {"what was written into a block is read from it", locations_come_back},
    {"a tombstone, which has no position, is read, too", a_tombstone_comes_back},
    {"a block of which any bit flipped is bad", any_flipped_bit_makes_it_bad},
    {"a block of which any bytes are missing is bad", any_cut_makes_it_bad},
    {"a block of another file is bad", a_block_of_another_file_is_bad},
    {"a page of zeros is empty, a page with one other bit is bad", zeros_are_empty},
    {"4,096 locations fit into a block and no more", full_at_4096_locations},
    {"three of the largest locations fit into a block and no more", full_at_256_kib},
    {"a right checksum does not make fields right", what_no_node_writes_is_bad},
    {"locations are what the bus takes, as many as are promised",
     locations_that_break_a_rule_are_refused},
};

CHECK_MAIN(cases)
