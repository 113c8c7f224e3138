/* process_metrics: what every program of ours says of its own process and build, under the names
 * that Prometheus' client libraries use (prometheus.io/docs/instrumenting/writing_clientlibs).
 *
 * The numbers come from topology/process_figures.h; pages of what a program does are its own. */
#ifndef ZHERD_TOPOLOGY_FORMAT_PROCESS_METRICS_H
#define ZHERD_TOPOLOGY_FORMAT_PROCESS_METRICS_H

#include <stdint.h>

#include "topology/format/metrics.h"

struct process_figures {
    int64_t started_ns; /* Unix time */
    int64_t cpu_ns;     /* in user and system mode, of all threads */
    uint64_t resident_bytes, virtual_bytes;
    uint64_t descriptors, descriptors_max; /* open ones; as many as it may open */
};

/* Appends zherd_build_info, whose labels are these words (`commit` "" where it is not known), and
 * the families process_*. */
void process_metrics(struct metrics *metrics, const char *program, const char *version,
                     const char *commit, const struct process_figures *figures);

#endif
