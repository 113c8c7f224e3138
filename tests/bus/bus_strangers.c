/* The peer sockets among hostile and broken ones: strangers, wrong messages, peers that do not
 * read, that talk back, that speak another protocol. Each case watches an honest peer beside them,
 * whose messages must keep arriving. */
#include "bus/link/strangers.h"
#include "tests/bus/lone.h"

#include "bus/net/outlet.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

/* Peers of the bus under test: a good one that is a bus too, and the one that a case puts to the
 * test. */
enum { GOOD, OTHER, PEER_COUNT };

struct scene {
    char endpoints[PEER_COUNT][LOOPBACK_ENDPOINT_BYTES_MAX];
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX];
    struct lone *hub, *good;
    void *context; /* for the sockets that are no bus */
};

static struct scene open_scene(void)
{
    struct scene scene;
    loopback_endpoint(scene.endpoint);
    struct bus_peer peers[PEER_COUNT] = {{"Good", scene.endpoints[GOOD]},
                                         {"Other", scene.endpoints[OTHER]}};
    for (size_t i = 0; i < PEER_COUNT; i++)
        loopback_endpoint(scene.endpoints[i]);
    struct bus_peer hub = {"Hub", scene.endpoint};
    scene.hub = lone_open("Hub", scene.endpoint, peers, PEER_COUNT);
    scene.good = lone_open("Good", scene.endpoints[GOOD], &hub, 1);
    scene.context = zmq_ctx_new();
    return scene;
}

/* All raw sockets of the scene are closed already. */
static void close_scene(struct scene *scene)
{
    lone_close(&scene->hub, 0);
    lone_close(&scene->good, 0);
    zmq_ctx_term(scene->context);
}

#define BOTH(scene) ((struct lone *[]){(scene)->hub, (scene)->good})

/* Hub and its good peer hear each other. */
static void check_the_good_go_on(struct scene *scene)
{
    CHECK(lone_hear_each_other(scene->hub, scene->good));
}

static void set(void *socket, int option, int value)
{
    CHECK_INT(zmq_setsockopt(socket, option, &value, sizeof value), 0);
}

static void *open_raw(struct scene *scene, int type)
{
    void *socket = lone_raw(scene->context, type);
    set(socket, ZMQ_SNDTIMEO, LOOPBACK_PATIENCE_MS);
    return socket;
}

/* A DEALER of that routing id, which may hold any bytes, connected to the hub. */
static void *dial(struct scene *scene, const char *id, size_t id_bytes)
{
    void *dealer = open_raw(scene, ZMQ_DEALER);
    if (id_bytes > 0)
        CHECK_INT(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, id, id_bytes), 0);
    set(dealer, ZMQ_IMMEDIATE, 1);
    CHECK_INT(zmq_connect(dealer, scene->endpoint), 0);
    return dealer;
}

static void count_strangers(void)
{
    struct scene scene = open_scene();
    char longest[255];
    memset(longest, 'x', sizeof longest);
    const struct span ids[] = {
        {"", 0},
        {"other", 5},
        {"Othe", 4},
        {"Others", 6},
        {"Other\0", 6},
        {"Hub", 3},
        {longest, 255},
        {"Other\0"
         "1234567",
         13},
        {"Other\0"
         "123456789",
         15},
        {"\1\0"
         "12345678",
         10},
    };
    size_t count = sizeof ids / sizeof *ids;
    for (size_t i = 0; i < count; i++) {
        void *dealer = dial(&scene, ids[i].data, ids[i].len);
        CHECK_INT(zmq_send(dealer, "hello", 5, 0), 5);
        LONE_WAIT(BOTH(&scene), bus_strangers(scene.hub->bus) == i + 1);
        zmq_close(dealer);
    }
    CHECK_INT(bus_multiparts(scene.hub->bus), 0);
    CHECK_INT(scene.hub->flood.peers[OTHER].received, 0);
    check_the_good_go_on(&scene);
    close_scene(&scene);
}

/* Each stranger's name is reported once, also one of unprintable bytes, and at most one per
 * STRANGERS_PAUSE_MS. */
