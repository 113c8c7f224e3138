/* Herds, nodes, links and observers: what is read, and every fault by its line. */
#include "tests/unit/topology_text.h"

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

static void takes_one_node_without_link(void)
{
    CHECK(
        check_text(HERD "node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://*:65535\n"));
    CHECK_INT(topology.places_count, 0);
    topology_free(&topology);
}

static void takes_networks_that_are_trusted(void)
{
    struct network_address address;
    CHECK(check_text(HERD ALFORD
                     "    trusted = 198.51.100.0/24, 2001:db8::/32 192.0.2.1\n" BALL LINK));
    const struct networks *trusted = &topology.nodes[0].trusted;
    CHECK_INT(trusted->count, 3);
    CHECK_INT(topology.nodes[1].trusted.count, 0);
    CHECK(network_address_parse(span_of("198.51.100.7"), &address));
    CHECK(networks_hold(trusted, &address));
    topology_free(&topology);
    check_refused(HERD ALFORD "    trusted = 198.51.100.7/24\n" BALL LINK,
                  "7: `trusted`: \"198.51.100.7/24\" has bits after its prefix: make "
                  "them 0, or the prefix longer\n");
}

#define EAR "observer\n    name = Ear\n    of = Ball\n    bus = tcp://127.0.0.1:12590\n"

static const char *herd_with_former(int count)
{
    static char text[4096];
    size_t bytes = (size_t)snprintf(text, sizeof text, HERD "    former =");
    for (int i = 0; i < count; i++)
        bytes += (size_t)snprintf(text + bytes, sizeof text - bytes, " n%d", i);
    snprintf(text + bytes, sizeof text - bytes, "\n%s", ALFORD BALL LINK);
    return text;
}

static void takes_names_of_former_nodes(void)
{
    CHECK(check_text(herd_with_former(TOPOLOGY_FORMER_MAX)));
    CHECK_INT(topology.former.count, TOPOLOGY_FORMER_MAX);
    CHECK(strcmp(topology.former.names[0], "n0") == 0);
    topology_free(&topology);
    check_refused(herd_with_former(TOPOLOGY_FORMER_MAX + 1),
                  "3: `former` has too many names; write at most 64\n");
    CHECK(check_text(HERD "    former = Gus,Ann , \tBob\n" ALFORD BALL LINK));
    CHECK_INT(topology.former.count, 3);
    CHECK(strcmp(topology.former.names[2], "Bob") == 0);
    topology_free(&topology);
    CHECK(check_text(HERD ALFORD BALL LINK));
    CHECK_INT(topology.former.count, 0);
    topology_free(&topology);
}

static void a_former_node_is_none_of_today(void)
{
    check_refused(
        HERD "    former = Gus Ear Ball\n" ALFORD BALL LINK EAR,
        "3: `former` has `Ear`, which is in the herd by line 15; leave one of both out\n"
        "3: `former` has `Ball`, which is in the herd by line 9; leave one of both out\n");
}

static void takes_an_age_at_which_positions_are_over(void)
{
    static const struct {
        const char *text;
        int64_t expire_ms;
    } rows[] = {
        {"", 0},
        {"    expire = off\n", 0},
        {"    expire = 1s\n", 1000},
        {"    expire = 007s\n", 7000},
        {"    expire = 90m\n", 5400000},
        {"    expire = 24h\n", 86400000},
        {"    expire = 7d\n", 604800000},
        {"    expire = 36500d\n", TOPOLOGY_EXPIRE_MS_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1024];
        snprintf(text, sizeof text, HERD "%s" ALFORD BALL LINK, rows[i].text);
        CHECK(check_text(text));
        CHECK_INT(topology.expire_ms, rows[i].expire_ms);
        topology_free(&topology);
    }
    CHECK(INT64_MAX / 1000000 / 2 > TOPOLOGY_EXPIRE_MS_MAX);
}

static void refuses_what_is_no_age(void)
{
    static const char *const values[] = {
        "0s",  "36500d1", "36501d", "1",   "s",  "1.5h",        "-1h", "+1h",
        "1 h", "1H",      "1ms",    "Off", "1y", "3153600001s", "0d",  "99999999999999999999d"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[1024], wanted[256];
        snprintf(text, sizeof text, HERD "    expire = %s\n" ALFORD BALL LINK, values[i]);
        snprintf(wanted, sizeof wanted,
                 "3: `expire` is `%s`; write a whole number of s, m, h or d as in 24h (off, or 1s "
                 "to 36500d)\n",
                 values[i]);
        check_refused(text, wanted);
    }
}

