/* bus_state: what bus.c and bus_change.c share: the first carries messages, the second changes who
 * the peers and operators are (bus/net/bus.h).
 *
 * It is no module: nobody else includes it.
 *
 * Invariant: way number i leads to the peer that the flood has as number i. */
#ifndef ZHERD_BUS_NET_BUS_STATE_H
#define ZHERD_BUS_NET_BUS_STATE_H

#include <poll.h>
#include <zmq.h>

#include "bus/link/arrivals.h"
#include "bus/link/peer_directory.h"
#include "bus/link/rounds.h"
#include "bus/link/strangers.h"
#include "bus/net/bus.h"
#include "bus/net/hangup.h"
#include "bus/net/outlet.h"

/* An endpoint as ZeroMQ prints it back: an IPv6 address with a scope, and a port. */
#define ENDPOINT_BYTES_MAX 256

#define NEVER_MS INT64_MIN

/* The way to one peer. */
struct way {
    struct outlet outlet;
    char *endpoint;
    uint32_t number;  /* no other peer has or had it */
    uint64_t answers; /* as the flood counted them when it was last asked */
};

/* Operators have numbers from this on, beside those of ways. */
#define NUMBERS_OF_OPERATORS (UINT32_C(1) << 31)

/* Whom the topology lists as an operator. */
struct admitted {
    char name[KEYRING_NAME_BYTES_MAX + 1];
    struct keyring_keys keys;
};

/* Messages of operators, a ring. */
struct inbox {
    struct {
        zmq_msg_t id, message;
    } requests[BUS_REQUESTS_MAX];
    size_t first, count;
    bool is_given; /* the first one, to the owner */
};

struct bus {
    void *context;
    void *router;          /* bound; sends to operators alone */
    struct way *ways;      /* one per peer, in the order of the options */
    struct pollfd *polled; /* their outlets' descriptors, while they are looked at */
    struct rounds rounds;
    struct outlet_home home;
    struct peer_directory directory; /* the peers by name */
    struct arrivals *arrivals;       /* their connections to us */
    struct hangup_watch watch;       /* of the ROUTER */
    bool watch_waits;                /* it has more to tell */
    size_t peer_count;
    uint32_t next_number;  /* of a way */
    size_t troubles_asked; /* up to this peer bus_next_trouble has looked */
    int descriptor;
    uint16_t port; /* really bound */
    bool has_keys;
    struct auth_certificate own;
    struct auth *auth;
    struct strangers strangers;
    uint64_t multiparts;
    struct bus_guard guard; /* its refusals are asked of `auth` */
    bool hears_operators;
    struct admitted *operators;
    size_t operator_count;
    struct inbox inbox;
    uint64_t requests_dropped;
    int64_t now_ms;  /* as the last call had it, or NEVER_MS */
    int64_t look_ms; /* when the outlets are looked at next */
    zmq_msg_t sender, payload;
    char name[LOCATION_ORIGIN_BYTES_MAX + 1];
    char endpoint[ENDPOINT_BYTES_MAX];
    char out[WIRE_MESSAGE_BYTES_MAX];
};

/* Tells the handler whom to let in: every peer and operator under each of its keys. */
void bus_allow_all(struct bus *bus);

void bus_copy_operators(struct bus *bus, const struct bus_operators *operators);

/* The way's dial has its keys already. False where it cannot be opened; it may be tended and closed
 * all the same. */
bool bus_open_way(struct bus *bus, struct way *way, const struct bus_peer *peer,
                  struct fault *fault);
void bus_close_way(struct way *way, int linger_ms);

#endif
