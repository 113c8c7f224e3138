/* What the clients of each address have taken, counted per address. */
#include "gateway/text/address_shares.h"

#include "tests/check.h"

static struct address_shares *shares;

static void fresh(size_t addresses_max, uint32_t per_s, uint32_t burst)
{
    struct fault fault;
    struct address_shares_options options = {.addresses_max = addresses_max,
                                             .new_ids_per_s = per_s,
                                             .new_ids_burst = burst,
                                             .hash_key = {1, 2, 3}};
    CHECK(networks_parse(span_of("203.0.113.0/24 2001:db8:77::/48"), &options.trusted, &fault));
    address_shares_destroy(&shares);
    shares = address_shares_new(&options);
}

static struct network_address parse(const char *text)
{
    struct network_address address;
    CHECK(network_address_parse(span_of(text), &address));
    return address;
}

static struct address_share *find_at(const char *text, int64_t now_ms)
{
    struct network_address address = parse(text);
    return address_shares_find(shares, &address, now_ms);
}

static struct address_share *find(const char *text)
{
    return find_at(text, 0);
}

static struct address_share *connect_from(const char *text)
{
    struct address_share *share = find(text);
    address_shares_connect(shares, share);
    return share;
}

static struct address_share *hold(const char *text, enum address_held kind, size_t bytes)
{
    struct address_share *share = find(text);
    address_shares_hold(shares, share, kind, 0, bytes);
    return share;
}

