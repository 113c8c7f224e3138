/* What one neighbour's key can do: whose locations it may bring, what an observer may say, how
 * often it may come as somebody else; and that each refusal is counted, told and acknowledged as
 * one. */
#include "bus/link/peer.h"
#include "tests/unit/rig.h"

#define BASE 1700000000000000000

static const struct span herd[] = {{"Ada", 3}, {"Bob", 3}, {"Cy", 2}};
static struct wire_message message;

/* Ada between Bob and Dee, in a herd of Ada, Bob and Cy, of which Eve once was: Dee observes. */
static void open_herd(struct rig *rig)
{
    rig_open_unstarted(rig, 4, "01 03");
    rig->nodes = herd;
    rig->nodes_count = 3;
    start(rig, 0);
    flood_know_node(rig->node[0], span_of("Eve"));
    start(rig, 1);
    start(rig, 3);
    settle(rig);
    CHECK(link_of(rig, 0, 1).up && link_of(rig, 0, 3).up);
}

/* An UPDATE of `from` to Ada, in front of all that it says itself. */
static void say(struct rig *rig, int from, const struct location *location)
{
    struct flood_link back = link_of(rig, from, 0), link = link_of(rig, 0, from);
    memset(&message, 0, offsetof(struct wire_message, fault));
    message.type = WIRE_UPDATE;
    message.from_incarnation = link.their_incarnation;
    message.to_incarnation = back.their_incarnation;
    message.after = message.upto = link.received;
    message.received = link.acked;
    message.location_count = 1;
    message.locations[0] = *location;
    forge(rig, from, 0, &message);
}

static bool is_taken(struct rig *rig, int from, const char *client, int64_t order_ns,
                     const char *origin)
{
    struct location location = place(client, order_ns, "+1-1"), found;
    location.origin = span_of(origin);
    say(rig, from, &location);
    return flood_find(rig->node[0], location.client, &found) &&
           location_compare(&found, &location) == 0;
}

/* What Ada's next acknowledgement to `to` says of what it did not keep. */
static uint64_t refused_to(struct rig *rig, int to)
{
    static char bytes[WIRE_MESSAGE_BYTES_MAX];
    rig->now_ms += PEER_ACK_MS;
    for (size_t count;
         (count = flood_next(rig->node[0], peer_number(rig, 0, to), rig->now_ms, bytes)) > 0;) {
        CHECK_INT(wire_read((struct span){bytes, count}, &message), WIRE_GOOD);
        if (message.type == WIRE_ACK || message.type == WIRE_UPDATE ||
            message.type == WIRE_HEARTBEAT)
            return message.has_checks ? message.refused_here : UINT64_MAX;
    }
    return UINT64_MAX;
}

/* ---- origins ---- */

static void locations_of_nodes_and_former_ones_are_taken(void)
{
    struct rig rig;
    open_herd(&rig);
    static const char *const origins[] = {"Ada", "Bob", "Cy", "Eve"};
    for (int i = 0; i < 4; i++)
        CHECK(is_taken(&rig, 1, origins[i], BASE, origins[i]));
    CHECK_INT(refused_to(&rig, 1), 0);
    CHECK_INT(count_of(&rig, 0)->origins_refused, 0);
    CHECK_INT(count_events(&rig, 0, LINK_UNKEPT, NULL), 0);
    rig_close(&rig);
}

static const char *strange(int i)
{
    static char name[16];
    snprintf(name, sizeof name, "x%d", i);
    return name;
}

