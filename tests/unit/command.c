/* command: tables of lines and of numbers. */
#include "gateway/text/command.h"
#include "bus/base/degrees.h"
#include "tests/check.h"
#include "tests/unit/input.h"

#define ALL_OPTIONS UINT32_MAX

/* What is not set stays at a value that no case expects. */
static void parse_with(uint32_t options, struct span line, struct command *command)
{
    memset(command, 0x55, sizeof *command);
    command_parse((struct span){check_at_page_end(line.data, line.len), line.len}, options,
                  command);
}

static void parse(struct span line, struct command *command)
{
    parse_with(ALL_OPTIONS, line, command);
}

static void check_kind(struct span line, enum command_kind wanted)
{
    struct command command;
    parse(line, &command);
    if (command.kind != wanted)
        printf("    the line is \"%.*s\"\n", (int)line.len, line.data);
    CHECK_INT(command.kind, wanted);
    CHECK((command.why != NULL) == (wanted == COMMAND_INVALID));
    bool has_client = wanted == COMMAND_IAMAT || wanted == COMMAND_WHATSAT ||
                      wanted == COMMAND_NEARBY || wanted == COMMAND_WATCH ||
                      wanted == COMMAND_WATCH_AROUND || wanted == COMMAND_FORGET;
    CHECK((command.client.len > 0) == has_client);
}

static void iamat_fields(void)
{
    struct command command;
    parse(SPAN("IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 1621464827.959498503"), &command);
    CHECK_INT(command.kind, COMMAND_IAMAT);
    CHECK_BYTES(command.client.data, command.client.len, "kiwi.cs.ucla.edu", 16);
    CHECK_BYTES(command.position.data, command.position.len, "+34.068930-118.445127", 21);
    CHECK_BYTES(command.stamp.data, command.stamp.len, "1621464827.959498503", 20);
    CHECK_INT(command.stamp_ns, 1621464827959498503);
    parse(SPAN("\f IAMAT\t\v k\x80\0\xff \r+1-1\n 0 \r\n"), &command);
    CHECK_INT(command.kind, COMMAND_IAMAT);
    CHECK_BYTES(command.client.data, command.client.len, "k\x80\0\xff", 4);
    CHECK_BYTES(command.stamp.data, command.stamp.len, "0", 1);
}

static void whatsat_fields(void)
{
    struct command command;
    parse(SPAN(" WHATSAT  kiwi 10\t5\r"), &command);
    CHECK_INT(command.kind, COMMAND_WHATSAT);
    CHECK_BYTES(command.client.data, command.client.len, "kiwi", 4);
    CHECK_BYTES(command.text.data, command.text.len, "WHATSAT  kiwi 10\t5", 18);
    CHECK_INT(command.radius_km, 10);
    CHECK_INT(command.bound, 5);
    parse(SPAN("WHATSAT kiwi 50 0"), &command);
    CHECK_BYTES(command.client.data, command.client.len, "kiwi", 4);
    CHECK_BYTES(command.text.data, command.text.len, "WHATSAT kiwi 50 0", 17);
    CHECK_INT(command.radius_km, 50);
    CHECK_INT(command.bound, 0);
}

