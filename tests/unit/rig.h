/* rig: whole floods wired to each other by hand, for tests.
 *
 * Every message passes through the rig, which may deliver, lose, keep or refuse it. Time stands
 * still unless a case lets it pass. */
#ifndef ZHERD_TESTS_UNIT_RIG_H
#define ZHERD_TESTS_UNIT_RIG_H

#include "bus/flood.h"
#include "bus/link/wire.h"
#include "tests/check.h"

#define NODES_MAX   4
#define WAITING_MAX 4096

static const char *const node_names[NODES_MAX] = {"Ada", "Bob", "Cy", "Dee"};

struct letter {
    int from, to;
    size_t bytes;
    char *at;
};

/* A small herd. Nodes know each other by the order of the linked ones. */
struct rig {
    int count;
    bool linked[NODES_MAX][NODES_MAX];              /* to the first, the second is a peer */
    bool cut[NODES_MAX][NODES_MAX];                 /* what is sent is lost */
    bool refuse[NODES_MAX][NODES_MAX];              /* the transport does not take it */
    bool keep[NODES_MAX][NODES_MAX];                /* what is sent waits in `kept` for release() */
    int lose[NODES_MAX][NODES_MAX][WIRE_STATE + 1]; /* how many of a type are lost */
    struct flood *node[NODES_MAX];
    uint64_t incarnations; /* drawn so far */
    uint32_t clients_max;
    uint64_t table_bytes_max;
    int64_t expire_ms;
    bool forget;
    unsigned promises;        /* of enum promises_by */
    const struct span *nodes; /* of the topology; none: nobody is an observer */
    size_t nodes_count;
    int64_t now_ms;
    struct letter waiting[WAITING_MAX], kept[WAITING_MAX];
    int first, last, kept_count;
    uint64_t messages[NODES_MAX][NODES_MAX][WIRE_STATE + 1]; /* sent, by type */
};

static inline size_t peer_number(const struct rig *rig, int node, int other)
{
    size_t number = 0;
    for (int i = 0; i < other; i++)
        number += rig->linked[node][i];
    return number;
}

static inline void start(struct rig *rig, int node)
{
    struct span peers[NODES_MAX];
    size_t count = 0;
    for (int i = 0; i < rig->count; i++)
        if (rig->linked[node][i])
            peers[count++] = span_of(node_names[i]);
    rig->node[node] = flood_new(&(struct flood_options){
        .herd = span_of("test"),
        .node = span_of(node_names[node]),
        .peers = peers,
        .peer_count = count,
        .nodes = rig->nodes,
        .node_count = rig->nodes_count,
        .incarnation = 1000 + ++rig->incarnations,
        .clients_max = rig->clients_max,
        .table_bytes_max = rig->table_bytes_max,
        .expire_ms = rig->expire_ms,
        .forget = rig->forget,
        .promises = rig->promises,
        .hash_key = {(uint8_t)rig->incarnations},
    });
}

static inline void restart(struct rig *rig, int node)
{
    flood_destroy(&rig->node[node]);
    start(rig, node);
}

/* `links` names pairs of nodes by number: "01 12" is a chain of three. */
static inline void rig_open_unstarted(struct rig *rig, int count, const char *links)
{
    memset(rig, 0, sizeof *rig);
    rig->count = count;
    rig->clients_max = FLOOD_CLIENTS_DEFAULT;
    rig->now_ms = 5000000;
    for (const char *at = links; *at != '\0'; at += at[2] == ' ' ? 3 : 2) {
        rig->linked[at[0] - '0'][at[1] - '0'] = true;
        rig->linked[at[1] - '0'][at[0] - '0'] = true;
    }
}

static inline void rig_open(struct rig *rig, int count, const char *links)
{
    rig_open_unstarted(rig, count, links);
    for (int i = 0; i < count; i++)
        start(rig, i);
}

static inline void rig_close(struct rig *rig)
{
    for (int i = 0; i < rig->count; i++) {
        if (rig->node[i] != NULL)
            CHECK(flood_is_sound(rig->node[i]));
        flood_destroy(&rig->node[i]);
    }
    for (; rig->first < rig->last; rig->first++)
        free(rig->waiting[rig->first % WAITING_MAX].at);
    while (rig->kept_count > 0)
        free(rig->kept[--rig->kept_count].at);
}

static inline enum wire_type type_of(const char *bytes, size_t count)
{
    static struct wire_message message;
    enum wire_result result = wire_read((struct span){bytes, count}, &message);
    CHECK_INT(result, WIRE_GOOD);
    return message.type;
}

static inline void put(struct rig *rig, struct letter letter)
{
    CHECK(rig->last - rig->first < WAITING_MAX);
    rig->waiting[rig->last++ % WAITING_MAX] = letter;
}

static inline void post(struct rig *rig, int from, int to, const char *bytes, size_t count)
{
    struct letter letter = {from, to, count, malloc(count)};
    memcpy(letter.at, bytes, count);
    if (rig->keep[from][to] && rig->kept_count < WAITING_MAX)
        rig->kept[rig->kept_count++] = letter;
    else
        put(rig, letter);
}

/* What was kept arrives now, late. */
static inline void release(struct rig *rig)
{
    for (int i = 0; i < rig->kept_count; i++)
        put(rig, rig->kept[i]);
    rig->kept_count = 0;
}

