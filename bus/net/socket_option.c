#include "bus/net/socket_option.h"

#include <assert.h>
#include <zmq.h>

void socket_options_set(void *socket, const struct socket_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int rc =
            zmq_setsockopt(socket, options[i].name, &options[i].value, sizeof options[i].value);
        assert(rc == 0);
    }
}
