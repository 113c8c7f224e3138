/* Real sockets and real floods together: nodes link up, exchange all locations, end and come back,
 * among strangers and in number. */
#include "tests/bus/herd.h"

#include <zmq.h>

/* A user may use a node half a second after its start: its neighbours must be linked by then. */
#define LINK_MS_MAX 500
/* Far below the second after which a link repeats itself: nothing had to wait for that. */
#define SPREAD_MS_MAX 500

static const struct herd_link one_link[] = {{0, 1}};
/* Alford-Hamilton Hamilton-Holiday Holiday-Ball Ball-Welsh Welsh-Alford */
static const struct herd_link ring_of_five[] = {{0, 2}, {2, 3}, {3, 1}, {1, 4}, {4, 0}};

enum { ALFORD, BALL, HAMILTON, HOLIDAY, WELSH };

static void init_two(struct herd *herd)
{
    herd_init(herd, 2, one_link, sizeof one_link / sizeof *one_link);
}

static void start_five(struct herd *herd)
{
    herd_init(herd, 5, ring_of_five, sizeof ring_of_five / sizeof *ring_of_five);
    for (size_t i = 0; i < 5; i++)
        herd_start(herd, i);
}

static bool knows(const struct herd *herd, size_t node, const char *client)
{
    struct location location;
    return flood_find(herd->nodes[node].flood, span_of(client), &location);
}

/* Both nodes hold the same bytes and numbers for the client. */
static void check_same_facts(const struct herd *herd, size_t a, size_t b, const char *client)
{
    struct location ours, theirs;
    CHECK(flood_find(herd->nodes[a].flood, span_of(client), &ours));
    CHECK(flood_find(herd->nodes[b].flood, span_of(client), &theirs));
    CHECK_BYTES(theirs.client.data, theirs.client.len, ours.client.data, ours.client.len);
    CHECK_BYTES(theirs.position.data, theirs.position.len, ours.position.data, ours.position.len);
    CHECK_BYTES(theirs.stamp.data, theirs.stamp.len, ours.stamp.data, ours.stamp.len);
    CHECK_BYTES(theirs.origin.data, theirs.origin.len, ours.origin.data, ours.origin.len);
    CHECK_INT(theirs.difference_ns, ours.difference_ns);
    CHECK_INT(theirs.order_ns, ours.order_ns);
}

static void link_two_and_tell(void)
{
    struct herd herd;
    init_two(&herd);
    herd_start(&herd, ALFORD);
    herd_start(&herd, BALL);
    int64_t start_ms = loopback_now_ms();
    HERD_WAIT(&herd, herd_is_linked(&herd));
    CHECK(loopback_now_ms() - start_ms <= LINK_MS_MAX);

    herd_say(&herd, ALFORD, "kiwi", 1621464827959498503);
    start_ms = loopback_now_ms();
    HERD_WAIT(&herd, knows(&herd, BALL, "kiwi"));
    CHECK(loopback_now_ms() - start_ms <= SPREAD_MS_MAX);
    check_same_facts(&herd, ALFORD, BALL, "kiwi");

    herd_say(&herd, BALL, "kiwi", 1621464828000000000);
    herd_say(&herd, BALL, "moa", 1621464828000000000);
    HERD_WAIT(&herd, herd_agrees(&herd, 2));
    check_same_facts(&herd, BALL, ALFORD, "kiwi");
    CHECK_INT(flood_count(herd.nodes[BALL].flood)->messages_malformed, 0);
    CHECK(herd_is_sound(&herd));
    herd_end(&herd);
}

static void tell_five_in_a_ring(void)
{
    struct herd herd;
    start_five(&herd);
    int64_t start_ms = loopback_now_ms();
    HERD_WAIT(&herd, herd_is_linked(&herd));
    CHECK(loopback_now_ms() - start_ms <= LINK_MS_MAX);

    start_ms = loopback_now_ms();
    herd_say(&herd, ALFORD, "kiwi", 1621464827959498503);
    HERD_WAIT(&herd, herd_agrees(&herd, 1));
    CHECK(loopback_now_ms() - start_ms <= SPREAD_MS_MAX);
    for (size_t i = 1; i < 5; i++)
        check_same_facts(&herd, ALFORD, i, "kiwi");

    /* Every node takes locations of clients of its own and of one client that all nodes report. */
    for (int round = 1; round <= 100; round++) {
        for (size_t i = 0; i < 5; i++) {
            char client[32];
            snprintf(client, sizeof client, "client%zu.%d", i, round);
            herd_say(&herd, i, client, 1621464900000000000 + round);
            /* Its own stamp is newer than any that it may have received from the others. */
            herd_say(&herd, i, "kiwi", 1621464900000000000 + round * 10 + (int64_t)i);
        }
        herd_turn(&herd);
    }
    HERD_WAIT(&herd, herd_agrees(&herd, 501));
    for (size_t i = 0; i < 4; i++)
        check_same_facts(&herd, WELSH, i, "kiwi");
    CHECK(herd_is_sound(&herd));
    for (size_t i = 0; i < 5; i++)
        CHECK_INT(herd.nodes[i].downs, 0);
    herd_end(&herd);
}

static void end_one(struct herd *herd, size_t node, bool in_order)
{
    if (in_order)
        herd_stop(herd, node);
    else
        herd_kill(herd, node);
}

