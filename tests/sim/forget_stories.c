/* Stories about what is over and what is forgotten: with clocks off by minutes and one by hours,
 * nodes that are away for longer and shorter than expire, and all clocks jumping at once. */
#include "tests/sim/scenario.h"

#include <stdlib.h>

#define SECOND_US INT64_C(1000000)
#define SECOND_NS INT64_C(1000000000)
#define HOUR_NS   (3600 * SECOND_NS)
/* What clocks that are right differ from true time. */
#define RIGHT_NS INT64_C(300000000)

#define CLIENTS     30
#define REPORTS     120
#define TOMBSTONES  30
#define FIRST_US    (3 * SECOND_US) /* until then all nodes have met */
#define STORM_US    (100 * SECOND_US)
#define SETTLE_US   (240 * SECOND_US)
#define HOLD_US     (60 * SECOND_US)
#define CRYSTAL_PPM 100

#define PICK(all, rng) (all)[rng_below(rng, sizeof(all) / sizeof *(all))]

bool scenario_is_of_forgetting(enum plan_story story)
{
    return story >= PLAN_EXPIRE && story < PLAN_DISK;
}

static struct graph choose_graph(struct rng *rng)
{
    switch (rng_below(rng, 5)) {
    case 0:
        return graph_line(3);
    case 1:
        return graph_line(5);
    case 2:
        return graph_ring(5);
    case 3:
        return graph_mesh(4);
    default:
        return graph_sparse(6, rng_below(rng, 3), rng);
    }
}

static void choose_options(struct scenario *plan, struct rng *rng)
{
    static const int64_t expires_ms[] = {15000, 30000, 60000, 90000};
    static const int64_t latencies_us[][2] = {{200, 1000}, {1000, 20000}, {5000, 60000}};
    const int64_t *latency_us = PICK(latencies_us, rng);
    plan->storm_us = STORM_US;
    plan->settle_us_max = SETTLE_US;
    plan->calm_us = PLAN_SKEW_CALM_US;
    plan->spare_ns = PLAN_SPARE_NS;
    uint64_t seed = rng_next(rng);
    uint32_t client_bytes_max = rng_chance(rng, 500) ? 16 : 40;
    int64_t expire_ms = PICK(expires_ms, rng);
    plan->options = (struct sim_options){
        .client_count = CLIENTS,
        .clients_max = FLOOD_CLIENTS_DEFAULT,
        .client_bytes_max = client_bytes_max,
        .expire_ms = expire_ms,
        .latency_us_min = latency_us[0],
        .latency_us_max = latency_us[1],
        .late_us_max = 5 * SECOND_US,
        .turn_us_max = 2000,
        .queue_max = 1000,
        .mimicked = SIM_NO_NODE,
        .liar = SIM_NO_NODE,
        .history_client = SIM_NO_CLIENT,
        .most_are_right = true,
        .seed = seed,
    };
}

/* Some clocks, fewer than half, are off by minutes, and perhaps one by hours. */
static void set_clocks(struct scenario *plan, struct rng *rng)
{
    static const int64_t offs_ns[] = {-300 * SECOND_NS, -70 * SECOND_NS, 45 * SECOND_NS,
                                      200 * SECOND_NS,  -5 * HOUR_NS,    7 * HOUR_NS};
    uint32_t nodes = plan->graph.node_count, wrong = rng_below(rng, (nodes - 1) / 2 + 1);
    plan->clocks = calloc(nodes, sizeof *plan->clocks);
    if (plan->clocks == NULL)
        abort();
    for (uint32_t i = 0; i < nodes; i++) {
        int64_t off_ns = rng_between(rng, -RIGHT_NS, RIGHT_NS);
        int32_t rate_ppm = (int32_t)rng_between(rng, -CRYSTAL_PPM, CRYSTAL_PPM);
        plan->clocks[i] = (struct sim_clock){.off_ns = off_ns, .rate_ppm = rate_ppm};
    }
    for (uint32_t first = rng_below(rng, nodes); wrong > 0; wrong--)
        plan->clocks[(first + wrong) % nodes].off_ns += PICK(offs_ns, rng);
}

static int64_t within_us(const struct scenario *plan, struct rng *rng)
{
    return rng_between(rng, FIRST_US, plan->storm_us - 1);
}

