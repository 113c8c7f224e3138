/* What the table has changed, and whom that concerns (gateway/text/watchers.h). */
#include <assert.h>

#include "gateway/text/watchers.h"
#include "gateway/text/watchers_state.h"

/* Changes whose slots are fetched from memory in advance; later what hangs on them,
 * so much at most. */
#define AHEAD       8u
#define AHEAD_MARKS 4u
#define AHEAD_MAX   16u

bool watchers_is_there(const struct watchers *watchers, uint32_t slot)
{
    return table_slot_is_live(watchers->table, slot) &&
           !table_slot_is_tombstone(watchers->table, slot);
}

static bool is_watched(const struct watchers *watchers, uint32_t slot)
{
    const struct watchers_chunk *chunk = watchers_chunk_kept(watchers, slot);
    return chunk != NULL && watchers_has_bit(chunk->is_watched, slot);
}

static bool is_self(const struct watchers_mark *mark)
{
    return mark == &mark->watch->self;
}

/* ---- watches of everything ---- */

static bool knows_births(const struct watchers *watchers)
{
    return !list_is_empty(&watchers->all);
}

static void note_birth(struct watchers *watchers, struct watchers_slot *at, uint32_t slot,
                       uint64_t position)
{
    if (watchers_is_there(watchers, slot)) {
        if (!watchers_knows_birth(watchers, at->born))
            at->born = born_at(position);
    } else if (table_slot_is_live(watchers->table, slot)) {
        struct location tombstone;
        char text[PACKED_TEXT_BYTES_MAX];
        table_read(watchers->table, slot, text, &tombstone);
        watchers_note_gone(watchers, slot, at->born, tombstone.client);
        at->born = 0;
    }
}

/* ---- centres ---- */

void watchers_look_at_centre(struct watchers *watchers, struct watch *watch)
{
    struct fence *fence = &watch->fence;
    struct degrees place, before = fence->centre.at;
    uint32_t slot_ord = watch->self.slot_ord;
    bool was_there = fence->cells != NULL;
    bool is_there = slot_ord != 0 && grid_slot_place(watchers->table, slot_ord - 1, &place);
    watch->self.is_due = true;
    watchers_due(watchers, watch);
    if (!is_there) {
        fences_remove(&watchers->fences, fence, &watchers->allowance);
        watchers_begin_round(watchers, watch, ROUND_MARKS);
        return;
    }
    if (!fences_put(&watchers->fences, fence, &place, watch->radius_mm,
                    watchers_unlimited(watchers)))
        watchers_lose(watchers, watch->connection);
    if (!was_there || before.latitude_nano != place.latitude_nano ||
        before.longitude_nano != place.longitude_nano)
        watchers_begin_round(watchers, watch, ROUND_MARKS);
}

static void look_at_self(struct watchers *watchers, struct watch *watch)
{
    if (watch->kind == WATCHERS_CIRCLE) {
        watchers_look_at_centre(watchers, watch);
    } else {
        watch->self.is_due = true;
        watchers_due(watchers, watch);
    }
}

/* ---- clients that have no slot ---- */

bool watchers_await(struct watchers *watchers, struct watch *watch)
{
    struct span client = {watch->client, watch->client_bytes};
    watch->awaited.number =
        watchers_awaited_as(watch->kind, table_ref(watchers->table, client).hash);
    watch->is_awaiting =
        chains_add(&watchers->awaited, &watch->awaited, watchers_unlimited(watchers));
    return watch->is_awaiting;
}

static void ask_as(struct watchers *watchers, uint32_t slot, struct span client, uint64_t number)
{
    struct chains_node *node = chains_find(&watchers->awaited, number), *after;
    for (; node != NULL; node = after) {
        struct watch *watch = LIST_OWNER(node, struct watch, awaited);
        after = chains_after(node);
        if (!span_equals((struct span){watch->client, watch->client_bytes}, client))
            continue;
        if (!watchers_hang(watchers, slot, &watch->self))
            continue;
        chains_remove(&watchers->awaited, node, &watchers->allowance);
        watch->is_awaiting = false;
    }
}

/* The client in the slot may be one who is awaited. */
static void ask(struct watchers *watchers, uint32_t slot)
{
    struct location location;
    char text[PACKED_TEXT_BYTES_MAX];
    struct watchers_chunk *chunk = watchers_chunk(watchers, slot);
    if (chunk == NULL || !table_slot_is_live(watchers->table, slot))
        return;
    if (chunk->askings != watchers->askings)
        memset(chunk->was_asked, 0, sizeof chunk->was_asked);
    chunk->askings = watchers->askings;
    if (watchers_has_bit(chunk->was_asked, slot))
        return;
    chunk->was_asked[slot % WATCHERS_CHUNK_SLOTS / 64] |= UINT64_C(1) << slot % 64;
    table_read(watchers->table, slot, text, &location);
    uint64_t hash = table_ref(watchers->table, location.client).hash;
    ask_as(watchers, slot, location.client, watchers_awaited_as(WATCHERS_CLIENT, hash));
    ask_as(watchers, slot, location.client, watchers_awaited_as(WATCHERS_CIRCLE, hash));
}

