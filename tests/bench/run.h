/* run: what all workloads share: whom to talk to, how, and what came of it. */
#ifndef ZHERD_TESTS_BENCH_RUN_H
#define ZHERD_TESTS_BENCH_RUN_H

#include "tests/bench/conn.h"
#include "tests/bench/figures.h"
#include "tests/bench/process.h"
#include "tests/bench/script.h"

#define RUN_SERVERS_MAX 16
/* How long nothing may move while replies are outstanding. */
#define RUN_PATIENCE_SECONDS 10
/* A hundred years: what ends only when its script does. */
#define RUN_FOR_EVER_NS (INT64_MAX / 4)

struct run {
    struct talk talk;
    struct script script;
    struct address servers[RUN_SERVERS_MAX]; /* updates go to the first */
    size_t server_count;
    uint32_t connections, depth;
    double rate; /* requests a second; 0: as fast as replies come */
    double seconds, warmup_seconds;
    uint64_t updates;             /* in all, of workloads that count them */
    double window_seconds;        /* propagate: a question follows its update within this time */
    bool spin;                    /* never sleep: steadier times for a processor of one's own */
    pid_t pids[PROCESS_PIDS_MAX]; /* of the servers */
    size_t pid_count;
    struct figures figures;
    /* Replies that were not right, requests without one, connections that the server ended. */
    uint64_t wrong, lost, broken;
};

/* Each runs one workload and adds its figures. False, with a line on standard error, only where
 * it could not be run at all; wrong and lost replies are counted. */
bool run_load(struct run *run);                                  /* steady.c */
bool run_steady(struct run *run, enum script_workload workload); /* steady.c */
bool run_nearby(struct run *run);                                /* steady.c */
bool run_expire(struct run *run);                                /* steady.c */
bool run_storm(struct run *run);                                 /* storm.c */
bool run_idle(struct run *run);                                  /* idle.c */
bool run_propagate(struct run *run);                             /* propagate.c */
bool run_push(struct run *run);                                  /* push.c */
bool run_told(struct run *run);                                  /* told.c */
bool run_converge(struct run *run);                              /* converge.c */

/* Counts what the end of a connection means: nothing where it is fine or blocked. */
void run_count_end(struct run *run, const struct conn *conn, enum conn_state state);

/* requests, seconds and requests_per_s. */
void run_add_rates(struct run *run, uint64_t requests, double seconds);
/* What the servers used between two looks: for one request, and in all. Nothing without pids. */
void run_add_use(struct run *run, const struct process_use *before, const struct process_use *after,
                 uint64_t requests);

#endif
