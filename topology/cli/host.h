/* host: what of a herd belongs to one host, and whether this machine can bind it.
 *
 * For `zherd check --host NAME`, to be run on that host before anything is started there. A process
 * belongs to NAME where one of its addresses for the herd (`bus`, `gateways`, `workers` and their
 * `_at`) is NAME, or stands for an address that NAME stands for, too; what is on
 * loopback belongs to the NAME of this machine. One that names no host ("*" alone) belongs to every
 * host. */
#ifndef ZHERD_TOPOLOGY_CLI_HOST_H
#define ZHERD_TOPOLOGY_CLI_HOST_H

#include <stdbool.h>

#include "topology/format/topology.h"

/* Whether `name` has the form of a host name or an address, IPv6 with or without brackets. */
bool host_is_name(const char *name);

/* Resolves and binds all of it at once, and lets it go. Prints a line for each address that is
 * bound, and for each that cannot be had "FILE:LINE: why" to standard error. False where there was
 * one, or where nothing belongs to the host. */
bool host_check(const char *path, const struct topology *topology, const char *name);

#endif
