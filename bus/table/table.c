#include "bus/table/table.h"

#include <assert.h>
#include <stdlib.h>

#include "bus/base/simd16.h"
#include "bus/base/siphash.h"
#include "bus/base/token.h"
#include "bus/table/names.h"
#include "bus/table/record.h"

/* Records come in chunks, so none ever moves and growth copies nothing. */
#define CHUNK_RECORDS 256u
/* An index grows by a quarter when it is 17/20 full: searches stay within two lines of the cache
 * or so, at 9 to 12 bytes a client. */
#define INDEX_BUCKETS_MIN 64u
#define INDEX_FULL_OF_20  17u
/* Buckets moved from the old index to the new one at each put. Five would be enough to be done
 * before the new one is full; with more the time of two indices is shorter, but every put then
 * costs more, and where many new clients come at once they wait for one another. */
#define BUCKETS_MOVED_PER_PUT 96u
/* Moved buckets whose memory is given back at once, so that an old index shrinks while it is moved
 * and no put has to give back all of it. */
#define BUCKETS_FORGOTTEN 8192u

/* A bucket's place follows from its tag alone, so growing never touches a record. */
struct bucket {
    uint32_t tag;      /* the client's hash */
    uint32_t slot_ord; /* slot + 1; 0 for an empty bucket */
};

/* So many buckets are looked at side by side; behind the last stand as many that stay empty. */
#define GROUP_BUCKETS (4 * SIMD16_BYTES / sizeof(struct bucket))
#define GROUPS_MAX    4u

struct index {
    struct bucket *buckets;
    uint32_t count; /* 0 for no index */
};

struct table {
    uint8_t key[16];
    struct names names;
    struct record **chunks;
    uint32_t chunk_count, chunk_room;
    uint32_t count;
    uint64_t digest, changes;
    struct index now;   /* every client put since it was made, and the old ones moved so far */
    struct index old;   /* the one before, until all of it is moved */
    uint32_t moved;     /* buckets of `old` moved so far */
    uint32_t forgotten; /* of these, those whose memory was given back */
};

static_assert(LOCATION_ORIGIN_BYTES_MAX == NAMES_BYTES_MAX, "every origin is a name");

static struct index make_index(uint32_t buckets)
{
    size_t bytes = ((size_t)buckets + GROUP_BUCKETS) * sizeof(struct bucket);
    return (struct index){bytes_zeroed(bytes), buckets};
}

static struct record *record_at(const struct table *table, uint32_t slot)
{
    assert(slot < table->count);
    return &table->chunks[slot / CHUNK_RECORDS][slot % CHUNK_RECORDS];
}

struct table *table_new(const uint8_t key[16])
{
    struct table *table = bytes_zeroed(sizeof *table);
    memcpy(table->key, key, sizeof table->key);
    names_init(&table->names, key);
    table->now = make_index(INDEX_BUCKETS_MIN);
    return table;
}

void table_destroy(struct table **table_p)
{
    struct table *table = *table_p;
    if (table == NULL)
        return;
    for (uint32_t slot = 0; slot < table->count; slot++)
        record_free(record_at(table, slot));
    for (uint32_t i = 0; i < table->chunk_count; i++)
        free(table->chunks[i]);
    free(table->chunks);
    free(table->now.buckets);
    free(table->old.buckets);
    names_free(&table->names);
    free(table);
    *table_p = NULL;
}

struct table_ref table_ref(const struct table *table, struct span client)
{
    return (struct table_ref){(uint32_t)siphash(client, table->key), 0};
}

/* Where a search begins: hashes are spread over the buckets in their own order, so an index may
 * have any size, and one is moved into the next from front to back. */
static uint32_t place_of(const struct index *index, uint32_t tag)
{
    return (uint32_t)((uint64_t)tag * index->count >> 32);
}

static uint32_t behind(const struct index *index, uint32_t place)
{
    return place + 1 == index->count ? 0 : place + 1;
}

__attribute__((always_inline)) static inline bool is_of(const struct table *table, uint32_t slot,
                                                        struct span client)
{
    return token_equals(record_client(record_at(table, slot)), client);
}

/* The client's slot + 1, or 0. */
static uint32_t search(const struct table *table, const struct index *index, struct span client,
                       uint32_t hash)
{
    uint32_t at = place_of(index, hash);
    for (; index->buckets[at].slot_ord != 0; at = behind(index, at)) {
        const struct bucket *bucket = &index->buckets[at];
        if (bucket->tag == hash && is_of(table, bucket->slot_ord - 1, client))
            return bucket->slot_ord;
    }
    return 0;
}

