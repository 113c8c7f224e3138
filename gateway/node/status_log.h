/* status_log: what happens to a node's links and its table, for the log and for who watches the
 * node.
 *
 * The log gets everything. Whoever started the node reads its standard output, line by line
 * (topology/status.h), and learns that it is ready and which links to neighbours are up, but
 * nothing of an observer's link, because nobody waits for that. The first lines of a log, and the
 * counters in its last, are written here, too. It decides nothing about links. */
#ifndef ZHERD_GATEWAY_NODE_STATUS_LOG_H
#define ZHERD_GATEWAY_NODE_STATUS_LOG_H

#include "bus/base/growth.h"
#include "bus/disk/journal.h"
#include "bus/flood.h"
#include "bus/net/bus.h"
#include "bus/operators.h"
#include "gateway/node/clients.h"
#include "gateway/node/import.h"
#include "gateway/node/places_client.h"
#include "gateway/text/client_limits.h"
#include "gateway/text/phases.h"
#include "gateway/text/session.h"
#include "topology/format/logline.h"
#include "topology/log.h"

struct node_journal;

/* A line on standard output that nobody takes is dropped: a full pipe must not stop the node. Where
 * the log is standard output, nothing else is written there, and this is a line of it. */
void status_log_ready(struct logline *lines, const struct log *log);

/* What a service manager shows of the node, in one line: its phase, where clients find it, and how
 * many links are up to its neighbours, the first of the flood's peers. */
void status_log_state(enum phase phase, const struct topology_node *self, const struct flood *flood,
                      size_t neighbours);

/* The machine's wall clock was set by so much. */
void status_log_jump(struct logline *lines, int64_t jump_ns);

/* What the node's journal gave at the start, and what of it was not to be had. */
void status_log_journal(struct logline *lines, uint32_t clients,
                        const struct journal_found_all *found, int64_t took_ms);

/* What became of the lines of a file of AT lines. */
void status_log_import(struct logline *lines, const char *path, const struct import_count *count,
                       int64_t took_ms);

/* `peer` is the name at the other end; an event of no peer takes any. */
void status_log_event(struct logline *lines, const struct log *log, const char *peer,
                      bool is_neighbour, const struct link_event *event);

/* What operators did. */
void status_log_operators(struct logline *lines, struct operators *operators);

/* Somebody of that name, which may hold any bytes, spoke to us and is no neighbour in the file that
 * was read at that moment (nanoseconds since 1970). */
void status_log_stranger(struct logline *lines, struct span name, int64_t read_ns);

/* The same for each name that the bus has not reported yet. */
void status_log_strangers(struct logline *lines, struct bus *bus, int64_t read_ns);

/* What became of connections to the bus over which no neighbour spoke, where there is news. */
void status_log_newcomers(struct logline *lines, struct bus *bus);

/* Something that is counted happened, unless it did not since the last call: "17 WHAT". */
void status_log_growth(struct logline *lines, struct growth *growth, uint64_t count,
                       const char *what);

/* What was logged of the limits of connections. All zero at first. */
struct status_log_limits {
    struct growth cut, silent, lookups;
    bool is_near[CLIENT_LIMITS_RESOURCES];
};

/* Who was refused or closed since the last call, one line for each limit, and which limits are
 * nearly reached. */
void status_log_limits(struct logline *lines, struct status_log_limits *logged,
                       struct client_limits *limits, const uint64_t endings[ENDINGS]);

/* What the log has of the table's refusals. All zero is nothing. */
struct status_log_table {
    struct growth clients, bytes, memory, locations;
};

/* A limit of the table that is near, and what it refused since the last call: some lines at most.
 * To be called once a second. */
void status_log_table(struct logline *lines, struct flood *flood, struct status_log_table *seen);

/* Why there is no connection to some of the peers, which are in the order of the bus. */
void status_log_troubles(struct logline *lines, struct bus *bus,
                         const struct topology_node *const *peers);

/* How the descriptors are divided from now on. */
void status_log_descriptors(struct logline *lines, const struct clients *clients);

/* The herd's `expire` and `forget`, as they are from now on. */
void status_log_forgetting(struct logline *lines, const char *kind, int64_t expire_ms, bool forget);

/* What the first lines and the last tell of. Borrowed. */
struct status_log_node {
    const struct gateway_options *options;
    const struct topology_node *self;
    uint64_t incarnation;
    bool has_keys;
    size_t links;
    const struct gateway_limits *limits;
    const struct flood *flood;
    struct bus *bus;
    const struct clients *clients;
    const struct session_counters *count;
    const struct reasons_counters *reasons;
    const struct watchers *watchers; /* or NULL */
    const struct log *log;
    const struct places_clients *places;
    struct operators *operators;
    const struct node_journal *journal;
    const struct logline *lines;
    const struct phases *phases;
    size_t neighbours; /* the first of the flood's peers */
    int64_t start_ms;  /* of the node */
    uint64_t topology; /* the fingerprint of its file, as it was taken last */
};

/* What the log has of messages of operators that were dropped, and of positions that were not
 * promised in time. All zero is nothing. */
struct status_log_drops {
    struct growth operators, unpromised;
};
void status_log_drops(struct logline *lines, const struct status_log_node *node,
                      struct status_log_drops *seen);

/* What an operator who asks for it hears of the node, from now on. To be called once a second. */
void status_log_figures(struct operators *operators, const struct status_log_node *node,
                        int64_t now_ms);

/* Who the node is, and its limits. */
void status_log_start(struct logline *lines, const struct status_log_node *node);

/* Its counters, in one line. Scripts read it: names and order stay, new ones go to the end. */
void status_log_stop(struct logline *lines, const struct status_log_node *node);

#endif
