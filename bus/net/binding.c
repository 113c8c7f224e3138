#include "bus/net/binding.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus/base/printable.h"

#define SOCKET_LINE_BYTES_MAX 512
#define PATH_BYTES_MAX        64
/* TASK_COMM_LEN of Linux, the NUL included. */
#define PROGRAM_BYTES_MAX 16
/* "socket:[18446744073709551615]" */
#define LINK_BYTES_MAX 40
/* The state TCP_LISTEN of Linux (include/net/tcp_states.h). */
#define LISTENS 10
/* Hexadecimal digits of an address in /proc/net/tcp6, and of one number of it. */
#define ADDRESS_DIGITS 32
#define WORD_DIGITS    8

/* ---- who has a port that is in use ----
 *
 * It reads /proc (proc(5)) for a sentence that helps an operator. It is no lock and no check: the
 * answer may be out of date when it is read. */

struct holder {
    int pid;
    char program[PROGRAM_BYTES_MAX]; /* printable */
};

/* IPv4 as IPv6 has it (RFC 4291, section 2.5.5.2). */
struct place {
    struct in6_addr address;
    bool is_any;
    unsigned port;
};

static void set_v4(struct place *place, uint32_t network_order)
{
    place->address = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(&place->address.s6_addr[12], &network_order, sizeof network_order);
    place->is_any = network_order == INADDR_ANY;
}

static void set_v6(struct place *place, const struct in6_addr *address)
{
    place->address = *address;
    place->is_any = IN6_IS_ADDR_UNSPECIFIED(address);
}

