/* What one pass says of a text is what a parser says of it. */
#include "bus/base/json_scan.h"

#include <jansson.h>

#include "tests/check.h"
#include "tests/unit/input.h"

static const char *check(const char *bytes, size_t count, struct json_member *members,
                         size_t member_count)
{
    size_t at;
    struct span text = {check_at_page_end(bytes, count), count};
    const char *wrong = json_scan_object(text, members, member_count, &at);
    CHECK(at <= count && (wrong != NULL || at == count));
    return wrong;
}

static bool is_good(const char *text)
{
    return check(text, strlen(text), NULL, 0) == NULL;
}

static void objects_are_good(void)
{
    static const char *const texts[] = {
        "{}",
        " {\r\n\t} \n",
        "{\"a\":1}",
        "{\"a\":[1,-0,0.5,1e9,1E+9,1.25e-3,-12.0],\"b\":{\"c\":[[],{}, [[]]]}}",
        "{\"a\":true,\"b\":false,\"c\":null,\"\":\"\"}",
        "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83d\\ude00\\u00e9\"}",
        "{\"a\":\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \x7f\"}",
        "{\"a\":\"a string of more than sixteen bytes, and one more piece of it\"}",
        "{\"a\":1,\"a\":2}", /* no reader looks for it */
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK(is_good(texts[i]));
        for (size_t part = 0; part + 2 < strlen(texts[i]); part++)
            CHECK(check(texts[i], part, NULL, 0) != NULL);
    }
}

#define ROW(text, wrong, at)                                                                       \
    {                                                                                              \
        text, sizeof(text) - 1, wrong, at                                                          \
    }

static void others_are_named(void)
{
    static const struct {
        const char *text;
        size_t count;
        const char *wrong;
        size_t at;
    } rows[] = {
        ROW("", "no object", 0),
        ROW("[]", "no object", 0),
        ROW("\xef\xbb\xbf{}", "no object", 0),
        ROW("{} x", "bytes behind the object", 3),
        ROW("{}{}", "bytes behind the object", 2),
        ROW("{}\0", "bytes behind the object", 2),
        ROW("{\"a\":NaN}", "no value of JSON", 5),
        ROW("{\"a\":Infinity}", "no value of JSON", 5),
        ROW("{\"a\":-Infinity}", "no value of JSON", 6),
        ROW("{\"a\":01}", "no comma or brace behind a member", 6),
        ROW("{\"a\":1.}", "no value of JSON", 7),
        ROW("{\"a\":.5}", "no value of JSON", 5),
        ROW("{\"a\":+1}", "no value of JSON", 5),
        ROW("{\"a\":1e}", "no value of JSON", 7),
        ROW("{\"a\":0x1}", "no comma or brace behind a member", 6),
        ROW("{\"a\":tru}", "no value of JSON", 5),
        ROW("{\"a\":nul", "no value of JSON", 5),
        ROW("{\"a\":}", "no value of JSON", 5),
        ROW("{\"a\":1,}", "no name of a member", 7),
        ROW("{,}", "no name of a member", 1),
        ROW("{a:1}", "no name of a member", 1),
        ROW("{'a':1}", "no name of a member", 1),
        ROW("{\"a\" 1}", "no colon behind a name", 5),
        ROW("{\"a\":[1,]}", "no value of JSON", 8),
        ROW("{\"a\":[1 2]}", "no comma or bracket behind an element", 8),
        ROW("{\"a\":[1}}", "no comma or bracket behind an element", 7),
        ROW("{\"a\":{\"b\":1,}}", "no name of a member", 12),
        ROW("{\"a\":{\"b\":1]}", "no comma or brace behind a member", 11),
        ROW("{\"a\":1", "no comma or brace behind a member", 6),
        ROW("{\"a\":1 /* x */}", "no comma or brace behind a member", 7),
        ROW("{\"a\":\"\x1f\"}", "a control byte in a string", 6),
        ROW("{\"a\":\"x\ny\"}", "a control byte in a string", 7),
        ROW("{\"a\":\"x\ty\"}", "a control byte in a string", 7),
        ROW("{\"a\":\"\0\"}", "a control byte in a string", 6),
        ROW("{\"a\n\":1}", "a control byte in a string", 3),
        ROW("{\"a\":\"sixteen bytes and a control byte \x1b behind them\"}",
            "a control byte in a string", 39),
        ROW("{\"a\":\"\\u0000\"}", "U+0000 in a string", 12),
        ROW("{\"a\":\"\\x41\"}", "an unknown escape", 7),
        ROW("{\"a\":\"\\u00g0\"}", "an escape without its four digits", 8),
        ROW("{\"a\":\"\\ud83d\"}", "half a character in escapes", 12),
        ROW("{\"a\":\"\\ude00\"}", "half a character in escapes", 12),
        ROW("{\"a\":\"\\ud83d\\u0041\"}", "half a character in escapes", 18),
        ROW("{\"a\":\"\x80\"}", "bytes that are not UTF-8", 6),
        ROW("{\"a\":\"\xc0\xaf\"}", "bytes that are not UTF-8", 6),
        ROW("{\"a\":\"caf\xe9\"}", "bytes that are not UTF-8", 9),
        ROW("{\"a\":\"\xe0\x80\x80\"}", "bytes that are not UTF-8", 6),
        ROW("{\"a\":\"\xed\xa0\x80\"}", "bytes that are not UTF-8", 6),
        ROW("{\"a\":\"\xf4\x90\x80\x80\"}", "bytes that are not UTF-8", 6),
        ROW("{\"a\":\"\xff\"}", "bytes that are not UTF-8", 6),
        ROW("{\"a\":\"\xc3", "bytes that are not UTF-8", 6),
        ROW("{\"a\":\"", "a string that does not end", 6),
        ROW("{\"a\":\"\\", "an unknown escape", 7),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t at;
        struct span text = {check_at_page_end(rows[i].text, rows[i].count), rows[i].count};
        const char *wrong = json_scan_object(text, NULL, 0, &at);
        CHECK(wrong != NULL);
        if (wrong == NULL)
            continue;
        CHECK_BYTES(wrong, strlen(wrong), rows[i].wrong, strlen(rows[i].wrong));
        CHECK_INT(at, rows[i].at);
    }
}

