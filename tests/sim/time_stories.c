/* Stories about time: clocks that are wrong, jump, drift and lie, positions above the ceiling,
 * differences that nobody told of, and neighbours of the version before. */
#include "tests/sim/scenario.h"

#include <stdlib.h>

#define SECOND_US  INT64_C(1000000)
#define SECOND_NS  INT64_C(1000000000)
#define HOUR_NS    (3600 * SECOND_NS)
#define DAY_NS     (24 * HOUR_NS)
#define DECADES_NS (29000 * DAY_NS) /* as far as an order may reach */
#define YEAR_1970  (INT64_C(-1800000000) * SECOND_NS)
/* What clocks that are right differ from true time. */
#define RIGHT_NS INT64_C(300000000)

#define CLIENTS   40
#define REPORTS   150
#define FIRST_US  (2 * SECOND_US) /* until then all nodes have met */
#define STORM_US  (45 * SECOND_US)
#define SETTLE_US (240 * SECOND_US) /* a hold of 60 s, and the pass of a minute after it */
#define HOLD_US   (60 * SECOND_US)
#define JUDGE_US  (7 * SECOND_US)
/* Twice that and CRYSTAL_PPM are less than what counts as a message's delay, in five minutes. */
#define DRIFT_PPM         350
#define CRYSTAL_PPM       100
#define CUTS_MAX          8
#define INJECTIONS        3
#define LONG_ID_BYTES_MAX 60000
#define FORGED_PERMILLE   20
#define LONG_IDS_ONE_IN   6 /* as records.c has it */
#define BUSY_CLIENTS      400
#define LOAD_US           (40 * SECOND_US)
#define LOAD_BYTES        40 /* half of what a location takes */
#define LOAD_QUIET_ONE_IN 10
#define LOAD_QUIET_S      30
#define LOAD_INJECTIONS   12
#define MANY_US           (400 * SECOND_US)
#define MANY_MET_US       (250 * SECOND_US)
#define HOUR_US           (3600 * SECOND_US)
#define MILLION           1000000

#define PICK(all, rng) (all)[rng_below(rng, sizeof(all) / sizeof *(all))]

bool scenario_is_of_time(enum plan_story story)
{
    return story >= PLAN_CLOCKS && story < PLAN_EXPIRE;
}

static struct graph choose_graph(enum plan_story story, struct rng *rng)
{
    if (story == PLAN_PAIR)
        return graph_line(2);
    if (story == PLAN_DRIFT)
        return rng_chance(rng, 700)   ? graph_line(3)
               : rng_chance(rng, 500) ? graph_line(5)
                                      : graph_ring(5);
    if (story == PLAN_LOAD)
        return graph_line(2);
    if (story == PLAN_MANY) {
        uint32_t nodes = 65 + rng_below(rng, 90);
        return rng_chance(rng, 500) ? graph_ring(nodes) : graph_chords(nodes, nodes / 2, rng);
    }
    if (story == PLAN_WEEKS)
        return rng_chance(rng, 700) ? graph_line(3) : graph_ring(5);
    if (story == PLAN_LIAR)
        return rng_chance(rng, 500) ? graph_mesh(5) : graph_ring(6);
    if (story == PLAN_SILENT)
        return rng_chance(rng, 500) ? graph_line(2 + rng_below(rng, 3)) : graph_sparse(5, 0, rng);
    switch (rng_below(rng, 5)) {
    case 0:
        return graph_line(4);
    case 1:
        return graph_mesh(5);
    case 2:
        return graph_ring(7);
    case 3:
        return graph_edition(GRAPHS_FALL2016);
    default:
        return graph_sparse(6, rng_below(rng, 3), rng);
    }
}

static int64_t right_ns(struct rng *rng)
{
    return rng_between(rng, -RIGHT_NS, RIGHT_NS);
}

static int64_t jump_ns(struct rng *rng)
{
    static const int64_t jumps_ns[] = {-HOUR_NS,       -90 * SECOND_NS, -20 * SECOND_NS,
                                       20 * SECOND_NS, 400 * SECOND_NS, HOUR_NS,
                                       DAY_NS,         DECADES_NS,      YEAR_1970};
    return PICK(jumps_ns, rng);
}

static int64_t pair_jump_ns(struct rng *rng)
{
    static const int64_t jumps_ns[] = {-HOUR_NS,       -90 * SECOND_NS, -20 * SECOND_NS,
                                       20 * SECOND_NS, 400 * SECOND_NS, HOUR_NS,
                                       DAY_NS,         YEAR_1970};
    return PICK(jumps_ns, rng);
}

