#include "placesd/dispatch/dispatcher.h"

#include <assert.h>
#include <stdlib.h>

#include "placesd/dispatch/cache.h"
#include "placesd/dispatch/flights.h"
#include "placesd/providers/nearby_json.h"

/* With less time than this nothing can be asked that would come back in time. */
#define USEFUL_MS 20
#define NS_PER_MS 1000000

static const char GARBLED[] = "A places worker answered nonsense.";
static const char STOPPING[] = "The places service is stopping.";
static const char LATE[] = "The places service had no answer in time.";
static const char SPENT[] = "The places service has asked its provider as often as it may today.";
static const char HOUR_SPENT[] =
    "The places service has asked its provider as often as it may in this hour.";

struct dispatcher {
    struct dispatcher_options options;
    struct balance *balance;
    struct cache *cache;
    struct limiter limiters[DISPATCHER_SOURCES_MAX]; /* to each source */
    bool closed, stopped;
    struct flights *flights;
    uint64_t askers[SHARE_ASKERS_MAX];        /* who has which place among those who ask */
    uint32_t flight_of_job[BALANCE_JOBS_MAX]; /* by balance_slot */
    uint32_t pausing_count;
    uint64_t dice;
    struct flight_result result;
    struct dispatcher_counters count;
    struct histogram took[DISPATCHER_SOURCES_MAX][LOOKUP_CODES];
};

/* ---- life ---- */

struct dispatcher *dispatcher_new(const struct dispatcher_options *options)
{
    assert(options->source_count >= 1 && options->source_count <= DISPATCHER_SOURCES_MAX);
    struct dispatcher *dispatcher = bytes_zeroed(sizeof *dispatcher);
    dispatcher->options = *options;
    dispatcher->balance = balance_new(options->seed);
    dispatcher->cache = cache_new(CACHE_BYTES_MAX, options->secret);
    for (uint32_t i = 0; i < options->source_count; i++)
        dispatcher->limiters[i] = limiter_new(options->sources[i].budget, options->nodes);
    dispatcher->flights = flights_new(options->seed);
    dispatcher->dice = options->seed;
    return dispatcher;
}

void dispatcher_destroy(struct dispatcher **dispatcher)
{
    if (*dispatcher == NULL)
        return;
    balance_destroy(&(*dispatcher)->balance);
    cache_destroy(&(*dispatcher)->cache);
    flights_destroy(&(*dispatcher)->flights);
    flight_result_free(&(*dispatcher)->result);
    free(*dispatcher);
    *dispatcher = NULL;
}

/* A number below `bound`. Steele, Lea, Flood: Fast splittable pseudorandom number generators. */
static int64_t roll(struct dispatcher *dispatcher, int64_t bound)
{
    uint64_t mixed = dispatcher->dice += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (int64_t)((mixed ^ mixed >> 31) % (uint64_t)bound);
}

/* The flight's place as its limiters know it, whatever the radius. */
static uint64_t place_of(const struct flight *flight)
{
    return (uint64_t)flight->key.latitude_nanodeg * UINT64_C(0x9e3779b97f4a7c15) +
           (uint64_t)flight->key.longitude_nanodeg;
}

/* The asker's place: the one it has, or one whose owner holds nothing, or that of everybody else.
 */
static uint32_t find_asker(struct dispatcher *dispatcher, uint64_t asker)
{
    for (uint32_t i = SHARE_OTHERS; i < SHARE_ASKERS_MAX; i++)
        if (dispatcher->askers[i] == asker)
            return i;
    for (uint32_t i = SHARE_OTHERS + 1; i < SHARE_ASKERS_MAX; i++) {
        if (flights_held(dispatcher->flights, i) + balance_held(dispatcher->balance, i) > 0)
            continue;
        dispatcher->askers[i] = asker;
        return i;
    }
    return SHARE_OTHERS;
}

/* A worker has had the flight's request until now. */
static void observe(struct dispatcher *dispatcher, const struct flight *flight,
                    enum lookup_code code, int64_t now_ms)
{
    histogram_observe(&dispatcher->took[flight->key.source][code],
                      (now_ms - flight->given_ms + 1) * NS_PER_MS);
}

/* ---- ends of flights ---- */

