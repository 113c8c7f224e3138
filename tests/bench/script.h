/* script: which request comes next.
 *
 * A client always speaks through the same connection, so the order of its updates is known. The
 * script draws clients at random and lets stamps rise; it does no I/O, and the same seed gives
 * the same requests.
 *
 * Invariant: a question that the script gives expects exactly the stamp of the newest update it
 * gave before for that client. */
#ifndef ZHERD_TESTS_BENCH_SCRIPT_H
#define ZHERD_TESTS_BENCH_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/speech.h"
#include "tests/sim/rng.h"

enum script_workload {
    SCRIPT_LOAD,    /* every client once */
    SCRIPT_IAMAT,   /* updates of clients drawn at random */
    SCRIPT_WHATSAT, /* questions about clients drawn at random; no updates */
    SCRIPT_MIXED,   /* nine updates to one question */
    SCRIPT_NEARBY,  /* who is near to places drawn at random; no updates */
    SCRIPT_SWEEP,   /* a question about every client, again where script_again says so */
};

struct script {
    enum script_workload workload;
    uint32_t connections;
    uint32_t clients;    /* at least as many as connections, where updates are drawn */
    uint64_t stamp_ns;   /* of the newest update */
    uint64_t left;       /* requests still to be given; UINT64_MAX: no end */
    struct known *known; /* as talk.known */
    struct rng rng;
    uint32_t *given; /* LOAD: by connection, how many of its clients have had their turn */
    uint32_t *queue; /* SWEEP: clients to be asked about, circular, room for all of them */
    uint32_t queue_head, queue_count;
};

/* Begins a workload; keeps stamps, known clients and rng as they are. */
void script_begin(struct script *script, enum script_workload workload, uint64_t requests);

/* Fills kind, client and stamp. False when there is nothing more for this connection to say. */
bool script_next(struct script *script, uint32_t connection, struct asked *asked);

/* SWEEP: ask about this client once more. */
void script_again(struct script *script, uint32_t client);

void script_free(struct script *script);

#endif
