#include "topology/format/endpoints.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bus/base/bytes.h"
#include "bus/base/packed.h"

/* RFC 1035, section 2.3.4. */
#define HOST_NAME_BYTES_MAX  253
#define HOST_LABEL_BYTES_MAX 63
/* "65535" */
#define PORT_MAX 65535

static const char digits[] = "0123456789";
static const char label_bytes[] =
    "0123456789-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Decimal, without sign and leading zero. */
static bool parse_port(struct span text, uint16_t *port)
{
    uint64_t value = 0;
    if (text.len == 0 || text.data[0] == '0' || !decimal_read_whole(text, PORT_MAX, &value))
        return false;
    *port = (uint16_t)value;
    return true;
}

static bool is_host_name(const char *host)
{
    size_t bytes = strlen(host);
    if (bytes == 0 || bytes > HOST_NAME_BYTES_MAX)
        return false;
    for (const char *label = host;;) {
        size_t label_size = strspn(label, label_bytes);
        if (label_size == 0 || label_size > HOST_LABEL_BYTES_MAX || label[0] == '-' ||
            label[label_size - 1] == '-')
            return false;
        if (label[label_size] == '\0')
            return true;
        if (label[label_size] != '.')
            return false;
        label += label_size + 1;
    }
}

/* The host without brackets, IPv6 in its shortest form (RFC 5952), so that equal addresses are
 * equal texts. */
static const char *parse_host(struct span text, char host[TOPOLOGY_HOST_BYTES_MAX + 1])
{
    bool brackets = text.len >= 2 && text.data[0] == '[' && text.data[text.len - 1] == ']';
    if (brackets)
        text = (struct span){text.data + 1, text.len - 2};
    if (text.len > TOPOLOGY_HOST_BYTES_MAX)
        return "write a host of at most 253 bytes";
    memcpy(host, text.data, text.len);
    host[text.len] = '\0';

    unsigned char address[sizeof(struct in6_addr)];
    if (brackets) {
        if (inet_pton(AF_INET6, host, address) != 1)
            return "write an IPv6 address between the brackets, as in [::1]";
        inet_ntop(AF_INET6, address, host, TOPOLOGY_HOST_BYTES_MAX + 1);
        return NULL;
    }
    if (strchr(host, ':'))
        return "write an IPv6 address in brackets, as in [::1]";
    const char *last_label = strrchr(host, '.');
    last_label = last_label ? last_label + 1 : host;
    bool numeric = last_label[0] != '\0' && last_label[strspn(last_label, digits)] == '\0';
    if (numeric && inet_pton(AF_INET, host, address) != 1)
        return "write an IPv4 address as four numbers of 0 to 255, as in 127.0.0.1";
    if (!numeric && !is_host_name(host))
        return "write a host name, an IPv4 address or an IPv6 address in brackets";
    return NULL;
}

const char *topology_endpoint_parse(const char *text, struct topology_endpoint *endpoint)
{
    static const char scheme[] = "tcp://";
    const char *colon = strrchr(text, ':');
    const char *host = text + sizeof scheme - 1;
    if (!starts_with(text, scheme) || !colon || colon <= host)
        return "write tcp://HOST:PORT";
    if (strlen(text) > TOPOLOGY_ENDPOINT_BYTES_MAX)
        return "write a host of at most 253 bytes";
    if (!parse_port(span_of(colon + 1), &endpoint->port))
        return "write a port of 1 to 65535 behind the last colon";
    strcpy(endpoint->text, text);
    struct span host_text = {host, (size_t)(colon - host)};
    if (span_equals(host_text, span_of("*"))) {
        strcpy(endpoint->host, "*");
        return NULL;
    }
    return parse_host(host_text, endpoint->host);
}

const char *topology_endpoint_parse_tls(const char *text, struct topology_endpoint *endpoint)
{
    static const char scheme[] = "tls://", plain[] = "tcp://";
    char written[TOPOLOGY_ENDPOINT_BYTES_MAX + 2]; /* what is too long stays so */
    if (!starts_with(text, scheme) || strchr(text + sizeof scheme - 1, ':') == NULL)
        return "write tls://HOST:PORT";
    snprintf(written, sizeof written, "%s%s", plain, text + sizeof scheme - 1);
    return topology_endpoint_parse(written, endpoint);
}

/* Where the host ends and a port or the path begins. */
static size_t host_size(const char *authority)
{
    if (authority[0] != '[')
        return strcspn(authority, ":/");
    size_t bytes = strcspn(authority, "]/");
    return bytes + (authority[bytes] == ']' ? 1 : 0);
}

