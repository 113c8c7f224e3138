#include "gateway/text/lines.h"

#include <assert.h>

#include "bus/base/token.h"

/* A line's bytes and its CR LF: a line without an LF within this many bytes is too long. */
#define WINDOW_BYTES (LINES_BYTES_MAX + 2)

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

bool lines_waiting(const struct lines *lines)
{
    return lines->at < lines->end || lines->next < lines->next_end;
}

static size_t count_ends(const char *at, const char *end)
{
    size_t count = 0;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        count++;
        at++;
    }
    return count;
}

/* Where the unfinished line begins, after the complete lines that wait. */
static char *unfinished(const struct lines *lines)
{
    size_t waiting = (size_t)(lines->end - lines->at);
    char *newline = waiting == 0 ? NULL : memrchr(lines->at, '\n', waiting);
    return newline == NULL ? lines->at : newline + 1;
}

/* Drops the unfinished line, also where it is the rest of one that was too long. */
static void interrupt(struct lines *lines)
{
    char *start = unfinished(lines);
    if (start == lines->at)
        lines->discarding = false;
    if (lines->at == lines->end)
        return;
    lines->end = start;
    lines->kept.len = (size_t)(start - lines->kept.data);
}

static bool is_blank(const char *at, const char *end)
{
    while (at < end && token_is_white(*at))
        at++;
    return at == end;
}

/* The first IAC of the connection is among the bytes to be fed, at `iac`: which lines come before
 * it, and what the filter has to know of the one that is under way. */
static void begin_telnet(struct lines *lines, const char *bytes, const char *iac)
{
    bool waits = lines->at < lines->end;
    lines->plain_lines = count_ends(lines->at, lines->end) + count_ends(bytes, iac);
    lines->telnet.within_line = !is_blank(unfinished(lines), lines->end);
    lines->telnet.after_cr = waits ? lines->end[-1] == '\r' : lines->thrown_away_cr;
}

/* Takes TELNET out of a read, before which nothing but `kept` waits. Returns how many bytes remain.
 * A function of its own, so that the usual read need not make room for what is used here. */
__attribute__((noinline)) static size_t filter(struct lines *lines, char *bytes, size_t count,
                                               const char *iac, struct buffer *answers)
{
    if (!lines_speak_telnet(lines))
        begin_telnet(lines, bytes, iac);
    bool interrupted;
    size_t remain = telnet_filter(&lines->telnet, bytes, count, &interrupted, answers);
    if (interrupted)
        interrupt(lines);
    lines->ended = lines->telnet.state == TELNET_ENDED;
    return remain;
}

/* Moves bytes of the caller's to what is kept; false, and all that waited is gone, where memory is
 * refused. They may be part of a token, which then stands in one place alone (lines_wipe). */
static bool keep(struct lines *lines, char *at, size_t bytes)
{
    bool is_kept = buffer_try_append(&lines->kept, (struct span){at, bytes});
    if (bytes > 0)
        explicit_bzero(at, bytes);
    if (is_kept)
        return true;
    buffer_free(&lines->kept);
    lines->at = lines->end = lines->next = lines->next_end = NULL;
    lines->scanned = 0;
    lines->lost = true;
    return false;
}

/* Completes the kept line with the first bytes of a read, up to its LF. Where there is none the
 * window makes sure that the kept line, now too long, needs nothing of what follows. Returns
 * how many bytes it took. */
static size_t complete(struct lines *lines, char *bytes, size_t count)
{
    buffer_consume(&lines->kept, (size_t)(lines->at - lines->kept.data));
    size_t taken = least(count, WINDOW_BYTES);
    char *newline = memchr(bytes, '\n', taken);
    if (newline != NULL)
        taken = (size_t)(newline + 1 - bytes);
    if (!keep(lines, bytes, taken))
        return count;
    lines->at = lines->kept.data;
    lines->end = lines->kept.data + lines->kept.len;
    return taken;
}

void lines_end(struct lines *lines)
{
    lines->ended = true;
}

static struct span without_cr(const char *at, size_t bytes)
{
    return (struct span){at, bytes > 0 && at[bytes - 1] == '\r' ? bytes - 1 : bytes};
}

/* An LF is consumed, which may be one from before the first IAC. */
static void pass_end(struct lines *lines)
{
    if (lines->plain_lines > 0)
        lines->plain_lines--;
}

/* Takes the first `bytes` of what waits as a line, and consumes the `ending` bytes after them,
 * which belong to no line. */
static void give(struct lines *lines, size_t bytes, size_t ending, struct line *line)
{
    struct span whole = without_cr(lines->at, bytes);
    *line = (struct line){.text = {lines->at, least(whole.len, LINES_BYTES_MAX)},
                          .too_long = whole.len > LINES_BYTES_MAX};
    lines->at += bytes + ending;
    lines->scanned = 0;
    if (lines_speak_telnet(lines)) {
        line->is_telnet = lines->plain_lines == 0;
        if (ending > 0)
            pass_end(lines);
    }
}

