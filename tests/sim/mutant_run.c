/* Runs the ordinary stories until one of them fails: that failure kills a mutant of the core.
 *
 *     hunt SEEDS [STORY]    exit status 1 and the broken rule as soon as there is one, else 0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/scenario.h"

int main(int count, char **arguments)
{
    static struct sim_counters counters;
    uint64_t seeds = count >= 2 ? strtoull(arguments[1], NULL, 10) : 0;
    enum plan_story story = count == 3 ? plan_story_find(arguments[2]) : PLAN_GIVEN;
    sim_choose_heap(0);
    for (uint64_t seed = 0; seed < seeds; seed++) {
        struct scenario plan =
            story == PLAN_GIVEN ? scenario_make(seed) : scenario_make_of(story, seed);
        struct plan_result result = scenario_play(&plan, &counters);
        scenario_free(&plan);
        if (result.violation[0] != '\0') {
            printf("seed %" PRIu64 ", %s\n", seed, result.violation);
            return 1;
        }
    }
    printf("%" PRIu64 " seeds, nothing noticed\n", seeds);
    return 0;
}
