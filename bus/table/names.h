/* names: each name once, as a small number.
 *
 * A herd has a handful of nodes and millions of locations; each location holds two bytes instead
 * of its origin's name. It is for names of nodes, not of clients.
 *
 * Invariant: a number, once given, means the same name until names_keep takes it back, which it
 * does with no name whose owner is NAMES_OWNER_KEPT. */
#ifndef ZHERD_BUS_TABLE_NAMES_H
#define ZHERD_BUS_TABLE_NAMES_H

#include <assert.h>
#include <stdint.h>

#include "bus/base/allowance.h"
#include "bus/base/bytes.h"

/* All that two bytes can number, less NAMES_NONE. */
#define NAMES_MAX       65535
#define NAMES_NONE      UINT16_MAX
#define NAMES_BYTES_MAX 63

/* The owner of a name that stays, and of one that nobody asked for by itself. */
#define NAMES_OWNER_KEPT   UINT16_MAX
#define NAMES_OWNER_NOBODY (UINT16_MAX - 1)

struct name {
    uint64_t hash;
    uint16_t owner;
    uint8_t bytes; /* 0: its number is free */
    char text[NAMES_BYTES_MAX];
};

struct names {
    struct name *all;     /* by number */
    uint32_t count, room; /* numbers given, free ones among them */
    uint32_t free_count;
    uint16_t last;   /* the number that was given last, while there is any */
    uint16_t *index; /* open addressing by hash: number + 1, 0 for nobody */
    uint8_t key[16];
};

/* `key` keeps chosen names from colliding. */
void names_init(struct names *names, const uint8_t key[16]);
void names_free(struct names *names);

/* The number of `name` (1 to NAMES_BYTES_MAX bytes), a new one if need be, the lowest that is free;
 * NAMES_NONE when there are NAMES_MAX others already, or the allowance refuses the memory. A new
 * one is NAMES_OWNER_NOBODY's. */
uint16_t names_put(struct names *names, struct span name, struct allowance *allowance);

/* Whose it is from now on; a name that is kept stays so. */
void names_own(struct names *names, uint16_t number, uint16_t owner);

/* What that owner has is nobody's. */
void names_disown(struct names *names, uint16_t owner);

/* How many names that owner has. */
uint32_t names_count_of(const struct names *names, uint16_t owner);

/* Takes back the numbers of all names that nobody keeps and that have no bit in `used`. */
void names_keep(struct names *names, const uint64_t *used);

/* The number of `name`, or NAMES_NONE where it has none. */
uint16_t names_find(struct names *names, struct span name);

/* Bytes that it holds from the start, which no allowance counts. */
#define NAMES_INDEX_BYTES (2u * 65536u * sizeof(uint16_t))

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
