/* command: numbers against a slow reference of another make, which has grammars as regular
 * expressions and values as strings of digits. */
#include <regex.h>

#include "bus/base/degrees.h"
#include "gateway/text/command.h"
#include "tests/check.h"
#include "tests/unit/input.h"

#define GENERATED_CASES 100000
#define TEXT_BYTES_MAX  64

static regex_t stamp_grammar, position_grammar, whole_grammar;

static void compile(regex_t *regex, const char *pattern)
{
    if (regcomp(regex, pattern, REG_EXTENDED) != 0) {
        printf("the pattern %s does not compile\n", pattern);
        exit(2);
    }
}

/* Whole digits and nine decimals as one string without leading zeros. `whole` and `fraction`
 * are groups of `text`; the fraction's begins with its point, if there is one. */
static void join(const char *text, regmatch_t whole, regmatch_t fraction, char *digits)
{
    char joined[2 * TEXT_BYTES_MAX];
    int decimals = fraction.rm_so < 0 ? 0 : (int)(fraction.rm_eo - fraction.rm_so) - 1;
    snprintf(joined, sizeof joined, "%.*s%.*s", (int)(whole.rm_eo - whole.rm_so),
             text + whole.rm_so, decimals > 9 ? 9 : decimals,
             decimals > 0 ? text + fraction.rm_so + 1 : "");
    for (; decimals < 9; decimals++)
        strcat(joined, "0");
    size_t zeros = strspn(joined, "0");
    strcpy(digits, joined[zeros] == '\0' ? "0" : joined + zeros);
}

static bool is_at_most(const char *digits, const char *limit)
{
    size_t a = strlen(digits), b = strlen(limit);
    return a < b || (a == b && strcmp(digits, limit) <= 0);
}

static bool refer_stamp(const char *text, int64_t *stamp_ns)
{
    regmatch_t groups[3];
    char digits[2 * TEXT_BYTES_MAX];
    if (regexec(&stamp_grammar, text, 3, groups, 0) != 0)
        return false;
    join(text, groups[1], groups[2], digits);
    *stamp_ns = strtoll(digits, NULL, 10);
    return is_at_most(digits, "9223372036854775807");
}

static bool refer_degrees(const char *text, const regmatch_t *groups, const char *limit,
                          int64_t *nanodeg)
{
    char digits[2 * TEXT_BYTES_MAX];
    join(text, groups[1], groups[2], digits);
    bool is_cut = false;
    for (regoff_t i = groups[2].rm_so + 10; groups[2].rm_so >= 0 && i < groups[2].rm_eo; i++)
        is_cut = is_cut || text[i] != '0';
    *nanodeg = strtoll(digits, NULL, 10) * (text[groups[0].rm_so] == '-' ? -1 : 1);
    return is_at_most(digits, limit) && !(strcmp(digits, limit) == 0 && is_cut);
}

static bool refer_position(const char *text, int64_t *latitude, int64_t *longitude)
{
    regmatch_t groups[7];
    if (regexec(&position_grammar, text, 7, groups, 0) != 0)
        return false;
    return refer_degrees(text, groups + 1, "90000000000", latitude) &&
           refer_degrees(text, groups + 4, "180000000000", longitude);
}

/* One of the texts, with up to three bytes changed, taken out or doubled. */
static void generate(const char *const *texts, size_t count, uint64_t *state, char *text)
{
    static const char alphabet[] = "0000123456789995+-..e, ";
    strcpy(text, texts[input_draw(state) % count]);
    for (uint64_t changes = input_draw(state) % 4; changes > 0; changes--) {
        size_t bytes = strlen(text), at = input_draw(state) % bytes;
        char *place = text + at;
        switch (input_draw(state) % 4) {
        case 0:
            if (bytes > 1)
                memmove(place, place + 1, bytes - at);
            break;
        case 1:
            memmove(place + 1, place, bytes - at + 1);
            break;
        default:
            *place = alphabet[input_draw(state) % (sizeof alphabet - 1)];
        }
    }
}

