/* table: every client's newest location: a map in which the last writer wins.
 *
 * Who is newer is location_compare's word alone, never the order of arrival. Nothing is ever
 * removed, so a client keeps its slot number for ever and links speak of slots. It knows no
 * links and refuses nobody: how many clients are enough is flood's business.
 *
 * Invariant: the digest is the XOR of location_hash over all slots, so two tables with the same
 * locations have the same digest, whatever way they came by them. */
#ifndef ZHERD_BUS_TABLE_TABLE_H
#define ZHERD_BUS_TABLE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/table/location.h"

/* What the slot numbers of an index can name with room to spare; memory ends long before. */
#define TABLE_CLIENTS_MAX (UINT32_C(1) << 30)

enum table_outcome {
    TABLE_NEW,   /* a client not seen before: stored */
    TABLE_NEWER, /* newer than what was known: stored */
    TABLE_SAME,  /* known already, every byte */
    TABLE_OLDER, /* something newer is known: nothing changed */
    TABLE_FULL,  /* one client more than TABLE_CLIENTS_MAX, or one origin more than NAMES_MAX */
};

struct table;

/* What is known of a client before it is asked for: its hash, which in one table is always the
 * same, and where it seems to be. A table gives it and takes it back, for it alone knows what it
 * means; others carry it from one call to the next. It is no answer: whatever it says, the table
 * looks whose record that is. */
struct table_ref {
    uint32_t hash;
    uint32_t slot_ord; /* slot + 1; 0: that is still to be found out */
};

/* `key` (16 random bytes) keeps chosen ids from colliding (bus/base/siphash.h). */
struct table *table_new(const uint8_t key[16]);
/* Accepts NULL, sets the caller's pointer to NULL. */
void table_destroy(struct table **table);

/* The ref to hand to the calls below; its hash is taken once, here. */
struct table_ref table_ref(const struct table *table, struct span client);

/* Two calls to be made for many clients in turn before any of them is asked for: the first brings
 * the client's place in the index into the cache, the second, by way of that place, its record, and
 * adds to the ref which one that is. They change no answer, and what they get wrong costs only
 * time. */
void table_prefetch_place(const struct table *table, struct table_ref ref);
void table_prefetch_record(const struct table *table, struct table_ref *ref);

/* The same for a slot below table_count that is to be read. */
void table_prefetch_slot(const struct table *table, uint32_t slot);

/* The client's slot, or false. */
bool table_find(const struct table *table, struct span client, struct table_ref ref,
                uint32_t *slot);

/* Stores a valid location if it is newer than what is known, and says so. `*slot` is the
 * client's, except for TABLE_FULL. Allocates only for a new client or a text that is not kept in
 * numbers, and never takes a break to grow: growing is spread over the calls that follow. */
enum table_outcome table_put(struct table *table, const struct location *location,
                             struct table_ref ref, uint32_t *slot);

/* The number of an origin, of which there are fewer than NAMES_MAX. */
uint16_t table_origin(struct table *table, struct span origin);

/* The same for a client of our own, `origin` being the number of location->origin: only a greater
 * order time is newer (else TABLE_OLDER), and a client not seen before is one too many (TABLE_FULL)
 * where `clients_max` are known. */
enum table_outcome table_put_later(struct table *table, const struct location *location,
                                   uint16_t origin, struct table_ref ref, uint32_t clients_max,
                                   uint32_t *slot);

/* What stands in a slot below table_count. Borrows from `text` (PACKED_TEXT_BYTES_MAX bytes) and,
 * until the next table_put, from the table. */
void table_read(const struct table *table, uint32_t slot, char *text, struct location *location);

/* How often the table has changed. */
uint64_t table_changes(const struct table *table);

uint32_t table_count(const struct table *table);
uint64_t table_digest(const struct table *table);

/* True while the digest is what the slots give and every client is found in its slot. Costs the
 * size of the table; for tests. */
bool table_is_sound(const struct table *table);

#endif