static void report_strangers(void)
{
    static const struct span ids[] = {{"Ot\n\xff", 4},
                                      {"Cid\0"
                                       "12345678",
                                       12}},
                             names[] = {{"Ot\n\xff", 4}, {"Cid", 3}};
    struct scene scene = open_scene();
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        uint64_t before = bus_strangers(scene.hub->bus);
        struct span id;
        CHECK(!bus_next_stranger(scene.hub->bus, &id));
        void *dealer = dial(&scene, ids[i].data, ids[i].len);
        for (int again = 0; again < 3; again++)
            zmq_send(dealer, "hello", 5, 0);
        LONE_WAIT(BOTH(&scene), bus_strangers(scene.hub->bus) == before + 3);
        CHECK(bus_next_stranger(scene.hub->bus, &id));
        CHECK_BYTES(id.data, id.len, names[i].data, names[i].len);
        CHECK(!bus_next_stranger(scene.hub->bus, &id));
        scene.hub->ahead_ms += STRANGERS_PAUSE_MS;
        zmq_close(dealer);
    }
    close_scene(&scene);
}

static void drop_multiparts(void)
{
    struct scene scene = open_scene();
    struct lone_peer *other = &scene.hub->flood.peers[OTHER];
    void *dealer = dial(&scene, "Other", 5), *stranger = dial(&scene, "Else", 4);
    zmq_send(dealer, "first", 5, ZMQ_SNDMORE);
    zmq_send(dealer, "second", 6, 0);
    for (int i = 0; i < 2000; i++)
        zmq_send(dealer, "many", 4, i == 1999 ? 0 : ZMQ_SNDMORE);
    zmq_send(dealer, "", 0, ZMQ_SNDMORE);
    zmq_send(dealer, "as REQ does", 11, 0);
    zmq_send(dealer, "the only frame", 14, 0);
    LONE_WAIT(BOTH(&scene), other->received == 1);
    CHECK_INT(other->last_bytes, 14);
    CHECK_INT(bus_multiparts(scene.hub->bus), 3);
    CHECK_INT(other->parts, 2 + 2000 + 2);

    zmq_send(stranger, "first", 5, ZMQ_SNDMORE);
    zmq_send(stranger, "second", 6, 0);
    LONE_WAIT(BOTH(&scene), bus_strangers(scene.hub->bus) == 1);
    CHECK_INT(bus_multiparts(scene.hub->bus), 3);
    check_the_good_go_on(&scene);
    zmq_close(dealer);
    zmq_close(stranger);
    close_scene(&scene);
}

static void hold_the_size_limit(void)
{
    struct scene scene = open_scene();
    struct lone_peer *other = &scene.hub->flood.peers[OTHER];
    static char bytes[WIRE_MESSAGE_BYTES_MAX + 1];
    void *dealer = dial(&scene, "Other", 5);
    zmq_send(dealer, bytes, 0, 0);
    LONE_WAIT(BOTH(&scene), other->received == 1);
    CHECK_INT(other->last_bytes, 0);
    zmq_send(dealer, bytes, WIRE_MESSAGE_BYTES_MAX, 0);
    LONE_WAIT(BOTH(&scene), other->received == 2);
    CHECK_INT(other->last_bytes, WIRE_MESSAGE_BYTES_MAX);

    /* The connection breaks; messages on a new one arrive again. */
    void *monitor = open_raw(&scene, ZMQ_PAIR);
    CHECK_INT(zmq_socket_monitor(dealer, "inproc://dealer", ZMQ_EVENT_DISCONNECTED), 0);
    CHECK_INT(zmq_connect(monitor, "inproc://dealer"), 0);
    zmq_send(dealer, bytes, WIRE_MESSAGE_BYTES_MAX + 1, 0);
    LONE_WAIT(BOTH(&scene), zmq_recv(monitor, NULL, 0, ZMQ_DONTWAIT) >= 0);
    check_the_good_go_on(&scene);
    LONE_WAIT(BOTH(&scene), (zmq_send(dealer, "again", 5, ZMQ_DONTWAIT), other->last_bytes == 5));
    check_the_good_go_on(&scene);
    zmq_close(monitor);
    zmq_close(dealer);
    close_scene(&scene);
}

static int dial_plain(const struct scene *scene)
{
    int stream = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback_address(scene->endpoint);
    CHECK_INT(connect(stream, (struct sockaddr *)&address, sizeof address), 0);
    return stream;
}

