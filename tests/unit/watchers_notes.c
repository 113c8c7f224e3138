/* Changes that are noted until lines are written: each is said once, and they have limits. */
#include "tests/unit/watchers_rig.h"

/* Up to 64 marks of a slot are noted, others are due at once: the same is said at that limit and
 * past it, also where what was noted is unhung, and each circle says it once. */
static void each_of_many_circles_says_it_once(void)
{
    for (uint32_t circles = 63; circles <= 66; circles++) {
        struct rig rig;
        struct watchers_connection one = {0}, other = {0};
        set_up(&rig);
        for (uint32_t i = 0; i < circles; i++)
            CHECK_INT(add(&rig, i % 3 == 2 ? &other : &one, around_zero(1000)), WATCHERS_ADDED);
        uint32_t others = circles / 3;
        put(&rig, span_of("kiwi"), "+0+0");
        CHECK_INT(take(&rig, &one) + take(&rig, &other), circles);
        put(&rig, span_of("kiwi"), "+0.000001+0");
        put(&rig, span_of("kiwi"), "+0.000002+0");
        CHECK(is_due(&rig, &one) && watchers_next_due(rig.watchers) == &other);
        CHECK(watchers_is_sound(rig.watchers));
        CHECK_INT(watchers_end(rig.watchers, &one, 1), 1);
        CHECK_INT(watchers_end(rig.watchers, &other, 2), 1);
        int64_t steps = 1;
        watchers_clear(rig.watchers, &steps);
        put(&rig, span_of("kiwi"), "+0.000003+0");
        watchers_update(rig.watchers);
        CHECK(watchers_is_sound(rig.watchers));
        CHECK_INT(take(&rig, &other), others - 1);
        CHECK_INT(take(&rig, &one), circles - others - 1);
        CHECK_INT(take(&rig, &one) + take(&rig, &other), 0);
        put(&rig, span_of("kiwi"), "+1+0");
        CHECK_INT(watchers_end(rig.watchers, &one, 0), circles - others - 1);
        CHECK_INT(take(&rig, &other), others - 1);
        CHECK_BYTES(rig.out.data, 8, "! LEAVE ", 8);
        CHECK_INT(watchers_end(rig.watchers, &other, 0), others - 1);
        tear_down(&rig);
    }
}

/* Whoever did not read for a while has a note for each client: these take as many turns as lines
 * do, and lines come from the first turn on. */
static void very_many_notes_are_taken_in_slices(void)
{
    enum { CLIENTS = 1000, STEPS = 100 };
    struct rig rig;
    struct watchers_connection one = {0};
    set_up(&rig);
    CHECK_INT(add(&rig, &one, around_zero(1000)), WATCHERS_ADDED);
    for (uint32_t i = 0; i < CLIENTS; i++)
        put_number(&rig, i, "+0+0");
    CHECK_INT(take(&rig, &one), CLIENTS);
    for (uint32_t i = 0; i < CLIENTS; i++)
        put_number(&rig, i, "+0.000001+0");
    CHECK(is_due(&rig, &one));
    uint32_t calls = 0, lines = 0;
    bool is_left = true;
    for (; is_left; calls++) {
        int64_t steps = STEPS;
        rig.out.len = 0;
        is_left = watchers_write(rig.watchers, &one, &steps, SIZE_MAX, &rig.out);
        CHECK(steps >= -1 && rig.out.len > 0);
        CHECK(watchers_is_sound(rig.watchers));
        for (size_t i = 0; i < rig.out.len; i++)
            lines += rig.out.data[i] == '\n';
    }
    CHECK_INT(lines, CLIENTS);
    CHECK(calls >= 2 * CLIENTS / STEPS);
    CHECK_INT(take(&rig, &one), 0);
    CHECK_INT(watchers_end(rig.watchers, &one, 0), 1);
    tear_down(&rig);
}

/* Notes of marks that are gone stay until they are taken: up to two for each mark there may be. */
static void a_connection_has_so_many_notes(void)
{
    enum { MARKS = 5 };
    struct rig rig;
    struct watchers_connection one = {0};
    struct watchers_limits limits = {100, MARKS, UINT64_MAX, 16, 1000};
    set_up(&rig);
    watchers_limit(rig.watchers, &limits);
    CHECK_INT(add(&rig, &one, of("kiwi")), WATCHERS_ADDED);
    for (uint32_t i = 0; i < MARKS; i++)
        put_number(&rig, i, "+0+0");
    for (uint32_t round = 0; round < WATCHERS_NOTES_A_MARK; round++) {
        int64_t steps = FOREVER;
        CHECK_INT(add(&rig, &one, around_zero(1000)), WATCHERS_ADDED);
        for (uint32_t i = 0; i < MARKS; i++)
            put_number(&rig, i, "+0+0");
        CHECK_INT(watchers_end(rig.watchers, &one, one.number), 1);
        watchers_update(rig.watchers);
        CHECK(!watchers_clear(rig.watchers, &steps));
    }
    CHECK_INT(add(&rig, &one, around_zero(1000)), WATCHERS_ADDED);
    watchers_update(rig.watchers);
    CHECK(!watchers_is_lost(&one) && watchers_is_sound(rig.watchers));
    put_number(&rig, 0, "+0+0");
    watchers_update(rig.watchers);
    CHECK(watchers_is_lost(&one));
    CHECK_INT(watchers_end(rig.watchers, &one, 0), 2);
    tear_down(&rig);
}

/* A circle that holds a client which its connection may not see has no mark, so it must not be calm
 * there for it: once it may see it, the next change is told. */
static void who_may_see_more_is_told_by_the_next_change(void)
{
    struct rig rig;
    struct watchers_connection one = {0}, other = {0};
    set_up(&rig);
    watchers_show(&other, &access_nobody);
    CHECK_INT(add(&rig, &one, around_zero(1000)), WATCHERS_ADDED);
    CHECK_INT(add(&rig, &other, around_zero(1000)), WATCHERS_ADDED);
    put(&rig, span_of("kiwi"), "+0+0");
    CHECK_INT(take(&rig, &one), 1);
    put(&rig, span_of("kiwi"), "+0.000001+0");
    CHECK_INT(take(&rig, &one), 1);
    CHECK_INT(take(&rig, &other), 0);
    watchers_show(&other, NULL);
    put(&rig, span_of("kiwi"), "+0.000002+0");
    CHECK_INT(take(&rig, &one), 1);
    CHECK_INT(take(&rig, &other), 1);
    CHECK_BYTES(rig.out.data, 8, "! ENTER ", 8);
    CHECK_INT(watchers_end(rig.watchers, &one, 0), 1);
    CHECK_INT(watchers_end(rig.watchers, &other, 0), 1);
    tear_down(&rig);
}

static const struct check_case cases[] = {
    {"who may see more is told by the next change", who_may_see_more_is_told_by_the_next_change},
    {"each of many circles says it once", each_of_many_circles_says_it_once},
    {"very many notes are taken in slices", very_many_notes_are_taken_in_slices},
    {"a connection has so many notes", a_connection_has_so_many_notes},
};

int main(void)
{
    return check_run(cases, sizeof cases / sizeof *cases);
}
