/* What is written to those who watch (gateway/text/watchers.h). */
#include <assert.h>

#include "bus/base/packed.h"
#include "bus/table/at_line.h"
#include "gateway/text/nearby.h"
#include "gateway/text/watchers.h"
#include "gateway/text/watchers_state.h"

#define NEXT_NONE UINT32_MAX
/* Changes and slots that are looked at for one step: most have changed again, and are left out. Who
 * is far behind comes to what is new in few calls. */
#define LOOKS_A_STEP 16u
/* "! MOVE 4294967295 " */
#define HEAD_BYTES_MAX 32

/* What a call may still write and look at. */
struct budget {
    struct buffer *out;
    size_t out_bytes_max;
    int64_t *steps;
};

static bool is_spent(const struct budget *budget)
{
    return budget->out->len >= budget->out_bytes_max || *budget->steps <= 0;
}

/* ---- lines ---- */

static void write_number(struct buffer *out, uint32_t number)
{
    char *at = buffer_reserve(out, HEAD_BYTES_MAX);
    out->len += (size_t)(decimal_put(at, number, decimal_count(number)) - at);
}

static void write_head(struct watchers *watchers, const struct watch *watch, const char *event,
                       struct buffer *out)
{
    buffer_append(out, span_of(event));
    write_number(out, watch->number);
    buffer_append(out, span_of(" "));
    watchers->count.lines++;
}

static void write_at(const struct watchers *watchers, uint32_t slot, struct buffer *out)
{
    char text[PACKED_TEXT_BYTES_MAX];
    struct location location;
    table_read(watchers->table, slot, text, &location);
    at_line_write(out, &location);
}

static void write_gone(struct watchers *watchers, const struct watch *watch, struct span client,
                       struct buffer *out)
{
    write_head(watchers, watch, "! GONE ", out);
    buffer_append(out, client);
    buffer_append(out, span_of("\n"));
}

static void write_gone_slot(struct watchers *watchers, const struct watch *watch, uint32_t slot,
                            struct buffer *out)
{
    char text[PACKED_TEXT_BYTES_MAX];
    struct location location;
    table_read(watchers->table, slot, text, &location);
    write_gone(watchers, watch, location.client, out);
}

static void write_move(struct watchers *watchers, const struct watch *watch, uint32_t slot,
                       struct buffer *out)
{
    write_head(watchers, watch, "! MOVE ", out);
    write_at(watchers, slot, out);
}

static void write_enter(struct watchers *watchers, const struct watch *watch, uint32_t slot,
                        int64_t mm, struct buffer *out)
{
    write_head(watchers, watch, "! ENTER ", out);
    nearby_write_metres(out, mm);
    write_at(watchers, slot, out);
}

static void write_leave(struct watchers *watchers, const struct watch *watch, uint32_t slot,
                        struct buffer *out)
{
    write_head(watchers, watch, "! LEAVE ", out);
    write_at(watchers, slot, out);
}

/* ---- the watch's own client, or the centre ---- */

static void write_self(struct watchers *watchers, struct watch *watch, struct buffer *out)
{
    struct watchers_mark *self = &watch->self;
    bool is_there = self->slot_ord != 0 && watchers_is_there(watchers, self->slot_ord - 1);
    bool was_told = self->is_told;
    self->is_due = false;
    self->is_told = is_there;
    if (is_there && watch->kind == WATCHERS_CLIENT)
        write_move(watchers, watch, self->slot_ord - 1, out);
    if (is_there || !was_told)
        return;
    write_gone(watchers, watch, (struct span){watch->client, watch->client_bytes}, out);
    watch->round = ROUND_END;
    watch->is_round_late = false;
}

/* ---- who was told in, or is to be ---- */

/* Was inside, and the table still knows it. */
static void write_out(struct watchers *watchers, struct watchers_mark *mark, struct buffer *out)
{
    uint32_t slot = mark->slot_ord - 1;
    if (!mark->is_told)
        ;
    else if (watchers_is_there(watchers, slot))
        write_leave(watchers, mark->watch, slot, out);
    else
        write_gone_slot(watchers, mark->watch, slot, out);
    watchers_unmark(watchers, mark);
}

static void write_mark(struct watchers *watchers, struct watchers_mark *mark, struct buffer *out)
{
    struct watch *watch = mark->watch;
    if (mark->gone != NULL)
        write_gone(watchers, watch, (struct span){mark->gone->client, mark->gone->client_bytes},
                   out);
    if (mark->slot_ord == 0) {
        watchers_unmark(watchers, mark);
        return;
    }
    int64_t mm;
    uint32_t slot = mark->slot_ord - 1;
    if (mark->is_told && !table_slot_is_live(watchers->table, slot))
        return; /* it is over, and due once more when it is freed */
    if (!watchers_is_inside(watchers, watch, slot, &mm)) {
        write_out(watchers, mark, out);
        return;
    }
    if (mark->is_told)
        write_move(watchers, watch, slot, out);
    else
        write_enter(watchers, watch, slot, mm, out);
    mark->is_told = true;
}

