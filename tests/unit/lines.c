/* lines: bytes in, lines out, however the bytes are split. */
#include "gateway/text/lines.h"
#include "tests/check.h"
#include "tests/unit/input.h"

#define READ_BYTES (64 * 1024)

/* What came out: each line as its kind, its bytes and an LF. The kind of a whole line is "=", or
 * "~" where its client speaks TELNET; of one that is too long "!", or "^". */
struct collected {
    struct buffer text;
    struct buffer answers;
};

static void collect_line(struct collected *out, const struct line *line)
{
    static const char kinds[2][2] = {{'=', '~'}, {'!', '^'}};
    CHECK(line->text.len <= LINES_BYTES_MAX);
    CHECK(!line->too_long || line->text.len == LINES_BYTES_MAX);
    buffer_append(&out->text, (struct span){&kinds[line->too_long][line->is_telnet], 1});
    buffer_append(&out->text, line->text);
    buffer_append(&out->text, SPAN("\n"));
}

/* One by one, or some at once of which all but a few are given back: it must make no difference. */
static void take_all(struct lines *lines, struct collected *out)
{
    enum { TAKEN_MAX = 3 };
    static unsigned calls;
    struct line taken[TAKEN_MAX];
    for (;; calls++) {
        if (calls % 3 == 0) {
            struct line line;
            if (!lines_next(lines, &line))
                return;
            collect_line(out, &line);
            continue;
        }
        size_t count = lines_take(lines, taken, TAKEN_MAX), wanted = count;
        if (count == 0)
            return;
        if (calls % 3 == 2 && (wanted = calls / 3 % (count + 1)) < count)
            lines_give_back(lines, &taken[wanted]);
        for (size_t i = 0; i < wanted; i++)
            collect_line(out, &taken[i]);
    }
}

/* One read through a buffer that is wiped right after lines_hold, as a caller may do. */
static void read_once(struct lines *lines, struct span in, struct collected *out)
{
    if (in.len == 0 || lines->ended)
        return;
    char *bytes = malloc(in.len);
    memcpy(bytes, in.data, in.len);
    lines_feed(lines, bytes, in.len, &out->answers);
    take_all(lines, out);
    lines_hold(lines);
    memset(bytes, '#', in.len);
    free(bytes);
}

static struct collected collect(struct span in, size_t split, bool ends)
{
    struct lines lines = {0};
    struct collected out = {0};
    read_once(&lines, (struct span){in.data, split}, &out);
    read_once(&lines, (struct span){in.data + split, in.len - split}, &out);
    if (ends) {
        lines_end(&lines);
        take_all(&lines, &out);
        CHECK(!lines_waiting(&lines));
    }
    lines_free(&lines);
    return out;
}

static void release(struct collected *out)
{
    buffer_free(&out->text);
    buffer_free(&out->answers);
}

/* In one read, and split in two anywhere. */
static void check(struct span in, bool ends, struct span wanted)
{
    for (size_t split = 0; split <= in.len; split++) {
        struct collected out = collect(in, split, ends);
        CHECK_BYTES(out.text.data, out.text.len, wanted.data, wanted.len);
        release(&out);
    }
}

/* Byte by byte. */
static void check_bytewise(struct span in, struct span wanted)
{
    struct lines lines = {0};
    struct collected out = {0};
    for (size_t i = 0; i < in.len; i++)
        read_once(&lines, (struct span){in.data + i, 1}, &out);
    lines_end(&lines);
    take_all(&lines, &out);
    CHECK_BYTES(out.text.data, out.text.len, wanted.data, wanted.len);
    lines_free(&lines);
    release(&out);
}

static void lf_ends_a_line(void)
{
    check(SPAN("one\ntwo\n\nfour\n"), false, SPAN("=one\n=two\n=\n=four\n"));
    check_bytewise(SPAN("one\ntwo\n\nfour\n"), SPAN("=one\n=two\n=\n=four\n"));
}

static void cr_lf_ends_a_line(void)
{
    check(SPAN("one\r\ntwo\r\r\n\r\n"), false, SPAN("=one\n=two\r\n=\n"));
    check(SPAN("o\rne\r\n"), false, SPAN("=o\rne\n"));
    check_bytewise(SPAN("o\rne\r\n\r\n"), SPAN("=o\rne\n=\n"));
}

