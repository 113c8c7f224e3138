#include "gateway/text/watchers.h"

#include <assert.h>
#include <stdlib.h>

#include "gateway/text/fences.h"
#include "gateway/text/nearby.h"
#include "gateway/text/watchers_state.h"

static_assert(WATCHERS_RADIUS_MM_MAX <= FENCE_RADIUS_MM_MAX, "every circle is a fence");
static_assert(WATCHERS_REPLY_LINES_MAX <= GRID_BOUND_MAX, "a search finds them all");

struct watchers *watchers_new(struct table *table, const uint8_t key[16], uint64_t bytes_max)
{
    struct watchers *watchers = bytes_zeroed(sizeof *watchers);
    watchers->table = table;
    memcpy(&watchers->awaited.seed, key, sizeof watchers->awaited.seed);
    memcpy(&watchers->fences.cells.seed, key + 8, sizeof watchers->fences.cells.seed);
    watchers->askings = 1;
    list_init(&watchers->connections);
    list_init(&watchers->due);
    list_init(&watchers->all);
    list_init(&watchers->ended);
    watchers->limits = (struct watchers_limits){WATCHERS_OF_NODE_MAX, WATCHERS_MARKS_MAX, bytes_max,
                                                CHANGES_SLOTS, WATCHERS_GONE_BYTES_MAX};
    return watchers;
}

void watchers_limit(struct watchers *watchers, const struct watchers_limits *limits)
{
    assert(watchers->count.watches == 0);
    watchers->limits = *limits;
}

void watchers_change_bytes(struct watchers *watchers, uint64_t bytes_max)
{
    watchers->limits.bytes = bytes_max;
}

void watchers_destroy(struct watchers **watchers_p)
{
    struct watchers *watchers = *watchers_p;
    if (watchers == NULL)
        return;
    int64_t steps = INT64_MAX;
    assert(watchers->count.watches == 0);
    watchers_clear(watchers, &steps);
    buffer_free(&watchers->lines);
    free(watchers);
    *watchers_p = NULL;
}

struct watchers_counters watchers_count(const struct watchers *watchers)
{
    struct watchers_counters count = watchers->count;
    count.bytes = watchers->allowance.taken;
    return count;
}

/* ---- the change log, while there is a watch ---- */

static bool begin_log(struct watchers *watchers)
{
    if (watchers->changes.slots != NULL)
        return true;
    if (!changes_init(&watchers->changes, watchers->limits.changes))
        return false;
    watchers->taken = 0;
    watchers->allowance.taken += watchers->limits.changes * sizeof *watchers->changes.slots;
    table_follow(watchers->table, &watchers->changes);
    return true;
}

static void end_log(struct watchers *watchers)
{
    if (watchers->count.watches > 0 || watchers_is_clearing(watchers) ||
        watchers->changes.slots == NULL)
        return;
    table_follow(watchers->table, NULL);
    changes_free(&watchers->changes);
    watchers->taken = 0;
    watchers->allowance.taken -= watchers->limits.changes * sizeof *watchers->changes.slots;
    watchers_free_slots(watchers);
    buffer_free(&watchers->lines);
}

/* ---- rounds ---- */

void watchers_begin_round(struct watchers *watchers, struct watch *watch, enum watch_round from)
{
    if (watch->round != ROUND_NONE) {
        watch->is_round_late = true;
        return;
    }
    watch->round = from;
    watch->is_round_late = false;
    watch->round_at = watch->marks.after;
    watch->round_key = 0;
    watchers->count.rounds++;
    watchers_due(watchers, watch);
}

/* ---- one watch more ---- */

static bool is_of_client(enum watchers_kind kind)
{
    return kind == WATCHERS_CLIENT || kind == WATCHERS_CIRCLE;
}

static bool is_circle(enum watchers_kind kind)
{
    return kind == WATCHERS_CIRCLE || kind == WATCHERS_POINT;
}

/* Circles around the client, wherever it is. */
static uint32_t count_circles(const struct watchers *watchers, struct span client)
{
    uint32_t slot, count = 0;
    struct table_ref ref = table_ref(watchers->table, client);
    struct chains_node *node =
        chains_find(&watchers->awaited, watchers_awaited_as(WATCHERS_CIRCLE, ref.hash));
    for (; node != NULL; node = chains_after(node)) {
        const struct watch *watch = LIST_OWNER(node, struct watch, awaited);
        count += span_equals((struct span){watch->client, watch->client_bytes}, client);
    }
    if (!table_find(watchers->table, client, ref, &slot))
        return count;
    const struct watchers_slot *at = watchers_slot_kept(watchers, slot);
    return count + (at == NULL || at->marks == NULL ? 0 : at->marks->centres);
}

