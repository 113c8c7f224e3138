/* window: what was sent to the other end of a link, and what of that has arrived.
 *
 * It says whether another UPDATE may go out, what that one follows, and when what is on the way
 * must be sent again. What waits stands in its ring, from which the writer of an UPDATE takes it.
 * It knows no messages, no incarnations and no links: bus/link/peer.h knows whether the other end
 * listens.
 *
 * Positions are those of the ring: those that were sent only grow while our process lives, whatever
 * the other end does. So an old acknowledgement can be late, but never mean something else.
 *
 * Invariant: acked <= announced <= sent <= head. A location that the other end may lack is in the
 * ring: waiting, or sent and not acknowledged; and whatever is on the way is timed. */
#ifndef ZHERD_BUS_LINK_WINDOW_H
#define ZHERD_BUS_LINK_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/link/ring.h"

/* UPDATEs on the way at most: enough to hide a round trip and some milliseconds in which the peer's
 * process does not run, few enough that a busy client's old positions do not queue up in the
 * transport. While all windows are open all links are due the same, and what was written for one
 * serves the others. */
#define WINDOW_UPDATES_MAX 32
/* The patience with what is on the way, doubled each time it ends. */
#define WINDOW_RETRANSMIT_MS     1000
#define WINDOW_RETRANSMIT_MS_MAX 4000
/* On a calm link an acknowledgement that goes alone is at least so long after the last one, and
 * waits for it with no more positions than these (bus/link/peer_acks.c). What waited like that says
 * nothing of the time that the way takes. */
#define WINDOW_CALM_MS        200
#define WINDOW_CALM_POSITIONS 32
/* Where acknowledgements take longer, one UPDATE of so many that are on the way asks for one at
 * once, and after a loss each does: the window must not close for those that wait. */
#define WINDOW_FAR_MS   60
#define WINDOW_FAR_ASKS 4u

/* Times are milliseconds; INT64_MAX is never. */
struct window {
    struct ring ring;
    uint64_t acked;                    /* before it they have everything */
    uint64_t announced;                /* the `after` of the next UPDATE */
    uint64_t upto[WINDOW_UPDATES_MAX]; /* the `upto` of each UPDATE on the way, oldest first */
    uint32_t in_flight;
    bool probing;          /* after a loss: one UPDATE on the way until one is acknowledged */
    int64_t retransmit_ms; /* the current patience */
    int64_t retransmit_at; /* when it ends */
    /* The end of what waited at `timed_ms`, and how long it took until they had the last such, but
     * for what their acknowledgement may have waited on a calm link. */
    uint64_t timed;
    int64_t timed_ms, took_ms;
    bool timed_calm;                    /* it may wait */
    int64_t announced_ms, confirmed_ms; /* the last UPDATE, and the last acknowledgement */
};

/* `window` is all zero before. */
void window_init(struct window *window);
void window_free(struct window *window);

/* Whether an UPDATE is due that may go out now. Also true where everything that waited was
 * forgotten: an empty UPDATE then moves the receiver past those positions. */
bool window_is_open(const struct window *window);

/* Whether everything that ever waited, or should have, has arrived. */
bool window_is_told(const struct window *window);

/* Whether everything that ever waited, or should have, was put into an UPDATE. */
bool window_is_announced(const struct window *window);

/* What was taken from the ring since the last UPDATE goes into one, from the old `announced` up to
 * the new one. The window is open. */
void window_announce(struct window *window, int64_t now_ms);

/* Whether the UPDATE that was just announced is to ask for an acknowledgement at once. */
bool window_asks(const struct window *window);

/* They have everything before `received`, which is at most the ring's `sent`. True where that is
 * news. */
bool window_confirm(struct window *window, uint64_t received, int64_t now_ms);

/* How far they lag: the milliseconds from when something waited here until they had acknowledged
 * it, as it was last, or more where they have not yet. */
int64_t window_lag_ms(const struct window *window, int64_t now_ms);

/* What is on the way counts as lost and is sent again. True if there was anything. */
bool window_rewind(struct window *window);

/* The same where the patience has ended; it is doubled for the next time. True if it has. */
bool window_expire(struct window *window, int64_t now_ms);

/* The way to them is new: the patience with what goes over it starts over. */
void window_calm(struct window *window);

/* Every slot below `count` waits, whatever was sent before. */
void window_refill(struct window *window, uint32_t count);

/* The other end is new and has received nothing: whatever was on the way was for another process,
 * and nothing waits. */
void window_start_over(struct window *window);

/* Nothing was ever sent, and what will be stands at positions from `position` on. */
void window_begin_at(struct window *window, uint64_t position);

/* Everything should wait, but is not in the ring before window_refill puts it there. */
void window_owe_all(struct window *window);

/* The same, and no memory is held for what did wait. Nothing is on the way. */
void window_drop(struct window *window);

/* True while the invariant holds. Costs the size of the ring; for tests. */
bool window_is_sound(const struct window *window);

#endif
