/* When a connection is replaced, and with which key. */
#include "bus/link/dial.h"

#include "tests/check.h"

#define OLD_KEY "OldKeyOldKeyOldKeyOldKeyOldKeyOldKeyOldK"
#define NEW_KEY "NewKeyNewKeyNewKeyNewKeyNewKeyNewKeyNewK"

static const struct dial_rules rules = {
    .away_ms = 3000, .away_two_keys_ms = 1000, .unanswered_ms = 6000};
static const struct keyring_keys none, old_one = {{OLD_KEY}}, new_one = {{NEW_KEY}},
                                       both = {{OLD_KEY, NEW_KEY}}, turned = {{NEW_KEY, OLD_KEY}};

static struct dial dial;

static void check_due_at(int64_t due_ms)
{
    CHECK_INT(dial_deadline_ms(&dial), due_ms);
    CHECK(!dial_is_due(&dial, due_ms - 1));
    CHECK(dial_is_due(&dial, due_ms));
}

static void check_never_due(void)
{
    CHECK_INT(dial_deadline_ms(&dial), INT64_MAX);
    CHECK(!dial_is_due(&dial, INT64_MAX - 1));
}

static void what_never_comes_about_is_tried_again(void)
{
    dial_start(&dial, &rules, &none, 100);
    check_due_at(3100);
    dial_refused(&dial, 2000); /* the time since the start counts, not since the last refusal */
    check_due_at(3100);
    dial_renew(&dial, 3100);
    check_due_at(6100);
    CHECK_INT(dial.attempts, 1);
}

static void what_breaks_is_tried_again(void)
{
    dial_start(&dial, &rules, &none, 0);
    dial_taken(&dial, false, 50);
    check_never_due();
    dial_refused(&dial, 10000);
    dial_refused(&dial, 12000);
    check_due_at(13000);
    dial_taken(&dial, false, 12500);
    check_never_due();
}

static void what_is_lost_is_replaced_at_once_under_the_same_key(void)
{
    dial_start(&dial, &rules, &both, 0);
    dial_taken(&dial, true, 50);
    dial_refused(&dial, 60);
    dial_lost(&dial);
    CHECK(dial_is_due(&dial, 60));
    dial_renew(&dial, 60);
    CHECK_INT(dial.key, 0);
    check_due_at(1060);
}

static void what_answers_is_left_alone(void)
{
    dial_start(&dial, &rules, &none, 0);
    dial_taken(&dial, true, 50);
    check_due_at(6050);
    dial_taken(&dial, true, 3000); /* the first message without an answer counts */
    check_due_at(6050);
    dial_answered(&dial);
    check_never_due();
    dial_taken(&dial, true, 7000);
    check_due_at(13000);
}

static void what_takes_and_never_answers_is_replaced_under_the_same_key(void)
{
    dial_start(&dial, &rules, &both, 0);
    dial_taken(&dial, true, 50);
    check_due_at(6050);
    dial_renew(&dial, 6050);
    CHECK_INT(dial.key, 0);
    check_due_at(7050);
}

static void a_full_queue_counts_as_away(void)
{
    dial_start(&dial, &rules, &none, 0);
    dial_taken(&dial, true, 0);
    dial_refused(&dial, 1000);
    check_due_at(4000);
    dial_renew(&dial, 4000);
    check_due_at(7000);
}

static void of_two_keys_each_has_its_turn(void)
{
    dial_start(&dial, &rules, &both, 0);
    CHECK_INT(dial.key, 0);
    check_due_at(1000);
    dial_renew(&dial, 1000);
    CHECK_INT(dial.key, 1);
    check_due_at(2000);
    dial_renew(&dial, 2000);
    CHECK_INT(dial.key, 0);
}

/* A way that is longer than the short time would else never be found. */
static void after_both_had_their_turn_each_has_more_time(void)
{
    static const int64_t due_ms[] = {1000, 2000, 4000, 6000, 9000, 12000, 15000};
    dial_start(&dial, &rules, &both, 0);
    for (size_t i = 0; i < sizeof due_ms / sizeof *due_ms; i++) {
        check_due_at(due_ms[i]);
        dial_renew(&dial, due_ms[i]);
    }
    dial.fruitless = UINT32_MAX; /* for years */
    check_due_at(18000);
    dial_taken(&dial, false, 16000); /* once it came about, the next loss begins as the first */
    dial_refused(&dial, 17000);
    check_due_at(18000);
    for (int round = 0; round < 4; round++)
        dial_renew(&dial, 18000);
    check_due_at(21000);
    dial_expect(&dial, &turned); /* and so does a new list */
    check_due_at(19000);
}

