/* Operators at the bus: who is heard as one, who is answered, and that none of them is in the way
 * of the peers. */
#include "tests/bus/lone.h"
#include "tests/bus/proof.h"

#include "bus/link/operate.h"

#include <poll.h>
#include <zmq.h>

/* More answers than a connection that nobody reads can hold. */
#define ANSWERS_MANY 200000

struct scene {
    struct auth_certificate hub_own, good_own, ada, eve, stranger;
    struct keyring_keys hub_keys, good_keys;
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], good_endpoint[LOOPBACK_ENDPOINT_BYTES_MAX];
    bool has_keys;
    struct lone *hub, *good;
    void *context; /* for operators */
    struct bus_request request;
};

static struct auth_certificate draw(void)
{
    struct auth_certificate drawn;
    CHECK_INT(zmq_curve_keypair(drawn.public_key, drawn.secret_key), 0);
    return drawn;
}

static struct keyring_keys keys_of(const struct auth_certificate *certificate)
{
    struct keyring_keys keys = {0};
    strcpy(keys.text[0], certificate->public_key);
    return keys;
}

/* Opens the hub, whose one peer is Good, with operators Ada and Eve. */
static struct scene *open_scene(bool has_keys)
{
    static struct scene scene;
    scene = (struct scene){.hub_own = draw(),
                           .good_own = draw(),
                           .ada = draw(),
                           .eve = draw(),
                           .stranger = draw(),
                           .has_keys = has_keys};
    scene.hub_keys = keys_of(&scene.hub_own);
    scene.good_keys = keys_of(&scene.good_own);
    loopback_endpoint(scene.endpoint);
    loopback_endpoint(scene.good_endpoint);
    struct bus_operator each[] = {{"Ada", keys_of(&scene.ada)}, {"Eve", keys_of(&scene.eve)}};
    struct bus_operators operators = {each, 2};
    struct bus_keys hub_keys = {scene.hub_own, &scene.good_keys};
    struct bus_keys good_keys = {scene.good_own, &scene.hub_keys};
    scene.hub = lone_open_bus(
        &(struct bus_options){.name = "Hub",
                              .endpoint = scene.endpoint,
                              .peers = &(struct bus_peer){"Good", scene.good_endpoint},
                              .peer_count = 1,
                              .keys = has_keys ? &hub_keys : NULL,
                              .operators = &operators});
    scene.good =
        lone_open_bus(&(struct bus_options){.name = "Good",
                                            .endpoint = scene.good_endpoint,
                                            .peers = &(struct bus_peer){"Hub", scene.endpoint},
                                            .peer_count = 1,
                                            .keys = has_keys ? &good_keys : NULL});
    scene.context = zmq_ctx_new();
    return &scene;
}

static void close_scene(struct scene *scene)
{
    lone_close(&scene->hub, 0);
    lone_close(&scene->good, 0);
    zmq_ctx_term(scene->context);
}

#define BOTH(scene) ((struct lone *[]){(scene)->hub, (scene)->good})

/* A connection to the hub under that routing id, and eight bytes more, with that key. */
static void *dial(struct scene *scene, const char *id, const struct auth_certificate *own)
{
    char whole[128];
    size_t bytes = strlen(id) + 1;
    int one = 1;
    void *dealer = lone_raw(scene->context, ZMQ_DEALER);
    memcpy(whole, id, bytes);
    memcpy(whole + bytes, "12345678", 8);
    CHECK_INT(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, whole, bytes + 8), 0);
    CHECK_INT(zmq_setsockopt(dealer, ZMQ_RCVHWM, &one, sizeof one), 0);
    CHECK(auth_connect(dealer, scene->endpoint, scene->has_keys ? own : NULL,
                       scene->hub_own.public_key));
    return dealer;
}

static void ask(void *dealer, const char *text)
{
    CHECK_INT(zmq_send(dealer, text, strlen(text), ZMQ_DONTWAIT), strlen(text));
}

