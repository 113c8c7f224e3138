/* reload: what placesd does at HUP and USR1.
 *
 * HUP: it reads the topology again, of which the public keys count at once (a broker's of those who
 * may ask and work, a worker's of its brokers), and says what else differs and waits for the next
 * start; the provider's key files; the token of those who may watch; the databases of the
 * landmarks. Whatever is not good stays as it was, and each is one line of the log. Both signals:
 * it opens its standard output and standard error again (topology/signals.h).
 *
 * A thread of its own waits for them, because the others wait for messages. */
#ifndef ZHERD_PLACESD_SERVICE_RELOAD_H
#define ZHERD_PLACESD_SERVICE_RELOAD_H

#include "placesd/landmarks/server/landmarks.h"
#include "placesd/service/broker.h"
#include "placesd/service/key.h"
#include "placesd/service/worker.h"
#include "topology/format/topology.h"

struct reload;

/* What runs. All of it must stay until reload_stop; the keys and the brokers' sources are changed
 * while the worker is held (worker_hold). */
struct reload_parts {
    const char *file;                     /* the topology ... */
    const struct topology *start;         /* ... as it was */
    struct broker *broker;                /* NULL in a lone worker */
    struct worker *worker;                /* NULL beside a lone broker */
    const struct topology_places *places; /* the sections that are served */
    size_t places_count;
    struct worker_broker *brokers;      /* as the worker sees them, one for each section */
    struct key *keys;                   /* of their first sources, likewise */
    struct landmarks *const *landmarks; /* NULL where none runs here */
    size_t landmarks_count;
};

/* Adds to the ring the keys of all nodes: each may ask. */
void reload_askers(const struct topology *topology, struct keyring *ring);

/* Adds the keys of the herd's places services: one of them is a worker's, and its broker's. */
void reload_workers(const struct topology *topology, struct keyring *ring);

/* Since before any other thread, both signals are held (signals_hold). Copies the parts. */
struct reload *reload_start(const struct reload_parts *parts);
/* Accepts NULL, sets the caller's pointer to NULL. */
void reload_stop(struct reload **reload);

#endif
