/* Lines out of any bytes are the same, however the reads are split and held; once one is TELNET's
 * so are all after it, and without IAC there is neither such a line nor an answer.
 *
 * An input's first byte decides the splits; the rest is what a client sends. */
#include <assert.h>
#include <stdlib.h>

#include "gateway/text/lines.h"
#include "tests/fuzz/fuzz.h"

struct outcome {
    struct buffer text; /* each line after two bytes for its kind, with an LF */
    struct buffer answers;
    bool has_telnet; /* a line said so */
};

static void put_line(struct outcome *outcome, const struct line *line)
{
    assert(line->text.len <= LINES_BYTES_MAX);
    assert(memchr(line->text.data, '\n', line->text.len) == NULL);
    assert(line->is_telnet || !outcome->has_telnet);
    outcome->has_telnet = line->is_telnet;
    buffer_append(&outcome->text, span_of(line->too_long ? "!" : "="));
    buffer_append(&outcome->text, span_of(line->is_telnet ? "~" : "="));
    buffer_append(&outcome->text, line->text);
    buffer_append(&outcome->text, span_of("\n"));
}

/* Holding takes them one by one; else some at once, of which half are given back. */
static void take_all(struct lines *lines, struct outcome *outcome, bool holds)
{
    enum { TAKEN_MAX = 4 };
    struct line taken[TAKEN_MAX];
    size_t count;
    while ((count = lines_take(lines, taken, holds ? 1 : TAKEN_MAX)) > 0) {
        size_t wanted = (count + 1) / 2;
        if (wanted < count)
            lines_give_back(lines, &taken[wanted]);
        for (size_t i = 0; i < wanted; i++)
            put_line(outcome, &taken[i]);
        if (holds)
            lines_hold(lines);
    }
}

/* Reads of at most `read_bytes`, each from memory of its own that is gone after it. */
static struct outcome collect(const uint8_t *bytes, size_t count, size_t read_bytes, bool holds)
{
    struct lines lines = {0};
    struct outcome outcome = {0};
    for (size_t at = 0; at < count && !lines.ended;) {
        size_t taken = count - at < read_bytes ? count - at : read_bytes;
        char *read = malloc(taken);
        memcpy(read, bytes + at, taken);
        lines_feed(&lines, read, taken, &outcome.answers);
        take_all(&lines, &outcome, holds);
        lines_hold(&lines);
        free(read);
        at += taken;
    }
    lines_end(&lines);
    take_all(&lines, &outcome, holds);
    assert(!lines_waiting(&lines));
    lines_free(&lines);
    return outcome;
}

static void compare(struct buffer *a, struct buffer *b)
{
    assert(span_equals((struct span){a->data, a->len}, (struct span){b->data, b->len}));
    buffer_free(a);
    buffer_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    /* Only an interrupt within a line that is too long makes the result depend on the split. */
    if (count < 2 || count > LINES_BYTES_MAX)
        return 0;
    bool holds = bytes[0] % 2 != 0;
    struct outcome whole = collect(bytes + 1, count - 1, count, false);
    struct outcome split = collect(bytes + 1, count - 1, 1 + bytes[0] / 2, holds);
    bool has_iac = memchr(bytes + 1, TELNET_BYTE_IAC, count - 1) != NULL;
    assert(has_iac || (!whole.has_telnet && whole.answers.len == 0));
    compare(&whole.text, &split.text);
    compare(&whole.answers, &split.answers);
    return 0;
}
