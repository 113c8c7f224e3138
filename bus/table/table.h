/* table: every client's newest location: a map in which the last writer wins.
 *
 * Who is newer is location_compare_at's word alone, never the order of arrival. A client keeps its
 * slot, by whose number links speak of it, until what is known of it is below the horizon: then it
 * is freed, and the lowest free slot is the next new client's. It knows no links: how much room
 * there is for whom, its owner says (table_limit).
 *
 * All bytes that it takes count: half a MiB for the digests of ranges; records, by the chunk; both
 * indices while one replaces the other, the old one whole until all of it is moved; texts with the
 * room that they have; names of nodes; and for each client what its owner says that others keep for
 * it, which is a share set aside and not measured. What does not fit is refused, and nothing is
 * changed by that.
 *
 * Each client belongs to one of TABLE_RANGES ranges, which its id alone says, and each range has a
 * digest of its own, so that two nodes can find out where they differ.
 *
 * Invariant: the digest is the XOR of location_hash over all clients, and a range's that over the
 * clients in it; so two tables with the same locations have the same digests, whatever way
 * they came by them. */
#ifndef ZHERD_BUS_TABLE_TABLE_H
#define ZHERD_BUS_TABLE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/table/location.h"
#include "bus/table/names.h"

/* A client's range is the first TABLE_RANGE_BITS bits of its table_client_hash. */
#define TABLE_RANGE_BITS 16
#define TABLE_RANGES     (1u << TABLE_RANGE_BITS)
/* A ceiling that is so much lower is a little lower. */
#define TABLE_CEILING_NEAR_NS INT64_C(2000000000)
/* Records that table_count_above looks at. */
#define TABLE_ABOVE_SLOTS (UINT32_C(1) << 17)

/* What the slot numbers of an index can name with room to spare; memory ends long before. */
#define TABLE_CLIENTS_MAX (UINT32_C(1) << 30)

enum table_outcome {
    TABLE_NEW,     /* a client not seen before: stored */
    TABLE_NEWER,   /* newer than what was known: stored */
    TABLE_SAME,    /* known already, every byte */
    TABLE_OLDER,   /* something newer is known: nothing changed */
    TABLE_UNKNOWN, /* a client not seen before, where only known ones are wanted: nothing changed */
    /* Refused: nothing changed. */
    TABLE_FULL_CLIENTS, /* a client not seen before, and there is room for no more */
    TABLE_FULL_ORIGINS, /* one origin more than NAMES_MAX */
    TABLE_NEW_ORIGIN,   /* an origin not seen before, where only known ones are wanted */
    TABLE_FULL_BYTES,   /* the bytes that may be taken do not suffice */
    TABLE_FULL_MEMORY,  /* the system gives none */
    TABLE_EXPIRED,      /* its order time is below the horizon */
};

static inline bool table_is_refusal(enum table_outcome outcome)
{
    return outcome >= TABLE_FULL_CLIENTS;
}

/* How much there may be in all when something is put. */
struct table_room {
    uint32_t clients_max; /* at most TABLE_CLIENTS_MAX */
    uint64_t bytes_max;
};

