#include "topology/topology_check.h"
#include "tests/check.h"
#include "topology/topology_keys.h"

/* Lines enough for the largest herd. */
#define LINES_MAX 50000

static struct topology_entry entries[LINES_MAX];
static char *texts[LINES_MAX], *words[LINES_MAX];
static size_t entry_count;
static struct topology topology;
static struct topology_faults faults;

/* The plainest reader: `name = value` or `name`, one a line; "!" before a line refuses it. */
static void add_line(uint32_t line, const char *from, size_t bytes)
{
    bool refused = bytes > 0 && from[0] == '!';
    char *text = strndup(from + refused, bytes - refused);
    char *word = strdup(text + strspn(text, " "));
    char *equals = strstr(word, " = ");
    struct topology_entry *entry = &entries[entry_count];
    if (equals)
        *equals = '\0';
    *entry = (struct topology_entry){.line = line, .text = {text, bytes - refused}};
    if (!refused) {
        entry->name = word;
        entry->value = equals ? equals + 3 : "";
    }
    texts[entry_count] = text;
    words[entry_count++] = word;
}

static bool check_text(const char *text)
{
    uint32_t line = 1;
    entry_count = 0;
    for (const char *at = text; *at; line++) {
        size_t bytes = strcspn(at, "\n");
        if (bytes > 0)
            add_line(line, at, bytes);
        at += bytes + (at[bytes] == '\n');
    }
    faults = (struct topology_faults){0};
    bool good = topology_check(entries, entry_count, &topology, &faults);
    for (size_t i = 0; i < entry_count; i++) {
        free(texts[i]);
        free(words[i]);
    }
    return good;
}

/* The text must be refused with exactly these faults, "LINE: sentence", one a line. */
static void check_refused(const char *text, const char *wanted)
{
    char got[8192];
    size_t used = 0;
    CHECK(!check_text(text));
    CHECK(topology.nodes == NULL && topology.links == NULL && topology.observers == NULL);
    got[0] = '\0';
    for (size_t i = 0; i < faults.count; i++)
        used += (size_t)snprintf(got + used, sizeof got - used, "%u: %s\n", faults.list[i].line,
                                 faults.list[i].text);
    CHECK_BYTES(got, strlen(got), wanted, strlen(wanted));
}

#define HERD "herd\n    name = small\n"
#define ALFORD                                                                                     \
    "node\n    name = Alford\n    clients = tcp://*:11500\n    bus = tcp://127.0.0.1:12500\n"
#define BALL "node\n    name = Ball\n    clients = tcp://*:11501\n    bus = tcp://127.0.0.1:12501\n"
#define LINK "link\n    between = Alford Ball\n"

static void reads_a_herd(void)
{
    CHECK(check_text(HERD ALFORD BALL LINK
                     "places\n    gateways = tcp://[::1]:13500\n    workers = tcp://host-1:13501\n"
                     "    provider = google\n    url = https://maps.googleapis.com/maps\n"
                     "    key_file = /etc/key\n"));
    CHECK(strcmp(topology.herd, "small") == 0);
    CHECK_INT(topology.node_count, 2);
    CHECK_INT(topology.link_count, 1);
    CHECK(strcmp(topology.nodes[0].name, "Alford") == 0);
    CHECK_INT(topology.nodes[0].line, 3);
    CHECK(strcmp(topology.nodes[0].clients.host, "*") == 0);
    CHECK_INT(topology.nodes[1].clients.port, 11501);
    CHECK(strcmp(topology.nodes[1].bus.text, "tcp://127.0.0.1:12501") == 0);
    CHECK_INT(topology.links[0].a, 0);
    CHECK_INT(topology.links[0].b, 1);
    CHECK_INT(topology.links[0].line, 12);
    CHECK_INT(topology.places_count, 1);
    CHECK_INT(topology.places[0].line, 13);
    CHECK(strcmp(topology.places[0].gateways.host, "::1") == 0);
    CHECK(strcmp(topology.places[0].workers.host, "host-1") == 0);
    CHECK_INT(topology.places[0].provider, TOPOLOGY_GOOGLE);
    CHECK(strcmp(topology.places[0].url, "https://maps.googleapis.com/maps") == 0);
    CHECK(strcmp(topology.places[0].key_file, "/etc/key") == 0);
    topology_free(&topology);
    CHECK(topology.nodes == NULL && topology.node_count == 0);
}

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
    CHECK(!first->has_fallback);
    CHECK_INT(first->grid_m, 0);
    CHECK_INT(first->cache_s, -1);
    CHECK_INT(first->budget, 0);
    CHECK(strcmp(second->gateways.host, "10.0.0.2") == 0);
    CHECK(second->has_fallback);
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

