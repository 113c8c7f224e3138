#include "topology/format/edits.h"

#include <assert.h>
#include <string.h>

static struct span line_at(const struct buffer *text, size_t from)
{
    const char *at = text->data + from, *newline = memchr(at, '\n', text->len - from);
    return (struct span){at, newline ? (size_t)(newline - at) + 1 : text->len - from};
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static size_t count_blanks(struct span line)
{
    size_t blanks = 0;
    while (blanks < line.len && is_blank(line.data[blanks]))
        blanks++;
    return blanks;
}

/* Neither blank nor only a comment. */
static bool says_something(struct span line)
{
    size_t blanks = count_blanks(line);
    return blanks < line.len && line.data[blanks] != '#';
}

static bool is_key(struct span line, const char *key)
{
    size_t blanks = count_blanks(line), bytes = strlen(key);
    if (line.len <= blanks + bytes || memcmp(line.data + blanks, key, bytes) != 0)
        return false;
    char behind = line.data[blanks + bytes];
    return behind == '=' || is_blank(behind);
}

static size_t find_section(const struct buffer *text, uint32_t section)
{
    size_t from = 0;
    for (uint32_t line = 1; line < section; line++)
        from += line_at(text, from).len;
    assert(from < text->len);
    return from;
}

/* Puts the pieces in place of `bytes` bytes at `from`. */
static void splice(struct buffer *text, size_t from, size_t bytes, const char *const *pieces,
                   size_t count)
{
    struct buffer spliced = {0};
    buffer_append(&spliced, (struct span){text->data, from});
    for (size_t i = 0; i < count; i++)
        buffer_append(&spliced, span_of(pieces[i]));
    buffer_append(&spliced, (struct span){text->data + from + bytes, text->len - from - bytes});
    buffer_free(text);
    *text = spliced;
}

void topology_edit_set(struct buffer *text, uint32_t section, const char *key, const char *value)
{
    size_t from = find_section(text, section);
    struct span line = line_at(text, from);
    bool carriage = line.len > 1 && line.data[line.len - 2] == '\r';
    size_t behind = from + line.len, replaced = 0; /* where the key goes, and in place of what */
    for (size_t at = behind; at < text->len; at += line.len) {
        line = line_at(text, at);
        if (!says_something(line))
            continue;
        if (count_blanks(line) == 0)
            break;
        behind = at + line.len;
        if (is_key(line, key)) {
            replaced = line.len;
            behind = at;
            break;
        }
    }
    bool needs_newline = behind > 0 && text->data[behind - 1] != '\n';
    const char *end = carriage ? "\r\n" : "\n";
    const char *pieces[] = {needs_newline ? end : "", "    ", key, " = ", value, end};
    splice(text, behind, replaced, pieces, sizeof pieces / sizeof *pieces);
}