static enum watchers_outcome judge(const struct watchers *watchers,
                                   const struct watchers_connection *connection,
                                   const struct watchers_wanted *wanted)
{
    if (connection->count >= WATCHERS_OF_CONNECTION_MAX)
        return WATCHERS_FULL_CONNECTION;
    if (watchers->count.watches >= watchers->limits.watches)
        return WATCHERS_FULL_NODE;
    if (wanted->kind == WATCHERS_CIRCLE && watchers_tells(connection, wanted->client) &&
        count_circles(watchers, wanted->client) >= WATCHERS_OF_CENTRE_MAX)
        return WATCHERS_FULL_CENTRE;
    return WATCHERS_ADDED;
}

static struct watch *make(struct watchers *watchers, const struct watchers_wanted *wanted)
{
    size_t client_bytes = is_of_client(wanted->kind) ? wanted->client.len : 0;
    struct watch *watch =
        allowance_zeroed(watchers_limited(watchers), sizeof *watch + client_bytes);
    if (watch == NULL)
        return NULL;
    watch->kind = wanted->kind;
    watch->radius_mm = wanted->radius_mm;
    watch->client_bytes = (uint32_t)client_bytes;
    if (client_bytes > 0)
        memcpy(watch->client, wanted->client.data, client_bytes);
    watch->self.watch = watch;
    list_init(&watch->marks);
    return watch;
}

/* On its client's slot, or among those that are awaited. */
static bool find_client(struct watchers *watchers, struct watch *watch)
{
    uint32_t slot;
    struct span client = {watch->client, watch->client_bytes};
    if (table_find(watchers->table, client, table_ref(watchers->table, client), &slot))
        return watchers_hang(watchers, slot, &watch->self);
    /* What is over may come back to a slot that was asked before. */
    if (table_is_sweeping(watchers->table))
        watchers->askings++;
    return watchers_await(watchers, watch);
}

static bool place(struct watchers *watchers, const struct watchers_connection *connection,
                  struct watch *watch, const struct watchers_wanted *wanted)
{
    struct degrees centre = wanted->place;
    if (is_of_client(watch->kind) && watchers_tells(connection, wanted->client) &&
        !find_client(watchers, watch))
        return false;
    if (watch->kind == WATCHERS_ALL) {
        if (list_is_empty(&watchers->all))
            watchers->all_since = watchers->changes.end;
        watch->cursor = (struct watch_cursor){.at = watchers->changes.end,
                                              .gone_at = watchers->gone.begin + watchers->gone.len};
        list_append(&watchers->all, &watch->of_all);
    }
    bool has_centre = watch->kind == WATCHERS_POINT ||
                      (watch->kind == WATCHERS_CIRCLE && watch->self.slot_ord != 0 &&
                       grid_slot_place(watchers->table, watch->self.slot_ord - 1, &centre));
    return !has_centre || fences_put(&watchers->fences, &watch->fence, &centre, watch->radius_mm,
                                     watchers_limited(watchers));
}

/* Out of everything it may stand in but its marks. */
static void displace(struct watchers *watchers, struct watch *watch)
{
    watchers_unhang(watchers, &watch->self);
    if (watch->is_awaiting)
        chains_remove(&watchers->awaited, &watch->awaited, &watchers->allowance);
    if (list_holds(&watch->of_all)) {
        list_remove(&watch->of_all);
        if (list_is_empty(&watchers->all))
            watchers_trim_gone(watchers);
    }
    if (list_holds(&watch->due))
        list_remove(&watch->due);
    fences_remove(&watchers->fences, &watch->fence, &watchers->allowance);
}

static void discard(struct watchers *watchers, struct watch *watch)
{
    watchers_leave_notes(watchers, watch);
    allowance_free(&watchers->allowance, watch, sizeof *watch + watch->client_bytes);
}

static void join(struct watchers *watchers, struct watchers_connection *connection,
                 struct watch *watch)
{
    if (!list_holds(&connection->of_node)) {
        list_init(&connection->watches);
        list_init(&connection->due_watches);
        list_append(&watchers->connections, &connection->of_node);
    }
    list_append(&connection->watches, &watch->of_connection);
    watch->connection = connection;
    watch->number = ++connection->number;
    connection->count++;
    watchers->count.watches++;
}