static void takes_one_node_without_link(void)
{
    CHECK(
        check_text(HERD "node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://*:65535\n"));
    CHECK_INT(topology.places_count, 0);
    topology_free(&topology);
}

static void takes_links_before_nodes(void)
{
    CHECK(check_text(LINK BALL ALFORD HERD));
    CHECK_INT(topology.links[0].a, 1);
    CHECK_INT(topology.links[0].b, 0);
    topology_free(&topology);
}

static void finds_nodes_and_neighbours(void)
{
    uint32_t neighbours[3];
    CHECK(check_text(HERD ALFORD BALL
                     "node\n    name = C\n    clients = tcp://*:3\n    bus = tcp://localhost:4\n"
                     "link\n    between = C Alford\nlink\n    between = Alford Ball\n"));
    CHECK_INT(topology_find(&topology, "Ball"), 1);
    CHECK_INT(topology_find(&topology, "ball"), -1);
    CHECK_INT(topology_neighbours(&topology, 0, neighbours), 2);
    CHECK_INT(neighbours[0], 2);
    CHECK_INT(neighbours[1], 1);
    CHECK_INT(topology_neighbours(&topology, 1, neighbours), 1);
    CHECK_INT(neighbours[0], 0);
    topology_free(&topology);
}

#define EAR "observer\n    name = Ear\n    of = Ball\n    bus = tcp://127.0.0.1:12590\n"

static void observers_are_no_part_of_the_graph(void)
{
    CHECK(check_text(HERD EAR ALFORD BALL LINK));
    CHECK_INT(topology.node_count, 2);
    CHECK_INT(topology.observer_count, 1);
    CHECK(strcmp(topology.observers[0].self.name, "Ear") == 0);
    CHECK(strcmp(topology.observers[0].self.bus.text, "tcp://127.0.0.1:12590") == 0);
    CHECK_INT(topology.observers[0].self.line, 3);
    CHECK_INT(topology.observers[0].of, 1);
    CHECK_INT(topology_find(&topology, "Ear"), -1);
    topology_free(&topology);
    CHECK(topology.observers == NULL && topology.observer_count == 0);
}

static void observers_share_names_and_ports_with_nobody(void)
{
    check_refused(HERD ALFORD BALL LINK EAR EAR,
                  "18: the name `Ear` is taken by line 14; write another\n"
                  "20: port 12590 of `bus` is taken by `bus` in line 16; write another port\n");
    check_refused(HERD ALFORD BALL LINK
                  "observer\n    name = placesd\n    of = Ball\n    bus = tcp://127.0.0.1:1\n",
                  "14: `placesd` is how the names of places services begin; write another\n");
    check_refused(HERD ALFORD BALL "link\n    between = Alford Ear\n" EAR,
                  "12: there is no node `Ear`; write the name of a node of this file\n");
    check_refused(HERD ALFORD BALL LINK EAR
                  "observer\n    name = Eye\n    of = Ear\n    bus = tcp://127.0.0.1:1\n",
                  "19: there is no node `Ear`; write the name of a node of this file\n");
}

static void an_observed_node_says_where_it_is(void)
{
    check_refused(HERD "node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://*:2\n"
                       "observer\n    name = Ear\n    of = A\n    bus = tcp://127.0.0.1:3\n",
                  "6: neighbours cannot connect to every interface (*); write the address of this "
                  "host in `bus`\n");
}

