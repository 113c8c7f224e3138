#include "placesd/dispatch/limiter.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- the breaker ---- */

#define WINDOW_MASK ((UINT32_C(1) << BREAKER_WINDOW) - 1)

bool breaker_allows(struct breaker *breaker, int64_t now_ms)
{
    if (now_ms < breaker->rest_ms)
        return false;
    if (!breaker->open)
        return true;
    if (breaker->trying || now_ms < breaker->again_ms)
        return false;
    breaker->trying = true;
    return true;
}

static void close_breaker(struct breaker *breaker)
{
    *breaker = (struct breaker){.rest_ms = breaker->rest_ms};
}

static void open_breaker(struct breaker *breaker, int64_t now_ms)
{
    int64_t pause_ms = breaker->open ? 2 * breaker->pause_ms : BREAKER_PAUSE_MS_MIN;
    breaker->pause_ms = pause_ms < BREAKER_PAUSE_MS_MAX ? pause_ms : BREAKER_PAUSE_MS_MAX;
    breaker->again_ms = now_ms + breaker->pause_ms;
    breaker->open = true;
    breaker->trying = false;
}

static bool fails_too_often(const struct breaker *breaker)
{
    return breaker->row >= BREAKER_ROW_MAX ||
           (breaker->outcomes >= BREAKER_WINDOW &&
            __builtin_popcount(breaker->window) > BREAKER_WINDOW / 2);
}

void breaker_tell(struct breaker *breaker, enum breaker_outcome outcome, int64_t now_ms)
{
    if (breaker->open) {
        /* What was on its way when it opened says nothing new. */
        if (!breaker->trying)
            return;
        if (outcome == BREAKER_GOOD)
            close_breaker(breaker);
        else if (outcome == BREAKER_BAD)
            open_breaker(breaker, now_ms);
        else
            breaker->trying = false;
        return;
    }
    if (outcome == BREAKER_UNKNOWN)
        return;
    bool bad = outcome == BREAKER_BAD;
    breaker->window = (breaker->window << 1 | bad) & WINDOW_MASK;
    breaker->outcomes += breaker->outcomes < BREAKER_WINDOW;
    breaker->row = bad ? breaker->row + 1 : 0;
    if (fails_too_often(breaker))
        open_breaker(breaker, now_ms);
}

void breaker_rest(struct breaker *breaker, int64_t rest_ms, int64_t now_ms)
{
    int64_t until_ms = now_ms + (rest_ms < BREAKER_REST_MS_MAX ? rest_ms : BREAKER_REST_MS_MAX);
    if (until_ms > breaker->rest_ms)
        breaker->rest_ms = until_ms;
}

int64_t breaker_pause_ms(const struct breaker *breaker, int64_t now_ms)
{
    int64_t until_ms = breaker->open ? breaker->again_ms : now_ms;
    if (breaker->rest_ms > until_ms)
        until_ms = breaker->rest_ms;
    return until_ms > now_ms ? until_ms - now_ms : 0;
}

/* ---- the quota ---- */

struct quota quota_new(uint32_t budget, uint32_t nodes)
{
    assert(nodes >= 1 && nodes <= QUOTA_NODES_MAX);
    return (struct quota){
        .budget = budget,
        .nodes = nodes,
        .hour = -1,
        .shares = QUOTA_RETRIES_MAX * QUOTA_REQUESTS_PER_RETRY,
    };
}

static void begin_day(struct quota *quota, int64_t now_ms)
{
    quota->day_ms = now_ms;
    quota->used = 0;
    quota->hour = -1;
    quota->told_of_day = 0;
}

static void begin_hour(struct quota *quota, int64_t hour)
{
    uint32_t left = quota->budget > quota->used ? quota->budget - quota->used : 0;
    quota->hour = hour;
    quota->hour_max = left / QUOTA_HOUR_PARTS + (left % QUOTA_HOUR_PARTS > 0);
    quota->hour_used = quota->common_used = quota->known_count = quota->told_of_hour = 0;
    quota->hour_ended = false;
}

static void move_on(struct quota *quota, int64_t now_ms)
{
    if (quota->hour < 0 || now_ms - quota->day_ms >= QUOTA_DAY_MS)
        begin_day(quota, now_ms);
    int64_t hour = (now_ms - quota->day_ms) / QUOTA_HOUR_MS;
    if (hour != quota->hour)
        begin_hour(quota, hour);
}

/* What is kept for each node in an hour. */
static uint32_t kept(const struct quota *quota)
{
    return quota->hour_max / (2 * quota->nodes);
}

static struct quota_node *find(struct quota *quota, uint64_t asker)
{
    for (uint32_t i = 0; i < quota->known_count; i++)
        if (quota->known[i].asker == asker)
            return &quota->known[i];
    return NULL;
}

