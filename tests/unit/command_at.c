/* AT lines, as a journal's dump prints them, into locations again. */
#include "gateway/text/command.h"

#include "bus/table/at_line.h"
#include "tests/check.h"

#define KIWI "AT Clark +0.263873386 kiwi.cs.ucla.edu +34.068930-118.445127 1621464827.959498503"

static struct command_at at;

static const char *read_text(const char *text, size_t bytes)
{
    return command_read_at((struct span){check_at_page_end(text, bytes), bytes}, &at);
}

static void a_line_is_a_location(void)
{
    CHECK(read_text(KIWI, strlen(KIWI)) == NULL);
    const struct location *location = &at.location;
    CHECK(span_equals(location->origin, span_of("Clark")));
    CHECK(span_equals(location->client, span_of("kiwi.cs.ucla.edu")));
    CHECK(span_equals(location->position, span_of("+34.068930-118.445127")));
    CHECK(span_equals(location->stamp, span_of("1621464827.959498503")));
    CHECK_INT(location->difference_ns, 263873386);
    CHECK_INT(location->order_ns, INT64_C(1621464827959498503));
}

static void good_lines_are_written_again_as_they_were(void)
{
    static const char *const lines[] = {
        KIWI,
        "AT A -0.400000000 x +0+0 1",
        "AT A +1621464000.000000001 \xff\x1b[2J +00.1-000.1 0.12345678901",
        "AT A -9000000000.000000000 x +90-180 9000000001",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct buffer again = {0};
        CHECK(read_text(lines[i], strlen(lines[i])) == NULL);
        at_line_write(&again, &at.location);
        CHECK(again.len == strlen(lines[i]) + 1);
        CHECK(memcmp(again.data, lines[i], again.len - 1) == 0);
        buffer_free(&again);
    }
}

/* Rule O1, from the line alone. */
static void the_order_is_the_stamp_but_5_s_after_the_node_at_most(void)
{
    static const struct {
        const char *line;
        int64_t order_ns;
    } rows[] = {
        {"AT A +0.000000000 x +1+1 100", 100000000000},
        {"AT A -5.000000000 x +1+1 100", 100000000000},
        {"AT A -5.000000001 x +1+1 100", 99999999999},
        {"AT A -100.000000000 x +1+1 100", 5000000000},
        {"AT A +50.000000000 x +1+1 100", 100000000000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK(read_text(rows[i].line, strlen(rows[i].line)) == NULL);
        CHECK_INT(at.location.order_ns, rows[i].order_ns);
    }
}

static void what_is_no_such_line_is_bad(void)
{
    static const struct {
        const char *line, *why;
    } rows[] = {
        {"", "no AT line"},
        {"AT", "no AT line"},
        {"at A +0.000000000 x +1+1 100", "no AT line"},
        {" AT A +0.000000000 x +1+1 100", "no AT line"},
        {"IAMAT x +1+1 100", "no AT line"},
        {"AT  A +0.000000000 x +1+1 100", "node's name"},
        {"AT A 0.000000000 x +1+1 100", "difference"},
        {"AT A +0.00000000 x +1+1 100", "difference"},
        {"AT A +0.0000000000 x +1+1 100", "difference"},
        {"AT A +.000000000 x +1+1 100", "difference"},
        {"AT A +00.000000000 x +1+1 100", "difference"},
        {"AT A +0,000000000 x +1+1 100", "difference"},
        {"AT A +9223372036.000000000 x +1+1 100", "difference"},
        {"AT A +0.00000000x x +1+1 100", "difference"},
        {"AT A +0.000000000 x +1+1", ""},
        {"AT A +0.000000000 x +91+1 100", ""},
        {"AT A +0.000000000 x - 100", ""},
        {"AT A +0.000000000 x +1+1 -100", ""},
        {"AT A +0.000000000 x +1+1 100 y", ""},
        {"AT A +0.000000000 x  +1+1 100", "more than one blank"},
        {"AT A +0.000000000 x +1+1 100 ", "more than one blank"},
        {"AT A +0.000000000 x +1+1 100\r", "more than one blank"},
        {"AT A -100.000000001 x +1+1 100", "before 1970"},
        {"AT A +9000000000.000000000 x +1+1 9000000000", "after 2115"},
        {"AT A +0.000000000 IAMAT x +1+1 100", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *why = read_text(rows[i].line, strlen(rows[i].line));
        CHECK(why != NULL && strstr(why, rows[i].why) != NULL);
        if (why == NULL || strstr(why, rows[i].why) == NULL)
            printf("    %s: %s\n", rows[i].line, why == NULL ? "good" : why);
    }
}

/* A number may end earlier, and is another number then: no more of a line's prefixes are good. */
static void prefixes_are_bad_but_for_a_shorter_stamp(void)
{
    size_t stamp = strlen(KIWI) - strlen("1621464827.959498503");
    for (size_t bytes = 0; bytes < strlen(KIWI); bytes++) {
        bool ends_in_stamp = bytes > stamp && KIWI[bytes - 1] != '.';
        CHECK((read_text(KIWI, bytes) == NULL) == ends_in_stamp);
    }
}

static void as_long_as_a_clients_line_and_no_longer(void)
{
    static char line[COMMAND_AT_BYTES_MAX + 2];
    const char *head = "AT A +0.000000000 ", *tail = " +1+1 100";
    size_t room = LOCATION_TEXT_BYTES_MAX - strlen("IAMAT ");
    size_t id_bytes = room - strlen(tail);
    for (size_t more = 0; more < 2; more++) {
        int bytes = snprintf(line, sizeof line, "%s%*s%s", head, (int)(id_bytes + more), "", tail);
        memset(line + strlen(head), 'x', id_bytes + more);
        const char *why = read_text(line, (size_t)bytes);
        CHECK((why == NULL) == (more == 0));
        CHECK(why == NULL || strcmp(why, "it is too long") == 0);
    }
    memset(line, 'x', sizeof line);
    CHECK(strcmp(read_text(line, COMMAND_AT_BYTES_MAX + 1), "it is too long") == 0);
    /* A name of 63 bytes, and one of 64. */
    for (size_t name = 63; name <= 64; name++) {
        int bytes = snprintf(line, sizeof line, "AT %0*d +0.000000000 x +1+1 100", (int)name, 1);
        CHECK((read_text(line, (size_t)bytes) == NULL) == (name == 63));
    }
}

static const struct check_case cases[] = {
    {"a line is a location", a_line_is_a_location},
    {"good lines are written again as they were", good_lines_are_written_again_as_they_were},
    {"the order is the stamp, but 5 s after the node's time at most",
     the_order_is_the_stamp_but_5_s_after_the_node_at_most},
    {"what is no such line is bad", what_is_no_such_line_is_bad},
    {"prefixes are bad, but for a shorter stamp", prefixes_are_bad_but_for_a_shorter_stamp},
    {"as long as a client's line, and no longer", as_long_as_a_clients_line_and_no_longer},
};

CHECK_MAIN(cases)
