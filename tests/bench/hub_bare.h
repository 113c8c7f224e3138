/* hub_bare: what a hub of the bench is beside: loops that know nothing of herds, but send as many
 * bytes to as many neighbours, as often, and read as many answers. One has sockets of the system
 * and epoll; the other those of ZeroMQ that a hub has, a DEALER for each neighbour and a ROUTER.
 *
 * The neighbours are processes that leave the processors to others, as those of the bench's hub do
 * (tests/bench/hub_live.h). Ends the program with status 1 where
 * something cannot be had. */
#ifndef ZHERD_TESTS_BENCH_HUB_BARE_H
#define ZHERD_TESTS_BENCH_HUB_BARE_H

#include <stdint.h>

struct hub_bare_load {
    uint32_t neighbours, updates;
    int64_t pause_ns;
    unsigned every; /* a neighbour answers each so many updates */
};

/* Processor time of this process for each update and neighbour, and how many answers a neighbour
 * gave to one. */
struct hub_cost {
    double us, answers;
};

struct hub_cost hub_bare_epoll(const struct hub_bare_load *load);
struct hub_cost hub_bare_zeromq(const struct hub_bare_load *load);

#endif
