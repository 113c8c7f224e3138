#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#include "bus/link/range_check.h"

/* A LIST names a client by the bits 47 to 16 of its hash. */
#define ID_SHIFT 16

/* A LIST or a WANT that waits until the slots of its range are collected. */
struct range_held {
    struct range_held *next;
    uint32_t pass;
    enum wire_type type;
    unsigned level;
    uint32_t part, range; /* of `level`, and of WIRE_LEVEL_MAX */
    unsigned pass_level;  /* `pass` is of so much of the range */
    bool is_exact, has_recent;
    uint64_t digest; /* the range's, when it came */
    uint64_t salt;
    uint32_t bytes;
    char bin[];
};

/* A slot of ours, or an entry of theirs. */
struct entry {
    uint32_t id;   /* the client's hash, as in a LIST */
    uint32_t hash; /* half of the location's */
    uint32_t slot;
    bool waits;  /* its news may be on the way */
    bool recent; /* it changed lately */
};

/* The slots of a range, or of a part of one, in the order of their ids. */
struct entries {
    struct entry *all;
    uint32_t count;
    uint64_t digest; /* XOR of the whole hashes */
};

static uint32_t range_of(const struct range_due *due)
{
    return due->part >> (due->level - WIRE_LEVEL_MAX);
}

/* ---- What is asked for ------------------------------------------------------------------- */

bool range_repair_prepare(struct range_check *check)
{
    if (check->repair != NULL)
        return true;
    check->repair = calloc(1, sizeof *check->repair);
    if (check->repair != NULL)
        check->repair->held_end = &check->repair->held;
    return check->repair != NULL;
}

void range_repair_ask(struct range_check *check, uint32_t range, enum range_reason reason,
                      int64_t now_ms)
{
    if (!range_repair_prepare(check))
        return;
    struct range_repair *repair = check->repair;
    if (range_budget_turn(&check->budget, now_ms)) {
        memset(repair->listed, 0, sizeof repair->listed);
        memset(repair->starved, 0, sizeof repair->starved);
        check->pace.ids = 0;
    }
    bool starves = reason == RANGE_STARVES;
    if (range_bits_all(starves ? repair->starving : repair->listed, range, 1) ||
        repair->due_count == RANGE_CHECK_DUE_MAX)
        return;
    bool may = range_budget_spend(&check->budget, reason, now_ms);
    uint32_t pass = may ? range_list_want(check->list, WIRE_LEVEL_MAX, range) : 0;
    if (pass == 0) {
        check->count->checks_dropped++;
        return;
    }
    range_bits_set(starves ? repair->starved : repair->listed, range, 1, true);
    if (starves)
        range_bits_set(repair->starving, range, 1, true);
    repair->due[repair->due_count++] = (struct range_due){
        .pass = pass, .level = WIRE_LEVEL_MAX, .part = range, .is_starved = starves};
}

/* Which of them count: C9. */
static bool takes(struct range_check *check, const struct wire_message *message, uint32_t range,
                  int64_t now_ms)
{
    if (message->type == WIRE_WANT)
        return (range_bits_all(check->repair->listed, range, 1) ||
                range_bits_all(check->repair->starved, range, 1)) &&
               range_pace_takes_ids(&check->pace, message->bin.len / WIRE_ID_BYTES);
    return range_pace_takes_list(&check->pace, range_check_is_settled(check, range), now_ms);
}

