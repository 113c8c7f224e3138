/* The moments that links of a node share. */
#include "bus/link/beat.h"

#include "tests/check.h"

static void the_last_moment_until_then(void)
{
    static const struct {
        uint64_t process;
        size_t link;
        int64_t until_ms, moment_ms;
    } rows[] = {
        {0, 0, 1000, 1000},
        {0, 0, 1499, 1000},
        {0, 0, 1500, 1500},
        {0, 0, 0, 0},
        {0, 0, -1, -500},
        {7, 0, 1006, 507},
        {7, 0, 1007, 1007},
        {507, 0, 1006, 507},
        {7, 0, 3, -493},
        {0, 31, 1000, 1000},
        {0, 32, 1000, 516},
        {0, 32, 1016, 1016},
        {0, 63, 1016, 1016},
        {0, 64, 1032, 1032},
        {0, 1023, 1496, 1496},
        {0, 1023, 1495, 996},
        {UINT64_MAX, 0, 1115, 1115},
        {UINT64_MAX, 0, 1114, 615},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(beat_until(rows[i].process, rows[i].link, rows[i].until_ms), rows[i].moment_ms);
}

static void it_is_never_late_and_never_too_early(void)
{
    for (size_t link = 0; link < 1024; link += 31)
        for (int64_t until_ms = 10000; until_ms < 10000 + 2 * BEAT_MS; until_ms++) {
            int64_t moment_ms = beat_until(4711, link, until_ms);
            CHECK(moment_ms <= until_ms && moment_ms > until_ms - BEAT_MS);
        }
}

static const struct check_case cases[] = {
    {"the last moment until then", the_last_moment_until_then},
    {"it is never late, and never too early", it_is_never_late_and_never_too_early},
};

CHECK_MAIN(cases)