static void sixteen_other_origins_a_link_are_taken_and_no_more(void)
{
    struct rig rig;
    char reason[LINK_REASON_BYTES_MAX];
    open_herd(&rig);
    for (int i = 0; i < PEER_ORIGINS_MAX; i++)
        CHECK(is_taken(&rig, 1, strange(i), BASE, strange(i)));
    CHECK(!is_taken(&rig, 1, "one-more", BASE, strange(PEER_ORIGINS_MAX)));
    CHECK(is_taken(&rig, 1, "again", BASE, strange(0))); /* one of the sixteen */
    CHECK(is_taken(&rig, 1, "honest", BASE, "Cy"));
    flood_know_node(rig.node[0], span_of("Zoe")); /* the file has one more */
    CHECK(is_taken(&rig, 1, "of-zoe", BASE, "Zoe"));
    CHECK_INT(count_of(&rig, 0)->origins_refused, 1);
    CHECK_INT(refused_to(&rig, 1), 1);
    CHECK_INT(count_events(&rig, 0, LINK_UNKEPT, reason), 1);
    CHECK(strcmp(reason, "its origin x16 is no node of our file, and there are enough of those") ==
          0);
    /* A new incarnation of Bob has no more than the one before. */
    restart(&rig, 1);
    pass(&rig, 2000);
    CHECK(link_of(&rig, 0, 1).up);
    CHECK(!is_taken(&rig, 1, "one-more", BASE, strange(PEER_ORIGINS_MAX)));
    rig_close(&rig);
}

static void each_link_has_its_own_sixteen(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 3, "01 02");
    rig.nodes = herd;
    rig.nodes_count = 3;
    for (int i = 0; i < 3; i++)
        start(&rig, i);
    settle(&rig);
    for (int i = 0; i < PEER_ORIGINS_MAX; i++)
        CHECK(is_taken(&rig, 1, strange(i), BASE, strange(i)));
    CHECK(is_taken(&rig, 2, "known", BASE, strange(0))); /* as Bob says, too */
    for (int i = 0; i < PEER_ORIGINS_MAX; i++)
        CHECK(is_taken(&rig, 2, strange(100 + i), BASE, strange(100 + i)));
    CHECK(!is_taken(&rig, 2, "one-more", BASE, strange(200)));
    CHECK(!is_taken(&rig, 1, "one-more", BASE, strange(200)));
    rig_close(&rig);
}

static void without_nodes_any_origin_is_taken(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    for (int i = 0; i < 10 * PEER_ORIGINS_MAX; i++)
        CHECK(is_taken(&rig, 1, strange(i), BASE, strange(i)));
    rig_close(&rig);
}

/* ---- what breaks a rule, and what finds no room ---- */

static void an_order_beyond_2_62_breaks_a_rule(void)
{
    struct rig rig;
    char reason[LINK_REASON_BYTES_MAX];
    open_herd(&rig);
    CHECK(is_taken(&rig, 1, "last", LOCATION_ORDER_NS_MAX, "Cy"));
    CHECK(!is_taken(&rig, 1, "kiwi", LOCATION_ORDER_NS_MAX + 1, "Cy"));
    CHECK(!is_taken(&rig, 1, "kiwi", INT64_MAX, "Cy"));
    CHECK(!is_taken(&rig, 1, "ki wi", BASE, "Cy"));
    CHECK_INT(count_of(&rig, 0)->locations_invalid, 3);
    CHECK_INT(refused_to(&rig, 1), 3);
    CHECK_INT(count_events(&rig, 0, LINK_UNKEPT, reason), 1); /* once a minute */
    CHECK(strcmp(reason, "its order_ns is 4611686018427387905, beyond 2^62") == 0);
    rig.now_ms += MISREAD_PAUSE_MS;
    CHECK(!is_taken(&rig, 1, "", BASE, "Cy"));
    CHECK_INT(count_events(&rig, 0, LINK_UNKEPT, reason), 1);
    CHECK(strcmp(reason, "a field is empty, too long or has white space (and 2 more before)") == 0);
    rig_close(&rig);
}

