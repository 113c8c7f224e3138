/* What is told of clocks, and whose word of a clock counts: V1 to V3 of bus/PROTOCOL.md, "Herd
 * time". Each case is a rule or a way to get it wrong that a simulation has found. */
#include "tests/unit/herd_time_rig.h"

/* ---- V1: what is said -------------------------------------------------------------------- */

static void the_own_clock_comes_first_and_a_neighbour_hears_nothing_of_itself(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy Dee", "Bob Cy");
    check_text(told(&rig, 0), "Ada 0");
    CHECK_INT(message.clocks[0].incarnation, 100);
    hear(&rig, 0, "Bob 30,Dee 40 a1000");
    hear(&rig, 1, "Cy 50");
    check_text(told(&rig, 0), "Ada 0,Cy 50 a20,Dee 40 a1040");
    check_text(told(&rig, 1), "Ada 0,Bob 30 a40,Dee 40 a1040");
    CHECK_INT(message.cut.ceiling_ns, herd_time_ceiling_ns(rig.time, rig.now_ms));
    end(&rig);
}

static void others_clocks_go_on_by_the_monotonic_clock(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob Cy");
    hear(&rig, 0, "Bob 300 s2");
    pass(&rig, 7000);
    show(&rig, 99000);
    check_text(told(&rig, 1), "Ada 99000 s1,Bob 300 a7020 s2");
    end(&rig);
}

static void a_jump_of_the_own_clock_is_a_step_and_news_at_once(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob", "Bob");
    CHECK(!show(&rig, 100));
    CHECK_INT(rig.count.clock_steps, 0);
    CHECK(show(&rig, 101)); /* 101 ms since the last step, in whatever pieces */
    CHECK(!show(&rig, 1));
    CHECK(show(&rig, 0));
    CHECK(show(&rig, -5000));
    CHECK_INT(rig.count.clock_steps, 3);
    check_text(told(&rig, 0), "Ada -5000 s3");
    end(&rig);
}

static void without_a_clock_nothing_is_said_or_heard_and_every_order_counts(void)
{
    struct rig rig;
    begin_blind(&rig, "Ada", "Ada Bob", "Bob");
    hear(&rig, 0, "Bob 5000");
    check_text(told(&rig, 0), "");
    CHECK_INT(message.cut.ceiling_ns, INT64_MAX);
    CHECK(!herd_time_has_clock(rig.time));
    CHECK_INT(votes(&rig), 0);
    CHECK_INT(herd_time_offset_ns(rig.time), 0);
    CHECK_INT(herd_time_accept_ns(rig.time, 77, rig.now_ms), 77);
    CHECK_INT(herd_time_forget_ns(rig.time, 77, rig.now_ms), 77);
    CHECK_INT(herd_time_own_ns(rig.time, rig.now_ms), 0);
    CHECK_INT(herd_time_ceiling_ns(rig.time, rig.now_ms), INT64_MAX);
    CHECK_INT(earliest(&rig), NOBODY);
    CHECK_INT(herd_time_deadline_ms(rig.time), INT64_MAX);
    end(&rig);
}

/* ---- V2: what is kept -------------------------------------------------------------------- */

static void of_itself_the_message_that_waited_least_counts(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob Cy");
    hear(&rig, 0, "Bob 4800");
    hear(&rig, 0, "Bob 4950");
    pass(&rig, 1000);
    hear(&rig, 0, "Bob 4710");
    check_text(told(&rig, 1), "Ada 0,Bob 4950 a20");
    end(&rig);
}

static void but_the_largest_counts_for_five_minutes_not_for_ever(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob Cy");
    hear(&rig, 0, "Bob 4900");
    pass(&rig, HERD_TIME_HALF_MS - HERD_TIME_RECKON_MS);
    hear(&rig, 0, "Bob 4800");
    CHECK_INT(high(&rig), 4900);
    pass(&rig, HERD_TIME_HALF_MS - HERD_TIME_RECKON_MS);
    hear(&rig, 0, "Bob 4700"); /* now 4900 is of the half before */
    CHECK_INT(high(&rig), 4900);
    pass(&rig, HERD_TIME_HALF_MS + 1);
    hear(&rig, 0, "Bob 4690");
    CHECK_INT(high(&rig), 4700);
    pass(&rig, 2 * HERD_TIME_HALF_MS + 1); /* nothing of the last five minutes */
    hear(&rig, 0, "Bob 4600");
    CHECK_INT(high(&rig), 4600);
    end(&rig);
}

