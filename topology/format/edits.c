#include "topology/format/edits.h"

#include <assert.h>
#include <string.h>

static struct span line_at(const struct buffer *text, size_t from)
{
    const char *at = text->at + from, *newline = memchr(at, '\n', text->bytes - from);
    return (struct span){at, newline ? (size_t)(newline - at) + 1 : text->bytes - from};
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static size_t count_blanks(struct span line)
{
    size_t blanks = 0;
    while (blanks < line.bytes && is_blank(line.at[blanks]))
        blanks++;
    return blanks;
}

/* Neither blank nor only a comment. */
static bool says_something(struct span line)
{
    size_t blanks = count_blanks(line);
    return blanks < line.bytes && line.at[blanks] != '#';
}

static bool is_key(struct span line, const char *key)
{
    size_t blanks = count_blanks(line), bytes = strlen(key);
    if (line.bytes <= blanks + bytes || memcmp(line.at + blanks, key, bytes) != 0)
        return false;
    char behind = line.at[blanks + bytes];
    return behind == '=' || is_blank(behind);
}

static size_t find_section(const struct buffer *text, uint32_t section)
{
    size_t from = 0;
    for (uint32_t line = 1; line < section; line++)
        from += line_at(text, from).bytes;
    assert(from < text->bytes);
    return from;
}

/* Puts the pieces in place of `bytes` bytes at `from`. */
static void splice(struct buffer *text, size_t from, size_t bytes, const char *const *pieces,
                   size_t count)
{
    struct buffer spliced = {0};
    buffer_append(&spliced, (struct span){text->at, from});
    for (size_t i = 0; i < count; i++)
        buffer_append(&spliced, span_of(pieces[i]));
    buffer_append(&spliced, (struct span){text->at + from + bytes, text->bytes - from - bytes});
    buffer_free(text);
    *text = spliced;
}

void topology_edit_set(struct buffer *text, uint32_t section, const char *key, const char *value)
{
    size_t from = find_section(text, section);
    struct span line = line_at(text, from);
    bool carriage = line.bytes > 1 && line.at[line.bytes - 2] == '\r';
    size_t behind = from + line.bytes, replaced = 0; /* where the key goes, and in place of what */
    for (size_t at = behind; at < text->bytes; at += line.bytes) {
        line = line_at(text, at);
        if (!says_something(line))
            continue;
        if (count_blanks(line) == 0)
            break;
        behind = at + line.bytes;
        if (is_key(line, key)) {
            replaced = line.bytes;
            behind = at;
            break;
        }
    }
    bool needs_newline = behind > 0 && text->at[behind - 1] != '\n';
    const char *end = carriage ? "\r\n" : "\n";
    const char *pieces[] = {needs_newline ? end : "", "    ", key, " = ", value, end};
    splice(text, behind, replaced, pieces, sizeof pieces / sizeof *pieces);
}
