/* outbox: how many bytes of answers wait for whom, and whether one more may.
 *
 * Whoever asks and does not read lets answers pile up. Each connection may have as many bytes
 * waiting as are free (placesd/dispatch/share.h), so one alone half of the limit, and others always
 * have room for theirs; an answer beyond that is dropped, which asking again makes good. It holds
 * no answer and no socket: it counts what its caller says.
 *
 * Invariant: no more bytes wait than the limit, whoever asks. */
#ifndef ZHERD_PLACESD_DISPATCH_OUTBOX_H
#define ZHERD_PLACESD_DISPATCH_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"

/* All answers that wait: 64 of the longest for one connection alone, some 5,000 of the usual
 * 12 KB. */
#define OUTBOX_BYTES_MAX ((size_t)128 * 1024 * 1024)
/* What a message costs besides its own bytes: frames, routing id and the lists they stand in. */
#define OUTBOX_MESSAGE_BYTES 512
/* Connections with something waiting; whoever comes beyond that shares one place. */
#define OUTBOX_PLACES_MAX 1024
/* As long as ZeroMQ makes a routing id. */
#define OUTBOX_NAME_BYTES_MAX 255
/* Said in the log when so much of what a connection may have waits for it. */
#define OUTBOX_NEARLY_PERCENT 80

struct outbox;

struct outbox *outbox_new(size_t bytes_max);
/* Accepts NULL, sets the caller's pointer to NULL. */
void outbox_destroy(struct outbox **outbox);

enum outbox_verdict {
    OUTBOX_TAKEN,
    OUTBOX_NEARLY, /* taken, and OUTBOX_NEARLY_PERCENT of what may wait for it does */
    OUTBOX_FULL,   /* drop it */
};

/* A message of a byte or more for the connection with that routing id, at most
 * OUTBOX_NAME_BYTES_MAX long. `place`, below OUTBOX_PLACES_MAX, names it when it leaves. */
enum outbox_verdict outbox_take(struct outbox *outbox, struct span name, size_t bytes,
                                uint32_t *place);

/* `bytes` bytes have left, or are lost with their connection. */
void outbox_leave(struct outbox *outbox, uint32_t place, size_t bytes);

/* What waits in all. */
size_t outbox_bytes(const struct outbox *outbox);

#endif
