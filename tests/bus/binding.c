/* A listener binds the address that its name stands for here; where the port is taken, the error
 * names the process that holds it. */
#include "bus/net/binding.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "tests/bus/loopback.h"
#include "tests/check.h"

/* An address of TEST-NET-3, which no host has (RFC 5737). */
#define NOT_OURS "tcp://203.0.113.1:12500"

/* Of an endpoint, and of why it cannot be bound. */
#define ENDPOINT_BYTES_MAX 80
#define REASON_BYTES_MAX   1024

static const struct binding_options first = {.backlog = 8};
static const struct binding_options everywhere = {.backlog = 8, .everywhere = true};

/* The same port at another host. */
static void with_host(const char *endpoint, const char *host, char text[ENDPOINT_BYTES_MAX])
{
    snprintf(text, ENDPOINT_BYTES_MAX, "tcp://%s%s", host, strrchr(endpoint, ':'));
}

static bool is_reached(const char *endpoint)
{
    struct sockaddr_in address = loopback_address(endpoint);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool reached = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return reached;
}

static void close_all(int *sockets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(sockets[i]);
}

static void a_name_is_bound_where_it_is_here(void)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "lo", "*", "0.0.0.0"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char free_one[LOOPBACK_ENDPOINT_BYTES_MAX], endpoint[ENDPOINT_BYTES_MAX];
        struct fault fault = {0};
        int sockets[BINDING_SOCKETS_MAX];
        loopback_endpoint(free_one);
        with_host(free_one, hosts[i], endpoint);
        CHECK(!is_reached(endpoint));
        CHECK_INT(binding_listen(endpoint, &first, sockets, &fault), 1);
        CHECK_BYTES(fault.text, strlen(fault.text), "", 0);
        CHECK(is_reached(endpoint));
        close_all(sockets, 1);
        size_t count = binding_listen(endpoint, &everywhere, sockets, &fault);
        CHECK(count >= 1 && count <= 2);
        CHECK(is_reached(endpoint));
        close_all(sockets, count);
    }
}

static void every_address_takes_both_families(void)
{
    char free_one[LOOPBACK_ENDPOINT_BYTES_MAX], endpoint[ENDPOINT_BYTES_MAX];
    struct fault fault;
    int sockets[BINDING_SOCKETS_MAX];
    struct sockaddr_storage bound;
    socklen_t bytes = sizeof bound;
    int trial = socket(AF_INET6, SOCK_STREAM, 0);
    loopback_endpoint(free_one);
    with_host(free_one, "*", endpoint);
    CHECK_INT(binding_listen(endpoint, &first, sockets, &fault), 1);
    getsockname(sockets[0], (struct sockaddr *)&bound, &bytes);
    CHECK_INT(bound.ss_family, trial >= 0 ? AF_INET6 : AF_INET);
    CHECK(is_reached(endpoint));
    close_all(sockets, 1);
    close(trial);
}

static void refuse(const char *endpoint, const char *wanted)
{
    struct fault fault = {0};
    int sockets[BINDING_SOCKETS_MAX];
    CHECK_INT(binding_listen(endpoint, &first, sockets, &fault), 0);
    CHECK_BYTES(fault.text, strnlen(fault.text, strlen(wanted)), wanted, strlen(wanted));
}

static void what_is_elsewhere_is_a_reason(void)
{
    refuse(NOT_OURS, "Cannot assign requested address");
    refuse("tcp://nobody.invalid:12500", "cannot resolve nobody.invalid: ");
    refuse("udp://127.0.0.1:12500", "not of the form tcp://host:port");
    refuse("tcp://127.0.0.1:port", "not of the form tcp://host:port");
    /* inet_aton(3) takes it for 203.0.113.1, so it is a name here. */
    refuse("tcp://203.0.28929:12500", "it is 203.0.113.1; this machine has no such address");
}

static void a_socket_of_somebody_else_is_at_the_endpoint(void)
{
    char free_one[LOOPBACK_ENDPOINT_BYTES_MAX], endpoint[ENDPOINT_BYTES_MAX];
    int sockets[BINDING_SOCKETS_MAX + 1];
    struct fault fault = {0};
    loopback_endpoint(free_one);
    CHECK_INT(binding_listen(free_one, &first, sockets, &fault), 1);
    for (size_t i = 1; i <= BINDING_SOCKETS_MAX; i++)
        sockets[i] = sockets[0];
    with_host(free_one, "localhost", endpoint);
    CHECK(binding_matches(endpoint, sockets, 1, &fault));
    CHECK(binding_matches(free_one, sockets, BINDING_SOCKETS_MAX, &fault));
    CHECK(!binding_matches(free_one, sockets, BINDING_SOCKETS_MAX + 1, &fault));
    CHECK(strstr(fault.text, " sockets are more than ") != NULL);
    with_host(free_one, "*", endpoint);
    CHECK(!binding_matches(endpoint, sockets, 1, &fault));
    CHECK(strstr(fault.text, "the socket is at tcp://127.0.0.1:") == fault.text);
    with_host(free_one, "nobody.invalid", endpoint);
    CHECK(!binding_matches(endpoint, sockets, 1, &fault));
    CHECK(strstr(fault.text, "cannot resolve nobody.invalid: ") == fault.text);
    close_all(sockets, 1);
}

