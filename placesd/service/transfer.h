/* transfer: HTTP requests to providers, many at a time, by one curl_multi handle
 * (libcurl-multi(3)).
 *
 * All HTTP of the places service goes through here: one request per look-up, no second attempt, no
 * redirect. It knows no broker; what becomes of an answer is its caller's affair.
 *
 * Invariant: every transfer begun ends once, within its look-up's deadline, and the key reaches
 * the provider and nobody else. One thread owns it, but for transfer_wake. */
#ifndef ZHERD_PLACESD_SERVICE_TRANSFER_H
#define ZHERD_PLACESD_SERVICE_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "placesd/lookup.h"
#include "placesd/providers/provider.h"

/* Descriptors that transfer_wait watches beside its own. */
#define TRANSFER_OTHERS_MAX 8

/* Who is asked, and where. */
struct transfer_source {
    const struct provider *provider;
    struct span url; /* http:// or https://, without a query */
    struct span key; /* empty without one */
    /* Where a provider within this process is reached instead: a Unix domain socket's path, or its
     * name in the abstract namespace. NULL: over the network. */
    const char *own_socket;
};

struct transfers;

/* Room for `count` at a time, over at most `host_connections_max` connections to one host (0: no
 * limit): those beyond wait for one, and their deadlines count from transfer_begin all the same.
 * While some wait for one host, others may wait at a host that has room, so a limit is for sources
 * that are equally fast. NULL where this libcurl lacks what is needed. */
struct transfers *transfer_open(size_t count, size_t host_connections_max);
/* Drops what is on its way. Accepts NULL, sets the caller's pointer to NULL. */
void transfer_close(struct transfers **transfers);

/* Begins one; false where all are busy. It asks as the source says now, whatever its key becomes;
 * `asker` and `job` mean nothing here. */
bool transfer_begin(struct transfers *transfers, const struct transfer_source *source,
                    const struct lookup *lookup, void *asker, uint64_t job);

size_t transfer_busy(const struct transfers *transfers);

struct transfer_end {
    void *asker;
    uint64_t job;
    enum lookup_code code;
    struct span json;    /* borrowed until the next call */
    int64_t rest_ms;     /* the provider's Retry-After, 0 without one */
    const char *failure; /* for the log, without any URL, with the provider's own words (see
                            placesd/providers/outcome.h); NULL if all went well; borrowed */
    const struct transfer_source *source; /* a copy without its key; borrowed likewise */
};

/* Lets bytes flow, then gives the next one that ended. Call until false. */
bool transfer_next(struct transfers *transfers, struct transfer_end *end);

/* Sleeps until bytes may flow, one of `count` others, at most TRANSFER_OTHERS_MAX, can be read, or
 * so much time has passed. Whether one of the others can be read. */
bool transfer_wait(struct transfers *transfers, const int *others, size_t count, int64_t pause_ms);

/* Ends transfer_wait, from any thread. */
void transfer_wake(struct transfers *transfers);

#endif
