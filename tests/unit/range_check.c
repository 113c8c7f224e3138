/* What is compared, what a difference means, and what is shown to whom: C1 to C5 and C7. */
#include "tests/unit/range_end.h"

static struct end ada, bob;
static struct letter letter;

static void open_both(void)
{
    open_end(&ada);
    open_end(&bob);
}

static void close_both(void)
{
    close_end(&ada);
    close_end(&bob);
}

static bool is_settled(const struct end *end, uint32_t range)
{
    return range_check_is_settled(&end->check, range);
}

/* Every second the next quarter, at the level of the slots in flight at the other end. */
static void next_second(struct end *end, uint64_t their_slots)
{
    end->check.their_slots = their_slots;
    end->now_ms += RANGE_CHECK_MS;
}

/* ---- C1, C2 ------------------------------------------------------------------------------ */

static void a_digest_of_a_coarse_range_is_that_of_all_its_parts(void)
{
    open_end(&ada);
    for (uint32_t i = 0; i < 40; i++)
        put(&ada, 1000 * i, i, 1);
    settle_all(&ada);
    next_second(&ada, 64); /* level 10 */
    CHECK(pull(&ada, &letter));
    CHECK_INT(letter.message.level, 10);
    CHECK_INT(letter.message.bin.len, 256 * 4);
    for (uint32_t i = 0; i < 256; i++) {
        uint64_t digest = 0;
        for (uint32_t part = 0; part < 64; part++)
            digest ^=
                table_range_digest(ada.table, 16, ((uint32_t)letter.message.first + i) * 64 + part);
        uint32_t folded = (uint32_t)(digest >> 32) ^ (uint32_t)digest;
        CHECK_INT(number_at(&letter, i), folded == 0 ? 1 : folded);
    }
    close_end(&ada);
}

static void what_is_not_announced_is_not_shown(void)
{
    open_end(&ada);
    uint32_t slot = put(&ada, 20000, 1, 1);
    put(&ada, 20001, 1, 1);
    settle_all(&ada);
    ring_push(&ada.window.ring, slot);
    next_second(&ada, 1u << 13); /* level 16 */
    CHECK(pull(&ada, &letter));
    CHECK_INT(letter.message.first, 16384);
    CHECK_INT(letter.message.cut.position, 0);
    CHECK_INT(number_at(&letter, 20000 - 16384), 0);
    CHECK_INT(number_at(&letter, 20001 - 16384), digest_at(&ada, 16, 20001));
    announce(&ada); /* on its way, and `position` says so */
    ada.check.turn = 0;
    ada.check.turn_position = 0;
    next_second(&ada, 1u << 13);
    CHECK(pull(&ada, &letter));
    CHECK_INT(letter.message.cut.position, 1);
    CHECK_INT(number_at(&letter, 20000 - 16384), digest_at(&ada, 16, 20000));
    window_rewind(&ada.window); /* lost: it goes out once more */
    range_list_forget_waiting(&ada.list);
    ada.check.turn = 0;
    ada.check.turn_position = 0;
    next_second(&ada, 1u << 13);
    CHECK(pull(&ada, &letter));
    CHECK_INT(number_at(&letter, 20000 - 16384), 0);
    close_end(&ada);
}

/* ---- C3 ---------------------------------------------------------------------------------- */

