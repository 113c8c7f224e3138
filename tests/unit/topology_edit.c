#include "tests/check.h"
#include "topology/format/sections.h"

static void keys_are_written_where_they_belong(void)
{
    static const struct {
        const char *text;
        uint32_t section;
        const char *wanted;
    } rows[] = {
        /* after the last line that says something, before blank lines and comments */
        {"herd\n    name = a\n\n# node\nnode\n    name = b\n", 1,
         "herd\n    name = a\n    k = v\n\n# node\nnode\n    name = b\n"},
        {"herd\n    name = a\n\n# node\nnode\n    name = b\n", 5,
         "herd\n    name = a\n\n# node\nnode\n    name = b\n    k = v\n"},
        {"herd\n    name = a\n    # said\n    x = y # z\n\n", 1,
         "herd\n    name = a\n    # said\n    x = y # z\n    k = v\n\n"},
        /* at the end of a file without its last newline, and in an empty section */
        {"herd\n    name = a", 1, "herd\n    name = a\n    k = v\n"},
        {"herd", 1, "herd\n    k = v\n"},
        {"herd\nnode\n", 1, "herd\n    k = v\nnode\n"},
        /* in place of what was there */
        {"herd\n    k = old # why\n    name = a\n", 1, "herd\n    k = v\n    name = a\n"},
        {"herd\n    k=old\n    name = a\n", 1, "herd\n    k = v\n    name = a\n"},
        {"herd\n    name = a\n    k = old", 1, "herd\n    name = a\n    k = v\n"},
        {"herd\n    k = one\n    k = two\n", 1, "herd\n    k = v\n    k = two\n"},
        /* but not another key, a comment, or another section's */
        {"herd\n    key = old\n    ak = x\n    # k = z\n", 1,
         "herd\n    key = old\n    ak = x\n    k = v\n    # k = z\n"},
        {"herd\nnode\n    k = old\n", 1, "herd\n    k = v\nnode\n    k = old\n"},
        /* line ends are the file's */
        {"herd\r\n    name = a\r\nnode\r\n", 1, "herd\r\n    name = a\r\n    k = v\r\nnode\r\n"},
        {"herd\r\n    k = a\r\nnode\r\n", 1, "herd\r\n    k = v\r\nnode\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer text = {0};
        buffer_append(&text, span_of(rows[i].text));
        topology_sections_set(&text, rows[i].section, "k", "v");
        CHECK_BYTES(text.data, text.len, rows[i].wanted, strlen(rows[i].wanted));
        buffer_free(&text);
    }
}

static void sections_are_taken_out(void)
{
    static const struct {
        const char *text;
        uint32_t section;
        const char *wanted;
    } rows[] = {
        {"herd\n    name = a\n\n# node\nnode\n    name = b\n", 1, "\n# node\nnode\n    name = b\n"},
        {"herd\n    name = a\n\n# node\nnode\n    name = b\n", 5, "herd\n    name = a\n\n# node\n"},
        /* comments within it, and not behind it */
        {"herd\n# in\n    # in\n\n    name = a\n    # behind\n", 1, "    # behind\n"},
        {"herd\nnode", 1, "node"},
        {"herd\nnode", 2, "herd\n"},
        {"herd\r\n    a = b\r\nnode\r\n", 1, "node\r\n"},
        {"herd", 1, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer text = {0};
        buffer_append(&text, span_of(rows[i].text));
        topology_sections_remove(&text, rows[i].section);
        CHECK_BYTES(text.data, text.len, rows[i].wanted, strlen(rows[i].wanted));
        buffer_free(&text);
    }
}

static void no_prefix_of_a_file_breaks_it(void)
{
    static const char whole[] = "herd\n    name = a\n\n  # x\n    k = v\nnode\n    name = b\n";
    for (size_t bytes = 1; bytes < sizeof whole; bytes++) {
        char *end = check_at_page_end(whole, bytes);
        struct buffer text = {0};
        buffer_append(&text, (struct span){end, bytes});
        topology_sections_set(&text, 1, "k", "v");
        CHECK(memmem(text.data, text.len, "\n    k = v\n", 11) != NULL);
        topology_sections_remove(&text, 1);
        CHECK(text.len == 0 || memmem(text.data, text.len, "herd", 4) == NULL);
        buffer_free(&text);
    }
}

static const struct check_case cases[] = {
    {"keys are written where they belong", keys_are_written_where_they_belong},
    {"sections are taken out", sections_are_taken_out},
    {"no prefix of a file breaks it", no_prefix_of_a_file_breaks_it},
};

CHECK_MAIN(cases)
