/* What is listed, wanted and told again, and what that may cost: C6 and C8 to C10. */
#include "tests/unit/range_end.h"

static struct end ada, bob;
static struct letter letter;

/* Both hold `count` clients in each of the first ranges. */
static void open_both(uint32_t ranges, uint32_t count)
{
    open_end(&ada);
    open_end(&bob);
    for (uint32_t i = 0; i < ranges * count; i++) {
        put(&ada, i % ranges, i, 1);
        put(&bob, i % ranges, i, 1);
    }
    settle_all(&ada);
    settle_all(&bob);
}

static void close_both(void)
{
    close_end(&ada);
    close_end(&bob);
}

/* Ada is shown Bob's digest of that range as it is. */
static void show_bobs(uint32_t range)
{
    give_check(&ada, range, digest_at(&bob, 16, range));
}

static uint64_t due_of(const struct end *end)
{
    return ring_due(&end->window.ring);
}

static bool waits(struct end *end, uint32_t range)
{
    range_list_forget_waiting(&end->list);
    const struct range_waiting *waiting =
        range_list_waiting(&end->list, 0, &end->window.ring, end->window.acked);
    return range_waiting_any(waiting, range, 1);
}

/* ---- C6 ---------------------------------------------------------------------------------- */

static void what_differs_is_pushed_and_wanted_and_nothing_else(void)
{
    open_both(3, 5);
    change(&ada, 1, 1, 9); /* differs, Ada's is newer */
    put(&ada, 1, 1000, 1); /* only Ada's */
    put(&bob, 1, 2000, 1); /* only Bob's */
    show_bobs(1);
    CHECK_INT(ada.count.digest_faults, 1);
    CHECK(pull(&ada, &letter));
    CHECK_INT(letter.message.type, WIRE_LIST);
    CHECK_INT(letter.message.level, 16);
    CHECK_INT(letter.message.first, 1);
    CHECK_INT(letter.message.bin.len, 6 * 8);
    give(&bob, &letter);
    CHECK(pull(&bob, &letter));
    CHECK_INT(letter.message.type, WIRE_WANT);
    CHECK_INT(letter.message.level, 16);
    CHECK_INT(letter.message.first, 1);
    CHECK_INT(letter.message.bin.len, 2 * 4);
    CHECK_INT(due_of(&bob), 2); /* his older one of the first, and his own */
    CHECK_INT(bob.count.digest_faults, 1);
    CHECK(!range_check_is_settled(&bob.check, 1) && range_check_is_settled(&bob.check, 2));
    give(&ada, &letter);
    ada.now_ms += RANGE_LIST_READY_MS;
    CHECK(!pull(&ada, &letter));
    CHECK_INT(due_of(&ada), 2);
    CHECK(waits(&ada, 1) && !waits(&ada, 0) && !waits(&ada, 2));
    close_both();
}

static void a_range_that_is_equal_changes_nothing(void)
{
    open_both(3, 5);
    range_check_unsettle(&ada.check, 1);
    give_check(&ada, 1, 99); /* somebody made that up */
    CHECK(pull(&ada, &letter));
    give(&bob, &letter);
    CHECK(!pull(&bob, &letter));
    CHECK_INT(due_of(&bob) + due_of(&ada), 0);
    CHECK(range_check_is_settled(&bob.check, 1));
    close_both();
}

static void a_salt_picks_the_half(void)
{
    open_both(1, 1);
    uint64_t hash = table_slot_hash(ada.table, 0);
    uint32_t halves[] = {(uint32_t)hash, (uint32_t)(hash >> 32)};
    for (unsigned i = 0; i < 4; i++) {
        ada.now_ms += RANGE_PASS_MS_MAX;
        range_check_unsettle(&ada.check, 0);
        give_check(&ada, 0, 99);
        CHECK(pull_type(&ada, &letter, WIRE_LIST));
        CHECK_INT(letter.message.salt % 2, i % 2);
        CHECK_INT(number_at(&letter, 0), (uint32_t)(table_slot_client_hash(ada.table, 0) >> 16));
        CHECK_INT(number_at(&letter, 1), halves[letter.message.salt % 2]);
        bob.now_ms = ada.now_ms;
        give(&bob, &letter);
        CHECK(!pull_type(&bob, &letter, WIRE_WANT)); /* he takes the same half */
    }
    close_both();
}