void table_prefetch_place(const struct table *table, struct table_ref ref)
{
    const struct bucket *group = &table->now.buckets[place_of(&table->now, ref.hash)];
    __builtin_prefetch(group);
    __builtin_prefetch(group + GROUP_BUCKETS - 1);
}

void table_prefetch_slot(const struct table *table, uint32_t slot)
{
    __builtin_prefetch(record_at(table, slot));
}

/* Two buckets: eight bits for each, of which the lowest four say whether it has that tag. */
static inline uint64_t match_two(const struct bucket *buckets, uint32_t tag)
{
    simd16_fours tags = {tag, 0, tag, 0};
    return simd16_bits((simd16)((simd16_fours)simd16_load(buckets) == tags));
}

/* The first bucket of a group with that tag, or NULL. */
static inline const struct bucket *match_group(const struct bucket *group, uint32_t tag)
{
    uint64_t matches = 0;
    for (unsigned i = 0; i < GROUP_BUCKETS; i += 2)
        matches |= match_two(group + i, tag) << 8 * i;
    matches &= 0x0f * BYTES_EACH;
    return matches == 0 ? NULL : group + __builtin_ctzll(matches) / 8;
}

/* The first bucket with that tag is nearly always the client's, and nearly always in the first
 * group. Searching one after the other would end where no processor can foresee it. */
void table_prefetch_record(const struct table *table, struct table_ref *ref)
{
    const struct index *index = &table->now;
    const struct bucket *group = index->buckets + place_of(index, ref->hash);
    const struct bucket *end = index->buckets + index->count, *found = NULL;
    for (unsigned i = 0; i < GROUPS_MAX && found == NULL && group < end; i++) {
        found = match_group(group, ref->hash);
        group += GROUP_BUCKETS;
    }
    if (found == NULL || found->slot_ord == 0)
        return;
    ref->slot_ord = found->slot_ord;
    table_prefetch_slot(table, ref->slot_ord - 1);
}

/* Also whom nobody expected. Kept out of find, which is short without it. */
__attribute__((noinline)) static uint32_t look_up(const struct table *table, struct span client,
                                                  uint32_t hash)
{
    uint32_t slot_ord = search(table, &table->now, client, hash);
    if (slot_ord == 0 && table->old.count > 0)
        slot_ord = search(table, &table->old, client, hash);
    return slot_ord;
}

/* The client's slot + 1, or 0. Whatever a ref says, the record tells whose it is. */
static inline uint32_t find(const struct table *table, struct span client, struct table_ref ref)
{
    if (ref.slot_ord != 0 && is_of(table, ref.slot_ord - 1, client))
        return ref.slot_ord;
    return look_up(table, client, ref.hash);
}

bool table_find(const struct table *table, struct span client, struct table_ref ref, uint32_t *slot)
{
    uint32_t slot_ord = find(table, client, ref);
    *slot = slot_ord - 1;
    return slot_ord != 0;
}

static void enter(struct index *index, struct bucket bucket)
{
    uint32_t at = place_of(index, bucket.tag);
    while (index->buckets[at].slot_ord != 0)
        at = behind(index, at);
    index->buckets[at] = bucket;
}

/* Always up to an empty bucket. So the place of a client that is not moved yet, and all buckets
 * from there to where it stands, lie behind what was moved; and no search needs that any more. */
static void move_some(struct table *table)
{
    struct index *old = &table->old;
    for (uint32_t i = 0; table->moved < old->count; i++, table->moved++) {
        struct bucket bucket = old->buckets[table->moved];
        if (bucket.slot_ord != 0)
            enter(&table->now, bucket);
        else if (i >= BUCKETS_MOVED_PER_PUT)
            break;
    }
    if (table->moved - table->forgotten >= BUCKETS_FORGOTTEN) {
        bytes_forget(old->buckets + table->forgotten, BUCKETS_FORGOTTEN * sizeof *old->buckets);
        table->forgotten += BUCKETS_FORGOTTEN;
    }
    if (table->moved == old->count) {
        free(old->buckets);
        *old = (struct index){0};
    }
}

static void grow_if_full(struct table *table)
{
    if (table->count < (uint64_t)table->now.count * INDEX_FULL_OF_20 / 20)
        return;
    assert(table->old.count == 0);
    table->old = table->now;
    table->moved = table->forgotten = 0;
    table->now = make_index(table->old.count + table->old.count / 4);
}

