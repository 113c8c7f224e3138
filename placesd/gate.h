/* gate: whether a provider may be asked once more, and what came of it when it was.
 *
 * A provider's breaker and its budget (placesd/breaker.h, placesd/quota.h) behind one door: what
 * passes counts with both, and what was never sent with neither. It asks nobody and knows no
 * question; time is an argument.
 *
 * Invariant: of each request that passed the gate hears once: gate_tell, gate_undo or a
 * gate_again that says no. */
#ifndef ZHERD_PLACESD_GATE_H
#define ZHERD_PLACESD_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "placesd/breaker.h"
#include "placesd/quota.h"

/* Fields are the gate's own. */
struct gate {
    struct breaker breaker;
    struct quota quota;
    bool paused; /* as gate_news said last */
};

enum gate_verdict {
    GATE_PASSES,
    GATE_RESTS, /* it failed lately, or is being tried just now */
    GATE_SPENT, /* it has been asked as often as it may today */
};

/* `budget` requests a day, 0 for no limit. */
struct gate gate_new(uint32_t budget);

/* One request, if it passes. */
enum gate_verdict gate_ask(struct gate *gate, int64_t now_ms);

/* The same request once more, because whoever took it is lost. False where that is one too many;
 * then the request is over. */
bool gate_again(struct gate *gate, int64_t now_ms);

/* The request was never sent. */
void gate_undo(struct gate *gate, int64_t now_ms);

/* What the request says about the provider, which wants rest for `rest_ms` (0: said nothing). */
void gate_tell(struct gate *gate, enum breaker_outcome outcome, int64_t rest_ms, int64_t now_ms);

/* Whether a failure may be followed by a second attempt, which then has to pass like any other. */
bool gate_grants_retry(struct gate *gate);

/* For the log: true if it has begun or ceased to leave the provider alone. */
bool gate_news(struct gate *gate, int64_t now_ms, bool *paused, int64_t *pause_ms);

#endif
