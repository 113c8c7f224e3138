#include "topology/cli/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bus/base/bytes.h"
#include "bus/net/binding.h"
#include "topology/format/bindings.h"
#include "topology/format/endpoints.h"
#include "topology/reach.h"

/* Names that are not resolved after so long stand for nothing: other hosts' need not be. */
#define RESOLVE_MS_MAX 15000
#define POLL_MS        5
/* How much of a list of hosts a sentence quotes. */
#define LIST_BYTES_MAX 400

/* A host that the file names. */
struct named {
    const char *text;
    struct resolve *resolve;
    struct resolve_addresses addresses; /* none where it is unknown */
    bool is_here;
};

struct host {
    const char *path;
    struct topology_endpoint name; /* of the host; its port means nothing */
    struct topology_binding *bindings;
    size_t binding_count;
    struct named *named; /* the first is the host itself */
    size_t named_count;
    bool *belongs; /* by process */
    int *
        sockets; /* all that was bound, until the end: two of one host may be in each other's way */
    size_t socket_count;
    bool is_good;
};

/* ---- what names stand for ---- */

/* An IPv6 address without its brackets ends at the last colon. */
static const char *parse_name(const char *name, struct topology_endpoint *endpoint)
{
    char text[TOPOLOGY_ENDPOINT_BYTES_MAX + 1];
    bool is_bare_v6 = strchr(name, ':') != NULL && name[0] != '[';
    int bytes = snprintf(text, sizeof text, is_bare_v6 ? "tcp://[%s]:1" : "tcp://%s:1", name);
    return bytes < (int)sizeof text ? topology_endpoint_parse(text, endpoint) : "write less";
}

bool host_is_name(const char *name)
{
    struct topology_endpoint endpoint;
    return parse_name(name, &endpoint) == NULL && topology_host_is_reachable(endpoint.host);
}

