/* reload: reads the herd's public keys again, on HUP: a broker's of those who may ask and work, a
 * worker's of its brokers.
 *
 * A thread of its own waits for the signal, because the others wait for messages. The service's own
 * key pair, its endpoints and its provider are those of the start. */
#ifndef ZHERD_PLACESD_RELOAD_H
#define ZHERD_PLACESD_RELOAD_H

#include "placesd/broker.h"
#include "placesd/worker.h"
#include "topology/topology.h"

struct reload;

/* Keeps HUP from this thread and those it starts: before any other thread is there. */
void reload_block(void);

/* Adds to the ring the keys of all nodes: each may ask. */
void reload_askers(const struct topology *topology, struct keyring *ring);

/* Adds the keys of the herd's places services: one of them is a worker's, and its broker's. */
void reload_workers(const struct topology *topology, struct keyring *ring);

/* The file, the broker and the worker must stay until reload_stop; either may be NULL. */
struct reload *reload_start(const char *file, struct broker *broker, struct worker *worker);
/* Accepts NULL, sets the caller's pointer to NULL. */
void reload_stop(struct reload **reload);

#endif
