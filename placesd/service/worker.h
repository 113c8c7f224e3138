/* worker: takes jobs from brokers and asks providers, on a thread of its own.
 *
 * It connects to the back of each broker, says READY each second, takes jobs up to its credits and
 * answers each of them, whatever the provider does (placesd/service/transfer.h asks). A connection
 * over which a broker is not reached is replaced by a new one, under a new name (bus/link/dial.h
 * says when). It keeps nothing and decides nothing about other workers.
 *
 * Invariant: a job taken is answered, unless the worker is stopped before. */
#ifndef ZHERD_PLACESD_SERVICE_WORKER_H
#define ZHERD_PLACESD_SERVICE_WORKER_H

#include "bus/base/fault.h"
#include "bus/net/auth.h"
#include "placesd/dispatch/dispatcher.h"
#include "placesd/service/transfer.h"

#define WORKER_BROKERS_MAX 8
/* Look-ups at a time: beyond some hundred, curl_multi_poll itself becomes the work. */
#define WORKER_CREDITS 128
/* Connections to one landmarks server, which answers one question after the other, each within
 * milliseconds: more bring no answer sooner, and several workers of one host have to fit in what it
 * allows one address (placesd/landmarks/server/landmarks.h). Only where a worker asks nobody else:
 * over HTTP/1.1 a provider that takes a second answers no more questions a second than it has
 * connections, so that the credits alone limit those. */
#define WORKER_LANDMARKS_CONNECTIONS_MAX 16

/* A broker, and what is to be asked for it. */
struct worker_broker {
    const char *back; /* "tcp://host:port" */
    /* Where a broker of this process is reached instead (broker_own_back). NULL: over the network.
     */
    const char *own_back;
    struct transfer_source sources[DISPATCHER_SOURCES_MAX];
    size_t source_count; /* at least 1; the first answers jobs that name none of them */
};

struct worker_options {
    const struct worker_broker *brokers;
    size_t broker_count;          /* 1 to WORKER_BROKERS_MAX */
    uint32_t credits;             /* shared by all brokers, at least one each */
    const struct auth_ends *keys; /* ours and the brokers'; NULL: in the clear */
    uint64_t kin; /* its life (placesd/caller.h) where the broker is in this process and
                     is to know it; 0: drawn */
};

struct worker;

/* Starts the thread. What the options point to must stay until worker_stop. NULL and one clear
 * sentence in `fault` where an endpoint is no endpoint or libcurl cannot do what is needed. */
struct worker *worker_start(const struct worker_options *options, struct fault *fault);

/* From any thread: between these two calls no job begins, and what the options' sources have for a
 * key may be changed. Jobs that have begun go on with the key they have. */
void worker_hold(struct worker *worker);
void worker_go_on(struct worker *worker);

/* What its brokers may prove themselves with from now on: a connection whose key is still listed
 * stays. Only where it was started with keys; any thread. */
void worker_expect(struct worker *worker, const struct keyring_keys *theirs);

/* Its first broker is elsewhere from now on, and is connected to there at once: what it was asked
 * before it answers over that connection. Copies; any thread. */
void worker_move(struct worker *worker, const char *back);

/* Takes no new jobs and waits until those it has are answered, or for `patience_ms`. */
void worker_drain(struct worker *worker, int64_t patience_ms);

/* Drops what is in flight and joins the thread. Accepts NULL, sets the caller's pointer to
 * NULL. */
void worker_stop(struct worker **worker);

#endif