static void lines_by_kind(void)
{
    const struct {
        struct span line;
        enum command_kind kind;
    } table[] = {
        {SPAN("IAMAT k +1-1 1"), COMMAND_IAMAT},
        {SPAN("IAMAT \xc2\xa0\x1c +1-1 1"), COMMAND_IAMAT}, /* not white: U+00A0 and 1c */
        {SPAN("iamat k +1-1 1"), COMMAND_INVALID},
        {SPAN("Iamat k +1-1 1"), COMMAND_INVALID},
        {SPAN("IAMATk +1-1 1"), COMMAND_INVALID},
        {SPAN("IAMAT\0 k +1-1 1"), COMMAND_INVALID},
        {SPAN("IAMAT"), COMMAND_INVALID},
        {SPAN("IAMAT k"), COMMAND_INVALID},
        {SPAN("IAMAT k +1-1"), COMMAND_INVALID},
        {SPAN("IAMAT k +1-1 1 1"), COMMAND_INVALID},
        {SPAN("IAMAT k +1 -1 1"), COMMAND_INVALID},
        {SPAN("IAMAT k 1 +1-1"), COMMAND_INVALID},
        {SPAN("IAMAT +1-1 1"), COMMAND_INVALID},
        {SPAN("IAMAT k +90-180 1"), COMMAND_IAMAT},
        {SPAN("IAMAT k +90.000000001-1 1"), COMMAND_INVALID},
        {SPAN("IAMAT k +090-1 1"), COMMAND_INVALID},
        {SPAN("IAMAT k +1-180.000000001 1"), COMMAND_INVALID},
        {SPAN("IAMAT  +1-1 1"), COMMAND_INVALID},
        {SPAN("IAMAT k+1-1 1"), COMMAND_INVALID},
        {SPAN("IAMAT k "), COMMAND_INVALID},
        {SPAN("IAMAT "), COMMAND_INVALID},
        {SPAN("WHATSAT k 0 0"), COMMAND_WHATSAT},
        {SPAN("WHATSAT k 50 20"), COMMAND_WHATSAT},
        {SPAN("WHATSAT k 51 20"), COMMAND_INVALID},
        {SPAN("WHATSAT k 50 21"), COMMAND_INVALID},
        {SPAN("WHATSAT k 007 00000000000000000000000020"), COMMAND_WHATSAT},
        {SPAN("WHATSAT k 4294967296 1"), COMMAND_INVALID},
        {SPAN("WHATSAT k 18446744073709551617 1"), COMMAND_INVALID},
        {SPAN("WHATSAT k +1 1"), COMMAND_INVALID},
        {SPAN("WHATSAT k -0 1"), COMMAND_INVALID},
        {SPAN("WHATSAT k 1.0 1"), COMMAND_INVALID},
        {SPAN("WHATSAT k 1e1 1"), COMMAND_INVALID},
        {SPAN("WHATSAT k 0x1 1"), COMMAND_INVALID},
        {SPAN("WHATSAT k 1 1."), COMMAND_INVALID},
        {SPAN("WHATSAT k 1 1\0"), COMMAND_INVALID},
        {SPAN("WHATSAT k 1 \xd9\xa1"), COMMAND_INVALID}, /* an Arabic-Indic 1 */
        {SPAN("WHATSAT k 1"), COMMAND_INVALID},
        {SPAN("WHATSAT k 1 1 1"), COMMAND_INVALID},
        {SPAN("WHATSAT k 105"), COMMAND_INVALID},
        {SPAN("WHATSAT k 1 "), COMMAND_INVALID},
        {SPAN("WHATSAT  1 1"), COMMAND_INVALID},
        {SPAN("WHATSAT k 1  1"), COMMAND_WHATSAT},
        {SPAN("WHATSAT k 001 1"), COMMAND_WHATSAT},
        {SPAN("WHATSAT k 100 1"), COMMAND_INVALID},
        {SPAN("WHATSAT k 1 100"), COMMAND_INVALID},
        {SPAN("WHATSAT 1 1"), COMMAND_INVALID},
        {SPAN("WHATSAT"), COMMAND_INVALID},
        {SPAN("whatsat k 1 1"), COMMAND_INVALID},
        {SPAN("NEARBY k 1 1"), COMMAND_NEARBY},
        {SPAN("NEARBY AT 1 1"), COMMAND_NEARBY}, /* a client of that name */
        {SPAN(" NEARBY\t\xff\0  001.500 1000 \r"), COMMAND_NEARBY},
        {SPAN("NEARBY k 0 1"), COMMAND_NEARBY},
        {SPAN("NEARBY k 20038 1"), COMMAND_NEARBY},
        {SPAN("NEARBY k 20038.000 1"), COMMAND_NEARBY},
        {SPAN("NEARBY k 20037.999 1"), COMMAND_NEARBY},
        {SPAN("NEARBY k 20038.001 1"), COMMAND_INVALID},
        {SPAN("NEARBY k 20039 1"), COMMAND_INVALID},
        {SPAN("NEARBY k 1.0000 1"), COMMAND_INVALID},
        {SPAN("NEARBY k 1. 1"), COMMAND_INVALID},
        {SPAN("NEARBY k .5 1"), COMMAND_INVALID},
        {SPAN("NEARBY k . 1"), COMMAND_INVALID},
        {SPAN("NEARBY k 1.5.5 1"), COMMAND_INVALID},
        {SPAN("NEARBY k 1,5 1"), COMMAND_INVALID},
        {SPAN("NEARBY k -1 1"), COMMAND_INVALID},
        {SPAN("NEARBY k +1 1"), COMMAND_INVALID},
        {SPAN("NEARBY k 1e3 1"), COMMAND_INVALID},
        {SPAN("NEARBY k 1.+1 1"), COMMAND_INVALID},
        {SPAN("NEARBY k 99999999999999999999 1"), COMMAND_INVALID},
        {SPAN("NEARBY k 1 0"), COMMAND_INVALID},
        {SPAN("NEARBY k 1 1001"), COMMAND_INVALID},
        {SPAN("NEARBY k 1 1.0"), COMMAND_INVALID},
        {SPAN("NEARBY k 1"), COMMAND_INVALID},
        {SPAN("NEARBY k 1 1 1"), COMMAND_INVALID},
        {SPAN("NEARBY"), COMMAND_INVALID},
        {SPAN("nearby k 1 1"), COMMAND_INVALID},
        {SPAN("NEARBY AT +1-1 1 1"), COMMAND_NEARBY_AT},
        {SPAN("NEARBY  AT  -90+180  0.001\t1 "), COMMAND_NEARBY_AT},
        {SPAN("NEARBY at +1-1 1 1"), COMMAND_INVALID},
        {SPAN("NEARBY AT +1-1 1 1 1"), COMMAND_INVALID},
        {SPAN("NEARBY AT +90.1-1 1 1"), COMMAND_INVALID},
        {SPAN("NEARBY AT 1-1 1 1"), COMMAND_INVALID},
        {SPAN("NEARBY AT +1-1 1 0"), COMMAND_INVALID},
        {SPAN("NEARBY AT +1-1 x 1"), COMMAND_INVALID},
        {SPAN("WATCH k"), COMMAND_WATCH},
        {SPAN("WATCH *"), COMMAND_WATCH},
        {SPAN(" WATCH\t\xff\0 \r"), COMMAND_WATCH},
        {SPAN("WATCH AT"), COMMAND_WATCH}, /* a client of that name */
        {SPAN("WATCH"), COMMAND_INVALID},
        {SPAN("WATCH "), COMMAND_INVALID},
        {SPAN("watch k"), COMMAND_INVALID},
        {SPAN("WATCHk"), COMMAND_INVALID},
        {SPAN("WATCH k 0"), COMMAND_WATCH_AROUND},
        {SPAN("WATCH AT 1"), COMMAND_WATCH_AROUND},
        {SPAN("WATCH * 1"), COMMAND_WATCH_AROUND}, /* as these two */
        {SPAN("WATCH k 1000.000"), COMMAND_WATCH_AROUND},
        {SPAN("WATCH k 999.999"), COMMAND_WATCH_AROUND},
        {SPAN("WATCH k 1000.001"), COMMAND_INVALID},
        {SPAN("WATCH k 1001"), COMMAND_INVALID},
        {SPAN("WATCH k 1.0000"), COMMAND_INVALID},
        {SPAN("WATCH k .5"), COMMAND_INVALID},
        {SPAN("WATCH k 5."), COMMAND_INVALID},
        {SPAN("WATCH k -1"), COMMAND_INVALID},
        {SPAN("WATCH k l"), COMMAND_INVALID},
        {SPAN("WATCH AT +1-1 1"), COMMAND_WATCH_AT},
        {SPAN("WATCH AT -90+180 1000"), COMMAND_WATCH_AT},
        {SPAN("WATCH AT +1-1 1000.001"), COMMAND_INVALID},
        {SPAN("WATCH AT +90.1-1 1"), COMMAND_INVALID},
        {SPAN("WATCH at +1-1 1"), COMMAND_INVALID},
        {SPAN("WATCH k +1-1 1"), COMMAND_INVALID},
        {SPAN("WATCH AT +1-1 1 1"), COMMAND_INVALID},
        {SPAN("UNWATCH"), COMMAND_UNWATCH},
        {SPAN(" UNWATCH\r"), COMMAND_UNWATCH},
        {SPAN("UNWATCH 1"), COMMAND_UNWATCH_ONE},
        {SPAN("UNWATCH 0"), COMMAND_UNWATCH_ONE},
        {SPAN("UNWATCH 004294967295"), COMMAND_UNWATCH_ONE},
        {SPAN("UNWATCH 4294967296"), COMMAND_INVALID},
        {SPAN("UNWATCH -1"), COMMAND_INVALID},
        {SPAN("UNWATCH 1.0"), COMMAND_INVALID},
        {SPAN("UNWATCH *"), COMMAND_INVALID},
        {SPAN("UNWATCH 1 2"), COMMAND_INVALID},
        {SPAN("unwatch"), COMMAND_INVALID},
        {SPAN("UNWATCHX"), COMMAND_INVALID},
        {SPAN("FORGET k"), COMMAND_FORGET},
        {SPAN(" FORGET\t\xff\0 \r"), COMMAND_FORGET},
        {SPAN("FORGET"), COMMAND_INVALID},
        {SPAN("FORGET "), COMMAND_INVALID},
        {SPAN("FORGET k l"), COMMAND_INVALID},
        {SPAN("FORGETk"), COMMAND_INVALID},
        {SPAN("forget k"), COMMAND_INVALID},
        {SPAN("AT Clark +0.1 k +1-1 1"), COMMAND_INVALID},
        {SPAN("AT"), COMMAND_INVALID},
        {SPAN("HELP"), COMMAND_HELP},
        {SPAN(" hElp \r"), COMMAND_HELP},
        {SPAN("HELP me"), COMMAND_INVALID},
        {SPAN("HELPX"), COMMAND_INVALID},
        {SPAN("HEL"), COMMAND_INVALID},
        {SPAN("(ELP"), COMMAND_INVALID}, /* one bit away from a letter in lower case */
        {SPAN("quit"), COMMAND_QUIT},
        {SPAN("QUIT"), COMMAND_QUIT},
        {SPAN("QUIT now"), COMMAND_INVALID},
        {SPAN("\xd1UIT"), COMMAND_INVALID},
        {SPAN("POST / HTTP/1.1"), COMMAND_BROWSER},
        {SPAN("POST"), COMMAND_BROWSER},
        {SPAN(" PUT\t/ HTTP/1.1\r"), COMMAND_BROWSER},
        {SPAN("PATCH / HTTP/1.1"), COMMAND_BROWSER},
        {SPAN("DELETE / HTTP/1.1"), COMMAND_BROWSER},
        {SPAN("post /"), COMMAND_INVALID},
        {SPAN("Put /"), COMMAND_INVALID},
        {SPAN("pATCH /"), COMMAND_INVALID},
        {SPAN("delete /"), COMMAND_INVALID},
        {SPAN("POSTS"), COMMAND_INVALID},
        {SPAN("PUT/ HTTP/1.1"), COMMAND_INVALID},
        {SPAN("DELETE\0"), COMMAND_INVALID},
        {SPAN("x POST /"), COMMAND_INVALID},
        {SPAN("Host: localhost:11500"), COMMAND_BROWSER},
        {SPAN("host: localhost"), COMMAND_BROWSER},
        {SPAN("HOST:"), COMMAND_BROWSER},
        {SPAN(" \thOsT:\tx\r"), COMMAND_BROWSER},
        {SPAN("Host:localhost"), COMMAND_INVALID},
        {SPAN("Host : localhost"), COMMAND_INVALID},
        {SPAN("(ost: localhost"), COMMAND_INVALID},
        {SPAN("Hos"), COMMAND_INVALID},
        {SPAN("GET / HTTP/1.1"), COMMAND_INVALID},
        {SPAN("HEAD / HTTP/1.1"), COMMAND_INVALID},
        {SPAN("OPTIONS * HTTP/1.1"), COMMAND_INVALID},
        {SPAN(""), COMMAND_INVALID},
        {SPAN(" \t\r\n\f\v"), COMMAND_INVALID},
        {SPAN("\0"), COMMAND_INVALID},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check_kind(table[i].line, table[i].kind);
}

/* As unknown as any other word. */
static void an_optional_word_is_none_where_it_is_off(void)
{
    struct command command, unknown;
    parse(SPAN(" FORGET  k\r"), &command);
    CHECK_BYTES(command.client.data, command.client.len, "k", 1);
    CHECK_BYTES(command.text.data, command.text.len, "FORGET  k", 9);
    parse_with(0, SPAN("FORGOT k"), &unknown);
    const struct span lines[] = {SPAN("FORGET k"), SPAN("FORGET"), SPAN("FORGET k l")};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        parse_with(ALL_OPTIONS & ~COMMAND_OPTION(COMMAND_FORGET), lines[i], &command);
        CHECK_INT(command.kind, COMMAND_INVALID);
        CHECK(command.why == unknown.why);
        CHECK_INT(command.client.len, 0);
    }
    parse_with(COMMAND_OPTION(COMMAND_FORGET), SPAN("FORGET k"), &command);
    CHECK_INT(command.kind, COMMAND_FORGET);
    const struct span watches[] = {SPAN("WATCH k"), SPAN("WATCH k 1"), SPAN("WATCH AT +1-1 1"),
                                   SPAN("UNWATCH"), SPAN("UNWATCH 1")};
    for (size_t i = 0; i < sizeof watches / sizeof *watches; i++) {
        parse_with(0, watches[i], &command);
        CHECK_INT(command.kind, COMMAND_INVALID);
        CHECK(command.why == unknown.why);
    }
}

