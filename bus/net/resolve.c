#include "bus/net/resolve.h"

#include <assert.h>
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/bytes.h"

/* "65535" or "*" */
#define PORT_BYTES_MAX 5
/* What getaddrinfo and the modules of nsswitch.conf(5) need, and room for a sanitizer. */
#define STACK_BYTES (512 * 1024)
#define RANKS       4

struct target {
    char host[RESOLVE_HOST_BYTES_MAX + 1]; /* without brackets */
    char port[PORT_BYTES_MAX + 1];
};

struct answer {
    struct resolve_addresses addresses;
    struct fault fault; /* all zero where there are addresses */
    bool is_malformed;
};

/* Shared by who asked and the thread that looks: the last of the two frees it. */
struct resolve {
    struct target target;
    struct answer answer; /* the thread's until is_done, then the asker's */
    atomic_bool is_done;
    atomic_int owners;
    bool is_begun; /* the asker's: it is done or has a thread */
};

/* In the whole process. */
static atomic_int threads;

/* ---- from names to texts ---- */

/* Digits, or "*". Whether it is small enough is for whoever binds or connects to say. */
static bool is_port(const char *text)
{
    size_t bytes = strlen(text);
    return bytes > 0 && bytes <= PORT_BYTES_MAX &&
           (strspn(text, "0123456789") == bytes || strcmp(text, "*") == 0);
}

static bool split(const char *endpoint, struct target *target)
{
    static const char scheme[] = "tcp://";
    const char *host = endpoint + strlen(scheme), *colon = strrchr(endpoint, ':');
    if (strncmp(endpoint, scheme, strlen(scheme)) != 0 || colon <= host)
        return false;
    size_t bytes = (size_t)(colon - host);
    if (bytes > 2 && host[0] == '[' && host[bytes - 1] == ']') {
        host++;
        bytes -= 2;
    }
    if (bytes > RESOLVE_HOST_BYTES_MAX || !is_port(colon + 1))
        return false;
    snprintf(target->host, sizeof target->host, "%.*s", (int)bytes, host);
    strcpy(target->port, colon + 1);
    return true;
}

static void add_text(struct resolve_addresses *addresses, const char *text)
{
    for (size_t i = 0; i < addresses->count; i++)
        if (strcmp(addresses->endpoints[i], text) == 0)
            return;
    if (addresses->count < RESOLVE_ADDRESSES_MAX)
        strcpy(addresses->endpoints[addresses->count++], text);
}

static void add_address(struct resolve_addresses *addresses, const struct sockaddr *address,
                        const char *port)
{
    bool is_v6 = address->sa_family == AF_INET6;
    socklen_t bytes = is_v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    char host[RESOLVE_ENDPOINT_BYTES_MAX - sizeof "tcp://[]:65535"];
    char text[RESOLVE_ENDPOINT_BYTES_MAX];
    if (getnameinfo(address, bytes, host, sizeof host, NULL, 0, NI_NUMERICHOST) != 0)
        return;
    snprintf(text, sizeof text, is_v6 ? "tcp://[%s]:%s" : "tcp://%s:%s", host, port);
    add_text(addresses, text);
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    uint32_t host = ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
    return host >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
}

/* The smallest goes first; RANKS for what is no address of the internet. */
static int rank(const struct sockaddr *address)
{
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return RANKS;
    return (is_loopback(address) ? 2 : 0) + (address->sa_family == AF_INET6 ? 1 : 0);
}

/* A fault of getaddrinfo(3), or 0. */
static int look_up(const struct target *target, int flags, struct resolve_addresses *addresses)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *list = NULL;
    int fault = getaddrinfo(target->host, NULL, &hints, &list);
    if (fault != 0)
        return fault;
    for (int wanted = 0; wanted < RANKS; wanted++)
        for (const struct addrinfo *at = list; at != NULL; at = at->ai_next)
            if (rank(at->ai_addr) == wanted)
                add_address(addresses, at->ai_addr, target->port);
    freeaddrinfo(list);
    return addresses->count > 0 ? 0 : EAI_NONAME;
}

static void answer_by_name(const struct target *target, struct answer *answer)
{
    int fault = look_up(target, 0, &answer->addresses);
    if (fault == EAI_SYSTEM)
        fault_set(&answer->fault, "cannot resolve %s: %s", target->host, strerror(errno));
    else if (fault != 0)
        fault_set(&answer->fault, "cannot resolve %s: %s", target->host, gai_strerror(fault));
}

