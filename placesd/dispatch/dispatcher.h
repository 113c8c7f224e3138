/* dispatcher: what becomes of each question that comes to a broker.
 *
 * A question is answered from the cache, or joins the one on its way that asks the same (a
 * "flight"), or becomes a job for a worker. What fails is tried again where that can help, then
 * answered from what is kept, then asked of the fallback; what has no answer gets a failure. The
 * dispatcher opens no socket and reads no clock: time is an argument, in milliseconds of any clock
 * that never runs backwards, and what must be done is pulled as actions.
 *
 * Invariant: every ticket is answered exactly once, before its question's deadline. */
#ifndef ZHERD_PLACESD_DISPATCH_DISPATCHER_H
#define ZHERD_PLACESD_DISPATCH_DISPATCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/histogram.h"
#include "placesd/dispatch/balance.h"
#include "placesd/dispatch/flights.h"
#include "placesd/dispatch/limiter.h"
#include "placesd/lookup.h"

/* Questions at a time; one more is answered "busy". Askers share them, and the jobs, too
 * (placesd/dispatch/share.h). */
#define DISPATCHER_WAITERS_MAX FLIGHTS_WAITERS_MAX
/* The provider and its fallback. */
#define DISPATCHER_SOURCES_MAX 2
/* An answer needs a moment for its way back: a question is over this long before its deadline, or
 * a tenth of its time if that is shorter. */
#define DISPATCHER_MARGIN_MS 100
/* A worker is given less time by this, or by a tenth, so that what it says of the provider
 * arrives while it still matters. */
#define DISPATCHER_TRAVEL_MS 50
/* A timeout shorter than this does not count as a failure of the provider. */
#define DISPATCHER_FAIR_MS 1000
/* How long a failure answers the same question. */
#define DISPATCHER_FAILURE_MS 5000
/* Second and third attempts of one question, and the longest pause before the first of them; it
 * doubles. */
#define DISPATCHER_RETRIES_MAX 2
#define DISPATCHER_PAUSE_MS    100

/* A provider as far as the dispatcher is concerned. */
struct dispatcher_source {
    const char *name;
    int64_t cache_ms; /* how long its answers answer other questions; 0: not at all */
    int64_t stale_ms; /* how much longer they do while it cannot be asked */
    uint32_t budget;  /* requests a day, 0 for no limit */
    /* Makes the answer about a smaller circle of one about a larger one, see
     * placesd/providers/provider.h; NULL: nothing does. */
    bool (*narrow)(struct span body, const struct nearby_json_offsets *offsets,
                   const struct lookup *lookup, struct buffer *json);
};

struct dispatcher_options {
    struct dispatcher_source sources[DISPATCHER_SOURCES_MAX];
    uint32_t source_count; /* 1 or 2 */
    uint32_t grid_m;       /* see cache_quantize */
    uint32_t nodes;        /* that share a budget, 1 to QUOTA_NODES_MAX */
    uint64_t seed;         /* random, as are the bytes below */
    uint8_t secret[16];
};

/* Counted since the start, never reset. */
struct dispatcher_counters {
    uint64_t asked, busy;
    uint64_t hits;                             /* answered by the cache */
    uint64_t joined;                           /* answered by another question's flight */
    uint64_t stale;                            /* flights answered by what was kept too long */
    uint64_t requests[DISPATCHER_SOURCES_MAX]; /* given to workers */
    uint64_t retries;
    uint64_t failures; /* flights that ended without a good answer */
    uint64_t answers[LOOKUP_CODES];
};

struct dispatcher;

/* Copies the options; names must stay. */
struct dispatcher *dispatcher_new(const struct dispatcher_options *options);
/* Accepts NULL, sets the caller's pointer to NULL. */
void dispatcher_destroy(struct dispatcher **dispatcher);

/* Whoever asks, as a number that means nothing here; 0 for all who are nobody in particular. A
 * question. Its ticket, or false: too many are unfinished. Pull all actions before the next call
 * of any function that changes the dispatcher. */
bool dispatcher_ask(struct dispatcher *dispatcher, uint64_t asker, const struct lookup *lookup,
                    int64_t now_ms, uint64_t *ticket);

/* Where the caller may keep what belongs to a ticket: below DISPATCHER_WAITERS_MAX, and no two
 * unfinished tickets share one. */
static inline uint32_t dispatcher_slot(uint64_t ticket)
{
    return (uint32_t)(ticket % DISPATCHER_WAITERS_MAX);
}

