/* places_client: the connection to the places service. bus/link/dial.h decides when it is replaced
 * by a new one, gateway/text/requests.h what is asked over it.
 *
 * A DEALER that speaks the envelope of a REQ socket with ZMQ_REQ_CORRELATE (zmq_setsockopt(3)):
 * request id, empty frame, body. So the service may be anything that answers a plain REQ, while
 * one node has many questions in flight.
 *
 * Its descriptor is edge-triggered, and a send eats the edge (ZMQ_FD): after it fired, and after
 * every call that may send or replace the connection, call places_client_receive until it says that
 * nothing waits. */
#ifndef ZHERD_GATEWAY_NODE_PLACES_CLIENT_H
#define ZHERD_GATEWAY_NODE_PLACES_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/link/dial.h"
#include "bus/net/auth.h"
#include "topology/format/topology.h"

#define PLACES_CLIENT_ERROR_BYTES_MAX 512

/* Milliseconds without a connection after which it is made anew: ZeroMQ gives one up for good that
 * was refused. */
#define LOOKUPS_AWAY_MS 3000
/* The same where the service lists two keys: less than the second that a look-up waits for a
 * connection, so that a service which comes back with its other key costs no look-up. */
#define LOOKUPS_AWAY_TWO_KEYS_MS 500
/* A service answers each question before its deadline, which is REQUESTS_DEADLINE_MS at most: one
 * that has answered none for longer than that does not hear us, or we do not hear it. */
#define LOOKUPS_UNANSWERED_MS 5000
/* The broker also answers a ping each second; once it did, this counts. So a connection that died
 * unseen is left before the look-ups over it are late. */
#define LOOKUPS_PING_UNANSWERED_MS 2000

struct places_client;

/* Begins to connect; the service may come and go at any time. A host name is asked for anew for
 * each connection, and each of its addresses is tried in turn. With `keys`, which are copied, only
 * to a service that has one of them; NULL: in the clear. `life` is random
 * (placesd/caller.h). NULL and one clear sentence in `error` when the endpoint is no
 * endpoint. All times are of one clock that does not run backwards. */
struct places_client *places_client_open(const struct topology_endpoint *endpoint,
                                         const struct auth_ends *keys, uint64_t life,
                                         int64_t now_ms, char error[PLACES_CLIENT_ERROR_BYTES_MAX]);

/* Accepts NULL, sets the caller's pointer to NULL. Unsent requests are dropped. */
void places_client_close(struct places_client **client);

/* The service's keys from now on: a connection whose key is still among them stays. Only where it
 * was opened with keys. */
void places_client_expect(struct places_client *client, const struct keyring_keys *theirs);

/* Looks whether there is a connection, and says something over a new one. To be called when the
 * descriptor fired and there was nothing to receive; eats its edge as a send does. */
void lookups_look(struct places_client *client, int64_t now_ms);

/* The same, and asks the broker whether it is there. To be called once a second. */
void places_client_second(struct places_client *client, int64_t now_ms);

/* Replaces the connection where that is due: true if it did, and then what was sent and not yet
 * answered stays without an answer. Take what has arrived before. */
bool lookups_renew(struct places_client *client, int64_t now_ms);

/* When lookups_renew has something to do; INT64_MAX is never. */
int64_t lookups_deadline_ms(const struct places_client *client);

/* What the log is to hear of the service at lookups_endpoint; to be asked once a second. */
enum dial_news lookups_news(struct places_client *client, int64_t now_ms);
/* Why it is lost, as far as is known. */
const char *lookups_reason(const struct places_client *client);
const char *lookups_endpoint(const struct places_client *client);

/* Poll for reading. It stays the same when the connection is replaced. */
int places_client_descriptor(const struct places_client *client);

/* False when there is no connection to send it on, or its queue is full. */
bool places_client_send(struct places_client *client, uint64_t id, struct span request,
                        int64_t now_ms);

/* The next reply: its id and body, borrowed until the next call. False when nothing waits.
 * Messages that are no replies are dropped. */
bool places_client_receive(struct places_client *client, uint64_t *id, struct span *body);

#endif