/* Nobody may make a location that others refuse. */
static void an_own_clock_beyond_2116_gives_the_greatest_order(void)
{
    struct rig rig;
    struct location found;
    open_herd(&rig);
    CHECK_INT(tell_at(&rig, 0, "kiwi", location_order_ns(INT64_MAX, INT64_MAX), "+1-1"),
              FLOOD_STORED);
    settle(&rig);
    CHECK(flood_find(rig.node[1], span_of("kiwi"), &found));
    CHECK(found.order_ns == LOCATION_ORDER_NS_MAX);
    CHECK_INT(count_of(&rig, 1)->locations_invalid, 0);
    rig_close(&rig);
}

static void what_finds_no_bytes_is_acknowledged_as_refused(void)
{
    static char text[40000 + 1];
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    rig.table_bytes_max = 1 << 20;
    start(&rig, 0);
    start(&rig, 1);
    settle(&rig);
    memset(text, '1', sizeof text - 1);
    uint64_t refused = 0;
    for (int i = 0; i < 60; i++) {
        struct location location = place(strange(i), BASE, text), found;
        say(&rig, 1, &location);
        refused += !flood_find(rig.node[0], location.client, &found);
        CHECK(flood_load(rig.node[0]).bytes <= rig.table_bytes_max);
    }
    CHECK(refused > 0 && refused < 60);
    CHECK_INT(count_of(&rig, 0)->locations_refused, refused);
    CHECK_INT(flood_load(rig.node[0]).refused, refused);
    CHECK_INT(refused_to(&rig, 1), refused);
    /* Of another pair of incarnations nothing was refused yet. */
    restart(&rig, 1);
    settle(&rig);
    rig.now_ms += PEER_REST_MS;
    CHECK_INT(refused_to(&rig, 1), 0);
    rig_close(&rig);
}

static void a_client_one_too_many_is_acknowledged_as_refused(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    rig.clients_max = 5;
    start(&rig, 0);
    start(&rig, 1);
    settle(&rig);
    for (int i = 0; i < (int)(FLOOD_PEERS_TIMES * rig.clients_max); i++)
        CHECK(is_taken(&rig, 1, strange(i), BASE, "Bob"));
    CHECK_INT(refused_to(&rig, 1), 0);
    CHECK(!is_taken(&rig, 1, "one-more", BASE, "Bob"));
    CHECK(!is_taken(&rig, 1, strange(0), BASE - 1, "Bob")); /* older: that is no refusal */
    CHECK_INT(refused_to(&rig, 1), 1);
    CHECK_INT(flood_load(rig.node[0]).refused, 1);
    rig_close(&rig);
}

/* ---- observers ---- */

static void an_observer_may_say_what_our_former_life_said(void)
{
    struct rig rig;
    open_herd(&rig);
    CHECK(is_taken(&rig, 3, "kiwi", BASE, "Ada"));
    CHECK(!is_taken(&rig, 3, "kiwi", BASE + 1, "Ada")); /* that is known now */
    CHECK_INT(count_of(&rig, 0)->observers_refused, 1);
    rig.now_ms += PEER_OBSERVERS_MS - 1;
    pass(&rig, 0);
    CHECK(is_taken(&rig, 3, "last", BASE, "Ada"));
    rig.now_ms += 1;
    CHECK(!is_taken(&rig, 3, "late", BASE, "Ada"));
    rig_close(&rig);
}

