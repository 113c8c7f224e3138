/* How two processes that have just met, both with tables, find what differs: the whole CHECK, and
 * LISTs of all ranges that it shows to differ. */
#include <assert.h>

#include "bus/link/range_check.h"

#define NEVER INT64_MAX
/* What cannot be done now is tried again after this time. */
#define PAUSE_MS 20
/* Slots that a pass should collect: ranges are not all of one size. */
#define BATCH_SLOTS (RANGE_LIST_SLOTS_MAX / 4 * 3)

static const struct range_rate resync_rate = {RANGE_RESYNCS_MAX, 1};

static_assert(RANGE_COUNT / RANGE_CHECK_TURNS <= WIRE_RANGES_MAX, "a piece is one message");

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- Begin and end ----------------------------------------------------------------------- */

void range_resync_forget(struct range_check *check)
{
    check->is_synced = check->gives_up = false;
}

static int64_t lists_patience_ms(uint32_t clients)
{
    return RANGE_RESYNC_LISTS_MS + 2 * (int64_t)(clients / RANGE_LIST_SLOTS_PER_MS);
}

static unsigned level_for(uint32_t clients)
{
    unsigned level = RANGE_CHECK_LEVEL_MIN;
    while (level < WIRE_LEVEL_MAX &&
           UINT64_C(1) << level < RANGE_RESYNC_PER_CLIENT * (uint64_t)clients)
        level++;
    return level;
}

bool range_resync_begin(struct range_check *check, uint32_t clients, bool leads, int64_t now_ms)
{
    if (!check->was_resynced)
        range_bucket_fill(&check->resyncs, &resync_rate, now_ms);
    check->was_resynced = true;
    if (check->settled == NULL || !range_bucket_take(&check->resyncs, &resync_rate, 1, now_ms))
        return false;
    check->count->resyncs++;
    check->resync = (struct range_resync){
        .is_active = true,
        .is_showing = true,
        .leads = leads,
        .level = level_for(clients),
        .clients = clients,
        .show_at = now_ms + (leads ? RANGE_RESYNC_WHOLE_MS : RANGE_RESYNC_SECOND_MS),
        .lists_at = leads ? now_ms + lists_patience_ms(clients) : now_ms,
        .ends_at = now_ms + RANGE_RESYNC_ENDS_MS,
    };
    return true;
}

void range_resync_end(struct range_check *check)
{
    range_resync_drop(check, 0, RANGE_COUNT);
    check->resync = (struct range_resync){0};
}

static bool differs_much(const struct range_resync *resync)
{
    uint32_t ranges = 1u << resync->level;
    uint32_t filled = resync->clients < ranges ? resync->clients : ranges;
    return resync->differ > filled / RANGE_RESYNC_PART;
}

static void give_up(struct range_check *check)
{
    range_resync_end(check);
    check->gives_up = true;
    check->count->resyncs_given_up++;
}

bool range_resync_gives_up(struct range_check *check)
{
    bool gives_up = check->gives_up;
    check->gives_up = false;
    return gives_up;
}

/* ---- What the other end shows ------------------------------------------------------------ */

void range_resync_take_whole(struct range_check *check, int64_t now_ms)
{
    struct range_resync *resync = &check->resync;
    if (check->is_synced)
        range_resync_end(check);
    else if (resync->is_showing && resync->leads && resync->next == 0)
        resync->show_at = now_ms;
}

/* The end that does not lead goes by the level of the one that does: that of its first piece.
 * Rounds begin elsewhere than at the first range, so where a quarter from there is what comes first
 * the other end compares all, because it kept nothing of what this one lacks: only of large tables.
 */
void range_resync_see_check(struct range_check *check, const struct wire_message *message,
                            int64_t now_ms)
{
    struct range_resync *resync = &check->resync;
    bool is_first_piece = message->first == 0 && message->level >= RANGE_CHECK_LEVEL_MIN;
    bool is_quarter = message->level == WIRE_LEVEL_MAX &&
                      message->bin.len == RANGE_COUNT / RANGE_CHECK_TURNS * WIRE_RANGE_BYTES;
    if (!check->was_checked && is_first_piece && is_quarter && !resync->is_active &&
        range_resync_begin(check, table_count(check->list->table), false, now_ms))
        range_resync_forget(check);
    check->was_checked = true;
    if (resync->is_showing && !resync->leads && resync->next == 0 && is_first_piece)
        resync->level = (unsigned)message->level;
}

/* What this end has not shown yet is answered by ours of the same ranges; what it has, is such an
 * answer. Both ends may lead, where the first message of one is slow. */