/* See placesd/dispatch/balance.h. */
enum balance_welcome dispatcher_ready(struct dispatcher *dispatcher, struct span worker,
                                      uint32_t credits, int64_t now_ms);
void dispatcher_locate(struct dispatcher *dispatcher, struct span worker, struct span address);
void dispatcher_lose(struct dispatcher *dispatcher, struct span worker);

/* A worker's answer to a job; an answer to anything else is dropped. `rest_ms` is for how long the
 * provider wants to be left alone, 0 if it did not say. */
void dispatcher_done(struct dispatcher *dispatcher, struct span worker, uint64_t job,
                     const struct lookup_reply *reply, int64_t rest_ms, int64_t now_ms);

/* The same where what it answered is no answer: that says nothing about the provider. */
void dispatcher_garbled(struct dispatcher *dispatcher, struct span worker, uint64_t job,
                        int64_t now_ms);

/* Whether an answer of that worker to that job would be used: one that is dropped need not be read.
 */
bool dispatcher_expects(const struct dispatcher *dispatcher, struct span worker, uint64_t job);

/* From now on new questions fail at once; those on their way may end. */
void dispatcher_close(struct dispatcher *dispatcher);
/* Every unfinished question fails, as actions. */
void dispatcher_stop(struct dispatcher *dispatcher);
/* Whether every ticket is answered. */
bool dispatcher_is_idle(const struct dispatcher *dispatcher);

enum dispatcher_action_kind {
    DISPATCHER_ANSWER,  /* answer `ticket` with `code` and `body`; it is over */
    DISPATCHER_GIVE,    /* send `job`, to ask `source` for `lookup`, to `worker` */
    DISPATCHER_PROBE,   /* say something to `worker`, and dispatcher_lose if that fails */
    DISPATCHER_LEFT,    /* `worker` is dropped */
    DISPATCHER_PAUSED,  /* for the log: `source` is not asked for `pause_ms` */
    DISPATCHER_RESUMED, /* for the log: `source` is asked again */
    DISPATCHER_SPENDS,  /* for the log: `budget` of `source` */
};

/* What is borrowed is so until the next call. */
struct dispatcher_action {
    enum dispatcher_action_kind kind;
    uint64_t ticket;
    enum lookup_code code;
    struct span body;
    uint64_t job;
    struct span worker;
    struct lookup lookup;
    const char *source;
    int64_t pause_ms;
    struct quota_news budget;
};

/* The next thing to do at this moment, or false. Call until it says false. */
bool dispatcher_next(struct dispatcher *dispatcher, int64_t now_ms,
                     struct dispatcher_action *action);

/* When dispatcher_next must be asked again although nothing happened; INT64_MAX for never. */
int64_t dispatcher_deadline_ms(const struct dispatcher *dispatcher);

/* What the provider's budget is to remember over a restart; see quota_write and quota_read. */
bool dispatcher_write_budget(const struct dispatcher *dispatcher, int64_t now_ms, int64_t wall_ms,
                             char text[QUOTA_TEXT_BYTES_MAX]);
bool dispatcher_read_budget(struct dispatcher *dispatcher, struct span text, int64_t now_ms,
                            int64_t wall_ms);

/* What a dispatcher looks like at a moment, for whoever shows it. */
struct dispatcher_source_view {
    const char *name;
    uint64_t requests;      /* given to workers */
    uint64_t paused_ms;     /* for how long it is left alone; 0: it is asked */
    uint64_t spent, budget; /* requests of the day; 0: no limit */
    /* From the moment when a worker got a request until its outcome, in whole milliseconds rounded
     * up; of each outcome. */
    const struct histogram *took;
};
struct dispatcher_view {
    const struct dispatcher_counters *count;
    struct dispatcher_source_view sources[DISPATCHER_SOURCES_MAX];
    uint32_t source_count;
    uint32_t questions; /* that are not answered yet */
    uint32_t workers;   /* that are there; by address, as in placesd/dispatch/balance.h */
    uint32_t host_count;
    struct lookup_host hosts[LOOKUP_HOSTS_MAX];
    uint64_t kept, kept_bytes; /* answers in the cache */
    bool closed;
};
/* What is borrowed is so as long as the dispatcher lives. */
void dispatcher_look(const struct dispatcher *dispatcher, int64_t now_ms,
                     struct dispatcher_view *view);

/* Appends what the service says of itself (lookup_write_figures): of its provider, not of the
 * fallback. */
void dispatcher_write_figures(const struct dispatcher *dispatcher, int64_t now_ms,
                              struct buffer *out);

const struct dispatcher_counters *dispatcher_count(const struct dispatcher *dispatcher);

#endif