static void bring_back(bool in_order)
{
    struct herd herd;
    start_five(&herd);
    HERD_WAIT(&herd, herd_is_linked(&herd));
    herd_say(&herd, ALFORD, "before", 1621464800000000000);
    HERD_WAIT(&herd, herd_agrees(&herd, 1));

    /* With Welsh gone the rest is a chain; with Ball gone as well three remain in touch. */
    end_one(&herd, WELSH, in_order);
    herd_say(&herd, ALFORD, "without-Welsh", 1621464801000000000);
    HERD_WAIT(&herd, herd_agrees(&herd, 2));
    end_one(&herd, BALL, in_order);
    herd_say(&herd, HOLIDAY, "without-Ball", 1621464802000000000);
    HERD_WAIT(&herd, herd_agrees(&herd, 3));

    herd_start(&herd, WELSH);
    herd_start(&herd, BALL);
    herd_say(&herd, BALL, "at-once", 1621464803000000000);
    int64_t start_ms = loopback_now_ms();
    HERD_WAIT(&herd, herd_is_linked(&herd) && herd_agrees(&herd, 4));
    CHECK(loopback_now_ms() - start_ms <= LINK_MS_MAX);
    check_same_facts(&herd, ALFORD, BALL, "before");
    CHECK(herd_is_sound(&herd));
    herd_end(&herd);
}

static void come_back_after_a_kill(void)
{
    bring_back(false);
}

static void come_back_after_a_goodbye(void)
{
    bring_back(true);
}

static void say_goodbye(void)
{
    struct herd herd;
    init_two(&herd);
    herd_start(&herd, ALFORD);
    herd_start(&herd, BALL);
    HERD_WAIT(&herd, herd_is_linked(&herd));
    herd_say(&herd, BALL, "last-words", 1621464800000000000);
    int64_t start_ms = loopback_now_ms();
    herd_stop(&herd, BALL);
    CHECK(loopback_now_ms() - start_ms < 1000);
    /* Long before the silence of six seconds. */
    HERD_WAIT(&herd, !flood_link(herd.nodes[ALFORD].flood, 0).up);
    CHECK(loopback_now_ms() - start_ms < 2000);
    CHECK(knows(&herd, ALFORD, "last-words"));

    /* No peer is left to say goodbye to. */
    start_ms = loopback_now_ms();
    herd_stop(&herd, ALFORD);
    CHECK(loopback_now_ms() - start_ms < 1000);
}

static void link_the_late(void)
{
    struct herd herd;
    init_two(&herd);
    herd_start(&herd, ALFORD);
    herd_say(&herd, ALFORD, "early", 1621464800000000000);
    int64_t start_ms = loopback_now_ms();
    HERD_WAIT(&herd, loopback_now_ms() - start_ms >= 2000);
    herd_start(&herd, BALL);
    start_ms = loopback_now_ms();
    HERD_WAIT(&herd, herd_is_linked(&herd) && herd_agrees(&herd, 1));
    CHECK(loopback_now_ms() - start_ms <= LINK_MS_MAX);
    herd_end(&herd);
}

static void tell_a_hundred_thousand(void)
{
    enum { CLIENTS = 100000 };
    struct herd herd;
    init_two(&herd);
    herd_start(&herd, ALFORD);
    herd_start(&herd, BALL);
    HERD_WAIT(&herd, herd_is_linked(&herd));
    for (int i = 1; i <= CLIENTS; i++) {
        char client[32];
        snprintf(client, sizeof client, "client%d", i);
        herd_say(&herd, ALFORD, client, 1621464800000000000 + i);
        if (i % 100 == 0)
            herd_turn(&herd);
    }
    HERD_WAIT(&herd, herd_agrees(&herd, CLIENTS));
    CHECK_INT(herd.nodes[ALFORD].downs, 0);
    CHECK_INT(flood_count(herd.nodes[BALL].flood)->locations_received, CLIENTS);
    CHECK_INT(flood_count(herd.nodes[ALFORD].flood)->rewinds, 0);
    CHECK_INT(flood_count(herd.nodes[BALL].flood)->gaps, 0);
    CHECK(herd_is_sound(&herd));
    herd_end(&herd);
}

static void count_what_is_no_message(void)
{
    struct herd herd;
    init_two(&herd);
    herd_start(&herd, ALFORD);
    /* A socket with Ball's routing id sends anything but the protocol. */
    void *context = zmq_ctx_new(), *dealer = zmq_socket(context, ZMQ_DEALER);
    int linger_ms = 0;
    zmq_setsockopt(dealer, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "Ball", 4);
    zmq_connect(dealer, herd.nodes[ALFORD].endpoint);
    char bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 37 + 11);
        zmq_send(dealer, bytes, i, 0);
    }
    const struct link_counters *count = flood_count(herd.nodes[ALFORD].flood);
    HERD_WAIT(&herd, count->messages_malformed == sizeof bytes);
    herd_say(&herd, ALFORD, "kiwi", 1621464800000000000);

    /* The true Ball replaces that socket, although it is still connected. */
    herd_start(&herd, BALL);
    HERD_WAIT(&herd, herd_is_linked(&herd) && herd_agrees(&herd, 1));
    CHECK_INT(bus_strangers(herd.nodes[ALFORD].bus), 0);
    CHECK(herd_is_sound(&herd));
    zmq_close(dealer);
    zmq_ctx_term(context);
    herd_end(&herd);
}

static const struct check_case cases[] = {
    {"two nodes link up and hold the same facts", link_two_and_tell},
    {"five nodes in a ring all hear everything and agree", tell_five_in_a_ring},
    {"killed nodes that start again are linked and know everything in half a second",
     come_back_after_a_kill},
    {"nodes that said goodbye come back just as well", come_back_after_a_goodbye},
    {"the last words and the goodbye arrive", say_goodbye},
    {"a neighbour that starts two seconds late is linked within half a second", link_the_late},
    {"a hundred thousand updates over one link arrive without a gap", tell_a_hundred_thousand},
    {"bytes that are no message are counted, and the true peer takes its place",
     count_what_is_no_message},
};

CHECK_MAIN(cases)
