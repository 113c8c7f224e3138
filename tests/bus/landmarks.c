#include "placesd/landmarks/server/landmarks.h"

#include <dirent.h>
#include <jansson.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bus/base/sphere.h"
#include "tests/bus/http_visitor.h"
#include "tests/check.h"

#define PATH             "/maps/api/place/nearbysearch/json"
#define CONNECTIONS_MAX  LANDMARKS_CONNECTIONS_MAX
#define GARBAGE_ROUNDS   400
#define FAR_CLIENT_BYTES ((size_t)128 * 1024)

static struct landmarks *server;
static struct fault fault;

static size_t count_entries(const char *folder)
{
    size_t count = 0;
    DIR *entries = opendir(folder);
    while (readdir(entries) != NULL)
        count++;
    closedir(entries);
    return count;
}

/* Threads besides the server's: ours, and the one a sanitizer keeps from the first thread on. */
static size_t threads_without;

static void *say_own_id(void *id)
{
    *(pid_t *)id = gettid();
    return NULL;
}

/* A joined thread stays in the list until the kernel has put it away, a moment later. */
static void count_threads_without(void)
{
    pthread_t thread;
    pid_t id;
    if (pthread_create(&thread, NULL, say_own_id, &id) != 0)
        abort();
    pthread_join(thread, NULL);
    while (tgkill(getpid(), id, 0) == 0)
        sched_yield();
    threads_without = count_entries("/proc/self/task");
}