static bool check_observers(int count)
{
    static char text[256 * 1024];
    size_t used = (size_t)sprintf(text, HERD ALFORD);
    for (int i = 0; i < count; i++)
        used += (size_t)sprintf(
            text + used, "observer\n    name = o%d\n    of = Alford\n    bus = tcp://o%d:1\n", i,
            i);
    return check_text(text);
}

static void nodes_and_observers_end_at_their_limit_together(void)
{
    CHECK(check_observers(TOPOLOGY_NODES_MAX - 1));
    CHECK_INT(topology.observer_count, TOPOLOGY_NODES_MAX - 1);
    topology_free(&topology);
    CHECK(!check_observers(TOPOLOGY_NODES_MAX));
    CHECK_INT(faults.count, 1);
    CHECK(strstr(faults.list[0].text, "one observer too many") != NULL);
}

static void tells_all_faults_in_one_run(void)
{
    check_refused("herd\n    nam = x\n" ALFORD BALL "link\n    between = Alford Nobody\n"
                  "link\n    between = Ball Ball\nlink\n    between = Strange Ball\n",
                  "2: `herd` has no key `nam`; write name\n"
                  "12: there is no node `Nobody`; write the name of a node of this file\n"
                  "14: `Ball` is linked with itself; write the names of two nodes\n"
                  "16: there is no node `Strange`; write the name of a node of this file\n");
}

static void tells_no_fault_twice(void)
{
    /* Neither the missing name, nor the link to it, nor the herd in two pieces. */
    check_refused(HERD ALFORD "node\n!    name Ball\n    clients = tcp://*:1\n"
                              "    bus = tcp://[::1]:2\n" LINK,
                  "8: this is neither a section nor a key; write `name = value`, and comments "
                  "behind #\n");
    check_refused(HERD ALFORD BALL "edge\n    between = Alford Ball\n",
                  "11: there is no section `edge`; write herd, node, link, observer or places\n");
}

static void a_key_stands_once(void)
{
    check_refused("herd\n    name = small\n    name = large\n    name\n" ALFORD,
                  "3: `name` stands in line 2 already; write it once in a `herd`\n"
                  "4: `name` stands in line 2 already; write it once in a `herd`\n");
}

static void names_the_pieces(void)
{
    check_refused(HERD ALFORD BALL
                  "node\n    name = C\n    clients = tcp://*:3\n    bus = tcp://localhost:4\n"
                  "link\n    between = Alford C\n",
                  "7: the herd is in 2 pieces: Alford C | Ball; link them\n");
}

static void cuts_a_long_list_of_pieces(void)
{
    static char text[100000];
    size_t used = (size_t)sprintf(text, HERD);
    for (int i = 0; i < 200; i++)
        used += (size_t)sprintf(text + used,
                                "node\n    name = a%d\n    clients = tcp://*:%d\n"
                                "    bus = tcp://[::1]:%d\n",
                                i, 1000 + i, 2000 + i);
    CHECK(!check_text(text));
    CHECK_INT(faults.count, 1);
    CHECK(strstr(faults.list[0].text, "in 200 pieces: a0 | a1 | ") != NULL);
    CHECK(strstr(faults.list[0].text, "...; link them") != NULL);
}

static void every_interface_only_where_nobody_connects(void)
{
    check_refused(HERD ALFORD
                  "node\n    name = Ball\n    clients = tcp://0.0.0.0:1\n    bus = tcp://[::]:2\n"
                  "link\n    between = Ball Alford\n",
                  "10: neighbours cannot connect to every interface (::); write the address of "
                  "this host in `bus`\n");
}

