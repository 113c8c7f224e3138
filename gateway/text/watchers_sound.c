/* What must hold between watches, clients and cells at any moment; for tests. */
#include "gateway/text/watchers.h"
#include "gateway/text/watchers_state.h"

static bool is_due(const struct watchers_mark *mark)
{
    const struct watchers_mark *due = mark->watch->due_first;
    while (due != NULL && due != mark)
        due = due->due_after;
    return due != NULL;
}

static bool is_noted(const struct watchers_marks *marks, uint32_t at)
{
    return at < WATCHERS_NOTED_MAX && (marks->is_noted >> at & 1) != 0;
}

/* And its connection is among those that have lines, or was given. */
static bool has_note(const struct watchers_notes *notes, uint32_t slot)
{
    const struct watchers_connection *connection = notes->connection;
    uint32_t i = notes->first;
    while (i < notes->count && notes->slots[i] != slot)
        i++;
    return i < notes->count &&
           (list_holds(&connection->due) || connection->is_given || connection->reply != NULL);
}

/* By what each of them is: where runs begin, and which of the marks are watches' own. */
static bool are_runs_sound(const struct watchers_marks *marks)
{
    uint64_t is_first = 0, is_own = 0;
    bool was_own = true;
    for (uint32_t i = 0; i < marks->count && i < WATCHERS_NOTED_MAX; i++) {
        const struct watchers_hung *hung = &marks->hung[i];
        bool is_self = hung->mark == &hung->watch->self;
        is_own |= (uint64_t)is_self << i;
        if (is_self || was_own || hung->notes != marks->hung[i - 1].notes)
            is_first |= UINT64_C(1) << i;
        was_own = is_self;
    }
    return marks->is_first == is_first && marks->is_own == is_own &&
           (marks->is_noted & (is_own | ~watchers_notable(marks))) == 0;
}

static bool hangs(const struct watchers *watchers, const struct watchers_mark *mark)
{
    uint32_t slot = mark->slot_ord - 1;
    const struct watchers_marks *marks = watchers_hung(watchers, slot);
    if (marks == NULL || mark->slot_at >= marks->count)
        return false;
    const struct watchers_hung *hung = &marks->hung[mark->slot_at];
    return are_runs_sound(marks) && hung->mark == mark && hung->watch == mark->watch &&
           hung->notes == mark->watch->notes &&
           (!is_noted(marks, mark->slot_at) || has_note(hung->notes, slot)) &&
           (watchers_word_kept(watchers, slot)->is_watched & watchers_bit(slot)) != 0;
}

static bool are_marks_sound(const struct watchers *watchers, const struct watch *watch,
                            uint64_t *marks)
{
    const struct list_node *head = &watch->marks;
    for (struct list_node *at = head->after; at != head; at = at->after, ++*marks) {
        const struct watchers_mark *mark = mark_of_watch(at);
        if (mark->watch != watch || mark->is_due != is_due(mark) ||
            (!mark->is_due && !mark->is_told) || (mark->slot_ord == 0 && !mark->is_due) ||
            (mark->gone != NULL && mark->slot_ord != 0) ||
            (mark->slot_ord != 0 && !hangs(watchers, mark)))
            return false;
    }
    return true;
}

/* Something waits to be written: then its connection is among those that have lines, or was given.
 */
static bool is_known_due(const struct watchers *watchers, const struct watch *watch)
{
    uint32_t slot_ord = watch->self.slot_ord;
    bool is_over = slot_ord != 0 && !table_slot_is_live(watchers->table, slot_ord - 1);
    const struct watchers_connection *connection = watch->connection;
    bool has_lines = watch->due_first != NULL || watch->self.is_due || watch->round != ROUND_NONE;
    return is_over || !has_lines ||
           (list_holds(&watch->due) &&
            (list_holds(&connection->due) || connection->is_given || connection->reply != NULL));
}

static bool is_centre_sound(const struct watchers *watchers, const struct watch *watch)
{
    struct degrees place;
    uint32_t slot_ord = watch->self.slot_ord;
    if (slot_ord != 0 && !hangs(watchers, &watch->self))
        return false;
    if (watch->kind == WATCHERS_CLIENT || watch->kind == WATCHERS_ALL)
        return watch->fence.cells == NULL;
    if (watch->kind == WATCHERS_POINT)
        return watch->fence.cells != NULL;
    bool is_there = slot_ord != 0 && grid_slot_place(watchers->table, slot_ord - 1, &place);
    bool is_over = slot_ord != 0 && !table_slot_is_live(watchers->table, slot_ord - 1);
    if (is_over)
        return true; /* until it is freed */
    return is_there == (watch->fence.cells != NULL) &&
           (!is_there || (place.latitude_nano == watch->fence.centre.at.latitude_nano &&
                          place.longitude_nano == watch->fence.centre.at.longitude_nano));
}

static bool is_connection_sound(const struct watchers *watchers,
                                const struct watchers_connection *connection, uint64_t *watches)
{
    uint64_t marks = 0;
    uint32_t count = 0;
    for (struct list_node *at = connection->watches.after; at != &connection->watches;
         at = at->after, count++) {
        const struct watch *watch = LIST_OWNER(at, struct watch, of_connection);
        if (watch->connection != connection || !are_marks_sound(watchers, watch, &marks) ||
            !is_known_due(watchers, watch) || !is_centre_sound(watchers, watch))
            return false;
    }
    *watches += count;
    return connection->is_lost || (count == connection->count && marks == connection->marks);
}

/* The log of who is gone, and where those stand who read it. */
static bool is_gone_sound(const struct watchers *watchers)
{
    const struct watchers_gone_log *gone = &watchers->gone;
    for (struct list_node *at = watchers->all.after; at != &watchers->all; at = at->after) {
        const struct watch *watch = LIST_OWNER(at, struct watch, of_all);
        uint64_t gone_at = watch->cursor.gone_at;
        if (!watch->connection->is_lost &&
            (gone_at < gone->begin || gone_at > gone->begin + gone->len))
            return false;
    }
    return gone->len <= gone->room && gone->room <= watchers->limits.gone_bytes &&
           (gone->room == 0 || !list_is_empty(&watchers->all));
}

bool watchers_is_sound(const struct watchers *watchers)
{
    uint64_t watches = 0;
    if (watchers->taken != watchers->changes.end)
        return false; /* to be asked after watchers_update */
    const struct list_node *head = &watchers->connections;
    for (struct list_node *at = head->after; at != head; at = at->after)
        if (!is_connection_sound(watchers, LIST_OWNER(at, struct watchers_connection, of_node),
                                 &watches))
            return false;
    return watches == watchers->count.watches && chains_is_sound(&watchers->awaited) &&
           chains_is_sound(&watchers->fences.cells) && is_gone_sound(watchers) &&
           (watches > 0 || watchers_is_clearing(watchers) || watchers->allowance.taken == 0);
}
