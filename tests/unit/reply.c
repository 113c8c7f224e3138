/* reply: the very bytes a client reads. */
#include "gateway/text/reply.h"
#include "bus/table/at_line.h"
#include "tests/check.h"
#include "tests/unit/input.h"
#include "tests/unit/sample_location.h"

#define GENERATED_CASES 100000

static void check_at(int64_t difference_ns, const char *difference)
{
    struct location location = sample_location();
    location.difference_ns = difference_ns;
    char wanted[128];
    int bytes = snprintf(wanted, sizeof wanted,
                         "AT Clark %s kiwi.cs.ucla.edu +34.068930-118.445127 "
                         "1621464827.959498503\n",
                         difference);
    struct buffer out = {0};
    at_line_write(&out, &location);
    CHECK_BYTES(out.data, out.len, wanted, (size_t)bytes);
    buffer_free(&out);
}

static void at_line(void)
{
    check_at(263873386, "+0.263873386");
    check_at(0, "+0.000000000");
    check_at(1, "+0.000000001");
    check_at(-1, "-0.000000001");
    check_at(-400000000, "-0.400000000");
    check_at(999999999, "+0.999999999");
    check_at(1000000000, "+1.000000000");
    check_at(-1000000001, "-1.000000001");
    check_at(INT64_C(1621464827959498503), "+1621464827.959498503");
    check_at(INT64_MAX, "+9223372036.854775807");
    check_at(-INT64_MAX, "-9223372036.854775807");
    check_at(INT64_MIN, "-9223372036.854775808");
}

static void differences_against_printf(void)
{
    uint64_t state = 5;
    for (int i = 0; i < GENERATED_CASES; i++) {
        /* Any size: a random number of bits, either sign. */
        int64_t difference_ns = (int64_t)input_draw(&state) >> input_draw(&state) % 64;
        char wanted[32];
        snprintf(wanted, sizeof wanted, "%c%lld.%09lld", difference_ns < 0 ? '-' : '+',
                 llabs(difference_ns / 1000000000), llabs(difference_ns % 1000000000));
        check_at(difference_ns, wanted);
    }
}

static void operands_are_copies(void)
{
    struct location location = {
        .client = SPAN("k\0\x80\xff"),
        .position = SPAN("+00.10-001"),
        .stamp = SPAN("0001.10000000000000"),
        .origin = SPAN("B"),
    };
    struct buffer out = {0};
    buffer_append(&out, SPAN("before\n"));
    at_line_write(&out, &location);
    at_line_write(&out, &location);
    struct span wanted = SPAN("before\n"
                              "AT B +0.000000000 k\0\x80\xff +00.10-001 0001.10000000000000\n"
                              "AT B +0.000000000 k\0\x80\xff +00.10-001 0001.10000000000000\n");
    CHECK_BYTES(out.data, out.len, wanted.data, wanted.len);
    buffer_free(&out);
}

/* Short names are copied in a way of their own. */
static void a_name_of_any_length_is_copied(void)
{
    for (size_t bytes = 1; bytes <= 20; bytes++) {
        struct location location = {
            .client = SPAN("kiwi"),
            .position = SPAN("+1-1"),
            .stamp = SPAN("1"),
            .origin = {check_at_page_end("ABCDEFGHIJKLMNOPQRST", bytes), bytes},
        };
        char wanted[64];
        int wanted_bytes = snprintf(wanted, sizeof wanted, "AT %.*s +0.000000000 kiwi +1-1 1\n",
                                    (int)bytes, "ABCDEFGHIJKLMNOPQRST");
        struct buffer out = {0};
        at_line_write(&out, &location);
        CHECK_BYTES(out.data, out.len, wanted, (size_t)wanted_bytes);
        buffer_free(&out);
    }
}

/* The room reserved must do: for the longest difference and name, and every length of the rest
 * up to some, so that in one case no byte is to spare; and for the longest line of a client. */
static void at_line_fits(void)
{
    static char client[64 * 1024], origin[LOCATION_ORIGIN_BYTES_MAX];
    memset(client, 'c', sizeof client);
    memset(origin, 'o', sizeof origin);
    for (size_t bytes = 1; bytes <= sizeof client; bytes += bytes < 1024 ? 1 : 1024) {
        struct location location = {
            .client = {client, bytes},
            .position = SPAN("+1-1"),
            .stamp = SPAN("1"),
            .origin = {origin, sizeof origin},
            .difference_ns = INT64_MIN,
        };
        struct buffer out = {0};
        at_line_write(&out, &location);
        CHECK_INT(out.len, 3 + sizeof origin + 1 + 21 + 1 + bytes + 1 + 4 + 1 + 1 + 1);
        CHECK(out.len <= out.capacity);
        buffer_free(&out);
    }
}

