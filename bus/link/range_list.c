#include "bus/link/range_list.h"

#include <assert.h>
#include <stdlib.h>

#define NEVER      INT64_MAX
#define NS_PER_MS  1000000
#define JUMP_NS    INT64_C(2000000000)
#define PLACES_MIN 256u
#define TOO_MANY   (RANGE_LIST_RANGE_SLOTS_MAX + 1)
#define NO_ROOM    (RANGE_LIST_RANGE_SLOTS_MAX + 2)
/* A long pass leaves this much to whoever compares meanwhile. */
#define SPARE_SLOTS (RANGE_LIST_SLOTS_PER_MS * RANGE_LIST_BURST_MS / 2)

static_assert(RANGE_LIST_RANGES_MAX < UINT16_MAX, "an ord has 16 bits");

static const struct range_rate work_rate = {RANGE_LIST_SLOTS_PER_MS * RANGE_LIST_BURST_MS,
                                            RANGE_LIST_SLOTS_PER_MS * 60000};

void range_list_init(struct range_list *list, const struct table *table)
{
    list->table = table;
    list->stepped_ms = INT64_MIN;
}

static void let_go(struct range_list *list)
{
    free(list->ords);
    free(list->places);
    list->ords = NULL;
    list->places = NULL;
    list->place_count = list->place_room = list->range_count = 0;
    list->state = RANGE_LIST_IDLE;
}

void range_list_free(struct range_list *list)
{
    let_go(list);
}

/* ---- A pass ------------------------------------------------------------------------------ */

static uint32_t range_of(uint32_t level, uint32_t part)
{
    assert(level >= WIRE_LEVEL_MAX && level <= WIRE_PART_LEVEL_MAX && part >> level == 0);
    return part >> (level - WIRE_LEVEL_MAX);
}

uint32_t range_list_want(struct range_list *list, uint32_t level, uint32_t part)
{
    uint32_t range = range_of(level, part);
    bool is_wanted = range_bits_all(list->wanted, range, 1);
    if (!is_wanted && list->wanted_count == RANGE_LIST_RANGES_MAX)
        return 0;
    if (level > WIRE_LEVEL_MAX && list->wanted_level > 0)
        return list->pass + 1;
    if (level > WIRE_LEVEL_MAX) {
        list->wanted_level = level;
        list->wanted_part = part;
    }
    list->wanted_count += range_bits_set(list->wanted, range, 1, true);
    return list->pass + 1;
}

static void add_range(struct range_list *list, uint32_t range)
{
    list->ranges[list->range_count] =
        (struct range_collected){.level = WIRE_LEVEL_MAX, .part = range};
    list->ords[range] = (uint16_t)++list->range_count;
}

/* What is wanted becomes the pass. Without memory it finds nothing. */
static void begin(struct range_list *list)
{
    list->pass++;
    list->slot = 0;
    list->state = RANGE_LIST_RUNS;
    list->ords = calloc(RANGE_COUNT, sizeof *list->ords);
    for (uint32_t i = 0; list->ords != NULL && i < RANGE_WORDS; i++)
        for (uint64_t word = list->wanted[i]; word != 0; word &= word - 1)
            add_range(list, i * RANGE_BITS_PER_WORD + (uint32_t)__builtin_ctzll(word));
    if (list->ords != NULL && list->wanted_level > 0) {
        uint32_t ord = list->ords[range_of(list->wanted_level, list->wanted_part)];
        list->ranges[ord - 1].level = list->wanted_level;
        list->ranges[ord - 1].part = list->wanted_part;
    }
    memset(list->wanted, 0, sizeof list->wanted);
    list->wanted_count = list->wanted_level = 0;
}

static bool make_room(struct range_list *list)
{
    if (list->place_count < list->place_room)
        return true;
    uint32_t room = list->place_room == 0 ? PLACES_MIN : 2 * list->place_room;
    if (room > RANGE_LIST_SLOTS_MAX)
        return false;
    struct range_place *places = realloc(list->places, room * sizeof *places);
    if (places == NULL)
        return false;
    list->places = places;
    list->place_room = room;
    return true;
}

