/* Many connections that are told of every update: how many messages do they get a second? Somebody
 * else sends the updates. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/moment.h"
#include "tests/bench/run.h"

#define EVENTS_MAX 256
#define WAIT_MS    50

struct told {
    struct run *run;
    int poller;
    struct conn *conns;
    bool *is_within; /* by connection: its last read ended within a message, */
    size_t *replied; /* and so many bytes came of the reply to what it asked for */
    uint64_t messages;
    char *room; /* CONN_READ_BYTES */
};

static bool open_one(struct told *told, uint32_t i)
{
    const struct speech *speech = told->run->talk.speech;
    struct conn *conn = &told->conns[i];
    struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = i};
    conn->number = i;
    if (!conn_open(conn, &told->run->servers[0], speech, 1))
        return false;
    ssize_t sent = send(conn->fd, speech->listen.data, speech->listen.len, MSG_NOSIGNAL);
    return sent == (ssize_t)speech->listen.len &&
           epoll_ctl(told->poller, EPOLL_CTL_ADD, conn->fd, &wanted) == 0;
}

static bool open_all(struct told *told)
{
    uint32_t count = told->run->connections;
    told->poller = epoll_create1(EPOLL_CLOEXEC);
    told->conns = bytes_zeroed(count * sizeof *told->conns);
    told->is_within = bytes_zeroed(count * sizeof *told->is_within);
    told->replied = bytes_zeroed(count * sizeof *told->replied);
    told->room = bytes_resize(NULL, CONN_READ_BYTES);
    for (uint32_t i = 0; i < count; i++)
        told->conns[i].fd = -1;
    for (uint32_t i = 0; i < count; i++)
        if (!open_one(told, i))
            return false;
    return true;
}

static void close_all(struct told *told)
{
    for (uint32_t i = 0; i < told->run->connections; i++)
        conn_free(&told->conns[i]);
    close(told->poller);
    free(told->conns);
    free(told->is_within);
    free(told->replied);
    free(told->room);
}

/* Takes the reply off, which comes first. */
static void skip_reply(struct told *told, uint32_t i, struct span *in)
{
    struct span reply = told->run->talk.speech->listening;
    size_t left = reply.len - told->replied[i], bytes = left < in->len ? left : in->len;
    if (memcmp(in->data, reply.data + told->replied[i], bytes) != 0)
        told->run->wrong++;
    told->replied[i] += bytes;
    *in = (struct span){in->data + bytes, in->len - bytes};
}

/* The first whole message of a read must be one; all are counted by their ends. */
static void check_first(struct told *told, uint32_t i, struct span in)
{
    size_t taken;
    uint32_t client;
    uint64_t stamp_ns;
    const char *end = memchr(in.data, '\n', in.len);
    if (told->is_within[i] && end != NULL)
        in = (struct span){end + 1, (size_t)(in.data + in.len - end - 1)};
    if (in.len > 0 && (end != NULL || !told->is_within[i]) &&
        told->run->talk.speech->heard(in, &taken, &client, &stamp_ns) == SPEECH_WRONG)
        told->run->wrong++;
}

static void read_one(struct told *told, uint32_t i, bool counts)
{
    ssize_t got = recv(told->conns[i].fd, told->room, CONN_READ_BYTES, 0);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN)
            return;
        told->run->broken++;
        epoll_ctl(told->poller, EPOLL_CTL_DEL, told->conns[i].fd, NULL);
        return;
    }
    struct span in = {told->room, (size_t)got};
    skip_reply(told, i, &in);
    if (in.len == 0)
        return;
    if (counts)
        check_first(told, i, in);
    for (const char *at = in.data, *end = at + in.len; counts && at < end; told->messages++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (at++ == NULL)
            break;
    }
    told->is_within[i] = in.data[in.len - 1] != '\n';
}

static void listen_for(struct told *told, double seconds, bool counts)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t until_ns = moment_now_ns() + moment_of_seconds(seconds);
    while (moment_now_ns() < until_ns) {
        int count = epoll_wait(told->poller, events, EVENTS_MAX, WAIT_MS);
        for (int i = 0; i < count; i++)
            read_one(told, events[i].data.u32, counts);
    }
}

bool run_told(struct run *run)
{
    struct told told = {.run = run};
    struct process_use before = {0}, after = {0};
    bool good = open_all(&told);
    if (good) {
        listen_for(&told, run->warmup_seconds, false);
        good = run->pid_count == 0 || process_look(run->pids, run->pid_count, &before);
    }
    if (good) {
        int64_t begun_ns = moment_now_ns();
        listen_for(&told, run->seconds, true);
        double seconds = (double)(moment_now_ns() - begun_ns) / (double)MOMENT_NS_PER_S;
        good = run->pid_count == 0 || process_look(run->pids, run->pid_count, &after);
        figures_add(&run->figures, "connections", run->connections);
        run_add_rates(run, told.messages, seconds);
        run_add_use(run, &before, &after, told.messages);
    }
    close_all(&told);
    return good;
}
