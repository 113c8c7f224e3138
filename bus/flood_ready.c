/* When a node that has started knows what its herd knows, as far as that can be known soon. */
#include "bus/flood_state.h"

/* An answer that has not come by then will not come soon. */
#define ANSWER_MS 1000

/* An observer has nothing to say of clients, and with a neighbour of the version before ranges are
 * not compared: neither shows when all is known. */
static bool has_answered(const struct peer *peer)
{
    return !peer->is_observer && peer->met > 0 && peer->version >= WIRE_VERSION_CHECKS;
}

int64_t flood_ready_ms(const struct flood *flood, int64_t start_ms, int64_t within_ms)
{
    bool has_neighbours = false, has_answer = false;
    for (size_t i = 0; i < flood->peer_count; i++) {
        const struct peer *peer = &flood->peers[i];
        if (peer->checks.is_synced && !peer->is_observer)
            return start_ms;
        has_neighbours |= !peer->is_observer;
        has_answer |= has_answered(peer);
    }
    if (!has_neighbours)
        return start_ms;
    return start_ms + (has_answer || within_ms < ANSWER_MS ? within_ms : ANSWER_MS);
}
