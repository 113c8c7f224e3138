#include "bus/link/range_pace.h"

#define PARTS 60000 /* of a piece: milliseconds of a minute */

static const struct range_rate checks_rate = {64, 64 * 60};
static const struct range_rate answers_rate = {65536, 65536 / 4 * 60};
static const struct range_rate healing_rate = {RANGE_LISTS_MAX, 22 * 60};
static const struct range_rate vain_rate = {RANGE_LISTS_MAX, 1};
static const struct range_rate starved_rate = {RANGE_STARVED_MAX, 64 * 60};
static const struct range_rate taken_rate = {RANGE_LISTS_MAX + RANGE_STARVED_MAX, (22 + 64) * 60};
static const struct range_rate unsettled_rate = {65536, 65536};

/* ---- Buckets ---------------------------------------------------------------------------- */

static void flow(struct range_bucket *bucket, const struct range_rate *rate, int64_t now_ms)
{
    int64_t max = (int64_t)rate->max * PARTS, passed_ms = now_ms - bucket->at_ms;
    if (passed_ms <= 0)
        return;
    bucket->at_ms = now_ms;
    if (bucket->parts >= max)
        return;
    int64_t missing = max - bucket->parts;
    bool is_full = passed_ms > missing / rate->per_minute;
    bucket->parts = is_full ? max : bucket->parts + passed_ms * rate->per_minute;
}

void range_bucket_fill(struct range_bucket *bucket, const struct range_rate *rate, int64_t now_ms)
{
    *bucket = (struct range_bucket){(int64_t)rate->max * PARTS, now_ms};
}

bool range_bucket_take(struct range_bucket *bucket, const struct range_rate *rate, uint64_t count,
                       int64_t now_ms)
{
    flow(bucket, rate, now_ms);
    if (count > rate->max || bucket->parts < (int64_t)count * PARTS)
        return false;
    range_bucket_charge(bucket, count);
    return true;
}

bool range_bucket_has(struct range_bucket *bucket, const struct range_rate *rate, uint32_t spare,
                      int64_t now_ms)
{
    flow(bucket, rate, now_ms);
    return bucket->parts > (int64_t)spare * PARTS;
}

void range_bucket_charge(struct range_bucket *bucket, uint64_t count)
{
    bucket->parts -= (int64_t)count * PARTS;
}

/* ---- What is sent ----------------------------------------------------------------------- */

void range_budget_init(struct range_budget *budget, int64_t now_ms)
{
    *budget = (struct range_budget){.pass_ms = RANGE_PASS_MS,
                                    .pass_ends_ms = now_ms + RANGE_PASS_MS,
                                    .resync_ms = RANGE_RESYNC_MS};
    range_bucket_fill(&budget->lists, &healing_rate, now_ms);
    range_bucket_fill(&budget->starved, &starved_rate, now_ms);
}

bool range_budget_turn(struct range_budget *budget, int64_t now_ms)
{
    if (now_ms < budget->pass_ends_ms)
        return false;
    bool in_vain = 2 * budget->pass_healed < budget->pass_listed;
    budget->pass_ms = in_vain ? 2 * budget->pass_ms : RANGE_PASS_MS;
    if (budget->pass_ms > RANGE_PASS_MS_MAX)
        budget->pass_ms = RANGE_PASS_MS_MAX;
    budget->pass_ends_ms = now_ms + budget->pass_ms;
    budget->pass_listed = budget->pass_healed = 0;
    return true;
}

static bool take(struct range_budget *budget, int64_t now_ms)
{
    uint32_t judged = budget->listed < RANGE_LISTS_JUDGED ? budget->listed : RANGE_LISTS_JUDGED;
    bool heals = 2 * budget->healed_count > judged;
    return range_bucket_take(&budget->lists, heals ? &healing_rate : &vain_rate, 1, now_ms);
}

bool range_budget_spend(struct range_budget *budget, enum range_reason reason, int64_t now_ms)
{
    if (reason == RANGE_STARVES)
        return range_bucket_take(&budget->starved, &starved_rate, 1, now_ms);
    if (reason == RANGE_DIFFERS && !take(budget, now_ms))
        return false;
    bool *place = &budget->healed[budget->listed++ % RANGE_LISTS_JUDGED];
    budget->healed_count -= *place;
    *place = false;
    budget->pass_listed++;
    return true;
}

void range_budget_heal(struct range_budget *budget)
{
    uint32_t judged = budget->listed < RANGE_LISTS_JUDGED ? budget->listed : RANGE_LISTS_JUDGED;
    budget->pass_healed += budget->pass_healed < budget->pass_listed;
    for (uint32_t i = 1; i <= judged; i++) {
        bool *place = &budget->healed[(budget->listed - i) % RANGE_LISTS_JUDGED];
        if (*place)
            continue;
        *place = true;
        budget->healed_count++;
        return;
    }
}

bool range_budget_resync(struct range_budget *budget, int64_t now_ms)
{
    bool is_clean = !budget->was_resynced || now_ms - budget->wanted_ms >= RANGE_RESYNC_MS_MAX;
    bool may = is_clean || now_ms - budget->resynced_ms >= budget->resync_ms;
    budget->wanted_ms = now_ms;
    if (!may)
        return false;
    budget->resync_ms = is_clean ? RANGE_RESYNC_MS : 2 * budget->resync_ms;
    if (budget->resync_ms > RANGE_RESYNC_MS_MAX)
        budget->resync_ms = RANGE_RESYNC_MS_MAX;
    budget->was_resynced = true;
    budget->resynced_ms = now_ms;
    return true;
}

/* ---- What is received ------------------------------------------------------------------- */

void range_pace_init(struct range_pace *pace, int64_t now_ms)
{
    *pace = (struct range_pace){0};
    range_bucket_fill(&pace->checks, &checks_rate, now_ms);
    range_bucket_fill(&pace->answers, &answers_rate, now_ms);
    range_bucket_fill(&pace->lists, &taken_rate, now_ms);
    range_bucket_fill(&pace->unsettled, &unsettled_rate, now_ms);
}

bool range_pace_takes_check(struct range_pace *pace, int64_t now_ms)
{
    return range_bucket_take(&pace->checks, &checks_rate, 1, now_ms);
}

bool range_pace_answers(struct range_pace *pace, uint32_t ranges, int64_t now_ms)
{
    return range_bucket_take(&pace->answers, &answers_rate, ranges, now_ms);
}

bool range_pace_takes_list(struct range_pace *pace, bool is_settled, int64_t now_ms)
{
    return is_settled ? range_bucket_take(&pace->lists, &taken_rate, 1, now_ms)
                      : range_bucket_take(&pace->unsettled, &unsettled_rate, 1, now_ms);
}

bool range_pace_takes_ids(struct range_pace *pace, uint64_t ids)
{
    if (ids > pace->ids)
        return false;
    pace->ids -= ids;
    return true;
}
