/* clients: the connections of a node's clients: accepts, reads, writes and closes.
 *
 * What a client is told, and when it has to wait, its session decides (gateway/text/session.h).
 * Here are the limits that only the sum of all shows: how many connections, how much memory, and
 * how long one may leave its replies unread.
 *
 * Everything happens in callbacks of the loop, on its one thread. */
#ifndef ZHERD_GATEWAY_NODE_CLIENTS_H
#define ZHERD_GATEWAY_NODE_CLIENTS_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "gateway/node/listener.h"
#include "gateway/node/log.h"
#include "gateway/text/session.h"
#include "topology/format/topology.h"

/* Connections at most, whatever the limit of descriptors is. */
#define CLIENTS_MAX (1 << 20)
/* Memory of all clients together: unread replies and unfinished lines. Beyond it, whoever holds
 * most is cut. */
#define CLIENTS_HELD_BYTES_MAX (256 * 1024 * 1024)
/* Replies wait and the client has taken nothing for so long: it is cut. */
#define CLIENTS_STUCK_MS 10000
/* After QUIT, how long a client may go on sending before it is cut; closing at once could cost
 * it the last reply (RFC 1122, 4.2.2.13). */
#define CLIENTS_LINGER_MS 1000

/* Counted since the start, never reset. */
struct clients_counters {
    uint64_t accepted;
    uint64_t refused; /* CLIENTS_MAX, or the limit of descriptors */
    uint64_t cut_stuck, cut_memory;
};

struct clients;

/* Listens; NULL and one clear sentence in `error` where that is not possible. `node` and `log`
 * belong to the caller and outlive the clients. */
struct clients *clients_open(uv_loop_t *loop, const struct topology_endpoint *endpoint,
                             struct session_node *node, struct log *log,
                             char error[LISTENER_ERROR_BYTES_MAX]);

/* Works off what was read in this turn of the loop: to be called at its end, before anything else
 * is asked of the clients. */
void clients_turn(struct clients *clients);

/* To whoever asked, if still there. */
void clients_answer(struct clients *clients, const struct requests_answer *answer);

/* Once a second: cuts who is stuck, notes what was refused, accepts again after a fault. */
void clients_second(struct clients *clients);

/* Takes no more connections and no more commands; closes each client as soon as its replies are
 * written. */
void clients_stop(struct clients *clients);

/* Closes everything at once; the loop must run once more before clients_free. */
void clients_close(struct clients *clients);
/* Accepts NULL, sets the caller's pointer to NULL. */
void clients_free(struct clients **clients);

size_t clients_connected(const struct clients *clients);
size_t clients_limit(const struct clients *clients);
const struct clients_counters *clients_count(const struct clients *clients);

#endif
