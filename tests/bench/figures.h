/* figures: the numbers of one run, by name, for people and for programs.
 *
 * A name ends in its unit. Figures keep the order in which they were added. */
#ifndef ZHERD_TESTS_BENCH_FIGURES_H
#define ZHERD_TESTS_BENCH_FIGURES_H

#include "bus/base/bytes.h"
#include "tests/bench/histogram.h"

#define FIGURES_MAX 32

struct figure {
    const char *name; /* a constant text of letters, digits and underscores */
    double value;
};

/* All zero is an empty list. */
struct figures {
    struct figure all[FIGURES_MAX];
    size_t count;
};

void figures_add(struct figures *figures, const char *name, double value);

/* p50_us, p99_us, p999_us and max_us of times in nanoseconds. */
void figures_add_times(struct figures *figures, const struct histogram *times_ns);

/* One line per figure; or one line, a JSON object. */
void figures_write_text(const struct figures *figures, struct buffer *out);
void figures_write_json(const struct figures *figures, struct buffer *out);

#endif
