#include "bus/table.h"

#include <assert.h>
#include <sodium/crypto_shorthash.h>
#include <stdlib.h>

#include "bus/names.h"

/* Records come in chunks, so none ever moves and growth copies nothing. */
#define CHUNK_RECORDS 256u
/* An index is at most three quarters full: short searches at 11 bytes a client. */
#define INDEX_BUCKETS_MIN 64u
/* Buckets moved from the old index to the new one at each put. Two would be enough to be done
 * before the new one is full; with 16 the time of two indices is short. */
#define BUCKETS_MOVED_PER_PUT 16u
/* Texts are given room in such steps, so that a digit more needs no new memory. */
#define TEXT_STEP_BYTES 16u
/* Room that is more than this many times too large is given back. */
#define TEXT_WASTE_MAX 4u

struct record {
    int64_t order_ns;
    int64_t difference_ns;
    char *text;    /* client, position, stamp, one behind the other */
    uint32_t room; /* bytes behind `text` */
    uint16_t client_bytes, position_bytes, stamp_bytes;
    uint16_t origin; /* number in `names` */
};

/* A bucket's place follows from its tag alone, so growing never touches a record. */
struct bucket {
    uint32_t tag;      /* the client's hash */
    uint32_t slot_ord; /* slot + 1; 0 for an empty bucket */
};

struct index {
    struct bucket *buckets;
    uint32_t count; /* a power of two, or 0 for no index */
};

struct table {
    uint8_t key[16];
    struct names names;
    struct record **chunks;
    uint32_t chunk_count, chunk_room;
    uint32_t count;
    uint64_t digest;
    struct index now; /* every client put since it was made, and the old ones moved so far */
    struct index old; /* the one before, until all of it is moved */
    uint32_t moved;   /* buckets of `old` moved so far */
};

static_assert(LOCATION_TEXT_BYTES_MAX - 2 <= UINT16_MAX, "a text's parts are counted in 16 bits");
static_assert(LOCATION_ORIGIN_BYTES_MAX == NAMES_BYTES_MAX, "every origin is a name");

static struct index make_index(uint32_t buckets)
{
    return (struct index){bytes_zeroed(buckets * sizeof(struct bucket)), buckets};
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
        free(record_at(table, slot)->text);
    for (uint32_t i = 0; i < table->chunk_count; i++)
        free(table->chunks[i]);
    free(table->chunks);
    free(table->now.buckets);
    free(table->old.buckets);
    names_free(&table->names);
    free(table);
    *table_p = NULL;
}

uint32_t table_hash(const struct table *table, struct span client)
{
    uint64_t hash;
    static_assert(sizeof hash == crypto_shorthash_BYTES, "a hash is 8 bytes");
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)client.at, client.bytes,
                     table->key);
    return (uint32_t)hash;
}

static bool holds(const struct table *table, uint32_t slot, struct span client)
{
    const struct record *record = record_at(table, slot);
    return span_equals((struct span){record->text, record->client_bytes}, client);
}

static bool search(const struct table *table, const struct index *index, struct span client,
                   uint32_t hash, uint32_t *slot)
{
    uint32_t mask = index->count - 1;
    for (uint32_t at = hash & mask; index->buckets[at].slot_ord != 0; at = (at + 1) & mask) {
        const struct bucket *bucket = &index->buckets[at];
        if (bucket->tag == hash && holds(table, bucket->slot_ord - 1, client)) {
            *slot = bucket->slot_ord - 1;
            return true;
        }
    }
    return false;
}

bool table_find(const struct table *table, struct span client, uint32_t hash, uint32_t *slot)
{
    return search(table, &table->now, client, hash, slot) ||
           (table->old.count > 0 && search(table, &table->old, client, hash, slot));
}

static void enter(struct index *index, struct bucket bucket)
{
    uint32_t mask = index->count - 1;
    uint32_t at = bucket.tag & mask;
    while (index->buckets[at].slot_ord != 0)
        at = (at + 1) & mask;
    index->buckets[at] = bucket;
}

/* The old index keeps its buckets while it is moved: searches in it must not meet gaps. */
static void move_some(struct table *table)
{
    if (table->old.count == 0)
        return;
    for (unsigned i = 0; i < BUCKETS_MOVED_PER_PUT && table->moved < table->old.count; i++) {
        struct bucket bucket = table->old.buckets[table->moved++];
        if (bucket.slot_ord != 0)
            enter(&table->now, bucket);
    }
    if (table->moved == table->old.count) {
        free(table->old.buckets);
        table->old = (struct index){0};
    }
}

