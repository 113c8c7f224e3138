/* The counting half of zherd-bench: histogram, visible, figures. */
#include "tests/bench/figures.h"
#include "tests/bench/visible.h"
#include "tests/check.h"
#include "tests/sim/rng.h"

#define VALUES 20000

static void exact_below_256(void)
{
    static struct histogram histogram;
    for (int64_t value = 1; value <= 200; value++)
        histogram_add(&histogram, value);
    CHECK_INT(histogram_quantile(&histogram, 0), 1);
    CHECK_INT(histogram_quantile(&histogram, 500000), 100);
    CHECK_INT(histogram_quantile(&histogram, 990000), 198);
    CHECK_INT(histogram_quantile(&histogram, 1000000), 200);
    CHECK_INT(histogram.most, 200);
}

static void limits(void)
{
    static struct histogram histogram;
    CHECK_INT(histogram_quantile(&histogram, 500000), 0);
    histogram_add(&histogram, -5);
    CHECK_INT(histogram_quantile(&histogram, 1000000), 0);
    histogram_add(&histogram, INT64_MAX);
    CHECK_INT(histogram_quantile(&histogram, 1000000), INT64_MAX);
    CHECK_INT(histogram.count, 2);
}

static int compare(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

static void quantiles_against_sorting(void)
{
    static struct histogram histogram;
    static int64_t values[VALUES];
    struct rng rng = {7};
    for (int i = 0; i < VALUES; i++) {
        values[i] = (int64_t)(rng_next(&rng) >> (1 + rng_below(&rng, 62)));
        histogram_add(&histogram, values[i]);
    }
    qsort(values, VALUES, sizeof *values, compare);
    for (uint32_t millionths = 1000; millionths <= 1000000; millionths += 1000) {
        int64_t exact = values[(uint64_t)VALUES * millionths / 1000000 - 1];
        int64_t got = histogram_quantile(&histogram, millionths);
        CHECK(got >= exact && got - exact <= exact / HISTOGRAM_STEPS);
    }
}

static void every_bucket_once(void)
{
    /* One value on each side of each bucket's end, at every size. */
    for (unsigned bits = 8; bits < 63; bits++) {
        static struct histogram histogram;
        histogram = (struct histogram){0};
        int64_t value = INT64_C(1) << bits;
        histogram_add(&histogram, value - 1);
        histogram_add(&histogram, value);
        CHECK_INT(histogram_quantile(&histogram, 500000), value - 1);
        CHECK_INT(histogram_quantile(&histogram, 1000000), value);
    }
}

static void a_clear_step(void)
{
    struct visible_probe probes[100];
    for (int i = 0; i < 100; i++)
        probes[99 - i] = (struct visible_probe){.delay_ns = i, .seen = i >= 40};
    CHECK_INT(visible_delay_ns(probes, 100, 50), 40);
    CHECK_INT(visible_delay_ns(probes, 100, 99), 40);
}

static void never_and_nothing(void)
{
    struct visible_probe probes[] = {{5, false}, {9, false}};
    CHECK_INT(visible_delay_ns(probes, 2, 50), -1);
    CHECK_INT(visible_delay_ns(probes, 0, 50), -1);
    probes[1].seen = true;
    CHECK_INT(visible_delay_ns(probes, 2, 99), 9);
}

static void violators_are_pooled(void)
{
    /* Shares 0, then one yes among three (the yes came first), then yes for ever. */
    struct visible_probe probes[] = {{1, false}, {2, true}, {3, false},
                                     {4, false}, {5, true}, {6, true}};
    CHECK_INT(visible_delay_ns(probes, 6, 33), 2);
    CHECK_INT(visible_delay_ns(probes, 6, 34), 5);
    CHECK_INT(visible_delay_ns(probes, 6, 100), 5);
}

/* Updates that take between 0 and 1000: half of them are there after 500. */
static void a_known_distribution(void)
{
    static struct visible_probe probes[VALUES];
    struct rng rng = {3};
    for (int i = 0; i < VALUES; i++) {
        probes[i].delay_ns = rng_below(&rng, 2000);
        probes[i].seen = rng_below(&rng, 1000) < probes[i].delay_ns;
    }
    int64_t half = visible_delay_ns(probes, VALUES, 50),
            most = visible_delay_ns(probes, VALUES, 90);
    CHECK(half > 450 && half < 550);
    CHECK(most > 850 && most < 950);
}

static void text_and_json(void)
{
    static const char json[] = "{\"wrong\": 0, \"p50_us\": 1.2500, \"rate_per_s\": 1234567.5}\n";
    static const char text[] = "wrong                                     0\n"
                               "p50_us                               1.2500\n"
                               "rate_per_s                        1234567.5\n";
    struct figures figures = {0};
    struct buffer out = {0};
    figures_add(&figures, "wrong", 0);
    figures_add(&figures, "p50_us", 1.25);
    figures_add(&figures, "rate_per_s", 1234567.5);
    figures_write_json(&figures, &out);
    CHECK_BYTES(out.data, out.len, json, sizeof json - 1);
    out.len = 0;
    figures_write_text(&figures, &out);
    CHECK_BYTES(out.data, out.len, text, sizeof text - 1);
    buffer_free(&out);
}

static const struct check_case cases[] = {
    {"small values are exact", exact_below_256},
    {"an empty histogram, negative and greatest values", limits},
    {"quantiles are never below the sorted ones and less than a 128th above",
     quantiles_against_sorting},
    {"a power of two and the value before it are distinguished", every_bucket_once},
    {"a step is found where it is, whatever the order of the probes", a_clear_step},
    {"what is never seen has no delay", never_and_nothing},
    {"shares that fall are pooled", violators_are_pooled},
    {"a known distribution is found again", a_known_distribution},
    {"figures as text and as JSON", text_and_json},
};

CHECK_MAIN(cases)
