/* report: what many stories came to, in one table.
 *
 * It adds up and prints. It does not judge single stories; it does judge the whole: where many
 * ordinary stories ran, each rare thing that a herd must survive did happen.
 *
 * Invariant: what is printed depends on the stories that ran, except for the lines about speed. */
#ifndef ZHERD_TESTS_SIM_REPORT_H
#define ZHERD_TESTS_SIM_REPORT_H

#include "tests/sim/scenario.h"

/* Fewer seeds than this may well miss something rare: some kinds of story come once in 500. */
#define REPORT_SEEDS_RARE_MIN 1500

struct report {
    struct sim_counters counters;
    uint64_t seeds, failures;
    uint64_t sent[PLAN_STORIES];
    int64_t settle_us_max[PLAN_STORIES];
    int64_t cpu_ns[PLAN_STORIES];
};

/* A story ended, and took so much of a processor. */
void report_add(struct report *report, enum plan_story story, const struct plan_result *result,
                int64_t cpu_ns);

/* Prints everything. False when a story failed, or when `rare` is wanted and something rare never
 * happened. */
bool report_tell(const struct report *report, bool rare);

/* One line on the way there. */
void report_tell_progress(const struct report *report);

#endif
