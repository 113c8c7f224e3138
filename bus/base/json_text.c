#include "bus/base/json_text.h"

#define DEL 0x7f
/* U+0080 to U+009F in UTF-8: this byte, and a second one of 80 to 9f. */
#define C1_LEAD ((char)0xc2)
/* "\u0080" */
#define ESCAPED_BYTES 6

/* ---- depth ---- */

size_t json_text_depth(struct span text)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.data[i];
        if (byte == '"') {
            in_string = !in_string;
        } else if (in_string) {
            i += byte == '\\';
        } else if (byte == '{' || byte == '[') {
            depth++;
            deepest = depth > deepest ? depth : deepest;
        } else if ((byte == '}' || byte == ']') && depth > 0) {
            depth--;
        }
    }
    return deepest;
}

/* ---- control characters ---- */

/* The bytes of the control character that begins at `at`, 0 where none does. */
static inline size_t control_bytes(const char *at, const char *end)
{
    if (*at == DEL)
        return 1;
    return *at == C1_LEAD && end - at > 1 && (unsigned char)at[1] - 0x80u < 0x20 ? 2 : 0;
}

static size_t count_controls(struct span text)
{
    const char *end = text.data + text.len;
    size_t count = 0;
    for (const char *at = text.data; (at = memchr(at, DEL, (size_t)(end - at))) != NULL; at++)
        count++;
    for (const char *at = text.data; (at = memchr(at, C1_LEAD, (size_t)(end - at))) != NULL; at++)
        count += control_bytes(at, end) > 0;
    return count;
}

static char *put_escaped(char *to, struct span text)
{
    static const char hex[] = "0123456789abcdef";
    const char *end = text.data + text.len;
    for (const char *at = text.data; at < end;) {
        size_t bytes = control_bytes(at, end);
        if (bytes == 0) {
            *to++ = *at++;
            continue;
        }
        unsigned char code = (unsigned char)at[bytes - 1];
        memcpy(to, "\\u00", 4);
        to[4] = hex[code >> 4];
        to[5] = hex[code & 15];
        to += ESCAPED_BYTES;
        at += bytes;
    }
    return to;
}

/* ---- lines ---- */

/* The byte after the line that begins at `at`. */
static const char *line_end(const char *at, const char *end, bool has_returns)
{
    if (!has_returns) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        return newline == NULL ? end : newline + 1;
    }
    while (at < end && *at != '\n' && *at != '\r')
        at++;
    if (end - at > 1 && at[0] == '\r' && at[1] == '\n')
        at++;
    return at < end ? at + 1 : end;
}

static bool is_blank(struct span line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.data[i] != ' ' && (line.data[i] < '\t' || line.data[i] > '\r'))
            return false;
    return true;
}

size_t json_text_tidy_bytes_max(struct span text)
{
    return text.len + count_controls(text) * (ESCAPED_BYTES - 1);
}

void json_text_tidy(struct span text, struct buffer *out)
{
    if (text.len == 0)
        return;
    const char *end = text.data + text.len;
    bool has_returns = memchr(text.data, '\r', text.len) != NULL;
    size_t controls = count_controls(text);
    char *start = buffer_reserve(out, text.len + controls * (ESCAPED_BYTES - 1)), *to = start;
    for (const char *at = text.data, *next; at < end; at = next) {
        next = line_end(at, end, has_returns);
        struct span line = {at, (size_t)(next - at)};
        if (is_blank(line))
            continue;
        if (controls > 0) {
            to = put_escaped(to, line);
        } else {
            memcpy(to, line.data, line.len);
            to += line.len;
        }
    }
    out->len += (size_t)(to - start);
}
