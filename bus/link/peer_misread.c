/* What cannot be read of a neighbour's messages: it costs their link nothing, and the log hears
 * why. */
#include "bus/link/peer.h"

/* Somebody speaks there, only not as we do. */
static void hear(struct peer *peer, int64_t now_ms)
{
    peer->hellos_unanswered = 0;
    peer->heard_at = now_ms;
    peer->unmet_at = INT64_MAX;
}

void peer_receive_malformed(struct peer *peer, struct span bytes, const struct wire_fault *fault,
                            int64_t now_ms)
{
    struct link_event event = {.kind = LINK_MISREAD, .peer = peer->index};
    hear(peer, now_ms);
    if (misread_malformed(&peer->misread, bytes, fault, now_ms, event.reason))
        events_push(peer->common->events, &event);
}

void peer_receive_parts(struct peer *peer, size_t frames, int64_t now_ms)
{
    struct link_event event = {.kind = LINK_MISREAD, .peer = peer->index};
    hear(peer, now_ms);
    if (misread_parts(&peer->misread, frames, now_ms, event.reason))
        events_push(peer->common->events, &event);
}
