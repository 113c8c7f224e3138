/* Which segment is written, made and removed, and what that takes on the disk. */
#include "bus/journal/rotation.h"

#include "bus/journal/plan.h"
#include "tests/check.h"
#include "tests/sim/rng.h"

#define SEGMENT_BYTES (2 * JOURNAL_BATCH_BYTES)
#define MIB           (1024.0 * 1024)

static struct journal_rotation rotation;

static void begin(void)
{
    journal_rotation_start(&rotation, 7, SEGMENT_BYTES);
}

/* As soon as one is wanted. */
static void make(void)
{
    if (!journal_rotation_makes(&rotation, 0))
        return;
    uint64_t number = journal_rotation_next_number(&rotation);
    journal_rotation_made(&rotation, (struct journal_segment){number, number + 100});
}

static void write_batch(uint64_t sequence, uint32_t bytes)
{
    CHECK(journal_rotation_choose(&rotation));
    journal_rotation_put(&rotation, sequence);
    journal_rotation_synced(&rotation, bytes);
}

static void a_segment_is_made_in_advance(void)
{
    begin();
    CHECK(!journal_rotation_choose(&rotation));
    CHECK(journal_rotation_makes(&rotation, 0));
    make();
    CHECK(!journal_rotation_makes(&rotation, 0));
    write_batch(1, SEGMENT_BYTES / 2);
    CHECK_INT(rotation.current.segment.number, 8);
    CHECK(!journal_rotation_makes(&rotation, 0)); /* half of it is not more than half */
    write_batch(2, 1);
    CHECK(journal_rotation_makes(&rotation, 0));
    make();
    CHECK_INT(rotation.spare.segment.number, 9);
    CHECK(journal_rotation_choose(&rotation)); /* the next batch might not fit */
    CHECK_INT(rotation.current.segment.number, 9);
    CHECK_INT(rotation.used, 0);
    CHECK_INT(rotation.old_count, 1);
    CHECK_INT(rotation.old[0].last, 2);
    journal_rotation_free(&rotation);
}

static void one_that_could_not_be_made_is_tried_later(void)
{
    begin();
    CHECK_INT(journal_rotation_next_number(&rotation), 8);
    journal_rotation_not_made(&rotation, 5000);
    CHECK(!journal_rotation_makes(&rotation, 5000 + JOURNAL_RETRY_MS - 1));
    CHECK(journal_rotation_makes(&rotation, 5000 + JOURNAL_RETRY_MS));
    CHECK_INT(journal_rotation_next_number(&rotation), 9);
    journal_rotation_free(&rotation);
}

static void a_segment_of_a_failed_batch_is_left(void)
{
    struct journal_segment segment;
    uint32_t bytes;
    begin();
    make();
    write_batch(1, 4096);
    CHECK(journal_rotation_choose(&rotation));
    journal_rotation_put(&rotation, 2);
    journal_rotation_failed(&rotation);
    CHECK(!journal_rotation_choose(&rotation)); /* no spare: the first is not half full */
    make();
    CHECK(journal_rotation_choose(&rotation));
    CHECK_INT(rotation.current.segment.number, 9);
    CHECK(journal_rotation_cuts(&rotation, &segment, &bytes));
    CHECK_INT(segment.number, 8);
    CHECK_INT(bytes, 4096); /* the failed batch is none of it */
    journal_rotation_was_cut(&rotation);
    CHECK(!journal_rotation_cuts(&rotation, &segment, &bytes));
    journal_rotation_free(&rotation);
}

static void segments_go_from_the_oldest_on(void)
{
    struct journal_segment segment;
    uint32_t bytes;
    begin();
    for (uint64_t i = 1; i <= 3; i++)
        journal_rotation_add(&rotation, (struct journal_rotated){{i, i + 100}, 10 * i, 4096});
    CHECK(!journal_rotation_cuts(&rotation, &segment, &bytes));
    journal_rotation_keep(&rotation, 10);
    CHECK(!journal_rotation_removes(&rotation, &segment));
    journal_rotation_keep(&rotation, 21);
    for (uint64_t i = 1; i <= 2; i++) {
        CHECK(journal_rotation_removes(&rotation, &segment));
        CHECK_INT(segment.number, i);
        journal_rotation_removed(&rotation);
    }
    CHECK(!journal_rotation_removes(&rotation, &segment));
    CHECK_INT(rotation.old_count, 1);
    CHECK(!journal_rotation_cuts(&rotation, &segment, &bytes));
    /* The next one that is left is cut, and no other. */
    make();
    write_batch(40, 8192);
    CHECK(!journal_rotation_leave(&rotation));
    make();
    CHECK(journal_rotation_leave(&rotation));
    CHECK(journal_rotation_cuts(&rotation, &segment, &bytes));
    CHECK_INT(segment.number, 8);
    CHECK_INT(bytes, 8192);
    journal_rotation_free(&rotation);
}

/* ---- what all of it takes ---- */

/* A node and its disk, of which only the sizes count. */
struct node {
    struct table *table;
    struct journal_plan plan;
    struct rng rng;
    uint32_t clients;
    uint64_t snapshot_bytes; /* of the blocks of one generation that nothing changes in */
    uint64_t bytes_max;      /* that it had on the disk at any moment */
};

static char out[JOURNAL_BATCH_BYTES];

static void put_all(struct node *node, uint32_t text_bytes)
{
    static char position[65536];
    memset(position, '1', text_bytes);
    memcpy(position, "+1.", 3);
    memcpy(position + text_bytes - 2, "-1", 2);
    for (uint32_t i = 0; i < node->clients; i++) {
        char id[16];
        uint32_t slot;
        snprintf(id, sizeof id, "c%" PRIu32, i);
        struct location location = {.client = span_of(id),
                                    .position = {position, text_bytes},
                                    .stamp = span_of("1.5"),
                                    .origin = span_of("Clark"),
                                    .order_ns = 1500000000};
        struct table_ref ref = table_ref(node->table, location.client);
        CHECK(!table_is_refusal(table_put(node->table, &location, ref, &slot)));
    }
}

