#include <errno.h>
#include <string.h>
#include <zmq.h>

#include "bus/net/binding.h"

/* "*" takes both families, and ZeroMQ falls back to IPv4 on a machine without IPv6. A socket for
 * IPv4 stays one for IPv4, so that "0.0.0.0" means what it says. */
static int try_to_bind(void *socket, const char *address)
{
    char first = address[strlen("tcp://")];
    int ipv6 = first == '[' || first == '*';
    return zmq_setsockopt(socket, ZMQ_IPV6, &ipv6, sizeof ipv6) == 0 &&
                   zmq_bind(socket, address) == 0
               ? 0
               : zmq_errno();
}

bool binding_zmq(void *socket, const char *endpoint, struct fault *fault)
{
    return binding_each(endpoint, false, try_to_bind, socket, fault) == 1;
}
