/* peer_end: one end of a link, without a flood around it, for tests.
 *
 * The other end is written by hand: Bob, whose messages a case makes and gives to `receive`. The
 * table has empty meaning, slots serve as values, and time stands still unless a case lets it
 * pass. Whatever a case does, the peer is sound after each message. */
#ifndef ZHERD_TESTS_UNIT_PEER_END_H
#define ZHERD_TESTS_UNIT_PEER_END_H

#include "bus/link/peer.h"
#include "tests/check.h"

static struct link_counters count;
static struct events events;
static struct wire_message out, in;
static const uint8_t key[16];

/* The link under test, and a table with `clients` slots. */
struct end {
    struct table *table;
    struct range_list lists;
    struct lazy lazy;
    struct herd_time *time;
    struct peer_common common;
    struct peer peer;
    int64_t now_ms;
};

static inline void add_clients(struct end *end, int clients)
{
    for (int i = 0; i < clients; i++) {
        char client[16];
        snprintf(client, sizeof client, "c%u", table_count(end->table));
        struct location location = {
            span_of(client), span_of("+1-1"), span_of("1"), span_of("Ada"), 0, 1, NULL};
        uint32_t slot;
        CHECK_INT(table_put(end->table, &location, table_ref(end->table, location.client), &slot),
                  TABLE_NEW);
    }
}

static inline void open_end(struct end *end, int clients)
{
    memset(end, 0, sizeof *end);
    memset(&count, 0, sizeof count);
    events_free(&events);
    end->table = table_new(key);
    range_list_init(&end->lists, end->table);
    struct span bob = span_of("Bob");
    end->time = herd_time_new(
        &(struct herd_time_options){
            .node = span_of("Ada"), .incarnation = 1, .peers = &bob, .peer_count = 1},
        &events, &count);
    end->common = (struct peer_common){.herd = span_of("test"),
                                       .lists = &end->lists,
                                       .lazy = &end->lazy,
                                       .node = span_of("Ada"),
                                       .incarnation = 1,
                                       .table = end->table,
                                       .time = end->time,
                                       .events = &events,
                                       .count = &count};
    peer_init(&end->peer, &end->common, 0, bob);
    struct window *window = &end->peer.window;
    lazy_init(&end->lazy, end->table, table_origin(end->table, span_of("Ada")));
    lazy_set_links(&end->lazy, &window, 1, NULL, true, 0);
    end->now_ms = 1000000;
    add_clients(end, clients);
}

static inline void close_end(struct end *end)
{
    CHECK(peer_is_sound(&end->peer));
    peer_free(&end->peer);
    range_list_free(&end->lists);
    lazy_free(&end->lazy);
    herd_time_destroy(&end->time);
    table_destroy(&end->table);
    events_free(&events);
}

/* The next message, or 0. An UPDATE carries at most `slots_max` slots. */
static inline int next_of(struct end *end, int slots_max)
{
    if (!peer_next(&end->peer, &out, end->now_ms))
        return 0;
    if (out.type == WIRE_UPDATE) {
        uint32_t slot;
        for (int i = 0; i < slots_max && ring_peek(&end->peer.window.ring, &slot); i++)
            ring_take(&end->peer.window.ring);
        peer_announce(&end->peer, &out, end->now_ms);
    }
    CHECK(peer_is_sound(&end->peer));
    return (int)out.type;
}

static inline int next(struct end *end)
{
    return next_of(end, 1);
}

static inline bool receive(struct end *end)
{
    bool apply = peer_receive(&end->peer, &in, end->now_ms);
    CHECK(peer_is_sound(&end->peer));
    return apply;
}

/* Bob is incarnation 2 and speaks to incarnation 1 unless a case says otherwise. */
static inline void hello_of(uint64_t from, uint64_t to)
{
    in = (struct wire_message){.type = WIRE_HELLO,
                               .from_incarnation = from,
                               .to_incarnation = to,
                               .herd = span_of("test"),
                               .node = span_of("Bob"),
                               .version = 1,
                               .version_min = 1};
}

static inline void hello(struct end *end, uint64_t from, uint64_t to, uint64_t start,
                         uint64_t received)
{
    hello_of(from, to);
    in.start = start;
    in.received = received;
    receive(end);
}

static inline void ack(struct end *end, uint64_t received, bool gap)
{
    in = (struct wire_message){.type = WIRE_ACK,
                               .from_incarnation = 2,
                               .to_incarnation = 1,
                               .received = received,
                               .gap = gap};
    CHECK(!receive(end));
}

static inline bool update(struct end *end, uint64_t after, uint64_t upto)
{
    in = (struct wire_message){.type = WIRE_UPDATE,
                               .from_incarnation = 2,
                               .to_incarnation = 1,
                               .after = after,
                               .upto = upto};
    return receive(end);
}

/* Up, and quiet but for the answer to HELLO. */
static inline void meet(struct end *end)
{
    hello(end, 2, 1, 0, 0);
    CHECK(peer_is_up(&end->peer));
    while (end->peer.ack_at <= end->now_ms &&
           end->peer.window.ring.sent == end->peer.window.ring.head &&
           (!end->peer.window.ring.lost || table_count(end->table) == 0))
        CHECK_INT(next(end), WIRE_ACK);
}

static inline int count_events(enum link_event_kind kind, char reason[LINK_REASON_BYTES_MAX])
{
    struct link_event event;
    int told = 0;
    while (events_pop(&events, &event))
        if (event.kind == kind) {
            told++;
            memcpy(reason, event.reason, sizeof event.reason);
        }
    return told;
}

#endif
