/* JSON texts as bytes: what is left out, what is spelled another way, and how deep they are. */
#include "bus/base/json_text.h"

#include <jansson.h>

#include "tests/check.h"
#include "tests/unit/input.h"

#define GENERATED_TEXTS 20000

static void tidy(struct span text, struct buffer *out)
{
    out->len = 0;
    json_text_tidy((struct span){check_at_page_end(text.data, text.len), text.len}, out);
}

static void expect(struct span text, struct span wanted)
{
    struct buffer out = {0};
    tidy(text, &out);
    CHECK_BYTES(out.data, out.len, wanted.data, wanted.len);
    CHECK(out.len <= out.capacity);
    buffer_free(&out);
}

static void leaves_out_blank_lines(void)
{
    static const struct {
        const char *text, *wanted;
    } table[] = {
        {"", ""},
        {"{}", "{}"},
        {"{\n}\n", "{\n}\n"},
        {"{\n\n\n}", "{\n}"},
        {"\n\n {}\n\n", " {}\n"},
        {"{ \n \n\t\n}", "{ \n}"},
        {"{\r\n\r\n  1,\r\n \t\r\n}\r\n", "{\r\n  1,\r\n}\r\n"},
        {"{\r\r}\r", "{\r}\r"},       /* CR alone ends a line, too */
        {"{\n\r}", "{\n}"},           /* and so this is an empty one */
        {"{\r\n\n\r\n\r}", "{\r\n}"}, /* whatever the ends are */
        {"{\n\v\n\f \n}", "{\n}"},    /* white space, though not JSON's */
        {"{\n  ", "{\n"},             /* a last line without an end */
        {"{\n  }", "{\n  }"},         /* is one like any other */
        {" \t\r\n", ""},              /* nothing else at all */
        {"[\"a\\n\\n\\r\\r\"]", "[\"a\\n\\n\\r\\r\"]"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect(span_of(table[i].text), span_of(table[i].wanted));
}

static void spells_control_characters(void)
{
    for (unsigned code = 0x7f; code <= 0xa0; code++) {
        char text[16], wanted[16];
        if (code == 0x7f)
            snprintf(text, sizeof text,
                     "[\"a\x7f"
                     "b\"]");
        else
            snprintf(text, sizeof text, "[\"a\xc2%cb\"]", (int)code);
        snprintf(wanted, sizeof wanted, "[\"a\\u%04xb\"]", code);
        expect(span_of(text), span_of(code == 0xa0 ? text : wanted));
        json_t *before = json_loads(text, 0, NULL), *after = json_loads(wanted, 0, NULL);
        CHECK(before != NULL && json_equal(before, after));
        json_decref(before);
        json_decref(after);
    }
    /* Letters that hold such a byte, and half a character at the end. */
    static const char *const kept[] = {"[\"\xc3\x9f \xc2\xa9 \xe2\x80\x9b \xf0\x9f\x82\x85\"]",
                                       "\xc2", "\xc2\xc2", "[\"\xc2\""};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        expect(span_of(kept[i]), span_of(kept[i]));
    expect(span_of("\xc2\xc2\x80\x80"), span_of("\xc2\\u0080\x80"));
    /* The room reserved must do where nothing but such characters comes, and enough of them that
     * five bytes for each would have been reserved as 32 KiB. */
    char many[5500], spelled[6 * sizeof many];
    memset(many, 0x7f, sizeof many);
    for (size_t i = 0; i < sizeof many; i++)
        memcpy(spelled + 6 * i, "\\u007f", 6);
    expect((struct span){many, sizeof many}, (struct span){spelled, sizeof spelled});
}

static bool is_line_end(char byte)
{
    return byte == '\n' || byte == '\r';
}

/* Whether some line holds nothing to be seen; the very end is no line. */
static bool has_blank_line(struct span text)
{
    bool seen = false;
    for (size_t i = 0; i < text.len; i++) {
        seen = seen || strchr(" \t\r\n\v\f", text.data[i]) == NULL || text.data[i] == '\0';
        bool is_pair = text.data[i] == '\r' && i + 1 < text.len && text.data[i + 1] == '\n';
        if (!is_line_end(text.data[i]) || is_pair)
            continue;
        if (!seen)
            return true;
        seen = false;
    }
    return text.len > 0 && !is_line_end(text.data[text.len - 1]) && !seen;
}

/* Whatever stands between the tokens, the text means the same afterwards, a second time changes
 * nothing, and no blank line remains. */
static void any_white_space_may_stand_between(void)
{
    static const char *const tokens[] = {"{", "\"a\"", ":",     "[", "1", ",", "\"\xc2\x85\x7f\"",
                                         "]", ",",     "\"b\"", ":", "{", "}", "}"};
    uint64_t state = 3;
    struct buffer text = {0}, once = {0}, twice = {0};
    for (int round = 0; round < GENERATED_TEXTS; round++) {
        text.len = 0;
        for (size_t i = 0; i <= sizeof tokens / sizeof *tokens; i++) {
            for (uint64_t more = input_draw(&state) % 4; more > 0; more--)
                buffer_append(&text, (struct span){&" \t\r\n"[input_draw(&state) % 4], 1});
            if (i < sizeof tokens / sizeof *tokens)
                buffer_append(&text, span_of(tokens[i]));
        }
        once.len = twice.len = 0;
        json_text_tidy((struct span){text.data, text.len}, &once);
        json_text_tidy((struct span){once.data, once.len}, &twice);
        CHECK(!has_blank_line((struct span){once.data, once.len}));
        CHECK_BYTES(twice.data, twice.len, once.data, once.len);
        json_t *before = json_loadb(text.data, text.len, 0, NULL);
        json_t *after = json_loadb(once.data, once.len, 0, NULL);
        CHECK(before != NULL && json_equal(before, after));
        json_decref(before);
        json_decref(after);
    }
    buffer_free(&text);
    buffer_free(&once);
    buffer_free(&twice);
}

static void tells_depth(void)
{
    static const struct {
        const char *text;
        size_t depth;
    } table[] = {
        {"", 0},
        {"1", 0},
        {"\"[[[\"", 0},
        {"[]", 1},
        {"{}", 1},
        {"[[],[[]],[]]", 3},
        {"{\"a\":[{}]}", 3},
        {"[\"\\\"[[\",[]]", 2},
        {"[\"\\\\\",[]]", 2},
        {"]]]][", 1},
        {"[\"", 1},
        {"[\"\\", 1},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t bytes = strlen(table[i].text);
        CHECK_INT(json_text_depth((struct span){check_at_page_end(table[i].text, bytes), bytes}),
                  table[i].depth);
    }
}

static const struct check_case cases[] = {
    {"blank lines are left out, other lines keep their ends", leaves_out_blank_lines},
    {"DEL and U+0080 to U+009F are spelled, nothing else is", spells_control_characters},
    {"20000 texts mean the same afterwards and have no blank line",
     any_white_space_may_stand_between},
    {"strings do not count for the depth", tells_depth},
};

CHECK_MAIN(cases)
