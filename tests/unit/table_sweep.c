/* What is over leaves a table, in steps, and its memory with it. */
#include "bus/table/table.h"
#include "tests/check.h"

#define FREED_MAX 512

static const uint8_t key[16] = {1, 2, 3};

struct text {
    char at[64];
};

/* Ids of all lengths, some of which make their location a text. */
static struct text name_of(uint32_t client)
{
    struct text name;
    int bytes = snprintf(name.at, sizeof name.at, "client-%u", client);
    if (client % 5 == 0)
        memset(name.at + bytes, 'x', sizeof name.at - 1 - (size_t)bytes);
    name.at[client % 5 == 0 ? 40 : bytes] = '\0';
    return name;
}

static struct location place(const struct text *name, int64_t order_ns)
{
    return (struct location){.client = span_of(name->at),
                             .position = span_of("+1-1"),
                             .stamp = span_of("12"),
                             .origin = span_of("Ada"),
                             .order_ns = order_ns};
}

static enum table_outcome put(struct table *table, uint32_t client, int64_t order_ns,
                              uint32_t *slot)
{
    struct text name = name_of(client);
    struct location location = place(&name, order_ns);
    return table_put(table, &location, table_ref(table, location.client), slot);
}

static void fill(struct table *table, uint32_t first, uint32_t count, int64_t order_ns)
{
    uint32_t slot;
    for (uint32_t i = 0; i < count; i++)
        CHECK_INT(put(table, first + i, order_ns, &slot), TABLE_NEW);
}

static bool is_known(const struct table *table, uint32_t client)
{
    uint32_t slot;
    struct text name = name_of(client);
    return table_find(table, span_of(name.at), table_ref(table, span_of(name.at)), &slot);
}

static uint32_t finish(struct table *table)
{
    uint32_t freed[FREED_MAX], count = 0;
    while (table_is_sweeping(table)) {
        count += table_sweep(table, freed, FREED_MAX);
    }
    CHECK(table_is_sound(table));
    return count;
}

static uint32_t expire(struct table *table, int64_t horizon_ns)
{
    CHECK(!table_set_horizon(table, horizon_ns));
    uint32_t count = finish(table);
    CHECK_INT(table_horizon_ns(table), horizon_ns);
    return count;
}

/* The digest that a table with only these clients has. */
static uint64_t digest_of(uint32_t first, uint32_t count, int64_t order_ns)
{
    struct table *table = table_new(key);
    fill(table, first, count, order_ns);
    uint64_t digest = table_digest(table);
    table_destroy(&table);
    return digest;
}

static void what_is_below_the_horizon_is_as_if_it_never_was(void)
{
    struct table *table = table_new(key);
    fill(table, 0, 100, 999);
    fill(table, 100, 50, 1000);
    CHECK_INT(expire(table, 1000), 100);
    CHECK_INT(table_count(table), 50);
    for (uint32_t client = 0; client < 150; client++)
        CHECK_INT(is_known(table, client), client >= 100);
    CHECK(table_digest(table) == digest_of(100, 50, 1000));
    table_destroy(&table);
}

static void it_is_one_instant_for_the_digests(void)
{
    enum { CLIENTS = 60000 };
    struct table *table = table_new(key);
    uint32_t freed[FREED_MAX];
    fill(table, 0, CLIENTS, 1);
    fill(table, CLIENTS, 1000, 5);
    uint64_t all = table_digest(table), rest = digest_of(CLIENTS, 1000, 5);
    CHECK(!table_set_horizon(table, 5));
    int before = 0, after = 0;
    while (table_is_sweeping(table)) {
        table_sweep(table, freed, FREED_MAX);
        bool is_over = table_horizon_ns(table) == 5;
        CHECK(table_digest(table) == (is_over ? rest : all));
        CHECK_INT(table_count(table), is_over ? 1000 : CLIENTS + 1000);
        CHECK_INT(is_known(table, 17), !is_over);
        CHECK_INT(is_known(table, CLIENTS - 1), !is_over);
        CHECK(is_known(table, CLIENTS));
        CHECK_INT(table_slot_is_live(table, 17), !is_over);
        before += !is_over;
        after += is_over;
    }
    CHECK(before > 2 && after > 10);
    CHECK(table_is_sound(table));
    table_destroy(&table);
}

