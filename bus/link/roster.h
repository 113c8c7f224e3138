/* roster: a node's peers by name, and whose a routing id is.
 *
 * A routing id is a name, a NUL and a number, of which the first half is drawn for each socket and
 * the second half once by each process: a ROUTER takes a second connection of one routing id for
 * the first one's successor, and so nobody else who bears the name can push its connections aside
 * unnoticed. Both are heard, and the flood tells them apart by their incarnations. A routing id
 * proves nothing: whoever connects may claim any.
 *
 * Invariant: once sorted, no two members have one name. */
#ifndef ZHERD_BUS_LINK_ROSTER_H
#define ZHERD_BUS_LINK_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/table/location.h"

#define ROSTER_NUMBER_BYTES  8
#define ROSTER_PROCESS_BYTES 4
#define ROSTER_ID_BYTES_MAX  (LOCATION_ORIGIN_BYTES_MAX + 1 + ROSTER_NUMBER_BYTES)

struct roster_member {
    char name[LOCATION_ORIGIN_BYTES_MAX + 1];
    size_t name_bytes;
    size_t peer; /* how many were added before */
};

struct roster {
    struct roster_member *members;
    size_t count;
};

/* An empty roster with room for so many. False without memory. */
bool roster_make(struct roster *roster, size_t members_max);
void roster_free(struct roster *roster);

/* Copies the name, which is 1 to LOCATION_ORIGIN_BYTES_MAX bytes long. */
void roster_add(struct roster *roster, const char *name);
/* After the last was added, before the first is looked for. */
void roster_sort(struct roster *roster);

/* The member whose name is in the routing id, which may come without a number, or NULL. */
const struct roster_member *roster_find(const struct roster *roster, struct span id);

/* The routing id without its number, if it has one. */
struct span roster_name(struct span id);

/* What the number says of the process: equal for all connections of one, and 0 without a number. */
uint32_t roster_process(struct span id);

/* Writes the routing id of that name and number; its size. */
size_t roster_write_id(const char *name, const uint8_t number[ROSTER_NUMBER_BYTES],
                       char id[ROSTER_ID_BYTES_MAX]);

#endif
