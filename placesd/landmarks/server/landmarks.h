/* landmarks: a small places server, so that a herd answers without key or network.
 *
 * It speaks Google's Nearby Search (legacy) over HTTP: GET <path>?location=LAT,LNG&radius=METRES
 * gives up to twenty places within the circle, the best known first, or with rankby=distance the
 * nearest; every fault of the question comes as a status inside HTTP 200, as Google does it. The
 * places are those of a database that zherd-landmarks has imported, or else our own landmarks.tsv
 * and the cities of the system's time zone table. It is not a cache, not a proxy and no part of
 * placesd's protocol: placesd asks it through libcurl like any other provider.
 *
 * Invariant: it listens on the given address only, and no request changes what it knows. */
#ifndef ZHERD_PLACESD_LANDMARKS_SERVER_LANDMARKS_H
#define ZHERD_PLACESD_LANDMARKS_SERVER_LANDMARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for one sentence with a host name and the reason of bus/net/binding.h. */
#define LANDMARKS_ERROR_BYTES_MAX 1536

struct landmarks;

/* Opens the database, or fills a store in memory where `database` is NULL, and serves from threads
 * of its own, which take no signals. `host` is what bus/net/binding.h binds, without brackets
 * ("127.0.0.1", "::1", "localhost", "*"), `port` 0 means any free one, `path` begins with a slash.
 * Copies its arguments. NULL and one sentence in `error` when the address is wrong or taken, when
 * there is no such database, or when SQLite cannot do what is needed. Writes one line to standard
 * error when the time zone table is needed and missing, and goes without. */
struct landmarks *landmarks_start(const char *database, const char *host, uint16_t port,
                                  const char *path, char *error, size_t error_bytes);

/* Opens the database anew by its name: an import has put another in its place. From any thread;
 * questions go on meanwhile. False with one sentence in `error` where there is none that is good:
 * the old one goes on. Without a database nothing happens. */
bool landmarks_read_again(struct landmarks *landmarks, char *error, size_t error_bytes);

/* Its name; NULL without one. */
const char *landmarks_database(const struct landmarks *landmarks);

/* The port really bound. */
uint16_t landmarks_port(const struct landmarks *landmarks);

/* Cuts what is still connected and joins the threads. Accepts a NULL handle, sets the caller's
 * to NULL. */
void landmarks_stop(struct landmarks **landmarks);

#endif
