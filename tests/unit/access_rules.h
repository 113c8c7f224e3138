/* access_rules: rules of access written as text in a test.
 *
 * It reads lines in the plainest way; what a file may look like is tests/unit/access.c's. */
#ifndef ZHERD_TESTS_UNIT_ACCESS_RULES_H
#define ZHERD_TESTS_UNIT_ACCESS_RULES_H

#include "tests/check.h"
#include "topology/format/access.h"

/* Lines of a file, as topology/load.c has them. */
static inline struct access rules_of(const char *text)
{
    struct topology_entry entries[64];
    struct topology_faults faults = {0};
    struct access access;
    size_t count = 0;
    char *copy = strdup(text), *rest = copy;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        char *name = line + strspn(line, " "), *equals = strstr(line, " = ");
        if (*line == '\0')
            continue;
        entries[count] = (struct topology_entry){
            .line = (uint32_t)count + 1, .text = span_of(line), .name = name, .value = ""};
        if (equals != NULL) {
            entries[count].value = equals + 3;
            entries[count].text.len = (size_t)(equals - line);
            *equals = '\0';
        }
        count++;
    }
    CHECK(access_read(entries, count, &access, &faults));
    if (faults.count > 0)
        printf("    %u: %s\n", faults.list[0].line, faults.list[0].text);
    free(copy);
    return access;
}

#endif
