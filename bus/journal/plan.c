#include "bus/journal/plan.h"

#include <assert.h>

/* A location that is written takes as long as so many slots that are only looked at. */
#define LOOKS_PER_LOCATION 16u

typedef bool next_slot(struct marks *marks, uint32_t *slot);

/* The batch that is being written. */
struct pen {
    struct journal_plan *plan;
    const struct table *table;
    uint64_t segment;
    char *out;
    uint64_t looks, looks_max; /* in this turn */
};

void journal_plan_start(struct journal_plan *plan, int64_t pause_ms,
                        const struct journal_replay *replay, const struct journal_tally *tally,
                        const struct table *table)
{
    bool is_open = replay->open > 0;
    *plan = (struct journal_plan){.sequence = journal_replay_end(replay),
                                  .begin = replay->open,
                                  .wants_generation = !is_open,
                                  .pause_ms = pause_ms,
                                  .turn_locations = JOURNAL_TURN_LOCATIONS,
                                  .renew_at_ms = is_open ? INT64_MIN : INT64_MAX,
                                  .due_since_ms = INT64_MAX,
                                  .batch_since_ms = INT64_MAX};
    /* In what the open generation has said already there may be texts of clients that were
     * forgotten since, so another one follows it. */
    if (is_open)
        marks_begin(&plan->marks, tally->open_slots, table_slots(table));
}

void journal_plan_free(struct journal_plan *plan)
{
    marks_free(&plan->marks);
}

/* What a tombstone replaced may be in any segment before. */
bool journal_plan_wants_segment(struct journal_plan *plan, int64_t now_ms)
{
    if (plan->marks.has_tombstone && plan->renew_at_ms == INT64_MAX)
        plan->renew_at_ms = now_ms + JOURNAL_FORGET_MS;
    plan->marks.has_tombstone = false;
    return now_ms >= plan->renew_at_ms && plan->begin == 0 && !plan->is_writing &&
           !plan->is_assembling;
}

void journal_plan_renew(struct journal_plan *plan)
{
    plan->renew_at_ms = INT64_MAX;
    plan->wants_generation = true;
}

void journal_plan_next_segment(struct journal_plan *plan)
{
    if (plan->begin != 0)
        return;
    uint64_t changes_bytes = plan->written_bytes - plan->snapshot_bytes;
    if (changes_bytes + JOURNAL_SEGMENT_BYTES > plan->snapshot_bytes / 2)
        plan->wants_generation = true;
}

bool journal_plan_wants(const struct journal_plan *plan)
{
    bool is_open = plan->begin != 0;
    return !plan->is_writing &&
           (plan->is_assembling || is_open || plan->wants_generation || plan->marks.due.count > 0);
}

/* A generation ends soon, whatever the pause is: until then nothing can be removed. */
static int64_t pause_ms(const struct journal_plan *plan)
{
    bool is_open = plan->begin != 0 || plan->wants_generation;
    return is_open && plan->pause_ms > JOURNAL_GENERATION_PAUSE_MS ? JOURNAL_GENERATION_PAUSE_MS
                                                                   : plan->pause_ms;
}

static void begin_round(struct journal_plan *plan)
{
    plan->round_slot = plan->marks.due.from;
    plan->round_done = 0;
    plan->round_since_ms = plan->now_ms;
}

bool journal_plan_begins(struct journal_plan *plan, int64_t now_ms)
{
    plan->now_ms = now_ms;
    if (plan->marks.due.count > 0 && plan->due_since_ms == INT64_MAX)
        plan->due_since_ms = now_ms;
    if (!journal_plan_wants(plan) || (!plan->is_bursting && now_ms < plan->write_at_ms))
        return false;
    if (!plan->is_bursting)
        plan->write_at_ms = now_ms + pause_ms(plan);
    if (!plan->is_bursting || plan->is_urged)
        begin_round(plan);
    plan->is_bursting = true;
    return true;
}

void journal_plan_urge(struct journal_plan *plan)
{
    plan->is_bursting = plan->is_urged = true;
}

