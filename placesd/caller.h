/* caller: who speaks over a connection to the places service, as its routing id says.
 *
 * Gateways and workers say who they are, so that the broker can distinguish a connection from the
 * one that it replaced (bus/link/arrivals.h). A name is "gateway-LIFE.NUMBER" or
 * "worker-LIFE.NUMBER": LIFE is 16 hexadecimal digits, drawn at random for each process and broker,
 * NUMBER counts its sockets. A connection with any other routing id has no known caller. It knows
 * no socket.
 *
 * Invariant: what caller_write has written, caller_read reads as it was. */
#ifndef ZHERD_PLACESD_CALLER_H
#define ZHERD_PLACESD_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"

#define CALLER_NAME_BYTES_MAX 40

enum caller_kind {
    CALLER_GATEWAY,
    CALLER_WORKER,
    CALLER_KINDS,
};

/* Who speaks over a connection. */
struct caller {
    enum caller_kind kind;
    uint64_t life;
    uint32_t number;
};

/* Writes its routing id and a NUL; returns the number of bytes before the NUL. */
size_t caller_write(const struct caller *caller, char name[CALLER_NAME_BYTES_MAX]);
/* False for any other routing id. */
bool caller_read(struct span routing_id, struct caller *caller);

/* Whether the routing id is one of that life; of none where `life` is 0. A process that is broker
 * and worker in one knows its own worker so: the life leaves the process in no other way, and what
 * its worker has checked is not checked again. */
bool caller_is_of(struct span routing_id, enum caller_kind kind, uint64_t life);

#endif
