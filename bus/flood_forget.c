/* What is over and what is forgotten: rules E1 to E3 and T1 to T3 of bus/PROTOCOL.md. */
#include <assert.h>
#include <stdio.h>

#include "bus/flood_state.h"

#define NS_PER_MS INT64_C(1000000)

void flood_set_expire(struct flood *flood, int64_t expire_ms, bool forget)
{
    assert(expire_ms >= 0);
    flood->common.expire_ms = expire_ms;
    flood->common.forget = forget;
    for (size_t i = 0; i < flood->peer_count; i++)
        handshake_end_pause(&flood->peers[i].handshake);
    flood->has_input = true;
}

/* The horizon moves by this part of herd/expire, and by a second at least. */
#define GRANULES 64
/* So often what is shown is looked at. */
#define LOOK_MS 250
/* A point and nine digits. */
#define DECIMALS_BYTES 10u
/* Slots freed in one step. */
#define FREED_MAX 512u

/* Below this order time nothing is shown; INT64_MIN while nothing expires. */
static int64_t shown_from_ns(const struct flood *flood)
{
    int64_t expire_ms = flood->common.expire_ms, from_ns;
    if (expire_ms == 0)
        return INT64_MIN;
    int64_t floor_ns = herd_time_floor_ns(flood->time, flood->now_ms);
    if (floor_ns == INT64_MIN || __builtin_sub_overflow(floor_ns, expire_ms * NS_PER_MS, &from_ns))
        return INT64_MIN;
    return from_ns;
}

static int64_t greatest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A node that has met nobody must not destroy what only it has, by a clock that may be wrong,
 * unless it would soon refuse what is new. */
static bool may_free(const struct flood *flood)
{
    struct flood_load load = flood_load(flood);
    return herd_time_is_met(flood->time) || load.clients > load.clients_max / 2 ||
           (load.bytes_max > 0 && load.bytes > load.bytes_max / 2);
}

/* E1: in steps, so that nodes whose votes differ a little have the same one; and back only by more
 * than two, so that their jitter does not move it. */
static int64_t horizon_ns(const struct flood *flood)
{
    int64_t before_ns = table_horizon_ns(flood->table), from_ns = shown_from_ns(flood);
    if (from_ns == INT64_MIN || !may_free(flood))
        return from_ns == INT64_MIN ? INT64_MIN : before_ns;
    int64_t granule_ns = greatest(flood->common.expire_ms * NS_PER_MS / GRANULES, NANO);
    int64_t rest_ns = from_ns % granule_ns;
    int64_t stepped_ns = from_ns - rest_ns - (rest_ns < 0 ? granule_ns : 0);
    bool is_back = before_ns > stepped_ns && before_ns - 2 * granule_ns <= stepped_ns;
    return is_back ? before_ns : stepped_ns;
}

void flood_sweep(struct flood *flood)
{
    struct table *table = flood->table;
    uint32_t freed[FREED_MAX];
    if (table_set_horizon(table, horizon_ns(flood)))
        range_list_jump_back(&flood->lists);
    if (!table_is_sweeping(table))
        return;
    uint32_t count = table_sweep(table, freed, FREED_MAX);
    for (uint32_t i = 0; i < count; i++) {
        for (size_t peer = 0; peer < flood->peer_count; peer++)
            ring_forget(&flood->peers[peer].window.ring, freed[i]);
        ring_forget(&flood->news, freed[i]);
        if (flood->marks != NULL)
            marks_forget(flood->marks, freed[i]);
    }
}

int64_t flood_sweep_deadline_ms(const struct flood *flood)
{
    if (table_is_sweeping(flood->table))
        return flood->now_ms + 1;
    return flood->common.expire_ms > 0 ? flood->now_ms + LOOK_MS : INT64_MAX;
}

/* Whether a position stands in the slot, which is live, that is not over. */
static bool is_shown(const struct flood *flood, uint32_t slot)
{
    return !table_slot_is_tombstone(flood->table, slot) &&
           table_slot_order_ns(flood->table, slot) >= shown_from_ns(flood);
}