static bool read_endpoint(const char *endpoint, struct place *place)
{
    char host[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    if (sscanf(endpoint, "tcp://[%45[^]%%]", host) != 1 &&
        sscanf(endpoint, "tcp://%45[^:]", host) != 1)
        return false;
    place->port = (unsigned)strtoul(strrchr(endpoint, ':') + 1, NULL, 10);
    if (inet_pton(AF_INET, host, &v4) == 1)
        set_v4(place, v4.s_addr);
    else if (inet_pton(AF_INET6, host, &v6) == 1)
        set_v6(place, &v6);
    else
        *place = (struct place){.is_any = true, .port = place->port};
    return true;
}

/* One line of /proc/net/tcp or tcp6: its local end, its state and the number of its socket. Each
 * four bytes of an address stand there as one number of the machine's own byte order. */
static bool read_socket_line(const char *line, struct place *place, unsigned *state,
                             unsigned long *inode)
{
    char digits[ADDRESS_DIGITS + 1];
    uint32_t words[4];
    if (sscanf(line, " %*u: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*u %*d %lu", digits,
               &place->port, state, inode) != 4)
        return false;
    size_t count = strlen(digits) / WORD_DIGITS;
    for (size_t i = 0; i < count; i++)
        sscanf(digits + i * WORD_DIGITS, "%8" SCNx32, &words[i]);
    if (count == 4) {
        struct in6_addr address;
        memcpy(&address, words, sizeof address);
        set_v6(place, &address);
    } else if (count == 1) {
        set_v4(place, words[0]);
    }
    return count == 4 || count == 1;
}

static bool is_same(const struct place *a, const struct place *b)
{
    return a->port == b->port &&
           (a->is_any || b->is_any || IN6_ARE_ADDR_EQUAL(&a->address, &b->address));
}

/* The number of the socket there, or 0. */
static unsigned long find_socket(const char *table, const struct place *wanted, bool listens)
{
    char line[SOCKET_LINE_BYTES_MAX];
    unsigned long found = 0;
    FILE *file = fopen(table, "re");
    while (file != NULL && found == 0 && fgets(line, sizeof line, file) != NULL) {
        struct place place;
        unsigned state;
        unsigned long inode;
        if (read_socket_line(line, &place, &state, &inode) && (state == LISTENS) == listens &&
            is_same(&place, wanted))
            found = inode;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

static bool has_link(int folder, const char *wanted)
{
    DIR *links = fdopendir(folder);
    bool found = false;
    if (links == NULL) {
        close(folder);
        return false;
    }
    for (struct dirent *at; !found && (at = readdir(links)) != NULL;) {
        char link[LINK_BYTES_MAX + 1];
        ssize_t bytes = readlinkat(dirfd(links), at->d_name, link, LINK_BYTES_MAX);
        link[bytes > 0 ? bytes : 0] = '\0';
        found = strcmp(link, wanted) == 0;
    }
    closedir(links);
    return found;
}

static void read_program(int pid, char program[PROGRAM_BYTES_MAX])
{
    char path[PATH_BYTES_MAX];
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL || fgets(program, PROGRAM_BYTES_MAX, file) == NULL)
        program[0] = '\0';
    if (file != NULL)
        fclose(file);
    program[strcspn(program, "\n")] = '\0';
    printable_make(program);
}

static bool find_process(unsigned long inode, struct holder *holder)
{
    char wanted[LINK_BYTES_MAX], path[PATH_BYTES_MAX];
    DIR *processes = opendir("/proc");
    bool found = false;
    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    for (struct dirent *at; !found && processes != NULL && (at = readdir(processes)) != NULL;) {
        int pid = atoi(at->d_name);
        if (pid <= 0)
            continue;
        snprintf(path, sizeof path, "/proc/%d/fd", pid);
        int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        found = folder >= 0 && has_link(folder, wanted);
        if (found) {
            holder->pid = pid;
            read_program(pid, holder->program);
        }
    }
    if (processes != NULL)
        closedir(processes);
    return found;
}

/* The process with a TCP socket at that address, as numbers: "tcp://127.0.0.1:12500",
 * "tcp://[::1]:12500" or "tcp://" with "*" for every address. A socket that listens goes before one
 * that does not. False where there is none, or its process is another user's and /proc does not
 * say. */
static bool find_holder(const char *endpoint, struct holder *holder)
{
    static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    struct place wanted;
    if (!read_endpoint(endpoint, &wanted))
        return false;
    for (int listens = 1; listens >= 0; listens--)
        for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
            unsigned long inode = find_socket(tables[i], &wanted, listens != 0);
            if (inode != 0)
                return find_process(inode, holder);
        }
    return false;
}

/* ---- an endpoint and its addresses ---- */

/* An address family or an address that this machine does not have. */
static bool is_absent(int error)
{
    return error == EAFNOSUPPORT || error == EADDRNOTAVAIL || error == ENODEV;
}

/* Without "tcp://" and the port. */
static int host_bytes(const char *address)
{
    return (int)(strrchr(address, ':') - address);
}

static void say_elsewhere(const struct resolve_addresses *addresses, struct fault *fault)
{
    const size_t scheme = strlen("tcp://");
    fault_set(fault, "it is ");
    for (size_t i = 0; i < addresses->count; i++) {
        const char *address = addresses->endpoints[i] + scheme;
        fault_set(fault, "%s%s%.*s", fault->text, i > 0 ? ", " : "", host_bytes(address), address);
    }
    fault_set(fault, "%s; this machine has no such address", fault->text);
}

static void say_why(int error, const char *address, struct fault *fault)
{
    struct holder holder;
    if (error != EADDRINUSE || !find_holder(address, &holder))
        fault_set(fault, "%s", strerror(error));
    else
        fault_set(fault, "%s, by process %d (%s)", strerror(error), holder.pid,
                  holder.pid == getpid() ? "this one" : holder.program);
}

size_t binding_each(const char *endpoint, bool everywhere, binding_try *try, void *user,
                    struct fault *fault)
{
    struct resolve_addresses addresses = {0};
    size_t bound = 0;
    if (!resolve_to_bind(endpoint, &addresses, fault))
        return 0;
    int error = 0;
    for (size_t i = 0; i < addresses.count && (bound == 0 || everywhere); i++) {
        error = try(user, addresses.endpoints[i]);
        if (error == 0) {
            bound++;
        } else if (!is_absent(error)) {
            say_why(error, addresses.endpoints[i], fault);
            return 0;
        }
    }
    bool was_a_name = strcmp(addresses.endpoints[0], endpoint) != 0;
    if (bound == 0 && was_a_name)
        say_elsewhere(&addresses, fault);
    else if (bound == 0)
        say_why(error, endpoint, fault);
    return bound;
}

/* ---- plain sockets ---- */

struct listening {
    const struct binding_options *options;
    int *sockets;
    size_t count;
};

/* False with errno: of a table whose rows are right, the system may still know too little. */
static bool set_options(int fd, const struct binding_socket_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                       sizeof options[i].value) != 0)
            return false;
    return true;
}

