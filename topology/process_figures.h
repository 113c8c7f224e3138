/* process_figures: what this process uses, as the system says (proc(5), getrusage(2)).
 *
 * Where the system does not say, a number is 0. Invariant: nothing here takes longer the more the
 * process has, but for process_count_descriptors. */
#ifndef ZHERD_TOPOLOGY_PROCESS_FIGURES_H
#define ZHERD_TOPOLOGY_PROCESS_FIGURES_H

#include "topology/format/process_metrics.h"

/* Once, when the program begins: that moment is its beginning. */
void process_begin(struct process_figures *figures);

/* All that changes, but for the descriptors. */
void process_read(struct process_figures *figures);

/* Those, at once from Linux 6.2 on (proc_pid_fd(5)); before, each is listed, which takes some
 * microseconds each: not for a loop with thousands of connections. */
void process_count_descriptors(struct process_figures *figures);

#endif
