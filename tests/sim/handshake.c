/* A process that ends and comes back at each step of a handshake, on either side, once and twice.
 *
 * Two nodes that share one link, each with clients of its own, run for a chosen number of steps of
 * the world: a step is a message that arrives or a turn that sends. Then one of them is killed, or
 * says goodbye, and is back after a pause shorter than anything the protocol waits for. From there
 * on the link must be up and both tables equal within SETTLE_US_MAX, whatever was on its way. */
#include <inttypes.h>

#include "bus/link/wire.h"
#include "tests/check.h"
#include "tests/sim/sim.h"

#define CLIENTS     3
#define LATENCY_US  3000
#define TURN_US     50
#define PATIENCE_US 30000
/* A second of it because incarnations come once a second, and four because a CHECK of the tables
 * may be lost with a connection that is given up. */
#define SETTLE_US_MAX 7500000
#define WATCH_STEP_US 1000
/* Greeting, tables and heartbeats of a pair take about forty steps; some more see it at rest. */
#define STEPS        60
#define SECOND_STEPS 24

enum side { LEFT, RIGHT };

/* One end and one new start. */
struct fall {
    int after_steps;
    enum side side;
    bool orderly;
    int64_t pause_us;
};

/* 100 ms is as fast as a supervisor is likely to be; 0 is a process that was there already. */
static const int64_t pauses_us[] = {0, 1000, 20000, 100000};

static struct sim_counters counters;
static int64_t slowest_us;
static uint64_t worlds;

static struct sim *open_pair(const struct graph *graph, uint32_t late_permille)
{
    struct sim_options options = {
        .seed = 7,
        .client_count = CLIENTS,
        .clients_max = CLIENTS,
        .latency_us_min = LATENCY_US,
        .latency_us_max = LATENCY_US,
        .late_us_max = 4 * LATENCY_US,
        .turn_us_max = TURN_US,
        .late_permille = late_permille,
        .queue_max = SIM_QUEUE_MIN,
        .history_client = SIM_NO_CLIENT,
        .mimicked = SIM_NO_NODE,
        .liar = SIM_NO_NODE,
    };
    return sim_new(graph, &options, &counters);
}

static void tell(struct sim *sim)
{
    sim_submit(sim, LEFT, 0, SIM_STAMP_NOW);
    sim_submit(sim, RIGHT, 1, SIM_STAMP_NOW);
    sim_submit(sim, LEFT, 2, SIM_STAMP_NOW);
}

static void run_steps(struct sim *sim, int steps)
{
    while (steps-- > 0 && sim_step(sim))
        continue;
}

static void fall(struct sim *sim, struct fall how)
{
    run_steps(sim, how.after_steps);
    if (how.orderly) {
        sim_leave(sim, how.side, PATIENCE_US);
        sim_run(sim, sim_now_us(sim) + PATIENCE_US + 1);
    } else {
        sim_kill(sim, how.side);
    }
    sim_run(sim, sim_now_us(sim) + how.pause_us);
    sim_start(sim, how.side);
    sim_submit(sim, how.side, 1, SIM_STAMP_NOW);
}

static void expect_rest(struct sim *sim)
{
    int64_t start_us = sim_now_us(sim);
    while (!sim_is_settled(sim) && sim_now_us(sim) - start_us < SETTLE_US_MAX)
        if (!sim_run(sim, sim_now_us(sim) + WATCH_STEP_US))
            return;
    int64_t took_us = sim_now_us(sim) - start_us;
    if (took_us > slowest_us)
        slowest_us = took_us;
    if (!sim_is_settled(sim))
        sim_fail_unsettled(sim);
    else
        sim_compare_tables(sim);
}

static void print_fall(struct fall how)
{
    printf("    %s %s after %d steps, back after %" PRId64 " us\n",
           how.side == LEFT ? "left" : "right", how.orderly ? "leaves" : "is killed",
           how.after_steps, how.pause_us);
}

/* A pair that has not met yet or, `met`, one at rest; then one or two falls. */
static void play(bool met, uint32_t late_permille, const struct fall *falls, int count)
{
    struct graph graph = graph_line(2);
    struct sim *sim = open_pair(&graph, late_permille);
    worlds++;
    if (met)
        expect_rest(sim);
    tell(sim);
    for (int i = 0; i < count; i++)
        fall(sim, falls[i]);
    expect_rest(sim);
    CHECK(sim_violation(sim) == NULL);
    if (sim_violation(sim) != NULL) {
        printf("    %s; %s before, %" PRIu32 " of a thousand come late\n", sim_violation(sim),
               met ? "at rest" : "strangers", late_permille);
        for (int i = 0; i < count; i++)
            print_fall(falls[i]);
    }
    sim_destroy(&sim);
    graph_free(&graph);
}

static void play_each_step(bool met)
{
    for (int step = 0; step < STEPS; step++)
        for (size_t pause = 0; pause < sizeof pauses_us / sizeof *pauses_us; pause++)
            for (int way = 0; way < 4; way++) {
                struct fall how = {step, way & 1 ? RIGHT : LEFT, way & 2, pauses_us[pause]};
                play(met, 0, &how, 1);
                play(met, 1000, &how, 1);
            }
}

static void strangers_meet_whichever_of_them_is_restarted_at_whichever_step(void)
{
    play_each_step(false);
}

static void acquaintances_meet_again_whichever_of_them_is_restarted_at_whichever_step(void)
{
    play_each_step(true);
}

static void they_meet_although_both_or_one_twice_are_restarted_at_any_two_steps(void)
{
    for (int first = 0; first < SECOND_STEPS; first++)
        for (int second = 0; second < SECOND_STEPS; second++)
            for (int way = 0; way < 16; way++) {
                struct fall falls[2] = {{first, way & 1 ? RIGHT : LEFT, way & 2, 1000},
                                        {second, way & 4 ? RIGHT : LEFT, way & 8, 1000}};
                play(false, 1000, falls, 2);
            }
}

static void every_message_of_a_handshake_was_on_its_way_when_a_process_ended(void)
{
    static const enum wire_type types[] = {WIRE_HELLO, WIRE_UPDATE, WIRE_ACK, WIRE_HEARTBEAT,
                                           WIRE_GOODBYE};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        CHECK(counters.sent[types[i]] > 0);
    CHECK(counters.lost_in_flight > 0 && counters.stragglers > 0);
    CHECK(counters.flood.incarnation_changes > 0 && counters.flood.messages_strange > 0);
    printf("    %" PRIu64 " worlds, %" PRIu64 " steps; at rest after %.3f s at the latest\n",
           worlds, counters.steps, (double)slowest_us / 1e6);
}

static const struct check_case cases[] = {
    {"strangers meet, whichever of them is restarted at whichever step",
     strangers_meet_whichever_of_them_is_restarted_at_whichever_step},
    {"acquaintances meet again, whichever of them is restarted at whichever step",
     acquaintances_meet_again_whichever_of_them_is_restarted_at_whichever_step},
    {"they meet although both, or one twice, are restarted at any two steps",
     they_meet_although_both_or_one_twice_are_restarted_at_any_two_steps},
    {"every message of a handshake was on its way when a process ended",
     every_message_of_a_handshake_was_on_its_way_when_a_process_ended},
};

CHECK_MAIN(cases)