static void grow_if_full(struct table *table)
{
    if (table->count < table->now.count / 4 * 3)
        return;
    assert(table->old.count == 0);
    table->old = table->now;
    table->moved = 0;
    table->now = make_index(2 * table->old.count);
}

static uint32_t add_record(struct table *table)
{
    uint32_t slot = table->count;
    if (slot == table->chunk_count * CHUNK_RECORDS) {
        if (table->chunk_count == table->chunk_room) {
            table->chunk_room = table->chunk_room == 0 ? 1 : 2 * table->chunk_room;
            table->chunks = bytes_resize(table->chunks, table->chunk_room * sizeof *table->chunks);
        }
        table->chunks[table->chunk_count++] = bytes_zeroed(CHUNK_RECORDS * sizeof(struct record));
    }
    table->count++;
    return slot;
}

static void make_room(struct record *record, size_t bytes)
{
    if (bytes <= record->room && record->room / TEXT_WASTE_MAX <= bytes)
        return;
    size_t room = (bytes + TEXT_STEP_BYTES - 1) / TEXT_STEP_BYTES * TEXT_STEP_BYTES;
    record->text = bytes_resize(record->text, room);
    record->room = (uint32_t)room;
}

static char *append(char *at, struct span bytes)
{
    memcpy(at, bytes.at, bytes.bytes);
    return at + bytes.bytes;
}

static void write_record(struct record *record, const struct location *location, uint16_t origin)
{
    make_room(record, location->client.bytes + location->position.bytes + location->stamp.bytes);
    char *at = append(record->text, location->client);
    at = append(at, location->position);
    append(at, location->stamp);
    record->client_bytes = (uint16_t)location->client.bytes;
    record->position_bytes = (uint16_t)location->position.bytes;
    record->stamp_bytes = (uint16_t)location->stamp.bytes;
    record->origin = origin;
    record->order_ns = location->order_ns;
    record->difference_ns = location->difference_ns;
}

static enum table_outcome put_new(struct table *table, const struct location *location,
                                  uint32_t hash, uint32_t *slot)
{
    if (table->count == TABLE_CLIENTS_MAX)
        return TABLE_FULL;
    uint16_t origin = names_put(&table->names, location->origin);
    if (origin == NAMES_NONE)
        return TABLE_FULL;
    grow_if_full(table);
    *slot = add_record(table);
    write_record(record_at(table, *slot), location, origin);
    enter(&table->now, (struct bucket){hash, *slot + 1});
    table->digest ^= location_hash(location);
    return TABLE_NEW;
}

enum table_outcome table_put(struct table *table, const struct location *location, uint32_t hash,
                             uint32_t *slot)
{
    move_some(table);
    if (!table_find(table, location->client, hash, slot))
        return put_new(table, location, hash, slot);

    struct location known;
    table_read(table, *slot, &known);
    int order = location_compare(location, &known);
    if (order <= 0)
        return order == 0 ? TABLE_SAME : TABLE_OLDER;

    uint64_t hash_known = location_hash(&known);
    struct record *record = record_at(table, *slot);
    uint16_t origin = record->origin;
    if (!span_equals(known.origin, location->origin))
        origin = names_put(&table->names, location->origin);
    if (origin == NAMES_NONE)
        return TABLE_FULL;
    write_record(record, location, origin);
    table->digest ^= hash_known ^ location_hash(location);
    return TABLE_NEWER;
}

void table_read(const struct table *table, uint32_t slot, struct location *location)
{
    const struct record *record = record_at(table, slot);
    const char *position = record->text + record->client_bytes;
    *location = (struct location){
        .client = {record->text, record->client_bytes},
        .position = {position, record->position_bytes},
        .stamp = {position + record->position_bytes, record->stamp_bytes},
        .origin = names_get(&table->names, record->origin),
        .difference_ns = record->difference_ns,
        .order_ns = record->order_ns,
    };
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
        table_read(table, slot, &location);
        digest ^= location_hash(&location);
        uint32_t hash = table_hash(table, location.client), found = 0;
        if (!location_is_valid(&location) || !table_find(table, location.client, hash, &found) ||
            found != slot)
            return false;
    }
    return digest == table->digest;
}
