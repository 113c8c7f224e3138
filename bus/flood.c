#include "bus/flood.h"

#include <assert.h>
#include <stdlib.h>

#include "bus/link/batch.h"
#include "bus/link/peer.h"

/* However little there is to do, somebody should look once a second. */
#define DEADLINE_MS_MAX 1000

static_assert(WIRE_MESSAGE_BYTES_MAX >= WIRE_HEAD_BYTES_MAX + BATCH_BYTES_MAX,
              "the largest location fits into a message");
static_assert(WIRE_MESSAGE_BYTES_MAX >= WIRE_HEAD_BYTES_MAX + BATCH_BYTES_AIM,
              "a full UPDATE fits into a message");

struct flood {
    char *names; /* herd, node, peers: what the spans below borrow */
    struct table *table;
    struct events events;
    struct link_counters count;
    struct peer_common common;
    struct peer *peers;
    size_t peer_count;
    uint32_t clients_max;
    uint16_t own_origin; /* the table's number for this node */
    bool listening;
    struct ring news;            /* slots that changed, while listening */
    struct flood_status *status; /* the last one told us; NULL until the first is asked for */
    bool status_told;
    bool leaving;
    int64_t now_ms; /* the last time we were told */
    bool coalesces;
    int64_t coalesces_since_ms;
    struct wire_message in, out;
    struct batch batch;
    char *found; /* texts of the location that flood_find gave last */
};

static struct span copy_name(struct flood *flood, size_t *used, struct span name)
{
    assert(name.len > 0 && name.len <= WIRE_NAME_BYTES_MAX);
    char *copy = flood->names + *used;
    memcpy(copy, name.data, name.len);
    *used += name.len;
    return (struct span){copy, name.len};
}

struct flood *flood_new(const struct flood_options *options)
{
    assert(options->incarnation != 0 && options->peer_count <= LINK_PEERS_MAX);
    struct flood *flood = bytes_zeroed(sizeof *flood);
    flood->names = bytes_resize(NULL, (options->peer_count + 2) * WIRE_NAME_BYTES_MAX);
    flood->found = bytes_resize(NULL, PACKED_TEXT_BYTES_MAX);
    size_t used = 0;
    flood->table = table_new(options->hash_key);
    flood->common = (struct peer_common){
        .herd = copy_name(flood, &used, options->herd),
        .node = copy_name(flood, &used, options->node),
        .incarnation = options->incarnation,
        .table = flood->table,
        .events = &flood->events,
        .count = &flood->count,
    };
    flood->own_origin = table_origin(flood->table, flood->common.node);
    flood->clients_max = options->clients_max;
    flood->peer_count = options->peer_count;
    flood->peers = bytes_zeroed((options->peer_count + 1) * sizeof *flood->peers);
    for (size_t i = 0; i < options->peer_count; i++)
        peer_init(&flood->peers[i], &flood->common, i, copy_name(flood, &used, options->peers[i]));
    return flood;
}

void flood_destroy(struct flood **flood_p)
{
    struct flood *flood = *flood_p;
    if (flood == NULL)
        return;
    for (size_t i = 0; i < flood->peer_count; i++)
        peer_free(&flood->peers[i]);
    free(flood->peers);
    table_destroy(&flood->table);
    events_free(&flood->events);
    ring_free(&flood->news);
    free(flood->status);
    free(flood->names);
    free(flood->found);
    free(flood);
    *flood_p = NULL;
}

static struct peer *peer_at(const struct flood *flood, size_t peer)
{
    assert(peer < flood->peer_count);
    return &flood->peers[peer];
}

/* Every link hears of the change but the one it came from. */
static void spread(struct flood *flood, uint32_t slot, const struct peer *source)
{
    for (size_t i = 0; i < flood->peer_count; i++)
        if (&flood->peers[i] != source)
            peer_change(&flood->peers[i], slot);
    if (flood->listening)
        ring_push(&flood->news, slot);
}