static void takes_whether_clients_may_forget(void)
{
    CHECK(check_text(HERD ALFORD BALL LINK));
    CHECK(!topology.forget);
    topology_free(&topology);
    CHECK(check_text(HERD "    forget = yes\n" ALFORD BALL LINK));
    CHECK(topology.forget);
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
                  "host in `bus_at`\n");
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

#define WEB "web\n    of = Ball\n    observer = Ear\n    listen = tcp://127.0.0.1:14500\n"

static void a_web_is_an_observer_of_its_node(void)
{
    CHECK(check_text(HERD WEB ALFORD BALL LINK EAR));
    CHECK_INT(topology.web_count, 1);
    CHECK(strcmp(topology.webs[0].name, "Ear") == 0);
    CHECK_INT(topology.webs[0].of, 1);
    CHECK_INT(topology.webs[0].observer, 0);
    CHECK_INT(topology.webs[0].listen.port, 14500);
    CHECK_INT(topology.webs[0].line, 3);
    topology_free(&topology);
    CHECK_INT(topology.web_count, 0);
    CHECK(check_text(HERD ALFORD BALL LINK EAR WEB "    name = Door\n"));
    CHECK(strcmp(topology.webs[0].name, "Door") == 0);
    topology_free(&topology);
    CHECK(check_text(HERD ALFORD BALL LINK EAR WEB "    name = Ear\n"));
    topology_free(&topology);
}

static void a_web_that_fits_nobody_is_refused(void)
{
    check_refused(HERD ALFORD BALL LINK WEB, "15: there is no observer `Ear`; write the name of an "
                                             "observer of this file\n");
    check_refused(HERD ALFORD BALL LINK EAR
                  "web\n    of = Ball\n    observer = Ea\n    listen = tcp://*:1\n",
                  "19: there is no observer `Ea`; write Ear\n");
    check_refused(HERD ALFORD BALL LINK EAR
                  "web\n    of = Alford\n    observer = Ear\n    listen = tcp://*:1\n",
                  "19: `Ear` listens to Ball; write `of = Ball`\n");
    check_refused(HERD ALFORD BALL LINK EAR
                  "web\n    of = Bal\n    observer = Ear\n    listen = tcp://*:1\n",
                  "18: there is no node `Bal`; write Ball\n");
    check_refused(HERD ALFORD BALL LINK EAR WEB "    name = Ball\n",
                  "21: the name `Ball` is taken by line 8; write another\n");
    check_refused(HERD ALFORD BALL LINK EAR WEB "operator\n    name = Ear\n",
                  "22: the name `Ear` is taken by line 14; write another\n");
    check_refused(HERD ALFORD BALL LINK EAR "web\n    of = Ball\n    observer = Ear\n",
                  "17: this `web` has no `listen`; write a line `    listen = "
                  "tcp://127.0.0.1:14500`\n");
    check_refused(HERD ALFORD BALL LINK EAR WEB
                  "web\n    of = Ball\n    observer = Ear\n    listen = tcp://127.0.0.1:14501\n",
                  "23: the `web` in line 17 is that observer already; write another\n");
    check_refused(HERD ALFORD BALL LINK EAR
                  "web\n    of = Ball\n    observer = Ear\n    listen = tcp://127.0.0.1:12590\n",
                  "20: port 12590 of `listen` is taken by `bus` in line 16; write another port\n");
}

static bool check_webs(int count)
{
    static char text[8 * 1024];
    size_t used = (size_t)sprintf(text, HERD ALFORD);
    for (int i = 0; i < count; i++)
        used +=
            (size_t)sprintf(text + used,
                            "observer\n    name = o%d\n    of = Alford\n    bus = tcp://o%d:1\n"
                            "web\n    of = Alford\n    observer = o%d\n    listen = tcp://w%d:1\n",
                            i, i, i, i);
    return check_text(text);
}

static void webs_end_at_their_limit(void)
{
    CHECK(check_webs(TOPOLOGY_WEBS_MAX));
    CHECK_INT(topology.web_count, TOPOLOGY_WEBS_MAX);
    topology_free(&topology);
    CHECK(!check_webs(TOPOLOGY_WEBS_MAX + 1));
    CHECK_INT(faults.count, 1);
    CHECK(strstr(faults.list[0].text, "one `web` too many; write at most 16") != NULL);
}

#define ADA "operator\n    name = Ada\n"

