/* The table against a simple model, with the order of arrival, growth and memory in mind. */
#include "bus/table/table.h"

#include "bus/table/names.h"
#include "tests/check.h"

static const uint8_t key[16] = {1, 2, 3};

/* What table_read makes a text of. */
static char text_of_known[PACKED_TEXT_BYTES_MAX];

static struct location place(const char *client, int64_t order_ns, const char *position)
{
    return (struct location){
        .client = span_of(client),
        .position = span_of(position),
        .stamp = span_of("12"),
        .origin = span_of("Ada"),
        .difference_ns = 7,
        .order_ns = order_ns,
    };
}

static enum table_outcome put(struct table *table, const struct location *location, uint32_t *slot)
{
    return table_put(table, location, table_ref(table, location->client), slot);
}

static bool find(const struct table *table, const char *client, uint32_t *slot)
{
    return table_find(table, span_of(client), table_ref(table, span_of(client)), slot);
}

static void an_empty_table_knows_no_client(void)
{
    struct table *table = table_new(key);
    uint32_t slot;
    CHECK(!find(table, "kiwi", &slot));
    CHECK_INT(table_count(table), 0);
    CHECK(table_digest(table) == 0);
    CHECK(table_is_sound(table));
    table_destroy(&table);
    CHECK(table == NULL);
    table_destroy(&table);
}

static void the_newer_location_wins_and_keeps_its_slot(void)
{
    struct table *table = table_new(key);
    struct location first = place("kiwi", 10, "+1-1"), second = place("kiwi", 11, "+2-2");
    struct location other = place("plum", 10, "+1-1");
    uint32_t slot = 99;
    CHECK_INT(put(table, &first, &slot), TABLE_NEW);
    CHECK_INT(slot, 0);
    CHECK_INT(put(table, &other, &slot), TABLE_NEW);
    CHECK_INT(slot, 1);
    CHECK_INT(put(table, &second, &slot), TABLE_NEWER);
    CHECK_INT(slot, 0);
    CHECK_INT(put(table, &second, &slot), TABLE_SAME);
    CHECK_INT(put(table, &first, &slot), TABLE_OLDER);
    CHECK_INT(table_count(table), 2);
    struct location known;
    table_read(table, 0, text_of_known, &known);
    CHECK_INT(location_compare(&known, &second), 0);
    CHECK(span_equals(known.client, second.client));
    CHECK(table_digest(table) == (location_hash(&second) ^ location_hash(&other)));
    table_destroy(&table);
}

static void a_longer_or_shorter_text_replaces_whole(void)
{
    struct table *table = table_new(key);
    static char text[LOCATION_TEXT_BYTES_MAX];
    memset(text, 'x', sizeof text);
    static const size_t sizes[] = {1, 15, 16, 17, 63, 64, 65, 60000, 70, 3, 65000, 1};
    uint32_t slot;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct location location = place("kiwi", (int64_t)i, "+1-1");
        location.position = (struct span){text, sizes[i]};
        location.stamp = (struct span){text, 1 + i};
        put(table, &location, &slot);
        struct location known;
        table_read(table, slot, text_of_known, &known);
        CHECK_INT(location_compare(&known, &location), 0);
        CHECK(span_equals(known.client, location.client));
        CHECK(table_is_sound(table));
    }
    table_destroy(&table);
}

static void the_largest_parts_fit_their_counters(void)
{
    struct table *table = table_new(key);
    static char text[LOCATION_TEXT_BYTES_MAX];
    memset(text, 'x', sizeof text);
    for (int longest = 0; longest < 3; longest++) {
        struct location location = place("k", 1, "p");
        struct span *parts[] = {&location.client, &location.position, &location.stamp};
        for (int i = 0; i < 3; i++)
            *parts[i] = (struct span){text, i == longest ? LOCATION_TEXT_BYTES_MAX - 2 : 1};
        location.client.data = longest == 0 ? text : longest == 1 ? "1" : "2";
        uint32_t slot;
        struct location known;
        CHECK_INT(put(table, &location, &slot), TABLE_NEW);
        table_read(table, slot, text_of_known, &known);
        CHECK_INT(location_compare(&known, &location), 0);
        CHECK(span_equals(known.client, location.client));
    }
    table_destroy(&table);
}

static void ids_may_hold_any_bytes(void)
{
    struct table *table = table_new(key);
    uint32_t slot;
    for (int i = 0; i < 256; i++) {
        char id[2] = {(char)i, '\0'};
        for (size_t bytes = 1; bytes <= 2; bytes++) {
            struct location location = place("", 1, "+1-1");
            location.client = (struct span){id, bytes};
            bool white = i == ' ' || (i >= '\t' && i <= '\r');
            CHECK(location_is_valid(&location) != white);
            if (!white)
                CHECK_INT(put(table, &location, &slot), TABLE_NEW);
        }
    }
    CHECK_INT(table_count(table), 2 * (256 - 6));
    CHECK(table_is_sound(table));
    table_destroy(&table);
}

