#include "placesd/dispatch/desk.h"

#include <assert.h>
#include <stdlib.h>

#include "placesd/dispatch/cache.h"
#include "placesd/dispatch/ending.h"
#include "placesd/dispatch/flights.h"
#include "placesd/dispatch/gate.h"
#include "placesd/dispatch/grid.h"
#include "placesd/providers/nearby.h"

/* With less time than this nothing can be asked that would come back in time. */
#define USEFUL_MS 20

static const char GARBLED[] = "A places worker answered nonsense.";
static const char STOPPING[] = "The places service is stopping.";
static const char LATE[] = "The places service had no answer in time.";
static const char SPENT[] = "The places service has asked its provider as often as it may today.";

struct desk {
    struct desk_options options;
    struct balance *balance;
    struct cache *cache;
    struct gate gates[DESK_SOURCES_MAX]; /* to each source */
    bool closed, stopped;
    struct flights *flights;
    uint32_t flight_of_job[BALANCE_JOBS_MAX]; /* by balance_slot */
    uint32_t pausing_count;
    uint64_t dice;
    struct ending ending;
    struct desk_counters count;
};

/* ---- life ---- */

struct desk *desk_new(const struct desk_options *options)
{
    assert(options->source_count >= 1 && options->source_count <= DESK_SOURCES_MAX);
    struct desk *desk = bytes_zeroed(sizeof *desk);
    desk->options = *options;
    desk->balance = balance_new(options->seed);
    desk->cache = cache_new(CACHE_BYTES_MAX, options->secret);
    for (uint32_t i = 0; i < options->source_count; i++)
        desk->gates[i] = gate_new(options->sources[i].budget);
    desk->flights = flights_new(options->seed);
    desk->dice = options->seed;
    return desk;
}

void desk_destroy(struct desk **desk)
{
    if (*desk == NULL)
        return;
    balance_destroy(&(*desk)->balance);
    cache_destroy(&(*desk)->cache);
    flights_destroy(&(*desk)->flights);
    ending_free(&(*desk)->ending);
    free(*desk);
    *desk = NULL;
}

/* A number below `bound`. Steele, Lea, Flood: Fast splittable pseudorandom number generators. */
static int64_t roll(struct desk *desk, int64_t bound)
{
    uint64_t mixed = desk->dice += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (int64_t)((mixed ^ mixed >> 31) % (uint64_t)bound);
}

/* The flight's place as its gates know it, whatever the radius. */
static uint64_t place_of(const struct flight *flight)
{
    return (uint64_t)flight->key.latitude_nanodeg * UINT64_C(0x9e3779b97f4a7c15) +
           (uint64_t)flight->key.longitude_nanodeg;
}

/* ---- ends of flights ---- */

/* Everybody of this flight is due to get the answer. */
static void end_by_answer(struct desk *desk, struct flight *flight,
                          const struct cache_answer *answer)
{
    flights_end(desk->flights, flight);
    ending_set(&desk->ending, answer);
    desk->count.failures += answer->code != LOOKUP_OK;
}

static void end_by_failure(struct desk *desk, struct flight *flight, enum lookup_code code,
                           const char *reason)
{
    flights_end(desk->flights, flight);
    ending_fail(&desk->ending, code, reason);
    desk->count.failures++;
}

static bool end_by_kept(struct desk *desk, struct flight *flight, int64_t now_ms)
{
    struct cache_key key = flight->key;
    key.source = 0;
    const struct cache_answer *kept = cache_find_kept(desk->cache, &key, now_ms);
    if (kept == NULL || kept->code != LOOKUP_OK)
        return false;
    /* The provider has just failed: it is not asked the same at once again. */
    cache_freshen(desk->cache, &key, now_ms + DESK_FAILURE_MS);
    end_by_answer(desk, flight, kept);
    desk->count.stale++;
    return true;
}

/* ---- asking ---- */

