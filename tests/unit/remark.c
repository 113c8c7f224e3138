/* A provider's own words, as the operator's log shows them. */
#include "placesd/providers/outcome.h"

#include "tests/check.h"

#define KEY "EXAMPLE-KEY-0001"

static const struct lookup here = {34068930000, -118445127000, 1500, 20, 4000};

static void expect_about(const struct lookup *lookup, struct span body, const char *wanted)
{
    struct buffer out = {0};
    buffer_append(&out, span_of(">"));
    outcome_remark((struct span){check_at_page_end(body.data, body.len), body.len}, lookup,
                   span_of(KEY), &out);
    CHECK_BYTES(out.data + 1, out.len - 1, wanted, strlen(wanted));
    buffer_free(&out);
}

static void expect(const char *body, const char *wanted)
{
    expect_about(&here, span_of(body), wanted);
}

static void finds_each_providers_words(void)
{
    expect("{\"html_attributions\":[],\"results\":[],\"status\":\"REQUEST_DENIED\","
           "\"error_message\":\"This server at 192.0.2.77 may not use project 123456789.\"}",
           "This server at 192.0.2.77 may not use project 123456789.");
    expect("{\"error\":{\"code\":403,\"message\":\"Blocked.\",\"status\":\"PERMISSION_DENIED\"}}",
           "Blocked.");
    expect("{\"error\":\"no such thing\"}", "no such thing");
    expect("{\"elements\":[],\"remark\":\"runtime error: out of memory\"}",
           "runtime error: out of memory");
    expect("{\"message\":\"missing search term 'q'\"}", "missing search term 'q'");
    expect("<?xml version=\"1.0\"?>\n<html>\n <head><title>502 Bad\tGateway</title></head>\n"
           "<body><h1>Bad<br>Gateway</h1>\r\n<p>nginx</p></body></html>\n",
           "502 Bad Gateway Bad Gateway nginx");
    expect("  upstream connect\n error ", "upstream connect error");
}

static void says_nothing_where_there_is_nothing(void)
{
    static const char *const bodies[] = {
        "",
        " \n",
        "{}",
        "{\"error\":{}}",
        "{\"error_message\":\"\"}",
        "{\"message\":7}",
        "<html></html>",
        "<html",
        "[\"secret place\"]",
        "{\"results\":[{\"name\":\"A\"}],",
        " {\"results\":[{\"message\":\"A\"}]}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        expect(bodies[i], "");
}

static void hides_key_and_place(void)
{
    expect("{\"message\":\"key " KEY
           ", \\u0045XAMPLE-KEY-0001, EXEXAMPLE-KEY-0001AMPLE-KEY-0001\"}",
           "key ***, ***, EX***AMPLE-KEY-0001");
    expect("{\"remark\":\"around:1500,34.06893,-118.445127 or 34.0689 or 118.4451270\"}",
           "around:1500,***,-*** or *** or ***");
    struct lookup other = {34000000000, -118500000000, 1500, 20, 4000};
    expect_about(&other, span_of("{\"remark\":\"34 118.5 118.50000 118.4\"}"), "34 *** *** 118.4");
}

static void is_one_printable_line(void)
{
    expect("{\"message\":\"a\\n\\r\\t\\u001b[31m\\u007f\\u009b \\\\ \xc3\xa9\"}",
           "a\\x0a\\x0d\\x09\\x1b[31m\\x7f\\xc2\\x9b \\\\ \\xc3\\xa9");
    expect_about(&here, (struct span){"x\0y\xff", 4}, "x\\x00y\\xff");
}

static void is_cut_at_its_limit(void)
{
    static const char *const tails[] = {"", "z", "\\n"};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        for (size_t bytes = OUTCOME_REMARK_BYTES_MAX - 8; bytes <= OUTCOME_REMARK_BYTES_MAX + 8;
             bytes++) {
            char body[OUTCOME_REMARK_BYTES_MAX + 100];
            snprintf(body, sizeof body, "{\"message\":\"%0*d%s\"}", (int)bytes, 0, tails[i]);
            struct buffer out = {0};
            outcome_remark(span_of(body), &here, span_of(""), &out);
            size_t whole = bytes + (i == 1 ? 1 : i == 2 ? 4 : 0);
            CHECK(out.len <= OUTCOME_REMARK_BYTES_MAX);
            bool is_cut = memcmp(out.data + out.len - 4, "\\...", 4) == 0;
            CHECK_INT(is_cut, whole > OUTCOME_REMARK_BYTES_MAX - 4);
            if (!is_cut)
                CHECK_INT(out.len, whole);
            buffer_free(&out);
        }
    }
}

static const struct check_case cases[] = {
    {"each provider's words are found", finds_each_providers_words},
    {"a good answer, or half of one, has no words", says_nothing_where_there_is_nothing},
    {"neither key nor place is shown", hides_key_and_place},
    {"control bytes are escaped", is_one_printable_line},
    {"a long one is cut, and says so", is_cut_at_its_limit},
};

CHECK_MAIN(cases)
