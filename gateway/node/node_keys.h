/* node_keys: the keys a node has, reads again, and what the log says of those they kept out.
 *
 * It joins topology/secrets.h and the files that use keys, and decides nothing. In a herd without
 * keys it holds none. */
#ifndef ZHERD_GATEWAY_NODE_NODE_KEYS_H
#define ZHERD_GATEWAY_NODE_NODE_KEYS_H

#include "bus/link/strangers.h"
#include "bus/net/bus.h"
#include "gateway/node/places_client.h"
#include "gateway/text/logline.h"
#include "topology/format/topology.h"
#include "topology/secrets.h"

struct node_keys {
    const char *file; /* of the topology */
    const char *node;
    const struct topology_node *const *peers; /* in the order of the bus's */
    size_t peer_count;
    const struct topology *start; /* what the file held at the start */
    bool has_keys;
    struct auth_certificate own;
    struct keyring_keys *peer_keys; /* in the same order */
    struct keyring_keys places_keys;
    int64_t start_ns, keys_ns;  /* when the file was read first, and last for its keys */
    struct keyring known;       /* the keys of all nodes and observers, neighbours or not */
    struct strangers strangers; /* names of those who were refused and are in the file */
    uint64_t refused_told, impostors_told;
};

/* Reads our secret where the herd has keys. `node_keys` has its first four fields, which must stay
 * as the topology must, and is all zero besides. False and one clear sentence in `error`. */
bool node_keys_open(struct node_keys *node_keys, const struct topology *topology,
                    char error[SECRETS_ERROR_BYTES_MAX]);
void node_keys_close(struct node_keys *node_keys);

/* For bus_open and places_client_open; NULL without keys. Borrowed by `keys`, which is filled. */
const struct bus_keys *node_keys_of_bus(const struct node_keys *node_keys, struct bus_keys *keys);
const struct auth_ends *node_keys_of_places(const struct node_keys *node_keys,
                                            struct auth_ends *keys);

/* Reads everybody's public keys again from the file and says so in the log, or why not: then the
 * old ones go on. Our own key pair, links and addresses are those of the start: a line says which
 * of them are others in the file. */
void node_keys_reload(struct node_keys *node_keys, struct bus *bus,
                      struct places_client *const *lookups, size_t lookups_count,
                      struct logline *lines, int64_t realtime_ns);

/* A line about connections and messages that were refused since the last time, if there were. */
void node_keys_log(struct node_keys *node_keys, struct bus *bus, struct logline *lines,
                   int64_t realtime_ns);

#endif
