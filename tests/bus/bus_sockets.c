/* The peer sockets among honest buses: connecting, starting late, coming back, bursts, limits and
 * the end. There is no herd: a script stands in for the flood (lone.h). */
#include "bus/link/rounds.h"
#include "bus/net/peer_socket.h"
#include "tests/bus/lone.h"

#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

/* A neighbour that starts must be in use half a second later. */
#define LATE_LINK_MS_MAX 500
/* Long enough for a node that keeps connecting to repeat it at its usual pace. */
#define AWAY_MS 2000
/* A full window of UPDATEs and the ACKs that may go with it. */
#define ROUND 40

/* Two buses that know each other, on endpoints of their own. */
struct pair {
    char endpoints[2][LOOPBACK_ENDPOINT_BYTES_MAX];
    struct lone *a, *b;
};

static struct lone *open_half(const struct pair *pair, int half)
{
    const char *const names[] = {"Alford", "Ball"};
    struct bus_peer other = {names[!half], pair->endpoints[!half]};
    return lone_open(names[half], pair->endpoints[half], &other, 1);
}

static struct pair open_pair(void)
{
    struct pair pair;
    loopback_endpoint(pair.endpoints[0]);
    loopback_endpoint(pair.endpoints[1]);
    pair.a = open_half(&pair, 0);
    pair.b = open_half(&pair, 1);
    return pair;
}

static void close_pair(struct pair *pair)
{
    lone_close(&pair->a, 0);
    lone_close(&pair->b, 0);
}

static void reach_both_ways(void)
{
    struct pair pair = open_pair();
    struct lone *all[] = {pair.a, pair.b};
    pair.a->flood.peers[0].due = pair.b->flood.peers[0].due = 1000;
    pair.a->flood.message_bytes = 100;
    LONE_WAIT(all, pair.a->flood.peers[0].received == 1000);
    LONE_WAIT(all, pair.b->flood.peers[0].received == 1000);
    CHECK_INT(pair.a->flood.peers[0].misordered, 0);
    CHECK_INT(pair.b->flood.peers[0].misordered, 0);
    CHECK_INT(pair.b->flood.peers[0].last_bytes, 100);
    CHECK_INT(bus_strangers(pair.a->bus), 0);
    close_pair(&pair);
}

static bool is_wiped(const struct flood *flood)
{
    for (size_t i = 0; i < flood->message_bytes; i++)
        if (flood->out[i] != 0)
            return false;
    return true;
}

static void leave_nothing_of_what_was_sent(void)
{
    struct pair pair = open_pair();
    struct lone *all[] = {pair.a, pair.b};
    pair.a->flood.message_bytes = WIRE_MESSAGE_BYTES_MAX;
    pair.a->flood.peers[0].due = 1;
    LONE_WAIT(all, pair.b->flood.peers[0].received == 1);
    LONE_WAIT(all, is_wiped(&pair.a->flood));
    close_pair(&pair);
}

static void name_the_peer(void)
{
    /* In another order than that of the names, and with names that share a prefix. */
    const char *const names[] = {"Welsh", "Ball", "Ballard", "Alf", "Ba"};
    char hub_endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], endpoints[5][LOOPBACK_ENDPOINT_BYTES_MAX];
    struct bus_peer peers[5];
    loopback_endpoint(hub_endpoint);
    for (size_t i = 0; i < 5; i++) {
        loopback_endpoint(endpoints[i]);
        peers[i] = (struct bus_peer){names[i], endpoints[i]};
    }
    struct lone *all[6] = {lone_open("Hub", hub_endpoint, peers, 5)};
    for (size_t i = 0; i < 5; i++) {
        struct bus_peer hub = {"Hub", hub_endpoint};
        all[i + 1] = lone_open(names[i], endpoints[i], &hub, 1);
        all[i + 1]->flood.peers[0].due = 10 + i;
    }
    for (size_t i = 0; i < 5; i++)
        LONE_WAIT(all, all[0]->flood.peers[i].received == 10 + i);
    for (size_t i = 0; i < 6; i++)
        lone_close(&all[i], 0);
}