static bool find_shown(const struct flood *flood, struct span client, struct table_ref ref,
                       uint32_t *slot)
{
    return table_find(flood->table, client, ref, slot) && is_shown(flood, *slot);
}

bool flood_find_prefetched(const struct flood *flood, struct span client, struct table_ref ref,
                           struct location *location)
{
    uint32_t slot;
    if (!find_shown(flood, client, ref, &slot))
        return false;
    table_read(flood->table, slot, flood->found, location);
    return true;
}

bool flood_look(const struct flood *flood, struct span client, struct location *location)
{
    uint32_t slot;
    if (!table_find(flood->table, client, table_ref(flood->table, client), &slot))
        return false;
    table_read(flood->table, slot, flood->found, location);
    return true;
}

bool flood_find(const struct flood *flood, struct span client, struct location *location)
{
    return flood_find_prefetched(flood, client, table_ref(flood->table, client), location);
}

uint32_t flood_slots(const struct flood *flood)
{
    return table_slots(flood->table);
}

bool flood_read_slot(const struct flood *flood, uint32_t slot, struct location *location)
{
    if (slot >= flood_slots(flood) || !table_slot_is_live(flood->table, slot) ||
        !is_shown(flood, slot))
        return false;
    table_read(flood->table, slot, flood->found, location);
    return true;
}

/* With nine decimals, or with none beside an id that leaves no room for them. */
static struct span write_stamp(char *to, int64_t *stamp_ns, size_t client_bytes)
{
    int64_t part_ns = *stamp_ns % NANO;
    int bytes = snprintf(to, PACKED_TEXT_BYTES_MAX, "%lld.%09lld", (long long)(*stamp_ns / NANO),
                         (long long)part_ns);
    if (client_bytes + (size_t)bytes <= LOCATION_TEXT_BYTES_MAX)
        return (struct span){to, (size_t)bytes};
    *stamp_ns -= part_ns;
    return (struct span){to, (size_t)bytes - DECIMALS_BYTES};
}

/* T1: above what another node may have taken with a stamp of the future, and above what is known.
 * The stamp is the herd's time, so that a later report brings the client back at once. */
static void date(const struct flood *flood, int64_t known_ns, int64_t wall_ns, int64_t now_ms,
                 struct location *tombstone)
{
    int64_t forget_ns = herd_time_forget_ns(flood->time, wall_ns, now_ms);
    int64_t stamp_ns = greatest(herd_time_accept_ns(flood->time, wall_ns, now_ms), 0);
    int64_t order_ns = greatest(location_order_ns(INT64_MAX, forget_ns), known_ns + 1);
    tombstone->position = (struct span){flood->found, 0};
    tombstone->stamp = write_stamp(flood->found, &stamp_ns, tombstone->client.len);
    tombstone->difference_ns = wall_ns - stamp_ns;
    tombstone->order_ns = order_ns < LOCATION_ORDER_NS_MAX ? order_ns : LOCATION_ORDER_NS_MAX;
}

void flood_wipe(struct flood *flood)
{
    explicit_bzero(&flood->batch, sizeof flood->batch);
    explicit_bzero(flood->found, PACKED_TEXT_BYTES_MAX);
}

enum flood_outcome flood_forget(struct flood *flood, struct span client, int64_t wall_ns,
                                int64_t now_ms, struct location *location)
{
    uint32_t slot;
    struct table_ref ref = table_ref(flood->table, client);
    if (!herd_time_is_met(flood->time) || !find_shown(flood, client, ref, &slot))
        return FLOOD_UNKNOWN;
    flood_wipe(flood);
    *location = (struct location){.client = client, .origin = flood->common.node};
    date(flood, table_slot_order_ns(flood->table, slot), wall_ns, now_ms, location);
    /* An id that only a neighbour can have brought: it fits on no client's line. */
    if (!location_is_valid(location))
        return flood_refuse_local(flood, TABLE_FULL_BYTES);
    enum table_outcome outcome =
        table_put_tombstone(flood->table, slot, location, flood->own_origin);
    if (table_is_refusal(outcome))
        return flood_refuse_local(flood, outcome);
    flood->has_input = true;
    flood_spread(flood, slot, flood->own_origin, NULL);
    return FLOOD_STORED;
}
