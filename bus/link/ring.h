/* ring: what a link still has to send, each slot at most once.
 *
 * A queue of table slots. A slot that changes while it waits keeps its place and goes out once, in
 * its newest value: busy clients neither fill the queue nor push others back. Every place in the
 * queue has a position, a sequence number: one at which something was sent is never used for
 * anything else.
 *
 * It holds the positions from `kept` to `head`: sent ones, which may be lost on the way and must
 * then be sent again, and after them those that were never sent. What is sent again keeps its
 * position, so that an acknowledgement that was only slow still counts. A slot that changes after
 * it was sent waits at a new position, so that such an acknowledgement never hides the change. It
 * knows no messages, no peers and no time.
 *
 * A slot that is forgotten while it waits leaves a blank, which is passed over in its turn.
 * Positions from `sent` on were never sent, so blanks at the end are taken back, and all are closed
 * when a slot is forgotten and more than half of a long queue is blanks.
 *
 * Where every slot waits because it was filled, they are a run: two numbers, and a bit for each.
 * What changes later stands after it and takes 4 bytes.
 *
 * Where the system gives no memory a slot that changed is lost, and the ring says so until it is
 * filled: the peer must then be sent everything again. Until then it takes no memory for more.
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
    uint32_t *slots;                 /* by position from `stored` on, circular */
    uint64_t capacity;               /* a power of two, or 0 */
    uint64_t kept, next, sent, head; /* `next` goes out next: below `sent` only after a loss */
    uint64_t run, run_end; /* at a kept position below `run_end` stands the slot that is as
                              far from 0 as it is from `run` */
    uint64_t stored;       /* the larger one of `kept` and `run_end` */
    uint64_t *due;         /* a bit for each slot that waits */
    uint64_t due_words;
    uint64_t due_count; /* bits that are set */
    bool lost;          /* some slot that changed does not wait here */
    uint64_t fills;     /* how often it was cleared, or filled: places that were known are void */
    uint64_t rewinds; /* how often something is sent again: where a slot changed since, it goes out
                         at its later place only */
};

/* The slot changed: it waits at the end, unless it waits already, or is lost. */
void ring_push(struct ring *ring, uint32_t slot);

/* The slot need not be sent any more, unless it changes again. True if it waited. */
bool ring_forget(struct ring *ring, uint32_t slot);

/* The next slot to send, or false; ring_take says that it has been sent. */
bool ring_peek(struct ring *ring, uint32_t *slot);
void ring_take(struct ring *ring);

/* How many slots are to be sent: those that wait, and those to be sent again, of which some may
 * have changed and wait, too. */
uint64_t ring_due(const struct ring *ring);

/* The slot at a position from `kept` to `head`; false where it was forgotten. One that was sent may
 * have changed since and wait elsewhere, too. */
bool ring_at(const struct ring *ring, uint64_t position, uint32_t *slot);

/* A hint for a caller that will send many: the slot that stands `distance` positions after the next
 * one, or false. */
bool ring_look_ahead(const struct ring *ring, uint32_t distance, uint32_t *slot);

/* True when the next `count` positions, none of them sent before, are of these slots, even if one
 * of them was forgotten; ring_take_news says that they all have been sent. */
bool ring_is_next(const struct ring *ring, const uint32_t *slots, uint32_t count);
void ring_take_news(struct ring *ring, uint32_t count);

/* What was sent at positions below `position` (at most `sent`) has arrived: its memory is free, and
 * it is not sent again. */
void ring_confirm(struct ring *ring, uint64_t position);

/* What was sent and not confirmed is sent again, at its old positions. */
void ring_rewind(struct ring *ring);

/* Nothing waits any more; nothing sent is kept; no memory is held. */
void ring_clear(struct ring *ring);

/* Nothing was ever pushed, and what will be stands at positions from `position` on. */
void ring_begin_at(struct ring *ring, uint64_t position);

/* Every slot below `count` waits, in order, and nothing else; or nothing does and it is lost. */
void ring_fill(struct ring *ring, uint32_t count);

void ring_free(struct ring *ring);

/* True while the invariant holds. Costs the size of the ring; for tests. */
bool ring_is_sound(const struct ring *ring);

#endif
