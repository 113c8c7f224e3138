/* The order between two locations, what is valid, and the hash that every machine must share. */
#include "bus/location.h"

#include "tests/check.h"

static struct location base(void)
{
    return (struct location){
        .client = span_of("kiwi.cs.ucla.edu"),
        .position = span_of("+34.068930-118.445127"),
        .stamp = span_of("1621464827.959498503"),
        .origin = span_of("Clark"),
        .difference_ns = 263873386,
        .order_ns = INT64_C(1621464827959498503),
    };
}

static void order_time_is_the_stamp_unless_it_is_far_in_the_future(void)
{
    const int64_t skew = LOCATION_SKEW_NS_MAX;
    CHECK_INT(location_order_ns(100, 200), 100);
    CHECK_INT(location_order_ns(200 + skew, 200), 200 + skew);
    CHECK_INT(location_order_ns(201 + skew, 200), 200 + skew);
    CHECK_INT(location_order_ns(INT64_MAX, 200), 200 + skew);
    CHECK_INT(location_order_ns(0, INT64_MAX), 0);
    CHECK_INT(location_order_ns(INT64_MAX, INT64_MAX), INT64_MAX);
    CHECK_INT(location_order_ns(INT64_MAX, INT64_MAX - skew + 1), INT64_MAX);
    CHECK_INT(location_order_ns(INT64_MIN, 0), INT64_MIN);
}