/* Everybody of this flight is due to get the answer. */
static void end_by_answer(struct dispatcher *dispatcher, struct flight *flight,
                          const struct cache_answer *answer)
{
    flights_end(dispatcher->flights, flight);
    flight_result_set(&dispatcher->result, answer);
    dispatcher->count.failures += answer->code != LOOKUP_OK;
}

static void end_by_failure(struct dispatcher *dispatcher, struct flight *flight,
                           enum lookup_code code, const char *reason)
{
    flights_end(dispatcher->flights, flight);
    flight_result_fail(&dispatcher->result, code, reason);
    dispatcher->count.failures++;
}

static bool end_by_kept(struct dispatcher *dispatcher, struct flight *flight, int64_t now_ms)
{
    struct cache_key key = flight->key;
    key.source = 0;
    const struct cache_answer *kept = cache_find_kept(dispatcher->cache, &key, now_ms);
    if (kept == NULL || kept->code != LOOKUP_OK)
        return false;
    /* The provider has just failed: it is not asked the same at once again. */
    cache_freshen(dispatcher->cache, &key, now_ms + DISPATCHER_FAILURE_MS);
    end_by_answer(dispatcher, flight, kept);
    dispatcher->count.stale++;
    return true;
}

/* ---- asking ---- */

/* The job is with the balance, or the flight has ended as busy. */
static void hand_to_workers(struct dispatcher *dispatcher, struct flight *flight, int64_t now_ms)
{
    uint64_t job;
    if (!balance_ask(dispatcher->balance, find_asker(dispatcher, flight->asker),
                     (uint32_t)flights_left_ms(dispatcher->flights, flight, now_ms), now_ms,
                     &job)) {
        limiter_undo(&dispatcher->limiters[flight->key.source], flight->asker, place_of(flight),
                     flight->asked_ms, now_ms);
        dispatcher->count.busy++;
        end_by_failure(dispatcher, flight, LOOKUP_BUSY,
                       "Too many look-ups wait at the moment: ask again later.");
        return;
    }
    flight->state = FLIGHT_WITH_WORKERS;
    flight->given = false;
    flight->job = job;
    dispatcher->flight_of_job[balance_slot(job)] = flights_index(dispatcher->flights, flight);
}

/* Asks the flight's source, or the next one, or nobody. */
static void launch(struct dispatcher *dispatcher, struct flight *flight, int64_t now_ms)
{
    const char *spent = NULL;
    for (; flight->key.source < dispatcher->options.source_count; flight->key.source++) {
        uint32_t source = flight->key.source;
        const struct cache_answer *known =
            source > 0 ? cache_find_fresh(dispatcher->cache, &flight->key, now_ms) : NULL;
        if (known != NULL) {
            end_by_answer(dispatcher, flight, known);
            return;
        }
        enum limiter_verdict verdict =
            limiter_ask(&dispatcher->limiters[source], flight->asker, place_of(flight), now_ms);
        if (verdict == LIMITER_PASSES) {
            flight->asked_ms = now_ms;
            hand_to_workers(dispatcher, flight, now_ms);
            return;
        }
        if (verdict != LIMITER_RESTS)
            spent = verdict == LIMITER_DAY_SPENT ? SPENT : HOUR_SPENT;
        if (source == 0 && end_by_kept(dispatcher, flight, now_ms))
            return;
    }
    if (spent != NULL)
        end_by_failure(dispatcher, flight, LOOKUP_BUSY, spent);
    else
        end_by_failure(dispatcher, flight, LOOKUP_UNAVAILABLE,
                       "The places provider has failed lately and is left alone for a while.");
}

static bool pause_before_retry(struct dispatcher *dispatcher, struct flight *flight, int64_t now_ms)
{
    int64_t pause_ms = 1 + roll(dispatcher, (int64_t)DISPATCHER_PAUSE_MS << flight->retries);
    if (flight->retries == DISPATCHER_RETRIES_MAX ||
        flights_left_ms(dispatcher->flights, flight, now_ms) < pause_ms + USEFUL_MS ||
        !limiter_grants_retry(&dispatcher->limiters[flight->key.source], place_of(flight)))
        return false;
    flight->retries++;
    flight->state = FLIGHT_PAUSING;
    flight->again_ms = now_ms + pause_ms;
    dispatcher->pausing_count++;
    dispatcher->count.retries++;
    return true;
}

