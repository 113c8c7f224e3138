/* Which clocks vote, what the herd's time is then, and which clocks are off: V4 to V7 of
 * bus/PROTOCOL.md, "Herd time". Each case is a rule or a way to get it wrong that a simulation has
 * found. */
#include "tests/unit/herd_time_rig.h"

/* ---- V4: no clock ------------------------------------------------------------------------ */

static void a_clock_before_2026_does_not_vote(void)
{
    struct rig rig;
    int64_t epoch_ms = (HERD_TIME_EARLIEST_NS - TRUE_NS) / MS;
    char text[64];
    begin(&rig, "Ada", "Ada Bob Cy", "Bob Cy");
    epoch_ms -= rig.now_ms;
    snprintf(text, sizeof text, "Bob %" PRId64, epoch_ms - 1000);
    hear(&rig, 0, text);
    hear(&rig, 1, "Cy 0");
    CHECK_INT(votes(&rig), 2);
    snprintf(text, sizeof text, "Bob %" PRId64 " s1", epoch_ms);
    hear(&rig, 0, text);
    CHECK_INT(votes(&rig), 3);
    epoch_ms = (HERD_TIME_EARLIEST_NS - TRUE_NS) / MS - rig.now_ms;
    show(&rig, epoch_ms);
    CHECK_INT(votes(&rig), 3);
    show(&rig, epoch_ms - 1);
    CHECK_INT(votes(&rig), 2); /* nor does ours */
    CHECK_INT(high(&rig), 0);
    end(&rig);
}

static void where_nobody_votes_the_own_clock_is_all_there_is(void)
{
    struct rig rig;
    begin_blind(&rig, "Ada", "Ada Bob", "Bob");
    herd_time_set(rig.time, rig.now_ms, 7 * MS);
    hear(&rig, 0, "Bob -1782864000000");
    CHECK_INT(votes(&rig), 0);
    CHECK_INT(herd_time_accept_ns(rig.time, 55, rig.now_ms), 55);
    CHECK_INT(herd_time_forget_ns(rig.time, 55, rig.now_ms), 55);
    CHECK_INT(herd_time_ceiling_ns(rig.time, rig.now_ms), 27 * MS + HERD_TIME_AHEAD_NS);
    CHECK_INT(earliest(&rig), NOBODY);
    hear(&rig, 0, "Bob 0 s1");
    CHECK_INT(high(&rig), 0);
    CHECK_INT(earliest(&rig), NOBODY); /* the least of the last minute */
    pass(&rig, HERD_TIME_HOLD_S * 1000 + 1000);
    CHECK_INT(earliest(&rig), 0);
    end(&rig);
}

/* ---- V5: medians ------------------------------------------------------------------------- */

static void of_an_odd_number_the_middle_one_is_both(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob Cy");
    hear(&rig, 0, "Bob -3600000");
    hear(&rig, 1, "Cy 3153600000000"); /* a hundred years: no mean survives that */
    CHECK_INT(high(&rig), 0);
    CHECK_INT(low(&rig), 0);
    end(&rig);
}

static void of_an_even_number_each_use_takes_its_harmless_end(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy Dee", "Bob Cy");
    hear(&rig, 0, "Bob 86400000");
    CHECK_INT(low(&rig), 0);
    CHECK_INT(high(&rig), 86400000);
    hear(&rig, 1, "Cy 5000,Dee -9000");
    CHECK_INT(low(&rig), 0); /* -9000, 0, 5000, a day */
    CHECK_INT(high(&rig), 5000);
    end(&rig);
}

static void those_vote_with_whom_we_share_no_link(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy Dee Eve", "Bob");
    show(&rig, 5000);
    hear(&rig, 0, "Bob 5000,Cy 0,Dee 0,Eve 0"); /* a leaf whose neighbour is as wrong as it is */
    CHECK_INT(high(&rig), 0);
    CHECK_INT(votes(&rig), 5);
    end(&rig);
}