void range_resync_take_check(struct range_check *check, const struct wire_message *message,
                             int64_t now_ms)
{
    struct range_resync *resync = &check->resync;
    struct range_run run = {(uint32_t)message->first,
                            (uint32_t)(message->bin.len / WIRE_RANGE_BYTES)};
    uint32_t end = run.first + run.count;
    if (!resync->is_showing || message->level != resync->level || end < resync->next)
        return;
    resync->owes = end > resync->next;
    resync->owed = run;
    if (resync->owes)
        return;
    if (differs_much(resync)) {
        give_up(check);
        return;
    }
    resync->show_at = now_ms;
    resync->is_showing = resync->next < 1u << resync->level;
}

/* Nothing is lost on a connection, but with one: then a range that was listed still differs. */
static bool may_list(const struct range_check *check, uint32_t range, int64_t now_ms)
{
    const struct range_resync *resync = &check->resync;
    return !range_bits_all(check->repair->listed, range, 1) ||
           (now_ms >= resync->again_at && resync->listed < RANGE_RESYNC_LISTS_MAX);
}

bool range_resync_takes(struct range_check *check, unsigned level, uint32_t first, uint32_t count,
                        int64_t now_ms)
{
    struct range_resync *resync = &check->resync;
    if (!resync->is_active)
        return false;
    bool is_shown = resync->is_showing && level == resync->level;
    resync->differ += is_shown;
    bool is_prepared = range_repair_prepare(check);
    if (level < WIRE_LEVEL_MAX) {
        /* Its parts are for the end that lists. */
        bool is_known = is_prepared && resync->pending_count > 0 &&
                        range_bits_any(check->repair->pending, first, count);
        return is_shown ? !resync->leads || differs_much(resync) : is_known;
    }
    if (!is_prepared || !may_list(check, first, now_ms))
        return false;
    resync->pending_count += range_bits_set(check->repair->pending, first, 1, true);
    return true;
}

void range_resync_drop(struct range_check *check, uint32_t first, uint32_t count)
{
    if (check->resync.pending_count > 0)
        check->resync.pending_count -= range_bits_set(check->repair->pending, first, count, false);
}

void range_resync_leave(struct range_check *check, uint32_t range, int64_t now_ms)
{
    struct range_resync *resync = &check->resync;
    range_resync_drop(check, range, 1);
    if (now_ms < resync->lists_at)
        resync->lists_at = now_ms + lists_patience_ms(resync->clients);
}

/* ---- What is shown ----------------------------------------------------------------------- */

/* Ours of the ranges that the other end has shown: it knows then which are equal. */
static bool write_owed(struct range_check *check, struct wire_message *message, int64_t now_ms)
{
    struct range_resync *resync = &check->resync;
    if (!resync->owes)
        return false;
    resync->owes = false;
    if (!range_pace_answers(&check->pace, resync->owed.count, now_ms)) {
        check->count->checks_dropped++;
        return false;
    }
    if (!range_check_write(check, message, resync->level, resync->owed, now_ms))
        return false;
    resync->next = resync->owed.first + resync->owed.count;
    resync->is_showing = resync->next < 1u << resync->level;
    resync->show_at = now_ms + RANGE_RESYNC_PIECE_MS + RANGE_RESYNC_SECOND_MS;
    check->count->checks_sent++;
    if (differs_much(resync))
        give_up(check);
    return true;
}

/* The next piece, once the other end has answered the one before, or after a while. */
static bool write_piece(struct range_check *check, struct wire_message *message, int64_t now_ms)
{
    struct range_resync *resync = &check->resync;
    if (!resync->is_showing || now_ms < resync->show_at)
        return false;
    uint32_t all = 1u << resync->level;
    uint32_t piece = (uint32_t)most(all / RANGE_CHECK_TURNS, RANGE_RESYNC_PIECE_MIN);
    resync->leads = true;
    resync->is_showing = resync->next < all;
    if (!resync->is_showing)
        return false;
    struct range_run run = {resync->next, (uint32_t)least(piece, all - resync->next)};
    resync->show_at = now_ms + RANGE_CHECK_MS;
    if (!range_check_write(check, message, resync->level, run, now_ms))
        return false;
    resync->next += run.count;
    resync->show_at = now_ms + RANGE_RESYNC_PIECE_MS;
    check->count->checks_sent++;
    return true;
}

/* ---- What is listed ---------------------------------------------------------------------- */

/* The first range from `range` on that waits to be listed, or `below`. */
static uint32_t next_pending(const struct range_check *check, uint32_t range, uint32_t below)
{
    const uint64_t *pending = check->repair->pending;
    while (range < below) {
        uint64_t word = pending[range / RANGE_BITS_PER_WORD] >> range % RANGE_BITS_PER_WORD;
        if (word != 0)
            return range + (uint32_t)__builtin_ctzll(word);
        range = (range / RANGE_BITS_PER_WORD + 1) * RANGE_BITS_PER_WORD;
    }
    return below;
}

