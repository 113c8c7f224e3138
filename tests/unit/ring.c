/* The conflating ring: what waits, once each, whatever is lost on the way. */
#include "bus/link/ring.h"

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

static void a_sent_slot_may_wait_again(void)
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

static void a_rewind_sends_again_at_the_old_positions(void)
{
    struct ring ring = {0};
    for (uint32_t slot = 0; slot < 5; slot++)
        ring_push(&ring, slot);
    take(&ring);
    take(&ring);
    take(&ring);
    ring_confirm(&ring, 1); /* slot 0 has arrived; 1 and 2 are in doubt; 3 and 4 wait */
    ring_push(&ring, 1);    /* changed since it was sent: it waits at the end */
    ring_rewind(&ring);
    CHECK(ring_is_sound(&ring));
    CHECK_INT(take(&ring), 2);
    CHECK_INT(ring.next, 3);
    ring_push(&ring, 2); /* changed since it was sent again */
    CHECK_INT(take(&ring), 3);
    CHECK_INT(take(&ring), 4);
    CHECK_INT(take(&ring), 1);
    CHECK_INT(take(&ring), 2);
    CHECK_INT(ring.sent, ring.head);
    CHECK_INT(ring.head, 7);
    ring_rewind(&ring);
    ring_rewind(&ring);
    CHECK_INT(ring.next, 1);
    CHECK_INT(take(&ring), 1);
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
}

static void what_is_confirmed_late_is_not_sent_again(void)
{
    struct ring ring = {0};
    for (uint32_t slot = 0; slot < 4; slot++) {
        ring_push(&ring, slot);
        take(&ring);
    }
    ring_rewind(&ring);
    CHECK_INT(take(&ring), 0);
    ring_confirm(&ring, 3);
    CHECK_INT(take(&ring), 3);
    CHECK_INT(ring.head, 4);
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
    uint32_t slot;
    CHECK(!ring_peek(&ring, &slot));
    ring_free(&ring);
}

