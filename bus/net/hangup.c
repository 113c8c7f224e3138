#include "bus/net/hangup.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "bus/net/entropy.h"
#include "bus/net/socket_option.h"

#define ENDPOINT "inproc://monitor"
/* An event's number and value (zmq_socket_monitor(3)). */
#define EVENT_BYTES (sizeof(uint16_t) + sizeof(int32_t))
#define EVENTS      (ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)

uint16_t hangup_port(const char *endpoint)
{
    return (uint16_t)strtoul(strrchr(endpoint, ':') + 1, NULL, 10);
}

/* A number that no other socket has while this one is open: its inode. 0 for what is no open
 * socket. */
static uint64_t number_socket(int descriptor)
{
    struct stat status;
    return fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode) ? status.st_ino : 0;
}

/* Between the message and this look the descriptor may have become another connection's. */
static bool is_at_port(int descriptor, uint16_t port)
{
    struct sockaddr_storage address = {0};
    socklen_t bytes = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &bytes) != 0)
        return false;
    if (address.ss_family == AF_INET)
        return ((struct sockaddr_in *)&address)->sin_port == htons(port);
    return address.ss_family == AF_INET6 &&
           ((struct sockaddr_in6 *)&address)->sin6_port == htons(port);
}

/* The number of the socket, if it is a connection to the port; else 0. */
static uint64_t look_at(int descriptor, uint16_t port)
{
    uint64_t socket = number_socket(descriptor);
    return socket != 0 && is_at_port(descriptor, port) ? socket : 0;
}

void hangup_hear(struct arrivals *arrivals, const struct arrival *arrival, int descriptor,
                 uint16_t port, int64_t now_ms)
{
    if (!arrivals_hear(arrivals, arrival, descriptor, now_ms))
        return;
    uint64_t socket = number_socket(descriptor);
    if (socket != 0 &&
        (arrivals_has(arrivals, arrival, descriptor, socket) || is_at_port(descriptor, port)))
        arrivals_add(arrivals, arrival, descriptor, socket, now_ms);
}

/* ZeroMQ's thread may close the descriptor and open something else under its number at any time; a
 * duplicate cannot become another socket after it was looked at. False where there is no descriptor
 * for it. */
static bool end_connection(int descriptor, uint64_t socket)
{
    int held = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (held < 0)
        return errno != EMFILE;
    if (number_socket(held) == socket)
        shutdown(held, SHUT_RDWR);
    close(held);
    return true;
}

void hangup_due(struct arrivals *arrivals, int64_t now_ms)
{
    int descriptor;
    uint64_t socket;
    while (arrivals_next(arrivals, now_ms, &descriptor, &socket)) {
        if (!end_connection(descriptor, socket)) {
            arrivals_retry(arrivals, descriptor, now_ms);
            return;
        }
    }
}

/* ---- who was accepted ---- */

/* ZeroMQ's end of the pair has room for a thousand events: as many connections can be accepted
 * before the first of them is looked at. */
static const struct socket_option options_of_events[] = {{ZMQ_RCVHWM, 1}, {ZMQ_LINGER, 0}};

/* All that the process may ever have: it raises the lower limit itself. */
static size_t count_descriptors_max(void)
{
    struct rlimit files;
    return getrlimit(RLIMIT_NOFILE, &files) == 0 ? (size_t)files.rlim_max : SIZE_MAX;
}

bool hangup_watch_open(struct hangup_watch *watch, void *context, void *socket, uint16_t port,
                       size_t neighbours)
{
    watch->port = port;
    newcomers_make(&watch->newcomers, neighbours, newcomers_strangers_max(count_descriptors_max()),
                   entropy_number());
    watch->held = -1;
    watch->events = zmq_socket(context, ZMQ_PAIR);
    size_t bytes = sizeof watch->descriptor;
    if (watch->events != NULL)
        socket_options_set(watch->events, options_of_events,
                           sizeof options_of_events / sizeof *options_of_events);
    if (watch->events == NULL || zmq_socket_monitor(socket, ENDPOINT, EVENTS) != 0 ||
        zmq_connect(watch->events, ENDPOINT) != 0 ||
        zmq_getsockopt(watch->events, ZMQ_FD, &watch->descriptor, &bytes) != 0)
        return false;
    watch->held = fcntl(watch->descriptor, F_DUPFD_CLOEXEC, 0);
    return watch->held >= 0;
}

void hangup_watch_close(struct hangup_watch *watch)
{
    if (watch->events != NULL) {
        zmq_close(watch->events);
        if (watch->held >= 0)
            close(watch->held);
    }
    newcomers_free(&watch->newcomers);
    watch->events = NULL;
}

static struct newcomers_address find_address(int descriptor)
{
    struct sockaddr_storage address = {0};
    socklen_t bytes = sizeof address;
    char text[NI_MAXHOST] = "";
    if (getpeername(descriptor, (struct sockaddr *)&address, &bytes) == 0)
        getnameinfo((struct sockaddr *)&address, bytes, text, sizeof text, NULL, 0, NI_NUMERICHOST);
    return newcomers_read_address(text);
}

/* As end_connection does, but when no descriptor is left, too. */
static void end(struct hangup_watch *watch, const struct newcomer *newcomer)
{
    if (newcomer->socket == 0 || dup3(newcomer->descriptor, watch->held, O_CLOEXEC) < 0)
        return;
    if (look_at(watch->held, watch->port) == newcomer->socket)
        shutdown(watch->held, SHUT_RDWR);
    int rc = dup3(watch->descriptor, watch->held, O_CLOEXEC);
    assert(rc == watch->held);
}

/* One that is gone by now leaves with an event of its own. */
static void accept_one(struct hangup_watch *watch, int descriptor)
{
    struct newcomer accepted = {.descriptor = descriptor,
                                .socket = look_at(descriptor, watch->port)};
    struct newcomer surplus;
    if (accepted.socket != 0)
        accepted.address = find_address(descriptor);
    if (newcomers_accept(&watch->newcomers, &accepted, &surplus))
        end(watch, &surplus);
}

/* False when none waits. The second frame is where the socket is bound. */
static bool take_event(struct hangup_watch *watch, uint16_t *number, int32_t *value)
{
    char event[EVENT_BYTES], endpoint[1];
    int bytes;
    while ((bytes = zmq_recv(watch->events, event, sizeof event, ZMQ_DONTWAIT)) < 0) {
        if (errno == EAGAIN)
            return false;
        assert(errno == EINTR);
    }
    assert(bytes == EVENT_BYTES);
    memcpy(number, event, sizeof *number);
    memcpy(value, event + sizeof *number, sizeof *value);
    bytes = zmq_recv(watch->events, endpoint, sizeof endpoint, ZMQ_DONTWAIT);
    assert(bytes >= 0);
    return true;
}

bool hangup_watch_turn(struct hangup_watch *watch)
{
    uint16_t number;
    int32_t value;
    for (int taken = 0; taken < HANGUP_EVENTS_MAX; taken++) {
        if (!take_event(watch, &number, &value))
            return false;
        switch (number) {
        case ZMQ_EVENT_ACCEPTED:
            accept_one(watch, value);
            break;
        case ZMQ_EVENT_DISCONNECTED:
            newcomers_leave(&watch->newcomers, value);
            break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
            newcomers_refuse_key(&watch->newcomers);
            break;
        }
    }
    return true;
}

void hangup_watch_prove(struct hangup_watch *watch, int descriptor, const char *address)
{
    if (address == NULL)
        return;
    struct newcomers_address from = newcomers_read_address(address);
    newcomers_prove(&watch->newcomers, descriptor, &from);
}
