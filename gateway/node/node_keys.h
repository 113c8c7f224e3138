/* node_keys: the keys a node has, those it goes by now, and what the log says of those they kept
 * out.
 *
 * It joins topology/secrets.h and the files that use keys, and decides nothing. In a herd without
 * keys it holds none. */
#ifndef ZHERD_GATEWAY_NODE_NODE_KEYS_H
#define ZHERD_GATEWAY_NODE_NODE_KEYS_H

#include "bus/base/fault.h"
#include "bus/base/growth.h"
#include "bus/flood.h"
#include "bus/link/strangers.h"
#include "bus/net/bus.h"
#include "gateway/node/places_client.h"
#include "topology/format/logline.h"
#include "topology/format/topology.h"
#include "topology/secrets.h"

struct node_keys {
    const char *file; /* of the topology */
    const char *node;
    const struct topology_node *const *peers; /* in the order of the bus's */
    size_t peer_count;
    bool has_keys;
    struct auth_certificate own;
    struct keyring_keys *peer_keys; /* in the same order */
    struct keyring_keys places_keys;
    int64_t expire_ms;          /* of the file as it was read last; so is the next one */
    bool forget;                /* clients may say FORGET */
    int64_t read_ns;            /* when the file was taken last */
    struct keyring known;       /* the keys of all nodes and observers, neighbours or not */
    struct strangers strangers; /* names of those who were refused and are in the file */
    struct growth refused, impostors;
};

/* Reads our secret where the herd has keys. `node_keys` has its first four fields, which must stay
 * as the topology must, and is all zero besides. False and one clear sentence in `fault`. */
bool node_keys_open(struct node_keys *node_keys, const struct topology *topology,
                    struct fault *fault);
void node_keys_close(struct node_keys *node_keys);

/* For bus_open and places_client_open; NULL without keys. Borrowed by `keys`, which is filled. */
const struct bus_keys *node_keys_of_bus(const struct node_keys *node_keys, struct bus_keys *keys);
const struct auth_ends *node_keys_of_places(const struct node_keys *node_keys,
                                            struct auth_ends *keys);

/* Whom the bus is to hear as operators; `each` is filled, and all of it borrows from the topology.
 */
struct bus_operators node_keys_operators(const struct topology *topology,
                                         struct bus_operator each[TOPOLOGY_OPERATORS_MAX]);

/* Goes by the keys, `expire` and `forget` of a file that was read again, and by those peers, which
 * must stay as the topology must. Our own key pair is that of the start. */
void node_keys_take(struct node_keys *node_keys, const struct topology *topology,
                    const struct topology_node *const *peers, size_t peer_count);

/* A line about connections and messages that were refused since the last time, if there were. */
void node_keys_log(struct node_keys *node_keys, struct bus *bus, struct logline *lines,
                   int64_t realtime_ns);

#endif
