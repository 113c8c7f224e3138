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

static void nobody_reaches_a_node_alone(void)
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
    size_t used = (size_t)sprintf(text, HERD);
    for (int i = 0; i < TOPOLOGY_NODES_MAX; i++)
        used += (size_t)sprintf(text + used,
                                "node\n    name = a%d\n    clients = tcp://a%d:1\n"
                                "    bus = tcp://a%d:2\n",
                                i, i, i);
    for (int i = 1; i < TOPOLOGY_NODES_MAX; i++)
        used += (size_t)sprintf(text + used, "link\n    between = a%d a%d\n", i - 1, i);
    for (int i = 0; i < TOPOLOGY_PLACES_MAX; i++)
        used += (size_t)sprintf(text + used,
                                "places\n    gateways = tcp://p%d:1\n    workers = tcp://p%d:2\n"
                                "    provider = landmarks\n    url = http://127.0.0.1:3/x\n"
                                "    fallback = photon\n    fallback_url = http://127.0.0.1:4/x\n",
                                i, i);
    CHECK(check_text(text));
    CHECK_INT(topology_bindings(&topology, bindings),
              2 * TOPOLOGY_NODES_MAX + 3 * TOPOLOGY_PLACES_MAX);
    topology_free(&topology);
}

static const struct check_case cases[] = {
    {"what each process binds is listed", lists_what_each_process_binds},
    {"nobody reaches the bus of a node alone", nobody_reaches_a_node_alone},
    {"the machine of a process is named by where others reach it", names_the_machine_of_a_process},
    {"there is room for the largest herd", the_largest_herd_has_room},
};

CHECK_MAIN(cases)
