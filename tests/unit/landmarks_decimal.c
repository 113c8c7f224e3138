#include "placesd/landmarks/data/decimal.h"

#include "tests/check.h"

static bool read_text(const char *text, double *value)
{
    size_t bytes = strlen(text);
    return decimal_read((struct span){check_at_page_end(text, bytes), bytes}, value);
}

static void reads_to_the_nearest_double(void)
{
    static const struct {
        const char *text;
        double value;
    } table[] = {
        {"0", 0.0},
        {"7", 7.0},
        {"+7", 7.0},
        {"-7", -7.0},
        {"007", 7.0},
        {"34.068930", 34.068930},
        {"-118.445127", -118.445127},
        {"0.1", 0.1},
        {"-0.000000001", -0.000000001},
        {"179.999999999", 179.999999999},
        {"999999999", 999999999.0},
        {"999999999.999999999", 999999999.999999999},
        {"0000000000000000000000000000000000000001.5", 1.5},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        double value = 1e300;
        CHECK(read_text(table[i].text, &value));
        CHECK(memcmp(&value, &table[i].value, sizeof value) == 0);
    }
}

static void refuses_everything_else(void)
{
    static const char *const table[] = {
        "",     "+",     "-",   ".",   ".5",   "5.",         "+.5",           "--5",  "+-5",
        "1e5",  " 5",    "5 ",  "5,0", "0x10", "nan",        "inf",           "1.5.", "1..5",
        "1.-5", "1_000", "5\t", "５",  "1.5x", "1000000000", "-1000000000.5",
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        double value = 1e300;
        CHECK(!read_text(table[i], &value));
        CHECK(value > 1e299);
    }
}

static void drops_decimals_beyond_the_ninth(void)
{
    double value = 0;
    double wanted = 1.123456789;
    CHECK(read_text("1.1234567899999999999999999999999999999999", &value));
    CHECK(memcmp(&value, &wanted, sizeof value) == 0);
    CHECK(!read_text("1.12345678999999999999999999999999x", &value));
}

static void takes_no_nul_for_an_end(void)
{
    double value = 0;
    CHECK(!decimal_read((struct span){"1\0", 2}, &value));
}

static const struct check_case cases[] = {
    {"a decimal number becomes the double nearest to it", reads_to_the_nearest_double},
    {"anything else is refused and changes nothing", refuses_everything_else},
    {"digits after the ninth decimal are read and dropped", drops_decimals_beyond_the_ninth},
    {"a NUL is a byte like any other", takes_no_nul_for_an_end},
};
CHECK_MAIN(cases)
