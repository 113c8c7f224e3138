/* Which connections in TLS may begin, whose handshake is next, and who is late. */
#include "gateway/text/handshakes.h"

#include "tests/check.h"

#define MANY 2048

static struct address_shares *shares;
static struct handshakes handshakes;
static struct handshakes_connection all[MANY];
static struct handshakes_connection *gives_way; /* for the last one that was admitted */

static void fresh(size_t connections_max)
{
    struct fault fault;
    struct address_shares_options options = {.addresses_max = MANY, .hash_key = {1, 2, 3}};
    CHECK(networks_parse(span_of("203.0.113.0/24"), &options.trusted, &fault));
    address_shares_destroy(&shares);
    shares = address_shares_new(&options);
    handshakes_init(&handshakes, shares, connections_max);
}

static enum handshakes_verdict admit_at(size_t number, const char *from, int64_t now_ms)
{
    struct network_address address;
    CHECK(network_address_parse(span_of(from), &address));
    return handshakes_admit(&handshakes, &all[number],
                            address_shares_find(shares, &address, now_ms), now_ms, &gives_way);
}

static enum handshakes_verdict admit(size_t number, const char *from)
{
    return admit_at(number, from, 0);
}

/* Each from an address of its own. */
static enum handshakes_verdict admit_stranger(size_t number)
{
    char from[32];
    snprintf(from, sizeof from, "10.0.%zu.%zu", number / 250, number % 250 + 1);
    return admit(number, from);
}

static void an_address_has_a_number_under_way(void)
{
    fresh(MANY);
    for (size_t i = 0; i < HANDSHAKES_ADDRESS_MAX; i++)
        CHECK_INT(admit(i, "192.0.2.1"), HANDSHAKES_ADMITTED);
    CHECK_INT(admit(HANDSHAKES_ADDRESS_MAX, "192.0.2.1"), HANDSHAKES_ADDRESS_FULL);
    CHECK(gives_way == NULL);
    CHECK_INT(admit(HANDSHAKES_ADDRESS_MAX, "192.0.2.2"), HANDSHAKES_ADMITTED);
    CHECK_INT(handshakes.count.refused[HANDSHAKES_ADDRESS_FULL], 1);
    handshakes_end_done(&handshakes, &all[5], true);
    CHECK_INT(admit(MANY - 1, "192.0.2.1"), HANDSHAKES_ADMITTED);
    CHECK_INT(handshakes.count.done, 1);
    CHECK_INT(handshakes.count.resumed, 1);
}

/* Of all that are under way none is silent. */
static void all_together_have_a_number_under_way(void)
{
    fresh(MANY);
    for (size_t i = 0; i < HANDSHAKES_MAX; i++) {
        CHECK_INT(admit_stranger(i), HANDSHAKES_ADMITTED);
        CHECK(gives_way == NULL);
        handshakes_wait(&handshakes, &all[i]);
    }
    CHECK_INT(admit_stranger(HANDSHAKES_MAX), HANDSHAKES_FULL);
    CHECK_INT(admit(HANDSHAKES_MAX, "203.0.113.1"), HANDSHAKES_FULL);
    CHECK_INT(handshakes.count.refused[HANDSHAKES_FULL], 2);
    handshakes_leave(&handshakes, &all[0]);
    CHECK_INT(admit_stranger(HANDSHAKES_MAX), HANDSHAKES_ADMITTED);
    CHECK(gives_way == NULL);
}

static void end_who_gives_way(size_t wanted)
{
    CHECK(gives_way == &all[wanted]);
    handshakes_end_failed(&handshakes, gives_way, HANDSHAKES_SILENT);
    handshakes_leave(&handshakes, gives_way);
    CHECK_INT(handshakes.under_way_count, HANDSHAKES_MAX);
}

/* The one that nothing came of for longest; a step that was worked on counts as a word of it. */
static void who_is_silent_gives_way_to_who_begins(void)
{
    fresh(MANY);
    for (size_t i = 0; i < HANDSHAKES_MAX; i++)
        CHECK_INT(admit_stranger(i), HANDSHAKES_ADMITTED);
    handshakes_wait(&handshakes, &all[0]);
    handshakes_wait(&handshakes, &all[2]);
    CHECK(handshakes_next(&handshakes) == &all[0]);
    CHECK_INT(admit_stranger(HANDSHAKES_MAX), HANDSHAKES_ADMITTED);
    end_who_gives_way(1);
    for (size_t i = 3; i < HANDSHAKES_MAX; i++) {
        CHECK_INT(admit_stranger(i == 3 ? 1 : i - 1), HANDSHAKES_ADMITTED);
        end_who_gives_way(i);
    }
    CHECK_INT(admit_stranger(HANDSHAKES_MAX - 1), HANDSHAKES_ADMITTED);
    end_who_gives_way(0);
    CHECK_INT(handshakes.count.failed[HANDSHAKES_SILENT], HANDSHAKES_MAX - 1);
    CHECK_INT(handshakes.count.refused[HANDSHAKES_FULL], 0);
}

