/* Numbers from text and the text back from them; words and their ends. */
#include "bus/base/packed.h"

#include <sodium/crypto_shorthash.h>

#include "bus/base/siphash.h"
#include "bus/base/token.h"
#include "tests/check.h"
#include "tests/unit/input.h"

/* Reads copies that end where memory ends. */
static bool read_both(struct span position, struct span stamp, struct packed *packed)
{
    char *p = check_at_page_end(position.data, position.len);
    char *s = check_at_page_end(stamp.data, stamp.len);
    return packed_read((struct span){p, position.len}, (struct span){s, stamp.len}, packed);
}

static bool reads(const char *position, const char *stamp)
{
    struct packed packed;
    return read_both(span_of(position), span_of(stamp), &packed);
}

static void check_round_trip(struct span position, struct span stamp)
{
    struct packed packed;
    CHECK(packed_read(position, stamp, &packed));
    char text[PACKED_POSITION_ROOM_BYTES];
    char *end = packed_write_position(text, &packed);
    CHECK_BYTES(text, (size_t)(end - text), position.data, position.len);
    end = packed_write_stamp(text, &packed);
    CHECK_BYTES(text, (size_t)(end - text), stamp.data, stamp.len);
}

static const char *const positions[] = {
    "+34.068930-118.445127",
    "+0-0",
    "-0+0",
    "+00-000",
    "-00.0+000.000000000",
    "+1-1",
    "+90-180",
    "-90.000000000+180.000000000",
    "+05.1-005.01",
    "+999.999999999-999.999999999",
    "+1.2-3.45678901",
    "+12.12345678-1",
};
static const char *const stamps[] = {
    "1621464827.959498503", "0",        "1",          "0.5",
    "0.000000001",          "12",       "1621464827", "9223372035",
    "9223372035.999999999", "1.0",      "1.00",       "1234567.1234567",
    "12345678.12345678",    "99999999",
};

static void texts_come_back_byte_for_byte(void)
{
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++)
        for (size_t j = 0; j < sizeof stamps / sizeof *stamps; j++) {
            CHECK(reads(positions[i], stamps[j]));
            check_round_trip(span_of(positions[i]), span_of(stamps[j]));
        }
}

static void every_prefix_is_refused_or_comes_back(void)
{
    struct packed packed;
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++)
        for (size_t bytes = 0; bytes <= strlen(positions[i]); bytes++) {
            struct span prefix = {positions[i], bytes};
            if (read_both(prefix, span_of("1"), &packed))
                check_round_trip(prefix, span_of("1"));
        }
    for (size_t i = 0; i < sizeof stamps / sizeof *stamps; i++)
        for (size_t bytes = 0; bytes <= strlen(stamps[i]); bytes++) {
            struct span prefix = {stamps[i], bytes};
            if (read_both(span_of("+1-1"), prefix, &packed))
                check_round_trip(span_of("+1-1"), prefix);
        }
}

static void check_line(const char *line, size_t bytes)
{
    char *edge = check_at_page_end(line, bytes);
    struct packed packed, parts;
    size_t position_bytes = packed_read_line((struct span){edge, bytes}, &packed);
    size_t wanted = 0;
    char *blank = memchr(edge, ' ', bytes);
    if (blank != NULL) {
        size_t head = (size_t)(blank - edge);
        if (packed_read((struct span){edge, head}, (struct span){blank + 1, bytes - head - 1},
                        &parts))
            wanted = head;
    }
    CHECK_INT(position_bytes, wanted);
    if (position_bytes > 0 && wanted > 0) {
        CHECK(memcmp(packed.position, parts.position, sizeof parts.position) == 0);
        CHECK(packed.stamp_ns == parts.stamp_ns);
        CHECK_INT(packed.stamp_decimals, parts.stamp_decimals);
        CHECK(memcmp(&packed.form, &parts.form, sizeof parts.form) == 0);
    }
}

