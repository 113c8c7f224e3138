/* A record gives back what was written to it, in numbers or as text, in any order of the two. */
#include "bus/table/record.h"

#include "tests/check.h"

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
    CHECK(record->hash == location_hash(wanted));
}

static void put(struct record *record, const struct location *location)
{
    record_write(record, location, 5, location_hash_origin(location->origin));
    check_holds(record, location);
}

static bool in_numbers(const struct record *record)
{
    return record->client_bytes != 0;
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
    overflow.difference_ns = INT64_MIN;
    put(&record, &overflow);
    CHECK(!in_numbers(&record));
    record_free(&record);
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
        honest("kiwi", "+1-1", "0012", 12000000000, 7),
        honest("kiwi", "", "12", 1, 1),
    };
    enum { FORMS = sizeof forms / sizeof *forms };
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

static const struct check_case cases[] = {
    {"an ordinary location needs no other memory", an_ordinary_location_needs_no_other_memory},
    {"the longest id fits and one more byte does not",
     the_longest_id_fits_and_one_more_byte_does_not},
    {"digits read before are taken as they are", digits_read_before_are_taken_as_they_are},
    {"what does not follow is kept as text", what_does_not_follow_is_kept_as_text},
    {"forms follow each other in any order", forms_follow_each_other_in_any_order},
};

CHECK_MAIN(cases)