static bool make_reply(struct watchers *watchers, struct watchers_connection *connection,
                       struct watch *watch)
{
    struct watchers_reply *reply = allowance_zeroed(watchers_limited(watchers), sizeof *reply);
    connection->reply = reply;
    if (reply == NULL)
        return false;
    reply->watch = watch;
    reply->is_searching = watch->fence.cells != NULL;
    if (!reply->is_searching)
        return true;
    reply->centre = watch->fence.centre.at;
    uint32_t slot = watch->self.slot_ord - 1;
    grid_search_begin(&reply->search, watchers->table, &reply->centre, watch->radius_mm,
                      WATCHERS_REPLY_LINES_MAX, watch->self.slot_ord == 0 ? NULL : &slot);
    nearby_show_search(&reply->search, connection->seer);
    return true;
}

enum watchers_outcome watchers_add(struct watchers *watchers,
                                   struct watchers_connection *connection,
                                   const struct watchers_wanted *wanted)
{
    assert(connection->reply == NULL &&
           (!is_circle(wanted->kind) || table_has_grid(watchers->table)));
    enum watchers_outcome outcome = judge(watchers, connection, wanted);
    if (outcome != WATCHERS_ADDED)
        return outcome;
    watchers_update(watchers);
    struct watch *watch = begin_log(watchers) ? make(watchers, wanted) : NULL;
    if (watch == NULL || !watchers_join_notes(watchers, connection, watch) ||
        !place(watchers, connection, watch, wanted) || !make_reply(watchers, connection, watch)) {
        if (watch != NULL) {
            displace(watchers, watch);
            discard(watchers, watch);
        }
        end_log(watchers);
        return WATCHERS_FULL_MEMORY;
    }
    join(watchers, connection, watch);
    return WATCHERS_ADDED;
}

void watchers_show(struct watchers_connection *connection, const struct access_person *person)
{
    connection->seer = person;
    if (connection->reply != NULL)
        nearby_show_search(&connection->reply->search, person);
}

/* ---- one less ---- */

void watchers_end_reply(struct watchers *watchers, struct watchers_connection *connection)
{
    allowance_free(&watchers->allowance, connection->reply, sizeof *connection->reply);
    connection->reply = NULL;
}

static void leave(struct watchers *watchers, struct watch *watch)
{
    struct watchers_connection *connection = watch->connection;
    if (connection->reply != NULL && connection->reply->watch == watch)
        watchers_end_reply(watchers, connection);
    list_remove(&watch->of_connection);
    connection->count--;
    connection->marks -= watch->mark_count;
    watchers->count.watches--;
    displace(watchers, watch);
    watch->connection = NULL;
    if (watch->mark_count > 0)
        list_append(&watchers->ended, &watch->of_connection);
    else
        discard(watchers, watch);
}

static void leave_node(struct watchers *watchers, struct watchers_connection *connection)
{
    if (connection->count > 0)
        return;
    watchers_end_notes(watchers, connection);
    list_remove(&connection->of_node);
    if (list_holds(&connection->due))
        list_remove(&connection->due);
    connection->is_given = false;
}

uint32_t watchers_end(struct watchers *watchers, struct watchers_connection *connection,
                      uint32_t number)
{
    uint32_t ended = 0;
    if (connection->count == 0)
        return 0;
    for (struct list_node *at = connection->watches.after, *after; at != &connection->watches;
         at = after) {
        after = at->after;
        struct watch *watch = LIST_OWNER(at, struct watch, of_connection);
        if (number != 0 && watch->number != number)
            continue;
        leave(watchers, watch);
        ended++;
    }
    leave_node(watchers, connection);
    end_log(watchers);
    return ended;
}

bool watchers_is_clearing(const struct watchers *watchers)
{
    return !list_is_empty(&watchers->ended);
}

bool watchers_clear(struct watchers *watchers, int64_t *steps)
{
    struct list_node *node;
    while ((node = list_first(&watchers->ended)) != NULL) {
        struct watch *watch = LIST_OWNER(node, struct watch, of_connection);
        if (!watchers_unmark_some(watchers, watch, steps))
            return true;
        list_remove(node);
        discard(watchers, watch);
        end_log(watchers);
    }
    return false;
}

/* ---- who has lines ---- */

struct watchers_connection *watchers_next_due(struct watchers *watchers)
{
    watchers_due_all(watchers);
    struct list_node *node = list_first(&watchers->due);
    if (node == NULL)
        return NULL;
    struct watchers_connection *connection = LIST_OWNER(node, struct watchers_connection, due);
    list_remove(node);
    connection->is_given = true;
    return connection;
}
