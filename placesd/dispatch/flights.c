#include "placesd/dispatch/flights.h"

#include <assert.h>
#include <stdlib.h>

#define NOBODY UINT32_MAX
/* A power of two, one bucket for each possible flight. */
#define BUCKETS FLIGHTS_WAITERS_MAX

struct waiter {
    uint32_t asker;
    uint32_t bound;
    uint32_t next; /* of the same flight, due, or free */
    int64_t answer_by_ms;
    uint64_t ticket;
};

struct flights {
    struct waiter waiters[FLIGHTS_WAITERS_MAX];
    struct flight flights[FLIGHTS_WAITERS_MAX];
    uint32_t buckets[BUCKETS];
    uint32_t free_askers, free_flights;
    uint32_t due; /* a list of waiters */
    uint32_t waiter_count;
    uint32_t held[SHARE_ASKERS_MAX]; /* waiters of each asker */
    int64_t earliest_ms;
    uint64_t lives; /* makes the ticket of a reused slot a new one */
};

struct flights *flights_new(uint64_t seed)
{
    struct flights *flights = bytes_zeroed(sizeof *flights);
    for (uint32_t i = 0; i < FLIGHTS_WAITERS_MAX; i++) {
        flights->waiters[i].next = i + 1 < FLIGHTS_WAITERS_MAX ? i + 1 : NOBODY;
        flights->flights[i].next = flights->waiters[i].next;
    }
    for (uint32_t i = 0; i < BUCKETS; i++)
        flights->buckets[i] = NOBODY;
    flights->due = NOBODY;
    flights->earliest_ms = INT64_MAX;
    flights->lives = seed;
    return flights;
}

void flights_destroy(struct flights **flights)
{
    free(*flights);
    *flights = NULL;
}

bool flights_have_room(const struct flights *flights, uint32_t asker)
{
    assert(asker < SHARE_ASKERS_MAX);
    return flights->free_flights != NOBODY &&
           share_has_room(flights->held[asker], flights->waiter_count, 1, FLIGHTS_WAITERS_MAX);
}

uint32_t flights_held(const struct flights *flights, uint32_t asker)
{
    return flights->held[asker];
}

uint32_t flights_waiting(const struct flights *flights)
{
    return flights->waiter_count;
}

bool flights_are_over(const struct flights *flights)
{
    return flights->waiter_count == 0;
}

/* ---- flights ---- */

uint32_t flights_index(const struct flights *flights, const struct flight *flight)
{
    return (uint32_t)(flight - flights->flights);
}

struct flight *flights_at(struct flights *flights, uint32_t index)
{
    assert(index < FLIGHTS_WAITERS_MAX);
    return &flights->flights[index];
}

struct flight *flights_find(struct flights *flights, const struct cache_key *key, uint32_t hash)
{
    for (uint32_t i = flights->buckets[hash % BUCKETS]; i != NOBODY; i = flights->flights[i].next) {
        const struct cache_key *other = &flights->flights[i].key;
        if (other->latitude_nanodeg == key->latitude_nanodeg &&
            other->longitude_nanodeg == key->longitude_nanodeg && other->radius_m == key->radius_m)
            return &flights->flights[i];
    }
    return NULL;
}

struct flight *flights_open(struct flights *flights, const struct cache_key *key, uint32_t hash)
{
    uint32_t index = flights->free_flights;
    assert(index != NOBODY);
    struct flight *flight = &flights->flights[index];
    flights->free_flights = flight->next;
    *flight = (struct flight){
        .state = FLIGHT_PAUSING,
        .key = *key,
        .hash = hash,
        .waiters = NOBODY,
        .next = flights->buckets[hash % BUCKETS],
    };
    flights->buckets[hash % BUCKETS] = index;
    return flight;
}

static void set_free(struct flights *flights, struct flight *flight)
{
    uint32_t index = flights_index(flights, flight);
    uint32_t *at = &flights->buckets[flight->hash % BUCKETS];
    while (*at != index)
        at = &flights->flights[*at].next;
    *at = flight->next;
    flight->state = FLIGHT_FREE;
    flight->next = flights->free_flights;
    flights->free_flights = index;
}

/* ---- waiters ---- */

