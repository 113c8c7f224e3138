#include "bus/base/json_scan.h"

#include <stdint.h>

#include "bus/base/simd16.h"

/* A walk stands at `at` and goes to `end`. Every step that says false has set `wrong`, and leaves
 * `at` where the text went wrong. */
struct walk {
    const char *at, *end;
    const char *wrong;
};

static bool fail(struct walk *walk, const char *wrong)
{
    walk->wrong = wrong;
    return false;
}

static void skip_space(struct walk *walk)
{
    while (walk->at < walk->end &&
           (*walk->at == ' ' || *walk->at == '\t' || *walk->at == '\n' || *walk->at == '\r'))
        walk->at++;
}

static bool is_next(const struct walk *walk, char byte)
{
    return walk->at < walk->end && *walk->at == byte;
}

static bool take(struct walk *walk, char byte)
{
    bool is_there = is_next(walk, byte);
    walk->at += is_there;
    return is_there;
}

/* ---- strings ---- */

/* Four hexadecimal digits; -1 where they are not there. */
static int take_hex(struct walk *walk)
{
    int code = 0;
    if (walk->end - walk->at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char digit = walk->at[i];
        int letter = (digit | 0x20) - 'a';
        if (digit >= '0' && digit <= '9')
            code = code * 16 + digit - '0';
        else if (letter >= 0 && letter < 6)
            code = code * 16 + 10 + letter;
        else
            return -1;
    }
    walk->at += 4;
    return code;
}

/* After "\u". Characters beyond 16 bits are two escapes, a high surrogate and a low one. */
static bool take_unicode(struct walk *walk)
{
    int code = take_hex(walk);
    if (code < 0)
        return fail(walk, "an escape without its four digits");
    if (code == 0)
        return fail(walk, "U+0000 in a string");
    if (code < 0xd800 || code > 0xdfff)
        return true;
    int low = code < 0xdc00 && take(walk, '\\') && take(walk, 'u') ? take_hex(walk) : -1;
    return (low >= 0xdc00 && low <= 0xdfff) || fail(walk, "half a character in escapes");
}

static bool take_escape(struct walk *walk)
{
    walk->at++;
    if (take(walk, 'u'))
        return take_unicode(walk);
    if (walk->at == walk->end || *walk->at == '\0' || strchr("\"\\/bfnrt", *walk->at) == NULL)
        return fail(walk, "an unknown escape");
    walk->at++;
    return true;
}

size_t json_character_bytes(struct span text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    unsigned char first = at[0], low = 0x80, high = 0xbf;
    size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0x80)
        return 1;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    bool good =
        first >= 0xc2 && first <= 0xf4 && text.len >= bytes && at[1] >= low && at[1] <= high;
    for (size_t i = 2; good && i < bytes; i++)
        good = (at[i] & 0xc0) == 0x80;
    return good ? bytes : 0;
}

static bool take_utf8(struct walk *walk)
{
    size_t bytes = json_character_bytes((struct span){walk->at, (size_t)(walk->end - walk->at)});
    walk->at += bytes;
    return bytes > 0 || fail(walk, "bytes that are not UTF-8");
}

/* Goes on to the next byte of a string that is not simply a character. */
static void skip_plain(struct walk *walk)
{
    while ((size_t)(walk->end - walk->at) >= SIMD16_BYTES) {
        simd16 bytes = simd16_load(walk->at);
        uint32_t marks = simd16_bits((simd16)(bytes < 0x20) | (simd16)(bytes > 0x7f) |
                                     (simd16)(bytes == '"') | (simd16)(bytes == '\\'));
        if (marks != 0) {
            walk->at += __builtin_ctz(marks);
            return;
        }
        walk->at += SIMD16_BYTES;
    }
    while (walk->at < walk->end && (unsigned char)*walk->at >= 0x20 &&
           (unsigned char)*walk->at < 0x80 && *walk->at != '"' && *walk->at != '\\')
        walk->at++;
}

/* From the opening quote to after the closing one. */
static bool take_string(struct walk *walk)
{
    walk->at++;
    for (;;) {
        skip_plain(walk);
        if (walk->at == walk->end)
            return fail(walk, "a string that does not end");
        unsigned char byte = (unsigned char)*walk->at;
        if (byte == '"') {
            walk->at++;
            return true;
        }
        if (byte < 0x20)
            return fail(walk, "a control byte in a string");
        if (byte == '\\' ? !take_escape(walk) : !take_utf8(walk))
            return false;
    }
}

