/* What a `places` section may say, and of whom its providers are asked. */
#include "tests/unit/topology_text.h"

#define PLACES(port, more)                                                                         \
    "places\n    gateways = tcp://10.0.0." port ":1\n    workers = tcp://10.0.0." port ":2\n"      \
    "    provider = google\n    url = https://maps.googleapis.com\n    key_file = k\n" more

static void reads_several_places(void)
{
    CHECK(check_text(HERD ALFORD BALL LINK PLACES("1", "") PLACES(
        "2", "    fallback = landmarks\n    fallback_url = http://127.0.0.1:13580/x\n"
             "    grid_m = 2500\n    cache_s = 0\n    budget = 1000000000\n")));
    CHECK_INT(topology.places_count, 2);
    const struct topology_places *first = &topology.places[0], *second = &topology.places[1];
    CHECK_INT(first->fallback, TOPOLOGY_NO_PROVIDER);
    CHECK_INT(first->grid_m, 0);
    CHECK_INT(first->cache_s, -1);
    CHECK_INT(first->budget, 0);
    CHECK(strcmp(second->gateways.host, "10.0.0.2") == 0);
    CHECK_INT(second->fallback, TOPOLOGY_LANDMARKS);
    CHECK(strcmp(second->fallback_url, "http://127.0.0.1:13580/x") == 0);
    CHECK_INT(second->grid_m, TOPOLOGY_GRID_M_MAX);
    CHECK_INT(second->cache_s, 0);
    CHECK_INT(second->budget, TOPOLOGY_BUDGET_MAX);
    topology_free(&topology);
    check_refused(HERD ALFORD BALL LINK PLACES("1", "    grid_m = 2501\n    cache_s = -1\n"
                                                    "    budget = 99999999999999999999\n"),
                  "19: `grid_m` is `2501`; write a whole number, 1 to 2500\n"
                  "20: `cache_s` is `-1`; write a whole number, 0 to 2592000\n"
                  "21: `budget` is `99999999999999999999`; write a whole number, 1 to "
                  "1000000000\n");
}

#define LANDMARKS(host, port)                                                                      \
    "places\n    gateways = tcp://" host ":1" port "\n    workers = tcp://" host ":2" port "\n"    \
    "    provider = landmarks\n    url = http://127.0.0.1:13580/x\n"

static void loopback_is_each_hosts_own(void)
{
    CHECK(check_text(HERD ALFORD BALL LINK LANDMARKS("10.0.0.1", "0") LANDMARKS("10.0.0.2", "0")));
    topology_free(&topology);
    check_refused(HERD ALFORD BALL LINK LANDMARKS("10.0.0.1", "0") LANDMARKS("10.0.0.1", "1"),
                  "22: port 13580 of `url` is taken by `url` in line 17; write another port\n");
}

static void places_end_at_their_limit(void)
{
#define FOUR(a, b, c, d) PLACES(a, "") PLACES(b, "") PLACES(c, "") PLACES(d, "")
#define EIGHT            FOUR("1", "2", "3", "4") FOUR("5", "6", "7", "8")
    CHECK(check_text(HERD ALFORD BALL LINK EIGHT));
    CHECK_INT(topology.places_count, TOPOLOGY_PLACES_MAX);
    topology_free(&topology);
    check_refused(HERD ALFORD BALL LINK EIGHT PLACES("9", ""),
                  "61: this is one `places` too many; write at most 8\n");
}

static void a_far_url_takes_no_port(void)
{
    CHECK(check_text(HERD
                     "node\n    name = A\n    clients = tcp://*:80\n    bus = tcp://*:81\nplaces\n"
                     "    gateways = tcp://10.0.0.1:1\n    workers = tcp://10.0.0.1:2\n"
                     "    provider = landmarks\n    url = https://example.org:80/x\n"));
    topology_free(&topology);
}

#define OFFLINE                                                                                    \
    HERD "node\n    name = A\n    clients = tcp://*:80\n    bus = tcp://*:81\nplaces\n"            \
         "    gateways = tcp://10.0.0.1:1\n    workers = tcp://10.0.0.1:2\n"                       \
         "    provider = landmarks\n    url = http://localhost:9/x\n"

static void landmarks_may_read_a_database(void)
{
    CHECK(check_text(OFFLINE));
    CHECK_INT(topology.places[0].database[0], '\0');
    topology_free(&topology);
    CHECK(check_text(OFFLINE "    database = /var/lib/places.db\n"));
    CHECK(strcmp(topology.places[0].database, "/var/lib/places.db") == 0);
    topology_free(&topology);
    CHECK(check_text(HERD ALFORD BALL LINK
                     "places\n    gateways = tcp://10.0.0.1:1\n    workers = tcp://10.0.0.1:2\n"
                     "    provider = google\n    url = https://a\n    key_file = k\n"
                     "    fallback = landmarks\n    fallback_url = http://localhost:9/x\n"
                     "    database = b.db\n"));
    CHECK(strcmp(topology.places[0].database, "b.db") == 0);
    topology_free(&topology);
}