static void add_reports(struct scenario *plan, struct rng *rng)
{
    for (int i = 0; i < REPORTS; i++) {
        uint32_t client = rng_below(rng, CLIENTS);
        enum sim_stamp stamp = client % 10 == 0       ? SIM_STAMP_FUTURE
                               : rng_chance(rng, 50)  ? SIM_STAMP_REPEAT
                               : rng_chance(rng, 100) ? SIM_STAMP_STALE
                                                      : SIM_STAMP_NOW;
        uint32_t node = rng_below(rng, plan->graph.node_count);
        scenario_add(plan, within_us(plan, rng), PLAN_SUBMIT, node, client, stamp);
    }
}

static void add_tombstones(struct scenario *plan, struct rng *rng)
{
    for (int i = 0; i < TOMBSTONES; i++) {
        uint32_t client = rng_below(rng, CLIENTS);
        uint32_t node = rng_below(rng, plan->graph.node_count);
        scenario_add(plan, within_us(plan, rng), PLAN_TOMBSTONE, node, client, 0);
    }
}

static const struct edge *any_edge(const struct scenario *plan, struct rng *rng)
{
    return &plan->graph.edges[rng_below(rng, (uint32_t)plan->graph.edge_count)];
}

static void add_storm(struct scenario *plan, struct rng *rng)
{
    plan->options.loss_permille = 30;
    plan->options.copy_permille = 20;
    plan->options.late_permille = 200;
    for (uint32_t cuts = rng_below(rng, 6); cuts > 0; cuts--) {
        int64_t time_us = within_us(plan, rng);
        int64_t end_us = time_us + rng_between(rng, SECOND_US, 20 * SECOND_US);
        scenario_cut(plan, any_edge(plan, rng), time_us, end_us);
    }
    for (uint32_t deaths = rng_below(rng, 3); deaths > 0; deaths--) {
        uint32_t node = rng_below(rng, plan->graph.node_count);
        int64_t time_us = within_us(plan, rng);
        scenario_add(plan, time_us, PLAN_KILL, node, 0, 0);
        scenario_add(plan, time_us + rng_between(rng, 200000, 8 * SECOND_US), PLAN_START, node, 0,
                     0);
    }
}

/* A node loses all its links for a part of expire, or for longer than it. */
static void take_away(struct scenario *plan, struct rng *rng)
{
    uint32_t node = rng_below(rng, plan->graph.node_count);
    int64_t expire_us = plan->options.expire_ms * 1000, from_us = 15 * SECOND_US;
    plan->storm_us = from_us + 2 * expire_us + 30 * SECOND_US;
    int64_t for_us = rng_chance(rng, 500) ? rng_between(rng, expire_us / 2, expire_us)
                                          : rng_between(rng, expire_us, 2 * expire_us);
    for (size_t i = 0; i < plan->graph.edge_count; i++) {
        const struct edge *edge = &plan->graph.edges[i];
        if (edge->a == node || edge->b == node)
            scenario_cut(plan, edge, from_us, from_us + for_us);
    }
}

/* All clocks jump within the same second, and are right again later; within the hold of a minute
 * nothing is over by that, and after it all is. */
static void leap(struct scenario *plan, struct rng *rng)
{
    static const int64_t leaps_ns[] = {-200 * SECOND_NS, 200 * SECOND_NS, HOUR_NS, -HOUR_NS};
    int64_t off_ns = PICK(leaps_ns, rng), from_us = 20 * SECOND_US;
    int64_t to_us = from_us + (rng_chance(rng, 500) ? 30 : 75) * SECOND_US;
    plan->storm_us = to_us + 2 * HOLD_US;
    plan->options.most_are_right = false;
    plan->options.faults_excused = true;
    for (uint32_t i = 0; i < plan->graph.node_count; i++) {
        scenario_add_clock(plan, rng_between(rng, from_us, from_us + SECOND_US), i, off_ns);
        int64_t back_ns = rng_between(rng, -RIGHT_NS, RIGHT_NS);
        scenario_add_clock(plan, rng_between(rng, to_us, to_us + SECOND_US), i, back_ns);
    }
}

void scenario_fill_forgetting(struct scenario *plan, struct rng *rng)
{
    plan->graph = choose_graph(rng);
    choose_options(plan, rng);
    set_clocks(plan, rng);
    if (plan->story == PLAN_AWAY)
        take_away(plan, rng);
    else if (plan->story == PLAN_LEAP)
        leap(plan, rng);
    else
        add_storm(plan, rng);
    add_reports(plan, rng);
    if (plan->story != PLAN_EXPIRE)
        add_tombstones(plan, rng);
    scenario_sort(plan);
}
