/* sources: what a worker is to ask for a places section of the topology: its provider, with the key
 * that it wants, and its fallback.
 *
 * It reads the key's file, and asks nobody. Invariant: a URL that it lets pass has a host and a
 * path, and neither a query nor a name and password, which would end up in a log. */
#ifndef ZHERD_PLACESD_SERVICE_SOURCES_H
#define ZHERD_PLACESD_SERVICE_SOURCES_H

#include "bus/base/fault.h"
#include "placesd/service/key.h"
#include "placesd/service/worker.h"
#include "topology/format/topology.h"

/* Host, port and path of a provider's URL. */
struct sources_site {
    char *host, *port, *path;
};

/* False and one clear sentence where the URL may not be such. To be freed in either case. */
bool sources_read_site(const char *url, struct sources_site *site, struct fault *fault);
void sources_free_site(struct sources_site *site);

/* Fills `broker`, which borrows from `places` and `key`, and where `reads_key`, `key` from its
 * file. False and one clear sentence. */
bool sources_read(const struct topology_places *places, bool reads_key, struct key *key,
                  struct worker_broker *broker, struct fault *fault);

#endif
