/* ring: what a link still has to tell, each slot at most once.
 *
 * A queue of table slots. A slot that changes while it waits keeps its place and goes out once,
 * in its newest value: busy clients neither fill the queue nor push others back. Every place in
 * the queue has a position, counted from the ring's first day on, and nothing else is ever told at
 * a position at which something was told.
 *
 * It holds the positions from `kept` to `head`: told ones, which may be lost on the way and must
 * then be told again, and behind them those that were never told. What is told again keeps its
 * position, so that an acknowledgement that was only slow still counts. A slot that changes after
 * it was told waits at a new position, so that such an acknowledgement never hides the change.
 * It knows no messages, no peers and no time.
 *
 * A slot that is forgotten while it waits leaves a blank, which is passed over in its turn.
 * Positions from `sent` on are known to nobody else, so blanks at the end are taken back, and all
 * are closed when a slot is forgotten and more than half of a long queue is blanks.
 *
 * Invariant: kept <= next <= sent <= head; every slot whose due bit is set stands at one of the
 * positions from `sent` on; and the last of these is no blank. */
#ifndef ZHERD_BUS_LINK_RING_H
#define ZHERD_BUS_LINK_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"

/* All zero is an empty ring that holds no memory. */
struct ring {
    uint32_t *slots;                 /* by position, circular */
    uint64_t capacity;               /* a power of two, or 0 */
    uint64_t kept, next, sent, head; /* `next` goes out next: behind `sent` only after a loss */
    uint64_t *due;                   /* a bit for each slot that waits */
    uint64_t due_words;
    uint64_t due_count; /* bits that are set */
};

/* The slot changed: it waits at the end, unless it waits already. */
void ring_push(struct ring *ring, uint32_t slot);

/* The slot need not be told any more, unless it changes again. True if it waited. */
bool ring_forget(struct ring *ring, uint32_t slot);

/* The next slot to tell, or false; ring_take says that it has been told. */
bool ring_peek(struct ring *ring, uint32_t *slot);
void ring_take(struct ring *ring);

/* How many slots are to be told: those that wait, and those to be told again, of which some may
 * have changed and wait, too. */
uint64_t ring_due(const struct ring *ring);

/* A hint for whoever will tell many: the slot that stands so far behind the next one, or false. */
bool ring_look_ahead(const struct ring *ring, uint32_t distance, uint32_t *slot);

/* True when the next `count` positions, none of them told before, are of these slots, be it that
 * one of them was forgotten; ring_take_news says that they all have been told. */
bool ring_is_next(const struct ring *ring, const uint32_t *slots, uint32_t count);
void ring_take_news(struct ring *ring, uint32_t count);

/* What was told before `position` (at most `sent`) has arrived: its memory is free, and it is not
 * told again. */
void ring_confirm(struct ring *ring, uint64_t position);

/* What was told and not confirmed is told again, at its old positions. */
void ring_rewind(struct ring *ring);

/* Nothing waits any more; nothing told is kept. */
void ring_clear(struct ring *ring);

/* Every slot below `count` waits, in order, and nothing else. */
void ring_fill(struct ring *ring, uint32_t count);

void ring_free(struct ring *ring);

/* True while the invariant holds. Costs the size of the ring; for tests. */
bool ring_is_sound(const struct ring *ring);

#endif