/* The job is with the balance, or the flight has ended as busy. */
static void hand_to_workers(struct desk *desk, struct flight *flight, int64_t now_ms)
{
    uint64_t job;
    if (!balance_ask(desk->balance, (uint32_t)flights_left_ms(desk->flights, flight, now_ms),
                     now_ms, &job)) {
        gate_undo(&desk->gates[flight->key.source], place_of(flight), now_ms);
        desk->count.busy++;
        end_by_failure(desk, flight, LOOKUP_BUSY,
                       "Too many look-ups wait at the moment: ask again later.");
        return;
    }
    flight->state = FLIGHT_WITH_WORKERS;
    flight->given = false;
    desk->flight_of_job[balance_slot(job)] = flights_index(desk->flights, flight);
}

/* Asks the flight's source, or the next one, or nobody. */
static void launch(struct desk *desk, struct flight *flight, int64_t now_ms)
{
    bool spent = false;
    for (; flight->key.source < desk->options.source_count; flight->key.source++) {
        uint32_t source = flight->key.source;
        const struct cache_answer *known =
            source > 0 ? cache_find_fresh(desk->cache, &flight->key, now_ms) : NULL;
        if (known != NULL) {
            end_by_answer(desk, flight, known);
            return;
        }
        enum gate_verdict verdict = gate_ask(&desk->gates[source], place_of(flight), now_ms);
        if (verdict == GATE_PASSES) {
            hand_to_workers(desk, flight, now_ms);
            return;
        }
        spent = spent || verdict == GATE_SPENT;
        if (source == 0 && end_by_kept(desk, flight, now_ms))
            return;
    }
    if (spent)
        end_by_failure(desk, flight, LOOKUP_BUSY, SPENT);
    else
        end_by_failure(desk, flight, LOOKUP_UNAVAILABLE,
                       "The places provider has failed lately and is left alone for a while.");
}

static bool pause_before_retry(struct desk *desk, struct flight *flight, int64_t now_ms)
{
    int64_t pause_ms = 1 + roll(desk, (int64_t)DESK_PAUSE_MS << flight->retries);
    if (flight->retries == DESK_RETRIES_MAX ||
        flights_left_ms(desk->flights, flight, now_ms) < pause_ms + USEFUL_MS ||
        !gate_grants_retry(&desk->gates[flight->key.source]))
        return false;
    flight->retries++;
    flight->state = FLIGHT_PAUSING;
    flight->again_ms = now_ms + pause_ms;
    desk->pausing_count++;
    desk->count.retries++;
    return true;
}

/* ---- outcomes ---- */

static void conclude_well(struct desk *desk, struct flight *flight, struct span body,
                          int64_t now_ms)
{
    const struct desk_source *source = &desk->options.sources[flight->key.source];
    struct cache_answer answer = {.code = LOOKUP_OK, .body = body};
    bool good = nearby_mark(body, &answer.marks);
    gate_tell(&desk->gates[flight->key.source], place_of(flight),
              good ? BREAKER_GOOD : BREAKER_UNKNOWN, 0, now_ms);
    if (!good) {
        end_by_failure(desk, flight, LOOKUP_NONSENSE, GARBLED);
        return;
    }
    int64_t fresh_ms = now_ms + source->cache_ms;
    cache_put(desk->cache, &flight->key, &answer, fresh_ms,
              source->cache_ms > 0 ? fresh_ms + source->stale_ms : fresh_ms, now_ms);
    end_by_answer(desk, flight, &answer);
}

/* Those who still have time ask again: they came later than the one whose time the job had. */
static void conclude_late(struct desk *desk, struct flight *flight, struct span body,
                          int64_t now_ms)
{
    ending_set(&desk->ending, &(struct cache_answer){.code = LOOKUP_LATE, .body = body});
    if (flights_end_for(desk->flights, flight, now_ms + 2 * DESK_TRAVEL_MS)) {
        desk->count.failures++;
        return;
    }
    flight->key.source = 0;
    flight->retries = 0;
    flight->failed = false;
    flight->state = FLIGHT_PAUSING;
    flight->again_ms = now_ms;
    desk->pausing_count++;
}

