/* The page of figures: each kind of family in both forms, labels that would break a line, numbers
 * at their limits, and which form an Accept header gets. */
#include "topology/format/metrics.h"

#include "tests/check.h"
#include "topology/format/process_metrics.h"

/* What one page holds, as bytes. */
static void check_page(enum metrics_form form, void write(struct metrics *), const char *wanted)
{
    struct buffer out = {0};
    struct metrics metrics = metrics_begin(form, &out);
    write(&metrics);
    metrics_end(&metrics);
    CHECK_BYTES(out.data, out.len, wanted, strlen(wanted));
    buffer_free(&out);
}

static void check_both(void write(struct metrics *), const char *text, const char *open_metrics)
{
    check_page(METRICS_TEXT, write, text);
    check_page(METRICS_OPENMETRICS, write, open_metrics);
}

static void write_nothing(struct metrics *metrics)
{
    (void)metrics;
}

static void a_page_of_nothing_is_empty_or_its_end(void)
{
    check_both(write_nothing, "", "# EOF\n");
}

static void write_counter(struct metrics *metrics)
{
    metrics_family(metrics, METRICS_COUNTER, "zherd_commands", "Commands taken.");
    metrics_count(metrics, METRICS_LABELS({"command", span_of("iamat")}), 7);
    metrics_count(metrics, METRICS_LABELS({"command", span_of("at")}, {"a", span_of("b")}),
                  UINT64_MAX);
}

static void a_counter_has_total_in_its_samples_and_in_the_family_of_the_text_form_only(void)
{
    check_both(write_counter,
               "# HELP zherd_commands_total Commands taken.\n"
               "# TYPE zherd_commands_total counter\n"
               "zherd_commands_total{command=\"iamat\"} 7\n"
               "zherd_commands_total{command=\"at\",a=\"b\"} 18446744073709551615\n",
               "# HELP zherd_commands Commands taken.\n"
               "# TYPE zherd_commands counter\n"
               "zherd_commands_total{command=\"iamat\"} 7\n"
               "zherd_commands_total{command=\"at\",a=\"b\"} 18446744073709551615\n"
               "# EOF\n");
}

static void write_gauges(struct metrics *metrics)
{
    metrics_one(metrics, METRICS_GAUGE, "zherd_clients", "Clients.", 0);
    metrics_family(metrics, METRICS_GAUGE, "zherd_clock_offset_seconds", "Clock.");
    metrics_nanos(metrics, NULL, -1);
    metrics_family(metrics, METRICS_COUNTER, "zherd_cpu_seconds", "Used.");
    metrics_nanos(metrics, NULL, INT64_C(90000000000));
}

static void a_unit_is_told_in_openmetrics_and_nanoseconds_are_written_as_seconds(void)
{
    check_both(write_gauges,
               "# HELP zherd_clients Clients.\n"
               "# TYPE zherd_clients gauge\n"
               "zherd_clients 0\n"
               "# HELP zherd_clock_offset_seconds Clock.\n"
               "# TYPE zherd_clock_offset_seconds gauge\n"
               "zherd_clock_offset_seconds -0.000000001\n"
               "# HELP zherd_cpu_seconds_total Used.\n"
               "# TYPE zherd_cpu_seconds_total counter\n"
               "zherd_cpu_seconds_total 90.0\n",
               "# HELP zherd_clients Clients.\n"
               "# TYPE zherd_clients gauge\n"
               "zherd_clients 0\n"
               "# HELP zherd_clock_offset_seconds Clock.\n"
               "# TYPE zherd_clock_offset_seconds gauge\n"
               "# UNIT zherd_clock_offset_seconds seconds\n"
               "zherd_clock_offset_seconds -0.000000001\n"
               "# HELP zherd_cpu_seconds Used.\n"
               "# TYPE zherd_cpu_seconds counter\n"
               "# UNIT zherd_cpu_seconds seconds\n"
               "zherd_cpu_seconds_total 90.0\n"
               "# EOF\n");
}

static void write_extremes(struct metrics *metrics)
{
    static const int64_t values[] = {INT64_MIN, INT64_MAX, 0, 1500000000, -1000000000, 10};
    metrics_family(metrics, METRICS_GAUGE, "g", "G");
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        metrics_nanos(metrics, NULL, values[i]);
}

static void nanoseconds_are_exact_up_to_their_limits(void)
{
    check_page(METRICS_TEXT, write_extremes,
               "# HELP g G\n# TYPE g gauge\n"
               "g -9223372036.854775808\ng 9223372036.854775807\ng 0.0\ng 1.5\ng -1.0\n"
               "g 0.00000001\n");
}