static void keep_nothing_for_the_absent(void)
{
    struct pair pair = open_pair();
    lone_close(&pair.b, 0);
    struct lone *alone[] = {pair.a};
    pair.a->flood.peers[0].due = 1;
    LONE_WAIT(alone, pair.a->flood.peers[0].refused >= 10);
    CHECK_INT(pair.a->flood.peers[0].sent, 0);
    pair.a->flood.peers[0].due = 0;

    pair.b = open_half(&pair, 1);
    struct lone *both[] = {pair.a, pair.b};
    pair.a->flood.peers[0].sent = 77;
    pair.a->flood.peers[0].due = 1;
    LONE_WAIT(both, pair.b->flood.peers[0].received > 0);
    CHECK_INT(pair.b->flood.peers[0].last_number, 77);
    close_pair(&pair);
}

static void find_the_late(void)
{
    struct pair pair = open_pair();
    lone_close(&pair.b, 0);
    struct lone *alone[] = {pair.a};
    pair.a->flood.peers[0].due = 1;
    int64_t start_ms = loopback_now_ms();
    LONE_WAIT(alone, loopback_now_ms() - start_ms >= AWAY_MS);

    pair.b = open_half(&pair, 1);
    pair.b->flood.peers[0].due = 1;
    start_ms = loopback_now_ms();
    struct lone *both[] = {pair.a, pair.b};
    LONE_WAIT(both, pair.b->flood.peers[0].received == 1 && pair.a->flood.peers[0].received == 1);
    CHECK(loopback_now_ms() - start_ms <= LATE_LINK_MS_MAX);
    close_pair(&pair);
}

static void come_back(void)
{
    struct pair pair = open_pair();
    struct lone *both[] = {pair.a, pair.b};
    for (int i = 0; i < 5; i++) {
        struct lone_peer *a = &pair.a->flood.peers[0], *b = &pair.b->flood.peers[0];
        uint64_t before = a->received;
        /* A message that a connection takes while it breaks is lost: send until one arrives. */
        LONE_WAIT(both, (a->due = 1, b->received > 0));
        LONE_WAIT(both, (b->due = 1, a->received > before));
        lone_close(&pair.b, 0);
        both[1] = pair.b = open_half(&pair, 1);
    }
    close_pair(&pair);
}

static void take_bursts_in_bounded_turns(void)
{
    struct pair pair = open_pair();
    struct lone *sender[] = {pair.a};
    pair.a->flood.peers[0].due = 900;
    LONE_WAIT(sender, pair.a->flood.peers[0].sent == 900);

    /* All messages have been sent and B has not turned yet: bus_turn must report correctly that
     * more is waiting, and the greatest turn must be far smaller than the burst. */
    uint64_t greatest = 0, full_turns = 0;
    bool promised = false;
    struct lone *both[] = {pair.a, pair.b};
    int64_t until_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;
    while (pair.b->flood.peers[0].received < 900 && loopback_now_ms() < until_ms) {
        pair.b->flood.received_in_turn = 0;
        lone_turn(both, 2);
        uint64_t taken = pair.b->flood.received_in_turn;
        CHECK(!promised || taken > 0);
        promised = pair.b->more;
        full_turns += promised;
        greatest = taken > greatest ? taken : greatest;
    }
    CHECK_INT(pair.b->flood.peers[0].received, 900);
    CHECK_INT(pair.b->flood.peers[0].misordered, 0);
    CHECK(greatest > 1 && greatest <= 100);
    CHECK(full_turns >= 5);
    CHECK(!pair.b->more);
    close_pair(&pair);
}

/* A pair that has spoken, of which the one will send messages of 1 KiB. */
static struct pair open_speaking_pair(void)
{
    struct pair pair = open_pair();
    struct lone *both[] = {pair.a, pair.b};
    pair.a->flood.peers[0].due = 1;
    LONE_WAIT(both, pair.b->flood.peers[0].received == 1);
    pair.a->flood.message_bytes = 1024;
    return pair;
}

