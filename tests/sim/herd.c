/* Many seeds, one story each (plan.h): every rule of sim.h holds in all of them, and over the whole
 * run each of the rare things that a herd must survive did happen. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lastwords.h"
#include "tests/sim/plan.h"

#define SEEDS_DEFAULT     2700 /* 1050 on each of the two herds told most */
#define SEEDS_RARE_MIN    500  /* fewer seeds than this may well miss something rare */
#define FAILURES_TOLD_MAX 10
#define REPLAY_BYTES_MAX  1024

struct totals {
    struct sim_counters counters;
    uint64_t told[PLAN_STORIES];
    uint64_t failures;
    int64_t settle_us_max[PLAN_STORIES];
};

static const char *program;
static char replay[REPLAY_BYTES_MAX];

static void say_replay(void)
{
    static const char words[] = "the program died; replay with: ";
    lastwords_write(words, sizeof words - 1);
    lastwords_write(replay, strlen(replay));
}

static void play(struct totals *totals, const struct plan *plan, uint64_t seed)
{
    snprintf(replay, sizeof replay, "%s --seed %" PRIu64 "\n", program, seed);
    struct plan_result result = plan_play(plan, &totals->counters);
    totals->told[plan->story]++;
    if (result.settle_us > totals->settle_us_max[plan->story])
        totals->settle_us_max[plan->story] = result.settle_us;
    if (result.violation[0] != '\0' && totals->failures++ < FAILURES_TOLD_MAX)
        printf("FAILED  seed %" PRIu64 " (%s): %s\n        replay with: %s", seed,
               plan_story_name(plan->story), result.violation, replay);
}

/* The same seed gives the same world, or no failure could be told again. */
static bool is_repeatable(uint64_t seed)
{
    struct sim_counters once = {0}, again = {0};
    struct plan plan = plan_make(seed), same = plan_make(seed);
    plan_play(&plan, &once);
    plan_play(&same, &again);
    plan_free(&plan);
    plan_free(&same);
    if (memcmp(&once, &again, sizeof once) == 0)
        return true;
    printf("FAILED  seed %" PRIu64 " was another story the second time\n", seed);
    return false;
}

/* Everything that must have happened at least once; how many of them never did. */
static int tell_rare(const struct sim_counters *c)
{
    const struct {
        const char *what;
        uint64_t times;
    } rare[] = {
        {"hole in what was told", c->flood.holes},
        {"rewind to the last ack", c->flood.rewinds},
        {"neighbour with a new session", c->flood.session_changes},
        {"message of a session that is over", c->flood.messages_strange},
        {"change taken along by one that waited", c->conflated},
        {"turn that ended at a closed window", c->windows_closed},
        {"message refused by the transport", c->refused},
        {"message lost", c->lost},
        {"message lost with its connection", c->lost_in_flight},
        {"straggler or late copy delivered", c->stragglers},
        {"client refused by a full table", c->flood.clients_refused},
        {"stale or equal stamp", c->stale},
        {"accepted with the order time of another", c->ties},
        {"link up", c->links_up},
        {"link down", c->links_down},
        {"equal digests at rest", c->digests_equal},
        {"forged location", c->forged},
        {"unequal digests at rest, healed", c->flood.digest_faults},
    };
    int never = 0;
    for (size_t i = 0; i < sizeof rare / sizeof *rare; i++) {
        printf("%12" PRIu64 "  %s%s\n", rare[i].times, rare[i].what,
               rare[i].times == 0 ? "  (NEVER)" : "");
        never += rare[i].times == 0;
    }
    return never;
}

static int tell(const struct totals *totals, uint64_t seeds)
{
    for (int i = 0; i < PLAN_STORIES; i++)
        if (totals->told[i] > 0)
            printf("%12" PRIu64 "  stories on: %s; at rest %.1f s after healing at the latest\n",
                   totals->told[i], plan_story_name((enum plan_story)i),
                   (double)totals->settle_us_max[i] / 1e6);
    printf("%12.1f  virtual hours\n", (double)totals->counters.virtual_us / 3.6e9);
    printf("%12" PRIu64 "  steps\n", totals->counters.steps);
    int never = tell_rare(&totals->counters);
    if (seeds < SEEDS_RARE_MIN)
        never = 0;
    printf("%" PRIu64 " seeds, %" PRIu64 " failed, %d rare things never happened\n", seeds,
           totals->failures, never);
    return totals->failures == 0 && never == 0 ? 0 : 1;
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

static int use(void)
{
    fprintf(stderr,
            "usage: %s [--first SEED] [--seeds COUNT]\n"
            "       %s --seed SEED [--history CLIENT]\n"
            "Tells COUNT stories (%d by default), or one with its whole plan; with --history also\n"
            "every message that carried a location of client CLIENT (0, 1, 2 ...).\n",
            program, program, SEEDS_DEFAULT);
    return 2;
}

int main(int count, char **arguments)
{
    static const struct option options[] = {{"first", required_argument, NULL, 'f'},
                                            {"seeds", required_argument, NULL, 'n'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"history", required_argument, NULL, 'h'},
                                            {0}};
    uint64_t first = 0, seeds = SEEDS_DEFAULT;
    uint32_t client = SIM_NO_CLIENT;
    bool one = false;
    program = arguments[0];
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        if (option == '?')
            return use();
        uint64_t value = number(optarg);
        if (option == 'n')
            seeds = value;
        else if (option == 'h')
            client = (uint32_t)value;
        else
            first = value;
        if (option == 's') {
            one = true;
            seeds = 1;
        }
    }
    if (optind != count || (client != SIM_NO_CLIENT && !one))
        return use();
    lastwords_set(say_replay);
    static struct totals totals;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        struct plan plan = plan_make(seed);
        plan.options.history_client = client;
        if (one)
            plan_print(&plan, stdout);
        play(&totals, &plan, seed);
        plan_free(&plan);
    }
    bool repeatable = one || is_repeatable(first);
    return tell(&totals, seeds) == 0 && repeatable ? 0 : 1;
}
