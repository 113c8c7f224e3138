/* Which locations a selection means. */
#include "bus/table/selection.h"
#include "tests/check.h"

static void a_pattern_has_one_star_and_no_white_space(void)
{
    static const struct {
        const char *text;
        bool is_one;
    } rows[] = {
        {"*", true},    {"truck-*", true}, {"*-7", true},   {"a*b", true},
        {"", false},    {"a", false},      {"a**b", false}, {"*a*", false},
        {"a *", false}, {"*\t", false},    {"\n*", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(selection_is_pattern(span_of(rows[i].text)), rows[i].is_one);
}

static void a_pattern_ends_at_its_limit(void)
{
    char text[SELECTION_PATTERN_BYTES_MAX + 1];
    memset(text, 'x', sizeof text);
    text[7] = '*';
    CHECK(selection_is_pattern((struct span){text, SELECTION_PATTERN_BYTES_MAX}));
    CHECK(!selection_is_pattern((struct span){text, SELECTION_PATTERN_BYTES_MAX + 1}));
}

static void a_star_is_any_bytes_and_none(void)
{
    static const struct {
        const char *pattern, *client;
        bool matches;
    } rows[] = {
        {"*", "kiwi", true},
        {"kiwi*", "kiwi", true},
        {"*kiwi", "kiwi", true},
        {"ki*wi", "kiwi", true},
        {"ki*wi", "kixwi", true},
        {"ki*wi", "ki*wi", true},
        {"k*", "kiwi", true},
        {"k*", "Kiwi", false},
        {"*i", "kiwi", true},
        {"*k", "kiwi", false},
        {"kiwi*", "kiw", false},
        {"aba*aba", "aba", false},
        {"ab*ba", "aba", false},
        {"ab*ba", "abba", true},
        {"a*b",
         "ab\xff"
         "b",
         true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(selection_matches(span_of(rows[i].pattern), span_of(rows[i].client)),
                  rows[i].matches);
}

static bool has(struct selection selection, int64_t order_ns)
{
    struct location location = {.client = span_of("kiwi"),
                                .position = span_of("+1-1"),
                                .stamp = span_of("1"),
                                .origin = span_of("Ada"),
                                .order_ns = order_ns};
    return selection_has(&selection, &location);
}

static void an_empty_selection_means_everybody(void)
{
    CHECK(has(selection_of_all(), 0));
    CHECK(has(selection_of_all(), -5));
    CHECK(has(selection_of_all(), LOCATION_ORDER_NS_MAX));
}

static void order_times_are_between_the_two_and_not_equal_to_them(void)
{
    struct selection selection = selection_of_all();
    selection.after_ns = 100;
    CHECK(!has(selection, 99) && !has(selection, 100) && has(selection, 101));
    selection.before_ns = 200;
    CHECK(has(selection, 199) && !has(selection, 200) && !has(selection, 201));
}

static void every_field_must_be_met(void)
{
    struct selection selection = selection_of_all();
    selection.origin = span_of("Ada");
    CHECK(has(selection, 5));
    selection.origin = span_of("Ad");
    CHECK(!has(selection, 5));
    selection.origin = span_of("Ada");
    selection.pattern = span_of("k*");
    CHECK(has(selection, 5));
    selection.pattern = span_of("p*");
    CHECK(!has(selection, 5));
    selection.pattern = span_of("k*");
    selection.after_ns = 5;
    CHECK(!has(selection, 5));
}

static const struct check_case cases[] = {
    {"a pattern has one star and no white space", a_pattern_has_one_star_and_no_white_space},
    {"a pattern ends at its limit", a_pattern_ends_at_its_limit},
    {"a star is any bytes, and none", a_star_is_any_bytes_and_none},
    {"an empty selection means everybody", an_empty_selection_means_everybody},
    {"order times are between the two, and not equal to them",
     order_times_are_between_the_two_and_not_equal_to_them},
    {"every field must be met", every_field_must_be_met},
};

CHECK_MAIN(cases)
