/* What each process of a herd binds, and the hosts that name its machine. */
#include "topology/format/bindings.h"

#include "tests/unit/topology_text.h"

static struct topology_binding bindings[TOPOLOGY_BINDINGS_MAX];

static void check_binding(size_t index, const char *owner, uint32_t process, const char *key,
                          const char *bound, uint32_t line, bool is_reached)
{
    const struct topology_binding *binding = &bindings[index];
    CHECK(strcmp(binding->owner, owner) == 0);
    CHECK_INT(binding->process, process);
    CHECK(strcmp(binding->key, key) == 0);
    CHECK_BYTES(binding->bound.text, strlen(binding->bound.text), bound, strlen(bound));
    CHECK_INT(binding->bound.line, line);
    CHECK_INT(binding->is_reached, is_reached);
}

static void lists_what_each_process_binds(void)
{
    CHECK(check_text(HERD ALFORD BALL LINK
                     "observer\n    name = Ear\n    of = Ball\n    bus = tcp://host:9\n"
                     "places\n    gateways = tcp://*:6\n    workers = tcp://host:7\n"
                     "    gateways_at = tcp://broker:8\n"
                     "    provider = landmarks\n    url = http://[::1]:10/x\n"
                     "    fallback = photon\n    fallback_url = http://127.0.0.1:11/x\n"
                     "places\n    gateways = tcp://host:61\n    workers = tcp://host:71\n"
                     "    provider = photon\n    url = http://127.0.0.1:12/x\n"
                     "    fallback = landmarks\n    fallback_url = http://localhost/x\n"
                     "places\n    gateways = tcp://host:62\n    workers = tcp://host:72\n"
                     "    provider = landmarks\n    url = https://example.org/x\n"));
    CHECK_INT(topology_bindings(&topology, bindings), 13);
    check_binding(0, "Alford", 0, "clients", "tcp://*:11500", 5, false);
    check_binding(1, "Alford", 0, "bus", "tcp://127.0.0.1:12500", 6, true);
    check_binding(2, "Ball", 1, "clients", "tcp://*:11501", 9, false);
    check_binding(3, "Ball", 1, "bus", "tcp://127.0.0.1:12501", 10, true);
    check_binding(4, "Ear", 2, "bus", "tcp://host:9", 16, true);
    check_binding(5, "places", 3, "gateways", "tcp://*:6", 18, true);
    check_binding(6, "places", 3, "workers", "tcp://host:7", 19, true);
    check_binding(7, "places", 3, "url", "tcp://[::1]:10", 22, false);
    check_binding(8, "places", 4, "gateways", "tcp://host:61", 26, true);
    check_binding(9, "places", 4, "workers", "tcp://host:71", 27, true);
    check_binding(10, "places", 4, "fallback_url", "tcp://localhost:80", 31, false);
    check_binding(11, "places", 5, "gateways", "tcp://host:62", 33, true);
    check_binding(12, "places", 5, "workers", "tcp://host:72", 34, true);
    CHECK(bindings[0].at == NULL && bindings[7].at == NULL);
    CHECK(strcmp(bindings[5].at->text, "tcp://broker:8") == 0);
    CHECK(strcmp(bindings[5].at_key, "gateways_at") == 0);
    topology_free(&topology);
}

static void a_node_may_bind_a_door_of_tls(void)
{
    CHECK(check_text(HERD "    certificate = a.pem\n" ALFORD
                          "    clients_tls = tls://*:11600\n    certificate_key = a.key\n"));
    CHECK_INT(topology_bindings(&topology, bindings), 3);
    check_binding(2, "Alford", 0, "clients_tls", "tcp://*:11600", 8, false);
    CHECK(bindings[2].at == NULL && topology.nodes[0].clients_tls.port == 11600);
    CHECK(strcmp(topology.nodes[0].tls.certificate, "a.pem") == 0);
    CHECK(strcmp(topology.nodes[0].tls.certificate_key, "a.key") == 0);
    topology_free(&topology);
}

