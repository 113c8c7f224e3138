/* How much of a counter's growth a log gets, and when. */
#include "bus/base/growth.h"

#include "tests/check.h"

static void growth_is_taken_once(void)
{
    struct growth growth = {0};
    CHECK_INT(growth_take(&growth, 0), 0);
    CHECK_INT(growth_take(&growth, 3), 3);
    CHECK_INT(growth_take(&growth, 3), 0);
    CHECK_INT(growth_take(&growth, 5), 2);
}

static void the_first_is_taken_at_once(void)
{
    struct growth early = {0}, late = {0};
    CHECK_INT(growth_take_after(&early, 1, 1000, -5000), 1);
    CHECK_INT(growth_take_after(&late, 0, 1000, 70), 0);
    CHECK_INT(growth_take_after(&late, 1, 1000, 71), 1);
}

static void what_grows_in_a_pause_is_taken_after_it(void)
{
    struct growth growth = {0};
    CHECK_INT(growth_take_after(&growth, 2, 1000, 50), 2);
    CHECK_INT(growth_take_after(&growth, 4, 1000, 51), 0);
    CHECK_INT(growth_take_after(&growth, 7, 1000, 1049), 0);
    CHECK_INT(growth_take_after(&growth, 7, 1000, 1050), 5);
    CHECK_INT(growth_take_after(&growth, 8, 1000, 2049), 0);
    CHECK_INT(growth_take_after(&growth, 8, 1000, 2050), 1);
}

static void no_growth_begins_no_pause(void)
{
    struct growth growth = {0};
    CHECK_INT(growth_take_after(&growth, 1, 1000, 0), 1);
    CHECK_INT(growth_take_after(&growth, 1, 1000, 1500), 0);
    CHECK_INT(growth_take_after(&growth, 2, 1000, 1501), 1);
}

static const struct check_case cases[] = {
    {"growth is taken once", growth_is_taken_once},
    {"the first is taken at once", the_first_is_taken_at_once},
    {"what grows in a pause is taken after it", what_grows_in_a_pause_is_taken_after_it},
    {"no growth begins no pause", no_growth_begins_no_pause},
};

CHECK_MAIN(cases)