static int64_t within_us(const struct scenario *plan, struct rng *rng, int64_t from_us)
{
    return rng_between(rng, from_us, plan->storm_us - 1);
}

static void leave_unjudged(struct scenario *plan, int64_t from_us, int64_t to_us)
{
    plan->options.unjudged[plan->options.unjudged_count++] = (struct sim_span){from_us, to_us};
}

/* ---- Who speaks ------------------------------------------------------------------------- */

static enum sim_stamp choose_stamp(enum plan_story story, uint32_t client, struct rng *rng)
{
    bool plain = story == PLAN_STEP || story == PLAN_GLITCH || story == PLAN_PAIR;
    if (client % 10 == 0)
        return SIM_STAMP_FUTURE;
    if (client % 10 == 1)
        return SIM_STAMP_SLOW;
    if (client % 10 == 2 && !plain && rng_chance(rng, 500))
        return SIM_STAMP_STALE;
    return rng_chance(rng, 30) ? SIM_STAMP_REPEAT : SIM_STAMP_NOW;
}

static void add_reports(struct scenario *plan, struct rng *rng, uint32_t count)
{
    uint32_t clients = plan->options.client_count, hot = rng_below(rng, clients);
    for (; count > 0; count--) {
        uint32_t client = rng_chance(rng, 100) ? hot : rng_below(rng, clients);
        enum sim_stamp stamp = choose_stamp(plan->story, client, rng);
        uint32_t node = rng_below(rng, plan->graph.node_count);
        scenario_add(plan, within_us(plan, rng, FIRST_US), PLAN_SUBMIT, node, client, stamp);
    }
}

/* ---- What clocks do --------------------------------------------------------------------- */

static void set_clocks_right(struct scenario *plan, struct rng *rng)
{
    plan->clocks = calloc(plan->graph.node_count, sizeof *plan->clocks);
    if (plan->clocks == NULL)
        abort();
    for (uint32_t i = 0; i < plan->graph.node_count; i++) {
        int64_t off_ns = right_ns(rng);
        int32_t rate_ppm = (int32_t)rng_between(rng, -CRYSTAL_PPM, CRYSTAL_PPM);
        plan->clocks[i] = (struct sim_clock){.off_ns = off_ns, .rate_ppm = rate_ppm};
    }
}

/* `count` clocks are wrong, or are so for a while. */
static void set_wrong(struct scenario *plan, struct rng *rng, uint32_t count,
                      int64_t (*jump)(struct rng *))
{
    uint32_t nodes = plan->graph.node_count, first = rng_below(rng, nodes);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t node = (first + i) % nodes;
        if (rng_chance(rng, 700))
            plan->clocks[node].off_ns += jump(rng);
        for (uint32_t left = rng_below(rng, 3); left > 0; left--) {
            int64_t off_ns = rng_chance(rng, 700) ? jump(rng) : 0;
            scenario_add_clock(plan, within_us(plan, rng, 0), node, off_ns);
        }
    }
}

static void set_all(struct scenario *plan, struct rng *rng, int64_t from_us, int64_t to_us,
                    int64_t off_ns)
{
    for (uint32_t i = 0; i < plan->graph.node_count; i++) {
        int64_t set_ns = off_ns == 0 ? right_ns(rng) : off_ns;
        scenario_add_clock(plan, rng_between(rng, from_us, to_us), i, set_ns);
    }
}

/* Every clock is set right just before the healing, and what is taken until the hold of that is
 * over is judged by nobody. */
static void end_right(struct scenario *plan, struct rng *rng)
{
    set_all(plan, rng, plan->storm_us - 1, plan->storm_us - 1, 0);
    leave_unjudged(plan, plan->storm_us - SECOND_US, plan->storm_us + HOLD_US + 4 * SECOND_US);
}

/* All clocks jump within the same second, twice, and stay there. */
static void step_all(struct scenario *plan, struct rng *rng)
{
    /* So that what was taken ahead of time may stand just below the ceiling when clients speak. */
    plan->calm_us = HOLD_US + rng_between(rng, 10, 50) * SECOND_US;
    static const int64_t steps_ns[] = {-300 * SECOND_NS, -HOUR_NS, 120 * SECOND_NS,
                                       300 * SECOND_NS};
    for (int i = 0; i < 2; i++) {
        int64_t time_us = (10 + 18 * i) * SECOND_US + rng_between(rng, 0, 5 * SECOND_US);
        set_all(plan, rng, time_us, time_us + SECOND_US, PICK(steps_ns, rng));
        leave_unjudged(plan, time_us - SECOND_US, time_us + 2 * SECOND_US);
        leave_unjudged(plan, time_us + HOLD_US - SECOND_US, time_us + HOLD_US + 4 * SECOND_US);
    }
    end_right(plan, rng);
}

