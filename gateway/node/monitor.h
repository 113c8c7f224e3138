/* node_monitor: a node's monitor (topology/monitor.h) on the node's loop: puts together what is
 * shown, and when. What a page looks like, gateway/text/node_figures.h decides.
 *
 * A node whose section has no `monitor` has none, and then each call does nothing. Invariant: it
 * changes nothing of the node but what it counts itself. */
#ifndef ZHERD_GATEWAY_NODE_MONITOR_H
#define ZHERD_GATEWAY_NODE_MONITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "bus/base/fault.h"
#include "gateway/node/status_log.h"
#include "gateway/text/delays.h"
#include "gateway/text/node_figures.h"
#include "topology/monitor.h"

/* The node as it is now. */
struct gateway;
typedef struct status_log_node node_monitor_describe(const struct gateway *gateway);

/* All zero is none. */
struct node_monitor {
    struct monitor *monitor; /* NULL: none */
    uv_loop_t *loop;
    uv_poll_t poll;
    struct topology_monitor of; /* as it was at the start: the next one takes another */
    const struct gateway *gateway;
    node_monitor_describe *describe;
    struct process_figures process;
    size_t descriptors_at; /* connections there were when the descriptors were counted */
    struct delays delays;
    struct flood_link *links; /* room for as many as there are */
    bool reload_failed;       /* what HUP read last was refused, */
    int64_t reloaded_ns;      /* and when it was taken last, or the start: Unix time */
    char read[MONITOR_TOKEN_FILE_BYTES_MAX]; /* for node_monitor_reload, which wipes it */
    struct span read_token;                  /* of it */
};

/* Begins to listen as `of` says, which is set before; the loop is run later. `describe` is called
 * with `gateway` from then on. False with a sentence. */
bool node_monitor_open(struct node_monitor *self, uv_loop_t *loop, const struct gateway *gateway,
                       node_monitor_describe *describe, struct fault *fault);

/* Descriptors that clients must leave it, counted as links (struct clients_options). `of` is that
 * of the start. */
size_t node_monitor_as_neighbours(const struct topology_monitor *of);

/* At the end of a turn, after the bus had its own: what it brought is counted. */
void node_monitor_turn(struct node_monitor *self, struct flood *flood, int64_t now_ms);
/* When a turn is wanted; INT64_MAX: not by this. */
int64_t node_monitor_deadline_ms(const struct node_monitor *self, int64_t now_ms);

/* HUP: reads the token's file again, for node_monitor_reload. False and a sentence where that
 * cannot be done: then nothing of what HUP has the node read may be taken. */
bool node_monitor_read(struct node_monitor *self, struct fault *fault);
/* All of it was taken, the token too; or nothing. */
void node_monitor_reload(struct node_monitor *self, bool was_taken);

/* After the loop was closed. */
void node_monitor_close(struct node_monitor *self);

#endif