/* The line of both, cut at every place, is read exactly where the two parts are. */
static void a_line_is_read_like_its_parts(void)
{
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++)
        for (size_t j = 0; j < sizeof stamps / sizeof *stamps; j++) {
            char line[64];
            size_t bytes = (size_t)snprintf(line, sizeof line, "%s %s", positions[i], stamps[j]);
            for (size_t end = 0; end <= bytes; end++)
                check_line(line, end);
        }
    static const char *const others[] = {
        "+1-1  1", "+1-1\t1", "+1-1 1 ", " +1-1 1", "+34.068930-118.445127  1621464827.95949850",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct packed packed;
        CHECK_INT(packed_read_line(span_of(others[i]), &packed), 0);
    }
}

static void a_position_is_packed_two_characters_to_a_byte(void)
{
    static const uint8_t wanted[PACKED_BYTES] = {0x3b, 0xe4, 0x60, 0x98, 0x03, 0x1d, 0x81, 0x4e,
                                                 0x54, 0x21, 0x57, 0,    0,    0,    0,    22};
    static const char line[] = "+34.068930-118.4451275 1621464827.9594";
    struct packed packed;
    CHECK_INT(packed_read_line(span_of(line), &packed), 22);
    CHECK(memcmp(packed.position, wanted, sizeof wanted) == 0);
    CHECK_INT(packed.stamp_ns, 1621464827959400000);
    CHECK_INT(packed.stamp_decimals, 4);
    CHECK_INT(packed.form.latitude_digits, 2);
    CHECK_INT(packed.form.longitude_at, 10);
    CHECK_INT(packed.form.longitude_digits, 3);
}

