/* Who is told of whom: marks, on slots and on watches (gateway/text/watchers_state.h). */
#include <assert.h>
#include <stdlib.h>

#include "gateway/text/watchers.h"
#include "gateway/text/watchers_state.h"

/* ---- slots ---- */

static bool make_chunk(struct watchers *watchers, uint32_t chunk)
{
    struct allowance *allowance = watchers_unlimited(watchers);
    if (chunk >= watchers->chunk_count) {
        uint32_t count = 2 * watchers->chunk_count > chunk ? 2 * watchers->chunk_count : chunk + 1;
        struct watchers_chunk **chunks =
            allowance_resize(allowance, watchers->chunks, watchers->chunk_count * sizeof *chunks,
                             count * sizeof *chunks);
        if (chunks == NULL)
            return false;
        memset(chunks + watchers->chunk_count, 0, (count - watchers->chunk_count) * sizeof *chunks);
        watchers->chunks = chunks;
        watchers->chunk_count = count;
    }
    watchers->chunks[chunk] = allowance_zeroed(allowance, sizeof **watchers->chunks);
    return watchers->chunks[chunk] != NULL;
}

static void lose_all(struct watchers *watchers)
{
    struct list_node *all = &watchers->connections;
    for (struct list_node *at = all->after; at != all; at = at->after)
        watchers_lose(watchers, LIST_OWNER(at, struct watchers_connection, of_node));
}

static struct watchers_chunk *find_chunk(struct watchers *watchers, uint32_t slot)
{
    struct watchers_chunk *kept = watchers_chunk_kept(watchers, slot);
    if (kept != NULL)
        return kept;
    if (make_chunk(watchers, slot / WATCHERS_CHUNK_SLOTS))
        return watchers_chunk_kept(watchers, slot);
    lose_all(watchers);
    return NULL;
}

struct watchers_word *watchers_word(struct watchers *watchers, uint32_t slot)
{
    return find_chunk(watchers, slot) == NULL ? NULL : watchers_word_kept(watchers, slot);
}

struct watchers_slot *watchers_slot_kept(const struct watchers *watchers, uint32_t slot)
{
    const struct watchers_chunk *chunk = watchers_chunk_kept(watchers, slot);
    if (chunk == NULL || chunk->slots == NULL)
        return NULL;
    return &chunk->slots[slot % WATCHERS_CHUNK_SLOTS];
}

struct watchers_slot *watchers_slot(struct watchers *watchers, uint32_t slot)
{
    struct watchers_chunk *chunk = find_chunk(watchers, slot);
    if (chunk == NULL)
        return NULL;
    if (chunk->slots == NULL)
        chunk->slots = allowance_zeroed(watchers_unlimited(watchers),
                                        WATCHERS_CHUNK_SLOTS * sizeof *chunk->slots);
    if (chunk->slots != NULL)
        return &chunk->slots[slot % WATCHERS_CHUNK_SLOTS];
    lose_all(watchers);
    return NULL;
}

void watchers_free_slots(struct watchers *watchers)
{
    struct allowance *allowance = &watchers->allowance;
    for (uint32_t i = 0; i < watchers->chunk_count; i++) {
        struct watchers_chunk *chunk = watchers->chunks[i];
        if (chunk != NULL)
            allowance_free(allowance, chunk->slots, WATCHERS_CHUNK_SLOTS * sizeof *chunk->slots);
        allowance_free(allowance, chunk, sizeof *chunk);
    }
    allowance_free(allowance, watchers->chunks, watchers->chunk_count * sizeof *watchers->chunks);
    watchers->chunks = NULL;
    watchers->chunk_count = 0;
}

/* ---- the marks of a slot ---- */

bool watchers_is_centre(const struct watchers_mark *mark)
{
    return mark == &mark->watch->self && mark->watch->kind == WATCHERS_CIRCLE;
}

static uint32_t room_of(uint32_t bits)
{
    return (UINT32_C(1) << bits) - 1;
}

static size_t marks_bytes(uint32_t bits)
{
    return sizeof(struct watchers_marks) + room_of(bits) * sizeof(struct watchers_hung);
}

/* Of another size, which none is for 0; false where that is refused. */
static bool resize(struct watchers *watchers, struct watchers_slot *at, uint32_t bits)
{
    struct watchers_marks *marks = at->marks;
    size_t bytes = marks == NULL ? 0 : marks_bytes(marks->room_bits);
    if (bits == 0) {
        allowance_free(&watchers->allowance, marks, bytes);
        at->marks = NULL;
        return true;
    }
    struct watchers_marks *resized =
        allowance_resize(watchers_unlimited(watchers), marks, bytes, marks_bytes(bits));
    if (resized == NULL)
        return false;
    if (marks == NULL)
        *resized = (struct watchers_marks){0};
    resized->room_bits = (uint16_t)bits;
    at->marks = resized;
    return true;
}

