/* What an answer waits for: that a neighbour or the disk has what it is about (bus/promises.h). */
#include "bus/flood_state.h"
#include "bus/promises.h"

/* Whether a link that is up carries changes of that origin. */
static bool has_open_link(const struct flood *flood, uint16_t origin)
{
    for (size_t i = 0; i < flood->peer_count; i++)
        if (!flood->peers[i].is_observer && peer_is_up(&flood->peers[i]) &&
            !lazy_is_closed(&flood->lazy, i, origin))
            return true;
    return false;
}

/* P1: what an answer is about waits on each link, but for those that declined it, if any other is
 * up. */
static bool waits_there(const struct flood *flood, size_t link, uint16_t origin, bool some_are_open)
{
    return !flood->peers[link].is_observer &&
           !(some_are_open && lazy_is_closed(&flood->lazy, link, origin));
}

uint64_t flood_hold(struct flood *flood, struct span client, int64_t now_ms)
{
    struct promises *promises = &flood->promises;
    uint32_t slot;
    if (!table_find(flood->table, client, table_ref(flood->table, client), &slot))
        return 0;
    const struct marks *marks = (promises->by & PROMISES_BY_DISK) != 0 ? flood->marks : NULL;
    if ((promises->by & PROMISES_BY_NEIGHBOUR) == 0)
        return promises_hold(promises, slot, marks, now_ms);
    flood->has_input = true;
    uint16_t origin = table_slot_origin(flood->table, slot);
    bool some_are_open = has_open_link(flood, origin);
    for (size_t i = 0; i < flood->peer_count; i++)
        if (waits_there(flood, i, origin, some_are_open))
            peer_change(&flood->peers[i], slot);
    uint64_t epoch = promises_hold(promises, slot, marks, now_ms);
    for (size_t i = 0; i < flood->peer_count && epoch != 0; i++)
        if (!flood->peers[i].is_observer && !waits_there(flood, i, origin, some_are_open))
            promises_skip(promises, i);
    return epoch;
}

__attribute__((noinline)) void flood_hear(struct flood *flood, const struct peer *peer)
{
    const struct wire_message *in = &flood->in;
    bool says_have = in->type == WIRE_UPDATE || in->type == WIRE_ACK || in->type == WIRE_HEARTBEAT;
    /* Any other acknowledgement does not say how much was refused. */
    if (says_have && in->from_incarnation == peer->theirs &&
        in->to_incarnation == flood->common.incarnation &&
        (in->has_checks || peer->version < WIRE_VERSION_CHECKS))
        promises_hear(&flood->promises, peer->index, in->received, in->refused_here);
}

bool flood_next_settled(struct flood *flood, int64_t now_ms, uint64_t *epoch)
{
    return flood->promises.by != 0 && promises_next(&flood->promises, flood->marks, now_ms, epoch);
}

enum promises_state flood_promise(const struct flood *flood, uint64_t epoch)
{
    return promises_state(&flood->promises, epoch);
}

bool flood_urges_disk(const struct flood *flood)
{
    return flood->promises.by != 0 && promises_want_batch(&flood->promises);
}

bool flood_holds_in_vain(const struct flood *flood)
{
    if ((flood->promises.by & PROMISES_BY_NEIGHBOUR) == 0 || !promises_waiting(&flood->promises))
        return false;
    for (size_t i = 0; i < flood->peer_count; i++)
        if (!flood->peers[i].is_observer && peer_is_up(&flood->peers[i]))
            return false;
    return true;
}
