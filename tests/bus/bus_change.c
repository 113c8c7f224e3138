/* A bus whose peers change while it runs: those who stay notice nothing. */
#include "tests/bus/lone.h"
#include "tests/bus/proof.h"

#include <zmq.h>

enum { GOOD, OTHER, THIRD, PEERS };
static const char *const names[PEERS] = {"Good", "Other", "Third"};

struct scene {
    bool has_keys;
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX], endpoints[PEERS][LOOPBACK_ENDPOINT_BYTES_MAX];
    struct auth_certificate hub_own, owns[PEERS];
    struct keyring_keys hub_keys, keys[PEERS];
    struct lone *hub, *peers[PEERS]; /* Other and Third are opened by cases */
    size_t count;                    /* of the hub's peers, */
    int who[PEERS];                  /* and which they are */
    uint64_t out, in;                /* connections between Hub and Good before any change */
};

static struct auth_certificate draw(struct keyring_keys *keys)
{
    struct auth_certificate drawn;
    CHECK_INT(zmq_curve_keypair(drawn.public_key, drawn.secret_key), 0);
    *keys = (struct keyring_keys){0};
    strcpy(keys->text[0], drawn.public_key);
    return drawn;
}

static void open_peer(struct scene *scene, int peer)
{
    struct bus_peer hub = {"Hub", scene->endpoint};
    struct bus_keys keys = {scene->owns[peer], &scene->hub_keys};
    scene->peers[peer] =
        lone_open_bus(&(struct bus_options){.name = names[peer],
                                            .endpoint = scene->endpoints[peer],
                                            .peers = &hub,
                                            .peer_count = 1,
                                            .keys = scene->has_keys ? &keys : NULL});
}

/* The hub with one peer, Good. */
static struct scene open_scene(bool has_keys)
{
    struct scene scene = {.has_keys = has_keys, .count = 1, .who = {GOOD}};
    scene.hub_own = draw(&scene.hub_keys);
    loopback_endpoint(scene.endpoint);
    for (int i = 0; i < PEERS; i++) {
        loopback_endpoint(scene.endpoints[i]);
        scene.owns[i] = draw(&scene.keys[i]);
    }
    struct bus_peer good = {names[GOOD], scene.endpoints[GOOD]};
    struct bus_keys keys = {scene.hub_own, &scene.keys[GOOD]};
    scene.hub = lone_open_bus(&(struct bus_options){.name = "Hub",
                                                    .endpoint = scene.endpoint,
                                                    .peers = &good,
                                                    .peer_count = 1,
                                                    .keys = has_keys ? &keys : NULL});
    open_peer(&scene, GOOD);
    CHECK(lone_hear_each_other(scene.hub, scene.peers[GOOD]));
    scene.out = scene.hub->flood.peers[0].connections;
    scene.in = scene.peers[GOOD]->flood.peers[0].connections;
    return scene;
}

static void close_scene(struct scene *scene)
{
    lone_close(&scene->hub, 0);
    for (int i = 0; i < PEERS; i++)
        if (scene->peers[i] != NULL)
            lone_close(&scene->peers[i], 0);
}

/* The hub's file was read again: its peers are these, in this order. What the hub knows of those
 * who stay goes with them. */
static void change(struct scene *scene, size_t count, const int *who)
{
    struct bus_peer peers[PEERS];
    struct keyring_keys keys[PEERS];
    struct lone_peer before[PEERS];
    memcpy(before, scene->hub->flood.peers, sizeof before);
    for (size_t i = 0; i < count; i++) {
        peers[i] = (struct bus_peer){names[who[i]], scene->endpoints[who[i]]};
        keys[i] = scene->keys[who[i]];
        scene->hub->flood.peers[i] = (struct lone_peer){0};
        for (size_t was = 0; was < scene->count; was++)
            if (scene->who[was] == who[i])
                scene->hub->flood.peers[i] = before[was];
    }
    bus_change_peers(scene->hub->bus, peers, count, scene->has_keys ? keys : NULL);
    for (size_t i = 0; i < count; i++)
        scene->who[i] = who[i];
    scene->hub->peer_count = scene->count = count;
    scene->hub->more = true;
}

static struct lone_peer *at_hub(struct scene *scene, int peer)
{
    for (size_t i = 0; i < scene->count; i++)
        if (scene->who[i] == peer)
            return &scene->hub->flood.peers[i];
    CHECK(false);
    return &scene->hub->flood.peers[0];
}

static void check_good_is_left_alone(struct scene *scene)
{
    CHECK_INT(at_hub(scene, GOOD)->connections, scene->out);
    CHECK_INT(scene->peers[GOOD]->flood.peers[0].connections, scene->in);
}

/* One more message in each direction. */
static void they_hear_each_other(struct scene *scene, int peer)
{
    struct lone *all[] = {scene->hub, scene->peers[GOOD], scene->peers[peer]};
    struct lone_peer *out = at_hub(scene, peer), *in = &scene->peers[peer]->flood.peers[0];
    uint64_t out_wanted = out->received + 1, in_wanted = in->received + 1;
    out->due++;
    in->due++;
    LONE_WAIT(all, out->received == out_wanted && in->received == in_wanted);
    CHECK_INT(out->misordered, 0);
    CHECK_INT(in->misordered, 0);
}

