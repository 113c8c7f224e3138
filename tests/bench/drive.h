/* drive: many connections to one server, one loop.
 *
 * A free connection takes as many requests as are due, up to the depth, and is free again when
 * all are answered. In a closed loop requests are always due. At a fixed rate each has a moment
 * at which it must leave, kept even when all connections are busy: times count from that moment,
 * so a server that pauses cannot hide the requests it kept waiting.
 *
 * Invariant: every request that was issued is answered, or counted as lost. */
#ifndef ZHERD_TESTS_BENCH_DRIVE_H
#define ZHERD_TESTS_BENCH_DRIVE_H

#include "tests/bench/run.h"

struct drive {
    struct run *run;
    int poller;
    struct conn *conns;
    uint32_t *free; /* connections without a batch, circular: the longest free one is next */
    uint32_t free_head, free_count;
    uint32_t living; /* connections that are not broken */
    char *room;      /* CONN_READ_BYTES, for reads */

    /* Of one play: */
    uint32_t depth;
    double rate; /* 0: closed loop */
    int64_t start_ns, until_ns;
    int64_t progress_ns;       /* when a request left or a reply came last */
    uint64_t issued, answered; /* a lost reply counts as answered, but has no time */
    struct histogram times_ns; /* from due to answered */
};

/* Connects to a server. `depth` is the greatest batch of all that follow. */
bool drive_open(struct drive *drive, struct run *run, const struct address *server, uint32_t depth);

/* Plays the run's script until it ends or `length_ns` have passed, then waits until all replies
 * are there or given up. */
void drive_play(struct drive *drive, uint32_t depth, double rate, int64_t length_ns);

void drive_close(struct drive *drive);

#endif
