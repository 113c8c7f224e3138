/* breaker: whether a provider that failed lately is to be asked at all.
 *
 * Closed, it lets every request pass. Failures in a row, or too many among the last ones, open
 * it: for a while nothing passes, so that whoever asks gets another answer at once and the
 * provider gets rest. Then one request may try (half open): a good answer closes it, a bad one
 * opens it for twice as long. It asks nobody; time is an argument.
 *
 * Invariant: while it is not closed at most one request is on its way. */
#ifndef ZHERD_PLACESD_DISPATCH_BREAKER_H
#define ZHERD_PLACESD_DISPATCH_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

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

#endif
