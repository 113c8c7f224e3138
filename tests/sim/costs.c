/* What a herd costs, counted: at rest, for each update where ways are known, and after a cut of
 * half of its nodes; the table of bus/PROTOCOL.md, What it costs. Herds of 1,000 nodes take
 * minutes, so this is a program for people and no test: build/sim_costs [NODES_MAX].
 *
 * Some origins speak, the same in each part, because what one origin costs is told once, and each
 * of a thousand would only make it longer. First each speaks twice, a second apart, so that ways
 * are known; then updates are counted one at a time, then under load, by clients that stay at their
 * node and by such that come to another one each second time. Then half of the nodes are away from
 * the other half for a minute, in which clients speak in both halves. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/link/wire.h"
#include "tests/sim/sim.h"

#define SEED          2016
#define CLIENTS       60u
#define SPEAKERS      20u
#define LONE          60u
#define SECOND_US     INT64_C(1000000)
#define LATENCY_US    200
#define REST_US       (30 * SECOND_US)
#define LOAD_US       (4 * SECOND_US)
#define RATE_HERTZ    300
#define CUT_US        (60 * SECOND_US)
#define SETTLE_US     (120 * SECOND_US)
#define STEP_US       (SECOND_US / 100)
#define ROAM_PERMILLE 500u

struct herd {
    const struct graph *graph;
    struct sim_counters counters;
    struct sim *sim;
    struct rng rng;
    bool roams;
};

struct moment {
    uint64_t messages, bytes, copies, accepted;
    int64_t now_us;
};

static struct moment look(const struct herd *herd)
{
    struct moment moment = {.bytes = herd->counters.sent_bytes,
                            .copies = sim_flood_count(herd->sim).locations_sent,
                            .accepted = herd->counters.accepted,
                            .now_us = sim_now_us(herd->sim)};
    for (int i = 0; i < SIM_KINDS; i++)
        moment.messages += herd->counters.sent[i];
    return moment;
}

static struct moment passed(const struct herd *herd, const struct moment *before)
{
    struct moment now = look(herd);
    return (struct moment){now.messages - before->messages, now.bytes - before->bytes,
                           now.copies - before->copies, now.accepted - before->accepted,
                           now.now_us - before->now_us};
}

static bool run(struct herd *herd, int64_t for_us)
{
    return sim_run(herd->sim, sim_now_us(herd->sim) + for_us);
}

/* How long it took until all tables were equal; -1: too long. */
static int64_t become_equal(struct herd *herd)
{
    int64_t began_us = sim_now_us(herd->sim);
    while (!sim_is_equal(herd->sim))
        if (sim_now_us(herd->sim) - began_us > SETTLE_US || !run(herd, STEP_US))
            return -1;
    return sim_now_us(herd->sim) - began_us;
}

static uint32_t speakers(const struct herd *herd)
{
    return herd->graph->node_count < SPEAKERS ? herd->graph->node_count : SPEAKERS;
}

/* Of speakers that stand apart: neighbours have neighbouring numbers in some graphs. */
static void submit(struct herd *herd)
{
    uint32_t count = speakers(herd), client = rng_below(&herd->rng, CLIENTS);
    uint32_t speaker = client % count;
    if (herd->roams && rng_chance(&herd->rng, ROAM_PERMILLE))
        speaker = rng_below(&herd->rng, count);
    sim_submit(herd->sim, speaker * (herd->graph->node_count / count), client, SIM_STAMP_NOW);
}

static bool learn_ways(struct herd *herd)
{
    uint32_t count = speakers(herd);
    for (uint32_t i = 0; i < 2 * count; i++) {
        sim_submit(herd->sim, i % count * (herd->graph->node_count / count), i % count,
                   SIM_STAMP_NOW);
        if (!run(herd, i == count ? SECOND_US : SECOND_US / 20))
            return false;
    }
    return run(herd, 2 * SECOND_US);
}

static bool tell_rest(struct herd *herd)
{
    if (!run(herd, 10 * SECOND_US))
        return false;
    struct moment before = look(herd);
    bool good = run(herd, REST_US);
    struct moment rest = passed(herd, &before);
    double node_seconds = (double)herd->graph->node_count * (double)rest.now_us / 1e6;
    printf(" %8.1f %8.0f", (double)rest.messages / node_seconds, (double)rest.bytes / node_seconds);
    return good;
}

