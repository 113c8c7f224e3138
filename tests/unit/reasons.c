/* reasons: each has a word of its own, and what limits and links say has one. */
#include "gateway/text/reasons.h"
#include "tests/check.h"

#include <string.h>

/* A word is lower case letters and _, and none of those before. */
static void check_word(const char *const *words, int count)
{
    const char *word = words[count];
    CHECK(word != NULL && word[0] != '\0');
    CHECK_INT(strspn(word, "abcdefghijklmnopqrstuvwxyz_"), strlen(word));
    for (int i = 0; i < count; i++)
        CHECK(strcmp(words[i], word) != 0);
}

static void each_has_a_word(void)
{
    const char *words[REFUSALS + ENDINGS + PARTINGS];
    for (int i = 0; i < REFUSALS; i++) {
        words[i] = reasons_refusal((enum refusal)i);
        check_word(words, i);
    }
    for (int i = 0; i < ENDINGS; i++) {
        words[i] = reasons_ending((enum ending)i);
        check_word(words, i);
    }
    for (int i = 0; i < PARTINGS; i++) {
        words[i] = reasons_parting((enum parting)i);
        check_word(words, i);
    }
}

static void limits_end_connections(void)
{
    static const struct {
        enum client_limits_reason limit;
        const char *word;
    } rows[] = {
        {CLIENT_LIMITS_LINGERED, "quit"},        {CLIENT_LIMITS_STUCK, "stuck"},
        {CLIENT_LIMITS_LINE_LATE, "late"},       {CLIENT_LIMITS_LINES_FULL, "lines"},
        {CLIENT_LIMITS_REPLIES_FULL, "replies"}, {CLIENT_LIMITS_SILENT, "silent"},
    };
    CHECK_INT(sizeof rows / sizeof *rows, CLIENT_LIMITS_REASONS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK(strcmp(reasons_ending(reasons_of_limit(rows[i].limit)), rows[i].word) == 0);
}

static void links_say_why(void)
{
    static const struct {
        const char *said, *word;
    } rows[] = {
        {"silence", "silence"}, {"goodbye", "goodbye"},          {"restarted", "restarted"},
        {"refused", "refused"}, {"no acknowledgement", "stuck"}, {"no connection", "untaken"},
        {"", "other"},          {"something new", "other"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK(strcmp(reasons_parting(reasons_of_link(rows[i].said)), rows[i].word) == 0);
}

static const struct check_case cases[] = {
    {"each reason has a word, which is no other's of its kind", each_has_a_word},
    {"a limit that ends a connection has its word", limits_end_connections},
    {"what a link says has its word", links_say_why},
};

CHECK_MAIN(cases)