enum flood_outcome flood_local_prefetched(struct flood *flood, struct location *location,
                                          struct table_ref ref)
{
    location->origin = flood->common.node;
    /* Whoever has read the digits has read the line, so there is no need to look at it again. */
    assert(location->packed != NULL || location_is_valid(location));
    uint32_t slot;
    enum table_outcome outcome =
        table_put_later(flood->table, location, flood->own_origin, ref, flood->clients_max, &slot);
    if (outcome == TABLE_OLDER)
        return FLOOD_STALE;
    if (outcome == TABLE_FULL) {
        flood->count.clients_refused++;
        return FLOOD_FULL;
    }
    spread(flood, slot, NULL);
    return FLOOD_STORED;
}

enum flood_outcome flood_local(struct flood *flood, struct location *location)
{
    return flood_local_prefetched(flood, location, table_ref(flood->table, location->client));
}

bool flood_find_prefetched(const struct flood *flood, struct span client, struct table_ref ref,
                           struct location *location)
{
    uint32_t slot;
    if (!table_find(flood->table, client, ref, &slot))
        return false;
    table_read(flood->table, slot, flood->found, location);
    return true;
}

bool flood_find(const struct flood *flood, struct span client, struct location *location)
{
    return flood_find_prefetched(flood, client, table_ref(flood->table, client), location);
}

void flood_prefetch(const struct flood *flood, const struct span *clients, struct table_ref *refs,
                    size_t count)
{
    assert(count <= FLOOD_PREFETCH_MAX);
    for (size_t i = 0; i < count; i++) {
        refs[i] = table_ref(flood->table, clients[i]);
        table_prefetch_place(flood->table, refs[i]);
    }
    for (size_t i = 0; i < count; i++)
        table_prefetch_record(flood->table, &refs[i]);
}

void flood_listen(struct flood *flood)
{
    flood->listening = true;
}

bool flood_next_news(struct flood *flood, struct location *location)
{
    uint32_t slot;
    if (!ring_peek(&flood->news, &slot))
        return false;
    ring_take(&flood->news);
    ring_confirm(&flood->news, flood->news.sent);
    table_read(flood->table, slot, flood->found, location);
    return true;
}

/* Reads position and stamp once, for all who want their digits. */
static void store(struct flood *flood, struct location *location, struct table_ref ref,
                  struct peer *source)
{
    enum table_outcome outcome = TABLE_FULL;
    uint32_t slot;
    struct packed packed;
    if (packed_read(location->position, location->stamp, &packed))
        location->packed = &packed;
    if (location_is_valid(location))
        outcome = table_put(flood->table, location, ref, &slot);
    location->packed = NULL;
    if (outcome == TABLE_FULL) {
        flood->count.locations_invalid++;
        return;
    }
    if (outcome != TABLE_OLDER)
        peer_knows(source, slot);
    if (outcome == TABLE_NEW || outcome == TABLE_NEWER) {
        flood->count.locations_news++;
        spread(flood, slot, source);
    }
}

static void store_some(struct flood *flood, struct location *locations, size_t count,
                       struct peer *source)
{
    struct span clients[FLOOD_PREFETCH_MAX];
    struct table_ref refs[FLOOD_PREFETCH_MAX];
    for (size_t i = 0; i < count; i++)
        clients[i] = locations[i].client;
    flood_prefetch(flood, clients, refs, count);
    for (size_t i = 0; i < count; i++)
        store(flood, &locations[i], refs[i], source);
}

static void store_all(struct flood *flood, struct peer *source)
{
    size_t left = flood->in.location_count;
    flood->count.locations_received += left;
    for (struct location *next = flood->in.locations; left > 0;) {
        size_t count = left < FLOOD_PREFETCH_MAX ? left : FLOOD_PREFETCH_MAX;
        store_some(flood, next, count, source);
        next += count;
        left -= count;
    }
}

/* ---- Status ------------------------------------------------------------------------------ */

static struct wire_link describe(const struct peer *peer, int64_t now_ms)
{
    return (struct wire_link){
        .name = peer->name,
        .up = peer->up,
        .incarnation_age_ms = peer->theirs != 0 ? (uint64_t)(now_ms - peer->met_at) : 0,
        .due = ring_due(&peer->window.ring),
        .in_flight = peer->window.in_flight,
        .acked = peer->window.acked,
        .sent = peer->window.ring.sent,
        .head = peer->window.ring.head,
    };
}

