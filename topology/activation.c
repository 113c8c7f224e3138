#include "topology/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus/base/packed.h"

/* SD_LISTEN_FDS_START of sd_listen_fds(3). */
#define FIRST_DESCRIPTOR 3

/* They may be another process's, which ours has inherited the environment of. */
static bool are_ours(const char *pid)
{
    uint64_t number;
    return pid != NULL && decimal_read_whole(span_of(pid), INT32_MAX, &number) &&
           number == (uint64_t)getpid();
}

static bool is_option(int descriptor, int name, int wanted)
{
    int value = 0;
    socklen_t bytes = sizeof value;
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &bytes) == 0 && value == wanted;
}

static bool listens(int descriptor)
{
    return is_option(descriptor, SO_TYPE, SOCK_STREAM) &&
           is_option(descriptor, SO_PROTOCOL, IPPROTO_TCP) &&
           is_option(descriptor, SO_ACCEPTCONN, 1);
}

/* The manager hands them over blocking, and inherited by whatever is started. */
static bool take(int descriptor, struct activation *activation, struct fault *fault)
{
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0)
        return fault_set(fault, "descriptor %d of $LISTEN_FDS: %s", descriptor, strerror(errno));
    if (!listens(descriptor))
        return fault_set(fault, "descriptor %d of $LISTEN_FDS is no TCP socket that listens",
                         descriptor);
    activation->sockets[activation->count++] = descriptor;
    return true;
}

static bool take_all(const char *text, struct activation *activation, struct fault *fault)
{
    uint64_t count;
    if (!decimal_read_whole(span_of(text), ACTIVATION_SOCKETS_MAX, &count))
        return fault_set(fault, "$LISTEN_FDS is %s: it takes a number from 0 to %d", text,
                         ACTIVATION_SOCKETS_MAX);
    for (int i = 0; i < (int)count; i++)
        if (!take(FIRST_DESCRIPTOR + i, activation, fault))
            return false;
    return true;
}

bool activation_take(struct activation *activation, struct fault *fault)
{
    const char *count = getenv("LISTEN_FDS");
    *activation = (struct activation){0};
    bool good =
        count == NULL || !are_ours(getenv("LISTEN_PID")) || take_all(count, activation, fault);
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDNAMES");
    return good;
}