static void check_places(struct span json, struct span wanted)
{
    struct buffer out = {0};
    reply_places(&out, (struct span){check_at_page_end(json.data, json.len), json.len});
    CHECK_BYTES(out.data, out.len, wanted.data, wanted.len);
    buffer_free(&out);
}

static void no_line_is_blank(void)
{
    check_places(SPAN("{}"), SPAN("{}\n\n"));
    check_places(SPAN("{}\n"), SPAN("{}\n\n"));
    check_places(SPAN("{}\n\n\n\n"), SPAN("{}\n\n"));
    check_places(SPAN("{\n\n\n  \"a\": 1\n\n}"), SPAN("{\n  \"a\": 1\n}\n\n"));
    check_places(SPAN("\n\n{\n}\n"), SPAN("{\n}\n\n"));
    check_places(SPAN("{\"a\": \"x\\n\\n\\ny\"}"), SPAN("{\"a\": \"x\\n\\n\\ny\"}\n\n"));
    check_places(SPAN("{\r\n\r\n}\r\n"), SPAN("{\r\n}\r\n\n"));
    check_places(SPAN("{}\r\r\n \t"), SPAN("{}\r\n\n"));
    check_places(SPAN("{}\n  "), SPAN("{}\n\n"));
    check_places(SPAN("{\n \n}"), SPAN("{\n}\n\n"));
    check_places(SPAN("{\n \t\v\f\r\n}"), SPAN("{\n}\n\n"));
    check_places(SPAN("[\"\xc2\x9b\"]"), SPAN("[\"\\u009b\"]\n\n"));
    check_places(SPAN("\0\n\n\xff"), SPAN("\0\n\xff\n\n"));
    check_places(SPAN(""), SPAN("\n\n"));
    check_places(SPAN("\n\n\n"), SPAN("\n\n"));
    /* What stands before it in the reply is not its own. */
    struct buffer out = {0};
    buffer_append(&out, span_of("AT\n"));
    reply_places(&out, span_of("\n"));
    CHECK_BYTES(out.data, out.len, "AT\n\n\n", 5);
    buffer_free(&out);
}

static void invalid_is_a_copy(void)
{
    struct span texts[] = {SPAN("what?"), SPAN("a \t b\0\xff\r\x1c"), SPAN("")};
    struct span wanted[] = {SPAN("? what?\n"), SPAN("? a \t b\0\xff\r\x1c\n"), SPAN("? \n")};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buffer out = {0};
        reply_invalid(&out, texts[i]);
        CHECK_BYTES(out.data, out.len, wanted[i].data, wanted[i].len);
        buffer_free(&out);
    }
}

/* From a place on, in a buffer of just that size and of more. */
static void lines_in_crlf(void)
{
    const struct {
        struct span before, text, wanted;
    } rows[] = {
        {SPAN(""), SPAN("? x\n"), SPAN("? x\r\n")},
        {SPAN("{\n}\n\n"), SPAN("AT\n"), SPAN("{\n}\n\nAT\r\n")},
        {SPAN("a\n"), SPAN("? \r\xff\0\r\n"), SPAN("a\n? \r\xff\0\r\r\n")},
        {SPAN(""), SPAN("a\n\n  b\nc\n"), SPAN("a\r\n\r\n  b\r\nc\r\n")},
        {SPAN("a\n"), SPAN("b"), SPAN("a\nb")},
        {SPAN("a\n"), SPAN(""), SPAN("a\n")},
        {SPAN(""), SPAN(""), SPAN("")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t spare = 0; spare < 3; spare++) {
            size_t start = rows[i].before.len;
            struct buffer out = {0};
            buffer_append(&out, rows[i].before);
            buffer_append(&out, rows[i].text);
            if (out.data != NULL) {
                out.capacity = out.len + spare;
                out.data = bytes_resize(out.data, out.capacity == 0 ? 1 : out.capacity);
            }
            reply_in_crlf(&out, start);
            CHECK_BYTES(out.data, out.len, rows[i].wanted.data, rows[i].wanted.len);
            buffer_free(&out);
        }
}

static const struct check_case cases[] = {
    {"an AT line has the exact difference, sign always, nine decimals", at_line},
    {"100000 differences as printf writes them", differences_against_printf},
    {"the operands of an AT line are byte copies, appended", operands_are_copies},
    {"a name of any length is copied", a_name_of_any_length_is_copied},
    {"an AT line of any length fits", at_line_fits},
    {"no line of JSON is blank and two newlines end it", no_line_is_blank},
    {"an invalid command is copied after a question mark", invalid_is_a_copy},
    {"lines end in CR LF from a place on", lines_in_crlf},
};

CHECK_MAIN(cases)
