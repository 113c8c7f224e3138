/* The peer sockets with keys: whose messages are accepted, whose are not, and what happens when
 * keys change. Each case counts messages that reached the core of the hub; from strangers there
 * must be none. */
#include "tests/bus/lone.h"
#include "tests/bus/proof.h"
#include "tests/bus/recorder.h"

#include <errno.h>
#include <zmq.h>

#define RENEWED_MS     11000 /* after this time a bus connects again where a connection was lost */
#define GREETING_BYTES 64    /* of ZMTP, before any mechanism begins */

/* Every way in which a handshake can end (zmq_socket_monitor(3)). */
#define HANDSHAKE_ENDS                                                                             \
    (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |                        \
     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)

/* Peers of the hub: one that is always honest, and the one that a case puts to the test. */
enum { GOOD, OTHER, PEER_COUNT };

struct scene {
    char endpoints[PEER_COUNT][LOOPBACK_ENDPOINT_BYTES_MAX];
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX];
    struct auth_certificate hub_own, owns[PEER_COUNT];
    struct keyring_keys hub_keys, keys[PEER_COUNT]; /* as the topology lists them */
    struct lone *hub, *good;
    void *context; /* for sockets that are no bus */
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

static struct lone *open_hub(const struct scene *scene)
{
    struct bus_peer peers[PEER_COUNT] = {{"Good", scene->endpoints[GOOD]},
                                         {"Other", scene->endpoints[OTHER]}};
    struct bus_keys keys = {scene->hub_own, scene->keys};
    return lone_open_bus(&(struct bus_options){.name = "Hub",
                                               .endpoint = scene->endpoint,
                                               .peers = peers,
                                               .peer_count = PEER_COUNT,
                                               .keys = &keys});
}

/* A bus with one peer, the hub, to be found at `hub`. */
static struct lone *open_peer(const struct scene *scene, const char *name, const char *endpoint,
                              const struct auth_certificate *own, const char *hub)
{
    struct bus_peer peer = {"Hub", hub};
    struct bus_keys keys = {*own, &scene->hub_keys};
    return lone_open_bus(&(struct bus_options){
        .name = name, .endpoint = endpoint, .peers = &peer, .peer_count = 1, .keys = &keys});
}

static struct scene open_scene(void)
{
    struct scene scene = {.hub_own = draw()};
    loopback_endpoint(scene.endpoint);
    scene.hub_keys = keys_of(&scene.hub_own);
    for (size_t i = 0; i < PEER_COUNT; i++) {
        loopback_endpoint(scene.endpoints[i]);
        scene.owns[i] = draw();
        scene.keys[i] = keys_of(&scene.owns[i]);
    }
    scene.hub = open_hub(&scene);
    scene.good =
        open_peer(&scene, "Good", scene.endpoints[GOOD], &scene.owns[GOOD], scene.endpoint);
    scene.context = zmq_ctx_new();
    return scene;
}

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

static struct bus_guard guard(struct scene *scene)
{
    return bus_guard(scene->hub->bus);
}

/* A DEALER of that routing id and certificate (NULL: in the clear) that believes the hub's key to
 * be `hub_key`. It has a message waiting. */
static void *dial(struct scene *scene, const char *id, const struct auth_certificate *own,
                  const char *hub_key)
{
    void *dealer = lone_raw(scene->context, ZMQ_DEALER);
    zmq_setsockopt(dealer, ZMQ_ROUTING_ID, id, strlen(id));
    CHECK(auth_connect(dealer, scene->endpoint, own, hub_key));
    uint64_t number = 0;
    CHECK_INT(zmq_send(dealer, &number, sizeof number, ZMQ_DONTWAIT), sizeof number);
    return dealer;
}

static uint64_t heard(const struct scene *scene)
{
    return scene->hub->flood.peers[OTHER].received;
}

/* ---- cases ---- */

static void friends_hear_each_other(void)
{
    struct scene scene = open_scene();
    check_the_good_go_on(&scene);
    CHECK_INT(guard(&scene).refused.count, 0); /* the stranger of the start does not count */
    CHECK_INT(guard(&scene).impostors, 0);
    close_scene(&scene);
}

