#include "gateway/text/phases.h"

#include "gateway/text/wall.h"

static bool stop(struct phases *phases, int64_t now_ms)
{
    phases->phase = PHASE_STOPS;
    phases->until_ms = now_ms + PHASES_STOP_MS;
    phases->stop_latest_ms = now_ms + PHASES_STOP_MS_MAX;
    return true;
}

/* Clients have their time to read after the last look-up was answered. */
static bool is_over(struct phases *phases, const struct phases_seen *seen, int64_t now_ms)
{
    if (seen->lookups > 0 && now_ms + PHASES_STOP_MS > phases->until_ms)
        phases->until_ms = now_ms + PHASES_STOP_MS;
    if (phases->until_ms > phases->stop_latest_ms)
        phases->until_ms = phases->stop_latest_ms;
    return (seen->connections == 0 && seen->is_told) || now_ms >= phases->until_ms;
}

static bool goes_on(struct phases *phases, bool is_time)
{
    phases->phase += is_time;
    return is_time;
}

bool phases_turn(struct phases *phases, const struct phases_seen *seen, int64_t now_ms)
{
    switch (phases->phase) {
    case PHASE_CLOSED:
        return goes_on(phases,
                       wall_opens_door(seen->neighbours, seen->heard, now_ms - phases->start_ms));
    case PHASE_OPEN:
        return goes_on(phases, now_ms >= seen->ready_ms);
    case PHASE_DRAINS:
        return now_ms >= phases->until_ms && stop(phases, now_ms);
    case PHASE_STOPS:
        return goes_on(phases, is_over(phases, seen, now_ms));
    case PHASE_READY:
    case PHASE_OVER:
        break;
    }
    return false;
}

/* Nobody sends clients to a node that was never ready: it has nothing to drain. */
bool phases_end(struct phases *phases, int64_t now_ms)
{
    if (phases_ends(phases)) {
        phases->until_ms = phases->stop_latest_ms = now_ms;
        return false;
    }
    if (phases->phase != PHASE_READY || phases->drain_ms == 0)
        return stop(phases, now_ms);
    phases->phase = PHASE_DRAINS;
    phases->until_ms = now_ms + phases->drain_ms;
    return true;
}

int64_t phases_deadline_ms(const struct phases *phases, const struct phases_seen *seen)
{
    switch (phases->phase) {
    case PHASE_CLOSED:
        return phases->start_ms + WALL_DOOR_MS;
    case PHASE_OPEN:
        return seen->ready_ms;
    case PHASE_DRAINS:
    case PHASE_STOPS:
        return phases->until_ms;
    case PHASE_READY:
    case PHASE_OVER:
        break;
    }
    return INT64_MAX;
}

bool phases_ends(const struct phases *phases)
{
    return phases->phase >= PHASE_DRAINS;
}

const char *phases_name(enum phase phase)
{
    static const char *const names[] = {
        [PHASE_CLOSED] = "closed", [PHASE_OPEN] = "open",   [PHASE_READY] = "ready",
        [PHASE_DRAINS] = "drains", [PHASE_STOPS] = "stops", [PHASE_OVER] = "over",
    };
    return names[phase];
}