static void a_step_or_another_incarnation_begins_anew(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob", "Bob");
    hear(&rig, 0, "Bob 9000");
    hear(&rig, 0, "Bob 4000 s1");
    CHECK_INT(high(&rig), 4000);
    hear(&rig, 0, "Bob 3000 i8");
    CHECK_INT(high(&rig), 3000);
    end(&rig);
}

static void of_others_the_latest_word_counts(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob");
    hear(&rig, 0, "Bob 5000,Cy 5300");
    CHECK_INT(high(&rig), 5000);
    hear(&rig, 0, "Bob 5000,Cy 4000 a1000");
    CHECK_INT(high(&rig), 4000); /* the largest would stay at 5300 */
    end(&rig);
}

static void what_is_said_again_of_who_has_not_spoken_since_changes_nothing(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob");
    hear_late(&rig, 0, "Bob 0,Cy 5000 a1000", 0);
    pass(&rig, 2000);
    hear_late(&rig, 0, "Bob 0,Cy 4990 a2990", 0); /* 10 ms longer on its way */
    check_text(told(&rig, 0), "Ada 0,Cy 5000 a3000");
    hear_late(&rig, 0, "Bob 0,Cy 4990 a2900", 0);
    check_text(told(&rig, 0), "Ada 0,Cy 5000 a3000");
    hear_late(&rig, 0, "Bob 0,Cy 4990 a2890", 0); /* another 100 ms: it has spoken again */
    check_text(told(&rig, 0), "Ada 0,Cy 4990 a2890");
    hear_late(&rig, 0, "Bob 0,Cy 3500 a2890", 0); /* of the same moment, but another clock */
    check_text(told(&rig, 0), "Ada 0,Cy 3500 a2890");
    end(&rig);
}

static void of_a_late_copy_nothing_counts(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob");
    hear(&rig, 0, "Bob 0 s2,Cy 5000");
    pass(&rig, 100);
    hear_late(&rig, 0, "Bob 0 s1,Cy 6000", -200); /* it said so before the step */
    hear_late(&rig, 0, "Bob 0 s2,Cy 7000", 130);
    CHECK_INT(rig.count.clocks_late, 2);
    hear_late(&rig, 0, "Bob 0 s2,Cy 5000", 120); /* a copy of the same: nothing new */
    CHECK_INT(rig.count.clocks_late, 2);
    hear_late(&rig, 0, "Bob 0 s0 i8,Cy 8000", 110); /* of another incarnation all may be new */
    CHECK_INT(rig.count.clocks_late, 2);
    end(&rig);
}

static void a_message_that_waited_on_the_way_says_nothing_of_others(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob");
    hear(&rig, 0, "Bob 5000,Cy 5000");
    pass(&rig, 1000);
    hear_late(&rig, 0, "Bob 5000,Cy 4000", 250);
    pass(&rig, 50);
    CHECK_INT(high(&rig), 3750); /* 0, 3750, 5000 */
    CHECK_INT(rig.count.clocks_delayed, 0);
    pass(&rig, 1000);
    hear_late(&rig, 0, "Bob 5000,Cy 9000", 251);
    pass(&rig, 50);
    CHECK_INT(rig.count.clocks_delayed, 1);
    CHECK_INT(high(&rig), 3750); /* Cy's is as it was */
    hear(&rig, 0, "Bob 5000 s1,Cy 9000");
    CHECK_INT(high(&rig), 5000); /* a step: there is no best to be slower than */
    end(&rig);
}

/* ---- V3: whose word ---------------------------------------------------------------------- */

static void a_neighbours_own_word_counts_before_what_others_say(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob Cy");
    hear(&rig, 0, "Bob 9000");
    hear(&rig, 1, "Cy 9000,Bob 0 s5");
    CHECK_INT(high(&rig), 9000);
    pass(&rig, HERD_TIME_LIVE_MS - 2 * HERD_TIME_RECKON_MS);
    hear(&rig, 1, "Cy 9000,Bob 0 s5");
    CHECK_INT(high(&rig), 9000);       /* Bob spoke 12 s ago */
    hear(&rig, 1, "Cy 9000,Bob 0 s5"); /* and now longer */
    CHECK_INT(high(&rig), 0);
    CHECK_INT(low(&rig), 0);
    end(&rig);
}

static void anything_that_comes_over_a_link_keeps_it_alive(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob Cy");
    hear(&rig, 0, "Bob 9000");
    pass(&rig, HERD_TIME_LIVE_MS);
    herd_time_spoke(rig.time, 0, rig.now_ms);
    pass(&rig, HERD_TIME_LIVE_MS);
    hear(&rig, 1, "Cy 9000,Bob 0");
    CHECK_INT(high(&rig), 9000);
    end(&rig);
}