static bool has_request(struct scene *scene)
{
    return bus_next_request(scene->hub->bus, &scene->request);
}

/* What the owner of a bus does: after an answer it turns the bus again. */
static bool answer(struct scene *scene, struct span id, const char *text)
{
    scene->hub->more = true;
    return bus_answer(scene->hub->bus, id, span_of(text));
}

static bool reads(void *dealer, const char *wanted)
{
    char text[64];
    int bytes = zmq_recv(dealer, text, sizeof text, ZMQ_DONTWAIT);
    return bytes == (int)strlen(wanted) && memcmp(text, wanted, strlen(wanted)) == 0;
}

static uint64_t impostors(struct scene *scene)
{
    return bus_guard(scene->hub->bus).impostors;
}

/* ---- cases ---- */

static void check_conversation(bool has_keys)
{
    struct scene *scene = open_scene(has_keys);
    void *ada = dial(scene, OPERATE_PREFIX "Ada", &scene->ada);
    ask(ada, "hello");
    LONE_WAIT(BOTH(scene), has_request(scene));
    CHECK(span_equals(scene->request.name, span_of("Ada")));
    CHECK(span_equals(scene->request.message, span_of("hello")));
    CHECK(answer(scene, scene->request.id, "good day"));
    LONE_WAIT(BOTH(scene), reads(ada, "good day"));
    CHECK(!has_request(scene));
    CHECK_INT(bus_strangers(scene->hub->bus), 0);
    CHECK(lone_hear_each_other(scene->hub, scene->good));
    zmq_close(ada);
    close_scene(scene);
}

static void an_operator_is_heard_and_answered(void)
{
    check_conversation(false);
}

static void with_its_key_it_is_too(void)
{
    check_conversation(true);
}

static void without_keys_anybody_is_an_operator(void)
{
    struct scene *scene = open_scene(false);
    void *who = dial(scene, OPERATE_PREFIX "Whoever", NULL);
    ask(who, "x");
    LONE_WAIT(BOTH(scene), has_request(scene));
    CHECK(span_equals(scene->request.name, span_of("Whoever")));
    zmq_close(who);
    close_scene(scene);
}

static void two_operators_are_distinguished(void)
{
    struct scene *scene = open_scene(true);
    void *ada = dial(scene, OPERATE_PREFIX "Ada", &scene->ada);
    void *eve = dial(scene, OPERATE_PREFIX "Eve", &scene->eve);
    void *each[] = {ada, eve};
    for (int i = 0; i < 2; i++) {
        ask(each[i], "x");
        LONE_WAIT(BOTH(scene), has_request(scene));
        CHECK(span_equals(scene->request.name, span_of(i == 0 ? "Ada" : "Eve")));
        CHECK(answer(scene, scene->request.id, i == 0 ? "to Ada" : "to Eve"));
    }
    LONE_WAIT(BOTH(scene), reads(ada, "to Ada"));
    LONE_WAIT(BOTH(scene), reads(eve, "to Eve"));
    zmq_close(ada);
    zmq_close(eve);
    close_scene(scene);
}

static void a_key_speaks_for_its_own_operator_only(void)
{
    struct scene *scene = open_scene(true);
    const struct {
        const char *id;
        const struct auth_certificate *own;
        const char *impostor, *claimed;
    } rows[] = {
        {OPERATE_PREFIX "Eve", &scene->ada, "Ada", "Eve"},
        {OPERATE_PREFIX "Nobody", &scene->ada, "Ada", "Nobody"},
        {OPERATE_PREFIX "Good", &scene->good_own, "Good", "Good"}, /* a node is no operator */
        {"Good", &scene->ada, "Ada", "Good"},                      /* nor the other way around */
    };
    CHECK(lone_hear_each_other(scene->hub, scene->good));
    uint64_t received = scene->hub->flood.peers[0].received;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        void *dealer = dial(scene, rows[i].id, rows[i].own);
        ask(dealer, "x");
        LONE_WAIT(BOTH(scene), impostors(scene) == i + 1);
        struct bus_guard guard = bus_guard(scene->hub->bus);
        CHECK(strcmp(guard.impostor, rows[i].impostor) == 0);
        CHECK(strcmp(guard.claimed, rows[i].claimed) == 0);
        CHECK(!has_request(scene));
        zmq_close(dealer);
    }
    CHECK_INT(scene->hub->flood.peers[0].received, received);
    CHECK(lone_hear_each_other(scene->hub, scene->good));
    close_scene(scene);
}