static void other_forms_are_refused(void)
{
    static const char *const others[] = {
        "+",
        "1-1",
        "+1",
        "+1-",
        "+1+",
        "+1-1 ",
        " +1-1",
        "+1.-1",
        "+.5-1",
        "+1-1.",
        "+1-1x",
        "+1234-1",
        "+1-1234",
        "+1.1234567890-1",
        "+1-1.0000000000",
        "+1-1-1",
        "+1-1+",
        "+a-1",
        "+1/-1",
        "+1:-1",
        "+12345678901234567890-1",
        "\xb1-1",
        "+\xb1-1",
        "+1.\xff-1",
    };
    static const char *const other_stamps[] = {
        "",
        "-1",
        "+1",
        ".5",
        "1.",
        "01",
        "00",
        "9223372036",
        "10000000000",
        "1.1234567890",
        "1 ",
        " 1",
        "1e9",
        "123456789012345678901234567890",
        "1.123456789012345678901234567890",
        "9223372036.000000000",
        "0621464827.959498503",
        "1621464827,959498503",
        "1621464827.9594985034",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK(!reads(others[i], "1"));
    for (size_t i = 0; i < sizeof other_stamps / sizeof *other_stamps; i++)
        CHECK(!reads("+1-1", other_stamps[i]));
}

struct number {
    unsigned whole, decimals; /* digits */
    int64_t billionths;
    char text[24];
};

/* Its digits are drawn; its value is what strtoull(3) makes of them after padding with zeros. */
static struct number draw_number(uint64_t *state, unsigned whole_max)
{
    uint64_t drawn = input_draw(state);
    struct number number = {.whole = 1 + (unsigned)drawn % whole_max,
                            .decimals = (unsigned)(drawn >> 32) % 10};
    char drawn_digits[24], padded[24];
    snprintf(drawn_digits, sizeof drawn_digits, "1%018llu",
             (unsigned long long)(input_draw(state) % UINT64_C(1000000000000000000)));
    int whole = (int)number.whole, decimals = (int)number.decimals;
    snprintf(number.text, sizeof number.text, "%.*s%s%.*s", whole, drawn_digits,
             decimals > 0 ? "." : "", decimals, drawn_digits + 10);
    snprintf(padded, sizeof padded, "%.*s%.*s%.*s", whole, drawn_digits, decimals,
             drawn_digits + 10, 9 - decimals, "000000000");
    number.billionths = (int64_t)strtoull(padded, NULL, 10);
    return number;
}

static void numbers_of_any_size_are_right(void)
{
    uint64_t state = 1;
    for (int i = 0; i < 20000; i++) {
        struct number north = draw_number(&state, 3), west = draw_number(&state, 3);
        struct number time = draw_number(&state, 10);
        char position[PACKED_POSITION_BYTES_MAX + 1] = "+";
        strcat(position, north.text);
        strcat(position, "-");
        strcat(position, west.text);
        char line[sizeof position + sizeof time.text];
        snprintf(line, sizeof line, "%s %s", position, time.text);
        struct packed packed;
        CHECK_INT(packed_read_line(span_of(line), &packed), strlen(position));
        CHECK_INT(packed.form.latitude_digits, north.whole);
        CHECK_INT(packed.form.longitude_at, 1 + strlen(north.text));
        CHECK_INT(packed.form.longitude_digits, west.whole);
        CHECK_INT(packed.stamp_ns, time.billionths);
        CHECK_INT(packed.stamp_decimals, time.decimals);
        check_round_trip(span_of(position), span_of(time.text));
    }
}

static bool is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

/* Every byte at every place of a text that holds runs of more and of less than eight digits. */
static void every_byte_in_every_place_is_refused_or_comes_back(void)
{
    char text[] = "-12.12345678+180.123456789", stamp[] = "1621464827.959498503";
    struct packed packed;
    for (size_t i = 0; i + 1 < sizeof text + sizeof stamp; i++) {
        char *at = i < sizeof text ? &text[i] : &stamp[i - sizeof text];
        char before = *at;
        for (int byte = 0; byte < 256 && before != '\0'; byte++) {
            *at = (char)byte;
            struct span position = {text, sizeof text - 1}, time = {stamp, sizeof stamp - 1};
            if (packed_read(position, time, &packed))
                check_round_trip(position, time);
            else
                CHECK(!is_digit(byte) || !is_digit(before) || at == stamp);
        }
        *at = before;
    }
}

static void digits_are_put_with_leading_zeros(void)
{
    char text[20];
    CHECK_BYTES(text, (size_t)(decimal_put(text, 7, 1) - text), "7", 1);
    CHECK_BYTES(text, (size_t)(decimal_put(text, 7, 2) - text), "07", 2);
    CHECK_BYTES(text, (size_t)(decimal_put(text, 12345, 9) - text), "000012345", 9);
    CHECK_BYTES(text, (size_t)(decimal_put(text, 12345, 3) - text), "345", 3);
    CHECK_BYTES(text, (size_t)(decimal_put(text, UINT64_MAX, 20) - text), "18446744073709551615",
                20);
    CHECK_BYTES(text, (size_t)(decimal_put_nine(text, 0) - text), "000000000", 9);
    CHECK_BYTES(text, (size_t)(decimal_put_nine(text, 12345) - text), "000012345", 9);
    CHECK_BYTES(text, (size_t)(decimal_put_nine(text, 999999999) - text), "999999999", 9);
}

/* Two parts of a number are written side by side: each of them in every value. */
static void every_four_digits_are_put(void)
{
    for (uint32_t four = 0; four < 10000; four++) {
        char text[9], wanted[16];
        uint32_t value = four * 10000 + (9999 - four);
        snprintf(wanted, sizeof wanted, "%09u", (unsigned)value);
        CHECK_BYTES(text, (size_t)(decimal_put_nine(text, value) - text), wanted, 9);
        CHECK_BYTES(text, (size_t)(decimal_put(text, value, 9) - text), wanted, 9);
    }
}

static void digits_are_counted(void)
{
    CHECK_INT(decimal_count(0), 1);
    unsigned count = 1;
    for (uint64_t power = 1; count < 20; power *= 10, count++) {
        CHECK_INT(decimal_count(power), count);
        CHECK_INT(decimal_count(power * 10 - 1), count);
        CHECK_INT(decimal_count(power * 10), count + 1);
    }
    CHECK_INT(decimal_count(UINT64_MAX), 20);
}

static void a_word_ends_at_the_first_white_space(void)
{
    for (size_t bytes = 0; bytes <= 33; bytes++)
        for (size_t at = 0; at <= bytes; at++)
            for (int byte = 0; byte < 256; byte++) {
                char text[33];
                /* A byte below '!' before it, which is no white space, must not mislead. */
                memset(text, byte % 2 == 0 ? 'x' : 1, bytes);
                bool white = byte == ' ' || (byte >= 9 && byte <= 13);
                if (at < bytes)
                    text[at] = (char)byte;
                size_t got = token_bytes((struct span){text, bytes});
                if (got != (white && at < bytes ? at : bytes))
                    CHECK_INT(got, white && at < bytes ? at : bytes);
            }
    char *edge = check_at_page_end("0123456789abc", 13);
    CHECK_INT(token_bytes((struct span){edge, 13}), 13);
}

static void siphash_is_libsodiums_with_other_rounds(void)
{
    uint8_t key[SIPHASH_KEY_BYTES];
    char text[64];
    uint64_t known[sizeof text + 1];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 7 + 1);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 31 + 5);
    for (size_t bytes = 0; bytes <= sizeof text; bytes++) {
        unsigned char wanted[crypto_shorthash_BYTES];
        char *edge = check_at_page_end(text, bytes);
        struct span span = {edge, bytes};
        crypto_shorthash(wanted, (const unsigned char *)text, bytes, key);
        uint64_t got = siphash_rounds(span, key, 2, 4);
        for (size_t i = 0; i < sizeof wanted; i++)
            CHECK_INT(got >> (8 * i) & 0xff, wanted[i]);
        CHECK(siphash(span, key) == siphash_rounds(span, key, 1, 3));
        known[bytes] = siphash(span, key);
        for (size_t i = 0; i < bytes; i++)
            CHECK(known[i] != known[bytes]);
    }
}

