/* Addresses, and lists of networks. */
#include "topology/format/networks.h"

#include <arpa/inet.h>

#include "tests/check.h"

static struct network_address address(const char *text)
{
    struct network_address parsed;
    if (!network_address_parse(span_of(text), &parsed)) {
        printf("    \"%s\" is no address\n", text);
        check_failures++;
    }
    return parsed;
}

static void an_address_of_ipv4_is_mapped(void)
{
    struct network_address plain = address("192.0.2.1"), mapped = address("::ffff:192.0.2.1"),
                           other = address("::192.0.2.1");
    CHECK_BYTES(plain.bytes, 16, mapped.bytes, 16);
    CHECK(network_address_is_ipv4(&plain) && !network_address_is_ipv4(&other));
}

static void an_address_is_written_as_it_is_read(void)
{
    static const char *const rows[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"2001:DB8:0::1", "2001:db8::1"},
        {"1111:2222:3333:4444:5555:6666:7777:8888", "1111:2222:3333:4444:5555:6666:7777:8888"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[NETWORK_ADDRESS_BYTES_MAX];
        struct network_address parsed = address(rows[i][0]);
        network_address_write(&parsed, text);
        CHECK_BYTES(text, strlen(text), rows[i][1], strlen(rows[i][1]));
    }
}

static struct network_address of(const char *text, bool is_host)
{
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    const struct sockaddr *peer = (const struct sockaddr *)&ipv6;
    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1)
        peer = (const struct sockaddr *)&ipv4;
    else
        CHECK(inet_pton(AF_INET6, text, &ipv6.sin6_addr) == 1);
    return is_host ? network_address_host(peer) : network_address_of(peer);
}

/* Another host in the same network of IPv6 has other bits after the 64th. */
static void whose_an_address_is(void)
{
    static const char *const rows[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::1", "::1"},
        {"::2", "::"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
        {"2001:db8:1:2ff:ffff:4:5:6", "2001:db8:1:2ff::"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct network_address one = of(rows[i][0], false), host = of(rows[i][0], true);
        CHECK_BYTES(one.bytes, 16, address(rows[i][0]).bytes, 16);
        CHECK_BYTES(host.bytes, 16, address(rows[i][1]).bytes, 16);
    }
    static const struct network_address none;
    struct network_address of_unix = network_address_of(&(struct sockaddr){.sa_family = AF_UNIX});
    CHECK_BYTES(of_unix.bytes, 16, none.bytes, 16);
}

static void what_is_no_address_is_refused(void)
{
    static const char *const rows[] = {"",      "1.2.3",      "1.2.3.256", "localhost", "1.2.3.4 ",
                                       "[::1]", "fe80::1%lo", "1:2",       "01.2.3.4.5"};
    struct network_address parsed;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK(!network_address_parse(span_of(rows[i]), &parsed));
    CHECK(!network_address_parse((struct span){"1.2.3.4\0", 8}, &parsed));
    char zeros[NETWORKS_ITEM_BYTES_MAX];
    memset(zeros, '0', sizeof zeros);
    CHECK(!network_address_parse((struct span){zeros, sizeof zeros - 1}, &parsed));
    CHECK(!network_address_parse((struct span){zeros, sizeof zeros}, &parsed));
}

static void loopback_is_known(void)
{
    static const struct {
        const char *text;
        bool is_loopback;
    } rows[] = {{"127.0.0.1", true},
                {"127.255.255.255", true},
                {"126.255.255.255", false},
                {"128.0.0.0", false},
                {"::1", true},
                {"::2", false},
                {"::", false},
                {"::ffff:127.0.0.1", true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct network_address parsed = address(rows[i].text);
        CHECK_INT(network_address_is_loopback(&parsed), rows[i].is_loopback);
    }
}

static void a_list_holds_what_is_in_its_networks(void)
{
    static const struct {
        const char *list, *address;
        bool held;
    } rows[] = {
        {"", "192.0.2.1", false},
        {" , ", "192.0.2.1", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.0/31", "192.0.2.1", true},
        {"192.0.2.0/31", "192.0.2.2", false},
        {"0.0.0.0/0", "255.255.255.255", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "192.0.2.1", false},
        {"::ffff:0:0/96", "192.0.2.1", true},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"198.51.100.0/24, 2001:db8::/32\t192.0.2.1,", "192.0.2.1", true},
        {"198.51.100.0/24,2001:db8::1/128", "2001:db8::1", true},
        {"198.51.100.0/24,2001:db8::1/128", "2001:db8::2", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct networks networks;
        struct fault fault;
        struct network_address asked = address(rows[i].address);
        CHECK(networks_parse(span_of(rows[i].list), &networks, &fault));
        if (networks_hold(&networks, &asked) != rows[i].held) {
            printf("    \"%s\" and %s\n", rows[i].list, rows[i].address);
            check_failures++;
        }
    }
}

static void a_wrong_list_says_what_is_wrong(void)
{
    static const struct {
        const char *list, *error;
    } rows[] = {
        {"192.0.2.0/24 proxy",
         "\"proxy\" is no address; write 192.0.2.0/24, 2001:db8::/32 or an address alone"},
        {"/24", "\"/24\" is no address; write 192.0.2.0/24, 2001:db8::/32 or an address alone"},
        {"192.0.2.0/33", "\"192.0.2.0/33\" needs 0 to 32 after the slash"},
        {"192.0.2.0/", "\"192.0.2.0/\" needs 0 to 32 after the slash"},
        {"192.0.2.0/0024", "\"192.0.2.0/0024\" needs 0 to 32 after the slash"},
        {"192.0.2.0/2x", "\"192.0.2.0/2x\" needs 0 to 32 after the slash"},
        {"::/129", "\"::/129\" needs 0 to 128 after the slash"},
        {"192.0.2.1/24",
         "\"192.0.2.1/24\" has bits after its prefix: make them 0, or the prefix longer"},
        {"2001:db8::/28",
         "\"2001:db8::/28\" has bits after its prefix: make them 0, or the prefix longer"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct networks networks;
        struct fault fault = {0};
        CHECK(!networks_parse(span_of(rows[i].list), &networks, &fault));
        CHECK_BYTES(fault.text, strlen(fault.text), rows[i].error, strlen(rows[i].error));
    }
}

static void a_list_has_a_limit(void)
{
    char list[(NETWORKS_MAX + 1) * sizeof "10.0.0.1 "] = "";
    struct fault fault;
    struct networks networks;
    for (int i = 0; i < NETWORKS_MAX; i++)
        strcat(list, "10.0.0.1 ");
    CHECK(networks_parse(span_of(list), &networks, &fault));
    CHECK_INT(networks.count, NETWORKS_MAX);
    strcat(list, "10.0.0.1");
    CHECK(!networks_parse(span_of(list), &networks, &fault));
    CHECK_BYTES(fault.text, strlen(fault.text), "more than 64 networks", 21);
}

static const struct check_case cases[] = {
    {"an address is written as it is read", an_address_is_written_as_it_is_read},
    {"an address is of a host, or of a network of IPv6", whose_an_address_is},
    {"an address of IPv4 is the same alone and as IPv6 maps it", an_address_of_ipv4_is_mapped},
    {"what is no address is refused", what_is_no_address_is_refused},
    {"loopback is 127.0.0.0/8 and ::1", loopback_is_known},
    {"a list holds the addresses in its networks, and no others",
     a_list_holds_what_is_in_its_networks},
    {"a wrong list says what is wrong and what to write", a_wrong_list_says_what_is_wrong},
    {"a list holds 64 networks and no more", a_list_has_a_limit},
};

CHECK_MAIN(cases)