static void set_watched(struct watchers *watchers, uint32_t slot, bool is_watched)
{
    struct watchers_word *word = watchers_word_kept(watchers, slot);
    uint64_t bit = watchers_bit(slot);
    word->is_watched = is_watched ? word->is_watched | bit : word->is_watched & ~bit;
}

static uint64_t noted_bit(uint32_t at)
{
    return at < WATCHERS_NOTED_MAX ? UINT64_C(1) << at : 0;
}

/* Another mark is there now, or none: whether a run begins there, which the next one must know. */
static void look_at_run(struct watchers_marks *marks, uint32_t at)
{
    uint64_t bit = noted_bit(at), before = at == 0 ? 0 : noted_bit(at - 1);
    marks->is_first &= ~bit;
    if (at >= marks->count)
        marks->is_own &= ~bit;
    else if (at == 0 || ((marks->is_own & (bit | before)) != 0) ||
             marks->hung[at].notes != marks->hung[at - 1].notes)
        marks->is_first |= bit;
}

static void look_at_runs(struct watchers_marks *marks, uint32_t at)
{
    uint64_t bit = noted_bit(at);
    marks->is_own &= ~bit;
    if (at < marks->count && marks->hung[at].mark == &marks->hung[at].watch->self)
        marks->is_own |= bit;
    look_at_run(marks, at);
    look_at_run(marks, at + 1);
}

bool watchers_hang(struct watchers *watchers, uint32_t slot, struct watchers_mark *mark)
{
    struct watchers_slot *at = watchers_slot(watchers, slot);
    if (at == NULL)
        return false;
    uint32_t count = at->marks == NULL ? 0 : at->marks->count;
    uint32_t bits = at->marks == NULL ? 0 : at->marks->room_bits;
    if (count == room_of(bits) && !resize(watchers, at, bits + 1)) {
        if (mark->watch->connection != NULL)
            watchers_lose(watchers, mark->watch->connection);
        return false;
    }
    at->marks->hung[count] = (struct watchers_hung){mark, mark->watch, mark->watch->notes};
    at->marks->count++;
    look_at_runs(at->marks, count);
    at->marks->centres += watchers_is_centre(mark);
    mark->slot_ord = slot + 1;
    mark->slot_at = count;
    set_watched(watchers, slot, true);
    return true;
}

void watchers_unhang(struct watchers *watchers, struct watchers_mark *mark)
{
    if (mark->slot_ord == 0)
        return;
    uint32_t slot = mark->slot_ord - 1;
    struct watchers_slot *at = watchers_slot_kept(watchers, slot);
    struct watchers_marks *marks = at->marks;
    marks->centres -= watchers_is_centre(mark);
    marks->calm = (struct fences_calm){0};
    struct watchers_hung last = marks->hung[--marks->count];
    uint64_t last_bit = noted_bit(marks->count), bit = noted_bit(mark->slot_at);
    bool is_last_noted = (marks->is_noted & last_bit) != 0;
    marks->is_noted &= ~(bit | last_bit);
    if (last.mark != mark && is_last_noted)
        marks->is_noted |= bit;
    marks->hung[mark->slot_at] = last;
    last.mark->slot_at = mark->slot_at;
    look_at_runs(marks, mark->slot_at);
    look_at_runs(marks, marks->count);
    mark->slot_ord = 0;
    set_watched(watchers, slot, marks->count > 0);
    /* Where a quarter is in use a half of it is given back: so what is hung and unhung in turn does
     * not resize each time. */
    if (marks->count == 0)
        resize(watchers, at, 0);
    else if (marks->count < (room_of(marks->room_bits) + 1) / 4)
        resize(watchers, at, marks->room_bits - 1u);
}

void watchers_unnote(const struct watchers *watchers, const struct watchers_mark *mark)
{
    if (mark->slot_ord != 0)
        watchers_hung(watchers, mark->slot_ord - 1)->is_noted &= ~noted_bit(mark->slot_at);
}

struct watchers_marks *watchers_hung(const struct watchers *watchers, uint32_t slot)
{
    const struct watchers_slot *at = watchers_slot_kept(watchers, slot);
    return at == NULL ? NULL : at->marks;
}

/* ---- what is due ---- */

void watchers_give(struct watchers *watchers, struct watchers_connection *connection)
{
    if (!connection->is_given && !list_holds(&connection->due))
        list_append(&watchers->due, &connection->due);
}

