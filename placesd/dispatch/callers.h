/* callers: which connections to a door of the places service were replaced by others and are still
 * there.
 *
 * A connection behind a box that ends TCP can be lost at one end and live on at the other. Whoever
 * connects anew leaves it there: ZeroMQ gives the routing id to the new connection and keeps the
 * old one, for good. Its own heartbeats would find it, but end the process: a ROUTER whose queue is
 * full while the other end breaks off fails an assertion at the next heartbeat (4.3.4, 4.3.5). So
 * gateways and workers say who they are in their routing ids (placesd/caller.h), and the broker
 * ends what they left. It knows descriptors as numbers only, and no socket.
 *
 * Invariant: a connection is never to be ended while it is the newest of its life, unless it was
 * silent for CALLERS_SILENCE_MS, and who has such a name speaks each second. */
#ifndef ZHERD_PLACESD_DISPATCH_CALLERS_H
#define ZHERD_PLACESD_DISPATCH_CALLERS_H

#include <stdbool.h>
#include <stdint.h>

#include "placesd/caller.h"

/* What is on its way over a connection that was replaced may take so long to arrive. */
#define CALLERS_REPLACED_MS 1000
/* Far above the second in which each speaks: a process may be stopped for a while. */
#define CALLERS_SILENCE_MS 10000
/* Connections over descriptors from this number on are not looked after. */
#define CALLERS_DESCRIPTORS_MAX 65536

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