/* ---- outcomes ---- */

static void conclude_well(struct dispatcher *dispatcher, struct flight *flight, struct span body,
                          int64_t now_ms)
{
    const struct dispatcher_source *source = &dispatcher->options.sources[flight->key.source];
    struct cache_answer answer = {.code = LOOKUP_OK, .body = body};
    bool good = nearby_json_find_offsets(body, &answer.offsets);
    limiter_tell(&dispatcher->limiters[flight->key.source], place_of(flight),
                 good ? BREAKER_GOOD : BREAKER_UNKNOWN, 0, now_ms);
    if (!good) {
        end_by_failure(dispatcher, flight, LOOKUP_BAD_REPLY, GARBLED);
        return;
    }
    int64_t fresh_ms = now_ms + source->cache_ms;
    cache_put(dispatcher->cache, &flight->key, &answer, fresh_ms,
              source->cache_ms > 0 ? fresh_ms + source->stale_ms : fresh_ms, now_ms);
    end_by_answer(dispatcher, flight, &answer);
}

/* Those who still have time ask again: they came later than the one whose time the job had. */
static void conclude_late(struct dispatcher *dispatcher, struct flight *flight, struct span body,
                          int64_t now_ms)
{
    flight_result_set(&dispatcher->result,
                      &(struct cache_answer){.code = LOOKUP_TIMEOUT, .body = body});
    if (flights_end_for(dispatcher->flights, flight, now_ms + 2 * DISPATCHER_TRAVEL_MS)) {
        dispatcher->count.failures++;
        return;
    }
    flight->key.source = 0;
    flight->retries = 0;
    flight->failed = false;
    flight->state = FLIGHT_PAUSING;
    flight->again_ms = now_ms;
    dispatcher->pausing_count++;
}

/* A worker said that the provider failed, and it is not asked again. */
static void conclude_badly(struct dispatcher *dispatcher, struct flight *flight,
                           const struct lookup_reply *reply, int64_t now_ms)
{
    if (!dispatcher->stopped) {
        if (end_by_kept(dispatcher, flight, now_ms))
            return;
        if (flight->key.source + 1 < dispatcher->options.source_count &&
            flights_left_ms(dispatcher->flights, flight, now_ms) >= USEFUL_MS) {
            flight->key.source++;
            flight->retries = 0;
            flight->failed = false;
            launch(dispatcher, flight, now_ms);
            return;
        }
    }
    if (reply->code == LOOKUP_TIMEOUT) {
        conclude_late(dispatcher, flight, reply->body, now_ms);
        return;
    }
    struct cache_answer answer = {.code = reply->code, .body = reply->body};
    struct cache_key key = flight->key;
    key.source = 0;
    int64_t fresh_ms = now_ms + DISPATCHER_FAILURE_MS;
    if (reply->code != LOOKUP_BUSY)
        cache_put(dispatcher->cache, &key, &answer, fresh_ms, fresh_ms, now_ms);
    end_by_answer(dispatcher, flight, &answer);
}

/* No worker said anything, or none was there. */
static void conclude_unheard(struct dispatcher *dispatcher, struct flight *flight,
                             enum lookup_code code, int64_t now_ms)
{
    struct limiter *limiter = &dispatcher->limiters[flight->key.source];
    if (flight->given) {
        observe(dispatcher, flight, code, now_ms);
        limiter_tell(limiter, place_of(flight), flight->failed ? BREAKER_BAD : BREAKER_UNKNOWN, 0,
                     now_ms);
    } else {
        limiter_undo(limiter, flight->asker, place_of(flight), flight->asked_ms, now_ms);
    }
    if (!dispatcher->stopped && end_by_kept(dispatcher, flight, now_ms))
        return;
    if (code != LOOKUP_TIMEOUT) {
        end_by_failure(dispatcher, flight, code, "The places service has no worker.");
        return;
    }
    struct buffer body = {0};
    lookup_write_failure(LOOKUP_TIMEOUT, LATE, &body);
    conclude_late(dispatcher, flight, (struct span){body.data, body.len}, now_ms);
    buffer_free(&body);
}

