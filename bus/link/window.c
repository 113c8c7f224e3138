#include "bus/link/window.h"

#include <assert.h>

#define NEVER    INT64_MAX
#define LONG_AGO (INT64_MIN / 2)

void window_init(struct window *window)
{
    window->retransmit_ms = WINDOW_RETRANSMIT_MS;
    window->retransmit_at = NEVER;
    window->confirmed_ms = LONG_AGO;
}

void window_free(struct window *window)
{
    ring_free(&window->ring);
}

bool window_is_open(const struct window *window)
{
    uint32_t most = window->probing ? 1 : WINDOW_UPDATES_MAX;
    return window->announced < window->ring.head && window->in_flight < most;
}

bool window_is_told(const struct window *window)
{
    return window->acked == window->ring.head && !window->ring.lost;
}

bool window_is_announced(const struct window *window)
{
    return window->announced == window->ring.head && !window->ring.lost;
}

void window_announce(struct window *window, int64_t now_ms)
{
    assert(window->in_flight < WINDOW_UPDATES_MAX && window->ring.next > window->announced);
    if (window->acked >= window->timed) {
        window->timed = window->ring.head;
        window->timed_ms = now_ms;
        window->timed_calm = now_ms < window->confirmed_ms + WINDOW_CALM_MS &&
                             window->ring.next - window->announced <= WINDOW_CALM_POSITIONS;
    }
    window->announced_ms = now_ms;
    window->announced = window->ring.next;
    if (window->in_flight == 0)
        window->retransmit_at = now_ms + window->retransmit_ms;
    window->upto[window->in_flight++] = window->ring.next;
}

bool window_asks(const struct window *window)
{
    return window->probing ||
           (window->took_ms >= WINDOW_FAR_MS && window->in_flight % WINDOW_FAR_ASKS == 0);
}

/* What stood here at `timed_ms` has arrived. Of an acknowledgement that may have waited nobody
 * knows how long it did: the way took less by that at most, and not more than what was sent last
 * took. */
static void take_time(struct window *window, uint64_t received, int64_t now_ms)
{
    int64_t most_ms = now_ms - window->timed_ms, least_ms = most_ms - WINDOW_CALM_MS;
    if (!window->timed_calm)
        least_ms = most_ms;
    else if (received >= window->announced && now_ms - window->announced_ms < most_ms)
        most_ms = now_ms - window->announced_ms;
    if (window->took_ms > most_ms)
        window->took_ms = most_ms;
    if (window->took_ms < least_ms)
        window->took_ms = least_ms;
}

bool window_confirm(struct window *window, uint64_t received, int64_t now_ms)
{
    if (received <= window->acked)
        return false;
    if (window->acked < window->timed && received >= window->timed)
        take_time(window, received, now_ms);
    window->confirmed_ms = now_ms;
    window->acked = received;
    if (window->announced < received)
        window->announced = received;
    ring_confirm(&window->ring, received);
    uint32_t arrived = 0;
    while (arrived < window->in_flight && window->upto[arrived] <= received)
        arrived++;
    window->in_flight -= arrived;
    memmove(window->upto, window->upto + arrived, window->in_flight * sizeof *window->upto);
    window->probing = false;
    window->retransmit_ms = WINDOW_RETRANSMIT_MS;
    window->retransmit_at = window->in_flight > 0 ? now_ms + WINDOW_RETRANSMIT_MS : NEVER;
    return true;
}

int64_t window_lag_ms(const struct window *window, int64_t now_ms)
{
    int64_t waits_ms = window->acked < window->timed ? now_ms - window->timed_ms : 0;
    waits_ms -= window->timed_calm ? WINDOW_CALM_MS : 0;
    return waits_ms > window->took_ms ? waits_ms : window->took_ms;
}

/* The next UPDATE follows the last acknowledgement, so whatever did arrive, it will not be a gap;
 * and where the acknowledgement was only slow, it still counts, because positions stay what they
 * are. */
bool window_rewind(struct window *window)
{
    bool any = window->in_flight > 0;
    ring_rewind(&window->ring);
    window->announced = window->acked;
    window->in_flight = 0;
    window->retransmit_at = NEVER;
    window->probing = true;
    return any;
}

bool window_expire(struct window *window, int64_t now_ms)
{
    if (now_ms < window->retransmit_at)
        return false;
    int64_t doubled_ms = 2 * window->retransmit_ms;
    window->retransmit_ms =
        doubled_ms < WINDOW_RETRANSMIT_MS_MAX ? doubled_ms : WINDOW_RETRANSMIT_MS_MAX;
    return window_rewind(window);
}

void window_calm(struct window *window)
{
    window->retransmit_ms = WINDOW_RETRANSMIT_MS;
}

void window_refill(struct window *window, uint32_t count)
{
    bool was_probing = window->probing, any = window_rewind(window);
    window->probing = was_probing || any;
    ring_fill(&window->ring, count);
}

void window_owe_all(struct window *window)
{
    window->ring.lost = true;
}

void window_drop(struct window *window)
{
    assert(window->in_flight == 0);
    ring_clear(&window->ring);
    window_owe_all(window);
}

void window_start_over(struct window *window)
{
    window->acked = window->timed = 0;
    window->took_ms = 0;
    window->timed_calm = false;
    window->confirmed_ms = LONG_AGO;
    window_refill(window, 0);
    window->probing = false;
    window->retransmit_ms = WINDOW_RETRANSMIT_MS;
}

void window_begin_at(struct window *window, uint64_t position)
{
    ring_begin_at(&window->ring, position);
    window->acked = window->announced = position;
}

bool window_is_sound(const struct window *window)
{
    const struct ring *ring = &window->ring;
    if (!ring_is_sound(ring) || window->acked > window->announced ||
        window->announced > ring->next || window->acked > ring->kept ||
        window->in_flight > WINDOW_UPDATES_MAX)
        return false;
    for (uint32_t i = 0; i < window->in_flight; i++)
        if (window->upto[i] <= (i == 0 ? window->acked : window->upto[i - 1]) ||
            window->upto[i] > window->announced)
            return false;
    bool moving = window->in_flight > 0 || window->announced < ring->head || ring->lost;
    return (window_is_told(window) || moving) &&
           (window->in_flight > 0) == (window->retransmit_at != NEVER);
}
