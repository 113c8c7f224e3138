/* Keys in a topology file: read, and demanded where somebody can be reached. */
#include "topology/format/check.h"

#include "tests/unit/topology_text.h"

#define KEY_A "Jhd{K^>U^HqJ5eF^n?8b^cC(UirrKN%b)[J=$2sZ"
#define KEY_B ".0mV7:++hX4Z<2zc7X&6=oH*rLvl(C53M.MuLiDT"
#define KEY_C ">->BQFy=beByJ-]8.gV-wKHeXPS]?sNC}ZopKY]k"
#define FAR_PLACES                                                                                 \
    "places\n    gateways = tcp://10.0.0.1:1\n    workers = tcp://10.0.0.1:2\n"                    \
    "    provider = landmarks\n    url = https://example.org/x\n"

#define LONE "node\n    name = A\n    clients = tcp://*:1\n"
#define NEAR_PLACES                                                                                \
    "places\n    gateways = tcp://127.0.0.1:1\n    workers = tcp://127.0.0.1:2\n"                  \
    "    provider = landmarks\n    url = https://example.org/x\n"

/* A herd that topology_check takes, and whether it meets the demands. */
static bool meets_demands(const char *text)
{
    CHECK(check_text(text));
    topology_check_keys(&topology, &faults);
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
        {HERD LONE "    bus = tcp://lo:2\n", true},
        {HERD LONE "    bus = tcp://lo:2\n    bus_at = tcp://127.0.0.1:2\n", true},
        {HERD LONE "    bus = tcp://lo:2\n    bus_at = tcp://host:2\n", false},
        {HERD LONE "    bus = tcp://127.0.0.1:2\n    bus_at = tcp://192.0.2.1:2\n", false},
        {HERD LONE "    bus = tcp://eth0:2\n    bus_at = tcp://127.0.0.1:2\n", false},
        {HERD LONE "    bus = tcp://*:2\n    bus_at = tcp://localhost:2\n", false},
        {HERD "    insecure = yes\n" LONE "    bus = tcp://*:2\n    bus_at = tcp://host:2\n", true},
        {HERD ALFORD BALL LINK NEAR_PLACES, true},
        {HERD ALFORD BALL LINK NEAR_PLACES "    gateways_at = tcp://localhost:1\n", true},
        {HERD ALFORD BALL LINK NEAR_PLACES "    gateways_at = tcp://host:1\n", false},
        {HERD ALFORD BALL LINK NEAR_PLACES "    workers_at = tcp://host:1\n", false},
        {HERD "    keys = k\n" ALFORD "    public_key = " KEY_A "\n" FAR_PLACES
              "    public_key = " KEY_B "\n",
         true},
        {HERD "    keys = k\n" ALFORD "    public_key = " KEY_A "\n" FAR_PLACES
              "    public_key = " KEY_B " " KEY_A "\n",
         false},
        {HERD "    keys = k\n" ALFORD "    public_key = " KEY_A "\n" FAR_PLACES, false},
        {HERD ALFORD "operator\n    name = Ada\n", true},
        {HERD "    keys = k\n" ALFORD "    public_key = " KEY_A "\noperator\n    name = Ada\n",
         false},
        {HERD "    keys = k\n" ALFORD "    public_key = " KEY_A "\noperator\n    name = Ada\n"
              "    public_key = " KEY_B "\n",
         true},
        {HERD "    keys = k\n" ALFORD "    public_key = " KEY_A "\noperator\n    name = Ada\n"
              "    public_key = " KEY_A "\n",
         false},
        {HERD ALFORD "operator\n    name = Ada\n    public_key = " KEY_B "\n", false},
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
    {"keys are read", reads_keys},
    {"keys are for whoever can be reached, and then for everybody",
     keys_are_for_whoever_can_be_reached},
};

CHECK_MAIN(cases)
