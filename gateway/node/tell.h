/* tell: what happens on a node's links, told to those who watch it.
 *
 * The log hears of everything. Whoever started the node reads its standard output, line by line
 * (topology/status.h), and hears that it is ready and which links to neighbours are up; of an
 * observer's link it hears nothing, because nobody waits for that. */
#ifndef ZHERD_GATEWAY_NODE_TELL_H
#define ZHERD_GATEWAY_NODE_TELL_H

#include "bus/flood.h"
#include "bus/net/bus.h"
#include "gateway/text/logline.h"

/* A line on standard output that nobody takes is dropped: a full pipe must not stop the node. */
void tell_ready(void);

/* `peer` is the name at the other end. */
void tell_event(struct logline *lines, const char *peer, bool is_neighbour,
                const struct link_event *event);

/* Somebody of that name, which may hold any bytes, spoke to us and is no neighbour in the file that
 * was read at that moment (nanoseconds since 1970). */
void tell_stranger(struct logline *lines, struct span name, int64_t read_ns);

/* The same of each name that the bus has to tell of. */
void tell_strangers(struct logline *lines, struct bus *bus, int64_t read_ns);

#endif