static void stamps_against_reference(void)
{
    static const char *const texts[] = {"1621464827.959498503",  "9223372036.854775807",
                                        "9223372036.854775808",  "0.1",
                                        "9223372036.8547758079", "5",
                                        "000000009223372036.85", "12345678901234567890"};
    uint64_t state = 2;
    int accepted = 0;
    compile(&stamp_grammar, "^([0-9]+)(\\.[0-9]+)?$");
    for (int i = 0; i < GENERATED_CASES; i++) {
        char text[TEXT_BYTES_MAX];
        generate(texts, sizeof texts / sizeof *texts, &state, text);
        int64_t got = 0, wanted = 0;
        bool is_good = refer_stamp(text, &wanted);
        if (command_parse_stamp(span_of(text), &got) != is_good || (is_good && got != wanted)) {
            printf("    %s: %" PRId64 ", not %" PRId64 "\n", text, got, wanted);
            CHECK(false);
        }
        accepted += is_good;
    }
    CHECK(accepted > GENERATED_CASES / 4 && accepted < GENERATED_CASES * 3 / 4);
    regfree(&stamp_grammar);
}

static void positions_against_reference(void)
{
    static const char *const texts[] = {"+34.068930-118.445127",
                                        "+90.0-180.0",
                                        "-90.0000000000+180.0000000000",
                                        "+0.123456789123-1.9999",
                                        "-89.9999999999+179.9",
                                        "+9-9",
                                        "+90+180",
                                        "-12.5+0.000000001"};
    uint64_t state = 3;
    int accepted = 0;
    compile(&position_grammar, "^([+-]([0-9]{1,2})(\\.[0-9]+)?)([+-]([0-9]{1,3})(\\.[0-9]+)?)$");
    for (int i = 0; i < GENERATED_CASES; i++) {
        char text[TEXT_BYTES_MAX];
        generate(texts, sizeof texts / sizeof *texts, &state, text);
        struct degrees degrees = {0};
        int64_t wanted[2] = {0};
        bool is_good = refer_position(text, &wanted[0], &wanted[1]);
        bool is_read = degrees_read(span_of(text), &degrees);
        int64_t got[2] = {degrees.latitude_nano, degrees.longitude_nano};
        if (is_read != is_good || (is_good && (got[0] != wanted[0] || got[1] != wanted[1]))) {
            printf("    %s: %" PRId64 " %" PRId64 ", not %" PRId64 " %" PRId64 "\n", text, got[0],
                   got[1], wanted[0], wanted[1]);
            CHECK(false);
        }
        accepted += is_good;
    }
    CHECK(accepted > GENERATED_CASES / 4 && accepted < GENERATED_CASES * 3 / 4);
    regfree(&position_grammar);
}

static void check_digits(const struct command *command)
{
    char text[PACKED_POSITION_ROOM_BYTES];
    char *end = packed_write_position(text, &command->packed);
    CHECK_BYTES(text, (size_t)(end - text), command->position.data, command->position.len);
    CHECK(command->packed.stamp_ns == command->stamp_ns);
}

