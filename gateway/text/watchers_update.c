/* What the table has changed, and whom that concerns (gateway/text/watchers.h). */
#include <assert.h>

#include "gateway/text/watchers.h"
#include "gateway/text/watchers_state.h"

/* So many changes are looked at in turn after what is read of them was fetched from memory: so many
 * lines of the marks of each, and of so many what they name. */
#define BLOCK        16u
#define LINE_BYTES   64u
#define MARK_LINES   2u
#define RUNS_FETCHED 16u

bool watchers_is_there(const struct watchers *watchers, uint32_t slot)
{
    return table_slot_is_live(watchers->table, slot) &&
           !table_slot_is_tombstone(watchers->table, slot);
}

static bool is_watched(const struct watchers *watchers, uint32_t slot)
{
    const struct watchers_word *word = watchers_word_kept(watchers, slot);
    return word != NULL && (word->is_watched & watchers_bit(slot)) != 0;
}

static bool is_self(const struct watchers_hung *hung)
{
    return hung->mark == &hung->watch->self;
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
    struct watchers_word *word = watchers_word(watchers, slot);
    if (word == NULL || !table_slot_is_live(watchers->table, slot))
        return;
    if (word->askings != watchers->askings)
        word->was_asked = 0;
    word->askings = watchers->askings;
    if ((word->was_asked & watchers_bit(slot)) != 0)
        return;
    word->was_asked |= watchers_bit(slot);
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
    const struct watchers_word *word = watchers_word_kept(watchers, slot);
    return word != NULL && word->came == watchers->fences.came &&
           (word->is_far & watchers_bit(slot)) != 0;
}

/* Now; and it is known from now on. */
static bool is_far(struct watchers *watchers, uint32_t slot, const struct degrees *place)
{
    struct watchers_word *word = watchers_word(watchers, slot);
    if (word == NULL)
        return false;
    if (word->came != watchers->fences.came)
        word->is_far = 0;
    word->came = watchers->fences.came;
    bool is_far = fences_are_far(&watchers->fences, place);
    word->is_far = is_far ? word->is_far | watchers_bit(slot) : word->is_far & ~watchers_bit(slot);
    return is_far;
}

/* A change of the slot concerns nobody but those of everything and who is awaited. `stays`: its
 * client is in the hundredths of a degree where it was. */
static bool concerns_nobody(const struct watchers *watchers, uint32_t slot, bool stays)
{
    return !is_watched(watchers, slot) &&
           (watchers->fences.cells.nodes == 0 || (stays && was_far(watchers, slot)));
}

/* The watch has a mark on the slot. Circles of a cell and marks are often in the same order, so
 * `*next` is where it is looked for first: after that of the one before. */
static bool was_looked_at(const struct watchers *watchers, const struct watchers_marks *marks,
                          const struct watch *watch, uint32_t *next)
{
    uint32_t count = marks == NULL ? 0 : marks->count;
    uint32_t first = count < WATCHERS_NOTED_MAX ? count : WATCHERS_NOTED_MAX;
    for (uint32_t left = first, at = *next; left > 0; left--, at++) {
        at = at >= first ? 0 : at;
        if (marks->hung[at].watch != watch)
            continue;
        *next = at + 1;
        return true;
    }
    return count > first && watch->seen == watchers->looks;
}

/* Circles that hold the client and whom nobody told of it. Those who were told, and those in whose
 * middle it stands, were looked at before. Where one that is watched is calm is kept. */
static void look_for_fences(struct watchers *watchers, uint32_t slot, const struct degrees *place)
{
    struct fences_walk walk;
    struct fence *fence;
    struct arc_point point = arc_point(*place);
    struct fences_calm calm = fences_calm_around(&watchers->fences, place);
    bool is_kept = watchers_hung(watchers, slot) != NULL;
    uint32_t next = 0;
    fences_begin(&walk, &watchers->fences, place);
    while ((fence = fences_next(&walk)) != NULL) {
        int64_t mm;
        struct watch *watch = LIST_OWNER(fence, struct watch, fence);
        if (was_looked_at(watchers, watchers_hung(watchers, slot), watch, &next))
            continue;
        if (!fence_distance(fence, &point, &mm)) {
            if (is_kept)
                fences_calm_beside(&calm, fence, &point);
            continue;
        }
        struct watchers_mark *mark = watchers_tells_slot(watchers, watch, slot)
                                         ? watchers_mark(watchers, watch, slot)
                                         : NULL;
        if (mark != NULL)
            watchers_mark_due(watchers, mark);
        else
            calm = (struct fences_calm){0};
    }
    if (is_kept && watchers_hung(watchers, slot) != NULL)
        watchers_hung(watchers, slot)->calm = calm;
}

