/* How much a table may take: each limit, one past it, and memory that the system refuses. */
#include "bus/table/names.h"
#include "bus/table/table.h"
#include "tests/check.h"
#include "tests/unit/no_memory.h"

#define CLIENTS     3000
#define TEXT_BYTES  1000
#define BESIDE      48u
#define ALL_CLIENTS 1000000u

static const uint8_t key[16] = {1, 2, 3};
static char long_text[TEXT_BYTES];

static struct table *make(struct table_room own, struct table_room peers, uint32_t beside_bytes)
{
    struct table *table = table_new(key);
    table_origin(table, span_of("Ada"));
    struct table_limits limits = {own, peers, beside_bytes};
    table_limit(table, &limits);
    return table;
}

/* Plain, if the position is. `order` is below 10. */
static struct location place(struct span client, int64_t order, struct span position)
{
    static const char *const stamps[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    return (struct location){.client = client,
                             .position = position,
                             .stamp = span_of(stamps[order]),
                             .origin = span_of("Ada"),
                             .difference_ns = 7,
                             .order_ns = order * 1000000000};
}

enum whose { OWN, PEERS };

static enum table_outcome put(struct table *table, enum whose whose,
                              const struct location *location)
{
    uint32_t slot;
    struct table_ref ref = table_ref(table, location->client);
    if (whose == PEERS)
        return table_put(table, location, ref, &slot);
    struct location own = *location;
    enum table_outcome outcome = table_put_known(table, &own, 0, ref, &slot);
    return outcome == TABLE_UNKNOWN ? table_put_unknown(table, &own, 0, ref, &slot) : outcome;
}

static enum table_outcome put_number(struct table *table, enum whose whose, uint32_t number,
                                     int64_t order, struct span position)
{
    char client[16];
    snprintf(client, sizeof client, "c%" PRIu32, number);
    struct location location = place(span_of(client), order, position);
    return put(table, whose, &location);
}

static struct span text_of(size_t bytes)
{
    memset(long_text, '1', sizeof long_text);
    return (struct span){long_text, bytes};
}

static void each_has_a_limit_of_clients(void)
{
    struct table *table =
        make((struct table_room){3, UINT64_MAX}, (struct table_room){5, UINT64_MAX}, 0);
    for (uint32_t i = 0; i < 3; i++)
        CHECK_INT(put_number(table, OWN, i, 1, span_of("+1-1")), TABLE_NEW);
    CHECK_INT(put_number(table, OWN, 3, 1, span_of("+1-1")), TABLE_FULL_CLIENTS);
    CHECK_INT(put_number(table, PEERS, 3, 1, span_of("+1-1")), TABLE_NEW);
    CHECK_INT(put_number(table, PEERS, 4, 1, span_of("+1-1")), TABLE_NEW);
    CHECK_INT(put_number(table, PEERS, 5, 1, span_of("+1-1")), TABLE_FULL_CLIENTS);
    for (uint32_t i = 0; i < 5; i++)
        CHECK_INT(put_number(table, i % 2 == 0 ? OWN : PEERS, i, 2, span_of("+2-2")), TABLE_NEWER);
    CHECK_INT(table_count(table), 5);
    CHECK(table_is_sound(table));
    table_destroy(&table);
}

/* Bytes that a table of one client with a text takes, and one without. */
static uint64_t bytes_of_one(size_t text_bytes, uint32_t beside_bytes)
{
    struct table_room all = {ALL_CLIENTS, UINT64_MAX};
    struct table *table = make(all, all, beside_bytes);
    put_number(table, OWN, 0, 1, text_bytes == 0 ? span_of("+1-1") : text_of(text_bytes));
    uint64_t bytes = table_bytes(table);
    CHECK(table_is_sound(table));
    table_destroy(&table);
    return bytes;
}

static void the_last_byte_is_used_and_not_one_more(void)
{
    for (enum whose whose = OWN; whose <= PEERS; whose++) {
        for (size_t text_bytes = 0; text_bytes <= TEXT_BYTES; text_bytes += TEXT_BYTES) {
            uint64_t bytes = bytes_of_one(text_bytes, BESIDE);
            struct span position = text_bytes == 0 ? span_of("+1-1") : text_of(text_bytes);
            for (uint64_t less = 0; less < 2; less++) {
                struct table_room none = {ALL_CLIENTS, 0}, room = {ALL_CLIENTS, bytes - less};
                struct table *table =
                    make(whose == OWN ? room : none, whose == OWN ? none : room, BESIDE);
                CHECK_INT(put_number(table, whose, 0, 1, position),
                          less == 0 ? TABLE_NEW : TABLE_FULL_BYTES);
                CHECK_INT(put_number(table, whose == OWN ? PEERS : OWN, 1, 1, span_of("+1-1")),
                          TABLE_FULL_BYTES);
                CHECK_INT(table_count(table), 1 - (int)less);
                CHECK(table_is_sound(table));
                table_destroy(&table);
            }
        }
    }
}

static void what_others_keep_for_a_client_counts(void)
{
    CHECK_INT(bytes_of_one(0, BESIDE) - bytes_of_one(0, 0), BESIDE);
    CHECK_INT(bytes_of_one(TEXT_BYTES, 0) - bytes_of_one(0, 0),
              (TEXT_BYTES + 3 + 15) / 16 * 16 + ALLOWANCE_BLOCK_BYTES);
}

/* Whoever asks for known clients alone changes nothing with another, and may put it then. */
static void an_unknown_client_is_put_in_two_steps(void)
{
    struct table_room room = {1, UINT64_MAX};
    struct table *table = make(room, room, BESIDE);
    struct location kiwi = place(span_of("kiwi"), 1, span_of("+1-1"));
    struct location plum = place(span_of("plum"), 1, span_of("+1-1"));
    struct table_ref ref = table_ref(table, kiwi.client), other = table_ref(table, plum.client);
    uint64_t bytes = table_bytes(table);
    uint32_t slot = 99;
    CHECK_INT(table_put_known(table, &kiwi, 0, ref, &slot), TABLE_UNKNOWN);
    CHECK(table_count(table) == 0 && table_bytes(table) == bytes && table_changes(table) == 0);
    CHECK(!table_find(table, kiwi.client, ref, &slot) && table_digest(table) == 0);
    CHECK_INT(table_put_unknown(table, &kiwi, 0, ref, &slot), TABLE_NEW);
    CHECK_INT(slot, 0);
    CHECK_INT(table_put_known(table, &kiwi, 0, ref, &slot), TABLE_OLDER);
    kiwi = place(kiwi.client, 2, span_of("+2-2"));
    CHECK_INT(table_put_known(table, &kiwi, 0, ref, &slot), TABLE_NEWER);
    CHECK_INT(table_put_known(table, &plum, 0, other, &slot), TABLE_UNKNOWN);
    CHECK_INT(table_put_unknown(table, &plum, 0, other, &slot), TABLE_FULL_CLIENTS);
    CHECK_INT(table_count(table), 1);
    CHECK(table_digest(table) == location_hash(&kiwi));
    CHECK(table_is_sound(table));
    table_destroy(&table);
}

/* A known client is refused what has no room, and keeps what it had. */
static void a_known_client_keeps_what_it_had(void)
{
    struct table_room room = {ALL_CLIENTS, bytes_of_one(TEXT_BYTES, 0)};
    struct table *table = make(room, room, 0);
    CHECK_INT(put_number(table, OWN, 0, 1, text_of(TEXT_BYTES / 2)), TABLE_NEW);
    CHECK_INT(put_number(table, OWN, 1, 1, span_of("+1-1")), TABLE_NEW);
    uint64_t digest = table_digest(table), changes = table_changes(table);
    for (enum whose whose = OWN; whose <= PEERS; whose++) {
        CHECK_INT(put_number(table, whose, 1, 2, text_of(TEXT_BYTES / 2)), TABLE_FULL_BYTES);
        CHECK(table_digest(table) == digest && table_changes(table) == changes);
        CHECK(table_is_sound(table));
    }
    /* What is as long or shorter is taken, and what that frees is free. */
    CHECK_INT(put_number(table, OWN, 0, 2, text_of(TEXT_BYTES / 2 - 1)), TABLE_NEWER);
    CHECK_INT(put_number(table, OWN, 1, 2, span_of("+2-2")), TABLE_NEWER);
    CHECK_INT(put_number(table, PEERS, 0, 3, span_of("+3-3")), TABLE_NEWER);
    CHECK_INT(put_number(table, OWN, 1, 3, text_of(TEXT_BYTES)), TABLE_NEWER);
    CHECK_INT(table_bytes(table), room.bytes_max);
    CHECK(table_is_sound(table));
    table_destroy(&table);
}

/* An index that may not grow goes on a while; the table then refuses, finds whom it knows, and goes
 * on when there is room. */
static void an_index_that_may_not_grow_is_filled_a_little_more(void)
{
    struct table_room all = {ALL_CLIENTS, UINT64_MAX};
    struct table *table = make(all, all, 0);
    uint32_t known = 0;
    no_memory_end();
    /* All 64 buckets are at hand, and the first chunk is made by the first client. */
    CHECK_INT(put_number(table, OWN, known++, 1, span_of("+1-1")), TABLE_NEW);
    no_memory_after(0);
    enum table_outcome outcome;
    while ((outcome = put_number(table, OWN, known, 1, span_of("+1-1"))) == TABLE_NEW)
        known++;
    no_memory_end();
    CHECK_INT(outcome, TABLE_FULL_MEMORY);
    CHECK_INT(known, 64 * 18 / 20);
    for (uint32_t i = 0; i < known; i++)
        CHECK_INT(put_number(table, OWN, i, 2, span_of("+2-2")), TABLE_NEWER);
    CHECK(table_is_sound(table));
    for (; known < CLIENTS; known++)
        CHECK_INT(put_number(table, OWN, known, 1, span_of("+1-1")), TABLE_NEW);
    CHECK(table_is_sound(table));
    table_destroy(&table);
}

/* Whatever call of the allocator fails, the table is as before, and takes the same later. */
static void memory_may_end_at_any_moment(void)
{
    struct table_room all = {ALL_CLIENTS, UINT64_MAX};
    struct table *table = make(all, all, 0);
    uint32_t refused = 0;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct span position = i % 3 == 0 ? text_of(i % TEXT_BYTES + 1) : span_of("+1-1");
        for (uint64_t good = 0; good < 4; good++) {
            no_memory_after(good);
            enum table_outcome outcome =
                put_number(table, i % 2 == 0 ? OWN : PEERS, i, 1, position);
            no_memory_end();
            refused += outcome == TABLE_FULL_MEMORY;
            if (outcome == TABLE_NEW)
                break;
            CHECK(outcome == TABLE_FULL_MEMORY && table_count(table) == i);
        }
        CHECK_INT(table_count(table), i + 1);
    }
    CHECK(refused > CLIENTS / 3);
    CHECK(table_is_sound(table));
    table_destroy(&table);
}