/* ---- other values ---- */

static bool take_digits(struct walk *walk)
{
    const char *start = walk->at;
    while (walk->at < walk->end && *walk->at >= '0' && *walk->at <= '9')
        walk->at++;
    return walk->at > start;
}

static bool take_number(struct walk *walk)
{
    take(walk, '-');
    bool good = take(walk, '0') || take_digits(walk);
    if (good && take(walk, '.'))
        good = take_digits(walk);
    if (good && (take(walk, 'e') || take(walk, 'E'))) {
        if (!take(walk, '+'))
            take(walk, '-');
        good = take_digits(walk);
    }
    return good || fail(walk, "no value of JSON");
}

static bool take_word(struct walk *walk)
{
    static const char *const words[] = {"true", "false", "null"};
    size_t left = (size_t)(walk->end - walk->at);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t bytes = strlen(words[i]);
        if (left >= bytes && memcmp(walk->at, words[i], bytes) == 0) {
            walk->at += bytes;
            return true;
        }
    }
    return fail(walk, "no value of JSON");
}

/* A name, with its quotes, and the colon after it. */
static bool take_name(struct walk *walk, struct span *name)
{
    skip_space(walk);
    const char *start = walk->at;
    if (!is_next(walk, '"'))
        return fail(walk, "no name of a member");
    if (!take_string(walk))
        return false;
    *name = (struct span){start, (size_t)(walk->at - start)};
    skip_space(walk);
    return take(walk, ':') || fail(walk, "no colon behind a name");
}

/* ---- nesting ---- */

/* What is open within the value of a member, each by its opening byte. */
struct nest {
    char open[JSON_SCAN_DEPTH_MAX];
    size_t depth;
};

/* An array or an object that holds something is opened; an empty one is over already. */
static bool enter(struct walk *walk, struct nest *nest, bool *is_over)
{
    char opening = *walk->at;
    struct span unused;
    /* The outermost object is open, too. */
    if (nest->depth + 2 > JSON_SCAN_DEPTH_MAX)
        return fail(walk, "nesting that is too deep");
    walk->at++;
    skip_space(walk);
    *is_over = take(walk, opening == '{' ? '}' : ']');
    if (*is_over)
        return true;
    nest->open[nest->depth++] = opening;
    return opening == '[' || take_name(walk, &unused);
}

/* A value has ended: closes what ends with it. True where another value follows; false with
 * `wrong`, or without it where all that was open is closed. */
static bool go_on(struct walk *walk, struct nest *nest)
{
    struct span unused;
    while (nest->depth > 0) {
        bool in_object = nest->open[nest->depth - 1] == '{';
        skip_space(walk);
        if (take(walk, ','))
            return !in_object || take_name(walk, &unused);
        if (!take(walk, in_object ? '}' : ']'))
            return fail(walk, in_object ? "no comma or brace behind a member"
                                        : "no comma or bracket behind an element");
        nest->depth--;
    }
    return false;
}

static bool take_scalar(struct walk *walk)
{
    if (is_next(walk, '"'))
        return take_string(walk);
    bool is_number =
        is_next(walk, '-') || (walk->at < walk->end && *walk->at >= '0' && *walk->at <= '9');
    return is_number ? take_number(walk) : take_word(walk);
}

/* One value with all that is in it, in a loop: what is open needs a byte and no stack. */
static bool take_value(struct walk *walk)
{
    struct nest nest = {.depth = 0};
    for (;;) {
        bool is_over = true;
        skip_space(walk);
        bool good = is_next(walk, '{') || is_next(walk, '[') ? enter(walk, &nest, &is_over)
                                                             : take_scalar(walk);
        if (!good)
            return false;
        if (is_over && !go_on(walk, &nest))
            return walk->wrong == NULL;
    }
}

/* ---- the outermost object ---- */

/* Whether what stands between a name's quotes spells `name`, letter by letter or escaped. */
static bool spells(struct span quoted, const char *name)
{
    struct walk walk = {quoted.data + 1, quoted.data + quoted.len - 1, NULL};
    while (walk.at < walk.end) {
        int code = (unsigned char)*walk.at++;
        if (code == '\\')
            code = take(&walk, 'u') ? take_hex(&walk) : -1;
        if (*name == '\0' || code != (unsigned char)*name++)
            return false;
    }
    return *name == '\0';
}