static void each_address_is_tried_with_each_key(void)
{
    static const struct {
        const struct keyring_keys *keys;
        size_t chosen[6];
    } rows[] = {
        {&none, {0, 1, 2, 0, 1, 2}},
        {&old_one, {0, 1, 2, 0, 1, 2}},
        {&both, {0, 0, 1, 1, 2, 2}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        dial_start(&dial, &rules, rows[i].keys, 0);
        for (size_t attempt = 0; attempt < 6; attempt++) {
            CHECK_INT(dial_choose(&dial, 3), rows[i].chosen[attempt]);
            CHECK_INT(dial_choose(&dial, 1), 0);
            dial_renew(&dial, 0);
        }
    }
}

/* The way to a name server is not the connection's time. */
static void a_connection_may_be_made_later(void)
{
    dial_start(&dial, &rules, &both, 0);
    dial_restart(&dial, 4000);
    check_due_at(5000);
    CHECK_INT(dial.key, 0);
    CHECK_INT(dial.attempts, 0);
    CHECK_INT(dial_news(&dial, 5000), DIAL_LOST); /* it is lost for that time all the same */
}

static void a_loss_is_reported_once_and_so_is_the_return(void)
{
    dial_start(&dial, &rules, &none, 0);
    CHECK_INT(dial_news(&dial, 4999), DIAL_NOTHING_NEW);
    dial_renew(&dial, 3000); /* tries do not matter */
    CHECK_INT(dial_news(&dial, 5000), DIAL_LOST);
    dial_renew(&dial, 6000);
    CHECK_INT(dial_news(&dial, 100000), DIAL_NOTHING_NEW);
    dial_taken(&dial, false, 100000);
    CHECK_INT(dial_news(&dial, 100000), DIAL_BACK);
    CHECK_INT(dial_news(&dial, 100000), DIAL_NOTHING_NEW);
    dial_refused(&dial, 110000); /* a short loss is not reported, nor its end */
    dial_taken(&dial, false, 114000);
    CHECK_INT(dial_news(&dial, 200000), DIAL_NOTHING_NEW);
    dial_refused(&dial, 200000);
    CHECK_INT(dial_news(&dial, 205000), DIAL_LOST);
}

/* A connection that takes messages is not yet a return. */
static void a_peer_that_never_answers_is_reported_once(void)
{
    dial_start(&dial, &rules, &none, 0);
    for (int64_t now_ms = 0; now_ms < 60000; now_ms += 6000) {
        dial_taken(&dial, true, now_ms);
        dial_renew(&dial, now_ms + 6000);
        CHECK_INT(dial_news(&dial, now_ms + 6000), now_ms == 0 ? DIAL_LOST : DIAL_NOTHING_NEW);
    }
    dial_taken(&dial, false, 60000);
    CHECK_INT(dial_news(&dial, 60000), DIAL_NOTHING_NEW);
    dial_answered(&dial);
    CHECK_INT(dial_news(&dial, 60000), DIAL_BACK);
}

static void the_key_that_was_proved_is_expected_at_once(void)
{
    dial_start(&dial, &rules, &both, 0);
    dial_taken(&dial, false, 0);
    dial_proved(&dial, OLD_KEY);
    check_never_due();
    dial_proved(&dial, NEW_KEY);
    CHECK(dial_is_due(&dial, 0));
    dial_renew(&dial, 0);
    CHECK_INT(dial.key, 1);
    check_due_at(1000);
    dial_proved(&dial, OLD_KEY); /* also before the connection comes about */
    dial_renew(&dial, 500);
    CHECK_INT(dial.key, 0);
}

static void a_key_that_is_not_listed_proves_nothing(void)
{
    dial_start(&dial, &rules, &old_one, 0);
    dial_taken(&dial, false, 0);
    dial_proved(&dial, NEW_KEY);
    dial_proved(&dial, "");
    check_never_due();
}

static void new_lists_replace_a_connection_only_if_they_lack_its_key(void)
{
    static const struct {
        const struct keyring_keys *before, *after;
        size_t key;
        bool due;
    } rows[] = {
        {&old_one, &old_one, 0, false}, {&old_one, &both, 0, false}, {&old_one, &turned, 1, false},
        {&old_one, &new_one, 0, true},  {&both, &old_one, 0, false}, {&both, &new_one, 0, true},
        {&none, &none, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        dial_start(&dial, &rules, rows[i].before, 0);
        dial_taken(&dial, false, 0);
        dial_expect(&dial, rows[i].after);
        CHECK_INT(dial.key, rows[i].key);
        CHECK_INT(dial_is_due(&dial, 0), rows[i].due);
        if (rows[i].due)
            dial_renew(&dial, 0);
        CHECK_INT(dial.key, rows[i].key);
        CHECK(!dial_is_due(&dial, 0));
    }
}

static void the_second_key_stays_when_the_first_is_taken_out(void)
{
    dial_start(&dial, &rules, &both, 0);
    dial_renew(&dial, 1000);
    dial_taken(&dial, false, 1000);
    dial_expect(&dial, &new_one);
    CHECK_INT(dial.key, 0);
    check_never_due();
}

static const struct check_case cases[] = {
    {"a connection that never comes about is tried again", what_never_comes_about_is_tried_again},
    {"so is one that breaks", what_breaks_is_tried_again},
    {"one that is known to be lost is replaced at once, under the same key",
     what_is_lost_is_replaced_at_once_under_the_same_key},
    {"one that answers is left alone", what_answers_is_left_alone},
    {"one that takes messages and answers none is replaced, under the same key",
     what_takes_and_never_answers_is_replaced_under_the_same_key},
    {"a full queue counts as away", a_full_queue_counts_as_away},
    {"of two keys each has its turn", of_two_keys_each_has_its_turn},
    {"after both had their turn each has more time", after_both_had_their_turn_each_has_more_time},
    {"each address is tried with each key", each_address_is_tried_with_each_key},
    {"a connection may be made later", a_connection_may_be_made_later},
    {"a loss is reported once, and so is the return", a_loss_is_reported_once_and_so_is_the_return},
    {"a peer that never answers messages is reported once",
     a_peer_that_never_answers_is_reported_once},
    {"the key that the other end proved is expected at once",
     the_key_that_was_proved_is_expected_at_once},
    {"a key that is not listed proves nothing", a_key_that_is_not_listed_proves_nothing},
    {"a new list replaces a connection only if it lacks the connection's key",
     new_lists_replace_a_connection_only_if_they_lack_its_key},
    {"the second key stays when the first is taken out",
     the_second_key_stays_when_the_first_is_taken_out},
};

CHECK_MAIN(cases)