static void text_is_trimmed(void)
{
    struct command command;
    parse(SPAN(" \t\r\n\f\v bad \t line\x1c \v\f\n\r\t "), &command);
    CHECK_BYTES(command.text.data, command.text.len, "bad \t line\x1c", 11);
    parse(SPAN(" \t\r\n\f\v"), &command);
    CHECK_INT(command.text.len, 0);
    for (int byte = 0; byte < 256; byte++) {
        char line[] = {(char)byte, 'x', (char)byte};
        bool is_white = byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' ||
                        byte == '\f' || byte == '\v';
        parse((struct span){line, sizeof line}, &command);
        CHECK_INT(command.text.len, is_white ? 1 : 3);
    }
}

/* Every prefix ends at an unreadable page. The last field is complete from `valid_from` on. */
static void check_prefixes(struct span line, size_t valid_from, enum command_kind kind)
{
    for (size_t count = 0; count <= line.len; count++) {
        struct span prefix = {line.data, count};
        bool ends_at_point = count > 0 && line.data[count - 1] == '.';
        check_kind(prefix, count >= valid_from && !ends_at_point ? kind : COMMAND_INVALID);
    }
}

static void every_prefix(void)
{
    check_prefixes(SPAN("IAMAT kiwi +34.068930-118.445127 1621464827.959498503"), 34,
                   COMMAND_IAMAT);
    check_prefixes(SPAN("WHATSAT kiwi.cs.ucla.edu 10 20"), 29, COMMAND_WHATSAT);
    check_prefixes(SPAN("NEARBY k 2.5 10"), 14, COMMAND_NEARBY);
    check_prefixes(SPAN("NEARBY AT +34.06-118.44 2.5 10"), 29, COMMAND_NEARBY_AT);
    check_prefixes(SPAN("HELP"), 4, COMMAND_HELP);
    check_prefixes(SPAN("QUIT"), 4, COMMAND_QUIT);
    check_prefixes(SPAN("Host: x"), 5, COMMAND_BROWSER);
    check_prefixes(SPAN("hOST: x"), 5, COMMAND_BROWSER);
    check_prefixes(SPAN("POST"), 4, COMMAND_BROWSER);
    check_prefixes(SPAN("PUT"), 3, COMMAND_BROWSER);
    check_prefixes(SPAN("PATCH"), 5, COMMAND_BROWSER);
    check_prefixes(SPAN("DELETE"), 6, COMMAND_BROWSER);
}