static void fill_lets_everything_wait_and_nothing_else(void)
{
    struct ring ring = {0};
    ring_push(&ring, 9);
    ring_push(&ring, 2);
    take(&ring);
    ring_fill(&ring, 4);
    CHECK_INT(ring.sent, 2);
    CHECK_INT(ring.head, 6);
    CHECK(ring_is_sound(&ring));
    for (uint32_t slot = 0; slot < 4; slot++)
        CHECK_INT(take(&ring), slot);
    ring_push(&ring, 9);
    CHECK_INT(take(&ring), 9);
    ring_fill(&ring, 0);
    CHECK_INT(ring.sent, ring.head);
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

static void what_makes_places_void_is_counted(void)
{
    struct ring ring = {0};
    ring_push(&ring, 1);
    ring_rewind(&ring);
    CHECK_INT(ring.rewinds, 0); /* nothing is sent again */
    take(&ring);
    ring_rewind(&ring);
    CHECK_INT(ring.rewinds, 1);
    ring_rewind(&ring);
    CHECK_INT(ring.rewinds, 1);
    take(&ring);
    ring_confirm(&ring, 1);
    ring_rewind(&ring);
    CHECK_INT(ring.rewinds, 1);
    CHECK_INT(ring.fills, 0);
    ring_clear(&ring);
    CHECK_INT(ring.fills, 1);
    ring_fill(&ring, 3);
    CHECK_INT(ring.fills, 2);
    ring_free(&ring);
}

static void what_is_forgotten_is_passed_over(void)
{
    struct ring ring = {0};
    uint32_t slot;
    for (slot = 0; slot < 5; slot++)
        ring_push(&ring, slot);
    CHECK(!ring_forget(&ring, 5));
    CHECK(!ring_forget(&ring, 70000));
    CHECK(ring_forget(&ring, 0));
    CHECK(!ring_forget(&ring, 0));
    CHECK(ring_forget(&ring, 3));
    CHECK_INT(ring.head, 5);
    CHECK(ring_forget(&ring, 4)); /* and with it goes the blank before it */
    CHECK_INT(ring.head, 3);
    CHECK(ring_is_sound(&ring));
    CHECK_INT(take(&ring), 1);
    CHECK_INT(ring.sent, 2); /* the blank has had its turn */
    CHECK(!ring_forget(&ring, 1));
    CHECK(ring_forget(&ring, 2));
    CHECK_INT(ring.head, 2);
    CHECK(!ring_peek(&ring, &slot));
    ring_push(&ring, 3);
    CHECK_INT(take(&ring), 3);
    CHECK_INT(ring.head, 3);
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
    CHECK(!ring_forget(&ring, 1));
}

static void what_changes_after_it_was_forgotten_goes_out_once(void)
{
    struct ring ring = {0};
    ring_push(&ring, 1);
    ring_push(&ring, 2);
    ring_forget(&ring, 1);
    ring_push(&ring, 1); /* stands twice now */
    CHECK_INT(ring.head, 3);
    CHECK(ring_is_sound(&ring));
    CHECK_INT(take(&ring), 1);
    CHECK_INT(take(&ring), 2);
    CHECK_INT(ring.head, 2);
    CHECK(ring_is_sound(&ring));
    ring_push(&ring, 3);
    ring_push(&ring, 4);
    ring_forget(&ring, 3);
    ring_push(&ring, 3);
    ring_take_news(&ring, 2);
    CHECK_INT(ring.head, 4);
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
}

static void blanks_cost_no_memory(void)
{
    struct ring ring = {0};
    uint32_t slot = 0;
    ring_push(&ring, 0);
    for (; slot < 100000; slot++) {
        ring_push(&ring, slot + 1);
        CHECK(ring_forget(&ring, slot));
    }
    CHECK(ring.capacity <= 64);
    CHECK(ring.head - ring.sent <= 18);
    CHECK_INT(ring_due(&ring), 1);
    CHECK(ring_is_sound(&ring));
    CHECK_INT(take(&ring), slot);
    CHECK_INT(ring.sent, ring.head);
    ring_free(&ring);
}

static void a_large_ring_gives_its_memory_back(void)
{
    struct ring ring = {0};
    for (uint32_t slot = 0; slot < 200000; slot++)
        ring_push(&ring, slot);
    CHECK(ring.capacity >= 200000);
    while (ring.sent < ring.head)
        ring_take(&ring);
    ring_confirm(&ring, ring.head);
    CHECK_INT(ring.capacity, 0);
    ring_push(&ring, 77);
    CHECK_INT(take(&ring), 77);
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
}

/* Two numbers and a bit for each slot, until something changes again. */
static void a_filled_ring_takes_a_bit_a_slot(void)
{
    struct ring ring = {0};
    ring_fill(&ring, 1000);
    CHECK_INT(ring.capacity, 0);
    CHECK_INT(ring.due_words, 16);
    ring_push(&ring, 999);
    ring_push(&ring, 0);
    CHECK_INT(ring.head, 1000);
    CHECK_INT(ring.capacity, 0);
    CHECK_INT(take(&ring), 0);
    ring_push(&ring, 0);
    CHECK_INT(ring.head, 1001);
    CHECK_INT(ring.capacity, 16);
    CHECK(ring_is_sound(&ring));
    ring_clear(&ring);
    CHECK(ring.slots == NULL && ring.due == NULL && ring.due_words == 0);
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
}

/* Whatever is forgotten of it, to the last slot and the one before a word of bits ends. */
static void a_run_passes_over_what_was_forgotten(void)
{
    for (uint32_t count = 126; count < 131; count++) {
        struct ring ring = {0};
        uint32_t slot;
        ring_push(&ring, 5);
        take(&ring);
        ring_fill(&ring, count);
        for (slot = 0; slot < count; slot++)
            if (slot != 62 && slot != 65 && slot != 125)
                CHECK(ring_forget(&ring, slot));
        CHECK_INT(ring_due(&ring), 3);
        CHECK_INT(ring.head, 1 + 126);
        ring_push(&ring, 2); /* waits where it stands in the run, and at the end */
        ring_push(&ring, 500);
        CHECK(ring_is_sound(&ring));
        CHECK_INT(take(&ring), 2);
        CHECK_INT(take(&ring), 62);
        CHECK_INT(ring.sent, 1 + 63);
        CHECK_INT(take(&ring), 65);
        CHECK(ring_at(&ring, 1 + 62, &slot) && slot == 62);
        CHECK_INT(take(&ring), 125);
        CHECK_INT(take(&ring), 500);
        CHECK_INT(ring.sent, ring.head);
        CHECK(ring_is_sound(&ring));
        ring_free(&ring);
    }
}

static void blanks_after_a_run_are_closed(void)
{
    struct ring ring = {0};
    uint32_t slot = 100, stands;
    ring_fill(&ring, 40);
    for (uint32_t i = 0; i < 39; i++)
        CHECK(ring_forget(&ring, i));
    ring_push(&ring, 1); /* stands twice now */
    ring_push(&ring, slot);
    for (; slot < 5000; slot++) {
        ring_push(&ring, slot + 1);
        CHECK(ring_forget(&ring, slot));
    }
    CHECK(ring_is_sound(&ring));
    CHECK(ring.capacity <= 64);
    CHECK_INT(ring_due(&ring), 3);
    for (uint64_t position = 40; position < ring.head; position++)
        CHECK(!ring_at(&ring, position, &stands) || stands == slot);
    CHECK_INT(take(&ring), 1);
    CHECK_INT(take(&ring), 39);
    CHECK_INT(take(&ring), slot);
    CHECK_INT(ring.sent, ring.head);
    ring_free(&ring);
}

static void a_run_is_sent_again_at_its_positions(void)
{
    struct ring ring = {0};
    ring_fill(&ring, 100);
    ring_push(&ring, 300);
    while (ring.sent < ring.head)
        ring_take(&ring);
    ring_confirm(&ring, 70);
    ring_push(&ring, 70);
    ring_rewind(&ring);
    CHECK_INT(take(&ring), 71);
    CHECK_INT(ring.next, 72);
    ring_confirm(&ring, 100);
    CHECK(ring_is_sound(&ring));
    CHECK_INT(take(&ring), 300);
    CHECK_INT(take(&ring), 70);
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
}

/* Links that are filled together share what is written for one of them. */
static void several_of_a_run_are_taken_at_once(void)
{
    struct ring ring = {0};
    uint32_t slots[4] = {98, 99, 200, 201};
    ring_fill(&ring, 100);
    ring_push(&ring, 200);
    for (uint32_t slot = 0; slot < 98; slot++)
        take(&ring);
    CHECK(ring_is_next(&ring, slots, 3));
    CHECK(!ring_is_next(&ring, slots, 4));
    ring_push(&ring, 201);
    for (int i = 0; i < 4; i++) {
        CHECK(ring_is_next(&ring, slots, 4));
        slots[i]++;
        CHECK(!ring_is_next(&ring, slots, 4));
        slots[i]--;
    }
    ring_take_news(&ring, 3);
    CHECK_INT(ring_due(&ring), 1);
    CHECK(ring_is_next(&ring, slots + 3, 1));
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
}

/* Who is filled later takes no memory before. */
static void what_is_lost_takes_no_memory(void)
{
    struct ring ring = {0};
    ring_fill(&ring, 0);
    ring.lost = true;
    for (uint32_t slot = 0; slot < 100; slot++)
        ring_push(&ring, slot);
    CHECK_INT(ring.head, 0);
    CHECK(ring.slots == NULL && ring.due == NULL);
    ring_fill(&ring, 100);
    CHECK(!ring.lost);
    CHECK_INT(ring_due(&ring), 100);
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
    ring.due_count = 2;
    CHECK(!ring_is_sound(&ring)); /* a blank at the end */
    ring.due[0] = 0xf;
    ring.due_count = 4;
    CHECK(!ring_is_sound(&ring)); /* a bit without one that waits */
    ring.due[0] = 0x7;
    CHECK(!ring_is_sound(&ring)); /* bits miscounted */
    ring.due_count = 3;
    CHECK(ring_is_sound(&ring));
    ring.kept = 1;
    CHECK(!ring_is_sound(&ring));
    ring.kept = 0;
    CHECK(ring_is_sound(&ring));
    ring.stored = 1; /* a place that is kept has no memory */
    CHECK(!ring_is_sound(&ring));
    ring.stored = 0;
    ring.run_end = 1;
    CHECK(!ring_is_sound(&ring));
    ring.run_end = 0;
    CHECK(ring_is_sound(&ring));
    ring_free(&ring);
}

enum { SLOTS = 40 };

/* A slow ring beside the real one: all positions ever, in one array. */
struct model {
    uint32_t slots[40000];
    uint64_t kept, next, sent, head, run_end;
    bool waits[SLOTS];
};

static bool peek(struct model *model, uint32_t *slot)
{
    while (model->next < model->sent && model->waits[model->slots[model->next]])
        model->next++;
    while (model->next == model->sent && model->sent < model->head &&
           !model->waits[model->slots[model->next]])
        model->next = ++model->sent;
    *slot = model->slots[model->next];
    return model->next < model->head;
}

static void take_gaps_back(struct model *model)
{
    while (model->head > model->sent && !model->waits[model->slots[model->head - 1]])
        model->head--;
    if (model->run_end > model->head)
        model->run_end = model->head;
}

static uint64_t after_run(const struct model *model)
{
    return model->sent > model->run_end ? model->sent : model->run_end;
}

/* Each slot that waits, where it stands first; what was filled at once stays as it is. */
static void close_blanks(struct model *model)
{
    uint64_t head = after_run(model);
    for (uint64_t at = head; at < model->head; at++) {
        bool is_first = model->waits[model->slots[at]];
        for (uint64_t before = model->sent; before < head; before++)
            is_first = is_first && model->slots[before] != model->slots[at];
        if (is_first)
            model->slots[head++] = model->slots[at];
    }
    model->head = head;
    take_gaps_back(model);
}

static uint64_t count_due(const struct model *model)
{
    uint64_t count = model->sent - model->next;
    for (uint32_t i = 0; i < SLOTS; i++)
        count += model->waits[i];
    return count;
}

static void forget(struct model *model, uint32_t slot)
{
    if (!model->waits[slot])
        return;
    model->waits[slot] = false;
    take_gaps_back(model);
    uint64_t waiting = count_due(model) - (model->sent - model->next);
    if (model->head - after_run(model) > 2 * waiting + 16)
        close_blanks(model);
}

static void push(struct model *model, uint32_t slot)
{
    if (model->waits[slot])
        return;
    model->slots[model->head++] = slot;
    model->waits[slot] = true;
}

static void fill(struct model *model, uint32_t count)
{
    memset(model->waits, 0, sizeof model->waits);
    model->kept = model->next = model->sent = model->head;
    for (uint32_t slot = 0; slot < count; slot++)
        push(model, slot);
    model->run_end = model->head;
}

static void any_order_of_calls_agrees_with_a_simple_model(void)
{
    static struct model model;
    struct ring ring = {0};
    uint32_t random = 1;
    for (int step = 0; step < 15000; step++) {
        random = random * 1664525u + 1013904223u;
        uint32_t choice = random >> 27, slot = (random >> 8) % SLOTS, wanted = 0, got = 0;
        if (choice < 14) {
            push(&model, slot);
            ring_push(&ring, slot);
        } else if (choice < 20) {
            CHECK(ring_forget(&ring, slot) == model.waits[slot]);
            forget(&model, slot);
        } else if (choice < 29) {
            bool any = peek(&model, &wanted);
            CHECK(ring_peek(&ring, &got) == any);
            if (any) {
                CHECK_INT(got, wanted);
                ring_take(&ring);
                if (model.next++ == model.sent) {
                    model.sent++;
                    model.waits[wanted] = false;
                    take_gaps_back(&model);
                }
            }
        } else if (choice < 31) {
            model.kept += (model.sent - model.kept) / 2;
            model.next = model.next < model.kept ? model.kept : model.next;
            ring_confirm(&ring, model.kept);
        } else if (slot == 7) {
            uint32_t filled = random % SLOTS;
            fill(&model, filled);
            ring_fill(&ring, filled);
        } else {
            model.next = model.kept;
            ring_rewind(&ring);
        }
        CHECK(ring.kept == model.kept && ring.next == model.next);
        CHECK(ring.sent == model.sent && ring.head == model.head);
        CHECK_INT(ring_due(&ring), count_due(&model));
        CHECK(ring_is_sound(&ring));
    }
    ring_free(&ring);
}

/* At every place of a ring of 64, so that some of them wait partly at its beginning. */
static void several_are_taken_at_once(void)
{
    enum { MANY = 40 };
    struct ring ring = {0};
    uint32_t slots[MANY + 1] = {0};
    for (uint32_t round = 0; round < 200; round++) {
        for (uint32_t i = 0; i < MANY; i++)
            ring_push(&ring, slots[i] = (round * 7 + i) % 1000);
        slots[MANY] = 0;
        CHECK(ring_is_next(&ring, slots, 0));
        CHECK(ring_is_next(&ring, slots, 1));
        CHECK(ring_is_next(&ring, slots, MANY));
        CHECK(!ring_is_next(&ring, slots, MANY + 1));
        for (uint32_t i = 0; i < MANY; i++) {
            slots[i] ^= 1;
            CHECK(!ring_is_next(&ring, slots, MANY));
            slots[i] ^= 1;
        }
        uint64_t sent = ring.sent;
        ring_take_news(&ring, round % (MANY + 1));
        CHECK(ring.sent == sent + round % (MANY + 1) && ring.next == ring.sent);
        CHECK(ring_is_sound(&ring));
        if (round % (MANY + 1) > 0) {
            ring_rewind(&ring);
            CHECK(!ring_is_next(&ring, slots, 1)); /* sent before */
        }
        ring_confirm(&ring, ring.sent);
        while (ring.sent < ring.head)
            take(&ring);
        ring_confirm(&ring, ring.sent);
        CHECK_INT(ring.capacity, 64);
    }
    ring_free(&ring);
    CHECK(ring_is_next(&ring, slots, 0));
    CHECK(!ring_is_next(&ring, slots, 1));
}

static const struct check_case cases[] = {
    {"slots come out in the order of their first change",
     slots_come_out_in_the_order_of_their_first_change},
    {"a sent slot may wait again", a_sent_slot_may_wait_again},
    {"a rewind sends again at the old positions", a_rewind_sends_again_at_the_old_positions},
    {"what is confirmed late is not sent again", what_is_confirmed_late_is_not_sent_again},
    {"confirming what is confirmed changes nothing", confirming_what_is_confirmed_changes_nothing},
    {"fill lets everything wait and nothing else", fill_lets_everything_wait_and_nothing_else},
    {"clear forgets what waits but no position", clear_forgets_what_waits_but_no_position},
    {"what makes places void is counted", what_makes_places_void_is_counted},
    {"what is forgotten is passed over", what_is_forgotten_is_passed_over},
    {"what changes after it was forgotten goes out once",
     what_changes_after_it_was_forgotten_goes_out_once},
    {"blanks cost no memory", blanks_cost_no_memory},
    {"a large ring gives its memory back", a_large_ring_gives_its_memory_back},
    {"a filled ring takes a bit a slot", a_filled_ring_takes_a_bit_a_slot},
    {"a run passes over what was forgotten", a_run_passes_over_what_was_forgotten},
    {"blanks after a run are closed", blanks_after_a_run_are_closed},
    {"a run is sent again at its positions", a_run_is_sent_again_at_its_positions},
    {"several of a run are taken at once", several_of_a_run_are_taken_at_once},
    {"what is lost takes no memory", what_is_lost_takes_no_memory},
    {"soundness notices each broken rule", soundness_notices_each_broken_rule},
    {"any order of calls agrees with a simple model",
     any_order_of_calls_agrees_with_a_simple_model},
    {"several are taken at once", several_are_taken_at_once},
};

CHECK_MAIN(cases)