void range_repair_hold(struct range_check *check, const struct wire_message *message, bool is_exact,
                       int64_t now_ms)
{
    uint32_t range = (uint32_t)(message->first >> (message->level - WIRE_LEVEL_MAX));
    size_t recent = message->type == WIRE_LIST && message->has_recent ? message->recent.len : 0;
    size_t bytes = sizeof(struct range_held) + message->bin.len + recent;
    struct range_held *held = NULL;
    if (range_repair_prepare(check) && takes(check, message, range, now_ms) &&
        check->repair->held_bytes + bytes <= RANGE_LIST_LINK_HELD_BYTES_MAX &&
        check->list->held_bytes + bytes <= RANGE_LIST_HELD_BYTES_MAX)
        held = malloc(bytes);
    uint32_t pass = held == NULL ? 0 : range_list_want(check->list, WIRE_LEVEL_MAX, range);
    if (pass == 0) {
        free(held);
        check->count->checks_dropped++;
        return;
    }
    *held =
        (struct range_held){.pass = pass,
                            .pass_level = WIRE_LEVEL_MAX,
                            .type = message->type,
                            .level = (unsigned)message->level,
                            .part = (uint32_t)message->first,
                            .range = range,
                            .is_exact = is_exact,
                            .has_recent = message->type == WIRE_LIST && message->has_recent,
                            .digest = table_range_digest(check->list->table, WIRE_LEVEL_MAX, range),
                            .salt = message->salt,
                            .bytes = (uint32_t)message->bin.len};
    memcpy(held->bin, message->bin.data, message->bin.len);
    if (recent > 0)
        memcpy(held->bin + message->bin.len, message->recent.data, recent);
    *check->repair->held_end = held;
    check->repair->held_end = &held->next;
    check->repair->held_bytes += bytes;
    check->list->held_bytes += bytes;
    if (message->type == WIRE_LIST)
        range_resync_leave(check, range, now_ms);
}

/* Of so many bytes of entries. */
static size_t recent_bytes(size_t bytes)
{
    return (bytes / WIRE_ENTRY_BYTES + 7) / 8;
}

static void drop_held(struct range_check *check)
{
    struct range_repair *repair = check->repair;
    struct range_held *held = repair->held;
    size_t bytes = sizeof *held + held->bytes + (held->has_recent ? recent_bytes(held->bytes) : 0);
    repair->held = held->next;
    if (repair->held == NULL)
        repair->held_end = &repair->held;
    repair->held_bytes -= bytes;
    check->list->held_bytes -= bytes;
    free(held);
}

/* Of that range; it is listed, as far as it can be. */
static void drop_due(struct range_repair *repair, uint32_t range)
{
    if (repair->due[0].is_starved)
        range_bits_set(repair->starving, range, 1, false);
    memmove(repair->due, repair->due + 1, --repair->due_count * sizeof *repair->due);
}

void range_repair_free(struct range_check *check)
{
    while (check->repair != NULL && check->repair->held != NULL)
        drop_held(check);
    free(check->repair);
    check->repair = NULL;
}

/* ---- What stands in a range -------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
    uint32_t x = ((const struct entry *)a)->id, y = ((const struct entry *)b)->id;
    return (x > y) - (x < y);
}

/* The half that a salt picks; 0 is "not now". */
static uint32_t half_of(uint64_t hash, uint64_t salt)
{
    return (uint32_t)((salt & 1) != 0 ? hash >> 32 : hash);
}

static int compare_slots(const void *a, const void *b)
{
    uint32_t x = ((const struct entry *)a)->slot, y = ((const struct entry *)b)->slot;
    return (x > y) - (x < y);
}

/* Leaves the entries in the order of their slots. */
static void mark_waiting(const struct range_waiting *waiting, uint32_t range,
                         struct entries *entries)
{
    if (waiting == NULL || !range_waiting_any(waiting, range, 1))
        return;
    qsort(entries->all, entries->count, sizeof *entries->all, compare_slots);
    for (uint32_t i = 0; i < waiting->count; i++) {
        struct entry wanted = {.slot = waiting->slots[i]}, *found = NULL;
        if (waiting->ranges[i] == range)
            found = bsearch(&wanted, entries->all, entries->count, sizeof wanted, compare_slots);
        if (found != NULL)
            found->waits = true;
    }
}

