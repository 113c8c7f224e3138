/* hub_rows: what a hub's clients and its processor pay for neighbours that are there.
 *
 * Prints figures; returns what the program's status is to be. */
#ifndef ZHERD_TESTS_BENCH_HUB_ROWS_H
#define ZHERD_TESTS_BENCH_HUB_ROWS_H

#include <stdint.h>

/* All neighbours end and begin again at once, and must be told all clients: how long an answer to a
 * client takes meanwhile, and before; and how long until all have everything. */
int hub_rows_back(uint32_t clients, uint32_t neighbours, double calm_seconds);

/* What an update that comes alone costs the hub's process for each neighbour, beside a loop of
 * epoll that sends as many bytes and reads as many answers. */
int hub_rows_lone(uint32_t neighbours, uint32_t updates, double rate);

#endif