/* A form with fewer fields is the beginning of one with more: `kinds` has a letter for each
 * prefix. */
static void check_forms(struct span line, const char *kinds)
{
    CHECK_INT(strlen(kinds), line.len + 1);
    for (size_t count = 0; count <= line.len; count++) {
        enum command_kind kind = COMMAND_INVALID;
        switch (kinds[count]) {
        case 'w':
            kind = COMMAND_WATCH;
            break;
        case 'a':
            kind = COMMAND_WATCH_AROUND;
            break;
        case 'p':
            kind = COMMAND_WATCH_AT;
            break;
        case 'u':
            kind = COMMAND_UNWATCH;
            break;
        case 'o':
            kind = COMMAND_UNWATCH_ONE;
            break;
        default:
            CHECK_INT(kinds[count], '-');
        }
        check_kind((struct span){line.data, count}, kind);
    }
}

static void every_prefix_of_several_forms(void)
{
    check_forms(SPAN("WATCH kiwi 2.5"), "-------wwwwwa-a");
    check_forms(SPAN("WATCH AT +1-2 2.5"), "-------www-----p-p");
    check_forms(SPAN("UNWATCH 12 "), "-------uuooo");
}

static void watch_fields(void)
{
    struct command command;
    parse(SPAN("WATCH  kiwi "), &command);
    CHECK_BYTES(command.client.data, command.client.len, "kiwi", 4);
    parse(SPAN("WATCH kiwi 2.5"), &command);
    CHECK_BYTES(command.client.data, command.client.len, "kiwi", 4);
    CHECK_INT(command.radius_mm, 2500000);
    parse(SPAN("WATCH AT +34.5-118.25 1000"), &command);
    CHECK_INT(command.radius_mm, 1000000000);
    CHECK_INT(command.place.latitude_nano, 34500000000);
    CHECK_INT(command.place.longitude_nano, -118250000000);
    parse(SPAN("UNWATCH 017"), &command);
    CHECK_INT(command.watch, 17);
}