static void names_count_and_may_be_refused(void)
{
    struct table_room all = {ALL_CLIENTS, UINT64_MAX};
    struct table *table = make(all, all, 0);
    struct location location = place(span_of("kiwi"), 1, span_of("+1-1"));
    char name[16];
    for (int i = 0; i < 15; i++) { /* with Ada all of the first sixteen */
        snprintf(name, sizeof name, "n%d", i);
        location.origin = span_of(name);
        location.order_ns++;
        CHECK_INT(put(table, PEERS, &location), i == 0 ? TABLE_NEW : TABLE_NEWER);
    }
    location.origin = span_of("one-more");
    location.order_ns++;
    no_memory_after(0);
    enum table_outcome outcome = put(table, PEERS, &location);
    no_memory_end();
    CHECK_INT(outcome, TABLE_FULL_MEMORY);
    CHECK(table_is_sound(table));
    uint64_t before = table_bytes(table);
    CHECK_INT(put(table, PEERS, &location), TABLE_NEWER);
    CHECK_INT(table_bytes(table) - before, 16 * sizeof(struct name));
    CHECK(table_is_sound(table));
    table_destroy(&table);
}

static const struct check_case cases[] = {
    {"each has a limit of clients", each_has_a_limit_of_clients},
    {"the last byte is used and not one more", the_last_byte_is_used_and_not_one_more},
    {"what others keep for a client counts", what_others_keep_for_a_client_counts},
    {"an unknown client is put in two steps", an_unknown_client_is_put_in_two_steps},
    {"a known client keeps what it had", a_known_client_keeps_what_it_had},
    {"an index that may not grow is filled a little more",
     an_index_that_may_not_grow_is_filled_a_little_more},
    {"memory may end at any moment", memory_may_end_at_any_moment},
    {"names count and may be refused", names_count_and_may_be_refused},
};

CHECK_MAIN(cases)
