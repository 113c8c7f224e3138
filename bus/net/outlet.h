/* outlet: our way to one peer, a DEALER that only sends and has one connection.
 *
 * It is replaced by a new one, under a new routing id, when the connection breaks and when its dial
 * says so (bus/link/dial.h): ZeroMQ tries most connections again by itself, but not all of them,
 * and knows nothing of those that died beyond a box in the middle. And where it does, it does so
 * under the routing id of the connection before; a peer that still has that one then reads it no
 * more, and can never close it. The name of the peer's host is looked up for each new one, without
 * waiting. What is sent, and what it means that nothing is answered, the owner knows.
 *
 * ZeroMQ's queue has no limit, so that its no means one thing, no connection; the limit is here.
 *
 * Invariant: an outlet has at most one connection, and none to an address that its name had before
 * the last look-up. */
#ifndef ZHERD_BUS_NET_OUTLET_H
#define ZHERD_BUS_NET_OUTLET_H

#include "bus/base/fault.h"
#include "bus/link/dial.h"
#include "bus/link/peer_directory.h"
#include "bus/net/address.h"
#include "bus/net/auth.h"

/* ZeroMQ's pause before it tries again, and twice that at most: a neighbour that starts is found
 * within 250 ms. */
#define OUTLET_RECONNECT_MS 120

/* What may wait for an answer, far above the window of a link: it could all be in ZeroMQ's queue.
 */
#define OUTLET_MESSAGES_MAX 4096
#define OUTLET_BYTES_MAX    (4 << 20)

/* What all outlets of a node share; outlives them. */
struct outlet_home {
    void *context;
    const struct auth_certificate *own; /* NULL: in the clear */
    const char *name;                   /* ours */
    uint8_t process[PEER_DIRECTORY_PROCESS_BYTES];
};

struct outlet {
    const struct outlet_home *home;
    struct address address; /* of the peer */
    struct dial dial;
    void *dealer;           /* NULL while there is no address, or the one before counts no more */
    int descriptor;         /* of the dealer: readable where ZeroMQ has news of it; or -1 */
    bool begins;            /* there was none yet */
    bool is_timed;          /* the dial knows what time it is */
    bool is_connected;      /* when it was last seen */
    size_t messages, bytes; /* taken since the last answer */
    bool is_in_trouble;     /* which bus_next_trouble has not returned yet */
    char trouble[ADDRESS_TROUBLE_BYTES_MAX]; /* why there is no new connection; "" when there is */
};

/* Begins to connect. Borrows all but the keys. False and why in `fault` where that can
 * never succeed. To be closed in any case. */
bool outlet_open(struct outlet *outlet, const struct outlet_home *home, const char *endpoint,
                 const struct keyring_keys *keys, struct fault *fault);

/* Gives what was sent last a moment to leave. An outlet that is all zero may be closed, too. */
void outlet_close(struct outlet *outlet, int linger_ms);

/* False when the peer is away, or too much waits for an answer. What the dial is to know of it, but
 * for the loss of a connection, is the owner's to tell. */
bool outlet_send(struct outlet *outlet, const char *message, size_t bytes);

/* The peer showed that what was sent arrives. */
void outlet_answered(struct outlet *outlet);

/* Replaces the connection if that is due. Cheap when it is not. */
void outlet_tend(struct outlet *outlet, int64_t now_ms);

/* Whether there is a connection over which nothing was sent yet, once for each. Asked more often
 * than every OUTLET_RECONNECT_MS, it also sees each loss of one before ZeroMQ connects again. While
 * the descriptor is not readable there is neither. */
bool outlet_is_new(struct outlet *outlet);

#endif
