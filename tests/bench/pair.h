/* pair: one connection that sends updates, another that looks for them: what measures of a herd's
 * delay share. */
#ifndef ZHERD_TESTS_BENCH_PAIR_H
#define ZHERD_TESTS_BENCH_PAIR_H

#include "tests/bench/run.h"

struct pair {
    struct run *run;
    struct conn teller, asker; /* to the first server, and to the last */
    char *room;                /* CONN_READ_BYTES */
    int64_t next_ns;           /* when the next update may leave */
};

bool pair_open(struct pair *pair, struct run *run);
void pair_close(struct pair *pair);

/* Waits for the next update's moment: `run->rate` a second on average, at random, so that no
 * period of ours meets a period of theirs. */
void pair_pace(struct pair *pair);

/* Sends an update. `*asked` is a copy of it, and `due_ns` the moment just before. */
bool pair_tell(struct pair *pair, struct asked *asked);

/* Writes the connection's batch. */
bool pair_send(struct pair *pair, struct conn *conn);

/* Waits until the connection's batch is answered. */
bool pair_wait(struct pair *pair, struct conn *conn);

/* True when the socket can be read before `until_ns`. */
bool pair_readable(const struct conn *conn, int64_t until_ns);

/* Sleeps, or spins where the run says so. */
void pair_sleep_until(const struct pair *pair, int64_t until_ns);

#endif
