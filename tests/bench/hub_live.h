/* hub_live: a hub of the bench with sockets, and processes that are its neighbours.
 *
 * The hub's loop is a gateway's without its clients: the bus when it has something, and the client
 * of the bench at fixed moments, which tells a location and is answered before the bus has its
 * turn. So the answer takes as long as the turn that it comes into.
 *
 * The neighbours are this program again, and have a processor while nobody else wants it
 * (SCHED_IDLE, sched(7)): they stand for other machines. They end with the hub. */
#ifndef ZHERD_TESTS_BENCH_HUB_LIVE_H
#define ZHERD_TESTS_BENCH_HUB_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bus/net/bus.h"
#include "tests/bench/histogram.h"
#include "tests/bus/loopback.h"

#define HUB_LIVE_MAX      200
#define HUB_LIVE_NAME_MAX 12

struct hub_live {
    struct bus *bus;
    struct flood *flood;
    size_t count;
    pid_t processes[HUB_LIVE_MAX];
    uint64_t killed[HUB_LIVE_MAX]; /* incarnations */
    char names[HUB_LIVE_MAX][HUB_LIVE_NAME_MAX];
    char endpoint[LOOPBACK_ENDPOINT_BYTES_MAX];
    char endpoints[HUB_LIVE_MAX][LOOPBACK_ENDPOINT_BYTES_MAX];
    bool waits, coalesces;
    int64_t told_ns;       /* by the bench's client, last */
    int64_t next_ns;       /* when it speaks next; INT64_MAX: never */
    int64_t pause_ns;      /* between two times */
    struct histogram took; /* its answers */
    bool times_turns;      /* which takes two system calls in each: */
    struct histogram used; /* processor time of this thread in each turn that did something */
};

/* From now on this process is as the neighbours are. */
void hub_live_stand_aside(void);

/* The arguments after `--live-neighbour`, in a process of its own. */
int hub_live_be_neighbour(char **arguments);

/* Ends the program with status 1 where it cannot. */
void hub_live_open(struct hub_live *hub, size_t count);
void hub_live_close(struct hub_live *hub);

/* A location of the client with that number, newer than all before. */
void hub_live_tell(struct hub_live *hub, uint32_t client);

/* All neighbours begin, as new processes without a table; all end at once. */
void hub_live_start(struct hub_live *hub);
void hub_live_kill(struct hub_live *hub);

/* One turn of the loop, which sleeps at most until then. */
void hub_live_turn(struct hub_live *hub, int64_t until_ns);

/* Whether all neighbours that were started last are there, and have what was there before them. */
bool hub_live_is_whole(const struct hub_live *hub);

#endif
