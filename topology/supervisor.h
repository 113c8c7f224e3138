/* supervisor: what `zherd up` decides: when a child is started, started again or given up, when one
 * that is silent is ended, and whether the herd is whole; and who already runs a herd.
 *
 * A child is one process: the gateway of each node, in the order of the topology, after them a
 * placesd for each `places` of the topology, and a zherd-web for each `web`. Those that belong to
 * other hosts are nobody's children here, and nothing is known of them. It starts and stops nothing
 * itself; time is an argument, in milliseconds of any clock that never runs backwards.
 *
 * Invariant: the herd is whole exactly while every child has said that it is ready and every end of
 * a link that is here has said that it is up. */
#ifndef ZHERD_TOPOLOGY_SUPERVISOR_H
#define ZHERD_TOPOLOGY_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "topology/format/topology.h"
#include "topology/status.h"

/* A child that dies is started again after this, then after twice as long, and so on. */
#define UP_PAUSE_MS_MIN 1000
#define UP_PAUSE_MS_MAX 30000
/* A child that lived this long has recovered: its next death counts as its first. */
#define UP_RECOVERED_MS 30000
/* A child whose loop turns says so twice in this time (topology/notify.h). One that is silent for
 * as long is ended by ABRT, which leaves a core where the system keeps them, and by KILL where it
 * is there still after UP_ABORT_MS more: one that is stopped, too. */
#define UP_SILENCE_MS 10000
#define UP_ABORT_MS   5000
/* Whoever looks later than this has been away, as all are who are stopped at a terminal: then the
 * silence counts from the look on. */
#define UP_AWAY_MS 1000
/* A sentence about what the herd still lacks; cut to this. */
#define UP_MISSING_BYTES_MAX 400

struct supervisor;

/* Borrows the topology. Every child is due to be started at once. `is_here` says of each whether it
 * belongs to this host, or is NULL where all do. */
struct supervisor *supervisor_new(const struct topology *topology, const bool *is_here);
/* Accepts NULL, sets the caller's pointer to NULL. */
void supervisor_destroy(struct supervisor **core);

size_t supervisor_children(const struct supervisor *core);
const char *supervisor_name(const struct supervisor *core, size_t child);
/* Whether it belongs to this host. */
bool supervisor_has(const struct supervisor *core, size_t child);

/* A child that is due to be started, or false. Answer with supervisor_started. */
bool supervisor_next_start(const struct supervisor *core, int64_t now_ms, size_t *child);
/* When the next child is due to be started or ended; INT64_MAX when none is. */
int64_t supervisor_deadline_ms(const struct supervisor *core);
void supervisor_started(struct supervisor *core, size_t child, int64_t now_ms);

/* A running child said something. False when that is no news: it said so before, or it has no
 * such link. */
bool supervisor_take_status(struct supervisor *core, size_t child, const struct status *status,
                            int64_t now_ms);

/* A running child said that its loop turns. It is watched from then on, and from `ready` on. */
void supervisor_alive(struct supervisor *core, size_t child, int64_t now_ms);

/* A running child that was silent for too long, each once for ABRT and, `at_once`, for KILL; or
 * false.
 */
bool supervisor_next_silent(struct supervisor *core, int64_t now_ms, size_t *child, bool *at_once);

enum up_verdict {
    UP_START_AGAIN, /* supervisor_deadline_ms has the time */
    UP_GIVE_UP, /* it refused to start (status 1 or 2) and was never ready: a wrong file or a taken
                   port does not heal by trying again */
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

/* Who holds the lock of flock(2) on a herd's file, found in `locks`, the text of /proc/locks
 * (proc_locks(5)): the process that has the file of this device and inode (stat(2), major(3),
 * minor(3)) to itself; 0 where the text names none. Some file systems show another device there
 * than to stat(2): then the inode alone decides. */
long supervisor_find_lock_holder(struct span locks, uint32_t device_major, uint32_t device_minor,
                                 uint64_t inode);

#endif