/* As many as one pass over the table has room for; false where it has none. */
static bool want_batch(struct range_check *check, int64_t now_ms)
{
    struct range_resync *resync = &check->resync;
    uint32_t slots = table_slots(check->list->table) / RANGE_COUNT + 1, left = BATCH_SLOTS / slots;
    uint32_t range = next_pending(check, 0, RANGE_COUNT);
    resync->batch_pass = 0;
    resync->batch_next = resync->batch_end = range;
    for (; range < RANGE_COUNT && left > 0; left--) {
        uint32_t pass = range_list_want(check->list, WIRE_LEVEL_MAX, range);
        if (pass == 0)
            break;
        resync->batch_pass = pass;
        resync->batch_end = range + 1;
        range = next_pending(check, range + 1, RANGE_COUNT);
    }
    if (resync->batch_pass == 0)
        resync->lists_at = now_ms + PAUSE_MS;
    return resync->batch_pass != 0;
}

/* What cannot be said in one LIST goes the ordinary way, and what has changed meanwhile is found by
 * the next check. */
static bool write_range(struct range_check *check, uint32_t range, uint32_t ord, uint32_t count,
                        struct wire_message *message, int64_t now_ms)
{
    struct range_resync *resync = &check->resync;
    range_resync_drop(check, range, 1);
    if (count > WIRE_ENTRIES_MAX) {
        range_repair_ask(check, range, RANGE_UNSETTLED, now_ms);
        return false;
    }
    range_list_keep(check->list, now_ms);
    if (!range_repair_write(check, range, ord, count, message))
        return false;
    range_budget_spend(&check->budget, RANGE_UNSETTLED, now_ms);
    range_bits_set(check->repair->listed, range, 1, true);
    resync->listed++;
    resync->again_at = now_ms + lists_patience_ms(resync->clients);
    return true;
}

static bool write_pending(struct range_check *check, struct wire_message *message, int64_t now_ms)
{
    struct range_resync *resync = &check->resync;
    if (resync->is_showing || resync->pending_count == 0 || now_ms < resync->lists_at)
        return false;
    if (range_list_waiting(check->list, check->link, &check->window->ring,
                           check->window->announced) == NULL) {
        resync->lists_at = now_ms + PAUSE_MS;
        return false;
    }
    range_list_step(check->list, now_ms);
    while (resync->pending_count > 0 && range_list_may_work(check->list, now_ms)) {
        uint32_t ord = 0, count = 0;
        uint32_t range = next_pending(check, resync->batch_next, resync->batch_end);
        if (range >= resync->batch_end) {
            if (!want_batch(check, now_ms))
                return false;
            range_list_step(check->list, now_ms);
            continue;
        }
        enum range_list_answer answer =
            range_list_find(check->list, resync->batch_pass, WIRE_LEVEL_MAX, range, &ord, &count);
        if (answer == RANGE_LIST_LATER)
            return false;
        resync->batch_next = range + 1;
        if (answer == RANGE_LIST_LARGE)
            count = UINT32_MAX;
        if (answer != RANGE_LIST_GONE && write_range(check, range, ord, count, message, now_ms))
            return true;
    }
    return false;
}

/* ---- All of it --------------------------------------------------------------------------- */

bool range_resync_next(struct range_check *check, struct wire_message *message, int64_t now_ms)
{
    if (!check->resync.is_active)
        return false;
    bool is_done = check->is_synced && !check->resync.is_showing;
    if (is_done || now_ms >= check->resync.ends_at) {
        range_resync_end(check);
        return false;
    }
    return write_owed(check, message, now_ms) || write_piece(check, message, now_ms) ||
           write_pending(check, message, now_ms);
}

/* When the next range can be listed. */
static int64_t lists_due_ms(const struct range_check *check)
{
    const struct range_resync *resync = &check->resync;
    uint32_t ord, count;
    int64_t paid_ms = range_list_paid_ms(check->list);
    uint32_t range = next_pending(check, resync->batch_next, resync->batch_end);
    bool is_later = resync->batch_pass != 0 && range < resync->batch_end &&
                    range_list_find(check->list, resync->batch_pass, WIRE_LEVEL_MAX, range, &ord,
                                    &count) == RANGE_LIST_LATER;
    return most(resync->lists_at, is_later ? range_list_deadline_ms(check->list) : paid_ms);
}

int64_t range_resync_deadline_ms(const struct range_check *check)
{
    const struct range_resync *resync = &check->resync;
    if (!resync->is_active)
        return NEVER;
    int64_t deadline = resync->ends_at, paid_ms = range_list_paid_ms(check->list);
    if (resync->owes)
        deadline = least(deadline, paid_ms);
    if (resync->is_showing)
        deadline = least(deadline, most(resync->show_at, paid_ms));
    if (!resync->is_showing && resync->pending_count > 0)
        deadline = least(deadline, lists_due_ms(check));
    return deadline;
}
