/* relay: positions on their way to a node, from when a phone sent them until the node has answered.
 *
 * IAMATs go out in the order in which they came, any number before the first answer. What cannot go
 * out is remembered, of each client the newest position, and what was not answered when the
 * connection broke is remembered, too; all of it goes out once there is a connection again. It
 * knows no socket and no HTTP.
 *
 * Invariant: what relay_put took is in the stream, or remembered, or was answered, or there is a
 * newer position of the same client that is; and memory stays within the limits below, whatever
 * comes. */
#ifndef ZHERD_GATEWAY_WEB_PARSE_RELAY_H
#define ZHERD_GATEWAY_WEB_PARSE_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "gateway/web/parse/newest.h"

/* Of IAMATs without an answer, in the stream: a batch of the largest size, and as much of others.
 */
#define RELAY_STREAM_BYTES_MAX ((size_t)8 * 1024 * 1024)
/* Clients that are remembered, and the bytes of their IAMATs; each IAMAT in the stream counts as
 * one more, because it may have to be remembered. */
#define RELAY_CLIENTS_MAX NEWEST_CLIENTS_MAX
#define RELAY_BYTES_MAX   NEWEST_BYTES_MAX
/* Of one answer: an IAMAT, the name of a node and the difference. */
#define RELAY_ANSWER_BYTES_MAX ((size_t)66 * 1024)

struct relay;

struct relay_figures {
    uint64_t answered;    /* by AT */
    uint64_t refused;     /* by "? " */
    uint64_t replaced;    /* while remembered, by a newer position of the same client */
    uint64_t turned_down; /* there was no room */
    size_t waiting;       /* IAMATs in the stream, at this moment */
    size_t remembered;    /* clients, at this moment */
};

/* `key` is random, see gateway/web/parse/newest.h. */
struct relay *relay_new(const uint8_t key[SIPHASH_KEY_BYTES]);
/* Accepts NULL, sets the caller's pointer to NULL. */
void relay_destroy(struct relay **relay);

/* Takes IAMATs as upload_read leaves them, one to a line: all or, where there is no room, none.
 * With a connection they go into the stream, and `number` becomes that of the last of them; else
 * they are remembered, and it becomes UINT64_MAX. */
bool relay_put(struct relay *relay, struct span lines, uint64_t *number);

/* The greatest number that was answered; 0 before the first. Numbers begin at 1. */
uint64_t relay_answered(const struct relay *relay);

/* There is a connection, or none any more. What is remembered goes out as there is room, each IAMAT
 * with a new number: that of a relay_put which had no answer before relay_close says nothing. */
void relay_open(struct relay *relay);
void relay_close(struct relay *relay);

/* What is to be written next, borrowed until the next call; empty where there is nothing. */
struct span relay_pending(struct relay *relay);
/* So much of it was written. */
void relay_wrote(struct relay *relay, size_t bytes);

/* What the node has said, in any pieces. False where it cannot be an answer: then the connection is
 * of no use. */
bool relay_heard(struct relay *relay, struct span bytes);

void relay_count(const struct relay *relay, struct relay_figures *figures);

#endif
