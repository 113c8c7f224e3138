/* patience: how many connections an address may have with a landmarks server, and how long one
 * question may take.
 *
 * libmicrohttpd has a limit of connections for each address, but tells nobody when it refuses one,
 * and takes each address of IPv6 for another host. Its limit of time is on silence only, and
 * whoever sends a byte a second is never silent. So a thread of our own cuts the connections whose
 * time is over; the library then finds them closed. It reads and writes nothing itself.
 *
 * Invariants: no address has more than landmarks_address_max; a connection is cut
 * LANDMARKS_PATIENCE_MS after its beginning, or after its last answer, unless another one was
 * complete before; no other descriptor is ever touched. */
#ifndef ZHERD_PLACESD_LANDMARKS_SERVER_PATIENCE_H
#define ZHERD_PLACESD_LANDMARKS_SERVER_PATIENCE_H

#include <microhttpd.h>

#include "placesd/landmarks/server/landmarks.h"

struct patience;

/* The thread takes the caller's signal mask. NULL when there is none to be had. */
struct patience *patience_start(landmarks_tell *tell);

/* The server must have ended. Accepts NULL, sets the caller's pointer to NULL. */
void patience_stop(struct patience **patience);

/* What libmicrohttpd calls, with the patience as its first argument: MHD_AcceptPolicyCallback,
 * MHD_OPTION_NOTIFY_CONNECTION and MHD_OPTION_NOTIFY_COMPLETED. From any of its threads. */
enum MHD_Result patience_admit(void *user, const struct sockaddr *at, socklen_t bytes);
void patience_connected(void *user, struct MHD_Connection *connection, void **context,
                        enum MHD_ConnectionNotificationCode code);
void patience_completed(void *user, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode code);

/* The connections that are there, and how many were refused and cut since the start. */
void patience_look(struct patience *patience, struct figures *figures);

#endif
