/* limiter: whether a provider may be asked once more, and what came of it when it was.
 *
 * Two limits. A breaker: a provider that failed lately is left alone. And a quota, of all requests
 * and of second attempts. What passes counts with both of them, and what
 * was never sent with neither. The place that failed last has a breaker of its own: however often
 * one place fails again, it says nothing about the others, and they are asked about as before. It
 * counts and asks nobody; a place is a number of the caller's, and time is an argument.
 *
 * Invariant: of each look-up that passed the limiter hears once at its end: limiter_tell,
 * limiter_undo or a limiter_again that says no; its second attempts, which pass like any other, are
 * part of it. */
#ifndef ZHERD_PLACESD_DISPATCH_LIMITER_H
#define ZHERD_PLACESD_DISPATCH_LIMITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"

/* ---- the breaker ----
 *
 * Closed, it lets every request pass. Failures in a row, or too many among the last ones, open
 * it: for a while nothing passes, so that whoever asks gets another answer at once and the
 * provider gets rest. Then one request may try (half open): a good answer closes it, a bad one
 * opens it for twice as long. While it is not closed at most one request is on its way. */

/* This many failures in a row open it ... */
#define BREAKER_ROW_MAX 5
/* ... or more than half of this many outcomes. */
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

/* Whether a request may pass now. For each one that may, its outcome is due once:
 * breaker_tell. */
bool breaker_allows(struct breaker *breaker, int64_t now_ms);

void breaker_tell(struct breaker *breaker, enum breaker_outcome outcome, int64_t now_ms);

/* The provider wants rest for `rest_ms` from now on. */
void breaker_rest(struct breaker *breaker, int64_t rest_ms, int64_t now_ms);

/* How long nothing passes from now on, 0 if something does. */
int64_t breaker_pause_ms(const struct breaker *breaker, int64_t now_ms);

/* ---- the quota ----
 *
 * How often a provider may be asked, because some providers bill. A budget for a day, which no hour
 * may use up: an hour gets an eighth of what is left at its beginning, and half of that is kept for
 * the herd's nodes, for each the same, so that a greedy one takes neither the day nor the others'
 * share. And a share for second attempts, because a provider in trouble must not be asked twice as
 * often. Whoever asks is a number of the caller's, 0 for somebody who is no node. It opens no file:
 * what is to be remembered over a restart is a text. Within a day no more than the budget passes,
 * within an hour no more than its share. */

#define QUOTA_DAY_MS  INT64_C(86400000)
#define QUOTA_HOUR_MS INT64_C(3600000)
/* An hour gets one part in this many of what is left of the day: a day of greedy hours uses up 96
 * of 100, and whatever happened there is something left. */
#define QUOTA_HOUR_PARTS 8
/* Nodes for which a part is kept; as many as a herd has. */
#define QUOTA_NODES_MAX 1024
/* Said in the log when so much of a budget is used. */
#define QUOTA_NEARLY_PERCENT 80
/* One second attempt per this many requests ... */
#define QUOTA_REQUESTS_PER_RETRY 10
/* ... and as many in a row where none was needed for long. */
#define QUOTA_RETRIES_MAX 10

/* A node that has asked in this hour. Without keys nobody knows which node asks: then as many as
 * there are nodes get a part, whoever comes first. */
struct quota_node {
    uint64_t asker;
    uint32_t used;
};

/* Fields are the quota's own. */
struct quota {
    uint32_t budget; /* requests a day, 0 for no limit */
    uint32_t nodes;
    uint32_t used;
    int64_t day_ms; /* when this day began: with its first request */
    int64_t hour;   /* of this day, from 0; -1 before the first request */
    uint32_t hour_max, hour_used;
    uint32_t common_used; /* of the part of this hour that is kept for nobody */
    struct quota_node known[QUOTA_NODES_MAX];
    uint32_t known_count;
    bool hour_ended;      /* somebody was refused in it */
    uint32_t told_of_day; /* per cent: what the log has heard */
    uint32_t told_of_hour;
    uint32_t shares; /* tenths of retries */
};

enum quota_verdict {
    QUOTA_PASSES,
    QUOTA_HOUR_SPENT, /* it has been asked as often as it may in this hour, or by that asker */
    QUOTA_DAY_SPENT,
};

/* `nodes` is 1 to QUOTA_NODES_MAX. */
struct quota quota_new(uint32_t budget, uint32_t nodes);

/* One request more, if it passes. */
enum quota_verdict quota_take(struct quota *quota, uint64_t asker, int64_t now_ms);

/* The request that passed at `taken_ms` was not made after all. Of an hour that is over it is given
 * back to the day alone, of a day that is over not at all. */
void quota_give_back(struct quota *quota, uint64_t asker, int64_t taken_ms);

/* Whether this failure may be followed by a second attempt. The request itself is quota_take's. */
bool quota_take_retry(struct quota *quota);

/* For the log: `used` of `max` is used, QUOTA_NEARLY_PERCENT or all of it. */
struct quota_news {
    bool of_hour;
    uint32_t percent, used, max;
};

/* Each is news once a day or hour. */
bool quota_has_news(struct quota *quota, struct quota_news *news);

#define QUOTA_TEXT_BYTES_MAX 256
#define QUOTA_NAME_BYTES_MAX 32

/* One line for a file, with a NUL after it; false where nothing was asked yet. `name` is the
 * provider's, a word; `wall_ms` the time of day (Unix, in milliseconds) that belongs to `now_ms`.
 */
bool quota_write(const struct quota *quota, const char *name, int64_t now_ms, int64_t wall_ms,
                 char text[QUOTA_TEXT_BYTES_MAX]);

/* Goes on where that line ends. What it says of another provider or of a day that is over is
 * ignored. False for anything that quota_write has not written. A clock that was set back makes the
 * day longer, and nothing that was used is forgotten. */
bool quota_read(struct quota *quota, const char *name, struct span text, int64_t now_ms,
                int64_t wall_ms);

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
    LIMITER_RESTS,      /* it failed lately, or is being tried just now */
    LIMITER_HOUR_SPENT, /* it has been asked as often as it may in this hour ... */
    LIMITER_DAY_SPENT,  /* ... or today */
};

/* `budget` requests a day, 0 for no limit, of which a part is kept for each of the nodes. */
struct limiter limiter_new(uint32_t budget, uint32_t nodes);

/* One request of that asker about a place, if it passes. */
enum limiter_verdict limiter_ask(struct limiter *limiter, uint64_t asker, uint64_t place,
                                 int64_t now_ms);

/* The same request once more, because whoever took it is lost. False where that is one too many;
 * then the request is over. */
bool limiter_again(struct limiter *limiter, uint64_t asker, uint64_t place, int64_t now_ms);

/* The request that passed at `asked_ms` was never sent. */
void limiter_undo(struct limiter *limiter, uint64_t asker, uint64_t place, int64_t asked_ms,
                  int64_t now_ms);

/* What the look-up says about the provider, which wants rest for `rest_ms` (0: said nothing). */
void limiter_tell(struct limiter *limiter, uint64_t place, enum breaker_outcome outcome,
                  int64_t rest_ms, int64_t now_ms);

/* Whether a failure about a place may be followed by a second attempt, whose outcome is reported
 * instead. Never while it is tried whether the provider, or that place, is well again: one request
 * is enough for that, and the second one would be refused while the first one's outcome is due. */
bool limiter_grants_retry(struct limiter *limiter, uint64_t place);

/* For the log: true if it has begun or ceased to leave the provider alone. */
bool limiter_news(struct limiter *limiter, int64_t now_ms, bool *paused, int64_t *pause_ms);

#endif
