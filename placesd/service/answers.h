/* answers: sends what askers get, and counts what waits for them.
 *
 * ZeroMQ keeps what cannot leave yet, by number and not by bytes. So each message hands over its
 * memory with a function that ZeroMQ calls, in a thread of its own, when it has left or its
 * connection is gone; an outbox (placesd/dispatch/outbox.h) says who may have how much waiting.
 *
 * Invariant: OUTBOX_BYTES_MAX are never exceeded, and whoever does not read loses his own answers
 * alone. One thread owns it. */
#ifndef ZHERD_PLACESD_SERVICE_ANSWERS_H
#define ZHERD_PLACESD_SERVICE_ANSWERS_H

#include <stdint.h>

#include <czmq.h>

#include "bus/base/bytes.h"

struct answers;

struct answers *answers_new(void);
/* What waits in ZeroMQ may still leave. Accepts NULL, sets the caller's pointer to NULL. */
void answers_destroy(struct answers **answers);

/* Sends the envelope, whose first frame is the routing id, and after it the bytes as one frame; or
 * drops both, and says so. Takes over the memory of both. */
void answers_send(struct answers *answers, zsock_t *socket, zmsg_t *envelope, struct buffer *bytes,
                  int64_t now_ms);

/* The bytes that wait now, at most OUTBOX_BYTES_MAX; and the answers dropped since the start. */
uint64_t answers_waiting_bytes(struct answers *answers);
uint64_t answers_dropped(const struct answers *answers);

#endif
