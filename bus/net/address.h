/* address: where to connect to for an endpoint whose host may be a name.
 *
 * A name is looked up again for each connection, without blocking the loop (bus/net/resolve.h), and
 * may stand for several addresses, which are tried in turn. When no name server answers, the
 * addresses of last time go on. It opens no connection.
 *
 * Invariant: no function waits. */
#ifndef ZHERD_BUS_NET_ADDRESS_H
#define ZHERD_BUS_NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/link/dial.h"
#include "bus/net/resolve.h"

/* Between two looks whether a name server has answered. */
#define ADDRESS_PAUSE_MS 20
/* What is kept of a fault: there are as many of these as peers. */
#define ADDRESS_TROUBLE_BYTES_MAX 400

/* All zero but the endpoint knows nothing yet. */
struct address {
    const char *endpoint; /* "tcp://HOST:PORT"; outlives the address */
    struct resolve *asked;
    struct resolve_addresses known;
    int64_t again_ms;                        /* when address_find is to be called again */
    bool is_malformed;                       /* the endpoint is: asking again is in vain */
    char trouble[ADDRESS_TROUBLE_BYTES_MAX]; /* of the last answer: "" where it was good */
};

/* Asks, or looks whether there is an answer by now. True when there is one, good or bad; then the
 * next call asks again. An address that is no name is its own answer at once. */
bool address_find(struct address *address, int64_t now_ms);

/* Whether address_find has asked and not said true. */
bool address_is_asked(const struct address *address);

/* Which of the addresses the dial's connection is to be made to; NULL while none is known. */
const char *address_choose(const struct address *address, const struct dial *dial);

/* Drops what was asked, and keeps what is known. */
void address_drop(struct address *address);

#endif