/* A worker said that the provider failed, and it is not asked again. */
static void conclude_badly(struct desk *desk, struct flight *flight,
                           const struct lookup_reply *reply, int64_t now_ms)
{
    if (!desk->stopped) {
        if (end_by_kept(desk, flight, now_ms))
            return;
        if (flight->key.source + 1 < desk->options.source_count &&
            flights_left_ms(desk->flights, flight, now_ms) >= USEFUL_MS) {
            flight->key.source++;
            flight->retries = 0;
            flight->failed = false;
            launch(desk, flight, now_ms);
            return;
        }
    }
    if (reply->code == LOOKUP_LATE) {
        conclude_late(desk, flight, reply->body, now_ms);
        return;
    }
    struct cache_answer answer = {.code = reply->code, .body = reply->body};
    struct cache_key key = flight->key;
    key.source = 0;
    int64_t fresh_ms = now_ms + DESK_FAILURE_MS;
    if (reply->code != LOOKUP_BUSY)
        cache_put(desk->cache, &key, &answer, fresh_ms, fresh_ms, now_ms);
    end_by_answer(desk, flight, &answer);
}

/* No worker said anything, or none was there. */
static void conclude_unheard(struct desk *desk, struct flight *flight, enum lookup_code code,
                             int64_t now_ms)
{
    struct gate *gate = &desk->gates[flight->key.source];
    if (flight->given)
        gate_tell(gate, place_of(flight), flight->failed ? BREAKER_BAD : BREAKER_UNKNOWN, 0,
                  now_ms);
    else
        gate_undo(gate, place_of(flight), now_ms);
    if (!desk->stopped && end_by_kept(desk, flight, now_ms))
        return;
    if (code != LOOKUP_LATE) {
        end_by_failure(desk, flight, code, "The places service has no worker.");
        return;
    }
    struct buffer body = {0};
    lookup_write_failure(LOOKUP_LATE, LATE, &body);
    conclude_late(desk, flight, (struct span){body.data, body.len}, now_ms);
    buffer_free(&body);
}

void desk_done(struct desk *desk, struct span worker, uint64_t job,
               const struct lookup_reply *reply, int64_t rest_ms, int64_t now_ms)
{
    if (!balance_done(desk->balance, worker, job, now_ms))
        return;
    struct flight *flight = flights_at(desk->flights, desk->flight_of_job[balance_slot(job)]);
    if (reply->code == LOOKUP_OK) {
        conclude_well(desk, flight, reply->body, now_ms);
        return;
    }
    /* Whoever asks with little time must not make the provider look slow to everybody, nor does a
     * question that it cannot answer make it look ill. */
    bool says_nothing = reply->code == LOOKUP_BUSY || reply->code == LOOKUP_INVALID ||
                        (reply->code == LOOKUP_LATE && !flight->fair);
    flight->failed = flight->failed || !says_nothing;
    bool retried = reply->code == LOOKUP_UNAVAILABLE || reply->code == LOOKUP_BUSY;
    if (retried && rest_ms == 0 && !desk->stopped && pause_before_retry(desk, flight, now_ms))
        return;
    gate_tell(&desk->gates[flight->key.source], place_of(flight),
              flight->failed ? BREAKER_BAD : BREAKER_UNKNOWN, rest_ms, now_ms);
    conclude_badly(desk, flight, reply, now_ms);
}

void desk_garbled(struct desk *desk, struct span worker, uint64_t job, int64_t now_ms)
{
    if (!balance_done(desk->balance, worker, job, now_ms))
        return;
    struct flight *flight = flights_at(desk->flights, desk->flight_of_job[balance_slot(job)]);
    /* It says nothing of the provider; what an attempt before it said still counts. */
    gate_tell(&desk->gates[flight->key.source], place_of(flight),
              flight->failed ? BREAKER_BAD : BREAKER_UNKNOWN, 0, now_ms);
    struct buffer body = {0};
    lookup_write_failure(LOOKUP_NONSENSE, GARBLED, &body);
    conclude_badly(desk, flight, &(struct lookup_reply){LOOKUP_NONSENSE, {body.data, body.len}},
                   now_ms);
    buffer_free(&body);
}

