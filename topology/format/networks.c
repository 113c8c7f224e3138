#include "topology/format/networks.h"

#include <arpa/inet.h>

#include "bus/base/packed.h"

#define ADDRESS_BITS     128u
#define IPV4_BITS        32u
#define IPV4_PREFIX_BITS (ADDRESS_BITS - IPV4_BITS)

static const uint8_t ipv4_prefix[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool network_address_parse(struct span text, struct network_address *address)
{
    char copy[NETWORKS_ITEM_BYTES_MAX];
    if (text.len >= sizeof copy || memchr(text.data, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET6, copy, address->bytes) == 1)
        return true;
    memcpy(address->bytes, ipv4_prefix, sizeof ipv4_prefix);
    return inet_pton(AF_INET, copy, address->bytes + sizeof ipv4_prefix) == 1;
}

void network_address_write(const struct network_address *address,
                           char text[NETWORK_ADDRESS_BYTES_MAX])
{
    bool is_ipv4 = network_address_is_ipv4(address);
    const uint8_t *bytes = address->bytes + (is_ipv4 ? sizeof ipv4_prefix : 0);
    inet_ntop(is_ipv4 ? AF_INET : AF_INET6, bytes, text, NETWORK_ADDRESS_BYTES_MAX);
}

struct network_address network_address_of(const struct sockaddr *peer)
{
    struct network_address address = {0};
    if (peer->sa_family == AF_INET6) {
        memcpy(address.bytes, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr,
               sizeof address.bytes);
    } else if (peer->sa_family == AF_INET) {
        memcpy(address.bytes, ipv4_prefix, sizeof ipv4_prefix);
        memcpy(address.bytes + sizeof ipv4_prefix,
               &((const struct sockaddr_in *)(const void *)peer)->sin_addr, IPV4_BITS / 8);
    }
    return address;
}

struct network_address network_address_host(const struct sockaddr *peer)
{
    struct network_address host = network_address_of(peer);
    if (!network_address_is_ipv4(&host) && !network_address_is_loopback(&host))
        memset(host.bytes + NETWORK_HOST_BITS / 8, 0, sizeof host.bytes - NETWORK_HOST_BITS / 8);
    return host;
}

bool network_address_is_ipv4(const struct network_address *address)
{
    return memcmp(address->bytes, ipv4_prefix, sizeof ipv4_prefix) == 0;
}

bool network_address_is_loopback(const struct network_address *address)
{
    static const uint8_t ipv6_loopback[16] = {[15] = 1};
    if (network_address_is_ipv4(address))
        return address->bytes[sizeof ipv4_prefix] == 127;
    return memcmp(address->bytes, ipv6_loopback, sizeof ipv6_loopback) == 0;
}

/* Whether the two are equal in their first `bits`. */
static bool share(const struct network_address *a, const struct network_address *b, unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;
    return memcmp(a->bytes, b->bytes, bytes) == 0 &&
           (rest == 0 || (a->bytes[bytes] ^ b->bytes[bytes]) >> (8 - rest) == 0);
}

static bool has_more_bits(const struct network *network)
{
    for (unsigned bit = network->bits; bit < ADDRESS_BITS; bit++)
        if ((network->first.bytes[bit / 8] & 0x80 >> bit % 8) != 0)
            return true;
    return false;
}

/* A number of one to three digits; `max` + 1 for anything else. */
static unsigned parse_bits(struct span text, unsigned max)
{
    uint64_t bits;
    return text.len <= 3 && decimal_read_whole(text, max, &bits) ? (unsigned)bits : max + 1;
}

/* NULL, or what is wrong with the item. */
static const char *parse_item(struct span item, struct network *network)
{
    const char *slash = memchr(item.data, '/', item.len);
    struct span address = {item.data, slash == NULL ? item.len : (size_t)(slash - item.data)};
    if (!network_address_parse(address, &network->first))
        return "is no address; write 192.0.2.0/24, 2001:db8::/32 or an address alone";
    bool is_ipv6 = memchr(address.data, ':', address.len) != NULL;
    unsigned max = is_ipv6 ? ADDRESS_BITS : IPV4_BITS, bits = max;
    if (slash != NULL)
        bits = parse_bits((struct span){slash + 1, item.len - address.len - 1}, max);
    if (bits > max)
        return is_ipv6 ? "needs 0 to 128 after the slash" : "needs 0 to 32 after the slash";
    network->bits = (uint8_t)(is_ipv6 ? bits : bits + IPV4_PREFIX_BITS);
    return has_more_bits(network) ? "has bits after its prefix: make them 0, or the prefix longer"
                                  : NULL;
}

static bool separates(char byte)
{
    return byte == ',' || byte == ' ' || byte == '\t';
}

bool networks_parse(struct span text, struct networks *networks, struct fault *fault)
{
    const char *at = text.data, *end = text.data + text.len;
    *networks = (struct networks){0};
    for (;;) {
        while (at < end && separates(*at))
            at++;
        if (at == end)
            return true;
        struct span item = {at, 0};
        while (at < end && !separates(*at))
            at++;
        item.len = (size_t)(at - item.data);
        if (networks->count == NETWORKS_MAX)
            return fault_set(fault, "more than %d networks", NETWORKS_MAX);
        const char *why = parse_item(item, &networks->all[networks->count++]);
        if (why == NULL)
            continue;
        int shown = (int)(item.len < NETWORKS_ITEM_BYTES_MAX ? item.len : NETWORKS_ITEM_BYTES_MAX);
        return fault_set(fault, "\"%.*s\" %s", shown, item.data, why);
    }
}

bool networks_hold(const struct networks *networks, const struct network_address *address)
{
    bool is_ipv4 = network_address_is_ipv4(address);
    for (size_t i = 0; i < networks->count; i++) {
        const struct network *network = &networks->all[i];
        if ((!is_ipv4 || network->bits >= IPV4_PREFIX_BITS) &&
            share(&network->first, address, network->bits))
            return true;
    }
    return false;
}
