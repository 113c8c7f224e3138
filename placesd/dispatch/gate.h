/* gate: whether a provider may be asked once more, and what came of it when it was.
 *
 * A provider's breaker and its budget (placesd/dispatch/breaker.h, placesd/dispatch/quota.h) as
 * one: what passes counts with both, and what was never sent with neither. The place that failed
 * last has a breaker of its own: however often one place fails again, it says nothing about the
 * others, and they are asked about as before. It asks nobody; a place is a number of the caller's,
 * and time is an argument.
 *
 * Invariant: of each look-up that passed the gate hears once at its end: gate_tell, gate_undo or a
 * gate_again that says no; its second attempts, which pass like any other, are part of it. */
#ifndef ZHERD_PLACESD_DISPATCH_GATE_H
#define ZHERD_PLACESD_DISPATCH_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "placesd/dispatch/breaker.h"
#include "placesd/dispatch/quota.h"

/* Fields are the gate's own. */
struct gate {
    struct breaker breaker;
    struct breaker of_place; /* the one that failed last */
    uint64_t place;
    bool has_place;
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

/* One request about a place, if it passes. */
enum gate_verdict gate_ask(struct gate *gate, uint64_t place, int64_t now_ms);

/* The same request once more, because whoever took it is lost. False where that is one too many;
 * then the request is over. */
bool gate_again(struct gate *gate, uint64_t place, int64_t now_ms);

/* The request was never sent. */
void gate_undo(struct gate *gate, uint64_t place, int64_t now_ms);

/* What the look-up says about the provider, which wants rest for `rest_ms` (0: said nothing). */
void gate_tell(struct gate *gate, uint64_t place, enum breaker_outcome outcome, int64_t rest_ms,
               int64_t now_ms);

/* Whether a failure may be followed by a second attempt, of which the gate is told instead. Never
 * while it is tried whether the provider is well again: one request is enough for that. */
bool gate_grants_retry(struct gate *gate);

/* For the log: true if it has begun or ceased to leave the provider alone. */
bool gate_news(struct gate *gate, int64_t now_ms, bool *paused, int64_t *pause_ms);

#endif
