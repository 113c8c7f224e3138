/* node_log: the log as a node's options and file want it: where it goes, what its lines look like,
 * and which of them there are. The lines themselves are written by topology/log.h. */
#ifndef ZHERD_GATEWAY_NODE_NODE_LOG_H
#define ZHERD_GATEWAY_NODE_NODE_LOG_H

#include "bus/base/fault.h"
#include "gateway/node/gateway.h"
#include "gateway/text/session.h"
#include "topology/log.h"

/* Opens it, and has `lines` take what is wanted; NULL with a sentence. */
struct log *node_log_open(const struct gateway_options *options,
                          const struct gateway_limits *limits, struct logline *lines,
                          struct fault *fault);

/* Which commands are noted, of sessions from now on. */
void node_log_commands(const struct gateway_limits *limits, struct session_node *node);

/* Opens where a file that is read again wants the log to go, for node_log_change. False and a
 * sentence where that cannot be done; then, and where it is not taken, log_leave has to follow. */
bool node_log_read(struct log *log, const struct gateway_options *options,
                   const struct gateway_limits *limits, struct fault *fault);

/* Other limits than at the start, or at the last call: all of them count from here on. False where
 * the log is to become standard output, or is it and is to become another file: it stays where it
 * is. */
bool node_log_change(struct log *log, const struct gateway_options *options,
                     const struct gateway_limits *limits, struct logline *lines,
                     struct session_node *node);

/* Once a second: what was not written, and that the queue is nearly full. */
void node_log_second(struct log *log, struct logline *lines, int64_t realtime_ns);

#endif
