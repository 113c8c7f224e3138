/* gateway_state: what gateway.c and reload.c share: the first is the node's loop, from its start to
 * its end, the second what of the node changes while it runs (gateway/node/gateway.h).
 *
 * It is no module: nobody else includes it.
 *
 * Invariant: flood, bus, keys and `peers` have the same peers in the same order. */
#ifndef ZHERD_GATEWAY_NODE_GATEWAY_STATE_H
#define ZHERD_GATEWAY_NODE_GATEWAY_STATE_H

#include <uv.h>

#include "bus/flood.h"
#include "bus/net/bus.h"
#include "bus/operators.h"
#include "gateway/node/clients.h"
#include "gateway/node/clock.h"
#include "gateway/node/gateway.h"
#include "gateway/node/monitor.h"
#include "gateway/node/node_access.h"
#include "gateway/node/node_journal.h"
#include "gateway/node/node_keys.h"
#include "gateway/node/places_client.h"
#include "gateway/node/status_log.h"
#include "gateway/text/phases.h"
#include "gateway/text/session.h"
#include "topology/format/logline.h"
#include "topology/log.h"

#define SIGNALS 4

struct gateway {
    struct gateway_options now;            /* with the file as it was read last */
    const struct gateway_options *options; /* those */
    struct topology *read;                 /* that file; NULL: it is that of the start */
    const struct topology_node *self;
    struct gateway_limits limits;
    uv_loop_t loop;
    uv_poll_t bus_poll, watch_poll, places_poll;
    uv_timer_t deadline, second;
    uv_check_t turn_end;
    uv_idle_t again; /* runs while something waits that no descriptor will tell of */
    uv_signal_t signals[SIGNALS];

    struct flood *flood;
    struct bus *bus;
    struct operators *operators;
    struct node_keys keys;
    struct node_access access;
    struct node_journal journal;
    struct places_clients places;
    struct node_monitor monitor;
    struct clients *clients;
    struct log *log;
    struct logline lines;
    struct session_node node;

    const struct topology_node **peers; /* in the order of the flood's and the bus's peers */
    size_t peer_count;
    size_t neighbour_count;            /* the peers before the observers */
    uint64_t incarnation, fingerprint; /* of this process, and of its file */
    bool bus_waits;                    /* input is there */
    bool watch_waits;                  /* connections to the bus came or went */
    bool coalesces;                    /* what is due waits for the end of the next turn */
    int64_t armed_ms;                  /* what the deadline timer is set to */
    bool is_in_vain; /* answers wait for a neighbour, none was up since, and the log says so */
    struct phases phases;
    struct status_log_table table_seen;
    struct status_log_drops dropped;
};

/* What limits the clients of a node by its file; borrows from the gateway and from `topology`. */
struct clients_options gateway_clients_options(const struct gateway *gateway,
                                               const struct topology *topology,
                                               const struct gateway_limits *limits,
                                               size_t peer_count);

static inline int64_t gateway_now_ms(const struct gateway *gateway)
{
    return clock_now_ms(uv_now(&gateway->loop));
}

#define gateway_note(gateway, kind, ...)                                                           \
    logline_say(&(gateway)->lines, clock_realtime_ns(), (kind), 0, __VA_ARGS__)

/* ---- gateway.c --------------------------------------------------------------------------- */

/* What happened to the links until now, for the log. */
void gateway_note_events(struct gateway *gateway);

/* ---- reload.c ---------------------------------------------------------------------------- */

/* Makes `peers`: who they are, in one order for the flood, the bus and the log. */
void gateway_find_peers(struct gateway *gateway);
/* The same in the words of the bus, to be freed; they borrow from the topology. */
struct bus_peer *gateway_bus_peers(const struct gateway *gateway);

/* The optional commands as the file has them, and what operators may. */
void gateway_set_options(struct gateway *gateway);

/* Reads the file again, and takes all of it or nothing: whether it was taken. */
bool gateway_read_again(struct gateway *gateway);
/* Gives back what was read. */
void gateway_forget_file(struct gateway *gateway);

#endif
