/* topology_sections: the lines of a topology file, sorted into sections and their keys, and what is
 * written into them or taken out.
 *
 * It knows what a line must look like, and from topology/format/schema.h which sections and keys
 * there are. It does not know what they mean together: topology/format/check.c does. */
#ifndef ZHERD_TOPOLOGY_FORMAT_SECTIONS_H
#define ZHERD_TOPOLOGY_FORMAT_SECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "topology/format/faults.h"
#include "topology/format/schema.h"

/* One line of the file that is not blank. */
struct topology_entry {
    uint32_t line;     /* counted from 1 */
    struct span text;  /* the whole line, without LF */
    const char *name;  /* "" for a comment; NULL where the ZPL reader refused the line */
    const char *value; /* "" without one; NULL with the name */
};

struct topology_section {
    enum topology_section_kind kind;
    uint32_t line;
    bool is_doubtful; /* one of its lines could not be read */
    /* By the numbers of their rows in the schema; NULL where missing. */
    const struct topology_entry *entries[TOPOLOGY_KEYS_MAX];
};

/* Writes at most `count` sections, borrowing from the entries, and returns how many. A key that is
 * there has a value. Every fault is reported; what is misspelt by a letter or two is taken for what
 * was meant, and an unknown section is left out with all its keys. */
size_t topology_sections_sort(const struct topology_entry *entries, size_t count,
                              struct topology_section *sections, struct topology_faults *faults);

/* For other files of the same form: what is wrong with the line itself, or NULL; and how far it is
 * indented, 0 for a section and 1 for a key. Blanks that are not a multiple of 4, which is a fault
 * of the line, are taken for the level they are closest to. */
const char *topology_sections_line_fault(const struct topology_entry *entry);
size_t topology_sections_level(const struct topology_entry *entry);

/* The line of a key, which the schema has, or NULL. */
const struct topology_entry *topology_sections_find(const struct topology_section *section,
                                                    const char *key);

/* Fills the fields of the section's struct (topology/format/topology.h), which is all zero, from
 * its keys. What a value may not be is a fault, and its field stays as if the key was not there. */
void topology_sections_read(const struct topology_section *section, void *fields,
                            struct topology_faults *faults);

/* Writes `    key = value` into the section that begins in line `section` (from 1) of the text:
 * in place of the first line of that key, or after the last line of the section that says
 * something. Where it adds a line, later lines move down by one. Every other byte stays: comments,
 * order and line ends are their writer's. */
void topology_sections_set(struct buffer *text, uint32_t section, const char *key,
                           const char *value);

/* Takes the section of line `section` (from 1) out of the text, from that line to its last one that
 * says something. Later lines move up. */
void topology_sections_remove(struct buffer *text, uint32_t section);

#endif
