#include "gateway/text/command.h"

#include <stdlib.h>

#include "bus/base/token.h"
#include "placesd/lookup.h"

#define NANO           INT64_C(1000000000)
#define FRACTION_KEPT  9
#define IAMAT_FIELDS   3
#define WHATSAT_FIELDS 3

/* The largest stamp in its two parts: INT64_MAX nanoseconds. */
#define STAMP_SECONDS_MAX   (INT64_MAX / NANO)
#define STAMP_FRACTION_MAX  (INT64_MAX % NANO)
#define LATITUDE_DEG_MAX    90
#define LATITUDE_DIGITS_MAX 2
/* More integer digits than a degree can have are degrees and minutes in one number (DDMM), which
 * must not pass for degrees. */
#define LONGITUDE_DEG_MAX    180
#define LONGITUDE_DIGITS_MAX 3

/* Where a line's second word ends, unless it is unusually long. */
#define GUESS_BYTES_MAX 64

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static struct span skip(struct span text, size_t count)
{
    return (struct span){text.data + count, text.len - count};
}

static struct span trim(struct span text)
{
    while (text.len > 0 && token_is_white(text.data[0]))
        text = skip(text, 1);
    while (text.len > 0 && token_is_white(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* The next run of bytes that are not white space; empty at the end. */
static struct span take_field(struct span *rest)
{
    while (rest->len > 0 && token_is_white(rest->data[0]))
        *rest = skip(*rest, 1);
    struct span field = {rest->data, token_bytes(*rest)};
    *rest = skip(*rest, field.len);
    return field;
}

/* Exactly `count` fields, no more and no fewer. */
static bool take_fields(struct span rest, struct span *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fields[i] = take_field(&rest);
    return fields[count - 1].len > 0 && take_field(&rest).len == 0;
}

static bool take_byte(struct span *rest, char byte)
{
    if (rest->len == 0 || rest->data[0] != byte)
        return false;
    *rest = skip(*rest, 1);
    return true;
}

/* One or more digits, at most `max` in value; false before the sum could overflow. */
static bool take_whole(struct span *rest, int64_t max, int64_t *value)
{
    size_t digits = 0;
    int64_t sum = 0;
    for (; digits < rest->len && is_digit(rest->data[digits]); digits++) {
        sum = sum * 10 + (rest->data[digits] - '0');
        if (sum > max)
            return false;
    }
    *value = sum;
    *rest = skip(*rest, digits);
    return digits > 0;
}

/* Nothing, or a point and one or more digits, in billionths. `*is_cut` says that what was
 * cut behind the ninth digit is not zero. */
static bool take_fraction(struct span *rest, int64_t *billionths, bool *is_cut)
{
    *billionths = 0;
    *is_cut = false;
    if (!take_byte(rest, '.'))
        return true;
    size_t digits = 0;
    int64_t sum = 0;
    for (; digits < rest->len && is_digit(rest->data[digits]); digits++) {
        if (digits < FRACTION_KEPT)
            sum = sum * 10 + (rest->data[digits] - '0');
        else if (rest->data[digits] != '0')
            *is_cut = true;
    }
    for (size_t i = digits; i < FRACTION_KEPT; i++)
        sum *= 10;
    *billionths = sum;
    *rest = skip(*rest, digits);
    return digits > 0;
}

static bool take_degrees(struct span *rest, int64_t max_deg, size_t digits_max, int64_t *nanodeg)
{
    bool is_negative = take_byte(rest, '-');
    if (!is_negative && !take_byte(rest, '+'))
        return false;
    int64_t whole, billionths;
    bool is_cut;
    const char *start = rest->data;
    if (!take_whole(rest, max_deg, &whole) || (size_t)(rest->data - start) > digits_max)
        return false;
    if (!take_fraction(rest, &billionths, &is_cut))
        return false;
    if (whole == max_deg && (billionths > 0 || is_cut))
        return false;
    int64_t size = whole * NANO + billionths;
    *nanodeg = is_negative ? -size : size;
    return true;
}

bool command_parse_position(struct span text, int64_t *latitude_nanodeg, int64_t *longitude_nanodeg)
{
    return take_degrees(&text, LATITUDE_DEG_MAX, LATITUDE_DIGITS_MAX, latitude_nanodeg) &&
           take_degrees(&text, LONGITUDE_DEG_MAX, LONGITUDE_DIGITS_MAX, longitude_nanodeg) &&
           text.len == 0;
}

bool command_parse_stamp(struct span text, int64_t *stamp_ns)
{
    int64_t seconds, billionths;
    bool is_cut;
    if (!take_whole(&text, STAMP_SECONDS_MAX, &seconds) ||
        !take_fraction(&text, &billionths, &is_cut) || text.len > 0)
        return false;
    if (seconds == STAMP_SECONDS_MAX && billionths > STAMP_FRACTION_MAX)
        return false;
    *stamp_ns = seconds * NANO + billionths;
    return true;
}

/* The parsers of one command each: NULL when all is right, else why not. */

static const char *parse_iamat(struct span rest, struct command *command)
{
    struct span fields[IAMAT_FIELDS];
    int64_t latitude_nanodeg, longitude_nanodeg;
    if (!take_fields(rest, fields, IAMAT_FIELDS))
        return "IAMAT takes three fields: client, position and time";
    if (!command_parse_position(fields[1], &latitude_nanodeg, &longitude_nanodeg))
        return "the position is not like +34.068930-118.445127";
    if (!command_parse_stamp(fields[2], &command->stamp_ns))
        return "the time is not like 1621464827.959498503";
    command->client = fields[0];
    command->position = fields[1];
    command->stamp = fields[2];
    command->has_digits = false;
    command->kind = COMMAND_IAMAT;
    return NULL;
}

static bool parse_whole(struct span field, uint32_t max, uint32_t *value)
{
    int64_t wide;
    if (!take_whole(&field, max, &wide) || field.len > 0)
        return false;
    *value = (uint32_t)wide;
    return true;
}

static const char *parse_whatsat(struct span rest, struct command *command)
{
    struct span fields[WHATSAT_FIELDS];
    uint32_t radius_km, bound;
    if (!take_fields(rest, fields, WHATSAT_FIELDS))
        return "WHATSAT takes three fields: client, radius and bound";
    if (!parse_whole(fields[1], LOOKUP_RADIUS_KM_MAX, &radius_km))
        return "the radius is not a whole number of kilometres from 0 to 50";
    if (!parse_whole(fields[2], LOOKUP_BOUND_MAX, &bound))
        return "the bound is not a whole number from 0 to 20";
    command->client = fields[0];
    command->radius_km = radius_km;
    command->bound = bound;
    command->kind = COMMAND_WHATSAT;
    return NULL;
}

static bool is_word(struct span field, const char *word)
{
    return span_equals(field, span_of(word));
}

/* The same in any letter case; `word` is in lower case. */
static bool is_word_folded(struct span field, const char *word)
{
    if (field.len != strlen(word))
        return false;
    for (size_t i = 0; i < field.len; i++) {
        char byte = field.data[i];
        if ((byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte) != word[i])
            return false;
    }
    return true;
}

static const char *parse_lone(struct span rest, enum command_kind kind, struct command *command)
{
    if (rest.len > 0)
        return "HELP and QUIT stand alone";
    command->kind = kind;
    return NULL;
}

/* The first word of a request that may carry what a web page put into it, and of the header that
 * every request has. Methods are upper case, names of headers of any (RFC 9110, 9.1 and 5.1). */
static bool is_browser(struct span word)
{
    return is_word(word, "POST") || is_word(word, "PUT") || is_word(word, "PATCH") ||
           is_word(word, "DELETE") || is_word_folded(word, "host:");
}

/* `rest` is what follows the word. */
static const char *parse_word(struct span word, struct span rest, struct command *command)
{
    if (is_word(word, "IAMAT"))
        return parse_iamat(rest, command);
    if (is_word(word, "WHATSAT"))
        return parse_whatsat(rest, command);
    if (is_word_folded(word, "help"))
        return parse_lone(rest, COMMAND_HELP, command);
    if (is_word_folded(word, "quit"))
        return parse_lone(rest, COMMAND_QUIT, command);
    if (is_browser(word)) {
        command->kind = COMMAND_BROWSER;
        return NULL;
    }
    if (word.len == 0)
        return "the line is blank";
    if (is_word(word, "AT"))
        return "AT is what nodes answer; clients say IAMAT";
    return "no such command (IAMAT and WHATSAT are upper case)";
}

/* Nearly all commands: fields with one blank between them and none around, and numbers of the forms
 * that clients use. Each is read once, from left to right. False where it is any other line. */

/* The word and a blank, a client that is not empty, and what ends it. */
static inline bool take_start(struct span *rest, const char *word, size_t word_size,
                              struct command *command)
{
    if (rest->len < word_size || memcmp(rest->data, word, word_size) != 0)
        return false;
    *rest = skip(*rest, word_size);
    size_t client_bytes = token_bytes(*rest);
    if (client_bytes == 0 || client_bytes == rest->len)
        return false;
    command->client = (struct span){rest->data, client_bytes};
    *rest = skip(*rest, client_bytes + 1);
    return true;
}

/* Whether the degrees before the point are below the limit, which is written with as many digits as
 * they may have. */
static inline bool is_below(const char *degrees, size_t digits, const char *limit,
                            size_t limit_digits)
{
    return digits < limit_digits ||
           (digits == limit_digits && memcmp(degrees, limit, limit_digits) < 0);
}

/* Whether a look at the digits before the points is enough to say so. */
static inline bool is_on_globe(const char *position, const struct packed_form *form)
{
    return is_below(position + 1, form->latitude_digits, "90", LATITUDE_DIGITS_MAX) &&
           is_below(position + form->longitude_at + 1, form->longitude_digits, "180",
                    LONGITUDE_DIGITS_MAX);
}

/* The digits are read for the table, too. */
static inline bool parse_usual_iamat(struct span line, struct command *command)
{
    static const char word[] = {'I', 'A', 'M', 'A', 'T', ' '};
    struct span rest = line;
    if (!take_start(&rest, word, sizeof word, command))
        return false;
    struct packed_form form;
    size_t position_bytes = packed_read_line(rest, &command->packed, &form);
    if (position_bytes == 0 || !is_on_globe(rest.data, &form))
        return false;
    command->kind = COMMAND_IAMAT;
    command->text = line;
    command->position = (struct span){rest.data, position_bytes};
    command->stamp = skip(rest, position_bytes + 1);
    command->stamp_ns = command->packed.stamp_ns;
    command->has_digits = true;
    command->why = NULL;
    return true;
}

/* A number of one or two digits, up to `max`. */
static inline bool take_small(struct span *rest, uint32_t max, uint32_t *value)
{
    if (rest->len == 0 || !is_digit(rest->data[0]))
        return false;
    *value = (uint32_t)(rest->data[0] - '0');
    *rest = skip(*rest, 1);
    if (rest->len > 0 && is_digit(rest->data[0])) {
        *value = *value * 10 + (uint32_t)(rest->data[0] - '0');
        *rest = skip(*rest, 1);
    }
    return *value <= max;
}

static inline bool parse_usual_whatsat(struct span line, struct command *command)
{
    static const char word[] = {'W', 'H', 'A', 'T', 'S', 'A', 'T', ' '};
    struct span rest = line;
    if (!take_start(&rest, word, sizeof word, command) ||
        !take_small(&rest, LOOKUP_RADIUS_KM_MAX, &command->radius_km) || !take_byte(&rest, ' ') ||
        !take_small(&rest, LOOKUP_BOUND_MAX, &command->bound) || rest.len > 0)
        return false;
    command->kind = COMMAND_WHATSAT;
    command->text = line;
    command->why = NULL;
    return true;
}

/* All others. A function of its own, so that the usual ones need not make room for what is used
 * here. */
__attribute__((noinline)) static void parse_any(struct span line, struct command *command)
{
    struct span rest = trim(line);
    command->text = rest;
    command->client = (struct span){rest.data, 0};
    struct span word = take_field(&rest);
    command->why = parse_word(word, rest, command);
    if (command->why != NULL)
        command->kind = COMMAND_INVALID;
}

void command_parse(struct span line, struct command *command)
{
    if (!parse_usual_iamat(line, command) && !parse_usual_whatsat(line, command))
        parse_any(line, command);
}

/* The second word. */
struct span command_guess_client(struct span bytes)
{
    if (bytes.len > GUESS_BYTES_MAX)
        bytes.len = GUESS_BYTES_MAX;
    size_t word = token_bytes(bytes);
    if (word == bytes.len)
        return (struct span){bytes.data, 0};
    struct span rest = skip(bytes, word + 1);
    return (struct span){rest.data, token_bytes(rest)};
}