static void what_waits_at_either_end_is_left_out(void)
{
    open_both(1, 3);
    change(&ada, 0, 0, 9); /* on its way to Bob */
    ring_push(&ada.window.ring, 0);
    change(&bob, 0, 1, 9); /* on its way to Ada */
    ring_push(&bob.window.ring, 1);
    change(&bob, 0, 2, 9); /* and one that nobody was told of */
    for (int i = 0; i < 3; i++)
        show_bobs(0); /* never at rest */
    CHECK(pull_type(&ada, &letter, WIRE_LIST));
    give(&bob, &letter);
    CHECK(pull_type(&bob, &letter, WIRE_WANT));
    CHECK_INT(letter.message.bin.len, 4);
    CHECK_INT(due_of(&bob), 2);            /* the one that waited, and the one that differs */
    CHECK_INT(bob.count.digest_faults, 0); /* it was no cut of a range at rest */
    CHECK(!range_check_is_settled(&bob.check, 0));
    close_both();
}

static void a_list_that_is_not_all_of_the_range_is_not_sent(void)
{
    open_both(3, 5);
    range_check_unsettle(&ada.check, 1);
    give_check(&ada, 1, 99);
    range_list_step(&ada.list, ada.now_ms); /* collected */
    put(&ada, 1, 1000, 1);                  /* and one more */
    CHECK(!pull(&ada, &letter));
    give_check(&ada, 1, 99); /* the next check asks again */
    ada.now_ms += RANGE_LIST_READY_MS;
    CHECK(pull(&ada, &letter));
    CHECK_INT(letter.message.bin.len, 6 * 8);
    close_both();
}

static void what_changes_after_it_was_collected_is_listed_as_it_is(void)
{
    open_both(3, 5);
    range_check_unsettle(&ada.check, 1);
    give_check(&ada, 1, 99);
    range_list_step(&ada.list, ada.now_ms);
    change(&ada, 1, 1, 9);
    change(&bob, 1, 1, 9);
    CHECK(pull(&ada, &letter));
    give(&bob, &letter);
    CHECK(!pull(&bob, &letter));
    close_both();
}

static void nothing_is_wanted_from_an_observer(void)
{
    open_both(3, 5);
    range_check_open(&ada.check, false, true, ada.now_ms);
    put(&bob, 1, 2000, 1);
    range_check_unsettle(&bob.check, 1);
    give_check(&bob, 1, 99);
    CHECK(pull(&bob, &letter));
    give(&ada, &letter);
    CHECK(!pull(&ada, &letter));
    close_both();
}

/* ---- C8 ---------------------------------------------------------------------------------- */

static void a_range_is_listed_once_a_pass(void)
{
    open_both(1, 1);
    range_check_unsettle(&ada.check, 0);
    int lists = 0;
    int64_t end_ms = ada.now_ms + 3600000;
    for (; ada.now_ms < end_ms; ada.now_ms += 1000) {
        give_check(&ada, 0, 99);
        while (pull(&ada, &letter))
            lists += letter.message.type == WIRE_LIST;
    }
    CHECK(lists >= 13 && lists <= 15);           /* 1, 2, 4, 5, 5, ... minutes apart */
    give_check(&ada, 0, digest_at(&ada, 16, 0)); /* equal: it may differ again */
    give_check(&ada, 0, 99);
    CHECK(pull_type(&ada, &letter, WIRE_LIST));
    close_both();
}

/* The busy one hides the other, and then rests. */
static void what_differs_is_listed_although_it_starved_before(void)
{
    open_both(1, 2);
    for (int i = 0; i < 3; i++) {
        give_check(&ada, 0, 0);
        CHECK_INT(pull_type(&ada, &letter, WIRE_LIST), i == 2);
    }
    give(&bob, &letter);
    CHECK(!pull_type(&bob, &letter, WIRE_WANT));
    ada.now_ms += RANGE_LIST_READY_MS;
    change(&bob, 0, 1, 9);
    show_bobs(0);
    CHECK_INT(ada.count.digest_faults, 1);
    CHECK(pull_type(&ada, &letter, WIRE_LIST));
    bob.now_ms = ada.now_ms;
    give(&bob, &letter);
    CHECK(pull_type(&bob, &letter, WIRE_WANT));
    close_both();
}

static void what_starved_may_be_wanted(void)
{
    open_both(1, 2);
    change(&bob, 0, 1, 9);
    for (int i = 0; i < 3; i++)
        give_check(&ada, 0, 0);
    CHECK(pull_type(&ada, &letter, WIRE_LIST));
    give(&bob, &letter);
    CHECK(pull_type(&bob, &letter, WIRE_WANT));
    give(&ada, &letter);
    ada.now_ms += RANGE_LIST_READY_MS;
    while (pull(&ada, &letter))
        ;
    CHECK_INT(due_of(&ada), 1);
    close_both();
}