static void a_jump_of_the_own_clock_moves_no_other_vote(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob Cy");
    hear(&rig, 0, "Bob 10");
    hear(&rig, 1, "Cy 20");
    show(&rig, 3600000);
    CHECK_INT(high(&rig), 20);
    CHECK_INT(low(&rig), 20);
    show(&rig, -3600000);
    CHECK_INT(high(&rig), 10);
    end(&rig);
}

static void clocks_that_show_anything_overflow_nothing(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob Cy");
    message.clock_count = 1;
    message.clocks[0] = (struct wire_clock){span_of("Bob"), UINT64_MAX, UINT64_MAX, INT64_MAX, 0};
    herd_time_hear(rig.time, 0, &message, rig.now_ms);
    message.clocks[0].node = span_of("Cy");
    message.clocks[0].age_ms = UINT64_MAX;
    herd_time_hear(rig.time, 1, &message, rig.now_ms);
    pass(&rig, HERD_TIME_RECKON_MS);
    CHECK_INT(votes(&rig), 3);
    CHECK_INT(herd_time_accept_ns(rig.time, 0, rig.now_ms), INT64_MAX);
    CHECK_INT(herd_time_ceiling_ns(rig.time, rig.now_ms), INT64_MAX);
    CHECK_INT(herd_time_floor_ns(rig.time, rig.now_ms) < INT64_MAX, true);
    told(&rig, 0);
    CHECK_INT(message.clocks[1].wall_ns, INT64_MAX);
    message.clock_count = 2;
    message.clocks[0] = (struct wire_clock){span_of("Bob"), 1, 0, INT64_MIN, 0};
    message.clocks[1] = (struct wire_clock){span_of("Cy"), 1, 0, INT64_MIN, UINT64_MAX};
    herd_time_hear(rig.time, 0, &message, rig.now_ms);
    pass(&rig, HERD_TIME_RECKON_MS);
    CHECK_INT(votes(&rig), 2);
    herd_time_set(rig.time, rig.now_ms, INT64_MAX);
    herd_time_set(rig.time, rig.now_ms, INT64_MIN);
    CHECK_INT(votes(&rig), 1);
    end(&rig);
}

/* ---- V6: accept and forget --------------------------------------------------------------- */

static void the_own_clock_is_taken_while_it_is_within_a_second(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy Dee", "Bob Cy Dee");
    hear(&rig, 0, "Bob 0");
    hear(&rig, 1, "Cy 5000");
    hear(&rig, 2, "Dee 5000");
    int64_t now_ns = TRUE_NS + rig.now_ms * MS, high_ns = now_ns + 5000 * MS;
    static const int64_t near_ns = 1000 * MS;
    CHECK_INT(herd_time_accept_ns(rig.time, high_ns - near_ns, rig.now_ms), high_ns - near_ns);
    CHECK_INT(herd_time_accept_ns(rig.time, high_ns + near_ns, rig.now_ms), high_ns + near_ns);
    CHECK_INT(herd_time_accept_ns(rig.time, high_ns - near_ns - 1, rig.now_ms), high_ns);
    CHECK_INT(herd_time_accept_ns(rig.time, high_ns + near_ns + 1, rig.now_ms), high_ns);
    CHECK_INT(herd_time_forget_ns(rig.time, now_ns - near_ns, rig.now_ms), now_ns - near_ns);
    CHECK_INT(herd_time_forget_ns(rig.time, now_ns + near_ns, rig.now_ms), now_ns + near_ns);
    CHECK_INT(herd_time_forget_ns(rig.time, now_ns - near_ns - 1, rig.now_ms), now_ns);
    CHECK_INT(herd_time_forget_ns(rig.time, now_ns + near_ns + 1, rig.now_ms), now_ns);
    CHECK_INT(herd_time_own_ns(rig.time, rig.now_ms), now_ns);
    CHECK_INT(herd_time_offset_ns(rig.time), -5000 * MS);
    end(&rig);
}

