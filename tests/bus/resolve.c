/* Names are resolved on threads beside the loop, and the caller never waits. */
#include "bus/net/resolve.h"

#include <time.h>
#include <unistd.h>

#include "tests/bus/loopback.h"
#include "tests/check.h"

/* How long a system asks a name server that it cannot reach, in several attempts
 * (resolv.conf(5)). */
#define ANSWER_MS_MAX 60000
#define AT_ONCE_MS    1000

static enum resolve_state await(struct resolve *resolve, struct resolve_addresses *addresses,
                                struct fault *fault)
{
    int64_t until_ms = loopback_now_ms() + ANSWER_MS_MAX;
    enum resolve_state state;
    while ((state = resolve_poll(resolve, addresses, fault)) == RESOLVE_PENDING &&
           loopback_now_ms() < until_ms)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return state;
}

static void check_literal(const char *endpoint, const char *wanted)
{
    struct resolve_addresses addresses;
    struct fault fault = {0};
    struct resolve *resolve = resolve_begin(endpoint);
    CHECK_INT(resolve_poll(resolve, &addresses, &fault), RESOLVE_FOUND);
    CHECK_INT(addresses.count, 1);
    CHECK_BYTES(addresses.endpoints[0], strlen(addresses.endpoints[0]), wanted, strlen(wanted));
    CHECK_INT(resolve_poll(resolve, &addresses, &fault), RESOLVE_FOUND);
    resolve_end(&resolve);
    CHECK(resolve == NULL);
}

static void an_address_is_its_own_answer_at_once(void)
{
    check_literal("tcp://127.0.0.1:12500", "tcp://127.0.0.1:12500");
    check_literal("tcp://192.0.2.10:1", "tcp://192.0.2.10:1");
    check_literal("tcp://[::1]:65535", "tcp://[::1]:65535");
    check_literal("tcp://[2001:DB8:0::10]:80", "tcp://[2001:db8::10]:80");
}

static void localhost_is_loopback_with_IPv4_first(void)
{
    struct resolve_addresses addresses = {0};
    struct fault fault = {0};
    struct resolve *resolve = resolve_begin("tcp://localhost:12500");
    CHECK_INT(await(resolve, &addresses, &fault), RESOLVE_FOUND);
    CHECK(addresses.count >= 1 && addresses.count <= 2);
    CHECK(strcmp(addresses.endpoints[0], "tcp://127.0.0.1:12500") == 0);
    CHECK(addresses.count < 2 || strcmp(addresses.endpoints[1], "tcp://[::1]:12500") == 0);
    resolve_end(&resolve);
}

static void check_failed(const char *error, const char *begins)
{
    CHECK_BYTES(error, strnlen(error, strlen(begins)), begins, strlen(begins));
    CHECK(strlen(error) > strlen(begins));
}

static void a_name_that_nobody_has_is_a_reason(void)
{
    struct resolve_addresses addresses;
    struct fault fault = {0};
    struct resolve *resolve = resolve_begin("tcp://nobody.invalid:12500");
    CHECK_INT(await(resolve, &addresses, &fault), RESOLVE_FAILED);
    check_failed(fault.text, "cannot resolve nobody.invalid: ");
    resolve_end(&resolve);
    CHECK(!resolve_now("tcp://nobody.invalid:12500", &addresses, &fault));
    check_failed(fault.text, "cannot resolve nobody.invalid: ");
}

static void what_is_no_endpoint_is_a_reason(void)
{
    static const char *const texts[] = {"",
                                        "tcp://",
                                        "tcp://:80",
                                        "udp://127.0.0.1:80",
                                        "tcp://localhost",
                                        "tcp://localhost:655360"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct resolve_addresses addresses;
        struct fault fault = {0};
        struct resolve *resolve = resolve_begin(texts[i]);
        CHECK_INT(resolve_poll(resolve, &addresses, &fault), RESOLVE_MALFORMED);
        CHECK(strstr(fault.text, "tcp://host:port") != NULL);
        resolve_end(&resolve);
    }
}

/* The longest host, and one byte more. */
static void a_host_is_bounded(void)
{
    char endpoint[RESOLVE_HOST_BYTES_MAX + 32];
    struct fault fault;
    struct resolve_addresses addresses;
    for (int over = 0; over <= 1; over++) {
        int bytes = RESOLVE_HOST_BYTES_MAX + over;
        snprintf(endpoint, sizeof endpoint, "tcp://%0*d:80", bytes, 0);
        memset(endpoint + strlen("tcp://"), 'a', (size_t)bytes);
        CHECK(!resolve_now(endpoint, &addresses, &fault));
        CHECK_INT(strstr(fault.text, "tcp://host:port") != NULL, over);
    }
}

/* More names than threads; half of them are given up before an answer can be there. */
static void more_names_than_threads_are_all_answered(void)
{
    enum { NAMES = RESOLVE_THREADS_MAX + 6 };
    struct resolve *resolves[NAMES];
    struct resolve_addresses addresses;
    struct fault fault;
    int64_t began_ms = loopback_now_ms();
    for (int i = 0; i < NAMES; i++)
        resolves[i] = resolve_begin(i % 2 ? "tcp://localhost:80" : "tcp://nobody.invalid:80");
    for (int i = 0; i < NAMES; i += 4)
        resolve_end(&resolves[i]);
    CHECK(loopback_now_ms() - began_ms < AT_ONCE_MS);
    for (int i = 0; i < NAMES; i++) {
        if (resolves[i] != NULL)
            CHECK_INT(await(resolves[i], &addresses, &fault),
                      i % 2 ? RESOLVE_FOUND : RESOLVE_FAILED);
        resolve_end(&resolves[i]);
    }
}

static void check_to_bind(const char *endpoint, const char *wanted)
{
    struct resolve_addresses addresses = {0};
    struct fault fault = {0};
    CHECK(resolve_to_bind(endpoint, &addresses, &fault));
    CHECK_BYTES(fault.text, strlen(fault.text), "", 0);
    CHECK_BYTES(addresses.endpoints[0], strlen(addresses.endpoints[0]), wanted, strlen(wanted));
}

static void an_interface_is_for_binding_only(void)
{
    struct resolve_addresses addresses;
    struct fault fault = {0};
    check_to_bind("tcp://lo:12500", "tcp://127.0.0.1:12500");
    check_to_bind("tcp://*:12500", "tcp://*:12500");
    check_to_bind("tcp://127.0.0.1:*", "tcp://127.0.0.1:*");
    check_to_bind("tcp://localhost:*", "tcp://127.0.0.1:*");
    CHECK(!resolve_now("tcp://*:12500", &addresses, &fault));
    check_failed(fault.text, "cannot resolve *: ");
    CHECK(!resolve_to_bind("tcp://nobody.invalid:1", &addresses, &fault));
    check_failed(fault.text, "cannot resolve nobody.invalid: ");
}

static const struct check_case cases[] = {
    {"an address is its own answer, at once", an_address_is_its_own_answer_at_once},
    {"localhost is loopback, with IPv4 first", localhost_is_loopback_with_IPv4_first},
    {"a name that nobody has is a reason", a_name_that_nobody_has_is_a_reason},
    {"what is no endpoint is a reason", what_is_no_endpoint_is_a_reason},
    {"a host is bounded", a_host_is_bounded},
    {"more names than threads are all answered, and nobody waits at the start",
     more_names_than_threads_are_all_answered},
    {"an interface is for binding only", an_interface_is_for_binding_only},
};

CHECK_MAIN(cases)