static void a_strangers_key_is_refused(void)
{
    struct scene *scene = open_scene(true);
    void *dealer = dial(scene, OPERATE_PREFIX "Ada", &scene->stranger);
    ask(dealer, "x");
    LONE_WAIT(BOTH(scene), bus_guard(scene->hub->bus).refused.count > 0);
    CHECK(!has_request(scene));
    zmq_close(dealer);
    close_scene(scene);
}

static void who_is_no_operator_any_more_is_not_heard(void)
{
    struct scene *scene = open_scene(true);
    void *ada = dial(scene, OPERATE_PREFIX "Ada", &scene->ada);
    void *eve = dial(scene, OPERATE_PREFIX "Eve", &scene->eve);
    ask(ada, "x");
    LONE_WAIT(BOTH(scene), has_request(scene));
    struct bus_operator each[] = {{"Eve", keys_of(&scene->eve)}};
    bus_admit_operators(scene->hub->bus, &(struct bus_operators){each, 1});
    ask(ada, "y");
    LONE_WAIT(BOTH(scene), impostors(scene) == 1);
    ask(eve, "z");
    LONE_WAIT(BOTH(scene), has_request(scene));
    CHECK(span_equals(scene->request.name, span_of("Eve")));
    CHECK(lone_hear_each_other(scene->hub, scene->good));
    zmq_close(ada);
    zmq_close(eve);
    close_scene(scene);
}

/* Read again, the file has an operator of the name of a peer that it has no more. */
static void an_operator_with_the_name_of_a_former_peer_is_no_peer(void)
{
    struct scene *scene = open_scene(true);
    struct bus_operator each[] = {{"Good", keys_of(&scene->eve)}};
    CHECK(lone_hear_each_other(scene->hub, scene->good));
    bus_admit(scene->hub->bus, &(struct keyring_keys){0});
    bus_admit_operators(scene->hub->bus, &(struct bus_operators){each, 1});
    uint64_t received = scene->hub->flood.peers[0].received;
    void *peer = dial(scene, "Good", &scene->eve);
    ask(peer, "x");
    LONE_WAIT(BOTH(scene), strcmp(bus_guard(scene->hub->bus).impostor, "Good") == 0);
    CHECK_INT(scene->hub->flood.peers[0].received, received);
    void *eve = dial(scene, OPERATE_PREFIX "Good", &scene->eve);
    ask(eve, "x");
    LONE_WAIT(BOTH(scene), has_request(scene));
    CHECK(span_equals(scene->request.name, span_of("Good")));
    zmq_close(peer);
    zmq_close(eve);
    close_scene(scene);
}

static void where_no_operators_are_heard_they_are_strangers(void)
{
    struct scene *scene = open_scene(false);
    void *dealer = lone_raw(scene->context, ZMQ_DEALER);
    zmq_setsockopt(dealer, ZMQ_ROUTING_ID, OPERATE_PREFIX "Ada", 12);
    CHECK_INT(zmq_connect(dealer, scene->good_endpoint), 0);
    ask(dealer, "x");
    LONE_WAIT(BOTH(scene), bus_strangers(scene->good->bus) == 1);
    zmq_close(dealer);
    close_scene(scene);
}