static void a_web_binds_as_its_observer(void)
{
    CHECK(check_text(HERD ALFORD BALL LINK
                     "observer\n    name = Ear\n    of = Ball\n    bus = tcp://host:9\n"
                     "observer\n    name = Eye\n    of = Ball\n    bus = tcp://host:8\n"
                     "web\n    of = Ball\n    observer = Ear\n    listen = tcp://*:7\n"
                     "    name = Door\n"));
    CHECK_INT(topology_bindings(&topology, bindings), 7);
    check_binding(4, "Ear", 2, "bus", "tcp://host:9", 16, true);
    check_binding(5, "Door", 2, "listen", "tcp://*:7", 24, false);
    check_binding(6, "Eye", 3, "bus", "tcp://host:8", 20, true);
    CHECK(bindings[5].at == NULL);
    topology_free(&topology);
}

static void the_bus_of_a_lone_node_is_not_reached(void)
{
    CHECK(check_text(HERD ALFORD));
    CHECK_INT(topology_bindings(&topology, bindings), 2);
    check_binding(1, "Alford", 0, "bus", "tcp://127.0.0.1:12500", 6, false);
    topology_free(&topology);
}

static void names_the_machine_of_a_process(void)
{
    static const struct {
        const char *bus, *hosts;
    } rows[] = {
        {"tcp://north:1", " north"},
        {"tcp://127.0.0.1:1", " 127.0.0.1"},
        {"tcp://10.0.0.1:1\n    bus_at = tcp://nat:1", " 10.0.0.1 nat"},
        {"tcp://127.0.0.1:1\n    bus_at = tcp://nat:1", " nat"},
        {"tcp://*:1\n    bus_at = tcp://nat:1", " nat"},
        {"tcp://eth0:1\n    bus_at = tcp://nat:1", " nat"},
        {"tcp://*:1", ""},
        {"tcp://lo:1", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[400], got[400] = "";
        const char *hosts[2];
        snprintf(text, sizeof text,
                 HERD "node\n    name = A\n    clients = tcp://elsewhere:2\n    bus = %s\n",
                 rows[i].bus);
        CHECK(check_text(text));
        CHECK_INT(topology_bindings(&topology, bindings), 2);
        CHECK_INT(topology_binding_hosts(&bindings[0], hosts), 0);
        size_t count = topology_binding_hosts(&bindings[1], hosts);
        for (size_t j = 0; j < count; j++)
            sprintf(got + strlen(got), " %s", hosts[j]);
        CHECK_BYTES(got, strlen(got), rows[i].hosts, strlen(rows[i].hosts));
        topology_free(&topology);
    }
}

/* The largest herd there is. */
static void the_largest_herd_has_room(void)
{
    static char text[512 * 1024];
    size_t used = (size_t)sprintf(text, HERD "    certificate = a\n    certificate_key = b\n");
    for (int i = 0; i < TOPOLOGY_NODES_MAX; i++)
        used += (size_t)sprintf(text + used,
                                "node\n    name = a%d\n    clients = tcp://a%d:1\n"
                                "    bus = tcp://a%d:2\n    clients_tls = tls://a%d:3\n"
                                "    monitor = tcp://127.0.0.1:%d\n",
                                i, i, i, i, 20000 + i);
    for (int i = 1; i < TOPOLOGY_NODES_MAX; i++)
        used += (size_t)sprintf(text + used, "link\n    between = a%d a%d\n", i - 1, i);
    for (int i = 0; i < TOPOLOGY_PLACES_MAX; i++)
        used += (size_t)sprintf(text + used,
                                "places\n    gateways = tcp://p%d:1\n    workers = tcp://p%d:2\n"
                                "    provider = landmarks\n    url = http://127.0.0.1:3/x\n"
                                "    fallback = photon\n    fallback_url = http://127.0.0.1:4/x\n"
                                "    monitor = tcp://127.0.0.1:%d\n",
                                i, i, 30000 + i);
    CHECK(check_text(text));
    CHECK_INT(topology_bindings(&topology, bindings),
              4 * TOPOLOGY_NODES_MAX + 4 * TOPOLOGY_PLACES_MAX);
    topology_free(&topology);
}

static const struct check_case cases[] = {
    {"what each process binds is listed", lists_what_each_process_binds},
    {"a node may bind a door of TLS, by files of its own and the herd's",
     a_node_may_bind_a_door_of_tls},
    {"a web binds in the process of its observer", a_web_binds_as_its_observer},
    {"the bus of a lone node is bound but not reached", the_bus_of_a_lone_node_is_not_reached},
    {"the machine of a process is named by where others reach it", names_the_machine_of_a_process},
    {"there is room for the largest herd", the_largest_herd_has_room},
};

CHECK_MAIN(cases)
