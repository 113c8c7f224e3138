/* networks: addresses of clients, and lists of networks as an operator writes them.
 *
 * An address is 16 bytes whichever kind it is: one of IPv4 stands as IPv6 maps it (::ffff:a.b.c.d,
 * RFC 4291, 2.5.5.2), which is also how a socket of both kinds shows it. It resolves no name.
 *
 * Invariant: a network of IPv6 holds no address of IPv4, so that ::/0 is all of IPv6 only. */
#ifndef ZHERD_TOPOLOGY_FORMAT_NETWORKS_H
#define ZHERD_TOPOLOGY_FORMAT_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/fault.h"

/* Networks in one list: more than anybody's proxies and carriers; each connection is compared with
 * all of them. */
#define NETWORKS_MAX 64
/* The longest is an IPv6 address with an IPv4 tail and "/128". */
#define NETWORKS_ITEM_BYTES_MAX 64

/* An IPv6 address in text, with its NUL (INET6_ADDRSTRLEN). */
#define NETWORK_ADDRESS_BYTES_MAX 46

/* What is the same for all addresses of one host of IPv6; it chooses the rest as it likes (RFC
 * 4291, 2.5.4; RFC 8981). */
#define NETWORK_HOST_BITS 64

struct sockaddr;

struct network_address {
    uint8_t bytes[16];
};

struct network {
    struct network_address first;
    uint8_t bits; /* how many of its first bits all of its addresses share, 0 to 128 */
};

/* All zero is empty. */
struct networks {
    size_t count;
    struct network all[NETWORKS_MAX];
};

/* Reads "192.0.2.1" or "2001:db8::1"; false for anything else. */
bool network_address_parse(struct span text, struct network_address *address);

/* Writes "192.0.2.1" or "2001:db8::1". */
void network_address_write(const struct network_address *address,
                           char text[NETWORK_ADDRESS_BYTES_MAX]);

/* The one of a socket's peer; all zero where that is none of the internet. */
struct network_address network_address_of(const struct sockaddr *peer);

/* Whose address it is, for what each host has a share of: all of IPv4 and of loopback, else its
 * first NETWORK_HOST_BITS, and zeros. */
struct network_address network_address_host(const struct sockaddr *peer);

bool network_address_is_ipv4(const struct network_address *address);

/* 127.0.0.0/8 and ::1. */
bool network_address_is_loopback(const struct network_address *address);

/* Reads networks and single addresses, with white space or commas between them:
 * "198.51.100.0/24, 2001:db8::/32 192.0.2.1". False and one clear sentence in `fault` where one is
 * wrong, has bits after its prefix, or is one more than NETWORKS_MAX. */
bool networks_parse(struct span text, struct networks *networks, struct fault *fault);

bool networks_hold(const struct networks *networks, const struct network_address *address);

#endif
