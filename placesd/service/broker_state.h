/* broker_state: what the broker's own files share (placesd/service/broker.h). Nobody else reads it.
 */
#ifndef ZHERD_PLACESD_SERVICE_BROKER_STATE_H
#define ZHERD_PLACESD_SERVICE_BROKER_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <czmq.h>

#include "bus/base/growth.h"
#include "bus/link/arrivals.h"
#include "bus/net/resolve.h"
#include "placesd/service/answers.h"
#include "placesd/service/broker.h"
#include "placesd/service/event.h"
#include "topology/monitor.h"
#include "topology/process_figures.h"

/* One of its two sockets, and where it listens. */
struct broker_side {
    zsock_t **socket;
    char **at; /* really bound */
    uint16_t *port;
    char endpoint[RESOLVE_ENDPOINT_BYTES_MAX], wanted[RESOLVE_ENDPOINT_BYTES_MAX];
    char *next_at; /* bound, and not taken yet; else NULL */
};

enum broker_move_kind { BROKER_MOVE_NONE, BROKER_MOVE_READ, BROKER_MOVE_TAKE, BROKER_MOVE_LEAVE };

/* What another thread asks for, under its lock. */
struct broker_move {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int wake; /* an eventfd(2) that the broker polls */
    enum broker_move_kind asked;
    bool is_over, is_good;
    struct fault fault;
    struct broker_side front, back;
};

/* "inproc://places-" and a number of 16 digits. */
#define BROKER_OWN_BACK_BYTES_MAX 40
/* ZeroMQ's name for the address that a message came from (zmq_msg_gets(3)). */
#define BROKER_ADDRESS_PROPERTY "Peer-Address"

struct broker {
    struct auth *auth; /* NULL without keys */
    zsock_t *front, *back;
    char *front_at, *back_at;                 /* the endpoints really bound */
    char own_back[BROKER_OWN_BACK_BYTES_MAX]; /* "" where it has no kin */
    uint16_t front_port, back_port;
    struct arrivals *front_arrivals, *back_arrivals;
    struct dispatcher *dispatcher;
    struct answers *answers;
    struct budget *budget; /* NULL: what is spent is forgotten */
    uint64_t requests_kept;
    int64_t budget_due_ms;
    zmsg_t *envelopes[DISPATCHER_WAITERS_MAX]; /* where answers go, by dispatcher_slot; NULL: no
                                                 such ticket */
    uint64_t kin;           /* the life of our own process's worker; 0: there is none */
    int64_t workers_second; /* of their last line in the log, */
    uint64_t workers_told;  /* and how many there were in it */
    struct event_fault rush, strange_front, strange_back, busy, crowded, keyless, nonsense;
    struct growth refused; /* keys */
    uint64_t invalid;      /* questions that are no look-up */
    atomic_bool reload_failed;
    _Atomic int64_t reloaded_s; /* Unix time; the start before the first */
    struct monitor *monitor;    /* NULL without one */
    pthread_mutex_t token_lock; /* for the next two, of another thread */
    char token[MONITOR_TOKEN_BYTES_MAX];
    size_t token_bytes;
    atomic_bool token_changed;
    struct process_figures process;
    struct broker_move move;
};

static inline struct span broker_bytes(zframe_t *frame)
{
    return (struct span){(const char *)zframe_data(frame), zframe_size(frame)};
}

/* ---- broker_workers.c ---- */

/* Whether the message, whose first frame is the worker's name, came from the worker of this process
 * and over no network: what came over one has an address. */
bool broker_is_own(const struct broker *broker, zmsg_t *message);

/* A message that came to the back, whose first frame is the worker's name. */
void broker_take_from_worker(struct broker *broker, zmsg_t *message, int64_t now_ms);

/* Takes over the message. A worker that cannot be reached any more is lost. */
void broker_send_to_worker(struct broker *broker, struct span worker, zmsg_t *message);
/* Says something to it, which shows whether it can be reached. */
void broker_probe(struct broker *broker, struct span worker);

/* Whoever reaches the back without keys may come under a new name thousands of times a second. */
void broker_log_worker(struct broker *broker, struct span name, const char *what, int64_t now_ms);

/* ---- broker_addresses.c ---- */

void broker_open_moves(struct broker *broker);
void broker_close_moves(struct broker *broker);

/* Does what another thread asks for; to be called when `move.wake` is readable. */
void broker_move_if_asked(struct broker *broker);
/* It is not called any more. */
void broker_end_moves(struct broker *broker);

/* ---- broker_monitor.c ---- */

/* As the options say; true where they want none. */
bool broker_open_monitor(struct broker *broker, const struct broker_options *options,
                         struct fault *fault);

/* Without a monitor: never, and nothing. */
int64_t broker_monitor_deadline_ms(const struct broker *broker, int64_t now_ms);
void broker_run_monitor(struct broker *broker, bool is_readable, int64_t now_ms);

#endif
