/* door: a node's text door, as a client of it sees it: the connection that IAMATs go out over and
 * answers come back on, and the next one when that breaks.
 *
 * What is said and in which order is the relay's (gateway/web/parse/relay.h); of lines it writes
 * and reads AUTH alone, with which a connection begins where there is a token. It never gives up: a
 * node that is started again is found within a second, and so is one that knows the token again.
 *
 * Invariant: no function waits; with a token, no position goes to a node that does not know it. */
#ifndef ZHERD_GATEWAY_WEB_SERVER_DOOR_H
#define ZHERD_GATEWAY_WEB_SERVER_DOOR_H

#include <stdbool.h>
#include <uv.h>

#include "gateway/web/parse/relay.h"
#include "topology/format/topology.h"

/* Between two tries to connect: the first, and up to that, twice as long each time. */
#define DOOR_PAUSE_MS_MIN 50
#define DOOR_PAUSE_MS_MAX 1000
/* A connection is good once it has answered, or is so old: a node that takes connections and closes
 * them is none that takes positions. */
#define DOOR_GOOD_MS 1000
/* Of a token, and of the answer to AUTH. */
#define DOOR_TOKEN_BYTES_MAX  256
#define DOOR_ANSWER_BYTES_MAX 512
/* A connection that is not there after this, or has not answered AUTH, is tried again. */
#define DOOR_CONNECT_MS_MAX 5000
/* A node that has answered nothing for this, though it was asked, is tried again: nobody waits so
 * long, and it is stopped, or its machine is gone. */
#define DOOR_SILENCE_MS_MAX 15000

struct door;

/* Called when there is something new: answers, a connection, or none any more. */
typedef void door_on_change(void *user);

/* Begins to connect to the node. Borrows node and relay; `user` is the function's. */
struct door *door_new(uv_loop_t *loop, const struct topology_node *node, struct relay *relay,
                      door_on_change *on_change, void *user);

/* The token to show from now on, which is copied; an empty one: none. With another one than before
 * a new connection takes the place of the one that is there. */
void door_set_token(struct door *door, struct span token);

/* Whether there is a connection that takes positions. */
bool door_is_open(const struct door *door);

/* One more connection to where the node is, for whom else has something to say: a socket that
 * connects, the caller's to close; or -1 where the node is not reached. Appends what is to be said
 * first: AUTH, where there is a token, which is the caller's to wipe. */
int door_dial(const struct door *door, struct buffer *first);

/* Writes what is to be written; for the end of each turn of the loop. */
void door_flush(struct door *door);

/* Closes its handles; to be freed with door_free once the loop has run. */
void door_close(struct door *door);
/* Accepts NULL, sets the caller's pointer to NULL. */
void door_free(struct door **door);

#endif
