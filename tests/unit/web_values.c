/* The values that requests of phones are made of: numbers and times, which stay digits, and the
 * fields of forms. */
#include <assert.h>
#include <stdint.h>

#include "gateway/web/parse/form.h"
#include "gateway/web/parse/moment.h"
#include "gateway/web/parse/number.h"
#include "gateway/web/parse/target.h"
#include "tests/check.h"
#include "tests/unit/input.h"

static struct span at_page_end(const char *text)
{
    size_t bytes = strlen(text);
    return (struct span){check_at_page_end(text, bytes), bytes};
}

struct pair {
    const char *text, *wanted; /* NULL: refused */
};

static void check_pair(const struct pair *pair, bool is_taken, const struct buffer *out)
{
    CHECK_INT(is_taken, pair->wanted != NULL);
    struct span wanted = pair->wanted == NULL ? (struct span){0} : span_of(pair->wanted);
    CHECK_BYTES(out->data, out->len, wanted.data, wanted.len);
    if (is_taken != (pair->wanted != NULL))
        printf("    %s\n", pair->text);
}

static void numbers_keep_their_digits(void)
{
    static const struct pair pairs[] = {
        {"0", "+0"},
        {"-0.0", "-0.0"},
        {"+7", "+7"},
        {"007.50", "+007.50"},
        {"-118.4451270000000000000000000001", "-118.4451270000000000000000000001"},
        {"4.0E-4", "+0.00040"},
        {"-9.0E-5", "-0.000090"},
        {"1e0", "+1"},
        {"1e2", "+100"},
        {"1.5e1", "+15"},
        {"1.50e1", "+15.0"},
        {"1.5E+003", "+1500"},
        {"0.0515e3", "+51.5"},
        {"000.5e1", "+5"},
        {"12.5e-1", "+1.25"},
        {"12.5e-2", "+0.125"},
        {"12.5e-3", "+0.0125"},
        {"0e5", "+0"},
        {"0.00e1", "+0.0"},
        {"-0E-2", "-0.00"},
        {"", NULL},
        {"+", NULL},
        {"-", NULL},
        {".5", NULL},
        {"5.", NULL},
        {"5.e1", NULL},
        {"1e", NULL},
        {"1e+", NULL},
        {"1e1000", NULL},
        {"1e0001", NULL},
        {"1e1.0", NULL},
        {"--1", NULL},
        {" 1", NULL},
        {"1 ", NULL},
        {"1,5", NULL},
        {"0x10", NULL},
        {"NaN", NULL},
        {"inf", NULL},
        {"5d", NULL},
        {"1_0", NULL},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct buffer out = {0};
        check_pair(&pairs[i], number_put(&out, at_page_end(pairs[i].text)), &out);
        buffer_free(&out);
    }
}

static void numbers_have_a_limit(void)
{
    static char text[NUMBER_BYTES_MAX + 8] = "0.";
    memset(text + 2, '1', NUMBER_BYTES_MAX);
    struct buffer out = {0};
    CHECK(number_put(&out, (struct span){text, NUMBER_BYTES_MAX}));
    CHECK_INT(out.len, NUMBER_BYTES_MAX + 1);
    CHECK(!number_put(&out, (struct span){text, NUMBER_BYTES_MAX + 1}));
    /* The longest that comes out. */
    for (int sign = 0; sign < 2; sign++) {
        out.len = 0;
        memset(text, '9', NUMBER_BYTES_MAX);
        memcpy(text + NUMBER_BYTES_MAX - 5, sign == 0 ? "e+999" : "e-999", 5);
        CHECK(number_put(&out, (struct span){text, NUMBER_BYTES_MAX}));
        CHECK(out.len <= NUMBER_EXPANDED_BYTES_MAX);
    }
    buffer_free(&out);
}

static void zero_is_known_in_any_spelling(void)
{
    static const char *const zeros[] = {"0", "-0", "0.000", "0E9", "+00.0e-9"};
    static const char *const others[] = {"1", "0.01", "1e-999", "", "x", "0x"};
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++)
        CHECK(number_is_zero(at_page_end(zeros[i])));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK(!number_is_zero(at_page_end(others[i])));
}

static void hold_moments(enum moment_form form, const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buffer out = {0};
        check_pair(&pairs[i], moment_put(&out, at_page_end(pairs[i].text), form), &out);
        buffer_free(&out);
    }
}

static void times_are_told_apart_by_their_digits(void)
{
    static const struct pair pairs[] = {
        {"0", "0"},
        {"0012.50", "0012.50"},
        {"9999999999", "9999999999"},
        {"99999999999.5", "99999999999.5"},
        {"100000000000", "100000000.000"},
        {"1795946404123", "1795946404.123"},
        {"1795946404123.45", "1795946404.12345"},
        {"99999999999999", "99999999999.999"},
        {"100000000000000", NULL},
        {"", NULL},
        {"-1", NULL},
        {"+1", NULL},
        {".5", NULL},
        {"5.", NULL},
        {"1e9", NULL},
        {"1,5", NULL},
        {"1.5.", NULL},
    };
    hold_moments(MOMENT_STAMP, pairs, sizeof pairs / sizeof *pairs);
}