/* What ZMTP 3.0 (rfc.zeromq.org/spec/23) begins with, on both sides. */
static const char greeting[64] = "\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL";

static int listen_plain(const char *endpoint)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = loopback_address(endpoint);
    CHECK_INT(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    CHECK_INT(listen(listener, 1), 0);
    return listener;
}

/* True once the other end has closed; what it says before that is thrown away. */
static bool is_over(int stream)
{
    char said[256];
    ssize_t bytes = recv(stream, said, sizeof said, MSG_DONTWAIT);
    return bytes == 0 || (bytes < 0 && errno != EAGAIN);
}

static void survive_plain_bytes(void)
{
    static const char http[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char half_greeting[] = "\xff\0\0\0\0\0\0\0\1\x7f\3\0NU";
    /* A whole greeting, then a READY command whose length is a lie. */
    static const char lie[10] = "\6\xff\xff\xff\xff\xff\xff\xff\xff\5";
    char liar[sizeof greeting + sizeof lie], noise[4096];
    memcpy(liar, greeting, sizeof greeting);
    memcpy(liar + sizeof greeting, lie, sizeof lie);
    unsigned state = 12345;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)((state = state * 1103515245u + 12345u) >> 16);
    static const char zmtp1[] = "\6\0Other", zmtp2[] = "\xff\0\0\0\0\0\0\0\1\x7f\1\5\0\5Other";
    const struct span said[] = {{http, sizeof http - 1},
                                {zmtp1, sizeof zmtp1 - 1},
                                {zmtp2, sizeof zmtp2 - 1},
                                {half_greeting, sizeof half_greeting - 1},
                                {liar, sizeof liar},
                                {noise, sizeof noise},
                                {"", 0}};
    enum { COUNT = sizeof said / sizeof *said };

    struct scene scene = open_scene();
    int streams[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        streams[i] = dial_plain(&scene);
        CHECK(send(streams[i], said[i].data, said[i].len, MSG_NOSIGNAL) >= 0);
    }
    check_the_good_go_on(&scene);
    /* None of them keeps its place for longer than the greeting may take. What is older than ZMTP
     * 3, or taken for it, loses it at once. */
    int64_t start_ms = loopback_now_ms();
    for (size_t i = 0; i < COUNT; i++) {
        LONE_WAIT(BOTH(&scene), is_over(streams[i]));
        close(streams[i]);
    }
    CHECK(loopback_now_ms() - start_ms < 5000);
    CHECK_INT(scene.hub->flood.peers[OTHER].received, 0);
    check_the_good_go_on(&scene);
    close_scene(&scene);
}

/* What a DEALER of that routing id says first (rfc.zeromq.org/spec/37). */
static int greet_as(const struct scene *scene, struct span id)
{
    static const char ready[] = "\5READY\13Socket-Type\0\0\0\6DEALER\10Identity\0\0\0";
    char said[256] = "\4";
    size_t bytes = 2;
    said[1] = (char)(sizeof ready + id.len);
    memcpy(said + bytes, ready, sizeof ready - 1);
    bytes += sizeof ready - 1;
    said[bytes++] = (char)id.len;
    memcpy(said + bytes, id.data, id.len);
    bytes += id.len;
    int stream = dial_plain(scene);
    CHECK_INT(send(stream, greeting, sizeof greeting, MSG_NOSIGNAL), sizeof greeting);
    CHECK_INT(send(stream, said, bytes, MSG_NOSIGNAL), bytes);
    /* Neither end may send before it has the other's greeting and READY. */
    char answer[sizeof greeting + 2 + 41];
    CHECK_INT(recv(stream, answer, sizeof answer, MSG_WAITALL), sizeof answer);
    return stream;
}

static int greet_plain(const struct scene *scene)
{
    return greet_as(scene, (struct span){"Other", 5});
}

