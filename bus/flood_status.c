/* What a node says of itself where it is asked for its status, and what it keeps of another's. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "bus/base/printable.h"
#include "bus/flood_state.h"

void flood_note_why(struct flood *flood, const struct link_event *event)
{
    if (event->peer >= flood->peer_count)
        return;
    char *why = flood->why[event->peer];
    switch (event->kind) {
    case LINK_UP:
        why[0] = '\0';
        break;
    case LINK_DOWN:
    case LINK_REFUSED:
    case LINK_UNANSWERED:
    case LINK_UNMET:
        snprintf(why, FLOOD_WHY_BYTES_MAX, "%.*s", FLOOD_WHY_BYTES_MAX - 1, event->reason);
        break;
    default:
        break;
    }
}

size_t flood_links(const struct flood *flood)
{
    return flood->peer_count;
}

struct flood_link flood_link(const struct flood *flood, size_t index)
{
    assert(index < flood->peer_count);
    const struct peer *peer = &flood->peers[index];
    const struct window *window = &peer->window;
    return (struct flood_link){
        .name = peer->name,
        .why = flood->why[index],
        .up = peer_is_up(peer),
        .is_observer = peer->is_observer,
        .differs = peer->checks.differs,
        .met_age_ms = peer->theirs != 0 ? (uint64_t)(flood->now_ms - peer->met_at) : 0,
        .due = ring_due(&window->ring),
        .lag_ms = (uint64_t)window_lag_ms(window, flood->now_ms),
        .their_incarnation = peer->theirs,
        .acked = window->acked,
        .announced = window->announced,
        .sent = window->ring.sent,
        .head = window->ring.head,
        .received = peer->received,
        .in_flight = window->in_flight,
        .compared_age_ms = range_check_age_ms(&peer->checks, flood->now_ms),
        .not_comparable_due = range_check_not_comparable(&peer->checks),
        .settled = peer->checks.settled_count,
    };
}

bool flood_carries(const struct flood *flood, size_t index, struct span origin)
{
    assert(index < flood->peer_count);
    return !lazy_is_closed(&flood->lazy, index, table_find_origin(flood->table, origin));
}

bool flood_is_way(const struct flood *flood, size_t index, struct span origin)
{
    assert(index < flood->peer_count);
    return lazy_parent(&flood->lazy, table_find_origin(flood->table, origin)) == index;
}

uint16_t flood_origin(const struct flood *flood, struct span origin)
{
    return table_find_origin(flood->table, origin);
}

/* A node that never had two links keeps no ways: what others take comes over its only one. */
static bool leaves_over(const struct flood *flood, size_t index, uint16_t origin)
{
    const struct lazy *lazy = &flood->lazy;
    if (!lazy->is_on)
        return origin == flood->own_origin;
    return !lazy_is_closed(lazy, index, origin) && lazy_parent(lazy, origin) != index;
}