static void write_odd_labels(struct metrics *metrics)
{
    char longest[METRICS_VALUE_BYTES_MAX + 1];
    memset(longest, '"', sizeof longest);
    metrics_family(metrics, METRICS_GAUGE, "g", "G");
    metrics_count(metrics, METRICS_LABELS({"a", {"\\\"\n\r\0\x7f\xc3\xa9{},=", 12}}), 1);
    metrics_count(metrics, METRICS_LABELS({"a", {longest, sizeof longest}}), 1);
    metrics_count(metrics, METRICS_LABELS({"a", {NULL, 0}}), 1);
}

static void no_label_breaks_its_line_and_a_long_one_is_cut(void)
{
    char wanted[1024], quotes[2 * METRICS_VALUE_BYTES_MAX + 1] = "";
    for (size_t i = 0; i < METRICS_VALUE_BYTES_MAX; i++)
        strcat(quotes, "\\\"");
    snprintf(wanted, sizeof wanted,
             "# HELP g G\n# TYPE g gauge\n"
             "g{a=\"\\\\\\\"\\n?"
             "?"
             "?"
             "?"
             "?{},=\"} 1\ng{a=\"%s\"} 1\ng{a=\"\"} 1\n",
             quotes);
    check_page(METRICS_TEXT, write_odd_labels, wanted);
}

static void write_histogram(struct metrics *metrics)
{
    struct histogram histogram = {0};
    histogram_observe(&histogram, 1000);
    histogram_observe(&histogram, 1001);
    histogram_observe(&histogram, INT64_C(20000000001));
    metrics_family(metrics, METRICS_HISTOGRAM, "h_seconds", "H");
    metrics_histogram(metrics, METRICS_LABELS({"x", span_of("y")}), &histogram);
}

static void a_histogram_has_all_its_bounds_and_their_counts_rise_to_the_whole(void)
{
    static const char *const bounds[] = {
        "0.000001", "0.0000025", "0.000005", "0.00001", "0.000025", "0.00005", "0.0001", "0.00025",
        "0.0005",   "0.001",     "0.0025",   "0.005",   "0.01",     "0.025",   "0.05",   "0.1",
        "0.25",     "0.5",       "1.0",      "2.5",     "5.0",      "10.0",    "+Inf"};
    char wanted[4096];
    size_t bytes = (size_t)snprintf(wanted, sizeof wanted,
                                    "# HELP h_seconds H\n# TYPE h_seconds histogram\n"
                                    "# UNIT h_seconds seconds\n");
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        bytes += (size_t)snprintf(wanted + bytes, sizeof wanted - bytes,
                                  "h_seconds_bucket{x=\"y\",le=\"%s\"} %d\n", bounds[i],
                                  i == 0                  ? 1
                                  : i == HISTOGRAM_BOUNDS ? 3
                                                          : 2);
    snprintf(wanted + bytes, sizeof wanted - bytes,
             "h_seconds_sum{x=\"y\"} 20.000002002\nh_seconds_count{x=\"y\"} 3\n# EOF\n");
    check_page(METRICS_OPENMETRICS, write_histogram, wanted);
}

static void write_long_sum(struct metrics *metrics)
{
    struct histogram histogram = {.sum_carries = 3, .sum_ns = 5};
    metrics_family(metrics, METRICS_HISTOGRAM, "h", "H");
    metrics_histogram(metrics, NULL, &histogram);
}

static void a_sum_beyond_64_bits_of_nanoseconds_is_exact(void)
{
    struct buffer out = {0};
    struct metrics metrics = metrics_begin(METRICS_TEXT, &out);
    write_long_sum(&metrics);
    buffer_append(&out, (struct span){"", 1});
    CHECK(strstr(out.data, "h_bucket{le=\"+Inf\"} 0\nh_sum 3000000000.000000005\nh_count 0\n") !=
          NULL);
    buffer_free(&out);
}

