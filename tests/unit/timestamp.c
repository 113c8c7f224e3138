/* How a moment is written. */
#include "bus/base/timestamp.h"

#include <string.h>
#include <time.h>

#include "bus/base/packed.h"
#include "tests/check.h"

#define MOMENT_NS INT64_C(1785328496123456789)

static void check(int64_t realtime_ns, unsigned decimals, const char *wanted)
{
    char text[TIMESTAMP_BYTES_MAX];
    size_t bytes = timestamp_write(text, realtime_ns, decimals);
    CHECK_INT(bytes, strlen(text));
    CHECK_BYTES(text, bytes, wanted, strlen(wanted));
}

static void a_moment_has_the_decimals_that_are_wanted(void)
{
    check(MOMENT_NS, 0, "2026-07-29T12:34:56Z");
    check(MOMENT_NS, 1, "2026-07-29T12:34:56.1Z");
    check(MOMENT_NS, 3, "2026-07-29T12:34:56.123Z");
    check(MOMENT_NS, 6, "2026-07-29T12:34:56.123456Z");
    check(MOMENT_NS, 9, "2026-07-29T12:34:56.123456789Z");
}

static void it_is_cut_and_not_rounded(void)
{
    check(0, 3, "1970-01-01T00:00:00.000Z");
    check(999999999, 3, "1970-01-01T00:00:00.999Z");
    check(1000000, 3, "1970-01-01T00:00:00.001Z");
    check(999999, 3, "1970-01-01T00:00:00.000Z");
    check(INT64_MAX, 9, "2262-04-11T23:47:16.854775807Z");
}

/* A step that is no divisor of a day, a month or a year. */
static void every_day_is_the_c_librarys(void)
{
    for (int64_t second = 0; second < INT64_MAX / NANO; second += 100003 * 7) {
        char text[TIMESTAMP_SECOND_BYTES], wanted[TIMESTAMP_SECOND_BYTES + 1];
        time_t moment = (time_t)second;
        struct tm parts;
        strftime(wanted, sizeof wanted, "%Y-%m-%dT%H:%M:%S", gmtime_r(&moment, &parts));
        CHECK(timestamp_put_second(text, second) == text + TIMESTAMP_SECOND_BYTES);
        CHECK_BYTES(text, sizeof text, wanted, TIMESTAMP_SECOND_BYTES);
    }
}

static void how_far_clocks_are_apart_is_rounded(void)
{
    static const struct {
        int64_t apart_ns;
        const char *wanted;
    } cases[] = {
        {0, "0.0"},
        {49999999, "0.0"},
        {50000000, "0.1"},
        {-1049999999, "1.0"},
        {-1050000000, "1.1"},
        {3600150000000, "3600.2"},
        {999999999999, "1000.0"},
        {INT64_MAX, "9223372036.9"},
        {INT64_MIN, "9223372036.9"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[TIMESTAMP_APART_BYTES_MAX];
        CHECK(timestamp_write_apart(text, cases[i].apart_ns) == text);
        CHECK_BYTES(text, strlen(text), cases[i].wanted, strlen(cases[i].wanted));
    }
}

static const struct check_case cases[] = {
    {"how far clocks are apart is rounded to a tenth", how_far_clocks_are_apart_is_rounded},
    {"a moment has the decimals that are wanted", a_moment_has_the_decimals_that_are_wanted},
    {"it is cut and not rounded", it_is_cut_and_not_rounded},
    {"every day is the C library's", every_day_is_the_c_librarys},
};

CHECK_MAIN(cases)
