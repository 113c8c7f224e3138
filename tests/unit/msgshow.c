/* What stands in a message, in words: every kind, at the limits, and never a byte that is not safe.
 */
#include "bus/base/msgshow.h"

#include "tests/check.h"

#define ROW(bytes, words, is_integer)                                                              \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, words, is_integer                                                \
    }

static void every_kind_has_words(void)
{
    static const struct {
        const char *bytes;
        size_t count;
        const char *words;
        bool is_integer;
    } rows[] = {
        ROW("", "nothing", false),
        ROW("\x00", "0", true),
        ROW("\xff", "-1", true),
        ROW("\xcd\xea\x60", "60000", true),
        ROW("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615", true),
        ROW("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", "-9223372036854775808", true),
        ROW("\xcb\x40\x41\x08\xd2\xb2\xbf\xdb\x4d", "the float 34.06893", false),
        ROW("\xca\x3f\x00\x00\x00", "the float 0.5", false),
        ROW("\xca\x00\x00\x00\x00", "the float 0", false),
        ROW("\xcb\x43\xf0\x00\x00\x00\x00\x00\x00",
            "the float 1.8446744073709552e+19 (beyond 2^53)", false),
        ROW("\xcb\x7f\xef\xff\xff\xff\xff\xff\xff",
            "the float 1.7976931348623157e+308 (beyond 2^53)", false),
        ROW("\xcb\xc3\x40\x00\x00\x00\x00\x00\x00", "the float -9007199254740992 (beyond 2^53)",
            false),
        ROW("\xcb\x43\x3f\xff\xff\xff\xff\xff\xff", "the float 9007199254740991", false),
        ROW("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "the float nan", false),
        ROW("\xcb\xff\xf0\x00\x00\x00\x00\x00\x00", "the float -inf", false),
        ROW("\xc0", "nil", false),
        ROW("\xc2", "false", false),
        ROW("\xc3", "true", false),
        ROW("\xa3ten", "the text \"ten\"", false),
        ROW("\xa5\x1b[2J\n", "the text \"?[2J?\"", false),
        ROW("\xa3\xc3\xa9\x00", "the text \"???\"", false),
        ROW("\xc4\x03ten", "binary data of 3 bytes", false),
        ROW("\x92\x01\x02", "an array of 2", false),
        ROW("\x81\x01\x02", "a map of 1", false),
        ROW("\xd6\xff\x00\x00\x00\x00", "an extension", false),
        ROW("\xcd\x01", "an object that is cut short", false),
        ROW("\xa3te", "an object that is cut short", false),
        ROW("\x95\x01", "an object that is cut short", false),
        ROW("\xc1", "an object that is cut short", false),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char words[MSGSHOW_BYTES_MAX];
        const char *bytes = check_at_page_end(rows[i].bytes, rows[i].count);
        CHECK_INT(msgshow(msgread_of((struct span){bytes, rows[i].count}), words),
                  rows[i].is_integer);
        CHECK_BYTES(words, strlen(words), rows[i].words, strlen(rows[i].words));
    }
}

static void a_text_is_cut(void)
{
    char bytes[2 + MSGSHOW_TEXT_BYTES_MAX + 1] = "\xd9";
    memset(bytes + 2, 'x', sizeof bytes - 2);
    for (int past = 0; past < 2; past++) {
        char words[MSGSHOW_BYTES_MAX], wanted[MSGSHOW_BYTES_MAX];
        bytes[1] = (char)(MSGSHOW_TEXT_BYTES_MAX + past);
        snprintf(wanted, sizeof wanted, "the text \"%.*s\"%s", MSGSHOW_TEXT_BYTES_MAX, bytes + 2,
                 past ? "..." : "");
        CHECK(!msgshow(msgread_of((struct span){bytes, sizeof bytes}), words));
        CHECK_BYTES(words, strlen(words), wanted, strlen(wanted));
    }
}

/* Any head with anything after it: within its room, and printable. */
static void words_are_safe(void)
{
    static const unsigned char fillings[] = {0x00, 0x01, 0x1b, 0x7f, 0x80, 0xff};
    for (unsigned first = 0; first < 256; first++)
        for (size_t filling = 0; filling < sizeof fillings; filling++)
            for (size_t count = 1; count < 40; count++) {
                char bytes[40], words[MSGSHOW_BYTES_MAX];
                memset(bytes, fillings[filling], sizeof bytes);
                bytes[0] = (char)first;
                msgshow(msgread_of((struct span){bytes, count}), words);
                size_t length = strnlen(words, sizeof words);
                CHECK(length > 0 && length < sizeof words);
                for (size_t i = 0; i < length; i++)
                    CHECK(words[i] >= 0x20 && words[i] <= 0x7e);
            }
}

static const struct check_case cases[] = {
    {"every kind has its words", every_kind_has_words},
    {"a text is cut at its limit", a_text_is_cut},
    {"the words of any bytes are short and printable", words_are_safe},
};

CHECK_MAIN(cases)
