#include <assert.h>
#include <stdlib.h>

#include "bus/flood_state.h"

#define NEVER INT64_MAX

/* However little there is to do, somebody should look once a second. */
#define DEADLINE_MS_MAX 1000

static_assert(WIRE_MESSAGE_BYTES_MAX >= WIRE_HEAD_BYTES_MAX + BATCH_BYTES_MAX,
              "the largest location fits into a message");
static_assert(WIRE_MESSAGE_BYTES_MAX >= WIRE_HEAD_BYTES_MAX + BATCH_BYTES_AIM,
              "a full UPDATE fits into a message");

struct span flood_copy_name(char *names, size_t *used, struct span name)
{
    assert(name.len > 0 && name.len <= WIRE_NAME_BYTES_MAX);
    char *copy = names + *used;
    memcpy(copy, name.data, name.len);
    *used += name.len;
    return (struct span){copy, name.len};
}

static struct herd_time *new_time(struct flood *flood, const struct flood_options *options)
{
    struct herd_time_options time = {
        .node = options->node,
        .incarnation = options->incarnation,
        .nodes = options->nodes,
        .node_count = options->node_count,
        .peers = options->peers,
        .peer_count = options->peer_count,
    };
    return herd_time_new(&time, &flood->events, &flood->count);
}

static void know_origins(struct flood *flood, const struct flood_options *options)
{
    lazy_know(&flood->lazy, flood->own_origin, flood->common.node.len);
    for (size_t i = 0; i < options->node_count; i++)
        flood_know_node(flood, options->nodes[i]);
    if (options->node_count > 0)
        table_close_origins(flood->table);
}

void flood_know_node(struct flood *flood, struct span node)
{
    if (table_add_origin(flood->table, node, TABLE_OWNER_KEPT))
        lazy_know(&flood->lazy, table_find_origin(flood->table, node), node.len);
}

struct flood *flood_new(const struct flood_options *options)
{
    assert(options->incarnation != 0 && options->peer_count <= LINK_PEERS_MAX);
    struct flood *flood = bytes_zeroed(sizeof *flood);
    flood->names = bytes_resize(NULL, (options->peer_count + 2) * WIRE_NAME_BYTES_MAX);
    flood->found = bytes_resize(NULL, PACKED_TEXT_BYTES_MAX);
    size_t used = 0;
    flood->table = table_new(options->hash_key);
    if (options->nearby)
        table_make_grid(flood->table);
    range_list_init(&flood->lists, flood->table);
    flood->lists.process = options->incarnation;
    flood->time = new_time(flood, options);
    flood->common = (struct peer_common){
        .herd = flood_copy_name(flood->names, &used, options->herd),
        .node = flood_copy_name(flood->names, &used, options->node),
        .incarnation = options->incarnation,
        .table = flood->table,
        .lists = &flood->lists,
        .lazy = &flood->lazy,
        .time = flood->time,
        .events = &flood->events,
        .count = &flood->count,
        .start_ms = NEVER,
        .expire_ms = options->expire_ms,
        .forget = options->forget,
    };
    flood->own_origin = table_origin(flood->table, flood->common.node);
    lazy_init(&flood->lazy, flood->table, flood->own_origin);
    know_origins(flood, options);
    flood->lists.lazy = &flood->lazy;
    flood->clients_max = options->clients_max;
    flood->bytes_max = options->table_bytes_max;
    flood->peer_count = options->peer_count;
    flood_limit_table(flood);
    flood->peers = bytes_zeroed((options->peer_count + 1) * sizeof *flood->peers);
    flood->why = bytes_zeroed((options->peer_count + 1) * sizeof *flood->why);
    for (size_t i = 0; i < options->peer_count; i++) {
        peer_init(&flood->peers[i], &flood->common, i,
                  flood_copy_name(flood->names, &used, options->peers[i]));
        flood->peers[i].is_observer =
            flood_is_observer(options->nodes, options->node_count, options->peers[i]);
    }
    flood_set_ways(flood, NULL,
                   !flood_is_observer(options->nodes, options->node_count, options->node));
    if (options->promises != 0)
        promises_init(&flood->promises, options->promises, flood->peers, flood->peer_count);
    return flood;
}

void flood_destroy(struct flood **flood_p)
{
    struct flood *flood = *flood_p;
    if (flood == NULL)
        return;
    promises_free(&flood->promises);
    for (size_t i = 0; i < flood->peer_count; i++)
        peer_free(&flood->peers[i]);
    free(flood->peers);
    free(flood->why);
    range_list_free(&flood->lists);
    lazy_free(&flood->lazy);
    herd_time_destroy(&flood->time);
    table_destroy(&flood->table);
    events_free(&flood->events);
    ring_free(&flood->news);
    free(flood->status);
    free(flood->names);
    free(flood->found);
    free(flood);
    *flood_p = NULL;
}

