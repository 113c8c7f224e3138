/* The pass over the table, and what waits on a link. */
#include "tests/unit/range_end.h"

static struct end ada;

/* Runs it at this moment. */
static void step(void)
{
    range_list_step(&ada.list, ada.now_ms);
}

static uint32_t count_of(uint32_t pass, uint32_t range)
{
    uint32_t ord, count;
    enum range_list_answer answer = range_list_find(&ada.list, pass, 16, range, &ord, &count);
    if (answer != RANGE_LIST_HERE)
        return answer == RANGE_LIST_LATER ? 1000000 : 2000000;
    uint32_t found = 0;
    for (; ord != 0; ord = ada.list.places[ord - 1].before_ord) {
        uint32_t slot = ada.list.places[ord - 1].slot;
        CHECK_INT(table_slot_client_hash(ada.table, slot) >> 48, range);
        found++;
    }
    CHECK_INT(found, count);
    return count;
}

static void one_pass_collects_what_all_have_asked_for(void)
{
    open_end(&ada);
    for (uint32_t i = 0; i < 100; i++)
        put(&ada, i % 10, i, 1);
    CHECK_INT(range_list_deadline_ms(&ada.list), INT64_MAX);
    uint32_t pass = range_list_want(&ada.list, 16, 3);
    CHECK_INT(range_list_want(&ada.list, 16, 3), pass);
    CHECK_INT(range_list_want(&ada.list, 16, 60000), pass);
    CHECK_INT(range_list_want(&ada.list, 16, 9), pass);
    CHECK_INT(count_of(pass, 3), 1000000);
    step();
    CHECK_INT(count_of(pass, 3), 10);
    CHECK_INT(count_of(pass, 9), 10);
    CHECK_INT(count_of(pass, 60000), 0);
    CHECK_INT(count_of(pass, 4), 2000000); /* nobody asked */
    uint32_t next = range_list_want(&ada.list, 16, 4);
    CHECK_INT(next, pass + 1);
    ada.now_ms += RANGE_LIST_READY_MS - 1;
    step();
    CHECK_INT(count_of(pass, 3), 10);
    CHECK_INT(count_of(next, 4), 1000000);
    ada.now_ms++;
    CHECK_INT(range_list_deadline_ms(&ada.list), ada.now_ms);
    step();
    CHECK_INT(count_of(pass, 3), 2000000); /* too late */
    CHECK_INT(count_of(next, 4), 10);
    ada.now_ms += RANGE_LIST_READY_MS;
    step();
    CHECK(ada.list.places == NULL && ada.list.ords == NULL);
    CHECK_INT(range_list_deadline_ms(&ada.list), INT64_MAX);
    close_end(&ada);
}

/* Many clients, a thousand in each range. */
static void fill(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        put(&ada, i % (count / 1000), i, 1);
}

static void a_pass_looks_at_a_thousand_slots_a_millisecond(void)
{
    open_end(&ada);
    fill(30000);
    step();
    while (range_list_may_work(&ada.list, ada.now_ms))
        range_list_charge(&ada.list, 1000);
    uint32_t pass = range_list_want(&ada.list, 16, 3);
    int64_t start_ms = ada.now_ms;
    while (count_of(pass, 3) == 1000000 && ada.now_ms < start_ms + 1000) {
        ada.now_ms++;
        step();
        if (count_of(pass, 3) == 1000000)
            CHECK_INT(range_list_deadline_ms(&ada.list), ada.now_ms + 1);
        CHECK(ada.list.slot <= 1000 * (uint64_t)(ada.now_ms - start_ms));
    }
    CHECK_INT(count_of(pass, 3), 1000);
    /* And what it leaves to others: half of the bucket. */
    int64_t spare_ms = RANGE_LIST_BURST_MS / 2;
    CHECK(ada.now_ms - start_ms >= 30 && ada.now_ms - start_ms <= 30 + spare_ms + 1);
    close_end(&ada);
}

static void a_client_that_comes_during_the_pass_is_found_or_seen_by_the_digest(void)
{
    open_end(&ada);
    fill(60000);
    step();
    while (range_list_may_work(&ada.list, ada.now_ms))
        range_list_charge(&ada.list, 1000);
    uint32_t pass = range_list_want(&ada.list, 16, 3);
    step();
    CHECK_INT(count_of(pass, 3), 1000000); /* under way */
    put(&ada, 3, 65000, 1);
    for (int i = 0; i < 160; i++, ada.now_ms++)
        step();
    CHECK_INT(count_of(pass, 3), 1001);
    close_end(&ada);
}

static void a_pass_is_of_so_many_ranges_and_slots(void)
{
    open_end(&ada);
    for (uint32_t range = 0; range < RANGE_LIST_RANGES_MAX; range++)
        CHECK(range_list_want(&ada.list, 16, 3 * range) != 0);
    CHECK_INT(range_list_want(&ada.list, 16, 1), 0);
    CHECK(range_list_want(&ada.list, 16, 3) != 0); /* is there already */
    close_end(&ada);
}