/* The node's entry; NULL where it has none and there is none left. */
static struct quota_node *find_or_add(struct quota *quota, uint64_t asker)
{
    struct quota_node *node = asker != 0 ? find(quota, asker) : NULL;
    if (node != NULL || asker == 0 || quota->known_count == quota->nodes)
        return node;
    node = &quota->known[quota->known_count++];
    *node = (struct quota_node){asker, 0};
    return node;
}

/* One request of this hour: of the asker's own part, or else of what is kept for nobody. */
static bool take_of_hour(struct quota *quota, uint64_t asker)
{
    if (quota->hour_used >= quota->hour_max)
        return false;
    struct quota_node *node = find_or_add(quota, asker);
    bool is_own = node != NULL && node->used < kept(quota);
    if (!is_own && quota->common_used >= quota->hour_max - quota->nodes * kept(quota))
        return false;
    quota->common_used += !is_own;
    if (node != NULL)
        node->used++;
    quota->hour_used++;
    return true;
}

enum quota_verdict quota_take(struct quota *quota, uint64_t asker, int64_t now_ms)
{
    if (quota->budget > 0) {
        move_on(quota, now_ms);
        if (quota->used >= quota->budget)
            return QUOTA_DAY_SPENT;
        if (!take_of_hour(quota, asker)) {
            quota->hour_ended = true;
            return QUOTA_HOUR_SPENT;
        }
        quota->used++;
    }
    if (quota->shares < QUOTA_RETRIES_MAX * QUOTA_REQUESTS_PER_RETRY)
        quota->shares++;
    return QUOTA_PASSES;
}

void quota_give_back(struct quota *quota, uint64_t asker, int64_t taken_ms)
{
    if (quota->used == 0 || taken_ms < quota->day_ms)
        return;
    quota->used--;
    if (quota->hour_used == 0 || taken_ms < quota->day_ms + quota->hour * QUOTA_HOUR_MS)
        return;
    quota->hour_used--;
    struct quota_node *node = find(quota, asker);
    bool is_own = node != NULL && node->used > 0 && node->used <= kept(quota);
    if (node != NULL && node->used > 0)
        node->used--;
    if (!is_own && quota->common_used > 0)
        quota->common_used--;
}

bool quota_take_retry(struct quota *quota)
{
    if (quota->shares < QUOTA_REQUESTS_PER_RETRY)
        return false;
    quota->shares -= QUOTA_REQUESTS_PER_RETRY;
    return true;
}

static uint32_t percent_used(uint32_t used, uint32_t max)
{
    if (used >= max)
        return 100;
    return (uint64_t)used * 100 >= (uint64_t)max * QUOTA_NEARLY_PERCENT ? QUOTA_NEARLY_PERCENT : 0;
}

bool quota_has_news(struct quota *quota, struct quota_news *news)
{
    if (quota->budget == 0 || quota->hour < 0)
        return false;
    uint32_t of_day = percent_used(quota->used, quota->budget);
    if (of_day > quota->told_of_day) {
        quota->told_of_day = of_day;
        *news = (struct quota_news){false, of_day, quota->used, quota->budget};
        return true;
    }
    uint32_t of_hour = quota->hour_ended ? 100 : percent_used(quota->hour_used, quota->hour_max);
    if (of_hour <= quota->told_of_hour || of_day == 100)
        return false;
    quota->told_of_hour = of_hour;
    *news = (struct quota_news){true, of_hour, quota->hour_used, quota->hour_max};
    return true;
}

bool quota_write(const struct quota *quota, const char *name, int64_t now_ms, int64_t wall_ms,
                 char text[QUOTA_TEXT_BYTES_MAX])
{
    if (quota->hour < 0)
        return false;
    snprintf(text, QUOTA_TEXT_BYTES_MAX,
             "1 %.*s since_ms %" PRId64 " used %" PRIu32 " hour %" PRId64 " of %" PRIu32
             " used %" PRIu32 "\n",
             QUOTA_NAME_BYTES_MAX, name, wall_ms - (now_ms - quota->day_ms), quota->used,
             quota->hour, quota->hour_max, quota->hour_used);
    return true;
}

