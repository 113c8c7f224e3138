/* telling: who is told next, and how long lines are gathered. */
#include "gateway/text/telling.h"

#include "tests/check.h"

#define MANY 2000

static struct telling telling;
static struct telling_session all[MANY];

/* So many connections that watch. */
static void fresh(int watching)
{
    telling_init(&telling);
    for (int i = 0; i < MANY; i++) {
        all[i] = (struct telling_session){0};
        telling_follow(&telling, &all[i], i < watching);
    }
}

static int next(int64_t now_ms)
{
    struct telling_session *found = telling_next(&telling, now_ms);
    return found == NULL ? -1 : (int)(found - all);
}

static void the_first_come_is_told_first(void)
{
    fresh(3);
    CHECK_INT(next(1000), -1);
    CHECK(telling_deadline_ms(&telling) == INT64_MAX);
    for (int i = 3; i-- > 0;)
        telling_wait(&telling, &all[i]);
    telling_wait(&telling, &all[2]); /* waits already */
    for (int i = 3; i-- > 0;)
        CHECK_INT(next(1000), i);
    CHECK_INT(next(1000), -1);
}

/* Few are told at once each time; many are told each gather_ms, and the first time at once. */
static void lines_are_gathered_where_many_watch(void)
{
    static const struct {
        int watching;
        int64_t gather_ms;
    } rows[] = {
        {1, 0},    {TELLING_PER_MS - 1, 0}, {TELLING_PER_MS, 1}, {999, 19}, {1000, 20}, {1001, 20},
        {MANY, 20}};
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        fresh(rows[row].watching);
        telling_wait(&telling, &all[0]);
        CHECK_INT(next(1000), 0);
        telling_wait(&telling, &all[0]);
        CHECK_INT(telling_deadline_ms(&telling), 1000 + rows[row].gather_ms);
        CHECK_INT(next(1000 + rows[row].gather_ms - 1), -1);
        CHECK_INT(next(1000 + rows[row].gather_ms), 0);
        telling_wait(&telling, &all[0]);
        CHECK_INT(next(1000000), 0);
    }
}

static void who_watches_no_more_is_not_told(void)
{
    fresh(1000);
    for (int i = 0; i < 3; i++)
        telling_wait(&telling, &all[i]);
    telling_follow(&telling, &all[0], false);
    telling_follow(&telling, &all[0], false);
    CHECK_INT(telling.watching, 999);
    CHECK_INT(next(1000), 1);
    telling_follow(&telling, &all[1], false); /* does not wait */
    for (int i = 2; i < 1000; i++)
        telling_follow(&telling, &all[i], false);
    CHECK_INT(telling.watching, 0);
    CHECK(telling_deadline_ms(&telling) == INT64_MAX);
}

static const struct check_case cases[] = {
    {"who waits first is told first", the_first_come_is_told_first},
    {"lines are gathered where many watch", lines_are_gathered_where_many_watch},
    {"who watches no more is not told", who_watches_no_more_is_not_told},
};

CHECK_MAIN(cases)
