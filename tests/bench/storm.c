/* A reconnect storm: all connections begin at once, each says its batch; when all are answered
 * they are dropped, and the next round begins. Times count from the beginning of the round, as
 * a client counts that has just lost its node. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/bench/moment.h"
#include "tests/bench/run.h"

#define EVENTS_MAX 256
/* A round that makes no progress for this time is given up. */
#define WAIT_MS (RUN_PATIENCE_SECONDS * 1000)

struct storm {
    struct run *run;
    int poller;
    struct conn *conns;
    char *room;
    int64_t start_ns;
    uint32_t pending; /* connections of this round that are neither answered nor broken */
    struct histogram times_ns;
};

static bool begin_round(struct storm *storm)
{
    struct run *run = storm->run;
    storm->start_ns = moment_now_ns();
    storm->pending = run->connections;
    for (uint32_t i = 0; i < run->connections; i++) {
        struct conn *conn = &storm->conns[i];
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = conn};
        if (!conn_begin(conn, &run->servers[0], run->depth))
            return false;
        epoll_ctl(storm->poller, EPOLL_CTL_ADD, conn->fd, &event);
    }
    return true;
}

static void say_batch(struct storm *storm, struct conn *conn)
{
    struct run *run = storm->run;
    while (conn->count < run->depth) {
        struct asked *asked = conn_add(conn);
        uint32_t place = asked->place;
        script_next(&run->script, conn->number, asked);
        asked->place = place;
        conn_put(conn, &run->talk, asked);
    }
}

static enum conn_state go_on(struct storm *storm, struct conn *conn, uint32_t events)
{
    if (events & EPOLLOUT) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
        if (conn->count == 0)
            say_batch(storm, conn);
        enum conn_state state = conn_send(conn);
        if (state == CONN_FINE)
            epoll_ctl(storm->poller, EPOLL_CTL_MOD, conn->fd, &event);
        return state;
    }
    return conn_receive(conn, &storm->run->talk, storm->room);
}

static void take_event(struct storm *storm, const struct epoll_event *event)
{
    struct conn *conn = event->data.ptr;
    bool was_over = conn->count > 0 && conn->answered == conn->count;
    if (conn->fd < 0)
        return;
    enum conn_state state = go_on(storm, conn, event->events);
    bool is_over = conn->count > 0 && conn->answered == conn->count;
    if (is_over && !was_over) {
        histogram_add(&storm->times_ns, moment_now_ns() - storm->start_ns);
        storm->pending--;
    } else if (!was_over && conn->fd < 0) {
        storm->pending--;
    }
    run_count_end(storm->run, conn, state);
}

static bool play_round(struct storm *storm)
{
    struct epoll_event events[EVENTS_MAX];
    bool good = begin_round(storm);
    while (good && storm->pending > 0) {
        int count = epoll_wait(storm->poller, events, EVENTS_MAX, WAIT_MS);
        if (count <= 0) {
            storm->run->lost += storm->pending;
            break;
        }
        for (int i = 0; i < count; i++)
            take_event(storm, &events[i]);
    }
    for (uint32_t i = 0; i < storm->run->connections; i++)
        conn_close(&storm->conns[i], true);
    return good;
}

bool run_storm(struct run *run)
{
    struct storm storm = {.run = run, .poller = epoll_create1(EPOLL_CLOEXEC)};
    struct process_use before, after;
    uint64_t rounds = 0;
    if (run->talk.speech->welcome != NULL) {
        fputs("zherd-bench: a storm needs a protocol without a greeting\n", stderr);
        return false;
    }
    storm.conns = bytes_zeroed(run->connections * sizeof *storm.conns);
    storm.room = bytes_resize(NULL, CONN_READ_BYTES);
    for (uint32_t i = 0; i < run->connections; i++)
        storm.conns[i] = (struct conn){.fd = -1, .number = i};
    script_begin(&run->script, SCRIPT_IAMAT, UINT64_MAX);
    int64_t start_ns = moment_now_ns(), end_ns = start_ns + moment_of_seconds(run->seconds);
    bool good = process_look(run->pids, run->pid_count, &before);
    for (; good && run->wrong + run->lost + run->broken == 0 && moment_now_ns() < end_ns; rounds++)
        good = play_round(&storm);
    double seconds = (double)(moment_now_ns() - start_ns) / (double)MOMENT_NS_PER_S;
    good = good && process_look(run->pids, run->pid_count, &after);
    if (good) {
        figures_add(&run->figures, "rounds", (double)rounds);
        run_add_rates(run, storm.times_ns.count, seconds);
        figures_add_times(&run->figures, &storm.times_ns);
        run_add_use(run, &before, &after, storm.times_ns.count);
    }
    for (uint32_t i = 0; i < run->connections; i++)
        conn_free(&storm.conns[i]);
    close(storm.poller);
    free(storm.conns);
    free(storm.room);
    return good;
}