static void medians_follow_within_20_ms_and_are_taken_no_more_often(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob Cy");
    hear_late(&rig, 0, "Bob 5000", 0);
    CHECK_INT(high(&rig), 5000); /* the first one */
    CHECK_INT(herd_time_deadline_ms(rig.time), INT64_MAX);
    hear_late(&rig, 1, "Cy 4000", 0);
    CHECK_INT(herd_time_deadline_ms(rig.time), rig.now_ms + HERD_TIME_RECKON_MS);
    pass(&rig, HERD_TIME_RECKON_MS - 1);
    CHECK_INT(high(&rig), 5000);
    pass(&rig, 1);
    CHECK_INT(high(&rig), 4000);
    show(&rig, 4100); /* a step does not wait */
    CHECK_INT(high(&rig), 4100);
    end(&rig);
}

/* ---- V7: the hold ------------------------------------------------------------------------ */

static void for_a_minute_the_greatest_and_the_least_count(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada", "");
    CHECK_INT(ceiling(&rig), 0);
    pass(&rig, 500);
    show(&rig, 3600000); /* a glitch of two seconds */
    CHECK_INT(ceiling(&rig), 3600000);
    CHECK_INT(earliest(&rig), 0);
    pass(&rig, 2000);
    show(&rig, -60000);
    pass(&rig, 100);
    show(&rig, 0);
    CHECK_INT(high(&rig), 0);
    CHECK_INT(low(&rig), 0);
    CHECK_INT(ceiling(&rig), 3600000);
    CHECK_INT(earliest(&rig), -60000);
    for (int i = 0; i < HERD_TIME_HOLD_S; i++) {
        pass(&rig, 1000);
        CHECK_INT(ceiling(&rig), 3600000);
        CHECK_INT(earliest(&rig), -60000);
    }
    pass(&rig, 1000);
    CHECK_INT(ceiling(&rig), 0);
    CHECK_INT(earliest(&rig), 0);
    end(&rig);
}

static void what_held_while_nobody_asked_counts_as_well(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada", "");
    show(&rig, 9000);
    pass(&rig, 30000); /* 9000 held until now */
    show(&rig, 0);
    pass(&rig, 59000);
    CHECK_INT(ceiling(&rig), 9000);
    show(&rig, 50);
    pass(&rig, 10 * DAY_MS); /* a laptop that slept */
    CHECK_INT(ceiling(&rig), 50);
    CHECK_INT(earliest(&rig), 50);
    pass(&rig, 2000);
    CHECK_INT(ceiling(&rig), 50);
    end(&rig);
}

/* ---- Clocks that are off ----------------------------------------------------------------- */

static int events_of(struct rig *rig, struct link_event *last)
{
    int count = 0;
    while (events_pop(&rig->events, last))
        count++;
    return count;
}

/* Our clock shows `off_ms` for so long; it is looked at each second. */
static void run(struct rig *rig, int64_t off, int64_t seconds)
{
    for (int64_t i = 0; i < seconds; i++) {
        pass(rig, 1000);
        show(rig, off);
        herd_time_spoke(rig->time, 0, rig->now_ms);
    }
}

static void a_clock_that_is_off_is_told_once_and_once_when_it_is_right(void)
{
    struct rig rig;
    struct link_event event;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob Cy");
    hear(&rig, 0, "Bob 0");
    hear(&rig, 1, "Cy 0");
    run(&rig, -1000, 10);
    CHECK_INT(events_of(&rig, &event), 0);
    run(&rig, -1001, 2); /* for one second so far */
    CHECK_INT(events_of(&rig, &event), 0);
    run(&rig, 0, 1);
    run(&rig, -1001, 2);
    CHECK_INT(events_of(&rig, &event), 0);
    run(&rig, -3600123, 60);
    CHECK_INT(events_of(&rig, &event), 1);
    CHECK_INT(event.kind, LINK_OWN_CLOCK_OFF);
    check_text(event.reason, "ours is 3600.1 s behind the herd's");
    run(&rig, 500, 10); /* not yet */
    CHECK_INT(events_of(&rig, &event), 0);
    run(&rig, 499, 10);
    CHECK_INT(events_of(&rig, &event), 1);
    CHECK_INT(event.kind, LINK_OWN_CLOCK_RIGHT);
    check_text(event.reason, "ours is within 0.5 s of the herd's again");
    CHECK_INT(rig.count.clocks_off, 1);
    CHECK_INT(rig.count.peer_clocks_off, 0);
    end(&rig);
}