static bool take_member(struct walk *walk, struct json_member *members, size_t count)
{
    struct span name;
    if (!take_name(walk, &name))
        return false;
    skip_space(walk);
    const char *start = walk->at;
    if (!take_value(walk))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!spells(name, members[i].name))
            continue;
        if (members[i].value.len > 0) {
            walk->at = name.data;
            return fail(walk, "a member that was there before");
        }
        members[i].value = (struct span){start, (size_t)(walk->at - start)};
        members[i].whole = (struct span){name.data, (size_t)(walk->at - name.data)};
    }
    return true;
}

static bool take_members(struct walk *walk, struct json_member *members, size_t count)
{
    skip_space(walk);
    if (!take(walk, '{'))
        return fail(walk, "no object");
    skip_space(walk);
    if (take(walk, '}'))
        return true;
    do {
        if (!take_member(walk, members, count))
            return false;
        skip_space(walk);
    } while (take(walk, ','));
    return take(walk, '}') || fail(walk, "no comma or brace behind a member");
}

/* To the end of the text, where only white space may be left. */
static const char *finish(struct walk *walk, struct span text, size_t *at, const char *surplus)
{
    if (walk->wrong == NULL) {
        skip_space(walk);
        if (walk->at < walk->end)
            fail(walk, surplus);
    }
    *at = (size_t)(walk->at - text.data);
    return walk->wrong;
}

const char *json_scan_object(struct span text, struct json_member *members, size_t count,
                             size_t *at)
{
    struct walk walk = {text.data, text.data + text.len, NULL};
    for (size_t i = 0; i < count; i++)
        members[i].value = members[i].whole = (struct span){0};
    take_members(&walk, members, count);
    return finish(&walk, text, at, "bytes behind the object");
}

/* ---- arrays ---- */

const char *json_scan_array(struct span text, size_t *at)
{
    struct walk walk = {text.data, text.data + text.len, NULL};
    skip_space(&walk);
    if (is_next(&walk, '['))
        take_value(&walk);
    else
        fail(&walk, "no array");
    return finish(&walk, text, at, "bytes behind the array");
}

bool json_next_element(struct span *rest, struct span *element)
{
    struct walk walk = {rest->data, rest->data + rest->len, NULL};
    skip_space(&walk);
    if (walk.at == walk.end || !(take(&walk, '[') || take(&walk, ',')))
        return false;
    skip_space(&walk);
    const char *start = walk.at;
    if (is_next(&walk, ']') || !take_value(&walk))
        return false;
    *element = (struct span){start, (size_t)(walk.at - start)};
    *rest = (struct span){walk.at, (size_t)(walk.end - walk.at)};
    return true;
}

/* ---- texts ---- */

bool json_is_text(struct span value, const char *text)
{
    size_t bytes = strlen(text);
    return value.len == bytes + 2 && value.data[0] == '"' &&
           memcmp(value.data + 1, text, bytes) == 0;
}

/* A character of up to 16 bits, or beyond, as UTF-8 (RFC 3629, section 3). */
static size_t put_utf8(char bytes[4], uint32_t code)
{
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t count = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = count - 1; i > 0; i--, code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    bytes[0] = (char)(leads[count] | code);
    return count;
}

/* After "\u" in a text that was found good. */
static uint32_t take_character(struct walk *walk)
{
    uint32_t code = (uint32_t)take_hex(walk);
    if (code < 0xd800 || code > 0xdfff)
        return code;
    walk->at += 2; /* "\u" */
    return 0x10000 + ((code & 0x3ff) << 10 | ((uint32_t)take_hex(walk) & 0x3ff));
}

static uint32_t take_escaped(struct walk *walk)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    if (take(walk, 'u'))
        return take_character(walk);
    char byte = *walk->at++;
    const char *known = strchr(from, byte);
    return (unsigned char)(known == NULL ? byte : to[known - from]);
}

size_t json_text(struct span value, char *to, size_t bytes_max)
{
    size_t count = 0;
    if (value.len < 2 || value.data[0] != '"')
        return SIZE_MAX;
    struct walk walk = {value.data + 1, value.data + value.len - 1, NULL};
    while (walk.at < walk.end) {
        char bytes[4] = {*walk.at};
        size_t more = 1;
        if (take(&walk, '\\'))
            more = put_utf8(bytes, take_escaped(&walk));
        else
            walk.at++;
        if (more > bytes_max - count)
            return SIZE_MAX;
        memcpy(to + count, bytes, more);
        count += more;
    }
    return count;
}
