/* peer_directory: a node's peers by name, and whose a routing id is.
 *
 * A routing id is a name, a NUL and a number, of which the first half is drawn for each socket and
 * the second half once by each process: a ROUTER takes a second connection of one routing id for
 * the first one's successor, and so no other process of that name can push its connections aside
 * unnoticed. Both are heard, and the flood distinguishes them by their incarnations. A routing id
 * proves nothing: any process that connects may claim any.
 *
 * Invariant: once sorted, no two members have one name. */
#ifndef ZHERD_BUS_LINK_PEER_DIRECTORY_H
#define ZHERD_BUS_LINK_PEER_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/table/location.h"

#define PEER_DIRECTORY_NUMBER_BYTES  8
#define PEER_DIRECTORY_PROCESS_BYTES 4
#define PEER_DIRECTORY_ID_BYTES_MAX  (LOCATION_ORIGIN_BYTES_MAX + 1 + PEER_DIRECTORY_NUMBER_BYTES)

struct peer_directory_member {
    char name[LOCATION_ORIGIN_BYTES_MAX + 1];
    size_t name_bytes;
    size_t peer; /* how many were added before */
};

struct peer_directory {
    struct peer_directory_member *members;
    size_t count;
};

/* An empty directory with room for `members_max`. */
void peer_directory_make(struct peer_directory *directory, size_t members_max);
void peer_directory_free(struct peer_directory *directory);

/* Copies the name, which is 1 to LOCATION_ORIGIN_BYTES_MAX bytes long. */
void peer_directory_add(struct peer_directory *directory, const char *name);
/* After the last was added, before the first is looked for. */
void peer_directory_sort(struct peer_directory *directory);

/* The member whose name is in the routing id, which may come without a number, or NULL. */
const struct peer_directory_member *peer_directory_find(const struct peer_directory *directory,
                                                        struct span id);

/* The routing id without its number, if it has one. */
struct span peer_directory_name(struct span id);

/* What the number says of the process: equal for all connections of one, and 0 without a number. */
uint32_t peer_directory_process(struct span id);

/* Writes the routing id of that name and number; its size. */
size_t peer_directory_write_id(const char *name, const uint8_t number[PEER_DIRECTORY_NUMBER_BYTES],
                               char id[PEER_DIRECTORY_ID_BYTES_MAX]);

#endif
