/* reload: what placesd does at HUP and USR1.
 *
 * HUP: it reads the topology again, the provider's key files, the token of those who may watch and
 * the databases of the landmarks, and takes all of it or nothing, with one line of the log for each
 * change of the topology. Public keys count at once. A worker without a broker beside it serves the
 * places sections that there are then, as another worker, while the first finishes what it has
 * begun. A broker listens where its section says then; what else is different there waits for the
 * next start, and the line says so: a file that the section names no more is not read, and may be
 * gone. Both signals: it opens its log, standard output and standard error again
 * (topology/signals.h).
 *
 * A thread of its own waits for them, because the others wait for messages. */
#ifndef ZHERD_PLACESD_SERVICE_RELOAD_H
#define ZHERD_PLACESD_SERVICE_RELOAD_H

#include "placesd/landmarks/server/landmarks.h"
#include "placesd/service/broker.h"
#include "placesd/service/key.h"
#include "placesd/service/worker.h"
#include "topology/format/topology.h"

/* How long a worker may take to end what it has begun: longer than any client waits. */
#define RELOAD_DRAIN_MS 5000

struct reload;

/* What runs. All of it must stay until reload_free; the keys and the brokers' sources are changed
 * while the worker is held (worker_hold). */
struct reload_parts {
    const char *file;                     /* the topology ... */
    const struct topology *start;         /* ... as it was */
    struct broker *broker;                /* NULL in a lone worker */
    struct worker **worker;               /* NULL beside a lone broker; another one after a HUP */
    uint32_t credits;                     /* of a worker */
    const struct auth_ends *ends;         /* ours and those of all services; NULL without keys */
    size_t number;                        /* of the broker's section, from 1 */
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

/* Where a worker beside the broker reaches it, however others do. */
void reload_own_back(const struct broker *broker, char text[TOPOLOGY_ENDPOINT_BYTES_MAX + 1]);

/* Since before any other thread, both signals are held (signals_hold). Copies the parts. */
struct reload *reload_start(const struct reload_parts *parts);
/* No signal is heard from then on; what the worker goes by stays. Once. Accepts NULL. */
void reload_end(struct reload *reload);
/* After the worker is stopped. Accepts NULL, sets the caller's pointer to NULL. */
void reload_free(struct reload **reload);

#endif