static bool prepare(int fd, int family, bool both_families, const struct binding_options *options)
{
    const struct binding_socket_option ours[] = {
        {SOL_SOCKET, SO_REUSEADDR, 1}, /* a port whose last connections are still ending is free */
        {IPPROTO_IPV6, IPV6_V6ONLY, !both_families}, /* not left to the system's default */
    };
    return set_options(fd, ours, family == AF_INET6 ? 2 : 1) &&
           set_options(fd, options->socket_options, options->socket_option_count);
}

/* 0 or an errno. */
static int listen_at(struct listening *listening, const struct addrinfo *at, bool both_families)
{
    const struct binding_options *options = listening->options;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    if (prepare(fd, at->ai_family, both_families, options) &&
        bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, options->backlog) == 0) {
        listening->sockets[listening->count++] = fd;
        return 0;
    }
    int error = errno;
    close(fd);
    return error;
}

static int listen_at_host(struct listening *listening, const char *host, const char *port,
                          bool both_families)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *at = NULL;
    if (getaddrinfo(host, port, &hints, &at) != 0)
        return EINVAL;
    int error = listen_at(listening, at, both_families);
    freeaddrinfo(at);
    return error;
}

/* One IPv6 socket takes both families; a machine without IPv6 gets one for IPv4. */
static int try_to_listen(void *user, const char *address)
{
    char host[RESOLVE_ENDPOINT_BYTES_MAX];
    const char *from = address + strlen("tcp://"), *port = strrchr(address, ':') + 1;
    bool brackets = from[0] == '[';
    snprintf(host, sizeof host, "%.*s", host_bytes(from) - 2 * brackets, from + brackets);
    if (strcmp(host, "*") != 0)
        return listen_at_host(user, host, port, false);
    int error = listen_at_host(user, "::", port, true);
    return is_absent(error) ? listen_at_host(user, "0.0.0.0", port, false) : error;
}

size_t binding_listen(const char *endpoint, const struct binding_options *options,
                      int sockets[BINDING_SOCKETS_MAX], struct fault *fault)
{
    struct listening listening = {.options = options, .sockets = sockets};
    size_t bound = binding_each(endpoint, options->everywhere, try_to_listen, &listening, fault);
    while (bound == 0 && listening.count > 0)
        close(sockets[--listening.count]);
    return bound;
}

void binding_name(int fd, char text[RESOLVE_ENDPOINT_BYTES_MAX])
{
    struct sockaddr_storage address = {0};
    socklen_t bytes = sizeof address;
    char host[RESOLVE_ENDPOINT_BYTES_MAX - sizeof "tcp://[]:65535"], port[sizeof "65535"];
    text[0] = '\0';
    if (getsockname(fd, (struct sockaddr *)&address, &bytes) == 0 &&
        getnameinfo((struct sockaddr *)&address, bytes, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(text, RESOLVE_ENDPOINT_BYTES_MAX,
                 strchr(host, ':') ? "tcp://[%s]:%s" : "tcp://%s:%s", host, port);
}

/* ---- sockets of somebody else ---- */

/* As the kernel shows it, where `address` is "*", too. */
static bool is_at(int fd, const char *address)
{
    char name[RESOLVE_ENDPOINT_BYTES_MAX];
    binding_name(fd, name);
    const size_t scheme = strlen("tcp://");
    if (address[scheme] != '*')
        return strcmp(name, address) == 0;
    return strcmp(strrchr(name, ':'), strrchr(address, ':')) == 0 &&
           (strncmp(name + scheme, "[::]:", 5) == 0 || strncmp(name + scheme, "0.0.0.0:", 8) == 0);
}

static bool is_at_one_of(int fd, const struct resolve_addresses *addresses)
{
    for (size_t i = 0; i < addresses->count; i++)
        if (is_at(fd, addresses->endpoints[i]))
            return true;
    return false;
}

bool binding_matches(const char *endpoint, const int *sockets, size_t count, struct fault *fault)
{
    struct resolve_addresses addresses = {0};
    if (count > BINDING_SOCKETS_MAX)
        return fault_set(fault, "%zu sockets are more than %s has addresses", count, endpoint);
    if (!resolve_to_bind(endpoint, &addresses, fault))
        return false;
    for (size_t i = 0; i < count; i++) {
        char name[RESOLVE_ENDPOINT_BYTES_MAX];
        if (is_at_one_of(sockets[i], &addresses))
            continue;
        binding_name(sockets[i], name);
        return fault_set(fault, "the socket is at %s, and not at %s", name, endpoint);
    }
    return true;
}