static void end_of_input_ends_a_line(void)
{
    check(SPAN("one\ntwo"), false, SPAN("=one\n"));
    check(SPAN("one\ntwo"), true, SPAN("=one\n=two\n"));
    check(SPAN("one\ntwo\r"), true, SPAN("=one\n=two\n"));
    check(SPAN("one\n"), true, SPAN("=one\n"));
    check(SPAN(""), true, SPAN(""));
}

static void bytes_are_bytes(void)
{
    check(SPAN("a\0b\n\0\n\x80\xfe\x1c\n"), false, SPAN("=a\0b\n=\0\n=\x80\xfe\x1c\n"));
}

static void telnet_is_taken_out(void)
{
    check(SPAN("a\xff\xfd\x01"
               "b\nc\xff\xff"
               "d\n"),
          false,
          SPAN("~ab\n~c\xff"
               "d\n"));
    check(SPAN("\xff\xfa\x18\nxyz\n\xff\xf0one\r\xff\xf1\n"), true, SPAN("~one\n"));
    struct collected out = collect(SPAN("\xff\xfd\x01\xff\xfb\x03\n"), 0, false);
    CHECK_BYTES(out.answers.data, out.answers.len, "\xff\xfc\x01\xff\xfe\x03", 6);
    release(&out);
    out = collect(SPAN("no telnet here\n"), 0, false);
    CHECK_INT(out.answers.len, 0);
    release(&out);
}