static void it_is_told_at_most_once_a_minute(void)
{
    struct rig rig;
    struct link_event event;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob Cy");
    hear(&rig, 0, "Bob 0");
    hear(&rig, 1, "Cy 0");
    for (int i = 0; i < 12; i++) {
        run(&rig, 2000, 5);
        run(&rig, 0, 5);
    }
    CHECK_INT(rig.count.clocks_off, 2);
    CHECK_INT(events_of(&rig, &event), 4);
    CHECK_INT(event.kind, LINK_OWN_CLOCK_RIGHT);
    end(&rig);
}

static void a_neighbours_clock_that_is_off_is_told_here_too(void)
{
    struct rig rig;
    struct link_event event;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob Cy");
    hear(&rig, 1, "Cy 0");
    hear(&rig, 0, "Bob 1000");
    run(&rig, 0, 5);
    CHECK_INT(events_of(&rig, &event), 0);
    hear(&rig, 0, "Bob 1001");
    run(&rig, 0, 5);
    CHECK_INT(events_of(&rig, &event), 1);
    CHECK_INT(event.kind, LINK_CLOCK_OFF);
    CHECK_INT(event.peer, 0);
    check_text(event.reason, "Bob's is 1.0 s ahead of the herd's");
    pass(&rig, HERD_TIME_LIVE_MS + 1); /* nothing is told of who is not there */
    hear(&rig, 1, "Cy 0,Bob 0 i9");
    show(&rig, 0);
    CHECK_INT(events_of(&rig, &event), 0);
    hear(&rig, 0, "Bob 0 i9");
    run(&rig, 0, 1);
    CHECK_INT(events_of(&rig, &event), 1);
    CHECK_INT(event.kind, LINK_CLOCK_RIGHT);
    CHECK_INT(rig.count.peer_clocks_off, 1);
    hear(&rig, 1, "Cy 5000");
    pass(&rig, HERD_TIME_LIVE_MS + 1);
    run(&rig, 0, 5);
    CHECK_INT(events_of(&rig, &event), 0);
    CHECK_INT(rig.count.clocks_off, 0);
    end(&rig);
}

static const struct check_case cases[] = {
    {"V4: a clock before 2026 does not vote", a_clock_before_2026_does_not_vote},
    {"V4: where nobody votes the own clock is all there is",
     where_nobody_votes_the_own_clock_is_all_there_is},
    {"V5: of an odd number the middle one is both", of_an_odd_number_the_middle_one_is_both},
    {"V5: of an even number each use takes its harmless end",
     of_an_even_number_each_use_takes_its_harmless_end},
    {"V5: those vote with whom we share no link", those_vote_with_whom_we_share_no_link},
    {"V5: a jump of the own clock moves no other vote",
     a_jump_of_the_own_clock_moves_no_other_vote},
    {"V5: clocks that show anything overflow nothing", clocks_that_show_anything_overflow_nothing},
    {"V6: the own clock is taken while it is within a second",
     the_own_clock_is_taken_while_it_is_within_a_second},
    {"V6: medians follow within 20 ms, and are taken no more often",
     medians_follow_within_20_ms_and_are_taken_no_more_often},
    {"V7: for a minute the greatest and the least count",
     for_a_minute_the_greatest_and_the_least_count},
    {"V7: what held while nobody asked counts as well",
     what_held_while_nobody_asked_counts_as_well},
    {"a clock that is off is told once, and once when it is right",
     a_clock_that_is_off_is_told_once_and_once_when_it_is_right},
    {"it is told at most once a minute", it_is_told_at_most_once_a_minute},
    {"a neighbour's clock that is off is told here, too",
     a_neighbours_clock_that_is_off_is_told_here_too},
};

CHECK_MAIN(cases)
