/* landmarks: a small places server, so that a herd answers without key or network.
 *
 * It speaks Google's Nearby Search (legacy) over HTTP: GET <path>?location=LAT,LNG&radius=METRES
 * gives up to twenty places within the circle, the best known first, or with rankby=distance the
 * nearest, and a token for the next page (placesd/landmarks/data/nearby_search.h has all
 * parameters); every fault of the question comes as a status inside HTTP 200, as Google does it.
 * The places are those of a database that zherd-landmarks has imported, or else our own
 * landmarks.tsv and the cities of the system's time zone table. It is not a cache, not a proxy and
 * no part of placesd's protocol: placesd asks it through libcurl like any other provider.
 *
 * Invariant: it listens on the given address only, and no request changes what it knows. */
#ifndef ZHERD_PLACESD_LANDMARKS_SERVER_LANDMARKS_H
#define ZHERD_PLACESD_LANDMARKS_SERVER_LANDMARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/fault.h"
#include "placesd/landmarks/data/figures.h"
#include "topology/format/networks.h"

/* Enough for one sentence with a host name and the reason of bus/net/binding.h. */

/* As many as a broker's workers have look-ups in flight, and a few people with a browser. The
 * process that serves it has connections of its own beside these (landmarks_own_socket). */
#define LANDMARKS_CONNECTIONS_MAX 256
/* Of one address (of IPv6: of one /64): half of all, so that no host shuts the others out. */
#define LANDMARKS_ADDRESS_CONNECTIONS_MAX (LANDMARKS_CONNECTIONS_MAX / 2)
/* Of one address of loopback: nearly all, as at a node. All workers of this host are one address
 * there (placesd/service/worker.h), and there are few others. */
#define LANDMARKS_LOOPBACK_CONNECTIONS_MAX (LANDMARKS_CONNECTIONS_MAX * 9 / 10)
/* The log hears when an address has so much of that, and when one more is refused ... */
#define LANDMARKS_NEARLY_PERCENT 80
/* ... each once in this time. */
#define LANDMARKS_TELL_PAUSE_MS 1000
/* One question may take this long, from its first byte to the last of its answer: all of it is one
 * packet, and the answer takes a few milliseconds. */
#define LANDMARKS_PATIENCE_MS 5000

/* Places that one question looks at, the first ones of the circle: a type or a word that hardly any
 * has would otherwise take the time of a whole country, and whoever else asks would wait for it.
 * An answer that would need more says so. */
#define LANDMARKS_LOOKS_MAX 20000

struct landmarks;

/* The connections that this address may have; of IPv6 it stands for its /64. */
unsigned landmarks_address_max(const struct network_address *address);

/* Hears sentences for a log, from a thread of the server's: must not block it. */
typedef void landmarks_tell(const char *text);

/* Opens the database, or fills a store in memory where `database` is NULL, and serves from threads
 * of its own, which take no signals. `host` is what bus/net/binding.h binds, without brackets
 * ("127.0.0.1", "::1", "localhost", "*"), `port` 0 means any free one, `path` begins with a slash.
 * Copies its arguments. NULL and one sentence in `fault` when the address is wrong or taken, when
 * there is no such database, or when SQLite cannot do what is needed. Writes one line to standard
 * error when the time zone table is needed and missing, and goes without. */
struct landmarks *landmarks_start(const char *database, const char *host, uint16_t port,
                                  const char *path, landmarks_tell *tell, struct fault *fault);

/* The name of a Unix domain socket at which this process alone is served, over connections that
 * nobody outside can take or cut: a path, which begins with a slash and is this process's own, or
 * where no file can be made a name in Linux's abstract namespace, without its leading NUL. The
 * server's own. */
const char *landmarks_own_socket(const struct landmarks *landmarks);

/* Opens the database again by its name: an import has put another in its place. From any thread;
 * questions go on meanwhile. False with one sentence in `fault` where there is none that is good:
 * the old one goes on. Without a database nothing happens. */
bool landmarks_read_again(struct landmarks *landmarks, struct fault *fault);

/* The same in two steps: what the first has opened counts from the second on, or is closed by the
 * third. One thread at a time. */
bool landmarks_read(struct landmarks *landmarks, struct fault *fault);
void landmarks_take(struct landmarks *landmarks);
void landmarks_leave(struct landmarks *landmarks);

/* Its name; NULL without one. */
const char *landmarks_database(const struct landmarks *landmarks);

/* What it has done since its start; from any thread. */
void landmarks_look(struct landmarks *landmarks, struct figures *figures);

/* The port really bound. */
uint16_t landmarks_port(const struct landmarks *landmarks);

/* Cuts what is still connected and joins the threads. Accepts a NULL handle, sets the caller's
 * to NULL. */
void landmarks_stop(struct landmarks **landmarks);

#endif
