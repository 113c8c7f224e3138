/* When what came over a link is acknowledged, where no message says so by itself. */
#include "bus/link/peer.h"

/* Who sends little, and is owed nothing else, need not hear at once that it arrived: nothing of it
 * waits for that. Nor does an answer of ours, a check of a range, or the repair of one. */
static bool is_calm(const struct peer *peer, int64_t now_ms)
{
    return now_ms >= peer->calm_at && peer->received - peer->said <= WINDOW_CALM_POSITIONS &&
           window_is_told(&peer->window) && range_check_rests(&peer->checks);
}

void peer_owe_ack(struct peer *peer, bool at_once, int64_t now_ms)
{
    bool calm = is_calm(peer, now_ms);
    if (peer->unacked++ == 0)
        peer->unacked_ms = now_ms;
    bool is_slow = calm && now_ms >= peer->unacked_ms + PEER_ACK_MS;
    uint32_t most = is_slow ? PEER_ACK_CALM_UPDATES : PEER_ACK_UPDATES;
    int64_t at_ms = now_ms + PEER_ACK_MS;
    if (peer->unacked >= most || at_once)
        at_ms = now_ms;
    else if (calm && at_ms < peer->alone_at)
        at_ms = peer->alone_at;
    if (at_ms < peer->ack_at)
        peer->ack_at = at_ms;
}
