/* Which of the connections that share a number of places gives way because it is silent. What that
 * is for is with client_limits.c and handshakes.c. */
#include "gateway/text/crowd.h"

#include "tests/check.h"

#define PLACES 10

static struct crowd crowd;
static struct crowd_member all[PLACES];
static bool is_heard[PLACES];

/* One after the other, at 0 ms, 1 ms and so on. */
static void fill(size_t count)
{
    crowd_init(&crowd, PLACES);
    for (size_t i = 0; i < count; i++) {
        crowd_join(&crowd, &all[i], (int64_t)i);
        is_heard[i] = false;
    }
}

static void follow(size_t number, bool has_finished, bool has_watches, int64_t now_ms)
{
    crowd_follow(&crowd, &all[number], &is_heard[number], has_finished, has_watches, now_ms);
}

static int next(int64_t now_ms)
{
    struct crowd_member *found = crowd_next_silent(&crowd, now_ms);
    return found == NULL ? -1 : (int)(found - all);
}

static void silence_matters_where_nearly_all_are_taken(void)
{
    fill(PLACES * CROWD_PERCENT / 100);
    CHECK_INT(next(1000000), -1);
    fill(PLACES * CROWD_PERCENT / 100 + 1);
    CHECK_INT(next(CROWD_UNHEARD_MS - 1), -1);
    CHECK_INT(next(CROWD_UNHEARD_MS), 0);
    crowd_leave(&crowd, &all[0]);
    CHECK_INT(next(1000000), -1);
    crowd_init(&crowd, 1);
    crowd_join(&crowd, &all[0], 0);
    CHECK(crowd_is_full(&crowd));
    CHECK_INT(next(1000000), -1);
}

static void who_has_finished_a_command_has_more_time(void)
{
    fill(PLACES);
    for (size_t i = 0; i < PLACES; i++)
        follow(i, true, false, 100);
    CHECK(crowd_first_unheard(&crowd) == NULL);
    CHECK_INT(next(100 + CROWD_SILENT_MS - 1), -1);
    CHECK_INT(next(100 + CROWD_SILENT_MS), 0);
    crowd_touch(&crowd, &all[0], is_heard[0], 200);
    CHECK_INT(next(100 + CROWD_SILENT_MS), 1);
    crowd_leave(&crowd, &all[2]);
    crowd_join(&crowd, &all[2], 300);
    CHECK_INT(next(300 + CROWD_UNHEARD_MS), 2);
    CHECK(crowd_first_unheard(&crowd) == &all[2]);
}

static void who_watches_is_not_silent(void)
{
    fill(PLACES);
    for (size_t i = 0; i < PLACES; i++)
        follow(i, i == 1, true, 100);
    CHECK_INT(next(1000000), -1);
    CHECK(crowd_first_unheard(&crowd) == NULL);
    follow(1, false, false, 5000);
    CHECK_INT(next(5000 + CROWD_SILENT_MS - 1), -1);
    CHECK_INT(next(5000 + CROWD_SILENT_MS), 1);
    follow(0, false, true, 6000);
    crowd_leave(&crowd, &all[0]);
    CHECK_INT(crowd.count, PLACES - 1);
}

static void activity_is_noted_no_finer_than_that(void)
{
    fill(1);
    CHECK(!crowd_wants_touch(&all[0], CROWD_ACTIVITY_MS - 1));
    CHECK(crowd_wants_touch(&all[0], CROWD_ACTIVITY_MS));
}

static const struct check_case cases[] = {
    {"silence matters where nearly all places are taken",
     silence_matters_where_nearly_all_are_taken},
    {"who has finished a command has more time", who_has_finished_a_command_has_more_time},
    {"who watches is not silent", who_watches_is_not_silent},
    {"activity is noted no finer than that", activity_is_noted_no_finer_than_that},
};

CHECK_MAIN(cases)
