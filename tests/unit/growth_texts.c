/* Which lines are logged, and which only counted. */
#include "bus/base/growth.h"

#include "tests/check.h"

static struct growth_texts texts;
static struct growth_before before;

static bool take(const char *text, int64_t now_ms)
{
    before = (struct growth_before){99, 99};
    return growth_take_text(&texts, span_of(text), now_ms, &before);
}

static void each_text_is_logged_once_a_minute(void)
{
    texts = (struct growth_texts){0};
    CHECK(take("a", 0));
    CHECK_INT(before.same, 0);
    CHECK_INT(before.others, 0);
    CHECK(!take("a", 0));
    CHECK(take("b", 1));
    CHECK(!take("a", GROWTH_TEXT_PAUSE_MS - 1));
    CHECK(take("a", GROWTH_TEXT_PAUSE_MS));
    CHECK_INT(before.same, 2);
    CHECK(!take("b", GROWTH_TEXT_PAUSE_MS));
    CHECK(take("b", GROWTH_TEXT_PAUSE_MS + 1));
    CHECK_INT(before.same, 1);
    CHECK(take("a", 3 * GROWTH_TEXT_PAUSE_MS));
    CHECK_INT(before.same, 0);
    CHECK(take("", 3 * GROWTH_TEXT_PAUSE_MS));
}

static void texts_have_room_up_to_the_limit(void)
{
    texts = (struct growth_texts){0};
    char text[16];
    for (int i = 0; i < GROWTH_TEXTS_MAX + 2; i++) {
        snprintf(text, sizeof text, "text %d", i);
        CHECK_INT(take(text, i), i < GROWTH_TEXTS_MAX);
    }
    CHECK(!take("text 0", GROWTH_TEXT_PAUSE_MS - 1));
    /* The one logged longest ago makes room. */
    CHECK(take("new", GROWTH_TEXT_PAUSE_MS));
    CHECK_INT(before.same, 0);
    CHECK_INT(before.others, 2);
    CHECK(!take("newer", GROWTH_TEXT_PAUSE_MS));
    CHECK(!take("text 1", GROWTH_TEXT_PAUSE_MS));
    CHECK(take("text 0", GROWTH_TEXT_PAUSE_MS + 1)); /* in the place of "text 1" */
    CHECK_INT(before.same, 0);
    CHECK_INT(before.others, 1);
}

static const struct check_case cases[] = {
    {"each different text is logged at once, then once a minute",
     each_text_is_logged_once_a_minute},
    {"32 texts have room within a minute and no more", texts_have_room_up_to_the_limit},
};

CHECK_MAIN(cases)