static void the_lowest_free_slot_is_the_next_ones(void)
{
    struct table *table = table_new(key);
    uint32_t slot;
    for (uint32_t client = 0; client < 1000; client++)
        CHECK_INT(put(table, client, client % 10 == 3 ? 1 : 5, &slot), TABLE_NEW);
    CHECK_INT(expire(table, 5), 100);
    CHECK_INT(table_slots(table), 1000);
    for (uint32_t i = 0; i < 100; i++) {
        CHECK_INT(put(table, 2000 + i, 5, &slot), TABLE_NEW);
        CHECK_INT(slot, 10 * i + 3);
    }
    CHECK_INT(put(table, 3000, 5, &slot), TABLE_NEW);
    CHECK_INT(slot, 1000);
    CHECK(table_is_sound(table));
    table_destroy(&table);
}

static void memory_follows_the_living(void)
{
    enum { CLIENTS = 200000, LEFT = 20000 };
    struct table *table = table_new(key), *small = table_new(key);
    fill(table, LEFT, CLIENTS - LEFT, 1);
    fill(table, 0, LEFT, 5);
    fill(small, 0, LEFT, 5);
    CHECK_INT(expire(table, 5), CLIENTS - LEFT);
    uint64_t bytes = table_bytes(table), wanted = table_bytes(small);
    CHECK(bytes * 100 <= wanted * 115);
    CHECK_INT(expire(table, 6), LEFT);
    CHECK_INT(table_slots(table), 0);
    CHECK_INT(table_digest(table), 0);
    fill(table, 0, CLIENTS, 7); /* and it grows as it did */
    CHECK(table_is_sound(table));
    table_destroy(&table);
    table_destroy(&small);
}

static void what_comes_below_the_horizon_is_refused(void)
{
    struct table *table = table_new(key);
    uint32_t slot;
    fill(table, 0, 1, 10);
    CHECK_INT(expire(table, 10), 0);
    CHECK_INT(put(table, 1, 9, &slot), TABLE_EXPIRED);
    CHECK_INT(put(table, 0, 9, &slot), TABLE_EXPIRED);
    CHECK_INT(put(table, 1, 10, &slot), TABLE_NEW);
    uint16_t own = table_origin(table, span_of("Ada"));
    for (uint32_t client = 0; client < 4; client += 3) {
        struct text name = name_of(client);
        struct location location = place(&name, 9);
        struct table_ref ref = table_ref(table, location.client);
        CHECK_INT(table_put_known(table, &location, own, ref, &slot), TABLE_EXPIRED);
        CHECK_INT(location.order_ns, 9);
    }
    CHECK_INT(table_count(table), 2);
    table_destroy(&table);
}

