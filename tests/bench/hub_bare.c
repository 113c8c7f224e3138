#include "tests/bench/hub_bare.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "tests/bench/hub_live.h"
#include "tests/bench/moment.h"
#include "tests/bus/loopback.h"

#define NS_PER_US 1e3
#define WARM      20U
#define WARM_S    30
/* What an UPDATE of the bench's client and an ACK take on a connection. */
#define UPDATE_BYTES 130
#define ACK_BYTES    40

struct loop {
    const struct hub_bare_load *load;
    pid_t processes[HUB_LIVE_MAX];
    void (*tell)(struct loop *loop); /* one update, to all */
    /* How many answers came; waits for the first of them until then. */
    uint64_t (*read)(struct loop *loop, int64_t until_ns);
    int sockets[HUB_LIVE_MAX], listener, epoll;
    struct sockaddr_in address;
    void *context, *router, *dealers[HUB_LIVE_MAX];
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX];
};

static void need(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

static uint64_t tell_and_read(struct loop *loop, uint32_t updates)
{
    uint64_t answers = 0;
    int64_t next_ns = moment_now_ns() + loop->load->pause_ns;
    for (uint32_t told = 0; told < updates;) {
        answers += loop->read(loop, next_ns);
        if (moment_now_ns() < next_ns)
            continue;
        next_ns += loop->load->pause_ns;
        told++;
        loop->tell(loop);
    }
    return answers;
}

/* Until each neighbour has connected and answered. */
static void warm_up(struct loop *loop)
{
    unsigned every = loop->load->every;
    uint32_t updates = every > WARM ? every : WARM;
    uint64_t wanted = updates / every * loop->load->neighbours;
    uint64_t answers = tell_and_read(loop, updates);
    int64_t give_up_ns = moment_now_ns() + WARM_S * MOMENT_NS_PER_S;
    while (answers < wanted && moment_now_ns() < give_up_ns)
        answers += loop->read(loop, moment_now_ns() + loop->load->pause_ns);
    need(answers >= wanted, "bare neighbours");
}

static struct hub_cost measure(struct loop *loop)
{
    const struct hub_bare_load *load = loop->load;
    warm_up(loop);
    int64_t began_ns = moment_of(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t answers = tell_and_read(loop, load->updates);
    int64_t took_ns = moment_of(CLOCK_PROCESS_CPUTIME_ID) - began_ns;
    double all = (double)load->updates * (double)load->neighbours;
    for (size_t i = 0; i < load->neighbours; i++)
        kill(loop->processes[i], SIGKILL);
    for (size_t i = 0; i < load->neighbours; i++)
        waitpid(loop->processes[i], NULL, 0);
    return (struct hub_cost){(double)took_ns / NS_PER_US / all, (double)answers / all};
}

static struct timespec time_until(int64_t until_ns)
{
    int64_t wait_ns = until_ns - moment_now_ns();
    wait_ns = wait_ns < 0 ? 0 : wait_ns;
    return (struct timespec){wait_ns / MOMENT_NS_PER_S, wait_ns % MOMENT_NS_PER_S};
}

/* True in the neighbour. */
static bool fork_neighbour(struct loop *loop, size_t i)
{
    loop->processes[i] = fork();
    need(loop->processes[i] >= 0, "fork");
    if (loop->processes[i] > 0)
        return false;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    hub_live_stand_aside();
    return true;
}

/* ---- sockets of the system ---- */

static void tell_sockets(struct loop *loop)
{
    static const char out[UPDATE_BYTES];
    for (size_t i = 0; i < loop->load->neighbours; i++)
        need(send(loop->sockets[i], out, sizeof out, MSG_NOSIGNAL) == sizeof out, "send");
}

static uint64_t read_sockets(struct loop *loop, int64_t until_ns)
{
    struct epoll_event events[HUB_LIVE_MAX];
    char in[4096];
    uint64_t answers = 0;
    struct timespec wait = time_until(until_ns);
    int count = epoll_pwait2(loop->epoll, events, HUB_LIVE_MAX, &wait, NULL);
    for (int i = 0; i < count; i++) {
        ssize_t got = recv(events[i].data.fd, in, sizeof in, 0);
        answers += got > 0 ? (uint64_t)got / ACK_BYTES : 0;
    }
    return answers;
}

static void no_delay(int socket_)
{
    int one = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void be_at_socket(const struct loop *loop)
{
    char in[UPDATE_BYTES], out[ACK_BYTES] = {0};
    int socket_ = socket(AF_INET, SOCK_STREAM, 0);
    no_delay(socket_);
    if (connect(socket_, (const struct sockaddr *)&loop->address, sizeof loop->address) != 0)
        _exit(1);
    for (unsigned taken = 1; recv(socket_, in, sizeof in, MSG_WAITALL) == sizeof in; taken++)
        if (taken % loop->load->every == 0 && send(socket_, out, sizeof out, 0) != sizeof out)
            break;
    _exit(0);
}

struct hub_cost hub_bare_epoll(const struct hub_bare_load *load)
{
    static struct loop loop;
    socklen_t bytes = sizeof loop.address;
    loop = (struct loop){.load = load, .tell = tell_sockets, .read = read_sockets};
    loop.epoll = epoll_create1(0);
    loop.listener = socket(AF_INET, SOCK_STREAM, 0);
    loop.address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    need(bind(loop.listener, (struct sockaddr *)&loop.address, bytes) == 0 &&
             listen(loop.listener, (int)load->neighbours) == 0 &&
             getsockname(loop.listener, (struct sockaddr *)&loop.address, &bytes) == 0,
         "listen");
    for (size_t i = 0; i < load->neighbours; i++) {
        if (fork_neighbour(&loop, i))
            be_at_socket(&loop);
        loop.sockets[i] = accept4(loop.listener, NULL, NULL, SOCK_NONBLOCK);
        no_delay(loop.sockets[i]);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = loop.sockets[i]};
        need(epoll_ctl(loop.epoll, EPOLL_CTL_ADD, loop.sockets[i], &event) == 0, "epoll_ctl");
    }
    struct hub_cost cost = measure(&loop);
    for (size_t i = 0; i < load->neighbours; i++)
        close(loop.sockets[i]);
    close(loop.listener);
    close(loop.epoll);
    return cost;
}

/* ---- sockets of ZeroMQ ---- */

static void tell_dealers(struct loop *loop)
{
    static const char out[UPDATE_BYTES];
    for (size_t i = 0; i < loop->load->neighbours; i++)
        need(zmq_send(loop->dealers[i], out, sizeof out, ZMQ_DONTWAIT) == sizeof out, "zmq_send");
}

static uint64_t read_router(struct loop *loop, int64_t until_ns)
{
    struct pollfd polled = {.events = POLLIN};
    size_t bytes = sizeof polled.fd;
    char in[UPDATE_BYTES];
    uint64_t frames = 0;
    struct timespec wait = time_until(until_ns);
    zmq_getsockopt(loop->router, ZMQ_FD, &polled.fd, &bytes);
    if (ppoll(&polled, 1, &wait, NULL) > 0)
        while (zmq_recv(loop->router, in, sizeof in, ZMQ_DONTWAIT) >= 0)
            frames++;
    return frames / 2; /* the first of each says who sent it */
}

static void *open_socket(void *context, int type, const char *endpoint)
{
    int linger_ms = 0;
    void *socket_ = zmq_socket(context, type);
    need(socket_ != NULL, "zmq_socket");
    zmq_setsockopt(socket_, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    need((type == ZMQ_ROUTER ? zmq_bind : zmq_connect)(socket_, endpoint) == 0, endpoint);
    return socket_;
}

static void be_at_router(const struct loop *loop, const char *endpoint)
{
    char in[UPDATE_BYTES], out[ACK_BYTES] = {0};
    void *context = zmq_ctx_new();
    void *router = open_socket(context, ZMQ_ROUTER, endpoint);
    void *dealer = open_socket(context, ZMQ_DEALER, loop->endpoint);
    for (unsigned frames = 1; zmq_recv(router, in, sizeof in, 0) >= 0; frames++)
        if (frames % (2 * loop->load->every) == 0 && zmq_send(dealer, out, sizeof out, 0) < 0)
            break;
    _exit(0);
}

struct hub_cost hub_bare_zeromq(const struct hub_bare_load *load)
{
    static struct loop loop;
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX];
    loop = (struct loop){.load = load, .tell = tell_dealers, .read = read_router};
    loopback_endpoint(loop.endpoint);
    loop.context = zmq_ctx_new();
    loop.router = open_socket(loop.context, ZMQ_ROUTER, loop.endpoint);
    for (size_t i = 0; i < load->neighbours; i++) {
        loopback_endpoint(endpoint);
        if (fork_neighbour(&loop, i))
            be_at_router(&loop, endpoint);
        loop.dealers[i] = open_socket(loop.context, ZMQ_DEALER, endpoint);
    }
    struct hub_cost cost = measure(&loop);
    for (size_t i = 0; i < load->neighbours; i++)
        zmq_close(loop.dealers[i]);
    zmq_close(loop.router);
    zmq_ctx_term(loop.context);
    return cost;
}
