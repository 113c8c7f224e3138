/* What a flood reports to a listener: news as they come, and the links of the node at the other
 * end. */
#include "tests/unit/rig.h"

static int pull_news(struct rig *rig, int node)
{
    struct location location;
    int count = 0;
    while (flood_next_news(rig->node[node], &location))
        count++;
    return count;
}

static void nothing_is_news_for_who_does_not_listen(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 10);
    settle(&rig);
    CHECK_INT(pull_news(&rig, 1), 0);
    rig_close(&rig);
}

static void each_change_is_news_once(void)
{
    struct rig rig;
    struct location news;
    rig_open(&rig, 2, "01");
    flood_listen(rig.node[1]);
    fill(&rig, 0, 1000);
    settle(&rig);
    CHECK_INT(pull_news(&rig, 1), 1000);
    tell_at(&rig, 0, "kiwi", 5, "+1-1");
    tell_at(&rig, 1, "plum", 5, "+2-2");
    settle(&rig);
    CHECK(flood_next_news(rig.node[1], &news));
    CHECK(span_equals(news.client, span_of("plum")));
    CHECK(flood_next_news(rig.node[1], &news));
    CHECK(span_equals(news.client, span_of("kiwi")) && span_equals(news.position, span_of("+1-1")));
    CHECK(!flood_next_news(rig.node[1], &news));
    tell_at(&rig, 0, "kiwi", 5, "+3-3"); /* stale */
    settle(&rig);
    CHECK_INT(pull_news(&rig, 1), 0);
    rig_close(&rig);
}

static void who_pulls_late_gets_the_newest_in_the_place_of_the_first(void)
{
    struct rig rig;
    struct location news;
    rig_open(&rig, 2, "01");
    flood_listen(rig.node[1]);
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    tell_at(&rig, 0, "plum", 1, "+2-2");
    settle(&rig);
    tell_at(&rig, 0, "kiwi", 2, "+3-3");
    pass(&rig, 1000);
    CHECK(flood_next_news(rig.node[1], &news));
    CHECK(span_equals(news.client, span_of("kiwi")) && span_equals(news.position, span_of("+3-3")));
    CHECK_INT(pull_news(&rig, 1), 1);
    rig_close(&rig);
}

static void acknowledgements_are_counted(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 2000);
    pass(&rig, 1000);
    CHECK(rig.messages[1][0][WIRE_ACK] > 0);
    CHECK_INT(count_of(&rig, 1)->acks_sent, rig.messages[1][0][WIRE_ACK]);
    CHECK_INT(count_of(&rig, 0)->acks_sent, rig.messages[0][1][WIRE_ACK]);
    rig_close(&rig);
}

static void a_node_that_is_asked_reports_its_links(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 3, "01 12");
    start(&rig, 0);
    start(&rig, 1);
    settle(&rig);
    pass(&rig, 2500);
    fill(&rig, 1, 20);
    rig.cut[1][0] = true;
    tell_at(&rig, 1, "kiwi", 1, "+1-1");
    settle(&rig);
    rig.cut[1][0] = false;
    flood_set_journal(rig.node[1], &(struct flood_journal){WIRE_JOURNAL_FAILED, 21, 900});
    flood_ask_status(rig.node[0], 0);
    CHECK(flood_status(rig.node[0]) == NULL);
    settle(&rig);
    const struct flood_status *status = flood_status(rig.node[0]);
    CHECK(status != NULL);
    CHECK_INT(status->load.clients, 21);
    CHECK(status->digest == flood_digest(rig.node[1]));
    CHECK_INT(status->link_count, 2);
    CHECK(status->has_journal && status->journal.state == WIRE_JOURNAL_FAILED);
    CHECK_INT(status->journal.due, 21);
    CHECK_INT(status->journal.age_ms, 900);
    const struct flood_status_link *to_us = &status->links[0], *to_cy = &status->links[1];
    CHECK(strcmp(to_us->name, "Ada") == 0 && to_us->up);
    CHECK_INT(to_us->incarnation_age_ms, 2500);
    CHECK_INT(to_us->due, 0);
    CHECK_INT(to_us->in_flight, 1);
    CHECK_INT(to_us->acked, 0);
    CHECK_INT(to_us->sent, 21);
    CHECK_INT(to_us->head, 21);
    CHECK(strcmp(to_cy->name, "Cy") == 0 && !to_cy->up);
    CHECK_INT(to_cy->incarnation_age_ms, 0);
    CHECK_INT(rig.messages[0][1][WIRE_STATUS_ASK], 1);
    CHECK_INT(rig.messages[1][0][WIRE_STATUS], 1);
    rig_close(&rig);
}

static void what_waits_for_a_full_window_is_due(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.lose[1][0][WIRE_UPDATE] = 1000;
    fill(&rig, 1, 256 * 40);
    settle(&rig);
    flood_ask_status(rig.node[0], 0);
    settle(&rig);
    const struct flood_status_link *link = &flood_status(rig.node[0])->links[0];
    CHECK_INT(link->in_flight, 32);
    CHECK_INT(link->sent + link->due, link->head);
    CHECK(link->due > 0);
    rig_close(&rig);
}