static void comes_and_goes(bool has_keys)
{
    struct scene scene = open_scene(has_keys);
    change(&scene, 2, (int[]){OTHER, GOOD});
    check_good_is_left_alone(&scene);
    open_peer(&scene, OTHER);
    they_hear_each_other(&scene, OTHER);
    they_hear_each_other(&scene, GOOD);
    change(&scene, 1, (int[]){GOOD});
    uint64_t heard = at_hub(&scene, GOOD)->received;
    struct lone *all[] = {scene.hub, scene.peers[GOOD], scene.peers[OTHER]};
    scene.peers[OTHER]->flood.peers[0].due += 5;
    LONE_WAIT(all, (has_keys ? bus_guard(scene.hub->bus).impostors + bus_strangers(scene.hub->bus)
                             : bus_strangers(scene.hub->bus)) >= 5);
    CHECK_INT(at_hub(&scene, GOOD)->received, heard);
    they_hear_each_other(&scene, GOOD);
    change(&scene, 2, (int[]){GOOD, OTHER});
    they_hear_each_other(&scene, GOOD);
    scene.peers[OTHER]->flood.peers[0].due++;
    LONE_WAIT(all, at_hub(&scene, OTHER)->received > 0);
    check_good_is_left_alone(&scene);
    close_scene(&scene);
}

static void a_peer_comes_and_goes(void)
{
    comes_and_goes(false);
}

static void a_peer_with_a_key_comes_and_goes(void)
{
    comes_and_goes(true);
}

static void moves(bool has_keys)
{
    struct scene scene = open_scene(has_keys);
    change(&scene, 2, (int[]){GOOD, OTHER});
    open_peer(&scene, OTHER);
    they_hear_each_other(&scene, OTHER);
    lone_close(&scene.peers[OTHER], 0);
    loopback_endpoint(scene.endpoints[OTHER]);
    change(&scene, 2, (int[]){GOOD, OTHER});
    *at_hub(&scene, OTHER) = (struct lone_peer){0}; /* another process */
    open_peer(&scene, OTHER);
    they_hear_each_other(&scene, OTHER);
    they_hear_each_other(&scene, GOOD);
    check_good_is_left_alone(&scene);
    close_scene(&scene);
}

static void a_peer_moves(void)
{
    moves(false);
}

static void a_peer_with_a_key_moves(void)
{
    moves(true);
}

static void the_last_one_goes_and_comes_back(void)
{
    struct scene scene = open_scene(false);
    change(&scene, 0, NULL);
    CHECK_INT(bus_deadline_ms(scene.hub->bus), INT64_MAX);
    struct lone *all[] = {scene.hub, scene.peers[GOOD]};
    scene.peers[GOOD]->flood.peers[0].due = 1;
    LONE_WAIT(all, bus_strangers(scene.hub->bus) == 1);
    change(&scene, 1, (int[]){GOOD});
    scene.peers[GOOD]->flood.peers[0].due = 1;
    at_hub(&scene, GOOD)->due = 1;
    LONE_WAIT(all, at_hub(&scene, GOOD)->received > 0);
    LONE_WAIT(all, scene.peers[GOOD]->flood.peers[0].received > 1);
    close_scene(&scene);
}

/* As often as a file can be read again, sockets and descriptors are given back. */
static void many_come_and_go_many_times(void)
{
    enum { MANY = 60, TIMES = 30 };
    struct scene scene = open_scene(false);
    struct bus_peer peers[MANY + 1];
    char many[MANY][8];
    for (int i = 0; i < MANY; i++) {
        snprintf(many[i], sizeof many[i], "m%d", i);
        peers[i] = (struct bus_peer){many[i], "tcp://127.0.0.1:1"};
    }
    peers[MANY] = (struct bus_peer){names[GOOD], scene.endpoints[GOOD]};
    struct lone_peer good = scene.hub->flood.peers[0];
    for (int i = 0; i < TIMES; i++) {
        bus_change_peers(scene.hub->bus, peers, MANY + 1, NULL);
        scene.hub->flood.peers[0] = (struct lone_peer){0};
        scene.hub->flood.peers[MANY] = good;
        scene.hub->peer_count = MANY + 1;
        lone_turn(&scene.hub, 1);
        good = scene.hub->flood.peers[MANY];
        bus_change_peers(scene.hub->bus, &peers[MANY], 1, NULL);
        scene.hub->flood.peers[0] = good;
        scene.hub->peer_count = 1;
        lone_turn(&scene.hub, 1);
        good = scene.hub->flood.peers[0];
    }
    they_hear_each_other(&scene, GOOD);
    check_good_is_left_alone(&scene);
    close_scene(&scene);
}

static const struct check_case cases[] = {
    {"a peer comes and goes", a_peer_comes_and_goes},
    {"a peer with a key comes and goes", a_peer_with_a_key_comes_and_goes},
    {"a peer moves", a_peer_moves},
    {"a peer with a key moves", a_peer_with_a_key_moves},
    {"the last one goes and comes back", the_last_one_goes_and_comes_back},
    {"many come and go, many times", many_come_and_go_many_times},
};

CHECK_MAIN(cases)