static void a_port_is_taken_once(void)
{
    check_refused(HERD ALFORD "node\n    name = Ball\n    clients = tcp://10.0.0.1:11500\n"
                              "    bus = tcp://127.0.0.2:12500\n" LINK,
                  "9: port 11500 of `clients` is taken by `clients` in line 5; write another "
                  "port\n");
    check_refused(HERD
                  "node\n    name = A\n    clients = tcp://*:80\n    bus = tcp://*:81\nplaces\n"
                  "    gateways = tcp://10.0.0.1:1\n    workers = tcp://10.0.0.1:2\n"
                  "    provider = landmarks\n    url = http://127.1.2.3/x\n",
                  "11: port 80 of `url` is taken by `clients` in line 5; write another port\n");
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
    CHECK_INT(sizeof all / sizeof *all, TOPOLOGY_PROVIDERS);
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

static void a_name_ends_at_63_bytes(void)
{
    char text[1000], name[65];
    for (size_t bytes = 62; bytes <= 64; bytes++) {
        memset(name, 'x', bytes);
        name[bytes] = '\0';
        snprintf(text, sizeof text,
                 HERD ALFORD "node\n    name = %s\n    clients = tcp://*:1\n"
                             "    bus = tcp://a:2\nlink\n    between = Alford %s\n",
                 name, name);
        CHECK_INT(check_text(text), bytes <= TOPOLOGY_NAME_BYTES_MAX);
        topology_free(&topology);
    }
    /* A word that is a name and one byte more is not that name. */
    memset(name, 'x', 63);
    name[63] = '\0';
    snprintf(text, sizeof text,
             HERD ALFORD "node\n    name = %s\n    clients = tcp://*:1\n"
                         "    bus = tcp://a:2\nlink\n    between = Alford %sx\n",
             name, name);
    CHECK(!check_text(text));
}

static void names_take_their_bytes_only(void)
{
    static const char *const good[] = {"a", "A.b-c_9", "-", "_.", "9"};
    static const char *const bad[] = {".", ".a", "a b", "a/b", "a\x80", "\xc3\xa9", "a,b", "*"};
    char text[200];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(text, sizeof text,
                 HERD "node\n    name = %s\n    clients = tcp://*:1\n    bus = tcp://*:2\n",
                 good[i]);
        CHECK(check_text(text));
        topology_free(&topology);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text,
                 HERD "node\n    name = %s\n    clients = tcp://*:1\n    bus = tcp://*:2\n",
                 bad[i]);
        CHECK(!check_text(text));
        CHECK_INT(faults.count, 1);
        CHECK_INT(faults.list[0].line, 4);
    }
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

/* A chain of nodes, and as many further links to reach `links`. */
static bool check_large(int nodes, int links)
{
    static char text[4 * 1024 * 1024];
    size_t used = (size_t)sprintf(text, HERD);
    for (int i = 0; i < nodes; i++)
        used += (size_t)sprintf(text + used,
                                "node\n    name = a%d\n    clients = tcp://a%d:1\n"
                                "    bus = tcp://a%d:2\n",
                                i, i, i);
    for (int i = 0, span = 1, from = 0; i < links; i++, from++) {
        if (from + span >= nodes) {
            span++;
            from = 0;
        }
        used += (size_t)sprintf(text + used, "link\n    between = a%d a%d\n", from, from + span);
    }
    return check_text(text);
}

static void herds_end_at_their_limits(void)
{
    CHECK(check_large(TOPOLOGY_NODES_MAX, TOPOLOGY_LINKS_MAX));
    CHECK_INT(topology.node_count, TOPOLOGY_NODES_MAX);
    CHECK_INT(topology.link_count, TOPOLOGY_LINKS_MAX);
    topology_free(&topology);
    CHECK(!check_large(TOPOLOGY_NODES_MAX + 1, TOPOLOGY_NODES_MAX - 1));
    CHECK_INT(faults.count, 1);
    CHECK_INT(faults.list[0].line, 3 + 4 * TOPOLOGY_NODES_MAX);
    CHECK(!check_large(TOPOLOGY_NODES_MAX, TOPOLOGY_LINKS_MAX + 1));
    CHECK_INT(faults.count, 1);
}

static void explains_what_the_reader_refused(void)
{
    check_refused(HERD ALFORD
                  "!\tname = x\n!    a = \"b\n!    a = 'b' c\n!    a/ = b\n!    word x\n",
                  "7: there is white space other than blanks before the name; indent by 4 blanks\n"
                  "8: a quote is not closed; write the same quote at the end of the value\n"
                  "9: there is more behind the closing quote; write one value, and comments behind "
                  "#\n"
                  "10: the name of a key is letters, digits and _; write `name = value`\n"
                  "11: this is neither a section nor a key; write `name = value`, and comments "
                  "behind #\n");
}

