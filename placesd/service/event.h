/* event: one line of placesd's log per thing that happened, and the standing of a fault that would
 * otherwise fill the log.
 *
 * Any thread may write, and none waits for whoever reads. It is not for commands: a look-up that
 * succeeds leaves no line. */
#ifndef ZHERD_PLACESD_SERVICE_EVENT_H
#define ZHERD_PLACESD_SERVICE_EVENT_H

#include <stdint.h>

#include "bus/base/growth.h"

/* Longer lines are cut: a reason is a sentence, not a page. */
#define EVENT_LINE_BYTES_MAX 1024
/* One fault is logged at most this often. */
#define EVENT_PAUSE_MS 10000

/* One line of the log (topology/program_log.h); `kind` is start, stop, insecure, worker, provider,
 * budget, landmarks, keys, reload, ready, or fault for what an operator should look at. */
void event_log(const char *kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One kind of fault. All zero at first. */
struct event_fault {
    uint64_t count;
    struct growth logged;
};

/* Counts the fault and logs it, with how many like it were not logged, unless one was logged in
 * the last EVENT_PAUSE_MS. */
void event_log_fault(struct event_fault *fault, int64_t now_ms, const char *text);

/* The same for a fault that somebody else counts; nothing where the count did not grow. */
void event_log_growth(struct growth *logged, uint64_t count, int64_t now_ms, const char *text);

#endif