static bool parse_position(struct span text, int64_t *latitude, int64_t *longitude)
{
    struct span page = {check_at_page_end(text.data, text.len), text.len};
    struct degrees degrees = {0};
    bool is_good = degrees_read(page, &degrees);
    *latitude = degrees.latitude_nano;
    *longitude = degrees.longitude_nano;
    return is_good;
}

static bool parse_stamp(struct span text, int64_t *stamp_ns)
{
    struct span page = {check_at_page_end(text.data, text.len), text.len};
    return command_parse_stamp(page, stamp_ns);
}

static void positions_accepted(void)
{
    const struct {
        struct span text;
        int64_t latitude, longitude;
    } table[] = {
        {SPAN("+34.068930-118.445127"), 34068930000, -118445127000},
        {SPAN("-0+0"), 0, 0},
        {SPAN("+0.0-000.000"), 0, 0},
        {SPAN("+90+180"), 90000000000, 180000000000},
        {SPAN("-90.000-180.0"), -90000000000, -180000000000},
        {SPAN("+90.00000000000000000000-180.00000000000000000000"), 90000000000, -180000000000},
        {SPAN("+89.9999999999-179.9999999999"), 89999999999, -179999999999},
        {SPAN("+00.1234567899-001.9"), 123456789, -1900000000},
        {SPAN("-0.000000001+0.0000000019"), -1, 1},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t latitude = 1, longitude = 1;
        CHECK(parse_position(table[i].text, &latitude, &longitude));
        CHECK_INT(latitude, table[i].latitude);
        CHECK_INT(longitude, table[i].longitude);
    }
}

