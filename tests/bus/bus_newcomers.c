/* Crowds at the bus's port that say nothing: how many are held, who makes way, and that neighbours
 * come through. */
#include "bus/link/newcomers.h"
#include "tests/bus/lone.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GOOD, MISSING, PEER_COUNT };
enum { CROWD = 300 };
enum { SHARE = PEER_COUNT + NEWCOMERS_PER_ADDRESS_MAX };
enum { PLACES = PEER_COUNT + NEWCOMERS_STRANGERS_MAX };
/* Descriptors below this are all in use while a crowd is there. */
#define FILES_MAX 64
/* ZeroMQ's limit for a handshake, less what a slow machine took until now. */
#define HANDSHAKE_MS 2500

struct scene {
    char endpoints[PEER_COUNT][LOOPBACK_ENDPOINT_BYTES_MAX];
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX];
    struct lone *hub, *good;
    int crowd[CROWD];
    uint64_t refused, unfinished;
};

static void open_good(struct scene *scene)
{
    struct bus_peer hub = {"Hub", scene->endpoint};
    scene->good = lone_open("Good", scene->endpoints[GOOD], &hub, 1);
}

#define BOTH(scene) ((struct lone *[]){(scene)->hub, (scene)->good})

/* The hub hears the next message of its good peer, which may be another process than before. */
static void hear(struct scene *scene)
{
    uint64_t before = scene->hub->flood.peers[GOOD].received;
    scene->good->flood.peers[0].due++;
    LONE_WAIT(BOTH(scene), scene->hub->flood.peers[GOOD].received > before);
}

static void open_scene(struct scene *scene)
{
    *scene = (struct scene){0};
    loopback_endpoint(scene->endpoint);
    for (size_t i = 0; i < PEER_COUNT; i++)
        loopback_endpoint(scene->endpoints[i]);
    struct bus_peer peers[PEER_COUNT] = {{"Good", scene->endpoints[GOOD]},
                                         {"Missing", scene->endpoints[MISSING]}};
    scene->hub = lone_open_bus(&(struct bus_options){
        .name = "Hub", .endpoint = scene->endpoint, .peers = peers, .peer_count = PEER_COUNT});
    open_good(scene);
    hear(scene);
}

static void close_scene(struct scene *scene)
{
    lone_close(&scene->hub, 0);
    lone_close(&scene->good, 0);
}

/* Each from an address of its own, or all from one. */
static void gather(struct scene *scene, bool from_one)
{
    struct sockaddr_in to = loopback_address(scene->endpoint);
    for (int i = 0; i < CROWD; i++) {
        struct sockaddr_in from = {.sin_family = AF_INET};
        from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (from_one ? 0 : 1 + (uint32_t)i));
        scene->crowd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        CHECK_INT(bind(scene->crowd[i], (struct sockaddr *)&from, sizeof from), 0);
        int rc = connect(scene->crowd[i], (struct sockaddr *)&to, sizeof to);
        CHECK(rc == 0 || errno == EINPROGRESS);
    }
}

static void scatter(struct scene *scene)
{
    for (int i = 0; i < CROWD; i++)
        close(scene->crowd[i]);
}

/* Of the crowd, whose connections were not ended. What the hub greets with is thrown away. */
static int count_held(const struct scene *scene)
{
    int held = 0;
    for (int i = 0; i < CROWD; i++) {
        char said[256];
        ssize_t bytes;
        while ((bytes = recv(scene->crowd[i], said, sizeof said, MSG_DONTWAIT)) > 0)
            ;
        held += bytes < 0 && errno == EAGAIN;
    }
    return held;
}

static void take_news(struct scene *scene)
{
    struct newcomers_news news;
    bus_next_newcomers(scene->hub->bus, &news);
    scene->refused += news.refused;
    scene->unfinished += news.unfinished;
}

