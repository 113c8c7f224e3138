/* socket_option: a row of a table that says how a socket of ZeroMQ is set up, and the reason of
 * each row beside it.
 *
 * It holds what is a number and the same for every socket of its kind. What is a text, or differs
 * from one socket to the next, whoever makes the socket sets itself. Plain sockets have tables of
 * their own (bus/net/binding.h). */
#ifndef ZHERD_BUS_NET_SOCKET_OPTION_H
#define ZHERD_BUS_NET_SOCKET_OPTION_H

#include <stddef.h>

struct socket_option {
    int name; /* zmq_setsockopt(3) */
    int value;
};

/* Sets them in their order, before the socket is bound or connected: ZeroMQ takes most of them for
 * later connections only. A value that ZeroMQ refuses is a programmer's error. */
void socket_options_set(void *socket, const struct socket_option *options, size_t count);

#endif