void watchers_due(struct watchers *watchers, struct watch *watch)
{
    if (!list_holds(&watch->due))
        list_append(&watch->connection->due_watches, &watch->due);
    watchers_give(watchers, watch->connection);
}

void watchers_due_all(struct watchers *watchers)
{
    if (!watchers->has_changed)
        return;
    watchers->has_changed = false;
    for (struct list_node *at = watchers->all.after; at != &watchers->all; at = at->after)
        watchers_due(watchers, LIST_OWNER(at, struct watch, of_all));
}

void watchers_lose(struct watchers *watchers, struct watchers_connection *connection)
{
    watchers->count.lost += !connection->is_lost;
    connection->is_lost = true;
    connection->is_given = false;
    watchers_give(watchers, connection);
}

void watchers_mark_due(struct watchers *watchers, struct watchers_mark *mark)
{
    struct watch *watch = mark->watch;
    if (watch->connection == NULL)
        return;
    watchers_due(watchers, watch);
    if (mark->is_due)
        return;
    mark->is_due = true;
    mark->due_after = NULL;
    if (watch->due_first == NULL)
        watch->due_first = mark;
    else
        watch->due_last->due_after = mark;
    watch->due_last = mark;
}

struct watchers_mark *watchers_take_due(struct watch *watch)
{
    struct watchers_mark *mark = watch->due_first;
    if (mark == NULL)
        return NULL;
    watch->due_first = mark->due_after;
    mark->due_after = NULL;
    mark->is_due = false;
    return mark;
}

/* ---- marks ---- */

struct watchers_mark *watchers_mark(struct watchers *watchers, struct watch *watch, uint32_t slot)
{
    struct watchers_connection *connection = watch->connection;
    struct watchers_mark *mark = NULL;
    if (!connection->is_lost && connection->marks < watchers->limits.marks)
        mark = allowance_zeroed(watchers_limited(watchers), sizeof *mark);
    if (mark == NULL) {
        watchers_lose(watchers, connection);
        return NULL;
    }
    mark->watch = watch;
    if (!watchers_hang(watchers, slot, mark)) {
        allowance_free(&watchers->allowance, mark, sizeof *mark);
        return NULL;
    }
    list_append(&watch->marks, &mark->of_watch);
    connection->marks++;
    watch->mark_count++;
    watchers->count.marks++;
    return mark;
}

static void release(struct watchers *watchers, struct watchers_gone *gone)
{
    if (gone != NULL && --gone->readers == 0)
        allowance_free(&watchers->allowance, gone, sizeof *gone + gone->client_bytes);
}

void watchers_unmark(struct watchers *watchers, struct watchers_mark *mark)
{
    struct watch *watch = mark->watch;
    if (watch->round_at == &mark->of_watch)
        watch->round_at = mark->of_watch.after;
    list_remove(&mark->of_watch);
    watchers_unhang(watchers, mark);
    release(watchers, mark->gone);
    watch->mark_count--;
    if (watch->connection != NULL)
        watch->connection->marks--;
    watchers->count.marks--;
    allowance_free(&watchers->allowance, mark, sizeof *mark);
}

bool watchers_unmark_some(struct watchers *watchers, struct watch *watch, int64_t *steps)
{
    for (; !list_is_empty(&watch->marks); --*steps) {
        if (*steps <= 0)
            return false;
        struct watchers_mark *due = watchers_take_due(watch);
        watchers_unmark(watchers, due != NULL ? due : mark_of_watch(list_first(&watch->marks)));
    }
    return true;
}

void watchers_unmark_all(struct watchers *watchers, struct watch *watch)
{
    int64_t steps = INT64_MAX;
    watchers_unmark_some(watchers, watch, &steps);
}

static struct watchers_gone *make_gone(struct watchers *watchers, struct span client)
{
    struct watchers_gone *gone =
        allowance_zeroed(watchers_unlimited(watchers), sizeof *gone + client.len);
    if (gone == NULL)
        return NULL;
    gone->client_bytes = (uint32_t)client.len;
    memcpy(gone->client, client.data, client.len);
    return gone;
}

void watchers_mark_gone(struct watchers *watchers, struct watchers_mark *mark, struct span client,
                        struct watchers_gone **gone)
{
    if (*gone == NULL)
        *gone = make_gone(watchers, client);
    if (*gone == NULL) {
        watchers_lose(watchers, mark->watch->connection);
        return;
    }
    (*gone)->readers++;
    mark->gone = *gone;
    watchers_mark_due(watchers, mark);
}
