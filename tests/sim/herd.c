/* Many seeds, one story each (plan.h): every rule of sim.h holds in all of them, and over the whole
 * run each of the rare things that a herd must survive did happen. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/crash_handler.h"
#include "tests/sim/report.h"
#include "tests/sim/shape.h"

#ifndef HERD_SEEDS /* tests.cmake asks for fewer where a build is slow */
#define HERD_SEEDS 10000
#endif
#define FAILURES_TOLD_MAX 10
#define REPLAY_BYTES_MAX  4096
#define PROGRESS_SECONDS  10

/* What the command line asks for. */
struct wishes {
    uint64_t first, seeds;
    int64_t seconds;       /* 0: `seeds` stories; else as many as there is time for */
    bool one;              /* with its whole plan */
    uint32_t client;       /* whose history is printed, or SIM_NO_CLIENT */
    enum plan_story story; /* tell this one, or, with PLAN_GIVEN, any */
    struct shape shape;
};

static const char *program;
static char replay[REPLAY_BYTES_MAX];
static volatile sig_atomic_t stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

static void say_replay(void)
{
    static const char words[] = "the program died; replay with: ";
    crash_handler_write(words, sizeof words - 1);
    crash_handler_write(replay, strlen(replay));
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct scenario make_plan(struct wishes *wishes, uint64_t seed)
{
    const struct graph *graph = shape_graph(&wishes->shape, seed);
    if (wishes->story != PLAN_GIVEN)
        return scenario_make_of(wishes->story, seed);
    return graph == NULL ? scenario_make(seed) : plan_make_on(graph, seed);
}

static void play(struct report *report, const struct wishes *wishes, const struct scenario *plan,
                 uint64_t seed)
{
    snprintf(replay, sizeof replay, "%s --seed %" PRIu64 "%s\n", program, seed,
             wishes->shape.arguments);
    int64_t start_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    struct plan_result result = scenario_play(plan, &report->counters);
    report_add(report, plan->story, &result, clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start_ns);
    if (result.violation[0] == '\0' || report->failures > FAILURES_TOLD_MAX)
        return;
    printf("FAILED  seed %" PRIu64 ": %s\n        replay with: %s", seed, result.violation, replay);
    if (!wishes->one)
        plan_print_options(plan, stdout);
    fflush(stdout);
}

/* The same seed gives the same world, or no failure could be repeated. `once`: what happened in the
 * first world. */
static bool is_repeatable(struct wishes *wishes, const struct sim_counters *once)
{
    struct sim_counters again = {0};
    struct scenario same = make_plan(wishes, wishes->first);
    scenario_play(&same, &again);
    scenario_free(&same);
    if (memcmp(once, &again, sizeof again) == 0)
        return true;
    printf("FAILED  seed %" PRIu64 " was another story the second time\n", wishes->first);
    return false;
}

/* Gives what happened in the first world. */
static struct sim_counters play_all(struct report *report, struct wishes *wishes)
{
    struct sim_counters first = {0};
    int64_t start_ns = clock_ns(CLOCK_MONOTONIC), told_ns = start_ns;
    for (uint64_t i = 0; !stopped && (wishes->seconds > 0 || i < wishes->seeds); i++) {
        struct scenario plan = make_plan(wishes, wishes->first + i);
        plan.options.history_client = wishes->client;
        if (wishes->one) {
            plan_print_options(&plan, stdout);
            plan_print_actions(&plan, stdout);
        }
        play(report, wishes, &plan, wishes->first + i);
        scenario_free(&plan);
        if (i == 0)
            first = report->counters;
        int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
        if (wishes->seconds > 0 && now_ns - start_ns >= wishes->seconds * 1000000000)
            break;
        if (now_ns - told_ns >= PROGRESS_SECONDS * INT64_C(1000000000)) {
            told_ns = now_ns;
            report_tell_progress(report);
        }
    }
    return first;
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0') {
        fprintf(stderr, "\"%s\" is not a number\n", text);
        exit(2);
    }
    return value;
}

static enum plan_story read_story(struct shape *shape, const char *word)
{
    enum plan_story story = plan_story_find(word);
    if (story == PLAN_GIVEN) {
        fprintf(stderr, "\"%s\" is no story\n", word);
        exit(2);
    }
    shape_note(shape, "--story", word);
    return story;
}

static void use(void)
{
    fprintf(stderr,
            "usage: %s [--first SEED] [--seeds COUNT | --seconds COUNT] [HERD]\n"
            "       %s --seed SEED [--history CLIENT] [HERD]\n"
            "Tells stories (%d by default), or one with its whole plan; with --history also every\n"
            "message that carried a location of client CLIENT (0, 1, 2 ...). HERD is --topology\n"
            "FILE, as often as there are files, or --nodes COUNT for a random herd, or --story\n"
            "WORD for one story of tests/sim/stories.c, each time on its own herd.\n",
            program, program, HERD_SEEDS);
    exit(2);
}

static struct wishes read_arguments(int count, char **arguments)
{
    static const struct option options[] = {{"first", required_argument, NULL, 'f'},
                                            {"seeds", required_argument, NULL, 'n'},
                                            {"seconds", required_argument, NULL, 't'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"history", required_argument, NULL, 'h'},
                                            {"nodes", required_argument, NULL, 'c'},
                                            {"topology", required_argument, NULL, 'p'},
                                            {"story", required_argument, NULL, 'w'},
                                            {0}};
    struct wishes wishes = {.seeds = HERD_SEEDS, .client = SIM_NO_CLIENT, .story = PLAN_GIVEN};
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        if (option == '?')
            use();
        else if (option == 'p')
            shape_add_topology(&wishes.shape, optarg);
        else if (option == 'c')
            shape_set_nodes(&wishes.shape, number(optarg));
        else if (option == 'w')
            wishes.story = read_story(&wishes.shape, optarg);
        else if (option == 't')
            wishes.seconds = (int64_t)number(optarg);
        else if (option == 'n')
            wishes.seeds = number(optarg);
        else if (option == 'h')
            wishes.client = (uint32_t)number(optarg);
        else
            wishes.first = number(optarg);
        wishes.one |= option == 's';
    }
    if (wishes.one)
        wishes.seeds = 1;
    if (optind != count || (wishes.client != SIM_NO_CLIENT && !wishes.one))
        use();
    return wishes;
}

int main(int count, char **arguments)
{
    static struct report report;
    program = arguments[0];
    struct wishes wishes = read_arguments(count, arguments);
    sim_choose_heap(wishes.shape.nodes);
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    crash_handler_set(say_replay);
    struct sim_counters first = play_all(&report, &wishes);
    bool repeatable = wishes.one || is_repeatable(&wishes, &first);
    bool good = report_tell(&report, !wishes.one && !shape_is_given(&wishes.shape) &&
                                         wishes.story == PLAN_GIVEN);
    shape_free(&wishes.shape);
    return good && repeatable ? 0 : 1;
}
