/* figures: what a landmarks server shows to whoever watches it, as metrics and as JSON.
 *
 * It counts nothing: the server does. Names begin with `zherd_landmarks_`.
 *
 * Invariant: both pages hold no place that was asked about and nobody's address. */
#ifndef ZHERD_PLACESD_LANDMARKS_DATA_FIGURES_H
#define ZHERD_PLACESD_LANDMARKS_DATA_FIGURES_H

#include <stdint.h>

#include "bus/base/bytes.h"
#include "topology/format/process_metrics.h"

enum figures_answer {
    FIGURES_OK,
    FIGURES_NONE,        /* there is no place within the circle */
    FIGURES_INVALID,     /* the question is wrong, which is said inside HTTP 200 */
    FIGURES_FAILED,      /* the database could not be read: the connection is closed */
    FIGURES_NOT_FOUND,   /* another path: HTTP 404 */
    FIGURES_NOT_ALLOWED, /* neither GET nor HEAD: HTTP 405 */
    FIGURES_ANSWERS
};

struct figures {
    uint64_t answers[FIGURES_ANSWERS];
    struct histogram searched;     /* how long the database took for a question */
    uint64_t connections;          /* that are there, */
    uint32_t connections_max;      /* of as many at most; */
    uint64_t refused;              /* of an address that had its share; */
    uint64_t cut;                  /* whose time was over */
    uint64_t opened, opened_badly; /* how often the database was read again */
};

/* Appends the whole page; `commit` is of the build, "" where it is not known. */
void figures_write_metrics(const struct figures *figures, const char *commit,
                           const struct process_figures *process, enum metrics_form form,
                           struct buffer *out);

/* Appends one JSON object and an LF; zherd-landmarks(1) has its keys. */
void figures_write_status(const struct figures *figures, const char *commit,
                          const struct process_figures *process, struct buffer *out);

#endif