/* All clocks are wrong for a moment. */
static void glitch_all(struct scenario *plan, struct rng *rng)
{
    static const int64_t jumps_ns[] = {-HOUR_NS, HOUR_NS, DAY_NS, DECADES_NS, YEAR_1970};
    int64_t time_us = 15 * SECOND_US + rng_between(rng, 0, 20 * SECOND_US);
    set_all(plan, rng, time_us, time_us + SECOND_US, PICK(jumps_ns, rng));
    set_all(plan, rng, time_us + 2 * SECOND_US, time_us + 3 * SECOND_US, 0);
    leave_unjudged(plan, time_us - SECOND_US, time_us + HOLD_US + 7 * SECOND_US);
    end_right(plan, rng);
}

static void judge_often(struct scenario *plan, bool with_hold)
{
    for (int64_t time_us = 5 * SECOND_US; time_us < plan->storm_us; time_us += JUDGE_US)
        scenario_add(plan, time_us, PLAN_JUDGE, 0, 0, with_hold);
}

static void run_free(struct scenario *plan, struct rng *rng)
{
    uint32_t nodes = plan->graph.node_count, first = rng_below(rng, nodes);
    bool days = rng_chance(rng, 20);
    plan->storm_us = rng_between(rng, 6000, 9000) * SECOND_US;
    if (days)
        plan->storm_us = rng_between(rng, 1, 2) * 86400 * SECOND_US;
    for (uint32_t i = 0; i < (nodes - 1) / 2; i++) {
        struct sim_clock *clock = &plan->clocks[(first + i) % nodes];
        int32_t rate_ppm = days ? CRYSTAL_PPM : DRIFT_PPM;
        clock->rate_ppm = rng_chance(rng, 500) ? rate_ppm : -rate_ppm;
        clock->runs_free = true;
    }
}

/* ---- What else happens ------------------------------------------------------------------ */

static const struct edge *any_edge(const struct scenario *plan, struct rng *rng)
{
    return &plan->graph.edges[rng_below(rng, (uint32_t)plan->graph.edge_count)];
}

void scenario_cut(struct scenario *plan, const struct edge *edge, int64_t from_us, int64_t to_us)
{
    for (int way = 0; way < 2; way++) {
        uint32_t a = way == 0 ? edge->a : edge->b, b = way == 0 ? edge->b : edge->a;
        scenario_add(plan, from_us, PLAN_ROAD, a, b, SIM_LOSING);
        if (to_us < plan->storm_us)
            scenario_add(plan, to_us, PLAN_ROAD, a, b, SIM_OPEN);
    }
}

static void add_storm(struct scenario *plan, struct rng *rng)
{
    plan->options.loss_permille = 30;
    plan->options.copy_permille = 20;
    plan->options.late_permille = 200;
    for (uint32_t cuts = rng_below(rng, CUTS_MAX); cuts > 0; cuts--) {
        int64_t time_us = within_us(plan, rng, 5 * SECOND_US);
        int64_t long_us = rng_chance(rng, 200) ? 35 * SECOND_US : 12 * SECOND_US;
        int64_t end_us = time_us + rng_between(rng, SECOND_US, long_us);
        scenario_cut(plan, any_edge(plan, rng), time_us, end_us);
    }
    for (uint32_t deaths = rng_below(rng, 4); deaths > 0; deaths--) {
        uint32_t node = rng_below(rng, plan->graph.node_count);
        int64_t time_us = within_us(plan, rng, 5 * SECOND_US);
        scenario_add(plan, time_us, PLAN_KILL, node, 0, 0);
        scenario_add(plan, time_us + rng_between(rng, 200000, 8 * SECOND_US), PLAN_START, node, 0,
                     0);
    }
}

static void add_injections(struct scenario *plan, struct rng *rng)
{
    for (int i = 0; i < INJECTIONS; i++) {
        const struct edge *edge = any_edge(plan, rng);
        bool there = rng_chance(rng, 500);
        enum sim_injection kind = rng_chance(rng, 500) ? SIM_INJECT_LOSS : SIM_INJECT_DIGIT;
        scenario_add(plan, within_us(plan, rng, 15 * SECOND_US), PLAN_INJECT,
                     there ? edge->a : edge->b, there ? edge->b : edge->a, kind);
    }
}