static void only_the_same_state_is_compared(void)
{
    open_end(&ada);
    for (uint32_t range = 5; range <= 7; range++)
        ring_push(&ada.window.ring, put(&ada, range, 1, 1));
    announce(&ada);
    window_confirm(&ada.window, 3, ada.now_ms);
    settle_all(&ada);
    ada.received = 5;
    static const struct {
        uint64_t position, have;
        bool compares;
    } rows[] = {{4, 3, false}, {6, 3, false}, {5, 2, false}, {5, 3, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t big = htobe32(99);
        memcpy(letter.bin, &big, sizeof big);
        letter.message = (struct wire_message){.type = WIRE_CHECK,
                                               .received = rows[i].have,
                                               .cut = ada.cut,
                                               .level = 16,
                                               .first = 7,
                                               .bin = {letter.bin, 4}};
        letter.message.cut.position = rows[i].position;
        give(&ada, &letter);
        CHECK_INT(ada.count.digest_faults, rows[i].compares);
    }
    close_end(&ada);
}

static void what_they_may_not_have_yet_is_left_out(void)
{
    open_end(&ada);
    uint32_t slot = put(&ada, 7, 1, 1);
    put(&ada, 8, 1, 1);
    settle_all(&ada);
    ring_push(&ada.window.ring, slot); /* waits */
    give_check(&ada, 7, 99);
    announce(&ada); /* on its way */
    give_check(&ada, 7, 99);
    CHECK_INT(ada.count.digest_faults, 0);
    CHECK(is_settled(&ada, 7));
    give_check(&ada, 8, 0); /* nor is "not now" a difference */
    CHECK_INT(ada.count.digest_faults, 0);
    give_check(&ada, 8, 99);
    CHECK_INT(ada.count.digest_faults, 1);
    window_confirm(&ada.window, 1, ada.now_ms);
    give_check(&ada, 7, 99); /* they have it, so that one differs, too */
    CHECK_INT(ada.count.digest_faults, 2);
    close_end(&ada);
}

static void other_horizons_are_no_fault_but_what_is_not_settled_is_listed(void)
{
    open_end(&ada);
    put(&ada, 7, 1, 1);
    settle_all(&ada);
    range_check_unsettle(&ada.check, 8);
    static struct letter check;
    for (uint32_t range = 7; range <= 8; range++) {
        uint32_t big = htobe32(99);
        memcpy(check.bin, &big, sizeof big);
        check.message = (struct wire_message){
            .type = WIRE_CHECK, .cut = ada.cut, .level = 16, .first = range, .bin = {check.bin, 4}};
        check.message.cut.horizon_ns = 0;
        give(&ada, &check);
    }
    CHECK_INT(ada.count.digest_faults, 0);
    CHECK(is_settled(&ada, 7));
    CHECK(pull_type(&ada, &letter, WIRE_LIST));
    CHECK_INT(letter.message.first, 8);
    CHECK(!pull_type(&ada, &letter, WIRE_LIST));
    close_end(&ada);
}

/* ---- C4 ---------------------------------------------------------------------------------- */

static void what_differs_is_a_fault_only_where_it_was_equal(void)
{
    open_end(&ada);
    put(&ada, 7, 1, 1);
    put(&ada, 8, 1, 1);
    give_check(&ada, 7, 99);
    CHECK_INT(ada.count.digest_faults, 0);
    give_check(&ada, 8, digest_at(&ada, 16, 8));
    CHECK(is_settled(&ada, 8) && !is_settled(&ada, 7));
    give_check(&ada, 8, 99);
    CHECK_INT(ada.count.digest_faults, 1);
    CHECK(!is_settled(&ada, 8) && ada.check.differs);
    give_check(&ada, 8, 99); /* known */
    CHECK_INT(ada.count.digest_faults, 1);
    CHECK(pull_type(&ada, &letter, WIRE_LIST) && letter.message.first == 7);
    CHECK(pull_type(&ada, &letter, WIRE_LIST) && letter.message.first == 8);
    CHECK(!pull_type(&ada, &letter, WIRE_LIST));
    close_end(&ada);
}

static void one_event_says_how_many_ranges_differ_and_how_old_the_last_comparison_is(void)
{
    struct events events = {0};
    struct link_event event;
    open_end(&ada);
    CHECK(range_check_age_ms(&ada.check, ada.now_ms) == UINT64_MAX);
    settle_all(&ada);
    ada.now_ms += 700;
    give_check(&ada, 7, 99);
    give_check(&ada, 8, 98);
    range_check_report(&ada.check, &events, ada.now_ms);
    CHECK(events_pop(&events, &event));
    CHECK_INT(event.kind, LINK_DIGESTS_DIFFER);
    CHECK_INT(event.ranges, 2);
    CHECK_INT(event.range, 7);
    CHECK_INT(event.digest, 1);
    CHECK_INT(event.their_digest, 99);
    CHECK_INT(event.compared_age_ms, 700);
    give_check(&ada, 9, 99);
    range_check_report(&ada.check, &events, ada.now_ms + RANGE_CHECK_EVENT_MS - 1);
    CHECK(!events_pop(&events, &event));
    range_check_report(&ada.check, &events, ada.now_ms + RANGE_CHECK_EVENT_MS);
    CHECK(events_pop(&events, &event) && event.ranges == 1 && event.range == 9);
    range_check_report(&ada.check, &events, ada.now_ms + 10 * RANGE_CHECK_EVENT_MS);
    CHECK(!events_pop(&events, &event));
    events_free(&events);
    close_end(&ada);
}

static void another_incarnation_met_there_clears_all(void)
{
    open_end(&ada);
    settle_all(&ada);
    ada.cut.met = 2;
    give_check(&ada, 7, 1);
    CHECK_INT(ada.check.settled_count, 1);
    close_end(&ada);
}

static void a_link_that_comes_up_again_has_nothing_settled(void)
{
    open_end(&ada);
    settle_all(&ada);
    range_check_close(&ada.check);
    CHECK(!is_settled(&ada, 7));
    range_check_open(&ada.check, false, false, ada.now_ms);
    CHECK_INT(ada.check.settled_count, 0);
    give_check(&ada, 7, 99);
    CHECK_INT(ada.count.digest_faults, 0);
    close_end(&ada);
}

static void what_was_acknowledged_counts_once_it_is_known_how_much_was_refused(void)
{
    open_end(&ada);
    settle_all(&ada);
    ring_push(&ada.window.ring, put(&ada, 7, 1, 1));
    announce(&ada);
    window_confirm(&ada.window, 1, ada.now_ms);
    static struct letter check;
    uint32_t big = htobe32(99);
    memcpy(check.bin, &big, sizeof big);
    check.message = (struct wire_message){.type = WIRE_CHECK,
                                          .received = 1,
                                          .cut = ada.cut,
                                          .level = 16,
                                          .first = 7,
                                          .bin = {check.bin, 4}};
    const struct wire_cut ours = cut_of(&ada);
    range_check_receive(&ada.check, &check.message, 0, &ours, ada.now_ms);
    CHECK_INT(ada.count.digest_faults, 0);
    give(&ada, &check);
    CHECK_INT(ada.count.digest_faults, 1);
    close_end(&ada);
}

static void what_was_not_kept_clears_what_it_may_have_made_differ(void)
{
    open_end(&ada);
    settle_all(&ada);
    range_check_unsettle(&ada.check, 7); /* here: that range */
    give_check(&ada, 7, 99);
    CHECK_INT(ada.count.digest_faults, 0);
    CHECK_INT(ada.check.settled_count, RANGE_COUNT - 1);
    range_check_take_refused(&ada.check, 1, 0); /* there: nobody knows which */
    CHECK_INT(ada.check.settled_count, 0);
    settle_all(&ada);
    range_check_take_refused(&ada.check, 1, 0);
    CHECK_INT(ada.check.settled_count, RANGE_COUNT);
    close_end(&ada);
}

/* ---- C5 ---------------------------------------------------------------------------------- */

static void a_coarse_difference_is_answered_by_all_its_parts(void)
{
    open_both();
    for (uint32_t i = 0; i < 256; i++) {
        put(&ada, 256 * i + 5, i, 1);
        put(&bob, 256 * i + 5, i, 1);
    }
    settle_all(&ada);
    settle_all(&bob);
    put(&bob, 256 + 77, 1, 1); /* nobody was told of it */
    next_second(&ada, 1);      /* level 8: the second quarter, ranges 64 to 127 */
    ada.check.turn = 3;        /* but the first one now */
    CHECK(pull(&ada, &letter));
    CHECK_INT(letter.message.level, 8);
    CHECK_INT(letter.message.bin.len, 64 * 4);
    give(&bob, &letter);
    CHECK_INT(bob.count.digest_faults, 0); /* somewhere in there: not known where */
    CHECK(pull(&bob, &letter));
    CHECK_INT(letter.message.type, WIRE_CHECK);
    CHECK_INT(letter.message.level, 16);
    CHECK_INT(letter.message.first, 256);
    CHECK_INT(letter.message.bin.len, 256 * 4);
    give(&ada, &letter);
    CHECK_INT(ada.count.digest_faults, 1);
    CHECK(!is_settled(&ada, 256 + 77) && is_settled(&ada, 256 + 76));
    CHECK(pull_type(&ada, &letter, WIRE_LIST));
    CHECK_INT(letter.message.first, 256 + 77);
    close_both();
}

static void whole_tables_that_differ_are_shown_in_256_ranges_first(void)
{
    open_both();
    settle_all(&ada);
    put(&ada, 7, 1, 1);
    static struct letter beat;
    beat.message = (struct wire_message){
        .type = WIRE_HEARTBEAT, .has_checks = true, .cut = ada.cut, .digest = 99, .whole = 99};
    give(&ada, &beat); /* different at level 0 */
    CHECK(pull(&ada, &letter));
    CHECK_INT(letter.message.level, RANGE_CHECK_LEVEL_MIN);
    CHECK_INT(letter.message.first, 0);
    CHECK_INT(letter.message.bin.len, 256 * 4);
    CHECK(!pull(&ada, &letter));
    close_both();
}

static void tables_that_are_equal_are_settled_although_more_may_be_on_the_way(void)
{
    static struct letter beat;
    open_end(&ada);
    ring_push(&ada.window.ring, put(&ada, 7, 1, 1));
    announce(&ada);
    beat.message = (struct wire_message){.type = WIRE_HEARTBEAT,
                                         .has_checks = true,
                                         .cut = ada.cut,
                                         .digest = table_digest(ada.table) ^ 1};
    give(&ada, &beat);
    CHECK_INT(ada.check.settled_count, 0);
    beat.message.digest ^= 1;
    give(&ada, &beat);
    CHECK_INT(ada.check.settled_count, RANGE_COUNT);
    CHECK(ada.check.is_synced);
    close_end(&ada);
}

static void the_whole_digest_counts_only_where_nothing_is_on_the_way_or_unsettled(void)
{
    static struct letter beat;
    open_end(&ada);
    uint32_t slot = put(&ada, 7, 1, 1);
    settle_all(&ada);
    beat.message = (struct wire_message){.type = WIRE_HEARTBEAT,
                                         .has_checks = true,
                                         .cut = ada.cut,
                                         .digest = 99,
                                         .whole = 99,
                                         .slots = 5};
    ring_push(&ada.window.ring, slot);
    give(&ada, &beat);
    CHECK_INT(ada.check.run_count, 0);
    CHECK_INT(ada.check.their_slots, 5);
    announce(&ada);
    give(&ada, &beat);
    CHECK_INT(ada.check.run_count, 0);
    window_confirm(&ada.window, 1, ada.now_ms);
    beat.message.received = 1;
    beat.message.whole = 0; /* not now */
    give(&ada, &beat);
    CHECK_INT(ada.check.run_count, 0);
    beat.message.whole = 99;
    range_check_unsettle(&ada.check, 3); /* then the checks of level 8 find it */
    give(&ada, &beat);
    CHECK_INT(ada.check.run_count, 0);
    settle_all(&ada);
    give(&ada, &beat);
    CHECK_INT(ada.check.run_count, 1);
    close_end(&ada);
}

static void what_is_never_at_rest_is_listed_slot_by_slot(void)
{
    open_end(&ada);
    uint32_t busy = put(&ada, 7, 1, 1);
    put(&ada, 7, 2, 1);
    settle_all(&ada);
    ring_push(&ada.window.ring, busy);
    give_check(&ada, 7, 99);
    give_check(&ada, 7, 0);
    CHECK(!pull_type(&ada, &letter, WIRE_LIST));
    give_check(&ada, 7, 99); /* the third time running */
    CHECK(pull_type(&ada, &letter, WIRE_LIST));
    CHECK_INT(ada.count.digest_faults, 0);
    CHECK_INT(letter.message.first, 7);
    CHECK_INT(letter.message.bin.len, 2 * 8);
    CHECK_INT(number_at(&letter, 1), 0); /* what waits: not now */
    CHECK(number_at(&letter, 3) != 0);
    for (int i = 0; i < 3; i++) { /* and again after two more looks, as long as it is so */
        give_check(&ada, 7, 99);
        CHECK(!pull_type(&ada, &letter, WIRE_LIST));
        ada.now_ms += RANGE_LIST_READY_MS;
        give_check(&ada, 7, 99);
        give_check(&ada, 7, 99); /* asked for already */
        CHECK(pull_type(&ada, &letter, WIRE_LIST));
        CHECK(!pull_type(&ada, &letter, WIRE_LIST));
    }
    close_end(&ada);
}

static void of_what_never_rests_the_busy_are_listed_and_the_others_shown(void)
{
    open_end(&ada);
    uint32_t busy = put(&ada, 7, 1, 1);
    settle_all(&ada);
    ring_push(&ada.window.ring, busy);
    give_check_of(&ada, 8, 0, 99);
    for (int i = 0; i < 3; i++) {
        give_check_of(&ada, 8, 0, 99);
        CHECK(!pull(&ada, &letter));
        give_check(&ada, 8, 1); /* equal, but the busy one is not */
        give_check_of(&ada, 8, 0, 99);
        CHECK(pull(&ada, &letter));
        CHECK_INT(letter.message.type, WIRE_LIST);
        CHECK_INT(letter.message.first, 7);
        CHECK(pull(&ada, &letter));
        CHECK_INT(letter.message.type, WIRE_CHECK);
        CHECK_INT(letter.message.level, 16);
        CHECK_INT(letter.message.first, 0);
        CHECK_INT(letter.message.bin.len, 256 * 4);
        CHECK(!pull(&ada, &letter));
        ada.now_ms += RANGE_LIST_READY_MS;
    }
    close_end(&ada);
}

static void a_look_that_finds_it_equal_ends_the_count(void)
{
    open_end(&ada);
    uint32_t busy = put(&ada, 7, 1, 1);
    settle_all(&ada);
    for (int i = 0; i < 4; i++) {
        ring_push(&ada.window.ring, busy);
        give_check(&ada, 7, 99);
        give_check(&ada, 7, 99);
        give_check(&ada, 7, digest_at(&ada, 16, 7));
    }
    for (int i = 0; i < 4; i++) { /* and one at all of them */
        give_check(&ada, 7, 99);
        give_check(&ada, 7, 99);
        settle_all(&ada);
    }
    CHECK(!pull_type(&ada, &letter, WIRE_LIST));
    close_end(&ada);
}

static void what_we_cannot_show_counts_as_left_out_and_goes_down_to_the_slots(void)
{
    open_end(&ada);
    uint32_t busy = put(&ada, 7, 1, 1);
    settle_all(&ada);
    ring_push(&ada.window.ring, busy);
    for (int round = 0; round < 3; round++)
        for (int quarter = 0; quarter < 4; quarter++) {
            next_second(&ada, 1);
            CHECK(pull(&ada, &letter));
            CHECK_INT(letter.message.level, 8);
        }
    /* The first 256th was not shown three times: its parts, but for that range, and that one by
     * slots. */
    CHECK(pull(&ada, &letter));
    CHECK_INT(letter.message.type, WIRE_LIST);
    CHECK_INT(letter.message.first, 7);
    CHECK(pull(&ada, &letter));
    CHECK_INT(letter.message.level, 16);
    CHECK_INT(letter.message.first, 0);
    CHECK_INT(letter.message.bin.len, 256 * 4);
    CHECK_INT(number_at(&letter, 7), 0);
    CHECK_INT(number_at(&letter, 8), 1);
    CHECK(!pull(&ada, &letter));
    close_end(&ada);
}

/* ---- C7 ---------------------------------------------------------------------------------- */

static void the_level_follows_the_slots_in_flight(void)
{
    static const struct {
        uint64_t slots;
        unsigned level;
    } rows[] = {{0, 0},     {1, 8},     {16, 8},    {17, 9},   {32, 9},
                {2048, 15}, {2049, 16}, {4096, 16}, {4097, 16}};
    open_end(&ada);
    settle_all(&ada);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        next_second(&ada, rows[i].slots);
        bool any = pull(&ada, &letter);
        CHECK_INT(any, rows[i].level > 0);
        if (any)
            CHECK_INT(letter.message.level, rows[i].level);
        CHECK_INT(range_check_not_comparable(&ada.check), rows[i].slots > 4096 ? rows[i].slots : 0);
    }
    close_end(&ada);
}

