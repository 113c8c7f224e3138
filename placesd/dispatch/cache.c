#include "placesd/dispatch/cache.h"

#include <assert.h>
#include <stdlib.h>

#include <sodium/crypto_shorthash.h>

/* ---- rounding ---- */

/* A degree of latitude is longest at the poles, 111,694 m on WGS 84; no degree of longitude is
 * longer. One step in degrees for both is therefore never longer than it is meant to be. */
#define METRES_PER_DEGREE_MAX 111700

/* The diagonal of a square of 1 m is less than 1.415 m, and a place moves by half of it. */
#define DIAGONAL_MILLI 1415

/* The largest step, in metres times 1000, that moves no place too far. */
static int64_t step_mm(uint32_t radius_m, uint32_t grid_m)
{
    int64_t allowed_mm =
        (int64_t)radius_m * 1000 / CACHE_QUANTIZE_SHARE * 2 * 1000 / DIAGONAL_MILLI;
    int64_t wanted_mm = (int64_t)grid_m * 1000;
    return wanted_mm < allowed_mm ? wanted_mm : allowed_mm;
}

static int64_t round_to(int64_t value, int64_t step, int64_t max)
{
    int64_t half = value < 0 ? -(step / 2) : step / 2;
    int64_t rounded = (value + half) / step * step;
    if (rounded > max)
        return max;
    return rounded < -max ? -max : rounded;
}

void cache_quantize(struct lookup *lookup, uint32_t grid_m)
{
    int64_t step_nanodeg = step_mm(lookup->radius_m, grid_m) *
                           (LOOKUP_NANODEGREES_PER_DEGREE / 1000) / METRES_PER_DEGREE_MAX;
    if (step_nanodeg < 2)
        return;
    lookup->latitude_nanodeg =
        round_to(lookup->latitude_nanodeg, step_nanodeg, 90 * LOOKUP_NANODEGREES_PER_DEGREE);
    lookup->longitude_nanodeg =
        round_to(lookup->longitude_nanodeg, step_nanodeg, 180 * LOOKUP_NANODEGREES_PER_DEGREE);
}

/* ---- keys ---- */

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

/* Places of which it is remembered what the largest complete answer is about: as many as there are
 * buckets. */
#define COMPLETE_PLACES BUCKETS

struct cache {
    uint8_t secret[16];
    size_t bytes, bytes_max, count;
    struct entry *oldest, *newest;
    struct entry *buckets[BUCKETS];
    struct cache_key complete[COMPLETE_PLACES]; /* with a radius of 0: of none */
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

static bool places_are_equal(const struct cache_key *a, const struct cache_key *b)
{
    return a->latitude_nanodeg == b->latitude_nanodeg &&
           a->longitude_nanodeg == b->longitude_nanodeg && a->source == b->source;
}

static bool keys_are_equal(const struct cache_key *a, const struct cache_key *b)
{
    return places_are_equal(a, b) && a->radius_m == b->radius_m;
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

/* What is remembered of the key's place; perhaps of another one. */
static struct cache_key *find_complete(struct cache *cache, const struct cache_key *key)
{
    struct cache_key place = *key;
    place.radius_m = 0;
    return &cache->complete[cache_hash(cache, &place) % COMPLETE_PLACES];
}

/* The larger of two complete answers about one place serves more questions. */
static void remember(struct cache *cache, const struct cache_key *key,
                     const struct cache_answer *answer, int64_t now_ms)
{
    if (answer->code != LOOKUP_OK || answer->offsets.count >= LOOKUP_BOUND_MAX)
        return;
    struct cache_key *complete = find_complete(cache, key);
    const struct entry *entry = *find(cache, complete);
    bool is_better = places_are_equal(complete, key) && complete->radius_m > key->radius_m &&
                     entry != NULL && now_ms < entry->fresh_ms;
    if (!is_better)
        *complete = *key;
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
    remember(cache, key, answer, now_ms);
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

const struct cache_answer *cache_find_wider(struct cache *cache, const struct cache_key *key,
                                            int64_t now_ms, int64_t *fresh_ms, int64_t *kept_ms)
{
    const struct cache_key *complete = find_complete(cache, key);
    if (!places_are_equal(complete, key) || complete->radius_m <= key->radius_m)
        return NULL;
    const struct entry *entry = find_kept(cache, complete, now_ms);
    if (entry == NULL || now_ms >= entry->fresh_ms || entry->answer.code != LOOKUP_OK ||
        entry->answer.offsets.count >= LOOKUP_BOUND_MAX)
        return NULL;
    *fresh_ms = entry->fresh_ms;
    *kept_ms = entry->kept_ms;
    return cache_find_kept(cache, complete, now_ms);
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