static void write_status(const struct flood *flood, struct wire_message *out, int64_t now_ms)
{
    out->digest = table_digest(flood->table);
    out->clients = table_count(flood->table);
    out->link_count = 0;
    for (size_t i = 0; i < flood->peer_count && i < WIRE_LINKS_MAX; i++)
        out->links[out->link_count++] = describe(&flood->peers[i], now_ms);
}

static struct flood_status_link copy_link(const struct wire_link *link)
{
    struct flood_status_link copy = {.up = link->up,
                                     .incarnation_age_ms = link->incarnation_age_ms,
                                     .due = link->due,
                                     .in_flight = link->in_flight,
                                     .acked = link->acked,
                                     .sent = link->sent,
                                     .head = link->head};
    for (size_t i = 0; i < link->name.len; i++) {
        char byte = link->name.data[i];
        copy.name[i] = byte < 0x20 || byte > 0x7e ? '?' : byte;
    }
    return copy;
}

static void keep_status(struct flood *flood)
{
    if (flood->status == NULL) {
        flood->count.messages_strange++;
        return;
    }
    flood->status_told = true;
    flood->status->digest = flood->in.digest;
    flood->status->clients = flood->in.clients;
    flood->status->link_count = flood->in.link_count;
    for (uint32_t i = 0; i < flood->in.link_count; i++)
        flood->status->links[i] = copy_link(&flood->in.links[i]);
}

void flood_ask_status(struct flood *flood, size_t peer)
{
    if (flood->status == NULL)
        flood->status = bytes_zeroed(sizeof *flood->status);
    peer_at(flood, peer)->status_wanted = true;
}

const struct flood_status *flood_status(const struct flood *flood)
{
    return flood->status_told ? flood->status : NULL;
}

/* ---- Messages ---------------------------------------------------------------------------- */

static void store_told(struct flood *flood, struct peer *source)
{
    if (flood->in.type == WIRE_STATUS)
        keep_status(flood);
    else
        store_all(flood, source);
}

void flood_receive(struct flood *flood, size_t peer_index, struct span message, int64_t now_ms)
{
    struct peer *peer = peer_at(flood, peer_index);
    flood->now_ms = now_ms;
    switch (wire_read(message, &flood->in)) {
    case WIRE_GOOD:
        flood->count.updates_received += flood->in.type == WIRE_UPDATE;
        if (peer_receive(peer, &flood->in, now_ms))
            store_told(flood, peer);
        break;
    case WIRE_MALFORMED:
        flood->count.messages_malformed++;
        peer_receive_malformed(peer, message, &flood->in.fault, now_ms);
        break;
    case WIRE_FOREIGN:
        peer_receive_foreign(peer, flood->in.version, now_ms);
        break;
    case WIRE_UNKNOWN:
        flood->count.messages_strange++;
        break;
    }
}

void flood_receive_parts(struct flood *flood, size_t peer, size_t frames, int64_t now_ms)
{
    flood->now_ms = now_ms;
    peer_receive_parts(peer_at(flood, peer), frames, now_ms);
}

/* Takes from the ring what one UPDATE carries. */
static void gather(struct flood *flood, struct peer *peer)
{
    struct batch *batch = &flood->batch;
    if (batch_is_good(batch, &peer->window.ring, flood->table))
        batch_take(batch, &peer->window.ring);
    else
        batch_write(batch, &peer->window.ring, flood->table);
    flood->out.location_count = batch->count;
    flood->out.written = (struct span){batch->at, batch->bytes};
    flood->count.updates_sent++;
    flood->count.updates_empty += batch->count == 0;
    flood->count.locations_sent += batch->count;
}