static void of_contradicting_words_the_nearest_to_the_own_clock_counts(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy Dee", "Bob Cy");
    hear(&rig, 0, "Bob 0,Dee 259200000 s9 i99"); /* neither the newest step nor incarnation wins */
    hear(&rig, 1, "Cy 0,Dee 70 a30000 s3");
    check_text(told(&rig, 0), "Ada 0,Cy 0 a20,Dee 70 a30020 s3");
    hear(&rig, 0, "Bob 0,Dee 259200000 s10");
    check_text(told(&rig, 0), "Ada 0,Cy 0 a40,Dee 70 a30040 s3");
    pass(&rig, 1000);
    hear(&rig, 0, "Bob 0,Dee -70 s10 a900"); /* as near: the fresher one */
    check_text(told(&rig, 1), "Ada 0,Bob 0 a20,Dee -70 a920 s10");
    end(&rig);
}

static void of_words_that_agree_the_freshest_counts(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy Dee", "Bob Cy");
    hear_late(&rig, 0, "Bob 0,Dee 5000 a100", 0);
    hear_late(&rig, 1, "Cy 0,Dee 4000 a30000", 0); /* nearer, and once round */
    check_text(told(&rig, 0), "Ada 0,Cy 0,Dee 5000 a100");
    pass(&rig, 2000);
    hear_late(&rig, 0, "Bob 0,Dee 5000 a200", 0); /* it has spoken since */
    check_text(told(&rig, 0), "Ada 0,Cy 0 a2000,Dee 5000 a200");
    hear_late(&rig, 1, "Cy 0,Dee 3999 a30000", 0);
    check_text(told(&rig, 0), "Ada 0,Dee 3999 a30000,Cy 0");
    end(&rig);
}

static void but_not_where_it_is_a_minute_older_than_the_freshest(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy Dee", "Bob Cy");
    hear_late(&rig, 1, "Cy 0,Dee 10 a60000", 0);
    hear_late(&rig, 0, "Bob 0,Dee 5000 a0", 0);
    check_text(told(&rig, 0), "Ada 0,Cy 0,Dee 10 a60000");
    hear_late(&rig, 1, "Cy 0,Dee 10 a60001", 0);
    check_text(told(&rig, 0), "Ada 0,Dee 5000,Cy 0");
    end(&rig);
}

static void what_a_dead_link_said_does_not_compete(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy Dee", "Bob Cy");
    hear(&rig, 0, "Bob 0,Dee 10");
    pass(&rig, HERD_TIME_LIVE_MS);
    hear(&rig, 1, "Cy 0,Dee 5000 a10000");
    check_text(told(&rig, 0), "Ada 0,Cy 0 a20,Dee 5000 a10020");
    end(&rig);
}

static void a_vote_stays_a_day_whatever_is_cut(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob");
    hear(&rig, 0, "Bob 5000,Cy 5000 a1000");
    pass(&rig, DAY_MS - 1000 - HERD_TIME_RECKON_MS - 1);
    show(&rig, 0);
    CHECK_INT(votes(&rig), 3);
    CHECK_INT(high(&rig), 5000);
    pass(&rig, 1);
    show(&rig, 0);
    CHECK_INT(votes(&rig), 2);
    pass(&rig, 999);
    show(&rig, 0);
    CHECK_INT(votes(&rig), 2);
    pass(&rig, 1);
    show(&rig, 0);
    CHECK_INT(votes(&rig), 1);
    CHECK_INT(high(&rig), 0);
    check_text(told(&rig, 0), "Ada 0");
    hear(&rig, 0, "Bob 5000 i8,Cy 5000 a18446744073709551615");
    CHECK_INT(votes(&rig), 2);
    end(&rig);
}

static void only_nodes_of_the_topology_vote(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob", "Bob tap");
    hear(&rig, 1, "tap 5000,Bob 5000"); /* an observer, for nobody */
    CHECK_INT(votes(&rig), 1);
    hear(&rig, 0, "Bob 0,tap 5000,Mallory 5000,Ada 5000");
    CHECK_INT(votes(&rig), 2);
    CHECK_INT(high(&rig), 0);
    check_text(told(&rig, 1), "Ada 0,Bob 0 a20"); /* but it hears */
    end(&rig);
}

static void an_observer_votes_for_nobody_and_takes_the_time_of_its_node(void)
{
    struct rig rig;
    begin(&rig, "tap", "Ada Bob Cy", "Ada");
    check_text(told(&rig, 0), "");
    CHECK_INT(ceiling(&rig), 0); /* nobody votes yet */
    hear(&rig, 0, "Ada -5000,Bob -5010,Cy -9000,tap 0");
    CHECK_INT(votes(&rig), 3);
    CHECK_INT(high(&rig), -5010);
    CHECK_INT(low(&rig), -5010);
    CHECK_INT(ceiling(&rig), -5010);
    check_text(told(&rig, 0), "");
    end(&rig);
}

