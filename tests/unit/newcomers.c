/* Which connections make way where too many come over which no neighbour speaks, and what is
 * reported.
 */
#include "bus/link/newcomers.h"

#include <stdio.h>

#include "tests/check.h"

enum { NEIGHBOURS = 3, STRANGERS = 50, PLACES = NEIGHBOURS + STRANGERS };
enum { SHARE = NEIGHBOURS + NEWCOMERS_PER_ADDRESS_MAX };

static struct newcomers newcomers;

static void begin(void)
{
    newcomers_free(&newcomers);
    newcomers_make(&newcomers, NEIGHBOURS, STRANGERS, 7);
}

/* The descriptor that makes way for this one, or -1. */
static int come(int descriptor, const char *address)
{
    struct newcomer surplus,
        accepted = {descriptor, 1000 + (uint64_t)descriptor, newcomers_read_address(address)};
    if (!newcomers_accept(&newcomers, &accepted, &surplus))
        return -1;
    CHECK_INT(surplus.socket, 1000 + surplus.descriptor);
    CHECK(!newcomers_has(&newcomers, surplus.descriptor));
    return surplus.descriptor;
}

static void speak(int descriptor, const char *address)
{
    struct newcomers_address from = newcomers_read_address(address);
    newcomers_prove(&newcomers, descriptor, &from);
}

/* An address of its own for each number. */
static const char *number_address(int number)
{
    static char text[32];
    snprintf(text, sizeof text, "198.51.100.%d", number);
    return text;
}

static void an_address_has_its_share(void)
{
    begin();
    CHECK_INT(come(1000, "192.0.2.2"), -1);
    for (int i = 0; i < SHARE; i++)
        CHECK_INT(come(i, "192.0.2.1"), -1);
    for (int i = SHARE; i < 1000; i++)
        CHECK(come(i, "192.0.2.1") >= 0);
    CHECK(newcomers_has(&newcomers, 1000));
    CHECK(newcomers_has(&newcomers, 999));
    CHECK_INT(newcomers.count, SHARE + 1);
}

/* More neighbours than at the start have a place each; fewer take none away. */
static void neighbours_that_come_have_places_too(void)
{
    begin();
    for (int i = 0; i < SHARE; i++)
        CHECK_INT(come(i, "192.0.2.1"), -1);
    newcomers_expect(&newcomers, NEIGHBOURS + 2);
    newcomers_expect(&newcomers, 0);
    CHECK_INT(come(SHARE, "192.0.2.1"), -1);
    CHECK_INT(come(SHARE + 1, "192.0.2.1"), -1);
    CHECK(come(SHARE + 2, "192.0.2.1") >= 0);
    for (int i = 0; i < PLACES + 2 - (SHARE + 2); i++)
        CHECK_INT(come(2000 + i, number_address(i)), -1);
    CHECK_INT(newcomers.count, PLACES + 2);
    CHECK(come(3000, "198.51.100.250") >= 0);
}

static void all_have_the_places_together(void)
{
    begin();
    for (int i = 0; i < PLACES; i++)
        CHECK_INT(come(i, number_address(i)), -1);
    for (int i = PLACES; i < 200; i++)
        CHECK(come(i, number_address(i)) >= 0);
    CHECK(newcomers_has(&newcomers, 199));
    CHECK_INT(newcomers.count, PLACES);
}

/* Four addresses, each within its share, and one that has one connection. */
static void who_comes_from_elsewhere_stays(void)
{
    begin();
    come(10000, "192.0.2.1");
    for (int i = 0; i < 10000; i++)
        come(i, number_address(i % 4));
    CHECK_INT(newcomers.count, PLACES);
    CHECK(newcomers_has(&newcomers, 10000));
}

/* As many come as there are places before it speaks. The first or the last to come, if that were
 * the one to go, would never get in. */
