/* zherd-bench walk: walkers tell a herd where they are, until somebody ends it. */
#include "tests/bench/walk.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "placesd/landmarks/server/store.h"
#include "tests/bench/conn.h"
#include "tests/bench/moment.h"
#include "tests/bench/walkers.h"
#include "topology/usage.h"

#define SERVERS_MAX 16
#define CLIENTS_MAX 100000
/* Each walker says once a second where it is; a tenth of them at a time. */
#define TURNS_PER_S 10
/* After which a server that says nothing is left alone until the next try. */
#define PATIENCE_S 2
#define RETRY_NS   MOMENT_NS_PER_S

struct server {
    const char *name;
    struct address address;
    int fd; /* -1: not connected */
    int64_t retry_ns;
    bool is_away; /* and it was said */
    struct buffer out;
    uint32_t asked;
};

struct walk {
    struct server servers[SERVERS_MAX];
    uint32_t server_count, count;
    uint64_t seed;
    double seconds; /* 0: for ever */
    struct walkers *walkers;
    uint64_t told, refused;
};

static volatile sig_atomic_t is_over;

static void end(int number)
{
    (void)number;
    is_over = 1;
}

static void leave(struct server *server)
{
    if (server->fd >= 0)
        close(server->fd);
    server->fd = -1;
    server->retry_ns = moment_now_ns() + RETRY_NS;
    if (!server->is_away && !is_over)
        fprintf(stderr, "zherd-bench: %s is away; its walkers wait\n", server->name);
    server->is_away = true;
}

static void visit(struct server *server)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    if (server->fd >= 0 || moment_now_ns() < server->retry_ns)
        return;
    server->fd = socket(server->address.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->fd < 0) {
        leave(server);
        return;
    }
    setsockopt(server->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(server->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(server->fd, (struct sockaddr *)&server->address.at, server->address.bytes) != 0)
        leave(server);
    else
        server->is_away = false;
}

static bool send_all(struct server *server)
{
    for (size_t sent = 0; sent < server->out.len;) {
        ssize_t bytes =
            send(server->fd, server->out.data + sent, server->out.len - sent, MSG_NOSIGNAL);
        if (bytes <= 0)
            return false;
        sent += (size_t)bytes;
    }
    return true;
}

/* A line for each IAMAT, which begins with A of AT unless it was refused. */
static bool hear_all(struct walk *walk, struct server *server)
{
    char room[16 * 1024], last = '\n';
    while (server->asked > 0) {
        ssize_t bytes = recv(server->fd, room, sizeof room, 0);
        if (bytes <= 0)
            return false;
        for (ssize_t i = 0; i < bytes; i++) {
            walk->refused += last == '\n' && room[i] != 'A';
            walk->told += room[i] == '\n';
            server->asked -= room[i] == '\n' && server->asked > 0;
            last = room[i];
        }
    }
    return true;
}

/* Those whose turn it is tell their servers, one server after the other. */
static void take_turn(struct walk *walk, uint32_t turn)
{
    uint64_t stamp_ns = (uint64_t)moment_of(CLOCK_REALTIME);
    for (uint32_t i = turn; i < walk->count; i += TURNS_PER_S) {
        struct server *server = &walk->servers[i / TURNS_PER_S % walk->server_count];
        char line[WALKERS_LINE_BYTES_MAX];
        size_t bytes = walkers_write(walk->walkers, i, stamp_ns, line);
        buffer_append(&server->out, (struct span){line, bytes});
        server->asked++;
    }
    for (uint32_t i = 0; i < walk->server_count; i++) {
        struct server *server = &walk->servers[i];
        visit(server);
        if (server->fd >= 0 && (!send_all(server) || !hear_all(walk, server)))
            leave(server);
        server->out.len = 0;
        server->asked = 0;
    }
}

static void walk_on(struct walk *walk)
{
    int64_t start_ns = moment_now_ns(), due_ns = start_ns;
    int64_t end_ns = walk->seconds > 0 ? start_ns + moment_of_seconds(walk->seconds) : INT64_MAX;
    for (uint32_t turn = 0; !is_over && due_ns < end_ns; turn = (turn + 1) % TURNS_PER_S) {
        take_turn(walk, turn);
        due_ns += MOMENT_NS_PER_S / TURNS_PER_S;
        int64_t left_ns = due_ns - moment_now_ns();
        struct timespec pause = {.tv_nsec = left_ns};
        if (left_ns > 0)
            nanosleep(&pause, NULL);
        else
            due_ns -= left_ns;
        walkers_move(walk->walkers, 1.0 / TURNS_PER_S);
    }
}

/* ---- arguments ---- */

enum flag { FLAG_CLIENTS = 1, FLAG_SEED, FLAG_SECONDS };

static const struct option flags[] = {
    {"clients", required_argument, NULL, FLAG_CLIENTS},
    {"seed", required_argument, NULL, FLAG_SEED},
    {"seconds", required_argument, NULL, FLAG_SECONDS},
    {0},
};

static uint64_t whole(const char *text, uint64_t least, uint64_t most)
{
    char *rest;
    errno = 0;
    unsigned long long value = strtoull(text, &rest, 10);
    if (text[0] < '0' || text[0] > '9' || *rest != '\0' || errno != 0 || value < least ||
        value > most)
        exit(usage_refuse("zherd-bench", "out of range or no whole number: %s", text));
    return value;
}

static void read_arguments(int count, char **values, struct walk *walk)
{
    int flag;
    while ((flag = getopt_long(count, values, ":", flags, NULL)) != -1) {
        if (flag == FLAG_CLIENTS)
            walk->count = (uint32_t)whole(optarg, 1, CLIENTS_MAX);
        else if (flag == FLAG_SEED)
            walk->seed = whole(optarg, 0, UINT64_MAX);
        else if (flag == FLAG_SECONDS)
            walk->seconds = (double)whole(optarg, 1, UINT32_MAX);
        else
            exit(usage_refuse_option("zherd-bench", flag, values, flags));
    }
    if (optind == count)
        exit(usage_refuse("zherd-bench", "too few servers for walk"));
    if (count - optind > SERVERS_MAX)
        exit(usage_refuse("zherd-bench", "too many servers for walk"));
    for (int i = optind; i < count; i++) {
        struct server *server = &walk->servers[walk->server_count++];
        *server = (struct server){.name = values[i], .fd = -1};
        if (!address_find(values[i], &server->address))
            exit(EXIT_FAILURE);
    }
}

int walk_main(int count, char **values)
{
    struct walk walk = {.count = 500, .seed = 1};
    struct sigaction ends = {.sa_handler = end};
    read_arguments(count, values, &walk);
    sigaction(SIGINT, &ends, NULL);
    sigaction(SIGTERM, &ends, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    walk.walkers = walkers_new((struct span){(const char *)store_table, store_table_bytes},
                               walk.count, walk.seed);
    walk_on(&walk);
    printf("walkers %u, told %llu, refused %llu\n", walk.count, (unsigned long long)walk.told,
           (unsigned long long)walk.refused);
    for (uint32_t i = 0; i < walk.server_count; i++) {
        if (walk.servers[i].fd >= 0)
            close(walk.servers[i].fd);
        buffer_free(&walk.servers[i].out);
    }
    walkers_free(&walk.walkers);
    return walk.refused > 0 ? WALK_REFUSED_EXIT_STATUS : EXIT_SUCCESS;
}
