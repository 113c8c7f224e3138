#include "bus/link/range_check.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#include "bus/link/beat.h"

#define NEVER    INT64_MAX
#define SLOTS_MS 2000
/* Sixteen ranges for each slot in flight: then 15 of 16 looks find a range at rest. */
#define RANGES_PER_SLOT 16u
/* What looking costs, in slots of range_list: one for each range, and for these digests that are
 * folded, or ranges of a larger one. */
#define FOLDED_PER_SLOT 32u

static_assert(WIRE_LEVEL_MAX == TABLE_RANGE_BITS, "a CHECK goes down to the ranges of the table");
static_assert(RANGE_COUNT / RANGE_CHECK_TURNS <= WIRE_RANGES_MAX, "a turn is one message");

/* ---- Open and closed --------------------------------------------------------------------- */

void range_check_init(struct range_check *check, struct range_list *list, struct window *window,
                      struct link_counters *count, size_t link)
{
    check->list = list;
    check->window = window;
    check->count = count;
    check->link = link;
    check->check_at = NEVER;
    check->seen_since_ms = check->compared_ms = -1;
}

void range_check_move(struct range_check *check, struct window *window, size_t link)
{
    check->window = window;
    check->link = link;
}

void range_check_open(struct range_check *check, bool is_second, bool is_observer, int64_t now_ms)
{
    uint64_t *bits = calloc(4 * RANGE_WORDS, sizeof *bits);
    range_check_close(check);
    check->is_open = true;
    check->is_observer = is_observer;
    if (bits == NULL) /* this link goes on without checks */
        return;
    check->settled = bits;
    check->seen = bits + RANGE_WORDS;
    check->left_out[0] = bits + 2 * RANGE_WORDS;
    check->left_out[1] = bits + 3 * RANGE_WORDS;
    check->seen_since_ms = now_ms;
    check->turn = is_second ? RANGE_CHECK_TURNS / 2 : 0; /* the ends are two seconds apart */
    check->check_at = now_ms + RANGE_CHECK_MS;
    check->turn_position = 0;
    check->slots_at = now_ms;
    range_budget_init(&check->budget, now_ms);
    range_pace_init(&check->pace, now_ms);
}

void range_check_close(struct range_check *check)
{
    range_resync_end(check);
    range_repair_free(check);
    free(check->settled);
    check->settled = check->seen = check->left_out[0] = check->left_out[1] = NULL;
    check->is_open = check->agrees = check->any_left_out = check->was_checked = false;
    check->refused_there = check->accounted = 0;
    check->settled_count = check->seen_count = check->run_count = 0;
    check->round_next = check->round_end = check->round_faults = check->round_settled = 0;
    check->differs = false;
    check->slots = check->slots_before = check->their_slots = 0;
    check->check_at = NEVER;
    check->seen_since_ms = check->compared_ms = -1;
}

/* ---- What is settled --------------------------------------------------------------------- */

static void unsettle_all(struct range_check *check)
{
    memset(check->settled, 0, RANGE_WORDS * sizeof *check->settled);
    check->settled_count = check->round_settled = 0;
}

/* What lost here by a ceiling, and was told by then, may win at the other end by another one, or by
 * ours a moment later: until they have it, equal is not for good. */
static void wait_until_told(struct range_check *check)
{
    check->settles_from = check->window->ring.sent;
}

static void unsettle_until_told(struct range_check *check)
{
    unsettle_all(check);
    wait_until_told(check);
}

void range_check_unsettle(struct range_check *check, uint32_t range)
{
    if (check->settled != NULL)
        check->settled_count -= range_bits_set(check->settled, range, 1, false);
}

void range_check_unsettle_until_told(struct range_check *check, uint32_t range)
{
    range_check_unsettle(check, range);
    wait_until_told(check);
}

bool range_check_is_settled(const struct range_check *check, uint32_t range)
{
    return check->settled != NULL && range_bits_all(check->settled, range, 1);
}

void range_check_take_refused(struct range_check *check, uint64_t refused_there, uint64_t received)
{
    if (received > check->accounted)
        check->accounted = received;
    if (check->settled == NULL || refused_there <= check->refused_there)
        return;
    check->refused_there = refused_there;
    unsettle_all(check);
}