/* Everything `from` has to say to `to` right now. */
static inline bool collect(struct rig *rig, int from, int to)
{
    static char bytes[WIRE_MESSAGE_BYTES_MAX];
    size_t peer = peer_number(rig, from, to), count;
    bool any = false;
    while ((count = flood_next(rig->node[from], peer, rig->now_ms, bytes)) > 0) {
        if (rig->refuse[from][to]) {
            flood_refused(rig->node[from], peer, rig->now_ms);
            return any;
        }
        any = true;
        enum wire_type type = type_of(bytes, count);
        rig->messages[from][to][type]++;
        if (rig->lose[from][to][type] > 0)
            rig->lose[from][to][type]--;
        else if (!rig->cut[from][to])
            post(rig, from, to, bytes, count);
    }
    return any;
}

static inline bool collect_all(struct rig *rig)
{
    bool any = false;
    for (int from = 0; from < rig->count; from++)
        for (int to = 0; to < rig->count; to++)
            if (rig->linked[from][to] && rig->node[from] != NULL)
                any |= collect(rig, from, to);
    return any;
}

static inline bool deliver_one(struct rig *rig)
{
    if (rig->first == rig->last)
        return false;
    struct letter letter = rig->waiting[rig->first++ % WAITING_MAX];
    if (rig->node[letter.to] != NULL && rig->linked[letter.to][letter.from])
        flood_receive(rig->node[letter.to], peer_number(rig, letter.to, letter.from),
                      (struct span){letter.at, letter.bytes}, rig->now_ms);
    free(letter.at);
    return true;
}

/* Sends and delivers until no node has anything to send in this instant. */
static inline void settle(struct rig *rig)
{
    int turns = 0;
    while (collect_all(rig) || rig->first < rig->last) {
        while (deliver_one(rig))
            ;
        if (++turns > 10000) {
            CHECK(turns <= 10000); /* they talk without end */
            return;
        }
    }
}

static inline int64_t next_deadline(const struct rig *rig)
{
    int64_t deadline = INT64_MAX;
    for (int i = 0; i < rig->count; i++)
        if (rig->node[i] != NULL && flood_deadline_ms(rig->node[i]) < deadline)
            deadline = flood_deadline_ms(rig->node[i]);
    return deadline;
}

/* Lets time pass from deadline to deadline. */
static inline void pass(struct rig *rig, int64_t ms)
{
    int64_t until = rig->now_ms + ms;
    settle(rig);
    while (rig->now_ms < until) {
        int64_t deadline = next_deadline(rig);
        CHECK(deadline > rig->now_ms && (deadline <= rig->now_ms + 1000 || deadline == INT64_MAX));
        rig->now_ms = deadline <= rig->now_ms ? rig->now_ms + 1 : deadline;
        if (rig->now_ms > until)
            rig->now_ms = until;
        settle(rig);
    }
}

static inline struct location place(const char *client, int64_t order_ns, const char *position)
{
    return (struct location){
        .client = span_of(client),
        .position = span_of(position),
        .stamp = span_of("1"),
        .origin = span_of("Ada"),
        .difference_ns = 7,
        .order_ns = order_ns,
    };
}

static inline enum flood_outcome tell_at(struct rig *rig, int node, const char *client,
                                         int64_t order_ns, const char *position)
{
    struct location location = place(client, order_ns, position);
    return flood_local(rig->node[node], &location);
}

static inline bool knows(const struct rig *rig, int node, const char *client, const char *position)
{
    struct location location;
    return flood_find(rig->node[node], span_of(client), &location) &&
           span_equals(location.position, span_of(position));
}

static inline bool all_equal(const struct rig *rig)
{
    for (int i = 1; i < rig->count; i++)
        if (flood_digest(rig->node[i]) != flood_digest(rig->node[0]) ||
            flood_clients(rig->node[i]) != flood_clients(rig->node[0]))
            return false;
    return true;
}

/* The link of `node` towards `other`. */
static inline struct flood_link link_of(const struct rig *rig, int node, int other)
{
    return flood_link(rig->node[node], peer_number(rig, node, other));
}

static inline void cut_link(struct rig *rig, int a, int b, bool cut)
{
    rig->cut[a][b] = rig->cut[b][a] = cut;
}

/* How many events of a kind wait; the last one's reason in `reason`. Takes all of them. */
static inline int count_events(struct rig *rig, int node, enum link_event_kind kind, char *reason)
{
    struct link_event event;
    int count = 0;
    while (flood_next_event(rig->node[node], &event))
        if (event.kind == kind) {
            count++;
            if (reason != NULL)
                memcpy(reason, event.reason, sizeof event.reason);
        }
    return count;
}

static inline void fill(struct rig *rig, int node, int count)
{
    for (int i = 0; i < count; i++) {
        char client[32];
        snprintf(client, sizeof client, "client-%d", i);
        CHECK_INT(tell_at(rig, node, client, 1000 + i, "+1-1"), FLOOD_STORED);
    }
}

/* Bytes of a message that a test makes up. */
static inline void forge(struct rig *rig, int from, int to, struct wire_message *message)
{
    static char bytes[WIRE_MESSAGE_BYTES_MAX];
    size_t count = wire_write(message, bytes, sizeof bytes);
    CHECK(count > 0);
    flood_receive(rig->node[to], peer_number(rig, to, from), (struct span){bytes, count},
                  rig->now_ms);
}

static inline const struct link_counters *count_of(const struct rig *rig, int node)
{
    return flood_count(rig->node[node]);
}

#endif
