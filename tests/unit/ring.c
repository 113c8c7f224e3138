/* The conflating ring: what waits, once each, whatever is lost on the way. */
#include "bus/ring.h"

#include "tests/check.h"

static uint32_t take(struct ring *ring)
{
    uint32_t slot = UINT32_MAX;
    CHECK(ring_peek(ring, &slot));
    ring_take(ring);
    return slot;
}

static void slots_come_out_in_the_order_of_their_first_change(void)
{
    struct ring ring = {0};
    uint32_t slot;
    CHECK(!ring_peek(&ring, &slot));
    ring_push(&ring, 7);
    ring_push(&ring, 3);
    ring_push(&ring, 7);
    ring_push(&ring, 900);
    ring_push(&ring, 3);
    CHECK_INT(ring.head, 3);
    CHECK_INT(take(&ring), 7);
    CHECK_INT(take(&ring), 3);
    CHECK_INT(take(&ring), 900);
    CHECK(!ring_peek(&ring, &slot));
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
}

static void a_told_slot_may_wait_again(void)
{
    struct ring ring = {0};
    ring_push(&ring, 1);
    take(&ring);
    ring_push(&ring, 1);
    CHECK_INT(ring.head, 2);
    CHECK_INT(take(&ring), 1);
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
}

static void a_rewind_lets_the_told_wait_again_at_new_positions(void)
{
    struct ring ring = {0};
    for (uint32_t slot = 0; slot < 5; slot++)
        ring_push(&ring, slot);
    take(&ring);
    take(&ring);
    take(&ring);
    ring_confirm(&ring, 1); /* slot 0 has arrived; 1 and 2 are in doubt; 3 and 4 wait */
    ring_push(&ring, 1);    /* changed since it was told: it waits already */
    ring_rewind(&ring);
    CHECK_INT(ring.told, 3);
    CHECK(ring_is_sound(&ring));
    CHECK_INT(take(&ring), 3);
    CHECK_INT(take(&ring), 4);
    CHECK_INT(take(&ring), 1);
    CHECK_INT(take(&ring), 2);
    CHECK_INT(ring.told, ring.head);
    CHECK_INT(ring.head, 7);
    ring_rewind(&ring);
    ring_rewind(&ring);
    CHECK_INT(ring.head - ring.told, 4);
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
}

static void a_slot_told_twice_waits_once_after_a_rewind(void)
{
    struct ring ring = {0};
    for (int i = 0; i < 3; i++) {
        ring_push(&ring, 5);
        take(&ring);
    }
    ring_rewind(&ring);
    CHECK_INT(ring.head - ring.told, 1);
    CHECK_INT(take(&ring), 5);
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
}

static void confirming_what_is_confirmed_changes_nothing(void)
{
    struct ring ring = {0};
    ring_push(&ring, 1);
    ring_push(&ring, 2);
    take(&ring);
    take(&ring);
    ring_confirm(&ring, 2);
    ring_confirm(&ring, 1);
    CHECK_INT(ring.kept, 2);
    ring_rewind(&ring);
    CHECK_INT(ring.head, 2);
    ring_free(&ring);
}

static void fill_lets_everything_wait_and_nothing_else(void)
{
    struct ring ring = {0};
    ring_push(&ring, 9);
    ring_push(&ring, 2);
    take(&ring);
    ring_fill(&ring, 4);
    CHECK_INT(ring.told, 2);
    CHECK_INT(ring.head, 6);
    CHECK(ring_is_sound(&ring));
    for (uint32_t slot = 0; slot < 4; slot++)
        CHECK_INT(take(&ring), slot);
    ring_push(&ring, 9);
    CHECK_INT(take(&ring), 9);
    ring_fill(&ring, 0);
    CHECK_INT(ring.told, ring.head);
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
}

static void clear_forgets_what_waits_but_no_position(void)
{
    struct ring ring = {0};
    ring_push(&ring, 1);
    ring_push(&ring, 2);
    take(&ring);
    ring_clear(&ring);
    CHECK_INT(ring.head, 2);
    CHECK_INT(ring.kept, 2);
    ring_push(&ring, 2);
    CHECK_INT(ring.head, 3);
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
}

