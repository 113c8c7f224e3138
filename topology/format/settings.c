#include "topology/format/settings.h"

#include <string.h>

#include "bus/base/packed.h"
#include "topology/format/memory_share.h"

static bool read_numbers(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
    return decimal_read_whole(span_of(text), max, number) && *number >= min;
}

static bool read_clients(const char *text, struct settings_value *said)
{
    return read_numbers(text, 1, UINT32_MAX, &said->value);
}

static bool read_rate(const char *text, struct settings_value *said)
{
    return read_numbers(text, 0, UINT32_MAX, &said->value);
}

static bool read_table_bytes(const char *text, struct settings_value *said)
{
    return memory_share_parse(text, &said->value) && said->value >= MEMORY_SHARE_BYTES_MIN;
}

static bool read_log_bytes(const char *text, struct settings_value *said)
{
    return memory_share_parse(text, &said->value) &&
           (said->value == 0 || said->value >= SETTINGS_LOG_BYTES_MIN);
}

/* "10000/200000", or "0". */
static bool read_new_clients(const char *text, struct settings_value *said)
{
    const char *slash = strchr(text, '/');
    uint64_t burst = 0;
    if (slash == NULL)
        return strcmp(text, "0") == 0;
    bool good = decimal_read_whole((struct span){text, (size_t)(slash - text)}, SETTINGS_NUMBER_MAX,
                                   &said->value) &&
                read_numbers(slash + 1, 1, SETTINGS_NUMBER_MAX, &burst) && said->value > 0;
    said->burst = (uint32_t)burst;
    return good;
}

/* Its place among the words, which end with NULL. */
static bool read_word(const char *text, const char *const *words, struct settings_value *said)
{
    while (words[said->value] != NULL && strcmp(words[said->value], text) != 0)
        said->value++;
    return words[said->value] != NULL;
}

static bool read_log(const char *text, struct settings_value *said)
{
    static const char *const words[] = {
        [SETTINGS_LOG_EVENTS] = "events", [SETTINGS_LOG_COMMANDS] = "commands", NULL};
    static const char sampled[] = "commands/";
    uint64_t of = 1;
    if (strncmp(text, sampled, sizeof sampled - 1) != 0) {
        said->burst = 1;
        return read_word(text, words, said);
    }
    said->value = SETTINGS_LOG_COMMANDS;
    bool good = read_numbers(text + sizeof sampled - 1, 1, SETTINGS_NUMBER_MAX, &of);
    said->burst = (uint32_t)of;
    return good;
}

static bool read_level(const char *text, struct settings_value *said)
{
    static const char *const words[] = {[LOGLINE_DEBUG] = "debug",
                                        [LOGLINE_INFO] = "info",
                                        [LOGLINE_WARNING] = "warning",
                                        [LOGLINE_ERROR] = "error",
                                        NULL};
    return read_word(text, words, said);
}

static bool read_format(const char *text, struct settings_value *said)
{
    static const char *const words[] = {
        [LOGLINE_TEXT] = "text", [LOGLINE_JSON] = "json", [LOGLINE_LOGFMT] = "logfmt", NULL};
    return read_word(text, words, said);
}

/* The text itself is copied by settings_read. */
static bool read_file(const char *text, struct settings_value *said)
{
    (void)said;
    size_t bytes = 0;
    while (text[bytes] != '\0' && (unsigned char)text[bytes] >= 0x20 && text[bytes] != 0x7f)
        bytes++;
    return text[bytes] == '\0' && bytes > 0 && bytes <= SETTINGS_PATH_BYTES_MAX;
}

static const struct row {
    const char *name;
    bool (*read)(const char *text, struct settings_value *said); /* `said` is all zero before */
    const char *takes;
} rows[SETTINGS] = {
    [SETTING_MAX_CLIENTS] = {"max_clients", read_clients, "a number from 1 to 4294967295"},
    [SETTING_MAX_TABLE_BYTES] = {"max_table_bytes", read_table_bytes,
                                 "bytes, at least 2M, such as 512M or 2G"},
    [SETTING_NEW_CLIENTS] = {"new_clients", read_new_clients,
                             "a rate and a burst, both from 1 to 1000000000, as in 10000/200000, "
                             "or 0"},
    [SETTING_LOG] = {"log", read_log, "commands, commands/N for one in N, or events"},
    [SETTING_LOG_RATE] = {"log_rate", read_rate, "a number from 0 to 4294967295"},
    [SETTING_LOG_LEVEL] = {"log_level", read_level, "error, warning, info or debug"},
    [SETTING_LOG_FILE] = {"log_file", read_file, "a path of at most 1024 bytes, or -"},
    [SETTING_LOG_MAX_BYTES] = {"log_max_bytes", read_log_bytes,
                               "bytes, at least 64K, such as 256M, or 0"},
    [SETTING_LOG_FORMAT] = {"log_format", read_format, "text, json or logfmt"},
};

const char *settings_name(enum setting setting)
{
    return rows[setting].name;
}

const char *settings_takes(enum setting setting)
{
    return rows[setting].takes;
}

static bool is_named(const char *key, const char *name)
{
    while (*key != '\0' && (*key == *name || (*key == '_' && *name == '-')))
        key++, name++;
    return *key == '\0' && *name == '\0';
}

enum setting settings_find(const char *name)
{
    size_t setting = 0;
    while (setting < SETTINGS && !is_named(rows[setting].name, name))
        setting++;
    return (enum setting)setting;
}

bool settings_read(struct settings *settings, enum setting setting, const char *text)
{
    struct settings_value said = {.is_said = true};
    if (!rows[setting].read(text, &said))
        return false;
    settings->each[setting] = said;
    if (setting == SETTING_LOG_FILE)
        strcpy(settings->log_file, text);
    return true;
}

uint64_t settings_value(const struct settings *settings, enum setting setting, uint64_t otherwise)
{
    const struct settings_value *said = &settings->each[setting];
    return said->is_said ? said->value : otherwise;
}

const char *settings_log_file(const struct settings *settings)
{
    return settings->each[SETTING_LOG_FILE].is_said ? settings->log_file : NULL;
}

void settings_inherit(struct settings *settings, const struct settings *further)
{
    if (!settings->each[SETTING_LOG_FILE].is_said)
        memcpy(settings->log_file, further->log_file, sizeof settings->log_file);
    for (size_t i = 0; i < SETTINGS; i++)
        if (!settings->each[i].is_said)
            settings->each[i] = further->each[i];
}

bool settings_same(const struct settings *one, const struct settings *other, enum setting setting)
{
    const struct settings_value *a = &one->each[setting], *b = &other->each[setting];
    return a->is_said == b->is_said && a->value == b->value && a->burst == b->burst &&
           (setting != SETTING_LOG_FILE || strcmp(one->log_file, other->log_file) == 0);
}