size_t flood_next(struct flood *flood, size_t peer_index, int64_t now_ms, char *out)
{
    struct peer *peer = peer_at(flood, peer_index);
    flood->now_ms = now_ms;
    if (!peer_next(peer, &flood->out, now_ms))
        return 0;
    if (flood->out.type == WIRE_UPDATE) {
        gather(flood, peer);
        peer_announce(peer, &flood->out, now_ms);
    } else if (flood->out.type == WIRE_STATUS) {
        write_status(flood, &flood->out, now_ms);
    }
    flood->count.acks_sent += flood->out.type == WIRE_ACK;
    size_t bytes = wire_write(&flood->out, out, WIRE_MESSAGE_BYTES_MAX);
    assert(bytes > 0);
    return bytes;
}

/* The most that any link may be told now. */
static uint64_t most_due(const struct flood *flood)
{
    uint64_t most = 0;
    for (size_t i = 0; i < flood->peer_count; i++) {
        uint64_t due = peer_due(&flood->peers[i]);
        most = due > most ? due : most;
    }
    return most;
}

bool flood_coalesces(struct flood *flood, bool has_news, int64_t now_ms)
{
    uint64_t due = most_due(flood);
    if (!flood->coalesces)
        flood->coalesces_since_ms = now_ms;
    flood->coalesces =
        has_news && due > 0 && due < WIRE_LOCATIONS_MAX && now_ms == flood->coalesces_since_ms;
    return flood->coalesces;
}

void flood_refused(struct flood *flood, size_t peer, int64_t now_ms)
{
    flood->now_ms = now_ms;
    peer_refused(peer_at(flood, peer), now_ms);
}

void flood_connected(struct flood *flood, size_t peer, int64_t now_ms)
{
    flood->now_ms = now_ms;
    peer_connected(peer_at(flood, peer), now_ms);
}

struct flood_answers flood_answers(const struct flood *flood, size_t peer_index)
{
    const struct peer *peer = peer_at(flood, peer_index);
    return (struct flood_answers){peer_awaits(peer), peer->answers};
}

int64_t flood_deadline_ms(const struct flood *flood)
{
    if (flood->peer_count == 0)
        return INT64_MAX;
    int64_t deadline = flood->now_ms + DEADLINE_MS_MAX;
    for (size_t i = 0; i < flood->peer_count; i++) {
        int64_t wanted = peer_deadline_ms(&flood->peers[i]);
        if (wanted < deadline)
            deadline = wanted;
    }
    return deadline < flood->now_ms ? flood->now_ms : deadline;
}

void flood_say_goodbye(struct flood *flood)
{
    flood->leaving = true;
    for (size_t i = 0; i < flood->peer_count; i++)
        peer_leave(&flood->peers[i]);
}

bool flood_is_over(const struct flood *flood)
{
    if (!flood->leaving)
        return false;
    for (size_t i = 0; i < flood->peer_count; i++)
        if (!peer_is_over(&flood->peers[i]))
            return false;
    return true;
}

bool flood_next_event(struct flood *flood, struct link_event *event)
{
    return events_pop(&flood->events, event);
}

uint64_t flood_digest(const struct flood *flood)
{
    return table_digest(flood->table);
}

uint32_t flood_clients(const struct flood *flood)
{
    return table_count(flood->table);
}

const struct link_counters *flood_count(const struct flood *flood)
{
    return &flood->count;
}

struct flood_link flood_link(const struct flood *flood, size_t peer_index)
{
    const struct peer *peer = peer_at(flood, peer_index);
    return (struct flood_link){
        .up = peer->up,
        .their_incarnation = peer->theirs,
        .acked = peer->window.acked,
        .announced = peer->window.announced,
        .sent = peer->window.ring.sent,
        .head = peer->window.ring.head,
        .received = peer->received,
        .in_flight = peer->window.in_flight,
    };
}

bool flood_link_is_sound(const struct flood *flood, size_t peer)
{
    return peer_is_sound(peer_at(flood, peer));
}

bool flood_is_sound(const struct flood *flood)
{
    for (size_t i = 0; i < flood->peer_count; i++)
        if (!peer_is_sound(&flood->peers[i]))
            return false;
    return table_is_sound(flood->table);
}
