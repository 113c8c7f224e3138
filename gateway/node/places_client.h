/* places_client: the node's connections to the places services of its herd, as its clients'
 * look-ups reach them. bus/link/dial.h decides when one is replaced by a new one,
 * gateway/text/requests.h what is asked of whom and when, and the answers go to the clients. It
 * decides nothing.
 *
 * A DEALER that speaks the envelope of a REQ socket with ZMQ_REQ_CORRELATE (zmq_setsockopt(3)):
 * request id, empty frame, body. So the service may be anything that answers a plain REQ, while
 * one node has many questions in flight.
 *
 * Its descriptor is edge-triggered, and a send eats the edge (ZMQ_FD): after it fired, and after
 * every call that may send or replace the connection, call places_client_receive until it says that
 * nothing waits. Invariant of all of them: after any call that may have eaten an edge, `wait` is
 * set. */
#ifndef ZHERD_GATEWAY_NODE_PLACES_CLIENT_H
#define ZHERD_GATEWAY_NODE_PLACES_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/fault.h"
#include "bus/link/dial.h"
#include "bus/link/operate_status.h"
#include "bus/net/auth.h"
#include "gateway/node/clients.h"
#include "gateway/text/requests.h"
#include "topology/format/logline.h"
#include "topology/format/topology.h"

/* Milliseconds without a connection after which a new one replaces it: ZeroMQ gives one up for good
 * that was refused. */
#define PLACES_CLIENT_AWAY_MS 3000
/* The same where the service lists two keys: less than the second that a look-up waits for a
 * connection, so that a service which comes back with its other key costs no look-up. */
#define PLACES_CLIENT_AWAY_TWO_KEYS_MS 500
/* A service answers each question before its deadline, which is REQUESTS_DEADLINE_MS at most: one
 * that has answered none for longer than that does not hear us, or we do not hear it. */
#define PLACES_CLIENT_UNANSWERED_MS 5000
/* The broker also answers pings: one before the first question over a connection, and one each
 * second. Once it did, this counts. So a connection that died unseen is left before the look-ups
 * over it are late. */
#define PLACES_CLIENT_PING_UNANSWERED_MS 2000

/* ---- the connection to one broker ---- */

struct places_client;

/* Begins to connect; the service may come and go at any time. A host name is looked up again for
 * each connection, and each of its addresses is tried in turn. With `keys`, which are copied, only
 * to a service that has one of them; NULL: in the clear. `life` is random
 * (placesd/caller.h). NULL and one clear sentence in `fault` when the endpoint is no
 * endpoint. All times are of one clock that does not run backwards. */
struct places_client *places_client_open(const struct topology_endpoint *endpoint,
                                         const struct auth_ends *keys, uint64_t life,
                                         int64_t now_ms, struct fault *fault);

/* Accepts NULL, sets the caller's pointer to NULL. Unsent requests are dropped. */
void places_client_close(struct places_client **client);

/* The service's keys from now on: a connection whose key is still among them stays. Only where it
 * was opened with keys. */
void places_client_expect(struct places_client *client, const struct keyring_keys *theirs);

/* Looks whether there is a connection, and says something over a new one. To be called when the
 * descriptor fired and there was nothing to receive; eats its edge as a send does. */
void places_client_look(struct places_client *client, int64_t now_ms);

/* The same, and asks the broker whether it is there. To be called once a second. */
void places_client_second(struct places_client *client, int64_t now_ms);

/* Replaces the connection where that is due: true if it did, and then what was sent and not yet
 * answered stays without an answer. Take what has arrived before. */
bool places_client_renew(struct places_client *client, int64_t now_ms);

/* When places_client_renew has something to do; INT64_MAX is never. */
int64_t places_client_deadline_ms(const struct places_client *client);

/* What the log is to hear of the service at places_client_endpoint; to be asked once a second. */
enum dial_news places_client_news(struct places_client *client, int64_t now_ms);
/* Why it is lost, as far as is known. */
const char *places_client_reason(const struct places_client *client);
const char *places_client_endpoint(const struct places_client *client);

/* Poll for reading. It stays the same when the connection is replaced. */
int places_client_descriptor(const struct places_client *client);

/* False when there is no connection to send it on, or its queue is full. */
bool places_client_send(struct places_client *client, uint64_t id, struct span request,
                        int64_t now_ms);

/* The next reply: its id and body, borrowed until the next call. False when nothing waits.
 * Messages that are no replies are dropped. */
bool places_client_receive(struct places_client *client, uint64_t *id, struct span *body);

/* ---- all of them ---- */

/* All zero holds nothing. */
struct places_clients {
    struct requests *requests;                       /* NULL before there is a places service */
    struct places_client *each[TOPOLOGY_PLACES_MAX]; /* a client of each broker */
    size_t count;
    struct places_client *next[TOPOLOGY_PLACES_MAX]; /* from places_clients_read on, some new */
    uint32_t was[TOPOLOGY_PLACES_MAX];               /* which of `each` it is; see requests.h */
    size_t next_count;
    uint64_t seed, lives;
    int watch;  /* an epoll(7) of all clients' descriptors */
    bool wait;  /* replies may be there: the next turn must not be far */
    bool fired; /* a descriptor said that something happened */
};

/* Begins to connect to each of the topology's brokers; `seed` as for requests_new, `keys`
 * as for places_client_open. False and one clear sentence in `fault`; places_clients_close closes
 * what was opened. */
bool places_clients_open(struct places_clients *places, const struct topology *topology,
                         uint64_t seed, const struct auth_ends *keys, int64_t now_ms,
                         struct fault *fault);
void places_clients_close(struct places_clients *places);

/* Poll for reading. It stays the same. */
int places_clients_descriptor(const struct places_clients *places);

/* Begins to connect to those brokers of a topology that is read again where the node is not
 * connected, for places_clients_take. False and one clear sentence in `fault`, and then, or where
 * it is not taken, places_clients_leave has to follow. */
bool places_clients_read(struct places_clients *places, const struct topology *topology,
                         const struct auth_ends *keys, int64_t now_ms, struct fault *fault);
/* The brokers from now on: what is asked of one that is gone is asked elsewhere. */
void places_clients_take(struct places_clients *places, int64_t now_ms);
/* All stays as it is. */
void places_clients_leave(struct places_clients *places);

/* Takes replies, ends what is late, replaces connections and sends what is due, up to a bound:
 * clients have their turn, too. */
void places_clients_turn(struct places_clients *places, struct clients *clients, int64_t now_ms);

/* To be called once a second. The log hears of a broker that cannot be reached, and of its
 * return. */
void places_clients_second(struct places_clients *places, struct logline *lines,
                           int64_t realtime_ns, int64_t now_ms);

/* What an operator hears of the services and of the look-ups there; endpoints are borrowed. */
void places_clients_describe(const struct places_clients *places, struct operate_status *status,
                             int64_t now_ms);

/* When places_clients_turn has something to do although nothing arrived; INT64_MAX is never. */
int64_t places_clients_deadline_ms(const struct places_clients *places);

#endif
