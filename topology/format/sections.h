/* topology_sections: the lines of a topology file, sorted into sections and their keys.
 *
 * It knows which sections and keys there are, and what a line must look like. It does not know
 * what a value means: topology/format/check.c does. */
#ifndef ZHERD_TOPOLOGY_FORMAT_SECTIONS_H
#define ZHERD_TOPOLOGY_FORMAT_SECTIONS_H

#include "topology/format/check.h"

#define SECTION_KEYS_MAX 14

enum topology_section_kind {
    SECTION_HERD,
    SECTION_NODE,
    SECTION_LINK,
    SECTION_OBSERVER,
    SECTION_PLACES,
    SECTION_KINDS,
};

/* Places of the keys within struct topology_section. */
enum {
    HERD_NAME = 0,
    HERD_KEYS = 1,
    HERD_INSECURE = 2,
    NODE_NAME = 0,
    NODE_CLIENTS = 1,
    NODE_BUS = 2,
    NODE_BUS_AT = 3,
    NODE_PUBLIC_KEY = 4,
    LINK_BETWEEN = 0,
    OBSERVER_NAME = 0,
    OBSERVER_OF = 1,
    OBSERVER_BUS = 2,
    OBSERVER_BUS_AT = 3,
    OBSERVER_PUBLIC_KEY = 4,
    PLACES_GATEWAYS = 0,
    PLACES_WORKERS = 1,
    PLACES_GATEWAYS_AT = 2,
    PLACES_WORKERS_AT = 3,
    PLACES_PROVIDER = 4,
    PLACES_URL = 5,
    PLACES_KEY_FILE = 6,
    PLACES_FALLBACK = 7,
    PLACES_FALLBACK_URL = 8,
    PLACES_GRID_M = 9,
    PLACES_CACHE_S = 10,
    PLACES_BUDGET = 11,
    PLACES_DATABASE = 12,
    PLACES_PUBLIC_KEY = 13,
};

struct topology_section {
    enum topology_section_kind kind;
    uint32_t line;
    bool is_doubtful;                                    /* one of its lines could not be read */
    const struct topology_entry *keys[SECTION_KEYS_MAX]; /* NULL where missing */
};

/* Writes at most `count` sections, borrowing from the entries, and returns how many. A key that
 * is there has a value. Every fault is told; what is misspelt by a letter or two is taken for
 * what was meant, and an unknown section is left out with all its keys. */
size_t topology_sections_sort(const struct topology_entry *entries, size_t count,
                              struct topology_section *sections, struct topology_faults *faults);

/* The name of a key, as in the file. */
const char *topology_sections_key(enum topology_section_kind kind, size_t key);

#endif