static void send_much_in_bounded_turns(void)
{
    struct pair pair = open_speaking_pair();
    struct lone *both[] = {pair.a, pair.b};
    struct lone_peer *a = &pair.a->flood.peers[0], *b = &pair.b->flood.peers[0];
    a->has_much = true;
    a->refused = 0;
    a->due = 900;
    uint64_t most = ROUNDS_BYTES_MAX / 1024, cut_turns = 0;
    while (a->due > 0 && a->refused == 0) {
        uint64_t before = a->sent;
        lone_turn(both, 2);
        CHECK(a->sent - before <= most);
        CHECK(a->due == 0 || pair.a->more);
        cut_turns += bus_sends_on(pair.a->bus);
    }
    CHECK_INT(a->due, 0);
    CHECK_INT(cut_turns, 900 / most); /* the last 4 leave in the turn after these */
    LONE_WAIT(both, b->received == 901);
    close_pair(&pair);
}

/* Before the first message is made nobody knows that a new neighbour is to be told everything. */
static void bound_what_is_found_while_it_is_sent(void)
{
    struct pair pair = open_speaking_pair();
    struct lone *both[] = {pair.a, pair.b};
    struct lone_peer *a = &pair.a->flood.peers[0], *b = &pair.b->flood.peers[0];
    a->finds_much = true;
    a->due = 900;
    uint64_t before = a->sent;
    lone_turn(both, 2);
    CHECK_INT(a->sent - before, ROUNDS_BYTES_MAX / 1024);
    CHECK(pair.a->more && bus_sends_on(pair.a->bus));
    LONE_WAIT(both, b->received == 901);
    close_pair(&pair);
}

/* Rounds of a window with its lone acks, and the same back, follow each other far faster than
 * ZeroMQ's thread is looked at while sending; a link at rest in between must not seem blocked. */
static void never_refuse_a_brisk_link(void)
{
    struct pair pair = open_pair();
    struct lone *both[] = {pair.a, pair.b};
    struct lone_peer *a = &pair.a->flood.peers[0], *b = &pair.b->flood.peers[0];
    a->due = b->due = 1;
    LONE_WAIT(both, a->received == 1 && b->received == 1);
    a->refused = b->refused = 0;
    for (uint64_t round = 1; round <= 2000; round++) {
        a->due = b->due = ROUND;
        LONE_WAIT(both, a->received == 1 + ROUND * round && b->received == 1 + ROUND * round);
    }
    CHECK_INT(a->refused, 0);
    CHECK_INT(b->refused, 0);
    close_pair(&pair);
}

static void link_over_ipv6(void)
{
    struct pair pair = open_pair();
    close_pair(&pair);
    for (int i = 0; i < 2; i++) {
        char port[8];
        snprintf(port, sizeof port, "%s", strrchr(pair.endpoints[i], ':') + 1);
        snprintf(pair.endpoints[i], LOOPBACK_ENDPOINT_BYTES_MAX, "tcp://[::1]:%s", port);
    }
    struct fault fault;
    struct bus *bus =
        bus_open(&(struct bus_options){.name = "Alford", .endpoint = pair.endpoints[0]}, &fault);
    if (!bus) {
        printf("    this machine has no IPv6: %s\n", fault.text);
        CHECK(strstr(fault.text, "Cannot assign requested address") ||
              strstr(fault.text, "not supported by protocol"));
        return;
    }
    bus_close(&bus, 0);
    pair.a = open_half(&pair, 0);
    pair.b = open_half(&pair, 1);
    struct lone *both[] = {pair.a, pair.b};
    pair.a->flood.peers[0].due = pair.b->flood.peers[0].due = 1;
    LONE_WAIT(both, pair.a->flood.peers[0].received == 1);
    LONE_WAIT(both, pair.b->flood.peers[0].received == 1);
    close_pair(&pair);
}

static void bind_anywhere(void)
{
    struct lone *a =
        lone_open("Alford", "tcp://*:*", &(struct bus_peer){"Ball", "tcp://127.0.0.1:1"}, 1);
    /* Of a machine without IPv6 it is the first, of others the second: both families. */
    CHECK(strncmp(bus_endpoint(a->bus), "tcp://0.0.0.0:", 14) == 0 ||
          strncmp(bus_endpoint(a->bus), "tcp://[::]:", 11) == 0);
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX];
    snprintf(endpoint, sizeof endpoint, "tcp://localhost%s", strrchr(bus_endpoint(a->bus), ':'));
    struct lone *b = lone_open("Ball", "tcp://*:*", &(struct bus_peer){"Alford", endpoint}, 1);
    struct lone *both[] = {a, b};
    b->flood.peers[0].due = 1;
    LONE_WAIT(both, a->flood.peers[0].received == 1);
    lone_close(&a, 0);
    lone_close(&b, 0);
}

