/* status_log: what happens on a node's links, for the log and for whoever watches the node.
 *
 * The log gets everything. Whoever started the node reads its standard output, line by line
 * (topology/status.h), and learns that it is ready and which links to neighbours are up, but
 * nothing of an observer's link, because nobody waits for that. It decides nothing about links. */
#ifndef ZHERD_GATEWAY_NODE_STATUS_LOG_H
#define ZHERD_GATEWAY_NODE_STATUS_LOG_H

#include "bus/flood.h"
#include "bus/net/bus.h"
#include "gateway/text/logline.h"

/* A line on standard output that nobody takes is dropped: a full pipe must not stop the node. */
void status_log_ready(void);

/* `peer` is the name at the other end. */
void status_log_event(struct logline *lines, const char *peer, bool is_neighbour,
                      const struct link_event *event);

/* Somebody of that name, which may hold any bytes, spoke to us and is no neighbour in the file that
 * was read at that moment (nanoseconds since 1970). */
void status_log_stranger(struct logline *lines, struct span name, int64_t read_ns);

/* The same for each name that the bus has not reported yet. */
void status_log_strangers(struct logline *lines, struct bus *bus, int64_t read_ns);

#endif