/* ---- one slot ---- */

bool watchers_is_inside(const struct watchers *watchers, const struct watch *watch, uint32_t slot,
                        int64_t *mm)
{
    struct degrees place;
    if (watch->fence.cells == NULL || !grid_slot_place(watchers->table, slot, &place))
        return false;
    struct arc_point point = arc_point(place);
    return fence_distance(&watch->fence, &point, mm);
}

/* No circle was near where the client stands, nor has come since. */
static bool was_far(const struct watchers *watchers, uint32_t slot)
{
    const struct watchers_chunk *chunk = watchers_chunk_kept(watchers, slot);
    return chunk != NULL && chunk->came == watchers->fences.came &&
           watchers_has_bit(chunk->is_far, slot);
}

/* Now; and it is known from now on. */
static bool is_far(struct watchers *watchers, uint32_t slot, const struct degrees *place)
{
    struct watchers_chunk *chunk = watchers_chunk(watchers, slot);
    if (chunk == NULL)
        return false;
    if (chunk->came != watchers->fences.came)
        memset(chunk->is_far, 0, sizeof chunk->is_far);
    chunk->came = watchers->fences.came;
    uint64_t *word = &chunk->is_far[slot % WATCHERS_CHUNK_SLOTS / 64];
    uint64_t bit = UINT64_C(1) << slot % 64;
    bool is_far = fences_are_far(&watchers->fences, place);
    *word = is_far ? *word | bit : *word & ~bit;
    return is_far;
}

/* Circles that hold the client and whom nobody told of it. Those who were told, and those in whose
 * middle it stands, were looked at before. */
static void look_at_fences(struct watchers *watchers, uint32_t slot, bool stays)
{
    struct degrees place;
    struct fences_walk walk;
    struct fence *fence;
    if (watchers->fences.cells.nodes == 0 || (stays && was_far(watchers, slot)) ||
        !grid_slot_place(watchers->table, slot, &place) || is_far(watchers, slot, &place))
        return;
    fences_begin(&walk, &watchers->fences, &place);
    struct arc_point point = {.cosine = -1};
    while ((fence = fences_next(&walk)) != NULL) {
        int64_t mm;
        struct watch *watch = LIST_OWNER(fence, struct watch, fence);
        if (watch->seen == watchers->looks)
            continue;
        if (point.cosine < 0)
            point = arc_point(place);
        if (!fence_distance(fence, &point, &mm) || !watchers_tells_slot(watchers, watch, slot))
            continue;
        struct watchers_mark *mark = watchers_mark(watchers, watch, slot);
        if (mark != NULL)
            watchers_mark_due(watchers, mark);
    }
}

/* What stands in the slot has changed, for the last time at that position. */
static void look_at(struct watchers *watchers, uint32_t slot, uint64_t position, bool stays)
{
    watchers->looks++;
    if (knows_births(watchers))
        note_birth(watchers, watchers_slot_kept(watchers, slot), slot, position);
    if (watchers->awaited.nodes > 0)
        ask(watchers, slot);
    if (is_watched(watchers, slot)) {
        uint32_t count;
        const struct watchers_hung *hung = watchers_hung(watchers, slot, &count);
        for (uint32_t i = 0; i < count; i++) {
            hung[i].watch->seen = watchers->looks;
            if (is_self(hung[i].mark))
                look_at_self(watchers, hung[i].watch);
            else
                watchers_mark_due(watchers, hung[i].mark);
        }
    }
    look_at_fences(watchers, slot, stays);
}

/* ---- the change log ---- */

/* The slot may be another client's by now, but nobody was told of that one yet. */
static void take_gone(struct watchers *watchers, uint32_t slot, struct span client)
{
    struct watchers_gone *gone = NULL;
    struct watchers_chunk *chunk = watchers_chunk_kept(watchers, slot);
    struct watchers_slot *at = watchers_slot_kept(watchers, slot);
    if (chunk != NULL)
        chunk->was_asked[slot % WATCHERS_CHUNK_SLOTS / 64] &= ~(UINT64_C(1) << slot % 64);
    if (at == NULL)
        return;
    watchers_note_gone(watchers, slot, at->born, client);
    while (at->marks != NULL) {
        struct watchers_mark *mark = at->marks->hung[at->marks->count - 1].mark;
        watchers_unhang(watchers, mark);
        if (is_self(mark)) {
            if (!watchers_await(watchers, mark->watch))
                watchers_lose(watchers, mark->watch->connection);
            look_at_self(watchers, mark->watch);
        } else if (mark->is_told && mark->watch->connection != NULL) {
            watchers_mark_gone(watchers, mark, client, &gone);
        }
    }
    *at = (struct watchers_slot){0};
}

