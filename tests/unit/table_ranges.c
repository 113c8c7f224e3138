/* The digests of a table's ranges, and how many of its locations are above the ceiling. */
#include "bus/table/table.h"
#include "tests/check.h"
#include "topology/format/memory_share.h"

#define CEILING INT64_C(1000000000000)

static const uint8_t key[16] = {1, 2, 3};

static struct location place(const char *client, int64_t order_ns, const char *position)
{
    return (struct location){.client = span_of(client),
                             .position = span_of(position),
                             .stamp = span_of("12"),
                             .origin = span_of("Ada"),
                             .difference_ns = 7,
                             .order_ns = order_ns};
}

static uint32_t put(struct table *table, const struct location *location)
{
    uint32_t slot;
    enum table_outcome outcome =
        table_put(table, location, table_ref(table, location->client), &slot);
    CHECK(outcome == TABLE_NEW || outcome == TABLE_NEWER);
    return slot;
}

/* Computed elsewhere: by XXH3_64bits of libxxhash 0.8.1, over the id's bytes. */
static void a_range_is_the_same_on_every_machine(void)
{
    CHECK(table_client_hash(span_of("kiwi.cs.ucla.edu")) == UINT64_C(0x9397ba1e03b51196));
    CHECK(table_client_hash(span_of("k")) == UINT64_C(0xa921e3704fda881d));
    struct table *table = table_new(key);
    struct location kiwi = place("kiwi.cs.ucla.edu", 1, "+1-1");
    uint32_t slot = put(table, &kiwi);
    CHECK_INT(table_slot_range(table, slot), UINT64_C(0x9397ba1e03b51196) >> 48);
    table_destroy(&table);
}

/* Whatever forms a client's locations have one after the other, in numbers or as text. */
static void a_change_is_in_the_digest_of_its_range_alone(void)
{
    static const char *const positions[] = {"+1-1", "+34.068930123-118.445127123",
                                            "+1.0000000001-1", "nowhere", "+2-2"};
    static const char *const ids[] = {"kiwi", "plum", "an-id-of-more-than-twenty-bytes"};
    struct table *table = table_new(key);
    int64_t order = 0;
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++)
        for (size_t id = 0; id < 3; id++) {
            struct location location = place(ids[id], ++order, positions[i]);
            uint32_t slot = put(table, &location);
            uint64_t client = table_client_hash(location.client), hash = location_hash(&location);
            uint32_t range = (uint32_t)(client >> 48);
            CHECK(table_slot_client_hash(table, slot) == client);
            CHECK(table_slot_hash(table, slot) == hash);
            CHECK_INT(table_slot_range(table, slot), range);
            CHECK(table_range_digest(table, TABLE_RANGE_BITS, range) == hash);
            CHECK(table_ranges(table)[range] == hash);
            CHECK(table_is_sound(table));
        }
    uint32_t used = 0;
    for (uint32_t range = 0; range < TABLE_RANGES; range++)
        used += table_ranges(table)[range] != 0;
    CHECK_INT(used, 3);
    table_destroy(&table);
}

static void a_level_is_folded_from_the_next(void)
{
    struct table *table = table_new(key);
    char id[16];
    for (int i = 0; i < 3000; i++) {
        snprintf(id, sizeof id, "c%d", i);
        struct location location = place(id, i, "+1-1");
        put(table, &location);
    }
    CHECK(table_range_digest(table, 0, 0) == table_digest(table) && table_digest(table) != 0);
    for (unsigned level = 0; level < TABLE_RANGE_BITS; level++)
        for (uint32_t range = 0; range < 1u << level; range += 1 + range / 100)
            CHECK(table_range_digest(table, level, range) ==
                  (table_range_digest(table, level + 1, 2 * range) ^
                   table_range_digest(table, level + 1, 2 * range + 1)));
    CHECK(table_range_digest(table, TABLE_RANGE_BITS, TABLE_RANGES - 1) ==
          table_ranges(table)[TABLE_RANGES - 1]);
    table_destroy(&table);
}