static void operators_come_from_anywhere(void)
{
    CHECK(check_text(HERD ADA ALFORD BALL LINK "operator\n    name = cron.7\n"));
    CHECK_INT(topology.operator_count, 2);
    CHECK(strcmp(topology.operators[0].name, "Ada") == 0);
    CHECK_INT(topology.operators[0].line, 3);
    CHECK(strcmp(topology.operators[1].name, "cron.7") == 0);
    CHECK_INT(topology_find(&topology, "Ada"), -1);
    topology_free(&topology);
    CHECK_INT(topology.operator_count, 0);
}

static void operators_share_names_with_nobody(void)
{
    check_refused(HERD ALFORD BALL LINK ADA ADA,
                  "16: the name `Ada` is taken by line 14; write another\n");
    check_refused(HERD ALFORD BALL LINK "operator\n    name = Ball\n",
                  "14: the name `Ball` is taken by line 8; write another\n");
    check_refused(HERD ALFORD BALL LINK EAR "operator\n    name = Ear\n",
                  "18: the name `Ear` is taken by line 14; write another\n");
    check_refused(HERD ALFORD BALL LINK "operator\n    name = placesd7\n",
                  "14: `placesd` is how the names of places services begin; write another\n");
    check_refused(
        HERD "    former = Ada\n" ALFORD BALL LINK ADA,
        "3: `former` has `Ada`, which is in the herd by line 15; leave one of both out\n");
    check_refused(HERD ALFORD BALL LINK "operator\n", "13: this `operator` has no `name`; write a "
                                                      "line `    name = Ada`\n");
}

static void operators_want_a_node_that_says_where_it_is(void)
{
    check_refused(HERD "node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://*:2\n" ADA,
                  "6: operators cannot connect to every interface (*); write the address of this "
                  "host in `bus_at`\n");
}

static bool check_operators(int count)
{
    static char text[8 * 1024];
    size_t used = (size_t)sprintf(text, HERD ALFORD);
    for (int i = 0; i < count; i++)
        used += (size_t)sprintf(text + used, "operator\n    name = o%d\n", i);
    return check_text(text);
}

static void operators_end_at_their_limit(void)
{
    CHECK(check_operators(TOPOLOGY_OPERATORS_MAX));
    CHECK_INT(topology.operator_count, TOPOLOGY_OPERATORS_MAX);
    topology_free(&topology);
    CHECK(!check_operators(TOPOLOGY_OPERATORS_MAX + 1));
    CHECK_INT(faults.count, 1);
    CHECK(strstr(faults.list[0].text, "one operator too many; write at most 64") != NULL);
}

static void reports_all_faults_in_one_run(void)
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
                  "11: there is no section `edge`; write herd, node, link, observer, operator, web "
                  "or places\n");
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
                  "this host in `bus_at`\n");
}

#define AT_EVERYWHERE "node\n    name = Ball\n    clients = tcp://*:1\n    bus = tcp://*:2\n"

static void what_is_bound_is_reached_where_the_file_says(void)
{
    CHECK(check_text(HERD ALFORD AT_EVERYWHERE
                     "    bus_at = tcp://nat.example.org:3\n"
                     "link\n    between = Ball Alford\n"
                     "observer\n    name = Ear\n    of = Ball\n    bus = tcp://eth0:4\n"
                     "    bus_at = tcp://[2001:db8::1]:5\n"
                     "places\n    gateways = tcp://0.0.0.0:6\n    workers = tcp://docker0:7\n"
                     "    gateways_at = tcp://broker:8\n    workers_at = tcp://broker:9\n"
                     "    provider = landmarks\n    url = http://127.0.0.1:10/x\n"));
    CHECK(strcmp(topology.nodes[0].bus_at.text, "tcp://127.0.0.1:12500") == 0);
    CHECK_INT(topology.nodes[0].bus_at.line, 6);
    CHECK(strcmp(topology.nodes[1].bus.text, "tcp://*:2") == 0);
    CHECK_INT(topology.nodes[1].bus.line, 10);
    CHECK(strcmp(topology.nodes[1].bus_at.text, "tcp://nat.example.org:3") == 0);
    CHECK_INT(topology.nodes[1].bus_at.line, 11);
    CHECK(strcmp(topology.observers[0].self.bus.host, "eth0") == 0);
    CHECK(strcmp(topology.observers[0].self.bus_at.host, "2001:db8::1") == 0);
    CHECK(strcmp(topology.places[0].gateways_at.text, "tcp://broker:8") == 0);
    CHECK(strcmp(topology.places[0].workers_at.text, "tcp://broker:9") == 0);
    CHECK_INT(topology.places[0].workers_at.line, 23);
    CHECK_INT(topology.places[0].url_line, 25);
    topology_free(&topology);
}