static void nesting_has_a_limit(void)
{
    for (int past = 0; past < 2; past++) {
        char text[2 * JSON_SCAN_DEPTH_MAX + 16] = "{\"a\":";
        size_t inner = JSON_SCAN_DEPTH_MAX - 1 + (size_t)past;
        memset(text + 5, '[', inner);
        memset(text + 5 + inner, ']', inner);
        strcpy(text + 5 + 2 * inner, "}");
        CHECK_INT(is_good(text), past == 0);
    }
}

static void wanted_members_are_found_once(void)
{
    struct json_member members[] = {{.name = "results"}, {.name = "status"}};
    static const char good[] =
        "{\"x\":{\"status\":1},\"r\\u0065sults\" : [1, 2] ,\"status\":\"OK\"}";
    CHECK(check(good, strlen(good), members, 2) == NULL);
    CHECK_BYTES(members[0].value.data, members[0].value.len, "[1, 2]", 6);
    CHECK(json_is_text(members[1].value, "OK"));
    CHECK(!json_is_text(members[1].value, "O") && !json_is_text(members[1].value, "OKE"));
    CHECK(!json_is_text(members[0].value, "1, 2"));

    static const char *const twice[] = {
        "{\"results\":[],\"status\":1,\"results\":[1]}",
        "{\"results\":[],\"status\":1,\"\\u0072esults\":[1]}",
        "{\"status\":1,\"statu\\u0073\":1}",
        "{\"results\":0,\"results\":0}",
    };
    for (size_t i = 0; i < sizeof twice / sizeof *twice; i++) {
        const char *wrong = check(twice[i], strlen(twice[i]), members, 2);
        CHECK(wrong != NULL && strcmp(wrong, "a member that was there before") == 0);
    }
    static const char others[] = "{\"Results\":1,\"result\":1,\"resultss\":1,\"re\\sults\":1}";
    CHECK(check(others, strlen(others), members, 2) != NULL); /* \s is no escape */
    static const char none[] = "{\"Results\":1,\"result\":1,\"resultss\":1,\"re\\u0000sults\":1}";
    CHECK(check(none, strlen(none), members, 2) != NULL);
    static const char near[] = "{\"Results\":1,\"result\":1,\"resultss\":1,\"results\\/\":1}";
    CHECK(check(near, strlen(near), members, 2) == NULL);
    CHECK_INT(members[0].value.len, 0);
}

