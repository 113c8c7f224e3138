/* How a link begins, moves among the others, and ends. */
#include "bus/link/handshake.h"
#include "bus/link/peer.h"

#define NEVER   INT64_MAX
#define AT_ONCE INT64_MIN

void peer_init(struct peer *peer, const struct peer_common *common, size_t index, struct span name)
{
    peer->common = common;
    peer->index = index;
    peer->owner = (uint16_t)index;
    peer->name = name;
    peer->hellos_quick = PEER_HELLO_QUICK_COUNT;
    window_init(&peer->window);
    range_check_init(&peer->checks, common->lists, &peer->window, common->count, index);
    digest_check_init(&peer->digest_check);
    misread_init(&peer->misread);
    handshake_init(&peer->handshake);
    peer->heard_at = peer->pair_heard_at = peer->hello_at = peer->find_at = AT_ONCE;
    peer->meet_at = peer->alone_at = AT_ONCE;
    peer->silence_at = peer->ack_at = peer->heartbeat_at = peer->stuck_at = NEVER;
    peer->beat_at = peer->absent_at = NEVER;
    peer->unmet_at = AT_ONCE; /* the first turn says what time it is */
}

void peer_free(struct peer *peer)
{
    range_check_close(&peer->checks);
    window_free(&peer->window);
}

void peer_leave_absent(struct peer *peer, int64_t now_ms)
{
    const struct ring *ring = &peer->window.ring;
    if (now_ms < peer->absent_at || ring->head - ring->kept <= PEER_ABSENT_SLOTS_MAX)
        return;
    window_drop(&peer->window);
    range_resync_forget(&peer->checks);
    peer->is_new = true;
    peer->met++; /* where the link is still up over there, what is settled is so no more */
}

void peer_move(struct peer *peer, const struct peer *from, size_t index, struct span name)
{
    *peer = *from;
    peer->index = index;
    peer->name = name;
    range_check_move(&peer->checks, &peer->window, index);
}