static void what_was_equal_is_listed_out_of_a_bucket(void)
{
    open_both(1, 1);
    int lists = 0;
    for (uint32_t range = 0; range < 4000; range++) {
        ada.now_ms += 20;
        ada.check.round_faults = 0; /* never many in one round */
        give_check(&ada, range, 99);
        while (pull(&ada, &letter))
            lists += letter.message.type == WIRE_LIST;
    }
    CHECK_INT(ada.count.digest_faults, 4000);
    CHECK(lists >= 1310 && lists <= 1312);
    close_both();
}

static void many_faults_at_once_make_a_new_pair(void)
{
    open_both(1, 1);
    for (int i = 0; i < 4; i++) /* a round begins */
        ada.now_ms += RANGE_CHECK_MS, pull(&ada, &letter);
    for (uint32_t range = 0; range < 1310; range++) {
        ada.now_ms += 20;
        give_check(&ada, range, 99);
    }
    CHECK_INT(ada.check.settled_count, RANGE_COUNT - 1310);
    give_check(&ada, 1310, 99);
    CHECK_INT(ada.check.settled_count, 0);
    CHECK_INT(ada.count.digest_faults, 1311);
    CHECK(pull_type(&ada, &letter, WIRE_CHECK)); /* all of them, in 256 digests at first */
    CHECK_INT(letter.message.level, RANGE_CHECK_LEVEL_MIN);
    CHECK_INT(letter.message.bin.len, 4 << RANGE_CHECK_LEVEL_MIN);
    close_both();
}

/* ---- C9 ---------------------------------------------------------------------------------- */

static void checks_beyond_the_pace_are_dropped(void)
{
    open_both(1, 1);
    for (uint32_t range = 0; range < 65; range++)
        give_check(&ada, range, 99);
    CHECK_INT(ada.count.digest_faults, 64);
    CHECK_INT(ada.count.checks_dropped, 1);
    close_both();
}

/* First by 256 digests, and those that are invented as well by all parts of each, at the pace. */
static void invented_digests_are_answered_by_all_ranges_once_in_four_seconds(void)
{
    static struct letter beat;
    open_both(1, 1);
    uint64_t bytes = 0;
    for (int ms = 0; ms < 40000; ms += 10, ada.now_ms += 10) {
        beat.message = (struct wire_message){
            .type = WIRE_HEARTBEAT, .has_checks = true, .cut = ada.cut, .digest = 99, .whole = 99};
        give(&ada, &beat);
        while (pull(&ada, &letter))
            bytes += letter.message.bin.len;
    }
    CHECK(bytes >= 10 * 65536 * 4 && bytes <= 11 * 65536 * 4);
    CHECK(ada.count.checks_dropped > 0);
    close_both();
}

static void ids_are_wanted_only_of_what_was_listed(void)
{
    open_both(3, 5);
    static struct letter want;
    want.message =
        (struct wire_message){.type = WIRE_WANT, .level = 16, .first = 1, .bin = {want.bin, 5 * 4}};
    uint32_t at = 0;
    for (uint32_t slot = 0; slot < 15; slot++) {
        uint64_t client = table_slot_client_hash(ada.table, slot);
        uint32_t big = htobe32((uint32_t)(client >> 16));
        if (client >> 48 == 1)
            memcpy(want.bin + 4 * (size_t)at++, &big, 4);
    }
    give(&ada, &want);
    while (pull(&ada, &letter))
        ;
    CHECK_INT(due_of(&ada), 0);
    CHECK_INT(ada.count.checks_dropped, 1);
    range_check_unsettle(&ada.check, 1);
    give_check(&ada, 1, 99);
    CHECK(pull_type(&ada, &letter, WIRE_LIST));
    want.message.first = 2;
    give(&ada, &want); /* of another one */
    CHECK_INT(ada.count.checks_dropped, 2);
    want.message.first = 1;
    give(&ada, &want);
    give(&ada, &want); /* more than were listed */
    ada.now_ms += RANGE_LIST_READY_MS;
    while (pull(&ada, &letter))
        ;
    CHECK_INT(due_of(&ada), 5);
    CHECK_INT(ada.count.checks_dropped, 3);
    close_both();
}