static void the_greatest_message_still_fits(void)
{
    struct scene scene = open_scene();
    scene.good->flood.message_bytes = WIRE_MESSAGE_BYTES_MAX;
    check_the_good_go_on(&scene);
    CHECK_INT(scene.hub->flood.peers[GOOD].last_bytes, WIRE_MESSAGE_BYTES_MAX);
    close_scene(&scene);
}

static void a_strangers_key_is_refused_and_named(void)
{
    struct scene scene = open_scene();
    struct auth_certificate drawn = draw();
    void *dealer = dial(&scene, "Other", &drawn, scene.hub_own.public_key);
    LONE_WAIT(BOTH(&scene), guard(&scene).refused.count > 0);
    CHECK_BYTES(guard(&scene).refused.key, strlen(guard(&scene).refused.key), drawn.public_key,
                KEYRING_KEY_BYTES);
    CHECK(strcmp(guard(&scene).refused.address, "127.0.0.1") == 0);
    check_the_good_go_on(&scene);
    CHECK_INT(heard(&scene), 0);
    zmq_close(dealer);
    close_scene(&scene);
}

static void who_has_no_key_is_not_heard(void)
{
    struct scene scene = open_scene();
    void *dealer = dial(&scene, "Other", NULL, scene.hub_own.public_key);
    for (int i = 0; i < 20; i++)
        check_the_good_go_on(&scene);
    CHECK_INT(heard(&scene), 0);
    CHECK_INT(bus_strangers(scene.hub->bus), 0);
    zmq_close(dealer);
    close_scene(&scene);
}

static void who_takes_us_for_another_is_not_heard(void)
{
    struct scene scene = open_scene();
    struct auth_certificate drawn = draw();
    void *dealer = dial(&scene, "Other", &scene.owns[OTHER], drawn.public_key);
    for (int i = 0; i < 20; i++)
        check_the_good_go_on(&scene);
    CHECK_INT(heard(&scene), 0);
    zmq_close(dealer);
    close_scene(&scene);
}

static void a_friends_key_under_another_friends_name_is_not_heard(void)
{
    struct scene scene = open_scene();
    void *dealer = dial(&scene, "Other", &scene.owns[GOOD], scene.hub_own.public_key);
    LONE_WAIT(BOTH(&scene), guard(&scene).impostors > 0);
    CHECK(strcmp(guard(&scene).impostor, "Good") == 0);
    CHECK(strcmp(guard(&scene).claimed, "Other") == 0);
    CHECK_INT(heard(&scene), 0);
    CHECK_INT(guard(&scene).refused.count, 0);
    check_the_good_go_on(&scene);
    zmq_close(dealer);
    close_scene(&scene);
}

static void a_friends_key_under_no_friends_name_is_not_heard(void)
{
    struct scene scene = open_scene();
    void *dealer = dial(&scene, "Nobody", &scene.owns[GOOD], scene.hub_own.public_key);
    LONE_WAIT(BOTH(&scene), bus_strangers(scene.hub->bus) > 0);
    CHECK_INT(heard(&scene), 0);
    check_the_good_go_on(&scene);
    zmq_close(dealer);
    close_scene(&scene);
}

/* A listener with another key has the peer's endpoint. The hub connects to it and breaks the
 * handshake off. */
static void nothing_is_sent_to_who_is_not_our_peer(void)
{
    struct scene scene = open_scene();
    struct auth_certificate drawn = draw();
    void *router = lone_raw(scene.context, ZMQ_ROUTER);
    void *monitor = lone_raw(scene.context, ZMQ_PAIR);
    CHECK(auth_guard(router, AUTH_BUS, &drawn));
    CHECK_INT(zmq_socket_monitor(router, "inproc://router", HANDSHAKE_ENDS), 0);
    CHECK_INT(zmq_connect(monitor, "inproc://router"), 0);
    CHECK_INT(zmq_bind(router, scene.endpoints[OTHER]), 0);
    LONE_WAIT(BOTH(&scene), zmq_recv(monitor, NULL, 0, ZMQ_DONTWAIT) >= 0);
    scene.hub->flood.peers[OTHER].due = 1;
    for (int i = 0; i < 20; i++)
        check_the_good_go_on(&scene);
    CHECK_INT(scene.hub->flood.peers[OTHER].sent, 0);
    char byte;
    CHECK_INT(zmq_recv(router, &byte, 1, ZMQ_DONTWAIT), -1);
    zmq_close(monitor);
    zmq_close(router);
    close_scene(&scene);
}