bool desk_expects(const struct desk *desk, struct span worker, uint64_t job)
{
    return balance_expects(desk->balance, worker, job);
}

/* ---- questions ---- */

static int64_t answer_by_ms(const struct lookup *lookup, int64_t now_ms)
{
    uint32_t margin_ms = lookup->deadline_ms / 10;
    return now_ms + lookup->deadline_ms - (margin_ms < DESK_MARGIN_MS ? margin_ms : DESK_MARGIN_MS);
}

bool desk_ask(struct desk *desk, const struct lookup *lookup, int64_t now_ms, uint64_t *ticket)
{
    assert(!flights_any_due(desk->flights));
    desk->count.asked++;
    if (!flights_have_room(desk->flights)) {
        desk->count.busy++;
        return false;
    }
    struct lookup rounded = *lookup;
    grid_round(&rounded, desk->options.grid_m);
    struct cache_key key = {rounded.latitude_nanodeg, rounded.longitude_nanodeg, rounded.radius_m,
                            0};
    uint32_t hash = (uint32_t)cache_hash(desk->cache, &key);
    const struct cache_answer *known = cache_find_fresh(desk->cache, &key, now_ms);
    struct flight *flight = known == NULL ? flights_find(desk->flights, &key, hash) : NULL;
    bool joins = flight != NULL;
    if (known == NULL && !joins)
        flight = flights_open(desk->flights, &key, hash);
    *ticket = flights_join(desk->flights, flight, lookup->bound, answer_by_ms(lookup, now_ms));
    if (known != NULL) {
        desk->count.hits++;
        ending_set(&desk->ending, known);
    } else if (joins) {
        desk->count.joined++;
    } else if (desk->closed) {
        end_by_failure(desk, flight, LOOKUP_UNAVAILABLE, STOPPING);
    } else {
        launch(desk, flight, now_ms);
    }
    return true;
}

enum balance_welcome desk_ready(struct desk *desk, struct span worker, uint32_t credits,
                                int64_t now_ms)
{
    return balance_ready(desk->balance, worker, credits, now_ms);
}

void desk_lose(struct desk *desk, struct span worker)
{
    balance_lose(desk->balance, worker);
}

void desk_close(struct desk *desk)
{
    desk->closed = true;
}

void desk_stop(struct desk *desk)
{
    desk->closed = desk->stopped = true;
    balance_stop(desk->balance);
}

bool desk_is_idle(const struct desk *desk)
{
    return flights_are_over(desk->flights);
}

/* ---- what time brings ---- */

/* Who asked with less time than the flight has. */
static void expire(struct desk *desk, int64_t now_ms)
{
    flights_expire(desk->flights, now_ms);
    if (flights_any_due(desk->flights))
        ending_fail(&desk->ending, LOOKUP_LATE, LATE);
}

/* One pause that is over; true if there was one. */
static bool resume(struct desk *desk, int64_t now_ms)
{
    for (uint32_t i = 0; desk->pausing_count > 0 && i < FLIGHTS_ASKERS_MAX; i++) {
        struct flight *flight = flights_at(desk->flights, i);
        if (flight->state != FLIGHT_PAUSING || (flight->again_ms > now_ms && !desk->stopped))
            continue;
        desk->pausing_count--;
        if (flights_left_ms(desk->flights, flight, now_ms) == 0)
            end_by_failure(desk, flight, LOOKUP_LATE, LATE);
        else if (desk->stopped)
            end_by_failure(desk, flight, LOOKUP_UNAVAILABLE, STOPPING);
        else
            launch(desk, flight, now_ms);
        return true;
    }
    return false;
}

/* ---- orders ---- */

static bool order_answer(struct desk *desk, struct desk_order *order)
{
    uint64_t ticket;
    uint32_t bound;
    if (!flights_next_due(desk->flights, &ticket, &bound))
        return false;
    *order = (struct desk_order){
        .kind = DESK_ANSWER,
        .ticket = ticket,
        .code = desk->ending.code,
        .body = ending_body(&desk->ending, bound),
    };
    return true;
}