static void positions_refused(void)
{
    const struct span table[] = {
        SPAN(""),
        SPAN("+"),
        SPAN("+34"),
        SPAN("+34-"),
        SPAN("34.0-118.4"),
        SPAN("+34.0118.4"),
        SPAN("+34.0 -118.4"),
        SPAN("+34.-118.4"),
        SPAN("+.5-118.4"),
        SPAN("+34-.4"),
        SPAN("+34-118."),
        SPAN("+34.0-118.4/"),
        SPAN("+34.0-118.4+100"),
        SPAN("+34.0-118.4CRS84/"),
        SPAN("+34,0-118,4"),
        SPAN("+3e1-118.4"),
        SPAN("+34.0-1e2"),
        SPAN("++34-118"),
        SPAN("+-34-118"),
        SPAN("+034-118"),
        SPAN("+34-0118"),
        SPAN("+3404.1-11826.7"),
        SPAN("+90.0001-118"),
        SPAN("+90.0000000001-118"),
        SPAN("-90.0000000001-118"),
        SPAN("+34-180.000000001"),
        SPAN("+34+180.0000000000000000001"),
        SPAN("+91-118"),
        SPAN("+34-181"),
        SPAN("+34-999"),
        SPAN("+34.0-118.4\0"),
        SPAN("\xe2\x88\x92"
             "34-118"), /* a minus sign that is not ASCII */
        SPAN("+nan-inf"),
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t latitude, longitude;
        if (parse_position(table[i], &latitude, &longitude))
            printf("    accepted: %s\n", table[i].data);
        CHECK(!parse_position(table[i], &latitude, &longitude));
    }
}

