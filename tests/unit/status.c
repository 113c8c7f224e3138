#include "topology/status.h"
#include "tests/check.h"

static void writes_and_reads_back(void)
{
    char name[STATUS_NAME_BYTES_MAX + 1];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const struct {
        struct status status;
        const char *line;
    } rows[] = {
        {{STATUS_READY, ""}, "ready\n"},
        {{STATUS_LINK_UP, "Hamilton"}, "link Hamilton up\n"},
        {{STATUS_LINK_DOWN, "Hamilton"}, "link Hamilton down\n"},
        {{STATUS_LINK_UP, "up"}, "link up up\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char line[STATUS_LINE_BYTES_MAX];
        struct status back;
        size_t bytes = status_write(&rows[i].status, line);
        CHECK_BYTES(line, bytes, rows[i].line, strlen(rows[i].line));
        CHECK_INT(line[bytes], 0);
        line[bytes - 1] = '\0';
        CHECK(status_read(check_at_page_end(line, bytes), &back));
        CHECK_INT(back.kind, rows[i].status.kind);
        CHECK(strcmp(back.peer, rows[i].status.peer) == 0);
    }
    struct status longest = {STATUS_LINK_DOWN, ""}, back;
    char line[STATUS_LINE_BYTES_MAX];
    strcpy(longest.peer, name);
    size_t bytes = status_write(&longest, line);
    line[bytes - 1] = '\0';
    CHECK(status_read(line, &back));
    CHECK(strcmp(back.peer, name) == 0);
}

static void refuses_other_lines(void)
{
    static const char *const rows[] = {
        "",
        "read",
        "ready ",
        " ready",
        "Ready",
        "ready\r",
        "link",
        "link ",
        "link up",
        "link  up",
        "link A",
        "link A UP",
        "link A upp",
        "link A B up",
        "link A down ",
        "LINK A up",
        "linkA up",
        "ready now",
        "link xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx up",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct status status;
        if (status_read(rows[i], &status))
            printf("    taken: %s\n", rows[i]);
        CHECK(!status_read(check_at_page_end(rows[i], strlen(rows[i]) + 1), &status));
    }
}

static const char talk[] = "hello\nready\n\nlink A up\n"
                           "link B up and a line that is much too long to be one that says how a "
                           "process is, and that must not be kept beyond its limit: 0123456789\n"
                           "link B down\n"
                           "re";

/* Feeds `bytes` in pieces of `piece` and writes down what is understood. */
static void listen_in(const char *bytes, size_t count, size_t piece, char *heard)
{
    struct status_stream stream = {0};
    heard[0] = '\0';
    for (size_t from = 0; from < count; from += piece) {
        size_t size = count - from < piece ? count - from : piece;
        struct span input = {check_at_page_end(bytes + from, size), size};
        struct status status;
        while (status_next(&stream, &input, &status)) {
            char line[STATUS_LINE_BYTES_MAX];
            status_write(&status, line);
            strcat(heard, line);
        }
        CHECK_INT(input.len, 0);
    }
}

static void hears_in_any_pieces(void)
{
    static const char wanted[] = "ready\nlink A up\nlink B down\n";
    char heard[1000];
    for (size_t piece = 1; piece <= sizeof talk; piece++) {
        listen_in(talk, sizeof talk - 1, piece, heard);
        CHECK_BYTES(heard, strlen(heard), wanted, sizeof wanted - 1);
    }
}

static void a_nul_byte_hides_nothing(void)
{
    static const char bytes[] = "ready\0\nlink A up\n";
    char heard[1000];
    listen_in(bytes, sizeof bytes - 1, 4, heard);
    CHECK(strcmp(heard, "link A up\n") == 0);
}

static void lines_end_at_their_limit(void)
{
    char bytes[STATUS_LINE_BYTES_MAX + 16], heard[1000];
    for (size_t count = STATUS_LINE_BYTES_MAX - 2; count <= STATUS_LINE_BYTES_MAX + 1; count++) {
        memset(bytes, 'x', count);
        strcpy(bytes + count, "\nready\n");
        listen_in(bytes, count + 7, 50, heard);
        CHECK(strcmp(heard, "ready\n") == 0);
    }
}

static const struct check_case cases[] = {
    {"a status is read back as it was written", writes_and_reads_back},
    {"no other line is a status", refuses_other_lines},
    {"statuses are heard in any pieces, other lines dropped", hears_in_any_pieces},
    {"a NUL byte makes a line something else", a_nul_byte_hides_nothing},
    {"a line that is too long is dropped to its end", lines_end_at_their_limit},
};

CHECK_MAIN(cases)