const char *topology_url_parse(const char *text, struct topology_url *url)
{
    url->secure = starts_with(text, "https://");
    if (!url->secure && !starts_with(text, "http://"))
        return "write http://HOST:PORT/PATH or https://HOST/PATH";
    if (strlen(text) > TOPOLOGY_PATH_BYTES_MAX)
        return "write at most 1024 bytes";
    for (const char *at = text; *at; at++) {
        if (*at <= 0x20 || *at > 0x7e || strchr("\"<>\\^`{|}", *at))
            return "write other bytes than letters, digits and URL punctuation as %XX";
    }
    if (strpbrk(text, "?#@"))
        return "write it without user, query and fragment (no @, ? or #)";

    const char *authority = strstr(text, "//") + 2;
    struct span host = {authority, host_size(authority)};
    const char *rest = authority + host.len;
    url->path = rest + strcspn(rest, "/");
    url->port = url->secure ? 443 : 80;
    if (*rest == ':') {
        struct span port = {rest + 1, (size_t)(url->path - rest - 1)};
        if (!parse_port(port, &url->port))
            return "write a port of 1 to 65535 behind the host";
    } else if (rest != url->path) {
        return "write http://HOST:PORT/PATH or https://HOST/PATH";
    }
    return parse_host(host, url->host);
}

const char *topology_tiles_parse(const char *text)
{
    static const char wanted[] = "write https://HOST/{z}/{x}/{y}.png";
    static const char *const numbers[] = {"{z}", "{x}", "{y}"};
    char picture[TOPOLOGY_PATH_BYTES_MAX + 1];
    struct topology_url url;
    if (strlen(text) > TOPOLOGY_PATH_BYTES_MAX)
        return "write at most 1024 bytes";
    strcpy(picture, text);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char *number = strstr(picture, numbers[i]);
        if (number == NULL)
            return wanted;
        memset(number, '0', strlen(numbers[i]));
    }
    const char *fault = topology_url_parse(picture, &url);
    if (fault != NULL)
        return fault;
    size_t path = (size_t)(url.path - picture);
    bool is_in_path = memchr(text, '{', path) == NULL;
    return is_in_path && (url.secure || topology_host_is_loopback(url.host)) ? NULL : wanted;
}

bool topology_host_is_any(const char *host)
{
    return strcmp(host, "*") == 0 || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* Names that are one of these and a number. */
static bool is_numbered(const char *host)
{
    static const char *const stems[] = {
        "eth",   "wlan",  "wwan", "br",  "bond", "tun",   "tap",  "wg",  "docker", "virbr",
        "lxcbr", "lxdbr", "vmbr", "ppp", "usb",  "dummy", "vnet", "cni", "podman", "tailscale"};
    size_t letters = strcspn(host, digits), numbers = strspn(host + letters, digits);
    for (size_t i = 0; i < sizeof stems / sizeof *stems; i++)
        if (strlen(stems[i]) == letters && starts_with(host, stems[i]))
            return numbers > 0 && host[letters + numbers] == '\0';
    return false;
}

/* Where the card is, in letters and numbers: of its bus, its slot, its port (ens3, enp0s31f6,
 * wlp2s0, enP2p1s0), or its address (enx00163e112233). */
static bool is_by_place(const char *host)
{
    if (!starts_with(host, "en") && !starts_with(host, "wl") && !starts_with(host, "ww"))
        return false;
    const char *at = host + 2;
    if (*at == 'x')
        return strspn(at + 1, "0123456789abcdef") == 12 && at[13] == '\0';
    if (*at == '\0' || !strchr("ospP", *at))
        return false;
    while (*at != '\0') {
        size_t letters = strspn(at, "osPpfdnuicv"), numbers = strspn(at + letters, digits);
        if (letters == 0 || letters > 2 || numbers == 0)
            return false;
        at += letters + numbers;
    }
    return true;
}

bool topology_host_is_interface(const char *host)
{
    bool is_of_containers = (starts_with(host, "veth") && host[4] != '\0' && !strchr(host, '.')) ||
                            (starts_with(host, "br-") && strlen(host) == 15 &&
                             strspn(host + 3, "0123456789abcdef") == 12);
    return strcmp(host, "lo") == 0 || is_of_containers || is_numbered(host) || is_by_place(host);
}

bool topology_host_is_reachable(const char *host)
{
    return !topology_host_is_any(host) && !topology_host_is_interface(host);
}

bool topology_host_is_loopback(const char *host)
{
    struct in_addr address;
    if (inet_pton(AF_INET, host, &address) == 1)
        return starts_with(host, "127.");
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0;
}

bool topology_host_binds_loopback(const char *host)
{
    return topology_host_is_loopback(host) || strcmp(host, "lo") == 0;
}

/* The names of this machine itself, which stand for more than one address. */
static bool is_own_name(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "lo") == 0;
}

/* What these names stand for on any machine. */
static bool is_this_machine(const char *host)
{
    return is_own_name(host) || strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0;
}

bool topology_endpoints_overlap(const struct topology_endpoint *a,
                                const struct topology_endpoint *b)
{
    if (a->port != b->port)
        return false;
    if (topology_host_is_any(a->host) || topology_host_is_any(b->host))
        return true;
    bool one_is_a_name = is_own_name(a->host) || is_own_name(b->host);
    return strcasecmp(a->host, b->host) == 0 ||
           (one_is_a_name && is_this_machine(a->host) && is_this_machine(b->host));
}
