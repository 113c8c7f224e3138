/* process: what the measured processes have used so far, from /proc (proc(5)). */
#ifndef ZHERD_TESTS_BENCH_PROCESS_H
#define ZHERD_TESTS_BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_PIDS_MAX 64

/* Sums over all given processes. */
struct process_use {
    int64_t cpu_ns;      /* on a processor, in user and kernel mode, of all living threads */
    int64_t rss_bytes;   /* resident memory */
    int64_t descriptors; /* open ones */
};

/* False, with a line on standard error, when one of them cannot be looked at. */
bool process_look(const pid_t *pids, size_t count, struct process_use *use);

#endif