static void whole_numbers_are_read_up_to_their_limit(void)
{
    static const struct {
        const char *text;
        uint64_t max, wanted;
        bool good;
    } rows[] = {
        {"0", 0, 0, true},
        {"7", 7, 7, true},
        {"8", 7, 0, false},
        {"007", 7, 7, true},
        {"65535", 65535, 65535, true},
        {"65536", 65535, 0, false},
        {"18446744073709551615", UINT64_MAX, UINT64_MAX, true},
        {"18446744073709551616", UINT64_MAX, 0, false},
        {"99999999999999999999999", UINT64_MAX, 0, false},
        {"", 9, 0, false},
        {"-1", 9, 0, false},
        {"+1", 9, 0, false},
        {" 1", 9, 0, false},
        {"1 ", 9, 0, false},
        {"1.0", 99, 0, false},
        {"/", 9, 0, false},
        {":", 9, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t value = 12345;
        bool good = decimal_read_whole(span_of(rows[i].text), rows[i].max, &value);
        CHECK_INT(good, rows[i].good);
        CHECK(value == (rows[i].good ? rows[i].wanted : 12345));
    }
}

static const struct check_case cases[] = {
    {"texts come back byte for byte", texts_come_back_byte_for_byte},
    {"every prefix is refused or comes back", every_prefix_is_refused_or_comes_back},
    {"a line is read like its parts", a_line_is_read_like_its_parts},
    {"a position is packed two characters to a byte",
     a_position_is_packed_two_characters_to_a_byte},
    {"other forms are refused", other_forms_are_refused},
    {"every byte in every place is refused or comes back",
     every_byte_in_every_place_is_refused_or_comes_back},
    {"numbers of any size are right", numbers_of_any_size_are_right},
    {"digits are put with leading zeros", digits_are_put_with_leading_zeros},
    {"every four digits are put", every_four_digits_are_put},
    {"digits are counted", digits_are_counted},
    {"whole numbers are read up to their limit", whole_numbers_are_read_up_to_their_limit},
    {"a word ends at the first white space", a_word_ends_at_the_first_white_space},
    {"siphash is libsodium's with other rounds", siphash_is_libsodiums_with_other_rounds},
};

CHECK_MAIN(cases)
