#include "bus/net/peer_socket.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <zmq.h>

#include "bus/flood.h"
#include "bus/net/auth.h"
#include "bus/net/socket_option.h"

static const struct socket_option options_of_both[] = {
    {ZMQ_LINGER, 0}, /* the default would keep a connection that was given up */
    /* A connection whose other end vanished silently is found by the system, after about the same
     * silence that takes a link down in flood. ZeroMQ has heartbeats for that, but they abort the
     * process where the other end speaks while nobody listens, and then breaks (4.3.4 and later:
     * an assertion about _io_error): a peer that is cut off and comes back is enough, and so is a
     * stranger who wants it. */
    {ZMQ_TCP_MAXRT, 6000},        /* ms: finds it while something is sent and not acknowledged */
    {ZMQ_TCP_KEEPALIVE, 1},       /* finds it while nothing is sent: */
    {ZMQ_TCP_KEEPALIVE_IDLE, 4},  /* s: the first probe after this silence, */
    {ZMQ_TCP_KEEPALIVE_INTVL, 2}, /* s: the next one after this, */
    {ZMQ_TCP_KEEPALIVE_CNT, 2},   /* and the connection ends after this many: 8 s in all */
};

void *peer_socket_make(void *context, int type, bool has_keys)
{
    void *socket = zmq_socket(context, type);
    if (socket == NULL)
        return NULL;
    socket_options_set(socket, options_of_both, sizeof options_of_both / sizeof *options_of_both);
    /* A longer frame costs its sender the connection before it costs us memory. */
    int64_t message_bytes_max = WIRE_MESSAGE_BYTES_MAX;
    int rc = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_bytes_max, sizeof message_bytes_max);
    assert(rc == 0);
    if (has_keys)
        rc = auth_limit(socket, message_bytes_max) ? 0 : -1;
    else if (type == ZMQ_ROUTER) /* which is bound; the others connect */
        rc = auth_clear(socket) ? 0 : -1;
    assert(rc == 0);
    return socket;
}

bool peer_socket_is_ready(void *socket, int event)
{
    int events;
    size_t events_bytes = sizeof events;
    while (zmq_getsockopt(socket, ZMQ_EVENTS, &events, &events_bytes) != 0)
        assert(errno == EINTR);
    return (events & event) != 0;
}
