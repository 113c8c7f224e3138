/* socket: recv(2) and send(2) at the price of the system call.
 *
 * libzmq's threads make every node a process with threads, and there the C library's own two first
 * note that the thread may be cancelled, and afterwards that it may not: two atomic operations
 * more, for something that nobody here does. It is no buffer and knows no clients, and a sanitizer
 * does not see what it reads and writes; errors are those of the manual. */
#ifndef ZHERD_GATEWAY_NODE_SOCKET_H
#define ZHERD_GATEWAY_NODE_SOCKET_H

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline ssize_t socket_receive(int fd, void *to, size_t bytes)
{
    return syscall(SYS_recvfrom, fd, to, bytes, 0, NULL, NULL);
}

/* A connection that is closed over there is an error (EPIPE), not a signal. */
static inline ssize_t socket_send(int fd, const void *from, size_t bytes)
{
    return syscall(SYS_sendto, fd, from, bytes, MSG_NOSIGNAL, NULL, 0);
}

#endif