static bool is_calm(const struct watchers *watchers, const struct watchers_marks *marks,
                    const struct degrees *place)
{
    return marks != NULL && fences_are_calm(&watchers->fences, &marks->calm, place);
}

/* `known`: where the client is, or NULL. */
static void look_at_fences(struct watchers *watchers, uint32_t slot, bool stays,
                           const struct degrees *known)
{
    struct degrees place;
    struct watchers_marks *marks = watchers_hung(watchers, slot);
    if (watchers->fences.cells.nodes == 0 || (stays && was_far(watchers, slot)))
        return;
    if (known != NULL)
        place = *known;
    else if (!grid_slot_place(watchers->table, slot, &place))
        return;
    if (is_calm(watchers, marks, &place))
        return;
    /* Not where it was: what is said of that must not be believed after what is found now. */
    if (marks != NULL)
        marks->calm = (struct fences_calm){0};
    if (!is_far(watchers, slot, &place))
        look_for_fences(watchers, slot, &place);
}

/* Marks beyond those that can be noted are due at once. */
static void look_at_marks(struct watchers *watchers, uint32_t slot)
{
    struct watchers_marks *marks = watchers_hung(watchers, slot);
    for (uint64_t first = marks->is_first; first != 0; first &= first - 1) {
        if ((marks->is_own & first & -first) != 0)
            look_at_self(watchers, marks->hung[__builtin_ctzll(first)].watch);
        else
            watchers_note(watchers, slot, marks, watchers_run(marks, first));
    }
    for (uint32_t i = WATCHERS_NOTED_MAX; i < marks->count; i++) {
        const struct watchers_hung *hung = &marks->hung[i];
        hung->watch->seen = watchers->looks;
        if (is_self(hung))
            look_at_self(watchers, hung->watch);
        else
            watchers_mark_due(watchers, hung->mark);
    }
}

/* What stands in the slot has changed, for the last time at that position. */
static void look_at(struct watchers *watchers, uint32_t slot, uint64_t position, bool stays,
                    const struct degrees *known)
{
    watchers->looks++;
    if (knows_births(watchers))
        note_birth(watchers, watchers_slot_kept(watchers, slot), slot, position);
    if (watchers->awaited.nodes > 0)
        ask(watchers, slot);
    if (is_watched(watchers, slot))
        look_at_marks(watchers, slot);
    look_at_fences(watchers, slot, stays, known);
}

/* ---- the change log ---- */

