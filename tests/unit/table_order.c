/* Who wins in a table under wrong clocks: the bump, and what is above the herd's ceiling. */
#include "bus/table/table.h"
#include "tests/check.h"

#define CEILING INT64_C(1000000000000)

static const uint8_t key[16] = {1, 2, 3};

static struct table *make(int64_t ceiling_ns)
{
    struct table *table = table_new(key);
    table_origin(table, span_of("Ada"));
    table_set_ceiling(table, ceiling_ns);
    return table;
}

static struct location kiwi(const char *stamp, int64_t order_ns)
{
    return (struct location){.client = span_of("kiwi"),
                             .position = span_of("+1-1"),
                             .stamp = span_of(stamp),
                             .origin = span_of("Ada"),
                             .difference_ns = 7,
                             .order_ns = order_ns};
}

static enum table_outcome put(struct table *table, const struct location *location)
{
    uint32_t slot;
    return table_put(table, location, table_ref(table, location->client), &slot);
}

/* As an own client's. */
static enum table_outcome take(struct table *table, struct location *location)
{
    uint32_t slot;
    struct table_ref ref = table_ref(table, location->client);
    enum table_outcome outcome = table_put_known(table, location, 0, ref, &slot);
    return outcome == TABLE_UNKNOWN ? table_put_unknown(table, location, 0, ref, &slot) : outcome;
}

static bool holds(const struct table *table, const struct location *wanted)
{
    char text[PACKED_TEXT_BYTES_MAX];
    struct location held;
    table_read(table, 0, text, &held);
    return location_compare(&held, wanted) == 0 && table_is_sound(table);
}

/* All clocks of the herd were set back: what follows has a greater stamp and a lesser order time.
 */
static void a_later_report_wins_whatever_the_clocks_do(void)
{
    struct table *table = make(CEILING);
    struct location first = kiwi("500", 400), later = kiwi("500.000000001", 100);
    struct location latest = kiwi("501", 401), own = kiwi("502", 400);
    CHECK_INT(put(table, &first), TABLE_NEW);
    CHECK_INT(take(table, &later), TABLE_NEWER);
    CHECK_INT(later.order_ns, 401);
    CHECK(holds(table, &later));
    CHECK_INT(take(table, &latest), TABLE_NEWER); /* the same order time is lesser, too */
    CHECK_INT(latest.order_ns, 402);
    CHECK(holds(table, &latest));
    CHECK_INT(take(table, &own), TABLE_NEWER);
    CHECK_INT(own.order_ns, 403);
    CHECK(holds(table, &own));
    table_destroy(&table);
}

static void an_equal_or_earlier_stamp_is_no_later_report(void)
{
    struct table *table = make(CEILING);
    struct location first = kiwi("500.5", 400);
    CHECK_INT(put(table, &first), TABLE_NEW);
    static const char *const stamps[] = {"500.5", "500.50", "0500.5", "500.5000000009",
                                         "500.4", "99.9",   "never"};
    for (size_t i = 0; i < sizeof stamps / sizeof *stamps; i++) {
        struct location again = kiwi(stamps[i], 400);
        CHECK_INT(take(table, &again), TABLE_OLDER);
        CHECK_INT(again.order_ns, 400);
        CHECK(holds(table, &first));
    }
    table_destroy(&table);
}