static void take_time(struct flood *flood, int64_t now_ms)
{
    flood->now_ms = now_ms;
    if (flood->common.start_ms == NEVER)
        flood->common.start_ms = now_ms;
    herd_time_move(flood->time, now_ms);
    lazy_move(&flood->lazy, now_ms);
    int64_t ceiling_ns = herd_time_ceiling_ns(flood->time, now_ms);
    table_set_ceiling(flood->table, ceiling_ns);
    range_list_set_times(&flood->lists, ceiling_ns, herd_time_floor_ns(flood->time, now_ms),
                         now_ms);
    if (flood->swept_ms != now_ms) {
        flood->swept_ms = now_ms;
        flood_sweep(flood);
    }
}

static struct peer *peer_at(const struct flood *flood, size_t peer)
{
    assert(peer < flood->peer_count);
    return &flood->peers[peer];
}

static void mark(struct flood *flood, uint32_t slot)
{
    marks_due(flood->marks, slot);
    if (table_slot_is_tombstone(flood->table, slot))
        flood->marks->has_tombstone = true;
}

/* Kept out of what is done for every change. */
__attribute__((noinline)) static void note(struct flood *flood, uint32_t slot)
{
    if (flood->listening)
        ring_push(&flood->news, slot);
    if (flood->marks != NULL)
        mark(flood, slot);
}

/* To all links from that one on. */
static void spread_from(struct flood *flood, size_t first, uint32_t slot, const struct peer *source)
{
    struct peer *end = flood->peers + flood->peer_count;
    for (struct peer *peer = flood->peers + first; peer < end; peer++)
        if (peer != source)
            peer_change(peer, slot);
}

/* Some links declined it: those that did not are the bits of a few words. */
__attribute__((noinline)) static void spread_to_open(struct flood *flood, uint32_t slot,
                                                     uint16_t origin, const struct peer *source)
{
    for (uint32_t word = 0; word < LAZY_WORDS; word++)
        for (uint64_t open = lazy_open(&flood->lazy, origin, word); open != 0; open &= open - 1) {
            struct peer *peer = &flood->peers[word * 64 + (uint32_t)__builtin_ctzll(open)];
            if (peer != source)
                peer_change(peer, slot);
        }
    if (__builtin_expect(flood->peer_count > LAZY_LINKS_MAX, false))
        spread_from(flood, LAZY_LINKS_MAX, slot, source);
}

__attribute__((noinline)) static void spread_by_way(struct flood *flood, uint32_t slot,
                                                    uint16_t origin, const struct peer *source)
{
    lazy_note(&flood->lazy, slot);
    if (lazy_is_any_closed(&flood->lazy, origin))
        spread_to_open(flood, slot, origin, source);
    else
        spread_from(flood, 0, slot, source);
}

void flood_spread(struct flood *flood, uint32_t slot, uint16_t origin, const struct peer *source)
{
    if (flood->lazy.is_on)
        spread_by_way(flood, slot, origin, source);
    else
        spread_from(flood, 0, slot, source);
    if (flood->notes)
        note(flood, slot);
}

enum flood_outcome flood_refuse_local(struct flood *flood, enum table_outcome outcome)
{
    if (outcome == TABLE_EXPIRED) {
        flood->count.reports_expired++;
        return FLOOD_EXPIRED;
    }
    flood->count.clients_refused += outcome == TABLE_FULL_CLIENTS;
    flood->count.bytes_refused += outcome == TABLE_FULL_BYTES;
    flood->count.memory_refused += outcome == TABLE_FULL_MEMORY;
    return FLOOD_FULL;
}

/* What is done with an own client's location, by one of the table's two functions for them. */
static inline enum flood_outcome
put_local(struct flood *flood, struct location *location, struct table_ref ref,
          enum table_outcome (*put)(struct table *, struct location *, uint16_t, struct table_ref,
                                    uint32_t *))
{
    location->origin = flood->common.node;
    /* Whoever has read the digits has read the line, so there is no need to look at it again. */
    assert(location->packed != NULL || location_is_valid(location));
    uint32_t slot;
    enum table_outcome outcome = put(flood->table, location, flood->own_origin, ref, &slot);
    if (outcome == TABLE_OLDER)
        return FLOOD_STALE;
    if (outcome == TABLE_UNKNOWN)
        return FLOOD_UNKNOWN;
    if (table_is_refusal(outcome))
        return flood_refuse_local(flood, outcome);
    flood->has_input = true;
    flood_spread(flood, slot, flood->own_origin, NULL);
    return FLOOD_STORED;
}

