#include "topology/format/process_metrics.h"

void process_metrics(struct metrics *metrics, const char *program, const char *version,
                     const char *commit, const struct process_figures *figures)
{
    metrics_family(metrics, METRICS_GAUGE, "zherd_build_info",
                   "1, for what was built: the program, its version and its commit.");
    metrics_count(metrics,
                  METRICS_LABELS({"program", span_of(program)}, {"version", span_of(version)},
                                 {"commit", span_of(commit)}),
                  1);
    metrics_family(metrics, METRICS_COUNTER, "process_cpu_seconds",
                   "Processor time used, in user and system mode.");
    metrics_nanos(metrics, NULL, figures->cpu_ns);
    metrics_one(metrics, METRICS_GAUGE, "process_resident_memory_bytes",
                "Memory of the process in RAM.", figures->resident_bytes);
    metrics_one(metrics, METRICS_GAUGE, "process_virtual_memory_bytes",
                "Address space of the process.", figures->virtual_bytes);
    metrics_one(metrics, METRICS_GAUGE, "process_open_fds", "Open file descriptors.",
                figures->descriptors);
    metrics_one(metrics, METRICS_GAUGE, "process_max_fds",
                "File descriptors that the process may open.", figures->descriptors_max);
    metrics_family(metrics, METRICS_GAUGE, "process_start_time_seconds",
                   "When the process began, in Unix time.");
    metrics_nanos(metrics, NULL, figures->started_ns);
}