static void dates_need_a_zone(void)
{
    static const struct pair pairs[] = {
        {"1970-01-01T00:00:00Z", "0"},
        {"2026-11-29T10:00:00Z", "1795946400"},
        {"2026-11-29t10:00:02.250z", "1795946402.250"},
        {"2026-11-29T12:00:00+02:00", "1795946400"},
        {"2026-11-29T12:00:00+0200", "1795946400"},
        {"2026-11-29T12:00:00+02", "1795946400"},
        {"2026-11-28T23:30:00-10:30", "1795946400"},
        {"2000-02-29T23:59:59Z", "951868799"},
        {"2024-02-29T00:00:00Z", "1709164800"},
        {"2100-03-01T00:00:00Z", "4107542400"},
        {"9999-12-31T23:59:59Z", "253402300799"},
        {"2100-02-29T00:00:00Z", NULL},
        {"2026-02-29T00:00:00Z", NULL},
        {"2026-11-31T00:00:00Z", NULL},
        {"2026-13-01T00:00:00Z", NULL},
        {"2026-00-01T00:00:00Z", NULL},
        {"2026-11-00T00:00:00Z", NULL},
        {"2026-11-29T24:00:00Z", NULL},
        {"2026-11-29T10:60:00Z", NULL},
        {"2026-11-29T10:00:60Z", NULL},
        {"1969-12-31T23:59:59Z", NULL},
        {"1970-01-01T00:00:00+00:01", NULL},
        {"2026-11-29T10:00:00", NULL},
        {"2026-11-29T10:00Z", NULL},
        {"2026-11-29 10:00:00Z", NULL},
        {"2026-11-29T10:00:00.Z", NULL},
        {"2026-11-29T10:00:00,5Z", NULL},
        {"2026-11-29T10:00:00+02:", NULL},
        {"2026-11-29T10:00:00+2", NULL},
        {"2026-11-29T10:00:00+24:00", NULL},
        {"2026-11-29T10:00:00+02:60", NULL},
        {"2026-11-29T10:00:00Z ", NULL},
        {"26-11-29T10:00:00Z", NULL},
    };
    hold_moments(MOMENT_STAMP, pairs, sizeof pairs / sizeof *pairs);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct buffer out = {0};
        for (size_t bytes = 0; bytes < strlen(pairs[i].text); bytes++) {
            char part[64] = "";
            memcpy(part, pairs[i].text, bytes);
            bool is_number = strspn(part, "0123456789") == bytes && bytes > 0;
            /* "+02" and "+0200" are zones, too, and their parts dates. */
            if (strchr(part, '+') == NULL && strchr(part + (bytes > 10 ? 10 : 0), '-') == NULL &&
                (bytes == 0 || (part[bytes - 1] | 0x20) != 'z'))
                CHECK_INT(moment_put(&out, at_page_end(part), MOMENT_STAMP), is_number);
        }
        buffer_free(&out);
    }
}

static void small_tst_count_from_2001(void)
{
    static const struct pair pairs[] = {
        {"0", "978307200"},
        {"817639200", "1795946400"},
        {"0817639200.50", "1795946400.50"},
        {"1262303999", "2240611199"},
        {"1262304000", "1262304000"},
        {"1795946404123", "1795946404.123"},
        {"000000000001", "000000000.001"}, /* milliseconds are */
        {"2001-01-01T00:00:00Z", "978307200"},
    };
    hold_moments(MOMENT_TST, pairs, sizeof pairs / sizeof *pairs);
}

static void seconds_may_have_any_number_of_digits(void)
{
    static const struct pair pairs[] = {
        {"0012.50", "0012.50"},
        {"1795946404123", "1795946404123"},
        {"123456789012345678901234567890.5", "123456789012345678901234567890.5"},
        {"2026-11-29T10:00:00Z", NULL},
        {"1e9", NULL},
        {"-1", NULL},
    };
    hold_moments(MOMENT_SECONDS, pairs, sizeof pairs / sizeof *pairs);
    static char text[MOMENT_BYTES_MAX + 1];
    memset(text, '1', sizeof text);
    struct buffer out = {0};
    CHECK(moment_put(&out, (struct span){text, MOMENT_BYTES_MAX}, MOMENT_SECONDS));
    CHECK(!moment_put(&out, (struct span){text, MOMENT_BYTES_MAX + 1}, MOMENT_SECONDS));
    buffer_free(&out);
}

static void check_field(const struct form_field *field, const char *wanted)
{
    char room[64];
    CHECK_INT(field->value.data != NULL, wanted != NULL);
    if (wanted == NULL || field->value.data == NULL)
        return;
    size_t bytes = form_text(field->value, room, sizeof room);
    CHECK(bytes <= sizeof room);
    CHECK_BYTES(room, bytes, wanted, strlen(wanted));
}

