/* topology: which nodes exist, who talks to whom, and where places are asked.
 *
 * The checked herd: whoever holds a struct topology may trust every index, name and endpoint in
 * it. It does not read files (topology/load.h does) and opens no socket.
 *
 * Invariant: names and endpoints are unique, every endpoint that somebody connects to is one where
 * that is possible, every link joins two different nodes, and the herd
 * is in one piece. */
#ifndef ZHERD_TOPOLOGY_FORMAT_TOPOLOGY_H
#define ZHERD_TOPOLOGY_FORMAT_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/link/keyring.h"
#include "topology/format/faults.h"

#define TOPOLOGY_NODES_MAX          1024
#define TOPOLOGY_LINKS_MAX          8192
#define TOPOLOGY_NAME_BYTES_MAX     63
#define TOPOLOGY_HOST_BYTES_MAX     255
#define TOPOLOGY_ENDPOINT_BYTES_MAX 300
#define TOPOLOGY_PATH_BYTES_MAX     1024
/* Each is a broker. Every gateway asks all of them in turn, and every worker serves all. */
#define TOPOLOGY_PLACES_MAX 8
/* The coarsest grid: 5 % of the largest radius. */
#define TOPOLOGY_GRID_M_MAX 2500
/* 30 days: longer than any provider's terms allow. */
#define TOPOLOGY_CACHE_S_MAX 2592000
/* Requests a day; more than anybody pays for. */
#define TOPOLOGY_BUDGET_MAX 1000000000

/* "tcp://host:port" and its parts. */
struct topology_endpoint {
    char text[TOPOLOGY_ENDPOINT_BYTES_MAX + 1]; /* as in the file; bus/net/resolve.h takes it */
    char host[TOPOLOGY_HOST_BYTES_MAX + 1];     /* without brackets; "*" for every interface */
    uint16_t port;
    uint32_t line; /* of the file, for messages */
};

struct topology_node {
    char name[TOPOLOGY_NAME_BYTES_MAX + 1];
    struct topology_endpoint clients; /* where telnet goes */
    struct topology_endpoint bus;     /* what it binds for its peers */
    struct topology_endpoint bus_at;  /* where they reach that: `bus` again unless the file says */
    struct keyring_keys public_keys;  /* none in a herd without keys */
    uint32_t line;                    /* of the file, for messages */
};

struct topology_link {
    uint32_t a, b; /* indices of nodes */
    uint32_t line;
};

/* Somebody who listens to one node's bus: `zherd tap`. It is no part of the graph: nobody waits for
 * it, and the herd is whole without it. */
struct topology_observer {
    struct topology_node self; /* takes no clients */
    uint32_t of;               /* index of the node it listens to */
};

enum topology_provider {
    TOPOLOGY_LANDMARKS,
    TOPOLOGY_GOOGLE,
    TOPOLOGY_GOOGLE_NEW,
    TOPOLOGY_OVERPASS,
    TOPOLOGY_PHOTON,
    TOPOLOGY_PROVIDERS
};

/* A places service: one broker, and what its workers ask. */
struct topology_places {
    struct topology_endpoint gateways;                /* the broker's front, as it binds it ... */
    struct topology_endpoint workers;                 /* the broker's back */
    struct topology_endpoint gateways_at, workers_at; /* ... and where others reach both */
    enum topology_provider provider;
    char url[TOPOLOGY_PATH_BYTES_MAX + 1]; /* http:// or https:// */
    uint32_t url_line, fallback_url_line;
    char key_file[TOPOLOGY_PATH_BYTES_MAX + 1]; /* empty without one */
    char database[TOPOLOGY_PATH_BYTES_MAX + 1]; /* of landmarks; empty for the bundled places */
    bool has_fallback;
    enum topology_provider fallback; /* asked where `provider` cannot be; needs no key */
    char fallback_url[TOPOLOGY_PATH_BYTES_MAX + 1];
    uint32_t grid_m; /* places closer than this are asked as one; 0: every place is its own */
    int64_t cache_s; /* how long answers are kept; negative: as the provider's terms allow */
    uint32_t budget; /* requests to the provider a day; 0: no limit */
    struct keyring_keys public_keys; /* of brokers and workers, the same in each section */
    uint32_t line;
};

struct topology {
    char herd[TOPOLOGY_NAME_BYTES_MAX + 1];
    char keys[TOPOLOGY_PATH_BYTES_MAX + 1]; /* folder of the secret keys; empty without keys */
    bool insecure;                          /* in the clear, wherever its endpoints are */
    uint32_t herd_line;
    struct topology_node *nodes;
    size_t node_count;
    struct topology_link *links;
    size_t link_count;
    struct topology_observer *observers;
    size_t observer_count; /* with the nodes at most TOPOLOGY_NODES_MAX */
    struct topology_places places[TOPOLOGY_PLACES_MAX];
    size_t places_count; /* 0: WHATSAT finds nothing */
};

/* As in the file. */
const char *topology_provider_name(enum topology_provider provider);
/* False where there is no such provider. */
bool topology_provider_find(const char *name, enum topology_provider *provider);

/* Whether it is asked with a key, which stands in a file. */
bool topology_provider_needs_key(enum topology_provider provider);

/* Index of the node of that name, or -1. */
int topology_find(const struct topology *topology, const char *name);

/* The node that was meant by a name that none has. `name` and the result's best are borrowed. */
struct topology_nearest topology_find_near(const struct topology *topology, const char *name);

/* The nodes linked to `node`, in the order of the file: writes at most node_count indices to
 * `neighbours` and returns how many. */
size_t topology_neighbours(const struct topology *topology, uint32_t node, uint32_t *neighbours);

void topology_free(struct topology *topology);

#endif