static void add_named(struct host *host, const char *text)
{
    char endpoint[TOPOLOGY_ENDPOINT_BYTES_MAX + 1];
    for (size_t i = 0; i < host->named_count; i++)
        if (strcasecmp(host->named[i].text, text) == 0)
            return;
    snprintf(endpoint, sizeof endpoint, strchr(text, ':') ? "tcp://[%s]:1" : "tcp://%s:1", text);
    host->named[host->named_count++] =
        (struct named){.text = text, .resolve = resolve_begin(endpoint)};
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* All names are asked for at the same time: other hosts' name servers may be slow. */
static void resolve_all(struct host *host)
{
    int64_t until_ms = now_ms() + RESOLVE_MS_MAX;
    char error[RESOLVE_ERROR_BYTES_MAX];
    for (size_t pending = 1; pending > 0 && now_ms() < until_ms;) {
        pending = 0;
        for (size_t i = 0; i < host->named_count; i++)
            pending += resolve_poll(host->named[i].resolve, &host->named[i].addresses, error) ==
                       RESOLVE_PENDING;
        if (pending > 0)
            nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    for (size_t i = 0; i < host->named_count; i++)
        resolve_end(&host->named[i].resolve);
}

/* It is no fault: only those who connect there must know it. */
static void say_who_is_unknown(const struct host *host)
{
    for (size_t i = 1; i < host->named_count; i++)
        if (host->named[i].addresses.count == 0)
            printf("%s is unknown here\n", host->named[i].text);
}

static bool share_an_address(const struct resolve_addresses *a, const struct resolve_addresses *b)
{
    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++)
            if (strcmp(a->endpoints[i], b->endpoints[j]) == 0)
                return true;
    return false;
}

/* Any free port shows it. */
static bool is_of_this_machine(const struct host *host)
{
    struct binding_options options = {.backlog = 1};
    char reason[BINDING_REASON_BYTES_MAX], endpoint[TOPOLOGY_ENDPOINT_BYTES_MAX + 1];
    int sockets[BINDING_SOCKETS_MAX];
    snprintf(endpoint, sizeof endpoint, "%.*s:0",
             (int)(strrchr(host->name.text, ':') - host->name.text), host->name.text);
    size_t count = binding_listen(endpoint, &options, sockets, reason);
    if (count > 0)
        close(sockets[0]);
    return count > 0;
}

static void find_who_is_here(struct host *host)
{
    const struct named *self = &host->named[0];
    bool is_ours = is_of_this_machine(host);
    host->named[0].is_here = true;
    for (size_t i = 1; i < host->named_count; i++) {
        struct named *named = &host->named[i];
        named->is_here = share_an_address(&self->addresses, &named->addresses) ||
                         (is_ours && topology_host_is_loopback(named->text));
    }
}

/* ---- what belongs to the host ---- */

static bool is_here(const struct host *host, const char *text)
{
    for (size_t i = 0; i < host->named_count; i++)
        if (strcasecmp(host->named[i].text, text) == 0)
            return host->named[i].is_here;
    return false;
}

/* A process that names no host belongs to each. */
static bool find_what_belongs(struct host *host)
{
    bool any = false;
    for (size_t i = 0; i < host->binding_count;) {
        uint32_t process = host->bindings[i].process;
        size_t named = 0, here = 0;
        for (; i < host->binding_count && host->bindings[i].process == process; i++) {
            const char *hosts[2];
            size_t count = topology_binding_hosts(&host->bindings[i], hosts);
            named += count;
            for (size_t j = 0; j < count; j++)
                here += is_here(host, hosts[j]);
        }
        host->belongs[process] = here > 0 || named == 0;
        any = any || host->belongs[process];
    }
    return any;
}

static void say_nothing_belongs(const struct host *host)
{
    char list[LIST_BYTES_MAX] = "";
    size_t used = 0;
    for (size_t i = 1; i < host->named_count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 1 ? ", " : "",
                                 host->named[i].text);
    if (used >= sizeof list)
        strcpy(list + sizeof list - sizeof "...", "...");
    fprintf(stderr, "zherd check: nothing in %s belongs to host %s%s; it names %s\n", host->path,
            host->named[0].text,
            host->named[0].addresses.count > 0 ? "" : ", which is unknown here", list);
}

/* ---- binding it ---- */

static void say(const struct topology_binding *binding, int fd)
{
    char text[RESOLVE_ENDPOINT_BYTES_MAX];
    struct topology_endpoint numbers;
    binding_name(fd, text);
    bool is_close = topology_endpoint_parse(text, &numbers) == NULL &&
                    topology_host_is_loopback(numbers.host) &&
                    !topology_host_is_loopback(binding->bound.host);
    printf("%s: `%s` %s binds %s%s\n", binding->owner, binding->key, binding->bound.text, text,
           is_close ? ", which only this machine reaches" : "");
}

static void try_binding(struct host *host, const struct topology_binding *binding)
{
    struct binding_options options = {.backlog = 1,
                                      .everywhere = strcmp(binding->key, "clients") == 0};
    char reason[BINDING_REASON_BYTES_MAX], error[REACH_ERROR_BYTES_MAX];
    int *sockets = &host->sockets[host->socket_count];
    size_t count = binding_listen(binding->bound.text, &options, sockets, reason);
    bool is_reachable =
        !binding->is_reached || reach_is_said(&binding->bound, binding->at, binding->at_key, error);
    host->socket_count += count;
    host->is_good = host->is_good && count > 0 && is_reachable;
    if (count == 0)
        fprintf(stderr, "%s:%u: cannot bind %s: %s\n", host->path, binding->bound.line,
                binding->bound.text, reason);
    else if (!is_reachable)
        fprintf(stderr, "%s:%u: %s\n", host->path, binding->bound.line, error);
    for (size_t i = 0; i < count; i++)
        say(binding, sockets[i]);
}

static void try_all(struct host *host)
{
    if (!find_what_belongs(host)) {
        host->is_good = false;
        say_nothing_belongs(host);
    }
    for (size_t i = 0; i < host->binding_count; i++)
        if (host->belongs[host->bindings[i].process])
            try_binding(host, &host->bindings[i]);
    while (host->socket_count > 0)
        close(host->sockets[--host->socket_count]);
}

bool host_check(const char *path, const struct topology *topology, const char *name)
{
    struct host host = {
        .path = path,
        .bindings = bytes_zeroed(TOPOLOGY_BINDINGS_MAX * sizeof *host.bindings),
        .named = bytes_zeroed((2 * TOPOLOGY_BINDINGS_MAX + 1) * sizeof *host.named),
        .belongs = bytes_zeroed(TOPOLOGY_BINDINGS_MAX * sizeof *host.belongs),
        .sockets = bytes_zeroed(TOPOLOGY_BINDINGS_MAX * BINDING_SOCKETS_MAX * sizeof *host.sockets),
        .is_good = parse_name(name, &host.name) == NULL,
    };
    add_named(&host, host.name.host);
    host.binding_count = topology_bindings(topology, host.bindings);
    for (size_t i = 0; i < host.binding_count; i++) {
        const char *hosts[2];
        for (size_t count = topology_binding_hosts(&host.bindings[i], hosts); count > 0; count--)
            add_named(&host, hosts[count - 1]);
    }
    resolve_all(&host);
    say_who_is_unknown(&host);
    find_who_is_here(&host);
    try_all(&host);
    free(host.sockets);
    free(host.belongs);
    free(host.named);
    free(host.bindings);
    return host.is_good;
}