enum flood_outcome flood_local_prefetched(struct flood *flood, struct location *location,
                                          struct table_ref ref)
{
    enum flood_outcome outcome = flood_local_known(flood, location, ref);
    return outcome == FLOOD_UNKNOWN ? flood_local_unknown(flood, location, ref) : outcome;
}

enum flood_outcome flood_local_known(struct flood *flood, struct location *location,
                                     struct table_ref ref)
{
    return put_local(flood, location, ref, table_put_known);
}

enum flood_outcome flood_local_unknown(struct flood *flood, struct location *location,
                                       struct table_ref ref)
{
    return put_local(flood, location, ref, table_put_unknown);
}

enum flood_outcome flood_local(struct flood *flood, struct location *location)
{
    return flood_local_prefetched(flood, location, table_ref(flood->table, location->client));
}

enum table_outcome flood_import(struct flood *flood, const struct location *location)
{
    uint32_t slot;
    assert(location_is_valid(location));
    struct table_ref ref = table_ref(flood->table, location->client);
    enum table_outcome outcome = table_put(flood->table, location, ref, &slot);
    if (outcome != TABLE_NEW && outcome != TABLE_NEWER)
        return outcome;
    flood->has_input = true;
    flood_spread(flood, slot, table_slot_origin(flood->table, slot), NULL);
    return outcome;
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
    for (size_t i = 0; i < count; i++)
        table_prefetch_digest(flood->table, refs[i]);
}

void flood_listen(struct flood *flood)
{
    flood->listening = flood->notes = true;
}

void flood_mark(struct flood *flood, struct marks *marks)
{
    flood->marks = marks;
    flood->notes = flood->listening || marks != NULL;
}

struct table *flood_table(struct flood *flood)
{
    return flood->table;
}

bool flood_next_news(struct flood *flood, struct location *location)
{
    uint32_t slot;
    do {
        if (!ring_peek(&flood->news, &slot))
            return false;
        ring_take(&flood->news);
        ring_confirm(&flood->news, flood->news.sent);
    } while (!table_slot_is_live(flood->table, slot));
    table_read(flood->table, slot, flood->found, location);
    return true;
}

/* Reads position and stamp once, for all who want their digits. */
static void store(struct flood *flood, struct location *location, uint8_t hops,
                  struct table_ref ref, struct peer *source)
{
    uint32_t slot;
    struct packed packed;
    if (packed_read(location->position, location->stamp, &packed))
        location->packed = &packed;
    enum table_outcome outcome =
        peer_put(source, flood->table, location, ref, &slot, flood->now_ms);
    location->packed = NULL;
    if (outcome != TABLE_OLDER) {
        peer_knows(source, slot);
        if (__builtin_expect(flood->promises.by != 0, false))
            promises_told(&flood->promises, source->index, slot);
    }
    if (outcome == TABLE_NEW || outcome == TABLE_NEWER) {
        flood->count.locations_news++;
        flood->arrived = location;
        uint16_t origin = 0; /* where no link is lazy nobody asks */
        if (flood->lazy.is_on) {
            origin = table_slot_origin(flood->table, slot);
            lazy_take_first(&flood->lazy, source->index, origin, hops);
        }
        flood_spread(flood, slot, origin, source);
    } else if (outcome == TABLE_SAME) {
        lazy_take_copy(&flood->lazy, source->index, table_slot_origin(flood->table, slot), slot,
                       hops);
    }
}

static void store_some(struct flood *flood, struct location *locations, const uint8_t *hops,
                       size_t count, struct peer *source)
{
    struct span clients[FLOOD_PREFETCH_MAX];
    struct table_ref refs[FLOOD_PREFETCH_MAX];
    for (size_t i = 0; i < count; i++)
        clients[i] = locations[i].client;
    flood_prefetch(flood, clients, refs, count);
    for (size_t i = 0; i < count; i++)
        store(flood, &locations[i], hops[i], refs[i], source);
}