static void who_comes_from_the_same_address_has_a_chance(void)
{
    int through = 0;
    begin();
    for (int try = 0; try < 1000; try++) {
        come(10000, "192.0.2.1");
        for (int i = 0; i < SHARE; i++)
            come(try * SHARE + i, "192.0.2.1");
        through += newcomers_has(&newcomers, 10000);
        speak(10000, "192.0.2.1");
    }
    CHECK(through > 300 && through < 450); /* 1/e */
}

static void few_strangers_are_the_share_of_each(void)
{
    newcomers_free(&newcomers);
    newcomers_make(&newcomers, 0, 1, 7);
    CHECK_INT(come(7, "192.0.2.1"), -1);
    CHECK_INT(come(8, "192.0.2.1"), 7);
    CHECK_INT(come(9, "192.0.2.2"), 8);
}

static void who_speaks_as_a_neighbour_stays(void)
{
    begin();
    come(5000, "192.0.2.1");
    come(5001, "192.0.2.1");
    speak(5000, "192.0.2.1");
    CHECK(!newcomers_has(&newcomers, 5000));
    CHECK(newcomers_has(&newcomers, 5001));
    speak(5000, "192.0.2.1");
    speak(-1, "192.0.2.1");
    for (int i = 0; i < 3 * PLACES; i++)
        CHECK(come(i, "192.0.2.1") != 5000);
}

/* What is read may have come over an earlier connection of that descriptor. */
static void who_speaks_from_elsewhere_is_not_believed(void)
{
    begin();
    come(5, "192.0.2.1");
    speak(5, "192.0.2.2");
    speak(5, "nowhere");
    CHECK(newcomers_has(&newcomers, 5));
    speak(5, "::ffff:192.0.2.1");
    CHECK(!newcomers_has(&newcomers, 5));
}

static void a_descriptor_is_one_connection(void)
{
    struct newcomers_news news;
    begin();
    come(5, "192.0.2.1");
    CHECK_INT(come(5, "192.0.2.2"), -1);
    CHECK_INT(newcomers.count, 1);
    speak(5, "192.0.2.1");
    CHECK(newcomers_has(&newcomers, 5));
    CHECK(newcomers_next_news(&newcomers, &news));
    CHECK_INT(news.unfinished, 1);
}

static void check_shown(const char *text, const char *wanted)
{
    char shown[NEWCOMERS_ADDRESS_BYTES_MAX];
    struct newcomers_address address = newcomers_read_address(text);
    newcomers_show_address(&address, shown);
    CHECK_BYTES(shown, strlen(shown), wanted, strlen(wanted));
}