/* Positions far ahead, of clients that hardly speak again, while a part is away. */
static void add_beyond(struct scenario *plan, struct rng *rng)
{
    for (int i = 0; i < 8; i++) {
        const struct edge *edge = any_edge(plan, rng);
        int64_t time_us = within_us(plan, rng, 5 * SECOND_US);
        scenario_add(plan, time_us, PLAN_INJECT, edge->a, edge->b, SIM_INJECT_AHEAD);
        time_us += rng_between(rng, SECOND_US, 4 * SECOND_US);
        int64_t end_us = time_us + rng_between(rng, 4 * SECOND_US, 30 * SECOND_US);
        scenario_cut(plan, any_edge(plan, rng), time_us, end_us);
    }
}

/* All nodes take other clients at once, before they hear of each other's: by their numbers, from
 * `first` on in steps. */
static void add_burst(struct scenario *plan, uint32_t each, uint32_t first, uint32_t step)
{
    for (uint32_t i = 0; i < each * plan->graph.node_count; i++)
        scenario_add(plan, FIRST_US, PLAN_SUBMIT, i / each, (first + step * i) % CLIENTS,
                     SIM_STAMP_NOW);
}

/* Tables that are too small for what peers send. */
static void make_tight(struct scenario *plan, struct rng *rng)
{
    plan->options.refusal_excused = true;
    plan->calm_us = plan->spare_ns = 0;
    if (rng_chance(rng, 500)) {
        plan->options.clients_max = 3 + rng_below(rng, CLIENTS / 4);
        add_burst(plan, plan->options.clients_max, 0, 1);
        return;
    }
    plan->options.client_bytes_max = LONG_ID_BYTES_MAX;
    plan->options.table_bytes_max = SCENARIO_TABLE_BASE_BYTES + LONG_ID_BYTES_MAX;
    add_burst(plan, 1, 1, LONG_IDS_ONE_IN);
}

static void make_old(struct scenario *plan, struct rng *rng)
{
    plan->options.most_are_right = false;
    plan->calm_us = plan->spare_ns = 0;
    plan->options.forge_permille = rng_chance(rng, 300) ? FORGED_PERMILLE : 0;
    plan->options.old_nodes = 1 + rng_next(rng) % ((UINT64_C(1) << plan->graph.node_count) - 1);
}

static uint32_t make_silent(struct scenario *plan, struct rng *rng)
{
    plan->storm_us = 60 * SECOND_US;
    add_injections(plan, rng);
    if (!rng_chance(rng, 60))
        return 50 + rng_below(rng, 3 * REPORTS);
    plan->options.client_count = BUSY_CLIENTS;
    plan->options.rate_bytes_per_s = 20000;
    return 30 * BUSY_CLIENTS;
}

/* Clients speak once a second, and a link takes what half of them say: so many wait. A few speak
 * seldom, and of those a word gets lost. */
static void make_load(struct scenario *plan, struct rng *rng)
{
    static const uint32_t clients[] = {700, 1400, 2800, 6000};
    uint32_t count = PICK(clients, rng), busy = count - count / LOAD_QUIET_ONE_IN;
    plan->storm_us = LOAD_US;
    plan->options.client_count = count;
    plan->options.rate_bytes_per_s = count * LOAD_BYTES;
    plan->options.full_links = true;
    plan->options.injected_from = busy;
    for (int64_t second_us = FIRST_US; second_us < LOAD_US - SECOND_US; second_us += SECOND_US)
        for (uint32_t client = 0; client < count; client++)
            if (client < busy || rng_below(rng, LOAD_QUIET_S) == 0) {
                uint32_t node = rng_below(rng, plan->graph.node_count);
                scenario_add(plan, second_us + rng_below(rng, SECOND_US), PLAN_SUBMIT, node, client,
                             SIM_STAMP_NOW);
            }
    for (int i = 0; i < LOAD_INJECTIONS / INJECTIONS; i++)
        add_injections(plan, rng);
}

static void make_many(struct scenario *plan, struct rng *rng)
{
    plan->storm_us = MANY_US;
    plan->options.most_are_right = false;
    /* Each hop adds what a message takes to what a clock seems to be slow. */
    plan->options.latency_us_min = 200;
    plan->options.latency_us_max = 2000;
    if (rng_chance(rng, 500)) {
        plan->options.faults_excused = true;
        plan->options.liar = rng_below(rng, plan->graph.node_count);
    }
    for (int64_t time_us = MANY_MET_US; time_us < plan->storm_us; time_us += JUDGE_US)
        scenario_add(plan, time_us, PLAN_JUDGE, 0, 0, 0);
}

