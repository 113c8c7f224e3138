/* The order between two locations, what is valid, and the hash that every machine must share. */
#include "bus/table/location.h"

#include <xxhash.h>

#include "tests/check.h"
#include "tests/unit/sample_location.h"

static void order_time_is_the_stamp_unless_it_is_far_in_the_future(void)
{
    const int64_t skew = LOCATION_SKEW_NS_MAX;
    CHECK_INT(location_order_ns(100, 200), 100);
    CHECK_INT(location_order_ns(200 + skew, 200), 200 + skew);
    CHECK_INT(location_order_ns(201 + skew, 200), 200 + skew);
    CHECK_INT(location_order_ns(INT64_MAX, 200), 200 + skew);
    CHECK_INT(location_order_ns(0, INT64_MAX), 0);
    CHECK_INT(location_order_ns(INT64_MIN, 0), INT64_MIN);
}

/* Also where a node's own clock shows the year 2200, or the end of time. */
static void no_node_gives_an_order_time_beyond_the_greatest(void)
{
    const int64_t skew = LOCATION_SKEW_NS_MAX, most = LOCATION_ORDER_NS_MAX;
    CHECK_INT(location_order_ns(INT64_MAX, most - skew - 1), most - 1);
    CHECK_INT(location_order_ns(INT64_MAX, most - skew), most);
    CHECK_INT(location_order_ns(INT64_MAX, most - skew + 1), most);
    CHECK_INT(location_order_ns(INT64_MAX, INT64_MAX), most);
    CHECK_INT(location_order_ns(most - 1, INT64_MAX), most - 1);
    CHECK_INT(location_order_ns(0, INT64_MIN), INT64_MIN + skew);
    struct location location = sample_location();
    location.order_ns = most;
    CHECK(location_is_valid(&location));
    location.order_ns = most + 1;
    CHECK(!location_is_valid(&location));
    struct packed packed;
    CHECK(packed_read(location.position, location.stamp, &packed));
    location.packed = &packed;
    CHECK(!location_is_valid(&location));
    location.order_ns = INT64_MIN;
    CHECK(location_is_valid(&location));
}