static void addresses_are_read_and_shown(void)
{
    static const char *const rows[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
        {"2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"},
        {"fe80::1%eth0", "fe80::/64"},
        {"::1", "::/64"},
        {"", "an unknown address"},
        {"192.0.2.256", "an unknown address"},
        {"0000:0000:0000:0000:0000:0000:0000:00000000000001", "an unknown address"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_shown(rows[i][0], rows[i][1]);
}

static void a_network_of_ipv6_is_one_address(void)
{
    char address[64];
    begin();
    for (int i = 0; i <= SHARE; i++) {
        snprintf(address, sizeof address, "2001:db8::%x", i + 1);
        CHECK_INT(come(i, address) >= 0, i == SHARE);
    }
    CHECK_INT(come(SHARE + 1, "2001:db8:0:1::1"), -1);
}

static void what_happened_is_told_once(void)
{
    struct newcomers_news news;
    begin();
    CHECK(!newcomers_next_news(&newcomers, &news));
    for (int i = 0; i < SHARE + 1; i++)
        come(i, "192.0.2.1");
    newcomers_leave(&newcomers, come(SHARE + 1, "192.0.2.1")); /* made way already */
    come(100, "192.0.2.2");
    newcomers_leave(&newcomers, 100);
    newcomers_leave(&newcomers, 100);
    CHECK(newcomers_next_news(&newcomers, &news));
    CHECK_INT(news.refused, 2);
    CHECK_INT(news.unfinished, 1);
    struct newcomers_address wanted = newcomers_read_address("192.0.2.1");
    CHECK(memcmp(&news.busiest, &wanted, sizeof wanted) == 0);
    for (int i = 0; i < SHARE + 2; i++)
        speak(i, "192.0.2.1");
    newcomers_next_news(&newcomers, &news); /* that many at once */
    CHECK(!newcomers_next_news(&newcomers, &news));
    CHECK_INT(news.refused + news.unfinished, 0);
}

static void a_warning_comes_before_the_limit(void)
{
    struct newcomers_news news;
    int enough = (PLACES * NEWCOMERS_WARNING_PERCENT + 99) / 100;
    begin();
    for (int i = 0; i < enough - 1; i++)
        come(i, number_address(i));
    CHECK(!newcomers_next_news(&newcomers, &news));
    come(enough, number_address(enough));
    newcomers_prove(&newcomers, enough, &newcomers.all[newcomers.count - 1].address);
    CHECK(newcomers_next_news(&newcomers, &news));
    CHECK_INT(news.most_at_once, enough);
    CHECK_INT(news.places, PLACES);
    CHECK(!newcomers_next_news(&newcomers, &news));
}

/* The refusal of a key is logged by those who know it; its connection ends a moment later. */
static void a_strangers_key_is_told_elsewhere(void)
{
    struct newcomers_news news;
    begin();
    come(1, "192.0.2.1");
    newcomers_refuse_key(&newcomers);
    CHECK(!newcomers_next_news(&newcomers, &news));
    newcomers_leave(&newcomers, 1);
    CHECK(!newcomers_next_news(&newcomers, &news));
    come(2, "192.0.2.1");
    newcomers_leave(&newcomers, 2);
    CHECK(newcomers_next_news(&newcomers, &news));
    CHECK_INT(news.unfinished, 1);
    CHECK(!newcomers_next_news(&newcomers, &news));
}

static void the_busiest_is_found_among_many(void)
{
    struct newcomers_news news;
    struct newcomers_address wanted = newcomers_read_address("192.0.2.1");
    begin();
    for (int i = 0; i < 200; i++) {
        come(1, number_address(i));
        newcomers_leave(&newcomers, 1);
        if (i % 10 == 0) { /* an eleventh of all */
            come(2, "192.0.2.1");
            newcomers_leave(&newcomers, 2);
        }
    }
    CHECK(newcomers_next_news(&newcomers, &news));
    CHECK_INT(news.unfinished, 220);
    CHECK(memcmp(&news.busiest, &wanted, sizeof wanted) == 0);
}

static void few_descriptors_are_few_strangers(void)
{
    static const size_t rows[][2] = {
        {0, 1}, {31, 1}, {32, 2}, {300, 18}, {1023, 63}, {1024, 64}, {SIZE_MAX, 64},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(newcomers_strangers_max(rows[i][0]), rows[i][1]);
}

static const struct check_case cases[] = {
    {"neighbours that come have places, too", neighbours_that_come_have_places_too},
    {"an address has its share; one more ends another of it", an_address_has_its_share},
    {"all addresses have the places together; one more ends another", all_have_the_places_together},
    {"who comes from elsewhere stays", who_comes_from_elsewhere_stays},
    {"who comes from the same address has a chance", who_comes_from_the_same_address_has_a_chance},
    {"where strangers are few, one address may be all of them",
     few_strangers_are_the_share_of_each},
    {"where descriptors are few, strangers are fewer", few_descriptors_are_few_strangers},
    {"who speaks as a neighbour stays", who_speaks_as_a_neighbour_stays},
    {"what comes from another address proves nothing", who_speaks_from_elsewhere_is_not_believed},
    {"a descriptor is one connection, the last", a_descriptor_is_one_connection},
    {"addresses are read and shown", addresses_are_read_and_shown},
    {"a network of IPv6 is one address", a_network_of_ipv6_is_one_address},
    {"what happened is reported once, with the busiest address", what_happened_is_told_once},
    {"a warning comes before the limit", a_warning_comes_before_the_limit},
    {"a stranger's key is logged elsewhere", a_strangers_key_is_told_elsewhere},
    {"the busiest is found among many", the_busiest_is_found_among_many},
};

CHECK_MAIN(cases)