/* Read now, of what was collected before: a slot counts if a client of this part stands there. */
static bool gather(const struct range_check *check, uint32_t ord, uint32_t count, unsigned level,
                   uint32_t part, uint64_t salt, const struct range_waiting *waiting,
                   struct entries *entries)
{
    const struct table *table = check->list->table;
    *entries = (struct entries){.all = malloc((count + 1) * sizeof *entries->all)};
    if (entries->all == NULL)
        return false;
    for (; ord != 0; ord = check->list->places[ord - 1].before_ord) {
        uint32_t slot = check->list->places[ord - 1].slot;
        if (!table_slot_is_live(table, slot)) /* freed since */
            continue;
        uint64_t client = table_slot_client_hash(table, slot);
        if (client >> (64 - level) != part)
            continue;
        uint64_t hash = table_slot_hash(table, slot);
        entries->digest ^= hash;
        entries->all[entries->count++] =
            (struct entry){(uint32_t)(client >> ID_SHIFT), half_of(hash, salt), slot, false,
                           range_list_is_recent(check->list, slot)};
    }
    mark_waiting(waiting, part >> (level - WIRE_LEVEL_MAX), entries);
    qsort(entries->all, entries->count, sizeof *entries->all, compare_ids);
    range_list_charge(check->list, 2 * (uint64_t)count + 1);
    return true;
}

/* From `at` on, all of one id, as one entry: their XOR (C10). The index after the last of them. */
static uint32_t merge(const struct entries *entries, uint32_t at, struct entry *merged)
{
    *merged = entries->all[at];
    while (++at < entries->count && entries->all[at].id == merged->id) {
        merged->hash ^= entries->all[at].hash;
        merged->waits |= entries->all[at].waits;
        merged->recent |= entries->all[at].recent;
    }
    merged->hash += merged->hash == 0;
    return at;
}

/* ---- LIST -------------------------------------------------------------------------------- */

/* The part of a range that is at `level` and `part`; entries are in the order of their ids, so they
 * stand together. */
static struct entries slice(const struct entries *entries, unsigned level, uint32_t part)
{
    unsigned bits = level - WIRE_LEVEL_MAX;
    uint32_t wanted = part & ((1u << bits) - 1), first = 0, end;
    while (first < entries->count && entries->all[first].id >> (32 - bits) < wanted)
        first++;
    for (end = first; end < entries->count && entries->all[end].id >> (32 - bits) == wanted;)
        end++;
    return (struct entries){entries->all + first, end - first, 0};
}

static void put_number(char *at, uint32_t number)
{
    uint32_t big = htobe32(number);
    memcpy(at, &big, sizeof big);
}

/* False where even the finest part has too many clients: all of it is told, as if the other end
 * had asked for it. */
static bool write_entries(struct range_check *check, const struct entries *entries,
                          struct wire_message *message)
{
    uint32_t count = 0;
    memset(check->list->recent, 0, sizeof check->list->recent);
    for (uint32_t at = 0; at < entries->count; count++) {
        struct entry merged;
        at = merge(entries, at, &merged);
        if (count == WIRE_ENTRIES_MAX) {
            for (uint32_t i = 0; i < entries->count; i++)
                ring_push(&check->window->ring, entries->all[i].slot);
            range_list_forget_waiting(check->list);
            return false;
        }
        put_number(check->list->bin + count * WIRE_ENTRY_BYTES, merged.id);
        put_number(check->list->bin + count * WIRE_ENTRY_BYTES + 4, merged.waits ? 0 : merged.hash);
        if (merged.recent)
            check->list->recent[count / 8] |= (char)(0x80 >> count % 8);
    }
    message->recent = (struct span){check->list->recent, (count + 7) / 8};
    message->bin = (struct span){check->list->bin, (size_t)count * WIRE_ENTRY_BYTES};
    check->pace.ids += count;
    return true;
}

/* Goes from a part that was listed to the next one, from front to back. False after the last. */
static bool next_part(struct range_due *due)
{
    while (due->level > WIRE_LEVEL_MAX && due->part % 2 == 1) {
        due->level--;
        due->part /= 2;
    }
    due->part++;
    return due->level > WIRE_LEVEL_MAX;
}