static void stamps_accepted(void)
{
    const struct {
        struct span text;
        int64_t stamp_ns;
    } table[] = {
        {SPAN("1621464827.959498503"), 1621464827959498503},
        {SPAN("0"), 0},
        {SPAN("0.0"), 0},
        {SPAN("0.000000001"), 1},
        {SPAN("0.0000000009"), 0},
        {SPAN("5.5"), 5500000000},
        {SPAN("1.1234567899999"), 1123456789},
        {SPAN("9223372036"), 9223372036000000000},
        {SPAN("9223372036.854775807"), INT64_MAX},
        {SPAN("9223372036.8547758079"), INT64_MAX},
        {SPAN("00000000000000000000000000009223372036.854775807"), INT64_MAX},
        {SPAN("0000000000000000000000000000000000000000000"), 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t stamp_ns = -1;
        CHECK(parse_stamp(table[i].text, &stamp_ns));
        CHECK_INT(stamp_ns, table[i].stamp_ns);
    }
}

static void stamps_refused(void)
{
    const struct span table[] = {
        SPAN(""),
        SPAN("."),
        SPAN(".5"),
        SPAN("5."),
        SPAN("5.5."),
        SPAN("5..5"),
        SPAN("+5"),
        SPAN("-5"),
        SPAN("-0"),
        SPAN("1e9"),
        SPAN("1.5e9"),
        SPAN("nan"),
        SPAN("inf"),
        SPAN("1_000"),
        SPAN("0x10"),
        SPAN("1,5"),
        SPAN("5s"),
        SPAN("5\0"),
        SPAN("9223372036.854775808"),
        SPAN("9223372036.9"),
        SPAN("9223372037"),
        SPAN("92233720360"),
        SPAN("18446744073709551617"),
        SPAN("100000000000000000000000000000000000000000000000"),
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t stamp_ns;
        if (parse_stamp(table[i], &stamp_ns))
            printf("    accepted: %s\n", table[i].data);
        CHECK(!parse_stamp(table[i], &stamp_ns));
    }
}

static void line_full_of_zeros(void)
{
    struct buffer line = {0};
    buffer_append(&line, SPAN("WHATSAT k "));
    size_t zeros = 64 * 1024 - line.len - sizeof "50 20" + 1;
    memset(buffer_reserve(&line, zeros), '0', zeros);
    line.len += zeros;
    buffer_append(&line, SPAN("50 20"));
    struct command command;
    parse((struct span){line.data, line.len}, &command);
    CHECK_INT(line.len, 64 * 1024);
    CHECK_INT(command.kind, COMMAND_WHATSAT);
    CHECK_INT(command.radius_km, 50);
    buffer_free(&line);
}

static void client_is_guessed(void)
{
    const struct {
        struct span bytes;
        struct span client;
    } table[] = {
        {SPAN("IAMAT kiwi +1-1 1\nIAMAT nova +1-1 1\n"), SPAN("kiwi")},
        {SPAN("WHATSAT kiwi 10 5\n"), SPAN("kiwi")},
        {SPAN("IAMAT kiwi\n"), SPAN("kiwi")},
        {SPAN("IAMAT ki"), SPAN("ki")},
        {SPAN("IAMAT "), SPAN("")},
        {SPAN("IAMAT"), SPAN("")},
        {SPAN("I"), SPAN("")},
        {SPAN("\nIAMAT"), SPAN("IAMAT")},
        {SPAN("IAMAT 3456789-123456789-123456789-123456789-123456789-123456789- +1-1 1"),
         SPAN("3456789-123456789-123456789-123456789-123456789-123456789-")},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct span bytes = table[i].bytes;
        bytes.data = check_at_page_end(bytes.data, bytes.len);
        struct span client = command_guess_client(bytes);
        CHECK_BYTES(client.data, client.len, table[i].client.data, table[i].client.len);
    }
}

/* How a row's word stands at the beginning of a text. */
static bool begins(const char *text, const char *word, char after)
{
    size_t bytes = strlen(word);
    return strncmp(text, word, bytes) == 0 && text[bytes] == after;
}

static void check_misfit(const struct command_row *row, unsigned fields)
{
    struct buffer line = {0};
    struct command command;
    buffer_append(&line, span_of(row->word));
    for (unsigned i = 0; i < fields; i++)
        buffer_append(&line, SPAN(" 1"));
    parse((struct span){line.data, line.len}, &command);
    CHECK_INT(command.kind, COMMAND_INVALID);
    CHECK(command.why == row->misfit);
    buffer_free(&line);
}

static unsigned fields_of(const struct command_row *row)
{
    unsigned fields = *row->arguments != '\0';
    for (const char *at = row->arguments; *at != '\0'; at++)
        fields += *at == ' ';
    CHECK(fields <= COMMAND_FIELDS_MAX);
    CHECK((row->parse == NULL) == (fields == 0));
    return fields;
}

/* All forms of a word: a line with any other number of fields is none. */
static void check_forms_of(const struct command_row *row)
{
    unsigned taken = 0;
    for (const struct command_row *form = row;; form = &command_rows[form->or_else]) {
        taken |= 1U << fields_of(form);
        CHECK(form->misfit == row->misfit);
        if (form->or_else == 0)
            break;
    }
    CHECK(begins(row->help, row->word, fields_of(row) > 0 ? ' ' : '\n'));
    for (unsigned fields = 0; fields <= COMMAND_FIELDS_MAX + 1; fields++)
        if ((taken & 1U << fields) == 0)
            check_misfit(row, fields);
}

static void each_row_is_complete(void)
{
    unsigned others = 0;
    for (unsigned kind = 0; kind < COMMAND_KINDS; kind++)
        others |= 1U << command_rows[kind].or_else;
    for (unsigned kind = 0; kind < COMMAND_KINDS; kind++) {
        const struct command_row *row = &command_rows[kind];
        CHECK(row->run != NULL);
        bool is_other_form = kind > 0 && (others & 1U << kind) != 0;
        bool has_no_word = is_other_form || kind == COMMAND_BROWSER || kind == COMMAND_INVALID;
        CHECK((row->word == NULL) == has_no_word);
        CHECK((row->help == NULL) == (row->word == NULL));
        if (row->word != NULL && !row->is_secret)
            check_forms_of(row);
    }
}

/* A line that holds a token is never shown as a line that is none. */
static void a_secret_line_is_one_whatever_follows(void)
{
    const struct span secret[] = {
        SPAN("AUTH"),      SPAN("AUTH a"),       SPAN("AUTH a b c d e f"),
        SPAN(" auth\ta "), SPAN("Auth \xff \0"), SPAN("AUTH\r"),
    };
    const struct span others[] = {SPAN("AUTHa"), SPAN("XAUTH a"), SPAN("A UTH a")};
    struct command command;
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        for (uint32_t options = 0; options < 2; options++) {
            command_parse(secret[i], options == 0 ? 0 : ALL_OPTIONS, &command);
            CHECK_INT(command.kind, COMMAND_AUTH);
            CHECK(command_rows[command.kind].is_secret && command.client.len == 0);
            CHECK(command.why == NULL);
        }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        command_parse(others[i], ALL_OPTIONS, &command);
        CHECK_INT(command.kind, COMMAND_INVALID);
    }
}

