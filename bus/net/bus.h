/* bus: the sockets between nodes, and nothing that decides.
 *
 * The Harmony pattern (zguide, chapter 8): one bound ROUTER that only receives, one DEALER per
 * peer that only sends, so a blocked peer never touches another and no socket is both. bus_turn
 * joins them to a flood: what arrived goes in, what is due goes out.
 *
 * One thread owns a bus. Its descriptor is edge-triggered (zmq_getsockopt(3), ZMQ_FD): before the
 * first wait, and after it fired, bus_turn must be called until it says that nothing waits. */
#ifndef ZHERD_BUS_NET_BUS_H
#define ZHERD_BUS_NET_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/flood.h"
#include "bus/net/auth.h"

#define BUS_ERROR_BYTES_MAX 1536

struct bus_peer {
    const char *name;     /* as in the topology; with it the routing ids of its messages begin */
    const char *endpoint; /* "tcp://host:port" to connect to; a host name is looked up anew for
                             each connection */
};

struct bus_keys {
    struct auth_certificate own;
    const struct keyring_keys *peers; /* in the order of bus_options.peers */
};

struct bus_options {
    const char *name;             /* we are to every peer */
    const char *endpoint;         /* to bind (bus/net/binding.h); port * binds any free one */
    const struct bus_peer *peers; /* in the order of flood_options.peers */
    size_t peer_count;
    const struct bus_keys *keys; /* NULL: in the clear, and whoever has a peer's name is it */
};

/* What keys have kept out since the start, and the last of each kind. */
struct bus_guard {
    struct auth_refusals refused; /* connections whose key is no peer's */
    uint64_t impostors;           /* messages whose key is not that of the name they came under */
    char impostor[LOCATION_ORIGIN_BYTES_MAX + 1]; /* whose key it was; "" for nobody's any more */
    char claimed[LOCATION_ORIGIN_BYTES_MAX + 1];  /* the name they came under */
};

struct bus;

/* Binds and begins to connect; peers may come and go at any time. NULL and one clear sentence in
 * `error` when the endpoint is taken or wrong, or when a stranger sent to try the keys is let in.
 * Copies the options. */
struct bus *bus_open(const struct bus_options *options, char error[BUS_ERROR_BYTES_MAX]);

/* Gives what was sent last a moment to leave (`linger_ms`), then closes. Accepts NULL. */
void bus_close(struct bus **bus, int linger_ms);

/* Poll for reading. */
int bus_descriptor(const struct bus *bus);

/* The endpoint really bound ("tcp://127.0.0.1:12500"), owned by the bus. */
const char *bus_endpoint(const struct bus *bus);

/* One turn of the loop: takes a bounded number of messages to `flood`, then sends every peer
 * what `flood` has due. True when more input waits already: turn again soon, without waiting
 * for the descriptor. Messages of names that are no peers of ours are counted and dropped. */
bool bus_turn(struct bus *bus, struct flood *flood, int64_t now_ms);

/* The two halves of a turn alone: for one in which the descriptor did not fire, because looking
 * whether a ROUTER has something costs more than answering a client; and for one behind which more
 * is to be gathered before it is told. */
bool bus_receive(struct bus *bus, struct flood *flood, int64_t now_ms);
void bus_send(struct bus *bus, struct flood *flood, int64_t now_ms);

/* When bus_send must be called again though nothing came and nothing is due. It may be late: then
 * connections that were lost and made again are noticed late. */
int64_t bus_deadline_ms(const struct bus *bus);

/* The peers' keys from now on, in the order of the options: whoever lost a key is heard no more,
 * not even over a connection it has. Only for a bus that was opened with keys. */
void bus_admit(struct bus *bus, const struct keyring_keys *peers);

/* Without keys, nobody was kept out. */
struct bus_guard bus_guard(struct bus *bus);

/* Messages dropped because their sender's name is not one of our peers. */
uint64_t bus_strangers(const struct bus *bus);

/* The next name under which such messages came, to be told to whoever looks after the node: the
 * routing id, but for the number behind a name (bus/link/strangers.h). Borrowed until the next
 * turn. */
bool bus_next_stranger(struct bus *bus, struct span *name);

/* Why there is no new connection to the peer that this names: its host cannot be resolved, or the
 * system has no more sockets. Each reason once; NULL when there is none that was not given before.
 * Owned by the bus, until its next turn. */
const char *bus_next_trouble(struct bus *bus, size_t *peer);

/* Messages of peers dropped because they had more than one frame. */
uint64_t bus_multiparts(const struct bus *bus);

#endif
