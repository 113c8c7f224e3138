/* A record gives back what was written to it, in numbers or as text, in any order of the two. */
#include "bus/table/record.h"

#include "tests/check.h"

#include <malloc.h>
#include <stdlib.h>

/* Blocks that were given back with this in them. */
#define SECRET "garden"
static int leaks;

void *__real_realloc(void *old, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void __real_free(void *block);
void __wrap_free(void *block);

static void look_into(void *block)
{
    if (block != NULL)
        leaks += memmem(block, malloc_usable_size(block), SECRET, strlen(SECRET)) != NULL;
}

void *__wrap_realloc(void *old, size_t bytes)
{
    look_into(old);
    return __real_realloc(old, bytes);
}

void __wrap_free(void *block)
{
    look_into(block);
    __real_free(block);
}

static struct location honest(const char *client, const char *position, const char *stamp,
                              int64_t stamp_ns, int64_t difference_ns)
{
    return (struct location){
        .client = span_of(client),
        .position = span_of(position),
        .stamp = span_of(stamp),
        .origin = span_of("Ada"),
        .difference_ns = difference_ns,
        .order_ns = location_order_ns(stamp_ns, stamp_ns + difference_ns),
    };
}

static void check_holds(const struct record *record, const struct location *wanted)
{
    char text[PACKED_TEXT_BYTES_MAX];
    struct location got = {.origin = wanted->origin};
    record_read(record, text, &got);
    CHECK(span_equals(got.client, wanted->client));
    CHECK_INT(location_compare(&got, wanted), 0);
    CHECK(location_hash(&got) == location_hash(wanted));
    CHECK_INT(record_order_ns(record), wanted->order_ns);
    CHECK(span_equals(record_client(record), wanted->client));
    CHECK_INT(record->origin, 5);
    CHECK_INT(record->range, 0xabcd); /* no location changes it */
    CHECK(record->hash == location_hash(wanted));
}

static void put(struct record *record, const struct location *location)
{
    struct allowance allowance = {.taken = record_beside_bytes(record), .max = UINT64_MAX};
    record->range = 0xabcd;
    CHECK(record_write(record, location, 5, location_hash_origin(location->origin), &allowance));
    CHECK_INT(allowance.taken, record_beside_bytes(record));
    check_holds(record, location);
}

static bool in_numbers(const struct record *record)
{
    return !record_is_text(record);
}

static void an_ordinary_location_needs_no_other_memory(void)
{
    struct record record = {0};
    struct location location = honest("kiwi.cs.ucla.edu", "+34.068930-118.445127",
                                      "1621464827.959498503", 1621464827959498503, 263873386);
    put(&record, &location);
    CHECK(in_numbers(&record));
    struct location future = honest("kiwi.cs.ucla.edu", "+34.068930-118.445127",
                                    "1621464827.959498503", 1621464827959498503, -7000000000);
    CHECK_INT(future.order_ns, 1621464825959498503);
    put(&record, &future);
    CHECK(in_numbers(&record));
    record_free(&record);
}

static void the_longest_id_fits_and_one_more_byte_does_not(void)
{
    char id[LOCATION_PLAIN_CLIENT_BYTES_MAX + 2];
    for (size_t bytes = 1; bytes <= LOCATION_PLAIN_CLIENT_BYTES_MAX + 1; bytes++) {
        memset(id, 'k', bytes);
        id[bytes] = '\0';
        struct record record = {0};
        struct location location = honest(id, "+1-1", "12", 12000000000, 7);
        put(&record, &location);
        CHECK_INT(in_numbers(&record), bytes <= LOCATION_PLAIN_CLIENT_BYTES_MAX);
        record_free(&record);
    }
}

static void digits_read_before_are_taken_as_they_are(void)
{
    struct record record = {0};
    struct location location = honest("kiwi", "+1.50-1", "12.0", 12000000000, 7);
    struct packed packed;
    put(&record, &location);
    uint64_t hash = record.hash;
    CHECK(packed_read(location.position, location.stamp, &packed));
    location.packed = &packed;
    put(&record, &location);
    CHECK(in_numbers(&record));
    CHECK(record.hash == hash);
    /* They are no reason to keep what is not plain in numbers. */
    location.order_ns++;
    put(&record, &location);
    CHECK(!in_numbers(&record));
    record_free(&record);
}

static void what_does_not_follow_is_kept_as_text(void)
{
    struct record record = {0};
    struct location odd_order = honest("kiwi", "+1-1", "12", 12000000000, 7);
    odd_order.order_ns++;
    put(&record, &odd_order);
    CHECK(!in_numbers(&record));
    struct location overflow = honest("kiwi", "+1-1", "9223372035", 9223372035000000000, 0);
    overflow.difference_ns = INT64_MAX;
    overflow.order_ns = 9223372035000000000;
    put(&record, &overflow);
    CHECK(in_numbers(&record));
    overflow.order_ns = INT64_MAX; /* the latest there is */
    put(&record, &overflow);
    CHECK(in_numbers(&record));
    overflow.order_ns--;
    put(&record, &overflow);
    CHECK(!in_numbers(&record));
    record_free(&record);
}

/* A node with a slow clock takes a true stamp, one with a fast clock takes one that is too late:
 * the order time is the herd's, and neither makes a text of all its clients. Digits that were read
 * before change nothing. */
static void a_wrong_clock_makes_no_texts(void)
{
    for (int64_t wrong_s = -7200; wrong_s <= 7200; wrong_s += 3600)
        for (int is_stamp = 0; is_stamp <= 1; is_stamp++)
            for (int is_read = 0; is_read <= 1; is_read++) {
                struct record record = {0};
                struct packed packed;
                struct location location =
                    honest("kiwi", "+1-1", "12000.5", 12000500000000, wrong_s * NANO);
                location.order_ns =
                    is_stamp ? 12000500000000 : 12000500000000 + (wrong_s + 5) * NANO;
                CHECK(packed_read(location.position, location.stamp, &packed));
                location.packed = is_read ? &packed : NULL;
                put(&record, &location);
                CHECK(in_numbers(&record));
                record_free(&record);
            }
}

/* Every form after every other, in one record of one client. */
static void forms_follow_each_other_in_any_order(void)
{
    static char longest[LOCATION_TEXT_BYTES_MAX];
    memset(longest, 'x', sizeof longest);
    struct location forms[] = {
        honest("kiwi", "+1-1", "12", 12000000000, 7),
        honest("kiwi", "+1.0000000001-1", "12", 12000000000, 7),
        honest("kiwi", "+34.068930-118.445127", "1621464827.959498503", 1621464827959498503, 3),
        honest("kiwi", "nowhere", "never", 1, 1),
        honest("kiwi", "+1-1", "12", 12000000000, -7200 * NANO),
        honest("kiwi", "+1-1", "12", 12000000000, 7),
        honest("kiwi", "+1-1", "0012", 12000000000, 7),
        honest("kiwi", "", "12", 1, 1),
    };
    enum { FORMS = sizeof forms / sizeof *forms };
    forms[4].order_ns = 12000000000;
    forms[5].order_ns += 7 + 5 * NANO;
    forms[FORMS - 1].position = (struct span){longest, sizeof longest - 6};
    for (int first = 0; first < FORMS; first++)
        for (int second = 0; second < FORMS; second++)
            for (int third = 0; third < FORMS; third++) {
                struct record record = {0};
                put(&record, &forms[first]);
                put(&record, &forms[second]);
                put(&record, &forms[third]);
                record_free(&record);
            }
}

/* However full the table is: what a client with a long id says next has room. */
static void a_long_id_has_room_for_any_usual_location(void)
{
    char id[LOCATION_PLAIN_CLIENT_BYTES_MAX + 101];
    for (size_t bytes = LOCATION_PLAIN_CLIENT_BYTES_MAX + 1; bytes < sizeof id; bytes++) {
        memset(id, 'k', bytes);
        id[bytes] = '\0';
        struct record record = {0};
        struct location shortest = honest(id, "+1-1", "1", 1000000000, 7);
        struct location longest = honest(id, "+34.068930123-118.445127123", "1621464827.959498503",
                                         1621464827959498503, 7);
        put(&record, &shortest);
        uint64_t taken = record_beside_bytes(&record);
        struct allowance full = {.taken = taken, .max = taken};
        for (int i = 0; i < 4; i++)
            CHECK(record_write(&record, i % 2 == 0 ? &longest : &shortest, 5, 1, &full));
        CHECK_INT(full.taken, taken);
        record_free(&record);
    }
}

static struct location tombstone(const char *client, const char *stamp, int64_t order_ns)
{
    return (struct location){.client = span_of(client),
                             .position = {"", 0},
                             .stamp = span_of(stamp),
                             .origin = span_of("Ada"),
                             .order_ns = order_ns};
}

static bool is_in(const struct record *record, const char *text)
{
    size_t bytes = strlen(text);
    return memmem(record, sizeof *record, text, bytes) != NULL ||
           (record_is_text(record) && memmem(record->text.at, record->text.room, text, bytes));
}

static bool has_digits(const struct record *record)
{
    static const uint8_t none[sizeof record->digits];
    return memcmp(record->digits, none, sizeof none) != 0;
}

/* In whatever form the client was kept, and will be: plain where the order time follows. */
static void a_tombstone_leaves_nothing_of_what_was_said(void)
{
    static const struct {
        const char *position;
        int64_t order_ns;
        bool plain;
    } rows[] = {
        {"+34.068930-118.445127", 17000000000, true},
        {"+34.068930-118.445127", 13, false},
        {"in-the-garden-of-the-house", 17000000000, true},
        {"in-the-garden-of-the-house", 13, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct record record = {0};
        struct location longer =
            honest("kiwi", "in-the-house-that-stands-beside-the-orchard", "11", 11000000000, 7);
        struct location location = honest("kiwi", rows[i].position, "12", 12000000000, 7);
        struct location end = tombstone("kiwi", "12", rows[i].order_ns);
        put(&record, &longer);
        put(&record, &location);
        CHECK(!record_is_tombstone(&record));
        put(&record, &end);
        CHECK(record_is_tombstone(&record));
        CHECK_INT(in_numbers(&record), rows[i].plain);
        CHECK(!is_in(&record, "garden"));
        CHECK(!is_in(&record, "orchard"));
        CHECK(!has_digits(&record));
        put(&record, &location);
        CHECK(!record_is_tombstone(&record));
        record_free(&record);
    }
}

/* Who is forgotten later may have moved in memory before. */
static void what_was_said_stays_in_no_block_that_is_given_back(void)
{
    static char filling[2000];
    static const size_t sizes[] = {20, 100, 2000, 30, 500, 21};
    memset(filling, 'x', sizeof filling);
    memcpy(filling, SECRET, strlen(SECRET));
    struct record record = {0};
    leaks = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct location location = honest("kiwi", "", "12", 12000000000, 7);
        location.position = (struct span){filling, sizes[i]};
        put(&record, &location);
    }
    struct location end = tombstone("kiwi", "12", 13);
    put(&record, &end);
    record_free(&record);
    CHECK_INT(leaks, 0);
}

static const struct check_case cases[] = {
    {"an ordinary location needs no other memory", an_ordinary_location_needs_no_other_memory},
    {"the longest id fits and one more byte does not",
     the_longest_id_fits_and_one_more_byte_does_not},
    {"digits read before are taken as they are", digits_read_before_are_taken_as_they_are},
    {"what does not follow is kept as text", what_does_not_follow_is_kept_as_text},
    {"a long id has room for any usual location from its first one on",
     a_long_id_has_room_for_any_usual_location},
    {"a wrong clock makes no texts", a_wrong_clock_makes_no_texts},
    {"forms follow each other in any order", forms_follow_each_other_in_any_order},
    {"a tombstone leaves nothing of what was said", a_tombstone_leaves_nothing_of_what_was_said},
    {"what was said stays in no block that is given back",
     what_was_said_stays_in_no_block_that_is_given_back},
};

CHECK_MAIN(cases)