static void fields_are_found(void)
{
    static const struct {
        const char *text, *id, *lat;
    } rows[] = {
        {"id=a&lat=b", "a", "b"},
        {"&&lat=b=c&x&", NULL, "b=c"},
        {"id", "", NULL},
        {"id=&lat", "", ""},
        {"%69d=%61+%2b&l%41t=x", "a +", NULL},
        {"ID=a&i=b&idd=c&=d&%=e&i%6=f&%zzd=g", NULL, NULL},
        {"id=1&other=%zz&lat=2", "1", "2"},
        {"", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct form_field fields[] = {{.name = "id"}, {.name = "lat"}};
        CHECK(form_find(at_page_end(rows[i].text), fields, 2) == NULL);
        check_field(&fields[0], rows[i].id);
        check_field(&fields[1], rows[i].lat);
    }
}

static void a_field_given_twice_is_named(void)
{
    static const char *const texts[] = {"lat=1&id=a&id=b", "lat=1&id=a&id=a", "id&id",
                                        "id=a&i%64=b"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct form_field fields[] = {{.name = "lat"}, {.name = "id"}};
        CHECK(form_find(at_page_end(texts[i]), fields, 2) == &fields[1]);
    }
    struct form_field unasked[] = {{.name = "lat"}};
    CHECK(form_find(at_page_end(texts[0]), unasked, 1) == NULL);
}

static void wrong_escapes_and_long_values_are_refused(void)
{
    static const char *const texts[] = {"%", "%4", "a%4", "%4g", "%g4", "%%41", "12345"};
    char room[4];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CHECK(form_text(at_page_end(texts[i]), room, sizeof room) == SIZE_MAX);
    CHECK_INT(form_text(at_page_end("%31%32%33%34"), room, sizeof room), 4);
    CHECK_INT(form_text(at_page_end(""), room, 0), 0);
}

/* ---- where a request goes ---- */

static void targets_are_a_path_and_a_query(void)
{
    static const struct {
        const char *sent, *path, *query;
    } rows[] = {
        {"/nearby?id=a?b", "/nearby", "id=a?b"},
        {"/nearby?", "/nearby", ""},
        {"/", "/", ""},
        {"", "/", ""},
        {"?a", "/", "a"},
        {"*", "*", ""},
        {"http://x/nearby?id=a", "/nearby", "id=a"},
        {"HTTPS://x:8000//nearby", "//nearby", ""},
        {"http://x?id=/a", "/", "id=/a"},
        {"http://x", "/", ""},
        {"http:///x", "/x", ""},
        {"http:/", "http:/", ""},
        {"http://", "/", ""},
        {"/http://x/y", "/http://x/y", ""},
        {"ftp://x/y", "ftp://x/y", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct target target = target_read(at_page_end(rows[i].sent));
        CHECK_BYTES(target.path.data, target.path.len, rows[i].path, strlen(rows[i].path));
        CHECK_BYTES(target.query.data, target.query.len, rows[i].query, strlen(rows[i].query));
    }
}

static void a_path_spells_a_text_or_nothing(void)
{
    static const char longest[] = "/23456789012345678901234567890123456789012345678901234567890123";
    static const struct {
        const char *path, *text;
    } rows[] = {
        {"/", "/"},         {"/m%61p/x+y", "/map/x+y"},
        {"/map%", ""},      {"/map%2", ""},
        {"/map%zz", ""},    {"/map%00", ""},
        {"/map%00/x", ""},  {"/%c3%bc", "/\xc3\xbc"},
        {longest, longest},
    };
    char text[TARGET_PATH_BYTES_MAX], more[sizeof longest + 1];
    static_assert(sizeof longest == TARGET_PATH_BYTES_MAX, "it is the longest");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        target_spell(at_page_end(rows[i].path), text);
        CHECK_BYTES(text, strlen(text), rows[i].text, strlen(rows[i].text));
    }
    snprintf(more, sizeof more, "%s4", longest);
    target_spell(at_page_end(more), text);
    CHECK_BYTES(text, strlen(text), "", 0);
}

static const struct check_case cases[] = {
    {"numbers keep their digits, and exponents move the point", numbers_keep_their_digits},
    {"a number may have a thousand bytes, and no more", numbers_have_a_limit},
    {"zero is known in any spelling", zero_is_known_in_any_spelling},
    {"times are told apart by their digits alone", times_are_told_apart_by_their_digits},
    {"a date needs a zone, and is a day that was or will be", dates_need_a_zone},
    {"a small tst counts from 2001", small_tst_count_from_2001},
    {"seconds may have any number of digits, up to a limit", seconds_may_have_any_number_of_digits},
    {"fields are found by name, however it is spelled", fields_are_found},
    {"a wanted field that is there twice is named", a_field_given_twice_is_named},
    {"an escape that is none, and a value too long, are refused",
     wrong_escapes_and_long_values_are_refused},
    {"a target is a path and a query, perhaps after an address", targets_are_a_path_and_a_query},
    {"a path spells a text or nothing", a_path_spells_a_text_or_nothing},
};
CHECK_MAIN(cases)
