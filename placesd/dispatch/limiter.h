/* limiter: whether a provider may be asked once more, and what came of it when it was.
 *
 * Three limits. A breaker: a provider that failed lately is left alone. A budget per day, because
 * some providers bill. A share for second attempts, because a provider in trouble must not be asked
 * twice as often. What passes counts with all of them, and what was never sent with none. The place
 * that failed last has a breaker of its own: however often one place fails again, it says nothing
 * about the others, and they are asked about as before. It counts and asks nobody; a place is a
 * number of the caller's, and time is an argument.
 *
 * Invariant: of each look-up that passed the limiter hears once at its end: limiter_tell,
 * limiter_undo or a limiter_again that says no; its second attempts, which pass like any other, are
 * part of it. */
#ifndef ZHERD_PLACESD_DISPATCH_LIMITER_H
#define ZHERD_PLACESD_DISPATCH_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

/* ---- the breaker ----
 *
 * Closed, it lets every request pass. Failures in a row, or too many among the last ones, open
 * it: for a while nothing passes, so that whoever asks gets another answer at once and the
 * provider gets rest. Then one request may try (half open): a good answer closes it, a bad one
 * opens it for twice as long. While it is not closed at most one request is on its way. */

/* So many failures in a row open it ... */
#define BREAKER_ROW_MAX 5
/* ... or more than half of so many outcomes. */
#define BREAKER_WINDOW 20
/* How long it stays open; doubled with each attempt that fails. */
#define BREAKER_PAUSE_MS_MIN 5000
#define BREAKER_PAUSE_MS_MAX 60000
/* A provider that asks for more rest than this (Retry-After, RFC 9110, 10.2.3) is asked again all
 * the same: one mistaken answer must not silence it for days. */
#define BREAKER_REST_MS_MAX 3600000

/* All zero is closed. Fields are the breaker's own. */
struct breaker {
    uint32_t window; /* one bit per outcome, set for a failure; the newest is the lowest */
    uint32_t outcomes;
    uint32_t row;
    bool open;
    bool trying;
    int64_t again_ms; /* open: when the next attempt may be made */
    int64_t pause_ms;
    int64_t rest_ms; /* the provider's own wish */
};

enum breaker_outcome {
    BREAKER_GOOD,
    BREAKER_BAD,
    BREAKER_UNKNOWN, /* the request never got so far as to say anything about the provider */
};

/* Whether a request may pass now. Each one let pass is to be told about once. */
bool breaker_allows(struct breaker *breaker, int64_t now_ms);

void breaker_tell(struct breaker *breaker, enum breaker_outcome outcome, int64_t now_ms);

/* The provider wants rest for so long from now on. */
void breaker_rest(struct breaker *breaker, int64_t rest_ms, int64_t now_ms);

/* How long nothing passes from now on, 0 if something does. */
int64_t breaker_pause_ms(const struct breaker *breaker, int64_t now_ms);

/* ---- the quota ----
 *
 * The budget of a day, and the share of second attempts. Within a day no more than the budget
 * passes. */

#define QUOTA_DAY_MS INT64_C(86400000)
/* One second attempt per so many requests ... */
#define QUOTA_REQUESTS_PER_RETRY 10
/* ... and as many in a row where none was needed for long. */
#define QUOTA_RETRIES_MAX 10

struct quota {
    uint32_t budget; /* requests a day, 0 for no limit */
    uint32_t used;
    int64_t day_ms;  /* when this day began: with its first request */
    uint32_t shares; /* tenths of retries */
};

struct quota quota_new(uint32_t budget);

/* One request more. False where today's budget is used up. */
bool quota_take(struct quota *quota, int64_t now_ms);

/* That request was not made after all. */
void quota_give_back(struct quota *quota);

/* Whether this failure may be followed by a second attempt. The request itself is quota_take's. */
bool quota_take_retry(struct quota *quota);

/* ---- the limiter ---- */

/* Fields are the limiter's own. */
struct limiter {
    struct breaker breaker;
    struct breaker of_place; /* the one that failed last */
    uint64_t place;
    bool has_place;
    struct quota quota;
    bool paused; /* as limiter_news said last */
};

enum limiter_verdict {
    LIMITER_PASSES,
    LIMITER_RESTS, /* it failed lately, or is being tried just now */
    LIMITER_SPENT, /* it has been asked as often as it may today */
};

/* `budget` requests a day, 0 for no limit. */
struct limiter limiter_new(uint32_t budget);

/* One request about a place, if it passes. */
enum limiter_verdict limiter_ask(struct limiter *limiter, uint64_t place, int64_t now_ms);

/* The same request once more, because whoever took it is lost. False where that is one too many;
 * then the request is over. */
bool limiter_again(struct limiter *limiter, uint64_t place, int64_t now_ms);

/* The request was never sent. */
void limiter_undo(struct limiter *limiter, uint64_t place, int64_t now_ms);

/* What the look-up says about the provider, which wants rest for `rest_ms` (0: said nothing). */
void limiter_tell(struct limiter *limiter, uint64_t place, enum breaker_outcome outcome,
                  int64_t rest_ms, int64_t now_ms);

/* Whether a failure may be followed by a second attempt, of which the limiter is told instead.
 * Never while it is tried whether the provider is well again: one request is enough for that. */
bool limiter_grants_retry(struct limiter *limiter);

/* For the log: true if it has begun or ceased to leave the provider alone. */
bool limiter_news(struct limiter *limiter, int64_t now_ms, bool *paused, int64_t *pause_ms);

#endif
