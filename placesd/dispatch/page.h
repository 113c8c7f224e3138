/* page: what a broker shows to whoever watches it, as metrics and as JSON.
 *
 * It counts nothing and asks nobody: the broker puts together what it, its dispatcher and its
 * process know. Names begin with `zherd_placesd_`, and what each means stands in its HELP.
 *
 * Invariant: both pages hold no secret, no place that was asked about and no asker. */
#ifndef ZHERD_PLACESD_DISPATCH_PAGE_H
#define ZHERD_PLACESD_DISPATCH_PAGE_H

#include <stdint.h>

#include "bus/base/bytes.h"
#include "placesd/dispatch/dispatcher.h"
#include "topology/format/process_metrics.h"

/* What came to one of a broker's doors and was not taken. */
enum page_refusal {
    PAGE_KEY,    /* a stranger's key */
    PAGE_NO_KEY, /* a message over a connection whose key counts no more */
    PAGE_NO_ENVELOPE,
    PAGE_INVALID,   /* a question that is no look-up; answered so */
    PAGE_NOT_READY, /* a worker's message that is neither READY nor an answer */
    PAGE_CROWDED,   /* a worker beyond the limit */
    PAGE_NONSENSE,  /* a worker's answer that is none */
    PAGE_REFUSALS
};

struct page {
    const char *commit;       /* of the build, "" where it is not known */
    const char *front, *back; /* the endpoints really bound */
    const struct dispatcher_view *view;
    const struct process_figures *process;
    bool reload_failed; /* what HUP had read last was not taken, or not all of it */
    int64_t reloaded_s; /* when it was taken last, or the start; Unix time */
    uint64_t refused[PAGE_REFUSALS];
    uint64_t answers_waiting_bytes; /* that their askers have not read; OUTBOX_BYTES_MAX at most */
    uint64_t answers_dropped;
};

/* Why the broker is not ready, NULL where it is: it is closed, or it has no worker. A worker's
 * provider does not count: the broker answers whatever that does. */
const char *page_why_not_ready(const struct dispatcher_view *view);

/* Appends the whole page. */
void page_write_metrics(const struct page *page, enum metrics_form form, struct buffer *out);

/* Appends one JSON object and an LF; placesd(8) has its keys. */
void page_write_status(const struct page *page, struct buffer *out);

#endif
