/* Which slots are free: the lowest first. */
#include "bus/table/slots.h"

#include "tests/check.h"

static struct allowance allowance = {.max = UINT64_MAX};

static void the_lowest_slot_is_found_however_far_it_is(void)
{
    static const uint32_t far[] = {0, 1, 63, 64, 4095, 4096, 70000, 299999};
    struct slots slots = {0};
    CHECK(slots_make_room(&slots, 300000, &allowance));
    for (size_t i = sizeof far / sizeof *far; i-- > 0;) {
        slots_add(&slots, far[i]);
        CHECK_INT(slots_lowest(&slots), far[i]);
    }
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        CHECK_INT(slots.count, sizeof far / sizeof *far - i);
        CHECK_INT(slots_lowest(&slots), far[i]);
        CHECK(slots_has(&slots, far[i]));
        slots_remove(&slots, far[i]);
        CHECK(!slots_has(&slots, far[i]));
    }
    CHECK_INT(slots.count, 0);
    CHECK(!slots_has(&slots, UINT32_MAX));
    slots_release(&slots);
}

static void room_that_grows_keeps_what_is_there_and_is_counted(void)
{
    struct slots slots = {0};
    uint64_t taken = allowance.taken;
    CHECK_INT(slots_bytes(&slots), 0);
    CHECK(slots_make_room(&slots, 1, &allowance));
    CHECK_INT(allowance.taken - taken, slots_bytes(&slots));
    slots_add(&slots, 7);
    slots_add(&slots, 70);
    CHECK(slots_make_room(&slots, 1000000, &allowance));
    CHECK_INT(allowance.taken - taken, slots_bytes(&slots));
    slots_add(&slots, 999999);
    CHECK_INT(slots_lowest(&slots), 7);
    slots_remove(&slots, 7);
    CHECK_INT(slots_lowest(&slots), 70);
    slots_remove(&slots, 70);
    CHECK_INT(slots_lowest(&slots), 999999);
    slots_release(&slots);
    struct allowance none = {.max = 0};
    CHECK(!slots_make_room(&slots, 1, &none));
    CHECK_INT(slots_bytes(&slots), 0);
}

static void a_whole_chunk_is_free_when_its_last_slot_is(void)
{
    struct slots slots = {0};
    CHECK(slots_make_room(&slots, 1024, &allowance));
    for (uint32_t slot = 256; slot < 512; slot++) {
        CHECK(!slots_has_all(&slots, 256, 256));
        slots_add(&slots, slot);
    }
    CHECK(slots_has_all(&slots, 256, 256));
    CHECK(!slots_has_all(&slots, 0, 256));
    slots_remove(&slots, 300);
    CHECK(!slots_has_all(&slots, 256, 256));
    slots_release(&slots);
}

static const struct check_case cases[] = {
    {"the lowest slot is found however far it is", the_lowest_slot_is_found_however_far_it_is},
    {"room that grows keeps what is there and is counted",
     room_that_grows_keeps_what_is_there_and_is_counted},
    {"a whole chunk is free when its last slot is", a_whole_chunk_is_free_when_its_last_slot_is},
};

CHECK_MAIN(cases)