static void a_large_ring_gives_its_memory_back(void)
{
    struct ring ring = {0};
    ring_fill(&ring, 200000);
    CHECK(ring.capacity >= 200000);
    while (ring.told < ring.head)
        ring_take(&ring);
    ring_confirm(&ring, ring.head);
    CHECK_INT(ring.capacity, 0);
    ring_push(&ring, 77);
    CHECK_INT(take(&ring), 77);
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
}

/* Soundness must be able to fail, or it proves nothing elsewhere. */
static void soundness_notices_each_broken_rule(void)
{
    struct ring ring = {0};
    for (uint32_t slot = 0; slot < 3; slot++)
        ring_push(&ring, slot);
    CHECK(ring_is_sound(&ring));
    ring.due[0] = 0x3;
    CHECK(!ring_is_sound(&ring)); /* one waits without its bit */
    ring.due[0] = 0xf;
    CHECK(!ring_is_sound(&ring)); /* a bit without one that waits */
    ring.due[0] = 0x7;
    ring.slots[1] = 0;
    CHECK(!ring_is_sound(&ring)); /* one waits twice */
    ring.slots[1] = 1;
    ring.kept = 1;
    CHECK(!ring_is_sound(&ring));
    ring.kept = 0;
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
}

/* A slow ring beside the real one: an array of waiting slots. */
static void any_order_of_calls_agrees_with_a_simple_model(void)
{
    enum { SLOTS = 40 };
    struct ring ring = {0};
    uint32_t waiting[4 * SLOTS], told[20000], random = 1;
    size_t waiting_count = 0, told_count = 0, confirmed = 0;
    for (int step = 0; step < 15000; step++) {
        random = random * 1664525u + 1013904223u;
        uint32_t choice = random >> 28, slot = (random >> 8) % SLOTS;
        bool waits = false;
        for (size_t i = 0; i < waiting_count; i++)
            waits |= waiting[i] == slot;
        if (choice < 8) {
            ring_push(&ring, slot);
            if (!waits)
                waiting[waiting_count++] = slot;
        } else if (choice < 14 && waiting_count > 0) {
            CHECK_INT(take(&ring), waiting[0]);
            told[told_count++] = waiting[0];
            memmove(waiting, waiting + 1, --waiting_count * sizeof *waiting);
        } else if (choice == 14) {
            confirmed += (told_count - confirmed) / 2;
            ring_confirm(&ring, confirmed);
        } else {
            for (; confirmed < told_count; confirmed++) {
                waits = false;
                for (size_t i = 0; i < waiting_count; i++)
                    waits |= waiting[i] == told[confirmed];
                if (!waits)
                    waiting[waiting_count++] = told[confirmed];
            }
            ring_rewind(&ring);
        }
        CHECK_INT(ring.told, told_count);
        CHECK_INT(ring.head - ring.told, waiting_count);
        CHECK(ring_is_sound(&ring));
    }
    ring_free(&ring);
}

static const struct check_case cases[] = {
    {"slots come out in the order of their first change",
     slots_come_out_in_the_order_of_their_first_change},
    {"a told slot may wait again", a_told_slot_may_wait_again},
    {"a rewind lets the told wait again at new positions",
     a_rewind_lets_the_told_wait_again_at_new_positions},
    {"a slot told twice waits once after a rewind", a_slot_told_twice_waits_once_after_a_rewind},
    {"confirming what is confirmed changes nothing", confirming_what_is_confirmed_changes_nothing},
    {"fill lets everything wait and nothing else", fill_lets_everything_wait_and_nothing_else},
    {"clear forgets what waits but no position", clear_forgets_what_waits_but_no_position},
    {"a large ring gives its memory back", a_large_ring_gives_its_memory_back},
    {"soundness notices each broken rule", soundness_notices_each_broken_rule},
    {"any order of calls agrees with a simple model",
     any_order_of_calls_agrees_with_a_simple_model},
};

CHECK_MAIN(cases)
