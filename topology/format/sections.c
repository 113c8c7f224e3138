#include "topology/format/sections.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SPACES_PER_LEVEL 4
/* The longest list of keys: those of places. */
#define KEY_LIST_BYTES_MAX 192

struct key {
    const char *name;
    bool optional;
    const char *example;
};

struct section_kind {
    const char *name;
    struct key keys[SECTION_KEYS_MAX]; /* ends at a NULL name */
};

static const struct section_kind kinds[SECTION_KINDS] = {
    [SECTION_HERD] = {"herd",
                      {[HERD_NAME] = {"name", false, "fall2016"},
                       [HERD_KEYS] = {"keys", true, "fall2016.keys"},
                       [HERD_INSECURE] = {"insecure", true, "yes"}}},
    [SECTION_NODE] = {"node",
                      {[NODE_NAME] = {"name", false, "Alford"},
                       [NODE_CLIENTS] = {"clients", false, "tcp://127.0.0.1:11500"},
                       [NODE_BUS] = {"bus", false, "tcp://127.0.0.1:12500"},
                       [NODE_BUS_AT] = {"bus_at", true, "tcp://north.example.org:12500"},
                       [NODE_PUBLIC_KEY] = {"public_key", true, "\"KEY\""}}},
    [SECTION_LINK] = {"link", {[LINK_BETWEEN] = {"between", false, "Alford Hamilton"}}},
    [SECTION_OBSERVER] = {"observer",
                          {[OBSERVER_NAME] = {"name", false, "Ear"},
                           [OBSERVER_OF] = {"of", false, "Alford"},
                           [OBSERVER_BUS] = {"bus", false, "tcp://127.0.0.1:12590"},
                           [OBSERVER_BUS_AT] = {"bus_at", true, "tcp://north.example.org:12590"},
                           [OBSERVER_PUBLIC_KEY] = {"public_key", true, "\"KEY\""}}},
    [SECTION_PLACES] =
        {"places",
         {[PLACES_GATEWAYS] = {"gateways", false, "tcp://127.0.0.1:13500"},
          [PLACES_WORKERS] = {"workers", false, "tcp://127.0.0.1:13501"},
          [PLACES_GATEWAYS_AT] = {"gateways_at", true, "tcp://places.example.org:13500"},
          [PLACES_WORKERS_AT] = {"workers_at", true, "tcp://places.example.org:13501"},
          [PLACES_PROVIDER] = {"provider", false, "landmarks"},
          [PLACES_URL] = {"url", false, "http://127.0.0.1:13580/maps/api/place/nearbysearch/json"},
          [PLACES_KEY_FILE] = {"key_file", true, "google.key"},
          [PLACES_FALLBACK] = {"fallback", true, "landmarks"},
          [PLACES_FALLBACK_URL] = {"fallback_url", true, "http://127.0.0.1:13580/landmarks"},
          [PLACES_GRID_M] = {"grid_m", true, "100"},
          [PLACES_CACHE_S] = {"cache_s", true, "300"},
          [PLACES_BUDGET] = {"budget", true, "1000"},
          [PLACES_DATABASE] = {"database", true, "places.db"},
          [PLACES_PUBLIC_KEY] = {"public_key", true, "\"KEY\""}}},
};

/* What the sorting knows between two lines. */
struct sorter {
    struct topology_section *sections;
    size_t count;
    struct topology_section *current; /* NULL before the first section and within an unknown one */
    bool any;                         /* a section, known or not, has begun */
    struct topology_faults *faults;
};

const char *topology_sections_key(enum topology_section_kind kind, size_t key)
{
    return kinds[kind].keys[key].name;
}

static size_t count_keys(const struct section_kind *kind)
{
    size_t count = 0;
    while (count < SECTION_KEYS_MAX && kind->keys[count].name)
        count++;
    return count;
}

static size_t count_spaces(struct span text)
{
    size_t spaces = 0;
    while (spaces < text.len && text.data[spaces] == ' ')
        spaces++;
    return spaces;
}