static void collect(struct range_list *list, uint32_t slot)
{
    if (!table_slot_is_live(list->table, slot))
        return;
    uint32_t ord = list->ords[table_slot_range(list->table, slot)];
    struct range_collected *ours = ord == 0 ? NULL : &list->ranges[ord - 1];
    if (ord == 0 || ours->count > RANGE_LIST_RANGE_SLOTS_MAX ||
        (ours->level > WIRE_LEVEL_MAX &&
         table_slot_client_hash(list->table, slot) >> (64 - ours->level) != ours->part))
        return;
    if (ours->count == RANGE_LIST_RANGE_SLOTS_MAX || !make_room(list)) {
        ours->count = ours->count == RANGE_LIST_RANGE_SLOTS_MAX ? TOO_MANY : NO_ROOM;
        return;
    }
    list->places[list->place_count++] = (struct range_place){slot, ours->last_ord};
    ours->last_ord = list->place_count;
    ours->count++;
}

/* Slots that are added meanwhile are looked at, too. */
static void go_on(struct range_list *list, int64_t now_ms)
{
    uint32_t count = list->range_count == 0 ? 0 : table_slots(list->table);
    while (list->slot < count && range_bucket_has(&list->work, &work_rate, SPARE_SLOTS, now_ms)) {
        uint32_t first = list->slot;
        while (list->slot < count && list->slot - first < RANGE_LIST_SLOTS_PER_MS)
            collect(list, list->slot++);
        range_list_charge(list, list->slot - first);
    }
    if (list->slot < count)
        return;
    list->state = RANGE_LIST_READY;
    list->ready_until_ms = now_ms + RANGE_LIST_READY_MS;
}