/* Two tables that came by the same another way, with clients in other slots. */
static void equal_tables_have_equal_ranges(void)
{
    struct table *a = table_new(key), *b = table_new((const uint8_t[16]){9});
    char id[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof id, "c%d", i);
        struct location location = place(id, i, "+1-1"), newer = place(id, i + 1, "+2-2");
        put(a, &location);
        put(a, &newer);
        snprintf(id, sizeof id, "c%d", 999 - i);
        newer = place(id, 999 - i + 1, "+2-2");
        put(b, &newer);
    }
    CHECK(memcmp(table_ranges(a), table_ranges(b), TABLE_RANGES * sizeof(uint64_t)) == 0);
    CHECK(table_is_sound(a) && table_is_sound(b));
    table_destroy(&a);
    table_destroy(&b);
}

static uint64_t count(struct table *table)
{
    for (uint32_t looked = 0; looked <= table_count(table); looked += TABLE_ABOVE_SLOTS)
        table_count_above(table);
    return table_above(table);
}

static void locations_above_the_ceiling_are_counted(void)
{
    struct table *table = table_new(key);
    table_set_ceiling(table, CEILING);
    const char *const ids[] = {"a", "b", "c", "d"};
    for (int64_t i = 0; i < 4; i++) {
        struct location location = place(ids[i], CEILING - 1 + i, "+1-1");
        put(table, &location);
    }
    CHECK_INT(table_above(table), 0);
    CHECK_INT(count(table), 2); /* at the ceiling is not above it */
    table_set_ceiling(table, CEILING + 1);
    CHECK_INT(count(table), 1);
    table_set_ceiling(table, CEILING + 2);
    CHECK_INT(count(table), 0);
    table_set_ceiling(table, CEILING - 2); /* set back */
    CHECK_INT(count(table), 4);
    struct location truth = place("a", CEILING - 5, "+1-1"), late = place("e", CEILING, "+1-1");
    put(table, &truth);
    CHECK_INT(count(table), 3);
    table_set_ceiling(table, CEILING + 2);
    CHECK_INT(count(table), 0);
    table_count_above(table);
    late.order_ns = CEILING + 3;
    put(table, &late); /* where nothing was to be found */
    CHECK_INT(count(table), 1);
    table_destroy(&table);
}

/* More than one call sees, the last of them above; no call looks at more than it may. */
static void a_large_table_is_counted_in_slices(void)
{
    struct table *table = table_new(key);
    table_set_ceiling(table, CEILING);
    char id[16];
    for (uint32_t i = 0; i <= TABLE_ABOVE_SLOTS; i++) {
        snprintf(id, sizeof id, "c%u", (unsigned)i);
        struct location location = place(id, CEILING + (i == 0 || i == TABLE_ABOVE_SLOTS), "+1-1");
        put(table, &location);
    }
    table_count_above(table);
    CHECK_INT(table_above(table), 0);
    table_count_above(table);
    CHECK_INT(table_above(table), 2);
    table_destroy(&table);
}

/* The least that the option takes is enough for some thousand clients. */
static void the_least_table_has_room_for_clients(void)
{
    struct table *table = table_new(key);
    CHECK(table_bytes(table) > TABLE_RANGES * sizeof(uint64_t));
    CHECK(2 * table_bytes(table) < MEMORY_SHARE_BYTES_MIN);
    table_destroy(&table);
}

static const struct check_case cases[] = {
    {"a range is the same on every machine", a_range_is_the_same_on_every_machine},
    {"a change is in the digest of its range alone", a_change_is_in_the_digest_of_its_range_alone},
    {"a level is folded from the next", a_level_is_folded_from_the_next},
    {"equal tables have equal ranges", equal_tables_have_equal_ranges},
    {"locations above the ceiling are counted", locations_above_the_ceiling_are_counted},
    {"a large table is counted in slices", a_large_table_is_counted_in_slices},
    {"the least table has room for clients", the_least_table_has_room_for_clients},
};

CHECK_MAIN(cases)