/* Finds the end of the line at `at`, within this piece alone. False where there is none. */
static bool take(struct lines *lines, struct line *line)
{
    size_t window = least((size_t)(lines->end - lines->at), WINDOW_BYTES);
    char *newline = memchr(lines->at + lines->scanned, '\n', window - lines->scanned);
    if (newline != NULL) {
        give(lines, (size_t)(newline - lines->at), 1, line);
        return true;
    }
    if (window == WINDOW_BYTES) {
        give(lines, window, 0, line);
        lines->discarding = true;
        lines->thrown_away_cr = lines->at[-1] == '\r';
        return true;
    }
    if (lines->ended && window > 0) {
        give(lines, window, 0, line);
        return true;
    }
    lines->scanned = window;
    return false;
}

/* Throws away up to the next LF, within this piece alone, which is not empty. */
static void discard(struct lines *lines)
{
    char *newline = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
    lines->at = newline == NULL ? lines->end : newline + 1;
    lines->discarding = newline == NULL;
    lines->thrown_away_cr = lines->at[-1] == '\r';
    if (newline != NULL)
        pass_end(lines);
}

/* From the kept piece, all of which was given out, to the one in the caller's buffer. */
static void advance(struct lines *lines)
{
    assert(lines->at == lines->end);
    lines->kept.len = 0;
    lines->scanned = 0;
    lines->at = lines->next;
    lines->end = lines->next_end;
    lines->next = lines->next_end = NULL;
}

bool lines_next(struct lines *lines, struct line *line)
{
    while (lines_waiting(lines)) {
        if (lines->at == lines->end)
            advance(lines);
        if (lines->discarding)
            discard(lines);
        if (lines->at == lines->end)
            continue;
        if (take(lines, line))
            return true;
        assert(lines->next == lines->next_end);
        break;
    }
    return false;
}

/* The lines that end in this piece, up to one that is too long; without TELNET. The first was
 * taken already, so nothing is half done. */
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
        if (line.len > LINES_BYTES_MAX)
            break;
        taken[count] = (struct line){line, false, false};
        at = newline + 1;
    }
    lines->at = at;
    return count;
}

/* All lines come from one piece, and none follows a line that is too long: then giving back is
 * moving `at` back. A TELNET client is a person, who types one line at a time. */
size_t lines_take(struct lines *lines, struct line *taken, size_t max)
{
    if (max == 0 || !lines_next(lines, &taken[0]))
        return 0;
    if (lines->at == lines->end || taken[0].too_long || lines_speak_telnet(lines))
        return 1;
    return 1 + take_usual(lines, taken + 1, max - 1);
}

void lines_give_back(struct lines *lines, const struct line *first)
{
    char *start = lines->at - (lines->at - first->text.data);
    if (lines_speak_telnet(lines) && !first->is_telnet)
        lines->plain_lines += count_ends(start, lines->at);
    lines->at = start;
    lines->scanned = 0;
    lines->discarding = false;
}

__attribute__((noinline)) static void hold_some(struct lines *lines)
{
    if (lines->at == lines->end)
        advance(lines);
    size_t waiting = (size_t)(lines->end - lines->at), given = 0;
    if (lines->kept.len == 0) {
        /* A new allocation, so that one long line does not keep a large one alive. */
        buffer_free(&lines->kept);
        if (waiting > 0 && !keep(lines, lines->at, waiting))
            return;
    } else {
        given = (size_t)(lines->at - lines->kept.data);
        size_t next_bytes = (size_t)(lines->next_end - lines->next);
        if (!keep(lines, lines->next, next_bytes))
            return;
    }
    lines->next = lines->next_end = NULL;
    lines->at = waiting == 0 ? NULL : lines->kept.data + given;
    lines->end = waiting == 0 ? NULL : lines->kept.data + lines->kept.len;
}

/* The bytes are the caller's, who lets them be changed. */
void lines_wipe(struct lines *lines, struct span part)
{
    struct buffer *kept = &lines->kept;
    if (part.len > 0)
        explicit_bzero(lines->at - (lines->at - part.data), part.len);
    if (kept->data != NULL)
        explicit_bzero(kept->data + kept->len, kept->capacity - kept->len);
}

/* Nearly always nothing is left. */
static inline void hold(struct lines *lines)
{
    if (lines_waiting(lines) || lines->kept.data != NULL)
        hold_some(lines);
    else
        lines->at = lines->end = lines->next = lines->next_end = NULL;
}

void lines_hold(struct lines *lines)
{
    hold(lines);
}

void lines_feed(struct lines *lines, char *bytes, size_t count, struct buffer *answers)
{
    assert(!lines->ended);
    hold(lines);
    const char *iac = memchr(bytes, TELNET_BYTE_IAC, count);
    if (iac != NULL || lines_speak_telnet(lines))
        count = filter(lines, bytes, count, iac, answers);
    if (lines->at == lines->end) {
        lines->kept.len = 0;
        lines->scanned = 0;
        lines->at = bytes;
        lines->end = bytes + count;
    } else {
        size_t taken = complete(lines, bytes, count);
        lines->next = bytes + taken;
        lines->next_end = bytes + count;
    }
}

void lines_free(struct lines *lines)
{
    buffer_free(&lines->kept);
    *lines = (struct lines){0};
}