/* ZPL takes '#' as the beginning of a comment wherever it stands in a value without quotes, and
 * drops the rest of the line. Within a word that is hardly what the writer meant. */
static bool loses_part_of_a_word(struct span text)
{
    const char *equals = memchr(text.data, '=', text.len);
    if (!equals)
        return false;
    const char *end = text.data + text.len, *at = equals + 1;
    while (at < end && isspace((unsigned char)*at))
        at++;
    if (at == end || *at == '"' || *at == '\'')
        return false;
    const char *hash = memchr(at, '#', (size_t)(end - at));
    return hash && hash > at && !isspace((unsigned char)hash[-1]);
}

/* A line that the ZPL reader refused: which of its rules it broke. */
static const char *explain_refusal(struct span text)
{
    size_t spaces = count_spaces(text);
    const char *at = text.data + spaces, *end = text.data + text.len;
    if (at < end && isspace((unsigned char)*at))
        return "there is white space other than blanks before the name; indent by 4 blanks";
    const char *equals = memchr(at, '=', (size_t)(end - at));
    if (!equals)
        return "this is neither a section nor a key; write `name = value`, and comments behind #";
    for (at = equals + 1; at < end && isspace((unsigned char)*at); at++)
        ;
    if (at < end && (*at == '"' || *at == '\'')) {
        if (!memchr(at + 1, *at, (size_t)(end - at - 1)))
            return "a quote is not closed; write the same quote at the end of the value";
        return "there is more behind the closing quote; write one value, and comments behind #";
    }
    return "the name of a key is letters, digits and _; write `name = value`";
}

/* What is wrong with the line itself, or NULL. */
static const char *find_line_fault(const struct topology_entry *entry)
{
    if (memchr(entry->text.data, '\0', entry->text.len))
        return "there is a NUL byte in this line; write a text file";
    if (!entry->name)
        return explain_refusal(entry->text);
    if (count_spaces(entry->text) % SPACES_PER_LEVEL != 0)
        return "the indentation is not a multiple of 4; indent sections by 0 and keys by 4 blanks";
    if (entry->name[0] != '\0' && loses_part_of_a_word(entry->text))
        return "# begins a comment here and cuts the value; put the value in quotes, or a blank "
               "before the #";
    return NULL;
}

/* A misspelt name is told, and then taken for the one that was meant, so that it brings no
 * other faults with it. */
static void begin_section(struct sorter *sorter, const struct topology_entry *entry)
{
    struct topology_nearest nearest = {.word = entry->name};
    for (size_t i = 0; i < SECTION_KINDS; i++)
        topology_nearest_offer(&nearest, kinds[i].name);
    if (!nearest.best || strcmp(nearest.best, entry->name) != 0)
        topology_faults_add(sorter->faults, entry->line, "there is no section `%.*s`; write %s",
                            TOPOLOGY_QUOTE_BYTES_MAX, entry->name,
                            nearest.best ? nearest.best : "herd, node, link, observer or places");
    else if (entry->value[0] != '\0')
        topology_faults_add(sorter->faults, entry->line,
                            "the section `%s` takes no value; write its keys on the lines below, "
                            "indented by 4 blanks",
                            entry->name);
    sorter->any = true;
    sorter->current = NULL;
    for (size_t i = 0; nearest.best && i < SECTION_KINDS; i++) {
        if (nearest.best == kinds[i].name) {
            sorter->current = &sorter->sections[sorter->count++];
            *sorter->current = (struct topology_section){.kind = (enum topology_section_kind)i,
                                                         .line = entry->line};
        }
    }
}

static void tell_unknown_key(struct sorter *sorter, const struct topology_entry *entry,
                             const char *meant)
{
    const struct section_kind *kind = &kinds[sorter->current->kind];
    char all[KEY_LIST_BYTES_MAX] = "";
    for (size_t i = 0, used = 0; i < count_keys(kind); i++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i > 0 ? ", " : "",
                                 kind->keys[i].name);
    topology_faults_add(sorter->faults, entry->line, "`%s` has no key `%.*s`; write %s%s",
                        kind->name, TOPOLOGY_QUOTE_BYTES_MAX, entry->name, meant ? "" : "only ",
                        meant ? meant : all);
}