static void held_messages_have_a_limit(void)
{
    open_both(3, 5);
    static struct letter list;
    list.message = (struct wire_message){
        .type = WIRE_LIST, .level = 16, .cut = ada.cut, .bin = {list.bin, 2048 * 8}};
    uint32_t count = 0;
    while (ada.count.checks_dropped == 0 && count < 1000) {
        list.message.first = count++;
        give(&ada, &list);
    }
    CHECK(count == RANGE_LIST_LINK_HELD_BYTES_MAX / (2048 * 8)); /* one less, and one dropped */
    CHECK(ada.check.repair->held_bytes <= RANGE_LIST_LINK_HELD_BYTES_MAX);
    close_both();
}

/* ---- C10 --------------------------------------------------------------------------------- */

static void a_large_range_is_listed_in_parts(void)
{
    open_end(&ada);
    open_end(&bob);
    for (uint32_t i = 0; i <= WIRE_ENTRIES_MAX; i++) {
        uint64_t hash = (uint64_t)5 << 48 | (uint64_t)i << 36;
        put_from(&ada, hash, 1, 1);
        if (i != 1024 && i != 7)
            put_from(&bob, hash, 1, 1);
    }
    give_check(&ada, 5, digest_at(&bob, 16, 5));
    uint32_t entries = 0;
    for (uint32_t part = 0; part < 2; part++) {
        CHECK(pull(&ada, &letter));
        CHECK_INT(letter.message.type, WIRE_LIST);
        CHECK_INT(letter.message.level, 17);
        CHECK_INT(letter.message.first, 5 * 2 + part);
        entries += (uint32_t)letter.message.bin.len / 8;
        give(&bob, &letter);
    }
    CHECK_INT(entries, WIRE_ENTRIES_MAX + 1);
    CHECK(!pull(&ada, &letter));
    uint32_t wanted = 0;
    while (pull(&bob, &letter)) {
        CHECK_INT(letter.message.type, WIRE_WANT);
        CHECK_INT(letter.message.level, 17);
        wanted += (uint32_t)letter.message.bin.len / 4;
        give(&ada, &letter);
    }
    CHECK_INT(wanted, 2);
    CHECK_INT(due_of(&bob), 0);
    ada.now_ms += RANGE_LIST_READY_MS;
    while (pull(&ada, &letter))
        ;
    CHECK_INT(due_of(&ada), 2);
    close_both();
}

static void a_full_list_is_one_message(void)
{
    open_end(&ada);
    for (uint32_t i = 0; i < WIRE_ENTRIES_MAX; i++)
        put_from(&ada, (uint64_t)5 << 48 | (uint64_t)i << 36, 1, 1);
    give_check(&ada, 5, 99);
    CHECK(pull(&ada, &letter));
    CHECK_INT(letter.message.level, 16);
    CHECK_INT(letter.message.bin.len, WIRE_ENTRIES_MAX * 8);
    close_end(&ada);
}

/* More than a pass collects of one range, at both ends; the first and the last differ. */
static void a_range_too_large_for_a_pass_is_listed_by_several(void)
{
    const uint32_t count = 40000;
    open_end(&ada);
    open_end(&bob);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t hash = (uint64_t)5 << 48 | (i * 107374) << 16; /* all over the range */
        put_from(&ada, hash, 1, 1);
        put_from(&bob, hash, 1, i == 0 || i == count - 1 ? 2 : 1);
    }
    put(&ada, 6, 1, 1);
    give_check(&ada, 5, digest_at(&bob, 16, 5));
    give_check(&ada, 6, 99); /* it does not wait for the others */
    uint32_t entries = 0, wanted = 0;
    int64_t start_ms = ada.now_ms, other_ms = -1;
    for (; ada.now_ms < start_ms + 10000; bob.now_ms = ++ada.now_ms) {
        while (pull_type(&ada, &letter, WIRE_LIST)) {
            if (letter.message.first >> (letter.message.level - 16) == 5)
                entries += (uint32_t)letter.message.bin.len / 8;
            else
                other_ms = ada.now_ms - start_ms;
            give(&bob, &letter);
        }
        while (pull(&bob, &letter))
            if (letter.message.type == WIRE_WANT) {
                wanted += (uint32_t)letter.message.bin.len / 4;
                give(&ada, &letter);
            }
    }
    CHECK_INT(entries, count);
    CHECK(other_ms >= 0 && other_ms < RANGE_LIST_READY_MS);
    CHECK_INT(due_of(&bob), 2);
    CHECK_INT(bob.count.checks_dropped, 0);
    CHECK_INT(wanted, 2 + 1); /* and that one of range 6 */
    CHECK_INT(due_of(&ada), 2 + 1);
    close_both();
}