/* Whatever stands between the fields: one blank is read in a way of its own. */
static void lines_against_reference(void)
{
    static const char *const positions[] = {"+34.068930-118.445127", "+90-180", "-90.0+180.0",
                                            "+9.123456789-1.9999"};
    static const char *const stamps[] = {"1621464827.959498503", "9223372035.999999999",
                                         "9223372036.854775807", "0.1", "5"};
    static const char *const blanks[] = {" ", " ", "  ", "\t"};
    uint64_t state = 6;
    int accepted = 0, read = 0;
    compile(&stamp_grammar, "^([0-9]+)(\\.[0-9]+)?$");
    compile(&position_grammar, "^([+-]([0-9]{1,2})(\\.[0-9]+)?)([+-]([0-9]{1,3})(\\.[0-9]+)?)$");
    for (int i = 0; i < GENERATED_CASES; i++) {
        char position[TEXT_BYTES_MAX], stamp[TEXT_BYTES_MAX], line[3 * TEXT_BYTES_MAX];
        generate(positions, sizeof positions / sizeof *positions, &state, position);
        generate(stamps, sizeof stamps / sizeof *stamps, &state, stamp);
        if (strchr(position, ' ') != NULL || strchr(stamp, ' ') != NULL)
            continue;
        int bytes = snprintf(line, sizeof line, "IAMAT kiwi%s%s%s%s", blanks[i % 4], position,
                             blanks[i / 4 % 4], stamp);
        int64_t latitude, longitude, stamp_ns;
        bool is_good =
            refer_position(position, &latitude, &longitude) && refer_stamp(stamp, &stamp_ns);
        struct command command;
        memset(&command, 0x55, sizeof command);
        command_parse(span_of(line), 0, &command);
        if ((command.kind == COMMAND_IAMAT) != is_good) {
            printf("    %s\n", line);
            CHECK(false);
        }
        CHECK(command.text.data == line && command.text.len == (size_t)bytes);
        if (!is_good || command.kind != COMMAND_IAMAT)
            continue;
        accepted++;
        read += command.has_digits;
        CHECK(span_equals(command.client, SPAN("kiwi")));
        CHECK(span_equals(command.position, span_of(position)));
        CHECK(span_equals(command.stamp, span_of(stamp)));
        CHECK(command.stamp_ns == stamp_ns);
        if (command.has_digits)
            check_digits(&command);
    }
    CHECK(accepted > GENERATED_CASES / 4 && accepted < GENERATED_CASES * 3 / 4);
    /* Of the lines with single blanks, those that are not close to a limit of the globe. */
    CHECK(read > accepted / 10 && read < accepted);
    regfree(&stamp_grammar);
    regfree(&position_grammar);
}

static void whole_numbers_against_reference(void)
{
    static const char *const texts[] = {"50", "51", "0",  "000000000000000000050",
                                        "20", "7",  "21", "4294967300"};
    uint64_t state = 4;
    int accepted = 0;
    compile(&whole_grammar, "^0*[0-9]{1,2}$");
    for (int i = 0; i < GENERATED_CASES; i++) {
        char radius[TEXT_BYTES_MAX], bound[TEXT_BYTES_MAX], line[3 * TEXT_BYTES_MAX];
        generate(texts, sizeof texts / sizeof *texts, &state, radius);
        generate(texts, sizeof texts / sizeof *texts, &state, bound);
        if (strchr(radius, ' ') != NULL || strchr(bound, ' ') != NULL)
            continue;
        snprintf(line, sizeof line, "WHATSAT k %s %s", radius, bound);
        bool is_good = regexec(&whole_grammar, radius, 0, NULL, 0) == 0 && atoi(radius) <= 50 &&
                       regexec(&whole_grammar, bound, 0, NULL, 0) == 0 && atoi(bound) <= 20;
        struct command command;
        command_parse(span_of(line), 0, &command);
        bool is_right = (command.kind == COMMAND_WHATSAT) == is_good;
        if (is_good)
            is_right = is_right && (int)command.radius_km == atoi(radius) &&
                       (int)command.bound == atoi(bound);
        if (!is_right) {
            printf("    %s\n", line);
            CHECK(false);
        }
        accepted += is_good;
    }
    CHECK(accepted > GENERATED_CASES / 10 && accepted < GENERATED_CASES * 9 / 10);
    regfree(&whole_grammar);
}

static const struct check_case cases[] = {
    {"100000 stamps as a slow reference reads them", stamps_against_reference},
    {"100000 positions as a slow reference reads them", positions_against_reference},
    {"100000 lines as a slow reference reads them", lines_against_reference},
    {"100000 radii and bounds as a slow reference reads them", whole_numbers_against_reference},
};

CHECK_MAIN(cases)