static void bind_what_a_name_stands_for(void)
{
    static const char *const endpoints[] = {"tcp://localhost:*", "tcp://lo:*"};
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        struct lone *lone = lone_open("Alford", endpoints[i], NULL, 0);
        CHECK(strncmp(bus_endpoint(lone->bus), "tcp://127.0.0.1:", 16) == 0);
        lone_close(&lone, 0);
    }
}

static void check_error(const char *endpoint, const struct bus_peer *peer, const char *wanted)
{
    struct bus_options options = {.name = "Alford", .endpoint = endpoint, .peers = peer};
    options.peer_count = peer ? 1 : 0;
    struct fault fault = {0};
    struct bus *bus = bus_open(&options, &fault);
    CHECK(!bus);
    CHECK_BYTES(fault.text, strlen(fault.text), wanted, strlen(wanted));
    bus_close(&bus, 0);
}

static void say_why_it_cannot_start(void)
{
    struct lone *taken = lone_open("Ball", "tcp://127.0.0.1:*", NULL, 0);
    char wanted[FAULT_BYTES_MAX];
    snprintf(wanted, sizeof wanted,
             "cannot bind %s: Address already in use, by process %d (this one)",
             bus_endpoint(taken->bus), (int)getpid());
    check_error(bus_endpoint(taken->bus), NULL, wanted);
    lone_close(&taken, 0);

    check_error("127.0.0.1:12500", NULL,
                "cannot bind 127.0.0.1:12500: not of the form tcp://host:port");
    check_error("udp://127.0.0.1:12500", NULL,
                "cannot bind udp://127.0.0.1:12500: not of the form tcp://host:port");
    check_error("tcp://127.0.0.1:port", NULL,
                "cannot bind tcp://127.0.0.1:port: not of the form tcp://host:port");
    struct fault fault = {0};
    static const char unknown[] = "cannot bind tcp://nobody.invalid:1: cannot resolve ";
    CHECK(!bus_open(&(struct bus_options){.name = "Alford", .endpoint = "tcp://nobody.invalid:1"},
                    &fault));
    CHECK_BYTES(fault.text, strnlen(fault.text, strlen(unknown)), unknown, strlen(unknown));
    check_error("tcp://203.0.113.1:12500", NULL,
                "cannot bind tcp://203.0.113.1:12500: Cannot assign requested address");
    struct bus_peer ball = {"Ball", "tcp://127.0.0.1"};
    check_error("tcp://127.0.0.1:*", &ball,
                "cannot connect to Ball at tcp://127.0.0.1: not of the form tcp://host:port");
}

static void check_domain(int type, bool has_keys, const char *wanted)
{
    void *context = zmq_ctx_new();
    void *socket = peer_socket_make(context, type, has_keys);
    char domain[64];
    size_t bytes = sizeof domain;
    CHECK_INT(zmq_getsockopt(socket, ZMQ_ZAP_DOMAIN, domain, &bytes), 0);
    CHECK_BYTES(domain, strlen(domain), wanted, strlen(wanted));
    zmq_close(socket);
    zmq_ctx_term(context);
}

static void ask_the_handler_where_bound(void)
{
    check_domain(ZMQ_ROUTER, false, "zherd.clear");
    check_domain(ZMQ_DEALER, false, "");
    check_domain(ZMQ_DEALER, true, "");
}

/* A name server that is near may have answered before the start looks. */
static void start_without_a_name(void)
{
    struct bus_peer ball = {"Ball", "tcp://nobody.invalid:12500"};
    for (int i = 0; i < 50; i++) {
        struct lone *alford = lone_open("Alford", "tcp://127.0.0.1:*", &ball, 1);
        CHECK(alford != NULL);
        lone_close(&alford, 0);
    }
}

