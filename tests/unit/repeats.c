/* Which lines are told, and which only counted. */
#include "placesd/dispatch/repeats.h"

#include "tests/check.h"

static struct repeats repeats;
static struct repeats_before before;

static bool tell(const char *text, int64_t now_ms)
{
    before = (struct repeats_before){99, 99};
    return repeats_tell(&repeats, span_of(text), now_ms, &before);
}

static void each_text_is_told_once_a_minute(void)
{
    repeats = (struct repeats){0};
    CHECK(tell("a", 0));
    CHECK_INT(before.same, 0);
    CHECK_INT(before.others, 0);
    CHECK(!tell("a", 0));
    CHECK(tell("b", 1));
    CHECK(!tell("a", REPEATS_PAUSE_MS - 1));
    CHECK(tell("a", REPEATS_PAUSE_MS));
    CHECK_INT(before.same, 2);
    CHECK(!tell("b", REPEATS_PAUSE_MS));
    CHECK(tell("b", REPEATS_PAUSE_MS + 1));
    CHECK_INT(before.same, 1);
    CHECK(tell("a", 3 * REPEATS_PAUSE_MS));
    CHECK_INT(before.same, 0);
    CHECK(tell("", 3 * REPEATS_PAUSE_MS));
}

static void so_many_texts_have_room(void)
{
    repeats = (struct repeats){0};
    char text[16];
    for (int i = 0; i < REPEATS_TEXTS_MAX + 2; i++) {
        snprintf(text, sizeof text, "text %d", i);
        CHECK_INT(tell(text, i), i < REPEATS_TEXTS_MAX);
    }
    CHECK(!tell("text 0", REPEATS_PAUSE_MS - 1));
    /* The one told longest ago makes room. */
    CHECK(tell("new", REPEATS_PAUSE_MS));
    CHECK_INT(before.same, 0);
    CHECK_INT(before.others, 2);
    CHECK(!tell("newer", REPEATS_PAUSE_MS));
    CHECK(!tell("text 1", REPEATS_PAUSE_MS));
    CHECK(tell("text 0", REPEATS_PAUSE_MS + 1)); /* in the place of "text 1" */
    CHECK_INT(before.same, 0);
    CHECK_INT(before.others, 1);
}

static const struct check_case cases[] = {
    {"each different text is told at once, then once a minute", each_text_is_told_once_a_minute},
    {"32 texts have room within a minute and no more", so_many_texts_have_room},
};

CHECK_MAIN(cases)