static void without_a_list_of_nodes_we_and_all_peers_vote(void)
{
    struct rig rig;
    begin(&rig, "Ada", "", "Bob Cy");
    hear(&rig, 0, "Bob 0,Dee 0");
    hear(&rig, 1, "Cy 5000");
    CHECK_INT(votes(&rig), 3);
    end(&rig);
}

static void a_list_that_does_not_begin_with_its_senders_clock_counts_nothing(void)
{
    struct rig rig;
    begin(&rig, "Ada", "Ada Bob Cy", "Bob");
    hear(&rig, 0, "Cy 5000,Bob 5000");
    CHECK_INT(votes(&rig), 1);
    CHECK_INT(rig.count.clocks_strange, 1);
    hear(&rig, 0, "Bob 0,Bob 5000");
    CHECK_INT(high(&rig), 0);
    message.clock_count = 0; /* a node of version 1 */
    herd_time_hear(rig.time, 0, &message, rig.now_ms);
    CHECK_INT(votes(&rig), 2);
    CHECK_INT(rig.count.clocks_strange, 1);
    end(&rig);
}

/* ---- Large herds ------------------------------------------------------------------------- */

#define PER_MESSAGE (WIRE_CLOCKS_MAX - 1)

static char many_names[HERD_TIME_NODES_MAX][8];
static struct span many[HERD_TIME_NODES_MAX];

static void begin_many(struct rig *rig)
{
    for (int i = 0; i < HERD_TIME_NODES_MAX; i++) {
        snprintf(many_names[i], sizeof many_names[i], "n%d", i);
        many[i] = span_of(many_names[i]);
    }
    *rig = (struct rig){.now_ms = 500000};
    rig->time = herd_time_new(&(struct herd_time_options){.node = many[0],
                                                          .incarnation = 100,
                                                          .nodes = many,
                                                          .node_count = HERD_TIME_NODES_MAX,
                                                          .peers = &many[1],
                                                          .peer_count = 2},
                              &rig->events, &rig->count);
    show(rig, 0);
}

/* The first neighbour says what it knows of the nodes from `first` on, in one message. */
static void hear_many(struct rig *rig, int first, int count, int64_t off)
{
    int64_t wall_ns = TRUE_NS + (rig->now_ms + off) * MS;
    message.clock_count = (uint32_t)count + 1;
    message.clocks[0] = (struct wire_clock){many[1], 7, 0, TRUE_NS + rig->now_ms * MS, 0};
    for (int i = 0; i < count; i++)
        message.clocks[i + 1] = (struct wire_clock){many[first + i], 7, 0, wall_ns, 0};
    herd_time_hear(rig->time, 0, &message, rig->now_ms);
    pass(rig, HERD_TIME_RECKON_MS);
}

/* Adds one for each node that the next message over the second link names. */
static void name_some(struct rig *rig, int *times)
{
    static bool is_named[HERD_TIME_NODES_MAX];
    memset(is_named, 0, sizeof is_named);
    herd_time_tell(rig->time, 1, &message, rig->now_ms);
    CHECK_INT(message.clock_count, WIRE_CLOCKS_MAX);
    for (uint32_t i = 0; i < message.clock_count; i++) {
        int number = atoi(message.clocks[i].node.data + 1);
        CHECK(!is_named[number]); /* not twice */
        is_named[number] = true;
        times[number]++;
    }
}

static void as_many_nodes_vote_as_a_topology_may_have(void)
{
    struct rig rig;
    begin_many(&rig);
    for (int i = 3; i < HERD_TIME_NODES_MAX; i += PER_MESSAGE) {
        int left = HERD_TIME_NODES_MAX - i;
        hear_many(&rig, i, left < PER_MESSAGE ? left : PER_MESSAGE, 5000 + i);
    }
    CHECK_INT(votes(&rig), HERD_TIME_NODES_MAX - 1);
    CHECK(low(&rig) == high(&rig) && high(&rig) > 5400 && high(&rig) < 5600);
    end(&rig);
}

static void an_honest_word_counts_as_old_as_its_way_through_all_is_long(void)
{
    struct rig rig;
    begin_many(&rig); /* 17 messages, 2 s each, at each of 1,024 nodes */
    hear_late(&rig, 0, "n1 0,n5 10 a34816000", 0);
    hear_late(&rig, 1, "n2 0,n5 5000", 0);
    check_text(told(&rig, 0), "n0 0,n2 0,n5 10 a34816000");
    hear_late(&rig, 0, "n1 0,n5 10 a34816001", 0);
    check_text(told(&rig, 0), "n0 0,n5 5000,n2 0");
    end(&rig);
}