int64_t journal_plan_deadline_ms(const struct journal_plan *plan)
{
    if (plan->is_assembling)
        return INT64_MIN;
    return journal_plan_wants(plan) && !plan->is_bursting ? plan->write_at_ms : INT64_MAX;
}

static void seal(struct pen *pen, struct journal_draft *draft, enum journal_kind kind,
                 uint64_t begin)
{
    struct journal_plan *plan = pen->plan;
    struct journal_block head = {.kind = kind, .sequence = ++plan->sequence, .begin = begin};
    uint32_t bytes = journal_draft_end(draft, &head, pen->segment);
    plan->batch_bytes += bytes;
    plan->written_bytes += bytes;
}

static void write_fence(struct pen *pen, enum journal_kind kind, uint64_t begin)
{
    struct journal_draft draft = journal_draft_of(pen->out + pen->plan->batch_bytes);
    seal(pen, &draft, kind, begin);
}

static void open_block(struct pen *pen)
{
    struct journal_plan *plan = pen->plan;
    uint32_t changes_blocks_max =
        plan->marks.to_go.count > 0 ? JOURNAL_BATCH_CHANGES_BLOCKS : JOURNAL_BATCH_BLOCKS;
    bool is_change =
        !plan->changes_are_over && plan->blocks < changes_blocks_max && plan->marks.due.count > 0;
    plan->block_kind = is_change ? JOURNAL_CHANGES : JOURNAL_CHUNK;
    plan->block_looks = 0;
    plan->block = journal_draft_of(pen->out + plan->batch_bytes);
}

/* Slots that are due have their turns by number, from the round's first one on. One that comes for
 * the second time ends the round: all that is due became so since it began. Returns false where the
 * burst ends with it; without a pause another one follows. */
static bool goes_on(struct journal_plan *plan, uint32_t slot)
{
    uint32_t steps = slot - plan->round_slot; /* the numbers go round, too */
    if (steps >= plan->round_done)
        return true;
    if (plan->due_since_ms < plan->batch_since_ms)
        plan->batch_since_ms = plan->due_since_ms;
    plan->due_since_ms = plan->round_since_ms;
    if (plan->pause_ms > 0)
        return false;
    begin_round(plan);
    return true;
}

/* Adds the next slot of the block that is open; false where it is full, or no slot is left. Of some
 * nothing is to be written any more. */
static bool add_slot(struct pen *pen)
{
    struct journal_plan *plan = pen->plan;
    struct marks *marks = &plan->marks;
    next_slot *next = plan->block_kind == JOURNAL_CHANGES ? marks_next_due : marks_next_to_go;
    char text[PACKED_TEXT_BYTES_MAX];
    struct location location;
    uint32_t slot, used = plan->block.used;
    if (plan->block_looks++ >= JOURNAL_BLOCK_LOOKS_MAX || !next(marks, &slot))
        return false;
    pen->looks++;
    if (plan->block_kind == JOURNAL_CHANGES && !goes_on(plan, slot)) {
        plan->changes_are_over = true;
        return false;
    }
    if (!table_slot_is_live(pen->table, slot)) {
        marks_forget(marks, slot);
        return true;
    }
    pen->looks += LOOKS_PER_LOCATION - 1;
    table_read(pen->table, slot, text, &location);
    if (!journal_draft_add(&plan->block, &location))
        return false;
    if (plan->block_kind == JOURNAL_CHANGES)
        plan->round_done = UINT64_C(1) + (slot - plan->round_slot);
    if (marks_take(marks, slot))
        plan->going_bytes += plan->block.used - used;
    return true;
}

/* Writes blocks until the batch has all that it takes, or this turn has done its part; false for
 * that. A block without a location is none, and no other of its kind follows. */
static bool write_blocks(struct pen *pen)
{
    struct journal_plan *plan = pen->plan;
    while (plan->blocks < JOURNAL_BATCH_BLOCKS) {
        if (plan->block.at == NULL)
            open_block(pen);
        while (add_slot(pen))
            if (pen->looks >= pen->looks_max)
                return false;
        struct journal_draft block = plan->block;
        plan->block = (struct journal_draft){0};
        if (block.location_count > 0) {
            seal(pen, &block, plan->block_kind, 0);
            plan->blocks++;
        } else if (plan->block_kind == JOURNAL_CHUNK) {
            break;
        } else {
            plan->changes_are_over = true;
        }
    }
    return true;
}

