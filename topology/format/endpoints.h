/* topology_endpoint: the addresses in a topology file, taken apart and compared.
 *
 * Endpoints as bus/net/binding.h and bus/net/resolve.h take them, and the URL of a places provider
 * (RFC 3986). It resolves no host name and opens nothing: two names of one machine are two hosts
 * here, except for the well-known names of this machine itself. */
#ifndef ZHERD_TOPOLOGY_FORMAT_ENDPOINTS_H
#define ZHERD_TOPOLOGY_FORMAT_ENDPOINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/format/topology.h"

/* "http://127.0.0.1:13580/maps" and its parts. */
struct topology_url {
    bool secure;                            /* https */
    char host[TOPOLOGY_HOST_BYTES_MAX + 1]; /* without brackets */
    uint16_t port;                          /* 80 or 443 where the text names none */
    const char *path;                       /* borrowed from the text; "" or begins with '/' */
};

/* "tcp://HOST:PORT" with an IPv4 address, an IPv6 address in brackets, a name or '*'. NULL,
 * or what to write instead as a constant sentence; then `endpoint` is not to be used. */
const char *topology_endpoint_parse(const char *text, struct topology_endpoint *endpoint);

/* The same for "tls://HOST:PORT"; the endpoint's text says tcp://. */
const char *topology_endpoint_parse_tls(const char *text, struct topology_endpoint *endpoint);

/* "http://HOST[:PORT][/PATH]" or https, of printable ASCII, without user, query and fragment.
 * Returns as above. */
const char *topology_url_parse(const char *text, struct topology_url *url);

/* What a map's pictures are read from: "https://HOST[:PORT]/.../{z}/{x}/{y}.png", a URL as above
 * that names a picture's zoom, column and row; http:// on this machine alone. NULL, or what to
 * write instead as a constant sentence. */
const char *topology_tiles_parse(const char *text);

/* '*' and the two addresses that mean every interface: one can bind there, not connect. */
bool topology_host_is_any(const char *host);

/* Whether a name has the form of those that Linux and its services give to interfaces: lo, eth0,
 * wlan0, br0, veth1a2b, docker0, wg0 and the like, or ens3, enp0s1, wlp2s0
 * (systemd.net-naming-scheme (7)). One can bind there, not connect. No name with a point has it;
 * and an interface that somebody named otherwise has it not. */
bool topology_host_is_interface(const char *host);

/* Whether it says where to connect to: an address or what may be a host's name. */
bool topology_host_is_reachable(const char *host);

/* localhost, 127.0.0.0/8 (RFC 1122) and ::1 (RFC 4291). */
bool topology_host_is_loopback(const char *host);

/* Whether what is bound there is reached from this machine alone: loopback, or its interface. */
bool topology_host_binds_loopback(const char *host);

/* Whether both cannot be bound on one machine. */
bool topology_endpoints_overlap(const struct topology_endpoint *a,
                                const struct topology_endpoint *b);

#endif
