#include "gateway/lines.h"

#include <assert.h>

/* A line's bytes and its CR LF: whoever finds no LF among so many has a line that is too long. */
#define WINDOW_BYTES (LINES_BYTES_MAX + 2)

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Drops the unfinished line, wherever it lies behind the lines that are complete. */
static void interrupt(struct lines *lines)
{
    lines->discarding = false;
    size_t waiting = (size_t)(lines->end - lines->at);
    if (waiting == 0)
        return;
    char *newline = memrchr(lines->at, '\n', waiting);
    lines->end = newline == NULL ? lines->at : newline + 1;
    lines->kept.bytes = (size_t)(lines->end - lines->kept.at);
}

/* Completes the kept line with the first bytes of a read, up to its LF. Where there is none the
 * window makes sure that the kept line, now too long, needs nothing of what follows. Returns
 * how many bytes it took. */
static size_t complete(struct lines *lines, char *bytes, size_t count)
{
    buffer_consume(&lines->kept, (size_t)(lines->at - lines->kept.at));
    size_t taken = least(count, WINDOW_BYTES);
    char *newline = memchr(bytes, '\n', taken);
    if (newline != NULL)
        taken = (size_t)(newline + 1 - bytes);
    buffer_append(&lines->kept, (struct span){bytes, taken});
    lines->at = lines->kept.at;
    lines->end = lines->kept.at + lines->kept.bytes;
    return taken;
}

void lines_feed(struct lines *lines, char *bytes, size_t count, struct buffer *answers)
{
    assert(!lines->ended);
    lines_hold(lines);
    bool is_plain =
        lines->telnet.state == TELNET_TEXT && memchr(bytes, TELNET_BYTE_IAC, count) == NULL;
    if (!is_plain) {
        bool interrupted;
        count = telnet_filter(&lines->telnet, bytes, count, &interrupted, answers);
        if (interrupted)
            interrupt(lines);
    }
    if (lines->at == lines->end) {
        lines->kept.bytes = 0;
        lines->scanned = 0;
        lines->at = bytes;
        lines->end = bytes + count;
    } else {
        size_t taken = complete(lines, bytes, count);
        lines->next = bytes + taken;
        lines->next_end = bytes + count;
    }
}

void lines_end(struct lines *lines)
{
    lines->ended = true;
}

static struct span without_cr(const char *at, size_t bytes)
{
    return (struct span){at, bytes > 0 && at[bytes - 1] == '\r' ? bytes - 1 : bytes};
}

/* Takes the first `bytes` of what waits as a line, and `ending` more that belong to nobody. */
static enum lines_kind give(struct lines *lines, size_t bytes, size_t ending, struct span *line)
{
    char *start = lines->at;
    lines->at += bytes + ending;
    lines->scanned = 0;
    struct span whole = without_cr(start, bytes);
    *line = (struct span){start, least(whole.bytes, LINES_BYTES_MAX)};
    return whole.bytes > LINES_BYTES_MAX ? LINES_TOO_LONG : LINES_LINE;
}

/* Finds the end of the line at `at`, within this piece alone. */
static enum lines_kind take(struct lines *lines, struct span *line)
{
    size_t window = least((size_t)(lines->end - lines->at), WINDOW_BYTES);
    char *newline = memchr(lines->at + lines->scanned, '\n', window - lines->scanned);
    if (newline != NULL)
        return give(lines, (size_t)(newline - lines->at), 1, line);
    if (window == WINDOW_BYTES) {
        *line = (struct span){lines->at, LINES_BYTES_MAX};
        lines->at += window;
        lines->scanned = 0;
        lines->discarding = true;
        return LINES_TOO_LONG;
    }
    if (lines->ended && window > 0)
        return give(lines, window, 0, line);
    lines->scanned = window;
    return LINES_NONE;
}

/* Throws away up to the next LF, within this piece alone. */
static void discard(struct lines *lines)
{
    char *newline = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
    lines->at = newline == NULL ? lines->end : newline + 1;
    lines->discarding = newline == NULL;
}

/* From the kept piece, all of which was given out, to the one in the caller's buffer. */
static void advance(struct lines *lines)
{
    assert(lines->at == lines->end);
    lines->kept.bytes = 0;
    lines->scanned = 0;
    lines->at = lines->next;
    lines->end = lines->next_end;
    lines->next = lines->next_end = NULL;
}

enum lines_kind lines_next(struct lines *lines, struct span *line)
{
    while (lines_waiting(lines)) {
        if (lines->at == lines->end)
            advance(lines);
        if (lines->discarding)
            discard(lines);
        if (lines->at == lines->end)
            continue;
        enum lines_kind kind = take(lines, line);
        if (kind != LINES_NONE)
            return kind;
        assert(lines->next == lines->next_end);
        break;
    }
    return LINES_NONE;
}

/* The lines that end in this piece, up to one that is too long. The first was taken already, so
 * nothing is half done. */
static size_t take_usual(struct lines *lines, struct line *taken, size_t max)
{
    size_t count = 0;
    char *at = lines->at, *end = lines->end;
    for (; count < max; count++) {
        size_t window = least((size_t)(end - at), WINDOW_BYTES);
        char *newline = memchr(at, '\n', window);
        if (newline == NULL) {
            lines->scanned = window;
            break;
        }
        struct span line = without_cr(at, (size_t)(newline - at));
        if (line.bytes > LINES_BYTES_MAX)
            break;
        taken[count] = (struct line){line, false};
        at = newline + 1;
    }
    lines->at = at;
    return count;
}

/* All of one piece, and nothing behind a line that is too long: then giving back is moving `at`
 * back. */
size_t lines_take(struct lines *lines, struct line *taken, size_t max)
{
    enum lines_kind first = max > 0 ? lines_next(lines, &taken[0].text) : LINES_NONE;
    if (first == LINES_NONE)
        return 0;
    taken[0].too_long = first == LINES_TOO_LONG;
    if (taken[0].too_long)
        return 1;
    return 1 + take_usual(lines, taken + 1, max - 1);
}

void lines_give_back(struct lines *lines, const struct line *first)
{
    lines->at -= (size_t)(lines->at - first->text.at);
    lines->scanned = 0;
    lines->discarding = false;
}

void lines_hold(struct lines *lines)
{
    if (lines->at == lines->end)
        advance(lines);
    size_t waiting = (size_t)(lines->end - lines->at), given = 0;
    if (lines->kept.bytes == 0) {
        /* A fresh piece of memory, so that one long line does not leave a big one behind. */
        buffer_free(&lines->kept);
        buffer_append(&lines->kept, (struct span){lines->at, waiting});
    } else {
        given = (size_t)(lines->at - lines->kept.at);
        size_t behind = (size_t)(lines->next_end - lines->next);
        buffer_append(&lines->kept, (struct span){lines->next, behind});
    }
    lines->next = lines->next_end = NULL;
    lines->at = waiting == 0 ? NULL : lines->kept.at + given;
    lines->end = waiting == 0 ? NULL : lines->kept.at + lines->kept.bytes;
}

bool lines_waiting(const struct lines *lines)
{
    return lines->at < lines->end || lines->next < lines->next_end;
}

void lines_free(struct lines *lines)
{
    buffer_free(&lines->kept);
    *lines = (struct lines){0};
}
