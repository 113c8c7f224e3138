/* What must hold in every state of a link. */
#include "bus/link/peer.h"

#define NEVER INT64_MAX

/* What each state promises beside the window's own invariant. */
static bool is_as_the_state_says(const struct peer *peer)
{
    const struct window *window = &peer->window;
    bool is_told = window_is_told(window), is_up = peer_is_up(peer);
    bool nothing_waits =
        window->ring.kept == window->ring.head && window->in_flight == 0 && !window->ring.lost;
    if (is_up != (peer->silence_at != NEVER) || (is_up && peer->unmet_at != NEVER))
        return false;
    if (window->in_flight > 0 ? peer->stuck_at == NEVER : is_told && peer->stuck_at != NEVER)
        return false;
    switch (peer->state) {
    case PEER_STRANGER:
        return peer->theirs == 0 && nothing_waits;
    case PEER_MET:
        return peer->theirs != 0 && window->in_flight == 0 && peer->stuck_at == NEVER;
    case PEER_AWAY:
        return (peer->theirs != 0 || nothing_waits) && window->in_flight == 0 &&
               peer->stuck_at == NEVER;
    case PEER_UP:
        return peer->theirs != 0 && peer->heartbeat_at != NEVER;
    case PEER_LEFT:
        return peer->theirs != 0 && peer->common->leaving && window->in_flight == 0;
    case PEER_GONE:
        return (peer->theirs != 0 || nothing_waits) && peer->common->leaving &&
               window->in_flight == 0 && peer->stuck_at == NEVER;
    case PEER_STATES:
        break;
    }
    return false;
}

bool peer_is_sound(const struct peer *peer)
{
    return window_is_sound(&peer->window) && is_as_the_state_says(peer);
}
