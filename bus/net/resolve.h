/* resolve: the addresses that the host of an endpoint stands for at this moment.
 *
 * zherd asks for addresses itself and hands ZeroMQ only numbers. ZeroMQ would ask with its one I/O
 * thread, so that a name server that is silent stops every connection of the process; it would take
 * the first address only, and version 4.3.4 binds no host name at all. It opens no socket of
 * ZeroMQ, and remembers nothing: each request asks again.
 *
 * Invariant: resolve_begin, resolve_poll and resolve_end never wait. */
#ifndef ZHERD_BUS_NET_RESOLVE_H
#define ZHERD_BUS_NET_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/fault.h"

/* Addresses of one name that are used; a name with more loses the rest. */
#define RESOLVE_ADDRESSES_MAX 8
/* "tcp://[", an IPv6 address with the name of its interface, "]:65535" and the NUL. */
#define RESOLVE_ENDPOINT_BYTES_MAX 80
/* As in the topology: a name of RFC 1035 or an address. */
#define RESOLVE_HOST_BYTES_MAX 255
/* Names that are asked for at the same moment in one process; others wait for their turn. Each has
 * a thread, because getaddrinfo(3) waits. */
#define RESOLVE_THREADS_MAX 64

/* Numbers only: "tcp://192.0.2.10:12500", "tcp://[2001:db8::10]:12500". Addresses that other hosts
 * can reach stand before those of loopback, IPv4 before IPv6, else they have getaddrinfo's order.
 * So who binds the first and who connects to the first meet, wherever they ask the same file. */
struct resolve_addresses {
    size_t count;
    char endpoints[RESOLVE_ADDRESSES_MAX][RESOLVE_ENDPOINT_BYTES_MAX];
};

enum resolve_state {
    RESOLVE_PENDING,
    RESOLVE_FOUND, /* at least one address */
    RESOLVE_FAILED,
    RESOLVE_MALFORMED /* and will be */
};

struct resolve;

/* Begins to look for the addresses to connect to, for "tcp://HOST:PORT" with a host name, an IPv4
 * address, or an IPv6 address in brackets. An address is its own answer at the first poll, without
 * a thread. To be released with resolve_end; the text is copied. */
struct resolve *resolve_begin(const char *endpoint);

/* FOUND fills `addresses`; FAILED and MALFORMED write to `fault` what is wrong with the endpoint,
 * to stand after its text: "cannot resolve HOST: ..." or "not of the form tcp://host:port". An
 * answer stays: polling again gives the same. A name server that is silent keeps a request pending
 * for as long as resolv.conf(5) says, by default up to 10 s for each server. */
enum resolve_state resolve_poll(struct resolve *resolve, struct resolve_addresses *addresses,
                                struct fault *fault);

/* Releases it, pending or not, and sets the pointer to NULL. Accepts NULL. */
void resolve_end(struct resolve **resolve);

/* The same in one call, which waits. */
bool resolve_now(const char *endpoint, struct resolve_addresses *addresses, struct fault *fault);

/* What to try to bind for an endpoint, in this order, which waits: as resolve_now, where the host
 * may also be the name of an interface of this machine, which goes before a host of that name, or
 * "*", which stays as it is. The port may be "*", too. Whether an address belongs to this
 * machine shows when it is bound. */
bool resolve_to_bind(const char *endpoint, struct resolve_addresses *addresses,
                     struct fault *fault);

#endif