void range_list_step(struct range_list *list, int64_t now_ms)
{
    list->stepped_ms = now_ms;
    if (list->state == RANGE_LIST_READY && now_ms >= list->ready_until_ms)
        let_go(list);
    if (list->state == RANGE_LIST_IDLE && list->wanted_count > 0)
        begin(list);
    if (list->state == RANGE_LIST_RUNS)
        go_on(list, now_ms);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t range_list_deadline_ms(const struct range_list *list)
{
    switch (list->state) {
    case RANGE_LIST_IDLE:
        return list->wanted_count > 0 ? range_list_paid_ms(list) : NEVER;
    case RANGE_LIST_RUNS:
        return later(list->stepped_ms + 1, range_list_paid_ms(list));
    case RANGE_LIST_READY:
        break;
    }
    return later(list->ready_until_ms, range_list_paid_ms(list));
}

enum range_list_answer range_list_find(const struct range_list *list, uint32_t pass, uint32_t level,
                                       uint32_t part, uint32_t *ord, uint32_t *count)
{
    uint32_t range = range_of(level, part);
    if (pass > list->pass || (pass == list->pass && list->state == RANGE_LIST_RUNS))
        return RANGE_LIST_LATER;
    if (pass < list->pass || list->state != RANGE_LIST_READY || list->ords == NULL ||
        list->ords[range] == 0)
        return RANGE_LIST_GONE;
    const struct range_collected *ours = &list->ranges[list->ords[range] - 1u];
    *ord = ours->last_ord;
    *count = ours->count;
    if (level < ours->level || part >> (level - ours->level) != ours->part ||
        ours->count == NO_ROOM)
        return RANGE_LIST_GONE;
    return ours->count == TOO_MANY ? RANGE_LIST_LARGE : RANGE_LIST_HERE;
}

void range_list_keep(struct range_list *list, int64_t now_ms)
{
    list->ready_until_ms = now_ms + RANGE_LIST_READY_MS;
}

bool range_list_may_work(struct range_list *list, int64_t now_ms)
{
    return range_bucket_has(&list->work, &work_rate, 0, now_ms);
}

int64_t range_list_paid_ms(const struct range_list *list)
{
    return list->work.parts > 0 ? INT64_MIN : list->work.at_ms + 1;
}

void range_list_charge(struct range_list *list, uint64_t slots)
{
    range_bucket_charge(&list->work, slots);
}

/* ---- What waits -------------------------------------------------------------------------- */

static void add_waiting(struct range_waiting *waiting, uint32_t slot, uint32_t range)
{
    waiting->slots[waiting->count] = slot;
    waiting->ranges[waiting->count++] = (uint16_t)range;
    range_bits_set(waiting->bits, range, 1, true);
}

static void add_slot(struct range_list *list, uint32_t slot)
{
    if (table_slot_is_live(list->table, slot))
        add_waiting(&list->waiting, slot, table_slot_range(list->table, slot));
}

static void look(struct range_list *list, const struct ring *ring, uint64_t from, uint32_t young)
{
    struct range_waiting *waiting = &list->waiting;
    if (waiting->count > 0)
        memset(waiting->bits, 0, sizeof waiting->bits);
    waiting->count = 0;
    for (uint64_t position = from; position < ring->head; position++) {
        uint32_t slot;
        if (ring_at(ring, position, &slot))
            add_slot(list, slot);
    }
    for (uint32_t i = 0; i < young; i++)
        add_slot(list, lazy_young(list->lazy, i));
    range_list_charge(list, ring->head - from + young);
}

bool range_list_is_lazy(const struct range_list *list, size_t link)
{
    return list->lazy != NULL && lazy_is_lazy(list->lazy, link);
}

uint32_t range_list_count_young(const struct range_list *list, size_t link)
{
    return range_list_is_lazy(list, link) ? lazy_count_young(list->lazy, link) : 0;
}

bool range_list_is_young(const struct range_list *list, size_t link)
{
    return range_list_count_young(list, link) > 0;
}

bool range_list_is_recent(const struct range_list *list, uint32_t slot)
{
    return list->lazy != NULL && lazy_age_ms(list->lazy, slot) < LAZY_RECENT_MS;
}

const struct range_waiting *range_list_waiting(struct range_list *list, size_t link,
                                               const struct ring *ring, uint64_t from)
{
    struct range_waiting *waiting = &list->waiting;
    if (from < ring->kept)
        from = ring->kept;
    uint32_t young = range_list_count_young(list, link);
    if (ring->lost || ring->head - from > RANGE_LIST_WAITING_MAX || young > LAZY_YOUNG_MAX)
        return NULL;
    uint64_t changes = table_changes(list->table);
    if (waiting->is_known && waiting->link == link && waiting->from == from &&
        waiting->head == ring->head && waiting->changes == changes &&
        (young == 0 || waiting->now_ms == list->now_ms))
        return waiting;
    look(list, ring, from, young);
    waiting->is_known = true;
    waiting->link = link;
    waiting->from = from;
    waiting->head = ring->head;
    waiting->changes = changes;
    waiting->now_ms = list->now_ms;
    return waiting;
}

bool range_waiting_any(const struct range_waiting *waiting, uint32_t first, uint32_t count)
{
    return waiting->count > 0 && range_bits_any(waiting->bits, first, count);
}

void range_list_forget_waiting(struct range_list *list)
{
    list->waiting.is_known = false;
}

/* ---- Times ------------------------------------------------------------------------------- */

static bool is_jump(int64_t before_ns, int64_t after_ns)
{
    int64_t difference_ns;
    return __builtin_sub_overflow(after_ns, before_ns, &difference_ns) || difference_ns > JUMP_NS ||
           difference_ns < -JUMP_NS;
}

/* Where there is none, it stays where it is. */
static int64_t offset_of(int64_t time_ns, int64_t now_ms)
{
    bool is_none = time_ns == INT64_MAX || time_ns == INT64_MIN;
    return is_none ? time_ns : time_ns - now_ms * NS_PER_MS;
}

void range_list_jump_back(struct range_list *list)
{
    list->jumps++;
    list->backs++;
}

void range_list_set_times(struct range_list *list, int64_t ceiling_ns, int64_t floor_ns,
                          int64_t now_ms)
{
    int64_t ceiling_offset_ns = offset_of(ceiling_ns, now_ms);
    int64_t floor_offset_ns = offset_of(floor_ns, now_ms);
    bool jumped = is_jump(list->ceiling_offset_ns, ceiling_offset_ns) ||
                  is_jump(list->floor_offset_ns, floor_offset_ns);
    list->jumps += list->has_times && jumped;
    list->has_times = true;
    list->now_ms = now_ms;
    list->ceiling_offset_ns = ceiling_offset_ns;
    list->floor_offset_ns = floor_offset_ns;
}