bool quota_read(struct quota *quota, const char *name, struct span text, int64_t now_ms,
                int64_t wall_ms)
{
    char line[QUOTA_TEXT_BYTES_MAX], said[QUOTA_NAME_BYTES_MAX + 1], same[QUOTA_TEXT_BYTES_MAX];
    struct quota read = {.budget = quota->budget, .nodes = quota->nodes, .shares = quota->shares};
    int64_t since_ms, age_ms;
    snprintf(line, sizeof line, "%.*s", (int)(text.len < sizeof line ? text.len : 0), text.data);
    /* A number out of range is found below, with all else that was not written so.
     * NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(line,
               "1 %32s since_ms %" SCNd64 " used %" SCNu32 " hour %" SCNd64 " of %" SCNu32
               " used %" SCNu32,
               said, &since_ms, &read.used, &read.hour, &read.hour_max, &read.hour_used) != 6 ||
        read.hour < 0)
        return false;
    /* Written by the same words it is the same, or it was not written so. */
    if (!quota_write(&read, said, 0, since_ms, same) || !span_equals(span_of(same), text) ||
        __builtin_sub_overflow(wall_ms, since_ms, &age_ms))
        return false;
    if (strcmp(said, name) != 0 || age_ms >= QUOTA_DAY_MS)
        return true;
    read.day_ms = now_ms - (age_ms > 0 ? age_ms : 0);
    read.common_used = read.hour_used;
    *quota = read;
    return true;
}

/* ---- the limiter ---- */

struct limiter limiter_new(uint32_t budget, uint32_t nodes)
{
    return (struct limiter){.quota = quota_new(budget, nodes)};
}

static bool failed_last(const struct limiter *limiter, uint64_t place)
{
    return limiter->has_place && limiter->place == place;
}

/* The request says nothing about anybody. */
static void tell_nothing(struct limiter *limiter, uint64_t place, int64_t now_ms)
{
    breaker_tell(&limiter->breaker, BREAKER_UNKNOWN, now_ms);
    if (failed_last(limiter, place))
        breaker_tell(&limiter->of_place, BREAKER_UNKNOWN, now_ms);
}

enum limiter_verdict limiter_ask(struct limiter *limiter, uint64_t asker, uint64_t place,
                                 int64_t now_ms)
{
    bool again = failed_last(limiter, place);
    if (again && !breaker_allows(&limiter->of_place, now_ms))
        return LIMITER_RESTS;
    if (!breaker_allows(&limiter->breaker, now_ms)) {
        if (again)
            breaker_tell(&limiter->of_place, BREAKER_UNKNOWN, now_ms);
        return LIMITER_RESTS;
    }
    enum quota_verdict verdict = quota_take(&limiter->quota, asker, now_ms);
    if (verdict == QUOTA_PASSES)
        return LIMITER_PASSES;
    tell_nothing(limiter, place, now_ms);
    return verdict == QUOTA_DAY_SPENT ? LIMITER_DAY_SPENT : LIMITER_HOUR_SPENT;
}

bool limiter_again(struct limiter *limiter, uint64_t asker, uint64_t place, int64_t now_ms)
{
    if (quota_take(&limiter->quota, asker, now_ms) == QUOTA_PASSES)
        return true;
    tell_nothing(limiter, place, now_ms);
    return false;
}

void limiter_undo(struct limiter *limiter, uint64_t asker, uint64_t place, int64_t asked_ms,
                  int64_t now_ms)
{
    tell_nothing(limiter, place, now_ms);
    quota_give_back(&limiter->quota, asker, asked_ms);
}

static void tell_bad(struct limiter *limiter, uint64_t place, int64_t now_ms)
{
    bool again = failed_last(limiter, place);
    breaker_tell(&limiter->breaker, again ? BREAKER_UNKNOWN : BREAKER_BAD, now_ms);
    if (!again) {
        limiter->of_place = (struct breaker){0};
        limiter->place = place;
        limiter->has_place = true;
    }
    breaker_tell(&limiter->of_place, BREAKER_BAD, now_ms);
}

void limiter_tell(struct limiter *limiter, uint64_t place, enum breaker_outcome outcome,
                  int64_t rest_ms, int64_t now_ms)
{
    if (outcome == BREAKER_UNKNOWN) {
        tell_nothing(limiter, place, now_ms);
    } else if (outcome == BREAKER_BAD) {
        tell_bad(limiter, place, now_ms);
    } else {
        breaker_tell(&limiter->breaker, BREAKER_GOOD, now_ms);
        limiter->has_place = limiter->has_place && limiter->place != place;
    }
    if (rest_ms > 0)
        breaker_rest(&limiter->breaker, rest_ms, now_ms);
}

bool limiter_grants_retry(struct limiter *limiter, uint64_t place)
{
    bool is_tried =
        limiter->breaker.open || (failed_last(limiter, place) && limiter->of_place.open);
    return !is_tried && quota_take_retry(&limiter->quota);
}

bool limiter_news(struct limiter *limiter, int64_t now_ms, bool *paused, int64_t *pause_ms)
{
    *pause_ms = breaker_pause_ms(&limiter->breaker, now_ms);
    *paused = limiter->breaker.open || *pause_ms > 0;
    if (*paused == limiter->paused)
        return false;
    limiter->paused = *paused;
    return true;
}