static void what_was_overheard_cannot_be_said_again(void)
{
    struct scene scene = open_scene();
    char relay[LOOPBACK_ENDPOINT_BYTES_MAX];
    loopback_endpoint(relay);
    struct recorder *tape = recorder_start(relay, scene.endpoint);
    struct lone *other =
        open_peer(&scene, "Other", scene.endpoints[OTHER], &scene.owns[OTHER], relay);
    struct lone *all[] = {scene.hub, scene.good, other};
    other->flood.peers[0].due = 3;
    LONE_WAIT(all, heard(&scene) == 3);
    size_t said = recorder_bytes(tape);
    lone_close(&other, 0);
    /* Neither ended at the greeting: HELLO was answered, the second time too. */
    CHECK(said > GREETING_BYTES);
    CHECK(recorder_play(tape) > GREETING_BYTES);
    for (int i = 0; i < 20; i++)
        check_the_good_go_on(&scene);
    CHECK_INT(heard(&scene), 3);
    recorder_stop(&tape);
    close_scene(&scene);
}

static void a_key_that_is_removed_is_heard_no_more(void)
{
    struct scene scene = open_scene();
    struct lone *other =
        open_peer(&scene, "Other", scene.endpoints[OTHER], &scene.owns[OTHER], scene.endpoint);
    struct lone *all[] = {scene.hub, scene.good, other};
    other->flood.peers[0].due = 1;
    LONE_WAIT(all, heard(&scene) == 1);

    struct auth_certificate drawn = draw();
    struct keyring_keys keys[PEER_COUNT] = {scene.keys[GOOD], keys_of(&drawn)};
    bus_admit(scene.hub->bus, keys);
    other->flood.peers[0].due = 1; /* over the connection it still has */
    LONE_WAIT(all, guard(&scene).impostors == 1);
    CHECK(strcmp(guard(&scene).impostor, "") == 0);
    lone_close(&other, 0);
    other = open_peer(&scene, "Other", scene.endpoints[OTHER], &scene.owns[OTHER], scene.endpoint);
    all[2] = other;
    other->flood.peers[0].due = 1;
    LONE_WAIT(all, guard(&scene).refused.count > 0);
    CHECK_INT(heard(&scene), 1);
    check_the_good_go_on(&scene);

    bus_admit(scene.hub->bus, scene.keys);
    other->ahead_ms = RENEWED_MS;
    LONE_WAIT(all, heard(&scene) == 2);
    lone_close(&other, 0);
    close_scene(&scene);
}

/* The hub lists the other's next key beside its present one; then the other comes back with it. */
static void a_peer_may_change_its_key(void)
{
    struct scene scene = open_scene();
    struct auth_certificate next = draw();
    struct keyring_keys keys[PEER_COUNT] = {scene.keys[GOOD], scene.keys[OTHER]};
    strcpy(keys[OTHER].text[1], next.public_key);
    bus_admit(scene.hub->bus, keys);
    const struct auth_certificate *lives[] = {&scene.owns[OTHER], &next, &scene.owns[OTHER]};
    for (uint64_t i = 0; i < sizeof lives / sizeof *lives; i++) {
        struct lone *other =
            open_peer(&scene, "Other", scene.endpoints[OTHER], lives[i], scene.endpoint);
        struct lone *all[] = {scene.hub, scene.good, other};
        other->flood.peers[0].due = 1;
        /* The hub's first message may have gone to the previous incarnation, and been lost with
         * it. */
        LONE_WAIT(all, (scene.hub->flood.peers[OTHER].due = 1) && heard(&scene) == i + 1 &&
                           other->flood.peers[0].received > 0);
        lone_close(&other, 0);
    }
    CHECK_INT(guard(&scene).refused.count, 0);
    close_scene(&scene);
}

