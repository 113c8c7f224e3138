/* reload: reads the keys of those who may ask again, on HUP.
 *
 * A thread of its own waits for the signal, because the broker's thread waits for messages. The
 * service's own key pair, its endpoints and its provider are those of the start. */
#ifndef ZHERD_PLACESD_RELOAD_H
#define ZHERD_PLACESD_RELOAD_H

#include "placesd/broker.h"
#include "topology/topology.h"

struct reload;

/* Keeps HUP from this thread and those it starts: before any other thread is there. */
void reload_block(void);

/* Adds to the ring the keys of all nodes: each may ask. */
void reload_askers(const struct topology *topology, struct keyring *ring);

/* The file and the broker must stay until reload_stop. */
struct reload *reload_start(const char *file, struct broker *broker);
/* Accepts NULL, sets the caller's pointer to NULL. */
void reload_stop(struct reload **reload);

#endif