static void a_nul_byte_is_a_fault(void)
{
    static const char line[] = "    name = Alf\0ord";
    struct topology_entry two[] = {
        {1, {"herd", 4}, "herd", ""},
        {2, {check_at_page_end(line, sizeof line - 1), sizeof line - 1}, "name", "Alf"},
    };
    faults = (struct topology_faults){0};
    CHECK(!topology_check(two, 2, &topology, &faults));
    CHECK_INT(faults.list[1].line, 2);
    CHECK(strstr(faults.list[1].text, "NUL") != NULL);
}

static void a_hash_that_would_cut_a_word_is_a_fault(void)
{
    static const struct {
        const char *line;
        bool good;
    } rows[] = {
        {"    name = small#1", false},    {"    name = small #1", true}, {"    name = small", true},
        {"    name = \"small\"#1", true}, {"    name = 'sm#ll'", true},  {"    name=small#", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t bytes = strlen(rows[i].line);
        struct topology_entry three[] = {
            {1, {"herd", 4}, "herd", ""},
            {2, {check_at_page_end(rows[i].line, bytes), bytes}, "name", "small"},
        };
        faults = (struct topology_faults){0};
        CHECK(!topology_check(three, 2, &topology, &faults));
        bool told = faults.count > 1 && faults.list[1].line == 2;
        CHECK_INT(told, !rows[i].good);
    }
}

/* Whatever is cut off, the check neither crashes nor takes a herd for good that is not: a file
 * may only end where one node is complete, or within a later address of it. */
static void every_prefix_is_checked(void)
{
    static const char text[] = HERD ALFORD BALL LINK;
    char prefix[sizeof text];
    for (size_t bytes = 0; bytes < sizeof text - 2; bytes++) {
        memcpy(prefix, text, bytes);
        prefix[bytes] = '\0';
        bool good = check_text(prefix);
        CHECK_INT(good, good && topology.node_count == 1);
        if (good)
            topology_free(&topology);
        else
            CHECK(faults.count > 0);
    }
}

#define KEY_A "Jhd{K^>U^HqJ5eF^n?8b^cC(UirrKN%b)[J=$2sZ"
#define KEY_B ".0mV7:++hX4Z<2zc7X&6=oH*rLvl(C53M.MuLiDT"
#define KEY_C ">->BQFy=beByJ-]8.gV-wKHeXPS]?sNC}ZopKY]k"
#define FAR_PLACES                                                                                 \
    "places\n    gateways = tcp://10.0.0.1:1\n    workers = tcp://10.0.0.1:2\n"                    \
    "    provider = landmarks\n    url = https://example.org/x\n"

/* A herd that topology_check takes, and whether it meets the demands. */
static bool meets_demands(const char *text)
{
    CHECK(check_text(text));
    topology_keys_demand(&topology, &faults);
    return faults.count == 0;
}

static void reads_keys(void)
{
    CHECK(meets_demands(HERD "    keys = small.keys\n    insecure = no\n" ALFORD
                             "    public_key = " KEY_A "\n" BALL "    public_key = " KEY_B " " KEY_C
                             "\n" LINK));
    CHECK(strcmp(topology.keys, "small.keys") == 0);
    CHECK(!topology.insecure);
    CHECK_INT(topology.herd_line, 1);
    CHECK(strcmp(topology.nodes[0].public_keys.text[0], KEY_A) == 0);
    CHECK(strcmp(topology.nodes[0].public_keys.text[1], "") == 0);
    CHECK(strcmp(topology.nodes[1].public_keys.text[0], KEY_B) == 0);
    CHECK(strcmp(topology.nodes[1].public_keys.text[1], KEY_C) == 0);
    topology_free(&topology);
}

static void keys_are_for_whoever_can_be_reached(void)
{
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {HERD ALFORD BALL LINK, true}, /* clients may come from anywhere */
        {HERD ALFORD BALL LINK FAR_PLACES, false},
        {HERD "    insecure = yes\n" ALFORD BALL LINK FAR_PLACES, true},
        {HERD "    insecure = no\n" ALFORD BALL LINK FAR_PLACES, false},
        {HERD "node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://[::1]:2\n", true},
        {HERD "node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://localhost:2\n", true},
        {HERD "node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://[::]:2\n", false},
        {HERD "node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://host:2\n", false},
        {HERD "node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://126.0.0.1:2\n", false},
        {HERD "    keys = k\n" ALFORD "    public_key = " KEY_A "\n" FAR_PLACES
              "    public_key = " KEY_B "\n",
         true},
        {HERD "    keys = k\n" ALFORD "    public_key = " KEY_A "\n" FAR_PLACES
              "    public_key = " KEY_B " " KEY_A "\n",
         false},
        {HERD "    keys = k\n" ALFORD "    public_key = " KEY_A "\n" FAR_PLACES, false},
        {HERD ALFORD "    public_key = " KEY_A "\n", false},
        {HERD "    insecure = yes\n" ALFORD "    public_key = " KEY_A "\n", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool good = meets_demands(rows[i].text);
        if (good != rows[i].good)
            printf("    row %zu: %s\n", i, faults.count > 0 ? faults.list[0].text : "taken");
        CHECK_INT(good, rows[i].good);
        topology_free(&topology);
    }
}

static const struct check_case cases[] = {
    {"several places, with all their keys", reads_several_places},
    {"loopback is each host's own", loopback_is_each_hosts_own},
    {"places end at their limit", places_end_at_their_limit},
    {"a whole herd is read", reads_a_herd},
    {"one node without a link is a herd", takes_one_node_without_link},
    {"links may stand before nodes", takes_links_before_nodes},
    {"nodes are found by name, neighbours in the order of the file", finds_nodes_and_neighbours},
    {"observers are no part of the graph", observers_are_no_part_of_the_graph},
    {"observers share names and ports with nobody", observers_share_names_and_ports_with_nobody},
    {"an observed node says where it is", an_observed_node_says_where_it_is},
    {"nodes and observers end at their limit together",
     nodes_and_observers_end_at_their_limit_together},
    {"all faults are told in one run, by line", tells_all_faults_in_one_run},
    {"no fault brings others with it", tells_no_fault_twice},
    {"a key stands once in its section", a_key_stands_once},
    {"a herd in pieces: they are named", names_the_pieces},
    {"a long list of pieces is cut", cuts_a_long_list_of_pieces},
    {"nobody connects to every interface", every_interface_only_where_nobody_connects},
    {"a port is taken once, and * overlaps every host", a_port_is_taken_once},
    {"the port of a URL elsewhere is free here", a_far_url_takes_no_port},
    {"google without encryption on loopback only", google_may_be_played_on_loopback},
    {"there are five providers", knows_every_provider},
    {"Google's providers want a key, the others none", a_key_is_wanted_or_not},
    {"no provider is asked beyond loopback without encryption", beyond_loopback_is_encrypted},
    {"a name ends at 63 bytes", a_name_ends_at_63_bytes},
    {"a name is letters, digits, - _ and .", names_take_their_bytes_only},
    {"the path of a key ends at its limit", a_key_file_ends_at_its_limit},
    {"landmarks may read a database, as a fallback too", landmarks_may_read_a_database},
    {"the path of a database ends at its limit", the_path_of_a_database_ends_at_its_limit},
    {"nodes and links end at their limits", herds_end_at_their_limits},
    {"what the reader refused is explained", explains_what_the_reader_refused},
    {"a NUL byte is a fault", a_nul_byte_is_a_fault},
    {"a # that would cut a word is a fault", a_hash_that_would_cut_a_word_is_a_fault},
    {"every prefix of a file is checked", every_prefix_is_checked},
    {"keys are read", reads_keys},
    {"keys are for whoever can be reached, and then for everybody",
     keys_are_for_whoever_can_be_reached},
};

CHECK_MAIN(cases)