/* Between the turn and the step that frees its slot. */
static void who_comes_back_before_its_slot_is_freed_is_new(void)
{
    enum { CLIENTS = 30000 };
    struct table *table = table_new(key);
    uint32_t freed[FREED_MAX], slot;
    table_limit(table, &(struct table_limits){.own = {2, UINT64_MAX}, .peers = {CLIENTS, 1 << 30}});
    uint16_t own = table_origin(table, span_of("Ada"));
    fill(table, 0, CLIENTS, 1);
    CHECK(!table_set_horizon(table, 5));
    while (table_horizon_ns(table) != 5)
        table_sweep(table, freed, FREED_MAX);
    CHECK_INT(table_count(table), 0);
    struct text name = name_of(CLIENTS - 1), last = name_of(CLIENTS - 2);
    struct location location = place(&name, 7), other = place(&last, 7);
    struct table_ref ref = table_ref(table, location.client);
    CHECK_INT(table_put_known(table, &location, own, ref, &slot), TABLE_UNKNOWN);
    CHECK_INT(table_put_unknown(table, &location, own, ref, &slot), TABLE_NEW);
    CHECK_INT(slot, CLIENTS - 1);
    CHECK_INT(put(table, CLIENTS - 3, 3, &slot), TABLE_EXPIRED);
    CHECK_INT(put(table, CLIENTS - 3, 6, &slot), TABLE_NEW);
    CHECK_INT(slot, CLIENTS - 3);
    ref = table_ref(table, other.client);
    CHECK_INT(table_put_known(table, &other, own, ref, &slot), TABLE_UNKNOWN);
    CHECK_INT(table_put_unknown(table, &other, own, ref, &slot), TABLE_FULL_CLIENTS);
    CHECK(table_is_sound(table));
    CHECK(finish(table) < CLIENTS);
    CHECK_INT(table_count(table), 2);
    CHECK(is_known(table, CLIENTS - 1) && is_known(table, CLIENTS - 3));
    table_destroy(&table);
}

static void the_horizon_goes_back_at_once_and_not_while_slots_are_freed(void)
{
    enum { CLIENTS = 30000 };
    struct table *table = table_new(key);
    uint32_t freed[FREED_MAX];
    fill(table, 0, CLIENTS, 1);
    CHECK(!table_set_horizon(table, 5));
    table_sweep(table, freed, FREED_MAX);
    CHECK(!table_set_horizon(table, 0)); /* it was not there yet: what was marked counts on */
    CHECK_INT(finish(table), 0);
    CHECK_INT(table_horizon_ns(table), 0);
    CHECK_INT(table_count(table), CLIENTS);
    CHECK(!table_set_horizon(table, 5));
    while (table_horizon_ns(table) != 5)
        table_sweep(table, freed, FREED_MAX);
    CHECK(!table_set_horizon(table, 1));
    CHECK_INT(table_horizon_ns(table), 5);
    finish(table);
    CHECK(table_set_horizon(table, 1));
    CHECK_INT(table_horizon_ns(table), 1);
    fill(table, 0, 1, 1);
    CHECK(table_is_sound(table));
    table_destroy(&table);
}

static void origins_without_clients_are_forgotten(void)
{
    struct table *table = table_new(key);
    uint32_t slot;
    CHECK_INT(table_origin(table, span_of("Ada")), 0);
    table_close_origins(table);
    CHECK(table_add_origin(table, span_of("Bob"), TABLE_OWNER_KEPT));
    CHECK(table_add_origin(table, span_of("Cy"), 3));
    CHECK(table_add_origin(table, span_of("Dee"), 3));
    CHECK_INT(table_count_origins(table, 3), 2);
    struct text names[2] = {name_of(1), name_of(2)};
    for (int i = 0; i < 2; i++) {
        struct location location = place(&names[i], 1 + 8 * i);
        location.origin = span_of(i == 0 ? "Cy" : "Dee");
        CHECK_INT(table_put(table, &location, table_ref(table, location.client), &slot), TABLE_NEW);
    }
    expire(table, 2); /* the one that is over stands there while the sweep looks */
    CHECK_INT(table_count_origins(table, 3), 2);
    expire(table, 3);
    CHECK_INT(table_count_origins(table, 3), 1);
    struct location again = place(&names[0], 9);
    again.origin = span_of("Cy");
    CHECK_INT(table_put(table, &again, table_ref(table, again.client), &slot), TABLE_NEW_ORIGIN);
    CHECK(table_add_origin(table, span_of("Eve"), 3)); /* takes that one's number */
    CHECK(table_add_origin(table, span_of("Cy"), 3));
    CHECK_INT(table_count_origins(table, 3), 3);
    CHECK_INT(table_put(table, &again, table_ref(table, again.client), &slot), TABLE_NEW);
    char text[PACKED_TEXT_BYTES_MAX];
    struct location held;
    table_read(table, slot, text, &held);
    CHECK(span_equals(held.origin, span_of("Cy")));
    expire(table, 10);
    expire(table, 11);
    CHECK_INT(table_count_origins(table, 3), 0);
    CHECK_INT(table_origin(table, span_of("Bob")), 1);
    table_destroy(&table);
}