/* The range as it stands now, if the collected slots are all that are in it; or its next part, the
 * largest one that a message has room for (C10). */
static bool write_list(struct range_check *check, struct range_due *due, uint32_t ord,
                       uint32_t count, struct wire_message *message)
{
    const struct range_waiting *waiting = range_list_waiting(
        check->list, check->link, &check->window->ring, check->window->announced);
    uint32_t range = range_of(due);
    struct entries all;
    if (waiting == NULL ||
        !gather(check, ord, count, WIRE_LEVEL_MAX, range, check->salt, waiting, &all))
        return false;
    struct entries part = all;
    bool is_good = due->level > WIRE_LEVEL_MAX ||
                   all.digest == table_range_digest(check->list->table, WIRE_LEVEL_MAX, range);
    if (due->level > WIRE_LEVEL_MAX)
        part = slice(&all, due->level, due->part);
    while (part.count > WIRE_ENTRIES_MAX && due->level < WIRE_PART_LEVEL_MAX)
        part = slice(&all, ++due->level, due->part *= 2);
    is_good = is_good && write_entries(check, &part, message);
    free(all.all);
    if (!is_good)
        return false;
    message->type = WIRE_LIST;
    message->level = due->level;
    message->first = due->part;
    message->has_recent = range_list_is_lazy(check->list, check->link);
    message->is_settled = !due->is_starved && range_check_is_settled(check, range);
    message->salt = check->salt++;
    check->count->lists_sent++;
    return true;
}

bool range_repair_write(struct range_check *check, uint32_t range, uint32_t ord, uint32_t count,
                        struct wire_message *message)
{
    struct range_due due = {.level = WIRE_LEVEL_MAX, .part = range};
    return write_list(check, &due, ord, count, message);
}

/* It waits for a pass of its own part, and others do not wait for it meanwhile. False where no part
 * is small enough. */
static bool ask_part(struct range_check *check, enum range_list_answer answer)
{
    struct range_repair *repair = check->repair;
    struct range_due due = repair->due[0];
    if (answer == RANGE_LIST_LARGE && due.level < WIRE_PART_LEVEL_MAX) {
        due.level++;
        due.part *= 2;
    } else if (answer == RANGE_LIST_LARGE || due.level == WIRE_LEVEL_MAX) {
        return false;
    }
    due.pass = range_list_want(check->list, due.level, due.part);
    if (due.pass == 0)
        return false;
    memmove(repair->due, repair->due + 1, (repair->due_count - 1) * sizeof *repair->due);
    repair->due[repair->due_count - 1] = due;
    return true;
}

/* A LIST that cannot be written now is not missed: the next check asks again. */
static bool next_list(struct range_check *check, struct wire_message *message, int64_t now_ms)
{
    struct range_repair *repair = check->repair;
    while (repair->due_count > 0 && range_list_may_work(check->list, now_ms)) {
        struct range_due *due = &repair->due[0];
        uint32_t ord = 0, count = 0, range = range_of(due);
        enum range_list_answer answer =
            range_list_find(check->list, due->pass, due->level, due->part, &ord, &count);
        if (answer == RANGE_LIST_LATER)
            return false;
        if (answer != RANGE_LIST_HERE && ask_part(check, answer))
            continue;
        bool is_here = answer == RANGE_LIST_HERE;
        bool is_written = is_here && write_list(check, due, ord, count, message);
        if (is_here && !is_written && due->level == WIRE_LEVEL_MAX && !due->is_starved)
            range_bits_set(repair->listed, range, 1, false);
        if (is_written && due->is_starved)
            range_check_see_starved(check, range, now_ms);
        if (is_here && next_part(due))
            range_list_keep(check->list, now_ms);
        else
            drop_due(repair, range);
        if (is_written)
            return true;
    }
    return false;
}

/* ---- What a LIST and a WANT do ----------------------------------------------------------- */