/* Nobody gives way to an address that may have no more. */
static void an_address_that_is_full_moves_nobody(void)
{
    fresh(MANY);
    for (size_t i = 0; i < HANDSHAKES_MAX; i++)
        CHECK_INT(i < HANDSHAKES_ADDRESS_MAX ? admit(i, "192.0.2.1") : admit_stranger(i),
                  HANDSHAKES_ADMITTED);
    CHECK_INT(admit(HANDSHAKES_MAX, "192.0.2.1"), HANDSHAKES_ADDRESS_FULL);
    CHECK(gives_way == NULL);
    CHECK_INT(admit(HANDSHAKES_MAX, "192.0.2.2"), HANDSHAKES_ADMITTED);
    end_who_gives_way(0);
}

static void begin_and_end(size_t number, const char *from, int64_t now_ms)
{
    CHECK_INT(admit_at(number, from, now_ms), HANDSHAKES_ADMITTED);
    handshakes_end_done(&handshakes, &all[number], false);
    handshakes_leave(&handshakes, &all[number]);
}

/* Those of which each is little work. */
static void an_address_begins_so_many_a_second(void)
{
    const int each_ms = 10;
    fresh(MANY);
    for (int i = 0; i < HANDSHAKES_ADDRESS_BURST; i++)
        begin_and_end(0, "192.0.2.1", 7000);
    CHECK_INT(admit_at(0, "192.0.2.1", 7000), HANDSHAKES_TOO_FAST);
    CHECK_INT(admit_at(0, "192.0.2.1", 7000 + each_ms - 1), HANDSHAKES_TOO_FAST);
    begin_and_end(0, "192.0.2.1", 7000 + each_ms);
    CHECK_INT(admit_at(0, "192.0.2.1", 7000 + each_ms), HANDSHAKES_TOO_FAST);
    begin_and_end(0, "192.0.2.2", 7000);
    for (int i = 0; i < 1000 / each_ms; i++)
        begin_and_end(0, "192.0.2.1", 8010);
    CHECK_INT(admit_at(0, "192.0.2.1", 8010), HANDSHAKES_TOO_FAST);
    CHECK_INT(handshakes.count.refused[HANDSHAKES_TOO_FAST], 4);
}

/* 8 ms of work, in two steps, as those of RSA with 4,096 bits; `from` has a tenth of a processor.
 */
static void work_hard(size_t number, const char *from, int64_t now_ms)
{
    CHECK_INT(admit_at(number, from, now_ms), HANDSHAKES_ADMITTED);
    handshakes_charge(&handshakes, &all[number], 7999999, now_ms);
    handshakes_charge(&handshakes, &all[number], 1, now_ms);
    handshakes_end_done(&handshakes, &all[number], false);
    handshakes_leave(&handshakes, &all[number]);
}

static void an_address_is_charged_the_work_that_was_done(void)
{
    const int64_t burst_ms = (HANDSHAKES_ADDRESS_BURST - 1) * 10;
    int count = 0;
    fresh(MANY);
    for (; count * 80 <= burst_ms; count++)
        work_hard(0, "192.0.2.1", 7000);
    CHECK_INT(count, 64);
    CHECK_INT(admit_at(0, "192.0.2.1", 7000), HANDSHAKES_TOO_FAST);
    CHECK_INT(admit_at(0, "192.0.2.1", 7000 + count * 80 - burst_ms - 1), HANDSHAKES_TOO_FAST);
    work_hard(0, "192.0.2.1", 7000 + count * 80 - burst_ms);
    for (int i = 0; i < 2 * count; i++)
        work_hard(0, "203.0.113.1", 7000);
    /* What is less than is charged at the start costs nothing more. */
    CHECK_INT(admit_at(0, "192.0.2.2", 7000), HANDSHAKES_ADMITTED);
    handshakes_charge(&handshakes, &all[0], HANDSHAKES_WORK_MIN_NS, 7000);
    CHECK_INT(all[0].share->handshakes_paid_ms, 7010);
}

/* Its entry must not go to another address before, which would give it a new burst. */
static void an_address_that_owes_keeps_its_entry(void)
{
    struct address_shares_options options = {.addresses_max = 1, .hash_key = {1}};
    fresh(MANY);
    address_shares_destroy(&shares);
    shares = address_shares_new(&options);
    handshakes_init(&handshakes, shares, MANY);
    begin_and_end(0, "192.0.2.1", 7000);
    struct network_address other;
    CHECK(network_address_parse(span_of("192.0.2.2"), &other));
    CHECK(address_shares_is_rest(shares, address_shares_find(shares, &other, 7009)));
    CHECK(!address_shares_is_rest(shares, address_shares_find(shares, &other, 7010)));
}

