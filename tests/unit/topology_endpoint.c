#include "tests/check.h"
#include "topology/format/endpoints.h"

static void takes_good_endpoints(void)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } rows[] = {
        {"tcp://127.0.0.1:1", "127.0.0.1", 1},
        {"tcp://*:65535", "*", 65535},
        {"tcp://[::1]:11500", "::1", 11500},
        {"tcp://[0:0:0:0:0:0:0:1]:11500", "::1", 11500},
        {"tcp://[2001:DB8::1]:80", "2001:db8::1", 80},
        {"tcp://localhost:80", "localhost", 80},
        {"tcp://node-1.herd_a.example:80", "node-1.herd_a.example", 80},
        {"tcp://1node:80", "1node", 80},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct topology_endpoint endpoint;
        const char *text = check_at_page_end(rows[i].text, strlen(rows[i].text) + 1);
        CHECK(topology_endpoint_parse(text, &endpoint) == NULL);
        CHECK_BYTES(endpoint.host, strlen(endpoint.host), rows[i].host, strlen(rows[i].host));
        CHECK_INT(endpoint.port, rows[i].port);
        CHECK(strcmp(endpoint.text, rows[i].text) == 0);
    }
}

static void refuses_bad_endpoints(void)
{
    static const char *const rows[] = {
        "",
        "tcp",
        "tcp://",
        "tcp://:80",
        "tcp://a",
        "tcp://a:",
        "tcp://a:0",
        "tcp://a:080",
        "tcp://a:65536",
        "tcp://a:99999",
        "tcp://a:100000",
        "tcp://a:4294967376",
        "tcp://a:+1",
        "tcp://a:-1",
        "tcp://a: 1",
        "tcp://a:1 ",
        "tcp://a:*",
        "TCP://a:1",
        "ipc:///tmp/x",
        "tcp://::1:80",
        "tcp://[::1:80",
        "tcp://[]:80",
        "tcp://[a]:80",
        "tcp://[127.0.0.1]:80",
        "tcp://[::1]",
        "tcp://127.0.0:80",
        "tcp://127.0.0.1.1:80",
        "tcp://127.0.0.256:80",
        "tcp://127.0.0.01:80",
        "tcp://a.1:80",
        "tcp://1:80",
        "tcp://-a:80",
        "tcp://a-:80",
        "tcp://a..b:80",
        "tcp://a.:80",
        "tcp://.a:80",
        "tcp://a b:80",
        "tcp://a/b:80",
        "tcp://**:80",
        "tcp://eth0;a:80",
        "tcp://\xc3\xa9:80",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct topology_endpoint endpoint;
        const char *text = check_at_page_end(rows[i], strlen(rows[i]) + 1);
        if (!topology_endpoint_parse(text, &endpoint))
            printf("    taken: %s\n", rows[i]);
        CHECK(topology_endpoint_parse(text, &endpoint) != NULL);
    }
}

/* Four labels of 62 bytes are 251 with their points: `extra` more reach the limit and pass it. */
static bool takes_host_of(size_t bytes)
{
    char text[400] = "tcp://", *at = text + 6;
    for (size_t i = 0; i < bytes; i++)
        *at++ = i % 63 == 62 ? '.' : 'a';
    strcpy(at, ":1");
    struct topology_endpoint endpoint;
    return topology_endpoint_parse(text, &endpoint) == NULL;
}

static void host_names_end_at_their_limits(void)
{
    struct topology_endpoint endpoint;
    char text[400] = "tcp://";
    CHECK(takes_host_of(251));
    CHECK(takes_host_of(253));
    CHECK(!takes_host_of(254));
    CHECK(!takes_host_of(256));
    CHECK(!takes_host_of(300));
    memset(text + 6, 'a', 63);
    strcpy(text + 69, ":1");
    CHECK(topology_endpoint_parse(text, &endpoint) == NULL);
    memset(text + 6, 'a', 64);
    strcpy(text + 70, ":1");
    CHECK(topology_endpoint_parse(text, &endpoint) != NULL);
}