/* Ids that begin like an operator's, and none of them is one. */
static void an_operator_has_a_name(void)
{
    static const char long_name[] = OPERATE_PREFIX "a23456789b123456789c123456789d123456789"
                                                   "e123456789f123456789g123";
    struct scene *scene = open_scene(false);
    char id[128];
    void *dealer = dial(scene, long_name, NULL);
    ask(dealer, "x");
    LONE_WAIT(BOTH(scene), has_request(scene));
    CHECK_INT(scene->request.name.len, KEYRING_NAME_BYTES_MAX);
    zmq_close(dealer);
    snprintf(id, sizeof id, "%sx", long_name);
    const char *const ids[] = {OPERATE_PREFIX, "operator", id, OPERATE_PREFIX "a\nb",
                               OPERATE_PREFIX "a\xff"};
    for (uint64_t i = 0; i < 5; i++) {
        dealer = dial(scene, ids[i], NULL);
        ask(dealer, "x");
        LONE_WAIT(BOTH(scene), bus_strangers(scene->hub->bus) == i + 1);
        zmq_close(dealer);
    }
    CHECK(!has_request(scene));
    close_scene(scene);
}

static void who_does_not_read_loses_answers_and_holds_nobody_up(void)
{
    static char bytes[OPERATE_REPLY_BYTES_MAX];
    struct scene *scene = open_scene(true);
    void *ada = dial(scene, OPERATE_PREFIX "Ada", &scene->ada);
    void *eve = dial(scene, OPERATE_PREFIX "Eve", &scene->eve);
    memset(bytes, 'x', sizeof bytes);
    ask(ada, "x");
    LONE_WAIT(BOTH(scene), has_request(scene));
    char id[OPERATE_REPLY_BYTES_MAX];
    struct span to = {id, scene->request.id.len};
    memcpy(id, scene->request.id.data, to.len);
    int taken = 0;
    while (taken < ANSWERS_MANY &&
           bus_answer(scene->hub->bus, to, (struct span){bytes, sizeof bytes})) {
        lone_turn(BOTH(scene), 2);
        taken++;
    }
    scene->hub->more = true;
    CHECK(taken < ANSWERS_MANY);
    CHECK(lone_hear_each_other(scene->hub, scene->good));
    ask(eve, "y");
    LONE_WAIT(BOTH(scene), has_request(scene));
    CHECK(answer(scene, scene->request.id, "to Eve"));
    LONE_WAIT(BOTH(scene), reads(eve, "to Eve"));
    zmq_close(ada);
    zmq_close(eve);
    close_scene(scene);
}

static void an_answer_to_who_is_gone_is_not_taken(void)
{
    struct scene *scene = open_scene(false);
    void *ada = dial(scene, OPERATE_PREFIX "Ada", NULL);
    ask(ada, "x");
    LONE_WAIT(BOTH(scene), has_request(scene));
    zmq_close(ada);
    LONE_WAIT(BOTH(scene), !answer(scene, scene->request.id, "y"));
    CHECK(!answer(scene, span_of("operator:never"), "y"));
    CHECK(lone_hear_each_other(scene->hub, scene->good));
    close_scene(scene);
}

/* As after a connection broke that the node still has: the same process comes once more. */
static void who_comes_again_is_answered_over_the_new_connection(void)
{
    struct scene *scene = open_scene(true);
    void *old = dial(scene, OPERATE_PREFIX "Ada", &scene->ada);
    ask(old, "x");
    LONE_WAIT(BOTH(scene), has_request(scene));
    void *new = dial(scene, OPERATE_PREFIX "Ada", &scene->ada);
    ask(new, "y");
    LONE_WAIT(BOTH(scene), has_request(scene));
    CHECK(span_equals(scene->request.message, span_of("y")));
    CHECK(answer(scene, scene->request.id, "to the new one"));
    LONE_WAIT(BOTH(scene), reads(new, "to the new one"));
    CHECK(!reads(old, "to the new one"));
    CHECK(lone_hear_each_other(scene->hub, scene->good));
    zmq_close(old);
    zmq_close(new);
    close_scene(scene);
}

