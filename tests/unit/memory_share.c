/* How much memory a table is given, and the words that say so. */
#include "topology/format/memory_share.h"

#include "tests/check.h"

#define NONE UINT64_MAX
#define MIB  (UINT64_C(1) << 20)

static void it_is_a_quarter_of_the_least_for_each(void)
{
    static const struct {
        struct memory_limits limits;
        size_t processes;
        uint64_t share;
    } rows[] = {
        {{1000 * MIB, NONE, NONE}, 1, 250 * MIB},
        {{1000 * MIB, 400 * MIB, NONE}, 1, 100 * MIB},
        {{1000 * MIB, 400 * MIB, 200 * MIB}, 1, 50 * MIB},
        {{1000 * MIB, NONE, 200 * MIB}, 5, 10 * MIB},
        {{NONE, NONE, NONE}, 1, NONE / 4},
        {{8 * MIB, NONE, NONE}, 1, 2 * MIB},
        {{8 * MIB - 1, NONE, NONE}, 1, 2 * MIB},
        {{0, NONE, NONE}, 1024, 2 * MIB},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK(memory_share(&rows[i].limits, rows[i].processes) == rows[i].share);
}

static void connections_have_half_as_much(void)
{
    static const struct {
        uint64_t table, held;
    } rows[] = {
        {0, 4 * MIB},
        {MIB, 4 * MIB},
        {8 * MIB, 4 * MIB},
        {8 * MIB + 2, 4 * MIB + 1},
        {75 * MIB, 75 * MIB / 2},
        {512 * MIB - 2, 256 * MIB - 1},
        {512 * MIB, 256 * MIB},
        {512 * MIB + 2, 256 * MIB},
        {NONE, 256 * MIB},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK(memory_share_held(rows[i].table) == rows[i].held);
}

static void watches_have_as_much(void)
{
    CHECK(memory_share_watched(0) == 16 * MIB);
    CHECK(memory_share_watched(16 * MIB) == 16 * MIB);
    CHECK(memory_share_watched(16 * MIB + 1) == 16 * MIB + 1);
    CHECK(memory_share_watched(2048 * MIB) == 2048 * MIB);
    CHECK(memory_share_watched(2048 * MIB + 1) == 2048 * MIB);
    CHECK(memory_share_watched(NONE) == 2048 * MIB);
}

static void sizes_are_numbers_with_or_without_a_unit(void)
{
    static const struct {
        const char *text;
        bool is_good;
        uint64_t bytes;
    } rows[] = {
        {"0", true, 0},
        {"1", true, 1},
        {"1024", true, 1024},
        {"1K", true, 1024},
        {"512M", true, 512 * MIB},
        {"3G", true, 3072 * MIB},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"17179869183G", true, UINT64_C(17179869183) << 30},
        {"17179869184G", false, 0},
        {"", false, 0},
        {"M", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1m", false, 0},
        {"1MB", false, 0},
        {"1.5G", false, 0},
        {"0x10", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t bytes = 0;
        bool is_good = memory_share_parse(rows[i].text, &bytes);
        if (is_good != rows[i].is_good || bytes != rows[i].bytes)
            printf("    of \"%s\"\n", rows[i].text);
        CHECK(is_good == rows[i].is_good && bytes == rows[i].bytes);
    }
}

static void the_group_stands_in_a_line_of_its_version(void)
{
    static const char both[] = "9:name=systemd:/user\n4:cpu,memory:/a/b\n0::/c\n";
    static const struct {
        const char *lines;
        int version;
        const char *group; /* NULL: none */
    } rows[] = {
        {both, 2, "/c"},
        {both, 1, "/a/b"},
        {"0::/\n", 2, "/"},
        {"0::/\n", 1, NULL},
        {"0::/with:colon\n", 2, "/with:colon"},
        {"4:memory:/a\n", 2, NULL},
        {"4:memory:/a\n", 1, "/a"},
        {"4:memory,cpu:/a\n", 1, "/a"},
        {"4:memory2:/a\n", 1, NULL},
        {"0::\n", 2, NULL},
        {"0::relative\n", 2, NULL},
        {"0::/cut", 2, NULL},
        {"nonsense\n\n0::/a\n", 2, "/a"},
        {"", 2, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char group[MEMORY_GROUP_BYTES_MAX] = "";
        bool found = memory_share_find_group(span_of(rows[i].lines), rows[i].version, group);
        CHECK_INT(found, rows[i].group != NULL);
        if (rows[i].group != NULL)
            CHECK_BYTES(group, strlen(group), rows[i].group, strlen(rows[i].group));
    }
}

static void a_group_too_long_is_none(void)
{
    static char line[MEMORY_GROUP_BYTES_MAX + 8];
    char group[MEMORY_GROUP_BYTES_MAX];
    for (size_t bytes = MEMORY_GROUP_BYTES_MAX - 1; bytes <= MEMORY_GROUP_BYTES_MAX; bytes++) {
        memset(line, 'g', sizeof line);
        memcpy(line, "0::/", 4);
        line[3 + bytes] = '\n';
        CHECK_INT(memory_share_find_group((struct span){line, 4 + bytes}, 2, group),
                  bytes < MEMORY_GROUP_BYTES_MAX);
    }
}

static void groups_are_left_up_to_the_root(void)
{
    char group[MEMORY_GROUP_BYTES_MAX] = "/a/bc/d";
    static const char *const above[] = {"/a/bc", "/a", "/"};
    for (size_t i = 0; i < 3; i++) {
        CHECK(memory_share_leave_group(group));
        CHECK_BYTES(group, strlen(group), above[i], strlen(above[i]));
    }
    CHECK(!memory_share_leave_group(group));
}

static void max_is_no_limit(void)
{
    CHECK(memory_share_read_limit(span_of("max\n")) == NONE);
    CHECK(memory_share_read_limit(span_of("")) == NONE);
    CHECK(memory_share_read_limit(span_of("314572800\n")) == 300 * MIB);
    CHECK(memory_share_read_limit(span_of("0\n")) == 0);
    CHECK(memory_share_read_limit(span_of("99999999999999999999\n")) == NONE);
}

static const struct check_case cases[] = {
    {"it is a quarter of the least for each", it_is_a_quarter_of_the_least_for_each},
    {"connections have half of what the table has, within bounds", connections_have_half_as_much},
    {"watches have as much", watches_have_as_much},
    {"sizes are numbers with or without a unit", sizes_are_numbers_with_or_without_a_unit},
    {"the group stands in a line of its version", the_group_stands_in_a_line_of_its_version},
    {"a group too long is none", a_group_too_long_is_none},
    {"groups are left up to the root", groups_are_left_up_to_the_root},
    {"max is no limit", max_is_no_limit},
};

CHECK_MAIN(cases)