static void the_greatest_of_the_last_seconds_counts(void)
{
    open_end(&ada);
    settle_all(&ada);
    for (uint32_t i = 0; i < 40; i++)
        ring_push(&ada.window.ring, put(&ada, i, 1, 1));
    CHECK(!pull(&ada, &letter));
    CHECK_INT(range_check_slots(&ada.check), 40);
    announce(&ada);
    window_confirm(&ada.window, 40, ada.now_ms);
    next_second(&ada, 0);
    CHECK(pull(&ada, &letter));
    CHECK_INT(letter.message.level, 10);
    for (int i = 0; i < 4; i++)
        next_second(&ada, 0), pull(&ada, &letter);
    CHECK_INT(range_check_slots(&ada.check), 0);
    close_end(&ada);
}

static void a_quarter_goes_out_each_second_from_both_ends_two_seconds_apart(void)
{
    open_both();
    range_check_open(&bob.check, true, false, bob.now_ms);
    settle_all(&ada);
    settle_all(&bob);
    for (uint64_t second = 1; second <= 8; second++) {
        next_second(&ada, 64); /* level 10 */
        next_second(&bob, 64);
        CHECK(pull(&ada, &letter));
        CHECK_INT(letter.message.first, second % 4 * 256);
        CHECK_INT(letter.message.bin.len, 256 * 4);
        CHECK(!pull(&ada, &letter));
        CHECK(pull(&bob, &letter));
        CHECK_INT(letter.message.first, (second + 2) % 4 * 256);
    }
    close_both();
}