/* Without a ZAP handler, CURVE accepts every client that knows the listener's public key. */
static void a_door_without_a_handler_does_not_pass_the_proof(void)
{
    struct auth_certificate own = draw();
    void *watched = zmq_ctx_new(), *unwatched = zmq_ctx_new();
    struct fault fault = {0};
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX];
    struct auth *auth = auth_open(watched, &fault);
    CHECK(auth != NULL);
    for (int i = 0; auth != NULL && i < 2; i++) {
        void *router = zmq_socket(i == 0 ? watched : unwatched, ZMQ_ROUTER);
        loopback_endpoint(endpoint);
        CHECK(auth_guard(router, AUTH_BUS, &own));
        CHECK_INT(zmq_bind(router, endpoint), 0);
        CHECK_INT(auth_prove(auth, endpoint, own.public_key, &fault), i == 0);
        zmq_close(router);
    }
    CHECK(strstr(fault.text, "a stranger's key is let in at tcp://127.0.0.1:") == fault.text);
    auth_close(&auth);
    zmq_ctx_term(watched);
    zmq_ctx_term(unwatched);
}

static void a_bus_without_proof_does_not_open(void)
{
    struct fault fault = {0};
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX];
    struct bus_keys keys = {.own = draw()};
    loopback_endpoint(endpoint);
    struct bus_options options = {.name = "Hub", .endpoint = endpoint, .keys = &keys};
    proof_fail_after(0);
    CHECK(bus_open(&options, &fault) == NULL);
    CHECK(strcmp(fault.text, PROOF_ERROR) == 0);
    struct bus *bus = bus_open(&options, &fault);
    CHECK(bus != NULL);
    bus_close(&bus, 0);
}

/* Two handlers in one context would leave one of them without questions. */
static void there_is_one_handler(void)
{
    void *context = zmq_ctx_new();
    struct fault fault = {0};
    struct auth *first = auth_open(context, &fault), *second = auth_open(context, &fault);
    CHECK(first != NULL && second == NULL);
    CHECK(strcmp(fault.text, "cannot check keys: Address already in use") == 0);
    auth_close(&first);
    zmq_ctx_term(context);
}

/* A key that one kind of listener accepts is refused by the others, and all refuse a missing or
 * empty key. */
static void doors_have_rings_of_their_own(void)
{
    void *context = zmq_ctx_new();
    struct fault fault = {0};
    char name[KEYRING_NAME_BYTES_MAX + 1] = "";
    struct auth *auth = auth_open(context, &fault);
    struct auth_certificate own = draw();
    struct keyring_keys keys = keys_of(&own);
    struct keyring ring = {0};
    keyring_add(&ring, &keys, "Alford");
    CHECK(!auth_find(auth, AUTH_BUS, own.public_key, name));
    auth_allow(auth, AUTH_BUS, &ring);
    CHECK(ring.count == 0);
    CHECK(auth_find(auth, AUTH_BUS, own.public_key, name) && strcmp(name, "Alford") == 0);
    CHECK(!auth_find(auth, AUTH_PLACES_FRONT, own.public_key, name));
    CHECK(!auth_find(auth, AUTH_BUS, NULL, name));
    CHECK(!auth_find(auth, AUTH_BUS, "", name));
    auth_close(&auth);
    zmq_ctx_term(context);
}

static const struct check_case cases[] = {
    {"friends hear each other", friends_hear_each_other},
    {"the greatest message still fits", the_greatest_message_still_fits},
    {"a stranger's key is refused, and reported with its address",
     a_strangers_key_is_refused_and_named},
    {"who has no key is not heard", who_has_no_key_is_not_heard},
    {"who takes us for another is not heard", who_takes_us_for_another_is_not_heard},
    {"a friend's key under another friend's name is not heard",
     a_friends_key_under_another_friends_name_is_not_heard},
    {"a friend's key under no friend's name is not heard",
     a_friends_key_under_no_friends_name_is_not_heard},
    {"nothing is sent to a node that is not our peer", nothing_is_sent_to_who_is_not_our_peer},
    {"what was overheard cannot be said again", what_was_overheard_cannot_be_said_again},
    {"a key that is removed is heard no more, until it is back",
     a_key_that_is_removed_is_heard_no_more},
    {"a peer may change its key, and change it back", a_peer_may_change_its_key},
    {"a door without a handler does not pass the proof",
     a_door_without_a_handler_does_not_pass_the_proof},
    {"a bus without that proof does not open", a_bus_without_proof_does_not_open},
    {"there is one handler", there_is_one_handler},
    {"doors have rings of their own", doors_have_rings_of_their_own},
};

CHECK_MAIN(cases)