static void the_trusted_have_the_limits_of_the_node_alone(void)
{
    fresh(MANY);
    for (int i = 0; i < HANDSHAKES_ADDRESS_BURST + HANDSHAKES_ADDRESS_MAX; i++)
        CHECK_INT(admit((size_t)i, "203.0.113.1"), HANDSHAKES_ADMITTED);
}

static void connections_have_a_limit_and_an_address_half_of_it(void)
{
    fresh(8);
    for (size_t i = 0; i < 4; i++) {
        CHECK_INT(admit(i, "192.0.2.1"), HANDSHAKES_ADMITTED);
        handshakes_end_done(&handshakes, &all[i], false);
        handshakes_follow(&handshakes, &all[i], true, true, false, 0);
    }
    CHECK_INT(admit(4, "192.0.2.1"), HANDSHAKES_ADDRESS_FULL);
    for (size_t i = 4; i < 8; i++)
        CHECK_INT(admit_stranger(i), HANDSHAKES_ADMITTED);
    CHECK_INT(admit_stranger(8), HANDSHAKES_FULL);
    CHECK_INT(admit(8, "203.0.113.1"), HANDSHAKES_FULL);
    handshakes_leave(&handshakes, &all[0]);
    CHECK_INT(admit(0, "192.0.2.1"), HANDSHAKES_ADMITTED);
}

/* Two addresses with half of all places each, all silent, do not keep out a third one. */
static void silent_connections_give_their_places_to_others(void)
{
    fresh(8);
    for (size_t i = 0; i < 8; i++) {
        CHECK_INT(admit_at(i, i < 4 ? "192.0.2.1" : "192.0.2.2", (int64_t)i), HANDSHAKES_ADMITTED);
        handshakes_end_done(&handshakes, &all[i], false);
    }
    handshakes_follow(&handshakes, &all[0], true, false, false, 1100);
    CHECK_INT(admit_at(8, "192.0.2.3", 1200), HANDSHAKES_ADMITTED);
    CHECK(gives_way == &all[1]);
    handshakes_leave(&handshakes, &all[1]);
    /* Not to one whose address has half as many, and not where they have finished a command. */
    CHECK_INT(admit_at(9, "192.0.2.3", 1200), HANDSHAKES_FULL);
    for (size_t i = 0; i < 8; i++)
        if (i != 1)
            handshakes_follow(&handshakes, &all[i], false, true, i == 7, 1300);
    CHECK_INT(admit_at(9, "192.0.2.4", 1300), HANDSHAKES_FULL);
    /* Those close where they stay silent: first who began and did nothing. */
    CHECK(handshakes_next_silent(&handshakes, 1200 + CROWD_UNHEARD_MS - 1) == NULL);
    CHECK(handshakes_next_silent(&handshakes, 1200 + CROWD_UNHEARD_MS) == &all[8]);
    handshakes_follow(&handshakes, &all[8], false, true, true, 1300);
    CHECK(handshakes_next_silent(&handshakes, 1300 + CROWD_SILENT_MS - 1) == NULL);
    CHECK(handshakes_next_silent(&handshakes, 1300 + CROWD_SILENT_MS) == &all[0]);
    handshakes_follow(&handshakes, &all[0], true, true, false, 5000);
    CHECK(handshakes_next_silent(&handshakes, 1300 + CROWD_SILENT_MS) == &all[2]);
    handshakes_leave(&handshakes, &all[2]);
    CHECK(handshakes_next_silent(&handshakes, 1300 + CROWD_SILENT_MS) == &all[3]);
    handshakes_leave(&handshakes, &all[3]);
    CHECK(handshakes_next_silent(&handshakes, 1000000) == NULL);
}

static void bytes_are_worked_on_in_the_order_they_came(void)
{
    fresh(MANY);
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(admit_stranger(i), HANDSHAKES_ADMITTED);
    CHECK(!handshakes_are_waiting(&handshakes) && handshakes_next(&handshakes) == NULL);
    handshakes_wait(&handshakes, &all[2]);
    handshakes_wait(&handshakes, &all[0]);
    handshakes_wait(&handshakes, &all[2]);
    handshakes_wait(&handshakes, &all[1]);
    handshakes_leave(&handshakes, &all[0]);
    CHECK(handshakes_next(&handshakes) == &all[2]);
    CHECK(handshakes_are_waiting(&handshakes));
    CHECK(handshakes_next(&handshakes) == &all[1]);
    CHECK(handshakes_next(&handshakes) == NULL);
}

