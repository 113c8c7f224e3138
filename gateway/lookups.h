/* lookups: the socket to the places service, and nothing that decides (gateway/places.h does).
 *
 * A DEALER that speaks the envelope of a REQ socket with ZMQ_REQ_CORRELATE (zmq_setsockopt(3)):
 * request id, empty frame, body. So the service may be anything that answers a plain REQ, while
 * one node has many questions in flight.
 *
 * Its descriptor is edge-triggered, and a send eats the edge (ZMQ_FD): after it fired, and after
 * every send, call lookups_receive until it says that nothing waits. */
#ifndef ZHERD_GATEWAY_LOOKUPS_H
#define ZHERD_GATEWAY_LOOKUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/auth.h"
#include "bus/bytes.h"
#include "topology/topology.h"

#define LOOKUPS_ERROR_BYTES_MAX 512

struct lookups;

/* Seconds without a connection after which it is begun anew, with the service's other key where it
 * lists two: ZeroMQ gives a connection up for good that was refused. */
#define LOOKUPS_RENEW_S 3

/* Begins to connect; the service may come and go at any time. With `keys`, which are copied, only
 * to a service that has one of them; NULL: in the clear. NULL and one clear sentence in `error`
 * when the endpoint is no endpoint. */
struct lookups *lookups_open(const struct topology_endpoint *endpoint, const struct auth_ends *keys,
                             char error[LOOKUPS_ERROR_BYTES_MAX]);

/* Accepts NULL, sets the caller's pointer to NULL. Unsent requests are dropped. */
void lookups_close(struct lookups **lookups);

/* The service's keys from now on. Only where it was opened with keys. */
void lookups_expect(struct lookups *lookups, const struct keyring_keys *theirs);

/* To be called once a second; eats the descriptor's edge as a send does. */
void lookups_second(struct lookups *lookups);

/* Poll for reading. */
int lookups_descriptor(const struct lookups *lookups);

/* False when there is no connection to send it on, or its queue is full. */
bool lookups_send(struct lookups *lookups, uint64_t id, struct span request);

/* The next reply: its id and body, borrowed until the next call. False when nothing waits.
 * Messages that are no replies are dropped. */
bool lookups_receive(struct lookups *lookups, uint64_t *id, struct span *body);

#endif
