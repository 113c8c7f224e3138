#include "tests/bench/figures.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#define NS_PER_US      1000.0
#define LINE_BYTES_MAX 160

void figures_add(struct figures *figures, const char *name, double value)
{
    assert(figures->count < FIGURES_MAX);
    figures->all[figures->count++] = (struct figure){name, value};
}

static double quantile_us(const struct histogram *times_ns, uint32_t millionths)
{
    return (double)histogram_quantile(times_ns, millionths) / NS_PER_US;
}

void figures_add_times(struct figures *figures, const struct histogram *times_ns)
{
    figures_add(figures, "p50_us", quantile_us(times_ns, 500000));
    figures_add(figures, "p99_us", quantile_us(times_ns, 990000));
    figures_add(figures, "p999_us", quantile_us(times_ns, 999000));
    figures_add(figures, "max_us", (double)times_ns->most / NS_PER_US);
}

/* Whole numbers without decimals, small ones with enough of them. */
static int decimals(double value)
{
    if (value == floor(value))
        return 0;
    return fabs(value) < 10 ? 4 : 1;
}

void figures_write_text(const struct figures *figures, struct buffer *out)
{
    for (size_t i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->all[i];
        char *at = buffer_reserve(out, LINE_BYTES_MAX);
        out->len += (size_t)snprintf(at, LINE_BYTES_MAX, "%-28s %14.*f\n", figure->name,
                                     decimals(figure->value), figure->value);
    }
}

void figures_write_json(const struct figures *figures, struct buffer *out)
{
    buffer_append(out, span_of("{"));
    for (size_t i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->all[i];
        char *at = buffer_reserve(out, LINE_BYTES_MAX);
        out->len += (size_t)snprintf(at, LINE_BYTES_MAX, "%s\"%s\": %.*f", i == 0 ? "" : ", ",
                                     figure->name, decimals(figure->value), figure->value);
    }
    buffer_append(out, span_of("}\n"));
}
