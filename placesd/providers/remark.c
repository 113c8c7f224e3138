#include "placesd/providers/remark.h"

#include <ctype.h>

#include "placesd/providers/provider.h"
#include "placesd/providers/results.h"

#define MASK "***"
/* "\..." and nothing less says that a text was cut. */
#define CUT "\\..."
/* Degrees with three decimals are a house or two: whoever repeats a coordinate may have rounded
 * it. */
#define TELLING_DECIMALS 3

/* ---- finding the words ---- */

static const char *find_words(const json_t *root)
{
    const json_t *error = json_object_get(root, "error");
    const json_t *const places[] = {
        json_object_get(root, "error_message"), json_object_get(error, "message"), error,
        json_object_get(root, "remark"),        json_object_get(root, "message"),
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (json_string_length(places[i]) > 0)
            return json_string_value(places[i]);
    return NULL;
}

/* Half an answer is no page, and what it holds is for whoever asked. */
static bool is_page(struct span body)
{
    size_t at = 0;
    while (at < body.len && isspace((unsigned char)body.data[at]))
        at++;
    return at < body.len && body.data[at] != '{' && body.data[at] != '[';
}

/* A page's text: no tags, and one blank for white space of any length. */
static void append_page(struct span page, struct buffer *out)
{
    bool in_tag = false, gap = false;
    char *start = buffer_reserve(out, page.len), *to = start;
    for (size_t i = 0; i < page.len; i++) {
        char byte = page.data[i];
        bool is_space = isspace((unsigned char)byte);
        gap = gap || is_space || byte == '<';
        if (!in_tag && !is_space && byte != '<') {
            if (gap && to > start)
                *to++ = ' ';
            *to++ = byte;
            gap = false;
        }
        in_tag = byte == '<' || (in_tag && byte != '>');
    }
    out->len += (size_t)(to - start);
}

/* ---- masking ---- */

/* Replaces each `secret`, and the digits behind it where `with_digits`. */
static void mask(struct buffer *text, struct span secret, bool with_digits)
{
    struct buffer masked = {0};
    struct span rest = {text->data, text->len};
    while (secret.len > 0 && rest.len >= secret.len) {
        const char *found = memmem(rest.data, rest.len, secret.data, secret.len);
        if (found == NULL)
            break;
        buffer_append(&masked, (struct span){rest.data, (size_t)(found - rest.data)});
        buffer_append(&masked, span_of(MASK));
        const char *behind = found + secret.len, *end = rest.data + rest.len;
        while (with_digits && behind < end && isdigit((unsigned char)*behind))
            behind++;
        rest = (struct span){behind, (size_t)(end - behind)};
    }
    buffer_append(&masked, rest);
    buffer_free(text);
    *text = masked;
}

static void mask_coordinate(struct buffer *text, int64_t nanodegrees)
{
    char degrees[PROVIDER_DEGREES_BYTES_MAX];
    provider_write_degrees(nanodegrees < 0 ? -nanodegrees : nanodegrees, degrees);
    char *point = strchr(degrees, '.');
    if (point == NULL)
        return;
    size_t bytes = (size_t)(point - degrees) + 1 + TELLING_DECIMALS;
    mask(text, (struct span){degrees, strnlen(degrees, bytes)}, true);
}

/* ---- escaping ---- */

static size_t escape(unsigned char byte, char out[4])
{
    static const char hex[] = "0123456789abcdef";
    out[0] = (char)byte;
    if (byte >= 0x20 && byte <= 0x7e && byte != '\\')
        return 1;
    out[0] = out[1] = '\\';
    if (byte == '\\')
        return 2;
    out[1] = 'x';
    out[2] = hex[byte >> 4];
    out[3] = hex[byte & 15];
    return 4;
}

static void append_escaped(struct span text, struct buffer *out)
{
    size_t room = REMARK_BYTES_MAX - (sizeof CUT - 1);
    for (size_t i = 0; i < text.len; i++) {
        char escaped[4];
        size_t bytes = escape((unsigned char)text.data[i], escaped);
        if (bytes > room) {
            buffer_append(out, span_of(CUT));
            return;
        }
        buffer_append(out, (struct span){escaped, bytes});
        room -= bytes;
    }
}

void remark_read(struct span body, const struct lookup *lookup, struct span key, struct buffer *out)
{
    struct buffer words = {0};
    json_t *root = results_load(body);
    const char *found = find_words(root);
    if (found != NULL)
        buffer_append(&words, span_of(found));
    else if (root == NULL && is_page(body))
        append_page(body, &words);
    json_decref(root);
    mask(&words, key, false);
    mask_coordinate(&words, lookup->latitude_nanodeg);
    mask_coordinate(&words, lookup->longitude_nanodeg);
    append_escaped((struct span){words.data, words.len}, out);
    buffer_free(&words);
}