static void tell_copies(const struct herd *herd, const struct moment *cost)
{
    double tree = (double)cost->accepted * (herd->graph->node_count - 1);
    printf(" %6.3f", (double)cost->copies / tree);
}

static bool tell_updates(struct herd *herd, bool roams)
{
    struct moment before = look(herd), cost;
    herd->roams = roams;
    for (uint32_t i = 0; i < LONE; i++) {
        submit(herd);
        if (!run(herd, SECOND_US / 10))
            return false;
    }
    cost = passed(herd, &before);
    tell_copies(herd, &cost);
    before = look(herd);
    for (int64_t left_us = LOAD_US; left_us > 0; left_us -= SECOND_US / RATE_HERTZ) {
        submit(herd);
        if (!run(herd, SECOND_US / RATE_HERTZ))
            return false;
    }
    if (!run(herd, SECOND_US / 10))
        return false;
    cost = passed(herd, &before);
    tell_copies(herd, &cost);
    return true;
}

/* Between the first half of the nodes, by number, and the others. */
static void set_cut(struct herd *herd, enum sim_road road)
{
    for (size_t i = 0; i < herd->graph->edge_count; i++) {
        struct edge edge = herd->graph->edges[i];
        if ((edge.a < herd->graph->node_count / 2) == (edge.b < herd->graph->node_count / 2))
            continue;
        sim_set_road(herd->sim, edge.a, edge.b, road);
        sim_set_road(herd->sim, edge.b, edge.a, road);
    }
}

static bool tell_cut(struct herd *herd)
{
    set_cut(herd, SIM_LOSING);
    herd->roams = false;
    for (uint32_t i = 0; i < 2 * CLIENTS; i++) {
        submit(herd);
        if (!run(herd, CUT_US / (2 * CLIENTS)))
            return false;
    }
    struct moment before = look(herd);
    set_cut(herd, SIM_OPEN);
    int64_t equal_us = become_equal(herd);
    if (equal_us < 0)
        return false;
    struct moment cost = passed(herd, &before);
    double nodes = herd->graph->node_count;
    printf(" %7.1f %8.0f %8.1f\n", (double)equal_us / 1e6, (double)cost.messages / nodes,
           (double)cost.copies / nodes / CLIENTS);
    return true;
}

static bool tell(struct graph graph)
{
    struct herd herd = {.graph = &graph, .rng = {SEED}};
    struct sim_options options = sim_calm_options(SEED, CLIENTS, LATENCY_US);
    herd.sim = sim_new(&graph, &options, &herd.counters);
    printf("%-11s %5" PRIu32 " %5zu", graph.name, graph.node_count, graph.edge_count);
    fflush(stdout);
    bool good = run(&herd, 3 * SECOND_US) && learn_ways(&herd) && tell_rest(&herd) &&
                tell_updates(&herd, false) && tell_updates(&herd, true) && tell_cut(&herd);
    const char *violation = sim_violation(herd.sim);
    if (!good)
        printf("  FAILED %s\n", violation != NULL ? violation : "not equal after the cut");
    fflush(stdout);
    sim_destroy(&herd.sim);
    graph_free(&graph);
    return good;
}

int main(int count, char **words)
{
    uint32_t nodes_max = count > 1 ? (uint32_t)strtoul(words[1], NULL, 10) : SIM_NODES_MAX;
    static const uint32_t meshes[] = {5, 10, 20, 40, 100}, randoms[] = {10, 20, 40, 100, 1000};
    struct rng rng = {SEED};
    bool good = true;
    sim_choose_heap(nodes_max);
    printf("%23s %17s %27s %26s\n", "", "- rest, node s -", "- copies / (nodes - 1) -   ",
           "- after the cut, node -");
    printf("%-11s %5s %5s %8s %8s %6s %6s %6s %6s %7s %8s %8s\n", "herd", "nodes", "links",
           "messages", "bytes", "stay", "load", "roam", "load", "s", "messages", "copies");
    for (size_t i = 0; i < GRAPHS_EDITIONS; i++)
        good &= tell(graph_edition(i));
    for (size_t i = 0; i < sizeof meshes / sizeof *meshes; i++)
        if (meshes[i] <= nodes_max)
            good &= tell(graph_mesh(meshes[i]));
    for (size_t i = 0; i < sizeof randoms / sizeof *randoms; i++)
        if (randoms[i] <= nodes_max)
            good &= tell(graph_chords(randoms[i], randoms[i], &rng));
    return good ? 0 : 1;
}
