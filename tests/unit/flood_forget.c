/* Tombstones: what FORGET makes of a client, and what brings it back. */
#include "bus/table/at_line.h"
#include "tests/unit/forget_rig.h"

static void who_is_forgotten_is_known_nowhere_and_comes_back_with_the_next_report(void)
{
    struct rig rig;
    struct location location;
    open_live(&rig, 3, "01 12", 0);
    CHECK_INT(report(&rig, 0, "kiwi", 0), FLOOD_STORED);
    pass(&rig, 100);
    CHECK_INT(forget(&rig, 2, "kiwi", &location), FLOOD_STORED);
    pass(&rig, 100);
    CHECK(!is_known_anywhere(&rig, "kiwi"));
    for (int node = 0; node < 3; node++)
        CHECK_INT(flood_clients(rig.node[node]), 1);
    CHECK_INT(report(&rig, 0, "kiwi", 0), FLOOD_STORED);
    pass(&rig, 100);
    CHECK(is_known_everywhere(&rig, "kiwi"));
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

static void only_a_client_that_is_known_as_a_position_is_forgotten(void)
{
    struct rig rig;
    struct location location;
    open_live(&rig, 1, "", 0);
    CHECK_INT(forget(&rig, 0, "kiwi", &location), FLOOD_UNKNOWN);
    CHECK_INT(report(&rig, 0, "kiwi", 0), FLOOD_STORED);
    CHECK_INT(forget(&rig, 0, "kiwi", &location), FLOOD_STORED);
    CHECK_INT(forget(&rig, 0, "kiwi", &location), FLOOD_UNKNOWN);
    rig_close(&rig);
}

static void nobody_is_forgotten_before_anothers_clock_was_heard(void)
{
    struct rig rig;
    struct location location;
    memset(off_ms, 0, sizeof off_ms);
    rig_open(&rig, 2, "01");
    rig.cut[0][1] = rig.cut[1][0] = true;
    live(&rig, 70);
    CHECK_INT(report(&rig, 0, "kiwi", 0), FLOOD_STORED);
    CHECK_INT(forget(&rig, 0, "kiwi", &location), FLOOD_UNKNOWN);
    rig.cut[0][1] = rig.cut[1][0] = false;
    live(&rig, 3);
    CHECK_INT(forget(&rig, 0, "kiwi", &location), FLOOD_STORED);
    rig_close(&rig);
}

/* T1: five seconds ahead cover what another node took with a stamp of the future; the stamp is the
 * herd's time, and keeps a queue of older reports out. */
static void a_tombstone_is_later_than_what_a_stamp_may_be_ahead(void)
{
    struct rig rig;
    struct location location;
    struct buffer line = {0};
    open_live(&rig, 1, "", 0);
    CHECK_INT(report(&rig, 0, "kiwi", 60 * SECOND), FLOOD_STORED);
    CHECK_INT(forget(&rig, 0, "kiwi", &location), FLOOD_STORED);
    CHECK_INT(location.order_ns - true_ns(&rig), 5 * SECOND + 1);
    CHECK_INT(location_stamp_ns(location.stamp), true_ns(&rig));
    CHECK_INT(location.difference_ns, 0);
    at_line_write(&line, &location);
    static const char wanted[] = "AT Ada +0.000000000 kiwi - 1782869003.000000000\n";
    CHECK_BYTES(line.data, line.len, wanted, sizeof wanted - 1);
    buffer_free(&line);
    CHECK_INT(report(&rig, 0, "plum", -SECOND), FLOOD_STORED);
    CHECK_INT(forget(&rig, 0, "plum", &location), FLOOD_STORED);
    CHECK_INT(location.order_ns - true_ns(&rig), 5 * SECOND);
    CHECK_INT(report(&rig, 0, "kiwi", -1), FLOOD_STALE);
    CHECK_INT(report(&rig, 0, "kiwi", 0), FLOOD_STALE);
    CHECK(!is_known(&rig, 0, "kiwi"));
    CHECK_INT(report(&rig, 0, "kiwi", 1), FLOOD_STORED);
    CHECK(is_known(&rig, 0, "kiwi"));
    rig_close(&rig);
}

/* What a wrong clock put above the ceiling is killed wherever it went, by a tombstone that is
 * above, too; and reports of now come through, by that one's known order. */
static void what_is_above_the_ceiling_is_forgotten_and_true_reports_come_through(void)
{
    struct rig rig;
    struct location location = place("kiwi", 0, "+1-1");
    open_live(&rig, 2, "01", 0);
    location.order_ns = true_ns(&rig) + 400 * SECOND; /* a node's with a clock gone wrong */
    CHECK_INT(flood_local(rig.node[1], &location), FLOOD_STORED);
    live(&rig, 1);
    struct location made;
    CHECK_INT(forget(&rig, 0, "kiwi", &made), FLOOD_STORED);
    CHECK_INT(made.order_ns, location.order_ns + 1);
    live(&rig, 1);
    CHECK(!is_known_anywhere(&rig, "kiwi"));
    CHECK_INT(report(&rig, 1, "kiwi", -2 * SECOND), FLOOD_STALE); /* a queue of older ones */
    CHECK_INT(report(&rig, 1, "kiwi", 0), FLOOD_STORED);
    live(&rig, 1);
    CHECK(is_known_everywhere(&rig, "kiwi"));
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

/* Where the herd's clocks are half against half the slower ones count: nobody is forgotten for
 * longer than they say. */
static void a_tombstone_is_dated_by_the_lower_median(void)
{
    struct rig rig;
    struct location made;
    open_live(&rig, 2, "01", 0);
    off_ms[1] = 86400000;
    live(&rig, 70);
    CHECK_INT(report(&rig, 0, "kiwi", 0), FLOOD_STORED);
    live(&rig, 1);
    CHECK_INT(forget(&rig, 1, "kiwi", &made), FLOOD_STORED);
    CHECK(made.order_ns - true_ns(&rig) <= 7 * SECOND);
    rig_close(&rig);
}

static bool holds(const void *memory, size_t bytes, const char *text)
{
    return memmem(memory, bytes, text, strlen(text)) != NULL;
}

/* In whatever form the table had it: plain, or as text. */
static void the_old_text_is_wiped_from_memory(void)
{
    struct rig rig;
    struct location made, location;
    open_live(&rig, 1, "", 0);
    static const char *const ids[] = {"kiwi", "an-id-that-is-longer-than-twenty-bytes"};
    for (size_t i = 0; i < 2; i++) {
        location = place(ids[i], true_ns(&rig), "in-the-garden-of-the-old-house");
        CHECK_INT(flood_local(rig.node[0], &location), FLOOD_STORED);
        struct location held;
        CHECK(flood_find(rig.node[0], span_of(ids[i]), &held));
        const char *at = held.position.data; /* its block is one of the table's */
        char *copy = malloc(held.position.len);
        CHECK(holds(at, held.position.len, "garden"));
        CHECK_INT(forget(&rig, 0, ids[i], &made), FLOOD_STORED);
        if (i == 1) { /* it is a text still, in the same block */
            memcpy(copy, at, held.position.len);
            CHECK(!holds(copy, held.position.len, "garden"));
            CHECK(!holds(copy, held.position.len, "house"));
        }
        free(copy);
    }
    rig_close(&rig);
}

/* What it held of the client is to leave its files, too, wherever that was said. */
static void a_journal_has_to_write_a_tombstone(void)
{
    struct rig rig;
    struct location location;
    struct marks marks[2] = {{.has_tombstone = false}};
    open_live(&rig, 2, "01", 0);
    flood_mark(rig.node[0], &marks[0]);
    flood_mark(rig.node[1], &marks[1]);
    CHECK_INT(report(&rig, 0, "plum", 0), FLOOD_STORED);
    CHECK_INT(report(&rig, 0, "kiwi", 0), FLOOD_STORED);
    pass(&rig, 100);
    for (int node = 0; node < 2; node++) {
        CHECK(!marks[node].has_tombstone);
        CHECK_INT(marks[node].due.count, 2);
        marks_free(&marks[node]);
    }
    CHECK_INT(forget(&rig, 1, "kiwi", &location), FLOOD_STORED);
    pass(&rig, 100);
    for (int node = 0; node < 2; node++) {
        CHECK(marks[node].has_tombstone);
        CHECK_INT(marks[node].due.count, 1);
        marks_free(&marks[node]);
    }
    rig_close(&rig);
}

/* An id leaves a tombstone's stamp as little room as it leaves a position and a stamp. */
static void beside_a_long_id_a_tombstone_has_no_decimals(void)
{
    static char id[LOCATION_TEXT_BYTES_MAX];
    static const struct {
        size_t left; /* by the id */
        enum flood_outcome outcome;
        size_t stamp_bytes;
    } table[] = {
        {20, FLOOD_STORED, 20}, {19, FLOOD_STORED, 10}, {10, FLOOD_STORED, 10}, {9, FLOOD_FULL, 0}};
    memset(id, 'i', sizeof id);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct rig rig;
        struct location made, location = place("i", 0, "+1-1");
        open_live(&rig, 2, "01", 0);
        location.client = (struct span){id, sizeof id - table[i].left};
        location.stamp = span_of("1");
        location.order_ns = true_ns(&rig);
        CHECK_INT(flood_local(rig.node[0], &location), FLOOD_STORED);
        CHECK_INT(
            flood_forget(rig.node[0], location.client, wall_ns(&rig, 0) + 7, rig.now_ms, &made),
            table[i].outcome);
        if (table[i].outcome == FLOOD_STORED) {
            CHECK_INT(made.stamp.len, table[i].stamp_bytes);
            CHECK_INT(location_stamp_ns(made.stamp) + made.difference_ns, wall_ns(&rig, 0) + 7);
        }
        CHECK_INT(flood_count(rig.node[0])->bytes_refused, table[i].outcome == FLOOD_FULL);
        live(&rig, 3);
        CHECK(flood_is_sound(rig.node[0]) && flood_is_sound(rig.node[1]) && all_equal(&rig));
        CHECK(flood_find(rig.node[1], location.client, &made) == (table[i].outcome == FLOOD_FULL));
        rig_close(&rig);
    }
}

static const struct check_case cases[] = {
    {"who is forgotten is known nowhere, and comes back with the next report",
     who_is_forgotten_is_known_nowhere_and_comes_back_with_the_next_report},
    {"only a client that is known as a position is forgotten",
     only_a_client_that_is_known_as_a_position_is_forgotten},
    {"beside a long id a tombstone has no decimals, and beside one that no line holds there is "
     "none",
     beside_a_long_id_a_tombstone_has_no_decimals},
    {"nobody is forgotten before another's clock was heard",
     nobody_is_forgotten_before_anothers_clock_was_heard},
    {"a tombstone is later than what a stamp may be ahead",
     a_tombstone_is_later_than_what_a_stamp_may_be_ahead},
    {"what is above the ceiling is forgotten, and true reports come through",
     what_is_above_the_ceiling_is_forgotten_and_true_reports_come_through},
    {"a tombstone is dated by the lower median", a_tombstone_is_dated_by_the_lower_median},
    {"a journal has to write a tombstone", a_journal_has_to_write_a_tombstone},
    {"the old text is wiped from memory", the_old_text_is_wiped_from_memory},
};

CHECK_MAIN(cases)
