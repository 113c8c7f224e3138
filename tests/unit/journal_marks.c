#include "bus/journal/marks.h"
#include "tests/check.h"
#include "tests/sim/rng.h"

#define SLOTS 20000u /* more than four groups */

/* What a test knows of a slot. */
struct model {
    bool due, batch, to_go;
};

static struct model models[SLOTS];

static uint32_t count_of(bool of_to_go)
{
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        count += of_to_go ? models[slot].to_go : models[slot].due;
    return count;
}

static void each_bit_has_its_turn(void)
{
    static const uint32_t slots[] = {0, 1, 63, 64, 4095, 4096, 8191, 65535, 65536, 1000000};
    struct marks marks = {0};
    uint32_t slot;
    CHECK(!marks_next_due(&marks, &slot));
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        marks_due(&marks, slots[i]);
        marks_due(&marks, slots[i]);
    }
    CHECK_INT(marks.due.count, sizeof slots / sizeof *slots);
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        CHECK(!marks_is_safe(&marks, slots[i]));
        CHECK(marks_next_due(&marks, &slot));
        CHECK_INT(slot, slots[i]);
        CHECK(!marks_take(&marks, slot));
    }
    CHECK(!marks_next_due(&marks, &slot));
    CHECK(!marks_is_safe(&marks, 64));
    marks_synced(&marks);
    CHECK(marks_is_safe(&marks, 64));
    CHECK(marks_is_safe(&marks, 2000000));
    marks_free(&marks);
}

/* A slot that is always due again must not keep the others back. */
static void none_is_kept_back(void)
{
    struct marks marks = {0};
    uint32_t slot, seen = 0;
    for (uint32_t i = 0; i < 1000; i++)
        marks_due(&marks, i);
    for (uint32_t turns = 0; turns < 1000; turns++) {
        CHECK(marks_next_due(&marks, &slot));
        marks_take(&marks, slot);
        seen += slot != 0;
        marks_due(&marks, 0);
    }
    CHECK_INT(seen, 999);
    marks_free(&marks);
}

static void what_changes_in_the_batch_is_due(void)
{
    struct marks marks = {0};
    marks_due(&marks, 5);
    marks_take(&marks, 5);
    marks_due(&marks, 5);
    marks_synced(&marks);
    CHECK(!marks_is_safe(&marks, 5));
    CHECK_INT(marks.due.count, 1);
    marks_free(&marks);
}

static void what_is_forgotten_is_nowhere(void)
{
    struct marks marks = {0};
    uint32_t slot;
    marks_begin(&marks, 0, 10);
    marks_due(&marks, 5);
    marks_forget(&marks, 5);
    CHECK_INT(marks.to_go.count, 9);
    marks_due(&marks, 5);
    marks_take(&marks, 5);
    marks_forget(&marks, 5);
    marks_failed(&marks, true);
    CHECK(!marks_next_due(&marks, &slot));
    CHECK(marks_is_safe(&marks, 5));
    marks_free(&marks);
}

static void what_failed_is_due_again(void)
{
    struct marks marks = {0};
    marks_begin(&marks, 0, 2);
    CHECK(marks_take(&marks, 1));
    marks_failed(&marks, true);
    CHECK(!marks_is_safe(&marks, 1));
    CHECK_INT(marks.to_go.count, 2);
    CHECK(marks_take(&marks, 1));
    marks_failed(&marks, false);
    CHECK_INT(marks.to_go.count, 1);
    CHECK_INT(marks.due.count, 1);
    marks_free(&marks);
}

static void take_one(struct marks *marks, bool of_to_go)
{
    uint32_t slot;
    bool is_one = of_to_go ? marks_next_to_go(marks, &slot) : marks_next_due(marks, &slot);
    CHECK(is_one == (count_of(of_to_go) > 0));
    if (!is_one)
        return;
    CHECK(of_to_go ? models[slot].to_go : models[slot].due);
    CHECK(marks_take(marks, slot) == models[slot].to_go);
    models[slot] = (struct model){.batch = true};
}

static void end_batch(struct marks *marks, bool failed)
{
    failed ? marks_failed(marks, true) : marks_synced(marks);
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        models[slot].due |= failed && models[slot].batch;
        models[slot].to_go |= failed && models[slot].batch;
        models[slot].batch = false;
    }
}

static void batches_are_counted(void)
{
    struct marks marks = {0};
    marks_due(&marks, 3);
    CHECK(marks_is_due(&marks, 3) && !marks_is_due(&marks, 4));
    marks_begin_batch(&marks);
    CHECK_INT(marks.batches, marks.complete + 1);
    marks_take(&marks, 3);
    marks_end_batch(&marks);
    CHECK(!marks_is_due(&marks, 3) && !marks_is_safe(&marks, 3));
    CHECK_INT(marks.batches, 1);
    CHECK_INT(marks.synced, 0);
    marks_failed(&marks, false);
    CHECK(marks_is_due(&marks, 3));
    CHECK_INT(marks.failed, 1);
    marks_begin_batch(&marks);
    CHECK_INT(marks.batches, marks.complete + 1);
    marks_take(&marks, 3);
    marks_end_batch(&marks);
    marks_synced(&marks);
    CHECK_INT(marks.batches, 2);
    CHECK_INT(marks.synced, 2);
    marks_free(&marks);
}

static void as_a_table_of_bools(void)
{
    struct rng rng = {1};
    struct marks marks = {0};
    memset(models, 0, sizeof models);
    for (uint32_t step = 0; step < 3000; step++) {
        uint32_t slot = rng_below(&rng, SLOTS), what = rng_below(&rng, 100);
        if (what < 40) {
            marks_due(&marks, slot);
            models[slot].due = true;
        } else if (what < 45) {
            marks_forget(&marks, slot);
            models[slot] = (struct model){0};
        } else if (what < 97) {
            take_one(&marks, what % 2 == 0);
        } else if (what < 99 || marks.to_go.count > 0) {
            end_batch(&marks, what == 98);
        } else {
            uint32_t count = rng_below(&rng, SLOTS + 1);
            marks_begin(&marks, 0, count);
            for (uint32_t i = 0; i < count; i++)
                models[i].to_go = true;
        }
        CHECK(marks_is_safe(&marks, slot) == (!models[slot].due && !models[slot].batch));
    }
    CHECK_INT(marks.due.count, count_of(false));
    CHECK_INT(marks.to_go.count, count_of(true));
    marks_free(&marks);
}

static const struct check_case cases[] = {
    {"each slot that is due is found once, in turn", each_bit_has_its_turn},
    {"a slot that is always due keeps no other back", none_is_kept_back},
    {"what changes while it is written is due", what_changes_in_the_batch_is_due},
    {"what is forgotten is not written", what_is_forgotten_is_nowhere},
    {"what failed is due again, and to go again", what_failed_is_due_again},
    {"batches are counted, and what became of them", batches_are_counted},
    {"whatever is done, they are what a table of bools would be", as_a_table_of_bools},
};

CHECK_MAIN(cases)