static uint64_t distance(int64_t a, int64_t b)
{
    return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

/* What clears all bits: C4. */
static void take_met(struct range_check *check, uint64_t met)
{
    if (met != check->their_met)
        unsettle_all(check);
    check->their_met = met;
}

static void take_ceiling(struct range_check *check, int64_t theirs_ns, int64_t ours_ns)
{
    check->agrees = distance(theirs_ns, ours_ns) <= (uint64_t)RANGE_CHECK_CEILING_NS_MAX;
    if (!check->agrees)
        unsettle_until_told(check);
}

static void take_jumps(struct range_check *check)
{
    if (check->jumps != check->list->jumps)
        unsettle_until_told(check);
    check->jumps = check->list->jumps;
}

/* ---- What was looked at ------------------------------------------------------------------ */

static void see(struct range_check *check, uint32_t first, uint32_t count, int64_t now_ms)
{
    if (count == RANGE_COUNT) { /* as it is at rest, every 2 s */
        for (int i = 0; i < 2 && check->any_left_out; i++)
            memset(check->left_out[i], 0, RANGE_WORDS * sizeof *check->left_out[i]);
        if (check->seen_count > 0)
            memset(check->seen, 0, RANGE_WORDS * sizeof *check->seen);
        check->any_left_out = false;
        check->seen_count = 0;
        check->compared_ms = check->seen_since_ms = now_ms;
        return;
    }
    range_bits_set(check->left_out[0], first, count, false);
    range_bits_set(check->left_out[1], first, count, false);
    check->seen_count += range_bits_set(check->seen, first, count, true);
    if (check->seen_count < RANGE_COUNT)
        return;
    check->compared_ms = check->seen_since_ms;
    check->seen_since_ms = now_ms;
    check->seen_count = 0;
    memset(check->seen, 0, RANGE_WORDS * sizeof *check->seen);
}

/* As after one look in vain. */
static void leave_out_once(struct range_check *check, uint32_t range)
{
    range_bits_set(check->left_out[0], range, 1, true);
    range_bits_set(check->left_out[1], range, 1, false);
    check->any_left_out = true;
}

void range_check_see_starved(struct range_check *check, uint32_t range, int64_t now_ms)
{
    see(check, range, 1, now_ms);
    leave_out_once(check, range);
}

/* A look in vain. True for the third one running of any of these ranges: an answer may have looked
 * at the others meanwhile. */
static bool leave_out(struct range_check *check, uint32_t first, uint32_t count)
{
    uint64_t mask = range_bits_mask(first, count), third = 0;
    check->any_left_out = true;
    for (uint32_t word = first / RANGE_BITS_PER_WORD, i = 0; i < range_bits_words(count); i++) {
        uint64_t *low = &check->left_out[0][word + i], *high = &check->left_out[1][word + i];
        uint64_t low_after = ~*low | *high, high_after = *low | *high;
        *low = (*low & ~mask) | (low_after & mask);
        *high = (*high & ~mask) | (high_after & mask);
        third |= low_after & high_after & mask;
    }
    return third != 0;
}

/* ---- What is shown ----------------------------------------------------------------------- */

/* The other end is to see our digests of these ranges. Where there are many such runs, the last one
 * grows. */
static void show(struct range_check *check, uint32_t first, uint32_t count)
{
    struct range_run *last = check->run_count == 0 ? NULL : &check->runs[check->run_count - 1];
    bool follows = last != NULL && first >= last->first &&
                   (first <= last->first + last->count || check->run_count == RANGE_CHECK_RUNS_MAX);
    if (follows && first + count > last->first + last->count)
        last->count = first + count - last->first;
    else if (!follows && check->run_count < RANGE_CHECK_RUNS_MAX)
        check->runs[check->run_count++] = (struct range_run){first, count};
}

/* Never at rest when somebody looks: by parts, and those that do not rest slot by slot. */
static void starve(struct range_check *check, const struct range_waiting *waiting, uint32_t first,
                   uint32_t count, int64_t now_ms)
{
    if (count > 1)
        show(check, first, count);
    range_list_charge(check->list, count / FOLDED_PER_SLOT);
    for (uint32_t range = first; range < first + count; range++)
        if (count == 1 || range_waiting_any(waiting, range, 1))
            range_repair_ask(check, range, RANGE_STARVES, now_ms);
}

static uint32_t digest_of(const struct range_check *check, unsigned level, uint32_t range)
{
    return wire_fold(table_range_digest(check->list->table, level, range));
}

static void charge(struct range_check *check, unsigned level, uint32_t ranges)
{
    unsigned kept = level <= TABLE_BLOCK_LEVEL ? TABLE_BLOCK_LEVEL : WIRE_LEVEL_MAX;
    uint32_t folded = ranges << (kept - level);
    range_list_charge(check->list, ranges + folded / FOLDED_PER_SLOT);
}

bool range_check_write(struct range_check *check, struct wire_message *message, unsigned level,
                       struct range_run run, int64_t now_ms)
{
    const struct range_waiting *waiting = range_list_waiting(
        check->list, check->link, &check->window->ring, check->window->announced);
    if (waiting == NULL)
        return false;
    uint32_t count = 1u << (WIRE_LEVEL_MAX - level);
    for (uint32_t i = 0; i < run.count; i++) {
        uint32_t range = run.first + i, first = range * count, digest = 0;
        if (!range_waiting_any(waiting, first, count))
            digest = htobe32(digest_of(check, level, range));
        else if (leave_out(check, first, count))
            starve(check, waiting, first, count, now_ms);
        memcpy(check->list->bin + i * WIRE_RANGE_BYTES, &digest, sizeof digest);
    }
    charge(check, level, run.count);
    message->type = WIRE_CHECK;
    message->level = level;
    message->first = run.first;
    message->bin = (struct span){check->list->bin, (size_t)run.count * WIRE_RANGE_BYTES};
    return true;
}

/* ---- Rounds ------------------------------------------------------------------------------ */

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t slots_now(const struct range_check *check)
{
    return check->window->ring.head - check->window->acked +
           range_list_count_young(check->list, check->link);
}

uint64_t range_check_slots(const struct range_check *check)
{
    return most(slots_now(check), most(check->slots, check->slots_before));
}

static void count_slots(struct range_check *check, int64_t now_ms)
{
    if (now_ms >= check->slots_at + SLOTS_MS) {
        check->slots_before = check->slots;
        check->slots = 0;
        check->slots_at = now_ms;
    }
    check->slots = most(check->slots, slots_now(check));
}

/* C7. */
static unsigned level_now(const struct range_check *check)
{
    uint64_t slots = most(range_check_slots(check), check->their_slots);
    if (slots == 0 && check->settled_count == RANGE_COUNT)
        return 0;
    unsigned level = RANGE_CHECK_LEVEL_MIN;
    while (level < WIRE_LEVEL_MAX && UINT64_C(1) << level < RANGES_PER_SLOT * slots)
        level++;
    return level;
}

/* The quarter whose turn it is, unless the one before may still be on its way, or all are shown
 * just now. At level 0 the HEARTBEAT says it all. */
static void begin_turn(struct range_check *check, int64_t now_ms)
{
    unsigned level = level_now(check);
    bool is_quick = level > 0 && level < RANGE_CHECK_LEVEL_LARGE &&
                    range_list_is_lazy(check->list, check->link);
    int64_t pause_ms = is_quick ? RANGE_CHECK_LAZY_MS : RANGE_CHECK_MS;
    bool is_late = now_ms >= check->check_at + pause_ms;
    check->check_at = (is_late ? now_ms : check->check_at) + pause_ms;
    if (check->settled_count == RANGE_COUNT)
        check->check_at = beat_until(check->list->process, check->link, check->check_at);
    if (check->resync.is_showing ||
        (level >= RANGE_CHECK_LEVEL_LARGE && check->window->acked < check->turn_position))
        return;
    check->turn_position = check->window->announced;
    check->turn = (check->turn + 1) % RANGE_CHECK_TURNS;
    check->level = level;
    check->round_next = (check->turn << check->level) / RANGE_CHECK_TURNS;
    check->round_end = ((check->turn + 1) << check->level) / RANGE_CHECK_TURNS;
    if (check->level == 0)
        check->round_next = check->round_end = 0;
    if (check->turn != 0)
        return;
    check->round_faults = 0;
    check->round_settled = check->settled_count;
}

static uint32_t at_most(uint32_t count, uint32_t max)
{
    return count < max ? count : max;
}

static bool write_round(struct range_check *check, struct wire_message *message, int64_t now_ms)
{
    if (check->round_next == check->round_end)
        return false;
    struct range_run run = {check->round_next, check->round_end - check->round_next};
    check->round_next = check->round_end;
    return range_check_write(check, message, check->level, run, now_ms);
}

/* The next ranges to show, and by which level: of all at once a narrow link would choke. */
static struct range_run take_run(struct range_check *check, unsigned *level)
{
    struct range_run *first = &check->runs[0];
    if (first->count == RANGE_COUNT) {
        check->run_count = 0;
        *level = RANGE_CHECK_LEVEL_MIN;
        return (struct range_run){0, 1u << RANGE_CHECK_LEVEL_MIN};
    }
    struct range_run run = {first->first, at_most(first->count, WIRE_RANGES_MAX)};
    first->first += run.count;
    first->count -= run.count;
    if (first->count == 0)
        memmove(first, first + 1, --check->run_count * sizeof *first);
    *level = WIRE_LEVEL_MAX;
    return run;
}

/* What they see of it must be left out twice more before they see it again. What is beyond the pace
 * is dropped: the next check asks again. */
static bool write_run(struct range_check *check, struct wire_message *message, int64_t now_ms)
{
    while (check->run_count > 0) {
        unsigned level;
        struct range_run run = take_run(check, &level);
        if (!range_pace_answers(&check->pace, run.count, now_ms)) {
            check->count->checks_dropped++;
            continue;
        }
        if (!range_check_write(check, message, level, run, now_ms))
            continue;
        for (uint32_t i = 0; level == WIRE_LEVEL_MAX && i < run.count; i++)
            leave_out_once(check, run.first + i);
        return true;
    }
    return false;
}

bool range_check_next(struct range_check *check, struct wire_message *message, int64_t now_ms)
{
    if (check->settled == NULL)
        return false;
    take_jumps(check);
    if (now_ms >= check->check_at)
        begin_turn(check, now_ms);
    if (!range_list_may_work(check->list, now_ms)) /* it is not lost, only later */
        return false;
    if (range_repair_next(check, message, now_ms))
        return true;
    if (range_resync_next(check, message, now_ms))
        return true;
    bool any = write_run(check, message, now_ms) || write_round(check, message, now_ms);
    check->count->checks_sent += any;
    return any;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t range_check_deadline_ms(const struct range_check *check)
{
    if (check->settled == NULL)
        return NEVER;
    int64_t deadline = least(range_repair_deadline_ms(check), range_resync_deadline_ms(check));
    if (check->run_count > 0 || check->round_next < check->round_end)
        deadline = least(deadline, range_list_paid_ms(check->list));
    return least(deadline, check->check_at);
}

bool range_check_is_due(struct range_check *check, int64_t now_ms)
{
    count_slots(check, now_ms);
    return now_ms >= range_check_deadline_ms(check);
}

bool range_check_rests(const struct range_check *check)
{
    const struct range_repair *repair = check->repair;
    return check->compared_ms >= 0 && check->settled_count == RANGE_COUNT &&
           !check->resync.is_active && check->run_count == 0 &&
           (repair == NULL || (repair->due_count == 0 && repair->held == NULL));
}

/* ---- What is judged ---------------------------------------------------------------------- */

/* How a message compares with what we have. */
struct judging {
    unsigned level;
    const struct range_waiting *waiting;
    bool same_horizon, is_lazy;
    int64_t now_ms;
};

void range_check_fault(struct range_check *check, uint32_t range, uint32_t ours, uint32_t theirs,
                       int64_t now_ms)
{
    range_check_unsettle(check, range);
    check->count->digest_faults++;
    check->differs = true;
    if (check->faults.count++ == 0) {
        check->faults.range = range;
        check->faults.ours = ours;
        check->faults.theirs = theirs;
    }
    /* More than 2 % of what was settled: not a fault of a range but of the pair (C8). */
    bool is_much = ++check->round_faults * UINT64_C(50) > check->round_settled;
    if (!is_much || check->round_settled == 0 || !range_budget_resync(&check->budget, now_ms))
        return;
    unsettle_all(check);
    show(check, 0, RANGE_COUNT);
}

static void settle(struct range_check *check, uint32_t first, uint32_t count, int64_t now_ms)
{
    see(check, first, count, now_ms);
    bool settles = check->agrees && check->window->acked >= check->settles_from;
    if (settles && check->settled_count < RANGE_COUNT)
        check->settled_count += range_bits_set(check->settled, first, count, true);
    range_resync_drop(check, first, count);
    check->is_synced |= check->settled_count == RANGE_COUNT;
    check->differs &= check->settled_count < RANGE_COUNT;
    uint32_t healed =
        check->repair == NULL ? 0 : range_bits_set(check->repair->listed, first, count, false);
    while (healed-- > 0)
        range_budget_heal(&check->budget);
}

static void judge_range(struct range_check *check, const struct judging *judging, uint32_t range,
                        uint32_t theirs)
{
    unsigned level = judging->level;
    uint32_t count = 1u << (WIRE_LEVEL_MAX - level), first = range * count;
    uint32_t ours = digest_of(check, level, range);
    if (theirs == ours) {
        settle(check, first, count, judging->now_ms);
        return;
    }
    bool is_settled = range_bits_all(check->settled, first, count);
    bool is_left_out = theirs == 0 || range_waiting_any(judging->waiting, first, count) ||
                       (!judging->same_horizon && (is_settled || level < WIRE_LEVEL_MAX));
    if (is_left_out) {
        if (leave_out(check, first, count))
            starve(check, judging->waiting, first, count, judging->now_ms);
        return;
    }
    if (level < WIRE_LEVEL_MAX) {
        if (!range_resync_takes(check, level, first, count, judging->now_ms))
            show(check, first, count);
        return;
    }
    see(check, first, count, judging->now_ms);
    if (!is_settled && range_resync_takes(check, level, first, count, judging->now_ms))
        return;
    /* L10: what a declined link did not say is no fault; a LIST says which slots differ. */
    if (is_settled && judging->is_lazy && check->late_lists++ >= RANGE_CHECK_LATE_LISTS)
        return;
    if (is_settled && !judging->is_lazy)
        range_check_fault(check, range, ours, theirs, judging->now_ms);
    range_repair_ask(check, range, is_settled ? RANGE_DIFFERS : RANGE_UNSETTLED, judging->now_ms);
}

/* C3: what they say belongs to the very state that we have of theirs, and is not from before what
 * they have confirmed; and what they say they have, they have said how much of it they refused: the
 * message with that may be lost. */
static bool is_cut(const struct range_check *check, const struct wire_message *message,
                   uint64_t received)
{
    return message->cut.position == received && message->received >= check->window->acked &&
           message->received <= check->accounted;
}

static void judge_check(struct range_check *check, const struct wire_message *message,
                        uint64_t received, const struct wire_cut *ours, int64_t now_ms)
{
    struct judging judging = {(unsigned)message->level, NULL,
                              message->cut.horizon_ns == ours->horizon_ns,
                              range_list_is_lazy(check->list, check->link), now_ms};
    check->late_lists = 0;
    judging.waiting =
        range_list_waiting(check->list, check->link, &check->window->ring, check->window->acked);
    if (!is_cut(check, message, received) || judging.waiting == NULL)
        return;
    uint32_t ranges = (uint32_t)(message->bin.len / WIRE_RANGE_BYTES);
    charge(check, judging.level, ranges);
    for (uint32_t i = 0; i < ranges; i++) {
        uint32_t theirs;
        memcpy(&theirs, message->bin.data + i * WIRE_RANGE_BYTES, sizeof theirs);
        judge_range(check, &judging, (uint32_t)message->first + i, be32toh(theirs));
    }
}

static void take_check(struct range_check *check, const struct wire_message *message,
                       uint64_t received, const struct wire_cut *ours, int64_t now_ms)
{
    if (!range_pace_takes_check(&check->pace, now_ms) ||
        !range_list_may_work(check->list, now_ms)) {
        check->count->checks_dropped++;
        return;
    }
    range_resync_see_check(check, message, now_ms);
    judge_check(check, message, received, ours, now_ms);
    range_resync_take_check(check, message, now_ms);
}

/* The check of level 0. While something is on the way it is left out and does not count: the CHECKs
 * of the round do. */
static void take_whole(struct range_check *check, const struct wire_message *message,
                       uint64_t received, const struct wire_cut *ours, int64_t now_ms)
{
    check->their_slots = message->slots;
    if (!is_cut(check, message, received))
        return;
    /* Equal is equal, also while something is on its way. */
    if (message->digest == table_digest(check->list->table)) {
        settle(check, 0, RANGE_COUNT, now_ms);
        return;
    }
    if (message->whole == 0)
        return;
    bool is_left_out = !window_is_told(check->window) ||
                       message->cut.horizon_ns != ours->horizon_ns ||
                       range_list_is_young(check->list, check->link);
    if (!is_left_out && check->settled_count == RANGE_COUNT)
        show(check, 0, RANGE_COUNT);
}

static void take_list(struct range_check *check, const struct wire_message *message,
                      uint64_t received, const struct wire_cut *ours, int64_t now_ms)
{
    uint32_t range = (uint32_t)(message->first >> (message->level - WIRE_LEVEL_MAX));
    const struct range_waiting *waiting =
        range_list_waiting(check->list, check->link, &check->window->ring, check->window->acked);
    bool is_lazy = range_list_is_lazy(check->list, check->link) && message->has_recent;
    bool is_settled = range_check_is_settled(check, range) || (is_lazy && message->is_settled);
    bool is_exact = message->level == WIRE_LEVEL_MAX && check->agrees && is_settled &&
                    is_cut(check, message, received) &&
                    message->cut.horizon_ns == ours->horizon_ns && waiting != NULL &&
                    (is_lazy || !range_waiting_any(waiting, range, 1));
    range_repair_hold(check, message, is_exact, now_ms);
}

void range_check_receive(struct range_check *check, const struct wire_message *message,
                         uint64_t received, const struct wire_cut *ours, int64_t now_ms)
{
    if (check->settled == NULL)
        return;
    take_jumps(check);
    if (message->type != WIRE_WANT)
        take_met(check, message->cut.met);
    if (message->type == WIRE_HEARTBEAT || message->type == WIRE_CHECK)
        take_ceiling(check, message->cut.ceiling_ns, ours->ceiling_ns);
    if (message->type == WIRE_HEARTBEAT) {
        take_whole(check, message, received, ours, now_ms);
        range_resync_take_whole(check, now_ms);
    } else if (message->type == WIRE_CHECK)
        take_check(check, message, received, ours, now_ms);
    else if (message->type == WIRE_LIST)
        take_list(check, message, received, ours, now_ms);
    else
        range_repair_hold(check, message, false, now_ms);
}

/* ---- What is said of it ------------------------------------------------------------------ */

uint64_t range_check_age_ms(const struct range_check *check, int64_t now_ms)
{
    return check->compared_ms < 0 ? UINT64_MAX : (uint64_t)(now_ms - check->compared_ms);
}

uint64_t range_check_not_comparable(const struct range_check *check)
{
    uint64_t slots = most(range_check_slots(check), check->their_slots);
    return slots > RANGE_CHECK_SLOTS_MAX ? slots : 0;
}

void range_check_report(struct range_check *check, struct events *events, int64_t now_ms)
{
    if (check->faults.count == 0 || now_ms < check->faults_at)
        return;
    events_push(events, &(struct link_event){
                            .kind = LINK_DIGESTS_DIFFER,
                            .peer = check->link,
                            .digest = check->faults.ours,
                            .their_digest = check->faults.theirs,
                            .clients = table_count(check->list->table),
                            .ranges = check->faults.count,
                            .range = check->faults.range,
                            .compared_age_ms = range_check_age_ms(check, now_ms),
                        });
    check->faults = (struct range_faults){0};
    check->faults_at = now_ms + RANGE_CHECK_EVENT_MS;
}