/* Stamps are compared as numbers, not as texts, and in whatever form they are kept. */
static void stamps_are_compared_as_numbers(void)
{
    static const char *const pairs[][2] = {
        {"9", "10"},    {"010", "11"},          {"10", "0000011"},
        {"never", "0"}, {"5.25000000001", "6"}, {"5.9", "5.99"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct table *table = make(CEILING);
        struct location first = kiwi(pairs[i][0], 400), later = kiwi(pairs[i][1], 7);
        CHECK_INT(put(table, &first), TABLE_NEW);
        CHECK_INT(take(table, &later), TABLE_NEWER);
        CHECK_INT(later.order_ns, 401);
        CHECK(holds(table, &later));
        struct location back = kiwi(pairs[i][0], 7);
        CHECK_INT(take(table, &back), TABLE_OLDER);
        table_destroy(&table);
    }
}

/* What a node of the herd said is not changed by others, however late its stamp is. */
static void a_received_location_is_never_bumped(void)
{
    struct table *table = make(CEILING);
    struct location first = kiwi("500", 400), later = kiwi("501", 399);
    CHECK_INT(put(table, &first), TABLE_NEW);
    CHECK_INT(put(table, &later), TABLE_OLDER);
    CHECK(holds(table, &first));
    table_destroy(&table);
}

/* The one above was taken by a clock gone wrong. It is stored where nothing else is known. */
static void the_first_true_report_beats_what_is_above_the_ceiling(void)
{
    for (int is_own = 0; is_own <= 1; is_own++) {
        struct table *table = make(CEILING);
        struct location above = kiwi("7000000000", CEILING + 1), truth = kiwi("900", CEILING);
        CHECK_INT(put(table, &above), TABLE_NEW);
        CHECK(holds(table, &above));
        CHECK_INT(is_own ? take(table, &truth) : put(table, &truth), TABLE_NEWER);
        CHECK_INT(truth.order_ns, CEILING);
        CHECK(holds(table, &truth));
        CHECK_INT(is_own ? take(table, &above) : put(table, &above), TABLE_OLDER);
        CHECK_INT(above.order_ns, CEILING + 1);
        CHECK(holds(table, &truth));
        CHECK_INT(put(table, &truth), TABLE_SAME);
        table_destroy(&table);
    }
}

static void above_the_ceiling_the_greater_order_time_wins(void)
{
    for (int is_own = 0; is_own <= 1; is_own++) {
        struct table *table = make(CEILING);
        struct location low = kiwi("1", CEILING + 1), high = kiwi("1", CEILING + 2);
        struct location later = kiwi("2", CEILING + 2);
        CHECK_INT(put(table, &low), TABLE_NEW);
        CHECK_INT(is_own ? take(table, &high) : put(table, &high), TABLE_NEWER);
        CHECK_INT(is_own ? take(table, &low) : put(table, &low), TABLE_OLDER);
        CHECK_INT(is_own ? take(table, &high) : put(table, &high),
                  is_own ? TABLE_OLDER : TABLE_SAME);
        /* A report of one's own is not bumped above what no clock should have given. */
        CHECK_INT(take(table, &later), TABLE_OLDER);
        CHECK(holds(table, &high));
        table_destroy(&table);
    }
}

static void no_bump_goes_above_the_ceiling(void)
{
    struct table *table = make(CEILING);
    struct location first = kiwi("500", CEILING), later = kiwi("501", 100);
    CHECK_INT(put(table, &first), TABLE_NEW);
    CHECK_INT(take(table, &later), TABLE_OLDER);
    CHECK_INT(later.order_ns, 100);
    table_set_ceiling(table, CEILING + 1);
    CHECK_INT(take(table, &later), TABLE_NEWER);
    CHECK_INT(later.order_ns, CEILING + 1);
    CHECK(holds(table, &later));
    table_destroy(&table);
    /* Without a ceiling the greatest order time is one. */
    table = make(INT64_MAX);
    first = kiwi("500", LOCATION_ORDER_NS_MAX);
    CHECK_INT(put(table, &first), TABLE_NEW);
    CHECK_INT(take(table, &later), TABLE_OLDER);
    table_destroy(&table);
}

/* Such a one has the later stamp, and is not made to fit. */
static void one_above_the_ceiling_is_not_lowered(void)
{
    struct table *table = make(CEILING);
    struct location known = kiwi("500", CEILING - 5), above = kiwi("501", CEILING + 1);
    CHECK_INT(put(table, &known), TABLE_NEW);
    CHECK_INT(take(table, &above), TABLE_OLDER);
    CHECK_INT(above.order_ns, CEILING + 1);
    CHECK(holds(table, &known));
    table_destroy(&table);
}

/* As the ceiling moves on, what was above becomes as good as any. */
static void the_ceiling_moves(void)
{
    struct table *table = make(CEILING);
    struct location above = kiwi("1", CEILING + 10), below = kiwi("2", CEILING);
    CHECK_INT(put(table, &above), TABLE_NEW);
    table_set_ceiling(table, CEILING + 10);
    CHECK_INT(put(table, &below), TABLE_OLDER);
    CHECK(holds(table, &above));
    table_set_ceiling(table, CEILING + 9);
    CHECK_INT(put(table, &below), TABLE_NEWER);
    CHECK(holds(table, &below));
    table_destroy(&table);
}

/* Every order of arrival of these six, the ceiling staying where it is: 720 ways, one table. */
static void any_order_of_arrival_gives_the_same_under_a_ceiling(void)
{
    const struct location all[] = {kiwi("1", CEILING - 1), kiwi("2", CEILING),
                                   kiwi("3", CEILING),     kiwi("4", CEILING + 1),
                                   kiwi("5", CEILING + 2), kiwi("6", CEILING + 2)};
    enum { COUNT = sizeof all / sizeof *all, WAYS = 720 };
    for (unsigned known = 0; known <= COUNT; known++) {
        uint64_t digest = 0;
        for (unsigned way = 0; way < WAYS; way++) {
            struct table *table = make(CEILING);
            unsigned left[COUNT] = {0, 1, 2, 3, 4, 5}, rest = way;
            for (unsigned count = COUNT; count > 0; rest /= count--) {
                unsigned at = rest % count;
                if (left[at] >= known)
                    put(table, &all[left[at]]);
                left[at] = left[count - 1];
            }
            if (way == 0)
                digest = table_digest(table);
            CHECK(table_digest(table) == digest);
            table_destroy(&table);
        }
        const struct location *winner = known < 3 ? &all[2] : &all[COUNT - 1];
        CHECK(known == COUNT ? digest == 0 : digest == location_hash(winner));
    }
}

static const struct check_case cases[] = {
    {"a later report wins, whatever the clocks do", a_later_report_wins_whatever_the_clocks_do},
    {"an equal or earlier stamp is no later report", an_equal_or_earlier_stamp_is_no_later_report},
    {"stamps are compared as numbers", stamps_are_compared_as_numbers},
    {"a received location is never bumped", a_received_location_is_never_bumped},
    {"the first true report beats what is above the ceiling",
     the_first_true_report_beats_what_is_above_the_ceiling},
    {"above the ceiling the greater order time wins",
     above_the_ceiling_the_greater_order_time_wins},
    {"no bump goes above the ceiling", no_bump_goes_above_the_ceiling},
    {"one above the ceiling is not lowered", one_above_the_ceiling_is_not_lowered},
    {"the ceiling moves", the_ceiling_moves},
    {"any order of arrival gives the same under a ceiling",
     any_order_of_arrival_gives_the_same_under_a_ceiling},
};

CHECK_MAIN(cases)