static void a_stamp_is_a_number_in_any_form(void)
{
    static const struct {
        const char *stamp;
        int64_t stamp_ns;
    } rows[] = {
        {"0", 0},
        {"0012", 12 * NANO},
        {"1621464827.959498503", 1621464827959498503},
        {"12.5", 12 * NANO + NANO / 2},
        {"12.000000001", 12 * NANO + 1},
        {"12.0000000019", 12 * NANO + 1},
        {"9223372036.854775807", INT64_MAX},
        {"9223372036.854775808", INT64_MIN},
        {"9223372037", INT64_MIN},
        {"99999999999999999999", INT64_MIN},
        {"", INT64_MIN},
        {".5", INT64_MIN},
        {"12.", INT64_MIN},
        {"-12", INT64_MIN},
        {"12.5x", INT64_MIN},
        {"12 ", INT64_MIN},
        {"never", INT64_MIN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(location_stamp_ns(span_of(rows[i].stamp)), rows[i].stamp_ns);
    CHECK_INT(location_stamp_ns((struct span){NULL, 0}), INT64_MIN);
}

/* Each row is greater than the one before, because of the first thing that differs. */
static void the_order_is_total(void)
{
    struct location rows[8];
    for (size_t i = 0; i < 8; i++)
        rows[i] = sample_location();
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

/* Rule O3, with the ceiling at each place among them: whatever is known is newer than what is
 * above, and within the two parts it is the total order, so all of it is one. */
static void what_is_above_the_ceiling_loses_to_what_is_not(void)
{
    enum { ROWS = 6 };
    struct location rows[ROWS];
    for (int i = 0; i < ROWS; i++) {
        rows[i] = sample_location();
        rows[i].order_ns = 100 + i / 2;
        rows[i].origin = span_of(i % 2 == 0 ? "Ada" : "Bob");
    }
    for (int64_t ceiling = 99; ceiling <= 103; ceiling++)
        for (int i = 0; i < ROWS; i++) {
            int64_t known_ns;
            bool is_known = location_known_order_ns(&rows[i], ceiling, &known_ns);
            CHECK_INT(is_known, rows[i].order_ns <= ceiling);
            CHECK(!is_known || known_ns == rows[i].order_ns);
            for (int j = 0; j < ROWS; j++) {
                bool is_other_known = rows[j].order_ns <= ceiling;
                int order = location_compare_at(&rows[i], &rows[j], ceiling);
                int wanted =
                    is_known != is_other_known ? is_known - is_other_known : (i > j) - (i < j);
                CHECK_INT((order > 0) - (order < 0), wanted);
            }
        }
}

/* Its known order is its stamp and 5 s; a position above the ceiling loses to it, and
 * what is true and later wins. */
static void a_tombstone_above_the_ceiling_is_compared_by_its_stamp(void)
{
    const int64_t second = 1000000000, ceiling = 2000 * second;
    struct location end = sample_location(), other = sample_location();
    end.position.len = 0;
    end.stamp = span_of("1990");
    end.order_ns = 9000 * second;
    int64_t known_ns;
    CHECK(location_known_order_ns(&end, ceiling, &known_ns));
    CHECK_INT(known_ns, 1995 * second);
    CHECK(!location_known_order_ns(&end, 1995 * second - 1, &known_ns));
    CHECK(location_known_order_ns(&end, 9000 * second, &known_ns));
    CHECK_INT(known_ns, 9000 * second);
    static const struct {
        int64_t order_s;
        int wins;
    } rows[] = {{1994, 0}, {1996, 1}, {2000, 1}, {2001, 0}, {8999, 0}, {9500, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        other.order_ns = rows[i].order_s * second;
        CHECK_INT(location_compare_at(&other, &end, ceiling) > 0, rows[i].wins);
        CHECK_INT(location_compare_at(&end, &other, ceiling) < 0, rows[i].wins);
    }
    end.stamp = span_of("never"); /* no number: it has none above the ceiling */
    CHECK(!location_known_order_ns(&end, ceiling, &known_ns));
}

static void the_client_is_not_compared(void)
{
    struct location a = sample_location(), b = sample_location();
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
            struct location location = sample_location();
            struct span *fields[] = {&location.client, &location.position, &location.stamp,
                                     &location.origin};
            *fields[field] = (struct span){text, 3};
            CHECK(location_is_valid(&location) == !white);
            *fields[field] = (struct span){text + 1, 1};
            CHECK(location_is_valid(&location) == !white);
        }
    }
}

/* Words are looked at in pieces: no place in any of them is left out, and other control bytes,
 * which lie below the blank, too, are no white space. */
static void white_space_is_found_at_every_place(void)
{
    char text[40];
    for (size_t bytes = 1; bytes <= sizeof text; bytes++)
        for (size_t at = 0; at < bytes; at++) {
            struct location location = sample_location();
            memset(text, 'x', sizeof text);
            char *edge = check_at_page_end(text, bytes), *changed = edge + at;
            location.client = (struct span){edge, bytes};
            CHECK(location_is_valid(&location));
            *changed = '\x01';
            CHECK(location_is_valid(&location));
            *changed = '\xff';
            CHECK(location_is_valid(&location));
            *changed = ' ';
            CHECK(!location_is_valid(&location));
            *changed = '\t';
            CHECK(!location_is_valid(&location));
        }
}

static void no_field_may_be_empty_but_a_tombstones_position(void)
{
    for (int field = 0; field < 4; field++) {
        struct location location = sample_location();
        struct span *fields[] = {&location.position, &location.client, &location.stamp,
                                 &location.origin};
        *fields[field] = (struct span){NULL, 0};
        CHECK_INT(location_is_valid(&location), field == 0);
        CHECK_INT(location_is_tombstone(&location), field == 0);
    }
}

static void texts_and_origins_have_limits(void)
{
    static char text[LOCATION_TEXT_BYTES_MAX + 2];
    memset(text, 'x', sizeof text);
    for (int field = 0; field < 3; field++) {
        struct location location = sample_location();
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
    struct location location = sample_location();
    location.origin = (struct span){text, LOCATION_ORIGIN_BYTES_MAX};
    CHECK(location_is_valid(&location));
    location.origin = (struct span){text, LOCATION_ORIGIN_BYTES_MAX + 1};
    CHECK(!location_is_valid(&location));
}

static void the_order_time_has_a_limit(void)
{
    struct location location = sample_location();
    location.order_ns = LOCATION_ORDER_NS_MAX;
    CHECK(location_is_valid(&location));
    location.order_ns++;
    CHECK(!location_is_valid(&location));
    location.order_ns = INT64_MIN;
    CHECK(location_is_valid(&location));
}

/* Computed elsewhere: the constants by XXH3_64bits_withSeed over bytes that were packed by hand as
 * bus/PROTOCOL.md (Digests) lays them out. */
static void the_hash_is_the_same_on_every_machine(void)
{
    struct location location = sample_location();
    CHECK(location_hash(&location) == UINT64_C(0xbafd2d839606f95c));
    location.difference_ns = -location.difference_ns;
    CHECK(location_hash(&location) == UINT64_C(0x1d993172eb55bcfc));
    char client[300], origin[LOCATION_ORIGIN_BYTES_MAX];
    memset(client, 'c', sizeof client);
    memset(origin, 'C', sizeof origin);
    location = (struct location){.client = span_of("aaaaaaaaaaaaaaaaaaaa"),
                                 .position = span_of("+034.0-0"),
                                 .stamp = span_of("0"),
                                 .origin = {origin, sizeof origin},
                                 .difference_ns = -1};
    CHECK(location_hash(&location) == UINT64_C(0x268e2e86c409d2b5));
    location = sample_location();
    location.client = (struct span){client, sizeof client};
    CHECK(location_hash(&location) == UINT64_C(0x293d1a3c4424f78d));
    location.difference_ns = -1;
    location.order_ns = INT64_MIN;
    CHECK(location_hash(&location) == UINT64_C(0x4b7da94233fe421f));
}

/* The 64 bytes of sample_location(), one by one. */
static void a_plain_location_is_hashed_in_64_bytes(void)
{
    unsigned char bytes[64] = "kiwi.cs.ucla.edu";
    bytes[20] = 16; /* client */
    bytes[21] = 9;  /* digits of the stamp after its point */
    /* "+34.068930-118.445127", read backwards in each eight bytes */
    const uint64_t numbers[] = {
        UINT64_C(1621464827959498503), UINT64_C(0x4e811d039860e43b),
        UINT64_C(0x1500000000072154),  263873386,
        XXH3_64bits("Clark", 5),
    };
    for (size_t i = 0; i < 40; i++)
        bytes[24 + i] = (unsigned char)(numbers[i / 8] >> i % 8 * 8);
    struct location location = sample_location();
    CHECK(location_hash(&location) == XXH3_64bits_withSeed(bytes, sizeof bytes, 1));
    CHECK(location_hash_origin(location.origin) == numbers[4]);
}

/* Of the stamp and 5 s after the node's clock showed its moment one is the order time; which one,
 * byte 22 says: 0 for the lesser, as it was when there was no such byte, and 0 where they are the
 * same. */
static void one_byte_says_which_order_time_a_plain_location_has(void)
{
    const struct location sample = sample_location();
    struct packed packed;
    CHECK(packed_read(sample.position, sample.stamp, &packed));
    for (int64_t late_ns = -1; late_ns <= 1; late_ns++)
        for (int is_stamp = 0; is_stamp <= 1; is_stamp++) {
            struct location location = sample;
            location.difference_ns = late_ns - LOCATION_SKEW_NS_MAX;
            location.order_ns = packed.stamp_ns + (is_stamp ? 0 : late_ns);
            bool is_greater = is_stamp ? late_ns < 0 : late_ns > 0;
            struct location_plain plain = {
                .stamp_ns = htole64((uint64_t)packed.stamp_ns),
                .difference_ns = htole64((uint64_t)location.difference_ns),
                .origin_hash = htole64(location_hash_origin(sample.origin)),
            };
            memcpy(&plain, "kiwi.cs.ucla.edu", 16);
            char sizes[] = {16, 9, (char)is_greater};
            memcpy((char *)&plain + 20, sizes, sizeof sizes);
            memcpy(plain.position, packed.position, sizeof plain.position);
            CHECK(location_hash(&location) == XXH3_64bits_withSeed(&plain, sizeof plain, 1));
            CHECK(location_is_usual(&location, &packed) ==
                  (is_stamp && late_ns >= 0 ? true : late_ns == 0));
            location.order_ns += late_ns == 0 ? 1 : late_ns * (is_stamp ? -1 : 1);
            CHECK(location_hash(&location) == location_hash_texts(&location));
        }
}

/* What is missing to be plain, one thing at a time, gives the hash of texts. */
static void whatever_is_not_plain_is_hashed_as_texts(void)
{
    struct location rows[7];
    for (size_t i = 0; i < 7; i++)
        rows[i] = sample_location();
    rows[1].client = span_of("aaaaaaaaaaaaaaaaaaaaa");
    rows[2].position = span_of("+34.068930-118.4451270001");
    rows[3].stamp = span_of("01621464827.959498503");
    rows[4].order_ns++;
    rows[5].difference_ns = -LOCATION_SKEW_NS_MAX - 2; /* the order time would be two less */
    rows[5].order_ns--;
    rows[6].client = span_of("");
    CHECK(location_hash(&rows[0]) != location_hash_texts(&rows[0]));
    for (size_t i = 1; i < 7; i++)
        CHECK(location_hash(&rows[i]) == location_hash_texts(&rows[i]));
    rows[5].order_ns--;
    CHECK(location_hash(&rows[5]) != location_hash_texts(&rows[5]));
    CHECK(location_hash(&rows[4]) == UINT64_C(0x6902be9d438a9b05));
}

static void digits_say_nothing_new_to_a_hash(void)
{
    struct location location = sample_location();
    struct packed packed;
    uint64_t hash = location_hash(&location);
    CHECK(packed_read(location.position, location.stamp, &packed));
    location.packed = &packed;
    CHECK(location_hash(&location) == hash);
}

/* As plain locations where they can be, and once more as others. */
static void the_hash_notices_every_field_and_every_border(void)
{
    enum { FORMS = 13, ROWS = 2 * FORMS + 1 };
    struct location rows[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        rows[i] = sample_location();
    rows[1].client = span_of("kiwi.cs.ucla.ed");
    rows[2].position = span_of("+34.068930-118.445128");
    rows[3].stamp = span_of("1621464827.959498504");
    rows[3].order_ns++;
    rows[4].origin = span_of("Clar");
    rows[5].difference_ns++;
    rows[6].stamp = span_of("1621464827.9594985");
    rows[6].order_ns -= 3;
    rows[7].client = span_of("kiwi.cs.ucla.edu+34");
    rows[7].position = span_of(".068930-118.445127");
    rows[8].stamp = span_of("1621464827.95949850");
    rows[8].order_ns -= 3;
    rows[8].origin = span_of("3Clark");
    rows[9].client = (struct span){"kiwi.cs.ucla.edu\0", 17};
    rows[10].position = span_of("+34.06893-118.445127");
    rows[11].position = span_of("+34.068930-118.4451270");
    rows[12].position = span_of("+034.068930-118.445127");
    for (size_t i = 0; i < FORMS; i++) {
        rows[FORMS + i] = rows[i];
        rows[FORMS + i].order_ns = 42;
    }
    rows[ROWS - 1].order_ns = 43;
    for (size_t i = 0; i < ROWS; i++)
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
        struct location location = sample_location();
        location.client = (struct span){client, 180 + i};
        CHECK(location_hash(&location) == wanted[i]);
    }
}

static const struct check_case cases[] = {
    {"order time is the stamp unless it is far in the future",
     order_time_is_the_stamp_unless_it_is_far_in_the_future},
    {"no node gives an order time beyond the greatest",
     no_node_gives_an_order_time_beyond_the_greatest},
    {"a stamp is a number in any form", a_stamp_is_a_number_in_any_form},
    {"the order is total", the_order_is_total},
    {"what is above the ceiling loses to what is not",
     what_is_above_the_ceiling_loses_to_what_is_not},
    {"a tombstone above the ceiling is compared by its stamp",
     a_tombstone_above_the_ceiling_is_compared_by_its_stamp},
    {"the client is not compared", the_client_is_not_compared},
    {"every white-space byte is refused everywhere", every_white_space_byte_is_refused_everywhere},
    {"white space is found at every place", white_space_is_found_at_every_place},
    {"no field may be empty but a tombstone's position",
     no_field_may_be_empty_but_a_tombstones_position},
    {"texts and origins have limits", texts_and_origins_have_limits},
    {"the order time has a limit", the_order_time_has_a_limit},
    {"the hash is the same on every machine", the_hash_is_the_same_on_every_machine},
    {"a plain location is hashed in 64 bytes", a_plain_location_is_hashed_in_64_bytes},
    {"one byte says which order time a plain location has",
     one_byte_says_which_order_time_a_plain_location_has},
    {"whatever is not plain is hashed as texts", whatever_is_not_plain_is_hashed_as_texts},
    {"digits say nothing new to a hash", digits_say_nothing_new_to_a_hash},
    {"the hash notices every field and every border",
     the_hash_notices_every_field_and_every_border},
    {"hashing in pieces gives the same", hashing_in_pieces_gives_the_same},
};

CHECK_MAIN(cases)
