/* supervisor: what `zherd up` decides: when a child is started, started again or given up, and
 * whether the herd is whole.
 *
 * A child is one process: the gateway of each node, in the order of the topology, and behind
 * them a placesd for each `places` of the topology. It starts and stops nothing itself; time is an
 * argument, in milliseconds of any clock that never runs backwards.
 *
 * Invariant: the herd is whole exactly while every child has said that it is ready and both ends
 * of every link have said that it is up. */
#ifndef ZHERD_TOPOLOGY_SUPERVISOR_H
#define ZHERD_TOPOLOGY_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/format/topology.h"
#include "topology/status.h"

/* A child that dies is started again after this, then after twice as long, and so on. */
#define UP_PAUSE_MS_MIN 100
#define UP_PAUSE_MS_MAX 5000
/* Whoever lived this long has recovered: its next death counts as its first. */
#define UP_RECOVERED_MS 10000
/* A sentence about what the herd still lacks; cut to this. */
#define UP_MISSING_BYTES_MAX 400

struct supervisor;

/* Borrows the topology. Every child is due to be started at once. */
struct supervisor *supervisor_new(const struct topology *topology);
/* Accepts NULL, sets the caller's pointer to NULL. */
void supervisor_destroy(struct supervisor **core);

size_t supervisor_children(const struct supervisor *core);
const char *supervisor_name(const struct supervisor *core, size_t child);

/* A child that is due to be started, or false. Answer with supervisor_started. */
bool supervisor_next_start(const struct supervisor *core, int64_t now_ms, size_t *child);
/* When the next child is due to be started; INT64_MAX when none waits. */
int64_t supervisor_deadline_ms(const struct supervisor *core);
void supervisor_started(struct supervisor *core, size_t child, int64_t now_ms);

/* A running child said something. False when that is no news: it said so before, or it has no
 * such link. */
bool supervisor_take_status(struct supervisor *core, size_t child, const struct status *status);

enum up_verdict {
    UP_START_AGAIN, /* supervisor_next_start will tell when */
    UP_GIVE_UP, /* it refused to start (status 1 or 2) in a herd that has never been whole: a wrong
                   file or a taken port does not heal by trying again */
};

/* A running child ended, with an exit status or (-1) by a signal. `pause_ms` is how long it waits
 * now. */
enum up_verdict supervisor_exited(struct supervisor *core, size_t child, int exit_status,
                                  int64_t now_ms, int64_t *pause_ms);

/* Whether a running child has said that it is ready. */
bool supervisor_is_ready(const struct supervisor *core, size_t child);

bool supervisor_is_whole(const struct supervisor *core);

/* Whether the herd has ever been whole. */
bool supervisor_was_whole(const struct supervisor *core);

/* "Ball, link Alford-Ball": who is not ready and which links are not up. */
void supervisor_name_missing(const struct supervisor *core, char missing[UP_MISSING_BYTES_MAX]);

#endif
