#include "topology/format/sections.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SPACES_PER_LEVEL 4

/* What the sorting knows between two lines. */
struct sorter {
    struct topology_section *sections;
    size_t count;
    struct topology_section *current; /* NULL before the first section and within an unknown one */
    bool any;                         /* a section, known or not, has begun */
    struct topology_faults *faults;
};

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

const char *topology_sections_line_fault(const struct topology_entry *entry)
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

size_t topology_sections_level(const struct topology_entry *entry)
{
    return (count_spaces(entry->text) + SPACES_PER_LEVEL / 2) / SPACES_PER_LEVEL;
}

static void tell_unknown_section(struct sorter *sorter, const struct topology_entry *entry,
                                 const char *meant)
{
    char all[TOPOLOGY_LIMITS_BYTES_MAX];
    topology_schema_list_sections(all);
    topology_faults_add(sorter->faults, entry->line, "there is no section `%.*s`; write %s",
                        TOPOLOGY_QUOTE_BYTES_MAX, entry->name, meant ? meant : all);
}

static void tell_no_section(struct sorter *sorter, const struct topology_entry *entry)
{
    char all[TOPOLOGY_LIMITS_BYTES_MAX];
    topology_schema_list_sections(all);
    topology_faults_add(sorter->faults, entry->line,
                        "`%.*s` belongs to no section; begin one before it: %s, without "
                        "indentation",
                        TOPOLOGY_QUOTE_BYTES_MAX, entry->name, all);
}

/* A misspelt name is reported, and then taken for the one that was meant, so that it brings no
 * other faults with it. */
static void begin_section(struct sorter *sorter, const struct topology_entry *entry)
{
    struct topology_nearest nearest = {.word = entry->name};
    for (size_t i = 0; i < SECTION_KINDS; i++)
        topology_nearest_offer(&nearest, topology_schemas[i].name);
    if (!nearest.best || strcmp(nearest.best, entry->name) != 0)
        tell_unknown_section(sorter, entry, nearest.best);
    else if (entry->value[0] != '\0')
        topology_faults_add(sorter->faults, entry->line,
                            "the section `%s` takes no value; write its keys on the lines below, "
                            "indented by 4 blanks",
                            entry->name);
    sorter->any = true;
    sorter->current = NULL;
    for (size_t i = 0; nearest.best && i < SECTION_KINDS; i++) {
        if (nearest.best == topology_schemas[i].name) {
            sorter->current = &sorter->sections[sorter->count++];
            *sorter->current = (struct topology_section){.kind = (enum topology_section_kind)i,
                                                         .line = entry->line};
        }
    }
}

static void tell_unknown_key(struct sorter *sorter, const struct topology_entry *entry,
                             const char *meant)
{
    const struct topology_schema *schema = &topology_schemas[sorter->current->kind];
    char all[TOPOLOGY_FAULT_BYTES_MAX] = "";
    for (size_t i = 0; i < schema->count; i++) {
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i > 0 ? ", " : "", schema->keys[i].name);
    }
    topology_faults_add(sorter->faults, entry->line, "`%s` has no key `%.*s`; write %s%s",
                        schema->name, TOPOLOGY_QUOTE_BYTES_MAX, entry->name, meant ? "" : "only ",
                        meant ? meant : all);
}

static void add_key(struct sorter *sorter, const struct topology_entry *entry)
{
    struct topology_section *section = sorter->current;
    const struct topology_schema *schema = &topology_schemas[section->kind];
    struct topology_nearest nearest = {.word = entry->name};
    for (size_t i = 0; i < schema->count; i++)
        topology_nearest_offer(&nearest, schema->keys[i].name);
    if (!nearest.best || strcmp(nearest.best, entry->name) != 0)
        tell_unknown_key(sorter, entry, nearest.best);
    if (!nearest.best)
        return;
    size_t number = topology_schema_find(section->kind, nearest.best);
    const struct topology_key *key = &schema->keys[number];
    if (section->entries[number])
        topology_faults_add(sorter->faults, entry->line,
                            "`%s` stands in line %u already; write it once in a `%s`", key->name,
                            section->entries[number]->line, schema->name);
    else if (entry->value[0] == '\0')
        topology_faults_add(sorter->faults, entry->line, "`%s` has no value; write `%s = %s`",
                            key->name, key->name, key->example);
    if (!section->entries[number])
        section->entries[number] = entry;
}

static void take_entry(struct sorter *sorter, const struct topology_entry *entry)
{
    const char *fault = topology_sections_line_fault(entry);
    if (fault) {
        topology_faults_add(sorter->faults, entry->line, "%s", fault);
        if (sorter->current)
            sorter->current->is_doubtful = true;
    }
    if (!entry->name || entry->name[0] == '\0')
        return;

    size_t level = topology_sections_level(entry);
    if (level == 0) {
        begin_section(sorter, entry);
        return;
    }
    if (!sorter->any)
        tell_no_section(sorter, entry);
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
    const struct topology_schema *schema = &topology_schemas[section->kind];
    for (size_t i = 0; i < schema->count; i++) {
        const struct topology_key *key = &schema->keys[i];
        if (!section->entries[i] && !key->optional && !section->is_doubtful)
            topology_faults_add(faults, section->line,
                                "this `%s` has no `%s`; write a line `    %s = %s`", schema->name,
                                key->name, key->name, key->example);
    }
}

