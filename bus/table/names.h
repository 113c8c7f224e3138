/* names: each name once, as a small number.
 *
 * A herd has a handful of nodes and millions of locations; each location holds two bytes instead
 * of its origin's name. Names are never forgotten: it is for names of nodes, not of clients.
 *
 * Invariant: a number, once given, means the same name for ever. */
#ifndef ZHERD_BUS_TABLE_NAMES_H
#define ZHERD_BUS_TABLE_NAMES_H

#include <assert.h>
#include <stdint.h>

#include "bus/base/bytes.h"

/* All that two bytes can number, less NAMES_NONE. */
#define NAMES_MAX       65535
#define NAMES_NONE      UINT16_MAX
#define NAMES_BYTES_MAX 63

struct name {
    uint64_t hash;
    uint8_t bytes;
    char text[NAMES_BYTES_MAX];
};

struct names {
    struct name *all; /* by number */
    uint32_t count, room;
    uint16_t last;   /* the number that was given last, while there is any */
    uint16_t *index; /* open addressing by hash: number + 1, 0 for nobody */
    uint8_t key[16];
};

/* `key` keeps chosen names from colliding. */
void names_init(struct names *names, const uint8_t key[16]);
void names_free(struct names *names);

/* The number of `name` (1 to NAMES_BYTES_MAX bytes), a new one if need be; NAMES_NONE when there
 * are NAMES_MAX others already. */
uint16_t names_put(struct names *names, struct span name);

/* Borrowed until the next names_put. */
static inline struct span names_get(const struct names *names, uint16_t number)
{
    assert(number < names->count);
    return (struct span){names->all[number].text, names->all[number].bytes};
}

/* Its location_hash_origin, computed once. */
static inline uint64_t names_hash(const struct names *names, uint16_t number)
{
    assert(number < names->count);
    return names->all[number].hash;
}

#endif