static void add_key(struct sorter *sorter, const struct topology_entry *entry)
{
    struct topology_section *section = sorter->current;
    const struct section_kind *kind = &kinds[section->kind];
    struct topology_nearest nearest = {.word = entry->name};
    for (size_t i = 0; i < count_keys(kind); i++)
        topology_nearest_offer(&nearest, kind->keys[i].name);
    if (!nearest.best || strcmp(nearest.best, entry->name) != 0)
        tell_unknown_key(sorter, entry, nearest.best);
    for (size_t i = 0; nearest.best && i < count_keys(kind); i++) {
        const struct key *key = &kind->keys[i];
        if (nearest.best != key->name)
            continue;
        if (section->keys[i])
            topology_faults_add(sorter->faults, entry->line,
                                "`%s` stands in line %u already; write it once in a `%s`",
                                key->name, section->keys[i]->line, kind->name);
        else if (entry->value[0] == '\0')
            topology_faults_add(sorter->faults, entry->line, "`%s` has no value; write `%s = %s`",
                                key->name, key->name, key->example);
        if (!section->keys[i])
            section->keys[i] = entry;
    }
}

static void take_entry(struct sorter *sorter, const struct topology_entry *entry)
{
    const char *fault = find_line_fault(entry);
    if (fault) {
        topology_faults_add(sorter->faults, entry->line, "%s", fault);
        if (sorter->current)
            sorter->current->is_doubtful = true;
    }
    if (!entry->name || entry->name[0] == '\0')
        return;

    /* Blanks that are not a multiple of 4 were told: taken for the level they are closest to. */
    size_t level = (count_spaces(entry->text) + SPACES_PER_LEVEL / 2) / SPACES_PER_LEVEL;
    if (level == 0) {
        begin_section(sorter, entry);
        return;
    }
    if (!sorter->any)
        topology_faults_add(sorter->faults, entry->line,
                            "`%.*s` belongs to no section; begin one before it: herd, node, "
                            "link, observer or places, without indentation",
                            TOPOLOGY_QUOTE_BYTES_MAX, entry->name);
    else if (level > 1)
        topology_faults_add(sorter->faults, entry->line,
                            "`%.*s` is indented too far; write keys with 4 blanks before them",
                            TOPOLOGY_QUOTE_BYTES_MAX, entry->name);
    if (sorter->current)
        add_key(sorter, entry);
}

static void tell_missing_keys(const struct topology_section *section,
                              struct topology_faults *faults)
{
    const struct section_kind *kind = &kinds[section->kind];
    for (size_t i = 0; i < count_keys(kind); i++) {
        if (!section->keys[i] && !kind->keys[i].optional && !section->is_doubtful)
            topology_faults_add(faults, section->line,
                                "this `%s` has no `%s`; write a line `    %s = %s`", kind->name,
                                kind->keys[i].name, kind->keys[i].name, kind->keys[i].example);
    }
}

/* Keys without a value were told: from now on they count as missing. */
static void drop_empty_keys(struct topology_section *section)
{
    for (size_t i = 0; i < SECTION_KEYS_MAX; i++) {
        if (section->keys[i] && section->keys[i]->value[0] == '\0')
            section->keys[i] = NULL;
    }
}

size_t topology_sections_sort(const struct topology_entry *entries, size_t count,
                              struct topology_section *sections, struct topology_faults *faults)
{
    struct sorter sorter = {.sections = sections, .faults = faults};
    for (size_t i = 0; i < count; i++)
        take_entry(&sorter, &entries[i]);
    for (size_t i = 0; i < sorter.count; i++) {
        tell_missing_keys(&sections[i], faults);
        drop_empty_keys(&sections[i]);
    }
    return sorter.count;
}
