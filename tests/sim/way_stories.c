/* Stories of ways: herds with more links than they need, clients that stay or roam, no faults at
 * first, and then a cut of the link that brings a node the most. */
#include "tests/sim/scenario.h"

#define SECOND_US     INT64_C(1000000)
#define CLIENTS       60u
#define WARM_US       (2 * SECOND_US)
#define COUNT_FROM_US (SECOND_US + WARM_US + SECOND_US)
#define CUT_US        (COUNT_FROM_US + 3 * SECOND_US / 2)
#define TOLD_US       (2 * SECOND_US) /* when all is as it was before a cut that is told, */
#define SILENT_US     (6 * SECOND_US) /* and until the link that was cut in silence is down */
#define LOAD_HERTZ    300
#define CALM_HERTZ    30
#define JUDGE_US      50000
#define TOLD_MS_MAX   500
/* Under load some range shows soon that a way is late; else it may be that of the last turn. */
#define SILENT_MS_MAX  2000
#define CALM_MS_MAX    3000
#define COPIES_PERCENT 105
#define ROAM_PERMILLE  500
#define MESH_MAX       12u

/* Most herds have 4 to 8 nodes; what a larger one costs grows with more than its nodes. */
static uint32_t choose_size(struct rng *rng)
{
    return rng_chance(rng, 960) ? 4 + rng_below(rng, 5) : 9 + rng_below(rng, 12);
}

static struct graph choose_graph(struct rng *rng)
{
    uint32_t nodes = choose_size(rng);
    switch (rng_below(rng, 4)) {
    case 0:
        return graph_mesh(nodes < MESH_MAX ? nodes : MESH_MAX);
    case 1:
        return graph_ring(nodes);
    case 2:
        return graph_edition(rng_below(rng, GRAPHS_EDITIONS));
    default:
        return graph_chords(nodes, nodes, rng); /* about four links each */
    }
}

static void submit(struct scenario *plan, struct rng *rng, int64_t hertz, bool roams)
{
    uint32_t nodes = plan->graph.node_count;
    for (uint32_t node = 0; node < nodes; node++)
        for (int left = 5; left > 0; left--)
            scenario_add(plan, rng_between(rng, SECOND_US, SECOND_US + WARM_US), PLAN_SUBMIT, node,
                         node % CLIENTS, SIM_STAMP_NOW);
    for (int64_t time_us = SECOND_US + WARM_US; time_us < plan->storm_us;
         time_us += rng_between(rng, 1, 2 * SECOND_US / hertz)) {
        uint32_t client = rng_below(rng, CLIENTS);
        uint32_t node =
            roams && rng_chance(rng, ROAM_PERMILLE) ? rng_below(rng, nodes) : client % nodes;
        scenario_add(plan, time_us, PLAN_SUBMIT, node, client, SIM_STAMP_NOW);
    }
}

/* From each node to each other; of an edition, as small as they are, where there is no leaf. */
static bool has_two_ways(const struct graph *graph)
{
    for (uint32_t node = 0; node < graph->node_count; node++) {
        uint32_t links = 0;
        for (size_t i = 0; i < graph->edge_count; i++)
            links += graph->edges[i].a == node || graph->edges[i].b == node;
        if (links < 2)
            return false;
    }
    return true;
}

static void cut(struct scenario *plan, struct rng *rng, bool is_told, uint32_t ms_max)
{
    scenario_add(plan, CUT_US, PLAN_CUT_WAY, rng_below(rng, plan->graph.node_count), is_told, 0);
    for (int64_t time_us = CUT_US + SECOND_US / 10; time_us < plan->storm_us; time_us += JUDGE_US)
        scenario_add(plan, time_us, PLAN_JUDGE_DELAY, ms_max, 0, 0);
}

bool scenario_is_of_ways(enum plan_story story)
{
    return story == PLAN_WAYS;
}

void scenario_fill_ways(struct scenario *plan, struct rng *rng)
{
    plan->graph = choose_graph(rng);
    uint64_t seed = rng_next(rng);
    bool is_fast = rng_chance(rng, 500);
    bool is_told = rng_chance(rng, 500);
    bool is_load = rng_chance(rng, 200);
    bool roams = rng_chance(rng, 500);
    uint32_t silent_ms_max = is_load ? SILENT_MS_MAX : CALM_MS_MAX;
    plan->storm_us = CUT_US + (is_told ? TOLD_US : SILENT_US);
    plan->settle_us_max = PLAN_SETTLE_US_MAX;
    plan->options = (struct sim_options){
        .seed = seed,
        .client_count = CLIENTS,
        .clients_max = FLOOD_CLIENTS_DEFAULT,
        .client_bytes_max = 16,
        .latency_us_min = 100,
        .latency_us_max = is_fast ? 300 : 2000,
        .late_us_max = SECOND_US,
        .turn_us_max = 100,
        .queue_max = 1000,
        .mimicked = SIM_NO_NODE,
        .history_client = SIM_NO_CLIENT,
        .liar = SIM_NO_NODE,
    };
    submit(plan, rng, is_load ? LOAD_HERTZ : CALM_HERTZ, roams);
    scenario_add(plan, COUNT_FROM_US, PLAN_COUNT_COPIES, 0, 0, 0);
    scenario_add(plan, CUT_US - 1, PLAN_COUNT_COPIES, COPIES_PERCENT, 0, 0);
    if (has_two_ways(&plan->graph))
        cut(plan, rng, is_told, is_told ? TOLD_MS_MAX : silent_ms_max);
    scenario_sort(plan);
}
