/* topology_text: topologies written as text in a test, and the faults they must have.
 *
 * It reads lines in the plainest way, because how ZPL takes them apart is not what these tests are
 * about (tests/unit/load.c is). */
#ifndef ZHERD_TESTS_UNIT_TOPOLOGY_TEXT_H
#define ZHERD_TESTS_UNIT_TOPOLOGY_TEXT_H

#include "tests/check.h"
#include "topology/format/check.h"

/* Lines enough for the largest herd. */
#define LINES_MAX 50000

static struct topology_entry entries[LINES_MAX];
static char *texts[LINES_MAX], *words[LINES_MAX];
static size_t entry_count;
static struct topology topology;
static struct topology_faults faults;

/* The plainest reader: `name = value` or `name`, one a line; "!" before a line refuses it. */
static inline void add_line(uint32_t line, const char *from, size_t bytes)
{
    bool refused = bytes > 0 && from[0] == '!';
    char *text = strndup(from + refused, bytes - refused);
    char *word = strdup(text + strspn(text, " "));
    char *equals = strstr(word, " = ");
    struct topology_entry *entry = &entries[entry_count];
    if (equals)
        *equals = '\0';
    *entry = (struct topology_entry){.line = line, .text = {text, bytes - refused}};
    if (!refused) {
        entry->name = word;
        entry->value = equals ? equals + 3 : "";
    }
    texts[entry_count] = text;
    words[entry_count++] = word;
}

static inline bool check_text(const char *text)
{
    uint32_t line = 1;
    entry_count = 0;
    for (const char *at = text; *at; line++) {
        size_t bytes = strcspn(at, "\n");
        if (bytes > 0)
            add_line(line, at, bytes);
        at += bytes + (at[bytes] == '\n');
    }
    faults = (struct topology_faults){0};
    bool good = topology_check(entries, entry_count, &topology, &faults);
    for (size_t i = 0; i < entry_count; i++) {
        free(texts[i]);
        free(words[i]);
    }
    return good;
}

/* The text must be refused with exactly these faults, "LINE: sentence", one a line. */
static inline void check_refused(const char *text, const char *wanted)
{
    char got[8192];
    size_t used = 0;
    CHECK(!check_text(text));
    CHECK(topology.nodes == NULL && topology.links == NULL && topology.observers == NULL);
    got[0] = '\0';
    for (size_t i = 0; i < faults.count; i++)
        used += (size_t)snprintf(got + used, sizeof got - used, "%u: %s\n", faults.list[i].line,
                                 faults.list[i].text);
    CHECK_BYTES(got, strlen(got), wanted, strlen(wanted));
}

#define HERD "herd\n    name = small\n"
#define ALFORD                                                                                     \
    "node\n    name = Alford\n    clients = tcp://*:11500\n    bus = tcp://127.0.0.1:12500\n"
#define BALL "node\n    name = Ball\n    clients = tcp://*:11501\n    bus = tcp://127.0.0.1:12501\n"
#define LINK "link\n    between = Alford Ball\n"

#endif
