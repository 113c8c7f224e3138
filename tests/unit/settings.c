/* settings: what limits and the log of a node may be, by whoever says it. */
#include "topology/format/settings.h"

#include "tests/check.h"

static struct settings settings;

static bool reads(enum setting setting, const char *text)
{
    settings = (struct settings){0};
    bool good = settings_read(&settings, setting, text);
    CHECK_INT(settings.each[setting].is_said, good);
    return good;
}

static void takes_what_it_may_be(void)
{
    static const struct {
        enum setting setting;
        const char *text;
        uint64_t value;
        uint32_t burst;
    } rows[] = {
        {SETTING_MAX_CLIENTS, "1", 1, 0},
        {SETTING_MAX_CLIENTS, "4294967295", 4294967295, 0},
        {SETTING_MAX_TABLE_BYTES, "2M", 2 << 20, 0},
        {SETTING_MAX_TABLE_BYTES, "2097152", 2 << 20, 0},
        {SETTING_NEW_CLIENTS, "0", 0, 0},
        {SETTING_NEW_CLIENTS, "1/1", 1, 1},
        {SETTING_NEW_CLIENTS, "1000000000/1000000000", 1000000000, 1000000000},
        {SETTING_LOG, "events", SETTINGS_LOG_EVENTS, 1},
        {SETTING_LOG, "commands", SETTINGS_LOG_COMMANDS, 1},
        {SETTING_LOG, "commands/1", SETTINGS_LOG_COMMANDS, 1},
        {SETTING_LOG, "commands/1000000000", SETTINGS_LOG_COMMANDS, 1000000000},
        {SETTING_LOG_RATE, "0", 0, 0},
        {SETTING_LOG_RATE, "4294967295", 4294967295, 0},
        {SETTING_LOG_LEVEL, "error", LOGLINE_ERROR, 0},
        {SETTING_LOG_LEVEL, "warning", LOGLINE_WARNING, 0},
        {SETTING_LOG_LEVEL, "info", LOGLINE_INFO, 0},
        {SETTING_LOG_LEVEL, "debug", LOGLINE_DEBUG, 0},
        {SETTING_LOG_FILE, "-", 0, 0},
        {SETTING_LOG_MAX_BYTES, "0", 0, 0},
        {SETTING_LOG_MAX_BYTES, "65536", 65536, 0},
        {SETTING_LOG_MAX_BYTES, "256M", 256 << 20, 0},
        {SETTING_LOG_FORMAT, "text", LOGLINE_TEXT, 0},
        {SETTING_LOG_FORMAT, "json", LOGLINE_JSON, 0},
        {SETTING_LOG_FORMAT, "logfmt", LOGLINE_LOGFMT, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK(reads(rows[i].setting, rows[i].text));
        CHECK_INT(settings.each[rows[i].setting].value, rows[i].value);
        CHECK_INT(settings.each[rows[i].setting].burst, rows[i].burst);
    }
}

static void refuses_what_it_may_not_be(void)
{
    static const struct {
        enum setting setting;
        const char *text;
    } rows[] = {
        {SETTING_MAX_CLIENTS, "0"},
        {SETTING_MAX_CLIENTS, "4294967296"},
        {SETTING_MAX_CLIENTS, "5M"},
        {SETTING_MAX_TABLE_BYTES, "2097151"},
        {SETTING_MAX_TABLE_BYTES, "2m"},
        {SETTING_NEW_CLIENTS, "1"},
        {SETTING_NEW_CLIENTS, "0/1"},
        {SETTING_NEW_CLIENTS, "1/0"},
        {SETTING_NEW_CLIENTS, "1/"},
        {SETTING_NEW_CLIENTS, "/1"},
        {SETTING_NEW_CLIENTS, "1/1/1"},
        {SETTING_NEW_CLIENTS, "1000000001/1"},
        {SETTING_NEW_CLIENTS, "1/1000000001"},
        {SETTING_LOG, "command"},
        {SETTING_LOG, "commands/"},
        {SETTING_LOG, "commands/0"},
        {SETTING_LOG, "commands/1000000001"},
        {SETTING_LOG, "events/2"},
        {SETTING_LOG_RATE, "4294967296"},
        {SETTING_LOG_LEVEL, "warn"},
        {SETTING_LOG_LEVEL, "Error"},
        {SETTING_LOG_FILE, "a\nb"},
        {SETTING_LOG_FILE, "a\x7f"},
        {SETTING_LOG_MAX_BYTES, "1"},
        {SETTING_LOG_MAX_BYTES, "65535"},
        {SETTING_LOG_FORMAT, "xml"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK(!reads(rows[i].setting, rows[i].text));
    for (int setting = 0; setting < SETTINGS; setting++) {
        CHECK(!reads((enum setting)setting, ""));
        CHECK(settings_takes((enum setting)setting)[0] != '\0');
    }
}

static void a_path_ends_at_its_limit(void)
{
    char path[SETTINGS_PATH_BYTES_MAX + 2] = "";
    memset(path, 'x', SETTINGS_PATH_BYTES_MAX + 1);
    CHECK(!reads(SETTING_LOG_FILE, path));
    path[SETTINGS_PATH_BYTES_MAX] = '\0';
    CHECK(reads(SETTING_LOG_FILE, path));
    CHECK(strcmp(settings.log_file, path) == 0);
}

static void what_is_refused_changes_nothing(void)
{
    CHECK(reads(SETTING_LOG, "commands/7"));
    CHECK(!settings_read(&settings, SETTING_LOG, "commands/x"));
    CHECK_INT(settings.each[SETTING_LOG].burst, 7);
    CHECK(reads(SETTING_LOG_FILE, "a.log"));
    CHECK(!settings_read(&settings, SETTING_LOG_FILE, ""));
    CHECK(strcmp(settings.log_file, "a.log") == 0);
}

static void options_and_keys_have_one_name(void)
{
    for (int i = 0; i < SETTINGS; i++) {
        char option[64];
        snprintf(option, sizeof option, "%s", settings_name((enum setting)i));
        CHECK_INT(settings_find(option), i);
        for (char *at = option; *at != '\0'; at++)
            *at = *at == '_' ? '-' : *at;
        CHECK_INT(settings_find(option), i);
    }
    CHECK_INT(settings_find("log"), SETTING_LOG);
    CHECK_INT(settings_find("log-"), SETTINGS);
    CHECK_INT(settings_find("lo"), SETTINGS);
    CHECK_INT(settings_find(""), SETTINGS);
}

static void the_nearest_counts(void)
{
    struct settings option = {0}, node = {0}, herd = {0};
    settings_read(&option, SETTING_MAX_CLIENTS, "1");
    settings_read(&node, SETTING_MAX_CLIENTS, "2");
    settings_read(&node, SETTING_LOG_FILE, "node.log");
    settings_read(&herd, SETTING_MAX_CLIENTS, "3");
    settings_read(&herd, SETTING_LOG_FILE, "-");
    settings_read(&herd, SETTING_NEW_CLIENTS, "4/5");
    settings_inherit(&option, &node);
    settings_inherit(&option, &herd);
    CHECK_INT(option.each[SETTING_MAX_CLIENTS].value, 1);
    CHECK(strcmp(option.log_file, "node.log") == 0);
    CHECK_INT(option.each[SETTING_NEW_CLIENTS].value, 4);
    CHECK_INT(option.each[SETTING_NEW_CLIENTS].burst, 5);
    CHECK(!option.each[SETTING_LOG].is_said);
}

static void both_say_the_same(void)
{
    struct settings one = {0}, other = {0};
    CHECK(settings_same(&one, &other, SETTING_LOG));
    settings_read(&one, SETTING_LOG, "events");
    CHECK(!settings_same(&one, &other, SETTING_LOG)); /* said, if only what holds anyway */
    settings_read(&other, SETTING_LOG, "commands");
    CHECK(!settings_same(&one, &other, SETTING_LOG));
    settings_read(&other, SETTING_LOG, "events");
    CHECK(settings_same(&one, &other, SETTING_LOG));
    settings_read(&one, SETTING_NEW_CLIENTS, "1/2");
    settings_read(&other, SETTING_NEW_CLIENTS, "1/3");
    CHECK(!settings_same(&one, &other, SETTING_NEW_CLIENTS));
    settings_read(&one, SETTING_LOG_FILE, "a");
    settings_read(&other, SETTING_LOG_FILE, "b");
    CHECK(!settings_same(&one, &other, SETTING_LOG_FILE));
    CHECK(settings_same(&one, &other, SETTING_LOG));
}

static const struct check_case cases[] = {
    {"a setting takes what it may be", takes_what_it_may_be},
    {"a setting refuses what it may not be", refuses_what_it_may_not_be},
    {"a path ends at its limit", a_path_ends_at_its_limit},
    {"what is refused changes nothing", what_is_refused_changes_nothing},
    {"options and keys have one name", options_and_keys_have_one_name},
    {"the nearest counts", the_nearest_counts},
    {"both say the same", both_say_the_same},
};

CHECK_MAIN(cases)
