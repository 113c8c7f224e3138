/* event: one line on standard error per thing that happened, and the standing of a fault that
 * would otherwise fill the log.
 *
 * Any thread may write. It is not for commands: a look-up that succeeds leaves no line. */
#ifndef ZHERD_PLACESD_SERVICE_EVENT_H
#define ZHERD_PLACESD_SERVICE_EVENT_H

#include <stdint.h>

/* Longer lines are cut: a reason is a sentence, not a page. */
#define EVENT_LINE_BYTES_MAX 1024
/* One fault is told at most this often. */
#define EVENT_PAUSE_MS 10000

/* Writes the time (UTC), the text and a newline in one go. */
void event_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How often one kind of fault has happened since it was last told. All zero at first. */
struct event_fault {
    int64_t quiet_until_ms;
    uint64_t untold;
};

/* Tells the fault, with how many like it were not told, unless one was told in the last
 * EVENT_PAUSE_MS. */
void event_log_fault(struct event_fault *fault, int64_t now_ms, const char *text);

#endif
