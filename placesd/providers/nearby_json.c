#include "placesd/providers/nearby_json.h"

#include <jansson.h>

#include "bus/base/json_scan.h"
#include "bus/base/json_text.h"
#include "bus/base/simd16.h"
#include "placesd/providers/outcome.h"

#define ATTRIBUTIONS_NONE "\"html_attributions\":[],"

/* The longest status that means anything, and some more. */
#define STATUS_BYTES_MAX 32

#define TOO_LONG "The places provider's answer is too long."

/* ---- walking over text that is already known to be valid JSON ----
 *
 * Every function stays within `end`, also in a text that is no JSON. The caller compares what they
 * find with what the parser found before it uses any of it. */

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

/* The first quote or backslash, or `end`. */
static const char *find_in_string(const char *at, const char *end)
{
    for (; (size_t)(end - at) >= SIMD16_BYTES; at += SIMD16_BYTES) {
        simd16 bytes = simd16_load(at);
        uint32_t marks = simd16_bits((simd16)(bytes == '"') | (simd16)(bytes == '\\'));
        if (marks != 0)
            return at + __builtin_ctz(marks);
    }
    while (at < end && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* The first quote, bracket or brace, or `end`. '[' and '{' differ in one bit, as do ']' and '}'. */
static const char *find_structure(const char *at, const char *end)
{
    for (; (size_t)(end - at) >= SIMD16_BYTES; at += SIMD16_BYTES) {
        simd16 bytes = simd16_load(at), curly = bytes | 0x20;
        uint32_t marks =
            simd16_bits((simd16)(bytes == '"') | (simd16)(curly == '{') | (simd16)(curly == '}'));
        if (marks != 0)
            return at + __builtin_ctz(marks);
    }
    while (at < end && *at != '"' && (*at | 0x20) != '{' && (*at | 0x20) != '}')
        at++;
    return at;
}

/* From an opening quote to the byte after the closing one. */
static const char *skip_string(const char *at, const char *end)
{
    at = find_in_string(at + 1, end);
    while (at < end && *at != '"')
        at = find_in_string(end - at > 1 ? at + 2 : end, end);
    return at < end ? at + 1 : end;
}

static const char *skip_nested(const char *at, const char *end)
{
    size_t depth = 0;
    while ((at = find_structure(at, end)) < end) {
        if (*at == '"') {
            at = skip_string(at, end);
            continue;
        }
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        at++;
        if (depth == 0)
            break;
    }
    return at;
}

static const char *skip_value(const char *at, const char *end)
{
    if (at < end && *at == '"')
        return skip_string(at, end);
    if (at < end && (*at == '{' || *at == '['))
        return skip_nested(at, end);
    while (at < end && strchr(",]} \t\r\n", *at) == NULL)
        at++;
    return at;
}

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

/* The next character that a key spells; `at` moves past it. -1 for an escape other than \uXXXX: it
 * stands for none of the letters in the names we look for. RFC 8259, section 7: any character may
 * be spelled \uXXXX. */
static int spelled(const char **at, const char *end)
{
    const char *start = *at;
    if (*start != '\\') {
        *at = start + 1;
        return (unsigned char)*start;
    }
    if (end - start < 6 || start[1] != 'u') {
        *at = end;
        return -1;
    }
    int code = 0;
    for (int i = 2; i < 6; i++)
        code = code * 16 + hex_digit(start[i]);
    *at = start + 6;
    return code;
}

/* Whether the quoted key spells `name`, letter by letter or escaped. */
static bool key_is(const char *at, const char *after, const char *name)
{
    const char *end = after - 1;
    at++;
    while (at < end) {
        int code = spelled(&at, end);
        if (*name == '\0' || code != (unsigned char)*name++)
            return false;
    }
    return *name == '\0';
}

/* The first byte of the value of the top-level member `name`, or `end`. */
static const char *find_member(const char *at, const char *end, const char *name)
{
    at = skip_space(at, end) + 1;
    while (at < end) {
        const char *key = skip_space(at, end);
        if (key == end || *key != '"')
            return end;
        const char *after = skip_string(key, end);
        const char *value = skip_space(after, end);
        value = skip_space(value < end ? value + 1 : end, end);
        if (key_is(key, after, name))
            return value;
        at = skip_space(skip_value(value, end), end);
        at = at < end ? at + 1 : end;
    }
    return end;
}

/* Walks the array that opens at `at`. False where it does not end, or is none. */
static bool mark_array(const char *text, const char *at, const char *end,
                       struct nearby_json_offsets *offsets)
{
    if (at == end || *at != '[')
        return false;
    *offsets = (struct nearby_json_offsets){0};
    offsets->ends[0] = offsets->last = (uint32_t)(at + 1 - text);
    at = skip_space(at + 1, end);
    while (at < end && *at != ']') {
        const char *after = skip_value(at, end);
        if (after == at)
            return false;
        offsets->last = (uint32_t)(after - text);
        if (++offsets->count <= LOOKUP_BOUND_MAX)
            offsets->ends[offsets->count] = offsets->last;
        at = skip_space(after, end);
        if (at < end && *at == ',')
            at = skip_space(at + 1, end);
    }
    offsets->close = (uint32_t)(at - text);
    return at < end;
}

bool nearby_json_find_offsets(struct span text, struct nearby_json_offsets *offsets)
{
    const char *end = text.data + text.len;
    if (text.len == 0 || text.len > LOOKUP_BODY_BYTES_MAX)
        return false;
    const char *open = skip_space(text.data, end);
    return open < end && *open == '{' &&
           mark_array(text.data, find_member(open, end, "results"), end, offsets);
}

/* What a bound cuts out: from the end of element number `bound` to the end of the last one, so that
 * the line that closes the array stays as it is; with a bound of 0 everything between the brackets.
 * Empty, at the end of the text, where nothing is cut. */
static struct span surplus_of(struct span text, const struct nearby_json_offsets *offsets,
                              uint32_t bound)
{
    if (offsets->count <= bound)
        return (struct span){text.data + text.len, 0};
    uint32_t from = offsets->ends[bound], to = bound == 0 ? offsets->close : offsets->last;
    return (struct span){text.data + from, to - from};
}

void nearby_json_cut(struct span text, const struct nearby_json_offsets *offsets, uint32_t bound,
                     struct buffer *json)
{
    struct span surplus = surplus_of(text, offsets, bound);
    const char *after = surplus.data + surplus.len;
    buffer_append(json, (struct span){text.data, (size_t)(surplus.data - text.data)});
    buffer_append(json, (struct span){after, (size_t)(text.data + text.len - after)});
}

/* ---- deciding ---- */

enum { STATUS, RESULTS, ATTRIBUTIONS, NEXT_PAGE, MEMBERS };

static enum lookup_code fail(const char *reason, struct buffer *json)
{
    lookup_write_failure(LOOKUP_BAD_REPLY, reason, json);
    return LOOKUP_BAD_REPLY;
}

/* What goes out is tidy, if nothing speaks against it. */
static enum lookup_code pass_on(struct span kept, struct span secret, struct buffer *json)
{
    size_t before = json->len;
    json_text_tidy(kept, json);
    size_t bytes = json->len - before;
    const char *reason = NULL;
    if (bytes > LOOKUP_BODY_BYTES_MAX)
        reason = TOO_LONG;
    else if (secret.len > 0 && memmem(json->data + before, bytes, secret.data, secret.len) != NULL)
        reason = "The places provider's answer is not fit to be passed on.";
    if (reason == NULL)
        return LOOKUP_OK;
    json->len = before;
    return fail(reason, json);
}

/* A member with the comma and the white space that end with it: up to the next member, or from the
 * end of the one before. Empty, at the end of the text, where there is no such member. */
static struct span member_of(struct span text, struct span whole)
{
    const char *end = text.data + text.len;
    if (whole.len == 0)
        return (struct span){end, 0};
    const char *from = whole.data, *after = skip_space(whole.data + whole.len, end);
    if (*after == ',') {
        after = skip_space(after + 1, end);
    } else {
        while (from > text.data && from[-1] != ',' && from[-1] != '{')
            from--;
        from -= from > text.data && from[-1] == ',';
    }
    return (struct span){from, (size_t)(after - from)};
}

/* The text without two parts of it, in whichever order they stand, and with `inserted` as its first
 * member. */
static void put_without(struct span text, struct span a, struct span b, const char *inserted,
                        struct buffer *kept)
{
    struct span first = a.data < b.data ? a : b, second = a.data < b.data ? b : a;
    const char *end = text.data + text.len, *inside = skip_space(text.data, end) + 1;
    const char *between = first.data + first.len, *after = second.data + second.len;
    buffer_append(kept, (struct span){text.data, (size_t)(inside - text.data)});
    buffer_append(kept, span_of(inserted));
    buffer_append(kept, (struct span){inside, (size_t)(first.data - inside)});
    buffer_append(kept, (struct span){between, (size_t)(second.data - between)});
    buffer_append(kept, (struct span){after, (size_t)(end - after)});
}

/* The good answer: its own bytes, less the surplus and the next page's token, with
 * `html_attributions` where it lacks. */
static enum lookup_code keep(struct span text, const struct json_member *members, uint32_t bound,
                             struct span secret, struct buffer *json)
{
    struct span results = members[RESULTS].value, attributions = members[ATTRIBUTIONS].value;
    struct nearby_json_offsets offsets;
    if (results.len == 0 || results.data[0] != '[' ||
        (attributions.len > 0 && attributions.data[0] != '['))
        return fail("The places provider's answer has no list of results.", json);
    if (!mark_array(text.data, results.data, text.data + text.len, &offsets))
        return fail("The places provider's answer could not be cut.", json);

    struct span surplus = surplus_of(text, &offsets, bound);
    struct span token = member_of(text, members[NEXT_PAGE].whole);
    if (surplus.len == 0 && token.len == 0 && attributions.len > 0)
        return pass_on(text, secret, json);
    struct buffer kept = {0};
    put_without(text, surplus, token, attributions.len > 0 ? "" : ATTRIBUTIONS_NONE, &kept);
    enum lookup_code code = pass_on((struct span){kept.data, kept.len}, secret, json);
    buffer_free(&kept);
    return code;
}

/* What one pass finds to be an object: the answer, or what its status says. The members after the
 * first `count` are let be. */
static enum lookup_code judge(struct span text, size_t count, uint32_t bound, struct span secret,
                              struct buffer *json)
{
    struct json_member members[MEMBERS] = {[STATUS] = {.name = "status"},
                                           [RESULTS] = {.name = "results"},
                                           [ATTRIBUTIONS] = {.name = "html_attributions"},
                                           [NEXT_PAGE] = {.name = "next_page_token"}};
    char word[STATUS_BYTES_MAX + 1];
    size_t at;
    if (json_scan_object(text, members, count, &at) != NULL)
        return fail("The places provider's answer is not JSON.", json);
    size_t bytes = json_text(members[STATUS].value, word, STATUS_BYTES_MAX);
    word[bytes <= STATUS_BYTES_MAX ? bytes : 0] = '\0';
    if (strcmp(word, "OK") == 0 || strcmp(word, "ZERO_RESULTS") == 0)
        return keep(text, members, bound, secret, json);
    enum outcome outcome;
    if (outcome_of_word(word, &outcome))
        return outcome_write(outcome, word, json);
    return fail("The places provider's answer has no known status.", json);
}

enum lookup_code nearby_json_pass(struct span text, uint32_t bound, struct buffer *json)
{
    if (text.len > LOOKUP_BODY_BYTES_MAX)
        return fail(TOO_LONG, json);
    return judge(text, MEMBERS, bound, span_of(""), json);
}

enum lookup_code nearby_json_read(struct span text, uint32_t bound, struct span secret,
                                  struct buffer *json)
{
    if (text.len > LOOKUP_BODY_BYTES_MAX)
        return fail(TOO_LONG, json);
    if (json_text_depth(text) > JSON_TEXT_DEPTH_MAX)
        return fail("The places provider's answer is nested too deeply.", json);
    json_error_t error;
    json_t *root = json_loadb(text.len > 0 ? text.data : "", text.len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    if (root == NULL)
        return fail("The places provider's answer is not JSON.", json);
    json_decref(root);
    return judge(text, NEXT_PAGE, bound, secret, json);
}