static bool read_entries(const struct range_held *held, uint32_t entry_bytes,
                         struct entries *entries)
{
    uint32_t count = held->bytes / entry_bytes;
    *entries = (struct entries){.all = malloc((count + 1) * sizeof *entries->all), .count = count};
    if (entries->all == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t numbers[2] = {0};
        memcpy(numbers, held->bin + (size_t)i * entry_bytes, entry_bytes);
        bool recent = held->has_recent && (held->bin[held->bytes + i / 8] & (0x80 >> i % 8)) != 0;
        entries->all[i] = (struct entry){
            .id = be32toh(numbers[0]), .hash = be32toh(numbers[1]), .recent = recent};
    }
    qsort(entries->all, count, sizeof *entries->all, compare_ids);
    return true;
}

static void push(struct range_check *check, const struct entries *entries, uint32_t from,
                 uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        ring_push(&check->window->ring, entries->all[i].slot);
    range_list_forget_waiting(check->list);
}

/* What a comparison has found. */
struct found {
    uint32_t differ; /* entries that do, */
    uint32_t late;   /* of these, such as changed lately at either end */
    uint32_t wanted; /* ids, which stand in the list's bin */
};

/* Pushes what differs and wants the rest. */
static struct found compare(struct range_check *check, const struct entries *ours,
                            const struct entries *theirs)
{
    struct found found = {0};
    uint32_t i = 0, j = 0;
    while (i < ours->count || j < theirs->count) {
        struct entry mine = {0}, other = {0};
        uint32_t after = i < ours->count ? merge(ours, i, &mine) : i;
        other = j < theirs->count ? theirs->all[j] : other;
        bool has_mine = i < ours->count && (j == theirs->count || mine.id <= other.id);
        bool has_other = j < theirs->count && (i == ours->count || other.id <= mine.id);
        bool is_same = has_mine && has_other && mine.hash == other.hash;
        bool is_not_now = (has_mine && mine.waits) || (has_other && other.hash == 0);
        if (!is_same && !is_not_now) {
            found.differ++;
            found.late += (has_mine && mine.recent) || (has_other && other.recent);
            if (has_mine)
                push(check, ours, i, after);
            if (has_other)
                put_number(check->list->bin + found.wanted++ * WIRE_ID_BYTES, other.id);
        }
        i = has_mine ? after : i;
        j += has_other;
    }
    return found;
}

/* True with a WANT. */
static bool apply_list(struct range_check *check, const struct range_held *held,
                       const struct entries *ours, struct wire_message *message, int64_t now_ms)
{
    struct entries theirs;
    if (!read_entries(held, WIRE_ENTRY_BYTES, &theirs))
        return false;
    struct found found = compare(check, ours, &theirs);
    free(theirs.all);
    bool is_lazy = held->has_recent && range_list_is_lazy(check->list, check->link);
    uint32_t differ = is_lazy ? found.differ - found.late : found.differ;
    check->count->locations_late += found.differ - differ;
    uint64_t digest = table_range_digest(check->list->table, WIRE_LEVEL_MAX, held->range);
    if (differ > 0 && held->is_exact && digest == held->digest &&
        (is_lazy || range_check_is_settled(check, held->range)))
        range_check_fault(check, held->range, wire_fold(digest), 0, now_ms);
    if (differ > 0)
        range_check_unsettle(check, held->range);
    if (found.wanted == 0 || check->is_observer)
        return false;
    message->type = WIRE_WANT;
    message->level = held->level;
    message->first = held->part;
    message->bin = (struct span){check->list->bin, (size_t)found.wanted * WIRE_ID_BYTES};
    check->count->wants_sent++;
    return true;
}

static void apply_want(struct range_check *check, const struct range_held *held,
                       const struct entries *ours)
{
    struct entries wanted;
    if (!read_entries(held, WIRE_ID_BYTES, &wanted))
        return;
    bool is_late = range_list_is_lazy(check->list, check->link);
    for (uint32_t i = 0, j = 0; i < ours->count; i++) {
        while (j < wanted.count && wanted.all[j].id < ours->all[i].id)
            j++;
        if (j < wanted.count && wanted.all[j].id == ours->all[i].id) {
            push(check, ours, i, i + 1);
            is_late &= ours->all[i].recent;
        }
    }
    free(wanted.all);
    if (!is_late)
        range_check_unsettle(check, held->range);
}

