/* newcomers: the connections to our door over which no neighbour has spoken yet, how many of them
 * there may be, and which one makes way for the next.
 *
 * Whoever reaches the port can connect, say nothing, and hold a descriptor until ZeroMQ's limit for
 * a handshake; without keys, for ever. A neighbour is a newcomer, too, but for milliseconds. So
 * nobody is kept out: where there are too many, one that is drawn makes way, of the address that
 * has too many, or else of one that has many. A neighbour who comes from elsewhere is never drawn
 * for them, and one who comes from the same address has a chance each time, however fast they come:
 * the first or the last to come would have none. An address of IPv6 stands for its /64, which is
 * what one subscriber is given. All neighbours may come at once and from one address, so both
 * limits are beyond their number.
 *
 * It knows no socket: a descriptor is a number that the system can give to another connection at
 * any time, so it comes with the number of the socket that it stood for. What it gives back,
 * bus/net/hangup.h ends.
 *
 * Invariant: never more newcomers than places, nor more of one address than its share. */
#ifndef ZHERD_BUS_LINK_NEWCOMERS_H
#define ZHERD_BUS_LINK_NEWCOMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/growth.h"

/* Beyond one place for each neighbour: descriptors that strangers may hold, a 16th where those of
 * the process are few, */
#define NEWCOMERS_STRANGERS_MAX 64
/* and those of one address. */
#define NEWCOMERS_PER_ADDRESS_MAX 32
/* Connections in the name of one neighbour that are no newcomers; further ones stay what they are,
 * and are heard all the same. Without keys anybody can take a name. */
#define NEWCOMERS_PER_NEIGHBOUR_MAX 4
/* Where an operator is warned before the limit acts. */
#define NEWCOMERS_WARNING_PERCENT 80
/* Addresses counted at once to find the busiest: one that makes more than a 17th of all trouble is
 * found. */
#define NEWCOMERS_BUSIEST_MAX 16
/* "2001:db8:aaaa:bbbb::/64" and the like, with a NUL. */
#define NEWCOMERS_ADDRESS_BYTES_MAX 64

/* IPv4 as IPv6 maps it, IPv6 as the first of its /64. All zero is an unknown one: who is gone by
 * the time of the look has none any more. */
struct newcomers_address {
    uint8_t bytes[16];
    uint8_t bits; /* of `bytes` that count: 128 or 64 */
};

struct newcomer {
    int descriptor;
    uint64_t socket; /* a number that no other socket has while this one exists */
    struct newcomers_address address;
};

/* Since it was asked last. */
struct newcomers_news {
    uint64_t refused;    /* ended because there were too many */
    uint64_t unfinished; /* ended otherwise before a neighbour spoke; not for a stranger's key */
    size_t most_at_once, places;
    struct newcomers_address busiest; /* of those; unknown where none stands out */
};

struct newcomers {
    size_t neighbours, places, per_address;
    struct newcomer *all;
    uint64_t drawn; /* the last number of the generator */
    size_t count, most_at_once;
    uint64_t refused, unfinished, keys_refused;
    struct growth refused_growth, unfinished_growth;
    struct {
        struct newcomers_address address;
        uint64_t count;
    } busiest[NEWCOMERS_BUSIEST_MAX];
};

/* How many strangers there may be in a process with this limit of descriptors. */
size_t newcomers_strangers_max(size_t descriptors);

/* `strangers` places, 1 to NEWCOMERS_STRANGERS_MAX, and one for each neighbour. `seed`: nobody else
 * knows it. */
void newcomers_make(struct newcomers *newcomers, size_t neighbours, size_t strangers,
                    uint64_t seed);
void newcomers_free(struct newcomers *newcomers);

/* From now on there is a place for each of at least so many neighbours. */
void newcomers_expect(struct newcomers *newcomers, size_t neighbours);

/* A connection was accepted. True when `surplus` is to be ended for it, which has left the places.
 */
bool newcomers_accept(struct newcomers *newcomers, const struct newcomer *accepted,
                      struct newcomer *surplus);

/* Whether the descriptor is a newcomer's. */
bool newcomers_has(const struct newcomers *newcomers, int descriptor);

/* A neighbour spoke over it, from that address: it is no newcomer any more. From another address it
 * was a connection that had the descriptor before, and nothing changes. */
void newcomers_prove(struct newcomers *newcomers, int descriptor,
                     const struct newcomers_address *address);

/* The connection with that descriptor ended by itself. */
void newcomers_leave(struct newcomers *newcomers, int descriptor);

/* A newcomer's key was refused. Others log that. */
void newcomers_refuse_key(struct newcomers *newcomers);

/* False where there is nothing to tell: nobody was refused or left unfinished, and there were fewer
 * at once than a warning is for. */
bool newcomers_next_news(struct newcomers *newcomers, struct newcomers_news *news);

/* Reads "192.0.2.1", "2001:db8::1" or "fe80::1%eth0"; anything else is unknown. */
struct newcomers_address newcomers_read_address(const char *text);

/* As an operator reads it: "192.0.2.1", "2001:db8::/64"; "an unknown address". */
void newcomers_show_address(const struct newcomers_address *address,
                            char text[NEWCOMERS_ADDRESS_BYTES_MAX]);

#endif
