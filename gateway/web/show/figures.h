/* figures: what zherd-web says of itself and its node: a page of metrics, /healthz, and the data of
 * the event `herd`, and the herd's graph.
 *
 * It writes what its caller counts. Invariant: names of metrics, and of members of JSON, once they
 * are out, keep their meaning. */
#ifndef ZHERD_GATEWAY_WEB_SHOW_FIGURES_H
#define ZHERD_GATEWAY_WEB_SHOW_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/flood.h"
#include "gateway/web/parse/relay.h"
#include "gateway/web/show/stream.h"
#include "topology/format/metrics.h"
#include "topology/format/process_metrics.h"
#include "topology/format/topology.h"

struct web_counts {
    uint64_t accepted; /* positions that were taken */
    uint64_t skipped;  /* what an app sends and is no position */
    uint64_t refused;  /* requests that were no good */
    uint64_t shown;    /* answers about positions that were begun */
    uint64_t asked;    /* WHATSATs of the node */
    uint64_t denied;   /* requests that the access rules do not allow */
    uint64_t too_fast; /* positions that had to wait for a rate */
};

struct web_figures {
    struct web_counts count;
    struct relay_figures relay;
    struct stream_figures stream;
    size_t held;                           /* positions that wait for a rate, at this moment */
    size_t connections, pages, body_bytes; /* likewise */
    bool hides_clients;                    /* from whoever may not see all */
    bool is_open;                          /* the node's text door */
    bool is_heard;                         /* its bus */
    bool is_complete;                      /* all of its table came once */
    uint32_t clients;
    struct process_figures process;
    const char *commit;
};

void web_write_metrics(const struct web_figures *figures, enum metrics_form form,
                       struct buffer *page);

/* One JSON object and an LF. */
void web_write_health(const struct web_figures *figures, struct buffer *page);

/* `clients` is NULL where that is hidden. Appends the data of `herd`: what the node's status says
 * of its links to other nodes, if there is any. */
void web_write_herd(const struct topology *topology, const struct topology_node *node,
                    bool is_heard, const uint32_t *clients, const struct flood_status *status,
                    struct buffer *out);

/* Appends the answer to /herd: the names of all nodes, and of the two ends of each link. */
void web_write_graph(const struct topology *topology, struct buffer *out);

#endif