static void serve_many_peers(void)
{
    /* Each socket takes a descriptor; the soft limit of a shell is often just 1024. */
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    static struct bus_peer peers[LINK_PEERS_MAX];
    static char names[LINK_PEERS_MAX][16];
    char hub_endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], away[LOOPBACK_ENDPOINT_BYTES_MAX];
    loopback_endpoint(hub_endpoint);
    loopback_endpoint(away);
    for (size_t i = 0; i < LINK_PEERS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "peer%zu", i);
        peers[i] = (struct bus_peer){names[i], away};
    }
    struct lone *hub = lone_open("Hub", hub_endpoint, peers, LINK_PEERS_MAX);
    struct bus_peer to_hub = {"Hub", hub_endpoint};
    struct lone *last = lone_open(names[LINK_PEERS_MAX - 1], "tcp://127.0.0.1:*", &to_hub, 1);
    struct lone *both[] = {hub, last};
    last->flood.peers[0].due = 1;
    LONE_WAIT(both, hub->flood.peers[LINK_PEERS_MAX - 1].received == 1);
    lone_close(&last, 0);
    lone_close(&hub, 0);
}

static void let_the_last_words_leave(void)
{
    struct pair pair = open_pair();
    struct lone *sender[] = {pair.a}, *receiver[] = {pair.b};
    pair.a->flood.peers[0].due = 1;
    LONE_WAIT(sender, pair.a->flood.peers[0].sent == 1);
    pair.a->flood.message_bytes = WIRE_MESSAGE_BYTES_MAX;
    pair.a->flood.peers[0].due = 50;
    LONE_WAIT(sender, pair.a->flood.peers[0].sent == 51);
    int64_t start_ms = loopback_now_ms();
    lone_close(&pair.a, LOOPBACK_PATIENCE_MS);
    CHECK(loopback_now_ms() - start_ms < LOOPBACK_PATIENCE_MS / 2);
    LONE_WAIT(receiver, pair.b->flood.peers[0].received == 51);
    lone_close(&pair.b, 0);
}

static void end_with_peers_away(void)
{
    struct pair pair = open_pair();
    struct lone *both[] = {pair.a, pair.b}, *alone[] = {pair.a};
    pair.a->flood.peers[0].due = 1;
    LONE_WAIT(both, pair.b->flood.peers[0].received == 1);
    lone_close(&pair.b, 0);
    pair.a->flood.peers[0].due = 1;
    LONE_WAIT(alone, pair.a->flood.peers[0].refused > 0);
    int64_t start_ms = loopback_now_ms();
    lone_close(&pair.a, LOOPBACK_PATIENCE_MS);
    CHECK(loopback_now_ms() - start_ms < LOOPBACK_PATIENCE_MS / 2);
    struct bus *none = NULL;
    bus_close(&none, 0);
}

static const struct check_case cases[] = {
    {"two buses reach each other, in order and complete", reach_both_ways},
    {"what was sent last is wiped", leave_nothing_of_what_was_sent},
    {"messages come under the name of their peer, whatever the order of names", name_the_peer},
    {"a message for an absent peer is refused, not kept", keep_nothing_for_the_absent},
    {"a neighbour that comes two seconds late is reached within half a second", find_the_late},
    {"a neighbour that ends and starts again five times is reached each time", come_back},
    {"a burst is taken in bounded turns that say truly whether more waits",
     take_bursts_in_bounded_turns},
    {"much is sent in bounded turns that say truly whether more waits", send_much_in_bounded_turns},
    {"what is found while it is sent is bounded, too", bound_what_is_found_while_it_is_sent},
    {"a link in quick rounds is never refused for a queue that is long empty",
     never_refuse_a_brisk_link},
    {"an address in brackets links over IPv6", link_over_ipv6},
    {"names of this machine and of its interfaces are bound", bind_what_a_name_stands_for},
    {"wildcards bind a free port everywhere; host names connect", bind_anywhere},
    {"a bus that cannot start says why in one sentence", say_why_it_cannot_start},
    {"only a socket that is bound asks the handler", ask_the_handler_where_bound},
    {"a peer whose name nobody knows yet stops no start", start_without_a_name},
    {"the greatest number of peers is served", serve_many_peers},
    {"what was sent last still leaves within the linger", let_the_last_words_leave},
    {"a bus whose peers are away ends at once", end_with_peers_away},
};

CHECK_MAIN(cases)
