/* echo: a server that sends every line back and does nothing else, one epoll loop, one read and one
 * write per readable connection. Its figures are what the kernel allows any server.
 *
 *     echo [PORT]        prints "ready PORT"; without PORT any free one */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus/base/bytes.h"

#define EVENTS_MAX 256
#define READ_BYTES (64 * 1024)
#define BACKLOG    4096

/* What is neither echoed nor complete: empty most of the time, and then without memory. */
struct client {
    int fd;
    bool is_blocked;
    struct buffer kept;
};

static char room[READ_BYTES];

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static int listen_on(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(port)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&address, bytes) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &bytes) != 0)
        die("listen");
    printf("ready %u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void watch(int poller, struct client *client, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};
    if (epoll_ctl(poller, operation, client->fd, &event) != 0)
        die("epoll_ctl");
}

static void take_clients(int poller, int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct client *client = bytes_zeroed(sizeof *client);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        client->fd = fd;
        watch(poller, client, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static void drop(struct client *client)
{
    close(client->fd);
    buffer_free(&client->kept);
    free(client);
}

/* Up to which byte lines are complete. */
static size_t lines_end(struct span bytes)
{
    const char *at = bytes.data, *end = bytes.data + bytes.len, *newline;
    while ((newline = memchr(at, '\n', (size_t)(end - at))) != NULL)
        at = newline + 1;
    return (size_t)(at - bytes.data);
}

/* Echoes what is complete; returns how many bytes are done with, or -1. */
static ssize_t echo(struct client *client, struct span bytes)
{
    size_t complete = lines_end(bytes);
    if (complete == 0)
        return 0;
    ssize_t sent = send(client->fd, bytes.data, complete, MSG_NOSIGNAL);
    return sent < 0 && errno == EAGAIN ? 0 : sent;
}

static bool serve(struct client *client)
{
    ssize_t got = client->is_blocked ? 0 : recv(client->fd, room, sizeof room, 0);
    if (got < 0 ? errno != EAGAIN : got == 0 && !client->is_blocked)
        return false;
    struct span bytes = {room, got < 0 ? 0 : (size_t)got};
    bool was_kept = client->kept.len > 0;
    if (was_kept) {
        buffer_append(&client->kept, bytes);
        bytes = (struct span){client->kept.data, client->kept.len};
    }
    ssize_t done = echo(client, bytes);
    if (done < 0)
        return false;
    if (was_kept)
        buffer_consume(&client->kept, (size_t)done);
    else if ((size_t)done < bytes.len)
        buffer_append(&client->kept, (struct span){bytes.data + done, bytes.len - (size_t)done});
    if (client->kept.len == 0)
        buffer_free(&client->kept);
    return true;
}

/* A client that does not read is not read from either. */
static void turn(int poller, struct client *client)
{
    if (!serve(client)) {
        drop(client);
        return;
    }
    bool blocked =
        client->kept.len > 0 && memchr(client->kept.data, '\n', client->kept.len) != NULL;
    if (blocked != client->is_blocked)
        watch(poller, client, EPOLL_CTL_MOD, blocked ? EPOLLOUT : EPOLLIN);
    client->is_blocked = blocked;
}

int main(int count, char **values)
{
    struct epoll_event events[EVENTS_MAX];
    struct rlimit files;
    struct client listener = {0};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int poller = epoll_create1(EPOLL_CLOEXEC);
    listener.fd = listen_on(count > 1 ? values[1] : "0");
    watch(poller, &listener, EPOLL_CTL_ADD, EPOLLIN);
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS_MAX, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == &listener)
                take_clients(poller, listener.fd);
            else
                turn(poller, events[i].data.ptr);
        }
    }
}