/* True where no name has to be asked for: the answer is there, be it a fault. */
static bool answer_at_once(const char *endpoint, struct target *target, struct answer *answer)
{
    if (split(endpoint, target))
        return look_up(target, AI_NUMERICHOST, &answer->addresses) == 0;
    fault_set(&answer->fault, "not of the form tcp://host:port");
    return answer->is_malformed = true;
}

/* ---- without waiting ---- */

static void release(struct resolve *resolve)
{
    if (atomic_fetch_sub(&resolve->owners, 1) == 1)
        free(resolve);
}

static void *run(void *user)
{
    struct resolve *resolve = user;
    answer_by_name(&resolve->target, &resolve->answer);
    atomic_store(&resolve->is_done, true);
    release(resolve);
    atomic_fetch_sub(&threads, 1);
    return NULL;
}

/* A thread of nobody: it ends when getaddrinfo does. Signals are for the threads of others. */
static bool start_thread(struct resolve *resolve)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, &attributes, run, resolve);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failed == 0;
}

/* Where there is no room for a thread, the next poll tries again. */
static void try_to_start(struct resolve *resolve)
{
    if (atomic_fetch_add(&threads, 1) < RESOLVE_THREADS_MAX) {
        atomic_fetch_add(&resolve->owners, 1);
        resolve->is_begun = start_thread(resolve);
        if (resolve->is_begun)
            return;
        atomic_fetch_sub(&resolve->owners, 1);
    }
    atomic_fetch_sub(&threads, 1);
}

struct resolve *resolve_begin(const char *endpoint)
{
    struct resolve *resolve = bytes_zeroed(sizeof *resolve);
    atomic_init(&resolve->owners, 1);
    resolve->is_begun = answer_at_once(endpoint, &resolve->target, &resolve->answer);
    atomic_init(&resolve->is_done, resolve->is_begun);
    if (!resolve->is_begun)
        try_to_start(resolve);
    return resolve;
}

static bool give(const struct answer *answer, struct resolve_addresses *addresses,
                 struct fault *fault)
{
    if (answer->addresses.count > 0)
        *addresses = answer->addresses;
    else
        *fault = answer->fault;
    return answer->addresses.count > 0;
}

enum resolve_state resolve_poll(struct resolve *resolve, struct resolve_addresses *addresses,
                                struct fault *fault)
{
    if (!resolve->is_begun)
        try_to_start(resolve);
    if (!atomic_load(&resolve->is_done))
        return RESOLVE_PENDING;
    if (give(&resolve->answer, addresses, fault))
        return RESOLVE_FOUND;
    return resolve->answer.is_malformed ? RESOLVE_MALFORMED : RESOLVE_FAILED;
}

void resolve_end(struct resolve **resolve_at)
{
    struct resolve *resolve = *resolve_at;
    *resolve_at = NULL;
    if (resolve != NULL)
        release(resolve);
}

/* ---- with waiting ---- */

bool resolve_now(const char *endpoint, struct resolve_addresses *addresses, struct fault *fault)
{
    struct target target;
    struct answer answer = {0};
    if (!answer_at_once(endpoint, &target, &answer))
        answer_by_name(&target, &answer);
    return give(&answer, addresses, fault);
}

/* Whether this machine has an interface of that name: then `answer` has its addresses, or why there
 * are none. */
static bool answer_by_interface(const struct target *target, struct answer *answer)
{
    struct ifaddrs *list = NULL;
    if (if_nametoindex(target->host) == 0)
        return false;
    if (getifaddrs(&list) != 0) {
        fault_set(&answer->fault, "cannot read the addresses of interface %s: %s", target->host,
                  strerror(errno));
        return true;
    }
    for (int wanted = 0; wanted < RANKS; wanted++)
        for (const struct ifaddrs *at = list; at != NULL; at = at->ifa_next)
            if (at->ifa_addr != NULL && strcmp(at->ifa_name, target->host) == 0 &&
                rank(at->ifa_addr) == wanted)
                add_address(&answer->addresses, at->ifa_addr, target->port);
    freeifaddrs(list);
    if (answer->addresses.count == 0)
        fault_set(&answer->fault, "interface %s has no address", target->host);
    return true;
}

bool resolve_to_bind(const char *endpoint, struct resolve_addresses *addresses, struct fault *fault)
{
    struct target target;
    struct answer answer = {0};
    if (!answer_at_once(endpoint, &target, &answer)) {
        if (strcmp(target.host, "*") == 0)
            snprintf(answer.addresses.endpoints[answer.addresses.count++],
                     RESOLVE_ENDPOINT_BYTES_MAX, "tcp://*:%s", target.port);
        else if (!answer_by_interface(&target, &answer))
            answer_by_name(&target, &answer);
    }
    return give(&answer, addresses, fault);
}