/* ---- a round of a circle ---- */

static bool go_over_marks(struct watchers *watchers, struct watch *watch,
                          const struct budget *budget)
{
    while (watch->round_at != &watch->marks) {
        if (is_spent(budget))
            return false;
        int64_t mm;
        struct watchers_mark *mark = mark_of_watch(watch->round_at);
        watch->round_at = watch->round_at->after;
        --*budget->steps;
        if (!mark->is_due && mark->slot_ord != 0 &&
            table_slot_is_live(watchers->table, mark->slot_ord - 1) &&
            !watchers_is_inside(watchers, watch, mark->slot_ord - 1, &mm))
            write_out(watchers, mark, budget->out);
    }
    watch->round = ROUND_GRID;
    watch->round_key = 0;
    return true;
}

/* Or it is the centre. */
static bool has_mark(const struct watchers *watchers, const struct watch *watch, uint32_t slot,
                     int64_t *steps)
{
    const struct watchers_marks *marks = watchers_hung(watchers, slot);
    uint32_t count = marks == NULL ? 0 : marks->count, i = 0;
    while (i < count && marks->hung[i].watch != watch)
        i++;
    *steps -= i / LOOKS_A_STEP;
    return i < count;
}

/* Whoever is inside and has no mark comes in. */
static bool let_in(struct watchers *watchers, struct watch *watch, uint32_t slot,
                   const struct budget *budget)
{
    int64_t mm;
    if (!watchers_is_inside(watchers, watch, slot, &mm) ||
        !watchers_tells_slot(watchers, watch, slot))
        return true;
    if (has_mark(watchers, watch, slot, budget->steps))
        return true;
    struct watchers_mark *mark = watchers_mark(watchers, watch, slot);
    if (mark == NULL)
        return false;
    mark->is_told = true;
    write_enter(watchers, watch, slot, mm, budget->out);
    return true;
}

static bool go_over_grid(struct watchers *watchers, struct watch *watch,
                         const struct budget *budget)
{
    while (watch->fence.cells != NULL && watch->round_key != GRID_KEYS_END) {
        uint32_t slots[GRID_SOME_MAX];
        uint64_t key_before = watch->round_key;
        if (is_spent(budget))
            return false;
        uint32_t count = grid_some(watchers->table, &watch->fence.centre, watch->radius_mm,
                                   &watch->round_key, budget->steps, slots);
        for (uint32_t i = 0; i < count; i++) {
            if (budget->out->len >= budget->out_bytes_max) {
                watch->round_key = key_before; /* those that came in have their marks */
                return false;
            }
            if (!let_in(watchers, watch, slots[i], budget))
                return false;
        }
    }
    return true;
}

/* The centre is gone; where it is back by now, a round from the start follows. */
static bool end_round(struct watchers *watchers, struct watch *watch, const struct budget *budget)
{
    if (!watchers_unmark_some(watchers, watch, budget->steps))
        return false;
    watch->round = ROUND_NONE;
    if (watch->is_round_late)
        watchers_begin_round(watchers, watch, ROUND_MARKS);
    return true;
}

static bool go_round(struct watchers *watchers, struct watch *watch, const struct budget *budget)
{
    while (watch->round != ROUND_NONE) {
        if (watch->round == ROUND_MARKS && !go_over_marks(watchers, watch, budget))
            return false;
        if (!go_over_grid(watchers, watch, budget))
            return false;
        watch->round = ROUND_NONE;
        if (watch->is_round_late)
            watchers_begin_round(watchers, watch, ROUND_MARKS);
    }
    return true;
}

/* ---- a watch of everything ---- */

/* A client that counted is over, and about to be freed. Whoever went past it now would seem to have
 * been told of it. */
static bool is_ending(const struct watchers *watchers, uint32_t slot)
{
    const struct watchers_slot *at = watchers_slot_kept(watchers, slot);
    return at != NULL && watchers_knows_birth(watchers, at->born) &&
           !table_slot_is_live(watchers->table, slot);
}

/* The client there is told; and it is known from now on that it was there. One that came after the
 * changes that the watch was told is left for the next pass over the table. */
static void tell_slot(struct watchers *watchers, const struct watch *watch, uint32_t slot,
                      struct buffer *out)
{
    if (!watchers_is_there(watchers, slot) || !watchers_tells_slot(watchers, watch, slot))
        return;
    struct watchers_slot *at = watchers_slot(watchers, slot);
    if (at != NULL && !watchers_knows_birth(watchers, at->born))
        at->born = watchers_born_before(watchers);
    if (at != NULL && at->born < born_at(watch->cursor.at))
        write_move(watchers, watch, slot, out);
}