static bool is_without_its_threads(void)
{
    struct timespec pause = {.tv_nsec = 1000000};
    for (int tries = 0; tries < VISITOR_DEADLINE_S * 1000; tries++) {
        if (count_entries("/proc/self/task") == threads_without)
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* What the server has said for the log: how often, and the last. */
static atomic_uint told;
static char last_told[256];

static void tell(const char *text)
{
    snprintf(last_told, sizeof last_told, "%s", text);
    atomic_fetch_add(&told, 1);
}

static struct landmarks *start(uint16_t port)
{
    struct landmarks *landmarks = landmarks_start(NULL, "127.0.0.1", port, PATH, tell, &fault);
    if (landmarks == NULL) {
        printf("%s\n", fault.text);
        exit(2);
    }
    return landmarks;
}

static char reply[VISITOR_REPLY_BYTES_MAX];

static int dial(void)
{
    return http_visitor_dial("127.0.0.1", landmarks_port(server));
}

/* From the n-th address of loopback, 127.0.0.1 and so on. */
static int dial_from(unsigned n)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000 + n)};
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(landmarks_port(server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval deadline = {.tv_sec = VISITOR_DEADLINE_S};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    CHECK(bind(client, (struct sockaddr *)&own, sizeof own) == 0 &&
          connect(client, (struct sockaddr *)&at, sizeof at) == 0);
    return client;
}

static const char *get(const char *target, int status)
{
    return http_visitor_get(landmarks_port(server), target, status, reply);
}

static json_t *ask(const char *query)
{
    char target[2048];
    snprintf(target, sizeof target, PATH "%s", query);
    const char *body = get(target, 200);
    return body == NULL ? NULL : json_loads(body, JSON_REJECT_DUPLICATES, NULL);
}

/* The question that is used to see that the server is alive. */
static bool is_alive(void)
{
    json_t *root = ask("?location=51.5073,-0.1276&radius=10000");
    bool alive = json_array_size(json_object_get(root, "results")) == 20;
    json_decref(root);
    return alive;
}

static bool has_status(json_t *root, const char *status)
{
    const char *got = json_string_value(json_object_get(root, "status"));
    return got != NULL && strcmp(got, status) == 0 &&
           json_is_array(json_object_get(root, "results")) &&
           json_is_array(json_object_get(root, "html_attributions"));
}

static void answers_with_what_is_near(void)
{
    struct sphere_point campus = {34.068930, -118.445127};
    json_t *root = ask("?location=34.068930,-118.445127&radius=5000&key=any");
    json_t *results = json_object_get(root, "results");
    CHECK(has_status(root, "OK"));
    CHECK_INT(json_array_size(results), 20);
    for (size_t i = 0; i < json_array_size(results); i++) {
        json_t *geometry = json_object_get(json_array_get(results, i), "geometry");
        json_t *at = json_object_get(geometry, "location");
        struct sphere_point point = {json_real_value(json_object_get(at, "lat")),
                                     json_real_value(json_object_get(at, "lng"))};
        CHECK(sphere_distance_m(campus, point) <= 5000);
    }
    json_t *first = json_object_get(json_array_get(results, 0), "name");
    CHECK(json_is_string(first) && strcmp(json_string_value(first), "Getty Center") == 0);
    json_decref(root);
}

static void answers_with_the_nearest(void)
{
    struct sphere_point campus = {34.068930, -118.445127};
    json_t *root = ask("?location=34.068930,-118.445127&rankby=distance");
    json_t *results = json_object_get(root, "results");
    CHECK(has_status(root, "OK"));
    CHECK_INT(json_array_size(results), 20);
    double before_m = 0;
    for (size_t i = 0; i < json_array_size(results); i++) {
        json_t *geometry = json_object_get(json_array_get(results, i), "geometry");
        json_t *at = json_object_get(geometry, "location");
        struct sphere_point point = {json_real_value(json_object_get(at, "lat")),
                                     json_real_value(json_object_get(at, "lng"))};
        CHECK(sphere_distance_m(campus, point) >= before_m);
        before_m = sphere_distance_m(campus, point);
    }
    CHECK(before_m < 5000);
    json_decref(root);
}

static void answers_alike_each_time(void)
{
    const char *body = get(PATH "?location=48.8566,2.3522&radius=3000", 200);
    CHECK(body != NULL && strstr(reply, "Content-Type: application/json") != NULL);
    char *first = body == NULL ? NULL : strdup(body);
    body = get(PATH "?key=x&radius=3000.0&location=48.85660%2C2.35220", 200);
    CHECK(first != NULL && body != NULL && strcmp(first, body) == 0);
    free(first);
}

static void finds_nothing_at_sea(void)
{
    json_t *root = ask("?location=-48.876667,-123.393333&radius=50000");
    CHECK(has_status(root, "ZERO_RESULTS"));
    CHECK_INT(json_array_size(json_object_get(root, "results")), 0);
    json_decref(root);
}

static void tells_faults_inside_200(void)
{
    static const char *const table[] = {
        "",
        "?",
        "?location=34,-118",
        "?radius=10",
        "?location=34,-118&radius=0",
        "?location=34,-118&radius=-5",
        "?location=34,-118&radius=10&radius=20",
        "?location=34,-118&location=34,-118&radius=10",
        "?location=91,0&radius=10",
        "?location=0,181&radius=10",
        "?location=&radius=",
        "?location&radius",
        "?location=34%00,-118&radius=10",
        "?location=34,-118&radius=1%000",
        "?location=%zz,%2&radius=10",
        "?location=+34,-118&radius=10",
        "?location=34,-118&radius=10&rankby=fame",
        "?&&&&===&=&location=1,1",
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *root = ask(table[i]);
        CHECK(has_status(root, "INVALID_REQUEST"));
        CHECK(json_string_length(json_object_get(root, "error_message")) > 0);
        if (!has_status(root, "INVALID_REQUEST"))
            printf("    %s\n", table[i]);
        json_decref(root);
    }
}

static void keeps_connections(void)
{
    static const char question[] = "GET " PATH "?location=41.9,12.5&radius=9000 HTTP/1.1\r\n"
                                   "Host: localhost\r\nContent-Length: 3\r\n\r\nxyz";
    int client = dial();
    for (int i = 0; i < 3; i++) {
        CHECK(http_visitor_say(client, question, sizeof question - 1));
        CHECK(http_visitor_hear(client, true, reply));
        CHECK(strstr(reply, "\"Colosseum\"") != NULL);
    }
    close(client);
}

/* A client that half-closes after its question still gets the answer, and then the server closes at
 * once, without waiting for its timeout. */
static void a_half_closed_connection_ends(void)
{
    static const char question[] =
        "GET " PATH "?location=41.9,12.5&radius=9 HTTP/1.1\r\nHost: a\r\n\r\n";
    int client = dial();
    time_t begin = time(NULL);
    CHECK(http_visitor_say(client, question, sizeof question - 1));
    shutdown(client, SHUT_WR);
    CHECK(http_visitor_hear(client, true, reply));
    CHECK_INT(recv(client, reply, 1, 0), 0);
    CHECK(time(NULL) - begin < LANDMARKS_PATIENCE_MS / 2000);
    close(client);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What a connection does that never asks a whole question. */
struct loris {
    const char *begin;
    char drop; /* a byte sent now and then; 0: silence */
};

static const struct loris lorises[] = {
    {"", 0},
    {"", 'G'},
    {"GET " PATH "?loc", 0},
    {"GET " PATH "?loc", 'x'},
    {"GET " PATH "?location=1,1&radius=5 HTTP/1.1\r\nHost: a\r\nX: ", 'x'},
    {"GET " PATH "?location=1,1&radius=5 HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n", 'x'},
};

enum { LORISES = sizeof lorises / sizeof *lorises, STEP_MS = 250 };

/* Sends the drops of one step; how many connections are still open. */
static int drip(int *clients, int64_t *ends_ms, int64_t begin_ms)
{
    int open = 0;
    for (int i = 0; i < LORISES; i++) {
        char byte;
        if (ends_ms[i] == 0 && recv(clients[i], &byte, 1, MSG_DONTWAIT) == 0)
            ends_ms[i] = now_ms() - begin_ms;
        if (ends_ms[i] == 0 && lorises[i].drop != 0)
            http_visitor_say(clients[i], &lorises[i].drop, 1);
        open += ends_ms[i] == 0;
    }
    return open;
}

/* The server cuts half a question after LANDMARKS_PATIENCE_MS, even if bytes still arrive;
 * meanwhile it serves a connection that asks now and then, and a new one. */
static void half_a_question_is_cut(void)
{
    static const char question[] =
        "GET " PATH "?location=41.9,12.5&radius=9000 HTTP/1.1\r\nHost: a\r\n\r\n";
    int clients[LORISES], honest = dial();
    int64_t ends_ms[LORISES] = {0}, begin_ms = now_ms();
    for (int i = 0; i < LORISES; i++) {
        clients[i] = dial();
        CHECK(http_visitor_say(clients[i], lorises[i].begin, strlen(lorises[i].begin)));
    }
    for (int step = 0; drip(clients, ends_ms, begin_ms) > 0 && step < 60; step++) {
        usleep(STEP_MS * 1000);
        if (step % 4 == 0)
            CHECK(http_visitor_say(honest, question, sizeof question - 1) &&
                  http_visitor_hear(honest, true, reply));
    }
    for (int i = 0; i < LORISES; i++) {
        bool in_time = ends_ms[i] >= LANDMARKS_PATIENCE_MS - STEP_MS &&
                       ends_ms[i] < LANDMARKS_PATIENCE_MS + 2000;
        CHECK(in_time);
        if (!in_time)
            printf("    %d ended after %lld ms\n", i, (long long)ends_ms[i]);
        close(clients[i]);
    }
    /* The honest one has lasted longer than any question may. */
    CHECK(now_ms() - begin_ms > LANDMARKS_PATIENCE_MS);
    CHECK(http_visitor_say(honest, question, sizeof question - 1) &&
          http_visitor_hear(honest, true, reply));
    close(honest);
    CHECK(is_alive());
}

/* Half questions from as many as there is room for: the next one gets in when they are cut. */
static void a_full_house_empties_itself(void)
{
    static const char half[] = "GET " PATH "?loc";
    int silent[CONNECTIONS_MAX];
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
        silent[i] = dial_from(2 + i % 2);
        CHECK(http_visitor_say(silent[i], half, sizeof half - 1));
    }
    int64_t begin_ms = now_ms();
    CHECK(is_alive());
    CHECK(now_ms() - begin_ms < LANDMARKS_PATIENCE_MS + 2000);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        close(silent[i]);
}

static void knows_one_path_and_two_methods(void)
{
    CHECK(get("/", 404) != NULL);
    CHECK(get(PATH "/", 404) != NULL);
    CHECK(get("/maps/api/place/nearbysearch", 404) != NULL);
    CHECK(get("/maps/api/place/details/json?place_id=x", 404) != NULL);
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "get", "X"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char request[256];
        int client = dial();
        int bytes = snprintf(request, sizeof request,
                             "%s " PATH " HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd",
                             methods[i]);
        CHECK(http_visitor_say(client, request, (size_t)bytes) &&
              http_visitor_hear(client, true, reply));
        CHECK(strncmp(reply, "HTTP/1.1 405 ", 13) == 0);
        CHECK(strstr(reply, "Allow: GET, HEAD") != NULL);
        close(client);
    }
    static const char head[] = "HEAD " PATH "?location=1,1&radius=5 HTTP/1.1\r\nHost: a\r\n\r\n";
    int client = dial();
    CHECK(http_visitor_say(client, head, sizeof head - 1) &&
          http_visitor_hear(client, false, reply));
    CHECK(strncmp(reply, "HTTP/1.1 200 ", 13) == 0);
    close(client);
}

