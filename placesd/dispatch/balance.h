/* balance: which question goes to which worker, and what becomes of it if that worker falls
 * silent. Askers take turns: each has a line of its own, and as much room as is free.
 *
 * It keeps questions only as numbers ("jobs") and workers only as names; the bytes of questions
 * and answers are the broker's. It opens no socket and reads no clock: time is an argument, in
 * milliseconds of any clock that never runs backwards. What must be done is pulled as actions.
 *
 * Invariant: every job that balance_ask took ends exactly once, either because balance_done said
 * true for it or by a BALANCE_FAIL action, and does so by its deadline. */
#ifndef ZHERD_PLACESD_DISPATCH_BALANCE_H
#define ZHERD_PLACESD_DISPATCH_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "placesd/dispatch/share.h"
#include "placesd/lookup.h"

/* Jobs that wait for a worker, of all askers (placesd/dispatch/share.h). More would only wait in
 * vain: one more is answered "busy". */
#define BALANCE_WAITING_MAX 1024
/* All jobs, waiting or with a worker; a power of two (see balance_slot). */
#define BALANCE_JOBS_MAX 4096
/* Workers at a time; one more is not taken. */
#define BALANCE_WORKERS_MAX 256
/* A worker speaks at least this often ... */
#define BALANCE_HEARTBEAT_MS 1000
/* ... and is dropped after three intervals of silence. */
#define BALANCE_SILENCE_MS (3 * BALANCE_HEARTBEAT_MS)
/* Before that, one quiet for this long is spoken to, again and again: a connection that is gone
 * shows itself then. */
#define BALANCE_QUIET_MS (BALANCE_HEARTBEAT_MS / 2)
/* ZeroMQ's limit for a routing id. */
#define BALANCE_NAME_BYTES_MAX 255

struct balance;

/* `seed`, drawn at random, keeps the numbers of one life from being answered in the next. */
struct balance *balance_new(uint64_t seed);
/* Accepts NULL, sets the caller's pointer to NULL. */
void balance_destroy(struct balance **balance);

/* A question with `deadline_ms` left, 1 or more. `asker` is below SHARE_ASKERS_MAX. Its
 * number in `*job`, or false: too many wait, or too many are the asker's. */
bool balance_ask(struct balance *balance, uint32_t asker, uint32_t deadline_ms, int64_t now_ms,
                 uint64_t *job);

/* Somebody else asks the same. Where the job still waits, and his line is shorter, it is his from
 * now on: nobody waits longer because a greedy one asked before. */
void balance_hasten(struct balance *balance, uint64_t job, uint32_t asker);

/* Jobs of that asker, waiting or with a worker. */
uint32_t balance_held(const struct balance *balance, uint32_t asker);

/* Where the caller may keep what belongs to a job: below BALANCE_JOBS_MAX, and no two unfinished
 * jobs share one. */
static inline uint32_t balance_slot(uint64_t job)
{
    return (uint32_t)(job % BALANCE_JOBS_MAX);
}

enum balance_welcome {
    BALANCE_JOINED, /* a new worker */
    BALANCE_KNOWN,  /* its heartbeat */
    BALANCE_CROWDED /* there are BALANCE_WORKERS_MAX already: not taken */
};

/* A worker says that it lives and takes up to `credits` jobs at a time; 0 means no more. The
 * name has at most BALANCE_NAME_BYTES_MAX bytes. */
enum balance_welcome balance_ready(struct balance *balance, struct span worker, uint32_t credits,
                                   int64_t now_ms);

/* Where a worker is; it has no address before. A longer text is cut to what a lookup_host holds. */
void balance_locate(struct balance *balance, struct span worker, struct span address);

/* Workers that are there; and by address, those with one, of LOOKUP_HOSTS_MAX addresses. */
uint32_t balance_workers(const struct balance *balance);
uint32_t balance_hosts(const struct balance *balance, struct lookup_host hosts[LOOKUP_HOSTS_MAX]);

/* A worker answered. True if this is the one answer of that job: pass it on, the job is over.
 * False for a job that is over, is with another worker or never was: drop it. */
bool balance_done(struct balance *balance, struct span worker, uint64_t job, int64_t now_ms);
/* Whether balance_done would say true; changes nothing. */
bool balance_expects(const struct balance *balance, struct span worker, uint64_t job);

/* The connection to a worker is gone: what it had is given once to another. */
void balance_lose(struct balance *balance, struct span worker);

/* The service ends: every unfinished job fails with LOOKUP_UNAVAILABLE, as actions. */
void balance_stop(struct balance *balance);

enum balance_action_kind {
    BALANCE_GIVE,  /* send `job` to `worker`, who has `left_ms` milliseconds for it */
    BALANCE_FAIL,  /* answer `job` with `code`: LOOKUP_TIMEOUT or LOOKUP_UNAVAILABLE; it is over */
    BALANCE_LEFT,  /* `worker` is dropped: fell silent or was lost */
    BALANCE_PROBE, /* `worker` is quiet: say something to it, and balance_lose if that fails */
};

struct balance_action {
    enum balance_action_kind kind;
    uint64_t job;
    struct span worker; /* borrowed until the next call */
    uint32_t left_ms;
    bool again; /* another worker was lost with this job */
    enum lookup_code code;
};

/* The next thing to do at this moment, or false. Call until it says false. */
bool balance_next(struct balance *balance, int64_t now_ms, struct balance_action *action);

/* When balance_next must be asked again although nothing happened; INT64_MAX for never. */
int64_t balance_deadline_ms(const struct balance *balance);

#endif