/* Both in any split and byte by byte; the end of input follows. */
static void telnet_by_line(void)
{
    const struct {
        struct span in, wanted;
    } rows[] = {
        /* Lines that ended before the first IAC are plain. */
        {SPAN("a\nb\nc\xff\xf1\nd\ne"), SPAN("=a\n=b\n~c\n~d\n~e\n")},
        {SPAN("a\nb\n\xff\xf1"), SPAN("=a\n=b\n")},
        {SPAN("\xff\xff\n"), SPAN("~\xff\n")},
        {SPAN("a\xff"), SPAN("~a\n")},
        /* CR NUL */
        {SPAN("\xff\xfd\x03HELP\r\0QUIT\r\0"), SPAN("~HELP\n~QUIT\n")},
        {SPAN("HELP\r\0QUIT\r\0"), SPAN("=HELP\r\0QUIT\r\0\n")},
        {SPAN("a\r\0b\n\xff\xf1"
              "c\r\0d\0\n"),
         SPAN("=a\r\0b\n~c\n~d\0\n")},
        {SPAN("a\r\xff\xf1\0b\n"), SPAN("~a\n~b\n")},
        {SPAN("a\r\n\xff\xf1\0b\n"), SPAN("=a\n~\0b\n")},
        {SPAN("\xff\xf1\r\0\r\n\r\0"), SPAN("~\n~\n~\n")},
        /* Keys before a command */
        {SPAN("\x04one\n"), SPAN("=\x04one\n")},
        {SPAN("\x04one\n\xff\xf1\x04two\n"), SPAN("=\x04one\n~two\n")},
        {SPAN("on\xff\xf1\x04two\n"), SPAN("~on\x04two\n")},
        {SPAN("one\n \t\xff\xf1\x04two\n"), SPAN("=one\n~ \ttwo\n")},
        {SPAN("one\non\xff\xf1\x04two\n"), SPAN("=one\n~on\x04two\n")},
        {SPAN("on\xff\xf4\x04two\n"), SPAN("~two\n")},
        {SPAN("\xff\xf8\x03two\r\n\xff\xf8\x03three\r\0"), SPAN("~two\n~three\n")},
        /* End of file */
        {SPAN("one\ntwo\xff\xecthree\nfour\n"), SPAN("=one\n~two\n")},
        {SPAN("one\n\xff\xec\n"), SPAN("=one\n")},
        {SPAN("one\r\xff\xec"), SPAN("~one\n")},
        {SPAN("\xff\xec"), SPAN("")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int before = check_failures;
        check(rows[i].in, true, rows[i].wanted);
        check_bytewise(rows[i].in, rows[i].wanted);
        if (check_failures > before)
            printf("    row %zu\n", i);
    }
}

/* No line is asked for until all has come. */
static void plain_lines_wait_as_such(void)
{
    struct span in = SPAN("one\ntwo\nth\xff\xf1ree\nfour\n");
    for (size_t split = 0; split <= in.len; split++) {
        struct lines lines = {0};
        struct collected out = {0};
        char first[32], second[32];
        memcpy(first, in.data, split);
        lines_feed(&lines, first, split, &out.answers);
        lines_hold(&lines);
        memset(first, '#', sizeof first);
        memcpy(second, in.data + split, in.len - split);
        lines_feed(&lines, second, in.len - split, &out.answers);
        take_all(&lines, &out);
        CHECK_BYTES(out.text.data, out.text.len, "=one\n=two\n~three\n~four\n", 23);
        lines_free(&lines);
        release(&out);
    }
}

/* IAC EOF is found when it is fed; a caller that reads on reads nothing. */
static void eof_ends_the_input(void)
{
    struct lines lines = {0};
    struct buffer answers = {0};
    char bytes[] = "one\ntw\xff\xeco\xff\xfd\x01\n";
    lines_feed(&lines, bytes, sizeof bytes - 1, &answers);
    CHECK(lines.ended);
    CHECK_INT(answers.len, 0);
    struct line line;
    CHECK(lines_next(&lines, &line) && !line.is_telnet);
    lines_hold(&lines);
    CHECK(lines_next(&lines, &line) && line.is_telnet);
    CHECK_BYTES(line.text.data, line.text.len, "tw", 2);
    CHECK(!lines_waiting(&lines));
    lines_free(&lines);
}

static void interrupt_drops_the_line(void)
{
    check(SPAN("wrong\xff\xf4right\n"), true, SPAN("~right\n"));
    check(SPAN("one\nwrong\xff\xf4right\n"), true, SPAN("=one\n~right\n"));
    check(SPAN("one\n\xff\xf4two\n"), true, SPAN("=one\n~two\n"));
    check(SPAN("wrong\xff\xf4"), true, SPAN(""));
    check_bytewise(SPAN("one\nwrong\xff\xf4right\n"), SPAN("=one\n~right\n"));
}

static void interrupt_spares_complete_lines(void)
{
    struct lines lines = {0};
    struct collected out = {0};
    char first[] = "one\ntwo\nwro";
    lines_feed(&lines, first, sizeof first - 1, &out.answers);
    lines_hold(&lines);
    memset(first, '#', sizeof first);
    char second[] = "ng\xff\xf4right\n";
    lines_feed(&lines, second, sizeof second - 1, &out.answers);
    take_all(&lines, &out);
    CHECK_BYTES(out.text.data, out.text.len, "=one\n=two\n~right\n", 17);
    lines_free(&lines);
    release(&out);
}

/* The caller stops after each line and holds, whatever waits. */
static void hold_between_lines(void)
{
    struct span in = SPAN("a\nbb\r\n\nccc\ndd");
    for (size_t split = 0; split <= in.len; split++) {
        struct lines lines = {0};
        struct collected out = {0};
        struct span parts[] = {{in.data, split}, {in.data + split, in.len - split}};
        for (int i = 0; i < 2; i++) {
            char bytes[32];
            memcpy(bytes, parts[i].data, parts[i].len);
            lines_feed(&lines, bytes, parts[i].len, &out.answers);
            struct line line;
            while (lines_next(&lines, &line)) {
                buffer_append(&out.text, line.text);
                buffer_append(&out.text, SPAN("|"));
                lines_hold(&lines);
                memset(bytes, '#', sizeof bytes);
            }
            lines_hold(&lines);
            memset(bytes, '#', sizeof bytes);
        }
        CHECK(lines_waiting(&lines));
        lines_end(&lines);
        struct line line;
        CHECK(lines_next(&lines, &line));
        CHECK_BYTES(line.text.data, line.text.len, "dd", 2);
        CHECK(!lines_waiting(&lines));
        CHECK(!lines_next(&lines, &line));
        CHECK_BYTES(out.text.data, out.text.len, "a|bb||ccc|", 10);
        lines_free(&lines);
        release(&out);
    }
}

/* Half a line is seen; more reads are held before a line is asked for again. */
static void feeds_add_up(void)
{
    struct lines lines = {0};
    struct collected out = {0};
    const char *reads[] = {"a\nbbb", "c\nd\ne", "f\ng\nh"};
    for (int i = 0; i < 3; i++) {
        char bytes[8];
        memcpy(bytes, reads[i], strlen(reads[i]));
        lines_feed(&lines, bytes, strlen(reads[i]), &out.answers);
        if (i == 0)
            take_all(&lines, &out);
        lines_hold(&lines);
        memset(bytes, '#', sizeof bytes);
    }
    take_all(&lines, &out);
    CHECK_BYTES(out.text.data, out.text.len, "=a\n=bbbc\n=d\n=ef\n=g\n", 19);
    CHECK(lines_waiting(&lines));
    lines_free(&lines);
    release(&out);
}

/* `before` lines of one letter, then `count` letters and `ending`, split at the given place, then a
 * short line. */
static void check_long_behind(size_t before, size_t count, struct span ending, size_t split,
                              bool is_too_long)
{
    struct buffer in = {0};
    for (size_t i = 0; i < before; i++)
        buffer_append(&in, SPAN("b\n"));
    memset(buffer_reserve(&in, count), 'a', count);
    in.len += count;
    buffer_append(&in, ending);
    buffer_append(&in, SPAN("next\n"));
    struct collected out = collect((struct span){in.data, in.len}, 2 * before + split, true);
    size_t given = is_too_long ? LINES_BYTES_MAX : count;
    CHECK_INT(out.text.len, 3 * before + 1 + given + 1 + 6);
    const char *text = out.text.data + 3 * before;
    CHECK_INT(text[0], is_too_long ? '!' : '=');
    CHECK(memchr(text, '\n', out.text.len - 3 * before) == text + 1 + given);
    CHECK_BYTES(text + 1 + given + 1, 6, "=next\n", 6);
    release(&out);
    buffer_free(&in);
}

/* Whether it is the first line that is asked for, or one of several, makes no difference. */
static void check_long(size_t count, struct span ending, size_t split, bool is_too_long)
{
    for (size_t before = 0; before < 3; before++)
        check_long_behind(before, count, ending, split, is_too_long);
}

static void at_the_limit_and_past_it(void)
{
    for (int around = -4; around <= 4; around++) {
        size_t split = (size_t)(LINES_BYTES_MAX + around);
        check_long(LINES_BYTES_MAX - 1, SPAN("\n"), split, false);
        check_long(LINES_BYTES_MAX, SPAN("\n"), split, false);
        check_long(LINES_BYTES_MAX + 1, SPAN("\n"), split, true);
        check_long(LINES_BYTES_MAX, SPAN("\r\n"), split, false);
        check_long(LINES_BYTES_MAX + 1, SPAN("\r\n"), split, true);
        check_long(LINES_BYTES_MAX, SPAN("\r\r\n"), split, true);
        check_long(LINES_BYTES_MAX + 2, SPAN("\n"), split, true);
    }
    for (size_t split = 0; split <= LINES_BYTES_MAX + 1; split += 997) {
        check_long(LINES_BYTES_MAX, SPAN("\n"), split, false);
        check_long(LINES_BYTES_MAX + 1, SPAN("\n"), split, true);
        check_long(3 * LINES_BYTES_MAX, SPAN("\r\n"), split, true);
    }
}

/* The end of input where the line end would be. */
static void long_at_the_end(void)
{
    for (size_t extra = 0; extra <= 2; extra++) {
        struct buffer in = {0};
        size_t count = LINES_BYTES_MAX + extra;
        memset(buffer_reserve(&in, count), 'a', count);
        in.len = count;
        for (int with_cr = 0; with_cr < 2; with_cr++) {
            if (with_cr)
                buffer_append(&in, SPAN("\r"));
            struct collected out = collect((struct span){in.data, in.len}, in.len / 2, true);
            CHECK_INT(out.text.len, LINES_BYTES_MAX + 2);
            CHECK_INT(out.text.data[0], extra > 0 ? '!' : '=');
            release(&out);
        }
        buffer_free(&in);
    }
}

static void endless_line_takes_bounded_memory(void)
{
    struct lines lines = {0};
    struct collected out = {0};
    char *bytes = malloc(READ_BYTES);
    for (int i = 0; i < 200; i++) {
        memset(bytes, 'a', READ_BYTES);
        lines_feed(&lines, bytes, 1000 + (size_t)i, &out.answers);
        take_all(&lines, &out);
        lines_hold(&lines);
        CHECK(lines.kept.capacity <= 4 * LINES_BYTES_MAX);
    }
    CHECK_INT(out.text.len, LINES_BYTES_MAX + 2);
    CHECK_INT(lines.kept.capacity, 0);
    memcpy(bytes, "a\nb\nc", 5);
    lines_feed(&lines, bytes, 5, &out.answers);
    take_all(&lines, &out);
    lines_hold(&lines);
    CHECK_BYTES(out.text.data + LINES_BYTES_MAX + 2, out.text.len - LINES_BYTES_MAX - 2, "=b\n", 3);
    CHECK(lines.kept.capacity < 1024);
    free(bytes);
    lines_free(&lines);
    release(&out);
}

static void interrupt_ends_the_discarding(void)
{
    struct lines lines = {0};
    struct collected out = {0};
    char *bytes = malloc(LINES_BYTES_MAX + 10);
    memset(bytes, 'a', LINES_BYTES_MAX + 10);
    lines_feed(&lines, bytes, LINES_BYTES_MAX + 10, &out.answers);
    take_all(&lines, &out);
    lines_hold(&lines);
    read_once(&lines, SPAN("still it\xff\xf4IAMAT\n"), &out);
    CHECK_BYTES(out.text.data + LINES_BYTES_MAX + 2, out.text.len - LINES_BYTES_MAX - 2, "~IAMAT\n",
                7);
    free(bytes);
    lines_free(&lines);
    release(&out);
}

/* A line of which LINES_BYTES_MAX + 1 bytes are not yet too many, the `rest` that follows them, and
 * what comes of it after the line; in two reads, the second of which brings the last `second`
 * bytes. `asks`: for all that is complete before that, else for the long line alone. */
static void check_rest(struct span rest, size_t second, bool asks, struct span wanted)
{
    struct lines lines = {0};
    struct collected out = {0};
    size_t count = LINES_BYTES_MAX + 1 + rest.len - second;
    char *bytes = malloc(count);
    memset(bytes, 'a', LINES_BYTES_MAX + 1);
    memcpy(bytes + LINES_BYTES_MAX + 1, rest.data, rest.len - second);
    struct line line;
    lines_feed(&lines, bytes, count, &out.answers);
    CHECK(lines_next(&lines, &line) && line.too_long);
    if (asks)
        take_all(&lines, &out);
    lines_hold(&lines);
    memset(bytes, '#', count);
    read_once(&lines, (struct span){rest.data + rest.len - second, second}, &out);
    take_all(&lines, &out);
    CHECK_BYTES(out.text.data, out.text.len, wanted.data, wanted.len);
    free(bytes);
    lines_free(&lines);
    release(&out);
}

static void rest_of_a_long_line(void)
{
    const struct {
        struct span rest, wanted;
    } rows[] = {
        {SPAN("rest\nnext\n"), SPAN("=next\n")},
        {SPAN("rest\nhalf\xff\xf4next\n"), SPAN("~next\n")},
        {SPAN("rest\nnext\nlast\xff\xf1\n"), SPAN("=next\n~last\n")},
        {SPAN("rest\xff\xf1\x04next\r\0last\n"), SPAN("~last\n")},
        {SPAN("rest\r\xff\xf1\0next\n"), SPAN("~next\n")},
        {SPAN("rest\xff\xf1\r\0next\r\0"), SPAN("~next\n")},
        {SPAN("\r\xff\xf1\0next\r\0"), SPAN("~next\n")},
        {SPAN("\r\nnext\n\xff\xf1\0last\n"), SPAN("=next\n~\0last\n")},
        {SPAN("rest\r\n\xff\xf1\0last\n"), SPAN("~\0last\n")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t second = 0; second < rows[i].rest.len; second++) {
            int before = check_failures;
            check_rest(rows[i].rest, second, true, rows[i].wanted);
            check_rest(rows[i].rest, second, false, rows[i].wanted);
            if (check_failures > before)
                printf("    row %zu, %zu bytes\n", i, second);
        }
}

/* A line at the limit, and one byte longer, whose end is a CR NUL, split anywhere around it. */
static void limits_of_a_telnet_line(void)
{
    for (size_t extra = 0; extra < 2; extra++) {
        struct buffer in = {0};
        size_t count = LINES_BYTES_MAX + extra;
        buffer_append(&in, SPAN("\xff\xf1\x04"));
        memset(buffer_reserve(&in, count), 'a', count);
        in.len += count;
        buffer_append(&in, SPAN("\r\0next\r\0"));
        for (size_t split = LINES_BYTES_MAX - 2; split <= in.len; split++) {
            struct collected out = collect((struct span){in.data, in.len}, split, false);
            CHECK_INT(out.text.len, LINES_BYTES_MAX + 2 + 6);
            CHECK_INT(out.text.data[0], extra > 0 ? '^' : '~');
            CHECK_BYTES(out.text.data + LINES_BYTES_MAX + 2, 6, "~next\n", 6);
            release(&out);
        }
        buffer_free(&in);
    }
}

static void idle_owns_nothing(void)
{
    struct lines lines = {0};
    struct collected out = {0};
    CHECK(!lines_waiting(&lines));
    read_once(&lines, SPAN("one\ntw"), &out);
    CHECK(lines_waiting(&lines));
    CHECK(lines.kept.capacity > 0);
    read_once(&lines, SPAN("o\n"), &out);
    CHECK(!lines_waiting(&lines));
    CHECK(lines.kept.data == NULL);
    CHECK_INT(lines.kept.capacity, 0);
    lines_free(&lines);
    release(&out);
}

/* Lines stay where they are: no copy on the way through. */
static void found_in_place(void)
{
    struct lines lines = {0};
    struct buffer answers = {0};
    char bytes[] = "one\ntwo\n";
    lines_feed(&lines, bytes, sizeof bytes - 1, &answers);
    struct line line;
    CHECK(lines_next(&lines, &line));
    CHECK(line.text.data == bytes);
    CHECK(lines_next(&lines, &line));
    CHECK(line.text.data == bytes + 4);
    lines_free(&lines);
}

static void nothing_is_read_past_the_end(void)
{
    struct span in = SPAN("one\r\ntwo\xff\xfd\x06three\nfour");
    for (size_t count = 1; count <= in.len; count++) {
        struct lines lines = {0};
        struct collected out = {0};
        char *bytes = check_at_page_end(in.data, count);
        lines_feed(&lines, bytes, count, &out.answers);
        take_all(&lines, &out);
        lines_end(&lines);
        take_all(&lines, &out);
        lines_free(&lines);
        release(&out);
    }
}

static void any_split_gives_the_same(void)
{
    static const char alphabet[] = "ab \r\n\n\xff\xff\xf4\xfd\xfb\xfa\xf0\x06\n\r\0\x04\xec";
    uint64_t state = 1;
    for (int round = 0; round < 20000; round++) {
        char bytes[48];
        size_t count = 1 + input_draw(&state) % sizeof bytes;
        for (size_t i = 0; i < count; i++)
            bytes[i] = alphabet[input_draw(&state) % (sizeof alphabet - 1)];
        struct collected whole = collect((struct span){bytes, count}, 0, true);
        struct lines lines = {0};
        struct collected out = {0};
        for (size_t at = 0; at < count;) {
            size_t more = 1 + input_draw(&state) % 8;
            more = more < count - at ? more : count - at;
            read_once(&lines, (struct span){bytes + at, more}, &out);
            at += more;
        }
        lines_end(&lines);
        take_all(&lines, &out);
        CHECK_BYTES(out.text.data, out.text.len, whole.text.data, whole.text.len);
        CHECK_BYTES(out.answers.data, out.answers.len, whole.answers.data, whole.answers.len);
        lines_free(&lines);
        release(&out);
        release(&whole);
    }
}

static const struct check_case cases[] = {
    {"LF ends a line", lf_ends_a_line},
    {"CR LF ends a line, also split between the two", cr_lf_ends_a_line},
    {"the end of input ends a line", end_of_input_ends_a_line},
    {"NUL and 8-bit bytes survive", bytes_are_bytes},
    {"TELNET is taken out and answered", telnet_is_taken_out},
    {"a line is TELNET's from the first IAC on, with CR NUL, keys and IAC EOF", telnet_by_line},
    {"plain lines that wait when the first IAC comes stay plain", plain_lines_wait_as_such},
    {"IAC EOF ends the input as it is fed", eof_ends_the_input},
    {"an interrupt drops the line typed so far, also what was held", interrupt_drops_the_line},
    {"an interrupt spares complete lines that wait", interrupt_spares_complete_lines},
    {"holding after each line loses nothing", hold_between_lines},
    {"reads may add up before a line is asked for", feeds_add_up},
    {"a line of 65536 bytes is whole, of 65537 too long, split anywhere", at_the_limit_and_past_it},
    {"the same limits hold at the end of input", long_at_the_end},
    {"a line without end takes bounded memory", endless_line_takes_bounded_memory},
    {"an interrupt ends the rest of a line that was too long", interrupt_ends_the_discarding},
    {"what follows a line that is too long", rest_of_a_long_line},
    {"the limits of a line that ends in CR NUL", limits_of_a_telnet_line},
    {"a connection without half a line owns no memory", idle_owns_nothing},
    {"lines are found in place", found_in_place},
    {"nothing is read past the end", nothing_is_read_past_the_end},
    {"any split of random bytes gives the same lines", any_split_gives_the_same},
};

CHECK_MAIN(cases)
