/* clients: the connections of a node's clients: accepts, reads, writes and closes.
 *
 * What a client is answered, and when it has to wait, its session decides (gateway/text/session.h).
 * Whose turn it is, and for how much, turns decide (gateway/text/turns.h): nobody is read or
 * carried out anything for beyond its budget, whatever the loop reports of it.
 *
 * What comes in TLS (gateway/node/tls.h) is the same from its decryption on.
 *
 * Here are the limits that only the sum of all shows: how many connections, how much memory, and
 * how long one may leave its replies unread.
 *
 * Everything happens in callbacks of the loop, on its one thread. */
#ifndef ZHERD_GATEWAY_NODE_CLIENTS_H
#define ZHERD_GATEWAY_NODE_CLIENTS_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "bus/base/fault.h"
#include "bus/base/histogram.h"
#include "gateway/node/listener.h"
#include "gateway/text/handshakes.h"
#include "gateway/text/session.h"
#include "topology/format/topology.h"
#include "topology/log.h"

/* Connections at most, whatever the limit of descriptors is. How many clients a node knows, whose
 * ids stay when their connections are gone, is another limit (bus/flood.h, clients_max). */
#define CLIENTS_CONNECTIONS_MAX (1 << 20)

struct clients_options {
    const struct topology_node *self; /* where it listens, and its files of TLS; stays */
    const struct activation *adopted; /* a service manager's sockets for both; or NULL */
    size_t tls_bytes_max;             /* that connections in TLS may have for their state */
    size_t connections_max;           /* or fewer, up to CLIENTS_CONNECTIONS_MAX */
    size_t neighbours;                /* whose links' descriptors clients leave alone */
    /* Memory of all connections together: unread replies, unfinished lines and look-ups, each with
     * its part of it (gateway/text/client_limits.h). */
    size_t held_bytes_max;
    struct address_shares_options shares; /* but for `addresses_max`, which is set here */
};

struct clients;

/* Listens, and takes nobody yet; NULL and one clear sentence in `fault` where that is not possible.
 * `node` and `log` belong to the caller and outlive the clients; `node->limits` is set here. */
struct clients *clients_open(uv_loop_t *loop, const struct clients_options *options,
                             struct session_node *node, struct log *log, struct fault *fault);

/* Other `tls_bytes_max`, `neighbours` and `held_bytes_max`, and of `shares` other numbers and
 * networks, from now on: connections that are there stay. */
void clients_change_limits(struct clients *clients, const struct clients_options *options);
/* Whether the limit of open files leaves room for connections beside so many neighbours; where not,
 * one clear sentence in `fault`, and these limits may not be taken. */
bool clients_have_room(const struct clients *clients, const struct clients_options *options,
                       struct fault *fault);

/* Listens where the topology's file has the node take clients now, beside where it listens, for
 * clients_take_addresses; accepts nobody there yet. False and one clear sentence in `fault` where
 * that cannot be, and which line is to blame. One of the two below has to follow. */
bool clients_read_addresses(struct clients *clients, const struct topology_node *self,
                            uint32_t *line, struct fault *fault);
/* Connections come in there from now on, and no more where they did before. */
void clients_take_addresses(struct clients *clients);
/* All stays as it is. */
void clients_leave_addresses(struct clients *clients);

/* From now on replies may be held (session_node.holds_replies). */
void clients_hold_replies(struct clients *clients);

/* Listens for TLS, too, where the node has it: once, before clients_let_in. False and one clear
 * sentence in `fault` where that is not possible, and then all must be closed. */
bool clients_open_tls(struct clients *clients, const struct clients_options *options,
                      struct fault *fault);

/* From now on connections are taken, those first that wait already. */
void clients_let_in(struct clients *clients);

/* Serves those whose turn has come, for TURNS_TURN_NS in all in one turn of the loop, and works off
 * what was read: to be called at its end, before anything else is asked of the clients. */
void clients_turn(struct clients *clients);

/* Somebody waits for the next turn: the loop must not sleep. */
bool clients_wait(const struct clients *clients);

/* To whoever asked, if still there; no look-up of it is under way any more. */
void clients_answer(struct clients *clients, const struct requests_answer *answer);

/* Lets replies go that were held, and whose epochs were settled since (bus/promises.h): at the end
 * of a turn, after the bus and the journal had theirs. */
void clients_settle(struct clients *clients);

/* Writes lines of watches to who is owed some, for TELLING_TURN_NS in all: at the end of a turn,
 * after everything that changes the table. */
void clients_tell(struct clients *clients);
/* When somebody is to be told, or served again, although nothing came; INT64_MAX: nobody. */
int64_t clients_deadline_ms(const struct clients *clients);
/* The node is ready: carries out what waited for that, in its turn. */
void clients_go_on(struct clients *clients);

/* From now on connections go by these rules, or by none (NULL), which are borrowed; how many ended
 * by that (gateway/text/admission.h). The same rules again where some are over by now. The rules of
 * before may be freed after this. */
size_t clients_take_access(struct clients *clients, const struct access *access);

/* Once a second: closes who is late, notes what was refused, accepts again after a fault. */
void clients_second(struct clients *clients);

/* Reads the files of TLS that the topology's file has for the node now, for clients_take_tls; false
 * and one sentence in `fault` where they are not good. `fault` may have one where they are taken in
 * part, too (tls_door_read), and else has none. Both do nothing without TLS. */
bool clients_read_tls(struct clients *clients, const struct topology_node *self,
                      struct fault *fault);
/* Goes by what was read last, once, and says so in the log. Connections that are there keep their
 * certificate, and end within some turns where they would not be let in now (tls_is_vouched).
 * `self` stays until this is called again. */
void clients_take_tls(struct clients *clients, const struct topology_node *self);

/* Takes no more connections and no more commands; closes each client as soon as its replies are
 * written. */
void clients_stop(struct clients *clients);

/* Closes everything at once; the loop must run once more before clients_free. */
void clients_close(struct clients *clients);
/* Accepts NULL, sets the caller's pointer to NULL. */
void clients_free(struct clients **clients);

/* Connections that are open now, and at most: CLIENTS_CONNECTIONS_MAX, or fewer where the limit of
 * open files has no room for that many. */
size_t clients_connections(const struct clients *clients);
size_t clients_connections_max(const struct clients *clients);
/* Those that watch something. */
size_t clients_watching(const struct clients *clients);
const struct client_limits_counters *clients_count(const struct clients *clients);
/* What they have taken of their limits, and who was refused. */
struct client_limits *clients_limits(const struct clients *clients);
/* How long commands took, each from when the loop began to serve clients in its turn until all
 * replies of the turn were written: what waits for a look-up, or to be promised, takes longer. */
const struct histogram *clients_replies(const struct clients *clients);
/* Times that a connection could not be accepted. */
uint64_t clients_faults(const struct clients *clients);
/* Of handshakes; NULL where the node has no TLS. */
const struct handshakes_counters *clients_count_tls(const struct clients *clients);
const struct client_limits_descriptors *clients_descriptors(const struct clients *clients);

#endif