/* A small generator, so that each run is the same. */
static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % below;
}

/* What a horizon went over does not come back where it goes back. */
static void drop(const struct table *table, int64_t *orders, uint32_t count, int64_t *horizon_ns)
{
    for (uint32_t i = 0; table_horizon_ns(table) > *horizon_ns && i < count; i++)
        if (orders[i] < table_horizon_ns(table))
            orders[i] = INT64_MIN;
    *horizon_ns = table_horizon_ns(table);
}

/* Against an array of order times, with puts between all steps. */
static void whatever_is_put_meanwhile_the_table_is_what_counts(void)
{
    enum { CLIENTS = 40000, ROUNDS = 300 };
    static int64_t orders[CLIENTS];
    struct table *table = table_new(key);
    uint32_t freed[FREED_MAX], slot;
    uint64_t state = 7;
    int64_t now = 1000000, horizon_ns = INT64_MIN;
    for (uint32_t i = 0; i < CLIENTS; i++)
        orders[i] = INT64_MIN;
    for (int round = 0; round < ROUNDS; round++) {
        now += draw(&state, 1000);
        uint32_t some = draw(&state, 4) == 0 ? 4000 : 200;
        for (uint32_t i = 0; i < some; i++) {
            uint32_t client = draw(&state, round % 100 < 50 ? CLIENTS : 3000);
            int64_t order = now - draw(&state, 30000);
            enum table_outcome outcome = put(table, client, order, &slot);
            bool is_live = orders[client] != INT64_MIN;
            CHECK_INT(outcome, order < table_horizon_ns(table) ? TABLE_EXPIRED
                               : !is_live                      ? TABLE_NEW
                               : order > orders[client]        ? TABLE_NEWER
                               : order == orders[client]       ? TABLE_SAME
                                                               : TABLE_OLDER);
            if (outcome == TABLE_NEW || outcome == TABLE_NEWER)
                orders[client] = order;
        }
        table_set_horizon(table, now - 25000 - draw(&state, 5000));
        for (uint32_t steps = draw(&state, 4); steps > 0; steps--)
            table_sweep(table, freed, 1 + draw(&state, FREED_MAX));
        drop(table, orders, CLIENTS, &horizon_ns);
        CHECK(round % 10 != 0 || table_is_sound(table));
    }
    finish(table);
    drop(table, orders, CLIENTS, &horizon_ns);
    uint32_t live = 0;
    for (uint32_t client = 0; client < CLIENTS; client++) {
        bool is_live = orders[client] != INT64_MIN;
        CHECK_INT(is_known(table, client), is_live);
        live += is_live;
    }
    CHECK_INT(table_count(table), live);
    table_destroy(&table);
}

static const struct check_case cases[] = {
    {"what is below the horizon is as if it never was",
     what_is_below_the_horizon_is_as_if_it_never_was},
    {"it is one instant for the digests", it_is_one_instant_for_the_digests},
    {"the lowest free slot is the next one's", the_lowest_free_slot_is_the_next_ones},
    {"memory follows the living", memory_follows_the_living},
    {"what comes below the horizon is refused", what_comes_below_the_horizon_is_refused},
    {"who comes back before its slot is freed is new",
     who_comes_back_before_its_slot_is_freed_is_new},
    {"the horizon goes back at once, and not while slots are freed",
     the_horizon_goes_back_at_once_and_not_while_slots_are_freed},
    {"origins without clients are forgotten", origins_without_clients_are_forgotten},
    {"whatever is put meanwhile, the table is what counts",
     whatever_is_put_meanwhile_the_table_is_what_counts},
};

CHECK_MAIN(cases)