/* All of range 3, whose halves have room, and one of range 4. */
static void of_a_range_that_is_too_large_a_part_is_collected(void)
{
    open_end(&ada);
    for (uint64_t i = 0; i <= RANGE_LIST_RANGE_SLOTS_MAX; i++)
        put_from(&ada, (uint64_t)3 << 48 | i << 32, 1, 1);
    put(&ada, 4, 1, 1);
    uint32_t pass = range_list_want(&ada.list, 16, 3), ord, count;
    CHECK_INT(range_list_want(&ada.list, 16, 4), pass);
    step();
    CHECK_INT(range_list_find(&ada.list, pass, 16, 3, &ord, &count), RANGE_LIST_LARGE);
    CHECK_INT(count_of(pass, 4), 1);
    pass = range_list_want(&ada.list, 17, 6);
    CHECK_INT(range_list_want(&ada.list, 17, 7), pass); /* only one: the first */
    CHECK_INT(range_list_want(&ada.list, 16, 4), pass);
    ada.now_ms += RANGE_LIST_READY_MS;
    step();
    CHECK_INT(range_list_find(&ada.list, pass, 17, 6, &ord, &count), RANGE_LIST_HERE);
    CHECK_INT(count, 32768);
    CHECK_INT(range_list_find(&ada.list, pass, 18, 13, &ord, &count), RANGE_LIST_HERE);
    CHECK_INT(range_list_find(&ada.list, pass, 17, 7, &ord, &count), RANGE_LIST_GONE);
    CHECK_INT(range_list_find(&ada.list, pass, 16, 3, &ord, &count), RANGE_LIST_GONE);
    CHECK_INT(count_of(pass, 4), 1);
    pass = range_list_want(&ada.list, 17, 7);
    ada.now_ms += RANGE_LIST_READY_MS;
    step();
    CHECK_INT(range_list_find(&ada.list, pass, 17, 7, &ord, &count), RANGE_LIST_HERE);
    CHECK_INT(count, 1);
    close_end(&ada);
}

/* What waits on the link: as many slots, of one range each. */
static uint32_t slots[RANGE_LIST_WAITING_MAX + 1];

static void what_waits_is_told_by_range(void)
{
    open_end(&ada);
    for (uint32_t i = 0; i <= RANGE_LIST_WAITING_MAX; i++)
        slots[i] = put(&ada, 5 * i % RANGE_COUNT, i, 1);
    const struct ring *ring = &ada.window.ring;
    const struct range_waiting *waiting = range_list_waiting(&ada.list, 0, ring, 0);
    CHECK(waiting != NULL && waiting->count == 0 && !range_waiting_any(waiting, 0, RANGE_COUNT));
    ring_push(&ada.window.ring, slots[0]);
    ring_push(&ada.window.ring, slots[20]);
    ring_push(&ada.window.ring, slots[30]);
    ring_forget(&ada.window.ring, slots[20]);
    waiting = range_list_waiting(&ada.list, 0, ring, 0);
    CHECK(range_waiting_any(waiting, 0, 1) && range_waiting_any(waiting, 150, 1));
    CHECK(!range_waiting_any(waiting, 100, 1) && !range_waiting_any(waiting, 151, 1));
    CHECK(range_waiting_any(waiting, 128, 32) && !range_waiting_any(waiting, 64, 64));
    CHECK(range_waiting_any(waiting, 128, 128) && !range_waiting_any(waiting, 256, 256));
    waiting = range_list_waiting(&ada.list, 0, ring, 1);
    CHECK(!range_waiting_any(waiting, 0, 1) && range_waiting_any(waiting, 150, 1));
    waiting = range_list_waiting(&ada.list, 1, &(struct ring){0}, 0); /* of another link */
    CHECK(!range_waiting_any(waiting, 0, RANGE_COUNT));
    ada.window.ring.lost = true; /* then nobody knows what waits */
    CHECK(range_list_waiting(&ada.list, 0, ring, 0) == NULL);
    ada.window.ring.lost = false;
    for (uint32_t i = 0; i < RANGE_LIST_WAITING_MAX; i++)
        ring_push(&ada.window.ring, slots[i]);
    range_list_forget_waiting(&ada.list);
    uint64_t from = ring->head - RANGE_LIST_WAITING_MAX;
    CHECK(range_list_waiting(&ada.list, 0, ring, from) != NULL);
    ring_push(&ada.window.ring, slots[RANGE_LIST_WAITING_MAX]);
    range_list_forget_waiting(&ada.list);
    CHECK(range_list_waiting(&ada.list, 0, ring, from) == NULL);
    close_end(&ada);
}

static const struct check_case cases[] = {
    {"one pass collects what all have asked for", one_pass_collects_what_all_have_asked_for},
    {"a pass looks at a thousand slots a millisecond",
     a_pass_looks_at_a_thousand_slots_a_millisecond},
    {"a client that comes during the pass is found, or seen by the digest",
     a_client_that_comes_during_the_pass_is_found_or_seen_by_the_digest},
    {"a pass is of so many ranges and slots", a_pass_is_of_so_many_ranges_and_slots},
    {"of a range that is too large a part is collected",
     of_a_range_that_is_too_large_a_part_is_collected},
    {"what waits is told by range", what_waits_is_told_by_range},
};

CHECK_MAIN(cases)
