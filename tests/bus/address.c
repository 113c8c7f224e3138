/* Where to connect to: names are resolved again on a thread of their own, and known addresses
 * stay. */
#include "bus/net/address.h"

#include <poll.h>

#include "tests/bus/loopback.h"
#include "tests/check.h"

/* How long a system asks a name server that it cannot reach (resolv.conf(5)). */
#define ANSWER_MS_MAX 60000

static const struct dial_rules rules = {.away_ms = 1, .away_two_keys_ms = 1, .unanswered_ms = 1};
static const struct keyring_keys none;

static void find(struct address *address)
{
    int64_t until_ms = loopback_now_ms() + ANSWER_MS_MAX;
    bool found;
    while (!(found = address_find(address, loopback_now_ms())) && loopback_now_ms() < until_ms) {
        CHECK(address_is_asked(address));
        CHECK(address->again_ms <= loopback_now_ms() + ADDRESS_PAUSE_MS);
        poll(NULL, 0, 1);
    }
    CHECK(found && !address_is_asked(address));
}

static void an_address_is_known_at_once(void)
{
    struct address address = {.endpoint = "tcp://127.0.0.1:12500"};
    struct dial dial;
    dial_start(&dial, &rules, &none, 0);
    CHECK(address_choose(&address, &dial) == NULL);
    for (int i = 0; i < 3; i++) {
        CHECK(address_find(&address, 0));
        CHECK(!address_is_asked(&address));
        CHECK(strcmp(address_choose(&address, &dial), "tcp://127.0.0.1:12500") == 0);
        dial_renew(&dial, 0);
    }
}

static void the_addresses_of_a_name_are_tried_in_turn(void)
{
    struct address address = {.endpoint = "tcp://localhost:12500"};
    struct dial dial;
    dial_start(&dial, &rules, &none, 0);
    find(&address);
    CHECK(strcmp(address_choose(&address, &dial), "tcp://127.0.0.1:12500") == 0);
    for (size_t i = 0; i < 2 * address.known.count; i++) {
        CHECK(address_choose(&address, &dial) == address.known.endpoints[i % address.known.count]);
        dial_renew(&dial, 0);
    }
}

static void without_an_answer_the_old_addresses_go_on(void)
{
    struct address address = {.endpoint = "tcp://nobody.invalid:12500"};
    struct dial dial;
    dial_start(&dial, &rules, &none, 0);
    find(&address);
    CHECK(address_choose(&address, &dial) == NULL);
    CHECK(strstr(address.trouble, "cannot resolve nobody.invalid") != NULL);
    address.known.count = 1;
    snprintf(address.known.endpoints[0], RESOLVE_ENDPOINT_BYTES_MAX, "tcp://127.0.0.1:12500");
    find(&address);
    CHECK(strcmp(address_choose(&address, &dial), "tcp://127.0.0.1:12500") == 0);
    address.endpoint = "tcp://127.0.0.2:12500";
    find(&address);
    CHECK(strcmp(address_choose(&address, &dial), "tcp://127.0.0.2:12500") == 0);
    CHECK(address.trouble[0] == '\0');
}

static void what_was_asked_can_be_dropped(void)
{
    struct address address = {.endpoint = "tcp://nobody.invalid:12500"};
    address_drop(&address);
    if (!address_find(&address, 0))
        CHECK(address_is_asked(&address));
    address_drop(&address);
    CHECK(!address_is_asked(&address));
}

static const struct check_case cases[] = {
    {"an address is known at once", an_address_is_known_at_once},
    {"the addresses of a name are tried in turn", the_addresses_of_a_name_are_tried_in_turn},
    {"without an answer the old addresses go on", without_an_answer_the_old_addresses_go_on},
    {"what was asked can be dropped", what_was_asked_can_be_dropped},
};

CHECK_MAIN(cases)
