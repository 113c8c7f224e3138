/* topology: which nodes exist, who talks to whom, and where places are asked.
 *
 * The checked herd: code that gets a struct topology may trust every index, name and endpoint in
 * it. It does not read files (topology/load.h does) and opens no socket.
 *
 * Invariant: names and endpoints are unique, every endpoint that a process of the herd connects to
 * is one where that is possible, every link joins two different nodes, and the herd is in one
 * piece. */
#ifndef ZHERD_TOPOLOGY_FORMAT_TOPOLOGY_H
#define ZHERD_TOPOLOGY_FORMAT_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/link/keyring.h"
#include "topology/format/faults.h"
#include "topology/format/networks.h"
#include "topology/format/providers.h"
#include "topology/format/settings.h"

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
/* As long as the provider's terms allow. */
#define TOPOLOGY_CACHE_S_OF_TERMS (-1)
/* Nodes that were taken out of a herd and have left positions: more than anybody moves in the time
 * for which positions are of interest. */
#define TOPOLOGY_FORMER_MAX 64
/* People and programs that run the herd; more than anybody tells apart. */
#define TOPOLOGY_OPERATORS_MAX 64
/* Each is a process that speaks HTTP; more than anybody puts before a herd. */
#define TOPOLOGY_WEBS_MAX 16
/* The longest id that clients may have; more than fits on a line. */
#define TOPOLOGY_ID_BYTES_MAX 65536
/* 100 years: longer than anybody keeps positions, and three times that fits into the nanoseconds
 * that times are reckoned in. */
#define TOPOLOGY_EXPIRE_MS_MAX INT64_C(3153600000000)
/* Requests a day; more than anybody pays for. */
#define TOPOLOGY_BUDGET_MAX 1000000000

/* "tcp://host:port" and its parts. */
struct topology_endpoint {
    /* As in the file, but tcp:// also of one that is tls:// there: bus/net/resolve.h takes it. */
    char text[TOPOLOGY_ENDPOINT_BYTES_MAX + 1];
    char host[TOPOLOGY_HOST_BYTES_MAX + 1]; /* without brackets; "*" for every interface */
    uint16_t port;
    uint32_t line; /* of the file, for messages */
};

/* Where a process lets itself be watched (topology/monitor.h), and whom it lets. */
struct topology_monitor {
    struct topology_endpoint at;                  /* line 0: it has none */
    char token_file[TOPOLOGY_PATH_BYTES_MAX + 1]; /* of those who may; empty: everybody may */
};

/* Names of nodes that are none any more; no two are the same. */
struct topology_former {
    size_t count;
    char names[TOPOLOGY_FORMER_MAX][TOPOLOGY_NAME_BYTES_MAX + 1];
};

/* Files of TLS; each path is empty where the file has none. */
struct topology_tls {
    char certificate[TOPOLOGY_PATH_BYTES_MAX + 1]; /* and those that lead to its authority */
    char certificate_key[TOPOLOGY_PATH_BYTES_MAX + 1];
    char client_ca[TOPOLOGY_PATH_BYTES_MAX + 1]; /* whose certificates clients must have */
};

struct topology_node {
    char name[TOPOLOGY_NAME_BYTES_MAX + 1];
    struct topology_endpoint clients;     /* where telnet goes */
    struct topology_endpoint clients_tls; /* the same in TLS; all zero where the node has none */
    struct topology_tls tls;              /* each file as the node says it, or else the herd */
    struct topology_endpoint bus;         /* what it binds for its peers */
    struct topology_endpoint bus_at; /* where they reach that: `bus` again unless the file says */
    struct keyring_keys public_keys; /* none in a herd without keys */
    struct networks trusted;         /* clients there have no share of their own */
    struct settings settings;        /* these before the herd's */
    struct topology_monitor monitor;
    uint32_t line; /* of the file, for messages */
};

struct topology_link {
    uint32_t a, b; /* indices of nodes */
    uint32_t line;
};

/* A process that listens to one node's bus: `zherd tap`. It is no part of the graph: no node waits
 * for it, and the herd is whole without it. */
struct topology_observer {
    struct topology_node self; /* takes no clients */
    uint32_t of;               /* index of the node it listens to */
};

/* Who may ask any node to act: `zherd forget`. It is bound nowhere, and comes from anywhere. */
struct topology_operator {
    char name[TOPOLOGY_NAME_BYTES_MAX + 1];
    struct keyring_keys public_keys; /* none in a herd without keys */
    uint32_t line;
};