static void take_all_gone(struct watchers *watchers)
{
    size_t at = 0;
    uint32_t slot;
    struct span client;
    while (changes_next_gone(&watchers->changes, &at, &slot, &client))
        take_gone(watchers, slot, client);
    changes_free_gone(&watchers->changes);
}

/* A change of a slot that has changed again is dropped, so that whoever watches everything and is
 * behind goes past it fast: but not the one by which its client came, which tells who was told. */
static void drop_before(struct watchers *watchers, const struct watchers_slot *at, uint32_t slot,
                        uint64_t position)
{
    struct changes *changes = &watchers->changes;
    uint32_t apart = (uint32_t)position - at->latest;
    uint64_t before = position - apart;
    if (apart > 0 && apart <= position && changes_has(changes, before) &&
        changes_at(changes, before) == slot && at->born != born_at(before))
        changes_drop(changes, before);
}

/* Of several changes of a slot the last one counts for watches of everything. */
static bool note_latest(struct watchers *watchers, uint64_t from, uint64_t end)
{
    for (uint64_t position = from; position < end; position++) {
        uint32_t slot = changes_at(&watchers->changes, position);
        struct watchers_slot *at = watchers_slot(watchers, slot);
        if (at == NULL)
            return false;
        drop_before(watchers, at, slot, position);
        at->latest = (uint32_t)position;
    }
    return true;
}

/* What a slot's marks are, a few changes before they are looked at; how many, 0: nobody cares. */
static uint32_t ahead(const struct watchers *watchers, uint64_t position, uint64_t end,
                      const struct watchers_hung **hung)
{
    uint32_t slot = position < end ? changes_at(&watchers->changes, position) : CHANGES_NONE;
    uint32_t count = 0;
    if (slot != CHANGES_NONE && is_watched(watchers, slot))
        *hung = watchers_hung(watchers, slot, &count);
    return count < AHEAD_MAX ? count : AHEAD_MAX;
}

/* The record, the marks of its slot, each of these, and their watches, one after the other. */
static void prefetch(const struct watchers *watchers, uint64_t position, uint64_t end)
{
    const struct watchers_hung *hung = NULL;
    if (position + AHEAD < end) {
        uint32_t slot = changes_at(&watchers->changes, position + AHEAD);
        if (slot != CHANGES_NONE) {
            table_prefetch_slot(watchers->table, slot);
            if (is_watched(watchers, slot))
                __builtin_prefetch(watchers_slot_kept(watchers, slot)->marks);
        }
    }
    for (uint32_t i = ahead(watchers, position + AHEAD_MARKS, end, &hung); i-- > 0;) {
        __builtin_prefetch(hung[i].mark);
        __builtin_prefetch(hung[i].watch);
    }
}

static void take_each(struct watchers *watchers, uint64_t from, uint64_t end)
{
    for (uint64_t position = from; position < end; position++) {
        uint32_t slot = changes_at(&watchers->changes, position);
        prefetch(watchers, position, end);
        if (slot == CHANGES_NONE)
            continue;
        if (!knows_births(watchers))
            look_at(watchers, slot, position, changes_stays(&watchers->changes, position));
        else if (watchers_slot_kept(watchers, slot)->latest == (uint32_t)position)
            look_at(watchers, slot, position, false); /* it may have moved before */
    }
}

/* More changed than the log holds: any slot may have. */
static void take_any(struct watchers *watchers, uint64_t end)
{
    for (uint32_t slot = 0; slot < table_slots(watchers->table); slot++) {
        if (knows_births(watchers) && watchers_slot(watchers, slot) == NULL)
            return;
        look_at(watchers, slot, end - 1, false);
    }
}

void watchers_update(struct watchers *watchers)
{
    const struct changes *changes = &watchers->changes;
    uint64_t from = watchers->taken, end = changes->end;
    if (from == end)
        return;
    watchers->taken = end;
    watchers->has_changed = true;
    watchers_trim_gone(watchers);
    take_all_gone(watchers);
    bool has_all = changes_has(changes, from);
    if (knows_births(watchers) &&
        !note_latest(watchers, has_all ? from : end - changes->slots_max, end))
        return;
    if (has_all)
        take_each(watchers, from, end);
    else
        take_any(watchers, end);
}
