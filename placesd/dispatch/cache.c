#include "placesd/dispatch/cache.h"

#include <assert.h>
#include <stdlib.h>

#include <sodium/crypto_shorthash.h>

/* A power of two: the shortest answers fill the cache with about four entries for each. */
#define BUCKETS 65536

struct entry {
    struct entry *next;          /* of the same bucket */
    struct entry *older, *newer; /* by last use */
    struct cache_key key;
    struct cache_answer answer;
    int64_t fresh_ms, kept_ms;
    char body[];
};

struct cache {
    uint8_t secret[16];
    size_t bytes, bytes_max, count;
    struct entry *oldest, *newest;
    struct entry *buckets[BUCKETS];
};

static_assert(crypto_shorthash_KEYBYTES == 16, "the secret is a key of the hash");

struct cache *cache_new(size_t bytes_max, const uint8_t secret[16])
{
    struct cache *cache = bytes_zeroed(sizeof *cache);
    memcpy(cache->secret, secret, sizeof cache->secret);
    cache->bytes_max = bytes_max;
    return cache;
}

uint64_t cache_hash(const struct cache *cache, const struct cache_key *key)
{
    const uint64_t words[] = {(uint64_t)key->latitude_nanodeg, (uint64_t)key->longitude_nanodeg,
                              (uint64_t)key->radius_m << 32 | key->source};
    uint64_t hash;
    static_assert(sizeof hash == crypto_shorthash_BYTES, "a hash is 8 bytes");
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)words, sizeof words,
                     cache->secret);
    return hash;
}

static bool keys_are_equal(const struct cache_key *a, const struct cache_key *b)
{
    return a->latitude_nanodeg == b->latitude_nanodeg &&
           a->longitude_nanodeg == b->longitude_nanodeg && a->radius_m == b->radius_m &&
           a->source == b->source;
}

/* The pointer that leads to the entry of this key, or to the NULL where it would be. */
static struct entry **find(struct cache *cache, const struct cache_key *key)
{
    struct entry **at = &cache->buckets[cache_hash(cache, key) % BUCKETS];
    while (*at != NULL && !keys_are_equal(&(*at)->key, key))
        at = &(*at)->next;
    return at;
}

/* ---- the order of use ---- */

static void link_newest(struct cache *cache, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    if (cache->newest != NULL)
        cache->newest->newer = entry;
    else
        cache->oldest = entry;
    cache->newest = entry;
}

static void unlink_use(struct cache *cache, struct entry *entry)
{
    if (entry->older != NULL)
        entry->older->newer = entry->newer;
    else
        cache->oldest = entry->newer;
    if (entry->newer != NULL)
        entry->newer->older = entry->older;
    else
        cache->newest = entry->older;
}

/* ---- entries ---- */

static size_t size_of(size_t body_bytes)
{
    return sizeof(struct entry) + body_bytes;
}

static void drop(struct cache *cache, struct entry **at)
{
    struct entry *entry = *at;
    *at = entry->next;
    unlink_use(cache, entry);
    cache->bytes -= size_of(entry->answer.body.len);
    cache->count--;
    free(entry);
}

void cache_destroy(struct cache **cache)
{
    if (*cache == NULL)
        return;
    while ((*cache)->oldest != NULL)
        drop(*cache, find(*cache, &(*cache)->oldest->key));
    free(*cache);
    *cache = NULL;
}

void cache_put(struct cache *cache, const struct cache_key *key, const struct cache_answer *answer,
               int64_t fresh_ms, int64_t kept_ms, int64_t now_ms)
{
    assert(kept_ms >= fresh_ms);
    struct entry **at = find(cache, key);
    if (*at != NULL)
        drop(cache, at);
    size_t bytes = size_of(answer->body.len);
    if (bytes > cache->bytes_max || kept_ms <= now_ms)
        return;
    while (cache->bytes + bytes > cache->bytes_max)
        drop(cache, find(cache, &cache->oldest->key));

    struct entry *entry = bytes_resize(NULL, bytes);
    *entry = (struct entry){
        .key = *key,
        .answer = *answer,
        .fresh_ms = fresh_ms,
        .kept_ms = kept_ms,
    };
    if (answer->body.len > 0)
        memcpy(entry->body, answer->body.data, answer->body.len);
    entry->answer.body.data = entry->body;
    /* Making room may have taken away what `at` pointed into. */
    at = find(cache, key);
    *at = entry;
    link_newest(cache, entry);
    cache->bytes += bytes;
    cache->count++;
}

/* The entry, if it is still to be kept. */
static struct entry *find_kept(struct cache *cache, const struct cache_key *key, int64_t now_ms)
{
    struct entry **at = find(cache, key);
    if (*at == NULL || now_ms < (*at)->kept_ms)
        return *at;
    drop(cache, at);
    return NULL;
}

const struct cache_answer *cache_find_kept(struct cache *cache, const struct cache_key *key,
                                           int64_t now_ms)
{
    struct entry *entry = find_kept(cache, key, now_ms);
    if (entry == NULL)
        return NULL;
    unlink_use(cache, entry);
    link_newest(cache, entry);
    return &entry->answer;
}

const struct cache_answer *cache_find_fresh(struct cache *cache, const struct cache_key *key,
                                            int64_t now_ms)
{
    const struct entry *entry = find_kept(cache, key, now_ms);
    return entry != NULL && now_ms < entry->fresh_ms ? cache_find_kept(cache, key, now_ms) : NULL;
}

void cache_freshen(struct cache *cache, const struct cache_key *key, int64_t fresh_ms)
{
    struct entry *entry = *find(cache, key);
    if (entry != NULL)
        entry->fresh_ms = fresh_ms < entry->kept_ms ? fresh_ms : entry->kept_ms;
}

size_t cache_bytes(const struct cache *cache)
{
    return cache->bytes;
}

size_t cache_count(const struct cache *cache)
{
    return cache->count;
}
