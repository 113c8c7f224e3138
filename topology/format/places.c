#include "topology/format/places.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* All names with commas between them. */
#define NAMES_BYTES_MAX 128
/* Larger numbers need not be told apart. */
#define NUMBER_MAX INT64_C(1000000000000)

bool topology_places_check_provider(const struct topology_entry *entry,
                                    enum topology_provider *provider,
                                    struct topology_faults *faults)
{
    if (topology_provider_find(entry->value, provider))
        return true;
    struct topology_nearest nearest = {.word = entry->value};
    char all[NAMES_BYTES_MAX] = "";
    for (size_t i = 0, used = 0; i < TOPOLOGY_PROVIDERS; i++) {
        const char *name = topology_provider_name((enum topology_provider)i);
        topology_nearest_offer(&nearest, name);
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%s",
                                 i == 0                       ? ""
                                 : i + 1 < TOPOLOGY_PROVIDERS ? ", "
                                                              : " or ",
                                 name);
    }
    topology_faults_add(faults, entry->line, "there is no provider `%.*s`; write %s",
                        TOPOLOGY_QUOTE_BYTES_MAX, entry->value, nearest.best ? nearest.best : all);
    return false;
}

/* Digits only; -1 for anything else and for what is too large. */
static int64_t read_number(const char *text, int64_t max)
{
    int64_t number = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || number > NUMBER_MAX)
            return -1;
        number = number * 10 + (*at - '0');
    }
    return number <= max ? number : -1;
}

/* The number behind an optional key, or `without` where there is none. */
static int64_t check_number(const struct topology_section *section, size_t key, int64_t min,
                            int64_t max, int64_t without, struct topology_faults *faults)
{
    const struct topology_entry *entry = section->keys[key];
    if (!entry)
        return without;
    int64_t number = read_number(entry->value, max);
    if (number >= min)
        return number;
    topology_faults_add(faults, entry->line,
                        "`%s` is `%.*s`; write a whole number, %" PRId64 " to %" PRId64,
                        topology_sections_key(SECTION_PLACES, key), TOPOLOGY_QUOTE_BYTES_MAX,
                        entry->value, min, max);
    return without;
}

static void check_fallback(const struct topology_section *section, struct topology_places *places,
                           struct topology_faults *faults)
{
    const struct topology_entry *fallback = section->keys[PLACES_FALLBACK];
    const struct topology_entry *url = section->keys[PLACES_FALLBACK_URL];
    if (!fallback && url)
        topology_faults_add(faults, url->line,
                            "there is no fallback to ask there; write a line `    fallback = "
                            "landmarks`");
    if (!fallback || !topology_places_check_provider(fallback, &places->fallback, faults))
        return;
    if (!url && !section->is_doubtful)
        topology_faults_add(faults, fallback->line,
                            "where is the fallback? write a line `    fallback_url = URL`");
    if (topology_provider_needs_key(places->fallback))
        topology_faults_add(faults, fallback->line,
                            "`%s` wants a key; write a fallback that needs none, such as landmarks",
                            fallback->value);
    else if (places->fallback == places->provider && section->keys[PLACES_PROVIDER])
        topology_faults_add(faults, fallback->line,
                            "`%s` is the provider itself; write another, or leave `fallback` out",
                            fallback->value);
    places->has_fallback = true;
}

void topology_places_check_path(const struct topology_section *section, size_t key, char *path,
                                struct topology_faults *faults)
{
    const struct topology_entry *entry = section->keys[key];
    if (!entry)
        return;
    size_t bytes = strlen(entry->value);
    bool has_control_bytes = false;
    for (const char *at = entry->value; *at; at++)
        has_control_bytes |= (unsigned char)*at < 0x20 || *at == 0x7f;
    if (bytes > TOPOLOGY_PATH_BYTES_MAX || has_control_bytes)
        topology_faults_add(faults, entry->line,
                            "`%s` is no usable path; write at most %d bytes without control bytes",
                            topology_sections_key(section->kind, key), TOPOLOGY_PATH_BYTES_MAX);
    else
        memcpy(path, entry->value, bytes + 1);
}

static void check_key_file(const struct topology_section *section, struct topology_places *places,
                           struct topology_faults *faults)
{
    const struct topology_entry *entry = section->keys[PLACES_KEY_FILE];
    if (!entry) {
        if (topology_provider_needs_key(places->provider) && !section->is_doubtful)
            topology_faults_add(faults, section->line,
                                "%s wants a key; write a line `    key_file = PATH`",
                                topology_provider_name(places->provider));
        return;
    }
    enum topology_provider provider;
    if (section->keys[PLACES_PROVIDER] &&
        topology_provider_find(section->keys[PLACES_PROVIDER]->value, &provider) &&
        !topology_provider_needs_key(provider))
        topology_faults_add(faults, entry->line, "%s needs no key; leave `key_file` out",
                            topology_provider_name(provider));
    topology_places_check_path(section, PLACES_KEY_FILE, places->key_file, faults);
}

static void check_database(const struct topology_section *section, struct topology_places *places,
                           struct topology_faults *faults)
{
    const struct topology_entry *entry = section->keys[PLACES_DATABASE];
    bool asks_landmarks = places->provider == TOPOLOGY_LANDMARKS ||
                          (places->has_fallback && places->fallback == TOPOLOGY_LANDMARKS);
    if (entry && !asks_landmarks)
        topology_faults_add(faults, entry->line,
                            "only landmarks reads a database; leave `database` out");
    topology_places_check_path(section, PLACES_DATABASE, places->database, faults);
}

void topology_places_check_options(const struct topology_section *section,
                                   struct topology_places *places, struct topology_faults *faults)
{
    check_key_file(section, places, faults);
    check_fallback(section, places, faults);
    check_database(section, places, faults);
    places->grid_m =
        (uint32_t)check_number(section, PLACES_GRID_M, 1, TOPOLOGY_GRID_M_MAX, 0, faults);
    places->cache_s = check_number(section, PLACES_CACHE_S, 0, TOPOLOGY_CACHE_S_MAX, -1, faults);
    places->budget =
        (uint32_t)check_number(section, PLACES_BUDGET, 1, TOPOLOGY_BUDGET_MAX, 0, faults);
}