static void the_path_of_a_database_ends_at_its_limit(void)
{
    char text[3000], path[TOPOLOGY_PATH_BYTES_MAX + 2];
    for (size_t more = 0; more <= 1; more++) {
        memset(path, 'p', sizeof path);
        path[TOPOLOGY_PATH_BYTES_MAX + more] = '\0';
        snprintf(text, sizeof text, OFFLINE "    database = %s\n", path);
        CHECK_INT(check_text(text), more == 0);
        topology_free(&topology);
    }
}

static void google_may_be_played_on_loopback(void)
{
    CHECK(check_text(HERD
                     "node\n    name = A\n    clients = tcp://*:80\n    bus = tcp://*:81\nplaces\n"
                     "    gateways = tcp://10.0.0.1:1\n    workers = tcp://10.0.0.1:2\n"
                     "    provider = google\n    url = http://localhost:9/x\n"
                     "    key_file = key\n"));
    topology_free(&topology);
}

#define SERVED_BY(provider, url, more)                                                             \
    HERD ALFORD BALL LINK "places\n    gateways = tcp://a:1\n    workers = tcp://a:2\n"            \
                          "    provider = " provider "\n    url = " url "\n" more

static void knows_every_provider(void)
{
    static const struct {
        const char *text;
        enum topology_provider provider;
    } all[] = {
        {SERVED_BY("landmarks", "http://[::1]:9/x", ""), TOPOLOGY_LANDMARKS},
        {SERVED_BY("google", "https://a.org/x", "    key_file = k\n"), TOPOLOGY_GOOGLE},
        {SERVED_BY("google-new", "https://a.org/v1/places:searchNearby", "    key_file = k\n"),
         TOPOLOGY_GOOGLE_NEW},
        {SERVED_BY("overpass", "https://a.org/api/interpreter", ""), TOPOLOGY_OVERPASS},
        {SERVED_BY("photon", "http://127.0.0.1:2322/reverse", ""), TOPOLOGY_PHOTON},
    };
    CHECK_INT(sizeof all / sizeof *all, TOPOLOGY_PROVIDERS - 1);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK(check_text(all[i].text));
        CHECK_INT(topology.places[0].provider, all[i].provider);
        topology_free(&topology);
    }
}

static void a_key_is_wanted_or_not(void)
{
    check_refused(SERVED_BY("google-new", "https://a.org/x", ""),
                  "13: google-new wants a key; write a line `    key_file = PATH`\n");
    check_refused(SERVED_BY("overpass", "https://a.org/x", "    key_file = k\n"),
                  "18: overpass needs no key; leave `key_file` out\n");
    check_refused(SERVED_BY("photon", "https://a.org/x", "    key_file = k\n"),
                  "18: photon needs no key; leave `key_file` out\n");
    check_refused(SERVED_BY("photon", "https://a.org/x",
                            "    fallback = google-new\n    fallback_url = https://b.org/x\n"),
                  "18: `google-new` wants a key; write a fallback that needs none, such as "
                  "landmarks\n");
}

static void beyond_loopback_is_encrypted(void)
{
    check_refused(SERVED_BY("landmarks", "http://a.org/x", ""),
                  "17: questions would travel unencrypted to `a.org`; write https://\n");
    check_refused(SERVED_BY("overpass", "http://192.0.2.1/x", ""),
                  "17: questions would travel unencrypted to `192.0.2.1`; write https://\n");
    check_refused(SERVED_BY("overpass", "https://a.org/x",
                            "    fallback = photon\n    fallback_url = http://b.org/x\n"),
                  "19: questions would travel unencrypted to `b.org`; write https://\n");
}

static void a_key_file_ends_at_its_limit(void)
{
    static const char head[] =
        HERD "node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://*:2\nplaces\n"
             "    gateways = tcp://a:3\n    workers = tcp://a:4\n    provider = google\n"
             "    url = https://a\n    key_file = ";
    static char text[4096];
    for (size_t bytes = 1023; bytes <= 1025; bytes++) {
        size_t used = (size_t)sprintf(text, "%s", head);
        memset(text + used, 'k', bytes);
        text[used + bytes] = '\0';
        CHECK_INT(check_text(text), bytes <= TOPOLOGY_PATH_BYTES_MAX);
        topology_free(&topology);
    }
    sprintf(text, "%sa\x7f", head);
    CHECK(!check_text(text));
}

static const struct check_case cases[] = {
    {"several places, with all their keys", reads_several_places},
    {"loopback is each host's own", loopback_is_each_hosts_own},
    {"places end at their limit", places_end_at_their_limit},
    {"the port of a URL elsewhere is free here", a_far_url_takes_no_port},
    {"google without encryption on loopback only", google_may_be_played_on_loopback},
    {"there are five providers", knows_every_provider},
    {"Google's providers want a key, the others none", a_key_is_wanted_or_not},
    {"no provider is asked beyond loopback without encryption", beyond_loopback_is_encrypted},
    {"the path of a key ends at its limit", a_key_file_ends_at_its_limit},
    {"landmarks may read a database, as a fallback too", landmarks_may_read_a_database},
    {"the path of a database ends at its limit", the_path_of_a_database_ends_at_its_limit},
};

CHECK_MAIN(cases)