static void all_are_said_in_turn_and_what_changed_is_said_first(void)
{
    static int times[HERD_TIME_NODES_MAX];
    struct rig rig;
    begin_many(&rig);
    for (int i = 0; i < 4; i++)
        hear_many(&rig, 100 + i * PER_MESSAGE, PER_MESSAGE, 0);
    for (int round = 0; round < 3; round++) { /* they and the first neighbour: five messages */
        memset(times, 0, sizeof times);
        for (int i = 0; i < 5; i++)
            name_some(&rig, times);
        for (int i = 100; i < 100 + 4 * PER_MESSAGE; i++)
            CHECK(times[i] == 1 || times[i] == 2);
        CHECK(times[0] == 5 && times[1] > 0 && times[2] == 0);
    }
    memset(times, 0, sizeof times);
    for (int i = 0; i < 3; i++) {
        pass(&rig, 1000);
        hear_many(&rig, 340, 1, i % 2 == 0 ? -101 : 0);
        name_some(&rig, times);
        CHECK_INT(times[340], i + 1);
    }
    memset(times, 0, sizeof times);
    hear_many(&rig, 340, 1, -1); /* no more than a step from what was said: it waits its turn */
    for (int i = 0; i < 4; i++)
        name_some(&rig, times);
    CHECK(times[340] <= 1);
    end(&rig);
}

static const struct check_case cases[] = {
    {"V1: the own clock comes first, and a neighbour hears nothing of itself",
     the_own_clock_comes_first_and_a_neighbour_hears_nothing_of_itself},
    {"V1: others' clocks go on by the monotonic clock", others_clocks_go_on_by_the_monotonic_clock},
    {"V1: a jump of the own clock is a step, and news at once",
     a_jump_of_the_own_clock_is_a_step_and_news_at_once},
    {"V1: without a clock nothing is said or heard, and every order counts",
     without_a_clock_nothing_is_said_or_heard_and_every_order_counts},
    {"V2: of itself the message that waited least counts",
     of_itself_the_message_that_waited_least_counts},
    {"V2: but the largest counts for five minutes, not for ever",
     but_the_largest_counts_for_five_minutes_not_for_ever},
    {"V2: a step or another incarnation begins anew", a_step_or_another_incarnation_begins_anew},
    {"V2: of others the latest word counts", of_others_the_latest_word_counts},
    {"V2: what is said again of who has not spoken since changes nothing",
     what_is_said_again_of_who_has_not_spoken_since_changes_nothing},
    {"V2: of a late copy nothing counts", of_a_late_copy_nothing_counts},
    {"V2: a message that waited on the way says nothing of others",
     a_message_that_waited_on_the_way_says_nothing_of_others},
    {"V3: a neighbour's own word counts before what others say",
     a_neighbours_own_word_counts_before_what_others_say},
    {"V3: anything that comes over a link keeps it alive",
     anything_that_comes_over_a_link_keeps_it_alive},
    {"V3: of contradicting words the nearest to the own clock counts",
     of_contradicting_words_the_nearest_to_the_own_clock_counts},
    {"V3: of words that agree the freshest counts", of_words_that_agree_the_freshest_counts},
    {"V3: but not where it is a minute older than the freshest",
     but_not_where_it_is_a_minute_older_than_the_freshest},
    {"V3: what a dead link said does not compete", what_a_dead_link_said_does_not_compete},
    {"V3: a vote stays a day, whatever is cut", a_vote_stays_a_day_whatever_is_cut},
    {"V3: only nodes of the topology vote", only_nodes_of_the_topology_vote},
    {"V3: an observer votes for nobody and takes the time of its node",
     an_observer_votes_for_nobody_and_takes_the_time_of_its_node},
    {"V3: without a list of nodes we and all peers vote",
     without_a_list_of_nodes_we_and_all_peers_vote},
    {"V3: a list that does not begin with its sender's clock counts nothing",
     a_list_that_does_not_begin_with_its_senders_clock_counts_nothing},
    {"as many nodes vote as a topology may have", as_many_nodes_vote_as_a_topology_may_have},
    {"V3: in a large herd an honest word counts as old as its way through all is long",
     an_honest_word_counts_as_old_as_its_way_through_all_is_long},
    {"all are said in turn, and what changed is said first",
     all_are_said_in_turn_and_what_changed_is_said_first},
};

CHECK_MAIN(cases)