void dispatcher_done(struct dispatcher *dispatcher, struct span worker, uint64_t job,
                     const struct lookup_reply *reply, int64_t rest_ms, int64_t now_ms)
{
    if (!balance_done(dispatcher->balance, worker, job, now_ms))
        return;
    struct flight *flight =
        flights_at(dispatcher->flights, dispatcher->flight_of_job[balance_slot(job)]);
    observe(dispatcher, flight, reply->code, now_ms);
    if (reply->code == LOOKUP_OK) {
        conclude_well(dispatcher, flight, reply->body, now_ms);
        return;
    }
    /* Whoever asks with little time must not make the provider look slow to everybody, nor does a
     * question that it cannot answer make it look ill. */
    bool says_nothing = reply->code == LOOKUP_BUSY || reply->code == LOOKUP_INVALID ||
                        (reply->code == LOOKUP_TIMEOUT && !flight->fair);
    flight->failed = flight->failed || !says_nothing;
    bool retried = reply->code == LOOKUP_UNAVAILABLE || reply->code == LOOKUP_BUSY;
    if (retried && rest_ms == 0 && !dispatcher->stopped &&
        pause_before_retry(dispatcher, flight, now_ms))
        return;
    limiter_tell(&dispatcher->limiters[flight->key.source], place_of(flight),
                 flight->failed ? BREAKER_BAD : BREAKER_UNKNOWN, rest_ms, now_ms);
    conclude_badly(dispatcher, flight, reply, now_ms);
}

void dispatcher_garbled(struct dispatcher *dispatcher, struct span worker, uint64_t job,
                        int64_t now_ms)
{
    if (!balance_done(dispatcher->balance, worker, job, now_ms))
        return;
    struct flight *flight =
        flights_at(dispatcher->flights, dispatcher->flight_of_job[balance_slot(job)]);
    observe(dispatcher, flight, LOOKUP_BAD_REPLY, now_ms);
    /* It says nothing of the provider; what an attempt before it said still counts. */
    limiter_tell(&dispatcher->limiters[flight->key.source], place_of(flight),
                 flight->failed ? BREAKER_BAD : BREAKER_UNKNOWN, 0, now_ms);
    struct buffer body = {0};
    lookup_write_failure(LOOKUP_BAD_REPLY, GARBLED, &body);
    conclude_badly(dispatcher, flight,
                   &(struct lookup_reply){LOOKUP_BAD_REPLY, {body.data, body.len}}, now_ms);
    buffer_free(&body);
}

bool dispatcher_expects(const struct dispatcher *dispatcher, struct span worker, uint64_t job)
{
    return balance_expects(dispatcher->balance, worker, job);
}

/* ---- questions ---- */

static int64_t answer_by_ms(const struct lookup *lookup, int64_t now_ms)
{
    uint32_t margin_ms = lookup->deadline_ms / 10;
    return now_ms + lookup->deadline_ms -
           (margin_ms < DISPATCHER_MARGIN_MS ? margin_ms : DISPATCHER_MARGIN_MS);
}

/* An answer about a larger circle holds the one about this, which is kept for as long as the larger
 * one may be. Borrowed as from cache_find_fresh, or NULL. */
static const struct cache_answer *find_in_wider(struct dispatcher *dispatcher,
                                                const struct cache_key *key,
                                                const struct lookup *lookup, int64_t now_ms)
{
    int64_t fresh_ms, kept_ms;
    if (dispatcher->options.sources[0].narrow == NULL)
        return NULL;
    const struct cache_answer *wider =
        cache_find_wider(dispatcher->cache, key, now_ms, &fresh_ms, &kept_ms);
    struct buffer body = {0};
    if (wider == NULL ||
        !dispatcher->options.sources[0].narrow(wider->body, &wider->offsets, lookup, &body))
        return NULL;
    struct cache_answer answer = {.code = LOOKUP_OK, .body = {body.data, body.len}};
    if (nearby_json_find_offsets(answer.body, &answer.offsets))
        cache_put(dispatcher->cache, key, &answer, fresh_ms, kept_ms, now_ms);
    buffer_free(&body);
    return cache_find_fresh(dispatcher->cache, key, now_ms);
}

