/* host: which processes of a herd belong to one host, for the subcommands that work on that host.
 *
 * A process belongs to it where one of its addresses for the herd (`bus`, `gateways`, `workers` and
 * their `_at`) is the host's name, or stands for an address that the name stands for, too; what is
 * on loopback belongs to the name of this machine. A process that names no host ("*" alone) belongs
 * to every host. Names are resolved; nothing stays bound. */
#ifndef ZHERD_TOPOLOGY_CLI_HOST_H
#define ZHERD_TOPOLOGY_CLI_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "topology/format/bindings.h"
#include "topology/format/topology.h"

struct host_named;

struct host {
    struct topology_endpoint name;     /* of the host; its port means nothing */
    struct topology_binding *bindings; /* of all processes */
    size_t binding_count;
    struct host_named *named; /* hosts that the file names; the first is the host itself */
    size_t named_count;
    bool *belongs; /* by process, as in the bindings */
};

/* Whether `name` has the form of a host name or an address, IPv6 with or without brackets. */
bool host_name_is_good(const char *name);

/* Finds what belongs to a host whose name is good, and false where that is nothing. Borrows from
 * the topology. May wait for name servers. host_free is due in any case. */
bool host_find(struct host *host, const struct topology *topology, const char *name);
void host_free(struct host *host);

/* The next name in the file that does not resolve; `*index` begins at 0. NULL: no more. It is no
 * fault: only those who connect there must know it. */
const char *host_next_unknown(const struct host *host, size_t *index);

/* On standard error: no process of the file at `path` belongs to it, and whose there are. */
void host_say_nothing_belongs(const struct host *host, const char *path);

#endif