/* What waits at positions from `acked` on is what the other end may lack: it has said `have` in the
 * message, and all it says is taken. Where too much waits to be looked at, some of it may be told
 * twice: in a resynchronisation that is better than to find it later. */
static bool apply_held(struct range_check *check, const struct range_held *held, uint32_t ord,
                       uint32_t count, struct wire_message *message, int64_t now_ms)
{
    const struct range_waiting *waiting =
        range_list_waiting(check->list, check->link, &check->window->ring, check->window->acked);
    struct entries ours;
    if ((waiting == NULL && !check->resync.is_active) ||
        !gather(check, ord, count, held->level, held->part, held->salt, waiting, &ours))
        return false;
    bool any = false;
    if (held->type == WIRE_LIST)
        any = apply_list(check, held, &ours, message, now_ms);
    else
        apply_want(check, held, &ours);
    free(ours.all);
    return any;
}

/* It waits for a pass of the part that it is of, after all others. */
static bool ask_held_part(struct range_check *check, enum range_list_answer answer)
{
    struct range_repair *repair = check->repair;
    struct range_held *held = repair->held;
    if (answer == RANGE_LIST_LARGE && held->pass_level < held->level)
        held->pass_level++;
    else if (answer == RANGE_LIST_LARGE || held->level == WIRE_LEVEL_MAX)
        return false;
    held->pass = range_list_want(check->list, held->pass_level,
                                 held->part >> (held->level - held->pass_level));
    if (held->pass == 0)
        return false;
    repair->held = held->next;
    held->next = NULL;
    if (repair->held == NULL)
        repair->held_end = &repair->held;
    *repair->held_end = held;
    repair->held_end = &held->next;
    return true;
}

static bool next_held(struct range_check *check, struct wire_message *message, int64_t now_ms)
{
    struct range_repair *repair = check->repair;
    while (repair->held != NULL && range_list_may_work(check->list, now_ms)) {
        const struct range_held *held = repair->held;
        uint32_t ord = 0, count = 0;
        enum range_list_answer answer =
            range_list_find(check->list, held->pass, held->level, held->part, &ord, &count);
        if (answer == RANGE_LIST_LATER)
            return false;
        if (answer != RANGE_LIST_HERE && ask_held_part(check, answer))
            continue;
        if (answer == RANGE_LIST_HERE)
            range_list_keep(check->list, now_ms);
        bool any =
            answer == RANGE_LIST_HERE && apply_held(check, held, ord, count, message, now_ms);
        drop_held(check);
        if (any)
            return true;
    }
    return false;
}

bool range_repair_next(struct range_check *check, struct wire_message *message, int64_t now_ms)
{
    if (check->repair == NULL)
        return false;
    range_list_step(check->list, now_ms);
    return next_held(check, message, now_ms) || next_list(check, message, now_ms);
}

static bool is_ready(const struct range_list *list, uint32_t pass, uint32_t level, uint32_t part)
{
    uint32_t ord, count;
    return range_list_find(list, pass, level, part, &ord, &count) != RANGE_LIST_LATER;
}

int64_t range_repair_deadline_ms(const struct range_check *check)
{
    const struct range_repair *repair = check->repair;
    if (repair == NULL || (repair->held == NULL && repair->due_count == 0))
        return INT64_MAX;
    const struct range_held *held = repair->held;
    const struct range_due *due = repair->due;
    bool is_due =
        (held != NULL && is_ready(check->list, held->pass, held->level, held->part)) ||
        (repair->due_count > 0 && is_ready(check->list, due->pass, due->level, due->part));
    return is_due ? range_list_paid_ms(check->list) : range_list_deadline_ms(check->list);
}