/* Each row is greater than the one before, because of the first thing that differs. */
static void the_order_is_total(void)
{
    struct location rows[8];
    for (size_t i = 0; i < 8; i++)
        rows[i] = base();
    rows[0].order_ns--;
    rows[0].origin = span_of("Zed"); /* a lower order time loses, whatever follows */
    rows[1].origin = span_of("Bona");
    rows[1].stamp = span_of("9");
    rows[2].stamp = span_of("1621464827.9594985030");
    rows[3].stamp = span_of("1621464827.9594985031");
    rows[3].position = span_of("+0+0");
    rows[4].stamp = span_of("1621464828");
    rows[4].position = span_of("+0+0");
    rows[4].difference_ns = INT64_MAX;
    rows[5].stamp = span_of("1621464828");
    rows[5].difference_ns = INT64_MIN;
    rows[6].stamp = span_of("1621464828");
    rows[6].difference_ns = -1;
    rows[7].stamp = span_of("1621464828");
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++) {
            int order = location_compare(&rows[i], &rows[j]);
            CHECK_INT((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

static void the_client_is_not_compared(void)
{
    struct location a = base(), b = base();
    b.client = span_of("other");
    CHECK_INT(location_compare(&a, &b), 0);
}

static void every_white_space_byte_is_refused_everywhere(void)
{
    for (int byte = 0; byte < 256; byte++) {
        char text[3] = {'a', (char)byte, 'b'};
        bool white = byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\f' ||
                     byte == '\v';
        for (int field = 0; field < 4; field++) {
            struct location location = base();
            struct span *fields[] = {&location.client, &location.position, &location.stamp,
                                     &location.origin};
            *fields[field] = (struct span){text, 3};
            CHECK(location_is_valid(&location) == !white);
            *fields[field] = (struct span){text + 1, 1};
            CHECK(location_is_valid(&location) == !white);
        }
    }
}

static void no_field_may_be_empty(void)
{
    for (int field = 0; field < 4; field++) {
        struct location location = base();
        struct span *fields[] = {&location.client, &location.position, &location.stamp,
                                 &location.origin};
        *fields[field] = (struct span){NULL, 0};
        CHECK(!location_is_valid(&location));
    }
}

static void texts_and_origins_have_limits(void)
{
    static char text[LOCATION_TEXT_BYTES_MAX + 2];
    memset(text, 'x', sizeof text);
    for (int field = 0; field < 3; field++) {
        struct location location = base();
        struct span *fields[] = {&location.client, &location.position, &location.stamp};
        for (int i = 0; i < 3; i++)
            *fields[i] = (struct span){text, 1};
        *fields[field] = (struct span){text, LOCATION_TEXT_BYTES_MAX - 2};
        CHECK(location_is_valid(&location));
        *fields[field] = (struct span){text, LOCATION_TEXT_BYTES_MAX - 1};
        CHECK(!location_is_valid(&location));
        *fields[field] = (struct span){text, SIZE_MAX};
        CHECK(!location_is_valid(&location));
    }
    struct location location = base();
    location.origin = (struct span){text, LOCATION_ORIGIN_BYTES_MAX};
    CHECK(location_is_valid(&location));
    location.origin = (struct span){text, LOCATION_ORIGIN_BYTES_MAX + 1};
    CHECK(!location_is_valid(&location));
}

/* Computed elsewhere: XXH3_64bits over bytes packed by hand as location.h names them. */
static void the_hash_is_the_same_on_every_machine(void)
{
    struct location location = base();
    CHECK(location_hash(&location) == UINT64_C(0x309b63a81dae8ff7));
    char client[300];
    memset(client, 'c', sizeof client);
    location.client = (struct span){client, sizeof client};
    CHECK(location_hash(&location) == UINT64_C(0x293d1a3c4424f78d));
    location.difference_ns = -1;
    location.order_ns = INT64_MIN;
    CHECK(location_hash(&location) == UINT64_C(0x4b7da94233fe421f));
}

static void the_hash_notices_every_field_and_every_border(void)
{
    struct location rows[9];
    for (size_t i = 0; i < 9; i++)
        rows[i] = base();
    rows[1].client = span_of("kiwi.cs.ucla.ed");
    rows[2].position = span_of("+34.068930-118.445128");
    rows[3].stamp = span_of("1621464827.959498504");
    rows[4].origin = span_of("Clar");
    rows[5].difference_ns++;
    rows[6].order_ns++;
    rows[7].client = span_of("kiwi.cs.ucla.edu+34");
    rows[7].position = span_of(".068930-118.445127");
    rows[8].stamp = span_of("1621464827.95949850");
    rows[8].origin = span_of("3Clark");
    for (size_t i = 0; i < 9; i++)
        for (size_t j = 0; j < i; j++)
            CHECK(location_hash(&rows[i]) != location_hash(&rows[j]));
}

/* A long location is hashed in pieces, a short one in one: the border must not show. It lies at
 * 256 bytes, which a client of 182 bytes fills here. */
static void hashing_in_pieces_gives_the_same(void)
{
    static const uint64_t wanted[] = {UINT64_C(0x7b8e30cdd0cf96c7), UINT64_C(0x2cc1e614a25a6aeb),
                                      UINT64_C(0xf53df54896d6c3b6), UINT64_C(0x0d493856f17a9ade),
                                      UINT64_C(0xf6516770fe3bfdac)};
    char client[240];
    memset(client, 'c', sizeof client);
    size_t count = sizeof wanted / sizeof *wanted;
    for (size_t i = 0; i < count; i++) {
        struct location location = base();
        location.client = (struct span){client, 180 + i};
        CHECK(location_hash(&location) == wanted[i]);
    }
}

static const struct check_case cases[] = {
    {"order time is the stamp unless it is far in the future",
     order_time_is_the_stamp_unless_it_is_far_in_the_future},
    {"the order is total", the_order_is_total},
    {"the client is not compared", the_client_is_not_compared},
    {"every white-space byte is refused everywhere", every_white_space_byte_is_refused_everywhere},
    {"no field may be empty", no_field_may_be_empty},
    {"texts and origins have limits", texts_and_origins_have_limits},
    {"the hash is the same on every machine", the_hash_is_the_same_on_every_machine},
    {"the hash notices every field and every border",
     the_hash_notices_every_field_and_every_border},
    {"hashing in pieces gives the same", hashing_in_pieces_gives_the_same},
};

CHECK_MAIN(cases)