/* Ids whose hashes differ in the last 16 bits alone. */
static void clients_of_one_id_are_one_entry_and_are_told_together(void)
{
    open_end(&ada);
    open_end(&bob);
    uint64_t hash = (uint64_t)5 << 48 | 77 << 16, middle = 0;
    for (uint32_t i = 0; i < 3; i++) {
        hash = put_from(&ada, hash, 1, 1);
        middle = i == 1 ? hash : middle;
        put_from(&bob, hash++, 1, 1);
    }
    put_from(&ada, middle, 1, 2); /* neither the first nor the last of them changes */
    give_check(&ada, 5, digest_at(&bob, 16, 5));
    CHECK(pull(&ada, &letter));
    CHECK_INT(letter.message.bin.len, 8);
    CHECK_INT(number_at(&letter, 0), 77);
    give(&bob, &letter);
    CHECK(pull(&bob, &letter));
    CHECK_INT(letter.message.bin.len, 4);
    CHECK_INT(due_of(&bob), 3);
    give(&ada, &letter);
    ada.now_ms += RANGE_LIST_READY_MS;
    CHECK(!pull(&ada, &letter));
    CHECK_INT(due_of(&ada), 3);
    close_both();
}

/* Ids that agree in their first 24 bits, and are too many for a message: told as they are. */
static void a_part_that_is_too_large_at_the_finest_level_is_told(void)
{
    open_end(&ada);
    for (uint32_t i = 0; i <= WIRE_ENTRIES_MAX; i++)
        put_from(&ada, (uint64_t)5 << 48 | (uint64_t)i << 16, 1, 1);
    put(&ada, 6, 1, 1);
    give_check(&ada, 5, 99);
    /* 17 to 24: the other halves, which are empty. */
    for (unsigned level = 24; level > 16; level--) {
        ada.now_ms += 5;
        CHECK(pull_type(&ada, &letter, WIRE_LIST));
        CHECK_INT(letter.message.level, level);
        CHECK_INT(letter.message.first, (5u << (level - 16)) + 1);
        CHECK_INT(letter.message.bin.len, 0);
    }
    CHECK(!pull_type(&ada, &letter, WIRE_LIST));
    CHECK_INT(due_of(&ada), WIRE_ENTRIES_MAX + 1);
    close_end(&ada);
}

static const struct check_case cases[] = {
    {"what differs is pushed and wanted, and nothing else",
     what_differs_is_pushed_and_wanted_and_nothing_else},
    {"a range that is equal changes nothing", a_range_that_is_equal_changes_nothing},
    {"a salt picks the half", a_salt_picks_the_half},
    {"what waits at either end is left out", what_waits_at_either_end_is_left_out},
    {"a list that is not all of the range is not sent",
     a_list_that_is_not_all_of_the_range_is_not_sent},
    {"what changes after it was collected is listed as it is",
     what_changes_after_it_was_collected_is_listed_as_it_is},
    {"nothing is wanted from an observer", nothing_is_wanted_from_an_observer},
    {"a range is listed once a pass", a_range_is_listed_once_a_pass},
    {"what differs is listed although it starved before",
     what_differs_is_listed_although_it_starved_before},
    {"what starved may be wanted", what_starved_may_be_wanted},
    {"what was equal is listed out of a bucket", what_was_equal_is_listed_out_of_a_bucket},
    {"many faults at once make a new pair", many_faults_at_once_make_a_new_pair},
    {"checks beyond the pace are dropped", checks_beyond_the_pace_are_dropped},
    {"invented digests are answered by all ranges once in four seconds",
     invented_digests_are_answered_by_all_ranges_once_in_four_seconds},
    {"ids are wanted only of what was listed", ids_are_wanted_only_of_what_was_listed},
    {"held messages have a limit", held_messages_have_a_limit},
    {"a large range is listed in parts", a_large_range_is_listed_in_parts},
    {"a full list is one message", a_full_list_is_one_message},
    {"a range too large for a pass is listed by several",
     a_range_too_large_for_a_pass_is_listed_by_several},
    {"clients of one id are one entry, and are told together",
     clients_of_one_id_are_one_entry_and_are_told_together},
    {"a part that is too large at the finest level is told",
     a_part_that_is_too_large_at_the_finest_level_is_told},
};

CHECK_MAIN(cases)
