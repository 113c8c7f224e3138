/* monitor_request: what a request to a monitor (topology/monitor.h) is answered: which page, in
 * which form (topology/format/metrics.h), or which refusal.
 *
 * It takes a request's parts as an HTTP library has taken it apart, and knows no connection and no
 * page's content. The token's comparison takes as long for a wrong one as for the right one of the
 * same length.
 *
 * Invariant: with a token, no page but the two probes is given to whoever does not have it. */
#ifndef ZHERD_TOPOLOGY_FORMAT_MONITOR_REQUEST_H
#define ZHERD_TOPOLOGY_FORMAT_MONITOR_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/bytes.h"
#include "bus/base/fault.h"
#include "topology/format/metrics.h"

/* Of a token: 128 bits at least as 16 letters and digits cannot be guessed over a network. */
#define MONITOR_TOKEN_BYTES_MIN 16
#define MONITOR_TOKEN_BYTES_MAX 256

/* Headers are NULL where the request has none. */
struct monitor_request {
    const char *method, *path; /* the path without a query */
    const char *authorization, *accept;
};

enum monitor_answer {
    MONITOR_METRICS,
    MONITOR_STATUS,
    MONITOR_HEALTH,
    MONITOR_READY,
    MONITOR_UNKNOWN,     /* 404: no such path */
    MONITOR_NOT_ALLOWED, /* 405: neither GET nor HEAD */
    MONITOR_NO_TOKEN,    /* 401: it wants the token, as `Authorization: Bearer TOKEN` (RFC 6750) */
    MONITOR_ANSWERS
};

/* `token` is empty where none is wanted. */
enum monitor_answer monitor_answer(const struct monitor_request *request, struct span token);

/* The form of the metrics that it asks for. */
enum metrics_form monitor_form(const struct monitor_request *request);

/* The token in a file's content: all of it but blanks and line ends at its end. False, with a
 * fault to stand after the file's name, unless that is printable ASCII without blanks, of
 * MONITOR_TOKEN_BYTES_MIN to MONITOR_TOKEN_BYTES_MAX bytes. */
bool monitor_token_find(struct span content, struct span *token, struct fault *fault);

#endif