static void openmetrics_is_for_those_who_name_it_and_want_nothing_else_more(void)
{
    static const struct {
        const char *accept;
        enum metrics_form form;
    } rows[] = {
        {"", METRICS_TEXT},
        {"*/*", METRICS_TEXT},
        {"text/plain", METRICS_TEXT},
        {"application/openmetrics-text", METRICS_OPENMETRICS},
        {"Application/OpenMetrics-Text ; Version=\"1.0.0\"", METRICS_OPENMETRICS},
        {"application/openmetrics-text;version=0.0.1", METRICS_TEXT},
        {"application/openmetrics-text;version=2.0.0", METRICS_TEXT},
        {"application/openmetrics-text;q=0", METRICS_TEXT},
        {"application/openmetrics-text;q=0.000", METRICS_TEXT},
        {"application/openmetrics-text;q=0.001", METRICS_OPENMETRICS},
        {"application/openmetrics-text;q=0.5,text/plain;q=0.75", METRICS_TEXT},
        {"text/plain;q=0.5,application/openmetrics-text;q=0.5", METRICS_OPENMETRICS},
        {"application/openmetrics-text;q=nonsense", METRICS_TEXT},
        {"application/openmetrics-text;q=9.9", METRICS_OPENMETRICS},
        {"application/openmetrics", METRICS_TEXT},
        {",;,=;\"", METRICS_TEXT},
        {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
         "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         METRICS_OPENMETRICS},
        {"application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;"
         "version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         METRICS_OPENMETRICS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t bytes = strlen(rows[i].accept);
        CHECK_INT(metrics_choose((struct span){check_at_page_end(rows[i].accept, bytes), bytes}),
                  rows[i].form);
        for (size_t cut = 0; cut < bytes; cut++)
            metrics_choose((struct span){check_at_page_end(rows[i].accept, cut), cut});
    }
    CHECK(strcmp(metrics_content_type(METRICS_TEXT), "text/plain; version=0.0.4; charset=utf-8") ==
          0);
    CHECK(strcmp(metrics_content_type(METRICS_OPENMETRICS),
                 "application/openmetrics-text; version=1.0.0; charset=utf-8") == 0);
}

static void write_process(struct metrics *metrics)
{
    static const struct process_figures figures = {
        .started_ns = INT64_C(1621464827959498503),
        .cpu_ns = 1500000000,
        .resident_bytes = 4096,
        .virtual_bytes = 8192,
        .descriptors = 9,
        .descriptors_max = 1024,
    };
    process_metrics(metrics, "placesd", "0.1.0", "abc", &figures);
}

static void a_process_has_the_names_that_client_libraries_use(void)
{
    check_page(METRICS_TEXT, write_process,
               "# HELP zherd_build_info 1, for what was built: the program, its version and its "
               "commit.\n"
               "# TYPE zherd_build_info gauge\n"
               "zherd_build_info{program=\"placesd\",version=\"0.1.0\",commit=\"abc\"} 1\n"
               "# HELP process_cpu_seconds_total Processor time used, in user and system mode.\n"
               "# TYPE process_cpu_seconds_total counter\n"
               "process_cpu_seconds_total 1.5\n"
               "# HELP process_resident_memory_bytes Memory of the process in RAM.\n"
               "# TYPE process_resident_memory_bytes gauge\n"
               "process_resident_memory_bytes 4096\n"
               "# HELP process_virtual_memory_bytes Address space of the process.\n"
               "# TYPE process_virtual_memory_bytes gauge\n"
               "process_virtual_memory_bytes 8192\n"
               "# HELP process_open_fds Open file descriptors.\n"
               "# TYPE process_open_fds gauge\n"
               "process_open_fds 9\n"
               "# HELP process_max_fds File descriptors that the process may open.\n"
               "# TYPE process_max_fds gauge\n"
               "process_max_fds 1024\n"
               "# HELP process_start_time_seconds When the process began, in Unix time.\n"
               "# TYPE process_start_time_seconds gauge\n"
               "process_start_time_seconds 1621464827.959498503\n");
}

static const struct check_case cases[] = {
    {"a page of nothing is empty, or its end", a_page_of_nothing_is_empty_or_its_end},
    {"a counter has _total in its samples, and in its family in the text form only",
     a_counter_has_total_in_its_samples_and_in_the_family_of_the_text_form_only},
    {"a unit is told in OpenMetrics, and nanoseconds are written as seconds",
     a_unit_is_told_in_openmetrics_and_nanoseconds_are_written_as_seconds},
    {"nanoseconds are exact up to their limits", nanoseconds_are_exact_up_to_their_limits},
    {"no label breaks its line, and a long one is cut",
     no_label_breaks_its_line_and_a_long_one_is_cut},
    {"a histogram has all its bounds, and their counts rise to the whole",
     a_histogram_has_all_its_bounds_and_their_counts_rise_to_the_whole},
    {"a sum beyond 64 bits of nanoseconds is exact", a_sum_beyond_64_bits_of_nanoseconds_is_exact},
    {"OpenMetrics is for those who name it and want nothing else more",
     openmetrics_is_for_those_who_name_it_and_want_nothing_else_more},
    {"a process has the names that client libraries use",
     a_process_has_the_names_that_client_libraries_use},
};

CHECK_MAIN(cases)
