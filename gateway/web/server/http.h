/* http: the HTTP side of zherd-web: takes requests of trackers, hands positions to the relay, and
 * answers when the node has, or when they are in memory for a second; and shows where clients are.
 *
 * What a request means is gateway/web/parse/upload.h's and query.h's, what is shown is that of
 * gateway/web/show, and libmicrohttpd speaks the protocol. It knows no topology.
 *
 * Invariant: connections, the bytes of their bodies and the time of a request have limits, and no
 * address has all of the connections, viewers or bytes. */
#ifndef ZHERD_GATEWAY_WEB_SERVER_HTTP_H
#define ZHERD_GATEWAY_WEB_SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "bus/base/fault.h"
#include "gateway/web/parse/relay.h"

/* At the same time; one more waits until another one ends. */
#define HTTP_CONNECTIONS_MAX 1000
/* Of these, and of viewers and works below, one address (of IPv6: one /64) has half at most; one of
 * loopback, where a proxy may be, so many tenths. One more is closed at once. */
#define HTTP_LOOPBACK_TENTHS 9
/* Of events, at the same time, besides. */
#define HTTP_VIEWERS_MAX 2000
/* Answers that take their time: pages that are written a part at a time, and look-ups. */
#define HTTP_WORKS_MAX 64
/* A request's line and its headers. */
#define HTTP_HEAD_BYTES_MAX ((size_t)16 * 1024)
/* Of all bodies at the same time: 16 of the largest. What is beyond is answered by 503, after which
 * trackers try again. */
#define HTTP_BODIES_BYTES_MAX ((size_t)64 * 1024 * 1024)
/* Of those of one address (of IPv6: of one /64). */
#define HTTP_ADDRESS_BODIES_BYTES_MAX (HTTP_BODIES_BYTES_MAX / 4)
/* A body of so many bytes counts for neither: each connection has room for one. Whoever sends large
 * ones keeps no phone out. */
#define HTTP_SMALL_BODY_BYTES_MAX ((size_t)64 * 1024)
/* A request may take so long from the end of the one before to its own, the largest at 560 kbit/s;
 * then its answer. */
#define HTTP_REQUEST_MS_MAX 60000
/* An answer waits for the node so long; then the position is in memory. */
#define HTTP_ANSWER_MS_MAX 1000

struct http;
struct door;
struct herd;
struct places;

/* Listens at the endpoint, and serves from the loop; HTTPS where it is secure, by what
 * gateway/web/server/certificate.h shows. NULL and one sentence in `fault` where it
 * cannot. Borrows the relay. */
struct http *http_new(uv_loop_t *loop, const char *endpoint, bool is_secure, struct relay *relay,
                      struct fault *fault);

/* Before the first turn: the door whose state /readyz says, and what is known of the herd.
 * Borrowed. */
void http_set_node(struct http *http, struct door *door, struct herd *herd);

/* Other access rules from now on, which are its to free; NULL: none. */
struct access;
void http_set_rules(struct http *http, struct access *rules);

/* Before the first turn: where the map's tiles are, "" without, and who is asked for places.
 * Borrowed. */
void http_set_map(struct http *http, const char *tiles, struct places *places);

/* The relay was closed, and is not open again: whose positions had no answer waits for its second.
 */
void http_lose_node(struct http *http);

/* The node has answered, or there is more to do: for each turn of the loop. */
void http_turn(struct http *http);

/* Takes no more connections, and each one ends with its next answer. */
void http_stop(struct http *http);
/* Whether an answer waits for the node. */
bool http_is_waiting(const struct http *http);

/* Ends all connections and closes its handles; to be freed with http_free once the loop has run. */
void http_close(struct http *http);
/* Accepts NULL, sets the caller's pointer to NULL. */
void http_free(struct http **http);

#endif
