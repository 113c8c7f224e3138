#include "bus/net/peer_socket.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <zmq.h>

#include "bus/flood.h"
#include "bus/net/auth.h"

static const struct peer_socket_setting settings_of_both[] = {
    {ZMQ_LINGER, 0}, /* the default would keep a connection that was given up */
    /* A connection whose other end vanished silently is found by the system, after about the same
     * silence that takes a link down in flood. ZeroMQ has heartbeats for that, but they abort the
     * process where the other end speaks while nobody listens, and then breaks (4.3.4 and later:
     * an assertion about _io_error): a peer that is cut off and comes back is enough, and so is a
     * stranger who wants it. */
    {ZMQ_TCP_MAXRT, 6000}, /* sent and not acknowledged for so long */
    {ZMQ_TCP_KEEPALIVE, 1},
    {ZMQ_TCP_KEEPALIVE_IDLE, 4},  /* nothing heard for so many seconds: asks, */
    {ZMQ_TCP_KEEPALIVE_INTVL, 2}, /* again after so many, */
    {ZMQ_TCP_KEEPALIVE_CNT, 2},   /* and so often */
};

void peer_socket_apply(void *socket, const struct peer_socket_setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int rc = zmq_setsockopt(socket, settings[i].option, &settings[i].value,
                                sizeof settings[i].value);
        assert(rc == 0);
    }
}

void *peer_socket_make(void *context, int type, bool has_keys)
{
    void *socket = zmq_socket(context, type);
    if (socket == NULL)
        return NULL;
    peer_socket_apply(socket, settings_of_both, sizeof settings_of_both / sizeof *settings_of_both);
    /* A longer frame costs its sender the connection before it costs us memory. */
    int64_t message_bytes_max = WIRE_MESSAGE_BYTES_MAX;
    int rc = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_bytes_max, sizeof message_bytes_max);
    assert(rc == 0);
    bool good = has_keys ? auth_limit(socket, message_bytes_max) : auth_clear(socket);
    assert(good);
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
