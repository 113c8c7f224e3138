/* Any file of access rules is refused with a line for each fault, none of which shows what may be a
 * token, or is rules that keep to their limits. Lines are taken apart in the plainest way; how ZPL
 * does it is tests/unit/load.c's. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "topology/format/access.h"

#define LINES_MAX 4096

static void add_line(struct topology_entry *entry, uint32_t number, char *line)
{
    char *name = line + strspn(line, " "), *equals = strchr(name, '=');
    *entry =
        (struct topology_entry){.line = number, .text = span_of(line), .name = name, .value = ""};
    if (name[0] == '!')
        entry->name = entry->value = NULL; /* as the ZPL reader refuses a line */
    if (name[0] == '!' || equals == NULL)
        return;
    entry->value = equals + 1 + strspn(equals + 1, " ");
    entry->text.len = (size_t)(equals - line);
    while (equals > name && equals[-1] == ' ')
        equals--;
    *equals = '\0';
}

static void check_patterns(const struct access_person *person, const struct access_patterns *list)
{
    assert(list->count <= ACCESS_PATTERNS_MAX);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct access_pattern *pattern = &list->all[i];
        size_t bytes = pattern->before_bytes + pattern->after_bytes;
        assert(bytes + pattern->has_star <= ACCESS_PATTERN_BYTES_MAX);
        assert(access_may_see(person, (struct span){pattern->text, bytes}));
        assert(!access_may_see(&access_nobody, (struct span){pattern->text, bytes}));
    }
}

static void check_rules(const struct access *access)
{
    assert(access->person_count >= 1 && access->person_count <= ACCESS_PERSONS_MAX + 1);
    assert(access->named_count == access->person_count - 1);
    for (size_t i = 0; i < access->person_count; i++) {
        const struct access_person *person = &access->persons[i];
        assert(person->rate <= ACCESS_RATE_MAX && person->until_ns > 0);
        assert(i == 0 ? person->name[0] == '\0'
                      : access_find_person(access, span_of(person->name)) == person);
        assert(access_see_alike(person, person));
        check_patterns(person, &person->be);
        check_patterns(person, &person->see);
    }
    for (size_t i = 0; i < access->token_count; i++) {
        const struct access_token *token = &access->tokens[i];
        assert(token->person > 0 && token->person < access->person_count);
        assert(access_find_again(access, token, access->persons[token->person].name) == token);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct topology_entry *entries = bytes_zeroed(LINES_MAX * sizeof *entries);
    struct topology_faults faults = {0};
    struct access access;
    char *text = strndup((const char *)bytes, count), *rest = text;
    size_t entry_count = 0;
    uint32_t number = 0;
    for (char *line; entry_count < LINES_MAX && (line = strsep(&rest, "\n")) != NULL;) {
        number++;
        if (line[strspn(line, " ")] != '\0')
            add_line(&entries[entry_count++], number, line);
    }
    bool good = access_read(entries, entry_count, &access, &faults);
    assert(good == (faults.count == 0));
    for (size_t i = 0; i < faults.count; i++) {
        char *said = faults.list[i].text;
        size_t said_bytes = strlen(said);
        assert(faults.list[i].line >= 1 && faults.list[i].line <= number);
        assert(access_hide_tokens(said, said_bytes, ACCESS_SALT_TEXT_BYTES + 1) == said_bytes);
    }
    if (good)
        check_rules(&access);
    access_free(&access);
    free(text);
    free(entries);
    return 0;
}
