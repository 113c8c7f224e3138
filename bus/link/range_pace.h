/* range_pace: how much range checks may cost, in counts: buckets that time fills again.
 *
 * What a node does for checks follows partly from what its neighbours say, and 50 bytes with an
 * invented digest must not buy 262 KB as often as somebody sends them. So each kind of work has a
 * bucket: for each link the LISTs that it sends (struct range_budget) and what it takes from the
 * other end (struct range_pace), and for all links together the slots that are looked at. The rates
 * are C8 and C9 of bus/PROTOCOL.md, Range checks. It knows neither ranges nor messages.
 *
 * Invariant: in any time a bucket gives at most what it holds and what the rate adds in that time,
 * and once more what a single piece of work takes where it may run into debt. */
#ifndef ZHERD_BUS_LINK_RANGE_PACE_H
#define ZHERD_BUS_LINK_RANGE_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* LISTs of ranges that were equal before: 2 % of all ranges. */
#define RANGE_LISTS_MAX 1310u
/* LISTs of ranges that are never at rest. They say nothing of whether LISTs heal, and take nothing
 * from those that differ. */
#define RANGE_STARVED_MAX 512u
/* How many of the last LISTs say whether LISTs heal anything. */
#define RANGE_LISTS_JUDGED 100u
/* A pass: in it no range is listed twice. One that heals less than half of what it lists makes the
 * next one twice as long. */
#define RANGE_PASS_MS     60000
#define RANGE_PASS_MS_MAX 300000
/* How often a link may be treated as a new pair; doubled each time, until an hour was clean. */
#define RANGE_RESYNC_MS     600000
#define RANGE_RESYNC_MS_MAX 3600000

struct range_rate {
    uint32_t max, per_minute;
};

/* All zero is an empty one. */
struct range_bucket {
    int64_t parts; /* a 60,000th of a piece each, so that nothing is rounded; below 0: in debt */
    int64_t at_ms; /* until when the time is counted in */
};

/* It holds as much as it can. */
void range_bucket_fill(struct range_bucket *bucket, const struct range_rate *rate, int64_t now_ms);

/* Takes `count` pieces if they are there. */
bool range_bucket_take(struct range_bucket *bucket, const struct range_rate *rate, uint64_t count,
                       int64_t now_ms);

/* Whether more than `spare` is there; then work may be begun whose size is known only when it is
 * done, and is charged then. */
bool range_bucket_has(struct range_bucket *bucket, const struct range_rate *rate, uint32_t spare,
                      int64_t now_ms);
void range_bucket_charge(struct range_bucket *bucket, uint64_t count);

/* Why a range is listed. */
enum range_reason {
    RANGE_DIFFERS,  /* it was equal before */
    RANGE_STARVES,  /* it was never at rest when it was looked at */
    RANGE_UNSETTLED /* it differs, and was not equal before */
};

/* What a link may spend on LISTs. */
struct range_budget {
    struct range_bucket lists;
    struct range_bucket starved;     /* of ranges that are never at rest */
    bool healed[RANGE_LISTS_JUDGED]; /* of the last LISTs, circular */
    uint32_t listed, healed_count;   /* all so far; how many of `healed` are true */
    uint32_t pass_listed, pass_healed;
    int64_t pass_ms, pass_ends_ms;
    bool was_resynced;
    int64_t resync_ms, resynced_ms; /* the pause after the last one, and when that was */
    int64_t wanted_ms;              /* when one was asked for last */
};

void range_budget_init(struct range_budget *budget, int64_t now_ms);

/* True where a new pass begins: every range may be listed once more. */
bool range_budget_turn(struct range_budget *budget, int64_t now_ms);

/* Whether a LIST may be sent, which then counts. Those that starve have their own bucket, and
 * whoever is not settled pays nothing: a pass is his limit. */
bool range_budget_spend(struct range_budget *budget, enum range_reason reason, int64_t now_ms);

/* A range that was listed in this pass is equal now. */
void range_budget_heal(struct range_budget *budget);

/* Whether the link may be treated as a new pair now, which then counts. */
bool range_budget_resync(struct range_budget *budget, int64_t now_ms);

/* What is taken from the other end of a link. */
struct range_pace {
    struct range_bucket checks;    /* CHECKs, 64 a second */
    struct range_bucket answers;   /* ranges that are answered by a CHECK, 65,536 in 4 s */
    struct range_bucket lists;     /* LISTs of settled ranges: as many as one may send */
    struct range_bucket unsettled; /* of others */
    uint64_t ids;                  /* that may be wanted: as many as were listed */
};

void range_pace_init(struct range_pace *pace, int64_t now_ms);
bool range_pace_takes_check(struct range_pace *pace, int64_t now_ms);
bool range_pace_answers(struct range_pace *pace, uint32_t ranges, int64_t now_ms);
bool range_pace_takes_list(struct range_pace *pace, bool is_settled, int64_t now_ms);
bool range_pace_takes_ids(struct range_pace *pace, uint64_t ids);

#endif