static void an_observer_writes_in_nobody_s_name(void)
{
    struct rig rig;
    char reason[LINK_REASON_BYTES_MAX];
    open_herd(&rig);
    CHECK_INT(tell_at(&rig, 0, "kiwi", BASE, "+1-1"), FLOOD_STORED);
    pass(&rig, PEER_OBSERVERS_MS);
    uint64_t digest = flood_digest(rig.node[0]);
    static const char *const origins[] = {"Ada", "Bob", "Dee"};
    for (int i = 0; i < 3; i++) {
        CHECK(!is_taken(&rig, 3, "kiwi", BASE + 5, origins[i]));
        CHECK(!is_taken(&rig, 3, "plum", BASE, origins[i]));
    }
    CHECK(flood_digest(rig.node[0]) == digest);
    CHECK_INT(count_of(&rig, 0)->observers_refused, 6);
    CHECK_INT(refused_to(&rig, 3), 6);
    CHECK_INT(count_events(&rig, 0, LINK_UNKEPT, reason), 1);
    CHECK(strcmp(reason, "an observer has nothing to say of client kiwi") == 0);
    /* What it has from us is not news, and nobody complains of it. */
    struct location known;
    CHECK(flood_find(rig.node[0], span_of("kiwi"), &known));
    char text[3][64];
    struct span *fields[] = {&known.position, &known.stamp, &known.origin};
    for (int i = 0; i < 3; i++) {
        memcpy(text[i], fields[i]->data, fields[i]->len);
        fields[i]->data = text[i];
    }
    known.packed = NULL;
    say(&rig, 3, &known);
    CHECK_INT(count_of(&rig, 0)->observers_refused, 6);
    CHECK(is_taken(&rig, 1, "kiwi", BASE + 5, "Cy")); /* a node may */
    rig_close(&rig);
}

/* An observer has another herd's eyes only: it takes what any node says. */
static void an_observer_itself_takes_what_its_node_says(void)
{
    struct rig rig;
    open_herd(&rig);
    pass(&rig, 2 * PEER_OBSERVERS_MS);
    tell_at(&rig, 0, "kiwi", BASE, "+1-1");
    tell_at(&rig, 1, "plum", BASE, "+2-2");
    settle(&rig);
    CHECK(knows(&rig, 3, "kiwi", "+1-1") && knows(&rig, 3, "plum", "+2-2"));
    CHECK_INT(count_of(&rig, 3)->observers_refused, 0);
    CHECK_INT(count_of(&rig, 0)->observers_refused, 0);
    rig_close(&rig);
}

/* ---- new incarnations ---- */

static void greet(struct rig *rig, int from, uint64_t incarnation, uint64_t to)
{
    memset(&message, 0, offsetof(struct wire_message, fault));
    message.type = WIRE_HELLO;
    message.from_incarnation = incarnation;
    message.to_incarnation = to;
    message.herd = span_of("test");
    message.node = span_of(node_names[from]);
    message.version = WIRE_VERSION;
    message.version_min = WIRE_VERSION_MIN;
    forge(rig, from, 0, &message);
}

static uint64_t sent_to(const struct rig *rig, int to)
{
    uint64_t sent = 0;
    for (int type = WIRE_HELLO; type <= WIRE_STATE; type++)
        sent += rig->messages[0][to][type];
    return sent;
}

/* 500 HELLOs a second, each of another incarnation, for ten seconds. */
static void flood_with_greetings(struct rig *rig, uint64_t to)
{
    rig->cut[0][1] = true; /* who floods does not listen */
    for (int i = 0; i < 5000; i++) {
        rig->now_ms += 2;
        greet(rig, 1, 100000 + (uint64_t)i, to);
        settle(rig);
    }
}