uint64_t flights_join(struct flights *flights, struct flight *flight, uint32_t asker,
                      uint32_t bound, int64_t answer_by_ms)
{
    uint32_t slot = flights->free_askers;
    assert(slot != NOBODY);
    uint32_t *list = flight != NULL ? &flight->waiters : &flights->due;
    struct waiter *waiter = &flights->waiters[slot];
    flights->free_askers = waiter->next;
    flights->waiter_count++;
    flights->held[asker]++;
    *waiter = (struct waiter){
        .asker = asker,
        .bound = bound,
        .next = *list,
        .answer_by_ms = answer_by_ms,
        .ticket = flights->lives++ * FLIGHTS_WAITERS_MAX + slot,
    };
    *list = slot;
    if (flight != NULL && answer_by_ms < flights->earliest_ms)
        flights->earliest_ms = answer_by_ms;
    return waiter->ticket;
}

int64_t flights_left_ms(const struct flights *flights, const struct flight *flight, int64_t now_ms)
{
    int64_t latest_ms = now_ms;
    for (uint32_t i = flight->waiters; i != NOBODY; i = flights->waiters[i].next)
        if (flights->waiters[i].answer_by_ms > latest_ms)
            latest_ms = flights->waiters[i].answer_by_ms;
    return latest_ms - now_ms;
}

void flights_end(struct flights *flights, struct flight *flight)
{
    assert(flights->due == NOBODY);
    flights->due = flight->waiters;
    set_free(flights, flight);
}

/* Moves those to the due ones who are to be answered by then. */
static void split(struct flights *flights, struct flight *flight, int64_t until_ms)
{
    uint32_t *at = &flight->waiters;
    while (*at != NOBODY) {
        uint32_t slot = *at;
        struct waiter *waiter = &flights->waiters[slot];
        if (waiter->answer_by_ms > until_ms) {
            at = &waiter->next;
            continue;
        }
        *at = waiter->next;
        waiter->next = flights->due;
        flights->due = slot;
    }
}

bool flights_end_for(struct flights *flights, struct flight *flight, int64_t until_ms)
{
    assert(flights->due == NOBODY);
    split(flights, flight, until_ms);
    if (flight->waiters != NOBODY)
        return false;
    set_free(flights, flight);
    return true;
}

void flights_expire(struct flights *flights, int64_t now_ms)
{
    assert(flights->due == NOBODY);
    if (now_ms < flights->earliest_ms)
        return;
    flights->earliest_ms = INT64_MAX;
    for (uint32_t i = 0; i < FLIGHTS_WAITERS_MAX; i++) {
        struct flight *flight = &flights->flights[i];
        if (flight->state == FLIGHT_FREE)
            continue;
        split(flights, flight, now_ms);
        for (uint32_t j = flight->waiters; j != NOBODY; j = flights->waiters[j].next)
            if (flights->waiters[j].answer_by_ms < flights->earliest_ms)
                flights->earliest_ms = flights->waiters[j].answer_by_ms;
    }
}

int64_t flights_earliest_ms(const struct flights *flights)
{
    return flights->earliest_ms;
}

bool flights_any_due(const struct flights *flights)
{
    return flights->due != NOBODY;
}

bool flights_next_due(struct flights *flights, uint64_t *ticket, uint32_t *bound)
{
    uint32_t slot = flights->due;
    if (slot == NOBODY)
        return false;
    struct waiter *waiter = &flights->waiters[slot];
    *ticket = waiter->ticket;
    *bound = waiter->bound;
    flights->due = waiter->next;
    waiter->next = flights->free_askers;
    flights->free_askers = slot;
    flights->waiter_count--;
    flights->held[waiter->asker]--;
    return true;
}

/* ---- the result ---- */

void flight_result_free(struct flight_result *result)
{
    buffer_free(&result->body);
    buffer_free(&result->cut);
}

void flight_result_set(struct flight_result *result, const struct cache_answer *answer)
{
    result->code = answer->code;
    result->body.len = 0;
    buffer_append(&result->body, answer->body);
    result->offsets = answer->offsets;
}

void flight_result_fail(struct flight_result *result, enum lookup_code code, const char *reason)
{
    result->code = code;
    result->body.len = 0;
    lookup_write_failure(code, reason, &result->body);
}

struct span flight_result_body(struct flight_result *result, uint32_t bound)
{
    struct span body = {result->body.data, result->body.len};
    if (result->code != LOOKUP_OK || result->offsets.count <= bound)
        return body;
    result->cut.len = 0;
    nearby_json_cut(body, &result->offsets, bound, &result->cut);
    return (struct span){result->cut.data, result->cut.len};
}