/* Sends and waits until the server has answered or closed. */
static void pester(const char *bytes, size_t count)
{
    int client = dial();
    if (http_visitor_say(client, bytes, count)) {
        shutdown(client, SHUT_WR);
        while (recv(client, reply, sizeof reply, 0) > 0)
            continue;
    }
    close(client);
}

static void survives_huge_requests(void)
{
    char *huge = malloc(FAR_CLIENT_BYTES);
    static const char begin[] = "GET " PATH "?location=";
    memset(huge, '1', FAR_CLIENT_BYTES);
    memcpy(huge, begin, sizeof begin - 1);
    pester(huge, FAR_CLIENT_BYTES);
    CHECK(is_alive());

    /* As many parameters as a request may hold, and many more. */
    for (size_t count = 10; count <= 10000; count *= 10) {
        size_t bytes = (size_t)sprintf(huge, "GET " PATH "?location=1,1");
        for (size_t i = 0; i < count; i++)
            bytes += (size_t)sprintf(huge + bytes, "&a%zu=%zu", i % 7, i);
        bytes += (size_t)sprintf(huge + bytes, " HTTP/1.1\r\nHost: a\r\n\r\n");
        pester(huge, bytes);
    }
    CHECK(is_alive());

    size_t bytes = (size_t)sprintf(huge, "GET " PATH " HTTP/1.1\r\nHost: a\r\nX: ");
    memset(huge + bytes, 'x', FAR_CLIENT_BYTES - bytes);
    pester(huge, FAR_CLIENT_BYTES);
    CHECK(is_alive());
    free(huge);
}