/* A client that was new at that position is told, and once more where it changed later: nobody who
 * is gone needs to be told of whom nobody was told. Other changes of a slot that changed again are
 * not in the log any more. */
static void tell_change(struct watchers *watchers, const struct watch *watch, uint64_t position,
                        struct buffer *out)
{
    uint32_t slot = changes_at(&watchers->changes, position);
    if (slot < watch->cursor.next)
        tell_slot(watchers, watch, slot, out);
}

/* It is told all of the table again. Only at the end of a pass: who was told is known from one time
 * before it and one in it. */
static void fall_back(struct watchers *watchers, struct watch_cursor *cursor)
{
    *cursor = (struct watch_cursor){.at = watchers->changes.end,
                                    .before_at = cursor->at,
                                    .before_next = NEXT_NONE,
                                    .gone_at = cursor->gone_at};
    watchers->count.rounds++;
}

/* Before its cursor goes on, which says of whom it was told. */
static bool write_all_gone(struct watchers *watchers, struct watch *watch,
                           const struct budget *budget)
{
    while (watchers_has_gone(watchers, watch)) {
        struct span client;
        if (is_spent(budget))
            return false;
        if (!watchers_next_gone(watchers, watch, budget->steps, &client))
            continue;
        write_gone(watchers, watch, client, budget->out);
        --*budget->steps;
    }
    return true;
}

/* What changed comes first, while the log has it: so who was told is known from two numbers. */
static bool write_all(struct watchers *watchers, struct watch *watch, const struct budget *budget)
{
    struct watch_cursor *cursor = &watch->cursor;
    if (!write_all_gone(watchers, watch, budget))
        return false;
    for (uint32_t looks = 1;; looks++) {
        bool is_behind = !changes_has(&watchers->changes, cursor->at);
        bool has_changes = !is_behind && cursor->at < watchers->changes.end;
        if (!has_changes && cursor->next >= table_slots(watchers->table)) {
            if (!is_behind)
                break;
            fall_back(watchers, cursor);
            continue;
        }
        if (is_spent(budget))
            return false;
        *budget->steps -= looks % LOOKS_A_STEP == 0;
        uint32_t slot = has_changes ? changes_at(&watchers->changes, cursor->at) : cursor->next;
        if (slot == CHANGES_NONE) {
            cursor->at++;
            continue;
        }
        if (is_ending(watchers, slot))
            return true;
        if (has_changes)
            tell_change(watchers, watch, cursor->at++, budget->out);
        else
            tell_slot(watchers, watch, cursor->next++, budget->out);
    }
    *cursor =
        (struct watch_cursor){.at = cursor->at, .next = NEXT_NONE, .gone_at = cursor->gone_at};
    return true;
}

/* ---- all of a connection ---- */

static bool is_self_over(const struct watchers *watchers, const struct watch *watch)
{
    uint32_t slot_ord = watch->self.slot_ord;
    return slot_ord != 0 && !table_slot_is_live(watchers->table, slot_ord - 1);
}

/* True where the watch has nothing more to say. A client that is over is gone when it is freed, or
 * back before that: then the watch is due again. */
static bool write_watch(struct watchers *watchers, struct watch *watch, const struct budget *budget)
{
    struct watchers_mark *mark;
    if (is_self_over(watchers, watch))
        return true;
    if (watch->round == ROUND_END && !end_round(watchers, watch, budget))
        return false;
    if (watch->self.is_due)
        write_self(watchers, watch, budget->out);
    if (watch->round == ROUND_END && !end_round(watchers, watch, budget))
        return false;
    while (watch->due_first != NULL) {
        if (is_spent(budget))
            return false;
        mark = watchers_take_due(watch);
        watchers_unnote(watchers, mark);
        write_mark(watchers, mark, budget->out);
        --*budget->steps;
    }
    return watch->kind == WATCHERS_ALL ? write_all(watchers, watch, budget)
                                       : go_round(watchers, watch, budget);
}

/* Half of the steps is left for lines, so that who has a lot of both is told some. */
static bool take_some_notes(struct watchers *watchers, const struct watchers_connection *connection,
                            int64_t *steps)
{
    int64_t some = *steps - *steps / 2, left = some;
    bool is_all = watchers_take_notes(watchers, connection, &left);
    *steps -= some - left;
    return is_all;
}