static void who_has_a_port_is_named(void)
{
    static const char *const pairs[][2] = {{"127.0.0.1", "localhost"}, {"127.0.0.1", "*"},
                                           {"*", "127.0.0.1"},         {"[::1]", "*"},
                                           {"[::1]", "[::1]"},         {"0.0.0.0", "lo"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char free_one[LOOPBACK_ENDPOINT_BYTES_MAX], endpoint[ENDPOINT_BYTES_MAX];
        struct fault fault;
        char wanted[REASON_BYTES_MAX];
        int sockets[BINDING_SOCKETS_MAX];
        loopback_endpoint(free_one);
        with_host(free_one, pairs[i][0], endpoint);
        if (binding_listen(endpoint, &first, sockets, &fault) == 0) {
            printf("    %s cannot be bound here: %s\n", endpoint, fault.text);
            continue;
        }
        snprintf(wanted, sizeof wanted, "Address already in use, by process %d (this one)",
                 (int)getpid());
        with_host(free_one, pairs[i][1], endpoint);
        refuse(endpoint, wanted);
        close_all(sockets, 1);
    }
}

/* A listener takes a port; a connection from that port to another host does not. */
static void who_only_uses_a_port_is_named_too(void)
{
    char free_one[LOOPBACK_ENDPOINT_BYTES_MAX], endpoint[LOOPBACK_ENDPOINT_BYTES_MAX];
    struct fault fault;
    int listener[BINDING_SOCKETS_MAX], user = socket(AF_INET, SOCK_STREAM, 0);
    loopback_endpoint(free_one);
    loopback_endpoint(endpoint);
    CHECK_INT(binding_listen(free_one, &first, listener, &fault), 1);
    struct sockaddr_in own = loopback_address(endpoint), other = loopback_address(free_one);
    CHECK_INT(bind(user, (struct sockaddr *)&own, sizeof own), 0);
    CHECK_INT(connect(user, (struct sockaddr *)&other, sizeof other), 0);
    refuse(endpoint, "Address already in use, by process ");
    close(user);
    close(listener[0]);
}

static int option_of(int fd, int level, int name)
{
    int value = 0;
    socklen_t bytes = sizeof value;
    CHECK_INT(getsockopt(fd, level, name, &value, &bytes), 0);
    return value;
}

static void options_are_set(void)
{
    static const struct binding_socket_option wanted[] = {{SOL_SOCKET, SO_KEEPALIVE, 1},
                                                          {IPPROTO_TCP, TCP_KEEPIDLE, 71}};
    struct binding_options options = {
        .backlog = 1, .socket_options = wanted, .socket_option_count = 2};
    struct fault fault;
    int sockets[BINDING_SOCKETS_MAX];
    CHECK_INT(binding_listen("tcp://127.0.0.1:*", &options, sockets, &fault), 1);
    CHECK_INT(option_of(sockets[0], SOL_SOCKET, SO_KEEPALIVE), 1);
    CHECK_INT(option_of(sockets[0], IPPROTO_TCP, TCP_KEEPIDLE), 71);
    CHECK_INT(option_of(sockets[0], SOL_SOCKET, SO_REUSEADDR), 1);
    close(sockets[0]);
}

static void a_socket_without_its_options_is_closed(void)
{
    static const struct binding_socket_option unknown[] = {{SOL_SOCKET, SO_KEEPALIVE, 1},
                                                           {SOL_SOCKET, INT_MAX, 1}};
    struct binding_options options = {
        .backlog = 1, .socket_options = unknown, .socket_option_count = 2};
    struct fault fault;
    int sockets[BINDING_SOCKETS_MAX], before = dup(0);
    CHECK_INT(binding_listen("tcp://127.0.0.1:*", &options, sockets, &fault), 0);
    close(before);
    int after = dup(0);
    CHECK_INT(after, before);
    close(after);
}

static void a_socket_of_ZeroMQ_is_bound_the_same(void)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "lo", "*"};
    void *context = zmq_ctx_new();
    struct fault fault = {0};
    char wanted[REASON_BYTES_MAX];
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char free_one[LOOPBACK_ENDPOINT_BYTES_MAX], endpoint[ENDPOINT_BYTES_MAX];
        void *socket = zmq_socket(context, ZMQ_ROUTER);
        void *other = zmq_socket(context, ZMQ_ROUTER);
        loopback_endpoint(free_one);
        with_host(free_one, hosts[i], endpoint);
        CHECK(binding_zmq(socket, endpoint, &fault));
        CHECK(is_reached(endpoint));
        CHECK(!binding_zmq(other, endpoint, &fault));
        snprintf(wanted, sizeof wanted, "Address already in use, by process %d (this one)",
                 (int)getpid());
        CHECK_BYTES(fault.text, strlen(fault.text), wanted, strlen(wanted));
        zmq_close(other);
        zmq_close(socket);
    }
    void *socket = zmq_socket(context, ZMQ_ROUTER);
    CHECK(!binding_zmq(socket, NOT_OURS, &fault));
    CHECK(strcmp(fault.text, "Cannot assign requested address") == 0);
    zmq_close(socket);
    zmq_ctx_term(context);
}

static const struct check_case cases[] = {
    {"a name is bound at what it stands for here", a_name_is_bound_where_it_is_here},
    {"every address takes both families", every_address_takes_both_families},
    {"what belongs to another machine is a reason", what_is_elsewhere_is_a_reason},
    {"a socket of somebody else is at the endpoint", a_socket_of_somebody_else_is_at_the_endpoint},
    {"who has a port is named", who_has_a_port_is_named},
    {"who only uses a port is named, too", who_only_uses_a_port_is_named_too},
    {"the options of a table are set, each with its value", options_are_set},
    {"a socket that cannot have its options is closed", a_socket_without_its_options_is_closed},
    {"a socket of ZeroMQ is bound the same", a_socket_of_ZeroMQ_is_bound_the_same},
};

CHECK_MAIN(cases)
