/* asker: one WHATSAT of a node, over a connection of its own, so that a slow look-up keeps no
 * position waiting.
 *
 * What is asked and what the answer means is gateway/web/parse/query.h's.
 *
 * Invariant: after ASKER_MS_MAX there is an answer, or the lack of one, whatever the node does. */
#ifndef ZHERD_GATEWAY_WEB_SERVER_ASKER_H
#define ZHERD_GATEWAY_WEB_SERVER_ASKER_H

#include <uv.h>

#include "bus/base/bytes.h"

/* A node's own patience with its places service is 4.5 s. */
#define ASKER_MS_MAX 6000
/* Of an answer: what a node gives has up to 4 MiB. */
#define ASKER_BYTES_MAX ((size_t)8 * 1024 * 1024)

struct asker;

/* Called once, unless asker_end comes first: `said` is all that the node said until it closed the
 * connection, or NULL where it was not heard out in time. Borrowed for the call. */
typedef void asker_on_end(void *user, const struct span *said);

/* Says `lines` over a socket that connects, or is connected, and that it takes over. */
struct asker *asker_new(uv_loop_t *loop, int fd, struct span lines, asker_on_end *on_end,
                        void *user);

/* Ends it, before or after it has called; it frees itself when the loop runs. Accepts NULL, sets
 * the caller's pointer to NULL. */
void asker_end(struct asker **asker);

#endif
