/* topology_schema: every key that a topology file may have, one row each, and what its kind of
 * value may be.
 *
 * A row says how a key is named, read, shown and compared. Sentences about unknown, misspelt and
 * missing keys (topology/format/sections.h), what HUP says about it (topology/format/changes.h) and
 * `zherd schema` follow from it. What several keys have to say together is
 * topology/format/check.c's.
 *
 * Invariant: a row's field has the type that its kind reads. */
#ifndef ZHERD_TOPOLOGY_FORMAT_SCHEMA_H
#define ZHERD_TOPOLOGY_FORMAT_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/format/faults.h"

/* Of one section, with room for more. */
#define TOPOLOGY_KEYS_MAX 32
/* "(landmarks, google ...)": what topology_schema_limits writes, with its NUL. */
#define TOPOLOGY_LIMITS_BYTES_MAX 256

enum topology_section_kind {
    SECTION_HERD,
    SECTION_NODE,
    SECTION_LINK,
    SECTION_OBSERVER,
    SECTION_OPERATOR,
    SECTION_WEB,
    SECTION_PLACES,
    SECTION_KINDS,
};

struct topology_key;

/* What a value is. */
struct topology_kind {
    const char *name;
    /* Of the field; 0 where the value has none, because what it names is found by
     * topology/format/check.c. */
    size_t field_bytes;
    /* Fills the field, or leaves it as it is and adds a fault. NULL, as `same`, without a field. */
    void (*read)(const struct topology_key *key, uint32_t line, const char *value, void *field,
                 struct topology_faults *faults);
    bool (*same)(const struct topology_key *key, const void *before, const void *after);
    /* Writes which values there are, for sentences and for people. NULL: the kind's name says it.
     */
    void (*list)(const struct topology_key *key, char text[TOPOLOGY_LIMITS_BYTES_MAX]);
};

struct topology_key {
    const char *name;
    const struct topology_kind *kind;
    bool optional;
    const char *otherwise; /* the value where the file has none; NULL: the field stays all zero */
    const char *as;        /* the key, further up, whose value it then has; NULL: of none */
    int64_t min, max;      /* of a number; of a duration in milliseconds */
    /* HUP takes it at once where it is another's: it waits for the next start in one's own section
     * only. */
    bool others_at_once;
    bool at_once;               /* HUP takes it at once, whosever it is */
    bool fixed;                 /* of a node's own that runs: HUP refuses a file with another one */
    size_t offset, field_bytes; /* in the section's struct of topology/format/topology.h */
    const char *example;
    const char *meaning;
};

struct topology_schema {
    const char *name; /* of the section */
    const struct topology_key *keys;
    size_t count; /* at most TOPOLOGY_KEYS_MAX */
};

extern const struct topology_schema topology_schemas[SECTION_KINDS];

/* The number of the key of that name, which is there. */
size_t topology_schema_find(enum topology_section_kind section, const char *name);

/* Whether the key says the same in two structs of its section. One that stands for another key
 * (`as`) and is said in neither does not differ by itself. A key without a field never differs. */
bool topology_schema_same(enum topology_section_kind section, size_t number, const void *before,
                          const void *after);

/* Copies the first bytes of the value to `name` (TOPOLOGY_NAME_BYTES_MAX and a NUL), or adds a
 * fault of that line. */
bool topology_schema_take_name(uint32_t line, const char *value, size_t bytes, char *name,
                               struct topology_faults *faults);

/* What "90s", "15m", "24h" and "30d" say, in milliseconds; 0 for anything else. */
int64_t topology_schema_duration_ms(const char *value);

/* "herd, node, link, observer, operator, web or places" */
void topology_schema_list_sections(char text[TOPOLOGY_LIMITS_BYTES_MAX]);

#endif