static void who_takes_too_long_is_late(void)
{
    fresh(MANY);
    CHECK_INT(admit_at(0, "192.0.2.1", 1000), HANDSHAKES_ADMITTED);
    CHECK_INT(admit_at(1, "192.0.2.1", 2000), HANDSHAKES_ADMITTED);
    CHECK(handshakes_next_late(&handshakes, 1000 + HANDSHAKES_LATE_MS - 1) == NULL);
    CHECK(handshakes_next_late(&handshakes, 1000 + HANDSHAKES_LATE_MS) == &all[0]);
    handshakes_end_failed(&handshakes, &all[0], HANDSHAKES_LATE);
    handshakes_leave(&handshakes, &all[0]);
    CHECK(handshakes_next_late(&handshakes, 1000 + HANDSHAKES_LATE_MS) == NULL);
    handshakes_end_done(&handshakes, &all[1], false);
    CHECK(handshakes_next_late(&handshakes, 2000 + HANDSHAKES_LATE_MS) == NULL);
    CHECK_INT(handshakes.count.failed[HANDSHAKES_LATE], 1);
    CHECK_INT(handshakes.count.failed[HANDSHAKES_LEFT], 0);
}

static void who_leaves_before_the_end_has_failed(void)
{
    fresh(MANY);
    CHECK_INT(admit(0, "192.0.2.1"), HANDSHAKES_ADMITTED);
    CHECK_INT(admit(1, "192.0.2.1"), HANDSHAKES_ADMITTED);
    handshakes_end_done(&handshakes, &all[1], false);
    handshakes_leave(&handshakes, &all[0]);
    handshakes_leave(&handshakes, &all[1]);
    CHECK_INT(handshakes.count.failed[HANDSHAKES_LEFT], 1);
    CHECK_INT(handshakes.crowd.count, 0);
    CHECK_INT(handshakes.under_way_count, 0);
}

static void another_limit_costs_nobody_who_is_there(void)
{
    fresh(4);
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(admit_stranger(i * 250), HANDSHAKES_ADMITTED);
    handshakes_limit(&handshakes, 2);
    CHECK_INT(handshakes.crowd.count, 3);
    CHECK_INT(admit_stranger(1000), HANDSHAKES_FULL);
    handshakes_leave(&handshakes, &all[0]);
    CHECK_INT(admit_stranger(1000), HANDSHAKES_FULL);
    handshakes_leave(&handshakes, &all[250]);
    CHECK_INT(admit_stranger(1000), HANDSHAKES_ADMITTED);
    handshakes_limit(&handshakes, 3);
    CHECK_INT(admit_stranger(1250), HANDSHAKES_ADMITTED);
}

static void each_has_its_words(void)
{
    for (int why = 0; why < HANDSHAKES_FAILURES; why++)
        for (int other = 0; other < why; other++)
            CHECK(strcmp(handshakes_say((enum handshakes_failure)why),
                         handshakes_say((enum handshakes_failure)other)) != 0);
    for (int verdict = 0; verdict < HANDSHAKES_VERDICTS; verdict++)
        for (int other = 0; other < verdict; other++)
            CHECK(strcmp(handshakes_say_refused((enum handshakes_verdict)verdict),
                         handshakes_say_refused((enum handshakes_verdict)other)) != 0);
}

static const struct check_case cases[] = {
    {"an address has a number under way", an_address_has_a_number_under_way},
    {"all together have a number under way", all_together_have_a_number_under_way},
    {"who is silent gives way to who begins", who_is_silent_gives_way_to_who_begins},
    {"an address that is full moves nobody", an_address_that_is_full_moves_nobody},
    {"an address is charged the work that was done", an_address_is_charged_the_work_that_was_done},
    {"silent connections give their places to others",
     silent_connections_give_their_places_to_others},
    {"an address begins so many a second", an_address_begins_so_many_a_second},
    {"an address that owes keeps its entry", an_address_that_owes_keeps_its_entry},
    {"the trusted have the limits of the node alone",
     the_trusted_have_the_limits_of_the_node_alone},
    {"connections have a limit, and an address half of it",
     connections_have_a_limit_and_an_address_half_of_it},
    {"bytes are worked on in the order they came", bytes_are_worked_on_in_the_order_they_came},
    {"who takes too long is late", who_takes_too_long_is_late},
    {"who leaves before the end has failed", who_leaves_before_the_end_has_failed},
    {"another limit costs nobody who is there", another_limit_costs_nobody_who_is_there},
    {"each has its words", each_has_its_words},
};

CHECK_MAIN(cases)
