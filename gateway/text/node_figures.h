/* node_figures: what a node shows to whoever watches it, as metrics and as JSON.
 *
 * Its owner fills in plain numbers that are kept anyway; nothing is counted here, and no table is
 * walked, so a page costs as much as it has lines: some for each link. What each number means
 * stands in its HELP.
 *
 * Invariant: both pages hold no secret, no id of a client and no client's address. */
#ifndef ZHERD_GATEWAY_TEXT_NODE_FIGURES_H
#define ZHERD_GATEWAY_TEXT_NODE_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/histogram.h"
#include "bus/flood.h"
#include "bus/link/operate_status.h"
#include "bus/operators.h"
#include "gateway/text/address_shares.h"
#include "gateway/text/client_limits.h"
#include "gateway/text/delays.h"
#include "gateway/text/handshakes.h"
#include "gateway/text/phases.h"
#include "gateway/text/reasons.h"
#include "gateway/text/requests.h"
#include "gateway/text/session.h"
#include "gateway/text/watchers.h"
#include "topology/format/process_metrics.h"
#include "topology/format/topology.h"

/* A memory of all connections together, and the look-ups under way. */
struct node_limit {
    uint64_t used, max;
};

/* All zero is a node of which nothing is known. Pointers borrow. */
struct node_figures {
    const struct topology *topology; /* that it runs by */
    const struct topology_node *self;
    enum phase phase;
    uint64_t incarnation;
    const char *commit; /* of the build; "" where it is not known */
    struct process_figures process;
    const struct operate_status *status; /* as an operator hears it */

    const struct flood_link *links; /* all, observers' among them */
    size_t link_count;
    size_t neighbours; /* of these, the first ones */
    struct link_counters bus;
    uint64_t strangers, multiparts, requests_dropped; /* bus/net/bus.h */
    uint64_t keys_refused, impostors;
    struct operators_counters operators;
    const struct delays *delays;

    struct session_counters said;
    struct reasons_counters reasons;
    uint64_t commands_other; /* of these, those that are not counted by their word */
    const struct histogram *replies;
    struct client_limits_counters connections;
    uint64_t connection_faults;
    struct address_shares_counters addresses;
    struct node_limit limits[CLIENT_LIMITS_RESOURCES];
    struct watchers_counters watchers;
    bool has_tls;
    struct handshakes_counters handshakes;

    struct requests_counters requests; /* all zero without a places service */

    bool has_journal;
    uint64_t journal_batches, journal_failed; /* written and synced; of these, in vain */
    uint64_t segments_made, segments_not_made, segments_removed, segments_not_removed;
    struct histogram syncs;

    uint64_t log_bytes_lost, log_lines_refused;

    uint64_t reload_failed; /* 1: what HUP read last was refused */
    int64_t reloaded_ns;    /* when what it read was taken last, or the start; Unix time */

    uint64_t monitor_answers, monitor_refused, monitor_cut;
};

/* Why clients should go to another node: a constant sentence without LF. NULL where it is ready and
 * `up` of its links to neighbours are, one at least, or it has none. */
const char *node_why_not_ready(enum phase phase, size_t neighbours, size_t up);

/* Appends the whole page. */
void node_write_metrics(const struct node_figures *figures, enum metrics_form form,
                        struct buffer *out);

/* Appends one JSON object and an LF; zherd-gateway(8) has its keys. */
void node_write_status(const struct node_figures *figures, struct buffer *out);

#endif