static uint32_t add_record(struct table *table)
{
    uint32_t slot = table->count;
    if (slot == table->chunk_count * CHUNK_RECORDS) {
        if (table->chunk_count == table->chunk_room) {
            table->chunk_room = table->chunk_room == 0 ? 1 : 2 * table->chunk_room;
            table->chunks = bytes_resize(table->chunks, table->chunk_room * sizeof *table->chunks);
        }
        table->chunks[table->chunk_count++] =
            bytes_aligned(sizeof(struct record), CHUNK_RECORDS * sizeof(struct record));
    }
    table->count++;
    *record_at(table, slot) = (struct record){0};
    return slot;
}

/* Kept out of what is done for the clients that are known. */
__attribute__((noinline)) static enum table_outcome add(struct table *table,
                                                        const struct location *location,
                                                        uint16_t origin, uint32_t hash,
                                                        uint32_t *slot)
{
    if (table->count == TABLE_CLIENTS_MAX)
        return TABLE_FULL;
    if (table->old.count > 0)
        move_some(table);
    grow_if_full(table);
    *slot = add_record(table);
    struct record *record = record_at(table, *slot);
    record_write(record, location, origin, names_hash(&table->names, origin));
    enter(&table->now, (struct bucket){hash, *slot + 1});
    table->digest ^= record->hash;
    table->changes++;
    return TABLE_NEW;
}

__attribute__((always_inline)) static inline enum table_outcome
replace(struct table *table, struct record *record, const struct location *location,
        uint16_t origin)
{
    if (table->old.count > 0)
        move_some(table);
    table->digest ^= record->hash;
    record_write(record, location, origin, names_hash(&table->names, origin));
    table->digest ^= record->hash;
    table->changes++;
    return TABLE_NEWER;
}

uint16_t table_origin(struct table *table, struct span origin)
{
    uint16_t number = names_put(&table->names, origin);
    assert(number != NAMES_NONE);
    return number;
}

enum table_outcome table_put_later(struct table *table, const struct location *location,
                                   uint16_t origin, struct table_ref ref, uint32_t clients_max,
                                   uint32_t *slot)
{
    uint32_t slot_ord = find(table, location->client, ref);
    if (slot_ord == 0)
        return table->count < clients_max ? add(table, location, origin, ref.hash, slot)
                                          : TABLE_FULL;
    *slot = slot_ord - 1;
    struct record *record = record_at(table, *slot);
    if (location->order_ns <= record_order_ns(record))
        return TABLE_OLDER;
    return replace(table, record, location, origin);
}

/* Kept out of what nearly always needs only the order time. */
__attribute__((noinline)) static int compare(const struct table *table, uint32_t slot,
                                             const struct location *location)
{
    struct location known;
    char text[PACKED_TEXT_BYTES_MAX];
    table_read(table, slot, text, &known);
    return location_compare(location, &known);
}

/* Most clients stay with one node. */
static inline uint16_t origin_after(struct table *table, uint16_t before, struct span origin)
{
    return token_equals(names_get(&table->names, before), origin)
               ? before
               : names_put(&table->names, origin);
}

enum table_outcome table_put(struct table *table, const struct location *location,
                             struct table_ref ref, uint32_t *slot)
{
    uint32_t slot_ord = find(table, location->client, ref);
    if (slot_ord == 0) {
        uint16_t origin = names_put(&table->names, location->origin);
        return origin == NAMES_NONE ? TABLE_FULL : add(table, location, origin, ref.hash, slot);
    }
    *slot = slot_ord - 1;
    struct record *record = record_at(table, *slot);
    if (location->order_ns <= record_order_ns(record)) {
        int order = compare(table, *slot, location);
        if (order <= 0)
            return order == 0 ? TABLE_SAME : TABLE_OLDER;
    }
    uint16_t origin = origin_after(table, record->origin, location->origin);
    return origin == NAMES_NONE ? TABLE_FULL : replace(table, record, location, origin);
}

void table_read(const struct table *table, uint32_t slot, char *text, struct location *location)
{
    const struct record *record = record_at(table, slot);
    record_read(record, text, location);
    location->origin = names_get(&table->names, record->origin);
}

uint64_t table_changes(const struct table *table)
{
    return table->changes;
}

uint32_t table_count(const struct table *table)
{
    return table->count;
}

uint64_t table_digest(const struct table *table)
{
    return table->digest;
}

bool table_is_sound(const struct table *table)
{
    uint64_t digest = 0;
    for (uint32_t slot = 0; slot < table->count; slot++) {
        struct location location;
        char text[PACKED_TEXT_BYTES_MAX];
        table_read(table, slot, text, &location);
        digest ^= location_hash(&location);
        uint32_t hash = table_ref(table, location.client).hash;
        if (!location_is_valid(&location) || look_up(table, location.client, hash) != slot + 1)
            return false;
    }
    return digest == table->digest;
}