bool dispatcher_ask(struct dispatcher *dispatcher, uint64_t asker, const struct lookup *lookup,
                    int64_t now_ms, uint64_t *ticket)
{
    assert(!flights_any_due(dispatcher->flights));
    uint32_t place = find_asker(dispatcher, asker);
    dispatcher->count.asked++;
    if (!flights_have_room(dispatcher->flights, place)) {
        dispatcher->count.busy++;
        return false;
    }
    struct lookup rounded = *lookup;
    cache_quantize(&rounded, dispatcher->options.grid_m);
    struct cache_key key = {rounded.latitude_nanodeg, rounded.longitude_nanodeg, rounded.radius_m,
                            0};
    uint32_t hash = (uint32_t)cache_hash(dispatcher->cache, &key);
    const struct cache_answer *known = cache_find_fresh(dispatcher->cache, &key, now_ms);
    if (known == NULL)
        known = find_in_wider(dispatcher, &key, &rounded, now_ms);
    struct flight *flight = known == NULL ? flights_find(dispatcher->flights, &key, hash) : NULL;
    bool joins = flight != NULL;
    if (known == NULL && !joins) {
        flight = flights_open(dispatcher->flights, &key, hash);
        flight->asker = asker;
    }
    *ticket = flights_join(dispatcher->flights, flight, place, lookup->bound,
                           answer_by_ms(lookup, now_ms));
    if (known != NULL) {
        dispatcher->count.hits++;
        flight_result_set(&dispatcher->result, known);
    } else if (joins) {
        dispatcher->count.joined++;
        if (flight->state == FLIGHT_WITH_WORKERS)
            balance_hasten(dispatcher->balance, flight->job, place);
    } else if (dispatcher->closed) {
        end_by_failure(dispatcher, flight, LOOKUP_UNAVAILABLE, STOPPING);
    } else {
        launch(dispatcher, flight, now_ms);
    }
    return true;
}

enum balance_welcome dispatcher_ready(struct dispatcher *dispatcher, struct span worker,
                                      uint32_t credits, int64_t now_ms)
{
    return balance_ready(dispatcher->balance, worker, credits, now_ms);
}

void dispatcher_lose(struct dispatcher *dispatcher, struct span worker)
{
    balance_lose(dispatcher->balance, worker);
}

void dispatcher_close(struct dispatcher *dispatcher)
{
    dispatcher->closed = true;
}

void dispatcher_stop(struct dispatcher *dispatcher)
{
    dispatcher->closed = dispatcher->stopped = true;
    balance_stop(dispatcher->balance);
}

bool dispatcher_is_idle(const struct dispatcher *dispatcher)
{
    return flights_are_over(dispatcher->flights);
}

/* ---- what time brings ---- */

/* Who asked with less time than the flight has. */
static void expire(struct dispatcher *dispatcher, int64_t now_ms)
{
    flights_expire(dispatcher->flights, now_ms);
    if (flights_any_due(dispatcher->flights))
        flight_result_fail(&dispatcher->result, LOOKUP_TIMEOUT, LATE);
}

/* One pause that is over; true if there was one. */
static bool resume(struct dispatcher *dispatcher, int64_t now_ms)
{
    for (uint32_t i = 0; dispatcher->pausing_count > 0 && i < FLIGHTS_WAITERS_MAX; i++) {
        struct flight *flight = flights_at(dispatcher->flights, i);
        if (flight->state != FLIGHT_PAUSING || (flight->again_ms > now_ms && !dispatcher->stopped))
            continue;
        dispatcher->pausing_count--;
        if (flights_left_ms(dispatcher->flights, flight, now_ms) == 0)
            end_by_failure(dispatcher, flight, LOOKUP_TIMEOUT, LATE);
        else if (dispatcher->stopped)
            end_by_failure(dispatcher, flight, LOOKUP_UNAVAILABLE, STOPPING);
        else
            launch(dispatcher, flight, now_ms);
        return true;
    }
    return false;
}

/* ---- actions ---- */

