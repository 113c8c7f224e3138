/* brokers: the places services of a node's herd, as its clients' look-ups reach them.
 *
 * It joins gateway/text/requests.h, which decides what is asked of whom and when, with a socket to
 * each broker (gateway/node/places_client.h), and hands the answers to the clients. It decides
 * nothing. In a herd without a places service it holds nothing, and every function does nothing.
 *
 * Invariant: after any call that may have eaten the edge of a descriptor, `wait` is set. */
#ifndef ZHERD_GATEWAY_NODE_BROKERS_H
#define ZHERD_GATEWAY_NODE_BROKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/node/clients.h"
#include "gateway/node/places_client.h"
#include "gateway/text/logline.h"
#include "gateway/text/requests.h"
#include "topology/format/topology.h"

/* All zero holds nothing. */
struct brokers {
    struct requests *requests; /* NULL without a places service */
    struct places_client *sockets[TOPOLOGY_PLACES_MAX];
    size_t count;
    bool wait;  /* replies may be there: the next turn must not be far */
    bool fired; /* a descriptor said that something happened */
};

/* Begins to connect to each of the topology's brokers; `seed` as for requests_new, `keys`
 * as for places_client_open. False and one clear sentence in `error`; brokers_close closes what was
 * opened. */
bool brokers_open(struct brokers *brokers, const struct topology *topology, uint64_t seed,
                  const struct auth_ends *keys, int64_t now_ms,
                  char error[PLACES_CLIENT_ERROR_BYTES_MAX]);
void brokers_close(struct brokers *brokers);

/* Takes replies, ends what is late, replaces connections and sends what is due, up to a bound:
 * clients have their turn, too. */
void brokers_turn(struct brokers *brokers, struct clients *clients, int64_t now_ms);

/* To be called once a second. The log hears of a broker that cannot be reached, and of its
 * return. */
void brokers_second(struct brokers *brokers, struct logline *lines, int64_t realtime_ns,
                    int64_t now_ms);

/* When brokers_turn has something to do although nothing arrived; INT64_MAX is never. */
int64_t brokers_deadline_ms(const struct brokers *brokers);

#endif