void flood_write_ways(const struct flood *flood, size_t index, const uint16_t *origins,
                      size_t count, uint8_t *bits)
{
    assert(index < flood->peer_count);
    memset(bits, 0, (count + 7) / 8);
    if (!peer_is_up(&flood->peers[index]))
        return;
    for (size_t i = 0; i < count; i++)
        if (leaves_over(flood, index, origins[i]))
            bits[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

static struct wire_link describe(const struct peer *peer, int64_t now_ms)
{
    return (struct wire_link){
        .name = peer->name,
        .up = peer_is_up(peer),
        .incarnation_age_ms = peer->theirs != 0 ? (uint64_t)(now_ms - peer->met_at) : 0,
        .due = ring_due(&peer->window.ring),
        .in_flight = peer->window.in_flight,
        .acked = peer->window.acked,
        .sent = peer->window.ring.sent,
        .head = peer->window.ring.head,
        .compared_age_ms = range_check_age_ms(&peer->checks, now_ms),
    };
}

void flood_write_status(const struct flood *flood, struct wire_message *out, int64_t now_ms)
{
    out->digest = table_digest(flood->table);
    struct flood_load load = flood_load(flood);
    out->clients = load.clients;
    out->clients_max = load.clients_max;
    out->bytes = load.bytes;
    out->bytes_max = load.bytes_max;
    out->refused = load.refused;
    struct flood_time time = flood_time(flood, now_ms);
    out->offset_ns = time.offset_ns;
    out->votes = time.votes;
    out->above = table_above(flood->table);
    out->journal = flood->journal.state;
    out->journal_due = flood->journal.due;
    out->journal_age_ms = flood->journal.age_ms;
    out->link_count = 0;
    for (size_t i = 0; i < flood->peer_count && i < WIRE_LINKS_MAX; i++)
        out->links[out->link_count++] = describe(&flood->peers[i], now_ms);
}

void flood_set_journal(struct flood *flood, const struct flood_journal *journal)
{
    flood->journal = *journal;
}

struct flood_journal flood_journal(const struct flood *flood)
{
    return flood->journal;
}

uint64_t flood_above(const struct flood *flood)
{
    return table_above(flood->table);
}

void flood_note_arrival(struct flood *flood, const struct peer *source)
{
    const struct location *location = flood->arrived;
    int64_t stamp_ns = location_stamp_ns(location->stamp), accepted_ns;
    flood->arrived = NULL;
    if (stamp_ns == INT64_MIN ||
        __builtin_add_overflow(stamp_ns, location->difference_ns, &accepted_ns))
        return;
    struct flood_arrival *arrival = &flood->arrivals[flood->arrivals_end++ % FLOOD_ARRIVALS_MAX];
    memcpy(arrival->origin, location->origin.data, location->origin.len);
    arrival->origin[location->origin.len] = '\0';
    arrival->accepted_ns = accepted_ns;
    arrival->met_age_ms = (uint64_t)(flood->now_ms - source->met_at);
    if (flood->arrivals_end - flood->arrivals_first > FLOOD_ARRIVALS_MAX)
        flood->arrivals_first = flood->arrivals_end - FLOOD_ARRIVALS_MAX;
}

bool flood_next_arrival(struct flood *flood, struct flood_arrival *arrival)
{
    if (flood->arrivals_first == flood->arrivals_end)
        return false;
    *arrival = flood->arrivals[flood->arrivals_first++ % FLOOD_ARRIVALS_MAX];
    return true;
}

static struct flood_status_link copy_link(const struct wire_link *link)
{
    struct flood_status_link copy = {.up = link->up,
                                     .incarnation_age_ms = link->incarnation_age_ms,
                                     .due = link->due,
                                     .in_flight = link->in_flight,
                                     .acked = link->acked,
                                     .sent = link->sent,
                                     .head = link->head,
                                     .compared_age_ms = link->compared_age_ms};
    for (size_t i = 0; i < link->name.len; i++)
        copy.name[i] = printable(link->name.data[i]);
    return copy;
}

void flood_keep_status(struct flood *flood)
{
    if (flood->status == NULL) {
        flood->count.messages_strange++;
        return;
    }
    flood->status_told = true;
    flood->status->digest = flood->in.digest;
    flood->status->has_load = flood->in.has_load;
    flood->status->load = (struct flood_load){.clients = flood->in.clients,
                                              .clients_max = flood->in.clients_max,
                                              .bytes = flood->in.bytes,
                                              .bytes_max = flood->in.bytes_max,
                                              .refused = flood->in.refused};
    flood->status->has_time = flood->in.has_time;
    flood->status->offset_ns = flood->in.offset_ns;
    flood->status->votes = flood->in.votes;
    flood->status->above = flood->in.above;
    flood->status->has_journal = flood->in.has_journal && flood->in.journal <= WIRE_JOURNAL_FAILED;
    flood->status->journal = (struct flood_journal){
        (enum wire_journal)flood->in.journal, flood->in.journal_due, flood->in.journal_age_ms};
    flood->status->link_count = flood->in.link_count;
    for (uint32_t i = 0; i < flood->in.link_count; i++)
        flood->status->links[i] = copy_link(&flood->in.links[i]);
}

void flood_ask_status(struct flood *flood, size_t peer)
{
    if (flood->status == NULL)
        flood->status = bytes_zeroed(sizeof *flood->status);
    assert(peer < flood->peer_count);
    flood->peers[peer].status_wanted = true;
}

const struct flood_status *flood_status(const struct flood *flood)
{
    return flood->status_told ? flood->status : NULL;
}