static bool action_answer(struct dispatcher *dispatcher, struct dispatcher_action *action)
{
    uint64_t ticket;
    uint32_t bound;
    if (!flights_next_due(dispatcher->flights, &ticket, &bound))
        return false;
    dispatcher->count.answers[dispatcher->result.code]++;
    *action = (struct dispatcher_action){
        .kind = DISPATCHER_ANSWER,
        .ticket = ticket,
        .code = dispatcher->result.code,
        .body = flight_result_body(&dispatcher->result, bound),
    };
    return true;
}

/* The log hears when a provider is left alone, and when no more, and what is left of its budget. */
static bool action_news(struct dispatcher *dispatcher, int64_t now_ms,
                        struct dispatcher_action *action)
{
    for (uint32_t i = 0; i < dispatcher->options.source_count; i++) {
        bool paused;
        int64_t pause_ms;
        *action = (struct dispatcher_action){.kind = DISPATCHER_SPENDS,
                                             .source = dispatcher->options.sources[i].name};
        if (quota_has_news(&dispatcher->limiters[i].quota, &action->budget))
            return true;
        if (!limiter_news(&dispatcher->limiters[i], now_ms, &paused, &pause_ms))
            continue;
        *action = (struct dispatcher_action){
            .kind = paused ? DISPATCHER_PAUSED : DISPATCHER_RESUMED,
            .source = dispatcher->options.sources[i].name,
            .pause_ms = pause_ms,
        };
        return true;
    }
    return false;
}

/* False where a second worker would make it one request too many: then the flight has ended. */
static bool action_give(struct dispatcher *dispatcher, const struct balance_action *from,
                        int64_t now_ms, struct dispatcher_action *action)
{
    struct flight *flight =
        flights_at(dispatcher->flights, dispatcher->flight_of_job[balance_slot(from->job)]);
    uint32_t source = flight->key.source;
    if (from->again &&
        !limiter_again(&dispatcher->limiters[source], flight->asker, place_of(flight), now_ms)) {
        balance_done(dispatcher->balance, from->worker, from->job, now_ms);
        end_by_failure(dispatcher, flight, LOOKUP_BUSY, SPENT);
        return false;
    }
    flight->given = true;
    flight->given_ms = now_ms;
    flight->fair = from->left_ms >= DISPATCHER_FAIR_MS;
    dispatcher->count.requests[source]++;
    uint32_t travel_ms =
        from->left_ms / 10 < DISPATCHER_TRAVEL_MS ? from->left_ms / 10 : DISPATCHER_TRAVEL_MS;
    *action = (struct dispatcher_action){
        .kind = DISPATCHER_GIVE,
        .job = from->job,
        .worker = from->worker,
        .source = dispatcher->options.sources[source].name,
        .lookup = {.latitude_nanodeg = flight->key.latitude_nanodeg,
                   .longitude_nanodeg = flight->key.longitude_nanodeg,
                   .radius_m = flight->key.radius_m,
                   .bound = LOOKUP_BOUND_MAX,
                   .deadline_ms = from->left_ms - travel_ms},
    };
    return true;
}

/* The balance's next action, applied here or passed on. True if it is one to be passed on. */
static bool take_action(struct dispatcher *dispatcher, const struct balance_action *from,
                        int64_t now_ms, struct dispatcher_action *action)
{
    switch (from->kind) {
    case BALANCE_GIVE:
        return action_give(dispatcher, from, now_ms, action);
    case BALANCE_FAIL:
        conclude_unheard(
            dispatcher,
            flights_at(dispatcher->flights, dispatcher->flight_of_job[balance_slot(from->job)]),
            from->code, now_ms);
        return false;
    case BALANCE_PROBE:
    case BALANCE_LEFT:
        break;
    }
    *action = (struct dispatcher_action){
        .kind = from->kind == BALANCE_PROBE ? DISPATCHER_PROBE : DISPATCHER_LEFT,
        .worker = from->worker,
    };
    return true;
}

bool dispatcher_next(struct dispatcher *dispatcher, int64_t now_ms,
                     struct dispatcher_action *action)
{
    struct balance_action from;
    for (;;) {
        if (action_answer(dispatcher, action) || action_news(dispatcher, now_ms, action))
            return true;
        if (balance_next(dispatcher->balance, now_ms, &from)) {
            if (take_action(dispatcher, &from, now_ms, action))
                return true;
            continue;
        }
        if (resume(dispatcher, now_ms))
            continue;
        expire(dispatcher, now_ms);
        if (!flights_any_due(dispatcher->flights))
            return false;
    }
}