static void requests_that_nobody_takes_are_bounded(void)
{
    struct scene *scene = open_scene(false);
    void *ada = dial(scene, OPERATE_PREFIX "Ada", NULL);
    for (int i = 0; i < BUS_REQUESTS_MAX + 3; i++)
        ask(ada, "x");
    LONE_WAIT(BOTH(scene), bus_requests_dropped(scene->hub->bus) == 3);
    int taken = 0;
    while (has_request(scene))
        taken++;
    CHECK_INT(taken, BUS_REQUESTS_MAX);
    CHECK_INT(zmq_send(ada, "a", 1, ZMQ_SNDMORE), 1);
    ask(ada, "b");
    LONE_WAIT(BOTH(scene), bus_multiparts(scene->hub->bus) == 1);
    ask(ada, "c");
    LONE_WAIT(BOTH(scene), has_request(scene));
    CHECK(span_equals(scene->request.message, span_of("c")));
    zmq_close(ada);
    close_scene(scene);
}

static bool tells(const struct lone *lone, int wait_ms)
{
    struct pollfd polled = {.fd = bus_descriptor(lone->bus), .events = POLLIN};
    return poll(&polled, 1, wait_ms) == 1;
}

/* Why the bus has to be looked at after an answer: ZeroMQ takes note of the message while it sends,
 * and from then on its descriptor says nothing of it. */
static void an_answer_silences_the_descriptor_and_loses_nothing(void)
{
    struct scene *scene = open_scene(false);
    struct lone *good[] = {scene->good};
    void *ada = dial(scene, OPERATE_PREFIX "Ada", NULL);
    CHECK(lone_hear_each_other(scene->hub, scene->good));
    ask(ada, "x");
    LONE_WAIT(BOTH(scene), has_request(scene));
    while (bus_receive(scene->hub->bus, &scene->hub->flood, loopback_now_ms()) ||
           tells(scene->hub, 10))
        ;
    uint64_t received = scene->hub->flood.peers[0].received;
    scene->good->flood.peers[0].due = 1;
    LONE_WAIT(good, tells(scene->hub, 0));
    poll(NULL, 0, 5); /* ms: while sending, ZeroMQ looks at what came no more than once in one */
    CHECK(bus_answer(scene->hub->bus, scene->request.id, span_of("y")));
    CHECK(!tells(scene->hub, 20));
    bus_receive(scene->hub->bus, &scene->hub->flood, loopback_now_ms());
    CHECK_INT(scene->hub->flood.peers[0].received, received + 1);
    zmq_close(ada);
    close_scene(scene);
}

static const struct check_case cases[] = {
    {"an operator is heard and answered", an_operator_is_heard_and_answered},
    {"with its key it is, too", with_its_key_it_is_too},
    {"without keys anybody is an operator", without_keys_anybody_is_an_operator},
    {"two operators are distinguished", two_operators_are_distinguished},
    {"a key speaks for its own operator only", a_key_speaks_for_its_own_operator_only},
    {"a stranger's key is refused", a_strangers_key_is_refused},
    {"who is no operator any more is not heard", who_is_no_operator_any_more_is_not_heard},
    {"an operator with the name of a former peer is no peer",
     an_operator_with_the_name_of_a_former_peer_is_no_peer},
    {"where no operators are heard they are strangers",
     where_no_operators_are_heard_they_are_strangers},
    {"an operator has a name", an_operator_has_a_name},
    {"who does not read loses answers and holds nobody up",
     who_does_not_read_loses_answers_and_holds_nobody_up},
    {"an answer to who is gone is not taken", an_answer_to_who_is_gone_is_not_taken},
    {"who comes again is answered over the new connection",
     who_comes_again_is_answered_over_the_new_connection},
    {"requests that nobody takes are bounded", requests_that_nobody_takes_are_bounded},
    {"an answer silences the descriptor, and loses nothing",
     an_answer_silences_the_descriptor_and_loses_nothing},
};

CHECK_MAIN(cases)
