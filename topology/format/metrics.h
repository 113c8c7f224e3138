/* metrics: figures as a monitoring system reads them, in two forms: Prometheus' text format 0.0.4
 * (prometheus.io/docs/instrumenting/exposition_formats) and OpenMetrics 1.0.0
 * (prometheus.io/docs/specs/om/open_metrics_spec). Prometheus asks for the latter wherever it is
 * offered, people with curl get the former.
 *
 * It writes what its caller counts and counts nothing itself. It knows no name: what is exported
 * under which stands in each program's page. All numbers are whole or a whole count of
 * nanoseconds, and are written exactly, never as a float.
 *
 * Invariant: whatever the values of labels, each sample is one line of printable ASCII that both
 * forms' readers take. That no family and no set of labels comes twice is the caller's part. */
#ifndef ZHERD_TOPOLOGY_FORMAT_METRICS_H
#define ZHERD_TOPOLOGY_FORMAT_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/histogram.h"

/* Longer values are cut: of all that labels hold, only a provider's or a build's words are free. */
#define METRICS_VALUE_BYTES_MAX 128
#define METRICS_LABELS_MAX      6

enum metrics_form { METRICS_TEXT, METRICS_OPENMETRICS };

enum metrics_kind { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

/* The form for whoever asks with this Accept header (RFC 9110, 12.5.1), "" for none: OpenMetrics
 * where it is named, in version 1.0.0 or without one, and no other form is wanted more. */
enum metrics_form metrics_choose(struct span accept);

/* The Content-Type of an answer. */
const char *metrics_content_type(enum metrics_form form);

/* Names are ours: letters, digits and _. */
struct metrics_label {
    const char *name;
    struct span value;
};

struct metrics_labels {
    struct metrics_label list[METRICS_LABELS_MAX + 1]; /* up to the first without a name */
};

/* For calls below: METRICS_LABELS({"peer", name}, {"state", span_of("up")}). */
#define METRICS_LABELS(...) (&(const struct metrics_labels){{__VA_ARGS__}})

/* A page that is being written. Fields are its own. */
struct metrics {
    struct buffer *out;
    enum metrics_form form;
    enum metrics_kind kind;
    const char *family;
};

/* Appends to `out`, which is borrowed. */
struct metrics metrics_begin(enum metrics_form form, struct buffer *out);

/* What follows belongs to this family until the next. The name, borrowed, is that of the family
 * without `_total`, which samples of a counter get, and ends with its unit where it has one:
 * `_seconds`, `_bytes`, `_metres`, `_ratio`. `help` is one line without \ and ", and not empty. */
void metrics_family(struct metrics *metrics, enum metrics_kind kind, const char *name,
                    const char *help);

/* One sample of a counter or gauge. `labels` NULL: none. */
void metrics_count(struct metrics *metrics, const struct metrics_labels *labels, uint64_t value);
/* The same in units of a billionth: nanoseconds of a metric in seconds. A counter's is not below 0.
 */
void metrics_nanos(struct metrics *metrics, const struct metrics_labels *labels, int64_t nanos);
/* One set of labels of a histogram, whose label `le` is none of them. */
void metrics_histogram(struct metrics *metrics, const struct metrics_labels *labels,
                       const struct histogram *histogram);

/* A family of one counter or gauge without labels. */
void metrics_one(struct metrics *metrics, enum metrics_kind kind, const char *name,
                 const char *help, uint64_t value);

/* The page is whole. */
void metrics_end(struct metrics *metrics);

#endif
