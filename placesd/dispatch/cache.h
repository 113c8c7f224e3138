/* cache: answers that were given before, by the place they are about, and the rounding of places
 * that makes questions about neighbouring places one question. The rounded place is what is asked,
 * so the answer is the same for all of them.
 *
 * It holds whole answers and where they can be cut, never more than CACHE_BYTES_MAX of them: the
 * one unused for longest makes room. It asks nobody and knows no terms of use: how long an answer
 * may be kept is an argument, and so is the time, in milliseconds of any clock that never runs
 * backwards.
 *
 * Invariant: an answer is never given for another place, radius or provider, but for those of
 * cache_find_wider, which the caller has to make a smaller one of, nor after its time;
 * rounding moves no place by more than CACHE_QUANTIZE_SHARE of the radius around it. */
#ifndef ZHERD_PLACESD_DISPATCH_CACHE_H
#define ZHERD_PLACESD_DISPATCH_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "placesd/lookup.h"
#include "placesd/providers/nearby_json.h"

/* All entries with their bookkeeping: some thousand full answers. */
#define CACHE_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* A twentieth: 5 %. */
#define CACHE_QUANTIZE_SHARE 20

/* Moves the place to the nearest point of a grid whose points are `grid_m` metres apart, or closer
 * where the radius asks for it; 0 leaves every place where it is. */
void cache_quantize(struct lookup *lookup, uint32_t grid_m);

/* What an answer is about. Compared field by field. */
struct cache_key {
    int64_t latitude_nanodeg, longitude_nanodeg;
    uint32_t radius_m;
    uint32_t source; /* which provider answered; numbers of the caller's own */
};

struct cache_answer {
    enum lookup_code code;
    struct span body;
    struct nearby_json_offsets offsets; /* of a LOOKUP_OK body */
};

struct cache;

/* `secret` is 16 random bytes: nobody outside can choose places that collide. */
struct cache *cache_new(size_t bytes_max, const uint8_t secret[16]);
/* Accepts NULL, sets the caller's pointer to NULL. */
void cache_destroy(struct cache **cache);

/* A hash for the caller's own tables. */
uint64_t cache_hash(const struct cache *cache, const struct cache_key *key);

/* Copies the answer. It is good until `fresh_ms`, and until `kept_ms` (not before) where nothing
 * better can be had. Replaces what was there; one too long for the cache is not taken. */
void cache_put(struct cache *cache, const struct cache_key *key, const struct cache_answer *answer,
               int64_t fresh_ms, int64_t kept_ms, int64_t now_ms);

/* The answer, borrowed until the next call, or NULL. */
const struct cache_answer *cache_find_fresh(struct cache *cache, const struct cache_key *key,
                                            int64_t now_ms);
/* The same for one that is past its best, but still to be kept. */
const struct cache_answer *cache_find_kept(struct cache *cache, const struct cache_key *key,
                                           int64_t now_ms);

/* A fresh answer about the same place and provider and a larger radius that is complete, which is:
 * it has fewer results than LOOKUP_BOUND_MAX, so that none was left out; and until when it may be
 * given. Borrowed as above, or NULL. It may miss one that is there: one is remembered for each
 * place. */
const struct cache_answer *cache_find_wider(struct cache *cache, const struct cache_key *key,
                                            int64_t now_ms, int64_t *fresh_ms, int64_t *kept_ms);

/* A kept answer counts as fresh until `fresh_ms`, or until it is dropped. */
void cache_freshen(struct cache *cache, const struct cache_key *key, int64_t fresh_ms);

size_t cache_bytes(const struct cache *cache);
size_t cache_count(const struct cache *cache);

#endif