static void survives_garbage(void)
{
    static const char good[] =
        "GET " PATH "?location=34.068930,-118.445127&radius=5000 HTTP/1.1\r\nHost: a\r\n\r\n";
    unsigned seed = 1;
    for (int i = 0; i < GARBAGE_ROUNDS; i++) {
        char bad[sizeof good];
        memcpy(bad, good, sizeof good);
        for (int k = 0; k <= i % 5; k++)
            bad[(size_t)rand_r(&seed) % (sizeof good - 1)] = (char)rand_r(&seed);
        pester(bad, (size_t)rand_r(&seed) % sizeof good);
    }
    CHECK(is_alive());
}

/* Clients that send half a question and then nothing take all connections but one. The last is
 * served; a client beyond it waits until another leaves. */
static void a_client_beyond_the_limit_waits(void)
{
    static const char half[] = "GET " PATH "?loc";
    static const char whole[] = "GET " PATH "?location=41.9,12.5&radius=9 HTTP/1.1\r\n"
                                "Host: a\r\n\r\n";
    int silent[CONNECTIONS_MAX];
    for (unsigned i = 0; i + 1 < CONNECTIONS_MAX; i++) {
        silent[i] = dial_from(2 + i % 2);
        CHECK(http_visitor_say(silent[i], half, sizeof half - 1));
    }
    int last = dial();
    CHECK(http_visitor_say(last, whole, sizeof whole - 1) && http_visitor_hear(last, true, reply));

    int beyond = dial();
    struct timeval moment = {.tv_usec = 300000};
    setsockopt(beyond, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof moment);
    CHECK(http_visitor_say(beyond, whole, sizeof whole - 1));
    CHECK(!http_visitor_hear(beyond, true, reply));
    for (size_t i = 0; i + 1 < CONNECTIONS_MAX; i++)
        close(silent[i]);
    close(last);
    struct timeval deadline = {.tv_sec = VISITOR_DEADLINE_S};
    setsockopt(beyond, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    CHECK(http_visitor_hear(beyond, true, reply));
    close(beyond);
    CHECK(is_alive());
}

/* What an address may have. */
static void one_address_has_half(void)
{
    static const struct {
        const char *address;
        unsigned max;
    } rows[] = {
        {"192.0.2.1", 128}, {"2001:db8::1", 128}, {"126.255.255.255", 128},
        {"127.0.0.1", 230}, {"127.0.0.5", 230},   {"::1", 230},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct network_address address;
        CHECK(network_address_parse(span_of(rows[i].address), &address));
        CHECK_INT(landmarks_address_max(&address), rows[i].max);
    }
}

/* The server's threads take connections side by side: who came later may be taken before. */
static bool are_all_taken(unsigned wanted)
{
    struct figures figures;
    for (int i = 0; i < VISITOR_DEADLINE_S * 100; i++) {
        landmarks_look(server, &figures);
        if (figures.connections >= wanted)
            return true;
        usleep(10000);
    }
    return false;
}

/* Of loopback that is the most; one more is refused at once, logged once a second, and others come
 * in. */
static void one_address_beyond_its_share(void)
{
    static const char half[] = "GET " PATH "?loc";
    int mine[LANDMARKS_LOOPBACK_CONNECTIONS_MAX];
    char byte;
    unsigned before = atomic_load(&told);
    for (size_t i = 0; i < LANDMARKS_LOOPBACK_CONNECTIONS_MAX; i++) {
        mine[i] = dial_from(5);
        CHECK(http_visitor_say(mine[i], half, sizeof half - 1));
    }
    CHECK(are_all_taken(LANDMARKS_LOOPBACK_CONNECTIONS_MAX));
    for (int i = 0; i < 50; i++) {
        int beyond = dial_from(5);
        CHECK(recv(beyond, &byte, 1, 0) <= 0);
        close(beyond);
    }
    CHECK(is_alive());
    CHECK(strcmp(last_told, "127.0.0.5 has 230 of the 230 connections that one address may have: "
                            "one more is refused") == 0);
    /* Once at four fifths, unless it was logged in the case before just now, and once at all of it;
     * more only where a second went by. */
    unsigned times = atomic_load(&told) - before;
    CHECK(times >= 1 && times <= 6);
    for (size_t i = 0; i < LANDMARKS_LOOPBACK_CONNECTIONS_MAX; i++)
        close(mine[i]);
    /* Its place is free again when the server has seen that. */
    bool came = false;
    for (int i = 0; i < 100 && !came; i++) {
        int again = dial_from(5);
        came = http_visitor_say(again, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27) &&
               http_visitor_hear(again, true, reply);
        close(again);
    }
    CHECK(came);
}

/* As this process does it. */
static int dial_own(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct timeval deadline = {.tv_sec = VISITOR_DEADLINE_S};
    const char *name = landmarks_own_socket(server);
    CHECK(name[0] == '/' && strlen(name) < sizeof at.sun_path);
    strcpy(at.sun_path, name);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    CHECK(connect(client, (struct sockaddr *)&at, sizeof at) == 0);
    return client;
}

/* Another process finds the socket, too, and is closed. */
static void another_process_is_no_own_one(void)
{
    pid_t child = fork();
    if (child == 0) {
        char byte;
        int client = dial_own();
        _exit(recv(client, &byte, 1, 0) == 0 ? 7 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

/* However full the house is, this process has its own connections, which nobody cuts. */
static void the_own_process_always_comes_in(void)
{
    static const char half[] = "GET " PATH "?loc";
    static const char whole[] = "GET " PATH "?location=41.9,12.5&radius=9 HTTP/1.1\r\n"
                                "Host: a\r\n\r\n";
    int silent[CONNECTIONS_MAX], own[40];
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
        silent[i] = dial_from(2 + i % 3);
        CHECK(http_visitor_say(silent[i], half, sizeof half - 1));
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        own[i] = dial_own();
        CHECK(http_visitor_say(own[i], whole, sizeof whole - 1) &&
              http_visitor_hear(own[i], true, reply));
        CHECK(strncmp(reply, "HTTP/1.1 200 ", 13) == 0);
    }
    CHECK(http_visitor_say(own[0], whole, sizeof whole - 1) &&
          http_visitor_hear(own[0], true, reply));
    for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
        close(silent[i]);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        close(own[i]);
    CHECK(is_alive());
}

static void listens_only_where_told(void)
{
    int client = http_visitor_dial("127.0.0.2", landmarks_port(server));
    CHECK(client < 0);
    if (client >= 0)
        close(client);
}

static void says_what_is_wrong_with_an_address(void)
{
    char port[16];
    struct landmarks *second =
        landmarks_start(NULL, "127.0.0.1", landmarks_port(server), PATH, tell, &fault);
    snprintf(port, sizeof port, "port %u", landmarks_port(server));
    CHECK(second == NULL);
    CHECK(strstr(fault.text, port) != NULL && strstr(fault.text, "in use, by process ") != NULL);
    CHECK(strchr(fault.text, '\n') == NULL);
    second = landmarks_start(NULL, "no.such.host.invalid", 0, PATH, tell, &fault);
    CHECK(second == NULL && strstr(fault.text, "no.such.host.invalid") != NULL);
    second = landmarks_start(NULL, "203.0.113.1", 0, PATH, tell, &fault);
    CHECK(second == NULL && strstr(fault.text, "203.0.113.1") != NULL);
    landmarks_stop(&second);
    CHECK(is_alive());
}

static void serves_over_ipv6_too(void)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct landmarks *six = landmarks_start(NULL, "::1", 0, PATH, tell, &fault);
    if (six == NULL) {
        /* A machine without IPv6 reports that, and there is nothing more to test. */
        CHECK(strstr(fault.text, "::1") != NULL);
        return;
    }
    at.sin6_port = htons(landmarks_port(six));
    int client = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(client, (struct sockaddr *)&at, sizeof at) == 0);
    CHECK(http_visitor_say(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27) &&
          http_visitor_hear(client, true, reply));
    close(client);
    landmarks_stop(&six);
}

/* The signals a thread of ours blocks, one bit each from signal 1 on (proc(5), SigBlk). */
static unsigned long long read_blocked(const char *thread)
{
    char path[64];
    char line[128];
    unsigned long long blocked = 0;
    snprintf(path, sizeof path, "/proc/self/task/%.16s/status", thread);
    FILE *status = fopen(path, "re");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "SigBlk:", 7) == 0)
            blocked = strtoull(line + 7, NULL, 16);
    if (status != NULL)
        fclose(status);
    return blocked;
}