static void takes_urls_apart(void)
{
    static const struct {
        const char *text, *host, *path;
        uint16_t port;
        bool secure;
    } rows[] = {
        {"http://127.0.0.1:13580/maps/json", "127.0.0.1", "/maps/json", 13580, false},
        {"https://maps.googleapis.com/x:y", "maps.googleapis.com", "/x:y", 443, true},
        {"http://localhost", "localhost", "", 80, false},
        {"http://[::1]:8080", "::1", "", 8080, false},
        {"https://[::1]/a%20b", "::1", "/a%20b", 443, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct topology_url url;
        const char *text = check_at_page_end(rows[i].text, strlen(rows[i].text) + 1);
        CHECK(topology_url_parse(text, &url) == NULL);
        CHECK_BYTES(url.host, strlen(url.host), rows[i].host, strlen(rows[i].host));
        CHECK_BYTES(url.path, strlen(url.path), rows[i].path, strlen(rows[i].path));
        CHECK_INT(url.port, rows[i].port);
        CHECK_INT(url.secure, rows[i].secure);
    }
}

static void refuses_bad_urls(void)
{
    static const char *const rows[] = {
        "",           "http",          "http://",     "http:///x",         "ftp://a/",
        "//a",        "HTTP://a",      "http://a:",   "http://a:/x",       "http://a:0",
        "http://a:x", "http://a b",    "http://a/\t", "http://a/\xc3\xa9", "http://a/x?y",
        "http://a/#", "http://u@a/",   "http://[::1", "http://[::1/x]",    "http://[::1]x",
        "http://*/",  "http://1.2.3/", "http://a/<",  "http://a/\"",       "http://a:1:2/",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct topology_url url;
        const char *text = check_at_page_end(rows[i], strlen(rows[i]) + 1);
        if (!topology_url_parse(text, &url))
            printf("    taken: %s\n", rows[i]);
        CHECK(topology_url_parse(text, &url) != NULL);
    }
}

static void urls_end_at_their_limit(void)
{
    char text[1100] = "http://a/";
    struct topology_url url;
    memset(text + 9, 'x', TOPOLOGY_PATH_BYTES_MAX - 9);
    CHECK(topology_url_parse(text, &url) == NULL);
    text[TOPOLOGY_PATH_BYTES_MAX] = 'x';
    CHECK(topology_url_parse(text, &url) != NULL);
}

static void tiles_name_zoom_column_and_row(void)
{
    static const char *const good[] = {
        "https://a/{z}/{x}/{y}",
        "https://a.example:8443/b/{x}/{y}/{z}.png",
        "http://127.0.0.1:8080/{z}/{x}/{y}.png",
        "http://[::1]/{z}-{x}-{y}",
    };
    static const char *const bad[] = {
        "",
        "https://a/",
        "https://a/{z}/{x}",
        "https://a/{z}/{x}/y",
        "http://a/{z}/{x}/{y}",
        "https://{z}/{x}/{y}",
        "https://{z}.a/{z}/{x}/{y}",
        "https://a/{z}/{x}/{y}/{s}",
        "https://a/{z}/{x}/{y}?key=1",
        "https://a;b/{z}/{x}/{y}",
        "https://a/{z}/{x}/{y}\"",
        "https://a/{z}/{x}/{y} b",
        "/{z}/{x}/{y}",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(topology_tiles_parse(check_at_page_end(good[i], strlen(good[i]) + 1)) == NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (topology_tiles_parse(bad[i]) == NULL)
            printf("    taken: %s\n", bad[i]);
        CHECK(topology_tiles_parse(check_at_page_end(bad[i], strlen(bad[i]) + 1)) != NULL);
    }
    char text[TOPOLOGY_PATH_BYTES_MAX + 2] = "https://a/{z}/{x}/{y}";
    memset(text + strlen(text), 'x', TOPOLOGY_PATH_BYTES_MAX - strlen(text));
    CHECK(topology_tiles_parse(text) == NULL);
    text[TOPOLOGY_PATH_BYTES_MAX] = 'x';
    CHECK(topology_tiles_parse(text) != NULL);
}

static void knows_this_machine(void)
{
    CHECK(topology_host_is_any("*") && topology_host_is_any("0.0.0.0") &&
          topology_host_is_any("::"));
    CHECK(!topology_host_is_any("127.0.0.1") && !topology_host_is_any("::1"));
    CHECK(topology_host_is_loopback("127.0.0.1") && topology_host_is_loopback("127.9.8.7"));
    CHECK(topology_host_is_loopback("LocalHost") && topology_host_is_loopback("::1"));
    CHECK(!topology_host_is_loopback("127.example.org") && !topology_host_is_loopback("128.0.0.1"));
    CHECK(!topology_host_is_loopback("*") && !topology_host_is_loopback("lo"));
    CHECK(topology_host_binds_loopback("lo") && topology_host_binds_loopback("::1"));
    CHECK(!topology_host_binds_loopback("lo1") && !topology_host_binds_loopback("*"));
}

/* What can only be bound, and what may be a host. */
static void knows_interfaces_by_their_form(void)
{
    static const char *const interfaces[] = {"lo",
                                             "eth0",
                                             "eth12",
                                             "ens3",
                                             "enp0s1",
                                             "enp0s31f6",
                                             "eno1",
                                             "wlan0",
                                             "wlp2s0",
                                             "wwan0",
                                             "enP2p1s0",
                                             "ens1np0",
                                             "enx00163e112233",
                                             "br0",
                                             "virbr0",
                                             "docker0",
                                             "veth1",
                                             "veth0a1b2",
                                             "bond0",
                                             "tun0",
                                             "tap3",
                                             "wg0",
                                             "ppp0",
                                             "dummy0",
                                             "br-0123456789ab"};
    static const char *const hosts[] = {
        "",           "l",        "lo0",       "localhost",  "eth",  "ethel", "eth0.example.org",
        "ethos1",     "en",       "en1",       "enterprise", "ens",  "enox",  "eno1x",
        "enx1",       "wlad",     "wwww",      "br",         "br1a", "veth",  "veth0.example.org",
        "br-0123456", "bonding0", "dockerhub", "127.0.0.1",  "::1",  "*",     "west1",
        "north",      "Eth0"};
    for (size_t i = 0; i < sizeof interfaces / sizeof *interfaces; i++) {
        if (!topology_host_is_interface(interfaces[i]))
            printf("    not known: %s\n", interfaces[i]);
        CHECK(topology_host_is_interface(interfaces[i]));
        CHECK(!topology_host_is_reachable(interfaces[i]));
    }
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        if (topology_host_is_interface(hosts[i]))
            printf("    taken for one: %s\n", hosts[i]);
        CHECK(!topology_host_is_interface(hosts[i]));
    }
    CHECK(topology_host_is_reachable("north") && topology_host_is_reachable("127.0.0.1"));
    CHECK(!topology_host_is_reachable("*") && !topology_host_is_reachable("::"));
}

static bool overlap(const char *left, const char *right)
{
    struct topology_endpoint a, b;
    CHECK(topology_endpoint_parse(left, &a) == NULL);
    CHECK(topology_endpoint_parse(right, &b) == NULL);
    CHECK_INT(topology_endpoints_overlap(&a, &b), topology_endpoints_overlap(&b, &a));
    return topology_endpoints_overlap(&a, &b);
}

static void knows_what_overlaps(void)
{
    CHECK(overlap("tcp://127.0.0.1:1", "tcp://127.0.0.1:1"));
    CHECK(!overlap("tcp://127.0.0.1:1", "tcp://127.0.0.1:2"));
    CHECK(!overlap("tcp://127.0.0.1:1", "tcp://127.0.0.2:1"));
    CHECK(overlap("tcp://*:1", "tcp://10.0.0.1:1"));
    CHECK(overlap("tcp://0.0.0.0:1", "tcp://*:1"));
    CHECK(!overlap("tcp://*:1", "tcp://*:2"));
    CHECK(overlap("tcp://localhost:1", "tcp://127.0.0.1:1"));
    CHECK(overlap("tcp://localhost:1", "tcp://[::1]:1"));
    CHECK(!overlap("tcp://[::1]:1", "tcp://127.0.0.1:1"));
    CHECK(overlap("tcp://Host:1", "tcp://host:1"));
    CHECK(overlap("tcp://[::1]:1", "tcp://[0::1]:1"));
    CHECK(!overlap("tcp://localhost:1", "tcp://host:1"));
    CHECK(overlap("tcp://lo:1", "tcp://localhost:1"));
    CHECK(overlap("tcp://lo:1", "tcp://127.0.0.1:1"));
    CHECK(overlap("tcp://eth0:1", "tcp://*:1"));
    CHECK(!overlap("tcp://eth0:1", "tcp://eth1:1"));
}

static const struct check_case cases[] = {
    {"good endpoints are taken apart", takes_good_endpoints},
    {"bad endpoints are refused", refuses_bad_endpoints},
    {"host names end at 253 bytes, their labels at 63", host_names_end_at_their_limits},
    {"URLs are taken apart", takes_urls_apart},
    {"bad URLs are refused", refuses_bad_urls},
    {"a URL ends at 1024 bytes", urls_end_at_their_limit},
    {"tiles name zoom, column and row of a picture", tiles_name_zoom_column_and_row},
    {"the names of this machine are known", knows_this_machine},
    {"interfaces are known by the form of their names", knows_interfaces_by_their_form},
    {"two endpoints overlap when one machine cannot bind both", knows_what_overlaps},
};

CHECK_MAIN(cases)