/* The log hears when a provider is left alone, and when no more. */
static bool order_news(struct desk *desk, int64_t now_ms, struct desk_order *order)
{
    for (uint32_t i = 0; i < desk->options.source_count; i++) {
        bool paused;
        int64_t pause_ms;
        if (!gate_news(&desk->gates[i], now_ms, &paused, &pause_ms))
            continue;
        *order = (struct desk_order){
            .kind = paused ? DESK_PAUSED : DESK_RESUMED,
            .source = desk->options.sources[i].name,
            .pause_ms = pause_ms,
        };
        return true;
    }
    return false;
}

/* False where a second worker would make it one request too many: then the flight has ended. */
static bool order_give(struct desk *desk, const struct balance_order *from, int64_t now_ms,
                       struct desk_order *order)
{
    struct flight *flight = flights_at(desk->flights, desk->flight_of_job[balance_slot(from->job)]);
    uint32_t source = flight->key.source;
    if (from->again && !gate_again(&desk->gates[source], place_of(flight), now_ms)) {
        balance_done(desk->balance, from->worker, from->job, now_ms);
        end_by_failure(desk, flight, LOOKUP_BUSY, SPENT);
        return false;
    }
    flight->given = true;
    flight->fair = from->left_ms >= DESK_FAIR_MS;
    desk->count.requests[source]++;
    uint32_t travel_ms = from->left_ms / 10 < DESK_TRAVEL_MS ? from->left_ms / 10 : DESK_TRAVEL_MS;
    *order = (struct desk_order){
        .kind = DESK_GIVE,
        .job = from->job,
        .worker = from->worker,
        .source = desk->options.sources[source].name,
        .lookup = {.latitude_nanodeg = flight->key.latitude_nanodeg,
                   .longitude_nanodeg = flight->key.longitude_nanodeg,
                   .radius_m = flight->key.radius_m,
                   .bound = LOOKUP_BOUND_MAX,
                   .deadline_ms = from->left_ms - travel_ms},
    };
    return true;
}

/* The balance's next order, obeyed here or passed on. True if it is one to be passed on. */
static bool take_order(struct desk *desk, const struct balance_order *from, int64_t now_ms,
                       struct desk_order *order)
{
    switch (from->kind) {
    case BALANCE_GIVE:
        return order_give(desk, from, now_ms, order);
    case BALANCE_FAIL:
        conclude_unheard(desk,
                         flights_at(desk->flights, desk->flight_of_job[balance_slot(from->job)]),
                         from->code, now_ms);
        return false;
    case BALANCE_PROBE:
    case BALANCE_LEFT:
        break;
    }
    *order = (struct desk_order){
        .kind = from->kind == BALANCE_PROBE ? DESK_PROBE : DESK_LEFT,
        .worker = from->worker,
    };
    return true;
}

bool desk_next(struct desk *desk, int64_t now_ms, struct desk_order *order)
{
    struct balance_order from;
    for (;;) {
        if (order_answer(desk, order) || order_news(desk, now_ms, order))
            return true;
        if (balance_next(desk->balance, now_ms, &from)) {
            if (take_order(desk, &from, now_ms, order))
                return true;
            continue;
        }
        if (resume(desk, now_ms))
            continue;
        expire(desk, now_ms);
        if (!flights_any_due(desk->flights))
            return false;
    }
}

int64_t desk_deadline_ms(const struct desk *desk)
{
    int64_t deadline_ms = balance_deadline_ms(desk->balance);
    if (flights_earliest_ms(desk->flights) < deadline_ms)
        deadline_ms = flights_earliest_ms(desk->flights);
    for (uint32_t i = 0; desk->pausing_count > 0 && i < FLIGHTS_ASKERS_MAX; i++) {
        const struct flight *flight = flights_at(desk->flights, i);
        if (flight->state == FLIGHT_PAUSING && flight->again_ms < deadline_ms)
            deadline_ms = flight->again_ms;
    }
    return deadline_ms;
}

const struct desk_counters *desk_count(const struct desk *desk)
{
    return &desk->count;
}