static void leaves_signals_to_others(void)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
    DIR *threads = opendir("/proc/self/task");
    size_t others = 0;
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;) {
        if (entry->d_name[0] == '.' || atoi(entry->d_name) == getpid())
            continue;
        others++;
        for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
            CHECK((read_blocked(entry->d_name) >> (signals[i] - 1) & 1) == 1);
    }
    closedir(threads);
    CHECK(others >= 1);
    /* And the caller's own mask is as it was. */
    char own[32];
    snprintf(own, sizeof own, "%d", getpid());
    CHECK((read_blocked(own) >> (SIGTERM - 1) & 1) == 0);
}

static void stops_at_once_and_leaves_nothing(void)
{
    uint16_t port = landmarks_port(server);
    int client = dial();
    CHECK(http_visitor_say(client, "GET " PATH, 4));
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    landmarks_stop(&server);
    clock_gettime(CLOCK_MONOTONIC, &end);
    CHECK(server == NULL);
    CHECK(end.tv_sec - begin.tv_sec < VISITOR_DEADLINE_S);
    CHECK(recv(client, reply, 1, 0) <= 0);
    close(client);
    landmarks_stop(&server);
    CHECK(is_without_its_threads());

    size_t before = count_entries("/proc/self/fd");
    server = start(port);
    CHECK(is_alive());
    landmarks_stop(&server);
    CHECK_INT(count_entries("/proc/self/fd"), before);
}