static void a_large_quarter_waits_for_what_went_before_the_last_one(void)
{
    open_end(&ada);
    settle_all(&ada);
    uint64_t large = (1u << RANGE_CHECK_LEVEL_LARGE) / 16;
    for (uint32_t round = 1; round <= 2; round++) {
        ring_push(&ada.window.ring, put(&ada, round, 1, 1));
        announce(&ada);
        next_second(&ada, large);
        CHECK(pull(&ada, &letter)); /* the last one had nothing before it */
        for (int seconds = 0; seconds < 5; seconds++) {
            next_second(&ada, large);
            CHECK(!pull(&ada, &letter));
        }
        window_confirm(&ada.window, round, ada.now_ms);
    }
    next_second(&ada, large);
    CHECK(pull(&ada, &letter));
    CHECK_INT(letter.message.first, 3 << (RANGE_CHECK_LEVEL_LARGE - 2)); /* and none was left out */
    ring_push(&ada.window.ring, put(&ada, 3, 1, 1));
    announce(&ada);
    for (int seconds = 0; seconds < 5; seconds++) {
        next_second(&ada, large / 2);
        CHECK(pull(&ada, &letter));
    }
    close_end(&ada);
}

static void while_something_is_not_settled_the_checks_are_finer(void)
{
    open_end(&ada);
    next_second(&ada, 0);
    CHECK(pull(&ada, &letter));
    CHECK_INT(letter.message.level, RANGE_CHECK_LEVEL_MIN);
    settle_all(&ada);
    next_second(&ada, 0);
    CHECK(!pull(&ada, &letter));
    close_end(&ada);
}