/* Lines of HELP begin with a command of its kind or are indented. */
static void check_help(uint32_t options)
{
    struct buffer out = {0};
    command_help(options, &out);
    CHECK(out.len > 0 && out.data[out.len - 1] == '\n');
    unsigned seen = 0, wanted = 1U << COMMAND_INVALID;
    for (unsigned kind = 0; kind < COMMAND_KINDS; kind++) {
        const struct command_row *row = &command_rows[kind];
        bool is_on = !row->is_optional || (options & COMMAND_OPTION(kind)) != 0;
        for (unsigned form = kind; row->word != NULL && is_on; form = command_rows[form].or_else) {
            wanted |= 1U << form;
            if (command_rows[form].or_else == 0)
                break;
        }
    }
    for (char *line = out.data, *end; line < out.data + out.len; line = end + 1) {
        end = memchr(line, '\n', (size_t)(out.data + out.len - line));
        CHECK(end - line < 80);
        struct command command;
        command_parse((struct span){line, (size_t)(end - line)}, options, &command);
        CHECK((command.kind == COMMAND_INVALID) == (line[0] == ' '));
        seen |= 1U << command.kind;
    }
    CHECK_INT(seen, wanted);
    buffer_free(&out);
}

static void help_shows_valid_commands(void)
{
    check_help(0);
    check_help(ALL_OPTIONS);
}

static const struct check_case cases[] = {
    {"IAMAT has three fields, any bytes but white space", iamat_fields},
    {"WHATSAT has three fields", whatsat_fields},
    {"each line is the command it says, or none", lines_by_kind},
    {"an optional word is none where it is off", an_optional_word_is_none_where_it_is_off},
    {"a line's text is without the six white-space bytes around it", text_is_trimmed},
    {"every prefix of a command is read to its end and no further", every_prefix},
    {"every prefix of a command that has several forms", every_prefix_of_several_forms},
    {"WATCH has one to three fields, UNWATCH none or one", watch_fields},
    {"positions of the grammar, limits included", positions_accepted},
    {"everything else is no position", positions_refused},
    {"stamps of the grammar that fit", stamps_accepted},
    {"everything else is no stamp", stamps_refused},
    {"a line may be full of leading zeros", line_full_of_zeros},
    {"each row of the table is complete, and counts its fields", each_row_is_complete},
    {"a line that begins with AUTH is one, whatever follows",
     a_secret_line_is_one_whatever_follows},
    {"every example of HELP is a command", help_shows_valid_commands},
    {"the client of a first line is guessed from its first bytes", client_is_guessed},
};

CHECK_MAIN(cases)