static void who_comes_as_ever_another_is_met_once_a_second(void)
{
    struct rig rig;
    char reason[LINK_REASON_BYTES_MAX];
    rig_open(&rig, 3, "01 02");
    settle(&rig);
    fill(&rig, 0, 1000);
    pass(&rig, 1000);
    flood_destroy(&rig.node[1]); /* its place is taken by whoever has its key */
    uint64_t met = count_of(&rig, 0)->incarnation_changes,
             ours = link_of(&rig, 2, 0).their_incarnation;
    uint64_t locations = count_of(&rig, 0)->locations_sent, head = link_of(&rig, 0, 1).head;
    flood_with_greetings(&rig, ours);
    met = count_of(&rig, 0)->incarnation_changes - met;
    CHECK(met >= 10 && met <= 10 + PEER_MEET_MAX);
    CHECK_INT(count_of(&rig, 0)->hellos_early, 5000 - met);
    /* A table for each that was met, none for the others. */
    CHECK(link_of(&rig, 0, 1).head - head <= 1000 * met);
    CHECK(count_of(&rig, 0)->locations_sent - locations <= 1000 * met);
    CHECK_INT(count_events(&rig, 0, LINK_MISREAD, reason), 1);
    CHECK(strcmp(reason,
                 "it says HELLO as another incarnation all the time: one a second is met") == 0);
    /* The others notice nothing, and neither does the true one when it comes. */
    tell_at(&rig, 0, "kiwi", BASE, "+1-1");
    settle(&rig);
    CHECK(knows(&rig, 2, "kiwi", "+1-1"));
    rig.cut[0][1] = false;
    start(&rig, 1);
    pass(&rig, PEER_MEET_MAX * PEER_MEET_MS);
    CHECK(link_of(&rig, 0, 1).up && link_of(&rig, 1, 0).up);
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

static void nothing_is_put_into_the_ring_for_who_has_not_named_us(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    fill(&rig, 0, 1000);
    pass(&rig, 1000);
    flood_destroy(&rig.node[1]);
    pass(&rig, 2 * PEER_SILENCE_MS);
    CHECK(!link_of(&rig, 0, 1).up);
    uint64_t head = link_of(&rig, 0, 1).head, sent = sent_to(&rig, 1);
    flood_with_greetings(&rig, 0);
    CHECK_INT(link_of(&rig, 0, 1).head, head);
    CHECK(sent_to(&rig, 1) - sent <= 5000); /* no more HELLOs than came */
    rig_close(&rig);
}

/* GOODBYE after each HELLO makes it no faster. */
static void a_goodbye_does_not_buy_another_greeting(void)
{
    struct rig rig;
    rig_open(&rig, 3, "01 02");
    settle(&rig);
    fill(&rig, 0, 100);
    pass(&rig, 1000);
    flood_destroy(&rig.node[1]);
    rig.cut[0][1] = true;
    uint64_t ours = link_of(&rig, 2, 0).their_incarnation, head = link_of(&rig, 0, 1).head;
    for (int i = 0; i < 1000; i++) {
        greet(&rig, 1, 77, ours);
        settle(&rig);
        message.type = WIRE_GOODBYE;
        message.from_incarnation = 77;
        message.to_incarnation = ours;
        forge(&rig, 1, 0, &message);
    }
    CHECK(link_of(&rig, 0, 1).head - head <= 100 * PEER_MEET_MAX);
    rig_close(&rig);
}

static const struct check_case cases[] = {
    {"locations of nodes and former ones are taken", locations_of_nodes_and_former_ones_are_taken},
    {"sixteen other origins a link are taken and no more",
     sixteen_other_origins_a_link_are_taken_and_no_more},
    {"each link has its own sixteen", each_link_has_its_own_sixteen},
    {"without nodes any origin is taken", without_nodes_any_origin_is_taken},
    {"an order beyond 2^62 breaks a rule", an_order_beyond_2_62_breaks_a_rule},
    {"an own clock beyond 2116 gives the greatest order",
     an_own_clock_beyond_2116_gives_the_greatest_order},
    {"what finds no bytes is acknowledged as refused",
     what_finds_no_bytes_is_acknowledged_as_refused},
    {"a client one too many is acknowledged as refused",
     a_client_one_too_many_is_acknowledged_as_refused},
    {"an observer may say what our former life said",
     an_observer_may_say_what_our_former_life_said},
    {"an observer writes in nobody's name", an_observer_writes_in_nobody_s_name},
    {"an observer itself takes what its node says", an_observer_itself_takes_what_its_node_says},
    {"who comes as ever another is met once a second",
     who_comes_as_ever_another_is_met_once_a_second},
    {"nothing is put into the ring for who has not named us",
     nothing_is_put_into_the_ring_for_who_has_not_named_us},
    {"a goodbye does not buy another greeting", a_goodbye_does_not_buy_another_greeting},
};

CHECK_MAIN(cases)