/* Nobody corrects the clocks of some nodes, or of all; and for hours a part is away. */
static void make_weeks(struct scenario *plan, struct rng *rng)
{
    uint32_t nodes = plan->graph.node_count, first = rng_below(rng, nodes);
    bool all = rng_chance(rng, 400);
    plan->storm_us = rng_between(rng, 7 * 24, 14 * 24) * HOUR_US;
    plan->options.most_are_right = !all;
    for (uint32_t i = 0; i < (all ? nodes : (nodes - 1) / 2); i++) {
        struct sim_clock *clock = &plan->clocks[(first + i) % nodes];
        clock->rate_ppm = rng_chance(rng, 500) ? CRYSTAL_PPM : -CRYSTAL_PPM;
        clock->runs_free = true;
    }
    uint32_t cuts = rng_below(rng, 4);
    if (cuts > 0) /* a vote goes on by a crystal for a day after it was heard last */
        plan->spare_ns += DAY_NS / MILLION * 2 * CRYSTAL_PPM;
    for (; cuts > 0; cuts--) { /* less than that day in all */
        int64_t time_us = within_us(plan, rng, HOUR_US);
        int64_t end_us = time_us + rng_between(rng, HOUR_US, 7 * HOUR_US);
        scenario_cut(plan, any_edge(plan, rng), time_us, end_us);
    }
    for (int64_t time_us = HOUR_US; time_us < plan->storm_us; time_us += HOUR_US)
        scenario_add(plan, time_us, PLAN_JUDGE, 0, 0, 1);
}

/* ---- The whole -------------------------------------------------------------------------- */

static void choose_options(struct scenario *plan, struct rng *rng)
{
    static const int64_t latencies_us[][2] = {{200, 1000}, {1000, 20000}, {5000, 60000}};
    const int64_t *latency_us = PICK(latencies_us, rng);
    plan->storm_us = STORM_US;
    plan->settle_us_max = SETTLE_US;
    plan->calm_us = PLAN_SKEW_CALM_US;
    plan->spare_ns = PLAN_SPARE_NS;
    plan->options = (struct sim_options){
        .client_count = CLIENTS,
        .clients_max = FLOOD_CLIENTS_DEFAULT,
        .client_bytes_max = 16,
        .latency_us_min = latency_us[0],
        .latency_us_max = latency_us[1],
        .late_us_max = 5 * SECOND_US,
        .turn_us_max = 2000,
        .queue_max = 1000,
        .mimicked = SIM_NO_NODE,
        .liar = SIM_NO_NODE,
        .history_client = SIM_NO_CLIENT,
        .most_are_right = true,
        .seed = rng_next(rng),
    };
}

/* True where there are storms as well. */
static bool fill(struct scenario *plan, struct rng *rng)
{
    uint32_t nodes = plan->graph.node_count;
    switch (plan->story) {
    case PLAN_CLOCKS:
        set_wrong(plan, rng, (nodes - 1) / 2, jump_ns);
        return true;
    case PLAN_PAIR:
        set_wrong(plan, rng, 1, pair_jump_ns);
        return true;
    case PLAN_WILD:
        plan->options.most_are_right = false;
        plan->options.faults_excused = true;
        set_wrong(plan, rng, rng_chance(rng, 300) ? nodes : nodes / 2 + 1, jump_ns);
        end_right(plan, rng);
        return true;
    case PLAN_LIAR:
        plan->options.most_are_right = false;
        plan->options.faults_excused = true;
        plan->options.liar = rng_below(rng, nodes);
        judge_often(plan, false); /* until they had met the others, it was believed */
        return false;
    case PLAN_STEP:
        step_all(plan, rng);
        judge_often(plan, true);
        return false;
    case PLAN_GLITCH:
        glitch_all(plan, rng);
        judge_often(plan, true);
        return false;
    case PLAN_BEYOND:
        plan->options.faults_excused = true;
        add_beyond(plan, rng);
        return false;
    case PLAN_DRIFT:
        run_free(plan, rng);
        return false;
    case PLAN_MANY:
        make_many(plan, rng);
        return false;
    case PLAN_WEEKS:
        make_weeks(plan, rng);
        return false;
    case PLAN_TIGHT:
        make_tight(plan, rng);
        return true;
    case PLAN_OLD:
        make_old(plan, rng);
        return true;
    default:
        return false;
    }
}

void scenario_fill_time(struct scenario *plan, struct rng *rng)
{
    plan->graph = choose_graph(plan->story, rng);
    choose_options(plan, rng);
    set_clocks_right(plan, rng);
    uint32_t reports = REPORTS;
    if (plan->story == PLAN_SILENT)
        reports = make_silent(plan, rng);
    else if (plan->story == PLAN_LOAD)
        make_load(plan, rng);
    else if (fill(plan, rng))
        add_storm(plan, rng);
    add_reports(plan, rng, reports);
    scenario_sort(plan);
}