/* A peer that completes the handshake and never sends anything again. */
static void leave_the_silent(void)
{
    struct scene scene = open_scene();
    int dialled = greet_plain(&scene);
    /* And one that the hub connects to, which does not even send a greeting. */
    int listener = listen_plain(scene.endpoints[OTHER]), called = -1;
    LONE_WAIT(BOTH(&scene), (called = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0);

    int64_t start_ms = loopback_now_ms();
    LONE_WAIT(BOTH(&scene), is_over(called));
    CHECK(loopback_now_ms() - start_ms >= 4000);
    /* The kernel still acknowledges for the one that greeted, so that one keeps its connection
     * until the true peer connects. */
    CHECK(!is_over(dialled));
    void *newer = dial(&scene, "Other", 5);
    zmq_send(newer, "the newer", 9, 0);
    LONE_WAIT(BOTH(&scene), scene.hub->flood.peers[OTHER].received == 1);
    CHECK_INT(bus_strangers(scene.hub->bus), 0);
    check_the_good_go_on(&scene);
    zmq_close(newer);
    close(called);
    close(listener);
    close(dialled);
    close_scene(&scene);
}

static void hear_the_newer_of_two(void)
{
    struct scene scene = open_scene();
    struct lone_peer *other = &scene.hub->flood.peers[OTHER];
    void *older = dial(&scene, "Other", 5);
    zmq_send(older, "older", 5, 0);
    LONE_WAIT(BOTH(&scene), other->received == 1);
    /* The first connection is still open, as after a power cut, when the peer is back. */
    void *newer = dial(&scene, "Other", 5);
    zmq_send(newer, "the newer", 9, 0);
    LONE_WAIT(BOTH(&scene), other->received == 2);
    CHECK_INT(other->last_bytes, 9);
    check_the_good_go_on(&scene);
    zmq_close(older);
    zmq_close(newer);
    close_scene(&scene);
}

static void hear_both_that_have_numbers(void)
{
    struct scene scene = open_scene();
    struct lone_peer *other = &scene.hub->flood.peers[OTHER];
    void *first = dial(&scene,
                       "Other\0"
                       "12345678",
                       14);
    void *second = dial(&scene,
                        "Other\0"
                        "1234\0"
                        "678",
                        14);
    for (uint64_t i = 0; i < 10; i++) {
        zmq_send(i % 2 == 0 ? first : second, "both", 4, 0);
        LONE_WAIT(BOTH(&scene), other->received == i + 1);
    }
    CHECK_INT(bus_strangers(scene.hub->bus), 0);
    check_the_good_go_on(&scene);
    zmq_close(first);
    zmq_close(second);
    close_scene(&scene);
}

/* The connection a peer had before a cut comes to its end late: what was on it still arrives,
 * after the new connection has taken its place, and then it breaks. ZeroMQ stops reading such a
 * connection but keeps it; had it a heartbeat to send there, it would abort the process. */
static void outlive_the_end_of_the_older(void)
{
    static const char message[] = "\0\3old";
    struct scene scene = open_scene();
    struct lone_peer *other = &scene.hub->flood.peers[OTHER];
    enum { TIMES = 5 };
    for (uint64_t i = 0; i < TIMES; i++) {
        int older = greet_plain(&scene);
        CHECK_INT(send(older, message, sizeof message - 1, MSG_NOSIGNAL), sizeof message - 1);
        LONE_WAIT(BOTH(&scene), other->received == 2 * i + 1);
        void *newer = dial(&scene, "Other", 5);
        zmq_send(newer, "the newer", 9, 0);
        LONE_WAIT(BOTH(&scene), other->received == 2 * i + 2);
        CHECK_INT(send(older, message, sizeof message - 1, MSG_NOSIGNAL), sizeof message - 1);
        check_the_good_go_on(&scene);
        struct linger at_once = {.l_onoff = 1};
        setsockopt(older, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(older);
        zmq_close(newer);
    }
    /* Longer than any heartbeat would wait. */
    int64_t start_ms = loopback_now_ms();
    LONE_WAIT(BOTH(&scene), loopback_now_ms() - start_ms > 3000);
    CHECK_INT(other->received, 2 * TIMES);
    check_the_good_go_on(&scene);
    close_scene(&scene);
}

static void make_known(int stream)
{
    CHECK_INT(send(stream, "\0\3new", 5, MSG_NOSIGNAL), 5);
}

static int count_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

/* The far half of each connection is lost silently, as with a middlebox that keeps our half
 * open. */
static void check_replaced(const struct span *ids, size_t id_count)
{
    enum { TIMES = 30, SPARE_MAX = 3 };
    struct scene scene = open_scene();
    check_the_good_go_on(&scene);
    int before = count_descriptors(), streams[TIMES] = {greet_as(&scene, ids[0])};
    const struct lone_peer *other = &scene.hub->flood.peers[OTHER];
    make_known(streams[0]);
    LONE_WAIT(BOTH(&scene), other->received == 1);
    for (size_t i = 1; i < TIMES; i++) {
        streams[i] = greet_as(&scene, ids[i % id_count]);
        make_known(streams[i]);
        LONE_WAIT(BOTH(&scene), other->received == i + 1);
        int64_t start_ms = loopback_now_ms();
        LONE_WAIT(BOTH(&scene), is_over(streams[i - 1]));
        CHECK(loopback_now_ms() - start_ms < 2000);
        CHECK(!is_over(streams[i]));
    }
    /* Ours are open still. */
    LONE_WAIT(BOTH(&scene), count_descriptors() <= before + TIMES + SPARE_MAX);
    check_the_good_go_on(&scene);
    for (size_t i = 0; i < TIMES; i++)
        close(streams[i]);
    close_scene(&scene);
}

static void end_what_was_replaced_by_zeromq(void)
{
    check_replaced(&(struct span){"Other\0"
                                  "ABCD1234",
                                  14},
                   1);
}

static void end_what_was_replaced_by_an_outlet(void)
{
    static const struct span ids[] = {{"Other\0"
                                       "ABCD1234",
                                       14},
                                      {"Other\0"
                                       "EFGH1234",
                                       14},
                                      {"Other\0"
                                       "\0\0\0\0"
                                       "1234",
                                       14}};
    check_replaced(ids, sizeof ids / sizeof *ids);
}

/* A verdict on a connection applies to that connection alone, even when its descriptor number is in
 * use again. */
static void end_no_other_connection_of_that_number(void)
{
    struct scene scene = open_scene();
    struct span id = {"Other\0"
                      "ABCD1234",
                      14};
    for (int i = 0; i < 20; i++) {
        int first = greet_as(&scene, id);
        make_known(first);
        check_the_good_go_on(&scene);
        close(first); /* its number is free now, and the next one takes it */
        check_the_good_go_on(&scene);
        int strange = greet_plain(&scene), second = greet_as(&scene, id);
        make_known(second);
        for (int again = 0; again < 3; again++)
            check_the_good_go_on(&scene);
        CHECK(!is_over(strange));
        close(strange);
        close(second);
    }
    close_scene(&scene);
}

static void end_who_is_gone_when_its_successor_speaks(void)
{
    struct scene scene = open_scene();
    struct span older_id = {"Other\0"
                            "ABCD1234",
                            14},
                newer_id = {"Other\0"
                            "ABCD5678",
                            14};
    const struct lone_peer *other = &scene.hub->flood.peers[OTHER];
    int older = greet_as(&scene, older_id);
    make_known(older);
    LONE_WAIT(BOTH(&scene), other->received == 1);
    int newer = greet_as(&scene, newer_id);
    make_known(newer);
    LONE_WAIT(BOTH(&scene), other->received == 2);
    CHECK(!is_over(older)); /* it may be another process of that name */
    scene.hub->ahead_ms += 60000;
    make_known(newer);
    LONE_WAIT(BOTH(&scene), is_over(older));
    CHECK(!is_over(newer));
    check_the_good_go_on(&scene);
    close(older);
    close(newer);
    close_scene(&scene);
}

/* What one of a crowd does next: connects, sends, stops in the middle of a frame, resets, closes.
 * Two processes make all these connections, each under a routing id of its own: where two come
 * under one, ZeroMQ can never close the first if it still says something. */
static void act(const struct scene *scene, unsigned rng, int *stream)
{
    static uint32_t number;
    struct linger at_once = {.l_onoff = 1};
    if (*stream < 0) {
        char id[] = "Other\0nnnnABC.";
        number++;
        memcpy(id + strlen("Other") + 1, &number, sizeof number);
        id[13] = rng / 16 % 2 == 0 ? 'D' : 'E';
        *stream = greet_as(scene, (struct span){id, 14});
        return;
    }
    switch (rng % 8) {
    case 0:
    case 1:
    case 2:
        send(*stream, "\0\3new", 5, MSG_NOSIGNAL);
        return;
    case 3:
        send(*stream, "\0\3n", 3, MSG_NOSIGNAL);
        return;
    case 4:
        shutdown(*stream, SHUT_WR);
        return;
    case 5:
        send(*stream, "\4\7\4PING\0\1", 9, MSG_NOSIGNAL); /* ZMTP 3.1, with a time to live */
        return;
    case 6:
        setsockopt(*stream, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        break;
    default:
        break;
    }
    close(*stream);
    *stream = -1;
}

/* ZHERD_STRESS=N lets it go on N times as long. */
static void survive_a_crowd(void)
{
    enum { STREAMS = 12, ACTS = 600, SPARE_MAX = 3 };
    const char *stress = getenv("ZHERD_STRESS");
    long acts = ACTS * (stress ? strtol(stress, NULL, 10) : 1);
    struct scene scene = open_scene();
    check_the_good_go_on(&scene);
    int before = count_descriptors(), streams[STREAMS];
    for (size_t i = 0; i < STREAMS; i++)
        streams[i] = -1;
    unsigned state = 12345;
    for (long i = 0; i < acts; i++) {
        state = state * 1103515245u + 12345u;
        act(&scene, state >> 20, &streams[(state >> 8) % STREAMS]);
        lone_turn(BOTH(&scene), 2);
        if (i % 50 == 0)
            check_the_good_go_on(&scene);
    }
    for (size_t i = 0; i < STREAMS; i++)
        if (streams[i] >= 0)
            close(streams[i]);
    check_the_good_go_on(&scene);
    LONE_WAIT(BOTH(&scene), count_descriptors() <= before + SPARE_MAX);
    printf("    %d descriptors before, %d after\n", before, count_descriptors());
    close_scene(&scene);
}

static void pass_by_the_blocked(void)
{
    struct scene scene = open_scene();
    void *router = open_raw(&scene, ZMQ_ROUTER);
    set(router, ZMQ_RCVHWM, 1);
    set(router, ZMQ_RCVBUF, 4096);
    CHECK_INT(zmq_bind(router, scene.endpoints[OTHER]), 0);

    /* It accepts and completes the handshake, and never reads: its queue fills until messages are
     * refused. */
    struct lone_peer *other = &scene.hub->flood.peers[OTHER], *good = &scene.hub->flood.peers[GOOD];
    scene.hub->flood.message_bytes = WIRE_MESSAGE_BYTES_MAX;
    LONE_WAIT(BOTH(&scene), (other->due = 1, other->sent > 0));
    uint64_t before = other->refused;
    other->due = 1000000;
    LONE_WAIT(BOTH(&scene), other->refused > before + 10);
    CHECK(other->sent < 1000);

    good->due = 500;
    LONE_WAIT(BOTH(&scene), (good->answers++, scene.good->flood.peers[0].received == 500));
    CHECK_INT(scene.good->flood.peers[0].misordered, 0);

    /* Even asked for patience, the end waits for the blocked one only that long. */
    int64_t start_ms = loopback_now_ms();
    lone_close(&scene.hub, 300);
    int64_t took_ms = loopback_now_ms() - start_ms;
    CHECK(took_ms >= 250 && took_ms < 3000);
    lone_close(&scene.good, 0);
    zmq_close(router);
    zmq_ctx_term(scene.context);
}

static void outlive_one_that_talks_back(void)
{
    struct scene scene = open_scene();
    void *router = open_raw(&scene, ZMQ_ROUTER);
    CHECK_INT(zmq_bind(router, scene.endpoints[OTHER]), 0);

    struct lone_peer *other = &scene.hub->flood.peers[OTHER];
    char id[256];
    int id_bytes;
    LONE_WAIT(BOTH(&scene), (other->due = 1, other->sent > 0));
    LONE_WAIT(BOTH(&scene), (id_bytes = zmq_recv(router, id, sizeof id, ZMQ_DONTWAIT)) > 0);
    CHECK_INT(id_bytes, 12); /* the name, a NUL and the number of the process */
    CHECK(memcmp(id, "Hub", 4) == 0);
    other->due = 0;
    for (int i = 0; i < 500; i++) {
        zmq_send(router, id, (size_t)id_bytes, ZMQ_SNDMORE | ZMQ_DONTWAIT);
        zmq_send(router, "what?", 5, ZMQ_DONTWAIT);
    }
    /* The hub never reads those messages, and its own still leave. */
    uint64_t sent = other->sent;
    other->due = 100;
    LONE_WAIT(BOTH(&scene), other->sent == sent + 100);
    check_the_good_go_on(&scene);
    /* The hub does not see a connection break that it never reads: it takes messages until too many
     * are unanswered. Then the hub connects again. */
    zmq_close(router);
    other->due = 2 * OUTLET_MESSAGES_MAX;
    uint64_t refused = other->refused;
    LONE_WAIT(BOTH(&scene), other->refused > refused);
    router = open_raw(&scene, ZMQ_ROUTER);
    LONE_WAIT(BOTH(&scene), zmq_bind(router, scene.endpoints[OTHER]) == 0);
    scene.hub->ahead_ms += 60000;
    LONE_WAIT(BOTH(&scene), zmq_recv(router, id, sizeof id, ZMQ_DONTWAIT) == id_bytes);
    check_the_good_go_on(&scene);
    zmq_close(router);
    close_scene(&scene);
}

static void try_again_after_a_wrong_neighbour(void)
{
    static const char ready_of_publisher[] = "\4\x19\5READY\13Socket-Type\0\0\0\3PUB";
    struct scene scene = open_scene();
    struct lone_peer *other = &scene.hub->flood.peers[OTHER];
    /* A publisher on the peer's port breaks the handshake, and ZeroMQ never tries again. */
    int listener = listen_plain(scene.endpoints[OTHER]), called = -1;
    LONE_WAIT(BOTH(&scene), (called = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0);
    send(called, greeting, sizeof greeting, MSG_NOSIGNAL);
    send(called, ready_of_publisher, sizeof ready_of_publisher - 1, MSG_NOSIGNAL);
    LONE_WAIT(BOTH(&scene), is_over(called));
    close(called);
    close(listener);
    other->due = 1;
    LONE_WAIT(BOTH(&scene), other->refused > 0);

    struct bus_peer hub = {"Hub", scene.endpoint};
    struct lone *right = lone_open("Other", scene.endpoints[OTHER], &hub, 1);
    scene.hub->ahead_ms += 60000;
    struct lone *all[] = {scene.hub, scene.good, right};
    LONE_WAIT(all, right->flood.peers[0].received == 1);
    check_the_good_go_on(&scene);
    lone_close(&right, 0);
    close_scene(&scene);
}

/* ---- a peer that takes all and shows nothing ---- */

static struct lone_peer *await_id(struct scene *scene, void *router, char id[256])
{
    struct lone_peer *other = &scene->hub->flood.peers[OTHER];
    uint64_t sent = other->sent;
    other->awaits = true;
    LONE_WAIT(BOTH(scene), (other->due = 1, other->sent > sent));
    LONE_WAIT(BOTH(scene), zmq_recv(router, id, 256, ZMQ_DONTWAIT) == 12);
    while (zmq_recv(router, NULL, 0, ZMQ_DONTWAIT) >= 0)
        ;
    return other;
}

static void connect_again_where_nothing_is_answered(void)
{
    struct scene scene = open_scene();
    void *router = open_raw(&scene, ZMQ_ROUTER);
    char first[256] = "", next[256] = "";
    CHECK_INT(zmq_bind(router, scene.endpoints[OTHER]), 0);
    struct lone_peer *other = await_id(&scene, router, first);
    for (int i = 0; i < 3; i++) { /* it answers, however late: the connection stays */
        scene.hub->ahead_ms += LINK_ANSWER_MS - 1000;
        other->answers++;
        check_the_good_go_on(&scene);
        await_id(&scene, router, next);
        CHECK(memcmp(first, next, 12) == 0);
    }
    scene.hub->ahead_ms += LINK_ANSWER_MS + 1000;
    check_the_good_go_on(&scene);
    LONE_WAIT(BOTH(&scene), (await_id(&scene, router, next), memcmp(first, next, 12) != 0));
    size_t drawn = strlen("Hub") + 1 + PEER_DIRECTORY_NUMBER_BYTES - PEER_DIRECTORY_PROCESS_BYTES;
    CHECK(memcmp(first + drawn, next + drawn, PEER_DIRECTORY_PROCESS_BYTES) == 0);
    check_the_good_go_on(&scene);
    zmq_close(router);
    close_scene(&scene);
}

/* Nothing is due to it, then or later; and it is gone for a moment only. */
static void report_every_new_connection(void)
{
    struct scene scene = open_scene();
    struct lone_peer *other = &scene.hub->flood.peers[OTHER];
    for (uint64_t i = 1; i <= 5; i++) {
        void *router = open_raw(&scene, ZMQ_ROUTER);
        LONE_WAIT(BOTH(&scene), zmq_bind(router, scene.endpoints[OTHER]) == 0);
        LONE_WAIT(BOTH(&scene), other->connections == i);
        zmq_close(router);
    }
    /* What is sent at once makes the connection known, too. */
    void *router = open_raw(&scene, ZMQ_ROUTER);
    LONE_WAIT(BOTH(&scene), (other->due = 1, other->refused > 0));
    uint64_t sent = other->sent;
    LONE_WAIT(BOTH(&scene), zmq_bind(router, scene.endpoints[OTHER]) == 0);
    LONE_WAIT(BOTH(&scene), other->sent == sent + 1);
    check_the_good_go_on(&scene);
    CHECK_INT(other->connections, 5);
    zmq_close(router);
    close_scene(&scene);
}

/* ---- listeners that are no ZeroMQ ---- */

static void leave_a_listener_that_says_something_else(void)
{
    struct scene scene = open_scene();
    struct lone_peer *other = &scene.hub->flood.peers[OTHER];
    int listener = listen_plain(scene.endpoints[OTHER]), called = -1;
    LONE_WAIT(BOTH(&scene), (called = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0);
    CHECK_INT(send(called, "220 mail ready\r\n", 16, MSG_NOSIGNAL), 16);
    LONE_WAIT(BOTH(&scene), is_over(called));
    other->due = 1;
    check_the_good_go_on(&scene);
    CHECK_INT(other->sent, 0);
    close(called);
    close(listener);
    struct bus_peer hub = {"Hub", scene.endpoint};
    struct lone *right = lone_open("Other", scene.endpoints[OTHER], &hub, 1);
    struct lone *all[] = {scene.hub, scene.good, right};
    scene.hub->ahead_ms += 60000;
    LONE_WAIT(all, right->flood.peers[0].received == 1);
    lone_close(&right, 0);
    close_scene(&scene);
}

static const struct check_case cases[] = {
    {"messages of names that are no peers are counted and dropped", count_strangers},
    {"a stranger's name is reported once", report_strangers},
    {"a message of several frames is counted and dropped whole", drop_multiparts},
    {"the greatest message arrives; one byte more costs that connection only", hold_the_size_limit},
    {"plain bytes, browsers and half greetings change nothing and lose their place",
     survive_plain_bytes},
    {"a listener that does not greet is left; a silent peer makes way for the true one",
     leave_the_silent},
    {"of two connections with one name the newer is heard", hear_the_newer_of_two},
    {"two processes of one name are both heard", hear_both_that_have_numbers},
    {"an older connection that breaks after the newer took its place breaks nothing else",
     outlive_the_end_of_the_older},
    {"a connection whose other half was lost is closed when ZeroMQ makes another",
     end_what_was_replaced_by_zeromq},
    {"and when its process makes another under a new routing id",
     end_what_was_replaced_by_an_outlet},
    {"no other connection is closed for it", end_no_other_connection_of_that_number},
    {"a process that is gone loses its connection when its successor speaks",
     end_who_is_gone_when_its_successor_speaks},
    {"a crowd that comes, goes and breaks leaves nothing", survive_a_crowd},
    {"a peer that accepts but never reads delays nobody else, nor the end", pass_by_the_blocked},
    {"a peer that talks back harms only its own link", outlive_one_that_talks_back},
    {"a wrong socket on a peer's port is forgotten when the right one comes",
     try_again_after_a_wrong_neighbour},
    {"a peer that takes everything and answers nothing gets a new connection and routing id",
     connect_again_where_nothing_is_answered},
    {"every new connection is reported to the flood, though nothing is due",
     report_every_new_connection},
    {"a listener that is no ZeroMQ is left and forgotten",
     leave_a_listener_that_says_something_else},
};

CHECK_MAIN(cases)
