/* gateway: one node: clients on one side, the bus on the other, one loop between them.
 *
 * It joins what the other files decide and carry, and decides nothing itself. Each turn of the
 * loop takes what clients, bus and places service have sent, and at its end sends once to each
 * peer and writes the log once. */
#ifndef ZHERD_GATEWAY_NODE_GATEWAY_H
#define ZHERD_GATEWAY_NODE_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/flood.h"
#include "bus/operators.h"
#include "gateway/text/watchers.h"
#include "topology/activation.h"
#include "topology/format/settings.h"
#include "topology/format/topology.h"

/* New clients of one address a second, unless it is said. Ten times what the busiest node of a herd
 * of 4,000,000 clients has to learn within seven minutes after all of it was restarted. */
#define GATEWAY_NEW_CLIENTS_PER_S 10000
/* Lines a second about connections in a log of events, unless it is said: 10,000 connections that
 * come and go, or 3 MB a second. */
#define GATEWAY_LOG_RATE 20000u

/* What holds for the node: the nearest of its options, its section of the file and the herd's. */
struct gateway_limits {
    struct settings said;   /* by the nearest of them */
    bool log_commands;      /* every command and reply, not only events */
    uint32_t log_rate;      /* lines about connections a second; 0: no limit */
    uint32_t log_one_in;    /* of so many commands one is logged */
    uint64_t log_bytes_max; /* of one file; 0: no limit */
    enum logline_level log_level;
    enum logline_format log_format;
    /* Of one address; a rate of 0 is no limit. */
    uint32_t new_clients_per_s, new_clients_burst;
    uint32_t clients_max; /* known ids, see flood_options; not connections */
    uint64_t table_bytes_max;
};

struct gateway_options {
    const struct topology *topology;
    const char *topology_file; /* where it came from: keys are read again from there */
    uint32_t node;             /* index of the node to be */
    const char *log_folder;
    const char *data_folder;   /* of the journal, or NULL; not used where the herd has none */
    const char *import_file;   /* AT lines to begin with, or NULL */
    struct settings said;      /* by the options */
    uint64_t memory_share;     /* bytes of the table where nobody says it */
    struct activation adopted; /* sockets for the clients' door; or none */
    int64_t ready_within_ms;   /* ready after this, whatever is missing */
    int64_t drain_ms;          /* of ordinary service after TERM */
};

/* Runs the node until TERM or INT; HUP makes it open the log again and read the file again. Its
 * state goes to standard output (topology/status.h). False when it could not start: one line on
 * standard error says why. */
bool gateway_run(const struct gateway_options *options);

/* ---- node_flood.c ------------------------------------------------------------------------ */

/* What answers wait for, of enum promises_by. */
unsigned gateway_promises(const struct topology *topology);

/* The flood of the node, with all that its file and options say, and a hash key of its own. */
struct flood *gateway_make_flood(const struct gateway_options *options,
                                 const struct gateway_limits *limits,
                                 const struct topology_node *const *peers, size_t peer_count,
                                 uint64_t incarnation);

/* Says to those who ask what the nodes of that file are, whose fingerprint that is. */
void gateway_name_nodes(struct operators *operators, const struct topology *topology,
                        uint64_t fingerprint);

/* Those who are told what changes in its table, with a hash key of their own; NULL where the herd
 * has no WATCH. */
struct watchers *gateway_make_watchers(const struct gateway_options *options,
                                       const struct gateway_limits *limits, struct flood *flood);

/* ---- node_limits.c ----------------------------------------------------------------------- */

/* What holds for node number `node` of the file. Where nothing is said: new clients that one
 * address may bring at once are a quarter of those that the node may know, divided by the nodes. */
struct gateway_limits gateway_limits(const struct gateway_options *options,
                                     const struct topology *topology, uint32_t node);

#endif