static void a_question_waits_until_the_link_is_up(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    start(&rig, 0);
    flood_ask_status(rig.node[0], 0);
    pass(&rig, 1000);
    CHECK_INT(rig.messages[0][1][WIRE_STATUS_ASK], 0);
    start(&rig, 1);
    settle(&rig);
    CHECK(flood_status(rig.node[0]) != NULL);
    rig_close(&rig);
}

/* An answer that was not asked for changes nothing, nor does a question of another incarnation. */
static void strangers_neither_ask_nor_answer(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    static struct wire_message message = {.type = WIRE_STATUS};
    message.from_incarnation = link_of(&rig, 0, 1).their_incarnation;
    message.to_incarnation = link_of(&rig, 1, 0).their_incarnation;
    uint64_t strange = count_of(&rig, 0)->messages_strange;
    forge(&rig, 1, 0, &message);
    CHECK(flood_status(rig.node[0]) == NULL);
    CHECK_INT(count_of(&rig, 0)->messages_strange, strange + 1);
    message.type = WIRE_STATUS_ASK;
    message.from_incarnation = 77;
    forge(&rig, 1, 0, &message);
    settle(&rig);
    CHECK_INT(rig.messages[0][1][WIRE_STATUS], 0);
    rig_close(&rig);
}

static void a_name_in_a_status_is_printable(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    flood_ask_status(rig.node[0], 0);
    static struct wire_message message = {.type = WIRE_STATUS, .link_count = 1};
    message.from_incarnation = link_of(&rig, 0, 1).their_incarnation;
    message.to_incarnation = link_of(&rig, 1, 0).their_incarnation;
    message.links[0].name = span_of("a\nb\x80");
    forge(&rig, 1, 0, &message);
    CHECK(strcmp(flood_status(rig.node[0])->links[0].name, "a?b?") == 0);
    rig_close(&rig);
}

static void of_each_update_the_last_news_arrives(void)
{
    struct rig rig;
    struct flood_arrival arrival;
    rig_open(&rig, 2, "01");
    pass(&rig, 300);
    CHECK(!flood_next_arrival(rig.node[1], &arrival));
    struct location location = place("kiwi", 5, "+1-1");
    location.stamp = span_of("3.000000007");
    location.difference_ns = 5;
    CHECK_INT(flood_local(rig.node[0], &location), FLOOD_STORED);
    settle(&rig);
    CHECK(flood_next_arrival(rig.node[1], &arrival));
    CHECK(strcmp(arrival.origin, node_names[0]) == 0);
    CHECK_INT(arrival.accepted_ns, 3000000012);
    CHECK(arrival.met_age_ms >= 300 && arrival.met_age_ms < 1000);
    CHECK(!flood_next_arrival(rig.node[1], &arrival));
    CHECK(!flood_next_arrival(rig.node[0], &arrival)); /* its own are no arrivals */
    /* What is no news, and a sum beyond 64 bits, are none either. */
    tell_at(&rig, 0, "kiwi", 4, "+2-2");
    settle(&rig);
    location = place("plum", 6, "+1-1");
    location.stamp = span_of("9223372036.854775807");
    location.difference_ns = 1;
    CHECK_INT(flood_local(rig.node[0], &location), FLOOD_STORED);
    settle(&rig);
    CHECK(knows(&rig, 1, "plum", "+1-1"));
    CHECK(!flood_next_arrival(rig.node[1], &arrival));
    rig_close(&rig);
}

/* At the limit, and one past it. */
static void arrivals_beyond_the_limit_drop_the_oldest(void)
{
    for (int more = 0; more <= 1; more++) {
        struct rig rig;
        struct flood_arrival arrival;
        rig_open(&rig, 2, "01");
        for (int i = 0; i < FLOOD_ARRIVALS_MAX + more; i++) {
            struct location location = place("kiwi", 1000 + i, "+1-1");
            location.difference_ns = i;
            CHECK_INT(flood_local(rig.node[0], &location), FLOOD_STORED);
            settle(&rig);
        }
        CHECK(flood_next_arrival(rig.node[1], &arrival));
        int64_t first_ns = arrival.accepted_ns;
        int count = 1;
        for (; flood_next_arrival(rig.node[1], &arrival); count++)
            CHECK_INT(arrival.accepted_ns, first_ns + count);
        CHECK_INT(count, FLOOD_ARRIVALS_MAX);
        struct location location = place("kiwi", 1000, "+1-1");
        CHECK_INT(first_ns, location_stamp_ns(location.stamp) + more);
        rig_close(&rig);
    }
}

static const struct check_case cases[] = {
    {"nothing is news for who does not listen", nothing_is_news_for_who_does_not_listen},
    {"each change is news once", each_change_is_news_once},
    {"who pulls late gets the newest in the place of the first",
     who_pulls_late_gets_the_newest_in_the_place_of_the_first},
    {"acknowledgements are counted", acknowledgements_are_counted},
    {"a node that is asked reports its links", a_node_that_is_asked_reports_its_links},
    {"what waits for a full window is due", what_waits_for_a_full_window_is_due},
    {"a question waits until the link is up", a_question_waits_until_the_link_is_up},
    {"strangers neither ask nor answer", strangers_neither_ask_nor_answer},
    {"of each UPDATE the last news arrives", of_each_update_the_last_news_arrives},
    {"arrivals beyond the limit drop the oldest", arrivals_beyond_the_limit_drop_the_oldest},
    {"a name in a status is printable", a_name_in_a_status_is_printable},
};

CHECK_MAIN(cases)