/* 200,000 clients, three rounds of changes, a plain array as the model. Looked up all along, so
 * also while the index grows. */
static void it_agrees_with_a_simple_model_while_it_grows(void)
{
    enum { CLIENTS = 200000, PUTS = 600000 };
    static int64_t model[CLIENTS]; /* newest order time; 0: unknown */
    memset(model, 0, sizeof model);
    struct table *table = table_new(key);
    uint64_t random = 88172645463325252u;
    uint32_t known_count = 0;
    int wrong = 0;
    for (int i = 0; i < PUTS; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        uint32_t number = (uint32_t)(random % CLIENTS);
        int64_t order_ns = 1 + (int64_t)(random >> 40) % 1000;
        char client[24];
        snprintf(client, sizeof client, "c%u", number);
        struct location location = place(client, order_ns, "+1-1");
        uint32_t slot;
        enum table_outcome wanted = model[number] == 0          ? TABLE_NEW
                                    : order_ns > model[number]  ? TABLE_NEWER
                                    : order_ns == model[number] ? TABLE_SAME
                                                                : TABLE_OLDER;
        wrong += put(table, &location, &slot) != wanted;
        known_count += wanted == TABLE_NEW;
        if (wanted == TABLE_NEW || wanted == TABLE_NEWER)
            model[number] = order_ns;
        snprintf(client, sizeof client, "c%u", (number + 1) % CLIENTS);
        bool known = find(table, client, &slot);
        wrong += known != (model[(number + 1) % CLIENTS] != 0);
        if (known) {
            table_read(table, slot, text_of_known, &location);
            wrong += location.order_ns != model[(number + 1) % CLIENTS];
        }
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(table_count(table), known_count);
    CHECK(known_count > 180000);
    CHECK(table_is_sound(table));
    table_destroy(&table);
}

static void any_order_of_arrival_gives_the_same_digest(void)
{
    enum { LOCATIONS = 300 };
    struct location all[LOCATIONS];
    static char clients[LOCATIONS][16], positions[LOCATIONS][16], origins[LOCATIONS][16];
    for (int i = 0; i < LOCATIONS; i++) {
        snprintf(clients[i], 16, "c%d", i % 20);
        snprintf(positions[i], 16, "+%d-%d", i % 7, i % 3);
        snprintf(origins[i], 16, "node%d", i % 5);
        all[i] = place(clients[i], i / 60, positions[i]);
        all[i].origin = span_of(origins[i]);
        all[i].difference_ns = i % 2;
    }
    uint64_t digest = 0;
    uint32_t random = 1;
    for (int round = 0; round < 50; round++) {
        uint8_t other_key[16] = {(uint8_t)round};
        struct table *table = table_new(other_key);
        for (int i = LOCATIONS - 1; i > 0; i--) {
            random = random * 1664525u + 1013904223u;
            int j = (int)((random >> 8) % (uint32_t)(i + 1));
            struct location swapped = all[i];
            all[i] = all[j];
            all[j] = swapped;
        }
        uint32_t slot;
        for (int i = 0; i < LOCATIONS; i++)
            put(table, &all[i], &slot);
        for (int i = 0; i < LOCATIONS; i += 3)
            put(table, &all[i], &slot); /* again: duplicates change nothing */
        if (round == 0)
            digest = table_digest(table);
        CHECK(table_digest(table) == digest);
        CHECK_INT(table_count(table), 20);
        CHECK(table_is_sound(table));
        table_destroy(&table);
    }
}

static void one_origin_too_many_is_refused(void)
{
    struct table *table = table_new(key);
    uint32_t slot;
    char client[16], origin[16];
    for (int i = 0; i <= NAMES_MAX; i++) {
        snprintf(client, sizeof client, "c%d", i);
        snprintf(origin, sizeof origin, "n%d", i);
        struct location location = place(client, 1, "+1-1");
        location.origin = span_of(origin);
        enum table_outcome outcome = put(table, &location, &slot);
        if (outcome != (i < NAMES_MAX ? TABLE_NEW : TABLE_FULL_ORIGINS))
            CHECK_INT(outcome, i < NAMES_MAX ? TABLE_NEW : TABLE_FULL_ORIGINS);
    }
    CHECK_INT(table_count(table), NAMES_MAX);
    struct location known = place("c5", 2, "+1-1");
    known.origin = span_of("yet-another");
    CHECK_INT(put(table, &known, &slot), TABLE_FULL_ORIGINS);
    known.origin = span_of("n77");
    CHECK_INT(put(table, &known, &slot), TABLE_NEWER);
    CHECK(table_is_sound(table));
    table_destroy(&table);
}

static void names_are_numbered_once(void)
{
    struct names names;
    struct allowance allowance = {.max = UINT64_MAX};
    names_init(&names, key);
    char longest[NAMES_BYTES_MAX + 1];
    memset(longest, 'n', NAMES_BYTES_MAX);
    longest[NAMES_BYTES_MAX] = '\0';
    CHECK_INT(names_put(&names, span_of("Ada"), &allowance), 0);
    CHECK_INT(names_put(&names, span_of(longest), &allowance), 1);
    CHECK_INT(names_put(&names, span_of("Ada"), &allowance), 0);
    CHECK_INT(names_put(&names, span_of(longest + 1), &allowance), 2);
    for (int i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        CHECK_INT(names_put(&names, span_of(name), &allowance), 3 + i);
    }
    CHECK(span_equals(names_get(&names, 1), span_of(longest)));
    CHECK_INT(names_put(&names, span_of("n500"), &allowance), 503);
    CHECK_INT(names_find(&names, span_of("n500")), 503);
    CHECK_INT(names_find(&names, span_of("n7")), 10);
    CHECK_INT(names_find(&names, span_of("nobody")), NAMES_NONE);
    CHECK_INT(names_find(&names, span_of("n7")), 10);
    CHECK_INT(names.count, 1003);
    names_free(&names);
}

static void a_closed_table_takes_only_origins_that_it_knows(void)
{
    struct table *table = table_new(key);
    uint32_t slot;
    struct location location = place("kiwi", 5, "+1-1");
    table_origin(table, span_of("Ada"));
    table_close_origins(table);
    CHECK_INT(table_put(table, &location, table_ref(table, location.client), &slot), TABLE_NEW);
    for (int known = 0; known < 2; known++) {
        uint64_t digest = table_digest(table), changes = table_changes(table);
        location.order_ns++;
        location.client = known ? location.client : span_of("another");
        location.origin = known ? span_of("Cy") : span_of("Bob");
        struct table_ref ref = table_ref(table, location.client);
        CHECK_INT(table_put(table, &location, ref, &slot), TABLE_NEW_ORIGIN);
        CHECK(table_is_refusal(TABLE_NEW_ORIGIN));
        CHECK(table_digest(table) == digest && table_changes(table) == changes);
        CHECK(table_add_origin(table, location.origin, TABLE_OWNER_KEPT));
        CHECK_INT(table_put(table, &location, ref, &slot), known ? TABLE_NEWER : TABLE_NEW);
    }
    CHECK(table_is_sound(table));
    table_destroy(&table);
}

/* Hints that were made before the client was known, and afterwards, and such as were another's. */
static void expecting_changes_no_answer(void)
{
    /* As many as an index holds when all of the one before it is moved. */
    enum { CLIENTS = 2900, STRANGERS = 100, ALL = CLIENTS + STRANGERS };
    struct table *table = table_new(key);
    static char ids[ALL][8];
    static struct table_ref refs[ALL];
    for (uint32_t i = 0; i < ALL; i++) {
        snprintf(ids[i], sizeof ids[i], "c%u", (unsigned)i);
        refs[i] = table_ref(table, span_of(ids[i]));
        table_prefetch_record(table, &refs[i]);
        CHECK_INT(refs[i].slot_ord, 0);
        struct location location = place(ids[i], 1, "+1-1");
        uint32_t slot;
        if (i < CLIENTS)
            CHECK_INT(table_put(table, &location, refs[i], &slot), TABLE_NEW);
    }
    uint32_t right = 0;
    for (uint32_t i = 0; i < ALL; i++) {
        struct table_ref old = refs[i], wrong = {old.hash, 1 + (i + 1) % CLIENTS};
        table_prefetch_record(table, &refs[i]);
        table_prefetch_digest(table, refs[i]);
        table_prefetch_digest(table, (struct table_ref){old.hash, CLIENTS + 1});
        CHECK(refs[i].slot_ord == 0 || refs[i].slot_ord == i + 1);
        right += refs[i].slot_ord == i + 1;
        const struct table_ref all[] = {old, refs[i], wrong};
        for (size_t j = 0; j < 3; j++) {
            uint32_t slot = ALL;
            CHECK_INT(table_find(table, span_of(ids[i]), all[j], &slot), i < CLIENTS);
            CHECK(i >= CLIENTS || slot == i);
        }
    }
    CHECK(right > CLIENTS * 9 / 10);
    CHECK(table_is_sound(table));
    table_destroy(&table);
}

static const struct check_case cases[] = {
    {"an empty table knows no client", an_empty_table_knows_no_client},
    {"the newer location wins and keeps its slot", the_newer_location_wins_and_keeps_its_slot},
    {"a longer or shorter text replaces whole", a_longer_or_shorter_text_replaces_whole},
    {"the largest parts fit their counters", the_largest_parts_fit_their_counters},
    {"ids may hold any bytes", ids_may_hold_any_bytes},
    {"it agrees with a simple model while it grows", it_agrees_with_a_simple_model_while_it_grows},
    {"any order of arrival gives the same digest", any_order_of_arrival_gives_the_same_digest},
    {"one origin too many is refused", one_origin_too_many_is_refused},
    {"names are numbered once", names_are_numbered_once},
    {"a closed table takes only origins that it knows",
     a_closed_table_takes_only_origins_that_it_knows},
    {"expecting changes no answer", expecting_changes_no_answer},
};

CHECK_MAIN(cases)