static void with_too_much_in_flight_nothing_is_compared(void)
{
    open_end(&ada);
    put(&ada, 7, 1, 1);
    settle_all(&ada);
    for (uint32_t slot = 1; slot <= RANGE_LIST_WAITING_MAX + 1; slot++)
        put(&ada, slot * 7 + 100, 1, 1);
    settle_all(&ada);
    for (uint32_t slot = 1; slot <= RANGE_LIST_WAITING_MAX; slot++)
        ring_push(&ada.window.ring, slot);
    next_second(&ada, 0);
    CHECK(pull(&ada, &letter)); /* at the limit */
    ring_push(&ada.window.ring, RANGE_LIST_WAITING_MAX + 1);
    next_second(&ada, 0);
    CHECK(!pull(&ada, &letter));
    range_list_forget_waiting(&ada.list);
    give_check(&ada, 7, 99);
    CHECK_INT(ada.count.digest_faults, 0);
    close_end(&ada);
}

static void turns_of_what_is_settled_come_at_the_moments_of_the_process(void)
{
    open_end(&ada);
    ada.list.process = 123;
    ada.now_ms = ada.check.check_at;
    CHECK(pull(&ada, &letter));
    CHECK_INT(ada.check.check_at, ada.now_ms + RANGE_CHECK_MS);
    settle_all(&ada);
    ada.now_ms = ada.check.check_at;
    CHECK(!pull(&ada, &letter));
    CHECK_INT(ada.check.check_at % 500, 123);
    CHECK(ada.check.check_at > ada.now_ms && ada.check.check_at <= ada.now_ms + RANGE_CHECK_MS);
    close_end(&ada);
}