/* Allocated: a segment in full until it is left, and then what is in it. */
static void measure(struct node *node)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < rotation.old_count; i++)
        bytes += rotation.old[i].bytes;
    bytes += rotation.current.segment.id != 0 ? rotation.segment_bytes : 0;
    bytes += rotation.spare.segment.id != 0 ? rotation.segment_bytes : 0;
    if (bytes > node->bytes_max)
        node->bytes_max = bytes;
}

/* A batch, as bus/disk/journal.c has it, on a disk that is quick. */
static uint32_t turn(struct node *node)
{
    struct journal_segment segment;
    while (journal_rotation_removes(&rotation, &segment))
        journal_rotation_removed(&rotation);
    make();
    measure(node);
    if (!journal_plan_wants(&node->plan) || !journal_rotation_choose(&rotation))
        return 0;
    if (rotation.used == 0)
        journal_plan_next_segment(&node->plan);
    journal_plan_urge(&node->plan);
    uint32_t bytes = journal_plan_write(&node->plan, node->table, rotation.current.segment.id, out);
    journal_rotation_put(&rotation, node->plan.sequence);
    journal_rotation_synced(&rotation, bytes);
    journal_plan_synced(&node->plan);
    journal_rotation_keep(&rotation, journal_plan_keeps(&node->plan));
    return bytes;
}

static void change(struct node *node, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        marks_due(&node->plan.marks, rng_below(&node->rng, node->clients));
}

/* As many changes as a batch takes, none, or some, in phases of their own. */
static void live(struct node *node, uint32_t text_bytes)
{
    uint32_t full = JOURNAL_BATCH_BYTES / text_bytes, left = 0, some = 0;
    uint64_t until = 5 * node->snapshot_bytes + 6 * (uint64_t)rotation.segment_bytes, written = 0;
    while (written < until) {
        if (left-- == 0) {
            static const uint32_t shares[] = {1, 1, 3, 20};
            some = full / shares[rng_below(&node->rng, 4)];
            left = rng_below(&node->rng, 400);
        }
        change(node, some);
        written += turn(node);
    }
}

static void three_snapshots_and_two_segments_are_enough(void)
{
    static const struct {
        uint32_t clients, text_bytes;
    } rows[] = {{10, 300}, {6000, 10000}, {13000, 10000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct node node = {
            .table = table_new((const uint8_t[16]){2}), .rng = {i + 1}, .clients = rows[i].clients};
        static const struct journal_replay nothing;
        static const struct journal_tally nothing_read;
        put_all(&node, rows[i].text_bytes);
        journal_plan_start(&node.plan, 0, &nothing, &nothing_read, node.table);
        journal_rotation_start(&rotation, 0, JOURNAL_SEGMENT_BYTES);
        make();
        while (node.plan.keeps == 0)
            node.snapshot_bytes += turn(&node);
        live(&node, rows[i].text_bytes);
        double segments = ((double)node.bytes_max - 3.0 * (double)node.snapshot_bytes) /
                          (double)JOURNAL_SEGMENT_BYTES;
        printf(
            "    %.1f MiB a snapshot: %.1f MiB on the disk at most, 3 of them and %.2f segments\n",
            (double)node.snapshot_bytes / MIB, (double)node.bytes_max / MIB, segments);
        CHECK(segments <= 2);
        journal_plan_free(&node.plan);
        journal_rotation_free(&rotation);
        table_destroy(&node.table);
    }
}

static void kinds_of_file_systems(void)
{
    static const struct {
        uint32_t type;
        const char *says; /* NULL: nothing */
    } rows[] = {
        {0x01021994, "in memory"},
        {0x858458f6, "in memory"},
        {0x794c7630, "container's own layer"},
        {0x00006969, "network"},
        {0xff534d42, "network"},
        {0xfe534d42, "network"},
        {0x00c36400, "network"},
        {0x0000ef53, NULL} /* ext4 */,
        {0x58465342, NULL} /* XFS */,
        {0x9123683e, NULL} /* Btrfs */,
        {0x2fc12fc1, NULL} /* ZFS */,
        {0, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *says = journal_rotation_place(rows[i].type);
        CHECK((says == NULL) == (rows[i].says == NULL));
        CHECK(says == NULL || strstr(says, rows[i].says) != NULL);
    }
}

static void a_limit_counts_below_a_segment(void)
{
    CHECK(journal_rotation_limit(JOURNAL_SEGMENT_BYTES) == NULL);
    CHECK(journal_rotation_limit(UINT64_MAX) == NULL);
    CHECK(journal_rotation_limit(JOURNAL_SEGMENT_BYTES - 1) != NULL);
    CHECK(strstr(journal_rotation_limit(0), "RLIMIT_FSIZE") != NULL);
}

static const struct check_case cases[] = {
    {"a segment is made in advance, while another is half full", a_segment_is_made_in_advance},
    {"one that could not be made is tried later", one_that_could_not_be_made_is_tried_later},
    {"a segment of which a batch failed is left, and cut", a_segment_of_a_failed_batch_is_left},
    {"segments go from the oldest on", segments_go_from_the_oldest_on},
    {"file systems that forget, or that are not here, are named", kinds_of_file_systems},
    {"a limit of files counts where it is below a segment", a_limit_counts_below_a_segment},
    {"three snapshots and two segments are enough", three_snapshots_and_two_segments_are_enough},
};

CHECK_MAIN(cases)