static void store_all(struct flood *flood, struct peer *source)
{
    size_t left = flood->in.location_count;
    flood->count.locations_received += left;
    const uint8_t *hops = flood->in.hops;
    for (struct location *next = flood->in.locations; left > 0;) {
        size_t count = left < FLOOD_PREFETCH_MAX ? left : FLOOD_PREFETCH_MAX;
        store_some(flood, next, hops, count, source);
        next += count;
        hops += count;
        left -= count;
    }
    if (flood->arrived != NULL)
        flood_note_arrival(flood, source);
}

/* ---- Time -------------------------------------------------------------------------------- */

void flood_set_clock(struct flood *flood, int64_t now_ms, int64_t wall_ns)
{
    bool jumped = herd_time_set(flood->time, now_ms, wall_ns);
    take_time(flood, now_ms);
    table_count_above(flood->table);
    flood_wipe(flood);
    for (size_t i = 0; jumped && i < flood->peer_count; i++)
        peer_say_time(&flood->peers[i], now_ms);
}

struct flood_time flood_time(const struct flood *flood, int64_t now_ms)
{
    const struct herd_time *time = flood->time;
    int64_t own_ns = herd_time_own_ns(time, now_ms);
    return (struct flood_time){
        .has_clock = herd_time_has_clock(time),
        .offset_ns = herd_time_offset_ns(time),
        .votes = herd_time_votes(time),
        .accept_ns = herd_time_accept_ns(time, own_ns, now_ms),
        .forget_ns = herd_time_forget_ns(time, own_ns, now_ms),
        .ceiling_ns = herd_time_ceiling_ns(time, now_ms),
        .floor_ns = herd_time_floor_ns(time, now_ms),
        .horizon_ns = table_horizon_ns(flood->table),
    };
}

int64_t flood_accept_ns(const struct flood *flood, int64_t wall_ns, int64_t now_ms)
{
    return herd_time_accept_ns(flood->time, wall_ns, now_ms);
}

/* ---- Messages ---------------------------------------------------------------------------- */

static void store_told(struct flood *flood, struct peer *source)
{
    if (flood->in.type == WIRE_STATUS)
        flood_keep_status(flood);
    else
        store_all(flood, source);
}

/* The neighbours are to hear soon how far an origin is. */
static void beat(struct flood *flood)
{
    flood->lazy.beat_due = false;
    for (size_t i = 0; i < flood->peer_count; i++)
        peer_say_time(&flood->peers[i], flood->now_ms);
}

