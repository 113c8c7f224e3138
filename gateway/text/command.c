#include "gateway/text/command.h"

#include <assert.h>

#include "bus/base/degrees.h"
#include "bus/base/packed.h"
#include "bus/base/token.h"
#include "bus/table/location.h"
#include "placesd/lookup.h"

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

/* A field for each name in `arguments`, no more and no fewer. */
static bool take_fields(struct span rest, const char *arguments, struct span *fields)
{
    struct span names = span_of(arguments);
    for (size_t i = 0; take_field(&names).len > 0; i++) {
        assert(i < COMMAND_FIELDS_MAX);
        fields[i] = take_field(&rest);
        if (fields[i].len == 0)
            return false;
    }
    return take_field(&rest).len == 0;
}

static bool take_byte(struct span *rest, char byte)
{
    if (rest->len == 0 || rest->data[0] != byte)
        return false;
    *rest = skip(*rest, 1);
    return true;
}

bool command_parse_stamp(struct span text, int64_t *stamp_ns)
{
    *stamp_ns = location_stamp_ns(text);
    return *stamp_ns >= 0;
}

bool command_parse_whole(struct span text, uint32_t max, uint32_t *value)
{
    uint64_t wide;
    if (!decimal_read_whole(text, max, &wide))
        return false;
    *value = (uint32_t)wide;
    return true;
}

static bool is_word(struct span field, const char *word)
{
    return span_equals(field, span_of(word));
}

/* The same in any letter case; `word` is in upper case. */
static bool is_word_folded(struct span field, const char *word)
{
    if (field.len != strlen(word))
        return false;
    for (size_t i = 0; i < field.len; i++) {
        char byte = field.data[i];
        if ((byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte) != word[i])
            return false;
    }
    return true;
}

/* The first word of a request that may carry what a web page put into it, and of the header that
 * every request has. Methods are upper case, names of headers of any (RFC 9110, 9.1 and 5.1). */
static bool is_browser(struct span word)
{
    return is_word(word, "POST") || is_word(word, "PUT") || is_word(word, "PATCH") ||
           is_word(word, "DELETE") || is_word_folded(word, "HOST:");
}

static enum command_kind kind_of(struct span word, uint32_t options)
{
    for (enum command_kind kind = 0; kind < COMMAND_KINDS; kind++) {
        const struct command_row *row = &command_rows[kind];
        bool is_on = !row->is_optional || row->is_secret || (options & COMMAND_OPTION(kind)) != 0;
        if (row->word != NULL && is_on &&
            (row->is_any_case ? is_word_folded(word, row->word) : is_word(word, row->word)))
            return kind;
    }
    return is_browser(word) ? COMMAND_BROWSER : COMMAND_INVALID;
}

static const char *why_unknown(struct span word)
{
    if (word.len == 0)
        return "the line is blank";
    if (is_word(word, "AT"))
        return "AT is what nodes answer; clients say IAMAT";
    return "no such command (words are upper case, HELP shows them)";
}

/* `rest` is what follows the word of a line of the command's kind, which may be another one with
 * that word. NULL when all is right, else why not. */
static const char *parse_fields(struct span rest, struct command *command)
{
    const struct command_row *row = &command_rows[command->kind];
    struct span fields[COMMAND_FIELDS_MAX];
    if (row->is_secret)
        return NULL;
    while (row->arguments != NULL && !take_fields(rest, row->arguments, fields)) {
        if (row->or_else == 0)
            return row->misfit;
        command->kind = row->or_else;
        row = &command_rows[command->kind];
    }
    return row->parse == NULL ? NULL : row->parse(fields, command);
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
    return is_below(position + 1, form->latitude_digits, "90", DEGREES_LATITUDE_DIGITS_MAX) &&
           is_below(position + form->longitude_at + 1, form->longitude_digits, "180",
                    DEGREES_LONGITUDE_DIGITS_MAX);
}

/* The digits are read for the table, too. */
static inline bool parse_usual_iamat(struct span line, struct command *command)
{
    static const char word[] = {'I', 'A', 'M', 'A', 'T', ' '};
    struct span rest = line;
    if (!take_start(&rest, word, sizeof word, command))
        return false;
    size_t position_bytes = packed_read_line(rest, &command->packed);
    if (position_bytes == 0 || !is_on_globe(rest.data, &command->packed.form))
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
__attribute__((noinline)) static void parse_any(struct span line, uint32_t options,
                                                struct command *command)
{
    struct span rest = trim(line);
    command->text = rest;
    command->client = (struct span){rest.data, 0};
    struct span word = take_field(&rest);
    command->kind = kind_of(word, options);
    command->why =
        command->kind == COMMAND_INVALID ? why_unknown(word) : parse_fields(rest, command);
    if (command->why != NULL) {
        command->kind = COMMAND_INVALID;
        command->client.len = 0;
    }
}

void command_parse(struct span line, uint32_t options, struct command *command)
{
    if (!parse_usual_iamat(line, command) && !parse_usual_whatsat(line, command))
        parse_any(line, options, command);
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
