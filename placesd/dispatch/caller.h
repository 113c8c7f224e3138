/* caller: which connections to a door of the places service were replaced by others and are still
 * there.
 *
 * A connection behind a box that ends TCP can be lost at one end and live on at the other. Whoever
 * connects anew leaves it there: ZeroMQ gives the routing id to the new connection and keeps the
 * old one, for good. Its own heartbeats would find it, but end the process: a ROUTER whose queue is
 * full while the other end breaks off fails an assertion at the next heartbeat (4.3.4, 4.3.5). So
 * gateways and workers say who they are in their routing ids, and the broker ends what they left.
 *
 * A name is "gateway-LIFE.NUMBER" or "worker-LIFE.NUMBER": LIFE is 16 hexadecimal digits, drawn at
 * random for each process and broker, NUMBER counts its sockets. Connections with other routing ids
 * are nobody's business here. It knows descriptors as numbers only, and no socket.
 *
 * Invariant: a connection is never to be ended while it is the newest of its life, unless it was
 * silent for CALLER_SILENCE_MS, and who has such a name speaks each second. */
#ifndef ZHERD_PLACESD_DISPATCH_CALLER_H
#define ZHERD_PLACESD_DISPATCH_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"

#define CALLER_NAME_BYTES_MAX 40
/* What is on its way over a connection that was replaced may take so long to arrive. */
#define CALLER_REPLACED_MS 1000
/* Far above the second in which each speaks: a process may be stopped for a while. */
#define CALLER_SILENCE_MS 10000
/* Connections over descriptors from this number on are not looked after. */
#define CALLER_DESCRIPTORS_MAX 65536

enum caller_kind {
    CALLER_GATEWAY,
    CALLER_WORKER,
    CALLER_KINDS,
};

/* Who speaks over a connection. */
struct caller {
    enum caller_kind kind;
    uint64_t life;
    uint32_t number;
};

/* Its routing id, with a NUL behind; the bytes in front of it. */
size_t caller_write(const struct caller *caller, char name[CALLER_NAME_BYTES_MAX]);
/* False for any other routing id. */
bool caller_read(struct span routing_id, struct caller *caller);

/* Whether the routing id is one of that life; of none where `life` is 0. A process that is broker
 * and worker in one knows its own worker so: the life leaves the process in no other way, and what
 * its worker has checked is not checked again. */
bool caller_is_of(struct span routing_id, enum caller_kind kind, uint64_t life);

/* The connections of one door. */
struct callers;

struct callers *callers_new(void);
/* Accepts NULL, sets the caller's pointer to NULL. */
void callers_destroy(struct callers **callers);

/* A message of `caller` came over the connection with this descriptor. True if it is a new one:
 * then say with callers_add which, as the system may give its number to another connection. */
bool callers_hear(struct callers *callers, const struct caller *caller, int descriptor,
                  int64_t now_ms);
/* `mark` tells this connection from a later one of the same descriptor. */
void callers_add(struct callers *callers, const struct caller *caller, int descriptor,
                 uint64_t mark, int64_t now_ms);

/* The next connection to be ended, if it is still the one with this mark. Call until false. */
bool callers_next(struct callers *callers, int64_t now_ms, int *descriptor, uint64_t *mark);

/* When callers_next must be asked again although nothing happened; INT64_MAX for never. */
int64_t callers_deadline_ms(const struct callers *callers);

#endif
