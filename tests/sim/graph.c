/* What flooding costs, counted: copies and messages per update in one herd after the other, how
 * many links an update crosses to the node it takes longest to, and after how much virtual time.
 *
 * Ideally an update that meets an idle herd costs nodes - 1 copies, along a tree; plain flooding
 * costs 2 * links - nodes + 1, because every node sends it to all neighbours but one. The rows show
 * what this bus needs: one update at a time, then many in one burst, where batches and conflation
 * save. Messages are UPDATEs and ACKs. The test passes when every herd converges and no single
 * update costs more copies than flooding. */
#include <inttypes.h>
#include <stdio.h>

#include "bus/link/wire.h"
#include "tests/sim/sim.h"

#define SEED        2016
#define CLIENTS     64
#define SECOND_US   INT64_C(1000000)
#define LATENCY_US  200
#define CONVERGE_US (60 * SECOND_US)
#define STEP_US     100

struct cost {
    double copies, messages; /* per update */
    uint32_t hops;           /* to the node it took longest to, in the longest case */
    double converge_ms;      /* from the last update until all tables are equal, on average */
};

static struct sim *open_herd(const struct graph *graph, struct sim_counters *counters)
{
    struct sim_options options = sim_calm_options(SEED, CLIENTS, LATENCY_US);
    return sim_new(graph, &options, counters);
}

/* Until all tables are equal and, a little later, the herd is at rest. Adds how long equality took
 * to `equal_us`. False when the herd does not get there. */
static bool converge(struct sim *sim, int64_t *equal_us)
{
    int64_t start_us = sim_now_us(sim);
    bool equal = false;
    while (!sim_is_settled(sim)) {
        if (!equal && sim_is_equal(sim)) {
            *equal_us += sim_now_us(sim) - start_us;
            equal = true;
        }
        if (sim_now_us(sim) - start_us > CONVERGE_US)
            sim_fail_unsettled(sim);
        if (!sim_run(sim, sim_now_us(sim) + STEP_US))
            return false;
    }
    sim_compare_tables(sim);
    return sim_violation(sim) == NULL;
}

static uint64_t messages(const struct sim_counters *counters)
{
    return counters->sent[WIRE_UPDATE] + counters->sent[WIRE_ACK];
}

/* `rounds` times `updates` at once, each from a chance node and another client. */
static bool measure(struct sim *sim, const struct graph *graph, const struct sim_counters *counters,
                    uint32_t rounds, uint32_t updates, struct cost *cost)
{
    struct rng rng = {SEED};
    uint64_t copies_before = sim_flood_count(sim).locations_sent;
    uint64_t messages_before = messages(counters);
    int64_t equal_us = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint32_t i = 0; i < updates; i++)
            sim_submit(sim, rng_below(&rng, graph->node_count), i % CLIENTS, SIM_STAMP_NOW);
        if (!converge(sim, &equal_us))
            return false;
        for (uint32_t i = 0; i < updates && i < CLIENTS; i++)
            if (sim_hops_max(sim, i) > cost->hops)
                cost->hops = sim_hops_max(sim, i);
    }
    double all = (double)rounds * updates;
    cost->copies = (double)(sim_flood_count(sim).locations_sent - copies_before) / all;
    cost->messages = (double)(messages(counters) - messages_before) / all;
    cost->converge_ms = (double)equal_us / rounds / 1000;
    return true;
}

static bool tell_graph(struct graph graph, uint32_t rounds)
{
    struct sim_counters counters = {0};
    struct sim *sim = open_herd(&graph, &counters);
    struct cost single = {0}, burst = {0};
    int64_t start_us = 0;
    uint32_t nodes = graph.node_count;
    uint64_t flooded = 2 * (uint64_t)graph.edge_count - nodes + 1;
    bool good = converge(sim, &start_us) && measure(sim, &graph, &counters, rounds, 1, &single) &&
                measure(sim, &graph, &counters, 1, 4 * CLIENTS, &burst);
    if (good && single.copies > (double)flooded) {
        sim_fail(sim, "more copies than flooding needs");
        good = false;
    }
    printf("%-11s %5" PRIu32 " %5zu %6" PRIu32 " %7" PRIu64 " %8.1f %8.1f %5" PRIu32
           " %6.1f %8.1f %8.1f %6.1f",
           graph.name, nodes, graph.edge_count, nodes - 1, flooded, single.copies, single.messages,
           single.hops, single.converge_ms, burst.copies, burst.messages, burst.converge_ms);
    printf("%s%s\n", good ? "" : "  FAILED ", good ? "" : sim_violation(sim));
    fflush(stdout);
    sim_destroy(&sim);
    graph_free(&graph);
    return good;
}

int main(void)
{
    struct rng rng = {SEED};
    printf("%23s %14s %30s %24s\n", "", "--- copies ---", "--- one update at a time ---",
           "- 256 updates at once -");
    printf("%-11s %5s %5s %6s %7s %8s %8s %5s %6s %8s %8s %6s\n", "herd", "nodes", "links", "ideal",
           "formula", "copies", "messages", "hops", "ms", "copies", "messages", "ms");
    bool good = true;
    for (size_t i = 0; i < GRAPHS_EDITIONS; i++)
        good &= tell_graph(graph_edition(i), 20);
    good &= tell_graph(graph_eight(), 20);
    good &= tell_graph(graph_ring(100), 10);
    good &= tell_graph(graph_mesh(30), 5);
    good &= tell_graph(graph_sparse(100, 50, &rng), 10);
    good &= tell_graph(graph_sparse(100, 200, &rng), 5);
    good &= tell_graph(graph_ring(1000), 2);
    good &= tell_graph(graph_sparse(1000, 500, &rng), 3);
    return good ? 0 : 1;
}
