/* Which slots changed, noted for the connections that have marks there: one note for all marks of a
 * connection on a slot, and neither these nor their watches are touched before the connection's
 * lines are written (gateway/text/watchers_state.h). */
#include "gateway/text/watchers.h"
#include "gateway/text/watchers_state.h"

#define ROOM_MIN 16u

/* ---- whose notes they are ---- */

bool watchers_join_notes(struct watchers *watchers, struct watchers_connection *connection,
                         struct watch *watch)
{
    if (connection->notes == NULL) {
        connection->notes = allowance_zeroed(watchers_limited(watchers), sizeof *connection->notes);
        if (connection->notes == NULL)
            return false;
        connection->notes->connection = connection;
    }
    watch->notes = connection->notes;
    watch->notes->watches++;
    return true;
}

static void end(struct watchers *watchers, struct watchers_notes *notes)
{
    allowance_free(&watchers->allowance, notes->slots, notes->room * sizeof *notes->slots);
    notes->connection->notes = NULL;
    *notes = (struct watchers_notes){.watches = notes->watches};
}

void watchers_end_notes(struct watchers *watchers, struct watchers_connection *connection)
{
    if (connection->notes != NULL)
        end(watchers, connection->notes);
}

void watchers_leave_notes(struct watchers *watchers, struct watch *watch)
{
    struct watchers_notes *notes = watch->notes;
    if (notes == NULL || --notes->watches > 0)
        return;
    if (notes->connection != NULL)
        end(watchers, notes);
    allowance_free(&watchers->allowance, notes, sizeof *notes);
}

/* ---- notes ---- */

/* For a step, and for one more for each further mark. */
static void take(struct watchers *watchers, const struct watchers_notes *notes, uint32_t slot,
                 int64_t *steps)
{
    uint32_t taken = 0;
    struct watchers_slot *at = watchers_slot_kept(watchers, slot);
    struct watchers_marks *marks = at == NULL ? NULL : at->marks;
    for (uint64_t left = marks == NULL ? 0 : marks->is_noted; left != 0; left &= left - 1) {
        const struct watchers_hung *hung = &marks->hung[__builtin_ctzll(left)];
        if (hung->notes != notes)
            continue;
        marks->is_noted &= ~(left & -left);
        watchers_mark_due(watchers, hung->mark);
        taken++;
    }
    *steps -= taken > 1 ? taken : 1;
}

bool watchers_take_notes(struct watchers *watchers, const struct watchers_connection *connection,
                         int64_t *steps)
{
    struct watchers_notes *notes = connection->notes;
    if (notes == NULL)
        return true;
    while (notes->first < notes->count) {
        if (*steps <= 0)
            return false;
        take(watchers, notes, notes->slots[notes->first++], steps);
    }
    notes->first = notes->count = 0;
    return true;
}

/* Of those that were taken first, where these are half of it. */
static bool make_room(struct watchers *watchers, struct watchers_notes *notes)
{
    uint32_t left = notes->count - notes->first;
    if (left >= WATCHERS_NOTES_A_MARK * (uint64_t)watchers->limits.marks)
        return false;
    if (notes->count < notes->room)
        return true;
    if (left < notes->count && left <= notes->room / 2) {
        memmove(notes->slots, notes->slots + notes->first, left * sizeof *notes->slots);
        notes->first = 0;
        notes->count = left;
        return true;
    }
    uint32_t room = notes->room == 0 ? ROOM_MIN : 2 * notes->room;
    uint32_t *slots = allowance_resize(watchers_unlimited(watchers), notes->slots,
                                       notes->room * sizeof *slots, room * sizeof *slots);
    if (slots == NULL)
        return false;
    notes->slots = slots;
    notes->room = room;
    return true;
}

void watchers_note(struct watchers *watchers, uint32_t slot, struct watchers_marks *marks,
                   uint64_t run)
{
    if ((marks->is_noted & run) == run)
        return;
    struct watchers_notes *notes = marks->hung[__builtin_ctzll(run)].notes;
    if (notes->connection == NULL)
        return;
    if ((marks->is_noted & run) == 0) {
        if (!make_room(watchers, notes)) {
            watchers_lose(watchers, notes->connection);
            return;
        }
        notes->slots[notes->count++] = slot;
        watchers_give(watchers, notes->connection);
    }
    marks->is_noted |= run;
}