/* Only an address to which another part of the herd connects must be reachable: neither the bus of
 * a node without links nor `clients`. */
static void an_address_is_demanded_where_somebody_connects(void)
{
    CHECK(check_text(HERD AT_EVERYWHERE));
    topology_free(&topology);
    CHECK(
        check_text(HERD "node\n    name = A\n    clients = tcp://eth0:1\n    bus = tcp://lo:2\n"));
    topology_free(&topology);
    check_refused(HERD ALFORD
                  "node\n    name = Ball\n    clients = tcp://lo:1\n    bus = tcp://lo:2\n"
                  "link\n    between = Ball Alford\n"
                  "observer\n    name = Ear\n    of = Ball\n    bus = tcp://enp0s1:4\n"
                  "places\n    gateways = tcp://eth0:6\n    workers = tcp://wg0:7\n"
                  "    provider = landmarks\n    url = http://127.0.0.1:10/x\n",
                  "10: neighbours cannot connect to an interface (lo); write the address of this "
                  "host in `bus_at`\n"
                  "16: its node cannot connect to an interface (enp0s1); write the address of this "
                  "host in `bus_at`\n"
                  "18: gateways cannot connect to an interface (eth0); write the address of this "
                  "host in `gateways_at`\n"
                  "19: workers cannot connect to an interface (wg0); write the address of this "
                  "host in `workers_at`\n");
}

static void an_address_to_reach_is_one(void)
{
    check_refused(HERD ALFORD AT_EVERYWHERE "    bus_at = tcp://*:3\nlink\n    between = Ball "
                                            "Alford\n",
                  "11: `bus_at` is tcp://*:3, to which nobody can connect; write an address, or a "
                  "host name with its domain\n");
    check_refused(HERD ALFORD AT_EVERYWHERE "    bus_at = tcp://eth0:3\nlink\n    between = Ball "
                                            "Alford\n",
                  "11: `bus_at` is tcp://eth0:3, to which nobody can connect; write an address, or "
                  "a host name with its domain\n");
    check_refused(HERD ALFORD AT_EVERYWHERE
                  "    bus_at = host:3\nlink\n    between = Ball Alford\n",
                  "11: `bus_at` is `host:3`; write tcp://HOST:PORT\n");
    CHECK(check_text(HERD ALFORD AT_EVERYWHERE "    bus_at = tcp://eth0.example.org:3\n"
                                               "link\n    between = Ball Alford\n"));
    topology_free(&topology);
}