static void hold_few_of_one_address(void)
{
    struct scene scene;
    open_scene(&scene);
    gather(&scene, true);
    LONE_WAIT(BOTH(&scene), (take_news(&scene), scene.refused >= CROWD - SHARE));
    LONE_WAIT(BOTH(&scene), count_held(&scene) <= SHARE);
    hear(&scene);
    LONE_WAIT(BOTH(&scene), count_held(&scene) == 0); /* they have not greeted in time */
    LONE_WAIT(BOTH(&scene), (take_news(&scene), scene.refused + scene.unfinished == CROWD));
    CHECK_INT(scene.refused, CROWD - SHARE);
    scatter(&scene);
    close_scene(&scene);
}

static void hold_few_of_many_addresses(void)
{
    struct scene scene;
    open_scene(&scene);
    gather(&scene, false);
    LONE_WAIT(BOTH(&scene), (take_news(&scene), scene.refused >= CROWD - PLACES));
    LONE_WAIT(BOTH(&scene), count_held(&scene) <= PLACES);
    hear(&scene);
    scatter(&scene);
    close_scene(&scene);
}

/* A neighbour comes while the places of its address are taken. */
static void let_a_neighbour_in(void)
{
    struct scene scene;
    open_scene(&scene);
    gather(&scene, true);
    lone_close(&scene.good, 0);
    open_good(&scene);
    hear(&scene);
    scatter(&scene);
    close_scene(&scene);
}

static int count_files(void)
{
    int count = 0;
    for (int i = 0; i < 4 * CROWD; i++)
        count += fcntl(i, F_GETFD) >= 0;
    return count;
}

static void set_files_max(rlim_t count)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = count;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &files), 0);
}

static void end_them_when_no_descriptor_is_left(void)
{
    struct scene scene;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    open_scene(&scene);
    int before = count_files();
    gather(&scene, true);
    for (int64_t until_ms = loopback_now_ms() + LOOPBACK_PATIENCE_MS;
         count_files() < before + 2 * CROWD && loopback_now_ms() < until_ms;)
        sched_yield(); /* ZeroMQ's thread accepts them, and the hub does not look */
    int64_t start_ms = loopback_now_ms();
    set_files_max(FILES_MAX);
    int more = dup(STDOUT_FILENO);
    CHECK_INT(more, -1);
    LONE_WAIT(BOTH(&scene), (take_news(&scene), scene.refused >= CROWD - SHARE));
    LONE_WAIT(BOTH(&scene), count_held(&scene) <= SHARE);
    CHECK(loopback_now_ms() - start_ms < HANDSHAKE_MS); /* or ZeroMQ ended them */
    set_files_max(files.rlim_cur);
    scatter(&scene);
    close_scene(&scene);
}

static void tell_nothing_of_neighbours(void)
{
    struct newcomers_news news;
    struct scene scene;
    open_scene(&scene);
    for (int i = 0; i < 5; i++) {
        hear(&scene);
        scene.hub->ahead_ms += 1000; /* it looks again */
        hear(&scene);
        lone_close(&scene.good, 0);
        open_good(&scene);
    }
    hear(&scene);
    CHECK(!bus_next_newcomers(scene.hub->bus, &news));
    close_scene(&scene);
}

/* Nobody takes what ZeroMQ's thread has to tell. */
static void end_while_a_crowd_is_not_looked_at(void)
{
    struct scene scene;
    open_scene(&scene);
    for (int i = 0; i < 10; i++) {
        gather(&scene, true);
        scatter(&scene);
    }
    close_scene(&scene);
}

static const struct check_case cases[] = {
    {"of a silent crowd of one address a few are held, for a while", hold_few_of_one_address},
    {"and of one of many addresses", hold_few_of_many_addresses},
    {"a neighbour comes through a crowd of its own address", let_a_neighbour_in},
    {"a crowd is ended when there is no descriptor left", end_them_when_no_descriptor_is_left},
    {"nothing is reported of neighbours that come and go", tell_nothing_of_neighbours},
    {"a bus ends while a crowd is not looked at", end_while_a_crowd_is_not_looked_at},
};

CHECK_MAIN(cases)