static const struct check_case cases[] = {
    {"a digest of a coarse range is that of all its parts",
     a_digest_of_a_coarse_range_is_that_of_all_its_parts},
    {"what is not announced is not shown", what_is_not_announced_is_not_shown},
    {"only the same state is compared", only_the_same_state_is_compared},
    {"what they may not have yet is left out", what_they_may_not_have_yet_is_left_out},
    {"other horizons are no fault, but what is not settled is listed",
     other_horizons_are_no_fault_but_what_is_not_settled_is_listed},
    {"what differs is a fault only where it was equal",
     what_differs_is_a_fault_only_where_it_was_equal},
    {"one event says how many ranges differ, and how old the last comparison is",
     one_event_says_how_many_ranges_differ_and_how_old_the_last_comparison_is},
    {"another incarnation met there clears all", another_incarnation_met_there_clears_all},
    {"a link that comes up again has nothing settled",
     a_link_that_comes_up_again_has_nothing_settled},
    {"what was acknowledged counts once it is known how much was refused",
     what_was_acknowledged_counts_once_it_is_known_how_much_was_refused},
    {"what was not kept clears what it may have made differ",
     what_was_not_kept_clears_what_it_may_have_made_differ},
    {"a coarse difference is answered by all its parts",
     a_coarse_difference_is_answered_by_all_its_parts},
    {"whole tables that differ are shown in 256 ranges first",
     whole_tables_that_differ_are_shown_in_256_ranges_first},
    {"tables that are equal are settled, although more may be on the way",
     tables_that_are_equal_are_settled_although_more_may_be_on_the_way},
    {"the whole digest counts only where nothing is on the way or unsettled",
     the_whole_digest_counts_only_where_nothing_is_on_the_way_or_unsettled},
    {"what is never at rest is listed slot by slot", what_is_never_at_rest_is_listed_slot_by_slot},
    {"of what never rests the busy are listed and the others shown",
     of_what_never_rests_the_busy_are_listed_and_the_others_shown},
    {"a look that finds it equal ends the count", a_look_that_finds_it_equal_ends_the_count},
    {"what we cannot show counts as left out, and goes down to the slots",
     what_we_cannot_show_counts_as_left_out_and_goes_down_to_the_slots},
    {"the level follows the slots in flight", the_level_follows_the_slots_in_flight},
    {"the greatest of the last seconds counts", the_greatest_of_the_last_seconds_counts},
    {"a quarter goes out each second, from both ends two seconds apart",
     a_quarter_goes_out_each_second_from_both_ends_two_seconds_apart},
    {"a large quarter waits until what went before the last one is acknowledged, a small one does "
     "not",
     a_large_quarter_waits_for_what_went_before_the_last_one},
    {"while something is not settled the checks are finer",
     while_something_is_not_settled_the_checks_are_finer},
    {"with too much in flight nothing is compared", with_too_much_in_flight_nothing_is_compared},
    {"turns of what is settled come at the moments of the process",
     turns_of_what_is_settled_come_at_the_moments_of_the_process},
};

CHECK_MAIN(cases)
