/* flights: who waits for what, and what they get. A flight is one question on its way; everybody
 * who asks the same meanwhile joins it, and there is one result for all of them.
 *
 * It keeps the lists and their limits; what becomes of a flight is the dispatcher's
 * (placesd/dispatch/dispatcher.h). Whoever is to be answered now is moved to the line of those who
 * are due, which is emptied before the next flight ends.
 *
 * Invariants: whoever joined is due exactly once, and not after his time; the body of a result that
 * is LOOKUP_OK is one that nearby_json_find_offsets took, with its offsets. */
#ifndef ZHERD_PLACESD_DISPATCH_FLIGHTS_H
#define ZHERD_PLACESD_DISPATCH_FLIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "placesd/dispatch/cache.h"
#include "placesd/dispatch/share.h"
#include "placesd/lookup.h"
#include "placesd/providers/nearby_json.h"

/* Questions at a time, of all askers (placesd/dispatch/share.h), and so flights, too; a power of
 * two. */
#define FLIGHTS_WAITERS_MAX 8192

enum flight_state {
    FLIGHT_FREE,
    FLIGHT_WITH_WORKERS, /* its job is in the balance */
    FLIGHT_PAUSING,      /* until its next attempt */
};

struct flight {
    enum flight_state state;
    struct cache_key key; /* .source is who is asked at the moment */
    uint32_t hash;        /* of the key, whatever its source */
    uint64_t asker;       /* who opened it, in the caller's numbers */
    uint64_t job;         /* its last one, in the caller's numbers */
    uint32_t retries;
    bool failed; /* an attempt at its source did; the limiter hears of it at the end of the last */
    bool given;  /* a worker has got its job ... */
    bool fair;   /* ... with time enough to blame the provider if it passes, */
    int64_t given_ms; /* ... at this time */
    int64_t again_ms;
    int64_t asked_ms; /* when its limiter let it pass last */
    uint32_t waiters; /* the lists are this file's own */
    uint32_t next;
};

struct flights;

struct flights *flights_new(uint64_t seed);
/* Accepts NULL, sets the caller's pointer to NULL. */
void flights_destroy(struct flights **flights);

/* Whether that asker, a number below SHARE_ASKERS_MAX, may ask once more. */
bool flights_have_room(const struct flights *flights, uint32_t asker);
/* Its questions that are not answered yet. */
uint32_t flights_held(const struct flights *flights, uint32_t asker);
/* The same of all askers. */
uint32_t flights_waiting(const struct flights *flights);
bool flights_are_over(const struct flights *flights);

/* The flight about this place and radius, whoever it asks, or NULL. */
struct flight *flights_find(struct flights *flights, const struct cache_key *key, uint32_t hash);
/* A new one. There must be room. */
struct flight *flights_open(struct flights *flights, const struct cache_key *key, uint32_t hash);

/* A flight as a number below FLIGHTS_WAITERS_MAX and back. */
uint32_t flights_index(const struct flights *flights, const struct flight *flight);
struct flight *flights_at(struct flights *flights, uint32_t index);

/* One more waiter; his ticket. He waits for the flight, or is due at once where it is NULL. */
uint64_t flights_join(struct flights *flights, struct flight *flight, uint32_t asker,
                      uint32_t bound, int64_t answer_by_ms);

/* How long somebody still waits for the flight; 0 if nobody does. */
int64_t flights_left_ms(const struct flights *flights, const struct flight *flight, int64_t now_ms);

/* The flight is over: all its waiters are due. Nobody may be due before. */
void flights_end(struct flights *flights, struct flight *flight);
/* The same for those only who are to be answered by `until_ms`; true if the flight is over. */
bool flights_end_for(struct flights *flights, struct flight *flight, int64_t until_ms);
/* Everybody is due who is to be answered by now. Nobody may be due before. */
void flights_expire(struct flights *flights, int64_t now_ms);
/* Nobody needs flights_expire before this; INT64_MAX for never. */
int64_t flights_earliest_ms(const struct flights *flights);

/* The next one who is due: gone with this call. False if nobody is. */
bool flights_next_due(struct flights *flights, uint64_t *ticket, uint32_t *bound);
bool flights_any_due(const struct flights *flights);

/* ---- the result ----
 *
 * One answer for many waiters: the most results that were found, and of them for each only as many
 * as he wanted. A failure is the same for all. It keeps copies, and nothing of who is due. */

/* All zero is empty. */
struct flight_result {
    enum lookup_code code;
    struct buffer body;
    struct nearby_json_offsets offsets; /* of a LOOKUP_OK body */
    struct buffer cut;                  /* what flight_result_body gave last */
};

void flight_result_free(struct flight_result *result);

void flight_result_set(struct flight_result *result, const struct cache_answer *answer);
void flight_result_fail(struct flight_result *result, enum lookup_code code, const char *reason);

/* The body for somebody who wants `bound` results; borrowed until the next call. */
struct span flight_result_body(struct flight_result *result, uint32_t bound);

#endif
