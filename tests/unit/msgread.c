/* The MessagePack cursor: every kind, every encoding, every prefix, every lie about sizes. */
#include "bus/base/msgread.h"

#include <math.h>
#include <msgpack.h>

#include "tests/check.h"

/* Literal bytes whose end is the end of readable memory. */
#define AT_END(literal) at_end((literal), sizeof(literal) - 1)

static struct msgread at_end(const char *bytes, size_t count)
{
    return msgread_of((struct span){check_at_page_end(bytes, count), count});
}

static void unsigned_integers_come_in_every_encoding(void)
{
    static const struct {
        const char *bytes;
        size_t count;
        uint64_t value;
    } rows[] = {
        {"\x00", 1, 0},
        {"\x7f", 1, 127},
        {"\xcc\xff", 2, 255},
        {"\xcc\x01", 2, 1},
        {"\xcd\x01\x02", 3, 0x0102},
        {"\xce\xff\xfe\xfd\xfc", 5, 0xfffefdfc},
        {"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, UINT64_MAX},
        {"\xd0\x7f", 2, 127},
        {"\xd1\x7f\xff", 3, 32767},
        {"\xd2\x7f\xff\xff\xff", 5, 2147483647},
        {"\xd3\x7f\xff\xff\xff\xff\xff\xff\xff", 9, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct msgread cursor = at_end(rows[i].bytes, rows[i].count);
        uint64_t value = ~rows[i].value;
        CHECK(msgread_take_uint(&cursor, &value));
        CHECK(value == rows[i].value);
        CHECK(msgread_at_end(&cursor));
    }
}

static void signed_integers_come_in_every_encoding(void)
{
    static const struct {
        const char *bytes;
        size_t count;
        int64_t value;
    } rows[] = {
        {"\xe0", 1, -32},
        {"\xff", 1, -1},
        {"\x05", 1, 5},
        {"\xd0\x80", 2, -128},
        {"\xd1\x80\x00", 3, -32768},
        {"\xd1\xff\xff", 3, -1},
        {"\xd2\x80\x00\x00\x00", 5, INT32_MIN},
        {"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9, INT64_MIN},
        {"\xd3\xff\xff\xff\xff\xff\xff\xff\xff", 9, -1},
        {"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9, INT64_MAX},
        {"\xcc\xff", 2, 255},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct msgread cursor = at_end(rows[i].bytes, rows[i].count);
        int64_t value = ~rows[i].value;
        CHECK(msgread_take_int(&cursor, &value));
        CHECK(value == rows[i].value);
        CHECK(msgread_at_end(&cursor));
    }
}

static void an_integer_that_does_not_fit_is_refused_and_moves_nothing(void)
{
    struct msgread cursor = AT_END("\xcf\x80\x00\x00\x00\x00\x00\x00\x00");
    int64_t small;
    CHECK(!msgread_take_int(&cursor, &small));
    uint64_t large;
    CHECK(msgread_take_uint(&cursor, &large));
    CHECK(large == UINT64_C(1) << 63);

    cursor = AT_END("\xff");
    CHECK(!msgread_take_uint(&cursor, &large));
    CHECK(msgread_take_int(&cursor, &small));
    CHECK_INT(small, -1);
}

static void strings_and_binaries_are_two_kinds(void)
{
    struct msgread cursor = AT_END("\xa2no\xc4\x03yes");
    struct span bytes;
    CHECK(!msgread_take_bin(&cursor, &bytes));
    CHECK(msgread_take_str(&cursor, &bytes));
    CHECK_BYTES(bytes.data, bytes.len, "no", 2);
    CHECK(!msgread_take_str(&cursor, &bytes));
    CHECK(msgread_take_bin(&cursor, &bytes));
    CHECK_BYTES(bytes.data, bytes.len, "yes", 3);
    CHECK(msgread_at_end(&cursor));
}

static void bodies_come_in_every_length_field(void)
{
    static const struct {
        const char *head;
        size_t head_bytes, body_bytes;
        bool is_str;
    } rows[] = {
        {"\xa0", 1, 0, true},
        {"\xbf", 1, 31, true},
        {"\xd9\xff", 2, 255, true},
        {"\xda\x01\x00", 3, 256, true},
        {"\xdb\x00\x01\x00\x00", 5, 65536, true},
        {"\xc4\x00", 2, 0, false},
        {"\xc4\xff", 2, 255, false},
        {"\xc5\xff\xff", 3, 65535, false},
        {"\xc6\x00\x01\x00\x00", 5, 65536, false},
    };
    static char message[5 + 65536];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memset(message, 'x', sizeof message);
        memcpy(message, rows[i].head, rows[i].head_bytes);
        size_t whole = rows[i].head_bytes + rows[i].body_bytes;
        struct msgread cursor = at_end(message, whole);
        struct span body;
        CHECK(rows[i].is_str ? msgread_take_str(&cursor, &body) : msgread_take_bin(&cursor, &body));
        CHECK_INT(body.len, rows[i].body_bytes);
        CHECK(msgread_at_end(&cursor));
        if (rows[i].body_bytes > 0) {
            struct msgread cut = at_end(message, whole - 1);
            CHECK(!msgread_take_str(&cut, &body) && !msgread_take_bin(&cut, &body));
        }
    }
}

static void a_count_never_exceeds_the_bytes_left(void)
{
    uint32_t count;
    struct msgread exact = AT_END("\x93\x01\x02\x03");
    CHECK(msgread_take_array(&exact, &count));
    CHECK_INT(count, 3);
    struct msgread cursor = AT_END("\x93\x01\x02");
    CHECK(!msgread_take_array(&cursor, &count));
    cursor = AT_END("\xdd\x7f\xff\xff\xff");
    CHECK(!msgread_take_array(&cursor, &count));
    cursor = AT_END("\xdf\xff\xff\xff\xff");
    CHECK(!msgread_take_map(&cursor, &count));
    cursor = AT_END("\xdc\x00\x01\x07");
    CHECK(msgread_take_array(&cursor, &count));
    CHECK_INT(count, 1);
    cursor = AT_END("\x82\x01\x01\x02\x02");
    CHECK(msgread_take_map(&cursor, &count));
    CHECK_INT(count, 2);
    cursor = AT_END("\x82\x01\x01\x02");
    CHECK(!msgread_take_map(&cursor, &count));
    cursor = AT_END("\xde\x00\x01\x07\x07");
    CHECK(msgread_take_map(&cursor, &count));
    cursor = AT_END("\x90");
    CHECK(msgread_take_array(&cursor, &count));
    CHECK_INT(count, 0);
}

static void booleans_are_no_integers(void)
{
    struct msgread cursor = AT_END("\xc3\xc2");
    bool value = false;
    uint64_t number;
    CHECK(!msgread_take_uint(&cursor, &number));
    CHECK(msgread_take_bool(&cursor, &value) && value);
    CHECK(msgread_take_bool(&cursor, &value) && !value);
    CHECK(!msgread_take_bool(&cursor, &value));
}

/* Both readings of one float; the cursor moves only over what is taken. */
static void check_float(struct msgread start, bool is_uint, bool is_int, int64_t wanted)
{
    struct msgread cursor = start;
    uint64_t positive = 77;
    CHECK_INT(msgread_take_uint(&cursor, &positive), is_uint);
    CHECK(is_uint ? positive == (uint64_t)wanted && msgread_at_end(&cursor)
                  : cursor.at == start.at);
    cursor = start;
    int64_t number = 77;
    CHECK_INT(msgread_take_int(&cursor, &number), is_int);
    CHECK(is_int ? number == wanted && msgread_at_end(&cursor) : cursor.at == start.at);
    cursor = start;
    CHECK_INT(msgread_skim_int(&cursor, &number), is_int);
    CHECK(is_int ? number == wanted && msgread_at_end(&cursor) : cursor.at == start.at);
    cursor = start;
    CHECK(msgread_skip(&cursor) && msgread_at_end(&cursor));
}

#define NUMBER_MAX ((INT64_C(1) << 53) - 1)

/* Beyond the last of these a double stands for several whole numbers. */
static void a_whole_float_is_an_integer_below_2_to_the_53(void)
{
    static const struct {
        double value;
        bool is_uint, is_int;
        int64_t wanted;
    } rows[] = {
        {0.0, true, true, 0},
        {-0.0, true, true, 0},
        {1.0, true, true, 1},
        {-1.0, false, true, -1},
        {4294967296.0, true, true, 4294967296},
        {34068930000.0, true, true, 34068930000},
        {-118445127000.0, false, true, -118445127000},
        {1621464827959498.0, true, true, 1621464827959498},
        {9007199254740991.0, true, true, NUMBER_MAX},
        {-9007199254740991.0, false, true, -NUMBER_MAX},
        {9007199254740992.0, false, false, 0},
        {-9007199254740992.0, false, false, 0},
        {9007199254740994.0, false, false, 0},
        {18446744073709551616.0, false, false, 0},
        {-9223372036854775808.0, false, false, 0},
        {1.7976931348623157e308, false, false, 0},
        {0.5, false, false, 0},
        {-0.5, false, false, 0},
        {34.06893, false, false, 0},
        {4503599627370495.5, false, false, 0},
        {5e-324, false, false, 0},
        {(double)INFINITY, false, false, 0},
        {-(double)INFINITY, false, false, 0},
        {(double)NAN, false, false, 0},
        {-(double)NAN, false, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t bits;
        char bytes[9] = "\xcb";
        memcpy(&bits, &rows[i].value, sizeof bits);
        bits = htobe64(bits);
        memcpy(bytes + 1, &bits, sizeof bits);
        check_float(at_end(bytes, sizeof bytes), rows[i].is_uint, rows[i].is_int, rows[i].wanted);
        for (size_t cut = 1; cut < sizeof bytes; cut++) {
            struct msgread part = at_end(bytes, cut);
            int64_t number;
            CHECK(!msgread_take_int(&part, &number) && msgread_left(&part) == cut);
        }
    }
}

static void a_float_of_32_bits_is_one_like_others(void)
{
    static const struct {
        const char *bytes;
        bool is_uint, is_int;
        int64_t wanted;
    } rows[] = {
        {"\xca\x00\x00\x00\x00", true, true, 0},
        {"\xca\x80\x00\x00\x00", true, true, 0}, /* -0 */
        {"\xca\x46\x1c\x40\x00", true, true, 10000},
        {"\xca\xc6\x1c\x40\x00", false, true, -10000},
        {"\xca\x59\xff\xff\xff", true, true, INT64_C(0xffffff) << 29}, /* the next is 2^53 */
        {"\xca\x5a\x00\x00\x00", false, false, 0},
        {"\xca\x3f\x00\x00\x00", false, false, 0}, /* 0.5 */
        {"\xca\x00\x00\x00\x01", false, false, 0},
        {"\xca\x7f\x80\x00\x00", false, false, 0}, /* infinite */
        {"\xca\x7f\xc0\x00\x00", false, false, 0}, /* no number */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_float(at_end(rows[i].bytes, 5), rows[i].is_uint, rows[i].is_int, rows[i].wanted);
}

static void skip_takes_exactly_one_object(void)
{
    static const struct {
        const char *bytes;
        size_t count;
    } rows[] = {
        {"\x07", 1},
        {"\xc0", 1},
        {"\xc3", 1},
        {"\xa3"
         "abc",
         4},
        {"\xc4\x01"
         "a",
         3},
        {"\xca"
         "ffff",
         5},
        {"\xcb"
         "dddddddd",
         9},
        {"\xd4"
         "tx",
         3},
        {"\xd8"
         "t0123456789abcdef",
         18},
        {"\xc7\x02"
         "txx",
         5},
        {"\xc7\x00"
         "t",
         3},
        {"\xc8\x00\x01"
         "tx",
         5},
        {"\xc9\x00\x00\x00\x01"
         "tx",
         7},
        {"\x92\x01\x92\x02\xa1"
         "a",
         6},
        {"\x81\xa1"
         "k\x92\x01\x02",
         6},
        {"\xdc\x00\x02\x01\x90", 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct msgread whole = at_end(rows[i].bytes, rows[i].count);
        CHECK(msgread_skip(&whole));
        CHECK(msgread_at_end(&whole));
        for (size_t cut = 0; cut < rows[i].count; cut++) {
            struct msgread part = at_end(rows[i].bytes, cut);
            struct msgread before = part;
            CHECK(!msgread_skip(&part));
            CHECK(part.at == before.at);
        }
    }
}

static void skip_survives_any_depth(void)
{
    size_t depth = 100000;
    char *bytes = malloc(depth + 1);
    memset(bytes, '\x91', depth);
    bytes[depth] = '\x01';
    struct msgread cursor = at_end(bytes, depth + 1);
    CHECK(msgread_skip(&cursor));
    CHECK(msgread_at_end(&cursor));
    cursor = at_end(bytes, depth);
    CHECK(!msgread_skip(&cursor));
    free(bytes);
}

static void the_byte_that_is_never_used_is_refused(void)
{
    struct msgread cursor = AT_END("\xc1");
    CHECK(!msgread_skip(&cursor));
    cursor = AT_END("\x91\xc1");
    CHECK(!msgread_skip(&cursor));
}

static void what_msgpack_c_writes_is_read_back(void)
{
    msgpack_sbuffer out;
    msgpack_sbuffer_init(&out);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &out, msgpack_sbuffer_write);
    for (unsigned bit = 0; bit < 64; bit++) {
        msgpack_pack_uint64(&packer, UINT64_C(1) << bit);
        msgpack_pack_int64(&packer, (int64_t)(~UINT64_C(0) << bit));
    }
    struct msgread cursor = at_end(out.data, out.size);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t positive;
        int64_t negative;
        CHECK(msgread_take_uint(&cursor, &positive) && positive == UINT64_C(1) << bit);
        CHECK(msgread_take_int(&cursor, &negative) && negative == (int64_t)(~UINT64_C(0) << bit));
    }
    CHECK(msgread_at_end(&cursor));
    msgpack_sbuffer_destroy(&out);
}

/* Two bytes after each first byte: nothing crashes, and a false leaves the cursor in place. */
static void any_three_bytes_are_read_or_refused(void)
{
    static const unsigned char tails[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    for (unsigned first = 0; first < 256; first++) {
        for (size_t i = 0; i < sizeof tails * sizeof tails; i++) {
            char bytes[3] = {(char)first, (char)tails[i % sizeof tails],
                             (char)tails[i / sizeof tails]};
            struct msgread cursor = msgread_of((struct span){bytes, 3});
            struct msgread copy = cursor;
            if (!msgread_skip(&cursor))
                CHECK(cursor.at == copy.at);
            else
                CHECK(cursor.at > copy.at && cursor.at <= copy.end);
        }
    }
}

/* Each skim says, gives and moves what the take of that kind does. */
static void check_skims(struct msgread start)
{
    struct msgread taken = start, skimmed = start;
    uint32_t count = 0, count_too = 0;
    CHECK_INT(msgread_skim_array(&skimmed, &count_too), msgread_take_array(&taken, &count));
    CHECK(skimmed.at == taken.at && (taken.at == start.at || count_too == count));
    struct span bytes = {0}, bytes_too = {0};
    taken = skimmed = start;
    CHECK_INT(msgread_skim_str(&skimmed, &bytes_too), msgread_take_str(&taken, &bytes));
    CHECK(skimmed.at == taken.at && bytes_too.data == bytes.data && bytes_too.len == bytes.len);
    taken = skimmed = start;
    CHECK_INT(msgread_skim_bin(&skimmed, &bytes_too), msgread_take_bin(&taken, &bytes));
    CHECK(skimmed.at == taken.at && bytes_too.data == bytes.data && bytes_too.len == bytes.len);
    int64_t value = 0, value_too = 0;
    taken = skimmed = start;
    CHECK_INT(msgread_skim_int(&skimmed, &value_too), msgread_take_int(&taken, &value));
    CHECK(skimmed.at == taken.at && value_too == value);
}

/* Every head with every number of bytes after it, low and high ones. */
static void a_skim_is_a_take(void)
{
    enum { BYTES_MAX = 40 };
    static const unsigned char fillings[] = {0x00, 0x01, 0x1e, 0x7f, 0x80, 0xff};
    static const char room[BYTES_MAX];
    char *edge = check_at_page_end(room, sizeof room);
    for (int first = 0; first < 256; first++)
        for (size_t filling = 0; filling < sizeof fillings; filling++) {
            char bytes[BYTES_MAX];
            memset(bytes, fillings[filling], sizeof bytes);
            bytes[0] = (char)first;
            for (size_t count = 0; count <= sizeof bytes; count++) {
                char *start = edge + sizeof bytes - count;
                memmove(start, bytes, count);
                check_skims(msgread_of((struct span){start, count}));
            }
        }
}

static const struct check_case cases[] = {
    {"unsigned integers come in every encoding", unsigned_integers_come_in_every_encoding},
    {"signed integers come in every encoding", signed_integers_come_in_every_encoding},
    {"an integer that does not fit is refused and moves nothing",
     an_integer_that_does_not_fit_is_refused_and_moves_nothing},
    {"strings and binaries are two kinds", strings_and_binaries_are_two_kinds},
    {"bodies come in every length field", bodies_come_in_every_length_field},
    {"a count never exceeds the bytes left", a_count_never_exceeds_the_bytes_left},
    {"booleans are no integers", booleans_are_no_integers},
    {"a whole float is an integer below 2^53", a_whole_float_is_an_integer_below_2_to_the_53},
    {"a float of 32 bits is one like others", a_float_of_32_bits_is_one_like_others},
    {"skip takes exactly one object", skip_takes_exactly_one_object},
    {"skip survives any depth", skip_survives_any_depth},
    {"the byte that is never used is refused", the_byte_that_is_never_used_is_refused},
    {"what msgpack-c writes is read back", what_msgpack_c_writes_is_read_back},
    {"any three bytes are read or refused", any_three_bytes_are_read_or_refused},
    {"a skim is a take", a_skim_is_a_take},
};

CHECK_MAIN(cases)