/* In containers every node may bind the same. */
static void a_port_of_one_machine_is_not_that_of_another(void)
{
#define NODE_AT(name, bus, at)                                                                     \
    "node\n    name = " name "\n    clients = tcp://*:1\n    bus = " bus "\n    bus_at = " at "\n"
    static const char link[] = "link\n    between = A B\n";
    char text[1000];
    static const struct {
        const char *nodes;
        bool good;
    } rows[] = {
        {NODE_AT("A", "tcp://*:2", "tcp://a:2") NODE_AT("B", "tcp://*:2", "tcp://b:2"), true},
        {NODE_AT("A", "tcp://*:2", "tcp://nat:2") NODE_AT("B", "tcp://*:3", "tcp://NAT:3"), false},
        {NODE_AT("A", "tcp://eth0:2", "tcp://a:2") NODE_AT("B", "tcp://eth0:2", "tcp://b:2"), true},
        {NODE_AT("A", "tcp://10.0.0.2:2", "tcp://a:2")
             NODE_AT("B", "tcp://10.0.0.2:2", "tcp://b:2"),
         true},
        {NODE_AT("A", "tcp://*:2", "tcp://127.0.0.1:2") NODE_AT("B", "tcp://*:3", "tcp://b:3"),
         false},
        {"node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://192.0.2.1:2\n"
         "node\n    name = B\n    clients = tcp://*:1\n    bus = tcp://192.0.2.2:2\n",
         true},
        {"node\n    name = A\n    clients = tcp://*:1\n    bus = tcp://192.0.2.1:2\n"
         "node\n    name = B\n    clients = tcp://192.0.2.1:1\n    bus = tcp://192.0.2.2:2\n",
         false},
        {"node\n    name = A\n    clients = tcp://lo:1\n    bus = tcp://127.0.0.1:2\n"
         "node\n    name = B\n    clients = tcp://localhost:1\n    bus = tcp://127.0.0.1:3\n",
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text, HERD "%s%s", rows[i].nodes, link);
        bool good = check_text(text);
        if (good != rows[i].good)
            printf("    row %zu: %s\n", i, faults.count > 0 ? faults.list[0].text : "taken");
        CHECK_INT(good, rows[i].good);
        topology_free(&topology);
    }
    check_refused(HERD NODE_AT("A", "tcp://*:2", "tcp://a:2")
                      NODE_AT("B", "tcp://b:2", "tcp://A:2") "link\n    between = A B\n",
                  "10: port 1 of `clients` is taken by `clients` in line 5; write another port\n"
                  "11: port 2 of `bus` is taken by `bus` in line 6; write another port\n"
                  "12: `bus_at` is tcp://A:2, where `bus_at` in line 7 is reached already; write "
                  "another address or port\n");
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
    /* Who is third at a port hears of the first only. */
    check_refused(HERD ALFORD BALL LINK
                  "places\n    gateways = tcp://127.0.0.1:12500\n"
                  "    workers = tcp://127.0.0.1:12500\n"
                  "    provider = landmarks\n    url = http://127.0.0.1:9/x\n",
                  "14: port 12500 of `gateways` is taken by `bus` in line 6; write another port\n"
                  "15: port 12500 of `workers` is taken by `bus` in line 6; write another port\n");
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
        bool is_listed = faults.count > 1 && faults.list[1].line == 2;
        CHECK_INT(is_listed, !rows[i].good);
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

static const struct check_case cases[] = {
    {"a whole herd is read", reads_a_herd},
    {"one node without a link is a herd", takes_one_node_without_link},
    {"networks may be trusted", takes_networks_that_are_trusted},
    {"former nodes have names, up to the limit", takes_names_of_former_nodes},
    {"a former node is none of today", a_former_node_is_none_of_today},
    {"positions may have an age at which they are over", takes_an_age_at_which_positions_are_over},
    {"what is no age is refused", refuses_what_is_no_age},
    {"clients may be let forget", takes_whether_clients_may_forget},
    {"links may stand before nodes", takes_links_before_nodes},
    {"nodes are found by name, neighbours in the order of the file", finds_nodes_and_neighbours},
    {"observers are no part of the graph", observers_are_no_part_of_the_graph},
    {"observers share names and ports with nobody", observers_share_names_and_ports_with_nobody},
    {"an observed node says where it is", an_observed_node_says_where_it_is},
    {"nodes and observers end at their limit together",
     nodes_and_observers_end_at_their_limit_together},
    {"a web is an observer of its node, and called as that or otherwise",
     a_web_is_an_observer_of_its_node},
    {"a web without its own observer, node, name or port is refused",
     a_web_that_fits_nobody_is_refused},
    {"webs end at their limit", webs_end_at_their_limit},
    {"operators come from anywhere", operators_come_from_anywhere},
    {"operators share names with nobody", operators_share_names_with_nobody},
    {"operators want a node that says where it is", operators_want_a_node_that_says_where_it_is},
    {"operators end at their limit", operators_end_at_their_limit},
    {"all faults are reported in one run, by line", reports_all_faults_in_one_run},
    {"no fault brings others with it", tells_no_fault_twice},
    {"a key stands once in its section", a_key_stands_once},
    {"a herd in pieces: they are named", names_the_pieces},
    {"a long list of pieces is cut", cuts_a_long_list_of_pieces},
    {"what is bound is reached where the file says", what_is_bound_is_reached_where_the_file_says},
    {"an address is demanded where somebody connects to an interface",
     an_address_is_demanded_where_somebody_connects},
    {"an address to reach somebody is one", an_address_to_reach_is_one},
    {"a port of one machine is not that of another", a_port_of_one_machine_is_not_that_of_another},
    {"nobody connects to every interface", every_interface_only_where_nobody_connects},
    {"a port is taken once, and * overlaps every host", a_port_is_taken_once},
    {"a name ends at 63 bytes", a_name_ends_at_63_bytes},
    {"a name is letters, digits, - _ and .", names_take_their_bytes_only},
    {"nodes and links end at their limits", herds_end_at_their_limits},
    {"what the reader refused is explained", explains_what_the_reader_refused},
    {"a NUL byte is a fault", a_nul_byte_is_a_fault},
    {"a # that would cut a word is a fault", a_hash_that_would_cut_a_word_is_a_fault},
    {"every prefix of a file is checked", every_prefix_is_checked},
};

CHECK_MAIN(cases)