/* The slot may be another client's by now, but nobody was told of that one yet. */
static void take_gone(struct watchers *watchers, uint32_t slot, struct span client)
{
    struct watchers_gone *gone = NULL;
    struct watchers_word *word = watchers_word_kept(watchers, slot);
    struct watchers_slot *at = watchers_slot_kept(watchers, slot);
    if (word != NULL)
        word->was_asked &= ~watchers_bit(slot);
    if (at == NULL)
        return;
    watchers_note_gone(watchers, slot, at->born, client);
    while (at->marks != NULL) {
        const struct watchers_hung *last = &at->marks->hung[at->marks->count - 1];
        struct watchers_mark *mark = last->mark;
        bool is_own = is_self(last);
        watchers_unhang(watchers, mark);
        if (is_own) {
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
    struct changes_gone gone;
    while (changes_next_gone(&watchers->changes, &at, &gone))
        take_gone(watchers, gone.slot, gone.client);
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

static bool is_passed(const struct watchers *watchers, uint64_t position)
{
    uint32_t slot = changes_at(&watchers->changes, position);
    if (slot == CHANGES_NONE)
        return true;
    if (knows_births(watchers))
        return watchers_slot_kept(watchers, slot)->latest != (uint32_t)position;
    return watchers->awaited.nodes == 0 &&
           concerns_nobody(watchers, slot, changes_stays(&watchers->changes, position));
}

static void fetch_words(const struct watchers *watchers, uint64_t from, uint64_t end)
{
    for (uint64_t position = from; position < end; position++)
        __builtin_prefetch(watchers_word_kept(watchers, changes_at(&watchers->changes, position)));
}

/* The marks, and what they name that a change writes to. */
static void fetch_marks(const struct watchers_marks *marks)
{
    for (uint32_t line = 0; line < MARK_LINES; line++)
        __builtin_prefetch((const char *)marks + (size_t)line * LINE_BYTES);
}

static void fetch_marked(const struct watchers_marks *marks)
{
    uint32_t left = RUNS_FETCHED;
    for (uint64_t first = marks->is_first; first != 0 && left > 0; first &= first - 1, left--) {
        const struct watchers_hung *hung = &marks->hung[__builtin_ctzll(first)];
        bool is_own = (marks->is_own & first & -first) != 0;
        __builtin_prefetch(is_own ? (const void *)hung->watch : (const void *)hung->notes);
    }
}

/* A change of a block, and where its client is; NULL: not known. */
struct looked {
    uint64_t position;
    const struct degrees *known;
    struct degrees place;
};

/* What is read of changes that are looked at, in steps of which each reads what the one before it
 * fetched. */
static void fetch(const struct watchers *watchers, struct looked *looked, uint32_t count)
{
    const struct watchers_marks *marks[BLOCK];
    struct fences_fetch fetches[BLOCK];
    bool has_fences = watchers->fences.cells.nodes > 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = changes_at(&watchers->changes, looked[i].position);
        table_prefetch_slot(watchers->table, slot);
        __builtin_prefetch(watchers_slot_kept(watchers, slot));
    }
    for (uint32_t i = 0; i < count; i++) {
        marks[i] = watchers_hung(watchers, changes_at(&watchers->changes, looked[i].position));
        if (marks[i] != NULL)
            fetch_marks(marks[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = changes_at(&watchers->changes, looked[i].position);
        fetches[i].count = 0;
        if (!has_fences || !grid_slot_place(watchers->table, slot, &looked[i].place))
            continue;
        looked[i].known = &looked[i].place;
        if (!is_calm(watchers, marks[i], looked[i].known))
            fences_fetch_buckets(&fetches[i], &watchers->fences, looked[i].known);
    }
    for (uint32_t i = 0; i < count; i++)
        fences_fetch_cells(&fetches[i]);
    for (uint32_t i = 0; i < count; i++)
        fences_fetch(&fetches[i]);
    for (uint32_t i = 0; i < count; i++) {
        fences_fetch(&fetches[i]);
        if (marks[i] != NULL)
            fetch_marked(marks[i]);
    }
}

/* Whether a change is passed does not depend on others of the block: a circle that these move is
 * gone over afterwards. */
static void take_block(struct watchers *watchers, uint64_t from, uint64_t end)
{
    struct looked looked[BLOCK];
    uint32_t count = 0;
    fetch_words(watchers, from, end);
    for (uint64_t position = from; position < end; position++)
        if (!is_passed(watchers, position))
            looked[count++] = (struct looked){.position = position};
    if (count > 1)
        fetch(watchers, looked, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = changes_at(&watchers->changes, looked[i].position);
        /* Of several changes of everything's only the last is left: it may have moved before. */
        bool stays =
            !knows_births(watchers) && changes_stays(&watchers->changes, looked[i].position);
        look_at(watchers, slot, looked[i].position, stays, looked[i].known);
    }
}

static void take_each(struct watchers *watchers, uint64_t from, uint64_t end)
{
    for (uint64_t at = from; at < end; at += BLOCK)
        take_block(watchers, at, end - at < BLOCK ? end : at + BLOCK);
}

/* More changed than the log holds: any slot may have. */
static void take_any(struct watchers *watchers, uint64_t end)
{
    for (uint32_t slot = 0; slot < table_slots(watchers->table); slot++) {
        if (knows_births(watchers) && watchers_slot(watchers, slot) == NULL)
            return;
        look_at(watchers, slot, end - 1, false, NULL);
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
