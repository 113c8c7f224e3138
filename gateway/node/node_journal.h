/* node_journal: the journal of a node's loop: opened before anybody is let in, given its turns, and
 * what its log says of it. Where the herd has no journal all of it does nothing.
 *
 * Invariant: a disk that fails costs promises, never service. */
#ifndef ZHERD_GATEWAY_NODE_NODE_JOURNAL_H
#define ZHERD_GATEWAY_NODE_NODE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "bus/base/fault.h"
#include "bus/base/growth.h"
#include "bus/disk/journal.h"
#include "bus/flood.h"
#include "gateway/node/gateway.h"
#include "topology/format/logline.h"

/* All zero is none. */
struct node_journal {
    struct journal *journal;
    struct flood *flood;
    uv_async_t wake;
    struct growth failures;
    int64_t show_ns; /* while it is read: when a terminal is to show how much of it */
    bool is_shown;   /* and it did */
    bool is_failing; /* and the log says so */
    bool is_slow;    /* likewise */
};

/* Reads what the node had into the flood, which is new, and writes from now on what changes there.
 * False with a sentence. */
bool node_journal_open(struct node_journal *self, uv_loop_t *loop,
                       const struct gateway_options *options, struct flood *flood,
                       struct logline *lines, struct fault *fault);

/* At the end of a turn. */
void node_journal_turn(struct node_journal *self, int64_t now_ms);
/* When a turn is wanted; INT64_MAX: not by this. */
int64_t node_journal_deadline_ms(const struct node_journal *self);

/* Once a second: what the disk refused, that it is slow, and that it is so no more; STATUS says how
 * far it lags. */
void node_journal_second(struct node_journal *self, struct logline *lines, int64_t realtime_ns,
                         int64_t now_ms);

/* Writes what is due, as far as the disk is quick enough; the log says what is lost. Before the
 * loop is closed. */
void node_journal_close(struct node_journal *self, struct logline *lines);

#endif