/* A process that takes positions over HTTP and passes them on to one node: zherd-web. */
struct topology_web {
    char name[TOPOLOGY_NAME_BYTES_MAX + 1]; /* its observer's unless the file says another */
    uint32_t of;                            /* index of the node */
    uint32_t observer;                      /* index of the observer that it is, of that node */
    struct topology_endpoint listen;
    char token_file[TOPOLOGY_PATH_BYTES_MAX + 1];  /* of its own token, for the node; or empty */
    char certificate[TOPOLOGY_PATH_BYTES_MAX + 1]; /* of its TLS; empty, as the next: it has none */
    char certificate_key[TOPOLOGY_PATH_BYTES_MAX + 1];
    char tiles[TOPOLOGY_PATH_BYTES_MAX + 1]; /* of its map, see topology_tiles_parse; or empty */
    uint32_t line;
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
    enum topology_provider fallback;            /* asked where `provider` cannot be; often none */
    char fallback_url[TOPOLOGY_PATH_BYTES_MAX + 1];
    int64_t grid_m;  /* places closer than this are asked as one; 0: every place is its own */
    int64_t cache_s; /* how long answers are kept, or TOPOLOGY_CACHE_S_OF_TERMS */
    int64_t budget;  /* requests to the provider a day; 0: no limit */
    struct keyring_keys public_keys; /* of brokers and workers, the same in each section */
    struct topology_monitor monitor; /* the broker's */
    uint32_t line;
};

/* When a node's positions are written to its disk. */
enum topology_journal { TOPOLOGY_JOURNAL_OFF, TOPOLOGY_JOURNAL_EVERYSEC, TOPOLOGY_JOURNAL_ALWAYS };
/* Who has a position before its client is answered, besides the node's own memory. */
enum topology_answers {
    TOPOLOGY_ANSWERS_MEMORY,
    TOPOLOGY_ANSWERS_NEIGHBOUR,
    TOPOLOGY_ANSWERS_DISK,
    TOPOLOGY_ANSWERS_BOTH
};

struct topology {
    char herd[TOPOLOGY_NAME_BYTES_MAX + 1];
    char keys[TOPOLOGY_PATH_BYTES_MAX + 1];   /* folder of the secret keys; empty without keys */
    char access[TOPOLOGY_PATH_BYTES_MAX + 1]; /* file of access rules; empty without any */
    bool insecure;                            /* in the clear, wherever its endpoints are */
    int64_t max_id_bytes;                     /* of ids that clients say; 1 or more */
    struct topology_former former;            /* whose positions are taken all the same */
    int64_t expire_ms;                        /* age at which a position is over; 0: none is */
    bool forget;                              /* clients may say FORGET */
    bool nearby;                              /* and NEARBY */
    bool watch;                               /* and WATCH */
    enum topology_journal journal;            /* of each node */
    enum topology_answers answers_after;      /* of each node */
    struct settings settings;                 /* of each node, where that says nothing */
    struct topology_tls tls;                  /* the same */
    uint32_t herd_line;
    struct topology_node *nodes;
    size_t node_count;
    struct topology_link *links;
    size_t link_count;
    struct topology_observer *observers;
    size_t observer_count; /* with the nodes at most TOPOLOGY_NODES_MAX */
    struct topology_operator operators[TOPOLOGY_OPERATORS_MAX];
    size_t operator_count;
    struct topology_web webs[TOPOLOGY_WEBS_MAX];
    size_t web_count;
    struct topology_places places[TOPOLOGY_PLACES_MAX];
    size_t places_count; /* 0: WHATSAT finds nothing */
};

/* Whether these bytes may be the name of a node, or of whoever else has one. */
bool topology_is_name(const char *bytes, size_t count);

/* Index of the node of that name, or -1. */
int topology_find(const struct topology *topology, const char *name);

/* The node that was meant by a name that none has. `name` and the result's best are borrowed. */
struct topology_nearest topology_find_near(const struct topology *topology, const char *name);

/* The nodes linked to `node`, in the order of the file: writes at most node_count indices to
 * `neighbours` and returns how many. */
size_t topology_neighbours(const struct topology *topology, uint32_t node, uint32_t *neighbours);

/* Whether a `web` is at the node. */
bool topology_has_web(const struct topology *topology, uint32_t node);

/* A number that two files share where they say the same of the herd as a whole: its name and
 * settings, its nodes, links and places services with their addresses, in the same order. What a
 * running node takes from a file that is read again is left out: keys, `expire`, `forget`, and who
 * was a node. */
uint64_t topology_fingerprint(const struct topology *topology);

/* The door by which whoever reaches the node may move any client: there are no access rules, and it
 * is not on loopback, nor does it want certificates. NULL for none. */
const struct topology_endpoint *topology_open_door(const struct topology *topology,
                                                   const struct topology_node *node);

void topology_free(struct topology *topology);

#endif