static void an_address_is_one_however_written(void)
{
    static const struct {
        const char *one, *other;
        bool same;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
        {"2001:db8::1", "2001:db8:0:1::1", false},
        {"::1", "127.0.0.1", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fresh(8, 0, 0);
        struct address_share *one = connect_from(rows[i].one);
        CHECK_INT(find(rows[i].other) == one, rows[i].same);
        CHECK_INT(address_shares_used(shares), rows[i].same ? 1 : 2);
    }
}

static void the_trusted_share_the_nodes_own(void)
{
    fresh(8, 1, 1);
    struct address_share *one = connect_from("203.0.113.1");
    CHECK(connect_from("203.0.113.255") == one && connect_from("2001:db8:77:1::1") == one);
    CHECK_INT(one->connections, 3);
    CHECK(address_shares_is_trusted(shares, one) && !address_shares_is_rest(shares, one));
    CHECK(!address_shares_is_trusted(shares, find("203.0.114.1")));
    for (int i = 0; i < 100; i++)
        CHECK(address_shares_take_new_id(shares, one, 0));
    CHECK(address_shares_warning(shares) == NULL);
}

static void when_full_the_others_share_the_rest(void)
{
    fresh(2, 0, 0);
    struct address_share *one = connect_from("192.0.2.1"), *two = connect_from("192.0.2.2");
    CHECK(!address_shares_is_rest(shares, one) && !address_shares_is_rest(shares, two));
    CHECK_INT(address_shares_count(shares)->overflowed, 0);
    struct address_share *rest = connect_from("192.0.2.3");
    CHECK(address_shares_is_rest(shares, rest) && connect_from("2001:db8::1") == rest);
    CHECK_INT(rest->connections, 2);
    CHECK_INT(address_shares_count(shares)->overflowed, 2);
    CHECK(find("192.0.2.1") == one && find("192.0.2.2") == two);
    address_shares_disconnect(shares, one);
    CHECK(find("192.0.2.3") == one); /* another entry than that of its first connection */
    CHECK_INT(one->connections, 0);
    address_shares_disconnect(shares, rest);
    CHECK_INT(rest->connections, 1);
}

static void what_is_empty_longest_is_reused(void)
{
    fresh(3, 0, 0);
    struct address_share *one = connect_from("192.0.2.1"), *two = connect_from("192.0.2.2"),
                         *three = connect_from("192.0.2.3");
    address_shares_disconnect(shares, two);
    address_shares_disconnect(shares, one);
    CHECK(find("192.0.2.2") == two); /* it was used after the other */
    CHECK(connect_from("192.0.2.4") == one);
    CHECK(connect_from("192.0.2.5") == two);
    CHECK_INT(address_shares_count(shares)->reused, 2);
    CHECK(address_shares_is_rest(shares, connect_from("192.0.2.1")));
    CHECK(find("192.0.2.3") == three && find("192.0.2.4") == one);
}

/* Each alone keeps an entry. */
static void what_has_anything_is_not_reused(void)
{
    for (int what = 0; what < 2 + ADDRESS_HELD_KINDS; what++) {
        fresh(1, 0, 0);
        struct address_share *share = find("192.0.2.1");
        for (int round = 0; round < 2; round++) {
            if (what == 0)
                round == 0 ? address_shares_connect(shares, share)
                           : address_shares_disconnect(shares, share);
            else if (what == 1)
                round == 0 ? address_shares_look_up(shares, share)
                           : address_shares_answer(shares, share);
            else
                address_shares_hold(shares, share, (enum address_held)(what - 2),
                                    round == 0 ? 0 : 7, round == 0 ? 7 : 0);
            CHECK_INT(address_shares_is_rest(shares, find("192.0.2.2")), round == 0);
        }
    }
}

static void a_bucket_that_is_not_full_keeps_its_entry(void)
{
    fresh(1, 10, 10);
    struct address_share *share = find("192.0.2.1");
    CHECK(address_shares_take_new_id(shares, share, 0));
    CHECK(address_shares_is_rest(shares, find_at("192.0.2.2", 99)));
    CHECK(find_at("192.0.2.2", 100) == share);
    CHECK(find_at("192.0.2.2", 101) == share);
}

static void a_search_for_an_entry_is_short(void)
{
    for (int in_debt = ADDRESS_SHARES_LOOKS - 1; in_debt <= ADDRESS_SHARES_LOOKS; in_debt++) {
        char text[32];
        fresh(ADDRESS_SHARES_LOOKS + 1, 10, 10);
        for (int i = 0; i <= ADDRESS_SHARES_LOOKS; i++) {
            snprintf(text, sizeof text, "192.0.2.%d", i);
            struct address_share *share = find(text);
            if (i < in_debt)
                CHECK(address_shares_take_new_id(shares, share, 0));
        }
        bool is_found = in_debt < ADDRESS_SHARES_LOOKS;
        CHECK_INT(address_shares_is_rest(shares, find("198.51.100.1")), !is_found);
        /* Those that were looked at went to the end. */
        CHECK(!address_shares_is_rest(shares, find("198.51.100.1")));
    }
}

static void new_ids_have_a_burst_and_a_rate(void)
{
    fresh(4, 10, 5);
    struct address_share *one = find("192.0.2.1"), *two = find("192.0.2.2");
    for (int i = 0; i < 5; i++)
        CHECK(address_shares_take_new_id(shares, one, 0));
    CHECK(!address_shares_take_new_id(shares, one, 0));
    CHECK(address_shares_take_new_id(shares, two, 0));
    CHECK(!address_shares_take_new_id(shares, one, 99));
    CHECK(address_shares_take_new_id(shares, one, 100));
    CHECK(!address_shares_take_new_id(shares, one, 100));
    CHECK(!address_shares_take_new_id(shares, one, 50)); /* backwards is no time */
    CHECK(!address_shares_take_new_id(shares, one, 199));
    CHECK(address_shares_take_new_id(shares, one, 200));
    CHECK_INT(address_shares_count(shares)->new_ids_refused, 5);
    for (int i = 0; i < 5; i++)
        CHECK(address_shares_take_new_id(shares, one, INT64_MAX));
    CHECK(!address_shares_take_new_id(shares, one, INT64_MAX));
}

static void the_largest_rate_and_burst_hold(void)
{
    fresh(4, ADDRESS_SHARES_NEW_IDS_MAX, ADDRESS_SHARES_NEW_IDS_MAX);
    struct address_share *share = find("192.0.2.1");
    for (int i = 0; i < 10; i++)
        CHECK(address_shares_take_new_id(shares, share, i % 2 == 0 ? 0 : INT64_MAX));
    fresh(4, 1, 1);
    share = find("192.0.2.1");
    CHECK(address_shares_take_new_id(shares, share, 0));
    CHECK(!address_shares_take_new_id(shares, share, 999));
    CHECK(address_shares_take_new_id(shares, share, 1000));
    fresh(4, 3, 1); /* a third of a second is no whole number of ms */
    share = find("192.0.2.1");
    CHECK(address_shares_take_new_id(shares, share, 0));
    CHECK(!address_shares_take_new_id(shares, share, 333));
    CHECK(address_shares_take_new_id(shares, share, 334));
}

static void without_a_rate_there_is_no_limit(void)
{
    fresh(4, 0, 0);
    for (int i = 0; i < 1000; i++)
        CHECK(address_shares_take_new_id(shares, find("192.0.2.1"), 0));
}

static void the_rest_has_one_bucket(void)
{
    fresh(1, 1, 2);
    connect_from("192.0.2.1");
    CHECK(address_shares_take_new_id(shares, find("192.0.2.2"), 0));
    CHECK(address_shares_take_new_id(shares, find("192.0.2.3"), 0));
    CHECK(!address_shares_take_new_id(shares, find("192.0.2.4"), 0));
}

static void four_fifths_of_a_bucket_are_a_warning(void)
{
    fresh(4, 1, 10);
    struct address_share *share = find("192.0.2.1");
    for (int i = 0; i < 7; i++)
        CHECK(address_shares_take_new_id(shares, share, 0));
    CHECK(address_shares_warning(shares) == NULL);
    CHECK(address_shares_take_new_id(shares, share, 0));
    const struct network_address *who = address_shares_warning(shares);
    CHECK(who != NULL && memcmp(who, &share->address, sizeof *who) == 0);
    CHECK(address_shares_take_new_id(shares, share, 0));
    CHECK(address_shares_warning(shares) == NULL); /* once */
    CHECK(address_shares_take_new_id(shares, share, 5000));
    CHECK(address_shares_warning(shares) == NULL);
    for (int i = 0; i < 4; i++)
        CHECK(address_shares_take_new_id(shares, share, 5000));
    CHECK(address_shares_warning(shares) != NULL);
}

enum { HELD_MAX = 1000 };

static struct address_share *most(enum address_held kind)
{
    return address_shares_most(shares, kind, HELD_MAX);
}

static void who_holds_most_is_found(void)
{
    fresh(8, 0, 0);
    CHECK(most(ADDRESS_HELD_LINES) == NULL);
    struct address_share *trusted = hold("203.0.113.1", ADDRESS_HELD_LINES, HELD_MAX);
    for (int i = 0; i < HELD_MAX; i++)
        connect_from("203.0.113.1");
    CHECK(most(ADDRESS_HELD_LINES) == trusted);
    struct address_share *one = hold("192.0.2.1", ADDRESS_HELD_LINES, 1);
    CHECK(most(ADDRESS_HELD_LINES) == one);
    struct address_share *two = hold("192.0.2.2", ADDRESS_HELD_LINES, 100);
    CHECK(most(ADDRESS_HELD_LINES) == two);
    CHECK(most(ADDRESS_HELD_REPLIES) == NULL);
    hold("192.0.2.1", ADDRESS_HELD_REPLIES, 200);
    CHECK(most(ADDRESS_HELD_LINES) == two);
    address_shares_hold(shares, two, ADDRESS_HELD_LINES, 100, 0);
    CHECK(most(ADDRESS_HELD_LINES) == one);
    address_shares_hold(shares, one, ADDRESS_HELD_LINES, 1, 0);
    CHECK(most(ADDRESS_HELD_LINES) == trusted);
    address_shares_hold(shares, trusted, ADDRESS_HELD_LINES, HELD_MAX, 0);
    CHECK(most(ADDRESS_HELD_LINES) == NULL);
    one = hold("192.0.2.1", ADDRESS_HELD_LINES, SIZE_MAX);
    CHECK(most(ADDRESS_HELD_LINES) == one);
}

/* The trusted are many: each of their connections counts as an address, and all together no more
 * than there is. */
static void the_trusted_hold_most_at_last(void)
{
    static const struct {
        size_t connections, trusted, other;
        bool is_trusted;
    } rows[] = {
        {1, 100, 100, false},
        {1, 101, 100, true},
        {10, 1000, 100, false},
        {10, 1000, 99, true},
        {100, HELD_MAX, 10000, false},
        {100, HELD_MAX + 1, 10000, true},
        {3, 0, 1, false},
        {3, 1, 0, true},
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        fresh(8, 0, 0);
        for (size_t i = 0; i < rows[row].connections; i++)
            connect_from("203.0.113.1");
        struct address_share *trusted = hold("203.0.113.1", ADDRESS_HELD_LINES, rows[row].trusted);
        struct address_share *other = hold("192.0.2.1", ADDRESS_HELD_LINES, rows[row].other);
        CHECK(most(ADDRESS_HELD_LINES) == (rows[row].is_trusted ? trusted : other));
    }
}

static void refusals_are_reported_with_the_busiest(void)
{
    const struct address_share *most;
    fresh(4, 0, 0);
    CHECK_INT(address_shares_refused(shares, ADDRESS_REFUSED_CONNECTIONS, &most), 0);
    CHECK(most == NULL);
    for (int i = 0; i < 3; i++)
        address_shares_refuse(shares, find("192.0.2.1"), ADDRESS_REFUSED_CONNECTIONS);
    for (int i = 0; i < 4; i++)
        address_shares_refuse(shares, find("192.0.2.2"), ADDRESS_REFUSED_CONNECTIONS);
    CHECK_INT(address_shares_refused(shares, ADDRESS_REFUSED_CONNECTIONS, &most), 7);
    CHECK(most == find("192.0.2.2"));
    address_shares_refuse(shares, find("192.0.2.1"), ADDRESS_REFUSED_CONNECTIONS);
    for (int i = 0; i < 2; i++)
        address_shares_refuse(shares, find("192.0.2.3"), ADDRESS_REFUSED_CONNECTIONS);
    CHECK_INT(address_shares_refused(shares, ADDRESS_REFUSED_CONNECTIONS, &most), 3);
    CHECK(most == find("192.0.2.3")); /* of this time alone */
    fresh(1, 0, 0);
    address_shares_refuse(shares, find("192.0.2.1"), ADDRESS_REFUSED_CONNECTIONS);
    find("192.0.2.2"); /* its entry is another's now */
    CHECK_INT(address_shares_refused(shares, ADDRESS_REFUSED_CONNECTIONS, &most), 1);
    CHECK(most == NULL);
}

/* ---- against a model that searches ---- */

static uint32_t draw(uint32_t below)
{
    static uint64_t state = 3;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % below;
}

/* A connection that holds something, and what the model knows of it. */
struct one {
    struct address_share *share;
    size_t held[ADDRESS_HELD_KINDS];
    int address; /* -1: of the rest */
};

enum { ONES = 60, ADDRESSES = 40, ENTRIES = 24, THE_TRUSTED = 0, MODEL_MAX = 1 << 19 };
static struct one ones[ONES];

static int trusted_found;

static void check_against_model(void)
{
    uint64_t connections[ADDRESSES + 1] = {0}, held[ADDRESSES + 1] = {0}, others_most = 0;
    for (int i = 0; i < ONES; i++) {
        if (ones[i].share == NULL)
            continue;
        int at = ones[i].address < 0 ? ADDRESSES : ones[i].address;
        connections[at]++;
        held[at] += ones[i].held[0];
        others_most = at != THE_TRUSTED && held[at] > others_most ? held[at] : others_most;
    }
    for (int i = 0; i < ONES; i++) {
        if (ones[i].share == NULL)
            continue;
        int at = ones[i].address < 0 ? ADDRESSES : ones[i].address;
        CHECK_INT(ones[i].share->connections, connections[at]);
        CHECK_INT(ones[i].share->held_bytes[0], held[at]);
    }
    const struct address_share *found = address_shares_most(shares, 0, MODEL_MAX);
    uint64_t trusted = held[THE_TRUSTED];
    uint64_t each = trusted == 0 ? 0 : trusted / connections[THE_TRUSTED];
    CHECK((found == NULL) == (others_most + trusted == 0));
    if (found == NULL)
        return;
    if (address_shares_is_trusted(shares, found)) {
        CHECK(trusted > MODEL_MAX || others_most == 0 || each + each / 8 + 1 >= others_most);
        trusted_found++;
    } else {
        CHECK(found->held_bytes[0] + found->held_bytes[0] / 8 + 1 >= others_most);
        CHECK(trusted <= MODEL_MAX && each <= others_most);
    }
}

static void come(struct one *one)
{
    char text[32];
    int number = (int)draw(ADDRESSES);
    snprintf(text, sizeof text, number % 2 == 0 ? "192.0.2.%d" : "2001:db8:0:%d::1", number);
    if (number == THE_TRUSTED)
        snprintf(text, sizeof text, "203.0.113.1");
    int used = 0;
    bool is_known = number == THE_TRUSTED;
    for (int address = 0; address < ADDRESSES; address++) {
        bool has_one = false;
        for (int i = 0; i < ONES; i++)
            has_one = has_one || (ones[i].share != NULL && ones[i].address == address);
        used += has_one && address != THE_TRUSTED;
        is_known = is_known || (has_one && address == number);
    }
    *one = (struct one){.share = connect_from(text), .address = number};
    bool is_rest = address_shares_is_rest(shares, one->share);
    CHECK_INT(is_rest, !is_known && used == ENTRIES);
    if (is_rest)
        one->address = -1;
}

static void any_story_is_that_of_the_model(void)
{
    fresh(ENTRIES, 0, 0);
    for (int step = 0; step < 40000; step++) {
        struct one *one = &ones[draw(ONES)];
        if (one->share == NULL) {
            come(one);
        } else if (draw(4) == 0) {
            for (int kind = 0; kind < ADDRESS_HELD_KINDS; kind++)
                address_shares_hold(shares, one->share, (enum address_held)kind, one->held[kind],
                                    0);
            address_shares_disconnect(shares, one->share);
            *one = (struct one){0};
        } else {
            int kind = (int)draw(ADDRESS_HELD_KINDS);
            size_t after = draw(3) == 0 ? 0 : draw(1u << draw(20));
            address_shares_hold(shares, one->share, (enum address_held)kind, one->held[kind],
                                after);
            one->held[kind] = after;
        }
        check_against_model();
    }
    CHECK(address_shares_count(shares)->overflowed > 100);
    CHECK(address_shares_count(shares)->reused > 100);
    CHECK(trusted_found > 100);
    address_shares_destroy(&shares);
    address_shares_destroy(&shares);
}

static void change(uint32_t per_s, uint32_t burst, const char *trusted)
{
    struct fault fault;
    struct address_shares_options options = {.new_ids_per_s = per_s, .new_ids_burst = burst};
    CHECK(networks_parse(span_of(trusted), &options.trusted, &fault));
    address_shares_change(shares, &options);
}

static void other_numbers_count_from_now_on(void)
{
    fresh(8, 10, 3);
    struct address_share *one = connect_from("192.0.2.1");
    CHECK(address_shares_take_new_id(shares, one, 0));
    change(10, 1, "203.0.113.0/24"); /* of two that are left, one is */
    CHECK(address_shares_take_new_id(shares, one, 0));
    CHECK(!address_shares_take_new_id(shares, one, 0));
    change(1, 5, "203.0.113.0/24"); /* what is missing comes at the new rate */
    CHECK(!address_shares_take_new_id(shares, one, 999));
    CHECK(address_shares_take_new_id(shares, one, 1000));
    change(0, 0, "203.0.113.0/24");
    for (int i = 0; i < 10; i++)
        CHECK(address_shares_take_new_id(shares, one, 1000));
}

static void other_networks_are_trusted_from_now_on(void)
{
    fresh(8, 1, 1);
    CHECK(!address_shares_is_trusted(shares, find("192.0.2.1")));
    CHECK(address_shares_is_trusted(shares, find("203.0.113.1")));
    change(1, 1, "192.0.2.0/24");
    CHECK(address_shares_is_trusted(shares, find("192.0.2.1")));
    CHECK(!address_shares_is_trusted(shares, find("203.0.113.1")));
}

static const struct check_case cases[] = {
    {"other numbers count from now on", other_numbers_count_from_now_on},
    {"other networks are trusted from now on", other_networks_are_trusted_from_now_on},
    {"an address is one however it is written, and a /64 of IPv6 is one",
     an_address_is_one_however_written},
    {"all that are trusted share one entry, without a limit to new ids",
     the_trusted_share_the_nodes_own},
    {"when all entries are in use the others share the rest", when_full_the_others_share_the_rest},
    {"an entry that is empty is reused, longest ago first", what_is_empty_longest_is_reused},
    {"a connection, a look-up and each kind of held bytes keep an entry",
     what_has_anything_is_not_reused},
    {"a bucket keeps its entry until it is full again", a_bucket_that_is_not_full_keeps_its_entry},
    {"four entries are looked at for one that nobody needs", a_search_for_an_entry_is_short},
    {"new ids have a burst and a rate per address, to the token and the millisecond",
     new_ids_have_a_burst_and_a_rate},
    {"the largest rate and burst, and the smallest", the_largest_rate_and_burst_hold},
    {"without a rate there is no limit", without_a_rate_there_is_no_limit},
    {"the rest has one bucket together", the_rest_has_one_bucket},
    {"80 % of a bucket are a warning, once until it is fuller again",
     four_fifths_of_a_bucket_are_a_warning},
    {"who holds most of a kind is found, the trusted last", who_holds_most_is_found},
    {"the trusted hold most where each of them does, or all of them hold too much",
     the_trusted_hold_most_at_last},
    {"refusals are counted, and whose most", refusals_are_reported_with_the_busiest},
    {"in any story the counts are those of a model that searches", any_story_is_that_of_the_model},
};

CHECK_MAIN(cases)
