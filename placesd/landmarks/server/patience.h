/* patience: how long one question may take a server of libmicrohttpd's, from the first byte to the
 * last of its answer.
 *
 * The library's own limit is on silence only, and whoever sends a byte a second is never silent. A
 * thread cuts the connections whose time is over; the library then finds them closed. It reads and
 * writes nothing itself.
 *
 * Invariant: a connection is cut PATIENCE_MS after its beginning, or after its last answer, unless
 * another one was complete before; no other descriptor is ever touched. */
#ifndef ZHERD_PLACESD_LANDMARKS_SERVER_PATIENCE_H
#define ZHERD_PLACESD_LANDMARKS_SERVER_PATIENCE_H

#include <microhttpd.h>

/* A whole question is one packet, and its answer takes a few milliseconds. */
#define PATIENCE_MS 5000
/* The server's own limit on connections is not above this. */
#define PATIENCE_CONNECTIONS_MAX 256

struct patience;

/* Starts the thread; it takes the caller's signal mask. NULL when there is none to be had. */
struct patience *patience_start(void);

/* The server must have ended. Accepts NULL, sets the caller's pointer to NULL. */
void patience_stop(struct patience **patience);

/* For MHD_OPTION_NOTIFY_CONNECTION and MHD_OPTION_NOTIFY_COMPLETED, both with the patience as their
 * argument. The connection's context (MHD_CONNECTION_INFO_SOCKET_CONTEXT) is used. */
void patience_connected(void *patience, struct MHD_Connection *connection, void **context,
                        enum MHD_ConnectionNotificationCode code);
void patience_completed(void *patience, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode code);

#endif