struct table_limits {
    struct table_room own;   /* for table_put_known, table_put_unknown */
    struct table_room peers; /* for table_put */
    uint32_t beside_bytes;   /* for each client, elsewhere: counted here */
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

/* `key` (16 random bytes) keeps chosen ids from colliding (bus/base/siphash.h). There is room for
 * all that slots can number until table_limit says otherwise. What is above a limit then stays. */
struct table *table_new(const uint8_t key[16]);
void table_limit(struct table *table, const struct table_limits *limits);
/* From now on the table also knows who is near whom (bus/table/grid.h), while it is empty: at most
 * 12 bytes more a client. */
void table_make_grid(struct table *table);
bool table_has_grid(const struct table *table);
/* From now on each change of a slot is noted there, too; NULL: no more. Not owned. What a sweep
 * calls over is a change only when it is freed. */
struct changes;
void table_follow(struct table *table, struct changes *changes);
/* So many clients are to come: an empty table makes room in its index for them, so that it need not
 * grow while they do. Where there is no memory for that, it grows. */
void table_expect(struct table *table, uint64_t clients);
/* Up to where order times are believed from now on: the herd's ceiling, in nanoseconds since 1970.
 * What is above loses to everything at or below it (location_compare_at), and is otherwise as good
 * as any. A table that was never given one believes all. */
void table_set_ceiling(struct table *table, int64_t ceiling_ns);

/* ---- What is over ---- */

/* Below the horizon no order time counts: what is there is not found, not in a digest, and freed.
 * That takes steps of about a tenth of a millisecond. First they look for what will be over, while
 * it counts; then digests and horizon change in one instant; then memory and slots are freed.
 *
 * Says where the horizon, in nanoseconds since 1970, is to be; INT64_MIN, as at first: nothing is
 * over. It goes forward by table_sweep, and back at once: true if it did. While slots are freed it
 * does not move, and is to be set again. */
bool table_set_horizon(struct table *table, int64_t horizon_ns);
int64_t table_horizon_ns(const struct table *table);

/* Whether there are steps to do. */
bool table_is_sweeping(const struct table *table);
/* Does one. Which slots it freed, at most `freed_max`: whoever speaks of them is to forget them
 * before the next put. */
uint32_t table_sweep(struct table *table, uint32_t *freed, uint32_t freed_max);

/* Accepts NULL, sets the caller's pointer to NULL. */
void table_destroy(struct table **table);

/* The ref to hand to the calls below; its hash is taken once, here. */
struct table_ref table_ref(const struct table *table, struct span client);

/* Calls to be made for many clients in turn before any of them is asked for: the first brings the
 * client's place in the index into the cache, the second, by way of that place, its record, and
 * adds to the ref which one that is; the third, before a put, the digest of its range, by way of
 * the record. They change no answer, and what they get wrong costs only time. */
void table_prefetch_place(const struct table *table, struct table_ref ref);
void table_prefetch_record(const struct table *table, struct table_ref *ref);
void table_prefetch_digest(const struct table *table, struct table_ref ref);

/* The same for a slot that may be read. */
void table_prefetch_slot(const struct table *table, uint32_t slot);

/* The client's slot, or false. */
bool table_find(const struct table *table, struct span client, struct table_ref ref,
                uint32_t *slot);

/* Stores a valid location if it is newer than what is known, and says so. `*slot` is the
 * client's, except for a refusal. Allocates only for a new client or a text that is not kept in
 * numbers, and never takes a break to grow: growing is spread over the calls that follow. */
enum table_outcome table_put(struct table *table, const struct location *location,
                             struct table_ref ref, uint32_t *slot);

/* The same only where the client is not known: else TABLE_OLDER, whatever the order times are. */
enum table_outcome table_put_absent(struct table *table, const struct location *location,
                                    struct table_ref ref, uint32_t *slot);

/* The number of an origin, of which there are fewer than NAMES_MAX. Whatever it takes is there. */
uint16_t table_origin(struct table *table, struct span origin);

/* From now on table_put takes no location whose origin is not known (else TABLE_NEW_ORIGIN). One
 * becomes known by table_origin, or by table_add_origin, which says false where there is no room
 * for it. With the owner TABLE_OWNER_KEPT, as by table_origin, it stays; with another, a number
 * below, it is forgotten by a sweep that finds no client of it, as are those that came by table_put
 * alone. How many there are of such an owner says table_count_origins. */
#define TABLE_OWNER_KEPT NAMES_OWNER_KEPT
/* That of an origin that is known, else NAMES_NONE; and the name of one, borrowed until the table
 * changes. */
uint16_t table_find_origin(struct table *table, struct span origin);
struct span table_origin_name(const struct table *table, uint16_t origin);
void table_close_origins(struct table *table);
bool table_add_origin(struct table *table, struct span origin, uint16_t owner);
uint32_t table_count_origins(const struct table *table, uint16_t owner);
/* There is no such owner any more: its origins stay while some location has them. */
void table_disown_origins(struct table *table, uint16_t owner);

/* The same for a client of our own, `origin` being the number of location->origin: only a greater
 * order time is newer (else TABLE_OLDER), and only of a client that is known (else TABLE_UNKNOWN,
 * without a slot). What a client reports later wins wherever its earlier report is known, whatever
 * clocks do (the bump, rule O2): where the stamp is greater and the order time is not, it becomes
 * one more than that of what was known, in `location`, too. */
enum table_outcome table_put_known(struct table *table, struct location *location, uint16_t origin,
                                   struct table_ref ref, uint32_t *slot);
/* The same, right after table_put_known has said TABLE_UNKNOWN: nobody searches for it again. */
enum table_outcome table_put_unknown(struct table *table, struct location *location,
                                     uint16_t origin, struct table_ref ref, uint32_t *slot);

/* The tombstone takes the place of what is known of its client, which stands in the slot that is
 * live: TABLE_NEWER, or a refusal. `origin` as above. */
enum table_outcome table_put_tombstone(struct table *table, uint32_t slot,
                                       const struct location *tombstone, uint16_t origin);

/* What stands in a slot that is live. Borrows from `text` (PACKED_TEXT_BYTES_MAX bytes) and,
 * until the next table_put, from the table. */
void table_read(const struct table *table, uint32_t slot, char *text, struct location *location);

/* How often the table has changed. */
uint64_t table_changes(const struct table *table);

/* Clients: what is over is none. */
uint32_t table_count(const struct table *table);
/* Every slot that is live is below. */
uint32_t table_slots(const struct table *table);
/* Whether a client stands there: the slot is not free, nor what stands there over. */
bool table_slot_is_live(const struct table *table, uint32_t slot);
uint64_t table_digest(const struct table *table);

/* ---- Ranges ---- */

/* The hash of an id by which ranges are made: the same at all nodes, so without a key. Whoever
 * chooses ids can choose many of one range, which costs those who list that range, and not the
 * look-up, whose hash has one. */
uint64_t table_client_hash(struct span client);

/* The XOR of the digests of all ranges that begin with the `level` bits of `range`: of level 0 the
 * table's digest, of level TABLE_RANGE_BITS one range's own. Those of TABLE_BLOCK_LEVEL are kept,
 * too, so it reads at most 256 numbers. */
#define TABLE_BLOCK_LEVEL 8u
uint64_t table_range_digest(const struct table *table, unsigned level, uint32_t range);
/* All TABLE_RANGES of them, for whoever folds many. */
const uint64_t *table_ranges(const struct table *table);

/* Of a slot that is live: the range of its client, which is kept; the table_client_hash, which
 * is computed; and the location_hash of what stands there, kept, too. Whoever looks for the slots
 * of a range looks at all slots in turn, in slices: 4 million take 30 ms in all. */
uint32_t table_slot_range(const struct table *table, uint32_t slot);
uint64_t table_slot_client_hash(const struct table *table, uint32_t slot);
uint64_t table_slot_hash(const struct table *table, uint32_t slot);
/* Its id, borrowed until the table changes. */
struct span table_slot_client(const struct table *table, uint32_t slot);
/* The number of the origin of what stands there. */
uint16_t table_slot_origin(const struct table *table, uint32_t slot);
bool table_slot_is_tombstone(const struct table *table, uint32_t slot);
/* The order time of what stands there. */
int64_t table_slot_order_ns(const struct table *table, uint32_t slot);

/* How many locations were above the ceiling when they were last counted. The ceiling moves all the
 * time, so that is no number that could be kept: table_count_above looks at TABLE_ABOVE_SLOTS more
 * of the records, in about a millisecond, and has the number when it is through. It does
 * nothing while there is nothing to find: while nothing above was stored, nor found by the last
 * count, nor the ceiling set back. To be called about once a second; 4 million clients take 31
 * calls. */
uint64_t table_above(const struct table *table);
void table_count_above(struct table *table);
/* False: a little higher or lower, the ceiling would decide the same between a location of this
 * order time and whatever stands here. True: something may be above it, or this is, or nearly. */
bool table_minds_ceiling(const struct table *table, int64_t order_ns);

/* Bytes that count. */
uint64_t table_bytes(const struct table *table);

/* True while the digests are what the slots give, the bytes are what is held, and every client is
 * found in its slot. Costs the size of the table; for tests. */
bool table_is_sound(const struct table *table);

#endif
