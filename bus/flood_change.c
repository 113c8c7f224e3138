/* What of a node changes while it runs: its links, its limits, and what its answers wait for. */
#include <assert.h>
#include <stdlib.h>

#include "bus/flood_state.h"

/* ---- Limits ------------------------------------------------------------------------------ */

static uint32_t least(uint64_t a, uint32_t b)
{
    return a < b ? (uint32_t)a : b;
}

void flood_limit_table(struct flood *flood)
{
    uint64_t own = flood->clients_max, peers = own * FLOOD_PEERS_TIMES;
    uint64_t bytes = flood->bytes_max == 0 ? UINT64_MAX : flood->bytes_max;
    struct table_limits limits = {
        .own = {least(own, TABLE_CLIENTS_MAX), bytes - bytes / FLOOD_PEERS_PART},
        .peers = {least(peers, TABLE_CLIENTS_MAX), bytes},
        .beside_bytes = (uint32_t)flood->peer_count * FLOOD_LINK_BYTES_PER_CLIENT,
    };
    table_limit(flood->table, &limits);
}

void flood_change_limits(struct flood *flood, uint32_t clients_max, uint64_t table_bytes_max)
{
    flood->clients_max = clients_max;
    flood->bytes_max = table_bytes_max;
    flood_limit_table(flood);
}

/* ---- Links ------------------------------------------------------------------------------- */

bool flood_is_observer(const struct span *nodes, size_t node_count, struct span peer)
{
    for (size_t i = 0; i < node_count; i++)
        if (span_equals(nodes[i], peer))
            return false;
    return node_count > 0;
}

/* Which of the peers there are it is, of that kind, or FLOOD_NEW_LINK. */
static size_t find_peer(const struct flood *flood, struct span name, bool is_observer)
{
    for (size_t i = 0; i < flood->peer_count; i++)
        if (span_equals(flood->peers[i].name, name) && flood->peers[i].is_observer == is_observer)
            return i;
    return FLOOD_NEW_LINK;
}

/* What a link has sent may be remembered at its other end for as long as our process lives. */
static void close_peers(struct flood *flood, const bool *stays)
{
    for (size_t i = 0; i < flood->peer_count; i++) {
        const struct ring *ring = &flood->peers[i].window.ring;
        if (stays[i])
            continue;
        if (ring->head > flood->positions_from)
            flood->positions_from = ring->head;
        if (flood->peers[i].met > flood->met_from)
            flood->met_from = flood->peers[i].met;
        table_disown_origins(flood->table, flood->peers[i].owner);
        peer_free(&flood->peers[i]);
    }
}

/* The lowest number by which no peer that stays is known to the table. */
static uint16_t free_owner(bool *is_taken)
{
    uint16_t owner = 0;
    while (is_taken[owner])
        owner++;
    is_taken[owner] = true;
    return owner;
}

static void move_peers(struct flood *flood, const struct flood_links *links, const size_t *was,
                       struct peer *peers, char (*why)[FLOOD_WHY_BYTES_MAX], size_t *used)
{
    bool is_taken[LINK_PEERS_MAX + 1] = {false};
    for (size_t i = 0; i < links->peer_count; i++)
        if (was[i] != FLOOD_NEW_LINK)
            is_taken[flood->peers[was[i]].owner] = true;
    for (size_t i = 0; i < links->peer_count; i++) {
        struct span name = flood_copy_name(flood->names, used, links->peers[i]);
        if (was[i] != FLOOD_NEW_LINK) {
            peer_move(&peers[i], &flood->peers[was[i]], i, name);
            memcpy(why[i], flood->why[was[i]], sizeof why[i]);
            continue;
        }
        peer_init(&peers[i], &flood->common, i, name);
        peers[i].owner = free_owner(is_taken);
        peers[i].met = flood->met_from;
        window_begin_at(&peers[i].window, flood->positions_from);
        peers[i].is_observer = flood_is_observer(links->nodes, links->node_count, links->peers[i]);
    }
}

static void replace_peers(struct flood *flood, const struct flood_links *links, const size_t *was)
{
    size_t used = 0;
    struct peer *peers = bytes_zeroed((links->peer_count + 1) * sizeof *peers);
    char(*why)[FLOOD_WHY_BYTES_MAX] = bytes_zeroed((links->peer_count + 1) * sizeof *why);
    char *names = flood->names;
    flood->names = bytes_resize(NULL, (links->peer_count + 2) * WIRE_NAME_BYTES_MAX);
    flood->common.herd = flood_copy_name(flood->names, &used, flood->common.herd);
    flood->common.node = flood_copy_name(flood->names, &used, flood->common.node);
    move_peers(flood, links, was, peers, why, &used);
    if (flood->promises.by != 0)
        promises_change(&flood->promises, peers, links->peer_count, was);
    free(flood->peers);
    free(flood->why);
    free(names);
    flood->peers = peers;
    flood->why = why;
    flood->peer_count = links->peer_count;
    flood_set_ways(flood, was,
                   !flood_is_observer(links->nodes, links->node_count, flood->common.node));
}

static void change_time(struct flood *flood, const struct flood_links *links, const size_t *was)
{
    struct herd_time_options time = {
        .node = flood->common.node,
        .incarnation = flood->common.incarnation,
        .nodes = links->nodes,
        .node_count = links->node_count,
        .peers = links->peers,
        .peer_count = links->peer_count,
    };
    herd_time_change(&flood->time, &time, was);
    flood->common.time = flood->time;
}

void flood_change_links(struct flood *flood, const struct flood_links *links, size_t *was)
{
    bool stays[LINK_PEERS_MAX] = {false};
    assert(links->peer_count <= LINK_PEERS_MAX && flood->events.count == 0);
    for (size_t i = 0; i < links->peer_count; i++) {
        was[i] = find_peer(flood, links->peers[i],
                           flood_is_observer(links->nodes, links->node_count, links->peers[i]));
        if (was[i] != FLOOD_NEW_LINK)
            stays[was[i]] = true;
    }
    for (size_t i = 0; i < links->node_count; i++)
        flood_know_node(flood, links->nodes[i]);
    close_peers(flood, stays);
    change_time(flood, links, was);
    replace_peers(flood, links, was);
    range_list_forget_waiting(&flood->lists);
    flood_limit_table(flood);
    flood->has_input = true; /* who is new is greeted at once */
}

void flood_set_ways(struct flood *flood, const size_t *was, bool is_node)
{
    struct window **windows = bytes_zeroed((flood->peer_count + 1) * sizeof *windows);
    for (size_t i = 0; i < flood->peer_count; i++)
        windows[i] = &flood->peers[i].window;
    lazy_set_links(&flood->lazy, windows, flood->peer_count, was, is_node, flood->now_ms);
    free(windows);
}

/* ---- Promises ---------------------------------------------------------------------------- */

void flood_end_promises(struct flood *flood, unsigned promises)
{
    if (flood->promises.by != 0)
        promises_settle_all(&flood->promises, promises == 0 ? PROMISES_KEPT : PROMISES_BROKEN);
}

void flood_begin_promises(struct flood *flood, unsigned promises)
{
    assert(!promises_waiting(&flood->promises));
    promises_free(&flood->promises);
    if (promises != 0)
        promises_init(&flood->promises, promises, flood->peers, flood->peer_count);
}