bool watchers_write(struct watchers *watchers, struct watchers_connection *connection,
                    int64_t *steps, size_t out_bytes_max, struct buffer *out)
{
    struct budget budget = {out, out_bytes_max, steps};
    struct list_node *node;
    if (list_holds(&connection->due))
        list_remove(&connection->due);
    connection->is_given = true; /* so that what comes up now does not give it again */
    watchers_update(watchers);
    bool has_notes = connection->reply == NULL && !take_some_notes(watchers, connection, steps);
    watchers_due_all(watchers);
    while (!connection->is_lost && connection->reply == NULL && connection->count > 0 &&
           (node = list_first(&connection->due_watches)) != NULL) {
        if (is_spent(&budget))
            return true;
        struct watch *watch = watch_of_due(node);
        list_remove(node);
        if (!write_watch(watchers, watch, &budget) && !list_holds(node))
            list_append(&connection->due_watches, node);
    }
    connection->is_given = has_notes && !connection->is_lost;
    return connection->is_given;
}

/* ---- the reply ---- */

/* Nearest first, as many as the reply has room for. */
static uint32_t list_near(struct watchers *watchers, struct watchers_reply *reply)
{
    struct watch *watch = reply->watch;
    const struct grid_search *search = &reply->search;
    uint32_t lines = 0;
    for (uint32_t i = 0; i < search->near_count; i++) {
        uint32_t slot = search->nears[i].slot;
        if (watchers->lines.len >= WATCHERS_REPLY_BYTES_MAX) {
            reply->is_complete = false;
            break;
        }
        /* The centre may have another slot than when the search began. */
        if (!grid_search_holds(search, watchers->table, i) || slot + 1 == watch->self.slot_ord)
            continue;
        struct watchers_mark *mark = watchers_mark(watchers, watch, slot);
        if (mark == NULL)
            break;
        mark->is_told = true;
        buffer_append(&watchers->lines, span_of("NEAR "));
        nearby_write_metres(&watchers->lines, search->nears[i].mm);
        write_at(watchers, slot, &watchers->lines);
        lines++;
    }
    return lines;
}

/* What is known of the present state is written now, and what was due of it is told by that. */
static uint32_t list_state(struct watchers *watchers, struct watchers_reply *reply)
{
    struct watch *watch = reply->watch;
    uint32_t slot_ord = watch->self.slot_ord;
    watch->self.is_due = false;
    watch->self.is_told = slot_ord != 0 && watchers_is_there(watchers, slot_ord - 1);
    if (watch->kind == WATCHERS_CLIENT && watch->self.is_told)
        write_at(watchers, slot_ord - 1, &watchers->lines);
    if (watch->kind == WATCHERS_CLIENT || watch->kind == WATCHERS_ALL)
        return watch->self.is_told;
    watchers_unmark_all(watchers, watch);
    watch->round = ROUND_NONE;
    uint32_t lines = reply->is_searching ? list_near(watchers, reply) : 0;
    if (!reply->is_complete || reply->search.near_count == WATCHERS_REPLY_LINES_MAX)
        watchers_begin_round(watchers, watch, ROUND_GRID);
    return lines;
}

/* True at the end of the search, or where it is in vain, as the centre is not where it was. */
static bool search(struct watchers *watchers, struct watchers_reply *reply, int64_t *steps)
{
    const struct fence *fence = &reply->watch->fence;
    if (!reply->is_searching)
        return true;
    reply->is_searching = fence->cells != NULL && !is_self_over(watchers, reply->watch) &&
                          fence->centre.at.latitude_nano == reply->centre.latitude_nano &&
                          fence->centre.at.longitude_nano == reply->centre.longitude_nano;
    if (!reply->is_searching)
        return true;
    bool is_first = !reply->has_begun;
    reply->has_begun = true;
    bool is_found = grid_search_run(&reply->search, watchers->table, steps);
    reply->is_complete = is_first && is_found;
    return is_found;
}

bool watchers_reply(struct watchers *watchers, struct watchers_connection *connection,
                    int64_t *steps, struct buffer *out)
{
    struct watchers_reply *reply = connection->reply;
    watchers_update(watchers);
    if (!connection->is_lost && !search(watchers, reply, steps))
        return false;
    struct watch *watch = reply->watch;
    watchers->lines.len = 0;
    uint32_t lines = connection->is_lost ? 0 : list_state(watchers, reply);
    if (!connection->is_lost) {
        buffer_append(out, span_of("WATCH "));
        write_number(out, watch->number);
        buffer_append(out, span_of(" "));
        write_number(out, lines);
        buffer_append(out, span_of("\n"));
        buffer_append(out, (struct span){watchers->lines.data, watchers->lines.len});
        buffer_append(out, span_of("\n"));
    }
    *steps -= lines;
    watchers_end_reply(watchers, connection);
    if (connection->notes->count > 0)
        watchers_give(watchers, connection);
    if (watch->kind == WATCHERS_ALL || !list_is_empty(&connection->due_watches))
        watchers_due(watchers, watch);
    return true;
}
