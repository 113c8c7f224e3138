#include "topology/cli/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "bus/base/bytes.h"
#include "bus/net/binding.h"
#include "bus/net/resolve.h"
#include "topology/format/endpoints.h"
#include "topology/say.h"

/* A name without an answer after this counts as unknown: names of other hosts may be. */
#define RESOLVE_MS_MAX 15000
#define POLL_MS        5
/* How much of a list of hosts a sentence quotes. */
#define LIST_BYTES_MAX 400

/* A host that the file names. */
struct host_named {
    const char *text;
    struct resolve *resolve;
    struct resolve_addresses addresses; /* none where it is unknown */
    bool is_here;
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

bool host_name_is_good(const char *name)
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
        (struct host_named){.text = text, .resolve = resolve_begin(endpoint)};
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
    struct fault fault;
    for (size_t pending = 1; pending > 0 && now_ms() < until_ms;) {
        pending = 0;
        for (size_t i = 0; i < host->named_count; i++)
            pending += resolve_poll(host->named[i].resolve, &host->named[i].addresses, &fault) ==
                       RESOLVE_PENDING;
        if (pending > 0)
            nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    for (size_t i = 0; i < host->named_count; i++)
        resolve_end(&host->named[i].resolve);
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
    struct fault fault;
    char endpoint[TOPOLOGY_ENDPOINT_BYTES_MAX + 1];
    int sockets[BINDING_SOCKETS_MAX];
    snprintf(endpoint, sizeof endpoint, "%.*s:0",
             (int)(strrchr(host->name.text, ':') - host->name.text), host->name.text);
    size_t count = binding_listen(endpoint, &options, sockets, &fault);
    if (count > 0)
        close(sockets[0]);
    return count > 0;
}

static void find_who_is_here(struct host *host)
{
    const struct host_named *self = &host->named[0];
    bool is_ours = is_of_this_machine(host);
    host->named[0].is_here = true;
    for (size_t i = 1; i < host->named_count; i++) {
        struct host_named *named = &host->named[i];
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

bool host_find(struct host *host, const struct topology *topology, const char *name)
{
    *host = (struct host){
        .bindings = bytes_zeroed(TOPOLOGY_BINDINGS_MAX * sizeof *host->bindings),
        .named = bytes_zeroed((2 * TOPOLOGY_BINDINGS_MAX + 1) * sizeof *host->named),
        .belongs = bytes_zeroed(TOPOLOGY_BINDINGS_MAX * sizeof *host->belongs),
    };
    parse_name(name, &host->name);
    add_named(host, host->name.host);
    host->binding_count = topology_bindings(topology, host->bindings);
    for (size_t i = 0; i < host->binding_count; i++) {
        const char *hosts[2];
        for (size_t count = topology_binding_hosts(&host->bindings[i], hosts); count > 0; count--)
            add_named(host, hosts[count - 1]);
    }
    resolve_all(host);
    find_who_is_here(host);
    return find_what_belongs(host);
}

void host_free(struct host *host)
{
    free(host->belongs);
    free(host->named);
    free(host->bindings);
}

const char *host_next_unknown(const struct host *host, size_t *index)
{
    while (++*index < host->named_count)
        if (host->named[*index].addresses.count == 0)
            return host->named[*index].text;
    return NULL;
}

void host_say_nothing_belongs(const struct host *host, const char *path)
{
    char list[LIST_BYTES_MAX] = "";
    size_t used = 0;
    for (size_t i = 1; i < host->named_count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 1 ? ", " : "",
                                 host->named[i].text);
    if (used >= sizeof list)
        strcpy(list + sizeof list - sizeof "...", "...");
    say("no process in %s belongs to host %s%s; the hosts in it are %s", path, host->named[0].text,
        host->named[0].addresses.count > 0 ? "" : ", which does not resolve here", list);
}
