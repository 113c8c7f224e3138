/* newest: of each client the newest of the IAMATs that wait for something.
 *
 * Which of two is newer is decided by their stamps, as the numbers that they are; of equal ones the
 * later put counts. It finds a client in a few steps, and gives out any entry by its number.
 *
 * Invariant: no two entries are of one client; entries have the numbers from 0 to newest_count. */
#ifndef ZHERD_GATEWAY_WEB_PARSE_NEWEST_H
#define ZHERD_GATEWAY_WEB_PARSE_NEWEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/siphash.h"

/* What there may be: whoever puts has looked at `count` and `bytes` before. */
#define NEWEST_CLIENTS_MAX ((size_t)100 * 1000)
#define NEWEST_BYTES_MAX   ((size_t)32 * 1024 * 1024)

struct newest_entry {
    uint64_t hash; /* of its client */
    size_t bytes;
    char *line;     /* with its line end; owned */
    uint32_t owner; /* as the caller said when the first of its client came */
};

/* All zero but for the key holds nothing. */
struct newest {
    uint8_t key[SIPHASH_KEY_BYTES]; /* random: keeps chosen ids from colliding */
    struct newest_entry *entries;   /* `count` without a gap */
    uint32_t *places; /* open addressing, linear probing: the number of an entry and 1, or 0 */
    size_t count, bytes;
    size_t room; /* entries there is memory for; places are twice as many */
};

/* How many of these lines are of clients that it does not hold; a client counts for each of them.
 */
size_t newest_count_unknown(const struct newest *newest, struct span lines);

/* Copies the line, or leaves what is there where that is newer. True where there was one of the
 * client already. */
bool newest_put(struct newest *newest, struct span line, uint32_t owner);

/* Borrowed until the next call of another function. */
struct span newest_line(const struct newest *newest, size_t number);

/* Forgets that entry; the last one has its number from then on. */
void newest_forget(struct newest *newest, size_t number);

void newest_free(struct newest *newest);

#endif