int64_t dispatcher_deadline_ms(const struct dispatcher *dispatcher)
{
    int64_t deadline_ms = balance_deadline_ms(dispatcher->balance);
    if (flights_earliest_ms(dispatcher->flights) < deadline_ms)
        deadline_ms = flights_earliest_ms(dispatcher->flights);
    for (uint32_t i = 0; dispatcher->pausing_count > 0 && i < FLIGHTS_WAITERS_MAX; i++) {
        const struct flight *flight = flights_at(dispatcher->flights, i);
        if (flight->state == FLIGHT_PAUSING && flight->again_ms < deadline_ms)
            deadline_ms = flight->again_ms;
    }
    return deadline_ms;
}

bool dispatcher_write_budget(const struct dispatcher *dispatcher, int64_t now_ms, int64_t wall_ms,
                             char text[QUOTA_TEXT_BYTES_MAX])
{
    return quota_write(&dispatcher->limiters[0].quota, dispatcher->options.sources[0].name, now_ms,
                       wall_ms, text);
}

bool dispatcher_read_budget(struct dispatcher *dispatcher, struct span text, int64_t now_ms,
                            int64_t wall_ms)
{
    return quota_read(&dispatcher->limiters[0].quota, dispatcher->options.sources[0].name, text,
                      now_ms, wall_ms);
}

void dispatcher_locate(struct dispatcher *dispatcher, struct span worker, struct span address)
{
    balance_locate(dispatcher->balance, worker, address);
}

static void look_at_source(const struct dispatcher *dispatcher, uint32_t source, int64_t now_ms,
                           struct dispatcher_source_view *view)
{
    const struct limiter *limiter = &dispatcher->limiters[source];
    *view = (struct dispatcher_source_view){
        .name = dispatcher->options.sources[source].name,
        .requests = dispatcher->count.requests[source],
        .paused_ms = (uint64_t)breaker_pause_ms(&limiter->breaker, now_ms),
        .spent = now_ms < limiter->quota.day_ms + QUOTA_DAY_MS ? limiter->quota.used : 0,
        .budget = limiter->quota.budget,
        .took = dispatcher->took[source],
    };
}

void dispatcher_look(const struct dispatcher *dispatcher, int64_t now_ms,
                     struct dispatcher_view *view)
{
    *view = (struct dispatcher_view){
        .count = &dispatcher->count,
        .source_count = dispatcher->options.source_count,
        .questions = flights_waiting(dispatcher->flights),
        .workers = balance_workers(dispatcher->balance),
        .kept = cache_count(dispatcher->cache),
        .kept_bytes = cache_bytes(dispatcher->cache),
        .closed = dispatcher->closed,
    };
    for (uint32_t i = 0; i < view->source_count; i++)
        look_at_source(dispatcher, i, now_ms, &view->sources[i]);
    view->host_count = balance_hosts(dispatcher->balance, view->hosts);
}

void dispatcher_write_figures(const struct dispatcher *dispatcher, int64_t now_ms,
                              struct buffer *out)
{
    char bytes[LOOKUP_FIGURES_BYTES_MAX];
    struct dispatcher_view view;
    dispatcher_look(dispatcher, now_ms, &view);
    struct lookup_figures figures = {
        .asked = view.count->asked,
        .hits = view.count->hits,
        .joined = view.count->joined,
        .stale = view.count->stale,
        .failures = view.count->failures,
        .workers = view.workers,
        .paused_ms = view.sources[0].paused_ms,
        .spent = view.sources[0].spent,
        .budget = view.sources[0].budget,
        .kept = view.kept,
        .kept_bytes = view.kept_bytes,
        .host_count = view.host_count,
    };
    memcpy(figures.hosts, view.hosts, sizeof figures.hosts);
    buffer_append(out, (struct span){bytes, lookup_write_figures(&figures, bytes)});
}

const struct dispatcher_counters *dispatcher_count(const struct dispatcher *dispatcher)
{
    return &dispatcher->count;
}