void flood_receive(struct flood *flood, size_t peer_index, struct span message, int64_t now_ms)
{
    struct peer *peer = peer_at(flood, peer_index);
    take_time(flood, now_ms);
    flood->has_input = true;
    enum wire_result result = wire_read(message, &flood->in);
    if (result != WIRE_GOOD || flood->in.type < WIRE_CHECK)
        range_list_forget_waiting(&flood->lists);
    switch (result) {
    case WIRE_GOOD:
        flood->count.updates_received += flood->in.type == WIRE_UPDATE;
        if (peer_receive(peer, &flood->in, now_ms))
            store_told(flood, peer);
        else
            take_time(flood, now_ms); /* clocks that were heard may have moved the ceiling */
        if (__builtin_expect(flood->promises.by != 0, false))
            flood_hear(flood, peer);
        if (flood->lazy.beat_due)
            beat(flood);
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
    take_time(flood, now_ms);
    peer_receive_parts(peer_at(flood, peer), frames, now_ms);
}

/* Takes from the ring what one UPDATE carries. */
static void gather(struct flood *flood, struct peer *peer)
{
    struct batch *batch = &flood->batch;
    if (batch_is_good(batch, &peer->window.ring, flood->table))
        batch_take(batch, &peer->window.ring);
    else
        batch_write(batch, &peer->window.ring, flood->table, &flood->lazy);
    flood->out.location_count = batch->count;
    flood->out.written = (struct span){batch->at, batch->bytes};
    flood->count.updates_sent++;
    flood->count.locations_sent += batch->count;
}

size_t flood_next(struct flood *flood, size_t peer_index, int64_t now_ms, char *out)
{
    struct peer *peer = peer_at(flood, peer_index);
    take_time(flood, now_ms);
    flood->has_input = false;
    if (__builtin_expect(flood->promises.by != 0, false))
        promises_send(&flood->promises, peer_index, now_ms);
    if (!peer_next(peer, &flood->out, now_ms))
        return 0;
    if (flood->out.type == WIRE_UPDATE) {
        gather(flood, peer);
        flood->out.ack_now =
            flood->promises.by != 0 &&
            promises_want_ack(&flood->promises, peer_index, peer->window.announced);
        peer_announce(peer, &flood->out, now_ms);
    } else if (flood->out.type == WIRE_STATUS) {
        flood_write_status(flood, &flood->out, now_ms);
    }
    flood->count.acks_sent += flood->out.type == WIRE_ACK;
    size_t bytes = wire_write(&flood->out, out, WIRE_MESSAGE_BYTES_MAX);
    assert(bytes > 0);
    return bytes;
}

static int64_t least_ms(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The most changes that wait on any link. */
static uint64_t most_due(const struct flood *flood)
{
    uint64_t most = 0;
    for (size_t i = 0; i < flood->peer_count; i++) {
        uint64_t due = peer_due(&flood->peers[i]);
        most = due > most ? due : most;
    }
    return most;
}

bool flood_is_due(const struct flood *flood, int64_t now_ms)
{
    return flood->has_input || now_ms >= flood_deadline_ms(flood);
}

bool flood_coalesces(struct flood *flood, int64_t now_ms)
{
    take_time(flood, now_ms);
    uint64_t due = most_due(flood);
    if (!flood->coalesces)
        flood->coalesces_since_ms = now_ms;
    flood->coalesces = flood->has_input && due > 0 && due < WIRE_LOCATIONS_MAX &&
                       now_ms == flood->coalesces_since_ms;
    flood->has_input = false;
    return flood->coalesces;
}

bool flood_has_much(const struct flood *flood, size_t peer)
{
    return peer_due(peer_at(flood, peer)) > WIRE_LOCATIONS_MAX;
}

void flood_refused(struct flood *flood, size_t peer, int64_t now_ms)
{
    take_time(flood, now_ms);
    peer_refused(peer_at(flood, peer), now_ms);
}

void flood_connected(struct flood *flood, size_t peer, int64_t now_ms)
{
    take_time(flood, now_ms);
    peer_connected(peer_at(flood, peer), now_ms);
}

struct flood_answers flood_answers(const struct flood *flood, size_t peer_index)
{
    const struct peer *peer = peer_at(flood, peer_index);
    return (struct flood_answers){peer_awaits(peer), peer->answers};
}

int64_t flood_deadline_ms(const struct flood *flood)
{
    int64_t deadline = flood_sweep_deadline_ms(flood);
    if (lazy_is_busy(&flood->lazy))
        deadline = least_ms(deadline, flood->now_ms + 1);
    if (flood->promises.by != 0)
        deadline = least_ms(deadline, promises_deadline_ms(&flood->promises));
    if (flood->peer_count == 0)
        return deadline;
    deadline = least_ms(
        deadline, least_ms(flood->now_ms + DEADLINE_MS_MAX, herd_time_deadline_ms(flood->time)));
    for (size_t i = 0; i < flood->peer_count; i++)
        deadline = least_ms(deadline, peer_deadline_ms(&flood->peers[i]));
    return deadline < flood->now_ms ? flood->now_ms : deadline;
}

void flood_say_goodbye(struct flood *flood)
{
    flood->common.leaving = true;
}

bool flood_is_over(const struct flood *flood)
{
    if (!flood->common.leaving)
        return false;
    for (size_t i = 0; i < flood->peer_count; i++)
        if (!peer_is_over(&flood->peers[i]))
            return false;
    return true;
}

bool flood_next_event(struct flood *flood, struct link_event *event)
{
    bool any = events_pop(&flood->events, event);
    if (any)
        flood_note_why(flood, event);
    return any;
}

struct flood_load flood_load(const struct flood *flood)
{
    const struct link_counters *count = &flood->count;
    return (struct flood_load){
        .clients = table_count(flood->table),
        .clients_max = flood->clients_max,
        .bytes = table_bytes(flood->table),
        .bytes_max = flood->bytes_max,
        .refused = count->clients_refused + count->bytes_refused + count->memory_refused +
                   count->locations_refused,
    };
}

static bool is_near(uint64_t taken, uint64_t max)
{
    uint64_t percent = max / 100, rest = max % 100; /* so that nothing overflows */
    return taken >= percent * FLOOD_NEAR_PERCENT + (rest * FLOOD_NEAR_PERCENT + 99) / 100;
}

struct flood_near flood_next_near(struct flood *flood)
{
    struct flood_load load = flood_load(flood);
    struct flood_near was = flood->near;
    flood->near = (struct flood_near){
        .clients = is_near(load.clients, load.clients_max),
        .bytes = load.bytes_max > 0 && is_near(load.bytes, load.bytes_max),
    };
    return (struct flood_near){.clients = flood->near.clients && !was.clients,
                               .bytes = flood->near.bytes && !was.bytes};
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
