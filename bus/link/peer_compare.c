/* Whether the other end of a link holds what we hold. */
#include "bus/link/peer.h"

#include "bus/link/beat.h"

/* What is settled at the other end is so no more where this one met another process, or where its
 * horizon moved back: what it had freed before the other end may have all the time. */
static uint64_t count_met(const struct peer *peer)
{
    return peer->met + peer->common->lists->backs;
}

struct wire_cut peer_cut(const struct peer *peer, int64_t now_ms)
{
    return (struct wire_cut){
        .position = peer->window.announced,
        .met = count_met(peer),
        .horizon_ns = table_horizon_ns(peer->common->table),
        .ceiling_ns = herd_time_ceiling_ns(peer->common->time, now_ms),
    };
}

/* A table that is much smaller lacks what the other one has: to compare them would cost more. */
static bool are_alike(uint64_t ours, uint64_t theirs)
{
    uint64_t most = ours > theirs ? ours : theirs, least = ours > theirs ? theirs : ours;
    return most - least <= most / PEER_CLIENTS_PART;
}

/* The link may have gone down before all was compared, or told: where it was being told, it still
 * waits. */
void peer_begin_pair(struct peer *peer, int64_t now_ms)
{
    uint32_t clients = table_count(peer->common->table);
    if (peer->their_clients == PEER_CLIENTS_UNKNOWN)
        return;
    peer->heartbeat_at = now_ms; /* if the tables are equal, it says so */
    peer->compares = peer->is_new ? are_alike(clients, peer->their_clients) : peer->compares;
    peer->is_new = false;
    if (!peer->compares || peer->checks.is_synced)
        return;
    if (peer->their_clients > clients)
        clients = (uint32_t)peer->their_clients;
    bool leads = peer->common->incarnation < peer->theirs;
    peer->compares = range_resync_begin(&peer->checks, clients, leads, now_ms);
    if (!peer->compares)
        window_owe_all(&peer->window);
    else if (peer->window.ring.lost)
        window_refill(&peer->window, 0);
}

int64_t peer_rests_at(const struct peer *peer, int64_t now_ms)
{
    bool is_new = peer->their_clients != PEER_CLIENTS_UNKNOWN && !peer->checks.is_synced &&
                  now_ms < peer->met_at + PEER_REST_NEW_FOR;
    return now_ms + (is_new ? PEER_REST_NEW_MS : PEER_REST_MS);
}

int64_t peer_beats_at(const struct peer *peer, int64_t now_ms)
{
    return beat_until(peer->common->lists->process, peer->index, now_ms + PEER_HEARTBEAT_MS);
}

void peer_write_heartbeat(const struct peer *peer, struct wire_message *message, int64_t now_ms)
{
    const struct window *window = &peer->window;
    message->type = WIRE_HEARTBEAT;
    message->head = window_is_told(window) ? window->ring.head : WIRE_HEAD_UNREST;
    message->digest = table_digest(peer->common->table);
    message->clients = table_count(peer->common->table);
    herd_time_tell(peer->common->time, peer->index, message, now_ms);
    message->cut = peer_cut(peer, now_ms);
    message->slots = range_check_slots(&peer->checks);
    lazy_write_heartbeat(peer->common->lazy, peer->index, message);
    message->whole =
        window_is_announced(window) && !range_list_is_young(peer->common->lists, peer->index)
            ? wire_fold(message->digest)
            : 0;
}

static void tell(const struct peer *peer, enum link_event_kind kind, uint64_t their_digest)
{
    events_push(peer->common->events, &(struct link_event){
                                          .kind = kind,
                                          .peer = peer->index,
                                          .digest = table_digest(peer->common->table),
                                          .their_digest = their_digest,
                                          .clients = table_count(peer->common->table),
                                          .compared_age_ms = UINT64_MAX,
                                      });
}

/* Whole tables, where both ends are at rest. All that a peer of version 1 knows; of any other it
 * says only that they are equal. */
static void compare_at_rest(struct peer *peer, const struct wire_message *heartbeat, int64_t now_ms)
{
    struct window *window = &peer->window;
    if (!window_is_told(window) || heartbeat->received != window->ring.head ||
        heartbeat->head != peer->received) {
        digest_check_forget(&peer->digest_check);
        return;
    }
    switch (digest_check_judge(&peer->digest_check, table_digest(peer->common->table),
                               heartbeat->digest, table_above(peer->common->table) > 0, now_ms)) {
    case DIGEST_CHECK_NOTHING:
        break;
    case DIGEST_CHECK_EQUAL:
        tell(peer, LINK_DIGESTS_EQUAL, heartbeat->digest);
        break;
    case DIGEST_CHECK_FAULT:
        /* Range checks find and heal it, while the link is up. */
        if (peer->version >= WIRE_VERSION_CHECKS)
            break;
        peer->common->count->digest_faults++;
        tell(peer, LINK_DIGESTS_DIFFER, heartbeat->digest);
        window_refill(window, table_slots(peer->common->table));
        break;
    }
}

void peer_compare(struct peer *peer, const struct wire_message *message, int64_t now_ms)
{
    struct wire_cut ours = peer_cut(peer, now_ms);
    if (message->type != WIRE_HEARTBEAT || message->has_checks)
        range_check_receive(&peer->checks, message, peer->received, &ours, now_ms);
    if (message->type == WIRE_HEARTBEAT)
        compare_at_rest(peer, message, now_ms);
}