/* Everything to go is synced now, for no batch is on its way: so an end may say so. */
static void write_fences(struct pen *pen)
{
    struct journal_plan *plan = pen->plan;
    if (plan->begin != 0 && plan->marks.to_go.count == 0) {
        write_fence(pen, JOURNAL_END, plan->begin);
        plan->is_ending = true;
    } else if (plan->begin == 0 && plan->wants_generation) {
        plan->wants_generation = false;
        plan->written_bytes = plan->going_bytes = 0;
        plan->begin = plan->sequence + 1;
        marks_begin(&plan->marks, 0, table_slots(pen->table));
        write_fence(pen, JOURNAL_BEGIN, 0);
    }
}

static void begin_batch(struct pen *pen)
{
    struct journal_plan *plan = pen->plan;
    plan->is_assembling = true;
    plan->changes_are_over = false;
    plan->batch_bytes = plan->blocks = 0;
    marks_begin_batch(&plan->marks);
    write_fences(pen);
}

static void end_batch(struct journal_plan *plan)
{
    plan->is_assembling = plan->is_urged = false;
    plan->is_writing = plan->batch_bytes > 0;
    if (plan->due_since_ms < plan->batch_since_ms)
        plan->batch_since_ms = plan->due_since_ms;
    if (plan->marks.due.count == 0)
        plan->due_since_ms = INT64_MAX;
    plan->is_bursting = plan->is_writing && plan->marks.due.count > 0 && !plan->changes_are_over;
    marks_end_batch(&plan->marks);
    assert(plan->batch_bytes <= JOURNAL_BATCH_BYTES);
}

uint32_t journal_plan_write(struct journal_plan *plan, const struct table *table, uint64_t segment,
                            char *out)
{
    uint64_t looks_max = (uint64_t)LOOKS_PER_LOCATION *
                         (plan->turn_locations + plan->marks.due.count / JOURNAL_TURN_DUE_PART);
    struct pen pen = {plan, table, segment, out, 0, plan->is_urged ? UINT64_MAX : looks_max};
    assert(journal_plan_wants(plan));
    if (!plan->is_assembling)
        begin_batch(&pen);
    if (!write_blocks(&pen))
        return 0;
    end_batch(plan);
    return plan->batch_bytes;
}

void journal_plan_synced(struct journal_plan *plan)
{
    assert(plan->is_writing);
    marks_synced(&plan->marks);
    plan->batch_since_ms = INT64_MAX;
    plan->is_writing = false;
    if (!plan->is_ending)
        return;
    plan->is_ending = false;
    plan->keeps = plan->begin;
    plan->begin = 0;
    plan->snapshot_bytes = plan->going_bytes;
}

void journal_plan_failed(struct journal_plan *plan)
{
    assert(plan->is_writing);
    marks_failed(&plan->marks, plan->begin != 0);
    if (plan->batch_since_ms < plan->due_since_ms)
        plan->due_since_ms = plan->batch_since_ms;
    if (plan->batch_since_ms < plan->round_since_ms)
        plan->round_since_ms = plan->batch_since_ms;
    plan->batch_since_ms = INT64_MAX;
    plan->is_writing = plan->is_ending = false;
}

uint32_t journal_plan_lag(const struct journal_plan *plan)
{
    return plan->marks.due.count + plan->marks.batch.count;
}

int64_t journal_plan_lag_ms(const struct journal_plan *plan, int64_t now_ms)
{
    int64_t since_ms =
        plan->due_since_ms < plan->batch_since_ms ? plan->due_since_ms : plan->batch_since_ms;
    return since_ms < now_ms ? now_ms - since_ms : 0;
}

uint64_t journal_plan_keeps(const struct journal_plan *plan)
{
    return plan->keeps;
}
