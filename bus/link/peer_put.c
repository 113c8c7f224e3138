/* What becomes of the locations that a neighbour sends: what one neighbour's key can do with them.
 * All of them count as had; those that are not kept are counted, so that it does not take its
 * acknowledgement for a copy. */
#include "bus/link/peer.h"

/* Kept apart: nearly every location is taken. */
#define APART __attribute__((noinline))

/* What an observer says is what our process before this one said, or is none of its business: it
 * takes no clients. */
APART static bool may_say(const struct peer *peer, const struct table *table,
                          const struct location *location, struct table_ref ref, int64_t now_ms)
{
    char text[PACKED_TEXT_BYTES_MAX];
    struct location known;
    uint32_t slot;
    if (!table_find(table, location->client, ref, &slot))
        return now_ms - peer->common->start_ms < PEER_OBSERVERS_MS;
    table_read(table, slot, text, &known);
    return location_compare(location, &known) == 0;
}

static uint32_t range_of(const struct location *location)
{
    return (uint32_t)(table_client_hash(location->client) >> (64 - TABLE_RANGE_BITS));
}

/* The other end may hold what we do not: if it does, that is no fault. */
APART static void unsettle(struct peer *peer, const struct location *location)
{
    range_check_unsettle(&peer->checks, range_of(location));
}

/* Whether the other end, whose ceiling may be another one, may go on with theirs, although it is
 * older here: theirs is above our ceiling, or ours may be above theirs. */
static bool may_stay(const struct peer *peer, const struct table *table,
                     const struct location *location, uint32_t slot, int64_t now_ms)
{
    int64_t ceiling_ns = herd_time_ceiling_ns(peer->common->time, now_ms);
    return location->order_ns > ceiling_ns ||
           table_slot_order_ns(table, slot) > ceiling_ns - RANGE_CHECK_CEILING_NS_MAX;
}

/* The same where one of ours loses by our ceiling, or theirs counts because it is just below: the
 * other end may come to hold that one when it has what is on the way. */
APART static enum table_outcome put_by_ceiling(struct peer *peer, struct table *table,
                                               const struct location *location,
                                               struct table_ref ref, uint32_t *slot, int64_t now_ms)
{
    int64_t ceiling_ns = herd_time_ceiling_ns(peer->common->time, now_ms);
    bool decides = location->order_ns > ceiling_ns - RANGE_CHECK_CEILING_NS_MAX ||
                   (table_find(table, location->client, ref, slot) &&
                    table_slot_order_ns(table, *slot) > ceiling_ns);
    enum table_outcome outcome = table_put(table, location, ref, slot);
    if (decides && outcome == TABLE_NEWER)
        range_check_unsettle_until_told(&peer->checks, range_of(location));
    return outcome;
}

/* It should not have come. */
APART static enum table_outcome refuse(struct peer *peer, enum misread_kind kind,
                                       const struct location *location, int64_t now_ms)
{
    struct link_counters *count = peer->common->count;
    struct link_event event = {.kind = LINK_UNKEPT, .peer = peer->index};
    count->locations_invalid += kind == MISREAD_RULE;
    count->origins_refused += kind == MISREAD_ORIGIN;
    count->observers_refused += kind == MISREAD_OBSERVER;
    peer->refused++;
    unsettle(peer, location);
    if (misread_location(&peer->misread, kind, location, now_ms, event.reason))
        events_push(peer->common->events, &event);
    return TABLE_OLDER;
}

/* The table refuses it. Some of the origins of which our file knows nothing are taken. */
APART static enum table_outcome put_again(struct peer *peer, struct table *table,
                                          const struct location *location, struct table_ref ref,
                                          enum table_outcome outcome, uint32_t *slot,
                                          int64_t now_ms)
{
    if (outcome == TABLE_NEW_ORIGIN && table_count_origins(table, peer->owner) == PEER_ORIGINS_MAX)
        return refuse(peer, MISREAD_ORIGIN, location, now_ms);
    if (outcome == TABLE_NEW_ORIGIN && table_add_origin(table, location->origin, peer->owner))
        outcome = table_put(table, location, ref, slot);
    if (!table_is_refusal(outcome))
        return outcome;
    if (outcome == TABLE_EXPIRED)
        peer->common->count->locations_expired++;
    else
        peer->common->count->locations_refused++;
    peer->refused++;
    unsettle(peer, location);
    return TABLE_OLDER;
}

enum table_outcome peer_put(struct peer *peer, struct table *table, const struct location *location,
                            struct table_ref ref, uint32_t *slot, int64_t now_ms)
{
    if (!location_is_valid(location))
        return refuse(peer, MISREAD_RULE, location, now_ms);
    if (peer->is_observer && !may_say(peer, table, location, ref, now_ms))
        return refuse(peer, MISREAD_OBSERVER, location, now_ms);
    enum table_outcome outcome = table_minds_ceiling(table, location->order_ns)
                                     ? put_by_ceiling(peer, table, location, ref, slot, now_ms)
                                     : table_put(table, location, ref, slot);
    if (outcome == TABLE_OLDER && may_stay(peer, table, location, *slot, now_ms)) {
        peer->refused++;
        unsettle(peer, location);
    }
    return table_is_refusal(outcome) ? put_again(peer, table, location, ref, outcome, slot, now_ms)
                                     : outcome;
}
