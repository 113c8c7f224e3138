/* node_access: the access rules that a node has, reads again, and whose time is over.
 *
 * It joins topology/load.h and the node's connections, and decides nothing. Where the herd's file
 * names no rules it holds none, and anybody may anything.
 *
 * Invariant: connections never go by half of a file: one that is not good leaves those of before.
 */
#ifndef ZHERD_GATEWAY_NODE_NODE_ACCESS_H
#define ZHERD_GATEWAY_NODE_NODE_ACCESS_H

#include "bus/base/growth.h"
#include "gateway/node/clients.h"
#include "topology/format/logline.h"
#include "topology/format/topology.h"

/* All zero holds no rules. */
struct node_access {
    struct access *rules;
    int64_t next_end_ns; /* of the herd's time, when somebody's rules are over */
    struct growth wrong, too_fast;
};

/* At the start, before there are clients. False where the file is not good: standard error says
 * why.
 */
bool node_access_open(struct node_access *node_access, const struct topology *topology);
/* After the clients. */
void node_access_close(struct node_access *node_access);

/* Connections go by these rules from now on, which access_load_own (topology/load.h) has read and
 * which are node_access's from then on; the log says so. */
void node_access_take(struct node_access *node_access, struct access *rules, const char *path,
                      struct clients *clients, struct logline *lines);

/* Once a second: ends what is over, and says in the log what was refused. `node` is the clients'.
 */
void node_access_second(struct node_access *node_access, struct clients *clients,
                        const struct session_node *node, int64_t now_ms);

#endif