static const struct check_case cases[] = {
    {"twenty places within the circle, the best known first", answers_with_what_is_near},
    {"rankby=distance gives the nearest first", answers_with_the_nearest},
    {"one question has one answer, however it is spelled", answers_alike_each_time},
    {"nothing near is ZERO_RESULTS", finds_nothing_at_sea},
    {"every fault of the question is INVALID_REQUEST inside 200", tells_faults_inside_200},
    {"a connection serves one question after the other", keeps_connections},
    {"a half-closed connection gets its answer and ends", a_half_closed_connection_ends},
    {"half a question is cut after five seconds, and harms nobody", half_a_question_is_cut},
    {"a full house empties itself", a_full_house_empties_itself},
    {"another path is 404, another method 405, HEAD is welcome", knows_one_path_and_two_methods},
    {"huge requests harm nobody", survives_huge_requests},
    {"400 broken requests harm nobody", survives_garbage},
    {"one client beyond the limit waits until another leaves", a_client_beyond_the_limit_waits},
    {"one address has half of all connections, loopback's nearly all", one_address_has_half},
    {"of one address one too many is refused, and said", one_address_beyond_its_share},
    {"the own process always comes in", the_own_process_always_comes_in},
    {"another process is not the own one", another_process_is_no_own_one},
    {"other addresses of this machine are not served", listens_only_where_told},
    {"a taken port and a wrong host are one clear sentence", says_what_is_wrong_with_an_address},
    {"IPv6 works where the machine has it", serves_over_ipv6_too},
    {"the serving thread takes no signals", leaves_signals_to_others},
    {"stop cuts clients, ends the thread and frees the port", stops_at_once_and_leaves_nothing},
};

int main(void)
{
    count_threads_without();
    server = start(0);
    return check_run(cases, sizeof cases / sizeof *cases);
}