/* Keys without a value were reported before: from now on they count as missing. */
static void drop_empty_keys(struct topology_section *section)
{
    for (size_t i = 0; i < TOPOLOGY_KEYS_MAX; i++) {
        if (section->entries[i] && section->entries[i]->value[0] == '\0')
            section->entries[i] = NULL;
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

const struct topology_entry *topology_sections_find(const struct topology_section *section,
                                                    const char *key)
{
    return section->entries[topology_schema_find(section->kind, key)];
}

/* What counts where the file does not say it, and then what it says. */
static void read_key(const struct topology_section *section, size_t number, char *fields,
                     struct topology_faults *faults)
{
    const struct topology_key *rows = topology_schemas[section->kind].keys, *key = &rows[number];
    const struct topology_entry *entry = section->entries[number];
    assert(key->field_bytes == key->kind->field_bytes);
    if (key->as) {
        const struct topology_key *as = &rows[topology_schema_find(section->kind, key->as)];
        assert(as->kind == key->kind && as < key);
        memcpy(fields + key->offset, fields + as->offset, key->field_bytes);
    }
    if (key->otherwise)
        key->kind->read(key, section->line, key->otherwise, fields + key->offset, faults);
    if (entry)
        key->kind->read(key, entry->line, entry->value, fields + key->offset, faults);
}

void topology_sections_read(const struct topology_section *section, void *fields,
                            struct topology_faults *faults)
{
    const struct topology_schema *schema = &topology_schemas[section->kind];
    for (size_t i = 0; i < schema->count; i++)
        if (schema->keys[i].kind->read)
            read_key(section, i, fields, faults);
}

/* ---- the text, changed ---- */

static struct span line_at(const struct buffer *text, size_t from)
{
    const char *at = text->data + from, *newline = memchr(at, '\n', text->len - from);
    return (struct span){at, newline ? (size_t)(newline - at) + 1 : text->len - from};
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static size_t count_blanks(struct span line)
{
    size_t blanks = 0;
    while (blanks < line.len && is_blank(line.data[blanks]))
        blanks++;
    return blanks;
}

/* Neither blank nor only a comment. */
static bool says_something(struct span line)
{
    size_t blanks = count_blanks(line);
    return blanks < line.len && line.data[blanks] != '#';
}

static bool is_key(struct span line, const char *key)
{
    size_t blanks = count_blanks(line), bytes = strlen(key);
    if (line.len <= blanks + bytes || memcmp(line.data + blanks, key, bytes) != 0)
        return false;
    char after = line.data[blanks + bytes];
    return after == '=' || is_blank(after);
}

static size_t find_section(const struct buffer *text, uint32_t section)
{
    size_t from = 0;
    for (uint32_t line = 1; line < section; line++)
        from += line_at(text, from).len;
    assert(from < text->len);
    return from;
}

/* Puts the pieces in place of `bytes` bytes at `from`. */
static void splice(struct buffer *text, size_t from, size_t bytes, const char *const *pieces,
                   size_t count)
{
    struct buffer spliced = {0};
    buffer_append(&spliced, (struct span){text->data, from});
    for (size_t i = 0; i < count; i++)
        buffer_append(&spliced, span_of(pieces[i]));
    buffer_append(&spliced, (struct span){text->data + from + bytes, text->len - from - bytes});
    buffer_free(text);
    *text = spliced;
}

void topology_sections_set(struct buffer *text, uint32_t section, const char *key,
                           const char *value)
{
    size_t from = find_section(text, section);
    struct span line = line_at(text, from);
    bool carriage = line.len > 1 && line.data[line.len - 2] == '\r';
    size_t after = from + line.len, replaced = 0; /* where the key goes, and in place of what */
    for (size_t at = after; at < text->len; at += line.len) {
        line = line_at(text, at);
        if (!says_something(line))
            continue;
        if (count_blanks(line) == 0)
            break;
        after = at + line.len;
        if (is_key(line, key)) {
            replaced = line.len;
            after = at;
            break;
        }
    }
    bool needs_newline = after > 0 && text->data[after - 1] != '\n';
    const char *end = carriage ? "\r\n" : "\n";
    const char *pieces[] = {needs_newline ? end : "", "    ", key, " = ", value, end};
    splice(text, after, replaced, pieces, sizeof pieces / sizeof *pieces);
}

void topology_sections_remove(struct buffer *text, uint32_t section)
{
    size_t from = find_section(text, section), end = from + line_at(text, from).len;
    for (size_t at = end; at < text->len;) {
        struct span line = line_at(text, at);
        if (says_something(line) && count_blanks(line) == 0)
            break;
        at += line.len;
        if (says_something(line))
            end = at;
    }
    splice(text, from, end - from, NULL, 0);
}