/* What is taken of an array, each element with ';'. */
static void elements_come_in_their_order(void)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"[]", ""},
        {" [ ] ", ""},
        {"[1]", "1;"},
        {" [ 1.50 , \"a,]\" ,[2,3],{\"b\":[4]} , null ]", "1.50;\"a,]\";[2,3];{\"b\":[4]};null;"},
        {"[", NULL},
        {"[1", NULL},
        {"[1,]", NULL},
        {"[1]]", NULL},
        {"{}", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t bytes = strlen(rows[i].text), at;
        struct span rest = {check_at_page_end(rows[i].text, bytes), bytes}, element;
        const char *wrong = json_scan_array(rest, &at);
        CHECK_INT(wrong == NULL, rows[i].wanted != NULL);
        CHECK(at <= bytes && (wrong != NULL || at == bytes));
        struct buffer out = {0};
        while (wrong == NULL && json_next_element(&rest, &element)) {
            buffer_append(&out, element);
            buffer_append(&out, span_of(";"));
        }
        if (wrong == NULL)
            CHECK_BYTES(out.data, out.len, rows[i].wanted, strlen(rows[i].wanted));
        buffer_free(&out);
    }
    static const char *const names[] = {"no array", "bytes behind the array"};
    size_t at;
    CHECK(strcmp(json_scan_array(span_of("{}"), &at), names[0]) == 0 && at == 0);
    CHECK(strcmp(json_scan_array(span_of("[]x"), &at), names[1]) == 0 && at == 2);
}

static void texts_are_spelled_out(void)
{
    static const struct {
        const char *value, *wanted;
    } rows[] = {
        {"\"\"", ""},
        {"\"plain caf\xc3\xa9\"", "plain caf\xc3\xa9"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\"\\uD800\\uDC00\\udbff\\udfff\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
    };
    char room[32];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t wanted = strlen(rows[i].wanted);
        struct span value = span_of(rows[i].value);
        CHECK_INT(json_text(value, room, sizeof room), wanted);
        CHECK_BYTES(room, wanted, rows[i].wanted, wanted);
        CHECK_INT(json_text(value, room, wanted), wanted);
        CHECK(wanted == 0 || json_text(value, room, wanted - 1) == SIZE_MAX);
    }
    CHECK(json_text(span_of("12"), room, sizeof room) == SIZE_MAX);
    CHECK(json_text((struct span){0}, room, sizeof room) == SIZE_MAX);
}

/* Changes of good texts, by bytes that mean something in JSON: both judge alike. */
static void a_parser_agrees(void)
{
    static const char *const seeds[] = {
        "{\"html_attributions\":[],\"results\":[{\"name\":\"caf\xc3\xa9\",\"at\":[1.5,-2e3]}],"
        "\"status\":\"OK\"}",
        "{ \"a\" : { \"b\" : [ true , false , null , \"\\u00e9\\n\\ud83d\\ude00\" ] } , \"c\" : "
        "-0.0 }",
        "{\"a\":[[[{}]]],\"b\":\"\xf0\x9f\x98\x80 sixteen bytes and more of a string\",\"c\":0}",
    };
    static const char bytes[] = "{}[],:\"\\u0019eE+-. \n\ttfn/\x80\xc3\xa9\xe2\xff\x1b";
    uint64_t state = 5;
    unsigned good = 0, bad = 0;
    for (unsigned round = 0; round < 60000; round++) {
        char text[160];
        size_t count = strlen(seeds[round % 3]);
        memcpy(text, seeds[round % 3], count);
        for (uint64_t changes = input_draw(&state) % 3 + 1; changes > 0; changes--) {
            size_t at = input_draw(&state) % count;
            if (input_draw(&state) % 3 == 0)
                memmove(text + at, text + at + 1, --count - at);
            else
                text[at] = bytes[input_draw(&state) % (sizeof bytes - 1)];
        }
        json_error_t error;
        json_t *root = json_loadb(text, count, JSON_DECODE_INT_AS_REAL, &error);
        if (root == NULL && json_error_code(&error) == json_error_numeric_overflow)
            continue; /* a number for JSON, too large for this parser */
        size_t at;
        bool is_good = json_scan_object((struct span){text, count}, NULL, 0, &at) == NULL;
        CHECK_INT(is_good, json_is_object(root));
        good += is_good;
        bad += !is_good;
        json_decref(root);
    }
    CHECK(good > 1000 && bad > 1000);
}

static const struct check_case cases[] = {
    {"strict objects are good, and no part of one is", objects_are_good},
    {"every other text hears what is wrong, and where", others_are_named},
    {"a hundred levels are taken and one more is not", nesting_has_a_limit},
    {"wanted members are found, and refused twice, however spelled", wanted_members_are_found_once},
    {"the elements of an array come one after the other", elements_come_in_their_order},
    {"a text is its characters, however they are spelled", texts_are_spelled_out},
    {"a parser agrees about sixty thousand changed texts", a_parser_agrees},
};

CHECK_MAIN(cases)
